//! What leaves the program is redacted here, once: a report, and the evidence beside it.

use nspawn_matrix_reports::{Redaction, Report};

use crate::engine::Evidence;

/// Puts pseudonyms for what belongs to somebody, the same in the report and in all evidence.
pub(crate) fn redact(report: &mut Report, evidence: &mut [Evidence]) {
    let files = evidence.iter().flat_map(|host| &host.files);
    let texts = files.flat_map(|file| [&*file.name, &*file.content]);
    let mut redaction = Redaction::new(report, texts);
    *report = redaction.report(report);
    for Evidence { host, files } in evidence {
        *host = redaction.text(host);
        for file in files {
            file.name = redaction.text(&file.name);
            file.content = redaction.text(&file.content);
        }
    }
}

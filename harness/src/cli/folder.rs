//! The folder that a report goes to, in every form that it has, with evidence beside it.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use nspawn_matrix_reports::{Report, html, json, junit, markdown};

use super::Failure;
use crate::engine::Evidence;

/// What the report of all scenarios needs, in bytes.
const ROOM: usize = 16 << 20;

/// The folder.
#[derive(Clone)]
pub(super) struct Folder {
    path: PathBuf,
    is_new: bool,
}

impl Folder {
    /// Finds out before the run whether the report can be written after it.
    pub(super) fn check(path: PathBuf) -> Result<Self, Failure> {
        let is_new = !path.exists();
        let probe = || tempfile::tempfile_in(&path).and_then(|mut file| file.write_all(&vec![0; ROOM]));
        match fs::create_dir_all(&path).and_then(|()| probe()) {
            Ok(()) => Ok(Self { path, is_new }),
            Err(error) => {
                Err(Failure::usage(format!("cannot write to the folder `{}`: {error}", path.display()))
                    .hint("name another one with --out"))
            }
        }
    }

    /// The folder in it that the report of the host of this name goes to, where there are several.
    pub(super) fn of(&self, host: &str) -> Self {
        Self { path: self.path.join(host), is_new: true }
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Where nothing was measured, no empty folder stays.
    pub(super) fn leave_as_it_was(&self) {
        if self.is_new {
            let _ = fs::remove_dir(&self.path);
        }
    }

    /// Writes it in every form.
    pub(super) fn write(&self, report: &Report, evidence: &[Evidence]) -> Result<(), Failure> {
        let unable = |what: &str, error: &dyn std::fmt::Display| {
            Failure::unable(format!("write `{}`: {error}", self.path.join(what).display()))
                .hint("make room there, or name another folder with --out")
        };
        let path = |what: &str| self.path.join(what);
        fs::create_dir_all(&self.path).map_err(|error| unable("", &error))?;
        json::write(report, &path("report.json")).map_err(|error| unable("report.json", &error))?;
        junit::write(report, &path("junit.xml")).map_err(|error| unable("junit.xml", &error))?;
        html::write(report, &path("report.html")).map_err(|error| unable("report.html", &error))?;
        markdown::write(report, &path("summary.md")).map_err(|error| unable("summary.md", &error))?;
        write_evidence(evidence, &path("evidence")).map_err(|error| unable("evidence", &error))
    }
}

/// Evidence of an earlier run would be taken for this one's.
fn write_evidence(evidence: &[Evidence], folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    for host in evidence {
        let folder = folder.join(&host.host);
        fs::create_dir_all(&folder)?;
        for file in &host.files {
            fs::write(folder.join(&file.name), &file.content)?;
        }
    }
    Ok(())
}

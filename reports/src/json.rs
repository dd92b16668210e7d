//! `report.json`: the report as it is.

use std::fs::File;
use std::io;
use std::path::Path;

pub use crate::source::ReadError;
use crate::{Observation, Report, SCHEMA, lookups, source, write_whole};

/// Reads the report in the file at `path`.
///
/// # Errors
/// If the file cannot be read, or is not a report in the form [`SCHEMA`].
pub fn read(path: &Path) -> Result<Report, ReadError> {
    read_from(File::open(path)?)
}

/// Reads a report from a pipe, or an open file.
///
/// # Errors
/// As [`read`].
pub fn read_from(source: impl io::Read) -> Result<Report, ReadError> {
    let mut bytes = Vec::new();
    source::read_into(&mut bytes, source)?;
    parse(&bytes)
}

/// Reads a report from the bytes of a file.
///
/// # Errors
/// As [`read`].
pub fn parse(bytes: &[u8]) -> Result<Report, ReadError> {
    match serde_json::from_str::<Report>(source::text(bytes)?) {
        Ok(report) if report.schema == SCHEMA => possible(report),
        Ok(Report { schema: found, .. }) => Err(ReadError::Schema { found }),
        Err(error) => Err(source::explain(bytes, error)),
    }
}

/// The report, if what it says can be.
fn possible(report: Report) -> Result<Report, ReadError> {
    for case in &report.cases {
        if let Some(Observation::Names(names)) = &case.observed {
            lookups::check(names.samples, &names.spaces)
                .map_err(|why| ReadError::Impossible { case: case.name(), why })?;
        }
    }
    Ok(report)
}

/// Describes the form of `report.json` as JSON Schema (draft 2020-12).
#[must_use]
pub fn schema() -> schemars::Schema {
    schemars::schema_for!(Report)
}

/// Renders the report as indented JSON with a newline at the end.
///
/// # Errors
/// None in practice: every type of a report has a JSON form.
pub fn render(report: &Report) -> serde_json::Result<String> {
    serde_json::to_string_pretty(report).map(|text| text + "\n")
}

/// Writes the report to `path`, whole or not at all.
///
/// # Errors
/// Whatever the file system says.
pub fn write(report: &Report, path: &Path) -> io::Result<()> {
    write_whole(path, render(report)?.as_bytes())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fixture::{matrix, one_case};
    use crate::{Comparison, Excerpt, Facts};

    #[test]
    fn a_report_comes_back_as_it_was_written() {
        let full = matrix(&[254, 257]);
        assert_eq!(parse(render(&full).unwrap().as_bytes()).unwrap(), full);
        assert_eq!(parse(render(&one_case()).unwrap().as_bytes()).unwrap(), one_case());
    }

    /// A real one, cut down to a case of each kind, of before the network of hosts was kept, and whether a report is redacted.
    const OLDER: &[u8] = include_bytes!("../tests/data/report-of-0.1.json");

    #[test]
    fn an_older_report_of_this_schema_is_rendered_and_compared() {
        let older = parse(OLDER).unwrap();
        let Facts { network, modules, cgroups, .. } = older.hosts[0].facts.as_ref().unwrap();
        assert_eq!((network, modules, cgroups), (&None, &None, &None));
        assert_eq!((older.run.utilisation, older.run.redacted, older.tally().total()), (None, false, 9));
        let validator = jsonschema::validator_for(schema().as_value()).unwrap();
        assert!(validator.is_valid(&serde_json::from_slice(OLDER).unwrap()));
        let today = render(&older).unwrap();
        assert_eq!(parse(today.as_bytes()).unwrap(), older);
        let style = crate::table::Style { colour: false, width: 80 };
        for text in [
            crate::table::render(&older, style),
            crate::junit::render(&older).unwrap(),
            crate::html::render(&older),
            crate::markdown::render(&older),
        ] {
            assert!(text.contains("257") && text.contains("nat"), "{text}");
        }
        let excerpts = [("older.json", OLDER), ("today.json", today.as_bytes())]
            .map(|(source, bytes)| Excerpt::parse(source, bytes).unwrap());
        let comparison = Comparison::of(&excerpts).unwrap();
        assert!(comparison.is_same() && comparison.cells == 9);
    }

    #[test]
    fn a_report_of_before_warnings_were_kept_can_be_read() {
        let text = render(&one_case()).unwrap().replace(",\n      \"warnings\": [],\n      \"left\": []", "");
        assert!(!text.contains("warnings"));
        assert_eq!(parse(text.as_bytes()).unwrap(), one_case());
    }

    /// Where people and their tools find the schema. INSTA_UPDATE=always writes it anew, as it does snapshots.
    const SCHEMA_FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/report.schema.json");

    #[test]
    fn the_schema_in_docs_is_that_of_the_types() {
        let current = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
        if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
            write_whole(Path::new(SCHEMA_FILE), current.as_bytes()).unwrap();
        }
        assert!(
            std::fs::read_to_string(SCHEMA_FILE).unwrap() == current,
            "write it anew: INSTA_UPDATE=always"
        );
    }

    #[test]
    fn every_report_follows_the_schema() {
        let validator = jsonschema::validator_for(schema().as_value()).unwrap();
        for report in [matrix(&[254, 257]), one_case()] {
            let value = serde_json::to_value(report).unwrap();
            let errors: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
            assert_eq!(errors, Vec::<String>::new());
        }
        assert!(!validator.is_valid(&serde_json::json!({ "schema": SCHEMA })));
    }

    #[test]
    fn a_written_file_is_what_is_rendered() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.json");
        write(&one_case(), &path).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), render(&one_case()).unwrap());
        assert_eq!(read(&path).unwrap(), one_case());
    }

    #[test]
    fn the_contract_is_visible() {
        insta::assert_snapshot!(render(&one_case()).unwrap(), @r#"
        {
          "schema": "nspawn-matrix/report/1",
          "run": {
            "id": "3fa90c11",
            "started": "2026-11-20T10:11:12.345Z",
            "finished": "2026-11-20T10:12:40Z",
            "tool_version": "0.1.0",
            "argv": [
              "nspawn-matrix",
              "run"
            ],
            "utilisation": {
              "cores": 2,
              "busy_percent": 86,
              "last_stretch": {
                "ms": 12345,
                "busy_percent": 71
              }
            },
            "redacted": false
          },
          "hosts": [
            {
              "id": "sandbox/trixie/nat",
              "kind": "sandbox",
              "profile": "stock",
              "image": "trixie",
              "payload": "trixie",
              "facts": {
                "os": "Debian GNU/Linux 13 (trixie)",
                "systemd": "257 (257.13-1~deb13u1)",
                "kernel": "6.12.48",
                "virtualization": "systemd-nspawn",
                "provider": null,
                "roots": "btrfs",
                "cgroups": null,
                "user_namespaces": null,
                "bridge_nf_call_iptables": false,
                "network": null,
                "cloud": null,
                "hostname": null,
                "modules": null,
                "settings": {}
              },
              "systemd": 257,
              "payload_systemd": 257,
              "warnings": [],
              "left": []
            }
          ],
          "cases": [
            {
              "host": "sandbox/trixie/nat",
              "scenario": "nat",
              "check": "resolve/peer/any",
              "subject": "alpha->beta",
              "verdict": "fail",
              "expected": "lease",
              "observed": {
                "kind": "names",
                "name": "beta",
                "family": "any",
                "path": "nss",
                "samples": 32,
                "overlapped": 0,
                "spaces": {
                  "lease": 12,
                  "ipv6-link-local": 20
                },
                "first_answers": 2,
                "unanswered": 0,
                "addresses": [
                  {
                    "address": "10.0.55.38",
                    "space": "lease",
                    "count": 12
                  },
                  {
                    "address": "fe80::5054:ff:fe12:1%2",
                    "space": "ipv6-link-local",
                    "count": 20
                  }
                ],
                "took": {
                  "min_us": 230,
                  "median_us": 410,
                  "p90_us": 520,
                  "max_us": 610
                },
                "times_us": {}
              },
              "reason": "fe80 was answered",
              "link": null,
              "attempts": 1,
              "explanations": [
                {
                  "code": "llmnr-any",
                  "text": "LLMNR answers with every address of the link",
                  "evidence": "resolvectl: +LLMNR on host0",
                  "remedy": "resolvectl llmnr host0 no",
                  "link": null
                }
              ],
              "duration_ms": 204
            }
          ],
          "timeline": [
            {
              "host": "sandbox/trixie/nat",
              "scenario": "nat",
              "machine": "alpha",
              "event": "lease",
              "at_ms": 2130
            }
          ]
        }
        "#);
    }

    /// What is said of a file with this text.
    fn refused(text: &str) -> String {
        parse(text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn a_file_that_is_no_report_is_told_what_it_lacks() {
        assert_eq!(refused(""), "it is cut off at line 1");
        assert_eq!(refused("<xml/>"), "it is not JSON: expected value at line 1 column 1");
        assert_eq!(
            refused("{}"),
            "it is no report of nspawn-matrix: missing field `schema` at line 1 column 2"
        );
        assert_eq!(refused("[1e999]"), "it is not JSON: number out of range at line 1 column 6");
        let whole = render(&one_case()).unwrap();
        assert_eq!(
            refused(&whole.replace("\"at_ms\": 2130", "\"at_ms\": -1")),
            "it is no report of nspawn-matrix: invalid value: integer `-1`, expected u64 at line 113 column 17"
        );
        assert_eq!(refused(whole.split_at(whole.len() / 2).0), "it is cut off at line 58");
    }

    #[test]
    fn a_report_in_another_form_is_named_by_it_whether_it_fits_or_not() {
        let whole = render(&one_case()).unwrap().replace(SCHEMA, "nspawn-matrix/report/9");
        let told = "its schema is `nspawn-matrix/report/9`, and this version of nspawn-matrix reads \
                    `nspawn-matrix/report/1`";
        assert_eq!(refused(&whole), told);
        assert_eq!(refused(&whole.replace("\"cases\"", "\"results\"")), told);
    }

    #[test]
    fn deep_nesting_is_an_error_and_no_overflow_of_the_stack() {
        for opening in ["[", "{\"hosts\":", "{\"unknown\":", "{\"cases\":[{\"observed\":"] {
            parse(opening.repeat(100_000).as_bytes()).unwrap_err();
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes);
        }

        #[test]
        fn a_report_that_was_cut_off_is_an_error(at: prop::sample::Index) {
            let whole = render(&matrix(&[257])).unwrap();
            let end = whole.trim_end().len();
            let cut_off = parse(&whole.as_bytes()[..at.index(end)]);
            let is_told = matches!(cut_off, Err(ReadError::CutOff { .. }));
            prop_assert!(is_told);
        }

        #[test]
        fn no_damage_to_a_report_makes_the_reader_panic(
            damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)
        ) {
            let mut bytes = render(&one_case()).unwrap().into_bytes();
            for (at, byte) in damage {
                *at.get_mut(&mut bytes) = byte;
            }
            let _ = parse(&bytes);
        }
    }
}

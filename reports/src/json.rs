//! `report.json`: the report as it is.

use std::io;
use std::path::Path;

use crate::{Report, write_whole};

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

    #[test]
    fn a_report_comes_back_as_it_was_written() {
        let full = matrix(&[254, 257]);
        assert_eq!(serde_json::from_str::<Report>(&render(&full).unwrap()).unwrap(), full);
        assert_eq!(serde_json::from_str::<Report>(&render(&one_case()).unwrap()).unwrap(), one_case());
    }

    #[test]
    fn a_report_of_before_warnings_were_kept_can_be_read() {
        let text = render(&one_case()).unwrap().replace(",\n      \"warnings\": [],\n      \"left\": []", "");
        assert!(!text.contains("warnings"));
        assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), one_case());
    }

    #[test]
    fn a_written_file_is_what_is_rendered() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.json");
        write(&one_case(), &path).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), render(&one_case()).unwrap());
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
            ]
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
                "bridge_nf_call_iptables": false,
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

    fn read(bytes: &[u8]) -> serde_json::Result<Report> {
        serde_json::from_slice(bytes)
    }

    #[test]
    fn deep_nesting_is_an_error_and_no_overflow_of_the_stack() {
        for opening in ["[", "{\"hosts\":", "{\"unknown\":", "{\"cases\":[{\"observed\":"] {
            read(opening.repeat(100_000).as_bytes()).unwrap_err();
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes);
        }

        #[test]
        fn a_report_that_was_cut_off_is_an_error(at: prop::sample::Index) {
            let whole = render(&matrix(&[257])).unwrap();
            let end = whole.trim_end().len();
            prop_assert!(read(&whole.as_bytes()[..at.index(end)]).is_err());
        }

        #[test]
        fn no_damage_to_a_report_makes_the_reader_panic(
            damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)
        ) {
            let mut bytes = render(&one_case()).unwrap().into_bytes();
            for (at, byte) in damage {
                *at.get_mut(&mut bytes) = byte;
            }
            let _ = read(&bytes);
        }
    }
}

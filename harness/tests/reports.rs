//! What reading a report gives: `report` in every form, `compare`, and what both say of a file that is none.

#[path = "support/said.rs"]
mod said;

use std::collections::BTreeSet;
use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use nspawn_matrix_reports::json;
use said::{printed, refusal, run_beside, run_in};

/// The report of a real run of the scenarios `zone` and `nat`, as `scripts/example` keeps it.
const REAL_REPORT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/report.json");

const EMPTY_REPORT: &str = r#"{
  "schema": "nspawn-matrix/report/1",
  "run": { "id": "3fa90c11", "started": "2026-11-20T10:11:12Z", "finished": "2026-11-20T10:12:40Z",
           "tool_version": "0.1.0", "argv": [] },
  "hosts": [], "cases": [], "timeline": []
}"#;

const FORMS: [&str; 5] = ["table", "json", "junit", "html", "markdown"];

#[test]
fn a_report_is_rendered_in_every_form() {
    let folder = tempfile::tempdir().expect("there is a place for temporary files");
    let bytes = std::fs::read(REAL_REPORT).expect("it lies beside the tests");
    let report = json::parse(&bytes).expect("it is a report");
    let rendered = FORMS.map(|form| as_nobody(folder.path(), &bytes, &["report", "-", "--format", form]));
    let [table, json, junit, html, markdown] = rendered;
    let tally = report.tally().to_string();
    assert!(table.contains(&tally) && table.contains("\nReach (257) "), "{table}");
    let again = json::parse(json.as_bytes()).expect("it is a report again");
    assert_eq!((again.cases.len(), again.tally(), again.hosts.len()), (450, report.tally(), 2));
    assert_eq!(junit.matches("<testcase ").count(), report.cases.len());
    let asked: BTreeSet<_> = report.cases.iter().map(|case| (&case.scenario, &case.check)).collect();
    assert_eq!(html.matches("<script type=\"text/html\" id=").count(), asked.len());
    assert!(markdown.starts_with(&format!("# nspawn-matrix: {tally}\n")), "{}", &markdown[..200]);
    let out = folder.path().join("page.html");
    let written = ["--format", "html", "--out", out.to_str().expect("the path is text")];
    assert_eq!(printed(&[&["report", REAL_REPORT][..], &written].concat()), "");
    assert_eq!(std::fs::read_to_string(out).expect("the page was written"), html);
}

#[test]
fn a_report_without_cases_is_rendered_in_every_form() {
    let folder = tempfile::tempdir().expect("there is a place for temporary files");
    let render = |form| as_nobody(folder.path(), EMPTY_REPORT.as_bytes(), &["report", "-", "--format", form]);
    let [table, json, junit, html, markdown] = FORMS.map(render);
    assert_eq!(table, "no cases\n");
    assert!(json.starts_with("{\n  \"schema\": ") && junit.contains("<testsuites"), "{json}{junit}");
    assert!(html.starts_with("<!DOCTYPE html>") && html.contains("no cases"), "{html}");
    assert!(markdown.starts_with("# nspawn-matrix: no cases\n"), "{markdown}");
}

/// Runs the program with this standard input as a user without any right, as far as somebody else may be one, in a folder
/// that is made readable. What was printed.
#[expect(clippy::disallowed_methods, reason = "the program is tested from outside")]
fn as_nobody(folder: &Path, input: &[u8], arguments: &[&str]) -> String {
    let (program, file) = (folder.join("nspawn-matrix"), folder.join("input"));
    if !program.exists() {
        std::fs::copy(env!("CARGO_BIN_EXE_nspawn-matrix"), &program)
            .expect("the program can be copied there");
        let readable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(folder, readable).expect("the folder is ours");
    }
    std::fs::write(&file, input).expect("a file can be written there");
    let mut command = Command::new(program);
    command.args(arguments).current_dir("/").stdin(File::open(file).expect("it was just written"));
    if nix::unistd::geteuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    let output = command.output().expect("the program was copied");
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), &*told), (Some(0), ""), "{arguments:?}");
    String::from_utf8(output.stdout).expect("what is printed is text")
}

/// The user that owns nothing (`nobody`).
const NOBODY: u32 = 65534;

#[test]
fn what_is_no_report_is_told_in_one_line() {
    insta::assert_snapshot!(refusal(&["report", "/nonexistent/report.json"]));
    let files = [
        ("cut.json", &EMPTY_REPORT[..100]),
        ("other.json", "[1, 2]"),
        ("table.txt", "systemd 257 on Debian"),
        ("newer.json", &EMPTY_REPORT.replace("report/1", "report/9")),
    ];
    insta::assert_snapshot!(files.map(|(name, _)| run_beside(&files, &["report", name])).concat());
}

/// A report of one host and one answered ping, made from the empty one.
fn report_of(systemd: u32, received: u32) -> String {
    let host = format!(
        r#"{{ "id": "h", "kind": "sandbox", "profile": "stock", "image": "i{systemd}", "payload": "i{systemd}",
             "facts": null, "systemd": {systemd}, "payload_systemd": {systemd} }}"#
    );
    let case = format!(
        r#"{{ "host": "h", "scenario": "zone", "check": "ping/peer/ipv4", "subject": "alpha->beta", "verdict": "pass",
             "expected": "answers", "observed": {{ "kind": "ping", "target": "10.0.0.2", "sent": 3,
             "received": {received}, "rtt_us": null, "ttl": null }}, "reason": null, "link": null, "attempts": 1,
             "explanations": [], "duration_ms": 1 }}"#
    );
    let empty = EMPTY_REPORT.replace("\"hosts\": []", &format!("\"hosts\": [{host}]"));
    empty.replace("\"cases\": []", &format!("\"cases\": [{case}]"))
}

/// A report of as many lookups, which gave first a lease and fe80 so often.
fn report_of_lookups(samples: u32, [leases, link_locals]: [u32; 2]) -> String {
    let (before, rest) = report_of(257, 3).split_once("\"observed\": ").map(owned).expect("it has a case");
    let (_, after) = rest.split_once(", \"reason\"").map(owned).expect("it has a reason");
    format!(
        r#"{before}"observed": {{ "kind": "names", "name": "beta", "family": "any", "path": "nss", "samples": {samples},
             "overlapped": 0, "spaces": {{ "lease": {leases}, "ipv6-link-local": {link_locals} }}, "first_answers": 2,
             "addresses": [], "took": {{ "min_us": 0, "median_us": 0, "p90_us": 0, "max_us": 18446744073709551615 }},
             "times_us": {{ "lease": [0, 18446744073709551615] }} }}, "reason"{after}"#
    )
}

fn owned((before, after): (&str, &str)) -> (String, String) {
    (before.to_owned(), after.to_owned())
}

/// Compares reports with these names; standard input is `piped`. Exit code, what was printed, what was told.
#[expect(clippy::disallowed_methods, reason = "the program is tested from outside")]
fn compared(files: &[(&str, &str)], arguments: &[&str], piped: &str) -> String {
    let folder = tempfile::tempdir().expect("there is a place for temporary files");
    for (name, content) in files {
        std::fs::write(folder.path().join(name), content).expect("a file can be written there");
    }
    let input = folder.path().join("piped");
    std::fs::write(&input, piped).expect("a file can be written there");
    let output = Command::new(env!("CARGO_BIN_EXE_nspawn-matrix"))
        .arg("compare")
        .args(arguments)
        .current_dir(folder.path())
        .stdin(std::fs::File::open(input).expect("it was just written"))
        .output()
        .expect("the program was built");
    let code = output.status.code().expect("no signal");
    let (printed, told) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    format!("{code}\n{printed}{told}")
}

#[test]
fn reports_side_by_side_are_the_same_or_different() {
    let (old, new, slow) = (report_of(252, 0), report_of(257, 3), report_of(254, 0));
    let files = [("old.json", old.as_str()), ("new.json", &new), ("slow.json", &slow)];
    assert!(compared(&files, &["old.json", "slow.json"], "").starts_with("0\n"));
    assert!(compared(&files, &["new.json", "-"], &new).starts_with("0\n"));
    insta::assert_snapshot!(compared(&files, &["old.json", "-"], &new));
    insta::assert_snapshot!(compared(&files, &["--since", "new.json", "slow.json", "old.json"], ""));
    let series = compared(&files, &["--since", "--format", "json", "new.json", "slow.json", "old.json"], "");
    let Some((code, series)) = series.split_once('\n') else { panic!("{series}") };
    let series: serde_json::Value = serde_json::from_str(series).expect("it is JSON");
    let step = |at: usize| {
        let step = &series["changes"][0]["steps"][at];
        let column = usize::try_from(step["column"].as_u64()?).ok()?;
        Some(format!("{}: {}", series["columns"][column]["heading"], step["answer"]))
    };
    let steps = [0, 1].map(step).map(Option::unwrap_or_default);
    assert_eq!((code, steps), ("1", [r#""252": "no""#, r#""257": "yes""#].map(String::from)));
    let json = compared(&files, &["old.json", "new.json", "--format", "json"], "");
    let Some((code, json)) = json.split_once('\n') else { panic!("{json}") };
    let json: serde_json::Value = serde_json::from_str(json).expect("it is JSON");
    assert_eq!((code, &json["groups"][0]["differences"][0]["check"]), ("1", &"ping/peer/ipv4".into()));
}

#[test]
fn a_series_tells_what_not_all_were_asked_in_every_form_that_it_has() {
    let (old, new) = (report_of(252, 3), report_of(257, 3).replace("\"zone\"", "\"nat\""));
    let files = [("old.json", old.as_str()), ("new.json", &new), ("empty.json", EMPTY_REPORT)];
    for form in ["table", "json", "html", "markdown"] {
        let told = compared(&files, &["--since", "old.json", "new.json", "--format", form], "");
        assert!(told.starts_with("1\n") && told.contains("zone") && told.contains("nat"), "{told}");
    }
    insta::assert_snapshot!(compared(&files, &["--since", "old.json", "new.json"], ""));
    insta::assert_snapshot!(compared(&files, &["--since", "old.json", "empty.json"], ""));
    let same = compared(&files, &["--since", "old.json", "old.json"], "");
    assert_eq!(same, "0\n0 of 1 answer changed\n");
}

#[test]
fn what_cannot_be_compared_is_told_in_one_line() {
    let good = report_of(252, 0);
    let files = [("one.json", good.as_str()), ("cut.json", &good[..300]), ("other.json", "[1, 2]")];
    let deep = "[".repeat(100_000);
    let newer = good.replace("report/1", "report/9");
    let told = [
        compared(&files, &["one.json"], ""),
        compared(&files, &["-", "one.json", "-"], &good),
        compared(&files, &["one.json", "cut.json", "other.json"], ""),
        compared(&files, &["one.json", "other.json"], ""),
        compared(&files, &["one.json", "-"], &newer),
        compared(&files, &["-", "one.json"], &deep),
        compared(&files, &["one.json", "absent.json"], ""),
        compared(&files, &["--since", "--format", "junit", "absent.json"], ""),
        compared(&[("a.json", EMPTY_REPORT)], &["a.json", "a.json"], ""),
        compared(&[("a.json", EMPTY_REPORT)], &["--since", "a.json", "a.json"], ""),
    ];
    insta::assert_snapshot!(told.concat());
}

/// Files that somebody might hand to a reader of reports, by mistake or to do harm, made from a good one.
fn hostile(good: &str) -> Vec<(&'static str, Vec<u8>)> {
    let with = |from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        good.replacen(from, to, 1).into_bytes()
    };
    let deep = |opening: &str, closing: &str| opening.repeat(100_000) + &closing.repeat(100_000);
    let half_a_character = [&good.as_bytes()[..good.len() / 2], b"\xe2\x82"].concat();
    vec![
        ("empty.json", Vec::new()),
        ("null.json", b"null".to_vec()),
        ("nul-bytes.json", vec![0; 4096]),
        ("nul-within.json", with("\"hosts\": ", "\"hosts\": \0")),
        ("gzip.json", b"\x1f\x8b\x08\0\0\0\0\0".to_vec()),
        ("half-a-character.json", half_a_character),
        ("not-utf-8.json", [good.as_bytes(), b"\xff"].concat()),
        ("twice.json", [good, good].concat().into_bytes()),
        ("deep.json", deep("[", "]").into_bytes()),
        ("deep-unclosed.json", deep("{\"cases\":", "").into_bytes()),
        ("deep-cases.json", with("\"cases\": [", &format!("\"cases\": {}, \"more\": [", deep("[", "]")))),
        ("deep-facts.json", with("\"facts\": null", &format!("\"facts\": {}", deep("{\"os\":", "}")))),
        (
            "deep-observation.json",
            with("\"observed\": {", &format!("\"observed\": {{ \"a\": {}, ", deep("[", "]"))),
        ),
        ("huge-number.json", with("\"systemd\": 252", "\"systemd\": 1e999")),
        ("huge-integer.json", with("\"systemd\": 252", "\"systemd\": 99999999999999999999")),
        ("negative.json", with("\"received\": 0", "\"received\": -1")),
        ("lookups-of-nobody.json", report_of_lookups(32, [4_294_967_295, 1]).into_bytes()),
        ("lookups-without-end.json", report_of_lookups(4_294_967_295, [4_294_967_294, 1]).into_bytes()),
        ("wrong-type.json", with("\"subject\": \"alpha->beta\"", "\"subject\": {}")),
        ("text-for-hosts.json", with("\"hosts\": [", "\"hosts\": \"none\", \"more\": [")),
        (
            "unknown-verdict.json",
            with("\"verdict\": \"pass\"", "\"verdict\": \"fine\\n\\u001b[31merror: all is lost\""),
        ),
        (
            "long-verdict.json",
            with("\"verdict\": \"pass\"", &format!("\"verdict\": \"{}\"", "x".repeat(1_000_000))),
        ),
        ("unknown-kind.json", with("\"kind\": \"ping\"", "\"kind\": \"smell\"")),
        ("no-kind.json", with("\"kind\": \"ping\", ", "")),
        ("other-schema.json", with("nspawn-matrix/report/1", "a\\nb\\u001b[2Jc")),
        ("schema-of-number.json", with("\"nspawn-matrix/report/1\"", "1")),
        (
            "other-tool.json",
            br#"{ "version": "2.1.0", "runs": [{ "tool": { "driver": { "name": "x" } } }] }"#.to_vec(),
        ),
        ("other-tool.xml", b"<testsuites/>".to_vec()),
    ]
}

#[test]
fn whatever_is_in_a_file_is_told_in_one_line() {
    let good = report_of(252, 0);
    let folder = tempfile::tempdir().expect("there is a place for temporary files");
    let write = |name: &str, content: &[u8]| {
        std::fs::write(folder.path().join(name), content).expect("a file can be written there");
    };
    write("good.json", good.as_bytes());
    std::fs::create_dir(folder.path().join("folder")).expect("a folder can be made there");
    let mut names = vec!["folder"];
    for (name, content) in hostile(&good) {
        write(name, &content);
        names.push(name);
    }
    let told = names.iter().map(|name| {
        let [compared, reported] =
            [&["compare", "good.json", *name][..], &["report", *name]].map(|arguments| {
                let output = run_in(folder.path(), arguments);
                let told = String::from_utf8(output.stderr).expect("what is told is text");
                assert_eq!(
                    (output.status.code(), output.stdout.len()),
                    (Some(3), 0),
                    "{arguments:?}: {told}"
                );
                let lines: Vec<&str> = told.lines().collect();
                let is_told_in_one =
                    lines[0].starts_with(&format!("error: read `{name}`: ")) && lines[0].len() < 400;
                let has_no_more =
                    lines[1..].iter().all(|line| line.starts_with("hint: ")) && lines.len() <= 2;
                assert!(is_told_in_one && has_no_more && !told.contains('\u{1b}'), "{arguments:?}: {told}");
                told
            });
        if compared == reported { compared } else { format!("{compared}as a whole: {reported}") }
    });
    insta::assert_snapshot!(told.collect::<String>());
}

/// Reports that are well-formed, with the largest numbers that there can be.
#[test]
fn the_largest_numbers_are_rendered_and_compared_in_every_form() {
    let events = ["0", "18446744073709551615"].map(|at_ms| {
        format!(
            r#"{{ "host": "h", "scenario": "zone", "machine": null, "event": "lease", "at_ms": {at_ms} }}"#
        )
    });
    let extreme = |leases, link_locals| {
        let report = report_of_lookups(1_000_000, [leases, link_locals]);
        let report = report.replace("\"timeline\": []", &format!("\"timeline\": [{}]", events.join(", ")));
        let longest = report.replace("\"duration_ms\": 1", "\"duration_ms\": 18446744073709551615");
        longest.replace("\"attempts\": 1", "\"attempts\": 4294967295")
    };
    let last = format!("\"timeline\": [{}]", events[1]);
    let at_once = report_of(4_294_967_295, 4_294_967_295).replace("\"timeline\": []", &last);
    let files =
        [("one.json", extreme(999_999, 1)), ("other.json", extreme(1, 999_999)), ("at-once.json", at_once)];
    let folder = tempfile::tempdir().expect("there is a place for temporary files");
    for (name, content) in &files {
        std::fs::write(folder.path().join(name), content).expect("a file can be written there");
    }
    let ends = |code: i32, arguments: &[&str]| {
        let output = run_in(folder.path(), arguments);
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), &*told), (Some(code), ""), "{arguments:?}");
        assert!(!output.stdout.is_empty(), "{arguments:?}");
    };
    for form in FORMS {
        for (name, _) in &files {
            ends(0, &["report", name, "--format", form]);
        }
        ends(1, &["compare", "one.json", "other.json", "at-once.json", "--format", form]);
    }
}

#[test]
fn what_is_not_compared_need_only_be_json() {
    let good = report_of(252, 0);
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let odd = good.replace("\"attempts\": 1", &format!("\"attempts\": 1e999, \"more\": {deep}"));
    assert_ne!(good, odd);
    assert!(
        compared(&[("good.json", &good), ("odd.json", &odd)], &["good.json", "odd.json"], "")
            .starts_with("0\n")
    );
}

/// A shell gives `<(zcat report.json.gz)` as the path of a pipe.
#[test]
fn a_pipe_is_read_as_a_file_is() {
    let folder = tempfile::tempdir().expect("there is a place for temporary files");
    let pipe = folder.path().join("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).expect("a pipe can be made there");
    std::fs::write(folder.path().join("good.json"), report_of(252, 0)).expect("a file can be written there");
    for (content, code) in [(report_of(252, 0), 0), (report_of(257, 3), 1), (String::new(), 3)] {
        let output = std::thread::scope(|scope| {
            scope.spawn(|| std::fs::write(&pipe, content).expect("the pipe has a reader"));
            run_in(folder.path(), &["compare", "good.json", "pipe"])
        });
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{told}");
        assert!(code != 3 || told == "error: read `pipe`: it is cut off at line 1\n", "{told}");
    }
}

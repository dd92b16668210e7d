//! What it takes to lay a hundred reports of ten thousand cases side by side, from files, as `compare` does.
//!
//! The reports are made first, in a temporary folder, from the kinds of answers that a run has, in the shares that it has
//! them in, with other times in each report and some answers that differ. Time and memory are held against what the
//! project promises; a promise that is broken makes it end with 1.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use nspawn_matrix_reports::comparison::table;
use nspawn_matrix_reports::table::Style;
use nspawn_matrix_reports::{Comparison, Excerpt, SCHEMA};
use serde_json::{Value, json};

const REPORTS: usize = 100;
const CASES: usize = 10_000;

/// The most that it may take.
const TIME: Duration = Duration::from_secs(2);

/// The most memory that may be in use at any time, in bytes.
const MEMORY: u64 = 1 << 30;

/// How often it is done; the median counts, since the machine does other things as well.
const ROUNDS: usize = 5;

fn main() -> ExitCode {
    let folder = tempfile::tempdir().expect("there is a place for temporary files");
    let paths: Vec<PathBuf> =
        (0..REPORTS).map(|number| folder.path().join(format!("{number}.json"))).collect();
    let mut bytes = 0;
    for (number, path) in paths.iter().enumerate() {
        bytes += write(number, path).expect("a report can be written");
    }
    let mut times: Vec<Duration> = (0..ROUNDS).map(|_| compare(&paths)).collect();
    times.sort_unstable();
    let (time, memory) = (times[ROUNDS / 2], peak_of_memory().expect("the kernel tells it"));
    println!(
        "{REPORTS} reports of {CASES} cases, {} MB: {:.2} s (at most {:.2} s), {} MiB (at most {} MiB)",
        bytes / 1_000_000,
        time.as_secs_f64(),
        TIME.as_secs_f64(),
        memory >> 20,
        MEMORY >> 20
    );
    if time <= TIME && memory <= MEMORY { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn compare(paths: &[PathBuf]) -> Duration {
    let started = Instant::now();
    let excerpts = Excerpt::read(paths).map_err(|(_, error)| error).expect("they were just written");
    let comparison = Comparison::of(&excerpts).expect("there are several");
    let text = table::render(&comparison, Style { colour: false, width: 120 });
    assert!(text.contains("cells differ: ") && comparison.cells == CASES);
    started.elapsed()
}

/// The peak of resident memory since the start, in bytes (proc_pid_status(5)).
fn peak_of_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(peak.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
}

/// Writes the report of this number; returns its size in bytes.
fn write(number: usize, path: &Path) -> io::Result<usize> {
    let report = json!({
        "schema": SCHEMA,
        "run": { "id": format!("{number:08x}"), "started": "2026-11-20T10:11:12Z",
                 "finished": "2026-11-20T10:12:40Z", "tool_version": "0.1.0", "argv": [] },
        "hosts": [{ "id": "h", "kind": "sandbox", "profile": "stock", "image": "trixie", "payload": "trixie",
                    "facts": null, "systemd": 257, "payload_systemd": 257 }],
        "timeline": [],
    });
    // `kind` comes first, as it does in a report; a map of serde_json would sort it.
    let cases: Vec<String> = (0..CASES).map(|at| case(number, at)).collect();
    let head = serde_json::to_string_pretty(&report)?;
    let text = head.replacen('{', &format!("{{\n  \"cases\": [\n{}\n  ],", cases.join(",\n")), 1);
    std::fs::write(path, &text)?;
    Ok(text.len())
}

/// One of each hundred cases differs in one of ten reports.
fn case(number: usize, at: usize) -> String {
    let differs = at % 100 == 7 && number % 10 == 3;
    let (kind, rest) = observed(number, at, differs);
    let observed = serde_json::to_string_pretty(&rest).unwrap_or_default().replace('\n', "\n      ");
    let observed = observed.replacen('{', &format!("{{\n        \"kind\": \"{kind}\","), 1);
    format!(
        "    {{\n      \"host\": \"h\",\n      \"scenario\": \"scenario-{}\",\n      \"check\": \"check/{}\",\n      \
         \"subject\": \"alpha->beta\",\n      \"verdict\": \"{}\",\n      \"expected\": \"no lookup gives an address\",\n      \
         \"observed\": {observed},\n      \"reason\": \"the machine's resolved cannot have the port that the host's has\",\n      \
         \"link\": \"https://www.freedesktop.org/software/systemd/man/latest/systemd-nspawn.html\",\n      \
         \"attempts\": 1,\n      \"explanations\": [],\n      \"duration_ms\": {number}\n    }}",
        at / 200,
        at % 200,
        if differs { "fail" } else { "pass" },
    )
}

/// What was seen, and of which kind it is: three lookups, two pings, one list of files and four of properties in ten or
/// so, as in a run.
fn observed(number: usize, at: usize, differs: bool) -> (&'static str, Value) {
    match at % 40 {
        0..12 => {
            let times: Vec<usize> =
                (0..32).map(|lookup| 1_000 + (number * 7 + at + lookup * 13) % 900).collect();
            let first = if differs { "ipv6-link-local" } else { "lease" };
            let names = json!({
                "name": "beta", "family": "any", "path": "nss", "samples": 32, "overlapped": 0,
                "spaces": { first: 32 }, "first_answers": 1, "unanswered": 0,
                "addresses": [{ "address": format!("10.0.{}.38", number), "space": first, "count": 32 }],
                "took": { "min_us": 1_000, "median_us": 1_400 + number, "p90_us": 1_800, "max_us": 1_900 },
                "times_us": { first: times },
            });
            ("names", names)
        }
        12..20 => {
            let received = if differs { 0 } else { 3 };
            let ping = json!({ "target": format!("10.0.{}.103", number), "sent": 3, "received": received,
                               "rtt_us": 80 + (number + at) % 40, "ttl": 64 });
            ("ping", ping)
        }
        20 => {
            let kind = json!({ "kind": "file", "uid": 0, "gid": 0, "mode": "644" });
            let file =
                |name: usize| json!({ "name": format!("file-{name}"), "outside": kind, "inside": kind });
            ("bind-files", json!({ "files": (0..20).map(file).collect::<Vec<_>>() }))
        }
        _ => {
            let forwards = if differs { "0" } else { "1" };
            let values = json!({ "IPv4": forwards, "IPv4 default": "0", "IPv6": "0", "mac": format!("02:00:{number:02x}"),
                                 "neighbours": format!("10.0.{number}.1"), "IPv4 of the links": "none" });
            ("properties", json!({ "answer": "forwarded", "values": values }))
        }
    }
}

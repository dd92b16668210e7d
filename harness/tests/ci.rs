//! The files for GitHub, GitLab and tmt: they are what those engines take, and what they run is run here too, but for
//! the installation of cargo-nextest.
//!
//! check-jsonschema has the schemas of both forges, zizmor and tmt lint. They come from PyPI as the readers of junit.xml
//! do. The trials of measurements boot hosts, and need root.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Failed, Trial};
use nspawn_matrix_reports::json;
use serde_json::Value;
use support::readers::{FOLDER, printed, reader};
use support::{hosted_reader_trial, reader_trial, trial};
use tempfile::TempDir;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
const GITHUB: &str = ".github/workflows/matrix.yml";
const GITLAB: &str = ".gitlab-ci.yml";
const REPORT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/report.json");

fn main() -> ExitCode {
    let trials = vec![
        reader_trial("github-and-gitlab-take-their-files", github_and_gitlab_take_their_files),
        reader_trial("the-workflow-is-safe", the_workflow_is_safe),
        reader_trial("what-they-run-is-run-elsewhere-too", what_they_run_is_run_elsewhere_too),
        reader_trial("the-program-goes-from-job-to-job", the_program_goes_from_job_to_job),
        reader_trial("all-measure-the-same-images", all_measure_the_same_images),
        reader_trial("tmt-lints-the-plan", tmt_lints_the_plan),
        trial("a-job-has-its-report-and-its-page", a_job_has_its_report_and_its_page),
        Trial::test("the-last-job-merges-reports", the_last_job_merges_reports),
        hosted_reader_trial("tmt-runs-the-plan", tmt_runs_the_plan),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn github_and_gitlab_take_their_files() -> Result<(), Failed> {
    for (schema, file) in [("vendor.github-workflows", GITHUB), ("vendor.gitlab-ci", GITLAB)] {
        printed(reader("check-jsonschema")?.current_dir(ROOT).args(["--builtin-schema", schema, file]))?;
    }
    Ok(())
}

fn the_workflow_is_safe() -> Result<(), Failed> {
    printed(reader("zizmor")?.current_dir(ROOT).args(["--offline", "--no-progress", GITHUB])).map(|_| ())
}

/// What jobs run: what a trial here does too, or a script that a trial or .ci/run runs.
fn what_they_run_is_run_elsewhere_too() -> Result<(), Failed> {
    let known = [
        "cargo build --locked --target-dir target",
        "cargo install --locked cargo-nextest@0.9.143",
        "chmod +x nspawn-matrix",
        "cp target/*/debug/nspawn-matrix nspawn-matrix",
        "scripts/ci/measure ${{ matrix.image }} nspawn-matrix-report",
        "scripts/ci/measure $IMAGE reports/$IMAGE",
        "scripts/ci/merge comparison.md reports/*/report.json",
        "scripts/ci/test ${{ matrix.part }}",
        "scripts/ci/test $CI_NODE_INDEX/$CI_NODE_TOTAL",
    ];
    let mut commands = Vec::new();
    strings_at(&yaml(GITHUB)?, "run", &mut commands);
    strings_at(&yaml(GITLAB)?, "script", &mut commands);
    let unknown: Vec<&String> =
        commands.iter().filter(|command| !known.contains(&command.as_str())).collect();
    let gone: Vec<&&str> = known.iter().filter(|known| !commands.iter().any(|one| one == *known)).collect();
    if unknown.is_empty() && gone.is_empty() {
        return Ok(());
    }
    Err(format!("run by nobody else: {unknown:?}; no longer run: {gone:?}").into())
}

/// What the first job makes is there for those after it, as each forge hands it on.
#[expect(clippy::disallowed_methods, reason = "the commands are run as the forges do")]
fn the_program_goes_from_job_to_job() -> Result<(), Failed> {
    let job = &yaml(GITLAB)?["program"];
    let [build, hand_over] = texts_in_order(&job["script"])[..] else {
        return Err(format!("the job does something else: {job}").into());
    };
    let mut first = Vec::new();
    strings_at(&yaml(GITHUB)?["jobs"]["program"], "run", &mut first);
    if first != [build] {
        return Err(format!("GitHub builds by {first:?}, GitLab by {build}").into());
    }
    let shell = |folder: &Path, line: &str| {
        let mut shell = Command::new("sh");
        shell.current_dir(folder).args(["-euc", line]);
        shell
    };
    printed(&mut shell(Path::new(ROOT), build))?;
    let folder = TempDir::new()?;
    std::os::unix::fs::symlink(
        fs::canonicalize(Path::new(ROOT).join("target"))?,
        folder.path().join("target"),
    )?;
    printed(&mut shell(folder.path(), hand_over))?;
    let program = folder.path().join("nspawn-matrix");
    // Artifacts of GitHub are not executable.
    fs::set_permissions(&program, fs::Permissions::from_mode(0o644))?;
    printed(&mut shell(folder.path(), "chmod +x nspawn-matrix"))?;
    let said = printed(Command::new(&program).arg("--version"))?;
    if said.starts_with("nspawn-matrix ") { Ok(()) } else { Err(said.into()) }
}

fn texts_in_order(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// Collects the texts, and lists of texts, that stand at a key anywhere.
fn strings_at(value: &Value, key: &str, found: &mut Vec<String>) {
    for (name, child) in value.as_object().into_iter().flatten() {
        if name == key {
            found.extend(child.as_str().map(str::to_owned));
            found.extend(texts(child));
        }
        strings_at(child, key, found);
    }
    for child in value.as_array().into_iter().flatten() {
        strings_at(child, key, found);
    }
}

fn all_measure_the_same_images() -> Result<(), Failed> {
    let github = texts(&yaml(GITHUB)?["jobs"]["measure"]["strategy"]["matrix"]["image"]);
    let gitlab = texts(&yaml(GITLAB)?["measure"]["parallel"]["matrix"][0]["IMAGE"]);
    let tests = yaml("tests/matrix.fmf")?;
    let tests = tests.as_object().into_iter().flatten();
    let tmt = texts(&tests.map(|(_, test)| test["environment+"]["IMAGE"].clone()).collect());
    if github == gitlab && gitlab == tmt && tmt.len() == 4 {
        return Ok(());
    }
    Err(format!("GitHub {github:?}, GitLab {gitlab:?}, tmt {tmt:?}").into())
}

fn texts(list: &Value) -> BTreeSet<String> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn yaml(file: &str) -> Result<Value, Failed> {
    let script = Path::new(FOLDER).join("yaml_as_json.py");
    Ok(serde_json::from_str(&printed(reader("python")?.arg(script).arg(Path::new(ROOT).join(file)))?)?)
}

fn tmt_lints_the_plan() -> Result<(), Failed> {
    printed(reader("tmt")?.current_dir(ROOT).args(["lint", "--enforce-check", "C001"])).map(|_| ())
}

#[expect(clippy::disallowed_methods, reason = "the script is tested from outside")]
fn a_job_has_its_report_and_its_page() -> Result<(), Failed> {
    let folder = TempDir::new()?;
    let [out, page] = ["report", "page.md"].map(|name| folder.path().join(name));
    let mut job = Command::new(Path::new(ROOT).join("scripts/ci/measure"));
    job.env("NSPAWN_MATRIX", env!("CARGO_BIN_EXE_nspawn-matrix")).env("GITHUB_STEP_SUMMARY", &page);
    printed(job.arg("trixie").arg(&out).args(["--scenario", "nat", "--check", "ping/gateway/ipv4"]))?;
    let report = json::parse(&fs::read(out.join("report.json"))?)?;
    let has_files = ["junit.xml", "report.html"].iter().all(|name| out.join(name).is_file());
    if report.cases.is_empty() || !has_files || fs::read(&page)? != fs::read(out.join("summary.md"))? {
        return Err(format!("{} cases; what is there: {:?}", report.cases.len(), fs::read_dir(out)?).into());
    }
    // What a run refuses, a job refuses.
    let refused = Command::new(Path::new(ROOT).join("scripts/ci/measure"))
        .env("NSPAWN_MATRIX", env!("CARGO_BIN_EXE_nspawn-matrix"))
        .args(["trixy", "/nonexistent"])
        .output()?;
    if refused.status.code() == Some(2) { Ok(()) } else { Err(format!("{refused:?}").into()) }
}

#[expect(clippy::disallowed_methods, reason = "the script is tested from outside")]
fn the_last_job_merges_reports() -> Result<(), Failed> {
    let folder = TempDir::new()?;
    let merge = |name: &str, report: &str| -> Result<(Option<i32>, String), Failed> {
        let [other, out, page] =
            ["json", "md", "page.md"].map(|kind| folder.path().join(name).with_extension(kind));
        fs::write(&other, report)?;
        let mut job = Command::new(Path::new(ROOT).join("scripts/ci/merge"));
        job.env("NSPAWN_MATRIX", env!("CARGO_BIN_EXE_nspawn-matrix")).env("GITHUB_STEP_SUMMARY", &page);
        let job = job.arg(&out).args([Path::new(REPORT), &other]).output()?;
        let summary = fs::read_to_string(&page).unwrap_or_default();
        if fs::read_to_string(&out).unwrap_or_default() != summary {
            return Err(format!("the page is not the summary: {summary}").into());
        }
        Ok((job.status.code(), summary.lines().next().unwrap_or_default().to_owned()))
    };
    let report = fs::read_to_string(REPORT)?;
    let (same, heading) = merge("same", &report)?;
    if same != Some(0) || !heading.starts_with("# 0 of ") {
        return Err(format!("{same:?} {heading}").into());
    }
    let (different, heading) =
        merge("different", &report.replacen("\"verdict\":\"pass\"", "\"verdict\":\"fail\"", 1))?;
    if different != Some(0) || !heading.ends_with("cells differ: 1 in verdict") {
        return Err(format!("{different:?} {heading}").into());
    }
    let (unreadable, _) = merge("unreadable", "{")?;
    if unreadable == Some(3) { Ok(()) } else { Err(format!("{unreadable:?}").into()) }
}

fn tmt_runs_the_plan() -> Result<(), Failed> {
    let folder = TempDir::new()?;
    let tree = folder.path().join("tree");
    // tmt copies all that lies beside the plan, which is to be no folder of build results.
    for part in [".fmf", "plans", "tests", "scripts/ci"] {
        copy_folder(&Path::new(ROOT).join(part), &tree.join(part))?;
    }
    let arguments = "ARGUMENTS='--scenario nat --check ping/gateway/ipv4'";
    let program = concat!("NSPAWN_MATRIX=", env!("CARGO_BIN_EXE_nspawn-matrix"));
    let run = folder.path().join("run");
    let mut tmt = reader("tmt")?;
    tmt.current_dir(&tree)
        .env("TMT_WORKDIR_ROOT", folder.path())
        .env("TMT_TEST_PIDFILE_ROOT", folder.path())
        .args(["--feeling-safe", "run", "--all", "--id"]);
    tmt.arg(&run).args(["--environment", arguments, "--environment", program]);
    tmt.args(["provision", "--how", "local", "test", "--name", "/trixie$"]);
    printed(&mut tmt)?;
    let results = yaml(&run.join("plans/matrix/execute/results.yaml").display().to_string())?;
    let is_there = results[0]["name"] == "/tests/matrix/trixie" && results[0]["result"] == "pass";
    let data = run.join("plans/matrix/execute").join(results[0]["data-path"].as_str().unwrap_or_default());
    if is_there && data.join("report.json").is_file() { Ok(()) } else { Err(results.to_string().into()) }
}

fn copy_folder(from: &Path, to: &Path) -> Result<(), Failed> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}

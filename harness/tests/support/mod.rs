//! What the test programs share.

#![allow(dead_code, reason = "each test program uses a part")]

pub(crate) mod browser;
pub(crate) mod guest;
pub(crate) mod home;
pub(crate) mod inside;
pub(crate) mod kills;
pub(crate) mod machine;
pub(crate) mod program;
pub(crate) mod reached;
pub(crate) mod readers;
pub(crate) mod snapshots;
pub(crate) mod terminal;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::{fs, io};

use libtest_mimic::{Completion, Failed, Trial};
use nspawn_matrix::agent::Question;
use nspawn_matrix::host::Kind;
use nspawn_matrix::image::{Pairs, Recipe, default_folder};
use nspawn_matrix::prepare;
use nspawn_matrix::setup::{self, Need, PackageManager};
use nspawn_matrix_reports::{Explanation, Report, Verdict, json};
use tokio::task::LocalSet;

/// What the environment says about live tests.
pub(crate) struct Settings {
    /// `NSPAWN_MATRIX_CACHE`: where images are kept.
    pub(crate) cache: PathBuf,
    /// `NSPAWN_MATRIX_SETUP=1`: install what is missing.
    pub(crate) setup: bool,
    /// `NSPAWN_MATRIX_REQUIRE=1`: what cannot be hosted here is a failure.
    pub(crate) require: bool,
}

impl Settings {
    pub(crate) fn from_environment() -> Self {
        let set = |name: &str| std::env::var(name).is_ok_and(|value| !value.is_empty() && value != "0");
        Self {
            cache: std::env::var_os("NSPAWN_MATRIX_CACHE").map_or_else(default_folder, PathBuf::from),
            setup: set("NSPAWN_MATRIX_SETUP"),
            require: set("NSPAWN_MATRIX_REQUIRE"),
        }
    }
}

/// Whether nextest starts the trials. It takes no note of one that is ignored while it runs, so as far as that is known
/// before, trials say it when they are listed.
pub(crate) fn is_nextest() -> bool {
    std::env::var_os("NEXTEST").is_some()
}

/// Whether all trials that boot hosts will be ignored.
pub(crate) fn all_will_be_ignored() -> bool {
    let Settings { setup, require, .. } = Settings::from_environment();
    !require && prepare::is_hopeless(setup)
}

/// A trial that boots hosts from trixie, or is ignored where that cannot be.
pub(crate) fn trial(name: &str, run: impl FnOnce() -> Result<(), Failed> + Send + 'static) -> Trial {
    guarded(name, hosts, run).with_ignored_flag(is_nextest() && all_will_be_ignored())
}

/// A trial that is ignored where `ready` tells a reason.
fn guarded(
    name: &str,
    ready: impl FnOnce() -> Result<(), String> + Send + 'static,
    run: impl FnOnce() -> Result<(), Failed> + Send + 'static,
) -> Trial {
    Trial::ignorable_test(name, move || match ready() {
        Err(reason) if Settings::from_environment().require => Err(reason.into()),
        Err(reason) => Ok(Completion::ignored_with(reason)),
        Ok(()) => run().map(|()| Completion::Completed),
    })
}

/// Makes sure that hosts can be booted from trixie.
fn hosts() -> Result<(), String> {
    let Settings { cache, setup, .. } = Settings::from_environment();
    on_this_thread(async {
        let recipe = Recipe::parse("trixie").map_err(|error| error.to_string())?;
        prepare::prepare(&cache, &Pairs::from(recipe), None, setup, |_| {})
            .await
            .map(|_| ())
            .map_err(|unable| unable.to_string())
    })
}

/// A trial that boots virtual machines of Debian, or is ignored where that cannot be.
pub(crate) fn vm_trial(name: &str, run: impl FnOnce() -> Result<(), Failed> + Send + 'static) -> Trial {
    let reason = || {
        let missing: Vec<_> =
            setup::missing(Kind::Vm).into_iter().filter(|tool| tool.need != Need::CloudImages).collect();
        let text = setup::describe(&missing, PackageManager::detect());
        (!missing.is_empty()).then(|| text.lines().collect::<Vec<_>>().join("; "))
    };
    let require = Settings::from_environment().require;
    Trial::ignorable_test(name, move || match reason() {
        Some(reason) if require => Err(reason.into()),
        Some(reason) => Ok(Completion::ignored_with(reason)),
        None => run().map(|()| Completion::Completed),
    })
    .with_ignored_flag(is_nextest() && !require && reason().is_some())
}

/// A trial that has a report or a CI file read by what reads them elsewhere, or is ignored where that is missing.
pub(crate) fn reader_trial(name: &str, run: impl FnOnce() -> Result<(), Failed> + Send + 'static) -> Trial {
    guarded(name, readers, run).with_ignored_flag(is_nextest() && lacks_readers())
}

/// A trial that does both.
pub(crate) fn hosted_reader_trial(
    name: &str,
    run: impl FnOnce() -> Result<(), Failed> + Send + 'static,
) -> Trial {
    let ready = || hosts().and_then(|()| readers());
    guarded(name, ready, run).with_ignored_flag(is_nextest() && (all_will_be_ignored() || lacks_readers()))
}

fn lacks_readers() -> bool {
    let Settings { setup, require, .. } = Settings::from_environment();
    !require && !setup && !setup::missing_for_tests().is_empty()
}

/// Makes sure that the readers are there: asks once, and installs them if the environment says so.
fn readers() -> Result<(), String> {
    static READERS: OnceLock<Result<(), String>> = OnceLock::new();
    let prepare = || {
        let missing = setup::missing_for_tests();
        match PackageManager::detect() {
            _ if missing.is_empty() => Ok(()),
            Some(manager) if Settings::from_environment().setup => on_this_thread(async {
                setup::install(&missing, manager, |_| {}).await.map_err(|error| error.to_string())
            }),
            manager => Err(setup::describe(&missing, manager).lines().collect::<Vec<_>>().join("; ")),
        }
    };
    READERS.get_or_init(prepare).clone()
}

/// The report of a real run of the scenarios `zone` and `nat`, as `scripts/example` keeps it.
pub(crate) fn a_real_report() -> Report {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/report.json");
    let bytes = std::fs::read(file).expect("the report lies beside the tests");
    json::parse(&bytes).expect("the report is one")
}

/// A real report in which each verdict is met: those that an ordinary run lacks are given to its first cases, with a reason
/// as `explain` gives them where there is something to look into.
pub(crate) fn a_report_of_all_verdicts() -> Report {
    let mut report = a_real_report();
    let passed = report.cases.iter_mut().filter(|case| case.verdict == Verdict::Pass);
    let others = Verdict::ALL.into_iter().filter(|verdict| *verdict != Verdict::Pass);
    for (case, verdict) in passed.zip(others) {
        case.verdict = verdict;
        case.reason = Some(format!("<{verdict}> & \"why\""));
        case.explanations.extend((!verdict.is_green()).then(|| Explanation {
            code: "llmnr-off".to_owned(),
            text: format!("LLMNR is off, so \"{verdict}\""),
            evidence: "resolvectl: -LLMNR <host0>".to_owned(),
            remedy: Some(format!("resolvectl llmnr host0 yes && echo {verdict}")),
            link: Some("https://www.rfc-editor.org/rfc/rfc4795".to_owned()),
        }));
    }
    report
}

/// The name of a case, as `Case::name` gives it.
pub(crate) fn case_name(scenario: &str, question: &Question) -> String {
    format!("{scenario}::{}::{}", question.check, question.subject)
}

/// The contents of all files in a folder and those below it.
pub(crate) fn texts_in(folder: &Path) -> io::Result<Vec<String>> {
    let mut texts = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            texts.extend(texts_in(&path)?);
        } else {
            texts.push(String::from_utf8_lossy(&fs::read(&path)?).into_owned());
        }
    }
    Ok(texts)
}

/// Hosts at the same time, as `run` chooses it.
pub(crate) fn jobs() -> usize {
    nspawn_matrix::plan::default_jobs()
}

/// Runs a future on the calling thread.
pub(crate) fn on_this_thread<T>(work: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    LocalSet::new().block_on(&runtime, work)
}

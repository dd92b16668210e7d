//! What a person sees who types something wrong, or asks for help.

use std::process::{Command, Output};

#[expect(clippy::disallowed_methods, reason = "the program is tested from outside")]
fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_nspawn-matrix"))
        .args(arguments)
        .env_remove("NSPAWN_MATRIX_CACHE")
        .output()
        .expect("the program was built for this test")
}

/// Exit code, then what was written on standard error.
fn refusal(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert!(output.stdout.is_empty());
    format!("{}\n{}", output.status.code().expect("no signal"), String::from_utf8_lossy(&output.stderr))
}

fn printed(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert_eq!(output.status.code(), Some(0));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn an_unknown_scenario_is_named_with_the_nearest() {
    insta::assert_snapshot!(refusal(&["run", "--scenario", "brigde"]));
    insta::assert_snapshot!(refusal(&["show", "zoen"]));
}

#[test]
fn an_unknown_check_is_named_with_the_nearest() {
    insta::assert_snapshot!(refusal(&["run", "--check", "ping/peers/ipv4"]));
}

#[test]
fn a_pattern_that_is_none_is_told_so() {
    insta::assert_snapshot!(refusal(&["run", "--scenario", "[bridge"]));
}

#[test]
fn an_unknown_image_is_named_with_the_nearest() {
    insta::assert_snapshot!(refusal(&["run", "--image", "trixy"]));
    insta::assert_snapshot!(refusal(&["image", "build", "bookwurm"]));
    insta::assert_snapshot!(refusal(&["image", "rm", "trixy", "--cache", "/nonexistent"]));
}

#[test]
fn zero_samples_and_zero_jobs_are_refused() {
    insta::assert_snapshot!(refusal(&["run", "--samples", "0"]));
    insta::assert_snapshot!(refusal(&["run", "--jobs", "0"]));
}

#[test]
fn a_folder_that_cannot_be_written_is_named_before_anything_starts() {
    insta::assert_snapshot!(refusal(&["run", "--out", "/proc/nspawn-matrix-report"]));
}

#[test]
fn an_unknown_command_is_refused() {
    insta::assert_snapshot!(refusal(&["rnu"]));
}

#[test]
fn help_says_what_there_is_and_what_the_exit_codes_mean() {
    insta::assert_snapshot!(printed(&["--help"]));
    insta::assert_snapshot!(printed(&["run", "--help"]));
}

#[test]
fn list_says_what_is_stood_up_and_asked() {
    insta::assert_snapshot!(printed(&["list"]));
}

#[test]
fn list_says_what_is_claimed_and_why() {
    insta::assert_snapshot!(printed(&["list", "--claims", "--scenario", "bridge"]));
}

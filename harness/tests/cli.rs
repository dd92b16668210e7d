//! What a person sees who types something wrong, or asks for help.

#[path = "support/said.rs"]
mod said;

use said::{printed, refusal, run_beside};

#[test]
fn an_unknown_scenario_is_named_with_the_nearest() {
    insta::assert_snapshot!(refusal(&["run", "--scenario", "brigde"]));
    insta::assert_snapshot!(refusal(&["show", "zoen"]));
}

#[test]
fn an_unknown_profile_is_named_with_the_nearest_and_a_file_by_the_place_of_what_is_wrong() {
    insta::assert_snapshot!(refusal(&["run", "--profile", "forward-dorp"]));
    let files =
        [("mine.toml", "name = \"mine\"\n[[step]]\nstep = \"file\"\npath = \"etc/motd\"\ncontent = \"\"\n")];
    insta::assert_snapshot!(run_beside(&files, &["run", "--profile", "mine.toml"]));
}

#[test]
fn packages_of_a_profile_that_cannot_be_had_are_told_before_anything_starts() {
    insta::assert_snapshot!(refusal(&["run", "--profile", "ufw", "--image", "arch"]));
    insta::assert_snapshot!(refusal(&["run", "--profile", "ufw", "--host", "vm"]));
}

#[test]
fn an_unknown_check_is_named_with_the_nearest() {
    insta::assert_snapshot!(refusal(&["run", "--check", "ping/peers/ipv4"]));
}

#[test]
fn a_run_that_would_ask_nothing_is_told_so() {
    insta::assert_snapshot!(refusal(&["run", "--scenario", "nspawn-file-port", "--check", "bind/*"]));
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
fn scenarios_that_share_one_machine_are_not_run_at_the_same_time() {
    insta::assert_snapshot!(refusal(&["run", "--host", "vm", "--jobs", "2"]));
    insta::assert_snapshot!(refusal(&["run", "--host", "vm", "--image", "trixie", "--image", "sid"]));
}

#[test]
fn this_machine_is_not_changed_unasked() {
    insta::assert_snapshot!(refusal(&["run", "--host", "local"]));
    insta::assert_snapshot!(refusal(&["run", "--host", "local", "--yes", "--jobs", "2"]));
    insta::assert_snapshot!(refusal(&["run", "--host", "local", "--yes", "--payload", "sid"]));
    insta::assert_snapshot!(refusal(&["run", "--host", "local", "--yes", "--profile", "linode"]));
}

#[test]
fn a_machine_elsewhere_is_named_by_nothing_that_ssh_or_a_shell_reads_as_something_else() {
    for host in [
        "ssh://-oProxyCommand=reboot",
        "ssh://root@web1;reboot",
        "ssh://web1\u{1b}[2J",
        "http://web1",
        "web1",
    ] {
        insta::assert_snapshot!(refusal(&["run", &format!("--host={host}")]));
    }
    insta::assert_snapshot!(refusal(&["run", "--host=ssh://web1", "--host=local"]));
    insta::assert_snapshot!(refusal(&["run", "--yes", "--host=ssh://a@web1", "--host=ssh://b@web1"]));
    insta::assert_snapshot!(refusal(&["run", "--host=ssh://web1"]));
    insta::assert_snapshot!(refusal(&["clean", "--host=vm"]));
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
    insta::assert_snapshot!(printed(&["vm", "--help"]));
    insta::assert_snapshot!(printed(&["compare", "--help"]));
}

#[test]
fn an_unknown_virtual_machine_is_told_with_those_that_there_are() {
    insta::assert_snapshot!(refusal(&["vm", "up", "potato"]));
    insta::assert_snapshot!(refusal(&["vm", "exec", "trixie", "true"]));
}

#[test]
fn list_says_what_is_stood_up_and_asked() {
    insta::assert_snapshot!(printed(&["list"]));
}

#[test]
fn list_says_what_is_claimed_and_why() {
    insta::assert_snapshot!(printed(&["list", "--claims", "--scenario", "bridge"]));
}

#[test]
fn what_systemd_will_ignore_is_told_and_does_not_stop_anything() {
    let web = "[Files]\nBnd=/srv\nBind=/srv/data:/data:idmpa\n[Exce]\nBoot=1\n[Network]\nBridge=lan\n";
    insta::assert_snapshot!(run_beside(&[("web.nspawn", web)], &["show", "--nspawn", "web.nspawn"]));
}

#[test]
fn a_nspawn_file_that_cannot_be_measured_is_refused() {
    insta::assert_snapshot!(run_beside(&[], &["run", "--nspawn", "web.nspawn"]));
    insta::assert_snapshot!(run_beside(&[("web.conf", "")], &["run", "--nspawn", "web.conf"]));
    insta::assert_snapshot!(run_beside(&[("a_b.nspawn", "")], &["run", "--nspawn", "a_b.nspawn"]));
    let twice = ["run", "--nspawn", "web.nspawn", "./web.nspawn"];
    insta::assert_snapshot!(run_beside(&[("web.nspawn", "")], &twice));
    insta::assert_snapshot!(run_beside(&[], &["run", "--nspawn", "/dev/null"]));
}

#[test]
fn a_scenario_file_is_refused_with_all_that_is_wrong_in_it() {
    let mine =
        "name = \"zone\"\n[launch]\nby = \"units\"\n[[claim]]\ncheck = \"ping/peer\"\nexpect = \"answer\"\n";
    insta::assert_snapshot!(run_beside(&[("mine.toml", mine)], &["run", "--scenario-file", "mine.toml"]));
}

#[test]
fn two_scenario_files_of_one_name_are_refused() {
    let files = [("a.toml", "name = \"mine\""), ("b.toml", "name = \"mine\"")];
    let arguments = ["run", "--scenario-file", "a.toml", "--scenario-file", "b.toml"];
    insta::assert_snapshot!(run_beside(&files, &arguments));
}

#[test]
fn show_needs_a_name_or_a_file_and_not_both() {
    insta::assert_snapshot!(refusal(&["show"]));
    insta::assert_snapshot!(refusal(&["show", "zone", "--scenario-file", "mine.toml"]));
}

/// The file that the documentation points to.
const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/scenario.toml");

#[test]
fn the_example_of_a_scenario_file_can_be_listed_and_comes_back_as_toml() {
    let arguments = ["list", "--claims", "--scenario-file", EXAMPLE, "--scenario", "data-volume"];
    insta::assert_snapshot!(printed(&arguments));
    insta::assert_snapshot!(printed(&["show", "--toml", "--scenario-file", EXAMPLE]));
}

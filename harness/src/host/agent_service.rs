//! How the agent is started on a host: as a service of it, which has the standard streams of whoever starts it.

/// The unit of it, without its suffix.
pub(super) const UNIT: &str = "nspawn-matrix-agent";

/// Gives the command, which is typed on the host; `program` is this program there, and `words` follow.
pub(super) fn argv(program: &str, words: &[&str]) -> Vec<String> {
    let unit = format!("--unit={UNIT}");
    let service = ["systemd-run", "--quiet", "--pipe", "--wait", "--collect", &unit];
    let agent = [program, "internal", "agent"];
    service.into_iter().chain(agent).chain(words.iter().copied()).map(str::to_owned).collect()
}

//! How the agent is started on a host: as a service of it, which has the standard streams of whoever starts it.

/// Gives the command, which is typed on the host; `program` is this program there, and `words` follow.
pub(super) fn argv(program: &str, words: &[&str]) -> Vec<String> {
    let service = ["systemd-run", "--quiet", "--pipe", "--wait", "--collect", "--unit=nspawn-matrix-agent"];
    let agent = [program, "internal", "agent"];
    service.into_iter().chain(agent).chain(words.iter().copied()).map(str::to_owned).collect()
}

//! The one connection to a machine that everything goes by.
//!
//! It is opened with a person's own configuration, keys, agent, jump hosts and known hosts, and where there is a terminal
//! ssh may ask at it. Everything else goes along with it (`ControlPath` of ssh_config(5)) and asks nothing.

use std::fs::{self, File};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use anyhow::Context;
use nspawn_matrix_scenarios::shell::quote;
use nspawn_matrix_vm::Root;
use tokio::process::Child;

use super::error::{SshError, Why};
use super::{Destination, Folder};
use crate::command::Command;
use crate::tell::printable;

/// What is said to the connection that is opened, whatever the person's own configuration says. One that is silent for half
/// a minute is broken. It ends by itself soon after the last that went along with it, so also if we are killed.
const OPTIONS: [&str; 13] = [
    "ControlMaster=yes",
    "ControlPersist=15",
    "ServerAliveInterval=10",
    "ServerAliveCountMax=3",
    "ClearAllForwardings=yes",
    "ForwardAgent=no",
    "ForwardX11=no",
    "PermitLocalCommand=no",
    "RemoteCommand=none",
    "RequestTTY=no",
    "EscapeChar=none",
    "Tunnel=no",
    "LogLevel=ERROR",
];

/// The socket of the connection, in its folder. No machine of such a folder is called so.
const SOCKET: &str = ".ssh";

/// What ssh says while it is opened, beside the socket.
const LOG: &str = ".ssh-log";

/// A connection that is open.
#[derive(Debug)]
pub struct Connection {
    destination: Destination,
    /// Where the socket is.
    root: Root,
}

impl Connection {
    /// Opens it; `config` is a configuration of ssh instead of the person's own.
    ///
    /// # Errors
    /// [`SshError`].
    pub async fn open(destination: &Destination, config: Option<&Path>) -> Result<Self, SshError> {
        let failed = |why| SshError { destination: destination.clone(), why };
        let root = Root::make().map_err(|error| failed(Why::Other(error.into())))?;
        let connection = Self { destination: destination.clone(), root };
        connection.log_in(config).await.map_err(failed)?;
        Ok(connection)
    }

    async fn log_in(&self, config: Option<&Path>) -> Result<(), Why> {
        // What stays in the background has this open, so a pipe would not end.
        let log = self.root.folder().join(LOG);
        let file = File::create(&log).context("write down what ssh says").map_err(Why::Other)?;
        let could_ask = std::io::stdin().is_terminal();
        let argv = opening(&self.destination, &self.socket(), config, could_ask);
        let mut ssh = Command::from_argv(argv)
            .errors_to(file)
            .spawn_piped()
            .map_err(|error| Why::Other(error.into()))?;
        drop(ssh.stdin.take());
        let ended = ssh.wait().await.context("wait for ssh").map_err(Why::Other)?;
        let said = fs::read(&log).unwrap_or_default();
        let said = String::from_utf8_lossy(&said).into_owned();
        match ended.code() {
            Some(0) => Ok(()),
            Some(SSH_FAILED) => Err(Why::Login { words: said, could_ask }),
            Some(_) | None => Err(Why::NoShell(said)),
        }
    }

    /// Where it leads.
    pub(super) const fn destination(&self) -> &Destination {
        &self.destination
    }

    fn socket(&self) -> PathBuf {
        self.root.folder().join(SOCKET)
    }

    /// The command that runs `line`, for the shell there.
    pub(super) fn command(&self, line: &str) -> Command {
        Command::from_argv(joining(&self.destination, &self.socket(), line))
    }

    /// Starts `line` there, with pipes as standard input and output. Ctrl-C is for us, who still need it then.
    pub(super) fn start(&self, line: &str) -> anyhow::Result<Child> {
        Ok(self.command(line).apart().spawn_piped()?)
    }

    /// Copies the file `from` to one of this name in `folder` there, which may be run if `is_program`.
    pub(super) async fn copy(
        &self,
        from: &Path,
        folder: &Folder,
        name: &str,
        is_program: bool,
    ) -> anyhow::Result<String> {
        let to = folder.path(name);
        let quoted = quote(&to);
        let mode = if is_program { "700" } else { "600" };
        let file = File::open(from).with_context(|| format!("open `{}`", from.display()))?;
        let line = format!("exec sh -c {}", quote(&format!("cat >{quoted} && chmod {mode} {quoted}")));
        let ended = self.command(&line).apart().input_from(file).end().await?;
        if !ended.status.success() {
            let said = printable(ended.stderr.lines().last().unwrap_or("the connection is broken"));
            anyhow::bail!("copy `{}` there: {said}", from.display());
        }
        Ok(to)
    }

    /// Closes it, with all that still goes along.
    pub(super) async fn close(self) -> anyhow::Result<()> {
        let socket = self.socket().display().to_string();
        let argv = ["ssh", "-F", "none", "-S", &socket, "-O", "exit", "--", self.destination.host()];
        // One that is broken has gone already.
        drop(Command::from_argv(argv).end().await?);
        Ok(self.root.close()?)
    }
}

/// The exit code of ssh itself (ssh(1)).
const SSH_FAILED: i32 = 255;

/// The command that opens a connection, which others can go along with by `socket`.
fn opening(destination: &Destination, socket: &Path, config: Option<&Path>, can_ask: bool) -> Vec<String> {
    let config = config.iter().flat_map(|config| ["-F".to_owned(), config.display().to_string()]);
    let path = format!("ControlPath={}", escaped(socket));
    let batch = (!can_ask).then_some("BatchMode=yes");
    let options = OPTIONS.into_iter().chain(batch).chain([&*path]);
    let options: Vec<String> = options.flat_map(|option| ["-o".to_owned(), option.to_owned()]).collect();
    // Once it is open, something has to be run there.
    ["ssh".to_owned()]
        .into_iter()
        .chain(config)
        .chain(options)
        .chain(destination.words())
        .chain(["exit".to_owned()])
        .collect()
}

/// The command that goes along with one. It never makes a connection of its own, so it needs no configuration.
fn joining(destination: &Destination, socket: &Path, line: &str) -> Vec<String> {
    let path = format!("ControlPath={}", escaped(socket));
    let options =
        ["-o", "ControlMaster=no", "-o", &path, "-o", "ProxyCommand=false", "-o", "LogLevel=ERROR", "-T"];
    let words = ["ssh", "-F", "none"].into_iter().chain(options).chain(["--", destination.host(), line]);
    words.map(str::to_owned).collect()
}

/// In the words of ssh_config(5) a percent sign begins something else.
fn escaped(path: &Path) -> String {
    format!("\"{}\"", path.display().to_string().replace('%', "%%"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_asked_only_at_a_terminal_and_others_go_along() {
        let destination: Destination = "ssh://root@web1:2222".parse().unwrap();
        let socket = Path::new("/var/tmp/nspawn-matrix-x/ssh");
        let command = |argv: Vec<String>| nspawn_matrix_scenarios::shell::command_line(&argv);
        let told = [
            command(opening(&destination, socket, None, true)),
            command(opening(&destination, socket, Some(Path::new("/home/a b/config")), false)),
            command(joining(&destination, socket, "exec sh")),
        ];
        insta::assert_snapshot!(told.join("\n\n"));
    }
}

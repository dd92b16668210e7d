//! A machine that somebody needs and that ssh gets to: its sshd, with keys made for it, behind a person's configuration of
//! ssh, which is a file here.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use nspawn_matrix::command::{Command, Ended};
use tempfile::TempDir;
use tokio::process::Child;

use super::home::Home;
use super::inside::{Inside, expect_same};

/// This program here.
const PROGRAM: &str = env!("CARGO_BIN_EXE_nspawn-matrix");

/// What the machine is made from.
const IMAGE: &str = "trixie+openssh-server";

/// What is looked at beside what [`Home`] looks at: where this program may have been.
const LOOK: &str =
    "ls -A /root /tmp /var/tmp; systemctl list-units --all --plain --no-legend 'nspawn-matrix*'";

/// The machine.
pub(crate) struct Reached {
    pub(crate) home: Home,
    /// What it is called in the configuration.
    name: &'static str,
}

/// A person, with keys and a configuration of ssh.
pub(crate) struct Person {
    folder: TempDir,
}

/// A key of a person.
#[derive(Clone, Copy)]
pub(crate) enum Key {
    /// Whoever has it can use it.
    Open,
    /// It takes a passphrase.
    Locked,
}

impl Key {
    /// What it takes to use the second.
    pub(crate) const PASSPHRASE: &str = "a long walk";

    const fn file(self) -> &'static str {
        match self {
            Self::Open => "key",
            Self::Locked => "locked",
        }
    }

    const fn passphrase(self) -> &'static str {
        match self {
            Self::Open => "",
            Self::Locked => Self::PASSPHRASE,
        }
    }
}

impl Person {
    pub(crate) async fn new() -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let person = Self { folder };
        for key in [Key::Open, Key::Locked] {
            let file = person.path(key.file()).display().to_string();
            let argv = ["-q", "-t", "ed25519", "-N", key.passphrase(), "-f", &file];
            output(Command::new("ssh-keygen", argv)).await?;
        }
        Ok(person)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file, and gives its path.
    pub(crate) fn write(&self, name: &str, text: &str) -> Result<String, String> {
        let path = self.path(name);
        fs::write(&path, text).map_err(|error| error.to_string())?;
        Ok(path.display().to_string())
    }

    /// Where reports go.
    pub(crate) fn out(&self) -> PathBuf {
        self.path("out")
    }

    /// The same, as a run is told.
    pub(crate) fn out_argument(&self) -> String {
        format!("--out={}", self.out().display())
    }

    /// Boots a machine that the person gets to as root by `name`, and as the user `guest`.
    pub(crate) async fn machine(&self, name: &'static str) -> Result<Reached, String> {
        let (home, _) = Home::boot_from(IMAGE).await?;
        let public = |key: Key| fs::read_to_string(self.path(key.file()).with_extension("pub"));
        let keys = public(Key::Open).and_then(|open| Ok(open + &public(Key::Locked)?));
        let keys = keys.map_err(|error| error.to_string())?;
        let script = format!(
            "set -e; ssh-keygen -A >/dev/null; useradd --create-home --shell /bin/sh guest
            for home in /root /home/guest; do mkdir -p $home/.ssh; echo '{}' >$home/.ssh/authorized_keys; done
            chown -R guest: /home/guest; systemctl restart ssh; systemctl reset-failed
            timeout 20 sh -c 'until grep -q :0016 /proc/net/tcp; do sleep 0.1; done'",
            keys.trim()
        );
        let made = home.script(&script).await?;
        if !made.status.success() {
            return Err(made.stderr);
        }
        let reached = Reached { home, name };
        self.know(&reached, 22, name)?;
        // The first who logs in leaves a file for all after him (pam_motd(8)).
        let config = self.config().display().to_string();
        output(Command::new("ssh", ["-F", &config, "-l", "root", name, "true"])).await?;
        Ok(reached)
    }

    /// Adds a way to the sshd at this port of the machine's own loopback, whose key is known.
    pub(crate) fn know(&self, machine: &Reached, port: u16, name: &str) -> Result<(), String> {
        self.knows_key_of(machine, name)?;
        let way = self.way(machine, port);
        self.enter(name, Key::Open, &format!("{way}\n  StrictHostKeyChecking yes"))
    }

    /// Has the key of the machine be that of `name`.
    pub(crate) fn knows_key_of(&self, machine: &Reached, name: &str) -> Result<(), String> {
        let host_key = machine.home.path("/etc/ssh/ssh_host_ed25519_key.pub");
        let host_key = fs::read_to_string(host_key).map_err(|error| error.to_string())?;
        append(&self.path("known_hosts"), &format!("{name} {host_key}"))
    }

    /// The line of a configuration that leads to this port of the machine's own loopback.
    pub(crate) fn way(&self, machine: &Reached, port: u16) -> String {
        let leader = machine.home.leader();
        // It ends when one of both sides does.
        let connect = format!(
            "exec 3<>/dev/tcp/127.0.0.1/{port} 4<&0; trap : HUP; cat <&3 & cat <&4 >&3 & wait -n; kill $(jobs -p)"
        );
        format!("ProxyCommand nsenter --net=/proc/{leader}/ns/net bash -c '{connect}'")
    }

    /// Writes the host `name` into the configuration, with the further `lines`.
    pub(crate) fn enter(&self, name: &str, key: Key, lines: &str) -> Result<(), String> {
        let (key, known_hosts) = (self.path(key.file()), self.path("known_hosts"));
        append(
            &self.config(),
            &format!(
                "Host {name}\n  IdentityFile {}\n  IdentitiesOnly yes\n  HostKeyAlias {name}\n  UserKnownHostsFile {}\n  \
                 {lines}\n",
                key.display(),
                known_hosts.display(),
            ),
        )
    }

    fn config(&self) -> PathBuf {
        self.path("config")
    }

    /// This program here, as the person types it.
    pub(crate) fn program(&self, arguments: &[&str]) -> Command {
        let config = format!("--ssh-config={}", self.config().display());
        let config = ["run", "clean"].contains(&arguments[0]).then_some(&*config);
        Command::from_argv([PROGRAM].iter().chain(arguments).copied().chain(config))
    }
}

impl Person {
    /// The same, and what it tells is noted.
    pub(crate) fn noted_program(&self, arguments: &[&str]) -> Result<Child, String> {
        let notes = File::create(self.path("notes")).map_err(|error| error.to_string())?;
        let command = self.program(arguments).output_to(&notes.into()).map_err(|error| error.to_string())?;
        command.spawn().map_err(|error| error.to_string())
    }

    /// What the last one has told.
    pub(crate) fn noted(&self) -> Result<String, String> {
        fs::read_to_string(self.path("notes")).map_err(|error| error.to_string())
    }
}

impl Reached {
    /// Where it is, as a person says it.
    pub(crate) fn host(&self) -> String {
        format!("--host=ssh://root@{}", self.name)
    }

    /// Runs a script in the machine, which must not fail.
    pub(crate) async fn succeeds(&self, script: &str) -> Result<(), String> {
        let ended = self.home.script(script).await?;
        if ended.status.success() { Ok(()) } else { Err(format!("{}: {}", ended.status, ended.stderr)) }
    }

    /// What the machine looks like, line by line.
    pub(crate) async fn look(&self) -> Result<Vec<String>, String> {
        let mut look = self.home.look().await?;
        look.extend(self.home.script(LOOK).await?.stdout.lines().map(str::to_owned));
        Ok(look)
    }

    /// Tells what differs from `before`.
    pub(crate) async fn expect_as(&self, before: &[String]) -> Result<(), String> {
        expect_same(before, &self.look().await?)
    }
}

fn append(path: &Path, text: &str) -> Result<(), String> {
    let before = fs::read_to_string(path).unwrap_or_default();
    fs::write(path, before + text).map_err(|error| error.to_string())
}

async fn output(command: Command) -> Result<Ended, String> {
    let ended = command.end().await.map_err(|error| error.to_string())?;
    if ended.status.success() { Ok(ended) } else { Err(ended.stderr) }
}

//! How a guest's instructions are run: by KVM where a guest really runs under it, by emulation elsewhere.
//!
//! A /dev/kvm that opens proves nothing: there are machines whose KVM runs a boot loader and then stops at an
//! instruction of the kernel's, or go on for ever. So [`Accel::choose`] boots the very kernel that is to be booted, with an
//! initial file system of one program that powers off; and does the same emulated, beside it, so that nobody waits for a
//! guest that has come to nothing longer than an emulated one takes.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use nix::errno::Errno;
use nix::unistd::{AccessFlags, access};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::Child;

use crate::argv::MACHINE;
use crate::{Qemu, VmError, command, guest};

/// The oldest major version of QEMU whose emulation is trusted with current kernels: Debian's 6.12 was seen to panic
/// under 7.2. Not always, see docs/findings.md: 7.2.22 booted it seven times of seven. But a panic now and then is what
/// no test can use.
const OLDEST_EMULATION: u32 = 8;

/// How a guest's instructions are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accel {
    /// By the processor.
    Kvm,
    /// By QEMU's emulation.
    Tcg,
}

/// An [`Accel`], and why it is not a better one.
#[derive(Debug)]
pub struct Choice {
    /// What a guest is run by.
    pub accel: Accel,
    /// Why not by KVM.
    pub why: Option<String>,
}

impl Accel {
    /// The value of QEMU's `-accel`.
    #[must_use]
    pub const fn option(self) -> &'static str {
        match self {
            Self::Kvm => "kvm",
            Self::Tcg => "tcg,thread=multi",
        }
    }

    /// The value of QEMU's `-cpu`: all that is there.
    #[must_use]
    pub const fn cpu(self) -> &'static str {
        match self {
            Self::Kvm => "host",
            Self::Tcg => "max",
        }
    }

    /// How long a kernel may take to power off. One that runs does so within two seconds under KVM, and six emulated
    /// if nothing else is to be done.
    const fn patience(self) -> Duration {
        match self {
            Self::Kvm => Duration::from_secs(20),
            Self::Tcg => Duration::from_secs(120),
        }
    }

    /// Finds out how a guest can be run here, by a `kernel` that is tried.
    ///
    /// # Errors
    /// [`VmError::OldQemu`] where only emulation is left and QEMU is too old for it, or what keeps QEMU from starting.
    pub async fn choose(qemu: &Qemu, kernel: Option<&Path>) -> Result<Choice, VmError> {
        let why = match access("/dev/kvm", AccessFlags::R_OK | AccessFlags::W_OK) {
            Ok(()) => match kernel {
                Some(kernel) => match hinders_kvm(qemu, kernel).await? {
                    None => return Ok(Choice { accel: Self::Kvm, why: None }),
                    Some(said) => format!("a guest does not run under /dev/kvm: {said}"),
                },
                None => "there is no kernel to try /dev/kvm with (`nspawn-matrix vm build trixie` makes one)"
                    .into(),
            },
            Err(Errno::ENOENT) => "there is no /dev/kvm".into(),
            Err(Errno::EACCES) => "/dev/kvm is not for this user (often the group `kvm` may use it)".into(),
            Err(errno) => format!("/dev/kvm: {errno}"),
        };
        emulated(qemu, why)
    }

    /// Boots `kernel` to its first program, which powers off. Gives what happened instead, if something did.
    ///
    /// # Errors
    /// [`VmError::Start`] or [`VmError::File`].
    pub async fn hinders(self, qemu: &Qemu, kernel: &Path) -> Result<Option<String>, VmError> {
        let folder = tempfile::tempdir().map_err(|source| VmError::file("a temporary folder", source))?;
        let initrd = folder.path().join("initrd");
        fs::write(&initrd, guest::initrd()).map_err(|source| VmError::file(&initrd, source))?;
        let argv = trial(self, &qemu.path, kernel, &initrd);
        let mut command = command::tied(&argv);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command::spawn(command, &argv)?;
        match tokio::time::timeout(self.patience(), outcome(&mut child)).await {
            Ok(outcome) => outcome.map_err(|source| VmError::file("QEMU's monitor", source)),
            Err(_) => Ok(Some(format!("it did not end within {} s", self.patience().as_secs()))),
        }
    }
}

/// Boots `kernel` under KVM, and beside it emulated if that can be trusted: KVM is ten times as fast, so a guest that is
/// not there when the emulated one is comes to nothing. Gives what happened instead of a boot under KVM, if something did.
async fn hinders_kvm(qemu: &Qemu, kernel: &Path) -> Result<Option<String>, VmError> {
    let emulated = async {
        if qemu.major < OLDEST_EMULATION || Accel::Tcg.hinders(qemu, kernel).await?.is_some() {
            return std::future::pending().await;
        }
        Ok(Some("an emulated one was quicker".to_owned()))
    };
    tokio::select! {
        biased;
        hindrance = Accel::Kvm.hinders(qemu, kernel) => hindrance,
        quicker = emulated => quicker,
    }
}

/// Says that a guest must be emulated, if this QEMU can.
fn emulated(qemu: &Qemu, why: String) -> Result<Choice, VmError> {
    if qemu.major < OLDEST_EMULATION {
        return Err(VmError::OldQemu { version: qemu.version.clone(), why });
    }
    Ok(Choice { accel: Accel::Tcg, why: Some(why) })
}

impl Choice {
    /// Says in one line what a person has to expect; nothing if it is the best there is.
    #[must_use]
    pub fn describe(&self) -> Option<String> {
        let why = self.why.as_ref()?;
        Some(format!("the virtual machine is emulated, which takes about ten times as long: {why}"))
    }
}

/// The command of a trial. The monitor speaks over standard input and output.
fn trial(accel: Accel, qemu: &Path, kernel: &Path, initrd: &Path) -> Vec<String> {
    let [qemu, kernel, initrd] = [qemu, kernel, initrd].map(|path| path.display().to_string());
    let mut argv = vec![qemu];
    argv.extend(
        ["-machine", MACHINE, "-accel", accel.option(), "-cpu", accel.cpu(), "-m", "256M"].map(String::from),
    );
    argv.extend(["-kernel".into(), kernel, "-initrd".into(), initrd]);
    argv.extend(["-append", "panic=-1", "-no-reboot"].map(String::from));
    argv.extend(
        ["-chardev", "stdio,id=monitor,signal=off", "-mon", "chardev=monitor,mode=control"].map(String::from),
    );
    argv.extend(["-no-user-config", "-nodefaults", "-display", "none"].map(String::from));
    argv
}

/// Reads events until one tells the end. A guest that KVM cannot go on with is stopped; one that resets itself has
/// crashed.
async fn outcome(child: &mut Child) -> std::io::Result<Option<String>> {
    let (Some(mut input), Some(output), Some(errors)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Ok(Some("QEMU has no monitor".into()));
    };
    input.write_all(b"{\"execute\":\"qmp_capabilities\"}\n").await?;
    let mut lines = BufReader::new(output).lines();
    while let Some(line) = lines.next_line().await? {
        let Ok(message) = serde_json::from_str::<Value>(&line) else { continue };
        match message["event"].as_str() {
            Some("STOP") => return Ok(Some("it stops while it boots".into())),
            Some("SHUTDOWN") if message["data"]["reason"] == "guest-shutdown" => return Ok(None),
            Some("SHUTDOWN") => return Ok(Some("it crashes while it boots".into())),
            Some(_) | None => {}
        }
    }
    let mut said = BufReader::new(errors).lines();
    Ok(Some(said.next_line().await?.unwrap_or_else(|| "QEMU ended".into())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_qemu_that_cannot_emulate_is_refused_with_reason_and_next_step() {
        let qemu = |version: &str, major| Qemu { path: "qemu".into(), version: version.into(), major };
        let error = emulated(&qemu("7.2.22", 7), "there is no /dev/kvm".into()).unwrap_err();
        insta::assert_snapshot!(format!("{error}\n{}", error.hint().unwrap()), @r"
        QEMU 7.2.22 is not trusted to emulate current Linux kernels: they were seen to panic (there is no /dev/kvm, so they must be emulated)
        install QEMU 8 or later; Debian 12 has QEMU 10 in its backports: apt-get install --target-release bookworm-backports qemu-system-x86
        ");
        let choice = emulated(&qemu("8.0.0", 8), "there is no /dev/kvm".into()).unwrap();
        insta::assert_snapshot!(choice.describe().unwrap(), @"the virtual machine is emulated, which takes about ten times as long: there is no /dev/kvm");
    }
}

//! Doing the steps of a scenario.

use std::fs;
use std::os::unix::fs::{PermissionsExt, lchown, symlink};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use nix::sys::stat::{Mode, SFlag, makedev, mknod};
use nix::unistd::mkfifo;
use nspawn_matrix_scenarios::{Device, Owner, Step};
use rustix::fs::{XattrFlags, lsetxattr};

use super::pace::Pace;
use crate::command::Command;
use crate::probe::link::{self, Waited};
use crate::undo::{Journal, foresee};

/// How long a link that systemd-networkd makes may take.
const LINK_PATIENCE: Duration = Duration::from_secs(20);

/// Does the steps in order, and stops at the first that fails. What takes a step back is noted in `journal` before.
pub(super) async fn provision(steps: &[Step], journal: Option<&Journal>, pace: Pace) -> anyhow::Result<()> {
    for step in steps {
        let done = async {
            if let Some(journal) = journal {
                journal.note(&foresee(step, journal).await?).context("write to the journal")?;
            }
            perform(step, pace).await
        };
        done.await.with_context(|| format!("prepare the host: {}", step.title()))?;
    }
    Ok(())
}

async fn perform(step: &Step, pace: Pace) -> anyhow::Result<()> {
    match step {
        Step::Directory { path, owner, mode } => {
            fs::create_dir_all(path)?;
            own(path, *owner, *mode)
        }
        Step::MissingDirectory { path } => {
            // A dangling link counts as something: a bind mount of it is the person's to judge.
            if fs::symlink_metadata(path).is_err() { Ok(fs::create_dir_all(path)?) } else { Ok(()) }
        }
        Step::File { path, content, owner, mode } => {
            make_folder_of(path)?;
            fs::write(path, content)?;
            own(path, *owner, *mode)
        }
        Step::Symlink { path, target } => {
            make_folder_of(path)?;
            Ok(symlink(target, path)?)
        }
        Step::Fifo { path, owner, mode } => {
            make_folder_of(path)?;
            mkfifo(Path::new(path), Mode::empty())?;
            own(path, *owner, *mode)
        }
        Step::Socket { path, owner, mode } => {
            make_folder_of(path)?;
            UnixDatagram::bind(path)?;
            own(path, *owner, *mode)
        }
        Step::Device { path, device, owner, mode } => {
            make_folder_of(path)?;
            make_device(path, *device)?;
            own(path, *owner, *mode)
        }
        Step::HardLink { path, target } => {
            make_folder_of(path)?;
            Ok(fs::hard_link(target, path)?)
        }
        Step::Attribute { path, attribute } => {
            Ok(lsetxattr(path, attribute.name(), &attribute.bytes(), XattrFlags::empty())?)
        }
        Step::EditedCopy { from, to, key, value } => {
            let unit = fs::read_to_string(from).with_context(|| format!("read `{from}`"))?;
            Ok(fs::write(to, edited(&unit, key, value))?)
        }
        Step::AwaitLink { name } => {
            let patience = pace.patience(LINK_PATIENCE);
            match link::wait(name, patience, |_| true, |_| {}).await? {
                Waited::Ready(_) => Ok(()),
                Waited::TimedOut(_) => anyhow::bail!("it is not there after {} s", patience.as_secs()),
            }
        }
        Step::Run { argv } => {
            Command::from_argv(argv).output().await?;
            Ok(())
        }
    }
}

fn make_folder_of(path: &str) -> anyhow::Result<()> {
    let folder = Path::new(path).parent().context("the path has no folder")?;
    Ok(fs::create_dir_all(folder)?)
}

fn make_device(path: &str, device: Device) -> nix::Result<()> {
    let (kind, major, minor) = match device {
        Device::Char { major, minor } => (SFlag::S_IFCHR, major, minor),
        Device::Block { major, minor } => (SFlag::S_IFBLK, major, minor),
    };
    mknod(path, kind, Mode::empty(), makedev(major.into(), minor.into()))
}

/// The owner comes first: chown(2) clears set-id bits.
fn own(path: &str, owner: Owner, mode: u32) -> anyhow::Result<()> {
    lchown(path, Some(owner.uid), Some(owner.gid))?;
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(mode))?)
}

/// Gives `key` a new value on each line that sets it.
fn edited(unit: &str, key: &str, value: &str) -> String {
    let line = |line: &str| match line.split_once('=') {
        Some((found, _)) if found == key => format!("{key}={value}\n"),
        _ => format!("{line}\n"),
    };
    unit.lines().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_key_that_is_named_gets_the_new_value() {
        let unit = "[Service]\nExecStartPre=x\nExecStart=old --a=b\nType=notify\n";
        assert_eq!(
            edited(unit, "ExecStart", "new"),
            "[Service]\nExecStartPre=x\nExecStart=new\nType=notify\n"
        );
    }
}

//! What takes a step back, looked up before the step is done.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::Context;
use nspawn_matrix_scenarios::Step;
use rustix::fs::lgetxattr;

use super::{Journal, Undo};
use crate::command::Command;
use crate::netns::RtNetlink;

/// Says what takes `step` back, with this host as it is now. What is overwritten is kept in the journal.
///
/// # Errors
/// If the host cannot be looked at, or nothing is known that takes the step back; then it must not be done.
pub(crate) async fn foresee(step: &Step, journal: &Journal) -> anyhow::Result<Vec<Undo>> {
    match step {
        Step::Directory { path, .. } => directory(Path::new(path)),
        Step::MissingDirectory { path } => match fs::symlink_metadata(path) {
            Ok(_) => Ok(Vec::new()),
            Err(_) => Ok(vec![Undo::Remove { path: topmost_missing(Path::new(path))? }]),
        },
        Step::File { path, content, .. } if is_of_hosts_settings(path) => {
            Ok(file(Path::new(path), journal)?.into_iter().chain(sysctls(content)?).collect())
        }
        Step::File { path, .. }
        | Step::Symlink { path, .. }
        | Step::Fifo { path, .. }
        | Step::Socket { path, .. }
        | Step::Device { path, .. }
        | Step::HardLink { path, .. }
        | Step::EditedCopy { to: path, .. } => file(Path::new(path), journal),
        Step::Attribute { path, attribute } => {
            let name = attribute.name();
            let before = attribute_of(Path::new(path), &name)?;
            Ok(vec![Undo::Attribute { path: path.into(), name, before }])
        }
        Step::AwaitLink { name } => {
            let netlink = RtNetlink::connect().context("connect to rtnetlink")?;
            let is_there = netlink.link(name).await?.is_some();
            Ok(if is_there { Vec::new() } else { vec![Undo::RemoveLink { name: name.clone() }] })
        }
        Step::Run { argv } => program(argv).await,
    }
}

fn directory(path: &Path) -> anyhow::Result<Vec<Undo>> {
    match fs::metadata(path) {
        Ok(found) => {
            let (uid, gid, mode) = (found.uid(), found.gid(), found.mode() & 0o7777);
            Ok(vec![Undo::Own { path: path.to_owned(), uid, gid, mode }])
        }
        Err(_) => Ok(vec![Undo::Remove { path: topmost_missing(path)? }]),
    }
}

fn file(path: &Path, journal: &Journal) -> anyhow::Result<Vec<Undo>> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_file() || found.is_symlink() => {
            let kept = journal.keep(path).with_context(|| format!("keep a copy of `{}`", path.display()))?;
            Ok(vec![Undo::PutBack { path: path.to_owned(), kept }])
        }
        Ok(_) => {
            anyhow::bail!("`{}` is there already, and is no file that could be put back", path.display())
        }
        Err(_) => Ok(vec![Undo::Remove { path: topmost_missing(path)? }]),
    }
}

/// Whether systemd-sysctl reads the file on this host, and not in a machine below the root of which it lies.
fn is_of_hosts_settings(path: &str) -> bool {
    ["/etc/sysctl.d/", "/run/sysctl.d/"].iter().any(|folder| path.starts_with(folder))
}

/// The values that the settings of a sysctl.d(5) file have now. What reads the file writes them, and nothing else writes them
/// back when it is gone; one that the kernel lacks is not written either.
fn sysctls(content: &str) -> anyhow::Result<Vec<Undo>> {
    let mut undo = Vec::new();
    for (key, _) in content.lines().filter_map(|line| line.split_once('=')) {
        let key = key.trim().trim_start_matches('-').replace('.', "/");
        let path = Path::new("/proc/sys").join(key);
        match fs::read_to_string(&path) {
            Ok(before) => undo.push(Undo::Sysctl { path, before }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("read `{}`", path.display())),
        }
    }
    Ok(undo)
}

/// The path itself, or the first folder on the way to it that is not there.
fn topmost_missing(path: &Path) -> io::Result<std::path::PathBuf> {
    let mut missing = path;
    while let Some(folder) = missing.parent() {
        if fs::exists(folder)? {
            break;
        }
        missing = folder;
    }
    Ok(missing.to_owned())
}

fn attribute_of(path: &Path, name: &str) -> anyhow::Result<Option<Vec<u8>>> {
    // XATTR_SIZE_MAX of the kernel.
    let mut buffer = vec![0; 65_536];
    match lgetxattr(path, name, &mut buffer) {
        Ok(length) => Ok(Some(buffer[..length].to_vec())),
        Err(rustix::io::Errno::NODATA) => Ok(None),
        Err(error) => {
            Err(error).with_context(|| format!("look at attribute `{name}` of `{}`", path.display()))
        }
    }
}

/// What takes the work of a program back is known of a few.
async fn program(argv: &[String]) -> anyhow::Result<Vec<Undo>> {
    let words: Vec<&str> = argv.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["systemctl", "daemon-reload"] | ["systemctl", "restart", _] | ["networkctl", "reload"] => {
            Ok(vec![Undo::Again { argv: argv.to_vec() }])
        }
        ["systemctl", "enable", units @ ..] => {
            let mut undo = Vec::new();
            for unit in units {
                if !is_enabled(unit).await? {
                    undo.push(Undo::Disable { unit: (*unit).to_owned() });
                }
            }
            Ok(undo)
        }
        ["mount", .., at] => Ok(vec![Undo::Unmount { at: at.into() }]),
        _ => anyhow::bail!("nothing is known that takes `{}` back", argv.join(" ")),
    }
}

async fn is_enabled(unit: &str) -> anyhow::Result<bool> {
    Ok(Command::new("systemctl", ["is-enabled", "--quiet", unit]).end().await?.status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journal(folder: &Path) -> Journal {
        Journal::create(&folder.join("journal"), b"").unwrap()
    }

    fn path(folder: &Path, name: &str) -> String {
        folder.join(name).display().to_string()
    }

    #[tokio::test]
    async fn a_file_takes_the_folders_with_it_that_were_made_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let step = Step::config(path(folder.path(), "a/b/c"), "x");
        let undo = foresee(&step, &journal(folder.path())).await.unwrap();
        assert_eq!(undo, [Undo::Remove { path: folder.path().join("a") }]);
    }

    #[test]
    fn a_setting_of_the_kernel_is_remembered_if_there_is_one() {
        let undo = sysctls("# none\nkernel.ostype=x\n-no.such.setting = 1\n").unwrap();
        let before = "Linux\n".to_owned();
        assert_eq!(undo, [Undo::Sysctl { path: "/proc/sys/kernel/ostype".into(), before }]);
    }

    #[tokio::test]
    async fn a_setting_of_a_machine_is_none_of_the_hosts() {
        let folder = tempfile::tempdir().unwrap();
        let journal = journal(folder.path());
        let of_machine = path(folder.path(), "machines/alpha/etc/sysctl.d/50-x.conf");
        let undo = foresee(&Step::config(of_machine, "kernel.ostype=x\n"), &journal).await;
        assert_eq!(undo.unwrap(), [Undo::Remove { path: folder.path().join("machines") }]);
        let of_host = "/run/sysctl.d/50-nspawn-matrix-test.conf";
        let undo = foresee(&Step::config(of_host, "kernel.ostype=x\n"), &journal).await;
        assert!(matches!(undo.unwrap().as_slice(), [Undo::Remove { .. }, Undo::Sysctl { .. }]));
    }

    #[tokio::test]
    async fn a_file_that_is_there_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("there"), "before").unwrap();
        let step = Step::config(path(folder.path(), "there"), "after");
        let undo = foresee(&step, &journal(folder.path())).await.unwrap();
        let [Undo::PutBack { kept, .. }] = undo.as_slice() else { panic!("{undo:?}") };
        assert_eq!(fs::read_to_string(kept).unwrap(), "before");
    }

    #[tokio::test]
    async fn a_program_that_nothing_is_known_of_is_not_run() {
        let folder = tempfile::tempdir().unwrap();
        let error = foresee(&Step::run(&["rm", "-rf", "/x"]), &journal(folder.path())).await.unwrap_err();
        assert_eq!(error.to_string(), "nothing is known that takes `rm -rf /x` back");
    }
}

//! The making of one image without root: mmdebstrap in a user namespace, then mkfs.ext4 in the same.
//!
//! In that namespace this user is root and has the ids of /etc/subuid besides, so the files of the root file system
//! have their owners, as numbers, and mkfs.ext4 writes those numbers to the disk. Its pid namespace ends with its first
//! process, which ends with us.

use std::fs::{self, File};
use std::path::Path;
use std::process::Stdio;

use nix::unistd::{User, geteuid};
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::{Build, Chosen, Image, Kernel, VmError, command, hooks, space};

/// What a build takes at its peak, in MB: packages and lists, the root, the disk.
const NEEDED_MB: u64 = 1200;

/// What dpkg leaves out: a tenth of the build's time is spent on writing it.
const LEFT_OUT: [&str; 3] = ["/usr/share/man/*", "/usr/share/doc/*", "/usr/share/locale/*"];

/// Makes the image in the folder `partial`, and removes what is left there of an earlier attempt.
pub(crate) async fn build(
    chosen: &Chosen,
    build: &Build,
    partial: &Path,
    lock: &File,
    progress: &mut impl FnMut(&str),
) -> Result<(), VmError> {
    check_ranges(&chosen.suite)?;
    remove(partial).await?;
    fs::create_dir(partial).map_err(|source| VmError::file(partial, source))?;
    let made = make(chosen, build, partial, lock, progress).await;
    if made.is_err() {
        remove(partial).await?;
    }
    made
}

async fn make(
    chosen: &Chosen,
    build: &Build,
    partial: &Path,
    lock: &File,
    progress: &mut impl FnMut(&str),
) -> Result<(), VmError> {
    check_space(chosen, partial)?;
    let root = partial.join("root");
    let mmdebstrap = mmdebstrap(&chosen.suite, build, &root);
    run(chosen, in_namespace(mmdebstrap), partial, lock, progress).await?;
    progress("taking the kernel out");
    let image = Image::at(partial.to_owned(), &chosen.spec.origin);
    if let Some(Kernel { image, initrd }) = image.kernel() {
        for (name, target) in [("vmlinuz", image), ("initrd.img", initrd)] {
            let source = root.join(name);
            fs::copy(&source, target).map_err(|error| VmError::file(source, error))?;
        }
    }
    progress("making the disk");
    run(chosen, in_namespace(mkfs(chosen, &root, &image.disk())), partial, lock, progress).await?;
    remove(&root).await
}

/// Removes a folder with files of other users in it, if it is there.
async fn remove(folder: &Path) -> Result<(), VmError> {
    if folder.exists() {
        let words = ["rm", "--recursive", "--force", "--one-file-system", "--"].map(String::from);
        let argv = words.into_iter().chain([folder.display().to_string()]).collect();
        command::output(&in_namespace(argv)).await?;
    }
    Ok(())
}

/// Gives mmdebstrap with all of its options.
pub(crate) fn mmdebstrap(suite: &str, build: &Build, root: &Path) -> Vec<String> {
    // Its mode `unshare` would make a namespace of its own for each step; here all steps share ours.
    let words = ["mmdebstrap", "--mode=root", "--format=directory", "--variant=minbase"];
    let mut argv: Vec<String> = words.map(String::from).into();
    // The clean-up for reproducible images would make the machine id `uninitialized`, and each boot a first boot.
    argv.push("--skip=cleanup/reproducible".into());
    argv.push(format!("--include={}", build.packages.join(",")));
    // The image is made anew rather than repaired, so it need not survive a power cut while it is made.
    argv.push("--dpkgopt=force-unsafe-io".into());
    argv.extend(LEFT_OUT.map(|pattern| format!("--dpkgopt=path-exclude={pattern}")));
    argv.extend([hooks::INITRD].map(|hook| format!("--essential-hook={hook}")));
    argv.extend(hooks::CUSTOMIZE.map(|hook| format!("--customize-hook={hook}")));
    if suite == "sid" {
        // Its Release file is valid for a week only, and mirrors lag.
        argv.push("--aptopt=Acquire::Check-Valid-Until \"false\"".into());
    }
    argv.extend([suite.to_owned(), root.display().to_string()]);
    argv
}

/// Gives the command that makes the disk of a root file system.
fn mkfs(chosen: &Chosen, root: &Path, disk: &Path) -> Vec<String> {
    let size = format!("{}M", chosen.spec.disk);
    let (root, disk) = (root.display().to_string(), disk.display().to_string());
    ["mkfs.ext4", "-q", "-L", "root", "-E", "lazy_itable_init=1", "-d", &root, &disk, &size]
        .map(String::from)
        .into()
}

/// Puts a command into namespaces that end with their first process, and that one with us. Whoever is not root is root
/// in there, with the ids that are his in /etc/subuid.
fn in_namespace(argv: Vec<String>) -> Vec<String> {
    let users: &[&str] = if geteuid().is_root() { &[] } else { &["--map-root-user", "--map-auto"] };
    let others = ["--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--"];
    let words = [&["unshare"], users, &others].concat();
    words.into_iter().map(String::from).chain(argv).collect()
}

/// Runs one step and tells what it says of its progress.
async fn run(
    chosen: &Chosen,
    argv: Vec<String>,
    partial: &Path,
    lock: &File,
    progress: &mut impl FnMut(&str),
) -> Result<(), VmError> {
    let mut command = command::tied(&argv);
    // The programs of root are in a folder that is not in everybody's PATH.
    let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/sbin";
    command.env("PATH", path).env("LC_ALL", "C").env("TMPDIR", partial);
    command::inherit(&mut command, lock);
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command::spawn(command, &argv)?;
    let failed = |source| VmError::Start { program: argv[0].clone(), source };
    let mut errors = vec![];
    if let Some(stderr) = child.stderr.take() {
        let mut lines = BufReader::new(stderr).lines();
        while let Some(line) = lines.next_line().await.map_err(failed)? {
            match step(&line) {
                Some(step) => progress(step),
                None => errors.push(line),
            }
        }
    }
    if child.wait().await.map_err(failed)?.success() {
        return Ok(());
    }
    Err(VmError::Build { image: chosen.suite.clone(), said: essence(&errors) })
}

/// Gives what a line of mmdebstrap's says of its progress, if it does.
fn step(line: &str) -> Option<&str> {
    let step = line.strip_prefix("I: ")?;
    Some(step.split_once("-hook in shell: sh -c '# ").map_or(step, |(_, comment)| comment))
}

/// Gives the first line that is marked as an error, because what follows it is consequence; else the last one.
fn essence(lines: &[String]) -> String {
    let marked = lines.iter().find_map(|line| line.strip_prefix("E: "));
    let last = lines.iter().rev().map(|line| line.trim()).find(|line| !line.is_empty());
    marked.or(last).unwrap_or("it said nothing").to_owned()
}

/// Fails early, before anything is written, if the file system cannot hold what is coming.
fn check_space(chosen: &Chosen, folder: &Path) -> Result<(), VmError> {
    let free = space::free(folder).map_err(|source| VmError::file(folder, source))? / 1_000_000;
    if free >= NEEDED_MB {
        return Ok(());
    }
    let image = chosen.suite.clone();
    Err(VmError::NoSpace { image, folder: folder.to_owned(), free, needed: NEEDED_MB })
}

/// Whoever is not root needs ranges of ids: without them the namespace has one user only.
fn check_ranges(image: &str) -> Result<(), VmError> {
    let user = geteuid();
    if user.is_root() {
        return Ok(());
    }
    let name = User::from_uid(user).ok().flatten().map_or_else(|| user.to_string(), |user| user.name);
    for file in ["/etc/subuid", "/etc/subgid"] {
        let ranges = fs::read_to_string(file).unwrap_or_default();
        let of_user =
            |line: &str| line.split(':').next().is_some_and(|of| of == name || of == user.to_string());
        if !ranges.lines().any(of_user) {
            return Err(VmError::NoRange { image: image.to_owned(), user: name, file });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trixie_is_built_by_this_command() {
        let crate::Origin::Build(build) = Chosen::named("trixie").unwrap().spec.origin else {
            panic!("it is built")
        };
        let argv = mmdebstrap("trixie", &build, Path::new("/cache/root"));
        let first = |word: &String| word.lines().next().unwrap_or_default().to_owned();
        insta::assert_snapshot!(argv.iter().map(first).collect::<Vec<_>>().join("\n"), @r"
        mmdebstrap
        --mode=root
        --format=directory
        --variant=minbase
        --skip=cleanup/reproducible
        --include=dbus,libnss-myhostname,libnss-mymachines,libnss-resolve,libpam-systemd,systemd,systemd-container,systemd-resolved,systemd-sysv,systemd-timesyncd,btrfs-progs,iproute2,iputils-ping,nftables,initramfs-tools,kmod,lz4,linux-image-amd64,mount,openssh-server,udev
        --dpkgopt=force-unsafe-io
        --dpkgopt=path-exclude=/usr/share/man/*
        --dpkgopt=path-exclude=/usr/share/doc/*
        --dpkgopt=path-exclude=/usr/share/locale/*
        --essential-hook=# choosing drivers
        --customize-hook=# setting up the network
        --customize-hook=# making it tell when it is ready
        --customize-hook=# making it boot quickly
        --customize-hook=# making it anonymous
        trixie
        /cache/root
        ");
    }

    #[test]
    fn an_error_is_told_by_the_first_line_that_is_marked() {
        let lines = ["W: x", "E: Failed to fetch http://m/x", "E: apt-get failed"].map(String::from);
        assert_eq!(essence(&lines), "Failed to fetch http://m/x");
        assert_eq!(essence(&["mkfs.ext4: no".into(), String::new()]), "mkfs.ext4: no");
    }

    #[test]
    fn progress_is_told_without_scripts() {
        let hook = "I: running --customize-hook in shell: sh -c '# making it anonymous";
        assert_eq!(step(hook), Some("making it anonymous"));
        assert_eq!(step("I: running apt-get update..."), Some("running apt-get update..."));
        assert_eq!(step("set -eu"), None);
    }
}

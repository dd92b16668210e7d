//! The making of one image, from a recipe to a checked tar file in a [`Workplace`].
//!
//! Each recipe is one command. Whatever it was, the result is read once, to see that it is a whole tar file and has a
//! systemd in it.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use nix::unistd::geteuid;

use super::debian::{self, Debian};
use super::job::{Ended, Job};
use super::packing::Packing;
use super::recipe::Source;
use super::workplace::Workplace;
use super::{ImageError, Packages, Recipe, arch};
use crate::command::{Command, CommandError};
use crate::setup;

/// What a Debian takes while it is built, in MB: 120 of packages and their lists, 120 unpacked, 120 packed, and room.
const DEBIAN_MB: u64 = 500;

/// What an Arch Linux takes, in MB: 300 of packages, 900 unpacked, 900 packed, and room.
const ARCH_MB: u64 = 2500;

/// Where pacman has the keys that it trusts.
const PACMAN_KEYS: &str = "/etc/pacman.d/gnupg";

/// What systemd's manager is called in the listing of a tar file, with and without a merged /usr.
const MANAGERS: [&str; 2] = ["usr/lib/systemd/systemd", "lib/systemd/systemd"];

/// What apt and pacman say when it is the network's or the mirror's fault.
const NETWORK: [&str; 6] = [
    "Failed to fetch",
    "Could not resolve",
    "Could not connect",
    "Unable to connect",
    "failed to download",
    "failed retrieving file",
];

/// Makes the image of `recipe` in the partial file of `place`, and checks it.
///
/// # Errors
/// Any [`ImageError`] but those of names.
pub(super) async fn build(
    recipe: &Recipe,
    place: &Workplace,
    progress: &mut impl FnMut(&str),
) -> Result<(), ImageError> {
    let needed = match recipe {
        Recipe::Debian(_) => DEBIAN_MB,
        Recipe::Arch(_) => ARCH_MB,
        Recipe::Tarball(source) => source.bytes() / 1_000_000,
        // To know would take as long as to pack it.
        Recipe::Directory(_) => 0,
    };
    let builder = Builder { name: recipe.name(), place, needed };
    builder.check_space()?;
    let ended = match recipe {
        Recipe::Debian(debian) => builder.install(debian, progress).await?,
        Recipe::Arch(packages) => builder.pacstrap(packages, progress).await?,
        Recipe::Tarball(source) => builder.unpack(source, progress).await?,
        Recipe::Directory(source) => builder.pack(source, progress).await?,
    };
    builder.check_end(&ended)?;
    progress("checking the image");
    builder.check_content().await
}

struct Builder<'a> {
    name: String,
    place: &'a Workplace,
    /// The least space that the build takes, in MB.
    needed: u64,
}

impl Builder<'_> {
    async fn install(&self, what: &Debian, progress: &mut impl FnMut(&str)) -> Result<Ended, ImageError> {
        if !setup::is_installed("mmdebstrap") {
            return Err(ImageError::NoMmdebstrap { name: self.name.clone() });
        }
        let scratch = self.scratch()?;
        let command = Command::from_argv(debian::command(what, &self.place.partial(), geteuid().is_root()));
        self.finish(command.env("TMPDIR", &scratch), progress).await
    }

    async fn pacstrap(
        &self,
        packages: &Packages,
        progress: &mut impl FnMut(&str),
    ) -> Result<Ended, ImageError> {
        self.check_root()?;
        if let Some(program) =
            ["pacstrap", "pacman"].into_iter().find(|program| !setup::is_installed(program))
        {
            return Err(ImageError::NoPacstrap { name: self.name.clone(), program });
        }
        let scratch = self.scratch()?;
        let config = match packages {
            Packages::Pinned if !Path::new(PACMAN_KEYS).is_dir() => {
                return Err(ImageError::NoKeys { name: self.name.clone() });
            }
            Packages::Pinned => self.pinned(&scratch)?,
            Packages::Configured(source) => source.path().to_owned(),
        };
        let command = Command::from_argv(arch::command(&config, &scratch, &self.place.partial()));
        self.finish(command.env("TMPDIR", &scratch), progress).await
    }

    /// Writes pacman's configuration, and makes a folder for packages that is gone with the build.
    fn pinned(&self, scratch: &Path) -> Result<PathBuf, ImageError> {
        let (config, packages) = (scratch.join("pacman.conf"), scratch.join("packages"));
        let text = arch::pinned(&packages)
            .ok_or_else(|| self.failed(&io::Error::other("the day of its packages is not known")))?;
        fs::create_dir(&packages)
            .and_then(|()| fs::write(&config, text))
            .map_err(|error| self.refused(error))?;
        Ok(config)
    }

    fn check_root(&self) -> Result<(), ImageError> {
        if geteuid().is_root() { Ok(()) } else { Err(ImageError::NotRoot { name: self.name.clone() }) }
    }

    fn scratch(&self) -> Result<PathBuf, ImageError> {
        let scratch = self.place.scratch();
        fs::create_dir(&scratch).map_err(|error| self.refused(error))?;
        Ok(scratch)
    }

    /// Runs a program that tells its steps. The words of its errors are read below.
    async fn finish(&self, command: Command, progress: &mut impl FnMut(&str)) -> Result<Ended, ImageError> {
        let job = Job::start(command.env("LC_ALL", "C"), self.place.lock())
            .map_err(|error| self.not_started(error))?;
        let steps = |line: &str| step(line).map_or((), &mut *progress);
        job.finish(steps).await.map_err(|error| self.failed(&error))
    }

    async fn unpack(&self, source: &Source, progress: &mut impl FnMut(&str)) -> Result<Ended, ImageError> {
        let unreadable = |error| ImageError::Source { path: source.path().to_owned(), source: error };
        let not_tar = || ImageError::NotTar { path: source.path().to_owned() };
        let packing = Packing::of(source.path()).map_err(unreadable)?.ok_or_else(not_tar)?;
        progress(&format!("copying {}", source.path().display()));
        let file = File::create_new(self.place.partial()).map_err(|error| self.refused(error))?;
        let command = Command::from_argv(packing.unpacked(source.path()));
        let job = Job::start_into(command, self.place.lock(), &OwnedFd::from(file))
            .map_err(|error| self.not_started(error))?;
        job.finish(|_| ()).await.map_err(|error| self.failed(&error))
    }

    async fn pack(&self, source: &Source, progress: &mut impl FnMut(&str)) -> Result<Ended, ImageError> {
        progress(&format!("packing {}", source.path().display()));
        let command =
            Command::from_argv(pack_command(source.path(), &self.place.partial())).env("LC_ALL", "C");
        let job = Job::start(command, self.place.lock()).map_err(|error| self.not_started(error))?;
        job.finish(|_| ()).await.map_err(|error| self.failed(&error))
    }

    /// Fails early, before anything is written, if the file system of the store cannot hold what is coming.
    fn check_space(&self) -> Result<(), ImageError> {
        let free = self.free()?;
        if free < self.needed { Err(self.no_space(free, self.needed)) } else { Ok(()) }
    }

    /// Turns a bad end into the error that says what to do.
    fn check_end(&self, ended: &Ended) -> Result<(), ImageError> {
        let has =
            |words: &[&str]| ended.lines.iter().any(|line| words.iter().any(|word| line.contains(word)));
        if ended.status.success() {
            return Ok(());
        }
        let name = self.name.clone();
        let said = essence(ended);
        if has(&["No space left on device", "Disk quota exceeded"]) {
            let written = self.place.partial().metadata().map_or(0, |file| file.len()) / 1_000_000;
            Err(self.no_space(self.free()?, written.max(self.needed)))
        } else if has(&["404  Not Found"]) {
            Err(ImageError::Absent { name, said })
        } else if has(&NETWORK) {
            Err(ImageError::Unreachable { name, said })
        } else {
            Err(ImageError::Failed { name, said })
        }
    }

    /// Reads the whole file as tar, and looks for a manager in it.
    async fn check_content(&self) -> Result<(), ImageError> {
        let argv = [OsStr::new("--list"), OsStr::new("--file"), self.place.partial().as_os_str()]
            .map(OsStr::to_owned);
        let listing = match Command::new("tar", argv).env("LC_ALL", "C").output().await {
            Ok(listing) => listing,
            Err(CommandError::Failed { stderr, status, .. }) => {
                let said = last(stderr.lines(), 2).unwrap_or_else(|| status.to_string());
                return Err(ImageError::Failed { name: self.name.clone(), said });
            }
            Err(error @ CommandError::Start { .. }) => return Err(self.not_started(error)),
        };
        let mut files = listing.lines().map(|line| line.trim_start_matches("./").trim_start_matches('/'));
        if files.any(|file| MANAGERS.contains(&file)) {
            Ok(())
        } else {
            Err(ImageError::NoSystemd { name: self.name.clone() })
        }
    }

    /// Free space for us in MB.
    fn free(&self) -> Result<u64, ImageError> {
        let space =
            nix::sys::statvfs::statvfs(self.place.folder()).map_err(|errno| self.refused(errno.into()))?;
        Ok(space.blocks_available() * space.fragment_size() / 1_000_000)
    }

    fn no_space(&self, free: u64, needed: u64) -> ImageError {
        ImageError::NoSpace { name: self.name.clone(), folder: self.place.folder().to_owned(), free, needed }
    }

    fn refused(&self, source: io::Error) -> ImageError {
        ImageError::Folder { folder: self.place.folder().to_owned(), source }
    }

    fn not_started(&self, source: CommandError) -> ImageError {
        ImageError::Start { name: self.name.clone(), source }
    }

    fn failed(&self, error: &io::Error) -> ImageError {
        ImageError::Failed { name: self.name.clone(), said: error.to_string() }
    }
}

/// Gives the command that packs a directory with everything that a root file system has, and nothing mounted in it.
fn pack_command(directory: &Path, target: &Path) -> Vec<String> {
    let options = ["tar", "--create", "--xattrs", "--acls", "--numeric-owner", "--one-file-system", "--file"];
    let (target, directory) = (target.display().to_string(), directory.display().to_string());
    let mut argv: Vec<String> = options.map(String::from).into();
    argv.extend([target, "--directory".into(), directory, ".".into()]);
    argv
}

/// Gives what a line of mmdebstrap's or our own scripts' says of its progress, if it does.
fn step(line: &str) -> Option<&str> {
    let step = line.strip_prefix("I: ")?;
    let of_no_interest = ["using ", "removing ", "skipping ", "main() ", "done", "success "];
    let step = step.split_once("-hook in shell: sh -c '# ").map_or(step, |(_, comment)| comment);
    let step = step.trim_start_matches("# ");
    (!of_no_interest.iter().any(|start| step.starts_with(start))).then_some(step)
}

/// Gives the first line that apt, mmdebstrap or pacman marks as an error, because what follows it is consequence; else
/// the last lines, or how the program ended.
fn essence(ended: &Ended) -> String {
    let marked = |line: &String| line.strip_prefix("E: ").or(line.strip_prefix("error: ")).map(String::from);
    let error = ended.lines.iter().find_map(marked);
    error
        .or_else(|| last(ended.lines.iter().map(String::as_str), 3))
        .unwrap_or_else(|| ended.status.to_string())
}

fn last<'a>(lines: impl Iterator<Item = &'a str>, count: usize) -> Option<String> {
    let lines: Vec<&str> = lines.filter(|line| !line.trim().is_empty()).collect();
    (!lines.is_empty()).then(|| lines[lines.len().saturating_sub(count)..].join(" / "))
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    use super::*;
    use crate::lock::Lock;

    fn error_of(lines: &str) -> ImageError {
        let folder = tempfile::tempdir().unwrap();
        let lock = Lock::try_take(&folder.path().join("x.lock")).unwrap().unwrap();
        let place = Workplace::of(lock, folder.path(), "x").unwrap();
        let builder = Builder { name: "trixie".into(), place: &place, needed: 1 };
        let lines = lines.lines().map(String::from).collect();
        builder.check_end(&Ended { status: ExitStatus::from_raw(1 << 8), lines }).unwrap_err()
    }

    #[test]
    fn a_mirror_that_cannot_be_reached_is_told_with_apts_own_words() {
        let error = error_of(
            "I: running apt-get update...\nErr:1 http://mirror.invalid/debian trixie InRelease\n  Could not resolve 'mirror.invalid'\n\
             E: Failed to fetch http://mirror.invalid/debian/dists/trixie/InRelease  Could not resolve 'mirror.invalid'\n\
             E: mmdebstrap failed to run",
        );
        insta::assert_snapshot!(
            error,
            @"build image `trixie`: the mirror cannot be reached: Failed to fetch http://mirror.invalid/debian/dists/trixie/InRelease  Could not resolve 'mirror.invalid'"
        );
        assert!(matches!(error, ImageError::Unreachable { .. }));
    }

    #[test]
    fn what_a_mirror_does_not_have_is_told() {
        let error = error_of(
            "Err:1 http://s.invalid/archive/debian/20200101T000000Z trixie Release\n  404  Not Found [IP: 192.0.2.1 80]\n\
             E: The repository 'http://s.invalid/archive/debian/20200101T000000Z trixie Release' does not have a Release file.",
        );
        insta::assert_snapshot!(
            error,
            @"build image `trixie`: the mirror does not have it: The repository 'http://s.invalid/archive/debian/20200101T000000Z trixie Release' does not have a Release file."
        );
    }

    #[test]
    fn pacmans_words_are_understood_too() {
        let error = error_of(
            "error: failed retrieving file 'core.db' from m.invalid : Could not resolve host: m.invalid\n\
             error: failed to synchronize all databases (download library error)\n\
             ==> ERROR: Failed to install packages to new root",
        );
        insta::assert_snapshot!(
            error,
            @"build image `trixie`: the mirror cannot be reached: failed retrieving file 'core.db' from m.invalid : Could not resolve host: m.invalid"
        );
    }

    #[test]
    fn a_full_disk_is_not_taken_for_a_dead_network() {
        let error =
            error_of("E: Failed to fetch http://m/x  Write error - write (28: No space left on device)");
        assert!(matches!(error, ImageError::NoSpace { .. }), "{error}");
    }

    #[test]
    fn another_failure_is_told_by_its_last_words() {
        assert_eq!(error_of("tar: x: Cannot open").to_string(), "build image `trixie`: tar: x: Cannot open");
        assert_eq!(error_of("").to_string(), "build image `trixie`: exit status: 1");
    }

    #[test]
    fn progress_is_told_without_temporary_names_and_scripts() {
        assert_eq!(step("I: running apt-get update..."), Some("running apt-get update..."));
        assert_eq!(
            step("I: running --customize-hook in shell: sh -c '# enabling services"),
            Some("enabling services")
        );
        assert_eq!(step("I: using /tmp/mmdebstrap.x as tempdir"), None);
        assert_eq!(step("set -eu"), None);
    }

    #[test]
    fn a_directory_is_packed_with_its_owners_and_attributes() {
        assert_eq!(
            pack_command(Path::new("/a b"), Path::new("/s/p")).join(" "),
            "tar --create --xattrs --acls --numeric-owner --one-file-system --file /s/p --directory /a b ."
        );
    }
}

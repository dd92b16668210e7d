//! The command that builds an Arch Linux image: pacstrap, as the notes type it, on any machine that has it.
//!
//! The notes' `pacstrap -i -c -d C base --ignore linux` (N1) of today: the kernel is no part of `base`, `-d` has meant
//! nothing since arch-install-scripts 18 and is gone in 28, and nobody is asked. What is in the image comes from its
//! packages alone: keys and mirrors of the machine that builds it stay out (`-G`, `-M`).
//!
//! Everything runs in mount and pid namespaces of its own, so that the end of its first process, for whatever reason,
//! is the end of all its processes and mounts.

use std::path::Path;

use nspawn_matrix_vm::{ArchiveDay, Chosen, Origin};

use super::debian::NAMESPACES;
use super::finish;

/// What every image has: the notes' `base`, and what the firewall is asked with, as in the images of Debian.
const PACKAGES: &str = "base nftables";

/// All of it, with a line for each step. `$1` is the configuration of pacman, `$2` the root to make, `$3` the tar file;
/// then come the scripts that finish the root. pacman wants a mount point, to know how much room there is.
const BUILD: &str = r#"set -eu
config=$1 root=$2 target=$3
shift 3
mkdir "$root"
mount --bind "$root" "$root"
echo "I: installing $PACKAGES"
pacstrap -c -G -M -C "$config" "$root" $PACKAGES
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
for hook in "$@"; do
    echo "I: ${hook%%
*}"
    sh -c "$hook" hook "$root"
done
umount "$root/dev" "$root/proc"
echo "I: packing"
tar --create --xattrs --acls --numeric-owner --one-file-system --file "$target" --directory "$root" .
"#;

/// What the notes copy (N2) and Arch has elsewhere than Debian.
const PERSON: &str = r#"# taking over .bashrc
set -eu
if [ ! -s "$1/root/.bashrc" ]; then cp "$1/etc/skel/.bashrc" "$1/root/.bashrc"; fi
"#;

/// Gives the command that builds an image in the tar file `target`, below the folder `scratch`. `config` is pacman's.
pub(super) fn command(config: &Path, scratch: &Path, target: &Path) -> Vec<String> {
    let mut argv: Vec<String> = NAMESPACES.map(String::from).into();
    argv.extend(["sh".into(), "-c".into(), script(), "sh".into()]);
    argv.extend([config, &scratch.join("root"), target].map(|path| path.display().to_string()));
    argv.extend(hooks());
    argv
}

/// Gives everything that determines an image but its packages.
pub(super) fn words() -> Vec<String> {
    [script()].into_iter().chain(hooks()).collect()
}

fn script() -> String {
    BUILD.replace("$PACKAGES", PACKAGES)
}

fn hooks() -> impl Iterator<Item = String> {
    [PERSON.to_owned()].into_iter().chain(finish::hooks())
}

/// Gives pacman's configuration for the packages of the day that the virtual machine has them from, or nothing if its
/// spec has none. `packages` is a folder for those that are downloaded; those that the machine has are not.
pub(super) fn pinned(packages: &Path) -> Option<String> {
    let Origin::Download(image) = Chosen::named("arch").ok()?.spec.origin else { return None };
    Some(configuration(&image.archive, packages))
}

fn configuration(day: &ArchiveDay, packages: &Path) -> String {
    let options =
        "[options]\nArchitecture = x86_64\nSigLevel = Required DatabaseOptional\nParallelDownloads = 5\n";
    let caches = format!("CacheDir = {}\nCacheDir = /var/cache/pacman/pkg\n", packages.display());
    let repositories = ["core", "extra"].map(|name| format!("\n[{name}]\nServer = {}\n", day.server()));
    format!("{options}{caches}{}", repositories.concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Command;

    #[test]
    fn an_image_is_built_by_this_command() {
        let argv = command(Path::new("/c/pacman.conf"), Path::new("/c/scratch"), Path::new("/c/out"));
        let first = |word: &String| word.lines().next().unwrap_or_default().to_owned();
        insta::assert_snapshot!(argv.iter().map(first).collect::<Vec<_>>().join("\n"), @r"
        unshare
        --mount
        --pid
        --fork
        --kill-child
        --mount-proc
        --
        sh
        -c
        set -eu
        sh
        /c/pacman.conf
        /c/scratch/root
        /c/out
        # taking over .bashrc
        # setting locale, time zone and password
        # enabling services
        # making it boot quickly
        # making it anonymous
        ");
    }

    #[test]
    fn packages_are_those_of_one_day() {
        insta::assert_snapshot!(pinned(Path::new("/c/pkg")).unwrap(), @r"
        [options]
        Architecture = x86_64
        SigLevel = Required DatabaseOptional
        ParallelDownloads = 5
        CacheDir = /c/pkg
        CacheDir = /var/cache/pacman/pkg

        [core]
        Server = https://archive.archlinux.org/repos/2026/10/01/$repo/os/$arch

        [extra]
        Server = https://archive.archlinux.org/repos/2026/10/01/$repo/os/$arch
        ");
    }

    #[tokio::test]
    async fn every_script_is_without_errors_of_syntax() {
        for script in words() {
            Command::new("sh", ["-n", "-c", &script]).output().await.unwrap();
        }
    }
}

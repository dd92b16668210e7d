//! The disk that the roots of machines lie on: a btrfs with the image of the machines as its top.
//!
//! It is made here, where a file costs a tenth of what it costs in a guest that is emulated, and without root: in a user
//! namespace files have the owners that the image gives them, and mkfs.btrfs writes those down.

use std::fs::File;
use std::path::Path;

use anyhow::Context;
use nix::unistd::geteuid;

use crate::command::Command;
use crate::image::in_namespace;
use crate::roots;

/// The size of the disk, in bytes; the file is sparse.
const SIZE: u64 = 16 << 30;

/// Makes `disk` of the tar file `image`.
pub(super) async fn make(image: &Path, disk: &Path) -> anyhow::Result<()> {
    File::create_new(disk).and_then(|file| file.set_len(SIZE)).context("make the file")?;
    let base = disk.with_extension("base");
    std::fs::create_dir(&base).context("make a folder for the image")?;
    let script = script(image, &base, disk);
    let argv = ["sh", "-euc", &script].map(String::from).into();
    // The programs of root are in a folder that is not in everybody's PATH.
    let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/sbin";
    Command::from_argv(in_namespace(argv, geteuid().is_root())).env("PATH", path).output().await?;
    Ok(())
}

/// What is done in the namespace: only there can the files be removed again.
fn script(image: &Path, base: &Path, disk: &Path) -> String {
    let [image, base, disk] = [image, base, disk].map(|path| path.display().to_string());
    // A user may make no device nodes, and systemd-nspawn mounts a /dev of its own.
    let devices = ["--anchored", "--exclude=dev/*", "--exclude=./dev/*"].map(String::from);
    let unpack = roots::unpack(&image, &base).into_iter().chain(devices);
    let mkfs =
        ["mkfs.btrfs", "--quiet", "--data", "single", "--metadata", "single", "--rootdir", &base, &disk];
    let remove = ["rm", "--recursive", "--force", "--one-file-system", "--", &base];
    let lines = [unpack.collect::<Vec<_>>(), mkfs.map(String::from).into(), remove.map(String::from).into()];
    lines.iter().map(|argv| nspawn_matrix_scenarios::shell::command_line(argv)).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_disk_is_made_by_this_script() {
        let script =
            script(Path::new("/cache/a b.tar"), Path::new("/tmp/x/roots.base"), Path::new("/tmp/x/roots"));
        insta::assert_snapshot!(script, @r"
        tar --extract --numeric-owner --same-permissions --xattrs '--xattrs-include=*' --acls --file '/cache/a b.tar' --directory /tmp/x/roots.base --anchored '--exclude=dev/*' '--exclude=./dev/*'
        mkfs.btrfs --quiet --data single --metadata single --rootdir /tmp/x/roots.base /tmp/x/roots
        rm --recursive --force --one-file-system -- /tmp/x/roots.base
        ");
    }
}

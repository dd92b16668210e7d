//! Who owns what in the image of a machine, on the disk of the host, beneath whatever is mounted in the machine.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use nspawn_matrix_reports::{FileKind, Observation, Properties};
use nspawn_matrix_scenarios::{BindMount, launch};

use super::binds::owner;
use crate::probe::look;

/// The first id of the ranges that systemd-nspawn picks; what is below is the host's own
/// (<https://systemd.io/UIDS-GIDS>).
const FIRST_OF_RANGES: u32 = 0x0008_0000;

/// The last id of them.
const LAST_OF_RANGES: u32 = 0x6fff_ffff;

/// Who owns the image: its topmost directory, and a file in it.
pub(super) fn image_owner(machine: &str) -> anyhow::Result<Observation> {
    let (root, file) = (in_image(machine, "/")?, in_image(machine, "/etc/passwd")?);
    let values = [("owner", in_words(&root)), ("files", in_words(&file)), ("ids", owner(&root))];
    Ok(Observation::Properties(Properties::new(in_words(&root), values)))
}

/// Who owns the directory that systemd-nspawn has made for the bind mount.
pub(super) fn mount_point_owner(machine: &str, bind: &BindMount) -> anyhow::Result<Observation> {
    let root = owner(&in_image(machine, "/")?);
    let path = format!("{}{}", launch::root(machine), bind.destination);
    // Where the setting was ignored, none was made.
    let ids = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => "none".to_owned(),
        Ok(_) | Err(_) => owner(&in_image(machine, &bind.destination)?),
    };
    let owner = if ids == root { "root-of-machine".to_owned() } else { ids.clone() };
    let answer = if ids == root { "root".to_owned() } else { ids.clone() };
    Ok(Observation::Properties(Properties::new(answer, [("owner", owner), ("ids", ids), ("image", root)])))
}

fn in_image(machine: &str, path: &str) -> anyhow::Result<FileKind> {
    look(Path::new(&format!("{}{path}", launch::root(machine))))
}

/// The ids, unless they are of a range that differs from start to start.
fn in_words(file: &FileKind) -> String {
    let of_range = |id: u32| (FIRST_OF_RANGES..=LAST_OF_RANGES).contains(&id);
    if of_range(file.uid) && of_range(file.gid) { "of a range".to_owned() } else { owner(file) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_a_range_that_was_picked_are_told_as_such() {
        let file = |uid, gid| FileKind { kind: "directory".to_owned(), uid, gid, mode: "0755".to_owned() };
        assert_eq!(in_words(&file(0, 0)), "0:0");
        assert_eq!(in_words(&file(524_288, 524_288)), "of a range");
        assert_eq!(in_words(&file(2_147_483_646, 2_147_483_646)), "2147483646:2147483646");
    }
}

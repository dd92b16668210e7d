//! Links from the host's journal to those of machines, which systemd-nspawn makes (`--link-journal=guest`) and leaves.

use std::fs;
use std::io;
use std::path::Path;

/// Where they are; each is called as the id of its machine, which is made when that boots first.
const FOLDER: &str = "/var/log/journal";

/// Removes those that lead below `root`.
pub(super) fn unlink(root: &Path) -> io::Result<()> {
    unlink_in(Path::new(FOLDER), root)
}

fn unlink_in(folder: &Path, root: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let path = entry?.path();
        // What is no link leads nowhere.
        if fs::read_link(&path).is_ok_and(|target| target.starts_with(root)) {
            super::entry::remove(&path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn only_links_to_the_machine_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let root = Path::new("/var/lib/machines/alpha");
        symlink(root.join("var/log/journal/a"), folder.path().join("a")).unwrap();
        symlink("/var/lib/machines/alpha-2/var/log/journal/b", folder.path().join("b")).unwrap();
        fs::create_dir(folder.path().join("own")).unwrap();
        unlink_in(folder.path(), root).unwrap();
        let mut left: Vec<_> =
            fs::read_dir(folder.path()).unwrap().map(|one| one.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["b", "own"]);
        unlink_in(&folder.path().join("none"), root).unwrap();
    }
}

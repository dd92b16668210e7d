//! The package cache that every scenario binds: files of several owners, modes and kinds, so that the ways in which
//! a bind mount can change them show.

use crate::{Owner, Step};

/// The directory that is bound, the same inside and outside.
pub const PATH: &str = "/var/cache/pacman/pkg";

/// What the names of the files that the machines make in it start with.
pub const WRITTEN: &str = "written-by-";

/// The name of the file that `machine` makes in it.
#[must_use]
pub fn written_by(machine: &str) -> String {
    format!("{WRITTEN}{machine}")
}

/// Fills the cache.
#[must_use]
pub fn steps() -> Vec<Step> {
    steps_in(PATH)
}

/// Fills another directory in the same way.
#[must_use]
pub fn steps_in(folder: &str) -> Vec<Step> {
    let path = |name: &str| format!("{}/{name}", folder.trim_end_matches('/'));
    let file = |name: &str, uid, gid, mode| Step::File {
        path: path(name),
        content: format!("{name}\n"),
        owner: Owner { uid, gid },
        mode,
    };
    vec![
        Step::Directory { path: folder.to_owned(), owner: Owner::ROOT, mode: 0o755 },
        file("root-0644.pkg.tar.zst", 0, 0, 0o644),
        file("root-0600.pkg.tar.zst.sig", 0, 0, 0o600),
        file("user-0640.pkg.tar.zst", 1000, 1000, 0o640),
        file("group-0664.pkg.tar.zst", 0, 998, 0o664),
        file("setuid-4755", 0, 0, 0o4755),
        Step::Directory { path: path("setgid-2775"), owner: Owner { uid: 0, gid: 998 }, mode: 0o2775 },
        Step::Directory { path: path("sticky-1777"), owner: Owner::ROOT, mode: 0o1777 },
        Step::Symlink { path: path("link"), target: "root-0644.pkg.tar.zst".to_owned() },
        Step::Fifo { path: path("fifo-0620"), owner: Owner { uid: 1000, gid: 0 }, mode: 0o620 },
    ]
}

/// The option of the command line that binds it.
#[must_use]
pub fn bind_option() -> String {
    format!("--bind={PATH}")
}

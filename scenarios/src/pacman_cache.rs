//! The package cache that every scenario binds: files of several owners, modes, kinds and attributes, so that the ways in
//! which a bind mount can change them show.

use crate::{Acl, AclEntry, Attribute, Device, FileCapability, MACHINES, Owner, Step, Tag};

/// The directory that is bound, the same inside and outside.
pub const PATH: &str = "/var/cache/pacman/pkg";

/// What the names of the files that the machines make in it start with.
pub const WRITTEN: &str = "written-by-";

/// What the names of the files start with that the machines try to give away.
pub(crate) const GIVEN: &str = "given-by-";

/// What the names of the files start with whose mode the machines try to change.
pub(crate) const CHANGED: &str = "changed-by-";

/// The file with an access control list.
pub const WITH_ACL: &str = "acl-0640.pkg.tar.zst";

/// The file with an attribute of a user's.
pub const WITH_USER_ATTRIBUTE: &str = "user-attribute-0644";

/// The program with a capability.
pub const WITH_CAPABILITY: &str = "capability-0755";

/// The two names of one file.
pub const HARD_LINKS: [&str; 2] = ["hard-link-a", "hard-link-b"];

/// The nodes of devices.
pub const DEVICES: [&str; 2] = ["char-0666", "block-0660"];

/// The name of the file that `machine` makes in it.
#[must_use]
pub fn written_by(machine: &str) -> String {
    format!("{WRITTEN}{machine}")
}

/// The name of a file of the host's that `machine` tries to give away.
#[must_use]
pub fn given_by(machine: &str) -> String {
    format!("{GIVEN}{machine}")
}

/// The name of a file of the host's that `machine` tries to change the mode of.
#[must_use]
pub fn changed_by(machine: &str) -> String {
    format!("{CHANGED}{machine}")
}

/// Fills the cache.
#[must_use]
pub fn steps() -> Vec<Step> {
    steps_in(PATH, &MACHINES)
}

/// Fills another directory in the same way, for `machines` to change files in.
#[must_use]
pub fn steps_in(folder: &str, machines: &[impl AsRef<str>]) -> Vec<Step> {
    let path = |name: &str| format!("{}/{name}", folder.trim_end_matches('/'));
    let attribute = |name: &str, attribute| Step::Attribute { path: path(name), attribute };
    let file = |name: &str, uid, gid, mode| Step::File {
        path: path(name),
        content: format!("{name}\n"),
        owner: Owner { uid, gid },
        mode,
    };
    let steps = vec![
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
        Step::Socket { path: path("socket-0660"), owner: Owner { uid: 1000, gid: 998 }, mode: 0o660 },
        Step::Device { path: path(DEVICES[0]), device: Device::NULL, owner: Owner::ROOT, mode: 0o666 },
        Step::Device {
            path: path(DEVICES[1]),
            device: Device::LOOP,
            owner: Owner { uid: 0, gid: 6 },
            mode: 0o660,
        },
        file(HARD_LINKS[0], 0, 0, 0o644),
        Step::HardLink { path: path(HARD_LINKS[1]), target: path(HARD_LINKS[0]) },
        file(WITH_USER_ATTRIBUTE, 0, 0, 0o644),
        attribute(
            WITH_USER_ATTRIBUTE,
            Attribute::User { name: "origin".to_owned(), value: "core".to_owned() },
        ),
        file(WITH_ACL, 0, 0, 0o640),
        attribute(WITH_ACL, Attribute::Acl { acl: acl() }),
        file(WITH_CAPABILITY, 0, 0, 0o755),
        attribute(WITH_CAPABILITY, Attribute::Capability { capability: FileCapability::NET_RAW }),
    ];
    let changed_by = |machine: &str| [given_by(machine), changed_by(machine)];
    let to_be_changed = machines.iter().flat_map(|machine| changed_by(machine.as_ref()));
    steps.into_iter().chain(to_be_changed.map(|name| file(&name, 0, 0, 0o644))).collect()
}

/// A user and a group may read, who could not by the mode alone.
fn acl() -> Acl {
    let entry = |tag, permissions| AclEntry { tag, permissions };
    Acl(vec![
        entry(Tag::Owner, 6),
        entry(Tag::User(1000), 4),
        entry(Tag::OwningGroup, 4),
        entry(Tag::Group(998), 4),
        entry(Tag::Mask, 4),
        entry(Tag::Other, 0),
    ])
}

/// The option of the command line that binds it.
#[must_use]
pub fn bind_option() -> String {
    format!("--bind={PATH}")
}

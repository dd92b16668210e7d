//! The bind mount of the package cache.

use super::Kind;
use crate::{Check, Claim, Expectation, MountClaim, Setting, links};

pub(super) fn claims(kind: Kind) -> Vec<Claim> {
    let owners = if kind.user_namespace { in_user_namespace() } else { as_on_host() };
    owners.into_iter().chain(in_any_case()).collect()
}

/// The machines run without a user namespace: ids mean inside what they mean outside.
fn as_on_host() -> Vec<Claim> {
    let ids = "without a user namespace ids are the host's own";
    let root = "root of the machine is root of the host";
    let claim =
        |check, expectation, reason: &str| Claim::new(check, expectation, reason, links::SYSTEMD_NSPAWN);
    vec![
        claim(Check::BindOwner, Expectation::SameOwner, ids),
        claim(Check::BindAttributes, attributes("same"), ids),
        claim(Check::BindWrite, Expectation::WrittenAs { uid: 0, gid: 0 }, root),
        claim(
            Check::BindChown,
            Expectation::properties(&[("outcome", "done"), ("owner", "1000:1000")]),
            root,
        ),
        claim(Check::BindChmod, Expectation::properties(&[("outcome", "done"), ("mode", "0600")]), root),
        claim(Check::BindMountPointOwner, Expectation::properties(&[("owner", ROOT_OF_IMAGE)]), root),
        claim(
            Check::ImageOwner,
            Expectation::properties(&[("owner", "0:0"), ("files", "0:0")]),
            "without a user namespace the ids in the image are the host's own",
        ),
    ]
}

/// The machines run with `-U`: the host's ids have no counterpart inside.
fn in_user_namespace() -> Vec<Claim> {
    let stranger = "root of the machine is someone else to the host, whose files it does not own";
    let not_allowed = |check, (name, value)| {
        let expectation = Expectation::properties(&[("outcome", "EPERM"), (name, value)]);
        Claim::new(check, expectation, stranger, links::USER_NAMESPACES)
    };
    let mount_point = |owner, reason, link| {
        let expectation = Expectation::properties(&[("owner", owner)]);
        Claim::new(Check::BindMountPointOwner, expectation, reason, link)
    };
    vec![
        Claim::new(
            Check::BindOwner,
            Expectation::OwnedByNobody,
            "the unit's -U gives the machine a range of ids of its own, and Bind= does not map ids unless told to",
            links::USER_NAMESPACES,
        ),
        Claim::new(
            Check::BindAttributes,
            attributes("u::rw-,u:4294967295:r--,g::r--,g:4294967295:r--,m::r--,o::---"),
            "users and groups that a list names have no counterpart inside and show as -1; nothing else names ids",
            links::FINDING_ACL,
        ),
        Claim::new(
            Check::BindWrite,
            Expectation::WriteRefused { errno: "EACCES".to_owned() },
            "the directory is root's and 0755, and root of the machine is someone else to the host",
            links::USER_NAMESPACES,
        ),
        not_allowed(Check::BindChown, ("owner", "0:0")),
        not_allowed(Check::BindChmod, ("mode", "0644")),
        mount_point(
            "2147483646:2147483646",
            "systemd-nspawn makes the mount point as root of the host, which the mapping of the image writes as the \
             id that it keeps for that (UID_MAPPED_ROOT); in the machine it belongs to nobody",
            links::FINDING_MOUNT_POINT_OWNER,
        )
        .until(252),
        mount_point(
            "0:0",
            "systemd-nspawn makes the mount point as root of the host, and no mapping of the image comes between",
            links::FINDING_ID_MAPPING,
        )
        .until(252)
        .when(Setting::IdMapping, "no"),
        mount_point(ROOT_OF_IMAGE, "systemd-nspawn gives mount points that it makes to root of the machine", links::PULL_MOUNT_POINT_OWNER)
            .since(253),
        Claim::new(
            Check::ImageOwner,
            Expectation::properties(&[("owner", "0:0"), ("files", "0:0")]),
            "-U maps the ids of the image where its file system can, so that nothing on the disk changes",
            links::SYSTEMD_NSPAWN,
        ),
        changed_image(),
    ]
}

/// Where ids cannot be mapped, the image belongs to the ids of the machine on the disk too.
pub(in crate::catalogue) fn changed_image() -> Claim {
    Claim::new(
        Check::ImageOwner,
        Expectation::properties(&[("owner", "of a range"), ("files", "of a range")]),
        "ids cannot be mapped where the image lies, so systemd-nspawn changes the owners of all its files",
        links::FINDING_ID_MAPPING,
    )
    .when(Setting::IdMapping, "no")
}

/// Whoever owns the topmost directory of the image: root of the machine.
pub(in crate::catalogue) const ROOT_OF_IMAGE: &str = "root-of-machine";

/// Everything that [`Check::BindAttributes`] looks at is the same on both sides but for the access control list.
fn attributes(acl: &str) -> Expectation {
    let same = ["inodes", "hard-links", "devices", "flags", "user-attribute", "capability"];
    let values: Vec<(&str, &str)> =
        same.into_iter().map(|name| (name, "same")).chain([("acl", acl)]).collect();
    Expectation::properties(&values)
}

fn in_any_case() -> [Claim; 2] {
    [
        Claim::new(
            Check::BindMode,
            Expectation::SameMode,
            "a bind mount does not change kinds and permission bits",
            links::MOUNT,
        ),
        Claim::new(
            Check::BindOptions,
            Expectation::Mounted(MountClaim {
                options: vec!["rw".to_owned()],
                propagation: ["shared", "slave"].map(str::to_owned).to_vec(),
                idmapped: false,
            }),
            "Bind= is read-write, and noidmap is its default (systemd.nspawn(5)); systemd-nspawn makes the mounts of the \
             host slaves, and the machine's own systemd makes what it has shared",
            links::NSPAWN_FILE,
        ),
    ]
}

//! The bind mount of the package cache.

use super::Kind;
use crate::{Check, Claim, Expectation, MountClaim, links};

pub(super) fn claims(kind: Kind) -> Vec<Claim> {
    let owners = if kind.user_namespace { in_user_namespace() } else { as_on_host() };
    owners.into_iter().chain(in_any_case()).collect()
}

/// The machines run without a user namespace: ids mean inside what they mean outside.
fn as_on_host() -> [Claim; 2] {
    [
        Claim::new(
            Check::BindOwner,
            Expectation::SameOwner,
            "without a user namespace ids are the host's own",
            links::SYSTEMD_NSPAWN,
        ),
        Claim::new(
            Check::BindWrite,
            Expectation::WrittenAs { uid: 0, gid: 0 },
            "root of the machine is root of the host",
            links::SYSTEMD_NSPAWN,
        ),
    ]
}

/// The machines run with `-U`: the host's ids have no counterpart inside.
fn in_user_namespace() -> [Claim; 2] {
    [
        Claim::new(
            Check::BindOwner,
            Expectation::OwnedByNobody,
            "the unit's -U gives the machine a range of ids of its own, and Bind= does not map ids unless told to",
            links::USER_NAMESPACES,
        ),
        Claim::new(
            Check::BindWrite,
            Expectation::WriteRefused { errno: "EACCES".to_owned() },
            "the directory is root's and 0755, and root of the machine is someone else to the host",
            links::USER_NAMESPACES,
        ),
    ]
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
            Expectation::Mounted(MountClaim { options: vec!["rw".to_owned()], idmapped: false }),
            "Bind= is read-write, and noidmap is its default (systemd.nspawn(5))",
            links::NSPAWN_FILE,
        ),
    ]
}

//! The shipped unit with a .nspawn file that says `PrivateUsers=pick`, which is not the same as the unit's own `-U`: until
//! systemd 261 it changes the owners of the image on the disk.

use super::claims::binds::{ROOT_OF_IMAGE, changed_image};
use super::claims::{self, Kind, Network, except};
use super::common::nspawn_files;
use crate::{Check, Claim, Expectation, Launch, Scenario, Topic, links};

pub(super) fn scenario() -> Scenario {
    Scenario::new(
        "nspawn-file-pick",
        "the shipped unit, PrivateUsers=pick in the .nspawn file",
        &["N10", "N11"],
        Launch::Unit,
        nspawn_files("\n[Exec]\nPrivateUsers=pick\n"),
        except(claims::about(Kind::unit(Network::Veth), &[Topic::Binds]), owners()),
    )
    .asked_about([Topic::Binds])
}

fn owners() -> Vec<Claim> {
    let claim = |check, values: &[(&str, &str)], reason| {
        Claim::new(check, Expectation::properties(values), reason, links::NSPAWN_FILE)
    };
    vec![
        claim(
            Check::ImageOwner,
            &[("owner", "of a range"), ("files", "of a range")],
            "with PrivateUsers=pick in a .nspawn file PrivateUsersOwnership= is chown",
        )
        .until(261),
        claim(
            Check::ImageOwner,
            &[("owner", "0:0"), ("files", "0:0")],
            "PrivateUsersOwnership= is auto from systemd 262 on, which maps where the file system can",
        )
        .since(262),
        changed_image().since(262),
        claim(
            Check::BindMountPointOwner,
            &[("owner", "0:0")],
            "systemd-nspawn makes the mount point as root of the host, after it has changed the owners of the image",
        )
        .until(252),
        claim(
            Check::BindMountPointOwner,
            &[("owner", ROOT_OF_IMAGE)],
            "systemd-nspawn gives mount points that it makes to root of the machine",
        )
        .since(253),
    ]
}

//! The shipped unit with a .nspawn file beside the image, which is not trusted: what it binds and how it is linked is
//! ignored, and the unit's own `--network-veth` stays.

use super::claims::{self, Kind, Network, settings};
use super::common::untrusted_nspawn_files;
use crate::{Check, Claim, Expectation, Launch, Scenario, Topic, links};

pub(super) fn scenario() -> Scenario {
    let link = claims::about(Kind::unit(Network::Veth), &[Topic::Reach]);
    Scenario::new(
        "nspawn-file-untrusted",
        "the shipped unit, the .nspawn file beside the image, where it is not trusted",
        &["N10", "N11"],
        Launch::Unit,
        untrusted_nspawn_files("\n[Network]\nZone=lab\n"),
        link.into_iter().chain(ignored()).collect(),
    )
    .asked_about([Topic::Reach, Topic::Settings])
}

fn ignored() -> [Claim; 5] {
    let reason = "a file beside the image is not trusted, so that an image cannot reach into its host; only \
                  /etc/systemd/nspawn and /run/systemd/nspawn are";
    let claim = |check, values: &[(&str, &str)]| {
        Claim::new(check, Expectation::properties(values), reason, links::NSPAWN_FILE)
    };
    [
        claim(Check::SettingsBinds, &[("package-cache", "absent")]),
        settings::overridden(&[], "what is not trusted is no setting that something else could replace"),
        settings::network(
            "present",
            "the file asks for a zone and is not trusted, so the unit's --network-veth counts",
        ),
        warnings("info", "up to systemd 255 it only writes them to its standard error").until(255),
        warnings("warning", "it sends them to the journal by its own protocol").since(256),
    ]
}

/// systemd-nspawn warns, with this priority, for this reason.
fn warnings(priority: &str, reason: &str) -> Claim {
    let values = [
        ("bind", "ignored, not trusted"),
        ("network", "ignored, not trusted"),
        ("other", "silent"),
        ("priority", priority),
    ];
    let reason = format!("systemd-nspawn warns of both groups; {reason}");
    Claim::new(
        Check::SettingsWarnings,
        Expectation::properties(&values),
        &reason,
        links::FINDING_WARNINGS_WITHOUT_PRIORITY,
    )
}

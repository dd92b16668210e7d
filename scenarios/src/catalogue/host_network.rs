//! `systemd-nspawn -b -D C`: nothing said about the network, so the machines use the host's.

use super::claims::{self, Kind, Network};
use crate::{Attachment, Launch, Scenario, pacman_cache};

pub(super) fn scenario() -> Scenario {
    Scenario::new(
        "host-network",
        "systemd-nspawn on the command line, nothing said about the network",
        &["N3"],
        Launch::CommandLine { options: vec![pacman_cache::bind_option()] },
        Vec::new(),
        claims::of(Kind::command_line(Network::Host)),
    )
    .attached_to(Attachment::Shared)
}

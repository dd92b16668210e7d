//! `systemd-nspawn -b -D C -n`: a veth link with NAT, on the command line.

use super::claims::{self, Kind, Network};
use crate::{Launch, Scenario, pacman_cache};

pub(super) fn scenario() -> Scenario {
    Scenario::new(
        "nat",
        "systemd-nspawn -n on the command line",
        &["N4", "N5"],
        Launch::CommandLine { options: vec!["-n".to_owned(), pacman_cache::bind_option()] },
        Vec::new(),
        claims::of(Kind::command_line(Network::Veth)),
    )
}

//! `--network-bridge=br0`: a bridge on the host by its two files, attached to on the command line.

use super::claims::{self, Kind, Network};
use super::common::br0;
use crate::{Launch, Scenario, pacman_cache};

pub(super) fn scenario() -> Scenario {
    Scenario::new(
        "bridge",
        "systemd-nspawn --network-bridge=br0 on the command line",
        &["N6", "N7"],
        Launch::CommandLine { options: vec!["--network-bridge=br0".to_owned(), pacman_cache::bind_option()] },
        br0(),
        claims::of(Kind::command_line(Network::Br0)),
    )
}

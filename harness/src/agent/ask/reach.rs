//! Who answers whom.

use std::net::IpAddr;

use nspawn_matrix_reports::{Observation, Ping};

use crate::agent::standing::call;
use crate::probe;
use crate::rpc::Client;

pub(super) async fn ping(probe: &Client, address: Option<IpAddr>) -> anyhow::Result<Observation> {
    let Some(address) = address else {
        let nothing = Ping { target: None, sent: 0, received: 0, rtt_us: None, ttl: None, error: None };
        return Ok(Observation::Ping(nothing));
    };
    call::<Ping>(probe, probe::Request::Ping { address }).await.map(Observation::Ping)
}

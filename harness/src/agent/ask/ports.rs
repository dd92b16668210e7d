//! Ports of the host that are forwarded to machines.

use std::net::{IpAddr, SocketAddr};

use anyhow::Context;
use futures_util::future::try_join_all;
use nspawn_matrix_reports::{Observation, Properties};
use nspawn_matrix_scenarios::port;

use crate::agent::standing::{Standing, call};
use crate::host;
use crate::probe::{self, Connection};
use crate::rpc::Client;

impl Standing {
    /// Has every machine serve its port.
    pub(super) async fn serve(&self) -> anyhow::Result<()> {
        try_join_all(self.machines.iter().map(|(name, machine)| {
            let request = probe::Request::Serve { port: port::MACHINE_PORT, name: name.clone() };
            call::<()>(&machine.probe, request)
        }))
        .await?;
        Ok(())
    }
}

/// Connects to the port of `machine` at the host's address on the uplink, over IPv4 or IPv6.
pub(super) async fn port(asked: &Client, machine: &str, is_ipv4: bool) -> anyhow::Result<Observation> {
    let at: IpAddr = if is_ipv4 { host::HOST_V4.into() } else { host::HOST_V6.into() };
    let port = port::on_host(machine).with_context(|| format!("no port leads to machine `{machine}`"))?;
    let to = SocketAddr::from((at, port));
    let connection: Connection = call(asked, probe::Request::Connect { to }).await?;
    let (who, said) = match connection {
        Connection::Answered(name) if name == machine => ("machine", name),
        Connection::Answered(name) => ("somebody else", name),
        Connection::Failed(why) => ("nobody", why),
    };
    let answer = if who == "machine" { "yes" } else { "no" };
    let values = [("answered-by", who.to_owned()), ("address", to.to_string()), ("said", said)];
    Ok(Observation::Properties(Properties::new(answer, values)))
}

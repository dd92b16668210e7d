//! Ports of the host that are forwarded to machines.

use std::net::{IpAddr, SocketAddr};

use anyhow::Context;
use nspawn_matrix_reports::{Observation, Properties};

use crate::agent::standing::{Machine, Standing, call};
use crate::host;
use crate::probe::{self, Connection};
use crate::rpc::Client;

impl Machine {
    /// Has the machine serve `port`, saying `name`, from now on.
    async fn serve(&self, port: u16, name: &str) -> anyhow::Result<()> {
        let request = || probe::Request::Serve { port, name: name.to_owned() };
        self.serving.get_or_try_init(|| call(&self.probe, request())).await.copied()
    }
}

impl Standing {
    /// Connects to the port of `machine` at the host's address on the uplink, over IPv4 or IPv6.
    pub(super) async fn port(
        &self,
        asked: &Client,
        machine: &str,
        is_ipv4: bool,
    ) -> anyhow::Result<Observation> {
        let at: IpAddr = if is_ipv4 { host::HOST_V4.into() } else { host::HOST_V6.into() };
        let forward = self.ports.get(machine);
        let forward = forward.with_context(|| format!("no port leads to machine `{machine}`"))?;
        self.machine(machine)?.serve(forward.machine, machine).await?;
        let to = SocketAddr::from((at, forward.host));
        let connection: Connection = call(asked, probe::Request::Connect { to }).await?;
        Ok(observed(machine, to, connection))
    }
}

/// What became of a connection that is to lead to `machine`.
fn observed(machine: &str, to: SocketAddr, connection: Connection) -> Observation {
    let (who, said) = match connection {
        Connection::Answered(name) if name == machine => ("machine", name),
        Connection::Answered(name) => ("somebody else", name),
        Connection::Failed(why) => ("nobody", why),
    };
    let answer = if who == "machine" { "yes" } else { "no" };
    let values = [("answered-by", who.to_owned()), ("address", to.to_string()), ("said", said)];
    Observation::Properties(Properties::new(answer, values))
}

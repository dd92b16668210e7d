//! Where the hosts of a run come from.

use std::rc::Rc;

use super::guest::{Guest, Guests};
use super::nested::{Nested, NestedSandbox};
use super::{Blueprint, Local, LocalHost, Remote, RemoteHost, Sandbox, Workspace};
use crate::agent::Notice;
use crate::rpc;

/// A place that gives hosts.
#[derive(Debug)]
pub enum Site {
    /// Each host is a sandbox on this machine, thrown away at the end.
    Sandboxes(Workspace),
    /// All hosts are one virtual machine, one after another.
    Guests(Guests),
    /// Each host is a sandbox in one virtual machine.
    Nested(Box<Nested>),
    /// All hosts are this machine, one after another.
    Local(Local),
    /// All hosts are a machine elsewhere, one after another.
    Ssh(Rc<Remote>),
}

/// A booted system that a scenario can be stood up on.
pub enum Host {
    /// In namespaces of this machine.
    Sandbox(Box<Sandbox>),
    /// A virtual machine.
    Guest(Guest),
    /// In namespaces of a virtual machine.
    Nested(NestedSandbox),
    /// This machine.
    Local(LocalHost),
    /// A machine elsewhere.
    Ssh(RemoteHost),
}

impl Site {
    /// Boots a host.
    ///
    /// # Errors
    /// If it does not boot; nothing of it runs then.
    pub async fn boot(&self, blueprint: Blueprint<'_>) -> anyhow::Result<Host> {
        match self {
            Self::Sandboxes(workspace) => {
                Ok(Host::Sandbox(Box::new(Sandbox::boot(workspace, blueprint).await?)))
            }
            Self::Guests(guests) => Ok(Host::Guest(guests.boot().await?)),
            Self::Nested(nested) => Ok(Host::Nested(nested.boot(blueprint).await?)),
            Self::Local(local) => Ok(Host::Local(local.host())),
            Self::Ssh(remote) => Ok(Host::Ssh(remote.host().await?)),
        }
    }

    /// What a host wrote on its console; nothing if it was not booted by us.
    pub async fn console(&self, host: &str) -> String {
        match self {
            Self::Sandboxes(workspace) => workspace.console(host),
            Self::Guests(guests) => guests.console(),
            Self::Nested(nested) => nested.console(host).await,
            Self::Local(_) | Self::Ssh(_) => String::new(),
        }
    }

    /// Takes the place away. All hosts must have ended.
    ///
    /// # Errors
    /// If something is left.
    pub async fn close(self) -> anyhow::Result<()> {
        match self {
            Self::Sandboxes(workspace) => Ok(workspace.close().await?),
            Self::Guests(guests) => guests.close().await,
            Self::Nested(nested) => nested.close().await,
            Self::Local(_) => Ok(()),
            Self::Ssh(remote) => remote.close().await,
        }
    }
}

impl Host {
    /// Starts the agent as a service of the host; one that is kept has a journal.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn agent(
        &self,
        is_kept: bool,
        on_notice: impl FnMut(Notice) + 'static,
    ) -> anyhow::Result<rpc::Client> {
        match self {
            Self::Sandbox(sandbox) => Ok(sandbox.agent(is_kept, on_notice)?),
            Self::Guest(guest) => guest.agent(on_notice),
            Self::Nested(sandbox) => sandbox.agent(is_kept, on_notice),
            Self::Local(host) => host.agent(on_notice),
            Self::Ssh(host) => host.agent(on_notice),
        }
    }

    /// Reboots the host.
    ///
    /// # Errors
    /// If it does not come back.
    pub async fn reboot(&mut self) -> anyhow::Result<()> {
        match self {
            Self::Sandbox(sandbox) => Ok(sandbox.reboot().await?),
            Self::Guest(guest) => guest.reboot().await,
            Self::Nested(sandbox) => sandbox.reboot().await,
            Self::Local(_) | Self::Ssh(_) => anyhow::bail!("a machine that somebody needs is not rebooted"),
        }
    }

    /// Gives the host up: one that is kept stays for the next scenario if it is as it was. Gives what is not as it was, if
    /// something had to be taken back for that.
    ///
    /// # Errors
    /// If something of it could not be taken away.
    pub async fn end(self, is_as_it_was: bool) -> anyhow::Result<Option<Vec<String>>> {
        match self {
            Self::Sandbox(sandbox) => sandbox.end().await?,
            Self::Guest(guest) => guest.end(is_as_it_was).await?,
            Self::Nested(sandbox) => sandbox.end().await?,
            Self::Local(host) => return host.end().await,
            Self::Ssh(host) => return host.end().await,
        }
        Ok(None)
    }
}

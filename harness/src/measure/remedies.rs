//! Doing on a host what its reasons say, as a person would paste it, to see whether it helps.

use anyhow::Context;

use super::{HostTask, evidence, prefix};
use crate::agent::Request;
use crate::explain;
use crate::notes::SharedNotes;
use crate::rpc::Client;

impl HostTask {
    /// Does what the reasons say, if that is wanted and they say anything, and asks again what is asked of machines that
    /// stand.
    pub(super) async fn remedied(
        &self,
        boot: u32,
        agent: &Client,
        notes: &SharedNotes,
    ) -> anyhow::Result<()> {
        let remedies =
            if self.remedies { explain::remedies(&notes.borrow().conclude(None)) } else { Vec::new() };
        if remedies.is_empty() {
            return Ok(());
        }
        self.now("doing what the reasons say");
        notes.borrow_mut().turn_over();
        let measured = self.mended(remedies, agent, notes).await;
        if measured.is_err() || !notes.borrow().is_green() {
            let evidence = evidence(agent, &format!("{}remedied-", prefix(boot))).await;
            notes.borrow_mut().evidence.extend(evidence);
        }
        measured
    }

    async fn mended(&self, remedies: Vec<String>, agent: &Client, notes: &SharedNotes) -> anyhow::Result<()> {
        for remedy in remedies {
            notes.borrow_mut().happened(None, "remedy", Some(remedy.clone()));
            agent.call::<_, ()>(&Request::Paste(remedy)).await.context("do what a reason says")?;
        }
        self.now("measuring again");
        self.ask(agent, self.host.while_standing(), [Request::Anew, Request::Again], notes).await
    }
}

//! Asking the questions of machines that stand.

mod binds;
mod life;
mod names;
mod reach;

use std::net::IpAddr;
use std::time::Instant;

use futures_util::future::join_all;
use nspawn_matrix_reports::{Family, Observation};
use nspawn_matrix_scenarios::{Check, Subject, Topic};

pub(super) use life::after_reboot;

use super::standing::Standing;
use super::{Job, Notice, Question};
use crate::chain::chain;
use crate::{host, rpc};
use reach::ping;

impl Standing {
    /// Asks everything, and tells each answer as it comes.
    pub(super) async fn ask(&self, job: &Job) -> anyhow::Result<()> {
        rpc::notify(&Notice::Settings(self.settings()?));
        if let Some(payload) = self.payload() {
            rpc::notify(&Notice::Payload(payload));
        }
        for wave in waves(&job.questions) {
            join_all(wave.into_iter().map(|question| tell(question, self.answer(question, job.samples))))
                .await;
        }
        Ok(())
    }

    async fn answer(&self, question: &Question, samples: u32) -> anyhow::Result<Observation> {
        match &question.subject {
            Subject::Machine { machine } => self.of_machine(question.check, machine, samples).await,
            Subject::Pair { machine, peer } => self.of_pair(question.check, machine, peer, samples).await,
            Subject::Host { machine } => self.of_host_about(question.check, machine, samples).await,
            Subject::HostItself => Err(misplaced(question.check)),
        }
    }

    /// What a machine is asked about itself.
    #[expect(clippy::wildcard_enum_match_arm, reason = "all other questions are put to somebody else")]
    async fn of_machine(&self, check: Check, machine: &str, samples: u32) -> anyhow::Result<Observation> {
        let asked = self.machine(machine)?;
        match check {
            Check::AddressLease => Ok(Observation::Lease(asked.settled.lease.clone())),
            Check::PingGatewayIpv4 => ping(&asked.probe, asked.settled.gateway.map(IpAddr::V4)).await,
            Check::PingOutsideIpv4 => ping(&asked.probe, Some(IpAddr::V4(host::OUTSIDE_V4))).await,
            Check::ResolveHostAny => self.host_name(asked, Family::Any, samples).await,
            Check::ResolveOutsideAny => self.outside_name(asked, Family::Any, samples).await,
            Check::BindOwner | Check::BindMode => self.bind_files(&asked.probe).await,
            Check::BindOptions => self.bind_options(&asked.probe).await,
            Check::BindWrite => self.bind_write(&asked.probe, machine).await,
            _ => Err(misplaced(check)),
        }
    }

    /// What a machine is asked about another.
    #[expect(clippy::wildcard_enum_match_arm, reason = "all other questions are put to somebody else")]
    async fn of_pair(
        &self,
        check: Check,
        machine: &str,
        peer: &str,
        samples: u32,
    ) -> anyhow::Result<Observation> {
        let (asked, about) = (self.machine(machine)?, self.machine(peer)?);
        match check {
            Check::PingPeerIpv4 => ping(&asked.probe, about.settled.ipv4.map(IpAddr::V4)).await,
            Check::PingPeerIpv6LinkLocal => {
                ping(&asked.probe, about.settled.ipv6_link_local.map(IpAddr::V6)).await
            }
            Check::ResolvePeerAny => self.peer(asked, peer, Family::Any, samples).await,
            Check::ResolvePeerIpv4 => self.peer(asked, peer, Family::Ipv4, samples).await,
            Check::ResolvePeerIpv6 => self.peer(asked, peer, Family::Ipv6, samples).await,
            _ => Err(misplaced(check)),
        }
    }

    /// What the host is asked about a machine.
    #[expect(clippy::wildcard_enum_match_arm, reason = "all other questions are put to somebody else")]
    async fn of_host_about(&self, check: Check, machine: &str, samples: u32) -> anyhow::Result<Observation> {
        let about = self.machine(machine)?;
        match check {
            Check::PingMachineFromHostIpv4 => ping(&self.host, about.settled.ipv4.map(IpAddr::V4)).await,
            Check::ResolveMachineFromHostAny => self.machine_name(machine, Family::Any, samples).await,
            _ => Err(misplaced(check)),
        }
    }
}

/// A question that was put to somebody who cannot answer it. That none is, is what the live tests show.
fn misplaced(check: Check) -> anyhow::Error {
    anyhow::anyhow!("nobody here answers `{check}`")
}

/// Sorts questions into waves; those of one wave are asked at once, and of names those of one round. Writing comes
/// after the files have been looked at.
fn waves(questions: &[Question]) -> Vec<Vec<&Question>> {
    let wave = |check: Check| match check.topic() {
        Topic::Names => 1 + names::round(check),
        Topic::Binds if check == Check::BindWrite => 1,
        Topic::Reach | Topic::Ports | Topic::Binds | Topic::BindOptions | Topic::Settings => 0,
        Topic::Refusal | Topic::Environment | Topic::Life => 0,
    };
    let last = questions.iter().map(|question| wave(question.check)).max().unwrap_or(0);
    let of = |number: usize| questions.iter().filter(|question| wave(question.check) == number).collect();
    (0..=last).map(of).collect()
}

async fn tell(question: &Question, answer: impl Future<Output = anyhow::Result<Observation>>) {
    let started = Instant::now();
    let outcome = answer.await.map_err(chain);
    let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    rpc::notify(&Notice::Case { question: question.clone(), outcome, duration_ms });
}

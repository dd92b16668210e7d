//! Asking the questions of machines that stand.

mod bind_attributes;
mod bind_options;
mod binds;
mod environment;
mod firewall;
mod host_itself;
mod image;
mod life;
mod link;
pub(super) mod names;
mod overridden;
mod ports;
mod reach;
mod refusal;
mod settings;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Instant;

use futures_util::future::join_all;
use nspawn_matrix_reports::{Missing, Observation};
use nspawn_matrix_scenarios::{Check, Subject, Topic, Whose};

pub(super) use life::{after_reboot, power_off};

use super::standing::Standing;
use super::{Job, Notice, Question};
use crate::chain::chain;
use crate::probe::ping::Manner;
use crate::{host, rpc};
use names::Place;
use reach::ping;

impl Standing {
    /// Asks everything, and tells each answer as it comes.
    pub(super) async fn ask(&self, questions: &[Question], samples: u32) -> anyhow::Result<()> {
        if self.footing.waits() {
            // Whether ids can be mapped is tried, and nothing is tried on machines that somebody runs.
            let (settings, ends) = tokio::join!(self.settings(), self.ends_of_links());
            rpc::notify(&Notice::Settings(settings?));
            rpc::notify(&Notice::Ends(ends));
        }
        if let Some(payload) = self.payload() {
            rpc::notify(&Notice::Payload(payload));
        }
        let Order { apart, resolver, wire, files } = Order::of(questions);
        tokio::join!(
            self.at_once(&apart, samples),
            join_all(resolver.values().map(|rounds| self.in_rounds(rounds, samples))),
            self.in_rounds(&wire, samples),
            self.in_rounds(&files, samples),
        );
        Ok(())
    }

    /// Asks one question after another: what they are about disturbs everything else.
    pub(super) async fn restart(&self, job: &Job) {
        for question in &job.questions {
            tell(question, self.answer(question, job.samples)).await;
        }
    }

    async fn in_rounds(&self, rounds: &[Vec<&Question>], samples: u32) {
        for round in rounds {
            self.at_once(round, samples).await;
        }
    }

    async fn at_once(&self, questions: &[&Question], samples: u32) {
        join_all(questions.iter().map(|question| tell(question, self.answer(question, samples)))).await;
    }

    async fn answer(&self, question: &Question, samples: u32) -> anyhow::Result<Observation> {
        let Question { check, subject } = question;
        let concerned = [subject.asked_about(), subject.about()];
        if *check != Check::StartRefusal
            && concerned.into_iter().flatten().any(|machine| self.refused.contains_key(machine))
        {
            return Ok(Missing::Machine.observed());
        }
        if let Check::Name(name) = question.check {
            return self.name(name, &question.subject, samples).await;
        }
        match &question.subject {
            Subject::Machine { machine } => self.of_machine(question.check, machine).await,
            Subject::Pair { machine, peer } => self.of_pair(question.check, machine, peer).await,
            Subject::Host { machine } => self.of_host_about(question.check, machine).await,
            Subject::HostItself => self.of_host_itself(question.check).await,
        }
    }

    /// What a machine is asked about itself.
    #[expect(clippy::wildcard_enum_match_arm, reason = "all other questions are put to somebody else")]
    async fn of_machine(&self, check: Check, machine: &str) -> anyhow::Result<Observation> {
        let asked = self.machine(machine)?;
        if let Some(path) = self.mount_point(check)
            && binds::mount(&asked.probe, &path).await?.is_none()
        {
            return Ok(Missing::Mount.observed());
        }
        match check {
            Check::LinkMachine => asked.link(self.footing).await,
            Check::AddressLease => asked.lease(self.footing).await,
            Check::AddressOwn => self.whose_addresses(asked).await,
            Check::PingGatewayIpv4 => asked.ping(asked.settled.gateway).await,
            Check::PingGatewayIpv4Unprivileged => {
                asked.ping_so(asked.settled.gateway, Manner::Unprivileged).await
            }
            Check::PingGatewayIpv6LinkLocal => self.ping_host_ipv6_link_local(asked).await,
            Check::PingOutsideIpv4 => asked.ping(self.footing.outside()).await,
            Check::PingOutsideIpv4Unprivileged => {
                asked.ping_so(Some(host::OUTSIDE_V4), Manner::Unprivileged).await
            }
            Check::PingOutsideIpv4Largest => self.ping_outside_sized(asked, 0).await,
            Check::PingOutsideIpv4TooLarge => self.ping_outside_sized(asked, 1).await,
            Check::PingOutsideIpv6 => asked.ping_by_router(host::OUTSIDE_V6).await,
            Check::PingNobodyIpv4 => asked.ping(Some(host::NOBODY_V4)).await,
            Check::AddressAfterRestart => self.after_restart(asked, machine).await,
            Check::BindOwner | Check::BindMode => self.bind_files(&asked.probe).await,
            Check::BindOptions => self.bind_options(&asked.probe).await,
            Check::BindAttributes => self.bind_attributes(&asked.probe).await,
            Check::BindWrite => self.bind_write(&asked.probe, machine).await,
            Check::EnvironmentSystemd => environment::systemd(asked).await,
            Check::EnvironmentCapabilities => environment::capabilities(asked).await,
            Check::EnvironmentUserNamespace => environment::user_namespace(asked),
            Check::EnvironmentCgroups => environment::cgroups(asked).await,
            Check::EnvironmentServices => environment::machine_services(asked).await,
            Check::EnvironmentResolvConf => environment::resolv_conf(asked, self.footing).await,
            Check::EnvironmentMulticast => environment::multicast(asked).await,
            Check::IdentityHostname => self.hostname(machine).await,
            Check::IdentityMachineId => self.machine_id(machine).await,
            Check::BindChown => self.bind_chown(&asked.probe, machine).await,
            Check::BindChmod => self.bind_chmod(&asked.probe, machine).await,
            Check::SettingsNetwork => settings::network(asked).await,
            Check::SettingsBinds => settings::binds(&asked.probe, self.bind.as_ref()).await,
            _ if check.topic() == Topic::BindOptions => bind_options::ask(asked, check).await,
            _ => Err(misplaced(check)),
        }
    }

    /// What a machine is asked about another.
    #[expect(clippy::wildcard_enum_match_arm, reason = "all other questions are put to somebody else")]
    async fn of_pair(&self, check: Check, machine: &str, peer: &str) -> anyhow::Result<Observation> {
        let (asked, about) = (self.machine(machine)?, self.machine(peer)?);
        match check {
            Check::PingPeerIpv4 => asked.ping(about.settled.ipv4).await,
            Check::PingPeerIpv6LinkLocal => asked.ping(about.settled.ipv6_link_local).await,
            Check::PingPeerIpv4Unprivileged => asked.ping_so(about.settled.ipv4, Manner::Unprivileged).await,
            Check::PingPeerIpv6LinkLocalUnprivileged => {
                asked.ping_so(about.settled.ipv6_link_local, Manner::Unprivileged).await
            }
            Check::PingPeerIpv6LinkLocalUnscoped => {
                asked.ping_so(about.settled.ipv6_link_local, Manner::Connected).await
            }
            Check::PingPeerSourceIpv4 => {
                self.source_seen(asked, about, |settled| settled.ipv4.map(IpAddr::V4)).await
            }
            Check::PingPeerSourceIpv6LinkLocal => {
                self.source_seen(asked, about, |settled| settled.ipv6_link_local.map(IpAddr::V6)).await
            }
            Check::PortPeerIpv4 => self.port(&asked.probe, peer, true).await,
            Check::PortPeerIpv6 => self.port(&asked.probe, peer, false).await,
            _ => Err(misplaced(check)),
        }
    }

    /// What the host is asked about a machine.
    #[expect(clippy::wildcard_enum_match_arm, reason = "all other questions are put to somebody else")]
    async fn of_host_about(&self, check: Check, machine: &str) -> anyhow::Result<Observation> {
        let about = || self.machine(machine);
        match check {
            Check::LinkHost => self.host_link(about()?).await,
            Check::PingMachineFromHostIpv4 => ping(&self.host, about()?.settled.ipv4.map(Into::into)).await,
            Check::PingMachineFromHostIpv6LinkLocal => self.ping_machine_ipv6_link_local(about()?).await,
            Check::PortMachineFromHostIpv4 => self.port(&self.host, machine, true).await,
            Check::FirewallMasquerade => self.masquerade(machine).await,
            Check::AddressPoolOverlap => self.pool_overlap(machine).await,
            Check::BindMountPointOwner => image::mount_point_owner(machine, self.bind()?),
            Check::ImageOwner => image::image_owner(machine),
            Check::SettingsWarnings => self.warnings(machine).await,
            Check::SettingsOverridden => self.overridden(machine),
            Check::StartRefusal => self.start(machine).await,
            _ => Err(misplaced(check)),
        }
    }

    /// What the host is asked about itself.
    #[expect(clippy::wildcard_enum_match_arm, reason = "all other questions are put to somebody else")]
    async fn of_host_itself(&self, check: Check) -> anyhow::Result<Observation> {
        match check {
            Check::EnvironmentHostServices => host_itself::host_services().await,
            Check::EnvironmentNetworkFiles => host_itself::network_files(),
            Check::EnvironmentForwarding => self.forwarding().await,
            Check::EnvironmentBridgeNetfilter => self.bridge_netfilter().await,
            Check::EnvironmentIpv6DefaultRoute => self.ipv6_default_route().await,
            Check::FirewallForward => self.forward().await,
            Check::FirewallInput => self.input().await,
            _ => Err(misplaced(check)),
        }
    }
}

/// A question that was put to somebody who cannot answer it. That none is, is what the live tests show.
fn misplaced(check: Check) -> anyhow::Error {
    anyhow::anyhow!("nobody here answers `{check}`")
}

/// The order in which questions are asked. Those of one list are asked at once.
#[derive(Default)]
struct Order<'a> {
    /// Names that meet nothing.
    apart: Vec<&'a Question>,
    /// Names that would meet in a resolver, by who asks for which: one round after another, beside everything else.
    resolver: BTreeMap<(&'a Subject, Whose), [Vec<&'a Question>; names::RESOLVER_ROUNDS]>,
    /// Names that are asked of whole links, likewise.
    wire: [Vec<&'a Question>; names::WIRE_ROUNDS],
    /// What only looks, and then what changes the files that were looked at.
    files: [Vec<&'a Question>; 2],
}

impl<'a> Order<'a> {
    fn of(questions: &'a [Question]) -> Self {
        let mut order = Self::default();
        for question in questions {
            order.place(question).push(question);
        }
        order
    }

    fn place(&mut self, Question { check, subject }: &'a Question) -> &mut Vec<&'a Question> {
        if let Check::Name(question) = *check {
            return match names::place(question) {
                Place::Apart => &mut self.apart,
                Place::Resolver(round) => {
                    &mut self.resolver.entry((subject, question.whose)).or_default()[round]
                }
                Place::Wire(round) => &mut self.wire[round],
            };
        }
        match check.topic() {
            Topic::Binds if binds::changes(*check) => &mut self.files[1],
            Topic::Reach
            | Topic::Names
            | Topic::MulticastDns
            | Topic::Ports
            | Topic::Binds
            | Topic::BindOptions
            | Topic::Settings
            | Topic::Refusal
            | Topic::Environment
            | Topic::Life => &mut self.files[0],
        }
    }
}

async fn tell(question: &Question, answer: impl Future<Output = anyhow::Result<Observation>>) {
    let started = Instant::now();
    let outcome = answer.await.map_err(chain);
    let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    rpc::notify(&Notice::Case { question: question.clone(), outcome, duration_ms });
}

//! What the firewall of the host does with packets of the machines.

use std::collections::BTreeSet;

use anyhow::Context;
use futures_util::future::try_join_all;
use nspawn_matrix_reports::{Observation, Properties};

use crate::agent::nft::{Fate, Hook, Packet, Protocol, Ruleset};
use crate::agent::standing::Standing;
use crate::agent::{legacy_tables, links, routes};
use crate::probe::services;

/// What is known to make rules of its own: in reports by this name, known by this unit.
const MANAGERS: [(&str, &str); 3] =
    [("docker", "docker.service"), ("ufw", "ufw.service"), ("firewalld", "firewalld.service")];

/// Where DHCP servers listen (RFC 2131).
const DHCP: u16 = 67;

/// Where LLMNR responders listen (RFC 4795).
const LLMNR: u16 = 5355;

impl Standing {
    pub(super) async fn forward(&self) -> anyhow::Result<Observation> {
        let rules = self.firewall().await?;
        let (links, to) = (self.links_of_all().await?, routes::uplink().await?);
        let fate = |ipv6| {
            of_all(&links, |from| {
                let packet = Packet { from, to: to.clone(), ipv6, protocol: Protocol::Echo };
                rules.fate(Hook::Forward, &packet)
            })
        };
        let [ipv4, ipv6] = [false, true].map(fate);
        observed(&[ipv4, ipv6], [("IPv4", ipv4), ("IPv6", ipv6)].to_vec(), rules, Hook::Forward).await
    }

    pub(super) async fn input(&self) -> anyhow::Result<Observation> {
        let rules = self.firewall().await?;
        let links = self.links_of_all().await?;
        let fate = |ipv6, port| {
            of_all(&links, |from| {
                let packet = Packet { from, to: None, ipv6, protocol: Protocol::Udp(port) };
                rules.fate(Hook::Input, &packet)
            })
        };
        let fates = [
            ("DHCP", fate(false, DHCP)),
            ("LLMNR over IPv4", fate(false, LLMNR)),
            ("LLMNR over IPv6", fate(true, LLMNR)),
        ];
        observed(&fates.map(|(_, fate)| fate), fates.to_vec(), rules, Hook::Input).await
    }

    pub(super) async fn masquerade(&self, machine: &str) -> anyhow::Result<Observation> {
        let rules = self.firewall().await?;
        let lease = self.machine(machine)?.settled.lease.address;
        let word = |yes| if yes { "yes" } else { "no" }.to_owned();
        let is_masqueraded = word(lease.is_some_and(|lease| rules.masquerades(lease)));
        let ranges =
            rules.masqueraded().iter().map(|(first, last)| format!("{first}-{last}")).collect::<Vec<_>>();
        Ok(Observation::Properties(Properties::new(
            is_masqueraded.clone(),
            [
                ("table", word(rules.has_systemd_table())),
                ("subnet", lease.map_or_else(|| "none".to_owned(), |lease| lease.to_string())),
                ("masqueraded", is_masqueraded),
                ("in the set", if ranges.is_empty() { "nothing".to_owned() } else { ranges.join(", ") }),
            ],
        )))
    }

    /// The links that the host has for machines; the one that it would have, where they all use the host's own.
    async fn links_of_all(&self) -> anyhow::Result<BTreeSet<String>> {
        let each = self.machines.values().map(|machine| links::configured(machine.leader.get()));
        let links: BTreeSet<String> = try_join_all(each).await?.into_iter().flatten().collect();
        if !links.is_empty() {
            return Ok(links);
        }
        let first = self.machines.keys().chain(self.refused.keys()).next().context("there is no machine")?;
        Ok(BTreeSet::from([format!("ve-{first}")]))
    }
}

/// What becomes of a packet from any of these links, of which there is one at least.
fn of_all(links: &BTreeSet<String>, fate: impl Fn(String) -> Fate) -> Fate {
    let mut fates = links.iter().cloned().map(fate);
    let first = fates.next().unwrap_or(Fate::Depends);
    if fates.all(|fate| fate == first) { first } else { Fate::Depends }
}

async fn observed(
    all: &[Fate],
    fates: Vec<(&'static str, Fate)>,
    rules: &Ruleset,
    hook: Hook,
) -> anyhow::Result<Observation> {
    let legacy = legacy_tables::read()?;
    // What nft does not show may decide otherwise.
    let known = |fate: Fate| if legacy.is_empty() { fate } else { Fate::Depends };
    let answer = if all.iter().all(|fate| known(*fate) == known(all[0])) {
        known(all[0]).to_string()
    } else {
        "differs".to_owned()
    };
    let chains = rules.base_chains(hook);
    let mut values: Vec<(&'static str, String)> =
        fates.into_iter().map(|(name, fate)| (name, known(fate).to_string())).collect();
    values.push(("chains", if chains.is_empty() { "none".to_owned() } else { chains.join("; ") }));
    values.push((
        "legacy tables",
        if legacy.is_empty() { "none".to_owned() } else { Vec::from_iter(legacy).join(" ") },
    ));
    let units = MANAGERS.map(|(_, unit)| unit.to_owned());
    let states = services::states(&units).await?;
    for (name, unit) in MANAGERS {
        let state = states.iter().find(|service| service.unit == unit).map(|service| service.state.clone());
        values.push((name, state.unwrap_or_else(|| "unknown".to_owned())));
    }
    Ok(Observation::Properties(Properties::new(answer, values)))
}

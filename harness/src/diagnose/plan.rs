//! What is asked of machines that somebody runs: one part of the plan for each way in which they are linked, one for pairs
//! across, and one for the host. Nothing here touches a system.

use std::collections::BTreeMap;

use nspawn_matrix_scenarios::{
    Asked, Attachment, Check, Claim, Launch, Linked, Profile, Scenario, Subject, found,
};

use crate::agent::{Found, Question, Running, Seen};
use crate::image::Pair;
use crate::plan::{Cell, HostPlan};

/// What this host is called in reports, where others have the name of an image.
const HERE: &str = "local";

/// A machine that can be asked.
type Known<'a> = (&'a str, &'a Seen);

/// All that is asked, in the order in which it is reported.
pub(super) fn plans(running: &Running) -> Vec<HostPlan> {
    let known: Vec<Known<'_>> = running.machines.iter().filter_map(known).collect();
    let mut by_link: BTreeMap<&Linked, Vec<Known<'_>>> = BTreeMap::new();
    for machine in &known {
        by_link.entry(&machine.1.linked).or_default().push(*machine);
    }
    let groups = by_link.into_iter().map(|(linked, machines)| {
        part(&linked.to_string(), &machines, found::claims(linked), together(&machines, running))
    });
    let is_alone = running.machines.iter().any(|found| found.seen.is_ok());
    let routed = (found::claims_across(&Linked::Veth, &Linked::Veth), across(&known));
    let rest = [
        part("across", &known, routed.0, routed.1),
        part("host", &known, found::claims_of_host(), of_host(is_alone)),
    ];
    groups.chain(rest).filter(|plan| !plan.cells.is_empty()).collect()
}

fn known(found: &Found) -> Option<Known<'_>> {
    Some((found.name.as_str(), found.seen.as_ref().ok()?))
}

fn part(name: &str, machines: &[Known<'_>], claims: Vec<Claim>, cells: Vec<Cell>) -> HostPlan {
    HostPlan {
        id: format!("{HERE}/{name}"),
        number: 1,
        images: Pair::from(HERE),
        profile: Profile::stock(),
        scenario: Scenario {
            name: name.to_owned(),
            summary: String::new(),
            notes: Vec::new(),
            steps: Vec::new(),
            launch: Launch::Unit,
            machines: names(machines),
            bind: None,
            attachment: Attachment::Host,
            topics: Vec::new(),
            claims,
            left_out: Vec::new(),
            may_refuse: false,
        },
        cells,
    }
}

fn names(machines: &[Known<'_>]) -> Vec<String> {
    machines.iter().map(|(name, _)| (*name).to_owned()).collect()
}

/// What machines that are linked alike are asked.
fn together(machines: &[Known<'_>], running: &Running) -> Vec<Cell> {
    let names = names(machines);
    let checks = found::checks().into_iter().filter(|check| check.asked() != Asked::HostItself);
    let cell = |(check, subject): (Check, Subject)| Cell {
        not_asked: not_asked(check, &subject, machines, running),
        question: Question { check, subject },
    };
    checks
        .flat_map(|check| check.subjects(&names).into_iter().map(move |subject| (check, subject)))
        .map(cell)
        .collect()
}

fn not_asked(check: Check, subject: &Subject, machines: &[Known<'_>], running: &Running) -> Option<String> {
    let seen = |wanted: Option<&str>| {
        let found = machines.iter().find(|(name, _)| Some(*name) == wanted);
        found.map(|(_, seen)| *seen)
    };
    let about = seen(subject.about())?;
    if let Some(reason) = about.linked.not_asked(check) {
        return Some(reason.to_owned());
    }
    if check == Check::PingOutsideIpv4
        && let Err(reason) = &running.gateway
    {
        return Some(reason.clone());
    }
    let is_by_bus =
        matches!(check, Check::EnvironmentServices | Check::IdentityHostname | Check::IdentityMachineId);
    if is_by_bus && about.is_mute {
        return Some("there is no system bus in the machine, by which systemd is asked".to_owned());
    }
    let asks = match subject {
        Subject::Machine { machine } | Subject::Pair { machine, .. } => seen(Some(machine)),
        Subject::Host { .. } | Subject::HostItself => None,
    };
    let Check::Name(_) = check else { return None };
    if asks.map_or(running.wakes_resolved, |asks| asks.wakes_resolved) {
        return Some("systemd-resolved does not run there, and the lookup would start it".to_owned());
    }
    asks.is_some_and(|asks| !asks.has_getent)
        .then(|| "there is no getent in the machine that asks".to_owned())
}

/// What machines are asked about those that are linked otherwise.
fn across(machines: &[Known<'_>]) -> Vec<Cell> {
    let apart = |subject: &Subject| {
        let Subject::Pair { machine, peer } = subject else { return None };
        let find =
            |name: &str| machines.iter().find(|(known, _)| *known == name).map(|(_, seen)| &seen.linked);
        let (from, to) = (find(machine)?, find(peer)?);
        (from != to).then_some((from, to))
    };
    let mut cells = Vec::new();
    for check in [Check::PingPeerIpv4, Check::PingPeerIpv6LinkLocal] {
        for subject in check.subjects(&names(machines)) {
            let Some((from, to)) = apart(&subject) else { continue };
            let is_routed = from.reaches_host() && to.reaches_host();
            let not_asked =
                (!is_routed).then(|| "the host does not stand between the links of the two".to_owned());
            cells.push(Cell { question: Question { check, subject }, not_asked });
        }
    }
    cells
}

/// What the host is asked about itself; about its firewall only if machines are seen.
fn of_host(is_seen: bool) -> Vec<Cell> {
    let cell = |check: Check| {
        let is_about_links = matches!(check, Check::FirewallForward | Check::FirewallInput);
        let not_asked = (is_about_links && !is_seen).then(|| "no machine can be looked into".to_owned());
        Cell { question: Question { check, subject: Subject::HostItself }, not_asked }
    };
    let checks = found::checks().into_iter().filter(|check| check.asked() == Asked::HostItself);
    checks.map(cell).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Four machines, and one that is not looked into.
    pub(in crate::diagnose) fn running() -> Running {
        let seen = |name: &str, linked: Linked| {
            let link = (linked != Linked::Shared).then(|| "host0".to_owned());
            let (is_mute, has_getent) = (name == "box", name != "box");
            let seen = Seen { leader: 7, linked, link, is_mute, has_getent, wakes_resolved: false };
            found(name, Ok(seen))
        };
        let machines = vec![
            seen("box", Linked::Veth),
            seen("db", Linked::Bridge("br0".to_owned())),
            seen("host", Linked::Shared),
            found("vm", Err("what runs in a virtual machine is not seen from its host".to_owned())),
            seen("web", Linked::Veth),
        ];
        let gateway = Err("the host has no default route".to_owned());
        Running { machines, wakes_resolved: false, gateway }
    }

    fn found(name: &str, seen: Result<Seen, String>) -> Found {
        let (class, service) = ("container".to_owned(), "systemd-nspawn".to_owned());
        Found { name: name.to_owned(), class, service, seen }
    }

    /// Subjects of a question by the part that they are in, with a mark for those that are not asked.
    fn subjects(check: Check) -> Vec<(String, Vec<String>)> {
        let of = |plan: HostPlan| {
            let cells = plan.cells.iter().filter(|cell| cell.question.check == check);
            let told = |cell: &Cell| {
                let mark = if cell.not_asked.is_some() { "-" } else { "" };
                format!("{mark}{}", cell.question.subject)
            };
            (plan.scenario.name.clone(), cells.map(told).collect::<Vec<_>>())
        };
        plans(&running()).into_iter().map(of).filter(|(_, subjects)| !subjects.is_empty()).collect()
    }

    #[test]
    fn each_pair_is_asked_once_and_by_how_it_is_linked() {
        let named = |name: &str, subjects: &[&str]| {
            (name.to_owned(), subjects.iter().map(|&subject| subject.to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(
            subjects(Check::PingPeerIpv4),
            [
                named("veth", &["box->web", "web->box"]),
                named(
                    "across",
                    &[
                        "box->db",
                        "-box->host",
                        "db->box",
                        "-db->host",
                        "db->web",
                        "-host->box",
                        "-host->db",
                        "-host->web",
                        "web->db",
                        "-web->host",
                    ]
                ),
            ]
        );
    }

    #[test]
    fn no_lookup_starts_a_resolver() {
        let mut running = running();
        running.wakes_resolved = true;
        let plans = plans(&running);
        let cells = plans.iter().flat_map(|plan| &plan.cells).filter(|cell| cell.not_asked.is_none());
        let on_host =
            cells.filter(|cell| cell.question.check.name().starts_with("resolve/machine-from-host"));
        assert_eq!(on_host.count(), 0);
    }

    #[test]
    fn what_a_machine_has_nothing_for_is_not_asked() {
        let of = |check: &str| subjects(check.parse().unwrap());
        assert_eq!(of("environment/services")[0].1, ["-box", "web"]);
        assert_eq!(of("resolve/peer/any")[0].1, ["-box->web", "web->box"]);
        assert_eq!(of("resolve/machine-from-host/any")[0].1, ["host->box", "host->web"]);
        assert!(
            of("ping/outside/ipv4").iter().all(|(_, asked)| asked.iter().all(|one| one.starts_with('-')))
        );
    }
}

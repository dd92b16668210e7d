//! Why a run must not be on the machine that it is on: each reason is a line, and all are found before anything is touched.

use nspawn_matrix_scenarios::name;

use super::intent::{Act, Intent, of_machine};
use super::look::{Look, MACHINES};

/// The reasons; none if the run can be.  `root` is how many bytes the root of a machine takes.
pub(super) fn refusals(intent: &Intent, look: &Look, root: u64) -> Vec<String> {
    let of_acts = intent.acts().flat_map(|(act, scenario)| {
        let reasons = of_act(act, look).into_iter();
        reasons.map(move |reason| format!("{scenario}: {reason}"))
    });
    of_acts.chain(of_network(intent, look)).chain(of_space(intent, look, root)).collect()
}

fn of_act(act: &Act, look: &Look) -> Vec<String> {
    match act {
        Act::Machine(name) => of_name(name, look),
        Act::Link(name) if look.links.contains(name) => vec![format!("link `{name}` is there already")],
        Act::File(path) if look.paths.contains(path) => vec![format!("`{path}` is there already")],
        Act::Subnet(subnet) => {
            let others = look.subnets.iter().filter(|(other, _)| other.overlaps(*subnet));
            others.map(|(other, whose)| format!("{subnet} overlaps {other}, {whose}")).collect()
        }
        Act::Link(_)
        | Act::Uses(_)
        | Act::File(_)
        | Act::Folder(_)
        | Act::Mount(_)
        | Act::Setting(_)
        | Act::Service(_) => Vec::new(),
    }
}

fn of_name(machine: &str, look: &Look) -> Vec<String> {
    if !name::is_hostname(machine) {
        return vec![format!("`{machine}` cannot be the name of a machine: {}", name::HOSTNAME_RULE)];
    }
    let known = look.machines.contains(machine).then(|| format!("a machine `{machine}` runs already"));
    let places = of_machine(machine).into_iter().filter(|path| look.paths.contains(path));
    let taken = places.map(|path| format!("`{path}` is there already, of another machine `{machine}`"));
    known.into_iter().chain(taken).collect()
}

/// A machine whose network systemd-networkd does not manage must not have it told anything.
fn of_network(intent: &Intent, look: &Look) -> Vec<String> {
    if !intent.tells_networkd() {
        return Vec::new();
    }
    if !look.networkd_runs {
        return vec!["systemd-networkd does not run here, and would have to read its files".to_owned()];
    }
    let unmanaged = look.uplinks.iter().filter(|(_, is_managed)| !is_managed);
    unmanaged
        .map(|(link, _)| {
            format!("systemd-networkd does not manage the uplink `{link}`, and would have to read its files")
        })
        .collect()
}

fn of_space(intent: &Intent, look: &Look, root: u64) -> Option<String> {
    let needed = root * u64::try_from(intent.at_a_time()).unwrap_or(u64::MAX);
    let mib = |bytes: u64| bytes >> 20;
    (look.free < needed).then(|| {
        format!(
            "`{MACHINES}` has {} MiB free, and the roots of machines need {}",
            mib(look.free),
            mib(needed)
        )
    })
}

#[cfg(test)]
mod tests {
    use nspawn_matrix_scenarios::{Scenario, catalogue};

    use super::*;

    fn intent(names: &[&str]) -> Intent {
        let all: Vec<Scenario> = catalogue::all().into_iter().map(Scenario::at_runtime).collect();
        Intent::of(all.iter().filter(|scenario| names.contains(&scenario.name.as_str())))
    }

    fn look() -> Look {
        Look {
            links: ["lo", "eth0"].map(str::to_owned).into(),
            subnets: vec![("192.0.2.7/24".parse().unwrap(), "an address of link `eth0`".to_owned())],
            networkd_runs: true,
            uplinks: vec![("eth0".to_owned(), true)],
            free: 1 << 30,
            ..Look::default()
        }
    }

    #[test]
    fn nothing_is_refused_where_nothing_is_in_the_way() {
        assert_eq!(refusals(&intent(&["bridge", "zone"]), &look(), 400 << 20), Vec::<String>::new());
    }

    #[test]
    fn each_collision_is_a_line() {
        let mut look = look();
        look.links.extend(["br0".to_owned(), "vz-lab".to_owned()]);
        look.subnets.push(("10.0.0.0/8".parse().unwrap(), "a route by link `wg0`".to_owned()));
        look.machines.insert("beta".to_owned());
        look.paths.extend(
            [
                "/run/systemd/network/50-br0.network",
                "/var/lib/machines/alpha",
                "/etc/systemd/nspawn/alpha.nspawn",
                "/etc/systemd/system/systemd-nspawn@beta.service.d",
                "/var/cache/pacman/pkg/link",
            ]
            .map(str::to_owned),
        );
        let told = refusals(&intent(&["bridge", "zone"]), &look, 600 << 20).join("\n");
        insta::assert_snapshot!(told);
    }

    #[test]
    fn whose_network_is_not_networkds_is_left_alone() {
        let unmanaged =
            Look { uplinks: vec![("eth0".to_owned(), false), ("eth1".to_owned(), true)], ..look() };
        let absent = Look { networkd_runs: false, ..look() };
        let told = [&unmanaged, &absent].map(|look| refusals(&intent(&["bridge"]), look, 0).join("\n"));
        insta::assert_snapshot!(told.join("\n"), @r"
        systemd-networkd does not manage the uplink `eth0`, and would have to read its files
        systemd-networkd does not run here, and would have to read its files
        ");
        // What tells it nothing may be.
        assert!(refusals(&intent(&["zone"]), &absent, 0).is_empty());
    }
}

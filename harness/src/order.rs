//! In which order hosts begin: what is expected to take longest first, so that the processors are busy to the end.

use std::cmp::Reverse;
use std::time::Duration;

use crate::plan::HostPlan;

/// What a host takes, whatever is asked: to boot, to have its machines started, to end.
const HOST: Duration = Duration::from_secs(4);

/// What any question takes beside others.
const QUESTION: Duration = Duration::from_millis(60);

/// What each lookup of a question about a name adds.
const LOOKUP: Duration = Duration::from_millis(9);

/// What it takes to restart the machines, or to power them off.
const RESTART: Duration = Duration::from_secs(3);

/// What it takes to reboot the host, with its machines.
const REBOOT: Duration = Duration::from_secs(8);

/// The hosts, the longest first; those that take as long as each other stay in their order.
pub(crate) fn longest_first(mut hosts: Vec<HostPlan>, samples: u32) -> Vec<HostPlan> {
    hosts.sort_by_cached_key(|host| Reverse(expected(host, samples)));
    hosts
}

/// How long a host is expected to take when two processors have fourteen of them: as measured, in round numbers. Only how
/// hosts compare counts.
fn expected(host: &HostPlan, samples: u32) -> Duration {
    let asked = host.asked();
    let names = asked.iter().filter(|question| question.check.name().starts_with("resolve/")).count();
    let if_any = |is_any: bool, cost: Duration| if is_any { cost } else { Duration::ZERO };
    HOST + QUESTION * count(asked.len())
        + LOOKUP * count(names).saturating_mul(samples)
        + if_any(!host.restarted().is_empty(), RESTART)
        + if_any(!host.powered_off().is_empty(), RESTART)
        + if_any(!host.after_reboot().is_empty(), REBOOT)
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use nspawn_matrix_scenarios::{Check, Profile, catalogue};

    use super::*;
    use crate::host::Kind;
    use crate::plan::Plan;

    fn plan(checks: &[Check]) -> Plan {
        let images = ["bookworm".into(), "trixie".into()];
        Plan::new(Kind::Sandbox, &images, &[Profile::stock()], &catalogue::all(), checks, 32, 14)
    }

    fn order(checks: &[Check], samples: u32) -> Vec<String> {
        let hosts = longest_first(plan(checks).hosts, samples);
        hosts.into_iter().map(|host| host.scenario.name).collect()
    }

    fn place(order: &[String], scenario: &str) -> usize {
        order.iter().position(|name| name == scenario).unwrap()
    }

    #[test]
    fn many_lookups_come_before_few_questions_and_a_reboot_before_none() {
        let order = order(Check::all(), 32);
        let [veth, nat, dns, macvlan, missing] =
            ["default-veth", "nat", "bridge-dns", "macvlan", "bind-missing"].map(|name| place(&order, name));
        assert!(veth < nat && nat < dns && dns < macvlan && macvlan < missing, "{order:?}");
    }

    #[test]
    fn lookups_count_as_often_as_they_are_made() {
        let checks = [Check::PingGatewayIpv4, Check::AutostartAfterReboot];
        let pings_only = order(&checks, 32);
        assert_eq!(pings_only, order(&checks, 1_000_000));
        let host = &plan(Check::all()).hosts[0];
        assert!(expected(host, 64) > expected(host, 32));
        assert!(expected(host, u32::MAX) > expected(host, 64));
    }

    #[test]
    fn what_takes_as_long_stays_in_its_order_and_nothing_is_lost() {
        let hosts = plan(&[Check::PingGatewayIpv4]).hosts;
        let ids = |hosts: &[HostPlan]| hosts.iter().map(|host| host.id.clone()).collect::<Vec<_>>();
        let sorted = longest_first(hosts.clone(), 32);
        let alike = |host: &&HostPlan| host.scenario.name == "zone" || host.scenario.name == "nat";
        let of = |hosts: &[HostPlan]| ids(&hosts.iter().filter(alike).cloned().collect::<Vec<_>>());
        assert_eq!(of(&sorted), of(&hosts));
        assert_eq!(sorted.len(), hosts.len());
    }
}

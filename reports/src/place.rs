//! Places: which systemd a host had, and which its machines, in the fewest words that tell the hosts of a report apart.
//!
//! Every writer that people read uses these words: `257`, and `252 in 262` for machines of 252 on a host of 262.

use std::collections::{BTreeMap, BTreeSet};

use crate::{HostRecord, Report};

/// The versions of systemd that are known of images, by the names of these.
type Known<'a> = BTreeMap<&'a str, u32>;

/// What may tell hosts apart beside the versions, the most telling first. The id always does.
const DISTINCTIONS: [fn(&HostRecord) -> String; 4] = [
    |_| String::new(),
    |host| format!(" {}", images(host)),
    |host| format!(" {}", host.profile),
    |host| format!(" {}", host.id),
];

/// The words for each host of a report.
pub(crate) struct Places<'a> {
    by_host: BTreeMap<&'a str, String>,
    /// Each place once, in the order of the hosts.
    all: Vec<String>,
}

impl<'a> Places<'a> {
    /// Finds words in which no two hosts of one scenario are the same.
    pub(crate) fn of(report: &'a Report) -> Self {
        let known = known(&report.hosts);
        let asked: BTreeSet<(&str, &str)> =
            report.cases.iter().map(|case| (case.scenario.as_str(), case.host.as_str())).collect();
        let mut by_host = BTreeMap::new();
        for distinction in DISTINCTIONS {
            let place = |host: &'a HostRecord| {
                (host.id.as_str(), format!("{}{}", words(host, &known), distinction(host)))
            };
            by_host = report.hosts.iter().map(place).collect();
            let told: BTreeSet<(&str, Option<&String>)> =
                asked.iter().map(|(scenario, host)| (*scenario, by_host.get(host))).collect();
            if told.len() == asked.len() {
                break;
            }
        }
        let mut all: Vec<String> = Vec::new();
        for place in report.hosts.iter().filter_map(|host| by_host.get(host.id.as_str())) {
            if !all.contains(place) {
                all.push(place.clone());
            }
        }
        Self { by_host, all }
    }

    /// The words for a host; its id, if nothing is known of it.
    pub(crate) fn of_host<'b>(&'b self, id: &'b str) -> &'b str {
        self.by_host.get(id).map_or(id, String::as_str)
    }

    /// Each place once, in the order of the hosts.
    pub(crate) fn all(&self) -> &[String] {
        &self.all
    }

    /// What a scenario on some hosts is called: `zone` if these are of all places, and else `zone (252, 254)`.
    pub(crate) fn label(&self, scenario: &str, hosts: &[&str]) -> String {
        let places = self.of_hosts(hosts);
        if places.len() == self.all.len() {
            scenario.to_owned()
        } else {
            format!("{scenario} ({})", places.join(", "))
        }
    }

    /// Scenarios with where they ran, said once for those that follow each other and ran on the same: `nat, zone (257)`.
    pub(crate) fn of_scenarios(&self, scenarios: &[(&str, Vec<&str>)]) -> String {
        let group = |group: &[(&str, Vec<&str>)]| {
            let names: Vec<&str> = group.iter().map(|(scenario, _)| *scenario).collect();
            format!("{} ({})", names.join(", "), self.of_hosts(&group[0].1).join(", "))
        };
        let groups = scenarios.chunk_by(|one, next| self.of_hosts(&one.1) == self.of_hosts(&next.1));
        groups.map(group).collect::<Vec<_>>().join(", ")
    }

    /// The places of some hosts, each once.
    fn of_hosts<'b>(&'b self, hosts: &[&'b str]) -> Vec<&'b str> {
        let mut places: Vec<&str> = Vec::new();
        for place in hosts.iter().map(|host| self.of_host(host)) {
            if !places.contains(&place) {
                places.push(place);
            }
        }
        places
    }

    /// What stands above rows, whose labels say it only where it is not the same: `Reach (252, 254)`.
    pub(crate) fn heading(&self, title: &str) -> String {
        if self.all.is_empty() { title.to_owned() } else { format!("{title} ({})", self.all.join(", ")) }
    }

    /// What the cases of a scenario on a host are called where reports of other runs are read beside this one: `zone (257)`.
    pub(crate) fn class(&self, scenario: &str, host: &str) -> String {
        format!("{scenario} ({})", self.of_host(host))
    }
}

/// The versions of systemd of one host and its machines. What is not known of them is said by the names of the images.
pub(crate) fn versions(host: &HostRecord) -> String {
    words(host, &Known::new())
}

fn words(host: &HostRecord, known: &Known<'_>) -> String {
    let word = |version: Option<u32>, image: &str| {
        let version = version.or_else(|| known.get(image).copied());
        version.map_or_else(|| image.to_owned(), |version| version.to_string())
    };
    let own = word(host.systemd, &host.image);
    let payload = match host.payload_systemd {
        None if host.payload == host.image => own.clone(),
        version => word(version, &host.payload),
    };
    if payload == own { own } else { format!("{payload} in {own}") }
}

/// Where machines did not come to stand, others of their image may have.
fn known(hosts: &[HostRecord]) -> Known<'_> {
    let own = hosts.iter().filter_map(|host| Some((host.image.as_str(), host.systemd?)));
    let payload = hosts.iter().filter_map(|host| Some((host.payload.as_str(), host.payload_systemd?)));
    own.chain(payload).collect()
}

fn images(host: &HostRecord) -> String {
    if host.payload == host.image { host.image.clone() } else { format!("{}+{}", host.image, host.payload) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{case, host, report};

    fn places(hosts: Vec<HostRecord>) -> Vec<String> {
        let mut told = report(hosts);
        let ids: Vec<String> = told.hosts.iter().map(|host| host.id.clone()).collect();
        told.cases.extend(ids.iter().map(|id| case(id, "zone", "address/lease", "alpha")));
        Places::of(&told).all().to_vec()
    }

    fn of(image: &str, payload: &str, versions: [Option<u32>; 2]) -> HostRecord {
        let [systemd, payload_systemd] = versions;
        let (image, payload) = (image.to_owned(), payload.to_owned());
        let id = format!("sandbox/{image}+{payload}/zone");
        HostRecord { image, payload, systemd, payload_systemd, ..host(&id, 257) }
    }

    #[test]
    fn hosts_are_told_by_the_versions_of_systemd_on_them_and_in_their_machines() {
        assert_eq!(places(vec![of("trixie", "trixie", [Some(257); 2])]), ["257"]);
        let crossed = vec![
            of("sid", "bookworm", [Some(262), Some(252)]),
            of("bookworm", "sid", [Some(252), Some(262)]),
        ];
        assert_eq!(places(crossed), ["252 in 262", "262 in 252"]);
    }

    #[test]
    fn a_version_that_is_not_known_is_that_of_another_with_the_same_image_or_the_name_of_this() {
        assert_eq!(places(vec![of("trixie", "trixie", [Some(257), None])]), ["257"]);
        assert_eq!(places(vec![of("mine", "mine", [None, None])]), ["mine"]);
        assert_eq!(places(vec![of("sid", "mine", [Some(262), None])]), ["mine in 262"]);
        let met = vec![of("sid", "mine", [Some(262), None]), of("mine", "mine", [Some(250), None])];
        assert_eq!(places(met), ["250 in 262", "250"]);
    }

    #[test]
    fn hosts_of_the_same_versions_are_told_by_the_first_thing_that_differs() {
        let two = |second: HostRecord| places(vec![of("trixie", "trixie", [Some(257); 2]), second]);
        assert_eq!(two(of("mine", "mine", [Some(257); 2])), ["257 trixie", "257 mine"]);
        let again = HostRecord { id: "other".to_owned(), ..of("trixie", "trixie", [Some(257); 2]) };
        let firewalled = HostRecord { profile: "firewall".to_owned(), ..again.clone() };
        assert_eq!(two(firewalled), ["257 stock", "257 firewall"]);
        assert_eq!(two(again), ["257 sandbox/trixie+trixie/zone", "257 other"]);
    }

    #[test]
    fn one_host_for_each_scenario_needs_no_telling_apart() {
        let mut each = report(vec![host("sandbox/trixie/nat", 257), host("sandbox/trixie/zone", 257)]);
        each.cases = vec![
            case("sandbox/trixie/nat", "nat", "address/lease", "alpha"),
            case("sandbox/trixie/zone", "zone", "address/lease", "alpha"),
        ];
        let places = Places::of(&each);
        assert_eq!(places.all(), ["257"]);
        assert_eq!(places.label("zone", &["sandbox/trixie/zone"]), "zone");
        assert_eq!(places.heading("Reach"), "Reach (257)");
        assert_eq!(places.class("zone", "sandbox/trixie/zone"), "zone (257)");
    }

    #[test]
    fn what_stands_above_rows_of_several_places_names_them_all() {
        let two = report(vec![host("a", 252), host("b", 257)]);
        assert_eq!(Places::of(&two).heading("Reach"), "Reach (252, 257)");
        assert_eq!(Places::of(&report(Vec::new())).heading("Reach"), "Reach");
    }
}

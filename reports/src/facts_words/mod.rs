//! What is known of a host, in words: [`of_host`] for what hosts can be compared by, [`beside`] for what is of one alone.

mod network;

use crate::{Facts, HostRecord, Route};
use network::of_network;

/// Names and values.
type Words = Vec<(String, String)>;

/// What hosts can be compared by. Addresses are none of it, nor names of hosts: no two hosts have the same.
pub(crate) fn of_host(host: &HostRecord) -> Words {
    let HostRecord { kind, profile, image, payload, .. } = host;
    let of_record =
        [("host", kind), ("profile", profile), ("image", image), ("image of the machines", payload)];
    let mut words = named(of_record.map(|(name, value)| (name, value.as_str())));
    let machines = host.payload_systemd.map(|version| version.to_string());
    words.extend(machines.map(|version| ("systemd of the machines".to_owned(), version)));
    words.extend(host.facts.iter().flat_map(of_facts));
    words
}

fn named<const N: usize>(words: [(&str, &str); N]) -> Words {
    words.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

fn yes_or_no(is: bool) -> &'static str {
    if is { "yes" } else { "no" }
}

fn listed<'a>(words: impl IntoIterator<Item = &'a String>) -> String {
    let words: Vec<&str> = words.into_iter().map(String::as_str).collect();
    if words.is_empty() { "none".to_owned() } else { words.join(", ") }
}

fn of_facts(facts: &Facts) -> Words {
    let Facts {
        os,
        systemd,
        kernel,
        virtualization,
        provider,
        roots,
        cgroups,
        user_namespaces,
        bridge_nf_call_iptables,
        network,
        cloud,
        hostname: _,
        modules,
        settings,
    } = facts;
    let mut words = named([
        ("os", os),
        ("systemd", systemd),
        ("kernel", kernel),
        ("virtualization", virtualization),
        ("provider", provider.as_deref().unwrap_or("none")),
        ("roots", roots),
        ("bridge-nf-call-iptables", bridge_nf_call_iptables.map_or("not loaded", yes_or_no)),
    ]);
    words.extend(cloud.iter().map(|cloud| ("cloud".to_owned(), cloud.clone())));
    words.extend(cgroups.iter().map(|version| ("cgroups".to_owned(), version.clone())));
    let has_namespaces = user_namespaces.map(|most| yes_or_no(most > 0).to_owned());
    words.extend(has_namespaces.map(|has| ("user namespaces".to_owned(), has)));
    words.extend(modules.iter().map(|modules| ("modules".to_owned(), listed(modules))));
    words.extend(network.iter().flat_map(of_network));
    words.extend(settings.iter().map(|(name, value)| (name.clone(), value.clone())));
    words
}

/// What is of this host alone: its addresses, routes and rules.
pub(crate) fn beside(host: &HostRecord) -> Words {
    let Some(facts) = &host.facts else { return Vec::new() };
    let mut words: Words = facts.hostname.iter().map(|name| ("name".to_owned(), name.clone())).collect();
    let Some(network) = &facts.network else { return words };
    for (name, link) in &network.links {
        let addresses = link.addresses.iter().map(|one| format!("{} ({})", one.address, one.source));
        words.extend(addresses.map(|address| (format!("address of {name}"), address)));
    }
    words.extend(network.routes.iter().flatten().map(|route| ("route".to_owned(), route_sentence(route))));
    if let Some(resolver) = &network.resolver {
        words.extend(
            resolver.servers.iter().map(|server| ("server of resolv.conf".to_owned(), server.clone())),
        );
        words.extend(
            resolver.search.iter().map(|domain| ("domain that is searched".to_owned(), domain.clone())),
        );
    }
    for chain in network.chains.iter().flatten() {
        words.extend(chain.rules.iter().map(|rule| (format!("rule of {}", chain.name), rule.clone())));
    }
    words
}

/// As ip-route(8) writes it.
fn route_sentence(route: &Route) -> String {
    let Route { to, family: _, via, link, protocol, metric } = route;
    let mut words = to.clone();
    let rest = [("via", via.clone()), ("dev", link.clone()), ("proto", Some(protocol.clone()))];
    let metric = ("metric", metric.map(|metric| metric.to_string()));
    for (name, value) in rest.into_iter().chain([metric]) {
        words.extend(value.map(|value| format!(" {name} {value}")));
    }
    words
}

#[cfg(test)]
mod tests;

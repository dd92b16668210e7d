//! How the network of a host was set up, in words.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::{Words, listed, yes_or_no};
use crate::{Chain, LinkSetup, Network, Resolver, Route};

/// How the network was set up.
pub(super) fn of_network(network: &Network) -> Words {
    let Network {
        services,
        resolv_conf,
        forwarding,
        forward_chains,
        legacy_tables,
        managers,
        firewalls,
        chains,
        routes,
        resolver,
        links,
    } = network;
    let mut words = vec![
        ("services".to_owned(), listed(services)),
        ("resolv.conf".to_owned(), resolv_conf.clone()),
        ("iptables-legacy".to_owned(), listed(legacy_tables)),
    ];
    words.extend(managers.iter().map(|managers| ("network set up by".to_owned(), listed(managers))));
    words.extend(firewalls.iter().map(|firewalls| ("firewalls".to_owned(), listed(firewalls))));
    let forward_chains = forward_chains.iter().map(listed);
    words.extend(forward_chains.map(|chains| ("chains for forwarded packets".to_owned(), chains)));
    words.extend(chains.iter().flat_map(|chains| of_chains(chains)));
    let of_family =
        |(family, on): (&String, &bool)| (format!("forwarding of {family}"), yes_or_no(*on).to_owned());
    words.extend(forwarding.iter().map(of_family));
    words.extend(routes.iter().flat_map(|routes| of_routes(routes)));
    words.extend(resolver.iter().flat_map(of_resolver));
    words.push(("links".to_owned(), listed(links.keys())));
    words.extend(links.iter().flat_map(|(name, link)| of_link(name, link)));
    words
}

/// Where packets enter beside the hook for those that are forwarded, and how many rules there are in all: the rules
/// themselves may have addresses.
fn of_chains(chains: &[Chain]) -> Words {
    let at = |hook: &str| {
        let entered = chains.iter().filter(|chain| chain.hook.as_deref() == Some(hook));
        let shown = |chain: &Chain| {
            let policy = chain.policy.as_ref().map(|policy| format!(", policy {policy}"));
            format!("{}{}", chain.name, policy.unwrap_or_default())
        };
        listed(&entered.map(shown).collect::<Vec<_>>())
    };
    let mut words: Words = ["prerouting", "input", "output", "postrouting"]
        .map(|hook| (format!("chains at {hook}"), at(hook)))
        .into();
    let rules: usize = chains.iter().map(|chain| chain.rules.len()).sum();
    words.push(("rules of the firewall".to_owned(), rules.to_string()));
    words
}

/// By which link the default routes lead out, and how many others there are, by who has set them.
fn of_routes(routes: &[Route]) -> Words {
    // That there is none is known as well.
    let none = |family| (format!("default route of {family}"), BTreeSet::new());
    let mut words: BTreeMap<String, BTreeSet<String>> = ["ipv4", "ipv6"].map(none).into();
    let mut others: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for Route { to, family, link, protocol, .. } in routes {
        if to == "default" {
            let way = format!("{} by {protocol}", link.as_deref().unwrap_or("no link"));
            words.entry(format!("default route of {family}")).or_default().insert(way);
        } else {
            *others.entry((family, protocol)).or_default() += 1;
        }
    }
    for ((family, protocol), count) in others {
        words
            .entry(format!("other routes of {family}"))
            .or_default()
            .insert(format!("{count} by {protocol}"));
    }
    words.into_iter().map(|(name, values)| (name, listed(&values))).collect()
}

fn of_resolver(resolver: &Resolver) -> Words {
    let Resolver { servers, upstream, search: _, options, nss_hosts } = resolver;
    let is_own = |server: &&String| server.parse::<IpAddr>().is_ok_and(|server| server.is_loopback());
    let mut named: Vec<String> = servers.iter().filter(is_own).cloned().collect();
    let others = servers.len() - named.len();
    named.extend((others > 0).then(|| format!("{others} elsewhere")));
    let mut words = vec![
        ("servers of resolv.conf".to_owned(), listed(&named)),
        ("options of resolv.conf".to_owned(), listed(options)),
    ];
    let count = if upstream.is_empty() { "none".to_owned() } else { upstream.len().to_string() };
    words.push(("servers of systemd-resolved".to_owned(), count));
    words.extend(nss_hosts.iter().map(|hosts| ("hosts of nsswitch.conf".to_owned(), hosts.clone())));
    words
}

fn of_link(name: &str, link: &LinkSetup) -> Words {
    let LinkSetup {
        network_file,
        matched_by,
        state,
        mtu,
        address_sources,
        addresses,
        forwarding,
        accept_ra,
        llmnr,
        mdns,
    } = link;
    let mut words = Vec::new();
    let mut say = |what: &str, value: Option<String>| {
        words.extend(value.map(|value| (format!("{what} of {name}"), value)));
    };
    say(".network file", network_file.clone().or_else(|| state.clone()));
    // Another host has other hardware.
    let by_hardware = |row: &String| match row.split_once("MACAddress=") {
        Some((before, _)) => format!("{before}MACAddress"),
        None => row.clone(),
    };
    let matched: Vec<String> = matched_by.iter().map(by_hardware).collect();
    say("[Match]", (!matched.is_empty()).then(|| listed(&matched)));
    say("MTU", mtu.map(|mtu| mtu.to_string()));
    let mut sources = address_sources.clone();
    for address in addresses.iter().filter(|_| address_sources.is_empty()) {
        let family = if address.address.contains(':') { "ipv6" } else { "ipv4" };
        sources.entry(family.to_owned()).or_default().insert(address.source.clone());
    }
    sources.iter().for_each(|(family, sources)| say(family, Some(listed(sources))));
    say("accept_ra", accept_ra.map(|value| value.to_string()));
    say("LLMNR", llmnr.clone());
    say("multicast DNS", mdns.clone());
    let forwarded = |(family, on): (&String, &bool)| {
        (format!("forwarding of {family} by {name}"), yes_or_no(*on).to_owned())
    };
    words.extend(forwarding.iter().map(forwarded));
    words
}

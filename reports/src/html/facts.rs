//! What is known of the hosts: each fact once, with the hosts that it is of where they differ.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};

use crate::clean::clean;
use crate::facts_words::{beside, of_host};
use crate::{HostRecord, Report};

/// The section; nothing where nothing is known of any host.
pub(super) fn section(report: &Report) -> Markup {
    let hosts: Vec<&HostRecord> = report.hosts.iter().filter(|host| host.facts.is_some()).collect();
    let rows = rows(&hosts);
    html! {
        @if !hosts.is_empty() {
            section {
                h2 { "Hosts" }
                details {
                    summary { "What is known of them" }
                    @if report.run.redacted { p { "Pseudonyms stand for addresses and names that belong to somebody." } }
                    div.scroll.facts tabindex="0" role="region" aria-label="Hosts" {
                        table {
                            thead { tr { th scope="col" { "fact" } th scope="col" { "value" } th scope="col" { "hosts" } } }
                            tbody {
                                @for (name, value, of) in rows {
                                    tr { th scope="row" { (clean(&name)) } td { (clean(&value)) } td { (clean(&of)) } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Name, value, and whose it is.
fn rows(hosts: &[&HostRecord]) -> Vec<(String, String, String)> {
    let mut order = Vec::new();
    let mut known: BTreeMap<(String, String), BTreeSet<&str>> = BTreeMap::new();
    for host in hosts {
        for (name, value) in of_host(host).into_iter().chain(beside(host)) {
            let whose = known.entry((name.clone(), value.clone())).or_default();
            if whose.is_empty() {
                order.push((name, value));
            }
            whose.insert(&host.id);
        }
    }
    let places: BTreeMap<String, usize> =
        order.iter().enumerate().rev().map(|(place, (name, _))| (name.clone(), place)).collect();
    order.sort_by_key(|(name, _)| places[name]);
    let row = |(name, value): (String, String)| {
        let whose = &known[&(name.clone(), value.clone())];
        let all = whose.len() == hosts.len();
        let of = if all { "all".to_owned() } else { whose.iter().copied().collect::<Vec<_>>().join(", ") };
        (name, value, of)
    };
    order.into_iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::host;

    #[test]
    fn values_of_one_fact_stand_together_and_say_whose_they_are() {
        let (one, mut other) = (host("a", 257), host("b", 257));
        other.image = "mine".to_owned();
        let rows = rows(&[&one, &other]);
        let told = |wanted: &str| {
            let of_name = rows.iter().filter(|(name, ..)| name == wanted);
            of_name.map(|(_, value, whose)| format!("{value}: {whose}")).collect::<Vec<_>>()
        };
        assert_eq!(told("image"), ["trixie: a", "mine: b"]);
        assert_eq!(told("kernel"), ["6.12.48: all"]);
        let at = rows.iter().position(|(name, ..)| name == "image").unwrap();
        assert_eq!(rows[at + 1].0, "image");
    }
}

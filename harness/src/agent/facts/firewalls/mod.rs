//! The firewalls of the host, with the rules that packets of machines meet.

mod legacy;
mod listing;

use std::collections::BTreeSet;

use nspawn_matrix_reports::Chain;

use crate::agent::nft::SYSTEMD_TABLE;
use crate::command::{Command, CommandError};

/// The tables that iptables makes with its nft backend (xtables-nft(8)).
const OF_IPTABLES: [&str; 5] = ["filter", "nat", "mangle", "raw", "security"];

/// The chains of iptables that packets enter.
const BUILT_IN: [&str; 5] = ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"];

/// The chains of the host but for systemd's own; none if there is no `nft` to list them.
pub(super) async fn chains(has_legacy: bool) -> anyhow::Result<Option<Vec<Chain>>> {
    let text = match Command::new("nft", ["--stateless", "list", "ruleset"]).output().await {
        Ok(text) => text,
        Err(CommandError::Start { .. }) => return Ok(None),
        Err(error @ CommandError::Failed { .. }) => return Err(error.into()),
    };
    let mut chains = listing::chains(&text);
    chains.retain(|chain| !chain.name.split(' ').any(|word| word == SYSTEMD_TABLE));
    if has_legacy {
        chains.extend(legacy::chains().await);
    }
    Ok(Some(chains))
}

/// Who has made them.
pub(super) fn named(chains: &[Chain]) -> BTreeSet<String> {
    let does_something = |chain: &&Chain| !chain.rules.is_empty() || chain.policy.as_deref() == Some("drop");
    chains.iter().filter(does_something).flat_map(|chain| makers(&chain.name)).map(str::to_owned).collect()
}

/// A front end is known by what it calls its chains, and what it uses by what that calls its tables.
fn makers(chain: &str) -> Vec<&'static str> {
    let words: Vec<&str> = chain.split(' ').collect();
    let (is_legacy, rest) = match *words {
        ["legacy", ref rest @ ..] => (true, rest),
        ref rest => (false, rest),
    };
    let [family, table, name] = rest else { return Vec::new() };
    let is_front_end = |prefix: &str| name.starts_with(prefix);
    let of_iptables = ["ip", "ip6"].contains(family) && OF_IPTABLES.contains(table);
    let is_its_chain = BUILT_IN.contains(name) || is_front_end("DOCKER") || is_front_end("ufw");
    let front_ends = [
        ("docker", is_front_end("DOCKER") || table.starts_with("docker")),
        ("ufw", is_front_end("ufw")),
        ("firewalld", *table == "firewalld"),
    ];
    let by = match (is_legacy, of_iptables && is_its_chain) {
        (true, _) => "iptables-legacy",
        (false, true) => "iptables-nft",
        (false, false) => "nftables",
    };
    front_ends.into_iter().filter(|(_, made)| *made).map(|(name, _)| name).chain([by]).collect()
}

/// Those that packets enter, and those that these jump to, in the order of `chains`. Front ends make many without a rule,
/// in which nothing happens.
pub(super) fn on_the_path(chains: &[Chain]) -> Vec<Chain> {
    let is_jump = |word: &str| word == "jump" || word == "goto" || word == "-j" || word == "-g";
    let targets = |chain: &Chain| -> Vec<String> {
        let table = chain.name.rsplit_once(' ').map_or("", |(table, _)| table).to_owned();
        let words: Vec<&str> = chain.rules.iter().flat_map(|rule| rule.split([' ', ','])).collect();
        let jumps = words.windows(2).filter(|pair| is_jump(pair[0]));
        jumps.map(|pair| format!("{table} {}", pair[1])).collect()
    };
    let mut reached: BTreeSet<String> =
        chains.iter().filter(|chain| chain.hook.is_some()).map(|chain| chain.name.clone()).collect();
    let mut open: Vec<String> = reached.iter().cloned().collect();
    while let Some(name) = open.pop() {
        for target in chains.iter().filter(|chain| chain.name == name).flat_map(targets) {
            if reached.insert(target.clone()) {
                open.push(target);
            }
        }
    }
    let happens = |chain: &&Chain| chain.hook.is_some() || !chain.rules.is_empty();
    chains.iter().filter(|chain| reached.contains(&chain.name)).filter(happens).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(name: &str, hook: Option<&str>, rules: &[&str]) -> Chain {
        let rules = rules.iter().map(|rule| (*rule).to_owned()).collect();
        Chain { name: name.to_owned(), hook: hook.map(str::to_owned), policy: None, rules }
    }

    #[test]
    fn who_made_a_chain_is_known_by_its_name() {
        assert_eq!(makers("ip filter DOCKER-USER"), ["docker", "iptables-nft"]);
        assert_eq!(makers("ip filter FORWARD"), ["iptables-nft"]);
        assert_eq!(makers("inet filter forward"), ["nftables"]);
        assert_eq!(makers("inet firewalld filter_FORWARD"), ["firewalld", "nftables"]);
        assert_eq!(makers("legacy ip filter ufw-user-input"), ["ufw", "iptables-legacy"]);
    }

    #[test]
    fn chains_that_nothing_leads_to_are_not_on_the_path() {
        let chains = [
            chain(
                "ip filter FORWARD",
                Some("forward"),
                &["iifname vmap { \"a\" : jump one, \"b\" : goto two }"],
            ),
            chain("ip filter one", None, &["counter jump three"]),
            chain("ip filter two", None, &["drop"]),
            chain("ip filter three", None, &["jump one"]),
            chain("ip filter four", None, &["accept"]),
            chain("ip6 filter one", None, &["accept"]),
            chain("legacy ip filter INPUT", Some("input"), &["-s 10.0.0.0/8 -j own"]),
            chain("legacy ip filter own", None, &["-j RETURN"]),
            chain("legacy ip filter FORWARD", Some("forward"), &["-j empty"]),
            chain("legacy ip filter empty", None, &[]),
        ];
        let path = on_the_path(&chains);
        let names: Vec<&str> = path.iter().map(|chain| chain.name.rsplit(' ').next().unwrap()).collect();
        assert_eq!(names, ["FORWARD", "one", "two", "three", "INPUT", "own", "FORWARD"]);
        assert_eq!(
            named(&path).into_iter().collect::<Vec<_>>(),
            ["iptables-legacy", "iptables-nft", "nftables"]
        );
    }
}

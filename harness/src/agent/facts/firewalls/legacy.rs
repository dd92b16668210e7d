//! What iptables-legacy has made, which `nft` does not show (iptables-save(8)).

use nspawn_matrix_reports::Chain;

use crate::command::Command;

/// The programs by family. They are asked only where the kernel has such tables already, since they would make them.
const PROGRAMS: [(&str, &str); 2] = [("ip", "iptables-legacy-save"), ("ip6", "ip6tables-legacy-save")];

/// The chains of both families; where there is no program to list them, none.
pub(super) async fn chains() -> Vec<Chain> {
    let mut chains = Vec::new();
    for (family, program) in PROGRAMS {
        if let Ok(text) = Command::new(program, [] as [&str; 0]).output().await {
            chains.extend(parse(family, &text));
        }
    }
    chains
}

fn parse(family: &str, saved: &str) -> Vec<Chain> {
    let mut chains: Vec<Chain> = Vec::new();
    let mut table = "";
    for line in saved.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        if let Some(name) = line.strip_prefix('*') {
            table = name.trim();
        } else if let ([name, policy, ..], Some(_)) = (&*words, line.strip_prefix(':')) {
            let name = name.trim_start_matches(':');
            let policy = (*policy != "-").then(|| policy.to_ascii_lowercase());
            let hook = policy.is_some().then(|| name.to_ascii_lowercase());
            let name = format!("legacy {family} {table} {name}");
            chains.push(Chain { name, hook, policy, rules: Vec::new() });
        } else if let ["-A", chain, rule @ ..] = &*words {
            let name = format!("legacy {family} {table} {chain}");
            let chain = chains.iter_mut().find(|chain| chain.name == name);
            chain.into_iter().for_each(|chain| chain.rules.push(rule.join(" ")));
        }
    }
    chains
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn chains_are_told_with_their_rules() {
        let saved = "# Generated\n*filter\n:INPUT ACCEPT [1:2]\n:FORWARD DROP [0:0]\n:DOCKER - [0:0]\n\
            -A FORWARD -o docker0 -j DOCKER\n-A DOCKER -j RETURN\nCOMMIT\n";
        let seen: Vec<String> = parse("ip", saved)
            .into_iter()
            .map(|Chain { name, hook, policy, rules }| format!("{name}, {hook:?}, {policy:?}: {rules:?}"))
            .collect();
        assert_eq!(
            seen,
            [
                "legacy ip filter INPUT, Some(\"input\"), Some(\"accept\"): []",
                "legacy ip filter FORWARD, Some(\"forward\"), Some(\"drop\"): [\"-o docker0 -j DOCKER\"]",
                "legacy ip filter DOCKER, None, None: [\"-j RETURN\"]",
            ]
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "([*:]|-A |FORWARD|[ \n-]|\\PC){0,40}") {
            let _ = parse("ip", &text);
        }
    }
}

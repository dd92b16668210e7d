//! What `nft list ruleset` writes (nft(8)): tables of chains of rules, one for each line.

use nspawn_matrix_reports::Chain;

/// The chains, in their order; sets and what else tables hold are left out.
pub(super) fn chains(listing: &str) -> Vec<Chain> {
    let mut chains: Vec<Chain> = Vec::new();
    let mut table = String::new();
    let mut blocks: Vec<bool> = Vec::new();
    for line in whole_lines(listing) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match (&*words, &*blocks) {
            (["table", family, name, "{"], []) => {
                table = format!("{family} {name}");
                blocks.push(false);
            }
            (["chain", name, "{"], [_]) => {
                let name = format!("{table} {name}");
                chains.push(Chain { name, ..Chain::default() });
                blocks.push(true);
            }
            (["}", ..], _) => {
                blocks.pop();
            }
            ([.., "{"], _) => blocks.push(false),
            (["type", _, "hook", hook, ..], [_, true]) => {
                if let Some(chain) = chains.last_mut() {
                    chain.hook = Some((*hook).to_owned());
                    let policy = words.iter().skip_while(|word| **word != "policy").nth(1);
                    chain.policy = Some(policy.unwrap_or(&"accept").trim_end_matches(';').to_owned());
                }
            }
            ([], _) | (["comment", ..], [_, true]) => {}
            (_, [_, true]) => {
                chains.last_mut().into_iter().for_each(|chain| chain.rules.push(words.join(" ")));
            }
            _ => {}
        }
    }
    chains
}

/// The lines, with what a rule has in braces in the line of the rule. Who owns a table stands behind its brace.
fn whole_lines(listing: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut open = 0;
    for line in listing.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
        let line = line.split_once("{ # progname").map_or(line.to_owned(), |(table, _)| format!("{table}{{"));
        let (opened, closed) = braces(&line);
        // One brace at the end opens a block of lines, unless it is within a rule.
        let is_block = line == "}" || opened == 1 && closed == 0 && line.ends_with('{');
        match lines.last_mut().filter(|_| open > 0) {
            Some(last) => *last = format!("{last} {line}"),
            None => lines.push(line.clone()),
        }
        if open > 0 || !is_block {
            open = (open + opened).saturating_sub(closed);
        }
    }
    lines
}

/// How many braces a line opens and closes outside quotes.
fn braces(line: &str) -> (usize, usize) {
    let outside = line.split('"').step_by(2);
    let count = |brace: char| outside.clone().map(|part| part.matches(brace).count()).sum();
    (count('{'), count('}'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn chains_are_told_with_their_rules_and_nothing_else_is() {
        let listing = "# Warning: table ip filter is managed by iptables-nft, do not touch!\n\
            table ip filter {\n\tset bad {\n\t\ttype ipv4_addr\n\t\telements = { 192.0.2.1,\n\t\t\t     192.0.2.2 }\n\t}\n\n\
            \tchain FORWARD {\n\t\tcomment \"ours\"\n\t\ttype filter hook forward priority filter; policy drop;\n\
            \t\tip saddr { 192.0.2.1,\n\t\t\t   192.0.2.2 } drop\n\t\tiifname \"ve-*\" counter jump extra\n\t}\n\n\
            \tchain extra {\n\t\tlog prefix \"{\"\n\t\taccept\n\t}\n}\ntable inet none {\n}\n\
            table inet firewalld { # progname firewalld\n\tflags owner,persist\n\n\
            \tchain filter_INPUT {\n\t\ttype filter hook input priority filter + 10; policy accept;\n\
            \t\tct state vmap { invalid : drop, established : accept }\n\t}\n}\n";
        let seen = chains(listing);
        insta::assert_snapshot!(
            seen.iter().map(|chain| format!("{chain:?}\n")).collect::<String>(),
            @r#"
        Chain { name: "ip filter FORWARD", hook: Some("forward"), policy: Some("drop"), rules: ["ip saddr { 192.0.2.1, 192.0.2.2 } drop", "iifname \"ve-*\" counter jump extra"] }
        Chain { name: "ip filter extra", hook: None, policy: None, rules: ["log prefix \"{\"", "accept"] }
        Chain { name: "inet firewalld filter_INPUT", hook: Some("input"), policy: Some("accept"), rules: ["ct state vmap { invalid : drop, established : accept }"] }
        "#
        );
    }

    proptest! {
        #[test]
        fn no_listing_makes_the_reader_panic(text in "(table ip a|chain b|type x hook y|[{} \n\t;,#]|\\PC){0,40}") {
            let _ = chains(&text);
        }
    }
}

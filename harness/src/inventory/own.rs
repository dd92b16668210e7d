//! The inventory of ours: a table of names and destinations.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Inventory, Target, Unreadable};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    hosts: BTreeMap<String, String>,
}

pub(super) fn read(text: &str) -> Result<Inventory, Unreadable> {
    let file: File = toml::from_str(text).map_err(|error| Unreadable(one_line(&error, text)))?;
    let targets = file.hosts.iter().map(|(name, destination)| Target::named(name, destination.parse()));
    Ok(Inventory { targets: targets.collect::<Result<_, _>>()?, left_out: Vec::new() })
}

fn one_line(error: &toml::de::Error, text: &str) -> String {
    let line =
        error.span().and_then(|span| text.get(..span.start)).map(|before| before.lines().count().max(1));
    let place = line.map_or_else(String::new, |line| format!("line {line}: "));
    format!("{place}{}", error.message())
}

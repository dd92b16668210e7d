//! Ansible's form in YAML: groups in groups.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Unreadable;
use super::groups::{Groups, Variables};

/// What is left empty in YAML is null.
#[derive(Debug, Default, Deserialize)]
struct Group {
    hosts: Option<BTreeMap<String, Option<Variables>>>,
    vars: Option<Variables>,
    children: Option<BTreeMap<String, Option<Self>>>,
}

pub(super) fn read(text: &str) -> Result<Groups, Unreadable> {
    let top: BTreeMap<String, Option<Group>> =
        serde_saphyr::from_str(text).map_err(|error| one_line(&error))?;
    let mut groups = Groups::default();
    for (name, group) in top {
        add(&mut groups, &name, group.unwrap_or_default());
    }
    Ok(groups)
}

/// A group may stand at several places.
fn add(groups: &mut Groups, name: &str, group: Group) {
    let known = groups.group(name);
    known.variables = std::mem::take(&mut known.variables).under(group.vars.unwrap_or_default());
    for (host, variables) in group.hosts.unwrap_or_default() {
        let host = known.hosts.entry(host).or_default();
        *host = std::mem::take(host).under(variables.unwrap_or_default());
    }
    for (child, group) in group.children.unwrap_or_default() {
        groups.group(name).children.insert(child.clone());
        add(groups, &child, group.unwrap_or_default());
    }
}

/// The first line; the others show the place.
fn one_line(error: &serde_saphyr::Error) -> Unreadable {
    let told = error.to_string();
    let first = told.lines().next().unwrap_or_default();
    Unreadable(first.trim_start_matches("error: ").to_owned())
}

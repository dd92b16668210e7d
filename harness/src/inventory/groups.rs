//! The groups of an Ansible inventory, and what they say of the hosts in them.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::{Inventory, Target, Unreadable};
use crate::host::Destination;

/// The group that every other is in.
pub(super) const ALL: &str = "all";

/// What Ansible uses to get to a host if nothing is said.
const SSH: [&str; 3] = ["ssh", "smart", "paramiko"];

/// How ssh gets to a host; all else is none of our business. The longer names are what they were called up to Ansible 1.9.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Variables {
    /// Where it is, if not by its name.
    #[serde(alias = "ansible_ssh_host")]
    pub(super) ansible_host: Option<String>,
    /// The port.
    #[serde(alias = "ansible_ssh_port")]
    pub(super) ansible_port: Option<Word>,
    /// The user.
    #[serde(alias = "ansible_ssh_user")]
    pub(super) ansible_user: Option<String>,
    /// Whether it is ssh at all.
    pub(super) ansible_connection: Option<String>,
}

/// A number, which may stand there as text.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(super) enum Word {
    Number(u64),
    Text(String),
}

impl Variables {
    /// Takes one down by its name; others are left out.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        let value = value.to_owned();
        match name {
            "ansible_host" | "ansible_ssh_host" => self.ansible_host = Some(value),
            "ansible_port" | "ansible_ssh_port" => self.ansible_port = Some(Word::Text(value)),
            "ansible_user" | "ansible_ssh_user" => self.ansible_user = Some(value),
            "ansible_connection" => self.ansible_connection = Some(value),
            _ => {}
        }
    }

    /// What `stronger` says, and else what this does.
    pub(super) fn under(self, stronger: Self) -> Self {
        Self {
            ansible_host: stronger.ansible_host.or(self.ansible_host),
            ansible_port: stronger.ansible_port.or(self.ansible_port),
            ansible_user: stronger.ansible_user.or(self.ansible_user),
            ansible_connection: stronger.ansible_connection.or(self.ansible_connection),
        }
    }

    fn target(&self, name: &str) -> Result<Target, Unreadable> {
        let port = self.ansible_port.as_ref().map(|port| match port {
            Word::Number(number) => number.to_string(),
            Word::Text(text) => text.clone(),
        });
        let host = self.ansible_host.as_deref().unwrap_or(name);
        Target::named(name, Destination::new(self.ansible_user.as_deref(), host, port.as_deref()))
    }
}

/// One group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) hosts: BTreeMap<String, Variables>,
    pub(super) variables: Variables,
    pub(super) children: BTreeSet<String>,
}

/// All groups, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Groups(pub(super) BTreeMap<String, Group>);

impl Groups {
    /// The group of this name, made if it is not there.
    pub(super) fn group(&mut self, name: &str) -> &mut Group {
        self.0.entry(name.to_owned()).or_default()
    }

    /// The hosts, each with what is said of it: by `all`, by groups, those farther down the stronger, and by itself.
    pub(super) fn inventory(&self) -> Result<Inventory, Unreadable> {
        let mut inventory = Inventory::default();
        let hosts: BTreeSet<&String> = self.0.values().flat_map(|group| group.hosts.keys()).collect();
        for host in hosts {
            let variables = self.variables(host);
            match &variables.ansible_connection {
                Some(other) if !SSH.contains(&other.as_str()) => {
                    inventory
                        .left_out
                        .push(format!("host `{host}`: its ansible_connection is `{other}`, and not ssh"));
                }
                Some(_) | None => inventory.targets.push(variables.target(host)?),
            }
        }
        Ok(inventory)
    }

    fn variables(&self, host: &str) -> Variables {
        let of = |name: &String| self.0.get(name).filter(|group| group.hosts.contains_key(host));
        let direct = self.0.keys().filter(|name| of(name).is_some());
        let mut above: Vec<(usize, &String)> = Vec::new();
        for name in direct {
            self.climb(name, &mut above);
        }
        above.sort_unstable();
        let all = self.0.get(ALL).map(|all| all.variables.clone()).unwrap_or_default();
        let groups = above.iter().filter_map(|(_, name)| Some(self.0.get(*name)?.variables.clone()));
        let itself = self.0.values().filter_map(|group| group.hosts.get(host).cloned());
        groups.chain(itself).fold(all, Variables::under)
    }

    /// Adds a group and those that it is in, with how deep each is.
    fn climb<'a>(&'a self, name: &'a String, above: &mut Vec<(usize, &'a String)>) {
        // A group may be in itself by mistake.
        if name == ALL || above.iter().any(|(_, seen)| *seen == name) {
            return;
        }
        above.push((self.depth(name, &mut BTreeSet::new()), name));
        for (parent, _) in self.0.iter().filter(|(_, group)| group.children.contains(name)) {
            self.climb(parent, above);
        }
    }

    /// How many groups are above one, by the longest way.
    fn depth<'a>(&'a self, name: &'a str, seen: &mut BTreeSet<&'a str>) -> usize {
        if !seen.insert(name) {
            return 0;
        }
        let parents = self.0.iter().filter(|(_, group)| group.children.contains(name));
        let deepest = parents.map(|(parent, _)| 1 + self.depth(parent, seen)).max().unwrap_or(0);
        seen.remove(name);
        deepest
    }
}

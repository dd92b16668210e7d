//! What `--host` says: a kind of hosts, or machines elsewhere.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::str::FromStr;

use clap::ValueEnum;

use super::{Failure, own};
use crate::host::{Destination, Kind};
use crate::inventory::{self, Target};

/// One of the things that it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum HostChoice {
    /// Hosts of this kind.
    Kind(Kind),
    /// The machine there.
    Ssh(Destination),
}

impl FromStr for HostChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.contains("://") {
            return text.parse().map(Self::Ssh).map_err(|error| error.to_string());
        }
        let kinds = Kind::value_variants().iter().filter(|kind| **kind != Kind::Ssh);
        let kind = kinds.clone().find(|kind| kind.name() == text);
        let names = || kinds.clone().map(|kind| kind.name()).collect::<Vec<_>>().join(", ");
        kind.copied()
            .map(Self::Kind)
            .ok_or_else(|| format!("it is one of {} or ssh://user@host:port", names()))
    }
}

/// Machines elsewhere, and how they are reached.
#[derive(Debug, clap::Args)]
pub(super) struct SshArguments {
    /// A file that names machines as --host ssh:// does: TOML ([hosts], NAME = "ssh://..."), or an Ansible inventory
    #[arg(long, value_name = "FILE")]
    inventory: Vec<PathBuf>,
    /// A configuration of ssh instead of your own
    #[arg(long, value_name = "FILE")]
    pub ssh_config: Option<PathBuf>,
}

/// What all of them say together.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// Hosts of this kind.
    Kind(Kind),
    /// These machines, each by a name that is no other's.
    Ssh(Vec<Target>),
}

impl SshArguments {
    /// What is said in all: `said` are the words of `--host`, and `usual` is meant if nothing is said.
    ///
    /// # Errors
    /// A usage error if a file is no inventory, or things do not go together.
    pub(super) fn choice(&self, said: &[HostChoice], usual: Kind) -> Result<Choice, Failure> {
        let mut targets = Vec::new();
        for path in &self.inventory {
            let unreadable = |why: String| Failure::usage(format!("{}: {why}", path.display()));
            let inventory = inventory::read(path, &own::read_text(path)?);
            let inventory = inventory.map_err(|error| unreadable(error.to_string()))?;
            inventory.left_out.iter().for_each(|line| tell!("{}: left out: {line}", path.display()));
            targets.extend(inventory.targets);
        }
        Choice::of(said, targets, usual)
    }
}

impl Choice {
    /// Puts together what is said by `--host` and which `targets` inventories name.
    fn of(said: &[HostChoice], mut targets: Vec<Target>, usual: Kind) -> Result<Self, Failure> {
        for choice in said {
            match choice {
                HostChoice::Kind(kind) if said.len() == 1 && targets.is_empty() => {
                    return Ok(Self::Kind(*kind));
                }
                HostChoice::Kind(kind) => {
                    let message = format!("--host {} cannot stand beside other hosts", kind.name());
                    return Err(
                        Failure::usage(message).hint("run one after the other, and compare their reports")
                    );
                }
                HostChoice::Ssh(destination) => targets.push(Target::from(destination.clone())),
            }
        }
        let mut names = BTreeSet::new();
        match targets.iter().find(|target| !names.insert(&target.name)) {
            Some(target) => Err(Failure::usage(format!("two hosts are called `{}`", target.name))
                .hint("name each machine once")),
            None if targets.is_empty() => Ok(Self::Kind(usual)),
            None => Ok(Self::Ssh(targets)),
        }
    }

    /// The kind of the hosts.
    pub(super) const fn kind(&self) -> Kind {
        match self {
            Self::Kind(kind) => *kind,
            Self::Ssh(_) => Kind::Ssh,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(said: &[&str]) -> Result<Choice, String> {
        let said: Vec<HostChoice> = said.iter().map(|text| text.parse()).collect::<Result<_, _>>()?;
        Choice::of(&said, Vec::new(), Kind::Local).map_err(|failure| format!("{failure:?}"))
    }

    #[test]
    fn machines_elsewhere_may_be_several_and_kinds_of_hosts_may_not() {
        assert_eq!(choice(&[]).unwrap(), Choice::Kind(Kind::Local));
        assert_eq!(choice(&["vm+sandbox"]).unwrap(), Choice::Kind(Kind::VmSandbox));
        let Choice::Ssh(targets) = choice(&["ssh://root@web1", "ssh://web1:2222"]).unwrap() else { panic!() };
        assert_eq!(targets.iter().map(|target| &*target.name).collect::<Vec<_>>(), ["web1", "web1-2222"]);
        for wrong in [
            &["sandbox", "ssh://web1"][..],
            &["sandbox", "vm"],
            &["ssh://a@web1", "ssh://b@web1"],
            &["ssh"],
            &["web1"],
        ] {
            assert!(choice(wrong).is_err(), "{wrong:?}");
        }
    }
}

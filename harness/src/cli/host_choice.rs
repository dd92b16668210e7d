//! What `--host` says: a kind of hosts, or machines elsewhere.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::str::FromStr;

use clap::ValueEnum;

use super::Failure;
use crate::host::{Destination, Kind};

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

/// How machines elsewhere are reached.
#[derive(Debug, clap::Args)]
pub(super) struct SshArguments {
    /// A configuration of ssh instead of your own, for hosts that are reached by it
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

/// A machine elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// What it is called in reports and folders.
    pub name: String,
    /// Where it is.
    pub destination: Destination,
}

impl From<Destination> for Target {
    fn from(destination: Destination) -> Self {
        Self { name: destination.name(), destination }
    }
}

impl Choice {
    /// Puts them together.
    ///
    /// # Errors
    /// A usage error if they do not go together.
    pub(super) fn of(said: &[HostChoice]) -> Result<Self, Failure> {
        let mut targets: Vec<Target> = Vec::new();
        for choice in said {
            match choice {
                HostChoice::Kind(kind) if said.len() == 1 => return Ok(Self::Kind(*kind)),
                HostChoice::Kind(kind) => {
                    let message = format!("--host {} cannot stand beside another --host", kind.name());
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
        Choice::of(&said).map_err(|failure| format!("{failure:?}"))
    }

    #[test]
    fn machines_elsewhere_may_be_several_and_kinds_of_hosts_may_not() {
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

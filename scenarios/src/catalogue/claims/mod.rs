//! Claims that several scenarios share, by topic. What is claimed follows from the kind of a scenario: how its machines
//! are linked, whether they run in a user namespace, and what starts them.

pub(super) mod bind_options;
pub(super) mod binds;
pub(super) mod environment;
mod firewall;
mod life;
mod link;
mod names;
mod ports;
mod reach;
pub(super) mod refusal;
pub(super) mod settings;

use std::collections::BTreeSet;

pub(super) use names::{
    RESOLVED, all_lookups, lookups, on_the_wire, or_link_local, resolves, wire, with_origin, with_scope,
};
pub(super) use ports::forwarded;
pub(super) use reach::{by_users, masqueraded, not_seen, seen_as_itself};

use crate::{Check, Claim, Setting, Topic};

/// What the claims of a scenario follow from.
#[derive(Clone, Copy)]
pub(super) struct Kind {
    /// How its machines are linked.
    pub(super) network: Network,
    /// Whether the machines run in a user namespace (`-U`).
    pub(super) user_namespace: bool,
    /// Whether units start them, and do so at boot.
    pub(super) unit: bool,
}

/// How machines are linked to the host and to each other.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Network {
    /// They use the host's network.
    Host,
    /// Each has a veth link of its own to the host.
    Veth,
    /// They are ports of the bridge of a zone.
    Zone,
    /// They are ports of the bridge of the notes.
    Br0,
}

impl Kind {
    /// Started on the command line, without a user namespace.
    pub(super) fn command_line(network: Network) -> Self {
        Self { network, user_namespace: false, unit: false }
    }

    /// Started by the shipped unit, whose `-U` gives a user namespace.
    pub(super) fn unit(network: Network) -> Self {
        Self { network, user_namespace: true, unit: true }
    }
}

/// All that is claimed of scenarios of this kind.
pub(super) fn of(kind: Kind) -> Vec<Claim> {
    [
        link::claims(kind),
        reach::claims(kind),
        names::claims(kind),
        binds::claims(kind),
        environment::claims(kind),
        firewall::claims(kind),
        life::claims(kind),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What is claimed of scenarios of this kind about these topics.
pub(super) fn about(kind: Kind, topics: &[Topic]) -> Vec<Claim> {
    of(kind).into_iter().filter(|claim| topics.contains(&claim.check.topic())).collect()
}

/// What is claimed where a scenario itself makes `setting` be `value`: that it is so need not be detected then.
pub(super) fn given(claims: Vec<Claim>, setting: Setting, value: &str) -> Vec<Claim> {
    let is_so = |claim: &Claim| claim.when.get(&setting).is_some_and(|known| known == value);
    let decided: BTreeSet<Check> =
        claims.iter().filter(|claim| is_so(claim)).map(|claim| claim.check).collect();
    let counts = |claim: &Claim| is_so(claim) || !decided.contains(&claim.check);
    let without = |mut claim: Claim| {
        claim.when.remove(&setting);
        claim
    };
    claims.into_iter().filter(counts).map(without).collect()
}

/// Puts `rows` in the place of what is claimed about the same questions.
pub(super) fn except(claims: Vec<Claim>, rows: Vec<Claim>) -> Vec<Claim> {
    let replaced: BTreeSet<Check> = rows.iter().map(|row| row.check).collect();
    claims.into_iter().filter(|claim| !replaced.contains(&claim.check)).chain(rows).collect()
}

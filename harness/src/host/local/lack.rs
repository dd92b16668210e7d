//! What scenarios need and the machine does not have: such a scenario is left out, and the others are stood up.

use std::collections::{BTreeMap, BTreeSet};

use nspawn_matrix_scenarios::Scenario;

use super::intent::{Act, Intent};

/// The scenarios that are left out, each by its name and with the reason.
pub type LeftOut = BTreeMap<String, String>;

/// Those of `scenarios` that need a link which is not among `links`.
pub(super) fn left_out<'a>(
    scenarios: impl IntoIterator<Item = &'a Scenario>,
    links: &BTreeSet<String>,
) -> LeftOut {
    scenarios.into_iter().filter_map(|one| Some((one.name.clone(), lack(one, links)?))).collect()
}

fn lack(scenario: &Scenario, links: &BTreeSet<String>) -> Option<String> {
    let intent = Intent::of([scenario]);
    let makes = |name: &String| intent.acts().any(|(act, _)| *act == Act::Link(name.clone()));
    intent.acts().find_map(|(act, _)| match act {
        Act::Uses(name) if !links.contains(name) && !makes(name) => {
            Some(format!("there is no link `{name}`"))
        }
        Act::Uses(_)
        | Act::Machine(_)
        | Act::Link(_)
        | Act::Subnet(_)
        | Act::File(_)
        | Act::Folder(_)
        | Act::Mount(_)
        | Act::Setting(_)
        | Act::Service(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use nspawn_matrix_scenarios::catalogue;

    use super::*;

    #[test]
    fn what_needs_a_link_that_is_not_there_is_left_out_and_nothing_else() {
        let all: Vec<Scenario> = catalogue::all().into_iter().map(Scenario::at_runtime).collect();
        let with = |link: &str| left_out(&all, &BTreeSet::from([link.to_owned()]));
        let missing = ("macvlan".to_owned(), "there is no link `uplink0`".to_owned());
        assert_eq!(with("eth0"), LeftOut::from([missing]));
        assert_eq!(with("uplink0"), LeftOut::new());
    }
}

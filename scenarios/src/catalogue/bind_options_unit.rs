//! Bind mounts with options, in the .nspawn file of the shipped unit, whose `-U` gives a user namespace.

use super::bind_options::{EVERYWHERE, OWNERIDMAP, steps};
use super::claims::bind_options::{device_of_unit, of_all};
use super::claims::except;
use crate::bind_options::BindOption;
use crate::{Check, Launch, MACHINES, Scenario, Step, Topic, nspawn_file};

pub(super) fn scenario() -> Scenario {
    let options = || [BindOption::Idmap].into_iter().chain(EVERYWHERE);
    let lines: String = options().map(BindOption::line).collect();
    // Nothing is asked about the network, so the machine need not wait for one.
    let file = Step::config(
        nspawn_file::path(MACHINES[0]),
        format!("[Files]\n{lines}\n[Network]\nVirtualEthernet=no\n"),
    );
    Scenario::about(
        &[Topic::BindOptions],
        "bind-options-unit",
        "Bind= with options in the .nspawn file of the shipped unit",
        Launch::Unit,
        steps(options()).into_iter().chain([file]).collect(),
        except(of_all(options(), true), device_of_unit().to_vec()),
    )
    .may_refuse()
    .without([Check::BindOwneridmap], OWNERIDMAP)
}

//! A bind mount with `owneridmap`, which systemd knows from 256 on.

use super::bind_options::steps;
use super::claims::bind_options::{self, CLONES, not_started};
use super::claims::refusal::refused;
use crate::bind_options::BindOption;
use crate::{Check, Claim, Expectation, Launch, Scenario, Setting, Topic, links};

pub(super) fn scenario() -> Scenario {
    of("bind-owneridmap", "--bind= with owneridmap on the command line, with -U", true)
}

/// A machine that binds a directory so, in a user namespace or without one.
pub(super) fn of(name: &str, summary: &str, user_namespace: bool) -> Scenario {
    let options =
        user_namespace.then(|| "-U".to_owned()).into_iter().chain([BindOption::Owneridmap.option()]);
    Scenario::about(
        &[Topic::BindOptions, Topic::Refusal],
        name,
        summary,
        Launch::CommandLine { options: options.collect() },
        steps([BindOption::Owneridmap]),
        claims(user_namespace),
    )
    .without(
        BindOption::ALL.map(BindOption::check).into_iter().filter(|check| *check != Check::BindOwneridmap),
        "the scenario is about owneridmap alone",
    )
    .may_refuse()
}

fn claims(user_namespace: bool) -> Vec<Claim> {
    let reason = "owneridmap is an option from systemd 256 on";
    let claim = |check, values: &[(&str, &str)]| {
        Claim::new(check, Expectation::properties(values), reason, links::SYSTEMD_NSPAWN)
    };
    vec![
        refused("Invalid bind mount option: owneridmap", reason, links::SYSTEMD_NSPAWN).until(255),
        claim(Check::BindOwneridmap, &[("machine", "not started")]).until(255),
        claim(Check::StartRefusal, &[("started", "yes")]).since(256),
        bind_options::of(BindOption::Owneridmap, user_namespace).since(256),
        not_started(Check::BindOwneridmap).since(256),
        unmappable("map ids for bind mount").since(256).until(CLONES - 1),
        unmappable("clone").since(CLONES),
    ]
}

/// What systemd-nspawn fails to do where ids cannot be mapped.
fn unmappable(does: &str) -> Claim {
    let said = format!("Failed to {does} {}: Invalid argument", BindOption::Owneridmap.path());
    let reason = "ids cannot be mapped where the source of the bind mount lies";
    refused(&said, reason, links::FINDING_ID_MAPPING).when(Setting::IdMapping, "no")
}

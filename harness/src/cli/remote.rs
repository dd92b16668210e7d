//! Whether machines elsewhere may be the hosts: what a run will do to them, and the yes of whoever owns them.

use std::path::Path;
use std::rc::Rc;

use futures_util::future::join_all;
use nspawn_matrix_scenarios::Scenario;

use super::{Failure, local};
use crate::host::{Connection, LeftOut, Remote, SshError};
use crate::inventory::Target;
use crate::prepare::Unable;

/// Puts this program onto each of them. What stops that is told, for all that it stops.
///
/// # Errors
/// That a machine cannot be reached, or this program cannot be there; nothing is left on any then.
pub(super) async fn reach(targets: &[Target], config: Option<&Path>) -> Result<Vec<Rc<Remote>>, Failure> {
    let program = super::this_program()?;
    // One after the other: ssh may ask for a password.
    let mut connections = Vec::new();
    for target in targets {
        connections.push(Connection::open(&target.destination, config).await);
    }
    let boarded = join_all(
        connections
            .into_iter()
            .map(async |connection| Remote::board(connection?, &program, |done| say!("{done}")).await),
    )
    .await;
    let (remotes, errors): (Vec<_>, Vec<_>) = boarded.into_iter().partition(Result::is_ok);
    let remotes: Vec<Rc<Remote>> = remotes.into_iter().flatten().collect();
    let mut errors: Vec<SshError> = errors.into_iter().filter_map(Result::err).collect();
    let Some(last) = errors.pop() else { return Ok(remotes) };
    close(&remotes).await;
    for error in errors {
        let _ = Failure::from(Unable::from(error)).report();
    }
    Err(Unable::from(last).into())
}

/// Tells what will be done to each machine and asks whether it may be, unless it `is_agreed` already; gives what is left out
/// on each.
///
/// # Errors
/// Each reason why it must not be, or that the answer was no.
pub(super) async fn agree(
    remotes: &[Rc<Remote>],
    scenarios: &[Scenario],
    root: Option<u64>,
    is_agreed: bool,
) -> Result<Vec<LeftOut>, Failure> {
    let surveys = join_all(remotes.iter().map(|remote| remote.survey(scenarios.to_vec(), root))).await;
    let (mut previews, mut left_out) = (Vec::new(), Vec::new());
    let mut is_refused = false;
    for (remote, survey) in remotes.iter().zip(surveys) {
        let survey = survey.map_err(Unable::from)?;
        is_refused |= !survey.refusals.is_empty();
        let host = remote.destination();
        survey.refusals.iter().for_each(|reason| tell!("in the way on `{host}`: {reason}"));
        let lacks = survey
            .left_out
            .iter()
            .map(|(scenario, lack)| format!("left out on `{host}`: {scenario}: {lack}"));
        previews.extend(lacks.chain([survey.preview]));
        left_out.push(survey.left_out);
    }
    if is_refused {
        return Err(local::in_the_way());
    }
    previews.iter().for_each(|preview| tell!("{}", preview.trim_end()));
    local::ask(is_agreed)?;
    Ok(left_out)
}

/// Has the program end on each of them; what may be left is told.
pub(super) async fn close(remotes: &[Rc<Remote>]) {
    for closed in join_all(remotes.iter().map(|remote| remote.close())).await {
        if let Err(error) = closed {
            tell!("warning: {}", crate::chain::chain(error));
        }
    }
}

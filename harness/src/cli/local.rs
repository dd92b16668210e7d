//! Whether this machine may be the host: what a run will do to it, and the yes of whoever owns it.

use std::io::{self, IsTerminal};

use super::Failure;
use crate::host::{Hold, Kind, LeftOut, Survey};
use crate::prepare::Unable;

/// Refuses a run that nobody can be asked about.
///
/// # Errors
/// A usage error where standard input is no terminal, unless it `is_agreed` already.
pub(super) fn can_ask(kind: Kind, is_agreed: bool) -> Result<(), Failure> {
    if is_agreed || io::stdin().is_terminal() {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "--host {} changes the machine, and there is no terminal to ask at whether it may",
        kind.name()
    ))
    .hint("look at what it would do on a terminal, then add --yes"))
}

/// Tells what will be done to this machine and asks whether it may be, unless it `is_agreed` already; gives the hold on it,
/// and what is left out.
///
/// # Errors
/// Each reason why it must not be, or that the answer was no.
pub(super) fn agree(survey: Survey, is_agreed: bool) -> Result<(Hold, LeftOut), Failure> {
    let refusals = survey.refusals();
    if !refusals.is_empty() {
        refusals.iter().for_each(|reason| tell!("in the way: {reason}"));
        return Err(in_the_way());
    }
    survey.left_out().iter().for_each(|(scenario, lack)| tell!("left out: {scenario}: {lack}"));
    tell!("{}", survey.preview().trim_end());
    ask(is_agreed)?;
    let left_out = survey.left_out().clone();
    Ok((survey.into_hold(), left_out))
}

/// What is told after the reasons.
pub(super) fn in_the_way() -> Failure {
    Failure::unable("that machine cannot be the host of that; nothing was done")
        .hint("take away what is in the way, or name other scenarios with --scenario")
}

/// Asks whether to go on, unless it `is_agreed` already.
///
/// # Errors
/// That the answer was no.
pub(super) fn ask(is_agreed: bool) -> Result<(), Failure> {
    if is_agreed || asked("Go on? [y/N] ") { Ok(()) } else { Err(Failure::unable("nothing was done")) }
}

fn asked(question: &str) -> bool {
    use io::Write;
    let mut answer = String::new();
    let told = write!(io::stderr(), "{question}");
    told.and_then(|()| io::stdin().read_line(&mut answer)).is_ok() && is_yes(&answer)
}

fn is_yes(answer: &str) -> bool {
    ["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str())
}

impl From<crate::host::LocalError> for Failure {
    fn from(error: crate::host::LocalError) -> Self {
        Unable::from(error).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_yes_is_yes() {
        assert!(is_yes("y\n") && is_yes(" Yes\n"));
        assert!(["", "\n", "n\n", "yo\n", "j\n"].into_iter().all(|answer| !is_yes(answer)));
    }
}

//! Why a machine elsewhere cannot be the host.

use super::Destination;
use crate::chain::causes;
use crate::host::Obstacle;
use crate::tell::printable;

/// The machine, and what is wrong.
#[derive(Debug, thiserror::Error)]
#[error("`{destination}`: {why}")]
pub struct SshError {
    /// The machine.
    pub(super) destination: Destination,
    /// What is wrong.
    #[source]
    pub(super) why: Why,
}

/// What is wrong with it.
#[derive(Debug, thiserror::Error)]
pub(super) enum Why {
    /// ssh does not get there.
    #[error("ssh cannot log in{}", said(.words))]
    Login {
        /// What it said.
        words: String,
        /// Whether it could ask somebody.
        could_ask: bool,
    },
    /// Something else than a shell answers there.
    #[error("what answers there is no POSIX shell{}", said(.0))]
    NoShell(String),
    /// Its kernel cannot run this program.
    #[error("it is {theirs}, and this program is for {ours}")]
    Architecture {
        /// What it is.
        theirs: String,
        /// What this program is for.
        ours: String,
    },
    /// There is no room for this program.
    #[error("there is no place for this program: {0}")]
    NoPlace(String),
    /// It is of no use as a host now.
    #[error("{0}")]
    Obstacle(Obstacle),
    /// Something failed.
    #[error("{}", causes(&**.0))]
    Other(anyhow::Error),
}

impl SshError {
    /// The next step, if there is one.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let Self { destination, why } = self;
        match why {
            Why::Login { could_ask: true, .. } => {
                Some(format!("`ssh {destination}` must get there, by your own configuration of ssh"))
            }
            Why::Login { could_ask: false, .. } => Some(format!(
                "there is no terminal to ask at, so `ssh -o BatchMode=yes {destination}` must get there, by your own \
                 configuration of ssh"
            )),
            Why::NoShell(_) => Some("log in as somebody whose shell runs commands".to_owned()),
            Why::Architecture { theirs, .. } => Some(format!("use one that was built for {theirs}")),
            Why::NoPlace(_) => Some("make room in one of them".to_owned()),
            Why::Obstacle(Obstacle::NoRoot) => Some("name root as the user there: ssh://root@...".to_owned()),
            Why::Obstacle(Obstacle::NoSystemd) => None,
            Why::Obstacle(obstacle @ (Obstacle::Busy | Obstacle::Unfinished)) => {
                Some(obstacle.hint(&destination.clean()))
            }
            Why::Other(_) => None,
        }
    }
}

/// The last line that somebody said, if there is one.
fn said(text: &str) -> String {
    let last = text.lines().map(str::trim).rfind(|line| !line.is_empty());
    last.map_or_else(String::new, |line| format!(": {}", printable(line)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ssh_said_is_one_line_that_a_terminal_does_not_obey() {
        assert_eq!(
            said("Warning: x\r\nroot@web1: Permission denied\u{1b}[2J (publickey).\r\n\n"),
            ": root@web1: Permission denied[2J (publickey)."
        );
        assert_eq!(said(" \n"), "");
    }
}

//! Launches: how the machines of a scenario are started.

use serde::{Deserialize, Serialize};

use crate::Step;

/// A way of starting machines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "kebab-case")]
pub enum Launch {
    /// `systemd-nspawn` on the command line, as a person in a terminal does.
    CommandLine {
        /// What follows `systemd-nspawn -b -D /var/lib/machines/NAME`.
        #[serde(default)]
        options: Vec<String>,
    },
    /// `systemd-nspawn@NAME.service`, enabled through machines.target.
    Unit,
}

impl Launch {
    /// The command line that starts `machine`, run in the foreground for as long as the machine lives, or
    /// `systemctl start`, which returns when it is up.
    #[must_use]
    pub fn argv(&self, machine: &str) -> Vec<String> {
        let mut argv: Vec<String> = Vec::new();
        match self {
            Self::CommandLine { options } => {
                argv.extend(["systemd-nspawn".to_owned(), "-b".to_owned(), "-D".to_owned(), root(machine)]);
                argv.extend(options.iter().cloned());
            }
            Self::Unit => argv.extend(["systemctl".to_owned(), "start".to_owned(), unit(machine)]),
        }
        argv
    }
}

/// Where the root of a machine lies: `/var/lib/machines/alpha`.
#[must_use]
pub fn root(machine: &str) -> String {
    format!("/var/lib/machines/{machine}")
}

/// The unit of a machine: `systemd-nspawn@alpha.service`.
#[must_use]
pub fn unit(machine: &str) -> String {
    format!("systemd-nspawn@{machine}.service")
}

/// Has the units of these machines started at boot.
#[must_use]
pub fn enable<S: AsRef<str>>(machines: &[S]) -> Step {
    let mut argv = vec!["systemctl".to_owned(), "enable".to_owned(), "machines.target".to_owned()];
    argv.extend(machines.iter().map(|machine| unit(machine.as_ref())));
    Step::Run { argv }
}

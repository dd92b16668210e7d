//! Kinds of hosts.

use nspawn_matrix_scenarios::{Check, Scenario};

/// What a host is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// A system in namespaces of this machine; needs root
    #[default]
    Sandbox,
    /// A virtual machine, for one scenario after another; needs no root
    Vm,
    /// A system in namespaces of a virtual machine; needs no root
    #[value(name = "vm+sandbox")]
    VmSandbox,
    /// This machine itself, for one scenario after another, each taken back; needs root and systemd
    Local,
    /// A machine that ssh gets to, as local is this one; needs root and systemd there
    Ssh,
}

impl Kind {
    /// Its name in reports and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sandbox => "sandbox",
            Self::Vm => "vm",
            Self::VmSandbox => "vm+sandbox",
            Self::Local => "local",
            Self::Ssh => "ssh",
        }
    }

    /// Whether a host is there before the run and after it, so that what is done to it must be taken back.
    #[must_use]
    pub const fn is_kept(self) -> bool {
        match self {
            Self::Vm | Self::Local | Self::Ssh => true,
            Self::Sandbox | Self::VmSandbox => false,
        }
    }

    /// The scenario as it is stood up on such a host.
    #[must_use]
    pub fn stands_up(self, scenario: &Scenario) -> Scenario {
        match self {
            Self::Local | Self::Ssh => scenario.clone().at_runtime(),
            Self::Sandbox | Self::Vm | Self::VmSandbox => scenario.clone(),
        }
    }

    /// Why a question is not asked on such a host; none if it is.
    #[must_use]
    pub fn not_asked(self, check: Check) -> Option<&'static str> {
        match self {
            Self::Sandbox | Self::Vm | Self::VmSandbox => None,
            Self::Local | Self::Ssh if check == Check::AutostartAfterReboot => {
                Some("a machine that somebody needs is not rebooted")
            }
            Self::Local | Self::Ssh if check.is_beyond_host() => Some(
                "it is about the internet that other kinds of hosts have, and nothing is sent to the real one",
            ),
            Self::Local | Self::Ssh => None,
        }
    }
}

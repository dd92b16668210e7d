//! Kinds of hosts.

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
}

impl Kind {
    /// Its name in reports and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sandbox => "sandbox",
            Self::Vm => "vm",
            Self::VmSandbox => "vm+sandbox",
        }
    }
}

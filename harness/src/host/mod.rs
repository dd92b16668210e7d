//! Hosts: booted systemd systems that machines run on.
//!
//! A [`Site`] gives them, of two kinds: the [`Sandbox`], and the [`Guest`], a virtual machine. Each boots, starts the
//! agent, can be rebooted, and goes away.

mod cgroup;
mod delegation;
mod guest;
mod inotify;
pub mod internet;
mod keeper;
mod kind;
mod loop_device;
mod notify;
mod sandbox;
mod site;
mod workspace;

pub(crate) use cgroup::Cgroup;
pub use guest::{Blank, Guest, Guests};
pub use internet::{GATEWAY_V4, GATEWAY_V6, HOST_V4, HOST_V6, NOBODY_V4, OUTSIDE_V4, OUTSIDE_V6, UPLINK_MTU};
pub use keeper::{Charge, keep};
pub use kind::Kind;
pub use sandbox::{Blueprint, Sandbox, SandboxError};
pub use site::{Host, Site};
pub use workspace::{Needs, Roots, Workspace, WorkspaceError};

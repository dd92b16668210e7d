//! Hosts: booted systemd systems that machines run on.
//!
//! A [`Site`] gives them, of four kinds: the [`Sandbox`], the [`Guest`], which is a virtual machine, the
//! [`NestedSandbox`], which is in one, and the [`LocalHost`], which is this machine. Each boots, starts the agent, can be
//! rebooted, and goes away; but this machine only starts the agent, and is left as it was.

mod agent_service;
mod blank;
mod cgroup;
mod delegation;
mod guest;
mod inotify;
pub mod internet;
mod keeper;
mod kind;
mod local;
mod loop_device;
mod nested;
mod notify;
mod sandbox;
mod site;
mod workspace;

pub use blank::Blank;
pub(crate) use cgroup::Cgroup;
pub use guest::{Guest, Guests};
pub use internet::{GATEWAY_V4, GATEWAY_V6, HOST_V4, HOST_V6, NOBODY_V4, OUTSIDE_V4, OUTSIDE_V6, UPLINK_MTU};
pub use keeper::{Charge, keep};
pub use kind::Kind;
pub use local::{Hold, Local, LocalError, LocalHost, Survey, clean};
pub use nested::{Contents, Nested, NestedSandbox, serve as give_sandboxes};
pub use sandbox::{BOOT, Blueprint, Sandbox, SandboxError};
pub use site::{Host, Site};
pub use workspace::{Needs, Roots, Workspace, WorkspaceError};

//! Hosts: booted systemd systems that machines run on.
//!
//! There is one kind so far, the [`Sandbox`]: it boots, starts the agent, can be rebooted, and goes away.

mod cgroup;
mod delegation;
mod inotify;
pub mod internet;
mod keeper;
mod loop_device;
mod notify;
mod sandbox;
mod workspace;

pub(crate) use cgroup::Cgroup;
pub use internet::{GATEWAY_V4, GATEWAY_V6, HOST_V4, HOST_V6, NOBODY_V4, OUTSIDE_V4, OUTSIDE_V6, UPLINK_MTU};
pub use keeper::{Charge, keep};
pub use sandbox::{Blueprint, Sandbox, SandboxError};
pub use workspace::{Needs, Roots, Workspace, WorkspaceError};

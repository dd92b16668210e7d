//! Hosts: booted systemd systems that machines run on.
//!
//! A [`Site`] gives them, of five kinds: the [`Sandbox`], the [`Guest`], which is a virtual machine, the
//! [`NestedSandbox`], which is in one, the [`LocalHost`], which is this machine, and the [`RemoteHost`], which is one that
//! ssh gets to. Each boots, starts the agent, can be rebooted, and goes away; but the last two only start the agent, and
//! are left as they were.

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
mod ssh;
mod workspace;

pub use blank::Blank;
pub(crate) use cgroup::Cgroup;
pub use guest::{Guest, Guests};
pub use internet::{GATEWAY_V4, GATEWAY_V6, HOST_V4, HOST_V6, NOBODY_V4, OUTSIDE_V4, OUTSIDE_V6};
pub use keeper::{Charge, keep};
pub use kind::Kind;
pub use local::{Hold, LeftOut, Local, LocalError, LocalHost, Obstacle, Survey, clean};
pub use nested::{Contents, Nested, NestedSandbox, serve as give_sandboxes};
pub use sandbox::{BOOT, Blueprint, Sandbox, SandboxError};
pub use site::{Host, Site};
pub use ssh::{
    Connection, Destination, NoDestination, Remote, RemoteHost, SshError, SshSurvey, serve as serve_remotely,
};
pub use workspace::{Needs, Roots, Workspace, WorkspaceError};

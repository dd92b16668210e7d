//! The engine and the command line of `nspawn-matrix`.
//!
//! Data goes one way: a scenario becomes part of a [`plan`], a [`host`] is booted for it, the [`agent`] on the host
//! asks through a [`probe`] in each machine, [`judge`] holds the answers against the claims, and the report goes to
//! the writers.

#[cfg(not(any(target_feature = "crt-static", doc, doctest)))]
compile_error!(
    "nspawn-matrix runs inside systems with other libraries, so it must be linked statically: build it inside its \
     checkout, where .cargo/config.toml says so, and without RUSTFLAGS, which would override that file"
);

#[macro_use]
mod tell;

pub mod agent;
mod alias;
mod chain;
pub mod cli;
pub mod command;
mod diagnose;
pub mod ends;
pub mod engine;
pub mod enter;
mod explain;
pub mod host;
pub mod image;
pub mod interruption;
pub mod inventory;
pub mod judge;
mod lock;
mod measure;
pub mod netns;
mod notes;
mod nsswitch;
mod order;
pub mod pidfd;
pub mod plan;
pub mod prepare;
pub mod probe;
mod processors;
mod redact;
mod roots;
pub mod rpc;
pub mod run_id;
pub mod runner;
pub mod setup;
mod systemd;
mod undo;
mod wait;

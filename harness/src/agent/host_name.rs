//! The name of the host that this runs on, which on somebody's own machine is like no other.

use anyhow::Context;

/// The name without a domain: that is what LLMNR, multicast DNS and resolved know the host by.
pub(super) fn own() -> anyhow::Result<String> {
    let name = nix::unistd::gethostname().context("ask for the name of the host")?;
    let name = name.to_string_lossy();
    Ok(name.split('.').next().unwrap_or_default().to_owned())
}

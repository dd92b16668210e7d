//! What the host forwards, by family and link.

use std::fs;
use std::io;

use anyhow::Context;

/// Forwarding of `family` on `link`, of all links (`all`), or of those to come (`default`): 0 or 1.
/// `net.ipv4.ip_forward` is another name for `net.ipv4.conf.all.forwarding`. A kernel without the family forwards none
/// of it.
pub(super) fn of(family: &str, link: &str) -> anyhow::Result<String> {
    let path = format!("/proc/sys/net/{family}/conf/{link}/forwarding");
    match fs::read_to_string(&path) {
        Ok(value) => Ok(value.trim().to_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok("0".to_owned()),
        Err(error) => Err(error).with_context(|| format!("read `{path}`")),
    }
}

/// For which links the host forwards IPv4: `all`, at least one of `links`, or `none`.
pub(super) fn ipv4(links: impl IntoIterator<Item = String>) -> anyhow::Result<&'static str> {
    if of("ipv4", "all")? != "0" {
        return Ok("all");
    }
    for link in links {
        if of("ipv4", &link)? != "0" {
            return Ok("links");
        }
    }
    Ok("none")
}

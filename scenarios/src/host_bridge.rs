//! Bridges of the host by their two files: `.netdev` makes them, `.network` configures them.

use crate::Step;

/// The third number of the first bridge's subnet: that of br0 in the notes.
const FIRST_SUBNET: usize = 55;

/// Makes bridges with a subnet and a DHCP server each: 10.0.55.0/24, 10.0.56.0/24 and so on. `more` is what their
/// `[Network]` section says beside that, in whole lines.
#[must_use]
pub(crate) fn steps(names: &[&str], more: &str) -> Vec<Step> {
    let files = names.iter().enumerate().flat_map(|(index, name)| {
        let address = address(index);
        [
            Step::config(
                format!("/etc/systemd/network/50-{name}.netdev"),
                format!("[NetDev]\nName={name}\nKind=bridge\n"),
            ),
            Step::config(
                format!("/etc/systemd/network/50-{name}.network"),
                format!("[Match]\nName={name}\n\n[Network]\nAddress={address}\nDHCPServer=yes\n{more}"),
            ),
        ]
    });
    let restart = Step::run(&["systemctl", "restart", "systemd-networkd"]);
    let waits = names.iter().map(|&name| Step::AwaitLink { name: name.to_owned() });
    files.chain([restart]).chain(waits).collect()
}

/// The host's address on the bridge at `index`: `10.0.55.1/24`.
#[must_use]
pub(crate) fn address(index: usize) -> String {
    format!("10.0.{}.1/24", FIRST_SUBNET + index % 200)
}

//! None of the DNS servers of a machine answers.

use nspawn_matrix_scenarios::Check;

use crate::explain::cause::Cause;
use crate::explain::evidence::{Evidence, Surprise};
use crate::explain::remedy::Mending;

pub(super) static CAUSE: Cause = Cause {
    code: "no-name-server",
    sentence: "none of the DNS servers that the machine knows answers",
    long: "The host's DHCP server tells machines the DNS servers of its uplink; where it has none to tell, or they \
           cannot be reached from the machine, only names on the link resolve.",
    link: "https://www.freedesktop.org/software/systemd/man/latest/systemd.network.html#EmitDNS=",
    seen_by: Some(Check::EnvironmentResolvConf),
    keeps_from_starting: false,
    brings_about: &[],
    evidence,
    remedy,
};

fn evidence<'a>(surprise: &Surprise<'a>) -> Option<Evidence<'a>> {
    let none_answers = |machine| {
        let value = |name| surprise.seen.of_machine(Check::EnvironmentResolvConf, machine, name);
        let servers = value("servers").unwrap_or("none");
        matches!(value("answering")?, "none" | "nobody is named")
            .then(|| format!("servers of {machine}: {servers}"))
    };
    surprise.of_any(none_answers).filter(|_| surprise.needs.servers)
}

fn remedy(mending: &Mending<'_>) -> Option<String> {
    // Servers that do not answer are not the host's to choose.
    let servers = mending.seen.of_machine(Check::EnvironmentResolvConf, mending.machine, "servers")?;
    mending.with_host_end("[DHCPServer]\\nEmitDNS=yes").filter(|_| servers == "none")
}

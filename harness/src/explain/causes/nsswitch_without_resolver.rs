//! The machine's nsswitch.conf leads to no resolver.

use nspawn_matrix_scenarios::Check;

use crate::explain::cause::Cause;
use crate::explain::evidence::{Evidence, Surprise};
use crate::explain::remedy::{Mending, inside};

pub(super) static CAUSE: Cause = Cause {
    code: "nsswitch-without-resolver",
    sentence: "the machine's nsswitch.conf has neither resolve nor dns for host names",
    long: "Programs look names up as the line `hosts:` of /etc/nsswitch.conf says. `resolve` asks systemd-resolved, `dns` \
           the servers in /etc/resolv.conf. Without either only /etc/hosts and what is local is known. The package \
           libnss-resolve puts `resolve` there.",
    link: "https://www.freedesktop.org/software/systemd/man/latest/nss-resolve.html",
    seen_by: Some(Check::EnvironmentResolvConf),
    keeps_from_starting: false,
    brings_about: &[],
    evidence,
    remedy,
};

fn evidence<'a>(surprise: &Surprise<'a>) -> Option<Evidence<'a>> {
    let machine = surprise.who_asks().filter(|_| surprise.needs.nss)?;
    let modules = surprise.seen.of_machine(Check::EnvironmentResolvConf, machine, "hosts")?;
    let leads = modules.split_whitespace().any(|module| matches!(module, "resolve" | "dns"));
    let text = format!("nsswitch.conf of {machine} says hosts: {modules}");
    (!leads).then_some(Evidence { machine: Some(machine), text })
}

fn remedy(mending: &Mending<'_>) -> Option<String> {
    let hosts = "hosts: files resolve [!UNAVAIL=return] dns myhostname";
    Some(inside(mending.machine, &format!("sed -i 's/^hosts:.*/{hosts}/' /etc/nsswitch.conf")))
}

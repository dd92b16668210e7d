//! The machine's port of its bridge is isolated from other ports that are.

use nspawn_matrix_scenarios::Check;
use nspawn_matrix_scenarios::Subject;

use crate::explain::cause::Cause;
use crate::explain::evidence::{Evidence, Surprise};
use crate::explain::remedy::{Mending, with_drop_in};

pub(super) static CAUSE: Cause = Cause {
    code: "port-isolated",
    sentence: "both machines are at isolated ports of their bridge, which hear only ports that are not",
    long: "An isolated port of a bridge passes frames to ports that are not isolated, as the bridge itself, and to no \
           other isolated one: `Isolated=` in the [Bridge] section of a .network file, or `bridge link set dev ... \
           isolated on`. Host and machine hear each other, two machines do not.",
    link: "https://www.freedesktop.org/software/systemd/man/latest/systemd.network.html#Isolated=",
    seen_by: Some(Check::LinkHost),
    keeps_from_starting: false,
    brings_about: &[],
    evidence,
    remedy,
};

fn evidence<'a>(surprise: &Surprise<'a>) -> Option<Evidence<'a>> {
    // Isolated ports reach every port that is not.
    let Subject::Pair { .. } = surprise.question.subject else { return None };
    let value = |machine, name| surprise.seen.on_host_of(Check::LinkHost, machine, name);
    let all = surprise.machines.iter().all(|machine| value(machine, "port-isolated") == Some("yes"));
    let ports: Vec<&str> = surprise.machines.iter().filter_map(|machine| value(machine, "port")).collect();
    surprise.of_host(all.then(|| format!("both ports are isolated: {}", ports.join(", "))))
}

fn remedy(mending: &Mending<'_>) -> Option<String> {
    Some(match mending.host_end("port-file") {
        Some(file) => with_drop_in(file, "[Bridge]\\nIsolated=no"),
        None => format!("bridge link set dev {} isolated off", mending.host_end("port")?),
    })
}

//! A bind mount does not map ids, into a machine that has ids of its own.

use nspawn_matrix_scenarios::Check;
use nspawn_matrix_scenarios::nspawn_file;

use crate::explain::cause::Cause;
use crate::explain::evidence::{Evidence, Surprise};
use crate::explain::remedy::{Mending, is_plain};
use crate::explain::settings::restarts;

pub(super) static CAUSE: Cause = Cause {
    code: "bind-not-mapped",
    sentence: "the machine has ids of its own, which the bind mount does not map: what is the host's belongs to nobody",
    long: "The shipped unit says -U, which gives a machine a range of user and group ids of its own. A bind mount has \
           the ids of the host all the same, and none of them has a counterpart in the machine: files belong to \
           65534, nobody, and root of the machine may not change them. Behind the paths of Bind= and --bind= `idmap` \
           maps each id to itself, `rootidmap` root of the machine to the owner of the directory (systemd 252), and \
           `owneridmap` the owner of the mount point to that owner (256). It takes a file system that can map ids. \
           A Bind= in a .nspawn file leaves out every --bind= of the unit.",
    link: "https://www.freedesktop.org/software/systemd/man/latest/systemd-nspawn.html#--bind=",
    seen_by: Some(Check::EnvironmentUserNamespace),
    keeps_from_starting: false,
    brings_about: &[],
    evidence,
    remedy,
};

fn evidence<'a>(surprise: &Surprise<'a>) -> Option<Evidence<'a>> {
    if surprise.question.check != Check::BindIdmap {
        return None;
    }
    surprise.of_any(|machine| {
        let value = |name| surprise.seen.of_machine(Check::BindIdmap, machine, name);
        let (at, owner) = (value("mount point")?, value("directory")?);
        let is_nobodys = value("mapped")? == "no" && owner == NOBODY;
        is_nobodys.then(|| format!("{at} is mounted without idmap, and belongs to {owner} in {machine}"))
    })
}

fn remedy(mending: &Mending<'_>) -> Option<String> {
    let Mending { machine, seen, .. } = mending;
    let mount_point = seen.of_machine(Check::BindIdmap, machine, "mount point").filter(is_plain)?;
    Some(with_idmap(machine, mount_point))
}

/// To whom files belong whose owner has no counterpart in a user namespace (`/proc/sys/kernel/overflowuid`).
const NOBODY: &str = "65534:65534";

/// Has the Bind= for `mount_point` in the .nspawn file of `machine` map ids; changes nothing if there is none.
fn with_idmap(machine: &str, mount_point: &str) -> String {
    let file = nspawn_file::path(machine);
    let both_paths = format!("s|^Bind={mount_point}$|&:{mount_point}|");
    let with_option = format!("s|^Bind=[^:]*:{mount_point}$|&:idmap|");
    let says_so = format!("grep -q ':{mount_point}:idmap$' {file}");
    format!("sed -i -e '{both_paths}' -e '{with_option}' {file} && {says_so} && {}", restarts(machine))
}

//! A bind mount is to map ids, and the file system that its source lies on cannot.

use nspawn_matrix_scenarios::Check;

use crate::explain::cause::Cause;
use crate::explain::evidence::{Evidence, Surprise};

pub(super) static CAUSE: Cause = Cause {
    code: "bind-unmappable",
    sentence: "a bind mount is to map ids, which the file system of its source cannot do, and the machine does not start",
    long: "`idmap`, `rootidmap` and `owneridmap` behind the paths of Bind= and --bind= take a file system that can be mounted \
           with other ids than it has on its disk (FS_ALLOW_IDMAP of the kernel). ext4 and xfs can from Linux 5.12 on, btrfs \
           from 5.15, overlayfs from 5.19, tmpfs from 6.3; nfs, 9p, ramfs and what lies in /proc and /sys cannot. \
           systemd-nspawn then does not start the machine. Without such an option all that is the host's belongs to nobody \
           in a machine with ids of its own (`bind-not-mapped`), and can be read as far as its mode lets anybody.",
    link: "https://man7.org/linux/man-pages/man2/mount_setattr.2.html",
    seen_by: None,
    keeps_from_starting: true,
    brings_about: &[],
    evidence,
    // Where else the files could lie, nobody else can know.
    remedy: |_| None,
};

fn evidence<'a>(surprise: &Surprise<'a>) -> Option<Evidence<'a>> {
    surprise.of_any(|machine| {
        let value = |name| surprise.seen.on_host_of(Check::StartRefusal, machine, name);
        let (source, file_system) = (value("source")?, value("file system")?);
        (value("maps ids")? == "no").then(|| {
            format!(
                "{source} lies on {file_system}; systemd-nspawn of {machine}: {}",
                value("said").unwrap_or_default()
            )
        })
    })
}

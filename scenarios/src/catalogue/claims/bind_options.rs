//! Bind mounts with options of their own, and machines that do not start because of one.

use crate::bind_options::{BENEATH, BindOption, ON_TOP};
use crate::{Check, Claim, Expectation, Setting, links};

/// The systemd-nspawn that clones the source of a bind mount and maps its ids in one go (open_tree_attr(2)), before it looks
/// at it. That it is 258 follows from systemd#38069; 257 and 262 have been run.
pub(in crate::catalogue) const CLONES: u32 = 258;

/// What is claimed of each of these options of one machine, in a user namespace or without one.
pub(in crate::catalogue) fn of_all(
    options: impl IntoIterator<Item = BindOption>,
    user_namespace: bool,
) -> Vec<Claim> {
    options.into_iter().flat_map(|option| [of(option, user_namespace), not_started(option.check())]).collect()
}

/// Where ids cannot be mapped, there is no machine to ask: one bind mount with mapped ids is enough for that.
pub(in crate::catalogue) fn not_started(check: Check) -> Claim {
    Claim::new(
        check,
        Expectation::properties(&[("machine", "not started")]),
        "ids cannot be mapped where the sources of the bind mounts lie, which systemd-nspawn takes for an error",
        links::FINDING_ID_MAPPING,
    )
    .when(Setting::IdMapping, "no")
}

/// What is claimed of an option, in a user namespace or without one.
pub(in crate::catalogue) fn of(option: BindOption, user_namespace: bool) -> Claim {
    let claim = |values: &[(&str, &str)], reason: &str, link: &str| {
        Claim::new(option.check(), Expectation::properties(values), reason, link)
    };
    match option {
        BindOption::Idmap => claim(
            &[
                ("mapped", "yes"),
                ("directory", "1000:1000"),
                ("of-root", "0:0"),
                ("of-owner", "1000:1000"),
                ("written", "0:0"),
                ("given", "1000:1000"),
            ],
            "the mount maps every id of the host to the same id of the machine, in both directions",
            links::SYSTEMD_NSPAWN,
        ),
        BindOption::Rootidmap => claim(
            &[
                ("mapped", "yes"),
                ("directory", "0:0"),
                ("of-root", "65534:65534"),
                ("of-owner", "0:0"),
                ("written", "1000:1000"),
                ("given", "EOVERFLOW"),
            ],
            "the mount maps the owner of the directory to root of the machine, and nobody else to anybody",
            links::ISSUE_CHOWN_EOVERFLOW,
        ),
        BindOption::Owneridmap => claim(
            &[
                ("mapped", "yes"),
                ("directory", "2000:2000"),
                ("of-root", "65534:65534"),
                ("of-owner", "2000:2000"),
                ("written", "EOVERFLOW"),
                ("written-by-owner", "1000:1000"),
            ],
            "the mount maps the owner of the directory to the owner of the mount point; root of the machine has no \
             counterpart beyond it",
            links::SYSTEMD_NSPAWN,
        ),
        BindOption::Rbind => claim(
            &[("below", ON_TOP)],
            "bind mounts are recursive unless told otherwise (MS_REC)",
            links::SYSTEMD_NSPAWN,
        ),
        BindOption::Norbind => claim(
            &[("below", BENEATH)],
            "norbind leaves out what is mounted below, and what that hides shows",
            links::SYSTEMD_NSPAWN,
        ),
        BindOption::ReadOnly => claim(
            &[("access", "ro"), ("below", "ro"), ("written", "EROFS")],
            "the mount and all that is mounted below are made read-only",
            links::SYSTEMD_NSPAWN,
        ),
        BindOption::Device => claim(
            &[("kind", "char 1:11"), ("opened", "yes")],
            "systemd-nspawn allows the scope that it makes for the machine each device node that it binds",
            links::ISSUE_DEVICE_OF_UNIT,
        ),
        BindOption::Symlink => claim(
            &[
                ("followed", "yes"),
                ("mapped", "no"),
                ("directory", if user_namespace { "65534:65534" } else { "1000:1000" }),
                ("kind", "directory"),
            ],
            "the source is followed: what it leads to is mounted",
            links::SYSTEMD_NSPAWN,
        ),
    }
}

/// What is claimed of a device node where a unit has started systemd-nspawn.
pub(in crate::catalogue) fn device_of_unit() -> [Claim; 2] {
    let refused = Claim::new(
        Check::BindDevice,
        Expectation::properties(&[("kind", "char 1:11"), ("opened", "EPERM")]),
        "with --keep-unit systemd-nspawn makes no scope, and nothing adds the device node to the DeviceAllow= of the \
         unit, whose DevicePolicy= is closed",
        links::ISSUE_DEVICE_OF_UNIT,
    );
    [refused, not_started(Check::BindDevice)]
}

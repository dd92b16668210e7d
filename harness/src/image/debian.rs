//! The command that builds a Debian image: mmdebstrap's argument vector, as a pure function of the suite.
//!
//! mmdebstrap chooses the mirror by itself. It runs in mount and pid namespaces of its own, so that the end of its
//! first process, for whatever reason, is the end of all its processes and mounts.

use std::path::Path;

use super::{Snapshot, Suite, finish, snapshot};

/// What every image has: a systemd host with its network services, and enough tools to look around in it.
const PACKAGES: &[&str] = &[
    "systemd",
    "systemd-sysv",
    "systemd-resolved",
    "systemd-container",
    "systemd-timesyncd",
    "dbus",
    "libnss-resolve",
    "libnss-mymachines",
    "libnss-myhostname",
    "iproute2",
    "iputils-ping",
    "nftables",
    "locales",
    "tzdata",
];

/// Files that dpkg leaves out and takes in, in dpkg's order (the last match wins): 137 MB become 119 MB.
///
/// The configuration stays in the image, so packages that are installed later leave the same files out.
const PATHS: &[(Paths, &str)] = &[
    (Paths::Exclude, "/usr/share/man/*"),
    (Paths::Exclude, "/usr/share/info/*"),
    (Paths::Exclude, "/usr/share/doc/*"),
    (Paths::Include, "/usr/share/doc/*/copyright"),
    (Paths::Exclude, "/usr/share/locale/*"),
    (Paths::Include, "/usr/share/locale/locale.alias"),
    (Paths::Include, "/usr/share/locale/en*"),
    (Paths::Exclude, "/usr/share/i18n/charmaps/*"),
    (Paths::Include, "/usr/share/i18n/charmaps/UTF-8.gz"),
    (Paths::Exclude, "/usr/share/i18n/locales/*"),
    (Paths::Include, "/usr/share/i18n/locales/C"),
    (Paths::Include, "/usr/share/i18n/locales/POSIX"),
    (Paths::Include, "/usr/share/i18n/locales/en_*"),
    (Paths::Include, "/usr/share/i18n/locales/i18n*"),
    (Paths::Include, "/usr/share/i18n/locales/iso14651_t1"),
    (Paths::Include, "/usr/share/i18n/locales/iso14651_t1_common"),
    (Paths::Include, "/usr/share/i18n/locales/translit_*"),
    (Paths::Exclude, "/usr/lib/*/gconv/*"),
    (Paths::Include, "/usr/lib/*/gconv/gconv-modules*"),
    (Paths::Include, "/usr/lib/*/gconv/ISO8859-1*"),
    (Paths::Include, "/usr/lib/*/gconv/UNICODE*"),
    (Paths::Include, "/usr/lib/*/gconv/UTF-*"),
    (Paths::Exclude, "/usr/share/bash-completion/*"),
    (Paths::Exclude, "/usr/share/zsh/*"),
    (Paths::Exclude, "/usr/share/lintian/*"),
    (Paths::Exclude, "/usr/share/gcc/*"),
];

#[derive(Clone, Copy)]
enum Paths {
    Exclude,
    Include,
}

/// Ends a command in namespaces of its own when its first process ends, and ends that one with its parent.
pub(super) const NAMESPACES: [&str; 7] =
    ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--"];

/// Makes whoever is not root the root of a namespace, with the user ids of subuid(5) for the others.
const USERS: [&str; 2] = ["--map-root-user", "--map-auto"];

/// A Debian to be installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Debian {
    /// The suite.
    pub suite: Suite,
    /// When; none for what the mirror has now.
    pub snapshot: Option<Snapshot>,
    /// Packages beside those that every image has.
    pub packages: Vec<String>,
}

impl From<Suite> for Debian {
    fn from(suite: Suite) -> Self {
        Self { suite, snapshot: None, packages: Vec::new() }
    }
}

/// Gives the command that builds an image in the tar file `target`, by root or by a user.
pub(super) fn command(debian: &Debian, target: &Path, is_root: bool) -> Vec<String> {
    let [mut argv, sources] = mmdebstrap(debian);
    argv.push(target.display().to_string());
    in_namespace([argv, sources].concat(), is_root)
}

/// Puts a command into namespaces that end with it, in which a user is root too.
pub(crate) fn in_namespace(argv: Vec<String>, is_root: bool) -> Vec<String> {
    let [unshare, others @ ..] = NAMESPACES;
    let users = if is_root { &[][..] } else { &USERS };
    let words = [&[unshare], users, &others].concat();
    words.into_iter().map(String::from).chain(argv).collect()
}

/// Gives mmdebstrap with all of its options and the suite, and what follows the file to write, which is missing.
pub(super) fn mmdebstrap(debian: &Debian) -> [Vec<String>; 2] {
    let Debian { suite, snapshot, packages: further } = debian;
    let suite = *suite;
    // The clean-up for reproducible images would make the machine id `uninitialized`: see `finish::ANONYMOUS`.
    let mut argv: Vec<String> =
        ["mmdebstrap", "--mode=root", "--format=tar", "--variant=minbase", "--skip=cleanup/reproducible"]
            .map(String::from)
            .into();
    let packages: Vec<&str> = packages(suite).into_iter().chain(further.iter().map(String::as_str)).collect();
    argv.push(format!("--include={}", packages.join(",")));
    // The image is made anew rather than repaired, so it need not survive a power cut while it is made.
    argv.push("--dpkgopt=force-unsafe-io".into());
    argv.extend(PATHS.iter().map(|(kind, pattern)| match kind {
        Paths::Exclude => format!("--dpkgopt=path-exclude={pattern}"),
        Paths::Include => format!("--dpkgopt=path-include={pattern}"),
    }));
    argv.extend(peculiarities(suite));
    argv.extend(snapshot.iter().flat_map(|_| OF_SNAPSHOTS).map(String::from));
    argv.extend(finish::hooks().map(|hook| format!("--customize-hook={hook}")));
    argv.push(suite.base().into());
    [argv, snapshot.as_ref().map_or_else(Vec::new, |snapshot| snapshot.sources(suite, &snapshot::server()))]
}

/// A Release file of long ago is no longer valid, and the server of snapshots asks for patience at times.
const OF_SNAPSHOTS: [&str; 2] =
    ["--aptopt=Acquire::Check-Valid-Until \"false\"", "--aptopt=Acquire::Retries \"5\""];

fn packages(suite: Suite) -> Vec<&'static str> {
    let of_this_suite: &[&str] = match suite {
        Suite::Bookworm | Suite::BookwormBackports | Suite::Trixie => &[],
        // mount(8) is no longer part of the smallest system there.
        Suite::Sid => &["mount"],
    };
    [PACKAGES, of_this_suite].concat()
}

fn peculiarities(suite: Suite) -> Vec<String> {
    match suite {
        Suite::Bookworm | Suite::Trixie => vec![],
        Suite::BookwormBackports => vec![
            format!("--setup-hook={}", finish::BACKPORTS),
            "--aptopt=APT::Default-Release \"bookworm-backports\"".into(),
        ],
        // Its Release file is valid for a week only, and mirrors lag.
        Suite::Sid => vec!["--aptopt=Acquire::Check-Valid-Until \"false\"".into()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The command in one line per word, without the hooks' scripts.
    fn shown(debian: impl Into<Debian>) -> String {
        let argv = command(&debian.into(), Path::new("/cache/out"), true);
        let first = |word: &String| word.lines().next().unwrap_or_default().to_owned();
        argv.iter().map(first).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn trixie_is_built_by_this_command() {
        insta::assert_snapshot!(shown(Suite::Trixie), @r"
        unshare
        --mount
        --pid
        --fork
        --kill-child
        --mount-proc
        --
        mmdebstrap
        --mode=root
        --format=tar
        --variant=minbase
        --skip=cleanup/reproducible
        --include=systemd,systemd-sysv,systemd-resolved,systemd-container,systemd-timesyncd,dbus,libnss-resolve,libnss-mymachines,libnss-myhostname,iproute2,iputils-ping,nftables,locales,tzdata
        --dpkgopt=force-unsafe-io
        --dpkgopt=path-exclude=/usr/share/man/*
        --dpkgopt=path-exclude=/usr/share/info/*
        --dpkgopt=path-exclude=/usr/share/doc/*
        --dpkgopt=path-include=/usr/share/doc/*/copyright
        --dpkgopt=path-exclude=/usr/share/locale/*
        --dpkgopt=path-include=/usr/share/locale/locale.alias
        --dpkgopt=path-include=/usr/share/locale/en*
        --dpkgopt=path-exclude=/usr/share/i18n/charmaps/*
        --dpkgopt=path-include=/usr/share/i18n/charmaps/UTF-8.gz
        --dpkgopt=path-exclude=/usr/share/i18n/locales/*
        --dpkgopt=path-include=/usr/share/i18n/locales/C
        --dpkgopt=path-include=/usr/share/i18n/locales/POSIX
        --dpkgopt=path-include=/usr/share/i18n/locales/en_*
        --dpkgopt=path-include=/usr/share/i18n/locales/i18n*
        --dpkgopt=path-include=/usr/share/i18n/locales/iso14651_t1
        --dpkgopt=path-include=/usr/share/i18n/locales/iso14651_t1_common
        --dpkgopt=path-include=/usr/share/i18n/locales/translit_*
        --dpkgopt=path-exclude=/usr/lib/*/gconv/*
        --dpkgopt=path-include=/usr/lib/*/gconv/gconv-modules*
        --dpkgopt=path-include=/usr/lib/*/gconv/ISO8859-1*
        --dpkgopt=path-include=/usr/lib/*/gconv/UNICODE*
        --dpkgopt=path-include=/usr/lib/*/gconv/UTF-*
        --dpkgopt=path-exclude=/usr/share/bash-completion/*
        --dpkgopt=path-exclude=/usr/share/zsh/*
        --dpkgopt=path-exclude=/usr/share/lintian/*
        --dpkgopt=path-exclude=/usr/share/gcc/*
        --customize-hook=# setting locale, time zone and password
        --customize-hook=# enabling services
        --customize-hook=# making it boot quickly
        --customize-hook=# making it anonymous
        trixie
        /cache/out
        ");
    }

    #[test]
    fn a_snapshot_differs_by_these_words() {
        let common = shown(Suite::BookwormBackports);
        let debian = Debian { snapshot: "20251101".parse().ok(), ..Suite::BookwormBackports.into() };
        let words = shown(debian);
        let new: Vec<&str> =
            words.lines().filter(|word| !common.lines().any(|other| other == *word)).collect();
        insta::assert_snapshot!(new.join("\n"), @r#"
        --aptopt=Acquire::Check-Valid-Until "false"
        --aptopt=Acquire::Retries "5"
        deb http://snapshot.debian.org/archive/debian/20251101T000000Z bookworm main
        deb http://snapshot.debian.org/archive/debian/20251101T000000Z bookworm-updates main
        deb http://snapshot.debian.org/archive/debian-security/20251101T000000Z bookworm-security main
        "#);
        assert!(words.contains("\n/cache/out\ndeb "), "the sources follow the file: {words}");
    }

    #[test]
    fn each_other_suite_differs_by_these_words() {
        let common = shown(Suite::Trixie);
        let differences = [Suite::Bookworm, Suite::BookwormBackports, Suite::Sid].map(|suite| {
            let words = shown(suite);
            let new = words.lines().filter(|word| !common.lines().any(|other| other == *word));
            format!("{suite}:\n{}", new.map(|word| format!("  {word}\n")).collect::<String>())
        });
        insta::assert_snapshot!(differences.concat(), @r#"
        bookworm:
          bookworm
        bookworm-backports:
          --setup-hook=# adding the backports
          --aptopt=APT::Default-Release "bookworm-backports"
          bookworm
        sid:
          --include=systemd,systemd-sysv,systemd-resolved,systemd-container,systemd-timesyncd,dbus,libnss-resolve,libnss-mymachines,libnss-myhostname,iproute2,iputils-ping,nftables,locales,tzdata,mount
          --aptopt=Acquire::Check-Valid-Until "false"
          sid
        "#);
    }
}

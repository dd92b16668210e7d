//! What the options of bind mounts do.

use std::path::Path;

use anyhow::Context;
use nspawn_matrix_reports::{FileKind, Mount, Observation, Properties};
use nspawn_matrix_scenarios::bind_options::{
    BELOW, BENEATH, BindOption, OF_OWNER, OF_ROOT, ON_TOP, OWNER, TARGET_OWNER,
};
use nspawn_matrix_scenarios::{Check, Owner};

use super::binds::{attempt, attributes, list, mount, owner};
use crate::agent::standing::{Machine, probe_in_group};
use crate::probe::{Attributes, Change, NamedFile, Outcome};
use crate::rpc::Client;

/// The file that the machine makes.
const MADE: &str = "made-by-root";

/// The file that a user of the machine makes.
const MADE_BY_OWNER: &str = "made-by-owner";

/// What is said of a file or a mount that is not there: whether it is, is up to systemd-nspawn.
const ABSENT: &str = "absent";

/// The option that `check` is about.
pub(super) fn option(check: Check) -> Option<BindOption> {
    BindOption::ALL.into_iter().find(|option| option.check() == check)
}

/// What is asked about `check`, which is about one option.
pub(super) async fn ask(asked: &Machine, check: Check) -> anyhow::Result<Observation> {
    let probe = &asked.probe;
    let option = option(check).with_context(|| format!("`{check}` is about no option"))?;
    let path = option.path();
    let properties = match option {
        BindOption::Idmap | BindOption::Rootidmap | BindOption::Owneridmap => {
            mapping(probe, option, &path).await?
        }
        BindOption::Rbind | BindOption::Norbind => below(&list(probe, &format!("{path}/{BELOW}")).await?),
        BindOption::ReadOnly => read_only(probe, &path).await?,
        BindOption::Device => device(&probe_in_group(asked.leader.get())?, &path).await?,
        BindOption::Symlink => symlink(&mounted(probe, &path).await?, &list(probe, &path).await?),
    };
    Ok(Observation::Properties(properties))
}

/// Who owns what in the machine, and who owns on the host what the machine makes and gives away.
async fn mapping(probe: &Client, option: BindOption, path: &str) -> anyhow::Result<Properties> {
    let mount = mounted(probe, path).await?;
    let files = list(probe, path).await?;
    let made = format!("{path}/{MADE}");
    let written = change(probe, &made, Change::Make).await?;
    let (name, value) = if option == BindOption::Owneridmap {
        let Owner { uid, gid } = TARGET_OWNER;
        let made_as = Change::MakeAs { uid, gid };
        ("written-by-owner", change(probe, &format!("{path}/{MADE_BY_OWNER}"), made_as).await?)
    } else if Path::new(&made).exists() {
        let Owner { uid, gid } = OWNER;
        ("given", change(probe, &made, Change::Give { uid, gid }).await?)
    } else {
        ("given", "nothing to give".to_owned())
    };
    Ok(Properties::new(
        owner_of(&files, "."),
        [
            ("mount point", path.to_owned()),
            ("mapped", mapped(&mount)),
            ("access", access(&mount)),
            ("directory", owner_of(&files, ".")),
            (OF_ROOT, owner_of(&files, OF_ROOT)),
            (OF_OWNER, owner_of(&files, OF_OWNER)),
            ("written", written),
            (name, value),
        ],
    ))
}

async fn read_only(probe: &Client, path: &str) -> anyhow::Result<Properties> {
    let written = change(probe, &format!("{path}/{MADE}"), Change::Make).await?;
    let below = access(&mounted(probe, &format!("{path}/{BELOW}")).await?);
    let access = access(&mounted(probe, path).await?);
    Ok(Properties::new(written.clone(), [("access", access), ("below", below), ("written", written)]))
}

/// Who owns the file at `path` on the host after the machine has changed it, or what the kernel refused with.
async fn change(probe: &Client, path: &str, change: Change) -> anyhow::Result<String> {
    Ok(match attempt(probe, path, change).await? {
        Outcome::Done(_) if Path::new(path).try_exists()? => owner(&crate::probe::look(path.as_ref())?),
        Outcome::Done(_) => ABSENT.to_owned(),
        Outcome::Refused(errno) => errno,
    })
}

/// Which of two files is there: the one that is mounted over, or the one that is mounted.
fn below(files: &[NamedFile]) -> Properties {
    let (answer, below) = match (named(files, ON_TOP), named(files, BENEATH)) {
        (Some(_), None) => ("with below", ON_TOP),
        (None, Some(_)) => ("without below", BENEATH),
        (Some(_), Some(_)) => ("both", "both"),
        (None, None) => ("neither", "neither"),
    };
    Properties::new(answer, [("below", below.to_owned())])
}

async fn device(probe: &Client, path: &str) -> anyhow::Result<Properties> {
    let (folder, name) = path.rsplit_once('/').context("the path has no folder")?;
    let kind = node(&attributes(probe, folder).await?, name);
    let opened = match attempt(probe, path, Change::Open).await? {
        Outcome::Done(_) => "yes".to_owned(),
        Outcome::Refused(errno) => errno,
    };
    let answer = if opened == "yes" { "opens".to_owned() } else { opened.clone() };
    Ok(Properties::new(answer, [("kind", kind), ("opened", opened)]))
}

/// Which device a file leads to: `char 1:11`.
fn node(files: &[Attributes], name: &str) -> String {
    let file = files.iter().find(|file| file.name == name);
    file.map_or(ABSENT, |file| file.device.as_deref().unwrap_or("no device")).to_owned()
}

fn symlink(mount: &Mount, files: &[NamedFile]) -> Properties {
    // Only the directory that the link leads to has this file.
    let is_followed = named(files, OF_OWNER).is_some();
    Properties::new(
        if is_followed { "followed" } else { "not followed" },
        [
            ("followed", yes_or_no(is_followed)),
            ("kind", named(files, ".").map_or(ABSENT, |itself| &itself.kind).to_owned()),
            ("directory", owner_of(files, ".")),
            ("mapped", mapped(mount)),
        ],
    )
}

async fn mounted(probe: &Client, path: &str) -> anyhow::Result<Mount> {
    Ok(mount(probe, path).await?.unwrap_or_else(Mount::none))
}

fn named<'a>(files: &'a [NamedFile], name: &str) -> Option<&'a FileKind> {
    files.iter().find(|file| file.name == name).map(|file| &file.file)
}

fn owner_of(files: &[NamedFile], name: &str) -> String {
    named(files, name).map_or_else(|| ABSENT.to_owned(), owner)
}

fn yes_or_no(yes: bool) -> String {
    if yes { "yes" } else { "no" }.to_owned()
}

fn mapped(mount: &Mount) -> String {
    if mount.is_none() { ABSENT.to_owned() } else { yes_or_no(mount.idmapped) }
}

fn access(mount: &Mount) -> String {
    if mount.is_none() {
        return ABSENT.to_owned();
    }
    if mount.options.iter().any(|option| option == "ro") { "ro" } else { "rw" }.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, kind: &str) -> NamedFile {
        let file = FileKind { kind: kind.to_owned(), uid: 1000, gid: 1000, mode: "0755".to_owned() };
        NamedFile { name: name.to_owned(), file }
    }

    fn mount() -> Mount {
        Mount { fs_type: "btrfs".to_owned(), options: vec!["rw".to_owned()], ..Mount::none() }
    }

    #[test]
    fn a_link_that_is_not_followed_is_told_from_one_that_is() {
        let answer = |files: &[NamedFile]| {
            let told = symlink(&mount(), files);
            [told.answer, told.values["followed"].clone(), told.values["kind"].clone()]
        };
        let followed = [file(".", "directory"), file(OF_OWNER, "file")];
        assert_eq!(answer(&followed), ["followed", "yes", "directory"]);
        assert_eq!(answer(&followed[..1]), ["not followed", "no", "directory"]);
        assert_eq!(answer(&[file(".", "symlink")]), ["not followed", "no", "symlink"]);
        assert_eq!(answer(&[]), ["not followed", "no", "absent"]);
    }

    #[test]
    fn which_of_two_file_systems_shows_is_told_by_their_files() {
        let answer = |files: &[NamedFile]| below(files).values["below"].clone();
        let [on_top, beneath] = [ON_TOP, BENEATH].map(|name| file(name, "file"));
        assert_eq!(answer(std::slice::from_ref(&on_top)), ON_TOP);
        assert_eq!(answer(std::slice::from_ref(&beneath)), BENEATH);
        assert_eq!(answer(&[on_top, beneath]), "both");
        assert_eq!(answer(&[]), "neither");
    }

    #[test]
    fn what_is_not_there_is_told_as_absent() {
        assert_eq!(owner_of(&[file(OF_ROOT, "file")], OF_ROOT), "1000:1000");
        assert_eq!(owner_of(&[file(OF_ROOT, "file")], OF_OWNER), "absent");
        assert_eq!([access(&mount()), access(&Mount::none())], ["rw", "absent"]);
        assert_eq!([mapped(&mount()), mapped(&Mount::none())], ["no", "absent"]);
        assert_eq!(node(&[], "device"), "absent");
    }
}

//! What the options of bind mounts do.

use std::path::Path;

use anyhow::Context;
use nspawn_matrix_reports::{FileKind, Mount, Observation, Properties};
use nspawn_matrix_scenarios::bind_options::{
    BELOW, BENEATH, BindOption, OF_OWNER, OF_ROOT, ON_TOP, OWNER, TARGET_OWNER,
};
use nspawn_matrix_scenarios::{Check, Owner};

use super::binds::{attempt, attributes, list, mount, owner};
use crate::agent::standing::{Machine, Standing, probe_in_group};
use crate::probe::{Attributes, Change, NamedFile, Outcome};
use crate::rpc::Client;

/// The file that the machine makes.
const MADE: &str = "made-by-root";

/// The file that a user of the machine makes.
const MADE_BY_OWNER: &str = "made-by-owner";

/// The option that `check` is about.
pub(super) fn option(check: Check) -> Option<BindOption> {
    BindOption::ALL.into_iter().find(|option| option.check() == check)
}

impl Standing {
    /// What is asked about `check`, which is about one option.
    pub(super) async fn bind_option(&self, asked: &Machine, check: Check) -> anyhow::Result<Observation> {
        let probe = &asked.probe;
        let option = option(check).with_context(|| format!("`{check}` is about no option"))?;
        let path = option.path();
        let properties = match option {
            BindOption::Idmap | BindOption::Rootidmap | BindOption::Owneridmap => {
                self.mapping(probe, option, &path).await?
            }
            BindOption::Rbind | BindOption::Norbind => below(probe, &path).await?,
            BindOption::ReadOnly => self.read_only(probe, &path).await?,
            BindOption::Device => device(&probe_in_group(asked.leader.get())?, &path).await?,
            BindOption::Symlink => symlink(probe, &path).await?,
        };
        Ok(Observation::Properties(properties))
    }

    /// Who owns what in the machine, and who owns on the host what the machine makes and gives away.
    async fn mapping(&self, probe: &Client, option: BindOption, path: &str) -> anyhow::Result<Properties> {
        let mount = mounted(probe, path).await?;
        let files = list(probe, path).await?;
        let made = format!("{path}/{MADE}");
        let written = self.change(probe, &made, Change::Make).await?;
        let (name, value) = if option == BindOption::Owneridmap {
            let Owner { uid, gid } = TARGET_OWNER;
            let change = Change::MakeAs { uid, gid };
            ("written-by-owner", self.change(probe, &format!("{path}/{MADE_BY_OWNER}"), change).await?)
        } else if Path::new(&made).exists() {
            let Owner { uid, gid } = OWNER;
            ("given", self.change(probe, &made, Change::Give { uid, gid }).await?)
        } else {
            ("given", "nothing to give".to_owned())
        };
        Ok(Properties::new(
            find(&files, ".")?,
            [
                ("mount point", path.to_owned()),
                ("mapped", yes_or_no(mount.idmapped)),
                ("access", access(&mount)),
                ("directory", find(&files, ".")?),
                (OF_ROOT, find(&files, OF_ROOT)?),
                (OF_OWNER, find(&files, OF_OWNER)?),
                ("written", written),
                (name, value),
            ],
        ))
    }

    async fn read_only(&self, probe: &Client, path: &str) -> anyhow::Result<Properties> {
        let written = self.change(probe, &format!("{path}/{MADE}"), Change::Make).await?;
        let below = mounted(probe, &format!("{path}/{BELOW}")).await?;
        let access = access(&mounted(probe, path).await?);
        Ok(Properties::new(
            written.clone(),
            [("access", access), ("below", self::access(&below)), ("written", written)],
        ))
    }

    /// Who owns the file at `path` on the host after the machine has changed it, or what the kernel refused with.
    async fn change(&self, probe: &Client, path: &str, change: Change) -> anyhow::Result<String> {
        Ok(match attempt(probe, path, change).await? {
            Outcome::Done(_) => owner(&crate::probe::look(path.as_ref())?),
            Outcome::Refused(errno) => errno,
        })
    }
}

/// Which of two files is there: the one that is mounted over, or the one that is mounted.
async fn below(probe: &Client, path: &str) -> anyhow::Result<Properties> {
    let files = list(probe, &format!("{path}/{BELOW}")).await?;
    let has = |name: &str| files.iter().any(|file| file.name == name);
    let below = match (has(ON_TOP), has(BENEATH)) {
        (true, false) => ON_TOP,
        (false, true) => BENEATH,
        (true, true) | (false, false) => "neither",
    };
    let answer = if below == ON_TOP { "with below" } else { "without below" };
    Ok(Properties::new(answer, [("below", below.to_owned())]))
}

async fn device(probe: &Client, path: &str) -> anyhow::Result<Properties> {
    let (folder, name) = path.rsplit_once('/').context("the path has no folder")?;
    let files: Vec<Attributes> = attributes(probe, folder).await?;
    let node = files.iter().find(|file| file.name == name).context("the device node is not there")?;
    let kind = node.device.clone().unwrap_or_else(|| "no device".to_owned());
    let opened = match attempt(probe, path, Change::Open).await? {
        Outcome::Done(_) => "yes".to_owned(),
        Outcome::Refused(errno) => errno,
    };
    let answer = if opened == "yes" { "opens".to_owned() } else { opened.clone() };
    Ok(Properties::new(answer, [("kind", kind), ("opened", opened)]))
}

async fn symlink(probe: &Client, path: &str) -> anyhow::Result<Properties> {
    let mount = mounted(probe, path).await?;
    let files = list(probe, path).await?;
    let itself = &named(&files, ".")?;
    // Only the directory that the link leads to has this file.
    named(&files, OF_OWNER)?;
    Ok(Properties::new(
        "followed",
        [("kind", itself.kind.clone()), ("directory", owner(itself)), ("mapped", yes_or_no(mount.idmapped))],
    ))
}

async fn mounted(probe: &Client, path: &str) -> anyhow::Result<Mount> {
    mount(probe, path).await?.with_context(|| format!("nothing is mounted at `{path}`"))
}

fn named<'a>(files: &'a [NamedFile], name: &str) -> anyhow::Result<&'a FileKind> {
    let file = files.iter().find(|file| file.name == name);
    file.map(|file| &file.file).with_context(|| format!("there is no `{name}`"))
}

fn find(files: &[NamedFile], name: &str) -> anyhow::Result<String> {
    named(files, name).map(owner)
}

fn yes_or_no(yes: bool) -> String {
    if yes { "yes" } else { "no" }.to_owned()
}

fn access(mount: &Mount) -> String {
    if mount.options.iter().any(|option| option == "ro") { "ro" } else { "rw" }.to_owned()
}

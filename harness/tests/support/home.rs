//! A machine that somebody needs, for `--host local`: a sandbox with a systemd of its own, in which the program is run as
//! a person runs it.

use std::fs;
use std::path::{Path, PathBuf};

use nspawn_matrix::command::Command;
use nspawn_matrix::engine::Ground;
use nspawn_matrix::enter;
use nspawn_matrix::host::{BOOT, Blueprint, Needs, Roots, Sandbox, Workspace};
use nspawn_matrix::image::{Image, Images, Pair, Pairs, Recipe, Store, default_folder};
use nspawn_matrix::prepare;
use nspawn_matrix::run_id;

use super::Settings;
use super::inside::Inside;

/// This program.
const PROGRAM: &str = env!("CARGO_BIN_EXE_nspawn-matrix");

/// Waits until nothing of the boot is still to come: duplicate address detection of the uplink is the last.
const SETTLED: &str = "systemctl is-system-running --wait; \
    timeout 30 sh -c 'until grep -q \"^fe80.* 80 *uplink0$\" /proc/net/if_inet6; do sleep 0.1; done'";

/// The machine.
pub(crate) struct Home {
    workspace: Workspace,
    sandbox: Sandbox,
    leader: i32,
}

impl Home {
    /// Boots it, with the image of trixie in its cache.
    pub(crate) async fn boot() -> Result<Self, String> {
        let (home, image) = Self::boot_from("trixie").await?;
        home.keep(&image)?;
        Ok(home)
    }

    /// The same, where the machine itself has these packages too.
    pub(crate) async fn boot_with(packages: &str) -> Result<Self, String> {
        let (home, _) = Self::boot_from(&format!("trixie+{packages}")).await?;
        home.keep(&image_of("trixie").await?)?;
        Ok(home)
    }

    /// Boots one from the image of this name, with nothing in its cache.
    pub(crate) async fn boot_from(image: &str) -> Result<(Self, Image), String> {
        let image = image_of(image).await?;
        let home = Self::of(&image, &Settings::from_environment().cache, Roots::Copy, &[]).await?;
        Ok((home, image))
    }

    /// Boots it from an image of Debian, with a root of the same for each of `machines` in its /var/lib/machines.
    pub(crate) async fn with(suite: &str, machines: &[String]) -> Result<Self, String> {
        let Settings { cache, setup, .. } = Settings::from_environment();
        let recipe = Recipe::parse(suite).map_err(|error| error.to_string())?;
        let ground = prepare::prepare(&cache, &Pairs::from(recipe), None, setup, |_| {}).await;
        let Ground::Sandboxes { roots, .. } = ground.map_err(|unable| unable.to_string())? else {
            return Err("a sandbox is asked for".to_owned());
        };
        Self::of(&image_of(suite).await?, &cache, roots, machines).await
    }

    async fn of(image: &Image, cache: &Path, roots: Roots, machines: &[String]) -> Result<Self, String> {
        let (run_id, images) = (run_id::new(), Images::from([(image.name.clone(), image.path.clone())]));
        let pair = Pair::from(image.name.as_str());
        let needs = Needs {
            cache,
            run_id: &run_id,
            images: &images,
            roots,
            hosts: 1,
            of_hosts: std::slice::from_ref(&pair),
            patience: BOOT,
            program: PROGRAM.as_ref(),
        };
        let workspace = Workspace::open(needs).await.map_err(|error| error.to_string())?;
        let blueprint =
            Blueprint { name: "home", run_id: &run_id, images: &pair, machines, agent: PROGRAM.as_ref() };
        let sandbox = Sandbox::boot(&workspace, blueprint).await.map_err(|error| error.to_string())?;
        let leader = sandbox.leader().map_err(|error| error.to_string())?;
        let home = Self { workspace, sandbox, leader };
        home.settle().await?;
        Ok(home)
    }

    async fn settle(&self) -> Result<(), String> {
        let settled = self.script(SETTLED).await?;
        if settled.status.success() { Ok(()) } else { Err(format!("it does not settle: {}", settled.stderr)) }
    }

    /// Reboots it.
    pub(crate) async fn reboot(&mut self) -> Result<(), String> {
        self.sandbox.reboot().await.map_err(|error| error.to_string())?;
        self.leader = self.sandbox.leader().map_err(|error| error.to_string())?;
        self.settle().await
    }

    fn keep(&self, image: &Image) -> Result<(), String> {
        let folder = self.path(default_folder().to_str().ok_or("the cache has a name")?);
        let name = image.path.file_name().ok_or("the image is a file")?;
        fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
        fs::copy(&image.path, folder.join(name)).map(|_| ()).map_err(|error| error.to_string())
    }

    /// A path of the machine, as it is reached from outside.
    pub(crate) fn path(&self, inside: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{inside}", self.leader))
    }

    /// The process id of its first process.
    pub(crate) const fn leader(&self) -> i32 {
        self.leader
    }

    /// Takes it away.
    pub(crate) async fn close(self) -> Result<(), String> {
        self.sandbox.end().await.map_err(|error| error.to_string())?;
        self.workspace.close().await.map_err(|error| error.to_string())
    }
}

/// The image of this name.
pub(crate) async fn image_of(name: &str) -> Result<Image, String> {
    let recipe = Recipe::parse(name).map_err(|error| error.to_string())?;
    let store = Store::open(Settings::from_environment().cache);
    store.build(&recipe, |_| {}).await.map_err(|error| error.to_string())
}

impl Inside for Home {
    const PROGRAM: &str = "/run/nspawn-matrix-agent";

    fn command(&self, argv: &[&str]) -> Command {
        enter::command(PROGRAM, self.leader, argv)
    }
}

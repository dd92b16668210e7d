//! A machine that somebody needs, for `--host local`: a sandbox with a systemd of its own, in which the program is run as
//! a person runs it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use nspawn_matrix::command::{Command, Ended};
use nspawn_matrix::engine::Ground;
use nspawn_matrix::enter;
use nspawn_matrix::host::{BOOT, Blueprint, Needs, Roots, Sandbox, Workspace};
use nspawn_matrix::image::{Image, Images, Pair, Pairs, Recipe, Store, default_folder};
use nspawn_matrix::prepare;
use nspawn_matrix::run_id;

use super::Settings;

/// This program, outside and inside.
const PROGRAM: &str = env!("CARGO_BIN_EXE_nspawn-matrix");
pub(crate) const INSIDE: &str = "/run/nspawn-matrix-agent";

/// What is looked at to tell whether the machine was left as it was: independent of what the program itself looks at.
const LOOK: &str = r#"
cut -d: -f1 /proc/net/dev | sort
grep -v -- '--' /proc/net/fib_trie
cut -c1-32,36- /proc/net/if_inet6 | sort
awk '{ print $1, $2, $5, $10 }' /proc/net/ipv6_route | sort
nft list ruleset
systemctl list-units --all --plain --no-legend --state=active,failed --type=service,scope,mount,target,slice |
    awk '{ print $1, $3 }' | grep -v -e hostnamed -e importd -e tmpfiles-clean | sort
cut -d' ' -f1-3 /proc/mounts | grep -v /run/credentials | sort
cat /proc/sys/net/ipv4/conf/*/forwarding /proc/sys/net/ipv6/conf/*/forwarding
ls -A /var/lib/machines /var/lib/nspawn-matrix /run/systemd/netif/links /run 2>&1 | grep -v -e '^initctl$' -e '^agetty.reload$'
for place in /etc /run/systemd/generator /run/systemd/machines /run/systemd/network /run/systemd/nspawn \
    /run/systemd/resolve /run/systemd/resolved.conf.d /run/systemd/system /run/systemd/transient /run/sysctl.d \
    /var/cache/pacman /var/lib/systemd/network /var/log/journal; do
    if [ -e "$place" ]; then find "$place" -printf '%p %y %m %U:%G %l\n'; else echo "no $place"; fi
done | sort | grep -v -e '[.]journal ' -e '/run/systemd/transient d' -e '^no /run/systemd/transient' \
    -e '^/var/lib/systemd/network/dhcp-server-lease d'
find /etc /run/systemd/network /run/systemd/system /run/systemd/nspawn -type f -exec sha256sum {} + 2>/dev/null | sort
"#;

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

    /// Boots one from the image of this name, with nothing in its cache.
    pub(crate) async fn boot_from(image: &str) -> Result<(Self, Image), String> {
        let Settings { cache, .. } = Settings::from_environment();
        let recipe = Recipe::parse(image).map_err(|error| error.to_string())?;
        let image =
            Store::open(cache.clone()).build(&recipe, |_| {}).await.map_err(|error| error.to_string())?;
        let home = Self::of(&image, &cache, Roots::Copy, &[]).await?;
        Ok((home, image))
    }

    /// Boots it from an image of Debian, with a root of the same for each of `machines` in its /var/lib/machines.
    pub(crate) async fn with(suite: &str, machines: &[String]) -> Result<Self, String> {
        let Settings { cache, setup, .. } = Settings::from_environment();
        let recipe = Recipe::parse(suite).map_err(|error| error.to_string())?;
        let ground = prepare::prepare(&cache, &Pairs::from(recipe.clone()), None, setup, |_| {}).await;
        let Ground::Sandboxes { roots, .. } = ground.map_err(|unable| unable.to_string())? else {
            return Err("a sandbox is asked for".to_owned());
        };
        let image =
            Store::open(cache.clone()).build(&recipe, |_| {}).await.map_err(|error| error.to_string())?;
        Self::of(&image, &cache, roots, machines).await
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

    /// A command in the machine.
    pub(crate) fn command(&self, argv: &[&str]) -> Command {
        enter::command(PROGRAM, self.leader, argv)
    }

    /// The process id of its first process.
    pub(crate) const fn leader(&self) -> i32 {
        self.leader
    }

    /// This program in the machine.
    pub(crate) fn program(&self, arguments: &[&str]) -> Command {
        self.command(&[&[INSIDE], arguments].concat())
    }

    /// The same, and nobody reads what it tells.
    pub(crate) fn quiet_program(&self, arguments: &[&str]) -> Result<Command, String> {
        let nobody = File::options().write(true).open("/dev/null").map_err(|error| error.to_string())?;
        Ok(self.program(arguments).errors_to(nobody))
    }

    /// Runs a script in the machine.
    pub(crate) async fn script(&self, script: &str) -> Result<Ended, String> {
        self.command(&["sh", "-c", script]).end().await.map_err(|error| error.to_string())
    }

    /// What the machine looks like, line by line.
    pub(crate) async fn look(&self) -> Result<Vec<String>, String> {
        Ok(self.script(LOOK).await?.stdout.lines().map(str::to_owned).collect())
    }

    /// Tells what differs from `before`.
    pub(crate) async fn expect_as(&self, before: &[String]) -> Result<(), String> {
        expect_same(before, &self.look().await?)
    }

    /// Takes it away.
    pub(crate) async fn close(self) -> Result<(), String> {
        self.sandbox.end().await.map_err(|error| error.to_string())?;
        self.workspace.close().await.map_err(|error| error.to_string())
    }
}

/// Tells what differs between two looks.
pub(crate) fn expect_same(before: &[String], after: &[String]) -> Result<(), String> {
    let missing = |from: &[String], of: &[String], what: &str| {
        let lines = of.iter().filter(|line| !from.contains(line));
        lines.map(|line| format!("{what}: {line}")).collect::<Vec<_>>()
    };
    let differs = [missing(before, after, "is left"), missing(after, before, "is gone")].concat();
    if differs.is_empty() { Ok(()) } else { Err(differs.join("\n")) }
}

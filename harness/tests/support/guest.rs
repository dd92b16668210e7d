//! A virtual machine that somebody needs, for `--host local`: a Debian with a kernel and a disk of its own. It takes no root
//! here.

use nspawn_matrix::command::Command;
use nspawn_matrix::image::{FOLDER_OF_ROOT, Image};
use nspawn_matrix_scenarios::shell::command_line;
use nspawn_matrix_vm::{self as vm, Accel, Chosen, Connection, Extra, Life, Place, Qemu, Root, Start, Vm};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Child;

use super::home::image_of;
use super::inside::Inside;

/// This program, and the image of trixie, as the machine has them: as disks.
const DISKS: [&str; 2] = ["program", "image"];

/// The machine.
pub(crate) struct Guest {
    /// What other commands go along with.
    connection: Child,
    vm: Vm,
    root: Root,
}

/// The images of virtual machines of whoever runs the tests.
pub(crate) fn images() -> vm::Store {
    std::env::var_os("NSPAWN_MATRIX_VM_CACHE")
        .map_or_else(vm::Store::of_this_user, |folder| vm::Store::open(folder.into()))
}

impl Guest {
    /// Boots it, with the image of trixie in its cache.
    pub(crate) async fn boot() -> Result<Self, String> {
        let image = image_of("trixie").await?;
        let root = Root::make().map_err(said)?;
        let place = Place::new(root.folder(), "home").map_err(said)?;
        let vm = start(&place, &image).await?;
        let mut connection = Command::from_argv(vm.endpoint().argv_by(Connection::Shared, Some("echo; cat")))
            .spawn_piped()
            .map_err(said)?;
        let heard = connection.stdout.as_mut().ok_or("ssh has no standard output")?;
        BufReader::new(heard).read_line(&mut String::new()).await.map_err(said)?;
        let guest = Self { connection, vm, root };
        guest.settle(&image).await?;
        Ok(guest)
    }

    /// Puts what is on the disks where it belongs, and waits until nothing of the boot is still to come.
    async fn settle(&self, image: &Image) -> Result<(), String> {
        let [program, disk] = DISKS.map(|serial| format!("/dev/disk/by-id/virtio-{serial}"));
        let name = image.path.file_name().ok_or("the image is a file")?.to_string_lossy();
        let settled = self
            .script(&format!(
                "set -e; udevadm wait {program} {disk}; install --mode=0755 {program} {}
                mkdir -p {FOLDER_OF_ROOT}; cat {disk} >{FOLDER_OF_ROOT}/{name}
                systemctl is-system-running --wait",
                Self::PROGRAM
            ))
            .await?;
        let is_running = settled.status.success();
        if is_running { Ok(()) } else { Err(format!("{}{}", settled.stdout, settled.stderr)) }
    }

    /// Takes it away.
    pub(crate) async fn close(mut self) -> Result<(), String> {
        drop(self.connection.stdin.take());
        self.connection.wait().await.map_err(said)?;
        self.vm.down().await.map_err(said)?;
        self.root.close().map_err(said)
    }
}

async fn start(place: &Place, image: &Image) -> Result<Vm, String> {
    let chosen = Chosen::named("debian").map_err(said)?;
    let blank = images().build(&chosen, |_| {}).await.map_err(said)?;
    let qemu = Qemu::find().await.map_err(said)?;
    let accel = Accel::choose(&qemu, images().trial_kernel(&blank).as_deref()).await.map_err(said)?.accel;
    let paths = [env!("CARGO_BIN_EXE_nspawn-matrix").into(), image.path.clone()];
    let disks = DISKS.into_iter().zip(paths);
    let extra: Vec<Extra> = disks.map(|(serial, path)| Extra { path, serial: serial.to_owned() }).collect();
    let (spec, extra) = (&chosen.spec, &*extra);
    let start = Start { qemu: &qemu, accel, spec, image: &blank, place, extra, shares: &[] };
    Vm::start(start, Life::Tied).await.map_err(said)
}

fn said(error: impl std::error::Error) -> String {
    error.to_string()
}

impl Inside for Guest {
    const PROGRAM: &str = "/usr/local/bin/nspawn-matrix";

    fn command(&self, argv: &[&str]) -> Command {
        let argv: Vec<String> = argv.iter().map(|&word| word.to_owned()).collect();
        let line = command_line(&argv);
        Command::from_argv(self.vm.endpoint().argv_by(Connection::Joined, Some(&line)))
    }
}

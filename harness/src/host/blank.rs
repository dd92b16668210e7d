//! What the virtual machines of a run are booted from, and how this program gets into them.

use std::path::PathBuf;

use anyhow::Context;
use nspawn_matrix_vm::{Accel, Endpoint, Extra, Image, Life, Place, Qemu, Root, Spec, Start, Vm};
use tokio::process::Child;

use crate::command::{Command, CommandError};

/// Where a machine has this program.
pub(super) const PROGRAM: &str = "/usr/local/bin/nspawn-matrix";

/// The serial number of the disk that this program comes on: much quicker than over ssh where a machine is emulated.
const PROGRAM_DISK: &str = "program";

/// What a virtual machine is made from.
#[derive(Clone, Debug)]
pub struct Blank {
    /// The QEMU to use.
    pub qemu: Qemu,
    /// How its instructions are run.
    pub accel: Accel,
    /// Its size.
    pub spec: Spec,
    /// Its disk and kernel.
    pub image: Image,
    /// This program, as a file.
    pub program: PathBuf,
}

impl Blank {
    /// Boots a machine that can read `files` as disks, and puts this program into it. It ends with us.
    ///
    /// # Errors
    /// If it does not boot, or cannot have the program; nothing of it runs then.
    pub(super) async fn boot(&self, place: &Place, files: &[Extra]) -> anyhow::Result<Vm> {
        let Self { qemu, accel, spec, image, program } = self;
        let program = Extra { path: program.clone(), serial: PROGRAM_DISK.to_owned() };
        let extra = [&[program], files].concat();
        let start = Start { qemu, accel: *accel, spec, image, place, extra: &extra, shares: &[] };
        let vm = Vm::start(start, Life::Tied).await?;
        let disks = extra.iter().map(|extra| disk(&extra.serial)).collect::<Vec<_>>().join(" ");
        let program = disk(PROGRAM_DISK);
        let install = format!("udevadm wait {disks} && install --mode=0755 {program} {PROGRAM}");
        Command::from_argv(vm.endpoint().argv(Some(&install)))
            .output()
            .await
            .context("copy this program into the virtual machine")?;
        Ok(vm)
    }
}

/// Makes a folder for the files of a machine of this name.
pub(super) fn place(name: &str) -> anyhow::Result<(Root, Place)> {
    let root = Root::make().context("make a folder")?;
    let place = Place::new(root.folder(), name)?;
    Ok((root, place))
}

/// Where a machine has the disk with this serial number.
pub(super) fn disk(serial: &str) -> String {
    format!("/dev/disk/by-id/virtio-{serial}")
}

/// Starts a command in a machine, a line for the shell there, whose standard input and output are pipes.
pub(super) fn start(endpoint: &Endpoint, command: &str) -> Result<Child, CommandError> {
    Command::from_argv(endpoint.argv(Some(command))).apart().spawn_piped()
}

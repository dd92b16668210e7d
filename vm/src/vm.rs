//! A running machine: started, reached, ended.
//!
//! [`Vm`] owns a machine that this process has started; when it is dropped, the machine is gone. [`Vm::leave`] lets it
//! run on, and [`find`] and [`down`] are for whoever comes later.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::json;
use tokio::process::Child;

use crate::argv::{Boot, Extra, Share, argv};
use crate::qmp::Monitor;
use crate::{Accel, Endpoint, Image, Place, Qemu, Spec, VmError, command, firstboot, ready};

/// How long a guest may take to power off before it is told no more.
const POWER_OFF: Duration = Duration::from_secs(90);

/// How long QEMU may take to end once it was told to.
const QUIT: Duration = Duration::from_secs(10);

/// Whose life a machine's hangs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// The starting process's: the kernel kills QEMU when the thread that started it ends, however it ends.
    Tied,
    /// Nobody's: it can be left running.
    Own,
}

/// What a machine is started from.
#[derive(Debug, Clone, Copy)]
pub struct Start<'a> {
    /// The QEMU to use.
    pub qemu: &'a Qemu,
    /// How the guest's instructions are run.
    pub accel: Accel,
    /// Its size.
    pub spec: &'a Spec,
    /// Its disk and kernel.
    pub image: &'a Image,
    /// Its files.
    pub place: &'a Place,
    /// Files that it has as disks, and does not write.
    pub extra: &'a [Extra],
    /// Folders that it can mount. That which is the machine's own ([`Place::exchange`]) is made for it.
    pub shares: &'a [Share],
}

/// A machine that this process has started and that has told that its ssh answers.
#[derive(Debug)]
pub struct Vm {
    running: Running,
    endpoint: Endpoint,
}

/// A QEMU of ours. If it is dropped, it is killed; what it said stays in the folder.
#[derive(Debug)]
struct Running {
    child: Child,
    place: Place,
    /// How long a boot may take.
    patience: Duration,
    left: bool,
}

impl Vm {
    /// Starts a machine and waits until it is ready.
    ///
    /// # Errors
    /// [`VmError::Running`] if there is one of that name, [`VmError::Died`] or [`VmError::Late`] if it does not become
    /// ready; what it said is then still in its folder. Any other [`VmError`] of files and programs.
    pub async fn start(start: Start<'_>, life: Life) -> Result<Self, VmError> {
        let mut running = Running::start(start, life).await?;
        running.ready(0).await?;
        let endpoint = endpoint(start.place).await?;
        Ok(Self { running, endpoint })
    }

    /// Where it answers.
    #[must_use]
    pub const fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The names of its files.
    #[must_use]
    pub const fn place(&self) -> &Place {
        &self.running.place
    }

    /// How often it has booted and become ready.
    #[must_use]
    pub fn boots(&self) -> usize {
        ready::lines(&self.running.place.ready())
    }

    /// Waits until it has become ready more than `boots` times: told before a reboot, it waits for the end of it.
    ///
    /// # Errors
    /// [`VmError::Died`] or [`VmError::Late`].
    pub async fn rebooted(&mut self, boots: usize) -> Result<(), VmError> {
        self.running.ready(boots).await
    }

    /// Waits until it has ended by itself.
    ///
    /// # Errors
    /// What waitpid(2) says.
    pub async fn ended(&mut self) -> Result<(), VmError> {
        self.running
            .child
            .wait()
            .await
            .map(drop)
            .map_err(|source| VmError::file(self.place().folder(), source))
    }

    /// Powers it off, waits for its end, and removes its files.
    ///
    /// # Errors
    /// As for [`down`].
    pub async fn down(mut self) -> Result<(), VmError> {
        let place = self.running.place.clone();
        let power_off = tokio::time::timeout(POWER_OFF, async {
            Monitor::connect(&place.monitor()).await?.order("system_powerdown", json!({})).await?;
            self.ended().await
        });
        // Whatever was refused: it is killed below.
        drop(power_off.await);
        drop(self);
        place.ended().await?;
        place.remove()
    }

    /// Lets it run on when this process ends.
    pub fn leave(mut self) -> Endpoint {
        self.running.left = true;
        self.endpoint.clone()
    }
}

impl Running {
    async fn start(start: Start<'_>, life: Life) -> Result<Self, VmError> {
        let place = start.place;
        let lock = place.take()?;
        let Start { qemu, accel, spec, image, extra, shares, .. } = start;
        firstboot::prepare(place, spec).await?;
        let argv = argv(&Boot { qemu: &qemu.path, accel, spec, image, place, extra, shares, port: 0 });
        let mut command = match life {
            Life::Tied => command::tied(&argv),
            Life::Own => command::plain(&argv),
        };
        command::set_apart(&mut command);
        let failed = |source| VmError::file(place.output(), source);
        let output = fs::File::create(place.output()).map_err(failed)?;
        command.stdout(Stdio::from(output.try_clone().map_err(failed)?)).stderr(Stdio::from(output));
        place.make_overlay()?;
        place.make_exchange()?;
        command.env("TMPDIR", place.overlay());
        command::inherit(&mut command, &lock);
        let child = command::spawn(command, &argv)?;
        let running = Self { child, place: place.clone(), patience: patience(accel), left: false };
        let pid = running.child.id().unwrap_or_default().to_string();
        fs::write(place.pid(), pid).map_err(|source| VmError::file(place.pid(), source))?;
        Ok(running)
    }

    /// Waits until it has told more than `boots` times that it is ready.
    async fn ready(&mut self, boots: usize) -> Result<(), VmError> {
        let Self { child, place, patience, .. } = self;
        let (name, console) = (place.name().to_owned(), place.console());
        let file = place.ready();
        tokio::select! {
            ready = ready::more_lines(&file, boots) => ready.map_err(|source| VmError::file(&file, source)),
            _ = child.wait() => {
                let said = last_line(&place.output()).or_else(|| last_line(&console)).unwrap_or_default();
                Err(VmError::Died { name, said, console })
            }
            () = deadline(*patience) => {
                let said = last_line(&console).unwrap_or_default();
                Err(VmError::Late { name, seconds: patience.as_secs(), said, console })
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.left {
            // It may have ended already, and has no other way to go than this one.
            drop(self.child.start_kill());
            // The overlay in it was deleted when QEMU had it open.
            drop(fs::remove_dir_all(self.place.overlay()));
        }
    }
}

/// How long a boot may take. Emulated it is four times what was seen on two cores that fifty processes waited for.
const fn patience(accel: Accel) -> Duration {
    match accel {
        Accel::Tcg => Duration::from_secs(600),
        Accel::Kvm => Duration::from_secs(60),
    }
}

/// Comes back when the time is over.
async fn deadline(time: Duration) {
    drop(tokio::time::timeout(time, std::future::pending::<()>()).await);
}

/// Gives the way to a machine that is running, whoever started it; waits until it is ready.
///
/// # Errors
/// [`VmError::NotRunning`], or [`VmError::Died`] if it ends before it is ready.
pub async fn find(place: &Place) -> Result<Endpoint, VmError> {
    if !place.is_running() {
        return Err(VmError::NotRunning { name: place.name().to_owned() });
    }
    let file = place.ready();
    tokio::select! {
        ready = ready::more_lines(&file, 0) => ready.map_err(|source| VmError::file(&file, source))?,
        ended = place.ended() => {
            ended?;
            let said = last_line(&place.console()).unwrap_or_default();
            return Err(VmError::Died { name: place.name().to_owned(), said, console: place.console() });
        }
    }
    endpoint(place).await
}

async fn endpoint(place: &Place) -> Result<Endpoint, VmError> {
    let port = Monitor::connect(&place.monitor()).await?.port().await?;
    Ok(Endpoint::new(place.clone(), port))
}

/// Ends a machine that is running, whoever started it, and removes its files: powers it off, and if it does not end,
/// tells QEMU to quit, and if that does not end, kills it. What has ended by itself is cleared away.
///
/// # Errors
/// [`VmError::NotRunning`] if there is nothing of that name, [`VmError::File`] if something of it cannot be removed.
pub async fn down(place: &Place) -> Result<(), VmError> {
    if !place.folder().exists() {
        return Err(VmError::NotRunning { name: place.name().to_owned() });
    }
    for (order, patience) in [("system_powerdown", POWER_OFF), ("quit", QUIT)] {
        let is_up = place.has_booted();
        // A guest that has not booted yet does not hear the power button.
        if place.is_running() && (is_up || order == "quit") {
            drop(tokio::time::timeout(patience, ordered_to_end(place, order)).await);
        }
    }
    if place.is_running() {
        kill(place).map_err(|source| VmError::file(place.pid(), source))?;
        place.ended().await?;
    }
    place.remove()
}

async fn ordered_to_end(place: &Place, order: &str) -> Result<(), VmError> {
    Monitor::connect(&place.monitor()).await?.order(order, json!({})).await?;
    place.ended().await
}

/// Kills QEMU. The lock is looked at once the process is held by a descriptor: while it is locked, its process is this
/// one and no later one of the same number.
fn kill(place: &Place) -> io::Result<()> {
    let pid = fs::read_to_string(place.pid())?.parse().map_err(io::Error::other)?;
    let pid = rustix::process::Pid::from_raw(pid).ok_or(io::ErrorKind::InvalidData)?;
    let process = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty())?;
    if place.is_running() {
        rustix::process::pidfd_send_signal(&process, rustix::process::Signal::KILL)?;
    }
    Ok(())
}

/// The last line of a file that has something in it.
fn last_line(file: &Path) -> Option<String> {
    let text = fs::read(file).ok()?;
    let text = String::from_utf8_lossy(&text);
    text.lines().rev().map(str::trim).find(|line| !line.is_empty()).map(String::from)
}

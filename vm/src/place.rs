//! The folder of one virtual machine while it runs: its keys, its sockets, what its console said.
//!
//! The folder is below XDG_RUNTIME_DIR, or below /tmp where there is none, and for its owner only. A machine is running
//! as long as the file `lock` in it is locked: QEMU inherits that lock, and the kernel releases it when QEMU ends,
//! however it ends. So there are no stale records of processes.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::{Spec, VmError, firstboot, ready};

/// What sockaddr_un(7) has room for, with the end of the string.
const SOCKET_PATH: usize = 107;

/// The names of one machine's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    folder: PathBuf,
    name: String,
}

impl Place {
    /// Names the files of machine `name` in `root`, and touches nothing.
    ///
    /// # Errors
    /// [`VmError::Name`] for a name that cannot be a host's, or that is too long for a socket in `root`.
    pub fn new(root: &Path, name: &str) -> Result<Self, VmError> {
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let place = Self { folder: root.join(name), name: name.to_owned() };
        let fits = name.len() <= 63 && place.monitor().as_os_str().len() <= SOCKET_PATH;
        if name.is_empty()
            || name.starts_with('-')
            || name.ends_with('-')
            || !name.bytes().all(is_plain)
            || !fits
        {
            return Err(VmError::Name { name: name.to_owned() });
        }
        Ok(place)
    }

    /// The machine.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What the console said: of the kernel, and of systemd.
    #[must_use]
    pub fn console(&self) -> PathBuf {
        self.folder.join("console.log")
    }

    /// What QEMU itself said.
    #[must_use]
    pub fn output(&self) -> PathBuf {
        self.folder.join("qemu.log")
    }

    /// Gets one line, the kernel's boot id, each time that the machine has booted and its ssh answers.
    #[must_use]
    pub fn ready(&self) -> PathBuf {
        self.folder.join("ready")
    }

    /// The socket on which QEMU takes orders (QMP).
    #[must_use]
    pub fn monitor(&self) -> PathBuf {
        self.folder.join("qmp")
    }

    /// What the machine is told at its boot, in the form of an SMBIOS string.
    #[must_use]
    pub fn credentials(&self) -> PathBuf {
        self.folder.join("credentials")
    }

    /// What the machine is told at its boot, in the form of files for cloud-init.
    #[must_use]
    pub fn seed(&self) -> PathBuf {
        self.folder.join("seed")
    }

    /// A folder that the machine can be shown ([`crate::Share`]), for what goes in and out while it runs.
    #[must_use]
    pub fn exchange(&self) -> PathBuf {
        self.folder.join("exchange")
    }

    /// The socket of a connection that others go along with ([`crate::Connection`]).
    #[must_use]
    pub fn connection(&self) -> PathBuf {
        self.folder.join("ssh")
    }

    /// The key that opens root's account; its public half has `.pub` behind.
    #[must_use]
    pub fn user_key(&self) -> PathBuf {
        self.folder.join("user")
    }

    /// The key that the machine proves itself with; its public half has `.pub` behind.
    #[must_use]
    pub fn host_key(&self) -> PathBuf {
        self.folder.join("host")
    }

    /// The public half of the host key, as ssh wants it.
    #[must_use]
    pub fn known_hosts(&self) -> PathBuf {
        self.folder.join("known_hosts")
    }

    /// The folder of the overlay, on a disk and not in memory. QEMU deletes the overlay as soon as it has it open; what it
    /// leaves if it is killed before is removed with the folder.
    #[must_use]
    pub fn overlay(&self) -> PathBuf {
        let name = self.folder.display().to_string().replace('/', "-");
        std::env::var_os("TMPDIR").map_or_else(|| "/var/tmp".into(), PathBuf::from).join(format!("vm{name}"))
    }

    /// The process id of QEMU.
    pub(crate) fn pid(&self) -> PathBuf {
        self.folder.join("pid")
    }

    fn lock_file(&self) -> PathBuf {
        self.folder.join("lock")
    }

    /// Makes the folder, takes its lock, and clears away what an earlier machine has left.
    ///
    /// # Errors
    /// [`VmError::Running`], or [`VmError::File`].
    pub(crate) fn take(&self) -> Result<File, VmError> {
        make_folder(&self.folder)?;
        check_owner(&self.folder)?;
        self.folder.parent().map_or(Ok(()), check_owner)?;
        let path = self.lock_file();
        let lock = File::options().create(true).truncate(false).write(true).open(&path);
        let lock = lock.map_err(|source| VmError::file(&path, source))?;
        loop {
            match lock.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if self.is_running() => {
                    return Err(VmError::Running { name: self.name.clone() });
                }
                // Somebody was just looking whether it runs.
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(source)) => return Err(VmError::file(&path, source)),
            }
        }
        self.clear().map_err(|source| VmError::file(&self.folder, source))?;
        Ok(lock)
    }

    /// Whether the machine is running, or about to.
    #[must_use]
    pub fn is_running(&self) -> bool {
        File::open(self.lock_file())
            .is_ok_and(|lock| matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    /// Whether it has told that its ssh answers.
    #[must_use]
    pub fn has_booted(&self) -> bool {
        ready::lines(&self.ready()) > 0
    }

    /// Makes the folder with new keys, and what is told to a machine that is booted by hand.
    ///
    /// # Errors
    /// [`VmError::Running`], [`VmError::File`], or what ssh-keygen says.
    pub async fn prepare(&self, spec: &Spec) -> Result<(), VmError> {
        let _lock = self.take()?;
        firstboot::prepare(self, spec).await
    }

    /// Waits until the machine has ended.
    ///
    /// # Errors
    /// [`VmError::File`].
    pub(crate) async fn ended(&self) -> Result<(), VmError> {
        let path = self.lock_file();
        let failed = |source| VmError::file(&path, source);
        let lock = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            lock => lock.map_err(failed)?,
        };
        let (sender, receiver) = tokio::sync::oneshot::channel();
        // A thread of its own: flock(2) cannot be interrupted, and a runtime waits for its blocking pool at its end.
        let wait = move || drop(sender.send(lock.lock_shared()));
        std::thread::Builder::new().name("vm lock".into()).spawn(wait).map_err(failed)?;
        receiver.await.map_err(io::Error::other).flatten().map_err(failed)
    }

    /// Makes the folder of the overlay.
    pub(crate) fn make_overlay(&self) -> Result<(), VmError> {
        make_folder(&self.overlay())?;
        check_owner(&self.overlay())
    }

    /// Makes the folder for what goes in and out.
    pub(crate) fn make_exchange(&self) -> Result<(), VmError> {
        make_folder(&self.exchange())
    }

    /// Removes the folders of a machine that has ended.
    ///
    /// # Errors
    /// [`VmError::Running`] if another one has been started meanwhile, or [`VmError::File`].
    pub(crate) fn remove(&self) -> Result<(), VmError> {
        let _lock = self.take()?;
        fs::remove_dir_all(&self.folder).map_err(|source| VmError::file(&self.folder, source))
    }

    fn clear(&self) -> io::Result<()> {
        let folders = [self.seed(), self.exchange(), self.overlay()];
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            if path != self.lock_file() && !folders.contains(&path) {
                fs::remove_file(path)?;
            }
        }
        for folder in folders {
            match fs::remove_dir_all(folder) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }
}

/// Gives the folder in which this user's machines have theirs.
#[must_use]
pub fn runtime_folder() -> PathBuf {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|folder| folder.is_dir());
    match runtime {
        Some(folder) => folder.join("nspawn-matrix"),
        None => format!("/tmp/nspawn-matrix-{}", nix::unistd::geteuid()).into(),
    }
}

/// Lists the machines that have a folder in `root`, running or not, by name.
///
/// # Errors
/// [`VmError::File`]. A root that is not there has none.
pub fn list(root: &Path) -> Result<Vec<Place>, VmError> {
    let entries = match fs::read_dir(root) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(vec![]),
        entries => entries.map_err(|source| VmError::file(root, source))?,
    };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut places: Vec<Place> = names.filter_map(|name| Place::new(root, &name).ok()).collect();
    places.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(places)
}

/// Makes a folder for its owner only, and those above it.
pub(crate) fn make_folder(folder: &Path) -> Result<(), VmError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|source| VmError::file(folder, source))
}

/// Refuses a folder of somebody else: in /tmp anyone could have made it before us.
pub(crate) fn check_owner(folder: &Path) -> Result<(), VmError> {
    let metadata = fs::symlink_metadata(folder).map_err(|source| VmError::file(folder, source))?;
    if metadata.is_dir() && metadata.uid() == nix::unistd::geteuid().as_raw() {
        return Ok(());
    }
    let source = io::Error::new(io::ErrorKind::PermissionDenied, "it belongs to somebody else");
    Err(VmError::file(folder, source))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_that_a_host_can_have() {
        let root = Path::new("/run");
        assert!(["trixie", "run-1f", "a"].iter().all(|name| Place::new(root, name).is_ok()));
        let long = "a".repeat(64);
        let wrong = ["", "-a", "a-", "A", "a/b", "..", "a b", &long];
        assert!(wrong.iter().all(|name| Place::new(root, name).is_err()));
        let deep = PathBuf::from(format!("/{}", "d".repeat(100)));
        assert!(Place::new(&deep, "trixie").is_err(), "the path of the socket would be too long");
    }

    #[tokio::test]
    async fn a_machine_runs_as_long_as_somebody_holds_its_lock() {
        let root = tempfile::tempdir().unwrap();
        let place = Place::new(root.path(), "a").unwrap();
        assert!(!place.is_running());
        let lock = place.take().unwrap();
        assert!(place.is_running());
        assert!(matches!(place.take(), Err(VmError::Running { .. })));
        let (ended, ()) = tokio::join!(place.ended(), async { drop(lock) });
        ended.unwrap();
        assert!(!place.is_running());
        assert_eq!(list(root.path()).unwrap(), [place]);
    }

    #[test]
    fn what_an_earlier_machine_has_left_is_cleared() {
        let root = tempfile::tempdir().unwrap();
        let place = Place::new(root.path(), "a").unwrap();
        drop(place.take().unwrap());
        fs::write(place.ready(), "earlier").unwrap();
        drop(place.take().unwrap());
        assert!(!place.ready().exists());
    }
}

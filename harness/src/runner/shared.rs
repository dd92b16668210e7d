//! The folders that the machine has as they are here, under the same paths.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use nspawn_matrix_scenarios::shell::quote;
use nspawn_matrix_vm::{Place, Share};
use serde::{Deserialize, Serialize};

use super::{EXCHANGE, PROGRAM, PROGRAM_FILE, in_machine};
use crate::command::Command;
use crate::image::FOLDER_OF_ROOT;

/// Where the machine has the images of this one, read-only.
const IMAGES: &str = "/run/nspawn-matrix/images";

/// The file, in the exchange, that says what is shared. It is written when the machine is prepared.
const FILE: &str = "shared.json";

/// What a machine is shown of this one. As `cargo metadata` spells it, too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shared {
    /// The folder of the workspace's Cargo.toml.
    pub workspace_root: PathBuf,
    /// The folder of build results.
    pub target_directory: PathBuf,
    /// The folder of images, if there is one.
    #[serde(default)]
    pub images: Option<PathBuf>,
}

impl Shared {
    /// Asks cargo for the workspace that this process is in. `images` need not exist.
    ///
    /// # Errors
    /// If there is no cargo, or it finds no workspace.
    pub async fn find(images: PathBuf) -> anyhow::Result<Self> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let words = ["metadata", "--no-deps", "--format-version=1", "--offline"];
        let said = Command::new(cargo, words).output().await.context("find the workspace")?;
        let found: Self = serde_json::from_str(&said).context("read what `cargo metadata` says")?;
        Ok(Self { images: images.is_dir().then_some(images), ..found })
    }

    /// Whether the machine has this file or folder, as it is here.
    #[must_use]
    pub fn has(&self, path: &Path) -> bool {
        [&self.workspace_root, &self.target_directory].iter().any(|folder| path.starts_with(folder))
    }

    /// Reads what the machine at this place is shown; nothing while it is not prepared.
    ///
    /// # Errors
    /// If the file cannot be understood.
    pub fn of(place: &Place) -> anyhow::Result<Option<Self>> {
        match fs::read(Self::file(place)) {
            Ok(text) => Ok(Some(serde_json::from_slice(&text).context("read what the machine is shown")?)),
            Err(_) => Ok(None),
        }
    }

    /// Writes it down for those who use the machine.
    ///
    /// # Errors
    /// What the file system says.
    pub fn tell(&self, place: &Place) -> anyhow::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(place.folder())?;
        serde_json::to_writer(&mut file, self)?;
        file.persist(Self::file(place))?;
        Ok(())
    }

    /// Where it is written down.
    #[must_use]
    pub fn file(place: &Place) -> PathBuf {
        place.exchange().join(FILE)
    }

    /// The folders, for QEMU.
    #[must_use]
    pub fn shares(&self, place: &Place) -> Vec<Share> {
        self.mounts(place).into_iter().map(|mount| mount.share).collect()
    }

    /// Gives what makes the machine ready for errands, as a line for a shell: it ends as the stand-in.
    #[must_use]
    pub fn preparation(&self, place: &Place) -> String {
        let mut steps = vec!["set -e".to_owned()];
        for Mount { share, at } in self.mounts(place) {
            let access = if share.writable { "rw" } else { "ro" };
            // Files are read in the largest pieces that virtio takes, kept as long as they have not changed here, and written at once.
            let options = format!("{access},trans=virtio,version=9p2000.L,cache=mmap,msize=512000");
            let at = at.display().to_string();
            steps.push(line(&["mkdir", "-p", &at]));
            steps.push(line(&["mount", "-t", "9p", "-o", &options, &share.tag, &at]));
        }
        if self.images.is_some() {
            let (from, to) = (IMAGES, FOLDER_OF_ROOT);
            steps.push(format!("mkdir -p {to}"));
            steps.push(format!("find {from} -maxdepth 1 -name '*.tar' -exec ln -sf -t {to} {{}} +"));
        }
        let program = in_machine(PROGRAM_FILE).display().to_string();
        steps.push(line(&["install", "-m", "0755", &program, PROGRAM]));
        steps.push(format!("exec {PROGRAM} internal stand-in"));
        steps.join("; ")
    }

    fn mounts(&self, place: &Place) -> Vec<Mount> {
        let mut folders = vec![(place.exchange(), PathBuf::from(EXCHANGE), true)];
        folders.push((self.workspace_root.clone(), self.workspace_root.clone(), true));
        if !self.target_directory.starts_with(&self.workspace_root) {
            folders.push((self.target_directory.clone(), self.target_directory.clone(), true));
        }
        folders.extend(self.images.clone().map(|images| (images, PathBuf::from(IMAGES), false)));
        let numbered = folders.into_iter().enumerate();
        let mount = |(number, (folder, at, writable))| {
            let tag = format!("share-{number}");
            Mount { share: Share { folder, tag, writable }, at }
        };
        numbered.map(mount).collect()
    }
}

/// Writes a command for a shell.
fn line(words: &[&str]) -> String {
    words.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" ")
}

/// A folder, and where the machine has it.
struct Mount {
    share: Share,
    at: PathBuf,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared(target: &str, images: Option<&str>) -> Shared {
        Shared {
            workspace_root: "/home/a b".into(),
            target_directory: target.into(),
            images: images.map(PathBuf::from),
        }
    }

    #[test]
    fn a_machine_is_prepared_by_these_steps() {
        let place = Place::new(Path::new("/run/user/1000/nspawn-matrix"), "test-7").unwrap();
        let said = shared("/target", Some("/home/cache")).preparation(&place).replace("; ", "\n");
        insta::assert_snapshot!(said, @r"
        set -e
        mkdir -p /run/nspawn-matrix/exchange
        mount -t 9p -o rw,trans=virtio,version=9p2000.L,cache=mmap,msize=512000 share-0 /run/nspawn-matrix/exchange
        mkdir -p '/home/a b'
        mount -t 9p -o rw,trans=virtio,version=9p2000.L,cache=mmap,msize=512000 share-1 '/home/a b'
        mkdir -p /target
        mount -t 9p -o rw,trans=virtio,version=9p2000.L,cache=mmap,msize=512000 share-2 /target
        mkdir -p /run/nspawn-matrix/images
        mount -t 9p -o ro,trans=virtio,version=9p2000.L,cache=mmap,msize=512000 share-3 /run/nspawn-matrix/images
        mkdir -p /var/cache/nspawn-matrix
        find /run/nspawn-matrix/images -maxdepth 1 -name '*.tar' -exec ln -sf -t /var/cache/nspawn-matrix {} +
        install -m 0755 /run/nspawn-matrix/exchange/nspawn-matrix /usr/local/bin/nspawn-matrix
        exec /usr/local/bin/nspawn-matrix internal stand-in
        ");
        let within = shared("/home/a b/target", None).preparation(&place);
        assert!(within.matches("mount -t 9p").count() == 2 && !within.contains("find"), "{within}");
    }

    #[test]
    fn what_lies_elsewhere_is_not_in_the_machine() {
        let shared = shared("/target", None);
        assert!(shared.has(Path::new("/home/a b/src")) && shared.has(Path::new("/target/debug/x")));
        assert!(!shared.has(Path::new("/home/a")) && !shared.has(Path::new("/tmp/doctest")));
    }

    #[test]
    fn cargo_says_what_is_shared() {
        let said = r#"{"packages":[],"target_directory":"/w/target","workspace_root":"/w","version":1}"#;
        let shared: Shared = serde_json::from_str(said).unwrap();
        assert_eq!((shared.workspace_root, shared.images), ("/w".into(), None));
    }
}

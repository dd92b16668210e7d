//! How an image comes to be: a Debian suite, Arch Linux, a tar file, or a directory.
//!
//! A [`Recipe`] is a value: what it needs to know of the disk is looked up once, when it is parsed. Two recipes with
//! the same digest make the same image, so the digest is part of the image's file name.

use std::ffi::OsStr;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::debian::{self, Debian};
use super::packing::Packing;
use super::snapshot::{NoTime, Snapshot};
use super::{ImageError, Suite, arch};
use nspawn_matrix_scenarios::name::is_package;
use nspawn_matrix_scenarios::nearest::nearest;

/// How an image comes to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recipe {
    /// A Debian is installed.
    Debian(Debian),
    /// An Arch Linux is installed.
    Arch(Packages),
    /// A tar file of a root file system, compressed or not, is stored uncompressed.
    Tarball(Source),
    /// A directory that holds a root file system is packed.
    Directory(Source),
}

/// Where the packages of an Arch Linux come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Packages {
    /// From the Arch Linux Archive, of the day that is pinned for the virtual machine.
    Pinned,
    /// From where a configuration of pacman says, pacman.conf(5).
    Configured(Source),
}

/// What an Arch Linux of pinned packages is called.
const ARCH: &str = "arch";

/// What stands between the name of an image and the packages that it has beside those of every image.
const WITH: char = '+';

/// What stands between packages.
const BESIDE: char = ',';

/// The name of an image with further packages: `trixie+ufw`.
pub fn with_packages(name: &str, packages: &[String]) -> String {
    if packages.is_empty() {
        return name.to_owned();
    }
    let mut packages: Vec<&str> = packages.iter().map(String::as_str).collect();
    packages.sort_unstable();
    packages.dedup();
    format!("{name}{WITH}{}", packages.join(&BESIDE.to_string()))
}

/// A file or directory that an image is made of, as it was when the recipe was parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    path: PathBuf,
    bytes: u64,
    modified_ns: i128,
}

impl Source {
    /// Looks at a file or directory.
    ///
    /// # Errors
    /// If it is not there, or cannot be read.
    fn at(path: &Path) -> io::Result<Self> {
        let path = path.canonicalize()?;
        let metadata = path.metadata()?;
        let modified_ns = i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec());
        Ok(Self { path, bytes: metadata.len(), modified_ns })
    }

    /// The absolute path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What tells it from others, and from itself at another time.
    fn words(&self, kind: &str) -> Vec<String> {
        let Self { path, bytes, modified_ns } = self;
        vec![kind.into(), path.display().to_string(), bytes.to_string(), modified_ns.to_string()]
    }

    /// The size of the file in bytes; without meaning for a directory.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl Default for Recipe {
    fn default() -> Self {
        Self::Debian(Suite::default().into())
    }
}

impl Recipe {
    /// Finds the recipe that comes with the program and has this name: `arch`, a suite, a suite as it was at some time,
    /// `trixie@20251101`, and these with further packages, `trixie+ufw`.
    pub fn named(name: &str) -> Option<Self> {
        if let Some((plain, packages)) = name.split_once(WITH) {
            let packages: Vec<String> = packages.split(BESIDE).map(str::to_owned).collect();
            let are_packages = packages.iter().all(|package| is_package(package));
            return Self::named(plain).filter(|_| are_packages)?.with(&packages);
        }
        let arch = (name == ARCH).then_some(Self::Arch(Packages::Pinned));
        let debian = || Suite::named(name).map(|suite| Self::Debian(suite.into()));
        arch.or_else(debian).or_else(|| Self::of_the_past(name)?.ok())
    }

    /// Reads `SUITE@TIME`; none if that is not what it looks like.
    fn of_the_past(name: &str) -> Option<Result<Self, NoTime>> {
        let (suite, time) = name.split_once('@')?;
        let suite = Suite::named(suite)?;
        let snapshot = time.parse::<Snapshot>();
        Some(snapshot.map(|snapshot| Self::Debian(Debian { snapshot: Some(snapshot), ..suite.into() })))
    }

    /// The recipe of the same with further packages; none if nothing can be installed into it.
    pub(super) fn with(&self, packages: &[String]) -> Option<Self> {
        match self {
            _ if packages.is_empty() => Some(self.clone()),
            Self::Debian(debian) => {
                let mut packages = [&debian.packages, packages].concat();
                packages.sort_unstable();
                packages.dedup();
                Some(Self::Debian(Debian { packages, ..debian.clone() }))
            }
            Self::Arch(_) | Self::Tarball(_) | Self::Directory(_) => None,
        }
    }

    /// The names of those that come with the program.
    pub fn names() -> impl Iterator<Item = &'static str> {
        Suite::ALL.into_iter().map(Suite::name).chain([ARCH])
    }

    /// Reads a name, or the path of a directory, a tar file, or a configuration of pacman (`*.conf`). A name wins over a
    /// path that reads the same; `./trixie` is always a path.
    ///
    /// # Errors
    /// [`ImageError::Unknown`] with the nearest name, [`ImageError::NoTime`], [`ImageError::NotTar`], or
    /// [`ImageError::Source`].
    pub fn parse(name_or_path: &str) -> Result<Self, ImageError> {
        if let Some(recipe) = Self::named(name_or_path) {
            return Ok(recipe);
        }
        if let Some(Err(NoTime)) = Self::of_the_past(name_or_path) {
            return Err(ImageError::NoTime { wanted: name_or_path.into() });
        }
        let path = Path::new(name_or_path);
        let unreadable = |source| ImageError::Source { path: path.to_owned(), source };
        match path.metadata() {
            Ok(metadata) if metadata.is_dir() => Ok(Self::Directory(Source::at(path).map_err(unreadable)?)),
            Ok(_) if path.extension() == Some(OsStr::new("conf")) => {
                Ok(Self::Arch(Packages::Configured(Source::at(path).map_err(unreadable)?)))
            }
            Ok(_) if Packing::of(path).map_err(unreadable)?.is_some() => {
                Ok(Self::Tarball(Source::at(path).map_err(unreadable)?))
            }
            Ok(_) => Err(ImageError::NotTar { path: path.to_owned() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let nearest = nearest(name_or_path, Self::names());
                Err(ImageError::Unknown { wanted: name_or_path.into(), nearest })
            }
            Err(error) => Err(unreadable(error)),
        }
    }

    /// The major version of its systemd, if that is known beforehand.
    pub fn systemd(&self) -> Option<u32> {
        match self {
            Self::Debian(Debian { suite, snapshot: None, .. }) => suite.systemd(),
            // It may have been another one.
            Self::Debian(Debian { snapshot: Some(_), .. }) => None,
            Self::Arch(_) | Self::Tarball(_) | Self::Directory(_) => None,
        }
    }

    /// The name for people: that of the suite, with its time if it is of the past (`trixie@20251101T000000Z`), `arch`, or
    /// of the file without its endings.
    pub fn name(&self) -> String {
        match self {
            Self::Debian(Debian { suite, snapshot, packages }) => {
                let time = snapshot.as_ref().map_or_else(String::new, |snapshot| format!("@{snapshot}"));
                with_packages(&format!("{suite}{time}"), packages)
            }
            Self::Arch(Packages::Pinned) => ARCH.into(),
            Self::Tarball(source) | Self::Arch(Packages::Configured(source)) => {
                let file = file_name(source);
                let stem = file.split_once(".tar").map(|(stem, _)| stem);
                printable(stem.or_else(|| file.rsplit_once('.').map(|(stem, _)| stem)).unwrap_or(&file))
            }
            Self::Directory(source) => printable(&file_name(source)),
        }
    }

    /// Twelve hexadecimal digits that stand for everything that determines the image.
    ///
    /// For a Debian that is the whole command with its scripts; the state of the archive is left out, because nobody
    /// wants another image each day. For an Arch Linux it is the same, and where its packages come from. A tar file counts by path, size and time of change. A directory counts by path and
    /// its own time of change only: a change deep inside does not show, but to see it would take as long as to pack
    /// it all; `image rm` makes the next build a new one.
    pub fn digest(&self) -> String {
        let words = match self {
            Self::Debian(debian) => debian::mmdebstrap(debian).concat(),
            Self::Arch(Packages::Pinned) => {
                arch::words().into_iter().chain(arch::pinned(Path::new(""))).collect()
            }
            Self::Arch(Packages::Configured(source)) => {
                arch::words().into_iter().chain(source.words("pacman")).collect()
            }
            Self::Tarball(source) => source.words("tar file"),
            Self::Directory(Source { path, bytes: _, modified_ns }) => {
                vec!["directory".into(), path.display().to_string(), modified_ns.to_string()]
            }
        };
        let mut hash = Sha256::new();
        for word in words {
            hash.update(word.as_bytes());
            // No word contains this, so no two lists of words read the same.
            hash.update([0]);
        }
        hash.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect()
    }

    /// The name and the digest together, which name the image's file.
    pub(super) fn id(&self) -> String {
        format!("{}-{}", self.name(), self.digest())
    }
}

fn file_name(source: &Source) -> String {
    source.path.file_name().unwrap_or(OsStr::new("root")).to_string_lossy().into_owned()
}

/// Makes a file name that needs no quoting in a shell and is not hidden.
fn printable(name: &str) -> String {
    let plain =
        |letter: char| if letter.is_ascii_alphanumeric() || "._-".contains(letter) { letter } else { '-' };
    let name: String = name.chars().map(plain).collect();
    let name = name.trim_start_matches(['.', '-']);
    if name.is_empty() { "image".into() } else { name.into() }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn source(path: &str) -> Source {
        Source { path: path.into(), bytes: 10, modified_ns: 1 }
    }

    #[test]
    fn a_suite_is_known_by_name_and_a_misspelt_one_names_the_nearest() {
        assert_eq!(Recipe::parse("trixie").unwrap(), Recipe::default());
        let error = Recipe::parse("bokworm").unwrap_err();
        assert_eq!(error.to_string(), "no image, directory or file is called `bokworm`");
        assert!(error.hint().unwrap().starts_with("did you mean `bookworm`? there are "));
        let hint = Recipe::parse("/no/such/root.tar").unwrap_err().hint().unwrap();
        assert!(hint.starts_with("there are bookworm, "), "{hint}");
    }

    #[test]
    fn a_suite_of_the_past_is_an_image_of_its_own() {
        let day = Recipe::parse("trixie@20251101").unwrap();
        assert_eq!(day.name(), "trixie@20251101T000000Z");
        assert_eq!(Recipe::named(&day.name()), Some(day.clone()));
        assert_eq!(day.systemd(), None);
        let digests = ["trixie", "trixie@20251101", "trixie@20251102", "bookworm@20251101"]
            .map(|name| Recipe::parse(name).unwrap().digest());
        assert_eq!(std::collections::BTreeSet::from(digests).len(), 4);
        let error = Recipe::parse("trixie@20251131").unwrap_err();
        assert_eq!(error.to_string(), "`trixie@20251131` is not a day, and not a time of one");
        assert!(matches!(Recipe::parse("potato@20251101").unwrap_err(), ImageError::Unknown { .. }));
    }

    #[test]
    fn an_image_with_further_packages_is_one_of_its_own() {
        let packages = ["ufw", "network-manager", "ufw"].map(str::to_owned);
        let with = Recipe::parse("trixie").unwrap().with(&packages).unwrap();
        assert_eq!(with.name(), "trixie+network-manager,ufw");
        assert_eq!(with.name(), with_packages("trixie", &packages));
        assert_eq!(Recipe::named(&with.name()), Some(with.clone()));
        assert_ne!(with.digest(), Recipe::default().digest());
        assert_eq!(with.systemd(), Some(257));
        let Recipe::Debian(debian) = &with else { panic!("{with:?}") };
        let [argv, _] = debian::mmdebstrap(debian);
        assert!(argv.iter().any(|word| word.ends_with(",tzdata,network-manager,ufw")), "{argv:?}");
        assert_eq!(Recipe::parse("arch").unwrap().with(&packages), None);
        assert_eq!(
            ["trixie+../x", "trixie+", "potato+ufw", "arch+ufw"].map(Recipe::named),
            [const { None }; 4]
        );
        assert_eq!(Recipe::parse("arch").unwrap().with(&[]), Some(Recipe::Arch(Packages::Pinned)));
    }

    #[test]
    fn paths_are_told_apart_by_what_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap().to_owned();
        assert!(matches!(Recipe::parse(&path).unwrap(), Recipe::Directory(_)));
        fs::write(folder.path().join("x.tar"), "text").unwrap();
        let error = Recipe::parse(&format!("{path}/x.tar")).unwrap_err();
        assert!(matches!(error, ImageError::NotTar { .. }));
        fs::write(folder.path().join("y"), [0x1f, 0x8b, 8]).unwrap();
        assert!(matches!(Recipe::parse(&format!("{path}/y")).unwrap(), Recipe::Tarball(_)));
    }

    #[test]
    fn arch_is_known_by_name_and_by_a_configuration_of_pacman() {
        assert_eq!(Recipe::parse("arch").unwrap(), Recipe::Arch(Packages::Pinned));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mirror.conf");
        fs::write(&path, "[options]\n").unwrap();
        let recipe = Recipe::parse(path.to_str().unwrap()).unwrap();
        assert_eq!(recipe.name(), "mirror");
        assert_ne!(recipe.digest(), Recipe::Arch(Packages::Pinned).digest());
    }

    #[test]
    fn names_are_the_stem_in_plain_letters() {
        let names = ["/a/arch linux.tar.zst", "/a/root.tgz", "/a/.hidden", "/a/plain"]
            .map(|path| Recipe::Tarball(source(path)).name());
        assert_eq!(names, ["arch-linux", "root", "image", "plain"]);
        assert_eq!(Recipe::Directory(source("/")).name(), "root");
        assert_eq!(Recipe::Directory(source("/x/fedora-42.0")).name(), "fedora-42.0");
    }

    #[test]
    fn the_digest_follows_what_determines_the_image() {
        let tar =
            |bytes, modified_ns| Recipe::Tarball(Source { bytes, modified_ns, ..source("/a") }).digest();
        assert_eq!(tar(1, 2), tar(1, 2));
        assert_ne!(tar(1, 2), tar(2, 2));
        assert_ne!(tar(1, 2), tar(1, 3));
        let digests: std::collections::BTreeSet<_> =
            Suite::ALL.map(|suite| Recipe::Debian(suite.into()).digest()).into();
        assert_eq!(digests.len(), Suite::ALL.len());
        assert!(digests.iter().all(|digest| digest.len() == 12));
    }
}

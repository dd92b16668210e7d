//! Arch Linux as an image: pacstrap and pacman, as they are, with a repository of packages that the test makes of a
//! Debian's files, up to machines that are measured.
//!
//! Needs root, arch-install-scripts and pacman (with pacman-package-manager on Debian), and what the sandbox needs; where
//! something is missing the trials are ignored, and say so.

mod support;

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use nspawn_matrix::image::{Recipe, Store};
use nspawn_matrix::{prepare, setup};
use support::Settings;

/// Packages of Arch whose names are asked for, and the one that has all files.
const EMPTY: [(&str, &str); 2] = [("base", "systemd"), ("nftables", "systemd")];

/// What is not of a package but of the kernel, or of a boot.
const NOT_PACKAGED: [&str; 6] = ["dev", "proc", "sys", "run", "tmp", "lost+found"];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trials = vec![
        trial("an-arch-linux-is-installed-and-its-machines-are-measured", measured),
        trial("a-mirror-that-is-not-there-is-told", no_mirror),
    ];
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trial(name: &str, run: fn() -> Result<(), Failed>) -> Trial {
    let reason = || {
        let program = ["pacstrap", "pacman", "repo-add"].into_iter().find(|one| !setup::is_installed(one));
        let missing = program.map(|program| format!("{program} is not installed"));
        let hopeless =
            || prepare::is_hopeless(false).then(|| "no root, or the sandbox's tools are missing".into());
        missing.or_else(hopeless)
    };
    Trial::ignorable_test(name, move || match reason() {
        Some(reason) => Ok(Completion::ignored_with(reason)),
        None => run().map(|()| Completion::Completed),
    })
    .with_ignored_flag(support::is_nextest() && reason().is_some())
}

fn measured() -> Result<(), Failed> {
    let place = Place::new()?;
    let config = place.repository()?;
    let out = place.folder.path().join("report");
    let words = ["--scenario", "default-veth", "--check", "ping/gateway/*", "--samples", "1"];
    let run = place
        .types(&[&["run", "--image", &config, "--out", &out.display().to_string()], &words[..]].concat())?;
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    expect(said.contains("installing base nftables") && said.contains("enabling services"), &said)?;
    expect(run.status.success(), &format!("{}{said}", String::from_utf8_lossy(&run.stdout)))?;
    let report: serde_json::Value = serde_json::from_slice(&fs::read(out.join("report.json"))?)?;
    let cases = report["cases"].as_array().ok_or("a report has cases")?;
    expect(cases.iter().any(|case| case["verdict"] == "pass"), "its machines reach their gateway")?;
    let names = place.names_in_the_image()?;
    let is_file = |name: &&str| !name.ends_with('/');
    let files: Vec<&str> = names.lines().filter(is_file).map(|name| name.trim_start_matches("./")).collect();
    let has = |start: &str| files.iter().any(|name| name.starts_with(start));
    expect(has("var/lib/pacman/local/base-"), "pacman knows what it has installed")?;
    expect(
        !has("etc/pacman.d/gnupg") && !has("var/cache/pacman/pkg/"),
        "nothing of this machine is in the image",
    )?;
    let again = place.types(&["image", "build", &config])?;
    expect(again.stderr.is_empty(), "it is not built twice")
}

fn no_mirror() -> Result<(), Failed> {
    let place = Place::new()?;
    let closed = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let config = place.config(&format!("http://{closed}"))?;
    let build = place.types(&["image", "build", &config])?;
    let said = String::from_utf8_lossy(&build.stderr);
    expect(build.status.code() == Some(3), &said)?;
    expect(said.contains("the mirror cannot be reached: failed retrieving file 'core.db'"), &said)?;
    let left: Vec<_> = fs::read_dir(place.cache())?.flatten().map(|file| file.file_name()).collect();
    expect(left.is_empty(), &format!("left in the cache: {left:?}"))
}

/// A folder with a repository and a cache of its own.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Result<Self, Failed> {
        let place = Self { folder: tempfile::tempdir()? };
        fs::create_dir(place.cache())?;
        Ok(place)
    }

    fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    /// Makes the packages, and gives the configuration that has them installed.
    fn repository(&self) -> Result<String, Failed> {
        let recipe = Recipe::parse("trixie").map_err(|error| error.to_string())?;
        let store = Store::open(Settings::from_environment().cache);
        let image = support::on_this_thread(async {
            store.build(&recipe, |_| {}).await.map_err(|error| error.to_string())
        })?;
        let [root, repository] = ["root", "repository"].map(|name| self.folder.path().join(name));
        fs::create_dir(&root)?;
        fs::create_dir(&repository)?;
        output("tar", &["--extract", "--file", &shown(&image.path), "--directory", &shown(&root)])?;
        package(&root, &repository, "systemd", None)?;
        for (name, depends) in EMPTY {
            let empty = self.folder.path().join(name);
            fs::create_dir(&empty)?;
            package(&empty, &repository, name, Some(depends))?;
        }
        let database = repository.join("core.db.tar.gz");
        let packages = fs::read_dir(&repository)?.map(|file| Ok(shown(&file?.path())));
        let packages = packages.collect::<std::io::Result<Vec<_>>>()?;
        let mut words = vec!["--quiet".to_owned(), shown(&database)];
        words.extend(packages);
        output("repo-add", &words.iter().map(String::as_str).collect::<Vec<_>>())?;
        fs::remove_dir_all(&root)?;
        self.config(&format!("file://{}", repository.display()))
    }

    /// Writes a configuration of pacman with one repository there.
    fn config(&self, server: &str) -> Result<String, Failed> {
        let packages = self.folder.path().join("packages");
        fs::create_dir(&packages)?;
        let text = format!(
            "[options]\nArchitecture = x86_64\nSigLevel = Never\nCacheDir = {}\n\n[core]\nServer = {server}\n",
            packages.display()
        );
        let path = self.folder.path().join("local.conf");
        fs::write(&path, text)?;
        Ok(shown(&path))
    }

    #[expect(clippy::disallowed_methods, reason = "the program is tested from outside")]
    fn types(&self, arguments: &[&str]) -> Result<Output, Failed> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nspawn-matrix"));
        Ok(command.args(arguments).env("NSPAWN_MATRIX_CACHE", self.cache()).output()?)
    }

    fn names_in_the_image(&self) -> Result<String, Failed> {
        let images = fs::read_dir(self.cache())?.flatten().map(|file| file.path());
        let mut images = images.filter(|path| path.extension().is_some_and(|ending| ending == "tar"));
        output("tar", &["--list", "--file", &shown(&images.next().ok_or("there is an image")?)])
    }
}

/// Makes a package of what is in a folder, as makepkg lays it out (PKGBUILD(5), alpm).
fn package(folder: &Path, repository: &Path, name: &str, depends: Option<&str>) -> Result<(), Failed> {
    let depends = depends.map(|depends| format!("depend = {depends}\n")).unwrap_or_default();
    let info =
        format!("pkgname = {name}\npkgver = 257-1\npkgdesc = for a test\narch = x86_64\nsize = 1\n{depends}");
    fs::write(folder.join(".PKGINFO"), info)?;
    let target = repository.join(format!("{name}-257-1-x86_64.pkg.tar.zst"));
    let names = fs::read_dir(folder)?.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let names: Vec<String> = names.filter(|name| !NOT_PACKAGED.contains(&name.as_str())).collect();
    let mut words =
        ["--create", "--zstd", "--xattrs", "--numeric-owner", "--file"].map(String::from).to_vec();
    words.extend([shown(&target), "--directory".into(), shown(folder)]);
    words.extend(names);
    output("tar", &words.iter().map(String::as_str).collect::<Vec<_>>()).map(drop)
}

/// Gives what a program writes that must succeed.
#[expect(clippy::disallowed_methods, reason = "the files are made by the programs that make them")]
fn output(program: &str, arguments: &[&str]) -> Result<String, Failed> {
    let output = Command::new(program).args(arguments).output()?;
    let [said, errors] =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    if output.status.success() { Ok(said) } else { Err(format!("{program}: {said}{errors}").into()) }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

fn expect(holds: bool, what: &str) -> Result<(), Failed> {
    if holds { Ok(()) } else { Err(what.to_owned().into()) }
}

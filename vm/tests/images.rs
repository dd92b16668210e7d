//! Cloud images as whoever uses the crate has them: fetched from a server of the test's own, by the programs that
//! really check and grow them; and what they are told at their first boot, held against what reads it there.
//!
//! Where a program is missing the trial is ignored, and says so.

#![allow(clippy::disallowed_methods, reason = "the files are held against programs of others")]

#[path = "../src/download/tests/server.rs"]
mod server;

use std::fs;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use nspawn_matrix_vm::{Accel, Chosen, DownloadError, Life, Place, Qemu, Spec, Start, Store, Vm, VmError};
use server::{Answer, Request, Server};

/// An empty disk.
const IMAGE: &[u8] = include_bytes!("images/image.qcow2");

/// Its signature, and the key that made it; whoever made them has thrown the secret half away.
const SIGNATURE: &[u8] = include_bytes!("images/image.qcow2.sig");
const KEY: &str = include_str!("images/key.asc");
const SIGNER: &str = "8A35B23CEF380920697CC772EDB7FA67C5B27379";

/// `sha256sum image.qcow2`.
const CHECKSUM: &str = "be332c95e4b34b80483b33e506bc4fd41cbc6ea9dbbab2d81f95ed5736434580  image.qcow2\n";

/// Memory and disk of the stand-in in MiB; its image has 2048.
const GUEST: (NonZeroU32, NonZeroU32) = (NonZeroU32::new(1024).unwrap(), NonZeroU32::new(3000).unwrap());

/// What the stand-in for a distribution's image is made, signed and booted with.
const BOOT: &[&str] = &[
    "/usr/lib/grub/i386-pc/boot.img",
    "gpg",
    "gpgv",
    "grub-mkimage",
    "mkfs.ext4",
    "mmdebstrap",
    "qemu-img",
    "qemu-system-x86_64",
    "sfdisk",
    "ssh",
    "ssh-keygen",
    "unshare",
];

fn main() -> ExitCode {
    // A proxy of the environment has nothing to do with this machine's own address.
    // SAFETY: there is no other thread yet.
    unsafe { std::env::set_var("NO_PROXY", "127.0.0.1") };
    let arguments = Arguments::from_args();
    let fetches = ["gpgv", "qemu-img"].as_slice();
    let trials = vec![
        trial("an-image-is-fetched-checked-and-grown", fetches, fetched),
        trial("two-at-once-fetch-it-once", fetches, fetched_once),
        trial("what-was-begun-is-gone-on-with", fetches, gone_on_with),
        trial("a-wrong-checksum-is-refused-and-nothing-is-kept", fetches, wrong_checksum),
        trial("no-checksum-is-refused", fetches, no_checksum),
        trial("a-wrong-signature-is-refused-and-nothing-is-kept", fetches, wrong_signature),
        trial("another-key-is-refused", fetches, another_key),
        trial("a-cloud-image-boots-and-is-reached", BOOT, booted),
        trial("cloud-init-takes-what-it-is-told", &["cloud-init", "ssh-keygen"], told_to_cloud_init),
    ];
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trial(name: &str, programs: &'static [&str], run: fn() -> Result<(), Failed>) -> Trial {
    let missing = move || {
        let is_there = |program: &str| path().any(|folder| folder.join(program).is_file());
        programs.iter().copied().find(|program| !is_there(program))
    };
    Trial::ignorable_test(name, move || match missing() {
        Some(program) => Ok(Completion::ignored_with(format!("{program} is not installed"))),
        None => run().map(|()| Completion::Completed),
    })
    .with_ignored_flag(std::env::var_os("NEXTEST").is_some() && missing().is_some())
}

/// Somebody's cache, and a server.
struct Person {
    cache: tempfile::TempDir,
    server: Server,
    chosen: Chosen,
}

impl Person {
    fn with(answer: impl Fn(usize, &Request) -> Answer + Send + 'static) -> Result<Self, Failed> {
        Self::who_trusts(SIGNER, KEY, answer)
    }

    fn who_trusts(
        signer: &str,
        key: &str,
        answer: impl Fn(usize, &Request) -> Answer + Send + 'static,
    ) -> Result<Self, Failed> {
        let server = Server::start(answer);
        let url = server.url("image.qcow2");
        let text = format!(
            "memory = 1\ncores = 1\ndisk = 7\n[download]\nurl = \"{url}\"\nsigner = \"{signer}\"\nkey = \"\"\"\n{key}\"\"\"\n\
             archive = \"2026/10/01\"\npackages = []\n"
        );
        let chosen = Chosen { suite: "mine".into(), spec: Spec::parse("mine.toml", &text)? };
        Ok(Self { cache: tempfile::tempdir()?, server, chosen })
    }

    fn store(&self) -> Store {
        Store::open(self.cache.path().to_owned())
    }

    /// Gives the disk of the image.
    fn fetches(&self) -> Result<PathBuf, VmError> {
        on_this_thread(self.store().build(&self.chosen, |_| {})).map(|image| image.disk())
    }

    /// Gives why it cannot.
    fn fails(&self) -> Result<DownloadError, Failed> {
        match self.fetches() {
            Err(VmError::Download(error)) => Ok(error),
            other => Err(format!("{other:?}").into()),
        }
    }

    /// How often the image itself was asked for.
    fn asked(&self) -> usize {
        self.server.requests().iter().filter(|request| request.path == "image.qcow2").count()
    }

    /// What lies in the cache of the image, whole or not.
    fn kept(&self) -> Vec<String> {
        let mut names = vec![];
        for folder in fs::read_dir(self.cache.path()).into_iter().flatten().flatten() {
            let files = fs::read_dir(folder.path()).into_iter().flatten().flatten();
            names.extend(files.map(|file| file.file_name().to_string_lossy().into_owned()));
        }
        names.sort();
        names
    }
}

fn on_this_thread<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime needs a few descriptors").block_on(work)
}

fn files(request: &Request) -> Answer {
    let content = match request.path.rsplit('.').next() {
        Some("sig") => SIGNATURE,
        Some("SHA256") => CHECKSUM.as_bytes(),
        Some(_) | None => IMAGE,
    };
    Answer::file(request, content, "\"one\"")
}

/// The same, but for a file with this ending.
fn but(ending: &'static str, content: &'static [u8]) -> impl Fn(usize, &Request) -> Answer + Send {
    move |_, request| {
        if request.path.ends_with(ending) {
            Answer::file(request, content, "\"two\"")
        } else {
            files(request)
        }
    }
}

fn fetched() -> Result<(), Failed> {
    let person = Person::with(|_, request| files(request))?;
    let disk = person.fetches()?;
    let base = disk.with_file_name("base.qcow2");
    expect(fs::read(&base)? == IMAGE, "the image itself is not changed")?;
    let said = output("qemu-img", &["info", "--output=json", &disk.display().to_string()])?;
    let info: serde_json::Value = serde_json::from_str(&said)?;
    expect(info["virtual-size"] == 7 << 20, &format!("the disk is as large as the spec says: {said}"))?;
    expect(
        info["full-backing-filename"] == *base.display().to_string(),
        &format!("it is above the image: {said}"),
    )?;
    person.fetches()?;
    expect(person.server.requests().len() == 3, "what is there is not asked for again")
}

fn fetched_once() -> Result<(), Failed> {
    let person = Person::with(|_, request| files(request))?;
    let (store, other) = (person.store(), person.store());
    let both =
        async { tokio::join!(store.build(&person.chosen, |_| {}), other.build(&person.chosen, |_| {})) };
    let (one, two) = on_this_thread(both);
    expect(one? == two? && person.asked() == 1, "one fetched it, the other waited")
}

fn gone_on_with() -> Result<(), Failed> {
    let person = Person::with(|earlier, request| match earlier {
        2..=5 => files(request).cut(if earlier == 2 { 1000 } else { 0 }),
        _ => files(request),
    })?;
    let error = person.fails()?;
    expect(matches!(error, DownloadError::Truncated { got: 1000, of: 1552, .. }), &error.to_string())?;
    expect(person.kept() == ["base.qcow2.part", "base.qcow2.version"], &format!("{:?}", person.kept()))?;
    let disk = person.fetches()?;
    expect(fs::read(disk.with_file_name("base.qcow2"))? == IMAGE, "it is whole")?;
    let last = person.server.requests().pop().ok_or("nothing was asked for")?;
    expect(last.range("\"one\"") == Some(1000), "only the rest was asked for")
}

fn wrong_checksum() -> Result<(), Failed> {
    let person = Person::with(but("qcow2", b"something else"))?;
    let error = person.fails()?;
    expect(matches!(error, DownloadError::Checksum { .. }), &error.to_string())?;
    expect(person.kept().is_empty(), &format!("{:?}", person.kept()))?;
    person.fails()?;
    expect(person.asked() == 2, "it is fetched anew the next time")
}

fn no_checksum() -> Result<(), Failed> {
    let error = Person::with(but("SHA256", b"<html>"))?.fails()?;
    expect(matches!(error, DownloadError::NoChecksum { .. }), &error.to_string())
}

fn wrong_signature() -> Result<(), Failed> {
    let person = Person::with(but("sig", KEY.as_bytes()))?;
    let error = person.fails()?;
    expect(matches!(error, DownloadError::Signature { .. }), &error.to_string())?;
    expect(person.kept().is_empty(), &format!("{:?}", person.kept()))?;
    // An image of somebody else, with a checksum that fits.
    let changed = [IMAGE, b"\0"].concat();
    let sum = "71a8a03df5c71240cf5e9a4121dfaf3dee2b88ad7bda83aeabf35a3271ef394e";
    let error = Person::with(move |_, request| match request.path.rsplit('.').next() {
        Some("SHA256") => Answer::file(request, sum.as_bytes(), "\"one\""),
        Some("qcow2") => Answer::file(request, &changed, "\"one\""),
        Some(_) | None => files(request),
    })?
    .fails()?;
    let said = error.to_string();
    expect(said.contains(SIGNER) && said.contains("BAD signature"), &said)
}

/// Arch's key, for what another one has signed; and that other one, said to be Arch's.
fn another_key() -> Result<(), Failed> {
    let arch = include_str!("../arch.toml");
    let signer = "1B9A16984A4E8CB448712D2AE0B78BF4326C6F8F";
    let begin = arch.find("-----BEGIN").ok_or("it has a key")?;
    let end = arch.find("\"\"\"\n#").ok_or("it has an end")?;
    for (key, why) in [(&arch[begin..end], "No public key"), (KEY, "another key made the signature")] {
        let error = Person::who_trusts(signer, key, |_, request| files(request))?.fails()?;
        let said = error.to_string();
        expect(matches!(error, DownloadError::Signature { .. }) && said.contains(why), &said)?;
    }
    Ok(())
}

/// A stand-in for Arch's image goes all the way that it would go: signed, fetched, booted by the firmware, told its keys
/// by cloud-init, and reached. It takes two minutes emulated, most of them the guest's, and a Debian mirror.
fn booted() -> Result<(), Failed> {
    let folder = tempfile::tempdir_in("/var/tmp")?;
    let shown = |name: &str| folder.path().join(name).display().to_string();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/images/standin");
    let users: &[&str] =
        if nix::unistd::geteuid().is_root() { &[] } else { &["--map-root-user", "--map-auto"] };
    let namespaces = ["--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--"];
    output("unshare", &[users, &namespaces, &["sh", script, &shown("")]].concat())?;
    let (signer, key) = sign(&folder.path().join("gpg"), &shown("disk.qcow2"))?;
    let sum = output("sha256sum", &[&shown("disk.qcow2")])?;
    let [image, signature] = [fs::read(shown("disk.qcow2"))?, fs::read(shown("disk.qcow2.sig"))?];
    let person = Person::who_trusts(&signer, &key, move |_, request| {
        let content = match request.path.rsplit('.').next() {
            Some("sig") => &signature,
            Some("SHA256") => sum.as_bytes(),
            Some(_) | None => &image,
        };
        Answer::file(request, content, "\"one\"")
    })?;
    let spec = Spec { memory: GUEST.0, disk: GUEST.1, ..person.chosen.spec.clone() };
    let chosen = Chosen { spec, ..person.chosen.clone() };
    on_this_thread(async {
        let store = person.store();
        let image = store.build(&chosen, |_| {}).await?;
        let qemu = Qemu::find().await?;
        let accel = Accel::choose(&qemu, store.trial_kernel(&image).as_deref()).await?.accel;
        let place = Place::new(folder.path(), "standin")?;
        let start = Start {
            qemu: &qemu,
            accel,
            spec: &chosen.spec,
            image: &image,
            place: &place,
            extra: &[],
            shares: &[],
        };
        let vm = Vm::start(start, Life::Tied).await?;
        let asked = "hostname; networkctl --no-legend list eth0; readlink /etc/resolv.conf; cat /etc/pacman.d/mirrorlist; \
                     df --output=size --block-size=M / | tail -1; cloud-init status --wait";
        let argv = vm.endpoint().argv(Some(asked));
        let said = output(&argv[0], &argv[1..].iter().map(String::as_str).collect::<Vec<_>>())?;
        vm.down().await?;
        let wanted = [
            "standin\n",
            " configured",
            "/run/systemd/resolve/stub-resolv.conf",
            "repos/2026/10/01/$repo/os/$arch",
            "status: done",
        ];
        let missing = wanted.iter().find(|wanted| !said.contains(**wanted));
        expect(missing.is_none(), &format!("it does not say {missing:?}: {said}"))?;
        let size = said.lines().find_map(|line| line.trim().strip_suffix('M')?.parse::<u32>().ok());
        expect(size.is_some_and(|size| size > 2200), &format!("its file system has grown: {said}"))
    })
}

/// Makes a key and signs a file with it: gives the fingerprint and the key.
fn sign(home: &Path, file: &str) -> Result<(String, String), Failed> {
    fs::create_dir(home)?;
    fs::set_permissions(home, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    let home = home.display().to_string();
    let gpg = |words: &[&str]| output("gpg", &[&["--homedir", &home, "--batch", "--quiet"], words].concat());
    gpg(&["--passphrase", "", "--quick-gen-key", "stand-in", "ed25519", "sign", "never"])?;
    gpg(&["--detach-sign", file])?;
    let listed = gpg(&["--with-colons", "--list-keys"])?;
    let signer = listed.lines().find_map(|line| line.strip_prefix("fpr:")).ok_or("there is a key")?;
    let key = gpg(&["--armor", "--export"])?;
    output("gpgconf", &["--homedir", &home, "--kill", "all"])?;
    Ok((signer.replace(':', ""), key))
}

/// The version of this machine is not the image's; what is used here has been in it since 2021.
fn told_to_cloud_init() -> Result<(), Failed> {
    let runtime = tempfile::tempdir()?;
    let place = Place::new(runtime.path(), "arch")?;
    on_this_thread(place.prepare(&Chosen::named("arch")?.spec))?;
    let seed = |name| place.seed().join(name).display().to_string();
    let said = output("cloud-init", &["schema", "--config-file", &seed("user-data")])?;
    expect(said.contains("Valid") && !said.contains("Deprecated"), &said)?;
    let out = runtime.path().join("out").display().to_string();
    let words = ["devel", "net-convert", "--kind", "yaml", "--distro", "arch", "--output-kind", "networkd"];
    let files = ["--network-data", &seed("network-config"), "--directory", &out];
    output("cloud-init", &[words.as_slice(), &files].concat())?;
    let network = read_all(Path::new(&out))?;
    expect(network == "[Match]\nName=eth0\n\n[Network]\nDHCP=ipv4\n\n", &network)
}

/// Reads every file in a folder and below.
fn read_all(folder: &Path) -> Result<String, Failed> {
    let mut text = String::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        text += &if path.is_dir() { read_all(&path)? } else { fs::read_to_string(&path)? };
    }
    Ok(text)
}

/// Where programs are, those of root too.
fn path() -> impl Iterator<Item = PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders.into_iter().chain(["/usr/sbin", "/sbin"].map(PathBuf::from))
}

/// Gives what a program writes that must succeed.
fn output(program: &str, arguments: &[&str]) -> Result<String, Failed> {
    let path = std::env::join_paths(path())?;
    let output = Command::new(program).args(arguments).env("PATH", path).output()?;
    let [said, errors] =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    if output.status.success() {
        Ok(said + &errors)
    } else {
        Err(format!("{program}: {said}{errors}").into())
    }
}

fn expect(holds: bool, what: &str) -> Result<(), Failed> {
    if holds { Ok(()) } else { Err(what.into()) }
}

//! A suite as it was at some time, from a server of snapshots on this machine, up to machines that are measured.
//!
//! Needs what the sandbox needs, mmdebstrap, and a mirror of Debian: two images are built, each in half a minute.

mod support;

use std::process::{Command, ExitCode, Output};

use libtest_mimic::{Arguments, Failed};
use support::snapshots::{STATE, Snapshots};
use tempfile::TempDir;

fn main() -> ExitCode {
    let trials = vec![
        support::trial("a-suite-of-the-past-is-built-and-its-machines-are-measured", measured),
        support::trial("backports-are-of-that-time-too", backports),
        support::trial("a-time-before-all-snapshots-is-told", before_all),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// The day that is asked for, and the image of it.
const DAY: &str = "trixie@20251101";
const IMAGE: &str = "trixie@20251101T000000Z";

fn measured() -> Result<(), Failed> {
    let place = Place::new()?;
    let out = place.folder.path().join("report").display().to_string();
    let words = ["--scenario", "default-veth", "--check", "ping/gateway/ipv4", "--out", &out];
    let run = place.types(&[&["run", "--image", DAY], &words[..]].concat())?;
    expect(run.status.code() == Some(0), &said(&run))?;
    let report: serde_json::Value =
        serde_json::from_slice(&std::fs::read(place.folder.path().join("report/report.json"))?)?;
    let verdicts: Vec<_> =
        report["cases"].as_array().into_iter().flatten().map(|case| &case["verdict"]).collect();
    expect(verdicts == ["pass", "pass"], &format!("the machines reach their gateway: {verdicts:?}"))?;
    expect(
        report["hosts"][0]["image"] == IMAGE,
        &format!("the report names the image: {}", report["hosts"]),
    )?;
    everything_is_of_that_time(&place)?;
    let again = place.types(&["image", "build", IMAGE])?;
    expect(again.status.success() && again.stderr.is_empty(), "it is not built twice")
}

/// Lists and packages were asked for below the time, and what is installed in a machine later will be, too.
fn everything_is_of_that_time(place: &Place) -> Result<(), Failed> {
    let asked = place.snapshots.asked();
    for (archive, suite) in
        [("debian", "trixie"), ("debian", "trixie-updates"), ("debian-security", "trixie-security")]
    {
        for time in ["20251101T000000Z", STATE] {
            let release = format!("/archive/{archive}/{time}/dists/{suite}/InRelease");
            expect(asked.contains(&release), &format!("{release} was asked for: {asked:?}"))?;
        }
    }
    let image = place.image()?;
    let status = output("tar", &["--extract", "--to-stdout", "--file", &image, "./var/lib/dpkg/status"])?;
    let installed = status.lines().filter(|line| *line == "Status: install ok installed").count();
    let of_state = format!("/{STATE}/pool/");
    let packages = asked.iter().filter(|path| path.contains(&of_state) && path.ends_with(".deb")).count();
    expect(packages >= installed && installed > 50, &format!("{installed} installed, {packages} asked for"))?;
    let sources = output("tar", &["--extract", "--to-stdout", "--file", &image, "./etc/apt/sources.list"])?;
    let lines: Vec<&str> = sources.lines().filter(|line| line.starts_with("deb ")).collect();
    let url = place.snapshots.url();
    let is_of_that_time =
        |line: &&str| line.starts_with(&format!("deb {url}/")) && line.contains("/20251101T000000Z ");
    expect(lines.len() == 3 && lines.iter().all(is_of_that_time), &format!("sources.list: {sources}"))
}

fn backports() -> Result<(), Failed> {
    let place = Place::new()?;
    let build = place.types(&["image", "build", "bookworm-backports@20251101"])?;
    expect(build.status.success(), &said(&build))?;
    let release = format!("/archive/debian/{STATE}/dists/bookworm-backports/InRelease");
    expect(place.snapshots.asked().contains(&release), "backports were asked for")?;
    let status =
        output("tar", &["--extract", "--to-stdout", "--file", &place.image()?, "./var/lib/dpkg/status"])?;
    let systemd = status.split("\n\n").find(|package| package.starts_with("Package: systemd\n"));
    expect(
        systemd.is_some_and(|systemd| systemd.contains("\nVersion: 254") && systemd.contains("~bpo12")),
        "systemd is that of the backports",
    )
}

fn before_all() -> Result<(), Failed> {
    let place = Place::new()?;
    let build = place.types(&["image", "build", "trixie@20200101"])?;
    expect(build.status.code() == Some(3), &said(&build))?;
    expect(said(&build).contains("the mirror does not have it: "), &said(&build))?;
    expect(place.image().is_err(), "there is no image")
}

/// A server of snapshots, and a folder with a cache of its own.
struct Place {
    snapshots: Snapshots,
    folder: TempDir,
}

impl Place {
    fn new() -> Result<Self, Failed> {
        Ok(Self { snapshots: Snapshots::serve()?, folder: TempDir::new()? })
    }

    #[expect(clippy::disallowed_methods, reason = "the program is tested from outside")]
    fn types(&self, arguments: &[&str]) -> Result<Output, Failed> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nspawn-matrix"));
        command.args(arguments).env("NSPAWN_MATRIX_CACHE", self.folder.path().join("cache"));
        // What asks for packages by way of a proxy finds the server without it.
        command.env("NSPAWN_MATRIX_SNAPSHOTS", self.snapshots.url()).env("no_proxy", "127.0.0.1");
        Ok(command.output()?)
    }

    /// The file of the only image.
    fn image(&self) -> Result<String, Failed> {
        let files = std::fs::read_dir(self.folder.path().join("cache"))?.flatten().map(|file| file.path());
        let mut images = files.filter(|path| path.extension().is_some_and(|ending| ending == "tar"));
        Ok(images.next().ok_or("there is an image")?.display().to_string())
    }
}

fn said(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes)).concat()
}

/// Gives what a program writes that must succeed.
#[expect(clippy::disallowed_methods, reason = "tar is asked what is in an image")]
fn output(program: &str, arguments: &[&str]) -> Result<String, Failed> {
    let output = Command::new(program).args(arguments).output()?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(format!("{program}: {}", said(&output)).into())
}

fn expect(holds: bool, what: &str) -> Result<(), Failed> {
    if holds { Ok(()) } else { Err(what.to_owned().into()) }
}

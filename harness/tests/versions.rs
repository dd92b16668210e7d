//! What is claimed holds on every version of systemd that there is an image of, and where the machines have another one
//! than the host. The live suite asks everything of one version; here it is a little of all.
//!
//! It needs what live trials need, and is ignored or fails for the same reasons. `NSPAWN_MATRIX_SCENARIOS` names other
//! scenarios, with commas between; `*` is all of them.

mod support;

use std::collections::BTreeSet;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed};
use support::program::{self, Ran};
use support::trial;

/// The images by age, and which systemd they have. The last of them moves on, and then there is nothing claimed of it.
const IMAGES: [(&str, u32); 4] =
    [("bookworm", 252), ("bookworm-backports", 254), ("trixie", 257), ("sid", 262)];

/// A link of its own and a shared one, and settings that differ most between versions.
const SCENARIOS: &str = "default-veth,bridge,nspawn-file-untrusted,bind-options-userns";

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Each takes all cores.
    arguments.test_threads = Some(1);
    let trials = vec![
        trial("are-as-claimed-each", are_as_claimed_each),
        trial("are-as-claimed-in-each-other", are_as_claimed_in_each_other),
    ];
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn are_as_claimed_each() -> Result<(), Failed> {
    let alike = IMAGES.map(|(image, version)| (image, version, image, version));
    met(&run(IMAGES.map(|(image, _)| format!("--image={image}")))?, &alike)
}

fn are_as_claimed_in_each_other() -> Result<(), Failed> {
    let [(old, before), .., (new, after)] = IMAGES;
    let crossed = [
        (old, before, old, before),
        (old, before, new, after),
        (new, after, old, before),
        (new, after, new, after),
    ];
    let sides = ["image", "payload"].map(|side| [old, new].map(|image| format!("--{side}={image}")));
    met(&run(sides.into_iter().flatten())?, &crossed)
}

/// Runs the scenarios.
fn run(images: impl IntoIterator<Item = String>) -> Result<Ran, Failed> {
    let scenarios = std::env::var("NSPAWN_MATRIX_SCENARIOS").unwrap_or_else(|_| SCENARIOS.to_owned());
    let scenarios = scenarios.split(',').map(|scenario| format!("--scenario={scenario}"));
    program::run(scenarios.chain(images).chain(["--samples=4".to_owned()]))
}

/// Whether everything is as claimed, on all pairs of images with these versions and on no other.
fn met(Ran { report, code }: &Ran, pairs: &[(&str, u32, &str, u32)]) -> Result<(), Failed> {
    let red: Vec<String> = report
        .cases
        .iter()
        .filter(|case| !case.verdict.is_green())
        .map(|case| format!("{} on {} is {}: {:?}", case.name(), case.host, case.verdict, case.reason))
        .collect();
    if *code != Some(0) {
        return Err(format!("exit code {code:?}\n{}", red.join("\n")).into());
    }
    let seen: BTreeSet<_> = report
        .hosts
        .iter()
        .map(|host| (&*host.image, host.systemd, &*host.payload, host.payload_systemd))
        .collect();
    let wanted: BTreeSet<_> = pairs
        .iter()
        .map(|(image, host, payload, machine)| (*image, Some(*host), *payload, Some(*machine)))
        .collect();
    if seen == wanted { Ok(()) } else { Err(format!("the hosts were {seen:?}").into()) }
}

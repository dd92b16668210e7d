//! Builds `getaddrinfo/main.rs`, which the probe starts in machines: it is linked to their libc, as the probe is not.

use std::env;
use std::path::Path;

const SOURCE: &str = "getaddrinfo/main.rs";

fn main() {
    println!("cargo::rerun-if-changed={SOURCE}");
    let folder = env::var("OUT_DIR").expect("cargo says where to build");
    let program = Path::new(&folder).join("getaddrinfo");
    // Another libc has no NSS. The probe starts getent(1) there, if there is one.
    if env::var("CARGO_CFG_TARGET_ENV").as_deref() != Ok("gnu") {
        std::fs::write(program, "").expect("write an empty program");
        return;
    }
    #[expect(clippy::disallowed_methods, reason = "a build script is no part of the program")]
    let mut rustc = std::process::Command::new(env::var("RUSTC").expect("cargo names the compiler"));
    rustc.args(["--edition=2024", "--crate-name=getaddrinfo", "--crate-type=bin", "-Dwarnings", "-O"]);
    rustc.args(["-Cpanic=abort", "-Cstrip=symbols", "-Ctarget-feature=-crt-static"]);
    rustc.arg(format!("--target={}", env::var("TARGET").expect("cargo names the target")));
    if let Ok(linker) = env::var("RUSTC_LINKER") {
        rustc.arg(format!("-Clinker={linker}"));
    }
    let status = rustc.arg("-o").arg(program).arg(SOURCE).status();
    assert!(status.expect("the compiler starts").success(), "{SOURCE} could not be built");
}

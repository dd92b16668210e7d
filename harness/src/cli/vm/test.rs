//! `nspawn-matrix vm test`: the runner of `cargo test`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use nix::sys::prctl;
use nix::sys::signal::{SigHandler, Signal, raise};
use nspawn_matrix_vm::{self as vm, Chosen, Life, Place, Store, Vm, VmError};

use super::{accelerated, image, unable, wrong_name};
use crate::chain::chain;
use crate::cli::Failure;
use crate::command::Command;
use crate::enter;
use crate::image::default_folder;
use crate::runner::{self, Errand, Outcome, Owner, Shared};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// arch, or a suite of Debian: bookworm, trixie or sid
    #[arg(long, default_value = "trixie")]
    image: String,
    /// The process whose end is the end of the virtual machine [default: cargo, or nextest]
    #[arg(long, value_name = "PID")]
    owner: Option<i32>,
    /// Pass on this variable of the environment too
    #[arg(long, value_name = "NAME")]
    env: Vec<String>,
    /// The program and its arguments, as cargo adds them
    #[arg(last = true, required = true)]
    argv: Vec<OsString>,
}

#[derive(Debug, clap::Args)]
pub(super) struct Session {
    image: String,
    owner: i32,
    /// Where images are kept
    #[arg(long, env = "NSPAWN_MATRIX_CACHE")]
    images: Option<PathBuf>,
}

/// Runs the program in the machine of its cargo, and ends as it does.
pub(super) async fn test(store: &Store, arguments: Arguments) -> Result<ExitCode, Failure> {
    let Arguments { image, owner, env, argv } = arguments;
    let (owner, place) = runner::place(owner).map_err(failed)?;
    let words = ["vm", "session", &image, &owner.to_string()].map(OsString::from);
    let session = Command::new(enter::SELF, words).env("NSPAWN_MATRIX_VM_CACHE", store.folder());
    let (endpoint, shared) = runner::reach(&place, session).await.map_err(failed)?;
    let folder = std::env::current_dir().map_err(|error| failed(error.into()))?;
    let errand = Errand { argv, folder, environment: runner::environment(&env) };
    match errand.run(&endpoint, &place, &shared).await.map_err(failed)? {
        Outcome::Exited(code) => Ok(ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX))),
        Outcome::Killed(signal) => Err(end_by(signal)),
    }
}

/// Ends as the program did, without a core file of our own; comes back if that signal does not end us.
fn end_by(signal: i32) -> Failure {
    let raised = Signal::try_from(signal).and_then(|signal| {
        prctl::set_dumpable(false)?;
        // Rust has handlers of its own for some.
        // SAFETY: no handler is set, but taken away.
        unsafe { nix::sys::signal::signal(signal, SigHandler::SigDfl) }?;
        raise(signal)
    });
    let reason = raised.map_or_else(|error| format!(": {error}"), |()| String::new());
    Failure::unable(format!("the program was ended by signal {signal}{reason}"))
}

/// Boots the machine, and has it until its owner has ended.
pub(super) async fn session(store: &Store, arguments: Session) -> Result<(), Failure> {
    // Ctrl-C is for cargo. This process leads no group, so it can have a session of its own.
    nix::unistd::setsid().map_err(|error| failed(error.into()))?;
    let owner = Owner::hold(arguments.owner).map_err(|error| failed(error.into()))?;
    let (_, place) = runner::place(Some(arguments.owner)).map_err(failed)?;
    let images = arguments.images.unwrap_or_else(default_folder);
    let session = tokio::select! {
        session = boot(store, &arguments.image, images, &place) => session?,
        // What was started is dropped here, and killed.
        () = owner.ended() => return clear(&place).await,
    };
    let Some(session) = session else { return Ok(()) };
    session.tell().map_err(failed)?;
    session.serve(&owner).await.map_err(failed)
}

/// Gives a machine that is ready for errands; none if another process has started it meanwhile.
async fn boot(
    store: &Store,
    name: &str,
    images: PathBuf,
    place: &Place,
) -> Result<Option<runner::Session>, Failure> {
    let shared = Shared::find(images).await.map_err(failed)?;
    let chosen = Chosen::named(name).map_err(wrong_name)?;
    let image = image(store, &chosen).await?;
    let (qemu, accel) = accelerated(store, &image).await?;
    let shares = shared.shares(place);
    let start = vm::Start {
        qemu: &qemu,
        accel,
        spec: &chosen.spec,
        image: &image,
        place,
        extra: &[],
        shares: &shares,
    };
    let vm = match Vm::start(start, Life::Tied).await {
        Err(VmError::Running { .. }) => return Ok(None),
        started => started.map_err(unable)?,
    };
    Ok(Some(runner::Session::prepare(vm, &shared).await.map_err(failed)?))
}

async fn clear(place: &Place) -> Result<(), Failure> {
    match vm::down(place).await {
        Ok(()) | Err(VmError::NotRunning { .. }) => Ok(()),
        Err(error) => Err(unable(error)),
    }
}

fn failed(error: anyhow::Error) -> Failure {
    match error.downcast::<VmError>() {
        Ok(error) => unable(error),
        Err(error) => Failure::unable(chain(error)),
    }
}

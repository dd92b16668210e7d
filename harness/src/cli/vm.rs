//! `nspawn-matrix vm`.

mod test;

use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Subcommand;
use nspawn_matrix_scenarios::shell::command_line;
use nspawn_matrix_vm::{
    self as vm, Accel, Boot, Chosen, Endpoint, Image, Life, Origin, Place, Qemu, Store, Vm, VmError,
};
use time::macros::format_description;

use super::Failure;
use crate::chain::chain;
use crate::host::Kind;
use crate::interruption;
use crate::setup::{self, Need, PackageManager};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Folder in which the images of virtual machines are kept [default: nspawn-matrix/vm below ~/.cache]
    #[arg(long = "cache", global = true, value_name = "DIR", env = "NSPAWN_MATRIX_VM_CACHE")]
    cache: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Build or download an image, unless it is there already.
    Build(Which),
    /// List the images that there are.
    Images,
    /// Remove an image.
    Rm {
        /// Its name, as `vm images` prints it
        image: String,
    },
    /// Print the commands that boot a virtual machine and log in to it, to be typed by hand.
    Config(Which),
    /// Boot a virtual machine, and come back when its ssh answers.
    Up {
        #[command(flatten)]
        which: Which,
        /// Stay, and end the machine with Ctrl-C
        #[arg(long)]
        foreground: bool,
    },
    /// Log in to a virtual machine.
    Ssh(Running),
    /// Run a command in a virtual machine; its exit code becomes ours.
    Exec {
        #[command(flatten)]
        running: Running,
        /// The command and its arguments
        #[arg(last = true, required = true)]
        argv: Vec<String>,
    },
    /// Shut a virtual machine down; nothing of it is left.
    Down(Running),
    /// List the virtual machines.
    List,
    /// Run a test program in a virtual machine, as the runner of `cargo test`.
    Test(test::Arguments),
    /// Have the virtual machine that test programs run in.
    #[command(hide = true)]
    Session(test::Session),
}

#[derive(Debug, clap::Args)]
struct Which {
    /// arch, or a suite of Debian: bookworm, trixie or sid
    #[arg(default_value = "trixie")]
    image: String,
}

#[derive(Debug, clap::Args)]
struct Running {
    /// The virtual machine; may be left out if there is only one
    name: Option<String>,
}

pub(super) async fn vm(arguments: Arguments) -> Result<ExitCode, Failure> {
    let store = arguments.cache.map_or_else(Store::of_this_user, Store::open);
    match arguments.command {
        Command::Build(which) => {
            let chosen = Chosen::named(&which.image).map_err(wrong_name)?;
            say!("{}", image(&store, &chosen).await?.disk().display());
        }
        Command::Images => store.list().map_err(unable)?.iter().for_each(print),
        Command::Rm { image } => {
            for entry in store.remove(&image).map_err(unable)? {
                say!("removed {}", entry.id());
            }
        }
        Command::Config(which) => config(&store, &which.image).await?,
        Command::Up { which, foreground } => return up(&store, &which.image, foreground).await,
        Command::Ssh(running) => return Err(become_ssh(&endpoint(running).await?, None)),
        Command::Exec { running, argv } => {
            return Err(become_ssh(&endpoint(running).await?, Some(&command_line(&argv))));
        }
        Command::Down(running) => vm::down(&place(running)?).await.map_err(unable)?,
        Command::List => list().await?,
        Command::Test(arguments) => return test::test(&store, arguments).await,
        Command::Session(arguments) => test::session(&store, arguments).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn up(store: &Store, name: &str, foreground: bool) -> Result<ExitCode, Failure> {
    let chosen = Chosen::named(name).map_err(wrong_name)?;
    let image = image(store, &chosen).await?;
    let (qemu, accel) = accelerated(store, &image).await?;
    let place = Place::new(&vm::runtime_folder(), &chosen.suite).map_err(unable)?;
    let mut interrupted =
        interruption::listen().map_err(|error| Failure::unable(format!("signals: {error}")))?;
    let start = vm::Start {
        qemu: &qemu,
        accel,
        spec: &chosen.spec,
        image: &image,
        place: &place,
        extra: &[],
        shares: &[],
    };
    let life = if foreground { Life::Tied } else { Life::Own };
    let began = Instant::now();
    let mut vm = tokio::select! {
        started = Vm::start(start, life) => started.map_err(unable)?,
        // What was started is dropped here, and killed.
        _ = interrupted.changed() => {
            vm::down(&place).await.map_err(unable)?;
            return Ok(ExitCode::from(interruption::EXIT_CODE));
        }
    };
    tell!("`{}` answers after {:.1} s", place.name(), began.elapsed().as_secs_f64());
    if !foreground {
        say!("{}", command_line(&vm.leave().argv(None)));
        return Ok(ExitCode::SUCCESS);
    }
    say!("{}", command_line(&vm.endpoint().argv(None)));
    let code = tokio::select! {
        ended = vm.ended() => ended.map(|()| ExitCode::SUCCESS),
        _ = interrupted.changed() => Ok(ExitCode::from(interruption::EXIT_CODE)),
    };
    vm.down().await.and(code).map_err(unable)
}

/// Prints what `up` would do, with a port that is free now.
async fn config(store: &Store, name: &str) -> Result<(), Failure> {
    let chosen = Chosen::named(name).map_err(wrong_name)?;
    check_tools(&chosen)?;
    let image = store.find(&chosen).map_err(unable)?;
    let (qemu, accel) = accelerated(store, &image).await?;
    let place = Place::new(&vm::runtime_folder(), &chosen.suite).map_err(unable)?;
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|socket| socket.local_addr());
    let port = free.map_err(|error| Failure::unable(format!("find a free port: {error}")))?.port();
    let boot = Boot {
        qemu: &qemu.path,
        accel,
        spec: &chosen.spec,
        image: &image,
        place: &place,
        extra: &[],
        shares: &[],
        port,
    };
    place.prepare(&chosen.spec).await.map_err(unable)?;
    say!("{}", command_line(&vm::argv(&boot)));
    say!("{}", command_line(&Endpoint::new(place, port).argv(None)));
    Ok(())
}

async fn list() -> Result<(), Failure> {
    for place in vm::list(&vm::runtime_folder()).map_err(unable)? {
        let state = match (place.is_running(), place.has_booted()) {
            (false, _) => format!("ended, see {}", place.console().display()),
            (true, false) => "boots".to_owned(),
            (true, true) => match vm::find(&place).await {
                Ok(endpoint) => format!("answers on port {} of 127.0.0.1", endpoint.port()),
                Err(error) => chain(error),
            },
        };
        say!("{:<20} {state}", place.name());
    }
    Ok(())
}

fn print(entry: &vm::Entry) {
    let format = format_description!("[year]-[month]-[day] [hour]:[minute]");
    let built = time::OffsetDateTime::from(entry.built).format(&format).unwrap_or_default();
    let note = if entry.current { "" } else { "  of an older recipe" };
    say!("{:<40} {:>6} MB  {built} UTC{note}", entry.id(), entry.bytes / 1_000_000);
}

/// Builds the image or finds it.
async fn image(store: &Store, chosen: &Chosen) -> Result<Image, Failure> {
    check_tools(chosen)?;
    store.build(chosen, |line| tell!("{line}")).await.map_err(unable)
}

/// Says what a machine is run by, if that is not the best there is.
async fn accelerated(store: &Store, image: &Image) -> Result<(Qemu, Accel), Failure> {
    let qemu = Qemu::find().await.map_err(unable)?;
    let choice = Accel::choose(&qemu, store.trial_kernel(image).as_deref()).await.map_err(unable)?;
    if let Some(line) = choice.describe() {
        tell!("{line}");
    }
    Ok((qemu, choice.accel))
}

fn check_tools(chosen: &Chosen) -> Result<(), Failure> {
    let is_needed = |need| match (need, &chosen.spec.origin) {
        (Need::Always | Need::Speed, _)
        | (Need::DebianImages, Origin::Build(_))
        | (Need::CloudImages, Origin::Download(_)) => true,
        (Need::DebianImages, Origin::Download(_))
        | (Need::CloudImages, Origin::Build(_))
        | (Need::Machines | Need::Tests, _) => false,
    };
    let missing: Vec<_> = setup::missing(Kind::Vm).into_iter().filter(|tool| is_needed(tool.need)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let text = setup::describe(&missing, PackageManager::detect());
    Err(Failure::unable(text.trim_end()).hint("`nspawn-matrix setup --host vm`, as root, does that too"))
}

async fn endpoint(running: Running) -> Result<Endpoint, Failure> {
    vm::find(&place(running)?).await.map_err(unable)
}

/// The machine of that name, or the only one.
fn place(running: Running) -> Result<Place, Failure> {
    let root = vm::runtime_folder();
    if let Some(name) = running.name {
        return Place::new(&root, &name).map_err(unable);
    }
    let mut places = vm::list(&root).map_err(unable)?;
    match places.len() {
        0 => Err(Failure::usage("there is no virtual machine").hint("nspawn-matrix vm up")),
        1 => Ok(places.remove(0)),
        _ => {
            let names: Vec<&str> = places.iter().map(Place::name).collect();
            Err(Failure::usage("there is more than one virtual machine")
                .hint(format!("name one of {}", names.join(", "))))
        }
    }
}

/// Comes back only if that fails.
fn become_ssh(endpoint: &Endpoint, command: Option<&str>) -> Failure {
    unable(vm::become_program(&endpoint.argv(command)))
}

fn wrong_name(error: vm::SpecError) -> Failure {
    Failure::usage(chain(error))
}

fn unable(error: VmError) -> Failure {
    let hint = error.hint();
    Failure::unable(chain(error)).maybe_hint(hint)
}

//! `nspawn-matrix image`.

use std::process::ExitCode;

use clap::Subcommand;
use time::macros::format_description;

use super::{Cache, Failure};
use crate::chain::chain;
use crate::image::{Entry, ImageError, Pairs, Recipe, Store};
use crate::prepare::Unable;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    cache: Cache,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Build an image, unless it is there already.
    Build {
        /// A Debian suite, also as it was (trixie@20251101), arch, a tar file, a directory, or a configuration of pacman (*.conf)
        #[arg(default_value = "trixie")]
        image: String,
    },
    /// List the images that are there.
    List,
    /// Remove an image.
    Rm {
        /// Its name, as `image list` prints it
        name: String,
    },
}

pub(super) async fn image(arguments: Arguments) -> Result<ExitCode, Failure> {
    let store = Store::open(arguments.cache.folder());
    match arguments.command {
        Command::Build { image } => {
            let recipe = parse(&image)?;
            let built = store.build(&recipe, |line| tell!("{line}")).await.map_err(Unable::from)?;
            say!("{}", built.path.display());
        }
        Command::List => store.list().map_err(Unable::from)?.iter().for_each(print),
        Command::Rm { name } => {
            let removed = store.remove(&name).map_err(usage)?;
            for entry in removed {
                say!("removed {}", entry.id());
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What `--image` and `image build` name.
pub(super) fn parse(image: &str) -> Result<Recipe, Failure> {
    Recipe::parse(image).map_err(usage)
}

/// What `--image` and `--payload` name together.
pub(super) fn pairs(images: &[String], payloads: &[String]) -> Result<Pairs, Failure> {
    let parse = |names: &[String]| names.iter().map(|name| parse(name)).collect::<Result<Vec<_>, _>>();
    Pairs::crossed(&parse(images)?, &parse(payloads)?).map_err(usage)
}

pub(super) fn usage(error: ImageError) -> Failure {
    let hint = error.hint();
    Failure::usage(chain(error)).maybe_hint(hint)
}

fn print(entry: &Entry) {
    let format = format_description!("[year]-[month]-[day] [hour]:[minute]");
    let built = time::OffsetDateTime::from(entry.built).format(&format).unwrap_or_default();
    let note = if entry.current { "" } else { "  of an older recipe" };
    say!("{:<40} {:>6} MB  {built} UTC{note}", entry.id(), entry.bytes / 1_000_000);
}

//! `nspawn-matrix show`.

use std::process::ExitCode;

use nspawn_matrix_scenarios::{scenario_file, shell};

use super::own::OwnArguments;
use super::{Failure, selection};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Name of the scenario.
    #[arg(required_unless_present_any = ["nspawn", "scenario_file"], conflicts_with_all = ["nspawn", "scenario_file"])]
    scenario: Option<String>,
    /// Print it as a file for --scenario-file, to begin your own with
    #[arg(long)]
    toml: bool,
    #[command(flatten)]
    own: OwnArguments,
}

pub(super) fn show(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let scenarios = match &arguments.scenario {
        Some(name) => vec![selection::scenario(name)?],
        None => {
            let own = arguments.own.read(&[None])?;
            own.told.iter().for_each(|line| tell!("{line}"));
            own.scenarios
        }
    };
    let print =
        |scenario| if arguments.toml { scenario_file::write(scenario) } else { shell::script(scenario) };
    let printed: Vec<String> = scenarios.iter().map(print).collect();
    say!("{}", printed.join("\n").trim_end());
    Ok(ExitCode::SUCCESS)
}

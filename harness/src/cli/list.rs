//! `nspawn-matrix list`.

use std::process::ExitCode;

use nspawn_matrix_scenarios::{Check, Claim};

use super::own::OwnArguments;
use super::{Failure, selection};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Print what is claimed of each scenario, and why
    #[arg(long)]
    claims: bool,
    /// Only these scenarios; * stands for anything
    #[arg(long, value_name = "GLOB")]
    scenario: Vec<String>,
    #[command(flatten)]
    own: OwnArguments,
}

pub(super) fn list(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let own = arguments.own.read(None)?;
    let scenarios = selection::with_own(own.scenarios, &arguments.scenario)?;
    if arguments.claims {
        for scenario in scenarios {
            say!("{}: {}", scenario.name, scenario.summary);
            for claim in &scenario.claims {
                say!("  {} ({}): {}", claim.check, scope(claim), claim.expectation);
                say!("      {}{}", if claim.is_fault { "known fault: " } else { "" }, claim.reason);
                if !claim.link.is_empty() {
                    say!("      {}", claim.link);
                }
            }
        }
        return Ok(ExitCode::SUCCESS);
    }
    say!("Scenarios");
    let width = scenarios.iter().map(|scenario| scenario.name.len()).max().unwrap_or_default();
    for scenario in scenarios {
        say!("  {:width$}  {}", scenario.name, scenario.summary);
    }
    say!("\nChecks");
    let width = Check::ALL.iter().map(|check| check.name().len()).max().unwrap_or_default();
    for check in Check::ALL {
        say!("  {:width$}  {}", check.name(), check.question());
    }
    Ok(ExitCode::SUCCESS)
}

/// What a claim is about: `systemd 252-262, machines 252-262, stray-lease yes`.
fn scope(claim: &Claim) -> String {
    let when = claim.when.iter().map(|(setting, value)| format!(", {setting} {value}"));
    format!("systemd {}, machines {}{}", claim.host, claim.payload, when.collect::<String>())
}

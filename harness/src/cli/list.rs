//! `nspawn-matrix list`.

use std::process::ExitCode;

use nspawn_matrix_reports::table::wrap;
use nspawn_matrix_scenarios::{Check, Claim, Known, catalogue, fault, profile};

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
    let own = arguments.own.read(&[None])?;
    let scenarios = selection::with_own(own.scenarios, &arguments.scenario)?;
    let lines = Lines { width: width() };
    if arguments.claims {
        for scenario in scenarios {
            lines.say("", "  ", &format!("{}: {}", scenario.name, scenario.summary));
            for claim in &scenario.claims {
                lines.say(
                    "  ",
                    "      ",
                    &format!("{} ({}): {}", claim.check, scope(claim), claim.expectation),
                );
                let known = match claim.known {
                    Some(Known::Fault) => "known fault: ",
                    Some(Known::Chance) => "by chance: ",
                    None => "",
                };
                lines.say("      ", "      ", &format!("{known}{}", claim.reason));
                if !claim.link.is_empty() {
                    lines.say("      ", "      ", &claim.link);
                }
            }
        }
        return Ok(ExitCode::SUCCESS);
    }
    say!("Scenarios");
    let label = scenarios.iter().map(|scenario| scenario.name.len()).max().unwrap_or_default();
    for scenario in scenarios {
        lines.say_labelled(&scenario.name, label, &scenario.summary);
    }
    lines.say("\n", "", &format!("--scenario {} means {}", selection::NOTES, catalogue::NOTES.join(", ")));
    say!("\nProfiles");
    let profiles = profile::all();
    let label = profiles.iter().map(|profile| profile.name.len()).max().unwrap_or_default();
    for profile in profiles {
        lines.say_labelled(&profile.name, label, &profile.summary);
    }
    say!("\nFaults");
    let faults = fault::all();
    let label = faults.iter().map(|fault| fault.name.len()).max().unwrap_or_default();
    for fault in faults {
        lines.say_labelled(&fault.name, label, &fault.summary);
    }
    say!("\nChecks");
    let label = Check::all().iter().map(|check| check.name().len()).max().unwrap_or_default();
    for check in Check::all() {
        lines.say_labelled(&check.name(), label, &check.question());
    }
    Ok(ExitCode::SUCCESS)
}

/// The width of the terminal; no end to it where standard output is none, so that each entry is one line to grep.
fn width() -> u16 {
    terminal_size::terminal_size_of(std::io::stdout())
        .map_or(u16::MAX, |(terminal_size::Width(width), _)| width)
}

/// Writes lines that are no wider than the terminal.
struct Lines {
    width: u16,
}

impl Lines {
    fn say(&self, first: &str, rest: &str, text: &str) {
        say!("{}", wrap(text, self.width, first, rest));
    }

    /// What does not fit hangs beside the label.
    fn say_labelled(&self, label: &str, label_width: usize, text: &str) {
        self.say(&format!("  {label:label_width$}  "), &" ".repeat(label_width + 4), text);
    }
}

/// What a claim is about: `systemd 252-262, machines 252-262, stray-lease yes`.
fn scope(claim: &Claim) -> String {
    let when = claim.when.iter().map(|(setting, value)| format!(", {setting} {value}"));
    format!("systemd {}, machines {}{}", claim.host, claim.payload, when.collect::<String>())
}

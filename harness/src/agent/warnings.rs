//! What systemd said about settings that it does not take.
//!
//! It warns and goes on, so that a setting with a slip in it looks as if it had no effect. Its parsers mark what they
//! say with a message id, whoever they work for; the rest is told by who said it. A machine of a command line has no
//! journal on the host: there systemd-nspawn speaks on the console, before it starts the machine.

use std::collections::{BTreeMap, BTreeSet};

use nspawn_matrix_scenarios::launch;
use serde_json::Value;

use super::journal::message;
use super::launch::is_greeting;
use super::main_process::MainProcess;
use crate::command::Command;

/// `SD_MESSAGE_CONFIG_ERROR` (sd-messages.h): whatever a parser of configuration files says.
const CONFIG_ERROR: &str = "c772d24e9a884cbeb9ea12625c306c01";

/// What a line about a setting holds, where there is no message id.
const WORDS: [&str; 4] = ["gnoring", "Unknown key", "Unknown section", "Failed to parse"];

/// What systemd-nspawn says when it has read its settings; all that follows comes from the machine.
const SPAWNING: &str = "Spawning container ";

/// Gathers what was said since the host booted, each thing once. What cannot be read has nothing to tell.
pub(super) async fn gather(machines: &[String]) -> Vec<String> {
    // journald takes messages one after the other; those already sent are to be in.
    let _ = Command::new("journalctl", ["--sync"]).end().await;
    let arguments = ["--boot", "--priority=warning", "--output=json", "--no-pager"];
    let journal = Command::new("journalctl", arguments).output().await.unwrap_or_default();
    let mut speakers = BTreeMap::new();
    for machine in machines {
        let main = MainProcess::of(&launch::unit(machine)).await.unwrap_or_default();
        speakers.extend(main.pid.map(|pid| (pid, machine.clone())));
    }
    let mut warnings = from_journal(&journal, &speakers);
    // Up to systemd 254 systemd-nspawn writes its warnings to its standard error, where they have no priority.
    let arguments = ["--boot", "--identifier=systemd-nspawn", "--output=json", "--no-pager"];
    let nspawn = Command::new("journalctl", arguments).output().await.unwrap_or_default();
    warnings.extend(from_standard_error(&nspawn, &speakers));
    for machine in machines {
        if let Ok(console) = std::fs::read(super::launch::console(machine)) {
            warnings.extend(from_console(machine, &String::from_utf8_lossy(&console)));
        }
    }
    let mut seen = BTreeSet::new();
    warnings.retain(|warning| seen.insert(warning.clone()));
    warnings
}

/// The machines by the ids of their systemd-nspawn, where that is the main process of a unit. Where it is gone before
/// journald looks, an entry does not name the unit.
type Speakers = BTreeMap<i32, String>;

/// Picks from `journalctl --output=json`, an object on each line.
fn from_journal(journal: &str, speakers: &Speakers) -> Vec<String> {
    let entries = journal.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    entries.filter(is_about_settings).filter_map(|entry| told(&entry, speakers)).collect()
}

/// Picks from the journal of systemd-nspawn what it wrote before the machine on the same stream said its first word.
fn from_standard_error(journal: &str, speakers: &Speakers) -> Vec<String> {
    let mut greeted = BTreeSet::new();
    let mut warnings = Vec::new();
    for entry in journal.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
        let Some(text) = entry.get("MESSAGE").and_then(message) else { continue };
        let unit = entry.get("_SYSTEMD_UNIT").and_then(Value::as_str).unwrap_or_default();
        if is_greeting(&text) {
            greeted.insert(unit.to_owned());
        } else if !greeted.contains(unit) && is_about_a_setting(&text) {
            warnings.extend(told(&entry, speakers));
        }
    }
    warnings
}

/// The message, with the machine before it where it does not name a file.
fn told(entry: &Value, speakers: &Speakers) -> Option<String> {
    let message = message(entry.get("MESSAGE")?)?;
    let field = |name: &str| entry.get(name).and_then(Value::as_str);
    let machine = match field("_SYSTEMD_UNIT") {
        Some(unit) => unit.strip_prefix("systemd-nspawn@").and_then(|unit| unit.strip_suffix(".service")),
        None => field("_PID").and_then(|pid| speakers.get(&pid.parse().ok()?)).map(String::as_str),
    };
    Some(with_machine(machine, message))
}

fn with_machine(machine: Option<&str>, message: String) -> String {
    match machine {
        Some(machine) if !message.starts_with('/') => format!("{machine}: {message}"),
        Some(_) | None => message,
    }
}

fn is_about_settings(entry: &Value) -> bool {
    let field = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
    let says = || entry.get("MESSAGE").and_then(message).is_some_and(|text| is_about_a_setting(&text));
    if field("MESSAGE_ID") == CONFIG_ERROR {
        return true;
    }
    match field("SYSLOG_IDENTIFIER") {
        // What its standard output holds is the console of the machine.
        "systemd-nspawn" => field("_TRANSPORT") != "stdout",
        "systemd" | "systemd-networkd" => says(),
        _ => false,
    }
}

fn is_about_a_setting(text: &str) -> bool {
    WORDS.iter().any(|words| text.contains(words))
}

/// Picks from the console of a command line.
fn from_console(machine: &str, console: &str) -> Vec<String> {
    let own = console.lines().take_while(|line| !line.contains(SPAWNING));
    own.filter(|line| is_about_a_setting(line))
        .map(|line| with_machine(Some(machine), line.trim().to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_warning_of_systemd_nspawn_is_told_once_with_its_machine(
            said in prop::collection::vec(("[A-Z][a-z]{0,12} \\PC{0,12}", prop::option::of(1..9_i32)), 0..8),
        ) {
            let speakers: Speakers = (1..9).map(|pid| (pid, format!("m{pid}"))).collect();
            let entry = |(message, pid): &(String, Option<i32>)| {
                let mut entry = serde_json::json!({
                    "MESSAGE": message, "SYSLOG_IDENTIFIER": "systemd-nspawn", "_TRANSPORT": "journal",
                });
                if let Some(pid) = pid {
                    entry["_PID"] = pid.to_string().into();
                }
                format!("{entry}\nnot JSON\n")
            };
            let told = from_journal(&said.iter().map(entry).collect::<String>(), &speakers);
            let wanted: Vec<String> = said
                .into_iter()
                .map(|(message, pid)| pid.map_or(message.clone(), |pid| format!("m{pid}: {message}")))
                .collect();
            prop_assert_eq!(told, wanted);
        }

        #[test]
        fn what_is_said_on_a_console_before_the_machine_is_told_line_by_line(
            before in prop::collection::vec("\\PC{0,12}", 0..5),
            after in prop::collection::vec("\\PC{0,12}", 0..5),
        ) {
            let warnings = before.iter().map(|words| format!("x{words}: Unknown key"));
            let console: Vec<String> = warnings
                .chain([format!("{SPAWNING}a on /var/lib/machines/a.")])
                .chain(after.iter().map(|words| format!("{words}: Unknown key")))
                .collect();
            prop_assert_eq!(from_console("a", &console.join("\n")).len(), before.len());
        }

        #[test]
        fn no_journal_and_no_console_makes_the_reader_panic(text in "(\\PC|\n|\r){0,80}") {
            let _ = (from_journal(&text, &Speakers::new()), from_standard_error(&text, &Speakers::new()));
            let _ = from_console("a", &text);
        }
    }

    #[test]
    fn parsers_and_systemd_nspawn_are_heard_and_machines_are_not() {
        let journal = r#"{"MESSAGE":"/etc/systemd/nspawn/a.nspawn:3: Unknown key 'Bnd' in section [Files], ignoring.","MESSAGE_ID":"c772d24e9a884cbeb9ea12625c306c01","SYSLOG_IDENTIFIER":"systemd-nspawn","_TRANSPORT":"journal"}
{"MESSAGE":"Ignoring network settings, file /var/lib/machines/a.nspawn is not trusted.","SYSLOG_IDENTIFIER":"systemd-nspawn","_TRANSPORT":"journal"}
{"MESSAGE":"Unknown key of a unit of the machine, ignoring.","SYSLOG_IDENTIFIER":"systemd-nspawn","_TRANSPORT":"stdout"}
{"MESSAGE":"Invalid bind mount option: idmpa","SYSLOG_IDENTIFIER":"systemd-nspawn","_TRANSPORT":"journal","_SYSTEMD_UNIT":"systemd-nspawn@a.service"}
{"MESSAGE":"Invalid bind mount option: idmpb","SYSLOG_IDENTIFIER":"systemd-nspawn","_TRANSPORT":"journal","_PID":"7"}
{"MESSAGE":"Invalid bind mount option: idmpc","SYSLOG_IDENTIFIER":"systemd-nspawn","_TRANSPORT":"journal","_PID":"8"}
{"MESSAGE":"br0: Could not set address, ignoring","SYSLOG_IDENTIFIER":"systemd-networkd","_TRANSPORT":"journal"}
{"MESSAGE":"br0: Lost carrier","SYSLOG_IDENTIFIER":"systemd-networkd","_TRANSPORT":"journal"}
{"MESSAGE":"ignoring something else","SYSLOG_IDENTIFIER":"dbus-daemon","_TRANSPORT":"stdout"}
{"MESSAGE":[85,110,107,110,111,119,110,32,107,101,121,32,255],"MESSAGE_ID":"c772d24e9a884cbeb9ea12625c306c01"}
not JSON"#;
        assert_eq!(
            from_journal(journal, &Speakers::from([(7, "b".to_owned())])),
            [
                "/etc/systemd/nspawn/a.nspawn:3: Unknown key 'Bnd' in section [Files], ignoring.",
                "Ignoring network settings, file /var/lib/machines/a.nspawn is not trusted.",
                "a: Invalid bind mount option: idmpa",
                "b: Invalid bind mount option: idmpb",
                "Invalid bind mount option: idmpc",
                "br0: Could not set address, ignoring",
                "Unknown key \u{fffd}",
            ]
        );
    }

    #[test]
    fn standard_error_is_read_until_the_machine_of_the_unit_speaks() {
        let entry = |unit: &str, message: &str| {
            let unit = format!("systemd-nspawn@{unit}.service");
            serde_json::json!({ "MESSAGE": message, "_SYSTEMD_UNIT": unit }).to_string()
        };
        let untrusted = "Ignoring network settings, file /x is not trusted.";
        let journal = [
            entry("a", "systemd 252.39 running in system mode (+PAM)"),
            entry("a", untrusted),
            entry("b", untrusted),
            "not JSON".to_owned(),
        ];
        assert_eq!(from_standard_error(&journal.join("\n"), &Speakers::new()), [format!("b: {untrusted}")]);
    }

    #[test]
    fn a_console_is_read_until_the_machine_speaks() {
        let console = "/etc/systemd/nspawn/a.nspawn:1: Unknown section 'File'. Ignoring.\r\n\
                       Ignoring network settings, file x is not trusted.\n\
                       Spawning container a on /var/lib/machines/a.\n\
                       /etc/systemd/system.conf:9: Unknown key 'X', ignoring.\n";
        assert_eq!(
            from_console("a", console),
            [
                "/etc/systemd/nspawn/a.nspawn:1: Unknown section 'File'. Ignoring.",
                "a: Ignoring network settings, file x is not trusted.",
            ]
        );
    }
}

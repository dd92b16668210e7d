//! What systemd said about settings that it does not take.
//!
//! It warns and goes on, so that a setting with a slip in it looks as if it had no effect. Its parsers mark what they
//! say with a message id, whoever they work for; the rest is told by who said it. A machine of a command line has no
//! journal on the host: there systemd-nspawn speaks on the console, before it starts the machine.

use std::collections::BTreeSet;

use serde_json::Value;

use super::journal::message;
use super::launch::is_greeting;
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
    let mut warnings = from_journal(&journal);
    // Up to systemd 254 systemd-nspawn writes its warnings to its standard error, where they have no priority.
    let arguments = ["--boot", "--identifier=systemd-nspawn", "--output=json", "--no-pager"];
    let nspawn = Command::new("journalctl", arguments).output().await.unwrap_or_default();
    warnings.extend(from_standard_error(&nspawn));
    for machine in machines {
        if let Ok(console) = std::fs::read(super::launch::console(machine)) {
            warnings.extend(from_console(machine, &String::from_utf8_lossy(&console)));
        }
    }
    let mut seen = BTreeSet::new();
    warnings.retain(|warning| seen.insert(warning.clone()));
    warnings
}

/// Picks from `journalctl --output=json`, an object on each line.
fn from_journal(journal: &str) -> Vec<String> {
    let entries = journal.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    entries.filter(is_about_settings).filter_map(|entry| told(&entry)).collect()
}

/// Picks from the journal of systemd-nspawn what it wrote before the machine on the same stream said its first word.
fn from_standard_error(journal: &str) -> Vec<String> {
    let mut greeted = BTreeSet::new();
    let mut warnings = Vec::new();
    for entry in journal.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
        let Some(text) = entry.get("MESSAGE").and_then(message) else { continue };
        let unit = entry.get("_SYSTEMD_UNIT").and_then(Value::as_str).unwrap_or_default();
        if is_greeting(&text) {
            greeted.insert(unit.to_owned());
        } else if !greeted.contains(unit) && is_about_a_setting(&text) {
            warnings.extend(told(&entry));
        }
    }
    warnings
}

/// The message, with the machine before it where it does not name a file.
fn told(entry: &Value) -> Option<String> {
    let message = message(entry.get("MESSAGE")?)?;
    let unit = entry.get("_SYSTEMD_UNIT").and_then(Value::as_str);
    let machine = unit.and_then(|unit| unit.strip_prefix("systemd-nspawn@")?.strip_suffix(".service"));
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
    use super::*;

    #[test]
    fn parsers_and_systemd_nspawn_are_heard_and_machines_are_not() {
        let journal = r#"{"MESSAGE":"/etc/systemd/nspawn/a.nspawn:3: Unknown key 'Bnd' in section [Files], ignoring.","MESSAGE_ID":"c772d24e9a884cbeb9ea12625c306c01","SYSLOG_IDENTIFIER":"systemd-nspawn","_TRANSPORT":"journal"}
{"MESSAGE":"Ignoring network settings, file /var/lib/machines/a.nspawn is not trusted.","SYSLOG_IDENTIFIER":"systemd-nspawn","_TRANSPORT":"journal"}
{"MESSAGE":"Unknown key of a unit of the machine, ignoring.","SYSLOG_IDENTIFIER":"systemd-nspawn","_TRANSPORT":"stdout"}
{"MESSAGE":"Invalid bind mount option: idmpa","SYSLOG_IDENTIFIER":"systemd-nspawn","_TRANSPORT":"journal","_SYSTEMD_UNIT":"systemd-nspawn@a.service"}
{"MESSAGE":"br0: Could not set address, ignoring","SYSLOG_IDENTIFIER":"systemd-networkd","_TRANSPORT":"journal"}
{"MESSAGE":"br0: Lost carrier","SYSLOG_IDENTIFIER":"systemd-networkd","_TRANSPORT":"journal"}
{"MESSAGE":"ignoring something else","SYSLOG_IDENTIFIER":"dbus-daemon","_TRANSPORT":"stdout"}
{"MESSAGE":[85,110,107,110,111,119,110,32,107,101,121,32,255],"MESSAGE_ID":"c772d24e9a884cbeb9ea12625c306c01"}
not JSON"#;
        assert_eq!(
            from_journal(journal),
            [
                "/etc/systemd/nspawn/a.nspawn:3: Unknown key 'Bnd' in section [Files], ignoring.",
                "Ignoring network settings, file /var/lib/machines/a.nspawn is not trusted.",
                "a: Invalid bind mount option: idmpa",
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
        assert_eq!(from_standard_error(&journal.join("\n")), [format!("b: {untrusted}")]);
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

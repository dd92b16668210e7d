//! The host's journal.

use super::main_process::MainProcess;
use crate::command::Command;

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// How urgent it is, the more the lower (syslog(3)).
    pub(super) priority: u8,
    /// What it says.
    pub(super) message: String,
    /// When journald took it, in microseconds (`CLOCK_MONOTONIC`).
    at: Option<u64>,
    /// The process that says it.
    pid: Option<i32>,
    /// The unit that this was of; journald does not know it where the process was gone when it looked.
    unit: Option<String>,
}

impl Entry {
    /// Makes an entry of nobody in particular.
    #[cfg(test)]
    pub(super) fn new(priority: u8, message: &str) -> Self {
        Self { priority, message: message.to_owned(), at: None, pid: None, unit: None }
    }

    fn is_of(&self, unit: &str, main: MainProcess) -> bool {
        match &self.unit {
            Some(own) => own == unit && !self.is_before(main),
            None => self.pid.is_some() && self.pid == main.pid || self.is_since(main),
        }
    }

    /// Whether it is of an earlier start of the unit.
    fn is_before(&self, main: MainProcess) -> bool {
        main.started.is_some_and(|started| self.at.is_some_and(|at| at < started))
    }

    /// Whether it came after the start of a main process that has failed since. What systemd-nspawn says of mounts does not
    /// come from its main process, but from one that ends at once.
    fn is_since(&self, main: MainProcess) -> bool {
        main.code.is_some() && main.started.is_some_and(|started| self.at.is_some_and(|at| at >= started))
    }
}

/// The priority of a warning.
pub(super) const WARNING: u8 = 4;

/// The names of priorities, from 0 on.
pub(super) const PRIORITIES: [&str; 8] =
    ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"];

/// What `identifier` has said since the last start of `unit` as a process of it, in the order in which it did. If the unit
/// has ended, that is also what was said since by processes that journald knows no unit of; so nothing else is to start
/// meanwhile.
pub(super) async fn said(unit: &str, identifier: &str) -> anyhow::Result<Vec<Entry>> {
    // What was said before now is in the journal when this comes back.
    Command::new("journalctl", ["--sync"]).output().await?;
    let argv = [
        "--boot".to_owned(),
        "--no-pager".to_owned(),
        "--output=json".to_owned(),
        "--output-fields=MESSAGE,PRIORITY,_PID,_SYSTEMD_UNIT".to_owned(),
        format!("--identifier={identifier}"),
    ];
    let entries = Command::new("journalctl", argv).output().await?;
    let main = MainProcess::of(unit).await?;
    Ok(entries.lines().filter_map(read).filter(|entry| entry.is_of(unit, main)).collect())
}

fn read(line: &str) -> Option<Entry> {
    let entry: serde_json::Value = serde_json::from_str(line).ok()?;
    let field = |name: &str| entry.get(name).and_then(serde_json::Value::as_str);
    Some(Entry {
        priority: field("PRIORITY")?.parse().ok()?,
        message: message(entry.get("MESSAGE")?)?,
        at: field("__MONOTONIC_TIMESTAMP").and_then(|at| at.parse().ok()),
        pid: field("_PID").and_then(|pid| pid.parse().ok()),
        unit: field("_SYSTEMD_UNIT").map(str::to_owned),
    })
}

/// The message of one entry; what is no text in UTF-8 is an array of bytes in journalctl's JSON.
pub(super) fn message(value: &serde_json::Value) -> Option<String> {
    match value {
        serde_json::Value::String(text) => Some(text.clone()),
        serde_json::Value::Array(bytes) => {
            let byte = |value: &serde_json::Value| value.as_u64().and_then(|byte| u8::try_from(byte).ok());
            let bytes: Vec<u8> = bytes.iter().map(byte).collect::<Option<_>>()?;
            Some(String::from_utf8_lossy(&bytes).into_owned())
        }
        serde_json::Value::Null
        | serde_json::Value::Bool(_)
        | serde_json::Value::Number(_)
        | serde_json::Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_a_unit_said_before_its_last_start_is_not_said_by_this_one() {
        let main = MainProcess { pid: Some(7), code: None, started: Some(5) };
        let of_unit = |unit: &str, at| Entry {
            at: Some(at),
            unit: Some(unit.to_owned()),
            ..Entry::new(WARNING, "Something.")
        };
        let is_said = |unit, at| of_unit(unit, at).is_of("a.service", main);
        assert_eq!(
            [is_said("a.service", 6), is_said("a.service", 4), is_said("b.service", 6)],
            [true, false, false]
        );
    }

    #[test]
    fn a_message_is_text_or_bytes() {
        let said = |message: &str| read(&format!(r#"{{"PRIORITY":"6","MESSAGE":{message}}}"#));
        let entry = |message: &str| Some(Entry::new(6, message));
        assert_eq!(said(r#""a b""#), entry("a b"));
        assert_eq!(said("[97,27]"), entry("a\u{1b}"));
        assert_eq!(said("[300]"), None);
        assert_eq!(said("null"), None);
        assert_eq!(read("-- No entries --"), None);
    }

    #[test]
    fn what_a_process_said_before_its_end_is_its_units_although_journald_does_not_know() {
        let of = |fields: &str| {
            let entry = read(&format!(r#"{{"PRIORITY":"4","MESSAGE":"x",{fields}}}"#)).unwrap();
            let failed = MainProcess { pid: Some(7), code: Some(1), started: Some(1000) };
            [MainProcess { code: None, ..failed }, failed].map(|main| entry.is_of("a.service", main))
        };
        assert_eq!(of(r#""_PID":"7""#), [true, true]);
        assert_eq!(of(r#""_PID":"8","_SYSTEMD_UNIT":"a.service""#), [true, true]);
        assert_eq!(of(r#""_PID":"7","_SYSTEMD_UNIT":"b.service""#), [false, false]);
        assert_eq!(of(r#""_PID":"8","__MONOTONIC_TIMESTAMP":"999""#), [false, false]);
        assert_eq!(
            of(r#""_PID":"8","__MONOTONIC_TIMESTAMP":"1000""#),
            [false, true],
            "a child of one that failed"
        );
    }

    proptest! {
        #[test]
        fn no_line_makes_the_reader_panic(line in ".{0,80}") {
            let _ = read(&line);
        }

        #[test]
        fn every_text_is_read_as_it_was_written(text in ".{0,40}", priority in 0u8..8) {
            let line = serde_json::json!({ "MESSAGE": text, "PRIORITY": priority.to_string() }).to_string();
            prop_assert_eq!(read(&line), Some(Entry::new(priority, &text)));
        }
    }
}

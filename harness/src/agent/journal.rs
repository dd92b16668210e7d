//! The host's journal.

use crate::command::Command;

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// How urgent it is, the more the lower (syslog(3)).
    pub(super) priority: u8,
    /// What it says.
    pub(super) message: String,
}

/// The priority of a warning.
pub(super) const WARNING: u8 = 4;

/// The names of priorities, from 0 on.
pub(super) const PRIORITIES: [&str; 8] =
    ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"];

/// What `identifier` has said in this boot as a process of `unit`, in the order in which it did.
pub(super) async fn said(unit: &str, identifier: &str) -> anyhow::Result<Vec<Entry>> {
    // What was said before now is in the journal when this comes back.
    Command::new("journalctl", ["--sync"]).output().await?;
    let argv = [
        "--boot".to_owned(),
        "--no-pager".to_owned(),
        "--output=json".to_owned(),
        "--output-fields=MESSAGE,PRIORITY".to_owned(),
        format!("--unit={unit}"),
        format!("--identifier={identifier}"),
    ];
    let entries = Command::new("journalctl", argv).output().await?;
    Ok(entries.lines().filter_map(read).collect())
}

fn read(line: &str) -> Option<Entry> {
    let entry: serde_json::Value = serde_json::from_str(line).ok()?;
    let priority = entry.get("PRIORITY")?.as_str()?.parse().ok()?;
    Some(Entry { priority, message: message(entry.get("MESSAGE")?)? })
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
    fn a_message_is_text_or_bytes() {
        let said = |message: &str| read(&format!(r#"{{"PRIORITY":"6","MESSAGE":{message}}}"#));
        let entry = |message: &str| Some(Entry { priority: 6, message: message.to_owned() });
        assert_eq!(said(r#""a b""#), entry("a b"));
        assert_eq!(said("[97,27]"), entry("a\u{1b}"));
        assert_eq!(said("[300]"), None);
        assert_eq!(said("null"), None);
        assert_eq!(read("-- No entries --"), None);
    }

    proptest! {
        #[test]
        fn no_line_makes_the_reader_panic(line in ".{0,80}") {
            let _ = read(&line);
        }

        #[test]
        fn every_text_is_read_as_it_was_written(text in ".{0,40}", priority in 0u8..8) {
            let line = serde_json::json!({ "MESSAGE": text, "PRIORITY": priority.to_string() }).to_string();
            prop_assert_eq!(read(&line), Some(Entry { priority, message: text }));
        }
    }
}

//! Redaction: what people may post of a run.
//!
//! Addresses that belong to somebody, hardware addresses, ids of machines, names of hosts and domains have a pseudonym,
//! the same everywhere in the report and its evidence, so that what was equal is equal still. Secrets are gone. What is
//! the same on every network (private, link-local, documentation addresses) stays. A report is judged, and explained,
//! before; nothing of it but texts is touched. To redact twice is to redact once.

mod class;
mod names;
mod pseudonym;
mod scan;
mod secret;
#[cfg(test)]
mod tests;

use serde_json::Value;

use self::names::Names;
use self::pseudonym::Pseudonyms;
use self::scan::Found;
use crate::Report;

/// What says of a text that nobody wrote it: versions look like addresses.
const VERSIONS: [&str; 6] = ["schema", "tool_version", "os", "systemd", "kernel", "started"];

/// What stands for what in one run.
#[derive(Clone, Debug, Default)]
pub struct Redaction {
    names: Names,
    pseudonyms: Pseudonyms,
}

impl Redaction {
    /// Learns what is to be redacted in `report` and in the texts beside it, such as files of evidence.
    #[must_use]
    pub fn new<'t>(report: &Report, texts: impl IntoIterator<Item = &'t str>) -> Self {
        let mut redaction = Self::default();
        walk(&value(report), &mut |text| redaction.take(text));
        texts.into_iter().for_each(|text| redaction.take(text));
        redaction.names.learn(report);
        redaction
    }

    /// Redacts the report.
    ///
    /// # Panics
    /// Never: what a report has only certain words for is left as it is.
    #[must_use]
    pub fn report(&mut self, report: &Report) -> Report {
        let mut redacted: Report =
            serde_json::from_value(self.value(value(report))).expect("with other texts it is a report still");
        redacted.run.redacted = true;
        redacted
    }

    /// Redacts a text.
    #[must_use]
    pub fn text(&mut self, text: &str) -> String {
        let text = secret::redact(text);
        let text = self.names.redact(&text, &mut self.pseudonyms);
        let mut out = String::with_capacity(text.len());
        let mut rest = 0;
        for Found { at, what } in scan::find(&text) {
            let pseudonym = self.pseudonyms.of(what);
            out.push_str(&text[rest..at.start]);
            // One that stays does so as it was written.
            if pseudonym == what {
                out.push_str(&text[at.clone()]);
            } else {
                out.push_str(&scan::written(pseudonym));
            }
            rest = at.end;
        }
        out + &text[rest..]
    }

    /// Keeps the pseudonyms that `text` has already from being given again.
    fn take(&mut self, text: &str) {
        scan::find(text).into_iter().for_each(|found| self.pseudonyms.take(found.what));
        self.names.take(text);
    }

    fn value(&mut self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(&text)),
            Value::Array(values) => values.into_iter().map(|value| self.value(value)).collect(),
            Value::Object(values) => {
                let field = |(key, value): (String, Value)| {
                    let value = if VERSIONS.contains(&&*key) { value } else { self.value(value) };
                    (self.key(key), value)
                };
                values.into_iter().map(field).collect()
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => value,
        }
    }

    /// Keys are names of fields, and what maps know their values by: links, addresses.
    fn key(&mut self, key: String) -> String {
        let is_field = key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        if is_field { key } else { self.text(&key) }
    }
}

fn value(report: &Report) -> Value {
    serde_json::to_value(report).expect("every type of a report has a JSON form")
}

/// Shows all texts to `see`.
fn walk(value: &Value, see: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) => see(text),
        Value::Array(values) => values.iter().for_each(|value| walk(value, see)),
        Value::Object(values) => {
            for (key, value) in values {
                see(key);
                walk(value, see);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

//! Writing a scenario down as a file that [`read`](super::read()) reads again, to begin one's own with.

use std::fmt::Write;

use serde::Serialize;
use toml::{Table, Value};

use crate::{Attachment, BindMount, Claim, MACHINES, Scenario, Step, Topic, Versions, pacman_cache};

/// Writes a scenario as TOML. What the notes are does not come into it.
#[must_use]
pub fn write(scenario: &Scenario) -> String {
    let mut text = String::new();
    line(&mut text, "name", &Value::from(scenario.name.as_str()));
    line(&mut text, "summary", &Value::from(scenario.summary.as_str()));
    if scenario.machines != MACHINES {
        line(&mut text, "machines", &Value::from(scenario.machines.clone()));
    }
    let mut steps = scenario.steps.as_slice();
    if let Some(bind) = &scenario.bind {
        let filling = pacman_cache::steps_in(&bind.source, &scenario.machines);
        if let Some(others) = steps.strip_prefix(filling.as_slice()) {
            line(&mut text, "bind", &Value::from(bind_words(bind)));
            steps = others;
        }
    }
    if scenario.attachment != Attachment::Host
        && let Ok(attachment) = Value::try_from(scenario.attachment)
    {
        line(&mut text, "attachment", &attachment);
    }
    if scenario.topics != Topic::GENERAL {
        let topics = scenario.topics.iter().filter_map(|topic| Value::try_from(topic).ok());
        line(&mut text, "topics", &Value::Array(topics.collect()));
    }
    if scenario.may_refuse {
        line(&mut text, "may-refuse", &Value::from(true));
    }
    section(&mut text, "[launch]", "by", &scenario.launch);
    for (check, reason) in &scenario.left_out {
        let _ = write!(text, "\n[[left-out]]\n");
        line(&mut text, "check", &Value::from(check.name().as_ref()));
        line(&mut text, "reason", &Value::from(reason.as_str()));
    }
    for step in steps {
        section(&mut text, "[[step]]", "step", step);
    }
    for claim in &scenario.claims {
        claim_lines(&mut text, claim);
    }
    text
}

fn bind_words(bind: &BindMount) -> String {
    if bind.source == bind.destination {
        bind.source.clone()
    } else {
        format!("{}:{}", bind.source, bind.destination)
    }
}

fn section(text: &mut String, header: &str, tag: &str, value: &impl Serialize) {
    let _ = write!(text, "\n{header}\n");
    table(text, tag, &as_table(value));
}

fn claim_lines(text: &mut String, claim: &Claim) {
    let _ = write!(text, "\n[[claim]]\n");
    line(text, "check", &Value::from(claim.check.name().as_ref()));
    table(text, "expect", &as_table(&claim.expectation));
    for (key, versions) in [("versions", claim.host), ("payload", claim.payload)] {
        if versions != Versions::KNOWN {
            line(text, key, &Value::from(versions.to_string()));
        }
    }
    if !claim.when.is_empty() {
        line(text, "when", &Value::Table(as_table(&claim.when)));
    }
    if let Some(known) = claim.known.and_then(|known| Value::try_from(known).ok()) {
        line(text, "known", &known);
    }
    line(text, "reason", &Value::from(claim.reason.as_str()));
    if !claim.link.is_empty() {
        line(text, "link", &Value::from(claim.link.as_str()));
    }
}

/// Steps, launches and expectations are tables; anything else would be empty.
fn as_table(value: &impl Serialize) -> Table {
    match Value::try_from(value) {
        Ok(Value::Table(table)) => table,
        Ok(_) | Err(_) => Table::new(),
    }
}

/// Writes the tag first, then the path, then the rest; what would be taken anyway is left out.
fn table(text: &mut String, tag: &str, values: &Table) {
    let usual = usual(values.get(tag).and_then(Value::as_str).unwrap_or_default());
    let first = [tag, "path"];
    let firsts = first.iter().filter_map(|key| values.get_key_value(*key));
    let rest = values.iter().filter(|(key, _)| !first.contains(&key.as_str()));
    for (key, value) in firsts.chain(rest).filter(|(key, value)| usual.get(*key) != Some(value)) {
        match (key.as_str(), value) {
            ("mode", Value::Integer(bits)) => line(text, key, &Value::from(format!("{bits:04o}"))),
            _ => line(text, key, value),
        }
    }
}

/// What a step of this kind takes if nothing is said.
fn usual(kind: &str) -> Table {
    let least = match kind {
        "directory" | "fifo" => "path = ''",
        "file" => "path = ''\ncontent = ''",
        _ => return Table::new(),
    };
    let step = format!("step = '{kind}'\n{least}").parse::<Table>().ok();
    let step = step.and_then(|step| Value::Table(step).try_into::<Step>().ok());
    let mut usual = step.map(|step| as_table(&step)).unwrap_or_default();
    usual.retain(|key, _| matches!(key, "owner" | "mode"));
    usual
}

fn line(text: &mut String, key: &str, value: &Value) {
    let written = match value.as_str().filter(|text| is_readable_over_lines(text)) {
        Some(long) => format!("'''\n{long}'''"),
        None => value.to_string(),
    };
    let _ = writeln!(text, "{key} = {written}");
}

/// Whether it can stand between `'''` as it is.
fn is_readable_over_lines(text: &str) -> bool {
    let is_plain = |c: char| c == '\n' || c == '\t' || !c.is_control();
    text.contains('\n') && !text.contains("''") && text.chars().all(is_plain)
}

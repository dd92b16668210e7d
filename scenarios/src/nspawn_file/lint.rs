//! What systemd will not take in a `.nspawn` file, before it is asked.
//!
//! systemd warns and goes on for nearly all of it, and so do we: a [`Finding`] is something to be told. Where the
//! machine will not even start, [`Effect`] says so.

use std::fmt;

use super::keys::{self, KEYS, SECTIONS};
use super::syntax::{Content, Line, Refusal};
use super::value::Complaint;
use crate::nearest::nearest;

/// Something that systemd ignores or refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Number of the line.
    pub line: usize,
    /// What is wrong.
    pub what: String,
    /// What systemd does then.
    pub effect: Effect,
    /// What was probably meant: `Bind=`.
    pub nearest: Option<String>,
}

/// What systemd does with something wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The line is ignored.
    LineIgnored,
    /// The section is ignored.
    SectionIgnored,
    /// The machine does not start.
    NotStarted,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let effect = match self.effect {
            Effect::LineIgnored => "systemd ignores the line",
            Effect::SectionIgnored => "systemd ignores the section",
            Effect::NotStarted => "the machine will not start",
        };
        write!(f, "{}; {effect}", self.what)?;
        match &self.nearest {
            Some(nearest) => write!(f, " (the nearest is `{nearest}`)"),
            None => Ok(()),
        }
    }
}

/// Finds what is wrong; `systemd` is the major version that will read the file, if that is known.
#[must_use]
pub fn lint(lines: &[Line], systemd: Option<u32>) -> Vec<Finding> {
    let mut section = Section::None;
    lines.iter().filter_map(|line| find(line, &mut section, systemd)).collect()
}

/// The section that a line stands in.
enum Section {
    /// No section has begun.
    None,
    /// One that systemd ignores, with all that is in it.
    Ignored,
    /// One that there is.
    Named(String),
}

fn find(line: &Line, section: &mut Section, systemd: Option<u32>) -> Option<Finding> {
    let ignored =
        |what: String| Finding { line: line.number, what, effect: Effect::LineIgnored, nearest: None };
    match (&line.content, &*section) {
        (Content::Section(name), _) => {
            let known = SECTIONS.contains(&name.as_str());
            *section = if known { Section::Named(name.clone()) } else { Section::Ignored };
            // Extensions of others are ignored in silence.
            (!known && !name.starts_with("X-")).then(|| Finding {
                effect: Effect::SectionIgnored,
                nearest: nearest_of(name, SECTIONS).map(|name| format!("[{name}]")),
                ..ignored(format!("unknown section [{name}]"))
            })
        }
        (Content::Refused(refusal), _) => {
            Some(Finding { effect: Effect::NotStarted, ..ignored(refused(*refusal).to_owned()) })
        }
        (Content::Assignment { .. } | Content::NoEquals(_) | Content::NoKey, Section::Ignored) => None,
        (Content::Assignment { .. } | Content::NoEquals(_) | Content::NoKey, Section::None) => {
            Some(ignored("a setting before the first [section]".to_owned()))
        }
        (Content::NoEquals(text), Section::Named(_)) => Some(ignored(format!("no `=` in `{text}`"))),
        (Content::NoKey, Section::Named(_)) => Some(ignored("no key before the `=`".to_owned())),
        (Content::Assignment { key, value }, Section::Named(section)) => {
            assignment(section, key, value, systemd).map(|finding| Finding { line: line.number, ..finding })
        }
    }
}

fn refused(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::OpenHeader => "a line that begins with `[` must end with `]`, or systemd refuses the file",
        Refusal::UnsafeHeader => {
            "the name of a section may hold no quotes, backslashes or control characters, or systemd refuses the file"
        }
        Refusal::NotUtf8 => "the line is not UTF-8, and systemd refuses the file",
        Refusal::TooLong => "the line is 1 MiB or longer, and systemd refuses the file",
    }
}

fn assignment(section: &str, name: &str, value: &str, systemd: Option<u32>) -> Option<Finding> {
    let finding = |what: String| Finding { line: 0, what, effect: Effect::LineIgnored, nearest: None };
    let Some(key) = keys::find(section, name) else {
        return (!name.starts_with("X-")).then(|| unknown(section, name));
    };
    if let Some(version) = systemd.filter(|version| *version < key.since) {
        return Some(finding(format!("`{name}=` is new in systemd {}, and this is {version}", key.since)));
    }
    let Complaint { what, nearest, is_fatal } = key.kind.check(value, systemd).err()?;
    let effect = if is_fatal { Effect::NotStarted } else { Effect::LineIgnored };
    Some(Finding { effect, nearest, ..finding(format!("`{name}=`: {what}")) })
}

fn unknown(section: &str, name: &str) -> Finding {
    let (what, nearest) =
        match KEYS.iter().find(|key| key.name == name) {
            Some(key) => (format!("`{name}=` belongs in [{}], not in [{section}]", key.section), None),
            None => {
                let nearest = nearest_of(name, KEYS.iter().map(|key| key.name)).and_then(section_of);
                let nearest = nearest.map(|(key, home)| {
                    if home == section { format!("{key}=") } else { format!("{key}= in [{home}]") }
                });
                (format!("unknown key `{name}=` in [{section}]"), nearest)
            }
        };
    Finding { line: 0, what, effect: Effect::LineIgnored, nearest }
}

/// A key with its section.
fn section_of(name: &'static str) -> Option<(&'static str, &'static str)> {
    KEYS.iter().find(|key| key.name == name).map(|key| (name, key.section))
}

/// The nearest name, whatever the case.
fn nearest_of(wrong: &str, names: impl IntoIterator<Item = &'static str>) -> Option<&'static str> {
    let wrong = wrong.to_ascii_lowercase();
    let names: Vec<&str> = names.into_iter().collect();
    let lower: Vec<String> = names.iter().map(|name| name.to_ascii_lowercase()).collect();
    let found = nearest(&wrong, lower.iter().map(String::as_str))?;
    names.into_iter().find(|name| name.eq_ignore_ascii_case(found))
}

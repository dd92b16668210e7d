//! What the values of a `.nspawn` file may be, and what systemd does with those that are wrong.

use super::bind::{self, Bind};
use super::kernel_names;
use crate::name;
use crate::nearest::nearest;
use crate::port::Forward;

/// What a setting takes.
#[derive(Debug)]
pub(super) enum Kind {
    /// A boolean; an empty value is wrong.
    Boolean,
    /// A boolean, or nothing, which unsets it.
    BooleanOrUnset,
    /// A boolean, or one of these words; each with the version that knew it first.
    BooleanOr(&'static [(&'static str, u32)]),
    /// One of these words.
    OneOf(&'static [(&'static str, u32)]),
    /// A boolean, `pick`, `identity`, or FIRST[:COUNT].
    PrivateUsers,
    /// Names or numbers of capabilities, parted by white space.
    Capabilities,
    /// Name or number of a signal.
    Signal,
    /// 128 bits in hexadecimal digits.
    Id,
    /// A number from -1000 to 1000.
    OomScore,
    /// The name of a host.
    Hostname,
    /// `[+]SOURCE[:DESTINATION[:OPTIONS]]`.
    Bind,
    /// An absolute path.
    Path,
    /// An absolute path, and what follows a `:`.
    PathThen,
    /// One absolute path, or two parted by a `:`.
    PivotRoot,
    /// Two paths or more, parted by `:`.
    Overlay,
    /// The name of a link.
    LinkName,
    /// The name of a zone: that of its link without `vz-`.
    ZoneName,
    /// `[tcp:|udp:]HOST[:MACHINE]`.
    Port,
    /// Anything, as far as this program knows.
    Text,
}

/// What is wrong with a value.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Complaint {
    pub what: String,
    pub nearest: Option<String>,
    /// Whether the machine does not start; otherwise the line is ignored.
    pub is_fatal: bool,
}

impl Complaint {
    pub(super) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), nearest: None, is_fatal: false }
    }

    pub(super) fn nearest(self, nearest: Option<&str>) -> Self {
        Self { nearest: nearest.map(str::to_owned), ..self }
    }

    fn fatal(self) -> Self {
        Self { is_fatal: true, ..self }
    }
}

/// The words that systemd takes for a boolean, in any case.
const BOOLEANS: [&str; 12] = ["1", "yes", "y", "true", "t", "on", "0", "no", "n", "false", "f", "off"];

/// Reads a boolean as systemd does.
pub(super) fn boolean(value: &str) -> Option<bool> {
    let at = BOOLEANS.iter().position(|word| word.eq_ignore_ascii_case(value))?;
    Some(at < BOOLEANS.len() / 2)
}

impl Kind {
    /// Finds what is wrong with a value; `systemd` is the version that will read it, if that is known.
    pub(super) fn check(&self, value: &str, systemd: Option<u32>) -> Result<(), Complaint> {
        match self {
            Self::Boolean => is_boolean(value),
            Self::BooleanOrUnset => {
                if value.is_empty() {
                    Ok(())
                } else {
                    is_boolean(value)
                }
            }
            Self::BooleanOr(words) => {
                if boolean(value).is_some() {
                    Ok(())
                } else {
                    one_of(value, words, "yes, no", systemd)
                }
            }
            Self::OneOf(words) => one_of(value, words, "", systemd),
            Self::PrivateUsers => private_users(value, systemd),
            Self::Capabilities => value.split_ascii_whitespace().try_for_each(kernel_names::capability),
            Self::Signal => kernel_names::signal(value),
            Self::Id => id(value),
            Self::OomScore => match value.parse::<i32>() {
                Ok(-1000..=1000) => Ok(()),
                _ if value.is_empty() => Ok(()),
                Ok(_) | Err(_) => Err(Complaint::new("takes a number from -1000 to 1000")),
            },
            Self::Hostname => {
                if value.is_empty() || name::is_hostname(value) {
                    Ok(())
                } else {
                    Err(Complaint::new(format!("`{value}` is not a valid host name")))
                }
            }
            Self::Bind => bind(value, systemd),
            Self::Path => absolute(value),
            Self::PathThen => absolute(value.split(':').next().unwrap_or(value)),
            Self::PivotRoot => value.splitn(2, ':').try_for_each(absolute),
            Self::Overlay => {
                if value.split(':').count() >= 2 {
                    Ok(())
                } else {
                    Err(Complaint::new("takes two paths or more, parted by `:`"))
                }
            }
            Self::LinkName => {
                if value.is_empty() || name::is_link(value) {
                    Ok(())
                } else {
                    Err(Complaint::new(format!(
                        "`{value}` is not a valid name of a link (1 to 15 characters, no `/`, `:`, `%` or white space)"
                    )))
                }
            }
            Self::ZoneName => {
                if name::is_link(&format!("vz-{value}")) {
                    Ok(())
                } else {
                    Err(Complaint::new(format!(
                        "`{value}` is not a valid name of a zone (up to 12 characters, no `/`, `:`, `%` or white space)"
                    )))
                }
            }
            Self::Port => port(value),
            Self::Text => Ok(()),
        }
    }
}

fn is_boolean(value: &str) -> Result<(), Complaint> {
    if boolean(value).is_some() {
        return Ok(());
    }
    Err(Complaint::new(format!("{} is not a boolean (yes or no)", quoted(value)))
        .nearest(nearest(&value.to_ascii_lowercase(), ["yes", "no", "true", "false", "on", "off"])))
}

pub(super) fn quoted(value: &str) -> String {
    if value.is_empty() { "nothing".to_owned() } else { format!("`{value}`") }
}

fn one_of(value: &str, words: &[(&str, u32)], also: &str, systemd: Option<u32>) -> Result<(), Complaint> {
    if let Some((word, since)) = words.iter().find(|(word, _)| *word == value) {
        return known_to(word, *since, systemd);
    }
    let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    let also = if also.is_empty() { String::new() } else { format!("{also}, ") };
    Err(Complaint::new(format!("takes {also}{}, not {}", names.join(", "), quoted(value)))
        .nearest(nearest(value, names)))
}

fn known_to(word: &str, since: u32, systemd: Option<u32>) -> Result<(), Complaint> {
    match systemd {
        Some(version) if version < since => {
            Err(Complaint::new(format!("`{word}` is new in systemd {since}, and this is {version}")))
        }
        Some(_) | None => Ok(()),
    }
}

fn private_users(value: &str, systemd: Option<u32>) -> Result<(), Complaint> {
    let is_number = |text: &str| text.parse::<u32>().is_ok();
    let is_range = match value.split_once(':') {
        Some((first, count)) => is_number(first) && is_number(count),
        None => is_number(value),
    };
    if is_range || boolean(value).is_some() {
        return Ok(());
    }
    one_of(value, &[("pick", 230), ("identity", 246), ("managed", 258)], "yes, no, FIRST[:COUNT]", systemd)
}

fn id(value: &str) -> Result<(), Complaint> {
    let dashes: Vec<usize> = value.char_indices().filter(|(_, c)| *c == '-').map(|(at, _)| at).collect();
    let digits: String = value.chars().filter(|c| *c != '-').collect();
    let is_formed = dashes.is_empty() || dashes == [8, 13, 18, 23];
    let is_id = digits.len() == 32 && digits.chars().all(|c| c.is_ascii_hexdigit());
    if is_formed && is_id && digits.chars().any(|c| c != '0') {
        Ok(())
    } else {
        Err(Complaint::new("takes 32 hexadecimal digits, not all of them 0"))
    }
}

fn bind(value: &str, systemd: Option<u32>) -> Result<(), Complaint> {
    let Some(bind) = Bind::parse(value, false) else {
        return Err(Complaint::new("takes [+]SOURCE[:DESTINATION[:OPTIONS]] with absolute paths"));
    };
    bind.options.iter().try_for_each(|option| match bind::OPTIONS.iter().find(|(name, _)| name == option) {
        Some((name, since)) => known_to(name, *since, systemd).map_err(Complaint::fatal),
        None => {
            let nearest = nearest(option, bind::OPTIONS.map(|(name, _)| name));
            Err(Complaint::new(format!("`{option}` is not an option of a bind mount"))
                .nearest(nearest)
                .fatal())
        }
    })
}

fn absolute(value: &str) -> Result<(), Complaint> {
    if value.starts_with('/') {
        Ok(())
    } else {
        Err(Complaint::new(format!("takes an absolute path, not {}", quoted(value))))
    }
}

fn port(value: &str) -> Result<(), Complaint> {
    if Forward::parse(value).is_some() {
        Ok(())
    } else {
        Err(Complaint::new(format!(
            "takes [tcp:|udp:]HOST[:MACHINE] with numbers of ports, not {}",
            quoted(value)
        )))
    }
}

//! Values that read themselves by serde: steps, launches, expectations.
//!
//! serde does not say where something stands, and takes no offence at keys that an enum with a tag does not know. Both
//! are made up for: a key is to blame if its absence changes the error, and a key is unknown if what was read does not
//! have it when it is written again.

use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::{Table, Value};

use super::fields::Fields;
use super::problem::Located;
use crate::nearest::nearest;

/// Reads what is left of a table as one value; `tag` is the key that says which kind it is.
pub(super) fn leaf<T: Serialize + DeserializeOwned>(
    fields: &Fields<'_>,
    tag: &str,
) -> Result<T, Vec<Located>> {
    let value: T = try_read(&fields.values).map_err(|message| vec![explain::<T>(fields, tag, &message)])?;
    let unknown = unknown_keys(fields, &value);
    if unknown.is_empty() { Ok(value) } else { Err(unknown) }
}

/// Reads one word as a value: the name of a variant.
pub(super) fn word<T: DeserializeOwned>(key: &str, (text, at): (String, usize)) -> Result<T, Located> {
    T::deserialize(Value::String(text)).map_err(|error| {
        let message = first_line(&error);
        match unknown_variant(&message) {
            Some((what, nearest)) => Located::new(at, format!("`{key}`: {what}")).nearest(nearest),
            None => Located::new(at, format!("`{key}`: {message}")),
        }
    })
}

fn try_read<T: DeserializeOwned>(values: &Table) -> Result<T, String> {
    T::deserialize(Value::Table(values.clone())).map_err(|error| first_line(&error))
}

/// What is wrong; the lines behind it say where, among values that have no place.
fn first_line(error: &toml::de::Error) -> String {
    error.message().lines().next().unwrap_or_default().trim().to_owned()
}

fn explain<T: DeserializeOwned>(fields: &Fields<'_>, tag: &str, message: &str) -> Located {
    if let Some((what, nearest)) = unknown_variant(message) {
        return Located::new(fields.value_at(tag), format!("`{tag}`: {what}")).nearest(nearest);
    }
    if let Some(missing) = message.strip_prefix("missing field ") {
        return Located::new(fields.at, format!("{missing} is missing")).nearest(slip(fields, missing));
    }
    match culprit::<T>(fields, tag) {
        Some(key) => Located::new(fields.value_at(&key), format!("`{key}`: {message}")),
        None => Located::new(fields.at, message.to_owned()),
    }
}

/// The key that was probably meant to be the missing one.
fn slip<'a>(fields: &'a Fields<'_>, missing: &str) -> Option<&'a str> {
    nearest(missing.trim_matches('`'), fields.values.keys().map(String::as_str))
}

/// The key without which it would be missing.
fn culprit<T: DeserializeOwned>(fields: &Fields<'_>, tag: &str) -> Option<String> {
    let is_to_blame = |key: &&String| {
        let mut without = fields.values.clone();
        without.remove(key.as_str());
        match try_read::<T>(&without) {
            Ok(_) => true,
            Err(message) => message == format!("missing field `{key}`"),
        }
    };
    fields.values.keys().filter(|key| *key != tag).find(is_to_blame).cloned()
}

/// Takes serde's message apart: ``unknown variant `x`, expected one of `y`, `z` ``, or without `one of`.
fn unknown_variant(message: &str) -> Option<(String, Option<&str>)> {
    let (wrong, expected) = message.strip_prefix("unknown variant `")?.split_once("`, expected ")?;
    let names: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
    let what = format!("there is no `{wrong}`, only {}", names.join(", "));
    Some((what, nearest(wrong, names)))
}

fn unknown_keys<T: Serialize>(fields: &Fields<'_>, value: &T) -> Vec<Located> {
    let Ok(Value::Table(known)) = Value::try_from(value) else { return Vec::new() };
    let mut unknown = Vec::new();
    for (key, given) in &fields.values {
        let at = fields.key_at(key);
        match (known.get(key), given) {
            (None, _) => {
                let names = known.keys().map(String::as_str).chain(fields.known.iter().copied());
                unknown.push(unknown_key(at, key, names));
            }
            (Some(Value::Table(known)), Value::Table(given)) => {
                let inner = given.keys().filter(|key| !known.contains_key(*key));
                unknown.extend(inner.map(|key| unknown_key(at, key, known.keys().map(String::as_str))));
            }
            (Some(_), _) => {}
        }
    }
    unknown
}

fn unknown_key<'a>(at: usize, key: &str, known: impl Iterator<Item = &'a str>) -> Located {
    Located::new(at, format!("unknown key `{key}`")).nearest(nearest(key, known))
}

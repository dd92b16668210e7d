//! The fields of a table: values, with where they stand.
//!
//! What has been taken out is known; what is left over at the end is not, and is told with the nearest that is.

use toml::de::{DeTable, DeValue};
use toml::{Table, Value};

use super::problem::Located;
use crate::nearest::nearest;

/// A table that is being read.
pub(super) struct Fields<'a> {
    /// Where it begins.
    pub at: usize,
    /// What has not been taken yet.
    pub values: Table,
    spans: &'a DeTable<'a>,
    /// The keys that have been asked for.
    pub known: Vec<&'static str>,
}

/// A value and where it stands.
pub(super) type Placed<T> = (T, usize);

impl<'a> Fields<'a> {
    pub(super) fn new(at: usize, values: Table, spans: &'a DeTable<'a>) -> Self {
        Self { at, values, spans, known: Vec::new() }
    }

    /// Where a key stands; where the table does, if it is not there.
    pub(super) fn key_at(&self, key: &str) -> usize {
        self.spans.get_key_value(key).map_or(self.at, |(key, _)| key.span().start)
    }

    /// Where a value stands, as [`Self::key_at`].
    pub(super) fn value_at(&self, key: &str) -> usize {
        self.spans.get(key).map_or(self.at, |value| value.span().start)
    }

    /// The value as it is written.
    pub(super) fn written(&self, key: &str) -> Option<&DeValue<'a>> {
        self.spans.get(key).map(|value| value.get_ref())
    }

    pub(super) fn take(&mut self, key: &'static str) -> Option<Placed<Value>> {
        self.known.push(key);
        let at = self.value_at(key);
        self.values.remove(key).map(|value| (value, at))
    }

    pub(super) fn string(&mut self, key: &'static str) -> Result<Option<Placed<String>>, Located> {
        match self.take(key) {
            None => Ok(None),
            Some((Value::String(text), at)) => Ok(Some((text, at))),
            Some((other, at)) => Err(wrong(key, "a string", &other, at)),
        }
    }

    pub(super) fn required(&mut self, key: &'static str) -> Result<Placed<String>, Located> {
        let at = self.at;
        self.string(key)?.ok_or_else(|| Located::new(at, format!("`{key}` is missing")))
    }

    pub(super) fn boolean(&mut self, key: &'static str) -> Result<Option<bool>, Located> {
        match self.take(key) {
            None => Ok(None),
            Some((Value::Boolean(value), _)) => Ok(Some(value)),
            Some((other, at)) => Err(wrong(key, "true or false", &other, at)),
        }
    }

    pub(super) fn number(&mut self, key: &'static str) -> Result<Option<u32>, Located> {
        let Some((value, at)) = self.take(key) else { return Ok(None) };
        let number = value.as_integer().and_then(|number| u32::try_from(number).ok());
        number.map(Some).ok_or_else(|| wrong(key, "a number that is not negative", &value, at))
    }

    pub(super) fn strings(&mut self, key: &'static str) -> Result<Option<Vec<Placed<String>>>, Located> {
        let Some((value, at)) = self.take(key) else { return Ok(None) };
        let Value::Array(items) = value else { return Err(wrong(key, "a list of strings", &value, at)) };
        let places = self.item_places(key, at);
        let item = |(item, at): (Value, usize)| match item.as_str() {
            Some(text) => Ok((text.to_owned(), at)),
            None => Err(wrong(key, "strings", &item, at)),
        };
        items.into_iter().zip(places).map(item).collect::<Result<_, _>>().map(Some)
    }

    /// The tables of `[[key]]`.
    pub(super) fn tables(&mut self, key: &'static str) -> Result<Vec<Fields<'a>>, Located> {
        let Some((value, at)) = self.take(key) else { return Ok(Vec::new()) };
        let (Value::Array(items), Some(DeValue::Array(spans))) =
            (value, self.spans.get(key).map(|v| v.get_ref()))
        else {
            return Err(Located::new(at, format!("`{key}` is written as [[{key}]]")));
        };
        let table = |(item, spans): (Value, &'a toml::Spanned<DeValue<'a>>)| match (item, spans.get_ref()) {
            (Value::Table(values), DeValue::Table(table)) => {
                Ok(Fields::new(spans.span().start, values, table))
            }
            _ => Err(Located::new(spans.span().start, format!("`{key}` is written as [[{key}]]"))),
        };
        items.into_iter().zip(spans.iter()).map(table).collect()
    }

    /// The table `[key]`.
    pub(super) fn table(&mut self, key: &'static str) -> Result<Option<Fields<'a>>, Located> {
        let Some((value, at)) = self.take(key) else { return Ok(None) };
        match (value, self.spans.get(key).map(|value| value.get_ref())) {
            (Value::Table(values), Some(DeValue::Table(spans))) => Ok(Some(Fields::new(at, values, spans))),
            (other, _) => Err(wrong(key, "a table", &other, at)),
        }
    }

    /// What has not been taken is not known.
    pub(super) fn left_over(&self) -> Vec<Located> {
        let unknown = |key: &String| {
            Located::new(self.key_at(key), format!("unknown key `{key}`"))
                .nearest(nearest(key, self.known.iter().copied()))
        };
        self.values.keys().map(unknown).collect()
    }

    fn item_places(&self, key: &str, at: usize) -> Vec<usize> {
        match self.spans.get(key).map(|value| value.get_ref()) {
            Some(DeValue::Array(items)) => items.iter().map(|item| item.span().start).collect(),
            Some(_) | None => vec![at],
        }
    }
}

fn wrong(key: &str, wanted: &str, found: &Value, at: usize) -> Located {
    Located::new(at, format!("`{key}` takes {wanted}, not {}", a(found.type_str())))
}

/// `an integer`, `a table`.
fn a(noun: &str) -> String {
    let article = if noun.starts_with(['a', 'i']) { "an" } else { "a" };
    format!("{article} {noun}")
}

//! Views: what columns that agree saw of a cell, in words.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

use super::agreement::Class;
use super::{Kind, pace};
use crate::answer::Answer;
use crate::clean::clean;
use crate::{Verdict, words};

/// What some columns saw of a cell, and others did not.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
pub struct View {
    /// The numbers of the columns, from 0.
    pub columns: Vec<usize>,
    /// How it stands to its claim, in the first of them.
    pub verdict: Verdict,
    /// The answer in a few characters; that there is none, and why, in its place.
    pub answer: String,
    /// The values that differ from those of another view, by name; what this one has not is `absent`.
    pub values: BTreeMap<String, String>,
    /// Why the verdict is what it is, where it is not that all is as claimed; in the first of the columns.
    pub reason: Option<String>,
}

impl View {
    /// The same without its reason.
    pub(super) fn without_reason(&self) -> Self {
        Self { reason: None, ..self.clone() }
    }

    /// The answer and the mark of the verdict: `no !`.
    #[must_use]
    pub fn text(&self) -> String {
        marked(&self.answer, self.verdict)
    }
}

/// An answer, and the mark of its verdict.
pub(super) fn marked(answer: &str, verdict: Verdict) -> String {
    verdict.mark().map_or_else(|| answer.to_owned(), |mark| format!("{answer} {mark}"))
}

/// What a value is called that a view has not.
pub(super) const ABSENT: &str = "absent";

/// The views of classes that differ in `kind`.
pub(super) fn views(kind: Kind, classes: &[Class<'_>]) -> Vec<View> {
    let names = differing(classes);
    let shorts: Vec<String> = classes.iter().map(short).collect();
    let is_telling = shorts.iter().collect::<BTreeSet<_>>().len() == shorts.len();
    let view = |(class, short): (&Class<'_>, String)| {
        let value = |name: &&str| ((*name).to_owned(), value(class, name));
        let values: BTreeMap<String, String> = names.iter().map(value).collect();
        let answer = match kind {
            Kind::Timing => format!("{short}, {}", pace::in_words(class.first.took.median_us)),
            Kind::Answer | Kind::Distribution if !is_telling && !values.is_empty() => in_words(&values),
            Kind::Verdict | Kind::Answer | Kind::Distribution => short,
        };
        View {
            columns: class.columns.clone(),
            verdict: class.first.verdict,
            answer,
            values,
            reason: class.first.reason.as_ref().map(|reason| clean(reason)),
        }
    };
    classes.iter().zip(shorts).map(view).collect()
}

/// The names of the values that differ between classes.
fn differing<'a>(classes: &[Class<'a>]) -> BTreeSet<&'a str> {
    let answers: Vec<Option<&Answer<'_>>> =
        classes.iter().map(|class| class.first.answer.as_deref()).collect();
    let names = answers.iter().flatten().flat_map(|answer| &answer.values).map(|(name, _)| &**name);
    let value = |answer: &Option<&'a Answer<'_>>, name| answer.and_then(|answer| answer.value(name));
    names
        .filter(|name| answers.iter().any(|answer| value(answer, name) != value(&answers[0], name)))
        .collect()
}

fn value(class: &Class<'_>, name: &str) -> String {
    let value = class.first.answer.as_ref().and_then(|answer| answer.value(name));
    clean(value.unwrap_or(ABSENT)).replace(['\n', '\t'], " ")
}

/// The answer of a class in a few characters.
pub(super) fn short(class: &Class<'_>) -> String {
    match &class.first.answer {
        None => class.first.verdict.meaning().to_owned(),
        Some(_) if !class.shares.is_empty() => words::short_shares(&class.shares),
        Some(answer) => clean(&answer.short()).replace(['\n', '\t'], " "),
    }
}

/// `IPv4 accepted, ufw absent`.
pub(super) fn in_words(values: &BTreeMap<String, String>) -> String {
    let value = |(name, value): (&String, &String)| {
        format!("{name} {}", if value.is_empty() { "empty" } else { value })
    };
    values.iter().map(value).collect::<Vec<_>>().join(", ")
}

//! Reading claims: what is expected of which question, for which versions and settings.

use toml::Value;

use super::fields::{Fields, Placed};
use super::leaf::{leaf, word};
use super::problem::Located;
use super::read::Reader;
use crate::nearest::nearest;
use crate::{Check, Claim, Expectation, Known, Scenario, Setting, Settings, Versions};

impl Reader {
    /// Reads a `[[claim]]` about `scenario`, whose claims are not in it yet.
    pub(super) fn claim(&mut self, mut fields: Fields<'_>, scenario: &Scenario) -> Option<Placed<Claim>> {
        let check = self.keep(fields.required("check"));
        let reason = self.keep(fields.required("reason"));
        let link = self.keep(fields.string("link")).flatten();
        let when = self.keep(fields.table("when")).flatten();
        let known = self.keep(fields.string("known")).flatten();
        let known = known.and_then(|known| self.keep(word::<Known>("known", known)));
        let host = self.versions("versions", &mut fields);
        let payload = self.versions("payload", &mut fields);
        let expectation: Option<Expectation> = self.keep_all(leaf(&fields, "expect"));
        let (check, at) = check?;
        let check = self.check(&check, at)?;
        if !scenario.topics.contains(&check.topic()) {
            self.wrong(at, format!("`{check}` belongs to none of the `topics`"));
        } else if let Some(reason) = scenario.never_asked(check) {
            self.wrong(at, format!("`{check}` is not asked here: {reason}"));
        }
        let claim = Claim {
            check,
            host: host?,
            payload: payload?,
            when: when.map(|when| self.settings(&when)).unwrap_or_default(),
            expectation: expectation?,
            reason: reason?.0,
            link: link.map(|(link, _)| link).unwrap_or_default(),
            known,
        };
        Some((claim, at))
    }

    pub(super) fn check(&mut self, name: &str, at: usize) -> Option<Check> {
        let Ok(check) = name.parse::<Check>() else {
            let names: Vec<_> = Check::all().iter().map(|check| check.name()).collect();
            let nearest = nearest(name, names.iter().map(AsRef::as_ref));
            self.problems.push(Located::new(at, format!("no question is named `{name}`")).nearest(nearest));
            return None;
        };
        Some(check)
    }

    /// `when = { llmnr = "no" }`
    fn settings(&mut self, when: &Fields<'_>) -> Settings {
        let mut settings = Settings::new();
        for (key, value) in &when.values {
            let Some(setting) = self.keep(word::<Setting>("when", (key.clone(), when.key_at(key)))) else {
                continue;
            };
            match value.as_str().filter(|value| setting.values().contains(value)) {
                Some(value) => {
                    settings.insert(setting, value.to_owned());
                }
                None => {
                    let nearest =
                        value.as_str().and_then(|value| nearest(value, setting.values().iter().copied()));
                    let what = format!("`{key}` is one of {}", setting.values().join(", "));
                    self.problems.push(Located::new(when.value_at(key), what).nearest(nearest));
                }
            }
        }
        settings
    }

    /// 257, "257" or "252-257"; if nothing is said, the versions that are known here.
    fn versions(&mut self, key: &'static str, fields: &mut Fields<'_>) -> Option<Versions> {
        let Some((value, at)) = fields.take(key) else { return Some(Versions::KNOWN) };
        let text = match value {
            Value::Integer(version) => version.to_string(),
            Value::String(text) => text,
            Value::Float(_) | Value::Boolean(_) | Value::Datetime(_) | Value::Array(_) | Value::Table(_) => {
                String::new()
            }
        };
        let (first, last) = text.split_once('-').unwrap_or((&text, &text));
        let number = |text: &str| text.trim().parse().ok();
        let range = number(first).zip(number(last)).map(|(first, last)| Versions { first, last });
        let range = range.filter(|range| range.first <= range.last);
        if range.is_none() {
            self.wrong(at, format!("`{key}` takes versions of systemd: 257, or \"252-257\""));
        }
        range
    }

    /// Of two claims about the same, one would be dead, unless it says what would be right without a fault.
    pub(super) fn distinct(&mut self, claims: &[Placed<Claim>]) {
        for (index, (claim, at)) in claims.iter().enumerate() {
            let overlaps = |other: &Claim| {
                other.check == claim.check
                    && other.when == claim.when
                    && other.is_fault() == claim.is_fault()
                    && other.host.meets(claim.host)
                    && other.payload.meets(claim.payload)
            };
            if claims[..index].iter().any(|(other, _)| overlaps(other)) {
                self.wrong(*at, format!("a second claim about `{}` for the same versions", claim.check));
            }
        }
    }
}

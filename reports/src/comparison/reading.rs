//! Reading a report case by case, each reduced before the next is read.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::excerpt::{Cell, Excerpt, Shared};
use super::seen::{Lookups, PropertiesPart, Seen, took};
use crate::answer::Answer;
use crate::source::{self, ReadError};
use crate::{Explanation, HostRecord, SCHEMA, TimelineEvent, Times, Verdict, lookups};

/// Takes an excerpt out of the bytes of a report.
pub(super) fn parse(source: &str, bytes: &[u8], shared: &mut Shared) -> Result<Excerpt, ReadError> {
    let text = source::text(bytes)?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let read = ReportSeed(shared).deserialize(&mut deserializer);
    let read = read.and_then(|read| deserializer.end().map(|()| read));
    let Read { schema, hosts, cells, timeline } = read.map_err(|error| source::explain(bytes, error))?;
    if schema != SCHEMA {
        return Err(ReadError::Schema { found: schema });
    }
    let cells = cells?;
    let hosts = hosts.into_iter().map(|host| (host.id.clone(), host)).collect();
    Ok(Excerpt { source: source.to_owned(), hosts, cells, timeline })
}

struct Read {
    schema: String,
    hosts: Vec<HostRecord>,
    cells: Cells,
    timeline: Vec<TimelineEvent>,
}

/// The cells, or why the first that cannot be cannot.
type Cells = Result<Vec<Cell>, ReadError>;

struct ReportSeed<'s>(&'s mut Shared);

impl<'de> DeserializeSeed<'de> for ReportSeed<'_> {
    type Value = Read;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Read, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ReportSeed<'_> {
    type Value = Read;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a report")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Read, A::Error> {
        let (mut schema, mut hosts, mut cells, mut timeline) = (None, None, None, None);
        while let Some(Text(key)) = map.next_key()? {
            match &*key {
                "schema" => schema = Some(map.next_value()?),
                "hosts" => hosts = Some(map.next_value()?),
                "cases" => cells = Some(map.next_value_seed(CellsSeed(self.0))?),
                "timeline" => timeline = Some(map.next_value()?),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(Read {
            schema: schema.ok_or_else(|| A::Error::missing_field("schema"))?,
            hosts: hosts.ok_or_else(|| A::Error::missing_field("hosts"))?,
            cells: cells.ok_or_else(|| A::Error::missing_field("cases"))?,
            timeline: timeline.ok_or_else(|| A::Error::missing_field("timeline"))?,
        })
    }
}

struct CellsSeed<'s>(&'s mut Shared);

impl<'de> DeserializeSeed<'de> for CellsSeed<'_> {
    type Value = Cells;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cells, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for CellsSeed<'_> {
    type Value = Cells;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sequence")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Cells, A::Error> {
        let mut cells = Ok(Vec::new());
        while let Some(case) = seq.next_element::<CasePart<'de>>()? {
            // What is no report at all is told before what cannot be, so that all of it is read.
            if let Ok(so_far) = &mut cells {
                match case.reduced(self.0) {
                    Ok(cell) => so_far.push(cell),
                    Err(impossible) => cells = Err(impossible),
                }
            }
        }
        Ok(cells)
    }
}

/// A text, borrowed from the report unless it is written with escapes there.
#[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

/// The members of a case that are compared, and those that a page tells of it ([`crate::Case`]).
#[derive(Deserialize)]
struct CasePart<'a> {
    #[serde(borrow)]
    host: Cow<'a, str>,
    #[serde(borrow)]
    scenario: Cow<'a, str>,
    #[serde(borrow)]
    check: Cow<'a, str>,
    #[serde(borrow)]
    subject: Cow<'a, str>,
    verdict: Verdict,
    #[serde(borrow)]
    expected: Cow<'a, str>,
    #[serde(borrow)]
    observed: Option<Seen<'a>>,
    #[serde(borrow)]
    reason: Option<Text<'a>>,
    #[serde(borrow)]
    link: Option<Text<'a>>,
    explanations: Vec<Explanation>,
}

impl CasePart<'_> {
    fn reduced(self, shared: &mut Shared) -> Result<Cell, ReadError> {
        if let Some(Seen::Names(names)) = &self.observed {
            lookups::check(names.samples, &names.spaces).map_err(|why| {
                let case = format!("{}::{}::{}", self.scenario, self.check, self.subject);
                ReadError::Impossible { case, why }
            })?;
        }
        let (mut seen, mut lookups) = (None, Lookups::default());
        let (answer, took) = match self.observed {
            None => (None, Times::default()),
            Some(Seen::Names(names)) => {
                let took = names.took();
                lookups = names.lookups;
                (Some(shared.answer(Answer::of_shares(names.spaces))), took)
            }
            Some(Seen::Properties(PropertiesPart { answer, values })) => {
                let values = values.into_iter().map(|(Text(name), Text(value))| (name, value));
                (Some(shared.answer(Answer::of_properties(answer, values))), Times::default())
            }
            Some(Seen::Other(other)) => {
                seen = Some(other.sentence(&self.check).into());
                (Some(shared.answer(Answer::of(&other, &self.check))), took(&other))
            }
        };
        Ok(Cell {
            host: shared.text(&self.host),
            scenario: shared.text(&self.scenario),
            check: shared.text(&self.check),
            subject: shared.text(&self.subject),
            verdict: self.verdict,
            answer,
            took,
            seen,
            lookups,
            claim: shared.text(&self.expected),
            link: self.link.map(|Text(link)| shared.text(&link)),
            explanations: self.explanations.into(),
            reason: self
                .reason
                .filter(|_| self.verdict != Verdict::Pass)
                .map(|Text(reason)| shared.text(&reason)),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fixture::{matrix, one_case};
    use crate::{Case, Report, json};

    fn read(report: &str) -> Result<Excerpt, ReadError> {
        Excerpt::parse("a.json", report.as_bytes())
    }

    /// What is compared of a case, by the long way.
    fn expected(case: &Case) -> (String, Verdict, Option<Answer<'_>>) {
        (case.name(), case.verdict, case.observed.as_ref().map(|seen| Answer::of(seen, &case.check)))
    }

    fn found(cell: &Cell) -> (String, Verdict, Option<Answer<'_>>) {
        let name = format!("{}::{}::{}", cell.scenario, cell.check, cell.subject);
        (name, cell.verdict, cell.answer.as_deref().cloned())
    }

    fn assert_is_excerpt(excerpt: &Excerpt, report: &Report) {
        let found: Vec<_> = excerpt.cells.iter().map(found).collect();
        assert_eq!(found, report.cases.iter().map(expected).collect::<Vec<_>>());
        assert!(report.hosts.iter().all(|host| excerpt.hosts.get(&host.id) == Some(host)));
    }

    #[test]
    fn every_kind_of_observation_is_reduced_to_its_answer_however_its_members_are_sorted() {
        for report in [matrix(&[254, 257]), one_case()] {
            assert_is_excerpt(&read(&json::render(&report).unwrap()).unwrap(), &report);
            // A value of serde_json sorts members by name, so that `kind` stands behind others.
            let sorted = serde_json::to_value(&report).unwrap().to_string();
            assert!(!sorted.contains("{\"kind\":\"names\""));
            assert_is_excerpt(&read(&sorted).unwrap(), &report);
        }
    }

    #[test]
    fn what_is_no_report_is_told_as_by_the_whole_reader() {
        let whole = json::render(&one_case()).unwrap();
        let cut_off = whole.split_at(whole.len() / 2).0;
        let impossible = whole.replace("\"samples\": 32", "\"samples\": 33");
        let newer = whole.replace(SCHEMA, "nspawn-matrix/report/9");
        for refused in ["", "<xml/>", "{}", cut_off, &impossible, &newer] {
            let told = json::parse(refused.as_bytes()).unwrap_err().to_string();
            assert_eq!(read(refused).unwrap_err().to_string(), told);
        }
        let other = whole.replace("\"cases\"", "\"results\"").replace(SCHEMA, "nspawn-matrix/report/9");
        assert!(matches!(read(&other), Err(ReadError::Schema { found }) if found.ends_with("/9")));
        assert!(matches!(read(&(whole.clone() + "x")), Err(ReadError::NotJson(_))));
        let unknown = whole.replace("\"kind\": \"names\"", "\"kind\": \"smell\"");
        let told = read(&unknown).unwrap_err().to_string();
        assert!(
            told.starts_with("it is no report of nspawn-matrix: unknown kind of observation `smell`"),
            "{told}"
        );
    }

    #[test]
    fn deep_nesting_is_an_error_and_no_overflow_of_the_stack() {
        for opening in ["[", "{\"hosts\":", "{\"unknown\":", "{\"cases\":[{\"observed\":"] {
            read(&opening.repeat(100_000)).unwrap_err();
        }
    }

    proptest! {
        #[test]
        fn no_damage_to_a_report_makes_the_reader_panic(
            damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)
        ) {
            let mut bytes = json::render(&one_case()).unwrap().into_bytes();
            for (at, byte) in damage {
                *at.get_mut(&mut bytes) = byte;
            }
            let _ = Excerpt::parse("a.json", &bytes);
        }
    }
}

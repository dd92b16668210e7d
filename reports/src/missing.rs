//! What a question is about, where it is not there: an observation like any other, whatever was asked.

use std::fmt;

use crate::{Observation, Properties};

/// Something that is not there, so that there is nothing to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// The machine has not started.
    Machine,
    /// Nothing is mounted where the bind mount is asked about.
    Mount,
}

impl Missing {
    const ALL: [Self; 2] = [Self::Machine, Self::Mount];

    /// Says so instead of an answer.
    #[must_use]
    pub fn observed(self) -> Observation {
        let answer = match self {
            Self::Machine => "no machine",
            Self::Mount => "no mount",
        };
        let (name, value) = self.property();
        Observation::Properties(Properties::new(answer, [(name, value.to_owned())]))
    }

    /// What is missing, if that is what was observed.
    #[must_use]
    pub fn of(seen: &Properties) -> Option<Self> {
        Self::ALL.into_iter().find(|missing| {
            let (name, value) = missing.property();
            seen.values.get(name).is_some_and(|seen| seen == value)
        })
    }

    /// The property that says so, and its value.
    #[must_use]
    pub fn property(self) -> (&'static str, &'static str) {
        match self {
            Self::Machine => ("machine", "not started"),
            Self::Mount => ("mount", "none"),
        }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Machine => "the machine did not start",
            Self::Mount => "nothing is mounted there",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_known_by_what_was_observed() {
        for missing in Missing::ALL {
            let Observation::Properties(seen) = missing.observed() else { unreachable!("it is properties") };
            assert_eq!(Missing::of(&seen), Some(missing));
        }
        assert_eq!(Missing::of(&Properties::new("yes", [("mount", "/srv".to_owned())])), None);
    }
}

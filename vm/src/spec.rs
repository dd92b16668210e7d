//! What a virtual machine is made of and how large it is: a [`Spec`], read from TOML.
//!
//! The specs that come with the program lie beside this crate (`vm/*.toml`). Reading is pure: an error names the line
//! and the key.

use std::num::NonZeroU32;

use serde::Deserialize;

/// The specs that come with the program, by the name of their file.
const BUILT_IN: [(&str, &str); 1] = [("debian", include_str!("../debian.toml"))];

/// One kind of virtual machine.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// Memory in MiB.
    pub memory: NonZeroU32,
    /// Virtual processors.
    pub cores: NonZeroU32,
    /// Size of the disk in MiB.
    pub disk: NonZeroU32,
    /// How the image is built here.
    pub build: Build,
}

/// An image that mmdebstrap builds.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Build {
    /// The suites that it can be built of; the first is the usual one.
    pub suites: Vec<String>,
    /// The packages, with all that they depend on.
    pub packages: Vec<String>,
}

/// A spec, and which of its suites is meant: what a person's `trixie` stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// The suite.
    pub suite: String,
    /// The spec.
    pub spec: Spec,
}

/// Why there is no such spec.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// No spec has this name or suite.
    #[error("there is no virtual machine `{wanted}`; there are {}", known.join(", "))]
    Unknown {
        /// What was asked for.
        wanted: String,
        /// What there is.
        known: Vec<String>,
    },
    /// The text is not a spec.
    #[error("{file}: {said}")]
    Invalid {
        /// The file.
        file: String,
        /// What is wrong, with line and key.
        said: String,
    },
}

impl Spec {
    /// Reads a spec. `file` is for the error only.
    ///
    /// # Errors
    /// [`SpecError::Invalid`].
    pub fn parse(file: &str, text: &str) -> Result<Self, SpecError> {
        let invalid = |said: String| SpecError::Invalid { file: file.to_owned(), said };
        let spec: Self =
            toml::from_str(text).map_err(|error| invalid(error.to_string().trim_end().into()))?;
        if spec.build.suites.is_empty() {
            return Err(invalid("`build.suites` names no suite".into()));
        }
        Ok(spec)
    }
}

impl Chosen {
    /// Finds the built-in spec of that name, or the one with a suite of that name.
    ///
    /// # Errors
    /// [`SpecError`].
    pub fn named(name: &str) -> Result<Self, SpecError> {
        let mut known = vec![];
        for (file, text) in BUILT_IN {
            let spec = Spec::parse(&format!("{file}.toml"), text)?;
            let usual = spec.build.suites[0].clone();
            let suite = if name == file {
                Some(usual)
            } else {
                spec.build.suites.iter().find(|suite| *suite == name).cloned()
            };
            if let Some(suite) = suite {
                return Ok(Self { suite, spec });
            }
            known.extend(spec.build.suites);
        }
        Err(SpecError::Unknown { wanted: name.to_owned(), known })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_specs_that_come_along_can_be_read_by_name_and_by_suite() {
        assert_eq!(Chosen::named("debian").unwrap(), Chosen::named("trixie").unwrap());
        assert_eq!(Chosen::named("bookworm").unwrap().suite, "bookworm");
    }

    #[test]
    fn what_is_not_there_is_told_with_what_is() {
        insta::assert_snapshot!(Chosen::named("potato").unwrap_err(), @"there is no virtual machine `potato`; there are trixie, bookworm, sid");
    }

    #[test]
    fn what_is_wrong_in_a_spec_is_told_with_line_and_key() {
        let size = "memory = 1\ncores = 1\ndisk = 1\n";
        let wrong = [
            "memory = \"2G\"\n".to_owned(),
            format!("{size}[build]\nsuites = [\"a\"]\npackages = []\nmirror = \"x\"\n"),
            format!("{size}[build]\nsuites = []\npackages = []\n"),
            size.replace("cores = 1", "cores = 0"),
        ];
        let said = wrong.map(|text| Spec::parse("mine.toml", &text).unwrap_err().to_string());
        insta::assert_snapshot!(said.join("\n\n"), @r#"
        mine.toml: TOML parse error at line 1, column 10
          |
        1 | memory = "2G"
          |          ^^^^
        invalid type: string "2G", expected a nonzero u32

        mine.toml: TOML parse error at line 7, column 1
          |
        7 | mirror = "x"
          | ^^^^^^
        unknown field `mirror`, expected `suites` or `packages`

        mine.toml: `build.suites` names no suite

        mine.toml: TOML parse error at line 2, column 9
          |
        2 | cores = 0
          |         ^
        invalid value: integer `0`, expected a nonzero u32
        "#);
    }
}

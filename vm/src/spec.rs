//! What a virtual machine is made of and how large it is: a [`Spec`], read from TOML.
//!
//! The specs that come with the program lie beside this crate (`vm/*.toml`). Reading is pure: an error names the line
//! and the key.

use std::num::NonZeroU32;
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use crate::CloudImage;

/// The specs that come with the program, by the name of their file.
const BUILT_IN: [(&str, &str); 2] =
    [("arch", include_str!("../arch.toml")), ("debian", include_str!("../debian.toml"))];

/// One kind of virtual machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    /// Memory in MiB.
    pub memory: NonZeroU32,
    /// Virtual processors.
    pub cores: NonZeroU32,
    /// Size of the disk in MiB.
    pub disk: NonZeroU32,
    /// Where the image comes from.
    pub origin: Origin,
}

/// Where an image comes from: the table `[build]` or `[download]` of a spec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// It is built here.
    Build(Build),
    /// It is the distribution's own.
    Download(CloudImage),
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

/// A spec as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    memory: NonZeroU32,
    cores: NonZeroU32,
    disk: NonZeroU32,
    build: Option<Spanned<Build>>,
    download: Option<Spanned<CloudImage>>,
}

/// A spec, and which of its suites is meant: what a person's `trixie` stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// The suite; the name of the spec where there are none.
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
        let at = |place: Range<usize>, said: &str| {
            let line = text[..place.start].matches('\n').count() + 1;
            invalid(format!("line {line}: {said}"))
        };
        let written: Written =
            toml::from_str(text).map_err(|error| invalid(error.to_string().trim_end().into()))?;
        let origin = match (written.build, written.download) {
            (Some(build), None) if build.get_ref().suites.is_empty() => {
                return Err(at(build.span(), "`build.suites` names no suite"));
            }
            (Some(build), None) => Origin::Build(build.into_inner()),
            (None, Some(download)) => Origin::Download(download.into_inner()),
            (Some(build), Some(download)) => {
                let later = build.span().start.max(download.span().start);
                return Err(at(
                    later..later,
                    "an image is either built or downloaded: [build] or [download]",
                ));
            }
            (None, None) => return Err(invalid("there is neither [build] nor [download]".into())),
        };
        Ok(Self { memory: written.memory, cores: written.cores, disk: written.disk, origin })
    }

    /// What a person may call it: its suites, or the name of its file.
    fn names(&self, file: &str) -> Vec<String> {
        match &self.origin {
            Origin::Build(build) => build.suites.clone(),
            Origin::Download(_) => vec![file.to_owned()],
        }
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
            let names = spec.names(file);
            let wanted = if name == file { names.first() } else { names.iter().find(|one| *one == name) };
            if let Some(suite) = wanted.cloned() {
                return Ok(Self { suite, spec });
            }
            known.extend(names);
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
    fn a_download_goes_by_the_name_of_its_spec() {
        let arch = Chosen::named("arch").unwrap();
        let Origin::Download(image) = arch.spec.origin else { panic!("it is downloaded") };
        assert_eq!(arch.suite, "arch");
        assert!(image.url.as_str().ends_with(".qcow2"));
    }

    #[test]
    fn what_is_not_there_is_told_with_what_is() {
        insta::assert_snapshot!(Chosen::named("potato").unwrap_err(), @"there is no virtual machine `potato`; there are arch, trixie, bookworm, sid");
    }

    #[test]
    fn what_is_wrong_in_a_spec_is_told_with_line_and_key() {
        let size = "memory = 1\ncores = 1\ndisk = 1\n";
        let build = "[build]\nsuites = [\"a\"]\npackages = []\n";
        let download = include_str!("../arch.toml").split_once("[download]").unwrap().1;
        let wrong = [
            "memory = \"2G\"\n".to_owned(),
            format!("{size}{build}mirror = \"x\"\n"),
            format!("{size}[build]\nsuites = []\npackages = []\n"),
            size.replace("cores = 1", "cores = 0"),
            size.to_owned(),
            format!("{size}{build}[download]{download}"),
            format!("{size}[download]\nurl = \"ftp://m/x\"\n"),
            format!("{size}[download]\nurl = \"https://m/x\"\nsigner = \"326C6F8F\"\n"),
            format!("{size}[download]\nkey = \"\"\n"),
            format!("{size}[download]{}", download.replace("2026/10/01", "yesterday")),
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

        mine.toml: line 4: `build.suites` names no suite

        mine.toml: TOML parse error at line 2, column 9
          |
        2 | cores = 0
          |         ^
        invalid value: integer `0`, expected a nonzero u32

        mine.toml: there is neither [build] nor [download]

        mine.toml: line 7: an image is either built or downloaded: [build] or [download]

        mine.toml: TOML parse error at line 5, column 7
          |
        5 | url = "ftp://m/x"
          |       ^^^^^^^^^^^
        an address begins with https:// or http://, and has no spaces

        mine.toml: TOML parse error at line 6, column 10
          |
        6 | signer = "326C6F8F"
          |          ^^^^^^^^^^
        a fingerprint has 40 hexadecimal digits

        mine.toml: TOML parse error at line 5, column 7
          |
        5 | key = ""
          |       ^^
        a key is what stands between BEGIN PGP PUBLIC KEY BLOCK and END PGP PUBLIC KEY BLOCK

        mine.toml: TOML parse error at line 30, column 11
           |
        30 | archive = "yesterday"
           |           ^^^^^^^^^^^
        a day of the Arch Linux Archive is a year, a month and a day, such as `2026/10/01`
        "#);
    }
}

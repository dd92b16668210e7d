//! A distribution's own cloud image, as a spec describes it: where it is, who made it, what its first boot installs.
//!
//! The image is signed by its maker; beside it lie the signature (`.sig`) and the checksum (`.SHA256`). The values are
//! checked as they are read, so an error has the place of what is wrong.

use data_encoding::BASE64_MIME_PERMISSIVE;
use serde::Deserialize;

/// An image that is downloaded and then set up by cloud-init.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CloudImage {
    /// Where the image is, a qcow2.
    pub url: Url,
    /// Who signed it: the fingerprint of an OpenPGP key, forty hexadecimal digits.
    pub signer: Fingerprint,
    /// That key.
    pub key: PublicKey,
    /// The day whose packages are installed.
    pub archive: ArchiveDay,
    /// What is installed at the first boot.
    pub packages: Vec<String>,
}

/// The address of a file that a web server has.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Url(String);

/// The fingerprint of a version 4 OpenPGP key (RFC 9580, 5.5.4.2), in capitals.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Fingerprint(String);

/// An OpenPGP key, read from its ASCII armor (RFC 9580, 6.2).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct PublicKey(Vec<u8>);

/// A day of the Arch Linux Archive, such as `2026/10/01`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct ArchiveDay(String);

impl Url {
    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address of a file that lies beside this one, with a longer name.
    pub(crate) fn beside(&self, ending: &str) -> Self {
        Self(format!("{}{ending}", self.0))
    }
}

impl Fingerprint {
    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PublicKey {
    /// The packets of the key.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl ArchiveDay {
    /// Where pacman finds the packages of that day.
    #[must_use]
    pub fn server(&self) -> String {
        format!("https://archive.archlinux.org/repos/{}/$repo/os/$arch", self.0)
    }
}

impl TryFrom<String> for Url {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        match rest {
            Some(rest) if !rest.is_empty() && !rest.contains(char::is_whitespace) => Ok(Self(text)),
            Some(_) | None => Err("an address begins with https:// or http://, and has no spaces"),
        }
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let digits: String = text.to_ascii_uppercase().split_whitespace().collect();
        if digits.len() == 40 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            Ok(Self(digits))
        } else {
            Err("a fingerprint has 40 hexadecimal digits")
        }
    }
}

impl TryFrom<String> for PublicKey {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let wrong = "a key is what stands between BEGIN PGP PUBLIC KEY BLOCK and END PGP PUBLIC KEY BLOCK";
        let (_, text) = text.split_once("-----BEGIN PGP PUBLIC KEY BLOCK-----\n").ok_or(wrong)?;
        let (text, _) = text.split_once("-----END PGP PUBLIC KEY BLOCK-----").ok_or(wrong)?;
        // Headers end with an empty line, the data with a line for the checksum, which begins with `=`.
        let (_headers, data) = text.split_once("\n\n").or_else(|| text.split_once('\n')).ok_or(wrong)?;
        let data = data.split_once("\n=").map_or(data, |(data, _checksum)| data);
        BASE64_MIME_PERMISSIVE.decode(data.as_bytes()).map(Self).map_err(|_| wrong)
    }
}

impl TryFrom<String> for ArchiveDay {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let number = |part: &str, digits| {
            let is_whole = part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit());
            is_whole.then(|| part.parse().ok()).flatten()
        };
        let parts: Vec<&str> = text.split('/').collect();
        let day = match parts[..] {
            [year, month, day] => (number(year, 4), number(month, 2), number(day, 2)),
            _ => (None, None, None),
        };
        match day {
            (Some(2013..=9999), Some(1..=12), Some(1..=31)) => Ok(Self(text)),
            _ => Err("a day of the Arch Linux Archive is a year, a month and a day, such as `2026/10/01`"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_what_the_archive_has_folders_for() {
        let is_day = |text: &str| ArchiveDay::try_from(text.to_owned()).is_ok();
        assert!(is_day("2026/10/01"));
        let wrong =
            ["2026/10/1", "2026-10-01", "2026/13/01", "2026/10", "2026/+1/01", "latest", "2026/10/01/.."];
        assert!(!wrong.iter().any(|text| is_day(text)));
        let day = ArchiveDay::try_from("2026/10/01".to_owned()).unwrap();
        assert_eq!(day.server(), "https://archive.archlinux.org/repos/2026/10/01/$repo/os/$arch");
    }

    #[test]
    fn a_fingerprint_is_read_as_gpg_prints_it_too() {
        let spaced = "1b9a 1698 4a4e 8cb4 4871  2d2a e0b7 8bf4 326c 6f8f".to_owned();
        assert_eq!(
            Fingerprint::try_from(spaced).unwrap().as_str(),
            "1B9A16984A4E8CB448712D2AE0B78BF4326C6F8F"
        );
        assert!(Fingerprint::try_from("326C6F8F".to_owned()).is_err(), "anyone can make another of that end");
    }
}

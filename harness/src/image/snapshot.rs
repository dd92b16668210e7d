//! Debian as it was at some time: snapshot.debian.org keeps the archive of every day since 2005.
//!
//! It is asked over HTTP, and its certificate need not be trusted: apt checks the signatures of what it gets.

use std::fmt;
use std::str::FromStr;

use time::macros::format_description;
use time::{Date, PrimitiveDateTime};

use super::Suite;

/// Where the snapshots are: below it a folder for each archive (`debian`), and in that one for each time.
const SERVER: &str = "http://snapshot.debian.org/archive";

/// The variable of the environment that names another server, with the same folders: a mirror at hand, or a copy.
const OTHER_SERVER: &str = "NSPAWN_MATRIX_SNAPSHOTS";

/// Where the snapshots are for this process.
pub(super) fn server() -> String {
    let other = std::env::var(OTHER_SERVER).ok().filter(|server| !server.is_empty());
    other.unwrap_or_else(|| SERVER.to_owned())
}

/// A moment of the archive, in UTC. The server gives the last state before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Snapshot(PrimitiveDateTime);

/// It is neither a day nor a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoTime;

impl FromStr for Snapshot {
    type Err = NoTime;

    /// Reads `20251101T120000Z`, or `20251101` for the begin of that day.
    fn from_str(text: &str) -> Result<Self, NoTime> {
        let day = Date::parse(text, format_description!("[year][month][day]"));
        let time = format_description!("[year][month][day]T[hour][minute][second]Z");
        let at = day.map(Date::midnight).or_else(|_| PrimitiveDateTime::parse(text, time));
        at.map(Self).map_err(|_| NoTime)
    }
}

impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = format_description!("[year][month][day]T[hour][minute][second]Z");
        f.write_str(&self.0.format(time).map_err(|_| fmt::Error)?)
    }
}

impl Snapshot {
    /// The lines of sources.list(5) for a suite on a server, which mmdebstrap takes in the place of a mirror. Backports
    /// are added to them by a hook, as they are to those of a mirror.
    pub(super) fn sources(self, suite: Suite, server: &str) -> Vec<String> {
        let (base, server) = (suite.base(), server.trim_end_matches('/'));
        let line = |archive: &str, suite: &str| format!("deb {server}/{archive}/{self} {suite} main");
        let release = line("debian", base);
        match suite {
            Suite::Bookworm | Suite::BookwormBackports | Suite::Trixie => vec![
                release,
                line("debian", &format!("{base}-updates")),
                line("debian-security", &format!("{base}-security")),
            ],
            Suite::Sid => vec![release],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_at_midnight_and_a_time_is_taken_as_it_is() {
        let read = |text: &str| text.parse::<Snapshot>().map(|snapshot| snapshot.to_string());
        assert_eq!(read("20251101").unwrap(), "20251101T000000Z");
        assert_eq!(read("20251101T203015Z").unwrap(), "20251101T203015Z");
        for text in ["", "2025", "20251301", "20250230", "20251101T250000Z", "20251101T203015", "yesterday"] {
            assert_eq!(read(text), Err(NoTime), "{text}");
        }
    }

    #[test]
    fn every_suite_has_its_updates_of_the_same_time() {
        let snapshot: Snapshot = "20251101".parse().unwrap();
        let lines =
            Suite::ALL.map(|suite| format!("{suite}:\n  {}\n", snapshot.sources(suite, SERVER).join("\n  ")));
        insta::assert_snapshot!(lines.concat(), @r"
        bookworm:
          deb http://snapshot.debian.org/archive/debian/20251101T000000Z bookworm main
          deb http://snapshot.debian.org/archive/debian/20251101T000000Z bookworm-updates main
          deb http://snapshot.debian.org/archive/debian-security/20251101T000000Z bookworm-security main
        bookworm-backports:
          deb http://snapshot.debian.org/archive/debian/20251101T000000Z bookworm main
          deb http://snapshot.debian.org/archive/debian/20251101T000000Z bookworm-updates main
          deb http://snapshot.debian.org/archive/debian-security/20251101T000000Z bookworm-security main
        trixie:
          deb http://snapshot.debian.org/archive/debian/20251101T000000Z trixie main
          deb http://snapshot.debian.org/archive/debian/20251101T000000Z trixie-updates main
          deb http://snapshot.debian.org/archive/debian-security/20251101T000000Z trixie-security main
        sid:
          deb http://snapshot.debian.org/archive/debian/20251101T000000Z sid main
        ");
    }
}

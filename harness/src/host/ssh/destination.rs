//! Where a machine is that is reached by ssh: `ssh://user@host:port`.
//!
//! It comes from a command line or a file of somebody else's, and goes on a command line of ours: so it can hold nothing
//! that ssh or a shell reads as anything but a name.

use std::fmt;
use std::num::NonZeroU16;
use std::str::FromStr;

/// What every destination begins with.
const SCHEME: &str = "ssh://";

/// The longest name of a host (RFC 1035, 2.3.4), in bytes.
const LONGEST_HOST: usize = 253;

/// The longest name of a user (useradd(8)), in bytes.
const LONGEST_USER: usize = 32;

/// Where a machine is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Destination {
    /// None leaves it to the configuration of ssh.
    user: Option<String>,
    /// A name of DNS or of the configuration of ssh, or an address.
    host: String,
    /// None leaves it to the configuration of ssh.
    port: Option<NonZeroU16>,
}

/// Why a text is no destination.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoDestination {
    /// It is something else.
    #[error("it does not begin with {SCHEME}")]
    Scheme,
    /// The user.
    #[error("its user is not 1 to {LONGEST_USER} letters, digits, `_`, `.` and `-`, the first no `-`")]
    User,
    /// The host.
    #[error(
        "its host is not 1 to {LONGEST_HOST} letters, digits, `_`, `.` and `-`, the first no `-`, or an IPv6 address in brackets"
    )]
    Host,
    /// The port.
    #[error("its port is not a number from 1 to 65535, and nothing may follow it")]
    Port,
}

impl FromStr for Destination {
    type Err = NoDestination;

    fn from_str(text: &str) -> Result<Self, NoDestination> {
        let rest = text.strip_prefix(SCHEME).ok_or(NoDestination::Scheme)?;
        let (user, rest) = match rest.rsplit_once('@') {
            Some((user, rest)) => (Some(user), rest),
            None => (None, rest),
        };
        let (host, port) = split_port(rest)?;
        Self::new(user, host, port)
    }
}

impl Destination {
    /// Puts one together; `host` has no brackets.
    ///
    /// # Errors
    /// [`NoDestination`].
    pub fn new(user: Option<&str>, host: &str, port: Option<&str>) -> Result<Self, NoDestination> {
        if user.is_some_and(|user| user.len() > LONGEST_USER || !is_name(user)) {
            return Err(NoDestination::User);
        }
        let is_host = host.len() <= LONGEST_HOST && (is_name(host) || is_ipv6(host));
        if !is_host {
            return Err(NoDestination::Host);
        }
        let is_number =
            |port: &&str| !port.starts_with('0') && port.bytes().all(|byte| byte.is_ascii_digit());
        let port = port
            .map(|port| {
                Some(port).filter(is_number).and_then(|port| port.parse().ok()).ok_or(NoDestination::Port)
            })
            .transpose()?;
        Ok(Self { user: user.map(str::to_owned), host: host.to_owned(), port })
    }

    /// The host.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// What tells it from others in the name of a folder: `web1`, `web1-2222`.
    #[must_use]
    pub fn name(&self) -> String {
        let host = self.host.replace([':', '%'], "-");
        self.port.map_or_else(|| host.clone(), |port| format!("{host}-{port}"))
    }

    /// The words by which ssh is told of it.
    pub(super) fn words(&self) -> Vec<String> {
        let port = self.port.iter().flat_map(|port| ["-p".to_owned(), port.to_string()]);
        let user = self.user.iter().flat_map(|user| ["-l".to_owned(), user.clone()]);
        port.chain(user).chain(["--".to_owned(), self.host.clone()]).collect()
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SCHEME)?;
        self.user.iter().try_for_each(|user| write!(f, "{user}@"))?;
        if self.host.contains(':') { write!(f, "[{}]", self.host) } else { f.write_str(&self.host) }?;
        self.port.iter().try_for_each(|port| write!(f, ":{port}"))
    }
}

/// An IPv6 address has colons of its own, so it stands in brackets (RFC 3986, 3.2.2).
fn split_port(text: &str) -> Result<(&str, Option<&str>), NoDestination> {
    let Some(bracketed) = text.strip_prefix('[') else {
        return Ok(match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        });
    };
    let (host, after) =
        bracketed.split_once(']').filter(|(host, _)| is_ipv6(host)).ok_or(NoDestination::Host)?;
    match after.strip_prefix(':') {
        Some(port) => Ok((host, Some(port))),
        None if after.is_empty() => Ok((host, None)),
        None => Err(NoDestination::Port),
    }
}

/// What begins with `-` is an option to ssh.
fn is_name(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    !text.is_empty() && !text.starts_with('-') && text.chars().all(is_plain)
}

/// With a zone, if it needs one: `fe80::1%eth0`.
fn is_ipv6(text: &str) -> bool {
    let (address, zone) = text.split_once('%').map_or((text, None), |(address, zone)| (address, Some(zone)));
    address.parse::<std::net::Ipv6Addr>().is_ok() && zone.is_none_or(is_name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_destination_is_written_as_it_was_read() {
        for text in [
            "ssh://web1",
            "ssh://root@web1.example",
            "ssh://root@192.0.2.7:2222",
            "ssh://a.b_c-d@[fe80::1%eth0]:22",
        ] {
            assert_eq!(text.parse::<Destination>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_ssh_or_a_shell_would_read_as_something_else_is_none() {
        use NoDestination::{Host, Port, Scheme, User};
        for (text, why) in [
            ("web1", Scheme),
            ("ssh:/web1", Scheme),
            ("ssh://", Host),
            ("ssh://-oProxyCommand=touch", Host),
            ("ssh://root@-oProxyCommand=touch", Host),
            ("ssh://-oProxyCommand=touch@web1", User),
            ("ssh://root;reboot@web1", User),
            ("ssh://@web1", User),
            ("ssh://web1 -v", Host),
            ("ssh://web1/etc", Host),
            ("ssh://$(reboot)", Host),
            ("ssh://web1\n", Host),
            ("ssh://web1\u{1b}[2J", Host),
            ("ssh://fe80::1", Port),
            ("ssh://[web1]", Host),
            ("ssh://[fe80::1%-x]", Host),
            ("ssh://[::1]x", Port),
            ("ssh://web1:", Port),
            ("ssh://web1:0", Port),
            ("ssh://web1:+22", Port),
            ("ssh://web1:022", Port),
            ("ssh://web1:65536", Port),
            ("ssh://web1:22/", Port),
        ] {
            assert_eq!(text.parse::<Destination>(), Err(why), "{text}");
        }
        assert_eq!(format!("ssh://{}", "a".repeat(254)).parse::<Destination>(), Err(Host));
        assert_eq!(format!("ssh://{}@a", "a".repeat(33)).parse::<Destination>(), Err(User));
    }

    #[test]
    fn ssh_is_told_of_it_in_words_of_their_own() {
        let words = |text: &str| text.parse::<Destination>().unwrap().words().join(" ");
        assert_eq!(words("ssh://web1"), "-- web1");
        assert_eq!(words("ssh://root@[::1]:22"), "-p 22 -l root -- ::1");
    }

    proptest! {
        #[test]
        fn whatever_is_read_is_harmless(text in "ssh://[ -~]{0,40}") {
            if let Ok(destination) = text.parse::<Destination>() {
                let words = destination.words();
                let (host, options) = words.split_last().unwrap();
                prop_assert!(!host.starts_with('-') && options.last().unwrap() == "--");
                prop_assert!(words.iter().all(|word| nspawn_matrix_scenarios::shell::quote(word) == *word));
                prop_assert_eq!(destination.to_string(), text);
            }
        }
    }
}

//! Ports of the host that are forwarded to machines.

use serde::{Deserialize, Serialize};

/// The port that a machine of the catalogue serves.
pub const MACHINE_PORT: u16 = 80;

/// A port of the host that leads to one of a machine: a value of `Port=` (systemd.nspawn(5)) or `--port=`
/// (systemd-nspawn(1)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forward {
    /// Whether it is one of UDP; otherwise it is one of TCP.
    pub is_udp: bool,
    /// The port of the host.
    pub host: u16,
    /// The port of the machine.
    pub machine: u16,
}

impl Forward {
    /// Reads `[tcp:|udp:]HOST[:MACHINE]`; none if systemd ignores it.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        let (is_udp, ports) = match value.strip_prefix("udp:") {
            Some(ports) => (true, ports),
            None => (false, value.strip_prefix("tcp:").unwrap_or(value)),
        };
        let port = |text: &str| text.parse().ok().filter(|port| *port > 0);
        let (host, machine) = ports.split_once(':').unwrap_or((ports, ports));
        Some(Self { is_udp, host: port(host)?, machine: port(machine)? })
    }

    /// All that the options of a command line ask for, in their order.
    #[must_use]
    pub fn of_options(options: &[String]) -> Vec<Self> {
        let mut forwards = Vec::new();
        let mut options = options.iter().map(String::as_str);
        while let Some(option) = options.next() {
            let value = match option {
                "-p" | "--port" => options.next(),
                long if long.starts_with("--") => long.strip_prefix("--port="),
                short => short.strip_prefix("-p"),
            };
            forwards.extend(value.and_then(Self::parse));
        }
        forwards
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HTTP: Forward = Forward { is_udp: false, host: 8080, machine: 80 };

    #[test]
    fn the_protocol_is_tcp_and_the_port_of_the_machine_that_of_the_host_where_nothing_is_said() {
        assert_eq!(Forward::parse("8080:80"), Some(HTTP));
        assert_eq!(Forward::parse("tcp:8080:80"), Some(HTTP));
        assert_eq!(Forward::parse("udp:53"), Some(Forward { is_udp: true, host: 53, machine: 53 }));
        for ignored in ["", "0", "tcp:", "80:0", "80:", "65536", "80:80:80", "sctp:80", "http", "tcp:udp:80"]
        {
            assert_eq!(Forward::parse(ignored), None, "{ignored}");
        }
    }

    #[test]
    fn options_say_it_in_four_ways() {
        let of = |options: &[&str]| {
            Forward::of_options(&options.iter().map(|&option| option.to_owned()).collect::<Vec<_>>())
        };
        for options in
            [&["-n", "-p", "8080:80"][..], &["-p8080:80"], &["--port", "8080:80"], &["--port=8080:80"]]
        {
            assert_eq!(of(options), [HTTP], "{options:?}");
        }
        assert!(of(&["-n", "--private-users=pick", "--bind=/p8080", "-p"]).is_empty());
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(is_udp: bool, host in 1..=u16::MAX, machine in 1..=u16::MAX) {
            let protocol = if is_udp { "udp" } else { "tcp" };
            let forward = Forward { is_udp, host, machine };
            prop_assert_eq!(Forward::parse(&format!("{protocol}:{host}:{machine}")), Some(forward));
        }

        #[test]
        fn no_text_makes_the_reader_panic(value in "\\PC{0,20}") {
            prop_assert!(Forward::parse(&value).is_none_or(|read| read.host > 0 && read.machine > 0));
        }
    }
}

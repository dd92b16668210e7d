//! Names by NSS: the machine's own `getent`, which is what a program there sees.

use std::time::Instant;

use nspawn_matrix_reports::{Family, LookupPath};

use super::{Answer, Lookup};
use crate::command::{Command, Ended};

/// Looks a name up once, by the machine's own getent(1), with what nsswitch.conf(5) says. Must be called in a tokio
/// runtime.
///
/// # Errors
/// If `getent` cannot be started, or says anything but that it found the name or did not.
pub async fn look_up(name: &str, family: Family) -> anyhow::Result<Answer> {
    timed(&["getent", database(family), name]).await
}

/// Looks a name up once with one module of NSS alone.
pub(super) async fn look_up_alone(lookup: &Lookup) -> anyhow::Result<Answer> {
    let module = match lookup.path {
        LookupPath::NssMymachines => "mymachines",
        LookupPath::NssMyhostname => "myhostname",
        LookupPath::Nss | LookupPath::Stub | LookupPath::Api => {
            anyhow::bail!("{} is no module of NSS", lookup.path.name())
        }
    };
    timed(&["getent", "-s", module, database(lookup.family), &lookup.name]).await
}

async fn timed(argv: &[&str]) -> anyhow::Result<Answer> {
    let started = Instant::now();
    let ended = Command::from_argv(argv).brief().end().await?;
    let took = started.elapsed();
    let addresses = found(argv, &ended)?;
    Ok(Answer { addresses, took, ..Answer::default() })
}

fn database(family: Family) -> &'static str {
    match family {
        Family::Any => "ahosts",
        Family::Ipv4 => "ahostsv4",
        Family::Ipv6 => "ahostsv6",
    }
}

fn found(argv: &[&str], ended: &Ended) -> anyhow::Result<Vec<String>> {
    // getent(1): 2 is "one or more supplied keys could not be found in the database".
    match ended.status.code() {
        Some(0 | 2) => Ok(parse(&ended.stdout)),
        Some(_) | None => anyhow::bail!("`{}`: {}: {}", argv.join(" "), ended.status, ended.stderr.trim()),
    }
}

/// Reads what `getent ahosts` writes: a line per address and socket type, of which one type is enough. `ahostsv6` asks
/// for `AI_V4MAPPED` (getaddrinfo(3)), which gives IPv4 addresses in the guise of IPv6 where there are no others; they
/// are left out, as they are where a program asks for IPv6 and no more.
fn parse(output: &str) -> Vec<String> {
    let address = |line: &str| {
        let mut fields = line.split_whitespace();
        let (address, kind) = (fields.next()?, fields.next()?);
        (kind == "STREAM" && !address.starts_with("::ffff:")).then(|| address.to_owned())
    };
    output.lines().filter_map(address).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BETA: &str = "fe80::1%2       STREAM beta\nfe80::1%2       DGRAM  \nfe80::1%2       RAW    \n\
                        10.0.55.38      STREAM \n10.0.55.38      DGRAM  \n10.0.55.38      RAW    \n";

    #[test]
    fn an_answer_keeps_the_order_of_its_addresses() {
        assert_eq!(parse(BETA), ["fe80::1%2", "10.0.55.38"]);
        assert!(parse("").is_empty());
    }

    #[test]
    fn an_ipv4_address_in_the_guise_of_ipv6_is_none() {
        assert!(parse("::ffff:10.0.55.1 STREAM _gateway\n::ffff:10.0.55.1 DGRAM\n").is_empty());
    }

    proptest! {
        #[test]
        fn no_output_makes_the_reader_panic(output in "[ -~\n]{0,200}") {
            let _ = parse(&output);
        }
    }
}

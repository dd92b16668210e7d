//! getent(1), a program for each lookup, as people type it.

use nspawn_matrix_reports::Family;

use crate::command::{Command, Ended};

/// Looks a name up by the machine's own getent(1), with one module of NSS, or with those of nsswitch.conf(5).
///
/// # Errors
/// If `getent` cannot be started, or says anything but that it found the name or did not.
pub(super) async fn look_up(
    name: &str,
    family: Family,
    module: Option<&'static str>,
) -> anyhow::Result<Vec<String>> {
    let mut argv = vec!["getent"];
    argv.extend(module.into_iter().flat_map(|module| ["-s", module]));
    argv.extend([database(family), name]);
    let ended = Command::from_argv(&argv).end().await?;
    found(&argv, &ended)
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

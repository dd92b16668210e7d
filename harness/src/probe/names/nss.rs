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
    let argv = ["getent", database(family), name];
    let started = Instant::now();
    let ended = Command::from_argv(argv).brief().end().await?;
    let took = started.elapsed();
    let addresses = found(&argv, &ended)?.into_iter().next().unwrap_or_default();
    Ok(Answer { addresses, took, ..Answer::default() })
}

/// Looks a name up many times, in one process, with one module of NSS alone; each lookup took its share of the time.
pub(super) async fn look_up_alone(lookup: &Lookup, samples: u32) -> anyhow::Result<Vec<Answer>> {
    let module = match lookup.path {
        LookupPath::NssMymachines => "mymachines",
        LookupPath::NssMyhostname => "myhostname",
        LookupPath::Nss | LookupPath::Stub | LookupPath::Api => {
            anyhow::bail!("{} is no module of NSS", lookup.path.name())
        }
    };
    let mut argv = vec!["getent", "-s", module, database(lookup.family)];
    argv.extend((0..samples).map(|_| lookup.name.as_str()));
    let started = Instant::now();
    let ended = Command::from_argv(&argv).end().await?;
    let took = started.elapsed() / samples.max(1);
    let mut found = found(&argv[..5.min(argv.len())], &ended)?.into_iter();
    // Of lookups that gave nothing there is no trace in the output.
    Ok((0..samples)
        .map(|_| Answer { addresses: found.next().unwrap_or_default(), took, ..Answer::default() })
        .collect())
}

fn database(family: Family) -> &'static str {
    match family {
        Family::Any => "ahosts",
        Family::Ipv4 => "ahostsv4",
        Family::Ipv6 => "ahostsv6",
    }
}

fn found(argv: &[&str], ended: &Ended) -> anyhow::Result<Vec<Vec<String>>> {
    // getent(1): 2 is "one or more supplied keys could not be found in the database".
    match ended.status.code() {
        Some(0 | 2) => Ok(parse(&ended.stdout)),
        Some(_) | None => anyhow::bail!("`{}`: {}: {}", argv.join(" "), ended.status, ended.stderr.trim()),
    }
}

/// Reads what `getent ahosts` writes, one list for each answer: a line per address and socket type, of which one type is
/// enough. The first line of an answer has the name in it.
fn parse(output: &str) -> Vec<Vec<String>> {
    let mut answers: Vec<Vec<String>> = Vec::new();
    for line in output.lines() {
        let mut fields = line.split_whitespace();
        if let (Some(address), Some("STREAM")) = (fields.next(), fields.next()) {
            match answers.last_mut() {
                Some(answer) if fields.next().is_none() => answer.push(address.to_owned()),
                Some(_) | None => answers.push(vec![address.to_owned()]),
            }
        }
    }
    answers
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BETA: &str = "fe80::1%2       STREAM beta\nfe80::1%2       DGRAM  \nfe80::1%2       RAW    \n\
                        10.0.55.38      STREAM \n10.0.55.38      DGRAM  \n10.0.55.38      RAW    \n";

    #[test]
    fn an_answer_keeps_the_order_of_its_addresses() {
        assert_eq!(parse(BETA), [["fe80::1%2", "10.0.55.38"]]);
    }

    #[test]
    fn each_answer_begins_with_the_name() {
        assert_eq!(parse(&BETA.repeat(3)), [["fe80::1%2", "10.0.55.38"]; 3]);
        assert!(parse("").is_empty());
    }

    proptest! {
        #[test]
        fn no_output_makes_the_reader_panic(output in "[ -~\n]{0,200}") {
            let _ = parse(&output);
        }
    }
}

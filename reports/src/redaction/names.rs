//! Names of people's own: of hosts and domains, known by where a report tells them, and ids of machines by their form.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::Value;

use super::pseudonym::{Numbers, Pseudonyms};
use super::scan::{self, Address};
use crate::{Report, json};

/// Names that are the same on many hosts.
const COMMON: [&str; 8] =
    ["localhost", "localdomain", "local", "lan", "home", "internal", "home.arpa", super::secret::REDACTED];

/// Ids of machines, addresses that are written in other ways than [`scan`] knows, and what stands for names.
static IDS: LazyLock<Regex> = LazyLock::new(|| {
    let id = "[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}";
    let alternatives = [
        &*format!("(?P<id>(?i-u:{id}))"),
        "(?P<link>enx(?P<mac>[0-9a-f]{12}))",
        "(?P<dashed>(?i-u:[0-9a-f]{2}(?:-[0-9a-f]{2}){5}))",
        // What a DHCP client is known by: it is made from the machine id, or a hardware address (RFC 8415, section 11).
        "(?P<duid>DUID-[A-Z]+(?:/[A-Za-z]+)?:)(?P<octets>[0-9a-f]{8,})",
        // A name by the address, as providers give them: 198-51-100-2.ip.example.com.
        r"(?P<quad>[0-9]{1,3}(?:-[0-9]{1,3}){3})(?P<domain>\.[a-z])",
        "(?P<taken>(?:host|domain|id)-(?P<number>[0-9]{1,9}))",
    ];
    Regex::new(&alternatives.join("|")).expect("a pattern that a test compiles")
});

/// The hosts of ssh(1) that a text names.
static SSH: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new("ssh://(?:[^/@ ]*@)?([A-Za-z0-9._-]+)").expect("a pattern that a test compiles")
});

/// The names that are known, and what stands for them.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    /// Each name with its pseudonym, the longest first.
    known: Vec<(String, String)>,
    /// Numbers that pseudonyms of names had before.
    taken: BTreeSet<u64>,
    ids: Numbers<String>,
}

impl Names {
    /// Learns the names of a report: of its hosts, of the domains that they search, and of those that ssh went to.
    pub(super) fn learn(&mut self, report: &Report) {
        let usual = words(report);
        let is_own = |name: &String| {
            name.parse::<std::net::IpAddr>().is_err() && !usual.contains(name) && !is_pseudonym(name)
        };
        let facts = || report.hosts.iter().filter_map(|host| host.facts.as_ref());
        let texts = report.run.argv.iter().chain(report.hosts.iter().map(|host| &host.id));
        let by_ssh = texts.flat_map(|text| SSH.captures_iter(text)).map(|found| found[1].to_owned());
        let named: Vec<String> = facts().filter_map(|facts| facts.hostname.clone()).chain(by_ssh).collect();
        let (mut hosts, mut domains) = (Vec::new(), Vec::new());
        for name in named {
            match name.split_once('.') {
                Some((host, domain)) => {
                    hosts.push([name.clone(), host.to_owned()]);
                    domains.push(domain.to_owned());
                }
                None => hosts.push([name.clone(), name]),
            }
        }
        let searched = facts().filter_map(|facts| facts.network.as_ref()?.resolver.as_ref());
        domains.extend(searched.flat_map(|resolver| resolver.search.iter().cloned()));
        let mut numbers = Numbers::default();
        self.taken.iter().for_each(|number| numbers.take(*number));
        for names in hosts {
            let number = numbers.of(names[1].clone());
            // Resolvers write them in small letters.
            let written = names.into_iter().filter(is_own).flat_map(|name| [name.to_ascii_lowercase(), name]);
            self.known.extend(written.filter(is_own).map(|name| (name, format!("host-{number}"))));
        }
        for name in domains.into_iter().filter(is_own) {
            let number = numbers.of(name.clone());
            self.known.push((name, format!("domain-{number}")));
        }
        self.known.sort_by(|(a, _), (b, _)| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        self.known.dedup_by(|(a, _), (b, _)| a == b);
    }

    /// Keeps pseudonyms that are in use already from being given.
    pub(super) fn take(&mut self, text: &str) {
        let numbers = IDS.captures_iter(text).filter_map(|found| found.name("number")?.as_str().parse().ok());
        for number in numbers {
            self.taken.insert(number);
            self.ids.take(number);
        }
    }

    /// Puts pseudonyms for names and ids.
    pub(super) fn redact<'t>(&mut self, text: &'t str, pseudonyms: &mut Pseudonyms) -> Cow<'t, str> {
        let whole = IDS.replace_all(text, |found: &Captures<'_>| {
            let all = found.get_match();
            let word = found.name("quad").unwrap_or(all);
            is_whole(text, word.start(), word.end(), |byte| byte.is_ascii_alphanumeric())
                .then(|| self.id(found, pseudonyms))
                .flatten()
                .unwrap_or_else(|| all.as_str().to_owned())
        });
        self.known.iter().fold(whole, |text, (name, pseudonym)| match replaced(&text, name, pseudonym) {
            Some(replaced) => Cow::Owned(replaced),
            None => text,
        })
    }

    fn id(&mut self, found: &Captures<'_>, pseudonyms: &mut Pseudonyms) -> Option<String> {
        let hex = |text: &str| text.replace('-', "").to_ascii_lowercase();
        if let Some(id) = found.name("id") {
            return Some(format!("id-{}", self.ids.of(hex(id.as_str()))));
        }
        if let (Some(duid), Some(octets)) = (found.name("duid"), found.name("octets")) {
            return Some(format!("{}id-{}", duid.as_str(), self.ids.of(hex(octets.as_str()))));
        }
        if let (Some(quad), Some(domain)) = (found.name("quad"), found.name("domain")) {
            let address = Address::Ip(quad.as_str().replace('-', ".").parse().ok()?);
            let dashed = scan::written(pseudonyms.of(address)).replace('.', "-");
            return Some(dashed + domain.as_str());
        }
        let mac = |name| u64::from_str_radix(&hex(found.name(name)?.as_str()), 16).ok();
        let mut pseudonym = |mac: u64| {
            let [.., a, b, c, d, e, f] = mac.to_be_bytes();
            pseudonyms.mac([a, b, c, d, e, f]).map(|byte| format!("{byte:02x}"))
        };
        match (mac("mac"), mac("dashed")) {
            (Some(of_link), _) => Some(format!("enx{}", pseudonym(of_link).concat())),
            (None, Some(dashed)) => Some(pseudonym(dashed).join("-")),
            (None, None) => None,
        }
    }
}

/// Whether what stands between these places is a word of its own.
fn is_whole(text: &str, start: usize, end: usize, is_word: fn(&u8) -> bool) -> bool {
    !text.as_bytes()[..start].last().is_some_and(is_word)
        && !text.as_bytes()[end..].first().is_some_and(is_word)
}

/// What names of hosts are made of, but for the dot.
fn is_name(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

fn replaced(text: &str, name: &str, pseudonym: &str) -> Option<String> {
    let places: Vec<usize> = text
        .match_indices(name)
        .map(|(start, _)| start)
        .filter(|start| is_whole(text, *start, start + name.len(), is_name))
        .collect();
    let mut rest = 0;
    let mut out = String::new();
    for start in &places {
        // A name may begin in another, `a.a` in `a.a.a`.
        if *start >= rest {
            out.extend([&text[rest..*start], pseudonym]);
            rest = start + name.len();
        }
    }
    (!places.is_empty()).then(|| out + &text[rest..])
}

fn is_pseudonym(name: &str) -> bool {
    ["host-", "domain-"]
        .iter()
        .any(|kind| name.strip_prefix(kind).is_some_and(|rest| rest.parse::<u64>().is_ok()))
}

/// The words that reports are made of: a host that is called like one of them cannot be told from it.
fn words(report: &Report) -> BTreeSet<String> {
    let mut words: BTreeSet<String> = COMMON.map(str::to_owned).into();
    constants(json::schema().as_value(), &mut words);
    let of_hosts = report.hosts.iter().flat_map(|host| {
        let os = host.facts.iter().flat_map(|facts| facts.os.split(' ')).map(str::to_ascii_lowercase);
        [&host.kind, &host.profile, &host.image, &host.payload].map(String::clone).into_iter().chain(os)
    });
    words.extend(of_hosts);
    for case in &report.cases {
        words.insert(case.scenario.clone());
        let parts = case.check.split(['/', '-']).chain(case.subject.split("->"));
        words.extend(parts.map(str::to_owned));
    }
    words
}

/// What the form of a report allows only certain words for.
fn constants(schema: &Value, words: &mut BTreeSet<String>) {
    match schema {
        Value::Object(parts) => {
            let allowed = parts
                .get("const")
                .into_iter()
                .chain(parts.get("enum").and_then(Value::as_array).into_iter().flatten());
            words.extend(allowed.filter_map(Value::as_str).map(str::to_owned));
            parts.values().for_each(|part| constants(part, words));
        }
        Value::Array(parts) => parts.iter().for_each(|part| constants(part, words)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

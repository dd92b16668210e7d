//! A person's own `.nspawn` files as a scenario.
//!
//! Each file becomes that of a machine of its name, started by the shipped unit. A fresh host lacks what the person's
//! host has: sources of bind mounts and bridges are made, and [`Own::added`] says so. Of the answers only those are
//! claimed that follow from the files for sure.

use std::collections::BTreeSet;

use super::bind::{Bind, Source};
use super::settings::Settings;
use super::syntax::{Line, parse};
use crate::{
    Attachment, BindMount, Check, Claim, Expectation, HOST_NAME, Launch, MountClaim, Scenario, Step, Topic,
    host_bridge, launch, links, name, pacman_cache,
};

/// What names of files end with.
const SUFFIX: &str = ".nspawn";

/// Added to the name of the only machine for the name of its peer.
const PEER: &str = "-peer";

/// The longest name of a scenario, in bytes: it is part of the names of sockets and control groups.
const LONGEST: usize = 71;

/// Trees of which a fresh host has its own: nothing is put into a directory in them.
const SYSTEM: [&str; 11] =
    ["/bin", "/boot", "/dev", "/etc", "/lib", "/lib64", "/proc", "/run", "/sbin", "/sys", "/usr"];

/// One file, by the machine that it is for.
#[derive(Clone, Debug)]
pub struct NamedFile {
    /// The machine: the name of the file without `.nspawn`.
    pub machine: String,
    /// The file as it is.
    pub content: String,
    /// Its lines.
    pub lines: Vec<Line>,
}

/// Why a file cannot be measured.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// It is called something else.
    #[error("`{0}` is not a .nspawn file: its name must be that of a machine and `.nspawn`")]
    NotNspawn(String),
    /// No machine can be called so.
    #[error("`{0}`: `{1}` cannot be the name of a machine: {rule}", rule = name::HOSTNAME_RULE)]
    Name(String, String),
    /// The host is called so.
    #[error("`{0}`: the host is called `{HOST_NAME}` already")]
    Host(String),
    /// There is no room for the peer's name.
    #[error("`{0}` is too long a name for a machine whose peer is to be called `{1}`; name two files")]
    NoRoomForPeer(String, String),
    /// Two files are for one machine.
    #[error("two files are for the machine `{0}`")]
    Twice(String),
    /// The names of two machines differ in nothing but case.
    #[error("`{0}` and `{1}` cannot both be machines: names of hosts are the same in any case")]
    Case(String, String),
    /// It cannot be copied as it is.
    #[error("`{0}`:{1} is not UTF-8, which systemd refuses outside of comments; save it as UTF-8")]
    NotUtf8(String, usize),
}

/// Takes a file by its name, without folders, and what is in it.
///
/// # Errors
/// [`Unusable`].
pub fn named(file: &str, bytes: Vec<u8>) -> Result<NamedFile, Unusable> {
    let machine = file.strip_suffix(SUFFIX).filter(|stem| !stem.is_empty());
    let machine = machine.ok_or_else(|| Unusable::NotNspawn(file.to_owned()))?;
    if !name::is_hostname(machine) {
        return Err(Unusable::Name(file.to_owned(), machine.to_owned()));
    }
    if machine.eq_ignore_ascii_case(HOST_NAME) {
        return Err(Unusable::Host(file.to_owned()));
    }
    let lines = parse(&bytes);
    let content = String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        Unusable::NotUtf8(file.to_owned(), valid.iter().filter(|byte| **byte == b'\n').count() + 1)
    })?;
    Ok(NamedFile { machine: machine.to_owned(), content, lines })
}

/// A scenario made of files.
#[derive(Clone, Debug)]
pub struct Own {
    /// The scenario, named after the files: `web.nspawn`.
    pub scenario: Scenario,
    /// What was added for the sake of a fresh host, a line for each.
    pub added: Vec<String>,
    /// The scenario of the catalogue whose machines are linked in the same way.
    pub nearest: Option<&'static str>,
}

/// Makes a scenario of files. A single one is for two machines, so that there is a pair.
///
/// # Errors
/// [`Unusable`], for names.
pub fn scenario(files: &[NamedFile]) -> Result<Own, Unusable> {
    let mut machines: Vec<(String, &NamedFile)> =
        files.iter().map(|file| (file.machine.clone(), file)).collect();
    let mut added = Vec::new();
    if let [only] = files {
        let peer = peer(&only.machine);
        if !name::is_hostname(&peer) {
            return Err(Unusable::NoRoomForPeer(only.machine.clone(), peer));
        }
        added.push(format!("a second machine, `{peer}`, with the same file"));
        machines.push((peer, only));
    }
    distinct(&machines)?;
    let settings: Vec<Settings> = files.iter().map(|file| Settings::of(&file.lines)).collect();
    let bind = looked_at(&settings);
    let names: Vec<String> = machines.iter().map(|(machine, _)| machine.clone()).collect();
    let mut steps = Vec::new();
    if let Some((mount, _)) = &bind {
        added.push(format!("`{}`, with files of several owners and modes in it", mount.source));
        steps.extend(pacman_cache::steps_in(&mount.source, &names));
    }
    steps.extend(missing_sources(&settings, bind.as_ref().map(|(mount, _)| mount), &mut added));
    steps.extend(bridges(&settings, &mut added));
    added.extend(missing_links(&settings));
    steps.extend(
        machines.iter().map(|(machine, file)| Step::config(super::path(machine), file.content.clone())),
    );
    steps.push(launch::enable(&names));
    let scenario = Scenario {
        name: scenario_name(files),
        summary: format!("your own {}", listed(files.iter().map(|file| format!("{}{SUFFIX}", file.machine)))),
        notes: Vec::new(),
        steps,
        launch: Launch::Unit,
        machines: names,
        claims: [starts()]
            .into_iter()
            .chain(bind.iter().flat_map(|(_, bind)| claims(bind, &settings)))
            .collect(),
        // Where it leads elsewhere, a lease is waited for in vain, and the machines are asked all the same.
        attachment: Attachment::Host,
        topics: topics(&settings),
        bind: bind.map(|(mount, _)| mount),
        left_out: Vec::new(),
        may_refuse: true,
    };
    Ok(Own { scenario, added, nearest: nearest(&settings) })
}

/// Whether the machines start at all; and ports, if there is one that can be asked about: of those of UDP nobody answers.
fn topics(settings: &[Settings]) -> Vec<Topic> {
    let forwards = settings.iter().flat_map(|settings| &settings.ports).any(|forward| !forward.is_udp);
    Topic::GENERAL.into_iter().chain([Topic::Refusal]).chain(forwards.then_some(Topic::Ports)).collect()
}

/// `web-peer` of `web`, and `web-peer.lan` of `web.lan`: they are in one domain.
fn peer(machine: &str) -> String {
    match machine.split_once('.') {
        Some((first, domain)) => format!("{first}{PEER}.{domain}"),
        None => format!("{machine}{PEER}"),
    }
}

fn distinct(machines: &[(String, &NamedFile)]) -> Result<(), Unusable> {
    for (at, (machine, _)) in machines.iter().enumerate() {
        let earlier = machines[..at].iter().map(|(earlier, _)| earlier);
        match earlier.clone().find(|earlier| earlier.eq_ignore_ascii_case(machine)) {
            Some(same) if same == machine => return Err(Unusable::Twice(machine.clone())),
            Some(other) => return Err(Unusable::Case(other.clone(), machine.clone())),
            None => {}
        }
    }
    Ok(())
}

/// `web.nspawn`, `web+db.nspawn`: no scenario of the catalogue has a dot in its name.
fn scenario_name(files: &[NamedFile]) -> String {
    let names: Vec<&str> = files.iter().map(|file| file.machine.as_str()).collect();
    let whole = format!("{}{SUFFIX}", names.join("+"));
    match names.as_slice() {
        [first, rest @ ..] if whole.len() > LONGEST => {
            let end = format!("+{}{SUFFIX}", rest.len());
            // Names of machines are ASCII.
            format!("{}{end}", &first[..first.len().min(LONGEST - end.len())])
        }
        _ => whole,
    }
}

fn listed(names: impl Iterator<Item = String>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

/// The bind mount that the questions are about: the first one of a directory that can be filled, if every machine has
/// it.
fn looked_at(settings: &[Settings]) -> Option<(BindMount, &Bind)> {
    let mount = |bind: &Bind| match &bind.source {
        Source::Host(source) if !is_system(bare(source)) => Some(BindMount {
            source: bare(source).to_owned(),
            destination: bare(&bind.destination).to_owned(),
        }),
        Source::Host(_) | Source::Machine(_) | Source::Temporary => None,
    };
    let (first, others) = settings.split_first()?;
    first.binds.iter().find_map(|bind| {
        let is_everywhere = others.iter().all(|other| other.binds.contains(bind));
        mount(bind).filter(|_| is_everywhere).map(|mount| (mount, bind))
    })
}

/// Directories that a fresh host has, with modes of their own.
const SHARED: [&str; 4] = ["", "/root", "/tmp", "/var/tmp"];

fn is_system(path: &str) -> bool {
    SHARED.contains(&path) || SYSTEM.iter().any(|tree| is_below(path, tree))
}

fn bare(path: &str) -> &str {
    path.trim_end_matches('/')
}

fn is_below(path: &str, tree: &str) -> bool {
    path.strip_prefix(tree).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A machine whose source is missing does not start.
fn missing_sources(settings: &[Settings], filled: Option<&BindMount>, added: &mut Vec<String>) -> Vec<Step> {
    let kernel = |path: &str| ["/dev", "/proc", "/sys"].iter().any(|tree| is_below(path, tree));
    let mut sources: Vec<&str> = Vec::new();
    for bind in settings.iter().flat_map(|settings| &settings.binds) {
        if let Source::Host(source) = &bind.source
            && !kernel(source)
            && filled.is_none_or(|mount| mount.source != bare(source))
            && !sources.contains(&source.as_str())
        {
            sources.push(source);
        }
    }
    added
        .extend(sources.iter().map(|source| format!("`{source}` as an empty directory, if it is not there")));
    sources.into_iter().map(|path| Step::MissingDirectory { path: path.to_owned() }).collect()
}

fn bridges(settings: &[Settings], added: &mut Vec<String>) -> Vec<Step> {
    let mut names: Vec<&str> = Vec::new();
    for bridge in settings.iter().filter_map(|settings| settings.bridge.as_deref()) {
        if !names.contains(&bridge) {
            names.push(bridge);
        }
    }
    for (index, name) in names.iter().enumerate() {
        let address = host_bridge::address(index);
        added.push(format!("the bridge `{name}`: {address}, with a DHCP server and masquerading"));
    }
    if names.is_empty() { Vec::new() } else { host_bridge::steps(&names, "IPMasquerade=ipv4\n") }
}

/// Links are not made: what they lead to cannot be guessed.
fn missing_links(settings: &[Settings]) -> Vec<String> {
    let links: BTreeSet<&(String, String)> = settings.iter().flat_map(|settings| &settings.links).collect();
    let line = |(key, link): &(String, String)| {
        format!("nothing for `{key}={link}`: if a fresh host has no such link, the machine does not start")
    };
    links.into_iter().map(line).collect()
}

fn starts() -> Claim {
    let expectation = Expectation::properties(&[("started", "yes")]);
    Claim::new(Check::StartRefusal, expectation, "a machine with such a file is to start", links::NSPAWN_FILE)
}

fn claims(bind: &Bind, settings: &[Settings]) -> Vec<Claim> {
    let access = if bind.read_only { "ro" } else { "rw" };
    let key = if bind.read_only { "BindReadOnly=" } else { "Bind=" };
    let idmapped = bind.is_idmapped();
    let mode = Claim::new(
        Check::BindMode,
        Expectation::SameMode,
        "a bind mount does not change kinds and permission bits",
        links::MOUNT,
    );
    let options = Claim::new(
        Check::BindOptions,
        Expectation::Mounted(MountClaim {
            options: vec![access.to_owned()],
            propagation: ["shared", "slave"].map(str::to_owned).to_vec(),
            idmapped,
        }),
        &format!(
            "{key} in the file, {}",
            if idmapped { "with ids mapped" } else { "and noidmap is the default" }
        ),
        links::NSPAWN_FILE,
    );
    // Whether ids are mapped without a user namespace depends on the option.
    let is_sure = !idmapped || settings.iter().all(|settings| !settings.host_users);
    [mode].into_iter().chain(is_sure.then_some(options)).collect()
}

/// That of all files, if they agree.
fn nearest(settings: &[Settings]) -> Option<&'static str> {
    let (first, others) = settings.split_first()?;
    let nearest = first.nearest_scenario();
    nearest.filter(|_| others.iter().all(|other| other.nearest_scenario() == nearest))
}

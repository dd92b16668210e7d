//! What a run will do to the machine that it is on, known before anything is touched: from the scenarios alone.

use std::collections::BTreeMap;
use std::path::Path;

use nspawn_matrix_reports::Subnet;
use nspawn_matrix_scenarios::{Attachment, Launch, Scenario, Step, launch, nspawn_file, pacman_cache};

/// One thing that will be done.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Act {
    /// Makes the root of a machine of this name, and starts it.
    Machine(String),
    /// Makes this link.
    Link(String),
    /// Uses this link, which must be there.
    Uses(String),
    /// Gives the machine an address in this subnet.
    Subnet(Subnet),
    /// Writes this file.
    File(String),
    /// Makes this folder unless it is there, or gives it owner and mode.
    Folder(String),
    /// Mounts something here.
    Mount(String),
    /// Writes this setting of the kernel: `net.bridge.bridge-nf-call-iptables`.
    Setting(String),
    /// Has a service read its files, or be restarted: the command.
    Service(String),
}

/// All that will be done, and the first scenario that does it.
#[derive(Clone, Debug, Default)]
pub(super) struct Intent {
    acts: BTreeMap<Act, String>,
    /// How many machines there are at a time.
    at_a_time: usize,
    /// How many scenarios follow each other.
    scenarios: usize,
}

impl Intent {
    /// What `scenarios` do, which are as they will be stood up.
    pub(super) fn of<'a>(scenarios: impl IntoIterator<Item = &'a Scenario>) -> Self {
        let mut intent = Self::default();
        for scenario in scenarios {
            intent.scenarios += 1;
            intent.at_a_time = intent.at_a_time.max(scenario.machines.len());
            for act in acts(scenario) {
                intent.acts.entry(act).or_insert_with(|| scenario.name.clone());
            }
        }
        intent
    }

    /// What will be done, and by which scenario.
    pub(super) fn acts(&self) -> impl Iterator<Item = (&Act, &str)> {
        self.acts.iter().map(|(act, scenario)| (act, scenario.as_str()))
    }

    /// The machines.
    pub(super) fn machines(&self) -> impl Iterator<Item = &str> {
        self.acts
            .keys()
            .filter_map(|act| if let Act::Machine(name) = act { Some(name.as_str()) } else { None })
    }

    /// The paths that must not be there: files that are written, and all that belongs to a machine of a name.
    pub(super) fn paths(&self) -> impl Iterator<Item = String> {
        let files = self
            .acts
            .keys()
            .filter_map(|act| if let Act::File(path) = act { Some(path.clone()) } else { None });
        files.chain(self.machines().flat_map(of_machine))
    }

    /// How many machines there are at a time.
    pub(super) const fn at_a_time(&self) -> usize {
        self.at_a_time
    }

    /// How many scenarios follow each other.
    pub(super) const fn scenarios(&self) -> usize {
        self.scenarios
    }

    /// Whether systemd-networkd is told anything.
    pub(super) fn tells_networkd(&self) -> bool {
        self.acts.keys().any(|act| matches!(act, Act::Service(command) if is_about_networkd(command)))
    }
}

/// The places where somebody can have something about a machine of this name.
pub(super) fn of_machine(machine: &str) -> Vec<String> {
    let root = launch::root(machine);
    let unit = launch::unit(machine);
    let overrides = ["/etc", "/run"].map(|place| format!("{place}/systemd/system/{unit}"));
    let mut places = vec![format!("{root}.raw"), format!("{root}.nspawn")];
    places.extend([nspawn_file::path(machine), nspawn_file::passing_path(machine), root]);
    places.extend(overrides.iter().map(|unit| format!("{unit}.d")));
    places.extend(overrides);
    places
}

fn is_about_networkd(command: &str) -> bool {
    command.starts_with("networkctl ") || command.contains("systemd-networkd")
}

fn acts(scenario: &Scenario) -> Vec<Act> {
    let mut acts: Vec<Act> = scenario.machines.iter().cloned().map(Act::Machine).collect();
    acts.extend(scenario.steps.iter().flat_map(of_step));
    for machine in &scenario.machines {
        if let Some(bind) = &scenario.bind {
            acts.push(Act::File(format!("{}/{}", bind.source, pacman_cache::written_by(machine))));
        }
        acts.extend(
            scenario.nspawn_settings(machine).zone.into_iter().map(|zone| Act::Link(format!("vz-{zone}"))),
        );
    }
    if let Launch::CommandLine { options } = &scenario.launch {
        acts.extend(options.iter().filter_map(|option| of_option(option)));
    }
    if scenario.attachment == Attachment::Host {
        acts.extend(scenario.machines.iter().map(|machine| Act::Link(shortened(&format!("ve-{machine}")))));
    }
    acts
}

/// Links have at most 15 bytes; what systemd-nspawn makes of longer names is unlike anybody's.
fn shortened(link: &str) -> String {
    link.chars().take(15).collect()
}

fn of_option(option: &str) -> Option<Act> {
    let (key, value) = option.split_once('=')?;
    match key {
        "--network-zone" => Some(Act::Link(format!("vz-{value}"))),
        "--network-macvlan" | "--network-ipvlan" | "--network-interface" => {
            value.split(':').next().map(|link| Act::Uses(link.to_owned()))
        }
        _ => None,
    }
}

fn of_step(step: &Step) -> Vec<Act> {
    match step {
        // What is below the root of a machine comes and goes with it.
        Step::File { path, .. } if path.starts_with("/var/lib/machines/") && !path.ends_with(".nspawn") => {
            Vec::new()
        }
        Step::File { path, content, .. } => {
            [Act::File(path.clone())].into_iter().chain(of_content(path, content)).collect()
        }
        Step::Symlink { path, .. }
        | Step::Fifo { path, .. }
        | Step::Socket { path, .. }
        | Step::Device { path, .. }
        | Step::HardLink { path, .. }
        | Step::EditedCopy { to: path, .. } => vec![Act::File(path.clone())],
        Step::Directory { path, .. } | Step::MissingDirectory { path } => vec![Act::Folder(path.clone())],
        // It is of a file that a step before it has written.
        Step::Attribute { .. } => Vec::new(),
        Step::AwaitLink { name } => vec![Act::Link(name.clone())],
        Step::Run { argv } if argv.first().is_some_and(|program| program == "mount") => {
            argv.last().map(|at| Act::Mount(at.clone())).into_iter().collect()
        }
        Step::Run { argv } => vec![Act::Service(argv.join(" "))],
    }
}

/// What a file has systemd do.
fn of_content(path: &str, content: &str) -> Vec<Act> {
    let values = |wanted: &'static str| {
        content.lines().filter_map(move |line| {
            let (key, value) = line.split_once('=')?;
            (key.trim() == wanted).then(|| value.trim())
        })
    };
    match Path::new(path).extension().and_then(|extension| extension.to_str()) {
        Some("netdev") => values("Name").map(|name| Act::Link(name.to_owned())).collect(),
        Some("network") => values("Address").filter_map(|text| text.parse().ok().map(Act::Subnet)).collect(),
        Some("conf") if path.contains("/sysctl.d/") => {
            let keys = content.lines().filter_map(|line| Some(line.split_once('=')?.0.trim().to_owned()));
            keys.map(Act::Setting).collect()
        }
        Some(_) | None => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use nspawn_matrix_scenarios::catalogue;

    use super::*;

    #[test]
    fn what_the_bridge_does_is_known_from_its_steps() {
        let all = catalogue::all();
        let bridge = all.into_iter().find(|scenario| scenario.name == "bridge").unwrap().at_runtime();
        let intent = Intent::of([&bridge]);
        let does = |act: &Act| intent.acts().any(|(one, by)| one == act && by == "bridge");
        assert_eq!(intent.machines().collect::<Vec<_>>(), ["alpha", "beta"]);
        assert!(does(&Act::Link("br0".into())) && does(&Act::Subnet("10.0.55.1/24".parse().unwrap())));
        assert!(does(&Act::Service("networkctl reload".into())) && intent.tells_networkd());
        assert!(intent.paths().any(|path| path == "/run/systemd/network/50-br0.netdev"));
        assert!(intent.paths().any(|path| path == "/var/cache/pacman/pkg/written-by-beta"));
        assert!(intent.paths().any(|path| path == "/etc/systemd/system/systemd-nspawn@alpha.service.d"));
    }

    #[test]
    fn links_of_zones_and_those_that_must_be_there_are_known() {
        let all: Vec<Scenario> = catalogue::all().into_iter().map(Scenario::at_runtime).collect();
        let intent = Intent::of(&all);
        let links: Vec<&Act> =
            intent.acts().map(|(act, _)| act).filter(|act| matches!(act, Act::Link(_))).collect();
        let wanted =
            ["br0", "ve-alpha", "ve-beta", "vz-den", "vz-lab"].map(|name| Act::Link(name.to_owned()));
        assert_eq!(links, wanted.iter().collect::<Vec<_>>());
        assert!(intent.acts().any(|(act, by)| *act == Act::Uses("uplink0".into()) && by == "macvlan"));
    }
}

//! A person's own set-up: their `.nspawn` files and scenario files.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use nspawn_matrix_scenarios::nspawn_file::{self, NamedFile};
use nspawn_matrix_scenarios::{Launch, Scenario, Step, scenario_file};

use super::Failure;

/// The largest file that is read, in bytes: more is no configuration.
const LARGEST: u64 = 16 << 20;

#[derive(Debug, clap::Args)]
pub(super) struct OwnArguments {
    /// Your own .nspawn files, each for a machine of its name; a single one is for two machines, NAME and NAME-peer
    #[arg(long, value_name = "FILE", num_args = 1..)]
    nspawn: Vec<PathBuf>,
    /// A scenario of your own; docs/scenario.toml is one
    #[arg(long, value_name = "FILE.toml")]
    scenario_file: Vec<PathBuf>,
}

/// What a person brought.
#[derive(Debug, Default)]
pub(super) struct Own {
    /// Their scenarios.
    pub scenarios: Vec<Scenario>,
    /// The scenarios of the catalogue whose machines are linked in the same way as those of one of theirs.
    pub nearest: Vec<&'static str>,
    /// What they are to be told before anything starts.
    pub told: Vec<String>,
}

impl OwnArguments {
    /// Reads the files; `systemd` are the major versions of the hosts, none for one that is not known.
    ///
    /// # Errors
    /// A usage error for a file that cannot be measured.
    pub(super) fn read(&self, systemd: &[Option<u32>]) -> Result<Own, Failure> {
        let mut own = Own::default();
        if !self.nspawn.is_empty() {
            own.add_nspawn_files(&self.nspawn, systemd)?;
        }
        for path in &self.scenario_file {
            own.add_scenario_file(path, systemd)?;
        }
        Ok(own)
    }
}

impl Own {
    fn add_nspawn_files(&mut self, paths: &[PathBuf], systemd: &[Option<u32>]) -> Result<(), Failure> {
        let mut files: Vec<NamedFile> = Vec::new();
        for path in paths {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let file = nspawn_file::named(&name, read(path)?)?;
            self.lint(&path.display().to_string(), &file.lines, systemd);
            files.push(file);
        }
        let own = nspawn_file::scenario(&files)?;
        let name = &own.scenario.name;
        self.told.extend(own.added.iter().map(|added| format!("{name}: added {added}")));
        self.nearest.extend(own.nearest);
        self.scenarios.push(own.scenario);
        Ok(())
    }

    fn add_scenario_file(&mut self, path: &Path, systemd: &[Option<u32>]) -> Result<(), Failure> {
        let shown = path.display().to_string();
        let scenario = scenario_file::read(&read_text(path)?).map_err(|problems| {
            let lines: Vec<String> = problems.iter().map(|problem| format!("{shown}:{problem}")).collect();
            Failure::usage(lines.join("\nerror: ")).hint("docs/scenario.toml shows all that can be said")
        })?;
        if self.scenarios.iter().any(|other| other.name == scenario.name) {
            return Err(Failure::usage(format!(
                "{shown}: two of your scenarios are named `{}`",
                scenario.name
            )));
        }
        for step in &scenario.steps {
            if let Step::File { path, content, .. } = step
                && path.ends_with(".nspawn")
            {
                self.lint(&format!("{shown}: {path}"), &nspawn_file::parse(content.as_bytes()), systemd);
            }
        }
        self.nearest.extend(nearest(&scenario));
        self.scenarios.push(scenario);
        Ok(())
    }

    /// What each of the versions does not take is told, in the order of the lines; what none of them takes is told once.
    fn lint(&mut self, file: &str, lines: &[nspawn_file::Line], systemd: &[Option<u32>]) {
        let mut findings: Vec<_> =
            systemd.iter().flat_map(|version| nspawn_file::lint(lines, *version)).collect();
        findings.sort_by_key(|finding| finding.line);
        let mut told: Vec<String> =
            findings.iter().map(|finding| format!("warning: {file}:{}: {finding}", finding.line)).collect();
        let mut seen = BTreeSet::new();
        told.retain(|line| seen.insert(line.clone()));
        self.told.extend(told);
    }
}

impl From<nspawn_file::Unusable> for Failure {
    fn from(unusable: nspawn_file::Unusable) -> Self {
        Self::usage(unusable.to_string())
    }
}

/// The text of a TOML file.
pub(super) fn read_text(path: &Path) -> Result<String, Failure> {
    String::from_utf8(read(path)?)
        .map_err(|_| Failure::usage(format!("`{}` is not UTF-8, which TOML is", path.display())))
}

/// A pipe or a device is not a file of settings, and might never end.
fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let unreadable =
        |why: &dyn std::fmt::Display| Failure::usage(format!("read `{}`: {why}", path.display()));
    let metadata = fs::metadata(path).map_err(|error| unreadable(&error))?;
    if !metadata.is_file() {
        return Err(unreadable(&"it is not a regular file"));
    }
    if metadata.len() > LARGEST {
        return Err(unreadable(&format!("it is larger than {} MiB", LARGEST >> 20)));
    }
    fs::read(path).map_err(|error| unreadable(&error))
}

/// The scenario of the catalogue whose machines are linked in the same way; none if there is none, or if the machines
/// differ.
fn nearest(scenario: &Scenario) -> Option<&'static str> {
    match &scenario.launch {
        Launch::CommandLine { options } => nearest_command_line(options),
        Launch::Unit => {
            let of = |machine: &String| scenario.nspawn_settings(machine).nearest_scenario();
            let nearest = scenario.machines.first().and_then(of);
            nearest.filter(|_| scenario.machines.iter().all(|machine| of(machine) == nearest))
        }
    }
}

/// Options that link a machine as no scenario of the catalogue does.
const OTHER_LINKS: [&str; 6] = [
    "--private-network",
    "--network-interface",
    "--network-macvlan",
    "--network-ipvlan",
    "--network-veth-extra",
    "--network-namespace-path",
];

fn nearest_command_line(options: &[String]) -> Option<&'static str> {
    let has = |name: &str| {
        options.iter().any(|option| {
            option.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
        })
    };
    if OTHER_LINKS.iter().any(|other| has(other)) {
        None
    } else if has("--network-bridge") {
        Some("bridge")
    } else if has("--network-zone") {
        Some("zone")
    } else if has("-n") || has("--network-veth") {
        Some("nat")
    } else {
        Some("host-network")
    }
}

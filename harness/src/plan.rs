//! Plans: which hosts are booted, and what is asked on each. Nothing here touches a system.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;

use nspawn_matrix_scenarios::{Check, Profile, Scenario};
use nspawn_matrix_vm::{Accel, Spec};

use crate::agent::Question;
use crate::host::{Kind, LeftOut};
use crate::image::{Pair, with_packages};

/// Hosts at the same time for each core. Most of a run is waiting for time-outs of the resolver.
const JOBS_PER_CORE: usize = 7;

/// Hosts at the same time, if nobody says otherwise.
#[must_use]
pub fn default_jobs() -> usize {
    std::thread::available_parallelism().map_or(1, NonZeroUsize::get) * JOBS_PER_CORE
}

/// Hosts at the same time for each core of an emulated machine, which spends most of a run computing.
const JOBS_PER_EMULATED_CORE: usize = 1;

/// What a host with its machines takes, in MiB.
const MEMORY_OF_HOST: u32 = 80;

/// What is left to the virtual machine that hosts are in, in MiB.
const MEMORY_OF_OTHERS: u32 = 512;

/// Hosts at the same time in a virtual machine, if nobody says otherwise.
#[must_use]
pub fn jobs_in(spec: &Spec, accel: Accel) -> usize {
    let per_core = match accel {
        Accel::Kvm => JOBS_PER_CORE,
        Accel::Tcg => JOBS_PER_EMULATED_CORE,
    };
    let have_room = spec.memory.get().saturating_sub(MEMORY_OF_OTHERS) / MEMORY_OF_HOST;
    (spec.cores.get() as usize * per_core).min(have_room as usize).max(1)
}

/// What is added to the name of a scenario once remedies were done.
const REMEDIED: &str = "+remedied";

/// All that a run will do.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The hosts, in the order in which they are reported.
    pub hosts: Vec<HostPlan>,
    /// Lookups for each question about a name.
    pub samples: u32,
    /// Hosts that run at the same time.
    pub jobs: usize,
}

/// One host, for one scenario.
#[derive(Clone, Debug)]
pub struct HostPlan {
    /// Id of the host in the report: `sandbox/trixie/bridge`, `sandbox/trixie+bookworm/bridge`, and
    /// `sandbox/trixie/linode/bridge` if it is not stock.
    pub id: String,
    /// Its place in the plan, from 1 up, which tells what is made for it from what is made for others.
    pub number: usize,
    /// Names of the images that it and its machines are made from.
    pub images: Pair<String>,
    /// What is done to it before anything of the scenario.
    pub profile: Profile,
    /// The scenario.
    pub scenario: Scenario,
    /// Everything that is to be answered, in the order in which it is reported.
    pub cells: Vec<Cell>,
}

/// One question to one subject, and why it is not asked, if so.
#[derive(Clone, Debug)]
pub struct Cell {
    /// The question.
    pub question: Question,
    /// The reason; none if it is asked.
    pub not_asked: Option<String>,
}

impl Plan {
    /// Plans a host for each scenario, each pair of images and each profile, with the questions among `checks`. Those of
    /// one scenario follow each other.
    #[must_use]
    pub fn new(
        kind: Kind,
        images: &[Pair<String>],
        profiles: &[Profile],
        scenarios: &[Scenario],
        checks: &[Check],
        samples: u32,
        jobs: usize,
    ) -> Self {
        let systems =
            || images.iter().flat_map(|images| profiles.iter().map(move |profile| (images, profile)));
        let crossed = scenarios.iter().flat_map(|scenario| systems().map(move |system| (scenario, system)));
        let host = |(number, (scenario, (images, profile)))| HostPlan {
            id: id(kind, images, profile, scenario),
            number,
            images: Pair::clone(images),
            profile: Profile::clone(profile),
            scenario: kind.stands_up(scenario),
            cells: cells(kind, scenario, checks),
        };
        Self { hosts: (1..).zip(crossed).map(host).collect(), samples, jobs }
    }
}

impl Plan {
    /// The same, where nothing is asked of scenarios that are left out.
    #[must_use]
    pub fn without(mut self, left_out: &LeftOut) -> Self {
        for host in &mut self.hosts {
            if let Some(lack) = left_out.get(&host.scenario.name) {
                host.cells.iter_mut().for_each(|cell| cell.not_asked = Some(lack.clone()));
            }
        }
        self
    }

    /// The machines of all scenarios, each once.
    #[must_use]
    pub fn machines(&self) -> Vec<String> {
        let all = self.hosts.iter().flat_map(|host| host.scenario.machines.iter().cloned());
        all.collect::<BTreeSet<String>>().into_iter().collect()
    }

    /// The pairs of images, each once.
    #[must_use]
    pub fn images(&self) -> Vec<&Pair<String>> {
        let mut all: Vec<&Pair<String>> = Vec::new();
        for host in &self.hosts {
            if !all.contains(&&host.images) {
                all.push(&host.images);
            }
        }
        all
    }

    /// The names of the profiles but for the one that changes nothing, each once.
    fn profiles(&self) -> Vec<&str> {
        let mut all: Vec<&str> = Vec::new();
        for profile in self.hosts.iter().map(|host| &host.profile).filter(|profile| !profile.is_stock()) {
            if !all.contains(&profile.name.as_str()) {
                all.push(&profile.name);
            }
        }
        all
    }

    /// How much there is to do: `27 hosts from trixie, 14 at a time, 2752 cases, 32 lookups each`.
    #[must_use]
    pub fn summary(&self) -> String {
        let cases: usize = self.hosts.iter().map(|host| host.cells.len()).sum();
        let Self { hosts, samples, jobs } = self;
        let images: Vec<String> = self.images().into_iter().map(Pair::name).collect();
        let images = images.join(", ");
        let profiles = match &*self.profiles() {
            [] => String::new(),
            profiles => format!(" as {}", profiles.join(", ")),
        };
        let at_once = hosts.len().min(*jobs);
        format!(
            "{} from {images}{profiles}, {at_once} at a time, {}, {} each",
            count(hosts.len(), "host"),
            count(cases, "case"),
            count(*samples as usize, "lookup")
        )
    }
}

fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

impl HostPlan {
    /// What people call it: `bridge on trixie`, `bridge on trixie as linode`.
    #[must_use]
    pub fn label(&self) -> String {
        let profile =
            if self.profile.is_stock() { String::new() } else { format!(" as {}", self.profile.name) };
        format!("{} on {}{profile}", self.scenario.name, self.images.name())
    }

    /// The same host once what its reasons say was done.
    #[must_use]
    pub fn remedied(&self) -> Self {
        let mut host = self.clone();
        host.id.push_str(REMEDIED);
        host.scenario.name.push_str(REMEDIED);
        host
    }

    /// The same host where all that disturbs its machines is asked later, for `reason`.
    #[must_use]
    pub fn while_standing_alone(&self, reason: &str) -> Self {
        let while_standing = self.while_standing();
        let mut host = self.clone();
        for cell in &mut host.cells {
            if cell.not_asked.is_none() && !while_standing.contains(&cell.question) {
                cell.not_asked = Some(reason.to_owned());
            }
        }
        host
    }

    /// Names of the images that the roots of host and machines are copied from: that of the host has the packages of its
    /// profile.
    #[must_use]
    pub fn roots(&self) -> Pair<String> {
        let Pair { host, payload } = &self.images;
        Pair { host: with_packages(host, &self.profile.packages), payload: payload.clone() }
    }

    /// All that is asked.
    #[must_use]
    pub fn asked(&self) -> Vec<Question> {
        self.asked_if(|_| true)
    }

    /// What is asked while the machines stand.
    #[must_use]
    pub fn while_standing(&self) -> Vec<Question> {
        self.asked_if(|check| {
            !matches!(
                check,
                Check::AddressAfterRestart | Check::EnvironmentLeftovers | Check::AutostartAfterReboot
            )
        })
    }

    /// What is asked by restarting the machines.
    #[must_use]
    pub fn restarted(&self) -> Vec<Question> {
        self.asked_if(|check| check == Check::AddressAfterRestart)
    }

    /// What is asked after the machines were powered off.
    #[must_use]
    pub fn powered_off(&self) -> Vec<Question> {
        self.asked_if(|check| check == Check::EnvironmentLeftovers)
    }

    /// What is asked after the host was rebooted.
    #[must_use]
    pub fn after_reboot(&self) -> Vec<Question> {
        self.asked_if(|check| check == Check::AutostartAfterReboot)
    }

    fn asked_if(&self, wanted: impl Fn(Check) -> bool) -> Vec<Question> {
        self.cells
            .iter()
            .filter(|cell| cell.not_asked.is_none() && wanted(cell.question.check))
            .map(|cell| cell.question.clone())
            .collect()
    }
}

fn id(kind: Kind, images: &Pair<String>, profile: &Profile, scenario: &Scenario) -> String {
    let profile = if profile.is_stock() { String::new() } else { format!("{}/", profile.name) };
    format!("{}/{}/{profile}{}", kind.name(), images.name(), scenario.name)
}

fn cells(kind: Kind, scenario: &Scenario, checks: &[Check]) -> Vec<Cell> {
    scenario
        .checks()
        .filter(|check| checks.contains(check))
        .flat_map(|check| {
            let cell = move |subject| Cell {
                not_asked: scenario
                    .not_asked(check, &subject)
                    .or_else(|| kind.not_asked(check))
                    .map(str::to_owned),
                question: Question { check, subject },
            };
            check.subjects(&scenario.machines).into_iter().map(cell)
        })
        .collect()
}

#[cfg(test)]
mod tests;

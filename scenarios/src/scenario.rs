//! Scenarios: one way of standing up containers.

use serde::{Deserialize, Serialize};

use crate::port::Forward;
use crate::{
    Attachment, BindMount, Check, Claim, Launch, Settings, Step, Subject, Topic, UNKNOWN, name, nspawn_file,
    nspawn_option, pacman_cache,
};

/// The machines of every scenario.
pub const MACHINES: [&str; 2] = ["alpha", "beta"];

/// The name of every host.
pub const HOST_NAME: &str = "nspawnhost";

/// A name that only the DNS server beyond the host knows.
pub const OUTSIDE_NAME: &str = "outside.example";

/// A name that the DNS server beyond the host knows, in a domain that is called as `machine` is.
#[must_use]
pub fn below_machine(machine: &str) -> String {
    format!("www.{machine}")
}

/// Says how to stand up containers and what to expect of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scenario {
    /// Its name: `default-veth`.
    pub name: String,
    /// What it is, in half a sentence.
    pub summary: String,
    /// The items of the notes that it performs: `N4`.
    pub notes: Vec<String>,
    /// What prepares the host, in order.
    pub steps: Vec<Step>,
    /// How the machines are started.
    pub launch: Launch,
    /// The machines.
    pub machines: Vec<String>,
    /// The bind mount that the questions `bind/*` are about; none if the machines have none.
    pub bind: Option<BindMount>,
    /// What their links lead to.
    pub attachment: Attachment,
    /// What it is asked about.
    pub topics: Vec<Topic>,
    /// What its answers are held against.
    pub claims: Vec<Claim>,
    /// Questions of its topics that are not asked, each with the reason.
    pub left_out: Vec<(Check, String)>,
    /// Whether that a machine does not start is an answer, and not the end of the run.
    pub may_refuse: bool,
}

impl Scenario {
    /// Makes a scenario whose two machines bind the package cache; `steps` follow those that fill it.
    #[must_use]
    pub fn new(
        name: &str,
        summary: &str,
        notes: &[&str],
        launch: Launch,
        steps: Vec<Step>,
        claims: Vec<Claim>,
    ) -> Self {
        Self {
            name: name.to_owned(),
            summary: summary.to_owned(),
            notes: notes.iter().map(|&note| note.to_owned()).collect(),
            steps: pacman_cache::steps().into_iter().chain(steps).collect(),
            launch,
            machines: MACHINES.map(str::to_owned).to_vec(),
            bind: Some(BindMount::package_cache()),
            attachment: Attachment::Host,
            topics: Topic::GENERAL.to_vec(),
            claims,
            left_out: Vec::new(),
            may_refuse: false,
        }
    }

    /// Says that the links of the machines lead elsewhere than to the host.
    #[must_use]
    pub fn attached_to(mut self, attachment: Attachment) -> Self {
        self.attachment = attachment;
        self
    }

    /// Makes a scenario that is about nothing but `topics`: with one machine, and without the package cache.
    #[must_use]
    pub fn about(
        topics: &[Topic],
        name: &str,
        summary: &str,
        launch: Launch,
        steps: Vec<Step>,
        claims: Vec<Claim>,
    ) -> Self {
        Self {
            steps,
            topics: topics.to_vec(),
            machines: vec![MACHINES[0].to_owned()],
            bind: None,
            ..Self::new(name, summary, &[], launch, Vec::new(), claims)
        }
    }

    /// Leaves questions out for `reason`, and what is claimed about them.
    #[must_use]
    pub fn without(mut self, checks: impl IntoIterator<Item = Check>, reason: &str) -> Self {
        for check in checks {
            self.claims.retain(|claim| claim.check != check);
            self.left_out.push((check, reason.to_owned()));
        }
        self
    }

    /// Takes it for an answer if a machine does not start.
    #[must_use]
    pub fn may_refuse(mut self) -> Self {
        self.may_refuse = true;
        self
    }

    /// Asks about these topics instead of [`Topic::GENERAL`].
    #[must_use]
    pub fn asked_about(mut self, topics: impl Into<Vec<Topic>>) -> Self {
        self.topics = topics.into();
        self
    }

    /// The bind mounts of `machine` that its command line or its .nspawn file asks for.
    #[must_use]
    pub fn binds(&self, machine: &str) -> Vec<nspawn_file::Bind> {
        let of_options = match &self.launch {
            Launch::CommandLine { options } => nspawn_option::given(options),
            Launch::Unit => Vec::new(),
        };
        let parse = |option: &nspawn_option::Given| {
            let is_bind = ["bind", "bind-ro"].contains(&option.name.as_str());
            nspawn_file::Bind::parse(option.value.as_deref().filter(|_| is_bind)?, option.name == "bind-ro")
        };
        of_options.iter().filter_map(parse).chain(self.nspawn_settings(machine).binds).collect()
    }

    /// The questions that belong to the topics of this scenario, in the order of [`Check::all`].
    pub fn checks(&self) -> impl Iterator<Item = Check> {
        Check::all().iter().copied().filter(|check| self.topics.contains(&check.topic()))
    }

    /// The settings of a machine, if one of the steps writes its .nspawn file.
    #[must_use]
    pub fn nspawn_settings(&self, machine: &str) -> nspawn_file::Settings {
        let paths = [nspawn_file::path(machine), nspawn_file::passing_path(machine)];
        let mut files = self.steps.iter().rev().filter_map(Step::file);
        let is_its = |written: &str| paths.iter().any(|path| path == written);
        let content = files.find_map(|(written, content)| is_its(written).then_some(content));
        nspawn_file::Settings::of(&nspawn_file::parse(content.unwrap_or_default().as_bytes()))
    }

    /// The first port of the host that leads to `machine` over TCP; none if there is none. Those of a command line
    /// replace those of the .nspawn file.
    #[must_use]
    pub fn port(&self, machine: &str) -> Option<Forward> {
        let of_options = match &self.launch {
            Launch::CommandLine { options } => Forward::of_options(options),
            Launch::Unit => Vec::new(),
        };
        let forwards = if of_options.is_empty() { self.nspawn_settings(machine).ports } else { of_options };
        forwards.into_iter().find(|forward| !forward.is_udp)
    }

    /// Why a question of its topics is put to nobody here; none if it is put to somebody.
    #[must_use]
    pub fn never_asked(&self, check: Check) -> Option<&str> {
        let subjects = check.subjects(&self.machines);
        let mut reasons = subjects.iter().map(|subject| self.not_asked(check, subject));
        match reasons.next() {
            None => Some("it is about two machines, and there is one"),
            Some(first) => first.filter(|_| reasons.all(|reason| reason.is_some())),
        }
    }

    /// Why a question of its topics is not asked here all the same; none if it is.
    #[must_use]
    pub fn not_asked(&self, check: Check, subject: &Subject) -> Option<&str> {
        if let Some((_, reason)) = self.left_out.iter().find(|(left_out, _)| *left_out == check) {
            return Some(reason);
        }
        if check == Check::AutostartAfterReboot && matches!(self.launch, Launch::CommandLine { .. }) {
            return Some("nothing starts a command line again after a reboot");
        }
        if check == Check::AddressAfterRestart && self.attachment.link().is_none() {
            return Some("the machine has no address of its own");
        }
        if check.topic() == Topic::Ports && subject.about().is_some_and(|about| self.port(about).is_none()) {
            return Some("no Port= or --port= has a port of the host lead to the machine over TCP");
        }
        if is_beyond_dns(check, subject) {
            return Some("DNS has no such name: it allows 63 characters between two dots (RFC 1035)");
        }
        (check.topic() == Topic::Binds && self.bind.is_none())
            .then_some("the machines have no bind mount of a directory that can be looked at")
    }

    /// The claim about `check` where host and machines run these versions of systemd and these settings were
    /// detected; none if nothing is claimed, or if what is claimed depends on a setting that is unknown. Of several that
    /// hold the one that demands most of the settings counts, and a fault before what would be right without it.
    #[must_use]
    pub fn claim(&self, check: Check, host: u32, payload: u32, settings: &Settings) -> Option<&Claim> {
        let holds = self.holding(check, host, payload, settings)?;
        holds.max_by_key(|claim| (claim.when.len(), claim.is_fault()))
    }

    /// The claim that would count there if no fault were known.
    #[must_use]
    pub fn claim_without_fault(
        &self,
        check: Check,
        host: u32,
        payload: u32,
        settings: &Settings,
    ) -> Option<&Claim> {
        let holds = self.holding(check, host, payload, settings)?;
        holds.filter(|claim| !claim.is_fault()).max_by_key(|claim| claim.when.len())
    }

    /// The claims about `check` that hold there; none if a setting that one of them is about is unknown.
    fn holding(
        &self,
        check: Check,
        host: u32,
        payload: u32,
        settings: &Settings,
    ) -> Option<impl Iterator<Item = &Claim>> {
        let claims = move || self.claims.iter().filter(move |claim| claim.check == check);
        let is_unknown = |setting| settings.get(setting).is_some_and(|value| value == UNKNOWN);
        if claims().any(|claim| claim.when.keys().any(is_unknown)) {
            return None;
        }
        Some(claims().filter(move |claim| claim.is_about(host, payload, settings)))
    }
}

/// Whether the question itself puts a name into a message of DNS, LLMNR or multicast DNS that is too long for one.
fn is_beyond_dns(check: Check, subject: &Subject) -> bool {
    let Check::Name(question) = check else { return false };
    question.is_asked_by_dns() && subject.about().is_some_and(|about| !name::is_domain(&question.name(about)))
}

#[cfg(test)]
mod tests {
    use nspawn_matrix_reports::{Family, LookupPath};

    use super::*;
    use crate::{NameQuestion, Setting, Way, Whose, catalogue};

    const PEER_IPV4: Check =
        Check::Name(NameQuestion { whose: Whose::Peer, way: Way::Lookup(LookupPath::Nss, Family::Ipv4) });

    #[test]
    fn the_port_of_a_machine_is_the_first_of_tcp_and_those_of_a_command_line_replace_those_of_the_file() {
        let file = |machine: &str, ports: &str| {
            Step::config(nspawn_file::path(machine), format!("[Network]\n{ports}"))
        };
        let mut scenario = Scenario {
            machines: vec!["web".to_owned(), "idle".to_owned()],
            steps: vec![file("web", "Port=9\n"), file("web", "Port=udp:53\nPort=no\nPort=8080:80\n")],
            ..catalogue::all().remove(0)
        };
        let ports = |scenario: &Scenario, machine: &str| {
            scenario.port(machine).map(|forward| (forward.host, forward.machine))
        };
        for launch in [Launch::Unit, Launch::CommandLine { options: vec!["-n".to_owned()] }] {
            scenario.launch = launch;
            assert_eq!(ports(&scenario, "web"), Some((8080, 80)));
            assert_eq!(ports(&scenario, "idle"), None);
        }
        scenario.launch = Launch::CommandLine { options: vec!["--port=2222:22".to_owned()] };
        assert_eq!(ports(&scenario, "web"), Some((2222, 22)));
        assert_eq!(ports(&scenario, "idle"), Some((2222, 22)));
    }

    #[test]
    fn a_name_that_dns_cannot_carry_is_not_put_to_it() {
        let asked = |question: &str, subject: &Subject| {
            catalogue::all()[0].not_asked(question.parse().unwrap(), subject).is_none()
        };
        let about = |length: usize| Subject::Host { machine: "a".repeat(length) };
        for question in ["below-machine/any", "machine-from-host/stub-ipv4", "machine-from-host/llmnr-ipv6"] {
            let question = format!("resolve/{question}");
            assert!(asked(&question, &about(63)) && !asked(&question, &about(64)), "{question}");
        }
        assert!(
            asked("resolve/machine-from-host/any", &about(64)),
            "NSS is asked, whatever it makes of that"
        );
        assert!(asked("resolve/host/stub-ipv4", &Subject::Machine { machine: "a".repeat(64) }));
    }

    #[test]
    fn what_depends_on_a_setting_that_is_unknown_is_not_claimed() {
        let zone = catalogue::all().into_iter().find(|scenario| scenario.name == "zone").unwrap();
        let claimed = |check, value: &str| {
            let settings = Settings::from([(Setting::Llmnr, value.to_owned())]);
            zone.claim(check, 257, 257, &settings).map(|claim| claim.expectation.clone())
        };
        assert!(claimed(PEER_IPV4, "yes").is_some());
        assert_ne!(claimed(PEER_IPV4, "no"), claimed(PEER_IPV4, "yes"));
        assert_eq!(claimed(PEER_IPV4, UNKNOWN), None);
        assert!(claimed(Check::BindMode, UNKNOWN).is_some());
    }
}

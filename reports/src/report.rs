//! Reports: all of one run. The JSON form of these types is the contract with everything that reads results.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{Case, Facts, Tally, place};

/// Names the form of `report.json`. What was written under a name can be read as long as this is it: a member that comes
/// later has a default, and any other change of these types has another number.
pub const SCHEMA: &str = "nspawn-matrix/report/1";

/// Holds one run whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// The form of all this.
    #[schemars(extend("const" = SCHEMA))]
    pub schema: String,
    /// When, by what and how it was run.
    pub run: Run,
    /// The hosts, in the order of the plan.
    pub hosts: Vec<HostRecord>,
    /// The cases, in the order of the plan.
    pub cases: Vec<Case>,
    /// What happened when to each machine.
    pub timeline: Vec<TimelineEvent>,
}

impl Report {
    /// Counts the verdicts.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.cases.iter().map(|case| case.verdict).collect()
    }
}

/// One invocation of the tool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Run {
    /// Eight hexadecimal digits that are in the names of everything the run made.
    pub id: String,
    /// Start of the run, UTC.
    #[serde(with = "time::serde::rfc3339")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub started: OffsetDateTime,
    /// End of the run, UTC.
    #[serde(with = "time::serde::rfc3339")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub finished: OffsetDateTime,
    /// Version of nspawn-matrix.
    pub tool_version: String,
    /// The command line, program first.
    pub argv: Vec<String>,
    /// How busy the processors were from start to end; none where that is not known, as in reports of before it was kept.
    #[serde(default)]
    pub utilisation: Option<Utilisation>,
    /// Whether pseudonyms stand for addresses and names that belong to somebody, and nothing for secrets.
    #[serde(default)]
    pub redacted: bool,
}

impl Run {
    /// How long it took, and how busy the processors were: `72.3 s, 2 cores busy 86 % of it, 71 % in the last 12.3 s, after
    /// the last host had begun`.
    #[must_use]
    pub fn took(&self) -> String {
        let seconds = (self.finished - self.started).as_seconds_f64();
        let busy = self.utilisation.map_or(String::new(), |Utilisation { cores, busy_percent, .. }| {
            let s = if cores == 1 { "" } else { "s" };
            format!(", {cores} core{s} busy {busy_percent} % of it")
        });
        let last = self.utilisation.and_then(|used| used.last_stretch);
        let last = last.map_or(String::new(), |LastStretch { ms, busy_percent }| {
            let seconds = Duration::from_millis(ms).as_secs_f64();
            format!(", {busy_percent} % in the last {seconds:.1} s, after the last host had begun")
        });
        format!("{seconds:.1} s{busy}{last}")
    }
}

/// How busy the processors of the machine that ran it were, whoever they worked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Utilisation {
    /// How many processors are online.
    pub cores: u32,
    /// The share of their time in which they were not idle, in percent. What a hypervisor gave to others is no part of it.
    pub busy_percent: u32,
    /// The same of the end of the run; none where no host began, and in reports of before it was kept.
    #[serde(default)]
    pub last_stretch: Option<LastStretch>,
}

/// The time after the last host had begun. Until then a core is idle only if no host could use it; from then on it is for
/// want of hosts, too, and so this tells whether another order or more of them at a time would have ended sooner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LastStretch {
    /// How long it was, in milliseconds.
    pub ms: u64,
    /// The share of it in which the processors were not idle, in percent.
    pub busy_percent: u32,
}

/// The profile of a host that nothing was made of before the scenario.
pub const STOCK: &str = "stock";

/// One booted host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HostRecord {
    /// Name of the host in this report: `sandbox/trixie/bridge`, `sandbox/trixie/linode/bridge`.
    pub id: String,
    /// `sandbox`.
    pub kind: String,
    /// What was made of the host before the scenario: `stock` if nothing, `linode`.
    pub profile: String,
    /// Image that the host was booted from.
    pub image: String,
    /// Image that the machines were started from.
    pub payload: String,
    /// What is known of it; none if it did not boot.
    pub facts: Option<Facts>,
    /// Major version of its systemd, if it booted: 257.
    pub systemd: Option<u32>,
    /// Major version of the systemd of its machines, if they came to stand: 257.
    pub payload_systemd: Option<u32>,
    /// What systemd said about settings that it does not take, each thing once; reports of before it was kept have none.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// What is not as it was before, on a host that is kept: `link is left: br0 up`.
    #[serde(default)]
    pub left: Vec<String>,
}

impl HostRecord {
    /// The versions of systemd in the fewest words: `257`, or `252 in 262` where machines of 252 run on a host of 262. A
    /// version of the machines that is not known is taken to be the host's if they are of one image, and else they are
    /// called by their image: `bookworm in 262`. None if that of the host is not known.
    #[must_use]
    pub fn versions(&self) -> Option<String> {
        self.systemd.map(|_| place::versions(self))
    }

    /// Says in one line what it was: `systemd 257 (257.13-1~deb13u1) on Debian GNU/Linux 13 (trixie), kernel 6.12.48, ...`.
    #[must_use]
    pub fn summary(&self) -> String {
        let Some(Facts { os, systemd, kernel, roots, .. }) = &self.facts else {
            return format!("{} did not boot", self.id);
        };
        let Self { kind, profile, image, payload, .. } = self;
        let machines = if payload == image { String::new() } else { format!(", machines of {payload}") };
        format!("systemd {systemd} on {os}{machines}, kernel {kernel}, roots on {roots}, {kind} {profile}")
    }
}

/// Something that happened to a host or a machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TimelineEvent {
    /// Id of the host.
    pub host: String,
    /// Name of the scenario.
    pub scenario: String,
    /// Name of the machine; none if it is about the host.
    pub machine: Option<String>,
    /// What happened: `started`, `lease`.
    pub event: String,
    /// With what or whom, where that belongs to it: the address that answered the first ping.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Milliseconds since the run started.
    pub at_ms: u64,
}

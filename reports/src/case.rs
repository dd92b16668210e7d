//! Cases: one question, asked of one subject of one scenario on one host.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Observation, Verdict};

/// Holds everything that is known about one cell of the matrix.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Case {
    /// Id of the host ([`crate::HostRecord::id`]).
    pub host: String,
    /// Name of the scenario: `default-veth`.
    pub scenario: String,
    /// Name of the question: `ping/peer/ipv4`.
    pub check: String,
    /// Who was asked: `alpha`, or `alpha->beta` where it goes from one to another.
    pub subject: String,
    /// How the observation stands to the claim.
    pub verdict: Verdict,
    /// The claim, in words.
    pub expected: String,
    /// What was seen; none if nothing could be measured.
    pub observed: Option<Observation>,
    /// Why the verdict is what it is: the difference, the error, the reason of a skip, or what stands behind the claim.
    pub reason: Option<String>,
    /// Where what stands behind the claim is written down; none if nothing is claimed.
    pub link: Option<String>,
    /// How often it was tried to get an answer: 0 if it was not to be asked, 1 normally. What was broken is tried once
    /// more, what was judged never is.
    pub attempts: u32,
    /// Reasons for what was seen, most important first.
    pub explanations: Vec<Explanation>,
    /// How long the question took, in milliseconds.
    pub duration_ms: u64,
}

impl Case {
    /// The name by which tests and writers know the case: `default-veth::ping/peer/ipv4::alpha->beta`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}::{}::{}", self.scenario, self.check, self.subject)
    }
}

/// One reason for what was seen, with what it rests on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Explanation {
    /// Stable code of the reason.
    pub code: String,
    /// The reason in a sentence.
    pub text: String,
    /// What it rests on: a line of the journal, a sysctl, a rule.
    pub evidence: String,
    /// What to do about it: a command, ready to paste into a shell of the host as root.
    pub remedy: Option<String>,
    /// Where to read more.
    pub link: Option<String>,
}

//! Two machines are on two links, and what is asked goes over one alone.

use nspawn_matrix_reports::AddressSpace;
use nspawn_matrix_scenarios::{Check, Expectation, Subject};

use crate::explain::cause::Cause;
use crate::explain::evidence::{Evidence, Surprise};

pub(super) static CAUSE: Cause = Cause {
    code: "separate-links",
    sentence: "the two machines are on two links of the host, and what goes over one link alone does not get from one to the other",
    long: "LLMNR, multicast DNS and fe80 addresses end with the link. With --network-veth, as the shipped unit has it, each \
           machine has a link of its own, so that machines ping each other by way of the host and do not resolve each \
           other's names, however LLMNR is set. Machines that are to hear each other are ports of one bridge: Bridge= or \
           Zone= in the [Network] section of the .nspawn file of each, the same in both. A .network file of the host that \
           matches one machine's port, with a Bridge= of its own, takes it elsewhere.",
    link: "https://www.rfc-editor.org/rfc/rfc4795#section-2",
    seen_by: Some(Check::LinkHost),
    keeps_from_starting: false,
    brings_about: &[],
    evidence,
    // Which of the links is the right one, nobody else can know.
    remedy: |_| None,
};

fn evidence<'a>(surprise: &Surprise<'a>) -> Option<Evidence<'a>> {
    let [one, other] = surprise.machines[..] else { return None };
    let (link, other_link) = surprise.links_of_both()?;
    let text = format!("{one} is on {link}, and {other} on {other_link}");
    is_of_one_link(surprise).then_some(Evidence { machine: Some(one), text })
}

/// Whether what is claimed takes one link.
fn is_of_one_link(surprise: &Surprise<'_>) -> bool {
    let Subject::Pair { .. } = surprise.question.subject else { return false };
    match surprise.expected {
        Some(Expectation::Answers { ttl }) => *ttl == Some(64) || surprise.needs.fe80,
        Some(Expectation::Resolves { to, .. } | Expectation::ResolvesAmong { to }) => {
            surprise.needs.llmnr && !to.contains(&AddressSpace::None)
        }
        Some(Expectation::OnTheWire { a, aaaa, .. }) => !a.is_empty() || !aaaa.is_empty(),
        // Between two links the host may put its own address in the place of the machine's.
        Some(Expectation::Properties { are }) => are.get("seen").is_some_and(|seen| seen == &["machine"]),
        // What else is claimed of a pair goes by way of the host as well.
        _ => false,
    }
}

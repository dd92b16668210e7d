use nspawn_matrix_reports::{AddressSpace, BindFiles, Family, LookupPath, Names, Times, Written};
use nspawn_matrix_scenarios::{Check, Setting};

use super::*;

pub(super) fn verdict(expectation: Expectation, observation: &Observation) -> (Verdict, String) {
    let claim = Claim::new(Check::AddressLease, expectation, "of this", "https://example.org");
    let Judgement { verdict, reason } = judge(Some(&claim), None, observation);
    (verdict, reason)
}

pub(super) fn pass() -> (Verdict, String) {
    (Verdict::Pass, "of this".to_owned())
}

pub(super) fn fail(reason: &str) -> (Verdict, String) {
    (Verdict::Fail, format!("{reason}; the claim was made because of this"))
}

fn lease(address: Option<&str>) -> Observation {
    Observation::Lease(Lease {
        link: Some("host0".to_owned()),
        address: address.map(|text| text.parse().unwrap()),
        addresses: Vec::new(),
    })
}

fn ping(received: u32) -> Observation {
    Observation::Ping(Ping {
        target: Some("10.0.55.1".to_owned()),
        sent: 3,
        received,
        rtt_us: None,
        ttl: (received > 0).then_some(63),
        size: None,
        error: None,
    })
}

pub(super) fn names(spaces: &[(AddressSpace, u32)]) -> Observation {
    Observation::Names(Names {
        unanswered: 0,
        name: "beta".to_owned(),
        family: Family::Any,
        path: LookupPath::Nss,
        samples: spaces.iter().map(|(_, count)| count).sum(),
        overlapped: 0,
        repeated: 0,
        spaces: spaces.iter().copied().collect::<BTreeMap<_, _>>(),
        first_answers: u32::try_from(spaces.len()).unwrap(),
        addresses: Vec::new(),
        took: Times::default(),
        times_us: BTreeMap::new(),
        winners: BTreeMap::new(),
        origins: BTreeMap::new(),
        failures: BTreeMap::new(),
        cached: BTreeMap::new(),
        not_flushed: None,
    })
}

fn file(uid: u32, mode: &str) -> FileKind {
    FileKind { kind: "file".to_owned(), uid, gid: uid, mode: mode.to_owned() }
}

fn bound(name: &str, outside: FileKind, inside: Option<FileKind>) -> Observation {
    Observation::BindFiles(BindFiles {
        files: vec![BindFile { name: name.to_owned(), outside: Some(outside), inside }],
    })
}

#[test]
fn a_lease_must_be_from_a_subnet_of_the_claimed_size() {
    assert_eq!(verdict(Expectation::Lease { prefix: 24 }, &lease(Some("10.0.55.7/24"))), pass());
    assert_eq!(
        verdict(Expectation::Lease { prefix: 28 }, &lease(Some("10.0.55.7/24"))),
        fail("the lease is 10.0.55.7/24, not from a /28")
    );
    assert_eq!(verdict(Expectation::Lease { prefix: 28 }, &lease(None)), fail("no lease"));
    assert_eq!(verdict(Expectation::NoLink, &lease(None)), fail("the machine has the link host0"));
}

#[test]
fn a_lost_answer_is_neither_an_answer_nor_silence() {
    assert_eq!(verdict(Expectation::Answers { ttl: None }, &ping(3)), pass());
    assert_eq!(
        verdict(Expectation::Answers { ttl: None }, &ping(2)),
        fail("10.0.55.1 answered 2 of 3 requests")
    );
    assert_eq!(verdict(Expectation::NoAnswer, &ping(0)), pass());
    assert_eq!(verdict(Expectation::NoAnswer, &ping(1)), fail("10.0.55.1 answered 1 of 3 requests"));
}

#[test]
fn an_answer_from_further_away_than_claimed_is_a_difference() {
    assert_eq!(verdict(Expectation::ANSWERS_ROUTED, &ping(3)), pass());
    assert_eq!(verdict(Expectation::ANSWERS_ON_LINK, &ping(3)), fail("10.0.55.1 answered with ttl 63"));
    assert_eq!(verdict(Expectation::ANSWERS_ON_LINK, &ping(0)), fail("10.0.55.1 answered 0 of 3 requests"));
}

#[test]
fn a_refusal_must_be_the_claimed_one() {
    let refused = |error: &str| {
        let Observation::Ping(ping) = ping(0) else { unreachable!() };
        Observation::Ping(Ping { error: Some(error.to_owned()), ..ping })
    };
    let claim = || Expectation::refused("Invalid argument");
    assert_eq!(verdict(claim(), &refused("Invalid argument")), pass());
    assert_eq!(
        verdict(claim(), &refused("Network is unreachable")),
        fail("10.0.55.1: Network is unreachable")
    );
    assert_eq!(verdict(claim(), &ping(0)), fail("10.0.55.1 answered 0 of 3 requests"));
}

#[test]
fn a_link_without_a_lease_is_not_the_same_as_no_link() {
    assert_eq!(verdict(Expectation::NoLease, &lease(None)), pass());
    assert_eq!(
        verdict(Expectation::NoLease, &lease(Some("10.0.55.7/24"))),
        fail("the lease is 10.0.55.7/24")
    );
    let none = Observation::Lease(Lease { link: None, address: None, addresses: Vec::new() });
    assert_eq!(verdict(Expectation::NoLease, &none), fail("the machine has no link of its own"));
}

#[test]
fn nothing_to_ping_is_no_answer() {
    let nowhere = Observation::Ping(Ping {
        target: None,
        sent: 0,
        received: 0,
        rtt_us: None,
        ttl: None,
        size: None,
        error: None,
    });
    assert_eq!(verdict(Expectation::Answers { ttl: None }, &nowhere), fail("there is no address to ping"));
    assert_eq!(verdict(Expectation::NoAnswer, &nowhere), fail("there is no address to ping"));
}

#[test]
fn a_file_is_compared_with_itself_on_the_other_side() {
    let same = bound("a", file(1000, "0640"), Some(file(1000, "0640")));
    let nobody = bound("a", file(1000, "0640"), Some(file(NOBODY, "0640")));
    assert_eq!(verdict(Expectation::SameOwner, &same), pass());
    assert_eq!(verdict(Expectation::OwnedByNobody, &nobody), pass());
    assert_eq!(verdict(Expectation::SameMode, &nobody), pass());
    assert_eq!(verdict(Expectation::SameOwner, &nobody), fail("owner differs from the claim: a"));
    let gone = bound("a", file(1000, "0640"), None);
    assert_eq!(verdict(Expectation::SameMode, &gone), fail("kind or mode differs from the claim: a"));
    let empty = Observation::BindFiles(BindFiles { files: Vec::new() });
    assert_eq!(verdict(Expectation::SameOwner, &empty), fail("there are no files"));
}

#[test]
fn a_write_is_judged_by_what_the_host_sees() {
    let written =
        |outside| Observation::BindWrite(BindWrite::Written(Written { inside: file(0, "0644"), outside }));
    let root = Expectation::WrittenAs { uid: 0, gid: 0 };
    assert_eq!(verdict(root.clone(), &written(Some(file(0, "0644")))), pass());
    assert_eq!(
        verdict(root.clone(), &written(Some(file(700, "0644")))),
        fail("the file belongs to 700:700 on the host")
    );
    assert_eq!(verdict(root, &written(None)), fail("the file is not there on the host"));
    let refused = Observation::BindWrite(BindWrite::Refused { errno: "EROFS".to_owned() });
    let eacces = Expectation::WriteRefused { errno: "EACCES".to_owned() };
    assert_eq!(verdict(eacces, &refused), fail("refused with EROFS"));
}

#[test]
fn a_mount_must_have_the_options_the_propagation_and_the_mapping() {
    let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<String>>();
    let mount = |options: &[&str], propagation: &[&str], idmapped| {
        Observation::Mount(Mount {
            fs_type: "btrfs".to_owned(),
            options: words(options),
            propagation: words(propagation),
            idmapped,
        })
    };
    let seen = |options: &[&str], idmapped| mount(options, &["slave"], idmapped);
    let claim = || {
        let (options, propagation) = (words(&["rw"]), words(&["slave"]));
        Expectation::Mounted(MountClaim { options, propagation, idmapped: false })
    };
    assert_eq!(verdict(claim(), &seen(&["rw", "relatime"], false)), pass());
    assert_eq!(verdict(claim(), &seen(&["ro"], false)), fail("mounted ro, without rw"));
    assert_eq!(verdict(claim(), &seen(&["rw", "idmapped"], true)), fail("mounted rw,idmapped"));
    assert_eq!(verdict(claim(), &mount(&["rw"], &["private"], false)), fail("its propagation is private"));
}

#[test]
fn a_machine_that_is_not_registered_is_not_back() {
    let seen = |registered| {
        Observation::Autostart(Autostart {
            enabled: "enabled".to_owned(),
            active: "active".to_owned(),
            registered,
        })
    };
    assert_eq!(verdict(Expectation::BackAfterReboot, &seen(true)), pass());
    assert_eq!(verdict(Expectation::BackAfterReboot, &seen(false)), fail("enabled, active, not registered"));
}

#[test]
fn a_claim_of_another_kind_is_our_own_fault() {
    assert_eq!(verdict(Expectation::Answers { ttl: None }, &lease(None)).0, Verdict::Broken);
}

#[test]
fn without_a_claim_nothing_is_judged() {
    let judgement = judge(None, None, &ping(3));
    assert_eq!(judgement.verdict, Verdict::Skip);
    assert_eq!(judgement.reason, "nothing is claimed for these versions and settings");
}

/// A claim that somebody says so of.
fn claim(expectation: Expectation, reason: &str) -> Claim {
    Claim::new(Check::PingGatewayIpv4, expectation, reason, "https://example.org")
}

#[test]
fn a_fault_that_is_seen_is_known_and_one_in_whose_place_is_what_is_right_is_fixed() {
    let fault = claim(Expectation::NoAnswer, "the lease is astray").when(Setting::StrayLease, "yes").fault();
    let right = claim(Expectation::ANSWERS_ROUTED, "the host answers");
    let judged = |observation: &Observation| judge(Some(&fault), Some(&right), observation);
    assert_eq!(judged(&ping(0)).verdict, Verdict::Known);
    let fixed = judged(&ping(3));
    assert_eq!(fixed.verdict, Verdict::Fixed);
    assert_eq!(
        fixed.reason,
        "the host answers; the known fault, that the lease is astray, was not met: 10.0.55.1 answered 3 of 3 requests"
    );
}

#[test]
fn what_is_neither_the_known_fault_nor_right_is_a_failure() {
    let right = claim(Expectation::resolves(&[AddressSpace::Global]), "DNS knows the name");
    let denied = Expectation::resolves(&[AddressSpace::None]);
    let fault = claim(denied, "machined denies the name").fault();
    let late = names(&[(AddressSpace::None, 32)]);
    let Observation::Names(late) = late else { unreachable!("it is names") };
    let late = Names { unanswered: 1, failures: [("QueryTimedOut".to_owned(), 1)].into(), ..late };
    let late = judge(Some(&fault), Some(&right), &Observation::Names(late));
    assert_eq!(late.verdict, Verdict::Fail);
    assert_eq!(
        late.reason,
        "32 of 32 lookups gave none; the claim was made because DNS knows the name; nor is it the known fault, that \
         machined denies the name: 1 of 32 lookups were not answered: QueryTimedOut"
    );
    let Observation::Ping(unsent) = ping(0) else { unreachable!("it is a ping") };
    let unsent = Observation::Ping(Ping { sent: 0, ..unsent });
    let right = claim(Expectation::ANSWERS_ON_LINK, "the host answers");
    let fault = claim(Expectation::Unreached, "the lease is astray").fault();
    assert_eq!(judge(Some(&fault), Some(&right), &unsent).verdict, Verdict::Fail);
    assert_eq!(judge(Some(&fault), None, &ping(3)).verdict, Verdict::Fail, "nothing says that it is right");
}

#[test]
fn what_is_right_by_chance_is_known_and_anything_else_fails() {
    let claim = Claim::new(
        Check::PingGatewayIpv4,
        Expectation::Answers { ttl: None },
        "because",
        "https://example.org",
    )
    .by_chance("networkd is quicker", "https://example.org/issue");
    let known = judge(Some(&claim), None, &ping(3));
    assert_eq!(known.verdict, Verdict::Known);
    assert_eq!(known.reason, "right this time: because; but that is left to chance: networkd is quicker");
    assert_eq!(judge(Some(&claim), None, &ping(0)).verdict, Verdict::Fail);
}

#[test]
fn silence_is_not_what_was_refused_or_never_sent() {
    let Observation::Ping(silent) = ping(0) else { unreachable!("it is a ping") };
    let refused = Ping { error: Some("Network is unreachable".to_owned()), ..silent.clone() };
    let unsent = Ping { sent: 0, ..silent };
    assert_eq!(verdict(Expectation::NoAnswer, &Observation::Ping(refused)).0, Verdict::Fail);
    assert_eq!(verdict(Expectation::NoAnswer, &Observation::Ping(unsent)).0, Verdict::Fail);
}

#[test]
fn a_machine_that_did_not_start_fails_whatever_else_was_claimed_of_it() {
    let seen = Missing::Machine.observed();
    assert_eq!(verdict(Expectation::NoLink, &seen), fail("the machine did not start"));
    let mapped = Expectation::properties(&[("mapped", "yes")]);
    assert_eq!(verdict(mapped, &seen), fail("the machine did not start"));
    let not_started = Expectation::properties(&[("machine", "not started")]);
    assert_eq!(verdict(not_started, &seen), pass());
}

#[test]
fn a_bind_mount_that_is_not_there_fails_unless_that_is_claimed() {
    let seen = Missing::Mount.observed();
    let mapped = Expectation::properties(&[("mapped", "yes")]);
    for expectation in [Expectation::SameMode, Expectation::WrittenAs { uid: 0, gid: 0 }, mapped] {
        assert_eq!(verdict(expectation, &seen), fail("nothing is mounted there"));
    }
    assert_eq!(verdict(Expectation::properties(&[("mount", "none")]), &seen), pass());
}

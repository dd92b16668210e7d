use nspawn_matrix_reports::{
    AddressSpace, Family, Names, Observation, RecordType, SeenAddress, Times, Transport, Verdict, Wire,
    WireRecord,
};
use nspawn_matrix_scenarios::{Expectation, Scope};

use super::super::tests::{fail, names, pass, verdict};
use super::*;

#[test]
fn one_lookup_outside_the_claimed_spaces_is_a_difference() {
    let both = Expectation::resolves(&[AddressSpace::Lease, AddressSpace::Ipv6LinkLocal]);
    assert_eq!(
        verdict(both.clone(), &names(&[(AddressSpace::Lease, 20), (AddressSpace::Ipv6LinkLocal, 12)])),
        pass()
    );
    assert_eq!(verdict(both.clone(), &names(&[(AddressSpace::Lease, 8)])), pass());
    assert_eq!(
        verdict(both.clone(), &names(&[(AddressSpace::Lease, 32)])),
        fail("none of 32 lookups gave ipv6-link-local")
    );
    assert_eq!(
        verdict(both, &names(&[(AddressSpace::Lease, 31), (AddressSpace::None, 1)])),
        fail("1 of 32 lookups gave none")
    );
}

#[test]
fn every_question_on_the_wire_must_be_answered_as_claimed() {
    let wire = |answered: u32, space| {
        Observation::Wire(Wire {
            sent: 64,
            repeated: 0,
            name: "beta".to_owned(),
            transport: Transport::LlmnrIpv4,
            questions: 32,
            answered: BTreeMap::from([(RecordType::A, answered)]),
            records: vec![WireRecord {
                record: RecordType::A,
                address: "10.0.55.7".to_owned(),
                space,
                responder: "10.0.55.7".to_owned(),
                count: answered,
            }],
            took: Times::default(),
            not_sent: BTreeMap::new(),
        })
    };
    let answers = |a: &[AddressSpace], perhaps: &[AddressSpace]| Expectation::OnTheWire {
        a: a.to_vec(),
        aaaa: Vec::new(),
        perhaps: perhaps.to_vec(),
    };
    let lease = || answers(&[AddressSpace::Lease], &[AddressSpace::Ipv4LinkLocal]);
    assert_eq!(verdict(lease(), &wire(32, AddressSpace::Lease)), pass());
    assert_eq!(
        verdict(lease(), &wire(31, AddressSpace::Lease)),
        fail("31 of 32 questions for A are answered")
    );
    assert_eq!(verdict(lease(), &wire(32, AddressSpace::Other)), fail("A is answered with other"));
    assert_eq!(verdict(answers(&[], &[]), &wire(1, AddressSpace::Lease)), fail("A is answered with lease"));
    let besides = wire(32, AddressSpace::Ipv4LinkLocal);
    assert_eq!(
        verdict(lease(), &besides),
        fail("A is answered with nothing"),
        "not in the place of the lease"
    );
    assert_eq!(verdict(answers(&[], &[]), &besides), fail("A is answered with ipv4-link-local"));
}

#[test]
fn one_space_of_several_is_enough_where_nothing_is_said_of_which() {
    let among = || Expectation::ResolvesAmong { to: vec![AddressSpace::Lease, AddressSpace::Other] };
    assert_eq!(verdict(among(), &names(&[(AddressSpace::Other, 32)])), pass());
    let fe80 = names(&[(AddressSpace::Lease, 31), (AddressSpace::Ipv6LinkLocal, 1)]);
    assert_eq!(verdict(among(), &fe80), fail("1 of 32 lookups gave ipv6-link-local"));
    assert_eq!(verdict(among(), &names(&[])), fail("no lookup was made"));
}

/// Lookups that gave these addresses, the first of them always first.
fn resolved(family: Family, space: AddressSpace, addresses: &[&str]) -> Names {
    let Observation::Names(names) = names(&[(space, 4)]) else { unreachable!("it is names") };
    let seen = |address: &&str| SeenAddress { address: (*address).to_owned(), space, count: 4 };
    Names { family, addresses: addresses.iter().map(seen).collect(), ..names }
}

#[test]
fn an_address_of_another_family_than_was_asked_for_is_a_difference() {
    let global = || Expectation::resolves(&[AddressSpace::Global]);
    let seen = |family| Observation::Names(resolved(family, AddressSpace::Global, &["2001:db8:2::1"]));
    assert_eq!(verdict(global(), &seen(Family::Ipv6)), pass());
    assert_eq!(verdict(global(), &seen(Family::Any)), pass());
    let other = fail("2001:db8:2::1 was given, where ipv4 was asked for");
    assert_eq!(verdict(global(), &seen(Family::Ipv4)), other);
    let ipv4 = Observation::Names(resolved(Family::Ipv6, AddressSpace::Global, &["192.0.2.1"]));
    assert_eq!(verdict(global(), &ipv4), fail("192.0.2.1 was given, where ipv6 was asked for"));
}

#[test]
fn of_one_space_one_address_comes_first() {
    let seen = resolved(Family::Any, AddressSpace::Global, &["192.0.2.1", "2001:db8:2::1"]);
    let either = Observation::Names(Names { first_answers: 2, ..seen.clone() });
    let several = fail("2 addresses of global came first, each in some lookups");
    assert_eq!(verdict(Expectation::resolves(&[AddressSpace::Global]), &either), several);
    assert_eq!(verdict(Expectation::ResolvesAmong { to: vec![AddressSpace::Global] }, &either), pass());
    assert_eq!(verdict(Expectation::resolves(&[AddressSpace::Global]), &Observation::Names(seen)), pass());
}

#[test]
fn an_fe80_address_says_its_link_or_does_not_as_claimed() {
    let seen = |address| Observation::Names(resolved(Family::Any, AddressSpace::Ipv6LinkLocal, &[address]));
    let to = vec![AddressSpace::Ipv6LinkLocal];
    let claim = |scope| Expectation::Resolves { to: to.clone(), scope, from: BTreeMap::new() };
    let (with, without) = (claim(Some(Scope::With)), claim(Some(Scope::Without)));
    assert_eq!(verdict(with.clone(), &seen("fe80::1%2")), pass());
    assert_eq!(verdict(with.clone(), &seen("fe80::1")), fail("fe80::1 comes without its link"));
    // resolved tells of no link by the index 0.
    assert_eq!(verdict(with, &seen("fe80::1%0")), fail("fe80::1%0 comes without its link"));
    assert_eq!(verdict(without.clone(), &seen("fe80::1%0")), pass());
    assert_eq!(verdict(without, &seen("fe80::1%2")), fail("fe80::1%2 comes with its link"));
    assert_eq!(verdict(claim(None), &seen("fe80::1")), pass());
}

#[test]
fn an_answer_comes_from_where_it_is_claimed_to() {
    let from = [(AddressSpace::Lease, "llmnr-ipv4"), (AddressSpace::Ipv6LinkLocal, "llmnr-ipv6")];
    let from: BTreeMap<AddressSpace, String> =
        from.into_iter().map(|(space, winner)| (space, winner.to_owned())).collect();
    let to = from.keys().copied().collect();
    let claim = Expectation::Resolves { to, scope: None, from };
    let Observation::Names(seen) = names(&[(AddressSpace::Lease, 20), (AddressSpace::Ipv6LinkLocal, 12)])
    else {
        unreachable!("it is names")
    };
    let with = |lease: &[(&str, u32)]| {
        let counts = |counts: &[(&str, u32)]| {
            counts.iter().map(|(winner, count)| ((*winner).to_owned(), *count)).collect()
        };
        let origins = [
            (AddressSpace::Lease, counts(lease)),
            (AddressSpace::Ipv6LinkLocal, counts(&[("llmnr-ipv6", 12)])),
        ];
        Observation::Names(Names { origins: origins.into(), ..seen.clone() })
    };
    assert_eq!(verdict(claim.clone(), &with(&[("llmnr-ipv4", 20)])), pass());
    assert_eq!(
        verdict(claim.clone(), &with(&[("llmnr-ipv4", 17), ("llmnr-ipv6", 3)])),
        fail("17 of 20 lookups that gave lease had it from llmnr-ipv4: 3 from llmnr-ipv6")
    );
    assert_eq!(
        verdict(claim, &Observation::Names(seen)),
        fail("0 of 20 lookups that gave lease had it from llmnr-ipv4: where from is not known")
    );
}

#[test]
fn no_lookups_at_all_prove_nothing() {
    let none = Expectation::resolves(&[AddressSpace::None]);
    assert_eq!(verdict(none, &names(&[])), fail("no lookup was made"));
}

#[test]
fn a_lookup_that_nobody_answered_does_not_say_that_the_name_is_unknown() {
    let Observation::Names(denied) = names(&[(AddressSpace::None, 32)]) else { unreachable!("it is names") };
    let unanswered = Observation::Names(Names { unanswered: 1, ..denied.clone() });
    let none = || Expectation::resolves(&[AddressSpace::None]);
    assert_eq!(verdict(none(), &Observation::Names(denied)), pass());
    assert_eq!(verdict(none(), &unanswered).0, Verdict::Fail);
    assert_eq!(verdict(Expectation::Unresolved, &unanswered), pass());
}

//! Which of several addresses a name gives.

use std::collections::BTreeMap;

use nspawn_matrix_reports::{Family, LookupPath, Names, SeenAddress, Times};

use super::*;

/// Twenty lookups, of which each gave `each` addresses, now the lease first and now the fe80 address.
fn lookups(each: u32) -> Observation {
    let spaces = [(AddressSpace::Lease, 12), (AddressSpace::Ipv6LinkLocal, 8)];
    let address = |(space, first): (AddressSpace, u32)| SeenAddress {
        address: String::new(),
        space,
        count: if each == 1 { first } else { 20 },
    };
    Observation::Names(Names {
        repeated: 0,
        name: "alpha".to_owned(),
        family: Family::Any,
        path: LookupPath::Nss,
        samples: 20,
        overlapped: 0,
        spaces: spaces.into(),
        first_answers: 2,
        unanswered: 0,
        addresses: spaces.map(address).to_vec(),
        took: Times::default(),
        times_us: BTreeMap::new(),
        winners: BTreeMap::new(),
        origins: BTreeMap::new(),
        failures: BTreeMap::new(),
        cached: BTreeMap::new(),
        not_flushed: None,
    })
}

/// The reasons for what the host sees of the name of `alpha`, whose link has these addresses.
fn told(addresses: &str, observed: Observation, expected: &Expectation) -> Vec<Explanation> {
    let values = [("addresses", addresses.to_owned())];
    let link = Observation::Properties(Properties::new("", values));
    let [link_question, name] = [
        question("link/machine", machine("alpha")),
        question("resolve/machine-from-host/any", host_of("alpha")),
    ];
    let [link, name_case] = [link, observed].map(|observed| case(Some(observed)));
    let cells = [
        Cell { question: &link_question, case: &link, expected: None, is_surprising: false },
        Cell { question: &name, case: &name_case, expected: Some(expected), is_surprising: true },
    ];
    explain(&cells).remove(1)
}

#[test]
fn one_of_two_families_at_a_time_is_what_the_first_scope_gives() {
    let expected = Expectation::resolves(&[AddressSpace::Ipv6LinkLocal]);
    let reasons = told(FE80, lookups(1), &expected);
    assert_eq!(reasons[0].code, "first-scope-wins");
    assert_eq!(reasons[0].evidence, "each lookup gave one address: lease 12, ipv6-link-local 8");
    let remedy = "sed -i 's/^hosts:.*/hosts: files mymachines resolve [!UNAVAIL=return] dns myhostname/' /etc/nsswitch.conf";
    assert_eq!(reasons[0].remedy.as_deref(), Some(remedy));
    assert!(told(FE80, lookups(2), &expected).is_empty(), "all addresses came each time");
    assert!(told("10.0.0.2/28", lookups(1), &expected).is_empty(), "there is one family");
    let none = Expectation::resolves(&[AddressSpace::None]);
    assert!(told(FE80, lookups(1), &none).is_empty(), "that it resolves at all is what surprises");
}

//! What junit.xml says, and that nothing said by others can break it.

use proptest::prelude::*;
use quick_xml::XmlVersion;
use quick_xml::events::Event;
use quick_xml::reader::Reader;

use super::*;
use crate::fixture::{case, host, report};
use crate::{Observation, Tally};

/// Parses `xml` to its end and gives the values of all attributes named `key` of elements named `element`.
fn attributes(xml: &str, element: &str, key: &str) -> Vec<String> {
    let mut reader = Reader::from_str(xml);
    let (mut depth, mut found) = (0_i32, Vec::new());
    loop {
        let event = reader.read_event().unwrap();
        depth += i32::from(matches!(event, Event::Start(_))) - i32::from(matches!(event, Event::End(_)));
        if let Event::Start(tag) | Event::Empty(tag) = &event {
            for attribute in tag.attributes() {
                let attribute = attribute.unwrap();
                let value = attribute.normalized_value(XmlVersion::Implicit1_0).unwrap();
                if tag.name().as_ref() == element.as_bytes() && attribute.key.as_ref() == key.as_bytes() {
                    found.push(value.into_owned());
                }
            }
        }
        if matches!(event, Event::Eof) {
            break;
        }
    }
    assert_eq!(depth, 0, "every element is closed");
    found
}

/// One line for each tag, so that a snapshot can be read.
fn lines(xml: &str) -> String {
    xml.replace("><", ">\n<").replace(">\n<![CDATA[", "><![CDATA[")
}

fn one_of_each_verdict() -> Report {
    let mut small = report(vec![host("sandbox/trixie/stock", 257)]);
    small.cases = Verdict::ALL
        .into_iter()
        .map(|verdict| {
            let mut one = case("sandbox/trixie/stock", "nat", "ping/peer/ipv4", verdict.name());
            one.verdict = verdict;
            one.reason = (verdict != Verdict::Pass).then(|| format!("the reason of {verdict}"));
            one
        })
        .collect();
    small
}

#[test]
fn every_verdict_has_its_place_in_junit() {
    insta::assert_snapshot!(lines(&render(&one_of_each_verdict()).unwrap()), @r#"
    <?xml version="1.0" encoding="utf-8"?>
    <testsuites>
    <testsuite id="0" name="nat on sandbox/trixie/stock" package="sandbox/trixie/stock" tests="6" errors="1" failures="2" hostname="sandbox/trixie/stock" timestamp="2026-11-20T10:11:12Z" time="1.224">
    <properties>
    <property name="run" value="3fa90c11"/>
    <property name="tool_version" value="0.1.0"/>
    <property name="host" value="sandbox/trixie/stock"/>
    <property name="kind" value="sandbox"/>
    <property name="profile" value="stock"/>
    <property name="image" value="trixie"/>
    <property name="payload" value="trixie"/>
    <property name="booted" value="true"/>
    <property name="systemd" value="257"/>
    <property name="payload_systemd" value="257"/>
    <property name="os" value="Debian GNU/Linux 13 (trixie)"/>
    <property name="systemd_full" value="257 (257.13-1~deb13u1)"/>
    <property name="kernel" value="6.12.48"/>
    <property name="roots" value="btrfs"/>
    <property name="bridge_nf_call_iptables" value="false"/>
    </properties>
    <testcase name="ping/peer/ipv4::pass" time="0.204" classname="nat (257)">
    <system-out><![CDATA[claimed: 3 of 3 replies
    observed: 10.0.55.103: 3 of 3 replies, median 85 us, ttl 64]]>
    </system-out>
    </testcase>
    <testcase name="ping/peer/ipv4::fail" time="0.204" classname="nat (257)">
    <failure type="fail" message="the reason of fail"><![CDATA[reason: the reason of fail
    claimed: 3 of 3 replies
    observed: 10.0.55.103: 3 of 3 replies, median 85 us, ttl 64]]>
    </failure>
    </testcase>
    <testcase name="ping/peer/ipv4::known" time="0.204" classname="nat (257)">
    <system-out><![CDATA[known: the reason of known
    claimed: 3 of 3 replies
    observed: 10.0.55.103: 3 of 3 replies, median 85 us, ttl 64]]>
    </system-out>
    </testcase>
    <testcase name="ping/peer/ipv4::fixed" time="0.204" classname="nat (257)">
    <failure type="fixed" message="a known fault is gone: the reason of fixed"><![CDATA[reason: the reason of fixed
    claimed: 3 of 3 replies
    observed: 10.0.55.103: 3 of 3 replies, median 85 us, ttl 64]]>
    </failure>
    </testcase>
    <testcase name="ping/peer/ipv4::skip" time="0.204" classname="nat (257)">
    <skipped type="skip" message="the reason of skip"/>
    </testcase>
    <testcase name="ping/peer/ipv4::broken" time="0.204" classname="nat (257)">
    <error type="broken" message="the reason of broken"><![CDATA[reason: the reason of broken
    claimed: 3 of 3 replies
    observed: 10.0.55.103: 3 of 3 replies, median 85 us, ttl 64]]>
    </error>
    </testcase>
    </testsuite>
    </testsuites>
    "#);
}

#[test]
fn what_took_two_attempts_says_so_whatever_came_of_it() {
    let mut again = one_of_each_verdict();
    again.cases.retain(|case| case.verdict != Verdict::Skip);
    again.cases.iter_mut().for_each(|case| case.attempts = 2);
    assert_eq!(render(&again).unwrap().matches("attempts: 2\n").count(), Verdict::ALL.len() - 1);
    assert!(!render(&one_of_each_verdict()).unwrap().contains("attempts"));
}

#[test]
fn a_host_without_cases_is_there_with_its_facts() {
    let mut empty = report(vec![host("sandbox/sid/stock", 262)]);
    empty.hosts[0].facts = None;
    empty.hosts[0].systemd = None;
    empty.hosts[0].payload_systemd = None;
    insta::assert_snapshot!(lines(&render(&empty).unwrap()), @r#"
    <?xml version="1.0" encoding="utf-8"?>
    <testsuites>
    <testsuite id="0" name="sandbox/sid/stock" package="sandbox/sid/stock" tests="0" errors="0" failures="0" hostname="sandbox/sid/stock" timestamp="2026-11-20T10:11:12Z" time="0.000">
    <properties>
    <property name="run" value="3fa90c11"/>
    <property name="tool_version" value="0.1.0"/>
    <property name="host" value="sandbox/sid/stock"/>
    <property name="kind" value="sandbox"/>
    <property name="profile" value="stock"/>
    <property name="image" value="trixie"/>
    <property name="payload" value="trixie"/>
    <property name="booted" value="false"/>
    </properties>
    </testsuite>
    </testsuites>
    "#);
    empty.hosts.clear();
    insta::assert_snapshot!(render(&empty).unwrap(), @r#"<?xml version="1.0" encoding="utf-8"?><testsuites/>"#);
}

#[test]
fn each_scenario_of_each_host_is_a_suite_of_all_its_cases() {
    let full = crate::fixture::matrix(&[254, 257]);
    let xml = render(&full).unwrap();
    assert_eq!(attributes(&xml, "testsuite", "name").len(), 16);
    assert_eq!(attributes(&xml, "testcase", "name").len(), full.tally().total());
    let failures: usize =
        attributes(&xml, "testsuite", "failures").iter().map(|n| n.parse::<usize>().unwrap()).sum();
    let tally: Tally = full.tally();
    assert_eq!(failures, tally.count(Verdict::Fail) + tally.count(Verdict::Fixed));
}

#[test]
fn the_longest_times_do_not_overflow_and_all_have_three_decimals() {
    let mut long = one_of_each_verdict();
    long.cases[0].duration_ms = u64::MAX;
    long.cases[1].duration_ms = 1118;
    let xml = render(&long).unwrap();
    for time in attributes(&xml, "testcase", "time").iter().chain(&attributes(&xml, "testsuite", "time")) {
        assert_eq!(time.split_once('.').unwrap().1.len(), 3, "{time}");
    }
    assert!(xml.contains("time=\"1.118\""));
}

#[test]
fn a_written_file_is_what_is_rendered() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("junit.xml");
    write(&one_of_each_verdict(), &path).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), render(&one_of_each_verdict()).unwrap());
}

/// Text with the fragments that hurt XML more often than chance would have them.
fn hurtful() -> impl Strategy<Value = String> {
    let fragment = prop_oneof![
        any::<String>(),
        Just("]]>".to_owned()),
        Just("]".to_owned()),
        Just("<![CDATA[".to_owned()),
        Just("\u{1b}[31m".to_owned()),
        Just("\u{1b}]0;".to_owned()),
        Just("]]\u{1b}[0m>".to_owned()),
        Just("\u{0}\u{fffe}\u{ffff}".to_owned()),
        Just("<testsuite time=\"1\">&amp;'".to_owned()),
    ];
    proptest::collection::vec(fragment, 0..6).prop_map(|fragments| fragments.concat())
}

fn is_xml_char(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..)
}

proptest! {
    #[test]
    fn any_text_from_outside_yields_xml_that_parses(text in hurtful()) {
        let mut hostile = one_of_each_verdict();
        hostile.hosts[0].image.clone_from(&text);
        hostile.hosts[0].id.clone_from(&text);
        for one in &mut hostile.cases {
            one.host.clone_from(&text);
            one.scenario.clone_from(&text);
            one.subject.clone_from(&text);
            one.expected.clone_from(&text);
            one.reason = Some(text.clone());
            if let Some(Observation::Ping(ping)) = &mut one.observed {
                ping.target = Some(text.clone());
            }
        }
        let xml = render(&hostile).unwrap();
        prop_assert!(xml.chars().all(is_xml_char));
        prop_assert_eq!(attributes(&xml, "testcase", "name").len(), Verdict::ALL.len());
        prop_assert_eq!(attributes(&xml, "property", "name").len(), 15);
        let flat = clean(&text).replace(['\t', '\n'], " ");
        prop_assert_eq!(&attributes(&xml, "failure", "message")[0], &flat);
    }
}

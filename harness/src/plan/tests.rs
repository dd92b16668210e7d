//! Which hosts a plan has, what they are called, and what is asked on each.

use nspawn_matrix_scenarios::{catalogue, profile, scenario_file};

use super::*;

fn plan(images: &[Pair<String>], scenarios: &[Scenario], checks: &[Check]) -> Plan {
    Plan::new(Kind::Sandbox, images, &[Profile::stock()], scenarios, checks, 32, 8)
}

#[test]
fn every_scenario_is_asked_every_question_of_its_topics_of_all_machines() {
    let plan = plan(&["trixie".into()], &catalogue::all(), Check::all());
    assert_eq!(plan.hosts.len(), catalogue::all().len());
    for host in &plan.hosts {
        for check in host.scenario.checks() {
            let cells = host.cells.iter().filter(|cell| cell.question.check == check).count();
            assert_eq!(cells, check.subjects(&host.scenario.machines).len(), "{}: {check}", host.id);
            assert!(cells > 0, "{}: {check}", host.id);
        }
    }
}

#[test]
fn nextest_has_all_trials_of_the_live_suite_wait_at_once() {
    let plan = plan(&["trixie".into()], &catalogue::all(), Check::all());
    let trials: usize = plan.hosts.iter().map(|host| host.cells.len()).sum();
    let configuration: toml::Table = toml::from_str(include_str!("../../../.config/nextest.toml")).unwrap();
    let threads = configuration["profile"]["default"]["test-threads"].as_integer().unwrap();
    assert!(trials <= usize::try_from(threads).unwrap(), "{trials} trials, {threads} threads");
}

#[test]
fn a_virtual_machine_has_as_many_hosts_at_a_time_as_its_cores_and_its_memory_allow() {
    let spec = |memory: &str| {
        let text =
            format!("memory = {memory}\ncores = 2\ndisk = 1\n[build]\nsuites = [\"a\"]\npackages = []");
        Spec::parse("mine.toml", &text).unwrap()
    };
    let jobs = [("2048", Accel::Kvm), ("1024", Accel::Kvm), ("2048", Accel::Tcg), ("256", Accel::Tcg)];
    assert_eq!(jobs.map(|(memory, accel)| jobs_in(&spec(memory), accel)), [14, 6, 2, 1]);
}

#[test]
fn a_host_is_told_from_one_whose_machines_are_made_from_another_image() {
    let images = [Pair { host: "sid".to_owned(), payload: "bookworm".to_owned() }, Pair::from("sid")];
    let plan = plan(&images, &catalogue::all(), Check::all());
    let first: Vec<(usize, &str)> =
        plan.hosts[..3].iter().map(|host| (host.number, host.id.as_str())).collect();
    assert_eq!(
        first,
        [
            (1, "sandbox/sid+bookworm/host-network"),
            (2, "sandbox/sid/host-network"),
            (3, "sandbox/sid+bookworm/default-veth"),
        ]
    );
    assert_eq!(plan.hosts.len(), 2 * catalogue::all().len());
    assert!(plan.summary().contains(" from sid+bookworm, sid, "), "{}", plan.summary());
}

#[test]
fn a_host_is_told_from_itself_before_its_remedies_which_is_not_disturbed() {
    let bridge: Vec<_> = catalogue::all().into_iter().filter(|scenario| scenario.name == "bridge").collect();
    let checks = [Check::PingOutsideIpv4, Check::EnvironmentLeftovers];
    let host = plan(&["trixie".into()], &bridge, &checks).hosts.remove(0);
    let (before, after) = (host.while_standing_alone("later"), host.remedied());
    assert_eq!([&before.id, &after.id], ["sandbox/trixie/bridge", "sandbox/trixie/bridge+remedied"]);
    assert_eq!(after.asked(), host.asked());
    assert_eq!(before.asked(), host.while_standing());
    assert_eq!((before.cells.len(), before.powered_off()), (host.cells.len(), Vec::new()));
}

#[test]
fn a_host_is_told_from_one_of_another_profile() {
    let linode = profile::all().into_iter().find(|profile| profile.name == "linode").unwrap();
    let profiles = [Profile::stock(), linode];
    let images = ["trixie".into(), "sid".into()];
    let plan = Plan::new(Kind::Sandbox, &images, &profiles, &catalogue::all(), Check::all(), 32, 8);
    let ids: Vec<&str> = plan.hosts[..4].iter().map(|host| host.id.as_str()).collect();
    assert_eq!(
        ids,
        [
            "sandbox/trixie/host-network",
            "sandbox/trixie/linode/host-network",
            "sandbox/sid/host-network",
            "sandbox/sid/linode/host-network",
        ]
    );
    assert_eq!(plan.hosts[1].label(), "host-network on trixie as linode");
    assert_eq!(plan.hosts[0].label(), "host-network on trixie");
    assert!(plan.summary().contains(" from trixie, sid as linode, "), "{}", plan.summary());
}

#[test]
fn ports_are_asked_about_where_one_leads_to_a_machine_over_tcp() {
    let text = r#"
        name = "mine"
        machines = ["web", "dns", "idle"]
        topics = ["ports"]
        step = [
            { step = "file", path = "/etc/systemd/nspawn/web.nspawn", content = "[Network]\nPort=8080:80" },
            { step = "file", path = "/etc/systemd/nspawn/dns.nspawn", content = "[Network]\nPort=udp:53" },
        ]"#;
    let mine = scenario_file::read(text).unwrap();
    let plan = plan(&["trixie".into()], &[mine], Check::all());
    let asked: Vec<String> =
        plan.hosts[0].asked().iter().map(|question| question.subject.to_string()).collect();
    assert_eq!(asked, ["dns->web", "idle->web", "dns->web", "idle->web", "host->web"]);
    let reasons = plan.hosts[0].cells.iter().filter_map(|cell| cell.not_asked.as_deref());
    assert!(reasons.clone().count() > 0 && reasons.into_iter().all(|reason| reason.contains("Port=")));
}

#[test]
fn a_command_line_is_not_asked_whether_it_comes_back() {
    let plan = plan(&["trixie".into()], &catalogue::all(), &[Check::AutostartAfterReboot]);
    for host in &plan.hosts {
        let unit_started = host.scenario.notes.contains(&"N8".to_owned());
        assert_eq!(host.after_reboot().len(), if unit_started { 2 } else { 0 }, "{}", host.id);
        assert!(host.while_standing().is_empty() && host.powered_off().is_empty());
    }
}

//! Files as people write them: what is told, and what is stood up.

use proptest::prelude::*;

use super::*;
use crate::{Check, Step, catalogue, shell};

/// What would be told about a file, a line for each finding.
fn told(text: &str, systemd: u32) -> String {
    let findings = lint(&parse(text.as_bytes()), Some(systemd));
    findings.iter().map(|finding| format!("{}: {finding}\n", finding.line)).collect()
}

#[test]
fn a_good_file_has_no_findings() {
    let text = "\
# A web server.
[Exec]
Boot=yes
PrivateUsers=pick
Capability=CAP_NET_ADMIN all
KillSignal=SIGRTMIN+3
ResolvConf=copy-stub
LinkJournal=try-guest
MachineID=0123456789abcdef0123456789abcdef
X-Mine=1

[Files]
Bind=/srv/data:/data:rootidmap,norbind
BindReadOnly=/etc/hostname
TemporaryFileSystem=/tmp:size=10%
Volatile=overlay
PrivateUsersOwnership=map

[Network]
VirtualEthernet=on
Port=tcp:8080:80
Zone=
Bridge=br0

[X-Mine]
Anything goes
";
    assert_eq!(told(text, 252), "");
}

#[test]
fn every_mistake_is_told_with_its_line_and_what_was_probably_meant() {
    let text = "\
Boot=yes
[Exce]
Boot=maybe
[Exec]
boot=yes
Boot=maybe
Bridge=br0
KillSignal=SIGTREM
Capability=CAP_NET_ADMN
OOMScoreAdjust=2000
MachineID=0
Hostname=a_b
PrivateUsers=pcik
WorkingDirectory=srv
Network
=1
[Files]
Bnd=/srv
Bind=srv:data
Bind=/srv:/srv:idmpa
Volatile=stat
PrivateUsersOwnership=yes
Briged=br0
[Network]
VirtualEthernet=treu
Bridge=a-name-of-sixteen
Zone=a-long-zone-name
Port=http
[Service
";
    insta::assert_snapshot!(told(text, 257));
}

#[test]
fn what_is_too_new_is_told_by_version() {
    let text = "[Exec]\nRestrictAddressFamilies=AF_INET\n[Files]\nBind=/srv:/srv:owneridmap\nPrivateUsersOwnership=foreign\n";
    insta::assert_snapshot!(told(text, 252), @r"
    2: `RestrictAddressFamilies=` is new in systemd 261, and this is 252; systemd ignores the line
    4: `Bind=`: `owneridmap` is new in systemd 256, and this is 252; the machine will not start
    5: `PrivateUsersOwnership=`: `foreign` is new in systemd 258, and this is 252; systemd ignores the line
    ");
    assert_eq!(told(text, 261), "");
    assert!(lint(&parse(text.as_bytes()), None).is_empty());
}

#[test]
fn the_files_of_the_catalogue_have_no_findings() {
    for scenario in catalogue::all() {
        for step in &scenario.steps {
            if let Step::File { path, content, .. } = step
                && path.ends_with(".nspawn")
            {
                assert_eq!(lint(&parse(content.as_bytes()), Some(252)), [], "{path}");
            }
        }
    }
}

fn file(name: &str, text: &str) -> NamedFile {
    named(name, text.as_bytes().to_vec()).unwrap()
}

/// What is said to be added, and the host's part of the script.
fn stood_up(files: &[NamedFile]) -> String {
    let own = scenario(files).unwrap();
    let script = shell::script(&own.scenario);
    let host = script.split("# The host").nth(1).unwrap();
    format!("{}, beside {:?}\n{}\n{host}", own.scenario.name, own.nearest, own.added.join("\n"))
}

#[test]
fn one_file_is_for_a_pair_and_what_it_needs_is_made() {
    let web = file(
        "web.nspawn",
        "[Files]\nBindReadOnly=/etc/ssl\nBind=/srv/data:/data:idmap\nBind=/home\n[Network]\nBridge=lan\n",
    );
    insta::assert_snapshot!(stood_up(&[web]));
}

#[test]
fn several_files_are_for_a_machine_each() {
    let web = file("web.nspawn", "[Network]\nBridge=lan\n[Files]\nBind=/srv\n");
    let db = file("db.nspawn", "[Network]\nMACVLAN=eth0\n");
    insta::assert_snapshot!(stood_up(&[web, db]));
}

#[test]
fn names_that_cannot_be_used_are_told() {
    let error = |name: &str| named(name, Vec::new()).unwrap_err().to_string();
    insta::assert_snapshot!(error("web.conf"), @"`web.conf` is not a .nspawn file: its name must be that of a machine and `.nspawn`");
    insta::assert_snapshot!(error(".nspawn"), @"`.nspawn` is not a .nspawn file: its name must be that of a machine and `.nspawn`");
    insta::assert_snapshot!(error("my_web.nspawn"), @"`my_web.nspawn`: `my_web` cannot be the name of a machine: up to 64 letters, digits, hyphens and dots, with a letter or digit at both ends and beside each dot");
    let web = || file("web.nspawn", "");
    assert_eq!(scenario(&[web(), web()]).unwrap_err(), Unusable::Twice("web".to_owned()));
    let long = file(&format!("{}.nspawn", "a".repeat(60)), "");
    assert_eq!(
        scenario(&[long]).unwrap_err(),
        Unusable::NoRoomForPeer("a".repeat(60), format!("{}-peer", "a".repeat(60)))
    );
    insta::assert_snapshot!(
        named("a.nspawn", b"[Exec]\n\nHostname=\xff".to_vec()).unwrap_err(),
        @"`a.nspawn`:3 is not UTF-8, which systemd refuses outside of comments; save it as UTF-8"
    );
    insta::assert_snapshot!(error("NSPAWNHOST.nspawn"), @"`NSPAWNHOST.nspawn`: the host is called `nspawnhost` already");
    let two = [file("web.nspawn", ""), file("Web.nspawn", "")];
    insta::assert_snapshot!(scenario(&two).unwrap_err(), @"`web` and `Web` cannot both be machines: names of hosts are the same in any case");
}

#[test]
fn many_files_still_give_a_short_name() {
    let files: Vec<NamedFile> =
        (0..9).map(|number| file(&format!("a-machine-with-a-long-name-{number}.nspawn"), "")).collect();
    assert_eq!(scenario(&files).unwrap().scenario.name, "a-machine-with-a-long-name-0+8.nspawn");
}

proptest! {
    #[test]
    fn no_bytes_make_the_lint_panic(bytes in any::<Vec<u8>>(), systemd in proptest::option::of(200u32..300)) {
        let lines = parse(&bytes);
        let _ = lint(&lines, systemd);
        let _ = Settings::of(&lines);
    }

    #[test]
    fn no_value_of_any_setting_makes_anything_panic(key in 0..keys::KEYS.len(), value in "[ -~ä:]{0,20}") {
        let key = &keys::KEYS[key];
        let text = format!("[{}]\n{}={value}\n", key.section, key.name);
        let web = file("web.nspawn", &text);
        let _ = lint(&web.lines, Some(257));
        let own = scenario(&[web]).unwrap();
        prop_assert!(shell::script(&own.scenario).starts_with("#!"));
    }

    #[test]
    fn what_is_taken_has_no_finding(value in "[a-z0-9/:,+-]{0,20}") {
        let lines = parse(format!("[Files]\nBind={value}\n[Network]\nBridge={value}\n").as_bytes());
        let findings = lint(&lines, None);
        let settings = Settings::of(&lines);
        prop_assert_eq!(settings.binds.is_empty(), findings.iter().any(|finding| finding.line == 2));
        let is_wrong = findings.iter().any(|finding| finding.line == 4);
        prop_assert_eq!(settings.bridge.is_none(), is_wrong || value.is_empty());
    }
}

#[test]
fn a_peer_is_in_the_domain_of_its_machine() {
    let machines = |name: &str| scenario(&[file(name, "")]).unwrap().scenario.machines;
    assert_eq!(machines("web.nspawn"), ["web", "web-peer"]);
    assert_eq!(machines("web.example.com.nspawn"), ["web.example.com", "web-peer.example.com"]);
}

#[test]
fn that_a_machine_starts_is_claimed_and_that_it_does_not_is_an_answer() {
    let own = scenario(&[file("web.nspawn", "[Files]\nBind=/srv:/srv:idmpa\n")]).unwrap().scenario;
    assert!(own.may_refuse && own.checks().any(|check| check == Check::StartRefusal));
    assert_eq!(own.claims[0].check, Check::StartRefusal);
}

#[test]
fn ports_are_asked_about_where_one_of_tcp_is_forwarded() {
    let asked = |ports: &str| {
        let own = scenario(&[file("web.nspawn", &format!("[Network]\n{ports}"))]).unwrap().scenario;
        own.checks().any(|check| check == Check::PortPeerIpv4)
    };
    assert!(asked("Port=8080:80\n") && !asked("Port=udp:53\n") && !asked("Port=http\n"));
}

//! The table as a person sees it.

use proptest::prelude::*;

use super::*;
use crate::fixture::{case, host, matrix, ping, report};
use crate::{BindWrite, Case, Observation};

fn plain(width: u16) -> Style {
    Style { colour: false, width }
}

#[test]
fn a_run_on_one_host_is_read_at_a_glance_in_80_columns() {
    insta::assert_snapshot!(render(&matrix(&[257]), plain(80)), @r"
    systemd 257 (257.13-1~deb13u1) on Debian GNU/Linux 13 (trixie), kernel 6.12.48,
        roots on btrfs, sandbox stock

    Links (257)         lease
    ─────────────────────────
    host-network        -
    default-veth        /28
    nat                 /28
    bridge              /24
    zone                /24
    service-override    /28
    nspawn-file-bridge  /24
    nspawn-file-veth    /28

    Reach (257)         gateway  peer  peer        machine-   outside
                        ipv4     ipv4  ipv6-       from-host  ipv4
                                       link-local  ipv4
    ─────────────────────────────────────────────────────────────────
    host-network        -        -     -           -          -
    default-veth        yes      yes   yes/no !    yes        yes
    nat                 yes      no !  yes         yes        yes
    bridge              yes      yes   yes         yes        yes
    zone                yes      yes   yes         yes        some
    service-override    yes      yes   yes         yes        yes
    nspawn-file-bridge  yes      yes   yes         yes        yes
    nspawn-file-veth    yes      yes   yes         yes        yes

    Names of peers (257)  any                              ipv4   ipv6
    ──────────────────────────────────────────────────────────────────
    host-network          -                                -      -
    default-veth          fe80 62%, lease 38%              lease  none
    nat                   fe80 62%, lease 38%              lease  none
    bridge                fe80 53%, lease 38%, 169.254 9%  lease  fe80
    zone                  fe80 53%, lease 38%, 169.254 9%  lease  fe80
    service-override      fe80 62%, lease 38%              lease  none
    nspawn-file-bridge    fe80 53%, lease 38%, 169.254 9%  lease  fe80
    nspawn-file-veth      fe80 62%, lease 38%              lease  none

    Name of the host (257)  any
    ───────────────────────────────
    host-network            -
    default-veth            lease
    nat                     lease/?
    bridge                  lease
    zone                    lease
    service-override        lease
    nspawn-file-bridge      lease
    nspawn-file-veth        lease

    Names on the host (257)  any
    ──────────────────────────────
    host-network             -
    default-veth             lease
    nat                      lease
    bridge                   lease
    zone                     lease
    service-override         lease
    nspawn-file-bridge       lease
    nspawn-file-veth         lease

    Names beyond (257)  any
    ──────────────────────────
    host-network        -
    default-veth        global
    nat                 global
    bridge              global
    zone                global
    service-override    global
    nspawn-file-bridge  global
    nspawn-file-veth    global

    Files and boot (257)  owner     options   write   after-
                                                      reboot
    ────────────────────────────────────────────────────────
    host-network          same      rw idmap  0:0     yes
    default-veth          same      rw idmap  0:0     yes
    nat                   same      rw idmap  0:0     yes
    bridge                nobody    rw        EACCES  yes
    zone                  nobody ~  rw        EACCES  yes
    service-override      same      rw idmap  0:0     yes
    nspawn-file-bridge    nobody    rw        EACCES  yes
    nspawn-file-veth      same      rw idmap  0:0     yes +

    Files and boot, the same everywhere: bind/mode same

    ! differs, ~ known fault, + known fault gone, - skipped, ? not measured

    240 pass, 3 fail, 2 known, 2 fixed, 24 skip, 1 broken

    ! default-veth::ping/peer/ipv6-link-local::beta->alpha on sandbox/v257/stock
        (257)
        claimed:  yes
        observed: 10.0.55.103: 0 of 3 replies
        reason:   the claim is 3 of 3 replies

    ! nat::ping/peer/ipv4::alpha->beta, beta->alpha on sandbox/v257/stock (257)
        claimed:  yes
        observed: 10.0.55.103: 0 of 3 replies
        reason:   the claim is 3 of 3 replies: the host forwards between the links
                  of its machines, and its firewall has no rule against it
        because:  frames between machines pass the firewall of the host
                  (net.bridge.bridge-nf-call-iptables = 1)
        remedy:   sysctl net.bridge.bridge-nf-call-iptables=0

    + nspawn-file-veth::autostart/after-reboot::alpha, beta on sandbox/v257/stock
        (257)
        claimed:  yes
        observed: the unit is enabled and active, the machine is registered with
                  machined
        reason:   https://github.com/systemd/systemd/issues/1234 seems to be
                  repaired

    - skipped, 24 cases of host-network (257): the machine shares the network of the
        host and has no link of its own
    ? not measured, nat::resolve/host/any::beta (257): enter namespaces of `beta`:
        the leader 4711 is gone
    ~ known fault, 2 cases of zone (257):
        https://github.com/systemd/systemd/issues/28844: without idmap the owner is
        nobody
    ");
}

#[test]
fn a_wide_terminal_has_each_row_on_one_line() {
    let text = render(&matrix(&[257]), plain(120));
    let blocks = text.split("\n\n! ").next().unwrap();
    insta::assert_snapshot!(blocks, @r"
    systemd 257 (257.13-1~deb13u1) on Debian GNU/Linux 13 (trixie), kernel 6.12.48, roots on btrfs, sandbox stock

    Links (257)         lease
    ─────────────────────────
    host-network        -
    default-veth        /28
    nat                 /28
    bridge              /24
    zone                /24
    service-override    /28
    nspawn-file-bridge  /24
    nspawn-file-veth    /28

    Reach (257)         gateway  peer  peer        machine-   outside
                        ipv4     ipv4  ipv6-       from-host  ipv4
                                       link-local  ipv4
    ─────────────────────────────────────────────────────────────────
    host-network        -        -     -           -          -
    default-veth        yes      yes   yes/no !    yes        yes
    nat                 yes      no !  yes         yes        yes
    bridge              yes      yes   yes         yes        yes
    zone                yes      yes   yes         yes        some
    service-override    yes      yes   yes         yes        yes
    nspawn-file-bridge  yes      yes   yes         yes        yes
    nspawn-file-veth    yes      yes   yes         yes        yes

    Names of peers (257)  any                              ipv4   ipv6
    ──────────────────────────────────────────────────────────────────
    host-network          -                                -      -
    default-veth          fe80 62%, lease 38%              lease  none
    nat                   fe80 62%, lease 38%              lease  none
    bridge                fe80 53%, lease 38%, 169.254 9%  lease  fe80
    zone                  fe80 53%, lease 38%, 169.254 9%  lease  fe80
    service-override      fe80 62%, lease 38%              lease  none
    nspawn-file-bridge    fe80 53%, lease 38%, 169.254 9%  lease  fe80
    nspawn-file-veth      fe80 62%, lease 38%              lease  none

    Name of the host (257)  any
    ───────────────────────────────
    host-network            -
    default-veth            lease
    nat                     lease/?
    bridge                  lease
    zone                    lease
    service-override        lease
    nspawn-file-bridge      lease
    nspawn-file-veth        lease

    Names on the host (257)  any
    ──────────────────────────────
    host-network             -
    default-veth             lease
    nat                      lease
    bridge                   lease
    zone                     lease
    service-override         lease
    nspawn-file-bridge       lease
    nspawn-file-veth         lease

    Names beyond (257)  any
    ──────────────────────────
    host-network        -
    default-veth        global
    nat                 global
    bridge              global
    zone                global
    service-override    global
    nspawn-file-bridge  global
    nspawn-file-veth    global

    Files and boot (257)  owner     options   write   after-
                                                      reboot
    ────────────────────────────────────────────────────────
    host-network          same      rw idmap  0:0     yes
    default-veth          same      rw idmap  0:0     yes
    nat                   same      rw idmap  0:0     yes
    bridge                nobody    rw        EACCES  yes
    zone                  nobody ~  rw        EACCES  yes
    service-override      same      rw idmap  0:0     yes
    nspawn-file-bridge    nobody    rw        EACCES  yes
    nspawn-file-veth      same      rw idmap  0:0     yes +

    Files and boot, the same everywhere: bind/mode same
    ");
}

#[test]
fn several_hosts_share_a_line_and_where_they_differ_there_is_a_column_for_each() {
    let mut two = matrix(&[254, 257]);
    two.cases
        .retain(|case| ["nat", "zone"].contains(&case.scenario.as_str()) && case.verdict == Verdict::Pass);
    let newer = |case: &&mut Case| case.host.contains("257") && case.check.ends_with("from-host/ipv4");
    two.cases.iter_mut().filter(newer).for_each(|case| case.observed = Some(ping(0)));
    two.cases.retain(|case| !(case.host.contains("257") && case.check == "address/lease"));
    insta::assert_snapshot!(render(&two, plain(80)), @r"
    systemd 254 (254.13-1~deb13u1) on Debian GNU/Linux 13 (trixie), kernel 6.12.48,
        roots on btrfs, sandbox stock
    systemd 257 (257.13-1~deb13u1) on Debian GNU/Linux 13 (trixie), kernel 6.12.48,
        roots on btrfs, sandbox stock

    Links (254, 257)  lease
    ───────────────────────
    nat               ≠
    zone              ≠

    address/lease  254  257
    ───────────────────────
    nat            /28  ·
    zone           /24  ·

    Reach (254, 257)  gateway  peer  peer        machine-   outside
                      ipv4     ipv4  ipv6-       from-host  ipv4
                                     link-local  ipv4
    ───────────────────────────────────────────────────────────────
    nat               yes      ·     yes         ≠          yes
    zone              yes      yes   yes         ≠          some

    ping/machine-from-host/ipv4  254  257
    ─────────────────────────────────────
    nat                          yes  no
    zone                         yes  no

    Names of peers (254, 257)  any                              ipv4   ipv6
    ───────────────────────────────────────────────────────────────────────
    nat                        fe80 62%, lease 38%              lease  none
    zone                       fe80 53%, lease 38%, 169.254 9%  lease  fe80

    Name of the host (254, 257)  any
    ──────────────────────────────────
    nat                          lease
    zone                         lease

    Names on the host (254, 257)  any
    ───────────────────────────────────
    nat                           lease
    zone                          lease

    Names beyond (254, 257)  any
    ───────────────────────────────
    nat                      global
    zone                     global

    Files and boot (254, 257)  owner  mode  options   write   after-
                                                              reboot
    ────────────────────────────────────────────────────────────────
    nat                        same   same  rw idmap  0:0     yes
    zone                       ·      same  rw        EACCES  yes

    ≠ differs between versions, · no case

    122 pass
    ");
}

#[test]
fn columns_that_say_the_same_as_another_about_the_same_object_stand_below() {
    use crate::AddressSpace::{Ipv6LinkLocal, Lease};
    let mut four = report(vec![host("a", 257)]);
    for (scenario, space) in [("nat", Lease), ("zone", Ipv6LinkLocal), ("bridge", Lease), ("port", Lease)] {
        for check in ["peer/ipv4", "peer/stub-ipv4", "peer/api-ipv4", "peer-local/ipv4"] {
            let mut one = case("a", scenario, &format!("resolve/{check}"), "alpha");
            one.observed = Some(crate::fixture::names(&[(space, 32)]));
            if (scenario, check) == ("zone", "peer/api-ipv4") {
                one.verdict = Verdict::Fail;
            }
            four.cases.push(one);
        }
    }
    let text = render(&four, plain(80));
    let block = text.split("\n\n! ").next().unwrap();
    insta::assert_snapshot!(block, @r"
    systemd 257 (257.13-1~deb13u1) on Debian GNU/Linux 13 (trixie), kernel 6.12.48,
        roots on btrfs, sandbox stock

    Names of peers (257)  ipv4   api-ipv4  .local
                                           ipv4
    ─────────────────────────────────────────────
    nat                   lease  lease     lease
    zone                  fe80   fe80 !    fe80
    bridge                lease  lease     lease
    port                  lease  lease     lease

    Names of peers, as resolve/peer/ipv4: resolve/peer/stub-ipv4
    ");
}

#[test]
fn without_colour_there_is_no_escape_and_with_colour_the_text_is_the_same() {
    let full = matrix(&[254, 257]);
    let text = render(&full, plain(80));
    assert!(!text.contains('\u{1b}'));
    let coloured = render(&full, Style { colour: true, width: 80 });
    assert!(coloured.contains("\u{1b}[32myes\u{1b}[0m") && coloured.contains("\u{1b}[1;31mno !\u{1b}[0m"));
    assert_eq!(clean(&coloured), text);
}

#[test]
fn no_line_is_wider_than_the_terminal_or_ends_in_white_space() {
    for width in [80, 100, 120, 200] {
        for line in render(&matrix(&[254, 257]), plain(width)).lines() {
            assert!(line.chars().count() <= usize::from(width), "{width}: {line}");
            assert_eq!(line, line.trim_end());
        }
    }
}

#[test]
fn a_narrow_terminal_gets_more_blocks_and_every_column() {
    let text = render(&matrix(&[257]), plain(40));
    assert_eq!(text.matches("Reach").count(), 3, "{text}");
    assert!(text.contains("outside"));
}

#[test]
fn what_took_two_attempts_says_so() {
    let mut again = report(vec![host("a", 257)]);
    let one = |verdict, observed, reason: &str| crate::Case {
        verdict,
        observed,
        attempts: 2,
        reason: Some(reason.to_owned()),
        ..case("a", "nat", "ping/peer/ipv4", verdict.name())
    };
    let earlier = "attempt 1 gave no answer: the probe ended";
    again.cases = vec![
        one(Verdict::Pass, case("", "", "", "").observed, &format!("machines reach each other; {earlier}")),
        one(Verdict::Fail, case("", "", "", "").observed, &format!("no reply; {earlier}")),
        one(Verdict::Broken, None, "the probe ended"),
    ];
    insta::assert_snapshot!(render(&again, plain(80)), @r"
    systemd 257 (257.13-1~deb13u1) on Debian GNU/Linux 13 (trixie), kernel 6.12.48,
        roots on btrfs, sandbox stock

    Reach (257)  peer
                 ipv4
    ────────────────────────
    nat          yes/yes/? !

    ! differs, ? not measured

    1 pass, 1 fail, 1 broken

    ! nat::ping/peer/ipv4::fail on a (257)
        claimed:  3 of 3 replies
        observed: 10.0.55.103: 3 of 3 replies, median 85 us, ttl 64
        reason:   no reply; attempt 1 gave no answer: the probe ended
        attempts: 2

    as claimed, 2 attempts, nat::ping/peer/ipv4::pass (257): machines reach each
        other; attempt 1 gave no answer: the probe ended
    ? not measured, 2 attempts, nat::ping/peer/ipv4::broken (257): the probe ended
    ");
}

#[test]
fn a_report_without_cases_says_so() {
    let mut empty = report(vec![host("sandbox/sid/stock", 262)]);
    empty.hosts[0].facts = None;
    insta::assert_snapshot!(render(&empty, plain(80)), @r"
    sandbox/sid/stock did not boot

    no cases
    ");
}

#[test]
fn an_unknown_group_of_questions_gets_a_block_of_its_own_with_the_rows_that_have_an_answer() {
    let mut odd = report(vec![host("a", 257)]);
    odd.cases = vec![
        case("a", "nat", "mtu/path/ipv4", "alpha"),
        case("a", "nat", "uptime", "alpha"),
        case("a", "nat", "uptime/idle", "alpha"),
        case("a", "zone", "uptime", "alpha"),
    ];
    insta::assert_snapshot!(render(&odd, plain(80)), @r"
    systemd 257 (257.13-1~deb13u1) on Debian GNU/Linux 13 (trixie), kernel 6.12.48,
        roots on btrfs, sandbox stock

    mtu (257)  path
               ipv4
    ───────────────
    nat        yes

    uptime (257)  uptime  idle
    ──────────────────────────
    nat           yes     yes
    zone          yes     ·

    · no case

    4 pass
    ");
}

#[test]
fn headings_are_the_name_of_the_question_in_at_most_three_lines() {
    let lines = |check| heading(check).join("|");
    assert_eq!(lines("address/lease"), "lease");
    assert_eq!(lines("ping/peer/ipv6-link-local"), "peer|ipv6-|link-local");
    assert_eq!(lines("ping/machine-from-host/ipv4"), "machine-|from-host|ipv4");
    assert_eq!(lines("resolve/machine-from-host/mymachines-any"), "mymachines-|any");
    assert_eq!(lines("resolve/peer-local/stub-ipv4"), ".local|stub-ipv4");
    assert_eq!(lines("resolve/gateway/myhostname-any"), "gateway|myhostname-|any");
    assert_eq!(lines("autostart/after-reboot"), "after-|reboot");
}

proptest! {
    #[test]
    fn nothing_that_a_terminal_obeys_comes_through(text in any::<String>()) {
        let mut hostile = matrix(&[257]);
        hostile.hosts[0].id.clone_from(&text);
        for one in &mut hostile.cases {
            one.host.clone_from(&text);
            one.subject.clone_from(&text);
            one.scenario.insert_str(0, &text);
            one.reason = one.reason.is_some().then(|| text.clone());
            if one.check == "bind/write" {
                one.observed = Some(Observation::BindWrite(BindWrite::Refused { errno: text.clone() }));
            }
        }
        let shown = render(&hostile, plain(80));
        prop_assert!(!shown.chars().any(|shown| shown.is_control() && shown != '\n'), "{shown:?}");
    }
}

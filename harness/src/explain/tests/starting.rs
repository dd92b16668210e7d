//! Why machines do not start.

use super::*;

/// What systemd-nspawn said that did not start `alpha`, and what else is known of that.
fn refused(values: &'static [(&'static str, &'static str)]) -> Row {
    ("start/refusal", host_of("alpha"), values, true)
}

/// The reasons for each surprising cell of a host whose machine did not start.
fn told(fault: &[Row]) -> Vec<(String, String, Option<String>)> {
    let one = |(check, reasons): (String, Vec<Explanation>)| {
        let [reason] = &reasons[..] else { panic!("{check} has {} reasons", reasons.len()) };
        (check, format!("{}: {}", reason.code, reason.evidence), reason.remedy.clone())
    };
    reasons(fault).into_iter().map(one).collect()
}

#[test]
fn an_option_of_later_versions_explains_all_that_a_machine_lacks_that_does_not_start() {
    const SAID: &[(&str, &str)] =
        &[("started", "no"), ("said", "systemd-nspawn: unrecognized option '--background=44'")];
    let off: Row = ("environment/services", machine("alpha"), &[("systemd-networkd", "inactive")], false);
    let told = told(&[refused(SAID), off]);
    let checks: Vec<&str> = told.iter().map(|(check, ..)| check.as_str()).collect();
    assert!(checks.contains(&"start/refusal") && checks.contains(&"ping/outside/ipv4"), "{checks:?}");
    let reason = "systemd-too-old: --background= is there from systemd 256 on; systemd-nspawn of alpha: \
                  systemd-nspawn: unrecognized option '--background=44'";
    assert!(told.iter().all(|(_, text, remedy)| text == reason && remedy.is_none()));
}

#[test]
fn a_slip_in_an_option_has_no_reason() {
    const SAID: &[(&str, &str)] = &[("started", "no"), ("said", "Invalid bind mount option: idmpa")];
    assert_eq!(told(&[refused(SAID)]), Vec::new());
}

#[test]
fn a_bridge_that_no_file_makes_is_explained_by_the_file_that_would() {
    const SAID: &[(&str, &str)] = &[
        ("started", "no"),
        ("said", "Child died too early."),
        ("said-before", "Failed to resolve interface \"br0\": No such device"),
    ];
    const ALONE: &[(&str, &str)] = &[(
        "findings",
        "/etc/a.network holds [NetDev] for br0, which is read in a .netdev file only; \
         /etc/a.network matches nothing: a [Match] section that says something is missing",
    )];
    const BOTH: &[(&str, &str)] =
        &[("findings", "/etc/a.network holds [NetDev] for br0, which is read in a .netdev file only")];
    const ANOTHER: &[(&str, &str)] =
        &[("findings", "/etc/a.network holds [NetDev] for br1, which is read in a .netdev file only")];
    let files = |found| ("environment/network-files", Subject::HostItself, found, false);
    let explained = told(&[refused(SAID), files(ALONE)]);
    let (_, text, remedy) = &explained[0];
    assert_eq!(
        text,
        "misnamed-netdev: /etc/a.network holds [NetDev] for br0, which is read in a .netdev file only; \
         systemd-nspawn of alpha: Failed to resolve interface \"br0\": No such device"
    );
    assert_eq!(
        remedy.as_deref(),
        Some(
            "mv --no-clobber /etc/a.network /etc/a.netdev; networkctl reload && \
             timeout 10 sh -c 'until [ -e /sys/class/net/br0 ]; do sleep 0.1; done'"
        )
    );
    assert_eq!(told(&[refused(SAID), files(BOTH)])[0].2, None, "it has to be taken apart");
    assert_eq!(told(&[refused(SAID), files(ANOTHER)]), Vec::new());
}

#[test]
fn a_file_system_that_maps_no_ids_explains_a_bind_mount_that_was_to() {
    const UNMAPPABLE: &[(&str, &str)] = &[
        ("started", "no"),
        ("said", "Failed to clone /srv/x: Invalid argument"),
        ("source", "/srv/x"),
        ("file system", "ramfs"),
        ("maps ids", "no"),
    ];
    const MAPPABLE: &[(&str, &str)] = &[
        ("started", "no"),
        ("said", "Failed to map ids for bind mount /srv/x: Invalid argument"),
        ("source", "/srv/x"),
        ("file system", "btrfs"),
        ("maps ids", "yes"),
    ];
    let reason = "bind-unmappable: /srv/x lies on ramfs; systemd-nspawn of alpha: \
                  Failed to clone /srv/x: Invalid argument";
    assert_eq!(told(&[refused(UNMAPPABLE)])[0].1, reason);
    assert_eq!(told(&[refused(MAPPABLE)]), Vec::new(), "it is for another reason");
}

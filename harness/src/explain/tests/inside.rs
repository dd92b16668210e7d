//! What is wrong in machines, and with what they are started with.

use super::*;

#[test]
fn what_a_machine_says_of_itself_explains_its_names() {
    let other: Row = ("identity/hostname", machine("beta"), &[("host name", "golden-image")], false);
    assert_eq!(codes(&[other]), ["resolve/peer/any: other-hostname"]);
    let hosts: &[(&str, &str)] = &[("answering", "all"), ("hosts", "files")];
    let nsswitch: Row = ("environment/resolv-conf", machine("alpha"), hosts, false);
    let explained = reasons(&[nsswitch]);
    assert_eq!(explained[0].1[0].evidence, "nsswitch.conf of alpha says hosts: files");
    let checks: Vec<&str> = explained.iter().map(|(check, _)| check.as_str()).collect();
    assert_eq!(checks, ["resolve/peer/any", "resolve/outside/ipv4"]);
}

#[test]
fn a_resolv_conf_that_leads_nowhere_matters_to_those_that_read_it() {
    const RESOLV_CONF: &str = "environment/resolv-conf";
    let row = |values| -> [Row; 1] { [(RESOLV_CONF, machine("alpha"), values, false)] };
    let dangling: &[(&str, &str)] = &[
        ("exists", "no"),
        ("leads to", "/nowhere"),
        ("answering", "nobody is named"),
        ("hosts", "files dns"),
    ];
    let explained = reasons(&row(dangling));
    let told: Vec<(&str, &str)> =
        explained.iter().map(|(check, reasons)| (check.as_str(), reasons[0].code.as_str())).collect();
    assert_eq!(
        told,
        [("resolve/peer/any", "resolv-conf-wrong"), ("resolve/outside/ipv4", "resolv-conf-wrong")]
    );
    assert_eq!(explained[0].1[0].evidence, "resolv.conf of alpha leads to /nowhere, which is not there");
    let of_builder: &[(&str, &str)] = &[
        ("exists", "yes"),
        ("leads to", "nothing but itself"),
        ("servers", "10.0.2.3"),
        ("answering", "none"),
        ("hosts", "files dns"),
    ];
    assert_eq!(reasons(&row(of_builder))[0].1[0].evidence, "servers in resolv.conf of alpha: 10.0.2.3");
    let of_resolved: &[(&str, &str)] = &[
        ("exists", "yes"),
        ("leads to", "/run/systemd/resolve/resolv.conf"),
        ("answering", "none"),
        ("hosts", "files dns"),
    ];
    assert_eq!(codes(&row(of_resolved)), ["resolve/outside/ipv4: no-name-server"]);
    let by_resolved: &[(&str, &str)] =
        &[("exists", "no"), ("leads to", "/nowhere"), ("hosts", "resolve dns")];
    assert_eq!(codes(&row(by_resolved)), Vec::<String>::new());
}

#[test]
fn what_systemd_nspawn_says_of_a_file_explains_bind_mounts() {
    let said = |lines| -> Row { ("settings/warnings", host_of("alpha"), lines, false) };
    let untrusted: &[(&str, &str)] = &[
        (
            "lines",
            "Ignoring TemporaryFileSystem=, Bind= and BindReadOnly= settings, file /x is not trusted. / Else.",
        ),
        ("priority", "info"),
    ];
    let explained = reasons(&[said(untrusted)]);
    let checks: Vec<&str> = explained.iter().map(|(check, _)| check.as_str()).collect();
    assert_eq!(checks, ["bind/owner", "settings/binds", "bind/idmap"]);
    let moved = "mkdir -p /etc/systemd/nspawn && mv /x /etc/systemd/nspawn/ && systemctl restart systemd-nspawn@alpha.service";
    assert_eq!(explained[0].1[0].remedy.as_deref(), Some(moved));
    let misspelt: &[(&str, &str)] =
        &[("lines", "/x:2: Unknown key 'Binds' in section [Files], ignoring."), ("priority", "warning")];
    let told: Vec<String> = checks.iter().map(|check| format!("{check}: setting-unknown")).collect();
    assert_eq!(codes(&[said(misspelt)]), told);
    let of_network: &[(&str, &str)] =
        &[("lines", "/x:2: Unknown key 'Zones' in section [Network], ignoring."), ("priority", "warning")];
    assert_eq!(codes(&[said(of_network)]), Vec::<String>::new());
}

#[test]
fn a_bind_mount_without_idmap_explains_that_it_is_nobodys() {
    const NOBODYS: &[(&str, &str)] =
        &[("mount point", "/srv/x"), ("mapped", "no"), ("directory", "65534:65534")];
    const ROOTS: &[(&str, &str)] = &[("mount point", "/srv/x"), ("mapped", "no"), ("directory", "0:0")];
    let seen = |values| codes(&[("bind/idmap", machine("alpha"), values, true)]);
    assert_eq!(seen(NOBODYS), ["bind/idmap: bind-not-mapped"]);
    assert_eq!(seen(ROOTS), Vec::<String>::new(), "there is no user namespace");
}

#[test]
fn settings_that_lose_to_others_explain_what_is_not_there() {
    const FILE_LOSES: &[(&str, &str)] = &[
        ("mounts", "Bind=/a, as there is --bind=/b"),
        ("file", "/etc/x.nspawn"),
        ("command line", "systemd-nspawn --boot --settings=yes --bind=/b --machine=alpha"),
        ("unit", "systemd-nspawn@alpha.service"),
    ];
    const OPTIONS_LOSE: &[(&str, &str)] = &[
        ("mounts", "--bind=/b --bind-ro=/c, as there is Bind=/a"),
        ("file", "/etc/x.nspawn"),
        ("command line", "systemd-nspawn --settings=override --bind=/b --bind-ro=/c"),
        ("unit", "systemd-nspawn@alpha.service"),
    ];
    const BY_HAND: &[(&str, &str)] =
        &[("mounts", "Bind=/a, as there is --bind=/b"), ("file", "/etc/x.nspawn"), ("unit", "none")];
    const OF_NETWORK: &[(&str, &str)] =
        &[("network", "Zone=lab, as there is --network-veth"), ("file", "/etc/x.nspawn"), ("unit", "none")];
    let row = |values| -> [Row; 1] { [("settings/overridden", host_of("alpha"), values, false)] };
    let remedy = |values| reasons(&row(values))[0].1[0].remedy.clone();
    let checks = codes(&row(FILE_LOSES));
    let told =
        ["bind/owner", "settings/binds", "bind/idmap"].map(|check| format!("{check}: settings-overridden"));
    assert_eq!(checks, told);
    let evidence = "without effect: Bind=/a, as there is --bind=/b (/etc/x.nspawn)";
    assert_eq!(reasons(&row(FILE_LOSES))[0].1[0].evidence, evidence);
    assert_eq!(
        remedy(FILE_LOSES).as_deref(),
        Some(
            "mkdir -p /etc/systemd/system/systemd-nspawn@alpha.service.d && printf '[Service]\\nExecStart=\\n\
             ExecStart=systemd-nspawn --settings=override --boot --bind=/b --machine=alpha\\n' \
             >/etc/systemd/system/systemd-nspawn@alpha.service.d/zz-settings.conf && systemctl daemon-reload && \
             systemctl restart systemd-nspawn@alpha.service"
        )
    );
    assert_eq!(
        remedy(OPTIONS_LOSE).as_deref(),
        Some(
            "printf '[Files]\\nBind=/b\\nBindReadOnly=/c\\n' >>/etc/x.nspawn && \
             systemctl restart systemd-nspawn@alpha.service"
        )
    );
    assert_eq!(remedy(BY_HAND), None);
    let of_network = codes(&row(OF_NETWORK));
    assert!(of_network.contains(&"address/lease: settings-overridden".to_owned()), "{of_network:?}");
    assert!(!of_network.contains(&"settings/binds: settings-overridden".to_owned()), "{of_network:?}");
}

#[test]
fn a_machine_id_of_several_is_told_with_whom_it_is_shared() {
    const SHARED: &[(&str, &str)] = &[("machine id", "0123"), ("set", "yes"), ("shared with", "beta")];
    const UNSET: &[(&str, &str)] = &[("machine id", "none"), ("set", "no"), ("shared with", "beta")];
    let seen = |values| reasons(&[("identity/machine-id", machine("alpha"), values, true)]);
    let explained = seen(SHARED);
    assert_eq!(explained[0].0, "identity/machine-id");
    assert_eq!(explained[0].1[0].evidence, "alpha and beta are both 0123");
    assert_eq!(seen(UNSET), Vec::new());
}

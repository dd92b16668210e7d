//! Which claims a run can reach: with the systemds that there are images of, and the settings that a stock host has or that
//! something in the catalogue brings about. What is beyond is listed, each with its reason.

use nspawn_matrix_scenarios::{Claim, Scenario, Setting, Settings, catalogue, fault, profile};

/// The systemds of the images: bookworm, bookworm-backports, trixie and sid. Hosts and machines may differ.
const IMAGES: [u32; 4] = [252, 254, 257, 262];

/// What brings a setting about that a stock host does not have.
enum By {
    /// A scenario does, of itself.
    Scenario(&'static str),
    /// A fault does, to whatever scenario.
    Fault(&'static str),
    /// A profile does, to whatever scenario.
    Profile(&'static str),
    /// The image with this systemd does.
    Image(u32),
}

const BROUGHT_ABOUT: [(Setting, &str, By); 8] = [
    (Setting::StrayLease, "yes", By::Fault("stray-lease")),
    (Setting::Llmnr, "no", By::Fault("llmnr-off")),
    (Setting::Llmnr, "resolve", By::Fault("machine-llmnr-resolve")),
    (Setting::BridgeNetfilter, "yes", By::Scenario("bridge-netfilter")),
    (Setting::MulticastDns, "yes", By::Scenario("bridge-mdns")),
    (Setting::PingSysctl, "open", By::Scenario("bridge-mdns")),
    (Setting::UplinkMtu, "smaller", By::Profile("small-mtu")),
    (Setting::NssFirst, "resolve", By::Image(254)),
];

/// What no run on those images meets.
enum Beyond {
    Host(u32),
    Detected(Setting, &'static str),
}

const EXCEPTIONS: [(Beyond, &str); 8] = [
    (Beyond::Host(256), "some releases of 256 forward for links alone, and there is no image with one"),
    (
        Beyond::Detected(Setting::MulticastDns, "yes"),
        "Debian's images have it off, and other distributions do not; one scenario turns it on",
    ),
    (
        Beyond::Detected(Setting::MulticastDns, "resolve"),
        "Debian's images have it off, and other distributions do not",
    ),
    (
        Beyond::Detected(Setting::PingSysctl, "open"),
        "Debian has the file that opens it in a package of its own; one scenario opens it",
    ),
    (
        Beyond::Detected(Setting::IdMapping, "no"),
        "it takes roots on an overlay: `run --roots copy` in a container",
    ),
    (
        Beyond::Detected(Setting::LateBridge, "yes"),
        "it takes a host that is short of processor time as it boots",
    ),
    (
        Beyond::Detected(Setting::BridgeNetfilter, "yes"),
        "it takes a host that has loaded br_netfilter, as docker may; one scenario loads it",
    ),
    (
        Beyond::Detected(Setting::BridgeNetfilter, "absent"),
        "it takes a kernel without br_netfilter, as of a virtual machine",
    ),
];

impl By {
    /// Whether it can be met where a host with this systemd stands for `scenario`.
    fn is_met(&self, scenario: &Scenario, host: u32) -> bool {
        match self {
            Self::Scenario(name) => scenario.name == *name,
            Self::Fault(_) | Self::Profile(_) => true,
            Self::Image(version) => *version == host,
        }
    }
}

impl Beyond {
    fn holds(&self, scenario: &Scenario, claim: &Claim) -> bool {
        match self {
            Self::Host(version) => (claim.host.first, claim.host.last) == (*version, *version),
            Self::Detected(setting, value) => {
                let is_its_own = BROUGHT_ABOUT.iter().any(|(other, known, by)| {
                    other == setting
                        && known == value
                        && matches!(by, By::Scenario(name) if scenario.name == *name)
                });
                claim.when.get(setting).is_some_and(|known| known == value) && !is_its_own
            }
        }
    }
}

/// Whether some run holds an answer against the claim: as the one that counts, or as what is right where a fault counts.
fn is_reached(scenario: &Scenario, claim: &Claim) -> bool {
    let stock = || Setting::ALL.map(|setting| (setting, setting.values()[0].to_owned()));
    let otherwise = BROUGHT_ABOUT.iter().map(|(setting, value, by)| (Some((*setting, *value)), by));
    let mut hosts = [(None, &By::Fault(""))].into_iter().chain(otherwise);
    hosts.any(|(set, by)| {
        let mut settings = Settings::from(stock());
        settings.extend(set.map(|(setting, value)| (setting, value.to_owned())));
        settings.extend(claim.when.clone());
        let is_met = |(setting, value): (&Setting, &String), host: u32| {
            let is_stock = setting.values()[0] == value;
            let is_it = |(other, known, by): &&(Setting, &str, By)| {
                other == setting && known == value && by.is_met(scenario, host)
            };
            is_stock || BROUGHT_ABOUT.iter().any(|row| is_it(&row))
        };
        let has =
            |host: &u32| by.is_met(scenario, *host) && claim.when.iter().all(|known| is_met(known, *host));
        IMAGES.into_iter().filter(has).any(|host| {
            IMAGES.into_iter().any(|payload| {
                let counts = scenario.claim(claim.check, host, payload, &settings);
                let right = || scenario.claim_without_fault(claim.check, host, payload, &settings);
                counts == Some(claim)
                    || counts.is_some_and(|counts| counts.is_fault()) && right() == Some(claim)
            })
        })
    })
}

#[test]
fn every_claim_is_reached_by_some_run_or_has_a_reason_why_not() {
    let mut unreached = Vec::new();
    for scenario in catalogue::all() {
        for claim in scenario.claims.iter().filter(|claim| !is_reached(&scenario, claim)) {
            if !EXCEPTIONS.iter().any(|(beyond, _)| beyond.holds(&scenario, claim)) {
                unreached.push(format!(
                    "{}: {} ({}, {}, {:?})",
                    scenario.name, claim.check, claim.host, claim.payload, claim.when
                ));
            }
        }
    }
    assert!(unreached.is_empty(), "{} claims:\n{}", unreached.len(), unreached.join("\n"));
}

#[test]
fn no_exception_is_left_that_a_run_reaches() {
    let all = catalogue::all();
    for (beyond, reason) in &EXCEPTIONS {
        let claims = || {
            let all =
                all.iter().flat_map(|scenario| scenario.claims.iter().map(move |claim| (scenario, claim)));
            all.filter(|(scenario, claim)| beyond.holds(scenario, claim))
        };
        assert!(claims().next().is_some(), "nothing is claimed any more: {reason}");
        assert!(claims().all(|(scenario, claim)| !is_reached(scenario, claim)), "{reason}");
    }
}

#[test]
fn what_brings_settings_about_is_there() {
    for (setting, value, by) in &BROUGHT_ABOUT {
        assert!(setting.values()[1..].contains(value), "{setting} {value}");
        match by {
            By::Scenario(name) => assert!(catalogue::all().iter().any(|scenario| scenario.name == *name)),
            By::Fault(name) => assert!(fault::all().iter().any(|fault| fault.name == *name)),
            By::Profile(name) => assert!(profile::all().iter().any(|profile| profile.name == *name)),
            By::Image(version) => assert!(IMAGES.contains(version)),
        }
    }
}

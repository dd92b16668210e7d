//! The causes, a file for each, which is called after its code.

mod bind_not_mapped;
mod bind_unmappable;
mod dhcp_dropped;
mod first_scope_wins;
mod foreign_network_file;
mod forward_dropped;
mod forwarding_off;
mod host_networkd_off;
mod host_resolved_off;
mod link_name_taken;
mod link_unmanaged;
mod llmnr_off;
mod machine_id_shared;
mod machine_networkd_off;
mod machine_resolved_off;
mod misnamed_file;
mod misnamed_netdev;
mod mtu;
mod no_fe80;
mod no_ipv6_prefix;
mod no_name_server;
mod not_masqueraded;
mod nsswitch_without_resolver;
mod other_hostname;
mod other_way_back;
mod pool_used_up;
mod port_isolated;
mod resolv_conf_wrong;
mod same_mac;
mod separate_links;
mod setting_unknown;
mod settings_overridden;
mod settings_untrusted;
mod stray_lease;
mod systemd_too_old;

use super::cause::Cause;

/// Every cause. The order is that of a packet's way: what comes first has to be removed first.
pub(crate) static ALL: [&Cause; 35] = [
    &systemd_too_old::CAUSE,
    &misnamed_netdev::CAUSE,
    &bind_unmappable::CAUSE,
    &link_name_taken::CAUSE,
    &settings_untrusted::CAUSE,
    &setting_unknown::CAUSE,
    &settings_overridden::CAUSE,
    &bind_not_mapped::CAUSE,
    &host_networkd_off::CAUSE,
    &machine_networkd_off::CAUSE,
    &foreign_network_file::CAUSE,
    &misnamed_file::CAUSE,
    &link_unmanaged::CAUSE,
    &separate_links::CAUSE,
    &machine_id_shared::CAUSE,
    &same_mac::CAUSE,
    &dhcp_dropped::CAUSE,
    &pool_used_up::CAUSE,
    &stray_lease::CAUSE,
    &other_way_back::CAUSE,
    &port_isolated::CAUSE,
    &no_fe80::CAUSE,
    &no_ipv6_prefix::CAUSE,
    &mtu::CAUSE,
    &forwarding_off::CAUSE,
    &forward_dropped::CAUSE,
    &not_masqueraded::CAUSE,
    &host_resolved_off::CAUSE,
    &machine_resolved_off::CAUSE,
    &nsswitch_without_resolver::CAUSE,
    &resolv_conf_wrong::CAUSE,
    &other_hostname::CAUSE,
    &llmnr_off::CAUSE,
    &first_scope_wins::CAUSE,
    &no_name_server::CAUSE,
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use super::*;

    #[test]
    fn codes_are_unique_and_every_cause_says_what_it_is() {
        let mut codes = ALL.map(|cause| cause.code);
        codes.sort_unstable();
        assert!(codes.windows(2).all(|pair| pair[0] != pair[1]));
        for cause in ALL {
            assert!(cause.long.len() > cause.sentence.len() && cause.link.starts_with("https://"));
        }
    }

    #[test]
    fn every_file_of_a_cause_is_called_after_its_code_and_listed() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/explain/causes");
        let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let stems = files.map(|path| path.file_stem().unwrap().to_str().unwrap().replace('_', "-"));
        let named: BTreeSet<String> = stems.filter(|stem| stem != "mod").collect();
        assert_eq!(named, ALL.map(|cause| cause.code.to_owned()).into());
    }
}

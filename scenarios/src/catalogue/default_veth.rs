//! `systemd-nspawn@C.service` as it is shipped: the unit says `--network-veth -U`, the .nspawn file only binds.

use super::common::{
    VETH_POOL, back_after_reboot, bind_with_user_namespace, claims, enable, host_and_machine, nspawn_files,
    routed, separate_links, steps,
};
use crate::{Launch, Scenario};

pub(super) fn scenario() -> Scenario {
    Scenario::new(
        "default-veth",
        "the shipped unit, nothing said about the network",
        &["N8", "N11"],
        Launch::Unit,
        steps([nspawn_files(""), enable()]),
        claims([
            routed(28, VETH_POOL),
            separate_links(),
            host_and_machine(),
            bind_with_user_namespace(),
            vec![back_after_reboot()],
        ]),
    )
}

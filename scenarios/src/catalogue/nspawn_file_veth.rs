//! The shipped unit with a .nspawn file that says `VirtualEthernet=1`.

use super::common::{
    VETH_POOL, back_after_reboot, bind_with_user_namespace, claims, enable, host_and_machine, nspawn_files,
    routed, separate_links, steps,
};
use crate::{Launch, Scenario};

pub(super) fn scenario() -> Scenario {
    Scenario::new(
        "nspawn-file-veth",
        "the shipped unit, VirtualEthernet=1 in the .nspawn file",
        &["N8", "N10", "N11"],
        Launch::Unit,
        steps([nspawn_files("\n[Network]\nVirtualEthernet=1\n"), enable()]),
        claims([
            routed(28, VETH_POOL),
            separate_links(),
            host_and_machine(),
            bind_with_user_namespace(),
            vec![back_after_reboot()],
        ]),
    )
}

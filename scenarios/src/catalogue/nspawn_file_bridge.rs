//! The shipped unit with a .nspawn file that says `Bridge=br0`.

use super::common::{
    BR0_POOL, back_after_reboot, bind_with_user_namespace, br0, claims, enable, host_and_machine,
    nspawn_files, routed, same_link, steps,
};
use crate::{Launch, Scenario};

pub(super) fn scenario() -> Scenario {
    Scenario::new(
        "nspawn-file-bridge",
        "the shipped unit, Bridge=br0 in the .nspawn file",
        &["N6", "N8", "N10", "N11"],
        Launch::Unit,
        steps([br0(), nspawn_files("\n[Network]\nBridge=br0\n"), enable()]),
        claims([
            routed(24, BR0_POOL),
            same_link(),
            host_and_machine(),
            bind_with_user_namespace(),
            vec![back_after_reboot()],
        ]),
    )
}

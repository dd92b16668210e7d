//! Names that the kernel gives: capabilities and signals.

use super::value::{Complaint, quoted};
use crate::nearest::nearest;

/// The capabilities of capabilities(7), without `CAP_`.
const CAPABILITIES: [&str; 41] = [
    "chown",
    "dac_override",
    "dac_read_search",
    "fowner",
    "fsetid",
    "kill",
    "setgid",
    "setuid",
    "setpcap",
    "linux_immutable",
    "net_bind_service",
    "net_broadcast",
    "net_admin",
    "net_raw",
    "ipc_lock",
    "ipc_owner",
    "sys_module",
    "sys_rawio",
    "sys_chroot",
    "sys_ptrace",
    "sys_pacct",
    "sys_admin",
    "sys_boot",
    "sys_nice",
    "sys_resource",
    "sys_time",
    "sys_tty_config",
    "mknod",
    "lease",
    "audit_write",
    "audit_control",
    "setfcap",
    "mac_override",
    "mac_admin",
    "syslog",
    "wake_alarm",
    "block_suspend",
    "audit_read",
    "perfmon",
    "bpf",
    "checkpoint_restore",
];

/// Finds what is wrong with the name or number of a capability.
pub(super) fn capability(word: &str) -> Result<(), Complaint> {
    let lower = word.to_ascii_lowercase();
    let is_named = lower.strip_prefix("cap_").is_some_and(|name| CAPABILITIES.contains(&name));
    if word == "all" || is_named || word.parse::<u8>().is_ok_and(|number| number < 64) {
        return Ok(());
    }
    let nearest = nearest(lower.strip_prefix("cap_").unwrap_or(&lower), CAPABILITIES);
    let nearest = nearest.map(|name| format!("CAP_{}", name.to_ascii_uppercase()));
    Err(Complaint::new(format!("`{word}` is not a capability")).nearest(nearest.as_deref()))
}

/// The signals of signal(7), without `SIG`.
const SIGNALS: [&str; 31] = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE",
    "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ",
    "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
];

/// Finds what is wrong with the name or number of a signal.
pub(super) fn signal(value: &str) -> Result<(), Complaint> {
    let bare = value.strip_prefix("SIG").unwrap_or(value);
    let is_real_time = |offset: &str| {
        offset.is_empty()
            || offset.strip_prefix(['+', '-']).is_some_and(|number| number.parse::<u8>().is_ok())
    };
    let real_time = bare.strip_prefix("RTMIN").or_else(|| bare.strip_prefix("RTMAX"));
    let is_number = bare.parse::<u8>().is_ok_and(|number| (1..=64).contains(&number));
    if SIGNALS.contains(&bare) || real_time.is_some_and(is_real_time) || is_number {
        return Ok(());
    }
    let upper = bare.to_ascii_uppercase();
    let upper = upper.strip_prefix("SIG").unwrap_or(&upper);
    let nearest = nearest(upper, SIGNALS).map(|name| format!("SIG{name}"));
    Err(Complaint::new(format!("{} is not a signal", quoted(value))).nearest(nearest.as_deref()))
}

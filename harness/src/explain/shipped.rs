//! The files that systemd ships for the host's ends of links of machines.

/// What the names of links of machines begin with, and what the names of the files end with that systemd ships for them
/// (systemd-nspawn(1)): in front of that is a number, by which an administrator may have changed its place.
const SHIPPED: [(&str, &str); 2] = [("ve-", "-container-ve.network"), ("vz-", "-container-vz.network")];

/// The file that systemd ships for a link of machines, without its number; none for other links.
pub(super) fn of(link: &str) -> Option<&'static str> {
    SHIPPED.iter().find(|(prefix, _)| link.starts_with(prefix)).map(|(_, file)| *file)
}

/// Puts `file` in a place in the order of all files, in that of whatever hides it there.
pub(super) fn put_in_place(file: &str, place: &str) -> String {
    let folder = "/etc/systemd/network";
    format!("ln -sf /usr/lib/systemd/network/80{file} {folder}/{place}{file} && networkctl reload")
}

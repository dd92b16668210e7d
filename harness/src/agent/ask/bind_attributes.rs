//! What becomes of the attributes of files on their way through a bind mount: both sides beside each other.

use nspawn_matrix_reports::Properties;
use nspawn_matrix_scenarios::pacman_cache::{
    DEVICES, HARD_LINKS, WITH_ACL, WITH_CAPABILITY, WITH_USER_ATTRIBUTE,
};

use crate::probe::Attributes;

/// What is the same on both sides.
const SAME: &str = "same";

/// Compares what the host sees with what the machine sees. A value is `same`, or what the machine sees instead.
pub(super) fn compare(outside: &[Attributes], inside: &[Attributes]) -> Properties {
    let extended = |file, attribute: &str| {
        let of = |files| find(files, file)?.extended.get(attribute).cloned();
        kept(of(outside), of(inside))
    };
    let values = [
        ("inodes", each(outside, inside, |file| file.inode)),
        ("hard-links", hard_links(inside)),
        ("devices", devices(outside, inside)),
        ("flags", each(outside, inside, |file| file.flags.clone())),
        ("user-attribute", extended(WITH_USER_ATTRIBUTE, "user.origin")),
        ("acl", extended(WITH_ACL, "system.posix_acl_access")),
        ("capability", extended(WITH_CAPABILITY, "security.capability")),
    ];
    let differ: Vec<&str> = values.iter().filter(|(_, value)| value != SAME).map(|(name, _)| *name).collect();
    let answer = if differ.is_empty() { SAME.to_owned() } else { differ.join(", ") };
    Properties::new(answer, values)
}

fn find<'a>(files: &'a [Attributes], name: &str) -> Option<&'a Attributes> {
    files.iter().find(|file| file.name == name)
}

/// The names of the files that differ in something, or that only one side has.
fn each<T: PartialEq>(
    outside: &[Attributes],
    inside: &[Attributes],
    of: impl Fn(&Attributes) -> T,
) -> String {
    let on = |files, name: &str| find(files, name).map(&of);
    let mut names: Vec<&str> = outside.iter().chain(inside).map(|file| file.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names.retain(|name| on(outside, name) != on(inside, name));
    if names.is_empty() { SAME.to_owned() } else { names.join(" ") }
}

/// Whether the two names lead to one file, and it knows that it has two.
fn hard_links(inside: &[Attributes]) -> String {
    let names = HARD_LINKS.map(|name| find(inside, name).map(|file| (file.inode, file.links)));
    match names {
        [Some((one, 2)), Some((other, 2))] if one == other => SAME.to_owned(),
        [Some((_, one)), Some((_, other))] => format!("{one} and {other} names"),
        [None, _] | [_, None] => "absent".to_owned(),
    }
}

fn devices(outside: &[Attributes], inside: &[Attributes]) -> String {
    let on = |files| {
        let names = DEVICES.iter().map(|name| find(files, name)?.device.clone());
        names.collect::<Option<Vec<String>>>().map(|devices| devices.join(" "))
    };
    kept(on(outside), on(inside))
}

fn kept(outside: Option<String>, inside: Option<String>) -> String {
    match (outside, inside) {
        (Some(outside), Some(inside)) if outside == inside => SAME.to_owned(),
        (_, Some(inside)) => inside,
        (_, None) => "absent".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn file(name: &str, inode: u64, links: u32) -> Attributes {
        Attributes {
            name: name.to_owned(),
            inode,
            links,
            device: None,
            flags: Vec::new(),
            extended: BTreeMap::new(),
        }
    }

    fn cache(acl: &str) -> Vec<Attributes> {
        let mut files = vec![
            file(HARD_LINKS[0], 7, 2),
            file(HARD_LINKS[1], 7, 2),
            file(DEVICES[0], 8, 1),
            file(DEVICES[1], 9, 1),
        ];
        for device in &mut files[2..] {
            device.device = Some("char 1:3".to_owned());
        }
        let attributes = [
            (WITH_ACL, "system.posix_acl_access", acl),
            (WITH_USER_ATTRIBUTE, "user.origin", "core"),
            (WITH_CAPABILITY, "security.capability", "cap_net_raw=ep"),
        ];
        for (at, (name, attribute, value)) in (10..).zip(attributes) {
            let extended = BTreeMap::from([(attribute.to_owned(), value.to_owned())]);
            files.push(Attributes { extended, ..file(name, at, 1) });
        }
        files
    }

    #[test]
    fn what_both_sides_see_alike_is_the_same() {
        assert_eq!(compare(&cache("u::rw-"), &cache("u::rw-")).answer, "same");
    }

    #[test]
    fn what_differs_is_named_with_what_the_machine_sees() {
        let seen = compare(&cache("u:1000:r--"), &cache("u:4294967295:r--"));
        assert_eq!(seen.answer, "acl");
        assert_eq!(seen.values["acl"], "u:4294967295:r--");
    }

    #[test]
    fn what_only_one_side_has_is_a_difference() {
        let mut inside = cache("u::rw-");
        inside.pop();
        let seen = compare(&cache("u::rw-"), &inside);
        assert_eq!(seen.values["inodes"], WITH_CAPABILITY);
        assert_eq!(seen.values["capability"], "absent");
        inside.remove(0);
        assert_eq!(compare(&cache("u::rw-"), &inside).values["hard-links"], "absent");
    }
}

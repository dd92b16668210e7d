//! The order in which NSS asks for names (nsswitch.conf(5)). Packages put themselves in as they are installed, so
//! hosts with the same packages differ in it.

use std::fs;

/// The first module of those that know machines: `mymachines` or `resolve`; none if there is neither.
pub(crate) fn first_that_knows_machines() -> Option<&'static str> {
    first(&fs::read_to_string("/etc/nsswitch.conf").ok()?)
}

fn first(nsswitch: &str) -> Option<&'static str> {
    let known = |module: &str| ["mymachines", "resolve"].into_iter().find(|known| *known == module);
    hosts(nsswitch)?.split_whitespace().find_map(known)
}

/// The modules that names of hosts are asked of, with what is done in between: `files resolve [!UNAVAIL=return] dns`.
pub(crate) fn hosts(nsswitch: &str) -> Option<String> {
    let modules = nsswitch.lines().find_map(|line| line.trim_start().strip_prefix("hosts:"))?;
    Some(modules.split('#').next()?.split_whitespace().collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_first_module_that_knows_machines_is_found() {
        let hosts = |modules: &str| first(&format!("passwd: files\nhosts:   {modules}\nnetworks: files\n"));
        assert_eq!(hosts("files myhostname mymachines resolve [!UNAVAIL=return] dns"), Some("mymachines"));
        assert_eq!(hosts("files resolve [!UNAVAIL=return] dns myhostname mymachines"), Some("resolve"));
        assert_eq!(hosts("files dns # resolve"), None);
        assert_eq!(first(""), None);
    }

    proptest! {
        #[test]
        fn what_comes_before_and_after_the_first_does_not_matter(
            before in prop::collection::vec("(files|dns|myhostname|\\[[A-Z!=a-z]{1,9}\\]|mymachinesx)", 0..5),
            wanted in prop::sample::select(vec!["mymachines", "resolve"]),
            after in "[ \t]([a-z !=\\[\\]#]{0,20})",
            other in "[a-gi-z]{1,8}: [a-z ]{0,20}",
        ) {
            let line = format!("hosts: {} {wanted}{after}", before.join(" "));
            prop_assert_eq!(first(&format!("{other}\n{line}\n{other}")), Some(wanted));
        }

        #[test]
        fn no_file_makes_the_reader_panic(file in "(hosts:|\\PC|\n|#){0,40}") {
            let _ = first(&file);
        }
    }
}

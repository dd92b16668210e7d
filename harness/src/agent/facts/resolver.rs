//! Who the host asks for names: resolv.conf(5) and nsswitch.conf(5).

use std::fs;

use nspawn_matrix_reports::Resolver;

/// The servers that systemd-resolved itself asks.
const UPSTREAM: &str = "/run/systemd/resolve/resolv.conf";

/// What the files of this host say; one that is not there says nothing.
pub(super) fn resolver() -> Resolver {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let own = read("/etc/resolv.conf");
    let mut searched = [words(&own, "search"), words(&own, "domain")].concat();
    searched.sort();
    searched.dedup();
    Resolver {
        servers: words(&own, "nameserver"),
        upstream: words(&read(UPSTREAM), "nameserver"),
        search: searched.into_iter().filter(|domain| domain != ".").collect(),
        options: words(&own, "options"),
        nss_hosts: nss_hosts(&read("/etc/nsswitch.conf")),
    }
}

/// The words in all lines that begin with `keyword`.
fn words(resolv_conf: &str, keyword: &str) -> Vec<String> {
    let words_of = |line: &str| {
        let mut words = line.split_whitespace();
        let is_wanted = words.next() == Some(keyword);
        words.filter(|_| is_wanted).map(str::to_owned).collect::<Vec<_>>()
    };
    resolv_conf.lines().flat_map(words_of).collect()
}

fn nss_hosts(nsswitch: &str) -> Option<String> {
    let modules = nsswitch.lines().find_map(|line| line.trim_start().strip_prefix("hosts:"))?;
    let modules: Vec<&str> = modules.split('#').next()?.split_whitespace().collect();
    Some(modules.join(" "))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_the_files_say_is_taken_word_by_word() {
        let text = "# x\ndomain a.example\nsearch b.example c.example\nnameserver 192.0.2.1\nnameserver ::1\noptions rotate edns0\n";
        assert_eq!(words(text, "nameserver"), ["192.0.2.1", "::1"]);
        assert_eq!(words(text, "search"), ["b.example", "c.example"]);
        assert_eq!(words(text, "options"), ["rotate", "edns0"]);
        let nsswitch = "passwd: files\nhosts:  files resolve [!UNAVAIL=return]  dns # x\n";
        assert_eq!(nss_hosts(nsswitch).as_deref(), Some("files resolve [!UNAVAIL=return] dns"));
    }

    proptest! {
        #[test]
        fn no_file_makes_the_readers_panic(text in "(hosts:|nameserver|\\PC|\n|#){0,40}") {
            let _ = (words(&text, "nameserver"), nss_hosts(&text));
        }
    }
}

//! The options of systemd-nspawn: since which systemd there are, and what they take.
//!
//! After systemd-nspawn(1), whose current page says of each option and value from which version on it is there; those of
//! which it says nothing are older than that is kept count of.

use crate::nspawn_file::bind;

/// What an option takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Takes {
    /// Nothing.
    Nothing,
    /// A value behind `=`, or nothing.
    Perhaps,
    /// A value, behind `=` or in the next word.
    Value,
}

/// An option that systemd-nspawn has in some version.
struct Known {
    name: &'static str,
    letter: Option<char>,
    takes: Takes,
    /// Major version of systemd that had it first.
    since: u32,
}

const fn flag(name: &'static str, letter: Option<char>, since: u32) -> Known {
    Known { name, letter, takes: Takes::Nothing, since }
}

const fn with_value(name: &'static str, letter: Option<char>, since: u32) -> Known {
    Known { name, letter, takes: Takes::Value, since }
}

const fn perhaps(name: &'static str, since: u32) -> Known {
    Known { name, letter: None, takes: Takes::Perhaps, since }
}

/// Every option.
const OPTIONS: [Known; 75] = [
    flag("help", Some('h'), 0),
    flag("version", None, 0),
    flag("no-pager", None, 0),
    flag("no-ask-password", None, 0),
    flag("quiet", Some('q'), 209),
    with_value("settings", None, 226),
    flag("cleanup", None, 257),
    with_value("directory", Some('D'), 0),
    with_value("template", None, 219),
    flag("ephemeral", Some('x'), 219),
    with_value("image", Some('i'), 211),
    with_value("image-policy", None, 254),
    with_value("oci-bundle", None, 242),
    flag("read-only", None, 0),
    perhaps("volatile", 216),
    with_value("root-hash", None, 233),
    with_value("root-hash-sig", None, 246),
    with_value("verity-data", None, 246),
    with_value("pivot-root", None, 233),
    flag("as-pid2", Some('a'), 229),
    flag("boot", Some('b'), 0),
    with_value("chdir", None, 229),
    with_value("setenv", Some('E'), 209),
    with_value("user", Some('u'), 0),
    with_value("kill-signal", None, 220),
    with_value("notify-ready", None, 231),
    with_value("suppress-sync", None, 250),
    with_value("machine", Some('M'), 202),
    with_value("hostname", None, 239),
    with_value("uuid", None, 0),
    with_value("slice", Some('S'), 206),
    with_value("property", None, 220),
    with_value("register", None, 209),
    flag("keep-unit", None, 209),
    perhaps("private-users", 220),
    with_value("private-users-ownership", None, 230),
    flag("private-users-chown", None, 230),
    flag("private-network", None, 0),
    with_value("network-interface", None, 209),
    with_value("network-macvlan", None, 211),
    with_value("network-ipvlan", None, 219),
    flag("network-veth", Some('n'), 209),
    with_value("network-veth-extra", None, 228),
    with_value("network-bridge", None, 209),
    with_value("network-zone", None, 230),
    with_value("network-namespace-path", None, 236),
    with_value("port", Some('p'), 219),
    with_value("capability", None, 186),
    with_value("drop-capability", None, 209),
    with_value("ambient-capability", None, 248),
    with_value("no-new-privileges", None, 239),
    with_value("system-call-filter", None, 235),
    with_value("restrict-address-families", None, 261),
    with_value("selinux-context", Some('Z'), 209),
    with_value("selinux-apifs-context", Some('L'), 209),
    with_value("rlimit", None, 239),
    with_value("oom-score-adjust", None, 239),
    with_value("cpu-affinity", None, 239),
    with_value("personality", None, 209),
    with_value("resolv-conf", None, 239),
    with_value("timezone", None, 239),
    with_value("link-journal", None, 187),
    with_value("bind", None, 198),
    with_value("bind-ro", None, 198),
    with_value("bind-user", None, 249),
    with_value("bind-user-shell", None, 258),
    with_value("bind-user-group", None, 259),
    with_value("inaccessible", None, 242),
    with_value("tmpfs", None, 214),
    with_value("overlay", None, 220),
    with_value("overlay-ro", None, 220),
    with_value("console", None, 242),
    flag("pipe", Some('P'), 242),
    with_value("background", None, 256),
    with_value("load-credential", None, 247),
];

/// An option as it stands on a command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// Its long name; its letter where it has none.
    pub name: String,
    /// What it is given.
    pub value: Option<String>,
    /// It, as it was written: `--bind=/srv`.
    pub written: String,
}

/// The options among `arguments`, which are without the name of the program. What comes after the first word that is no
/// option is the machine's, and what no version knows is taken to be without a value.
#[must_use]
pub fn given(arguments: &[String]) -> Vec<Given> {
    let mut words = arguments.iter();
    let mut found = Vec::new();
    while let Some(word) = words.next() {
        match word.strip_prefix("--") {
            Some("") => break,
            Some(long) => {
                let (name, behind) =
                    long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
                let takes = OPTIONS.iter().find(|known| known.name == name).map(|known| known.takes);
                let value = match (behind, takes) {
                    (None, Some(Takes::Value)) => words.next().map(String::as_str),
                    (behind, _) => behind,
                };
                found.push(of(name, value));
            }
            None => match word.strip_prefix('-').filter(|letters| !letters.is_empty()) {
                Some(letters) => found.extend(of_letters(letters, &mut words)),
                None => break,
            },
        }
    }
    found
}

fn of(name: &str, value: Option<&str>) -> Given {
    let written = match (name.len(), value) {
        (1, _) => format!("-{name}"),
        (_, Some(value)) => format!("--{name}={value}"),
        (_, None) => format!("--{name}"),
    };
    Given { name: name.to_owned(), value: value.map(str::to_owned), written }
}

/// Letters behind one `-`; the value of the first that takes one is the rest of them, or the next word.
fn of_letters<'a>(letters: &'a str, words: &mut impl Iterator<Item = &'a String>) -> Vec<Given> {
    let mut found = Vec::new();
    for (at, letter) in letters.char_indices() {
        let known = OPTIONS.iter().find(|known| known.letter == Some(letter));
        let name = known.map_or_else(|| letter.to_string(), |known| known.name.to_owned());
        if known.is_none_or(|known| known.takes != Takes::Value) {
            found.push(of(&name, None));
            continue;
        }
        let rest = &letters[at + letter.len_utf8()..];
        let value = if rest.is_empty() { words.next().map(String::as_str) } else { Some(rest) };
        found.push(of(&name, value));
        break;
    }
    found
}

/// What systemd-nspawn of an earlier version says of an option, and the version that has it first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TooNew {
    /// The option: `--background=`, `owneridmap`.
    pub option: String,
    /// Major version of systemd that had it first.
    pub since: u32,
}

/// Reads what systemd-nspawn `said` when it did not start a machine; none if that is not about an option of later
/// versions: it may be misspelt.
#[must_use]
pub fn too_new(said: &str) -> Option<TooNew> {
    // getopt_long(3) of glibc.
    if let Some((_, rest)) = said.split_once("unrecognized option '--") {
        let name = rest.split(['=', '\'']).next()?;
        let known = OPTIONS.iter().find(|known| known.name == name && known.since > 0)?;
        let sign = if known.takes == Takes::Nothing { "" } else { "=" };
        return Some(TooNew { option: format!("--{name}{sign}"), since: known.since });
    }
    let word = said.split_once("Invalid bind mount option: ")?.1.trim();
    let (option, since) = bind::OPTIONS.into_iter().find(|(option, _)| *option == word)?;
    Some(TooNew { option: option.to_owned(), since })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(arguments: &[&str]) -> Vec<String> {
        let arguments: Vec<String> = arguments.iter().map(|&word| word.to_owned()).collect();
        given(&arguments).into_iter().map(|option| option.written).collect()
    }

    #[test]
    fn options_are_read_as_getopt_reads_them() {
        assert_eq!(
            written(&["-bUD", "/srv/a", "--bind", "/x"]),
            ["--boot", "-U", "--directory=/srv/a", "--bind=/x"]
        );
        assert_eq!(written(&["-D/srv/a", "-n"]), ["--directory=/srv/a", "--network-veth"]);
        assert_eq!(
            written(&["--private-users", "--volatile", "sleep", "-n"]),
            ["--private-users", "--volatile"]
        );
        assert_eq!(written(&["-q", "--", "-n"]), ["--quiet"]);
        assert_eq!(written(&["--port=80", "--quux", "-p"]), ["--port=80", "--quux", "--port"]);
    }

    #[test]
    fn an_option_of_later_versions_is_told_from_a_slip() {
        let since = |said| too_new(said).map(|found| (found.option, found.since));
        let quoted = "systemd-nspawn: unrecognized option '--background=44'";
        assert_eq!(since(quoted), Some(("--background=".to_owned(), 256)));
        assert_eq!(
            since("systemd-nspawn: unrecognized option '--cleanup'"),
            Some(("--cleanup".to_owned(), 257))
        );
        assert_eq!(since("Invalid bind mount option: owneridmap"), Some(("owneridmap".to_owned(), 256)));
        assert_eq!(since("Invalid bind mount option: idmpa"), None);
        assert_eq!(since("systemd-nspawn: unrecognized option '--bnd=/srv'"), None);
    }

    #[test]
    fn names_and_letters_are_there_once() {
        let mut names: Vec<&str> = OPTIONS.iter().map(|known| known.name).collect();
        let mut letters: Vec<char> = OPTIONS.iter().filter_map(|known| known.letter).collect();
        names.sort_unstable();
        letters.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
        assert!(letters.windows(2).all(|pair| pair[0] != pair[1]));
    }

    proptest! {
        #[test]
        fn no_command_line_makes_the_reader_panic(words in prop::collection::vec("(-|--)?[a-zD=/é]{0,6}", 0..8)) {
            let _ = given(&words);
        }

        #[test]
        fn no_complaint_makes_the_reader_panic(said in "(unrecognized option '--|Invalid bind mount option: |\\PC){0,8}") {
            let _ = too_new(&said);
        }
    }
}

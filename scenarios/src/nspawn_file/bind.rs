//! What `Bind=` and `BindReadOnly=` say: `[+]SOURCE[:DESTINATION[:OPTIONS]]`.

/// An option of a bind mount, and the version of systemd that knows it first.
pub(crate) const OPTIONS: [(&str, u32); 6] = [
    ("rbind", 227),
    ("norbind", 227),
    ("idmap", 250),
    ("noidmap", 250),
    ("rootidmap", 252),
    ("owneridmap", 256),
];

/// One bind mount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bind {
    /// Where the files come from.
    pub source: Source,
    /// Where the machine sees them, an absolute path.
    pub destination: String,
    /// `idmap`, in the order in which they stand there; a later one wins.
    pub options: Vec<String>,
    /// Whether the key was `BindReadOnly=`.
    pub read_only: bool,
}

/// Where the files of a bind mount come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A path on the host, absolute.
    Host(String),
    /// `+/path`: a path in the root of the machine.
    Machine(String),
    /// Nothing was said: an empty directory below /var/tmp.
    Temporary,
}

impl Bind {
    /// Reads a value; none if systemd ignores it.
    #[must_use]
    pub fn parse(value: &str, read_only: bool) -> Option<Self> {
        let (source, rest) = word(value);
        let (destination, options) = match rest {
            Some(rest) => word(rest),
            None => (source.strip_prefix('+').unwrap_or(&source).to_owned(), None),
        };
        if value.is_empty() || !destination.starts_with('/') {
            return None;
        }
        let source = match source.strip_prefix('+') {
            _ if source.is_empty() => Source::Temporary,
            Some(path) if path.starts_with('/') => Source::Machine(path.to_owned()),
            Some(_) => return None,
            None if source.starts_with('/') => Source::Host(source),
            // The unit runs in `/`.
            None => Source::Host(format!("/{source}")),
        };
        let options = options.unwrap_or_default().split(',').filter(|option| !option.is_empty());
        Some(Self { source, destination, options: options.map(str::to_owned).collect(), read_only })
    }

    /// Whether ids are mapped: the last option about it wins, and none means not.
    #[must_use]
    pub fn is_idmapped(&self) -> bool {
        let said = self.options.iter().rev().find(|option| option.ends_with("idmap"));
        said.is_some_and(|option| option != "noidmap")
    }
}

/// Takes what stands before the first `:` that no backslash escapes, and gives what stands after it.
fn word(text: &str) -> (String, Option<&str>) {
    let mut word = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            ':' => return (word, Some(&text[at + 1..])),
            '\\' => word.extend(characters.next().map(|(_, escaped)| escaped)),
            other => word.push(other),
        }
    }
    (word, None)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bind(value: &str) -> Bind {
        Bind::parse(value, false).unwrap()
    }

    #[test]
    fn the_destination_is_the_source_where_nothing_else_is_said() {
        assert_eq!(bind("/srv").destination, "/srv");
        assert_eq!(bind("+/srv"), Bind { source: Source::Machine("/srv".to_owned()), ..bind("/srv") });
        assert_eq!(bind("/srv:/data").destination, "/data");
        assert_eq!(bind(":/data").source, Source::Temporary);
        assert_eq!(bind("srv:/data").source, Source::Host("/srv".to_owned()));
        assert_eq!(bind(r"/a\:b:/data").source, Source::Host("/a:b".to_owned()));
    }

    #[test]
    fn the_last_word_about_ids_wins() {
        assert!(bind("/srv:/data:norbind,idmap").is_idmapped());
        assert!(!bind("/srv:/data:idmap,noidmap").is_idmapped());
        assert!(!bind("/srv").is_idmapped());
    }

    #[test]
    fn what_systemd_ignores_is_no_bind_mount() {
        for value in ["", "data", "/srv:data", "+srv:/data", "/srv:"] {
            assert_eq!(Bind::parse(value, false), None, "{value:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_escaped_is_read_as_it_is(
            source in "/[ -~]{0,12}", destination in "/[ -~]{0,12}",
            options in prop::collection::vec("(rbind|norbind|idmap|noidmap|rootidmap)", 0..3),
        ) {
            let escaped = |path: &str| path.replace('\\', r"\\").replace(':', r"\:");
            let value = format!("{}:{}:{}", escaped(&source), escaped(&destination), options.join(","));
            let read = Bind { source: Source::Host(source), destination, options, read_only: false };
            prop_assert_eq!(Bind::parse(&value, false), Some(read));
        }

        #[test]
        fn no_value_makes_the_reader_panic(value in "([+:/\\\\,a]|\\PC){0,20}") {
            let _ = Bind::parse(&value, true).map(|bind| bind.is_idmapped());
        }
    }
}

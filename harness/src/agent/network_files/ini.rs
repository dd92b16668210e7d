//! The syntax of systemd's configuration files (systemd.syntax(7)).

/// A section with its assignments, in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Section {
    /// Its name: `Match`.
    pub(super) name: String,
    /// Key and value of each assignment.
    pub(super) assignments: Vec<(String, String)>,
}

/// Takes a file apart. What is neither a section, an assignment nor a comment is left out, as systemd does after a
/// warning.
pub(super) fn parse(content: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    for line in joined(content) {
        let line = line.trim();
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            sections.push(Section { name: name.to_owned(), assignments: Vec::new() });
        } else if let (Some(section), Some((key, value))) = (sections.last_mut(), line.split_once('=')) {
            section.assignments.push((key.trim().to_owned(), value.trim().to_owned()));
        }
    }
    sections
}

/// The lines without comments; one that ends with a backslash goes on in the next, a comment between does not end it.
fn joined(content: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut open: Option<String> = None;
    for line in content.lines() {
        if line.trim_start().starts_with(['#', ';']) {
            continue;
        }
        let whole = match open.take() {
            Some(start) => format!("{start} {line}"),
            None => line.to_owned(),
        };
        match whole.strip_suffix('\\') {
            Some(start) => open = Some(start.to_owned()),
            None => lines.push(whole),
        }
    }
    lines.extend(open);
    lines
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sections_assignments_comments_and_continued_lines_are_told_apart() {
        let content =
            "stray=1\n# no\n[Match]\nName = ve-* \\\n; between\n  vz-*\nnonsense\n\n[Network]\nDHCP=yes\n";
        let seen: Vec<String> = parse(content)
            .into_iter()
            .flat_map(|Section { name, assignments }| {
                assignments.into_iter().map(move |(key, value)| format!("{name}.{key}: {value}"))
            })
            .collect();
        assert_eq!(seen, ["Match.Name: ve-*    vz-*", "Network.DHCP: yes"]);
    }

    proptest! {
        #[test]
        fn no_file_makes_the_parser_panic(content in "(\\[?[ -~\\\\]{0,20}\\]?\\\\?\n){0,8}") {
            let _ = parse(&content);
        }

        #[test]
        fn every_assignment_comes_back(
            pairs in proptest::collection::vec(("[A-Z][a-z]{0,8}", "[a-z*]{1,8}"), 1..6)
        ) {
            let lines: String = pairs.iter().map(|(key, value)| format!("{key}={value}\n")).collect();
            let sections = parse(&format!("[Match]\n{lines}"));
            prop_assert_eq!(&sections[0].assignments, &pairs);
        }
    }
}

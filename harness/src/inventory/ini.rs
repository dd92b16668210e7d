//! Ansible's own form, which looks like INI: groups, with a host and its variables on each line.

use super::Unreadable;
use super::groups::{Groups, Variables};

/// The group of hosts that stand before the first one.
const UNGROUPED: &str = "ungrouped";

/// What the lines after a header are.
enum Section {
    Hosts(String),
    Variables(String),
    Children(String),
}

pub(super) fn read(text: &str) -> Result<Groups, Unreadable> {
    let mut groups = Groups::default();
    let mut section = Section::Hosts(UNGROUPED.to_owned());
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        let at = |why: &str| Unreadable(format!("line {number}: {why}"));
        if let Some(header) = line.strip_prefix('[').and_then(header) {
            section = header;
            continue;
        }
        match &section {
            Section::Hosts(group) => {
                let (name, variables) = host(line).map_err(|why| at(&why))?;
                let known = groups.group(group).hosts.entry(name).or_default();
                *known = std::mem::take(known).under(variables);
            }
            Section::Variables(group) => {
                let (name, value) = line.split_once('=').ok_or_else(|| at("a variable is NAME=VALUE"))?;
                groups.group(group).variables.set(name.trim(), value.trim().trim_matches(['"', '\'']));
            }
            Section::Children(group) => {
                let child = line.split_whitespace().next().unwrap_or(line);
                groups.group(group).children.insert(child.to_owned());
                groups.group(child);
            }
        }
    }
    Ok(groups)
}

/// Reads what comes after the bracket of a header; a comment may follow it.
fn header(rest: &str) -> Option<Section> {
    let (name, after) = rest.split_once(']')?;
    if !after.trim().is_empty() && !after.trim_start().starts_with('#') {
        return None;
    }
    Some(match name.split_once(':') {
        Some((group, "vars")) => Section::Variables(group.to_owned()),
        Some((group, "children")) => Section::Children(group.to_owned()),
        Some(_) | None => Section::Hosts(name.to_owned()),
    })
}

/// `web1.example:2222 ansible_user=root # the first`.
fn host(line: &str) -> Result<(String, Variables), String> {
    let mut words = words(line)?.into_iter();
    let name = words.next().unwrap_or_default();
    if name.contains('[') {
        return Err(format!("`{name}` stands for several hosts; name each on a line of its own"));
    }
    let mut variables = Variables::default();
    for word in words {
        let (key, value) =
            word.split_once('=').ok_or_else(|| format!("`{word}` is no variable, NAME=VALUE"))?;
        variables.set(key, value);
    }
    // An IPv6 address has more colons than one.
    if let Some((host, port)) = name.split_once(':').filter(|(_, port)| !port.contains(':')) {
        let mut of_name = Variables::default();
        of_name.set("ansible_port", port);
        return Ok((host.to_owned(), of_name.under(variables)));
    }
    Ok((name, variables))
}

/// Words as a shell has them, up to a comment.
fn words(line: &str) -> Result<Vec<String>, String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in line.chars() {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => word.get_or_insert_default().push(c),
            None if c == '"' || c == '\'' => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            None if c.is_whitespace() => words.extend(word.take()),
            None if c == '#' && word.is_none() => break,
            None => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    if quote.is_some() { Err("a quotation mark is not closed".to_owned()) } else { Ok(words) }
}

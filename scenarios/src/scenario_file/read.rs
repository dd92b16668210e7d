//! Reading a scenario, and holding it against everything that would only show on a host.

use std::collections::BTreeSet;

use toml::Value;
use toml::de::{DeTable, DeValue};

use super::fields::{Fields, Placed};
use super::leaf::{leaf, word};
use super::problem::{Located, Problem};
use crate::{
    Attachment, BindMount, Check, HOST_NAME, Launch, MACHINES, Scenario, Step, Topic, catalogue, name,
    pacman_cache,
};

/// The longest name, in bytes: that of a scenario is part of the names of sockets and control groups.
const LONGEST: usize = 71;

/// Reads a scenario.
///
/// # Errors
/// All that is wrong, in the order of the file.
pub fn read(text: &str) -> Result<Scenario, Vec<Problem>> {
    whole(text, Reader::scenario)
}

/// Reads a whole file by what `read` makes of the table that it is.
pub(super) fn whole<T>(
    text: &str,
    read: impl FnOnce(&mut Reader, Fields<'_>) -> T,
) -> Result<T, Vec<Problem>> {
    let mut reader = Reader::default();
    let value = reader.file(text, read);
    let Reader { mut problems } = reader;
    match value {
        Some(value) if problems.is_empty() => Ok(value),
        Some(_) | None => {
            problems.sort_by_key(|problem| problem.at);
            Err(problems.into_iter().map(|problem| problem.in_text(text)).collect())
        }
    }
}

/// What is wrong so far. Whatever can still be read is, so that all of it is told at once.
#[derive(Default)]
pub(super) struct Reader {
    pub problems: Vec<Located>,
}

impl Reader {
    fn file<T>(&mut self, text: &str, read: impl FnOnce(&mut Self, Fields<'_>) -> T) -> Option<T> {
        let parsed = DeTable::parse(text).and_then(|spans| Ok((spans, text.parse::<toml::Table>()?)));
        match parsed {
            Ok((spans, values)) => Some(read(self, Fields::new(0, values, spans.get_ref()))),
            Err(error) => {
                let at = error.span().map_or(0, |span| span.start);
                self.problems.push(Located::new(at, error.message().trim().replace('\n', "; ")));
                None
            }
        }
    }

    fn scenario(&mut self, mut fields: Fields<'_>) -> Scenario {
        let name = self.keep(fields.required("name"));
        let summary = self.keep(fields.string("summary")).flatten().map(|(text, _)| text);
        let machines = self.keep(fields.strings("machines")).flatten();
        let bind = self.keep(fields.string("bind")).flatten();
        let attachment = self.keep(fields.string("attachment")).flatten();
        let topics = self.keep(fields.strings("topics")).flatten();
        let may_refuse = self.keep(fields.boolean("may-refuse")).flatten();
        let left_out = self.keep(fields.tables("left-out")).unwrap_or_default();
        let launch = self.keep(fields.table("launch")).flatten();
        let steps = self.keep(fields.tables("step")).unwrap_or_default();
        let claims = self.keep(fields.tables("claim")).unwrap_or_default();
        self.problems.extend(fields.left_over());

        let names: Vec<String> = catalogue::all().into_iter().map(|scenario| scenario.name).collect();
        let name = name.map(|name| self.name(name, "scenario", &names));
        let bind = bind.and_then(|bind| self.bind(bind));
        let launch = match &launch {
            Some(fields) => self.keep_all(leaf::<Launch>(fields, "by")),
            None => Some(Launch::Unit),
        };
        let machines = self.machines(machines);
        let filled = bind.iter().flat_map(|bind| pacman_cache::steps_in(&bind.source, &machines)).collect();
        let mut scenario = Scenario {
            name: name.unwrap_or_default(),
            summary: summary.unwrap_or_else(|| "your own scenario".to_owned()),
            notes: Vec::new(),
            steps: filled,
            launch: launch.unwrap_or(Launch::Unit),
            machines,
            attachment: self.attachment(attachment),
            topics: self.topics(topics),
            claims: Vec::new(),
            bind,
            left_out: left_out.into_iter().filter_map(|fields| self.left_out(fields)).collect(),
            may_refuse: may_refuse.unwrap_or(false),
        };
        scenario.steps.extend(steps.into_iter().filter_map(|step| self.step(step)));
        let claims: Vec<_> = claims.into_iter().filter_map(|fields| self.claim(fields, &scenario)).collect();
        self.distinct(&claims);
        scenario.claims = claims.into_iter().map(|(claim, _)| claim).collect();
        scenario
    }

    pub(super) fn keep<T>(&mut self, result: Result<T, Located>) -> Option<T> {
        self.keep_all(result.map_err(|problem| vec![problem]))
    }

    pub(super) fn keep_all<T>(&mut self, result: Result<T, Vec<Located>>) -> Option<T> {
        result.map_err(|problems| self.problems.extend(problems)).ok()
    }

    pub(super) fn wrong(&mut self, at: usize, what: impl Into<String>) {
        self.problems.push(Located::new(at, what));
    }

    /// The name of a `noun`, which is part of paths; `built_in` are the names that are taken.
    pub(super) fn name(&mut self, (name, at): Placed<String>, noun: &str, built_in: &[String]) -> String {
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || "-._+".contains(c);
        if name.is_empty()
            || name.len() > LONGEST
            || !name.chars().all(is_allowed)
            || name.starts_with(['.', '-'])
        {
            let what = "letters, digits and -._+, beginning with none of . and -";
            self.wrong(at, format!("`name` takes up to {LONGEST} {what}"));
        }
        if built_in.contains(&name) {
            self.wrong(at, format!("a built-in {noun} is named `{name}` already"));
        }
        name
    }

    fn machines(&mut self, machines: Option<Vec<Placed<String>>>) -> Vec<String> {
        let Some(machines) = machines else { return MACHINES.map(str::to_owned).to_vec() };
        let mut seen = BTreeSet::new();
        if machines.is_empty() {
            self.wrong(0, "`machines` needs one name at least");
        }
        for (machine, at) in &machines {
            if !name::is_hostname(machine) {
                let rule = name::HOSTNAME_RULE;
                self.wrong(*at, format!("`{machine}` cannot be the name of a machine: {rule}"));
            } else if machine.eq_ignore_ascii_case(HOST_NAME) {
                self.wrong(*at, format!("`{machine}`: the host is called `{HOST_NAME}` already"));
            } else if !seen.insert(machine.to_ascii_lowercase()) {
                self.wrong(
                    *at,
                    format!("machine `{machine}` is named twice; upper and lower case are the same"),
                );
            }
        }
        machines.into_iter().map(|(machine, _)| machine).collect()
    }

    fn topics(&mut self, topics: Option<Vec<Placed<String>>>) -> Vec<Topic> {
        match topics {
            None => Topic::GENERAL.to_vec(),
            Some(topics) => topics.into_iter().filter_map(|topic| self.keep(word("topics", topic))).collect(),
        }
    }

    /// `[[left-out]]`: a question that is not asked, and the reason.
    fn left_out(&mut self, mut fields: Fields<'_>) -> Option<(Check, String)> {
        let check = self.keep(fields.required("check"));
        let reason = self.keep(fields.required("reason"));
        self.problems.extend(fields.left_over());
        let (name, at) = check?;
        Some((self.check(&name, at)?, reason?.0))
    }

    fn attachment(&mut self, attachment: Option<Placed<String>>) -> Attachment {
        attachment.and_then(|name| self.keep(word("attachment", name))).unwrap_or(Attachment::Host)
    }

    /// `SOURCE[:DESTINATION]`
    fn bind(&mut self, (bind, at): Placed<String>) -> Option<BindMount> {
        let (source, destination) = bind.split_once(':').unwrap_or((&bind, &bind));
        let bare = |path: &str| path.trim_end_matches('/').to_owned();
        let mount = BindMount { source: bare(source), destination: bare(destination) };
        if [&mount.source, &mount.destination].iter().all(|path| path.starts_with('/')) {
            return Some(mount);
        }
        self.wrong(at, "`bind` takes SOURCE[:DESTINATION], absolute paths other than `/`");
        None
    }

    pub(super) fn step(&mut self, mut fields: Fields<'_>) -> Option<Step> {
        self.mode(&mut fields);
        let step: Step = self.keep_all(leaf(&fields, "step"))?;
        for (key, path) in paths(&step) {
            if !path.starts_with('/') {
                self.wrong(fields.value_at(key), format!("`{key}` takes an absolute path, not `{path}`"));
            }
        }
        if let Step::AwaitLink { name } = &step
            && !name::is_link(name)
        {
            self.wrong(fields.value_at("name"), format!("`{name}` cannot be the name of a link"));
        }
        if let Step::Run { argv } = &step
            && argv.first().is_none_or(String::is_empty)
        {
            self.wrong(fields.value_at("argv"), "`argv` takes a program and its arguments");
        }
        Some(step)
    }

    /// Permission bits are octal: `"0644"` or `0o644`. A bare 644 would be taken for 0o1204.
    fn mode(&mut self, fields: &mut Fields<'_>) {
        let at = fields.value_at("mode");
        let is_octal =
            matches!(fields.written("mode"), Some(DeValue::Integer(number)) if number.radix() == 8);
        let bits = match fields.values.get("mode") {
            None => return,
            Some(Value::Integer(bits)) if is_octal => Some(*bits),
            Some(Value::String(text)) => i64::from_str_radix(text, 8).ok(),
            Some(_) => None,
        };
        let bits = bits.filter(|bits| (0..=0o7777).contains(bits));
        if bits.is_none() {
            self.wrong(at, "`mode` takes permission bits in octal digits, like \"0644\" or 0o644");
        }
        fields.values.insert("mode".to_owned(), Value::Integer(bits.unwrap_or_default()));
    }
}

/// The paths that a step names, each with its key.
fn paths(step: &Step) -> Vec<(&'static str, &str)> {
    match step {
        Step::Directory { path, .. }
        | Step::MissingDirectory { path }
        | Step::File { path, .. }
        | Step::Symlink { path, .. }
        | Step::Fifo { path, .. }
        | Step::Socket { path, .. }
        | Step::Device { path, .. }
        | Step::Attribute { path, .. } => vec![("path", path)],
        Step::HardLink { path, target } => vec![("path", path), ("target", target)],
        Step::EditedCopy { from, to, .. } => vec![("from", from), ("to", to)],
        Step::AwaitLink { .. } | Step::Run { .. } => Vec::new(),
    }
}

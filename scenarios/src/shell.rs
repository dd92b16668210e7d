//! Writing a scenario down as a POSIX shell script that a person can follow by hand.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::{Device, Launch, OUTSIDE_NAME, Owner, Scenario, Step, Topic, launch};

/// Quotes one word for a POSIX shell; a word that needs no quotes stays as it is.
#[must_use]
pub fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Writes an argument vector as a command line.
#[must_use]
pub fn command_line(argv: &[String]) -> String {
    argv.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" ")
}

/// Writes the scenario as a script: the same files and commands that the engine uses, in the same order.
#[must_use]
pub fn script(scenario: &Scenario) -> String {
    let mut script = format!(
        "#!/bin/sh\n# {}: {}\n# Run as root on a host with systemd, networkd and resolved.\nset -eu\n",
        scenario.name, scenario.summary
    );
    section(&mut script, "The machines: one root each.");
    push(&mut script, ": \"${IMAGE:?set it to the path that nspawn-matrix image build prints}\"");
    for machine in &scenario.machines {
        let root = launch::root(machine);
        push(
            &mut script,
            &format!("mkdir -p {root} && tar --numeric-owner --xattrs --acls -C {root} -xpf \"$IMAGE\""),
        );
    }
    section(&mut script, "The host");
    let mut folders = BTreeSet::new();
    for step in &scenario.steps {
        if let Some(folder) = folder_needed(step)
            && folders.insert(folder)
        {
            push(&mut script, &format!("mkdir -p {}", quote(folder)));
        }
        if let Step::Directory { path, .. } = step {
            folders.insert(path);
        }
        push(&mut script, &step_lines(step));
    }
    section(&mut script, "The start");
    match scenario.launch {
        Launch::CommandLine { .. } => {
            push(
                &mut script,
                "# To log in, leave out the & and start each in a terminal of its own; three times ^] ends it.",
            );
            for machine in &scenario.machines {
                push(&mut script, &format!("{} &", command_line(&scenario.launch.argv(machine))));
            }
        }
        Launch::Unit => {
            for machine in &scenario.machines {
                push(&mut script, &command_line(&scenario.launch.argv(machine)));
            }
        }
    }
    if scenario.topics.contains(&Topic::Reach) {
        section(
            &mut script,
            "Some of the questions, by hand, once `machinectl list` shows the machines with addresses:",
        );
        for question in questions(scenario) {
            push(&mut script, &question);
        }
    }
    script
}

/// Some questions as commands, from the first machine to the second.
fn questions(scenario: &Scenario) -> Vec<String> {
    let Some(machine) = scenario.machines.first() else { return Vec::new() };
    let mut questions = vec![format!("ping -c 3 {OUTSIDE_NAME} # in a sandbox; any outside name elsewhere")];
    if let Some(peer) = scenario.machines.get(1) {
        questions.extend([format!("getent ahosts {peer}"), format!("getent ahostsv4 {peer}")]);
    }
    questions.extend(scenario.bind.iter().map(|bind| format!("ls -ln {}", quote(&bind.destination))));
    let command = |question| format!("# systemd-run --machine={machine} --pipe --quiet {question}");
    questions.into_iter().map(command).collect()
}

fn section(script: &mut String, title: &str) {
    push(script, &format!("\n# {title}"));
}

fn push(script: &mut String, line: &str) {
    script.push_str(line);
    script.push('\n');
}

/// The folder of a file that a step writes.
fn folder_needed(step: &Step) -> Option<&str> {
    let (path, _) = step.file()?;
    path.rsplit_once('/').map(|(folder, _)| folder)
}

fn step_lines(step: &Step) -> String {
    match step {
        Step::Directory { path, owner, mode } => {
            format!("install -d {} {}", install(*owner, *mode), quote(path))
        }
        Step::MissingDirectory { path } => {
            let path = quote(path);
            format!("test -e {path} || mkdir -p {path}")
        }
        Step::File { path, content, owner, mode } => file(path, content, *owner, *mode),
        Step::Symlink { path, target } => format!("ln -s {} {}", quote(target), quote(path)),
        Step::Fifo { path, owner, mode } => {
            let path = quote(path);
            format!("mkfifo -m {mode:04o} {path}\nchown {}:{} {path}", owner.uid, owner.gid)
        }
        Step::Socket { path, owner, mode } => {
            let bind = format!("import socket; socket.socket(socket.AF_UNIX).bind('{path}')");
            let (bind, path) = (quote(&bind), quote(path));
            format!("python3 -c {bind}\nchown {}:{} {path}\nchmod {mode:04o} {path}", owner.uid, owner.gid)
        }
        Step::Device { path, device, owner, mode } => {
            let path = quote(path);
            let device = match device {
                Device::Char { major, minor } => format!("c {major} {minor}"),
                Device::Block { major, minor } => format!("b {major} {minor}"),
            };
            format!("mknod -m {mode:04o} {path} {device}\nchown {}:{} {path}", owner.uid, owner.gid)
        }
        Step::HardLink { path, target } => format!("ln {} {}", quote(target), quote(path)),
        Step::Attribute { path, attribute } => attribute.command(path),
        Step::EditedCopy { from, to, key, value } => {
            let edit = format!("s|^{key}=.*|{key}={}|", value.replace('|', r"\|"));
            format!("sed {} {} > {}", quote(&edit), quote(from), quote(to))
        }
        Step::AwaitLink { name } => {
            format!("until ip link show {} > /dev/null 2>&1; do sleep 0.1; done", quote(name))
        }
        Step::Run { argv } => command_line(argv),
    }
}

fn install(owner: Owner, mode: u32) -> String {
    format!("-o {} -g {} -m {mode:04o}", owner.uid, owner.gid)
}

/// A file by a here-document; chmod(1) comes after chown(1), which clears set-id bits.
fn file(path: &str, content: &str, owner: Owner, mode: u32) -> String {
    let path = quote(path);
    let end = end_of(content);
    let mut lines = format!("cat > {path} <<'{end}'\n{content}");
    if !content.ends_with('\n') {
        lines.push('\n');
    }
    lines.push_str(&end);
    if (owner, mode) != (Owner::ROOT, 0o644) {
        let _ = write!(lines, "\nchown {}:{} {path}\nchmod {mode:04o} {path}", owner.uid, owner.gid);
    }
    lines
}

/// A word that is no line of the content: `END`, or `END` with something behind it.
fn end_of(content: &str) -> String {
    let mut end = "END".to_owned();
    while content.lines().any(|line| line == end) {
        end.push('_');
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue;

    #[test]
    fn a_word_is_quoted_only_where_it_must_be() {
        assert_eq!(quote("--bind=/var/cache"), "--bind=/var/cache");
        assert_eq!(quote("it's"), r"'it'\''s'");
        assert_eq!(quote(""), "''");
    }

    #[test]
    fn a_file_may_hold_the_word_that_ends_others() {
        assert_eq!(file("/f", "END\nmore", Owner::ROOT, 0o644), "cat > /f <<'END_'\nEND\nmore\nEND_");
    }

    #[test]
    fn every_scenario_can_be_written_down() {
        let scripts: Vec<String> = catalogue::all().iter().map(script).collect();
        insta::assert_snapshot!(scripts.join("\n"));
    }
}

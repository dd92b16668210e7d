//! A .nspawn file and the command line of systemd-nspawn say something about the same, and one of them has no effect.

use nspawn_matrix_scenarios::nspawn_file::Group;
use nspawn_matrix_scenarios::shell::quote;
use nspawn_matrix_scenarios::{Check, Topic};

use crate::explain::cause::Cause;
use crate::explain::evidence::{Evidence, Surprise};
use crate::explain::needs::Needs;
use crate::explain::remedy::{Mending, is_plain};
use crate::explain::seen::Seen;
use crate::explain::settings::restarts;

pub(super) static CAUSE: Cause = Cause {
    code: "settings-overridden",
    sentence: "the .nspawn file and the command line of systemd-nspawn say something about the same, and only one of them counts",
    long: "Settings go by groups: mounts are one, all about the network is another, ports, user namespaces, host name and \
           resolv.conf are others. Of a .nspawn file and a command line that both say anything of a group, one counts for \
           all of it and the other has no effect, without a word: the command line, or the file where the command line \
           says --settings=override, as the shipped unit does. So one --bind= of a person's ExecStart= leaves out every \
           Bind= of the file, and with --settings=override one Bind= of the file every --bind=.",
    link: "https://github.com/systemd/systemd/issues/14372",
    seen_by: None,
    keeps_from_starting: false,
    brings_about: &[],
    evidence,
    remedy,
};

fn evidence<'a>(surprise: &Surprise<'a>) -> Option<Evidence<'a>> {
    let Needs { binds, link, nss, name_of_machine, .. } = surprise.needs;
    let is_itself = surprise.question.check == Check::SettingsOverridden;
    let matters = |group: Group| match group {
        _ if is_itself => true,
        Group::Mounts => binds,
        Group::Network => link,
        Group::Ports => surprise.question.check.topic() == Topic::Ports,
        Group::Users => surprise.question.check == Check::EnvironmentUserNamespace,
        Group::HostName => name_of_machine,
        Group::ResolvConf => nss,
    };
    surprise.of_any(|machine| {
        let mut lost = Group::ALL.into_iter().filter(|group| matters(*group));
        let lost = lost.find_map(|group| lost_of(group, machine, surprise.seen))?;
        let file = surprise.seen.on_host_of(Check::SettingsOverridden, machine, "file")?;
        Some(format!("without effect: {lost} ({file})"))
    })
}

fn remedy(mending: &Mending<'_>) -> Option<String> {
    let Mending { machine, seen, .. } = mending;
    let value = |name| seen.on_host_of(Check::SettingsOverridden, machine, name);
    // What a person has started by hand no command can start again.
    let unit = value("unit").filter(|unit| *unit != "none").filter(is_plain)?;
    let lost = Group::ALL.into_iter().find_map(|group| lost_of(group, machine, seen))?;
    let lost: Vec<&str> = lost.split(", as there is ").next()?.split(' ').collect();
    if lost.iter().any(|word| word.starts_with('-')) {
        let lines = lost.into_iter().map(as_line).collect::<Option<Vec<String>>>()?;
        let file = quote(value("file")?);
        let written = format!("printf '[Files]\\n{}\\n' >>{file}", lines.join("\\n"));
        return Some(format!("{written} && {}", restarts(machine)));
    }
    let argv = value("command line").filter(|argv| !argv.contains(['\'', '%', '\\', '"', '$']))?;
    let (program, rest) = argv.split_once(' ')?;
    let rest: Vec<&str> = rest.split(' ').filter(|word| !word.starts_with("--settings=")).collect();
    let folder = format!("/etc/systemd/system/{unit}.d");
    let text = format!("[Service]\\nExecStart=\\nExecStart={program} --settings=override {}", rest.join(" "));
    let written = format!("mkdir -p {folder} && printf '{text}\\n' >{folder}/zz-settings.conf");
    Some(format!("{written} && systemctl daemon-reload && {}", restarts(machine)))
}

fn lost_of<'a>(group: Group, machine: &str, seen: &Seen<'a>) -> Option<&'a str> {
    seen.on_host_of(Check::SettingsOverridden, machine, group.name()).filter(|lost| *lost != "nothing")
}

/// An option as a line of the [Files] section, if it is one that is read so.
fn as_line(option: &str) -> Option<String> {
    let (name, value) =
        option.split_once('=').filter(|(_, value)| is_plain(value) && !value.contains('%'))?;
    match name {
        "--bind" => Some(format!("Bind={value}")),
        "--bind-ro" => Some(format!("BindReadOnly={value}")),
        _ => None,
    }
}

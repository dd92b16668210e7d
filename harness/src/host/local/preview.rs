//! What a run will do to the machine that it is on, for whoever is asked whether it may.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::intent::{Act, Intent};
use super::look::MACHINES;
use super::{JOURNAL, Naming};

/// How many names of files in one folder are told one by one.
const FEW: usize = 4;

/// Tells it; `root` is how many bytes the root of a machine takes.
pub(super) fn preview(intent: &Intent, root: u64, Naming { machine, clean }: &Naming) -> String {
    let machines: Vec<&str> = intent.machines().collect();
    let mut text = format!("{machine} itself will be the host.\n");
    line(&mut text, "machines", &machines.join(", "));
    line(
        &mut text,
        "roots",
        &format!("{} at a time, each below {MACHINES} and of about {} MiB", intent.at_a_time(), root >> 20),
    );
    for (title, of_kind) in KINDS {
        let things: Vec<String> = intent.acts().filter_map(|(act, _)| of_kind(act)).collect();
        if !things.is_empty() {
            line(&mut text, title, &things.join(", "));
        }
    }
    for (folder, names) in files(intent) {
        let told = if names.len() > FEW { format!("{} files", names.len()) } else { names.join(", ") };
        line(&mut text, "files", &format!("{folder}: {told}"));
    }
    line(
        &mut text,
        "firewall",
        "the tables io.systemd.nat of nftables, as systemd makes them for its machines",
    );
    line(&mut text, "forwarding", "turned on by systemd-networkd, where a scenario has it do so");
    let when = if intent.scenarios() == 1 { "At the end" } else { "After each scenario" };
    text.push_str(&format!(
        "What takes a change back is in {JOURNAL} before it is made.\n\
         {when} all of it is taken back, and what was reloaded or restarted is so once more;\n\
         systemd-networkd is restarted if it had turned forwarding on, else it would not do so again.\n\
         `{clean}` does that after a crash or a reboot. The machine is not rebooted.\n"
    ));
    text
}

/// A kind of thing, and how one of that kind is told.
type KindOfThing = (&'static str, fn(&Act) -> Option<String>);

const KINDS: [KindOfThing; 6] = [
    ("links", |act| if let Act::Link(name) = act { Some(name.clone()) } else { None }),
    ("uses", |act| if let Act::Uses(name) = act { Some(format!("link {name}")) } else { None }),
    ("subnets", |act| if let Act::Subnet(subnet) = act { Some(subnet.to_string()) } else { None }),
    ("mounts", |act| if let Act::Mount(at) = act { Some(at.clone()) } else { None }),
    ("settings", |act| if let Act::Setting(key) = act { Some(key.clone()) } else { None }),
    ("runs", |act| if let Act::Service(command) = act { Some(format!("`{command}`")) } else { None }),
];

fn line(text: &mut String, title: &str, told: &str) {
    // A string can always be written to.
    let _ = writeln!(text, "  {title:<12}{told}");
}

/// The names of the files and folders that are made, by the folder that they are made in.
fn files(intent: &Intent) -> BTreeMap<&str, Vec<&str>> {
    let mut folders: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (act, _) in intent.acts() {
        if let Act::File(path) | Act::Folder(path) = act
            && let Some((folder, name)) = path.rsplit_once('/')
        {
            folders.entry(folder).or_default().push(name);
        }
    }
    folders
}

#[cfg(test)]
mod tests {
    use nspawn_matrix_scenarios::{Scenario, catalogue};

    use super::*;

    #[test]
    fn what_will_be_done_is_told_before_it_is() {
        let all: Vec<Scenario> = catalogue::all().into_iter().map(Scenario::at_runtime).collect();
        let wanted = ["bridge", "service-override", "bridge-netfilter", "bind-options"];
        let intent = Intent::of(all.iter().filter(|scenario| wanted.contains(&scenario.name.as_str())));
        let naming = Naming { machine: "This machine".to_owned(), clean: "nspawn-matrix clean".to_owned() };
        insta::assert_snapshot!(preview(&intent, 412 << 20, &naming));
    }
}

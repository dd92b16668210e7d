//! Evidence: what helps a person to understand why something is not as claimed.

use serde::{Deserialize, Serialize};

use crate::command::Command;
use crate::enter;

/// One file of evidence.
#[derive(Debug, Serialize, Deserialize)]
pub struct EvidenceFile {
    /// Its name: `host-journal.txt`.
    pub name: String,
    /// Its content.
    pub content: String,
}

/// What is run on the host.
const ON_HOST: [(&str, &[&str]); 9] = [
    ("host-journal.txt", &["journalctl", "--boot", "--no-pager", "--output=short-precise"]),
    ("host-links.txt", &["networkctl", "status", "--all", "--no-pager", "--lines=0"]),
    ("host-addresses.txt", &["ip", "-details", "address"]),
    ("host-routes.txt", &["ip", "route", "show", "table", "all"]),
    ("host-neighbours.txt", &["ip", "neighbour"]),
    ("host-resolver.txt", &["resolvectl", "status", "--no-pager"]),
    ("host-machines.txt", &["machinectl", "list", "--no-pager", "--full"]),
    ("host-units.txt", &["systemctl", "--failed", "--no-pager", "--full"]),
    ("host-nat.txt", &["nft", "list", "ruleset"]),
];

/// What is run in each machine.
const IN_MACHINE: [(&str, &[&str]); 6] = [
    ("journal.txt", &["journalctl", "--boot", "--no-pager", "--output=short-precise"]),
    ("addresses.txt", &["ip", "-details", "address"]),
    ("routes.txt", &["ip", "route", "show", "table", "all"]),
    ("resolver.txt", &["resolvectl", "status", "--no-pager"]),
    ("resolv.conf", &["cat", "/etc/resolv.conf"]),
    ("units.txt", &["systemctl", "--failed", "--no-pager", "--full"]),
];

/// Gathers all evidence; what cannot be had says so in its file. `standing` are the names and leaders of the
/// machines that stand, `machines` the names of all.
pub(super) async fn gather(
    standing: Vec<(String, i32)>,
    machines: Vec<String>,
) -> anyhow::Result<Vec<EvidenceFile>> {
    let mut files = Vec::new();
    for (name, argv) in ON_HOST {
        let command = Command::from_argv(argv);
        let content = output(command.to_string(), command).await;
        files.push(EvidenceFile { name: name.to_owned(), content });
    }
    for (machine, leader) in standing {
        for (name, argv) in IN_MACHINE {
            let title = [&["systemd-run", "--machine", machine.as_str(), "--pipe", "--quiet"], argv].concat();
            let title = Command::from_argv(title).to_string();
            let content = output(title, enter::command(enter::SELF, leader, argv)).await;
            files.push(EvidenceFile { name: format!("{machine}-{name}"), content });
        }
    }
    for machine in machines {
        if let Ok(content) = std::fs::read_to_string(super::launch::console(&machine)) {
            files.push(EvidenceFile { name: format!("{machine}-console.txt"), content });
        }
    }
    Ok(files)
}

/// What `command` writes, under the command that a person would type on the host for it.
async fn output(title: String, command: Command) -> String {
    match command.end().await {
        Ok(ended) => format!("$ {title}\n{}{}", ended.stdout, ended.stderr),
        Err(error) => format!("$ {title}\n{:#}\n", anyhow::Error::from(error)),
    }
}

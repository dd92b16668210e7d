//! Remedies: what removes a cause, ready to paste into a shell of the host, as root.
//!
//! Whatever lasts is written where an administrator writes it, and takes effect at once. None is told where the way out
//! depends on what the host is for.

use std::path::Path;

use nspawn_matrix_scenarios::Check;
use nspawn_matrix_scenarios::shell::quote;

use super::seen::Seen;
use crate::agent::Question;

/// A machine that is to be mended, and what was seen of its host. What a shell reads as more than a word is told of
/// neither end of its link.
pub(super) struct Mending<'a> {
    /// The question whose answer is to be mended.
    pub(super) question: &'a Question,
    pub(super) machine: &'a str,
    pub(super) seen: &'a Seen<'a>,
}

impl<'a> Mending<'a> {
    /// A value that the host's end of the link has.
    pub(super) fn host_end(&self, name: &str) -> Option<&'a str> {
        self.seen.on_host_of(Check::LinkHost, self.machine, name).filter(is_plain)
    }

    /// A value that the machine's own end has.
    pub(super) fn own_end(&self, name: &str) -> Option<&'a str> {
        self.seen.of_machine(Check::LinkMachine, self.machine, name).filter(is_plain)
    }

    /// Adds to the .network file of the host's end. Each link that the file is for may have another subnet when networkd has
    /// read it again, so that all machines on such links ask anew; it is read once for all of them.
    pub(super) fn with_host_end(&self, text: &str) -> Option<String> {
        let file = self.host_end("file")?;
        let others = self.seen.machines().into_iter().filter(|other| *other != self.machine);
        let others = others.map(|machine| Mending { machine, ..*self });
        let beside = others.filter(|other| other.host_end("file") == Some(file));
        let mut asking: Vec<String> = beside.filter_map(|other| other.asks_anew()).collect();
        asking.push(self.asks_anew()?);
        // Told of each machine, it is the same.
        asking.sort();
        Some(format!("{} && {}", with_drop_in(file, text), asking.join(" && ")))
    }

    /// Has the machine ask for a lease, for which it may have given up asking often.
    pub(super) fn asks_anew(&self) -> Option<String> {
        Some(inside(self.machine, &format!("networkctl reconfigure {}", self.own_end("name")?)))
    }

    /// systemctl for the machine's own services.
    pub(super) fn systemctl(&self) -> String {
        format!("systemctl --machine={}", self.machine)
    }
}

/// Whether a shell reads `word` as no more than a word.
pub(super) fn is_plain(word: &&str) -> bool {
    quote(word) == *word
}

/// Starts a service, now and at each boot, even if somebody has masked it.
pub(super) fn switch_on(systemctl: &str, service: &str, kinds: &[&str]) -> String {
    let units: Vec<String> = kinds.iter().map(|kind| format!("{service}.{kind}")).collect();
    format!("{systemctl} unmask {} && {systemctl} enable --now {service}", units.join(" "))
}

/// Has a shell of `machine` do `command`, which has no double quotes and no dollar signs.
pub(super) fn inside(machine: &str, command: &str) -> String {
    format!("systemd-run --quiet --machine={machine} --wait --collect --pipe sh -c \"{command}\"")
}

/// Adds to a .network file, by its name, and has networkd read it.
pub(super) fn with_drop_in(file: &str, text: &str) -> String {
    format!("{} && networkctl reload", drop_in("network", file, text))
}

/// Writes a drop-in for the file of this name in a folder below /etc/systemd. It is called after what it sets, so that
/// none takes the place of another, and late in the alphabet, since the last one counts.
pub(super) fn drop_in(folder: &str, file: &str, text: &str) -> String {
    let folder = Path::new("/etc/systemd").join(folder).join(format!("{file}.d"));
    let folder = folder.display();
    let key = text.split("\\n").nth(1).and_then(|line| line.split('=').next()).unwrap_or("machines");
    format!("mkdir -p {folder} && printf '{text}\\n' >{folder}/90-{key}.conf")
}

/// Puts `rules` at the beginning of each of `chains`: a packet passes if no chain drops it.
pub(super) fn accept(chains: &str, rules: &[&str]) -> String {
    let chains = chains.split("; ").filter_map(|chain| chain.split(',').next());
    let insert = |chain: &str| {
        let chain = chain.to_owned();
        rules.iter().map(move |rule| format!("nft insert rule {chain} {rule}")).collect::<Vec<_>>()
    };
    chains.flat_map(insert).collect::<Vec<_>>().join("; ")
}

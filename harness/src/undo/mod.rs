//! Taking back what was done to a host that is kept.
//!
//! Before anything of a host is changed, what takes the change back is written to a [`Journal`] on its disk; so whatever
//! ends a run, the host can be put back to what it was, in reverse order, as often as it takes. A [`Snapshot`] taken
//! before and one taken after tell whether it was.

mod entry;
mod foresee;
mod guest_journals;
mod journal;
mod leases;
mod mounts;
mod snapshot;
mod tables;
mod unit;

use crate::chain::chain;

pub(crate) use entry::Undo;
pub(crate) use foresee::foresee;
pub(crate) use journal::Journal;
pub(crate) use leases::links as leased_links;
pub(crate) use snapshot::Snapshot;
pub(crate) use tables::exists as table_exists;
pub(crate) use unit::stop;

/// Takes everything back that the journal tells of, last things first; `told` hears of each before it is done. The journal
/// stays until it is closed.
///
/// # Errors
/// Whatever could not be taken back, each with its cause.
pub(crate) async fn undo(journal: &Journal, mut told: impl FnMut(&Undo)) -> Result<(), Vec<String>> {
    let mut errors = Vec::new();
    for entry in in_order(journal.entries()) {
        told(&entry);
        if let Err(error) = entry.perform().await {
            errors.push(chain(error));
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

/// The order in which to take things back: the last first, but services read again at the end, each once.
fn in_order(entries: Vec<Undo>) -> Vec<Undo> {
    let (again, rest): (Vec<Undo>, Vec<Undo>) =
        entries.into_iter().partition(|entry| matches!(entry, Undo::Again { .. }));
    let mut ordered: Vec<Undo> = rest.into_iter().rev().collect();
    for entry in again {
        if !ordered.contains(&entry) {
            ordered.push(entry);
        }
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remove_of(path: &str) -> Undo {
        Undo::Remove { path: path.into() }
    }

    fn again(word: &str) -> Undo {
        Undo::Again { argv: vec![word.to_owned()] }
    }

    #[test]
    fn things_go_last_first_and_services_read_again_when_all_is_back() {
        let entries =
            vec![remove_of("/a"), again("reload"), remove_of("/b"), again("reload"), again("restart")];
        assert_eq!(in_order(entries), [remove_of("/b"), remove_of("/a"), again("reload"), again("restart")]);
    }

    #[tokio::test]
    async fn what_cannot_be_taken_back_keeps_the_journal() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::create(&folder.path().join("journal"), b"").unwrap();
        let (path, kept) = (folder.path().join("back"), folder.path().join("nowhere"));
        journal.note(&[Undo::PutBack { path, kept }]).unwrap();
        let mut told = Vec::new();
        let errors = undo(&journal, |entry| told.push(entry.title())).await.unwrap_err();
        assert_eq!((errors.len(), told.len()), (1, 1));
        assert_eq!(Journal::open(&folder.path().join("journal")).unwrap().unwrap().entries().len(), 1);
    }
}

//! What the DHCP servers of systemd-networkd have given away, which it keeps on the disk since systemd 257: a file for each
//! link, that stays when the link goes.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

/// Where the files are; each is called as its link is.
pub(in crate::undo) const FOLDER: &str = "/var/lib/systemd/network/dhcp-server-lease";

/// The names of the links that there are leases of.
pub(crate) fn links() -> io::Result<BTreeSet<String>> {
    links_in(Path::new(FOLDER))
}

/// Removes the leases of links that are not there and that there were none of `before`.
pub(super) fn remove_all_but(before: &BTreeSet<String>) -> io::Result<()> {
    let there = nix::net::if_::if_nameindex()?;
    let there: BTreeSet<String> =
        there.iter().map(|link| link.name().to_string_lossy().into_owned()).collect();
    for link in links()?.difference(before).filter(|link| !there.contains(*link)) {
        super::entry::remove(&Path::new(FOLDER).join(link))?;
    }
    Ok(())
}

fn links_in(folder: &Path) -> io::Result<BTreeSet<String>> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeSet::new()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_not_there_has_no_leases() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("br0"), "{}").unwrap();
        assert_eq!(links_in(folder.path()).unwrap(), BTreeSet::from(["br0".to_owned()]));
        assert!(links_in(&folder.path().join("none")).unwrap().is_empty());
    }
}

//! How much room a file system has for us.

use std::io;
use std::path::Path;

/// Gives the free bytes where `folder` lies.
///
/// # Errors
/// What statvfs(3) says.
pub(crate) fn free(folder: &Path) -> io::Result<u64> {
    let space = nix::sys::statvfs::statvfs(folder)?;
    Ok(space.blocks_available() * space.fragment_size())
}

//! Writing a file whole or not at all.

use std::io::{self, Write};
use std::path::Path;

/// Writes `content` to `path` through a temporary file beside it, so that a reader sees the old file or the new one.
///
/// # Errors
/// Whatever the file system says; the temporary file is then gone and `path` is as it was.
pub fn write_whole(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    set_mode_of_new_file(file.as_file())?;
    file.persist(path)?;
    std::fs::File::open(folder)?.sync_all()
}

/// Temporary files are private to their owner; a report is for everyone who may read the folder.
fn set_mode_of_new_file(file: &std::fs::File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

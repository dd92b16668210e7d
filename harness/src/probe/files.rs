//! Files as the machine sees them.

use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use anyhow::Context;
use nspawn_matrix_reports::FileKind;

use super::NamedFile;

/// Lists a directory and what is directly in it, by name, without following links. Of what is no directory that is
/// `.` alone, and of what is not there nothing.
pub(crate) fn list(path: &str) -> anyhow::Result<Vec<NamedFile>> {
    let file = match fs::symlink_metadata(path) {
        Err(error) if is_not_there(&error) => return Ok(Vec::new()),
        metadata => file_kind(&metadata.with_context(|| format!("look at `{path}`"))?),
    };
    let mut files = vec![NamedFile { name: ".".to_owned(), file }];
    let entries = match fs::read_dir(path) {
        Err(error) if is_not_there(&error) => return Ok(files),
        entries => entries.with_context(|| format!("list `{path}`"))?,
    };
    for entry in entries {
        let entry = entry.with_context(|| format!("list `{path}`"))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        files.push(NamedFile { name, file: look(&entry.path())? });
    }
    files.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(files)
}

/// Whether the path leads to nothing, or to no directory where one is needed.
pub(super) fn is_not_there(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// Looks at one file without following links.
pub(crate) fn look(path: &Path) -> anyhow::Result<FileKind> {
    let metadata = fs::symlink_metadata(path).with_context(|| format!("look at `{}`", path.display()))?;
    Ok(file_kind(&metadata))
}

fn file_kind(metadata: &Metadata) -> FileKind {
    let file_type = metadata.file_type();
    let kind = if file_type.is_dir() {
        "directory"
    } else if file_type.is_symlink() {
        "symlink"
    } else if file_type.is_fifo() {
        "fifo"
    } else if file_type.is_socket() {
        "socket"
    } else if file_type.is_block_device() {
        "block"
    } else if file_type.is_char_device() {
        "char"
    } else {
        "file"
    };
    FileKind {
        kind: kind.to_owned(),
        uid: metadata.uid(),
        gid: metadata.gid(),
        mode: format!("{:04o}", metadata.mode() & 0o7777),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_tells_kinds_and_set_id_bits() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a");
        fs::write(&file, "").unwrap();
        fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o4750)).unwrap();
        std::os::unix::fs::symlink("a", folder.path().join("b")).unwrap();
        let files = list(folder.path().to_str().unwrap()).unwrap();
        let told: Vec<(&str, &str)> =
            files.iter().map(|named| (named.name.as_str(), named.file.kind.as_str())).collect();
        assert_eq!(told, [(".", "directory"), ("a", "file"), ("b", "symlink")]);
        assert_eq!(files[1].file.mode, "4750");
    }

    #[test]
    fn what_is_no_directory_is_listed_alone_and_what_is_not_there_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let told = |name: &str| {
            let files = list(folder.path().join(name).to_str().unwrap()).unwrap();
            files.into_iter().map(|named| (named.name, named.file.kind)).collect::<Vec<_>>()
        };
        fs::write(folder.path().join("file"), "").unwrap();
        std::os::unix::fs::symlink("nowhere", folder.path().join("link")).unwrap();
        assert_eq!(told("file"), [(".".to_owned(), "file".to_owned())]);
        assert_eq!(told("link"), [(".".to_owned(), "symlink".to_owned())]);
        assert_eq!([told("missing"), told("file/below")], [[], []]);
    }
}

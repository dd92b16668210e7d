//! Observations of bind mounts in words; the rest of the wording is in `words`.
//!
//! The main type is [`Kept`]: what became of one attribute of one file on its way through the mount.

use crate::{BindFile, BindWrite, FileKind, Missing, Mount};

/// The user and group that the kernel shows for ids without a mapping (`/proc/sys/kernel/overflowuid`).
const NOBODY: u32 = 65_534;

/// Says what became of an attribute of a file between the host and the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kept {
    Same,
    Nobody,
    Mapped,
    Differs,
    Missing,
}

impl Kept {
    fn name(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Nobody => "nobody",
            Self::Mapped => "mapped",
            Self::Differs => "differs",
            Self::Missing => "missing",
        }
    }
}

/// The attribute that a question about bind mounts is about.
#[derive(Clone, Copy)]
enum Attribute {
    Owner,
    Mode,
}

impl Attribute {
    fn of(check: &str) -> Self {
        if check.ends_with("owner") { Self::Owner } else { Self::Mode }
    }

    fn kept(self, file: &BindFile) -> Kept {
        match (&file.outside, &file.inside) {
            (Some(outside), Some(inside)) => match self {
                Self::Owner => kept_owner(outside, inside),
                Self::Mode => kept_mode(outside, inside),
            },
            (None, None) => Kept::Same,
            (Some(_), None) | (None, Some(_)) => Kept::Missing,
        }
    }

    fn tell(self, side: Option<&FileKind>) -> String {
        match (side, self) {
            (None, Self::Owner | Self::Mode) => "absent".to_owned(),
            (Some(file), Self::Owner) => owner(file),
            (Some(file), Self::Mode) => format!("{} {}", file.kind, file.mode),
        }
    }
}

fn kept_owner(outside: &FileKind, inside: &FileKind) -> Kept {
    if (outside.uid, outside.gid) == (inside.uid, inside.gid) {
        Kept::Same
    } else if inside.uid == NOBODY || inside.gid == NOBODY {
        Kept::Nobody
    } else {
        Kept::Mapped
    }
}

fn kept_mode(outside: &FileKind, inside: &FileKind) -> Kept {
    let is_same = outside.kind == inside.kind && outside.mode == inside.mode;
    if is_same { Kept::Same } else { Kept::Differs }
}

fn owner(file: &FileKind) -> String {
    format!("{}:{}", file.uid, file.gid)
}

/// `same`, or everything that became of the files other than that.
pub(crate) fn short_files(files: &[BindFile], check: &str) -> String {
    let mut kinds: Vec<Kept> = files.iter().map(|file| Attribute::of(check).kept(file)).collect();
    kinds.sort_unstable();
    kinds.dedup();
    if kinds.len() > 1 {
        kinds.retain(|kind| *kind != Kept::Same);
    }
    let names: Vec<&str> = kinds.into_iter().map(Kept::name).collect();
    if names.is_empty() { "no files".to_owned() } else { names.join(", ") }
}

/// Tells every file that is not the same on both sides.
pub(crate) fn files_sentence(files: &[BindFile], check: &str) -> String {
    let attribute = Attribute::of(check);
    let changed: Vec<String> = files
        .iter()
        .filter(|file| attribute.kept(file) != Kept::Same)
        .map(|file| {
            let (outside, inside) = (file.outside.as_ref(), file.inside.as_ref());
            format!("{} {} -> {}", file.name, attribute.tell(outside), attribute.tell(inside))
        })
        .collect();
    if changed.is_empty() {
        format!("the same on both sides for {} files", files.len())
    } else {
        format!("host -> machine for {} of {} files: {}", changed.len(), files.len(), changed.join(", "))
    }
}

/// `rw` or `ro`, and `idmap` where ids are mapped; `no mount` where there is none.
pub(crate) fn short_mount(mount: &Mount) -> String {
    if mount.is_none() {
        return "no mount".to_owned();
    }
    let access = if mount.options.iter().any(|option| option == "ro") { "ro" } else { "rw" };
    if mount.idmapped { format!("{access} idmap") } else { access.to_owned() }
}

/// `btrfs rw,nosuid, shared, idmapped`.
pub(crate) fn mount_sentence(mount: &Mount) -> String {
    if mount.is_none() {
        return Missing::Mount.to_string();
    }
    let propagation =
        if mount.propagation.is_empty() { "private".to_owned() } else { mount.propagation.join(" ") };
    let ids = if mount.idmapped { "idmapped" } else { "ids not mapped" };
    format!("{} {}, {propagation}, {ids}", mount.fs_type, mount.options.join(","))
}

/// The owner on the host, or the error.
pub(crate) fn short_write(write: &BindWrite) -> String {
    match write {
        BindWrite::Written(written) => written.outside.as_ref().map_or("absent".to_owned(), owner),
        BindWrite::Refused { errno } => errno.clone(),
    }
}

/// Tells the owner and mode on both sides, or the error.
pub(crate) fn write_sentence(write: &BindWrite) -> String {
    match write {
        BindWrite::Refused { errno } => format!("the kernel refused: {errno}"),
        BindWrite::Written(written) => {
            let outside = written
                .outside
                .as_ref()
                .map_or("absent".to_owned(), |file| format!("{} {}", owner(file), file.mode));
            format!(
                "{} {} in the machine, {outside} on the host",
                owner(&written.inside),
                written.inside.mode
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Written;
    use crate::fixture::file_kind;

    fn file(name: &str, outside: FileKind, inside: Option<FileKind>) -> BindFile {
        BindFile { name: name.to_owned(), outside: Some(outside), inside }
    }

    #[test]
    fn a_cell_names_what_changed_and_only_then_what_did_not() {
        let same = file("a", file_kind(0, "644"), Some(file_kind(0, "644")));
        let nobody = file("b", file_kind(0, "4755"), Some(file_kind(NOBODY, "755")));
        let mapped = file("c", file_kind(1000, "644"), Some(file_kind(66_536, "644")));
        let missing = file("d", file_kind(0, "644"), None);
        assert_eq!(short_files(std::slice::from_ref(&same), "bind/owner"), "same");
        let files = [same, nobody, mapped, missing];
        assert_eq!(short_files(&files, "bind/owner"), "nobody, mapped, missing");
        assert_eq!(short_files(&files, "bind/mode"), "differs, missing");
        insta::assert_snapshot!(files_sentence(&files, "bind/owner"), @"host -> machine for 3 of 4 files: b 0:0 -> 65534:65534, c 1000:1000 -> 66536:66536, d 0:0 -> absent");
        insta::assert_snapshot!(files_sentence(&files, "bind/mode"), @"host -> machine for 2 of 4 files: b file 4755 -> file 755, d file 644 -> absent");
    }

    #[test]
    fn a_write_is_told_from_both_sides() {
        let write = BindWrite::Written(Written {
            inside: file_kind(0, "644"),
            outside: Some(file_kind(524_288, "644")),
        });
        assert_eq!(short_write(&write), "524288:524288");
        insta::assert_snapshot!(write_sentence(&write), @"0:0 644 in the machine, 524288:524288 644 on the host");
        assert_eq!(short_write(&BindWrite::Refused { errno: "EACCES".to_owned() }), "EACCES");
    }

    #[test]
    fn a_mount_is_told_with_its_options() {
        let mount = Mount {
            fs_type: "btrfs".to_owned(),
            options: vec!["ro".to_owned(), "relatime".to_owned()],
            propagation: vec![],
            idmapped: true,
        };
        assert_eq!(short_mount(&mount), "ro idmap");
        insta::assert_snapshot!(mount_sentence(&mount), @"btrfs ro,relatime, private, idmapped");
    }
}

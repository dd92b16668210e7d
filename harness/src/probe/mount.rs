//! The mount table of the machine, from proc_pid_mountinfo(5).

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::Context;
use nspawn_matrix_reports::Mount;

/// Finds the mount that is on top at `path`, wherever links in it lead; none if the path is not there.
pub(crate) fn find(path: &str) -> anyhow::Result<Option<Mount>> {
    let Some(path) = canonical(path)? else { return Ok(None) };
    Ok(table()?.into_iter().rev().find(|(point, _)| path == Path::new(point)).map(|(_, mount)| mount))
}

/// The kind of the file system that `path` lies on: `btrfs`; none if the path is not there.
pub(crate) fn file_system(path: &str) -> anyhow::Result<Option<String>> {
    let Some(path) = canonical(path)? else { return Ok(None) };
    let above = table()?.into_iter().filter(|(point, _)| path.starts_with(point));
    // Of several at one place the last one is on top, and taken.
    Ok(above.max_by_key(|(point, _)| point.len()).map(|(_, mount)| mount.fs_type))
}

fn canonical(path: &str) -> anyhow::Result<Option<PathBuf>> {
    match std::fs::canonicalize(path) {
        Ok(path) => Ok(Some(path)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("look at `{path}`")),
    }
}

/// All mounts by their mount points, from the bottom to the top.
fn table() -> anyhow::Result<Vec<(String, Mount)>> {
    let table = std::fs::read_to_string("/proc/self/mountinfo").context("read /proc/self/mountinfo")?;
    Ok(table.lines().filter_map(parse).collect())
}

/// Reads one line: `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue`.
fn parse(line: &str) -> Option<(String, Mount)> {
    let (left, right) = line.split_once(" - ")?;
    let mut fields = left.split(' ').skip(4);
    let point = unescape(fields.next()?);
    let options: Vec<String> = fields.next()?.split(',').map(str::to_owned).collect();
    let mut propagation: Vec<String> = fields.filter_map(propagation).collect();
    if propagation.is_empty() {
        propagation.push("private".to_owned());
    }
    let fs_type = right.split(' ').next()?.to_owned();
    let idmapped = options.iter().any(|option| option == "idmapped");
    Some((point, Mount { fs_type, options, propagation, idmapped }))
}

/// The numbers of peer groups differ from boot to boot; what kind they are does not.
fn propagation(field: &str) -> Option<String> {
    match field.split(':').next()? {
        "shared" => Some("shared".to_owned()),
        "master" => Some("slave".to_owned()),
        "unbindable" => Some("unbindable".to_owned()),
        _ => None,
    }
}

/// The kernel writes space, tab, newline and backslash as `\ooo`.
fn unescape(text: &str) -> String {
    let mut plain = Vec::with_capacity(text.len());
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let octal = bytes
            .get(at + 1..at + 4)
            .filter(|_| bytes[at] == b'\\')
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match octal {
            Some(byte) => {
                plain.push(byte);
                at += 4;
            }
            None => {
                plain.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_line_tells_options_propagation_and_mapping() {
        let line = r"36 35 98:0 /mnt1 /mnt\0402 rw,noatime,idmapped shared:7 master:1 - ext4 /dev/root rw";
        let (point, mount) = parse(line).unwrap();
        assert_eq!(point, "/mnt 2");
        assert_eq!(mount.fs_type, "ext4");
        assert_eq!(mount.options, ["rw", "noatime", "idmapped"]);
        assert_eq!(mount.propagation, ["shared", "slave"]);
        assert!(mount.idmapped);
    }

    #[test]
    fn no_optional_field_means_private() {
        let (_, mount) = parse("36 35 98:0 / /mnt rw - tmpfs tmpfs rw").unwrap();
        assert_eq!(mount.propagation, ["private"]);
    }

    proptest! {
        #[test]
        fn no_line_makes_the_parser_panic(line in r"[ -~\\]{0,80}( - [ -~]{0,20})?") {
            let _ = parse(&line);
        }
    }
}

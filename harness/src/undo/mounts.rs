//! Mount points of this host (proc_pid_mountinfo(5)).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Where something is mounted at `path` or below it, in the order in which it was.
pub(super) fn below(path: &Path) -> io::Result<Vec<PathBuf>> {
    let points = fs::read_to_string("/proc/self/mountinfo")?.lines().filter_map(point).collect::<Vec<_>>();
    Ok(points.into_iter().filter(|point| point.starts_with(path)).collect())
}

fn point(line: &str) -> Option<PathBuf> {
    line.split(' ').nth(4).map(|point| unescaped(point).into())
}

/// Spaces, tabs, line feeds and backslashes stand as `\\040` and the like.
fn unescaped(point: &str) -> String {
    let mut rest = point;
    let mut plain = String::new();
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        plain.push_str(before);
        let code = escape.get(1..4).and_then(|digits| u8::from_str_radix(digits, 8).ok());
        plain.push(code.map_or('\\', char::from));
        rest = &escape[if code.is_some() { 4 } else { 1 }..];
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_mount_point_is_read_as_it_is() {
        let line = r"36 35 98:0 /mnt1 /a\040b\134c rw,noatime master:1 - ext3 /dev/root rw";
        assert_eq!(point(line).unwrap(), Path::new(r"/a b\c"));
        assert_eq!(unescaped(r"\9\"), r"\9\");
    }

    #[test]
    fn what_is_mounted_below_is_found() {
        assert!(below(Path::new("/proc")).unwrap().contains(&PathBuf::from("/proc")));
        assert!(below(Path::new("/proc/self/nowhere")).unwrap().is_empty());
    }

    proptest! {
        #[test]
        fn no_line_makes_the_reader_panic_and_plain_text_stays(line: String, plain in "[^\\\\]{0,20}") {
            let _ = point(&line);
            prop_assert_eq!(unescaped(&plain), plain);
        }
    }
}

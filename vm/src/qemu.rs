//! The QEMU of this machine, and its version.

use std::path::{Path, PathBuf};

use crate::{VmError, command};

/// The program for machines like those that are built: x86-64.
pub(crate) const PROGRAM: &str = "qemu-system-x86_64";

/// A QEMU that can be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Qemu {
    /// The program.
    pub path: PathBuf,
    /// Its version, such as `10.0.2`.
    pub version: String,
    /// The first number of it.
    pub major: u32,
}

impl Qemu {
    /// Looks for it in PATH and asks for its version.
    ///
    /// # Errors
    /// [`VmError::Start`] if it is not there, [`VmError::Said`] if what it says has no version.
    pub async fn find() -> Result<Self, VmError> {
        let said = command::output(&[PROGRAM, "--version"].map(String::from)).await?;
        let path = command::in_path(PROGRAM).unwrap_or_else(|| PROGRAM.into());
        Self::parse(&path, &said).ok_or(VmError::Said { program: PROGRAM.into(), said })
    }

    /// Reads `QEMU emulator version 10.0.2 (Debian 1:10.0.2+ds-2)`.
    fn parse(path: &Path, said: &str) -> Option<Self> {
        let (_, after) = said.split_once("version ")?;
        let version = after.split_whitespace().next()?.to_owned();
        let major = version.split('.').next()?.parse().ok()?;
        Some(Self { path: path.to_owned(), version, major })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read_with_and_without_a_package() {
        let read = |said| Qemu::parse(Path::new("q"), said).map(|qemu| (qemu.version, qemu.major));
        let debian =
            "QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)\nCopyright (c) 2003-2022 F. B.\n";
        assert_eq!(read(debian), Some(("7.2.22".into(), 7)));
        assert_eq!(read("QEMU emulator version 10.1.0\nCopyright"), Some(("10.1.0".into(), 10)));
        assert_eq!(read("command not found"), None);
    }
}

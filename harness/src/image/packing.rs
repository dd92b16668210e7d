//! How a tar file is compressed, told by its first bytes and not by its name.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// How a tar file is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    /// Not at all.
    Plain,
    /// By gzip(1).
    Gzip,
    /// By bzip2(1).
    Bzip2,
    /// By xz(1).
    Xz,
    /// By zstd(1).
    Zstd,
}

impl Packing {
    /// Reads the first bytes of a file, whatever its name is. `None`: it is no tar file, or one of an unknown kind.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub(super) fn of(path: &Path) -> io::Result<Option<Self>> {
        if !path.metadata()?.is_file() {
            return Ok(None);
        }
        let mut head = vec![];
        File::open(path)?.take(512).read_to_end(&mut head)?;
        let magics: [(&[u8], Self); 4] = [
            (&[0x1f, 0x8b], Self::Gzip),
            (b"BZh", Self::Bzip2),
            (&[0xfd, b'7', b'z', b'X', b'Z', 0], Self::Xz),
            (&[0x28, 0xb5, 0x2f, 0xfd], Self::Zstd),
        ];
        let compressed =
            magics.into_iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, packing)| packing);
        // POSIX.1-1988 (ustar), where the header's magic is at 257.
        let plain = head.get(257..262) == Some(b"ustar");
        Ok(compressed.or(plain.then_some(Self::Plain)))
    }

    /// The command that writes the contents of `path` on its standard output.
    pub(super) fn unpacked(self, path: &Path) -> Vec<String> {
        let words: &[&str] = match self {
            Self::Plain => &["cat"],
            Self::Gzip => &["gzip", "--decompress", "--stdout"],
            Self::Bzip2 => &["bzip2", "--decompress", "--stdout"],
            Self::Xz => &["xz", "--decompress", "--stdout"],
            Self::Zstd => &["zstd", "--quiet", "--decompress", "--stdout"],
        };
        let words = words.iter().map(|&word| word.to_owned());
        words.chain(["--".into(), path.display().to_string()]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_by_their_first_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let kind = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            Packing::of(&path).unwrap()
        };
        assert_eq!(kind(b""), None);
        assert_eq!(kind(b"BZh91AY"), Some(Packing::Bzip2));
        assert_eq!(kind(&[0x28, 0xb5, 0x2f, 0xfd, 0]), Some(Packing::Zstd));
        assert_eq!(kind(&[[0; 257].as_slice(), b"ustar\0"].concat()), Some(Packing::Plain));
        assert_eq!(Packing::of(folder.path()).unwrap(), None);
    }

    #[test]
    fn a_file_is_unpacked_to_standard_output() {
        let argv = Packing::Zstd.unpacked(Path::new("/a b.tar.zst"));
        assert_eq!(argv, ["zstd", "--quiet", "--decompress", "--stdout", "--", "/a b.tar.zst"]);
    }
}

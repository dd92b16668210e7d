//! Who signed a file: asked of gpgv(1), which every distribution has, and which knows nothing of the person's own keys.

use std::fs;
use std::path::Path;

use crate::{DownloadError, Fingerprint, PublicKey, Url, VmError, command};

/// A signature that lies beside a file, and by whom it should be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Signature<'a> {
    /// The signature itself (RFC 9580, 10.4), with or without ASCII armor.
    pub(crate) bytes: &'a [u8],
    /// The key that should have made it.
    pub(crate) key: &'a PublicKey,
    /// The fingerprint of that key, or of the one that it belongs to.
    pub(crate) signer: &'a Fingerprint,
}

impl Signature<'_> {
    /// Fails unless the signature is of the bytes of `file`, and by that key. `url` is for the error only.
    ///
    /// # Errors
    /// [`DownloadError::Signature`], [`VmError::File`], or [`VmError::Start`] where there is no gpgv.
    pub(crate) async fn check(&self, url: &Url, file: &Path) -> Result<(), VmError> {
        let folder = tempfile::tempdir().map_err(|source| VmError::file("a temporary folder", source))?;
        let [signature, keyring] = ["signature", "keyring"].map(|name| folder.path().join(name));
        for (path, bytes) in [(&signature, self.bytes), (&keyring, self.key.bytes())] {
            fs::write(path, bytes).map_err(|source| VmError::file(path, source))?;
        }
        let [folder, signature, keyring, file] =
            [folder.path(), &signature, &keyring, file].map(|path| path.display().to_string());
        let argv =
            ["gpgv", "--homedir", &folder, "--keyring", &keyring, "--status-fd", "1", &signature, &file];
        let wrong = |said: &str| {
            let said = said.trim_start_matches("gpgv: ").to_owned();
            DownloadError::Signature { url: url.as_str().into(), signer: self.signer.as_str().into(), said }
        };
        match command::output(&argv.map(String::from)).await {
            Ok(status) if status.lines().any(|line| signer(line) == Some(self.signer.as_str())) => Ok(()),
            Ok(_) => Err(wrong("another key made the signature").into()),
            Err(VmError::Failed { said, .. }) => Err(wrong(said.lines().last().unwrap_or_default()).into()),
            Err(error) => Err(error),
        }
    }
}

/// Reads `[GNUPG:] VALIDSIG KEY DATE ... PRIMARY-KEY` (doc/DETAILS of GnuPG), and gives the last.
fn signer(line: &str) -> Option<&str> {
    line.strip_prefix("[GNUPG:] VALIDSIG ")?.split(' ').next_back()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_signed_is_the_last_word_of_the_status() {
        let status = "[GNUPG:] VALIDSIG 656E4C5A 2026-10-01 1790812800 0 4 0 22 10 00 1B9A1698";
        assert_eq!(signer(status), Some("1B9A1698"));
        assert_eq!(signer("[GNUPG:] GOODSIG 343635A6859A9174 arch-boxes"), None);
    }
}

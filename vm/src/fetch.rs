//! The fetching of one image: downloaded, checked, and grown by an overlay, so that it is never written itself.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::download::Downloader;
use crate::signature::Signature;
use crate::{CloudImage, DownloadError, Image, Spec, Url, VmError, command};

/// The most that a checksum or a signature takes, in bytes.
const SMALL: usize = 65_536;

/// Makes the image in the folder `partial`, going on with what an earlier attempt has left there. What turns out to be
/// wrong is removed.
pub(crate) async fn fetch(
    spec: &Spec,
    from: &CloudImage,
    partial: &Path,
    progress: &mut impl FnMut(&str),
) -> Result<(), VmError> {
    let downloader = Downloader::new()?;
    fs::create_dir_all(partial).map_err(|source| VmError::file(partial, source))?;
    let image = Image::at(partial.to_owned(), &spec.origin);
    let base = image.base();
    let signature = downloader.bytes(&from.url.beside(".sig"), SMALL).await?;
    let wanted = checksum(&from.url.beside(".SHA256"), &downloader).await?;
    downloader.file(&from.url, &base, progress).await?;
    progress("checking the image");
    let checked = match compare(&from.url, &base, wanted).await {
        Ok(()) => {
            Signature { bytes: &signature, key: &from.key, signer: &from.signer }
                .check(&from.url, &base)
                .await
        }
        wrong => wrong,
    };
    if let Err(VmError::Download(_)) = checked {
        fs::remove_file(&base).map_err(|source| VmError::file(&base, source))?;
    }
    checked?;
    let size = format!("{}M", spec.disk);
    let base = base.file_name().unwrap_or_default().to_string_lossy().into_owned();
    // The name of the base is relative to the overlay, so the folder can be renamed.
    let disk = image.disk().display().to_string();
    let words = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", &base, &disk, &size];
    command::output(&words.map(String::from)).await.map(drop)
}

/// Reads what sha256sum(1) writes: the digits first.
async fn checksum(url: &Url, downloader: &Downloader) -> Result<String, DownloadError> {
    let bytes = downloader.bytes(url, SMALL).await?;
    let text = String::from_utf8_lossy(&bytes);
    let digits = text.split_whitespace().next().unwrap_or_default();
    if digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        Ok(digits.to_ascii_lowercase())
    } else {
        Err(DownloadError::NoChecksum { url: url.as_str().into() })
    }
}

async fn compare(url: &Url, file: &Path, wanted: String) -> Result<(), VmError> {
    let got = digest(file).await.map_err(|source| VmError::file(file, source))?;
    if got == wanted {
        return Ok(());
    }
    Err(DownloadError::Checksum { url: url.as_str().into(), wanted, got }.into())
}

/// Others have their turn between the pieces.
async fn digest(file: &Path) -> io::Result<String> {
    let mut file = File::open(file)?;
    let mut hash = Sha256::new();
    let mut piece = vec![0; 1 << 20];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()),
            bytes => hash.update(&piece[..bytes]),
        }
        tokio::task::yield_now().await;
    }
}

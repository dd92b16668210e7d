//! What a machine is told at its boot: who may log in, and by which key it proves itself.
//!
//! A cloud image is told by the files of [`cloud_init`]. One that was built here takes one systemd credential in an SMBIOS string of type 11, which systemd takes from version 252 on: lines for
//! systemd-tmpfiles (`tmpfiles.extra`), since those write any file before anything listens. A credential of a name of
//! our own would not do: systemd-tmpfiles is given only those of its own.

use std::fs;

use data_encoding::BASE64;

use crate::place::make_folder;
use crate::{Origin, Place, Spec, VmError, cloud_init, command};

/// The keys of one machine, as ssh-keygen writes them.
#[derive(Debug)]
pub(crate) struct Keys {
    /// The public half of the key that opens root's account.
    pub(crate) user: String,
    /// The public half of the host key.
    pub(crate) host: String,
    /// The other half of the host key.
    pub(crate) host_secret: String,
}

/// Makes both pairs of keys of a machine, and writes what it and its visitors are told of them.
///
/// # Errors
/// [`VmError::File`], or what ssh-keygen says.
pub(crate) async fn prepare(place: &Place, spec: &Spec) -> Result<(), VmError> {
    for key in [place.user_key(), place.host_key()] {
        let file = key.display().to_string();
        let words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "nspawn-matrix", "-f", &file];
        command::output(&words.map(String::from)).await?;
    }
    let read =
        |path: std::path::PathBuf| fs::read_to_string(&path).map_err(|source| VmError::file(path, source));
    let public = |key: std::path::PathBuf| read(key.with_extension("pub"));
    let write = |path, text: String| fs::write(&path, text).map_err(|source| VmError::file(path, source));
    write(place.known_hosts(), format!("{} {}", place.name(), public(place.host_key())?))?;
    let keys = Keys {
        user: public(place.user_key())?,
        host: public(place.host_key())?,
        host_secret: read(place.host_key())?,
    };
    match &spec.origin {
        Origin::Build(_) => write(place.credentials(), credentials(&keys)),
        Origin::Download(image) => {
            make_folder(&place.seed())?;
            let files = cloud_init::files(place.name(), &keys, image);
            files.into_iter().try_for_each(|(name, text)| write(place.seed().join(name), text))
        }
    }
}

/// How many commands may go along with one connection ([`crate::Connection`]): as many as a test runner has threads.
const SESSIONS: u32 = 4096;

/// Gives the SMBIOS string.
fn credentials(keys: &Keys) -> String {
    let lines = format!(
        "f~ /etc/ssh/ssh_host_ed25519_key 600 root root - {}\n\
         d /root/.ssh 700 root root -\n\
         f~ /root/.ssh/authorized_keys 600 root root - {}\n\
         f /etc/ssh/sshd_config.d/nspawn-matrix.conf 644 root root - MaxSessions {SESSIONS}\n",
        BASE64.encode(keys.host_secret.as_bytes()),
        BASE64.encode(keys.user.as_bytes())
    );
    format!("io.systemd.credential.binary:tmpfiles.extra={}", BASE64.encode(lines.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_written_before_anything_listens_and_by_nobody_else_to_be_read() {
        let keys = Keys {
            user: "ssh-ed25519 A\n".into(),
            host: "ssh-ed25519 B\n".into(),
            host_secret: "secret\n".into(),
        };
        let said = credentials(&keys);
        let coded = said.strip_prefix("io.systemd.credential.binary:tmpfiles.extra=").unwrap();
        let lines = String::from_utf8(BASE64.decode(coded.as_bytes()).unwrap()).unwrap();
        insta::assert_snapshot!(lines, @r"
        f~ /etc/ssh/ssh_host_ed25519_key 600 root root - c2VjcmV0Cg==
        d /root/.ssh 700 root root -
        f~ /root/.ssh/authorized_keys 600 root root - c3NoLWVkMjU1MTkgQQo=
        f /etc/ssh/sshd_config.d/nspawn-matrix.conf 644 root root - MaxSessions 4096
        ");
    }
}

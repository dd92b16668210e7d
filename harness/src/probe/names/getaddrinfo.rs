//! A process that stays, and calls getaddrinfo(3) of the libc of the system that it is in (`getaddrinfo/main.rs`).

use std::fs::File;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv6Addr};
use std::os::fd::{AsRawFd, OwnedFd};

use nix::sys::memfd::{MFdFlags, memfd_create};
use nspawn_matrix_reports::Family;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, ChildStdout};

use crate::command::Command;

/// The program; nothing, where it could not be built.
const PROGRAM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/getaddrinfo"));

/// The program as a file that is in no file system, so that it can be started in any.
pub(super) fn program() -> io::Result<OwnedFd> {
    if PROGRAM.is_empty() {
        return Err(io::ErrorKind::Unsupported.into());
    }
    let mut file = File::from(memfd_create("getaddrinfo", MFdFlags::MFD_CLOEXEC)?);
    file.write_all(PROGRAM)?;
    // What somebody may write to is not started.
    Ok(File::open(path(&file))?.into())
}

/// The path of an open file, for whoever has it.
fn path(file: &impl AsRawFd) -> String {
    format!("/proc/self/fd/{}", file.as_raw_fd())
}

/// The process. It ends with whoever holds it.
pub(super) struct Getaddrinfo {
    _process: Child,
    requests: ChildStdin,
    replies: ChildStdout,
}

impl Getaddrinfo {
    /// Starts `program`, which asks one `module` of NSS or those of nsswitch.conf(5).
    ///
    /// # Errors
    /// If it cannot be started, as where there is no glibc.
    pub(super) fn start(program: &OwnedFd, module: Option<&str>) -> io::Result<Self> {
        // What the dynamic linker says is of no use to anybody: there is another way to ask.
        let silence = File::options().write(true).open("/dev/null")?;
        let command = Command::new(path(program), module).errors_to(silence);
        let mut process = command.spawn_piped().map_err(io::Error::other)?;
        let (requests, replies) = (process.stdin.take(), process.stdout.take());
        let (requests, replies) = requests.zip(replies).ok_or(io::ErrorKind::BrokenPipe)?;
        Ok(Self { _process: process, requests, replies })
    }

    /// Looks up a name, and gives its addresses as getent(1) writes them.
    ///
    /// # Errors
    /// If the process has ended.
    pub(super) async fn look_up(&mut self, name: &str, family: Family) -> io::Result<Vec<String>> {
        self.requests.write_all(&request(name, family)?).await?;
        let count = self.replies.read_u8().await?;
        let mut entries = vec![0; usize::from(count) * ENTRY];
        self.replies.read_exact(&mut entries).await?;
        Ok(entries.as_chunks().0.iter().filter_map(address).collect())
    }
}

fn request(name: &str, family: Family) -> io::Result<Vec<u8>> {
    let family = match family {
        Family::Any => nix::libc::AF_UNSPEC,
        Family::Ipv4 => nix::libc::AF_INET,
        Family::Ipv6 => nix::libc::AF_INET6,
    };
    // There is no longer name (RFC 1035, 2.3.4).
    let head = [u8::try_from(family), u8::try_from(name.len())];
    let [Ok(family), Ok(length)] = head else { return Err(io::ErrorKind::InvalidInput.into()) };
    Ok([&[family, length], name.as_bytes()].concat())
}

/// An address in a reply: 4 or 6, the address in 16 bytes, and the link.
const ENTRY: usize = 21;

/// An address as getent(1) writes it; none if it is an IPv4 address in the guise of IPv6.
fn address(entry: &[u8; ENTRY]) -> Option<String> {
    let (kind, rest) = entry.split_first()?;
    let (address, link) = rest.split_first_chunk::<16>()?;
    if *kind == 4 {
        return address.first_chunk::<4>().map(|v4| IpAddr::from(*v4).to_string());
    }
    let v6 = Ipv6Addr::from(*address);
    let link = u32::from_ne_bytes(link.try_into().ok()?);
    let scope = if link == 0 { String::new() } else { format!("%{link}") };
    v6.to_ipv4_mapped().is_none().then(|| format!("{v6}{scope}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_written_as_getent_writes_it() {
        let entry = |kind: u8, address: &[u8], link: u32| {
            let mut entry = [0; ENTRY];
            entry[0] = kind;
            entry[1..=address.len()].copy_from_slice(address);
            entry[17..].copy_from_slice(&link.to_ne_bytes());
            super::address(&entry)
        };
        assert_eq!(entry(4, &[10, 0, 55, 38], 0).unwrap(), "10.0.55.38");
        let v6 = |text: &str| text.parse::<Ipv6Addr>().unwrap().octets();
        assert_eq!(entry(6, &v6("fe80::1"), 2).unwrap(), "fe80::1%2");
        assert_eq!(entry(6, &v6("2001:db8::1"), 0).unwrap(), "2001:db8::1");
        assert_eq!(entry(6, &v6("::ffff:10.0.55.38"), 0), None);
    }

    #[test]
    fn a_name_that_is_too_long_is_not_asked_for() {
        assert_eq!(request("beta", Family::Ipv6).unwrap(), b"\x0a\x04beta");
        assert!(request(&"a".repeat(256), Family::Any).is_err());
    }

    #[tokio::test]
    async fn a_process_answers_again_and_again() {
        let mut process = Getaddrinfo::start(&program().unwrap(), None).unwrap();
        for _ in 0..3 {
            assert_eq!(process.look_up("127.0.0.7", Family::Ipv4).await.unwrap(), ["127.0.0.7"]);
            assert_eq!(process.look_up("fe80::1%1", Family::Any).await.unwrap(), ["fe80::1%1"]);
            assert!(process.look_up("no such name", Family::Any).await.unwrap().is_empty());
        }
    }

    #[tokio::test]
    async fn a_module_that_is_none_ends_it() {
        let mut process = Getaddrinfo::start(&program().unwrap(), Some("[")).unwrap();
        assert!(process.look_up("localhost", Family::Any).await.is_err());
    }
}

//! Observations: what was seen, never an opinion.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Names, Subnet, Wire};

/// Holds what one question saw, in the shape of that kind of question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Observation {
    /// `address/lease`.
    Lease(Lease),
    /// `ping/...`.
    Ping(Ping),
    /// `resolve/...`, through a resolver.
    Names(Names),
    /// `resolve/...`, past every resolver: all answers on the wire.
    Wire(Wire),
    /// `bind/owner` and `bind/mode`: every file of the bind mount, as seen from both sides.
    BindFiles(BindFiles),
    /// `bind/options`.
    Mount(Mount),
    /// `bind/write`.
    BindWrite(BindWrite),
    /// `autostart/...`.
    Autostart(Autostart),
    /// Whatever several values taken together answer.
    Properties(Properties),
}

/// An answer, and the values that it rests on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Properties {
    /// The answer in a word or two: `masqueraded`.
    pub answer: String,
    /// The values, by name: `setup` is `configured`.
    pub values: BTreeMap<String, String>,
}

impl Properties {
    /// Makes an answer that rests on `values`.
    #[must_use]
    pub fn new(answer: impl Into<String>, values: impl IntoIterator<Item = (&'static str, String)>) -> Self {
        let values = values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Self { answer: answer.into(), values }
    }
}

/// The addresses that a machine ended up with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Lease {
    /// The link that was looked at (`host0`), or none if the machine has no link of its own.
    pub link: Option<String>,
    /// The IPv4 address with a limited lifetime, which is how the kernel shows a DHCP lease.
    pub address: Option<Subnet>,
    /// All IPv4 and IPv6 addresses on the link, with prefix lengths.
    pub addresses: Vec<String>,
}

/// One series of ICMP echo requests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Ping {
    /// The address tried, with its scope where it has one; none if there was no address to try.
    pub target: Option<String>,
    /// Echo requests sent.
    pub sent: u32,
    /// Echo replies that came back.
    pub received: u32,
    /// Median round trip in microseconds, if any reply came.
    pub rtt_us: Option<u64>,
    /// Time to live (hop limit) of the first reply.
    pub ttl: Option<u8>,
    /// Bytes of each request with its IP header, where the size was the question; it may then not be fragmented.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u16>,
    /// Why nothing could be sent, as the kernel said it: `Network is unreachable`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// The files of a bind mount.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BindFiles {
    /// The files, by name.
    pub files: Vec<BindFile>,
}

/// One file of a bind mount, as seen on the host and in the machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BindFile {
    /// Path below the bind mount; `.` is the directory itself.
    pub name: String,
    /// What it is on the host.
    pub outside: Option<FileKind>,
    /// What it is in the machine; none if it is not there.
    pub inside: Option<FileKind>,
}

/// The attributes of a file that a bind mount may change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FileKind {
    /// `file`, `directory`, `symlink`, `fifo`, `socket`, `block`, `char`.
    pub kind: String,
    /// Owner, as the namespace of the observer has it.
    pub uid: u32,
    /// Group, as the namespace of the observer has it.
    pub gid: u32,
    /// Permission bits, set-id and sticky included, in octal: `4755`.
    pub mode: String,
}

/// A bind mount, as the machine's own mount table shows it (proc_pid_mountinfo(5)).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Mount {
    /// Type of the file system.
    pub fs_type: String,
    /// Per-mount options, in the order of the table.
    pub options: Vec<String>,
    /// Propagation: `shared`, `slave`, `private`, `unbindable`, as far as the optional fields tell.
    pub propagation: Vec<String>,
    /// Whether the mount maps ids (`idmapped`).
    pub idmapped: bool,
}

impl Mount {
    /// What is seen where nothing is mounted.
    #[must_use]
    pub fn none() -> Self {
        Self { fs_type: "none".to_owned(), options: Vec::new(), propagation: Vec::new(), idmapped: false }
    }

    /// Tells whether nothing is mounted: any mount is `rw` or `ro`.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.options.is_empty()
    }
}

/// What became of a file that root of the machine made in the bind mount.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum BindWrite {
    /// The file was made.
    Written(Written),
    /// The kernel refused.
    Refused {
        /// The name of the error: `EACCES`.
        errno: String,
    },
}

/// A file made in the machine, as seen from both sides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Written {
    /// What the machine sees.
    pub inside: FileKind,
    /// What the host sees; none if the file is not there.
    pub outside: Option<FileKind>,
}

/// Whether a machine is there again after the host was rebooted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Autostart {
    /// What systemd says of the unit file: `enabled`, `disabled`.
    pub enabled: String,
    /// What systemd says of the unit: `active`, `failed`, `inactive`.
    pub active: String,
    /// Whether the machine is registered with machined.
    pub registered: bool,
}

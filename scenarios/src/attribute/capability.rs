//! Capabilities of a program, as `security.capability` holds them: a header with a revision, then the permitted and the
//! inheritable set in two halves of 32 bits each, and in revision 3 the user id of the root that they are good for
//! (`vfs_cap_data` in `linux/capability.h`). All numbers are little-endian.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Revision 2: good for the root of the initial user namespace.
const REVISION_2: u32 = 0x0200_0000;

/// Revision 3: good for the root with the id that follows.
const REVISION_3: u32 = 0x0300_0000;

/// The part of the header that is the revision.
const REVISION: u32 = 0xff00_0000;

/// The bit of the header that says whether the sets are effective at once.
const EFFECTIVE: u32 = 1;

/// The capabilities of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileCapability {
    /// The permitted set, one bit for each capability.
    pub permitted: u64,
    /// The inheritable set.
    pub inheritable: u64,
    /// Whether they are effective as soon as the program runs.
    pub effective: bool,
    /// The id of the root that they are good for, where that is not the host's.
    pub root: Option<u32>,
}

impl FileCapability {
    /// `cap_net_raw=ep`, which lets a program send pings.
    pub const NET_RAW: Self = Self { permitted: 1 << 13, inheritable: 0, effective: true, root: None };

    /// The bytes that the kernel takes.
    pub(super) fn encode(&self) -> Vec<u8> {
        let revision = if self.root.is_some() { REVISION_3 } else { REVISION_2 };
        let header = revision | if self.effective { EFFECTIVE } else { 0 };
        let [permitted, inheritable] = [self.permitted, self.inheritable].map(u64::to_le_bytes);
        let half = |from: usize| {
            permitted[from..from + 4].iter().chain(&inheritable[from..from + 4]).copied().collect::<Vec<u8>>()
        };
        let root = self.root.map(u32::to_le_bytes).into_iter().flatten();
        header.to_le_bytes().into_iter().chain(half(0)).chain(half(4)).chain(root).collect()
    }

    /// Reads what the kernel gave; none if it is of no revision that is known here.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let words: Vec<u32> = bytes
            .chunks_exact(4)
            .map(|word| word.try_into().map(u32::from_le_bytes))
            .collect::<Result<_, _>>()
            .ok()?;
        let (header, low, high, root) = match (bytes.len(), words.as_slice()) {
            (20, [header, p0, i0, p1, i1]) => (*header, [*p0, *i0], [*p1, *i1], None),
            (24, [header, p0, i0, p1, i1, root]) => (*header, [*p0, *i0], [*p1, *i1], Some(*root)),
            _ => return None,
        };
        let revision = if root.is_some() { REVISION_3 } else { REVISION_2 };
        if header & REVISION != revision {
            return None;
        }
        let whole = |at: usize| u64::from(low[at]) | u64::from(high[at]) << 32;
        Some(Self { permitted: whole(0), inheritable: whole(1), effective: header & EFFECTIVE != 0, root })
    }
}

impl fmt::Display for FileCapability {
    /// As setcap(8) takes it: `cap_net_raw=ep`; any other set by its number, and what root it is good for.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.permitted, self.inheritable) {
            (0x2000, 0) => f.write_str("cap_net_raw")?,
            (permitted, 0) => write!(f, "{permitted:#x}")?,
            (permitted, inheritable) => write!(f, "{permitted:#x},{inheritable:#x}")?,
        }
        f.write_str(if self.effective { "=ep" } else { "=p" })?;
        self.root.map_or(Ok(()), |root| write!(f, " [rootid={root}]"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_capability_of_ping_has_the_bytes_that_setcap_writes() {
        let bytes = [1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(FileCapability::NET_RAW.encode(), bytes);
        assert_eq!(FileCapability::NET_RAW.to_string(), "cap_net_raw=ep");
    }

    #[test]
    fn a_capability_of_another_root_says_so() {
        let mapped = FileCapability { root: Some(100_000), ..FileCapability::NET_RAW };
        assert_eq!(mapped.to_string(), "cap_net_raw=ep [rootid=100000]");
    }

    proptest! {
        #[test]
        fn every_set_is_read_as_it_was_written(
            permitted: u64, inheritable: u64, effective: bool, root: Option<u32>
        ) {
            let capability = FileCapability { permitted, inheritable, effective, root };
            prop_assert_eq!(FileCapability::decode(&capability.encode()), Some(capability));
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..32)) {
            let _ = FileCapability::decode(&bytes);
        }
    }
}

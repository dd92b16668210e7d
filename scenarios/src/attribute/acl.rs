//! POSIX access control lists, as `system.posix_acl_access` holds them: a version, then eight bytes for each entry, all
//! little-endian (`linux/posix_acl_xattr.h`).

use std::fmt;

use serde::{Deserialize, Serialize};

/// The only version there is (`POSIX_ACL_XATTR_VERSION`).
const VERSION: u32 = 2;

/// The id of an entry that is about nobody in particular (`ACL_UNDEFINED_ID`). In a user namespace it also stands for an
/// id that has no counterpart there.
const UNDEFINED: u32 = u32::MAX;

/// An access control list; the kernel wants its entries in the order of their tags.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acl(pub Vec<AclEntry>);

/// What one entry allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AclEntry {
    /// Who it is about.
    pub tag: Tag,
    /// Permission bits: 4 to read, 2 to write, 1 to execute.
    pub permissions: u16,
}

/// Who an entry is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tag {
    /// The owner of the file.
    Owner,
    /// The user with this id.
    User(u32),
    /// The group of the file.
    OwningGroup,
    /// The group with this id.
    Group(u32),
    /// The most that named users and groups are allowed.
    Mask,
    /// Everybody else.
    Other,
}

impl Tag {
    /// Its number (`ACL_USER_OBJ` and so on), and the id beside it.
    fn number(self) -> (u16, u32) {
        match self {
            Self::Owner => (0x01, UNDEFINED),
            Self::User(id) => (0x02, id),
            Self::OwningGroup => (0x04, UNDEFINED),
            Self::Group(id) => (0x08, id),
            Self::Mask => (0x10, UNDEFINED),
            Self::Other => (0x20, UNDEFINED),
        }
    }

    fn of(number: u16, id: u32) -> Option<Self> {
        match number {
            0x01 => Some(Self::Owner),
            0x02 => Some(Self::User(id)),
            0x04 => Some(Self::OwningGroup),
            0x08 => Some(Self::Group(id)),
            0x10 => Some(Self::Mask),
            0x20 => Some(Self::Other),
            _ => None,
        }
    }
}

impl Acl {
    /// The bytes that the kernel takes.
    pub(super) fn encode(&self) -> Vec<u8> {
        let entry = |entry: &AclEntry| {
            let (tag, id) = entry.tag.number();
            let [tag, permissions] = [tag, entry.permissions].map(u16::to_le_bytes);
            [tag, permissions].concat().into_iter().chain(id.to_le_bytes()).collect::<Vec<u8>>()
        };
        VERSION.to_le_bytes().into_iter().chain(self.0.iter().flat_map(entry)).collect()
    }

    /// Reads what the kernel gave; none if it is no access control list.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (version, entries) = bytes.split_first_chunk()?;
        if u32::from_le_bytes(*version) != VERSION || entries.len() % 8 != 0 {
            return None;
        }
        let entry = |bytes: &[u8]| {
            let [tag0, tag1, permissions0, permissions1, id @ ..] = bytes else { return None };
            let tag = Tag::of(u16::from_le_bytes([*tag0, *tag1]), u32::from_le_bytes(id.try_into().ok()?))?;
            Some(AclEntry { tag, permissions: u16::from_le_bytes([*permissions0, *permissions1]) })
        };
        entries.chunks_exact(8).map(entry).collect::<Option<Vec<_>>>().map(Self)
    }
}

impl fmt::Display for Acl {
    /// As setfacl(1) takes it and getfacl(1) with `-n -c` shows it: `u::rw-,u:1000:r--,g::r--,m::r--,o::---`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, entry) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(f, "{comma}{entry}")?;
        }
        Ok(())
    }
}

impl fmt::Display for AclEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.tag {
            Tag::Owner => f.write_str("u::")?,
            Tag::User(id) => write!(f, "u:{id}:")?,
            Tag::OwningGroup => f.write_str("g::")?,
            Tag::Group(id) => write!(f, "g:{id}:")?,
            Tag::Mask => f.write_str("m::")?,
            Tag::Other => f.write_str("o::")?,
        }
        let bit = |bit, letter| if self.permissions & bit == 0 { '-' } else { letter };
        write!(f, "{}{}{}", bit(4, 'r'), bit(2, 'w'), bit(1, 'x'))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_tag() -> impl Strategy<Value = Tag> {
        prop_oneof![
            Just(Tag::Owner),
            any::<u32>().prop_map(Tag::User),
            Just(Tag::OwningGroup),
            any::<u32>().prop_map(Tag::Group),
            Just(Tag::Mask),
            Just(Tag::Other),
        ]
    }

    #[test]
    fn a_list_is_told_as_getfacl_tells_it() {
        let entry = |tag, permissions| AclEntry { tag, permissions };
        let acl = Acl(vec![entry(Tag::Owner, 6), entry(Tag::User(1000), 4), entry(Tag::Other, 0)]);
        assert_eq!(acl.to_string(), "u::rw-,u:1000:r--,o::---");
        assert_eq!(acl.encode()[..12], [2, 0, 0, 0, 1, 0, 6, 0, 255, 255, 255, 255]);
    }

    proptest! {
        #[test]
        fn every_list_is_read_as_it_was_written(
            entries in proptest::collection::vec((any_tag(), any::<u16>()), 0..8)
        ) {
            let acl = Acl(
                entries.into_iter().map(|(tag, permissions)| AclEntry { tag, permissions }).collect()
            );
            prop_assert_eq!(Acl::decode(&acl.encode()), Some(acl));
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Some(acl) = Acl::decode(&bytes) {
                prop_assert_eq!(acl.encode(), bytes);
            }
        }
    }
}

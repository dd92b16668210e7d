//! Extended attributes of files: what a step gives a file beside its mode, and what is found there again.
//!
//! An [`Attribute`] knows its bytes (xattr(7)) and the command that sets it by hand. Reading goes by [`told`], which
//! has words for every value, also for one that nobody here has written.

mod acl;
mod capability;

use serde::{Deserialize, Serialize};

pub use acl::{Acl, AclEntry, Tag};
pub use capability::FileCapability;

use crate::shell::quote;

/// The attribute that holds an access control list.
const ACL: &str = "system.posix_acl_access";

/// The attribute that holds the capabilities of a program.
const CAPABILITY: &str = "security.capability";

/// One extended attribute with its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "attribute", rename_all = "kebab-case")]
pub enum Attribute {
    /// Whatever a user likes.
    User {
        /// Its name behind `user.`.
        name: String,
        /// Its value.
        value: String,
    },
    /// An access control list (acl(5)).
    Acl {
        /// The list.
        acl: Acl,
    },
    /// A capability that a program has when it is run (capabilities(7)).
    Capability {
        /// The capability.
        capability: FileCapability,
    },
}

impl Attribute {
    /// The name of the attribute: `user.origin`.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::User { name, .. } => format!("user.{name}"),
            Self::Acl { .. } => ACL.to_owned(),
            Self::Capability { .. } => CAPABILITY.to_owned(),
        }
    }

    /// Its value as the kernel takes it.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        match self {
            Self::User { value, .. } => value.clone().into_bytes(),
            Self::Acl { acl } => acl.encode(),
            Self::Capability { capability } => capability.encode(),
        }
    }

    /// The command that gives it to the file at `path`.
    #[must_use]
    pub fn command(&self, path: &str) -> String {
        let path = quote(path);
        match self {
            Self::User { name, value } => format!("setfattr -n user.{name} -v {} {path}", quote(value)),
            Self::Acl { acl } => format!("setfacl --set {} {path}", quote(&acl.to_string())),
            Self::Capability { capability } => format!("setcap {} {path}", quote(&capability.to_string())),
        }
    }
}

/// The value of any attribute in words; bytes that are no value of that attribute are told as numbers.
#[must_use]
pub fn told(name: &str, value: &[u8]) -> String {
    let known = match name {
        ACL => Acl::decode(value).map(|acl| acl.to_string()),
        CAPABILITY => FileCapability::decode(value).map(|capability| capability.to_string()),
        _ => std::str::from_utf8(value).ok().map(str::to_owned),
    };
    known.unwrap_or_else(|| value.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_told_the_same_way() {
        let user = Attribute::User { name: "origin".to_owned(), value: "core".to_owned() };
        assert_eq!(told(&user.name(), &user.bytes()), "core");
        assert_eq!(user.command("/a b"), "setfattr -n user.origin -v core '/a b'");
    }

    #[test]
    fn bytes_that_nobody_understands_are_told_as_numbers() {
        assert_eq!(told("user.x", &[0xff, 0x00]), "ff00");
        assert_eq!(told(ACL, &[1, 2]), "0102");
        assert_eq!(told(CAPABILITY, b"abc"), "616263");
    }
}

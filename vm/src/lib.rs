//! Virtual machines: boots an image under QEMU without root, and hands back where its ssh answers.
//!
//! ```text
//! Spec -> Image (built or downloaded once, never written) -> argv (pure) -> Vm (running) -> Endpoint (ssh)
//! ```
//!
//! What is handed over at the boot and what comes back go three ways, each of which QEMU has of itself: keys by an
//! SMBIOS string that systemd takes as a credential, or on a small disk for cloud-init ([`firstboot`]), the word that ssh answers by a virtio port
//! ([`ready`]), and orders by QEMU's monitor ([`qmp`]). Nothing is polled.
//!
//! The crate knows nothing of containers and is used by whoever needs a machine. Everything is made for one thread:
//! programs that are tied to us end with the thread that started them.

mod accel;
mod argv;
mod build;
mod cloud_image;
mod cloud_init;
mod command;
mod download;
mod error;
mod fetch;
mod firstboot;
mod guest;
mod hooks;
mod image;
mod place;
mod qemu;
mod qmp;
mod ready;
mod root;
mod signature;
mod space;
mod spec;
mod ssh;
mod stored;
mod vm;

pub use accel::{Accel, Choice};
pub use argv::{Boot, Extra, Share, argv};
pub use cloud_image::{ArchiveDay, CloudImage, Fingerprint, PublicKey, Url};
pub use command::become_program;
pub use download::DownloadError;
pub use error::VmError;
pub use image::{Image, Kernel, Store};
pub use place::{Place, list, runtime_folder};
pub use qemu::Qemu;
pub use root::Root;
pub use spec::{Build, Chosen, Origin, Spec, SpecError};
pub use ssh::{Connection, Endpoint};
pub use stored::Entry;
pub use vm::{Life, Start, Vm, down, find};

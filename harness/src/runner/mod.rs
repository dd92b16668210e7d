//! The runner of `cargo test`: each test program runs in a virtual machine, as if it ran here.
//!
//! ```text
//! cargo -> runner (one for each program) -> Errand -> stand-in's connection -> carry_out, in the machine -> Outcome
//!            └─ the first one starts `vm session`, which boots the machine and ends it when cargo has ended
//! ```
//!
//! The workspace and the folder of build results are the same folders under the same paths in the machine ([`Shared`]),
//! so whatever a test reads and writes below them is here. What else a program is given goes in as an [`Errand`]: its
//! arguments, folder and environment, in a file that the machine sees. Standard input, output and error are those of
//! ssh. What comes back is its [`Outcome`].

mod errand;
mod inside;
mod owner;
mod session;
mod shared;

pub use errand::{Errand, Outcome, environment};
pub use inside::{carry_out, stand_in};
pub use owner::{Owner, place};
pub use session::{Session, reach};
pub use shared::Shared;

use std::path::{Path, PathBuf};

/// Where the machine has the folder that errands are in.
const EXCHANGE: &str = "/run/nspawn-matrix/exchange";

/// Where it has this program.
const PROGRAM: &str = "/usr/local/bin/nspawn-matrix";

/// This program in the exchange.
const PROGRAM_FILE: &str = "nspawn-matrix";

/// A file of the exchange, as the machine sees it.
fn in_machine(name: &str) -> PathBuf {
    Path::new(EXCHANGE).join(name)
}

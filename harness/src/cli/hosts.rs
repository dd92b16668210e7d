//! Which hosts `run` was asked for, and whether it can have them so.

use std::num::NonZeroUsize;
use std::path::Path;

use super::Failure;
use crate::engine::Ground;
use crate::host::{Kind, Roots};
use crate::image::{Pair, Pairs, Recipe};
use crate::prepare::{Unable, prepare, prepare_guests, prepare_nested};

/// What hosts are, with what they are made from.
pub(super) enum Hosts<'a> {
    /// Sandboxes on this machine.
    Sandboxes(&'a Pairs),
    /// One virtual machine.
    Guest(&'a Pair<Recipe>),
    /// Sandboxes in a virtual machine.
    Nested(&'a Pairs),
}

impl<'a> Hosts<'a> {
    /// Hosts of this kind, `jobs` at a time.
    ///
    /// # Errors
    /// A usage error if a single virtual machine is asked for what takes several.
    pub(super) fn of(kind: Kind, pairs: &'a Pairs, jobs: Option<NonZeroUsize>) -> Result<Self, Failure> {
        const HINT: &str = "have sandboxes in the machine with --host vm+sandbox";
        match kind {
            Kind::Sandbox => Ok(Self::Sandboxes(pairs)),
            Kind::VmSandbox => Ok(Self::Nested(pairs)),
            Kind::Vm if jobs.is_some_and(|jobs| jobs != NonZeroUsize::MIN) => {
                let message = "the scenarios share one machine with --host vm, so --jobs can only be 1";
                Err(Failure::usage(message).hint(format!("leave --jobs out, or {HINT}")))
            }
            Kind::Vm if pairs.has_packages() => {
                let message = "a profile needs packages, which the machine of --host vm cannot be given";
                Err(Failure::usage(message).hint(HINT))
            }
            Kind::Vm => pairs.only().map(Self::Guest).ok_or_else(|| {
                let message =
                    "the scenarios share one machine with --host vm, so there can be one --image and one --payload only";
                Failure::usage(message).hint(format!("run one after the other, or {HINT}"))
            }),
        }
    }

    /// Makes sure that they can be had.
    ///
    /// # Errors
    /// [`Unable`].
    pub(super) async fn prepare(
        &self,
        cache: &Path,
        roots: Option<Roots>,
        install: bool,
        agent: &Path,
    ) -> Result<Ground, Unable> {
        let progress = |line: &str| tell!("{line}");
        match self {
            Self::Sandboxes(pairs) => prepare(cache, pairs, roots, install, progress).await,
            Self::Guest(pair) => prepare_guests(cache, pair, agent, progress).await,
            Self::Nested(pairs) => prepare_nested(cache, pairs, roots, agent, progress).await,
        }
    }
}

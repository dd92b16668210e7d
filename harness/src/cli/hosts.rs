//! Which hosts `run` was asked for, and whether it can have them so.

use std::num::NonZeroUsize;
use std::path::Path;

use nspawn_matrix_scenarios::Scenario;

use super::{Failure, local};
use crate::engine::Ground;
use crate::host::{Hold, Kind, Roots, Survey};
use crate::image::{Pair, Pairs, Recipe, Store};
use crate::prepare::{Unable, prepare, prepare_guests, prepare_local, prepare_nested};

/// What hosts are, with what they are made from.
pub(super) enum Hosts<'a> {
    /// Sandboxes on this machine.
    Sandboxes(&'a Pairs),
    /// One virtual machine.
    Guest(&'a Pair<Recipe>),
    /// Sandboxes in a virtual machine.
    Nested(&'a Pairs),
    /// This machine, with what its machines are made from.
    Local(&'a Recipe, Hold),
}

impl<'a> Hosts<'a> {
    /// Hosts of this kind, `jobs` at a time.
    /// `scenarios` are as they will be stood up.
    ///
    /// # Errors
    /// A usage error if a single machine is asked for what takes several; that this machine cannot or may not be changed.
    pub(super) async fn of(
        kind: Kind,
        pairs: &'a Pairs,
        jobs: Option<NonZeroUsize>,
        scenarios: &[Scenario],
        cache: &Path,
        is_agreed: bool,
    ) -> Result<Self, Failure> {
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
            Kind::Local if jobs.is_some_and(|jobs| jobs != NonZeroUsize::MIN) => {
                Err(Failure::usage("this machine is one host, so --jobs can only be 1").hint("leave --jobs out"))
            }
            Kind::Local => {
                let pair = pairs.only().filter(|pair| pair.host == pair.payload).ok_or_else(|| {
                    Failure::usage("the host is this machine, so there can be one --image only, and no --payload")
                        .hint("say with --image what machines are made from")
                })?;
                local::can_ask(is_agreed)?;
                let image = Store::open(cache.to_owned()).find(&pair.payload);
                let survey = Survey::make(scenarios, image.as_ref().map(|image| image.path.as_path())).await?;
                Ok(Self::Local(&pair.payload, local::agree(survey, is_agreed)?))
            }
        }
    }

    /// Makes sure that they can be had.
    ///
    /// # Errors
    /// [`Unable`].
    pub(super) async fn prepare(
        self,
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
            Self::Local(recipe, hold) => prepare_local(cache, recipe, install, hold, progress).await,
        }
    }
}

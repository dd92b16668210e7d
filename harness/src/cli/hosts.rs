//! Which hosts `run` was asked for, and whether it can have them so.

use std::num::NonZeroUsize;
use std::path::Path;
use std::rc::Rc;

use nspawn_matrix_scenarios::Scenario;

use super::host_choice::Choice;
use super::{Failure, local, remote};
use crate::engine::Ground;
use crate::host::{Hold, Kind, LeftOut, Remote, Roots, Survey};
use crate::image::{Pair, Pairs, Recipe, Store};
use crate::prepare::{Unable, prepare, prepare_guests, prepare_local, prepare_nested, prepare_remote};

/// What hosts are, with what they are made from.
pub(super) enum Hosts<'a> {
    /// Sandboxes on this machine.
    Sandboxes(&'a Pairs),
    /// One virtual machine.
    Guest(&'a Pair<Recipe>),
    /// Sandboxes in a virtual machine.
    Nested(&'a Pairs),
    /// This machine, with what its machines are made from and what is left out.
    Local(&'a Recipe, Hold, LeftOut),
    /// Machines elsewhere, with what their machines are made from.
    Ssh(&'a Recipe, Vec<Elsewhere>),
}

/// A machine elsewhere.
pub(super) struct Elsewhere {
    /// Its name.
    name: String,
    remote: Rc<Remote>,
    left_out: LeftOut,
}

/// What one run is on.
pub(super) struct Prepared {
    /// The name of the machine, if it is elsewhere.
    pub name: Option<String>,
    /// What its hosts are booted from.
    pub ground: Ground,
    /// The scenarios that it cannot have.
    pub left_out: LeftOut,
}

/// How hosts are asked for.
pub(super) struct Wanted<'a> {
    /// What they are.
    pub choice: &'a Choice,
    /// A configuration of ssh instead of the person's own.
    pub ssh_config: Option<&'a Path>,
    /// How many at a time.
    pub jobs: Option<NonZeroUsize>,
    /// What they will be hosts of, as it will be stood up.
    pub scenarios: &'a [Scenario],
    /// Where images are kept.
    pub cache: &'a Path,
    /// Whether a machine may be changed unasked.
    pub is_agreed: bool,
}

impl<'a> Hosts<'a> {
    /// Hosts from these images.
    ///
    /// # Errors
    /// A usage error if a single machine is asked for what takes several; that this machine cannot or may not be changed.
    pub(super) async fn of(pairs: &'a Pairs, wanted: Wanted<'_>) -> Result<Self, Failure> {
        let Wanted { choice, ssh_config, jobs, scenarios, cache, is_agreed } = wanted;
        const HINT: &str = "have sandboxes in the machine with --host vm+sandbox";
        match choice.kind() {
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
            Kind::Local | Kind::Ssh if jobs.is_some_and(|jobs| jobs != NonZeroUsize::MIN) => {
                Err(Failure::usage("the machine is one host, so --jobs can only be 1").hint("leave --jobs out"))
            }
            Kind::Local | Kind::Ssh => {
                let pair = pairs.only().filter(|pair| pair.host == pair.payload).ok_or_else(|| {
                    Failure::usage("the host is there already, so there can be one --image only, and no --payload")
                        .hint("say with --image what machines are made from")
                })?;
                local::can_ask(choice.kind(), is_agreed)?;
                let image = Store::open(cache.to_owned()).find(&pair.payload);
                let root = image.and_then(|image| Some(image.path.metadata().ok()?.len()));
                let Choice::Ssh(targets) = choice else {
                    let survey = Survey::make(scenarios, root).await?;
                    let (hold, left_out) = local::agree(survey, is_agreed)?;
                    return Ok(Self::Local(&pair.payload, hold, left_out));
                };
                let remotes = remote::reach(targets, ssh_config).await?;
                let left_out = match remote::agree(&remotes, scenarios, root, is_agreed).await {
                    Ok(left_out) => left_out,
                    Err(failure) => {
                        remote::close(&remotes).await;
                        return Err(failure);
                    }
                };
                let elsewhere = targets.iter().zip(remotes).zip(left_out).map(|((target, remote), left_out)| {
                    Elsewhere { name: target.name.clone(), remote, left_out }
                });
                Ok(Self::Ssh(&pair.payload, elsewhere.collect()))
            }
        }
    }

    /// The machines elsewhere among them.
    pub(super) fn remotes(&self) -> Vec<Rc<Remote>> {
        match self {
            Self::Ssh(_, elsewhere) => elsewhere.iter().map(|one| Rc::clone(&one.remote)).collect(),
            Self::Sandboxes(_) | Self::Guest(_) | Self::Nested(_) | Self::Local(..) => Vec::new(),
        }
    }

    /// Makes sure that they can be had; gives what each run is on.
    ///
    /// # Errors
    /// [`Unable`].
    pub(super) async fn prepare(
        self,
        cache: &Path,
        roots: Option<Roots>,
        install: bool,
        agent: &Path,
    ) -> Result<Vec<Prepared>, Unable> {
        let progress = |line: &str| tell!("{line}");
        let remotes = self.remotes();
        let mut lacks = LeftOut::new();
        let ground =
            match self {
                Self::Sandboxes(pairs) => prepare(cache, pairs, roots, install, progress).await,
                Self::Guest(pair) => prepare_guests(cache, pair, agent, progress).await,
                Self::Nested(pairs) => prepare_nested(cache, pairs, roots, agent, progress).await,
                Self::Local(recipe, hold, left_out) => {
                    lacks = left_out;
                    prepare_local(cache, recipe, install, hold, progress).await
                }
                Self::Ssh(recipe, elsewhere) => {
                    prepare_remote(cache, recipe, &remotes, install, progress).await?;
                    let prepared = elsewhere.into_iter().map(|Elsewhere { name, remote, left_out }| {
                        Prepared { name: Some(name), ground: Ground::Ssh(remote), left_out }
                    });
                    return Ok(prepared.collect());
                }
            };
        Ok(vec![Prepared { name: None, ground: ground?, left_out: lacks }])
    }
}

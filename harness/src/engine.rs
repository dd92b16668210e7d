//! The engine: carries out a plan and gives a report.
//!
//! Each host of the plan is measured by a `HostTask`, as many at a time as the plan has jobs, all from the start or
//! each when it is asked for. Whatever happens to a host, every cell of the plan has a case in the report: what could
//! not be measured is `broken`, and says why.

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Instant;

use futures_util::stream::{self, Stream, StreamExt};
use nspawn_matrix_reports::{Case, HostRecord, Report, Run, SCHEMA};
use time::OffsetDateTime;
use tokio::sync::watch;

use crate::agent::EvidenceFile;
use crate::chain::causes;
use crate::host::{
    BOOT, Blank, Contents, Guests, Hold, Kind, Local, Needs, Nested, Remote, Roots, Site, Workspace,
};
use crate::image::{Images, Pair};
use crate::measure::{HostTask, Measured};
use crate::order::longest_first;
use crate::plan::{self, HostPlan, Plan};
use crate::processors::Usage;

/// What an engine needs beside the plan.
pub struct Engine {
    /// Id of the run: eight hexadecimal digits.
    pub run_id: String,
    /// What hosts are made from.
    pub ground: Ground,
    /// This program, as a file that hosts can be given.
    pub agent: PathBuf,
    /// Whether what is done to a host is taken back, as on one that is kept.
    pub undo: bool,
    /// Whether what the reasons of a host say is done there, and everything asked again.
    pub remedies: bool,
    /// Turns true when the run is to be ended.
    pub interrupted: watch::Receiver<bool>,
}

/// What hosts are made from, by their kind.
pub enum Ground {
    /// Sandboxes.
    Sandboxes {
        /// The images of hosts and machines, tar files.
        images: Images,
        /// The folder of the cache.
        cache: PathBuf,
        /// How roots are copied.
        roots: Roots,
    },
    /// One virtual machine after another.
    Guests {
        /// What they are booted from.
        blank: Box<Blank>,
        /// The image of the machines, a tar file.
        payload: PathBuf,
    },
    /// Sandboxes in a virtual machine.
    Nested {
        /// What it is booted from.
        blank: Box<Blank>,
        /// The images of hosts and machines, tar files.
        images: Images,
        /// How roots are copied.
        roots: Roots,
    },
    /// This machine itself.
    Local {
        /// The image of the machines, a tar file.
        payload: PathBuf,
        /// Nobody else changes the machine meanwhile.
        hold: Hold,
    },
    /// A machine elsewhere, which has the image of the machines.
    Ssh(Rc<Remote>),
}

impl Ground {
    const fn kind(&self) -> Kind {
        match self {
            Self::Sandboxes { .. } => Kind::Sandbox,
            Self::Guests { .. } => Kind::Vm,
            Self::Nested { .. } => Kind::VmSandbox,
            Self::Local { .. } => Kind::Local,
            Self::Ssh(_) => Kind::Ssh,
        }
    }

    /// Hosts at the same time, if nobody says otherwise.
    #[must_use]
    pub fn default_jobs(&self) -> usize {
        match self {
            Self::Sandboxes { .. } => plan::default_jobs(),
            Self::Guests { .. } | Self::Local { .. } | Self::Ssh(_) => 1,
            Self::Nested { blank, .. } => plan::jobs_in(&blank.spec, blank.accel),
        }
    }
}

/// What happens during a run, for whoever watches.
#[derive(Debug)]
pub enum Progress<'a> {
    /// A host goes on to the next thing.
    Host {
        /// Its part of the plan.
        host: &'a HostPlan,
        /// What it does now: `booting`.
        now: &'a str,
    },
    /// A case is settled.
    Case(&'a Case),
    /// A host is done.
    Done {
        /// Its part of the plan.
        host: &'a HostPlan,
        /// What is known of it.
        record: &'a HostRecord,
        /// A case for each cell of its plan.
        cases: &'a [Case],
    },
}

/// Evidence of a host on which something was not green.
#[derive(Debug)]
pub struct Evidence {
    /// Id of the host, which names the folder.
    pub host: String,
    /// The files.
    pub files: Vec<EvidenceFile>,
}

/// What a run gives.
#[derive(Debug)]
pub struct Outcome {
    /// The report.
    pub report: Report,
    /// Evidence, for hosts that need it.
    pub evidence: Vec<Evidence>,
    /// Whether there was a place for the hosts, and whether it could be taken away again.
    pub site: anyhow::Result<()>,
}

/// Whoever watches.
pub type Watcher = Rc<RefCell<dyn FnMut(&Progress<'_>)>>;

impl Engine {
    /// Carries out the plan. Must be called in a `LocalSet`, on a thread that may leave its mount namespace. Whatever
    /// happens, the report has a case for each cell of the plan.
    pub async fn run(
        self,
        plan: Plan,
        argv: Vec<String>,
        watcher: impl FnMut(&Progress<'_>) + 'static,
    ) -> Outcome {
        let hosts = stream::iter(longest_first(plan.hosts.clone(), plan.samples));
        self.run_as_asked(plan, hosts, argv, watcher).await
    }

    /// Does the same with those hosts of the plan that `hosts` gives, each as soon as it comes, until no more will.
    pub async fn run_as_asked(
        self,
        plan: Plan,
        hosts: impl Stream<Item = HostPlan>,
        argv: Vec<String>,
        watcher: impl FnMut(&Progress<'_>) + 'static,
    ) -> Outcome {
        let (started, usage) = (OffsetDateTime::now_utc(), Usage::begin());
        let (clock, watcher): (_, Watcher) = (Instant::now(), Rc::new(RefCell::new(watcher)));
        let task = |host| {
            // It is made when there is room for it, and begins at once.
            usage.host_begins();
            self.task(&plan, host, clock, &watcher)
        };
        let (measured, site) = match self.open_site(&plan).await {
            Ok(site) => {
                let mut measured = self.measure(hosts.map(task), plan.jobs, &site).await;
                let place =
                    |host: &Measured| plan.hosts.iter().position(|planned| planned.id == host.record.id);
                measured.sort_by_key(place);
                (measured, site.close().await)
            }
            Err(error) => {
                let reason = causes(&*error);
                let hosts = plan.hosts.iter().cloned();
                (hosts.map(|host| task(host).not_measured(&reason)).collect(), Err(error))
            }
        };
        let run = Run {
            id: self.run_id,
            started,
            finished: OffsetDateTime::now_utc(),
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            argv,
            utilisation: usage.until_now(),
            redacted: false,
        };
        Outcome::new(run, measured, site)
    }

    async fn open_site(&self, plan: &Plan) -> anyhow::Result<Site> {
        let hosts = plan.jobs.min(plan.hosts.len());
        let of_hosts: Vec<Pair<String>> = plan.hosts.iter().map(HostPlan::roots).collect();
        match &self.ground {
            Ground::Sandboxes { images, cache, roots } => {
                let needs = Needs {
                    cache,
                    run_id: &self.run_id,
                    images,
                    roots: *roots,
                    hosts,
                    of_hosts: &of_hosts,
                    patience: BOOT,
                    program: &self.agent,
                };
                Ok(Site::Sandboxes(Workspace::open(needs).await?))
            }
            Ground::Guests { blank, payload } => {
                let guests = Guests::new((**blank).clone(), payload.clone(), plan.machines())?;
                Ok(Site::Guests(guests))
            }
            Ground::Local { payload, hold: _ } => {
                Ok(Site::Local(Local::new(payload.clone(), self.agent.clone())))
            }
            Ground::Ssh(remote) => Ok(Site::Ssh(Rc::clone(remote))),
            Ground::Nested { blank, images, roots } => {
                let (run_id, images, roots) = (self.run_id.clone(), images.clone(), *roots);
                let contents = Contents { run_id, images, roots, hosts, of_hosts };
                Ok(Site::Nested(Box::new(Nested::new((**blank).clone(), contents)?)))
            }
        }
    }

    fn task(&self, plan: &Plan, host: HostPlan, clock: Instant, watcher: &Watcher) -> HostTask {
        HostTask {
            host,
            kind: self.ground.kind(),
            samples: plan.samples,
            undo: self.undo,
            remedies: self.remedies,
            run_id: self.run_id.clone(),
            agent: self.agent.clone(),
            clock,
            watcher: Rc::clone(watcher),
        }
    }

    /// Measures the hosts, `jobs` at a time; gives them in the order in which they were done.
    async fn measure(&self, tasks: impl Stream<Item = HostTask>, jobs: usize, site: &Site) -> Vec<Measured> {
        let measure = |task: HostTask| task.measure(site, self.interrupted.clone());
        tasks.map(measure).buffer_unordered(jobs).collect().await
    }
}

impl Outcome {
    fn new(run: Run, measured: Vec<Measured>, site: anyhow::Result<()>) -> Self {
        let (hosts, cases, timeline) = (Vec::new(), Vec::new(), Vec::new());
        let mut report = Report { schema: SCHEMA.to_owned(), run, hosts, cases, timeline };
        let mut evidence = Vec::new();
        for host in measured.into_iter().flat_map(Measured::in_order) {
            report.hosts.push(host.record);
            report.cases.extend(host.cases);
            report.timeline.extend(host.timeline);
            evidence.extend(host.evidence);
        }
        Self { report, evidence, site }
    }
}

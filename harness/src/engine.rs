//! The engine: carries out a plan and gives a report.
//!
//! Each host of the plan is measured by a `HostTask`, as many at a time as the plan has jobs. Whatever happens to a
//! host, every cell of the plan has a case in the report: what could not be measured is `broken`, and says why.

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Instant;

use futures_util::future::join_all;
use nspawn_matrix_reports::{Case, Report, Run, SCHEMA};
use time::OffsetDateTime;
use tokio::sync::{Semaphore, watch};

use crate::agent::EvidenceFile;
use crate::chain::causes;
use crate::host::{Needs, Roots, Workspace, WorkspaceError};
use crate::measure::{HostTask, Measured};
use crate::plan::{HostPlan, Plan};

/// What an engine needs beside the plan.
pub struct Engine {
    /// Id of the run: eight hexadecimal digits.
    pub run_id: String,
    /// The image, a tar file.
    pub image: PathBuf,
    /// The folder of the cache.
    pub cache: PathBuf,
    /// This program, as a file that hosts can be given.
    pub agent: PathBuf,
    /// How roots are copied.
    pub roots: Roots,
    /// Turns true when the run is to be ended.
    pub interrupted: watch::Receiver<bool>,
}

/// What happens during a run, for whoever watches.
#[derive(Debug)]
pub enum Progress<'a> {
    /// A host goes on to the next thing.
    Host {
        /// Name of the scenario.
        scenario: &'a str,
        /// What it does now: `booting`.
        now: &'a str,
    },
    /// A case is settled.
    Case(&'a Case),
    /// A host is done.
    Done {
        /// Name of the scenario.
        scenario: &'a str,
        /// A case for each cell of its plan.
        cases: &'a [Case],
    },
}

/// Evidence of a host on which something was not green.
#[derive(Debug)]
pub struct Evidence {
    /// Name of the scenario, which names the folder.
    pub scenario: String,
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
    /// Whether there was a place for the roots, and whether it could be taken away again.
    pub workspace: Result<(), WorkspaceError>,
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
        let started = OffsetDateTime::now_utc();
        let watcher: Watcher = Rc::new(RefCell::new(watcher));
        let tasks = self.tasks(&plan, &watcher);
        let (measured, workspace) = match self.open_workspace(&plan).await {
            Ok(workspace) => self.measure(tasks, plan.jobs, workspace).await,
            Err(error) => {
                let reason = causes(&error);
                (tasks.iter().map(|task| task.not_measured(&reason)).collect(), Err(error))
            }
        };
        let run = Run {
            id: self.run_id,
            started,
            finished: OffsetDateTime::now_utc(),
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            argv,
        };
        Outcome::new(run, measured, workspace)
    }

    async fn open_workspace(&self, plan: &Plan) -> Result<Workspace, WorkspaceError> {
        Workspace::open(Needs {
            cache: &self.cache,
            run_id: &self.run_id,
            image: &self.image,
            roots: self.roots,
            hosts: plan.jobs.min(plan.hosts.len()),
            hosts_in_all: plan.hosts.len(),
            program: &self.agent,
        })
        .await
    }

    /// One task for each host, in the order of the plan.
    fn tasks(&self, plan: &Plan, watcher: &Watcher) -> Vec<HostTask> {
        let clock = Instant::now();
        let task = |host: &HostPlan| HostTask {
            host: host.clone(),
            image: plan.image.clone(),
            samples: plan.samples,
            run_id: self.run_id.clone(),
            agent: self.agent.clone(),
            clock,
            watcher: Rc::clone(watcher),
        };
        plan.hosts.iter().map(task).collect()
    }

    /// Measures the hosts, `jobs` at a time; gives them in the order of the tasks, and how the workspace went away.
    async fn measure(
        &self,
        tasks: Vec<HostTask>,
        jobs: usize,
        workspace: Workspace,
    ) -> (Vec<Measured>, Result<(), WorkspaceError>) {
        let jobs = Semaphore::new(jobs);
        let measured = join_all(tasks.into_iter().map(|task| {
            let (jobs, workspace, interrupted) = (&jobs, &workspace, self.interrupted.clone());
            async move {
                let _permit = jobs.acquire().await;
                task.measure(workspace, interrupted).await
            }
        }))
        .await;
        (measured, workspace.close().await)
    }
}

impl Outcome {
    fn new(run: Run, measured: Vec<Measured>, workspace: Result<(), WorkspaceError>) -> Self {
        let (hosts, cases, timeline) = (Vec::new(), Vec::new(), Vec::new());
        let mut report = Report { schema: SCHEMA.to_owned(), run, hosts, cases, timeline };
        let mut evidence = Vec::new();
        for host in measured {
            report.hosts.push(host.record);
            report.cases.extend(host.cases);
            report.timeline.extend(host.timeline);
            evidence.extend(host.evidence);
        }
        Self { report, evidence, workspace }
    }
}

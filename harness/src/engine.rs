//! The engine: carries out a plan and gives a report.
//!
//! Each host of the plan is measured by a `HostTask`, as many at a time as the plan has jobs. Whatever happens to a
//! host, every cell of the plan has a case in the report: what could not be measured is `broken`, and says why.

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Instant;

use nspawn_matrix_reports::{Case, Report, Run, SCHEMA};
use time::OffsetDateTime;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::agent::EvidenceFile;
use crate::host::{Needs, Roots, Workspace, WorkspaceError};
use crate::measure::{HostTask, Measured};
use crate::plan::Plan;

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
    },
}

/// Evidence of a host on which something was not as claimed.
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
}

/// Whoever watches.
pub type Watcher = Rc<RefCell<dyn FnMut(&Progress<'_>)>>;

impl Engine {
    /// Carries out the plan. Must be called in a `LocalSet`, on a thread that may leave its mount namespace.
    ///
    /// # Errors
    /// If there is no place for the roots. Whatever happens later is in the report.
    pub async fn run(
        self,
        plan: Plan,
        argv: Vec<String>,
        watcher: impl FnMut(&Progress<'_>) + 'static,
    ) -> Result<Outcome, WorkspaceError> {
        let started = OffsetDateTime::now_utc();
        let clock = Instant::now();
        let workspace = Workspace::open(Needs {
            cache: &self.cache,
            run_id: &self.run_id,
            image: &self.image,
            roots: self.roots,
            hosts: plan.jobs.min(plan.hosts.len()),
            program: &self.agent,
        })
        .await?;
        let workspace = Rc::new(workspace);
        let watcher: Watcher = Rc::new(RefCell::new(watcher));
        let measured = self.measure_all(plan, &workspace, clock, watcher).await;
        let mut report = Report {
            schema: SCHEMA.to_owned(),
            run: Run {
                id: self.run_id,
                started,
                finished: started,
                tool_version: env!("CARGO_PKG_VERSION").to_owned(),
                argv,
            },
            hosts: Vec::new(),
            cases: Vec::new(),
            timeline: Vec::new(),
        };
        let mut evidence = Vec::new();
        for host in measured {
            report.hosts.push(host.record);
            report.cases.extend(host.cases);
            report.timeline.extend(host.timeline);
            evidence.extend(host.evidence);
        }
        if let Ok(workspace) = Rc::try_unwrap(workspace) {
            workspace.close().await?;
        }
        report.run.finished = OffsetDateTime::now_utc();
        Ok(Outcome { report, evidence })
    }

    /// Measures all hosts of the plan, and gives them in its order.
    async fn measure_all(
        &self,
        plan: Plan,
        workspace: &Rc<Workspace>,
        clock: Instant,
        watcher: Watcher,
    ) -> Vec<Measured> {
        let jobs = Rc::new(Semaphore::new(plan.jobs));
        let mut tasks = JoinSet::new();
        for (place, host) in plan.hosts.into_iter().enumerate() {
            let task = HostTask {
                host,
                image: plan.image.clone(),
                samples: plan.samples,
                run_id: self.run_id.clone(),
                agent: self.agent.clone(),
                clock,
                watcher: Rc::clone(&watcher),
            };
            let (jobs, workspace) = (Rc::clone(&jobs), Rc::clone(workspace));
            let interrupted = self.interrupted.clone();
            tasks.spawn_local(async move {
                let permit = jobs.acquire().await;
                let measured = task.measure(&workspace, interrupted).await;
                drop(permit);
                (place, measured)
            });
        }
        let mut measured: Vec<(usize, Measured)> = tasks.join_all().await;
        measured.sort_by_key(|(place, _)| *place);
        measured.into_iter().map(|(_, host)| host).collect()
    }
}

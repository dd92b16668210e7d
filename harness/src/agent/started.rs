//! Machines that were started, before anything is asked of them. What is known of them is kept whatever comes of them:
//! one that never settles has a journal that says why.

use std::collections::BTreeMap;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use nspawn_matrix_scenarios::Scenario;

use super::event;
use super::launch::{Ended, Launched, launch};
use super::machined::Machined;
use super::pace::Pace;

/// How long a machine may take to be registered.
const REGISTRATION: Duration = Duration::from_secs(30);

/// The machines of a scenario, as far as they have come.
pub(super) struct Started {
    launched: Launched,
    machined: Machined,
    pace: Pace,
    leaders: Vec<(String, i32)>,
    refused: BTreeMap<String, Ended>,
}

impl Started {
    /// Starts the machines.
    pub(super) async fn launch(scenario: &Scenario, pace: Pace) -> anyhow::Result<Self> {
        let machined = Machined::subscribe().await?;
        Ok(Self {
            launched: launch(scenario).await?,
            machined,
            pace,
            leaders: Vec::new(),
            refused: BTreeMap::new(),
        })
    }

    /// Waits until each machine is registered, or has refused to start where that is an answer.
    pub(super) async fn register(&mut self, scenario: &Scenario) -> anyhow::Result<()> {
        let patience = self.pace.patience(REGISTRATION);
        for name in &scenario.machines {
            let leader = tokio::select! {
                leader = self.machined.leader(name, patience) => leader?,
                ended = self.launched.ended(name) => {
                    if !scenario.may_refuse {
                        return Err(ended.into());
                    }
                    event(Some(name), "refused");
                    self.refused.insert(name.clone(), ended);
                    continue;
                }
            };
            self.leaders.push((name.clone(), leader));
            event(Some(name), "registered");
        }
        Ok(())
    }

    /// Looks who is registered now: a machine may have been restarted by somebody else. One that did not start is started
    /// again.
    pub(super) async fn register_anew(&mut self, scenario: &Scenario) -> anyhow::Result<()> {
        self.leaders.clear();
        for machine in std::mem::take(&mut self.refused).into_keys() {
            self.launched.start_again(scenario, &machine).await?;
        }
        self.register(scenario).await
    }

    /// Ends the machines that were started on a command line: with its first process a machine ends, and then
    /// systemd-nspawn takes away what it has made.
    pub(super) async fn end(self) -> anyhow::Result<()> {
        for (_, leader) in &self.leaders {
            // One that has ended by itself is as good.
            let _ = kill(Pid::from_raw(*leader), Signal::SIGKILL);
        }
        self.launched.end().await
    }

    /// Forgets the leaders, which are no more.
    pub(super) fn are_gone(&mut self) {
        self.leaders.clear();
    }

    /// The machines that did not start, where that is an answer.
    pub(super) fn refused(&self) -> &BTreeMap<String, Ended> {
        &self.refused
    }

    /// How long things may take here.
    pub(super) fn pace(&self) -> Pace {
        self.pace
    }

    /// Names and leaders of the machines that are registered.
    pub(super) fn leaders(&self) -> &[(String, i32)] {
        &self.leaders
    }
}

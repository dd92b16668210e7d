//! The main process of a unit, as systemd remembers it after its end (org.freedesktop.systemd1(5), `ExecMainPID`).

use crate::command::Command;

/// The last main process of a unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct MainProcess {
    /// Its id; none if the unit was never started.
    pub(super) pid: Option<i32>,
    /// With what status it ended, unless it lives or a signal ended it.
    pub(super) code: Option<i32>,
    /// When it was started, in microseconds (`CLOCK_MONOTONIC`).
    pub(super) started: Option<u64>,
}

impl MainProcess {
    /// Asks for that of `unit`.
    pub(super) async fn of(unit: &str) -> anyhow::Result<Self> {
        let show = [
            "show",
            "--property=ExecMainPID,ExecMainCode,ExecMainStatus,ExecMainStartTimestampMonotonic",
            unit,
        ];
        Ok(Self::parse(&Command::new("systemctl", show).output().await?))
    }

    fn parse(properties: &str) -> Self {
        let text =
            |name: &str| properties.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        let value = |name: &str| text(name)?.parse::<i32>().ok();
        let started = text("ExecMainStartTimestampMonotonic").and_then(|at| at.parse().ok());
        // `CLD_EXITED` is 1 (sigaction(2)).
        let has_exited = value("ExecMainCode") == Some(1);
        Self {
            pid: value("ExecMainPID").filter(|pid| *pid > 0),
            code: value("ExecMainStatus").filter(|_| has_exited),
            started: started.filter(|at| *at > 0),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_process_that_a_signal_ended_has_no_exit_status() {
        let code = |properties: &str| MainProcess::parse(properties).code;
        assert_eq!(code("ExecMainCode=1\nExecMainStatus=33\n"), Some(33));
        assert_eq!(code("ExecMainCode=2\nExecMainStatus=9\n"), None);
        assert_eq!(
            MainProcess::parse(
                "ExecMainPID=0\nExecMainCode=0\nExecMainStatus=0\nExecMainStartTimestampMonotonic=0\n"
            ),
            MainProcess::default()
        );
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_in_any_order(
            pid in 1..i32::MAX,
            code in 0..256,
            started in 1..u64::MAX,
            first in 0..4_usize,
        ) {
            let mut lines = [
                format!("ExecMainPID={pid}"),
                "ExecMainCode=1".to_owned(),
                format!("ExecMainStatus={code}"),
                format!("ExecMainStartTimestampMonotonic={started}"),
            ];
            lines.rotate_left(first);
            let read = MainProcess::parse(&lines.join("\n"));
            prop_assert_eq!(read, MainProcess { pid: Some(pid), code: Some(code), started: Some(started) });
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "(ExecMain(PID|Code|Status)=|\\PC|\n){0,20}") {
            let _ = MainProcess::parse(&text);
        }
    }
}

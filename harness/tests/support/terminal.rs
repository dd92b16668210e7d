//! A terminal at which somebody sits (script(1)), and none at all (setsid(1)).

use std::time::Duration;

use nspawn_matrix::command::{Command, Ended};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Child;

/// How long a question may take to be asked, and a run to end.
const PATIENCE: Duration = Duration::from_secs(600);

/// A terminal at which a command was typed.
pub(crate) struct Terminal {
    script: Child,
    /// What was said that nobody has waited for.
    said: String,
}

impl Terminal {
    /// Types the command.
    pub(crate) fn of(command: &Command) -> Result<Self, String> {
        let line = command.to_string();
        let script = Command::new("script", ["--quiet", "--return", "--command", &line, "/dev/null"]);
        let script = script.spawn_piped().map_err(|error| error.to_string())?;
        Ok(Self { script, said: String::new() })
    }

    /// Waits until `question` is asked, and types `answer`.
    pub(crate) async fn answer(&mut self, question: &str, answer: &str) -> Result<(), String> {
        while !self.said.contains(question) {
            let more = tokio::time::timeout(PATIENCE, self.hear()).await;
            let is_more = more.map_err(|_| format!("`{question}` is not asked: {}", self.said))??;
            if !is_more {
                return Err(format!("`{question}` is not asked: {}", self.said));
            }
        }
        let rest = self.said.split_once(question).map_or("", |(_, rest)| rest);
        self.said = rest.to_owned();
        let input = self.script.stdin.as_mut().ok_or("the terminal has no keyboard")?;
        input.write_all(format!("{answer}\n").as_bytes()).await.map_err(|error| error.to_string())
    }

    /// Waits for the end of the command; gives its exit code and what was said since the last answer.
    pub(crate) async fn end(mut self) -> Result<(Option<i32>, String), String> {
        let heard = async {
            while self.hear().await? {}
            self.script.wait().await.map_err(|error| error.to_string())
        };
        let status = tokio::time::timeout(PATIENCE, heard).await;
        let status = status.map_err(|_| format!("it does not end: {}", self.said))??;
        Ok((status.code(), self.said))
    }

    /// Hears what is said next; tells whether there is anything.
    async fn hear(&mut self) -> Result<bool, String> {
        let mut bytes = [0; 4096];
        let output = self.script.stdout.as_mut().ok_or("the terminal has no screen")?;
        let read = output.read(&mut bytes).await.map_err(|error| error.to_string())?;
        self.said.push_str(&String::from_utf8_lossy(&bytes[..read]).replace('\r', ""));
        Ok(read > 0)
    }
}

/// Runs the command where there is no terminal; fails if that takes longer than `patience`.
pub(crate) async fn without_terminal(command: &Command, patience: Duration) -> Result<Ended, String> {
    let line = format!("exec {command}");
    let ended = Command::new("setsid", ["--wait", "sh", "-c", &line]).end();
    let ended = tokio::time::timeout(patience, ended).await;
    ended
        .map_err(|_| format!("`{command}` takes longer than {} s", patience.as_secs()))?
        .map_err(|error| error.to_string())
}

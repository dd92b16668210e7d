//! The only place that starts processes.
//!
//! A [`Command`] is an argument vector, never a shell string. Its child dies with the thread that started it, also
//! when that is killed by SIGKILL, and when the future that waits for it is dropped, unless it is told to outlive them.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{ExitStatus, Stdio};

use nix::sys::prctl;
use nix::sys::signal::Signal;
use tokio::process::Child;

/// A process that was asked for and could not be started, or that ended badly.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The program could not be started.
    #[error("start `{program}`")]
    Start {
        /// The program.
        program: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// The program ended with something other than 0.
    #[error("`{command}`: {status}{}", quoted(stderr))]
    Failed {
        /// The whole command, as a shell would need it.
        command: String,
        /// How it ended.
        status: ExitStatus,
        /// The end of what it wrote on standard error.
        stderr: String,
    },
}

fn quoted(stderr: &str) -> String {
    let tail: Vec<&str> = stderr.lines().filter(|line| !line.trim().is_empty()).collect();
    if tail.is_empty() {
        String::new()
    } else {
        format!(": {}", tail[tail.len().saturating_sub(4)..].join(" / "))
    }
}

/// A program with its arguments and environment.
pub struct Command {
    argv: Vec<OsString>,
    inner: tokio::process::Command,
    is_outliving: bool,
}

impl Command {
    /// Makes a command of a program and its arguments. Standard input is empty until said otherwise.
    pub fn new<S: AsRef<OsStr>>(program: impl AsRef<OsStr>, arguments: impl IntoIterator<Item = S>) -> Self {
        let mut argv = vec![program.as_ref().to_owned()];
        argv.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        #[expect(clippy::disallowed_methods, reason = "this is the place that starts processes")]
        let mut inner = tokio::process::Command::new(&argv[0]);
        inner.args(&argv[1..]).stdin(Stdio::null());
        Self { argv, inner, is_outliving: false }
    }

    /// Lets the program live on when this process ends.
    #[must_use]
    pub fn outliving(mut self) -> Self {
        self.is_outliving = true;
        self
    }

    /// Keeps the signals of our terminal from the program: Ctrl-C is for us, who may still need it then.
    #[must_use]
    pub fn apart(mut self) -> Self {
        self.inner.process_group(0);
        self
    }

    /// Makes a command of a whole argument vector.
    ///
    /// # Panics
    /// If the vector is empty.
    pub fn from_argv<S: AsRef<OsStr>>(argv: impl IntoIterator<Item = S>) -> Self {
        let mut argv = argv.into_iter();
        let program = argv.next().expect("an argument vector has a program");
        Self::new(program, argv)
    }

    /// Sets a variable of the environment.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.inner.env(name, value);
        self
    }

    /// Sets the folder that the program starts in.
    #[must_use]
    pub fn current_dir(mut self, folder: impl AsRef<Path>) -> Self {
        self.inner.current_dir(folder);
        self
    }

    /// Gives the program our standard input.
    #[must_use]
    pub fn our_input(mut self) -> Self {
        self.inner.stdin(Stdio::inherit());
        self
    }

    /// Gives the program `file` as standard input.
    #[must_use]
    pub fn input_from(mut self, file: File) -> Self {
        self.inner.stdin(file);
        self
    }

    /// Runs `setup` in the child before the program starts.
    ///
    /// # Safety
    /// `setup` runs between fork(2) and execve(2): it may use nothing but async-signal-safe calls.
    #[must_use]
    pub unsafe fn pre_exec(mut self, setup: impl FnMut() -> io::Result<()> + Send + Sync + 'static) -> Self {
        // SAFETY: the caller vouches for `setup`.
        unsafe { self.inner.pre_exec(setup) };
        self
    }

    /// Sends standard output and standard error to `file`.
    ///
    /// # Errors
    /// If the descriptor cannot be duplicated.
    pub fn output_to(mut self, file: &OwnedFd) -> io::Result<Self> {
        self.inner.stdout(file.try_clone()?).stderr(file.try_clone()?);
        Ok(self)
    }

    /// Sends standard error to `file`.
    #[must_use]
    pub fn errors_to(mut self, file: File) -> Self {
        self.inner.stderr(file);
        self
    }

    /// Starts the program with standard input and output as pipes; standard error stays ours unless said otherwise.
    ///
    /// # Errors
    /// [`CommandError::Start`].
    pub fn spawn_piped(mut self) -> Result<Child, CommandError> {
        self.inner.stdin(Stdio::piped()).stdout(Stdio::piped());
        self.spawn()
    }

    /// Starts the program.
    ///
    /// # Errors
    /// [`CommandError::Start`].
    pub fn spawn(mut self) -> Result<Child, CommandError> {
        if !self.is_outliving {
            self.inner.kill_on_drop(true);
            // SAFETY: prctl(2) is async-signal-safe.
            unsafe { self.inner.pre_exec(|| prctl::set_pdeathsig(Signal::SIGKILL).map_err(io::Error::from)) };
        }
        self.inner.spawn().map_err(|source| CommandError::Start {
            program: self.argv[0].to_string_lossy().into_owned(),
            source,
        })
    }

    /// Runs the program to its end and gives what it wrote on standard output.
    ///
    /// # Errors
    /// If it cannot be started, or ends with anything but 0.
    pub async fn output(self) -> Result<String, CommandError> {
        let command = self.to_string();
        let Ended { status, stdout, stderr } = self.end().await?;
        if status.success() { Ok(stdout) } else { Err(CommandError::Failed { command, status, stderr }) }
    }

    /// Runs the program to its end, whatever that is.
    ///
    /// # Errors
    /// [`CommandError::Start`].
    pub async fn end(mut self) -> Result<Ended, CommandError> {
        self.inner.stdout(Stdio::piped()).stderr(Stdio::piped());
        let program = self.argv[0].to_string_lossy().into_owned();
        let output = self
            .spawn()?
            .wait_with_output()
            .await
            .map_err(|source| CommandError::Start { program, source })?;
        Ok(Ended {
            status: output.status,
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }
}

/// How a program ended, and what it wrote.
#[derive(Debug)]
pub struct Ended {
    /// Its exit status.
    pub status: ExitStatus,
    /// What it wrote on standard output.
    pub stdout: String,
    /// What it wrote on standard error.
    pub stderr: String,
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<String> = self
            .argv
            .iter()
            .map(|word| nspawn_matrix_scenarios::shell::quote(&word.to_string_lossy()))
            .collect();
        f.write_str(&words.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn output_is_what_the_program_wrote() {
        assert_eq!(Command::new("echo", ["a b"]).output().await.unwrap(), "a b\n");
    }

    #[tokio::test]
    async fn a_failure_names_the_command_and_what_it_said() {
        let error = Command::new("sh", ["-c", "echo no >&2; exit 3"]).output().await.unwrap_err();
        assert_eq!(error.to_string(), "`sh -c 'echo no >&2; exit 3'`: exit status: 3: no");
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_named() {
        let error = Command::new("no-such-program", [""; 0]).output().await.unwrap_err();
        assert_eq!(error.to_string(), "start `no-such-program`");
    }
}

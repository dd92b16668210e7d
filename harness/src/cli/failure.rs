//! What ends a command early: a message, the next step, and an exit code.

use std::process::ExitCode;

use crate::prepare::Unable;

/// An error as a person sees it.
#[derive(Debug)]
pub struct Failure {
    message: String,
    hint: Option<String>,
    code: u8,
}

impl Failure {
    /// The command line is wrong: exit code 2.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, code: 2 }
    }

    /// Nothing could be measured: exit code 3.
    pub fn unable(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, code: 3 }
    }

    /// Adds the next step.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the next step, if there is one.
    #[must_use]
    pub fn maybe_hint(self, hint: Option<String>) -> Self {
        Self { hint, ..self }
    }

    /// Tells it on standard error.
    #[must_use]
    pub fn report(&self) -> ExitCode {
        tell!("error: {}", self.message);
        if let Some(hint) = &self.hint {
            tell!("hint: {hint}");
        }
        ExitCode::from(self.code)
    }
}

impl From<Unable> for Failure {
    fn from(unable: Unable) -> Self {
        Self::unable(unable.message).maybe_hint(unable.hint)
    }
}

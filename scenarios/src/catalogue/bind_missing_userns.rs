//! A bind mount whose source is not there, in a user namespace.

use super::bind_missing;
use crate::bind_options::MISSING;
use crate::{Launch, Scenario, Topic};

pub(super) fn scenario() -> Scenario {
    Scenario::about(
        &[Topic::Refusal],
        "bind-missing-userns",
        "--bind= of a directory that is not there, with -U",
        Launch::CommandLine { options: vec!["-n".to_owned(), "-U".to_owned(), format!("--bind={MISSING}")] },
        Vec::new(),
        bind_missing::claims(),
    )
    .may_refuse()
}

//! A bind mount on the command line and another in a trusted .nspawn file: only the first is there.

use super::claims::settings;
use crate::bind_options::{FROM_COMMAND_LINE, FROM_FILE, directory};
use crate::{Launch, MACHINES, Scenario, Step, Topic, nspawn_file};

pub(super) fn scenario() -> Scenario {
    Scenario::about(
        &[Topic::Settings],
        "command-line-over-file",
        "--bind= on the command line, Bind= in the .nspawn file",
        Launch::CommandLine { options: vec![format!("--bind={FROM_COMMAND_LINE}")] },
        steps(),
        vec![
            settings::binds(
                "present",
                "absent",
                "a bind mount on the command line leaves out all those of the file: settings are not merged within a group",
            ),
            settings::overridden(
                "Bind=/srv/binds/from-file, as there is --bind=/srv/binds/from-command-line",
                "settings on the command line take precedence over those of the file",
            ),
            settings::no_warnings(),
        ],
    )
}

/// Both directories, and the file that binds one of them.
pub(super) fn steps() -> Vec<Step> {
    let file = Step::config(nspawn_file::path(MACHINES[0]), format!("[Files]\nBind={FROM_FILE}\n"));
    [directory(FROM_COMMAND_LINE), directory(FROM_FILE), vec![file]].concat()
}

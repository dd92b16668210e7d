//! A bind mount in the ExecStart= of a unit and another in a trusted .nspawn file: with the unit's `--settings=override`
//! only the second is there.

use super::claims::settings;
use super::command_line_over_file;
use super::common::{dropins, steps};
use crate::bind_options::FROM_COMMAND_LINE;
use crate::{Launch, Scenario, Topic};

pub(super) fn scenario() -> Scenario {
    Scenario::about(
        &[Topic::Settings],
        "file-over-unit",
        "--bind= in the ExecStart= of a drop-in, Bind= in the .nspawn file",
        Launch::Unit,
        steps([command_line_over_file::steps(), dropins(&format!("-U --bind={FROM_COMMAND_LINE}"))]),
        vec![
            settings::binds(
                "absent",
                "present",
                "with --settings=override a bind mount in the file leaves out all those of the command line",
            ),
            settings::overridden(
                "--bind=/srv/binds/from-command-line, as there is Bind=/srv/binds/from-file",
                "with --settings=override settings of the file take precedence over those of the command line",
            ),
            settings::no_warnings(),
        ],
    )
}

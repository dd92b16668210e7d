//! A bind mount and a link in the ExecStart= of a unit, another bind mount and no link in a trusted .nspawn file: with the
//! unit's `--settings=override` only what the file asks for is there.

use super::claims::settings;
use super::command_line_over_file;
use super::common::{dropins, steps};
use crate::bind_options::FROM_COMMAND_LINE;
use crate::nspawn_file::Group;
use crate::{Attachment, Launch, Scenario, Topic};

pub(super) fn scenario() -> Scenario {
    Scenario::about(
        &[Topic::Settings],
        "file-over-unit",
        "--bind= and --network-veth in the ExecStart= of a drop-in, Bind= and Private= in the .nspawn file",
        Launch::Unit,
        steps([command_line_over_file::steps(), dropins(&format!("--network-veth -U --bind={FROM_COMMAND_LINE}"))]),
        vec![
            settings::binds(
                "absent",
                "present",
                "with --settings=override a bind mount in the file leaves out all those of the command line",
            ),
            settings::overridden(
                &[(Group::Mounts, "--bind=/srv/binds/from-command-line, as there is Bind=/srv/binds/from-file")],
                "with --settings=override settings of the file take precedence over those of the command line",
            ),
            settings::network(
                "absent",
                "with --settings=override Private= alone leaves out --network-veth: there is a network, and no link in it",
            ),
            settings::no_warnings(),
        ],
    )
    .attached_to(Attachment::Nowhere)
}

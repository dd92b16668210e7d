//! A bind mount and a link on the command line, another bind mount and no link in a trusted .nspawn file: only what the
//! command line asks for is there.

use super::claims::settings;
use crate::bind_options::{FROM_COMMAND_LINE, FROM_FILE, directory};
use crate::nspawn_file::Group;
use crate::{Launch, MACHINES, Scenario, Step, Topic, nspawn_file};

pub(super) fn scenario() -> Scenario {
    Scenario::about(
        &[Topic::Settings],
        "command-line-over-file",
        "--bind= and -n on the command line, Bind= and Private= in the .nspawn file",
        Launch::CommandLine { options: vec!["-n".to_owned(), format!("--bind={FROM_COMMAND_LINE}")] },
        steps(),
        vec![
            settings::binds(
                "present",
                "absent",
                "a bind mount on the command line leaves out all those of the file: settings are not merged within a group",
            ),
            settings::overridden(
                &[
                    (
                        Group::Mounts,
                        "Bind=/srv/binds/from-file, as there is --bind=/srv/binds/from-command-line",
                    ),
                    (Group::Network, "Private=yes, as there is --network-veth"),
                ],
                "settings on the command line take precedence over those of the file",
            ),
            settings::network(
                "present",
                "an option of the command line about the network leaves out all those of the file",
            ),
            settings::no_warnings(),
        ],
    )
}

/// Both directories, and the file that binds one of them and asks for a network without a link.
pub(super) fn steps() -> Vec<Step> {
    let file = Step::config(
        nspawn_file::path(MACHINES[0]),
        format!("[Files]\nBind={FROM_FILE}\n\n[Network]\nPrivate=yes\n"),
    );
    [directory(FROM_COMMAND_LINE), directory(FROM_FILE), vec![file]].concat()
}

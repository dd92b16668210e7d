//! How a machine is reached: OpenSSH with the keys of that machine and nothing of the person's own configuration.
//!
//! The host key was handed over at the boot, so it is checked and never asked about.

use crate::Place;

/// Where a machine answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    place: Place,
    port: u16,
}

impl Endpoint {
    /// Names the way to a machine whose ssh is at this port of 127.0.0.1.
    #[must_use]
    pub const fn new(place: Place, port: u16) -> Self {
        Self { place, port }
    }

    /// The port of 127.0.0.1.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Gives the command that runs `command`, a line for the shell of root in the machine, or a login shell if there is
    /// none. It passes standard input, output, error and the exit code through; 255 is ssh's own, or the command's.
    #[must_use]
    pub fn argv(&self, command: Option<&str>) -> Vec<String> {
        let place = &self.place;
        let options = [
            "IdentitiesOnly=yes".to_owned(),
            "IdentityAgent=none".into(),
            format!("UserKnownHostsFile=\"{}\"", place.known_hosts().display()),
            "GlobalKnownHostsFile=/dev/null".into(),
            "StrictHostKeyChecking=yes".into(),
            format!("HostKeyAlias={}", place.name()),
            "PreferredAuthentications=publickey".into(),
            "LogLevel=ERROR".into(),
        ];
        let mut argv: Vec<String> = ["ssh", "-F", "none"].map(String::from).into();
        argv.extend(["-i".into(), place.user_key().display().to_string()]);
        argv.extend(options.into_iter().flat_map(|option| ["-o".to_owned(), option]));
        argv.extend(["-p".into(), self.port.to_string(), "root@127.0.0.1".into()]);
        if let Some(command) = command {
            argv.extend(["--".into(), command.into()]);
        }
        argv
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn nothing_of_the_persons_own_is_used_and_no_key_is_accepted_unseen() {
        let place = Place::new(Path::new("/run/user/1000/nspawn-matrix"), "trixie").unwrap();
        let argv = Endpoint::new(place, 40001).argv(Some("uname -r"));
        insta::assert_snapshot!(argv.join("\n"), @r#"
        ssh
        -F
        none
        -i
        /run/user/1000/nspawn-matrix/trixie/user
        -o
        IdentitiesOnly=yes
        -o
        IdentityAgent=none
        -o
        UserKnownHostsFile="/run/user/1000/nspawn-matrix/trixie/known_hosts"
        -o
        GlobalKnownHostsFile=/dev/null
        -o
        StrictHostKeyChecking=yes
        -o
        HostKeyAlias=trixie
        -o
        PreferredAuthentications=publickey
        -o
        LogLevel=ERROR
        -p
        40001
        root@127.0.0.1
        --
        uname -r
        "#);
    }
}

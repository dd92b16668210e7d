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
        self.argv_by(Connection::Own, command)
    }

    /// As [`Endpoint::argv`], by a connection that is said.
    #[must_use]
    pub fn argv_by(&self, connection: Connection, command: Option<&str>) -> Vec<String> {
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
        let shared = match connection {
            Connection::Own => None,
            Connection::Shared => Some("yes"),
            Connection::Joined => Some("no"),
        };
        let socket = place.connection();
        let shared = shared.map(|master| {
            [format!("ControlMaster={master}"), format!("ControlPath=\"{}\"", socket.display())]
        });
        let mut argv: Vec<String> = ["ssh", "-F", "none"].map(String::from).into();
        argv.extend(["-i".into(), place.user_key().display().to_string()]);
        let options = options.into_iter().chain(shared.into_iter().flatten());
        argv.extend(options.flat_map(|option| ["-o".to_owned(), option]));
        argv.extend(["-p".into(), self.port.to_string(), "root@127.0.0.1".into()]);
        if let Some(command) = command {
            argv.extend(["--".into(), command.into()]);
        }
        argv
    }
}

/// The connection by which a command reaches the machine. A new one costs an emulated machine half a second and more of
/// processor time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connection {
    /// One of its own.
    Own,
    /// One of its own that others may go along with until the command has ended.
    Shared,
    /// Another's that is shared; one of its own if there is none.
    Joined,
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

    #[test]
    fn a_connection_can_be_shared() {
        let place = Place::new(Path::new("/run/user/1000/nspawn-matrix"), "trixie").unwrap();
        let endpoint = Endpoint::new(place, 40001);
        let own = endpoint.argv(None);
        let new = |connection| {
            let argv = endpoint.argv_by(connection, None);
            argv.into_iter().filter(|word| !own.contains(word)).collect::<Vec<_>>().join(" ")
        };
        let control = r#"ControlPath="/run/user/1000/nspawn-matrix/trixie/ssh""#;
        assert_eq!(new(Connection::Shared), format!("ControlMaster=yes {control}"));
        assert_eq!(new(Connection::Joined), format!("ControlMaster=no {control}"));
    }
}

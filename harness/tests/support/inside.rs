//! A machine that somebody needs, from inside: what runs commands in it, and what it looks like.

use std::fs::File;

use nspawn_matrix::command::{Command, Ended};

/// What is looked at to tell whether the machine was left as it was: independent of what the program itself looks at.
const LOOK: &str = r#"
cut -d: -f1 /proc/net/dev | sort
grep -v -- '--' /proc/net/fib_trie
cut -c1-32,36- /proc/net/if_inet6 | sort
awk '{ print $1, $2, $5, $10 }' /proc/net/ipv6_route | sort
nft list ruleset
systemctl list-units --all --plain --no-legend --state=active,failed --type=service,scope,mount,target,slice |
    awk '{ print $1, $3 }' | grep -v -e hostnamed -e importd -e tmpfiles-clean | sort
cut -d' ' -f1-3 /proc/mounts | grep -v /run/credentials | sort
cat /proc/sys/net/ipv4/conf/*/forwarding /proc/sys/net/ipv6/conf/*/forwarding
ls -A /var/lib/machines /var/lib/nspawn-matrix /run/systemd/netif/links /run 2>&1 | grep -v -e '^initctl$' -e '^agetty.reload$'
for place in /etc /run/systemd/generator /run/systemd/machines /run/systemd/network /run/systemd/nspawn \
    /run/systemd/resolve /run/systemd/resolved.conf.d /run/systemd/system /run/systemd/transient /run/sysctl.d \
    /var/cache/pacman /var/lib/systemd/network /var/log/journal; do
    if [ -e "$place" ]; then find "$place" -printf '%p %y %m %U:%G %l\n'; else echo "no $place"; fi
done | sort | grep -v -e '[.]journal ' -e '/run/systemd/transient d' -e '^no /run/systemd/transient' \
    -e '^/var/lib/systemd/network/dhcp-server-lease d'
find /etc /run/systemd/network /run/systemd/system /run/systemd/nspawn -type f -exec sha256sum {} + 2>/dev/null | sort
"#;

/// What runs commands in a machine.
pub(crate) trait Inside {
    /// Where it has this program.
    const PROGRAM: &str;

    /// A command in the machine.
    fn command(&self, argv: &[&str]) -> Command;

    /// This program in the machine.
    fn program(&self, arguments: &[&str]) -> Command {
        self.command(&[&[Self::PROGRAM], arguments].concat())
    }

    /// Runs a script in the machine.
    async fn script(&self, script: &str) -> Result<Ended, String> {
        self.command(&["sh", "-c", script]).end().await.map_err(|error| error.to_string())
    }

    /// What the machine looks like, line by line.
    async fn look(&self) -> Result<Vec<String>, String> {
        Ok(self.script(LOOK).await?.stdout.lines().map(str::to_owned).collect())
    }

    /// Tells what differs from `before`.
    async fn expect_as(&self, before: &[String]) -> Result<(), String> {
        expect_same(before, &self.look().await?)
    }
}

/// The command, and nobody reads what it tells.
pub(crate) fn quiet(command: Command) -> Result<Command, String> {
    let nobody = File::options().write(true).open("/dev/null").map_err(|error| error.to_string())?;
    Ok(command.errors_to(nobody))
}

/// Tells what differs between two looks.
pub(crate) fn expect_same(before: &[String], after: &[String]) -> Result<(), String> {
    let missing = |from: &[String], of: &[String], what: &str| {
        let lines = of.iter().filter(|line| !from.contains(line));
        lines.map(|line| format!("{what}: {line}")).collect::<Vec<_>>()
    };
    let differs = [missing(before, after, "is left"), missing(after, before, "is gone")].concat();
    if differs.is_empty() { Ok(()) } else { Err(differs.join("\n")) }
}

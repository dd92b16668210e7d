//! How this program gets onto a machine: a shell there makes a folder of its own and waits until the program is in it.
//!
//! The same shell then runs the program as a service, which ends with the connection, and removes the folder at the end.
//! If the connection breaks before that, it reads the end of its input, and removes the folder too.

use std::time::Duration;

use anyhow::Context;
use nspawn_matrix_scenarios::shell::quote;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdout};

use super::error::Why;
use crate::host::Obstacle;
use crate::tell::printable;

/// What begins the lines of the script: a shell may say things of its own as it starts.
const MARK: &str = "nspawn-matrix";

/// The word that has the script go on.
const GO: &str = "go";

/// Where a folder may be made, the best first: on a disk, and for root alone. Images go there too.
pub(super) const PLACES: [&str; 3] = ["/var/tmp", "/root", "/tmp"];

/// What the names of such folders begin with.
pub(super) const PREFIX: &str = "nspawn-matrix.";

/// What this program is called there.
pub(super) const PROGRAM: &str = "nspawn-matrix";

/// It is one word of one line to the shell of whoever logs in, which need not be a POSIX shell: so it has no quotation mark
/// of that kind and no backslash. Its argument says how many KiB the program takes.
const SCRIPT: &str = r#"
umask 077;
say() { echo "nspawn-matrix $*"; };
say kernel "$(uname -s)" "$(uname -m)";
say user "$(id -u)";
if [ -d /run/systemd/system ]; then say systemd; fi;
folder=;
for place in /var/tmp /root /tmp; do
  folder=$(mktemp -d "$place/nspawn-matrix.XXXXXXXXXX" 2>/dev/null) || { folder=; say no "$place" is not writable; continue; };
  free=$(df -Pk "$folder" | { read -r head; read -r device blocks used free rest; echo "$free"; });
  reason=;
  if [ "$free" -lt "$1" ]; then reason="has no room";
  elif cp /bin/sh "$folder/sh" && "$folder/sh" -c :; then :;
  else reason="runs no programs"; fi 2>/dev/null;
  rm -f "$folder/sh";
  if [ -z "$reason" ]; then break; fi;
  say no "$place" "$reason";
  rmdir "$folder";
  folder=;
done;
say folder "$folder";
word=;
read -r word;
code=1;
if [ "$word" = go ] && [ -n "$folder" ]; then
  systemd-run --quiet --pipe --wait --collect --unit="nspawn-matrix-remote-${folder##*.}" "$folder/nspawn-matrix" internal remote "$folder";
  code=$?;
fi;
if [ -n "$folder" ]; then rm -rf "$folder"; fi;
exit "$code"
"#;

/// How long a shell that has logged in may take to say what there is.
const PATIENCE: Duration = Duration::from_secs(60);

/// How much it may say, in bytes.
const MOST: u64 = 64 << 10;

/// The command, which is typed there; the program takes so many bytes.
pub(super) fn command(program: u64) -> String {
    let script: Vec<&str> = SCRIPT.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    format!("exec sh -c {} {MARK} {}", quote(&script.join(" ")), program.div_ceil(1 << 10))
}

/// A folder that the script has made there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Folder(String);

impl Folder {
    /// Takes what is said there to be one, if it is.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (place, name) = text.rsplit_once('/')?;
        let random = name.strip_prefix(PREFIX)?;
        let is_random = random.len() == 10 && random.bytes().all(|byte| byte.is_ascii_alphanumeric());
        (PLACES.contains(&place) && is_random).then(|| Self(text.to_owned()))
    }

    /// A file in it.
    pub(super) fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.0)
    }
}

/// What the script said.
#[derive(Debug, Default, PartialEq, Eq)]
struct Said {
    kernel: Option<(String, String)>,
    user: Option<String>,
    has_systemd: bool,
    /// Places that are of no use, and why.
    no: Vec<String>,
    folder: Option<String>,
}

impl Said {
    fn hear(&mut self, line: &str) {
        let mut words = line.split_whitespace();
        if words.next() != Some(MARK) {
            return;
        }
        match (words.next(), words.collect::<Vec<_>>().as_slice()) {
            (Some("kernel"), [system, machine]) => {
                self.kernel = Some((printable(system), printable(machine)));
            }
            (Some("user"), [uid]) => self.user = Some(printable(uid)),
            (Some("systemd"), []) => self.has_systemd = true,
            (Some("no"), words) => self.no.push(printable(&words.join(" "))),
            (Some("folder"), words) => self.folder = Some(words.join(" ")),
            _ => {}
        }
    }

    /// The folder, if this program is of use there.
    fn folder(self) -> Result<Folder, Why> {
        let (Some((system, machine)), Some(user), Some(folder)) = (self.kernel, self.user, self.folder)
        else {
            return Err(Why::NoShell(String::new()));
        };
        if (&*system, &*machine) != ("Linux", std::env::consts::ARCH) {
            let ours = format!("Linux {}", std::env::consts::ARCH);
            return Err(Why::Architecture { theirs: format!("{system} {machine}"), ours });
        }
        if user != "0" {
            return Err(Why::Obstacle(Obstacle::NoRoot));
        }
        if !self.has_systemd {
            return Err(Why::Obstacle(Obstacle::NoSystemd));
        }
        Folder::read(&folder).ok_or_else(|| Why::NoPlace(self.no.join(", ")))
    }
}

/// Hears from the script, which has just been started, where the program is to be.
pub(super) async fn hear(shell: &mut Child) -> Result<Folder, Why> {
    let stdout = shell.stdout.as_mut().context("the shell has no standard output").map_err(Why::Other)?;
    let said = tokio::time::timeout(PATIENCE, read(stdout)).await;
    said.map_err(|_| Why::NoShell(format!("nothing was said within {} s", PATIENCE.as_secs())))?
        .context("read what the shell there says")
        .map_err(Why::Other)?
        .folder()
}

/// The script says nothing after the folder, so nothing is read that is for somebody else.
async fn read(stdout: &mut ChildStdout) -> std::io::Result<Said> {
    let (mut said, mut lines) = (Said::default(), BufReader::new(stdout.take(MOST)).split(b'\n'));
    while said.folder.is_none()
        && let Some(line) = lines.next_segment().await?
    {
        said.hear(&String::from_utf8_lossy(&line));
    }
    Ok(said)
}

/// Has the script run the program, which is in the folder now.
pub(super) async fn go_on(shell: &mut Child) -> anyhow::Result<()> {
    let stdin = shell.stdin.as_mut().context("the shell has no standard input")?;
    stdin.write_all(format!("{GO}\n").as_bytes()).await.context("have the shell there go on")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(lines: &str) -> Result<Folder, String> {
        let mut said = Said::default();
        lines.lines().for_each(|line| said.hear(line));
        said.folder().map_err(|why| why.to_string())
    }

    const HERE: &str = std::env::consts::ARCH;

    #[test]
    fn the_script_is_one_word_to_any_shell() {
        assert!(!SCRIPT.contains(['\'', '\\', '!']));
        let command = command(3 << 20);
        assert_eq!(command.matches('\'').count(), 2, "{command}");
        assert!(!command.contains('\n') && command.ends_with("' nspawn-matrix 3072"));
        assert!(PLACES.iter().all(|place| SCRIPT.contains(&format!(" {place}"))));
        assert!([PREFIX, PROGRAM, GO].iter().all(|name| SCRIPT.contains(name)));
    }

    #[test]
    fn whatever_else_is_said_a_folder_is_one_of_ours() {
        let lines = format!(
            "welcome!\nnspawn-matrix kernel Linux {HERE}\nnspawn-matrix user 0\nnspawn-matrix systemd\n"
        );
        let folder = |path: &str| said(&format!("{lines}nspawn-matrix folder {path}\n"));
        assert_eq!(
            folder("/root/nspawn-matrix.aB3dE6gH9j").unwrap().path("x"),
            "/root/nspawn-matrix.aB3dE6gH9j/x"
        );
        for path in [
            "/etc",
            "/root/nspawn-matrix.",
            "/root/nspawn-matrix.aB3dE6gH/j",
            "/x/nspawn-matrix.aB3dE6gH9j",
            "/root/nspawn-matrix.aB3dE6;H9j",
        ] {
            assert!(folder(path).is_err(), "{path}");
        }
    }

    #[test]
    fn what_is_in_the_way_is_one_line() {
        let told = [
            "This account is currently not available.".to_owned(),
            "nspawn-matrix kernel Linux m68k\nnspawn-matrix user 0\nnspawn-matrix folder".to_owned(),
            format!(
                "nspawn-matrix kernel Linux {HERE}\nnspawn-matrix user 1000\nnspawn-matrix folder /tmp/nspawn-matrix.aB3dE6gH9j"
            ),
            format!(
                "nspawn-matrix kernel Linux {HERE}\nnspawn-matrix user 0\nnspawn-matrix folder /tmp/nspawn-matrix.aB3dE6gH9j"
            ),
            format!(
                "nspawn-matrix kernel Linux {HERE}\nnspawn-matrix user 0\nnspawn-matrix systemd\nnspawn-matrix no /var/tmp has no room\nnspawn-matrix no /root is not writable\nnspawn-matrix no /tmp runs no programs\nnspawn-matrix folder"
            ),
        ];
        let told = told.map(|lines| said(&lines).unwrap_err().replace(HERE, "x86_64"));
        insta::assert_snapshot!(told.join("\n"), @r"
        what answers there is no POSIX shell
        it is Linux m68k, and this program is for Linux x86_64
        only root may change this machine
        the first process of this machine is not systemd
        there is no place for this program: /var/tmp has no room, /root is not writable, /tmp runs no programs
        ");
    }
}

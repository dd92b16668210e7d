//! How ssh gets to a machine, as its owner does: by way of another one, and with questions that a person answers at a
//! terminal. Without one it ends soon, and says why.

mod support;

use std::process::ExitCode;
use std::time::Duration;

use libtest_mimic::Arguments;
use nspawn_matrix::command::Command;
use nspawn_matrix_scenarios::shell::quote;
use support::reached::{Key, Person, Reached};
use support::terminal::{Terminal, without_terminal};
use support::{on_this_thread, trial};

/// A run of one question, which stands everything up all the same.
const RUN: [&str; 4] = ["run", "--scenario=bridge", "--check=ping/gateway/ipv4", "--samples=1"];

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Each leaves the mount namespace of everyone else on its own thread, and takes the whole machine.
    arguments.test_threads = Some(1);
    let trials = vec![
        trial("goes-by-a-jump-host", || Ok(on_this_thread(goes_by_a_jump_host())?)),
        trial("asks-at-a-terminal", || Ok(on_this_thread(asks_at_a_terminal())?)),
        trial("asks-nobody-where-nobody-is", || Ok(on_this_thread(asks_nobody_where_nobody_is())?)),
    ];
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// The way from the jump host to the machine: a link between them, of a network that nobody has (TEST-NET-3, RFC 5737).
const INNER: &str = "203.0.113.2";

/// Links two machines, of which the second can be reached at [`INNER`] by the first.
async fn link(jump: &Reached, inner: &Reached) -> Result<(), String> {
    let [at_jump, at_inner] = [jump, inner].map(|machine| machine.home.leader().to_string());
    let ends = ["type", "veth", "peer", "name", "jump0", "netns", &at_inner];
    let add = [&["ip", "link", "add", "inner0", "netns", &at_jump], &ends[..]].concat();
    Command::from_argv(add).output().await.map_err(|error| error.to_string())?;
    let ends = [(jump, "inner0", "203.0.113.1/30"), (inner, "jump0", "203.0.113.2/30")];
    for (machine, link, address) in ends {
        let script = format!("ip address add {address} dev {link} && ip link set {link} up");
        machine.succeeds(&script).await?;
    }
    // Each end finds out for itself that nobody has its fe80 address (RFC 4862, 5.4).
    for (machine, link, _) in ends {
        let settled = format!("until grep -q '^fe80.* 80 *{link}$' /proc/net/if_inet6; do sleep 0.1; done");
        machine.succeeds(&format!("timeout 30 sh -c {}", quote(&settled))).await?;
    }
    Ok(())
}

async fn goes_by_a_jump_host() -> Result<(), String> {
    let person = Person::new().await?;
    let (jump, inner) = (person.machine("jump").await?, person.machine("inner").await?);
    link(&jump, &inner).await?;
    person.knows_key_of(&inner, "behind")?;
    person.enter(
        "behind",
        Key::Open,
        &format!("HostName {INNER}\n  ProxyJump root@jump\n  StrictHostKeyChecking yes"),
    )?;
    let before = (jump.look().await?, inner.look().await?);
    let run =
        person.program(&[&RUN[..], &["--yes", "--host=ssh://root@behind", &person.out_argument()]].concat());
    let ended = run.end().await.map_err(|error| error.to_string())?;
    expect(ended.status.code() == Some(0), &format!("{}: {}{}", ended.status, ended.stdout, ended.stderr))?;
    jump.expect_as(&before.0).await?;
    inner.expect_as(&before.1).await?;
    inner.home.close().await?;
    jump.home.close().await
}

/// An sshd beside the machine's own, to which a person logs in by a password.
const ASKS_FOR_PASSWORD: &str = "echo root:open-sesame | chpasswd; /usr/sbin/sshd -p 2210 -o PermitRootLogin=yes \
    -o PasswordAuthentication=yes -o KbdInteractiveAuthentication=no -o PubkeyAuthentication=no";

/// A machine with three ways in: `asked` asks for a password, and its key is not known; `locked` has a key with a passphrase;
/// `beyond` is reached by way of `asked`.
async fn asking(person: &Person) -> Result<Reached, String> {
    let web = person.machine("web1").await?;
    web.succeeds(ASKS_FOR_PASSWORD).await?;
    let way = person.way(&web, 2210);
    person.enter("asked", Key::Open, &format!("{way}\n  StrictHostKeyChecking ask"))?;
    let way = person.way(&web, 22);
    person.knows_key_of(&web, "locked")?;
    person.enter("locked", Key::Locked, &format!("{way}\n  StrictHostKeyChecking yes"))?;
    person.knows_key_of(&web, "beyond")?;
    person.enter(
        "beyond",
        Key::Open,
        "HostName 127.0.0.1\n  ProxyJump root@asked\n  StrictHostKeyChecking yes",
    )?;
    Ok(web)
}

async fn asks_at_a_terminal() -> Result<(), String> {
    let person = Person::new().await?;
    let web = asking(&person).await?;
    let before = web.look().await?;
    let clean = |host: &str| Terminal::of(&person.program(&["clean", &format!("--host=ssh://root@{host}")]));
    let expect_clean = async |terminal: Terminal, host: &str| {
        let (code, said) = terminal.end().await?;
        let is_clean = said.ends_with(&format!("nothing to clean on `ssh://root@{host}`\n"));
        expect(code == Some(0) && is_clean, &format!("{host}: {code:?}: {said}"))
    };
    let mut asked = clean("asked")?;
    asked.answer("Are you sure you want to continue connecting", "yes").await?;
    asked.answer("root@asked's password: ", "wrong").await?;
    asked.answer("root@asked's password: ", "open-sesame").await?;
    expect_clean(asked, "asked").await?;
    // Its key is known from now on.
    let mut beyond = clean("beyond")?;
    beyond.answer("root@asked's password: ", "open-sesame").await?;
    expect_clean(beyond, "beyond").await?;
    let run = person.program(&[&RUN[..], &["--host=ssh://root@locked", &person.out_argument()]].concat());
    let mut locked = Terminal::of(&run)?;
    locked.answer("Enter passphrase for key ", Key::PASSPHRASE).await?;
    locked.answer("Go on? [y/N] ", "y").await?;
    let (code, said) = locked.end().await?;
    expect(code == Some(0) && person.out().join("report.json").exists(), &format!("{code:?}: {said}"))?;
    web.expect_as(&before).await?;
    web.home.close().await
}

/// How long it may take to say that somebody would have to be asked.
const SOON: Duration = Duration::from_secs(20);

async fn asks_nobody_where_nobody_is() -> Result<(), String> {
    let person = Person::new().await?;
    let web = asking(&person).await?;
    person.knows_key_of(&web, "known")?;
    let way = person.way(&web, 2210);
    person.enter("known", Key::Open, &format!("{way}\n  StrictHostKeyChecking yes"))?;
    let before = web.look().await?;
    let mut told = Vec::new();
    for host in ["asked", "known", "locked", "beyond"] {
        let clean = person.program(&["clean", &format!("--host=ssh://root@{host}")]);
        let ended = without_terminal(&clean, SOON).await?;
        expect(ended.status.code() == Some(3) && ended.stdout.is_empty(), &format!("{host}: {ended:?}"))?;
        told.push(ended.stderr);
    }
    insta::assert_snapshot!(told.join("\n"));
    web.expect_as(&before).await?;
    web.home.close().await
}

fn expect(holds: bool, told: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(told.to_owned()) }
}

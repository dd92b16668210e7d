//! What programs of others leave on a host, and what the facts make of it: docker, netplan, cloud-init and iptables-legacy,
//! as Debian has them.
//!
//! They take an image with all of that, so they are ignored unless `NSPAWN_MATRIX_PROGRAMS=1` asks for them.

mod support;

use std::fs;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};
use nspawn_matrix_reports::{Chain, Facts, Network, Observation, Report};
use support::home::Home;
use support::inside::Inside;
use support::{on_this_thread, trial};

/// Two machines on links of their own, so that whatever one sends the other is forwarded.
const RUN: [&str; 8] = [
    "run",
    "--host=local",
    "--yes",
    "--no-redact",
    "--scenario=nat",
    "--check=firewall/*",
    "--check=environment/network-files",
    "--check=ping/peer/ipv4",
];

/// What the machine has beside what all machines have.
const PACKAGES: &str = "docker.io,iptables,netplan.io,cloud-init";

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Each leaves the mount namespace of everyone else on its own thread.
    arguments.test_threads = Some(1);
    let is_asked_for = std::env::var("NSPAWN_MATRIX_PROGRAMS").is_ok_and(|value| value == "1");
    let trials: Vec<Trial> = vec![
        trial("docker", || Ok(on_this_thread(docker())?)),
        trial("iptables-legacy", || Ok(on_this_thread(iptables_legacy())?)),
        trial("netplan", || Ok(on_this_thread(netplan())?)),
        trial("cloud-init", || Ok(on_this_thread(cloud_init())?)),
    ];
    let trials = trials.into_iter().map(|trial| {
        let is_ignored = !is_asked_for || trial.has_ignored_flag();
        trial.with_ignored_flag(is_ignored)
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

/// What a run on the machine reports.
struct Told(Report);

impl Told {
    async fn on(home: &Home) -> Result<Self, String> {
        let ended = home.program(&[&RUN[..], &["--out=/root/out"]].concat()).end().await;
        let ended = ended.map_err(|error| error.to_string())?;
        let report = fs::read(home.path("/root/out/report.json"));
        let report = report.map_err(|error| format!("{error}: {}{}", ended.stdout, ended.stderr))?;
        let report: Report = serde_json::from_slice(&report).map_err(|error| error.to_string())?;
        let host = report.hosts.first().ok_or("there is no host")?;
        expect(host.left.is_empty(), &format!("{:?}", host.left))?;
        Ok(Self(report))
    }

    fn facts(&self) -> Result<&Facts, String> {
        self.0.hosts[0].facts.as_ref().ok_or_else(|| "there are no facts".to_owned())
    }

    fn network(&self) -> Result<&Network, String> {
        self.facts()?.network.as_ref().ok_or_else(|| "nothing is known of the network".to_owned())
    }

    /// Who has set up the network, and whose the firewalls are.
    fn whose(&self) -> Result<String, String> {
        let Network { managers, firewalls, .. } = self.network()?;
        let [managers, firewalls] =
            [managers, firewalls].map(|names| names.iter().flatten().cloned().collect::<Vec<_>>().join(", "));
        Ok(format!("{managers}; {firewalls}"))
    }

    /// The chains that somebody has put something into: `ip filter FORWARD, drop: counter jump DOCKER-USER`.
    fn chains(&self) -> Result<Vec<String>, String> {
        let chains = self.network()?.chains.iter().flatten();
        let is_used = |chain: &&Chain| !chain.rules.is_empty() || chain.policy.as_deref() == Some("drop");
        Ok(chains
            .filter(is_used)
            .map(|Chain { name, policy, rules, .. }| {
                let policy = policy.iter().map(|policy| format!(", {policy}")).collect::<String>();
                format!("{name}{policy}: {}", rules.join("; "))
            })
            .collect())
    }

    /// The file by which networkd goes for a link, and what it matches by.
    fn file_of(&self, link: &str) -> Result<String, String> {
        let setup = self.network()?.links.get(link).ok_or_else(|| format!("there is no link `{link}`"))?;
        let file = setup.network_file.as_deref().unwrap_or("no file");
        Ok(format!("{file} by {}", setup.matched_by.join(", ")))
    }

    /// What the rules are taken to do with what machines send through the host, and what became of it: how many of the
    /// pings between them were answered.
    fn forward(&self) -> Result<String, String> {
        let of = |check: &'static str| self.0.cases.iter().filter(move |case| case.check == check);
        let known = of("firewall/forward").find_map(|case| match &case.observed {
            Some(Observation::Properties(properties)) => {
                Some(format!("IPv4 {}, IPv6 {}", properties.values["IPv4"], properties.values["IPv6"]))
            }
            _ => None,
        });
        let received = of("ping/peer/ipv4").map(|case| match &case.observed {
            Some(Observation::Ping(ping)) => Ok(ping.received),
            other => Err(format!("no pings: {other:?}, {:?}", case.reason)),
        });
        let received: u32 = received.sum::<Result<u32, String>>()?;
        Ok(format!("{}; {received} answers", known.ok_or("nothing is known of the rules")?))
    }
}

/// Its rules are of IPv4 alone, and it leaves bridged frames alone.
async fn docker() -> Result<(), String> {
    let home = Home::boot_with(PACKAGES).await?;
    let told = Told::on(&home).await?;
    expect_is(&told.whose()?, "systemd-networkd; docker, iptables-nft")?;
    expect_is(&told.forward()?, "IPv4 dropped, IPv6 accepted; 0 answers")?;
    expect_is(&format!("{:?}", told.facts()?.bridge_nf_call_iptables), "Some(false)")?;
    let chains = told.chains()?;
    let forward =
        "ip filter FORWARD, drop: counter jump DOCKER-USER; counter jump DOCKER-ISOLATION-STAGE-1; ";
    expect(chains.iter().any(|chain| chain.starts_with(forward)), &chains.join("\n"))?;
    expect(chains.iter().any(|chain| chain == "ip filter DOCKER-USER: counter return"), &chains.join("\n"))?;
    home.close().await
}

/// The machine without what docker has done to it as it booted.
async fn home_without_docker() -> Result<Home, String> {
    let home = Home::boot_with(PACKAGES).await?;
    succeeds(&home, "systemctl stop docker.socket docker && nft flush ruleset").await?;
    Ok(home)
}

/// What only somebody can see who knows of it, drops all the same.
const LEGACY: &str = "iptables-legacy -N own && iptables-legacy -A FORWARD -i ve-+ -j own && \
    iptables-legacy -A own -j DROP && ip6tables-legacy -P FORWARD DROP";

async fn iptables_legacy() -> Result<(), String> {
    let home = home_without_docker().await?;
    let told = Told::on(&home).await?;
    expect(told.network()?.legacy_tables.is_empty(), "to have the program makes no table")?;
    expect_is(&told.forward()?, "IPv4 accepted, IPv6 accepted; 6 answers")?;
    succeeds(&home, LEGACY).await?;
    let told = Told::on(&home).await?;
    expect_is(&told.whose()?, "systemd-networkd; iptables-legacy")?;
    expect_is(&told.forward()?, "IPv4 depends, IPv6 depends; 0 answers")?;
    let chains = "legacy ip filter FORWARD, accept: -i ve-+ -j own\nlegacy ip filter own: -j DROP\n\
                  legacy ip6 filter FORWARD, drop: ";
    expect_is(&told.chains()?.join("\n"), chains)?;
    home.close().await
}

/// A bridge, and links that are matched by a pattern which is true of those of machines too.
const NETPLAN: &str = "network:
  version: 2
  renderer: networkd
  bridges:
    plan0:
      addresses: [10.77.0.1/24]
      parameters: {stp: false}
  ethernets:
    rest:
      match: {name: \"v*\"}
      optional: true
      accept-ra: false
";

async fn netplan() -> Result<(), String> {
    let home = home_without_docker().await?;
    fs::write(home.path("/etc/netplan/60-mine.yaml"), NETPLAN).map_err(|error| error.to_string())?;
    succeeds(&home, "chmod 600 /etc/netplan/60-mine.yaml && netplan generate && networkctl reload").await?;
    succeeds(&home, "timeout 30 sh -c 'until grep -q 10.77.0.1 /proc/net/fib_trie; do sleep 0.1; done'")
        .await?;
    let told = Told::on(&home).await?;
    expect_is(&told.whose()?, "netplan, systemd-networkd; ")?;
    expect_is(&told.file_of("plan0")?, "10-netplan-plan0.network by Name=plan0")?;
    let lint = told.0.cases.iter().find(|case| case.check == "environment/network-files");
    let takes = "/run/systemd/network/10-netplan-rest.network takes ve-*, vb-*, vz-* before the file that is shipped for it";
    let lint = format!("{:?}", lint.map(|case| &case.observed));
    expect(lint.contains(takes), &lint)?;
    expect_is(&told.forward()?, "IPv4 accepted, IPv6 accepted; 0 answers")?;
    home.close().await
}

/// A cloud that leaves its data on the disk, as cloud-init finds it at a boot.
const SEED: [(&str, &str); 3] = [
    ("meta-data", "instance-id: i-1\nlocal-hostname: cloudy\n"),
    ("user-data", "#cloud-config\n{}\n"),
    (
        "network-config",
        "version: 2\nethernets:\n  uplink0:\n    addresses: [198.51.100.2/24]\n    accept-ra: false\n",
    ),
];

async fn cloud_init() -> Result<(), String> {
    let mut home = Home::boot_with(PACKAGES).await?;
    let folder = home.path("/var/lib/cloud/seed/nocloud");
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    for (name, text) in SEED {
        fs::write(folder.join(name), text).map_err(|error| error.to_string())?;
    }
    home.reboot().await?;
    let told = Told::on(&home).await?;
    expect_is(told.facts()?.cloud.as_deref().unwrap_or("none"), "nocloud")?;
    expect_is(told.facts()?.hostname.as_deref().unwrap_or("none"), "cloudy")?;
    expect_is(&told.whose()?, "cloud-init, netplan, systemd-networkd; docker, iptables-nft")?;
    expect_is(&told.file_of("uplink0")?, "10-netplan-uplink0.network by Name=uplink0")?;
    home.close().await
}

async fn succeeds(home: &Home, script: &str) -> Result<(), String> {
    let ended = home.script(script).await?;
    expect(ended.status.success(), &format!("{}: {}{}", ended.status, ended.stdout, ended.stderr))
}

fn expect_is(seen: &str, wanted: &str) -> Result<(), String> {
    expect(seen == wanted, &format!("{seen}\nis not\n{wanted}"))
}

fn expect(holds: bool, told: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(told.to_owned()) }
}

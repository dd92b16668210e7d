//! What a ping and a lookup of the probe cost, beside `ping`, `fping` and `getent` run by hand.
//!
//! It works in network namespaces of its own, as root: echoes go over a veth to a neighbour that the kernel plays, the
//! name is `localhost`, so nothing leaves the machine. Divan shows how each way spreads; after it, all ways take turns,
//! so that whatever else the machine does hits them alike, and their medians are held against what the project
//! promises. A promise that is broken makes it end with 1.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::process::{ExitCode, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant};

use nspawn_matrix::netns::{NetworkNamespace, RtNetlink};
use nspawn_matrix::probe::link::{self, LinkState};
use nspawn_matrix::probe::{Nss, NssSeries, ping};
use nspawn_matrix_reports::Family;
use tokio::runtime::Runtime;

/// The most that an echo may cost beside its round trip.
const PING_COST: Duration = Duration::from_micros(100);

/// The most that a lookup may take, as a multiple of `getent` by hand. The process that makes it is there already.
const LOOKUP_RATIO: f64 = 1.0;

/// How often each way is taken, in divan's table and in turns; a series takes `fping` 0.1 s.
const ROUNDS: u32 = 200;
const ROUNDS_OF_SERIES: u32 = 20;

/// How long a ping waits for its answer, and a link for its carrier.
const PATIENCE: Duration = Duration::from_secs(5);

/// A question that a probe is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Question {
    Echo(Neighbour),
    HundredEchoes(Neighbour),
    Lookup,
}

impl Question {
    const ALL: [Self; 5] = [
        Self::Echo(Neighbour::V4),
        Self::Echo(Neighbour::V6),
        Self::HundredEchoes(Neighbour::V4),
        Self::HundredEchoes(Neighbour::V6),
        Self::Lookup,
    ];

    /// The ways to ask it that are on this machine, ours first.
    fn ways(self) -> Vec<Way> {
        let by_hand: &[Way] = match self {
            Self::Echo(_) | Self::HundredEchoes(_) => &[Way::Ping, Way::Fping],
            Self::Lookup => &[Way::Getent],
        };
        let installed = by_hand.iter().copied().filter(|way| way.is_installed());
        [Way::Ours].into_iter().chain(installed).collect()
    }

    fn rounds(self) -> u32 {
        match self {
            Self::Echo(_) | Self::Lookup => ROUNDS,
            Self::HundredEchoes(_) => ROUNDS_OF_SERIES,
        }
    }

    /// Asks it once.
    fn ask(self, way: Way, ours: &Ours) -> Sample {
        let Ours { runtime, names } = ours;
        let started = Instant::now();
        let round_trip = match (self, way) {
            (Self::Echo(neighbour), Way::Ours) => Some(our_ping(runtime, neighbour, 1)),
            (Self::HundredEchoes(neighbour), Way::Ours) => Some(our_ping(runtime, neighbour, 100)),
            (Self::Lookup, Way::Ours) => {
                let answer = runtime.block_on(names.look_up("localhost", Family::Any));
                assert!(!answer.expect("getent runs").addresses.is_empty(), "`localhost` has an address");
                None
            }
            (_, Way::Ping | Way::Fping | Way::Getent) => {
                by_hand(&self.command_line(way));
                None
            }
        };
        Sample { took: started.elapsed(), round_trip }
    }

    /// What a person would type.
    fn command_line(self, way: Way) -> String {
        match self {
            Self::Echo(neighbour) if way == Way::Ping => format!("ping -c 1 -n -q {}", neighbour.address()),
            Self::Echo(neighbour) => format!("fping -c 1 -q {}", neighbour.address()),
            Self::HundredEchoes(neighbour) if way == Way::Ping => {
                format!("ping -f -c 100 -n -q {}", neighbour.address())
            }
            Self::HundredEchoes(neighbour) => format!("fping -c 100 -p 1 -i 0 -q {}", neighbour.address()),
            Self::Lookup => "getent ahosts localhost".to_owned(),
        }
    }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Echo(neighbour) => write!(f, "one echo, {neighbour}"),
            Self::HundredEchoes(neighbour) => write!(f, "100 echoes, {neighbour}"),
            Self::Lookup => f.write_str("one lookup"),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Neighbour {
    V4,
    V6,
}

impl fmt::Display for Neighbour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        })
    }
}

impl Neighbour {
    fn address(self) -> IpAddr {
        match self {
            Self::V4 => "10.0.0.2".parse().expect("an address"),
            Self::V6 => "2001:db8::2".parse().expect("an address"),
        }
    }
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Ours,
    Ping,
    Fping,
    Getent,
}

impl Way {
    fn is_installed(self) -> bool {
        let program = self.to_string();
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).any(|folder| folder.join(&program).is_file())
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ours => "ours",
            Self::Ping => "ping",
            Self::Fping => "fping",
            Self::Getent => "getent",
        })
    }
}

/// What we ask with.
struct Ours {
    runtime: Runtime,
    names: NssSeries,
}

impl Ours {
    fn new() -> io::Result<Self> {
        Ok(Self { runtime: runtime()?, names: NssSeries::new(&Rc::new(Nss::default()), None) })
    }
}

/// How long one question took, and how much of that was the way there and back, as our own ping reports it.
struct Sample {
    took: Duration,
    round_trip: Option<Duration>,
}

fn our_ping(runtime: &Runtime, neighbour: Neighbour, count: u32) -> Duration {
    let answer = runtime.block_on(ping::ping(neighbour.address().into(), count, PATIENCE));
    let answer = answer.expect("root may open a raw socket");
    assert_eq!(answer.received, count, "{answer:?}");
    Duration::from_micros(answer.rtt_us.expect("there was an answer"))
}

/// Runs a command as a shell does, and reads what it says: this is what ours is held against, so it is not ours.
fn by_hand(command_line: &str) {
    let mut words = command_line.split(' ');
    let program = words.next().expect("a command line has a program");
    #[expect(clippy::disallowed_methods, reason = "by hand means without our own way to start processes")]
    let output = std::process::Command::new(program).args(words).stdin(Stdio::null()).output();
    let output = output.expect("the program is installed");
    assert!(output.status.success(), "`{command_line}`: {output:?}");
}

#[divan::bench(sample_count = ROUNDS, args = Question::Echo(Neighbour::V4).ways())]
fn one_echo_ipv4(bencher: divan::Bencher, way: &Way) {
    bench(bencher, Question::Echo(Neighbour::V4), *way);
}

#[divan::bench(sample_count = ROUNDS, args = Question::Echo(Neighbour::V6).ways())]
fn one_echo_ipv6(bencher: divan::Bencher, way: &Way) {
    bench(bencher, Question::Echo(Neighbour::V6), *way);
}

#[divan::bench(sample_count = ROUNDS_OF_SERIES, args = Question::HundredEchoes(Neighbour::V4).ways())]
fn hundred_echoes_ipv4(bencher: divan::Bencher, way: &Way) {
    bench(bencher, Question::HundredEchoes(Neighbour::V4), *way);
}

#[divan::bench(sample_count = ROUNDS_OF_SERIES, args = Question::HundredEchoes(Neighbour::V6).ways())]
fn hundred_echoes_ipv6(bencher: divan::Bencher, way: &Way) {
    bench(bencher, Question::HundredEchoes(Neighbour::V6), *way);
}

#[divan::bench(sample_count = ROUNDS, args = Question::Lookup.ways())]
fn lookup(bencher: divan::Bencher, way: &Way) {
    bench(bencher, Question::Lookup, *way);
}

fn bench(bencher: divan::Bencher, question: Question, way: Way) {
    let ours = Ours::new().expect("a runtime");
    bencher.bench_local(|| question.ask(way, &ours));
}

/// Lets the ways take turns, prints their medians, and tells whether the promise is kept.
fn hold_against_each_other(question: Question, ours: &Ours) -> bool {
    let ways = question.ways();
    let mut samples: Vec<Vec<Sample>> = ways.iter().map(|_| Vec::new()).collect();
    for _ in 0..question.rounds() {
        for (way, samples) in ways.iter().zip(&mut samples) {
            samples.push(question.ask(*way, ours));
        }
    }
    let medians: Vec<Duration> =
        samples.iter().map(|samples| median(samples.iter().map(|s| s.took))).collect();
    let took = medians[0];
    println!("{question}: {took:.1?}");
    let mut kept = true;
    // The round trip of a series is the median of its echoes, which is no part of the whole.
    if matches!(question, Question::Echo(_)) {
        let cost = median(samples[0].iter().filter_map(|s| Some(s.took.saturating_sub(s.round_trip?))));
        println!("    beside its round trip: {cost:.1?}, at most {PING_COST:?} is promised");
        kept &= cost <= PING_COST;
    }
    for (way, by_hand) in ways.iter().zip(medians).skip(1) {
        let ratio = took.as_secs_f64() / by_hand.as_secs_f64();
        println!("    `{}`: {by_hand:.1?}, ratio {ratio:.3}", question.command_line(*way));
        kept &= question != Question::Lookup || ratio <= LOOKUP_RATIO;
    }
    kept
}

fn median(durations: impl Iterator<Item = Duration>) -> Duration {
    let mut sorted: Vec<Duration> = durations.collect();
    sorted.sort_unstable();
    sorted[sorted.len() / 2]
}

fn runtime() -> io::Result<Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

/// Connects the namespace of this thread with `peer`, and waits until both ends carry.
fn connect(runtime: &Runtime, peer: &NetworkNamespace) -> io::Result<()> {
    runtime.block_on(async {
        let (here, there) = (RtNetlink::connect()?, RtNetlink::connect_in(peer)?);
        here.set_up(1).await?;
        here.add_veth("host0", "peer0", peer).await?;
        for (netlink, name, last) in [(&here, "host0", 1), (&there, "peer0", 2)] {
            let index = netlink.link(name).await?.ok_or(io::ErrorKind::NotFound)?.header.index;
            netlink.add_address(index, IpAddr::from([10, 0, 0, last]), 24).await?;
            let v6 = [0x2001, 0xdb8, 0, 0, 0, 0, 0, u16::from(last)];
            netlink.add_address(index, IpAddr::from(v6), 64).await?;
            netlink.set_up(index).await?;
        }
        carrying("host0").await
    })?;
    peer.run(|| self::runtime()?.block_on(carrying("peer0")))
}

async fn carrying(link: &str) -> io::Result<()> {
    let ready = |state: &LinkState| state.operational;
    match link::wait(link, PATIENCE, ready, |_| ()).await.map_err(io::Error::other)? {
        link::Waited::Ready(_) => Ok(()),
        link::Waited::TimedOut(state) => Err(io::Error::other(format!("{link} does not carry: {state:?}"))),
    }
}

fn main() -> ExitCode {
    // `cargo bench` says `--bench`; without it divan asks each question once, or lists them.
    let whole = std::env::args().any(|argument| argument == "--bench");
    let namespaces = NetworkNamespace::new().and_then(|here| Ok((here, NetworkNamespace::new()?)));
    let (here, peer) = match namespaces {
        Ok(namespaces) => namespaces,
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            println!("not run: needs root, for network namespaces of its own");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            println!("could not be measured: {error}");
            return ExitCode::FAILURE;
        }
    };
    for missing in [Way::Ping, Way::Fping, Way::Getent].into_iter().filter(|way| !way.is_installed()) {
        println!("`{missing}` is not installed, so nothing is held against it");
    }
    let kept = here.run(|| {
        let ours = Ours::new()?;
        connect(&ours.runtime, &peer)?;
        divan::Divan::from_args().sample_size(1).main();
        // Each question is asked whatever became of the one before.
        Ok(!whole
            || Question::ALL
                .map(|question| hold_against_each_other(question, &ours))
                .iter()
                .all(|&kept| kept))
    });
    match kept {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            println!("a promise is broken");
            ExitCode::FAILURE
        }
        Err(error) => {
            println!("could not be measured: {error}");
            ExitCode::FAILURE
        }
    }
}

//! Runs that are ended by SIGKILL at random moments. How many says `NSPAWN_MATRIX_KILLS` (one for each victim, if it says
//! nothing), and where the random moments begin `NSPAWN_MATRIX_SEED`.

use std::fmt::Debug;
use std::time::{Duration, Instant};

use tokio::process::Child;

/// Has each of `victims` in turn killed at a random moment of a run that takes about as long as `whole`. `kill` makes a run,
/// and tells whether there was something to be killed at that moment: a run that has ended before is no kill, and is
/// repeated. Whatever became of it, the machine must be as it was once `expect_clean` has cleaned it.
pub(crate) async fn at_random_moments<V: Copy + Debug>(
    victims: &[V],
    mut whole: Duration,
    kill: impl AsyncFn(V, Duration) -> Result<bool, String>,
    expect_clean: impl AsyncFn() -> Result<(), String>,
) -> Result<(), String> {
    let kills = number("NSPAWN_MATRIX_KILLS")?.map_or(victims.len(), |kills| kills as usize);
    let seed = number("NSPAWN_MATRIX_SEED")?.unwrap_or_else(|| std::process::id().into());
    println!("NSPAWN_MATRIX_SEED={seed}");
    let mut random = Random::from(seed);
    let mut victims = victims.iter().copied().cycle();
    let mut victim = victims.next();
    let mut killed = 0;
    while let Some(now) = victim.filter(|_| killed < kills) {
        let moment = whole.mul_f64(random.fraction());
        let told = format!("kill {} of {kills}: {now:?} after {} ms", killed + 1, moment.as_millis());
        let began = Instant::now();
        let is_hit = kill(now, moment).await.map_err(|error| format!("{told}: {error}"))?;
        if is_hit {
            killed += 1;
            victim = victims.next();
        } else {
            whole = whole.min(began.elapsed());
        }
        expect_clean().await.map_err(|error| format!("{told}: {error}"))?;
        let outcome = if is_hit { "as it was" } else { "there was nothing to kill, and it is as it was" };
        println!("{told}: {outcome}, {} s in all", began.elapsed().as_secs());
    }
    Ok(())
}

/// Waits for `moment`, and tells whether the run goes on then.
pub(crate) async fn goes_on(run: &mut Child, moment: Duration) -> bool {
    tokio::time::timeout(moment, run.wait()).await.is_err()
}

fn number(name: &str) -> Result<Option<u64>, String> {
    let Some(value) = std::env::var_os(name) else { return Ok(None) };
    let number = value.to_str().and_then(|value| value.parse().ok());
    number.map(Some).ok_or_else(|| format!("{name} is no number: {}", value.display()))
}

/// Numbers that nobody expects (xorshift64, Marsaglia 2003).
struct Random(u64);

impl From<u64> for Random {
    fn from(seed: u64) -> Self {
        // The bits of a small number are spread first.
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }
}

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn fraction(&mut self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a moment need not be exact")]
        let fraction = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        fraction
    }
}

//! Names by NSS, as a program in the machine sees them: by the machine's own `getent`, and by a process that stays and calls
//! the same function of the same libc. To start a program takes several times as long as most names.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::time::Instant;

use nspawn_matrix_reports::Family;

use super::getaddrinfo::{self, Getaddrinfo};
use super::{Answer, getent};

/// Processes of one module that are kept for the next lookups. As many as are needed are started; many at a time are
/// where lookups are slow.
const KEPT: usize = 8;

/// A module of NSS, or what nsswitch.conf(5) says.
type Module = Option<&'static str>;

/// NSS of the system that this process is in.
#[derive(Default)]
pub struct Nss {
    program: OnceCell<Option<OwnedFd>>,
    idle: RefCell<BTreeMap<Module, Vec<Getaddrinfo>>>,
    /// Whether a process has ended that was to stay, as it does where there is another libc.
    is_hindered: Cell<bool>,
}

impl Nss {
    /// Looks a name up by a process that stays; none if there can be none.
    async fn by_process(&self, name: &str, family: Family, module: Module) -> Option<Answer> {
        let mut process = self.process(module)?;
        let started = Instant::now();
        let found = process.look_up(name, family).await;
        let took = started.elapsed();
        self.keep(module, process, &found);
        let addresses = found.ok()?;
        Some(Answer { addresses, took, ..Answer::default() })
    }

    fn process(&self, module: Module) -> Option<Getaddrinfo> {
        if self.is_hindered.get() {
            return None;
        }
        if let Some(idle) = self.idle.borrow_mut().get_mut(&module).and_then(Vec::pop) {
            return Some(idle);
        }
        let program = self.program.get_or_init(|| getaddrinfo::program().ok()).as_ref();
        let process = program.and_then(|program| Getaddrinfo::start(program, module).ok());
        self.is_hindered.set(process.is_none());
        process
    }

    fn keep<A>(&self, module: Module, process: Getaddrinfo, found: &io::Result<A>) {
        let mut idle = self.idle.borrow_mut();
        let idle = idle.entry(module).or_default();
        match found {
            Ok(_) if idle.len() < KEPT => idle.push(process),
            Ok(_) => {}
            Err(_) => self.is_hindered.set(true),
        }
    }
}

/// A series of lookups by NSS. The first is made by getent(1), which anybody can repeat by hand: were there a difference,
/// it would be in the distribution.
pub struct NssSeries {
    nss: Rc<Nss>,
    module: Module,
    has_begun: Cell<bool>,
}

impl NssSeries {
    /// Those by one module, or by what nsswitch.conf(5) says.
    #[must_use]
    pub fn new(nss: &Rc<Nss>, module: Module) -> Self {
        Self { nss: Rc::clone(nss), module, has_begun: Cell::new(false) }
    }

    /// Looks a name up once. Must be called in a tokio runtime.
    ///
    /// # Errors
    /// If `getent` cannot be started, or says anything but that it found the name or did not.
    pub async fn look_up(&self, name: &str, family: Family) -> anyhow::Result<Answer> {
        if self.has_begun.replace(true)
            && let Some(answer) = self.nss.by_process(name, family, self.module).await
        {
            return Ok(answer);
        }
        let started = Instant::now();
        let addresses = getent::look_up(name, family, self.module).await?;
        Ok(Answer { addresses, took: started.elapsed(), ..Answer::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_getent_finds_is_found_by_the_process_that_stays() {
        let nss = Rc::default();
        for module in [None, Some("files")] {
            let series = NssSeries::new(&nss, module);
            let mut found = Vec::new();
            for _ in 0..3 {
                found.push(series.look_up("localhost", Family::Any).await.unwrap().addresses);
            }
            assert!(
                !found[0].is_empty() && found.iter().all(|addresses| *addresses == found[0]),
                "{found:?}"
            );
            assert_eq!(nss.idle.borrow()[&module].len(), 1);
        }
    }

    #[tokio::test]
    async fn where_no_process_stays_getent_is_asked_each_time() {
        let nss = Rc::new(Nss { is_hindered: Cell::new(true), ..Nss::default() });
        let series = NssSeries::new(&nss, None);
        for _ in 0..2 {
            assert!(!series.look_up("localhost", Family::Any).await.unwrap().addresses.is_empty());
        }
        assert!(nss.idle.borrow().is_empty());
    }
}

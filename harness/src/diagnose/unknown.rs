//! Which machines are meant.

use nspawn_matrix_scenarios::nearest::nearest;

use crate::agent::Running;

/// No machine of this name is registered.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("no machine `{name}` is registered with systemd-machined")]
pub(crate) struct UnknownMachine {
    name: String,
    /// A machine whose name is like it.
    pub(crate) nearest: Option<String>,
}

/// Those machines that are `named`, or all if none is.
///
/// # Errors
/// If one of them is not there.
pub(super) fn only(running: Running, named: &[String]) -> Result<Running, UnknownMachine> {
    let is_there = |name: &&String| running.machines.iter().any(|found| found.name == **name);
    if let Some(name) = named.iter().find(|name| !is_there(name)) {
        let names = running.machines.iter().map(|found| found.name.as_str());
        return Err(UnknownMachine { name: name.clone(), nearest: nearest(name, names).map(str::to_owned) });
    }
    let machines = running.machines.into_iter();
    let machines = machines.filter(|found| named.is_empty() || named.contains(&found.name)).collect();
    Ok(Running { machines, ..running })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnose::plan::tests::running;

    #[test]
    fn a_machine_that_is_not_there_is_named_with_the_nearest() {
        let all = running();
        let names = |named: &[&str]| {
            let named: Vec<String> = named.iter().map(|&name| name.to_owned()).collect();
            only(all.clone(), &named).map(|left| left.machines.into_iter().map(|one| one.name).collect())
        };
        assert_eq!(names(&["db", "web"]), Ok(vec!["db".to_owned(), "web".to_owned()]));
        assert_eq!(names(&[]).map(|all: Vec<String>| all.len()), Ok(all.machines.len()));
        let unknown = UnknownMachine { name: "wen".to_owned(), nearest: Some("web".to_owned()) };
        assert_eq!(names(&["wen"]), Err(unknown));
    }
}

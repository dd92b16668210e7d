//! Which scenarios and questions the command line means.

use glob::Pattern;
use nspawn_matrix_scenarios::{Check, Scenario, catalogue};

use super::Failure;
use super::own::Own;
use nspawn_matrix_scenarios::nearest::nearest;

/// What stands for the scenarios of [`catalogue::NOTES`].
pub(super) const NOTES: &str = "notes";

/// The scenarios that any of `patterns` names, in the order of the catalogue; all of them if there is no pattern.
///
/// # Errors
/// A usage error for a pattern that names nothing.
pub fn scenarios(patterns: &[String]) -> Result<Vec<Scenario>, Failure> {
    with_own(Vec::new(), patterns)
}

/// Those of a person's own, and of the catalogue what `patterns` name; if there is no pattern, the nearest to each of
/// their own, or all if they have none. A pattern may also name one of their own, to have nothing beside them.
///
/// # Errors
/// A usage error for a pattern that names nothing.
pub(super) fn beside(own: Own, patterns: &[String]) -> Result<Vec<Scenario>, Failure> {
    if own.scenarios.is_empty() || !patterns.is_empty() {
        return with_own(own.scenarios, patterns);
    }
    let near = catalogue::all().into_iter().filter(|scenario| own.nearest.contains(&scenario.name.as_str()));
    Ok(own.scenarios.iter().cloned().chain(near).collect())
}

/// Those of a person's own, and of the catalogue what `patterns` name; all of it if there is no pattern.
///
/// # Errors
/// A usage error for a pattern that names nothing.
pub(super) fn with_own(own: Vec<Scenario>, patterns: &[String]) -> Result<Vec<Scenario>, Failure> {
    let all = catalogue::all();
    let names: Vec<String> = own.iter().chain(&all).map(|scenario| scenario.name.clone()).collect();
    let wanted = select("scenario", &ungrouped(patterns), names.iter().map(String::as_str))?;
    let of_catalogue = all.into_iter().zip(wanted.into_iter().skip(own.len())).filter(|(_, wanted)| *wanted);
    let of_catalogue: Vec<Scenario> = of_catalogue.map(|(scenario, _)| scenario).collect();
    Ok(own.into_iter().chain(of_catalogue).collect())
}

/// The patterns, with the names of its scenarios in the place of a group.
fn ungrouped(patterns: &[String]) -> Vec<String> {
    let each = |pattern: &String| match pattern.as_str() {
        NOTES => catalogue::NOTES.map(str::to_owned).to_vec(),
        _ => vec![pattern.clone()],
    };
    patterns.iter().flat_map(each).collect()
}

/// The questions that any of `patterns` names, in their own order; all of them if there is no pattern.
///
/// # Errors
/// A usage error for a pattern that names nothing.
pub fn checks(patterns: &[String]) -> Result<Vec<Check>, Failure> {
    let all = || Check::all().iter().copied();
    let names: Vec<_> = all().map(Check::name).collect();
    let wanted = select("check", patterns, names.iter().map(AsRef::as_ref))?;
    Ok(all().zip(wanted).filter(|(_, wanted)| *wanted).map(|(check, _)| check).collect())
}

/// Those of `scenarios` that any of `checks` is asked of: nobody has to wait for a host of which nothing is asked.
///
/// # Errors
/// A usage error if that leaves none.
pub(super) fn asked(scenarios: Vec<Scenario>, checks: &[Check]) -> Result<Vec<Scenario>, Failure> {
    let is_asked = |scenario: &Scenario| scenario.checks().any(|check| checks.contains(&check));
    let asked: Vec<Scenario> = scenarios.into_iter().filter(is_asked).collect();
    match asked.is_empty() {
        false => Ok(asked),
        true => Err(Failure::usage("none of these questions is asked of any of these scenarios")
            .hint("`nspawn-matrix list --scenario NAME` prints which are asked of one")),
    }
}

/// The scenario of this name.
///
/// # Errors
/// A usage error if there is none.
pub(super) fn scenario(name: &str) -> Result<Scenario, Failure> {
    let all = catalogue::all();
    match all.iter().find(|scenario| scenario.name == name) {
        Some(scenario) => Ok(scenario.clone()),
        None => Err(unknown("scenario", name, all.iter().map(|scenario| scenario.name.as_str()))),
    }
}

/// Tells for each name whether it is wanted.
fn select<'a>(
    what: &str,
    patterns: &[String],
    names: impl Iterator<Item = &'a str> + Clone,
) -> Result<Vec<bool>, Failure> {
    let mut globs = Vec::new();
    for text in patterns {
        let pattern = Pattern::new(text)
            .map_err(|error| Failure::usage(format!("`{text}` is not a pattern for a {what}: {error}")))?;
        if !names.clone().any(|name| pattern.matches(name)) {
            return Err(unknown(what, text, names));
        }
        globs.push(pattern);
    }
    Ok(names.map(|name| globs.is_empty() || globs.iter().any(|pattern| pattern.matches(name))).collect())
}

pub(super) fn unknown<'a>(what: &str, name: &str, names: impl IntoIterator<Item = &'a str>) -> Failure {
    let hint = match nearest(name, names) {
        Some(nearest) => format!("the nearest is `{nearest}`; `nspawn-matrix list` shows them all"),
        None => "`nspawn-matrix list` shows them all".to_owned(),
    };
    Failure::usage(format!("no {what} is named `{name}`")).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(patterns: &[&str]) -> Vec<String> {
        let patterns: Vec<String> = patterns.iter().map(|&pattern| pattern.to_owned()).collect();
        scenarios(&patterns).unwrap().into_iter().map(|scenario| scenario.name).collect()
    }

    #[test]
    fn a_pattern_may_name_several_and_the_order_is_that_of_the_catalogue() {
        assert_eq!(
            names(&["nspawn-file-bri*", "host-*", "zone"]),
            ["host-network", "zone", "nspawn-file-bridge"]
        );
        assert_eq!(names(&["macvlan", "notes"]).len(), catalogue::NOTES.len() + 1);
        assert_eq!(names(&[]).len(), catalogue::all().len());
    }

    #[test]
    fn beside_ones_own_stands_the_nearest_unless_something_is_named() {
        let beside = |patterns: &[&str]| -> Vec<String> {
            let mine = Scenario { name: "web.nspawn".to_owned(), ..catalogue::all().remove(0) };
            let own = Own { scenarios: vec![mine], nearest: vec!["zone"], told: Vec::new() };
            let patterns: Vec<String> = patterns.iter().map(|&pattern| pattern.to_owned()).collect();
            super::beside(own, &patterns).unwrap().into_iter().map(|scenario| scenario.name).collect()
        };
        assert_eq!(beside(&[]), ["web.nspawn", "zone"]);
        assert_eq!(beside(&["na*", "bridge"]), ["web.nspawn", "nat", "bridge"]);
        assert_eq!(beside(&["web.nspawn"]), ["web.nspawn"]);
    }

    #[test]
    fn a_star_reaches_over_slashes() {
        let checks = checks(&["resolve/*".to_owned()]).unwrap();
        let below = |check: &&Check| check.name().starts_with("resolve/");
        assert_eq!(checks.len(), Check::all().iter().filter(below).count());
    }

    #[test]
    fn a_wrong_name_is_told_with_the_nearest_right_one() {
        let failure = checks(&["ping/per/ipv4".to_owned()]).unwrap_err();
        assert!(format!("{failure:?}").contains("the nearest is `ping/peer/ipv4`"), "{failure:?}");
    }
}

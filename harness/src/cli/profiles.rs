//! Which profiles the command line means.

use std::path::Path;

use nspawn_matrix_reports::STOCK;
use nspawn_matrix_scenarios::{Profile, profile, scenario_file};

use super::Failure;
use super::own::read_text;
use super::selection::unknown;

#[derive(Debug, clap::Args)]
pub(super) struct ProfileArguments {
    /// What is made of each host first, as providers do it: one that `list` says, or a file of your own (*.toml); may be
    /// repeated, and every scenario then runs on each
    #[arg(long, value_name = "NAME", default_value = STOCK)]
    profile: Vec<String>,
}

impl ProfileArguments {
    /// The profiles that are named, each once.
    ///
    /// # Errors
    /// A usage error for a name that none has, for a file that is no profile, and for two that are called the same.
    pub(super) fn read(&self) -> Result<Vec<Profile>, Failure> {
        let mut profiles: Vec<Profile> = Vec::new();
        for name in &self.profile {
            let profile = named(name)?;
            if profiles.contains(&profile) {
                continue;
            }
            if profiles.iter().any(|other| other.name == profile.name) {
                return Err(Failure::usage(format!("two of your profiles are named `{}`", profile.name)));
            }
            profiles.push(profile);
        }
        Ok(profiles)
    }
}

fn named(name: &str) -> Result<Profile, Failure> {
    if Path::new(name).extension().is_some_and(|ending| ending == "toml") {
        return own(name);
    }
    let all = profile::all();
    match all.iter().find(|profile| profile.name == name) {
        Some(profile) => Ok(profile.clone()),
        None => Err(unknown("profile", name, all.iter().map(|profile| profile.name.as_str()))),
    }
}

fn own(path: &str) -> Result<Profile, Failure> {
    scenario_file::read_profile(&read_text(Path::new(path))?).map_err(|problems| {
        let lines: Vec<String> = problems.iter().map(|problem| format!("{path}:{problem}")).collect();
        Failure::usage(lines.join("\nerror: "))
            .hint("a profile has a name, a summary, a link, packages, reboot = true or false, and steps as scenarios have them")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(profiles: &[&str]) -> Result<Vec<String>, Failure> {
        let profile = profiles.iter().map(|&name| name.to_owned()).collect();
        Ok(ProfileArguments { profile }.read()?.into_iter().map(|profile| profile.name).collect())
    }

    #[test]
    fn profiles_are_named_or_files_and_each_is_taken_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, summary: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, format!("name = \"mine\"\nsummary = \"{summary}\"\n")).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let (one, other) = (file("one.toml", "one"), file("other.toml", "other"));
        assert_eq!(names(&["stock", "linode", "stock", &one, &one]).unwrap(), ["stock", "linode", "mine"]);
        let failure = format!("{:?}", names(&[&one, &other]).unwrap_err());
        assert!(failure.contains("two of your profiles are named `mine`"), "{failure}");
    }
}

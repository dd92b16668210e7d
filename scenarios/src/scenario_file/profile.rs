//! Reading a profile: what plays the host before anybody set up containers.

use super::fields::{Fields, Placed};
use super::problem::Problem;
use super::read::{Reader, whole};
use crate::{Profile, name, profile};

/// Reads a profile of a person's own.
///
/// # Errors
/// All that is wrong, in the order of the file.
pub fn read_profile(text: &str) -> Result<Profile, Vec<Problem>> {
    let names: Vec<String> = profile::all().into_iter().map(|profile| profile.name).collect();
    whole(text, |reader, fields| reader.profile(fields, &names))
}

/// Reads a profile of the catalogue, whose name cannot be taken yet.
///
/// # Errors
/// All that is wrong, in the order of the file.
pub(crate) fn read_built_in_profile(text: &str) -> Result<Profile, Vec<Problem>> {
    whole(text, |reader, fields| reader.profile(fields, &[]))
}

impl Reader {
    fn profile(&mut self, mut fields: Fields<'_>, built_in: &[String]) -> Profile {
        let name = self.keep(fields.required("name"));
        let summary = self.keep(fields.string("summary")).flatten().map(|(text, _)| text);
        let link = self.keep(fields.string("link")).flatten().map(|(text, _)| text);
        let packages = self.keep(fields.strings("packages")).flatten().unwrap_or_default();
        let reboot = self.keep(fields.boolean("reboot")).flatten();
        let steps = self.keep(fields.tables("step")).unwrap_or_default();
        self.problems.extend(fields.left_over());
        Profile {
            name: name.map(|name| self.name(name, "profile", built_in)).unwrap_or_default(),
            summary: summary.unwrap_or_else(|| "your own profile".to_owned()),
            link: link.unwrap_or_default(),
            packages: packages.into_iter().filter_map(|package| self.package(package)).collect(),
            steps: steps.into_iter().filter_map(|step| self.step(step)).collect(),
            reboot: reboot.unwrap_or(false),
        }
    }

    /// The name of a package becomes a part of options and of names of files.
    fn package(&mut self, (name, at): Placed<String>) -> Option<String> {
        if !name::is_package(&name) {
            self.wrong(at, format!("`{name}` cannot be the name of a Debian package"));
            return None;
        }
        Some(name)
    }
}

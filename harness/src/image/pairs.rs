//! What a run is made from: each image for hosts, with machines of the same or of each image for machines.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::{ImageError, Pair, Recipe};

/// The tar files of the images of a run, by their names.
pub type Images = BTreeMap<String, PathBuf>;

/// Pairs of recipes, no two the same, and no two recipes of one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pairs {
    pairs: Vec<Pair<Recipe>>,
    /// The same hosts with further packages.
    further: Vec<Recipe>,
}

impl Pairs {
    /// Crosses the images of hosts with those of machines; if there are none of machines, each host has machines of its
    /// own image. What is named twice is taken once.
    ///
    /// # Errors
    /// [`ImageError::SameName`], since reports tell images by their names.
    pub fn crossed(hosts: &[Recipe], payloads: &[Recipe]) -> Result<Self, ImageError> {
        let mut pairs: Vec<Pair<Recipe>> = Vec::new();
        for host in hosts {
            let payloads = if payloads.is_empty() { std::slice::from_ref(host) } else { payloads };
            for payload in payloads {
                let pair = Pair { host: host.clone(), payload: payload.clone() };
                if !pairs.contains(&pair) {
                    pairs.push(pair);
                }
            }
        }
        let pairs = Self { pairs, further: Vec::new() };
        let mut names = Vec::new();
        for name in pairs.recipes().into_iter().map(Recipe::name) {
            if names.contains(&name) {
                return Err(ImageError::SameName { name });
            }
            names.push(name);
        }
        Ok(pairs)
    }

    /// Has the images of the hosts with further packages too, for each list of them.
    ///
    /// # Errors
    /// [`ImageError::NoPackages`], if nothing can be installed into one of them.
    pub fn with_packages<'a>(
        mut self,
        lists: impl IntoIterator<Item = &'a [String]>,
    ) -> Result<Self, ImageError> {
        for packages in lists {
            for pair in &self.pairs {
                let missing =
                    || ImageError::NoPackages { name: pair.host.name(), packages: packages.join(", ") };
                self.further.push(pair.host.with(packages).ok_or_else(missing)?);
            }
        }
        Ok(self)
    }

    /// Whether an image of hosts is wanted with further packages.
    #[must_use]
    pub fn has_packages(&self) -> bool {
        self.further.iter().any(|further| self.pairs.iter().all(|pair| pair.host != *further))
    }

    /// Each recipe once, in the order in which they were named.
    #[must_use]
    pub fn recipes(&self) -> Vec<&Recipe> {
        let mut recipes: Vec<&Recipe> = Vec::new();
        for recipe in self.pairs.iter().flat_map(Pair::each).chain(&self.further) {
            if !recipes.contains(&recipe) {
                recipes.push(recipe);
            }
        }
        recipes
    }

    /// The pairs by the names of their images.
    #[must_use]
    pub fn names(&self) -> Vec<Pair<String>> {
        self.pairs
            .iter()
            .map(|Pair { host, payload }| Pair { host: host.name(), payload: payload.name() })
            .collect()
    }

    /// The major versions of the hosts' systemd, each once; none for one that is not known beforehand.
    #[must_use]
    pub fn systemd_of_hosts(&self) -> Vec<Option<u32>> {
        let mut versions: Vec<Option<u32>> = self.pairs.iter().map(|pair| pair.host.systemd()).collect();
        versions.sort_unstable();
        versions.dedup();
        versions
    }

    /// The pair, if there is but one.
    #[must_use]
    pub fn only(&self) -> Option<&Pair<Recipe>> {
        if let [pair] = &*self.pairs { Some(pair) } else { None }
    }
}

impl From<Recipe> for Pairs {
    fn from(recipe: Recipe) -> Self {
        Self { pairs: vec![Pair::of_one(recipe)], further: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn crossed(hosts: &[&str], payloads: &[&str]) -> Result<Pairs, ImageError> {
        let [hosts, payloads] =
            [hosts, payloads].map(|names| names.iter().map(|name| Recipe::parse(name).unwrap()).collect());
        let (hosts, payloads): (Vec<Recipe>, Vec<Recipe>) = (hosts, payloads);
        Pairs::crossed(&hosts, &payloads)
    }

    fn names(pairs: &Pairs) -> Vec<String> {
        pairs.names().iter().map(Pair::name).collect()
    }

    #[test]
    fn each_image_of_hosts_meets_each_of_machines_or_has_machines_of_its_own() {
        assert_eq!(names(&crossed(&["bookworm", "sid"], &[]).unwrap()), ["bookworm", "sid"]);
        let pairs = crossed(&["bookworm", "sid"], &["sid", "trixie"]).unwrap();
        assert_eq!(names(&pairs), ["bookworm+sid", "bookworm+trixie", "sid", "sid+trixie"]);
        let recipes: Vec<String> = pairs.recipes().into_iter().map(Recipe::name).collect();
        assert_eq!(recipes, ["bookworm", "sid", "trixie"]);
        assert_eq!(pairs.systemd_of_hosts(), [None, Some(252)]);
        assert!(pairs.only().is_none());
    }

    #[test]
    fn hosts_have_the_packages_of_each_profile_and_machines_have_not() {
        let ufw = ["ufw".to_owned()];
        let lists: [&[String]; 3] = [&[], &ufw, &ufw];
        let pairs = crossed(&["trixie", "sid"], &["bookworm"]).unwrap().with_packages(lists).unwrap();
        let recipes: Vec<String> = pairs.recipes().into_iter().map(Recipe::name).collect();
        assert_eq!(recipes, ["trixie", "bookworm", "sid", "trixie+ufw", "sid+ufw"]);
        assert!(pairs.has_packages());
        assert!(!crossed(&["arch"], &[]).unwrap().with_packages([&[][..]]).unwrap().has_packages());
        let error = crossed(&["arch"], &[]).unwrap().with_packages([&ufw[..]]).unwrap_err();
        assert_eq!(error.to_string(), "image `arch` cannot have the packages of a profile (ufw)");
    }

    #[test]
    fn what_is_named_twice_is_taken_once() {
        let pairs = crossed(&["sid", "sid"], &["trixie", "sid", "trixie"]).unwrap();
        assert_eq!(names(&pairs), ["sid+trixie", "sid"]);
        assert!(crossed(&["sid", "sid"], &[]).unwrap().only().is_some());
    }

    #[test]
    fn two_images_of_one_name_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let paths = ["a/root", "b/root"].map(|path| {
            let path = folder.path().join(path);
            fs::create_dir_all(&path).unwrap();
            path.to_str().unwrap().to_owned()
        });
        let [first, second] = paths.each_ref().map(String::as_str);
        for error in [crossed(&[first, second], &[]), crossed(&[first], &[second])] {
            assert_eq!(error.unwrap_err().to_string(), "two of the images are called `root`");
        }
        assert!(crossed(&[first, first], &[]).is_ok());
    }
}

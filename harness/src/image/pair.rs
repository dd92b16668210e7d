//! What hosts and machines are made from, which is mostly the same.

use serde::{Deserialize, Serialize};

/// Something of the image that hosts are made from, and the same of that of their machines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pair<T> {
    /// The hosts'.
    pub host: T,
    /// The machines'.
    pub payload: T,
}

impl<T: Clone> Pair<T> {
    /// Makes the pair of hosts and machines that are made from one image.
    pub fn of_one(image: T) -> Self {
        Self { host: image.clone(), payload: image }
    }
}

impl<T: PartialEq> Pair<T> {
    /// Those that differ: the hosts', and the machines' if it is another.
    pub(crate) fn each(&self) -> impl Iterator<Item = &T> {
        [&self.host].into_iter().chain((self.payload != self.host).then_some(&self.payload))
    }
}

impl From<&str> for Pair<String> {
    fn from(image: &str) -> Self {
        Self::of_one(image.to_owned())
    }
}

impl Pair<String> {
    /// The names as one: `trixie`, or `trixie+bookworm` where the machines are made from bookworm.
    #[must_use]
    pub fn name(&self) -> String {
        self.each().map(String::as_str).collect::<Vec<_>>().join("+")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_image_is_named_once() {
        assert_eq!(Pair::from("trixie").name(), "trixie");
        let two = Pair { host: "trixie".to_owned(), payload: "bookworm".to_owned() };
        assert_eq!(two.name(), "trixie+bookworm");
        assert_eq!(two.each().count(), 2);
    }
}

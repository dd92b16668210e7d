//! The nearest right name to a wrong one.

/// Finds, among `names`, the one that `wrong` was probably meant to be; none if all are too far off.
#[must_use]
pub fn nearest<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    names
        .into_iter()
        .map(|name| (strsim::jaro_winkler(wrong, name), name))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_nonsense_is_not() {
        let names = ["default-veth", "bridge", "zone"];
        assert_eq!(nearest("brigde", names), Some("bridge"));
        assert_eq!(nearest("veth-default", names), Some("default-veth"));
        assert_eq!(nearest("qqqq", names), None);
    }
}

//! Breaking text into lines.

/// Breaks `text` at white space into lines of at most `width`; the first begins with `first`, the others with `rest`.
///
/// A word that is wider stays whole, so that links and paths can be copied.
#[must_use]
pub fn wrap(text: &str, width: u16, first: &str, rest: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut line = first.to_owned();
    let mut is_fresh = true;
    for word in text.split_whitespace() {
        let wanted = line.chars().count() + usize::from(!is_fresh) + word.chars().count();
        if !is_fresh && wanted > usize::from(width) {
            lines.push(std::mem::replace(&mut line, rest.to_owned()));
            is_fresh = true;
        }
        if !is_fresh {
            line.push(' ');
        }
        line.push_str(word);
        is_fresh = false;
    }
    lines.push(line);
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_filled_and_hang_under_their_label() {
        insta::assert_snapshot!(wrap("one two\nthree four five", 16, "a: ", "   "), @r"
        a: one two three
           four five
        ");
    }

    #[test]
    fn a_word_wider_than_the_terminal_stays_whole() {
        assert_eq!(
            wrap("see https://example.org/x now", 12, "", "  "),
            "see\n  https://example.org/x\n  now"
        );
        assert_eq!(wrap("", 12, "- ", "  "), "- ");
    }
}

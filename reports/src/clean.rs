//! Text from outside, made safe to print.
//!
//! Reasons carry what programs and kernels said, and programs say it in colour. A terminal would obey such bytes and
//! XML forbids them, so every writer that shows text to people passes it through [`clean`] first.

use std::iter::Peekable;
use std::str::Chars;

const ESC: char = '\u{1b}';
const BELL: char = '\u{7}';
/// The eight-bit forms of `ESC [`, `ESC ]` and `ESC \` (ECMA-48).
const CSI: char = '\u{9b}';
const OSC: char = '\u{9d}';
const STRING_END: char = '\u{9c}';

/// Drops terminal sequences, ends lines with `\n` alone, and puts U+FFFD for what XML 1.0 forbids or a terminal obeys.
///
/// What remains holds, of the control characters, only `\t` and `\n`.
pub(crate) fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            ESC => skip_escape(&mut rest),
            CSI => skip_csi(&mut rest),
            OSC => skip_string(&mut rest),
            '\r' => {
                rest.next_if_eq(&'\n');
                out.push('\n');
            }
            other if is_unprintable(other) => out.push(char::REPLACEMENT_CHARACTER),
            other => out.push(other),
        }
    }
    out
}

fn is_unprintable(character: char) -> bool {
    let is_control = character.is_control() && character != '\t' && character != '\n';
    is_control || matches!(character, '\u{fffe}' | '\u{ffff}')
}

/// Skips what follows an ESC: a whole sequence, or nothing where none begins.
fn skip_escape(rest: &mut Peekable<Chars<'_>>) {
    match rest.peek() {
        Some('[') => {
            rest.next();
            skip_csi(rest);
        }
        Some(']' | 'P' | 'X' | '^' | '_') => {
            rest.next();
            skip_string(rest);
        }
        Some(' '..='/') => {
            while rest.next_if(|next| (' '..='/').contains(next)).is_some() {}
            rest.next_if(|next| ('0'..='~').contains(next));
        }
        Some('0'..='~') => {
            rest.next();
        }
        Some(_) | None => {}
    }
}

/// Skips parameters (0x30 to 0x3f), intermediates (0x20 to 0x2f) and the final byte (0x40 to 0x7e).
fn skip_csi(rest: &mut Peekable<Chars<'_>>) {
    while rest.next_if(|next| (' '..='?').contains(next)).is_some() {}
    rest.next_if(|next| ('@'..='~').contains(next));
}

/// Skips a control string up to its end, or to the end of the line where it has none: text must not vanish whole.
fn skip_string(rest: &mut Peekable<Chars<'_>>) {
    while let Some(next) = rest.next_if(|next| *next != '\n') {
        if next == ESC {
            rest.next_if_eq(&'\\');
        }
        if matches!(next, ESC | BELL | STRING_END) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn colours_titles_and_links_are_dropped_with_their_parameters() {
        assert_eq!(clean("\u{1b}[1;31mno route\u{1b}[0m\u{1b}[K to host"), "no route to host");
        assert_eq!(clean("\u{1b}]0;title\u{7}a\u{1b}]8;;http://x\u{1b}\\b\u{9b}2mc\u{1b}(Bd"), "abcd");
    }

    #[test]
    fn an_unfinished_sequence_does_not_swallow_the_next_line() {
        assert_eq!(clean("\u{1b}]0;title\nreason\u{1b}["), "\nreason");
        assert_eq!(clean("a\u{1b}\nb"), "a\nb");
    }

    #[test]
    fn forbidden_characters_are_seen_to_have_been_there() {
        assert_eq!(clean("a\0b\u{fffe}c\u{ffff}d\u{7f}e\tf"), "a\u{fffd}b\u{fffd}c\u{fffd}d\u{fffd}e\tf");
        assert_eq!(clean("one\r\ntwo\rthree"), "one\ntwo\nthree");
    }

    proptest! {
        #[test]
        fn nothing_unprintable_remains(text in any::<String>()) {
            prop_assert!(!clean(&text).chars().any(is_unprintable));
        }

        #[test]
        fn cleaning_twice_is_cleaning_once(text in any::<String>()) {
            prop_assert_eq!(clean(&clean(&text)), clean(&text));
        }
    }
}

//! The syntax of a `.nspawn` file as systemd's own parser reads it (systemd.syntax(7), conf-parser.c of 252 to 262).
//!
//! [`parse`] gives one [`Line`] for each logical line, with the number that an editor shows. Three things are easily
//! got wrong: a comment between two halves of a continued line does not end it, `\r`, `\n` and NUL all end a line, and
//! some mistakes make systemd refuse the whole file, so that the machine does not start.

/// A line of this many bytes, after continuation, makes systemd refuse the file.
const LONGEST: usize = 1 << 20;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// One logical line that is neither empty nor a comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Number of its first line in the file, from 1.
    pub number: usize,
    /// What it says.
    pub content: Content,
}

/// What a line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// `[Files]`, by its name.
    Section(String),
    /// `Bind=/srv`.
    Assignment {
        /// What stands before the first `=`.
        key: String,
        /// What stands after it; empty where it resets the setting.
        value: String,
    },
    /// No `=`: systemd warns and goes on.
    NoEquals(String),
    /// Nothing before the `=`: systemd warns and goes on.
    NoKey,
    /// systemd refuses the file for this; it is the last line that is read.
    Refused(Refusal),
}

/// Why systemd refuses a whole file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// A line begins with `[` and does not end with `]`.
    OpenHeader,
    /// The name of a section holds control characters, quotes or backslashes.
    UnsafeHeader,
    /// The line is not UTF-8.
    NotUtf8,
    /// The line is 1 MiB or longer.
    TooLong,
}

/// Reads a file; what comes after a [`Refusal`] is not read.
#[must_use]
pub fn parse(bytes: &[u8]) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut continued: Option<(usize, Vec<u8>)> = None;
    let mut mark_seen = false;
    for (index, raw) in physical_lines(bytes).into_iter().enumerate() {
        let number = index + 1;
        if raw.len() >= LONGEST {
            lines.push(Line { number, content: Content::Refused(Refusal::TooLong) });
            return lines;
        }
        if matches!(trim(raw).first(), Some(b'#' | b';')) {
            continue;
        }
        let unmarked = (!mark_seen).then(|| raw.strip_prefix(BYTE_ORDER_MARK)).flatten();
        mark_seen |= unmarked.is_some();
        let raw = unmarked.unwrap_or(raw);
        let (first, mut text) = continued.take().unwrap_or((number, Vec::new()));
        if text.len() + raw.len() > LONGEST {
            lines.push(Line { number: first, content: Content::Refused(Refusal::TooLong) });
            return lines;
        }
        text.extend_from_slice(raw);
        if ends_escaped(&text) {
            text.pop();
            text.push(b' ');
            continued = Some((first, text));
        } else if !push(&mut lines, first, &text) {
            return lines;
        }
    }
    if let Some((first, text)) = continued {
        push(&mut lines, first, &text);
    }
    lines
}

/// Adds what a logical line says, and tells whether reading goes on after it.
fn push(lines: &mut Vec<Line>, number: usize, text: &[u8]) -> bool {
    let Some(content) = content(text) else { return true };
    let goes_on = !matches!(content, Content::Refused(_));
    lines.push(Line { number, content });
    goes_on
}

fn content(text: &[u8]) -> Option<Content> {
    let text = trim(text);
    if text.is_empty() {
        return None;
    }
    let Ok(text) = std::str::from_utf8(text) else { return Some(Content::Refused(Refusal::NotUtf8)) };
    Some(match text.strip_prefix('[') {
        Some(header) => section(header),
        None => assignment(text),
    })
}

fn section(header: &str) -> Content {
    let Some(name) = header.strip_suffix(']') else { return Content::Refused(Refusal::OpenHeader) };
    if name.chars().any(|c| c.is_ascii_control() || "\"'\\".contains(c)) {
        return Content::Refused(Refusal::UnsafeHeader);
    }
    Content::Section(name.to_owned())
}

fn assignment(text: &str) -> Content {
    match text.split_once('=') {
        None => Content::NoEquals(text.to_owned()),
        Some(("", _)) => Content::NoKey,
        Some((key, value)) => {
            Content::Assignment { key: strip(key).to_owned(), value: strip(value).to_owned() }
        }
    }
}

/// Ends lines where `read_line()` of systemd does: at `\n`, `\r` or NUL, or at several of them that are not alike.
fn physical_lines(bytes: &[u8]) -> Vec<&[u8]> {
    let mut lines = Vec::new();
    let mut start = 0;
    while start < bytes.len() {
        let rest = &bytes[start..];
        let length = rest.iter().position(|byte| is_end(*byte)).unwrap_or(rest.len());
        lines.push(&rest[..length]);
        start += length + end_length(&rest[length..]);
    }
    lines
}

/// The length of one end of line at the beginning of `rest`; nothing follows a NUL.
fn end_length(rest: &[u8]) -> usize {
    let mut length = 0;
    while let Some(byte) = rest.get(length).filter(|byte| is_end(**byte) && !rest[..length].contains(byte)) {
        length += 1;
        if *byte == 0 {
            break;
        }
    }
    length
}

fn is_end(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r' | 0)
}

/// Tells whether the text ends with a backslash that is not itself escaped.
fn ends_escaped(text: &[u8]) -> bool {
    text.iter().fold(false, |escaped, byte| !escaped && *byte == b'\\')
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

fn trim(mut text: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = text
        && is_space(*first)
    {
        text = rest;
    }
    while let [rest @ .., last] = text
        && is_space(*last)
    {
        text = rest;
    }
    text
}

fn strip(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\n', '\r'])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Vec<(usize, Content)> {
        parse(text.as_bytes()).into_iter().map(|line| (line.number, line.content)).collect()
    }

    fn set(key: &str, value: &str) -> Content {
        Content::Assignment { key: key.to_owned(), value: value.to_owned() }
    }

    fn header(name: &str) -> Content {
        Content::Section(name.to_owned())
    }

    #[test]
    fn comments_and_empty_lines_count_and_say_nothing() {
        let text = "# a\n\n[Files]\n  ; b\n Bind = /srv \n";
        assert_eq!(read(text), [(3, header("Files")), (5, set("Bind", "/srv"))]);
    }

    #[test]
    fn a_line_is_continued_over_comments_and_has_the_number_of_its_beginning() {
        let text = "Parameters=a \\\n# between\n  b\\\n\nBoot=yes";
        assert_eq!(read(text), [(1, set("Parameters", "a    b")), (5, set("Boot", "yes"))]);
    }

    #[test]
    fn two_backslashes_do_not_continue_and_one_at_the_end_of_the_file_does_no_harm() {
        assert_eq!(read("A=1\\\\\nB=2\\"), [(1, set("A", "1\\\\")), (2, set("B", "2"))]);
    }

    #[test]
    fn lines_end_as_they_do_on_any_system() {
        for text in
            ["[Exec]\r\n\r\nBoot=1\r\n", "[Exec]\r\rBoot=1", "[Exec]\n\nBoot=1\n", "[Exec]\0\0Boot=1\0"]
        {
            assert_eq!(read(text), [(1, header("Exec")), (3, set("Boot", "1"))], "{text:?}");
        }
    }

    #[test]
    fn a_byte_order_mark_is_skipped() {
        assert_eq!(read("\u{feff}[Exec]\nBoot=1"), [(1, header("Exec")), (2, set("Boot", "1"))]);
    }

    #[test]
    fn an_empty_value_is_a_value() {
        assert_eq!(
            read("Bridge=\n=x\nBridge"),
            [(1, set("Bridge", "")), (2, Content::NoKey), (3, Content::NoEquals("Bridge".to_owned()))]
        );
    }

    #[test]
    fn what_systemd_refuses_ends_the_reading() {
        assert_eq!(read("[Exec\nBoot=1"), [(1, Content::Refused(Refusal::OpenHeader))]);
        assert_eq!(read("[Ex'ec]\nBoot=1"), [(1, Content::Refused(Refusal::UnsafeHeader))]);
        let latin1 = parse(b"[Exec]\nUser=J\xf6rg\nBoot=1");
        assert_eq!(latin1[1], Line { number: 2, content: Content::Refused(Refusal::NotUtf8) });
        assert_eq!(latin1.len(), 2);
        let long = format!("A={}\nB=1", "x".repeat(LONGEST));
        assert_eq!(read(&long), [(1, Content::Refused(Refusal::TooLong))]);
        let continued = format!("A={}\\\n{}\nB=1", "x".repeat(LONGEST / 2), "x".repeat(LONGEST / 2));
        assert_eq!(read(&continued), [(1, Content::Refused(Refusal::TooLong))]);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_and_numbers_rise(bytes in any::<Vec<u8>>()) {
            let lines = parse(&bytes);
            prop_assert!(lines.windows(2).all(|pair| pair[0].number < pair[1].number));
            prop_assert!(lines.iter().all(|line| line.number >= 1 && line.number <= bytes.len()));
        }

        #[test]
        fn text_like_a_file_does_not_either(text in "([\\[\\]=\\\\ \t\r\n#;A-c\u{feff}]|Bind=|Exec){0,60}") {
            prop_assert!(parse(text.as_bytes()).len() <= text.len());
        }
    }
}

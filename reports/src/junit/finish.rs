//! What junit-report leaves undone: properties of a suite, and times with three decimals.
//!
//! The pass walks over tags and needs no parser: junit-report escapes `<`, `>` and `"` in attributes, so outside of
//! CDATA a tag ends at the next `>` and ` time="` is never part of a value.

const CDATA: &str = "<![CDATA[";
const CDATA_END: &str = "]]>";
const TIME: &str = " time=\"";

/// One `<property>`; the value holds no character that XML forbids.
pub(crate) struct Property {
    pub(crate) name: &'static str,
    pub(crate) value: String,
}

/// Rounds every time to milliseconds, gives the n-th suite the n-th properties, and ends the document with a newline.
///
/// `1.118` seconds come out of junit-report as `1.1179999999999999`, which the schema refuses.
pub(crate) fn finish(xml: &str, properties: &[Vec<Property>]) -> String {
    let mut out = String::with_capacity(xml.len() * 2);
    let mut of_suites = properties.iter();
    let mut rest = xml;
    while !rest.is_empty() {
        let (piece, after) = split_piece(rest);
        rest = after;
        if piece.starts_with(CDATA) || !piece.starts_with('<') {
            out.push_str(piece);
        } else if piece.starts_with("<testsuite ") {
            push_suite(&mut out, &round_time(piece), of_suites.next().map_or(&[], Vec::as_slice));
        } else {
            out.push_str(&round_time(piece));
        }
    }
    out.push('\n');
    out
}

/// Splits off the first tag, CDATA section or run of text.
fn split_piece(text: &str) -> (&str, &str) {
    let end = if text.starts_with(CDATA) {
        text.find(CDATA_END).map(|at| at + CDATA_END.len())
    } else if text.starts_with('<') {
        text.find('>').map(|at| at + 1)
    } else {
        text.find('<')
    };
    text.split_at(end.unwrap_or(text.len()))
}

fn round_time(tag: &str) -> String {
    let rounded = || {
        let (before, after) = tag.split_once(TIME)?;
        let (seconds, after) = after.split_once('"')?;
        Some(format!("{before}{TIME}{:.3}\"{after}", seconds.parse::<f64>().ok()?))
    };
    rounded().unwrap_or_else(|| tag.to_owned())
}

fn push_suite(out: &mut String, tag: &str, properties: &[Property]) {
    let open = tag.strip_suffix("/>");
    match open {
        Some(open) => out.extend([open, ">"]),
        None => out.push_str(tag),
    }
    out.push_str("<properties>");
    for Property { name, value } in properties {
        out.push_str(&format!("<property name=\"{name}\" value=\"{}\"/>", escape(value)));
    }
    out.push_str("</properties>");
    if open.is_some() {
        out.push_str("</testsuite>");
    }
}

fn escape(value: &str) -> String {
    value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_changed_and_what_is_quoted_in_cdata_is_not() {
        let xml = "<testsuites><testsuite time=\"1.1179999999999999\"><testcase time=\"0\"><system-out>\
            <![CDATA[<testsuite time=\"1.0005\">]]></system-out></testcase></testsuite></testsuites>";
        let properties = [vec![Property { name: "os", value: "<\"A&B\">".to_owned() }]];
        insta::assert_snapshot!(finish(xml, &properties), @r#"<testsuites><testsuite time="1.118"><properties><property name="os" value="&lt;&quot;A&amp;B&quot;&gt;"/></properties><testcase time="0.000"><system-out><![CDATA[<testsuite time="1.0005">]]></system-out></testcase></testsuite></testsuites>"#);
    }

    #[test]
    fn an_empty_suite_is_opened_for_its_properties() {
        let xml = "<testsuites><testsuite name=\"a\"/></testsuites>";
        insta::assert_snapshot!(finish(xml, &[]), @r#"<testsuites><testsuite name="a"><properties></properties></testsuite></testsuites>"#);
    }
}

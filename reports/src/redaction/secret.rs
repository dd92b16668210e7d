//! What nobody else may know, whatever it stands in: keys, passwords, tokens, serial numbers.
//!
//! A secret is known by what stands before it (`PrivateKey=`, `"token": `), or by its form. Nothing stands for it but
//! [`REDACTED`], since no two secrets need to be told apart.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex};

/// What stands for a secret.
pub(super) const REDACTED: &str = "redacted";

/// What names something secret, at the end of a longer name too: `X-aws-ec2-metadata-token`.
const NAMES: &str = "private[-_ ]?key|pre-?shared[-_ ]?key|psk|password|passwd|passphrase|secret|token|api[-_ ]?key\
    |access[-_ ]?key|credential|authorization|serial[-_ ]?(?:number|no)|_serial|asset[-_ ]?tag";

static PATTERN: LazyLock<Regex> = LazyLock::new(|| {
    let alternatives = [
        // Keys in armour, to their end or that of the text (RFC 7468).
        r"(?P<armour>-----BEGIN [A-Z ]*PRIVATE KEY-----)(?s:.*?)(?P<end>-----END [A-Z ]*PRIVATE KEY-----|\z)",
        // Whoever logs in by an address of the web.
        r"(?P<scheme>[a-z][a-z0-9+.]{1,15}://)[^/@ \t\n]+@",
        // A name, and its value to the end of the line, or of the quotes.
        &format!(
            r#"(?P<name>(?i-u:[a-z0-9_.-]*(?:{NAMES})["']?[ \t]*[:=][ \t]*|wpa-(?:psk|pass[a-z]*|identity)[ \t]+))(?P<value>"[^"\n]*"|'[^'\n]*'|[^ \t\n][^"\n]*)"#
        ),
        // A key of WireGuard, wg(8), and the fingerprint of one of ssh.
        r"(?P<before>^|[^A-Za-z0-9+/])(?:SHA256:[A-Za-z0-9+/]{43}|[A-Za-z0-9+/]{43}=)",
    ];
    Regex::new(&alternatives.join("|")).expect("a pattern that a test compiles")
});

/// Puts [`REDACTED`] for each secret.
pub(super) fn redact(text: &str) -> Cow<'_, str> {
    PATTERN.replace_all(text, |found: &Captures<'_>| {
        let part = |name| found.name(name).map_or("", |part| part.as_str());
        if found.name("armour").is_some() {
            format!("{}{REDACTED}{}", part("armour"), part("end"))
        } else if found.name("scheme").is_some() {
            format!("{}{REDACTED}@", part("scheme"))
        } else {
            let quote = ["\"", "'"].into_iter().find(|quote| part("value").starts_with(quote)).unwrap_or("");
            let end = if part("value").len() > 1 && part("value").ends_with(quote) { quote } else { "" };
            format!("{}{}{quote}{REDACTED}{end}", part("name"), part("before"))
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn secrets_are_known_by_what_stands_before_them() {
        insta::assert_snapshot!(redact(
            "[WireGuard]\nPrivateKey=yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=\nListenPort=51820\n\
             PresharedKey = abc\n  psk=correct horse\n\twpa-psk battery\n\
             {\"token\": \"s3cr3t\", \"region\": \"eu\"}\nX-aws-ec2-metadata-token: AQAEAA==\n\
             Authorization: Bearer ey.J0\nPassword for nobody\nFailed password for root from 10.0.0.1\n\
             https://me:pw@example.com/x ssh://root@example.com\nSerial Number: 1234 5678\n\
             peer: xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=\n\
             -----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----\n\
             publickey ssh2: ED25519 SHA256:ZZ2HbGGIKVBUAPZfLBhXhkuJQF8ycZrHWlpTQkeR1mk\n"
        ), @r#"
        [WireGuard]
        PrivateKey=redacted
        ListenPort=51820
        PresharedKey = redacted
          psk=redacted
        	wpa-psk redacted
        {"token": "redacted", "region": "eu"}
        X-aws-ec2-metadata-token: redacted
        Authorization: redacted
        Password for nobody
        Failed password for root from 10.0.0.1
        https://redacted@example.com/x ssh://redacted@example.com
        Serial Number: redacted
        peer: redacted
        -----BEGIN OPENSSH PRIVATE KEY-----redacted-----END OPENSSH PRIVATE KEY-----
        publickey ssh2: ED25519 redacted
        "#);
    }

    #[test]
    fn what_is_no_secret_stays() {
        for text in
            ["systemd-ask-password[12]: x", "tokens", "keyboard=de", "the compass is set", "a@b.example"]
        {
            assert_eq!(redact(text), text);
        }
    }

    proptest! {
        #[test]
        fn no_secret_is_left(
            name in "(Private|Preshared)Key|psk|my[_-]password|X-Token|api_key", sign in "=| = |: |:",
            secret in "[!#-&(-+.-~]{8,40}", rest in "[ -~\n]{0,20}"
        ) {
            let text = format!("{name}{sign}{secret}\n{rest}");
            prop_assert!(!redact(&text).contains(&secret), "{}", text);
        }

        #[test]
        fn to_redact_twice_is_to_redact_once(text in "(token|psk|PrivateKey|[=: \"'a-z/@\n-]|https://|-----BEGIN PRIVATE KEY-----){0,30}") {
            let once = redact(&text).into_owned();
            prop_assert_eq!(redact(&once), once.as_str());
        }
    }
}

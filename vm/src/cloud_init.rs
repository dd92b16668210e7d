//! What a cloud image is told at its first boot, for cloud-init's data source NoCloud: three files, as a pure function.
//!
//! They are YAML, of which JSON is a part; written as JSON, no key and no script can be misread.

use serde_json::{Value, json};

use crate::CloudImage;
use crate::firstboot::Keys;
use crate::ready::ready_unit;

/// Gives the files by their names. `name` is that of the machine, and its host name.
pub(crate) fn files(name: &str, keys: &Keys, image: &CloudImage) -> [(&'static str, String); 3] {
    let yaml = |value: &Value| format!("{value:#}\n");
    [
        (
            "meta-data",
            yaml(&json!({ "instance-id": format!("nspawn-matrix-{name}"), "local-hostname": name })),
        ),
        ("network-config", yaml(&network())),
        ("user-data", format!("#cloud-config\n{}", yaml(&user_data(name, keys, image)))),
    ]
}

/// A lease on the only link, which networkd is made to ask for.
///
/// The link is called `eth0` because the image is booted with net.ifnames=0. It cannot be described by `match`: what is
/// written for networkd has the key of the entry as the name of the link all the same
/// (<https://github.com/canonical/cloud-init/issues/6319>).
fn network() -> Value {
    json!({ "version": 2, "ethernets": { "eth0": { "dhcp4": true } } })
}

/// The packages are installed before the commands run, and those end with the word that the machine is ready.
fn user_data(name: &str, keys: &Keys, image: &CloudImage) -> Value {
    let mut data = json!({
        "hostname": name,
        "preserve_hostname": false,
        "disable_root": false,
        "ssh_pwauth": false,
        "users": [{ "name": "root", "ssh_authorized_keys": [keys.user.trim_end()] }],
        "ssh_deletekeys": true,
        "ssh_keys": { "ed25519_private": keys.host_secret, "ed25519_public": keys.host.trim_end() },
        "write_files": [
            { "path": "/etc/pacman.d/mirrorlist", "content": format!("Server = {}\n", image.archive.server()) },
            {
                "path": "/etc/systemd/system/nspawn-matrix-ready.service",
                "content": ready_unit!("sshd.service"),
            },
        ],
        "runcmd": [
            ["ln", "-sfn", "/run/systemd/resolve/stub-resolv.conf", "/etc/resolv.conf"],
            ["systemctl", "daemon-reload"],
            ["systemctl", "enable", "--now", "systemd-networkd.service", "systemd-resolved.service"],
            ["systemctl", "enable", "--now", "machines.target", "nspawn-matrix-ready.service"],
        ],
    });
    // An empty list is refused.
    if !image.packages.is_empty() {
        data["package_update"] = true.into();
        data["packages"] = json!(image.packages);
    }
    data
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Chosen, Origin};

    #[test]
    fn arch_is_told_this() {
        let Origin::Download(image) = Chosen::named("arch").unwrap().spec.origin else {
            panic!("it is downloaded")
        };
        let keys = Keys {
            user: "ssh-ed25519 AAAA user\n".into(),
            host: "ssh-ed25519 BBBB host\n".into(),
            host_secret: "-----BEGIN OPENSSH PRIVATE KEY-----\nCCCC\n-----END OPENSSH PRIVATE KEY-----\n"
                .into(),
        };
        let files = files("arch", &keys, &image).map(|(name, text)| format!("== {name}\n{text}"));
        insta::assert_snapshot!(files.concat());
    }
}

//! Who provides the machine, as far as it is on a disk. Nothing is asked over the network.

use std::fs;

use serde::Deserialize;

/// The word that cloud-init has for where it runs (cloud-id(1)): `hetzner`, `nocloud`.
const CLOUD_ID: &str = "/run/cloud-init/cloud-id";

/// What it has found out about that, without what is secret (its `INSTANCE-DATA`).
const INSTANCE_DATA: &str = "/run/cloud-init/instance-data.json";

/// What the name of the cloud is there if the source of its data has none of its own.
const UNKNOWN: &str = "unknown";

#[derive(Deserialize)]
struct InstanceData {
    v1: Standardised,
}

/// What cloud-init calls the same for all clouds.
#[derive(Deserialize)]
struct Standardised {
    cloud_name: Option<String>,
}

/// The vendor and the product that the firmware names (DMI): the provider on a cloud host. None where there is no firmware.
pub(super) fn provider() -> Option<String> {
    let read = |name: &str| fs::read_to_string(format!("/sys/class/dmi/id/{name}")).ok();
    let parts: Vec<String> = ["sys_vendor", "product_name"]
        .into_iter()
        .filter_map(read)
        .map(|part| part.trim().to_owned())
        .collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

/// The cloud that cloud-init takes it to be; none where it has not run.
pub(super) fn cloud() -> Option<String> {
    let word = fs::read_to_string(CLOUD_ID).ok().map(|word| word.trim().to_owned());
    word.or_else(|| cloud_name(&fs::read_to_string(INSTANCE_DATA).ok()?))
}

fn cloud_name(instance_data: &str) -> Option<String> {
    let name = serde_json::from_str::<InstanceData>(instance_data).ok()?.v1.cloud_name;
    name.filter(|name| name != UNKNOWN)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_cloud_is_the_name_that_is_the_same_for_all() {
        let text =
            r#"{"ds":{"meta_data":{"token":"x"}},"v1":{"cloud_name":"hetzner","region":"eu-central"}}"#;
        assert_eq!(cloud_name(text).as_deref(), Some("hetzner"));
        assert_eq!(cloud_name(r#"{"v1":{}}"#), None);
        assert_eq!(cloud_name(r#"{"v1":{"cloud_id":"nocloud","cloud_name":"unknown"}}"#), None);
    }

    proptest! {
        #[test]
        fn no_file_makes_the_reader_panic(text in ".{0,100}") {
            let _ = cloud_name(&text);
        }
    }
}

//! What systemd-networkd says of a link (org.freedesktop.network1(5)).

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use futures_util::StreamExt;
use serde::Deserialize;
use zbus::OwnedObjectPath;

/// How long networkd may take to be done with a link whose addresses are there.
const SETUP: Duration = Duration::from_secs(5);

#[zbus::proxy(
    interface = "org.freedesktop.network1.Manager",
    default_service = "org.freedesktop.network1",
    default_path = "/org/freedesktop/network1"
)]
trait Manager {
    /// Finds a link by its index.
    fn get_link_by_index(&self, index: i32) -> zbus::Result<(String, OwnedObjectPath)>;

    /// All that is known of a link, as JSON.
    fn describe_link(&self, index: i32) -> zbus::Result<String>;
}

#[zbus::proxy(interface = "org.freedesktop.network1.Link", default_service = "org.freedesktop.network1")]
trait Link {
    /// How far networkd is with the link: `configuring`, `configured`.
    #[zbus(property)]
    fn administrative_state(&self) -> zbus::Result<String>;
}

/// What networkd makes of a link.
#[derive(Debug, Default)]
pub(super) struct Setup {
    /// How far it is: `configured`, or `unmanaged` if no file is about the link.
    pub(super) state: Option<String>,
    /// Base name of the .network file that is about the link.
    pub(super) file: Option<String>,
}

/// The part of `DescribeLink` that matters here.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Description {
    administrative_state: Option<String>,
    network_file: Option<String>,
}

/// Waits until networkd is done with the link `index`, as far as it will be, and asks what it has made of it.
pub(super) async fn setup(index: u32) -> anyhow::Result<Setup> {
    let index = i32::try_from(index)?;
    let bus = zbus::Connection::system().await.context("connect to the system bus")?;
    let manager = ManagerProxy::new(&bus).await.context("find systemd-networkd on the bus")?;
    let (_, path) = manager.get_link_by_index(index).await.context("find the link in systemd-networkd")?;
    let link = LinkProxy::builder(&bus).path(path).build().await?;
    let mut states = link.receive_administrative_state_changed().await;
    let done = async {
        while let Some(state) = states.next().await {
            if is_final(&state.get().await?) {
                break;
            }
        }
        anyhow::Ok(())
    };
    if let Ok(done) = tokio::time::timeout(SETUP, done).await {
        done.context("ask systemd-networkd how far it is with the link")?;
    }
    let text = manager.describe_link(index).await.context("have systemd-networkd describe the link")?;
    parse(&text)
}

/// Tells whether networkd has nothing more to do with a link in this state.
fn is_final(state: &str) -> bool {
    !["pending", "initialized", "configuring"].contains(&state)
}

fn parse(description: &str) -> anyhow::Result<Setup> {
    let link: Description =
        serde_json::from_str(description).context("read systemd-networkd's description of the link")?;
    let base = |path: String| Some(Path::new(&path).file_name()?.to_string_lossy().into_owned());
    Ok(Setup { state: link.administrative_state, file: link.network_file.and_then(base) })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_file_is_known_by_its_base_name() {
        let text = r#"{"Index":2,"AdministrativeState":"configured","OperationalState":"routable",
                       "NetworkFile":"/usr/lib/systemd/network/80-container-host0.network","MTU":1500}"#;
        let setup = parse(text).unwrap();
        assert_eq!(setup.state.as_deref(), Some("configured"));
        assert_eq!(setup.file.as_deref(), Some("80-container-host0.network"));
    }

    #[test]
    fn a_link_that_no_file_is_about_has_none() {
        let setup = parse(r#"{"AdministrativeState":"unmanaged"}"#).unwrap();
        assert_eq!((setup.state.as_deref(), setup.file), (Some("unmanaged"), None));
        assert!(parse("not JSON").is_err());
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in ".{0,200}") {
            let _ = parse(&text);
        }
    }
}

//! Tables of nftables, by the `nft` of the host.

use crate::command::{Command, Ended};

/// Tells whether there is a table; there is none where there is no `nft`.
///
/// # Errors
/// If `nft` fails in another way than by not finding the table.
pub(crate) async fn exists(family: &str, name: &str) -> anyhow::Result<bool> {
    let Ok(ended) = Command::new("nft", ["list", "table", family, name]).end().await else {
        return Ok(false);
    };
    found(&ended)
}

/// Removes a table, which may be gone already.
pub(super) async fn remove(family: &str, name: &str) -> anyhow::Result<()> {
    if exists(family, name).await? {
        found(&Command::new("nft", ["delete", "table", family, name]).end().await?)?;
    }
    Ok(())
}

fn found(ended: &Ended) -> anyhow::Result<bool> {
    match ended.status.success() {
        true => Ok(true),
        false if ended.stderr.contains("No such file or directory") => Ok(false),
        false => anyhow::bail!("`nft`: {}: {}", ended.status, ended.stderr.trim()),
    }
}

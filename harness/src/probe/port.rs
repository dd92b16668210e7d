//! A service at a port of the machine, and a connection to one.

use std::net::{Ipv6Addr, SocketAddr};
use std::time::Duration;

use anyhow::Context;
use nix::errno::Errno;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// How long a connection may take, and how long what is said over it.
const PATIENCE: Duration = Duration::from_secs(2);

/// Bytes of the longest name that a machine may have (hostname(7)).
const NAME: u64 = 64;

/// What became of a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Connection {
    /// Somebody said this name.
    Answered(String),
    /// There was no connection, for this reason.
    Failed(String),
}

/// Says `name` to everybody who connects to `port`, in both families, for as long as the probe lives.
pub(super) async fn serve(port: u16, name: String) -> anyhow::Result<()> {
    let listener = TcpListener::bind((Ipv6Addr::UNSPECIFIED, port))
        .await
        .with_context(|| format!("listen at port {port}"))?;
    tokio::task::spawn_local(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            // Whoever connected may be gone again.
            let _ = stream.write_all(name.as_bytes()).await;
        }
    });
    Ok(())
}

/// Connects, and hears who is there.
pub(super) async fn connect(to: SocketAddr) -> Connection {
    let heard = async {
        let stream = TcpStream::connect(to).await?;
        let mut name = String::new();
        stream.take(NAME).read_to_string(&mut name).await?;
        std::io::Result::Ok(name)
    };
    match tokio::time::timeout(PATIENCE, heard).await {
        Ok(Ok(name)) => Connection::Answered(name),
        Ok(Err(error)) => Connection::Failed(
            error
                .raw_os_error()
                .map_or(error.to_string(), |number| Errno::from_raw(number).desc().to_owned()),
        ),
        Err(_elapsed) => Connection::Failed(format!("no answer within {} s", PATIENCE.as_secs())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_is_there_says_its_name_and_where_nobody_is_the_kernel_says_so() {
        let free = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).await.unwrap().local_addr().unwrap();
        assert_eq!(connect(free).await, Connection::Failed("Connection refused".to_owned()));
        let local = tokio::task::LocalSet::new();
        let answer = local.run_until(async {
            serve(free.port(), "beta".to_owned()).await.unwrap();
            connect(free).await
        });
        assert_eq!(answer.await, Connection::Answered("beta".to_owned()));
    }
}

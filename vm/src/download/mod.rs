//! Downloads of large files over HTTP, which go on where they stopped (RFC 9110, 14.2 and 13.1.5).
//!
//! What has arrived lies in a [`Part`] beside the file that it is to be, with the version that the server gave it. A
//! server that has another version by now, or that knows no ranges, sends it whole. A transfer that breaks off is taken
//! up again as long as each attempt brings something. The caller sees to it that one process at a time downloads.

mod error;
mod part;

use std::path::Path;
use std::sync::Once;
use std::time::Duration;

use reqwest::header::{CONTENT_RANGE, ETAG, HeaderMap, HeaderName, IF_RANGE, LAST_MODIFIED, RANGE};
use reqwest::{Client, ClientBuilder, Response, StatusCode, redirect};

pub use self::error::DownloadError;
use self::part::Part;
use crate::Url;

/// How long nothing may come.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often a transfer may break off in turn without having brought anything.
const ATTEMPTS: u32 = 3;

/// How many times a server may send us on.
const REDIRECTS: usize = 10;

/// Fetches files.
#[derive(Debug, Clone)]
pub(crate) struct Downloader {
    client: Client,
    patience: Duration,
}

impl Downloader {
    /// One that goes by the proxies of the environment, and trusts whom this machine trusts.
    ///
    /// # Errors
    /// [`DownloadError::Unreachable`] if this machine trusts nobody.
    pub(crate) fn new() -> Result<Self, DownloadError> {
        Self::with(Client::builder(), PATIENCE)
    }

    fn with(builder: ClientBuilder, patience: Duration) -> Result<Self, DownloadError> {
        static PROVIDER: Once = Once::new();
        // Whoever has installed another one before us wants that.
        PROVIDER.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
        let builder = builder
            .user_agent(concat!("nspawn-matrix/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::limited(REDIRECTS));
        let client = builder
            .build()
            .map_err(|error| DownloadError::Unreachable { url: "anything".into(), said: cause(&error) })?;
        Ok(Self { client, patience })
    }

    /// Downloads a file to `target`, unless it is there. `progress` is told each twentieth of it.
    ///
    /// # Errors
    /// Any [`DownloadError`] but those of what the file should be.
    pub(crate) async fn file(
        &self,
        url: &Url,
        target: &Path,
        progress: &mut impl FnMut(&str),
    ) -> Result<(), DownloadError> {
        if target.exists() {
            return Ok(());
        }
        let part = Part::of(target);
        let mut fruitless = 0;
        loop {
            let before = part.bytes();
            let Err(error) = self.attempt(url, &part, progress).await else { break };
            fruitless = if part.bytes() > before { 0 } else { fruitless + 1 };
            if !is_passing(&error) || fruitless == ATTEMPTS {
                return Err(error);
            }
            progress(&format!("{error}; trying again"));
        }
        part.finish(target)
    }

    /// Downloads a small file into memory.
    ///
    /// # Errors
    /// Any [`DownloadError`] but those of the disk and of what the file should be.
    pub(crate) async fn bytes(&self, url: &Url, limit: usize) -> Result<Vec<u8>, DownloadError> {
        let mut response = self.answer(url, HeaderMap::new()).await?;
        if response.status() != StatusCode::OK {
            return Err(refused(url, response.status()));
        }
        let mut bytes = vec![];
        while let Some(chunk) = self.chunk(url, &mut response).await? {
            bytes.extend(chunk);
            if bytes.len() > limit {
                return Err(DownloadError::TooLarge { url: url.as_str().into(), limit });
            }
        }
        Ok(bytes)
    }

    /// Fetches what is missing, over one connection.
    async fn attempt(
        &self,
        url: &Url,
        part: &Part,
        progress: &mut impl FnMut(&str),
    ) -> Result<(), DownloadError> {
        let have = part.bytes();
        let mut response = self.answer(url, range(have, part.version().as_deref())).await?;
        let headers = response.headers();
        let (begin, total) = match (response.status(), content_range(headers)) {
            (StatusCode::OK, _) => (0, response.content_length()),
            (StatusCode::PARTIAL_CONTENT, Some((Some(begin), total))) if begin == have => (have, total),
            (StatusCode::RANGE_NOT_SATISFIABLE, Some((None, Some(total)))) if total == have => return Ok(()),
            (StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE, _) => {
                // It has something else by now, or cannot count; the next attempt asks for all of it.
                part.discard()?;
                let said = "the server answers with another range than was asked for".into();
                return Err(DownloadError::Unreachable { url: url.as_str().into(), said });
            }
            (status, _) => return Err(refused(url, status)),
        };
        let mut writer = part.begin(url, begin, total, version(headers))?;
        let mut told = None;
        while let Some(chunk) =
            self.chunk(url, &mut response).await.map_err(|error| broken(error, part, total))?
        {
            writer.write(&chunk)?;
            let twentieth = total.map(|total| part.bytes() * 20 / total.max(1));
            if twentieth != told
                && let (Some(twentieth), Some(total)) = (twentieth, total)
            {
                progress(&format!("downloading: {} % of {} MB", twentieth * 5, total / 1_000_000));
                told = Some(twentieth);
            }
        }
        match total {
            Some(of) if of != part.bytes() => Err(truncated(url, part, of)),
            Some(_) | None => Ok(()),
        }
    }

    async fn answer(&self, url: &Url, headers: HeaderMap) -> Result<Response, DownloadError> {
        let answer = self.client.get(url.as_str()).headers(headers).send();
        match tokio::time::timeout(self.patience, answer).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) if error.is_redirect() => {
                Err(DownloadError::Redirects { url: url.as_str().into(), limit: REDIRECTS })
            }
            Ok(Err(error)) => Err(unreachable(url, &error)),
            Err(_) => Err(self.stalled(url)),
        }
    }

    async fn chunk(&self, url: &Url, response: &mut Response) -> Result<Option<Vec<u8>>, DownloadError> {
        match tokio::time::timeout(self.patience, response.chunk()).await {
            Ok(Ok(chunk)) => Ok(chunk.map(Vec::from)),
            Ok(Err(error)) => Err(unreachable(url, &error)),
            Err(_) => Err(self.stalled(url)),
        }
    }

    fn stalled(&self, url: &Url) -> DownloadError {
        DownloadError::Stalled { url: url.as_str().into(), seconds: self.patience.as_secs() }
    }
}

/// Asks for what comes after the first `have` bytes, if the server still has that version; for all of it otherwise.
fn range(have: u64, version: Option<&str>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Some(version) = version.filter(|_| have > 0).and_then(|version| version.parse().ok())
        && let Ok(range) = format!("bytes={have}-").parse()
    {
        headers.insert(RANGE, range);
        headers.insert(IF_RANGE, version);
    }
    headers
}

/// What tells one version of a file from another: a strong entity tag, or the time of its last change.
fn version(headers: &HeaderMap) -> Option<&str> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    text(ETAG).filter(|tag| !tag.starts_with("W/")).or_else(|| text(LAST_MODIFIED))
}

/// Reads `bytes 100-199/200`, `bytes 100-199/*` and `bytes */200`: where it begins, and how much there is in all.
fn content_range(headers: &HeaderMap) -> Option<(Option<u64>, Option<u64>)> {
    let text = headers.get(CONTENT_RANGE)?.to_str().ok()?.strip_prefix("bytes ")?;
    let (range, total) = text.split_once('/')?;
    let begin = range.split_once('-').and_then(|(begin, _)| begin.parse().ok());
    Some((begin, total.parse().ok()))
}

/// Whether another attempt can be better.
fn is_passing(error: &DownloadError) -> bool {
    matches!(
        error,
        DownloadError::Unreachable { .. } | DownloadError::Stalled { .. } | DownloadError::Truncated { .. }
    )
}

/// A transfer that ends in the middle is told by how far it got.
fn broken(error: DownloadError, part: &Part, total: Option<u64>) -> DownloadError {
    match (error, total) {
        (DownloadError::Unreachable { url, .. }, Some(of)) => {
            DownloadError::Truncated { url, got: part.bytes(), of }
        }
        (error, _) => error,
    }
}

fn truncated(url: &Url, part: &Part, of: u64) -> DownloadError {
    DownloadError::Truncated { url: url.as_str().into(), got: part.bytes(), of }
}

fn unreachable(url: &Url, error: &reqwest::Error) -> DownloadError {
    DownloadError::Unreachable { url: url.as_str().into(), said: cause(error) }
}

fn refused(url: &Url, status: StatusCode) -> DownloadError {
    DownloadError::Refused { url: url.as_str().into(), status: status.to_string() }
}

/// The innermost cause, which is the one that says something.
fn cause(error: &dyn std::error::Error) -> String {
    let innermost = std::iter::successors(Some(error), |error| error.source()).last();
    innermost.unwrap_or(error).to_string()
}

#[cfg(test)]
mod tests;

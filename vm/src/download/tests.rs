//! Each thing that can happen to a download, with a server that lets it happen.

mod server;

use std::fs;
use std::path::PathBuf;

use super::*;
use server::{Answer, Request, Server};

const VERSION: &str = "\"one\"";

struct Trial {
    folder: tempfile::TempDir,
    server: Server,
    said: Vec<String>,
}

impl Trial {
    fn with(answer: impl Fn(usize, &Request) -> Answer + Send + 'static) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), server: Server::start(answer), said: vec![] }
    }

    fn target(&self) -> PathBuf {
        self.folder.path().join("disk")
    }

    /// Tells it what an earlier attempt has left.
    fn had(self, bytes: &[u8], version: &str) -> Self {
        fs::write(self.folder.path().join("disk.part"), bytes).unwrap();
        fs::write(self.folder.path().join("disk.version"), version).unwrap();
        self
    }

    async fn download(&mut self) -> Result<Vec<u8>, DownloadError> {
        let downloader = Downloader::with(Client::builder().no_proxy(), Duration::from_secs(1)).unwrap();
        let url = Url::try_from(self.server.url("disk")).unwrap();
        downloader.file(&url, &self.target(), &mut |line| self.said.push(line.to_owned())).await?;
        let names = fs::read_dir(self.folder.path()).unwrap().count();
        assert_eq!(names, 1, "nothing but the file itself is left");
        Ok(fs::read(self.target()).unwrap())
    }

    /// The error, without the number of the port.
    async fn fails(&mut self) -> String {
        let error = self.download().await.unwrap_err();
        assert!(!self.target().exists(), "there is no file until it is whole");
        let folder = self.folder.path().display().to_string();
        error.to_string().replace(&self.server.url(""), "http://m/").replace(&folder, "/cache")
    }

    fn ranges(&self) -> Vec<Option<usize>> {
        self.server.requests().iter().map(|request| request.range(VERSION)).collect()
    }
}

fn content() -> Vec<u8> {
    (0..3_000_000_u32).map(|number| number.to_le_bytes()[0] ^ number.to_le_bytes()[1]).collect()
}

#[tokio::test]
async fn a_file_arrives_whole_and_is_not_fetched_twice() {
    let mut trial = Trial::with(|_, request| Answer::file(request, &content(), VERSION));
    assert!(trial.download().await.unwrap() == content());
    assert!(trial.download().await.unwrap() == content());
    assert_eq!(trial.ranges(), [None]);
    assert_eq!(trial.said.last().unwrap(), "downloading: 100 % of 3 MB");
}

#[tokio::test]
async fn what_a_killed_attempt_has_left_is_gone_on_with() {
    let answer = |_, request: &Request| Answer::file(request, &content(), VERSION);
    let mut trial = Trial::with(answer).had(&content()[..1000], VERSION);
    assert!(trial.download().await.unwrap() == content());
    assert_eq!(trial.ranges(), [Some(1000)]);
}

#[tokio::test]
async fn what_was_whole_when_it_was_killed_is_only_asked_about() {
    let answer = |_, request: &Request| Answer::file(request, &content(), VERSION);
    let mut trial = Trial::with(answer).had(&content(), VERSION);
    assert!(trial.download().await.unwrap() == content());
    assert_eq!(trial.ranges(), [Some(content().len())]);
}

#[tokio::test]
async fn what_is_left_of_an_older_version_is_thrown_away() {
    let answer = |_, request: &Request| Answer::file(request, &content(), VERSION);
    let mut trial = Trial::with(answer).had(b"older", "\"zero\"");
    assert!(trial.download().await.unwrap() == content());
    assert_eq!(trial.server.requests()[0].headers["if-range"], "\"zero\"");
}

#[tokio::test]
async fn a_server_without_ranges_sends_it_from_the_start() {
    let answer = |_, request: &Request| {
        let without = Request { headers: Default::default(), ..request.clone() };
        Answer::file(&without, &content(), VERSION)
    };
    let mut trial = Trial::with(answer).had(&content()[..1000], VERSION);
    assert!(trial.download().await.unwrap() == content());
    assert_eq!(trial.ranges(), [Some(1000)], "it was asked for the rest");
}

#[tokio::test]
async fn a_server_that_sends_another_range_than_asked_for_is_not_believed() {
    let answer = |earlier, request: &Request| match earlier {
        0 => {
            let mut answer = Answer::file(request, &content(), VERSION);
            answer.headers.retain(|(name, _)| *name != "Content-Range");
            answer.headers.push(("Content-Range", "bytes 0-9/10".into()));
            answer
        }
        _ => Answer::file(request, &content(), VERSION),
    };
    let mut trial = Trial::with(answer).had(&content()[..1000], VERSION);
    assert!(trial.download().await.unwrap() == content());
    assert_eq!(trial.ranges(), [Some(1000), None]);
}

#[tokio::test]
async fn a_transfer_that_breaks_off_is_taken_up_as_long_as_something_comes() {
    let answer = |_, request: &Request| Answer::file(request, &content(), VERSION).cut(700_000);
    let mut trial = Trial::with(answer);
    assert!(trial.download().await.unwrap() == content());
    let begins = [None, Some(700_000), Some(1_400_000), Some(2_100_000), Some(2_800_000)];
    assert_eq!(trial.ranges(), begins);
}

#[tokio::test]
async fn a_server_that_always_ends_early_is_told_and_what_came_is_kept() {
    let answer = |earlier, request: &Request| {
        Answer::file(request, &content(), VERSION).cut(if earlier == 0 { 1000 } else { 0 })
    };
    let mut trial = Trial::with(answer);
    insta::assert_snapshot!(trial.fails().await, @"download http://m/disk: the server ended after 1000 of 3000000 bytes");
    assert_eq!(trial.ranges(), [None, Some(1000), Some(1000), Some(1000)]);
    assert_eq!(fs::read(trial.folder.path().join("disk.part")).unwrap(), &content()[..1000]);
}

#[tokio::test]
async fn a_server_that_stalls_is_not_waited_for_for_ever() {
    let answer = |_, request: &Request| {
        let answer = Answer::file(request, &content(), VERSION).cut(0);
        Answer { stalls: true, ..answer }
    };
    let mut trial = Trial::with(answer);
    insta::assert_snapshot!(trial.fails().await, @"download http://m/disk: nothing came for 1 s");
    assert_eq!(trial.ranges().len(), 3);
}

#[tokio::test]
async fn a_redirect_is_followed_and_a_loop_of_them_is_not() {
    let to = |path: &str| Answer {
        status: "302 Found",
        headers: vec![("Location", path.into()), ("Content-Length", "0".into())],
        body: vec![],
        stalls: false,
    };
    let mut trial = Trial::with(move |_, request| match request.path.as_str() {
        "disk" => to("/mirror/disk"),
        _ => Answer::file(request, &content(), VERSION),
    });
    assert!(trial.download().await.unwrap() == content());
    let mut trial = Trial::with(move |_, _| to("/disk"));
    insta::assert_snapshot!(trial.fails().await, @"download http://m/disk: it was sent on more than 10 times");
    assert_eq!(trial.ranges().len(), 11);
}

#[tokio::test]
async fn a_server_that_does_not_have_it_is_told() {
    let mut trial = Trial::with(|_, _| Answer {
        status: "404 Not Found",
        headers: vec![("Content-Length", "0".into())],
        body: vec![],
        stalls: false,
    });
    insta::assert_snapshot!(trial.fails().await, @"download http://m/disk: the server answers 404 Not Found");
    assert_eq!(trial.ranges().len(), 1, "it is not asked again");
}

#[tokio::test]
async fn a_file_that_does_not_fit_is_not_begun() {
    let answer = |_, request: &Request| {
        let mut answer = Answer::file(request, &content(), VERSION);
        answer.headers[1].1 = 8_000_000_000_000_000_u64.to_string();
        answer
    };
    let mut trial = Trial::with(answer);
    let said = trial.fails().await;
    let (before, after) = said.split_once(" has ").unwrap();
    assert_eq!(before, "download http://m/disk: /cache");
    assert!(after.ends_with(" MB free, and 8000000000 MB are needed"), "{said}");
    assert_eq!(fs::read(trial.folder.path().join("disk.part")).unwrap(), b"");
}

#[tokio::test]
async fn nobody_listens() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let downloader = Downloader::with(Client::builder().no_proxy(), Duration::from_secs(5)).unwrap();
    let url = Url::try_from(format!("http://{closed}/x")).unwrap();
    let said = downloader.bytes(&url, 10).await.unwrap_err().to_string();
    assert!(said.ends_with("/x: Connection refused (os error 111)"), "{said}");
}

#[tokio::test]
async fn what_should_be_small_is_not_read_without_end() {
    let server = Server::start(|_, request| Answer::file(request, &content(), VERSION));
    let downloader = Downloader::with(Client::builder().no_proxy(), Duration::from_secs(5)).unwrap();
    let url = Url::try_from(server.url("sig")).unwrap();
    let error = downloader.bytes(&url, 1000).await.unwrap_err();
    assert!(matches!(error, DownloadError::TooLarge { limit: 1000, .. }), "{error}");
}

//! A headless Chromium with one page, driven by the DevTools protocol over a pipe: messages of JSON, each ended by NUL.
//!
//! What comes beside answers is kept: [`Browser::complaints`] and [`Browser::requests`] tell what a page has said and
//! asked for. Chromium ends when the pipe does, however we end.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use nix::unistd::geteuid;
use serde_json::{Value, json};
use tempfile::TempDir;

/// How long an answer may take on a machine that is busy with hosts.
const PATIENCE: Duration = Duration::from_secs(60);

/// The protocol is spoken on file descriptors 3 and 4, which only a shell can set without unsafe code.
const PIPE: &str = r#"exec "$0" "$@" 3<&0 4>&1 >&2"#;

/// An empty profile, and none of what Chromium asks the network for by itself.
const SWITCHES: [&str; 9] = [
    "--remote-debugging-pipe",
    "--headless",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
];

/// A browser with one page.
pub(crate) struct Browser {
    process: Child,
    pipe: ChildStdin,
    messages: Receiver<Value>,
    events: Vec<Value>,
    last: u64,
    session: Option<String>,
    // After the process in the order of drops.
    _profile: TempDir,
}

impl Browser {
    /// Starts Chromium with an empty page.
    #[expect(clippy::disallowed_methods, reason = "the browser is another program, which ends with its pipe")]
    pub(crate) fn start() -> Result<Self, String> {
        let profile = TempDir::new().map_err(|error| error.to_string())?;
        let mut command = Command::new("sh");
        command.args(["-c", PIPE, "chromium"]).args(SWITCHES);
        command.arg(format!("--user-data-dir={}", profile.path().display()));
        // Root has no user namespace to give up its rights in.
        command.args(geteuid().is_root().then_some("--no-sandbox"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().map_err(|error| format!("start chromium: {error}"))?;
        let pipe = process.stdin.take().ok_or("chromium has no pipe")?;
        let output = process.stdout.take().ok_or("chromium has no pipe")?;
        let (sender, messages) = mpsc::channel();
        std::thread::spawn(move || {
            for message in BufReader::new(output).split(0).map_while(Result::ok) {
                let Ok(message) = serde_json::from_slice(&message) else { return };
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        let mut browser =
            Self { process, pipe, messages, events: vec![], last: 0, session: None, _profile: profile };
        browser.open_page()?;
        Ok(browser)
    }

    fn open_page(&mut self) -> Result<(), String> {
        let target = self.call("Target.createTarget", &json!({ "url": "about:blank" }))?;
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let session = self.call("Target.attachToTarget", &attach)?;
        self.session = session["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            self.call(&format!("{domain}.enable"), &json!({}))?;
        }
        Ok(())
    }

    /// Calls a method of the protocol and gives its result.
    pub(crate) fn call(&mut self, method: &str, parameters: &Value) -> Result<Value, String> {
        self.last += 1;
        let mut request = json!({ "id": self.last, "method": method, "params": parameters });
        if let Some(session) = &self.session {
            request["sessionId"] = json!(session);
        }
        let said = |error| format!("{method}: {error}");
        self.pipe.write_all(format!("{request}\0").as_bytes()).map_err(|error| said(error.to_string()))?;
        let last = self.last;
        let answer = self.hear(|message| message["id"] == last).map_err(said)?;
        match answer.get("error") {
            Some(error) => Err(said(error.to_string())),
            None => Ok(answer["result"].clone()),
        }
    }

    /// Opens a file in the page, and comes back when it is loaded; `fragment` is what stands behind `#`.
    pub(crate) fn open(&mut self, file: &Path, fragment: &str) -> Result<(), String> {
        // A page that differs in its fragment only would not be loaded again.
        self.navigate("about:blank")?;
        self.navigate(&format!("file://{}#{fragment}", file.display()))
    }

    fn navigate(&mut self, address: &str) -> Result<(), String> {
        self.events.clear();
        self.call("Page.navigate", &json!({ "url": address }))?;
        let is_loaded = |event: &Value| event["method"] == "Page.loadEventFired";
        if !self.events.iter().any(is_loaded) {
            self.hear(is_loaded)?;
        }
        Ok(())
    }

    /// Gives the value of an expression of JavaScript; a promise is waited for.
    pub(crate) fn value(&mut self, expression: &str) -> Result<Value, String> {
        let parameters = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let result = self.call("Runtime.evaluate", &parameters)?;
        match result.get("exceptionDetails") {
            Some(exception) => Err(format!("{expression}: {exception}")),
            None => Ok(result["result"]["value"].clone()),
        }
    }

    /// Presses and releases a key, called as in the DOM.
    pub(crate) fn press(&mut self, key: &str) -> Result<(), String> {
        let text = if key == "Enter" { "\r" } else { "" };
        for kind in ["keyDown", "keyUp"] {
            let parameters = json!({ "type": kind, "key": key, "code": key, "text": text,
                "windowsVirtualKeyCode": virtual_key(key) });
            self.call("Input.dispatchKeyEvent", &parameters)?;
        }
        Ok(())
    }

    /// What is wrong with the page, as the console has it.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let is_complaint = |event: &&Value| match event["method"].as_str() {
            Some("Runtime.exceptionThrown" | "Log.entryAdded" | "Runtime.consoleAPICalled") => true,
            Some(_) | None => false,
        };
        self.events.iter().filter(is_complaint).map(|event| event["params"].to_string()).collect()
    }

    /// The addresses that the page has asked for.
    pub(crate) fn requests(&self) -> Vec<String> {
        let requests = self.events.iter().filter(|event| event["method"] == "Network.requestWillBeSent");
        let address = |event: &Value| event["params"]["request"]["url"].as_str().map(str::to_owned);
        requests.filter_map(address).collect()
    }

    /// Waits for a message. Events are kept, those that come before it and itself.
    fn hear(&mut self, is_wanted: impl Fn(&Value) -> bool) -> Result<Value, String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let message = self.messages.recv_timeout(left).map_err(|error| match error {
                RecvTimeoutError::Timeout => format!("chromium says nothing for {} s", PATIENCE.as_secs()),
                RecvTimeoutError::Disconnected => "chromium has ended".to_owned(),
            })?;
            if message.get("id").is_none() {
                self.events.push(message.clone());
            }
            if is_wanted(&message) {
                return Ok(message);
            }
        }
    }
}

impl Drop for Browser {
    /// Lets Chromium end by itself, and with it all that writes into the profile.
    fn drop(&mut self) {
        self.session = None;
        if self.call("Browser.close", &json!({})).is_err() || self.hear(|_| false).is_ok() {
            let _ = self.process.kill();
        }
        let _ = self.process.wait();
    }
}

/// The number that Chromium knows a key by beside its name.
fn virtual_key(key: &str) -> u32 {
    match key {
        "Tab" => 9,
        "Enter" => 13,
        "Escape" => 27,
        "ArrowLeft" => 37,
        "ArrowUp" => 38,
        "ArrowRight" => 39,
        "ArrowDown" => 40,
        other => unreachable!("`{other}` is pressed by no trial"),
    }
}

//! Clients of shell scripts that play the other side, and answers to requests without one.

use std::time::Duration;

use proptest::prelude::*;
use tokio::task::LocalSet;
use tokio::time::timeout;

use super::*;
use crate::command::Command;

const DEADLINE: Duration = Duration::from_secs(10);

/// Runs a test with a client of `script`, and the notices that it has heard.
async fn with_client(script: &str, test: impl AsyncFnOnce(&Client, &mut mpsc::UnboundedReceiver<String>)) {
    let local = LocalSet::new();
    let work = local.run_until(async {
        let (heard, mut notices) = mpsc::unbounded_channel();
        let child = Command::new("sh", ["-c", script]).spawn_piped().unwrap();
        let client = Client::new("script", child, move |notice: String| heard.send(notice).unwrap());
        test(&client, &mut notices).await;
        assert!(client.pending.calls.borrow().is_empty(), "no call is left");
    });
    timeout(DEADLINE, work).await.unwrap();
}

async fn call(client: &Client) -> Result<u32, RpcError> {
    client.call(&"how many?").await
}

fn is_gone(answer: &Result<u32, RpcError>) -> bool {
    matches!(answer, Err(RpcError::Gone("script")))
}

#[tokio::test]
async fn answers_find_their_calls_in_any_order_and_notices_come_between() {
    let script = r#"read -r a; read -r b
        echo '{"answer":{"id":1,"result":{"Ok":11}}}'
        echo '{"notice":"halfway"}'
        echo '{"answer":{"id":0,"result":{"Ok":10}}}'"#;
    with_client(script, async |client, notices| {
        let (first, second) = tokio::join!(call(client), call(client));
        assert_eq!((first.unwrap(), second.unwrap()), (10, 11));
        assert_eq!(notices.recv().await.unwrap(), "halfway");
    })
    .await;
}

#[tokio::test]
async fn a_refusal_and_an_answer_of_another_form_are_told_apart() {
    let script = r#"read -r a; echo '{"answer":{"id":0,"result":{"Err":"no: not today"}}}'
        read -r b; echo '{"answer":{"id":1,"result":{"Ok":"many"}}}'"#;
    with_client(script, async |client, _| {
        assert_eq!(call(client).await.unwrap_err().to_string(), "no: not today");
        let error = call(client).await.unwrap_err();
        assert_eq!(error.to_string(), "the script gave an answer that cannot be read");
    })
    .await;
}

#[tokio::test]
async fn a_call_that_was_given_up_leaves_nothing_and_the_next_one_is_answered() {
    let script = r#"read -r a; read -r b
        case $b in '{"id":1,'*) echo '{"answer":{"id":1,"result":{"Ok":11}}}' ;; esac"#;
    with_client(script, async |client, _| {
        // More than a pipe holds, and `read` takes it byte by byte: it is given up while it is being written.
        let long = "x".repeat(1 << 18);
        timeout(Duration::from_millis(5), client.call::<_, u32>(&long)).await.unwrap_err();
        assert!(client.pending.calls.borrow().is_empty());
        assert_eq!(call(client).await.unwrap(), 11);
    })
    .await;
}

#[tokio::test]
async fn a_script_that_ends_answers_neither_this_call_nor_the_next() {
    with_client("read -r a", async |client, _| {
        assert!(is_gone(&call(client).await));
        assert!(is_gone(&call(client).await));
    })
    .await;
}

#[tokio::test]
async fn a_script_that_reads_on_but_can_say_no_more_is_gone() {
    with_client("exec >/dev/null; exec cat", async |client, _| {
        assert!(is_gone(&call(client).await));
        assert!(is_gone(&call(client).await));
    })
    .await;
}

#[tokio::test]
async fn a_script_that_reads_no_more_is_gone_for_new_calls() {
    let script = r#"exec </dev/null; echo '{"notice":"closed"}'; exec sleep 1000"#;
    with_client(script, async |client, notices| {
        assert_eq!(notices.recv().await.unwrap(), "closed");
        assert!(is_gone(&call(client).await));
        assert!(is_gone(&call(client).await));
    })
    .await;
}

struct Doubling;

impl Service<u8> for Doubling {
    async fn answer(&self, request: u8) -> Answer {
        Ok(request.checked_mul(2).expect("a small number").into())
    }
}

#[tokio::test]
async fn a_request_that_cannot_be_read_and_a_panic_are_answered_too() {
    let local = LocalSet::new();
    let ask = async |request: Value| local.run_until(answer(Rc::new(Doubling), request)).await;
    assert_eq!(ask(21.into()).await, Ok(42.into()));
    let unreadable = ask("many".into()).await.unwrap_err();
    assert!(unreadable.starts_with("unreadable request: invalid type: string \"many\""), "{unreadable}");
    let panicked = ask(200.into()).await.unwrap_err();
    assert!(panicked.contains("a small number"), "{panicked}");
}

proptest! {
    #[test]
    fn no_line_makes_the_reader_panic_or_keeps_the_next_answer_back(
        line in prop::collection::vec(any::<u8>().prop_filter("one line", |&byte| byte != b'\n'), 0..80),
        form in prop::sample::select(&["", "{\"answer\":", "{\"notice\":", "{\"answer\":{\"id\":"][..]),
    ) {
        let stream = [form.as_bytes(), &line, b"\n{\"answer\":{\"id\":7,\"result\":{\"Ok\":11}}}\n"].concat();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let answer = runtime.block_on(async {
            let pending = Rc::new(Pending::default());
            let waiter = pending.register(7).unwrap();
            receive("stream", stream.as_slice(), Rc::clone(&pending), |_: String| ()).await;
            pending.close();
            waiter.answer().await
        });
        prop_assert_eq!(answer, Some(Ok(11.into())));
    }
}

#[tokio::test]
async fn the_other_side_ends_when_nothing_more_is_asked_and_tells_how() {
    async fn finished(script: &str) -> io::Result<()> {
        let local = LocalSet::new();
        let work = local.run_until(async {
            let child = Command::new("sh", ["-c", script]).spawn_piped().unwrap();
            Client::new("script", child, |()| ()).finish().await
        });
        timeout(DEADLINE, work).await.unwrap()
    }
    finished("cat").await.unwrap();
    assert_eq!(finished("cat; exit 3").await.unwrap_err().to_string(), "the script: exit status: 3");
}

//! What is tried again, and what is not.

use nspawn_matrix_reports::Ping;
use nspawn_matrix_scenarios::{Check, Profile, catalogue};

use super::*;
use crate::host::Kind;
use crate::plan::Plan;

/// Notes of a bridge whose machines are asked for their leases and for pings, and the cases that were told so far.
fn notes() -> (Notes, Rc<RefCell<Vec<Case>>>) {
    let bridge: Vec<_> = catalogue::all().into_iter().filter(|scenario| scenario.name == "bridge").collect();
    let checks = [Check::AddressLease, Check::PingOutsideIpv4, Check::AutostartAfterReboot];
    let mut plan = Plan::new(Kind::Sandbox, &["trixie".into()], &[Profile::stock()], &bridge, &checks, 1, 1);
    let told = Rc::new(RefCell::new(Vec::new()));
    let hear = Rc::clone(&told);
    let watcher: Watcher = Rc::new(RefCell::new(move |progress: &Progress<'_>| {
        if let Progress::Case(case) = progress {
            hear.borrow_mut().push((*case).clone());
        }
    }));
    let mut notes = Notes::new(plan.hosts.remove(0), Instant::now(), watcher);
    notes.facts = Some(Facts { systemd: "257 (257.13-1~deb13u1)".to_owned(), ..Facts::default() });
    (notes, told)
}

fn question(notes: &Notes, check: Check, at: usize) -> Question {
    let questions = notes.host.asked().into_iter().filter(|question| question.check == check);
    questions.collect::<Vec<_>>().swap_remove(at)
}

fn ping(received: u32) -> Result<Observation, String> {
    let target = Some("192.0.2.1".to_owned());
    let (rtt_us, ttl, error) = (None, (received > 0).then_some(63), None);
    Ok(Observation::Ping(Ping { target, sent: 3, received, rtt_us, ttl, size: None, error }))
}

fn hear(notes: &mut Notes, question: &Question, outcome: Result<Observation, String>) {
    notes.take(Notice::Case { question: question.clone(), outcome, duration_ms: 1 });
}

/// Verdict, attempts and reason of a question at the end.
fn end(notes: &Notes, question: &Question) -> (Verdict, u32, String) {
    let cases = notes.conclude(None);
    let at = notes.host.cells.iter().position(|cell| cell.question == *question).unwrap();
    (cases[at].verdict, cases[at].attempts, cases[at].reason.clone().unwrap())
}

#[test]
fn what_was_judged_is_not_tried_again() {
    let (mut notes, told) = notes();
    let (answered, silent) =
        (question(&notes, Check::PingOutsideIpv4, 0), question(&notes, Check::PingOutsideIpv4, 1));
    hear(&mut notes, &answered, ping(3));
    hear(&mut notes, &silent, ping(0));
    assert_eq!(notes.open(vec![answered.clone(), silent.clone()]), []);
    assert_eq!(end(&notes, &answered).0, Verdict::Pass);
    assert_eq!((end(&notes, &silent).0, end(&notes, &silent).1), (Verdict::Fail, 1));
    assert_eq!(told.borrow().len(), 2);
    notes.failed(1, "the host is gone");
    assert_eq!(end(&notes, &silent).1, 1);
}

#[test]
fn after_remedies_everything_is_asked_again_and_what_was_is_kept() {
    let (mut notes, _) = notes();
    let question = question(&notes, Check::PingOutsideIpv4, 0);
    hear(&mut notes, &question, ping(0));
    notes.turn_over();
    assert_eq!(notes.open(vec![question.clone()]), std::slice::from_ref(&question));
    hear(&mut notes, &question, ping(3));
    let before = notes.before.take().unwrap();
    assert_eq!((end(&before, &question).0, end(&notes, &question).0), (Verdict::Fail, Verdict::Pass));
    let scenario = |notes: &Notes| notes.conclude(None).remove(0).scenario;
    assert_eq!([scenario(&before), scenario(&notes)], ["bridge", "bridge+remedied"]);
    let last = before.conclude(None).into_iter().find(|case| case.check == "autostart/after-reboot");
    assert_eq!(last.unwrap().verdict, Verdict::Skip);
}

#[test]
fn what_gave_no_answer_is_tried_once_more_and_told_when_it_is_settled() {
    let (mut notes, told) = notes();
    let question = question(&notes, Check::PingOutsideIpv4, 0);
    hear(&mut notes, &question, Err("the probe ended".to_owned()));
    assert_eq!(notes.open(vec![question.clone()]), std::slice::from_ref(&question));
    assert!(told.borrow().is_empty());
    hear(&mut notes, &question, ping(3));
    assert_eq!(notes.open(vec![question.clone()]), []);
    let (verdict, attempts, reason) = end(&notes, &question);
    assert_eq!((verdict, attempts), (Verdict::Pass, 2));
    assert!(reason.ends_with("; attempt 1 gave no answer: the probe ended"), "{reason}");
    assert_eq!(told.borrow().len(), 1);
    assert!(notes.timeline.iter().any(|event| {
        let detail = event.detail.as_deref().unwrap_or_default();
        event.event == "no-answer" && detail.ends_with("of alpha: the probe ended")
    }));
}

#[test]
fn what_gave_no_answer_twice_is_broken() {
    let (mut notes, told) = notes();
    let question = question(&notes, Check::PingOutsideIpv4, 0);
    hear(&mut notes, &question, Err("the probe ended".to_owned()));
    hear(&mut notes, &question, Err("the probe ended".to_owned()));
    assert_eq!(notes.open(vec![question.clone()]), []);
    assert_eq!(end(&notes, &question), (Verdict::Broken, 2, "the probe ended".to_owned()));
    assert_eq!(told.borrow().len(), 1);
}

#[test]
fn a_host_that_fails_is_an_attempt_for_what_it_did_not_answer() {
    let (mut notes, told) = notes();
    let [answered, broken, unasked] =
        [(Check::PingOutsideIpv4, 0), (Check::PingOutsideIpv4, 1), (Check::AddressLease, 0)]
            .map(|(check, at)| question(&notes, check, at));
    hear(&mut notes, &answered, ping(3));
    hear(&mut notes, &broken, Err("the probe ended".to_owned()));
    notes.failed(1, "the agent ended");
    let asked = notes.host.asked();
    assert_eq!(notes.open(asked.clone()).len(), asked.len() - 1);
    assert_eq!(end(&notes, &broken), (Verdict::Broken, 1, "the probe ended".to_owned()));
    assert_eq!(end(&notes, &unasked), (Verdict::Broken, 1, "the agent ended".to_owned()));
    assert_eq!(told.borrow().len(), 1);
    notes.failed(2, "boot the host");
    assert_eq!(notes.open(asked.clone()), []);
    let reason = "boot the host; attempt 1 gave no answer: the agent ended".to_owned();
    assert_eq!(end(&notes, &unasked), (Verdict::Broken, 2, reason));
    assert_eq!(end(&notes, &answered).1, 1);
    assert_eq!(told.borrow().len(), asked.len());
}

#[test]
fn what_is_not_to_be_asked_is_not_tried() {
    let (mut notes, _) = notes();
    notes.failed(1, "boot the host");
    let skipped: Vec<Case> =
        notes.conclude(None).into_iter().filter(|case| case.verdict == Verdict::Skip).collect();
    assert_eq!(skipped.iter().map(|case| case.attempts).collect::<Vec<_>>(), [0, 0]);
}

#[test]
fn a_host_booted_afresh_is_judged_by_what_holds_on_it() {
    let (mut notes, _) = notes();
    notes.take(Notice::Settings([(Setting::StrayLease, "yes".to_owned())].into()));
    notes.booted();
    assert_eq!(notes.take_facts().unwrap().settings.len(), 0);
}

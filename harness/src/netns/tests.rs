//! Namespaces and links of the real kernel, where the tests run as root, and datagrams that are none.

use proptest::prelude::*;

use super::events::decode;
use super::*;

fn links(namespace: &NetworkNamespace) -> Vec<String> {
    let table = namespace.run(|| std::fs::read_to_string("/proc/thread-self/net/dev")).unwrap();
    table.lines().filter_map(|line| Some(line.split_once(':')?.0.trim().to_owned())).collect()
}

#[test]
fn work_in_a_namespace_leaves_the_caller_where_it_was() {
    let before = std::fs::read_link("/proc/thread-self/ns/net").unwrap();
    let Ok(namespace) = NetworkNamespace::new() else { return println!("not run: needs root") };
    let inside = namespace.run(|| std::fs::read_link("/proc/thread-self/ns/net")).unwrap();
    assert_ne!(inside, before);
    assert_eq!(std::fs::read_link("/proc/thread-self/ns/net").unwrap(), before);
    assert_eq!(links(&namespace), ["lo"]);
}

#[test]
fn the_namespace_of_a_process_that_is_not_there_is_an_error() {
    assert_eq!(NetworkNamespace::of_process(-1).unwrap_err().kind(), io::ErrorKind::NotFound);
    assert!(NetworkNamespace::of_process(std::process::id().cast_signed()).is_ok());
}

#[tokio::test]
async fn a_veth_has_its_ends_in_two_namespaces_and_goes_as_a_whole() {
    let Ok(here) = NetworkNamespace::new() else { return println!("not run: needs root") };
    let there = NetworkNamespace::new().unwrap();
    let netlink = RtNetlink::connect_in(&here).unwrap();
    netlink.add_veth("a0", "b0", &there).await.unwrap();
    assert_eq!(
        (links(&here), links(&there)),
        (vec!["lo".into(), "a0".into()], vec!["lo".into(), "b0".into()])
    );
    let again = netlink.add_veth("a1", "b0", &there).await.unwrap_err();
    assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
    netlink.remove_link("a0").await.unwrap();
    netlink.remove_link("a0").await.unwrap();
    assert_eq!(links(&there), ["lo"]);
}

#[test]
fn a_datagram_that_is_no_netlink_message_counts_as_lost_events() {
    assert_eq!(decode(&[7; 40]), [Event::Lost]);
    assert_eq!(decode(&[0; 3]), [Event::Lost]);
    assert_eq!(decode(&[0; 40]), [Event::Lost]);
    assert_eq!(decode(&[]), []);
}

proptest! {
    #[test]
    fn no_datagram_makes_the_reader_panic(kind in 16_u16..24, rest in prop::collection::vec(any::<u8>(), 0..120)) {
        // A header as in netlink(7), with the right length.
        let length = u32::try_from(16 + rest.len()).unwrap();
        let header = [&length.to_ne_bytes()[..], &kind.to_ne_bytes(), &[0; 10]].concat();
        let _ = decode(&[header, rest.clone()].concat());
        let _ = decode(&rest);
    }
}

//! Links of the real kernel, where the tests run as root.

use std::sync::Arc;

use proptest::prelude::*;
use rtnetlink::packet_core::{NetlinkMessage, NetlinkPayload};
use rtnetlink::packet_route::address::CacheInfo;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::*;
use crate::netns::NetworkNamespace;

const DEADLINE: Duration = Duration::from_secs(10);

/// Runs a test in a namespace of its own, in which `host0` and `peer0` are the ends of a veth.
fn with_veth(test: impl AsyncFnOnce(RtNetlink) + Send) {
    let Ok(namespace) = NetworkNamespace::new() else { return println!("not run: needs root") };
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let netlink = RtNetlink::connect()?;
            netlink.add_veth("host0", "peer0", &namespace).await?;
            test(netlink).await;
            Ok(())
        })
    };
    namespace.run(run).unwrap();
}

async fn up(netlink: &RtNetlink, name: &str) -> u32 {
    let index = netlink.link(name).await.unwrap().unwrap().header.index;
    netlink.set_up(index).await.unwrap();
    index
}

#[test]
fn an_address_added_later_wakes_the_waiter() {
    with_veth(async |netlink| {
        let index = up(&netlink, "host0").await;
        let seen = Arc::new(Notify::new());
        let has_ipv4 = |state: &LinkState| state.addresses.iter().any(|address| address.address.is_ipv4());
        let added = async {
            seen.notified().await;
            netlink.add_address(index, "10.0.55.38".parse().unwrap(), 24).await.unwrap();
            Instant::now()
        };
        let (waited, added) = tokio::join!(wait("host0", DEADLINE, has_ipv4, |_| seen.notify_one()), added);
        println!("woken {:?} after the kernel said that the address was added", added.elapsed());
        let Waited::Ready(state) = waited.unwrap() else { panic!("not woken") };
        assert_eq!(state.index, index);
        assert_eq!(state.observed("host0").addresses, ["10.0.55.38/24"]);
        assert_eq!(state.lease(), None);
        assert!(!state.carrier);
    });
}

#[test]
fn a_link_local_address_is_tentative_first() {
    with_veth(async |netlink| {
        up(&netlink, "host0").await;
        up(&netlink, "peer0").await;
        let settled =
            |state: &LinkState| !state.addresses.is_empty() && state.addresses.iter().all(|a| !a.tentative);
        let mut tentative = false;
        let watch = |state: &LinkState| tentative |= state.addresses.iter().any(|a| a.tentative);
        let Waited::Ready(state) = wait("host0", DEADLINE, settled, watch).await.unwrap() else {
            panic!("still tentative")
        };
        assert!(tentative && state.carrier && state.operational);
        assert_eq!(state.addresses[0].scope, Scope::Link);
    });
}

#[test]
fn the_wait_ends_at_its_deadline_with_what_was_seen_last() {
    with_veth(async |netlink| {
        let index = up(&netlink, "host0").await;
        let brief = Duration::from_millis(20);
        let never = |_: &LinkState| false;
        let Waited::TimedOut(Some(state)) = wait("host0", brief, never, |_| ()).await.unwrap() else {
            panic!("the link is there")
        };
        assert_eq!(state.index, index);
        assert_eq!(wait("none0", brief, never, |_| ()).await.unwrap(), Waited::TimedOut(None));
        assert_eq!(addresses("none0").await.unwrap(), None);
    });
}

#[test]
fn a_link_made_later_is_noticed_by_its_name() {
    with_veth(async |netlink| {
        let namespace = NetworkNamespace::of_process(nix::unistd::gettid().as_raw()).unwrap();
        let (waited, made) = tokio::join!(
            wait("late0", DEADLINE, |_| true, |_| ()),
            netlink.add_veth("late0", "late1", &namespace)
        );
        made.unwrap();
        assert!(matches!(waited.unwrap(), Waited::Ready(_)));
    });
}

#[test]
fn a_lease_is_the_address_whose_lifetime_ends() {
    let mut message = AddressMessage::default();
    message.header.prefix_len = 24;
    let mut life = CacheInfo::default();
    (life.ifa_preferred, life.ifa_valid) = (3600, 3600);
    message.attributes = vec![
        AddressAttribute::Address("10.0.55.1".parse().unwrap()),
        AddressAttribute::Local("10.0.55.38".parse().unwrap()),
        AddressAttribute::CacheInfo(life),
    ];
    let address = link_address(&message).unwrap();
    let state = LinkState { index: 2, carrier: true, operational: true, mac: None, addresses: vec![address] };
    assert_eq!(state.lease(), "10.0.55.38/24".parse().ok());
}

proptest! {
    #[test]
    fn no_attributes_of_an_address_make_the_reader_panic(
        header: [u8; 8],
        attributes in prop::collection::vec((0_u16..12, prop::collection::vec(any::<u8>(), 0..20)), 0..6),
    ) {
        let mut message = header.to_vec();
        for (kind, value) in attributes {
            // As in rtnetlink(7): length, type, value, padding.
            message.extend(u16::try_from(4 + value.len()).unwrap().to_ne_bytes());
            message.extend(kind.to_ne_bytes());
            message.extend(&value);
            message.resize(message.len().next_multiple_of(4), 0);
        }
        let length = u32::try_from(16 + message.len()).unwrap();
        let new_address = 20_u16;
        let datagram = [&length.to_ne_bytes()[..], &new_address.to_ne_bytes(), &[0; 10], &message].concat();
        if let Ok(NetlinkMessage {
            payload: NetlinkPayload::InnerMessage(RouteNetlinkMessage::NewAddress(message)), ..
        }) = NetlinkMessage::deserialize(&datagram)
        {
            let _ = link_address(&message);
        }
    }
}

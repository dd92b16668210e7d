//! The provider's router: it announces itself to the host that asks for a router (RFC 4861), and to nobody else.
//!
//! A provider carries frames from the hardware addresses that it has given out, and drops others. So does this router
//! with what machines ask that have a hardware address of their own on the uplink.

use std::io;
use std::mem::MaybeUninit;
use std::net::{Ipv6Addr, SocketAddrV6};

use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use tokio::io::unix::AsyncFd;
use tokio::task::JoinHandle;

use super::{GATEWAY_V6, PREFIX_V6, UPLINK_MAC};
use crate::netns::NetworkNamespace;

/// All routers of a link (RFC 4291, 2.7.1).
const ROUTERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2);

/// The type of a router solicitation, and the bytes before its options (RFC 4861, 4.1).
const SOLICITATION: (u8, usize) = (133, 8);

/// How long the router and its prefix are good for, in seconds: longer than any run.
const LIFETIME: u16 = 9000;

/// Announcements on a link; they end when this is dropped.
pub(super) struct Router {
    socket: Socket,
    task: JoinHandle<()>,
}

impl Router {
    /// Makes a router in `namespace` that is on no link yet.
    ///
    /// # Errors
    /// As socket(2).
    pub(super) fn new(namespace: &NetworkNamespace) -> io::Result<Self> {
        let socket = namespace.run(|| {
            let kind = Type::RAW.nonblocking().cloexec();
            Socket::new(Domain::IPV6, kind, Some(Protocol::ICMPV6))
        })?;
        // Whoever forwards a packet takes one off: it proves that the router is on the link.
        socket.set_unicast_hops_v6(255)?;
        // SAFETY: `Socket` owns its descriptor, and nothing replaces or closes it while the `AsyncFd` has it.
        let answering = unsafe { AsyncFd::register(socket.try_clone()?)? };
        let task = tokio::spawn(async move {
            loop {
                let Ok(mut asked) = answering.readable().await else { return };
                // What cannot be answered now is asked again by the host.
                let _ = asked.try_io(|socket| answer(socket.get_ref()));
            }
        });
        Ok(Self { socket, task })
    }

    /// Goes on the link with this index. What it was on before is gone by then.
    ///
    /// # Errors
    /// As setsockopt(2) with `IPV6_JOIN_GROUP`.
    pub(super) fn join(&self, link: u32) -> io::Result<()> {
        self.socket.join_multicast_v6(&ROUTERS, link)
    }
}

impl Drop for Router {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Receives one message, and answers to it if it is a solicitation of the host.
fn answer(socket: &Socket) -> io::Result<()> {
    let mut buffer = [MaybeUninit::new(0); 1500];
    let (length, from) = socket.recv_from(&mut buffer)?;
    // SAFETY: all bytes were initialised above.
    let message: Vec<u8> = buffer[..length].iter().map(|byte| unsafe { byte.assume_init() }).collect();
    match from.as_socket_ipv6() {
        Some(from) if is_asked_by(&message, UPLINK_MAC) => {
            let to = SocketAddrV6::new(*from.ip(), 0, 0, from.scope_id());
            socket.send_to(&announcement(), &SockAddr::from(to)).map(drop)
        }
        Some(_) | None => Ok(()),
    }
}

/// Tells whether this is a router solicitation from `mac`, as its source link-layer address option says.
fn is_asked_by(message: &[u8], mac: [u8; 6]) -> bool {
    let (kind, options) = SOLICITATION;
    message.first() == Some(&kind)
        && message.get(options..options + 2) == Some(&[1, 1])
        && message.get(options + 2..options + 8) == Some(&mac)
}

/// A router advertisement with the prefix of the uplink, for SLAAC (RFC 4861, 4.2 and 4.6.2). The kernel fills in its
/// checksum.
fn announcement() -> Vec<u8> {
    let lifetime = u32::from(LIFETIME).to_be_bytes();
    let mut prefix = GATEWAY_V6.octets();
    prefix[usize::from(PREFIX_V6) / 8..].fill(0);
    let header = [&[134, 0, 0, 0, 64, 0][..], &LIFETIME.to_be_bytes(), &[0; 8]].concat();
    // On the link, and for addresses of one's own.
    let option = [&[3, 4, PREFIX_V6, 0xc0][..], &lifetime, &lifetime, &[0; 4], &prefix].concat();
    [header, option].concat()
}

#[cfg(test)]
mod tests {
    use pnet::packet::icmpv6::ndp::{NdpOptionTypes, RouterAdvertPacket};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_announcement_is_read_as_one_by_others() {
        let bytes = announcement();
        let packet = RouterAdvertPacket::new(&bytes).unwrap();
        assert_eq!((packet.get_hop_limit(), packet.get_lifetime()), (64, LIFETIME));
        let [option] = &packet.get_options()[..] else { panic!("one option") };
        assert_eq!((option.option_type, option.length), (NdpOptionTypes::PrefixInformation, 4));
        assert_eq!(option.data[14..], "2001:db8:1::".parse::<Ipv6Addr>().unwrap().octets());
    }

    #[test]
    fn only_the_hardware_address_of_the_host_is_answered() {
        let solicitation = |mac: [u8; 6]| [&[133, 0, 0, 0, 0, 0, 0, 0, 1, 1][..], &mac].concat();
        assert!(is_asked_by(&solicitation(UPLINK_MAC), UPLINK_MAC));
        assert!(!is_asked_by(&solicitation([2, 0, 0, 0, 0, 2]), UPLINK_MAC));
        assert!(!is_asked_by(&solicitation(UPLINK_MAC)[..8], UPLINK_MAC), "it has no address yet");
    }

    proptest! {
        #[test]
        fn no_message_makes_the_reader_panic(message in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = is_asked_by(&message, UPLINK_MAC);
        }
    }
}

//! Calls getaddrinfo(3) for whoever writes to its standard input, and stays for the next call.
//!
//! The probe is linked statically and has no NSS, so it starts this program, which is linked to the libc of whatever
//! system it is started in, and asks as getent(1) would. It uses nothing but what every glibc has, so it does not
//! matter which one it was built with.
//!
//! A request is the family (as on Linux: 0, 2 or 10), the length of the name, and the name. A reply is the number of
//! addresses, and for each, in the order in which a program would try them: 4 or 6, the address in 16 bytes, and the link
//! that it is meant on, in the order of bytes of this machine. With an argument only that service of NSS is asked, as by
//! `getent -s`.

#![no_std]
#![no_main]

use core::ffi::{c_char, c_int, c_void};
use core::ptr::null;

/// `struct addrinfo` of getaddrinfo(3), as the C libraries of Linux have it.
#[repr(C)]
struct AddrInfo {
    flags: c_int,
    family: c_int,
    socktype: c_int,
    protocol: c_int,
    addrlen: u32,
    addr: *const SocketAddress,
    canonname: *const c_char,
    next: *const AddrInfo,
}

/// `struct sockaddr_in6` of ipv6(7); that of ip(7) is shorter, and has its address in the place of `flowinfo`.
#[repr(C)]
struct SocketAddress {
    family: u16,
    port: u16,
    flowinfo: [u8; 4],
    address: [u8; 16],
    scope: u32,
}

#[link(name = "c")]
unsafe extern "C" {
    fn getaddrinfo(
        node: *const c_char,
        service: *const c_char,
        hints: *const AddrInfo,
        found: *mut *const AddrInfo,
    ) -> c_int;
    fn freeaddrinfo(found: *const AddrInfo);
    fn __nss_configure_lookup(database: *const c_char, services: *const c_char) -> c_int;
    fn prctl(option: c_int, name: *const c_char) -> c_int;
    fn read(file: c_int, into: *mut c_void, length: usize) -> isize;
    fn write(file: c_int, from: *const c_void, length: usize) -> isize;
    fn abort() -> !;
}

const AF_INET: c_int = 2;
const AF_INET6: c_int = 10;
const SOCK_STREAM: c_int = 1;
/// `AI_V4MAPPED | AI_ADDRCONFIG | AI_CANONNAME`, as getent(1) asks.
const FLAGS: c_int = 0x8 | 0x20 | 0x2;
const PR_SET_NAME: c_int = 15;

/// One address in a reply.
const ENTRY: usize = 21;
/// No more addresses than that are told.
const MOST: usize = 255;

#[unsafe(no_mangle)]
extern "C" fn main(count: c_int, arguments: *const *const c_char) -> c_int {
    // SAFETY: both are strings that end with 0, and `main` has as many arguments as it is told.
    unsafe {
        prctl(PR_SET_NAME, c"getaddrinfo".as_ptr());
        if count > 1 && __nss_configure_lookup(c"hosts".as_ptr(), *arguments.add(1)) != 0 {
            return 1;
        }
    }
    let mut reply = [0; 1 + MOST * ENTRY];
    loop {
        let mut head = [0; 2];
        let mut name = [0; 256];
        if !fill(&mut head) || !fill(&mut name[..usize::from(head[1])]) {
            return 0;
        }
        let length = look_up(&name, c_int::from(head[0]), &mut reply);
        if !put(&reply[..length]) {
            return 0;
        }
    }
}

/// Looks up `name`, which ends with 0, and gives the length of the reply.
fn look_up(name: &[u8; 256], family: c_int, reply: &mut [u8; 1 + MOST * ENTRY]) -> usize {
    let hints = AddrInfo {
        flags: FLAGS,
        family,
        socktype: SOCK_STREAM,
        protocol: 0,
        addrlen: 0,
        addr: null(),
        canonname: null(),
        next: null(),
    };
    let mut found: *const AddrInfo = null();
    // SAFETY: the name ends with 0, and `hints` is as getaddrinfo(3) wants it.
    let is_found = unsafe { getaddrinfo(name.as_ptr().cast(), null(), &hints, &mut found) } == 0;
    let mut count = 0;
    let mut next = if is_found { found } else { null() };
    // SAFETY: what getaddrinfo(3) has found is a list that ends with null, and is not freed before the end of the loop.
    while let Some(info) = unsafe { next.as_ref() }
        && count < MOST
    {
        let entry = &mut reply[1 + count * ENTRY..][..ENTRY];
        entry.fill(0);
        // SAFETY: an entry has an address of its family. That of ip(7) is as long as what is read of it.
        unsafe {
            match info.family {
                AF_INET => {
                    entry[0] = 4;
                    entry[1..5].copy_from_slice(&(*info.addr).flowinfo);
                    count += 1;
                }
                AF_INET6 => {
                    entry[0] = 6;
                    entry[1..17].copy_from_slice(&(*info.addr).address);
                    entry[17..].copy_from_slice(&(*info.addr).scope.to_ne_bytes());
                    count += 1;
                }
                _ => {}
            }
        }
        next = info.next;
    }
    if is_found {
        // SAFETY: it was found, and nothing uses it any more.
        unsafe { freeaddrinfo(found) };
    }
    reply[0] = count as u8;
    1 + count * ENTRY
}

/// Fills `all` from standard input; false if that has ended.
fn fill(mut all: &mut [u8]) -> bool {
    while !all.is_empty() {
        // SAFETY: as many bytes are written as there is room for.
        let length = unsafe { read(0, all.as_mut_ptr().cast(), all.len()) };
        match usize::try_from(length) {
            Ok(0) | Err(_) => return false,
            Ok(length) => all = &mut all[length..],
        }
    }
    true
}

/// Writes `all` to standard output; false if nobody reads it.
fn put(mut all: &[u8]) -> bool {
    while !all.is_empty() {
        // SAFETY: as many bytes are read as there are.
        let length = unsafe { write(1, all.as_ptr().cast(), all.len()) };
        match usize::try_from(length) {
            Ok(0) | Err(_) => return false,
            Ok(length) => all = &all[length..],
        }
    }
    true
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    // SAFETY: nothing is asked of whoever calls it.
    unsafe { abort() }
}

/// What the core library as it is shipped would unwind with. Here a panic aborts.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

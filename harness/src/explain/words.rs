//! What is said of each cause, whatever it rests on.

use super::Cause;

/// What is always said of a cause.
pub(super) struct Words {
    pub(super) code: &'static str,
    pub(super) sentence: &'static str,
    pub(super) long: &'static str,
    pub(super) link: &'static str,
}

impl Cause {
    pub(super) const fn words(self) -> Words {
        match self {
            Self::Untrusted => Words {
                code: "settings-untrusted",
                sentence: "the bind mounts are in a .nspawn file beside the image, where systemd-nspawn does not trust it",
                long: "A .nspawn file in /etc/systemd/nspawn or /run/systemd/nspawn is an administrator's, and is trusted. One that \
                       lies beside the image may have come with it, so what would let the machine reach into the host is \
                       ignored: bind mounts, network settings, capabilities, user namespaces. It says so when it starts, up to \
                       systemd 255 without the priority of a warning, so that `journalctl -p warning` does not show it. A file of \
                       the same name in /etc/systemd/nspawn hides the one beside the image.",
                link: "https://www.freedesktop.org/software/systemd/man/latest/systemd.nspawn.html",
            },
            Self::UnknownSetting => Words {
                code: "setting-unknown",
                sentence: "this systemd-nspawn does not know a key of the .nspawn file, and ignores the line",
                long: "A key that systemd-nspawn does not know is ignored with a warning, and the machine starts without it. It is \
                       misspelt, or of a later version of systemd: the manual page of the installed version lists those that it \
                       knows. Options of a command line, and those behind the paths of Bind=, are not ignored: with one that it \
                       does not know the machine does not start.",
                link: "https://www.freedesktop.org/software/systemd/man/latest/systemd.nspawn.html",
            },
            Self::Unmapped => Words {
                code: "bind-not-mapped",
                sentence: "the machine has ids of its own, which the bind mount does not map: what is the host's belongs to nobody",
                long: "The shipped unit says -U, which gives a machine a range of user and group ids of its own. A bind mount has \
                       the ids of the host all the same, and none of them has a counterpart in the machine: files belong to \
                       65534, nobody, and root of the machine may not change them. Behind the paths of Bind= and --bind= `idmap` \
                       maps each id to itself, `rootidmap` root of the machine to the owner of the directory (systemd 252), and \
                       `owneridmap` the owner of the mount point to that owner (256). It takes a file system that can map ids. \
                       A Bind= in a .nspawn file leaves out every --bind= of the unit.",
                link: "https://www.freedesktop.org/software/systemd/man/latest/systemd-nspawn.html#--bind=",
            },
            Self::HostNetworkd => Words {
                code: "host-networkd-off",
                sentence: "nobody configures the host's ends of the links: systemd-networkd does not run there",
                long: "A virtual Ethernet link between host and machine needs somebody at either end. On the host that is \
                       systemd-networkd, with the files that systemd ships for links whose names begin with ve- and vz-: it gives \
                       the end an address, serves DHCP on it, forwards and masquerades. Where the host uses NetworkManager or \
                       ifupdown alone, the end stays down and the machine never has an address.",
                link: "https://www.freedesktop.org/software/systemd/man/latest/systemd-nspawn.html#--network-veth",
            },
            Self::MachineNetworkd => Words {
                code: "machine-networkd-off",
                sentence: "nobody asks for an address in the machine: systemd-networkd does not run there",
                long: "host0, the machine's end of its link, is configured by systemd-networkd with \
                       80-container-host0.network. Many images do not enable it.",
                link: "https://www.freedesktop.org/software/systemd/man/latest/systemd-networkd.service.html",
            },
            Self::ForeignNetworkFile => Words {
                code: "foreign-network-file",
                sentence: "the host's end of the link is configured by a file that is not the one for links of machines",
                long: "systemd-networkd configures a link by the first file that matches it, in the order of the files' names. \
                       A file of the host's own, or of its provider, whose [Match] is as wide as Name=* or Type=ether and whose \
                       name sorts before 80-container-ve.network takes the links of machines too: they then have no DHCP \
                       server, no masquerading and no address. A bridge that has a file of its own with a smaller number is \
                       not affected, which is why br0 works where ve- links do not.",
                link: "https://www.freedesktop.org/software/systemd/man/latest/systemd.network.html",
            },
            Self::MisnamedFile => Words {
                code: "misnamed-file",
                sentence: "the file that is meant for the host's end of the link, or the bridge, has the name of another kind",
                long: "A bridge takes two files: one ending with .netdev, whose [NetDev] section makes it, and one ending with \
                       .network, whose [Match] and [Network] sections configure it. systemd-networkd tells them by their names \
                       alone, and passes over sections of the other kind with a line in its journal: then there is a bridge \
                       without address and DHCP server. The reverse, [NetDev] in a .network file, makes no bridge, and machines \
                       that are to be ports of it do not start.",
                link: "https://www.freedesktop.org/software/systemd/man/latest/systemd.netdev.html",
            },
            Self::Unmanaged => Words {
                code: "link-unmanaged",
                sentence: "systemd-networkd has no file for the host's end of the link",
                long: "80-container-ve.network and 80-container-vz.network are part of systemd, and some distributions pack \
                       them apart, or an empty file or a link to /dev/null in /etc/systemd/network takes their place.",
                link: "https://www.freedesktop.org/software/systemd/man/latest/systemd.network.html",
            },
            Self::SameMac => Words {
                code: "same-mac",
                sentence: "two machines on one bridge have the same hardware address",
                long: "systemd-nspawn makes the hardware address of a machine's link from its name, so that each has its own. Copies \
                       of an image that sets one, by MACAddress= in a .network or .link file, share it. The bridge then sends \
                       what is for either to whoever spoke last, neither hears the other, and their fe80 addresses, which are \
                       made of it, are one too: whoever finds that out goes without.",
                link: "https://www.freedesktop.org/software/systemd/man/latest/systemd.network.html#MACAddress=",
            },
            Self::DhcpDropped => Words {
                code: "dhcp-dropped",
                sentence: "the host's firewall drops what machines ask of its DHCP server",
                long: "The host serves DHCP on its end of the link, at UDP port 67. A firewall that lets in only what it knows \
                       drops that; then the machine has a fe80 address and nothing else.",
                link: "https://github.com/systemd/systemd/issues/19338",
            },
            Self::PoolUsedUp => Words {
                code: "pool-used-up",
                sentence: "the host's DHCP server has given away all the addresses that it has to give",
                long: "The server of systemd-networkd gives addresses of the link's subnet: 13 on the /28 of a veth link, 253 on the \
                       /24 of a zone, fewer where PoolSize= or PoolOffset= of [DHCPServer] say so. A lease is kept for an hour \
                       unless DefaultLeaseTimeSec= says otherwise, also for a machine that has gone, so that machines which come and \
                       go under new names use up what few of them would not.",
                link: "https://www.freedesktop.org/software/systemd/man/latest/systemd.network.html#PoolSize=",
            },
            Self::StrayLease => Words {
                code: "stray-lease",
                sentence: "the host has no address in the subnet that its DHCP server gives the machine a lease from",
                long: "systemd-networkd picks a subnet for the link when that has a carrier. An empty bridge, as a zone has it at \
                       first, has one until its first port joins; if networkd is quicker than that it picks a subnet, starts the \
                       DHCP server, drops the subnet and picks another one, and the server goes on with the first. A drop-in for \
                       80-container-vz.network with ConfigureWithoutCarrier=yes in [Network] keeps the first subnet.",
                link: "https://www.freedesktop.org/software/systemd/man/latest/systemd.network.html#ConfigureWithoutCarrier=",
            },
            Self::OtherWayBack => Words {
                code: "other-way-back",
                sentence: "the host's way back to the machine leads by another link, so that the machine is not heard or not answered",
                long: "A route to part of the subnet of a link, as a VPN or a provider may bring it, is more specific than that of the \
                       link, and what the host answers goes there. Where rp_filter is 1 on the link, which is called strict, the \
                       kernel drops what comes from the machine before anybody hears it, and counts it as \
                       TcpExtIPReversePathFilter (nstat); the larger of net.ipv4.conf.all.rp_filter and that of the link counts. DHCP \
                       works all the same, as the server asks no route.",
                link: "https://www.kernel.org/doc/html/latest/networking/ip-sysctl.html",
            },
            Self::PortIsolated => Words {
                code: "port-isolated",
                sentence: "both machines are at isolated ports of their bridge, which hear only ports that are not",
                long: "An isolated port of a bridge passes frames to ports that are not isolated, as the bridge itself, and to no \
                       other isolated one: `Isolated=` in the [Bridge] section of a .network file, or `bridge link set dev ... \
                       isolated on`. Host and machine hear each other, two machines do not.",
                link: "https://www.freedesktop.org/software/systemd/man/latest/systemd.network.html#Isolated=",
            },
            Self::NoFe80 => Words {
                code: "no-fe80",
                sentence: "an end of the link has no fe80 address",
                long: "Every link has a fe80 address unless IPv6 is off on it (net.ipv6.conf.*.disable_ipv6), or networkd is told not \
                       to give it one (LinkLocalAddressing=no or ipv4). Without it there is no IPv6 on the link, no router is \
                       heard, and LLMNR goes over IPv4 alone.",
                link: "https://www.freedesktop.org/software/systemd/man/latest/systemd.network.html#LinkLocalAddressing=",
            },
            Self::Mtu => Words {
                code: "mtu",
                sentence: "the two ends of the link carry packets of different sizes, and larger ones are lost without a word",
                long: "An end of a veth link drops what is larger than its own MTU as it comes in, and nobody tells the sender, who \
                       goes by the MTU of the other end. Small packets pass, so that ping and names work and downloads hang. \
                       MTUBytes= in the [Link] section of a .network or .link file of one end alone has it so; a bridge likewise \
                       drops what is larger than the port that it goes out by.",
                link: "https://www.freedesktop.org/software/systemd/man/latest/systemd.network.html#MTUBytes=",
            },
            Self::ForwardingOff => Words {
                code: "forwarding-off",
                sentence: "the host does not forward IPv4 packets",
                long: "What a machine sends beyond its link has to be forwarded by the host: net.ipv4.conf.all.forwarding, or \
                       that of the link. systemd-networkd turns it on where a file says IPMasquerade=, and whatever writes \
                       sysctls later turns it off again.",
                link: "https://www.freedesktop.org/software/systemd/man/latest/systemd.network.html#IPMasquerade=",
            },
            Self::ForwardDropped => Words {
                code: "forward-dropped",
                sentence: "the host's firewall drops what the host forwards for machines",
                long: "Docker sets the policy of FORWARD to drop when it turns forwarding on, and ufw and firewalld drop what \
                       they do not know. The rules of systemd-networkd are in a table of their own and cannot take that back: \
                       a packet that any table drops is gone.",
                link: "https://docs.docker.com/engine/network/packet-filtering-firewalls/",
            },
            Self::NotMasqueraded => Words {
                code: "not-masqueraded",
                sentence: "the addresses of the machine leave the host as they are, and no answer finds back",
                long: "A private address is not routed beyond the host. IPMasquerade= in the .network file of the host's end of \
                       the link, or of the bridge, has them replaced by the host's own.",
                link: "https://www.freedesktop.org/software/systemd/man/latest/systemd.network.html#IPMasquerade=",
            },
            Self::HostResolved => Words {
                code: "host-resolved-off",
                sentence: "systemd-resolved does not run on the host: nobody asks there by LLMNR, and nobody answers",
                long: "The host's name is one that machines ask for by LLMNR, which systemd-resolved of the host answers. Debian does \
                       not install it by default. The names of machines are known on the host by nss-mymachines all the same.",
                link: "https://www.freedesktop.org/software/systemd/man/latest/systemd-resolved.service.html",
            },
            Self::NoResolverInNsswitch => Words {
                code: "nsswitch-without-resolver",
                sentence: "the machine's nsswitch.conf has neither resolve nor dns for host names",
                long: "Programs look names up as the line `hosts:` of /etc/nsswitch.conf says. `resolve` asks systemd-resolved, `dns` \
                       the servers in /etc/resolv.conf. Without either only /etc/hosts and what is local is known. The package \
                       libnss-resolve puts `resolve` there.",
                link: "https://www.freedesktop.org/software/systemd/man/latest/nss-resolve.html",
            },
            Self::ResolvConf => Words {
                code: "resolv-conf-wrong",
                sentence: "the machine's programs ask DNS, and its /etc/resolv.conf leads to no server that answers",
                long: "Without `resolve` in the line `hosts:` of /etc/nsswitch.conf programs ask the servers in /etc/resolv.conf, \
                       whatever systemd-resolved knows. An image may bring the file of the machine that it was made on, or a \
                       link to the file of a program that is not installed; systemd-nspawn leaves either as it is where the \
                       machine has a network of its own (--resolv-conf=auto). A link to stub-resolv.conf of systemd-resolved \
                       has such programs ask it, and thereby LLMNR too.",
                link: "https://www.freedesktop.org/software/systemd/man/latest/systemd-resolved.service.html#/etc/resolv.conf",
            },
            Self::OtherHostname => Words {
                code: "other-hostname",
                sentence: "the machine calls itself otherwise, and answers by LLMNR to that name alone",
                long: "systemd-nspawn gives a machine its name as host name, and an /etc/hostname in the image replaces it. By LLMNR \
                       and multicast DNS a machine answers to its host name; nss-mymachines on the host knows it by the name that \
                       it was started by. Copies of an image with the same /etc/hostname are in conflict besides.",
                link: "https://www.freedesktop.org/software/systemd/man/latest/hostname.html",
            },
            Self::MachineResolved => Words {
                code: "machine-resolved-off",
                sentence: "systemd-resolved does not run in the machine: nobody asks there by LLMNR, and nobody answers",
                long: "Names of one label are asked of the other machines on the link, by LLMNR. Both who asks and who answers is \
                       systemd-resolved. Without it a machine can be pinged and cannot be resolved.",
                link: "https://www.freedesktop.org/software/systemd/man/latest/systemd-resolved.service.html",
            },
            Self::LlmnrOff => Words {
                code: "llmnr-off",
                sentence: "LLMNR is off or only asks at one of the ends, so that names of one label have no answer",
                long: "LLMNR= is set for the whole of systemd-resolved and for each link, and the more restrictive counts. \
                       Both ends need it: `resolve` asks and does not answer, `no` does neither. Ubuntu and Fedora turn it \
                       off. The .network files that systemd ships for machines do not turn it on.",
                link: "https://www.freedesktop.org/software/systemd/man/latest/resolved.conf.html#LLMNR=",
            },
            Self::NoNameServer => Words {
                code: "no-name-server",
                sentence: "none of the DNS servers that the machine knows answers",
                long: "The host's DHCP server tells machines the DNS servers of its uplink; where it has none to tell, or they \
                       cannot be reached from the machine, only names on the link resolve.",
                link: "https://www.freedesktop.org/software/systemd/man/latest/systemd.network.html#EmitDNS=",
            },
        }
    }
}

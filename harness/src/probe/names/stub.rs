//! Names by DNS, from the stub resolver that systemd-resolved has at 127.0.0.53.

use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use anyhow::Context;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{NameServerConfig, ResolveHosts, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::rr::RData;
use nspawn_matrix_reports::Family;

use super::Answer;

/// Where the stub listens (systemd-resolved.service(8)).
const STUB: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 53));

/// Questions that may be open at once: more than there are samples.
const AT_ONCE: usize = 65_536;

/// Asks the stub, and has no memory.
pub(super) struct Stub(TokioResolver);

impl Stub {
    pub(super) fn new(patience: Duration) -> anyhow::Result<Self> {
        let config = ResolverConfig::from_name_servers(vec![NameServerConfig::udp(STUB)]);
        let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        let options = builder.options_mut();
        options.cache_size = 0;
        options.attempts = 0;
        options.timeout = patience;
        options.max_active_requests = AT_ONCE;
        options.use_hosts_file = ResolveHosts::Never;
        Ok(Self(builder.build().context("make a DNS client")?))
    }

    /// Asks for the addresses of one family; of both families there is no question in DNS.
    pub(super) async fn look_up(&self, name: &str, family: Family) -> Answer {
        let name = format!("{name}.");
        let started = Instant::now();
        let answer = match family {
            Family::Ipv4 | Family::Any => self.0.ipv4_lookup(name).await,
            Family::Ipv6 => self.0.ipv6_lookup(name).await,
        };
        let took = started.elapsed();
        match answer {
            Ok(found) => {
                let addresses = found.answers().iter().filter_map(|record| address(&record.data));
                Answer { addresses: addresses.collect(), took, ..Answer::default() }
            }
            Err(error) => {
                let unanswered = !matches!(error, NetError::Dns(_));
                Answer { took, failure: Some(reason(&error)), unanswered, ..Answer::default() }
            }
        }
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the types of records are many, and grow")]
fn address(data: &RData) -> Option<String> {
    match data {
        RData::A(address) => Some(address.0.to_string()),
        RData::AAAA(address) => Some(address.0.to_string()),
        _ => None,
    }
}

/// The code of the answer (RFC 1035, 4.1.1), or why there was none.
fn reason(error: &NetError) -> String {
    if let NetError::Dns(DnsError::NoRecordsFound(none)) = error {
        return none.response_code.to_string();
    }
    if let NetError::Dns(DnsError::ResponseCode(code)) = error {
        return code.to_string();
    }
    error.to_string()
}

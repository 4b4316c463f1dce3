//! The rules by which clients ask this machine itself, and are answered: of services that are configured, and of the page.

use crate::{Service, config::Page};

/// The rule by which a client may ask for a service.
pub(super) fn asked(service: Service) -> &'static str {
    match service {
        Service::Dhcp => "\t\tudp sport 68 udp dport 67 accept\n\t\tudp sport 546 udp dport 547 accept\n",
        Service::Dns => "\t\tmeta l4proto { tcp, udp } th dport 53 accept\n",
        Service::Ntp => "\t\tudp dport 123 accept\n",
        Service::Ssh => "\t\ttcp dport 22 accept\n",
    }
}

/// The rule by which it is answered.
pub(super) fn served(service: Service) -> &'static str {
    match service {
        Service::Dhcp => "\t\tudp sport 67 udp dport 68 accept\n\t\tudp sport 547 udp dport 546 accept\n",
        Service::Dns => "\t\tmeta l4proto { tcp, udp } th sport 53 accept\n",
        Service::Ntp => "\t\tudp sport 123 accept\n",
        Service::Ssh => "\t\ttcp sport 22 ct state established accept\n",
    }
}

/// The rules by which the page is reached, and answers.
pub(super) fn page(page: &Page) -> (String, String) {
    let Page { address, port, .. } = page;
    let ip = if address.is_ipv4() { "ip" } else { "ip6" };
    (
        format!("\t\t{ip} daddr {address} tcp dport {port} accept\n"),
        format!("\t\t{ip} saddr {address} tcp sport {port} ct state established accept\n"),
    )
}

//! The local network: addresses, names, time, what is offered.

pub(crate) mod dhcp;
pub(crate) mod netbios;
pub(crate) mod ntp;
pub(crate) mod ssdp;

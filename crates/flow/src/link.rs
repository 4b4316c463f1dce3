//! Link layers: what carries IP.
//!
//! ```text
//! Ethernet: receiver sender (tag)* EtherType │ IP        802.11: control … addresses (QoS) │ LLC/SNAP EtherType │ IP
//! cooked: … sender … EtherType │ IP                      loopback: address family │ IP
//! ```
//!
//! Ethernet II and 802.3 with LLC/SNAP, 802.1Q and QinQ tags, `PPPoE`, MPLS, PPP, Linux cooked v1 and v2, BSD loopback,
//! raw IP, and data frames of 802.11 with and without radiotap. What radios say to all is in `radio.rs`. Others are named
//! and counted.

use creance_model::{LinkType, Transport};

use crate::{ip, radio};

use crate::Counters;

/// What a frame carries.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Frame<'a> {
    pub(crate) payload: Carried<'a>,
    /// Sender and receiver, where the link has addresses.
    pub(crate) macs: Option<([u8; 6], [u8; 6])>,
}

/// The packet of IP that a frame carries, without the link's padding behind it. One that the capture cut is shorter than it says.
/// `None`: the frame carries no IP, or is damaged.
pub fn carried_ip(link: LinkType, data: &[u8]) -> Option<&[u8]> {
    let Carried::Ip(packet) = strip(link, data).payload else { return None };
    packet.get(..ip::length(packet)?.min(packet.len()))
}

/// IP, what a radio says to all, or the name of what it is instead.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Carried<'a> {
    Ip(&'a [u8]),
    Radio(Transport, &'a [u8]),
    Other(&'static str),
    Malformed(&'static str),
}

/// Takes the link layer off.
pub(crate) fn strip(link: LinkType, data: &[u8]) -> Frame<'_> {
    let plain = |payload| Frame { payload, macs: None };
    match link {
        LinkType::ETHERNET => ethernet(data),
        LinkType::RAW | LinkType::RAW_OLD | LinkType::RAW_OPENBSD | LinkType::IPV4 | LinkType::IPV6 => {
            plain(Carried::Ip(data))
        }
        LinkType::NULL | LinkType::LOOP => plain(loopback(data)),
        LinkType::PPP | LinkType::PPP_HDLC | LinkType::PPP_WITH_DIRECTION => {
            // One byte of direction, in one of them.
            let skipped = usize::from(link == LinkType::PPP_WITH_DIRECTION);
            plain(ppp(data.get(skipped..).unwrap_or_default()))
        }
        LinkType::PPP_ETHER => plain(pppoe(data)),
        LinkType::LINUX_SLL => cooked(data, 14, 16, 6),
        LinkType::LINUX_SLL2 => cooked(data, 0, 20, 12),
        LinkType::IEEE802_11 => wifi(data, 0),
        LinkType::IEEE802_11_RADIOTAP => match radiotap(data) {
            Some((frame, flags)) => wifi(frame, flags),
            None => plain(Carried::Malformed("radiotap header")),
        },
        LinkType::PRISM => behind(data, radio::Header::Prism),
        LinkType::AVS => behind(data, radio::Header::Avs),
        LinkType::PPI => behind(data, radio::Header::Ppi),
        LinkType::BLUETOOTH_LE_LL => radio::bluetooth(data, false, true),
        LinkType::BLUETOOTH_LE_LL_WITH_PHDR => radio::bluetooth_with_header(data),
        LinkType::NORDIC_BLE => radio::nordic(data),
        LinkType::BLUETOOTH_HCI_H4 => radio::hci(data),
        LinkType::BLUETOOTH_HCI_H4_WITH_PHDR => radio::hci(data.get(4..).unwrap_or_default()),
        LinkType::NONE => plain(Carried::Other("records that are no packets")),
        _ => plain(Carried::Other("unknown link type")),
    }
}

pub(crate) fn ethernet(data: &[u8]) -> Frame<'_> {
    let (Some(receiver), Some(sender)) = (mac(data, 0), mac(data, 6)) else {
        return Frame { payload: Carried::Malformed("Ethernet header"), macs: None };
    };
    let payload = match be16(data, 12) {
        None => Carried::Malformed("Ethernet header"),
        // Below 1536 it is a length: LLC follows (IEEE 802.3).
        Some(length) if length < 1536 => llc(data.get(14..).unwrap_or_default()),
        Some(kind) => ethertype(kind, data.get(14..).unwrap_or_default()),
    };
    Frame { payload, macs: Some((sender, receiver)) }
}

pub(crate) fn ethertype(mut kind: u16, mut rest: &[u8]) -> Carried<'_> {
    // Tags are few; more than eight are an attack.
    for _ in 0..8 {
        match kind {
            0x0800 | 0x86dd => return Carried::Ip(rest),
            0x8100 | 0x88a8 | 0x9100 => {
                let Some(next) = be16(rest, 2) else { return Carried::Malformed("VLAN tag") };
                rest = rest.get(4..).unwrap_or_default();
                if next < 1536 {
                    return llc(rest);
                }
                kind = next;
            }
            0x0806 => return Carried::Other("ARP"),
            0x8035 => return Carried::Other("RARP"),
            0x809b => return Carried::Other("AppleTalk"),
            0x8137 => return Carried::Other("IPX"),
            0x88e5 => return Carried::Other("MACsec"),
            0x88f7 => return Carried::Other("PTP"),
            0x9000 => return Carried::Other("Ethernet loopback"),
            0x888e => return Carried::Other("EAPOL"),
            0x88cc => return Carried::Other("LLDP"),
            0x8863 => return Carried::Other("PPPoE discovery"),
            0x8864 => return pppoe(rest),
            0x880b => return ppp(rest),
            0x8847 | 0x8848 => return mpls(rest),
            _ => return Carried::Other("unknown EtherType"),
        }
    }
    Carried::Malformed("VLAN tags without end")
}

/// A session of `PPPoE` (RFC 2516): version and type, code, session, length, then PPP.
fn pppoe(rest: &[u8]) -> Carried<'_> {
    let length = be16(rest, 4).map(usize::from);
    match (length, rest.get(6..)) {
        // What lies behind the stated length is padding.
        (Some(length), Some(frame)) => ppp(frame.get(..length.min(frame.len())).unwrap_or_default()),
        _ => Carried::Malformed("PPPoE header"),
    }
}

/// PPP (RFC 1661), with or without the address and control of RFC 1662; its protocol may be one byte long.
pub(crate) fn ppp(data: &[u8]) -> Carried<'_> {
    let data = data.strip_prefix(&[0xff, 3]).unwrap_or(data);
    match data {
        [0, 0x21 | 0x57, rest @ ..] | [0x21 | 0x57, rest @ ..] => Carried::Ip(rest),
        [0xc0, 0x21, ..] => Carried::Other("PPP link control"),
        [_, _, ..] => Carried::Other("PPP without IP"),
        _ => Carried::Malformed("PPP header"),
    }
}

/// Labels of MPLS (RFC 3032), of which the last has a bit set; then IP, by its version.
pub(crate) fn mpls(mut rest: &[u8]) -> Carried<'_> {
    for _ in 0..16 {
        let Some((label, behind)) = rest.split_first_chunk::<4>() else {
            return Carried::Malformed("MPLS label");
        };
        rest = behind;
        if label[2] & 1 != 0 {
            return match rest.first().map(|first| first >> 4) {
                Some(4 | 6) => Carried::Ip(rest),
                _ => Carried::Other("MPLS without IP"),
            };
        }
    }
    Carried::Malformed("MPLS labels without end")
}

/// LLC with SNAP (RFC 1042): `aa aa 03 000000`, then an `EtherType`.
fn llc(rest: &[u8]) -> Carried<'_> {
    match rest {
        [0xaa, 0xaa, 0x03, _, _, _, high, low, rest @ ..] => {
            ethertype(u16::from_be_bytes([*high, *low]), rest)
        }
        _ => Carried::Other("LLC"),
    }
}

fn cooked(data: &[u8], kind: usize, payload: usize, address: usize) -> Frame<'_> {
    let payload = match (be16(data, kind), data.get(payload..)) {
        (Some(kind), Some(rest)) if kind >= 1536 => ethertype(kind, rest),
        (Some(4), Some(rest)) => llc(rest),
        (Some(_), Some(_)) => Carried::Other("unknown EtherType"),
        _ => Carried::Malformed("Linux cooked header"),
    };
    // Only the sender is told.
    Frame { payload, macs: mac(data, address).map(|sender| (sender, [0; 6])) }
}

/// A four-byte address family in either byte order.
fn loopback(data: &[u8]) -> Carried<'_> {
    let Some((family, rest)) = data.split_first_chunk::<4>() else {
        return Carried::Malformed("loopback header");
    };
    match u32::from_le_bytes(*family).min(u32::from_be_bytes(*family)) {
        // IPv4; IPv6 of Linux, Windows, NetBSD, FreeBSD, macOS.
        2 | 10 | 23 | 24 | 28 | 30 => Carried::Ip(rest),
        _ => Carried::Other("unknown loopback family"),
    }
}

fn behind(data: &[u8], header: radio::Header) -> Frame<'_> {
    match radio::behind_length(data, header) {
        Some(frame) => wifi(frame, 0),
        None => Frame { payload: Carried::Malformed("header of a radio"), macs: None },
    }
}

/// The frame behind a radiotap header without its check sequence, and what the header's flags say of it.
///
/// Version, padding, length (least significant first), words of present fields as long as bit 31 is set; then the
/// fields: TSFT (bit 0, eight bytes, aligned), flags (bit 1, one byte: 0x10 check sequence, 0x20 padding, 0x40 the check failed), ….
fn radiotap(data: &[u8]) -> Option<(&[u8], u8)> {
    let length = usize::from(u16::from_le_bytes(*data.get(2..4)?.first_chunk()?));
    let (header, frame) = data.split_at_checked(length)?;
    let mut words = header.get(4..)?.chunks_exact(4).map(|word| word.last().map_or(0, |high| high >> 7));
    let words = words.by_ref().take_while(|more| *more == 1).count() + 1;
    let present = *header.get(4)?;
    let mut at = 4 + 4 * words;
    if present & 1 != 0 {
        at = at.next_multiple_of(8) + 8;
    }
    let flags = if present & 2 != 0 { header.get(at).copied().unwrap_or(0) } else { 0 };
    let check = if flags & 0x10 != 0 { 4 } else { 0 };
    Some((frame.get(..frame.len().saturating_sub(check))?, flags))
}

/// Frames of IEEE 802.11, with the flags of radiotap.
fn wifi(data: &[u8], flags_of_radio: u8) -> Frame<'_> {
    let plain = |payload| Frame { payload, macs: None };
    let Some(&[control, flags]) = data.first_chunk::<2>() else {
        return plain(Carried::Malformed("802.11 header"));
    };
    match (control >> 2 & 3, control >> 4) {
        (0, _) => return radio::management(data, flags_of_radio & 0x40 == 0),
        (1, _) => return plain(Carried::Other("802.11 control frames")),
        (2, subtype) if subtype & 4 != 0 => return plain(Carried::Other("802.11 frames without data")),
        (2, _) => {}
        _ => return plain(Carried::Malformed("802.11 frame type")),
    }
    if flags & 0x40 != 0 {
        return plain(Carried::Other(Counters::ENCRYPTED));
    }
    let (to_ds, from_ds) = (flags & 1 != 0, flags & 2 != 0);
    let qos = control & 0x80 != 0;
    let mut header = if to_ds && from_ds { 30 } else { 24 };
    if qos {
        // An aggregate of several frames (A-MSDU) is not taken apart.
        if data.get(header).is_some_and(|control| control & 0x80 != 0) {
            return plain(Carried::Other("802.11 aggregates"));
        }
        header += 2;
        if flags & 0x80 != 0 {
            header += 4;
        }
    }
    // Padded to four bytes.
    if flags_of_radio & 0x20 != 0 {
        header = header.next_multiple_of(4);
    }
    let Some(body) = data.get(header..) else { return plain(Carried::Malformed("802.11 header")) };
    let (receiver, sender) = match (to_ds, from_ds) {
        (false, false) => (4, 10),
        (true, false) => (16, 10),
        (false, true) => (4, 16),
        (true, true) => (16, 24),
    };
    Frame { payload: llc(body), macs: mac(data, sender).zip(mac(data, receiver)) }
}

fn mac(data: &[u8], at: usize) -> Option<[u8; 6]> {
    data.get(at..)?.first_chunk().copied()
}

fn be16(data: &[u8], at: usize) -> Option<u16> {
    data.get(at..)?.first_chunk().map(|two| u16::from_be_bytes(*two))
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test")]
mod tests {
    use super::*;

    #[test]
    fn two_tags_come_off() {
        let frame = [&[2; 6][..], &[4; 6], &[0x88, 0xa8, 0, 1, 0x81, 0, 0, 2, 8, 0], &[0x45]].concat();
        let stripped = strip(LinkType::ETHERNET, &frame);
        assert_eq!(stripped, Frame { payload: Carried::Ip(&[0x45]), macs: Some(([4; 6], [2; 6])) });
    }

    #[test]
    fn a_packet_is_carried_without_what_lies_behind_it() {
        let packet = [&[0x45, 0, 0, 21][..], &[7; 17]].concat();
        let frame = [&[2; 12][..], &[0x81, 0, 0, 2, 8, 0], &packet, &[0; 25]].concat();
        assert_eq!(carried_ip(LinkType::ETHERNET, &frame), Some(&packet[..]));
        assert_eq!(carried_ip(LinkType::ETHERNET, &frame[..30]), Some(&packet[..12]));
        assert_eq!(carried_ip(LinkType::ETHERNET, &[&[2; 12][..], &[8, 6, 0, 1]].concat()), None);
        assert_eq!(carried_ip(LinkType::RAW, &[0x45]), None);
    }

    #[test]
    fn sessions_of_pppoe_and_labels_of_mpls_come_off() {
        let frame = |kind: &[u8], rest: &[u8]| [&[2; 12], kind, rest].concat();
        let payload = |frame: &[u8]| match strip(LinkType::ETHERNET, frame).payload {
            Carried::Ip(data) => data.to_vec(),
            other => panic!("{other:?}"),
        };
        // Padding behind the session's length is none of its.
        let pppoe = frame(&[0x88, 0x64], &[0x11, 0, 0, 7, 0, 3, 0, 0x21, 0x45, 0, 0]);
        assert_eq!(payload(&pppoe), [0x45]);
        let mpls = frame(&[0x88, 0x47], &[0, 1, 0, 64, 0, 2, 1, 64, 0x60]);
        assert_eq!(payload(&mpls), [0x60]);
        assert_eq!(strip(LinkType::PPP, &[0xff, 3, 0, 0x57, 0x60]).payload, Carried::Ip(&[0x60]));
        assert_eq!(strip(LinkType::PPP, &[0xc0, 0x21, 1]).payload, Carried::Other("PPP link control"));
    }

    #[test]
    fn both_byte_orders_of_the_loopback_family_are_read() {
        assert_eq!(strip(LinkType::NULL, &[2, 0, 0, 0, 0x45]).payload, Carried::Ip(&[0x45]));
        assert_eq!(strip(LinkType::NULL, &[0, 0, 0, 30, 0x60]).payload, Carried::Ip(&[0x60]));
    }

    #[test]
    fn a_protected_frame_is_named() {
        assert_eq!(strip(LinkType::IEEE802_11, &[0x08, 0x41]).payload, Carried::Other(Counters::ENCRYPTED));
    }

    #[test]
    fn the_check_sequence_behind_radiotap_is_no_payload() {
        let mut data = vec![0, 0, 17, 0, 3, 0, 0, 0];
        data.extend([9; 8]);
        data.push(0x10);
        data.extend([8, 2, 0, 0]);
        data.extend([[1; 6], [2; 6], [3; 6]].concat());
        data.extend([0, 0, 0xaa, 0xaa, 3, 0, 0, 0, 8, 0, 0x45, 0xc, 0xc, 0xc, 0xc]);
        let frame = strip(LinkType::IEEE802_11_RADIOTAP, &data);
        assert_eq!(frame, Frame { payload: Carried::Ip(&[0x45]), macs: Some(([3; 6], [1; 6])) });
    }
}

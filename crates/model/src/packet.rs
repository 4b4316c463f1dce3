//! One captured frame.

use crate::Timestamp;

/// What the first byte of a frame is: the link-layer header type of a capture file.
///
/// Numbers are those of the tcpdump registry (`LINKTYPE_` values); unknown ones are kept.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct LinkType(pub u32);

impl LinkType {
    /// No frame at all: a numbered record of a capture file that holds something else.
    pub const NONE: Self = Self(u32::MAX);
    /// BSD loopback: a four-byte address family in the byte order of the capturing machine.
    pub const NULL: Self = Self(0);
    /// Ethernet (IEEE 802.3).
    pub const ETHERNET: Self = Self(1);
    /// PPP (RFC 1661), possibly with address and control as in HDLC.
    pub const PPP: Self = Self(9);
    /// PPP in HDLC-like framing (RFC 1662), or Cisco's.
    pub const PPP_HDLC: Self = Self(50);
    /// A session of `PPPoE` (RFC 2516), without its Ethernet header.
    pub const PPP_ETHER: Self = Self(51);
    /// PPP behind a byte that tells the direction.
    pub const PPP_WITH_DIRECTION: Self = Self(204);
    /// Raw IP, version told by the first nibble (the registry's number).
    pub const RAW: Self = Self(101);
    /// Raw IP as old files number it (`DLT_RAW` of most systems).
    pub const RAW_OLD: Self = Self(12);
    /// Raw IP as OpenBSD numbers it.
    pub const RAW_OPENBSD: Self = Self(14);
    /// IEEE 802.11 without further header.
    pub const IEEE802_11: Self = Self(105);
    /// BSD loopback with the address family in network byte order.
    pub const LOOP: Self = Self(108);
    /// Packets of macOS behind a header that names the process (PKTAP), under the number that Apple's files have.
    pub const PKTAP_OLD: Self = Self(149);
    /// PKTAP under its registered number.
    pub const PKTAP: Self = Self(258);
    /// Linux cooked capture, version 1.
    pub const LINUX_SLL: Self = Self(113);
    /// IEEE 802.11 behind a radiotap header.
    pub const IEEE802_11_RADIOTAP: Self = Self(127);
    /// Raw IPv4.
    pub const IPV4: Self = Self(228);
    /// Raw IPv6.
    pub const IPV6: Self = Self(229);
    /// USB as usbmon of Linux records it, behind 48 bytes.
    pub const USB_LINUX: Self = Self(189);
    /// USB as usbmon of Linux records it, behind 64 bytes.
    pub const USB_LINUX_MMAPPED: Self = Self(220);
    /// USB as `USBPcap` records it on Windows.
    pub const USBPCAP: Self = Self(249);
    /// IEEE 802.11 behind a header of Prism (or of AVS, by its first bytes).
    pub const PRISM: Self = Self(119);
    /// IEEE 802.11 behind a header of AVS.
    pub const AVS: Self = Self(163);
    /// Bluetooth HCI with the packet's type before it (H4).
    pub const BLUETOOTH_HCI_H4: Self = Self(187);
    /// Per-packet information, then what it says: 802.11.
    pub const PPI: Self = Self(192);
    /// Bluetooth HCI (H4) behind four bytes of direction.
    pub const BLUETOOTH_HCI_H4_WITH_PHDR: Self = Self(201);
    /// Bluetooth Low Energy link layer.
    pub const BLUETOOTH_LE_LL: Self = Self(251);
    /// Bluetooth Low Energy link layer behind ten bytes about the radio.
    pub const BLUETOOTH_LE_LL_WITH_PHDR: Self = Self(256);
    /// Bluetooth Low Energy link layer behind the header of Nordic's sniffer.
    pub const NORDIC_BLE: Self = Self(272);
    /// Linux cooked capture, version 2.
    pub const LINUX_SLL2: Self = Self(276);
}

/// One captured frame, borrowed from the reader's buffer.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// Its number, counted from 1 over the whole input (over a rotated set: in time order).
    pub number: u64,
    /// When it was captured.
    pub time: Timestamp,
    /// What its first byte is.
    pub link: LinkType,
    /// The interface it was captured on, counted over the whole input; frames of different interfaces may be copies.
    pub interface: u32,
    /// Its length on the wire, in bytes; `data` is shorter where the capture cut it.
    pub wire_len: u32,
    /// The captured bytes.
    pub data: &'a [u8],
    /// The app that sent or received it, where the file says so beside the frame.
    pub app: Option<&'a str>,
}

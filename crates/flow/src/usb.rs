//! Networks over USB: Ethernet frames in bulk transfers, as recorded by usbmon and USBPcap.
//!
//! ```text
//! usbmon:  id u64 │ event u8 │ kind u8 │ endpoint u8 │ … 48 or 64 bytes │ data
//! USBPcap: length u16 │ … endpoint u8 @21 │ kind u8 @22 │ data length u32 │ data
//! RNDIS:   1 u32 │ length u32 │ offset u32 from here │ data length u32 │ … │ Ethernet frame        (MS-RNDIS §2.2.14)
//! NCM:     "NCMH" │ 12 u16 │ sequence u16 │ length u16 │ table u16 │ … "NCM0" tables of u16 index, u16 length (NCM 1.0 §3)
//! ```
//!
//! A transfer may hold several frames. Left out: frames that go over several transfers, CDC-ECM (whose transfers are bare
//! frames, told by descriptors alone), NCM with 32-bit tables.

use creance_model::LinkType;

/// What a record of USB holds.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Transfer<'a> {
    /// Frames, and whether they are all that it holds.
    Frames(Vec<&'a [u8]>, bool),
    /// The name of what it is instead.
    Other(&'static str),
}

/// Frames of one transfer that are looked at: one of 64 KiB holds no more of them.
const MOST_FRAMES: usize = 1024;

const BULK: u8 = 3;

/// The frames in a record; `None` where the link is not USB.
pub(crate) fn frames(link: LinkType, data: &[u8]) -> Option<Transfer<'_>> {
    let (kind, transfer) = match link {
        LinkType::USB_LINUX => (data.get(9), data.get(48..)),
        LinkType::USB_LINUX_MMAPPED => (data.get(9), data.get(64..)),
        LinkType::USBPCAP => {
            let length = data.first_chunk().map(|two| usize::from(u16::from_le_bytes(*two)));
            (data.get(22), length.and_then(|length| data.get(length.max(27)..)))
        }
        _ => return None,
    };
    Some(match (kind, transfer) {
        (Some(&BULK), Some(transfer)) if !transfer.is_empty() => bulk(transfer),
        (Some(_), Some(_)) => Transfer::Other("USB without bulk data"),
        _ => Transfer::Other("USB records that are cut"),
    })
}

fn bulk(transfer: &[u8]) -> Transfer<'_> {
    let found = match transfer {
        [1, 0, 0, 0, ..] => rndis(transfer),
        [b'N', b'C', b'M', b'H', 12, 0, ..] => ncm(transfer),
        _ => None,
    };
    let other = Transfer::Other("USB bulk data that is no network");
    found.map_or(other, |(frames, whole)| Transfer::Frames(frames, whole))
}

/// Frames, and whether they are all.
type Found<'a> = Option<(Vec<&'a [u8]>, bool)>;

fn rndis(mut rest: &[u8]) -> Found<'_> {
    let mut frames = Vec::new();
    while frames.len() < MOST_FRAMES && !rest.is_empty() {
        let field = |at: usize| usize::try_from(u32::from_le_bytes(*rest.get(at..)?.first_chunk()?)).ok();
        let (Some(1), Some(length)) = (field(0), field(4)) else { break };
        // Offsets count from the third field.
        let start = field(8)?.checked_add(8)?;
        let end = start.checked_add(field(12)?)?;
        // A frame lies within its message.
        let Some(frame) = rest.get(start..end).filter(|_| length >= 44 && end <= length) else { break };
        frames.push(frame);
        // What follows may be one byte of padding.
        rest = rest.get(length..).unwrap_or_default();
    }
    let whole = rest.iter().all(|byte| *byte == 0);
    (!frames.is_empty()).then_some((frames, whole))
}

fn ncm(block: &[u8]) -> Found<'_> {
    let field = |at: usize| Some(usize::from(u16::from_le_bytes(*block.get(at..)?.first_chunk()?)));
    let (mut frames, mut left) = (Vec::new(), block.len());
    let (mut table, mut whole) = (field(10)?, true);
    // Each table tells the next; one that lies before is a circle.
    while table >= 12 && frames.len() < MOST_FRAMES {
        if !matches!(block.get(table..table + 4)?, b"NCM0" | b"NCM1") {
            break;
        }
        let end = table + field(table + 4)?;
        for at in (table + 8..end).step_by(4) {
            let (index, length) = (field(at)?, field(at + 2)?);
            // Frames do not share bytes: together they are no longer than the block.
            if index == 0 || length == 0 {
                break;
            }
            let Some(frame) = block.get(index..index + length).filter(|_| length <= left) else {
                whole = false;
                continue;
            };
            if frames.len() == MOST_FRAMES {
                whole = false;
                break;
            }
            left -= length;
            frames.push(frame);
        }
        let next = field(table + 6)?;
        whole &= next == 0 || next > table;
        table = if next > table { next } else { 0 };
    }
    whole &= table == 0;
    (!frames.is_empty()).then_some((frames, whole))
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test")]
mod tests {
    use super::*;

    fn usbmon(transfer: &[u8]) -> Vec<u8> {
        let mut data = vec![0; 64];
        (data[8], data[9], data[10]) = (b'C', BULK, 0x81);
        data.extend_from_slice(transfer);
        data
    }

    fn packet(frame: &[u8]) -> Vec<u8> {
        let fields = [1, 44 + u32::try_from(frame.len()).unwrap(), 36, u32::try_from(frame.len()).unwrap()];
        let mut message: Vec<u8> = fields.iter().flat_map(|field| field.to_le_bytes()).collect();
        message.resize(44, 0);
        message.extend_from_slice(frame);
        message
    }

    #[test]
    fn several_frames_of_one_transfer_come_out() {
        let two = [packet(b"frame one"), packet(b"frame two"), vec![0]].concat();
        let frames = [&b"frame one"[..], b"frame two"].to_vec();
        assert_eq!(
            super::frames(LinkType::USB_LINUX_MMAPPED, &usbmon(&two)),
            Some(Transfer::Frames(frames.clone(), true))
        );
        let mut pcap = vec![0; 27];
        (pcap[0], pcap[22]) = (27, BULK);
        pcap.extend(&two);
        assert_eq!(super::frames(LinkType::USBPCAP, &pcap), Some(Transfer::Frames(frames, true)));
    }

    #[test]
    fn what_is_left_of_a_transfer_is_seen() {
        let transfer = [packet(b"frame one"), b"planted".to_vec()].concat();
        let record = usbmon(&transfer);
        let expected = Transfer::Frames(vec![b"frame one"], false);
        assert_eq!(frames(LinkType::USB_LINUX_MMAPPED, &record), Some(expected));
    }

    #[test]
    fn frames_of_ncm_come_out_of_their_table() {
        let mut block = b"NCMH\x0c\0\0\0\x40\0\x0c\0NCM0\x14\0\0\0\x20\0\x03\0\x23\0\x02\0\0\0\0\0".to_vec();
        block.extend(b"abcde");
        let frames = [&b"abc"[..], b"de"].to_vec();
        assert_eq!(
            super::frames(LinkType::USB_LINUX_MMAPPED, &usbmon(&block)),
            Some(Transfer::Frames(frames, true))
        );
        for length in 0..block.len() {
            super::frames(LinkType::USB_LINUX_MMAPPED, &usbmon(&block[..length]));
        }
    }

    #[test]
    fn other_transfers_are_named() {
        for (transfer, name) in
            [(&b"USBC\0\0"[..], "USB bulk data that is no network"), (b"", "USB without bulk data")]
        {
            let record = usbmon(transfer);
            assert_eq!(frames(LinkType::USB_LINUX_MMAPPED, &record), Some(Transfer::Other(name)));
        }
        assert_eq!(frames(LinkType::ETHERNET, b""), None);
    }
}

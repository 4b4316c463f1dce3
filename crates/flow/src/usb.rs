//! Networks over USB: Ethernet frames in bulk transfers, as recorded by usbmon and USBPcap.
//!
//! ```text
//! usbmon:  id u64 │ event u8 │ kind u8 │ endpoint u8 │ device u8 │ bus u16 │ … length u32 @32 │ … 48 or 64 bytes │ data
//! USBPcap: length u16 │ … bus u16 @17 │ device u16 │ endpoint u8 │ kind u8 @22 │ data length u32 │ data
//! RNDIS:   1 u32 │ length u32 │ offset u32 from here │ data length u32 │ … │ Ethernet frame        (MS-RNDIS §2.2.14)
//! NCM:     "NCMH" │ 12 u16 │ sequence u16 │ length u16 │ table u16 │ … "NCM0" tables of u16 index, u16 length (NCM 1.0 §3)
//!          "ncmh" │ 16 u16 │ sequence u16 │ length u32 │ table u32 │ … "ncm0" tables of u32 index, u32 length
//! ECM:     Ethernet frame, one in a transfer                                                     (ECM 1.2 §3.3.1)
//! ```
//!
//! A transfer may hold several frames. A message of RNDIS or NCM may go over several transfers of its endpoint: all but the
//! last fill their packets, whose size is a multiple of 64 bytes (USB 2.0 §5.8.3). ECM has no mark of its own: endpoints are
//! believed to speak it by a descriptor in the capture, or from the first frame of IP on whose length fits.

mod ncm;

use std::{
    borrow::Cow,
    collections::{HashSet, VecDeque},
    ops::Range,
};

use creance_model::LinkType;

/// What a record of USB holds.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Transfer<'a> {
    /// Frames that are whole by it, and whether they and what waits for more are all that it holds.
    Frames(Vec<Cow<'a, [u8]>>, bool),
    /// The name of what it is instead.
    Other(&'static str),
}

/// The endpoints seen, and what of their messages waits for the next transfer.
#[derive(Debug, Default)]
pub(crate) struct Endpoints {
    waiting: VecDeque<(Endpoint, Vec<u8>)>,
    /// Those that speak ECM.
    ecm: HashSet<Endpoint>,
    /// Messages that never became whole.
    pub(crate) unfinished: u64,
}

/// Bus, device, and endpoint with its direction.
type Endpoint = (u16, u16, u8);

/// A record without its header.
struct Record<'a> {
    endpoint: Endpoint,
    kind: u8,
    data: &'a [u8],
    /// Whether the capture has all of it.
    whole: bool,
}

/// Frames of one transfer that are looked at: one of 64 KiB holds no more of them.
const MOST_FRAMES: usize = 1024;

/// Longest message that is waited for: hosts and devices agree on 16 to 64 KiB.
const LONGEST: usize = 1 << 16;

/// Endpoints at which a message is waited for at one time.
const MOST_WAITING: usize = 32;

/// Endpoints of ECM that are remembered.
const MOST_ECM: usize = 1024;

/// What the size of every packet of a bulk endpoint is a multiple of.
const PACKET: usize = 64;

const CONTROL: u8 = 2;
const BULK: u8 = 3;

impl Endpoints {
    /// The frames in a record; `None` where the link is not USB.
    pub(crate) fn take<'a>(&mut self, link: LinkType, data: &'a [u8]) -> Option<Transfer<'a>> {
        let record = match link {
            LinkType::USB_LINUX => usbmon(data, 48),
            LinkType::USB_LINUX_MMAPPED => usbmon(data, 64),
            LinkType::USBPCAP => usbpcap(data),
            _ => return None,
        };
        Some(match record {
            Some(record) if record.kind == BULK && !record.data.is_empty() => self.bulk(&record),
            Some(record) => {
                if record.kind == CONTROL {
                    self.describe(&record);
                }
                Transfer::Other("USB without bulk data")
            }
            None => Transfer::Other("USB records that are cut"),
        })
    }

    /// Messages that the capture ended within.
    pub(crate) fn finish(&self) -> u64 {
        self.unfinished + self.waiting.len() as u64
    }

    fn bulk<'a>(&mut self, record: &Record<'a>) -> Transfer<'a> {
        let Record { endpoint, data, .. } = *record;
        let place = self.waiting.iter().position(|(known, _)| *known == endpoint);
        let bytes = match place.and_then(|place| self.waiting.remove(place)) {
            Some((_, mut begun)) => {
                begun.extend_from_slice(data);
                Cow::Owned(begun)
            }
            None => Cow::Borrowed(data),
        };
        if self.ecm.contains(&endpoint) {
            return Transfer::Frames(vec![bytes], true);
        }
        // A packet that is not full ends what is being sent.
        let goes_on = record.whole && data.len().is_multiple_of(PACKET);
        let Some(Found { frames, rest }) = network(&bytes, goes_on) else {
            return self.plain(record);
        };
        let mut whole = matches!(rest, Rest::Nothing);
        if let Rest::Begins(at) = rest {
            if goes_on && bytes.len() - at < LONGEST {
                self.wait(endpoint, bytes.get(at..).unwrap_or_default().to_vec());
                whole = true;
            } else if frames.is_empty() {
                self.unfinished += 1;
                return Transfer::Other("USB messages that are not whole");
            }
        }
        let frames = frames.into_iter().filter_map(|frame| {
            Some(match &bytes {
                Cow::Borrowed(bytes) => Cow::Borrowed(bytes.get(frame)?),
                Cow::Owned(bytes) => Cow::Owned(bytes.get(frame)?.to_vec()),
            })
        });
        Transfer::Frames(frames.collect(), whole)
    }

    /// Keeps the beginning of a message. Where too many wait, the oldest is given up.
    fn wait(&mut self, endpoint: Endpoint, begun: Vec<u8>) {
        if self.waiting.len() == MOST_WAITING {
            self.waiting.pop_front();
            self.unfinished += 1;
        }
        self.waiting.push_back((endpoint, begun));
    }

    /// A transfer that says nothing of what it is.
    fn plain<'a>(&mut self, record: &Record<'a>) -> Transfer<'a> {
        if !fits(record.data) {
            return Transfer::Other("USB bulk data that is no network");
        }
        self.speaks_ecm(record.endpoint);
        Transfer::Frames(vec![Cow::Borrowed(record.data)], true)
    }

    fn speaks_ecm(&mut self, endpoint: Endpoint) {
        if self.ecm.len() < MOST_ECM {
            self.ecm.insert(endpoint);
        }
    }

    /// Reads the description of a configuration (USB 2.0 §9.6.3): of what follows a control interface of ECM, the endpoints
    /// of its data interface are ECM's.
    fn describe(&mut self, record: &Record<'_>) {
        let (bus, device, _) = record.endpoint;
        let [9, 2, ..] = record.data else { return };
        let (mut rest, mut control, mut within) = (record.data, false, false);
        while let Some(length) = rest.first().copied().filter(|length| *length > 1) {
            let Some((one, behind)) = rest.split_at_checked(length.into()) else { return };
            rest = behind;
            match *one {
                [_, 4, _, _, _, 2, subclass, ..] => {
                    control = subclass == 6;
                    within = false;
                }
                [_, 4, _, _, _, class, ..] => {
                    within = control && class == 10;
                    control = within;
                }
                [_, 5, address, attributes, ..] if within && attributes & 3 == 2 => {
                    self.speaks_ecm((bus, device, address));
                }
                _ => {}
            }
        }
    }
}

fn usbmon(data: &[u8], header: usize) -> Option<Record<'_>> {
    let [kind, endpoint, device, bus_low, bus_high] = *data.get(9..)?.first_chunk()?;
    let length = u32::from_le_bytes(*data.get(32..)?.first_chunk()?);
    let rest = data.get(header..)?;
    Some(Record {
        endpoint: (u16::from_le_bytes([bus_low, bus_high]), device.into(), endpoint),
        kind,
        data: rest,
        whole: rest.len() as u64 >= u64::from(length),
    })
}

fn usbpcap(data: &[u8]) -> Option<Record<'_>> {
    let header = usize::from(u16::from_le_bytes(*data.first_chunk()?)).max(27);
    let [bus_low, bus_high, low, high, endpoint, kind] = *data.get(17..)?.first_chunk()?;
    let length = u32::from_le_bytes(*data.get(23..)?.first_chunk()?);
    let rest = data.get(header..)?;
    Some(Record {
        endpoint: (u16::from_le_bytes([bus_low, bus_high]), u16::from_le_bytes([low, high]), endpoint),
        kind,
        data: rest,
        whole: rest.len() as u64 >= u64::from(length),
    })
}

/// Where frames lie, and what is behind them.
struct Found {
    frames: Vec<Range<usize>>,
    rest: Rest,
}

enum Rest {
    /// Nothing, or padding.
    Nothing,
    /// The beginning of a message.
    Begins(usize),
    /// Something else.
    Other,
}

/// The frames in what a transfer, or several together, hold; `None` where it is neither RNDIS nor NCM. `goes_on`: whether
/// the next transfer may hold more of the same.
fn network(bytes: &[u8], goes_on: bool) -> Option<Found> {
    match bytes {
        [1, 0, 0, 0, ..] => rndis(bytes),
        [b'N', b'C', b'M', b'H', 12, 0, ..] => ncm::frames(bytes, &ncm::SHORT, goes_on),
        [b'n', b'c', b'm', b'h', 16, 0, ..] => ncm::frames(bytes, &ncm::LONG, goes_on),
        _ => None,
    }
}

fn rndis(bytes: &[u8]) -> Option<Found> {
    let (mut frames, mut at) = (Vec::new(), 0);
    let rest = loop {
        let rest = bytes.get(at..).unwrap_or_default();
        // What follows may be one byte of padding.
        if rest.iter().all(|byte| *byte == 0) {
            break Rest::Nothing;
        }
        if frames.len() == MOST_FRAMES {
            break Rest::Other;
        }
        let message = match rest.first_chunk::<16>() {
            Some(head) => message(head),
            None if [1, 0, 0, 0].starts_with(rest.get(..rest.len().min(4)).unwrap_or_default()) => {
                break Rest::Begins(at);
            }
            None => None,
        };
        let Some((length, frame)) = message else { break Rest::Other };
        if length > rest.len() {
            break Rest::Begins(at);
        }
        frames.push(at + frame.start..at + frame.end);
        at += length;
    };
    (!frames.is_empty() || matches!(rest, Rest::Begins(_))).then_some(Found { frames, rest })
}

/// The length of a message by its head, and where in it the frame is.
fn message(head: &[u8; 16]) -> Option<(usize, Range<usize>)> {
    let mut words = head.chunks_exact(4).filter_map(|word| {
        let word = u32::from_le_bytes(*word.first_chunk()?);
        usize::try_from(word).ok()
    });
    let (Some(1), length, offset, size) = (words.next(), words.next()?, words.next()?, words.next()?) else {
        return None;
    };
    // Offsets count from the third field.
    let start = offset.checked_add(8)?;
    let end = start.checked_add(size)?;
    let sound = (44..=LONGEST).contains(&length) && start >= 44 && end <= length;
    sound.then_some((length, start..end))
}

/// Whether bytes are an Ethernet frame with a packet of IP that is as long as it says: but for the padding of the shortest
/// frames, and for the byte that keeps a transfer from filling its last packet.
fn fits(frame: &[u8]) -> bool {
    let Some([kind_high, kind_low, version, _, high, low]) =
        frame.get(12..).and_then(|rest| rest.first_chunk())
    else {
        return false;
    };
    let size = match ([kind_high, kind_low], version >> 4) {
        ([8, 0], 4) if version & 15 >= 5 => usize::from(u16::from_be_bytes([*high, *low])),
        ([0x86, 0xdd], 6) => {
            let length = frame.get(18..).and_then(|rest| rest.first_chunk());
            40 + length.map_or(0, |length| usize::from(u16::from_be_bytes(*length)))
        }
        _ => return false,
    };
    let have = frame.len() - 14;
    let most = if size <= SHORTEST { SHORTEST } else { size + 1 };
    size >= 20 && size <= have && have <= most
}

/// The payload of the shortest frames (IEEE 802.3 §3.2.7).
const SHORTEST: usize = 46;

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LINK: LinkType = LinkType::USB_LINUX_MMAPPED;

    /// A record of a transfer of a kind at an endpoint.
    fn record(kind: u8, endpoint: u8, transfer: &[u8]) -> Vec<u8> {
        let mut data = vec![0; 64];
        (data[8], data[9], data[10], data[11], data[12]) = (b'C', kind, endpoint, 7, 1);
        data[32..36].copy_from_slice(&u32::try_from(transfer.len()).unwrap().to_le_bytes());
        data.extend_from_slice(transfer);
        data
    }

    fn usbmon(transfer: &[u8]) -> Vec<u8> {
        record(BULK, 0x81, transfer)
    }

    fn told(endpoints: &mut Endpoints, record: &[u8]) -> Option<(Vec<Vec<u8>>, bool)> {
        match endpoints.take(LINK, record)? {
            Transfer::Frames(frames, whole) => {
                Some((frames.into_iter().map(Cow::into_owned).collect(), whole))
            }
            Transfer::Other(_) => None,
        }
    }

    fn packet(frame: &[u8]) -> Vec<u8> {
        let fields = [1, 44 + u32::try_from(frame.len()).unwrap(), 36, u32::try_from(frame.len()).unwrap()];
        let mut message: Vec<u8> = fields.iter().flat_map(|field| field.to_le_bytes()).collect();
        message.resize(44, 0);
        message.extend_from_slice(frame);
        message
    }

    /// An Ethernet frame of IPv4 with so many bytes.
    fn ethernet(payload: usize) -> Vec<u8> {
        let length = u16::try_from(20 + payload).unwrap().to_be_bytes();
        [&[2; 12][..], &[8, 0, 0x45, 0], &length, &[0; 16], &vec![9; payload]].concat()
    }

    #[test]
    fn several_frames_of_one_transfer_come_out() {
        let two = [packet(b"frame one"), packet(b"frame two"), vec![0]].concat();
        let frames = Some((vec![b"frame one".to_vec(), b"frame two".to_vec()], true));
        assert_eq!(told(&mut Endpoints::default(), &usbmon(&two)), frames);
        let mut pcap = vec![0; 27];
        (pcap[0], pcap[22]) = (27, BULK);
        pcap.extend(&two);
        let Some(Transfer::Frames(frames, true)) = Endpoints::default().take(LinkType::USBPCAP, &pcap) else {
            panic!("no frames")
        };
        assert_eq!(frames, [&b"frame one"[..], b"frame two"]);
    }

    #[test]
    fn what_is_left_of_a_transfer_is_seen() {
        let transfer = [packet(b"frame one"), b"planted".to_vec()].concat();
        let mut endpoints = Endpoints::default();
        assert_eq!(told(&mut endpoints, &usbmon(&transfer)), Some((vec![b"frame one".to_vec()], false)));
        assert_eq!(endpoints.finish(), 0);
    }

    proptest! {
        #[test]
        fn messages_over_several_transfers_come_out_whole(
            sizes in prop::collection::vec(0_usize..4000, 1..12),
            cuts in prop::collection::vec(1_usize..40, 1..40),
            other: bool,
        ) {
            let frames: Vec<Vec<u8>> = (1..).zip(&sizes).map(|(number, size)| vec![number; *size]).collect();
            let all: Vec<u8> = frames.iter().flat_map(|frame| packet(frame)).collect();
            let (mut rest, mut cuts, mut came) = (all.as_slice(), cuts.iter().cycle(), Vec::new());
            let mut endpoints = Endpoints::default();
            while !rest.is_empty() {
                let (transfer, behind) = rest.split_at(rest.len().min(PACKET * cuts.next().unwrap()));
                let (more, whole) = told(&mut endpoints, &usbmon(transfer)).unwrap();
                prop_assert!(whole);
                came.extend(more);
                // What goes through another endpoint does not come between.
                if other {
                    let between = record(BULK, 2, &packet(b"between"));
                    prop_assert_eq!(told(&mut endpoints, &between), Some((vec![b"between".to_vec()], true)));
                }
                rest = behind;
            }
            prop_assert_eq!(came, frames);
            prop_assert_eq!(endpoints.finish(), 0);
        }

        #[test]
        fn any_records_are_borne(records in prop::collection::vec(
            (0_u8..4, 0_u8..4, prop_oneof![
                prop::collection::vec(any::<u8>(), 0..200),
                prop::collection::vec(0_u8..12, 0..200).prop_map(|described| [&[9, 2], &described[..]].concat()),
                (0_usize..300, any::<prop::sample::Index>(), any::<u8>()).prop_map(|(size, at, value)| {
                    let mut message = packet(&vec![5; size]);
                    let at = at.index(message.len());
                    message[at] = value;
                    message
                }),
            ]),
            0..80,
        )) {
            let mut endpoints = Endpoints::default();
            for (kind, endpoint, transfer) in records {
                let most = transfer.len() + LONGEST;
                let frames = told(&mut endpoints, &record(kind, endpoint, &transfer)).unwrap_or_default().0;
                prop_assert!(frames.iter().map(Vec::len).sum::<usize>() <= most);
                prop_assert!(endpoints.waiting.len() <= MOST_WAITING);
                prop_assert!(endpoints.waiting.iter().all(|(_, begun)| begun.len() < LONGEST));
            }
        }
    }

    #[test]
    fn a_packet_that_is_not_full_ends_a_message_and_the_loss_is_counted() {
        let message = packet(&[7; 500]);
        let mut endpoints = Endpoints::default();
        // 100 bytes: the second packet is not full.
        assert_eq!(told(&mut endpoints, &usbmon(&message[..100])), None);
        assert_eq!(endpoints.finish(), 1);
        assert_eq!(told(&mut endpoints, &usbmon(&message)), Some((vec![vec![7; 500]], true)));
        // Nor does one go on of which the capture has not all.
        let mut cut = usbmon(&message[..128]);
        cut[32] = 192;
        assert_eq!(told(&mut endpoints, &cut), None);
        // What never comes to its end.
        assert_eq!(told(&mut endpoints, &usbmon(&message[..128])), Some((Vec::new(), true)));
        assert_eq!(endpoints.finish(), 3);
    }

    #[test]
    fn too_many_that_wait_are_given_up_and_counted() {
        let message = packet(&[7; 500]);
        let mut endpoints = Endpoints::default();
        for endpoint in 0..=u8::try_from(MOST_WAITING).unwrap() {
            told(&mut endpoints, &record(BULK, endpoint, &message[..128]));
        }
        assert_eq!((endpoints.waiting.len(), endpoints.unfinished), (MOST_WAITING, 1));
        let (frames, _) = told(&mut endpoints, &record(BULK, 1, &message[128..])).unwrap();
        assert_eq!(frames, [vec![7; 500]]);
    }

    /// Two frames as a block of NCM with short fields, and with long ones.
    fn blocks() -> [Vec<u8>; 2] {
        let short = b"NCMH\x0c\0\0\0\x25\0\x0c\0NCM0\x14\0\0\0\x20\0\x03\0\x23\0\x02\0\0\0\0\0";
        let head = [&b"ncmh\x10\0\0\0"[..], &61_u32.to_le_bytes(), &16_u32.to_le_bytes()].concat();
        let numbers = [0_u32, 0, 56, 3, 59, 2, 0, 0].map(u32::to_le_bytes).concat();
        [short.to_vec(), [&head[..], b"ncm0\x28\0\0\0", &numbers].concat()]
            .map(|block| [&block[..], b"abcde"].concat())
    }

    #[test]
    fn frames_of_ncm_come_out_of_their_table() {
        for block in blocks() {
            let frames = Some((vec![b"abc".to_vec(), b"de".to_vec()], true));
            assert_eq!(told(&mut Endpoints::default(), &usbmon(&block)), frames);
            for length in 0..block.len() {
                let cut = told(&mut Endpoints::default(), &usbmon(&block[..length]));
                assert!(cut.is_none_or(|(frames, whole)| frames.len() < 2 && !whole), "{length}");
            }
            // Padded so that it goes over several transfers.
            let mut long = block.clone();
            long.resize(200, 0);
            long[8] = 200;
            let mut endpoints = Endpoints::default();
            assert_eq!(told(&mut endpoints, &usbmon(&long[..128])), Some((Vec::new(), true)));
            assert_eq!(told(&mut endpoints, &usbmon(&long[128..])), frames);
        }
    }

    #[test]
    fn frames_of_ecm_are_believed_where_ip_fits_or_a_descriptor_says_so() {
        let arp = [&[2; 12][..], &[8, 6], &[0; 28]].concat();
        let mut endpoints = Endpoints::default();
        assert_eq!(told(&mut endpoints, &usbmon(&arp)), None);
        let mut longer = ethernet(100);
        longer.extend([0, 0]);
        assert_eq!(told(&mut endpoints, &usbmon(&longer)), None);
        for frame in [ethernet(100), ethernet(3), arp.clone(), longer] {
            assert_eq!(told(&mut endpoints, &usbmon(&frame)), Some((vec![frame], true)));
        }
        // Another endpoint is another matter, until it is described.
        assert_eq!(told(&mut endpoints, &record(BULK, 0x83, &arp)), None);
        let described = [
            &[9, 2, 48, 0, 2, 1, 0, 0x80, 50][..],
            &[9, 4, 0, 0, 1, 2, 6, 0, 0],
            &[5, 0x24, 0, 0x20, 1],
            &[7, 5, 0x82, 3, 16, 0, 9],
            &[9, 4, 1, 1, 2, 10, 0, 0, 0],
            &[7, 5, 0x83, 2, 0, 2, 0],
            &[7, 5, 0x04, 2, 0, 2, 0],
        ];
        let mut other = described.concat();
        other[14 + 1] = 2; // The control interface of a modem.
        assert_eq!(told(&mut endpoints, &record(CONTROL, 0x80, &other)), None);
        assert_eq!(told(&mut endpoints, &record(BULK, 0x83, &arp)), None);
        assert_eq!(told(&mut endpoints, &record(CONTROL, 0x80, &described.concat())), None);
        assert_eq!(told(&mut endpoints, &record(BULK, 0x83, &arp)), Some((vec![arp], true)));
    }

    #[test]
    fn other_transfers_are_named() {
        for (transfer, name) in
            [(&b"USBC\0\0"[..], "USB bulk data that is no network"), (b"", "USB without bulk data")]
        {
            let record = usbmon(transfer);
            assert_eq!(Endpoints::default().take(LINK, &record), Some(Transfer::Other(name)));
        }
        assert_eq!(Endpoints::default().take(LinkType::ETHERNET, b""), None);
    }
}

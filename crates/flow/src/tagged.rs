//! What capture programs put around a frame: the app or process that it belongs to.
//!
//! ```text
//! PCAPdroid: Ethernet of zeros │ IP … │ padding │ 01072021 │ user id u32 │ name, 20 bytes │ check sequence u32
//! PKTAP:     length u32 │ record u32 │ link type u32 │ interface, 24 │ … process id u32 │ command, 20 │ … │ frame
//! ```
//!
//! PCAPdroid (`pcap_dump.h` of its sources) makes the Ethernet header up, and without root the packets as well. Numbers
//! of PKTAP are least significant first (tcpdump's `LINKTYPE_PKTAP`).

use creance_model::LinkType;

/// A frame without what was put around it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Tagged<'a> {
    pub(crate) link: LinkType,
    pub(crate) frame: &'a [u8],
    /// The app's name, if it has one.
    pub(crate) app: Option<&'a str>,
    /// Whether PCAPdroid wrote it.
    pub(crate) pcapdroid: bool,
}

/// Takes off what is put around frames of this link type.
pub(crate) fn peel(link: LinkType, data: &[u8]) -> Tagged<'_> {
    let plain = Tagged { link, frame: data, app: None, pcapdroid: false };
    match link {
        LinkType::ETHERNET => trailer(data).unwrap_or(plain),
        LinkType::PKTAP | LinkType::PKTAP_OLD => pktap(data).unwrap_or(plain),
        _ => plain,
    }
}

const TRAILER: &[u8] = &[0x01, 0x07, 0x20, 0x21];

/// Magic, user id, name, check sequence.
const TRAILER_LENGTH: usize = 32;

fn trailer(data: &[u8]) -> Option<Tagged<'_>> {
    // Both addresses are zero: no frame that was on a network has that.
    if data.get(..12)?.iter().any(|byte| *byte != 0) {
        return None;
    }
    let (frame, trailer) = data.split_at_checked(data.len().checked_sub(TRAILER_LENGTH)?)?;
    let name = trailer.strip_prefix(TRAILER)?.get(4..24)?;
    Some(Tagged { link: LinkType::ETHERNET, frame, app: text(name), pcapdroid: true })
}

/// The shortest header of PKTAP.
const PKTAP_LENGTH: usize = 108;

fn pktap(data: &[u8]) -> Option<Tagged<'_>> {
    let field = |at: usize| Some(u32::from_le_bytes(*data.get(at..)?.first_chunk()?));
    let length = usize::try_from(field(0)?).ok().filter(|length| *length >= PKTAP_LENGTH)?;
    let frame = data.get(length..)?;
    // The process on whose behalf another spoke comes first.
    let app = [88, 56].into_iter().find_map(|at| text(data.get(at..at + 20)?));
    // A record may hold no packet.
    let link = if field(4)? == 1 { LinkType(field(8)?) } else { LinkType::NONE };
    let nested = matches!(link, LinkType::PKTAP | LinkType::PKTAP_OLD);
    (!nested).then_some(Tagged { link, frame, app, pcapdroid: false })
}

/// A name that ends with a zero or its room. One that is cut within a character ends before it.
fn text(bytes: &[u8]) -> Option<&str> {
    let name = bytes.split(|byte| *byte == 0).next()?;
    let name = match std::str::from_utf8(name) {
        Ok(name) => name,
        Err(error) => std::str::from_utf8(name.get(..error.valid_up_to())?).ok()?,
    };
    Some(name.trim()).filter(|name| !name.is_empty())
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test")]
mod tests {
    use super::*;

    fn named(name: &[u8]) -> Vec<u8> {
        let mut name = name.to_vec();
        name.resize(20, 0);
        name
    }

    #[test]
    fn the_trailer_of_pcapdroid_names_the_app_and_is_no_payload() {
        let frame = [&[0; 12][..], &[8, 0, 0x45, 1, 2], &[0; 3]].concat();
        let data =
            [&frame[..], TRAILER, &[0, 0, 0x27, 0x8d], &named("Karte für Ödland…".as_bytes()), &[9; 4]]
                .concat();
        let tagged = peel(LinkType::ETHERNET, &data);
        assert_eq!(
            (tagged.frame, tagged.app, tagged.pcapdroid),
            (&frame[..], Some("Karte für Ödland"), true)
        );
        let mut real = data.clone();
        real[5] = 2;
        assert_eq!(peel(LinkType::ETHERNET, &real).frame, real, "a frame of a network ends as it likes");
    }

    #[test]
    fn pktap_names_the_process_and_the_link() {
        let mut data = [&108_u32.to_le_bytes()[..], &1_u32.to_le_bytes(), &12_u32.to_le_bytes()].concat();
        data.resize(56, 0);
        data.extend(named(b"networkd"));
        data.resize(88, 0);
        data.extend(named(b"Skylark"));
        data.extend([0x45, 7]);
        let tagged = peel(LinkType::PKTAP, &data);
        assert_eq!((tagged.link, tagged.frame, tagged.app), (LinkType(12), &[0x45, 7][..], Some("Skylark")));
        for length in 0..data.len() {
            peel(LinkType::PKTAP, &data[..length]);
        }
    }
}

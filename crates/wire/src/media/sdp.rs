//! Descriptions of media (SDP, RFC 8866): which codec a payload type is, and where media goes.
//!
//! ```text
//! m=video 5004 RTP/AVP 96
//! a=rtpmap:96 H264/90000
//! a=sendonly
//! ```
//!
//! Left out: times, bandwidths, and what the lines of a codec set.

/// A description.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Sdp {
    pub(crate) media: Vec<Media>,
    /// Whether it describes more media than are kept.
    pub(crate) more: bool,
}

/// One medium.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Media {
    /// `video`, `audio`, `application`, …
    pub(crate) kind: String,
    port: String,
    protocol: String,
    /// Payload types with the codec they stand for, where it is said.
    pub(crate) formats: Vec<(u8, Option<String>)>,
    /// `sendonly`, `recvonly`, …
    direction: Option<String>,
    /// The end of the address that its control has (RFC 7826 §D.1.1).
    pub(crate) control: Option<String>,
}

/// Media of one description.
const MOST_MEDIA: usize = 32;

/// Payload types of one medium.
const MOST_FORMATS: usize = 64;

impl Sdp {
    pub(crate) fn read(body: &[u8]) -> Self {
        let mut sdp = Self::default();
        for line in String::from_utf8_lossy(body).lines() {
            let Some((kind, value)) = line.trim_end().split_once('=') else { continue };
            match kind {
                "m" if sdp.media.len() < MOST_MEDIA => sdp.media.push(Media::read(value)),
                // Further media must not give their lines to the last one that is kept.
                "m" => {
                    sdp.more = true;
                    break;
                }
                "a" => {
                    if let Some(media) = sdp.media.last_mut() {
                        media.attribute(value);
                    }
                }
                _ => {}
            }
        }
        sdp
    }

    /// The medium and codec of a payload type.
    pub(crate) fn codec(&self, payload: u8) -> Option<(&str, &str)> {
        self.media.iter().find_map(|media| Some((media.kind.as_str(), media.codec(payload)?)))
    }
}

impl Media {
    fn read(line: &str) -> Self {
        let mut words = line.split(' ');
        let mut word = || words.next().unwrap_or_default().to_owned();
        let (kind, port, protocol) = (word(), word(), word());
        let formats = words.filter_map(|word| Some((word.parse().ok()?, None))).take(MOST_FORMATS).collect();
        Self { kind, port, protocol, formats, ..Self::default() }
    }

    fn attribute(&mut self, value: &str) {
        match value.split_once(':') {
            Some(("rtpmap", map)) => {
                let Some((payload, codec)) = map.trim().split_once(' ') else { return };
                let Ok(payload) = payload.parse::<u8>() else { return };
                if let Some(format) = self.formats.iter_mut().find(|(known, _)| *known == payload) {
                    format.1 = Some(codec.trim().to_owned());
                }
            }
            Some(("control", control)) => self.control = Some(control.trim().to_owned()),
            None if matches!(value, "sendonly" | "recvonly" | "sendrecv" | "inactive") => {
                self.direction = Some(value.to_owned());
            }
            _ => {}
        }
    }

    /// The codec of a payload type.
    pub(crate) fn codec(&self, payload: u8) -> Option<&str> {
        let found = self.formats.iter().find(|(known, _)| *known == payload)?;
        found.1.as_deref()
    }

    /// Whether what it carries is encrypted (RFC 3711, RFC 5764).
    pub(crate) fn is_secure(&self) -> bool {
        self.protocol.contains("SAVP")
    }

    /// `video 5004 RTP/AVP H264/90000 sendonly`.
    pub(crate) fn shown(&self) -> String {
        let mut shown = format!("{} {} {}", self.kind, self.port, self.protocol);
        for (payload, codec) in &self.formats {
            shown.push(' ');
            match codec {
                Some(codec) => shown.push_str(codec),
                None => shown.push_str(&payload.to_string()),
            }
        }
        if let Some(direction) = &self.direction {
            shown.push(' ');
            shown.push_str(direction);
        }
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payload_types_have_their_codecs() {
        let sdp = Sdp::read(
            b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=x\r\na=control:*\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:track1\r\n\
            a=sendonly\r\nm=audio 0 RTP/SAVP 0 97\r\na=rtpmap:97 opus/48000/2\r\n",
        );
        assert_eq!(sdp.codec(96), Some(("video", "H264/90000")));
        assert_eq!(sdp.codec(0), None);
        let shown: Vec<_> = sdp.media.iter().map(Media::shown).collect();
        assert_eq!(shown, ["video 0 RTP/AVP H264/90000 sendonly", "audio 0 RTP/SAVP 0 opus/48000/2"]);
        assert_eq!(sdp.media.first().and_then(|media| media.control.as_deref()), Some("track1"));
        assert!(sdp.media.last().is_some_and(Media::is_secure));
    }

    #[test]
    fn lines_without_a_medium_and_noise_are_passed_over() {
        assert_eq!(Sdp::read(b"a=rtpmap:96 H264/90000\nm\n=\n\xff"), Sdp::default());
        let noise = Sdp::read(b"m=\na=rtpmap:\na=rtpmap:300 x\n");
        assert_eq!(noise.media.len(), 1);
    }

    #[test]
    fn more_media_than_are_kept_are_told() {
        let many = |count: usize| Sdp::read("m=audio 9 RTP/AVP 0\r\n".repeat(count).as_bytes());
        assert!(many(MOST_MEDIA + 1).more && !many(MOST_MEDIA).more);
    }
}

//! Decompression up to a limit. What was decompressed before damage or the limit is kept.

use std::io::Read;

/// A compression.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Method {
    /// RFC 1952 (all members).
    Gzip,
    /// RFC 1950.
    Zlib,
    /// RFC 1951 without a wrapper.
    Deflate,
    /// RFC 7932.
    Brotli,
    /// RFC 8878, window at most 128 MiB.
    Zstd,
}

impl Method {
    /// Its name in decode paths.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zlib => "zlib",
            Self::Deflate => "deflate",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
        }
    }
}

/// Why decompression ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum End {
    /// The stream was whole.
    Whole,
    /// More would have come out than was allowed.
    Limit,
    /// The stream is damaged or cut; the fragment says how.
    Damaged(String),
}

/// What came out.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Inflated {
    /// At most `limit` bytes.
    pub bytes: Vec<u8>,
    /// Why it ended.
    pub end: End,
}

/// The largest zstd window that is accepted, as a power of two: memory that a hostile frame may claim.
const ZSTD_WINDOW_LOG: u32 = 27;

/// Decompresses `input`, keeping at most `limit` bytes.
pub fn inflate(method: Method, input: &[u8], limit: usize) -> Inflated {
    match method {
        Method::Gzip => drain(flate2::bufread::MultiGzDecoder::new(input), limit),
        Method::Zlib => drain(flate2::bufread::ZlibDecoder::new(input), limit),
        Method::Deflate => drain(flate2::bufread::DeflateDecoder::new(input), limit),
        Method::Brotli => drain(brotli_decompressor::Decompressor::new(input, 4096), limit),
        Method::Zstd => match zstd_reader(input) {
            Ok(reader) => drain(reader, limit),
            Err(error) => Inflated { bytes: Vec::new(), end: End::Damaged(error.to_string()) },
        },
    }
}

/// A zstd reader with a bounded window, for streams of any length.
pub fn zstd_reader<R: std::io::BufRead>(
    input: R,
) -> std::io::Result<zstd::stream::read::Decoder<'static, R>> {
    let mut reader = zstd::stream::read::Decoder::with_buffer(input)?;
    reader.window_log_max(ZSTD_WINDOW_LOG)?;
    Ok(reader)
}

/// A gzip reader over all members, for streams of any length.
pub fn gzip_reader<R: std::io::BufRead>(input: R) -> flate2::bufread::MultiGzDecoder<R> {
    flate2::bufread::MultiGzDecoder::new(input)
}

fn drain(mut reader: impl Read, limit: usize) -> Inflated {
    let mut bytes = Vec::new();
    let mut chunk = [0; 16 * 1024];
    loop {
        match reader.read(&mut chunk) {
            Ok(0) => return Inflated { bytes, end: End::Whole },
            Ok(read) => {
                let room = limit.saturating_sub(bytes.len());
                bytes.extend(chunk.iter().take(read.min(room)));
                if read > room {
                    return Inflated { bytes, end: End::Limit };
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Inflated { bytes, end: End::Damaged(error.to_string()) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Write;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn a_bomb_stops_at_the_limit() {
        let bomb = gzip(&vec![0; 10_000_000]);
        let out = inflate(Method::Gzip, &bomb, 1000);
        assert_eq!((out.bytes.len(), out.end), (1000, End::Limit));
    }

    #[test]
    fn what_came_before_a_cut_is_kept() {
        let text: Vec<u8> = (0..200_000u32).flat_map(u32::to_le_bytes).collect();
        let mut cut = gzip(&text);
        cut.truncate(cut.len() / 2);
        let out = inflate(Method::Gzip, &cut, usize::MAX);
        assert!(matches!(out.end, End::Damaged(_)));
        assert!(!out.bytes.is_empty() && text.starts_with(&out.bytes));
    }

    #[test]
    fn zstd_comes_back_and_is_bounded() {
        let packed = zstd::bulk::compress(&[7; 5000], 3).unwrap();
        assert_eq!(inflate(Method::Zstd, &packed, 10_000).bytes, vec![7; 5000]);
        assert_eq!(inflate(Method::Zstd, &packed, 100).end, End::Limit);
    }

    proptest! {
        #[test]
        fn gzip_comes_back(bytes: Vec<u8>) {
            let out = inflate(Method::Gzip, &gzip(&bytes), usize::MAX);
            prop_assert_eq!(out, Inflated { bytes, end: End::Whole });
        }

        #[test]
        fn no_bytes_make_a_decoder_panic_or_pass_its_limit(bytes: Vec<u8>, limit in 0usize..5000) {
            for method in [Method::Gzip, Method::Zlib, Method::Deflate, Method::Brotli, Method::Zstd] {
                prop_assert!(inflate(method, &bytes, limit).bytes.len() <= limit);
            }
        }
    }
}

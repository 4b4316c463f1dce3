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
    /// RFC 8878; of a frame that does not say its length, the window at most 128 MiB.
    Zstd,
    /// The LZ4 frame format 1.6, blocks of at most 8 MiB.
    Lz4,
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
            Self::Lz4 => "lz4",
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
    let expected = input.len().saturating_mul(USUAL_RATIO);
    match method {
        Method::Gzip => drain(flate2::bufread::MultiGzDecoder::new(input), expected, limit),
        Method::Zlib => drain(flate2::bufread::ZlibDecoder::new(input), expected, limit),
        Method::Deflate => drain(flate2::bufread::DeflateDecoder::new(input), expected, limit),
        Method::Brotli => drain(brotli_decompressor::Decompressor::new(input, 4096), expected, limit),
        Method::Zstd => match zstd_at_once(input, limit) {
            Some(bytes) => Inflated { bytes, end: End::Whole },
            None => match zstd_reader(input) {
                Ok(reader) => drain(reader, expected, limit),
                Err(error) => Inflated { bytes: Vec::new(), end: End::Damaged(error.to_string()) },
            },
        },
        Method::Lz4 => lz4_frames(input, limit),
    }
}

/// Most LZ4 frames of one input: each may claim a buffer of some MiB, however little it holds.
const LZ4_FRAMES: usize = 1024;

/// LZ4 frames one behind another: their decoder ends with the first.
fn lz4_frames(mut input: &[u8], limit: usize) -> Inflated {
    let mut bytes = Vec::new();
    for _ in 0..LZ4_FRAMES {
        let out = drain(lz4_flex::frame::FrameDecoder::new(&mut input), 0, limit.saturating_sub(bytes.len()));
        bytes.extend_from_slice(&out.bytes);
        if out.end != End::Whole || input.is_empty() {
            return Inflated { bytes, end: out.end };
        }
    }
    Inflated { bytes, end: End::Damaged(format!("more than {LZ4_FRAMES} frames")) }
}

/// A frame that says how long its content is (RFC 8878 §3.1.1.1.4), decompressed to where it stays: a reader would fill a
/// window of its own beside. Of one that is damaged or says less than it holds, nothing.
fn zstd_at_once(input: &[u8], limit: usize) -> Option<Vec<u8>> {
    let stated = zstd::zstd_safe::get_frame_content_size(input).ok()??;
    let stated = usize::try_from(stated).ok().filter(|stated| *stated <= limit)?;
    // Room that nothing is written to takes no memory; where it does, and there is not so much, there is the reader.
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(stated).ok()?;
    zstd::bulk::Decompressor::new().ok()?.decompress_to_buffer(input, &mut bytes).ok()?;
    Some(bytes)
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

/// A zlib reader, for streams of any length.
pub fn zlib_reader<R: std::io::BufRead>(input: R) -> flate2::bufread::ZlibDecoder<R> {
    flate2::bufread::ZlibDecoder::new(input)
}

/// Bytes asked of a decoder at once: of what it has when it meets damage, it gives nothing.
const CHUNK: usize = 16 * 1024;

/// How much longer than its input an output is expected to be.
const USUAL_RATIO: usize = 4;

fn drain(reader: impl Read, expected: usize, limit: usize) -> Inflated {
    let mut bytes = Vec::with_capacity(expected.min(limit));
    let end = read_up_to(reader, &mut bytes, limit);
    // Many short outputs may be held at once.
    if bytes.capacity() / 2 > bytes.len() {
        bytes.shrink_to_fit();
    }
    Inflated { bytes, end }
}

fn read_up_to(mut reader: impl Read, bytes: &mut Vec<u8>, limit: usize) -> End {
    loop {
        let length = bytes.len();
        bytes.resize(length + CHUNK, 0);
        let read = reader.read(bytes.get_mut(length..).unwrap_or_default());
        bytes.truncate(length + read.as_ref().map_or(0, |read| *read));
        match read {
            Ok(0) => return End::Whole,
            Ok(_) if bytes.len() > limit => {
                bytes.truncate(limit);
                return End::Limit;
            }
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return End::Damaged(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};
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
    fn a_short_output_takes_little_memory() {
        let out = inflate(Method::Gzip, &gzip(b"a few bytes, of which a message may hold many"), usize::MAX);
        assert_eq!(out.end, End::Whole);
        assert!(out.bytes.capacity() <= 2 * out.bytes.len(), "{}", out.bytes.capacity());
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

    #[test]
    fn lz4_comes_back_and_is_bounded() {
        let mut encoder = FrameEncoder::new(Vec::new());
        encoder.write_all(&[7; 5000]).unwrap();
        let packed = encoder.finish().unwrap();
        assert_eq!(inflate(Method::Lz4, &packed, 10_000).bytes, vec![7; 5000]);
        assert_eq!(inflate(Method::Lz4, &packed, 100).end, End::Limit);
        assert_eq!(inflate(Method::Lz4, &packed.repeat(3), 20_000).bytes, vec![7; 15_000]);
        assert_eq!(inflate(Method::Lz4, &packed.repeat(3), 7000).end, End::Limit);
    }

    const SIZES: &[BlockSize] =
        &[BlockSize::Max64KB, BlockSize::Max256KB, BlockSize::Max1MB, BlockSize::Max4MB];

    proptest! {
        #[test]
        fn gzip_comes_back(bytes: Vec<u8>) {
            let out = inflate(Method::Gzip, &gzip(&bytes), usize::MAX);
            prop_assert_eq!(out, Inflated { bytes, end: End::Whole });
        }

        // Random bytes seldom get past the head of a frame: one that is good is damaged.
        #[test]
        fn no_damage_to_an_lz4_frame_makes_its_decoder_panic(
            frames in prop::collection::vec(
                (prop::collection::vec(any::<u8>(), 0..300), any::<bool>(), prop::sample::select(SIZES)),
                1..4,
            ),
            flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        ) {
            let mut packed = Vec::new();
            for (bytes, linked, size) in frames {
                let mode = if linked { BlockMode::Linked } else { BlockMode::Independent };
                let info = FrameInfo::new().block_mode(mode).block_size(size);
                let mut encoder = FrameEncoder::with_frame_info(info, packed);
                encoder.write_all(&bytes).unwrap();
                packed = encoder.finish().unwrap();
            }
            for (at, byte) in flips {
                *at.get_mut(&mut packed) = byte;
            }
            prop_assert!(inflate(Method::Lz4, &packed, 5000).bytes.len() <= 5000);
        }

        #[test]
        fn no_bytes_make_a_decoder_panic_or_pass_its_limit(bytes: Vec<u8>, limit in 0usize..5000) {
            for method in [Method::Gzip, Method::Zlib, Method::Deflate, Method::Brotli, Method::Zstd, Method::Lz4] {
                prop_assert!(inflate(method, &bytes, limit).bytes.len() <= limit);
            }
        }
    }
}

//! Tar: Unix version 7, POSIX.1-1988 (ustar), POSIX.1-2001 (pax), and what GNU adds.
//!
//! ```text
//! head of 512 bytes: name 100 · mode, user, group 8 each · size 12 · time 12 · sum 8 · kind 1 · link 100 · "ustar" … · prefix 155
//! content, filled up to 512 · next head · … · zeros
//! ```
//!
//! A head is one if its sum is right. What stands where a head should, and is neither one nor zeros, is skipped and told; so is a
//! second archive behind the first one read. Names and sizes that do not fit into a head stand in one of their own before it (GNU's
//! `L`, the `path` and `size` of pax). Sparse files are read as they are stored. Attributes of pax for all entries (`g`) are not read. What
//! says of an entry or archive what such heads do not say is told, for it may be anything.

use std::ops::Range;

use creance_cursor::Source;

use super::{LONGEST, LONGEST_NAME, Sink, Stretch};

/// Bytes of a block.
const BLOCK: u64 = 512;

/// Fields of a head.
const NAME: Range<usize> = 0..100;
const SIZE: Range<usize> = 124..136;
const SUM: Range<usize> = 148..156;
const KIND: usize = 156;
const PREFIX: Range<usize> = 345..500;

/// Bytes without a head that are looked through before the rest is given up, and that are read at a time.
const MOST_BETWEEN: u64 = 64 << 20;
const WINDOW: usize = 1 << 16;

/// Bytes that are read of what a head says of entries.
const LONGEST_ATTRIBUTES: u64 = 1 << 20;

/// Of what is said to be longer than the archive is.
const CUT: &str = "the archive ends in it";

/// Whether these are the first 512 bytes of a tar: by its name (POSIX, GNU), or by the sum of its first head, as in those of Unix
/// version 7, which have no name.
pub(in crate::inspect) fn is(head: &[u8]) -> bool {
    let Some(head) = head.get(..512) else { return false };
    if head.get(257..262) == Some(b"ustar") {
        return true;
    }
    // A name, a length in octal digits, and a kind that was there then.
    head.first().is_some_and(|byte| *byte > b' ')
        && head.get(SIZE).and_then(number).is_some()
        && matches!(head.get(KIND), Some(0 | b'0'..=b'2'))
        && is_head(head)
}

/// Hands the content of each entry to `sink`. The error: what could not be read, the first of it.
pub(super) fn read(source: &dyn Source, sink: &mut dyn Sink) -> Result<(), String> {
    let (mut at, mut flaw) = (0, None);
    let mut said = Said::default();
    loop {
        let found = hunt(source, at).map_err(|error| error.to_string())?;
        if let Some(place) = found.other {
            flaw = flaw.or_else(|| Some(format!("what stands at {place} is no head of an entry")));
        }
        if found.is_given_up {
            let why = format!("{MOST_BETWEEN} bytes from {at} on hold no entry: what is behind is not read");
            flaw = flaw.or(Some(why));
        }
        let Some((place, head)) = found.head else { break };
        let kind = head.get(KIND).copied().unwrap_or_default();
        at = place + BLOCK;
        let Some(length) = said.size.or_else(|| head.get(SIZE).and_then(number)) else {
            flaw = flaw.or_else(|| Some(format!("the head at {place} states no length")));
            said = Said::default();
            continue;
        };
        if kind == b'S' {
            at = behind_maps(source, at, &head).map_err(|error| error.to_string())?;
        }
        let content = at;
        // Of links, devices and folders some say a length that they have not.
        let has_content = match kind {
            b'1' => hunt(source, at).is_ok_and(|next| next.other.is_some()),
            b'2'..=b'6' => false,
            _ => true,
        };
        if !has_content {
            said = Said::default();
            continue;
        }
        at = content.saturating_add(length.div_ceil(BLOCK).saturating_mul(BLOCK));
        let is_whole = content.checked_add(length).is_some_and(|end| end <= source.length());
        match kind {
            // Of the next entry: attributes (POSIX.1-2001, and Sun's before it), its name (GNU). Of others: attributes of all that follow,
            // where a link leads to, what is in a folder, what the volume is called.
            b'x' | b'X' | b'L' | b'g' | b'K' | b'D' | b'V' => {
                if length > LONGEST_ATTRIBUTES {
                    let why = format!(
                        "what is said of entries at {place} is longer than {LONGEST_ATTRIBUTES} bytes"
                    );
                    flaw = flaw.or(Some(why));
                    continue;
                }
                if !is_whole {
                    return Err(flaw.unwrap_or_else(|| CUT.to_owned()));
                }
                let bytes = source.piece(content, usize::try_from(length).unwrap_or(0));
                let bytes = bytes.map_err(|error| error.to_string())?;
                let said = match kind {
                    b'x' | b'X' => said.attributes(&bytes),
                    b'L' => said.named(&bytes).and(is_name(&bytes).then_some(()).ok_or("no name")),
                    b'g' => Said::default().of_all(&bytes),
                    b'D' => is_list(&bytes).then_some(()).ok_or("no list of names"),
                    _ => is_name(&bytes).then_some(()).ok_or("no name"),
                };
                if let Err(why) = said {
                    let kind = char::from(kind);
                    flaw = flaw
                        .or_else(|| Some(format!("what is said of entries at {place} ({kind}) is {why}")));
                }
            }
            _ => {
                let this = std::mem::take(&mut said);
                if kind == b'S' || this.is_sparse {
                    let why = format!("the entry at {place} is a sparse file: read as it is stored");
                    flaw = flaw.or(Some(why));
                }
                let name = this.name.unwrap_or_else(|| name(&head));
                let is_folder = length == 0 && name.ends_with('/');
                if is_folder {
                    continue;
                }
                if sink.room().is_none() {
                    break;
                }
                if length > LONGEST {
                    sink.failed(&name, format!("longer than {LONGEST} bytes: not read"), 0);
                } else if !is_whole {
                    sink.failed(&name, CUT.to_owned(), 0);
                } else {
                    sink.stored(&name, &Stretch { of: source, from: content, length });
                }
            }
        }
    }
    flaw.map_or(Ok(()), Err)
}

/// What heads before an entry say of it.
#[derive(Default)]
struct Said {
    name: Option<String>,
    size: Option<u64>,
    is_sparse: bool,
}

impl Said {
    /// The error: what is wrong with it.
    fn named(&mut self, name: &[u8]) -> Result<(), &'static str> {
        let shown = name.get(..name.len().min(LONGEST_NAME)).unwrap_or_default();
        self.name = Some(String::from_utf8_lossy(shown).trim_end_matches('\0').to_owned());
        // Of one that ends with a zero, that is not part of it.
        if shown.len() + 1 < name.len() { Err("a name that is too long") } else { Ok(()) }
    }

    /// Records of pax: the length of all of it in digits, a blank, name, `=`, value, a line feed. The error: what is wrong.
    fn attributes(&mut self, mut bytes: &[u8]) -> Result<(), &'static str> {
        const NO_RECORD: &str = "no record of attributes";
        let mut end = Ok(());
        // Some fill it up.
        while bytes.iter().any(|byte| *byte != 0) {
            let blank = memchr::memchr(b' ', bytes).ok_or(NO_RECORD)?;
            let length = bytes.get(..blank).and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
            let length = length.filter(|length: &usize| *length > blank).ok_or(NO_RECORD)?;
            let record = bytes.get(blank + 1..length).ok_or(NO_RECORD)?;
            bytes = bytes.get(length..).unwrap_or_default();
            let record = record.strip_suffix(b"\n").ok_or(NO_RECORD)?;
            let sign = memchr::memchr(b'=', record).ok_or(NO_RECORD)?;
            let (key, value) = (record.get(..sign), record.get(sign + 1..).unwrap_or_default());
            match key.unwrap_or_default() {
                b"path" | b"GNU.sparse.name" => end = end.and(self.named(value)),
                b"size" => {
                    self.size = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
                    end = end.and(self.size.map(|_| ()).ok_or("a size that is none"));
                }
                key if key.starts_with(b"GNU.sparse.") => self.is_sparse = true,
                _ => {}
            }
        }
        end
    }

    /// Attributes of all entries that follow, of which a name and a size would have to be believed.
    fn of_all(mut self, bytes: &[u8]) -> Result<(), &'static str> {
        self.attributes(bytes)?;
        let is_more = self.name.is_some() || self.size.is_some() || self.is_sparse;
        if is_more { Err("a name, a size or holes of all entries: not believed") } else { Ok(()) }
    }
}

/// Whether bytes can be a name: text without lines, which a zero may end.
fn is_name(bytes: &[u8]) -> bool {
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let name = bytes.get(..end).unwrap_or_default();
    !name.iter().any(u8::is_ascii_control)
}

/// Whether they can be what was in a folder (GNU): for each file a letter and its name, which a zero ends, as it does all of them.
fn is_list(bytes: &[u8]) -> bool {
    let is_file = |file: &[u8]| file.first().is_none_or(u8::is_ascii_uppercase) && is_name(file);
    bytes.last().is_none_or(|last| *last == 0) && bytes.split(|byte| *byte == 0).all(is_file)
}

/// What stands where a head should.
#[derive(Default)]
struct Found {
    head: Option<(u64, Vec<u8>)>,
    /// Where something stands before it that is neither a head nor zeros.
    other: Option<u64>,
    /// Whether there is more than is looked through.
    is_given_up: bool,
}

/// Looks for the next head from `at` on.
fn hunt(source: &dyn Source, at: u64) -> std::io::Result<Found> {
    let mut found = Found::default();
    let first = source.piece(at, 512)?;
    if is_head(&first) {
        found.head = Some((at, first));
        return Ok(found);
    }
    let mut from = at;
    while from < source.length() {
        if from - at >= MOST_BETWEEN {
            found.is_given_up = true;
            break;
        }
        let piece = source.piece(from, WINDOW)?;
        if piece.is_empty() {
            break;
        }
        for (number, block) in piece.chunks(512).enumerate() {
            let place = from + number as u64 * BLOCK;
            if is_head(block) {
                found.head = Some((place, block.to_vec()));
                return Ok(found);
            }
            if found.other.is_none() && block.iter().any(|byte| *byte != 0) {
                found.other = Some(place);
            }
        }
        from += piece.len() as u64;
    }
    Ok(found)
}

/// Whether a block is a head: whether its sum stands in it, of bytes with or without a sign, its own field being blanks.
fn is_head(block: &[u8]) -> bool {
    if block.len() != 512 {
        return false;
    }
    let Some(told) = block.get(SUM).and_then(number) else { return false };
    let all = || block.iter().enumerate().map(|(at, byte)| if SUM.contains(&at) { b' ' } else { *byte });
    let unsigned: u64 = all().map(u64::from).sum();
    let signed: i64 = all().map(|byte| i64::from(byte.cast_signed())).sum();
    told == unsigned || i64::try_from(told) == Ok(signed)
}

/// A number: octal digits behind blanks, up to a blank or a zero, none of which are 0; or, where the first bit is set, the number itself (GNU). `None`: it is
/// none, negative, or has more than 64 bits.
fn number(field: &[u8]) -> Option<u64> {
    let (first, rest) = field.split_first()?;
    if first & 0x80 != 0 {
        if first & 0x40 != 0 {
            return None;
        }
        return rest.iter().try_fold(u64::from(first & 0x3f), |number, byte| {
            number.checked_mul(256)?.checked_add(u64::from(*byte))
        });
    }
    let start = field.iter().position(|byte| !matches!(byte, b' ' | 0)).unwrap_or(field.len());
    let digits = field.get(start..)?;
    if digits.is_empty() {
        return Some(0);
    }
    let end = digits.iter().position(|byte| matches!(byte, b' ' | 0)).unwrap_or(digits.len());
    u64::from_str_radix(std::str::from_utf8(digits.get(..end)?).ok()?, 8).ok()
}

/// The name in a head.
fn name(head: &[u8]) -> String {
    let text = |range: Range<usize>| {
        let bytes = head.get(range).unwrap_or_default();
        let end = memchr::memchr(0, bytes).unwrap_or(bytes.len());
        String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned()
    };
    // Of the others only POSIX has a folder there.
    let is_posix = head.get(257..263) == Some(b"ustar\0");
    let prefix = if is_posix { text(PREFIX) } else { String::new() };
    if prefix.is_empty() { text(NAME) } else { format!("{prefix}/{}", text(NAME)) }
}

/// Where the content of a sparse file begins (GNU's old form): maps of its holes that do not fit into the head stand before it, each
/// of which says whether another follows.
fn behind_maps(source: &dyn Source, mut at: u64, head: &[u8]) -> std::io::Result<u64> {
    let mut is_followed = head.get(482).is_some_and(|flag| *flag != 0);
    while is_followed && at < source.length() {
        is_followed = source.piece(at + 504, 1)?.first().is_some_and(|flag| *flag != 0);
        at += BLOCK;
    }
    Ok(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// An entry with a size as it is to be written, and its content filled up.
    fn entry(name: &str, size: &[u8], kind: u8, content: &[u8]) -> Vec<u8> {
        let mut head = vec![0; 512];
        head[..name.len()].copy_from_slice(name.as_bytes());
        head[SIZE.start..SIZE.start + size.len()].copy_from_slice(size);
        head[KIND] = kind;
        head[257..263].copy_from_slice(b"ustar\0");
        sealed(&mut head);
        head.extend(content);
        head.resize(head.len().next_multiple_of(512), 0);
        head
    }

    fn sealed(head: &mut [u8]) {
        head[SUM].fill(b' ');
        let sum: u64 = head[..512].iter().map(|byte| u64::from(*byte)).sum();
        head[SUM].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }

    fn octal(length: usize) -> Vec<u8> {
        format!("{length:011o}\0").into_bytes()
    }

    /// The entries that are told: their names, and what they hold or why they are not read.
    type Entries = Vec<(String, Result<Vec<u8>, String>)>;

    fn entries(bytes: &[u8]) -> (Entries, Result<(), String>) {
        let mut all = Gathered::default();
        let end = read(&bytes, &mut all);
        (all.0, end)
    }

    #[derive(Default)]
    struct Gathered(Entries);

    impl Sink for Gathered {
        fn room(&mut self) -> Option<u64> {
            Some(u64::MAX)
        }

        fn stored(&mut self, name: &str, source: &dyn Source) {
            let all = source.piece(0, usize::MAX).map_err(|error| error.to_string());
            self.0.push((name.to_owned(), all));
        }

        fn unpacked(&mut self, name: &str, bytes: &[u8]) {
            self.0.push((name.to_owned(), Ok(bytes.to_vec())));
        }

        fn failed(&mut self, name: &str, why: String, _: u64) {
            self.0.push((name.to_owned(), Err(why)));
        }
    }

    fn whole(name: &str, content: &[u8]) -> (String, Result<Vec<u8>, String>) {
        (name.to_owned(), Ok(content.to_vec()))
    }

    #[test]
    fn lengths_are_read_in_all_forms() {
        let mut own = vec![0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3];
        for size in
            [&b"00000000003\0"[..], b"         3  ", b"3\0garbage!!!", b"3 \0\0\x01", b"000000000003", &own]
        {
            let bytes =
                [entry("a", size, b'0', b"abc"), entry("b", &octal(1), b'0', b"x"), vec![0; 1024]].concat();
            assert_eq!(entries(&bytes), (vec![whole("a", b"abc"), whole("b", b"x")], Ok(())), "{size:?}");
        }
        for size in [&[0; 12][..], b"            "] {
            let bytes = [entry("folder", size, b'5', b""), entry("a", size, b'0', b"")].concat();
            assert_eq!(entries(&bytes), (vec![whole("a", b"")], Ok(())), "{size:?}");
        }
        // Of 2^64 bytes and more, or fewer than none, nobody can say where they end: the next head is looked for.
        own[3] = 1;
        for size in [own.clone(), vec![0xff; 12], b"3x".to_vec()] {
            let bytes = [entry("a", &size, b'0', b"abc"), entry("b", &octal(1), b'0', b"x")].concat();
            let (all, end) = entries(&bytes);
            assert_eq!(all, [whole("b", b"x")], "{size:?}");
            assert!(end.unwrap_err().contains("states no length"));
        }
        own[3] = 0;
        own[5] = 1;
        let (all, _) = entries(&entry("a", &own, b'0', b"abc"));
        assert!(all[0].1.as_ref().unwrap_err().contains("longer than"), "{all:?}");
    }

    #[test]
    fn what_attributes_say_is_said_of_the_next_entry_alone() {
        let record = |text: &str| {
            let rest = text.len() + 2;
            let length = rest + if rest + 1 < 10 { 1 } else { 2 };
            assert!(length < 100, "two digits at most");
            format!("{length} {text}\n")
        };
        let said = [record("mtime=1.5"), record("path=DCIM/a long name"), record("size=3")].concat();
        let head = entry("PaxHeaders/a", &octal(said.len()), b'x', said.as_bytes());
        let bytes = [head, entry("a", &octal(0), b'0', b"abc"), entry("b", &octal(1), b'0', b"x")].concat();
        assert_eq!(entries(&bytes), (vec![whole("DCIM/a long name", b"abc"), whole("b", b"x")], Ok(())));
        let sparse = record("GNU.sparse.major=1");
        let bytes =
            [entry("h", &octal(sparse.len()), b'x', sparse.as_bytes()), entry("a", &octal(3), b'0', b"abc")];
        let (all, end) = entries(&bytes.concat());
        assert_eq!(all, [whole("a", b"abc")]);
        assert!(end.unwrap_err().contains("sparse"));
    }

    #[test]
    fn what_is_no_head_is_skipped_and_told_and_a_second_archive_is_read() {
        let (a, b) = (entry("a", &octal(3), b'0', b"abc"), entry("b", &octal(1), b'7', b"x"));
        let both = vec![whole("a", b"abc"), whole("b", b"x")];
        assert_eq!(entries(&[&a[..], &[0; 2048], &b, &[0; 9]].concat()), (both.clone(), Ok(())));
        let (all, end) = entries(&[&a[..], &[7; 1024], &b].concat());
        assert_eq!(all, both);
        assert_eq!(end.unwrap_err(), "what stands at 1024 is no head of an entry");
        let (all, end) = entries(&[&a[..], &[0; 1024], b"SERIAL 42"].concat());
        assert!(all.len() == 1 && end.is_err());
    }

    #[test]
    fn links_and_folders_have_no_content_whatever_they_say() {
        let b = entry("b", &octal(1), b'0', b"x");
        for kind in *b"123456" {
            let bytes = [entry("link", &octal(5000), kind, b""), b.clone()].concat();
            assert_eq!(entries(&bytes), (vec![whole("b", b"x")], Ok(())), "{kind}");
        }
        let bytes = [entry("folder/", &octal(0), b'0', b""), b.clone()].concat();
        assert_eq!(entries(&bytes), (vec![whole("b", b"x")], Ok(())));
        // One with content, as pax allows.
        let bytes = [entry("link", &octal(3), b'1', b"abc"), b].concat();
        assert_eq!(entries(&bytes), (vec![whole("link", b"abc"), whole("b", b"x")], Ok(())));
    }

    #[test]
    fn maps_of_a_sparse_file_are_no_content() {
        let mut head = entry("a", &octal(3), b'S', b"");
        head[482] = 1;
        sealed(&mut head);
        let mut maps = vec![9; 1024];
        (maps[504], maps[1016]) = (1, 0);
        let mut content = b"abc".to_vec();
        content.resize(512, 0);
        let bytes = [head, maps, content, entry("b", &octal(1), b'0', b"x")].concat();
        let (all, end) = entries(&bytes);
        assert_eq!(all, [whole("a", b"abc"), whole("b", b"x")]);
        assert!(end.unwrap_err().contains("sparse"));
    }

    proptest! {
        #[test]
        fn any_damage_is_answered(edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..9), cut: prop::sample::Index, reseal: bool) {
            let said = b"23 path=DCIM/long name\n11 size=30\n";
            let mut bytes = [entry("h", &octal(said.len()), b'x', said), entry("a", &octal(0), b'0', &[5; 30]), entry("n", &octal(5), b'L', b"long\0"), entry("b", &[0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9], b'0', b"x")].concat();
            for (index, byte) in edits {
                let at = index.index(bytes.len());
                bytes[at] = byte;
            }
            if reseal {
                // Whatever is in them, all are heads.
                bytes.chunks_exact_mut(512).for_each(sealed);
            }
            bytes.truncate(cut.index(bytes.len()) + 1);
            let (all, _) = entries(&bytes);
            let held: usize = all.iter().filter_map(|(_, content)| Some(content.as_ref().ok()?.len())).sum();
            prop_assert!(held <= bytes.len());
        }
    }
}

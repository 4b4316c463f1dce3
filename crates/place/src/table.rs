//! The packed tables of address ranges. Layout and maker: `knowledge/ip/build.py`.
//!
//! Tables may come from a user's folder, so nothing in them is trusted: every count is held against the bytes that are
//! left before memory is taken, every range must begin after the one before, every value must exist.

use crate::error::Error;
use crate::scope::unwrapped;
use creance_cursor::inflate::{End, Method, inflate};
use std::marker::PhantomData;
use std::net::IpAddr;

/// What a table may unpack to. The bundled ones are 3.9 and 5.1 MB.
const LIMIT: usize = 64 << 20;
const MAGIC: &[u8] = b"creance\x01";

/// What the values are that ranges name.
pub(crate) trait Entry {
    /// Such a value, read where it lies.
    type Value<'a>;
    /// Tells the kinds of table apart.
    const KIND: u8;
    /// Names the table in errors.
    const FILE: &'static str;
    /// The fewest bytes that one takes.
    const LEAST: usize;
    fn read<'a>(reader: &mut Reader<'a>) -> Result<Self::Value<'a>, Error>;
}

/// Ranges of addresses, each with a value: unpacked, and read where they lie, for most are never asked about.
#[derive(Debug)]
pub(crate) struct Table<T> {
    body: Vec<u8>,
    /// Where each value begins.
    entries: Vec<usize>,
    four: Ranges,
    six: Ranges,
    kind: PhantomData<T>,
}

/// The ranges of one version of IP: a stop at every 32nd, from which the next ones are walked.
#[derive(Debug)]
struct Ranges {
    count: usize,
    /// Where the shifts are, one byte for each range.
    shifts: usize,
    stops: Vec<Stop>,
}

/// A range from which others are walked.
#[derive(Debug)]
struct Stop {
    start: u64,
    /// Where the distance to the next range is written.
    next: usize,
    /// Where its value is.
    value: usize,
}

const EVERY: usize = 32;

impl<T: Entry> Table<T> {
    /// Reads a zstd frame.
    pub(crate) fn unpack(packed: &[u8]) -> Result<Self, Error> {
        let body = inflate(Method::Zstd, packed, LIMIT);
        match body.end {
            End::Whole => Self::read(body.bytes),
            End::Limit => {
                Err(Error::Packed { file: T::FILE, why: format!("unpacks to more than {LIMIT} bytes") })
            }
            End::Damaged(why) => Err(Error::Packed { file: T::FILE, why }),
        }
    }

    /// Reads what the zstd frame holds.
    pub(crate) fn read(body: Vec<u8>) -> Result<Self, Error> {
        let mut reader = Reader::new(&body, T::FILE);
        if reader.take(MAGIC.len())? != MAGIC {
            return Err(reader.error("not a table of this version"));
        }
        if reader.u8()? != T::KIND {
            return Err(reader.error("another kind of table"));
        }
        let count = reader.count(T::LEAST)?;
        let mut entries = Vec::with_capacity(count);
        for _ in 0..count {
            entries.push(reader.at);
            T::read(&mut reader)?;
        }
        let four = Ranges::read(&mut reader, count, u64::from(u32::MAX))?;
        let six = Ranges::read(&mut reader, count, u64::MAX)?;
        if !reader.is_at_end() {
            return Err(reader.error("bytes after the end"));
        }
        Ok(Self { entries, four, six, kind: PhantomData, body })
    }

    /// The value of the range in which an address lies. IPv6 is told apart by its upper 64 bits.
    pub(crate) fn find(&self, ip: IpAddr) -> Option<T::Value<'_>> {
        let mut reader = Reader::new(&self.body, T::FILE);
        let value = match unwrapped(ip) {
            IpAddr::V4(ip) => self.four.find(u64::from(u32::from(ip)), &mut reader),
            IpAddr::V6(ip) => {
                self.six.find(u64::try_from(u128::from(ip) >> 64).unwrap_or(u64::MAX), &mut reader)
            }
        };
        reader.at = *self.entries.get(value?)?;
        T::read(&mut reader).ok()
    }
}

impl Ranges {
    /// Reads ranges up to this address whose values are among so many.
    fn read(reader: &mut Reader<'_>, entries: usize, last: u64) -> Result<Self, Error> {
        let count = reader.count(3)?;
        let shifts = reader.at;
        let mut stops = Vec::with_capacity(count.div_ceil(EVERY));
        let mut start = 0_u64;
        for (number, shift) in reader.take(count)?.iter().enumerate() {
            let odd = reader.leb128()?;
            let step = odd.checked_shl(u32::from(*shift)).filter(|step| step >> (shift & 63) == odd);
            let step = step.ok_or_else(|| reader.error("a distance too long"))?;
            if (number == 0) != (step == 0) {
                return Err(reader.error("ranges out of order"));
            }
            let beyond = start.checked_add(step).filter(|start| *start <= last);
            start = beyond.ok_or_else(|| reader.error("a start past the last address"))?;
            if number % EVERY == 0 {
                stops.push(Stop { start, next: reader.at, value: 0 });
            }
        }
        for number in 0..count {
            if number % EVERY == 0
                && let Some(stop) = stops.get_mut(number / EVERY)
            {
                stop.value = reader.at;
            }
            if usize::try_from(reader.leb128()?).map_or(true, |value| value >= entries) {
                return Err(reader.error("a value that is not listed"));
            }
        }
        Ok(Self { count, shifts, stops })
    }

    /// The number of the value of the range in which `key` lies.
    fn find(&self, key: u64, reader: &mut Reader<'_>) -> Option<usize> {
        let after = self.stops.partition_point(|stop| stop.start <= key);
        let stop = self.stops.get(after.checked_sub(1)?)?;
        let first = (after - 1) * EVERY;
        let shifts = reader.body.get(self.shifts + first..self.shifts + self.count.min(first + EVERY))?;
        let (mut start, mut walked) = (stop.start, 0);
        reader.at = stop.next;
        for shift in shifts.iter().skip(1) {
            start += reader.leb128().ok()? << shift;
            if start > key {
                break;
            }
            walked += 1;
        }
        reader.at = stop.value;
        for _ in 0..walked {
            reader.leb128().ok()?;
        }
        usize::try_from(reader.leb128().ok()?).ok()
    }
}

/// A position in a table's bytes.
pub(crate) struct Reader<'a> {
    body: &'a [u8],
    at: usize,
    file: &'static str,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(body: &'a [u8], file: &'static str) -> Self {
        Self { body, at: 0, file }
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.at == self.body.len()
    }

    pub(crate) fn error(&self, why: &'static str) -> Error {
        Error::Table { file: self.file, why, at: self.at }
    }

    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8], Error> {
        let end = self.at.checked_add(len).ok_or_else(|| self.error("cut short"))?;
        let bytes = self.body.get(self.at..end).ok_or_else(|| self.error("cut short"))?;
        self.at = end;
        Ok(bytes)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Error> {
        let byte = self.body.get(self.at).copied().ok_or_else(|| self.error("cut short"))?;
        self.at += 1;
        Ok(byte)
    }

    pub(crate) fn leb128(&mut self) -> Result<u64, Error> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.u8()?;
            let part = u64::from(byte & 0x7f);
            if (part << shift) >> shift != part {
                break;
            }
            number |= part << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(self.error("a number too long"))
    }

    /// A count of things that take at least `least` bytes each: never more than the bytes left could hold.
    pub(crate) fn count(&mut self, least: usize) -> Result<usize, Error> {
        let count = self.leb128()?;
        let left = self.body.len().saturating_sub(self.at) / least.max(1);
        usize::try_from(count)
            .ok()
            .filter(|count| *count <= left)
            .ok_or_else(|| self.error("a count too high"))
    }
}

/// Reads bytes as a table of each kind, packed and unpacked, and looks something up: what a fuzzer calls. True if one was valid.
pub fn check(bytes: &[u8]) -> bool {
    use crate::verdict::{Holders, Triples};
    fn one<T: Entry>(table: Result<Table<T>, Error>) -> bool {
        let probe = [
            IpAddr::from([0_u8; 4]),
            IpAddr::from([255; 4]),
            IpAddr::from([0_u8; 16]),
            IpAddr::from([255; 16]),
        ];
        table.is_ok_and(|table| probe.into_iter().all(|ip| table.find(ip).is_some()))
    }
    [
        one(Table::<Triples>::read(bytes.to_vec())),
        one(Table::<Holders>::read(bytes.to_vec())),
        one(Table::<Triples>::unpack(bytes)),
        one(Table::<Holders>::unpack(bytes)),
    ]
    .contains(&true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::{Holders, Triples};
    use proptest::prelude::*;
    use std::net::{Ipv4Addr, Ipv6Addr};

    fn leb128(mut number: u64, out: &mut Vec<u8>) {
        loop {
            let low = u8::try_from(number & 0x7f).unwrap();
            number >>= 7;
            out.push(if number == 0 { low } else { low | 0x80 });
            if number == 0 {
                return;
            }
        }
    }

    fn column(starts: &[u64], entries: u64, out: &mut Vec<u8>) {
        leb128(starts.len() as u64, out);
        let steps: Vec<u64> =
            (0..starts.len()).map(|at| if at == 0 { 0 } else { starts[at] - starts[at - 1] }).collect();
        let shift = |step: u64| if step == 0 { 0 } else { step.trailing_zeros() };
        out.extend(steps.iter().map(|step| u8::try_from(shift(*step)).unwrap()));
        for step in &steps {
            leb128(step >> shift(*step), out);
        }
        (0..starts.len() as u64).for_each(|at| leb128(at % entries, out));
    }

    /// A table of holders whose range number `n` has the value `n % entries`.
    fn holders(four: &[u64], six: &[u64], entries: u64) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.push(Holders::KIND);
        leb128(entries, &mut out);
        for asn in 0..entries {
            leb128(asn, &mut out);
            out.extend([1, b'x']);
        }
        column(four, entries, &mut out);
        column(six, entries, &mut out);
        out
    }

    /// The oracle: a plain walk.
    fn walk(starts: &[u64], key: u64, entries: u64) -> u64 {
        let at = starts.iter().rposition(|start| *start <= key).unwrap();
        at as u64 % entries
    }

    fn with_zero(mut starts: std::collections::BTreeSet<u64>) -> Vec<u64> {
        starts.insert(0);
        starts.into_iter().collect()
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            check(&bytes);
            let mut with_head = MAGIC.to_vec();
            with_head.extend(bytes);
            check(&with_head);
        }

        #[test]
        fn no_flipped_byte_makes_it_panic(at in 0_usize..90, byte in any::<u8>()) {
            let mut table = holders(&[0, 256, 1024, 1 << 31], &[0, 1 << 61, (1 << 61) + 3], 5);
            let at = at % table.len();
            table[at] = byte;
            check(&table);
        }

        #[test]
        fn it_finds_what_a_walk_finds(
            four in proptest::collection::btree_set(0_u64..=u64::from(u32::MAX), 0..200),
            six in proptest::collection::btree_set(any::<u64>(), 0..200),
            entries in 1_u64..9,
            keys in proptest::collection::vec(any::<(u32, u64, u64)>(), 1..40),
        ) {
            let (four, six) = (with_zero(four), with_zero(six));
            let table = Table::<Holders>::read(holders(&four, &six, entries)).unwrap();
            for (a, b, low) in keys {
                let found = table.find(IpAddr::V4(Ipv4Addr::from(a))).unwrap();
                prop_assert_eq!(u64::from(found.asn), walk(&four, u64::from(a), entries));
                // Addresses that carry an IPv4 address are looked up as that.
                let ip = IpAddr::V6(Ipv6Addr::from((u128::from(b) << 64) | u128::from(low)));
                if unwrapped(ip) == ip {
                    prop_assert_eq!(u64::from(table.find(ip).unwrap().asn), walk(&six, b, entries));
                }
            }
            for start in &four {
                let ip = Ipv4Addr::from(u32::try_from(*start).unwrap());
                prop_assert_eq!(u64::from(table.find(IpAddr::V4(ip)).unwrap().asn), walk(&four, *start, entries));
            }
        }
    }

    #[test]
    fn damage_is_named() {
        let whole = holders(&[0, 256], &[0], 2);
        assert!(check(&whole));
        let error = |bytes: &[u8]| Table::<Holders>::read(bytes.to_vec()).unwrap_err().to_string();
        assert_eq!(error(b"creance\x02"), "autonomous systems: not a table of this version at offset 8");
        assert!(error(&whole[..5]).contains("cut short"));
        assert!(error(&whole[..whole.len() - 1]).contains("a count too high"));
        assert!(error(&[whole.as_slice(), &[0]].concat()).contains("bytes after the end"));
        assert!(
            Table::<Triples>::read(whole.clone()).unwrap_err().to_string().contains("another kind of table")
        );
        // A count of 2^63 takes no memory.
        let mut greedy = MAGIC.to_vec();
        greedy.push(Holders::KIND);
        leb128(1 << 63, &mut greedy);
        assert!(error(&greedy).contains("a count too high"));
    }
}

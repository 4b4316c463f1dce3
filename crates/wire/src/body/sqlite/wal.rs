//! The write-ahead log that lies beside a database (`name-wal`, <https://www.sqlite.org/fileformat2.html#walformat>): on a
//! phone, what was written last stands there alone.
//!
//! ```text
//! log     4 magic, 4 version, 4 size of a page, 4 checkpoint, 8 salt, 8 checksum; frames
//! frame   4 number of the page, 4 pages of the database where this ends a transaction, else 0, 8 salt, 8 checksum; the page
//! ```

/// What a log begins with, but for its last bit, which says in which order the bytes of a checksum stand.
const MAGIC: u32 = 0x377f_0682;

/// Bytes before the first frame, and before the page of each.
const HEAD: usize = 32;
const FRAME: usize = 24;

/// A database as it is with the transactions that were finished in its log. Frames of an earlier log, behind the end of this
/// one, have another salt. Checksums are not verified.
pub fn with_wal(mut database: Vec<u8>, log: &[u8]) -> Vec<u8> {
    let number = |bytes: &[u8], at: usize| {
        bytes.get(at..).and_then(<[u8]>::first_chunk).map(|bytes| u32::from_be_bytes(*bytes))
    };
    let of_database =
        match database.get(16..).and_then(<[u8]>::first_chunk).map(|page| u16::from_be_bytes(*page)) {
            Some(1) => 65_536,
            Some(page) => usize::from(page),
            None => return database,
        };
    // A log of other pages is of another database.
    let same = |page: &usize| *page == of_database && *page >= 512;
    let Some(page) = number(log, 8).map(|page| page as usize).filter(same) else { return database };
    if number(log, 0).is_none_or(|magic| magic & !1 != MAGIC) {
        return database;
    }
    let salt = log.get(16..24);
    let mut frames = Vec::new();
    // How many frames belong to finished transactions, and how many pages the database has then.
    let (mut finished, mut pages) = (0, None);
    for frame in log.get(HEAD..).unwrap_or_default().chunks_exact(FRAME + page) {
        let (head, content) = frame.split_at(FRAME);
        if head.get(8..16) != salt {
            break;
        }
        let Some((at, end)) = number(head, 0).zip(number(head, 4)) else { break };
        frames.push((at as usize, content));
        if end != 0 {
            (finished, pages) = (frames.len(), Some(end as usize));
        }
    }
    let Some(pages) = pages else { return database };
    // A log can bring no more pages than it has beside those that are there.
    let pages = pages.min(database.len().div_ceil(page) + finished);
    database.resize(pages * page, 0);
    for (number, content) in frames.into_iter().take(finished) {
        let start = number.checked_sub(1).map(|before| before.saturating_mul(page));
        if let Some(place) = start.and_then(|start| database.get_mut(start..start.checked_add(page)?)) {
            place.copy_from_slice(content);
        }
    }
    database
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test")]
mod tests {
    use super::*;

    fn frame(page: u32, end: u32, salt: u8, content: u8) -> Vec<u8> {
        let head = [page.to_be_bytes().as_slice(), &end.to_be_bytes(), &[salt; 8], &[0; 8]].concat();
        [head, vec![content; 512]].concat()
    }

    fn log(frames: &[Vec<u8>]) -> Vec<u8> {
        let numbers = [MAGIC.to_be_bytes(), [0; 4], 512_u32.to_be_bytes(), [0; 4]].concat();
        [numbers, vec![7; 8], vec![0; 8], frames.concat()].concat()
    }

    #[test]
    fn finished_transactions_are_applied_and_others_are_not() {
        let mut database = [[1; 512], [2; 512]].concat();
        database[16..18].copy_from_slice(&512_u16.to_be_bytes());
        let frames = [frame(2, 0, 7, 20), frame(3, 3, 7, 30), frame(1, 0, 7, 10), frame(1, 3, 6, 11)];
        let first = database[..512].to_vec();
        assert_eq!(with_wal(database.clone(), &log(&frames)), [first, vec![20; 512], vec![30; 512]].concat());
        let unfinished = log(&frames[..1]);
        assert_eq!(with_wal(database.clone(), &unfinished), database);
        assert_eq!(with_wal(database.clone(), b"nonsense"), database);
        // A size that is a lie takes no memory.
        assert!(with_wal(database, &log(&[frame(2, u32::MAX, 7, 20)])).len() <= 4 * 512);
    }
}

//! Connections by their ids, over all flows: a connection goes on between other ports where its client comes into another
//! network, or a router gives it another port (RFC 9000 §9).

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, Weak},
};

use creance_model::Side;

use super::opened::Opened;

/// Connections whose secrets are known, as long as a flow holds them. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Connections(Arc<Mutex<Ids>>);

#[derive(Default)]
struct Ids {
    /// By the id and the side that it addresses.
    by: HashMap<(Side, Vec<u8>), Weak<Mutex<Opened>>>,
    /// How many there are of each length: short headers do not state it.
    lengths: [usize; LONGEST + 1],
    /// How many were refused since those of connections that are over were last let go.
    refused: usize,
}

/// Longest id, and the shortest that is believed to name one connection among all.
const LONGEST: usize = 20;
const SHORTEST: usize = 4;

/// Ids that are known at one time. Of what is beyond, a change of ports is not followed: it is a flow without a handshake.
const MOST: usize = 1 << 14;

/// Of so many that are refused, one has those looked for that are over: it takes time.
const PURGE: usize = 1 << 10;

impl Connections {
    /// Notes ids by which the sides of a connection are addressed.
    pub(super) fn note(&self, opened: &Arc<Mutex<Opened>>, ids: Vec<(Side, Vec<u8>)>) {
        if ids.is_empty() {
            return;
        }
        let Ok(mut all) = self.0.lock() else { return };
        let Ids { by, lengths, refused } = &mut *all;
        for (side, id) in ids.into_iter().filter(|(_, id)| (SHORTEST..=LONGEST).contains(&id.len())) {
            let known = by.get(&(side, id.clone())).and_then(Weak::upgrade);
            if known.is_some_and(|known| !Arc::ptr_eq(&known, opened)) {
                continue;
            }
            if by.len() == MOST {
                *refused += 1;
                if *refused % PURGE != 1 {
                    return;
                }
                by.retain(|_, opened| opened.strong_count() > 0);
                *lengths = by.keys().fold([0; LONGEST + 1], |mut lengths, (_, id)| {
                    count(&mut lengths, id.len());
                    lengths
                });
                if by.len() == MOST {
                    return;
                }
            }
            let length = id.len();
            if by.insert((side, id), Arc::downgrade(opened)).is_none() {
                count(lengths, length);
            }
        }
    }

    /// The connection whose side is addressed by an id at the front of these bytes.
    pub(super) fn find(&self, side: Side, bytes: &[u8]) -> Option<Arc<Mutex<Opened>>> {
        let all = self.0.lock().ok()?;
        let mut lengths = all.lengths.iter().enumerate().filter(|(_, count)| **count > 0);
        lengths.find_map(|(length, _)| all.by.get(&(side, bytes.get(..length)?.to_vec()))?.upgrade())
    }
}

fn count(lengths: &mut [usize], length: usize) {
    if let Some(count) = lengths.get_mut(length) {
        *count += 1;
    }
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connections")
    }
}

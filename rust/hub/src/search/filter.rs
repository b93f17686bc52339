//! A Bloom filter for each full segment. It shows which segments may have a token without reading each of them.
//!
//! A rare word is in few segments, and reading one costs about ten microseconds. A filter is cut into blocks. A token
//! belongs to one block, and the same block of all segments is stored side by side, so one short read answers for the
//! whole log. A filter may name a segment without the token, but never omits one with it.

use std::hash::Hasher;

use rusqlite::{Connection, Transaction, params};
use siphasher::sip128::{Hasher128, SipHasher13};

use super::tokens::Term;

/// The blocks of a filter. With [`BLOCK_BYTES`] a filter has half a megabyte: ten bits for each of 400 000 tokens.
const BLOCKS: u64 = 1024;
const BLOCK_BYTES: usize = 512;
/// Bits that a token sets within its block.
const BITS: u64 = 7;
/// Lengths in characters of the prefixes that the filter has too, so that `gen-it*` reads few segments.
const PREFIX_CHARS: [usize; 3] = [4, 6, 8];
/// A mark before a prefix, so that `rout*` differs from the word `rout`. No token begins with it.
const PREFIX_MARK: u8 = b'*';

/// The table. A segment without rows in it may have any token.
pub(super) const SCHEMA: &str = "CREATE TABLE filter (block INTEGER, segment INTEGER, bits BLOB NOT NULL,
     PRIMARY KEY (block, segment)) WITHOUT ROWID;";

/// Writes the filter of a full segment.
///
/// # Errors
/// Fails if the disk refuses.
pub(super) fn write(transaction: &Transaction<'_>, segment: i64) -> rusqlite::Result<()> {
    let mut filter = Filter::new();
    // FTS5 has no other way to list a table's tokens. A temporary table is not part of the file.
    transaction.execute_batch(&format!(
        "CREATE VIRTUAL TABLE temp.vocabulary USING fts5vocab(main, 'segment_{segment}', 'row');"
    ))?;
    {
        let mut statement = transaction.prepare("SELECT term FROM temp.vocabulary")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            filter.add(row.get_ref(0)?.as_str().unwrap_or_default());
        }
    }
    transaction.execute_batch("DROP TABLE temp.vocabulary")?;
    let mut statement = transaction.prepare_cached("INSERT INTO filter VALUES (?1, ?2, ?3)")?;
    for (block, bits) in filter.0.chunks_exact(BLOCK_BYTES).enumerate() {
        statement.execute(params![i64::try_from(block).unwrap_or(i64::MAX), segment, bits])?;
    }
    Ok(())
}

/// Removes from `segments` those that can't have all `terms`.
///
/// # Errors
/// Fails if the file can't be read.
pub(super) fn narrow(connection: &Connection, terms: &[Term], segments: &mut Vec<i64>) -> rusqlite::Result<()> {
    let (Some(&last), Some(&first)) = (segments.iter().min(), segments.iter().max()) else { return Ok(()) };
    let mut statement =
        connection.prepare_cached("SELECT segment, bits FROM filter WHERE block = ?1 AND segment BETWEEN ?2 AND ?3")?;
    for slot in terms.iter().filter_map(slot_of_term) {
        let mut without = Vec::new();
        let mut rows = statement.query(params![slot.block.cast_signed(), last, first])?;
        while let Some(row) = rows.next()? {
            // A block of another size is not ours, so it excludes no segment.
            let bits = row.get_ref(1)?.as_blob().unwrap_or_default();
            if bits.len() == BLOCK_BYTES && !slot.bits().all(|bit| is_set(bits, bit)) {
                without.push(row.get(0)?);
            }
        }
        // The rows are ordered by segment.
        segments.retain(|segment| without.binary_search(segment).is_err());
    }
    Ok(())
}

/// All blocks of one segment.
struct Filter(Vec<u8>);

impl Filter {
    fn new() -> Self {
        Self(vec![0; usize::try_from(BLOCKS).unwrap_or(0) * BLOCK_BYTES])
    }

    fn add(&mut self, token: &str) {
        self.set(slot(&[], token));
        for chars in PREFIX_CHARS {
            // A token is a prefix of itself too: `rout*` finds rout.
            if let Some(beginning) = beginning(token, chars) {
                self.set(slot(&[PREFIX_MARK], beginning));
            }
        }
    }

    fn set(&mut self, slot: Slot) {
        let start = usize::try_from(slot.block).unwrap_or(0) * BLOCK_BYTES;
        for bit in slot.bits() {
            self.0[start + bit / 8] |= 1 << (bit % 8);
        }
    }
}

/// The position of a token's bits.
#[derive(Clone, Copy)]
struct Slot {
    block: u64,
    hash: u64,
}

impl Slot {
    fn bits(self) -> impl Iterator<Item = usize> {
        // Two halves of one hash give enough sufficiently independent numbers (Kirsch and Mitzenmacher 2006).
        let (one, other) = (self.hash & 0xffff_ffff, self.hash >> 32 | 1);
        (0..BITS).map(move |n| usize::try_from((one + n * other) % (8 * BLOCK_BYTES as u64)).unwrap_or(0))
    }
}

/// The position of the longest prefix in the filter that every token matching the term has; None if the term is too
/// short.
fn slot_of_term(term: &Term) -> Option<Slot> {
    // FTS5's tokenizer folds ASCII letters.
    let token = term.token.to_ascii_lowercase();
    if !term.is_prefix {
        return Some(slot(&[], &token));
    }
    PREFIX_CHARS.iter().rev().find_map(|&chars| beginning(&token, chars)).map(|found| slot(&[PREFIX_MARK], found))
}

/// The token's first `chars` characters; None if it is shorter.
fn beginning(token: &str, chars: usize) -> Option<&str> {
    let (last, c) = token.char_indices().nth(chars - 1)?;
    Some(&token[..last + c.len_utf8()])
}

fn slot(mark: &[u8], text: &str) -> Slot {
    // The hash is written to disk, so it must be the same in every build. std's hash does not promise this.
    let mut hasher = SipHasher13::new();
    hasher.write(mark);
    hasher.write(text.as_bytes());
    let hash = hasher.finish128();
    Slot { block: hash.h1 % BLOCKS, hash: hash.h2 }
}

fn is_set(bits: &[u8], bit: usize) -> bool {
    bits[bit / 8] & (1 << (bit % 8)) != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn may_hold(filter: &Filter, token: &str, is_prefix: bool) -> bool {
        slot_of_term(&Term { token: token.to_owned(), is_prefix }).is_none_or(|slot| {
            let start = usize::try_from(slot.block).unwrap() * BLOCK_BYTES;
            slot.bits().all(|bit| is_set(&filter.0[start..start + BLOCK_BYTES], bit))
        })
    }

    #[test]
    fn filter_never_leaves_out_a_token_or_its_beginning_and_seldom_names_another() {
        let mut filter = Filter::new();
        let token = |number: u32| format!("{:08x}", number.wrapping_mul(2_654_435_761));
        for number in 0..100_000 {
            filter.add(&token(number));
        }
        for number in (0..100_000).step_by(7) {
            assert!(may_hold(&filter, &token(number), false));
            for chars in 1..=8 {
                assert!(may_hold(&filter, &token(number)[..chars], true), "{chars}");
            }
        }
        let wrong = (200_000..210_000).filter(|number| may_hold(&filter, &token(*number), false)).count();
        assert!(wrong < 200, "{wrong} of 10 000");
    }

    #[test]
    fn filter_folds_ascii_as_the_tokenizer_does_and_cuts_between_characters() {
        let mut filter = Filter::new();
        filter.add("デプロイ済み");
        filter.add("\u{e010}alice");
        assert!(may_hold(&filter, "デプロイ", true));
        assert!(may_hold(&filter, "\u{e010}Alice", false));
        assert!(!may_hold(&filter, "デプロイ", false));
    }
}

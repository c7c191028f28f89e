//! Which records have a token: an index that grows in order of arrival.
//!
//! Tokens have no order in time. In one tree of all of a day's, each touches a page of its own, and every page that was
//! touched is written twice, to the log and to its place: with 300,000 records in a file that was two thirds of what the store
//! cost. So the tokens of a batch are one sorted run, and runs of about one size become one, as in a log-structured merge tree.
//! A search looks into each run: fewer than [`RUNS_OF_A_TIER`] of each of a few sizes, and the largest; and of a day that is
//! over, into few.
//!
//! A run lies in pieces of about a page. The key of a piece is the number of its run and the first 32 bits of its first token,
//! and tokens that are equal in these lie in one piece: it takes one look to know of a token.

use super::StoreError;
use super::sqlite::database;
use rusqlite::{Connection, OptionalExtension, Transaction};
use std::ops::Range;

/// A token and the id of a record that has it.
pub(super) type Pair = (u128, u128);

/// Adds the tokens of a batch; `pairs` are sorted, and may be more afterwards.
pub(super) fn add(transaction: &Transaction<'_>, pairs: &mut Vec<Pair>) -> Result<(), StoreError> {
    if pairs.is_empty() {
        return Ok(());
    }
    let mut runs = runs(transaction)?;
    let id = runs.last().map_or(0, |run| run.id + 1);
    tidy(pairs);
    while tier(pairs.len()) < LAST_TIER {
        let is_alike = |run: &Run| tier(run.pairs) == tier(pairs.len());
        let alike: Vec<i64> = runs.iter().filter(|run| is_alike(run)).map(|run| run.id).collect();
        if alike.len() + 1 < RUNS_OF_A_TIER {
            break;
        }
        for &run in &alike {
            take(transaction, run, pairs)?;
        }
        runs.retain(|run| !alike.contains(&run.id));
        tidy(pairs);
    }
    write(transaction, id, pairs)
}

/// Makes few runs of many, once a day is over.
pub(super) fn settle(transaction: &Transaction<'_>) -> Result<(), StoreError> {
    let mut runs = runs(transaction)?;
    let Some(id) = runs.last().map(|run| run.id + 1).filter(|_| runs.len() > RUNS_SETTLED) else {
        return Ok(());
    };
    runs.sort_by_key(|run| run.pairs);
    let mut sum = 0;
    runs.retain(|run| {
        sum += run.pairs;
        sum <= SETTLED_PAIRS_MAX
    });
    let mut pairs = Vec::with_capacity(runs.iter().map(|run| run.pairs).sum());
    for run in &runs {
        take(transaction, run.id, &mut pairs)?;
    }
    tidy(&mut pairs);
    write(transaction, id, &pairs)
}

/// The ids of records that have one of the tokens, newest first.
pub(super) fn find(
    connection: &Connection,
    tokens: &[u128],
    ids: &Range<u128>,
) -> Result<Vec<u128>, StoreError> {
    let mut found = Vec::new();
    let mut statement = connection
        .prepare_cached("SELECT pairs FROM token_piece WHERE id BETWEEN ?1 AND ?2 ORDER BY id DESC LIMIT 1")
        .map_err(database)?;
    for run in runs(connection)? {
        for &token in tokens {
            let range = (key(run.id, 0), key(run.id, token));
            let piece =
                |row: &rusqlite::Row<'_>| Ok(row.get_ref(0)?.as_blob().map(|p| with(p, token, &mut found)));
            if let Some(piece) = statement.query_row(range, piece).optional().map_err(database)? {
                piece.map_err(|_| StoreError::Broken)?;
            }
        }
    }
    found.retain(|id| ids.contains(id));
    found.sort_unstable_by(|a, b| b.cmp(a));
    found.dedup();
    Ok(found)
}

/// A token or an id as it is written for people: 32 digits of hex, among dashes.
pub(super) fn number(text: &str) -> Option<u128> {
    uuid::Uuid::try_parse(text).ok().map(|uuid| uuid.as_u128())
}

struct Run {
    id: i64,
    pairs: usize,
}

/// By their numbers.
fn runs(connection: &Connection) -> Result<Vec<Run>, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT id, pairs FROM token_run ORDER BY id").map_err(database)?;
    let run = |row: &rusqlite::Row<'_>| {
        Ok(Run { id: row.get(0)?, pairs: usize::try_from(row.get::<_, i64>(1)?).unwrap_or(0) })
    };
    statement.query_map([], run).and_then(Iterator::collect).map_err(database)
}

/// Runs of one are written as one once there are enough. Those of the first have fewer than 256 pairs, and each other's eight
/// times as many as those of the one below.
fn tier(pairs: usize) -> u32 {
    ((pairs / FIRST_TIER_PAIRS_MIN).max(1).ilog2() / RUNS_OF_A_TIER.ilog2()).min(LAST_TIER)
}

fn tidy(pairs: &mut Vec<Pair>) {
    // Sorted runs behind each other, which a stable sort merges.
    pairs.sort();
    pairs.dedup();
}

/// Removes a run and gives its pairs.
fn take(transaction: &Transaction<'_>, run: i64, pairs: &mut Vec<Pair>) -> Result<(), StoreError> {
    let range = (key(run, 0), key(run, u128::MAX));
    let mut statement = transaction
        .prepare_cached("SELECT pairs FROM token_piece WHERE id BETWEEN ?1 AND ?2 ORDER BY id")
        .map_err(database)?;
    let mut rows = statement.query(range).map_err(database)?;
    while let Some(row) = rows.next().map_err(database)? {
        let piece = row.get_ref(0).map_err(database)?.as_blob().map_err(|_| StoreError::Broken)?;
        pairs.extend(piece.as_chunks().0.iter().map(read));
    }
    drop(rows);
    for (sql, range) in [
        ("DELETE FROM token_piece WHERE id BETWEEN ?1 AND ?2", range),
        ("DELETE FROM token_run WHERE id BETWEEN ?1 AND ?2", (run, run)),
    ] {
        transaction.prepare_cached(sql).and_then(|mut s| s.execute(range)).map_err(database)?;
    }
    Ok(())
}

fn write(transaction: &Transaction<'_>, run: i64, pairs: &[Pair]) -> Result<(), StoreError> {
    transaction
        .prepare_cached("INSERT INTO token_run(id, pairs) VALUES (?1, ?2)")
        .and_then(|mut s| s.execute((run, pairs.len() as i64)))
        .map_err(database)?;
    let mut put =
        transaction.prepare_cached("INSERT INTO token_piece(id, pairs) VALUES (?1, ?2)").map_err(database)?;
    let mut rest = pairs;
    let mut bytes = Vec::with_capacity(PIECE_PAIRS * PAIR_BYTES);
    while let Some(&(first, _)) = rest.first() {
        let mut end = rest.len().min(PIECE_PAIRS);
        let last = |end: usize| rest.get(end - 1).map(|pair| prefix(pair.0));
        while rest.get(end).map(|pair| prefix(pair.0)).is_some_and(|next| Some(next) == last(end)) {
            end += 1;
        }
        let (piece, behind) = rest.split_at(end);
        bytes.clear();
        for (token, id) in piece {
            bytes.extend_from_slice(&token.to_be_bytes());
            bytes.extend_from_slice(&id.to_be_bytes());
        }
        put.execute((key(run, first), &bytes)).map_err(database)?;
        rest = behind;
    }
    Ok(())
}

/// Adds the ids that a piece has for a token.
fn with(piece: &[u8], token: u128, found: &mut Vec<u128>) {
    let (pairs, _) = piece.as_chunks();
    let first = pairs.partition_point(|pair| read(pair).0 < token);
    let equal = pairs.get(first..).unwrap_or_default().iter().map(read).take_while(|pair| pair.0 == token);
    found.extend(equal.map(|pair| pair.1));
}

fn read(pair: &[u8; PAIR_BYTES]) -> Pair {
    let half = |from: usize| {
        pair.get(from..from + 16).and_then(|half| half.try_into().ok()).map_or(0, u128::from_be_bytes)
    };
    (half(0), half(16))
}

/// Of the piece that has the token, if it were its first.
fn key(run: i64, token: u128) -> i64 {
    run << 32 | i64::from(prefix(token))
}

fn prefix(token: u128) -> u32 {
    (token >> 96) as u32
}

const RUNS_OF_A_TIER: usize = 8;
const FIRST_TIER_PAIRS_MIN: usize = 32;
/// Runs of 131,072 pairs (4 MiB) and more stay as they are: what one batch has to wait for is bounded.
const LAST_TIER: u32 = 4;
/// So many take a search little time.
const RUNS_SETTLED: usize = 4;
/// Of what is made one at the end of a day: 32 MiB, which are in memory meanwhile.
const SETTLED_PAIRS_MAX: usize = 1 << 20;
const PAIR_BYTES: usize = 32;
/// So many fill a page.
const PIECE_PAIRS: usize = 126;

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn fresh() -> Connection {
        let connection = Connection::open_in_memory().expect("opens");
        connection.execute_batch(super::super::record_file::SCHEMA).expect("made");
        connection
    }

    fn add_all(connection: &mut Connection, pairs: &[Pair]) {
        let transaction = connection.transaction().expect("begins");
        add(&transaction, &mut pairs.to_vec()).expect("takes");
        transaction.commit().expect("ends");
    }

    /// Numbers that look random, and are the same each time.
    fn numbers() -> impl FnMut() -> u128 {
        let mut state = 7_u128;
        move || {
            state = state.wrapping_mul(0x2360_ED05_1FC6_5DA4_4385_DF64_9FCC_F645).wrapping_add(11);
            state ^ (state >> 64)
        }
    }

    #[test]
    fn every_token_is_found_whatever_runs_it_went_through() {
        let mut next = numbers();
        let mut connection = fresh();
        let mut all: Vec<Pair> = Vec::new();
        // Some tokens are in many records, some have one beginning, and the ends of what there is are tokens, too.
        let common = [0, u128::MAX, 5 << 96, (5 << 96) + 1, (5 << 96) + (1 << 95)];
        for batch in 0..700 {
            let size = if batch % 50 == 0 { 900 } else { (next() % 40) as usize };
            let pairs: Vec<Pair> = (0..size)
                .map(|n| if n % 3 == 0 { (common[n / 3 % common.len()], next()) } else { (next(), next()) })
                .collect();
            add_all(&mut connection, &pairs);
            all.extend(&pairs);
        }
        let runs = runs(&connection).expect("reads");
        assert!((0..LAST_TIER).all(|t| runs.iter().filter(|r| tier(r.pairs) == t).count() < RUNS_OF_A_TIER));
        assert!(runs.iter().any(|run| run.pairs > 4_096), "runs have become one");
        assert_eq!(runs.iter().map(|run| run.pairs).sum::<usize>(), all.len());
        let want = |tokens: &[u128], ids: &Range<u128>| -> Vec<u128> {
            let fit = all.iter().filter(|pair| tokens.contains(&pair.0) && ids.contains(&pair.1));
            fit.map(|pair| pair.1).collect::<BTreeSet<_>>().into_iter().rev().collect()
        };
        let everywhere = 0..u128::MAX;
        for tokens in
            common.iter().chain(all.iter().step_by(97).map(|pair| &pair.0)).map(std::slice::from_ref)
        {
            for ids in [&everywhere, &(1 << 100..1 << 127)] {
                assert_eq!(find(&connection, tokens, ids).expect("reads"), want(tokens, ids));
            }
        }
        assert_eq!(find(&connection, &common, &everywhere).expect("reads"), want(&common, &everywhere));
        let absent = [1, next(), (5 << 96) + 2];
        assert_eq!(find(&connection, &absent, &everywhere).expect("reads"), Vec::<u128>::new());
    }

    /// Runs of which only the size is known: whoever wrote them anew would lose them.
    fn add_large(connection: &Connection, runs: std::ops::Range<i64>, pairs: i64) {
        for id in runs {
            connection.execute("INSERT INTO token_run VALUES (?1, ?2)", (id, pairs)).expect("writes");
        }
    }

    #[test]
    fn once_a_day_is_over_its_tokens_lie_in_few_runs() {
        let mut next = numbers();
        let mut connection = fresh();
        add_large(&connection, 0..1, SETTLED_PAIRS_MAX as i64);
        let pairs: Vec<Pair> = (0..9_000).map(|_| (next(), next())).collect();
        pairs.chunks(100).for_each(|pairs| add_all(&mut connection, pairs));
        let count = |connection: &Connection| runs(connection).expect("reads").len();
        assert!(count(&connection) > RUNS_SETTLED);
        let settle_all = |connection: &mut Connection| {
            let transaction = connection.transaction().expect("begins");
            settle(&transaction).expect("settles");
            transaction.commit().expect("ends");
        };
        settle_all(&mut connection);
        assert_eq!(count(&connection), 2, "not all in one, which would be too large");
        for (token, id) in &pairs {
            assert_eq!(find(&connection, &[*token], &(0..u128::MAX)).expect("reads"), [*id]);
        }
        // A late record isn't worth writing all of it anew.
        add_all(&mut connection, &[(3, 1)]);
        settle_all(&mut connection);
        assert_eq!(count(&connection), 3);
        assert_eq!(find(&connection, &[3], &(0..9)).expect("reads"), [1]);
    }

    #[test]
    fn what_is_added_twice_is_found_once() {
        let mut connection = fresh();
        for _ in 0..20 {
            add_all(&mut connection, &[(3, 1), (3, 2), (3, 1)]);
        }
        assert_eq!(find(&connection, &[3, 3], &(0..9)).expect("reads"), [2, 1]);
    }

    #[test]
    fn large_runs_stay_as_they_are() {
        let mut connection = fresh();
        add_large(&connection, 0..20, 131_072);
        (0..100).for_each(|n| add_all(&mut connection, &[(n, n)]));
        let large = runs(&connection).expect("reads").iter().filter(|run| run.pairs == 131_072).count();
        assert_eq!((large, tier(131_071)), (20, LAST_TIER - 1));
        let found = |n| find(&connection, &[n], &(0..u128::MAX)).expect("reads");
        assert!((0..100).all(|n| found(n) == [n]));
    }

    #[test]
    fn a_piece_that_is_damaged_is_told() {
        let mut connection = fresh();
        add_all(&mut connection, &[(3, 1)]);
        connection.execute("UPDATE token_piece SET pairs = 7", []).expect("spoils");
        assert_eq!(find(&connection, &[3], &(0..9)), Err(StoreError::Broken));
    }
}

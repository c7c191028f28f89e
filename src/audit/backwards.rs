//! The log from its end: the newest events cost the lines that are looked at, and the memory of what is given back.

use super::chain;
use super::log::segments;
use serde_json::Value;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

/// The newest events that fit, newest first, `limit` at most; of those with a number below `before`, where that is given.
/// What can't be read is left out, as [`verify`](super::verify()) tells. Nothing is read behind the last that is given.
///
/// # Errors
/// A file can't be read.
pub fn newest(
    folder: &Path,
    before: Option<u64>,
    limit: usize,
    mut fits: impl FnMut(&Value) -> bool,
) -> io::Result<Vec<Value>> {
    let mut found = Vec::new();
    for path in segments(folder)?.iter().rev() {
        if found.len() >= limit {
            break;
        }
        let file = match File::open(path) {
            Ok(file) => file,
            // Its retention ended just now.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        if before.is_some_and(|before| first(&file).is_some_and(|first| first >= before)) {
            continue;
        }
        each_line(file, &mut |line| {
            if let Ok(line) = chain::open(line, None)
                && before.is_none_or(|before| line.tail.seq < before)
                && fits(&line.value)
            {
                found.push(line.value);
            }
            found.len() < limit
        })?;
    }
    Ok(found)
}

/// The hash of the event with this number; `None` where the log has none that can be read. Nothing before it is read.
pub(super) fn hash_at(folder: &Path, seq: u64) -> io::Result<Option<String>> {
    for path in segments(folder)?.iter().rev() {
        let file = File::open(path)?;
        if first(&file).is_some_and(|first| first > seq) {
            continue;
        }
        let mut found = None;
        each_line(file, &mut |line| {
            let tail = chain::open(line, None).ok().map(|line| line.tail);
            let is_further = tail.as_ref().is_none_or(|tail| tail.seq > seq);
            found = tail.filter(|tail| tail.seq == seq).map(|tail| tail.hash);
            is_further
        })?;
        return Ok(found);
    }
    Ok(None)
}

/// Whether the log begins behind a number: what was before it is past its retention.
pub(super) fn begins_behind(folder: &Path, seq: u64) -> io::Result<bool> {
    let Some(path) = segments(folder)?.into_iter().next() else { return Ok(false) };
    Ok(first(&File::open(path)?).is_some_and(|first| first > seq))
}

/// The number of a file's first event, where it can be read.
fn first(file: &File) -> Option<u64> {
    let mut line = Vec::new();
    BufReader::new(file.take(LINE_BYTES_MAX as u64)).read_until(b'\n', &mut line).ok()?;
    Some(chain::open(line.strip_suffix(b"\n")?, None).ok()?.tail.seq)
}

/// Gives the whole lines of a file from the last to the first, as long as they are wanted. What is appended meanwhile is
/// not read.
fn each_line(mut file: File, wanted: &mut dyn FnMut(&[u8]) -> bool) -> io::Result<()> {
    let mut at = file.metadata()?.len();
    // What was read and belongs to a line whose beginning wasn't.
    let mut rest: Vec<u8> = Vec::new();
    let mut is_torn = true;
    while at > 0 {
        let size = at.min(PIECE_BYTES);
        at -= size;
        file.seek(SeekFrom::Start(at))?;
        let mut bytes = Vec::new();
        (&file).take(size).read_to_end(&mut bytes)?;
        bytes.append(&mut rest);
        let mut end = bytes.len();
        while let Some(newline) = memchr::memrchr(b'\n', bytes.get(..end).unwrap_or_default()) {
            let line = bytes.get(newline + 1..end).unwrap_or_default();
            end = newline;
            // What stands behind the last end of a line was torn, or is just being written.
            if !std::mem::take(&mut is_torn) && !wanted(line) {
                return Ok(());
            }
        }
        bytes.truncate(end);
        // Longer than any line of ours: what it says can't be read, and isn't kept.
        if bytes.len() > LINE_BYTES_MAX {
            bytes.clear();
        }
        rest = bytes;
    }
    if !is_torn {
        wanted(&rest);
    }
    Ok(())
}

const PIECE_BYTES: u64 = 64 << 10;
/// Longer than any line that is ever written.
const LINE_BYTES_MAX: usize = 256 << 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{Audit, Event, events};
    use crate::secrets::SigningKey;

    /// A log of two months, longer than a piece each, and its folder.
    fn filled() -> (tempfile::TempDir, std::path::PathBuf) {
        let dir = tempfile::tempdir().expect("dir");
        let audit = Audit::open(dir.path(), SigningKey::ephemeral().expect("key")).expect("opens");
        let object = "é".repeat(900);
        for n in 0..100 {
            let time = if n < 50 { "2026-10-31T10:00:00Z" } else { "2026-11-01T10:00:00Z" };
            let principal = if n % 10 == 0 { "ann" } else { "bob" };
            let event = Event { time: time.into(), principal, object: &object, ..Event::default() };
            audit.write(&event).expect("writes");
        }
        let folder = audit.folder().to_owned();
        (dir, folder)
    }

    fn seqs(found: &[Value]) -> Vec<u64> {
        found.iter().map(|event| event["seq"].as_u64().expect("a number")).collect()
    }

    #[test]
    fn they_are_the_same_events_from_the_other_end() {
        let (_dir, folder) = filled();
        let mut all = events(&folder).expect("reads");
        all.reverse();
        assert_eq!(newest(&folder, None, 1000, |_| true).expect("reads"), all);
        assert_eq!(seqs(&newest(&folder, Some(53), 4, |_| true).expect("reads")), [52, 51, 50, 49]);
        let ann = newest(&folder, Some(81), 3, |event| event["principal"] == "ann").expect("reads");
        assert_eq!(seqs(&ann), [71, 61, 51]);
        assert!(newest(&folder, Some(1), 10, |_| true).expect("reads").is_empty());
        assert!(newest(&folder, None, 0, |_| panic!("asked for nothing")).expect("reads").is_empty());
    }

    #[test]
    fn no_more_is_read_than_it_takes() {
        let (_dir, folder) = filled();
        // What can't be read at all lies behind.
        std::fs::create_dir(folder.join("2026-09.jsonl")).expect("makes");
        let mut asked = 0;
        let found = newest(&folder, None, 60, |_| {
            asked += 1;
            true
        });
        assert_eq!((found.expect("reads").len(), asked), (60, 60));
        assert!(newest(&folder, None, 1000, |_| true).is_err());
    }

    #[test]
    fn torn_and_spoilt_lines_are_left_out_whatever_their_length() {
        let (_dir, folder) = filled();
        let path = folder.join("2026-11.jsonl");
        let whole = std::fs::read(&path).expect("reads");
        let with = |before: &[u8], behind: &[u8]| {
            std::fs::write(&path, [before, &whole, behind].concat()).expect("writes");
            seqs(&newest(&folder, None, 1000, |_| true).expect("reads"))
        };
        let all: Vec<u64> = (1..=100).rev().collect();
        assert_eq!(with(b"", b"{\"hash\":\"half"), all);
        assert_eq!(with(b"\n\nno line\n", b"\n\n"), all);
        for length in [PIECE_BYTES as usize, LINE_BYTES_MAX * 3] {
            let long = vec![b'x'; length];
            assert_eq!(with(&[&long, b"\n".as_slice()].concat(), &long), all, "{length}");
        }
        std::fs::write(&path, b"").expect("writes");
        assert_eq!(newest(&folder, None, 1, |_| true).expect("reads")[0]["seq"], 50);
    }
}

//! Verifying: every line by itself, each with the one before, the end with the signed head and with what was anchored
//! elsewhere.

use super::Known;
use super::chain::{self, Line, Tail, Wrong};
use super::head::{self, Head};
use super::log::{RETIRED_BEFORE, segments};
use crate::secrets::VerifyingKey;
use serde_json::Value;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

/// What verifying told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Lines that were read.
    pub events: u64,
    /// The first and the last number.
    pub range: Option<(u64, u64)>,
    /// Statements elsewhere that were held against it.
    pub anchors: usize,
    /// What is wrong, a line each; empty: nothing was changed, cut or reordered.
    pub problems: Vec<String>,
    /// What is worth a look, and no sign of a change.
    pub notes: Vec<String>,
    /// What the log says of itself: that events were lost, or that its head was.
    pub told: Vec<String>,
}

/// Verifies the log in `folder` with the public key, and with the file elsewhere where there is one.
///
/// # Errors
/// A file can't be read.
pub fn verify(folder: &Path, key: &VerifyingKey, anchors: Option<&Path>) -> io::Result<Report> {
    verify_by(folder, std::slice::from_ref(key), anchors, &Known::default())
}

/// The same with all keys that it was ever signed with, or the last of them alone: events from before the key was renewed
/// are chained to the event that says so, and [`Report::notes`] tells that no key vouches for them. Held against what the
/// gateway remembers, too.
///
/// # Errors
/// A file can't be read.
pub fn verify_by(
    folder: &Path,
    keys: &[VerifyingKey],
    anchors: Option<&Path>,
    known: &Known,
) -> io::Result<Report> {
    let head = Head::read(folder).unwrap_or(None);
    let against = Against { head: Some(head), anchors, known };
    held_against(folder, keys, &against).map(|held| held.report)
}

/// What a log is held against, besides itself.
pub(super) struct Against<'o> {
    /// The head; `Some(None)`: one that can't be read.
    pub(super) head: Option<Option<Head>>,
    /// The file elsewhere.
    pub(super) anchors: Option<&'o Path>,
    /// What the gateway remembers.
    pub(super) known: &'o Known,
}

impl Against<'_> {
    /// Nothing: the log by itself.
    pub(super) const NONE: Against<'static> =
        Against { head: None, anchors: None, known: &Known { seq: 0, hash: None } };
}

/// What came of it.
pub(super) struct Held {
    pub(super) report: Report,
    /// Where the log ends.
    pub(super) tail: Tail,
    /// The greatest number that anything besides the log says it had.
    pub(super) furthest: u64,
    /// The least number at which the log has another event than something besides it says.
    pub(super) other_at: Option<u64>,
}

/// Verifies a log by itself, and against what else there is.
pub(super) fn held_against(folder: &Path, keys: &[VerifyingKey], against: &Against<'_>) -> io::Result<Held> {
    let Against { head, anchors, known } = against;
    let mut report = Report::default();
    let mut wanted: HashMap<u64, Vec<(String, &'static str)>> = HashMap::new();
    // Numbers and months of what was anchored.
    let mut anchored: Vec<(u64, String)> = Vec::new();
    let is_signed = |head: &Head| keys.iter().any(|key| head.is_signed_by(key));
    let mut stands_at = None;
    let mut furthest: (u64, &'static str) = (0, "");
    // By another key, which may be an earlier one.
    let mut others: Vec<Head> = Vec::new();
    let mut want = |head: Option<Head>, what: &'static str, report: &mut Report| match head {
        Some(head) if is_signed(&head) => {
            if head.seq > furthest.0 {
                furthest = (head.seq, what);
            }
            match what {
                HEAD => stands_at = Some(head.seq),
                _ => anchored.push((head.seq, head.month().to_owned())),
            }
            wanted.entry(head.seq).or_default().push((head.hash, what));
        }
        Some(head) if what == ANCHOR => others.push(head),
        Some(head) => report.problems.push(format!("{what} {} isn't signed by this key", head.seq)),
        None => report.problems.push(format!("{what} can't be read")),
    };
    if let Some(head) = head {
        want(head.clone(), HEAD, &mut report);
    }
    if let Some(path) = anchors {
        for anchor in head::anchors(path)? {
            report.anchors += 1;
            want(anchor, ANCHOR, &mut report);
        }
    }
    if let Some(hash) = &known.hash {
        wanted.entry(known.seq).or_default().push((hash.clone(), KNOWN));
    }
    let mut other_at: Option<u64> = None;
    let mut chain = Chain { first: None, last: None, retired: None, file: None };
    let mut unsigned = Unsigned::default();
    let torn = each_line(folder, &mut |file, number, line| {
        report.events += 1;
        match opened(line, keys) {
            Ok((line, is_signed)) => {
                let problems = report.problems.len();
                chain.follow(&line, file, number, &mut report.problems);
                let follows = report.problems.len() == problems;
                unsigned.follow(&line, is_signed, follows);
                let seq = line.tail.seq;
                let others_there = wanted.get(&seq).into_iter().flatten();
                for (_, what) in others_there.filter(|(hash, _)| *hash != line.tail.hash) {
                    report.problems.push(match *what {
                        KNOWN => format!("replaced: the gateway knew another event {seq} than the log has"),
                        what => format!("{what} {seq} is not what the log says there"),
                    });
                    other_at = Some(other_at.map_or(seq, |at| at.min(seq)));
                }
                report.told.extend(told_by(&line.value));
                // Whoever signed them, they say what stands there: an earlier key's prove nothing, and speak against nothing.
                others.retain(|other| other.seq != seq || is_signed || other.hash != line.tail.hash);
            }
            Err(_) => report.problems.push(format!("{file}:{number}: changed")),
        }
    })?;
    chain.ends_file(&mut report.problems);
    unsigned.tell(&mut report);
    for other in others {
        report.problems.push(format!("{ANCHOR} {} isn't signed by this key", other.seq));
    }
    let last = chain.last.as_ref().map_or(0, |tail| tail.seq);
    if furthest.0 > last {
        report
            .problems
            .push(format!("cut: {} says that the log goes to {}, it ends at {last}", furthest.1, furthest.0));
    }
    if known.seq > last {
        report.problems.push(format!("cut: the gateway knew {} events, the log ends at {last}", known.seq));
    }
    report.problems.extend(torn.into_iter().map(|file| format!("{file}: ends with what is no line")));
    // A stop in between leaves one line that the head doesn't say yet; what is written while this reads isn't in it, either.
    if stands_at.is_some() {
        let now = Head::read(folder).unwrap_or(None).filter(|head| is_signed(head));
        stands_at = stands_at.max(now.map(|head| head.seq));
    }
    if let Some(head) = stands_at.filter(|head| head.saturating_add(1) < last) {
        report.problems.push(format!("the head is an older one: it lags by {} events", last - head));
    }
    report.range = chain.first.as_ref().map(|(tail, _)| (tail.seq, last));
    chain.begins_rightly(&mut report.problems);
    chain.kept_long_enough(&anchored, &mut report.problems);
    let tail = chain.last.unwrap_or_else(Tail::none);
    Ok(Held { report, tail, furthest: furthest.0.max(known.seq), other_at })
}

/// What an event says of the log itself, for whoever verifies it.
fn told_by(event: &Value) -> Option<String> {
    let word = |key: &str| event.get(key).and_then(Value::as_str).unwrap_or_default();
    let seq = event.get("seq").and_then(Value::as_u64)?;
    match word("action") {
        LOST => {
            Some(format!("{seq} says that events were lost, and the log gone on with: {}", word("object")))
        }
        REPAIRED => Some(format!(
            "{seq} says that the head was lost, and signed anew behind {}: what stood behind that before the gateway remembered it is known to nobody but an anchor",
            word("object").split(' ').next().unwrap_or_default()
        )),
        _ => None,
    }
}

/// A line whose bytes are those of its hash, and whether one of the keys signed that.
fn opened(line: &[u8], keys: &[VerifyingKey]) -> Result<(Line, bool), Wrong> {
    match keys.iter().find_map(|key| chain::open(line, Some(key)).ok()) {
        Some(line) => Ok((line, true)),
        None => chain::open(line, None).map(|line| (line, false)),
    }
}

/// Lines that none of the keys signed.
#[derive(Default)]
struct Unsigned {
    /// From and to, of those that nothing accounts for.
    open: Option<(u64, u64)>,
    /// The same of those that come before a signed event which says that the key was made anew: it names the hash of the last
    /// of them, which names that of the one before.
    before_renewal: Option<(u64, u64)>,
    /// Somewhere between them something doesn't follow.
    is_broken: bool,
    /// The event among those that nothing accounts for that says so.
    renewal: Option<u64>,
}

impl Unsigned {
    fn follow(&mut self, line: &Line, is_signed: bool, follows: bool) {
        let word = |key: &str| line.value.get(key).and_then(Value::as_str).unwrap_or_default();
        let renews = word("action") == "renew_secrets" && word("object").split(' ').any(|file| file == KEY);
        let seq = line.tail.seq;
        self.is_broken |= self.open.is_some() && !follows;
        match is_signed {
            true if renews && !self.is_broken => {
                let before = self.open.take();
                self.before_renewal = before
                    .map(|(from, to)| (self.before_renewal.map_or(from, |(first, _)| first), to))
                    .or(self.before_renewal);
                self.renewal = None;
            }
            true => {}
            false => {
                self.open = Some((self.open.map_or(seq, |(from, _)| from), seq));
                self.renewal = self.renewal.or(renews.then_some(seq));
            }
        }
    }

    fn tell(self, report: &mut Report) {
        if let Some((from, to)) = self.before_renewal {
            report.notes.push(format!(
                "{from} to {to} are signed by an earlier key, which was renewed behind them: they follow each other up to there; --key with the earlier public key, too, verifies them"
            ));
        }
        if let Some((from, to)) = self.open {
            let renewed = self.renewal.map(|seq| {
                format!(": {seq} says that it was renewed, and --key takes the later public key, too")
            });
            report.problems.push(format!(
                "not signed by this key: events of {from} to {to}{}",
                renewed.unwrap_or_default()
            ));
        }
    }
}

/// All that a log says, in order; what can't be read is left out, as [`verify`] tells.
///
/// # Errors
/// A file can't be read.
pub fn events(folder: &Path) -> io::Result<Vec<Value>> {
    let mut out = Vec::new();
    let _torn = each_line(folder, &mut |_, _, line| {
        if let Ok(line) = chain::open(line, None) {
            out.push(line.value);
        }
    })?;
    Ok(out)
}

struct Chain {
    first: Option<(Tail, String)>,
    last: Option<Tail>,
    /// How far the log says that it was removed.
    retired: Option<Retired>,
    /// The file that is read, and whether an event in it is of its month.
    file: Option<(String, bool)>,
}

struct Retired {
    seq: u64,
    hash: String,
    /// The first month that was kept; events of earlier versions don't say it.
    before: Option<String>,
}

impl Retired {
    fn of(event: &Value) -> Option<Self> {
        let word = |key: &str| event.get(key).and_then(Value::as_str);
        let (seq, hash) = word("object")?.split_once(' ')?;
        let before = word("reason").and_then(|reason| reason.strip_prefix(RETIRED_BEFORE));
        let before = before.and_then(|rest| rest.get(..7)).map(str::to_owned);
        Some(Self { seq: seq.parse().ok()?, hash: hash.to_owned(), before })
    }
}

impl Chain {
    fn follow(&mut self, line: &Line, file: &str, number: usize, problems: &mut Vec<String>) {
        if line.value.get("action").and_then(Value::as_str) == Some("audit_retired") {
            self.retired = Retired::of(&line.value).or(self.retired.take());
        }
        // A clock that was set back leaves older events in a younger file, and never the other way round.
        let named = file.get(..7).unwrap_or_default();
        if self.file.as_ref().is_some_and(|(before, _)| before != file) {
            self.ends_file(problems);
        }
        let (_, is_of_month) = self.file.get_or_insert_with(|| (file.to_owned(), false));
        *is_of_month |= chain::month(&line.value) == named;
        if chain::month(&line.value) > named {
            problems.push(format!("{file}:{number}: is of a month behind that of its file"));
        }
        match &self.last {
            None => self.first = Some((line.tail.clone(), line.prev.clone())),
            Some(last) if line.tail.seq > last.seq + 1 => {
                problems.push(format!(
                    "{file}:{number}: {} to {} are missing",
                    last.seq + 1,
                    line.tail.seq - 1
                ));
            }
            Some(last) if line.tail.seq <= last.seq => {
                problems.push(format!("{file}:{number}: {} stands behind {}", line.tail.seq, last.seq));
            }
            Some(last) if line.prev != last.hash => {
                problems.push(format!("{file}:{number}: does not follow the line before"));
            }
            Some(_) => {}
        }
        self.last = Some(line.tail.clone());
    }

    /// An event of a month begins its file: one that has none of its own bears another's name, and would be kept for longer or
    /// shorter than it is to be.
    fn ends_file(&mut self, problems: &mut Vec<String>) {
        if let Some((file, false)) = self.file.take() {
            problems.push(format!("{file}: no event in it is of its month"));
        }
    }

    /// A log begins with 1, or behind what it says was removed when its retention was over; before that where the removal
    /// stopped in between, and is gone on with.
    fn begins_rightly(&self, problems: &mut Vec<String>) {
        let Some((first, prev)) = &self.first else { return };
        let before = first.seq.saturating_sub(1);
        let rightly = match &self.retired {
            _ if first.seq == 1 => *prev == Tail::none().hash,
            Some(retired) => before < retired.seq || before == retired.seq && *prev == retired.hash,
            None => false,
        };
        if !rightly {
            problems.push(format!("cut: the log begins at {}, and does not say why", first.seq));
        }
    }

    /// What was anchored and isn't there any more has to be of a month whose retention is over.
    fn kept_long_enough(&self, anchored: &[(u64, String)], problems: &mut Vec<String>) {
        let Some((first, _)) = &self.first else { return };
        let Some(before) = self.retired.as_ref().and_then(|retired| retired.before.as_deref()) else {
            return;
        };
        let gone = anchored.iter().filter(|(seq, month)| *seq < first.seq && month.as_str() >= before);
        for (seq, month) in gone {
            problems
                .push(format!("cut: the anchor {seq} is of {month}, and months from {before} on are kept"));
        }
    }
}

/// Gives every whole line; then the name of the first file that ends with what no stop in the middle of writing leaves.
fn each_line(folder: &Path, each: &mut dyn FnMut(&str, usize, &[u8])) -> io::Result<Option<String>> {
    let mut wrong = None;
    let files = segments(folder)?;
    for path in &files {
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default().to_owned();
        let mut reader = BufReader::new(File::open(path)?);
        let mut line = Vec::new();
        let mut number = 0;
        while reader.read_until(b'\n', &mut line)? > 0 {
            number += 1;
            if line.pop_if(|b| *b == b'\n').is_some() {
                each(&name, number, &line);
            } else if Some(path) != files.last() || !chain::may_begin(&line) {
                // A line that was being written stands at the end of the log; nobody was answered, and the head is not
                // ahead of it.
                wrong.get_or_insert_with(|| name.clone());
            }
            line.clear();
        }
    }
    Ok(wrong)
}

const HEAD: &str = "the head";
const ANCHOR: &str = "the anchor";
const KNOWN: &str = "the gateway";
/// The events that tell of a lost head, and of a loss that was accepted.
pub(super) const REPAIRED: &str = "audit_repaired";
pub(super) const LOST: &str = "audit_lost";
/// The file of the key that signs, as the event names it that tells of a new one.
const KEY: &str = "audit.key";

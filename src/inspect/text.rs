//! Text: what shape detectors find in it, with validators and nearby words.
//!
//! Per rule the matches are leftmost-first and don't overlap; a match that its validator refuses restarts one byte
//! later. Where matches of several rules overlap, the one with most points stays, then the longest.

use super::behind;
use super::check::{Validator, phone};
use super::keyed;
use super::kind::{Kind, Points};
use super::names::words::LOWER_BYTES;
use super::names::{self, window_after, window_before};
use super::rules::{Mode, RawDetector, RuleSet};
use super::scan::{NFA_BYTES_MAX, Rule};
use super::wraps;
use regex_automata::util::syntax;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// A compiled detector.
pub struct Detector {
    /// Stable id.
    pub id: Arc<str>,
    /// What it finds.
    pub kind: Kind,
    pub(in crate::inspect) shape: Arc<Rule>,
    validate: Option<Validator>,
    nearby: Nearby,
    within: usize,
    alone: Points,
    with_nearby: Points,
    unless_before: Nearby,
    /// The same without a full stop behind them.
    barred_behind: Endings,
    around: bool,
    behind: Option<Kind>,
}

/// One match in a text. The matched words stay in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// Bytes of the text.
    pub span: Range<usize>,
    /// What it is.
    pub kind: Kind,
    /// Points for one person.
    pub points: Points,
    /// The rule.
    pub rule: Arc<str>,
    /// Whether words say what it is: by its shape alone, it may be anybody's and anything.
    pub labelled: bool,
}

impl Detector {
    /// The pattern, in regex syntax.
    #[must_use]
    pub fn pattern(&self) -> &str {
        self.shape.pattern()
    }

    /// Compiles one.
    ///
    /// # Errors
    /// What is wrong.
    pub fn compile(raw: RawDetector) -> Result<Self, String> {
        let syntax = syntax::parse(&raw.pattern).map_err(|error| why_no_regex(&error.to_string()))?;
        if syntax.properties().minimum_len().is_none() {
            return Err("can match nothing: no text at all fits the pattern".to_owned());
        }
        let shape = Rule::of(&raw.pattern, &syntax)
            .ok_or_else(|| format!("the pattern compiles to more than {NFA_BYTES_MAX} bytes"))?
            .asking(raw.validate.and_then(Validator::begins));
        if shape.fits_nothing() {
            return Err("can match nothing: the pattern fits the empty text".to_owned());
        }
        for (key, words) in [("nearby", &raw.nearby), ("unless_before", &raw.unless_before)] {
            if words.iter().any(|word| word.is_empty() || word.trim() != word || word.to_lowercase() != *word)
            {
                return Err(format!(
                    "a word of `{key}` can't fire: they are written in lower case, without blanks around"
                ));
            }
        }
        let is_providers = raw.kind == Kind::Provider;
        if !is_providers && raw.points.alone.0 == 0 && (raw.points.nearby.0 == 0 || raw.nearby.is_empty()) {
            return Err("can't fire: no points alone, and none with nearby words".to_owned());
        }
        Ok(Self {
            id: Arc::from(raw.id),
            kind: raw.kind,
            shape: Arc::new(shape),
            validate: raw.validate,
            nearby: Nearby::of(raw.nearby),
            within: raw.within,
            alone: raw.points.alone,
            with_nearby: raw.points.nearby,
            barred_behind: Endings::of(
                raw.unless_before.iter().map(|w| w.trim_end_matches(['.', ' ']).to_owned()).collect(),
            ),
            unless_before: Nearby::of(raw.unless_before),
            around: raw.around,
            behind: raw.behind,
        })
    }

    /// The points of a match, and whether words say what it is.
    fn judge(&self, text: &str, span: Range<usize>, cue: &str, rules: &RuleSet) -> Option<(Points, bool)> {
        let value = text.get(span.clone())?;
        // `1.3.6.1.4.1.21367.2010.1.2.1125`
        if self.kind == Kind::ServiceDate && is_in_an_oid(text, &span) {
            return None;
        }
        if self.validate.is_some_and(|v| !v.passes(value, &rules.words))
            || (self.kind == Kind::Phone && phone::is_toll_free(value))
        {
            return None;
        }
        if self.nearby.is_empty() && self.unless_before.is_empty() {
            return (self.alone.0 > 0 || self.kind == Kind::Provider).then_some((self.alone, true));
        }
        let before = window_before(text, span.start, self.within.max(BEFORE)).to_lowercase();
        let cue = Cow::from(cue);
        let cue = if cue.is_empty() { cue } else { Cow::Owned(cue.to_ascii_lowercase()) };
        // Where nothing stands before the value, the text's own name does.
        let alone = before.trim().is_empty();
        let near = last_words(tail(&before, BEFORE));
        if self.barred_behind.end(near) || alone && !cue.is_empty() && self.unless_before.is_in(&cue) {
            return None;
        }
        let says = |words: &str| self.nearby.is_in(words);
        let nearby = !self.nearby.is_empty()
            && (says(&before)
                || says(&cue)
                || self.around && says(&window_after(text, span.end, self.within).to_lowercase()));
        let points = if nearby { self.with_nearby } else { self.alone };
        // A provider's number counts for nobody; it is told, so that nothing else takes it for a patient's.
        let labelled = nearby || self.nearby.is_empty();
        (points.0 > 0 || self.kind == Kind::Provider).then_some((points, labelled))
    }
}

/// Everything the rules find in `text`, in order of place, without overlaps.
#[must_use]
pub fn scan(text: &str, cue: &str, rules: &RuleSet) -> Vec<Hit> {
    let (mut hits, mut followers) = (Vec::new(), Vec::new());
    if text.len() < SHORTEST {
        return Vec::new();
    }
    // Names of fields stand in lines as they are written.
    let (as_written, joined) = (text, wraps::joined(text));
    let text = &*joined;
    rules.engine.search(text, &mut |number, span| {
        let Some(detector) = rules.detectors.get(number) else { return false };
        if !rules.modes.is_empty() && rules.modes.of(&detector.id) == Mode::Off {
            return false;
        }
        let judged = detector.judge(text, span.clone(), cue, rules);
        if let Some((points, labelled)) = judged {
            let hit = Hit { span, kind: detector.kind, points, rule: detector.id.clone(), labelled };
            match detector.behind {
                Some(kind) => followers.push((kind, hit)),
                None => hits.push((number, hit)),
            }
        }
        judged.is_some()
    });
    hits.sort_by_key(|(number, _)| *number);
    let mut hits: Vec<Hit> = hits.into_iter().map(|(_, hit)| hit).collect();
    keyed::add(as_written, rules, &mut hits);
    let acts = |h: &Hit| rules.modes.is_empty() || rules.modes.of(&h.rule) == Mode::Enforce;
    let mut providers: Vec<Range<usize>> =
        hits.iter().filter(|h| h.kind == Kind::Provider && acts(h)).map(|h| h.span.clone()).collect();
    providers.sort_unstable_by_key(|p| (p.start, p.end));
    // Joined, so that the one that a place can lie in is found at once.
    providers.dedup_by(|next, before| {
        let joins = next.start <= before.end;
        if joins {
            before.end = before.end.max(next.end);
        }
        joins
    });
    hits.retain(|h| {
        let first = providers.partition_point(|p| p.end <= h.span.start);
        h.kind == Kind::Provider || providers.get(first).is_none_or(|p| p.start >= h.span.end)
    });
    // Names have cues of their own: only one that lies in a provider's place is nobody's.
    rules.names.find_small(text, &rules.words, &mut hits);
    let mut names = Vec::new();
    rules.names.find(text, cue, &rules.words, &mut names);
    names.iter_mut().for_each(|hit: &mut Hit| hit.span.start = names::with_particles(text, hit.span.start));
    names.retain(|h| {
        let first = providers.partition_point(|p| p.end <= h.span.start);
        providers.get(first).is_none_or(|p| p.start > h.span.start || h.span.end > p.end)
    });
    hits.append(&mut names);
    behind::add(text, followers, &mut hits, &rules.words);
    keyed::providers::leave(as_written, &mut hits, rules);
    if rules.modes.is_empty() {
        return names::beside(text, without_overlaps(hits), &rules.words);
    }
    // A rule in shadow takes nothing from one that acts.
    hits.retain(|hit| rules.modes.of(&hit.rule) != Mode::Off);
    let (acting, shadow): (Vec<Hit>, Vec<Hit>) =
        hits.into_iter().partition(|hit| rules.modes.of(&hit.rule) == Mode::Enforce);
    let mut hits = names::beside(text, without_overlaps(acting), &rules.words);
    hits.extend(without_overlaps(shadow));
    hits.sort_by_key(|hit| hit.span.start);
    hits
}

/// What is left of what was found in a text that is one piece, where all of it says who writes and who works there.
#[must_use]
pub fn of_whole(text: &str, hits: Vec<Hit>, rules: &RuleSet) -> Vec<Hit> {
    let (piece, mut found) = ([Piece { span: 0..text.len(), log: false }], [hits]);
    names::leave_writers(text, &piece, &mut found, &rules.words);
    let [hits] = found;
    hits
}

/// Whether numbers go on before or behind with a dot between.
fn is_in_an_oid(text: &str, span: &Range<usize>) -> bool {
    let (before, behind) = (text.as_bytes().get(..span.start), text.as_bytes().get(span.end..));
    matches!(before, Some([.., b'0'..=b'9', b'.'])) || matches!(behind, Some([b'.', b'0'..=b'9', ..]))
}

/// What the parser says of a pattern that is no regex: the last line of its account, without the pattern.
fn why_no_regex(account: &str) -> String {
    let why = account.lines().last().unwrap_or_default().trim_start_matches("error: ");
    format!("the pattern is no regex: {why}")
}

/// Whether what is of this kind tells of somebody where it stands in a code or its display: names and places do not.
#[must_use]
pub const fn tells_in_code(kind: Kind) -> bool {
    !matches!(
        kind,
        Kind::Facility
            | Kind::City
            | Kind::Url
            | Kind::FamilyName
            | Kind::GivenName
            | Kind::FullName
            | Kind::Relative
            | Kind::MotherMaidenName
    )
}

/// Whether a rule that tells something in a code matches anywhere in `text`, before it is judged.
#[must_use]
pub fn may_tell(text: &str, rules: &RuleSet) -> bool {
    let mut matches = false;
    if text.len() >= SHORTEST {
        rules.codes.search(text, &mut |_, _| {
            matches = true;
            true
        });
    }
    matches
}

/// How many different words of clinical content `text` has; counts to two and stops. One that tells somebody's health by
/// itself counts as two.
#[must_use]
pub fn clinical_words(text: &str, rules: &RuleSet) -> usize {
    let mut seen: Vec<String> = Vec::new();
    for word in text.split(|c: char| !c.is_alphanumeric() && c != '-').filter(|w| (2..=24).contains(&w.len()))
    {
        if !rules.words.may_be_clinical(word) {
            continue;
        }
        let mut buffer = [0; LOWER_BYTES];
        let Some(slot) = buffer.get_mut(..word.len()) else { continue };
        slot.copy_from_slice(word.as_bytes());
        slot.make_ascii_lowercase();
        let Ok(word) = std::str::from_utf8(slot) else { continue };
        if rules.words.telling.contains(word) {
            return 2;
        }
        if rules.words.is_clinical(word) && !seen.iter().any(|s| *s == word) {
            seen.push(word.to_owned());
            if seen.len() == 2 {
                break;
            }
        }
    }
    seen.len()
}

/// A piece of a text that speaks of one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Bytes of the text.
    pub span: Range<usize>,
    /// Whether it is an entry of a log: then the pieces before and behind tell nothing of it.
    pub log: bool,
}

/// The pieces of a text: paragraphs between blank lines, and entries of logs, which begin at their time stamp.
#[must_use]
pub fn pieces(text: &str) -> Vec<Piece> {
    let mut out: Vec<Piece> = Vec::new();
    let mut open: Option<Piece> = None;
    let mut at = 0;
    while at < text.len() {
        let rest = text.as_bytes().get(at..).unwrap_or_default();
        let end = memchr::memchr(b'\n', rest).map_or(text.len(), |length| at + length + 1);
        let line = text.get(at..end).unwrap_or_default();
        let log = is_log_entry(line);
        if line.trim_start().is_empty() {
            out.extend(open.take());
        } else if log && !(open.is_some() && goes_on(line)) || open.is_none() {
            out.extend(open.replace(Piece { span: at..end, log }));
        } else if let Some(piece) = &mut open {
            piece.span.end = end;
        }
        at = end;
    }
    out.extend(open);
    out
}

/// Whether an entry of a log is of the one before: PostgreSQL writes a statement and its parameters in lines of their own.
fn goes_on(line: &str) -> bool {
    let head = names::window_after(line, 0, ENTRY_HEAD_BYTES_MAX);
    head.contains(":  ") && ["DETAIL:  ", "STATEMENT:  ", "CONTEXT:  "].iter().any(|word| head.contains(word))
}

/// Whether a line begins an entry of a log: a time stamp, an address and a dash, or a JSON object.
fn is_log_entry(line: &str) -> bool {
    let opening = line.bytes().take_while(|b| matches!(b, b'[' | b'"' | b'<' | b' ')).count();
    let line = line.get(opening..).unwrap_or_default();
    if line.starts_with("{\"") {
        return true;
    }
    let bytes = line.as_bytes();
    let may_be_stamp = bytes.first().is_some_and(u8::is_ascii_digit) || bytes.get(3) == Some(&b' ');
    if may_be_stamp && is_stamp(bytes) {
        return true;
    }
    let address = |b: &u8| b.is_ascii_hexdigit() || matches!(b, b'.' | b':');
    let head = line.bytes().take_while(|b| address(b)).count();
    head >= 7
        && line.get(head..).is_some_and(|rest| rest.starts_with(" - "))
        && line.get(..head).is_some_and(|address| address.contains(['.', ':']))
}

/// Whether a line begins with a time stamp as logs have it.
fn is_stamp(line: &[u8]) -> bool {
    let mut shape = [0; STAMP_BYTES];
    let folded =
        shape.iter_mut().zip(line).map(|(slot, b)| *slot = if b.is_ascii_digit() { b'0' } else { *b });
    let length = folded.count();
    let shape = shape.get(..length).unwrap_or_default();
    let iso = shape.starts_with(b"0000-00-00T00:00") || shape.starts_with(b"0000-00-00 00:00");
    let syslog = matches!(shape, [a, b, c, b' ', b' ' | b'0', b'0', b' ', b'0', b'0', b':', b'0', ..]
        if [a, b, c].iter().all(|b| b.is_ascii_alphabetic()));
    iso || syslog
}

fn without_overlaps(mut hits: Vec<Hit>) -> Vec<Hit> {
    if hits.len() < 2 {
        return hits; // as in most texts
    }
    hits.sort_by_key(|h| (std::cmp::Reverse(h.points), std::cmp::Reverse(h.span.len()), h.span.start));
    // By start and free of overlaps, so that only the two neighbours can collide. A tree: a text may have a hit in every
    // few of its bytes, and they come in the order of their points.
    let mut kept: BTreeMap<usize, Hit> = BTreeMap::new();
    for hit in hits {
        let after = kept.range(hit.span.start..).next().is_some_and(|(start, _)| *start < hit.span.end);
        let before =
            kept.range(..hit.span.start).next_back().is_some_and(|(_, k)| k.span.end > hit.span.start);
        if !after && !before {
            kept.insert(hit.span.start, hit);
        }
    }
    kept.into_values().collect()
}

/// Words by one of their bytes, the first or the last: most words of a text have it as none of them.
struct ByByte {
    words: Vec<String>,
    /// Of each byte where the words stand that have it, up to those of the next.
    from: [u32; 257],
}

impl ByByte {
    fn new(mut words: Vec<String>, byte: fn(&[u8]) -> Option<&u8>) -> Self {
        words.retain(|word| !word.is_empty());
        let byte = |word: &String| byte(word.as_bytes()).copied().map_or(0, u16::from);
        words.sort_by_key(byte);
        let mut from = [0; 257];
        for (from, next) in from.iter_mut().zip(0..) {
            let before = words.partition_point(|word| byte(word) < next);
            *from = u32::try_from(before).unwrap_or(u32::MAX);
        }
        Self { words, from }
    }

    /// Those that have this byte.
    #[inline]
    fn of(&self, byte: u8) -> &[String] {
        let [from, to] = [0, 1].map(|next| self.from[usize::from(byte) + next] as usize);
        self.words.get(from..to).unwrap_or_default()
    }
}

/// Words that stand near what a rule finds.
struct Nearby(ByByte);

impl Nearby {
    fn of(words: Vec<String>) -> Self {
        Self(ByByte::new(words, <[u8]>::first))
    }

    fn is_empty(&self) -> bool {
        self.0.words.is_empty()
    }

    /// Whether `text` has a word that begins with one of them.
    fn is_in(&self, text: &str) -> bool {
        let mut goes_on = false;
        text.bytes().enumerate().any(|(at, byte)| {
            let begins = !std::mem::replace(&mut goes_on, byte.is_ascii_alphanumeric());
            let words = if begins { self.0.of(byte) } else { &[] };
            !words.is_empty()
                && text.get(at..).is_some_and(|rest| words.iter().any(|word| rest.starts_with(word.as_str())))
        })
    }
}

/// Words that a text before a value may end with.
struct Endings(ByByte);

impl Endings {
    fn of(words: Vec<String>) -> Self {
        Self(ByByte::new(words, <[u8]>::last))
    }

    /// Whether `before`, as [`last_words`] gives it, ends in one of them.
    fn end(&self, before: &str) -> bool {
        let last = before.as_bytes().last();
        last.is_some_and(|last| self.0.of(*last).iter().any(|word| ends_with_word(before, word)))
    }
}

/// `before` without the blanks, `:`, `=`, `,` at its end, and without a full stop before them.
fn last_words(before: &str) -> &str {
    before.trim_end_matches([' ', ':', '=', '\t', '"', ',', '-']).trim_end_matches('.')
}

/// Whether `before`, as [`last_words`] gives it, ends in the word `w`, which has no full stop at its end.
fn ends_with_word(before: &str, w: &str) -> bool {
    before.strip_suffix(w).is_some_and(|rest| !rest.ends_with(|c: char| c.is_alphanumeric()))
}

fn tail(text: &str, bytes: usize) -> &str {
    window_before(text, text.len(), bytes)
}

/// Shorter texts hold nothing that a detector could find.
const SHORTEST: usize = 4;
/// How far into an entry of a log what it is stands.
const ENTRY_HEAD_BYTES_MAX: usize = 160;
/// Longest head of a line that a time stamp is told by.
const STAMP_BYTES: usize = 16;
/// How far words are looked for that make a value somebody else's.
const BEFORE: usize = 24;

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(&str, &str)> {
        scan(text, "", RuleSet::built_in()).iter().map(|h| (h.kind.as_str(), &text[h.span.clone()])).collect()
    }

    /// Whether `text` has a word that begins with `w`.
    fn has_word(text: &str, w: &str) -> bool {
        let bytes = text.as_bytes();
        let begins = |at: &usize| {
            at.checked_sub(1).and_then(|b| bytes.get(b)).is_none_or(|b| !b.is_ascii_alphanumeric())
        };
        let mut words = (0..bytes.len()).filter(begins).filter_map(|at| text.get(at..));
        words.any(|rest| rest.starts_with(w))
    }

    #[test]
    fn a_nearby_word_is_found_wherever_a_word_begins_with_it() {
        let words = ["ssn", "s", "social security", "dob", "d.o.b", "#", "\u{e9}tat", "id", "\u{ff}"];
        let pieces = [
            "ssn",
            "so",
            "social security",
            "d.o.b",
            "x",
            " ",
            "-",
            "#",
            "\u{e9}tat",
            "i",
            "d",
            "\u{3bf}",
            "9",
        ];
        let mut state = 9_u64;
        let mut below = |n: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).unwrap() % n
        };
        let mut found = 0;
        for _ in 0..3000 {
            let some: Vec<String> = (0..below(4)).map(|_| words[below(words.len())].to_owned()).collect();
            let text: String = (0..below(6)).map(|_| pieces[below(pieces.len())]).collect();
            let expected = some.iter().any(|word| has_word(&text, word));
            assert_eq!(Nearby::of(some.clone()).is_in(&text), expected, "{some:?} in {text:?}");
            let ends = some.iter().any(|word| ends_with_word(&text, word));
            assert_eq!(Endings::of(some.clone()).end(&text), ends, "{some:?} at the end of {text:?}");
            found += usize::from(expected);
        }
        assert!((300..2700).contains(&found), "{found}");
    }

    #[test]
    fn finds_what_a_note_says_of_its_patient() {
        let hits = found(
            "Patient: Harold Brown  MRN: E08738432  DOB: 06/22/1962, call (915) 927-8377, SSN 412-21-3456",
        );
        assert!(hits.contains(&("full-name", "Harold Brown")), "{hits:?}");
        assert!(hits.contains(&("mrn", "E08738432")), "{hits:?}");
        assert!(hits.contains(&("birth-date", "06/22/1962")), "{hits:?}");
        assert!(hits.contains(&("phone", "(915) 927-8377")), "{hits:?}");
        assert!(hits.contains(&("ssn", "412-21-3456")), "{hits:?}");
    }

    #[test]
    fn providers_and_schema_words_are_no_patients() {
        assert_eq!(found("Attending: Dr. Anita Iyer, MD"), []);
        assert_eq!(found("CREATE TABLE patient (mrn VARCHAR(20), last_name VARCHAR(80), dob DATE)"), []);
    }

    #[test]
    fn a_refused_match_restarts_one_byte_later() {
        let hits = found("for Patient John Smith");
        assert!(hits.contains(&("full-name", "John Smith")), "{hits:?}");
    }

    fn cut(text: &str) -> Vec<(String, bool)> {
        pieces(text).into_iter().map(|p| (text[p.span].trim().to_owned(), p.log)).collect()
    }

    #[test]
    fn paragraphs_are_split_at_blank_lines() {
        let parts = cut("one\ntwo\n\nthree\n \n\nfour");
        assert_eq!(
            parts,
            [("one\ntwo", false), ("three", false), ("four", false)].map(|(t, l)| (t.to_owned(), l))
        );
    }

    #[test]
    fn entries_of_logs_are_split_at_their_stamps_and_keep_their_traces() {
        let text = "2024-05-01T10:00:00Z INFO a\n  at b\n2024-05-01 10:00:01 WARN c\n66.1.2.3 - - [01/May/2024] \"GET\"\n{\"ts\":1}\nMay  1 10:00:00 host d: e";
        let parts = cut(text);
        assert_eq!(parts.len(), 5);
        assert!(parts.iter().all(|(_, log)| *log));
        assert_eq!(parts[0].0, "2024-05-01T10:00:00Z INFO a\n  at b");
    }
}

//! What structured fields tell of a person, found again in free text about the same person: `Spoke with Yusuf Sanders`
//! beside a PID. It adds no points, since the field has them; it says where the name stands, and that a text about a
//! made-up person names nobody else.

use super::person::{Keys, is_name, is_number};
use super::{Evidence, PersonId, Scorer};
use crate::inspect::finding::{Counted, Finding, Part};
use crate::inspect::hash::{Keyed, Map};
use crate::inspect::kind::{Kind, Points, Whose};
use crate::inspect::marker::{Judged, Sign};
use crate::inspect::offsets::Runs;
use crate::inspect::rules::Mode;
use crate::inspect::simd::{BLOCK, Sets};
use crate::inspect::text::clinical_words;
use crate::inspect::walk::Role;
use std::collections::HashSet;
use std::ops::Range;
use std::sync::{Arc, LazyLock};

/// A free text of a structured document, kept until every name is known.
pub(super) struct KeptText {
    pub(super) person: PersonId,
    pub(super) text: String,
    /// Where each byte stands in its part; `None` where they run on from `start`.
    pub(super) map: Option<Runs>,
    pub(super) start: usize,
    pub(super) place: String,
    pub(super) part: Part,
    /// Whether its own place in the message can be told: not inside a carrier.
    pub(super) has_place: bool,
    /// What detectors found in it: numbers of evidence, with the bytes of the text.
    pub(super) hits: Vec<(usize, Range<usize>)>,
}

/// What is known of one person.
#[derive(Default)]
struct Known {
    names: HashSet<String, Keyed>,
    numbers: Map<String, Kind>,
    /// How they begin: most words of a text begin otherwise.
    heads: Heads,
}

/// A bit for each pair of letters and digits that a word begins with.
#[derive(Default)]
struct Heads([u64; PAIRS.div_ceil(64)]);

impl Heads {
    fn insert(&mut self, word: &str) {
        match word.as_bytes().first_chunk::<2>().and_then(|[one, other]| pair(*one, *other)) {
            Some(pair) => {
                self.0.iter_mut().skip(pair / 64).take(1).for_each(|bits| *bits |= 1 << (pair % 64))
            }
            None => self.0.fill(u64::MAX), // it may begin any way
        }
    }

    /// Whether a word may be one of them, as it stands or without what isn't a letter or a digit.
    fn may_be(&self, word: &str) -> bool {
        word.as_bytes().first_chunk::<2>().is_none_or(|[one, other]| self.may_begin(*one, *other))
    }

    /// Whether one may begin with these two.
    fn may_begin(&self, one: u8, other: u8) -> bool {
        let has = |pair: usize| self.0.get(pair / 64).is_some_and(|bits| bits >> (pair % 64) & 1 == 1);
        pair(one, other).is_none_or(has)
    }
}

/// The number of two letters or digits; `None` where one isn't ASCII or isn't either.
fn pair(one: u8, other: u8) -> Option<usize> {
    Some(place(one)? * PLACES + place(other)?)
}

/// The place of a letter, in either case, or a digit.
fn place(byte: u8) -> Option<usize> {
    match byte.to_ascii_lowercase() {
        byte @ b'0'..=b'9' => Some(usize::from(byte - b'0')),
        byte @ b'a'..=b'z' => Some(usize::from(byte - b'a') + 10),
        _ => None,
    }
}

const PLACES: usize = 36;
const PAIRS: usize = PLACES * PLACES;

/// One token of a text.
struct Token {
    at: Range<usize>,
    /// Whether it is a known name.
    name: bool,
    /// The kind of the known number that it is.
    number: Option<Kind>,
}

impl Token {
    /// Its letters and digits: asked for beside a known name alone.
    fn folded(&self, text: &str) -> String {
        let mut folded = String::new();
        fold(text.get(self.at.clone()).unwrap_or_default(), &mut folded);
        folded
    }
}

impl KeptText {
    fn raw(&self, at: &Range<usize>) -> Range<usize> {
        let raw = |at: usize| match &self.map {
            None => self.start + at,
            Some(map) => map.origin(at),
        };
        raw(at.start)..raw(at.end)
    }
}

impl Scorer<'_> {
    /// Whether a text is worth keeping: running text, within the budget.
    pub(super) fn keeps(&self, text: &str) -> bool {
        self.kept_bytes + text.len() <= KEPT_BYTES_MAX
            // They stand near each other in all that has any.
            && text.bytes().filter(|byte| *byte == b' ').nth(1).is_some()
    }

    /// Marks those whose health is told by a text about them. `owner` says who each numbered person is.
    pub(super) fn find_clinical(&mut self, owner: &[PersonId]) {
        let who = |person: PersonId| owner.get(person.0 as usize).copied().unwrap_or(person).0 as usize;
        // Of whom texts alone tell, the one that says who it is has to say the other, too.
        let mut by_fields = vec![false; self.people.len()];
        for evidence in self.evidence.iter().filter(|evidence| !evidence.free_text || evidence.whole) {
            if let Some(by_fields) = by_fields.get_mut(evidence.person.0 as usize) {
                *by_fields = true;
            }
        }
        let says_who = |text: &KeptText| {
            let mut told = text.hits.iter().filter_map(|(at, _)| self.evidence.get(*at));
            told.any(|e| e.full >= SAYS_WHO && (is_name(e.kind) || is_number(e.kind)))
        };
        // Whose numbers in it are dummies alone is made up there.
        let is_made_up = |text: &KeptText| {
            let told = text.hits.iter().filter_map(|(at, _)| self.evidence.get(*at));
            let signs = || told.clone().filter(|e| is_number(e.kind) && e.tells).map(|e| e.judged.sign);
            signs().any(|s| s == Sign::Sure) && signs().all(|s| matches!(s, Sign::Sure | Sign::Habit))
        };
        let mut known = vec![false; self.people.len()];
        for (from, draft) in self.people.iter().enumerate() {
            if let Some(known) = known.get_mut(owner.get(from).map_or(from, |to| to.0 as usize)) {
                *known |= draft.clinical;
            }
        }
        let mut found = Vec::new();
        // A comment is about the document.
        for text in self.texts.iter().filter(|text| !text.place.ends_with("comment()")) {
            let to = who(text.person);
            let is_known = known.get(to).copied().unwrap_or(true);
            let is_asked = !is_known && (by_fields.get(to).is_some_and(|f| *f) || says_who(text));
            if is_asked && !is_made_up(text) && clinical_words(&text.text, self.rules) >= 2 {
                known.get_mut(to).into_iter().for_each(|known| *known = true);
                found.push(text.person);
            }
        }
        for person in found {
            self.mark_clinical(person);
        }
    }

    /// Looks for what is known of people in the texts about them. `owner` says who each numbered person is.
    pub(super) fn find_known(&mut self, owner: &[PersonId]) {
        let texts = std::mem::take(&mut self.texts);
        if texts.is_empty() {
            return;
        }
        let who = |person: PersonId| owner.get(person.0 as usize).copied().unwrap_or(person);
        let known = self.known(&who);
        for text in &texts {
            let person = who(text.person);
            let Some(known) = known.get(&person) else { continue };
            let mut first = 0;
            for (at, kind) in known.find(&text.text, &self.rules.words.not_names) {
                self.tell_known(text, person, &at, kind, &mut first);
            }
        }
    }

    fn known(&self, who: &dyn Fn(PersonId) -> PersonId) -> Map<PersonId, Known> {
        let mut known: Map<PersonId, Known> = Map::default();
        for e in self.evidence.iter().filter(|e| !e.free_text && e.person != PersonId::NOBODY) {
            // A relative's name is looked for in the patient's texts, too.
            let of = match self.people.get(e.person.0 as usize).map(|draft| draft.role) {
                Some(Role::RelativeOf(patient)) => Some(who(patient)),
                _ => None,
            };
            for person in [Some(e.person), of].into_iter().flatten() {
                // Of whom neither name nor number is known there is nothing to look for.
                if is_name(e.kind) {
                    let words = e.keys.iter().filter(|w| w.chars().count() > 1).cloned();
                    known.entry(person).or_default().names.extend(words);
                } else if is_number(e.kind) {
                    let long = e.keys.iter().filter(|key| key.len() >= NUMBER_FROM);
                    let long = long.map(|key| (national(key).to_owned(), e.kind));
                    known.entry(person).or_default().numbers.extend(long);
                }
            }
        }
        known.values_mut().for_each(Known::look);
        known
    }

    /// Tells one place; they come in order, as the hits do, and `first` is the first that may still lie at one.
    fn tell_known(
        &mut self,
        text: &KeptText,
        person: PersonId,
        at: &Range<usize>,
        kind: Kind,
        first: &mut usize,
    ) {
        let span = text.raw(at);
        let mut told = false;
        while text.hits.get(*first).is_some_and(|(_, hit)| hit.end <= at.start) {
            *first += 1;
        }
        let ahead = text.hits.get(*first..).unwrap_or_default();
        for (number, hit) in ahead.iter().take_while(|(_, hit)| hit.start < at.end) {
            if at.start < hit.end {
                told = true;
                if at.start <= hit.start
                    && hit.end <= at.end
                    && let Some(evidence) = self.evidence.get_mut(*number)
                {
                    evidence.known = true;
                    if text.has_place {
                        evidence.finding.span = span.clone();
                    }
                }
            }
        }
        if told || !text.has_place {
            return;
        }
        let rule = if kind == Kind::FullName { "text.known-name" } else { "text.known-number" };
        let mode = self.rules.modes.of(rule);
        if mode == Mode::Off {
            return;
        }
        self.evidence.push(Evidence {
            person,
            kind,
            full: Points(0),
            judged: Judged { sign: Sign::None, points: Points(0), generated: false, opaque: false },
            free_text: true,
            whole: false,
            known: true,
            shadow: mode == Mode::Shadow,
            suppressed: false,
            tells: true,
            refers: false,
            record: 0,
            keys: Keys::None,
            finding: Finding {
                rule: Arc::from(rule),
                kind,
                whose: Whose::Any,
                points: Points(0),
                counted: Counted::Yes,
                sign: Sign::None,
                person: None,
                place: text.place.clone(),
                part: text.part,
                span,
            },
        });
    }
}

impl Known {
    /// Where a text says what is known: names that stand together are one.
    fn find(&self, text: &str, not_names: &HashSet<String, Keyed>) -> Vec<(Range<usize>, Kind)> {
        let mut folded = String::new();
        if !self.has_any(text, &mut folded) {
            return Vec::new(); // most texts
        }
        let tokens: Vec<Token> = tokens(text).map(|at| self.token(text, at, &mut folded)).collect();
        let mut found = Vec::new();
        let mut next = 0;
        // Of a text in capitals alone a capital says nothing.
        let has_lower = text.chars().any(char::is_lowercase);
        while let Some(token) = tokens.get(next) {
            if let Some(kind) = token.number {
                found.push((token.at.clone(), kind));
                next += 1;
                continue;
            }
            if !token.name {
                next += 1;
                continue;
            }
            let (last, names) = run(text, &tokens, next);
            let end = tokens.get(last).map_or(token.at.end, |token| token.at.end);
            if names > 1 || (has_lower && tokens.len() > 2 && stands_alone(text, &tokens, next, not_names)) {
                found.push((token.at.start..end, Kind::FullName));
            }
            next = last + 1;
        }
        found
    }

    /// Whether any token of a text is a known name or number; `folded` is a buffer to be used again.
    fn has_any(&self, text: &str, folded: &mut String) -> bool {
        if !text.is_ascii() {
            return tokens(text).any(|at| self.has(text.get(at).unwrap_or_default(), folded));
        }
        let bytes = text.as_bytes();
        let mut open = 0;
        LETTERS.any(bytes, |from, [letters]| {
            let mut begin = letters & !(letters << 1 | open);
            open = letters >> (BLOCK - 1);
            while begin != 0 {
                let at = from + begin.trailing_zeros() as usize;
                begin &= begin - 1;
                if self.may_begin(bytes, at)
                    && token_at(text, at).is_some_and(|token| self.has(token, folded))
                {
                    return true;
                }
            }
            false
        })
    }

    /// Whether what begins there may be one of them, by its first two bytes: none has one letter.
    fn may_begin(&self, bytes: &[u8], at: usize) -> bool {
        match bytes.get(at..) {
            Some([byte, next, ..]) if next.is_ascii_alphanumeric() => {
                *byte == b'1' || self.heads.may_begin(*byte, *next)
            }
            Some([_, next, ..]) => is_inside(char::from(*next)),
            _ => false,
        }
    }

    /// Notes what they begin with.
    fn look(&mut self) {
        for word in self.names.iter().chain(self.numbers.keys()) {
            self.heads.insert(word);
        }
    }

    /// Whether a word may be a known name or number by how it begins: the country's 1 may stand before a number.
    fn may_be(&self, word: &str) -> bool {
        self.heads.may_be(word) || word.starts_with('1')
    }

    /// Whether a token is a known name or number; `folded` is a buffer to be used again.
    fn has(&self, word: &str, folded: &mut String) -> bool {
        if !self.may_be(word) {
            return false;
        }
        let mut is_known = |word: &str| {
            fold(word, folded);
            self.names.contains(folded.as_str()) || self.numbers.contains_key(national(folded))
        };
        is_known(word) || owner(word).is_some_and(is_known)
    }

    fn token(&self, text: &str, mut at: Range<usize>, folded: &mut String) -> Token {
        let word = text.get(at.clone()).unwrap_or_default();
        let may_be = self.may_be(word);
        if may_be {
            fold(word, folded);
        }
        if let Some(owner) = owner(word)
            && !(may_be && self.names.contains(folded.as_str()))
        {
            at.end = at.start + owner.len();
            fold(owner, folded);
        }
        if !may_be {
            return Token { at, name: false, number: None };
        }
        let number = self.numbers.get(national(folded)).copied();
        Token { at, name: self.names.contains(folded.as_str()), number }
    }
}

/// Who has what follows: `Mrs. Brown's`.
fn owner(word: &str) -> Option<&str> {
    ["'s", "’s", "'S"].iter().find_map(|s| word.strip_suffix(s))
}

/// Letters and digits in lower case.
fn fold(word: &str, folded: &mut String) {
    folded.clear();
    if word.is_ascii() {
        let plain = word.bytes().filter(u8::is_ascii_alphanumeric);
        folded.extend(plain.map(|b| char::from(b.to_ascii_lowercase())));
    } else {
        folded.extend(word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase));
    }
}

/// The last token of the name that begins here, and how many of its words are known ones.
fn run(text: &str, tokens: &[Token], first: usize) -> (usize, usize) {
    let (mut last, mut names, mut next) = (first, 1, first + 1);
    while let (Some(before), Some(token)) = (tokens.get(next - 1), tokens.get(next)) {
        let between = text.get(before.at.end..token.at.start).unwrap_or("?");
        if between.len() > 3 || between.chars().any(|c| !matches!(c, ' ' | ',' | '.' | '\u{a0}')) {
            break;
        }
        if token.name {
            (last, names) = (next, names + 1);
        } else if token.folded(text).chars().count() != 1 || last + 1 != next {
            break; // only one initial may stand between
        }
        next += 1;
    }
    (last, names)
}

/// Whether a single known name is meant as one: with a capital inside a sentence, where words have none.
fn stands_alone(text: &str, tokens: &[Token], at: usize, not_names: &HashSet<String, Keyed>) -> bool {
    let Some(token) = tokens.get(at) else { return false };
    let word = text.get(token.at.clone()).unwrap_or_default();
    let capital = word.chars().next().is_some_and(char::is_uppercase);
    let before = text.get(..token.at.start).unwrap_or_default().trim_end();
    let title = at.checked_sub(1).and_then(|at| tokens.get(at)).is_some_and(|token| {
        matches!(token.folded(text).as_str(), "mr" | "mrs" | "ms" | "miss" | "mx" | "dear" | "hi" | "hello")
    });
    let begins = before.is_empty() || before.ends_with(['.', '!', '?', '\n', '>', ':', '•']);
    let dated =
        tokens.get(at + 1).is_some_and(|next| next.folded(text).starts_with(|c: char| c.is_ascii_digit()));
    let folded = token.folded(text);
    capital && folded.chars().count() > 2 && (title || !begins) && !dated && !not_names.contains(&folded)
}

/// Runs of letters, digits and what stands inside names, numbers and addresses.
fn tokens(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let start = find(text, at, |byte| byte.is_ascii_alphanumeric(), char::is_alphanumeric)?;
            let outside = |byte: u8| !(byte.is_ascii_alphanumeric() || is_inside(char::from(byte)));
            let end = find(text, start, outside, |c| !(c.is_alphanumeric() || is_inside(c)));
            at = end.unwrap_or(text.len());
            let word = text.get(start..at)?.trim_end_matches(|c: char| !c.is_alphanumeric());
            if !word.is_empty() {
                return Some(start..start + word.len());
            }
        }
    })
}

/// The token of a text in ASCII that begins at this letter or digit; `None` where another goes on there.
fn token_at(text: &str, at: usize) -> Option<&str> {
    let bytes = text.as_bytes();
    let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || is_inside(char::from(**byte));
    let mut before = bytes.get(..at)?.iter().rev().take_while(is_part);
    if before.any(u8::is_ascii_alphanumeric) {
        return None;
    }
    let length = bytes.get(at..)?.iter().take_while(is_part).count();
    text.get(at..at + length).map(|token| token.trim_end_matches(|c: char| !c.is_alphanumeric()))
}

/// What stands inside names, numbers and addresses.
const fn is_inside(c: char) -> bool {
    matches!(c, '\'' | '’' | '-' | '.' | '@' | '_' | '+')
}

/// The first character from `at` on that is looked for: mostly they are ASCII.
#[inline]
fn find(
    text: &str,
    mut at: usize,
    ascii: impl Fn(u8) -> bool,
    other: impl Fn(char) -> bool,
) -> Option<usize> {
    let bytes = text.as_bytes();
    loop {
        match bytes.get(at)? {
            byte if byte.is_ascii() => {
                if ascii(*byte) {
                    return Some(at);
                }
                at += 1;
            }
            _ => match text.get(at..)?.chars().next()? {
                c if other(c) => return Some(at),
                c => at += c.len_utf8(),
            },
        }
    }
}

/// A number without the country code of the North American plan.
fn national(key: &str) -> &str {
    match key.strip_prefix('1') {
        Some(rest) if rest.len() == 10 && rest.bytes().all(|b| b.is_ascii_digit()) => rest,
        _ => key,
    }
}

/// Letters and digits.
static LETTERS: LazyLock<Sets<1>> = LazyLock::new(|| Sets::new([|b: u8| b.is_ascii_alphanumeric()]));
/// Text that is kept of one message.
const KEPT_BYTES_MAX: usize = 4 << 20;
/// A name or a number that is worth less doesn't say who somebody is.
const SAYS_WHO: Points = Points(40);
/// Shorter numbers are found by chance.
const NUMBER_FROM: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;

    fn found<'t>(text: &'t str, names: &[&str], numbers: &[&str]) -> Vec<&'t str> {
        let mut known = Known {
            names: names.iter().map(|n| (*n).to_owned()).collect(),
            numbers: numbers.iter().map(|n| ((*n).to_owned(), Kind::Mrn)).collect(),
            heads: Heads::default(),
        };
        known.look();
        let not_names = std::iter::once("patient".to_owned()).collect();
        known.find(text, &not_names).into_iter().map(|(at, _)| &text[at]).collect()
    }

    #[test]
    fn what_is_known_is_seen_wherever_it_stands() {
        let mut known = Known {
            names: ["okafor", "obrien", "ok"].into_iter().map(str::to_owned).collect(),
            numbers: std::iter::once(("5554285686".to_owned(), Kind::Mrn)).collect(),
            heads: Heads::default(),
        };
        known.look();
        let mut state = 7_u64;
        let mut below = |n: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).unwrap() % n
        };
        let pieces = [
            "Okafor",
            "okafor's",
            "O'Brien",
            "OK",
            "ok.",
            "k",
            "o",
            "1",
            "1555428",
            "5686",
            "555-428-5686",
            " ",
            " ",
            " ",
            ".",
            "'",
            "-",
            "@",
            ", ",
            "patient",
            "seen in clinic ",
            "ober",
            "é",
        ];
        let mut folded = String::new();
        let mut seen = [0, 0];
        for _ in 0..20_000 {
            let text: String = (0..below(12)).map(|_| pieces[below(pieces.len())]).collect();
            let has = tokens(&text).any(|at| known.has(&text[at], &mut folded));
            assert_eq!(known.has_any(&text, &mut folded), has, "{text}");
            seen[usize::from(has)] += 1;
        }
        assert!(seen.iter().all(|count| *count > 2000), "{seen:?}");
    }

    #[test]
    fn names_that_stand_together_are_one() {
        let names = ["yusuf", "stoneruiz", "obrien", "zoë"];
        assert_eq!(found("Spoke with Yusuf Stone-Ruiz at 2", &names, &[]), ["Yusuf Stone-Ruiz"]);
        assert_eq!(found("pt zoë obrien, called", &names, &[]), ["zoë obrien"]);
        assert_eq!(found("O'BRIEN, ZOË M. WAS SEEN", &names, &[]), ["O'BRIEN, ZOË"]);
        assert_eq!(found("saw Zoë M. O'Brien's chart", &names, &[]), ["Zoë M. O'Brien"]);
    }

    #[test]
    fn one_name_needs_a_capital_inside_a_sentence() {
        let names = ["hope", "may", "patient"];
        assert_eq!(found("Reviewed with Hope by phone", &names, &[]), ["Hope"]);
        assert_eq!(found("Seen today. Mrs. Hope is well", &names, &[]), ["Hope"]);
        for text in [
            "we hope she is well",
            "Hope is all there is",
            "seen in May 2024",
            "the Patient is well",
            "ALL HOPE IS",
        ] {
            assert_eq!(found(text, &names, &[]), [""; 0], "{text}");
        }
    }

    #[test]
    fn numbers_are_found_in_any_punctuation() {
        let numbers = ["5554285686", "3313c5d7"];
        assert_eq!(
            found("(MRN 3313-C5D7) call 555.428.5686 or +15554285686.", &[], &numbers),
            ["3313-C5D7", "555.428.5686", "15554285686"]
        );
    }
}

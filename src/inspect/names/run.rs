//! Runs of capitalised words: where a name could stand, word by word.

use super::list::{Lists, Standing};
use std::ops::Range;

/// One word of a run.
#[derive(Debug, Clone)]
pub(super) struct Word {
    /// Its bytes, with particles before it (`de la Cruz`), without a possessive.
    pub span: Range<usize>,
    /// Where the word itself begins, behind particles.
    pub own: usize,
    /// How it is written.
    pub shape: Shape,
    /// What the lists say of it.
    pub standing: Standing,
    /// Whether a comma parts it from the word before.
    pub comma: bool,
    /// Whether `'s` follows.
    pub possessive: bool,
}

/// How a word is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// `Smith`, `McAllister`, `O'Brien`.
    Title,
    /// `SMITH`.
    Upper,
    /// `J`, `J.` or, where a run begins, `J.R.`.
    Initial,
}

/// Puts the run of words that begins at `start`, a capital letter, in `out`: none where that is no word, at most
/// [`WORDS_MAX`].
pub(super) fn run(text: &str, start: usize, lists: &Lists, out: &mut Vec<Word>) {
    out.clear();
    if let Some(first) = word(text, start, lists) {
        run_from(text, first, lists, out);
    }
}

/// Whether a run is this word alone.
pub(super) fn is_lone(text: &str, first: &Word) -> bool {
    first.possessive || Behind::of(text.as_bytes(), first.span.end, first.shape).is_none()
}

/// Puts the run that begins with `first` in `out`.
pub(super) fn run_from(text: &str, first: Word, lists: &Lists, out: &mut Vec<Word>) {
    out.clear();
    let mut next = Some(first);
    while let Some(found) = next {
        let (end, shape) = (found.span.end, found.shape);
        if found.possessive {
            out.push(found);
            break;
        }
        out.push(found);
        if out.len() == WORDS_MAX {
            break;
        }
        let Some(Behind { at: begin, comma, joined }) = Behind::of(text.as_bytes(), end, shape) else {
            break;
        };
        let named = out.len() == 1 && !comma;
        let begin = begin + if named { nickname(text.get(begin..).unwrap_or_default(), lists) } else { 0 };
        let own = begin + particles(text.as_bytes().get(begin..).unwrap_or_default());
        // `M.D.` behind a name is a credential.
        let is_next = |w: &Word| {
            (!joined || w.shape == Shape::Upper)
                && (w.shape != Shape::Initial || w.span.len() < INITIALS_BYTES_MIN)
        };
        next = word(text, own, lists).filter(is_next).map(|w| Word { span: begin..w.span.end, comma, ..w });
        // A particle before anything but a name word is none.
        if next.as_ref().is_some_and(|w| w.shape == Shape::Initial) && own != begin {
            next = None;
        }
    }
}

/// What stands behind a word of a run, where the run may go on.
struct Behind {
    /// Where its next word may begin.
    at: usize,
    /// Whether a comma parts them.
    comma: bool,
    /// Whether nothing else does.
    joined: bool,
}

impl Behind {
    /// Behind a word of this shape that ends at `end`.
    #[inline]
    fn of(text: &[u8], end: usize, shape: Shape) -> Option<Self> {
        let comma = text.get(end) == Some(&b',');
        let end = end + usize::from(comma);
        let behind = text.get(end..).unwrap_or_default();
        let blanks = behind.iter().take(BLANKS_MAX + 1).take_while(|b| **b == b' ').count();
        // `BROWN,HAROLD J`: banners of records have no blank behind the comma.
        let joined = comma && blanks == 0 && shape == Shape::Upper;
        if !(1..=BLANKS_MAX).contains(&blanks) && !joined {
            return None;
        }
        // Mostly a word without a capital follows, and no particle.
        let next = behind.get(blanks).filter(|b| !b.is_ascii() || may_begin_word(**b))?;
        let is_none = next.is_ascii_lowercase() && particles(behind.get(blanks..).unwrap_or_default()) == 0;
        (!is_none).then_some(Self { at: end + blanks, comma, joined })
    }
}

/// Whether a name could begin at `at`: a capital that nothing word-like, no path and no address goes into.
pub(super) fn may_begin(text: &str, at: usize) -> bool {
    let before = text.get(..at).and_then(|t| t.chars().next_back());
    !before.is_some_and(goes_on)
}

/// Whether what stands behind this character goes on with it.
pub(super) fn goes_on(c: char) -> bool {
    c.is_alphanumeric()
        || matches!(c, '_' | '.' | '/' | '@' | '#' | '$' | '%' | '&' | '^' | '\\' | '-' | '’' | '<')
}

/// The word that begins at `start`, a capital letter.
#[inline]
pub(super) fn word(text: &str, start: usize, lists: &Lists) -> Option<Word> {
    let rest = text.as_bytes().get(start..)?;
    let Some((length, shape)) = plain_word(rest) else { return any_word(text, start, lists) };
    let standing = lists.standing_of_letters(rest, length);
    let span = start..start + length;
    Some(Word { span, own: start, shape, standing, comma: false, possessive: false })
}

/// The same, letter by letter.
fn any_word(text: &str, start: usize, lists: &Lists) -> Option<Word> {
    let rest = text.get(start..)?;
    let mut letters = 0;
    let mut upper = 0;
    let mut digits = 0;
    let mut end = 0;
    let mut last = ' ';
    for (at, c) in rest.char_indices() {
        if at > WORD_BYTES_MAX {
            return None;
        }
        if c.is_alphabetic() {
            if digits > 0 || (at == 0 && !c.is_uppercase()) {
                return None;
            }
            if c.is_uppercase() {
                // A capital inside: `McAllister` and `O'Brien`, not `PatientService`.
                if last.is_lowercase() && !rest.get(..at).is_some_and(is_prefix) {
                    return None;
                }
                upper += 1;
            }
            letters += 1;
        } else if c.is_ascii_digit() {
            digits += 1;
            if digits > TAIL_DIGITS_MAX {
                return None;
            }
        } else if matches!(c, '\'' | '’' | '-')
            && digits == 0
            && rest.get(at + c.len_utf8()..).is_some_and(|t| t.starts_with(char::is_alphabetic))
        {
            let tail = rest.get(at + c.len_utf8()..).unwrap_or_default();
            if c != '-' && ends_possessive(tail) {
                break;
            }
        } else {
            break;
        }
        last = c;
        end = at + c.len_utf8();
    }
    if letters == 0 {
        return None;
    }
    let mut tail = rest.get(end..).unwrap_or_default();
    let possessive = tail.starts_with(['\'', '’']) && ends_possessive(tail.trim_start_matches(['\'', '’']));
    let shape = match letters {
        1 => Shape::Initial,
        n if n == upper => Shape::Upper,
        _ => Shape::Title,
    };
    if shape == Shape::Initial {
        if digits > 0 {
            return None;
        }
        if let Some(behind) = tail.strip_prefix('.') {
            end += 1;
            tail = behind;
            // `J.R. Smith`
            if let [second, b'.', ..] = tail.as_bytes()
                && second.is_ascii_uppercase()
            {
                end += 2;
                tail = tail.get(2..).unwrap_or_default();
            }
        }
    }
    // Part of an address, a path, an identifier, a call or a dotted name.
    let mut after = tail.chars();
    match after.next() {
        Some('@' | '_' | '^' | '\\' | '(' | '[') => return None,
        Some('.' | ':' | '/' | '-') if after.next().is_some_and(char::is_alphanumeric) => return None,
        Some(c) if c.is_alphanumeric() => return None,
        _ => {}
    }
    let standing =
        if shape == Shape::Initial { Standing::default() } else { lists.standing(rest.get(..end)?) };
    Some(Word { span: start..start + end, own: start, shape, standing, comma: false, possessive })
}

/// The length of a word of two letters and more, all ASCII, with nothing inside or behind that has to be looked at: as most
/// words are. `None` says nothing.
fn plain_word(rest: &[u8]) -> Option<(usize, Shape)> {
    let near = rest.get(..WORD_BYTES_MAX).unwrap_or(rest);
    let uppers = near.iter().take_while(|b| b.is_ascii_uppercase()).count();
    let length = uppers + near.iter().skip(uppers).take_while(|b| b.is_ascii_lowercase()).count();
    // A capital behind small letters is of `McAllister`, or of an identifier.
    let ends = match near.get(length) {
        Some(b' ' | b',' | b';' | b'\n' | b'\r' | b'\t' | b')' | b'"' | b'?' | b'!' | b'|' | b'=' | b'<') => {
            true
        }
        Some(b'.' | b':') => rest.get(length + 1).is_none_or(|b| b.is_ascii() && !b.is_ascii_alphanumeric()),
        Some(_) => false,
        None => length == rest.len(),
    };
    let shape = if uppers == length { Shape::Upper } else { Shape::Title };
    (ends && uppers > 0 && length > 1).then_some((length, shape))
}

/// Whether `s` and nothing more of a word: what stands behind a possessive's apostrophe.
fn ends_possessive(tail: &str) -> bool {
    tail.strip_prefix(['s', 'S']).is_some_and(|t| !t.starts_with(char::is_alphanumeric))
}

/// Whether a word of a name, a particle, or a nickname's mark, may begin with a byte of ASCII.
const fn may_begin_word(b: u8) -> bool {
    matches!(
        b,
        b'A'..=b'Z' | b'a' | b'b' | b'd' | b'e' | b'i' | b'l' | b't' | b'v' | b'z' | b'(' | b'"' | b'\''
    )
}

/// How many bytes of a nickname in quotes or brackets `text` begins with, the blank behind it included: `"Annie" `, `(Annie) `.
fn nickname(text: &str, lists: &Lists) -> usize {
    let mut chars = text.char_indices();
    let close = match chars.next() {
        Some((_, '(')) => ')',
        Some((_, '"')) => '"',
        Some((_, '\'')) => '\'',
        Some((_, '“')) => '”',
        Some((_, '‘')) => '’',
        _ => return 0,
    };
    let Some((start, first)) = chars.next() else { return 0 };
    let Some((end, _)) = chars.take(NICKNAME_CHARS_MAX).find(|(_, c)| !c.is_lowercase()) else { return 0 };
    let name = text.get(start..end).unwrap_or_default();
    let behind = text.get(end..).and_then(|t| t.strip_prefix(close)).and_then(|t| t.strip_prefix(' '));
    let standing = lists.standing(name);
    let is_name = first.is_uppercase() && end - start > 2 && (standing.given || !standing.word);
    match behind {
        Some(behind) if is_name && behind.starts_with(char::is_uppercase) => text.len() - behind.len(),
        _ => 0,
    }
}

/// How many bytes of particles `text` begins with, blanks included: `de la `.
fn particles(text: &[u8]) -> usize {
    let mut taken = 0;
    for _ in 0..3 {
        let rest = text.get(taken..).unwrap_or_default();
        let Some(blank) = rest.iter().take(PARTICLE_BYTES_MAX + 1).position(|b| *b == b' ') else { break };
        if !rest.get(..blank).is_some_and(is_particle) {
            break;
        }
        taken += blank + 1;
    }
    taken
}

/// Where a name begins that is found from `start` on, with the particles in small letters before it: `de la Cruz, Ximena`.
pub(in crate::inspect) fn with_particles(text: &str, start: usize) -> usize {
    let mut begin = start;
    let is_upper = |at: usize| {
        let word = text.as_bytes().get(at..).unwrap_or_default();
        word.get(..2).is_some_and(|two| two.iter().all(u8::is_ascii_uppercase))
    };
    for _ in 0..3 {
        let before = text.as_bytes().get(..begin).unwrap_or_default();
        let Some((b' ', head)) = before.split_last() else { break };
        let letters = |small: bool| {
            let letters = head.iter().rev().take(PARTICLE_BYTES_MAX + 1);
            letters.take_while(|b| b.is_ascii_alphabetic() && b.is_ascii_lowercase() == small).count()
        };
        let length = letters(true).max(letters(false));
        let (front, word) = head.split_at(head.len() - length);
        let stands_alone =
            front.last().is_none_or(|b| matches!(b, b' ' | b'\n' | b'\t' | b':' | b'"' | b'(' | b'='));
        let is_one = is_particle(word) && word != b"ten" && !matches!(word, [b'V' | b'D' | b'B' | b'I', ..]);
        if !stands_alone || !(is_one || is_upper_particle(word) && is_upper(begin)) {
            break;
        }
        begin = front.len();
    }
    begin
}

/// Beginnings that a capital may follow inside a word.
fn is_prefix(head: &str) -> bool {
    matches!(
        head,
        "Mc" | "Mac"
            | "De"
            | "Di"
            | "Da"
            | "Du"
            | "La"
            | "Le"
            | "Van"
            | "Von"
            | "Fitz"
            | "St"
            | "O’"
            | "Al"
            | "El"
    )
}

/// Small words between the parts of a name.
fn is_particle(word: &[u8]) -> bool {
    matches!(
        word,
        b"de"
            | b"del"
            | b"della"
            | b"la"
            | b"las"
            | b"los"
            | b"da"
            | b"das"
            | b"dos"
            | b"di"
            | b"du"
            | b"van"
            | b"von"
            | b"der"
            | b"den"
            | b"ter"
            | b"ten"
            | b"bin"
            | b"ibn"
            | b"bint"
            | b"al"
            | b"el"
            | b"le"
            | b"zu"
            | b"af"
            | b"St."
            | b"ST."
            | b"Van"
            | b"Von"
            | b"Der"
            | b"Den"
    ) || is_patronymic(word)
}

/// Particles between an Arabic name and the father's, with a capital.
pub(super) fn is_patronymic(word: &[u8]) -> bool {
    matches!(word, b"Bin" | b"Ibn" | b"Bint" | b"Binti")
}

/// The same in capitals, but those that people are called by as well.
pub(super) fn is_upper_particle(word: &[u8]) -> bool {
    matches!(
        word,
        b"DE" | b"DEL" | b"LA" | b"LAS" | b"LOS" | b"DA" | b"DOS" | b"DI" | b"DU" | b"VAN" | b"VON"
    ) || matches!(word, b"DER" | b"DEN" | b"BIN" | b"IBN")
}

/// How many blanks may part two words.
const BLANKS_MAX: usize = 2;
/// Longest run that is looked at.
const WORDS_MAX: usize = 8;
/// Longest word that may be part of a name.
const WORD_BYTES_MAX: usize = 40;
/// So many bytes two initials have.
const INITIALS_BYTES_MIN: usize = 3;
/// Generators of made-up people put up to so many digits behind a name.
const TAIL_DIGITS_MAX: usize = 4;
/// Longest nickname that is looked for.
const NICKNAME_CHARS_MAX: usize = 16;
/// The longest particle.
const PARTICLE_BYTES_MAX: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let mut out = Vec::new();
        run(text, 0, Lists::built_in(), &mut out);
        out.into_iter().map(|w| text[w.span].to_owned()).collect()
    }

    #[test]
    fn a_run_takes_initials_particles_hyphens_and_suffixes() {
        assert_eq!(words("Maria de la Cruz-Lopez was"), ["Maria", "de la Cruz-Lopez"]);
        assert_eq!(words("Michael D. McAllister (SSN"), ["Michael", "D.", "McAllister"]);
        assert_eq!(words("Omar St. Clair is"), ["Omar", "St. Clair"]);
        assert_eq!(words("O'Brien, Mary"), ["O'Brien", "Mary"]);
        assert_eq!(words("WHITFIELD,HAROLD J"), ["WHITFIELD", "HAROLD", "J"]);
        assert_eq!(words("Whitfield,Harold"), ["Whitfield"]);
        assert_eq!(words("J.R. Whitfield"), ["J.R.", "Whitfield"]);
        assert_eq!(words("Harold Whitfield M.D."), ["Harold", "Whitfield"]);
        assert_eq!(words("Khalid Bin Saleh"), ["Khalid", "Bin Saleh"]);
        assert_eq!(words("Jan Van Der Berg"), ["Jan", "Van Der Berg"]);
        assert_eq!(words("Miguel333 Andersen458."), ["Miguel333", "Andersen458"]);
    }

    #[test]
    fn plain_words_are_read_as_any_other() {
        let heads = ["Maria", "MARIA", "Mc", "JOHNSon", "X", "Ma", "AbC", &"Long".repeat(12), "Núñez", ""];
        let tails = [
            "", " ", ",", ".", ". ", ".x", ".é", ":", ":x", ")", "(", "@", "_", "^", "-x", "'s ", "9", "é",
            "<", "/", "?",
        ];
        for text in heads.iter().flat_map(|head| tails.iter().map(move |tail| format!("{head}{tail}"))) {
            let read = |text: &str| {
                word(text, 0, Lists::built_in())
                    .map(|w| (w.span, w.own, w.shape, w.standing, w.comma, w.possessive))
            };
            let plain = plain_word(text.as_bytes());
            let by_letters = read(&text);
            assert!(plain.is_none() || by_letters.is_some(), "{text}");
            // The same word with a digit behind it is read letter by letter.
            let digit =
                plain.and_then(|(length, _)| read(&format!("{}1{}", &text[..length], &text[length..])));
            if let (Some(plain), Some(mut slow)) = (by_letters, digit) {
                slow.0.end -= 1;
                assert_eq!(plain, slow, "{text}");
            }
        }
    }

    #[test]
    fn a_lone_word_is_a_run_of_one() {
        let lists = Lists::built_in();
        let heads = [
            "Seen",
            "SEEN",
            "Grace",
            "Okafor",
            "BP",
            "Continue",
            "Xq",
            "X",
            "Núñez",
            "CT2",
            "It's",
            "Continue’s",
        ];
        let tails = [
            "",
            " ",
            " today",
            "  Today",
            "   Today",
            ", today",
            ",Today",
            ",TODAY",
            ", de la",
            " (Annie) B",
            ".",
            ". Then",
            " é",
            " \u{C9}va",
            "\nToday",
            " von",
            " von Stein",
            " delta",
            " de",
            " de Boer",
            ", \"Al\" B",
            " 9",
        ];
        let mut lone = 0;
        for text in heads.iter().flat_map(|head| tails.iter().map(move |tail| format!("{head}{tail}"))) {
            let Some(first) = word(&text, 0, lists) else { continue };
            let mut out = Vec::new();
            run(&text, 0, lists, &mut out);
            if is_lone(&text, &first) {
                lone += 1;
                assert!(matches!(out.as_slice(), [only] if only.span == first.span), "{text}");
            }
        }
        assert!(lone > 30, "{lone}");
        for text in ["Grace Okafor", "BP Hope", "Seen Today", "Seen de Boer"] {
            assert!(!word(text, 0, lists).is_some_and(|first| is_lone(text, &first)), "{text}");
        }
    }

    #[test]
    fn particles_before_a_name_are_its_own() {
        for (text, name) in [
            ("Patient: de la Cruz, Ximena", "de la Cruz, Ximena"),
            ("seen: van der Merwe", "van der Merwe"),
            ("code Cruz", "Cruz"),
            ("de  Cruz", "Cruz"),
            ("ten Cruz", "Cruz"),
        ] {
            let start = text.find("Cruz").or_else(|| text.find("Merwe")).expect("there");
            assert_eq!(text.get(with_particles(text, start)..), Some(name), "{text}");
        }
    }

    #[test]
    fn no_particle_is_passed_over_by_its_first_letter() {
        let words = include_str!("run.rs").split(|c: char| !c.is_ascii_alphabetic());
        let particles: Vec<&str> = words.filter(|word| is_particle(word.as_bytes())).collect();
        assert!(particles.len() > 20);
        assert!(particles.iter().all(|word| word.bytes().next().is_some_and(may_begin_word)));
    }

    #[test]
    fn a_nickname_parts_no_name() {
        assert_eq!(words("Anna \"Annie\" Kowalski"), ["Anna", "Kowalski"]);
        assert_eq!(words("Anna (Annie) Kowalski DOB"), ["Anna", "Kowalski", "DOB"]);
        assert_eq!(words("Anna “Annie” Kowalski"), ["Anna", "Kowalski"]);
        assert_eq!(words("Kowalski (Pending) Anna"), ["Kowalski"]);
        assert_eq!(words("Kowalski (MRN) Anna"), ["Kowalski"]);
        assert_eq!(words("Anna (Annie)"), ["Anna"]);
    }

    #[test]
    fn possessives_end_a_run_and_are_no_part_of_it() {
        assert_eq!(words("Smith's Office"), ["Smith"]);
        assert_eq!(words("Children’s Clinic"), ["Children"]);
    }

    #[test]
    fn identifiers_and_addresses_are_no_names() {
        for text in
            ["PatientService", "Patient.name", "Maria@x.org", "Order12345", "Bundle_1", "getName", "Foo:bar"]
        {
            assert_eq!(words(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn a_name_begins_where_no_word_goes_on() {
        assert!(may_begin("\"Maria", 1));
        assert!(!may_begin("/Maria", 1));
        assert!(!may_begin("x.Maria", 2));
    }
}

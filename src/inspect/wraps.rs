//! Wrapped lines: mails, dictations and notes break their lines at a width, through names, dates and numbers. There a line's
//! end is a blank; elsewhere it parts fields, labels and signatures.
//!
//! - A break is a wrap where the next word would not have fitted: the line with it is longer than any of its paragraph.
//! - So is one between a given name and a family name of the lists that its sentence goes on behind.
//! - Lines of columns, labels, code and logs are left.
//! - Cost: two passes; texts without a break are passed over.

use super::names;
use std::borrow::Cow;

/// The text with a blank for each wrap: as long as it was, so that places in it are the same.
#[must_use]
pub(super) fn joined(text: &str) -> Cow<'_, str> {
    let mut joined: Option<Vec<u8>> = None;
    for paragraph in paragraphs(text) {
        let width = paragraph.iter().map(|line| line.letters).max().unwrap_or(0);
        for pair in paragraph.windows(2) {
            let [line, next] = pair else { continue };
            if is_wrap(*line, next.text, width) {
                let bytes = joined.get_or_insert_with(|| text.as_bytes().to_vec());
                let end = line.at + line.text.len();
                bytes.get_mut(end..next.at).unwrap_or_default().fill(b' ');
            }
        }
    }
    match joined.map(String::from_utf8) {
        Some(Ok(joined)) => Cow::Owned(joined),
        _ => Cow::Borrowed(text),
    }
}

/// A line without its end.
#[derive(Clone, Copy)]
struct Line<'t> {
    at: usize,
    text: &'t str,
    letters: usize,
}

/// The lines of each paragraph of several.
fn paragraphs(text: &str) -> impl Iterator<Item = Vec<Line<'_>>> {
    let mut at = 0;
    let several = memchr::memchr(b'\n', text.as_bytes()).is_some();
    let mut lines = text.split_inclusive('\n').take_while(move |_| several).map(move |whole| {
        let text = whole.trim_end_matches(['\n', '\r']);
        let line = Line { at, text, letters: text.chars().count() };
        at += whole.len();
        line
    });
    std::iter::from_fn(move || {
        let first = lines.next()?;
        let mut paragraph = vec![first];
        paragraph.extend(lines.by_ref().take_while(|line| !line.text.trim().is_empty()));
        Some(paragraph)
    })
}

/// Whether a line was broken before the next one to keep the width. What most lines fail is asked first.
fn is_wrap(Line { text: line, letters, .. }: Line<'_>, next: &str, width: usize) -> bool {
    let first = next.split(' ').next().unwrap_or_default();
    let is_full = WIDTHS.contains(&width) && letters + 1 + first.chars().count() > width && is_prose(line);
    (is_full || is_in_a_name(line, next))
        && first.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '(' | '"'))
        && line.ends_with(|c: char| c.is_alphanumeric() || ".,)-".contains(c))
        && !is_labelled(next)
        && memchr::memchr2(b'\t', b'|', next.as_bytes()).is_none()
}

/// Whether a line is of words with one blank between, as columns and code are not.
fn is_prose(line: &str) -> bool {
    line.split(' ').count() >= WORDS_MIN
        && !line.contains("  ")
        && !line.contains(['\t', '|', '{', '}', '=', '<', '>'])
        && line.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '(' | '"'))
}

/// Whether a label begins a line: `Date of birth: `.
fn is_labelled(line: &str) -> bool {
    line.split(' ').take(LABEL_WORDS_MAX).any(|word| word.ends_with(':'))
}

/// Whether a break parts a given name from its family name, by the lists, and the sentence goes on behind that.
fn is_in_a_name(line: &str, next: &str) -> bool {
    let given = line.rsplit(' ').next().unwrap_or_default();
    let Some((family, rest)) = next.split_once(' ') else { return false };
    let is_title = |word: &str| {
        word.starts_with(|c: char| c.is_uppercase()) && word.chars().skip(1).any(char::is_lowercase)
    };
    given.len() < line.len()
        && is_title(given)
        && is_title(family)
        && rest.starts_with(|c: char| c.is_lowercase())
        && names::is_listed_given(given)
        && names::is_listed_family(family)
}

/// Widths that lines are wrapped at.
const WIDTHS: std::ops::RangeInclusive<usize> = 40..=130;
/// Fewer words are a heading, a field or a signature.
const WORDS_MIN: usize = 5;
/// Words of a label.
const LABEL_WORDS_MAX: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_break_that_keeps_the_width_is_a_blank() {
        for text in [
            "This is an addendum to the report of her scan on Linda\nFletcher. After review with Dr. McNulty it stands.",
            "The images were loaded under medical record number\r\n36183328.",
            "I saw Harold\nBrennan today for gout.",
            "Please call me this afternoon at the number below, or\nthree at work, since I am out of my inhaler since March\n14, 2021.",
        ] {
            let joined = joined(text);
            assert_eq!(joined.len(), text.len(), "{text}");
            assert!(!joined.contains(['\n', '\r']), "{joined}");
        }
    }

    #[test]
    fn a_break_that_parts_something_stays() {
        for text in [
            "",
            "\n",
            "Thanks,\nHarold Brown\nNurse Manager",
            "Patient: Harold Brown of Springfield, seen in the clinic today\nDate of birth: 06/22/1962",
            "Harold Brown\n12 Elm Street\nBoston, MA 02115",
            "Name    Record     Room of the ward     Diet\nHarold  36183328   412",
            "| a row of a table | with | several | cells |\n| Harold |",
            "He was seen by nobody on that day at all\n\nHarold Brown came in.",
            "Seen by Harold\nBrown\n",
            "copy of the patients with their id and birth date from it,\n1\tOkonjo\tAdaeze\t1992-03-03",
            "some_call(that, is, longer, than, the, next = 1)\nHarold Brown of it",
            "She is well and was seen by Linda\nFletcher, and went home after a while with her medication list.",
        ] {
            assert!(matches!(joined(text), Cow::Borrowed(_)), "{text}");
        }
    }
}

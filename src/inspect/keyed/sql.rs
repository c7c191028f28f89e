//! Values that a statement of SQL has elsewhere than behind `=`: what a column is like (`first_name LIKE 'Mei%'`), and what is
//! called like a column (`'Tesfaye' AS last_nm, DATE '1987-07-28' AS dob`).
//!
//! Cost: a few bytes at each quote.

use super::value::whole;
use super::{KEY_BYTES_MAX, Told, row_of};
use crate::inspect::names::window_before;
use crate::inspect::rules::RuleSet;

/// Adds what they tell.
pub(super) fn compared<'t>(text: &str, rules: &'t RuleSet, told: &mut Vec<Told<'t>>) {
    let bytes = text.as_bytes();
    for quote in memchr::memchr_iter(b'\'', bytes) {
        let value = match (column_before(text, quote), column_behind(text, quote + 1)) {
            (Some(column), _) => {
                let near = bytes.get(quote + 1..bytes.len().min(quote + 1 + VALUE_BYTES_MAX));
                let end = near.and_then(|near| memchr::memchr(b'\'', near));
                end.map(|end| (column, quote + 1..quote + 1 + end))
            }
            (None, Some(column)) => {
                let before = window_before(text, quote, VALUE_BYTES_MAX);
                before.rfind('\'').map(|at| (column, quote - before.len() + at + 1..quote))
            }
            (None, None) => None,
        };
        let Some((column, mut value)) = value else { continue };
        let Some(field) = row_of(rules, column) else { continue };
        while bytes.get(value.start) == Some(&b'%') && value.start < value.end {
            value.start += 1;
        }
        while value.end > value.start && bytes.get(value.end - 1) == Some(&b'%') {
            value.end -= 1;
        }
        if let Some(span) = whole(text, value, field.kind, column, rules) {
            told.push(Told { span, field });
        }
    }
}

/// The column that what a quote opens is compared with: `last_name LIKE`, `UPPER(p.last_name) ILIKE`.
fn column_before(text: &str, quote: usize) -> Option<&str> {
    let bytes = text.as_bytes();
    let like = quote.checked_sub(LIKE.len()).and_then(|at| bytes.get(at..quote))?;
    if !like.eq_ignore_ascii_case(LIKE) {
        return None;
    }
    let before = window_before(text, quote - LIKE.len(), KEY_BYTES_MAX);
    let before = before.strip_suffix(['i', 'I']).unwrap_or(before).trim_end();
    let before = before.trim_end_matches([')', '"', '`', ']']);
    let from = before.rfind(|c: char| !is_part(c)).map_or(0, |at| at + 1);
    before.get(from..).filter(|column| !column.is_empty())
}

/// The column that what a quote closes is called like: ` AS last_nm`.
fn column_behind(text: &str, at: usize) -> Option<&str> {
    let bytes = text.as_bytes();
    let is_as = bytes.get(at..at + AS.len()).is_some_and(|word| word.eq_ignore_ascii_case(AS));
    if !is_as {
        return None;
    }
    let from = at + AS.len();
    let from = from + usize::from(matches!(bytes.get(from), Some(b'"' | b'`' | b'[')));
    let near = bytes.get(from..bytes.len().min(from + KEY_BYTES_MAX))?;
    let length = near.iter().take_while(|b| is_part(char::from(**b))).count();
    text.get(from..from + length).filter(|column| !column.is_empty())
}

fn is_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

const LIKE: &[u8] = b"like ";
const AS: &[u8] = b" as ";
/// A longer value is none of a person's.
const VALUE_BYTES_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use crate::inspect::kind::Kind;
    use crate::inspect::rules::RuleSet;
    use crate::inspect::text::scan;

    fn told(text: &str) -> Vec<&str> {
        let hits = scan(text, "", RuleSet::built_in());
        let labelled = hits.iter().filter(|hit| hit.rule.starts_with("json.") || hit.kind == Kind::BirthDate);
        labelled.map(|hit| &text[hit.span.clone()]).collect()
    }

    #[test]
    fn what_a_column_is_like_and_what_is_called_like_a_column_is_its_value() {
        for text in [
            "SELECT * FROM patient WHERE UPPER(last_name)='CHAO' AND dob='1972-05-24' AND first_name LIKE 'Mei-Ling%'",
            "select 1 from p where p.last_name ilike '%CHAO%' and upper(dob) like '1972-05-24' and \"first_name\" Like 'Mei-Ling'",
            "MERGE INTO person t USING (SELECT 'CHAO' AS last_nm, DATE '1972-05-24' AS dob, 'Mei-Ling' as \"first_nm\" FROM dual) s",
        ] {
            assert_eq!(told(text), ["CHAO", "1972-05-24", "Mei-Ling"], "{text}");
        }
    }

    #[test]
    fn other_columns_and_prose_tell_nothing() {
        for text in [
            "SELECT * FROM sites WHERE site_name LIKE 'Mei-Ling%' AND status LIKE 'open'",
            "SELECT 'CHAO' AS vendor, 'x' AS kind, '' AS last_nm",
            "it looks like 'Mei-Ling' as first",
            "where first_name like '",
        ] {
            assert_eq!(told(text), [""; 0], "{text}");
        }
    }
}

//! Mailboxes of functions and departments: `pharmacy@`, `druginfo@`, `order-sets@`.

use crate::inspect::names::words::Words;

/// Whether the mailbox of an address is called by words of functions (`words.mailbox-functions`) and nothing else: parted by
/// marks or written together. A word of two letters stands between marks: they are a part of many names.
pub(super) fn is_a_functions(address: &str, words: &Words) -> bool {
    // What stands behind a plus is of the mailbox before it.
    let mailbox = address.split(['@', '+']).next().unwrap_or_default().to_ascii_lowercase();
    let mut parts = mailbox.split(['.', '-', '_']).filter(|part| !part.is_empty()).peekable();
    mailbox.len() <= MAILBOX_BYTES_MAX
        && parts.peek().is_some()
        && parts.all(|part| words.mailboxes.contains(part) || is_of_words(part, words))
}

/// Whether the domain of an address in words (`okafor at mailbox dot org`) may be somebody's: RFC 2606 sets others aside.
pub(super) fn is_spelled(address: &str) -> bool {
    let lower = address.to_ascii_lowercase();
    let words =
        || lower.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').filter(|word| !word.is_empty());
    let Some(at) = words().collect::<Vec<_>>().iter().rposition(|word| *word == "at") else { return false };
    !words().skip(at + 1).any(|label| matches!(label, "example" | "test" | "invalid" | "localhost"))
}

/// Whether a part is two words or more, written together.
fn is_of_words(part: &str, words: &Words) -> bool {
    // Whether words end at each byte.
    let mut ends = vec![false; part.len() + 1];
    for end in JOINED_BYTES_MIN..=part.len() {
        let is_end = (0..=end - JOINED_BYTES_MIN).any(|from| {
            (from == 0 || ends.get(from) == Some(&true))
                && part.get(from..end).is_some_and(|word| words.mailboxes.contains(word))
        });
        if let Some(slot) = ends.get_mut(end) {
            *slot = is_end;
        }
    }
    ends.last() == Some(&true)
}

/// The longest mailbox (RFC 5321, section 4.5.3.1.1).
const MAILBOX_BYTES_MAX: usize = 64;
/// Words that are written together have so many letters.
const JOINED_BYTES_MIN: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::rules::RuleSet;

    #[test]
    fn functions_and_departments_have_mailboxes() {
        let words = &RuleSet::built_in().words;
        for mailbox in [
            "pharmacy",
            "Order-Sets",
            "ordersets",
            "medwatch",
            "nurse_line",
            "allstaff",
            "rx",
            "hr",
            "clinicalcontent",
            "support+x7",
        ] {
            assert!(is_a_functions(&format!("{mailbox}@lakeshore.org"), words), "{mailbox}");
        }
        for mailbox in
            ["jsupport", "john.press", "support.ann", "rxhr", "-", "h", "pharmacy7", "carela", "ann+support"]
        {
            assert!(!is_a_functions(&format!("{mailbox}@lakeshore.org"), words), "{mailbox}");
        }
    }
}

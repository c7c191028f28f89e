//! Sheets of work: who is on call, whom something is escalated to, directories of providers, contacts of vendors, releases to
//! the press; and papers of trade (`INVOICE`, `PO 9222072`, `Vendor: …`). Whoever is named there works there.
//!
//! - A sheet says what it is in its first line, which has nothing else, or before a colon.
//! - Goods and bills go to organisations; each name of such a paper stands behind a label for who minds it (`Attn:`, `Buyer:`).
//! - The whole text is asked: a word for an individual or of his home, what only he has, a mailbox that anybody may have, or
//!   health on a line with a name, and nobody is taken out.
//! - In doubt: an individual's.

use super::beside::{is_contact, is_individuals, is_name, tokens};
use super::words::{LOWER_BYTES, Words, lower};
use super::work::ERRANDS;
use super::{is_listed, window_before};
use crate::inspect::kind::{Kind, Points};
use crate::inspect::text::{Hit, Piece};
use crate::inspect::walk::{is_a_private_mailbox, is_an_organisation};
use std::ops::Range;

/// Takes the names and contacts of who works there out of what was found in each of the pieces of `whole`.
pub(super) fn leave(whole: &str, pieces: &[Piece], found: &mut [Vec<Hit>], words: &Words) {
    let named = |hit: &Hit| is_name(hit.kind) || is_contact(hit.kind);
    if !found.iter().flatten().any(named) {
        return;
    }
    let Some(sheet) = Sheet::of(whole, words) else { return };
    let at = |piece: &Piece, hit: &Hit| piece.span.start + hit.span.start..piece.span.start + hit.span.end;
    let all: Vec<(&Hit, Range<usize>)> = pieces
        .iter()
        .zip(&*found)
        .flat_map(|(piece, hits)| hits.iter().map(move |hit| (hit, at(piece, hit))))
        .collect();
    let is_somebodys = |(hit, span): &(&Hit, Range<usize>)| {
        is_individuals(hit) && !is_name(hit.kind)
            || hit.kind == Kind::Email && is_a_private_mailbox(whole.get(span.clone()).unwrap_or_default())
    };
    if all.iter().any(is_somebodys) || speaks(whole, sheet, &all, words) {
        return;
    }
    let minds = |(hit, span): &(&Hit, Range<usize>)| {
        !is_name(hit.kind) || hit.points < SOMEBODY || is_labelled(whole, span.start)
    };
    if sheet == Sheet::Trade && !(goes_to_organisations(whole) && all.iter().all(minds)) {
        return;
    }
    for hits in found {
        hits.retain(|hit| !named(hit));
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sheet {
    /// Of those who work there.
    Staff,
    Trade,
}

impl Sheet {
    /// What a text says that it is.
    fn of(whole: &str, words: &Words) -> Option<Self> {
        let line = whole.trim_start_matches(['#', '*', '=', '-', ' ', '\n', '\r']).lines().next()?;
        let line = line.get(..line.len().min(HEAD_BYTES_MAX)).unwrap_or_default();
        let head = line.to_lowercase().replace('-', " ");
        let trade = TRADES.iter().any(|trade| {
            let rest = head.strip_prefix(trade).map(|rest| rest.trim_start_matches(['#', ' ', ':']));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(|c: char| c.is_ascii_digit()))
        });
        if trade || SELLERS.iter().any(|seller| head.starts_with(seller)) {
            return Some(Self::Trade);
        }
        let ends = tokens(&head).take(HEAD_WORDS_MAX).map(|(at, word)| at + word.len());
        let is_one = |end: &usize| head.get(..*end).is_some_and(|phrase| words.sheets.contains(phrase));
        let rest = head.get(ends.filter(is_one).last()?..)?.trim();
        // Who is on call in which week: a heading has a date, and no sentence.
        let closes = rest.is_empty() || rest.starts_with([':', '/', ',', '(', '|']);
        let is_alone = !rest.starts_with(':') && whole.trim().contains('\n');
        (closes && (is_alone || rest.len() > 1 || rest == ":" && whole.contains('\n'))).then_some(Self::Staff)
    }
}

/// Whether a text speaks of somebody who is cared for.
fn speaks(whole: &str, sheet: Sheet, all: &[(&Hit, Range<usize>)], words: &Words) -> bool {
    let mut before = "";
    let mut start = 0;
    whole.split_inclusive('\n').any(|line| {
        let own = start..start + line.len();
        start = own.end;
        let named = all
            .iter()
            .any(|(hit, span)| is_name(hit.kind) && hit.points >= SOMEBODY && own.contains(&span.start));
        tokens(line).any(|(at, word)| {
            let place = own.start + at;
            let before = std::mem::replace(&mut before, word);
            // `accepting new patients`, `Fergus McAllister, PT, DPT`
            let anybodys = before.eq_ignore_ascii_case("new") && word.eq_ignore_ascii_case("patients")
                || word == "PT" && line.get(..at).is_some_and(|front| front.ends_with(", "));
            let mut buffer = [0; LOWER_BYTES];
            let word = lower(word, &mut buffer);
            // Who calls about a refill is on no sheet of those who are called.
            let errand = || ERRANDS.contains(&&*word) || words.acts.contains(&*word);
            let told = || words.is_clinical(&word) || words.telling.contains(&*word) || errand();
            let health =
                || !is_a_specialty(&word) && told() && !all.iter().any(|(_, span)| span.contains(&place));
            words.is_individual(&word) && !anybodys
                || sheet == Sheet::Staff && words.at_home.contains(&*word)
                || (sheet == Sheet::Staff || named) && health()
        })
    })
}

/// Whether a word of clinical content is what a department treats.
fn is_a_specialty(word: &str) -> bool {
    word.ends_with("logy") || SPECIALTIES.contains(&word)
}

/// Whether all that is sent and billed goes to organisations, and something does.
fn goes_to_organisations(whole: &str) -> bool {
    let lower = whole.to_ascii_lowercase();
    let found = |labels: &'static [&'static str]| -> Vec<(usize, &str)> {
        labels.iter().flat_map(|label| lower.match_indices(label)).collect()
    };
    // Who sells says of nobody who gets it.
    let sent = found(GOES_TO);
    let labels = if sent.is_empty() { found(SELLERS) } else { sent };
    !labels.is_empty()
        && labels.into_iter().all(|(at, label)| {
            let value = whole.get(at + label.len()..).unwrap_or_default().trim_start_matches([' ', '\t']);
            let value = value.trim_start_matches(['\r', '\n']).lines().next().unwrap_or_default();
            let end = [",", "  ", "\t", "|"].iter().filter_map(|end| value.find(end)).min();
            is_a_company(value.get(..end.unwrap_or(value.len())).unwrap_or_default().trim())
        })
}

/// Whether a name is an organisation's, whatever its first word: `Orion Interface Solutions`.
fn is_a_company(name: &str) -> bool {
    let words: Vec<&str> = name.split(' ').collect();
    let rest = || words.get(1..).unwrap_or_default().join(" ");
    let listed = || words.windows(2).any(|two| is_listed(&two.join(" ")));
    is_an_organisation(name) || words.len() > 2 && !listed() && is_an_organisation(&rest())
}

/// Whether a name stands right behind a label for who minds a paper.
fn is_labelled(whole: &str, at: usize) -> bool {
    let before = window_before(whole, at, HEAD_BYTES_MAX).to_ascii_lowercase();
    let label = before.trim_end_matches(' ').strip_suffix(':').unwrap_or_default();
    MINDS.iter().any(|own| label.ends_with(own))
}

/// What is less likely a name may be a building's.
const SOMEBODY: Points = Points(40);
const HEAD_BYTES_MAX: usize = 120;
const HEAD_WORDS_MAX: usize = 5;
/// How papers of trade begin, before a number; and who sells.
const TRADES: &[&str] = &["invoice", "po", "purchase order"];
const SELLERS: &[&str] = &["vendor:", "supplier:"];
const GOES_TO: &[&str] = &["bill to:", "deliver to:", "ship to:", "sold to:"];
const MINDS: &[&str] = &[
    "account manager",
    "attention",
    "attn",
    "buyer",
    "contact",
    "primary contact",
    "requested by",
    "sales rep",
    "technical contact",
];
/// What departments are called by that no word ending in -logy names.
const SPECIALTIES: &[&str] = &[
    "clinic",
    "dental",
    "dialysis",
    "imaging",
    "medical",
    "medicine",
    "obstetrics",
    "orthopedics",
    "pediatrics",
    "psychiatry",
    "rehab",
    "surgery",
    "therapy",
];

#[cfg(test)]
mod tests {
    use super::super::mail::tests::points;

    #[test]
    fn whoever_a_sheet_of_work_names_is_nobody() {
        for text in [
            "On-call schedule, week of 07/17/2026\nMon\tLinda Sandoval\tcell 641-729-4350",
            "On-call this week\nCardiology: Nadia Brandt 641-729-4350\nIT: Owen Sandoval, owen.sandoval@lakeshore.org",
            "Support escalation matrix\nL1 Help desk 253-234-1486\nL2 Bruno Vasquez 641-729-4350",
            "Vendor contacts: Epic - Bruno Vasquez, 641-729-4350; Cerner - Nadia Brandt, nadia.brandt@lakeshore.org",
            "Find a provider\nBruno Vasquez, DO - Family Medicine\n  2100 Clinch Ave Ste 500, Worcester\n  Phone 337-482-8476  NPI 1139214419\nBrandt, Nadia, PT, DPT    Pediatrics    accepting new patients    559-234-4300",
            "# CODEOWNERS / MAINTAINERS\nBruno Vasquez <bv@lakeshore.org>\nNadia Brandt, Owen Sandoval",
            "Vendor: Orion Interface Solutions\nPrimary contact: Bruno Vasquez\nPhone: 559-746-9441\nAddress: 500 Technology Dr, Suite 300, Tampa, FL 33637",
            "PO 9222072  Vendor: McKesson Medical-Surgical  Ship to: University Hospital Receiving, 2100 Clinch Ave Ste 500\nItem 4410-22 Foley catheter 16Fr qty 40\nBuyer: Bruno Vasquez  641-729-4350",
            "INVOICE #999618\nBill to: Lakeshore Pediatrics\nAttn: Bruno Vasquez, Accounts Payable\n7700 Floyd Curl Dr, Boise\nRemit to: Acme Health Inc, PO Box 4410, Boston MA 02110  Tel 253-637-2757",
        ] {
            assert!(points(text) < 50, "{text}: {}", points(text));
        }
    }

    #[test]
    fn whoever_is_cared_for_stays_one() {
        for text in [
            "On-call schedule\nBruno Vasquez 641-729-4350 chest pain",
            "On-call schedule\nBruno Vasquez 641-729-4350\nThe patient in 4 called.",
            "On-call schedule\nBruno Vasquez 641-729-4350, DOB 04/02/1971",
            "On-call this week saw Bruno Vasquez 641-729-4350",
            "On-call list\nBruno Vasquez 641-729-4350 needs a refill",
            "On-call list\nBruno Vasquez called, 641-729-4350",
            "Call schedule\nBruno Vasquez 641-729-4350, bruno.vasquez@lakeshore.org",
            "Vendor contacts\nBruno Vasquez 641-729-4350, bruno.vasquez@gmail.com",
            "INVOICE #999618\nBill to: Bruno Vasquez\n7700 Floyd Curl Dr, Boise\nPhone: 641-729-4350",
            "INVOICE #999618\nBill to: Lakeshore Pediatrics\nBruno Vasquez\n7700 Floyd Curl Dr, Boise, phone 641-729-4350",
            "INVOICE #999618\nAttn: Bruno Vasquez\n7700 Floyd Curl Dr, Boise, phone 641-729-4350",
            "PO 9222072  Vendor: Orion Solutions  Ship to: Bruno Vasquez, 2100 Clinch Ave\nCatheter 40\nphone 641-729-4350",
        ] {
            assert!(points(text) >= 80, "{text}: {}", points(text));
        }
    }
}

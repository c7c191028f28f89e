//! What somebody answers who was asked for a name, in the next line of a conversation: `bot: What's your name and date of
//! birth?` and below it `you: nomvula dlamini 6/18/51`. People type their names there in small letters.
//!
//! In doubt: no answer. Whoever is asked for the name of something else, or of who works there, tells of no individual.

use super::value::{VALUE_BYTES_MAX, fits};
use super::{Told, row_of};
use crate::inspect::kind::Kind;
use crate::inspect::names::{titled, window_after, window_before};
use crate::inspect::rules::RuleSet;

/// Adds what the answers tell.
pub(super) fn answers<'t>(text: &str, rules: &'t RuleSet, told: &mut Vec<Told<'t>>) {
    for mark in memchr::memchr_iter(b'?', text.as_bytes()) {
        if !text.get(mark + 1..).unwrap_or_default().trim_start_matches([' ', '"', '\r']).starts_with('\n') {
            continue;
        }
        let line = window_before(text, mark, QUESTION_BYTES_MAX).to_lowercase();
        let line = line.rsplit(['\n', '!', '.', ':']).next().unwrap_or_default();
        let words = || line.split(|c: char| !c.is_alphanumeric());
        if !words().any(|word| word == "name") || words().any(|word| OTHERS.contains(&word)) {
            continue;
        }
        let Some(from) = answer(text, mark + 1) else { continue };
        let said = window_after(text, from, VALUE_BYTES_MAX);
        let said = said.split(['\n', '\r']).next().unwrap_or_default().trim_end_matches([' ', '.', '"']);
        let head = HEADS.iter().find_map(|head| {
            let own = said.get(..head.len())?;
            own.eq_ignore_ascii_case(head).then_some(head.len())
        });
        let start = head.unwrap_or(0);
        let digit = said.find(|c: char| c.is_ascii_digit());
        let name = said.get(start..digit.unwrap_or(said.len())).unwrap_or_default();
        let name = name.trim_end_matches([' ', ',', ';', '-', '/']);
        let name = name.strip_suffix("dob").map_or(name, |name| name.trim_end_matches([' ', ',', ';']));
        if name.split(' ').count() >= 2
            && fits(Kind::FullName, &titled(name), "name", rules)
            && let Some(field) = row_of(rules, "patientname")
        {
            let start = from + start;
            told.push(Told { span: start..start + name.len(), field });
            // A date beside it is what was asked for, too.
            let date = digit.and_then(|at| said.get(at..)).unwrap_or_default();
            if fits(Kind::BirthDate, date, "dob", rules)
                && let Some(field) = row_of(rules, "dob")
            {
                let start = from + said.len() - date.len();
                told.push(Told { span: start..start + date.len(), field });
            }
        }
    }
}

/// Where the words of the next turn begin, behind who says them: `user:`, `you>`, `[10:02] Patient:`.
pub(super) fn answer(text: &str, at: usize) -> Option<usize> {
    let rest = window_after(text, at, SPEAKER_BYTES_MAX);
    let line = rest.trim_start_matches([' ', '"', '\r', '\n', '\t']);
    let is_next = rest.get(..rest.len() - line.len()).unwrap_or_default().contains('\n');
    if !is_next {
        return None;
    }
    let mut from = at + rest.len() - line.len();
    let spoken = line.strip_prefix('[').and_then(|own| own.split_once(']')).map_or(line, |(_, own)| own);
    from += line.len() - spoken.len();
    let mark = spoken.find([':', '>'])?;
    let speaker = spoken.get(..mark)?;
    let is_speaker = speaker.chars().all(|c| c.is_alphanumeric() || matches!(c, ' ' | '_' | '-' | '.'))
        && speaker.split_whitespace().count() <= SPEAKER_WORDS_MAX;
    let behind = spoken.get(mark + 1..)?;
    let blanks = behind.len() - behind.trim_start_matches(' ').len();
    is_speaker.then_some(from + mark + 1 + blanks)
}

/// Whose and of what else a name is asked.
const OTHERS: &[&str] = &[
    "doctor",
    "physician",
    "provider",
    "nurse",
    "dentist",
    "pharmacy",
    "pharmacist",
    "insurance",
    "insurer",
    "payer",
    "plan",
    "employer",
    "company",
    "organization",
    "organisation",
    "practice",
    "clinic",
    "hospital",
    "facility",
    "medication",
    "medicine",
    "drug",
    "test",
    "file",
    "user",
    "username",
    "app",
    "channel",
    "interface",
    "server",
    "project",
    "product",
    "device",
    "school",
    "street",
    "city",
    "table",
    "column",
    "field",
    "variable",
    "function",
    "brand",
    "generic",
    "disease",
    "condition",
    "procedure",
    "vendor",
    "agent",
    "rep",
    "manager",
    "team",
];
/// What an answer begins with before the name itself.
const HEADS: &[&str] =
    &["it's ", "it is ", "my name is ", "this is ", "i'm ", "i am ", "sure, ", "yes, ", "hi, "];
const QUESTION_BYTES_MAX: usize = 96;
/// Who speaks, and when: no longer.
const SPEAKER_BYTES_MAX: usize = 64;
const SPEAKER_WORDS_MAX: usize = 3;

#[cfg(test)]
mod tests {
    use crate::inspect::kind::Kind;
    use crate::inspect::rules::RuleSet;
    use crate::inspect::text::scan;

    fn told(text: &str) -> Vec<&str> {
        let hits = scan(text, "", RuleSet::built_in());
        let asked = hits.iter().filter(|hit| matches!(hit.kind, Kind::FullName | Kind::BirthDate));
        asked.map(|hit| &text[hit.span.clone()]).collect()
    }

    #[test]
    fn who_is_asked_for_a_name_answers_with_it() {
        let name = "nomvula dlamini";
        assert_eq!(
            told("assistant: Sure! What's the patient's name and DOB?\nuser: nomvula dlamini 6/18/51\n"),
            [name, "6/18/51"]
        );
        assert_eq!(told("bot> What is your name?\nyou> nomvula dlamini\nbot> Thanks."), [name]);
        assert_eq!(
            told("[10:02] Agent: may I have your full name?\n[10:03] Caller: it's nomvula dlamini."),
            [name]
        );
    }

    #[test]
    fn who_is_asked_for_another_name_or_says_something_else_tells_of_nobody() {
        for text in [
            "bot: What is the name of your pharmacy?\nuser: nomvula dlamini",
            "bot: What is your name?\nuser: why do you ask",
            "bot: What is your name?\nnomvula dlamini joined the channel",
            "bot: Is that right?\nuser: nomvula dlamini",
            "bot: What is your name?",
        ] {
            assert_eq!(told(text), [""; 0], "{text}");
        }
    }
}

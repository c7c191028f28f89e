//! HL7v2 by its own separators.

use super::asked::{Question, SAID_BYTES_MAX, is_doubtful, is_in_years, is_over_89, per_year};
use super::leaf::{Notation, Pieces, Redactor, fixed, leaf};
use super::operators::AGE_OVER;
use crate::inspect::finding::UninspectedReason;
use crate::inspect::walk::hl7v2;
use crate::record::packed::Word;

impl Redactor<'_> {
    /// HL7v2 by its own separators: known segment names and separators stay.
    pub(super) fn hl7v2(&self, doc: &[u8], out: &mut Pieces) {
        let start = doc.windows(3).position(|w| matches!(w, b"MSH" | b"FHS" | b"BHS")).unwrap_or(0);
        let Some((marks, _)) = hl7v2::Separators::declared(doc.get(start..).unwrap_or_default()) else {
            return out.unread(doc.len(), UninspectedReason::Malformed.as_str(), None);
        };
        let field = marks.field;
        let syntax = [Some(field), Some(marks.component), marks.repetition, marks.subcomponent, marks.escape];
        out.notation(Notation::Joined(syntax.into_iter().flatten().collect()));
        let splits = |b: u8| {
            b == field || b == marks.component || [marks.repetition, marks.subcomponent].contains(&Some(b))
        };
        let declared = 2 + [marks.repetition, marks.escape, marks.subcomponent, marks.truncation]
            .iter()
            .filter(|m| m.is_some())
            .count();
        let ends = |b: u8| matches!(b, b'\r' | b'\n');
        let mut at = start;
        while at < doc.len() {
            let rest = doc.get(at..).unwrap_or_default();
            let line = rest.iter().position(|b| ends(*b)).unwrap_or(rest.len());
            let segment = rest.get(..line).unwrap_or_default();
            let name_end = segment.iter().position(|b| *b == field).unwrap_or(segment.len());
            let name = segment.get(..name_end).and_then(|n| std::str::from_utf8(n).ok()).unwrap_or_default();
            let is_header = matches!(name, "MSH" | "FHS" | "BHS");
            if hl7v2::is_known_segment(name) {
                out.text(name);
            } else if name_end > 0 {
                // A name that a segment of somebody's own may have: a reader takes no other.
                out.leaf(fixed("ZZZ"));
            }
            let mut from = name_end;
            if is_header {
                // The separators themselves, which are no values.
                for b in segment.iter().skip(name_end).take(declared) {
                    out.text(char::from(*b).encode_utf8(&mut [0; 4]));
                }
                from = (name_end + declared).min(segment.len());
            }
            let is_result = name == "OBX";
            let (mut value, mut number, mut asked_for) = (from, 0, None::<Asked>);
            for i in from..=segment.len() {
                let separator = segment.get(i).copied().filter(|b| splits(*b));
                if separator.is_some() || i == segment.len() {
                    if i > value {
                        let raw = segment.get(value..i).unwrap_or_default();
                        let shown = self.shown(at + value..at + i, Word::Text);
                        // Of what is kept alone it is asked whether it may be.
                        let is_answer = is_result && number == 5 && shown.token.is_none();
                        let kept = Some(shown.masked)
                            .filter(|masked| is_answer && masked.as_bytes() == raw && is_doubtful(masked));
                        let instead = kept.and_then(|value| {
                            let asked = || Asked::of(segment, field, marks.component);
                            asked_for.get_or_insert_with(asked).instead(value)
                        });
                        out.leaf(match instead {
                            Some(instead) => self.kept(leaf(Word::Text, raw.len(), instead), raw),
                            None => shown,
                        });
                    }
                    if let Some(b) = separator {
                        number += u32::from(b == field);
                        out.text(char::from(b).encode_utf8(&mut [0; 4]));
                    }
                    value = i + 1;
                }
            }
            at += line;
            while doc.get(at).is_some_and(|b| ends(*b)) {
                out.text(if doc.get(at) == Some(&b'\r') { "\r" } else { "\n" });
                at += 1;
            }
        }
        out.notation(Notation::Plain);
    }
}

/// What an OBX asks for: by the question of OBX-3, and of what unit by OBX-6. Told once for all values of OBX-5.
struct Asked {
    question: Question,
    in_years: bool,
    per_year: Option<f64>,
}

impl Asked {
    fn of(segment: &[u8], field: u8, component: u8) -> Self {
        let fields: Vec<&[u8]> = segment.splitn(8, |b| *b == field).collect();
        let components = |number: usize| {
            let field = fields.get(number).copied().unwrap_or_default();
            let head = field.get(..field.len().min(SAID_BYTES_MAX)).unwrap_or_default();
            head.split(move |b| *b == component).filter_map(|text| std::str::from_utf8(text).ok())
        };
        Self {
            question: Question::of(components(3))
                .or_cut(fields.get(3).is_some_and(|asked| asked.len() > SAID_BYTES_MAX)),
            in_years: components(6).next().is_some_and(is_in_years),
            per_year: components(6).find_map(per_year),
        }
    }

    /// What stands for a number of OBX-5: an age over 89, or a number of somebody's.
    fn instead(&self, value: &str) -> Option<&'static str> {
        if self.in_years && is_over_89(value) {
            return Some(AGE_OVER);
        }
        self.question.instead(value, self.per_year)
    }
}

//! A value and where it stands: parts of it keep their places in the raw bytes.

use crate::inspect::offsets::{self, Escapes};
use crate::inspect::walk::json::Origins;
use crate::inspect::walk::shape::undone;
use crate::inspect::walk::xml::Tape;
use std::borrow::Cow;
use std::ops::Range;

/// A value of a tape, or a part of one.
#[derive(Clone)]
pub(super) struct Value<'t> {
    tape: &'t dyn Origins,
    decoded: Cow<'t, str>,
    /// In the text of the tape.
    written: Range<usize>,
    /// For each byte of the value its place in the text behind the start; `None`: the same.
    map: Option<offsets::Runs>,
    /// Of a component: what tells its type and who gave it out.
    beside: Option<(String, String)>,
}

impl<'t> Value<'t> {
    pub(super) fn of(tape: &'t Tape<'_>, written: Range<usize>, escaped: bool) -> Self {
        let raw = tape.text().get(written.clone()).unwrap_or_default();
        let decoded = if escaped { Cow::Owned(undone(raw)) } else { Cow::Borrowed(raw) };
        let map = escaped.then(|| offsets::runs(raw.as_bytes(), &decoded, Escapes::Xml));
        Self { tape, decoded, written, map, beside: None }
    }

    pub(super) fn decoded(&self) -> &str {
        &self.decoded
    }

    /// The raw bytes in the document.
    pub(super) fn span(&self) -> Range<usize> {
        self.tape.origin(self.written.start)..self.tape.origin(self.written.end)
    }

    /// What tells the type of a component.
    pub(super) fn types(&self) -> Vec<String> {
        self.beside.iter().map(|(kind, _)| kind.clone()).filter(|kind| !kind.is_empty()).collect()
    }

    /// Who gave out the id that a component is.
    pub(super) fn system(&self) -> Option<&str> {
        self.beside.as_ref().map(|(_, system)| system.as_str())
    }

    /// `'id^^^&1.2.3&ISO'`: the id.
    pub(super) fn component(self) -> Self {
        let text = self.decoded();
        let start = text.len() - text.trim_start_matches(['\'', '(', ' ']).len();
        let rest = text.get(start..).unwrap_or_default();
        let end = start + rest.find(['^', '\'']).unwrap_or(rest.len());
        self.part(start..end)
    }

    /// `tel:+1608…`: what stands behind the scheme.
    pub(super) fn without_scheme(self) -> Self {
        let text = self.decoded();
        let start = ["tel:", "mailto:", "fax:", "sms:"]
            .iter()
            .find(|scheme| text.get(..scheme.len()).is_some_and(|head| head.eq_ignore_ascii_case(scheme)))
            .map_or(0, |scheme| scheme.len());
        let end = text.len();
        if start == 0 { self } else { self.part(start..end) }
    }

    /// `PID-5|Doe^Ann`: what stands before the bar, and each component with its word, `PID-5.1`.
    pub(super) fn pid(&self) -> (Option<Self>, Vec<(String, Self)>) {
        let text = self.decoded();
        let Some((label, field)) = text.split_once('|') else {
            return (None, vec![(String::new(), self.clone())]);
        };
        let known = label.trim();
        let mut parts = Vec::new();
        let mut at = label.len() + 1;
        for repetition in field.split('~') {
            let components: Vec<&str> = repetition.split('^').collect();
            let beside = |number: usize| components.get(number).copied().unwrap_or_default().to_owned();
            let system = beside(3);
            let system = system.split('&').nth(1).unwrap_or(&system).to_owned();
            for (number, component) in components.iter().enumerate() {
                if !component.is_empty() {
                    let mut part = self.part(at..at + component.len());
                    part.beside = Some((beside(4), system.clone()));
                    parts.push((format!("{known}.{}", number + 1), part));
                }
                at += component.len() + 1;
            }
        }
        (Some(self.part(0..label.len())), parts)
    }

    fn part(&self, part: Range<usize>) -> Self {
        let text = self.decoded.get(part.clone()).unwrap_or_default();
        let place = |at: usize| match &self.map {
            Some(map) => map.origin(at),
            None => at,
        };
        let (start, end) = (place(part.start), place(part.end));
        Self {
            tape: self.tape,
            decoded: Cow::Owned(text.to_owned()),
            written: self.written.start + start..self.written.start + end,
            map: self.map.as_ref().map(|map| {
                offsets::Runs::sampled(text, &|at| map.origin(part.start + at).saturating_sub(start))
            }),
            beside: None,
        }
    }
}

//! Changes, taken over into the rules as written, one by one.

use super::change::{DetectorChange, Edit, FieldChange, ListChange, OwnCases, What};
use super::raw::{Raw, RawDetector, forty, is_known_format, retired};
use crate::inspect::field::Field;
use crate::inspect::kind::{Redact, Whose};
use crate::inspect::marker::MarkerList;
use crate::inspect::names::words::WordList;

impl Raw {
    /// Takes one change over.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn change(&mut self, edit: &Edit) -> Result<(), String> {
        let id = edit.id.as_str();
        if edit.mode.is_none() && edit.cases == OwnCases::default() && edit.what.is_empty() {
            return Err("there is nothing but an id: it would change nothing".to_owned());
        }
        match &edit.what {
            What::Detector(change) => self.change_detector(id, change)?,
            What::Field(change) => self.change_field(id, change)?,
            What::Marker(change) => self.change_marker(id, change)?,
            What::Words(change) => self.change_words(id, change)?,
            What::Weight(points) => {
                let weight = self.weights.iter_mut().find(|weight| weight.id == id);
                let weight = weight.ok_or("there is no such weight")?;
                weight.points = points.ok_or("wanted: points = …")?;
                self.changed.insert("markers");
            }
            What::Threshold(value) => {
                let threshold = self.thresholds.iter_mut().find(|threshold| threshold.id == id);
                let threshold = threshold.ok_or("there is no such threshold")?;
                threshold.value = value.ok_or("wanted: value = …")?;
                threshold.passes = threshold.value - u32::from(!threshold.id.starts_with("threshold.bulk-"));
                threshold.finds = threshold.passes + 1;
            }
        }
        let number = matches!(edit.what, What::Weight(_) | What::Threshold(_));
        if number && edit.cases != OwnCases::default() {
            return Err("a number keeps its cases".to_owned());
        }
        let Some(mode) = edit.mode else { return Ok(()) };
        if let Some(why) = self.without_mode(id) {
            return Err(why.to_owned());
        }
        self.modes.set(id, mode);
        Ok(())
    }

    fn change_detector(&mut self, id: &str, change: &DetectorChange) -> Result<(), String> {
        if let Some(rule) = self.names.iter_mut().find(|rule| rule.id == id) {
            let DetectorChange { about: None, source: None, points, .. } = change else {
                return Err("a rule for names: only points and mode can be changed".to_owned());
            };
            if let Some(points) = points {
                rule.points = *points;
                self.changed.insert("names");
            }
            return Ok(());
        }
        if self.repeats.iter().any(|rule| rule.id == id) {
            return match *change == DetectorChange::default() {
                true => Ok(()),
                false => Err("a rule for repeats: only its mode can be changed".to_owned()),
            };
        }
        self.changed.insert("detectors");
        let c = change.clone();
        if let Some(old) = self.detectors.iter_mut().find(|detector| detector.id == id) {
            let new = RawDetector {
                id: old.id.clone(),
                about: c.about.unwrap_or_else(|| old.about.clone()),
                source: c.source.unwrap_or_else(|| old.source.clone()),
                kind: c.kind.unwrap_or(old.kind),
                pattern: c.pattern.unwrap_or_else(|| old.pattern.clone()),
                validate: c.validate.or(old.validate),
                nearby: c.nearby.unwrap_or_else(|| old.nearby.clone()),
                nearby_lists: c.nearby_lists.unwrap_or_else(|| old.nearby_lists.clone()),
                within: c.within.unwrap_or(old.within),
                points: c.points.unwrap_or(old.points),
                unless_before: c.unless_before.unwrap_or_else(|| old.unless_before.clone()),
                around: old.around,
                behind: old.behind,
            };
            *old = new;
            return Ok(());
        }
        self.may_be_new(id)?;
        let kind = c.kind.ok_or("a new detector needs a kind")?;
        self.detectors.push(RawDetector {
            id: id.to_owned(),
            about: c.about.ok_or("a new detector needs a line `about` it")?,
            source: c.source.ok_or("a new detector needs a `source`")?,
            kind,
            pattern: c.pattern.ok_or("a new detector needs a pattern")?,
            validate: c.validate,
            nearby: c.nearby.unwrap_or_default(),
            nearby_lists: c.nearby_lists.unwrap_or_default(),
            within: c.within.unwrap_or(forty()),
            points: c.points.ok_or("a new detector needs points = { alone = …, nearby = … }")?,
            unless_before: c.unless_before.unwrap_or_default(),
            around: false,
            behind: None,
        });
        Ok(())
    }

    fn change_field(&mut self, id: &str, change: &FieldChange) -> Result<(), String> {
        let c = change.clone();
        let there = self.tables.iter().position(|table| table.field.iter().any(|row| row.id == id));
        let format = match (there, &c.format) {
            (Some(at), None) => self.tables.get(at).map(|table| table.format.clone()).unwrap_or_default(),
            (Some(_), Some(_)) => return Err("the row's format can't be changed".to_owned()),
            (None, Some(format)) => format.clone(),
            (None, None) => {
                self.may_be_new(id)?; // a row of ours that is mistyped
                return Err("a new row needs a format".to_owned());
            }
        };
        let format = is_known_format(&format).ok_or_else(|| format!("there is no format `{format}`"))?;
        if there.is_none() {
            self.may_be_new(id)?;
        }
        self.changed.insert(format);
        let table =
            self.tables.iter_mut().find(|table| table.format == format).ok_or("there is no such table")?;
        let new = match table.field.iter_mut().find(|row| row.id == id) {
            Some(old) => {
                patch(old, c);
                return Ok(());
            }
            None => new_row(id, c)?,
        };
        // Before those of the same rank: a site knows its own.
        table.field.insert(0, new);
        Ok(())
    }

    fn change_marker(&mut self, id: &str, change: &ListChange) -> Result<(), String> {
        let list: &mut MarkerList = self
            .markers
            .iter_mut()
            .find(|list| list.id == id)
            .ok_or("there is no such list of markers: its values go into one of `marker.…`")?;
        self.changed.insert("markers");
        changed(&mut list.values, change)
    }

    fn change_words(&mut self, id: &str, change: &ListChange) -> Result<(), String> {
        self.changed.insert("words");
        if change.add.iter().chain(change.values.iter().flatten()).any(|word| *word != word.to_lowercase()) {
            return Err("words are written in lower case".to_owned());
        }
        if let Some(list) = self.words.iter_mut().find(|list| list.id == id) {
            return changed(&mut list.words, change);
        }
        self.may_be_new(id)?;
        let mut words = Vec::new();
        changed(&mut words, change)?;
        if words.is_empty() {
            return Err("a new list needs words".to_owned());
        }
        self.words.push(WordList {
            id: id.to_owned(),
            about: change.about.clone().ok_or("a new list needs a line `about` it")?,
            source: change.source.clone().ok_or("a new list needs a `source`")?,
            cue: None,
            finds: String::new(),
            passes: String::new(),
            words,
        });
        Ok(())
    }

    /// Whether a new rule may have this id: its own prefix, and none that is or was taken.
    fn may_be_new(&self, id: &str) -> Result<(), String> {
        let (prefix, rest) = id.split_once('.').unwrap_or((id, ""));
        let plain = |word: &str, more: &[u8]| {
            !word.is_empty()
                && word
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || more.contains(&b))
        };
        if id.len() > ID_BYTES_MAX || !plain(prefix, b"") || !plain(rest, b".") {
            return Err(
                "a new rule needs an id like `acme.badge`: lower-case letters, digits, dashes and dots"
                    .to_owned(),
            );
        }
        if retired().iter().any(|gone| gone == id) {
            return Err("the id belonged to another rule, and is never used again".to_owned());
        }
        if self.ids().any(|known| known == id) {
            return Err("the id belongs to a rule of another sort".to_owned());
        }
        if OURS.contains(&prefix) {
            return Err(format!(
                "there is no such rule, and a new one needs a prefix of its own: `{prefix}.` is phigate's"
            ));
        }
        Ok(())
    }
}

fn patch(row: &mut Field, c: FieldChange) {
    let mut new = Field::blank(&row.id);
    new.row = c.about.unwrap_or_else(|| row.row.clone());
    new.at = c.at.unwrap_or_else(|| row.at.clone());
    new.when = c.when.unwrap_or_else(|| row.when.clone());
    new.reads = c.reads.unwrap_or_else(|| row.reads.clone());
    new.kind = c.kind.unwrap_or(row.kind);
    new.points = c.points.unwrap_or(row.points);
    new.whose = c.whose.unwrap_or(row.whose);
    new.redact = c.redact.unwrap_or(row.redact);
    *row = new;
}

fn new_row(id: &str, c: FieldChange) -> Result<Field, String> {
    if c.source.is_none() {
        return Err("a new row needs a `source`".to_owned());
    }
    let mut row = Field::blank(id);
    row.row = c.about.ok_or("a new row needs a line `about` it")?;
    row.at = c.at.filter(|at| !at.is_empty()).ok_or("a new row needs places: `at`")?;
    row.when = c.when.unwrap_or_default();
    row.reads = c.reads.unwrap_or_default();
    row.kind = c.kind.ok_or("a new row needs a kind")?;
    row.points = c.points.ok_or("a new row needs points")?;
    row.whose = c.whose.unwrap_or(Whose::Patient);
    row.redact = c.redact.unwrap_or(Redact::Mask);
    Ok(row)
}

fn changed(list: &mut Vec<String>, change: &ListChange) -> Result<(), String> {
    if let Some(values) = &change.values {
        list.clone_from(values);
    }
    for gone in &change.remove {
        let before = list.len();
        list.retain(|value| value != gone);
        if list.len() == before {
            return Err("`remove` has a value that the list doesn't have".to_owned());
        }
    }
    for new in &change.add {
        if list.contains(new) {
            return Err("`add` has a value that the list has already".to_owned());
        }
        list.push(new.clone());
    }
    Ok(())
}

/// First words of ids that phigate's own rules have, or had.
const OURS: &[&str] = &[
    "text",
    "hl7v2",
    "fhir-r4",
    "cds-hooks",
    "x12",
    "cda",
    "json",
    "redox",
    "oauth",
    "dicom",
    "csv",
    "ncpdp",
    "xds",
    "fhir-url",
    "words",
    "marker",
    "threshold",
    "weight",
];

/// Longest id.
const ID_BYTES_MAX: usize = 80;

//! Reads a TOML tree key by key and collects every problem with its line, instead of stopping at the first.

use crate::spelling::closest;
use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A text whose URL, if it is one, tells nobody's name and password; with a scheme, or without. What stands before an `@` may
/// be either, so that it isn't shown in any text.
pub(super) fn without_user(text: &str) -> String {
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), text),
    };
    match rest.rsplit_once('@') {
        Some((_, host)) => {
            let quote = if scheme.is_empty() && text.starts_with('`') { "`" } else { "" };
            format!("{quote}{scheme}…@{host}")
        }
        None => text.to_owned(),
    }
}

/// One problem of a configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Line in the file, from 1; 0 where it is about the whole file.
    pub line: usize,
    /// The key, with its table: `connection[1].upstream`.
    pub key: String,
    /// What is wanted there.
    pub wanted: String,
    /// What stands there.
    pub got: String,
    /// A known word that is close to it.
    pub did_you_mean: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "line {}: ", self.line)?;
        }
        write!(f, "{}: wanted {}, got {}", self.key, self.wanted, self.got)?;
        match &self.did_you_mean {
            Some(word) => write!(f, " (did you mean `{word}`?)"),
            None => Ok(()),
        }
    }
}

/// Where keys of a configuration file stand, as far as something else may be wrong with what they lead to.
#[derive(Debug, Clone, Default)]
pub struct Lines(HashMap<String, usize>);

impl Lines {
    /// `line 12: ` of a key, or of the table that it would stand in; empty where that isn't known.
    #[must_use]
    pub fn before(&self, key: &str) -> String {
        let table = || key.rsplit_once('.').and_then(|(table, _)| self.0.get(table));
        self.0.get(key).or_else(table).map_or_else(String::new, |line| format!("line {line}: "))
    }
}

/// Where problems are collected, and how bytes become lines.
pub(super) struct Problems {
    lines: Vec<usize>,
    list: Vec<Problem>,
    /// Where keys stand that checks across sections speak of.
    places: HashMap<String, Range<usize>>,
    /// Names of tables by their section, and environments that tables name, by the key: also of tables that have problems of
    /// their own and are left out.
    names: Vec<(String, String)>,
    refers: Vec<(String, String)>,
}

impl Problems {
    /// None yet, for this file.
    #[must_use]
    pub(super) fn new(text: &str) -> Self {
        Self {
            lines: memchr::memchr_iter(b'\n', text.as_bytes()).collect(),
            list: Vec::new(),
            places: HashMap::new(),
            names: Vec::new(),
            refers: Vec::new(),
        }
    }

    /// Adds one.
    pub(super) fn add(
        &mut self,
        at: Option<Range<usize>>,
        key: String,
        wanted: impl Into<String>,
        got: impl Into<String>,
    ) {
        let line = self.line(at);
        let got = without_user(&got.into());
        self.list.push(Problem { line, key, wanted: wanted.into(), got, did_you_mean: None });
    }

    /// The line of a place, from 1; 0 for none.
    #[must_use]
    pub(super) fn line(&self, at: Option<Range<usize>>) -> usize {
        at.map_or(0, |at| 1 + self.lines.partition_point(|end| *end < at.start))
    }

    /// Every key that was noted with its line.
    pub(super) fn lines(&self) -> Lines {
        let line = |(key, at): (&String, &Range<usize>)| (key.clone(), self.line(Some(at.clone())));
        Lines(self.places.iter().map(line).collect())
    }

    /// Whether there is one about a key in such a table.
    #[must_use]
    pub(super) fn is_about(&self, table: &str) -> bool {
        self.list.iter().any(|problem| problem.key.starts_with(table))
    }

    /// Remembers where a key stands: `` connection `ehr`.upstream ``.
    pub(super) fn note(&mut self, key: String, at: Range<usize>) {
        self.places.insert(key, at);
    }

    /// Remembers that a section has a table of this name.
    pub(super) fn name(&mut self, section: &str, name: &str) {
        self.names.push((section.to_owned(), name.to_owned()));
    }

    /// Names of a section's tables, in order.
    pub(super) fn names(&self, section: &str) -> Vec<String> {
        let own = self.names.iter().filter(|(of, _)| of == section);
        own.map(|(_, name)| name.clone()).collect()
    }

    /// Remembers that a key names an environment.
    pub(super) fn refers(&mut self, key: String, environment: &str) {
        self.refers.push((key, environment.to_owned()));
    }

    /// Which do.
    pub(super) fn take_refers(&mut self) -> Vec<(String, String)> {
        std::mem::take(&mut self.refers)
    }

    /// Adds one about a key that was noted.
    pub(super) fn across(&mut self, key: String, wanted: impl Into<String>, got: impl Into<String>) {
        self.add(self.places.get(&key).cloned(), key, wanted, got);
    }

    /// Adds a known word to the last one, if one is close to `got`.
    pub(super) fn suggest(&mut self, got: &str, known: &[&str]) {
        let close = closest(got, known.iter().copied());
        if let (Some(last), Some(word)) = (self.list.last_mut(), close) {
            last.did_you_mean = Some(word.to_owned());
        }
    }

    /// All of them, in order of line. What is read of a line that is no TOML is chance: of that it is told, and of nothing else.
    #[must_use]
    pub(super) fn into_list(mut self) -> Vec<Problem> {
        self.list.sort_by_key(|p| p.line);
        let broken: Vec<usize> = self.list.iter().filter(|p| p.key == TOML).map(|p| p.line).collect();
        self.list.retain(|p| p.key == TOML || broken.binary_search(&p.line).is_err());
        self.list
    }

    /// How many there are.
    #[must_use]
    pub(super) fn count(&self) -> usize {
        self.list.len()
    }
}

/// What problems of the syntax are about.
pub(super) const TOML: &str = "TOML";

/// One table, being read.
pub(super) struct Table<'t, 'i> {
    table: Option<&'t DeTable<'i>>,
    span: Option<Range<usize>>,
    path: String,
    read: Vec<&'static str>,
}

impl<'t, 'i> Table<'t, 'i> {
    /// The top of a file.
    #[must_use]
    pub(super) fn root(table: &'t Spanned<DeTable<'i>>) -> Self {
        Self { table: Some(table.get_ref()), span: Some(table.span()), path: String::new(), read: Vec::new() }
    }

    /// Where the table stands.
    #[must_use]
    pub(super) fn span(&self) -> Option<Range<usize>> {
        self.span.clone()
    }

    /// The full name of a key in it.
    #[must_use]
    pub(super) fn key(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// The value under `key`, if it is there.
    pub(super) fn value(&mut self, key: &'static str) -> Option<&'t Spanned<DeValue<'i>>> {
        self.read.push(key);
        self.table?.iter().find(|(k, _)| k.get_ref() == key).map(|(_, v)| v)
    }

    /// Whether something stands under `key`.
    #[must_use]
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.is_some_and(|table| table.iter().any(|(k, _)| k.get_ref() == key))
    }

    /// A table under `key`; an empty one where it is absent.
    pub(super) fn table(&mut self, key: &'static str, problems: &mut Problems) -> Self {
        let path = self.key(key);
        match self.value(key) {
            Some(v) => match v.get_ref() {
                DeValue::Table(table) => {
                    Self { table: Some(table), span: Some(v.span()), path, read: Vec::new() }
                }
                other => {
                    problems.add(Some(v.span()), path.clone(), "a table", other.type_str());
                    Self { table: None, span: Some(v.span()), path, read: Vec::new() }
                }
            },
            None => Self { table: None, span: None, path, read: Vec::new() },
        }
    }

    /// An array of tables under `key`; none where it is absent.
    pub(super) fn tables(&mut self, key: &'static str, problems: &mut Problems) -> Vec<Self> {
        let path = self.key(key);
        let Some(value) = self.value(key) else { return Vec::new() };
        let DeValue::Array(array) = value.get_ref() else {
            problems.add(
                Some(value.span()),
                path.clone(),
                format!("tables, each under [[{path}]]"),
                value.get_ref().type_str(),
            );
            return Vec::new();
        };
        let mut out = Vec::new();
        for (index, item) in array.iter().enumerate() {
            let path = format!("{path}[{index}]");
            match item.get_ref() {
                DeValue::Table(table) => {
                    out.push(Self { table: Some(table), span: Some(item.span()), path, read: Vec::new() })
                }
                other => problems.add(Some(item.span()), path, "a table", other.type_str()),
            }
        }
        out
    }

    /// Text under `key`.
    pub(super) fn text(
        &mut self,
        key: &'static str,
        problems: &mut Problems,
    ) -> Option<(String, Range<usize>)> {
        let path = self.key(key);
        let value = self.value(key)?;
        match value.get_ref() {
            DeValue::String(text) => Some((text.clone().into_owned(), value.span())),
            other => {
                problems.add(Some(value.span()), path, "text", other.type_str());
                None
            }
        }
    }

    /// Text that has to be there.
    pub(super) fn required(
        &mut self,
        key: &'static str,
        wanted: &str,
        problems: &mut Problems,
    ) -> Option<(String, Range<usize>)> {
        let there = self.value(key).is_some();
        if !there {
            problems.add(self.span(), self.key(key), wanted, "nothing");
            return None;
        }
        self.text(key, problems)
    }

    /// A whole number under `key`, within bounds; `default` where it is absent or wrong.
    pub(super) fn number(
        &mut self,
        key: &'static str,
        default: u64,
        bounds: Range<u64>,
        unit: &str,
        problems: &mut Problems,
    ) -> u64 {
        let path = self.key(key);
        let Some(value) = self.value(key) else { return default };
        let wanted = format!("{unit}, {} to {}", bounds.start, bounds.end - 1);
        match value.get_ref() {
            DeValue::Integer(n) => match u64::from_str_radix(&n.as_str().replace('_', ""), n.radix()) {
                Ok(n) if bounds.contains(&n) => return n,
                _ => problems.add(Some(value.span()), path, wanted, n.as_str()),
            },
            other => problems.add(Some(value.span()), path, wanted, other.type_str()),
        }
        default
    }

    /// A yes or no under `key`.
    pub(super) fn flag(&mut self, key: &'static str, default: bool, problems: &mut Problems) -> bool {
        let path = self.key(key);
        let Some(value) = self.value(key) else { return default };
        match value.get_ref() {
            DeValue::Boolean(b) => *b,
            other => {
                problems.add(Some(value.span()), path, "true or false", other.type_str());
                default
            }
        }
    }

    /// One of a few words under `key`.
    pub(super) fn choice<T: Copy>(
        &mut self,
        key: &'static str,
        default: T,
        choices: &[(&'static str, T)],
        problems: &mut Problems,
    ) -> T {
        let Some((text, span)) = self.text(key, problems) else { return default };
        if let Some((_, value)) = choices.iter().find(|(word, _)| *word == text) {
            return *value;
        }
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        problems.add(Some(span), self.key(key), format!("one of {}", words.join(", ")), format!("`{text}`"));
        problems.suggest(&text, &words);
        default
    }

    /// A list of texts under `key`.
    pub(super) fn list(&mut self, key: &'static str, problems: &mut Problems) -> Vec<(String, Range<usize>)> {
        let path = self.key(key);
        let Some(value) = self.value(key) else { return Vec::new() };
        let DeValue::Array(array) = value.get_ref() else {
            problems.add(Some(value.span()), path, "a list of texts", value.get_ref().type_str());
            return Vec::new();
        };
        let mut out = Vec::new();
        for item in array.iter() {
            match item.get_ref() {
                DeValue::String(text) => out.push((text.clone().into_owned(), item.span())),
                other => problems.add(Some(item.span()), path.clone(), "a list of texts", other.type_str()),
            }
        }
        out
    }

    /// Where an empty list stands under `key`.
    pub(super) fn empty_list(&mut self, key: &'static str) -> Option<Range<usize>> {
        let value = self.value(key)?;
        let DeValue::Array(array) = value.get_ref() else { return None };
        array.iter().next().is_none().then(|| value.span())
    }

    /// Every key with its text: for tables whose keys are free.
    pub(super) fn pairs(&mut self, problems: &mut Problems) -> Vec<(String, String, Range<usize>)> {
        let mut out = Vec::new();
        for (key, value) in self.table.into_iter().flatten() {
            match value.get_ref() {
                DeValue::String(text) => {
                    out.push((key.get_ref().clone().into_owned(), text.clone().into_owned(), value.span()))
                }
                other => problems.add(Some(value.span()), self.key(key.get_ref()), "text", other.type_str()),
            }
        }
        out
    }

    /// Says of a key that stands without what it belongs to that it would change nothing.
    pub(super) fn beside(&mut self, key: &'static str, is_there: bool, what: &str, problems: &mut Problems) {
        if let Some(value) = self.value(key).filter(|_| !is_there) {
            let wanted = format!("`{what}` beside it");
            problems.add(Some(value.span()), self.key(key), wanted, "none: it would change nothing");
        }
    }

    /// Remembers where each of its keys stands, and the table itself, under a name.
    pub(super) fn note(&self, name: &str, problems: &mut Problems) {
        if let Some(span) = self.span() {
            problems.note(name.to_owned(), span);
        }
        for (key, value) in self.table.into_iter().flatten() {
            problems.note(format!("{name}.{}", key.get_ref()), value.span());
        }
    }

    /// Says of every key that was never asked for that it isn't known.
    pub(super) fn done(self, problems: &mut Problems) {
        for (key, _) in self.table.into_iter().flatten() {
            let name: &str = key.get_ref();
            if !self.read.contains(&name) {
                problems.add(Some(key.span()), self.key(name), "a known key", format!("`{name}`"));
                problems.suggest(name, &self.read);
            }
        }
    }
}

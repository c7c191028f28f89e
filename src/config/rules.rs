//! Rules files: a site's own rules, and its changes to ours. `config/rules.example.toml` shows every key.

use super::Environment;
use super::checks::BELOW_BLOCK;
use super::reader::{Problem, Problems, TOML, Table};
use crate::decide::{Policy, Thresholds};
use crate::durable::Why;
use crate::inspect::field::When;
use crate::inspect::kind::Points;
use crate::inspect::rules::{
    AloneNearby, Changes, DetectorChange, Edit, FieldChange, ListChange, Mode, Origin, OwnCases, What,
};
use crate::org::Flag;
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::{Error as WordError, StrDeserializer};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Reads rules files, and of folders their `*.toml` in order of name.
///
/// # Errors
/// Everything that is wrong with them, a line each.
pub fn load(paths: &[PathBuf]) -> Result<Changes, Vec<String>> {
    let (mut changes, mut problems) = (Changes::default(), Vec::new());
    for path in paths {
        match files(path) {
            Ok(files) => files.iter().for_each(|file| read(file, &mut changes, &mut problems)),
            Err(problem) => problems.push(problem),
        }
    }
    if changes.edits.len() > RULES_MAX {
        problems.push(format!("more than {RULES_MAX} rules and changes"));
    }
    if problems.is_empty() { Ok(changes) } else { Err(problems) }
}

fn files(path: &Path) -> Result<Vec<PathBuf>, String> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let (files, others) = inside(path).map_err(|e| unread(path, &e))?;
    if files.is_empty() {
        // A folder that isn't mounted is empty; whoever names one believes that its rules are in force.
        let there = match others.is_empty() {
            true => "it is empty".to_owned(),
            false => format!("what is there isn't read: {}", others.join(", ")),
        };
        return Err(format!("{}: wanted *.toml right in this folder, {there}", path.display()));
    }
    Ok(files)
}

/// The files of a folder that are read, and the names of what else is there, in order. Names with a dot before them are
/// nobody's rules.
fn inside(folder: &Path) -> std::io::Result<(Vec<PathBuf>, Vec<String>)> {
    let (mut files, mut others) = (Vec::new(), Vec::new());
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let is_folder = path.is_dir();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if !is_folder && path.extension().is_some_and(|ending| ending == "toml") {
            files.push(path);
        } else if !name.starts_with('.') {
            others.push(if is_folder { format!("{name}/") } else { name.into_owned() });
        }
    }
    files.sort();
    others.sort();
    Ok((files, others))
}

/// What stands in folders of rules and isn't read, by name.
#[must_use]
pub fn passed_over(paths: &[PathBuf]) -> Vec<String> {
    let of = |path: &PathBuf| {
        let (_, others) = inside(path).unwrap_or_default();
        others.into_iter().map(|name| path.join(name).display().to_string()).collect::<Vec<_>>()
    };
    paths.iter().filter(|path| path.is_dir()).flat_map(of).collect()
}

/// Thresholds of an environment that could never act, where its rules have to do with that: those of the configuration
/// alone are told with it.
#[must_use]
pub fn idle_thresholds(environment: &Environment, changes: &Changes, thresholds: &Thresholds) -> Vec<String> {
    if environment.flag == Flag::Production {
        return Vec::new();
    }
    let policy = &environment.with_thresholds(thresholds).policy;
    let told = idle(policy, changes, &|key| environment.given.contains(&key));
    told.into_iter().map(|problem| format!("environment `{}`: {problem}", environment.name)).collect()
}

/// The same of the rules by themselves.
#[must_use]
pub fn idle_by_themselves(changes: &Changes, thresholds: &Thresholds) -> Vec<String> {
    idle(&Policy::with(Flag::Development, thresholds), changes, &|_| false)
}

fn idle(policy: &Policy, changes: &Changes, is_given: &dyn Fn(&str) -> bool) -> Vec<String> {
    let of_rules = |key: &str| {
        let is_its = |edit: &&Edit| edit.id.strip_prefix("threshold.") == Some(key);
        changes.edits.iter().rfind(is_its).filter(|_| !is_given(key))
    };
    let mut told = Vec::new();
    for (key, value, never) in BELOW_BLOCK.map(|(key, of, never)| (key, of(policy), never)) {
        let asked = of_rules(key).is_some() || is_given(key);
        if !asked || value <= policy.block {
            continue;
        }
        let problem = format!("{key}: wanted at most block ({}), got {value}: {never}", policy.block);
        match of_rules(key).or(of_rules("block")) {
            Some(Edit { id, origin: Origin { file, line }, .. }) => {
                told.push(format!("{file}: line {line}: {id}: {problem}"));
            }
            // Rules that say nothing of it kept the configuration from knowing.
            None if !is_given("block") && !changes.is_empty() => told.push(problem),
            None => {}
        }
    }
    told
}

fn unread(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {}", path.display(), Why(error.kind()))
}

fn read(file: &Path, changes: &mut Changes, problems: &mut Vec<String>) {
    let name = file.display().to_string();
    let size = std::fs::metadata(file).map_or(0, |m| m.len());
    if size > FILE_BYTES_MAX {
        problems.push(format!("{name}: more than {FILE_BYTES_MAX} bytes"));
        return;
    }
    match std::fs::read_to_string(file) {
        Ok(text) => match parse(&name, &text) {
            Ok(edits) => {
                changes.edits.extend(edits);
                changes.texts.push(text);
            }
            Err(wrong) => problems.extend(wrong.iter().map(|problem| format!("{name}: {problem}"))),
        },
        Err(error) => problems.push(unread(file, &error)),
    }
}

/// Reads what a table of one sort says.
type Section = fn(&mut Table<'_, '_>, &mut Problems) -> What;

/// Reads one file's text.
///
/// # Errors
/// Every problem, in order of line.
pub fn parse(name: &str, text: &str) -> Result<Vec<Edit>, Vec<Problem>> {
    let mut problems = Problems::new(text);
    let (tree, errors) = toml::de::DeTable::parse_recoverable(text);
    for error in errors {
        problems.add(error.span(), TOML.to_owned(), "valid TOML", error.message());
    }
    let mut root = Table::root(&tree);
    let file: Arc<str> = Arc::from(name);
    let mut edits = Vec::new();
    let sections: [(&'static str, Section); 6] = [
        ("detector", detector),
        ("field", field),
        ("marker", marker),
        ("words", words),
        ("weight", weight),
        ("threshold", threshold),
    ];
    for (section, what) in sections {
        for mut table in root.tables(section, &mut problems) {
            let line = problems.line(table.span());
            let id = table.required("id", "the id of a rule", &mut problems).map(|(id, _)| id);
            let what = what(&mut table, &mut problems);
            let mode = word::<Mode>(&mut table, "mode", &mut problems);
            let mut own = table.table("cases", &mut problems);
            let mut texts = |key| own.list(key, &mut problems).into_iter().map(|(text, _)| text).collect();
            let cases = OwnCases { find: texts("find"), pass: texts("pass") };
            own.done(&mut problems);
            table.done(&mut problems);
            let origin = Origin { file: file.clone(), line };
            edits.extend(id.map(|id| Edit { id, origin, what, mode, cases }));
        }
    }
    root.done(&mut problems);
    edits.sort_by_key(|edit| edit.origin.line);
    if problems.count() == 0 { Ok(edits) } else { Err(problems.into_list()) }
}

fn detector(t: &mut Table<'_, '_>, problems: &mut Problems) -> What {
    let points = t.value("points").is_some().then(|| {
        let mut table = t.table("points", problems);
        let mut number = |key| points(&mut table, key, problems).unwrap_or_default();
        let points = AloneNearby { alone: number("alone"), nearby: number("nearby") };
        table.done(problems);
        points
    });
    let within =
        t.value("within").is_some().then(|| t.number("within", 40, 1..1025, "bytes", problems) as usize);
    What::Detector(Box::new(DetectorChange {
        about: text(t, "about", problems),
        source: text(t, "source", problems),
        kind: word(t, "kind", problems),
        pattern: text(t, "pattern", problems),
        validate: word(t, "validate", problems),
        nearby: texts(t, "nearby", problems),
        nearby_lists: texts(t, "nearby_lists", problems),
        within,
        points,
        unless_before: texts(t, "unless_before", problems),
    }))
}

fn field(t: &mut Table<'_, '_>, problems: &mut Problems) -> What {
    let when = t.value("when").is_some().then(|| {
        let mut table = t.table("when", problems);
        let mut list = |key| texts(&mut table, key, problems).unwrap_or_default();
        let when = When { types: list("types"), systems: list("systems"), reference: list("reference") };
        table.done(problems);
        when
    });
    What::Field(Box::new(FieldChange {
        format: text(t, "format", problems),
        about: text(t, "about", problems),
        source: text(t, "source", problems),
        at: texts(t, "at", problems),
        when,
        reads: text(t, "as", problems),
        kind: word(t, "kind", problems),
        points: points(t, "points", problems),
        whose: word(t, "whose", problems),
        redact: word(t, "redact", problems),
    }))
}

fn marker(t: &mut Table<'_, '_>, problems: &mut Problems) -> What {
    What::Marker(list(t, "values", problems))
}

fn words(t: &mut Table<'_, '_>, problems: &mut Problems) -> What {
    What::Words(list(t, "words", problems))
}

fn weight(t: &mut Table<'_, '_>, problems: &mut Problems) -> What {
    What::Weight(points(t, "points", problems))
}

fn threshold(t: &mut Table<'_, '_>, problems: &mut Problems) -> What {
    let given = t.value("value").is_some();
    // As those of an environment.
    let id = t.text("id", &mut Problems::new(""));
    let are_points = id.is_some_and(|(id, _)| !id.starts_with("threshold.bulk-"));
    let (bounds, unit) = if are_points { (1..1001, "points") } else { (1..1_000_001, "people or ids") };
    let value = t.number("value", 0, bounds, unit, problems);
    What::Threshold(given.then(|| u32::try_from(value).unwrap_or(u32::MAX)))
}

fn list(t: &mut Table<'_, '_>, values: &'static str, problems: &mut Problems) -> ListChange {
    ListChange {
        about: text(t, "about", problems),
        source: text(t, "source", problems),
        values: texts(t, values, problems),
        add: texts(t, "add", problems).unwrap_or_default(),
        remove: texts(t, "remove", problems).unwrap_or_default(),
    }
}

fn text(t: &mut Table<'_, '_>, key: &'static str, problems: &mut Problems) -> Option<String> {
    t.text(key, problems).map(|(text, _)| text)
}

fn texts(t: &mut Table<'_, '_>, key: &'static str, problems: &mut Problems) -> Option<Vec<String>> {
    t.value(key)?;
    Some(t.list(key, problems).into_iter().map(|(text, _)| text).collect())
}

fn points(t: &mut Table<'_, '_>, key: &'static str, problems: &mut Problems) -> Option<Points> {
    t.value(key)?;
    u16::try_from(t.number(key, 0, 0..1001, "points", problems)).ok().map(Points)
}

/// One of the words that a type has.
pub(super) fn word<T: for<'de> Deserialize<'de>>(
    t: &mut Table<'_, '_>,
    key: &'static str,
    problems: &mut Problems,
) -> Option<T> {
    let (text, span) = t.text(key, problems)?;
    match spelled(&text) {
        Ok(value) => Some(value),
        Err(known) => {
            unknown_word(&text, span, t.key(key), &known, problems);
            None
        }
    }
}

/// The value that a word stands for, or all words that there are.
pub(super) fn spelled<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, Vec<String>> {
    let words: StrDeserializer<'_, WordError> = text.into_deserializer();
    T::deserialize(words).map_err(|error| {
        let told = error.to_string();
        let known = told.split_once(", expected").map_or("", |(_, known)| known);
        known.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    })
}

fn unknown_word(text: &str, span: Range<usize>, key: String, known: &[String], problems: &mut Problems) {
    problems.add(Some(span), key, format!("one of {}", known.join(", ")), format!("`{text}`"));
    problems.suggest(text, &known.iter().map(String::as_str).collect::<Vec<_>>());
}

/// Rules and changes of all files.
const RULES_MAX: usize = 10_000;

/// Bytes of one file.
const FILE_BYTES_MAX: u64 = 8 << 20;

#[cfg(test)]
mod tests;

//! Assets as configuration: a connection or a redaction profile as the admin API takes it, without name and environment.
//! Rules are read by [`super::rules`].

use super::reader::{Problem, Problems, TOML, Table};
use super::{Config, Connection, checks, sections};
use crate::org::CallerRole;
use crate::record::View;
use std::ops::Range;
use std::sync::Arc;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The most that is stored of messages of each caller role in an environment: never more than without it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profile(Vec<(String, View)>);

impl Profile {
    /// The lesser of a view and what this allows.
    #[must_use]
    pub fn lower(&self, role: &CallerRole, view: View) -> View {
        self.0.iter().filter(|(of, _)| of == role.as_str()).map(|(_, most)| *most).fold(view, Ord::min)
    }

    /// The caller roles that it is about.
    pub fn roles(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(role, _)| role.as_str())
    }

    /// Both of them.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }
}

/// A string of a text: where it stands, the key that it is the value of, and what it says.
pub struct StringValue {
    /// Line, from 1 on.
    pub line: usize,
    /// Where it stands, with its quotes.
    pub span: Range<usize>,
    /// The nearest key.
    pub key: String,
    /// The value.
    pub value: String,
}

/// Reads a connection: the keys of `[[connection]]` but `name` and `environment`. What it would read from the machine's own
/// files, variables and commands has no place in an asset.
///
/// # Errors
/// Every problem, in order of line.
pub fn connection(text: &str, name: &str, environment: &str) -> Result<Arc<Connection>, Vec<Problem>> {
    read(text, |mut table, problems| {
        let of_the_machine = ["secret_headers", "upstream_tls"].map(|key| (key, table.value(key)));
        for (key, value) in of_the_machine.into_iter().filter_map(|(key, value)| Some((key, value?))) {
            let wanted =
                "nothing: what stands in files of the gateway's machine belongs to its configuration file";
            problems.add(Some(value.span()), key.to_owned(), wanted, "a table");
        }
        sections::connection_of(table, Some(Arc::from(name)), Some(Arc::from(environment)), problems)
    })
}

/// Reads a redaction profile: caller roles, and the most that is stored of their messages.
///
/// # Errors
/// Every problem, in order of line.
pub fn profile(text: &str) -> Result<Profile, Vec<Problem>> {
    read(text, |mut table, problems| {
        let views = [View::None, View::Metadata, View::Shape, View::Masked, View::Linked];
        let mut most = Vec::new();
        for (role, word, span) in table.pairs(problems) {
            match views.into_iter().find(|view| view.as_str() == word && *view != View::None) {
                Some(view) => most.push((role, view)),
                None => {
                    let wanted = "metadata, shape, masked or linked";
                    problems.add(Some(span), role, wanted, format!("`{word}`"));
                }
            }
        }
        if most.is_empty() {
            problems.add(table.span(), "profile".to_owned(), "a caller role and a view", "none");
        }
        Some(Profile(most))
    })
}

fn read<T>(text: &str, f: impl FnOnce(Table<'_, '_>, &mut Problems) -> Option<T>) -> Result<T, Vec<Problem>> {
    let mut problems = Problems::new(text);
    let (tree, errors) = toml::de::DeTable::parse_recoverable(text);
    for error in errors {
        problems.add(error.span(), TOML.to_owned(), "valid TOML", error.message());
    }
    let read = f(Table::root(&tree), &mut problems);
    match read.filter(|_| problems.count() == 0) {
        Some(read) => Ok(read),
        None => Err(problems.into_list()),
    }
}

impl Config {
    /// The same with more connections, checked as one file would be.
    ///
    /// # Errors
    /// What is wrong between them and the rest.
    pub fn with_connections(&self, more: Vec<Arc<Connection>>) -> Result<Self, Vec<Problem>> {
        let mut config = self.clone();
        config.connections.extend(more);
        let mut problems = Problems::new("");
        checks::across(&config, &mut problems);
        if problems.count() == 0 { Ok(config) } else { Err(problems.into_list()) }
    }
}

/// A connection's text with another upstream; `None` where it has not just one.
#[must_use]
pub fn with_upstream(text: &str, url: &str) -> Option<String> {
    let (tree, errors) = toml::de::DeTable::parse_recoverable(text);
    let table = tree.get_ref();
    let span = table.iter().find(|(key, _)| key.get_ref() == "upstream").map(|(_, value)| value.span())?;
    // A JSON string is a TOML basic string.
    let quoted = serde_json::Value::from(url).to_string();
    let (before, behind) = (text.get(..span.start)?, text.get(span.end..)?);
    errors.is_empty().then(|| format!("{before}{quoted}{behind}"))
}

/// What a connection's text has pass unread: its `opaque`.
#[must_use]
pub fn opaque(text: &str) -> Vec<String> {
    let (tree, _) = toml::de::DeTable::parse_recoverable(text);
    let listed = tree.get_ref().iter().find(|(key, _)| key.get_ref() == "opaque").map(|(_, value)| value);
    let listed = listed.and_then(|value| value.get_ref().as_array()).into_iter().flatten();
    listed.filter_map(|value| value.get_ref().as_str().map(str::to_owned)).collect()
}

/// Every string of a TOML text, keys of tables among them.
#[must_use]
pub fn strings(text: &str) -> Vec<StringValue> {
    let (tree, _) = toml::de::DeTable::parse_recoverable(text);
    let mut out = Vec::new();
    let line = |at: &Range<usize>| 1 + text.as_bytes().iter().take(at.start).filter(|b| **b == b'\n').count();
    of_table(tree.get_ref(), &line, &mut out);
    out
}

fn of_table(table: &DeTable<'_>, line: &dyn Fn(&Range<usize>) -> usize, out: &mut Vec<StringValue>) {
    for (key, value) in table {
        of_value(key.get_ref(), value, line, out);
    }
}

fn of_value(
    key: &str,
    value: &Spanned<DeValue<'_>>,
    line: &dyn Fn(&Range<usize>) -> usize,
    out: &mut Vec<StringValue>,
) {
    match value.get_ref() {
        DeValue::String(text) => {
            let span = value.span();
            out.push(StringValue { line: line(&span), span, key: key.to_owned(), value: text.to_string() });
        }
        DeValue::Array(items) => items.iter().for_each(|item| of_value(key, item, line, out)),
        DeValue::Table(table) => of_table(table, line, out),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_read_as_in_a_file_and_takes_nothing_from_the_machine() {
        let of = |text: &str| connection(text, "lab", "staging");
        let lab = of("upstream = \"http://lab:80\"\nallow = [\"/fhir\"]").expect("good");
        assert_eq!(
            (&*lab.name, &*lab.environment, lab.allow.as_slice()),
            ("lab", "staging", &["/fhir".to_owned()][..])
        );
        let wrong =
            |text: &str| of(text).expect_err("wrong").iter().map(ToString::to_string).collect::<String>();
        assert!(wrong("upstream = \"http://lab:80\"\nname = \"x\"").contains("name"));
        assert!(
            wrong("upstream = \"http://lab:80\"\n[secret_headers]\nx = \"file:/etc/shadow\"")
                .contains("secret_headers")
        );
        assert!(wrong("upstream = \"https://lab:80\"\n[upstream_tls]\nca = \"/x\"").contains("upstream_tls"));
        assert!(wrong("").contains("upstream"));
    }

    #[test]
    fn a_profile_lowers_and_never_raises() {
        let low = profile("connection = \"masked\"\nnobody = \"linked\"").expect("good");
        assert_eq!(low.lower(&CallerRole::Connection, View::Linked), View::Masked);
        assert_eq!(low.lower(&CallerRole::Nobody, View::Metadata), View::Metadata);
        assert_eq!(low.lower(&CallerRole::Partner, View::Shape), View::Shape);
        let both = low.and(profile("connection = \"shape\"").expect("good"));
        assert_eq!(both.lower(&CallerRole::Connection, View::Linked), View::Shape);
        for wrong in ["", "connection = \"clear\"", "connection = 7", "connection = \"none\""] {
            assert!(profile(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_upstream_is_replaced_where_there_is_one() {
        let text = "# lab\nupstream = 'http://a:1' # here\nallow = [\"/x\"]";
        assert_eq!(
            with_upstream(text, "https://b").as_deref(),
            Some("# lab\nupstream = \"https://b\" # here\nallow = [\"/x\"]")
        );
        assert_eq!(with_upstream("[[endpoint]]\nurl = \"http://a\"", "https://b"), None);
        let found = strings("a = \"x\"\n[b]\nc = [\"y\", { d = \"z\" }]");
        let found: Vec<_> = found.iter().map(|s| (s.line, &*s.key, &*s.value)).collect();
        assert_eq!(found, [(1, "a", "x"), (3, "c", "y"), (3, "d", "z")]);
    }
}

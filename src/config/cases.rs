//! Cases of users: a message, where it goes, and what has to come of it. One file may hold many.

use super::reader::{Problem, Problems, TOML, Table};
use std::path::{Path, PathBuf};

/// One case as written.
#[derive(Debug, Clone)]
pub struct UserCase {
    /// Its name.
    pub name: String,
    /// The message.
    pub body: Body,
    /// Media type; told by the file's name where it isn't given.
    pub content_type: Option<String>,
    /// `Content-Encoding`.
    pub content_encoding: String,
    /// The request target.
    pub target: String,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// An environment's name, or a flag.
    pub environment: String,
    /// Whether it is a reply.
    pub reply: bool,
    /// What has to come of it.
    pub expect: Expect,
}

/// Where the message's body is.
#[derive(Debug, Clone)]
pub enum Body {
    /// In this file.
    File(PathBuf),
    /// Here.
    Inline(String),
}

/// What has to come of a case. Lists ask nothing where they are empty.
#[derive(Debug, Clone, Default)]
pub struct Expect {
    /// Whether it is refused.
    pub refused: Option<bool>,
    /// The reason's word.
    pub reason: Option<String>,
    /// Rules that have to find something.
    pub rules: Vec<String>,
    /// Rules that must not.
    pub not_rules: Vec<String>,
}

/// Reads every `*.toml` of a folder and of the folders in it, in order of name.
///
/// # Errors
/// Everything that is wrong, a line each.
pub fn load(folder: &Path) -> Result<Vec<(PathBuf, UserCase)>, Vec<String>> {
    let (mut cases, mut problems) = (Vec::new(), Vec::new());
    let mut waiting = vec![folder.to_owned()];
    let mut files = Vec::new();
    while let Some(folder) = waiting.pop() {
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) => {
                problems.push(format!("{}: {}", folder.display(), error.kind()));
                continue;
            }
        };
        for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
            match path.extension() {
                // A link to a folder isn't followed: it may lead back.
                _ if path.is_dir() && !path.is_symlink() => waiting.push(path),
                Some(ending) if ending == "toml" => files.push(path),
                _ => {}
            }
        }
    }
    files.sort();
    for file in files {
        match std::fs::read_to_string(&file) {
            Ok(text) => match parse(&text) {
                Ok(more) => cases.extend(more.into_iter().map(|case| (file.clone(), case.beside(&file)))),
                Err(wrong) => problems.extend(wrong.iter().map(|p| format!("{}: {p}", file.display()))),
            },
            Err(error) => problems.push(format!("{}: {}", file.display(), error.kind())),
        }
    }
    if problems.is_empty() { Ok(cases) } else { Err(problems) }
}

impl UserCase {
    fn beside(mut self, file: &Path) -> Self {
        if let (Body::File(body), Some(folder)) = (&mut self.body, file.parent()) {
            *body = folder.join(&*body);
        }
        self
    }
}

/// Reads one file's text.
///
/// # Errors
/// Every problem, in order of line.
pub fn parse(text: &str) -> Result<Vec<UserCase>, Vec<Problem>> {
    let mut problems = Problems::new(text);
    let (tree, errors) = toml::de::DeTable::parse_recoverable(text);
    for error in errors {
        // The parser's words may quote a message.
        problems.add(error.span(), TOML.to_owned(), "valid TOML", "something else");
    }
    let mut root = Table::root(&tree);
    let cases: Vec<UserCase> =
        root.tables("case", &mut problems).into_iter().filter_map(|t| case(t, &mut problems)).collect();
    if cases.is_empty() && problems.count() == 0 {
        problems.add(None, "case".to_owned(), "at least one [[case]]", "none");
    }
    root.done(&mut problems);
    if problems.count() == 0 { Ok(cases) } else { Err(problems.into_list()) }
}

fn case(mut t: Table<'_, '_>, problems: &mut Problems) -> Option<UserCase> {
    let name = t.required("name", "a name", problems).map(|(name, _)| name);
    let (file, inline) = (t.text("message", problems), t.text("body", problems));
    let mut text = |key| t.text(key, problems).map(|(text, _)| text);
    let (content_type, content_encoding) =
        (text("content_type"), text("content_encoding").unwrap_or_default());
    let target = text("target");
    let is_asked = target.is_some();
    let target = target.unwrap_or_else(|| "/".to_owned());
    let environment = text("environment").unwrap_or_else(|| "development".to_owned());
    let reply = t.choice("direction", false, &[("request", false), ("reply", true)], problems);
    let mut table = t.table("headers", problems);
    let headers: Vec<(String, String)> =
        table.pairs(problems).into_iter().map(|(n, v, _)| (n.to_ascii_lowercase(), v)).collect();
    let mut table = t.table("expect", problems);
    let mut list = |key| table.list(key, problems).into_iter().map(|(text, _)| text).collect::<Vec<_>>();
    let (rules, not_rules) = (list("rules"), list("not_rules"));
    let reason = table.text("reason", problems).map(|(reason, _)| reason);
    let decisions = [("refuse", Some(true)), ("pass", Some(false))];
    let refused = table.choice("decision", None, &decisions, problems);
    table.done(problems);
    let body = match (file, inline) {
        (Some((file, _)), None) => Some(Body::File(PathBuf::from(file))),
        (None, Some((body, _))) => Some(Body::Inline(body)),
        (None, None) => {
            if !is_asked && headers.is_empty() {
                let wanted = "a message: `message` (a file), `body`, `target` or `headers`";
                problems.add(t.span(), t.key("body"), wanted, "nothing");
            }
            Some(Body::Inline(String::new()))
        }
        (Some(_), Some((_, span))) => {
            problems.add(Some(span), t.key("body"), "either `message` (a file) or `body`", "both");
            None
        }
    };
    if refused.is_none() && reason.is_none() && rules.is_empty() && not_rules.is_empty() {
        problems.add(t.span(), t.key("expect"), "a decision, a reason, rules or not_rules", "nothing");
    }
    t.done(problems);
    let expect = Expect { refused, reason, rules, not_rules };
    Some(UserCase {
        name: name?,
        body: body?,
        content_type,
        content_encoding,
        target,
        headers,
        environment,
        reply,
        expect,
    })
}

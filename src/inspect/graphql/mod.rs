//! GraphQL (October 2021; FHIR R4, Using GraphQL): what a request asks by, in literals and in variables.
//!
//! - Takes: the text of a request, and its variables as JSON, from a body or a target.
//! - Gives: each argument as the search parameter of its name (with `-` for `_`: `address_city`) of the resource that the
//!   field names (`Patient`, `PatientList`, `PatientConnection`), else as a key name; an input object as a resource of that
//!   type where it has the keys of one, else as an object, and what it calls `patient` likewise; comments and what stands elsewhere as text; names as keys that nobody knows.
//! - Persons: one for each field at the top; what nests below it is of the same one.
//! - In doubt: what isn't GraphQL by its tokens is told as malformed and read as text.
//! - Cost: one pass over the tokens, no recursion.

mod lexer;

#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;

use super::decode;
use super::offsets::{self, Escapes};
use super::url::{self, Tables};
use super::walk::arranged::{Arranger, Name as Called};
use super::walk::json::{JSON_DEPTH_MAX, MEMBERS_LOOKED_AT_MAX, NodeId, NodeKind, Origins, Tape};
use super::walk::shifted::Shifted;
use super::walk::{CUE_BYTES_MAX, Leaf, PersonId, Reads, Role, Sink, WalkError, fhir, object, start_of};
use lexer::{Kind, Token};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::ops::Range;

/// What requests are judged by.
#[derive(Clone, Copy)]
pub struct Rules<'r> {
    /// Search parameters and key names.
    pub tables: &'r Tables<'r>,
    /// FHIR's elements.
    pub fhir: &'r fhir::Table,
}

/// Whether a document is a GraphQL request, or holds some: a `query` that begins as one does.
#[must_use]
pub fn recognise(tape: &Tape<'_>) -> bool {
    !requests(tape).is_empty()
}

/// The requests of a document: itself, the elements of a batch, or the payload of a message over a websocket.
fn requests(tape: &Tape<'_>) -> Vec<NodeId> {
    let is_request = |node: &NodeId| is_request(tape, *node);
    match tape.kind(NodeId::ROOT) {
        NodeKind::Array => {
            let mut elements = tape.children(NodeId::ROOT);
            if elements.all(|node| is_request(&node)) {
                tape.children(NodeId::ROOT).collect()
            } else {
                Vec::new()
            }
        }
        NodeKind::Object if is_request(&NodeId::ROOT) => vec![NodeId::ROOT],
        NodeKind::Object => tape.get(NodeId::ROOT, "payload").filter(is_request).into_iter().collect(),
        _ => Vec::new(),
    }
}

fn is_request(tape: &Tape<'_>, node: NodeId) -> bool {
    tape.kind(node) == NodeKind::Object
        && tape.string(node, "query").is_some_and(|query| {
            let query = query.trim_start();
            let begins = |word: &str| {
                query
                    .strip_prefix(word)
                    .is_some_and(|rest| rest.starts_with([' ', '{', '(', '\n', '\r', '\t', '@']))
            };
            query.contains('{')
                && (query.starts_with(['{', '#'])
                    || ["query", "mutation", "subscription", "fragment"].iter().any(|word| begins(word)))
                && !says_values(query)
        })
}

/// Whether values stand among the fields that a text selects, as in JSON and in what people write like it
/// (`{ "mrn": "00441872" }`, `{ dob: 1971-04-02 }`): a request has them in arguments alone.
fn says_values(query: &str) -> bool {
    let Some(tokens) = lexer::tokens(query) else { return query.starts_with('{') };
    let mut depth = 0_usize;
    tokens.iter().any(|token| {
        match token.kind {
            Kind::Mark(b'(' | b'[') => depth += 1,
            Kind::Mark(b')' | b']') => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && matches!(token.kind, Kind::String | Kind::Number)
    })
}

/// Walks a request in JSON, or the requests that a document holds.
///
/// # Errors
/// [`WalkError::Malformed`] where the query is no GraphQL, [`WalkError::TooDeep`].
pub fn walk_tape(
    tape: &Tape<'_>,
    raw: &[u8],
    rules: Rules<'_>,
    sink: &mut dyn Sink,
) -> Result<(), WalkError> {
    let (mut persons, mut outcome) = (0, Ok(()));
    let requests = requests(tape);
    for request in &requests {
        // Each is told, whatever is wrong with another.
        outcome = outcome.and(walk_request(tape, *request, raw, rules, &mut persons, sink));
    }
    if !requests.contains(&NodeId::ROOT) && tape.kind(NodeId::ROOT) == NodeKind::Object {
        // The envelope of one.
        let mut request = Request { persons, ..Request::new(rules, None, sink) };
        outcome = outcome.and(request.members(tape, NodeId::ROOT, &requests));
    }
    outcome
}

fn walk_request(
    tape: &Tape<'_>,
    root: NodeId,
    raw: &[u8],
    rules: Rules<'_>,
    persons: &mut u32,
    sink: &mut dyn Sink,
) -> Result<(), WalkError> {
    let member = |key| tape.get(root, key);
    let query = member("query");
    let (text, at) = query.map_or((Cow::Borrowed(""), 0..0), |query| (tape.value(query), tape.span(query)));
    let map = (text.len() != at.len())
        .then(|| offsets::runs(raw.get(at.clone()).unwrap_or_default(), &text, Escapes::Json));
    let to = |n: usize| at.start + map.as_ref().map_or(n, |map| map.origin(n));
    let variables = member("variables");
    // Some clients write them as a string.
    let written = variables.filter(|node| tape.kind(*node) == NodeKind::String).map(|node| {
        let (text, at) = (tape.value(node).into_owned(), tape.span(node));
        let map = offsets::runs(raw.get(at.clone()).unwrap_or_default(), &text, Escapes::Json);
        Spots { text, start: at.start, map }
    });
    let written = written
        .as_ref()
        .and_then(|spots| Some(Tape::read(spots.text.as_bytes(), JSON_DEPTH_MAX).ok()?.moved(spots)));
    let read = match &written {
        Some(tape) => Some((tape, NodeId::ROOT)),
        None => variables.map(|node| (tape, node)),
    };
    let mut request = Request { persons: *persons, ..Request::new(rules, read, sink) };
    let outcome = request.text(&text, &to).and_then(|()| request.unused("variables"));
    // What else it says: the name of the operation, extensions.
    let told: Vec<NodeId> = query.into_iter().chain(variables).collect();
    let outcome = outcome.and_then(|()| request.members(tape, root, &told));
    *persons = request.persons;
    outcome
}

/// Walks the text of a request, whose bytes `to` leads back to where they stand; `variables` is a document of its own.
///
/// # Errors
/// As [`walk_tape`].
pub fn walk_text(
    text: &str,
    to: &dyn Fn(usize) -> usize,
    rules: Rules<'_>,
    sink: &mut dyn Sink,
) -> Result<(), WalkError> {
    Request::new(rules, None, sink).text(text, to)
}

/// Walks a request in a target: `query=…&variables=…`. `person` is the target's, numbered 0.
///
/// # Errors
/// As [`walk_tape`]; what could not be read as GraphQL was walked as any query then.
pub fn walk_target(
    target: &str,
    rules: Rules<'_>,
    person: PersonId,
    sink: &mut dyn Sink,
) -> Result<(), WalkError> {
    let mut start = 0;
    let (mut query, mut variables) = (None, None);
    let mut rest = Vec::new();
    for pair in target.split('&') {
        let at = start;
        start += pair.len() + 1;
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let into = match name {
            "query" if query.is_none() => &mut query,
            "variables" if variables.is_none() => &mut variables,
            _ => {
                rest.push((at, pair));
                continue;
            }
        };
        *into = Some((at, pair, Spots::of(value, at + name.len() + 1)));
    }
    let mut outcome = Ok(());
    if let Some((at, pair, spots)) = &query {
        let tape = variables.as_ref().map(|(_, _, spots)| Tape::read(spots.text.as_bytes(), JSON_DEPTH_MAX));
        let tape = match (&tape, &variables) {
            (Some(Ok(_)), _) | (None, _) | (_, None) => tape.and_then(Result::ok),
            (Some(Err(error)), Some((at, pair, _))) => {
                outcome = Err(*error);
                rest.push((*at, *pair));
                None
            }
        };
        let tape = tape.zip(variables.as_ref()).map(|(tape, (_, _, spots))| tape.moved(spots));
        let mut request = Request::new(rules, tape.as_ref().map(|tape| (tape, NodeId::ROOT)), sink);
        request.persons = 1;
        request.target = Some(person);
        let walked =
            request.text(&spots.text, &|n| spots.origin(n)).and_then(|()| request.unused("variables"));
        if let Err(error) = walked {
            outcome = Err(error);
            rest.push((*at, *pair));
        }
    } else {
        rest.extend(variables.iter().map(|(at, pair, _)| (*at, *pair)));
    }
    for (at, pair) in rest {
        url::walk_query(pair, at, "", rules.tables, person, sink);
    }
    outcome
}

/// A parameter's value, its percent codes undone, and where its bytes stand.
struct Spots {
    text: String,
    start: usize,
    map: offsets::Runs,
}

impl Spots {
    fn of(raw: &str, start: usize) -> Self {
        let text = decode::percent(raw, true);
        let map = offsets::runs(raw.as_bytes(), &text, Escapes::Percent);
        Self { text, start, map }
    }
}

impl Origins for Spots {
    fn origin(&self, at: usize) -> usize {
        self.start + self.map.origin(at)
    }
}

struct Request<'r, 't, 's> {
    rules: Rules<'r>,
    variables: Option<(&'t Tape<'t>, NodeId)>,
    used: HashSet<NodeId>,
    /// The values that variables have where the sender gives them none, by their tokens.
    defaults: HashMap<String, usize>,
    /// Bytes of variables that were read again.
    again: usize,
    persons: u32,
    /// Whom the target tells of, who is the first field's.
    target: Option<PersonId>,
    sink: &'s mut dyn Sink,
}

/// A field that is open, or whose arguments are read.
#[derive(Clone, Default)]
struct Field {
    /// As FHIR calls it; empty: of no known type.
    resource: String,
    person: Option<PersonId>,
}

impl<'r, 't, 's> Request<'r, 't, 's> {
    fn new(rules: Rules<'r>, variables: Option<(&'t Tape<'t>, NodeId)>, sink: &'s mut dyn Sink) -> Self {
        let (used, defaults) = (HashSet::new(), HashMap::new());
        Self { rules, variables, used, defaults, again: 0, persons: 0, target: None, sink }
    }

    fn text(&mut self, text: &str, to: &dyn Fn(usize) -> usize) -> Result<(), WalkError> {
        let tokens = lexer::tokens(text).ok_or(WalkError::Malformed { at: to(0) })?;
        let source = Source { text, tokens: &tokens, to };
        let mut open: Vec<Field> = Vec::new();
        let mut field = Field::default();
        let mut directive = false;
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            at += 1;
            match token.kind {
                Kind::Name => {
                    self.name(&source, token);
                    // An alias stands before its field.
                    if !std::mem::take(&mut directive) {
                        field = self.field(source.value(token).as_ref(), &open);
                    }
                }
                Kind::Mark(b'@') => directive = true,
                Kind::Mark(b'(') => at = self.arguments(&source, at, &mut field)?,
                Kind::Mark(b'{') => open.push(std::mem::take(&mut field)),
                Kind::Mark(b'}') => drop(open.pop()),
                Kind::Mark(_) => {}
                Kind::Comment | Kind::String | Kind::Block | Kind::Number | Kind::Variable => {
                    self.stray(&source, token)
                }
            }
        }
        Ok(())
    }

    /// A field by its name, inside those that are open. The first that is open is the operation.
    fn field(&mut self, name: &str, open: &[Field]) -> Field {
        let resource = resource_of(name);
        let capital = name.starts_with(|c: char| c.is_ascii_uppercase());
        match open {
            [] => Field::default(),
            [_] => Field { resource, person: self.target.take() },
            [.., outer] => {
                Field { resource: if capital { resource } else { String::new() }, person: outer.person }
            }
        }
    }

    /// Arguments from behind their bracket; gives what stands behind the last.
    fn arguments(
        &mut self,
        source: &Source<'_>,
        mut at: usize,
        field: &mut Field,
    ) -> Result<usize, WalkError> {
        let mut name = Argument::default();
        let mut defined = None;
        while let Some(token) = source.tokens.get(at) {
            at += 1;
            let names_value = source.is_mark(at, b':');
            if matches!(token.kind, Kind::String | Kind::Block | Kind::Number)
                && let Some(variable) = defined.take()
            {
                self.defaults.insert(variable, at - 1);
            }
            match token.kind {
                Kind::Mark(b')') => break,
                Kind::Name if names_value => {
                    self.name(source, token);
                    name = Argument::of(source, token);
                }
                // `$name: Type = default`: what a variable is called tells what its default is.
                Kind::Variable if names_value => {
                    name = Argument::of(source, token);
                    defined = Some(source.value(token).into_owned());
                }
                Kind::Variable => self.variable(source, token, &name, field)?,
                Kind::Name => {
                    self.scalar(&source.value(token), source.span(token), Reads::Code, &name, field)
                }
                Kind::String | Kind::Block => {
                    self.scalar(&source.value(token), source.span(token), Reads::Text, &name, field);
                }
                Kind::Number => {
                    self.scalar(&source.value(token), source.span(token), Reads::Quantity, &name, field);
                }
                Kind::Mark(b'{') => at = self.object(source, at - 1, &name, field)?,
                Kind::Comment => self.stray(source, token),
                Kind::Mark(_) => {}
            }
        }
        Ok(at)
    }

    /// One value of an argument.
    fn scalar(
        &mut self,
        value: &str,
        span: Range<usize>,
        reads: Reads<'_>,
        name: &Argument,
        field: &mut Field,
    ) {
        let person = self.person(field);
        url::walk_argument(
            &name.word,
            value,
            span,
            (reads, person),
            &field.resource,
            self.rules.tables,
            self.sink,
        );
    }

    /// A variable in the place of a value: what the sender gives it, else what it is where it is defined.
    fn variable(
        &mut self,
        source: &Source<'_>,
        token: &Token,
        name: &Argument,
        field: &mut Field,
    ) -> Result<(), WalkError> {
        let variable = source.value(token);
        if let Some((tape, node)) =
            self.variables.and_then(|(tape, all)| Some((tape, tape.get(all, &variable)?)))
        {
            self.uses(tape, node)?;
            return self.node(tape, node, name, field);
        }
        let default = self.defaults.get(&*variable).and_then(|at| source.tokens.get(*at));
        let Some(default) = default else { return Ok(()) };
        self.reads_again(default.span.len())?;
        let reads = if default.kind == Kind::Number { Reads::Quantity } else { Reads::Text };
        self.scalar(&source.value(default), source.span(default), reads, name, field);
        Ok(())
    }

    /// Notes that a variable stands in the place of a value. One may in as many as the request has bytes, and each tells
    /// of somebody else; there is a limit to that.
    fn uses(&mut self, tape: &Tape<'_>, node: NodeId) -> Result<(), WalkError> {
        if self.used.insert(node) {
            return Ok(());
        }
        self.reads_again(tape.span(node).len())
    }

    fn reads_again(&mut self, bytes: usize) -> Result<(), WalkError> {
        self.again += bytes;
        if self.again > AGAIN_BYTES_MAX { Err(WalkError::TooMuch { max: AGAIN_BYTES_MAX }) } else { Ok(()) }
    }

    /// Variables that no argument uses, by their own names.
    fn unused(&mut self, key: &str) -> Result<(), WalkError> {
        let Some((tape, variables)) = self.variables else { return Ok(()) };
        let mut field = Field::default();
        if !matches!(tape.kind(variables), NodeKind::Object) {
            return self.node(tape, variables, &Argument { word: key.to_owned(), at: 0..0 }, &mut field);
        }
        for node in tape.children(variables) {
            if self.used.insert(node) {
                let at = tape.key_span(node).unwrap_or_default();
                let word = tape.key(node).unwrap_or_default();
                let word = start_of(&word, CUE_BYTES_MAX).to_owned();
                let person = self.person(&mut field);
                self.sink.unknown_key(&word, at.clone(), person, &|| "variables.*".to_owned());
                self.node(tape, node, &Argument { word, at }, &mut field)?;
            }
        }
        Ok(())
    }

    /// A value in JSON, as an argument's.
    fn node(
        &mut self,
        tape: &Tape<'_>,
        node: NodeId,
        name: &Argument,
        field: &mut Field,
    ) -> Result<(), WalkError> {
        let mut open = vec![node];
        while let Some(node) = open.pop() {
            match tape.kind(node) {
                NodeKind::Null => {}
                NodeKind::Array => {
                    let from = open.len();
                    open.extend(tape.children(node));
                    open.get_mut(from..).unwrap_or_default().reverse();
                }
                NodeKind::Object => self.input(tape, node, name, field)?,
                kind => {
                    let reads = match kind {
                        NodeKind::String => Reads::Text,
                        NodeKind::Bool => Reads::Code,
                        _ => Reads::Quantity,
                    };
                    self.scalar(&tape.value(node), tape.span(node), reads, name, field);
                }
            }
        }
        Ok(())
    }

    /// An input object, whose bracket stands at `at`; gives what stands behind it.
    fn object(
        &mut self,
        source: &Source<'_>,
        at: usize,
        name: &Argument,
        field: &mut Field,
    ) -> Result<usize, WalkError> {
        let mut out = Arranger::default();
        let whole = source.tokens.get(at).map(|token| source.span(token)).unwrap_or_default();
        out.open(NodeKind::Object, Called::Root, &whole);
        let mut at = at;
        // Lists count their elements; objects wait for a key.
        let mut open: Vec<Option<usize>> = Vec::new();
        let mut key = Some((name.word.clone(), name.at.clone()));
        while let Some(token) = source.tokens.get(at) {
            at += 1;
            let span = source.span(token);
            if open.len() > JSON_DEPTH_MAX {
                return Err(WalkError::TooDeep { max: JSON_DEPTH_MAX });
            }
            if matches!(token.kind, Kind::Name | Kind::Variable)
                && source.is_mark(at, b':')
                && matches!(open.last(), Some(None))
            {
                key = Some((source.value(token).into_owned(), span));
                continue;
            }
            let said = key.take();
            let called = match (open.last_mut(), &said) {
                (Some(Some(number)), _) => {
                    *number += 1;
                    Called::Element(*number - 1)
                }
                (_, Some((word, at))) => Called::Word(word, at),
                _ => Called::Word("", &whole),
            };
            match token.kind {
                Kind::Mark(mark @ (b'{' | b'[')) => {
                    open.push((mark == b'[').then_some(0));
                    let kind = if mark == b'[' { NodeKind::Array } else { NodeKind::Object };
                    out.open(kind, called, &span);
                }
                Kind::Mark(b'}' | b']') => {
                    open.pop();
                    out.close();
                    if open.is_empty() {
                        break;
                    }
                }
                Kind::Mark(_) => {
                    key = said;
                    if let Some(Some(number)) = open.last_mut() {
                        *number -= 1;
                    }
                }
                Kind::Comment => {
                    self.stray(source, token);
                    key = said;
                }
                Kind::Variable => {
                    let variable = self
                        .variables
                        .and_then(|(tape, all)| Some((tape, tape.get(all, &source.value(token))?)));
                    if let Some((tape, node)) = variable {
                        self.uses(tape, node)?;
                        out.copy(tape, node, called);
                    }
                }
                Kind::Number => out.value(NodeKind::Number, called, &source.value(token), &span),
                Kind::Name if matches!(&*source.value(token), "true" | "false") => {
                    out.value(NodeKind::Bool, called, &source.value(token), &span);
                }
                Kind::Name | Kind::String | Kind::Block => {
                    out.value(NodeKind::String, called, &source.value(token), &span);
                }
            }
        }
        out.close();
        if out.deepest() > JSON_DEPTH_MAX + 2 {
            return Err(WalkError::TooDeep { max: JSON_DEPTH_MAX });
        }
        let arranged = out.done();
        if let Some(tape) = arranged.tape()
            && let Some(node) = tape.children(NodeId::ROOT).next()
        {
            self.node(&tape, node, name, field)?;
        }
        Ok(at)
    }

    /// An input object: a resource where it is one, else what it calls like one, and the rest by its keys.
    fn input(
        &mut self,
        tape: &Tape<'_>,
        node: NodeId,
        name: &Argument,
        field: &mut Field,
    ) -> Result<(), WalkError> {
        let (fhir, objects) = (self.rules.fhir, self.rules.tables.objects);
        let is = |node: NodeId, kind: &str| fhir::is_alike(tape, node, kind, fhir, objects);
        let said = tape.string(node, "resourceType").filter(|kind| is(node, kind));
        if said.is_some() || is(node, &field.resource) {
            let kind = if said.is_some() { "" } else { field.resource.as_str() };
            let kind = kind.to_owned();
            return self.resource(tape, node, &kind, field);
        }
        let mut resources = Vec::new();
        for child in tape.children(node).take(MEMBERS_LOOKED_AT_MAX) {
            let kind = resource_of(&tape.key(child).unwrap_or_default());
            if is(child, &kind) {
                let said = tape.get(child, "resourceType").is_some();
                self.resource(tape, child, if said { "" } else { &kind }, field)?;
                resources.push(child);
            }
        }
        let mut out = Arranger::default();
        out.open(NodeKind::Object, Called::Root, &tape.span(node));
        out.open(NodeKind::Object, Called::Word(&name.word, &name.at), &tape.span(node));
        for child in tape.children(node).filter(|child| !resources.contains(child)) {
            let at = tape.key_span(child).unwrap_or_default();
            out.copy(tape, child, Called::Word(&tape.key(child).unwrap_or_default(), &at));
        }
        out.close();
        out.close();
        self.document(out, false, Some(field))
    }

    /// A resource of a type that isn't said in it, or (empty) is.
    fn resource(
        &mut self,
        tape: &Tape<'_>,
        node: NodeId,
        kind: &str,
        field: &mut Field,
    ) -> Result<(), WalkError> {
        let mut out = Arranger::default();
        let at = tape.span(node);
        out.open(NodeKind::Object, Called::Root, &at);
        if !kind.is_empty() {
            let start = at.start..at.start;
            out.value(NodeKind::String, Called::Word("resourceType", &start), kind, &start);
        }
        for child in tape.children(node) {
            let at = tape.key_span(child).unwrap_or_default();
            out.copy(tape, child, Called::Word(&tape.key(child).unwrap_or_default(), &at));
        }
        out.close();
        self.document(out, true, Some(field))
    }

    /// What an object says besides what was `told`.
    fn members(&mut self, tape: &Tape<'_>, node: NodeId, told: &[NodeId]) -> Result<(), WalkError> {
        let mut out = Arranger::default();
        out.open(NodeKind::Object, Called::Root, &tape.span(node));
        for child in tape.children(node).filter(|child| !told.contains(child)) {
            let at = tape.key_span(child).unwrap_or_default();
            out.copy(tape, child, Called::Word(&tape.key(child).unwrap_or_default(), &at));
        }
        out.close();
        self.document(out, false, None)
    }

    /// Walks what was arranged; its first person is the field's.
    fn document(
        &mut self,
        out: Arranger,
        is_resource: bool,
        field: Option<&mut Field>,
    ) -> Result<(), WalkError> {
        if out.deepest() > JSON_DEPTH_MAX + 2 {
            return Err(WalkError::TooDeep { max: JSON_DEPTH_MAX });
        }
        let arranged = out.done();
        let Some(tape) = arranged.tape() else { return Ok(()) };
        let mut own = Field::default();
        let field = field.unwrap_or(&mut own);
        let mut sink = Shifted::new(&mut self.persons, &mut field.person, self.sink);
        if is_resource {
            fhir::walk_tape(&tape, self.rules.fhir, Some(self.rules.tables.objects), &mut sink);
        } else {
            object::walk_tape(&tape, self.rules.tables.objects, &mut sink);
        }
        Ok(())
    }

    /// A name of the schema, or one that the sender made.
    fn name(&mut self, source: &Source<'_>, token: &Token) {
        self.sink.unknown_key(&source.value(token), source.span(token), PersonId::NOBODY, &|| {
            "query.*".to_owned()
        });
    }

    /// What no argument says.
    fn stray(&mut self, source: &Source<'_>, token: &Token) {
        let (span, value) = (source.span(token), source.value(token));
        let leaf = Leaf { span, value, field: None, person: PersonId::NOBODY, reads: Reads::Text, cue: "" };
        self.sink.leaf(&leaf, &|| "query.*".to_owned());
    }

    fn person(&mut self, field: &mut Field) -> PersonId {
        if let Some(person) = field.person {
            return person;
        }
        let person = PersonId(self.persons);
        self.persons += 1;
        self.sink.person(person, Role::Patient);
        field.person = Some(person);
        person
    }
}

/// The name of an argument, and where it stands.
#[derive(Clone, Default)]
struct Argument {
    word: String,
    at: Range<usize>,
}

impl Argument {
    fn of(source: &Source<'_>, token: &Token) -> Self {
        // Its values may be many, and each asks what it is called.
        let word = start_of(&source.value(token), CUE_BYTES_MAX).to_owned();
        Self { word, at: source.span(token) }
    }
}

struct Source<'a> {
    text: &'a str,
    tokens: &'a [Token],
    to: &'a dyn Fn(usize) -> usize,
}

impl<'a> Source<'a> {
    fn value(&self, token: &Token) -> Cow<'a, str> {
        lexer::value(self.text, token)
    }

    fn span(&self, token: &Token) -> Range<usize> {
        (self.to)(token.span.start)..(self.to)(token.span.end)
    }

    fn is_mark(&self, at: usize, mark: u8) -> bool {
        self.tokens.get(at).is_some_and(|token| token.kind == Kind::Mark(mark))
    }
}

/// Bytes of variables of one request that are read again.
const AGAIN_BYTES_MAX: usize = 1 << 20;

/// The type that a field asks for: `PatientList` and `patients` of `Patient`.
fn resource_of(field: &str) -> String {
    let mut chars = field.chars();
    let Some(first) = chars.next() else { return String::new() };
    let name: String = first.to_uppercase().chain(chars).collect();
    let verbs = ["Create", "Update", "Delete", "Get", "Find", "Search"];
    let name = verbs
        .iter()
        .find_map(|verb| name.strip_prefix(verb))
        .filter(|rest| !rest.is_empty())
        .unwrap_or(&name);
    let ends = ["List", "Connection", "Create", "Update", "Delete", "ById", "s"];
    ends.iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name).to_owned()
}

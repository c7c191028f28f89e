//! The field table compiled for reading: for each element the rows that may cover it, best first.

use super::super::json::Vocabulary;
use super::names::{Name, Names};
use super::xml::Shapes;
use crate::inspect::field::{Field, FieldTable};

/// Rows and names, ready for reading: made once, used for every document.
#[derive(Debug)]
pub struct Table {
    rows: Vec<Row>,
    pub(super) names: Names,
    pub(super) words: Words,
    /// Words of extension urls, and the name that stands for each.
    url_words: Vec<(String, Name)>,
    pub(super) shapes: Shapes,
    /// Best first.
    patterns: Vec<Pattern>,
    /// By the number of the last name: for a resource, and then for the name before the last.
    by_last: Vec<By<By<Vec<u32>>>>,
    /// For each leaf of a resource type.
    by_resource: Vec<Vec<u32>>,
}

/// One row and how its value reads.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) field: Field,
    pub(super) carry: Carry,
    pub(super) conditional: bool,
    /// The types of resource that its reference may lead to, and whether one that can't be told is such.
    pub(super) kinds: Vec<Name>,
    pub(super) leads_anywhere: bool,
    /// The types that ask for the label of a form item or a parameter.
    pub(super) labels: Vec<Phrase>,
    /// The systems that ask for the name of who assigned it.
    pub(super) assigners: Vec<Phrase>,
}

/// Words that a label has in a row, or that it is; case and punctuation don't matter.
#[derive(Debug)]
pub(super) struct Phrase {
    /// As [`words_of`] gives them.
    words: String,
    is_whole: bool,
}

impl Phrase {
    /// `~…`: has them; `~=…`: is them; all else asks for no label.
    fn parse(word: &str) -> Option<Self> {
        let phrase = word.strip_prefix('~')?;
        let whole = phrase.strip_prefix('=');
        Some(Self { words: words_of(whole.unwrap_or(phrase)), is_whole: whole.is_some() })
    }

    /// Whether it meets a label, as [`words_of`] gives that.
    pub(super) fn meets(&self, label: &str) -> bool {
        if self.is_whole { label == self.words } else { label.contains(&self.words) }
    }
}

/// ` in lower case with single spaces `.
pub(super) fn words_of(label: &str) -> String {
    let mut words = String::from(" ");
    for c in label.chars().take(LABEL_CHARS_MAX) {
        if c.is_alphanumeric() {
            words.extend(c.to_lowercase());
        } else if !words.ends_with(' ') {
            words.push(' ');
        }
    }
    if !words.ends_with(' ') {
        words.push(' ');
    }
    words
}

/// How much of a label is read for phrases.
const LABEL_CHARS_MAX: usize = 256;

/// The `as` of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Carry {
    Value,
    Text,
    Xhtml,
    Base64,
    Base64Query,
    Query,
    Code,
    Public,
}

/// One step of a path: an element, and for an extension the end of its url.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) name: Name,
    pub(super) url: Name,
}

impl Table {
    /// Compiles the rows of a table.
    ///
    /// # Errors
    /// What is wrong with it, in words that quote nothing but the table itself.
    pub fn new(table: &FieldTable) -> Result<Self, String> {
        let mut names = Names::new()?;
        let words = Words::new(&names)?;
        let shapes = Shapes::new(&names)?;
        let mut rows = Vec::with_capacity(table.field.len());
        let mut patterns = Vec::new();
        let mut url_words = Vec::new();
        for (index, field) in (0..).zip(&table.field) {
            let carry = Carry::parse(&field.reads)
                .ok_or_else(|| format!("{}: `as` has no meaning here: {}", field.id, field.reads))?;
            let when = &field.when;
            let conditional =
                !(when.types.is_empty() && when.systems.is_empty() && when.reference.is_empty());
            for at in &field.at {
                let typed = !(when.types.is_empty() && when.systems.is_empty());
                let rank = Rank { conditional, typed, steps: 0, points: field.points.0 };
                let pattern = Pattern::parse(at, &mut names, index, rank)
                    .map_err(|why| format!("{}: {at}: {why}", field.id))?;
                patterns.push(pattern);
                let words = at.split("extension(~").skip(1).filter_map(|rest| rest.split(')').next());
                url_words.extend(words.map(|word| (word.to_owned(), names.find(&format!("~{word}")))));
            }
            let phrases = |words: &[String]| words.iter().filter_map(|word| Phrase::parse(word)).collect();
            let (labels, assigners) = (phrases(&when.types), phrases(&when.systems));
            let kinds = when.reference.iter().map(|word| names.resource(word)).collect();
            let leads_anywhere = when.reference.iter().any(|word| word == "unknown");
            rows.push(Row {
                field: field.clone(),
                carry,
                conditional,
                kinds,
                leads_anywhere,
                labels,
                assigners,
            });
        }
        patterns.sort_by_key(|pattern: &Pattern| std::cmp::Reverse(pattern.rank));
        let mut ends: Vec<Vec<u32>> = vec![Vec::new(); names.len()];
        let mut by_resource = ends.clone();
        for (number, pattern) in (0..).zip(&patterns) {
            let (lists, name) = match (pattern.last(), pattern.resource) {
                (Some(last), _) => (&mut ends, last.name),
                (None, Some(resource)) => (&mut by_resource, resource),
                (None, None) => return Err("a row for every leaf of every resource".to_owned()),
            };
            lists.get_mut(name.index()).ok_or("a name without a number")?.push(number);
        }
        let resource = |number: u32| patterns.get(number as usize).and_then(|pattern| pattern.resource);
        let before_last = |number: u32| patterns.get(number as usize).and_then(Pattern::before_last);
        let by_before = |numbers: Vec<u32>| By::new(&numbers, before_last, |numbers| numbers);
        let by_last = ends.iter().map(|numbers| By::new(numbers, resource, by_before)).collect();
        names.settle();
        Ok(Self { rows, names, words, url_words, shapes, patterns, by_last, by_resource })
    }

    /// In what the keys of a document are to be looked up that is walked by this table.
    pub(super) fn vocabulary(&self) -> &impl Vocabulary {
        &self.names
    }

    /// Whether a word is a resource type of R4.
    #[must_use]
    pub fn knows(&self, resource: &str) -> bool {
        self.names.resource(resource) != Name::UNKNOWN
    }

    /// Whether a place shows the key.
    #[must_use]
    pub fn shows(&self, key: &str) -> bool {
        self.names.element(key) != Name::UNKNOWN
            || self.names.as_outside(self.names.find(key)) != Name::UNKNOWN
    }

    /// The name of an extension by the end of its url: itself, or the word of the table that it has in it.
    pub(super) fn extension(&self, url: &str) -> Name {
        let end = url.rsplit(['/', '#']).next().unwrap_or_default();
        match self.names.find(end) {
            Name::UNKNOWN => {
                let end: String =
                    end.chars().filter(|c| c.is_ascii_alphanumeric()).flat_map(char::to_lowercase).collect();
                let word = self.url_words.iter().find(|(word, _)| end.contains(word.as_str()));
                word.map_or(Name::UNKNOWN, |(_, name)| *name)
            }
            name => name,
        }
    }

    /// Whether any row may cover a value whose last step has this name, and the one before it that one.
    pub(super) fn may_cover(&self, resource: Name, before_last: Name, last: Name) -> bool {
        !self.ending(resource, before_last, last).is_empty() || !self.of_every_leaf(resource).is_empty()
    }

    /// The row of a number.
    pub(super) fn row(&self, number: u32) -> Option<&Row> {
        self.rows.get(number as usize)
    }

    /// The numbers of the rows that may cover the value at the end of this path, best first.
    pub(super) fn rows<'t, 'p>(
        &'t self,
        resource: Name,
        path: &'p [Step],
    ) -> impl Iterator<Item = u32> + use<'t, 'p> {
        let ending = match path {
            [.., before, last] => self.ending(resource, before.name, last.name),
            [last] => self.ending(resource, Name::UNKNOWN, last.name),
            [] => &[],
        };
        let numbers = ending.iter().chain(self.of_every_leaf(resource));
        numbers
            .filter_map(|number| self.patterns.get(*number as usize))
            .filter(move |pattern| pattern.covers(resource, path))
            .map(|pattern| pattern.row)
    }

    /// The patterns that ask for these two last names, or for the last alone: [`Name::UNKNOWN`] before it is none.
    fn ending(&self, resource: Name, before_last: Name, last: Name) -> &[u32] {
        self.by_last.get(last.index()).map_or(&[], |by_last| by_last.of(resource).of(before_last))
    }

    fn of_every_leaf(&self, resource: Name) -> &[u32] {
        self.by_resource.get(resource.index()).map_or(&[], Vec::as_slice)
    }
}

impl Carry {
    fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "" => Self::Value,
            "text" => Self::Text,
            "xhtml" => Self::Xhtml,
            "base64" => Self::Base64,
            "base64-query" => Self::Base64Query,
            "query" => Self::Query,
            "code" => Self::Code,
            "public" => Self::Public,
            _ => return None,
        })
    }
}

/// Patterns by a name that some of them ask for: for each such name those and the ones that ask for none.
#[derive(Debug)]
struct By<T> {
    any: T,
    /// Sorted by name.
    asked: Vec<(Name, T)>,
}

impl<T> By<T> {
    /// `asks` tells what a pattern asks for, `list` keeps those of one name, in their order.
    fn new(numbers: &[u32], asks: impl Fn(u32) -> Option<Name>, list: impl Fn(Vec<u32>) -> T) -> Self {
        let mut names: Vec<Name> = numbers.iter().filter_map(|number| asks(*number)).collect();
        names.sort_unstable();
        names.dedup();
        let of = |name: Option<Name>| {
            let is_of = |number: &u32| asks(*number).is_none_or(|asked| name == Some(asked));
            list(numbers.iter().copied().filter(is_of).collect())
        };
        Self { any: of(None), asked: names.into_iter().map(|name| (name, of(Some(name)))).collect() }
    }

    fn of(&self, name: Name) -> &T {
        let asked = self.asked.binary_search_by_key(&name, |(asked, _)| *asked).ok();
        asked.and_then(|at| self.asked.get(at)).map_or(&self.any, |(_, list)| list)
    }
}

/// One `at`.
#[derive(Debug, Clone)]
struct Pattern {
    resource: Option<Name>,
    /// From the top of the document, outside any resource.
    outside: bool,
    head: Vec<Step>,
    /// Any steps may stand between head and tail.
    gap: bool,
    tail: Vec<Step>,
    row: u32,
    rank: Rank,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    conditional: bool,
    /// A type or a system says more of a value than where it stands.
    typed: bool,
    steps: usize,
    points: u16,
}

impl Pattern {
    /// `Patient.name.family`, `*.subject.display`, `**.note.text`, `Patient.**.start`, `Practitioner.**`.
    fn parse(at: &str, names: &mut Names, row: u32, mut rank: Rank) -> Result<Self, String> {
        let (first, rest) = at.split_once('.').ok_or("a path has two words at least")?;
        let mut gap = first == "**";
        let outside = first == "@";
        let resource = match first {
            "*" | "**" | "@" => None,
            word => {
                Some(names.resource(word)).filter(|n| *n != Name::UNKNOWN).ok_or("no such resource")?.into()
            }
        };
        let (mut head, mut tail) = (Vec::new(), Vec::new());
        for word in rest.split('.') {
            if word == "**" {
                if gap {
                    return Err("one `**` only".to_owned());
                }
                gap = true;
                continue;
            }
            let (element, url) = match word.split_once('(') {
                Some((element, url)) => (element, names.intern(url.strip_suffix(')').ok_or("no `)`")?)?),
                None => (word, Name::UNKNOWN),
            };
            let name = if outside { names.intern_outside(element)? } else { names.element(element) };
            if name == Name::UNKNOWN {
                return Err(format!("no such element: {element}"));
            }
            if gap { &mut tail } else { &mut head }.push(Step { name, url });
        }
        rank.steps = head.len() + tail.len() + usize::from(resource.is_some());
        Ok(Self { resource, outside, head, gap, tail, row, rank })
    }

    fn last(&self) -> Option<Step> {
        if self.gap { self.tail.last() } else { self.head.last() }.copied()
    }

    /// The name that the last but one step must have, if only one will do: [`Name::UNKNOWN`] where there is to be none.
    fn before_last(&self) -> Option<Name> {
        match (self.gap, self.head.as_slice(), self.tail.as_slice()) {
            (true, _, [.., before, _]) | (false, [.., before, _], _) => Some(before.name),
            (true, _, _) => None,
            (false, _, _) => Some(Name::UNKNOWN),
        }
    }

    fn covers(&self, resource: Name, path: &[Step]) -> bool {
        let long_enough = match path.len().checked_sub(self.head.len() + self.tail.len()) {
            Some(between) => between == 0 || self.gap,
            None => false,
        };
        long_enough
            && self.resource.is_none_or(|wanted| wanted == resource)
            && (!self.outside || resource == Name::UNKNOWN)
            && self.head.iter().zip(path).all(|(wanted, step)| wanted.is(*step))
            && self.tail.iter().rev().zip(path.iter().rev()).all(|(wanted, step)| wanted.is(*step))
    }
}

impl Step {
    fn is(self, step: Self) -> bool {
        self.name == step.name && (self.url == Name::UNKNOWN || self.url == step.url)
    }
}

macro_rules! words {
    ($($field:ident = $word:literal,)+) => {
        /// Names that the walker itself asks for.
        #[derive(Debug)]
        pub(super) struct Words {
            $(pub(super) $field: Name,)+
            contacts: Vec<Name>,
            providers: Vec<Name>,
            codings: Vec<Name>,
            /// Members that name whom a resource is about, first wins.
            pub(super) subjects: Vec<Name>,
            /// Members further down, or of lists, that do so where none of those does.
            pub(super) further: Vec<(Name, Option<Name>)>,
        }

        impl Words {
            fn new(names: &Names) -> Result<Self, String> {
                // What asks for a key by number must not ask for the number of all unknown ones.
                let known = |word: &str| match names.find(word) {
                    Name::UNKNOWN => Err(format!("the walker asks for a word that is no name: {word}")),
                    name => Ok(name),
                };
                let all = |words: &str| words.split_whitespace().map(known).collect::<Result<_, _>>();
                let pair = |(outer, inner): &(&str, Option<&str>)| {
                    Ok::<_, String>((known(outer)?, inner.map(known).transpose()?))
                };
                Ok(Self {
                    $($field: known($word)?,)+
                    contacts: all(CONTACTS)?,
                    providers: all(PROVIDERS)?,
                    codings: all(CODINGS)?,
                    subjects: SUBJECTS.split_whitespace().map(known).collect::<Result<_, _>>()?,
                    further: FURTHER.iter().map(pair).collect::<Result<_, _>>()?,
                })
            }
        }
    };
}

words! {
    patient = "Patient",
    related_person = "RelatedPerson",
    observation = "Observation",
    claim = "Claim",
    benefit = "ExplanationOfBenefit",
    claim_response = "ClaimResponse",
    episode = "EpisodeOfCare",
    communication = "Communication",
    communication_request = "CommunicationRequest",
    encounter = "Encounter",
    appointment = "Appointment",
    contact = "contact",
    extension = "extension",
    modifier_extension = "modifierExtension",
    identifier = "identifier",
    agent = "agent",
    item = "item",
    component = "component",
    parameter = "parameter",
    property = "property",
    part = "part",
    code = "code",
    category = "category",
    answer = "answer",
    contained = "contained",
    resource_type = "resourceType",
    resource = "resource",
    full_url = "fullUrl",
    id = "id",
    reference = "reference",
    kind = "type",
    value = "value",
    system = "system",
    url = "url",
    who = "who",
    link = "link",
    other = "other",
    target = "target",
    subject_patient = "patient",
    text = "text",
    link_id = "linkId",
    name = "name",
    coding = "coding",
    display = "display",
    content_type = "contentType",
    origin = "origin",
    assigner = "assigner",
    reason = "reason",
    reason_code = "reasonCode",
    reason_reference = "reasonReference",
    diagnosis = "diagnosis",
}

impl Words {
    /// Whether it names who made a definition.
    pub(super) fn is_contact(&self, name: Name) -> bool {
        self.contacts.contains(&name)
    }

    /// Whether a Reference under it leads to a provider where nothing else tells.
    pub(super) fn is_provider(&self, name: Name) -> bool {
        self.providers.contains(&name)
    }

    /// Whether it is a Coding.
    pub(super) fn is_coding(&self, name: Name) -> bool {
        self.codings.contains(&name)
    }
}

const CONTACTS: &str = "contact publisher author editor reviewer endorser copyright";
const PROVIDERS: &str = "assigner author custodian enterer facility generalPractitioner insurer location \
    managingOrganization manufacturer organization owner performer practitioner provider recorder requester \
    serviceProvider sender who";
const CODINGS: &str = "coding valueCoding answerCoding security tag class modality securityLabel format eventCoding \
    topic subtype lifecycle role event";
const SUBJECTS: &str = "subject patient beneficiary for individual candidate";
const FURTHER: &[(&str, Option<&str>)] = &[
    ("actor", None),
    ("participant", Some("actor")),
    ("recipient", None),
    ("target", None),
    ("entity", Some("what")),
    ("securityContext", None),
    ("focus", None),
    ("source", None),
    ("subscriber", None),
    ("policyHolder", None),
];

#[cfg(test)]
mod tests {
    use super::super::tests::field_table;
    use super::*;

    #[test]
    fn the_lists_of_names_leave_out_no_row_and_keep_the_order() {
        let table = Table::new(&field_table()).unwrap();
        let other = Step { name: table.names.element("item"), url: Name::UNKNOWN };
        let resources = ["Patient", "Practitioner", "Basic"].map(|word| table.names.resource(word));
        for pattern in &table.patterns {
            let ends = [pattern.head.as_slice(), &pattern.tail].concat();
            let paths = [
                ends.clone(),
                [&[other], ends.as_slice()].concat(),
                [pattern.head.as_slice(), &[other], &pattern.tail].concat(),
                ends.last().copied().into_iter().collect(),
            ];
            let resources = resources.into_iter().chain(pattern.resource).chain([Name::UNKNOWN]);
            for (resource, path) in resources.flat_map(|r| paths.iter().map(move |path| (r, path))) {
                let covers = |whole: bool| {
                    let is = move |p: &&Pattern| p.last().is_some() == whole && p.covers(resource, path);
                    table.patterns.iter().filter(is).filter_map(|p| table.row(p.row))
                };
                let want: Vec<_> = covers(true).chain(covers(false)).map(|row| &row.field.id).collect();
                let found = table.rows(resource, path).filter_map(|row| table.row(row));
                let found: Vec<_> = found.map(|row| &row.field.id).collect();
                assert_eq!(found, want);
                let Some((last, before)) = path.split_last() else { continue };
                let before_last = before.last().map_or(Name::UNKNOWN, |step| step.name);
                assert!(want.is_empty() || table.may_cover(resource, before_last, last.name));
            }
        }
    }
}

//! What inspection tells: findings, people, and what stayed unread. No type here holds a value.

use super::format::Format;
use super::kind::{Kind, Points, Whose};
use super::known::{Print, Tag};
use super::marker::Sign;
use super::walk::Declared;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// The part of a message that something was found in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// Path of the request target.
    Path,
    /// Query of the request target.
    Query,
    /// A header; the name is one that the rules know.
    Header(&'static str),
    /// A header that the rules don't know by name.
    OtherHeader,
    /// The body, or what is carried inside it.
    Body,
    /// A trailer.
    Trailer,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Header(name) => return write!(f, "header {name}"),
            Self::OtherHeader => "header *",
            Self::Body => "body",
            Self::Trailer => "trailer",
        })
    }
}

/// Why a finding keeps the points that it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// In full.
    Yes,
    /// 0: the value is empty, masked or a word for unknown.
    Placeholder,
    /// 0: the value is never issued, reserved, or a known dummy.
    Dummy,
    /// 0: the person counts as made up, by this rule.
    MadeUp(MadeUp),
    /// 0: it is a provider's or an organisation's.
    NotThePatient,
    /// In shadow: its rule only counts, and adds nothing to its person.
    Shadow,
    /// 0: somebody asked that it counts for nothing here, and somebody else approved.
    Suppressed,
}

impl Counted {
    /// A short word for explanations.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Yes => "counted",
            Self::Placeholder => "placeholder",
            Self::Dummy => "reserved-or-dummy",
            Self::MadeUp(MadeUp::Generator) => "made-up-generator",
            Self::MadeUp(MadeUp::ValueBorne) => "made-up-value-borne",
            Self::MadeUp(MadeUp::Listed) => "made-up-listed",
            Self::NotThePatient => "not-the-patient",
            Self::Shadow => "shadow",
            Self::Suppressed => "suppressed",
        }
    }
}

/// The rule by which a person counts as made up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MadeUp {
    /// The organization's registry of test people has this one.
    Listed,
    /// A generator's identifier system and two independent signs.
    Generator,
    /// Every number and contact can't be a real person's.
    ValueBorne,
}

/// One detection.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The rule's stable id.
    pub rule: Arc<str>,
    /// What it is.
    pub kind: Kind,
    /// Whose it is.
    pub whose: Whose,
    /// Points that it adds to its person.
    pub points: Points,
    /// Why so many.
    pub counted: Counted,
    /// The marker that the value bears.
    pub sign: Sign,
    /// The person, an index into [`Findings::persons`]; `None` where it is nobody's.
    pub person: Option<usize>,
    /// Where it is, in words of our tables and indices.
    pub place: String,
    /// Which part of the message.
    pub part: Part,
    /// Raw bytes of that part, as sent (after transfer decoding, and after content decoding for a body).
    pub span: Range<usize>,
}

/// One person of the message.
#[derive(Debug, Clone, Default)]
pub struct Person {
    /// Points of this person's fields, each kind once.
    pub points: Points,
    /// The same if the rules that are in shadow acted.
    pub shadow_points: Points,
    /// Whether clinical content belongs to this person.
    pub clinical: bool,
    /// The rule by which the person counts as made up.
    pub made_up: Option<MadeUp>,
    /// Whether nothing but an opaque id says who it is.
    pub only_opaque_id: bool,
    /// Whether it is somebody who came before: another line or row of the same patient.
    pub again: bool,
    /// Whether production has seen this person: agrees with a fingerprint.
    pub known_real: bool,
    /// What the person may be remembered by, where that was asked for: keyed hashes, each with the word of what agrees.
    pub tags: Vec<(&'static str, Tag)>,
    /// What fingerprints of the person would be, where there are any.
    pub prints: Vec<Print>,
}

/// Why something stayed unread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum UninspectedReason {
    /// A content encoding that isn't known.
    Encoding,
    /// The content encoding's stream is broken or cut short.
    BrokenEncoding,
    /// Inflates to more than the limit, or by more than the allowed ratio.
    Bomb,
    /// Nested deeper than the limit.
    TooDeep,
    /// Says it is a format that it doesn't parse as.
    Malformed,
    /// Not the character set that it has to be.
    Charset,
    /// Images, audio, video, archives, encrypted or unknown binary.
    OpaqueType,
    /// Partial content: ranges.
    Partial,
    /// More carried data than the budget.
    Budget,
    /// Not looked at: the copy was cut at the tee's limit.
    TeeLimit,
    /// A stream without an end: it can't be held whole.
    Stream,
    /// Not in the message: it leads to content that is fetched apart.
    Elsewhere,
    /// A document that needs a key to be read.
    Encrypted,
    /// A picture in a document: it may show text.
    Picture,
    /// Text by a font that doesn't say which characters its codes are.
    Font,
    /// A page that draws much and writes nothing: its letters may be outlines.
    Drawn,
}

impl UninspectedReason {
    /// Every reason, in order.
    pub const ALL: &[Self] = &[
        Self::Encoding,
        Self::BrokenEncoding,
        Self::Bomb,
        Self::TooDeep,
        Self::Malformed,
        Self::Charset,
        Self::OpaqueType,
        Self::Partial,
        Self::Budget,
        Self::TeeLimit,
        Self::Stream,
        Self::Elsewhere,
        Self::Encrypted,
        Self::Picture,
        Self::Font,
        Self::Drawn,
    ];

    /// The word, as in replies and labels.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Encoding => "encoding",
            Self::BrokenEncoding => "broken_encoding",
            Self::Bomb => "bomb",
            Self::TooDeep => "too_deep",
            Self::Malformed => "malformed",
            Self::Charset => "charset",
            Self::OpaqueType => "opaque_type",
            Self::Partial => "partial",
            Self::Budget => "budget",
            Self::TeeLimit => "tee_limit",
            Self::Stream => "stream",
            Self::Elsewhere => "elsewhere",
            Self::Encrypted => "encrypted",
            Self::Picture => "picture",
            Self::Font => "font",
            Self::Drawn => "drawn",
        }
    }

    /// What the sender can do about it.
    #[must_use]
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Encoding => {
                "Send the body with Content-Encoding gzip, deflate, br or zstd, or without one."
            }
            Self::BrokenEncoding => "The Content-Encoding does not decode to its end: send the body whole.",
            Self::Bomb => "The body inflates to more than the gateway reads: send it in smaller parts.",
            Self::TooDeep => "The body is nested deeper than the gateway reads.",
            Self::Malformed => {
                "The body does not parse as the type it declares: correct the body or its Content-Type."
            }
            Self::Charset => "Send the body in UTF-8.",
            Self::OpaqueType => "A connection may list this type in `opaque` to accept it unread.",
            Self::Partial => "Send whole content instead of ranges.",
            Self::Budget => {
                "The body carries more encoded data than the gateway reads: send it in smaller parts."
            }
            Self::TeeLimit => "Nothing: the copy for the record was cut.",
            Self::Elsewhere => {
                "The message leads to content that it doesn't hold; a connection may list the content's type in `opaque`."
            }
            Self::Encrypted => {
                "Send the document without encryption; a connection may list its type in `opaque` to accept it unread."
            }
            Self::Picture => {
                "The document holds a picture, which nobody reads here; a connection may list its type in `opaque` to accept \
                 it unread."
            }
            Self::Font => {
                "The document's fonts don't say which characters they show: embed them with ToUnicode maps, or send the text."
            }
            Self::Drawn => {
                "A page is drawn instead of written: send its text as text; a connection may list its type in `opaque` to \
                 accept it unread."
            }
            Self::Stream => {
                "A stream of events has no end to be judged at; a connection may list the type in `opaque` to accept it \
                 unread."
            }
        }
    }
}

/// Something that stayed unread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uninspected {
    /// Why.
    pub reason: UninspectedReason,
    /// The media type it declares, of the list that we write down.
    pub media_type: &'static str,
    /// Where, in words of our tables and indices.
    pub place: String,
}

/// A link that leads past the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OffPath {
    /// Which part of the message.
    pub part: Part,
    /// Where, in words of our tables and indices.
    pub place: String,
}

/// Everything that inspection tells of one message.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    /// Format of the body.
    pub format: Format,
    /// Detections, in order.
    pub findings: Vec<Finding>,
    /// People.
    pub persons: Vec<Person>,
    /// What stayed unread.
    pub uninspected: Vec<Uninspected>,
    /// What the sender declared, and where.
    pub declared: Vec<(Declared, String)>,
    /// Links to hosts that don't belong to the environment.
    pub off_path: Vec<OffPath>,
    /// Bytes that were read, decoded ones too.
    pub scanned_bytes: u64,
}

impl Findings {
    /// The person with most points.
    #[must_use]
    pub fn heaviest(&self) -> Option<&Person> {
        self.persons.iter().max_by_key(|p| p.points)
    }

    /// Whether something stayed unread that a larger budget may read.
    #[must_use]
    pub fn is_over_budget(&self) -> bool {
        let over = |u: &Uninspected| matches!(u.reason, UninspectedReason::Budget | UninspectedReason::Bomb);
        self.uninspected.iter().any(over)
    }

    /// Points of the heaviest person; 0 where there is nobody.
    #[must_use]
    pub fn points(&self) -> Points {
        self.heaviest().map_or(Points(0), |p| p.points)
    }
}

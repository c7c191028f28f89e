//! XHTML narrative as text: tags out, entities undone, with a map back to the raw bytes. Comments and CDATA sections
//! are text, too: what a reader isn't shown is payload all the same.

use super::offsets::Runs;
use std::ops::Range;

/// Text, and where it stands in the raw narrative.
pub struct Plain {
    /// The words.
    pub text: String,
    origins: Runs,
}

impl Plain {
    /// Where byte `at` of the text stands in the narrative; its end for what lies behind the last.
    #[must_use]
    pub fn origin(&self, at: usize) -> usize {
        self.origins.origin(at)
    }
}

impl Plain {
    /// Text that stands as it is at `at` of the narrative.
    fn verbatim(&mut self, text: &str, at: usize) {
        self.origins.push(self.text.len(), at, true);
        self.text.push_str(text);
    }

    /// Text at `at`, its entities undone.
    fn entities(&mut self, text: &str, mut at: usize) {
        let mut rest = text;
        while let Some(amp) = memchr::memchr(b'&', rest.as_bytes()) {
            self.verbatim(rest.get(..amp).unwrap_or_default(), at);
            at += amp;
            rest = rest.get(amp..).unwrap_or_default();
            let end = rest.bytes().take(ENTITY_BYTES_MAX).position(|b| b == b';');
            let read = end.and_then(|end| entity(rest.get(1..end)?).map(|c| (c, end + 1)));
            let (c, taken) = read.unwrap_or(('&', 1));
            self.instead(c.encode_utf8(&mut [0; 4]), at);
            at += taken;
            rest = rest.get(taken..).unwrap_or_default();
        }
        self.verbatim(rest, at);
    }

    /// Text that stands for what is at `at`.
    fn instead(&mut self, text: &str, at: usize) {
        self.origins.push(self.text.len(), at, false);
        self.text.push_str(text);
    }
}

/// Takes the tags out. A tag that ends a block or a cell becomes a line end, any other a blank where there is none yet.
#[must_use]
pub fn plain(xhtml: &str) -> Plain {
    let mut out = Plain { text: String::with_capacity(xhtml.len() / 2), origins: Runs::default() };
    let mut at = 0;
    // Whether the last blank stands for a tag alone.
    let mut of_tag = false;
    let mut table = Columns::default();
    while let Some(rest) = xhtml.get(at..).filter(|r| !r.is_empty()) {
        match rest.as_bytes() {
            [b'<', b'!', ..]
                if let Some((mark, end)) = WHOLE.iter().find(|(mark, _)| rest.starts_with(mark)) =>
            {
                let inside = rest.get(mark.len()..).unwrap_or_default();
                let inside = inside.get(..inside.find(end).unwrap_or(inside.len())).unwrap_or_default();
                // One that says nothing is nothing: `417<!-- -->-62`.
                if !inside.trim_ascii().is_empty() {
                    of_tag = false;
                    out.verbatim(inside, at + mark.len());
                }
                at += (mark.len() + inside.len() + end.len()).min(rest.len());
            }
            [b'<', ..] => {
                let taken = memchr::memchr(b'>', rest.as_bytes()).map_or(rest.len(), |end| end + 1);
                let tag = rest.get(..taken).unwrap_or_default();
                let blank = match () {
                    () if ends_block(rest) => "\n",
                    () if out.text.ends_with([' ', '\n', '\t']) => "",
                    () if is_inside_word(&out.text, tag, rest.get(taken..).unwrap_or_default()) => "",
                    () => " ",
                };
                of_tag = blank == " " || blank.is_empty() && of_tag;
                if !blank.is_empty() {
                    out.instead(blank, at);
                }
                if memchr::memchr(b'=', tag.as_bytes()).is_some() {
                    let before = out.text.len();
                    attributes(tag, at, &mut out);
                    of_tag &= out.text.len() == before;
                }
                if let Some(heading) = table.passes(tag, rest.get(taken..).unwrap_or_default()) {
                    of_tag = false;
                    out.instead(&format!("\n{heading}: "), at);
                }
                at += taken;
            }
            [b'&', ..] => {
                of_tag = false;
                // The first bytes alone: a text of ampersands isn't looked through for each.
                let end = rest.bytes().take(ENTITY_BYTES_MAX).position(|b| b == b';');
                match end.and_then(|end| entity(rest.get(1..end)?).map(|c| (c, end + 1))) {
                    Some((c, taken)) => {
                        out.instead(c.encode_utf8(&mut [0; 4]), at);
                        at += taken;
                    }
                    None => {
                        out.instead("&", at);
                        at += 1;
                    }
                }
            }
            bytes => {
                let end = memchr::memchr2(b'<', b'&', bytes).unwrap_or(rest.len());
                if std::mem::take(&mut of_tag) && rest.starts_with([' ', '\n', '\t']) {
                    out.text.pop();
                    out.origins.cut(out.text.len());
                }
                out.verbatim(rest.get(..end).unwrap_or_default(), at);
                at += end;
            }
        }
    }
    out.origins.ends(out.text.len(), xhtml.len());
    out
}

/// The columns of a table that its first row heads with `th`, where one of them says that its rows are people's: each cell
/// below is told behind its heading, as a value behind its label. So is the second cell of a row whose first is a label.
#[derive(Default)]
struct Columns {
    headings: Vec<String>,
    /// Those of the row so far.
    row: Vec<String>,
    column: usize,
    /// The first cell of the row, where it is a label.
    label: String,
}

impl Columns {
    /// Takes in one tag, behind which `rest` stands. Gives the heading of the cell that it begins, where it holds something.
    fn passes(&mut self, tag: &str, rest: &str) -> Option<&str> {
        let name = tag.strip_prefix('<')?;
        let name = name.get(..name.find(|c: char| !c.is_ascii_alphanumeric() && c != '/')?)?;
        if !name.starts_with(['t', 'T', '/']) {
            return None; // as most
        }
        let is = |wanted: &str| name.eq_ignore_ascii_case(wanted);
        if is("table") || is("/table") {
            *self = Self::default();
        } else if is("tr") || is("/tr") {
            let row = std::mem::take(&mut self.row);
            if self.headings.is_empty() && row.iter().any(|heading| is_of_people(heading)) {
                self.headings = row;
            }
            self.column = 0;
            self.label.clear();
        } else if is("th") && self.headings.is_empty() {
            if self.row.len() < COLUMNS_MAX {
                self.row.push(text_of(rest));
            }
        } else if is("td") || is("th") {
            self.row.clear(); // it was the head of a row
            self.column += 1;
            if self.headings.is_empty() {
                let label = std::mem::take(&mut self.label);
                let words = || text_of(rest);
                match self.column {
                    1 => self.label = Some(words()).filter(|words| is_a_label(words)).unwrap_or_default(),
                    2 if !label.is_empty() && !is_a_label(&words()) => self.label = label,
                    _ => return None,
                }
                let is_value = self.column == 2 && !rest.trim_ascii_start().starts_with("</");
                return is_value.then_some(&*self.label);
            }
            let heading = self.headings.get(self.column - 1).filter(|heading| !heading.is_empty());
            return heading.filter(|_| !rest.trim_ascii_start().starts_with("</")).map(String::as_str);
        }
        None
    }
}

/// The words of a cell that `rest` goes on with, without tags.
fn text_of(rest: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    let head = rest.char_indices().take(HEADING_CHARS_MAX);
    for (at, c) in head {
        match c {
            '<' if rest.get(at..).is_some_and(|rest| rest.starts_with("</t") || rest.starts_with("</T")) => {
                break;
            }
            '<' => inside = true,
            '>' => inside = false,
            '&' | ':' | '\n' | '\r' | '\t' if !inside => out.push(' '),
            c if !inside && out.len() < LABEL_CHARS_MAX => out.push(c),
            _ => {}
        }
    }
    out.trim().to_owned()
}

/// Whether a cell is a label of what an individual has: `Date of birth`.
fn is_a_label(cell: &str) -> bool {
    let lower = cell.to_ascii_lowercase();
    let mut words =
        lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).peekable();
    words.peek().is_some() && words.all(|word| PEOPLES.contains(&word) || LABELS.contains(&word))
}

/// Whether a heading says that a table is of individuals.
fn is_of_people(heading: &str) -> bool {
    let lower = heading.to_ascii_lowercase();
    let mut words = lower.split(|c: char| !c.is_ascii_alphanumeric());
    words.any(|word| PEOPLES.contains(&word))
}

/// Tells the attributes of a tag that hold words or an address, each behind the name of the field where the tag has one.
fn attributes(tag: &str, start: usize, out: &mut Plain) {
    let all = || Attributes { tag, at: tag.find(|c: char| c.is_ascii_whitespace()).unwrap_or(tag.len()) };
    let named = |wanted: &str| {
        all()
            .take(ATTRIBUTES_MAX)
            .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
            .and_then(|(_, at)| tag.get(at))
    };
    let label = named("name").or_else(|| named("property")).or_else(|| named("id")).unwrap_or_default();
    for (name, at) in all().take(ATTRIBUTES_MAX) {
        let value = tag.get(at.clone()).unwrap_or_default();
        let lower = name.to_ascii_lowercase();
        let is_plain = match &*lower {
            // How it looks, but for what it has within: `url(data:image/png;base64,...)`.
            "style" => memchr::memmem::find(value.as_bytes(), b"data:").is_none(),
            name => SAYS_NOTHING.contains(&name) || name.starts_with("xml"),
        };
        let is_nobodys = value.starts_with('#') || is_font_or_pixel(value);
        if is_plain || is_nobodys || value.trim().is_empty() || value.len() == 1 {
            continue;
        }
        // What an attribute of no page says it says by its own name.
        let cue = match &*lower {
            "value" | "content" => label,
            name if SAYS_WORDS.contains(&name) || name.starts_with("on") => "",
            _ => name,
        };
        let from = start + at.start;
        out.instead(if cue.is_empty() { " " } else { "\n" }, from);
        if !cue.is_empty() {
            out.instead(&format!("{}: ", words_of(cue)), from);
        }
        out.entities(value, from);
        out.instead(if cue.is_empty() { " " } else { "\n" }, from + value.len());
    }
}

/// Whether a value is a file that shows nobody: a font, or a picture of too few bytes for a letter. What else a page has within
/// itself (`data:`, RFC 2397) is read as it is anywhere, and a picture refused.
fn is_font_or_pixel(value: &str) -> bool {
    let Some(file) = value.trim_ascii_start().strip_prefix("data:") else { return false };
    FONTS.iter().any(|font| file.starts_with(font))
        || file.starts_with("image/") && file.len() <= PIXEL_LETTERS_MAX && file.contains(";base64,")
}

/// Names and places of values of a tag's attributes.
struct Attributes<'t> {
    tag: &'t str,
    at: usize,
}

impl<'t> Iterator for Attributes<'t> {
    type Item = (&'t str, Range<usize>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let rest = self.tag.get(self.at..)?;
            let blank =
                rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/').len();
            let name = rest.get(blank..).filter(|rest| !rest.is_empty())?;
            let name = name.get(
                ..name.find(|c: char| c.is_ascii_whitespace() || "=/>".contains(c)).unwrap_or(name.len()),
            )?;
            self.at += blank + name.len();
            let behind = self.tag.get(self.at..)?;
            let gap = behind.len() - behind.trim_ascii_start().len();
            let Some(value) = behind.trim_ascii_start().strip_prefix('=') else {
                self.at += gap + usize::from(name.is_empty());
                continue;
            };
            let blank = value.len() - value.trim_ascii_start().len();
            let (value, mut start) = (value.trim_ascii_start(), self.at + gap + 1 + blank);
            let length = match value.chars().next() {
                Some(quote @ ('"' | '\'')) => {
                    start += 1;
                    let inside = value.get(1..)?;
                    inside.find(quote).unwrap_or(inside.len())
                }
                _ => value.find(|c: char| c.is_ascii_whitespace() || c == '>').unwrap_or(value.len()),
            };
            let end = start + length;
            self.at =
                end + usize::from(self.tag.as_bytes().get(end).is_some_and(|b| matches!(b, b'"' | b'\'')));
            return Some((name, start..end));
        }
    }
}

/// The words of a name: `patientName`, `date_of_birth`.
fn words_of(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars().take(LABEL_CHARS_MAX) {
        if c.is_ascii_uppercase() && out.ends_with(|c: char| c.is_ascii_lowercase()) {
            out.push(' ');
        }
        out.push(if matches!(c, '_' | '-' | '[' | ']' | '.') { ' ' } else { c });
    }
    out
}

/// Whether a tag that only changes how letters look stands inside a word or a number: `417-<b>62</b>-8093`, and with others
/// behind it, `4<b></b>17`.
fn is_inside_word(before: &str, tag: &str, mut behind: &str) -> bool {
    if !only_looks(tag) {
        return false;
    }
    // An element that begins where another ends is another word.
    let mut ends = tag.starts_with("</");
    for _ in 0..TAGS_IN_A_WORD_MAX {
        let next_ends = behind.starts_with("</");
        let Some(end) = behind.find('>').filter(|_| only_looks(behind) && (next_ends || !ends)) else {
            break;
        };
        ends = next_ends;
        behind = behind.get(end + 1..).unwrap_or_default();
    }
    let (before, behind) = (before.bytes().next_back(), behind.bytes().next());
    let number = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_digit() || matches!(b, b'-' | b'/'));
    let letter = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_alphabetic());
    number(before) && number(behind) || letter(before) && behind.is_some_and(|b| b.is_ascii_lowercase())
}

/// Whether a text begins with a tag that only changes how letters look.
fn only_looks(tag: &str) -> bool {
    let Some(name) = tag.strip_prefix('<') else { return false };
    let name = name.strip_prefix('/').unwrap_or(name);
    let end = name.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(name.len());
    name.get(..end).is_some_and(|name| LOOKS.iter().any(|look| look.eq_ignore_ascii_case(name)))
}

/// Whether the tag that a text begins with is one of a block or a cell.
fn ends_block(tag: &str) -> bool {
    let name = tag.trim_start_matches(['<', '/']);
    ["p", "div", "tr", "br", "li", "h", "table"].iter().any(|block| name.starts_with(block))
}

/// The character of an entity's name or number.
pub(super) fn entity(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some(' '),
        "colon" => Some(':'),
        "sol" => Some('/'),
        "hyphen" | "dash" | "ndash" | "minus" => Some('-'),
        "period" => Some('.'),
        "comma" => Some(','),
        "commat" => Some('@'),
        "num" => Some('#'),
        "lpar" => Some('('),
        "rpar" => Some(')'),
        "shy" => Some('\u{AD}'),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

/// An entity with zeros in front of its number has many.
const ENTITY_BYTES_MAX: usize = 24;
/// Of a table no more columns are headed, and of a heading no more is read.
const COLUMNS_MAX: usize = 64;
const HEADING_CHARS_MAX: usize = 128;
/// Words that a table of individuals has in a heading.
const PEOPLES: &[&str] =
    &["patient", "pt", "dob", "birth", "birthdate", "mrn", "ssn", "member", "subscriber"];
/// Words of labels of what an individual has, besides.
const LABELS: &[&str] = &[
    "account",
    "address",
    "cell",
    "city",
    "code",
    "contact",
    "date",
    "email",
    "family",
    "first",
    "full",
    "given",
    "home",
    "id",
    "last",
    "legal",
    "mail",
    "maiden",
    "middle",
    "mobile",
    "name",
    "no",
    "number",
    "of",
    "phone",
    "policy",
    "postal",
    "security",
    "social",
    "street",
    "surname",
    "tel",
    "telephone",
    "zip",
];
/// So many tags may stand beside each other in a word.
const TAGS_IN_A_WORD_MAX: usize = 8;
/// Of a tag no more are looked at.
const ATTRIBUTES_MAX: usize = 64;
/// Of a name as much is a label.
const LABEL_CHARS_MAX: usize = 48;
/// Elements that change how letters look, and nothing else (HTML, section 4.5; CDA's narrative).
const LOOKS: &[&str] = &[
    "a", "abbr", "b", "bdi", "bdo", "big", "code", "content", "del", "em", "font", "i", "ins", "kbd", "mark",
    "s", "samp", "small", "span", "strong", "sub", "sup", "tt", "u", "var", "wbr",
];
/// Attributes that say how a page looks and works.
const SAYS_NOTHING: &[&str] = &[
    "align",
    "async",
    "autocomplete",
    "bgcolor",
    "border",
    "cellpadding",
    "cellspacing",
    "charset",
    "class",
    "color",
    "cols",
    "colspan",
    "coords",
    "crossorigin",
    "d",
    "datetime",
    "defer",
    "dir",
    "enctype",
    "face",
    "fill",
    "for",
    "form",
    "frame",
    "headers",
    "height",
    "http-equiv",
    "hreflang",
    "id",
    "integrity",
    "itemprop",
    "itemtype",
    "lang",
    "listtype",
    "max",
    "maxlength",
    "media",
    "method",
    "min",
    "name",
    "pattern",
    "points",
    "property",
    "rel",
    "role",
    "rows",
    "rowspan",
    "rules",
    "scope",
    "shape",
    "size",
    "sizes",
    "span",
    "step",
    "stroke",
    "stylecode",
    "tabindex",
    "target",
    "transform",
    "type",
    "usemap",
    "valign",
    "version",
    "viewbox",
    "width",
    "x",
    "y",
];
/// Attributes that are shown or read out, lead somewhere, or hold a file.
const SAYS_WORDS: &[&str] = &[
    "abbr",
    "action",
    "alt",
    "aria-label",
    "caption",
    "cite",
    "data",
    "formaction",
    "href",
    "label",
    "placeholder",
    "poster",
    "src",
    "srcdoc",
    "srcset",
    "style",
    "summary",
    "title",
];
/// What files of fonts are declared as.
const FONTS: &[&str] = &["font/", "application/font", "application/x-font", "application/vnd.ms-fontobject"];
/// A picture of one point is as long, and a bit longer than its 42 to 95 bytes: letters of base64 and what stands before them.
const PIXEL_LETTERS_MAX: usize = 160;

/// What is read whole: begin and end.
const WHOLE: &[(&str, &str)] = &[("<![CDATA[", "]]>"), ("<!--", "-->")];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_go_and_places_stay() {
        let raw = "<div><b>SSN</b> 412&#45;21-3456</div>";
        let p = plain(raw);
        assert_eq!(p.text.trim(), "SSN 412-21-3456");
        let at = p.text.find("412").expect("there");
        assert_eq!(raw.get(p.origin(at)..p.origin(at) + 3), Some("412"));
    }

    #[test]
    fn what_is_emphasised_stays_in_its_line_with_one_blank_around() {
        let raw = "seen with <b>Ann</b> <i>Roe</i><br/>&lt;b&gt;<b>x</b><i>y</i>\n z &&amp";
        let p = plain(raw);
        assert_eq!(p.text, "seen with Ann Roe \n<b> x y\n z &&amp");
        for word in ["seen", "Ann", "Roe", "x", "y", "z"] {
            let at = p.text.find(word).expect("there");
            assert!(raw.get(p.origin(at)..).is_some_and(|rest| rest.starts_with(word)), "{word}");
        }
    }

    #[test]
    fn attributes_that_hold_words_are_read_behind_the_name_of_their_field() {
        let raw = r#"<p class="x"><input type="text" name="dateOfBirth" value="06/22/1962"/><a href='mailto:a@b.net' title="Ann &amp; Roe">c</a><img alt="SSN 412-21-3456" src="data:image/png;base64,AAAA"><x data-mrn=70418826 style="color:red">"#;
        let p = plain(raw);
        for said in [
            "date Of Birth: 06/22/1962\n",
            "mailto:a@b.net",
            "Ann & Roe",
            "SSN 412-21-3456",
            "data mrn: 70418826",
        ] {
            assert!(p.text.contains(said), "{said}: {}", p.text);
        }
        assert!(
            !p.text.contains("AAAA") && !p.text.contains("class") && !p.text.contains("red"),
            "{}",
            p.text
        );
        for word in ["06/22/1962", "a@b.net", "Roe", "412-21-3456", "70418826"] {
            let at = p.text.find(word).expect("there");
            assert_eq!(raw.get(p.origin(at)..p.origin(at + word.len())), Some(word));
        }
        for odd in ["<a =", "<a b=", "<a b='", "<a / = = \"x", "<a b=\"\u{e9}", "<=\"=\">", "<a b=c'd e"] {
            drop(plain(odd));
        }
    }

    #[test]
    fn what_a_page_has_within_itself_and_asks_for_is_read() {
        let within = "data:text/csv,dob%2Cmrn%0A1962-06-22%2C48213377";
        for raw in [
            format!("<a download href='{within}'>x</a>"),
            format!("<iframe src=\"{within}\"></iframe>"),
            format!("<object data={within}>"),
            format!("<p style=\"background:url({within})\">"),
            format!("<form action=\"/x?mrn=48213377\" onclick=\"{within}\">"),
        ] {
            let p = plain(&raw);
            let at = p.text.find("48213377").unwrap_or_else(|| panic!("not read: {raw}"));
            assert!(raw.get(p.origin(at)..).is_some_and(|rest| rest.starts_with("48213377")), "{raw}");
        }
        let picture = format!("<img src='data:image/png;base64,{}'>", "iVBORw0KGgo".repeat(20));
        assert!(plain(&picture).text.contains("iVBORw0KGgo"));
        for raw in [
            "<img src='data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7'>"
                .to_owned(),
            format!("<p style=\"src:x\"><link href='data:font/woff2;base64,{}'>", "d09GMgABAAAA".repeat(20)),
        ] {
            assert_eq!(plain(&raw).text.trim(), "", "{raw}");
        }
    }

    #[test]
    fn a_tag_that_changes_looks_alone_breaks_no_word() {
        assert_eq!(plain("417-<b>62</b>-8093 Theo<i>dore</i> Roe").text, "417-62-8093 Theodore Roe");
        assert_eq!(plain("4<b></b>17-<i><u>6</u></i>2-80<!-- -->93").text, "417-62-8093");
        assert_eq!(plain("T<b></b>heo <b>Roe</b> 4<td></td>17").text, "Theo Roe 4 17");
        assert_eq!(plain("SSN<b>4</b> 12<td>34").text, "SSN 4 12 34");
        assert_eq!(plain("70<wbr/>41").text, "7041");
    }

    #[test]
    fn cells_of_a_table_of_people_stand_behind_their_headings() {
        let raw = "<TABLE><thead><tr><th>Patient</th><th><b>DOB</b></th><th>Chart</th></tr></thead><tr><td>Roe, Ann</td>\
                   <td>03/04/1965</td><td></td></tr><tr><td>Poe, Tom</td></tr></TABLE><table><tr><td>x</td></tr></table>";
        let p = plain(raw);
        for line in ["Patient: Roe, Ann", "DOB: 03/04/1965", "Patient: Poe, Tom", "x"] {
            assert!(p.text.lines().any(|told| told.trim() == line), "{line}: {}", p.text);
        }
        assert!(!p.text.contains("Chart:"), "{}", p.text);
        for word in ["Roe", "03/04/1965", "Poe"] {
            let at = p.text.find(word).expect("there");
            assert!(raw.get(p.origin(at)..).is_some_and(|rest| rest.starts_with(word)), "{word}");
        }
        for raw in [
            "<table><tr><th>Drug</th><th>Dose</th></tr><tr><td>A</td><td>5</td></tr></table>",
            "<table><tr><th>Patient</th><td>Roe</td></tr><tr><th>DOB</th><td>1</td></tr></table>",
        ] {
            assert!(!plain(raw).text.contains(':'), "{}", plain(raw).text);
        }
        drop(plain("<th><td><tr><th"));
    }

    #[test]
    fn a_cell_behind_one_that_is_a_label_is_its_value() {
        let raw = "<table><tr><td>Full name</td><td><b>Ann</b> Roe</td></tr><tr><td>DOB</td><td>03/04/1965</td></tr></table>";
        let told = plain(raw).text;
        for line in ["Full name: Ann Roe", "DOB: 03/04/1965"] {
            assert!(told.lines().any(|said| said.trim() == line), "{line}: {told}");
        }
        for raw in [
            "<table><tr><td>Name</td><td>DOB</td></tr><tr><td>Ann Roe</td><td>03/04/1965</td></tr></table>",
            "<table><tr><td>Metformin</td><td>500 mg</td></tr></table>",
            "<table><tr><td>Name</td><td></td></tr></table>",
        ] {
            assert!(!plain(raw).text.contains(':'), "{}", plain(raw).text);
        }
    }

    #[test]
    fn comments_and_cdata_sections_are_read() {
        let raw = "<p>a<![CDATA[ < 412-21-3456]]><!-- > Ann -->b</p><!-- cut";
        let p = plain(raw);
        assert_eq!(p.text.trim(), "a < 412-21-3456 > Ann b\n cut");
        for word in ["412", "Ann", "b", "cut"] {
            let at = p.text.find(word).expect("there");
            assert_eq!(raw.get(p.origin(at)..p.origin(at) + word.len()), Some(word));
        }
    }
}

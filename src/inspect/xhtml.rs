//! XHTML narrative as text: tags out, entities undone, with a map back to the raw bytes. Comments and CDATA sections
//! are text, too: what a reader isn't shown is payload all the same.

use super::offsets::Runs;

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
    while let Some(rest) = xhtml.get(at..).filter(|r| !r.is_empty()) {
        match rest.as_bytes() {
            [b'<', b'!', ..]
                if let Some((mark, end)) = WHOLE.iter().find(|(mark, _)| rest.starts_with(mark)) =>
            {
                let inside = rest.get(mark.len()..).unwrap_or_default();
                let inside = inside.get(..inside.find(end).unwrap_or(inside.len())).unwrap_or_default();
                of_tag = false;
                out.verbatim(inside, at + mark.len());
                at += (mark.len() + inside.len() + end.len()).min(rest.len());
            }
            [b'<', ..] => {
                let blank = match () {
                    () if ends_block(rest) => "\n",
                    () if out.text.ends_with([' ', '\n', '\t']) => "",
                    () => " ",
                };
                of_tag = blank == " " || blank.is_empty() && of_tag;
                if !blank.is_empty() {
                    out.instead(blank, at);
                }
                at += memchr::memchr(b'>', rest.as_bytes()).map_or(rest.len(), |end| end + 1);
            }
            [b'&', ..] => {
                of_tag = false;
                // The first bytes alone: a text of ampersands isn't looked through for each.
                let end = rest.bytes().take(11).position(|b| b == b';');
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

//! A slow, obvious reading of X12 that the walker is compared with: vectors of vectors, no spans.

/// Every filled piece as its place and value. `known` says which segment ids the standard has, `composite` which
/// elements are cut further.
pub(super) fn leaves(
    doc: &[u8],
    known: &dyn Fn(&str) -> bool,
    composite: &dyn Fn(&str, usize) -> bool,
) -> Vec<(String, String)> {
    let text: Vec<u8> = doc.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(doc).trim_ascii_start().to_vec();
    let (element, terminator) = (text[3], text[105]);
    let (component, repetition) = (text[104], text[82]);
    let marks = [element, terminator, component, repetition];
    let mut leaves = Vec::new();
    let mut seen: Vec<String> = Vec::new();
    let mut set = 0;
    let mut inside = false;
    for segment in split(&text, terminator, &marks) {
        let segment = segment.trim_ascii();
        if segment.is_empty() {
            continue;
        }
        let elements = split(segment, element, &marks);
        let id = String::from_utf8_lossy(&elements[0]).into_owned();
        let id = if known(&id) { id } else { "*".to_owned() };
        if id == "ST" {
            set += 1;
            inside = true;
            seen.retain(|id| ["ISA", "IEA", "GS", "GE", "ST", "TA1"].contains(&id.as_str()));
        }
        seen.push(id.clone());
        let occurrence = seen.iter().filter(|s| **s == id).count();
        let at = |n: usize| if n > 1 { format!("[{n}]") } else { String::new() };
        let prefix = if set > 1 && inside && id != "ST" { format!("ST[{set}]:") } else { String::new() };
        for (e, whole) in elements.iter().enumerate().skip(1) {
            let place = format!("{prefix}{id}{}-{e:02}", at(occurrence));
            if !composite(&id, e) {
                leaves.push((place, value(whole, &marks)));
                continue;
            }
            for (r, one) in split(whole, repetition, &marks).iter().enumerate() {
                let components = split(one, component, &marks);
                for (c, piece) in components.iter().enumerate() {
                    let suffix = if components.len() > 1 { format!(".{}", c + 1) } else { String::new() };
                    leaves.push((format!("{place}{}{suffix}", at(r + 1)), value(piece, &marks)));
                }
            }
        }
        inside &= id != "SE";
    }
    leaves.retain(|(_, value)| !value.is_empty());
    leaves
}

/// Cuts at a separator, unless one question mark stands before it.
fn split(bytes: &[u8], by: u8, marks: &[u8]) -> Vec<Vec<u8>> {
    let mut pieces = vec![Vec::new()];
    let mut questions = 0;
    for c in bytes {
        if *c == by && (questions % 2 == 0 || by == marks[1]) {
            pieces.push(Vec::new());
        } else {
            pieces.last_mut().unwrap().push(*c);
        }
        questions = if *c == b'?' { questions + 1 } else { 0 };
    }
    pieces
}

/// The value of a piece: without blanks around it, line ends, and question marks that release a separator.
pub(super) fn value(raw: &[u8], marks: &[u8]) -> String {
    let raw = raw.trim_ascii();
    let mut out = Vec::new();
    for (at, c) in raw.iter().enumerate() {
        let releases = *c == b'?' && raw.get(at + 1).is_some_and(|next| marks.contains(next));
        if !releases && *c != b'\r' && *c != b'\n' {
            out.push(*c);
        }
    }
    String::from_utf8(out).unwrap_or_else(|e| e.as_bytes().iter().map(|b| char::from(*b)).collect())
}

//! A slow, obvious reading of ER7 that the walker is compared with: lines, then vectors of vectors, no spans.

/// Every filled leaf as its place and value. `known` says which segment ids the standard has.
pub(super) fn leaves(doc: &[u8], known: &dyn Fn(&str) -> bool) -> Vec<(String, String)> {
    let mut leaves = Vec::new();
    let mut marks: Vec<u8> = b"|^~\\&".to_vec();
    let mut message = 0;
    let mut seen: Vec<String> = Vec::new();
    for line in lines(doc) {
        let id: Vec<u8> = line.iter().copied().take(3).collect();
        let id = String::from_utf8_lossy(&id).to_uppercase();
        let header = ["MSH", "FHS", "BHS"].contains(&id.as_str())
            && line.get(3).is_none_or(|c| c.is_ascii_punctuation() && *c != b'"');
        let mut fields: Vec<Vec<u8>>;
        if header {
            let Some(field) = line.get(3).copied() else { break };
            fields = split(&line, Some(field));
            let Some(chars) = fields.get(1).cloned() else { break };
            if chars.is_empty() || chars.len() > 5 || (fields.len() == 2 && chars.len() < 4) {
                break;
            }
            let mut all = vec![field];
            all.extend(&chars);
            let mut unique = all.clone();
            unique.sort_unstable();
            unique.dedup();
            if unique.len() < all.len() || !chars.iter().all(u8::is_ascii_punctuation) {
                break;
            }
            marks = all;
            // MSH-1 is the separator itself.
            fields.insert(1, vec![]);
            fields[2] = vec![];
            if id == "MSH" {
                message += 1;
                seen.clear();
            }
        } else {
            fields = split(&line, Some(marks[0]));
        }
        let name = String::from_utf8_lossy(&fields[0]).to_uppercase();
        let label = if name.len() == 3 && known(&name) {
            name
        } else if name.len() == 3 && name.starts_with('Z') && name.bytes().all(|c| c.is_ascii_alphanumeric())
        {
            "Z*".to_owned()
        } else {
            "*".to_owned()
        };
        seen.push(label.clone());
        let occurrence = seen.iter().filter(|s| **s == label).count();
        let at = |n: usize| if n > 1 { format!("[{n}]") } else { String::new() };
        let prefix = if message > 1 { format!("MSH[{message}]:") } else { String::new() };
        for (f, field) in fields.iter().enumerate().skip(1) {
            for (r, repetition) in split(field, marks.get(2).copied()).iter().enumerate() {
                let is_attachment = label == "OBX" && f == 5 && fields[2] == b"ED";
                let components = split(repetition, Some(marks[1]));
                for (c, component) in components.iter().enumerate() {
                    // Attached data isn't cut at subcomponents.
                    let whole = is_attachment && (c >= 4 || components.len() == 1);
                    let cut = if whole { None } else { marks.get(4).copied() };
                    let subcomponents = split(component, cut);
                    for (s, raw) in subcomponents.iter().enumerate() {
                        if raw.is_empty() || raw == b"\"\"" || component == b"\"\"" {
                            continue;
                        }
                        let mut place = format!("{prefix}{label}{}-{f}{}", at(occurrence), at(r + 1));
                        if components.len() > 1 {
                            place += &format!(".{}", c + 1);
                        }
                        if subcomponents.len() > 1 {
                            place += &format!(".{}", s + 1);
                        }
                        leaves.push((place, value(raw, &marks)));
                    }
                }
            }
        }
    }
    leaves
}

/// Undoes escapes, one byte after the other.
pub(super) fn value(raw: &[u8], marks: &[u8]) -> String {
    let mut out: Vec<u8> = Vec::new();
    let mut i = 0;
    while i < raw.len() {
        let escape = marks.get(3).copied();
        if Some(raw[i]) == escape
            && let Some(length) = raw[i + 1..].iter().position(|c| Some(*c) == escape)
        {
            let inside = String::from_utf8_lossy(&raw[i + 1..i + 1 + length]).into_owned();
            if let Some(bytes) = undone(&inside, marks) {
                out.extend(bytes);
                i += length + 2;
                continue;
            }
        }
        out.push(raw[i]);
        i += 1;
    }
    match String::from_utf8(out) {
        Ok(text) => text,
        Err(e) => e.as_bytes().iter().map(|b| *b as char).collect(),
    }
}

fn undone(inside: &str, marks: &[u8]) -> Option<Vec<u8>> {
    let mark = |n: usize, usual: u8| Some(vec![marks.get(n).copied().unwrap_or(usual)]);
    match inside {
        "F" => mark(0, b'|'),
        "S" => mark(1, b'^'),
        "R" => mark(2, b'~'),
        "E" => mark(3, b'\\'),
        "T" => mark(4, b'&'),
        "P" => mark(5, b'#'),
        "H" | "N" => Some(vec![]),
        _ => {
            let hex = |s: &str| !s.is_empty() && s.bytes().all(|c| c.is_ascii_hexdigit());
            if let Some(digits) = inside.strip_prefix(['X', 'x']) {
                let pair = |i: usize| u8::from_str_radix(digits.get(i..i + 2).unwrap(), 16).unwrap();
                return (hex(digits) && digits.len() % 2 == 0)
                    .then(|| (0..digits.len()).step_by(2).map(pair).collect());
            }
            if let Some(command) = inside.strip_prefix('.') {
                let numbered =
                    command.bytes().skip(2).all(|c| b"0123456789+- ".contains(&c)) && command.len() <= 5;
                let name: String = command.chars().take(2).collect::<String>().to_lowercase();
                return match name.as_str() {
                    "br" | "sp" | "ce" if numbered => Some(vec![b'\n']),
                    "in" | "ti" | "sk" if numbered => Some(vec![b' ']),
                    "fi" | "nf" if numbered => Some(vec![]),
                    _ => None,
                };
            }
            let dropped = inside.strip_prefix('Z').is_some_and(|s| s.len() <= 4)
                || inside.strip_prefix('C').is_some_and(|s| hex(s) && s.len() == 4)
                || inside.strip_prefix('M').is_some_and(|s| hex(s) && [4, 6].contains(&s.len()));
            dropped.then(Vec::new)
        }
    }
}

fn lines(doc: &[u8]) -> Vec<Vec<u8>> {
    let mut lines = Vec::new();
    for line in doc.split(|c| b"\r\n\x1c".contains(c)) {
        let mut line = line;
        loop {
            if line.starts_with(b"\xEF\xBB\xBF") {
                line = &line[3..];
            } else if line.first().is_some_and(|c| b"\x0b \t".contains(c)) {
                line = &line[1..];
            } else {
                break;
            }
        }
        if !line.is_empty() {
            lines.push(line.to_vec());
        }
    }
    lines
}

fn split(bytes: &[u8], mark: Option<u8>) -> Vec<Vec<u8>> {
    match mark {
        Some(mark) => bytes.split(|c| *c == mark).map(<[u8]>::to_vec).collect(),
        None => vec![bytes.to_vec()],
    }
}

//! A slow reading of multipart bodies, line by line, from RFC 2046, section 5.1.1 alone: the quick one has to agree.

use super::split::Parts;

/// What a body is divided into.
#[derive(Debug, Default, PartialEq, Eq)]
struct Divided {
    parts: Vec<Vec<u8>>,
    around: Vec<Vec<u8>>,
    closed: bool,
}

/// A line without its end, and its end.
fn lines(body: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let (mut out, mut rest) = (Vec::new(), body);
    while !rest.is_empty() {
        let length = rest.iter().position(|b| b"\r\n".contains(b)).unwrap_or(rest.len());
        let (line, behind) = rest.split_at(length);
        let end = if behind.starts_with(b"\r\n") { 2 } else { behind.len().min(1) };
        out.push((line.to_vec(), behind[..end].to_vec()));
        rest = &behind[end..];
    }
    out
}

/// Whether a line is the boundary, and then whether it is the last.
fn delimiter(line: &[u8], boundary: &[u8]) -> Option<bool> {
    let behind = line.strip_prefix(b"--")?.strip_prefix(boundary)?;
    let (behind, last) = match behind.strip_prefix(b"--") {
        Some(behind) => (behind, true),
        None => (behind, false),
    };
    behind.iter().all(|b| b" \t".contains(b)).then_some(last)
}

fn divided(body: &[u8], boundary: &[u8]) -> Divided {
    let mut out = Divided::default();
    let (mut inside, mut text) = (false, Vec::new());
    let mut end_before = 0;
    for (line, end) in lines(body) {
        let found = if out.closed { None } else { delimiter(&line, boundary) };
        if let Some(last) = found {
            let mut content = std::mem::take(&mut text);
            if inside {
                // The line end in front of a boundary is the boundary's.
                content.truncate(content.len().saturating_sub(end_before));
                out.parts.push(content);
            } else {
                out.around.push(content);
            }
            (inside, out.closed, end_before) = (!last, last, 0);
            continue;
        }
        text.extend_from_slice(&line);
        text.extend_from_slice(&end);
        end_before = end.len();
    }
    match inside {
        true => out.parts.push(text),
        false if out.closed => out.around.push(text),
        false => {}
    }
    out.around.retain(|text| !text.trim_ascii().is_empty());
    out
}

#[test]
fn the_quick_reading_divides_as_the_slow_one() {
    const WORDS: [&[u8]; 17] = [
        b"--b",
        b"--b--",
        b"\r\n",
        b"\r\n",
        b"\n",
        b"\r",
        b" ",
        b"\t",
        b"-",
        b"--",
        b"b",
        b"x",
        b"A: 1",
        b"--bb",
        b"\r\n--b\r\n",
        b"\n--b\n",
        b"\n--b--\n",
    ];
    let mut seed = 17_u64;
    let mut dice = |sides: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).expect("fits") % sides
    };
    let mut with_parts = 0;
    for _ in 0..60_000 {
        let body: Vec<u8> = (0..dice(24)).flat_map(|_| WORDS[dice(WORDS.len())].to_vec()).collect();
        let quick = Parts::of(&body, b"b");
        let bytes = |at: &std::ops::Range<usize>| body[at.clone()].to_vec();
        let quick = Divided {
            parts: quick.parts.iter().map(bytes).collect(),
            around: quick.around.iter().map(bytes).collect(),
            closed: quick.closed,
        };
        with_parts += usize::from(quick.parts.len() > 1);
        assert_eq!(quick, divided(&body, b"b"), "{}", String::from_utf8_lossy(&body).escape_debug());
    }
    assert!(with_parts > 1000, "{with_parts}");
}

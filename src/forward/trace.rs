//! Traces: that of a message goes on with it, and one without begins one (W3C Trace Context).

use http::{HeaderMap, HeaderName};

/// The trace that a head belongs to; none where it says nothing, or nothing that is one.
pub(crate) fn trace_of(headers: &HeaderMap) -> Option<&str> {
    let mut parents = headers.get_all(TRACE_PARENT).iter();
    let parent = parents.next()?.to_str().ok()?;
    if parents.next().is_some() { None } else { trace_id(parent) }
}

/// The trace that begins here: the record's own id, so that the one leads to the other.
pub(super) fn trace_parent(id: &str) -> [u8; 55] {
    let mut parent = *b"00-00000000000000000000000000000000-0000000000000000-00";
    let id = id.as_bytes();
    put::<8>(&mut parent, 3, id, 0);
    put::<4>(&mut parent, 11, id, 9);
    put::<4>(&mut parent, 15, id, 14);
    put::<4>(&mut parent, 19, id, 19);
    put::<12>(&mut parent, 23, id, 24);
    // The parent that begins here is the last half of the trace.
    put::<4>(&mut parent, 36, id, 19);
    put::<12>(&mut parent, 40, id, 24);
    parent
}

/// Puts one group of an id's digits, which begins at `from`, where it has its place.
fn put<const DIGITS: usize>(parent: &mut [u8; 55], at: usize, id: &[u8], from: usize) {
    let group = id.get(from..).and_then(<[u8]>::first_chunk::<DIGITS>);
    let place = parent.get_mut(at..).and_then(<[u8]>::first_chunk_mut::<DIGITS>);
    if let (Some(place), Some(group)) = (place, group) {
        *place = *group;
    }
}

/// The trace id of `00-<trace id>-<parent id>-<flags>` (W3C Trace Context, section 3.2.2); zeros alone are none.
fn trace_id(parent: &str) -> Option<&str> {
    let mut parts = parent.split('-');
    let is = |part: &str, length: usize| {
        part.len() == length && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    let is_some = |part: &str, length: usize| is(part, length) && part.bytes().any(|b| b != b'0');
    let (version, id, from, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    // Later versions may say more behind it.
    let is_end = parts.next().is_none() || version != "00";
    let is_one = is(version, 2) && version != "ff" && is_some(id, 32) && is_some(from, 16) && is(flags, 2);
    (is_one && is_end).then_some(id)
}

/// W3C Trace Context.
pub(super) const TRACE_PARENT: HeaderName = HeaderName::from_static("traceparent");
/// What belongs to a trace that goes on, and to no other.
pub(super) const TRACE_STATE: HeaderName = HeaderName::from_static("tracestate");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_that_begins_here_is_named_as_its_record() {
        let parent = trace_parent("019302c1-9a41-7c3e-8d02-5f60718293a4");
        assert_eq!(&parent, b"00-019302c19a417c3e8d025f60718293a4-8d025f60718293a4-00");
        let parent = std::str::from_utf8(&parent).expect("ASCII");
        assert_eq!(trace_id(parent), Some("019302c19a417c3e8d025f60718293a4"));
        let own = crate::clock::new_id();
        let parent = trace_parent(&own);
        assert_eq!(std::str::from_utf8(&parent).ok().and_then(trace_id), Some(own.replace('-', "").as_str()));
    }
}

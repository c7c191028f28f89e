//! The only types that hold what callers sent. They can't be printed: `Debug` shows a length, and there is no
//! `Display` and no `Serialize`.
//!
//! ```compile_fail
//! let body = phigate::payload::Payload::from(&b"PID|1||MRN-1"[..]);
//! println!("{body}"); // no `Display`
//! ```

use bytes::Bytes;
use std::fmt;

/// Bytes that may hold PHI.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Payload(Bytes);

impl Payload {
    /// The raw bytes. Searching for `.expose(` lists every place that reads them.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The raw bytes, to be forwarded as they are.
    #[must_use]
    pub fn into_exposed(self) -> Bytes {
        self.0
    }

    /// How many bytes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Bytes> for Payload {
    fn from(bytes: Bytes) -> Self {
        Self(bytes)
    }
}

impl From<&'static [u8]> for Payload {
    fn from(bytes: &'static [u8]) -> Self {
        Self(Bytes::from_static(bytes))
    }
}

impl From<Vec<u8>> for Payload {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Bytes::from(bytes))
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({} bytes)", self.0.len())
    }
}

/// Text that may hold PHI: a path, a query, a header value, a decoded field.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct PayloadText(String);

impl PayloadText {
    /// The raw text. Searching for `.expose(` lists every place that reads it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for PayloadText {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for PayloadText {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for PayloadText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PayloadText({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_a_length_and_nothing_else() {
        assert_eq!(format!("{:?}", Payload::from(&b"secret"[..])), "Payload(6 bytes)");
        assert_eq!(format!("{:?}", PayloadText::from("secret")), "PayloadText(6 bytes)");
    }
}

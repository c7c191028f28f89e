//! International bank account numbers (ISO 13616): two check digits over all others, by ISO 7064 MOD 97-10.

/// Whether `value`, with or without blanks, has a good check.
#[must_use]
pub fn is_good(value: &str) -> bool {
    let bytes: Vec<u8> = value.bytes().filter(|b| *b != b' ').collect();
    let (Some(head), Some(tail)) = (bytes.get(..4), bytes.get(4..)) else { return false };
    if !(15..=34).contains(&bytes.len()) || !bytes.iter().all(u8::is_ascii_alphanumeric) {
        return false;
    }
    let rest = tail.iter().chain(head).fold(0u32, |rest, b| match b.to_ascii_uppercase() {
        b @ b'0'..=b'9' => (rest * 10 + u32::from(b - b'0')) % 97,
        b => (rest * 100 + u32::from(b - b'A') + 10) % 97,
    });
    rest == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_worked_examples_and_no_other_digits() {
        for good in ["GB82 WEST 1234 5698 7654 32", "DE89370400440532013000", "NO9386011117947"] {
            assert!(is_good(good), "{good}");
        }
        for bad in ["GB82WEST12345698765433", "DE89", "", "GB82WEST1234569876543!"] {
            assert!(!is_good(bad), "{bad}");
        }
    }
}

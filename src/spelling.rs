//! What somebody may have meant who wrote a word that nobody knows.

/// The known word that is closest to what was written, if it is close.
pub(crate) fn closest<'w>(written: &str, known: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    let close = known.into_iter().map(|word| (strsim::damerau_levenshtein(written, word), word)).min();
    close.filter(|(distance, word)| *distance <= 1 + word.len() / 4).map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::closest;

    #[test]
    fn a_slip_is_close_and_another_word_is_not() {
        let known = ["staging", "production"];
        assert_eq!(closest("stagging", known), Some("staging"));
        assert_eq!(closest("prodcution", known), Some("production"));
        assert_eq!(closest("development", known), None);
        assert_eq!(closest("x", []), None);
    }
}

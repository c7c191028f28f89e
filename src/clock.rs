//! Time and ids, as records and replies write them.

use time::OffsetDateTime;

/// A new record id: a UUID of version 7, so that ids sort by time (RFC 9562, section 5.7).
#[must_use]
pub fn new_id() -> String {
    let mut text = uuid::Uuid::encode_buffer();
    uuid::Uuid::now_v7().hyphenated().encode_lower(&mut text).to_owned()
}

/// The time inside a record id, Unix milliseconds; `None` where it is no UUID of version 7.
#[must_use]
pub fn id_ms(id: &str) -> Option<u64> {
    let (seconds, nanos) = uuid::Uuid::try_parse(id).ok()?.get_timestamp()?.to_unix();
    Some(seconds * 1000 + u64::from(nanos) / 1_000_000)
}

/// The year that it is, for telling birth dates that lie ahead.
#[must_use]
pub fn this_year() -> u16 {
    u16::try_from(OffsetDateTime::now_utc().year()).unwrap_or(2026)
}

/// `YYYYMMDDhhmmss` in UTC, as HL7v2 writes times.
#[must_use]
pub fn hl7_now() -> String {
    let t = OffsetDateTime::now_utc();
    format!(
        "{:04}{:02}{:02}{:02}{:02}{:02}",
        t.year(),
        u8::from(t.month()),
        t.day(),
        t.hour(),
        t.minute(),
        t.second()
    )
}

/// `YYYY-MM-DD` in UTC of a time in Unix milliseconds.
#[must_use]
pub fn day(unix_ms: u64) -> String {
    let seconds = i64::try_from(unix_ms / 1000).unwrap_or(0);
    let t = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    format!("{:04}-{:02}-{:02}", t.year(), u8::from(t.month()), t.day())
}

/// `YYYY-MM-DDThh:mm:ss.mmmZ` of a time in Unix milliseconds (RFC 3339).
#[must_use]
pub fn rfc3339(unix_ms: u64) -> String {
    let seconds = i64::try_from(unix_ms / 1000).unwrap_or(0);
    let t = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    format!("{}T{:02}:{:02}:{:02}.{:03}Z", day(unix_ms), t.hour(), t.minute(), t.second(), unix_ms % 1000)
}

/// Unix milliseconds now.
#[must_use]
pub fn unix_ms() -> u64 {
    u64::try_from(OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_their_formats_want() {
        assert_eq!(rfc3339(1_735_689_600_123), "2025-01-01T00:00:00.123Z");
        assert_eq!(day(1_735_689_600_123), "2025-01-01");
        assert_eq!(hl7_now().len(), 14);
    }
}

//! Time and ids, as records and replies write them.

use std::cell::RefCell;
use std::time::{SystemTime, UNIX_EPOCH};
use time::OffsetDateTime;

/// A new record id: a UUID of version 7, so that ids sort by time (RFC 9562, section 5.7). Those of one thread come in order
/// even within a millisecond, and where the clock is set back.
#[must_use]
pub fn new_id() -> String {
    let mut text = uuid::Uuid::encode_buffer();
    let id = IDS.with(|ids| ids.borrow_mut().at(unix_ms()));
    // Without random bytes of the system's: as the crate does it.
    id.unwrap_or_else(uuid::Uuid::now_v7).hyphenated().encode_lower(&mut text).to_owned()
}

thread_local! {
    static IDS: RefCell<Ids> = const { RefCell::new(Ids::new()) };
}

/// A thread's ids: a counter within the millisecond (RFC 9562, section 6.2, method 1), and 62 bits at random, which are asked
/// of the system for many at once.
struct Ids {
    ms: u64,
    /// The 12 bits behind the time: where they begin is random, with the first of them 0.
    counter: u16,
    random: [u8; RANDOM_BYTES],
    used: usize,
}

impl Ids {
    const fn new() -> Self {
        Self { ms: 0, counter: 0, random: [0; RANDOM_BYTES], used: RANDOM_BYTES }
    }

    /// The next one; `None` where the system gives no random bytes.
    fn at(&mut self, now_ms: u64) -> Option<uuid::Uuid> {
        let [high, low, tail @ ..] = self.random()?;
        if now_ms > self.ms {
            self.ms = now_ms;
            self.counter = u16::from_be_bytes([high, low]) & (COUNTER_MAX >> 1);
        } else if self.counter < COUNTER_MAX {
            self.counter += 1;
        } else {
            (self.ms, self.counter) = (self.ms + 1, 0); // ahead of the clock, which catches up
        }
        let [high, low] = self.counter.to_be_bytes();
        let [a, b, c, d, e, f, g, h] = tail;
        let bytes = [high, low, a, b, c, d, e, f, g, h];
        Some(uuid::Builder::from_unix_timestamp_millis(self.ms, &bytes).into_uuid())
    }

    /// Bytes that no other id has.
    fn random(&mut self) -> Option<[u8; ID_RANDOM_BYTES]> {
        if self.used == RANDOM_BYTES {
            getrandom::fill(&mut self.random).ok()?;
            self.used = 0;
        }
        let bytes = self.random.get(self.used..)?.first_chunk().copied()?;
        self.used += ID_RANDOM_BYTES;
        Some(bytes)
    }
}

const COUNTER_MAX: u16 = 0xfff;
const ID_RANDOM_BYTES: usize = 10;
/// Those of 50 ids.
const RANDOM_BYTES: usize = 50 * ID_RANDOM_BYTES;

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

/// `YYYY-MM-DD` in UTC of a time in Unix milliseconds; the last of 9999 for all behind it, which stay behind all others.
#[must_use]
pub fn day(unix_ms: u64) -> String {
    let t = time_of(unix_ms);
    format!("{:04}-{:02}-{:02}", t.year(), u8::from(t.month()), t.day())
}

/// `YYYY-MM-DDThh:mm:ss.mmmZ` of a time in Unix milliseconds (RFC 3339).
#[must_use]
pub fn rfc3339(unix_ms: u64) -> String {
    let t = time_of(unix_ms);
    format!("{}T{:02}:{:02}:{:02}.{:03}Z", day(unix_ms), t.hour(), t.minute(), t.second(), unix_ms % 1000)
}

fn time_of(unix_ms: u64) -> OffsetDateTime {
    i64::try_from(unix_ms / 1000)
        .ok()
        .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
        .unwrap_or(time::PrimitiveDateTime::MAX.assume_utc())
}

/// Unix milliseconds now.
#[must_use]
pub fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs() * 1000 + u64::from(since.subsec_millis()))
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

    #[test]
    fn ids_of_a_thread_come_in_order_whatever_the_clock_says() {
        let mut ids = Ids::new();
        let mut last = uuid::Uuid::nil();
        // Within a millisecond, for longer than its counter lasts; then the clock is set back; then it goes on.
        let times = std::iter::repeat_n(5_000, 10_000).chain([4_000, 1, 4_001]).chain(5_000..6_000);
        for now in times {
            let id = ids.at(now).expect("random bytes");
            assert!(id > last, "{last} comes before {id}");
            assert_eq!((id.get_version_num(), id.get_variant()), (7, uuid::Variant::RFC4122));
            last = id;
        }
        assert_eq!(id_ms(&last.to_string()), Some(5_999), "caught up with");
    }

    #[test]
    fn a_time_that_no_calendar_has_is_behind_all_others() {
        assert_eq!((day(0).as_str(), day(253_402_300_799_999).as_str()), ("1970-01-01", "9999-12-31"));
        assert_eq!((day(253_402_300_800_000), rfc3339(u64::MAX).len()), (day(u64::MAX), 24));
        assert_eq!(day(u64::MAX), "9999-12-31");
    }

    #[test]
    fn an_id_says_when_it_was_made_and_the_rest_of_it_is_random() {
        let before = unix_ms();
        let made: Vec<String> = (0..4)
            .flat_map(|_| {
                std::thread::spawn(|| (0..200).map(|_| new_id()).collect::<Vec<_>>()).join().expect("ids")
            })
            .collect();
        for id in &made {
            assert!((before..=unix_ms()).contains(&id_ms(id).expect("a time")), "{id}");
        }
        let bits = |id: &String| uuid::Uuid::parse_str(id).expect("an id").as_u128() & ((1 << 62) - 1);
        let tails: std::collections::HashSet<u128> = made.iter().map(bits).collect();
        assert_eq!(tails.len(), made.len(), "no random bytes are used twice");
        let (all, any) =
            made.iter().map(bits).fold((u128::MAX, 0), |(all, any), tail| (all & tail, any | tail));
        assert_eq!((all, any), (0, (1 << 62) - 1), "each of 62 bits is now this, now that");
    }
}

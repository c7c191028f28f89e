//! How many searches by value somebody makes in an hour: production has an end, and many of them anywhere are an alert.

use crate::org::Flag;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Limits of searches by value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SearchLimits {
    /// In production, of one person. Default 20.
    pub production_per_hour: u32,
    /// Anywhere, of one person, before it looks like enumeration. Default 30.
    pub alert_per_hour: u32,
}

impl Default for SearchLimits {
    fn default() -> Self {
        Self { production_per_hour: 20, alert_per_hour: 30 }
    }
}

/// What became of a search that asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    Yes,
    /// Allowed, and the first that looks like enumeration.
    Alert,
    UsedUp,
}

/// Searches of the hour that runs.
#[derive(Debug, Default)]
pub struct Quota {
    limits: SearchLimits,
    by_name: Mutex<HashMap<String, Hour>>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Hour {
    began: i64,
    production: u32,
    all: u32,
}

impl Quota {
    /// With these limits.
    #[must_use]
    pub fn new(limits: SearchLimits) -> Self {
        Self { limits, by_name: Mutex::default() }
    }

    /// Counts a search at `now`, Unix seconds.
    pub(super) fn take(&self, name: &str, flag: Flag, now: i64) -> Taken {
        let mut by_name = self.by_name.lock().unwrap_or_else(PoisonError::into_inner);
        // Names are those of tokens: few. A clock set back begins no new hour.
        by_name.retain(|_, hour| now < hour.began.saturating_add(HOUR));
        let hour = by_name.entry(name.to_owned()).or_insert(Hour { began: now, ..Hour::default() });
        if flag == Flag::Production && hour.production >= self.limits.production_per_hour {
            return Taken::UsedUp;
        }
        hour.all += 1;
        hour.production += u32::from(flag == Flag::Production);
        if hour.all == self.limits.alert_per_hour.saturating_add(1) { Taken::Alert } else { Taken::Yes }
    }
}

const HOUR: i64 = 3600;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn production_ends_at_its_quota_and_many_searches_are_told_once() {
        let quota = Quota::new(SearchLimits { production_per_hour: 2, alert_per_hour: 3 });
        let take = |flag, now| quota.take("ann", flag, now);
        assert_eq!([take(Flag::Production, 10), take(Flag::Production, 11)], [Taken::Yes; 2]);
        assert_eq!(take(Flag::Production, 12), Taken::UsedUp);
        assert_eq!(take(Flag::Production, 0), Taken::UsedUp, "a clock set back");
        assert_eq!(quota.take("bob", Flag::Production, 12), Taken::Yes);
        assert_eq!(
            [take(Flag::Staging, 13), take(Flag::Staging, 14), take(Flag::Staging, 15)],
            [Taken::Yes, Taken::Alert, Taken::Yes]
        );
        assert_eq!(take(Flag::Production, 10 + HOUR), Taken::Yes);
    }
}

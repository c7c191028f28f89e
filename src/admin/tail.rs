//! Records as they come: server-sent events, metadata alone.

use super::Admin;
use super::answers::Answer;
use super::caller::{Caller, Done};
use super::records::{Lines, blocking, told};
use super::streams::{REST_MAX, Turns, hand};
use crate::clock::{id_ms, rfc3339, unix_ms};
use crate::org::Permission;
use crate::record::Entry;
use crate::store::{Query, ReadScope, RecordReader, StoreError};
use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use serde_json::json;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

/// Follows the records of the caller's environments. A change of roles holds from the next look on. An event `gap` tells that
/// there were more at once than it follows, and of which time.
#[utoipa::path(get, path = "/v1/records/tail", tag = "records",
    responses((status = 200, description = "An event for each record, and `gap` where some may be missing", content_type = "text/event-stream"),
              (status = 401, description = "No token that is known"), (status = 403, description = "No role that allows it"), (status = 429, description = "Too many tails run")))]
pub(super) async fn tail(
    State(admin): State<Arc<Admin>>,
    caller: Caller,
    headers: axum::http::HeaderMap,
) -> Answer {
    caller.somewhere(&admin, Permission::ReadRecords)?;
    let turn = TAILS.take(&caller.principal)?;
    caller.did(&admin, &Done { action: "search_tail", ..Done::default() })?;
    let (lines, received) = tokio::sync::mpsc::channel(64);
    let headers = Arc::new(headers);
    let mut follow = Follow::from(unix_ms());
    tokio::spawn(async move {
        let _turn = turn;
        loop {
            // Roles are those of now: a token that was revoked ends the stream.
            let (asked, sent) = (admin.clone(), headers.clone());
            #[allow(clippy::result_large_err)] // an answer, made once and sent
            let scope = tokio::task::spawn_blocking(move || {
                super::caller::again(&asked, &sent)?.somewhere(&asked, Permission::ReadRecords)
            });
            let Ok(Ok(scope)) = scope.await else { return };
            let records = admin.records.clone();
            let looked = blocking(move || {
                let events = follow.look(&*records, &scope, unix_ms())?;
                Ok((follow, events))
            });
            let Ok((went_on, events)) = looked.await else { return };
            follow = went_on;
            for event in events {
                if !hand(&lines, Ok(event), REST_MAX).await {
                    return;
                }
            }
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                () = lines.closed() => return,
            }
        }
    });
    Ok(([(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(Lines(received))).into_response())
}

/// What was told so far.
struct Follow {
    /// Nothing from before is told.
    begin: u64,
    /// When it was looked last, and when last as far back as a message may take.
    looked: u64,
    looked_far: u64,
    /// Ids of records that were told and may be come upon again.
    seen: HashSet<String>,
}

impl Follow {
    fn from(now_ms: u64) -> Self {
        Self { begin: now_ms, looked: now_ms, looked_far: now_ms, seen: HashSet::new() }
    }

    /// Events of records that came since the last look, the oldest first. A record is of the time when its message began, and
    /// is there when it ended: every look goes back some seconds, and now and then as far as [`LATE_MS`].
    fn look(
        &mut self,
        records: &dyn RecordReader,
        scope: &ReadScope,
        now_ms: u64,
    ) -> Result<Vec<String>, StoreError> {
        let is_far = now_ms.saturating_sub(self.looked_far) >= FAR_EVERY_MS;
        let from = match is_far {
            true => self.looked_far.saturating_sub(LATE_MS),
            false => self.looked.saturating_sub(NEAR_MS),
        };
        let from = from.max(self.begin);
        let mut query = Query { from_ms: Some(from), limit: Some(PAGE), ..Query::default() };
        let mut fresh: Vec<Entry> = Vec::new();
        let mut pages = 0;
        let (mut oldest, mut events) = (now_ms, Vec::new());
        loop {
            let page = records.search(scope, &query)?;
            oldest = page.entries.last().map_or(oldest, |entry| entry.started_ms);
            let before = fresh.len();
            fresh.extend(page.entries.into_iter().filter(|entry| !self.seen.contains(&entry.id)));
            let is_new = fresh.len() > before;
            pages += 1;
            if page.next.is_none() {
                break;
            }
            // What is older was told before; not where the look goes back to what the last ones left out.
            if pages == PAGES_MAX && !is_new && !is_far {
                break;
            }
            if pages == PAGES_MAX || fresh.len() >= FRESH_MAX {
                let gap = json!({"gap": {"from": rfc3339(from), "to": rfc3339(oldest)}});
                events.push(format!("event: gap\ndata: {gap}\n\n"));
                break;
            }
            query.after = page.next;
        }
        self.looked = now_ms;
        if is_far {
            self.looked_far = now_ms;
            // Ids begin with their time.
            let keep = now_ms.saturating_sub(LATE_MS);
            self.seen.retain(|id| id_ms(id).is_some_and(|ms| ms >= keep));
        }
        events.extend(fresh.iter().rev().map(|entry| format!("id: {}\ndata: {}\n\n", entry.id, told(entry))));
        self.seen.extend(fresh.into_iter().map(|entry| entry.id));
        Ok(events)
    }
}

/// A record of a message that took longer than this may not appear.
const LATE_MS: u64 = 60_000;
/// How far every look goes back, and how often one goes as far as that.
const NEAR_MS: u64 = 3_000;
const FAR_EVERY_MS: u64 = 5_000;
/// Each looks twice a second.
static TAILS: Turns = Turns::new(TAILS_MAX, TAILS_OF_ONE_MAX);
const TAILS_MAX: usize = 64;
const TAILS_OF_ONE_MAX: usize = 8;
const EVERY: Duration = Duration::from_millis(500);
const PAGE: usize = 1000;
/// Of one look: what is beyond is a gap. So many records a minute are more than anybody reads.
const PAGES_MAX: usize = 200;
/// Records that one look holds in memory.
const FRESH_MAX: usize = 20_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Page, Stored};
    use std::sync::Mutex;

    /// Records that are there by now, by their time.
    #[derive(Default)]
    struct Kept(Mutex<Vec<Entry>>);

    impl Kept {
        fn add(&self, started_ms: u64, number: u64) -> String {
            let id = format!("{:08x}-{:04x}-7000-8000-{number:012x}", started_ms >> 16, started_ms & 0xFFFF);
            let mut all = self.0.lock().expect("locks");
            all.push(Entry { id: id.clone(), started_ms, ..Entry::default() });
            all.sort_by(|a, b| b.id.cmp(&a.id));
            id
        }
    }

    impl RecordReader for Kept {
        fn search(&self, _: &ReadScope, query: &Query) -> Result<Page, StoreError> {
            let all = self.0.lock().expect("locks");
            let fits = |e: &&Entry| {
                e.started_ms >= query.from_ms.unwrap_or(0)
                    && query.after.as_ref().is_none_or(|after| e.id < *after)
            };
            let mut entries: Vec<Entry> = all.iter().filter(fits).take(query.limit() + 1).cloned().collect();
            let more = entries.len() > query.limit();
            entries.truncate(query.limit());
            let next = if more { entries.last().map(|e| e.id.clone()) } else { None };
            Ok(Page { entries, next, ..Page::default() })
        }

        fn show(&self, _: &ReadScope, _: &str) -> Result<Option<Stored>, StoreError> {
            Ok(None)
        }

        fn sealed(&self, _: &ReadScope, _: &str) -> Result<Option<Vec<u8>>, StoreError> {
            Ok(None)
        }
    }

    const BEGIN: u64 = 1_790_000_000_000;

    #[test]
    fn slow_messages_among_many_quick_ones_are_told_and_none_twice() {
        let (kept, scope) = (Kept::default(), ReadScope::default());
        let mut follow = Follow::from(BEGIN);
        let (mut told, mut sent) = (Vec::new(), Vec::new());
        let mut number = 0;
        for look in 1..=200_u64 {
            let now = BEGIN + look * 500;
            for n in 0..40 {
                number += 1;
                sent.push(kept.add(now - n, number));
            }
            // One that began nine seconds ago ends now.
            if look == 20 {
                number += 1;
                sent.push(kept.add(now - 9000, number));
            }
            told.extend(follow.look(&kept, &scope, now).expect("looks"));
        }
        let mut ids: Vec<String> = told
            .iter()
            .map(|event| {
                event.lines().next().and_then(|line| line.strip_prefix("id: ")).expect("an id").to_owned()
            })
            .collect();
        assert_eq!(ids.len(), sent.len());
        ids.sort();
        sent.sort();
        assert_eq!(ids, sent);
        assert!(follow.seen.len() < sent.len(), "what can't come again is forgotten");
    }

    #[test]
    fn where_there_is_too_much_for_one_look_a_gap_is_told() {
        let (kept, scope) = (Kept::default(), ReadScope::default());
        let mut follow = Follow::from(BEGIN);
        for n in 0..(FRESH_MAX as u64 + 2 * PAGE as u64) {
            kept.add(BEGIN + 1 + n / 100, n);
        }
        let events = follow.look(&kept, &scope, BEGIN + 1000).expect("looks");
        assert!(events[0].starts_with("event: gap\ndata: {\"gap\":{\"from\":"), "{}", events[0]);
        assert_eq!(events.len(), FRESH_MAX + 1);
        assert!(follow.look(&kept, &scope, BEGIN + 1500).expect("looks").len() <= 2 * PAGE);
    }
}

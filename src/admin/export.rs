//! Many records at once: a line of JSON each, and a last one that tells what the export came to. A body without that line
//! is none that is whole.

use super::Admin;
use super::answers::Answer;
use super::caller::{Caller, Done};
use super::records::{Lines, SearchParams, known, only, scope, seen};
use super::streams::{REST_MAX, Turns, hand_over};
use crate::org::Permission;
use crate::record::Entry;
use crate::store::{Query, ReadScope, RecordReader, StoreError, Stored};
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query as Params, State};
use axum::http::{HeaderMap, header};
use axum::response::IntoResponse;
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// Takes many records away, newest first: a line of JSON each, at the view of the caller's role.
///
/// The last line has `export` in the place of `record`: `records`, how many lines came before; `gone`, how many retention
/// removed since they were found; `next`, where to go on (`after`) if the limit cut the result, else null; `unread`, only where
/// there are such, environments and days whose records can't be read. A failure of the
/// store breaks the body off: that line is absent then.
#[utoipa::path(get, path = "/v1/records/export", params(SearchParams), tag = "records",
    responses((status = 200, description = "Lines of JSON, the last of them with `export`", content_type = "application/x-ndjson"), (status = 400, description = "An unknown parameter"),
              (status = 401, description = "No token that is known"), (status = 403, description = "No role that allows it"), (status = 429, description = "Too many exports run")))]
pub(super) async fn export(
    State(admin): State<Arc<Admin>>,
    headers: HeaderMap,
    caller: Caller,
    params: Result<Params<SearchParams>, QueryRejection>,
) -> Answer {
    let params = known(params, EXPORT_MAX)?;
    let mut scope = scope(&admin, &caller, &params, Permission::ExportRecords)?;
    // What the caller takes away is what the caller may read: no record of the scope is one to leave out.
    let read = caller.principal.where_may(Permission::ReadRecords);
    scope.environments.retain(|environment| read.contains(environment));
    if scope.environments.is_empty() {
        return Err(caller.refused(&admin, Permission::ReadRecords.as_str(), ""));
    }
    let most = params.limit().unwrap_or(EXPORT_DEFAULT);
    let query = params.query(&admin);
    let turn = EXPORTS.take(&caller.principal)?;
    caller.did(&admin, &Done { action: "export_records", environment: only(&scope), ..Done::default() })?;
    let (lines, received) = tokio::sync::mpsc::channel::<Result<String, std::io::Error>>(64);
    tokio::task::spawn_blocking(move || {
        let _turn = turn;
        let line =
            |stored: &Stored| Some(seen(&caller, stored)?.json(&caller, &stored.entry).to_string() + "\n");
        let mut taken = 0_u64;
        let mut send = |line: String| {
            let is_record = !line.starts_with(LAST_LINE);
            let is_taken = hand_over(&lines, Ok(line), REST_MAX);
            taken += u64::from(is_taken && is_record);
            is_taken
        };
        // A slow reader may take hours: roles and tokens are those of now.
        let may = || {
            let holds = [Permission::ExportRecords, Permission::ReadRecords].into_iter().all(|permission| {
                super::caller::again(&admin, &headers).is_ok_and(|now| {
                    let there = now.principal.where_may(permission);
                    scope.environments.iter().all(|environment| there.contains(environment))
                })
            });
            if !holds {
                // The answer went out already: the body ends before its time.
                let _ = caller.refused(&admin, Permission::ExportRecords.as_str(), only(&scope));
            }
            holds
        };
        let exported = exported(&*admin.records, &scope, query, most, &line, &may, &mut send);
        let object = format!("{taken} records");
        let (environment, reason) = (only(&scope), how_it_ended(&exported));
        let done = Done { action: "export_ended", environment, object: &object, reason, ..Done::default() };
        let _ = caller.did(&admin, &done); // one that can't be written is told by the log
        if exported.is_ok_and(|is_whole| !is_whole) {
            hand_over(&lines, Err(std::io::Error::other("ended")), REST_MAX); // the reader may be gone
        } else if let Err(error) = exported {
            tracing::error!(error = %error, "An export is broken off: the store failed.");
            admin.exports_failed.fetch_add(1, Relaxed);
            // The reader sees that it ended early: the chunked body is broken off.
            hand_over(&lines, Err(std::io::Error::other("store")), REST_MAX);
        }
    });
    let body = Body::from_stream(Lines(received));
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], body).into_response())
}

/// Sends the lines of up to `most` records and the last one, until `send` takes no more, or `may` says no, which is asked
/// for each page. Only what is gone is left out. Gives whether it came to its end.
fn exported(
    records: &dyn RecordReader,
    scope: &ReadScope,
    mut query: Query,
    most: usize,
    line: &dyn Fn(&Stored) -> Option<String>,
    may: &dyn Fn() -> bool,
    send: &mut dyn FnMut(String) -> bool,
) -> Result<bool, StoreError> {
    let (mut left, mut sent, mut gone, mut unread) = (most, 0_u64, 0_u64, BTreeSet::new());
    let next = loop {
        if !may() {
            return Ok(false);
        }
        query.limit = Some(left.min(PAGE));
        let page = records.search(scope, &query)?;
        unread.extend(page.unread.iter().map(|(environment, day)| format!("{environment} {day}")));
        for entry in &page.entries {
            let stored = match records.show(scope, &entry.id) {
                Ok(Some(stored)) => stored,
                Ok(None) => {
                    gone += 1;
                    continue;
                }
                Err(error) if error.is_unreadable() => {
                    unread.insert(day_of(entry));
                    continue;
                }
                Err(error) => return Err(error),
            };
            if stored.payload_is_damaged {
                unread.insert(day_of(entry));
            }
            // Behind this scope there is none that the caller doesn't see.
            if !send(line(&stored).ok_or(StoreError::Broken)?) {
                return Ok(true); // nobody reads on
            }
            sent += 1;
        }
        left = left.saturating_sub(page.entries.len());
        if page.next.is_none() || left == 0 {
            break page.next;
        }
        query.after = page.next;
    };
    let mut end = json!({"records": sent, "gone": gone, "next": next});
    if !unread.is_empty() {
        end["unread"] = json!(unread);
    }
    send(format!("{LAST_LINE}{end}}}\n"));
    Ok(true)
}

/// For the audit: nothing of one that came to its end.
const fn how_it_ended(exported: &Result<bool, StoreError>) -> &'static str {
    if matches!(exported, Ok(true)) { "" } else { "broken off" }
}

/// The environment and the day of a record that can't be read whole.
fn day_of(entry: &Entry) -> String {
    format!("{} {}", entry.environment, crate::clock::day(entry.started_ms))
}

/// What the line behind all records begins with.
const LAST_LINE: &str = r#"{"export":"#;
/// Each holds a thread for as long as its reader takes.
static EXPORTS: Turns = Turns::new(EXPORTS_MAX, EXPORTS_OF_ONE_MAX);
const EXPORTS_MAX: usize = 16;
const EXPORTS_OF_ONE_MAX: usize = 4;
const PAGE: usize = 200;
const EXPORT_DEFAULT: usize = 10_000;
const EXPORT_MAX: usize = 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Page;

    /// Records by number, newest first: what becomes of each when it is asked for.
    struct Numbered(usize, fn(usize) -> Result<bool, StoreError>);

    impl RecordReader for Numbered {
        fn search(&self, _: &ReadScope, query: &Query) -> Result<Page, StoreError> {
            let begin = query.after.as_ref().map_or(0, |id| id.parse::<usize>().expect("a number") + 1);
            let end = self.0.min(begin + query.limit());
            let entry = |n: usize| Entry { id: n.to_string(), ..Entry::default() };
            let next = (end < self.0).then(|| (end - 1).to_string());
            Ok(Page { entries: (begin..end).map(entry).collect(), next, ..Page::default() })
        }

        fn show(&self, _: &ReadScope, id: &str) -> Result<Option<Stored>, StoreError> {
            let is_there = self.1(id.parse().expect("a number"))?;
            let entry = Entry { id: id.to_owned(), ..Entry::default() };
            Ok(is_there.then_some(Stored { entry, payload: None, payload_is_damaged: false }))
        }

        fn sealed(&self, _: &ReadScope, _: &str) -> Result<Option<Vec<u8>>, StoreError> {
            Ok(None)
        }
    }

    fn lines(records: &Numbered, most: usize) -> (Vec<String>, Result<bool, StoreError>) {
        let mut out = Vec::new();
        let line = |stored: &Stored| Some(stored.entry.id.clone());
        let mut send = |line: String| {
            out.push(line.trim_end().to_owned());
            true
        };
        let scope = ReadScope::default();
        let done = exported(records, &scope, Query::default(), most, &line, &|| true, &mut send);
        (out, done)
    }

    #[test]
    fn what_is_gone_is_counted_and_what_the_limit_cut_is_told() {
        let (told, done) = lines(&Numbered(450, |n| Ok(n != 3 && n != 201)), 10_000);
        assert_eq!((told.len(), how_it_ended(&done)), (449, ""));
        assert_eq!(told[448], r#"{"export":{"gone":2,"next":null,"records":448}}"#);
        for (most, last) in [
            (449, r#"{"export":{"gone":0,"next":"448","records":449}}"#),
            (450, r#"{"export":{"gone":0,"next":null,"records":450}}"#),
            (1, r#"{"export":{"gone":0,"next":"0","records":1}}"#),
        ] {
            let (told, _) = lines(&Numbered(450, |_| Ok(true)), most);
            assert_eq!((told.len(), told[most].as_str()), (most + 1, last));
        }
        let (told, _) = lines(&Numbered(0, |_| Ok(true)), 10);
        assert_eq!(told, [r#"{"export":{"gone":0,"next":null,"records":0}}"#]);
    }

    #[test]
    fn a_record_that_cant_be_read_is_never_left_out_in_silence() {
        let busy = |n| if n == 7 { Err(StoreError::Database(5)) } else { Ok(true) };
        let (told, done) = lines(&Numbered(450, busy), 10_000);
        assert_eq!((told.len(), how_it_ended(&done)), (7, "broken off"));
        assert_eq!(done, Err(StoreError::Database(5)));
        // What is damaged, a file or a record of it, is told by its day, and the others go on.
        let damages: [fn(usize) -> Result<bool, StoreError>; 2] = [
            |n| if n == 7 { Err(StoreError::Database(11)) } else { Ok(true) },
            |n| if n == 7 { Err(StoreError::Broken) } else { Ok(true) },
        ];
        for damaged in damages {
            let (told, done) = lines(&Numbered(450, damaged), 10_000);
            assert_eq!((told.len(), done), (450, Ok(true)));
            let last = &told[449];
            assert!(last.contains("\"records\":449") && last.contains("\"unread\":[\""), "{last}");
        }
        let mut send = |_| true;
        let unseen = exported(
            &Numbered(1, |_| Ok(true)),
            &ReadScope::default(),
            Query::default(),
            10,
            &|_| None,
            &|| true,
            &mut send,
        );
        assert_eq!(unseen, Err(StoreError::Broken));
    }

    #[test]
    fn one_who_may_no_more_gets_no_further_page() {
        let (mut sent, asked) = (0, std::cell::Cell::new(0));
        let mut send = |_| {
            sent += 1;
            true
        };
        let may = || asked.replace(asked.get() + 1) < 2;
        let line = |stored: &Stored| Some(stored.entry.id.clone());
        let records = Numbered(1000, |_| Ok(true));
        let done = exported(&records, &ReadScope::default(), Query::default(), 1000, &line, &may, &mut send);
        assert_eq!(how_it_ended(&done), "broken off");
        assert_eq!((done, sent), (Ok(false), 2 * PAGE), "without the last line, which says that it is whole");
    }
}

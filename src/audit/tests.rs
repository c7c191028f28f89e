use super::*;
use crate::secrets::{SigningKey, VerifyingKey};
use std::path::{Path, PathBuf};

struct Log {
    dir: tempfile::TempDir,
    key: SigningKey,
}

impl Log {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("dir"), key: SigningKey::ephemeral().expect("key") }
    }

    fn open(&self) -> Audit {
        Audit::open_keeping(self.dir.path(), self.key.clone(), self.keep()).expect("opens")
    }

    fn keep(&self) -> Keep {
        Keep { anchor_file: Some(self.anchors()), anchor_every: 3, ..Keep::default() }
    }

    fn anchors(&self) -> PathBuf {
        self.dir.path().join("anchors.jsonl")
    }

    fn folder(&self) -> PathBuf {
        self.dir.path().join("audit")
    }

    fn files(&self) -> Vec<PathBuf> {
        log::segments(&self.folder()).expect("lists")
    }

    fn problems(&self) -> Vec<String> {
        verify(&self.folder(), &self.key.public(), Some(&self.anchors())).expect("reads").problems
    }
}

fn event(time: &str, object: &'static str) -> Event<'static> {
    Event {
        time: time.into(),
        principal: "ann",
        action: "view_payload",
        object,
        decision: "allowed",
        ..Event::default()
    }
}

fn filled(count: usize) -> Log {
    let log = Log::new();
    let audit = log.open();
    for n in 0..count {
        // Two months.
        let time = if n < count / 2 { "2026-10-31T10:00:00Z" } else { "2026-11-01T10:00:00Z" };
        audit.write(&event(time, "r-1")).expect("writes");
    }
    log
}

fn lines(path: &Path) -> Vec<String> {
    std::fs::read_to_string(path).expect("reads").lines().map(str::to_owned).collect()
}

fn rewrite(path: &Path, lines: &[String]) {
    std::fs::write(path, lines.iter().map(|line| format!("{line}\n")).collect::<String>()).expect("writes");
}

#[test]
fn an_untouched_log_verifies_over_months_and_by_the_public_key_alone() {
    let log = filled(10);
    assert_eq!(log.files().len(), 2);
    let report = verify(&log.folder(), &log.key.public(), Some(&log.anchors())).expect("reads");
    assert_eq!((report.events, report.range, report.problems), (10, Some((1, 10)), vec![]));
    assert_eq!(report.anchors, 4);
    let other = SigningKey::ephemeral().expect("key").public();
    assert!(!verify(&log.folder(), &other, None).expect("reads").problems.is_empty());
}

#[test]
fn any_changed_byte_is_found() {
    let log = filled(4);
    for path in log.files() {
        let whole = std::fs::read(&path).expect("reads");
        for at in 0..whole.len() - 1 {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            std::fs::write(&path, &changed).expect("writes");
            assert!(!log.problems().is_empty(), "byte {at}");
        }
        std::fs::write(&path, &whole).expect("writes");
    }
    assert!(log.problems().is_empty());
}

#[test]
fn a_missing_a_doubled_and_a_moved_line_are_found() {
    let log = filled(10);
    let path = log.files().remove(1);
    let whole = lines(&path);
    for at in 0..whole.len() {
        let mut without = whole.clone();
        without.remove(at);
        rewrite(&path, &without);
        assert!(!log.problems().is_empty(), "without {at}");
        let mut doubled = whole.clone();
        doubled.insert(at, whole[at].clone());
        rewrite(&path, &doubled);
        assert!(!log.problems().is_empty(), "{at} twice");
        if at > 0 {
            let mut moved = whole.clone();
            moved.swap(at - 1, at);
            rewrite(&path, &moved);
            assert!(!log.problems().is_empty(), "{at} moved");
        }
    }
    rewrite(&path, &whole);
    std::fs::remove_file(log.files().remove(0)).expect("removes");
    assert!(log.problems().iter().any(|p| p.starts_with("cut: the log begins at 6")));
}

#[test]
fn a_cut_tail_is_found_even_with_an_older_head() {
    let log = filled(4);
    let older = std::fs::read(log.folder().join("head.json")).expect("reads");
    let audit = log.open();
    for _ in 0..6 {
        audit.write(&event("2026-11-02T10:00:00Z", "r-2")).expect("writes");
    }
    let path = log.files().remove(1);
    let mut kept = lines(&path);
    kept.truncate(2);
    rewrite(&path, &kept);
    assert!(log.problems().iter().any(|p| p.starts_with("cut: ")), "by the head");
    // The gateway doesn't go on behind a cut.
    assert_eq!(audit.write(&event("2026-11-02T10:00:00Z", "r-3")), Err(AuditError::Broken));
    assert!(Audit::open(log.dir.path(), log.key.clone()).is_err());
    // Whoever puts an older head back is found by what stands elsewhere.
    std::fs::write(log.folder().join("head.json"), older).expect("writes");
    assert!(verify(&log.folder(), &log.key.public(), None).expect("reads").problems.is_empty());
    assert!(log.problems().iter().any(|p| p.starts_with("cut: the anchor")));
}

#[test]
fn a_log_that_was_cut_at_any_byte_of_its_last_line_opens_and_goes_on() {
    let log = filled(4);
    // The head as it was when the last line was being written.
    let before = std::fs::read(log.folder().join("head.json")).expect("reads");
    log.open().write(&event("2026-11-01T10:00:00Z", "r-9")).expect("writes");
    let path = log.files().remove(1);
    let whole = std::fs::read(&path).expect("reads");
    let last = lines(&path).last().expect("a line").len() + 1;
    for cut in 1..=last {
        std::fs::write(&path, &whole[..whole.len() - cut]).expect("writes");
        std::fs::write(log.folder().join("head.json"), &before).expect("writes");
        // What the last round told is of the month of today.
        log.files().drain(2..).for_each(|later| std::fs::remove_file(later).expect("removes"));
        log.open().write(&event("2026-11-01T10:00:00Z", "r-10")).expect("writes");
        let found = verify(&log.folder(), &log.key.public(), None).expect("reads");
        // What was cut off is told, where there was anything.
        let told = events(&log.folder()).expect("reads");
        let tells = told.iter().find(|event| event["action"] == "audit_end_cut_off");
        let left = format!("{} bytes, sha256:", last - cut);
        let is_told =
            tells.is_some_and(|event| event["object"].as_str().is_some_and(|o| o.starts_with(&left)));
        assert_eq!(is_told, cut < last, "{tells:?}");
        assert_eq!((found.events, found.problems), (5 + u64::from(is_told), vec![]), "cut by {cut}");
    }
}

#[test]
fn two_writers_take_turns() {
    let log = Log::new();
    let (one, two) = (log.open(), log.open());
    std::thread::scope(|scope| {
        for audit in [&one, &two] {
            scope.spawn(move || {
                for _ in 0..20 {
                    audit.write(&event("2026-11-01T10:00:00Z", "r-1")).expect("writes");
                }
            });
        }
    });
    let report = verify(&log.folder(), &log.key.public(), None).expect("reads");
    assert_eq!((report.events, report.problems), (40, vec![]));
}

#[test]
fn past_retention_months_go_and_the_log_says_so() {
    let log = Log::new();
    let audit = log.open();
    for time in ["2001-01-01T00:00:00Z", "2001-02-01T00:00:00Z", "2026-11-01T10:00:00Z"] {
        audit.write(&event(time, "r-1")).expect("writes");
    }
    // 2006 and 2027, of six years each.
    assert_eq!(log.files().len(), 3, "whoever writes removes nothing");
    assert_eq!(audit.retire(1_136_073_600_000), Ok(0));
    assert_eq!(log.files().len(), 3);
    assert_eq!(audit.retire(1_798_761_600_000), Ok(2));
    assert_eq!(audit.retire(1_798_761_600_000), Ok(0));
    assert_eq!(log.files().len(), 2, "2026-11, and the month of the event that tells of it");
    let report = verify(&log.folder(), &log.key.public(), None).expect("reads");
    assert_eq!((report.range, report.problems), (Some((3, 4)), vec![]));
    let told = events(&log.folder()).expect("reads");
    assert_eq!(told[1]["action"], "audit_retired");
    audit.write(&event("2027-01-03T00:00:00Z", "r-2")).expect("goes on");
    assert_eq!(verify(&log.folder(), &log.key.public(), None).expect("reads").problems, Vec::<String>::new());
}

#[test]
fn a_retiring_that_stopped_in_between_is_gone_on_with() {
    let log = Log::new();
    let audit = log.open();
    for time in ["2001-01-01T00:00:00Z", "2001-02-01T00:00:00Z", "2026-11-01T10:00:00Z"] {
        audit.write(&event(time, "r-1")).expect("writes");
    }
    let second = log.files().remove(1);
    let bytes = std::fs::read(&second).expect("reads");
    let now = 1_798_761_600_000;
    audit.retire(now).expect("removes");
    std::fs::write(&second, bytes).expect("as a stop would leave it");
    assert_eq!(log.open().retire(now), Ok(1));
    assert_eq!(verify(&log.folder(), &log.key.public(), None).expect("reads").problems, Vec::<String>::new());
}

#[test]
fn a_head_and_a_new_month_are_durable_before_they_are_leaned_on() {
    use crate::durable::tests::synced;
    let log = Log::new();
    let audit = log.open();
    let (folder, fresh) = (log.folder(), log.folder().join("head.new"));
    synced();
    audit.write(&event("2026-10-31T10:00:00Z", "r-1")).expect("writes");
    assert_eq!(synced(), [folder.clone(), fresh.clone(), folder.clone()], "month, head, and the head's name");
    audit.write(&event("2026-10-31T10:00:01Z", "r-1")).expect("writes");
    assert_eq!(synced(), std::slice::from_ref(&fresh));
    audit.write(&event("2026-11-01T10:00:00Z", "r-1")).expect("writes");
    assert_eq!(synced(), [folder, fresh]);
}

#[test]
fn a_lost_head_is_signed_anew_and_the_log_says_so() {
    let log = filled(10);
    let head = log.folder().join("head.json");
    let repaired = || repair(log.dir.path(), log.key.clone(), Some(&log.anchors()), &Known::default());
    assert!(matches!(repaired(), Ok(Repaired::Nothing)), "nothing is wrong");
    // What a power loss made of it, and what whoever has no key would write.
    let stranger = Log::new();
    stranger.open().write(&event("2026-11-01T10:00:00Z", "r-1")).expect("writes");
    let foreign = std::fs::read(stranger.folder().join("head.json")).expect("reads");
    for (bytes, end) in [(Some(Vec::new()), 10), (Some(foreign), 11), (None, 12)] {
        match bytes {
            Some(bytes) => std::fs::write(&head, bytes).expect("writes"),
            None => std::fs::remove_file(&head).expect("removes"),
        }
        assert!(end == 11 || Audit::open(log.dir.path(), log.key.clone()).is_err());
        assert!(matches!(repaired(), Ok(Repaired::Head(seq, _)) if seq == end));
        assert_eq!(log.problems(), Vec::<String>::new());
        let told = events(&log.folder()).expect("reads").pop().expect("one");
        assert_eq!(told["action"], "audit_repaired");
        assert!(told["object"].as_str().is_some_and(|o| o.starts_with(&format!("{end} "))), "{told}");
    }
}

#[test]
fn a_log_that_was_cut_or_changed_is_not_signed_anew() {
    let log = filled(10);
    let head = log.folder().join("head.json");
    let repaired = || repair(log.dir.path(), log.key.clone(), Some(&log.anchors()), &Known::default());
    let path = log.files().remove(1);
    let whole = lines(&path);
    rewrite(&path, &whole[..whole.len() - 1]);
    assert!(matches!(repaired(), Err(RepairError::Wrong(_))), "by the head");
    rewrite(&path, &whole[..3]);
    std::fs::remove_file(&head).expect("removes");
    assert!(matches!(repaired(), Err(RepairError::Wrong(_))), "by the anchor");
    rewrite(&path, &[whole[0].clone(), whole[2].clone()]);
    assert!(matches!(repaired(), Err(RepairError::Wrong(_))), "by the chain");
    assert!(!head.exists(), "nothing was signed");
}

#[test]
fn the_unchained_log_of_earlier_versions_is_kept_and_told() {
    let log = Log::new();
    std::fs::write(log.dir.path().join("audit.jsonl"), b"{\"action\":\"view_payload\"}\n").expect("writes");
    log.open();
    assert!(log.folder().join("unchained.log").exists() && !log.dir.path().join("audit.jsonl").exists());
    let told = events(&log.folder()).expect("reads");
    assert_eq!(told[0]["action"], "audit_taken_over");
    assert!(told[0]["object"].as_str().is_some_and(|o| o.starts_with("sha256:")));
}

#[test]
fn an_event_is_a_fhir_audit_event() {
    let log = filled(2);
    let line = events(&log.folder()).expect("reads").remove(0);
    let resource = audit_event(&line);
    assert_eq!(
        (
            &resource["resourceType"],
            &resource["action"],
            &resource["outcome"],
            &resource["agent"][0]["who"]["display"]
        ),
        (&"AuditEvent".into(), &"R".into(), &"0".into(), &"ann".into())
    );
    assert_eq!(resource["entity"][0]["what"]["identifier"]["value"], "r-1");
    // DICOM PS3.16, context group 400.
    let changed = audit_event(&serde_json::json!({"action": "set_role"}));
    assert_eq!(changed["type"]["display"], "Security Configuration");
}

#[test]
fn a_file_that_bears_an_older_months_name_is_not_removed_and_is_found() {
    let log = filled(6);
    let audit = log.open();
    let (now, files) = (1_798_761_600_000, log.files()); // 2027
    for (from, to) in [(1, "2016-11.jsonl"), (0, "2016-10.jsonl")] {
        let renamed = log.folder().join(to);
        std::fs::rename(&files[from], &renamed).expect("renames");
        assert_eq!(audit.retire(now), Err(AuditError::Broken), "{to}");
        assert!(renamed.exists());
        assert!(log.problems().iter().any(|p| p.contains("is of a month behind that of its file")), "{to}");
        std::fs::rename(&renamed, &files[from]).expect("renames");
    }
    assert_eq!((audit.retire(now), log.problems()), (Ok(0), vec![]));
    // Nor one whose place another took: what is left has to follow what goes.
    let other = Log::new();
    other.open().write(&event("2001-01-01T00:00:00Z", "r-1")).expect("writes");
    std::fs::copy(&other.files()[0], log.folder().join("2001-01.jsonl")).expect("copies");
    assert_eq!(audit.retire(now), Err(AuditError::Broken));
}

#[test]
fn what_was_anchored_and_went_too_early_is_found() {
    let log = Log::new();
    let audit = log.open();
    for time in ["2001-01-01T00:00:00Z", "2020-06-01T00:00:00Z", "2026-11-01T10:00:00Z"] {
        for _ in 0..3 {
            audit.write(&event(time, "r-1")).expect("writes");
        }
    }
    let keep = |days| Keep { retention_days: days, ..log.keep() };
    let open = |days| Audit::open_keeping(log.dir.path(), log.key.clone(), keep(days)).expect("opens");
    let now = 1_798_761_600_000; // 2027
    assert_eq!(open(2500).retire(now), Ok(1));
    assert_eq!(log.problems(), Vec::<String>::new());
    // As whoever has the folder might: the next month goes, too, and an event that says so is there already.
    std::fs::remove_file(&log.files()[0]).expect("removes");
    assert!(log.problems().iter().any(|p| p.starts_with("cut: the log begins")), "{:?}", log.problems());
    let mut found = log.problems();
    found.retain(|p| p.starts_with("cut: the anchor"));
    assert!(!found.is_empty(), "{:?}", log.problems());
}

#[test]
fn a_removal_that_stopped_in_between_is_no_cut() {
    let log = Log::new();
    let audit = log.open();
    for time in
        ["2001-01-01T00:00:00Z", "2002-01-01T00:00:00Z", "2003-01-01T00:00:00Z", "2026-11-01T10:00:00Z"]
    {
        audit.write(&event(time, "r-1")).expect("writes");
    }
    let bytes: Vec<_> =
        log.files().into_iter().map(|f| (f.clone(), std::fs::read(f).expect("reads"))).collect();
    assert_eq!(audit.retire(1_798_761_600_000), Ok(3));
    // It said so, and was stopped before the second, or the third.
    for from in [2, 1] {
        for (path, bytes) in &bytes[from..3] {
            std::fs::write(path, bytes).expect("writes");
        }
        assert_eq!(log.problems(), Vec::<String>::new(), "{from}");
    }
}

#[test]
fn a_log_that_is_gone_or_older_than_known_is_not_begun_anew() {
    let log = filled(6);
    let older: Vec<_> = log.files().into_iter().chain([log.folder().join("head.json")]).collect();
    let older: Vec<_> = older.into_iter().map(|f| (f.clone(), std::fs::read(f).expect("reads"))).collect();
    let audit = log.open();
    audit.write(&event("2026-11-02T10:00:00Z", "r-2")).expect("writes");
    assert_eq!(audit.known().seq, 7);
    for (path, bytes) in &older {
        std::fs::write(path, bytes).expect("writes");
    }
    assert_eq!(
        audit.write(&event("2026-11-02T10:00:00Z", "r-3")),
        Err(AuditError::Broken),
        "one that was cut"
    );
    for (path, _) in &older {
        std::fs::remove_file(path).expect("removes");
    }
    assert_eq!(
        audit.write(&event("2026-11-02T10:00:00Z", "r-3")),
        Err(AuditError::Broken),
        "one that is gone"
    );
    // Another process knows by what was told it.
    let fresh = log.open();
    assert_eq!((fresh.known().seq, fresh.expect(&audit.known())), (0, Err(AuditError::Broken)));
    assert_eq!(fresh.write(&event("2026-11-02T10:00:00Z", "r-3")), Err(AuditError::Broken));
    assert_eq!(log.files(), Vec::<PathBuf>::new());
}

#[test]
fn an_older_head_and_bytes_that_are_no_line_are_found() {
    let log = filled(4);
    let head = log.folder().join("head.json");
    let older = std::fs::read(&head).expect("reads");
    log.open().write(&event("2026-11-02T10:00:00Z", "r-2")).expect("writes");
    let newer = std::fs::read(&head).expect("reads");
    std::fs::write(&head, &older).expect("writes");
    assert_eq!(log.problems(), Vec::<String>::new(), "as a stop in between leaves it");
    std::fs::write(&head, &newer).expect("writes");
    log.open().write(&event("2026-11-02T10:00:00Z", "r-2")).expect("writes");
    let newest = std::fs::read(&head).expect("reads");
    std::fs::write(&head, &older).expect("writes");
    assert_eq!(log.problems(), ["the head is an older one: it lags by 2 events"]);
    std::fs::write(&head, &newest).expect("writes");
    let files = log.files();
    for (file, bytes, good) in [
        (1, "{\"hash\":\"00", true),
        (1, "{\"h", true),
        (1, "GARBAGE", false),
        (0, "{\"hash\":\"00", false),
        (0, "x", false),
    ] {
        let whole = std::fs::read(&files[file]).expect("reads");
        std::fs::write(&files[file], [&whole, bytes.as_bytes()].concat()).expect("writes");
        assert_eq!(log.problems().is_empty(), good, "{file} {bytes}: {:?}", log.problems());
        std::fs::write(&files[file], whole).expect("writes");
    }
}

#[test]
fn a_month_under_a_later_months_name_is_found_and_a_clock_set_back_is_none() {
    let log = filled(4);
    // A clock that went back: an older event in the younger file.
    log.open().write(&event("2026-10-01T10:00:00Z", "r-9")).expect("writes");
    assert_eq!(log.problems(), Vec::<String>::new());
    let path = log.files().remove(1);
    std::fs::rename(&path, path.with_file_name("2027-03.jsonl")).expect("renames");
    assert_eq!(log.problems(), ["2027-03.jsonl: no event in it is of its month"]);
}

#[test]
fn what_somebody_wrote_behind_the_end_is_cut_off_and_told() {
    let log = filled(4);
    let path = log.files().remove(1);
    let whole = std::fs::read(&path).expect("reads");
    std::fs::write(&path, [&whole, b"garbage".as_slice()].concat()).expect("writes");
    drop(log.open());
    let told = events(&log.folder()).expect("reads");
    let last = told.last().expect("an event");
    assert_eq!(
        (last["action"].as_str(), last["reason"].as_str()),
        (Some("audit_end_cut_off"), Some("no line of ours"))
    );
    assert!(last["object"].as_str().is_some_and(|object| object.starts_with("7 bytes, sha256:")), "{last}");
    assert_eq!(log.problems(), Vec::<String>::new());
    drop(log.open());
    assert_eq!(events(&log.folder()).expect("reads").len(), told.len(), "once");
}

#[test]
fn behind_a_renewed_key_the_log_verifies_by_the_new_one_and_wholly_by_both() {
    let log = filled(4);
    let fresh = SigningKey::ephemeral().expect("key");
    let renewed = Event { action: "renew_secrets", ..event("2026-11-02T10:00:00Z", "pepper.key audit.key") };
    let write = |event: &Event<'_>| {
        let audit = Audit::open_keeping(log.dir.path(), fresh.clone(), log.keep()).expect("opens");
        audit.write(event).expect("writes");
    };
    write(&renewed);
    write(&event("2026-11-02T11:00:00Z", "r-2"));
    let by = |keys: &[VerifyingKey]| {
        verify_by(&log.folder(), keys, Some(&log.anchors()), &Known::default()).expect("reads")
    };
    let (old, new) = (log.key.public(), fresh.public());
    let report = by(std::slice::from_ref(&new));
    assert_eq!((report.range, &report.problems), (Some((1, 6)), &vec![]));
    assert!(report.notes.len() == 1 && report.notes[0].starts_with("1 to 4 are signed by an earlier key"));
    let report = by(&[old.clone(), new.clone()]);
    assert_eq!((report.problems, report.notes), (vec![], vec![]));
    let report = by(std::slice::from_ref(&old));
    assert!(
        report.problems.iter().any(|p| p.contains("events of 5 to 6: 5 says that it was renewed")),
        "{report:?}"
    );
    assert!(!report.problems.iter().any(|p| p.starts_with("cut")), "{report:?}");
    // What stands before the renewal is chained to it: a change, a cut and another log in its place are found.
    let first = log.files().remove(0);
    let whole = lines(&first);
    rewrite(&first, &whole[1..]);
    assert!(by(std::slice::from_ref(&new)).problems.iter().any(|p| p.starts_with("cut: ")));
    let mut changed = whole.clone();
    changed[0] = changed[0].replace("ann", "bob");
    rewrite(&first, &changed);
    assert!(!by(std::slice::from_ref(&new)).problems.is_empty());
    let other = Log::new();
    let audit = other.open();
    for time in
        ["2026-10-31T10:00:00Z", "2026-10-31T10:00:00Z", "2026-11-01T10:00:00Z", "2026-11-01T10:00:00Z"]
    {
        audit.write(&event(time, "r-9")).expect("writes");
    }
    std::fs::copy(other.files().remove(0), &first).expect("copies");
    let second = log.files().remove(1);
    let kept = lines(&second);
    let mut forged = lines(&other.files().remove(1));
    forged.extend_from_slice(&kept[2..]);
    rewrite(&second, &forged);
    let told = by(std::slice::from_ref(&new)).problems;
    assert!(told.iter().any(|p| p.contains("does not follow")), "{told:?}");
    assert!(told.iter().any(|p| p.contains("not signed by this key")), "{told:?}");
}

#[test]
fn a_head_that_can_t_be_written_takes_its_line_back() {
    let log = filled(2);
    let audit = log.open();
    audit.write(&event("2026-11-01T11:00:00Z", "r-1")).expect("writes");
    let before = std::fs::read(log.files().remove(1)).expect("reads");
    let fresh = log.folder().join("head.new");
    std::fs::create_dir(&fresh).expect("makes");
    assert!(audit.write(&event("2026-11-01T12:00:00Z", "r-2")).is_err());
    // Of a month that nothing was written of before, too.
    assert!(audit.write(&event("2026-12-01T12:00:00Z", "r-2")).is_err());
    assert_eq!(std::fs::read(log.files().remove(1)).expect("reads"), before, "nobody did it");
    assert_eq!(log.problems(), Vec::<String>::new());
    std::fs::remove_dir(&fresh).expect("removes");
    audit.write(&event("2026-11-01T13:00:00Z", "r-3")).expect("writes");
    assert_eq!(log.problems(), Vec::<String>::new());
    assert_eq!(verify(&log.folder(), &log.key.public(), None).expect("reads").range, Some((1, 4)));
}

#[test]
fn an_anchor_file_that_can_t_be_written_is_counted_until_it_can() {
    let log = Log::new();
    let gone = log.dir.path().join("gone");
    let keep = Keep { anchor_file: Some(gone.join("anchors.jsonl")), ..log.keep() };
    let audit = Audit::open_keeping(log.dir.path(), log.key.clone(), keep).expect("opens");
    audit.write(&event("2026-11-01T10:00:00Z", "r-1")).expect("writes");
    assert_eq!((audit.anchor_failures(), audit.is_anchor_failing()), (1, true));
    std::fs::create_dir(&gone).expect("makes");
    audit.write(&event("2026-11-01T11:00:00Z", "r-1")).expect("writes");
    assert_eq!((audit.anchor_failures(), audit.is_anchor_failing()), (1, false));
}

#[test]
fn a_log_that_is_shorter_or_another_than_known_is_not_signed_anew() {
    let log = filled(10);
    let (head, path) = (log.folder().join("head.json"), log.files().remove(1));
    let known = log.open().known();
    let (whole, good) = (lines(&path), std::fs::read(&head).expect("reads"));
    let repaired = |known: &Known| repair(log.dir.path(), log.key.clone(), None, known);
    // As long as the same log once more, and each event signed by its own key: the gateway itself went on behind a cut.
    rewrite(&path, &whole[..4]);
    std::fs::remove_file(&head).expect("removes");
    assert!(
        matches!(repaired(&known), Err(RepairError::Wrong(p)) if p == ["cut: the gateway knew 10 events, the log ends at 9"])
    );
    assert!(!head.exists());
    repaired(&Known::default()).expect("nobody knows better");
    let verified = |known: &Known| verify_by(&log.folder(), &[log.key.public()], None, known).expect("reads");
    let report = verified(&known);
    assert_eq!(report.problems, ["replaced: the gateway knew another event 10 than the log has"]);
    assert!(
        report.told[0].starts_with("10 says that the head was lost, and signed anew behind 9"),
        "{report:?}"
    );
    assert_eq!(verified(&Known { seq: 10, hash: None }).problems, Vec::<String>::new(), "a number alone");
    // With the head there, too; and nothing is written behind it.
    for at in [10, 11] {
        assert!(matches!(repaired(&known), Err(RepairError::Wrong(_))), "{at}");
        let audit = log.open();
        assert_eq!(audit.expect(&known), Err(AuditError::Broken), "{at}");
        assert_eq!(audit.write(&event("2026-11-02T10:00:00Z", "r-3")), Err(AuditError::Broken));
        drop(audit);
        log.open().write(&event("2026-11-02T10:00:00Z", "r-3")).expect("by whom nothing was told");
    }
    // What was known stands there: others wrote behind it.
    rewrite(&path, &whole);
    log.files().drain(2..).for_each(|later| std::fs::remove_file(later).expect("removes"));
    std::fs::write(&head, good).expect("writes");
    log.open().write(&event("2026-11-02T10:00:00Z", "r-3")).expect("writes");
    log.open().expect(&known).expect("is there");
    assert!(matches!(repaired(&known), Ok(Repaired::Nothing)));
}

#[test]
fn a_loss_that_is_accepted_is_told_whether_the_head_is_there_or_not() {
    for (is_cut, keeps_head) in [(true, true), (true, false), (false, false), (false, true)] {
        let log = filled(10);
        let known = log.open().known();
        let (head, path) = (log.folder().join("head.json"), log.files().remove(1));
        if is_cut {
            rewrite(&path, &lines(&path)[..2]);
        }
        if !keeps_head {
            std::fs::remove_file(&head).expect("removes");
        }
        let done = accept_loss(log.dir.path(), log.key.clone(), None, &known).expect("goes on");
        let report = verify_by(&log.folder(), &[log.key.public()], None, &Known::default()).expect("reads");
        assert_eq!(report.problems, Vec::<String>::new(), "{is_cut} {keeps_head}");
        match (is_cut, done) {
            (true, Repaired::Loss(lost, end)) => {
                assert_eq!((lost.as_str(), end.seq), ("8 to 10", 8));
                assert!(report.told[0].contains("events were lost") && report.told[0].ends_with("8 to 10"));
            }
            (false, Repaired::Head(10, _)) => assert!(!keeps_head),
            (false, Repaired::Nothing) => assert!(keeps_head),
            other => panic!("{other:?}"),
        }
        log.open().write(&event("2026-12-02T10:00:00Z", "r-3")).expect("goes on");
    }
    // Another log in its place, of which nobody can tell where it begins to be one.
    let (log, other) = (filled(10), filled(12));
    let known = other.open().known();
    log.open().write(&event("2026-11-02T10:00:00Z", "r-3")).expect("writes");
    log.open().write(&event("2026-11-02T10:00:00Z", "r-3")).expect("writes");
    let done = accept_loss(log.dir.path(), log.key.clone(), None, &known).expect("goes on");
    assert!(
        matches!(&done, Repaired::Loss(lost, _) if lost == "12 to 12, in whose place others stand"),
        "{done:?}"
    );
    // What doesn't verify by itself is not gone on with.
    let path = log.files().remove(1);
    rewrite(&path, &lines(&path)[1..]);
    assert!(matches!(accept_loss(log.dir.path(), log.key.clone(), None, &known), Err(RepairError::Wrong(_))));
}

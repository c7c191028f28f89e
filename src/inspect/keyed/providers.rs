//! Records of providers in a text: what stands beside an NPI of its own key is the provider's, as it is in an object. Fields
//! in brackets or on one line (`ProviderDto{npi='…', lastName='…'}`), lines of one section (`[provider]`, `provider:`),
//! rows of a table of providers, entries of a directory of staff (LDIF), and whom a configuration names for its contacts.
//!
//! - In doubt: an individual's. A record with a birth date, a record number or a word for an individual stays one, and so
//!   does what stands in another line, section, statement or row.
//! - Cost: asked only of texts in which something was found.

use super::rows;
use crate::inspect::kind::Kind;
use crate::inspect::names::{self, words::Cue};
use crate::inspect::rules::RuleSet;
use crate::inspect::text::Hit;
use crate::inspect::walk::{is_a_private_mailbox, is_a_role_of_staff};
use std::ops::Range;

/// Takes out what was found in records of providers.
pub(in crate::inspect) fn leave(text: &str, hits: &mut Vec<Hit>, rules: &RuleSet) {
    if !hits.iter().any(|hit| is_a_providers(hit.kind)) {
        return;
    }
    let mut records = rows::of_providers(text, rules);
    let mut read = 0;
    for key in keys(text) {
        if key.start >= read {
            let record = record(text, &key);
            read = record.end;
            records.push(record);
        }
    }
    records.extend(entries(text));
    records.extend(contacts(text, rules));
    records.retain(|record| !tells_of_an_individual(text, record, hits, rules));
    if !records.is_empty() {
        let theirs = |hit: &Hit| records.iter().any(|r| r.start <= hit.span.start && hit.span.end <= r.end);
        hits.retain(|hit| !is_a_providers(hit.kind) || !theirs(hit));
    }
}

/// What a provider has, too.
const fn is_a_providers(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::FullName
            | Kind::FamilyName
            | Kind::GivenName
            | Kind::Street
            | Kind::City
            | Kind::Zip
            | Kind::Phone
            | Kind::Fax
            | Kind::Email
            | Kind::DriverLicence
            | Kind::OtherId
    )
}

/// Whether something in a record is an individual's alone.
fn tells_of_an_individual(text: &str, record: &Range<usize>, hits: &[Hit], rules: &RuleSet) -> bool {
    let is_his = |hit: &Hit| {
        !is_a_providers(hit.kind)
            && !matches!(hit.kind, Kind::Provider | Kind::Facility | Kind::Url | Kind::Ip | Kind::ServiceDate)
    };
    let inside = |hit: &&Hit| record.start <= hit.span.start && hit.span.end <= record.end;
    let inside = hits.iter().filter(inside);
    let words = text.get(record.clone()).unwrap_or_default().split(|c: char| !c.is_alphanumeric());
    let says = |word: &str| {
        let word = word.to_lowercase();
        // Specialties, streets and states are clinical words, too.
        let clinical = word.len() > STATE_BYTES_MAX
            && rules.words.is_clinical(&word)
            && !word.ends_with("logy")
            && !PLACES.contains(&&*word);
        clinical
            || rules.words.telling.contains(&word)
            || rules.words.is_individual(&word)
            || INDIVIDUALS.iter().any(|front| word.starts_with(front))
    };
    inside.into_iter().any(is_his) || words.filter(|word| word.len() > 1).any(says)
}

/// The keys of an NPI that stands behind them.
fn keys(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let bytes = text.as_bytes();
    let is_npi =
        |at: &usize| bytes.get(*at..at + NPI.len()).is_some_and(|three| three.eq_ignore_ascii_case(NPI));
    memchr::memchr2_iter(b'n', b'N', bytes).filter(is_npi).filter_map(move |at| {
        let is_part = |b: &&u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
        let start = at - bytes.get(..at)?.iter().rev().take(KEY_BYTES_MAX).take_while(is_part).count();
        let end = at + bytes.get(at..)?.iter().take(KEY_BYTES_MAX).take_while(is_part).count();
        let key: String = text.get(start..end)?.chars().filter(char::is_ascii_alphanumeric).collect();
        let key = key.to_ascii_lowercase();
        let behind = text.get(end..)?.trim_start_matches([' ', '\t', '"', '\'', '`', ']', '\\']);
        let value = behind.strip_prefix(['=', ':', '|'])?;
        let value = value.trim_start_matches([' ', '\t', '"', '\'', '`', '>', '=', '\\']);
        let length = value.bytes().take_while(u8::is_ascii_digit).count();
        // Made-up ones have seldom the right check digit: their form is asked for, as in objects.
        let is_npi = length == 10 && value.starts_with(['1', '2']);
        (is_npi && KEYS.contains(&&*key)).then_some(start..end)
    })
}

/// Entries of a directory in LDIF (RFC 2849) whose place or whose attributes say that they are of those who work there.
fn entries(text: &str) -> Vec<Range<usize>> {
    let begins =
        |at: &usize| at.checked_sub(1).is_none_or(|before| text.as_bytes().get(before) == Some(&b'\n'));
    let mut starts = text.match_indices(ENTRY).map(|(at, _)| at).filter(begins).peekable();
    let mut found = Vec::new();
    while let Some(at) = starts.next() {
        let entry = text.get(at..starts.peek().copied().unwrap_or(text.len())).unwrap_or_default();
        let entry = entry.split("\n\n").next().unwrap_or_default();
        let entry = entry.split("\n\r\n").next().unwrap_or_default();
        let mut lines = entry.lines();
        let name = lines.next().unwrap_or_default().to_ascii_lowercase();
        let is_staffs =
            |unit: &str| unit.strip_prefix("ou=").is_some_and(|unit| STAFF_UNITS.contains(&unit.trim()));
        let attribute = |line: &str| line.split_once(':').map_or("", |(key, _)| key).to_ascii_lowercase();
        // A title (RFC 4519) that is of who gives care or works there.
        let title = |line: &str| {
            line.split_once(": ").is_some_and(|(key, title)| {
                key.eq_ignore_ascii_case("title") && is_a_role_of_staff(title.trim())
            })
        };
        let works = name.split(',').map(str::trim).any(is_staffs)
            || lines.any(|line| STAFF_ATTRIBUTES.contains(&&*attribute(line)) || title(line));
        if works && !is_a_private_mailbox(entry) {
            found.push(at..at + entry.len());
        }
    }
    found
}

/// Sections of a configuration that say whom to ask by their name and by the role of who is named: `[contacts]`, `analyst=…`.
fn contacts(text: &str, rules: &RuleSet) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut starts = text.match_indices('[').map(|(at, _)| at).peekable();
    while let Some(at) = starts.next() {
        let begins = at == 0 || text.as_bytes().get(at - 1) == Some(&b'\n');
        let near = names::window_after(text, at + 1, SECTION_BYTES_MAX);
        let head = near.split_once(']').map_or("", |(head, _)| head);
        if !begins || !CONTACT_SECTIONS.iter().any(|own| head.eq_ignore_ascii_case(own)) {
            continue;
        }
        let section = text.get(at..starts.peek().copied().unwrap_or(text.len())).unwrap_or_default();
        let names_a_role = section.lines().any(|line| {
            let key = line.split('=').next().unwrap_or_default().trim().to_lowercase();
            matches!(rules.words.cue(&format!("{key}: ")), Some(Cue::Provider | Cue::Staff))
        });
        if names_a_role && !is_a_private_mailbox(section) {
            found.push(at..at + section.len());
        }
    }
    found
}

/// What is told together with a key: in its brackets, else on its line, else in the lines of its section.
fn record(text: &str, key: &Range<usize>) -> Range<usize> {
    let bytes = text.as_bytes();
    let start = bytes.get(..key.start).and_then(|b| memchr::memrchr(b'\n', b)).map_or(0, |at| at + 1);
    let end =
        bytes.get(key.start..).and_then(|b| memchr::memchr(b'\n', b)).map_or(text.len(), |at| key.start + at);
    let line = start..end;
    let before = bytes.get(line.start..key.start).unwrap_or_default();
    let mut depth = 0_usize;
    let open = before.iter().rposition(|b| match b {
        b'}' | b')' => {
            depth += 1;
            false
        }
        b'{' | b'(' if depth > 0 => {
            depth -= 1;
            false
        }
        b'{' | b'(' => true,
        _ => false,
    });
    if let Some(open) = open {
        let open = line.start + open;
        return open..closed(bytes, open, line.end);
    }
    let fields =
        text.get(line.clone()).unwrap_or_default().bytes().filter(|b| matches!(b, b'=' | b':' | b'|'));
    if fields.take(2).count() < 2 {
        return section(text, line);
    }
    // A statement of several.
    let from = bytes
        .get(line.start..key.start)
        .and_then(|b| memchr::memrchr(b';', b))
        .map_or(line.start, |at| line.start + at + 1);
    let to = bytes
        .get(key.end..line.end)
        .and_then(|b| memchr::memchr(b';', b))
        .map_or(line.end, |at| key.end + at);
    from..to
}

/// Where the bracket at `open` is closed, or `end`.
fn closed(bytes: &[u8], open: usize, end: usize) -> usize {
    let mut depth = 0_usize;
    for (at, b) in bytes.iter().enumerate().take(end).skip(open) {
        match b {
            b'{' | b'(' => depth += 1,
            b'}' | b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    end
}

/// The lines around one that are no less indented, up to a heading or to a key that was there already.
fn section(text: &str, line: Range<usize>) -> Range<usize> {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let first = text.get(line.clone()).unwrap_or_default();
    let own = indent(first);
    let mut seen = vec![key_of(first)];
    let mut goes_on = |line: &str| {
        let body = line.trim();
        let is_bar = body.is_empty() || body.starts_with(['[', '-', '#', '<', '}', '{']);
        if is_bar || indent(line) < own || indent(line) == own && !body.contains(['=', ':', '|']) {
            return false;
        }
        let key = key_of(line);
        let known = indent(line) == own && seen.contains(&key);
        seen.push(key);
        !known
    };
    let Range { mut start, mut end } = line;
    while !first.trim_start().starts_with('-')
        && let Some(above) = text.get(..start.saturating_sub(1)).filter(|_| start > 0)
        && let Some(line) = above.rsplit('\n').next()
        && goes_on(line)
    {
        start -= line.len() + 1;
    }
    while let Some(below) = text.get(end + 1..)
        && let Some(line) = below.split('\n').next()
        && goes_on(line)
    {
        end += line.len() + 1;
    }
    start..end
}

fn key_of(line: &str) -> String {
    let key = line.split(['=', ':', '|']).next().unwrap_or_default();
    key.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Shorter words of clinical content stand in addresses.
const STATE_BYTES_MAX: usize = 3;
const PLACES: &[&str] = &["clinic", "health", "hospital", "medical", "medicine", "surgery"];
const NPI: &[u8] = b"npi";
/// Keys of an NPI that is the record's own: not `attending_npi`, who stands in somebody else's.
const KEYS: &[&str] = &["npi", "npinumber", "npino", "npinbr", "providernpi", "provnpi"];
const KEY_BYTES_MAX: usize = 32;
/// How words of an individual's fields begin.
const INDIVIDUALS: &[&str] = &[
    "patient",
    "member",
    "subscriber",
    "mrn",
    "dob",
    "birth",
    "insured",
    "beneficiar",
    "enrollee",
    "guarantor",
    "diagnos",
    "admit",
    "admission",
    "visit",
    "dx",
    "icd",
    "reason",
    "complaint",
    "allerg",
    "medication",
    "encounter",
    "appointment",
    "referral",
];

/// How an entry of a directory begins.
const ENTRY: &str = "dn: ";
/// Units of a directory, and attributes (RFC 2798), of those who work there.
const STAFF_UNITS: &[&str] = &[
    "admins",
    "clinicians",
    "contractors",
    "employees",
    "engineering",
    "hr",
    "it",
    "nurses",
    "nursing",
    "pharmacists",
    "physicians",
    "providers",
    "staff",
    "workforce",
];
/// The longest of them, and its bracket.
const SECTION_BYTES_MAX: usize = 16;
/// Sections that say whom to ask about a system.
const CONTACT_SECTIONS: &[&str] = &["contact", "contacts", "on-call", "oncall", "owner", "owners", "support"];
const STAFF_ATTRIBUTES: &[&str] = &["department", "departmentnumber", "employeenumber", "employeetype"];

#[cfg(test)]
mod tests {
    use crate::inspect::rules::RuleSet;
    use crate::inspect::text::scan;

    fn points(text: &str) -> u16 {
        scan(text, "", RuleSet::built_in()).iter().map(|hit| hit.points.0).sum()
    }

    const REST: &str = "lastName='Rutherford', firstName='Nikhil', officePhone='(360) 748-2291', email='nikhil.rutherford@cascadeortho.org'";

    #[test]
    fn a_record_with_an_npi_of_its_own_is_a_providers() {
        for text in [
            &format!("DEBUG ProviderDto{{npi='1093817465', {REST}}}"),
            &format!("level=info npi='1093817465' {REST}"),
            "provider:\n  name: {first: Nikhil, last: \"Rutherford\"}\n  npi: \"1093817465\"\n  contact:\n    office_phone: \"360-748-2291\"\n    address: |\n      4100 Commerce Blvd",
            "[provider]\nspecialty = \"Nephrology\"\naddress1 = \"3180 Medical Center Pkwy\"\nstate = \"CT\"\nnpi = \"1093817465\"\nlast_name = \"Rutherford\"\nfirst_name = \"Nikhil\"\nphone = \"360-748-2291\"\nemail = \"nr@cascadeortho.org\"",
            "INSERT INTO providers (npi, last_name, first_name, phone, email) VALUES ('1093817465','Rutherford','Nikhil','360-748-2291','nr@cascadeortho.org');",
            "dn: uid=nr,ou=staff,dc=cascade,dc=org\nobjectClass: inetOrgPerson\ncn: Nikhil Rutherford\nsn: Rutherford\ngivenName: Nikhil\nmail: nr@cascadeortho.org\ntelephoneNumber: +1 360 748 2291",
            "dn: uid=nr,ou=people,dc=cascade,dc=org\ncn: Nikhil Rutherford\nsn: Rutherford\nmail: nr@cascadeortho.org\nemployeeNumber: 8821",
            "dn: uid=nr,ou=people,dc=cascade,dc=org\ncn: Nikhil Rutherford\ntitle: NP\ntelephoneNumber: 360-748-2291\nmail: nr@cascadeortho.org",
            "[mirth]\nport=6661\n[contacts]\nanalyst=Nikhil Rutherford\nphone=360-748-2291\nemail=nr@cascadeortho.org",
            "UPDATE provider SET last_name = 'Rutherford', phone = '360-748-2291', email = 'nr@cascadeortho.org' WHERE npi = '1093817465';",
        ] {
            assert_eq!(points(text), 0, "{text}");
        }
    }

    #[test]
    fn what_stands_beside_a_providers_record_stays() {
        for text in [
            // An individual's own fields, or another's NPI.
            &format!("Dto{{npi='1093817465', {REST}, dob='1974-03-09'}}"),
            &format!("Dto{{npi='1093817465', {REST}, patientId='8834127'}}"),
            &format!("Dto{{npi='1093817465', {REST}, reason='follow up'}}"),
            &format!("Dto{{npi='1093817465', {REST}, note='chest pain'}}"),
            &format!("Dto{{attendingNpi='1093817465', {REST}}}"),
            &format!("Dto{{npi='3093817465', {REST}}}"),
            "dn: uid=nr,ou=people,dc=cascade,dc=org\ncn: Nikhil Rutherford\nsn: Rutherford\nmail: nr@cascadeortho.org",
            "dn: uid=nr,ou=staff,dc=cascade,dc=org\ncn: Nikhil Rutherford\nsn: Rutherford\nmail: nikhil.rutherford@gmail.com",
            "dn: uid=nr,ou=patients,dc=cascade,dc=org\ncn: Nikhil Rutherford\nmail: nr@cascadeortho.org\nemployeeNumber: 8821",
            "dn: uid=nr,ou=people,dc=cascade,dc=org\ncn: Nikhil Rutherford\ntitle: Mr\nmail: nr@cascadeortho.org",
            "[contacts]\nname=Nikhil Rutherford\nphone=360-748-2291\nemail=nr@cascadeortho.org",
            "[contacts]\nanalyst=Nikhil Rutherford\nphone=360-748-2291\nemail=nikhil.rutherford@gmail.com",
            "[contacts]\nnurse=Nadia Brandt\nmother=Nikhil Rutherford\nphone=360-748-2291\npatient=8",
            // Another bracket, line, section, item, statement or table.
            &format!("Dto{{provider=(npi='1093817465'), {REST}}}"),
            &format!("level=info npi='1093817465' msg=ok\nlevel=info {REST}"),
            "[provider]\nnpi = \"1093817465\"\n[other]\nlast_name = \"Rutherford\"\nfirst_name = \"Nikhil\"\nphone = \"360-748-2291\"",
            "provider:\n  npi: \"1093817465\"\nother:\n  last_name: Rutherford\n  first_name: Nikhil\n  phone: \"360-748-2291\"",
            "- npi: \"1093817465\"\n  city: Hilo\n- last_name: Rutherford\n  first_name: Nikhil\n  phone: \"360-748-2291\"",
            "SELECT 1 WHERE npi = '1093817465'; UPDATE x SET last_name = 'Rutherford', first_name = 'Nikhil', phone = '360-748-2291'",
            "INSERT INTO provider_visits (npi, last_name, first_name, phone) VALUES ('1093817465','Rutherford','Nikhil','360-748-2291');",
            "INSERT INTO providers (npi, last_name, first_name, phone, mrn) VALUES ('1093817465','Rutherford','Nikhil','360-748-2291','8834127');",
        ] {
            assert!(points(text) > 0, "{text}");
        }
    }
}

//! The rows against the field map, and the walker against a reference on published samples.

use super::*;

#[test]
fn every_row_of_the_field_map_is_carried_out() {
    let Some(path) = shared("formats/phi-field-map.toml") else { return };
    let map: toml::Table = toml::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let rows = map["format"]["x12"]["field"].as_array().unwrap();
    let ours = FieldTable::parse(ROWS).unwrap();
    assert_eq!(rows.len(), 39);
    for row in rows {
        let path = row["path"].as_str().unwrap();
        let carried: Vec<_> = ours.field.iter().filter(|field| field.row == path).collect();
        assert!(!carried.is_empty(), "no row for {path}");
        let agrees = carried.iter().any(|field| {
            field.kind.as_str() == row["kind"].as_str().unwrap()
                && i64::from(field.points.0) == row["weight"].as_integer().unwrap()
                && format!("{:?}", field.whose).to_lowercase() == row["who"].as_str().unwrap()
                && format!("{:?}", field.redact).to_lowercase() == row["redact"].as_str().unwrap()
        });
        assert!(agrees, "no row for {path} says what it says");
        // The codes that a row of the map names are those of our rows for it.
        for (segment, codes) in codes(path) {
            let element = format!("{segment}-0");
            for code in codes {
                let has = |field: &&&crate::inspect::field::Field| {
                    field.at.iter().any(|at| at.starts_with(&element)) && field.when.types.contains(&code)
                };
                assert!(carried.iter().find(has).is_some(), "{path}: {code}");
            }
        }
    }
    for field in ours.field.iter().filter(|field| !field.row.starts_with("Beyond the map: ")) {
        assert!(rows.iter().any(|row| row["path"].as_str() == Some(&field.row)), "{} names no row", field.id);
    }
}

/// `REF*F8, *D9` names REF with F8 and D9; what comes after another row's segment (`after NM1*IL`) is no code of it.
fn codes(path: &str) -> Vec<(&'static str, Vec<String>)> {
    ["NM1", "REF"]
        .into_iter()
        .filter(|segment| path.starts_with(&format!("{segment}*")))
        .map(|segment| {
            let listed =
                path.split('(').next().unwrap().split(',').filter_map(|word| word.trim().split_once('*'));
            let code = |(_, rest): (&str, &str)| {
                rest.chars().take_while(char::is_ascii_alphanumeric).collect::<String>()
            };
            // A number's rows ask by NM108 instead.
            let by_number = path.contains("-09 (");
            (segment, if by_number { Vec::new() } else { listed.map(code).collect() })
        })
        .collect()
}

#[test]
fn rule_ids_are_distinct() {
    let mut ids: Vec<_> = FieldTable::parse(ROWS).unwrap().field.into_iter().map(|field| field.id).collect();
    let all = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), all);
}

#[test]
fn a_row_at_no_place_or_of_nobody_is_refused() {
    for at in ["NM1", "NM1-0", "NM1-00", "NM1-3", "NM1-x", "QQ9-01", "NM1-99", "NM1-03.0", "NM1-03.x"] {
        let mut rows = FieldTable::parse(ROWS).unwrap();
        rows.field[0].at = vec![at.to_owned()];
        assert!(Table::new(&rows).is_err(), "{at}");
    }
    let mut rows = FieldTable::parse(ROWS).unwrap();
    rows.field[0].when.reference = vec!["somebody".to_owned()];
    assert!(Table::new(&rows).is_err());
    let mut rows = FieldTable::parse(ROWS).unwrap();
    rows.field[0].reads = "date".to_owned();
    assert!(Table::new(&rows).is_err());
}

#[test]
fn agrees_with_the_reference_on_all_samples() {
    let table = table();
    let known = |id: &str| table.knows(id) && id.bytes().all(|c| !c.is_ascii_lowercase());
    let composite = |id: &str, element: usize| {
        grammar::segments().find(|(name, ..)| *name == id).is_some_and(|(_, elements, rest)| {
            elements.get(element - 1).copied().unwrap_or(rest).is_composite()
        })
    };
    let (mut files, mut leaves) = (0, 0);
    for (name, doc) in samples() {
        assert!(recognise(&doc), "{name}");
        let (listener, end) = told(&doc);
        assert_eq!(end, Ok(()), "{name}");
        let mut ours: Vec<_> = listener.leaves.iter().map(|l| (l.place.clone(), l.value.clone())).collect();
        let mut theirs = reference::leaves(&doc, &known, &composite);
        ours.sort();
        theirs.sort();
        assert_eq!(ours, theirs, "{name}");
        let marks = separators(&doc).unwrap();
        let marks =
            [marks.element, marks.terminator, marks.component.unwrap_or(0), marks.repetition.unwrap_or(0)];
        for leaf in &listener.leaves {
            assert_eq!(
                reference::value(&doc[leaf.span.clone()], &marks),
                leaf.value,
                "{name} {}",
                leaf.place
            );
        }
        files += 1;
        leaves += ours.len();
    }
    assert!(files == 0 || (files > 140 && leaves > 12_000), "{files} files, {leaves} leaves");
}

#[test]
fn leaves_don_t_overlap_and_no_prefix_panics() {
    let table = table();
    for (name, doc) in samples() {
        let (listener, _) = told(&doc);
        let mut spans: Vec<_> = listener.leaves.iter().map(|leaf| leaf.span.clone()).collect();
        spans.sort_by_key(|span| span.start);
        assert!(spans.windows(2).all(|pair| pair[0].end <= pair[1].start), "{name}");
    }
    for (name, doc) in samples().into_iter().step_by(7) {
        for end in 0..doc.len() {
            let mut listener = Listener::default();
            let cut = walk(&doc[..end], &table, &mut listener);
            let whole = doc[end..].iter().all(|c| matches!(c, b'\r' | b'\n' | b'~'));
            let closed = doc[..end].windows(3).any(|w| w == b"IEA");
            assert!(cut.is_err() || whole || closed, "{name} cut at {end}");
            for leaf in &listener.leaves {
                assert!(leaf.span.end <= end);
            }
        }
    }
}

#[test]
fn samples_with_patients_have_persons_and_the_others_pass() {
    let Some(manifest) = shared("samples/manifest.tsv") else { return };
    let manifest = fs::read_to_string(manifest).unwrap();
    let policy = crate::decide::Policy::of(crate::org::Flag::Development);
    let mut seen = 0;
    for (name, doc) in samples() {
        let key = format!("x12/{name}\t");
        let row = manifest.lines().find(|line| line.starts_with(&key)).unwrap();
        let found = inspect("application/edi-x12", &doc);
        let blocked = crate::decide::verdict(&found, &policy, &[]).reason;
        match row.split('\t').nth(2).unwrap() {
            "patient" => assert!(
                found.points().0 >= 50 || found.persons.iter().any(|p| p.made_up.is_some()),
                "{name}: {:?}",
                found.persons
            ),
            "none" | "provider-or-organisation" => assert_eq!(blocked, None, "{name}"),
            other => panic!("{name}: {other}"),
        }
        seen += 1;
    }
    assert!(seen > 140);
}

#[test]
fn no_mutation_of_a_sample_panics() {
    let table = table();
    let mut seed = 11_u32;
    let mut any = move |n: usize| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 8) as usize % n
    };
    for (name, doc) in samples().into_iter().step_by(2) {
        for _ in 0..60 {
            let mut doc = doc.clone();
            for _ in 0..1 + any(8) {
                let at = any(doc.len());
                match any(4) {
                    0 => doc[at] = b"*~:^?>|\r\n\xE9 BIN9"[any(15)],
                    1 if doc.len() > 1 => drop(doc.remove(at)),
                    2 => doc.insert(at, b"*~:^?"[any(5)]),
                    _ => doc.truncate(at.max(1)),
                }
            }
            let mut listener = Listener::default();
            let _ = walk(&doc, &table, &mut listener);
            assert!(listener.leaves.iter().all(|leaf| leaf.span.end <= doc.len()), "{name}");
        }
    }
}

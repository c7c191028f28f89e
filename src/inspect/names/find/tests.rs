use crate::inspect::rules::RuleSet;

fn found(text: &str, label: &str) -> Vec<(String, String)> {
    let rules = RuleSet::built_in();
    let mut hits = Vec::new();
    rules.names.find(text, label, &rules.words, &mut hits);
    hits.iter()
        .map(|h| (h.rule.trim_start_matches("text.name-").to_owned(), text[h.span.clone()].to_owned()))
        .collect()
}

fn of(text: &str) -> Vec<(String, String)> {
    found(text, "")
}

fn pair(rule: &str, name: &str) -> (String, String) {
    (rule.to_owned(), name.to_owned())
}

#[test]
fn cues_take_names_that_no_list_has() {
    assert_eq!(of("my name is Rubija Libersar"), [pair("cued", "Rubija Libersar")]);
    assert_eq!(of("I'm Abelardo Trevisano, from"), [pair("cued", "Abelardo Trevisano")]);
    assert_eq!(of("Thanks, Miguel333 Andersen458"), [pair("cued", "Miguel333 Andersen458")]);
}

#[test]
fn plain_words_behind_a_cue_have_to_be_names_too() {
    assert_eq!(of("CAN I SPEAK TO A REAL PERSON"), []);
    assert_eq!(of("patient Grace Church is here"), [pair("cued", "Grace Church")]);
}

#[test]
fn a_label_of_the_text_is_a_cue() {
    assert_eq!(found("Rubija Libersar", "name"), [pair("cued", "Rubija Libersar")]);
    assert_eq!(found("Rubija Libersar", "unit"), []);
}

#[test]
fn what_only_people_do_tells_a_name() {
    assert_eq!(of("Declan Okafor called to report dizziness"), [pair("likely", "Declan Okafor")]);
    assert_eq!(of("Priya may be reached"), [pair("given", "Priya")]);
    assert_eq!(of("Server may be reached"), []);
}

#[test]
fn the_head_of_an_address_is_a_name() {
    assert_eq!(of("Jarmila Fiedlerova\n\n009 Slovenceva 51"), [pair("on-record", "Jarmila Fiedlerova")]);
    assert_eq!(of("Jarmila Fiedlerova\n\nhello"), []);
}

#[test]
fn letters_that_english_has_not_tell_a_name() {
    assert_eq!(of("by Hafþór Smárason"), [pair("likely", "Hafþór Smárason")]);
    assert_eq!(of("in Sjögren syndrome"), []);
}

#[test]
fn headings_and_identifiers_are_no_names() {
    for text in [
        "SOCIAL WORK",
        "DISCHARGE SUMMARY",
        "PatientMatchService failed",
        "Patient.name is required",
        "New York City",
        "Glasgow Coma Scale",
        "Lewy body dementia",
        "Parkinson's disease",
        "Mercy General Hospital",
        "Grant Application Form",
        "West Virginia",
        "Foley catheter",
    ] {
        assert_eq!(of(text), [], "{text}");
    }
}

#[test]
fn words_near_that_speak_of_one_person_add_weight() {
    let rules = RuleSet::built_in();
    let points = |text: &str| {
        let mut hits = Vec::new();
        rules.names.find(text, "", &rules.words, &mut hits);
        hits.first().map(|h| h.points.0)
    };
    assert_eq!(points("by Harold Brown in print"), Some(40));
    assert_eq!(points("a 60-year-old, Harold Brown, seen"), Some(50));
}

#[test]
fn who_is_spoken_of_need_be_on_no_list() {
    for text in [
        "Left VM for Thandiwe Mokoena about her biopsy",
        "letter to Thandiwe Mokoena about her diabetes",
        "Referral to oncology for Thandiwe Mokoena: breast cancer",
        "Lab results of Thandiwe Mokoena: hemoglobin 7",
        "Hi Thandiwe Mokoena, your colonoscopy",
        "Summarize Thandiwe Mokoena's chart: diabetes",
        "Duplicate chart: Thandiwe Mokoena. Diabetes",
        "spoke w/ Thandiwe Mokoena today",
        "eligibility failed for *Thandiwe Mokoena* (born 1938-05-14)",
    ] {
        assert_eq!(of(text), [pair("cued", "Thandiwe Mokoena")], "{text}");
    }
    for text in [
        "Referral to oncology for Barbara Miller: chemo",
        "Barbara Miller's chart",
        "Lab results of Barbara Miller",
    ] {
        assert_eq!(of(text), [pair("cued", "Barbara Miller")], "{text}");
    }
    assert_eq!(of("a bed for Thandiwe Mokoena"), [pair("likely", "Thandiwe Mokoena")]);
}

#[test]
fn what_is_spoken_of_is_no_name() {
    for text in [
        "results of Merkel Cell carcinoma",
        "refill for Ozempic Pen",
        "transferred to Vandrosk Qeltor",
        "letter to Aetna Better Health",
        "her visit for Crohn Hirschsprung",
        "scan of Rua Diadema 1903",
        "moved from Pune Maharashtra",
        "results of Framingham Offspring Study for her",
    ] {
        assert_eq!(of(text), [], "{text}");
    }
}

#[test]
fn parts_under_labels_of_their_own_need_be_on_no_list() {
    for (text, family) in [
        ("first_name=Thandiwe last_name=Mokoena dob=1977-03-02", true),
        ("First Name: Thandiwe\nLast Name: Mokoena\nDate", true),
        ("patientFirstName: Thandiwe, patientLastName: Mokoena, dob", true),
        ("Surname=Mokoena\nForename=Thandiwe", true),
        ("first=Thandiwe last=Mokoena dob=1977", true),
        ("fname='Thandiwe' lname='Mokoena'", true),
        ("first: Thandiwe", false),
        ("providerFirstName: Thandiwe", false),
        ("Last: Thandiwe", false),
    ] {
        let mut found = of(text);
        found.sort();
        let both = [pair("cued-family", "Mokoena"), pair("cued-single", "Thandiwe")];
        assert_eq!(found, if family { &both[..] } else { &[] }, "{text}");
    }
    assert_eq!(of("First name: Required\nLast name: Missing"), []);
}

#[test]
fn layout_may_part_a_label_and_its_value() {
    for text in [
        "| Patient | **Zawadi Kimathi** |",
        "Patient | Zawadi Kimathi",
        "Patient [Zawadi Kimathi]",
        "Patient {Zawadi Kimathi}",
        "Name ........ Zawadi Kimathi",
        "Patient Name\nZawadi Kimathi\nDate of Birth",
    ] {
        assert_eq!(of(text), [pair("cued", "Zawadi Kimathi")], "{text}");
    }
    assert_eq!(of("ask the patient\nZawadi Kimathi"), []);
}

#[test]
fn forms_of_names_behind_a_label() {
    for (text, name) in [
        ("Patient: Anna \"Annie\" Kowalski DOB", "Anna \"Annie\" Kowalski"),
        ("Patient: Dr. Anna Kowalski DOB", "Anna Kowalski"),
        ("Pt: Kowalski,Anna DOB", "Kowalski,Anna"),
        ("Patient: Kowalski , Anna DOB", "Kowalski , Anna"),
        ("Patient: 김민준 DOB", "김민준"),
    ] {
        assert!(of(text).contains(&pair("cued", name)), "{text}: {:?}", of(text));
    }
    assert_eq!(of("Patient: Baby Girl Kowalski"), [pair("cued-single", "Kowalski")]);
    assert_eq!(of("Attending: Dr. Anna Kowalski"), []);
    assert_eq!(of("Client: Chrome/Firefox"), []);
}

#[test]
fn a_listed_name_with_its_number_is_on_record() {
    assert_eq!(of("Anna Kowalski called, cell 917-443-0682"), [pair("on-record", "Anna Kowalski")]);
    assert_eq!(of("Anna Kowalski called"), [pair("listed", "Anna Kowalski")]);
}

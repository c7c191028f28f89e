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

use super::*;
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
fn a_label_behind_a_labelled_name_is_no_organisation() {
    for text in [
        "PATIENT: DIMACULANGAN, LEILANI      HOSPITAL NO: 4471203",
        "PATIENT: DIMACULANGAN, LEILANI CLINIC NO: 4471203",
        "PATIENT: DIMACULANGAN, LEILANI Hospital # 4471203",
        "PATIENT: DIMACULANGAN, LEILANI   Clinic: North",
    ] {
        assert_eq!(of(text), [pair("cued", "DIMACULANGAN, LEILANI")], "{text}");
    }
    assert_eq!(of("Patient: Leilani Dimaculangan Hospital: North"), [pair("cued", "Leilani Dimaculangan")]);
    assert_eq!(of("Patient: Leilani Dimaculangan Hospital, North"), []);
}

#[test]
fn what_ails_somebody_behind_a_name_is_no_eponyms() {
    for text in [
        "Patient: Leilani Kowalski rash on trunk",
        "Patient Leilani Kowalski - fracture of hip",
        "Patient: Rubija Libersar stage IV",
    ] {
        assert_eq!(of(text).len(), 1, "{text}");
    }
    for text in [
        "Patient: Miller Fisher syndrome",
        "Patient: Leilani Kowalski Hospital",
        "Name: Rubija Libersar test",
    ] {
        assert_eq!(of(text), [], "{text}");
    }
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
    assert_eq!(of("Rubija Kowalski called to report dizziness"), [pair("likely", "Rubija Kowalski")]);
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
        "| Patient | **Rubija Libersar** |",
        "Patient | Rubija Libersar",
        "Patient [Rubija Libersar]",
        "Patient {Rubija Libersar}",
        "Name ........ Rubija Libersar",
        "Patient Name\nRubija Libersar\nDate of Birth",
    ] {
        assert_eq!(of(text), [pair("cued", "Rubija Libersar")], "{text}");
    }
    assert_eq!(of("ask the patient\nRubija Libersar"), []);
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

#[test]
fn labels_of_things_are_no_cues() {
    for text in [
        "drug_name=Qeltor Vandrosk",
        "Medication name: Qeltor Vandrosk",
        "| Test name | Qeltor Vandrosk |",
        "| Name | Lipid Panel |",
        "name: Folic Acid",
        "name: Depo Provera",
        "name: Candida Albicans",
        "name: Knee Arthroscopy",
        "name: Bell Palsy",
        "name: Iris Panel",
        "name: Green Bay",
        "name: Root Canal",
        "name: Vitamin D",
        "Specimen name: Synovial Fluid",
        "name=\"Pap Smear\"",
    ] {
        assert_eq!(of(text), [], "{text}");
    }
    for name in ["Grace Church", "Xiulan Long", "Mary Bell", "Dean Factor", "Rose Hill", "Qeltor Vandrosk"] {
        assert_eq!(of(&format!("name: {name}")), [pair("cued", name)], "{name}");
        assert_eq!(found(name, "name"), [pair("cued", name)], "{name}");
        assert_eq!(found(name, "test_name"), found(name, ""), "{name}");
    }
    assert_eq!(of("LIPID PANEL Name: Qeltor Vandrosk"), [pair("cued", "Qeltor Vandrosk")]);
    assert_eq!(of("Physician name: Qeltor Vandrosk"), []);
    for label in ["Bed", "Room", "Specimen", "Exam", "File", "Insurance", "Result"] {
        let text = format!("{label} name: Qeltor Vandrosk");
        assert_eq!(of(&text), [pair("cued", "Qeltor Vandrosk")], "{text}");
    }
}

#[test]
fn whoever_has_an_identifier_is_no_thing() {
    for name in ["Kit Harrow", "Harvey Milk", "Grass Vandrosk", "Soy Milk", "Qeltor Factor", "Candida Reyes"]
    {
        for behind in [
            ", DOB 04/02/1971",
            "\nDOB: 04/02/1971",
            "\nPhone: 253-443-0917",
            " 412-21-3456",
            " (MRN 4481902)",
        ] {
            let text = format!("Name: {name}{behind}");
            assert!(of(&text).iter().any(|(_, found)| found == name), "{text}: {:?}", of(&text));
        }
    }
    for text in ["Name: Soy Milk", "Name: Root Canal", "Name: Lipid Panel\nUnit: mg\nDOB: 1/2/1971"] {
        assert_eq!(of(text), [], "{text}");
    }
    for name in ["Kit Harrow", "Dean Factor", "Candida Reyes"] {
        assert_eq!(of(&format!("Name: {name}")), [pair("cued", name)], "{name}");
    }
    for label in ["Drug name", "test_name", "Physician name", "Facility Name"] {
        for behind in [", DOB 04/02/1971", " (MRN 4481902)", " SSN 412-21-3456", "; date of birth 04/02/1971"]
        {
            let text = format!("{label}: Qeltor Vandrosk{behind}");
            assert_eq!(of(&text), [pair("cued", "Qeltor Vandrosk")], "{text}");
        }
        let text = format!("{label}: Qeltor Vandrosk\nDOB: 04/02/1971");
        assert_eq!(of(&text), [], "{text}");
    }
}

#[test]
fn people_are_called_by_words_of_the_lists() {
    for name in [
        "Senna Ruiz",
        "Makena Lopez",
        "Mirena Ruiz",
        "Liletta Ruiz",
        "Kyleena Ruiz",
        "Evista Ruiz",
        "Chole Ruiz",
    ] {
        for text in [format!("Patient: {name}, DOB 04/02/1971"), format!("Pt {name} seen")] {
            assert_eq!(of(&text), [pair("cued", name)], "{text}");
        }
        assert!(!of(&format!("{name}, DOB 04/02/1971")).is_empty(), "{name}");
    }
    for text in [
        "Patient: June Miller",
        "Patient: Linda Ward\nDOB: 07/07/1960",
        "Name: April Garcia",
        "Patient: Ward, Linda",
        "Patient: Linda Cross",
    ] {
        assert!(of(text).iter().any(|(rule, _)| rule == "cued"), "{text}");
    }
    for name in ["Amir Dad", "Anita Student"] {
        let text = format!("Patient: {name}, DOB 04/02/1971");
        assert_eq!(of(&text), [pair("cued", name)], "{text}");
    }
    assert_eq!(of("Patient: Senna Tablets"), []);
    assert_eq!(of("Patient: Anna DOB, MRN 4481902"), [pair("cued-single", "Anna")]);
    assert_eq!(of("Dad called"), []);
}

#[test]
fn capitals_behind_a_colon_need_be_on_no_list() {
    for text in [
        "Patient: MBEKI THABO, phone",
        "PT: MBEKI THABO ID: 338201",
        "PATIENT NAME: MBEKI THABO DOB",
        "NAME: MBEKI THABO\nSEX: M",
        "Member: MBEKI THABO",
    ] {
        assert_eq!(of(text), [pair("cued", "MBEKI THABO")], "{text}");
    }
    for text in [
        "PATIENT MBEKI THABO",
        "PATIENT: MBEKI THABO PROTOCOLS REVISED",
        "TO: OUTREACH ATTENDEES",
        "PATIENT: HTN CKD",
        "NAME: LIPID PANEL",
    ] {
        assert_eq!(of(text), [], "{text}");
    }
}

#[test]
fn one_part_of_a_name_may_be_in_capitals() {
    for name in ["Maria ZZZTEST", "Maria VANDROSK", "VANDROSK Maria"] {
        assert_eq!(of(&format!("Patient: {name}, seen")), [pair("cued", name)], "{name}");
    }
    assert_eq!(of("Patient: Maria NSAIDS"), [pair("cued-single", "Maria")]);
    assert_eq!(of("seen by Maria VANDROSK"), [pair("given", "Maria")]);
}

#[test]
fn a_disease_behind_a_name_is_no_part_of_it() {
    for (text, evidence) in
        [("Patient Halvard Nystrom Down syndrome", "cued"), ("Harold Vandenberg Parkinson disease", "listed")]
    {
        let found = of(text);
        assert_eq!(found.first().map(|(rule, _)| rule.as_str()), Some(evidence), "{text}: {found:?}");
        assert!(
            !found.iter().any(|(_, name)| name.contains("Down") || name.contains("Parkinson")),
            "{found:?}"
        );
    }
    assert_eq!(of("Inmate Torrance Biggs, Hep C"), [pair("cued", "Torrance Biggs")]);
}

#[test]
fn an_initial_and_a_family_name_that_no_list_has() {
    assert_eq!(of("pt E. Falkenrath, seen"), [pair("cued-family", "E. Falkenrath")]);
    assert_eq!(of("pt E. Falkenrath, dob 01/01/1960"), [pair("on-record", "E. Falkenrath")]);
    assert_eq!(of("pt E. Coli, seen"), []);
    assert_eq!(of("by E. Falkenrath"), []);
}

#[test]
fn what_is_said_of_patients_makes_a_listed_name_one() {
    for said in [
        ", 46, has asthma",
        " (46) came",
        " tested positive for HIV",
        " c/o chest pain",
        " needs a refill of insulin",
        " has asthma",
        " died of sepsis",
    ] {
        let text = format!("Harold Vandenberg{said}");
        assert_eq!(of(&text), [pair("on-record", "Harold Vandenberg")], "{text}");
    }
    for said in [" has questions on the portal", ", 46, 233", " needs the spreadsheet", " (46)", " called"] {
        let text = format!("Harold Vandenberg{said}");
        assert_eq!(of(&text), [pair("listed", "Harold Vandenberg")], "{text}");
    }
}

#[test]
fn a_word_that_is_said_to_be_nobody_is_no_name_in_its_run() {
    let (words, lists) = (&RuleSet::built_in().words, Lists::built_in());
    let befores = ["", "Patient: ", "seen by ", "Dr. ", "my wife ", "the ", "name\n", "Drug name: ", "x, "];
    let known = ["Seen", "Hope", "Okafor", "BP", "Anna", "Ward", "J", "Senna", "Mbeki", "ANNA", "May"];
    let behinds =
        [" was", "", ". Then", ", DOB 1/2/1960", "'s pain", " called", " 142/88", " (MRN 12345678)"];
    let (mut nobody, mut somebody, mut names) = (0, 0, 0);
    for (before, own) in befores.iter().flat_map(|before| known.map(|own| (before, own))) {
        for (behind, label) in
            behinds.iter().flat_map(|behind| ["", "name", "code"].map(|label| (behind, label)))
        {
            let text = format!("{before}{own}{behind}");
            let Some(first) = word(&text, before.len(), lists).filter(|first| is_lone(&text, first)) else {
                continue;
            };
            let mut run = Vec::new();
            run_from(&text, first.clone(), lists, &mut run);
            assert_eq!(run.len(), 1, "{text}");
            let look = Look { text: &text, label, words, lists, run: &run };
            let is_name = look.at(0).1.is_some();
            names += usize::from(is_name);
            match look.is_nobody(&first) {
                true => nobody += 1,
                false => somebody += 1,
            }
            assert!(!is_name || !look.is_nobody(&first), "{text} as {label}");
        }
    }
    assert!(nobody > 200 && somebody > 200 && names > 100, "{nobody} {somebody} {names}");
}

#[test]
fn a_modality_and_a_unit_are_no_titles() {
    for text in [
        "MR LUMBAR SPINE WO CONTRAST",
        "MR Lumbar Spine WO Contrast",
        "MR BRAIN W WO",
        "MR KNEE RT",
        "MS ANTIBODY PANEL",
        "Duration: 2210.11 ms Billed Duration: 2211 ms",
    ] {
        assert_eq!(of(text), [], "{text}");
    }
}

#[test]
fn whoever_is_called_like_a_part_of_the_body_is_addressed() {
    assert_eq!(of("Mr. Hand"), [pair("titled", "Hand")]);
    assert_eq!(of("Mr Hand"), [pair("titled", "Hand")]);
    assert_eq!(of("MR HAND, DOB 04/02/1971"), [pair("titled", "HAND")]);
    assert_eq!(of("MR HEAD HAROLD").len(), 1);
    assert_eq!(of("MR LINDGREN"), [pair("titled", "LINDGREN")]);
    assert_eq!(of("bed 4 ms Alvarez"), [pair("titled", "Alvarez")]);
}

#[test]
fn staff_are_nobody_behind_a_label_and_without_a_number_on_record() {
    assert_eq!(of("Scheduler: Qeltor Vandrosk"), []);
    assert_eq!(of("assignedTo: Harold Brown"), []);
    assert_eq!(of("Scheduler: Qeltor Vandrosk, DOB 04/02/1971"), [pair("cued", "Qeltor Vandrosk")]);
    assert_eq!(of("the scheduler Harold Brown"), [pair("listed", "Harold Brown")]);
    assert_eq!(found("Rutherford", "Provider last name"), []);
    assert_eq!(found("Rutherford", "Patient last name"), [pair("cued-family", "Rutherford")]);
    assert_eq!(of("Harper Lee Family Practice"), []);
    assert_eq!(of("Harper Lee Family history").len(), 1);
}

#[test]
fn words_of_the_language_are_names_behind_a_cue_of_a_patient() {
    for name in
        ["Sunday Okafor", "Monday Eze", "Precious Sunday", "Kim Do", "Do Van Minh", "Bin Li", "Nil Patel"]
    {
        assert_eq!(of(&format!("Patient: {name}, gout")), [pair("cued", name)], "{name}");
    }
    assert_eq!(of("Mr. Sunday Okafor called"), [pair("cued", "Sunday Okafor")]);
    assert_eq!(of("Mr. Bin Saleh called"), [pair("cued", "Bin Saleh")]);
    assert_eq!(of("Patient: Khalid Bin Saleh, gout"), [pair("cued", "Khalid Bin Saleh")]);
    assert_eq!(of("Patient: Jan Van Der Berg, gout"), [pair("cued", "Jan Van Der Berg")]);
    for other in [
        "Patient: Monday Clinic",
        "Nil Patel",
        "Patient: Nil Patel works",
        "Patient: Saw Patel",
        "the Recycling Bin",
    ] {
        assert!(!of(other).iter().any(|(rule, _)| rule == "cued"), "{other}");
    }
    assert_eq!(of("Patient: seen by Kim DO"), []);
}

#[test]
fn names_of_two_plain_words_are_told_by_what_is_said_of_patients() {
    assert_eq!(of("We admitted Mark Long last night for sepsis."), [pair("on-record", "Mark Long")]);
    assert_eq!(of("An antibiotic for Mark Young? He has a UTI."), [pair("listed", "Mark Young")]);
    assert_eq!(of("Summer Rice, 58F, gout"), [pair("on-record", "Summer Rice")]);
    assert_eq!(of("Will Long MRN"), [pair("on-record", "Will Long")]);
    for other in [
        "Summer Rice, gout",
        "Rice Summer, 58F",
        "Hope House, 58 beds",
        "Hope House needs insulin.",
        "Hope House. It has insulin.",
    ] {
        assert_eq!(of(other), [], "{other}");
    }
}

#[test]
fn an_initial_and_a_family_name_are_a_name_behind_a_cue_of_a_patient() {
    for name in ["J.R. Smith", "R. Ortiz", "Ortiz, R."] {
        assert_eq!(of(&format!("Patient: {name} has gout")), [pair("cued", name)], "{name}");
    }
    assert_eq!(of("U.S. Ortiz"), []);
    assert_eq!(of("Karen Whitfield M.D. has gout"), []);
}

#[test]
fn capitals_before_an_age_or_a_date_with_a_sex_need_one_of_the_lists() {
    assert_eq!(of("ED TRIAGE\nASTRID LINDQVIST 21F DOB"), [pair("on-record", "ASTRID LINDQVIST")]);
    assert_eq!(of("XIOMARA BALDIZÓN 61F"), [pair("on-record", "XIOMARA BALDIZÓN")]);
    assert_eq!(of("QIU, YAN 08/25/1969 F"), [pair("on-record", "QIU, YAN")]);
    assert_eq!(of("QIU, YAN 08/25/1969 C"), []);
    assert_eq!(of("MARIA CHOLESTEROL 61F"), []);
}

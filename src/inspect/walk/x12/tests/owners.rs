//! Whose segments are, and by which rows.

use super::*;

#[test]
fn names_and_numbers_go_by_their_qualifiers() {
    let l = set(
        "837",
        "HL*1**22*0~NM1*IL*1*DOE*JOHN*Q**JR*MI*A7~NM1*QC*1*ROE*JANE****34*412213456~NM1*82*1*SMITH*ANN****XX*1234567893~\
         NM1*85*1*SOLO*SAM****34*412213456~NM1*IL*1*DOE*JOHN****MI*2FP3HV9TR47~NM1*IL*1*DOE*JOHN****MI*1S00E00AA00~\
         NM1*IL*1*DOE*JOHN****MI*1AB2CD3EF45~NM1*IL*2*ACME CORP*****MI*P1~NM1*QQ*2*ODD INC~NM1*QQ*1*ODD*BOB****XX*1~NM1*QQ*1*ODD*BOB~",
    );
    for (place, rule, reads) in [
        ("NM1-03", "nm1.il", "Value"),
        ("NM1-04", "nm1.il", "Value"),
        ("NM1-05", "nm1.il", "Value"),
        ("NM1-07", "nm1.il", "Value"),
        ("NM1-09", "nm1-09", "Value"),
        ("NM1[2]-03", "nm1.qc", "Value"),
        ("NM1[2]-09", "nm1-09.ssn", "Value"),
        ("NM1[3]-03", "nm1.85", "Public"),
        ("NM1[3]-09", "nm1-09.provider", "Public"),
        ("NM1[4]-09", "nm1-09.provider-ssn", "Value"),
        ("NM1[5]-09", "nm1-09.mbi", "Value"),
        ("NM1[6]-09", "nm1-09.mbi", "Value"),
        ("NM1[7]-09", "nm1-09", "Value"),
        ("NM1[8]-03", "nm1.provider", "Public"),
        ("NM1[8]-09", "nm1-09", "Value"),
        ("NM1[9]-03", "nm1.provider", "Public"),
        ("NM1[10]-03", "nm1.provider", "Public"),
        ("NM1[11]-03", "nm1.relative", "Value"),
    ] {
        assert_eq!(l.rule(place), (rule, reads), "{place}");
    }
    assert_eq!(l.at("NM1[4]-09").person, PersonId::NOBODY);
    assert_eq!((l.of("NM1-03"), l.of("NM1[5]-03"), l.of("NM1[2]-03")), (0, 0, 1));
}

#[test]
fn references_go_by_qualifier_and_by_whose_they_are() {
    let codes =
        ["SY", "0F", "1W", "F6", "1L", "N6", "Y4", "EA", "EJ", "F8", "G1", "EI", "G2", "6R", "HJ", "Z9"];
    let all: String = codes.iter().map(|code| format!("REF*{code}*412213456~")).collect();
    let rules = |body: &str| {
        let l = set("837", body);
        (1..=codes.len())
            .map(|n| l.rule(&if n > 1 { format!("REF[{n}]-02") } else { "REF-02".into() }).0.to_owned())
            .collect::<Vec<_>>()
    };
    let patient = rules(&format!("HL*1**22*0~NM1*IL*1*DOE*JOHN~{all}"));
    assert_eq!(
        patient,
        [
            "ref.sy",
            "ref.0f",
            "ref.0f",
            "ref.f6",
            "ref.1l",
            "ref.n6",
            "ref.y4",
            "ref.ea",
            "ref.ej",
            "ref.f8",
            "ref.f8",
            "ref.ei",
            "ref.ei",
            "ref.trace",
            "ref.hj",
            ""
        ]
    );
    let provider = rules(&format!("HL*1**20*0~NM1*85*1*DOE*JOHN~{all}"));
    assert_eq!(provider[..4], ["ref.sy.provider", "ref.0f.provider", "ref.0f.provider", ""]);
}

#[test]
fn contact_data_is_whose_the_last_name_is() {
    let contact = "N3*1 A ST*APT 2~N4*BOISE*ID*83702*US*CY*ADA~PER*IC*JO*TE*9159278377*FX*9159278378*EM*a@b.net~DMG*D8*19620622*M~";
    let l = set(
        "834",
        &format!(
            "INS*Y*18~NM1*IL*1*DOE*JOHN~{contact}NM1*S1*1*DOE*ANN~{contact}NM1*P3*1*SMITH~{contact}NM1*45*2~{contact}"
        ),
    );
    let rules = |n: usize| {
        let at = if n > 1 { format!("[{n}]") } else { String::new() };
        ["N3#-02", "N4#-01", "N4#-03", "N4#-06", "PER#-02", "PER#-04", "PER#-06", "PER#-08"]
            .map(|place| l.rule(&place.replace('#', &at)).0.to_owned())
    };
    let own = ["n3", "n4-01", "n4-03", "n4-06.county", "per-02", "per.phone", "per.fax", "per.email"];
    assert_eq!((rules(1), rules(2)), (own.map(str::to_owned), own.map(str::to_owned)));
    assert_eq!(l.persons, [Role::Patient, Role::Relative]);
    assert_eq!((l.of("N3-01"), l.of("N3[2]-01"), l.of("DMG[2]-02"), l.of("PER[2]-04")), (0, 1, 1, 1));
    assert!(rules(3)[..3].iter().all(|rule| rule == "n3.organisation") && rules(3)[5] == "per.organisation");
    assert_eq!((l.at("N3[3]-01").person, l.of("DMG[3]-02")), (PersonId::NOBODY, 0));
    // A drop-off may be the home.
    assert_eq!((rules(4)[0].as_str(), l.of("N3[4]-01")), ("n3.place", 0));
    assert_eq!(l.rule("DMG-02").0, "dmg-02");
}

#[test]
fn a_relative_with_the_members_name_or_number_is_the_member() {
    let relative = |name: &str| {
        let l = set(
            "834",
            &format!("INS*Y*18~NM1*IL*1*DOE*JOHN****34*412213456~NM1*QD*1*{name}~N3*1 A ST~HD*021~"),
        );
        (l.of("N3-01"), l.persons.len())
    };
    assert_eq!(relative("DOE*JOHN"), (0, 1));
    assert_eq!(relative("DOE*JON****34*412213456"), (0, 1));
    assert_eq!(relative("DOE*ANN****34*412213457"), (1, 2));
}

#[test]
fn subscriber_and_dependent_are_two_unless_they_bear_one_name() {
    let two = "HL*1**20*1~NM1*85*2*CLINIC~HL*2*1*22*1~SBR*P**G1~NM1*IL*1*DOE*JOHN****MI*77~DMG*D8*19620622~HL*3*2*23*0~PAT*19~\
               NM1*QC*1*DOE*JANE****MI*77~DMG*D8*20010203~CLM*A1*1~HI*ABK:E119~REF*EA*M1~DTP*472*D8*20240101~";
    let l = set("837", two);
    assert_eq!(l.persons, [Role::Patient, Role::Patient]);
    assert_eq!((l.of("SBR-03"), l.of("NM1[2]-03"), l.of("DMG-02")), (0, 0, 0));
    let of = ["NM1[3]-03", "NM1[3]-09", "DMG[2]-02", "CLM-01", "REF-02", "DTP-03"].map(|place| l.of(place));
    assert_eq!((of, &l.clinical), ([1; 6], &vec![PersonId(1)]));
    let junior = two.replace("DOE*JOHN*", "DOE*JOHN***SR*").replace("DOE*JANE*", "DOE*JOHN***JR*");
    assert_eq!(set("837", &junior).persons.len(), 2);
    let l = set("837", &two.replace("JANE", "JOHN"));
    assert_eq!((l.of("NM1[2]-03"), l.of("NM1[3]-03"), l.of("CLM-01"), l.persons.len()), (0, 0, 0, 1));
    // The next subscriber starts anew, and so does the next billing provider.
    let l =
        set("837", &format!("{two}HL*4*1*22*0~NM1*IL*1*ROE*ANN~CLM*A2*1~HL*5**20*1~NM1*85*2*X~REF*D9*1~"));
    assert_eq!((l.of("NM1[4]-03"), l.of("CLM[2]-01")), (2, 2));
    assert!(l.of("REF[2]-02") > 2);
}

#[test]
fn an_event_is_whose_the_level_is_that_it_hangs_from() {
    let l = set(
        "278",
        "HL*1**20*1~NM1*X3*2*UMO~HL*2*1*21*1~NM1*1P*2*CLINIC~HL*3*2*22*1~NM1*IL*1*DOE*JOHN~HL*4*3*23*1~NM1*QC*1*DOE*JANE~\
         HL*5*4*EV*0~UM*HS~HI*ABK:E119~NM1*71*1*SMITH~HL*6*3*EV*0~HI*ABK:I10~HCR*A1*AUTH1~",
    );
    assert_eq!((l.of("NM1[3]-03"), l.of("NM1[4]-03"), &l.clinical), (0, 1, &vec![PersonId(1), PersonId(0)]));
    assert_eq!((l.rule("HCR-02").0, l.of("HCR-02")), ("hcr-02", 0));
    // As in 004010, where the server hangs from the patient, and the services from him.
    let l = set(
        "278",
        "HL*3*2*22*1~NM1*IL*1*DOE*JOHN~HL*4*3*19*1~NM1*SJ*1*SMITH~REF*EI*1~HL*5*4*SS*0~HI*ABK:E119~",
    );
    assert_eq!((l.of("NM1-03"), l.clinical), (0, vec![PersonId(0)]));
}

#[test]
fn other_insured_are_persons_of_their_own_unless_they_are_known() {
    let claim = |other: &str| {
        set(
            "837",
            &format!(
                "HL*2*1*22*0~NM1*IL*1*DOE*JOHN~CLM*A1*1~SBR*S*01*G2~AMT*D*1~OI***Y~NM1*IL*1*{other}****MI*9~N3*2 B ST~NM1*PR*2*PAYER~DTP*573*D8*20240101~REF*F8*1~LX*1~SV1*HC:1*1~"
            ),
        )
    };
    let l = claim("DOE*ANN");
    assert_eq!((l.of("SBR-03"), l.of("NM1[2]-03"), l.of("N3-01"), l.persons.len()), (1, 1, 1, 2));
    assert_eq!((l.of("DTP-03"), l.of("REF-02"), l.clinical[0]), (0, 0, PersonId(0)));
    // Another payer's number of the same patient names nobody else.
    let l =
        set("837", "HL*2*1*22*0~NM1*IL*1*DOE*JOHN~CLM*A1*1~NM1*PR*2*X~NM1*QC*1******MI*99~LX*1~HI*ABK:E119~");
    assert_eq!((l.of("NM1[3]-09"), l.persons.len()), (0, 1));
    let l = claim("DOE*JOHN");
    assert_eq!((l.of("SBR-03"), l.of("NM1[2]-09"), l.persons.len()), (0, 0, 1));
}

#[test]
fn each_member_of_an_enrolment_and_each_paid_claim_starts_anew() {
    let l = set(
        "834",
        "REF*38*P1~DTP*007*D8*20260101~N1*P5*ACME*FI*123456789~INS*Y*18~REF*0F*A1~NM1*IL*1*DOE*JOHN~NM1*70*1*DOE*JON~HD*021**HLT~DTP*348*D8*20260101~\
         INS*N*01~REF*0F*A1~NM1*74*1*DOE*ANN~NM1*31*1~N3*1 A ST~NM1*36*2*ACME~",
    );
    assert_eq!((l.rule("REF-02").0, l.rule("DTP-03").1, l.rule("N1-04").1), ("ref.trace", "Time", "Public"));
    assert_eq!((l.of("REF[2]-02"), l.of("NM1-03"), l.of("NM1[2]-03"), l.of("DTP[2]-03")), (0, 0, 0, 0));
    assert_eq!((l.of("REF[3]-02"), l.of("NM1[3]-03"), l.of("N3-01"), l.persons.len()), (1, 1, 1, 2));
    assert_eq!(l.rule("NM1[5]-03"), ("nm1.provider", "Public"));
    let l = set(
        "835",
        "DTM*405*20240101~N1*PE*CLINIC*XX*1~LX*1~CLP*A1*1*1*1**12*C1~CAS*CO*1*1~NM1*QC*1*DOE*JOHN****MI*7~NM1*IL*1*DOE*ANN~NM1*74*1*DOE*JON~\
         NM1*82*1*SMITH~DTM*232*20240101~SVC*HC:1*1*1~CLP*A2*1*1*1**12*C2~NM1*QC*1*DOE*JOHN****MI*7~CLP*A3*1*1*1**12*C3~NM1*QC*1*ROE*BOB****MI*7~",
    );
    assert_eq!(l.rule("DTM-02"), ("", "Time"));
    assert_eq!(
        (l.of("CLP-01"), l.of("CLP-07"), l.of("NM1-03"), l.of("NM1[3]-03"), l.of("DTM[2]-02")),
        (0, 0, 0, 0, 0)
    );
    assert_eq!(
        (l.of("NM1[2]-03"), l.of("CLP[2]-01"), l.of("CLP[3]-01"), l.clinical[0]),
        (1, 0, 2, PersonId(0))
    );
    assert_eq!((l.rule("CLP-01").0, l.rule("CLP-07").0), ("clm-01", "clp-07"));
}

#[test]
fn members_of_a_premium_payment_are_told_apart() {
    let l = set(
        "820",
        "N1*PR*EMPLOYER~N3*1 A ST~ENT*1*2J*34*412213456~NM1*IL*1*DOE*JOHN****MI*7~RMR*AZ*P1~NM1*IL*1*ROE*JANE****MI*8~RMR*AZ*P2~\
         ENT*2*2J*EI*E9~NM1*IL*1*POE*ANN~ENT*3*2L*FI*123456789~RMR*IK*INV1~",
    );
    assert_eq!(
        (l.rule("ENT-04").0, l.rule("RMR-02").0, l.rule("N3-01").1),
        ("nm1-09.ssn", "rmr-02", "Public")
    );
    let of =
        ["ENT-04", "NM1-03", "RMR-02", "NM1[2]-03", "RMR[2]-02", "ENT[2]-04", "NM1[3]-03"].map(|p| l.of(p));
    assert_eq!(of, [0, 0, 0, 1, 1, 2, 2]);
    assert_eq!(l.rule("ENT[3]-04"), ("ent-04.organisation", "Public"));
}

#[test]
fn clinical_content_is_what_the_map_names() {
    let none = "HL*1**22*0~NM1*IL*1*DOE*JOHN~INS*Y*18~HD*021~EQ*30~EB*1**30~LX*1~DTP*472*D8*20240101~AMT*F5*1~NTE*ADD*x~MSG*y~";
    assert!(set("271", none).clinical.is_empty());
    for segment in ["HI*ABK:E119~", "SV1*HC:1*1~", "SV2*0300~", "SV3*AD:1*1~", "SVC*HC:1*1~"] {
        assert_eq!(set("837", &format!("{none}{segment}")).clinical, [PersonId(0)], "{segment}");
    }
    let l = set("837", "HL*1**22*0~HI*BH:11:D8:20240101*ABK:E119~SV1*HC:99213:::::seen by Dr*1~");
    assert_eq!((l.rule("HI-01.4"), l.rule("HI-02.2")), (("hi.date", "Value"), ("hi", "Code")));
    assert_eq!(l.rule("SV1-01.7"), ("hi", "Text"));
}

#[test]
fn free_text_is_its_owners() {
    let l = set(
        "271",
        "NTE*ADD*a~HL*1**22*0~NM1*IL*1*DOE*JOHN~NM1*P3*1*SMITH~MSG*b~EB*1~MSG*c~PWK*OZ*BM***AC*d~K3*e~STC*A1:1*20240101**1********f~",
    );
    for place in ["NTE-02", "MSG-01", "MSG[2]-01", "PWK-06", "K3-01", "STC-12"] {
        assert_eq!(l.rule(place).1, "Text", "{place}");
    }
    let of = ["MSG-01", "MSG[2]-01", "PWK-06", "K3-01", "STC-12"].map(|place| l.of(place));
    assert_eq!(of, [l.of("NM1-03"); 5]);
    assert_ne!(l.of("NTE-02"), l.of("NM1-03"));
    let found = inspect(
        "",
        interchange("271", "HL*1**22*0~NM1*IL*1*OKAFOR*DARNELL~MSG*call (915) 927-8377~").as_bytes(),
    );
    assert_eq!((found.persons.len(), found.points().0), (1, 90));
}

#[test]
fn persons_never_mix() {
    let mut seed = 7_u32;
    let mut any = move |n: u32| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 16) % n
    };
    for _ in 0..400 {
        let mut body = String::new();
        let mut people = 0;
        let mut hl = 1;
        let about = |n: u32, what: u32| match what {
            0 => format!("N3*{n} P{n}E ST~N4*P{n}E*ID*{}~", 83000 + n),
            1 => format!("DMG*D8*19{:02}0622~", n % 100),
            2 => format!("REF*EA*P{n}E~PER*IC**TE*P{n}E~"),
            3 => "NM1*85*2*CLINIC~N3*9 ORG ST~REF*EI*123456789~".to_owned(),
            4 => format!("DTP*472*D8*20240101~TRN*1*X~REF*SY*P{n}E~"),
            _ => format!("LX*1~NTE*ADD*P{n}E~HI*ABK:E119~"),
        };
        let kind = ["837", "834", "835", "271"][any(4) as usize];
        for _ in 0..1 + any(6) {
            let mut names = vec![("IL", "22")];
            if any(2) == 0 && matches!(kind, "837" | "271") {
                names.push(("QC", "23"));
            }
            for (code, level) in names {
                people += 1;
                let name = format!("NM1*{code}*1*P{people}E*P{people}E****MI*FAMILY~");
                body += &match kind {
                    "834" => format!("INS*Y*18~REF*0F*P{people}E~{name}"),
                    "835" => format!("CLP*P{people}E*1~{}", name.replace("IL", "QC")),
                    _ => format!("HL*{hl}*1*{level}*1~{name}"),
                };
                hl += 1;
                for _ in 0..any(5) {
                    body += &about(people, any(6));
                    if any(3) == 0 && kind == "837" {
                        body += &format!("CLM*P{people}E*1~");
                    }
                    if any(3) == 0 {
                        body += "NM1*82*1*SMITH*SAM~PER*IC*STAFF*TE*9159278377~";
                    }
                }
            }
        }
        let l = set(kind, &body);
        let mut whose = std::collections::HashMap::new();
        for leaf in &l.leaves {
            let Some(token) = leaf
                .value
                .split(' ')
                .find(|w| w.starts_with('P') && w.ends_with('E') && w.len() > 2 && *w != "PE")
            else {
                continue;
            };
            // Behind a provider's name an address or contact is the provider's.
            if leaf.person == PersonId::NOBODY {
                continue;
            }
            assert_eq!(
                *whose.entry(token.to_owned()).or_insert(leaf.person),
                leaf.person,
                "{token} in {body}"
            );
        }
        let mut ids: Vec<_> = whose.values().collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!((ids.len(), ids.len()), (whose.len(), people as usize), "{body}");
    }
}

#[test]
fn what_an_acknowledgement_quotes_is_the_patients() {
    let quoted = "AK1*HC*1*005010X222A1~AK2*837*0001~IK3*NM1*8*2010BA*8~IK4*3*1035*6*OUEDRAOGO~IK4*4*1036*6*FATIMATA~\
                  IK3*DMG*9*2010BA*8~IK4*2*1251*8*19480101~IK3*REF*10*2010BA*8~IK4*2*127*7*370228841~\
                  IK3*NM1*40*2010CA*8~IK4*3*1035*6*KONATE~IK3*NM1*47*2310B*8~IK4*9*67*7*1679576722~CTX*CLM01:PCN88123~IK5*R~";
    let l = set("999", quoted);
    for (place, rule) in [
        ("IK4-04", "ik4.name"),
        ("IK4[2]-04", "ik4.name"),
        ("IK4[3]-04", "ik4.birth-date"),
        ("IK4[4]-04", "ik4.reference"),
        ("IK4[5]-04", "ik4.name"),
        ("IK4[6]-04", ""),
        ("CTX-01.2", "ctx-01"),
    ] {
        assert_eq!(l.rule(place).0, rule, "{place}");
    }
    // What stands far apart is of two people.
    assert_eq!((l.of("IK4[2]-04"), l.of("IK4[4]-04"), l.of("IK4[5]-04")), (0, 0, 1));
    // Each set has others in its loops.
    for (set_id, theirs, his) in [
        ("270", "2100B", "2100C"),
        ("271", "2100A", "2100D"),
        ("276", "2100C", "2100D"),
        ("277", "2100B", "2100E"),
        ("278", "2010EA", "2010C"),
        ("834", "2100D", "2100A"),
    ] {
        let quoted =
            |within| format!("AK1*X*1~AK2*{set_id}*0001~IK3*NM1*8*{within}*8~IK4*3*1035*6*OUEDRAOGO~");
        assert_eq!(set("999", &quoted(theirs)).rule("IK4-04").0, "", "{set_id} {theirs}");
        assert_eq!(set("999", &quoted(his)).rule("IK4-04").0, "ik4.name", "{set_id} {his}");
    }
    // A 997 names neither loop nor, at times, set: a provider is told by his number.
    let l = set(
        "997",
        "AK1*HS*1~AK3*NM1*8~AK4*9*67*7*1679576722~AK3*NM1*30~AK4*9*67*7*W881203~AK3*NM1*31*2100B~AK4*3*1035*6*DIOP~",
    );
    assert_eq!(["AK4-04", "AK4[2]-04", "AK4[3]-04"].map(|place| l.rule(place).0), ["", "ik4.number", ""]);
    let whole = interchange("999", quoted);
    assert!(inspect("application/edi-x12", whole.as_bytes()).points().0 >= 90);
}

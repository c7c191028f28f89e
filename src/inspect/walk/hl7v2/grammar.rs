//! What the standard says of segments and datatypes, as far as reading needs it: which fields hold codes, numbers,
//! times, ids of machines, names of providers. What isn't here is text, and gets scanned.

use super::super::Reads;

/// A datatype: how each of its components reads.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Datatype {
    /// Name in the standard (chapter 2A); lower case for groups of our own.
    pub(super) name: &'static str,
    /// A letter for each component, the last for all that follow: t text, c code, q quantity, m time, o opaque,
    /// p public. Capitals are the components that carry the value; with none, all do.
    classes: &'static str,
}

impl Datatype {
    /// The datatype of this name; text if there is none.
    pub(super) fn named(name: &str) -> &'static Self {
        DATATYPES.iter().find(|d| d.name == name).unwrap_or(TEXT)
    }

    /// The datatype that OBX-2 names. One that names people or places tells nothing about whose they are: text.
    pub(super) fn of_result(obx2: &str) -> &'static Self {
        if RESULT_TYPES.contains(&obx2) { Self::named(obx2) } else { TEXT }
    }

    /// How a component of this number (from 1) reads where no row covers it.
    pub(super) fn reads(&self, component: u32) -> Reads<'static> {
        match self.letter(component).to_ascii_lowercase() {
            b'c' => Reads::Code,
            b'q' => Reads::Quantity,
            b'm' => Reads::Time,
            b'o' => Reads::Opaque,
            b'p' => Reads::Public,
            _ => Reads::Text,
        }
    }

    /// Whether a row for the whole field covers the component of this number.
    pub(super) fn carries(&self, component: u32) -> bool {
        self.letter(component).is_ascii_uppercase() || !self.classes.bytes().any(|c| c.is_ascii_uppercase())
    }

    fn letter(&self, component: u32) -> u8 {
        let at = usize::try_from(component.saturating_sub(1)).unwrap_or(usize::MAX);
        let classes = self.classes.as_bytes();
        classes.get(at).or(classes.last()).copied().unwrap_or(b't')
    }
}

/// The segments whose fields are told, each with its datatypes from field 1 on; `-` is text.
pub(super) fn segments() -> impl Iterator<Item = ([u8; 3], Vec<&'static Datatype>)> {
    SEGMENTS.iter().map(|(id, types)| (**id, types.split_whitespace().map(Datatype::named).collect()))
}

/// Further segments of the standard (v2.1 to v2.9): every field is text.
pub(super) fn untold() -> impl Iterator<Item = [u8; 3]> {
    UNTOLD.split_whitespace().filter_map(|id| id.as_bytes().try_into().ok())
}

/// Whether a segment tells of places, tests, prices or staff, and of nobody who is cared for, in a master file (chapters 8
/// and 15).
pub(super) const fn is_of_master_files(id: &[u8; 3]) -> bool {
    matches!(
        id,
        b"AFF"
            | b"CDM"
            | b"CER"
            | b"EDU"
            | b"LCC"
            | b"LCH"
            | b"LDP"
            | b"LOC"
            | b"LRL"
            | [b'O', b'M', b'1'..=b'7']
            | b"ORG"
            | b"PRA"
            | b"PRC"
            | b"STF"
    )
}

const fn datatype(name: &'static str, classes: &'static str) -> Datatype {
    Datatype { name, classes }
}

/// Text, and whatever isn't known better.
pub(super) const TEXT: &Datatype = &datatype("-", "t");

const DATATYPES: &[Datatype] = &[
    datatype("ST", "t"),
    datatype("TX", "t"),
    datatype("FT", "t"),
    datatype("ID", "c"),
    datatype("IS", "c"),
    datatype("SI", "c"),
    datatype("NM", "q"),
    datatype("NA", "q"),
    datatype("MA", "q"),
    datatype("SN", "cqcq"),
    datatype("CQ", "qc"),
    datatype("MO", "qc"),
    datatype("CP", "qcqqcc"),
    datatype("TS", "Tc"),
    datatype("DT", "t"),
    datatype("TM", "t"),
    datatype("DR", "t"),
    datatype("TQ", "qccttctt"),
    datatype("CE", "CTcCTcccT"),
    datatype("CWE", "CTcCTcccT"),
    datatype("CNE", "CTcCTcccT"),
    datatype("CF", "CTcCTc"),
    datatype("CX", "Tcccccttcc"),
    datatype("EI", "Tccc"),
    datatype("EIP", "t"),
    datatype("DLN", "Tct"),
    datatype("JCC", "cct"),
    datatype("FC", "ct"),
    datatype("DLD", "ct"),
    datatype("XPN", "TTTtttccctcttt"),
    datatype("PN", "TTTttt"),
    datatype("XAD", "TTTcTccTTTct"),
    datatype("AD", "TTTcTccTTt"),
    datatype("XTN", "TcctctTttttT"),
    datatype("TN", "t"),
    datatype("RP", "Tccc"),
    datatype("ED", "cccct"),
    datatype("HD", "c"),
    datatype("PL", "c"),
    datatype("MSG", "c"),
    datatype("PT", "c"),
    datatype("VID", "c"),
    datatype("XON", "Pp"),
    datatype("XCN", "p"),
    datatype("PPN", "p"),
    datatype("NDL", "p"),
    // Groups of our own.
    datatype("code", "c"),
    datatype("opaque", "o"),
    datatype("public", "p"),
    datatype("range", "q"),
    datatype("system-time", "m"),
];

/// What OBX-2 may name to be read as such.
const RESULT_TYPES: &[&str] = &[
    "ST", "TX", "FT", "ID", "IS", "SI", "NM", "NA", "MA", "SN", "CQ", "MO", "CP", "TS", "DT", "TM", "CE",
    "CWE", "CNE", "CF", "CX", "XPN", "PN", "XAD", "AD", "XTN", "TN", "RP", "ED",
];

/// v2.5.1, with what later versions add.
const SEGMENTS: &[(&[u8; 3], &str)] = &[
    (
        b"MSH",
        "- - HD HD HD HD system-time ST MSG opaque PT VID NM opaque ID ID ID ID CE ID code XON XON HD HD",
    ),
    (b"FHS", "- - HD HD HD HD system-time ST ST ST opaque opaque"),
    (b"BHS", "- - HD HD HD HD system-time ST ST ST opaque opaque"),
    (b"FTS", "NM ST"),
    (b"BTS", "NM ST NM"),
    (b"SFT", "public public public public public system-time"),
    (b"MSA", "ID opaque ST NM ID CE"),
    (b"ERR", "code code CE ID CE ST TX TX"),
    (b"QAK", "opaque ID CE NM NM NM"),
    (b"QPD", "CE opaque"),
    (b"QRD", "system-time ID ID opaque ID system-time CQ - CE CE ST ID"),
    (b"RCP", "ID CQ CE"),
    (b"DSC", "opaque ID"),
    (b"EVN", "ID system-time TS IS XCN TS HD"),
    (
        b"PID",
        "SI CX CX CX XPN XPN TS IS XPN CE XAD IS XTN XTN CE IS CE CX ST DLN CX CE ST ID NM CE CE CE TS ID ID IS TS \
         HD CE CE ST CE CWE XTN",
    ),
    (b"PD1", "IS IS XON XCN IS IS IS IS ID CX CE ID DT XON CE IS DT DT IS IS IS"),
    (
        b"NK1",
        "SI XPN CE XAD XTN XTN CE DT DT ST JCC CX XON CE IS TS IS IS CE CE IS CE ID IS CE XPN CE CE CE XPN XTN XAD \
         CX IS CE IS ST ST CWE",
    ),
    (b"MRG", "CX CX CX CX CX CX XPN"),
    (
        b"PV1",
        "SI IS PL IS CX PL XCN XCN XCN IS PL IS IS IS IS IS XCN IS CX FC IS IS IS IS DT NM NM IS IS DT IS NM NM IS \
         DT IS DLD CE IS IS IS PL PL TS TS NM NM NM NM CX IS XCN",
    ),
    (
        b"PV2",
        "PL CE CE CE ST ST IS TS TS NM NM ST XCN DT ID IS DT IS ID NM IS ID XON IS IS DT IS DT DT CE IS ID TS ID ID \
         ID ID CE CE CE CE CE CE CE CE DT TS TS IS",
    ),
    (
        b"GT1",
        "SI CX XPN XPN XAD XTN XTN TS IS IS CE ST DT DT NM XPN XAD XTN CX IS XON ID CE DT TS ID CP NM CX IS CE CE - \
         CE CE CE - ID CE IS CE XPN - CE CE - JCC - - IS XON - IS - CE IS",
    ),
    (
        b"IN1",
        "SI CE CX XON XAD public XTN ST XON CX XON DT DT - IS XPN CE TS XAD IS IS ST ID DT ID DT IS ST TS XCN IS IS NM \
         NM IS ST CP CP NM CP CP CE IS XAD ST IS IS IS CX IS DT ST IS",
    ),
    (
        b"IN2",
        "CX ST - IS IS ST XPN ST XPN - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - \
         - - - - - - - - - - - - XTN",
    ),
    (
        b"ORC",
        "ID EI EI EI ID ID TQ EIP TS XCN XCN XCN PL public TS CE CE CE XCN CE XON public public public CWE CWE TS CWE \
         CWE CNE CWE",
    ),
    (
        b"OBR",
        "SI EI EI CE ID TS TS TS CQ XCN ID CE ST TS code XCN public ST ST ST ST TS CP ID ID - TQ XCN EIP ID CE NDL NDL \
         NDL NDL TS NM CE CE CE ID ID CE CE CE CE CE CWE IS CWE",
    ),
    (b"OBX", "SI ID CE code - CE range IS NM ID ID TS ST TS public XCN CE opaque TS CWE EI - XON public XCN"),
    (b"NTE", "SI ID FT CE XCN"),
    (b"DG1", "SI ID CE ST TS IS CE CE ID IS IS CP ST NM ID XCN IS ID TS EI ID"),
    (b"AL1", "SI CE CE CE ST DT"),
    (b"IAM", "SI CE CE CE ST CNE EI ST CE CE DT ST TS - CE CE CE XCN XON TS"),
    (b"PR1", "SI IS CE ST TS IS NM XCN IS NM XCN XCN CE ID CE CE IS CE EI ID"),
    (b"PRB", "ID TS CE EI EI NM TS TS TS CE CE CE CE CE TS TS ST CE CE NM CE CE CE ST CE"),
    (b"RXA", "NM NM TS TS CE NM CE CE CE XCN public ST NM CE ST TS public CE CE ID ID TS"),
    (b"RXR", "CE CE CE CE CE CE"),
    (b"RXC", "ID CE NM CE NM CE CE NM CE"),
    (
        b"RXE",
        "TQ CE NM NM CE CE CE public ID NM CE NM XCN XCN ST NM NM TS CQ ID CE ST ST CE NM CE CE NM CE ID CE",
    ),
    (b"RXO", "CE NM NM CE CE CE CE public ID CE NM CE NM XCN XCN ID CE NM CE CE ST ST CE"),
    (b"RXD", "NM CE TS NM CE CE ST NM ST XCN ID CQ public ID CE NM CE ST TS"),
    (b"RXG", "NM NM TQ CE NM NM CE CE CE ID public"),
    (b"TQ1", "SI CQ code TM CQ CQ TS TS CE TX TX ID CQ NM"),
    (b"TXA", "SI IS ID TS XCN TS TS TS XCN XCN XCN EI EI EI EI ST ID ID ID ID ST PPN XCN"),
    (b"FT1", "SI ST ST TS TS IS CE ST ST NM CP CP CE CE CP PL IS IS CE XCN XCN CP EI XCN CE CE"),
    (
        b"SCH",
        "EI EI NM EI CE CE CE CE NM CE TQ XCN public public PL XCN public public PL XCN public PL EI EI CE EI EI",
    ),
    (b"RGS", "SI ID CE"),
    (b"AIS", "SI ID CE TS NM CE NM CE ID CE"),
    (b"AIG", "SI ID public CE CE NM CE TS NM CE NM CE ID CE"),
    (b"AIL", "SI ID PL CE CE TS NM CE NM CE ID CE"),
    (b"AIP", "SI ID XCN CE CE TS NM CE NM CE ID CE"),
    (b"ACC", "TS CE ST CE ID ID XCN ST ST ID XAD"),
    (
        b"SPM",
        "SI EIP EIP CWE CWE CWE CWE CWE CWE CWE CWE CQ NM ST CWE CWE DR TS TS ID CWE CWE CWE CWE CQ NM CWE",
    ),
    (b"ROL", "EI ID CE XCN TS TS CE CE CE CE public public"),
    (b"PRT", "EI ID CE CE XCN CE XON PL public EI TS TS public public public"),
    (b"PRD", "CE public public PL public CE public TS TS"),
    (b"CTD", "CE public public PL public CE public"),
    (b"STF", "CE public public IS IS public ID CE CE public public public public public public"),
    (b"RF1", "CE CE CE CE CE EI TS TS TS CE EI"),
    (b"CTI", "EI CE CE"),
    (b"DB1", "SI IS CX ID DT DT DT"),
    (b"MFI", "CE HD ID system-time system-time ID"),
    (b"MFE", "ID opaque system-time CE ID"),
];

const UNTOLD: &str = "ABS ADD AFF AFR ARV AUT BLC BLG BPO BPX BTX BUI CDM CDO CER CM0 CM1 CM2 CNS CON CSP CSR CSS DAD \
    DEV DMI DON DPS DRG DSP DST ECD ECR EDU EQL EQP EQU ERQ FAC GOL GP1 GP2 HXX IAR IIM ILT IN3 INV IPC IPR ISD ITM IVC \
    IVT LAN LCC LCH LDP LOC LRL MCP MFA NCK NDS NPU NSC NST ODS ODT OM1 OM2 OM3 OM4 OM5 OM6 OM7 OMC ORG OVR PAC PAD PCE \
    PCR PDA PDC PEO PES PKG PM1 PMT PRA PRC PSG PSH PSL PSS PTH PYE QID QRF QRI RCP RDF RDT REL RFI RMI RQ1 RQD RXV SAC \
    SCD SCP SDD SGH SGT SHP SID SLT SPR STZ TCC TCD TQ2 UAC UB1 UB2 URD URS VAR VND VTQ";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_datatype_that_a_segment_names_is_told() {
        for (_, types) in SEGMENTS {
            for name in types.split_whitespace().filter(|name| *name != "-") {
                assert!(DATATYPES.iter().any(|d| d.name == name), "{name}");
            }
        }
        assert!(RESULT_TYPES.iter().all(|name| DATATYPES.iter().any(|d| d.name == *name)));
    }

    #[test]
    fn the_segments_have_as_many_fields_as_the_standard_gives_them() {
        let length = |id: &[u8; 3]| segments().find(|(known, _)| known == id).unwrap().1.len();
        assert_eq!(length(b"PID"), 40);
        assert_eq!(length(b"PV1"), 52);
        assert_eq!(length(b"PV2"), 49);
        assert_eq!(length(b"IN1"), 53);
        assert_eq!(length(b"OBR"), 50);
        assert_eq!(length(b"ORC"), 31);
        assert_eq!(length(b"NK1"), 39);
        assert_eq!(length(b"SCH"), 27);
    }

    #[test]
    fn the_last_class_goes_for_all_that_follow() {
        let name = Datatype::named("XPN");
        assert!(name.carries(1) && name.carries(3) && !name.carries(7) && !name.carries(99));
        assert_eq!(name.reads(7), Reads::Code);
        assert!(Datatype::named("ST").carries(5));
        assert_eq!(Datatype::of_result("XCN").name, "-");
    }
}

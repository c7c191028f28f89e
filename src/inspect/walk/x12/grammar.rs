//! What the standard says of segments, as far as reading needs it: which elements hold codes, numbers, times, ids of
//! machines, names of organisations. What isn't here is text, and gets scanned.

use super::super::Reads;

/// An element: a letter for each of its components, the last for all that follow: t text, c code, q quantity, m time,
/// o opaque, p public. With one letter it is simple, and never cut at component or repetition separators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Classes(&'static str);

impl Classes {
    /// Text, and whatever isn't known better.
    pub(super) const TEXT: Self = Self("t");

    /// How a component of this number (from 1) reads where no row covers it.
    pub(super) fn reads(self, component: u32) -> Reads<'static> {
        let at = usize::try_from(component.saturating_sub(1)).unwrap_or(usize::MAX);
        match self.0.as_bytes().get(at).or(self.0.as_bytes().last()) {
            Some(b'c') => Reads::Code,
            Some(b'q') => Reads::Quantity,
            Some(b'm') => Reads::Time,
            Some(b'o') => Reads::Opaque,
            Some(b'p') => Reads::Public,
            _ => Reads::Text,
        }
    }

    /// Whether it is cut at component and repetition separators.
    pub(super) fn is_composite(self) -> bool {
        self.0.len() > 1
    }
}

/// The segments of the standard, each with its elements from 1 on, and what all further ones are.
pub(super) fn segments() -> impl Iterator<Item = (&'static str, Vec<Classes>, Classes)> {
    let told = SEGMENTS.iter().map(|(id, elements)| {
        let mut all: Vec<Classes> =
            elements.split_whitespace().map(|e| Classes(e.trim_end_matches('*'))).collect();
        let rest = if elements.ends_with('*') { all.pop() } else { None };
        (*id, all, rest.unwrap_or(Classes::TEXT))
    });
    told.chain(UNTOLD.split_whitespace().map(|id| (id, Vec::new(), Classes::TEXT)))
}

/// Elements in order; the last one with an asterisk goes for all that follow. Procedures (C003) are `cccccct`: code
/// list, code, four modifiers, description. Conditions (C022) are `cccmqqt`: list, code, and what dates or measures it.
const SEGMENTS: &[(&str, &str)] = &[
    // Envelopes and headers
    ("ISA", "c t c t c p c p m m c c o c c c"),
    ("IEA", "q o"),
    ("GS", "c p p m m o c c"),
    ("GE", "q o"),
    ("ST", "c o c"),
    ("SE", "q o"),
    ("TA1", "o m m c c"),
    ("BHT", "c c o m m c"),
    ("BGN", "c o m m c o c c c"),
    ("BPR", "c q c c c c p c p o o c p c p m"),
    ("TRN", "c o p t"),
    ("CUR", "c c q c c m m"),
    ("HL", "o o c c"),
    ("LX", "o"),
    ("LS", "o"),
    ("LE", "o"),
    ("ENT", "o c c t c c t"),
    // Who
    ("NM1", "c c t t t c t c t c c t"),
    ("N1", "c t c t c c"),
    ("N2", "t t"),
    ("N3", "t t"),
    ("N4", "t c t c c t c"),
    ("NX1", "c c*"),
    ("PER", "c t c t c t c t t"),
    ("PRV", "c c c c cc c"),
    ("REF", "c t t ctctct"),
    ("DMG", "c m c c cc c c c q c c"),
    ("PAT", "c c c c c m c q c"),
    ("INS", "c c c c c c c c c c c m t t t t q"),
    ("LUI", "c c t c"),
    ("EC", "c c c q c t t"),
    ("ICM", "c q q t c q"),
    ("HLH", "c q q q t c t"),
    // Cover
    ("SBR", "c c t p c c c c c"),
    ("HD", "c c c p c q q c c c q"),
    ("IDC", "p c q c"),
    ("COB", "c t c c"),
    ("DSB", "c q c c c c c q"),
    ("EQ", "cc cccccct c cc cc"),
    ("EB", "c c cc c p c q q c q c c cccccct cc"),
    ("HSD", "c q c q c q c c"),
    ("III", "c cc c t q ccc c c c"),
    ("AAA", "c c c c"),
    ("PLA", "c c m m c"),
    ("OI", "c c c c c c"),
    ("MPI", "c c c c t c m"),
    ("RMR", "c t c q q q c q"),
    ("ADX", "q c c t"),
    // Claims and services
    ("CLM", "t q c c ccc c c c c c cccccq c c c c c c c c c"),
    ("CLP", "t c q q q c t c c c c q q"),
    ("CL1", "c c c c"),
    ("CN1", "c q q t q t"),
    ("CR1", "c q c c c q t t t t"),
    ("CR2", "q q c c c q q c c t t c"),
    ("CR3", "c c q t t"),
    ("CRC", "c c c*"),
    ("HI", "cccmqqt*"),
    ("SV1", "cccccct q c q c c cc q c c c c c c c c c c c c c"),
    ("SV2", "c cccccct q c q q q c c c"),
    ("SV3", "cccccct q c cc cc q t c c c cc"),
    ("SV5", "cccccct c q q q c"),
    ("SVC", "cccccct q q c q cccccct q"),
    ("SVD", "p q cccccct c q c"),
    ("TOO", "c c cc"),
    ("CAS", "c c q q c q q c q q c q q c q q c q q"),
    ("HCP", "c q q p q o q o c c q c c c c"),
    ("LIN", "o c c c c c c"),
    ("CTP", "c c q q cc c q"),
    ("MEA", "c c q cc q q"),
    ("QTY", "c q cc t"),
    ("AMT", "c q c"),
    ("LQ", "c c"),
    ("FRM", "c c t m q"),
    ("MIA", "q q q q c q q q q q q q q q q q q q q c c c c q"),
    ("MOA", "q q c c c c c q q"),
    ("TS2", "q*"),
    ("TS3", "p c m q*"),
    ("PLB", "p m ct q ct q ct q ct q ct q ct q"),
    ("RDM", "c t t"),
    ("UM", "c c c ccc ccccq c c c c c"),
    ("HCR", "c t c c"),
    ("STC", "cccc m c q q m c m o cccc cccc t"),
    ("DTP", "c c m"),
    ("DTM", "c m m c c m"),
    // Text and carriers
    ("NTE", "c t"),
    ("MSG", "t c q"),
    ("K3", "t t cc"),
    ("PWK", "c c q c c t t cc c"),
    ("CAT", "c c c t"),
    ("EFI", "c t c c t c t c"),
    ("BIN", "q t"),
    ("BDS", "c q t"),
    // Acknowledgements
    ("AK1", "c o c"),
    ("AK2", "c o c"),
    ("AK3", "c q t c c c c c"),
    ("AK4", "qqq q c t"),
    ("AK5", "c c c c c c"),
    ("AK9", "c q q q c c c c c"),
    ("IK3", "c q t c c c c c"),
    ("IK4", "qqq q c t"),
    ("IK5", "c c c c c c"),
    ("CTX", "tt c q o qqq tt"),
];

/// Further segments that health care sets have: every element is text.
const UNTOLD: &str = "ACT AMD API AT BLI CD2 CDI CL CLI CR4 CR5 CR6 CR7 CR8 CRO CSI DED DEX DN1 DN2 DP EM ERI ERP FA1 FA2 \
    FAC FOB FOS G62 HS IHS IIS IMA IMP IN1 IN2 INC IND INV INX IRA ISB ISE IT1 ITD L11 LH1 LIE LM LN1 LOC LT MLA MLS MS1 MTX NX2 \
    OOI OP OTI PAD PDI PDP PID PIN PO1 PPL PPY PS PSD PYD PYM RAP RP RPA RRA SAC SL1 SLA SLN SPI SPK SSS STA SUP SV4 SV6 SV7 TA3 \
    TAX TED TI TXI VEH VEI VDI WRK";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_is_told_once() {
        let mut ids: Vec<_> = segments().map(|(id, ..)| id).collect();
        let all = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), all);
        assert!(ids.iter().all(|id| (2..=3).contains(&id.len())));
    }

    #[test]
    fn the_segments_have_as_many_elements_as_the_standard_gives_them() {
        let length = |id: &str| segments().find(|(known, ..)| *known == id).unwrap().1.len();
        for (id, elements) in [
            ("ISA", 16),
            ("GS", 8),
            ("NM1", 12),
            ("DMG", 11),
            ("CLM", 20),
            ("INS", 17),
            ("STC", 12),
            ("EB", 14),
        ] {
            assert_eq!(length(id), elements, "{id}");
        }
        let conditions = segments().find(|(id, ..)| *id == "HI").unwrap();
        assert!(conditions.1.is_empty() && conditions.2.is_composite());
        assert_eq!(conditions.2.reads(4), Reads::Time);
        assert_eq!(Classes::TEXT.reads(9), Reads::Text);
    }
}

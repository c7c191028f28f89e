//! Characters that look like others, and such as nobody sees (Unicode 16.0: DerivedCoreProperties, DerivedNumericType,
//! UnicodeData; confusables of UTS 39).

/// What stands for a character.
pub(super) enum Fold {
    /// Itself.
    Same,
    /// Nothing: nobody sees it.
    Nothing,
    /// Another.
    To(char),
}

/// What stands for the character at `at`, which isn't ASCII.
pub(super) fn folded(c: char, text: &str, at: usize) -> Fold {
    let n = u32::from(c);
    let digit = |one: u32| char::from_digit(n - one + 1, 10).map_or(Fold::Same, Fold::To);
    let letter = |first: char, at: u32| char::from_u32(u32::from(first) + at).map_or(Fold::Same, Fold::To);
    match n {
        0xAD
        | 0x34F
        | 0x61C
        | 0x115F
        | 0x1160
        | 0x17B4
        | 0x17B5
        | 0x180B..=0x180F
        | 0x200B..=0x200F
        | 0x202A..=0x202E
        | 0x2060..=0x206F
        | 0x3164
        | 0xFE00..=0xFE0F
        | 0xFEFF
        | 0xFFA0
        | 0xFFF0..=0xFFF8
        | 0x1BCA0..=0x1BCA3
        | 0x1D173..=0x1D17A
        | 0xE0000..=0xE0FFF => Fold::Nothing,
        _ if is_combining(c) => Fold::Nothing,
        0xA0 | 0x1680 | 0x2000..=0x200A | 0x202F | 0x205F | 0x2800 | 0x3000 => Fold::To(' '),
        0x58A
        | 0x5BE
        | 0x1806
        | 0x2010..=0x2015
        | 0x2043
        | 0x207B
        | 0x2212
        | 0x2500
        | 0x2E3A
        | 0x2E3B
        | 0x301C
        | 0x3030
        | 0xFE58
        | 0xFE63 => Fold::To('-'),
        0x2044 | 0x2215 => Fold::To('/'),
        0x2236 => Fold::To(':'),
        0xFF01..=0xFF5E => letter('!', n - 0xFF01),
        0x2460..=0x2468 => digit(0x2460),
        0x2776..=0x277E => digit(0x2776),
        0x2780..=0x2788 => digit(0x2780),
        0x278A..=0x2792 => digit(0x278A),
        0x24F5..=0x24FD => digit(0x24F5),
        0x24EA | 0x24FF => Fold::To('0'),
        0x24B6..=0x24CF => letter('A', n - 0x24B6),
        0x24D0..=0x24E9 => letter('a', n - 0x24D0),
        0x1D400..=0x1D6A3 => match (n - 0x1D400) % 52 {
            capital @ 0..26 => letter('A', capital),
            small => letter('a', small - 26),
        },
        0x1D7CE..=0x1D7FF => char::from_digit((n - 0x1D7CE) % 10, 10).map_or(Fold::Same, Fold::To),
        0x1F130..=0x1F149 => letter('A', n - 0x1F130),
        0x1F150..=0x1F169 => letter('A', n - 0x1F150),
        0x1F170..=0x1F189 => letter('A', n - 0x1F170),
        _ => match raised(c) {
            // One alone is a power, a note or a formula.
            Some(digit) if has_another(text, at, c) => Fold::To(digit),
            Some(_) => Fold::Same,
            None => decimal(n).or_else(|| alike(c, text, at)).map_or(Fold::Same, Fold::To),
        },
    }
}

/// Whether it is a mark on the character before it, of any script that has such.
pub(super) const fn is_combining(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36F}' | '\u{1AB0}'..='\u{1AFF}' | '\u{1DC0}'..='\u{1DFF}' | '\u{20D0}'..='\u{20FF}'
        | '\u{FE20}'..='\u{FE2F}')
}

/// The letter that a letter of ASCII with a mark is.
pub(super) fn composed(letter: char, mark: char) -> Option<char> {
    let row = COMPOSED.binary_search_by_key(&mark, |row| row.0).ok().and_then(|at| COMPOSED.get(at))?;
    let mut pairs = row.1.chars();
    while let (Some(plain), Some(composed)) = (pairs.next(), pairs.next()) {
        if plain == letter {
            return Some(composed);
        }
    }
    None
}

/// A digit of any script.
fn decimal(n: u32) -> Option<char> {
    let next = ZEROS.partition_point(|zero| *zero <= n);
    let zero = next.checked_sub(1).and_then(|at| ZEROS.get(at))?;
    char::from_digit((n - zero).min(10), 10)
}

/// A raised or lowered digit.
fn raised(c: char) -> Option<char> {
    let digit = match c {
        '\u{B9}' => 1,
        '\u{B2}' => 2,
        '\u{B3}' => 3,
        '\u{2070}' | '\u{2074}'..='\u{2079}' => u32::from(c) - 0x2070,
        '\u{2080}'..='\u{2089}' => u32::from(c) - 0x2080,
        _ => return None,
    };
    char::from_digit(digit, 10)
}

/// Whether another raised or lowered digit stands beside the one at `at`.
fn has_another(text: &str, at: usize, c: char) -> bool {
    let before = text.get(..at).and_then(|text| text.chars().next_back());
    let behind = text.get(at + c.len_utf8()..).and_then(|text| text.chars().next());
    [before, behind].into_iter().flatten().any(|c| raised(c).is_some())
}

/// The letter of ASCII that a letter looks like, in a word that has such, too: nobody writes in two scripts at once.
fn alike(c: char, text: &str, at: usize) -> Option<char> {
    let found = ALIKE.binary_search_by_key(&c, |pair| pair.0).ok().and_then(|at| ALIKE.get(at))?;
    let letters = |chars: &mut dyn Iterator<Item = char>| {
        chars.take(WORD_CHARS_MAX).take_while(|c| c.is_alphabetic()).any(|c| c.is_ascii())
    };
    let mixed = letters(&mut text.get(..at)?.chars().rev()) || letters(&mut text.get(at..)?.chars());
    mixed.then_some(found.1)
}

/// How far a word is looked at for letters of ASCII, to each side.
const WORD_CHARS_MAX: usize = 32;

/// Zeros of scripts: the nine behind each are its other digits.
const ZEROS: &[u32] = &[
    0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6, 0x0D66, 0x0DE6,
    0x0E50, 0x0ED0, 0x0F20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90, 0x1B50, 0x1BB0,
    0x1C40, 0x1C50, 0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0x104A0, 0x10D30, 0x11066,
    0x110F0, 0x11136, 0x111D0, 0x112F0, 0x11450, 0x114D0, 0x11650, 0x116C0, 0x11730, 0x118E0, 0x11950,
    0x11C50, 0x11D50, 0x11DA0, 0x16A60, 0x16AC0, 0x16B50, 0x1E140, 0x1E2F0, 0x1E4F0, 0x1E950, 0x1FBF0,
];

/// Marks, and letters of ASCII each with what it is under the mark.
const COMPOSED: &[(char, &str)] = &[
    ('\u{300}', "AÀEÈIÌOÒUÙaàeèiìoòuùNǸnǹWẀwẁYỲyỳ"),
    ('\u{301}', "AÁEÉIÍOÓUÚYÝaáeéiíoóuúyýCĆcćLĹlĺNŃnńRŔrŕSŚsśZŹzźGǴgǵKḰkḱMḾmḿPṔpṕWẂwẃ"),
    ('\u{302}', "AÂEÊIÎOÔUÛaâeêiîoôuûCĈcĉGĜgĝHĤhĥJĴjĵSŜsŝWŴwŵYŶyŷZẐzẑ"),
    ('\u{303}', "AÃNÑOÕaãnñoõIĨiĩUŨuũVṼvṽEẼeẽYỸyỹ"),
    ('\u{304}', "AĀaāEĒeēIĪiīOŌoōUŪuūYȲyȳGḠgḡ"),
    ('\u{306}', "AĂaăEĔeĕGĞgğIĬiĭOŎoŏUŬuŭ"),
    ('\u{307}', "CĊcċEĖeėGĠgġIİZŻzżAȦaȧOȮoȯBḂbḃDḊdḋFḞfḟHḢhḣMṀmṁNṄnṅPṖpṗRṘrṙSṠsṡTṪtṫWẆwẇXẊxẋYẎyẏ"),
    ('\u{308}', "AÄEËIÏOÖUÜaäeëiïoöuüyÿYŸHḦhḧWẄwẅXẌxẍtẗ"),
    ('\u{309}', "AẢaảEẺeẻIỈiỉOỎoỏUỦuủYỶyỷ"),
    ('\u{30A}', "AÅaåUŮuůwẘyẙ"),
    ('\u{30B}', "OŐoőUŰuű"),
    ('\u{30C}', "CČcčDĎdďEĚeěLĽlľNŇnňRŘrřSŠsšTŤtťZŽzžAǍaǎIǏiǐOǑoǒUǓuǔGǦgǧKǨkǩjǰHȞhȟ"),
    ('\u{30F}', "AȀaȁEȄeȅIȈiȉOȌoȍRȐrȑUȔuȕ"),
    ('\u{311}', "AȂaȃEȆeȇIȊiȋOȎoȏRȒrȓUȖuȗ"),
    ('\u{31B}', "OƠoơUƯuư"),
    ('\u{323}', "BḄbḅDḌdḍHḤhḥKḲkḳLḶlḷMṂmṃNṆnṇRṚrṛSṢsṣTṬtṭVṾvṿWẈwẉZẒzẓAẠaạEẸeẹIỊiịOỌoọUỤuụYỴyỵ"),
    ('\u{324}', "UṲuṳ"),
    ('\u{325}', "AḀaḁ"),
    ('\u{326}', "SȘsșTȚtț"),
    ('\u{327}', "CÇcçGĢgģKĶkķLĻlļNŅnņRŖrŗSŞsşTŢtţEȨeȩDḐdḑHḨhḩ"),
    ('\u{328}', "AĄaąEĘeęIĮiįUŲuųOǪoǫ"),
    ('\u{32D}', "DḒdḓEḘeḙLḼlḽNṊnṋTṰtṱUṶuṷ"),
    ('\u{32E}', "HḪhḫ"),
    ('\u{330}', "EḚeḛIḬiḭUṴuṵ"),
    ('\u{331}', "BḆbḇDḎdḏKḴkḵLḺlḻNṈnṉRṞrṟTṮtṯZẔzẕhẖ"),
];

/// Letters of Cyrillic and Greek that look like one of ASCII.
const ALIKE: &[(char, char)] = &[
    ('\u{391}', 'A'),
    ('\u{392}', 'B'),
    ('\u{395}', 'E'),
    ('\u{396}', 'Z'),
    ('\u{397}', 'H'),
    ('\u{399}', 'I'),
    ('\u{39A}', 'K'),
    ('\u{39C}', 'M'),
    ('\u{39D}', 'N'),
    ('\u{39F}', 'O'),
    ('\u{3A1}', 'P'),
    ('\u{3A4}', 'T'),
    ('\u{3A5}', 'Y'),
    ('\u{3A7}', 'X'),
    ('\u{3B9}', 'i'),
    ('\u{3BD}', 'v'),
    ('\u{3BF}', 'o'),
    ('\u{405}', 'S'),
    ('\u{406}', 'I'),
    ('\u{408}', 'J'),
    ('\u{410}', 'A'),
    ('\u{412}', 'B'),
    ('\u{415}', 'E'),
    ('\u{41A}', 'K'),
    ('\u{41C}', 'M'),
    ('\u{41D}', 'H'),
    ('\u{41E}', 'O'),
    ('\u{420}', 'P'),
    ('\u{421}', 'C'),
    ('\u{422}', 'T'),
    ('\u{423}', 'Y'),
    ('\u{425}', 'X'),
    ('\u{430}', 'a'),
    ('\u{435}', 'e'),
    ('\u{43E}', 'o'),
    ('\u{440}', 'p'),
    ('\u{441}', 'c'),
    ('\u{443}', 'y'),
    ('\u{445}', 'x'),
    ('\u{455}', 's'),
    ('\u{456}', 'i'),
    ('\u{458}', 'j'),
    ('\u{4AE}', 'Y'),
    ('\u{4BB}', 'h'),
    ('\u{501}', 'd'),
    ('\u{51B}', 'q'),
    ('\u{51D}', 'w'),
];

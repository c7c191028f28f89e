//! One person: what the evidence adds up to, and whether the person is made up.

use super::Evidence;
use super::records::made_up_throughout;
use crate::inspect::check::date;
use crate::inspect::finding::{Counted, MadeUp, Person};
use crate::inspect::kind::{Kind, Points};
use crate::inspect::known::Standing;
use crate::inspect::marker::Sign;
use crate::inspect::names;

/// Adds up one person's evidence, and writes into the findings what each counted.
pub(super) fn add_up(
    evidence: &mut [Evidence],
    own: &[usize],
    clinical: bool,
    generator: bool,
    standing: &Standing,
    dummy_name: Points,
) -> Person {
    let get = |at: &usize| evidence.get(*at);
    if !generator && !standing.listed && own.iter().filter_map(get).all(says_nothing_of_itself) {
        return add_up_plainly(evidence, own, clinical, standing);
    }
    // What a text alone tells stands for a field only where no number in a text is somebody's.
    let plausible = own.iter().filter_map(get).any(|e| {
        e.free_text
            && !e.whole
            && is_number(e.kind)
            && matches!(e.judged.sign, Sign::None | Sign::HabitWithAnother)
            && !e.shadow
            && !e.suppressed
    });
    let is_field = |e: &Evidence| !e.free_text || (e.whole && !plausible);
    let structured: Vec<&Evidence> =
        own.iter().filter_map(get).filter(|e| is_field(e) && !e.shadow && !e.suppressed).collect();
    // A tax number's range, or a number in a generator's own form, counts as a dummy only beside another sign; of
    // what tells nothing of the person, dates, addresses and traits, there is none.
    // A generator numbers each part of a name that there is: where another part has no number, it says no more than a habit
    // beside another one.
    let is_part = |e: &Evidence| matches!(e.kind, Kind::FamilyName | Kind::GivenName | Kind::FullName);
    let is_plain = |e: &Evidence| {
        is_part(e) && e.judged.sign == Sign::None && e.keys.iter().any(|word| word.chars().count() > 1)
    };
    let is_numbered = |e: &Evidence| is_part(e) && e.judged.sign == Sign::SureWithAnother;
    let all_numbered = structured.iter().any(|e| is_numbered(e)) && !structured.iter().any(|e| is_plain(e));
    let habit_number = structured.iter().any(|e| is_number(e.kind) && e.judged.sign == Sign::Habit);
    let other_sign = structured.iter().filter(|e| e.tells).any(|e| {
        (is_name(e.kind) || is_number(e.kind)) && matches!(e.judged.sign, Sign::Habit | Sign::Sure)
            || e.judged.generated && !e.judged.opaque
    });
    let is_sure =
        |e: &&Evidence| e.tells && (is_name(e.kind) || is_number(e.kind)) && e.judged.sign == Sign::Sure;
    let sure_sign = all_numbered || structured.iter().any(is_sure);
    // Of words that each are somebody's, too, two that differ are a name that is nobody's.
    let is_paired = |e: &Evidence| is_part(e) && e.judged.sign == Sign::HabitWithAnother;
    let mut paired = structured.iter().filter(|e| is_paired(e)).flat_map(|e| e.keys.iter());
    let all_paired = paired.next().is_some_and(|first| paired.any(|word| word != first))
        && structured.iter().filter(|e| is_part(e)).all(|e| is_paired(e) || e.judged.sign == Sign::Habit);
    let habit_name = structured.iter().any(|e| {
        is_part(e)
            && (e.judged.sign == Sign::Habit || e.judged.sign == Sign::SureWithAnother && e.judged.generated)
    });
    let sign = |e: &Evidence| match e.judged.sign {
        Sign::HabitWithAnother if is_name(e.kind) && all_paired => Sign::Habit,
        Sign::HabitWithAnother if is_number(e.kind) && (sure_sign || habit_name || all_paired) => Sign::Habit,
        Sign::HabitWithAnother => Sign::None,
        // A tester's own word needs none.
        Sign::SureWithAnother if is_name(e.kind) && e.judged.generated && !sure_sign => Sign::Habit,
        Sign::SureWithAnother if is_name(e.kind) && habit_number && !sure_sign => Sign::Habit,
        Sign::SureWithAnother if is_name(e.kind) && !sure_sign => Sign::None,
        Sign::SureWithAnother if e.kind == Kind::Ssn && other_sign || sure_sign => Sign::Sure,
        Sign::SureWithAnother => Sign::None,
        Sign::None if e.judged.generated && !e.judged.opaque && sure_sign => Sign::Sure,
        sign => sign,
    };
    // Whoever production knows isn't made up, whatever the values look like.
    let made_up = match standing {
        Standing { real: true, .. } => None,
        standing => {
            made_up_throughout(&structured, &sign, generator).or(standing.listed.then_some(MadeUp::Listed))
        }
    };
    // What a text says is asked of whoever is made up alone: few are, and fields have many words.
    let mut words: Vec<&str> = Vec::new();
    if made_up.is_some() && own.iter().filter_map(get).any(|e| e.free_text) {
        words.extend(structured.iter().flat_map(|e| e.keys.iter().map(String::as_str)));
        words.sort_unstable();
    }
    // A reference may call whom it leads to by somebody else's name.
    let names: Vec<&[String]> = match made_up {
        Some(_) => structured.iter().filter(|e| is_part(e) && !e.refers).map(|e| &*e.keys).collect(),
        None => Vec::new(),
    };
    let is_anothers = |e: &Evidence| {
        let shares = |name: &&[String]| name.iter().any(|word| e.keys.contains(word));
        e.refers
            && e.kind == Kind::FullName
            && sign(e) == Sign::None
            && !names.is_empty()
            && !names.iter().any(shares)
    };
    let in_fields = |k: &String| words.binary_search(&k.as_str()).is_ok();
    let explained =
        |e: &Evidence| e.known || is_field(e) || !e.keys.is_empty() && e.keys.iter().all(in_fields);
    // Whoever a text names besides may be made up by the same rule: then each name and number in it is nobody's.
    let of_texts = || own.iter().filter_map(get).filter(|e| !is_field(e) && !e.shadow && !e.suppressed);
    let nobodys_texts = made_up.is_some()
        && of_texts().any(|e| is_part(e) && e.judged.sign == Sign::Sure)
        && of_texts().filter(|e| is_name(e.kind) || is_number(e.kind)).all(|e| {
            e.judged.opaque
                || e.judged.sign == Sign::Sure
                || is_number(e.kind) && e.judged.sign == Sign::Habit
                || explained(e)
        });
    let (mut heaviest, mut in_shadow) = (Heaviest::default(), Heaviest::default());
    let mut outcome = Vec::with_capacity(own.len());
    for at in own {
        let Some(e) = evidence.get(*at) else { continue };
        let unsure = e.judged.sign == Sign::SureWithAnother && sign(e) == Sign::None;
        let kept = if unsure { e.full } else { e.judged.points };
        let (points, counted) = match (made_up, sign(e)) {
            _ if e.suppressed => (Points(0), Counted::Suppressed),
            (_, Sign::Placeholder) => (kept, Counted::Placeholder),
            (_, Sign::Sure | Sign::Habit) if kept.0 == 0 => (Points(0), Counted::Dummy),
            (Some(MadeUp::Listed), _) if !e.free_text && !standing.clears(*at, e.full.0) => {
                (kept, Counted::Yes)
            }
            (Some(_), _) if is_anothers(e) => (kept, Counted::Yes),
            (Some(rule), _) if !e.free_text || nobodys_texts || explained(e) => {
                (Points(0), Counted::MadeUp(rule))
            }
            (_, Sign::Habit) if is_name(e.kind) => (kept.min(dummy_name), Counted::Dummy),
            _ => (kept, Counted::Yes),
        };
        if e.shadow { &mut in_shadow } else { &mut heaviest }.tell(e.kind, points.0);
        let counted = if e.shadow && counted == Counted::Yes { Counted::Shadow } else { counted };
        outcome.push((*at, points, counted));
    }
    for (at, points, counted) in outcome {
        if let Some(e) = evidence.get_mut(at) {
            e.finding.points = points;
            e.finding.counted = counted;
            e.finding.sign = e.judged.sign;
        }
    }
    heaviest.person(&in_shadow, clinical, made_up, standing)
}

/// Whether a piece of evidence just has its points: its value doesn't say that it is a dummy, and nothing stands in its way.
fn says_nothing_of_itself(e: &Evidence) -> bool {
    e.judged.sign == Sign::None && !e.judged.generated && !e.shadow && !e.suppressed
}

/// The same where every piece of evidence just has its points, as of most people: then nobody is made up.
fn add_up_plainly(evidence: &mut [Evidence], own: &[usize], clinical: bool, standing: &Standing) -> Person {
    let mut heaviest = Heaviest::default();
    for at in own {
        if let Some(e) = evidence.get_mut(*at) {
            heaviest.tell(e.kind, e.judged.points.0);
            e.finding.points = e.judged.points;
            e.finding.counted = Counted::Yes;
            e.finding.sign = Sign::None;
        }
    }
    heaviest.person(&Heaviest::default(), clinical, None, standing)
}

/// The most points that anything of each kind has.
struct Heaviest {
    points: [u16; Kind::ALL.len()],
    /// A bit for each kind that has some: a person has few.
    some: u64,
}

const _: () = assert!(Kind::ALL.len() <= 64, "each kind has its bit");

impl Default for Heaviest {
    fn default() -> Self {
        Self { points: [0; Kind::ALL.len()], some: 0 }
    }
}

impl Heaviest {
    fn tell(&mut self, kind: Kind, points: u16) {
        if let Some(most) = self.points.get_mut(kind as usize) {
            *most = points.max(*most);
            self.some |= u64::from(*most > 0) << (kind as u32);
        }
    }

    fn of(&self, kind: Kind) -> u16 {
        self.points.get(kind as usize).copied().unwrap_or(0)
    }

    /// The kinds that have points.
    fn counted(&self) -> impl Iterator<Item = (Kind, u16)> + '_ {
        let mut left = self.some;
        std::iter::from_fn(move || {
            let kind = Kind::ALL.get(left.trailing_zeros() as usize)?;
            left &= left - 1;
            Some((*kind, self.of(*kind)))
        })
    }

    /// One who has this, and in shadow that besides.
    fn person(
        &self,
        in_shadow: &Self,
        clinical: bool,
        made_up: Option<MadeUp>,
        standing: &Standing,
    ) -> Person {
        let only_opaque_id = self.of(Kind::ResourceId) > 0
            && self
                .counted()
                .all(|(kind, _)| matches!(kind, Kind::ResourceId | Kind::ServiceDate | Kind::Trait));
        let mut with_shadow = Self { ..*in_shadow };
        for (kind, points) in self.counted() {
            with_shadow.tell(kind, points);
        }
        Person {
            points: self.sum(),
            shadow_points: with_shadow.sum(),
            clinical,
            made_up,
            only_opaque_id,
            again: false,
            known_real: standing.real,
            tags: Vec::new(),
            prints: Vec::new(),
        }
    }

    /// Each kind once. A full name stands for its parts, and a relative's name for the relative's.
    fn sum(&self) -> Points {
        let of = |kind| u32::from(self.of(kind));
        let parts = of(Kind::FamilyName) + of(Kind::GivenName);
        let whole = of(Kind::FullName).max(of(Kind::Relative));
        let names = parts + of(Kind::FullName) + of(Kind::Relative);
        let all: u32 = self.counted().map(|(_, points)| u32::from(points)).sum();
        Points(u16::try_from(all - names + parts.max(whole)).unwrap_or(u16::MAX))
    }
}

/// Rules b and c of the marker list.
pub(super) fn made_up(
    structured: &[&Evidence],
    sign: &dyn Fn(&Evidence) -> Sign,
    generator: bool,
) -> Option<MadeUp> {
    let numbers: Vec<&&Evidence> = structured
        .iter()
        .filter(|e| is_number(e.kind) && !is_machines(e) && sign(e) != Sign::Placeholder)
        .filter(|e| !is_nobodys_own(e.kind))
        // What only has the shape of a number may be anything's: where nobody can have it, it is nobody's.
        .filter(|e| e.tells || sign(e) == Sign::None)
        .collect();
    let impossible_name = structured.iter().any(|e| is_name(e.kind) && sign(e) == Sign::Sure);
    let habit_name = structured.iter().any(|e| is_name(e.kind) && sign(e) == Sign::Habit);
    let sure = numbers.iter().any(|e| sign(e) == Sign::Sure);
    // The same dummy in two fields is one habit.
    let mut habits: Vec<&[String]> =
        numbers.iter().filter(|e| sign(e) == Sign::Habit).map(|e| &*e.keys).collect();
    // What isn't asked shows all the same that somebody numbered a test, beside a number that says so, too, and is another: both
    // in letters, since noughts stand there for real people.
    if habits.iter().any(|keys| keys.iter().any(|key| is_worded(key))) {
        let is_other = |e: &Evidence| !numbers.iter().any(|other| same_digits(&e.keys, &other.keys));
        let is_habit = |e: &Evidence| {
            is_nobodys_own(e.kind)
                && e.tells
                && sign(e) == Sign::Habit
                && e.keys.iter().any(|key| is_worded(key))
        };
        let unasked = structured.iter().filter(|e| is_habit(e) && is_other(e));
        habits.extend(unasked.map(|e| &*e.keys));
    }
    habits.sort_unstable();
    habits.dedup();
    if numbers.is_empty() {
        if impossible_name {
            return Some(MadeUp::ValueBorne);
        }
    } else if numbers.iter().all(|e| matches!(sign(e), Sign::Sure | Sign::Habit))
        && (sure || impossible_name || habits.len() + usize::from(habit_name) >= 2)
    {
        return Some(MadeUp::ValueBorne);
    }
    if generator {
        let mut signs: Vec<Kind> = structured
            .iter()
            .filter(|e| e.tells && (sign(e) == Sign::Sure || e.judged.generated && !e.judged.opaque))
            .map(|e| if is_name(e.kind) { Kind::FullName } else { e.kind })
            .collect();
        signs.sort_unstable();
        signs.dedup();
        let unexplained = structured.iter().any(|e| {
            e.full.0 >= 60 && sign(e) == Sign::None && !e.judged.generated && e.judged.points.0 >= 60
        });
        if signs.len() >= 2 && !unexplained {
            return Some(MadeUp::Generator);
        }
    }
    None
}

/// An id that a machine drew, or counted up for what it sent: it can't be told whether a person is behind it.
fn is_machines(e: &Evidence) -> bool {
    e.judged.opaque || (matches!(e.kind, Kind::OtherId | Kind::Account) && e.full.0 < 40)
}

/// Numbers that rule c doesn't ask: what a payer or a ward counts up for each message says nothing of who it is for, and
/// what a test is measured with is a real device.
const fn is_nobodys_own(kind: Kind) -> bool {
    matches!(kind, Kind::ClaimId | Kind::VisitNumber | Kind::Device)
}

/// Whether a number is counted up for what is sent, or drawn for it: it says nothing of who it is for.
pub(super) fn is_of_the_message(e: &Evidence) -> bool {
    is_machines(e) || matches!(e.kind, Kind::VisitNumber | Kind::ClaimId)
}

/// Whether a number has letters, and not as a label alone.
fn is_worded(key: &str) -> bool {
    key.bytes().filter(u8::is_ascii_alphabetic).count() >= WORD_LETTERS_MIN
}

/// Whether two numbers are one in their digits: `TEST-2413` and `TEST02413`.
fn same_digits(one: &[String], other: &[String]) -> bool {
    let digits = |keys: &[String]| -> String {
        let digits = keys.iter().flat_map(|key| key.chars()).filter(char::is_ascii_digit);
        digits.skip_while(|digit| *digit == '0').collect()
    };
    digits(one) == digits(other)
}

/// Fewer letters are a label.
const WORD_LETTERS_MIN: usize = 3;

/// Numbers and contacts, in the sense of rule c and of texts. Vehicles and other numbers are asked, too: a plausible one is
/// somebody's.
pub(super) const fn is_number(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Ssn
            | Kind::Mrn
            | Kind::MemberId
            | Kind::Mbi
            | Kind::NationalId
            | Kind::Account
            | Kind::VisitNumber
            | Kind::DriverLicence
            | Kind::Passport
            | Kind::Phone
            | Kind::Fax
            | Kind::Email
            | Kind::ClaimId
            | Kind::Device
            | Kind::Vehicle
            | Kind::OtherId
    )
}

pub(super) const fn is_name(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::FamilyName | Kind::GivenName | Kind::FullName | Kind::Relative | Kind::MotherMaidenName
    )
}

/// What a value is compared by within the message: its words, or its folded whole.
#[derive(Clone)]
pub(super) enum Keys {
    /// Nothing.
    None,
    /// One: most values are numbers and dates.
    One(String),
    /// Words of a name.
    Words(Vec<String>),
}

impl std::ops::Deref for Keys {
    type Target = [String];

    fn deref(&self) -> &[String] {
        match self {
            Self::None => &[],
            Self::One(key) => std::slice::from_ref(key),
            Self::Words(words) => words,
        }
    }
}

/// A value's words or its folded whole, for comparing within the message.
pub(super) fn keys(kind: Kind, value: &str) -> Keys {
    if is_name(kind) {
        return Keys::Words(names::folded(value));
    }
    let folded: String = if matches!(kind, Kind::BirthDate | Kind::DeathDate | Kind::ServiceDate) {
        match date::parse(value) {
            Some(d) => eight_digits(d),
            None => return Keys::None,
        }
    } else if value.is_ascii() {
        let mut folded = String::with_capacity(value.len());
        let plain = value.bytes().filter(u8::is_ascii_alphanumeric);
        folded.extend(plain.map(|b| char::from(b.to_ascii_lowercase())));
        folded
    } else {
        value.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    if folded.is_empty() { Keys::None } else { Keys::One(folded) }
}

/// `YYYYMMDD`: a one in front keeps the noughts of early years, and is left out.
fn eight_digits(date: date::Date) -> String {
    let number = u32::from(date.year) * 10_000 + u32::from(date.month) * 100 + u32::from(date.day);
    let mut digits = itoa::Buffer::new();
    digits.format(100_000_000 + number).get(1..).unwrap_or_default().to_owned()
}

/// Whether two folded names agree: a middle name may be missing on one side, a family or given name may not. An initial says
/// nothing, but where a name has only one word that is more, all of three words do: `X Y, Bernadette`.
pub(super) fn agree(one: &[String], other: &[String]) -> bool {
    let (short, long) = if one.len() <= other.len() { (one, other) } else { (other, one) };
    let letters_min = match short.iter().filter(|w| w.len() > 1).count() {
        0 => return false,
        1 if short.len() < INITIALED_WORDS_MIN => return false,
        1 => 1,
        _ => 2,
    };
    short.iter().filter(|w| w.len() >= letters_min).all(|w| long.contains(w))
}

/// Fewer words, of which but one is no initial, may be several people's.
const INITIALED_WORDS_MIN: usize = 3;

#[cfg(test)]
mod tests {
    use super::agree;
    use crate::inspect::decode::Budget;
    use crate::inspect::finding::{Counted, Person};
    use crate::inspect::{Inspector, Message, RuleSet};

    /// The only person of a patient with this identifier, and how each finding counts.
    fn patient(number: &str) -> (Person, Vec<(u16, Counted)>) {
        let body = format!(
            r#"{{"resourceType":"Patient","id":"a1","name":[{{"family":"Okonedo"}}],"birthDate":"1974-08-21","identifier":[{{"type":{{"coding":[{{"code":"MR"}}]}},"value":"{number}"}}]}}"#
        );
        let message =
            Message { content_type: "application/fhir+json", body: body.as_bytes(), ..Message::default() };
        let found = Inspector::new(RuleSet::built_in(), Budget::default(), 2026).message(&message);
        let counted = found.findings.iter().map(|f| (f.points.0, f.counted)).collect();
        (found.persons[0].clone(), counted)
    }

    #[test]
    fn who_says_nothing_of_being_made_up_has_the_points_of_the_fields() {
        let (plain, counted) = patient("E08738432");
        assert_eq!(counted, [30, 40, 60].map(|points| (points, Counted::Yes)));
        assert_eq!(plain.points.0, counted.iter().map(|(points, _)| points).sum::<u16>());
        assert_eq!((plain.shadow_points, plain.made_up.is_none()), (plain.points, true));
        // The same person with a dummy number: what the others have is the same.
        let (dummy, with_dummy) = patient("000000000");
        let lost = counted.iter().zip(&with_dummy).filter(|(one, other)| one != other).collect::<Vec<_>>();
        assert_eq!(lost.len(), 1, "{with_dummy:?}");
        assert_eq!(dummy.points.0 + lost[0].0.0, plain.points.0);
    }

    #[test]
    fn names_agree_by_their_words_and_initials_only_where_little_else_is_told() {
        let words = |name: &str| name.split(' ').map(str::to_owned).collect::<Vec<_>>();
        for (one, other) in [
            ("linda miller", "linda ann miller"),
            ("linda a miller", "linda b miller"),
            ("x y bernadette", "x y bernadette louis"),
            ("x y bernadette", "bernadette x y"),
        ] {
            assert!(agree(&words(one), &words(other)) && agree(&words(other), &words(one)), "{one}, {other}");
        }
        for (one, other) in [
            ("linda miller", "ann miller"),
            ("l miller", "l miller"),
            ("l a miller", "l b miller"),
            ("x y bernadette", "x z bernadette"),
            ("x y z", "x y z"),
            ("", ""),
        ] {
            assert!(!agree(&words(one), &words(other)), "{one}, {other}");
        }
    }
}

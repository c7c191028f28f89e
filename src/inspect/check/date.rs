//! Dates as machines and people write them.

/// A calendar date: month and day may be unknown (0).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Date {
    /// Four digits; two-digit years are read as 1930 to 2029.
    pub year: u16,
    /// 1 to 12, or 0 where only the year is told.
    pub month: u8,
    /// 1 to 31, or 0 where it isn't told.
    pub day: u8,
}

/// Reads `YYYY-MM-DD`, `YYYYMMDD[hhmm..]`, `YYYY-MM`, `YYYY`, `MM/DD/YYYY`, `MM-DD-YY`, `DD Mon YYYY`,
/// `Month D, YYYY`; a time behind is passed over. `None` where it is no date.
#[must_use]
pub fn parse(value: &str) -> Option<Date> {
    let v = value.trim();
    if let Some(date) = iso(v.as_bytes()) {
        return date;
    }
    if let Some(date) = day_behind_month(v.as_bytes()) {
        return date;
    }
    let mut found = [(0u32, 0usize); 3];
    let mut count = 0;
    let mut month_word = None;
    let mut rest = v;
    while !rest.is_empty() && count < found.len() {
        let first = rest.chars().next()?;
        let run = |f: fn(char) -> bool| rest.find(|c| !f(c)).unwrap_or(rest.len());
        if first.is_ascii_digit() {
            let (head, tail) = rest.split_at(run(|c| c.is_ascii_digit()));
            // A bare `YYYYMMDD` with whatever time follows it.
            if count == 0 && head.len() >= 8 {
                let year_first = Date::new(
                    head.get(..4)?.parse().ok()?,
                    head.get(4..6)?.parse().ok()?,
                    head.get(6..8)?.parse().ok()?,
                );
                // `MMDDYYYY`: its 19 or 20 is no month.
                return match head.len() {
                    8 => year_first.or(Date::new(
                        head.get(4..)?.parse().ok()?,
                        head.get(..2)?.parse().ok()?,
                        head.get(2..4)?.parse().ok()?,
                    )),
                    _ => year_first,
                };
            }
            if count == 0 && head.len() == 6 && tail.is_empty() {
                return Date::new(head.get(..4)?.parse().ok()?, head.get(4..6)?.parse().ok()?, 0);
            }
            *found.get_mut(count)? = (head.parse().ok()?, head.len());
            count += 1;
            rest = tail;
        } else if first.is_alphabetic() {
            let (head, tail) = rest.split_at(run(char::is_alphabetic));
            match month(head) {
                Some(m) => month_word = Some((m, count)),
                None if count == 0 || matches!(head, "st" | "nd" | "rd" | "th" | "of" | "de" | "del") => {}
                None => break,
            }
            rest = tail;
        } else {
            rest = rest.get(first.len_utf8()..)?;
        }
        if month_word.is_some() && count == 2 {
            break;
        }
    }
    let numbers = found.get(..count)?;
    if let Some((m, before)) = month_word {
        return match numbers {
            [(a, _), (b, len)] if before <= 1 && *a <= 31 => {
                Date::new(year(*b, *len)?, m, u8::try_from(*a).ok()?)
            }
            [(y, 4)] => Date::new(u16::try_from(*y).ok()?, m, 0),
            [(y, 2)] if v.contains('\'') => Date::new(year(*y, 2)?, m, 0),
            _ => None,
        };
    }
    let small = |n: u32| u8::try_from(n).ok();
    match numbers {
        [(y, 4)] => Date::new(u16::try_from(*y).ok()?, 0, 0),
        [(y, 4), (m, 1..=2)] => Date::new(u16::try_from(*y).ok()?, small(*m)?, 0),
        [(y, 4), (m, 1..=2), (d, 1..=2)] => Date::new(u16::try_from(*y).ok()?, small(*m)?, small(*d)?),
        [(a, 1..=2), (b, 1..=2), (y, len @ (2 | 4))] => {
            let y = year(*y, *len)?;
            Date::new(y, small(*a)?, small(*b)?).or_else(|| Date::new(y, small(*b)?, small(*a)?))
        }
        _ => None,
    }
}

/// The date of what begins as `YYYY-MM-DD` or `YYYYMMDD` does, which most dates do; `None` where it begins otherwise.
fn iso(v: &[u8]) -> Option<Option<Date>> {
    if let Some([y1, y2, y3, y4, m1, m2, d1, d2]) = v.first_chunk::<8>()
        && let (Some(year), Some(month), Some(day)) =
            (number(&[*y1, *y2, *y3, *y4]), number(&[*m1, *m2]), number(&[*d1, *d2]))
    {
        let date = Date::new(year, u8::try_from(month).ok()?, u8::try_from(day).ok()?);
        // Eight digits that are none may have the month in front.
        let more = v.get(8).is_some_and(u8::is_ascii_digit);
        return if date.is_some() || more { Some(date) } else { None };
    }
    let (date, behind) = v.split_first_chunk::<10>()?;
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = *date else { return None };
    let (year, month, day) = (number(&[y1, y2, y3, y4])?, number(&[m1, m2])?, number(&[d1, d2])?);
    if behind.first().is_some_and(u8::is_ascii_digit) {
        return None;
    }
    Some(Date::new(year, u8::try_from(month).ok()?, u8::try_from(day).ok()?))
}

/// The date of what begins as `MM/DD/YYYY` or `DD/MM/YYYY` does; `None` where it begins otherwise.
fn day_behind_month(v: &[u8]) -> Option<Option<Date>> {
    let (date, behind) = v.split_first_chunk::<10>()?;
    let [a1, a2, b'/' | b'-', b1, b2, b'/' | b'-', y1, y2, y3, y4] = *date else { return None };
    let (a, b, year) = (number(&[a1, a2])?, number(&[b1, b2])?, number(&[y1, y2, y3, y4])?);
    if behind.first().is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let (a, b) = (u8::try_from(a).ok()?, u8::try_from(b).ok()?);
    Some(Date::new(year, a, b).or_else(|| Date::new(year, b, a)))
}

/// A number of at most four digits; `None` where one is none.
fn number(digits: &[u8]) -> Option<u16> {
    digits.iter().try_fold(0, |n, b| b.is_ascii_digit().then(|| n * 10 + u16::from(b - b'0')))
}

/// Whether numbers with strokes between them have a unit behind them: `12/24/48 h` are hours, and no date.
#[must_use]
pub fn has_unit(value: &str) -> bool {
    let numbers = value.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == '%');
    numbers.len() < value.len()
        && !value.ends_with('Z')
        && numbers.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'/' | b'-' | b' '))
}

/// Whether `value` is a month by name and a day of it, in either order: `March 5th`, `5 Mar`.
#[must_use]
pub fn is_day_of_year(value: &str) -> bool {
    let mut parts = value.split_whitespace();
    let (Some(one), Some(other), None) = (parts.next(), parts.next(), parts.next()) else { return false };
    let day = |text: &str| {
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        digits.parse::<u8>().is_ok_and(|d| (1..=31).contains(&d))
    };
    let month = |text: &str| month(text.trim_end_matches('.')).is_some();
    (month(one) && day(other)) || (day(one) && month(other))
}

/// Whether `value` is a month and a day of it, month first: `3/17`.
#[must_use]
pub fn is_month_day(value: &str) -> bool {
    let Some((month, day)) = value.split_once('/') else { return false };
    let number = |text: &str| text.parse::<u8>().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit()));
    match (number(month), number(day)) {
        (Some(month @ 1..=12), Some(day @ 1..=31)) => month != 2 || day <= 29,
        _ => false,
    }
}

impl Date {
    /// A date of the calendar, 1 to 2199.
    #[must_use]
    pub fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        ((1..2200).contains(&year) && month <= 12 && day <= 31 && (month > 0 || day == 0)).then_some(Self {
            year,
            month,
            day,
        })
    }

    /// Whether only the year is told.
    #[must_use]
    pub const fn is_year(self) -> bool {
        self.month == 0
    }

    /// Whether it stands for "unknown": 1 January of 1900 or 1901, a year before 1850, or one that lies ahead.
    #[must_use]
    pub fn is_placeholder(self, this_year: u16) -> bool {
        self.year < 1850
            || self.year > this_year + 1
            || (matches!(self.year, 1900 | 1901) && self.month <= 1 && self.day <= 1)
    }
}

fn year(n: u32, len: usize) -> Option<u16> {
    let n = u16::try_from(n).ok()?;
    match len {
        4 => Some(n),
        2 if n < 30 => Some(2000 + n),
        2 => Some(1900 + n),
        _ => None,
    }
}

fn month(word: &str) -> Option<u8> {
    const MONTHS: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let word = word.to_lowercase();
    let at = MONTHS
        .iter()
        .position(|m| *m == word || (word.len() >= 3 && word.len() <= 4 && m.starts_with(&word)))
        .or_else(|| FOREIGN_MONTHS.iter().position(|names| names.contains(&word.as_str())))?;
    u8::try_from(at + 1).ok()
}

/// Months as German, Spanish, French, Italian, Portuguese, Dutch and Polish call them, where English doesn't.
const FOREIGN_MONTHS: [&[&str]; 12] = [
    &["januar", "enero", "ene", "janvier", "janv", "gennaio", "gen", "janeiro", "januari", "stycznia"],
    &[
        "februar",
        "febrero",
        "février",
        "fevrier",
        "févr",
        "fév",
        "febbraio",
        "fevereiro",
        "fev",
        "februari",
        "lutego",
    ],
    &["märz", "maerz", "mär", "marzo", "mars", "março", "maart", "mrt", "marca"],
    &["abril", "abr", "avril", "avr", "aprile", "kwietnia"],
    &["mai", "mayo", "maggio", "maio", "mei", "maja"],
    &["juni", "junio", "juin", "giugno", "giu", "junho", "czerwca"],
    &["juli", "julio", "juillet", "juil", "luglio", "lug", "julho", "lipca"],
    &["agosto", "ago", "août", "aout", "augustus", "sierpnia"],
    &["septiembre", "septembre", "settembre", "setembro", "set", "września", "wrzesnia"],
    &[
        "oktober",
        "okt",
        "octubre",
        "octobre",
        "ottobre",
        "ott",
        "outubro",
        "out",
        "października",
        "pazdziernika",
    ],
    &["noviembre", "novembre", "novembro", "listopada"],
    &[
        "dezember",
        "dez",
        "diciembre",
        "dic",
        "décembre",
        "decembre",
        "déc",
        "dicembre",
        "dezembro",
        "grudnia",
    ],
];

/// Whether a date is told by words of numbers, as somebody says it: a month or its number first, and a year last.
#[must_use]
pub fn is_said(value: &str) -> bool {
    let last = value.rsplit([' ', '-']).next().unwrap_or_default();
    value.split([' ', '-']).count() >= 3
        && !value.bytes().any(|b| b.is_ascii_digit())
        && super::digits::is_number_word(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_dates_as_people_write_them() {
        let want = Date::new(1962, 6, 22);
        for v in [
            "1962-06-22",
            "19620622",
            "196206221330",
            "06/22/1962",
            "6-22-62",
            "22 Jun 1962",
            "June 22, 1962",
            "22/06/1962",
            "1962-06-22T10:00:00Z",
            "June 22nd, 1962",
            "22 czerwca 1962",
        ] {
            assert_eq!(parse(v), want, "{v}");
        }
        assert_eq!(parse("1962"), Date::new(1962, 0, 0));
        assert_eq!(parse("1962-06"), Date::new(1962, 6, 0));
    }

    #[test]
    fn what_is_read_at_once_is_read_as_piece_by_piece() {
        let parts = ["06", "22", "13", "31", "00", "6", "1962", "0000", "62", "x2"];
        let tails = ["", " 10:30", "T10:00", "1", "x", "/5", " é"];
        let mut read = 0;
        for (one, two, three) in
            parts.iter().flat_map(|a| parts.map(|b| (a, b))).flat_map(|(a, b)| parts.map(|c| (a, b, c)))
        {
            for (mark, tail) in ["/", "-"].into_iter().flat_map(|mark| tails.map(|tail| (mark, tail))) {
                let date = format!("{one}{mark}{two}{mark}{three}{tail}");
                // With two blanks between its parts it is read piece by piece.
                let slow = format!("{one}  {two}  {three}{tail}");
                if let Some(at_once) = day_behind_month(date.as_bytes()) {
                    assert_eq!(parse(&date), at_once, "{date}");
                    assert_eq!(parse(&slow), at_once, "{date}");
                    read += 1;
                }
            }
        }
        assert!(read > 200, "{read}");
    }

    #[test]
    fn days_of_a_year_need_a_month_and_a_day() {
        assert!(is_day_of_year("March 5th"));
        assert!(is_day_of_year("5 Mar"));
        assert!(is_day_of_year("Sept. 30"));
        for v in ["May 45", "March", "5", "march madness"] {
            assert!(!is_day_of_year(v), "{v}");
        }
    }

    #[test]
    fn months_of_other_languages_are_read() {
        for v in [
            "4. Juni 1937",
            "4 de junio de 1937",
            "4 juin 1937",
            "4 giugno 1937",
            "Friday, June the 4th, 1937",
        ] {
            assert_eq!(parse(v), Date::new(1937, 6, 4), "{v}");
        }
        assert_eq!(parse("14 août 1962"), Date::new(1962, 8, 14));
        assert_eq!(parse("3. März 1958"), Date::new(1958, 3, 3));
        assert_eq!(parse("June '37"), Date::new(1937, 6, 0));
        assert_eq!(parse("June 37"), None);
    }

    #[test]
    fn numbers_with_a_unit_are_told() {
        assert!(has_unit("12/24/48 h") && has_unit("05-10-20mm"));
        for date in ["12/24/48", "1962-06-22T10:00Z", "Mar 5 th", "June 4, 1937"] {
            assert!(!has_unit(date), "{date}");
        }
    }

    #[test]
    fn two_digit_years_with_an_apostrophe_are_read() {
        assert_eq!(parse("Nov 11th '23"), Date::new(2023, 11, 11));
        assert_eq!(parse("03-Mar-58"), Date::new(1958, 3, 3));
    }

    #[test]
    fn refuses_what_is_no_date() {
        for v in ["", "13", "99/99/9999", "hello", "12-345-6789", "1.2.3.4.5x"] {
            assert!(parse(v).is_none_or(|d| v == "1.2.3.4.5x" && d.year < 2100), "{v}");
        }
    }

    #[test]
    fn dates_are_said_by_words() {
        assert!(is_said("six twenty two sixty two") && is_said("June twenty-second nineteen sixty two"));
        assert!(!is_said("the day of birth") && !is_said("6 twenty two") && !is_said("sixty two"));
    }
}

//! Dates of mail headers: written as git does, read liberally.

use super::model::Date;

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];

impl Date {
    /// As the `Date:` line of a mail: `Fri, 5 Jan 2024 03:04:05 +0530`.
    #[must_use]
    pub fn rfc2822(&self) -> String {
        let local = self.seconds.saturating_add(i64::from(self.offset) * 60);
        let days = local.div_euclid(86_400);
        let second = local.rem_euclid(86_400);
        let (year, month, day) = civil_from_days(days);
        let name = DAYS[usize::try_from(days.rem_euclid(7)).unwrap_or(0)];
        let sign = if self.offset < 0 { '-' } else { '+' };
        let zone = self.offset.unsigned_abs();
        format!(
            "{name}, {day} {} {year} {:02}:{:02}:{:02} {sign}{:02}{:02}",
            MONTHS[month - 1],
            second / 3600,
            second / 60 % 60,
            second % 60,
            zone / 60,
            zone % 60
        )
    }

    /// As ISO 8601 has it: `2024-01-05T03:04:05+05:30`.
    #[must_use]
    pub fn iso8601(&self) -> String {
        let local = self.seconds.saturating_add(i64::from(self.offset) * 60);
        let (year, month, day) = civil_from_days(local.div_euclid(86_400));
        let second = local.rem_euclid(86_400);
        let sign = if self.offset < 0 { '-' } else { '+' };
        let zone = self.offset.unsigned_abs();
        format!(
            "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}{sign}{:02}:{:02}",
            second / 3600,
            second / 60 % 60,
            second % 60,
            zone / 60,
            zone % 60
        )
    }

    /// Reads a date: RFC 2822, ISO 8601 (`2024-01-05 03:04:05 +0530`, `2024-01-05T03:04:05Z`, the day alone), git's own
    /// forms (`Fri Jan 5 03:04:05 2024 +0530`, `1704403445 +0530`, `@1704403445 +0530`). A missing time is midnight, a
    /// missing zone UTC. The day's name is not checked.
    #[must_use]
    pub fn parse(text: &str) -> Option<Date> {
        let text = text.split('(').next()?.trim();
        if let Some(date) = raw(text) {
            return Some(date);
        }
        let mut fields = Fields::default();
        for token in text.split([' ', '\t', ',']).filter(|token| !token.is_empty()) {
            fields.take(token)?;
        }
        fields.date()
    }
}

/// Seconds and zone, as git stores them.
fn raw(text: &str) -> Option<Date> {
    let (seconds, zone) = text.strip_prefix('@').unwrap_or(text).split_once(' ')?;
    if !text.starts_with('@') && seconds.len() < 8 {
        return None;
    }
    Some(Date { seconds: seconds.parse().ok()?, offset: zone_minutes(zone.trim())? })
}

/// The parts of a date as they turn up.
#[derive(Default)]
struct Fields {
    year: Option<i64>,
    month: Option<i64>,
    day: Option<i64>,
    time: Option<i64>,
    zone: Option<i32>,
}

impl Fields {
    /// Takes one word; `None` when it means nothing here.
    fn take(&mut self, token: &str) -> Option<()> {
        if let Some((day, time)) = token.split_once('T')
            && day.len() == 10
            && time.contains(':')
        {
            self.take(day)?;
            let at = time.find(['+', '-', 'Z']).unwrap_or(time.len());
            self.time = Some(clock(&time[..at])?);
            if at < time.len() {
                self.zone = Some(zone_minutes(&time[at..])?);
            }
            return Some(());
        }
        if self.time.is_some()
            && self.zone.is_none()
            && let Some(zone) = zone_minutes(token)
        {
            self.zone = Some(zone);
        } else if token.contains(':') {
            self.time = Some(clock(token)?);
        } else if let [year, month, day] = token.split('-').collect::<Vec<_>>()[..] {
            self.year = Some(year.parse().ok().filter(|_| year.len() == 4)?);
            self.month = Some(month.parse().ok()?);
            self.day = Some(day.parse().ok()?);
        } else if let Ok(number) = token.parse::<i64>() {
            match token.len() {
                4 => self.year = Some(number),
                1 | 2 if self.day.is_none() => self.day = Some(number),
                2 => self.year = Some(if number < 70 { 2000 + number } else { 1900 + number }),
                _ => return None,
            }
        } else {
            let is = |name: &str| token.get(..3).is_some_and(|start| start.eq_ignore_ascii_case(name));
            match MONTHS.iter().position(|name| is(name)) {
                Some(at) => self.month = i64::try_from(at + 1).ok(),
                None => {
                    DAYS.iter().find(|name| is(name))?;
                }
            }
        }
        Some(())
    }

    fn date(&self) -> Option<Date> {
        let (year, month, day) = (self.year?, self.month?, self.day?);
        let in_range = (1..=12).contains(&month) && (1..=31).contains(&day) && (0..=9999).contains(&year);
        let offset = self.zone.unwrap_or(0);
        in_range.then(|| Date {
            seconds: days_from_civil(year, month, day) * 86_400 + self.time.unwrap_or(0) - i64::from(offset) * 60,
            offset,
        })
    }
}

/// Seconds since midnight of `03:04` or `03:04:05`, with fractions dropped.
fn clock(text: &str) -> Option<i64> {
    let mut parts = text.split('.').next()?.split(':').map(|part| part.parse::<i64>().ok());
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next().unwrap_or(Some(0))?);
    let fits =
        parts.next().is_none() && (0..24).contains(&hour) && (0..60).contains(&minute) && (0..=60).contains(&second);
    fits.then_some(hour * 3600 + minute * 60 + second)
}

/// Minutes east of UTC of `+0530`, `+05:30`, `Z` and the names that RFC 2822 knows.
fn zone_minutes(text: &str) -> Option<i32> {
    let named = match text {
        "Z" | "UT" | "UTC" | "GMT" => Some(0),
        "EDT" => Some(-4),
        "EST" | "CDT" => Some(-5),
        "CST" | "MDT" => Some(-6),
        "MST" | "PDT" => Some(-7),
        "PST" => Some(-8),
        _ => None,
    };
    if let Some(hours) = named {
        return Some(hours * 60);
    }
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let digits = digits.replace(':', "");
    if !(digits.len() == 4 || digits.len() == 2) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let hours: i32 = digits[..2].parse().ok()?;
    let minutes: i32 = digits.get(2..4).map_or(Some(0), |minutes| minutes.parse().ok())?;
    Some(sign * (hours * 60 + minutes))
}

/// Days since 1970-01-01 of a day of the Gregorian calendar (Howard Hinnant, "chrono-Compatible Low-Level Date
/// Algorithms").
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The inverse of [`days_from_civil`]: year, month from 1, day from 1.
fn civil_from_days(days: i64) -> (i64, usize, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (era * 400 + year + i64::from(month <= 2), usize::try_from(month).unwrap_or(1), day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MOMENT: Date = Date { seconds: 1_704_404_045, offset: 330 };

    #[test]
    fn reads_the_forms_people_write() {
        for text in [
            "Fri, 5 Jan 2024 03:04:05 +0530",
            "5 Jan 2024 03:04:05 +0530",
            "Fri Jan 5 03:04:05 2024 +0530",
            "2024-01-05 03:04:05 +0530",
            "2024-01-05T03:04:05+05:30",
            "2024-01-05 03:04:05.123 +05:30",
            "Fri, 05 Jan 2024 03:04:05 +0530 (IST)",
        ] {
            let read = Date::parse(text);
            assert_eq!(read.map(|date| date.rfc2822()), Some("Fri, 5 Jan 2024 03:04:05 +0530".to_owned()), "{text}");
        }
        assert_eq!(MOMENT.iso8601(), "2024-01-05T03:04:05+05:30");
        assert_eq!(Date::parse("1704404045 +0530"), Some(MOMENT));
        assert_eq!(Date::parse("@0 +0000"), Some(Date { seconds: 0, offset: 0 }));
        assert_eq!(Date::parse("2024-01-05").map(|date| date.seconds), Some(1_704_412_800));
        assert_eq!(Date::parse("Mon, 1 Jul 2002 10:52:37 PDT").map(|date| date.offset), Some(-420));
    }

    #[test]
    fn refuses_what_is_no_date() {
        for text in ["", "yesterday", "2024-13-01", "5 Foo 2024", "12:99 5 Jan 2024"] {
            assert_eq!(Date::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_moment_reads_back(seconds in 0_i64..100_000_000_000, offset in -720_i32..840) {
            let date = Date { seconds, offset };
            prop_assert_eq!(Date::parse(&date.rfc2822()), Some(date));
            prop_assert_eq!(Date::parse(&date.iso8601()), Some(date));
        }
    }
}

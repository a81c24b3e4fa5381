//! Writes dates of mail headers as git does, and reads many forms of them.

use jiff::Timestamp;
use jiff::civil::{self, DateTime};
use jiff::tz::TimeZone;

use super::model::Date;

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];

impl Date {
    /// Returns the nearest date that a commit can have: git counts seconds from 1970 on, in zones less than a day from
    /// UTC, and where the zone's own clock shows 1970 or later. An invalid zone becomes UTC; the moment stays.
    #[must_use]
    pub fn storable(self) -> Date {
        const DAY: u32 = 24 * 60;
        let seconds = self.seconds.max(0);
        let fits = self.offset.unsigned_abs() < DAY && seconds.saturating_add(i64::from(self.offset) * 60) >= 0;
        Date { seconds, offset: if fits { self.offset } else { 0 } }
    }

    /// Formats the `Date:` line of a mail for git: `Fri, 5 Jan 2024 03:04:05 +0530`. For years after 2099 git reads
    /// only its own form, `@4102444800 +0000`; a date that no commit can have is replaced by [`Date::storable`].
    #[must_use]
    pub fn for_mail(&self) -> String {
        const YEAR_2100: i64 = 4_102_444_800;
        let date = self.storable();
        // Neither the zone's clock nor UTC may show a later year.
        if date.seconds.saturating_add(i64::from(date.offset.max(0)) * 60) < YEAR_2100 {
            return date.rfc2822();
        }
        let (sign, hours, minutes) = date.zone();
        format!("@{} {sign}{hours:02}{minutes:02}", date.seconds)
    }

    /// Formats as RFC 2822: `Fri, 5 Jan 2024 03:04:05 +0530`.
    fn rfc2822(self) -> String {
        let (sign, hours, minutes) = self.zone();
        format!("{} {sign}{hours:02}{minutes:02}", self.local().strftime("%a, %-d %b %Y %H:%M:%S"))
    }

    /// Formats as ISO 8601: `2024-01-05T03:04:05+05:30`. A year beyond four digits becomes the last one with four.
    #[must_use]
    pub fn iso8601(&self) -> String {
        let (sign, hours, minutes) = self.zone();
        format!("{}{sign}{hours:02}:{minutes:02}", self.local().strftime("%Y-%m-%dT%H:%M:%S"))
    }

    /// Returns the time on the zone's own clock, or the nearest that the calendar supports.
    fn local(self) -> DateTime {
        let local = self.seconds.saturating_add(i64::from(self.offset) * 60);
        let nearest = local.clamp(Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
        Timestamp::from_second(nearest).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(TimeZone::UTC).datetime()
    }

    /// Returns the zone's sign, hours and minutes.
    fn zone(self) -> (char, u32, u32) {
        let zone = self.offset.unsigned_abs();
        (if self.offset < 0 { '-' } else { '+' }, zone / 60, zone % 60)
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

/// Reads seconds and zone, as git stores them.
fn raw(text: &str) -> Option<Date> {
    let (seconds, zone) = text.strip_prefix('@').unwrap_or(text).split_once(' ')?;
    if !text.starts_with('@') && seconds.len() < 8 {
        return None;
    }
    Some(Date { seconds: seconds.parse().ok()?, offset: zone_minutes(zone.trim())? })
}

/// The parts of a date that were found so far.
#[derive(Default)]
struct Fields {
    year: Option<i64>,
    month: Option<i64>,
    day: Option<i64>,
    time: Option<i64>,
    zone: Option<i32>,
}

impl Fields {
    /// Reads one word; `None` when it means nothing here.
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
        if !(1..=31).contains(&day) || !(0..=9999).contains(&year) {
            return None;
        }
        let offset = self.zone.unwrap_or(0);
        let midnight = days_since_1970(year, month, day)? * 86_400;
        Some(Date { seconds: midnight + self.time.unwrap_or(0) - i64::from(offset) * 60, offset })
    }
}

/// Returns the seconds since midnight of `03:04` or `03:04:05`, without fractions.
fn clock(text: &str) -> Option<i64> {
    let mut parts = text.split('.').next()?.split(':').map(|part| part.parse::<i64>().ok());
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next().unwrap_or(Some(0))?);
    let fits =
        parts.next().is_none() && (0..24).contains(&hour) && (0..60).contains(&minute) && (0..=60).contains(&second);
    fits.then(|| hour * 3600 + minute * 60 + second)
}

/// Returns the minutes east of UTC of `+0530`, `+05:30`, `Z` and the names that RFC 2822 knows.
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

/// Returns the days since 1970-01-01. A day after the end of its month counts into the next month.
fn days_since_1970(year: i64, month: i64, day: i64) -> Option<i64> {
    let narrow = |number: i64| i8::try_from(number).ok();
    let first = civil::Date::new(i16::try_from(year).ok()?, narrow(month)?, 1).ok()?;
    let days = civil::date(1970, 1, 1).until(first).ok()?.get_days();
    Some(i64::from(days) + day - 1)
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
        assert_eq!(Date::parse("2023-02-30"), Date::parse("2023-03-02"));
        assert_eq!(Date::parse("9999-12-31").map(|date| date.seconds), Some(253_402_214_400));
        assert_eq!(Date { seconds: i64::MAX, offset: -90 }.iso8601(), "9999-12-30T22:00:00-01:30");
        assert_eq!(Date { seconds: -1, offset: 0 }.iso8601(), "1969-12-31T23:59:59+00:00");
        assert_eq!(Date::parse("Mon, 1 Jul 2002 10:52:37 PDT").map(|date| date.offset), Some(-420));
    }

    #[test]
    fn refuses_what_is_no_date() {
        for text in [
            "",
            "yesterday",
            "2024-13-01",
            "5 Foo 2024",
            "12:99 5 Jan 2024",
            "2024-01-05 9223372036854775807:00:00",
            "2024-01-05 03:04:05 +99999999999",
            "@9223372036854775808 +0000",
            "5 Jan 9223372036854775807",
        ] {
            assert_eq!(Date::parse(text), None, "{text}");
        }
    }

    #[test]
    fn commits_have_dates_that_git_takes() {
        let of = |seconds, offset| Date { seconds, offset };
        for (date, want, text) in [
            (of(-1, 60), of(0, 60), "Thu, 1 Jan 1970 01:00:00 +0100"),
            (of(i64::MIN, 0), of(0, 0), "Thu, 1 Jan 1970 00:00:00 +0000"),
            (of(5, -300), of(5, 0), "Thu, 1 Jan 1970 00:00:05 +0000"),
            (of(1_704_404_045, 6039), of(1_704_404_045, 0), "Thu, 4 Jan 2024 21:34:05 +0000"),
            (of(4_102_444_799, 0), of(4_102_444_799, 0), "Thu, 31 Dec 2099 23:59:59 +0000"),
            (of(4_102_444_800, -60), of(4_102_444_800, -60), "@4102444800 -0100"),
            (of(4_102_444_799, 60), of(4_102_444_799, 60), "@4102444799 +0100"),
            (of(i64::MAX, -90), of(i64::MAX, -90), "@9223372036854775807 -0130"),
        ] {
            assert_eq!((date.storable(), date.for_mail().as_str()), (want, text));
        }
    }

    proptest! {
        #[test]
        fn any_date_that_is_written_reads_back(seconds in any::<i64>(), offset in any::<i32>()) {
            let date = Date { seconds, offset };
            prop_assert_eq!(Date::parse(&date.for_mail()), Some(date.storable()));
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "[0-9:+@TZ -]{0,40}") {
            let _ = Date::parse(&text);
        }

        #[test]
        fn every_moment_reads_back(seconds in 0_i64..100_000_000_000, offset in -720_i32..840) {
            let date = Date { seconds, offset };
            prop_assert_eq!(Date::parse(&date.rfc2822()), Some(date));
            prop_assert_eq!(Date::parse(&date.iso8601()), Some(date));
        }
    }
}

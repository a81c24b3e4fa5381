//! Formats numbers for people.

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Formats a number of bytes in decimal units with at most two decimal places: `512 B`, `8.7 KB`, `0.81 MB`. A unit is
/// used from a tenth of it on, as is common for download sizes.
#[must_use]
pub fn size(bytes: u64) -> String {
    let units: [(u64, &str); 3] = [(1_000, "KB"), (1_000_000, "MB"), (1_000_000_000, "GB")];
    let Some((unit, name)) = units.into_iter().rfind(|(unit, _)| bytes >= unit / 10) else {
        return format!("{bytes} B");
    };
    if bytes < 1_000 {
        return format!("{bytes} B");
    }
    // Computed in hundredths, rounded half up, with integers: the same text everywhere.
    let hundredths = (u128::from(bytes) * 100 + u128::from(unit) / 2) / u128::from(unit);
    let (whole, rest) = (hundredths / 100, hundredths % 100);
    match whole {
        0 => format!("0.{rest:02} {name}"),
        1..=99 => format!("{whole}.{} {name}", rest / 10),
        _ => format!("{whole} {name}"),
    }
}

/// Returns `1 patch`, `4 patches`: the number with the right form of the word.
#[must_use]
pub fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// Returns how long before `now` the moment `then` was (seconds since 1970): `just now`, `5 minutes ago`, `3 days ago`.
/// A moment in the future, from the clock of another machine, is `just now` too.
#[must_use]
pub fn age(then: i64, now: i64) -> String {
    let seconds = now.saturating_sub(then);
    let units =
        [(365 * DAY, "year"), (30 * DAY, "month"), (7 * DAY, "week"), (DAY, "day"), (HOUR, "hour"), (MINUTE, "minute")];
    // A unit is used from two on: "10 days ago" is more exact than "1 week ago".
    let unit =
        units.iter().find(|(unit, name)| seconds >= unit * if *name == "week" || *name == "month" { 2 } else { 1 });
    match unit {
        None => "just now".to_owned(),
        Some((unit, name)) if seconds / unit == 1 => format!("1 {name} ago"),
        Some((unit, name)) => format!("{} {name}s ago", seconds / unit),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        let cases: [(u64, &str); 9] = [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 KB"),
            (8_704, "8.7 KB"),
            (99_949, "99.9 KB"),
            (810_000, "0.81 MB"),
            (2_400_000, "2.4 MB"),
            (41_000_000, "41.0 MB"),
            (u64::MAX, "18446744073 GB"),
        ];
        for (bytes, text) in cases {
            assert_eq!(size(bytes), text, "{bytes}");
        }
    }

    #[test]
    fn plurals() {
        assert_eq!(count(1, "patch", "patches"), "1 patch");
        assert_eq!(count(0, "patch", "patches"), "0 patches");
        assert_eq!(count(4, "patch", "patches"), "4 patches");
    }

    #[test]
    fn ages() {
        let cases = [
            (-100, "just now"),
            (59, "just now"),
            (60, "1 minute ago"),
            (2 * HOUR, "2 hours ago"),
            (25 * HOUR, "1 day ago"),
            (3 * DAY, "3 days ago"),
            (10 * DAY, "10 days ago"),
            (15 * DAY, "2 weeks ago"),
            (45 * DAY, "6 weeks ago"),
            (70 * DAY, "2 months ago"),
            (370 * DAY, "1 year ago"),
        ];
        for (seconds, text) in cases {
            assert_eq!(age(1_000_000_000, 1_000_000_000 + seconds), text, "{seconds}");
        }
        assert_eq!(age(i64::MIN, i64::MAX), age(0, i64::MAX));
    }
}

//! Computes the values of placeholders from the data of a pin.

use crate::patch::Date;

/// Returns `version` from its first number that a point and a digit follow (`ray-1.11.0`: `1.11.0`).
///
/// # Errors
/// What is wrong with a version that is only an id or a word, or that counts commits after a tag.
pub fn semver(version: &str) -> Result<&str, &'static str> {
    if counts_commits(version) {
        return Err("which counts commits on top of a tag");
    }
    let bytes = version.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let digits = bytes[at..].iter().take_while(|b| b.is_ascii_digit()).count();
        let behind = &bytes[at + digits..];
        if digits > 0 && behind.first() == Some(&b'.') && behind.get(1).is_some_and(u8::is_ascii_digit) {
            return Ok(&version[at..]);
        }
        at += digits.max(1);
    }
    Err("which has no number like 1.2 in it")
}

/// Checks whether `version` has the form of `git describe` for a commit after a tag: `TAG-N-gID`.
fn counts_commits(version: &str) -> bool {
    let mut parts = version.rsplitn(3, '-');
    let (Some(id), Some(count), Some(_tag)) = (parts.next(), parts.next(), parts.next()) else { return false };
    let is_id = id.strip_prefix('g').is_some_and(|id| id.len() >= 4 && id.bytes().all(|b| b.is_ascii_hexdigit()));
    is_id && !count.is_empty() && count.bytes().all(|b| b.is_ascii_digit())
}

/// Returns `YYYYMMDD` in the time zone of the date.
pub(super) fn day(date: Date) -> Option<String> {
    let local = date.seconds.checked_add(i64::from(date.offset) * 60)?;
    let moment = jiff::Timestamp::from_second(local).ok()?.to_zoned(jiff::tz::TimeZone::UTC);
    (moment.year() >= 0).then(|| format!("{:04}{:02}{:02}", moment.year(), moment.month(), moment.day()))
}

/// Returns `{built}`: the day in UTC of a build at `seconds` since 1970, `YYYYMMDD`; empty for a time beyond the
/// calendar.
#[must_use]
pub fn build_day(seconds: i64) -> String {
    day(Date { seconds, offset: 0 }).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn semver_is_the_first_number_with_a_point() {
        for (version, wanted) in [
            ("v1.6.1", "1.6.1"),
            ("v1.7.0-rc.0", "1.7.0-rc.0"),
            ("1.11", "1.11"),
            ("k8s-v1.22.3+build", "1.22.3+build"),
            ("v1.6-4-gnone", "1.6-4-gnone"),
        ] {
            assert_eq!(semver(version), Ok(wanted));
        }
        for version in ["0611aa04", "v1.6.1-254-g0611aa04", "nightly", "v7", "v1.", "", "1..2"] {
            assert!(semver(version).is_err(), "{version}");
        }
    }
}

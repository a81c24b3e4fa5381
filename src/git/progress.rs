//! Reads git's standard error: progress reports, and lines to keep.

use super::url::without_password;
use crate::path::printable;

/// The largest number of lines of a run that are kept; a server may send any number.
const KEPT: usize = 40;

/// A progress report of git.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// What is being counted, in git's words (`Receiving objects`, `remote: Compressing objects`), printable.
    pub what: String,
    /// How many are done.
    pub done: u64,
    /// How many there are in all, if git says.
    pub total: Option<u64>,
    /// How many bytes were received so far, if git says.
    pub bytes: Option<u64>,
}

/// Splits standard error into lines as it arrives.
#[derive(Debug, Default)]
pub(super) struct Lines {
    rest: Vec<u8>,
    kept: Vec<String>,
}

impl Lines {
    /// Adds the next bytes; calls `progress` for each report in them.
    pub(super) fn push(&mut self, bytes: &[u8], progress: &mut dyn FnMut(Progress)) {
        for &byte in bytes {
            if byte == b'\n' || byte == b'\r' {
                self.line(progress);
            } else if self.rest.len() < 4096 {
                self.rest.push(byte);
            }
        }
    }

    /// Handles the rest after the last line end.
    pub(super) fn finish(&mut self, progress: &mut dyn FnMut(Progress)) {
        self.line(progress);
    }

    /// Returns the lines kept so far, printable.
    pub(super) fn kept(&self) -> &[String] {
        &self.kept
    }

    /// Returns the kept lines, printable.
    pub(super) fn into_notes(self) -> Vec<String> {
        self.kept
    }

    fn line(&mut self, progress: &mut dyn FnMut(Progress)) {
        let line = String::from_utf8_lossy(&std::mem::take(&mut self.rest)).into_owned();
        // git pads a server's lines with an escape sequence that erases the rest of a screen line.
        let line = line.replace("\x1b[K", "");
        if let Some(report) = parse_progress(&line) {
            progress(report);
        } else if !is_noise(line.trim()) && self.kept.len() < KEPT {
            self.kept.push(printable(hide_passwords(line.trim_end()).as_bytes()));
        }
    }
}

/// Parses `Receiving objects:  45% (123/456), 1.20 MiB | 2.00 MiB/s` and `Enumerating objects: 17, done.`
fn parse_progress(line: &str) -> Option<Progress> {
    let (server, text) = match line.strip_prefix("remote: ") {
        Some(text) => (true, text),
        None => (false, line),
    };
    let (what, rest) = text.split_once(": ")?;
    let of_git = ["Enumerating", "Counting", "Compressing", "Receiving", "Resolving", "Unpacking", "Updating", "Total"];
    if !of_git.iter().any(|word| what.starts_with(word)) {
        return None;
    }
    let rest = rest.trim_start();
    let number = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>().parse::<u64>().ok();
    let (done, total) = match rest.split_once('(').and_then(|(_, counts)| counts.split_once('/')) {
        Some((done, total)) => (number(done)?, number(total)),
        None => (number(rest)?, None),
    };
    let bytes = rest.split_once("), ").and_then(|(_, size)| parse_size(size));
    let what = printable(what.as_bytes());
    Some(Progress { what: if server { format!("remote: {what}") } else { what }, done, total, bytes })
}

/// Parses `1.20 MiB …` into bytes.
fn parse_size(text: &str) -> Option<u64> {
    let mut words = text.split([' ', ',', '|']).filter(|word| !word.is_empty());
    let (whole, fraction) = words.next().map(|number| number.split_once('.').unwrap_or((number, "")))?;
    let unit = match words.next()? {
        "bytes" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1_u64 << 30,
        _ => return None,
    };
    let hundredths = format!("{fraction:0<2}").get(..2)?.parse::<u64>().ok()?;
    Some(whole.parse::<u64>().ok()? * unit + hundredths * unit / 100)
}

/// Checks whether a line says nothing about the cause of a failure.
fn is_noise(line: &str) -> bool {
    let starts = [
        "remote: Total ",
        "From ",
        "* branch ",
        "* [new ",
        "* tag ",
        "= [up to date]",
        "- [deleted]",
        "hint:",
        "remote: ====",
        "Please make sure you have the correct access rights",
        "and the repository exists.",
    ];
    line.is_empty() || line == "remote:" || starts.iter().any(|start| line.starts_with(start))
}

/// Hides passwords in a line: the user's settings may replace our url with one that contains a secret.
fn hide_passwords(line: &str) -> String {
    let words = line.split(' ').map(|word| match word.find("://") {
        Some(at) => {
            let start = word[..at].rfind(|c: char| !c.is_ascii_alphanumeric()).map_or(0, |at| at + 1);
            format!("{}{}", &word[..start], without_password(&word[start..]))
        }
        None => word.to_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_and_notes_are_told_apart() {
        let mut reports = Vec::new();
        let mut lines = Lines::default();
        let text = "remote: Enumerating objects: 17, done.        \n\
                    remote: Counting objects:  50% (1/2)\x1b[K\rReceiving objects:  45% (5/11), 1.25 MiB | 2.00 MiB/s\r\
                    From http://x/y\n * branch  abc -> FETCH_HEAD\nremote: \x1b[31mno\n\
                    fatal: unable to access 'https://me:secret@x/y/': gone";
        for piece in text.as_bytes().chunks(7) {
            lines.push(piece, &mut |report| reports.push(report));
        }
        lines.finish(&mut |report| reports.push(report));
        let seen: Vec<_> = reports.iter().map(|r| (r.what.as_str(), r.done, r.total, r.bytes)).collect();
        assert_eq!(seen[0], ("remote: Enumerating objects", 17, None, None));
        assert_eq!(seen[1], ("remote: Counting objects", 1, Some(2), None));
        assert_eq!(seen[2], ("Receiving objects", 5, Some(11), Some((1 << 20) + (1 << 18))));
        assert_eq!(lines.into_notes(), ["remote: \\x1b[31mno", "fatal: unable to access 'https://me:…@x/y/': gone"]);
    }
}

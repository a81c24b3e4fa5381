//! Reads and edits the `series` file of a quilt queue: the patches, their order, and how many leading folders to strip.
//! Comments, blank lines and layout survive every edit; an unchanged file prints the same bytes.

use bstr::{BStr, BString, ByteSlice, ByteVec};

use super::parse::trim;
use super::strip::Strip;
use crate::path::printable;

/// The name of the file.
pub const SERIES: &str = "series";

/// A `series` file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Series {
    lines: Vec<SeriesLine>,
}

/// A line as written, and its entry.
#[derive(Debug, Clone, PartialEq, Eq)]
struct SeriesLine {
    /// With its line end.
    text: BString,
    entry: Option<Entry>,
}

/// One patch of a series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The patch's file name.
    pub name: BString,
    /// How many leading folders are removed from its paths (`-pN`).
    pub strip: Strip,
    /// The line of the series file, from 1, when it was read.
    pub line: usize,
}

/// An error in a line of a series file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {kind}")]
pub struct SeriesError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub kind: SeriesErrorKind,
}

/// The kind of error in a line of a series file. Quoted text is printable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SeriesErrorKind {
    /// An option other than `-pN`.
    #[error("the option '{0}' is not supported; only -pN is")]
    Option(String),
    /// `-p` without a number.
    #[error("'{0}' is not a number of leading folders; expected -p0, -p1, …")]
    Strip(String),
    /// A name that no patch of the folder can have.
    #[error("'{0}' is not a file name of this folder")]
    Name(String),
    /// The same patch twice.
    #[error("'{name}' is on line {first} already")]
    Twice {
        /// The name.
        name: String,
        /// Its first line.
        first: usize,
    },
}

impl Series {
    /// Reads a series file.
    ///
    /// # Errors
    /// [`SeriesError`] for the first invalid line.
    pub fn parse(bytes: &[u8]) -> Result<Series, SeriesError> {
        let (series, errors) = Series::read(bytes);
        errors.into_iter().next().map_or(Ok(series), Err)
    }

    /// Reads a series file as far as possible, with all errors in the order of the lines. A line with an error has no
    /// entry.
    #[must_use]
    pub fn read(bytes: &[u8]) -> (Series, Vec<SeriesError>) {
        let mut series = Series::default();
        let mut errors = Vec::new();
        for (index, text) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
            let line = index + 1;
            let entry = entry(text, line).and_then(|entry| series.unless_known(entry));
            let entry = entry.unwrap_or_else(|kind| {
                errors.push(SeriesError { line, kind });
                None
            });
            series.lines.push(SeriesLine { text: BString::from(text), entry });
        }
        (series, errors)
    }

    fn unless_known(&self, entry: Option<Entry>) -> Result<Option<Entry>, SeriesErrorKind> {
        let Some(entry) = entry else { return Ok(None) };
        match self.entries().find(|known| known.name == entry.name) {
            Some(first) => Err(SeriesErrorKind::Twice { name: printable(&entry.name), first: first.line }),
            None => Ok(Some(entry)),
        }
    }

    /// Makes a series of these patches, one per line.
    #[must_use]
    pub fn of<'a>(names: impl IntoIterator<Item = &'a BStr>) -> Series {
        Series { lines: names.into_iter().map(fresh).collect() }
    }

    /// Returns the file's bytes.
    #[must_use]
    pub fn print(&self) -> Vec<u8> {
        self.lines.iter().flat_map(|line| line.text.iter().copied()).collect()
    }

    /// Returns the patches in order.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.lines.iter().filter_map(|line| line.entry.as_ref())
    }

    /// Inserts `name` on a line of its own directly after the entry `after`; `None`: before the first entry. Returns
    /// `false` when there is no such entry. The new line has no options (`-p1`).
    pub fn insert_after(&mut self, after: Option<&BStr>, name: &BStr) -> bool {
        let at = match after {
            Some(after) => self.find(after).map(|at| at + 1),
            None => Some(self.lines.iter().position(|line| line.entry.is_some()).unwrap_or(self.lines.len())),
        };
        let Some(at) = at else { return false };
        self.insert(at, name);
        true
    }

    /// Adds `-pN` to the line of the entry `name`, which has none. Returns `false` when there is no such entry.
    pub fn set_strip(&mut self, name: &BStr, folders: u32) -> bool {
        let Some(at) = self.find(name) else { return false };
        let line = &mut self.lines[at];
        if let Some(entry) = line.entry.as_mut().filter(|entry| entry.strip == Strip::Default) {
            entry.strip = Strip::Explicit(folders);
            let behind_name = line.text.find(name).map_or(0, |start| start + name.len());
            line.text.insert_str(behind_name, format!(" -p{folders}"));
        }
        true
    }

    /// Removes the `-pN` of the entry `name`, so that it means `-p1`; the rest of the line stays. Returns `false` when
    /// there is no such entry.
    pub fn clear_strip(&mut self, name: &BStr) -> bool {
        let Some(at) = self.find(name) else { return false };
        let line = &mut self.lines[at];
        if let Some(entry) = line.entry.as_mut().filter(|entry| entry.strip.folders() != 1) {
            entry.strip = Strip::Default;
            let behind_name = line.text.find(name).map_or(0, |start| start + name.len());
            let rest = &line.text[behind_name..];
            let number = rest.find("-p").map_or(0, |option| option + 2);
            let blanks = rest[number..].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
            let digits = rest[number + blanks..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            line.text.drain(behind_name..behind_name + number + blanks + digits);
        }
        true
    }

    /// Adds `name` after the last entry.
    pub fn push(&mut self, name: &BStr) {
        let at = self.lines.iter().rposition(|line| line.entry.is_some()).map_or(self.lines.len(), |at| at + 1);
        self.insert(at, name);
    }

    /// Removes the line of `name`. Returns `false` when there is none.
    pub fn remove(&mut self, name: &BStr) -> bool {
        let at = self.find(name);
        if let Some(at) = at {
            self.lines.remove(at);
        }
        at.is_some()
    }

    /// Renames the entry `old`; its options and comment stay. Returns `false` when there is none.
    pub fn rename(&mut self, old: &BStr, new: &BStr) -> bool {
        let Some(line) = self.find(old).and_then(|at| self.lines.get_mut(at)) else { return false };
        if let (Some(entry), Some(at)) = (line.entry.as_mut(), line.text.find(old)) {
            entry.name = new.to_owned();
            let end = at + old.len();
            line.text = BString::from([&line.text[..at], new.as_bytes(), &line.text[end..]].concat());
        }
        true
    }

    /// Sorts the entries into this order; names that are not in `order` are removed, and names that are not in the
    /// series get a line. Comment lines stay where they are, between the places of entries.
    pub fn reorder(&mut self, order: &[&BStr]) {
        let mut taken: Vec<SeriesLine> = Vec::new();
        let mut slots = Vec::new();
        for (at, line) in self.lines.iter().enumerate() {
            if line.entry.is_some() {
                taken.push(line.clone());
                slots.push(at);
            }
        }
        let mut wanted = order.iter().map(|name| {
            let known = taken.iter().find(|line| line.entry.as_ref().is_some_and(|entry| entry.name == **name));
            known.cloned().map(with_end).unwrap_or_else(|| fresh(name))
        });
        for &at in &slots {
            match wanted.next() {
                Some(line) => self.lines[at] = line,
                None => self.lines[at].text.clear(),
            }
        }
        let rest: Vec<SeriesLine> = wanted.collect();
        let end = slots.last().map_or(self.lines.len(), |at| at + 1);
        if let Some(last) = end.checked_sub(1).and_then(|at| self.lines.get_mut(at))
            && !rest.is_empty()
        {
            *last = with_end(last.clone());
        }
        self.lines.splice(end..end, rest);
        self.lines.retain(|line| !line.text.is_empty());
    }

    fn find(&self, name: &BStr) -> Option<usize> {
        self.lines.iter().position(|line| line.entry.as_ref().is_some_and(|entry| entry.name == name))
    }

    fn insert(&mut self, at: usize, name: &BStr) {
        if let Some(before) = at.checked_sub(1).and_then(|at| self.lines.get_mut(at)) {
            *before = with_end(before.clone());
        }
        self.lines.insert(at, fresh(name));
    }
}

/// Makes a new line for a patch.
fn fresh(name: &BStr) -> SeriesLine {
    let text = BString::from([name.as_bytes(), b"\n"].concat());
    SeriesLine { text, entry: Some(Entry { name: name.to_owned(), strip: Strip::Default, line: 0 }) }
}

/// Returns the line with a line feed at its end.
fn with_end(mut line: SeriesLine) -> SeriesLine {
    if !line.text.ends_with(b"\n") {
        line.text.push(b'\n');
    }
    line
}

/// Reads `name [-pN] [# comment]`.
fn entry(text: &[u8], line: usize) -> Result<Option<Entry>, SeriesErrorKind> {
    let text = trim(text);
    let mut words = text.fields();
    let Some(name) = words.next().filter(|name| !name.starts_with(b"#")) else { return Ok(None) };
    let is_plain =
        !name.contains(&b'/') && !name.contains(&b'\\') && !name.starts_with(b".") && !name.starts_with(b"-");
    // A name that cannot be shown as it is cannot be written in a message or a text file.
    if !is_plain || name == SERIES.as_bytes() || printable(name).as_bytes() != name {
        return Err(SeriesErrorKind::Name(printable(name)));
    }
    let mut strip = Strip::Default;
    while let Some(word) = words.next().filter(|word| !word.starts_with(b"#")) {
        let Some(number) = word.strip_prefix(b"-p") else { return Err(SeriesErrorKind::Option(printable(word))) };
        let number = if number.is_empty() { words.next().unwrap_or_default() } else { number };
        // Quilt knows -pab as another name of -p1.
        strip = match number {
            b"ab" => Strip::Explicit(1),
            digits => digits
                .to_str()
                .ok()
                .and_then(|digits| digits.parse().ok())
                .map(Strip::Explicit)
                .ok_or_else(|| SeriesErrorKind::Strip(printable(word)))?,
        };
    }
    Ok(Some(Entry { name: BString::from(name), strip, line }))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const TEXT: &str = "# our queue\n\nfix-a.patch\n  fix-b.patch -p0   # odd one\n#fix-old.patch\nfix-c.patch -p 2";

    fn edited(edit: impl FnOnce(&mut Series)) -> String {
        let mut series = Series::parse(TEXT.as_bytes()).unwrap();
        edit(&mut series);
        String::from_utf8(series.print()).unwrap()
    }

    #[test]
    fn an_option_goes_and_the_comment_stays() {
        let text = edited(|series| {
            assert!(series.clear_strip("fix-b.patch".into()) && series.clear_strip("fix-c.patch".into()));
            assert!(series.clear_strip("fix-a.patch".into()) && !series.clear_strip("fix-z.patch".into()));
        });
        assert_eq!(text, "# our queue\n\nfix-a.patch\n  fix-b.patch   # odd one\n#fix-old.patch\nfix-c.patch");
    }

    #[test]
    fn an_option_is_said_behind_the_name() {
        let text = edited(|series| {
            assert!(series.set_strip("fix-a.patch".into(), 1) && !series.set_strip("fix-z.patch".into(), 1));
            // A value that the line already has is accepted.
            assert!(series.set_strip("fix-b.patch".into(), 3));
        });
        assert_eq!(text, TEXT.replace("fix-a.patch", "fix-a.patch -p1"));
        let mut series = Series::of(["a.patch".into(), "b.patch".into()]);
        assert!(series.set_strip("b.patch".into(), 0));
        assert_eq!(series.print(), b"a.patch\nb.patch -p0\n");
        let read = Series::parse(&series.print()).unwrap();
        assert_eq!(read.entries().map(|e| e.strip).collect::<Vec<_>>(), [Strip::Default, Strip::Explicit(0)]);
    }

    #[test]
    fn untouched_files_keep_their_bytes() {
        let series = Series::parse(TEXT.as_bytes()).unwrap();
        assert_eq!(series.print(), TEXT.as_bytes());
        let entries: Vec<(String, Strip, usize)> =
            series.entries().map(|e| (e.name.to_string(), e.strip, e.line)).collect();
        let want = [
            ("fix-a.patch", Strip::Default, 3),
            ("fix-b.patch", Strip::Explicit(0), 4),
            ("fix-c.patch", Strip::Explicit(2), 6),
        ];
        assert_eq!(entries, want.map(|(name, strip, line)| (name.to_owned(), strip, line)));
    }

    #[test]
    fn edits_keep_comments() {
        assert_eq!(
            edited(|s| assert!(s.insert_after(Some("fix-a.patch".into()), "n".into()))),
            TEXT.replace("fix-a.patch\n", "fix-a.patch\nn\n")
        );
        assert_eq!(
            edited(|s| assert!(s.insert_after(None, "n".into()))),
            TEXT.replace("fix-a.patch\n", "n\nfix-a.patch\n")
        );
        assert_eq!(edited(|s| s.push("n".into())), format!("{TEXT}\nn\n"));
        assert_eq!(
            edited(|s| assert!(s.remove("fix-b.patch".into()))),
            TEXT.replace("  fix-b.patch -p0   # odd one\n", "")
        );
        assert_eq!(edited(|s| assert!(s.rename("fix-b.patch".into(), "x".into()))), TEXT.replace("fix-b.patch", "x"));
        assert_eq!(edited(|s| assert!(!s.remove("none".into()) && !s.rename("none".into(), "x".into()))), TEXT);
    }

    #[test]
    fn orders_change_between_the_comments() {
        let same = ["fix-a.patch", "fix-b.patch", "fix-c.patch"].map(BStr::new);
        assert_eq!(edited(|s| s.reorder(&same)), format!("{TEXT}\n").as_str());
        let swapped = edited(|s| s.reorder(&["fix-c.patch", "fix-a.patch", "n"].map(BStr::new)));
        assert_eq!(swapped, "# our queue\n\nfix-c.patch -p 2\nfix-a.patch\n#fix-old.patch\nn\n");
        assert_eq!(edited(|s| s.reorder(&[])), "# our queue\n\n#fix-old.patch\n");
    }

    #[test]
    fn all_mistakes_are_listed_and_the_rest_is_read() {
        let (series, errors) = Series::read(b"a/b\nok -pab\nx -R\nok\nlast");
        assert_eq!(errors.iter().map(|error| error.line).collect::<Vec<_>>(), [1, 3, 4]);
        assert_eq!(
            series.entries().map(|e| (e.name.to_string(), e.strip)).collect::<Vec<_>>(),
            [("ok".to_owned(), Strip::Explicit(1)), ("last".to_owned(), Strip::Default)]
        );
    }

    #[test]
    fn names_and_options_that_are_refused() {
        for (bad, line) in [
            ("a/b\n", 1),
            ("a\\b\n", 1),
            (".a\n", 1),
            ("series\n", 1),
            ("a\x1b\n", 1),
            ("ok\n..\n", 2),
            ("-x\n", 1),
            ("a -R\n", 1),
            ("a -pX\n", 1),
            ("a\n\na\n", 3),
        ] {
            assert_eq!(Series::parse(bad.as_bytes()).map_err(|error| error.line), Err(line), "{bad}");
        }
    }
}

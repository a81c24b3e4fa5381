//! Splits a patch file into lines.

/// The lines of a text with their line ends.
pub(crate) struct Lines<'a> {
    all: Vec<&'a [u8]>,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(text: &'a [u8]) -> Lines<'a> {
        Lines { all: text.split_inclusive(|byte| *byte == b'\n').collect() }
    }

    pub(crate) fn count(&self) -> usize {
        self.all.len()
    }

    /// Returns the line at `index` (from 0) with its end; `None` past the end of the text.
    pub(crate) fn full(&self, index: usize) -> Option<&'a [u8]> {
        self.all.get(index).copied()
    }

    /// Returns the line at `index` (from 0) without its end; empty past the end of the text.
    pub(crate) fn get(&self, index: usize) -> &'a [u8] {
        self.full(index).map_or(b"".as_slice(), without_end)
    }

    /// Returns how many bytes are before the line at `index`.
    pub(crate) fn offset(&self, index: usize) -> usize {
        self.all.iter().take(index).map(|line| line.len()).sum()
    }
}

/// Returns a line without its line feed, and without the carriage return before that.
pub(crate) fn without_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Checks whether git treats the byte as white space.
pub(crate) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Removes white space at the end.
pub(crate) fn trim_end(mut line: &[u8]) -> &[u8] {
    while let [rest @ .., last] = line
        && is_space(*last)
    {
        line = rest;
    }
    line
}

/// Removes white space at both ends.
pub(crate) fn trim(line: &[u8]) -> &[u8] {
    let mut line = trim_end(line);
    while let [first, rest @ ..] = line
        && is_space(*first)
    {
        line = rest;
    }
    line
}

//! Matches a path against one pattern of an ignore file (gitignore(5)).
//!
//! Patterns are untrusted input. A pattern is parsed once into steps, and the path is read once with all steps at which
//! the match may be. So the work is at most the length of the path times that of the pattern.

use bstr::ByteSlice;

/// A parsed pattern.
#[derive(Debug, Clone)]
pub struct PathPattern {
    steps: Vec<Step>,
}

/// A part of a pattern, and what it matches.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// This byte.
    Byte(u8),
    /// Any byte but a slash.
    Any,
    /// One of these, but no slash.
    One(Members),
    /// `*`: any number of bytes but slashes.
    Some,
    /// `**/`: any number of folders.
    Folders,
    /// `/**` at the end: all that follows.
    Rest,
}

/// A set of bytes.
#[derive(Debug, Clone, Copy, Default)]
struct Members([u64; 4]);

impl Members {
    const fn add(&mut self, byte: u8) {
        self.0[byte as usize / 64] |= 1 << (byte % 64);
    }

    const fn has(&self, byte: u8) -> bool {
        self.0[byte as usize / 64] & (1 << (byte % 64)) != 0
    }

    fn others(self) -> Members {
        Members(self.0.map(|bits| !bits))
    }
}

impl PathPattern {
    /// Parses a pattern without the extra syntax of an ignore file's line; `None`: nothing can match it. `of_path`: it
    /// is matched against whole paths. git compares the literal beginning of such a pattern separately, and so a `**`
    /// right after it counts as `**` alone between slashes: `a**/b` matches `ab` and `a/x/b`.
    #[must_use]
    pub fn parse(mut pattern: &[u8], of_path: bool) -> Option<PathPattern> {
        let mut steps = Vec::new();
        let (mut begins_part, mut plain) = (true, of_path);
        while let Some((&first, rest)) = pattern.split_first() {
            let (step, used) = match first {
                b'*' => {
                    let stars = pattern.iter().take_while(|byte| **byte == b'*').count();
                    match &pattern[stars..] {
                        [] if stars > 1 && begins_part => (Step::Rest, stars),
                        [b'/', ..] if stars > 1 && begins_part => (Step::Folders, stars + 1),
                        _ => (Step::Some, stars),
                    }
                }
                b'?' => (Step::Any, 1),
                b'[' => {
                    let (members, used) = class(rest)?;
                    (Step::One(members), used + 1)
                }
                b'\\' => (Step::Byte(*rest.first()?), 2),
                byte => (Step::Byte(byte), 1),
            };
            plain &= matches!(step, Step::Byte(_)) && used == 1;
            begins_part = plain || matches!(step, Step::Byte(b'/') | Step::Folders);
            steps.push(step);
            pattern = &pattern[used..];
        }
        Some(PathPattern { steps })
    }

    /// Checks whether the pattern matches all of `text`.
    #[must_use]
    pub fn matches(&self, text: &[u8]) -> bool {
        let mut now = Places::new(self.steps.len());
        let mut next = Places::new(self.steps.len());
        now.reach(&self.steps, 0);
        for byte in text {
            next.clear();
            let in_part = *byte != b'/';
            for at in &now.at {
                match self.steps.get(*at) {
                    Some(Step::Byte(wanted)) if wanted == byte => next.reach(&self.steps, at + 1),
                    Some(Step::Any) if in_part => next.reach(&self.steps, at + 1),
                    Some(Step::One(members)) if in_part && members.has(*byte) => next.reach(&self.steps, at + 1),
                    Some(Step::Some) if in_part => next.reach(&self.steps, *at),
                    Some(Step::Folders) if in_part => next.add(*at),
                    Some(Step::Folders) => next.reach(&self.steps, *at),
                    Some(Step::Rest) => return true,
                    _ => {}
                }
            }
            std::mem::swap(&mut now, &mut next);
            if now.at.is_empty() {
                return false;
            }
        }
        now.at.iter().any(|at| *at == self.steps.len() || matches!(self.steps[*at], Step::Rest))
    }
}

/// The steps at which a match may be, each once.
struct Places {
    at: Vec<usize>,
    known: Vec<bool>,
}

impl Places {
    fn new(steps: usize) -> Places {
        Places { at: Vec::new(), known: vec![false; steps + 1] }
    }

    fn clear(&mut self) {
        self.at.drain(..).for_each(|at| self.known[at] = false);
    }

    fn add(&mut self, at: usize) {
        if !std::mem::replace(&mut self.known[at], true) {
            self.at.push(at);
        }
    }

    /// Adds a step, and the steps after it while the passed ones may match nothing: a `*`, and `**/` at the start of a
    /// name.
    fn reach(&mut self, steps: &[Step], mut at: usize) {
        self.add(at);
        while matches!(steps.get(at), Some(Step::Some | Step::Folders)) {
            at += 1;
            self.add(at);
        }
    }
}

/// Parses a bracket expression after its `[`: returns its bytes and its length. `None`: it is not closed, and then
/// nothing matches.
fn class(pattern: &[u8]) -> Option<(Members, usize)> {
    let negated = matches!(pattern.first(), Some(b'!' | b'^'));
    let mut at = usize::from(negated);
    let mut held = Members::default();
    let first = at;
    loop {
        let mut low = *pattern.get(at)?;
        if low == b']' && at > first {
            break;
        }
        if low == b'[' && pattern.get(at + 1) == Some(&b':') {
            let name = &pattern[at + 2..];
            let end = name.find(b":]")?;
            let test = named(&name[..end])?;
            (0..=255).filter(test).for_each(|byte| held.add(byte));
            at += end + 4;
            continue;
        }
        if low == b'\\' {
            at += 1;
            low = *pattern.get(at)?;
        }
        at += 1;
        let mut high = low;
        if pattern.get(at) == Some(&b'-') && pattern.get(at + 1).is_some_and(|byte| *byte != b']') {
            at += 1;
            if pattern.get(at) == Some(&b'\\') {
                at += 1;
            }
            high = *pattern.get(at)?;
            at += 1;
        }
        // The first byte of an invalid range is a member too.
        held.add(low);
        (low..=high).for_each(|byte| held.add(byte));
    }
    if negated {
        held = held.others();
    }
    Some((held, at + 1))
}

/// Returns the POSIX class of that name, if git knows it.
fn named(name: &[u8]) -> Option<fn(&u8) -> bool> {
    Some(match name {
        b"alnum" => u8::is_ascii_alphanumeric,
        b"alpha" => u8::is_ascii_alphabetic,
        b"blank" => |byte| matches!(byte, b' ' | b'\t'),
        b"cntrl" => u8::is_ascii_control,
        b"digit" => u8::is_ascii_digit,
        b"graph" => u8::is_ascii_graphic,
        b"lower" => u8::is_ascii_lowercase,
        b"print" => |byte| (0x20..0x7f).contains(byte),
        b"punct" => u8::is_ascii_punctuation,
        b"space" => |byte| byte.is_ascii_whitespace() || *byte == 0x0b,
        b"upper" => u8::is_ascii_uppercase,
        b"xdigit" => u8::is_ascii_hexdigit,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn matches(pattern: &[u8], text: &[u8]) -> bool {
        PathPattern::parse(pattern, pattern.contains(&b'/')).is_some_and(|pattern| pattern.matches(text))
    }

    #[test]
    fn patterns_match_as_gits_do() {
        let yes = [
            ("*.o", "a.o"),
            ("a/**/b", "a/b"),
            ("a/**/b", "a/x/y/b"),
            ("**/b", "b"),
            ("**/b", "x/b"),
            ("a/**", "a/b/c"),
            ("a/*", "a/b"),
            ("[a-c]x", "bx"),
            ("[!a-c]x", "dx"),
            ("[[:digit:]]", "7"),
            ("\\*", "*"),
            ("[]]", "]"),
            ("a**b", "axxb"),
            ("x?z", "xyz"),
            ("[\\]]", "]"),
            ("[a-]", "-"),
            ("[b--]", "b"),
            ("a**/b", "a/x/b"),
            ("a**/b", "ab"),
        ];
        for (pattern, text) in yes {
            assert!(matches(pattern.as_bytes(), text.as_bytes()), "{pattern} should match {text}");
        }
        let no = [
            ("*.o", "a/b.o"),
            ("a/*", "a/b/c"),
            ("a?b", "a/b"),
            ("[a", "a"),
            ("a**b", "a/b"),
            ("[^a]", "a"),
            ("a/**", "a"),
            ("**/b", "xb"),
            ("?**/b", "xab"),
            ("[[:nope:]]", "n"),
        ];
        for (pattern, text) in no {
            assert!(!matches(pattern.as_bytes(), text.as_bytes()), "{pattern} should not match {text}");
        }
    }

    #[test]
    fn no_pattern_takes_long() {
        let long = [b'a'; 255];
        let path = [b"a/".repeat(2000), b"c".to_vec()].concat();
        let rows: [(Vec<u8>, &[u8]); 4] = [
            ([b"*a".repeat(100), b"b".to_vec()].concat(), &long),
            (b"*a".repeat(10_000), &long),
            ([b"**/a/".repeat(50), b"b".to_vec()].concat(), &path),
            ([b"**/*a*a*a/".repeat(50), b"b".to_vec()].concat(), &path),
        ];
        for (pattern, text) in rows {
            let start = Instant::now();
            assert!(!matches(&pattern, text));
            assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
        }
    }
}

//! Git's ignore rules: one file's lines as rules, and the order in which files of rules are asked.

use bstr::{BString, ByteSlice};

/// The rules of one `.gitignore`, exclude file or the like.
#[derive(Debug, Default, Clone)]
pub(super) struct Rules {
    rules: Vec<Rule>,
}

#[derive(Debug, Clone)]
struct Rule {
    pattern: BString,
    negated: bool,
    folder_only: bool,
    /// Matched against the path from the file's own folder; otherwise against the last part.
    anchored: bool,
}

impl Rules {
    /// Reads the lines of an ignore file.
    pub(super) fn parse(text: &[u8]) -> Rules {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        Rules { rules: text.lines().filter_map(Rule::parse).collect() }
    }

    /// What these rules say of `path` (from the folder of the rules): ignored, kept on purpose, or nothing.
    pub(super) fn say(&self, path: &[u8], is_folder: bool) -> Option<bool> {
        self.rules.iter().rev().find(|rule| rule.matches(path, is_folder)).map(|rule| !rule.negated)
    }
}

impl Rule {
    fn parse(line: &[u8]) -> Option<Rule> {
        let mut pattern = line.strip_suffix(b"\r").unwrap_or(line);
        if pattern.first() == Some(&b'#') {
            return None;
        }
        while let Some(shorter) = pattern.strip_suffix(b" ") {
            let slashes = shorter.iter().rev().take_while(|byte| **byte == b'\\').count();
            if slashes % 2 == 1 {
                break;
            }
            pattern = shorter;
        }
        let negated = pattern.first() == Some(&b'!');
        pattern = pattern.strip_prefix(b"!").unwrap_or(pattern);
        let folder_only = pattern.last() == Some(&b'/');
        pattern = pattern.strip_suffix(b"/").unwrap_or(pattern);
        let anchored = pattern.contains(&b'/');
        pattern = pattern.strip_prefix(b"/").unwrap_or(pattern);
        (!pattern.is_empty()).then(|| Rule { pattern: pattern.into(), negated, folder_only, anchored })
    }

    fn matches(&self, path: &[u8], is_folder: bool) -> bool {
        if self.folder_only && !is_folder {
            return false;
        }
        let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or(path);
        matches(&self.pattern, if self.anchored { path } else { name })
    }
}

/// Git's `wildmatch` with `WM_PATHNAME`: `*` and `?` stay within one part, `**` between slashes spans parts.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    match_from(pattern, text, true)
}

fn match_from(pattern: &[u8], text: &[u8], at_part_start: bool) -> bool {
    let Some((&first, rest)) = pattern.split_first() else { return text.is_empty() };
    match first {
        b'*' => {
            let stars = pattern.iter().take_while(|byte| **byte == b'*').count();
            let after = &pattern[stars..];
            if stars == 2 && at_part_start && after.is_empty() {
                return true;
            }
            if stars == 2 && at_part_start && after.first() == Some(&b'/') {
                let starts = std::iter::once(0)
                    .chain(text.iter().enumerate().filter(|(_, b)| **b == b'/').map(|(at, _)| at + 1));
                return starts.into_iter().any(|at| match_from(&after[1..], &text[at..], true));
            }
            let end = text.iter().position(|byte| *byte == b'/').unwrap_or(text.len());
            (0..=end).any(|at| match_from(after, &text[at..], false))
        }
        b'?' => text.first().is_some_and(|byte| *byte != b'/') && match_from(rest, &text[1..], false),
        b'[' => match (text.first(), class(rest)) {
            (Some(&byte), Some((members, used))) => {
                byte != b'/' && members(byte) && match_from(&rest[used..], &text[1..], false)
            }
            _ => false,
        },
        b'\\' => match rest.split_first() {
            Some((&literal, rest)) => text.first() == Some(&literal) && match_from(rest, &text[1..], false),
            None => false,
        },
        literal => text.first() == Some(&literal) && match_from(rest, &text[1..], literal == b'/'),
    }
}

/// Reads a bracket expression after its `[`: which bytes it holds, and how long it is. `None`: it never closes,
/// and then nothing matches.
fn class(pattern: &[u8]) -> Option<(impl Fn(u8) -> bool + use<>, usize)> {
    let negated = matches!(pattern.first(), Some(b'!' | b'^'));
    let mut at = usize::from(negated);
    let mut held = [false; 256];
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
            (0..=255).filter(test).for_each(|byte| held[usize::from(byte)] = true);
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
        (low..=high).for_each(|byte| held[usize::from(byte)] = true);
    }
    Some((move |byte: u8| held[usize::from(byte)] != negated, at + 1))
}

/// The POSIX classes that git knows.
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

/// The rules that hold in one folder of the working tree: those of its own file, of the files above, and last
/// those of the whole checkout. The nearest file that says anything decides.
pub(super) struct Chain {
    /// From the top down: the folder (with a slash at its end; empty: the top) and its rules.
    folders: Vec<(BString, Rules)>,
    /// `info/exclude`, then the user's `core.excludesFile`.
    everywhere: Vec<Rules>,
}

impl Chain {
    pub(super) fn new(everywhere: Vec<Rules>) -> Chain {
        Chain { folders: Vec::new(), everywhere }
    }

    /// Enters a folder (with a slash at its end, or empty for the top).
    pub(super) fn push(&mut self, folder: BString, rules: Rules) {
        self.folders.push((folder, rules));
    }

    /// Leaves the folder entered last.
    pub(super) fn pop(&mut self) {
        self.folders.pop();
    }

    /// Whether `path`, which lies in the folder entered last, is ignored by itself (not by a folder above it).
    pub(super) fn ignores(&self, path: &[u8], is_folder: bool) -> bool {
        let near = self.folders.iter().rev().map(|(folder, rules)| (rules, &path[folder.len().min(path.len())..]));
        let far = self.everywhere.iter().map(|rules| (rules, path));
        near.chain(far).find_map(|(rules, path)| rules.say(path, is_folder)).unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            ("[[:nope:]]", "n"),
        ];
        for (pattern, text) in no {
            assert!(!matches(pattern.as_bytes(), text.as_bytes()), "{pattern} should not match {text}");
        }
    }

    #[test]
    fn the_last_rule_of_the_nearest_file_decides() {
        let mut chain = Chain::new(vec![Rules::parse(b"*.log\n")]);
        chain.push("".into(), Rules::parse(b"# note\n!keep.log\nbuild/\n/top\nx\\ \ny  \r\n"));
        assert!(chain.ignores(b"a.log", false) && !chain.ignores(b"keep.log", false));
        assert!(chain.ignores(b"build", true) && !chain.ignores(b"build", false));
        assert!(chain.ignores(b"x ", false) && chain.ignores(b"y", false));
        chain.push("sub/".into(), Rules::parse(b"keep.log\n"));
        assert!(chain.ignores(b"sub/keep.log", false) && !chain.ignores(b"sub/top", false));
    }
}

//! Lists what a build copies from its context, as far as the Dockerfile names it without variables.

use std::ops::Range;

use bstr::{BString, ByteSlice};

use super::scan::{Dockerfile, Instruction};
use super::stages::Resolved;
use super::words::{flags, words};

/// A path that `COPY` or `ADD` copies from the context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopySource {
    /// The path, relative to the context.
    pub path: BString,
    /// The line of the instruction, from 1.
    pub line: usize,
}

impl Dockerfile {
    /// Returns the paths that the built stages of `resolved` copy from the context. Paths with a variable or a wildcard
    /// are left out.
    #[must_use]
    pub fn copies(&self, resolved: &Resolved) -> Vec<CopySource> {
        let mut found = Vec::new();
        let mut stage: Option<usize> = None;
        for instruction in &self.instructions {
            match instruction.name.as_str() {
                "FROM" => stage = Some(stage.map_or(0, |at| at + 1)),
                "COPY" | "ADD" if stage.and_then(|at| resolved.stages.get(at)).is_some_and(|stage| stage.needed) => {
                    let line = instruction.line();
                    found.extend(sources(instruction, self.escape).into_iter().map(|path| CopySource { path, line }));
                }
                _ => {}
            }
        }
        found
    }

    /// Returns the line of an `ONBUILD` in the built stage.
    #[must_use]
    pub fn onbuild(&self, resolved: &Resolved) -> Option<usize> {
        let mut stage: Option<usize> = None;
        for instruction in &self.instructions {
            match instruction.name.as_str() {
                "FROM" => stage = Some(stage.map_or(0, |at| at + 1)),
                "ONBUILD" if stage == Some(resolved.target) => return Some(instruction.line()),
                _ => {}
            }
        }
        None
    }
}

fn sources(instruction: &Instruction, escape: u8) -> Vec<BString> {
    let text = &instruction.text;
    let all = words(text, escape);
    let options = flags(text, &all);
    if options.iter().any(|(name, _)| *name == b"from") {
        return Vec::new();
    }
    let rest: &[Range<usize>] = &all[options.len()..];
    let listed: Vec<BString> = match rest.first() {
        Some(first) if text[first.clone()].starts_with(b"[") => {
            serde_json::from_slice::<Vec<String>>(&text[first.start..])
                .unwrap_or_default()
                .into_iter()
                .map(BString::from)
                .collect()
        }
        _ => rest.iter().map(|word| BString::from(&text[word.clone()])).collect(),
    };
    let Some((_, sources)) = listed.split_last() else { return Vec::new() };
    let is_plain = |source: &&BString| {
        !source.iter().any(|byte| b"$*?[\\\"'".contains(byte))
            && !source.starts_with(b"<<")
            && !source.contains_str("://")
            && !source.contains_str("@")
    };
    sources.iter().filter(is_plain).cloned().collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn plain_sources_of_the_stages_that_are_built() {
        let text = b"FROM a AS n\nCOPY unused /\nFROM b\nCOPY --chown=1 x ./y/ /d/\nADD [\"a b\", \"/c/\"]\n\
            COPY --from=q /e /\nADD https://h/z $V *.py /\nONBUILD RUN x\n";
        let file = Dockerfile::parse(text).unwrap();
        let resolved = file.resolve(&BTreeMap::new(), None).unwrap();
        let found: Vec<_> = file.copies(&resolved).into_iter().map(|one| (one.path.to_string(), one.line)).collect();
        assert_eq!(found, [("x", 4), ("./y/", 4), ("a b", 5)].map(|(path, line)| (path.to_owned(), line)));
        assert_eq!(file.onbuild(&resolved), Some(8));
    }
}

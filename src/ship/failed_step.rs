//! Which instruction of a Dockerfile a build failed at, and which patch wrote it.

use bstr::ByteSlice;

use super::dockerfiles::DockerfileVersion;
use crate::image::dockerfile::Dockerfile;

/// An instruction of a Dockerfile at which a build failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedStep {
    /// The first line of the instruction, from 1.
    pub line: usize,
    /// The patch that wrote it as it is; `None`: upstream.
    pub patch: Option<String>,
}

/// Finds the instruction that a builder prints as `text` in the last of `states`. `None` where no instruction, or more than one, reads
/// like that: builders print some with their variables expanded.
#[must_use]
pub fn failed_step(states: &[DockerfileVersion], text: &str) -> Option<FailedStep> {
    let wanted = squeezed(text.as_bytes());
    let lines = |state: &DockerfileVersion| -> Vec<usize> {
        let file = state.content.as_deref().and_then(|bytes| Dockerfile::parse(bytes).ok());
        let instructions = file.into_iter().flat_map(|file| file.instructions);
        let like =
            instructions.filter(|one| squeezed(format!("{} {}", one.name, one.text.as_bstr()).as_bytes()) == wanted);
        like.map(|one| one.line()).collect()
    };
    let [line] = lines(states.last()?)[..] else { return None };
    let first = states.iter().rposition(|state| lines(state).is_empty()).map_or(0, |without| without + 1);
    Some(FailedStep { line, patch: states.get(first)?.patch.clone() })
}

/// The text with one blank for each run of white space.
fn squeezed(text: &[u8]) -> Vec<u8> {
    let words = text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(&b' ')
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;

    fn state(patch: Option<&str>, text: &str) -> DockerfileVersion {
        DockerfileVersion { patch: patch.map(str::to_owned), content: Some(Rc::new(text.as_bytes().to_vec())) }
    }

    #[test]
    fn the_patch_that_wrote_the_line_is_named() {
        let states = [
            state(None, "FROM a\nRUN one\n"),
            state(Some("0001-x.patch"), "FROM b\nRUN one\nRUN two \\\n  && three\n"),
            state(Some("0002-y.patch"), "FROM c\n\nRUN one\nRUN two \\\n  && three\nRUN four\nRUN four\n"),
        ];
        let found = |text: &str| failed_step(&states, text);
        assert_eq!(found("RUN one"), Some(FailedStep { line: 3, patch: None }));
        let written = FailedStep { line: 4, patch: Some("0001-x.patch".to_owned()) };
        assert_eq!(found("RUN two   && three"), Some(written));
        assert_eq!((found("RUN four"), found("RUN five")), (None, None));
    }
}

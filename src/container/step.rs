//! The steps of a build, as builders print them.
//!
//! BuildKit runs several steps at once, and begins each line of one with its number: `#7 0.081 boom`. The others print the steps one
//! after the other.

use std::collections::{BTreeMap, VecDeque};

/// A step of a build that began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildStep {
    /// Its number, from 1.
    pub number: u32,
    /// How many there are in its stage.
    pub of: u32,
    /// The instruction, as the builder prints it.
    pub text: String,
}

/// The step that a line of a builder's output begins: `#6 [stage 3/4] RUN make` of BuildKit, or `STEP 3/4: RUN make` of
/// buildah and podman, or `Step 3/4 : RUN make` of docker without BuildKit.
#[must_use]
pub fn step_of(line: &str) -> Option<BuildStep> {
    let (numbers, text) = if let Some(rest) = line.strip_prefix('#') {
        let (_, rest) = rest.split_once(" [")?;
        let (inside, text) = rest.split_once("] ")?;
        (inside.rsplit(' ').next()?, text)
    } else {
        let line = line.strip_prefix('[').and_then(|rest| rest.split_once("] ")).map_or(line, |(_, rest)| rest);
        let rest = line.get(..5).filter(|word| word.eq_ignore_ascii_case("step ")).and_then(|_| line.get(5..))?;
        let (numbers, text) = rest.split_once(':')?;
        (numbers.trim(), text)
    };
    let (number, of) = numbers.split_once('/')?;
    Some(BuildStep { number: number.parse().ok()?, of: of.parse().ok()?, text: text.trim().to_owned() })
}

/// What a build printed, by its steps: what is shown when it fails.
#[derive(Debug, Default)]
pub struct StepLog {
    steps: BTreeMap<u32, StepLines>,
    /// The number of BuildKit's that failed.
    failed: Option<u32>,
}

#[derive(Debug, Default)]
struct StepLines {
    step: Option<BuildStep>,
    last: VecDeque<String>,
}

/// Lines of a step that are kept.
const LAST: usize = 30;

impl StepLog {
    /// Takes a line, without its end and printable. The step that it begins, if it begins one.
    pub fn take(&mut self, line: &str) -> Option<BuildStep> {
        let (number, text) = numbered(line).unwrap_or((0, line));
        let step = step_of(line);
        let lines = self.steps.entry(number).or_default();
        if step.is_some() {
            *lines = StepLines { step: step.clone(), last: VecDeque::new() };
            return step;
        }
        let is_failure = number > 0 && text.starts_with("ERROR: ");
        if is_failure {
            self.failed = Some(number);
        }
        let is_news = !(number > 0 && (text.starts_with("sha256:") || text == "CACHED" || text.starts_with("DONE ")));
        if is_news && !text.is_empty() {
            if lines.last.len() == LAST {
                lines.last.pop_front();
            }
            lines.last.push_back(if number > 0 { without_time(text) } else { text }.to_owned());
        }
        None
    }

    /// The step at which the build failed: BuildKit says it, with the others it is the last one.
    #[must_use]
    pub fn failed_step(&self) -> Option<&BuildStep> {
        self.of_failure().and_then(|lines| lines.step.as_ref())
    }

    /// The last lines of that step.
    pub fn last(&self) -> impl Iterator<Item = &str> {
        self.of_failure().into_iter().flat_map(|lines| &lines.last).map(String::as_str)
    }

    fn of_failure(&self) -> Option<&StepLines> {
        self.steps.get(&self.failed.unwrap_or(0))
    }
}

/// The number of BuildKit's that a line begins with, and the rest.
fn numbered(line: &str) -> Option<(u32, &str)> {
    let (number, rest) = line.strip_prefix('#')?.split_once(' ')?;
    Some((number.parse().ok()?, rest))
}

/// Without the seconds since the step began.
fn without_time(text: &str) -> &str {
    match text.split_once(' ') {
        Some((time, rest)) if time.contains('.') && time.parse::<f64>().is_ok() => rest,
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_all_builders() {
        let step = |number, of, text: &str| Some(BuildStep { number, of, text: text.to_owned() });
        for (line, wanted) in [
            ("#6 [3/3] RUN echo boom >&2 && false", step(3, 3, "RUN echo boom >&2 && false")),
            ("#12 [builder 2/7] COPY a b", step(2, 7, "COPY a b")),
            ("STEP 2/3: RUN echo hi > /x", step(2, 3, "RUN echo hi > /x")),
            ("[1/2] STEP 2/3: RUN x", step(2, 3, "RUN x")),
            ("Step 4/9 : USER 1000", step(4, 9, "USER 1000")),
            ("#4 [internal] load build context", None),
            ("#6 0.081 boom", None),
            ("step by step", None),
            ("STEP é", None),
        ] {
            assert_eq!(step_of(line), wanted, "{line}");
        }
    }

    fn failed(lines: &str) -> (Option<String>, Vec<String>) {
        let mut log = StepLog::default();
        lines.lines().for_each(|line| drop(log.take(line)));
        (log.failed_step().map(|step| step.text.clone()), log.last().map(str::to_owned).collect())
    }

    #[test]
    fn the_step_that_failed_and_its_lines() {
        let buildkit = "#5 [a 2/3] RUN one\n#6 [b 2/2] RUN two\n#5 sha256:00\n#5 0.1 hi\n#5 0.2 boom 1.5\n#6 0.1 other\n\
                        #5 ERROR: exit code: 1\n------\n > [a 2/3] RUN one:\n";
        let lines = ["hi", "boom 1.5", "ERROR: exit code: 1"].map(str::to_owned).to_vec();
        assert_eq!(failed(buildkit), (Some("RUN one".to_owned()), lines));
        let buildah = "STEP 1/2: FROM x\nold\nSTEP 2/2: RUN two\nboom\nError: building at STEP\n";
        let lines = ["boom", "Error: building at STEP"].map(str::to_owned).to_vec();
        assert_eq!(failed(buildah), (Some("RUN two".to_owned()), lines));
    }
}

//! Resolves the stages of a Dockerfile, and the external images that a build of one of them needs.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use bstr::{BString, ByteSlice};

use super::expand::{ExpandError, expand};
use super::scan::{Dockerfile, Instruction};
use super::words::{flags, words};
use crate::path::printable;

/// One `FROM`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// Its name in lower case (`AS name`).
    pub name: Option<String>,
    /// Its base.
    pub base: Base,
    /// The line of its `FROM`, from 1.
    pub line: usize,
    /// Where the file names its base.
    pub span: Range<usize>,
    /// Whether the build of the target needs it.
    pub needed: bool,
}

/// The base of a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Base {
    /// Empty (`scratch`).
    Scratch,
    /// An earlier stage, by its index from 0.
    Stage(usize),
    /// An external image.
    Image(String),
}

/// The use of an external image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// The base of a stage.
    From,
    /// Files are copied from it (`COPY --from=`).
    Copy,
    /// It is mounted while a command runs (`RUN --mount=from=`).
    Mount,
    /// It parses the Dockerfile (`# syntax=`).
    Frontend,
}

impl Role {
    /// Returns its name: `from`, `copy`, `mount`, `frontend`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Role::From => "from",
            Role::Copy => "copy",
            Role::Mount => "mount",
            Role::Frontend => "frontend",
        }
    }
}

/// An external image that a build needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct External {
    /// Its name in the form that the builder looks up.
    pub image: String,
    /// Its use.
    pub role: Role,
    /// The line of its instruction, from 1.
    pub line: usize,
    /// Where the file names it.
    pub span: Range<usize>,
}

/// A Dockerfile resolved with the build arguments of one build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// Its stages.
    pub stages: Vec<Stage>,
    /// The index of the built stage, from 0.
    pub target: usize,
    /// The external images that the target needs, in the order of the file.
    pub externals: Vec<External>,
    /// The build arguments that no `ARG` declares.
    pub undeclared: Vec<String>,
    /// The names that an `ARG` declares.
    pub declared: BTreeSet<String>,
}

/// Why the stages cannot be resolved, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {fault}")]
pub struct ResolveError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there.
    pub fault: ResolveFault,
}

/// What is wrong with a stage. Texts are printable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResolveFault {
    /// There is no `FROM`.
    #[error("the file has no FROM")]
    NoStage,
    /// A `FROM` that is not `FROM [--platform=P] IMAGE [AS NAME]`.
    #[error("'FROM {0}' cannot be read; expected FROM IMAGE [AS NAME]")]
    Form(String),
    /// A variable or word cannot be expanded.
    #[error(transparent)]
    Expand(#[from] ExpandError),
    /// A base that is empty once its variables are replaced.
    #[error("'FROM {text}' does not name an image: {}", without_value(.variables))]
    NoImage {
        /// The text in the file.
        text: String,
        /// The variables in it.
        variables: Vec<String>,
    },
    /// A variable in `--from=`, which no builder replaces.
    #[error("'{0}': builders do not expand variables in 'from'; name the image in a separate stage")]
    Variable(String),
    /// A target that is not a stage.
    #[error("there is no stage '{target}'; {}", if .known.is_empty() { "none has a name".to_owned() } else { format!("the stages are {}", .known.join(", ")) })]
    NoTarget {
        /// The target that was asked for.
        target: String,
        /// The names that stages have.
        known: Vec<String>,
    },
}

fn without_value(variables: &[String]) -> String {
    match variables {
        [] => "it is empty".to_owned(),
        [one] => format!("'{one}' has no value"),
        several => format!("none of {} has a value", several.join(", ")),
    }
}

impl Dockerfile {
    /// Returns the stages with `args` as build arguments, and the external images that the build of `target` (`None`:
    /// the last stage) needs.
    ///
    /// # Errors
    /// [`ResolveError`] with the line.
    pub fn resolve(&self, args: &BTreeMap<String, String>, target: Option<&str>) -> Result<Resolved, ResolveError> {
        let mut resolver =
            Resolver { file: self, args, globals: BTreeMap::new(), declared: BTreeSet::new(), stages: Vec::new() };
        let mut uses: Vec<Use> = Vec::new();
        for instruction in &self.instructions {
            let at = |fault: ResolveFault| ResolveError { line: instruction.line(), fault };
            match instruction.name.as_str() {
                "ARG" => resolver.arg(instruction).map_err(|error| at(error.into()))?,
                "FROM" => {
                    let stage = resolver.from(instruction).map_err(at)?;
                    resolver.stages.push(stage);
                }
                _ => uses.extend(resolver.uses(instruction).map_err(at)?),
            }
        }
        resolver.finish(uses, target)
    }
}

/// A stage or image that an instruction copies files from.
struct Use {
    /// The stage of the instruction.
    stage: usize,
    from: Base,
    external: External,
}

impl Resolved {
    /// Returns the external image at the bottom of the target, through any number of stages; `None`: there is none.
    #[must_use]
    pub fn base(&self) -> Option<&str> {
        let mut at = self.target;
        loop {
            match &self.stages.get(at)?.base {
                // A stage can only be based on an earlier one.
                Base::Stage(below) if *below < at => at = *below,
                Base::Image(image) => return Some(image),
                _ => return None,
            }
        }
    }
}

struct Resolver<'a> {
    file: &'a Dockerfile,
    args: &'a BTreeMap<String, String>,
    /// The `ARG`s before the first `FROM` that have a value.
    globals: BTreeMap<String, BString>,
    declared: BTreeSet<String>,
    stages: Vec<Stage>,
}

impl Resolver<'_> {
    /// Reads `ARG NAME[=DEFAULT] …`. Only those before the first stage are visible in a `FROM`.
    fn arg(&mut self, instruction: &Instruction) -> Result<(), ExpandError> {
        for word in words(&instruction.text, self.file.escape) {
            let text = &instruction.text[word];
            let (name, default) = match text.find_byte(b'=') {
                Some(at) => (&text[..at], Some(&text[at + 1..])),
                None => (text, None),
            };
            let name = name.to_str_lossy().into_owned();
            self.declared.insert(name.clone());
            if !self.stages.is_empty() {
                continue;
            }
            let value = match (self.args.get(&name), default) {
                (Some(given), _) => Some(BString::from(given.as_str())),
                (None, Some(default)) => Some(self.expand(default)?),
                (None, None) => None,
            };
            self.globals.extend(value.map(|value| (name, value)));
        }
        Ok(())
    }

    fn expand(&self, text: &[u8]) -> Result<BString, ExpandError> {
        expand(text, self.file.escape, &|name| self.globals.get(name).cloned())
    }

    fn from(&self, instruction: &Instruction) -> Result<Stage, ResolveFault> {
        let text = &instruction.text;
        let form = || ResolveFault::Form(printable(text));
        let all = words(text, self.file.escape);
        let rest = &all[flags(text, &all).len()..];
        let (image, name) = match rest {
            [image] => (image, None),
            [image, word, name] if text[word.clone()].eq_ignore_ascii_case(b"as") => (image, Some(name)),
            _ => return Err(form()),
        };
        let name = name.map(|name| text[name.clone()].to_str_lossy().to_lowercase());
        let value = self.expand(&text[image.clone()])?;
        if value.is_empty() {
            let variables = self.variables(&text[image.clone()]);
            return Err(ResolveFault::NoImage { text: printable(&text[image.clone()]), variables });
        }
        let base = self.base(&value.to_str_lossy(), false);
        Ok(Stage { name, base, line: instruction.line(), span: instruction.span(image.clone()), needed: false })
    }

    /// Resolves a name: an earlier stage, by its name or (for files) its index, or an image.
    fn base(&self, value: &str, by_number: bool) -> Base {
        let folded = value.to_lowercase();
        if let Some(at) = self.stages.iter().rposition(|stage| stage.name.as_ref() == Some(&folded)) {
            return Base::Stage(at);
        }
        match value.parse::<usize>() {
            Ok(number) if by_number && number < self.stages.len() => Base::Stage(number),
            _ if value == "scratch" => Base::Scratch,
            _ => Base::Image(value.to_owned()),
        }
    }

    /// Returns the variables in `text`.
    fn variables(&self, text: &[u8]) -> Vec<String> {
        let seen = std::cell::RefCell::new(Vec::new());
        // It has been expanded before without an error; only the names are needed.
        let _ = expand(text, self.file.escape, &|name| {
            seen.borrow_mut().push(printable(name.as_bytes()));
            None
        });
        seen.into_inner()
    }

    /// Returns the sources that an instruction in a stage takes files from.
    fn uses(&self, instruction: &Instruction) -> Result<Vec<Use>, ResolveFault> {
        let Some(stage) = self.stages.len().checked_sub(1) else { return Ok(Vec::new()) };
        let text = &instruction.text;
        let all = words(text, self.file.escape);
        let mut found = Vec::new();
        for (flag, value) in flags(text, &all) {
            let (range, role) = match (instruction.name.as_str(), flag) {
                ("COPY", b"from") => (value, Role::Copy),
                ("RUN", b"mount") => match mount_from(text, value) {
                    Some(range) => (range, Role::Mount),
                    None => continue,
                },
                _ => continue,
            };
            let named = &text[range.clone()];
            if named.contains(&b'$') {
                return Err(ResolveFault::Variable(printable(named)));
            }
            let named = named.to_str_lossy().trim_matches('"').to_owned();
            if named.is_empty() {
                continue;
            }
            let from = self.base(&named, true);
            let external = External { image: named, role, line: instruction.line(), span: instruction.span(range) };
            found.push(Use { stage, from, external });
        }
        Ok(found)
    }

    fn finish(mut self, uses: Vec<Use>, target: Option<&str>) -> Result<Resolved, ResolveError> {
        let last = self.stages.len().checked_sub(1).ok_or(ResolveError { line: 1, fault: ResolveFault::NoStage })?;
        let target = match target {
            None => last,
            Some(target) => self.target(target)?,
        };
        // A stage comes after all that it needs, so one pass from the end finds them.
        self.stages[target].needed = true;
        for at in (0..=target).rev().filter(|at| *at <= target) {
            if !self.stages[at].needed {
                continue;
            }
            let copied = uses.iter().filter(|one| one.stage == at).map(|one| &one.from);
            let below: Vec<usize> = std::iter::once(&self.stages[at].base)
                .chain(copied)
                .filter_map(|base| if let Base::Stage(below) = base { Some(*below) } else { None })
                .collect();
            below.into_iter().for_each(|below| self.stages[below].needed = true);
        }
        let frontend = self.file.directive("syntax").map(|directive| External {
            image: directive.value.to_str_lossy().into_owned(),
            role: Role::Frontend,
            line: directive.line,
            span: directive.span.clone(),
        });
        let bases = self.stages.iter().filter(|stage| stage.needed).filter_map(|stage| match &stage.base {
            Base::Image(image) => {
                Some(External { image: image.clone(), role: Role::From, line: stage.line, span: stage.span.clone() })
            }
            _ => None,
        });
        let taken = uses.into_iter().filter(|one| self.stages[one.stage].needed && matches!(one.from, Base::Image(_)));
        let mut externals: Vec<External> =
            frontend.into_iter().chain(bases).chain(taken.map(|one| one.external)).collect();
        externals.sort_by_key(|external| external.span.start);
        let undeclared = self.args.keys().filter(|name| !self.declared.contains(*name)).cloned().collect();
        Ok(Resolved { stages: self.stages, target, externals, undeclared, declared: self.declared })
    }

    fn target(&self, target: &str) -> Result<usize, ResolveError> {
        match self.base(target, true) {
            Base::Stage(at) => Ok(at),
            _ => {
                let known = self.stages.iter().filter_map(|stage| stage.name.as_ref());
                let known = known.map(|name| printable(name.as_bytes())).collect();
                let line = self.stages.last().map_or(1, |stage| stage.line);
                let target = printable(target.as_bytes());
                Err(ResolveError { line, fault: ResolveFault::NoTarget { target, known } })
            }
        }
    }
}

/// Returns the position of the name in `from=` of a `--mount`: `type=bind,from=IMAGE,target=/x`.
fn mount_from(text: &[u8], value: Range<usize>) -> Option<Range<usize>> {
    let mut at = value.start;
    for part in text[value].split(|byte| *byte == b',') {
        if let Some(named) = part.strip_prefix(b"from=") {
            return Some(at + part.len() - named.len()..at + part.len());
        }
        at += part.len() + 1;
    }
    None
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn resolve(text: &str, args: &[(&str, &str)], target: Option<&str>) -> Result<Resolved, String> {
        let args = args.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Dockerfile::parse(text.as_bytes()).unwrap().resolve(&args, target).map_err(|error| error.to_string())
    }

    /// Returns every external image, with the exact bytes of the file that name it.
    fn externals(text: &str, args: &[(&str, &str)], target: Option<&str>) -> Vec<(String, usize, String)> {
        let resolved = resolve(text, args, target).unwrap();
        resolved.externals.into_iter().map(|one| (one.image, one.line, text[one.span].to_owned())).collect()
    }

    fn external(image: &str, line: usize, text: &str) -> (String, usize, String) {
        (image.to_owned(), line, text.to_owned())
    }

    #[test]
    fn arguments_before_the_first_stage_name_the_base() {
        let kubeflow = "ARG BASE_IMG=<jupyter>\nFROM $BASE_IMG\nARG BASE_IMG=other\nRUN x\n";
        assert_eq!(externals(kubeflow, &[("BASE_IMG", "a/b:1")], None), [external("a/b:1", 2, "$BASE_IMG")]);
        assert_eq!(externals(kubeflow, &[], None), [external("<jupyter>", 2, "$BASE_IMG")]);
        let ray = "ARG BASE_IMAGE\nARG FULL=rayproject/ray-deps:nightly\"$BASE_IMAGE\"\nFROM $FULL\n";
        assert_eq!(
            externals(ray, &[("BASE_IMAGE", "-gpu")], None),
            [external("rayproject/ray-deps:nightly-gpu", 3, "$FULL")]
        );
        assert_eq!(
            resolve("ARG A\nFROM ${A}\n", &[], None),
            Err("line 2: 'FROM ${A}' does not name an image: 'A' has no value".to_owned())
        );
    }

    #[test]
    fn an_argument_counts_only_where_it_is_declared() {
        let file = "FROM a\nARG USED\nRUN x\n";
        let resolved = resolve(file, &[("USED", "1"), ("UNUSED", "2")], None).unwrap();
        assert_eq!(resolved.undeclared, ["UNUSED"]);
        // An ARG inside a stage is not visible in a later FROM.
        assert!(resolve("FROM a\nARG B=b\nFROM $B\n", &[], None).is_err());
    }

    #[test]
    fn stages_are_known_by_name_and_number() {
        let file = "FROM golang:1 AS Build\nFROM node as web\nFROM scratch\nCOPY --from=build /x /\nCOPY --from=1 /y /\n\
                    COPY --chown=1 --from=busybox:1 /bin /\nRUN --mount=type=bind,from=tools/x,target=/t --mount=type=cache,target=/c y\n";
        let resolved = resolve(file, &[], None).unwrap();
        assert!(resolved.stages.iter().all(|stage| stage.needed));
        assert_eq!(resolved.stages[2].base, Base::Scratch);
        let roles: Vec<_> = resolved.externals.iter().map(|one| (one.image.as_str(), one.role)).collect();
        assert_eq!(
            roles,
            [("golang:1", Role::From), ("node", Role::From), ("busybox:1", Role::Copy), ("tools/x", Role::Mount)]
        );
    }

    #[test]
    fn only_what_the_target_needs_counts() {
        let file = "FROM a AS one\nFROM b AS two\nFROM one AS three\nCOPY --from=c /x /\nFROM d\n";
        assert_eq!(externals(file, &[], Some("THREE")), [external("a", 1, "a"), external("c", 4, "c")]);
        assert_eq!(externals(file, &[], None), [external("d", 5, "d")]);
        assert_eq!(
            resolve(file, &[], Some("four")),
            Err("line 5: there is no stage 'four'; the stages are one, two, three".to_owned())
        );
    }

    #[test]
    fn the_frontend_is_an_image_too() {
        let file = "# syntax=docker/dockerfile:1\nFROM --platform=$BUILDPLATFORM a\n";
        assert_eq!(
            externals(file, &[], None),
            [external("docker/dockerfile:1", 1, "docker/dockerfile:1"), external("a", 2, "a")]
        );
    }

    #[test]
    fn what_does_not_read() {
        for (file, wanted) in [
            ("RUN x\n", "line 1: the file has no FROM"),
            ("FROM a b\n", "line 1: 'FROM a b' cannot be read; expected FROM IMAGE [AS NAME]"),
            (
                "FROM a\nCOPY --from=$X / /\n",
                "line 2: '$X': builders do not expand variables in 'from'; name the image in a separate stage",
            ),
        ] {
            assert_eq!(resolve(file, &[], None), Err(wanted.to_owned()));
        }
    }
}

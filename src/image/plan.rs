//! Plans builds: the images of a workspace in the order in which they can be built.

use std::collections::BTreeMap;
use std::ops::Range;

use super::build_arg::{BuildArg, ImageId};
use super::dockerfile::{CopySource, Dockerfile, External, ResolveError, Role, ScanError};
use super::reference::is_image;
use crate::path::{RepoPath, nearest, printable};

/// An image of the manifest, with its Dockerfile after the queue.
#[derive(Debug, Clone)]
pub struct PlanInput<'a> {
    /// The image.
    pub id: ImageId,
    /// The path of its Dockerfile in the upstream's tree.
    pub path: &'a RepoPath,
    /// The bytes of the Dockerfile; `None` when the tree has no file there.
    pub dockerfile: Option<&'a [u8]>,
    /// The build arguments.
    pub args: &'a BTreeMap<String, BuildArg>,
    /// Images that must be built first, in addition to those that the arguments name.
    pub needs: &'a [ImageId],
    /// The stage to build; `None`: the last one.
    pub target: Option<&'a str>,
    /// Whether it is published.
    pub publish: bool,
    /// The values for the placeholders of the arguments.
    pub values: &'a BTreeMap<String, String>,
}

/// The images of a workspace, each after those that it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The images.
    pub images: Vec<PlannedImage>,
}

/// An image in the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedImage {
    /// The image.
    pub id: ImageId,
    /// The path of its Dockerfile in the upstream's tree.
    pub dockerfile: RepoPath,
    /// The stage to build; `None`: the last one.
    pub target: Option<String>,
    /// The build arguments, with the images by their local names.
    pub args: BTreeMap<String, String>,
    /// The images that must be built before it.
    pub needs: Vec<ImageId>,
    /// Where its Dockerfile names these images, in bytes.
    pub built_on: Vec<(ImageId, Range<usize>)>,
    /// The external images that it is built on.
    pub bases: Vec<BaseImage>,
    /// The image that the built stage is based on in the end: an external one, or one of the workspace by its local
    /// name; `None`: nothing.
    pub from: Option<String>,
    /// The paths that it copies from its context.
    pub copies: Vec<CopySource>,
    /// The line of an `ONBUILD` in the built stage.
    pub onbuild: Option<usize>,
    /// Whether it is published.
    pub publish: bool,
}

/// An external image, and where it is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseImage {
    /// The name in the Dockerfile.
    pub image: String,
    /// Its use.
    pub role: Role,
    /// The line of the Dockerfile, from 1.
    pub line: usize,
    /// The position in the file, in bytes.
    pub span: Range<usize>,
}

/// Why an image cannot be planned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("image '{image}': {fault}", image = .id.image)]
pub struct PlanError {
    /// The image.
    pub id: ImageId,
    /// The Dockerfile with its line (from 1), if the error is there.
    pub at: Option<(RepoPath, usize)>,
    /// The line of the manifest, if the error is in the entry.
    pub entry_line: Option<usize>,
    /// What is wrong.
    pub fault: Box<PlanFault>,
}

/// What is wrong with an image. Texts are printable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanFault {
    /// The tree has no such file.
    #[error("the patched tree has no file '{0}'")]
    NoDockerfile(RepoPath),
    /// The Dockerfile cannot be parsed.
    #[error("{}", .0.fault)]
    Scan(ScanError),
    /// Its stages cannot be resolved.
    #[error("{}", .0.fault)]
    Resolve(ResolveError),
    /// A base with an invalid image name.
    #[error("'{0}' names no image")]
    NoImage(String),
    /// An image of the workspace that does not exist.
    #[error("there is no image '{need}'{}", .nearest.as_ref().map(|near| format!("; did you mean '{near}'?")).unwrap_or_default())]
    UnknownNeed {
        /// The name.
        need: String,
        /// The nearest existing name.
        nearest: Option<String>,
    },
    /// Images that need each other.
    #[error("images that need each other: {}", .0.join(" needs "))]
    Cycle(Vec<String>),
    /// A build argument that the Dockerfile does not declare.
    #[error("the Dockerfile declares no ARG '{name}'{}", .nearest.as_ref().map(|near| format!("; did you mean '{near}'?")).unwrap_or_default())]
    Undeclared {
        /// The argument.
        name: String,
        /// The nearest declared argument.
        nearest: Option<String>,
    },
    /// A placeholder of a build argument without a value.
    #[error("'{arg}': {{{placeholder}}} has no value here")]
    NoValue {
        /// The argument.
        arg: String,
        /// The placeholder.
        placeholder: String,
    },
    /// The tree has no such folder.
    #[error("the patched tree has no folder '{0}'")]
    NoContext(RepoPath),
    /// An added file at a path that the context already has.
    #[error("'files': the context has '{0}' already")]
    FileOver(RepoPath),
    /// The source of an added file does not exist.
    #[error("'files': {0}")]
    NoSource(String),
    /// An added file that the context's ignore file leaves out.
    #[error("'files': '{path}' is left out again by line {line} of {ignore}")]
    FileIgnored {
        /// The file.
        path: RepoPath,
        /// The ignore file's name.
        ignore: String,
        /// The line in it, from 1.
        line: usize,
    },
    /// A source of `COPY` that is not in the checkout.
    #[error("'{path}' is in the tree, but outside of 'sparse', so the context does not have it")]
    OutsideSparse {
        /// The path, from the tree's root.
        path: RepoPath,
    },
    /// A submodule in the context.
    #[error("the context has the submodule '{0}', whose files are not in the tree")]
    Submodule(RepoPath),
    /// A git-lfs pointer in the context.
    #[error("'{0}' is a pointer of git-lfs, whose file is not in the tree")]
    LargeFile(RepoPath),
    /// `ONBUILD` triggers, which the second small build would run.
    #[error("ONBUILD of an image that is published would be run by the build that puts the labels on")]
    OnBuild,
}

impl PlanError {
    /// Makes the error of an image as a whole.
    #[must_use]
    pub fn of(id: &ImageId, fault: PlanFault) -> PlanError {
        PlanError { id: id.clone(), at: None, entry_line: None, fault: Box::new(fault) }
    }

    /// Adds a line of the Dockerfile.
    #[must_use]
    pub fn in_file(self, dockerfile: &RepoPath, line: usize) -> PlanError {
        PlanError { at: Some((dockerfile.clone(), line)), ..self }
    }

    /// Adds a line of the manifest.
    #[must_use]
    pub fn in_entry(self, line: usize) -> PlanError {
        PlanError { entry_line: Some(line), ..self }
    }
}

/// Returns the plan of all `inputs`: in their order, but each image after those that it needs.
///
/// # Errors
/// One error for each invalid image.
pub fn plan(inputs: &[PlanInput<'_>]) -> Result<Plan, Vec<PlanError>> {
    let mut errors = Vec::new();
    let mut images = Vec::new();
    for input in inputs {
        match planned(input, inputs) {
            Ok(image) => images.push(image),
            Err(error) => errors.push(error),
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    in_order(images).map(|images| Plan { images }).map_err(|error| vec![error])
}

/// Returns the name of an image on this machine during a build. No registry can have this name, so it is never pulled.
#[must_use]
pub fn local_name(id: &ImageId) -> String {
    format!("patchq.invalid/{}/{}", id.upstream, id.image)
}

fn planned(input: &PlanInput<'_>, all: &[PlanInput<'_>]) -> Result<PlannedImage, PlanError> {
    let error = |fault| PlanError { id: input.id.clone(), at: None, entry_line: None, fault: Box::new(fault) };
    let in_file = |line, fault| PlanError { at: Some((input.path.clone(), line)), ..error(fault) };
    let mut needs: Vec<ImageId> = Vec::new();
    for need in input.args.values().flat_map(BuildArg::images).chain(input.needs) {
        if !all.iter().any(|known| known.id == *need) {
            return Err(error(unknown(need, input, all)));
        }
        if !needs.contains(need) {
            needs.push(need.clone());
        }
    }
    let mut args = BTreeMap::new();
    for (name, value) in input.args {
        let value = value
            .render(input.values, &local_name)
            .map_err(|placeholder| error(PlanFault::NoValue { arg: printable(name.as_bytes()), placeholder }))?;
        args.insert(name.clone(), value);
    }
    let bytes = input.dockerfile.ok_or_else(|| error(PlanFault::NoDockerfile(input.path.clone())))?;
    let file = Dockerfile::parse(bytes).map_err(|found| in_file(found.line, PlanFault::Scan(found)))?;
    let resolved = file.resolve(&args, input.target).map_err(|found| in_file(found.line, PlanFault::Resolve(found)))?;
    if let Some(name) = resolved.undeclared.first() {
        let nearest =
            nearest(name, resolved.declared.iter().map(String::as_str)).map(|near| printable(near.as_bytes()));
        return Err(error(PlanFault::Undeclared { name: printable(name.as_bytes()), nearest }));
    }
    let from = resolved.base().map(str::to_owned);
    let (copies, onbuild) = (file.copies(&resolved), file.onbuild(&resolved));
    let (mut bases, mut built_on) = (Vec::new(), Vec::new());
    for External { image, role, line, span } in resolved.externals {
        if let Some(need) = needs.iter().find(|need| local_name(need) == image) {
            built_on.push((need.clone(), span));
            continue;
        }
        if !is_image(&image) {
            return Err(in_file(line, PlanFault::NoImage(printable(image.as_bytes()))));
        }
        bases.push(BaseImage { image, role, line, span });
    }
    let (id, dockerfile) = (input.id.clone(), input.path.clone());
    let target = input.target.map(str::to_owned);
    let publish = input.publish;
    Ok(PlannedImage { id, dockerfile, target, args, needs, built_on, bases, from, copies, onbuild, publish })
}

fn unknown(need: &ImageId, input: &PlanInput<'_>, all: &[PlanInput<'_>]) -> PlanFault {
    let within = &input.id.upstream;
    let known: Vec<String> = all.iter().map(|one| one.id.within(within)).collect();
    let need = need.within(within);
    let nearest = nearest(&need, known.iter().map(String::as_str)).map(str::to_owned);
    PlanFault::UnknownNeed { need: printable(need.as_bytes()), nearest }
}

/// Sorts each image after those that it needs; otherwise the order stays.
fn in_order(mut waiting: Vec<PlannedImage>) -> Result<Vec<PlannedImage>, PlanError> {
    let mut done: Vec<PlannedImage> = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let is_ready = |image: &PlannedImage| image.needs.iter().all(|need| done.iter().any(|one| one.id == *need));
        match waiting.iter().position(is_ready) {
            Some(at) => done.push(waiting.remove(at)),
            None => return Err(cycle(&waiting)),
        }
    }
    Ok(done)
}

/// Returns the error for a cycle of images; each of `waiting` needs another one of them.
fn cycle(waiting: &[PlannedImage]) -> PlanError {
    let mut chain: Vec<&PlannedImage> = Vec::new();
    let mut next = waiting.first();
    while let Some(image) = next {
        if let Some(start) = chain.iter().position(|one| one.id == image.id) {
            chain.drain(..start);
            break;
        }
        chain.push(image);
        next = waiting.iter().find(|one| image.needs.contains(&one.id));
    }
    let id = chain.first().map_or_else(|| ImageId::parse("", ""), |image| image.id.clone());
    let names = chain.iter().chain(chain.first()).map(|image| image.id.within(&id.upstream)).collect();
    PlanError { id, at: None, entry_line: None, fault: Box::new(PlanFault::Cycle(names)) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Name, Dockerfile, arguments, needs.
    type Row<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], &'a [&'a str]);

    fn of(rows: &[Row<'_>]) -> Result<Plan, Vec<String>> {
        let path = RepoPath::new("d/Dockerfile").unwrap();
        let values = BTreeMap::from([("version".to_owned(), "v1".to_owned())]);
        let args: Vec<BTreeMap<String, BuildArg>> = rows
            .iter()
            .map(|row| row.2.iter().map(|(k, v)| ((*k).to_owned(), BuildArg::parse(v, "up").unwrap())).collect())
            .collect();
        let needs: Vec<Vec<ImageId>> =
            rows.iter().map(|row| row.3.iter().map(|need| ImageId::parse(need, "up")).collect()).collect();
        let input = |at: usize| PlanInput {
            id: ImageId::parse(rows[at].0, "up"),
            path: &path,
            dockerfile: (!rows[at].1.is_empty()).then_some(rows[at].1.as_bytes()),
            args: &args[at],
            needs: &needs[at],
            target: None,
            publish: true,
            values: &values,
        };
        let inputs: Vec<_> = (0..rows.len()).map(input).collect();
        plan(&inputs).map_err(|errors| {
            let place =
                |error: &PlanError| error.at.as_ref().map_or(String::new(), |(path, line)| format!("{path}:{line}: "));
            errors.iter().map(|error| format!("{}{error}", place(error))).collect()
        })
    }

    fn order(plan: &Plan) -> Vec<&str> {
        plan.images.iter().map(|image| image.id.image.as_str()).collect()
    }

    #[test]
    fn each_image_comes_behind_what_it_needs() {
        let child = "ARG BASE=<base>\nFROM $BASE\n";
        let plan = of(&[
            ("scipy", child, &[("BASE", "{image:jupyter}")], &[]),
            ("app", "FROM node:12 AS n\nFROM python:3.7\nCOPY --from=n / /\n", &[], &[]),
            ("jupyter", child, &[("BASE", "{image:base}")], &[]),
            ("base", "FROM ubuntu:20.04\n", &[], &["app"]),
        ])
        .unwrap();
        assert_eq!(order(&plan), ["app", "base", "jupyter", "scipy"]);
        let bases: Vec<_> = plan.images[0].bases.iter().map(|base| (base.image.as_str(), base.line)).collect();
        assert_eq!(bases, [("node:12", 1), ("python:3.7", 2)]);
        assert_eq!(plan.images[3].needs, [ImageId::parse("jupyter", "up")]);
        assert_eq!(plan.images[3].bases, []);
        assert_eq!(plan.images[3].args["BASE"], "patchq.invalid/up/jupyter");
    }

    #[test]
    fn what_keeps_an_image_from_being_built() {
        let from = "ARG BASE=<jupyter>\nFROM $BASE\n";
        let errors = of(&[
            ("a", from, &[], &[]),
            ("b", from, &[("BASE", "{image:bass}")], &[]),
            ("base", "", &[], &[]),
            ("c", "FROM x\nARG ONE\n", &[("ON", "1")], &[]),
            ("d", "FROM x\nRUN <<EOF\n", &[], &[]),
            ("e", "ARG V\nFROM x:$V\n", &[("V", "{queue}")], &[]),
        ]);
        assert_eq!(
            errors,
            Err([
                "d/Dockerfile:2: image 'a': '<jupyter>' names no image",
                "image 'b': there is no image 'bass'; did you mean 'base'?",
                "image 'base': the patched tree has no file 'd/Dockerfile'",
                "image 'c': the Dockerfile declares no ARG 'ON'; did you mean 'ONE'?",
                "d/Dockerfile:2: image 'd': the here-document 'EOF' has no end",
                "image 'e': 'V': {queue} has no value here",
            ]
            .map(str::to_owned)
            .to_vec())
        );
    }

    #[test]
    fn a_circle_is_shown_whole() {
        let file = "FROM x\n";
        let errors = of(&[("z", file, &[], &["a"]), ("a", file, &[], &["b"]), ("b", file, &[], &["a"])]);
        assert_eq!(errors, Err(vec!["image 'a': images that need each other: a needs b needs a".to_owned()]));
        let errors = of(&[("a", file, &[], &["a"])]);
        assert_eq!(errors, Err(vec!["image 'a': images that need each other: a needs a".to_owned()]));
    }
}

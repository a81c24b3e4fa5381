//! Collects the context of an image for the builder: files of the patched tree, and files that the manifest adds.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::rc::Rc;

use crate::git::checkout::SparseSet;
use crate::git::{Entry, GitError, Id, Mode, ObjectKind, Objects, Tracked};
use crate::image::{AddedFile, DockerIgnore, FileContent, FileSource, PlanFault};
use crate::path::{RepoPath, printable};
use crate::workspace::manifest::{Image, Upstream};

/// The context of an image.
#[derive(Debug, Clone, Default)]
pub struct BuildContext {
    /// Its files, by their paths in it.
    pub files: BTreeMap<RepoPath, ContextFile>,
    /// Paths of the tree that the context would contain if they were in `sparse`.
    pub outside: BTreeSet<RepoPath>,
    /// The Dockerfile's own ignore file.
    pub own_ignore: Option<Rc<Vec<u8>>>,
    /// Its errors, with the line of the manifest if the error belongs to one.
    pub faults: Vec<(PlanFault, Option<usize>)>,
}

/// A file of a context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextFile {
    /// File, executable file, symlink or submodule.
    pub mode: Mode,
    /// Its content.
    pub content: FileContent,
    /// The file on disk with the content; `None`: it is in the store.
    pub disk: Option<PathBuf>,
}

impl ContextFile {
    fn in_store(entry: Entry) -> ContextFile {
        ContextFile { mode: entry.mode, content: FileContent::Git(entry.id), disk: None }
    }
}

/// The sources of a context.
pub(super) struct Sources<'a, 's> {
    /// The workspace's root.
    pub root: PathBuf,
    /// The folder of wheels.
    pub wheels: PathBuf,
    /// The tracked files of the workspace's repository; `None`: the workspace is not in a repository.
    pub tracked: Option<&'a Tracked>,
    /// The entry.
    pub upstream: &'a Upstream,
    /// The values of placeholders.
    pub values: &'a BTreeMap<String, String>,
    /// The tree after the queue.
    pub tree: Id,
    /// The paths of the checkout.
    pub sparse: &'a SparseSet,
    /// The objects.
    pub objects: &'a mut Objects<'s>,
}

impl Sources<'_, '_> {
    /// Returns the context of `image`. Ignore files that the store lacks go to `missing`.
    pub(super) fn context(&mut self, image: &Image, missing: &mut BTreeSet<Id>) -> Result<BuildContext, GitError> {
        let mut context = BuildContext::default();
        let folder = match &image.context {
            None => Some(self.tree),
            Some(path) => self.entry(path)?.filter(|entry| entry.mode == Mode::Folder).map(|entry| entry.id),
        };
        match (folder, &image.context) {
            (Some(folder), above) => self.add_folder(&mut context, above.as_ref(), folder)?,
            (None, Some(path)) => context.faults.push((PlanFault::NoContext(path.clone()), None)),
            (None, None) => {}
        }
        for file in &image.files {
            if let Err(fault) = self.add_file(&mut context, file)? {
                context.faults.push((fault, Some(file.line)));
            }
        }
        let submodule = context.files.iter().find(|(_, file)| file.mode == Mode::Gitlink).map(|(path, _)| path.clone());
        if let Some(path) = submodule.filter(|_| !image.allow_pointers) {
            context.faults.push((PlanFault::Submodule(path), None));
        }
        self.ignored(&mut context, image, missing)?;
        Ok(context)
    }

    fn entry(&mut self, path: &RepoPath) -> Result<Option<Entry>, GitError> {
        self.objects.entry(self.tree, path)
    }

    /// Adds the files below the folder `folder` of the tree that are in the checkout; the path of the folder is
    /// `above`.
    fn add_folder(&mut self, context: &mut BuildContext, above: Option<&RepoPath>, folder: Id) -> Result<(), GitError> {
        for (path, file) in self.files_below(folder)? {
            let whole = match above {
                None => path.clone(),
                Some(above) => above.join(path.as_bytes()).map_err(GitError::EvilPath)?,
            };
            if self.sparse.contains_entry(&whole, file.mode) {
                context.files.insert(path, file);
            } else {
                context.outside.insert(path);
            }
        }
        Ok(())
    }

    /// Returns every file below a folder of the tree, by its path relative to it.
    fn files_below(&mut self, folder: Id) -> Result<Vec<(RepoPath, ContextFile)>, GitError> {
        let files = self.objects.diff(Id::EMPTY_TREE, folder)?.into_iter();
        Ok(files.filter_map(|file| Some((file.path, ContextFile::in_store(file.new?)))).collect())
    }

    /// Adds a file that the manifest names.
    fn add_file(&mut self, context: &mut BuildContext, file: &AddedFile) -> Result<Result<(), PlanFault>, GitError> {
        let no_source = |text: String| Ok(Err(PlanFault::NoSource(text)));
        let (name, found) = match &file.source {
            FileSource::Tree(path) => match self.entry(path)? {
                None => return no_source(format!("the patched tree has no '{path}'")),
                Some(Entry { mode: Mode::Folder, id }) => {
                    let place = place(file, path.file_name());
                    for (path, found) in self.files_below(id)? {
                        let Some(path) = place.as_ref().and_then(|place| below(Some(place), path.as_bytes())) else {
                            continue;
                        };
                        if let Err(fault) = put(context, path, found) {
                            return Ok(Err(fault));
                        }
                    }
                    return Ok(Ok(()));
                }
                Some(entry) => (path.file_name().to_vec(), ContextFile::in_store(entry)),
            },
            FileSource::Workspace(path) => match self.of_workspace(path) {
                Ok(found) => (path.file_name().to_vec(), found),
                Err(why) => return no_source(why),
            },
            FileSource::Wheel(wheel) => {
                let Some(entry) = self.upstream.wheels.get(wheel) else {
                    return no_source(format!("there is no wheel '{}'", printable(wheel.as_bytes())));
                };
                let name = match entry.file_name(self.values) {
                    Ok(name) => name,
                    Err(value) => return no_source(format!("{{{value}}} of the wheel '{wheel}' has no value here")),
                };
                let disk = Some(self.wheels.join(&name));
                let found = ContextFile { mode: Mode::File, content: FileContent::Sha256(entry.sha256.clone()), disk };
                (name.into_bytes(), found)
            }
        };
        Ok(match place(file, &name) {
            Some(path) => put(context, path, found),
            None => Err(PlanFault::NoSource(format!("'{}' is not a valid file name", printable(&name)))),
        })
    }

    /// Returns a file of the workspace's repository.
    fn of_workspace(&mut self, path: &RepoPath) -> Result<ContextFile, String> {
        use std::os::unix::fs::PermissionsExt;
        if self.tracked.is_some_and(|tracked| !tracked.contains(path)) {
            return Err(format!("the workspace's repository does not track '{path}'"));
        }
        let mut disk = self.root.clone();
        for part in path.parts() {
            disk = disk.join(std::ffi::OsStr::from_bytes(part));
            if disk.is_symlink() {
                return Err(format!("'{path}' of the workspace is reached through a symlink"));
            }
        }
        let read = std::fs::metadata(&disk).and_then(|meta| Ok((meta, std::fs::read(&disk)?)));
        let (meta, bytes) = read.map_err(|error| format!("'{path}' of the workspace cannot be read: {error}"))?;
        let mode = if meta.permissions().mode() & 0o100 == 0 { Mode::File } else { Mode::Executable };
        let id = self.objects.put(ObjectKind::Blob, bytes);
        Ok(ContextFile { mode, content: FileContent::Git(id), disk: Some(disk) })
    }

    /// Finds added files that the ignore file leaves out.
    fn ignored(
        &mut self,
        context: &mut BuildContext,
        image: &Image,
        missing: &mut BTreeSet<Id>,
    ) -> Result<(), GitError> {
        let own = below(image.dockerfile.parent().as_ref(), &[image.dockerfile.file_name(), b".dockerignore"].concat());
        let own = match own {
            Some(path) => self.entry(&path)?.filter(|entry| entry.mode != Mode::Folder).map(|entry| (path, entry.id)),
            None => None,
        };
        let shared = || {
            let path = RepoPath::new(".dockerignore").ok()?;
            match context.files.get(&path)?.content {
                FileContent::Git(id) => Some((path, id)),
                FileContent::Sha256(_) => None,
            }
        };
        let is_own = own.is_some();
        let Some((path, id)) = own.or_else(shared) else { return Ok(()) };
        let Some(bytes) = self.objects.blob(id)? else {
            missing.insert(id);
            return Ok(());
        };
        let ignore = DockerIgnore::parse(&bytes);
        if is_own {
            context.own_ignore = Some(bytes);
        }
        for file in &image.files {
            let added = context.files.keys().find(|path| match &file.path {
                Some(at) => path.is_within(at),
                None => matches!(&file.source, FileSource::Tree(source) | FileSource::Workspace(source)
                    if path.as_bytes() == source.file_name()),
            });
            if let Some(added) = added
                && let Some(line) = ignore.drops(added)
            {
                let fault = PlanFault::FileIgnored { path: added.clone(), ignore: path.to_string(), line };
                context.faults.push((fault, Some(file.line)));
            }
        }
        Ok(())
    }
}

/// Returns the path of an added file, whose name at its source is `name`.
fn place(file: &AddedFile, name: &[u8]) -> Option<RepoPath> {
    if file.into_folder { below(file.path.as_ref(), name) } else { file.path.clone() }
}

fn put(context: &mut BuildContext, path: RepoPath, file: ContextFile) -> Result<(), PlanFault> {
    let is_folder = context.files.range(&path..).any(|(other, _)| other != &path && other.is_within(&path));
    let on_file =
        std::iter::successors(path.parent(), RepoPath::parent).any(|above| context.files.contains_key(&above));
    if is_folder || on_file || context.files.contains_key(&path) {
        return Err(PlanFault::FileOver(path));
    }
    context.files.insert(path, file);
    Ok(())
}

/// Returns `name` below `folder`; `None` when it cannot be written safely.
fn below(folder: Option<&RepoPath>, name: &[u8]) -> Option<RepoPath> {
    match folder {
        None => RepoPath::new(name).ok(),
        Some(folder) => folder.join(name).ok(),
    }
}

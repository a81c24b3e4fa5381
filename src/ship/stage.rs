//! Writes contexts to disk for builders: from git objects, never from a checkout.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};
use sha2::{Digest, Sha256};

use super::plan::ShipImage;
use super::read::whole_stack;
use crate::git::{Id, Mode, ObjectKind, Objects};
use crate::hex;
use crate::image::{DockerIgnore, FileContent, PlanError, PlanFault, Wheel};
use crate::path::RepoPath;
use crate::stack::Lazy;
use crate::workspace::{Fetcher, Files, QueueError};

/// The name of the Dockerfile in the folder of an image.
pub const DOCKERFILE: &str = "Dockerfile";

/// The name of the context in the folder of an image.
pub const CONTEXT: &str = "context";

/// The beginning of a git-lfs pointer.
const POINTER: &[u8] = b"version https://git-lfs.github.com/spec/v1\n";

/// Why a context cannot be staged.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// The queue or its objects failed.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The disk failed.
    #[error("{doing} '{}'", .path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// The path.
        path: PathBuf,
        /// The error.
        source: io::Error,
    },
    /// A wheel is not in the folder of wheels.
    #[error("the wheel '{}' is missing", .path.display())]
    NoWheel {
        /// The expected path.
        path: PathBuf,
        /// The package in the manifest.
        package: String,
    },
    /// A wheel has another SHA-256 than the manifest.
    #[error("'{}' has another SHA-256 than the manifest: {found}, expected {wanted}", .path.display())]
    OtherContent {
        /// The file.
        path: PathBuf,
        /// The SHA-256 of the file.
        found: String,
        /// The SHA-256 in the manifest.
        wanted: String,
    },
    /// A file of the workspace changed since it was read.
    #[error("'{}' changed while it was read", .0.display())]
    Changed(PathBuf),
    /// The context contains something that cannot be built.
    #[error(transparent)]
    Plan(#[from] PlanError),
}

impl StageError {
    pub(super) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StageError {
        let path = path.to_owned();
        move |source| StageError::Io { doing, path, source }
    }
}

/// Stages `images`, which all belong to `upstream`, each into its folder: the Dockerfile for the given recipe, its own
/// ignore file, and the context. The folders must not exist yet. Returns the number of bytes written.
///
/// # Errors
/// [`StageError`]; files that were written stay.
pub fn stage(
    fetcher: &Fetcher<'_>,
    files: &Files,
    images: &[(&ShipImage<'_>, usize, PathBuf)],
) -> Result<u64, StageError> {
    let upstream = fetcher.upstream;
    let mut objects = Objects::new(&upstream.store).map_err(QueueError::from)?;
    whole_stack(fetcher, &mut objects, files)?;
    let mut wanted = BTreeSet::new();
    for (image, ..) in images {
        let in_store = image.context.files.values().filter(|file| file.disk.is_none() && file.mode != Mode::Gitlink);
        wanted.extend(in_store.filter_map(|file| match file.content {
            FileContent::Git(id) => Some(id),
            FileContent::Sha256(_) => None,
        }));
    }
    let all_there = |objects: &mut Objects<'_>| {
        let missing: BTreeSet<Id> = wanted.iter().copied().filter(|id| !objects.has(*id)).collect();
        Ok(if missing.is_empty() { Lazy::Done(()) } else { Lazy::Need(missing) })
    };
    fetcher.run(&mut objects, all_there).map_err(QueueError::from)?;
    let mut written = 0;
    for (image, at, folder) in images {
        written += one(&mut objects, image, *at, folder)?;
    }
    Ok(written)
}

fn one(objects: &mut Objects<'_>, image: &ShipImage<'_>, at: usize, folder: &Path) -> Result<u64, StageError> {
    let context = folder.join(CONTEXT);
    fs::create_dir_all(folder).map_err(StageError::io("cannot make the folder", folder))?;
    fs::create_dir(&context).map_err(StageError::io("cannot make the folder", &context))?;
    write(&folder.join(DOCKERFILE), &image.staged_dockerfile(at), 0o644)?;
    let mut ignore = None;
    if let Some(own) = &image.context.own_ignore {
        write(&folder.join(format!("{DOCKERFILE}.dockerignore")), own, 0o644)?;
        ignore = Some(DockerIgnore::parse(own));
    }
    let mut written = 0;
    let mut folders: BTreeSet<RepoPath> = BTreeSet::new();
    for (path, file) in &image.context.files {
        for above in std::iter::successors(path.parent(), RepoPath::parent) {
            if !folders.insert(above) {
                break;
            }
        }
        let place = path.below(&context);
        let parent = place.parent().unwrap_or(&context);
        fs::create_dir_all(parent).map_err(StageError::io("cannot make the folder", parent))?;
        if file.mode == Mode::Gitlink {
            fs::create_dir(&place).map_err(StageError::io("cannot make the folder", &place))?;
            folders.insert(path.clone());
            continue;
        }
        let bytes = content(objects, image, file)?;
        written += bytes.len() as u64;
        if path.as_bytes() == b".dockerignore" && ignore.is_none() {
            ignore = Some(DockerIgnore::parse(&bytes));
        }
        if bytes.starts_with(POINTER) && bytes.len() < 1024 && !image.entry.allow_pointers {
            let dropped = ignore.as_ref().is_some_and(|ignore| ignore.drops(path).is_some());
            if !dropped {
                return Err(PlanError::of(&image.planned.id, PlanFault::LargeFile(path.clone())).into());
            }
        }
        match file.mode {
            Mode::Symlink => {
                symlink(OsStr::from_bytes(&bytes), &place).map_err(StageError::io("cannot make the link", &place))?;
                set_time(&place, image.seconds)?;
            }
            mode => {
                write(&place, &bytes, if mode == Mode::Executable { 0o755 } else { 0o644 })?;
                set_time(&place, image.seconds)?;
            }
        }
    }
    // Folders come last: writing into a folder changes its time.
    for path in folders.iter().rev() {
        let place = path.below(&context);
        set_mode(&place, 0o755)?;
        set_time(&place, image.seconds)?;
    }
    set_mode(&context, 0o755)?;
    set_time(&context, image.seconds)?;
    Ok(written)
}

fn content(
    objects: &mut Objects<'_>,
    image: &ShipImage<'_>,
    file: &super::ContextFile,
) -> Result<Rc<Vec<u8>>, StageError> {
    let Some(disk) = &file.disk else {
        let FileContent::Git(id) = file.content else { return Ok(Rc::default()) };
        let bytes = objects.blob(id).map_err(QueueError::from)?;
        return bytes.ok_or_else(|| QueueError::from(crate::git::GitError::Missing { kind: "blob", id }).into());
    };
    let bytes = match fs::read(disk) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound && matches!(file.content, FileContent::Sha256(_)) => {
            let is_it = |wheel: &&Wheel| file.content == FileContent::Sha256(wheel.sha256.clone());
            let package = image.upstream.wheels.values().find(is_it).map(|wheel| wheel.package.clone());
            return Err(StageError::NoWheel { path: disk.clone(), package: package.unwrap_or_default() });
        }
        Err(error) => return Err(StageError::io("cannot read", disk)(error)),
    };
    match &file.content {
        FileContent::Git(id) if objects.put(ObjectKind::Blob, bytes.clone()) != *id => {
            Err(StageError::Changed(disk.clone()))
        }
        FileContent::Git(_) => Ok(Rc::new(bytes)),
        FileContent::Sha256(wanted) => {
            let found = hex::encode(&Sha256::digest(&bytes));
            if found == wanted.digits() {
                return Ok(Rc::new(bytes));
            }
            Err(StageError::OtherContent { path: disk.clone(), found, wanted: wanted.digits().to_owned() })
        }
    }
}

/// Creates a new file; an existing file is never written to, and no link is followed.
pub(super) fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<(), StageError> {
    let mut options = OpenOptions::new();
    let opened = options.write(true).create_new(true).mode(mode).open(path);
    let mut file = opened.map_err(StageError::io("cannot write", path))?;
    file.write_all(bytes).map_err(StageError::io("cannot write", path))?;
    // Independent of the umask: modes become part of the image.
    file.set_permissions(fs::Permissions::from_mode(mode)).map_err(StageError::io("cannot set the mode of", path))
}

fn set_mode(path: &Path, mode: u32) -> Result<(), StageError> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(StageError::io("cannot set the mode of", path))
}

/// Sets the time of the pin's commit on a file, a folder or a link itself.
fn set_time(path: &Path, seconds: i64) -> Result<(), StageError> {
    let time = Timespec { tv_sec: seconds, tv_nsec: 0 };
    let times = Timestamps { last_access: time, last_modification: time };
    utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW)
        .map_err(|error| StageError::io("cannot set the time of", path)(error.into()))
}

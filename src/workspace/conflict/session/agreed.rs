//! The options of the command line for deciding without asking.

use std::collections::BTreeSet;

use globset::{Glob, GlobBuilder, GlobSetBuilder};

use crate::path::printable;
use crate::stack::{Accept, AcceptRule};
use crate::workspace::files::queue_files::Files;
use crate::workspace::files::which_patch::{WhichPatchError, which_patch};

/// The options of a refresh that decide without asking.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AcceptOptions {
    /// `--accept`: the ways in their order.
    pub accept: Vec<AcceptRule>,
    /// `--only`: the patches, and globs over paths, that may be decided; empty: all.
    pub only: Vec<String>,
    /// `--allow-drop`: patches that may leave the queue when a clean merge leaves nothing of them.
    pub allow_drop: Vec<String>,
}

/// Why options are not valid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AcceptOptionsError {
    /// They name a patch that is not in the queue.
    #[error(transparent)]
    Which(#[from] WhichPatchError),
    /// A glob is not valid.
    #[error("the glob '{glob}' cannot be read: {reason}")]
    Glob {
        /// The text, printable.
        glob: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl AcceptOptions {
    /// Returns the same for the patches of `files`, with their full names.
    ///
    /// # Errors
    /// [`AcceptOptionsError`].
    pub fn accept(&self, files: &Files) -> Result<Accept, AcceptOptionsError> {
        let names = || files.patches.iter().map(|patch| patch.queued.name.as_str());
        let full = |wanted: &str| which_patch(names(), wanted).map(|n| files.patches[n].queued.name.clone());
        let may_drop = self.allow_drop.iter().map(|name| full(name)).collect::<Result<_, _>>()?;
        let (mut patches, mut paths) = (BTreeSet::new(), GlobSetBuilder::new());
        for only in &self.only {
            match glob(only)? {
                None => drop(patches.insert(full(only)?)),
                Some(glob) => drop(paths.add(glob)),
            }
        }
        // Globs that compile one by one also compile together.
        let only = (!self.only.is_empty()).then(|| (patches, paths.build().unwrap_or_default()));
        Ok(Accept { ways: self.accept.clone(), only, may_drop, memory: None })
    }

    /// Returns the options that apply to the patches of `files`, and the options that name none of them. If `--only`
    /// has nothing left, nothing may be decided.
    #[must_use]
    pub fn for_files(&self, files: &Files) -> (AcceptOptions, Vec<String>) {
        let known =
            |name: &str| which_patch(files.patches.iter().map(|patch| patch.queued.name.as_str()), name).is_ok();
        let (allow_drop, no_drop): (Vec<String>, Vec<String>) =
            self.allow_drop.iter().cloned().partition(|name| known(name));
        let holds = |only: &String| !matches!(glob(only), Ok(None)) || known(only);
        let (only, nothing): (Vec<String>, Vec<String>) = self.only.iter().cloned().partition(holds);
        let accept = if only.is_empty() && !self.only.is_empty() { Vec::new() } else { self.accept.clone() };
        let gone = no_drop.iter().map(|name| format!("--allow-drop {name}"));
        let gone = gone.chain(nothing.iter().map(|name| format!("--only {name}"))).collect();
        (AcceptOptions { accept, only, allow_drop }, gone)
    }

    /// Checks what can be checked without a queue.
    ///
    /// # Errors
    /// [`AcceptOptionsError::Glob`].
    pub fn check(&self) -> Result<(), AcceptOptionsError> {
        self.only.iter().try_for_each(|only| glob(only).map(drop))
    }
}

/// Returns a glob over paths if `only` is one: it has a slash or a wildcard. Else it names a patch.
fn glob(only: &str) -> Result<Option<Glob>, AcceptOptionsError> {
    if only.ends_with(".patch") || !only.contains(['/', '*', '?', '[', '{']) {
        return Ok(None);
    }
    // A folder also stands for everything below it.
    let glob = format!("{}{{,/**}}", only.trim_end_matches('/'));
    match GlobBuilder::new(&glob).literal_separator(true).empty_alternates(true).build() {
        Ok(glob) => Ok(Some(glob)),
        Err(error) => {
            Err(AcceptOptionsError::Glob { glob: printable(only.as_bytes()), reason: error.kind().to_string() })
        }
    }
}

//! A Dockerfile as patchq needs to know it: which images it is built from, and where it says so.
//!
//! It is no builder: the words of most instructions are left alone. What it must know it knows to the byte, because the
//! digest of a base is written into the FROM line, and findings name a line.
//!
//! Source: the Dockerfile reference (docs.docker.com/reference/dockerfile).

mod copies;
mod expand;
mod scan;
mod staged;
mod stages;
mod words;

pub use copies::CopySource;
pub use expand::ExpandError;
pub use scan::{Directive, Dockerfile, Heredoc, Instruction, ScanError, ScanFault};
pub use staged::with_names;
pub use stages::{Base, External, ResolveError, ResolveFault, Resolved, Role, Stage};

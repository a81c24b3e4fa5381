//! Reads a Dockerfile as far as patchq needs it: which images it is built from, and where it names them.
//!
//! This is not a builder: most instructions are not interpreted. The positions are exact to the byte, because the
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

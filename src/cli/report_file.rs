//! The destination of a report for a pull request. It is checked before anything is done that the report is about.

use std::fs::{self, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::context::Context;
use super::failure::{CliError, shown};
use crate::report::{FailureKind, is_markdown};

/// The longest first line of a report, in bytes.
const FIRST_LINE: u64 = 64 << 10;

/// The destination of a report.
pub(super) enum ReportFile {
    /// No report.
    None,
    /// Standard output, instead of the other output.
    Stdout,
    /// A file.
    File(PathBuf),
}

impl ReportFile {
    /// Checks the destination that the command line names.
    pub(super) fn at(context: &Context, named: Option<&Path>) -> Result<ReportFile, CliError> {
        let Some(named) = named else { return Ok(ReportFile::None) };
        if named.as_os_str() == "-" {
            return match context.json {
                true => Err(CliError::usage("--report - and --json cannot both use standard output")),
                false => Ok(ReportFile::Stdout),
            };
        }
        let path = context.cwd.join(named);
        match holds_something_else(&path) {
            Ok(false) => Ok(ReportFile::File(path)),
            Ok(true) => {
                let text = format!(
                    "'{}' is not a report, and would be overwritten",
                    shown(named.as_os_str().as_encoded_bytes())
                );
                Err(CliError::plain(FailureKind::Report, text).hint("give the report another name"))
            }
            Err(error) => Err(cannot_write(&path, &error)),
        }
    }

    pub(super) const fn is_stdout(&self) -> bool {
        matches!(self, ReportFile::Stdout)
    }

    /// Writes the report that `text` returns.
    pub(super) fn write(&self, context: &Context, text: impl FnOnce() -> String) -> Result<(), CliError> {
        match self {
            ReportFile::None => Ok(()),
            ReportFile::Stdout => {
                context.out(&text());
                Ok(())
            }
            ReportFile::File(path) => fs::write(path, text()).map_err(|error| cannot_write(path, &error)),
        }
    }
}

fn cannot_write(path: &Path, error: &io::Error) -> CliError {
    CliError::io("cannot write the report", path, error)
}

/// Whether the file at `path`, which must be one that can be written, is not a report.
fn holds_something_else(path: &Path) -> io::Result<bool> {
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Ok(found) if found.is_file() => {
            OpenOptions::new().write(true).open(path)?;
            let mut start = Vec::new();
            fs::File::open(path)?.take(FIRST_LINE).read_to_end(&mut start)?;
            Ok(found.len() > 0 && !is_markdown(&start))
        }
        // A pipe or a device has no old content.
        Ok(_) => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            tempfile::NamedTempFile::new_in(folder).map(|_| false)
        }
        Err(error) => Err(error),
    }
}

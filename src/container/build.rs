//! One build.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicBool;

use super::builder::{Builder, BuilderKind};
use super::call::{CallError, listen};
use super::spec::BuildSpec;
use super::store::StoredImage;

/// How an image is built, beside what is built.
#[derive(Debug, Clone, Copy)]
pub struct BuildOptions<'a> {
    /// The file that the builder writes the image's id to. Its folder must be there.
    pub id_file: &'a Path,
    /// Whether every step is run again.
    pub no_cache: bool,
    /// The time that files and history get where the builder can do that, in seconds since 1970.
    pub seconds: Option<i64>,
}

/// Why there is no image.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The builder failed, or could not be started.
    #[error(transparent)]
    Call(#[from] CallError),
    /// It ended with 0 and made no image.
    #[error("{0} ended without an error, and without an image")]
    NoImage(BuilderKind),
    /// The file of the id.
    #[error("{doing} '{}'", .path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// On which path.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl Builder {
    /// Builds `spec` and returns the image. `hear` gets what the builder prints.
    ///
    /// The exit code alone proves nothing (podman's says 0 after a signal, and some leave the id of an earlier build behind): the
    /// file of the id must be new, and the store must have the image.
    ///
    /// # Errors
    /// [`BuildError`].
    pub fn build(
        &self,
        spec: &BuildSpec,
        options: BuildOptions<'_>,
        cancel: &AtomicBool,
        hear: &mut dyn FnMut(&[u8]),
    ) -> Result<StoredImage, BuildError> {
        let io = |doing: &'static str| move |source| BuildError::Io { doing, path: options.id_file.to_owned(), source };
        match fs::remove_file(options.id_file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io("cannot remove")(error)),
            _ => {}
        }
        let mut command = self.build_command(spec, options);
        listen(&mut command, &format!("{} build", self.kind), cancel, &mut |_, bytes| hear(bytes))?;
        let id = match fs::read_to_string(options.id_file) {
            Ok(id) => format!("sha256:{}", id.trim().trim_start_matches("sha256:")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(BuildError::NoImage(self.kind)),
            Err(error) => return Err(io("cannot read")(error)),
        };
        self.image(&id, cancel)?.ok_or(BuildError::NoImage(self.kind))
    }

    /// The command of a build.
    fn build_command(&self, spec: &BuildSpec, options: BuildOptions<'_>) -> Command {
        let mut command = self.command();
        match (self.kind, &self.buildx) {
            (BuilderKind::Docker, Some(_)) => {
                // The builder of docker itself, whichever is selected: its images are those of the store.
                command.args(["buildx", "build", "--builder", "default", "--load", "--progress", "plain"]);
                // Attestations would make an index of the image, with another id each time.
                command.args(["--provenance=false", "--sbom=false"]);
            }
            (BuilderKind::Docker, None) => {
                command.env("DOCKER_BUILDKIT", "1").args(["build", "--progress", "plain"]);
            }
            (BuilderKind::Buildah, _) => {
                // OCI's form has no place for SHELL, HEALTHCHECK and ONBUILD.
                // Without `--force-rm` the container of a step that failed stays.
                command.args(["build", "--layers", "--force-rm", "--format", "docker"]);
            }
        }
        match (self.kind, options.seconds) {
            (BuilderKind::Docker, Some(seconds)) => {
                command.env("SOURCE_DATE_EPOCH", seconds.to_string());
            }
            (BuilderKind::Buildah, Some(seconds)) => {
                command.args(["--timestamp", &seconds.to_string()]);
            }
            (_, None) => {}
        }
        if options.no_cache {
            command.arg("--no-cache");
        }
        command.arg("--iidfile").arg(options.id_file).args(spec.common_arguments());
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(kind: BuilderKind, buildx: Option<&str>) -> String {
        let builder = Builder {
            kind,
            program: kind.word().into(),
            client: "1".to_owned(),
            server: None,
            buildx: buildx.map(str::to_owned),
        };
        let spec = BuildSpec { dockerfile: "D".to_owned(), context: "c".to_owned(), ..BuildSpec::default() };
        let options = BuildOptions { id_file: Path::new("id"), no_cache: true, seconds: Some(7) };
        let command = builder.build_command(&spec, options);
        command.get_args().map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn each_builder_gets_its_options() {
        assert_eq!(
            words(BuilderKind::Docker, Some("0.13.1")),
            "buildx build --builder default --load --progress plain --provenance=false --sbom=false --no-cache --iidfile id \
             --file D c"
        );
        assert_eq!(words(BuilderKind::Docker, None), "build --progress plain --no-cache --iidfile id --file D c");
        assert_eq!(
            words(BuilderKind::Buildah, None),
            "build --layers --force-rm --format docker --timestamp 7 --no-cache --iidfile id --file D c"
        );
    }
}

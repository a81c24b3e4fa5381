//! Looking for a builder that works.

use std::sync::atomic::AtomicBool;

use serde::Deserialize;

use super::builder::{Builder, BuilderKind, Programs, clean_command};
use super::call::{CallError, Output, call, last_lines, listen};

/// Why a builder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum NotFound {
    /// There is no such program.
    #[error("'{0}' is not installed")]
    NotInstalled(BuilderKind),
    /// The docker client works, but its daemon does not answer.
    #[error("the docker daemon does not answer{}", .0.as_ref().map(|line| format!(": {line}")).unwrap_or_default())]
    NoServer(Option<String>),
    /// The docker client has no BuildKit: since 23.0 that is the separate program buildx.
    #[error("docker {0} has no buildx, without which it cannot use BuildKit")]
    NoBuildx(String),
    /// It does not work.
    #[error("{kind} does not work")]
    Broken {
        /// The builder.
        kind: BuilderKind,
        /// Why.
        source: CallError,
    },
    /// The user wanted it to end.
    #[error("interrupted")]
    Cancelled,
}

/// A builder, or why it cannot be used.
pub type Found = Result<Builder, NotFound>;

/// The parts of `docker version --format '{{json .}}'` that are of use.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DockerVersion {
    client: DockerPart,
    server: Option<DockerPart>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DockerPart {
    version: String,
}

#[derive(Debug, Deserialize)]
struct BuildahVersion {
    version: String,
}

/// The first client of docker that does not build with BuildKit by itself.
const NEEDS_BUILDX: u32 = 23;

/// Looks for the builder of `kind`.
///
/// # Errors
/// [`NotFound`].
pub fn find(kind: BuilderKind, programs: &Programs, cancel: &AtomicBool) -> Found {
    match kind {
        BuilderKind::Docker => docker(programs, cancel),
        BuilderKind::Buildah => buildah(programs, cancel),
    }
}

/// Looks for all builders, in the order in which they are tried.
#[must_use]
pub fn find_all(programs: &Programs, cancel: &AtomicBool) -> Vec<(BuilderKind, Found)> {
    BuilderKind::ALL.into_iter().map(|kind| (kind, find(kind, programs, cancel))).collect()
}

fn docker(programs: &Programs, cancel: &AtomicBool) -> Found {
    let kind = BuilderKind::Docker;
    let program = programs.of(kind);
    let mut command = clean_command(&program);
    command.args(["version", "--format", "{{json .}}"]);
    // Without a server it prints the same document, and ends with 1.
    let mut output = Output::default();
    match listen(&mut command, "docker version", cancel, &mut |stream, bytes| output.push(stream, bytes)) {
        Ok(()) | Err(CallError::Failed { .. }) => {}
        Err(error) => return Err(not_found(kind, error)),
    }
    let version = serde_json::from_slice::<DockerVersion>(&output.stdout).ok();
    let Some((client, server)) = version.and_then(|version| Some((version.client.version, version.server?.version)))
    else {
        return Err(NotFound::NoServer(last_lines(&output.stderr, 1).pop()));
    };
    let mut command = clean_command(&program);
    let buildx = match call(command.args(["buildx", "version"]), "docker buildx version", cancel) {
        Ok(output) => Some(second_word(&output.stdout)),
        Err(CallError::Cancelled) => return Err(NotFound::Cancelled),
        Err(_) => None,
    };
    let major = client.split('.').next().and_then(|number| number.parse().ok()).unwrap_or(0);
    if buildx.is_none() && major >= NEEDS_BUILDX {
        return Err(NotFound::NoBuildx(client));
    }
    Ok(Builder { kind, program, client, server: Some(server), buildx })
}

fn buildah(programs: &Programs, cancel: &AtomicBool) -> Found {
    let kind = BuilderKind::Buildah;
    let program = programs.of(kind);
    let mut command = clean_command(&program);
    let output = call(command.args(["version", "--json"]), "buildah version", cancel);
    let output = output.map_err(|error| not_found(kind, error))?;
    let version: BuildahVersion = serde_json::from_slice(&output.stdout).map_err(|error| NotFound::Broken {
        kind,
        source: CallError::Answer { what: "buildah version".to_owned(), reason: error.to_string() },
    })?;
    // It opens the store, which is what fails where it is not set up.
    let mut command = clean_command(&program);
    call(command.arg("info"), "buildah info", cancel).map_err(|error| not_found(kind, error))?;
    Ok(Builder { kind, program, client: version.version, server: None, buildx: None })
}

fn not_found(kind: BuilderKind, error: CallError) -> NotFound {
    match error {
        CallError::Start { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
            NotFound::NotInstalled(kind)
        }
        CallError::Cancelled => NotFound::Cancelled,
        source => NotFound::Broken { kind, source },
    }
}

/// The version in `github.com/docker/buildx v0.13.1 …`.
fn second_word(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    text.split_whitespace().nth(1).unwrap_or_default().trim_start_matches('v').to_owned()
}

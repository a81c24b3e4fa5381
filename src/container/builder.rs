//! Which builders there are, and how each is started.

use std::ffi::OsString;
use std::fmt;
use std::process::Command;

/// A kind of builder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum BuilderKind {
    /// docker with BuildKit: by buildx, or by the client of docker 20.10 itself.
    Docker,
    /// buildah.
    Buildah,
}

impl BuilderKind {
    /// In the order in which they are tried.
    pub const ALL: [BuilderKind; 2] = [BuilderKind::Docker, BuilderKind::Buildah];

    /// The word of `--builder`, which is also the program's name.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            BuilderKind::Docker => "docker",
            BuilderKind::Buildah => "buildah",
        }
    }
}

impl fmt::Display for BuilderKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// The programs, where they are not found by their names.
#[derive(Debug, Clone, Default)]
pub struct Programs {
    /// docker.
    pub docker: Option<OsString>,
    /// buildah.
    pub buildah: Option<OsString>,
}

impl Programs {
    /// The program of `kind`.
    pub(super) fn of(&self, kind: BuilderKind) -> OsString {
        let named = match kind {
            BuilderKind::Docker => &self.docker,
            BuilderKind::Buildah => &self.buildah,
        };
        named.clone().unwrap_or_else(|| kind.word().into())
    }
}

/// A builder that answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Builder {
    /// Its kind.
    pub kind: BuilderKind,
    /// The program.
    pub program: OsString,
    /// The version of the program.
    pub client: String,
    /// The version of the server behind it, where it has one.
    pub server: Option<String>,
    /// The version of buildx, where docker builds by it.
    pub buildx: Option<String>,
}

/// Variables by which a user changes what is built, and of which nothing would be seen in a record.
const DECIDES: [&str; 9] = [
    "BUILDAH_FORMAT",
    "BUILDAH_LAYERS",
    "BUILDAH_PULL_POLICY",
    "BUILDKIT_PROGRESS",
    "BUILDX_BUILDER",
    "BUILDX_CONFIG",
    "DOCKER_BUILDKIT",
    "DOCKER_DEFAULT_PLATFORM",
    "SOURCE_DATE_EPOCH",
];

/// A command that is not steered by what the user's environment says of builds.
pub(super) fn clean_command(program: &OsString) -> Command {
    let mut command = Command::new(program);
    for name in DECIDES {
        command.env_remove(name);
    }
    // Messages are read.
    command.env("LC_ALL", "C");
    command
}

impl Builder {
    /// A call of the program.
    pub(super) fn command(&self) -> Command {
        clean_command(&self.program)
    }

    /// Returns name and versions, for people.
    #[must_use]
    pub fn shown(&self) -> String {
        format!("{} {}", self.kind, self.versions())
    }

    /// Returns the versions of the program, its server and buildx, for people.
    #[must_use]
    pub fn versions(&self) -> String {
        let mut text = self.client.clone();
        if let Some(server) = self.server.as_ref().filter(|server| **server != self.client) {
            text.push_str(&format!(", server {server}"));
        }
        if let Some(buildx) = &self.buildx {
            text.push_str(&format!(", buildx {buildx}"));
        }
        text
    }
}

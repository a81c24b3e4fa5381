//! Asks for permission where a build gets more than its container: secrets and the host's network.

use std::collections::BTreeSet;
use std::fs;

use sha2::{Digest, Sha256};

use super::super::context::Context;
use super::super::failure::CliError;
use super::super::hint;
use super::load::Loaded;
use crate::hex;
use crate::image::{Network, SecretSource};
use crate::report::FailureKind;
use crate::ui::Message;
use crate::workspace::Workspace;

/// The words of `--allow`.
#[derive(clap::ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Allow {
    /// Build secrets from the environment and from files
    Secrets,
    /// network = "host"
    HostNetwork,
}

impl Allow {
    const ALL: [Allow; 2] = [Allow::Secrets, Allow::HostNetwork];

    const fn word(self) -> &'static str {
        match self {
            Allow::Secrets => "secrets",
            Allow::HostNetwork => "host-network",
        }
    }
}

/// Asks for what the images of `loaded` need and was not allowed yet; the answer is kept in this clone.
pub(super) fn check(
    context: &Context,
    workspace: &Workspace,
    loaded: &Loaded<'_>,
    allowed: &[Allow],
) -> Result<(), CliError> {
    let mut wants: Vec<(Allow, String)> = Vec::new();
    for image in &loaded.plan.images {
        let id = &image.planned.id;
        for (secret, source) in &image.entry.secrets {
            let source = match source {
                SecretSource::Env(name) => format!("the variable {name}"),
                SecretSource::File(path) => format!("the file '{path}'"),
            };
            wants.push((Allow::Secrets, format!("{id} reads {source} as the secret '{secret}'")));
        }
        if image.entry.network == Network::Host {
            wants.push((Allow::HostNetwork, format!("{id} uses the host's network")));
        }
    }
    let path = workspace.layout.allowed();
    let known: BTreeSet<String> = fs::read_to_string(&path).unwrap_or_default().lines().map(str::to_owned).collect();
    // Other urls may bring other Dockerfiles.
    let urls: Vec<String> = workspace.manifest.upstreams.iter().map(|upstream| upstream.url.to_string()).collect();
    let digest = |text: &str| hex::encode(&Sha256::digest(format!("{text}\n{}", urls.join("\n"))));
    wants.retain(|(kind, text)| !allowed.contains(kind) && !known.contains(&digest(text)));
    if wants.is_empty() {
        return Ok(());
    }
    let words = Allow::ALL.into_iter().filter(|kind| wants.iter().any(|(wanted, _)| wanted == kind));
    let words: Vec<&str> = words.map(Allow::word).collect();
    let text = "builds need your permission";
    let list: Vec<&str> = wants.iter().map(|(_, text)| text.as_str()).collect();
    if !context.asker.can_ask() || context.json {
        let error = CliError::plain(FailureKind::Image, format!("{text}:\n{}", list.join("\n")));
        let command = hint::patchq(&["image", "build", "--allow", &words.join(",")]);
        return Err(error.hint(hint::noted(command, "if you trust the manifest, the patches and upstream")));
    }
    context.show(&Message::note(format!("{text}:\n{}", list.join("\n"))));
    if !context.confirm("allow this in this clone from now on?", false)? {
        return Err(CliError::plain(FailureKind::Image, "not allowed; nothing was built"));
    }
    let lines = known.into_iter().chain(wants.iter().map(|(_, text)| digest(text))).map(|line| line + "\n");
    let text: String = lines.collect();
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| CliError::io("cannot make the folder", folder, &error))?;
    }
    fs::write(&path, text).map_err(|error| CliError::io("cannot write", &path, &error))
}

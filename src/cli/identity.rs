//! Finds the user's name and address in git's settings.

use super::context::Context;
use super::failure::CliError;
use crate::workspace::UpstreamStore;

impl Context {
    /// Returns name and address: git's variables for authors, else a setting for the checkout, else what `git commit`
    /// in the workspace would use; `None` if one of them is unknown. An address that git would make from login and host
    /// is not used.
    pub(super) fn identity(&self, upstream: &UpstreamStore<'_>) -> Result<Option<(String, String)>, CliError> {
        let (git, folder) = (self.git_unchecked(), upstream.workspace.layout.root());
        let found = git.settings_of_user(folder, r"^(user|author)\.(name|email)$");
        let found = found.map_err(|error| CliError::from(&error))?;
        let last = |key: &str| {
            if let Some(own) = upstream.store.own_setting(key) {
                return Some(own);
            }
            let value = found.iter().rev().find(|(name, _)| name == key)?.1.as_ref()?;
            value.to_str().map(str::to_owned).filter(|text| !text.is_empty())
        };
        let name = from_env("GIT_AUTHOR_NAME").or_else(|| last("author.name")).or_else(|| last("user.name"));
        let email = from_env("GIT_AUTHOR_EMAIL").or_else(|| last("author.email")).or_else(|| last("user.email"));
        Ok(name.zip(email.or_else(|| from_env("EMAIL"))))
    }
}

/// Returns a variable that is set and not empty.
pub(super) fn from_env(key: &str) -> Option<String> {
    std::env::var(key).ok().filter(|text| !text.is_empty())
}

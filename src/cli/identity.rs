//! Who sits at the terminal, as git knows them.

use super::context::Context;
use super::failure::CliError;
use crate::workspace::UpstreamStore;

impl Context {
    /// Name and address: git's variables for authors, else what somebody set for the checkout, else what `git commit` in the
    /// workspace would take; `None` where one of them is not known. What git would make up of login and host is nobody's.
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

/// A variable that is set and not empty.
pub(super) fn from_env(key: &str) -> Option<String> {
    std::env::var(key).ok().filter(|text| !text.is_empty())
}

//! Who sits at the terminal, as git knows them.

use super::failure::CliError;
use crate::git::{Store, configured_identity};

/// Name and address: git's variables for authors, else its settings; `None` where one of them is not known.
pub(super) fn identity(store: &Store) -> Result<Option<(String, String)>, CliError> {
    let (name, email) = configured_identity(store)?;
    let name = from_env("GIT_AUTHOR_NAME").or(name);
    let email = from_env("GIT_AUTHOR_EMAIL").or(email).or_else(|| from_env("EMAIL"));
    Ok(name.zip(email))
}

/// A variable that is set and not empty.
pub(super) fn from_env(key: &str) -> Option<String> {
    std::env::var(key).ok().filter(|text| !text.is_empty())
}

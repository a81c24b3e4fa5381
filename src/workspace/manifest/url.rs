//! Checks the url of an upstream in the manifest: git must accept it safely, and it must not contain anything personal.

use std::fmt;
use std::path::Path;

use crate::git;
use crate::git::UrlKind;
use crate::path::printable;

/// A checked url or path of a repository, without user information except the user of ssh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamUrl {
    text: String,
    kind: UrlKind,
}

/// Why a text is not a valid url for an upstream. Variants that may contain a password do not show it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadUpstreamUrl {
    /// Git must not be given it.
    #[error(transparent)]
    Git(#[from] git::BadUrl),
    /// A user name or a password outside of ssh. The user alone may be a token, so none of it is shown.
    #[error(
        "a url must hold no password and no user name (only ssh takes a user); leave it to git's credential helpers"
    )]
    UserInfo,
    /// A blank, which a url cannot have (a path may).
    #[error("the url '{0}' contains a blank")]
    Blank(String),
}

impl UpstreamUrl {
    /// Checks `text` and keeps it unchanged.
    ///
    /// # Errors
    /// [`BadUpstreamUrl`].
    pub fn parse(text: &str) -> Result<UpstreamUrl, BadUpstreamUrl> {
        // Before all else: the other mistakes show the text.
        if has_user_info(text) {
            return Err(BadUpstreamUrl::UserInfo);
        }
        let kind = git::Url::check(text)?;
        if text.contains(' ') && !matches!(kind, UrlKind::Path | UrlKind::File) {
            return Err(BadUpstreamUrl::Blank(printable(text.as_bytes())));
        }
        Ok(UpstreamUrl { text: text.to_owned(), kind })
    }

    /// The url for git: a relative path is taken from `workspace_root` (absolute).
    ///
    /// # Errors
    /// None but those of a path that is not valid together with `workspace_root`.
    pub fn for_git(&self, workspace_root: &Path) -> Result<git::Url, git::BadUrl> {
        git::Url::parse(&self.text, workspace_root)
    }

    /// Returns the text in the manifest.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the protocol.
    #[must_use]
    pub fn kind(&self) -> UrlKind {
        self.kind
    }
}

impl BadUpstreamUrl {
    /// Whether the text may hold a password and must not be shown.
    pub(super) fn hides_text(&self) -> bool {
        matches!(self, BadUpstreamUrl::UserInfo | BadUpstreamUrl::Git(git::BadUrl::Password(_)))
    }
}

impl fmt::Display for UpstreamUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Checks whether there is a user in `PROTOCOL://[USER@]HOST`, other than for ssh.
fn has_user_info(text: &str) -> bool {
    text.split_once("://").is_some_and(|(protocol, rest)| {
        let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
        protocol != "ssh" && !protocol.contains('/') && authority.contains('@')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_that_are_taken() {
        for (text, kind) in [
            ("https://github.com/kubeflow/kubeflow.git", UrlKind::Https),
            ("http://127.0.0.1:8080/x@y.git", UrlKind::Http),
            ("ssh://git@example.org:2222/x.git", UrlKind::Ssh),
            ("git@github.com:kubeflow/kubeflow.git", UrlKind::Ssh),
            ("/srv/my git/x.git", UrlKind::Path),
            ("./a://b@c", UrlKind::Path),
        ] {
            assert_eq!(UpstreamUrl::parse(text).map(|url| url.kind()), Ok(kind), "{text}");
        }
    }

    #[test]
    fn user_information_is_refused_and_not_shown() {
        for text in [
            "https://user:secret@a/b",
            "https://secret@a/b",
            "https://user:secret@a/b\n",
            "git://secret@a/b",
            "file://secret@a/b",
            "ftp://user:secret@a/b",
            "ssh://user:secret@a/b",
            "ssh://user:secret%0a@a/b",
            "user:secret@host:x",
        ] {
            let error = UpstreamUrl::parse(text).err();
            assert!(error.as_ref().is_some_and(BadUpstreamUrl::hides_text), "{text}: {error:?}");
            assert!(!error.map(|error| error.to_string()).unwrap_or_default().contains("secret"), "{text}");
        }
    }

    #[test]
    fn blanks_and_what_git_must_not_be_given() {
        assert_eq!(UpstreamUrl::parse("https://a/b c"), Err(BadUpstreamUrl::Blank("https://a/b c".to_owned())));
        assert_eq!(UpstreamUrl::parse("git@a:b c"), Err(BadUpstreamUrl::Blank("git@a:b c".to_owned())));
        for text in ["", "-x", "ext::sh -c id", "ftp://a/b", "file://host/x", "~/x"] {
            assert!(matches!(UpstreamUrl::parse(text), Err(BadUpstreamUrl::Git(_))), "{text}");
        }
    }
}

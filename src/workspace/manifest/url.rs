//! Where an upstream is fetched from, as text that git can only read as a place: never as an option, a command,
//! another transport, or a password.

use std::ffi::OsString;
use std::fmt;
use std::path::Path;

use crate::path::printable;

/// A checked url or path of a repository, without user information except the user of ssh.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Url {
    text: String,
    transport: Transport,
}

/// How git reaches a [`Url`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    /// `https://`
    Https,
    /// `http://`, which anybody on the way can change
    Http,
    /// `ssh://`
    Ssh,
    /// `git://`, which anybody on the way can change
    Git,
    /// `file://`
    File,
    /// `user@host:path`
    Scp,
    /// A path, absolute or relative to the workspace's root
    Path,
}

/// Why some text is no url for an upstream. Variants that may hold a password do not show the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadUrl {
    /// Nothing, or only the protocol.
    #[error("the url '{0}' names no repository")]
    Empty(String),
    /// Git would read it, or a part of it, as an option.
    #[error("the url '{0}' looks like an option: neither it nor its host, user or path may begin with '-'")]
    Option(String),
    /// Control characters, line ends, or characters that hide text.
    #[error("the url '{0}' contains control characters")]
    Control(String),
    /// A blank, which no url has (a path may).
    #[error("the url '{0}' contains a blank")]
    Blank(String),
    /// `helper::address`
    #[error("the url '{0}' names a transport helper ('::'), which could run any program")]
    Helper(String),
    /// A protocol that is not supported.
    #[error("the protocol '{protocol}' is not supported; expected https, ssh, git, file or http, or a path")]
    Protocol {
        /// What stands before `://`, printable.
        protocol: String,
    },
    /// A password, or a user name where only a password would go with it.
    #[error(
        "a url must hold no password and no user name (only ssh takes a user); leave it to git's credential helpers"
    )]
    UserInfo,
    /// No host where there must be one, or one where there must be none.
    #[error("the url '{0}' names no host; expected PROTOCOL://HOST/PATH")]
    NoHost(String),
    /// `file://` with a host.
    #[error("the url '{0}' names a host; expected file:///PATH")]
    FileHost(String),
    /// `~`, which only a shell expands.
    #[error("the path '{0}' begins with '~', which only a shell expands; write the whole path")]
    Tilde(String),
}

impl Url {
    /// Checks `text` and keeps it unchanged.
    ///
    /// # Errors
    /// [`BadUrl`].
    pub fn parse(text: &str) -> Result<Url, BadUrl> {
        let transport = check(text)?;
        Ok(Url { text: text.to_owned(), transport })
    }

    /// The text as the manifest has it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// How git reaches it.
    #[must_use]
    pub fn transport(&self) -> Transport {
        self.transport
    }

    /// What git is given: the text itself, or for a path the absolute path, relative ones taken from the workspace's `root`.
    #[must_use]
    pub fn for_git(&self, root: &Path) -> OsString {
        match self.transport {
            Transport::Path => root.join(&self.text).into_os_string(),
            _ => OsString::from(&self.text),
        }
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn check(text: &str) -> Result<Transport, BadUrl> {
    let shown = || printable(text.as_bytes());
    if text.is_empty() {
        return Err(BadUrl::Empty(String::new()));
    }
    if text.starts_with('-') {
        return Err(BadUrl::Option(shown()));
    }
    if shown() != text {
        return Err(BadUrl::Control(shown()));
    }
    // Git takes a run of scheme characters before '::' for the name of a program `git-remote-NAME`.
    let scheme_end = text.find(|c: char| !(c.is_ascii_alphanumeric() || "+-.".contains(c))).unwrap_or(text.len());
    if text[scheme_end..].starts_with("::") {
        return Err(BadUrl::Helper(shown()));
    }
    if let Some((protocol, rest)) = text.split_once("://") {
        return check_protocol(text, protocol, rest);
    }
    let colon = text.find(':').filter(|at| !text[..*at].contains('/'));
    match colon.map(|at| (&text[..at], &text[at + 1..])) {
        Some((host, path)) => check_scp(text, host, path),
        None if text.starts_with('~') => Err(BadUrl::Tilde(shown())),
        None => Ok(Transport::Path),
    }
}

/// `PROTOCOL://[USER@]HOST[:PORT]/PATH`
fn check_protocol(text: &str, protocol: &str, rest: &str) -> Result<Transport, BadUrl> {
    let shown = || printable(text.as_bytes());
    let transport = match protocol {
        "https" => Transport::Https,
        "http" => Transport::Http,
        "ssh" => Transport::Ssh,
        "git" => Transport::Git,
        "file" => Transport::File,
        _ => return Err(BadUrl::Protocol { protocol: printable(protocol.as_bytes()) }),
    };
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, authority),
    };
    if user.is_some_and(|user| transport != Transport::Ssh || user.contains(':')) {
        return Err(BadUrl::UserInfo);
    }
    if transport == Transport::File {
        return match (host, rest.len() > 1) {
            ("" | "localhost", true) => Ok(transport),
            ("" | "localhost", false) => Err(BadUrl::Empty(shown())),
            _ => Err(BadUrl::FileHost(shown())),
        };
    }
    if host.starts_with('-') || user.is_some_and(|user| user.starts_with('-')) {
        return Err(BadUrl::Option(shown()));
    }
    if host.is_empty() || host.starts_with(':') {
        return Err(BadUrl::NoHost(shown()));
    }
    if rest[authority.len()..].trim_matches('/').is_empty() {
        return Err(BadUrl::Empty(shown()));
    }
    if text.contains(' ') {
        return Err(BadUrl::Blank(shown()));
    }
    // Decoded by git into line ends of the credential protocol.
    let lower = text.to_ascii_lowercase();
    if ["%00", "%0a", "%0d"].iter().any(|escape| lower.contains(escape)) {
        return Err(BadUrl::Control(shown()));
    }
    Ok(transport)
}

/// `[USER@]HOST:PATH`
fn check_scp(text: &str, host: &str, path: &str) -> Result<Transport, BadUrl> {
    let shown = || printable(text.as_bytes());
    // `user:password@host:path` is not what git would make of it, but what its writer meant.
    if path.split('/').next().is_some_and(|first| first.contains('@')) {
        return Err(BadUrl::UserInfo);
    }
    let (user, host) = host.rsplit_once('@').unwrap_or(("", host));
    if host.starts_with('-') || user.starts_with('-') || path.starts_with('-') {
        return Err(BadUrl::Option(shown()));
    }
    if host.is_empty() {
        return Err(BadUrl::NoHost(shown()));
    }
    if path.is_empty() {
        return Err(BadUrl::Empty(shown()));
    }
    if text.contains(' ') {
        return Err(BadUrl::Blank(shown()));
    }
    Ok(Transport::Scp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_that_are_taken() {
        for (text, transport) in [
            ("https://github.com/kubeflow/kubeflow.git", Transport::Https),
            ("http://127.0.0.1:8080/x.git", Transport::Http),
            ("ssh://git@example.org:2222/x.git", Transport::Ssh),
            ("git://example.org/x", Transport::Git),
            ("file:///srv/git/x.git", Transport::File),
            ("git@github.com:kubeflow/kubeflow.git", Transport::Scp),
            ("host:x", Transport::Scp),
            ("/srv/my git/x.git", Transport::Path),
            ("../x", Transport::Path),
            ("./a:b", Transport::Path),
            ("x", Transport::Path),
        ] {
            assert_eq!(Url::parse(text).map(|url| url.transport()), Ok(transport), "{text}");
        }
    }

    #[test]
    fn urls_that_are_refused() {
        let shown = |text: &str| text.to_owned();
        for (text, error) in [
            ("", BadUrl::Empty(String::new())),
            ("--upload-pack=x", BadUrl::Option(shown("--upload-pack=x"))),
            ("https://a/b\nc", BadUrl::Control(shown("https://a/b\\nc"))),
            ("https://a/b%0Ac", BadUrl::Control(shown("https://a/b%0Ac"))),
            ("ext::sh -c id", BadUrl::Helper(shown("ext::sh -c id"))),
            ("::x", BadUrl::Helper(shown("::x"))),
            ("https::https://a/b", BadUrl::Helper(shown("https::https://a/b"))),
            ("ftp://a/b", BadUrl::Protocol { protocol: shown("ftp") }),
            ("HTTPS://a/b", BadUrl::Protocol { protocol: shown("HTTPS") }),
            ("https://user:secret@a/b", BadUrl::UserInfo),
            ("https://token@a/b", BadUrl::UserInfo),
            ("ssh://user:secret@a/b", BadUrl::UserInfo),
            ("user:secret@host:x", BadUrl::UserInfo),
            ("ssh://-oProxyCommand=x/y", BadUrl::Option(shown("ssh://-oProxyCommand=x/y"))),
            ("ssh://-l@host/y", BadUrl::Option(shown("ssh://-l@host/y"))),
            ("git@host:-x", BadUrl::Option(shown("git@host:-x"))),
            ("https:///x", BadUrl::NoHost(shown("https:///x"))),
            ("https://a/", BadUrl::Empty(shown("https://a/"))),
            ("file://host/x", BadUrl::FileHost(shown("file://host/x"))),
            ("https://a/b c", BadUrl::Blank(shown("https://a/b c"))),
            ("~/src/x", BadUrl::Tilde(shown("~/src/x"))),
        ] {
            assert_eq!(Url::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn relative_paths_start_at_the_workspace() {
        let for_git = |text| Url::parse(text).map(|url| url.for_git(Path::new("/w")));
        assert_eq!(for_git("../x"), Ok("/w/../x".into()));
        assert_eq!(for_git("/x"), Ok("/x".into()));
        assert_eq!(for_git("https://a/b"), Ok("https://a/b".into()));
    }
}

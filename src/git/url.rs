//! Parses the url of an upstream. Text from a manifest or a command line is checked before git sees it.
//!
//! A url can make git run a program (`ext::`, `ssh://-oProxyCommand=…`), so this type can only be made by the checks
//! here.

use std::fmt;
use std::path::Path;

use crate::path::printable;

/// The protocol by which git reaches a url.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UrlKind {
    /// `https://`
    Https,
    /// `http://`: anyone on the network path can change the data, but not the object that a full id names.
    Http,
    /// `ssh://` and `user@host:path`.
    Ssh,
    /// `git://`
    Git,
    /// `file:///`
    File,
    /// A path, absolute or relative to the workspace's root.
    Path,
}

/// Why a text is not a valid url for an upstream. The text in every message is printable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadUrl {
    /// The text is empty.
    #[error("the url is empty")]
    Empty,
    /// The text starts with `-`, or its host, user or path does.
    #[error("the url '{0}' could be read as an option")]
    Option(String),
    /// The text names a remote helper, which is a program to run.
    #[error("the url '{0}' names a helper program ('…::'); only https, http, ssh, git, file and paths are allowed")]
    Helper(String),
    /// The text contains control characters, plain or encoded, or characters that control a terminal.
    #[error("the url '{0}' contains control characters")]
    Control(String),
    /// The text contains a password. The message leaves it out.
    #[error("the url '{0}' contains a password; leave it out and let a credential helper of git know it")]
    Password(String),
    /// The protocol is not supported.
    #[error("the url '{0}' has an unknown protocol; expected https, http, ssh, git, file or a path")]
    Protocol(String),
    /// The host is missing or invalid, or a `file` url has one.
    #[error("the url '{0}' has no proper host")]
    Host(String),
    /// There is no path after the host.
    #[error("the url '{0}' has no path")]
    NoPath(String),
    /// The text contains `~`, which only a shell expands.
    #[error("the path '{0}' starts with '~'; write the whole path")]
    Tilde(String),
}

/// A checked url.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    kind: UrlKind,
    written: String,
    git: String,
}

impl Url {
    /// Checks `text`; a relative path is based on `workspace_root` (absolute).
    ///
    /// # Errors
    /// [`BadUrl`].
    pub fn parse(text: &str, workspace_root: &Path) -> Result<Url, BadUrl> {
        let kind = Url::check(text)?;
        let git = match kind {
            // A plain path has git ignore what a server is asked for (depth, filter); the same path as a url does not.
            UrlKind::Path => file_url(&workspace_root.join(text)),
            _ => text.to_owned(),
        };
        Ok(Url { kind, written: text.to_owned(), git })
    }

    /// Checks `text` alone, without reading the disk.
    ///
    /// # Errors
    /// [`BadUrl`].
    pub fn check(text: &str) -> Result<UrlKind, BadUrl> {
        let shown = || printable(without_password(text).as_bytes());
        if text.is_empty() {
            return Err(BadUrl::Empty);
        }
        if text.starts_with('-') {
            return Err(BadUrl::Option(shown()));
        }
        let first_part = text.split('/').next().unwrap_or(text);
        if first_part.find("::").is_some_and(|at| !first_part[..at].contains('[')) {
            return Err(BadUrl::Helper(shown()));
        }
        // This check comes before the errors that show the text: a caller may learn only from it that there is a
        // password.
        let is_address = first_part.contains(':');
        if is_address && without_password(text) != text {
            return Err(BadUrl::Password(shown()));
        }
        if printable(text.as_bytes()) != text {
            return Err(BadUrl::Control(shown()));
        }
        if let Some((scheme, rest)) = text.split_once("://").filter(|(scheme, _)| !scheme.contains('/')) {
            let kind = match scheme {
                "https" => UrlKind::Https,
                "http" => UrlKind::Http,
                "ssh" => UrlKind::Ssh,
                "git" => UrlKind::Git,
                "file" => UrlKind::File,
                _ => return Err(BadUrl::Protocol(shown())),
            };
            check_rest(kind, rest, shown).map(|()| kind)
        } else if let Some((host, path)) = first_part.split_once(':') {
            // git's own rule: a colon before the first slash means `host:path` by ssh.
            let whole_path = &text[host.len() + 1..];
            check_scp(host, path, whole_path, shown).map(|()| UrlKind::Ssh)
        } else if text.starts_with('~') {
            Err(BadUrl::Tilde(shown()))
        } else {
            Ok(UrlKind::Path)
        }
    }

    /// Returns the protocol.
    #[must_use]
    pub fn kind(&self) -> UrlKind {
        self.kind
    }

    /// Returns the text for git. It is used only as the value of a setting, never as an argument.
    #[must_use]
    pub fn for_git(&self) -> &str {
        &self.git
    }

    /// Returns the url for a store's settings: without the user of an http url. (An ssh url without its user is a
    /// different url.)
    #[must_use]
    pub fn stored(&self) -> String {
        match (self.kind, self.git.split_once("://")) {
            (UrlKind::Https | UrlKind::Http, Some((scheme, rest))) => {
                let (authority, path) = split_authority(rest);
                let host = authority.rsplit('@').next().unwrap_or(authority);
                format!("{scheme}://{host}{path}")
            }
            _ => self.git.clone(),
        }
    }

    /// Returns the url as it was written, for people to read.
    #[must_use]
    pub fn shown(&self) -> &str {
        &self.written
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

/// Splits into the part before the path, and the path with its slash (or a query).
fn split_authority(rest: &str) -> (&str, &str) {
    rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()))
}

fn check_rest(kind: UrlKind, rest: &str, shown: impl Fn() -> String) -> Result<(), BadUrl> {
    if has_encoded_control(rest) {
        return Err(BadUrl::Control(shown()));
    }
    let (authority, path) = split_authority(rest);
    if kind == UrlKind::File {
        return match (authority, path) {
            ("", "" | "/") => Err(BadUrl::NoPath(shown())),
            ("", _) => Ok(()),
            _ => Err(BadUrl::Host(shown())),
        };
    }
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, authority),
    };
    if let Some(user) = user {
        check_word(user, &shown)?;
    }
    check_host(host, &shown)?;
    match path.strip_prefix('/') {
        None | Some("") => Err(BadUrl::NoPath(shown())),
        Some(path) if kind != UrlKind::Https && kind != UrlKind::Http && path.starts_with('-') => {
            Err(BadUrl::Option(shown()))
        }
        Some(_) => Ok(()),
    }
}

/// Checks `host:path`. `path` is the part before the first slash, `whole_path` all of it.
fn check_scp(host: &str, path: &str, whole_path: &str, shown: impl Fn() -> String) -> Result<(), BadUrl> {
    // `[::1]:path` has its first colon inside the brackets.
    let (host, path, whole_path) = if host.contains('[') {
        let after = whole_path.find("]:").ok_or_else(|| BadUrl::Host(shown()))?;
        let path = &whole_path[after + 2..];
        (format!("{host}:{}", &whole_path[..=after]), path.split('/').next().unwrap_or(path), path)
    } else {
        (host.to_owned(), path, whole_path)
    };
    if path.contains('@') {
        return Err(BadUrl::Password(shown()));
    }
    let (user, host) = match host.rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, host.as_str()),
    };
    if let Some(user) = user {
        check_word(user, &shown)?;
    }
    check_host(host, &shown)?;
    match whole_path {
        "" => Err(BadUrl::NoPath(shown())),
        path if path.starts_with('-') => Err(BadUrl::Option(shown())),
        _ => Ok(()),
    }
}

fn check_word(word: &str, shown: &impl Fn() -> String) -> Result<(), BadUrl> {
    if word.starts_with('-') || word.to_ascii_lowercase().starts_with("%2d") {
        return Err(BadUrl::Option(shown()));
    }
    if word.is_empty() || word.contains(char::is_whitespace) {
        return Err(BadUrl::Host(shown()));
    }
    Ok(())
}

/// Checks that a host is a name, an address or `[an IPv6 address]`, with an optional port.
fn check_host(host: &str, shown: &impl Fn() -> String) -> Result<(), BadUrl> {
    check_word(host, shown)?;
    let (name, port) = match host.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        Some((inner, rest)) => {
            let address = !inner.is_empty() && inner.chars().all(|c| c.is_ascii_hexdigit() || ":.%".contains(c));
            (if address { "v6" } else { "" }, rest.strip_prefix(':'))
        }
        None => host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port))),
    };
    let name_ok = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "-._".contains(c));
    let port_ok = port.is_none_or(|port| !port.is_empty() && port.parse::<u16>().is_ok());
    if name_ok && port_ok { Ok(()) } else { Err(BadUrl::Host(shown())) }
}

/// Checks for encoded control characters: git decodes `%0a` and the like in ssh, git and file urls before it uses them.
fn has_encoded_control(text: &str) -> bool {
    text.split('%').skip(1).any(|rest| {
        rest.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok()).is_some_and(|byte| byte.is_ascii_control())
    })
}

/// Returns `text` with `user:password@` shortened to `user:…@`.
pub(crate) fn without_password(text: &str) -> String {
    let start = text.find("://").map_or(0, |at| at + 3);
    let (authority, path) = split_authority(&text[start..]);
    match authority.rsplit_once('@') {
        Some((user, host)) => {
            let end = user.find(':').or_else(|| user.to_ascii_lowercase().find("%3a")).unwrap_or(user.len());
            let hidden = if end < user.len() { ":…" } else { "" };
            format!("{}{}{hidden}@{host}{path}", &text[..start], &user[..end])
        }
        None => text.to_owned(),
    }
}

/// Returns `path` (absolute) as a `file://` url; everything that git would decode or misread is encoded.
fn file_url(path: &Path) -> String {
    let mut url = "file://".to_owned();
    for &byte in path.as_os_str().as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~+,@=".contains(&byte) {
            url.push(char::from(byte));
        } else {
            url.push_str(&format!("%{byte:02x}"));
        }
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_allowed_form_is_taken() {
        for (text, kind) in [
            ("https://github.com/kubeflow/kubeflow.git", UrlKind::Https),
            ("https://me@example.org:8443/a b/c.git", UrlKind::Https),
            ("http://127.0.0.1:80/x", UrlKind::Http),
            ("http://[::1]:80/x", UrlKind::Http),
            ("ssh://git@example.org:22/~me/x.git", UrlKind::Ssh),
            ("git@github.com:kubeflow/kubeflow.git", UrlKind::Ssh),
            ("host:x", UrlKind::Ssh),
            ("me@[::1]:x/y", UrlKind::Ssh),
            ("git://example.org/x", UrlKind::Git),
            ("file:///srv/git/x%20y.git", UrlKind::File),
            ("/srv/git/x.git", UrlKind::Path),
            ("../upstream", UrlKind::Path),
            ("a/b:c", UrlKind::Path),
            (".", UrlKind::Path),
        ] {
            assert_eq!(Url::check(text), Ok(kind), "{text}");
        }
    }

    #[test]
    fn what_could_run_or_leak_is_refused() {
        type Check = fn(&BadUrl) -> bool;
        let option: Check = |e| matches!(e, BadUrl::Option(_));
        let helper: Check = |e| matches!(e, BadUrl::Helper(_));
        let control: Check = |e| matches!(e, BadUrl::Control(_));
        let password: Check = |e| matches!(e, BadUrl::Password(_));
        let other: Check = |e| matches!(e, BadUrl::Protocol(_) | BadUrl::Host(_) | BadUrl::NoPath(_));
        for (text, expected) in [
            ("--upload-pack=touch x", option),
            ("ssh://-oProxyCommand=touch/x", option),
            ("ssh://-oProxyCommand=touch@host/x", option),
            ("ssh://%2doProxyCommand=touch/x", option),
            ("-oProxyCommand=touch:x", option),
            ("me@-oProxyCommand=touch:x", option),
            ("host:-x", option),
            ("git://host/--x", option),
            ("ext::sh -c touch% x", helper),
            ("https::https://example.org/x", helper),
            ("fd::17", helper),
            ("::x", helper),
            ("https://example.org/\x1b[31m", control),
            ("https://example.org/\n", control),
            ("git://example.org/x%0ahost=other", control),
            ("https://me:secret@example.org/x", password),
            ("https://me%3Asecret@example.org/x", password),
            ("ssh://me:secret@example.org/x", password),
            ("me:secret@example.org:x", password),
            ("ftp://example.org/x", other),
            ("HTTPS://example.org/x", other),
            ("javascript://x/y", other),
            ("https:///x", other),
            ("https://example.org", other),
            ("ssh://host:port/x", other),
            ("file://host/x", other),
            ("ssh://ho%73t/x", other),
            ("host:", other),
        ] {
            let error = Url::check(text).err();
            assert!(error.as_ref().is_some_and(expected), "{text}: {error:?}");
            let message = error.map(|e| e.to_string()).unwrap_or_default();
            assert!(!message.contains("secret") && printable(message.as_bytes()) == message, "{message}");
        }
        assert!(matches!(Url::check(""), Err(BadUrl::Empty)) && matches!(Url::check("~/x"), Err(BadUrl::Tilde(_))));
    }

    #[test]
    fn paths_become_file_urls_and_stored_urls_have_no_user() {
        let root = Path::new("/home/me/work space");
        let given = |text: &str| Url::parse(text, root).map(|url| (url.for_git().to_owned(), url.stored()));
        assert_eq!(given("up%").map(|g| g.0), Ok("file:///home/me/work%20space/up%25".to_owned()));
        assert_eq!(given("/srv/x").map(|g| g.1), Ok("file:///srv/x".to_owned()));
        assert_eq!(given("https://me@h/x").map(|g| g.1), Ok("https://h/x".to_owned()));
        assert_eq!(given("git@h:x").map(|g| g.1), Ok("git@h:x".to_owned()));
    }
}

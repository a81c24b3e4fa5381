//! Makes links to the web pages of a forge: a commit, a comparison of two commits, a file.
//!
//! The forge is recognized by the host in the url alone; no request is made. An unknown host gives no link: a wrong
//! link is worse than none.

use std::ops::Range;

use super::{Id, Url, UrlKind};
use crate::path::RepoPath;

/// The naming scheme of a forge's pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    GitHub,
    GitLab,
    /// Gitea and Forgejo.
    Gitea,
    Bitbucket,
    Cgit,
}

/// The web pages of a repository at a forge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forge {
    family: Family,
    /// The repository's page, without a slash behind it.
    page: String,
}

/// Hosts that accept ssh at a port of the web, for networks that block all other ports.
const SSH_HOSTS: [(&str, &str); 3] =
    [("ssh.github.com", "github.com"), ("altssh.gitlab.com", "gitlab.com"), ("altssh.bitbucket.org", "bitbucket.org")];

impl Forge {
    /// Returns the forge of a repository url; `None` when the host is unknown or the url does not have the form that
    /// the forge uses. A host that begins with `gitlab.` counts as GitLab.
    #[must_use]
    pub fn of(url: &Url) -> Option<Forge> {
        let (authority, path) = parts(url)?;
        let host = authority.rsplit('@').next()?.to_ascii_lowercase();
        let (host, port) = host.split_once(':').map_or((host.as_str(), None), |(host, port)| (host, Some(port)));
        let host = SSH_HOSTS.iter().find(|(ssh, _)| *ssh == host).map_or(host, |(_, web)| web);
        let family = match host {
            "github.com" => Family::GitHub,
            "bitbucket.org" => Family::Bitbucket,
            "codeberg.org" | "opendev.org" => Family::Gitea,
            "git.kernel.org" => Family::Cgit,
            _ if host.starts_with("gitlab.") => Family::GitLab,
            _ => return None,
        };
        let path = path.trim_matches('/');
        let name = if family == Family::Cgit { path } else { path.strip_suffix(".git").unwrap_or(path) };
        let segments: Vec<_> = name.split('/').collect();
        let plain = |segment: &&str| {
            !matches!(*segment, "" | "." | "..")
                && segment.chars().all(|c| c.is_ascii_alphanumeric() || "-._~".contains(c))
        };
        let deep_enough = match family {
            Family::GitHub | Family::Bitbucket | Family::Gitea => segments.len() == 2,
            Family::GitLab | Family::Cgit => segments.len() >= 2,
        };
        if !deep_enough || !segments.iter().all(plain) {
            return None;
        }
        // The port of ssh says nothing about the web port; an http port is also the port of the web pages.
        let (scheme, port) = match url.kind() {
            UrlKind::Http => ("http", port.filter(|port| *port != "80")),
            UrlKind::Https => ("https", port.filter(|port| *port != "443")),
            _ => ("https", None),
        };
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        Some(Forge { family, page: format!("{scheme}://{host}{port}/{name}") })
    }

    /// Returns the page of a commit.
    #[must_use]
    pub fn commit(&self, id: Id) -> String {
        let page = &self.page;
        match self.family {
            Family::GitHub | Family::Gitea => format!("{page}/commit/{id}"),
            Family::GitLab => format!("{page}/-/commit/{id}"),
            Family::Bitbucket => format!("{page}/commits/{id}"),
            Family::Cgit => format!("{page}/commit/?id={id}"),
        }
    }

    /// Returns the page with the commits that `new` has and `old` lacks, and their changes (cgit shows only the
    /// changes, from `old` itself).
    #[must_use]
    pub fn compare(&self, old: Id, new: Id) -> String {
        let page = &self.page;
        match self.family {
            Family::GitHub | Family::Gitea => format!("{page}/compare/{old}...{new}"),
            Family::GitLab => format!("{page}/-/compare/{old}...{new}"),
            Family::Bitbucket => format!("{page}/branches/compare/{new}%0D{old}"),
            Family::Cgit => format!("{page}/diff/?id={new}&id2={old}"),
        }
    }

    /// Returns the page of a file as it is in a commit, at `lines` (from 0 on, the end excluded; an empty range means
    /// the line at that place).
    #[must_use]
    pub fn file(&self, at: Id, path: &RepoPath, lines: Option<Range<u32>>) -> String {
        let (page, path) = (&self.page, encoded(path));
        let file = match self.family {
            Family::GitHub => format!("{page}/blob/{at}/{path}"),
            Family::GitLab => format!("{page}/-/blob/{at}/{path}"),
            Family::Gitea => format!("{page}/src/commit/{at}/{path}"),
            Family::Bitbucket => format!("{page}/src/{at}/{path}"),
            Family::Cgit => format!("{page}/tree/{path}?id={at}"),
        };
        let Some(lines) = lines else { return file };
        let (first, last) = (lines.start + 1, lines.end.max(lines.start + 1));
        let place = match self.family {
            Family::GitHub | Family::Gitea if first < last => format!("L{first}-L{last}"),
            Family::GitLab if first < last => format!("L{first}-{last}"),
            Family::GitHub | Family::Gitea | Family::GitLab => format!("L{first}"),
            Family::Bitbucket if first < last => format!("lines-{first}:{last}"),
            Family::Bitbucket => format!("lines-{first}"),
            Family::Cgit => format!("n{first}"),
        };
        format!("{file}#{place}")
    }
}

/// Splits a url into the part before the path, and the path; `None` for a repository on this machine.
fn parts(url: &Url) -> Option<(&str, &str)> {
    match (url.kind(), url.shown().split_once("://")) {
        (UrlKind::File | UrlKind::Path, _) => None,
        (_, Some((_, rest))) => rest.split_once('/'),
        // `user@host:path`; an address in brackets does not belong to a forge.
        (_, None) => url.shown().split_once(':'),
    }
}

/// Encodes a path for use in a url.
fn encoded(path: &RepoPath) -> String {
    let mut out = String::new();
    for &byte in path.as_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::path::Path;

    use super::*;

    const OLD: &str = "1111111111111111111111111111111111111111";
    const NEW: &str = "2222222222222222222222222222222222222222";

    fn forge(url: &str) -> Option<Forge> {
        Forge::of(&Url::parse(url, Path::new("/w")).unwrap())
    }

    #[test]
    fn every_form_of_a_url_leads_to_the_repositorys_page() {
        for (url, page) in [
            ("https://github.com/kubeflow/kubeflow.git", "https://github.com/kubeflow/kubeflow"),
            ("https://me@GitHub.com:443/kubeflow/kubeflow/", "https://github.com/kubeflow/kubeflow"),
            ("http://github.com/a/b", "http://github.com/a/b"),
            ("git@github.com:a/b.git", "https://github.com/a/b"),
            ("git@github.com:/a/b.git", "https://github.com/a/b"),
            ("ssh://git@ssh.github.com:443/a/b.git", "https://github.com/a/b"),
            ("git://github.com/a/b.c.git", "https://github.com/a/b.c"),
            ("https://gitlab.com/group/sub/b.git", "https://gitlab.com/group/sub/b"),
            ("ssh://git@gitlab.example.org:2222/a/b.git", "https://gitlab.example.org/a/b"),
            ("https://gitlab.example.org:8443/a/b", "https://gitlab.example.org:8443/a/b"),
            ("https://codeberg.org/a/b", "https://codeberg.org/a/b"),
            ("https://opendev.org/openstack/nova", "https://opendev.org/openstack/nova"),
            ("git@bitbucket.org:a/b.git", "https://bitbucket.org/a/b"),
            ("https://git.kernel.org/pub/scm/git/git.git", "https://git.kernel.org/pub/scm/git/git.git"),
        ] {
            assert_eq!(forge(url).map(|forge| forge.page), Some(page.to_owned()), "{url}");
        }
    }

    #[test]
    fn what_is_no_repository_of_a_known_forge_has_no_page() {
        for url in [
            "https://example.org/a/b",
            "https://github.com.example.org/a/b",
            "https://notgitlab.com/a/b",
            "https://github.com/a",
            "https://github.com/a/b/c",
            "https://github.com/a/../b",
            "https://github.com/a/b?x",
            "https://github.com/a/b%20c",
            "https://github.com/a//b",
            "https://github.com/a/.git",
            "git@[::1]:a/b",
            "file:///srv/github.com/a/b",
            "/srv/github.com/a/b",
            "../github.com/a/b",
        ] {
            assert_eq!(forge(url), None, "{url}");
        }
    }

    #[test]
    fn pages_are_where_each_forge_has_them() {
        let (old, new) = (OLD.parse().unwrap(), NEW.parse().unwrap());
        let path = RepoPath::new("a b/c#d.txt").unwrap();
        for (url, commit, compare, file) in [
            ("https://github.com/a/b", "/commit/NEW", "/compare/OLD...NEW", "/blob/NEW/a%20b/c%23d.txt#L10-L12"),
            ("https://gitlab.com/a/b", "/-/commit/NEW", "/-/compare/OLD...NEW", "/-/blob/NEW/a%20b/c%23d.txt#L10-12"),
            (
                "https://codeberg.org/a/b",
                "/commit/NEW",
                "/compare/OLD...NEW",
                "/src/commit/NEW/a%20b/c%23d.txt#L10-L12",
            ),
            (
                "https://bitbucket.org/a/b",
                "/commits/NEW",
                "/branches/compare/NEW%0DOLD",
                "/src/NEW/a%20b/c%23d.txt#lines-10:12",
            ),
            (
                "https://git.kernel.org/a/b",
                "/commit/?id=NEW",
                "/diff/?id=NEW&id2=OLD",
                "/tree/a%20b/c%23d.txt?id=NEW#n10",
            ),
        ] {
            let forge = forge(url).unwrap();
            let link = |text: &str| format!("{url}{}", text.replace("OLD", OLD).replace("NEW", NEW));
            assert_eq!(forge.commit(new), link(commit));
            assert_eq!(forge.compare(old, new), link(compare));
            assert_eq!(forge.file(new, &path, Some(9..12)), link(file));
            assert_eq!(forge.file(new, &path, None), link(file.split_once('#').unwrap().0));
        }
        let github = forge("https://github.com/a/b").unwrap();
        for one_line in [9..10, 9..9] {
            assert!(github.file(new, &path, Some(one_line)).ends_with("#L10"));
        }
    }
}

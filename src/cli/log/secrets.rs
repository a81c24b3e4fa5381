//! Hides secrets in the log, which people send to each other: passwords and tokens in urls, headers and variables.
//!
//! Everything that looks like a secret is hidden, wherever it comes from. That this may hide harmless text too is
//! better than a token in a bug report.

/// The replacement for a secret.
const HIDDEN: &str = "…";

/// Names of secret values, which end at the next blank.
const NAMES: [&str; 9] =
    ["token", "password", "passwd", "secret", "credential", "api-key", "api_key", "apikey", "private_key"];

/// Names of headers whose whole value is secret, with blanks.
const HEADERS: [&str; 3] = ["authorization", "cookie", "extraheader"];

/// The beginnings of the tokens of large forges.
const TOKENS: [&str; 9] = ["github_pat_", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "glpat-", "xoxb-", "xoxp-"];

/// Returns `text` without everything that looks like a secret.
pub(super) fn hidden(text: &str) -> String {
    let lines = text.split('\n').map(|line| without_tokens(&without_values(&without_users(line))));
    lines.collect::<Vec<_>>().join("\n")
}

/// Without who stands before the host of a url; of an ssh url only the password goes, its user is not a secret.
fn without_users(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    for word in line.split_inclusive(is_end) {
        let body = word.trim_end_matches(is_end);
        match body.split_once("://") {
            Some((scheme, rest)) => {
                let host = host_at(rest);
                let user = &rest[..host];
                let secret = if scheme.ends_with("ssh") { user.find([':', '%']) } else { Some(0) };
                out.push_str(&body[..body.len() - rest.len()]);
                match secret.filter(|_| host > 0) {
                    Some(from) => out.extend([&user[..from], HIDDEN, "@"]),
                    None => out.push_str(user),
                }
                out.push_str(&rest[host..]);
            }
            // `user:password@host:path`
            None => match body.split_once('@').and_then(|(user, host)| Some((user.rfind(':')?, user, host))) {
                Some((at, user, host)) if !user.contains('/') => out.extend([&user[..=at], HIDDEN, "@", host]),
                _ => out.push_str(body),
            },
        }
        out.push_str(&word[body.len()..]);
    }
    out
}

/// Returns where the host begins in the text after `://`. By the grammar, a slash in a password makes it part of the
/// path; it is treated as a password anyway.
fn host_at(rest: &str) -> usize {
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    if let Some(at) = authority.rfind('@') {
        return at + 1;
    }
    let port = authority.rsplit_once(':').map_or("", |(_, port)| port.trim_end_matches(']'));
    let odd = !authority.starts_with('[') && !port.chars().all(|c| c.is_ascii_digit());
    rest.rfind('@').filter(|_| odd).map_or(0, |at| at + 1)
}

/// Removes the values of names that look secret: `token=…`, `Authorization: …`.
fn without_values(line: &str) -> String {
    let lower = line.to_ascii_lowercase();
    let mut out = String::with_capacity(line.len());
    let mut at = 0;
    while let Some((from, to)) = next_value(&lower, at) {
        out.push_str(&line[at..from]);
        out.push_str(HIDDEN);
        at = to;
    }
    out.push_str(&line[at..]);
    out
}

/// Returns where the next value of a secret begins and ends, from `at` on.
fn next_value(lower: &str, at: usize) -> Option<(usize, usize)> {
    let named = |names: &[&str], header: bool| {
        let found = names.iter().flat_map(|name| lower[at..].match_indices(name).map(|(n, name)| at + n + name.len()));
        let values = found.filter_map(|end| {
            // `my-token-2`, and the quote after a name in JSON
            let rest = lower[end..].trim_start_matches(|c: char| c.is_ascii_alphanumeric() || "-_\"'".contains(c));
            let value = rest.strip_prefix([':', '='])?.trim_start_matches([' ', '"', '\'']);
            let stops = |c: char| if header { c == '"' || c == '\'' } else { is_end(c) || c == '&' };
            let length = value.find(stops).unwrap_or(value.len());
            let from = lower.len() - value.len();
            (length > 0).then_some((from, from + length))
        });
        values.min()
    };
    let (value, header) = (named(&NAMES, false), named(&HEADERS, true));
    // A header's value extends beyond other secret names in it.
    match (value, header) {
        (Some(value), Some(header)) if value.0 < header.0 => Some(value),
        (value, header) => header.or(value),
    }
}

/// Removes tokens that are recognized by their beginning.
fn without_tokens(line: &str) -> String {
    let mut out = line.to_owned();
    for start in TOKENS {
        let mut pieces = out.split(start);
        let mut shown = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let rest = piece.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-');
            shown.extend([start, HIDDEN, rest]);
        }
        out = shown;
    }
    out
}

/// Checks whether a word of a log line ends here.
fn is_end(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | ',' | ';' | '(' | ')' | '{' | '}')
}

#[cfg(test)]
mod tests {
    use super::hidden;

    #[test]
    fn nothing_of_a_secret_is_left() {
        for line in [
            "git -c remote.patchq.url=https://me:SECRET@example.org/x.git fetch",
            "url=\"https://SECRET@example.org/x\" and https://SECRET:x-oauth-basic@example.org",
            "https://me:SECRET/SECRET@example.org/x",
            "https://me:a@SECRET@example.org/x",
            "ssh://git:SECRET@example.org/x, ssh://git%3aSECRET@example.org/x",
            "patchq add up me:SECRET@example.org:x.git",
            "-c http.extraHeader=Authorization: Basic SECRET SECRET",
            "['-c', 'http.https://x/.extraheader=AUTHORIZATION: bearer SECRET', 'fetch']",
            "Cookie: a=SECRET; b=SECRET",
            "PRIVATE-TOKEN: SECRET",
            "https://example.org/x?access_token=SECRET&ref=main",
            "{\"password\": \"SECRET\", \"user\": \"me\"}",
            "DB_PASSWORD_2=SECRET",
            "found ghp_SECRET12 and glpat-SECRET-3",
            "one line\nhttps://SECRET@x/y\nlast",
        ] {
            let shown = hidden(line);
            assert!(!shown.contains("SECRET") && shown.contains('…'), "{line}\n{shown}");
        }
    }

    #[test]
    fn what_is_no_secret_stays() {
        for line in [
            "git --git-dir=/a/b -c core.hooksPath=/dev/null fetch --filter=blob:none --stdin patchq",
            "url=https://example.org:8443/a@b/c.git ssh://git@example.org:22/x git@example.org:a/b.git",
            "http://[::1]:80/x@y and refs/heads/main:refs/x and file:///srv/a@b",
            "upstream=kubeflow patch=0001-Make-the-token-shorter.patch",
            "2024-01-01T00:00:00.123456Z DEBUG patchq::git::program: done time.busy=1.2ms",
        ] {
            assert_eq!(hidden(line), line);
        }
        assert_eq!(hidden("https://me:pw@example.org/x?token=a&ref=main"), "https://…@example.org/x?token=…&ref=main");
        assert_eq!(hidden("'Authorization: Basic abc' 'fetch'"), "'Authorization: …' 'fetch'");
    }
}

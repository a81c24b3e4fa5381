//! Names of images, as docker writes them.

/// Returns `name` with its registry: without one docker means `docker.io/`, and `library/` before a single word. buildah
/// would take such a name for an image of this machine (`localhost/`).
#[must_use]
pub fn full_name(name: &str) -> String {
    let has_host = name.split_once('/').is_some_and(|(host, _)| host == "localhost" || host.contains(['.', ':']));
    match (has_host, name.contains('/')) {
        (true, _) => name.to_owned(),
        (false, true) => format!("docker.io/{name}"),
        (false, false) => format!("docker.io/library/{name}"),
    }
}

/// Returns `name` without its tag.
#[must_use]
pub fn untagged(name: &str) -> &str {
    let tag = name.rfind(':').filter(|at| !name[*at..].contains('/'));
    &name[..tag.unwrap_or(name.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_without_a_registry_are_docker_hubs() {
        assert_eq!(full_name("team/x:1"), "docker.io/team/x:1");
        assert_eq!(full_name("ubuntu:20.04"), "docker.io/library/ubuntu:20.04");
        for full in ["docker.io/team/x:1", "localhost/x", "127.0.0.1:5000/x:1", "r.example/team/x"] {
            assert_eq!(full_name(full), full);
        }
    }

    #[test]
    fn a_port_is_not_a_tag() {
        assert_eq!((untagged("h:1/x:2"), untagged("h:1/x"), untagged("x:2")), ("h:1/x", "h:1/x", "x"));
    }
}

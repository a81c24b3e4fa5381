//! The description of one build, and its command line arguments.

use std::collections::BTreeMap;

/// A build of one stage of one Dockerfile.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BuildSpec {
    /// The Dockerfile.
    pub dockerfile: String,
    /// The folder of the context.
    pub context: String,
    /// The names of the built image.
    pub tags: Vec<String>,
    /// The build arguments.
    pub args: BTreeMap<String, String>,
    /// The stage; `None`: the last one.
    pub target: Option<String>,
    /// The platform; `None`: the builder's own.
    pub platform: Option<String>,
    /// The network of RUN instructions, if it is not the builder's default.
    pub network: Option<String>,
    /// Secrets, as `id=…,env=…` or `id=…,src=…`.
    pub secrets: Vec<String>,
}

impl BuildSpec {
    /// Returns the arguments that every builder accepts, from `--file` on; the context is the last one.
    #[must_use]
    pub fn common_arguments(&self) -> Vec<String> {
        let mut arguments = vec!["--file".to_owned(), self.dockerfile.clone()];
        let mut option = |name: &str, value: &str| arguments.extend([format!("--{name}"), value.to_owned()]);
        for tag in &self.tags {
            option("tag", tag);
        }
        if let Some(target) = &self.target {
            option("target", target);
        }
        if let Some(platform) = &self.platform {
            option("platform", platform);
        }
        if let Some(network) = &self.network {
            option("network", network);
        }
        for (name, value) in &self.args {
            option("build-arg", &format!("{name}={value}"));
        }
        for secret in &self.secrets {
            option("secret", secret);
        }
        arguments.push(self.context.clone());
        arguments
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_context_comes_last_and_values_stand_by_themselves() {
        let spec = BuildSpec {
            dockerfile: "a/Dockerfile".to_owned(),
            context: "a/context".to_owned(),
            tags: vec!["x:1".to_owned()],
            args: BTreeMap::from([("A".to_owned(), "--b c".to_owned())]),
            network: Some("none".to_owned()),
            ..BuildSpec::default()
        };
        let wanted =
            ["--file", "a/Dockerfile", "--tag", "x:1", "--network", "none", "--build-arg", "A=--b c", "a/context"];
        assert_eq!(spec.common_arguments(), wanted);
    }
}

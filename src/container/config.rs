//! What an image is started with, as docker's form of an image's configuration has it.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde_json::Value;

/// The configuration of an image.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ImageConfig {
    /// The user that its command runs as.
    pub user: String,
    /// The folder that its command runs in.
    pub working_dir: String,
    /// The variables, `NAME=VALUE`.
    pub env: Option<Vec<String>>,
    /// The program.
    pub entrypoint: Option<Value>,
    /// Its arguments.
    pub cmd: Option<Value>,
    /// The shell of `RUN`.
    pub shell: Option<Value>,
    /// How its health is looked at.
    pub healthcheck: Option<Value>,
    /// What is run in images that are built on it.
    pub on_build: Option<Vec<String>>,
    /// The folders that are kept apart.
    pub volumes: Option<Value>,
    /// The ports.
    pub exposed_ports: Option<Value>,
    /// The signal that it is stopped with.
    pub stop_signal: Option<String>,
    /// The labels.
    pub labels: Option<BTreeMap<String, String>>,
}

/// The first thing in which two configurations differ that should be the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Differs {
    /// The part, by the word of a Dockerfile.
    pub part: &'static str,
    /// What it was.
    pub before: String,
    /// What it is.
    pub after: String,
}

impl fmt::Display for Differs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} was {} and is {}", self.part, self.before, self.after)
    }
}

impl ImageConfig {
    /// Where `after`, made of this one by labels and files alone, differs in more than labels.
    #[must_use]
    pub fn differs(&self, after: &ImageConfig) -> Option<Differs> {
        let text = |value: &str| format!("'{}'", crate::path::printable(value.as_bytes()));
        // Builders write what is empty in several ways.
        let json = |value: &Option<Value>| match value {
            None | Some(Value::Null) => "nothing".to_owned(),
            Some(Value::Array(items)) if items.is_empty() => "nothing".to_owned(),
            Some(Value::Object(items)) if items.is_empty() => "nothing".to_owned(),
            Some(value) => crate::path::printable(value.to_string().as_bytes()),
        };
        let list = |items: &Option<Vec<String>>| json(&items.clone().map(Value::from_iter));
        let folder = |config: &ImageConfig| text(if config.working_dir.is_empty() { "/" } else { &config.working_dir });
        let signal = |config: &ImageConfig| text(config.stop_signal.as_deref().unwrap_or_default());
        let parts: [(&'static str, String, String); 11] = [
            ("USER", text(&self.user), text(&after.user)),
            ("WORKDIR", folder(self), folder(after)),
            ("ENV", list(&self.env), list(&after.env)),
            ("ENTRYPOINT", json(&self.entrypoint), json(&after.entrypoint)),
            ("CMD", json(&self.cmd), json(&after.cmd)),
            ("SHELL", json(&self.shell), json(&after.shell)),
            ("HEALTHCHECK", json(&self.healthcheck), json(&after.healthcheck)),
            ("ONBUILD", list(&self.on_build), list(&after.on_build)),
            ("VOLUME", json(&self.volumes), json(&after.volumes)),
            ("EXPOSE", json(&self.exposed_ports), json(&after.exposed_ports)),
            ("STOPSIGNAL", signal(self), signal(after)),
        ];
        let differing = parts.into_iter().find(|(_, before, after)| before != after);
        differing.map(|(part, before, after)| Differs { part, before, after })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> ImageConfig {
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn what_is_empty_is_the_same_in_every_form() {
        let one = config(r#"{"User":"","WorkingDir":"/","Env":["A=1"],"Cmd":null,"Volumes":{},"Labels":null}"#);
        let other = config(r#"{"Env":["A=1"],"Entrypoint":[],"OnBuild":[],"Labels":{"a":"b"}}"#);
        assert_eq!(one.differs(&other), None);
    }

    #[test]
    fn the_first_difference_is_named() {
        let before = config(r#"{"User":"1000","Shell":["/bin/bash","-c"]}"#);
        let after = config(r#"{"User":"1000"}"#);
        let found = before.differs(&after).map(|found| found.to_string());
        assert_eq!(found.as_deref(), Some(r#"SHELL was ["/bin/bash","-c"] and is nothing"#));
        assert!(before.differs(&config(r#"{"User":"root","Shell":["/bin/bash","-c"]}"#)).is_some());
    }
}

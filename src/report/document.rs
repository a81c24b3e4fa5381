//! The outer structure of a JSON document.

use std::fmt;

use serde::{Serialize, Serializer};

use super::Failure;
use crate::path::{is_log_command, steers_the_terminal};

/// The kind of a document: `patchq.COMMAND/VERSION`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schema {
    /// The command, as it is typed.
    pub command: &'static str,
    /// Increases by one when a key is removed or changes its meaning; a new key does not change the version.
    pub version: u32,
}

impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "patchq.{}/{}", self.command, self.version)
    }
}

impl Serialize for Schema {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// One document: `{"schema", "ok", …fields of T}`, and `"error"` if `ok` is false.
///
/// `T` must serialise as a map. `ok` says whether the command could do its work, not its result: a failed check and a
/// refresh that stops on conflicts are results (the exit code distinguishes them).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Document<T: Serialize> {
    schema: Schema,
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Failure>,
    #[serde(flatten)]
    fields: T,
}

/// No fields, for a command that failed before it had a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Nothing {}

impl<T: Serialize> Document<T> {
    /// Makes the document of a command that did its work.
    pub const fn new(schema: Schema, fields: T) -> Document<T> {
        Document { schema, ok: true, error: None, fields }
    }

    /// Makes the document of a command that failed for some upstreams and has results for the others.
    pub const fn partly(schema: Schema, error: Failure, fields: T) -> Document<T> {
        Document { schema, ok: false, error: Some(error), fields }
    }

    /// Returns the document as text, indented, with a line feed at the end.
    ///
    /// # Errors
    /// [`serde_json::Error`] when `T` is not made of maps, lists and plain values.
    pub fn to_text(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self).map(|text| escaped(&text) + "\n")
    }
}

/// Escapes characters that could control a terminal or the log of a CI service. They occur only in strings.
fn escaped(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let mut units = [0; 2];
    for (at, c) in json.char_indices() {
        if c != '\n' && steers_the_terminal(c) || c == '#' && is_log_command(&json[at..]) {
            c.encode_utf16(&mut units).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}")));
        } else {
            out.push(c);
        }
    }
    out
}

impl Document<Nothing> {
    /// Makes the document of a command that failed.
    #[must_use]
    pub const fn failed(schema: Schema, error: Failure) -> Document<Nothing> {
        Document::partly(schema, error, Nothing {})
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{Bytes, FailureKind};
    use super::*;

    const SCHEMA: Schema = Schema { command: "status", version: 1 };

    #[derive(Serialize)]
    struct Status {
        upstreams: Vec<Bytes>,
    }

    fn value<T: Serialize>(document: &Document<T>) -> Result<serde_json::Value, serde_json::Error> {
        serde_json::from_str(&document.to_text()?)
    }

    #[test]
    fn fields_stand_beside_the_frame() -> Result<(), serde_json::Error> {
        let document = Document::new(SCHEMA, Status { upstreams: vec![Bytes::from("kubeflow")] });
        let text = document.to_text()?;
        assert!(text.starts_with("{\n  \"schema\": \"patchq.status/1\",\n  \"ok\": true,"), "{text}");
        assert_eq!(value(&document)?, json!({"schema": "patchq.status/1", "ok": true, "upstreams": ["kubeflow"]}));
        Ok(())
    }

    #[test]
    fn nothing_in_it_steers_a_terminal_or_a_log() -> Result<(), serde_json::Error> {
        let hostile = "a\u{9b}2J\u{202e}\u{7f}##[error]##vso[x]\n";
        let document = Document::new(SCHEMA, Status { upstreams: vec![Bytes::from(hostile)] });
        let text = document.to_text()?;
        assert!(text.contains("a\\u009b2J\\u202e\\u007f\\u0023#[error]\\u0023#vso[x]\\n"), "{text}");
        assert_eq!(value(&document)?["upstreams"][0], json!(hostile));
        Ok(())
    }

    #[test]
    fn a_failure_has_every_key() -> Result<(), serde_json::Error> {
        let failure = Failure {
            file: Some(Bytes::from("upstreams.toml")),
            line: Some(3),
            ..Failure::new(FailureKind::Manifest, "unknown key")
        };
        assert_eq!(
            value(&Document::failed(SCHEMA, failure))?,
            json!({"schema": "patchq.status/1", "ok": false, "error": {"kind": "manifest", "message": "unknown key",
                   "file": "upstreams.toml", "line": 3, "hint": null}})
        );
        Ok(())
    }

    #[test]
    fn a_document_can_fail_in_part() -> Result<(), serde_json::Error> {
        let failure = Failure::new(FailureKind::Network, "no answer");
        let document = Document::partly(SCHEMA, failure, Status { upstreams: vec![] });
        let value = value(&document)?;
        assert_eq!((&value["ok"], &value["upstreams"]), (&json!(false), &json!([])));
        Ok(())
    }
}

//! Parses tag templates (`{version}-{commit}`) and fills them in.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use super::braces::{Lone, Part, parts};
use super::text::{BadTagText, check_text};
use super::values::{day, semver};
use crate::git::Id;
use crate::patch::Date;
use crate::path::{nearest, printable};

/// The templates of an upstream without templates in the manifest.
pub const DEFAULT_TEMPLATES: [&str; 3] = ["{version}", "{version}-{commit}", "{version}-{commit}-{queue}"];

/// The values for a template.
#[derive(Debug, Clone, Copy)]
pub struct TagInput<'a> {
    /// The pin's version.
    pub version: &'a str,
    /// The upstream commit that the queue is based on.
    pub pin: Id,
    /// Eight digits of the queue's digest.
    pub queue: &'a str,
    /// The pin's commit date; `None` when the store lacks the commit.
    pub date: Option<Date>,
    /// The track, if it is a branch.
    pub branch: Option<&'a str>,
    /// Eight digits over everything that an image is built from; else why they are unknown.
    pub build: Result<&'a str, &'a str>,
    /// The day of the build, `YYYYMMDD`; `None` when nothing is built.
    pub built: Option<&'a str>,
    /// The values of `{wheel:NAME.tags}`, by the name of the wheel.
    pub wheels: &'a BTreeMap<String, String>,
}

/// A placeholder in braces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Placeholder {
    /// The version of the pin, or the manifest's `version`.
    Version,
    /// The version from its first dotted number on.
    Semver,
    /// The first 8 digits of the pin.
    Commit,
    /// 8 digits of the queue's digest.
    Queue,
    /// The pin's commit date, YYYYMMDD.
    Date,
    /// The track, if it is a branch.
    Branch,
    /// 8 digits over everything that the image is built from.
    Build,
    /// The day of the build, YYYYMMDD.
    Built,
    /// The python and platform tags of a wheel.
    Wheel(String),
}

const PLACEHOLDERS: [(&str, Placeholder); 8] = [
    ("version", Placeholder::Version),
    ("semver", Placeholder::Semver),
    ("commit", Placeholder::Commit),
    ("queue", Placeholder::Queue),
    ("date", Placeholder::Date),
    ("branch", Placeholder::Branch),
    ("build", Placeholder::Build),
    ("built", Placeholder::Built),
];

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Value(Placeholder),
}

/// A tag with placeholders, parsed and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    text: String,
    pieces: Vec<Piece>,
}

/// Whether a tag can later mean another image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Stability {
    /// It contains the digest of the queue or of the build: a changed queue never gets the same tag.
    Fixed,
    /// It may mean another image later.
    Moving,
}

/// A tag that registries accept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tag {
    /// The tag.
    #[serde(rename = "tag")]
    pub text: String,
    /// Whether it can later mean another image.
    pub stability: Stability,
}

/// Why there is no tag. Every variant has the template first.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TagError {
    /// The template is empty.
    #[error("a tag template is empty")]
    Empty,
    /// An unknown name in braces.
    #[error("tag template '{template}': unknown placeholder '{{{name}}}'; {}", instead(*.nearest))]
    Unknown {
        /// The template.
        template: String,
        /// The name.
        name: String,
        /// The known name that is nearest, if one is near.
        nearest: Option<&'static str>,
    },
    /// A brace that is not part of a placeholder.
    #[error("tag template '{template}': the '{brace}' at character {column} has no counterpart")]
    Brace {
        /// The template.
        template: String,
        /// The brace.
        brace: char,
        /// Its position, from 1.
        column: usize,
    },
    /// `{semver}` for a version that has none.
    #[error("tag template '{template}': {{semver}} cannot be had from the version '{version}', {why}")]
    Semver {
        /// The template.
        template: String,
        /// The version.
        version: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// `{date}` for a pin whose commit is not in the store.
    #[error("tag template '{template}': {{date}} needs the commit {pin}, which is not in the store")]
    Date {
        /// The template.
        template: String,
        /// The pin.
        pin: Id,
    },
    /// `{date}` for a date beyond the calendar.
    #[error("tag template '{template}': {{date}}: {seconds} seconds since 1970 are on no calendar")]
    Calendar {
        /// The template.
        template: String,
        /// The date of the commit.
        seconds: i64,
    },
    /// `{branch}` for a track that is not a branch.
    #[error("tag template '{template}': {{branch}} needs a track that is a branch")]
    Branch {
        /// The template.
        template: String,
    },
    /// `{build}` for an image with unknown parts.
    #[error("tag template '{template}': {{build}}: {why}")]
    Build {
        /// The template.
        template: String,
        /// What is unknown.
        why: String,
    },
    /// `{built}` when nothing is built.
    #[error("tag template '{template}': {{built}} is the day of a build, and only a build knows it")]
    Built {
        /// The template.
        template: String,
    },
    /// `{wheel:NAME.tags}` for a wheel that does not exist.
    #[error("tag template '{template}': there is no wheel '{name}'")]
    Wheel {
        /// The template.
        template: String,
        /// The wheel.
        name: String,
    },
    /// Fixed text that is not valid in a tag.
    #[error(transparent)]
    Text(#[from] BadTagText),
    /// The result is not a valid tag.
    #[error("tag template '{template}': {source}")]
    Outcome {
        /// The template.
        template: String,
        /// What is wrong with the result.
        source: BadTagText,
    },
}

impl TagError {
    /// Returns what can be pasted or done instead, if known.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            TagError::Semver { .. } => Some("set version = \"1.2.3\" for this upstream in upstreams.toml".to_owned()),
            TagError::Date { .. } => Some("patchq setup".to_owned()),
            _ => None,
        }
    }
}

impl FromStr for Template {
    type Err = TagError;

    fn from_str(text: &str) -> Result<Template, TagError> {
        if text.is_empty() {
            return Err(TagError::Empty);
        }
        let parts = parts(text).map_err(|Lone { brace, column }| TagError::Brace {
            template: printable(text.as_bytes()),
            brace,
            column,
        })?;
        let piece = |part: Part<'_>| match part {
            Part::Text(fixed) => Ok(Piece::Text(fixed.to_owned())),
            Part::Name(name) => placeholder(text, name).map(Piece::Value),
        };
        let pieces = parts.into_iter().map(piece).collect::<Result<Vec<_>, _>>()?;
        check_fixed(text, &pieces)?;
        Ok(Template { text: text.to_owned(), pieces })
    }
}

/// Checks the text between the placeholders of `template`, which no value can repair.
fn check_fixed(template: &str, pieces: &[Piece]) -> Result<(), BadTagText> {
    let fixed = |piece: &Piece| if let Piece::Text(text) = piece { Some(text.clone()) } else { None };
    let mut text: String = pieces.iter().filter_map(fixed).collect();
    // If a value comes first, it begins the tag, with a character that is not known yet.
    if matches!(pieces.first(), Some(Piece::Value(_))) {
        text.insert(0, '_');
    }
    check_text(&text).map_err(|error| match error {
        BadTagText::Character { c, .. } => BadTagText::Character { text: printable(template.as_bytes()), c },
        BadTagText::First(_) => BadTagText::First(printable(template.as_bytes())),
        BadTagText::Long { length, .. } => BadTagText::Long { text: printable(template.as_bytes()), length },
        BadTagText::Empty => BadTagText::Empty,
    })
}

/// Returns what to write for a placeholder that does not exist.
fn instead(nearest: Option<&str>) -> String {
    match nearest {
        Some(nearest) => format!("did you mean '{{{nearest}}}'?"),
        None => format!("expected one of {}", PLACEHOLDERS.map(|(name, _)| format!("{{{name}}}")).join(" ")),
    }
}

fn placeholder(template: &str, name: &str) -> Result<Placeholder, TagError> {
    if let Some((_, found)) = PLACEHOLDERS.iter().find(|(known, _)| *known == name) {
        return Ok(found.clone());
    }
    if let Some(wheel) = name.strip_prefix("wheel:").and_then(|rest| rest.strip_suffix(".tags")) {
        return Ok(Placeholder::Wheel(wheel.to_owned()));
    }
    Err(TagError::Unknown {
        template: printable(template.as_bytes()),
        name: printable(name.as_bytes()),
        nearest: nearest(name, PLACEHOLDERS.map(|(known, _)| known)),
    })
}

impl Template {
    /// Returns the text in the manifest.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Checks whether it contains `placeholder`.
    #[must_use]
    pub fn has(&self, placeholder: &Placeholder) -> bool {
        self.pieces.iter().any(|piece| matches!(piece, Piece::Value(value) if value == placeholder))
    }

    /// Returns the names of the wheels in it.
    pub fn wheels(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Value(Placeholder::Wheel(name)) => Some(name.as_str()),
            _ => None,
        })
    }

    /// Returns the tag. `+` becomes `_` and `/` becomes `-`; any other character that registries refuse is an error.
    ///
    /// # Errors
    /// [`TagError`] when a value is unknown or the result is not a valid tag.
    pub fn render(&self, input: &TagInput<'_>) -> Result<Tag, TagError> {
        let mut text = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(fixed) => text.push_str(fixed),
                Piece::Value(value) => text.push_str(&self.value(value, input)?),
            }
        }
        let text = text.replace('+', "_").replace('/', "-");
        check_text(&text).map_err(|source| TagError::Outcome { template: self.shown(), source })?;
        let fixed = self.has(&Placeholder::Queue) || self.has(&Placeholder::Build);
        Ok(Tag { text, stability: if fixed { Stability::Fixed } else { Stability::Moving } })
    }

    fn value(&self, value: &Placeholder, input: &TagInput<'_>) -> Result<String, TagError> {
        match value {
            Placeholder::Version => Ok(input.version.to_owned()),
            Placeholder::Semver => semver(input.version).map(str::to_owned).map_err(|why| TagError::Semver {
                template: self.shown(),
                version: printable(input.version.as_bytes()),
                why,
            }),
            Placeholder::Commit => Ok(input.pin.short(8)),
            Placeholder::Queue => Ok(input.queue.to_owned()),
            Placeholder::Date => match input.date {
                None => Err(TagError::Date { template: self.shown(), pin: input.pin }),
                Some(date) => {
                    day(date).ok_or_else(|| TagError::Calendar { template: self.shown(), seconds: date.seconds })
                }
            },
            Placeholder::Branch => {
                input.branch.map(str::to_owned).ok_or_else(|| TagError::Branch { template: self.shown() })
            }
            Placeholder::Build => input
                .build
                .map(str::to_owned)
                .map_err(|why| TagError::Build { template: self.shown(), why: why.to_owned() }),
            Placeholder::Built => {
                input.built.map(str::to_owned).ok_or_else(|| TagError::Built { template: self.shown() })
            }
            Placeholder::Wheel(name) => (input.wheels.get(name).cloned())
                .ok_or_else(|| TagError::Wheel { template: self.shown(), name: printable(name.as_bytes()) }),
        }
    }

    fn shown(&self) -> String {
        printable(self.text.as_bytes())
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}

impl Serialize for Template {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: &BTreeMap<String, String> = &BTreeMap::new();

    const PIN: &str = "0611aa04850cf1fd582806dfe7f6f1fbca69f683";

    fn render(template: &str, version: &str) -> Result<String, TagError> {
        let input = TagInput {
            version,
            pin: PIN.parse().unwrap_or(Id::EMPTY_TREE),
            queue: "3f2a9c1e",
            date: Some(Date { seconds: 1_662_595_200, offset: -60 }),
            branch: Some("release/1.6"),
            build: Ok("da383dc0"),
            built: Some("20260102"),
            wheels: &BTreeMap::from([("ray".to_owned(), "cp38-linux".to_owned())]),
        };
        template.parse::<Template>()?.render(&input).map(|tag| tag.text)
    }

    #[test]
    fn the_defaults() {
        let tags: Vec<_> = DEFAULT_TEMPLATES.iter().map(|template| render(template, "v1.6.1")).collect();
        let wanted = ["v1.6.1", "v1.6.1-0611aa04", "v1.6.1-0611aa04-3f2a9c1e"].map(|tag| Ok(tag.to_owned()));
        assert_eq!(tags, wanted);
    }

    #[test]
    fn every_placeholder() {
        assert_eq!(render("{semver}", "ray-1.11.0"), Ok("1.11.0".to_owned()));
        assert_eq!(render("x-{date}-{branch}", "v1"), Ok("x-20220907-release-1.6".to_owned()));
        assert_eq!(render("{build}.{built}_{wheel:ray.tags}", "v1"), Ok("da383dc0.20260102_cp38-linux".to_owned()));
        assert_eq!(render("{version}", "v1.2+b/c"), Ok("v1.2_b-c".to_owned()));
        assert_eq!(render("a+b/{commit}", ""), Ok("a_b-0611aa04".to_owned()));
    }

    #[test]
    fn errors_name_the_placeholder() {
        let text = |template: &str| render(template, "0611aa04").map_err(|error| error.to_string());
        let wanted = |text: &str| Err(text.to_owned());
        assert_eq!(
            text("{verison}"),
            wanted("tag template '{verison}': unknown placeholder '{verison}'; did you mean '{version}'?")
        );
        assert_eq!(
            text("{arch}"),
            wanted(
                "tag template '{arch}': unknown placeholder '{arch}'; \
                 expected one of {version} {semver} {commit} {queue} {date} {branch} {build} {built}"
            )
        );
        assert_eq!(text("a{commit"), wanted("tag template 'a{commit': the '{' at character 2 has no counterpart"));
        assert_eq!(text("{{commit}}"), wanted("tag template '{{commit}}': the '{' at character 1 has no counterpart"));
        assert_eq!(text("a}"), wanted("tag template 'a}': the '}' at character 2 has no counterpart"));
        assert_eq!(text(""), wanted("a tag template is empty"));
        assert_eq!(
            text("{semver}"),
            wanted(
                "tag template '{semver}': {semver} cannot be had from the version '0611aa04', \
                 which has no number like 1.2 in it"
            )
        );
    }

    #[test]
    fn values_that_are_not_to_be_had() {
        let input = TagInput {
            version: "v1",
            pin: Id::EMPTY_TREE,
            queue: "",
            date: None,
            branch: None,
            build: Err("x"),
            built: None,
            wheels: NONE,
        };
        let fails = |template: &str| template.parse::<Template>().and_then(|template| template.render(&input)).err();
        assert!(matches!(fails("{date}"), Some(TagError::Date { .. })));
        assert!(matches!(fails("{build}"), Some(TagError::Build { .. })));
        assert!(matches!(fails("{built}"), Some(TagError::Built { .. })));
        assert!(matches!(fails("{wheel:x.tags}"), Some(TagError::Wheel { .. })));
        assert!(matches!(fails("{branch}"), Some(TagError::Branch { .. })));
        assert!(matches!(fails("{queue}"), Some(TagError::Outcome { source: BadTagText::Empty, .. })));
        let far = TagInput { date: Some(Date { seconds: i64::MAX, offset: 1 }), ..input };
        let template = "{date}".parse::<Template>();
        assert!(matches!(template.and_then(|t| t.render(&far)), Err(TagError::Calendar { .. })));
    }

    #[test]
    fn what_registries_refuse() {
        assert_eq!(render(&"a".repeat(128), ""), Ok("a".repeat(128)));
        let long = BadTagText::Long { text: "a".repeat(129), length: 129 };
        assert_eq!(render(&"a".repeat(129), ""), Err(TagError::Text(long.clone())));
        assert_eq!(
            render("{version}", &"a".repeat(129)),
            Err(TagError::Outcome { template: "{version}".to_owned(), source: long })
        );
        for template in ["-a", ".a", "/a", "a b", "a:b", "ä", "{version}:x"] {
            assert!(matches!(template.parse::<Template>(), Err(TagError::Text(_))), "{template}");
        }
        for version in ["", "-a", ".a", "/a", "a b", "ä"] {
            assert!(matches!(render("{version}", version), Err(TagError::Outcome { .. })), "{version}");
        }
        assert_eq!(render("{version}-x", "a"), Ok("a-x".to_owned()));
        assert_eq!(render("+a", ""), Ok("_a".to_owned()));
    }

    #[test]
    fn tags_with_the_queue_are_fixed() {
        let input = TagInput {
            version: "v1",
            pin: Id::EMPTY_TREE,
            queue: "3f2a9c1e",
            date: None,
            branch: None,
            build: Err("x"),
            built: None,
            wheels: NONE,
        };
        let stability =
            |template: &str| template.parse::<Template>().and_then(|t| t.render(&input)).map(|t| t.stability);
        assert_eq!(stability("{queue}"), Ok(Stability::Fixed));
        assert!("{build}".parse::<Template>().is_ok_and(|template| {
            template.render(&TagInput { build: Ok("a"), ..input }).is_ok_and(|tag| tag.stability == Stability::Fixed)
        }));
        assert_eq!(stability("3f2a9c1e"), Ok(Stability::Moving));
    }
}

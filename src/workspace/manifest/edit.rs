//! Edits a manifest's text and keeps everything else: comments, order, blanks, line ends.

mod copy;

use std::path::Path;

use similar::{ChangeTag, TextDiff};
use toml_edit::{Array, DocumentMut, Item, Table, Value};

use super::{Manifest, ManifestErrors, Name, Remember, Track, UpstreamUrl};

/// The text of a manifest during edits.
///
/// [`ManifestEdit::finish`] parses the result, and fails rather than return a text that patchq could not read.
#[derive(Debug, Clone)]
pub struct ManifestEdit {
    /// As it was, with line feeds only.
    old: String,
    /// Which lines of `old` end in a carriage return and a line feed.
    crlf: Vec<bool>,
    bom: bool,
    /// As it is now, with line feeds only.
    text: String,
}

/// The keys that a new entry is written with.
#[derive(Debug, Clone)]
pub struct NewUpstream {
    /// The entry's name.
    pub name: Name,
    /// Where it is fetched from.
    pub url: UpstreamUrl,
    /// Further places.
    pub mirrors: Vec<UpstreamUrl>,
    /// What a refresh follows.
    pub track: Option<Track>,
    /// Folders and files of the checkout; `None` writes no key.
    pub sparse: Option<Vec<crate::path::RepoPath>>,
    /// The registry of the images.
    pub registry: Option<String>,
    /// A fixed version.
    pub version: Option<String>,
    /// `None` writes no key.
    pub remember: Option<Remember>,
}

/// Why a manifest cannot be edited.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The text, before or after the edit, is not a valid manifest.
    #[error(transparent)]
    Manifest(#[from] ManifestErrors),
    /// An entry of this name exists.
    #[error("the manifest already has an upstream '{0}'")]
    Exists(Name),
    /// There is no entry of this name.
    #[error("the manifest has no upstream '{0}'")]
    NoUpstream(Name),
    /// The entry (for a new entry: the existing ones) is written in a form that cannot be edited (dotted keys or an
    /// inline table).
    #[error("'upstream' is written with dotted keys or braces; write a table [upstream.{}] by hand", name.toml_key())]
    Form {
        /// The entry's name.
        name: Name,
    },
    /// A value that no manifest can contain, such as a path that is not UTF-8.
    #[error("'{0}' cannot be written into the manifest: it is not UTF-8 text")]
    NotText(String),
    /// A list was asked of a key that holds none.
    #[error("'{key}' of upstream '{name}' is not a list")]
    NoList {
        /// The entry's name.
        name: Name,
        /// The key.
        key: String,
    },
}

impl ManifestEdit {
    /// Begins with `text`, which must be a manifest without errors; messages show it as `shown_path`.
    ///
    /// # Errors
    /// [`EditError::Manifest`].
    pub fn new(text: &[u8], shown_path: &Path) -> Result<ManifestEdit, EditError> {
        Manifest::parse(text, shown_path)?;
        let text = String::from_utf8_lossy(text);
        let (bom, text) = text.strip_prefix('\u{feff}').map_or((false, &*text), |rest| (true, rest));
        let crlf = text.split_inclusive('\n').map(|line| line.ends_with("\r\n")).collect();
        let old = text.replace("\r\n", "\n");
        Ok(ManifestEdit { text: old.clone(), old, crlf, bom })
    }

    /// Adds an entry at the end, after a blank line.
    ///
    /// # Errors
    /// [`EditError::Exists`], [`EditError::NotText`], [`EditError::Form`].
    pub fn add(&mut self, new: &NewUpstream) -> Result<(), EditError> {
        let mut keys: Vec<(&str, Value)> = vec![("url", new.url.as_str().into())];
        if !new.mirrors.is_empty() {
            keys.push(("mirrors", new.mirrors.iter().map(UpstreamUrl::as_str).collect::<Array>().into()));
        }
        keys.extend(new.track.iter().map(|track| ("track", track.as_str().into())));
        if let Some(sparse) = &new.sparse {
            let paths = sparse.iter().map(|path| match std::str::from_utf8(path.as_bytes()) {
                Ok(text) => Ok(text),
                Err(_) => Err(EditError::NotText(path.to_string())),
            });
            keys.push(("sparse", paths.collect::<Result<Array, _>>()?.into()));
        }
        keys.extend(new.registry.iter().map(|registry| ("registry", registry.into())));
        keys.extend(new.version.iter().map(|version| ("version", version.into())));
        keys.extend(new.remember.map(|remember| ("remember", remember_text(remember).into())));

        let width = keys.iter().map(|(key, _)| key.len()).max().unwrap_or(0);
        let mut table = format!("[upstream.{}]\n", new.name.toml_key());
        for (key, value) in keys {
            table.push_str(&format!("{key:<width$} = {}\n", layout(value)));
        }
        self.add_text(&new.name, &table)
    }

    /// Adds the text of the entry `name` at the end, after a blank line.
    fn add_text(&mut self, name: &Name, table: &str) -> Result<(), EditError> {
        if self.entry_exists(name) {
            return Err(EditError::Exists(name.clone()));
        }
        let mut text = self.text.clone();
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        if !text.is_empty() && !text.ends_with("\n\n") {
            text.push('\n');
        }
        text.push_str(table);
        // A table cannot be added if the others are written as dotted keys or an inline table.
        if text.parse::<DocumentMut>().is_err() {
            return Err(EditError::Form { name: name.clone() });
        }
        self.text = text;
        Ok(())
    }

    /// Sets `key` of an entry to a string; an old value is replaced, its comment stays.
    ///
    /// # Errors
    /// [`EditError::NoUpstream`], [`EditError::Form`].
    pub fn set(&mut self, name: &Name, key: &str, value: &str) -> Result<(), EditError> {
        self.change(name, |table| {
            put(table, key, value.into());
            Ok(())
        })
    }

    /// Sets what a refresh follows.
    ///
    /// # Errors
    /// As [`ManifestEdit::set`].
    pub fn set_track(&mut self, name: &Name, track: &Track) -> Result<(), EditError> {
        self.set(name, "track", track.as_str())
    }

    /// Adds `value` at the end of the list `key` of an entry, which is created if needed; a value that the list already
    /// contains is not added.
    ///
    /// # Errors
    /// [`EditError::NoUpstream`], [`EditError::Form`], [`EditError::NoList`].
    pub fn append(&mut self, name: &Name, key: &str, value: &str) -> Result<(), EditError> {
        self.change(name, |table| {
            let Some(item) = table.get_mut(key) else {
                put(table, key, std::iter::once(value).collect::<Array>().into());
                return Ok(());
            };
            let no_list = || EditError::NoList { name: name.clone(), key: key.to_owned() };
            let list = item.as_array_mut().ok_or_else(no_list)?;
            if !list.iter().any(|item| item.as_str() == Some(value)) {
                push(list, value);
            }
            Ok(())
        })
    }

    /// Removes `key` from an entry, if it is there.
    ///
    /// # Errors
    /// [`EditError::NoUpstream`], [`EditError::Form`].
    pub fn unset(&mut self, name: &Name, key: &str) -> Result<(), EditError> {
        self.change(name, |table| {
            table.remove(key);
            Ok(())
        })
    }

    /// Returns the changed text, after parsing it again.
    ///
    /// # Errors
    /// [`EditError::Manifest`] when a new value is not valid.
    pub fn finish(self, shown_path: &Path) -> Result<Vec<u8>, EditError> {
        let text = format!("{}{}", if self.bom { "\u{feff}" } else { "" }, self.with_line_ends());
        Manifest::parse(text.as_bytes(), shown_path)?;
        Ok(text.into_bytes())
    }

    /// Restores the line ends of the old text; a new line ends like the one that it replaces or follows.
    fn with_line_ends(&self) -> String {
        let mut out = String::with_capacity(self.text.len());
        let mut crlf = self.crlf.first().copied().unwrap_or(false);
        for change in TextDiff::from_lines(&self.old, &self.text).iter_all_changes() {
            let before = change.old_index().and_then(|line| self.crlf.get(line)).copied();
            let line = change.value().strip_suffix('\n');
            match change.tag() {
                ChangeTag::Delete => {
                    crlf = before.unwrap_or(crlf);
                    continue;
                }
                // A last line without an end does not count.
                ChangeTag::Equal if line.is_some() => crlf = before.unwrap_or(crlf),
                ChangeTag::Equal | ChangeTag::Insert => {}
            }
            out.push_str(line.unwrap_or(change.value()));
            out.push_str(match (line, crlf) {
                (None, _) => "",
                (Some(_), true) => "\r\n",
                (Some(_), false) => "\n",
            });
        }
        out
    }

    fn entry_exists(&self, name: &Name) -> bool {
        let document = self.text.parse::<DocumentMut>().ok();
        let upstreams = document.as_ref().and_then(|document| document.get("upstream"));
        upstreams.and_then(|item| item.get(name.as_str())).is_some()
    }

    fn change(
        &mut self,
        name: &Name,
        change: impl FnOnce(&mut Table) -> Result<(), EditError>,
    ) -> Result<(), EditError> {
        if !self.entry_exists(name) {
            return Err(EditError::NoUpstream(name.clone()));
        }
        let form = || EditError::Form { name: name.clone() };
        let mut document = self.text.parse::<DocumentMut>().map_err(|_| form())?;
        let table = document
            .get_mut("upstream")
            .and_then(|upstreams| upstreams.get_mut(name.as_str()))
            .and_then(Item::as_table_mut)
            .filter(|table| !table.is_dotted())
            .ok_or_else(form)?;
        change(table)?;
        self.text = document.to_string();
        Ok(())
    }
}

/// Replaces a value and keeps the text around it, or adds the key after the last one, with `=` aligned.
fn put(table: &mut Table, key: &str, mut value: Value) {
    if let Some(Item::Value(old)) = table.get_mut(key) {
        *value.decor_mut() = old.decor().clone();
        *old = value;
        return;
    }
    let width = table
        .iter()
        .filter(|(_, item)| item.is_value())
        .filter_map(|(key, _)| {
            let decor = table.key(key)?.leaf_decor();
            let blanks = decor.suffix().and_then(|suffix| suffix.as_str()).unwrap_or(" ");
            Some(key.len() + blanks.len())
        })
        .max()
        .unwrap_or(0);
    let item = Item::Value(value);
    table.insert(key, item);
    if let Some(mut key_mut) = table.key_mut(key) {
        let blanks = width.saturating_sub(key.len()).max(1);
        key_mut.leaf_decor_mut().set_suffix(" ".repeat(blanks));
    }
}

/// Adds to a list in the style of its last item. If that is on its own line, the text after it (a comment, the line
/// end) stays after it, and a comma follows every item.
fn push(list: &mut Array, value: &str) {
    let prefix = list.iter().last().and_then(|last| last.decor().prefix()).and_then(|prefix| prefix.as_str());
    let Some(indent) = prefix.and_then(|prefix| prefix.rsplit_once('\n')).map(|(_, indent)| indent.to_owned()) else {
        list.push(value);
        return;
    };
    let mut behind = list.trailing().as_str().unwrap_or_default().to_owned();
    if let Some(last) = list.iter_mut().last() {
        behind.insert_str(0, last.decor().suffix().and_then(|suffix| suffix.as_str()).unwrap_or_default());
        last.decor_mut().set_suffix("");
    }
    let (comment, closing) = behind.rsplit_once('\n').unwrap_or((&behind, ""));
    list.push_formatted(Value::from(value).decorated(format!("{comment}\n{indent}"), ""));
    list.set_trailing_comma(true);
    list.set_trailing(format!("\n{closing}"));
}

/// Formats a value of a new key: a list that would make a long line gets one line per item.
fn layout(value: Value) -> String {
    let line = value.to_string();
    match value {
        Value::Array(list) if line.len() > 100 => {
            let items: String = list.iter().map(|item| format!("    {},\n", item.to_string().trim())).collect();
            format!("[\n{items}]")
        }
        _ => line,
    }
}

fn remember_text(remember: Remember) -> &'static str {
    match remember {
        Remember::Local => "local",
        Remember::Shared => "shared",
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::path::RepoPath;

    const TEXT: &str = "\
# our upstreams

[upstream.kubeflow]   # the big one
url      = \"https://example.org/kubeflow.git\"   # moved once
track    = 'v1.6-branch' # until May
sparse   = [
  \"components\", # all of it
]

[[upstream.kubeflow.image]]
name = \"nb\"
# the end
";

    fn edited(text: &str, change: impl FnOnce(&mut ManifestEdit) -> Result<(), EditError>) -> String {
        let mut edit = ManifestEdit::new(text.as_bytes(), Path::new("upstreams.toml")).unwrap();
        change(&mut edit).unwrap();
        String::from_utf8(edit.finish(Path::new("upstreams.toml")).unwrap()).unwrap()
    }

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    fn ray() -> NewUpstream {
        NewUpstream {
            name: name("ray-1.11"),
            url: UpstreamUrl::parse("https://example.org/ray.git").unwrap(),
            mirrors: Vec::new(),
            track: Some(Track::parse("master").unwrap()),
            sparse: Some(vec![RepoPath::new("docker").unwrap(), RepoPath::new("build-docker.sh").unwrap()]),
            registry: None,
            version: None,
            remember: None,
        }
    }

    #[test]
    fn nothing_changes_what_is_not_changed() {
        assert_eq!(edited(TEXT, |_| Ok(())), TEXT);
        assert_eq!(edited(TEXT, |edit| edit.unset(&name("kubeflow"), "memory")), TEXT);
    }

    #[test]
    fn set_keeps_comments_and_layout() {
        let text = edited(TEXT, |edit| edit.set_track(&name("kubeflow"), &Track::parse("v1.7-branch").unwrap()));
        assert_eq!(text, TEXT.replace("'v1.6-branch'", "\"v1.7-branch\""));
    }

    #[test]
    fn a_new_key_is_aligned_with_the_others() {
        let text = edited(TEXT, |edit| edit.set(&name("kubeflow"), "version", "1.6.1"));
        assert_eq!(text, TEXT.replace("]\n\n[[", "]\nversion  = \"1.6.1\"\n\n[["));
    }

    #[test]
    fn append_writes_as_the_list_does() {
        let text = edited(TEXT, |edit| edit.append(&name("kubeflow"), "sparse", "docs"));
        assert_eq!(text, TEXT.replace("all of it\n", "all of it\n  \"docs\",\n"));
        let bare = TEXT.replace("\"components\", #", "\"components\" #");
        let text = edited(&bare, |edit| edit.append(&name("kubeflow"), "sparse", "docs"));
        assert_eq!(text, TEXT.replace("all of it\n", "all of it\n  \"docs\",\n"));
        let text = edited(TEXT, |edit| edit.append(&name("kubeflow"), "sparse", "components"));
        assert_eq!(text, TEXT);
        let text = edited(TEXT, |edit| edit.append(&name("kubeflow"), "mirrors", "/srv/x"));
        assert_eq!(text, TEXT.replace("]\n\n[[", "]\nmirrors  = [\"/srv/x\"]\n\n[["));
    }

    #[test]
    fn add_writes_a_table_at_the_end() {
        let text = edited(TEXT, |edit| edit.add(&ray()));
        let added = "\n[upstream.\"ray-1.11\"]\nurl    = \"https://example.org/ray.git\"\ntrack  = \"master\"\n\
                     sparse = [\"docker\", \"build-docker.sh\"]\n";
        assert_eq!(text, format!("{TEXT}{added}"));
        assert_eq!(edited("", |edit| edit.add(&ray())), added.trim_start());
        assert_eq!(edited("# x", |edit| edit.add(&ray())), format!("# x\n{added}"));
    }

    #[test]
    fn add_breaks_long_lists() {
        let mut new = ray();
        new.sparse = Some((0..9).map(|n| RepoPath::new(format!("components/number-{n}")).unwrap()).collect());
        let text = edited("", |edit| edit.add(&new));
        assert!(
            text.contains("sparse = [\n    \"components/number-0\",\n") && text.ends_with("number-8\",\n]\n"),
            "{text}"
        );
    }

    #[test]
    fn line_ends_and_byte_order_mark_stay() {
        let crlf = format!("\u{feff}{}", TEXT.replace('\n', "\r\n"));
        let text = edited(&crlf, |edit| {
            edit.add(&ray())?;
            edit.set(&name("kubeflow"), "track", "main")
        });
        assert!(text.starts_with('\u{feff}') && text.matches('\n').count() == text.matches("\r\n").count());
        assert!(text.contains("# until May\r\n") && text.contains("\"main\""));
    }

    #[test]
    fn what_cannot_be_done_is_said() {
        let mut edit = ManifestEdit::new(TEXT.as_bytes(), Path::new("upstreams.toml")).unwrap();
        assert_eq!(edit.set(&name("x"), "track", "y"), Err(EditError::NoUpstream(name("x"))));
        assert!(matches!(edit.append(&name("kubeflow"), "track", "y"), Err(EditError::NoList { .. })));
        edit.add(&ray()).unwrap();
        assert_eq!(edit.add(&ray()), Err(EditError::Exists(name("ray-1.11"))));
        edit.set(&name("kubeflow"), "track", "-x").unwrap();
        assert!(matches!(edit.finish(Path::new("u")), Err(EditError::Manifest(_))));

        let inline = b"upstream.x = { url = \"/srv/x\" }\n";
        let mut edit = ManifestEdit::new(inline, Path::new("upstreams.toml")).unwrap();
        assert_eq!(edit.set(&name("x"), "track", "y"), Err(EditError::Form { name: name("x") }));
        let inline = b"upstream = { x = { url = \"/srv/x\" } }\n";
        let mut edit = ManifestEdit::new(inline, Path::new("upstreams.toml")).unwrap();
        assert_eq!(edit.add(&ray()), Err(EditError::Form { name: name("ray-1.11") }));
    }

    #[test]
    fn mixed_line_ends_stay_as_they_are() {
        let mixed = TEXT.replacen('\n', "\r\n", 4);
        let text = edited(&mixed, |edit| edit.set(&name("kubeflow"), "track", "main"));
        assert_eq!(text, mixed.replace("'v1.6-branch'", "\"main\""));
    }
}

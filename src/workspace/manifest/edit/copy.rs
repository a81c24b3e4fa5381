//! Adds an entry as a copy of another one under another name.

use toml_edit::{DocumentMut, Item, Table};

use super::{EditError, ManifestEdit, put};
use crate::workspace::manifest::{Name, Track};

impl ManifestEdit {
    /// Adds at the end a copy of the entry `other`, with its images and comments, but without `version`, which belongs
    /// to one pin. `track`: the new track.
    ///
    /// # Errors
    /// [`EditError::Exists`], [`EditError::NoUpstream`], [`EditError::Form`].
    pub fn add_like(&mut self, name: &Name, other: &Name, track: Option<&Track>) -> Result<(), EditError> {
        if !self.entry_exists(other) {
            return Err(EditError::NoUpstream(other.clone()));
        }
        let form = || EditError::Form { name: other.clone() };
        let document = self.text.parse::<DocumentMut>().map_err(|_| form())?;
        let table = document.get("upstream").and_then(|upstreams| upstreams.get(other.as_str()));
        let table = table.and_then(Item::as_table).filter(|table| !table.is_dotted());
        let mut copy = table.cloned().ok_or_else(form)?;
        copy.remove("version");
        if let Some(track) = track {
            put(&mut copy, "track", track.as_str().into());
        }
        // The comment above the header is not copied: it may be about the whole file.
        copy.decor_mut().set_prefix("");
        let mut upstreams = Table::new();
        upstreams.set_implicit(true);
        upstreams.insert(name.as_str(), Item::Table(copy));
        let mut entry = DocumentMut::new();
        entry.insert("upstream", Item::Table(upstreams));
        self.add_text(name, &entry.to_string())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::workspace::manifest::{Image, Manifest, Upstream};

    const TEXT: &str = "\
# our upstreams

[upstream.kubeflow]   # the big one
url      = \"https://example.org/kubeflow.git\"   # moved once
track    = 'v1.6-branch'
version  = \"1.6.1\" # fixed
# Only what we build:
sparse   = [
  \"components\", # all of it
]
memory   = \"kubeflow\"

# The notebook
[[upstream.kubeflow.image]]
name = \"nb\" # small

[upstream.ray]
url = \"https://example.org/ray.git\"
# the end
";

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    fn copied(text: &str, other: &str, track: Option<&str>) -> Result<String, EditError> {
        let mut edit = ManifestEdit::new(text.as_bytes(), Path::new("u"))?;
        let track = track.map(|track| Track::parse(track).unwrap());
        edit.add_like(&name("new-1.9"), &name(other), track.as_ref())?;
        Ok(String::from_utf8(edit.finish(Path::new("u"))?).unwrap())
    }

    #[test]
    fn the_copy_keeps_comments_and_images_and_has_no_version() {
        let text = copied(TEXT, "kubeflow", Some("v1.9-branch")).unwrap();
        let added = text.strip_prefix(TEXT).unwrap();
        let expected = "
[upstream.\"new-1.9\"]   # the big one
url      = \"https://example.org/kubeflow.git\"   # moved once
track    = \"v1.9-branch\"
# Only what we build:
sparse   = [
  \"components\", # all of it
]
memory   = \"kubeflow\"

# The notebook
[[upstream.\"new-1.9\".image]]
name = \"nb\" # small
";
        assert_eq!(added, expected);
    }

    #[test]
    fn without_a_track_it_follows_what_the_other_follows() {
        let read = |text: &str| Manifest::parse(text.as_bytes(), Path::new("u")).unwrap();
        let manifest = read(&copied(TEXT, "kubeflow", None).unwrap());
        let [other, copy] = ["kubeflow", "new-1.9"].map(|name| manifest.upstream(name).unwrap());
        assert_eq!((&copy.track, &copy.sparse), (&other.track, &other.sparse));
        let images =
            |of: &Upstream| of.images.iter().map(|image| Image { line: 0, ..image.clone() }).collect::<Vec<_>>();
        assert_eq!(images(copy), images(other));
        let manifest = read(&copied(TEXT, "ray", Some("main")).unwrap());
        assert_eq!(manifest.upstream("new-1.9").unwrap().track, Track::parse("main").ok());
    }

    #[test]
    fn line_ends_stay() {
        let text = copied(&TEXT.replace('\n', "\r\n"), "kubeflow", None).unwrap();
        assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
    }

    #[test]
    fn what_cannot_be_copied_is_said() {
        assert_eq!(copied(TEXT, "nothing", None), Err(EditError::NoUpstream(name("nothing"))));
        let twice = copied(TEXT, "ray", None).unwrap();
        assert_eq!(copied(&twice, "ray", None), Err(EditError::Exists(name("new-1.9"))));
        let inline = "upstream.ray = { url = \"/srv/ray\" }\n";
        assert_eq!(copied(inline, "ray", None), Err(EditError::Form { name: name("ray") }));
    }
}

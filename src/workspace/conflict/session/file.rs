//! Reads and writes `sessions/NAME.toml`: sorted, so that two people's decisions merge, and complete without git
//! objects, so that it can be given to a colleague.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bstr::ByteSlice;
use serde::Deserialize;

use super::{About, AcceptOptions, Decisions, Session, SessionDecision, SessionTarget};
use crate::git::{Entry, Id, Mode, is_ref_name};
use crate::path::{RepoPath, printable};
use crate::stack::{AcceptRule, Decided, DecidedBy, DecisionReason, Hunk, Join, NewFile, Resolution, Sides};
use crate::workspace::files::digest::{FilesDigest, Sum};
use crate::workspace::files::pins;
use crate::workspace::files::toml_text::{Text, Word, write_text, write_word};
use crate::workspace::manifest::Track;

/// The largest number of a decision.
const LAST: u32 = 1_000_000;

/// The version of the format.
const SCHEMA: u32 = 1;

/// A session file that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{}: {reason}", .file.display(), .line.map(|line| format!(":{line}")).unwrap_or_default())]
pub struct SessionFileError {
    /// The file, from the workspace's root.
    pub file: PathBuf,
    /// The line, from 1, if one is wrong.
    pub line: Option<usize>,
    /// What is wrong with it, printable.
    pub reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    schema: u32,
    from: RawFrom,
    to: RawTo,
    #[serde(default)]
    agreed: RawAgreed,
    #[serde(default)]
    decision: Vec<RawDecision>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFrom {
    manifest: Sum,
    files: FilesDigest,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTo {
    pin: Id,
    version: String,
    track: Option<String>,
    found_by: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RawAgreed {
    accept: Vec<String>,
    only: Vec<String>,
    allow_drop: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDecision {
    file: String,
    path: Option<Word>,
    take: String,
    sum: Option<Sum>,
    sides: Option<[String; 3]>,
    own: Option<[String; 2]>,
    over: Option<String>,
    to: Option<Word>,
    mode: Option<String>,
    base: Option<Text>,
    upstream: Option<Text>,
    patch: Option<Text>,
    #[serde(default)]
    nth: usize,
    above: Option<Text>,
    below: Option<Text>,
    text: Option<Text>,
    by: String,
    reason: String,
    #[serde(default)]
    order: u32,
}

/// Returns the file's bytes: the same for the same session.
pub(super) fn print(session: &Session, name: &str) -> Vec<u8> {
    let mut out = format!(
        "# A refresh of {name} that waits for decisions. It may be committed, so that a colleague can go on.\n\
         # patchq refresh {name} --continue     goes on\n\
         # patchq refresh {name} --abort        gives it up\n\
         schema = {SCHEMA}\n\n[to]\npin = \"{}\"\n",
        session.to.pin
    );
    write_word(&mut out, "version", session.to.version.as_bytes());
    for (key, value) in
        [("track", session.to.track.as_ref().map(Track::as_str)), ("found_by", session.to.found_by.as_deref())]
    {
        if let Some(value) = value {
            write_word(&mut out, key, value.as_bytes());
        }
    }
    let agreed = &session.agreed;
    if *agreed != AcceptOptions::default() {
        out.push_str("\n[agreed]\n");
        let text = |words: &[String]| words.iter().map(|word| word.clone().into_bytes()).collect::<Vec<_>>();
        let accept = agreed.accept.iter().map(|way| way.word().as_bytes().to_vec()).collect();
        for (key, words) in [("accept", accept), ("only", text(&agreed.only)), ("allow_drop", text(&agreed.allow_drop))]
        {
            if !words.is_empty() {
                list(&mut out, key, &words);
            }
        }
    }
    out.push_str(&format!("\n[from]\nmanifest = \"{}\"\n\n[from.files]\n", session.manifest));
    if let Some(pin) = session.files.pin {
        out.push_str(&format!("pin = \"{pin}\"\n"));
    }
    if let Some(version) = &session.files.version {
        write_word(&mut out, "version", version.as_bytes());
    }
    if let Some(series) = &session.files.series {
        out.push_str(&format!("series = \"{series}\"\n"));
    }
    out.push_str("\n[from.files.files]\n");
    for (file, sum) in &session.files.files {
        let mut key = String::new();
        write_word(&mut key, "", file.as_bytes());
        out.push_str(&format!("{} = \"{sum}\"\n", key.trim_start_matches(" = ").trim_end()));
    }
    let mut decisions: Vec<&SessionDecision> = session.decisions.0.iter().collect();
    decisions.sort_by(|one, other| one.question().cmp(&other.question()));
    for decision in decisions {
        out.push('\n');
        print_decision(&mut out, decision);
    }
    out.into_bytes()
}

fn list(out: &mut String, key: &str, words: &[Vec<u8>]) {
    out.push_str(&format!("{key} = [\n"));
    for word in words {
        let mut line = String::new();
        write_word(&mut line, "", word);
        out.push_str(&format!("    {},\n", line.trim_start_matches(" = ").trim_end()));
    }
    out.push_str("]\n");
}

fn print_decision(out: &mut String, decision: &SessionDecision) {
    out.push_str("[[decision]]\n");
    write_word(out, "file", decision.patch.as_bytes());
    if let Some(path) = decision.path() {
        write_word(out, "path", path.as_bytes());
    }
    let take = match &decision.about {
        About::Dropped { .. } => "drop",
        About::Path(Decided::Whole { take, .. }) => take.word(),
        About::Path(Decided::Lines { .. }) => "lines",
        About::Path(Decided::Joined(_)) => "joined",
    };
    out.push_str(&format!("take = \"{take}\"\n"));
    match &decision.about {
        About::Dropped { file } => out.push_str(&format!("sum = \"{file}\"\n")),
        About::Path(Decided::Whole { take, sides: Sides { base, upstream, patch }, .. }) => {
            out.push_str("sides = [\n");
            [base, upstream, patch].iter().for_each(|side| out.push_str(&format!("    \"{}\",\n", entry_text(**side))));
            out.push_str("]\n");
            match take {
                Resolution::Renamed(to) => write_word(out, "to", to.as_bytes()),
                Resolution::Edited(made) => print_made(out, made),
                Resolution::Patch | Resolution::Upstream => {}
            }
        }
        About::Path(Decided::Joined(Join { own, over, made, .. })) => {
            let [before, after] = own.map(entry_text);
            out.push_str(&format!("own = [\"{before}\", \"{after}\"]\nover = \"{}\"\n", entry_text(*over)));
            print_made(out, made);
        }
        About::Path(Decided::Lines { hunk, text, .. }) => {
            let ([base, upstream, patch], [above, below]) = (hunk.texts(), &hunk.alike);
            write_text(out, "base", base);
            write_text(out, "upstream", upstream);
            write_text(out, "patch", patch);
            if hunk.nth > 0 {
                out.push_str(&format!("nth = {}\n", hunk.nth));
            }
            for (key, lines) in [("above", above), ("below", below)].into_iter().filter(|(_, lines)| !lines.is_empty())
            {
                write_text(out, key, lines);
            }
            write_text(out, "text", text);
        }
    }
    write_word(out, "by", decision.by.word().as_bytes());
    write_word(out, "reason", decision.reason.words().as_bytes());
    if decision.order > 0 {
        out.push_str(&format!("order = {}\n", decision.order));
    }
}

fn print_made(out: &mut String, made: &NewFile) {
    if let Some((mode, content)) = made {
        out.push_str(&format!("mode = \"{:06o}\"\n", mode.bits()));
        write_text(out, "text", content);
    }
}

/// Returns `100644 ID`, as in `git ls-files --stage`; `-`: not there.
fn entry_text(entry: Option<Entry>) -> String {
    entry.map_or("-".to_owned(), |Entry { mode, id }| format!("{:06o} {id}", mode.bits()))
}

fn parse_entry(text: &str) -> Result<Option<Entry>, String> {
    if text == "-" {
        return Ok(None);
    }
    let parts = text.split_once(' ').and_then(|(mode, id)| {
        let mode = Mode::from_bits(u32::from_str_radix(mode, 8).ok()?)?;
        Some(Entry { mode, id: id.parse().ok()? })
    });
    parts.map(Some).ok_or_else(|| format!("'{}' is not a mode and id", printable(text.as_bytes())))
}

/// Reads the bytes of `file` (from the workspace's root).
///
/// # Errors
/// [`SessionFileError`].
pub(super) fn parse(bytes: &[u8], file: &Path) -> Result<Session, SessionFileError> {
    let wrong = |line, reason: String| SessionFileError { file: file.to_owned(), line, reason };
    let text = bytes.to_str().map_err(|error| {
        let line = bytes[..error.valid_up_to()].lines().count().max(1);
        wrong(Some(line), "it is not UTF-8 text".to_owned())
    })?;
    let marker = |line: &str| line.starts_with("<<<<<<<") || line.starts_with(">>>>>>>");
    if let Some(at) = text.lines().position(marker) {
        return Err(wrong(Some(at + 1), "a merge left conflict markers in it".to_owned()));
    }
    let raw: Raw = toml::from_str(text).map_err(|error| {
        let line = error.span().map(|span| text[..span.start.min(text.len())].matches('\n').count() + 1);
        wrong(line, printable(error.message().as_bytes()))
    })?;
    if raw.schema != SCHEMA {
        let reason = format!("its format has the version {}, and this patchq knows only {SCHEMA}", raw.schema);
        return Err(wrong(None, reason));
    }
    let read = raw
        .decision
        .into_iter()
        .enumerate()
        .map(|(n, one)| decision(one).map_err(|reason| wrong(None, format!("decision {}: {reason}", n + 1))));
    let decisions = Decisions(read.collect::<Result<_, _>>()?);
    let mut questions = BTreeMap::new();
    for (n, one) in decisions.0.iter().enumerate() {
        if let Some(first) = questions.insert(one.question(), n + 1) {
            return Err(wrong(
                None,
                format!("decisions {first} and {} answer the same question; keep one of them", n + 1),
            ));
        }
    }
    if pins::parse_version(raw.to.version.as_bytes(), file).is_err() {
        return Err(wrong(None, format!("'{}' is not a version", printable(raw.to.version.as_bytes()))));
    }
    if let Some(name) = raw.to.found_by.as_ref().filter(|name| !is_ref(name)) {
        return Err(wrong(None, format!("'{}' is not a branch or tag", printable(name.as_bytes()))));
    }
    let track = raw.to.track.map(|track| Track::parse(&track)).transpose();
    let track = track.map_err(|error| wrong(None, printable(error.to_string().as_bytes())))?;
    let to = SessionTarget { pin: raw.to.pin, version: raw.to.version, track, found_by: raw.to.found_by };
    let RawAgreed { accept, only, allow_drop } = raw.agreed;
    let way = |word: String| {
        let found = AcceptRule::ALL.into_iter().find(|way| way.word() == word);
        found.ok_or_else(|| wrong(None, format!("'{}' is not a way to decide", printable(word.as_bytes()))))
    };
    let accept = accept.into_iter().map(way).collect::<Result<_, _>>()?;
    let agreed = AcceptOptions { accept, only, allow_drop };
    Ok(Session { files: raw.from.files, manifest: raw.from.manifest, to, agreed, decisions })
}

/// Checks for the full name of a branch or a tag.
fn is_ref(name: &str) -> bool {
    ["refs/heads/", "refs/tags/"].iter().any(|below| name.starts_with(below)) && is_ref_name(name)
}

fn decision(raw: RawDecision) -> Result<SessionDecision, String> {
    let path = |word: Option<Word>, key: &str| {
        let word = word.ok_or_else(|| format!("it has no `{key}`"))?;
        RepoPath::new(word.0.as_slice()).map_err(|error| error.to_string())
    };
    let made = |mode: Option<String>, text: Option<Text>| -> Result<NewFile, String> {
        let Some(mode) = mode else { return Ok(None) };
        let bits = u32::from_str_radix(&mode, 8).ok();
        let modes = [Mode::File, Mode::Executable, Mode::Symlink];
        let mode = modes.into_iter().find(|mode| Some(mode.bits()) == bits);
        let mode = mode.ok_or("its `mode` is not 100644, 100755 or 120000")?;
        Ok(Some((mode, text.unwrap_or_default().0)))
    };
    let whole = |take: Resolution, path: RepoPath, sides: Option<[String; 3]>| -> Result<About, String> {
        let [base, upstream, patch] = sides.ok_or("it has no `sides`")?;
        let (base, upstream, patch) = (parse_entry(&base)?, parse_entry(&upstream)?, parse_entry(&patch)?);
        Ok(About::Path(Decided::Whole { path, sides: Sides { base, upstream, patch }, take }))
    };
    if raw.order > LAST {
        return Err(format!("its `order` is over {LAST}"));
    }
    let about = match raw.take.as_str() {
        "drop" => About::Dropped { file: raw.sum.ok_or("it has no `sum`")? },
        "patch" => whole(Resolution::Patch, path(raw.path, "path")?, raw.sides)?,
        "upstream" => whole(Resolution::Upstream, path(raw.path, "path")?, raw.sides)?,
        "follow" => whole(Resolution::Renamed(path(raw.to, "to")?), path(raw.path, "path")?, raw.sides)?,
        "made" => whole(Resolution::Edited(made(raw.mode, raw.text)?), path(raw.path, "path")?, raw.sides)?,
        "joined" => {
            let over = parse_entry(&raw.over.ok_or("it has no `over`")?)?;
            let [before, after] = raw.own.ok_or("it has no `own`")?;
            let own = [parse_entry(&before)?, parse_entry(&after)?];
            About::Path(Decided::Joined(Join {
                path: path(raw.path, "path")?,
                own,
                over,
                made: made(raw.mode, raw.text)?,
            }))
        }
        "lines" => {
            let text = |text: Option<Text>, key: &str| text.map(|text| text.0).ok_or(format!("it has no `{key}`"));
            let texts = [text(raw.base, "base")?, text(raw.upstream, "upstream")?, text(raw.patch, "patch")?];
            let alike = [raw.above, raw.below].map(|text| text.unwrap_or_default().0);
            let (path, text) = (path(raw.path, "path")?, text(raw.text, "text")?);
            About::Path(Decided::Lines { path, hunk: Hunk::unplaced(texts, raw.nth, alike), text })
        }
        other => return Err(format!("`take` is '{}', which is nothing to take", printable(other.as_bytes()))),
    };
    let by = DecidedBy::of_word(&raw.by)
        .ok_or_else(|| format!("`by` is '{}', by which nothing is decided", printable(raw.by.as_bytes())))?;
    Ok(SessionDecision { patch: raw.file, about, by, reason: DecisionReason::Quoted(raw.reason), order: raw.order })
}

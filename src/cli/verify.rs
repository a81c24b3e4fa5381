//! `patchq verify`.

use serde::Serialize;

use super::context::Context;
use super::failure::{CliError, Exit, shown};
use super::hint;
use super::session::refuse_open;
use crate::git::Prompts;
use crate::report::FailureKind;
use crate::ui::{Message, Paint, count};
use crate::workspace::manifest::Upstream;
use crate::workspace::{
    FetchError, Fetcher, Files, Finding, FindingKind, MissingObjects, Pending, Repairs, Severity, UpstreamStore,
    VerifyOptions, Workspace, finish_if_free, judge_files, judge_queue, judge_workspace, neighbours, repair,
};

/// Check the workspace for errors
///
/// For CI and pre-commit hooks. Checks that every patch applies at its line, that
/// `export` would not rewrite anything, and that series, names, pins, versions and
/// ignore files are correct. Never uses the network; run `setup` to fetch what is
/// missing. Each finding is a line FILE:LINE: error: … (or warning) on stdout.
/// Exits with 4 if there is an error.
///
/// A hunk that applies only at another line is a warning (with --strict an error),
/// and so are commits that are not exported yet. --canonical also checks that
/// every patch file has the form that patchq writes and `git am` accepts.
///
/// --fix fixes what it can, in one step that `patchq undo` undoes: line numbers of
/// hunks, a stale or missing version, missing lines of .gitignore and
/// .gitattributes, and with --canonical the form (a patch without a header gets
/// one). It never changes what a patch does. With --fix the network is used for
/// the version and for missing objects.
#[derive(clap::Args, Debug)]
#[command(
    verbatim_doc_comment,
    after_help = "\
To install it as the workspace's pre-commit hook:
  printf '#!/bin/sh\\nexec patchq verify\\n' \\
         > .git/hooks/pre-commit
  chmod +x .git/hooks/pre-commit"
)]
pub(super) struct Args {
    /// The upstreams (default: all)
    #[arg(value_name = "NAME")]
    pub(super) names: Vec<String>,
    /// Report hunks that apply only at another line as errors
    #[arg(long)]
    pub(super) strict: bool,
    /// Report patch files that are not in canonical form
    #[arg(long)]
    pub(super) canonical: bool,
    /// Fix what can be fixed
    #[arg(long)]
    pub(super) fix: bool,
}

#[derive(Debug, Serialize)]
struct Document {
    findings: Vec<Finding>,
    fixed: Vec<String>,
}

/// The result for one upstream.
#[derive(Default)]
struct Judged {
    findings: Vec<Finding>,
    fixed: Vec<String>,
    /// Why it could be checked but not repaired.
    failed: Option<CliError>,
}

pub(super) fn run(context: &Context, args: Args) -> Result<Exit, CliError> {
    let Args { names, strict, canonical, fix } = args;
    let workspace = context.workspace()?;
    let upstreams = context.upstreams(&workspace, &names)?;
    let options = SetupOptions { demands: VerifyOptions { strict, canonical }, fix };
    let mut around_it = own_findings(context, &workspace)?;
    // The first upstream whose step can be made adds the missing lines in it.
    let mut lines_lack = fix && around_it.iter().any(|finding| finding.fixable);
    let all = context.each(&upstreams, |upstream| {
        let judged = one(context, &workspace, upstream, options, lines_lack)?;
        if !judged.fixed.is_empty() {
            lines_lack = false;
        }
        Ok((Exit::Done, judged))
    });
    if fix {
        around_it = own_findings(context, &workspace)?;
    }
    let mut document = Document { findings: around_it, fixed: Vec::new() };
    let (mut exit, mut failed) = (all.exit, all.failed);
    for judged in all.results {
        if let Some(error) = judged.failed {
            context.say(&error.message());
            exit = exit.min(error.exit);
            failed.get_or_insert(error);
        }
        document.findings.extend(judged.findings);
        document.fixed.extend(judged.fixed);
    }
    tell(context, &document, upstreams.len(), failed.is_some())?;
    let wrong = document.findings.iter().any(|finding| finding.severity == Severity::Error);
    if context.json {
        context.document(document, failed.as_ref())?;
    }
    Ok(if wrong { exit.min(Exit::CheckSaidNo) } else { exit })
}

#[derive(Clone, Copy)]
struct SetupOptions {
    demands: VerifyOptions,
    fix: bool,
}

/// Checks the workspace's own files.
fn own_findings(context: &Context, workspace: &Workspace) -> Result<Vec<Finding>, CliError> {
    let tracked = workspace.tracked_names(context.git_unchecked())?;
    judge_workspace(workspace, &tracked).map_err(|error| CliError::of(FailureKind::Files, &error))
}

/// Checks one upstream and, if requested, repairs what can be repaired and checks again.
fn one(
    context: &Context,
    workspace: &Workspace,
    upstream: &Upstream,
    options: SetupOptions,
    lines_lack: bool,
) -> Result<Judged, CliError> {
    let name = upstream.name.as_str();
    let store = context.upstream_store(workspace, upstream)?;
    if let Some(store) = &store {
        let finished = context.step_context("verify", |ctx| finish_if_free(store, ctx));
        if let Pending::Left(kind) = finished.map_err(|error| CliError::step(name, error))? {
            let text = format!("{name}: an interrupted '{kind}' is not finished, so these findings may be wrong");
            context.say(&Message::note(text));
        }
    }
    let (files, mut findings) = judge_files(&workspace.layout, &upstream.name)?;
    let Some(files) = files else { return Ok(Judged { findings, ..Judged::default() }) };
    if store.is_none() && (!options.fix || context.offline) && neighbours(workspace, upstream).is_empty() {
        let missing = FetchError::from(MissingObjects::Commit(files.pin));
        return Ok(Judged { findings, failed: Some(CliError::queue(name, missing.into())), ..Judged::default() });
    }
    let is_new = store.is_none();
    let store = match store {
        Some(store) => store,
        None => UpstreamStore::make(workspace, upstream)?,
    };
    context.with_fetcher(&store, !options.fix, Prompts::Never, |fetcher| {
        if is_new {
            fetcher.remote.store_url(&store.store)?;
        }
        let judge = |files: &Files, findings: &mut Vec<Finding>| {
            judge_queue(fetcher, files, options.demands, findings).map_err(|error| CliError::queue(name, error))
        };
        if let Err(error) = judge(&files, &mut findings) {
            return Ok(Judged { findings, failed: Some(error), ..Judged::default() });
        }
        let fixable = findings.iter().any(|finding| finding.fixable);
        if !options.fix || !(fixable || lines_lack) {
            return Ok(Judged { findings, ..Judged::default() });
        }
        let fixed = match put_right(context, fetcher, &files, &findings, options, lines_lack) {
            Ok(fixed) => fixed,
            Err(error) => return Ok(Judged { findings, failed: Some(error.in_upstream(name)), ..Judged::default() }),
        };
        let (files, mut findings) = judge_files(&workspace.layout, &upstream.name)?;
        if let Some(files) = files {
            judge(&files, &mut findings)?;
        }
        Ok(Judged { findings, fixed, failed: None })
    })
}

/// Repairs what can be repaired, and reports which files changed.
fn put_right(
    context: &Context,
    fetcher: &Fetcher<'_>,
    files: &Files,
    findings: &[Finding],
    options: SetupOptions,
    ignores: bool,
) -> Result<Vec<String>, CliError> {
    let upstream = fetcher.upstream;
    refuse_open(upstream.workspace, upstream.name())?;
    let stale = findings.iter().any(|finding| finding.fixable && finding.kind == FindingKind::Version);
    let version = if stale {
        let history = upstream.history();
        let described =
            fetcher.fetching(|remote, watch| remote.describe(&upstream.store, &history, files.pin, None, watch));
        Some(described?.text)
    } else {
        None
    };
    let repairs = Repairs { demands: options.demands, version, ignores };
    let fixed = context.step_context("verify --fix", |ctx| repair(fetcher, &repairs, ctx));
    fixed.map_err(|error| CliError::rewrite(upstream.name().as_str(), error))
}

/// Writes the findings to stdout as lines that editors and CI understand, and the summary to stderr.
fn tell(context: &Context, document: &Document, upstreams: usize, failed: bool) -> Result<(), CliError> {
    for file in &document.fixed {
        context.tell(&format!("fixed {file}"));
    }
    let (notes, findings): (Vec<&Finding>, Vec<&Finding>) =
        document.findings.iter().partition(|finding| finding.severity == Severity::Note);
    if !context.json {
        let lines: String = findings.iter().map(|finding| line(context, finding)).collect();
        context.out(&lines);
    }
    for note in notes {
        context.say(&Message::note(format!("{}: {}", note.file, note.message)));
    }
    let number = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    let (errors, warnings) = (number(Severity::Error), number(Severity::Warning));
    let parts = [(errors, "error", "errors"), (warnings, "warning", "warnings")];
    let parts: Vec<String> = parts.iter().filter(|(n, ..)| *n > 0).map(|(n, one, many)| count(*n, one, many)).collect();
    let mut text = match (parts.is_empty(), failed) {
        (true, true) => return Ok(()),
        (true, false) => format!("{} in order", count(upstreams, "upstream", "upstreams")),
        (false, _) => parts.join(", "),
    };
    let fixable = findings.iter().filter(|finding| finding.fixable).count();
    if fixable > 0 {
        let canonical = findings.iter().any(|finding| finding.kind == FindingKind::Form);
        let words: Vec<&str> =
            ["verify"].into_iter().chain(canonical.then_some("--canonical")).chain(["--fix"]).collect();
        let all = fixable == findings.len();
        let what = match fixable {
            1 if all => "it".to_owned(),
            _ if all => "them".to_owned(),
            _ => format!("{fixable} of them"),
        };
        text.push_str(&format!("; `{}` fixes {what}", hint::patchq(&words)));
    }
    context.tell(&text);
    Ok(())
}

fn line(context: &Context, finding: &Finding) -> String {
    let (word, paint) = match finding.severity {
        Severity::Error => ("error", Paint::Bad),
        Severity::Warning => ("warning", Paint::Careful),
        Severity::Note => ("note", Paint::Strong),
    };
    let place = finding.line.map_or_else(String::new, |line| format!(":{line}"));
    let word = context.look.paint(paint, &format!("{word}:"));
    format!("{}{place}: {word} {}\n", shown(&finding.file), shown(&finding.message))
}

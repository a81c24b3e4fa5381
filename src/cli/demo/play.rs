//! Plays the demo: makes the folder, really runs every step, and shows it.

use std::ffi::OsString;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, anyhow, ensure};
use serde::Serialize;

use super::story::{Action, COLLEAGUE, NARRATOR, NEXT, Place, STORY, Step};
use super::{Args, DemoUpstream, KUBEFLOW_LIKE, RAY_LIKE};
use crate::cli::context::Context;
use crate::cli::failure::{CliError, Exit, shown};
use crate::cli::hint;
use crate::report::FailureKind;
use crate::ui::Paint;

/// The default folder of a demo.
const DEFAULT: &str = "patchq-demo";

/// The width of the screen that the texts are written for.
const WIDTH: usize = 80;

/// A step that was run, as data.
#[derive(Debug, Serialize)]
struct Done {
    command: String,
    output: String,
}

#[derive(Debug, Serialize)]
struct Document {
    folder: String,
    steps: Vec<Done>,
}

pub(in crate::cli) fn run(context: &Context, args: Args) -> Result<Exit, CliError> {
    context.git()?;
    let named = args.dir.unwrap_or_else(|| PathBuf::from(DEFAULT));
    let name = shown(named.as_os_str().as_encoded_bytes());
    let stage = Stage::build(context, &context.cwd.join(&named), &name)?;
    say(context, &format!("Two small upstreams and a workspace, made in {name}:\n\n"));
    say(context, &prompt(context, &format!("cd {}", hint::quoted(named.join("workspace").as_os_str()))));
    // Whoever pressed ctrl-C did so to the step's program as well, and that is no failure of the step.
    let done = |step: &Step| stage.do_step(step).or_else(|error| context.check_stop().and(Err(failed(&error))));
    let mut steps = Vec::new();
    for step in STORY {
        context.check_stop()?;
        if context.out_failed() {
            // No one can read the demo.
            return Ok(Exit::Failed);
        }
        if !step.shown {
            done(step)?;
            continue;
        }
        let gap = if step.say.is_empty() { "\n".to_owned() } else { format!("\n{}\n\n", step.say) };
        say(context, &gap);
        let command = typed(&step.action);
        say(context, &prompt(context, &command));
        let output = done(step)?;
        say(context, &output);
        steps.push(Done { command, output: console::strip_ansi_codes(&output).into_owned() });
    }
    let folder = hint::quoted(named.join("workspace").as_os_str());
    say(
        context,
        &format!("\nThat was the daily loop. The folder is kept, so that you can experiment:\n\n  cd {folder}\n{NEXT}"),
    );
    if context.json {
        context.document(Document { folder: name, steps }, None)?;
    }
    Ok(Exit::Done)
}

/// Shows a text; with `--json` it is in the document instead.
fn say(context: &Context, text: &str) {
    if !context.json && !context.quiet {
        context.out(text);
    }
}

/// Returns `command` as it is typed; a long one on several lines.
fn prompt(context: &Context, command: &str) -> String {
    let long = command.len() + 2 > WIDTH;
    let command = if long { command.replace(" -m ", " \\\n    -m ") } else { command.to_owned() };
    format!("{}\n", context.look.paint(Paint::Strong, &format!("$ {command}")))
}

/// Returns what one would type for `action` in the workspace.
fn typed(action: &Action) -> String {
    let line = |program: &str, arguments: &[&str]| {
        let words = arguments.iter().map(|argument| hint::quoted(argument.as_ref()));
        std::iter::once(program.to_owned()).chain(words).collect::<Vec<_>>().join(" ")
    };
    match action {
        Action::Patchq(arguments) => line("patchq", arguments),
        Action::Git(arguments) => line("git", arguments),
        Action::Cat(file) => line("cat", &[file]),
        Action::Edit { file, .. } => line("$EDITOR", &[file]),
    }
}

/// The folder of the demo.
struct Stage {
    root: PathBuf,
    /// An empty home, so that no setting of the user affects the demo.
    home: tempfile::TempDir,
    patchq: PathBuf,
    git: OsString,
    colour: bool,
}

impl Stage {
    /// Makes `root`, which messages call `name`, with the upstreams and the workspace in it.
    fn build(context: &Context, root: &Path, name: &str) -> Result<Stage, CliError> {
        let io = |doing: &'static str, path: &Path| {
            let path = path.to_owned();
            move |error: std::io::Error| CliError::io(doing, &path, &error)
        };
        fs::create_dir_all(root).map_err(io("cannot make the folder", root))?;
        let mut there = fs::read_dir(root).map_err(io("cannot read the folder", root))?;
        if there.next().is_some() {
            let text = format!("'{name}' is not empty, and the demo needs an empty folder");
            return Err(CliError::usage(text).hint(hint::patchq(&["demo", "NEW-FOLDER"])));
        }
        let root = root.canonicalize().map_err(io("cannot find", root))?;
        let temporary = std::env::temp_dir();
        let home = tempfile::Builder::new().prefix("patchq-demo-home-").tempdir();
        let home = home.map_err(io("cannot make a temporary folder in", &temporary))?;
        let patchq = std::env::current_exe().map_err(io("cannot find the program itself", Path::new("patchq")))?;
        let git = std::env::var_os("PATCHQ_GIT").unwrap_or_else(|| "git".into());
        let stage = Stage { root, home, patchq, git, colour: context.look.colour };
        stage.write().map_err(|error| failed(&error))?;
        Ok(stage)
    }

    /// Writes upstreams and workspace.
    fn write(&self) -> anyhow::Result<()> {
        let workspace = self.folder(Place::Here);
        let mut manifest =
            String::from("# Two upstreams, made by `patchq demo`. docs/manifest.md describes every key.\n");
        for upstream in [KUBEFLOW_LIKE, RAY_LIKE] {
            let bare = self.root.join("upstreams").join(format!("{}.git", upstream.name));
            let releases = upstream.build(&bare)?;
            let pin = releases.commit(upstream.pinned).context("the demo's pin is not a release")?;
            manifest.push_str(&entry(&upstream));
            put(&workspace.join(format!("commits/{}.txt", upstream.name)), format!("{pin}\n").as_bytes())?;
            let version = format!("{}\n", upstream.pinned);
            put(&workspace.join(format!("commits/{}.version.txt", upstream.name)), version.as_bytes())?;
            for (name, text) in upstream.patches {
                put(&workspace.join("patches").join(upstream.name).join(name), text.as_bytes())?;
            }
        }
        put(&workspace.join("upstreams.toml"), manifest.as_bytes())?;
        put(&workspace.join(".gitignore"), b"/kubeflow/\n/ray/\n")?;
        put(&workspace.join(".gitattributes"), b"/patches/** -text\n/resolutions/** -text\n/sessions/** -text\n")?;
        for arguments in [
            &["init", "-q", "-b", "main"] as &[&str],
            &["config", "user.name", NARRATOR.0],
            &["config", "user.email", NARRATOR.1],
            &["add", "--all"],
            &["commit", "-q", "-m", "Begin with two queues"],
        ] {
            self.git(Place::Here, 0, arguments)?;
        }
        Ok(())
    }

    fn folder(&self, place: Place) -> PathBuf {
        self.root.join(match place {
            Place::Here => "workspace",
            Place::Colleague => "colleague",
        })
    }

    /// Does a step and returns what was on the screen.
    fn do_step(&self, step: &Step) -> anyhow::Result<String> {
        let output = match step.action {
            Action::Patchq(arguments) => {
                let mut command = Command::new(&self.patchq);
                command.args(["--color", if self.colour { "always" } else { "never" }]);
                self.spawn(command.args(arguments), step.place, step.exit, "patchq", arguments)?
            }
            Action::Git(arguments) => self.git(step.place, step.exit, arguments)?,
            Action::Cat(file) => read(&self.folder(step.place).join(file))?,
            Action::Edit { file, from, to } => {
                let path = self.folder(step.place).join(file);
                let text = read(&path)?;
                ensure!(text.matches(from).count() == 1, "'{file}' does not have '{from}' once");
                put(&path, text.replace(from, to).as_bytes())?;
                String::new()
            }
        };
        let plain = console::strip_ansi_codes(&output);
        match step.expect.iter().find(|text| !plain.contains(**text)) {
            None => Ok(output),
            Some(text) => Err(anyhow!("it printed:\n{}", plain.trim_end())
                .context(format!("'{}' did not print '{text}'", typed(&step.action)))),
        }
    }

    fn git(&self, place: Place, exit: i32, arguments: &[&str]) -> anyhow::Result<String> {
        self.spawn(Command::new(&self.git).args(arguments), place, exit, "git", arguments)
    }

    /// Runs a program in an environment without the user's git settings; returns both of its streams as on a terminal.
    /// It must exit with the code `exit`.
    fn spawn(
        &self,
        command: &mut Command,
        place: Place,
        exit: i32,
        program: &str,
        arguments: &[&str],
    ) -> anyhow::Result<String> {
        let broken = || format!("cannot run {program}");
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("GIT_") && text != "GIT_EXEC_PATH" || text == "XDG_CONFIG_HOME" {
                command.env_remove(&name);
            }
        }
        let (name, email) = if place == Place::Here { NARRATOR } else { COLLEAGUE };
        for (key, value) in [
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_AUTHOR_NAME", name),
            ("GIT_AUTHOR_EMAIL", email),
            ("GIT_COMMITTER_NAME", name),
            ("GIT_COMMITTER_EMAIL", email),
            ("GIT_TERMINAL_PROMPT", "0"),
            ("PATCHQ_COLUMNS", &WIDTH.to_string()),
            ("GIT_CONFIG_COUNT", "1"),
            ("GIT_CONFIG_KEY_0", "color.ui"),
            ("GIT_CONFIG_VALUE_0", if self.colour { "always" } else { "never" }),
        ] {
            command.env(key, value);
        }
        let (mut reader, writer) = std::io::pipe().with_context(broken)?;
        let second = writer.try_clone().with_context(broken)?;
        command.env("HOME", self.home.path()).current_dir(self.folder(place));
        command.stdin(Stdio::null()).stdout(writer).stderr(second);
        let mut child = command.spawn().with_context(broken)?;
        // The pipe ends only when nobody holds its other side any more, and the command still does.
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut output = Vec::new();
        reader.read_to_end(&mut output).with_context(broken)?;
        let status = child.wait().with_context(broken)?;
        let output = String::from_utf8_lossy(&output).into_owned();
        if status.code() == Some(exit) {
            return Ok(output);
        }
        let printed = console::strip_ansi_codes(output.trim_end()).into_owned();
        let what = format!("'{program} {}' did not end with {exit} ({status})", arguments.join(" "));
        Err(anyhow!(printed).context(what))
    }
}

/// A step of the demo did not end as it should.
fn failed(error: &anyhow::Error) -> CliError {
    CliError::of(FailureKind::Demo, error.as_ref())
}

/// Returns an upstream's lines in the manifest.
fn entry(upstream: &DemoUpstream) -> String {
    let mut text = format!("\n[upstream.{}]\n", upstream.name);
    text.push_str(&format!("url = \"../upstreams/{}.git\"\n", upstream.name));
    text.push_str(&format!("track = \"{}\"\n", upstream.track));
    let sparse: Vec<String> = upstream.sparse.iter().map(|path| format!("    \"{path}\",\n")).collect();
    text.push_str(&format!("sparse = [\n{}]\nregistry = \"{}\"\n", sparse.concat(), upstream.registry));
    for (name, context, dockerfile) in upstream.images {
        text.push_str(&format!("\n[[upstream.{}.image]]\nname = \"{name}\"\n", upstream.name));
        text.push_str(&format!("context = \"{context}\"\ndockerfile = \"{dockerfile}\"\n"));
    }
    text
}

fn put(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(path, bytes))
        .with_context(|| format!("cannot write '{}'", path.display()))
}

fn read(path: &Path) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read '{}'", path.display()))
}

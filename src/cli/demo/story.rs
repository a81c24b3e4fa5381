//! The demo's story as data: the texts, the commands, and the expected output.

/// Where a command is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// In the workspace.
    Here,
    /// In a colleague's clone of it.
    Colleague,
}

/// The kinds of steps.
#[derive(Debug, Clone, Copy)]
pub(super) enum Action {
    /// patchq with these arguments.
    Patchq(&'static [&'static str]),
    /// git with these arguments.
    Git(&'static [&'static str]),
    /// A file is shown.
    Cat(&'static str),
    /// A replacement in a file, as in an editor.
    Edit {
        /// The file, from the workspace's root.
        file: &'static str,
        /// The old text, which occurs once.
        from: &'static str,
        /// The new text.
        to: &'static str,
    },
}

/// One step of the story.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    /// The text before it, in lines of at most 78 columns; may be empty.
    pub(super) say: &'static str,
    /// Where it is run.
    pub(super) place: Place,
    /// Whether it is shown.
    pub(super) shown: bool,
    /// The action.
    pub(super) action: Action,
    /// Texts that the output must contain; otherwise the demo has failed.
    pub(super) expect: &'static [&'static str],
    /// The expected exit code.
    pub(super) exit: i32,
}

const fn shown(say: &'static str, action: Action, expect: &'static [&'static str]) -> Step {
    Step { say, place: Place::Here, shown: true, action, expect, exit: 0 }
}

/// Makes a step with an exit code other than 0.
const fn shown_with(exit: i32, say: &'static str, action: Action, expect: &'static [&'static str]) -> Step {
    Step { say, place: Place::Here, shown: true, action, expect, exit }
}

/// Makes a step that is needed but not shown.
const fn unseen(place: Place, action: Action) -> Step {
    Step { say: "", place, shown: false, action, expect: &[], exit: 0 }
}

use Action::{Cat, Edit, Git, Patchq};

/// The maintainer's name and address for git.
pub(super) const NARRATOR: (&str, &str) = ("Robin Maintainer", "robin@downstream.example");
/// The colleague's name and address for git.
pub(super) const COLLEAGUE: (&str, &str) = ("Sam Colleague", "sam@downstream.example");

/// The file that the story edits.
const DOCKERFILE: &str = "kubeflow/components/notebook-controller/Dockerfile";
/// The resulting patch file.
const PATCH: &str = "patches/kubeflow/0005-run-the-controller-as-nonroot.patch";
/// The file that is saved too early, which is undone.
const RAY: &str = "ray/python/requirements.txt";
/// The file that the colleague edits.
const REQUIREMENTS: &str = "kubeflow/components/crud-web-apps/jupyter/backend/requirements.txt";

/// The whole story.
pub(super) const STORY: &[Step] = &[
    shown(
        "A workspace is your own git repository. For each upstream it has an entry in\n\
         upstreams.toml, a pinned commit (the pin), and patches in order.",
        Git(&["ls-files"]),
        &["upstreams.toml", "commits/kubeflow.txt", "patches/ray/"],
    ),
    shown(
        "setup checks out both upstreams at their pins, with the patches applied. It\n\
         fetches only the folders that the manifest names.",
        Patchq(&["setup", "."]),
        &["kubeflow: 4 patches", "ray: 2 patches"],
    ),
    // A user who continues may have no git identity yet.
    unseen(Place::Here, Git(&["-C", "kubeflow", "config", "user.name", NARRATOR.0])),
    unseen(Place::Here, Git(&["-C", "kubeflow", "config", "user.email", NARRATOR.1])),
    unseen(Place::Here, Git(&["-C", "ray", "config", "user.name", NARRATOR.0])),
    unseen(Place::Here, Git(&["-C", "ray", "config", "user.email", NARRATOR.1])),
    shown("", Patchq(&["status"]), &["kubeflow", "ray", "v1.6.1", "ray-1.11.0"]),
    shown(
        "A checkout is an ordinary git repository with one commit per patch on the pin.",
        Git(&["-C", "kubeflow", "log", "--oneline", "-5"]),
        &["Build the notebook controller without its tests", "Release 1.6.1"],
    ),
    shown(
        "Images built from it get tags that name the pin and the queue.",
        Patchq(&["tag", "kubeflow", "--image", "notebook-controller"]),
        &["registry.example/notebooks/notebook-controller:v1.6.1-3fca8caa-"],
    ),
    shown(
        "Now make a change: the controller's image has a shell and runs as root.",
        Edit { file: DOCKERFILE, from: "distroless/base:debug", to: "distroless/static:nonroot" },
        &[],
    ),
    shown("", Git(&["-C", "kubeflow", "diff", "-U1"]), &["+FROM gcr.io/distroless/static:nonroot"]),
    shown(
        "save makes a patch file of it, with the reason.",
        Patchq(&[
            "save",
            "kubeflow",
            "-m",
            "Run the controller as nonroot",
            "-m",
            "A scanner flags the image, which runs as root and has a shell.",
        ]),
        &["saved in patches/kubeflow/0005-run-the-controller-as-nonroot.patch"],
    ),
    shown("", Cat(PATCH), &["Subject: [PATCH] Run the controller", "+FROM gcr.io/distroless/static:nonroot"]),
    shown(
        "The queue has changed, and so has the last tag: an image built from it never\n\
         replaces an older one.",
        Patchq(&["tag", "kubeflow", "--image", "notebook-controller"]),
        &["registry.example/notebooks/notebook-controller:v1.6.1-3fca8caa-"],
    ),
    shown("patchq never commits in your workspace. You do that yourself.", Git(&["add", "--all"]), &[]),
    shown("", Git(&["commit", "-q", "-m", "kubeflow: the controller as nonroot"]), &[]),
    shown(
        "Plain git works in a checkout, even rebase -i. Here the last commit gets a\n\
         better message, and export writes the commits back to patch files.",
        Git(&[
            "-C",
            "kubeflow",
            "commit",
            "-q",
            "--amend",
            "-m",
            "Run the controller from distroless/static",
            "-m",
            "It runs as nonroot and has no shell. The manager needs neither.",
        ]),
        &[],
    ),
    shown("", Patchq(&["export", "kubeflow"]), &["rewritten", "4 patches unchanged"]),
    shown("The file keeps its name, and no other file has changed.", Git(&["diff", "--stat"]), &["1 file changed"]),
    shown("", Git(&["commit", "-q", "-a", "-m", "kubeflow: better words"]), &[]),
    unseen(Place::Here, Git(&["clone", "-q", ".", "../colleague"])),
    unseen(Place::Colleague, Git(&["config", "user.name", COLLEAGUE.0])),
    unseen(Place::Colleague, Git(&["config", "user.email", COLLEAGUE.1])),
    unseen(Place::Colleague, Patchq(&["setup", "."])),
    unseen(Place::Colleague, Edit { file: REQUIREMENTS, from: "gunicorn==20.1.0", to: "gunicorn==22.0.0" }),
    unseen(
        Place::Colleague,
        Patchq(&["save", "kubeflow", "-m", "Raise gunicorn to 22.0.0", "-m", "CVE-2024-1135 is fixed in it."]),
    ),
    unseen(Place::Colleague, Git(&["add", "--all"])),
    unseen(Place::Colleague, Git(&["commit", "-q", "-m", "kubeflow: gunicorn 22"])),
    shown(
        "A colleague saved a patch in another clone of the workspace. Get it with git.",
        Git(&["pull", "-q", "--ff-only", "../colleague"]),
        &[],
    ),
    shown("", Patchq(&["status"]), &["newer", "up to date"]),
    shown("apply updates the checkout to the patch files.", Patchq(&["apply"]), &["kubeflow: 6 patches"]),
    shown("verify is for CI and for a pre-commit hook:", Patchq(&["verify"]), &[]),
    shown_with(
        4,
        "Upstream moves on too. outdated checks whether a track has moved past its pin,\n\
         and then exits with 4.",
        Patchq(&["outdated"]),
        &["up to date", "ray-1.12.0"],
    ),
    shown(
        "diff-upstream shows what upstream changed in the files that matter here, and\n\
         what would happen to each patch:",
        Patchq(&["diff-upstream", "ray"]),
        &["docker/base-deps/Dockerfile", "2 patches: 2 apply"],
    ),
    shown("The tags before …", Patchq(&["tag", "ray", "--image", "ray"]), &["ray/ray:ray-1.11.0-"]),
    shown(
        "refresh moves the queue, in memory first. All patches apply, so it then changes\n\
         pin, patch files and checkout in one step.",
        Patchq(&["refresh", "ray"]),
        &["ray-1.12.0", "moved to ray-1.12.0"],
    ),
    shown("… and after.", Patchq(&["tag", "ray", "--image", "ray"]), &["ray/ray:ray-1.12.0-"]),
    shown("", Git(&["commit", "-q", "-a", "-m", "ray: 1.12.0"]), &[]),
    shown_with(
        3,
        "The other queue moves further, and not every patch applies. Every conflict is\n\
         shown, with the base, upstream's lines and the patch's lines. Nothing is\n\
         changed (exit code 3).",
        Patchq(&["refresh", "kubeflow", "--to", "v1.7.0", "--once"]),
        &["upstreamed", "conflict", "python:3.8-slim-buster", "python:3.7-slim-bullseye"],
    ),
    shown(
        "If you saved a patch too early, undo removes the file. The change itself is in\n\
         the checkout again.",
        Edit { file: RAY, from: "redis>=3.5.0", to: "redis>=4.3.1" },
        &[],
    ),
    shown("", Patchq(&["save", "-m", "Raise redis"]), &["saved in patches/ray/0003-raise-redis.patch"]),
    shown("", Patchq(&["undo", "ray"]), &["ray: undid 'save'", "removed"]),
    shown("", Git(&["-C", "ray", "status", "--short"]), &["M python/requirements.txt"]),
];

/// What to try afterwards; printed after the folder to go to.
pub(super) const NEXT: &str = concat!(
    "  patchq save --into 0002                 fold ray's change into patch 0002\n",
    "  git -C kubeflow rebase -i refs/patchq/base && patchq export\n",
    "  patchq status kubeflow                  list the patches\n",
    "  patchq undo --list                      list the changes that can be undone\n",
    "  patchq help save                        read the manual of a command\n",
);

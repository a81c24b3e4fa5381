//! The upstream like Kubeflow: three release branches of a component tree.

use super::DemoUpstream;
use super::history::{Edit, Step, Tag};

pub(super) const UPSTREAM: DemoUpstream = DemoUpstream {
    name: "kubeflow",
    track: "v1.6-branch",
    pinned: "v1.6.1",
    next: "v1.7.0",
    sparse: &[
        "components/common",
        "components/crud-web-apps/common",
        "components/crud-web-apps/jupyter",
        "components/notebook-controller",
        "components/example-notebook-servers/Makefile",
        "components/example-notebook-servers/base",
        "components/example-notebook-servers/jupyter",
        "components/example-notebook-servers/jupyter-scipy",
    ],
    registry: "registry.example/notebooks",
    images: &[
        (
            "jupyter-scipy",
            "components/example-notebook-servers/jupyter-scipy",
            "components/example-notebook-servers/jupyter-scipy/Dockerfile",
        ),
        ("notebook-controller", "components", "components/notebook-controller/Dockerfile"),
        ("jupyter-web-app", "components/crud-web-apps", "components/crud-web-apps/jupyter/Dockerfile"),
    ],
    patches: &[
        (
            "0001-build-only-the-notebook-images-we-ship.patch",
            include_str!("kubeflow-patches/0001-build-only-the-notebook-images-we-ship.patch"),
        ),
        (
            "0002-use-debian-bullseye-below-the-jupyter-web-app.patch",
            include_str!("kubeflow-patches/0002-use-debian-bullseye-below-the-jupyter-web-app.patch"),
        ),
        (
            "0003-raise-dask-and-notebook-past-their-known-holes.patch",
            include_str!("kubeflow-patches/0003-raise-dask-and-notebook-past-their-known-holes.patch"),
        ),
        (
            "0004-build-the-notebook-controller-without-its-tests.patch",
            include_str!("kubeflow-patches/0004-build-the-notebook-controller-without-its-tests.patch"),
        ),
    ],
    history: HISTORY,
    head: "master",
};

const HISTORY: &[Step] = &[
    // 2022-02-01
    Step {
        branch: "master",
        from: None,
        seconds: 1_643_706_000,
        subject: "Begin the platform",
        edits: &[
            Edit::Put("README.md", include_str!("kubeflow/README.md")),
            Edit::Put(
                "components/centraldashboard/Dockerfile",
                include_str!("kubeflow/components/centraldashboard/Dockerfile"),
            ),
            Edit::Put(
                "components/centraldashboard/package.json",
                include_str!("kubeflow/components/centraldashboard/package.json"),
            ),
            Edit::Put(
                "components/common/reconcilehelper/util.go",
                include_str!("kubeflow/components/common/reconcilehelper/util.go"),
            ),
            Edit::Put(
                "components/profile-controller/Dockerfile",
                include_str!("kubeflow/components/profile-controller/Dockerfile"),
            ),
            Edit::Put("docs/overview.md", include_str!("kubeflow/docs/overview.md")),
        ],
        tag: None,
    },
    // 2022-03-15
    Step {
        branch: "master",
        from: None,
        seconds: 1_647_350_400,
        subject: "Add the notebook servers",
        edits: &[
            Edit::Put(
                "components/example-notebook-servers/Makefile",
                include_str!("kubeflow/components/example-notebook-servers/Makefile"),
            ),
            Edit::Put(
                "components/example-notebook-servers/base/Dockerfile",
                include_str!("kubeflow/components/example-notebook-servers/base/Dockerfile"),
            ),
            Edit::Put(
                "components/example-notebook-servers/codeserver/Dockerfile",
                include_str!("kubeflow/components/example-notebook-servers/codeserver/Dockerfile"),
            ),
            Edit::Put(
                "components/example-notebook-servers/jupyter-scipy/Dockerfile",
                include_str!("kubeflow/components/example-notebook-servers/jupyter-scipy/Dockerfile"),
            ),
            Edit::Put(
                "components/example-notebook-servers/jupyter-scipy/requirements.txt",
                include_str!("kubeflow/components/example-notebook-servers/jupyter-scipy/requirements.txt"),
            ),
            Edit::Put(
                "components/example-notebook-servers/jupyter-tensorflow/Dockerfile",
                include_str!("kubeflow/components/example-notebook-servers/jupyter-tensorflow/Dockerfile"),
            ),
            Edit::Put(
                "components/example-notebook-servers/jupyter/Dockerfile",
                include_str!("kubeflow/components/example-notebook-servers/jupyter/Dockerfile"),
            ),
            Edit::Put(
                "components/example-notebook-servers/jupyter/requirements.txt",
                include_str!("kubeflow/components/example-notebook-servers/jupyter/requirements.txt"),
            ),
            Edit::PutExecutable(
                "components/example-notebook-servers/jupyter/start-jupyter.sh",
                include_str!("kubeflow/components/example-notebook-servers/jupyter/start-jupyter.sh"),
            ),
            Edit::Put(
                "components/example-notebook-servers/rstudio/Dockerfile",
                include_str!("kubeflow/components/example-notebook-servers/rstudio/Dockerfile"),
            ),
        ],
        tag: None,
    },
    // 2022-05-10
    Step {
        branch: "master",
        from: None,
        seconds: 1_652_179_500,
        subject: "Add the notebook controller and the web app",
        edits: &[
            Edit::Put(
                "components/crud-web-apps/common/backend/setup.py",
                include_str!("kubeflow/components/crud-web-apps/common/backend/setup.py"),
            ),
            Edit::Put(
                "components/crud-web-apps/jupyter/Dockerfile",
                include_str!("kubeflow/components/crud-web-apps/jupyter/Dockerfile"),
            ),
            Edit::Put(
                "components/crud-web-apps/jupyter/Makefile",
                include_str!("kubeflow/components/crud-web-apps/jupyter/Makefile"),
            ),
            Edit::Put(
                "components/crud-web-apps/jupyter/backend/main.py",
                include_str!("kubeflow/components/crud-web-apps/jupyter/backend/main.py"),
            ),
            Edit::Put(
                "components/crud-web-apps/jupyter/backend/requirements.txt",
                include_str!("kubeflow/components/crud-web-apps/jupyter/backend/requirements.txt"),
            ),
            Edit::Put(
                "components/notebook-controller/Dockerfile",
                include_str!("kubeflow/components/notebook-controller/Dockerfile"),
            ),
            Edit::Put(
                "components/notebook-controller/Makefile",
                include_str!("kubeflow/components/notebook-controller/Makefile"),
            ),
            Edit::Put(
                "components/notebook-controller/main.go",
                include_str!("kubeflow/components/notebook-controller/main.go"),
            ),
        ],
        tag: None,
    },
    // 2022-06-20
    Step {
        branch: "v1.6-branch",
        from: Some("master"),
        seconds: 1_655_740_800,
        subject: "Release 1.6.0",
        edits: &[Edit::Put("VERSION", "v1.6.0\n")],
        tag: Some(Tag::Annotated("v1.6.0")),
    },
    // 2022-07-12
    Step {
        branch: "master",
        from: None,
        seconds: 1_657_614_600,
        subject: "dashboard: express 4.18.1",
        edits: &[Edit::Replace("components/centraldashboard/package.json", "4.17.1", "4.18.1")],
        tag: None,
    },
    // 2022-08-30
    Step {
        branch: "v1.6-branch",
        from: None,
        seconds: 1_661_857_800,
        subject: "jupyter web app: Flask 2.1.3",
        edits: &[Edit::Replace(
            "components/crud-web-apps/jupyter/backend/requirements.txt",
            "Flask==2.0.3",
            "Flask==2.1.3",
        )],
        tag: None,
    },
    // 2022-09-08
    Step {
        branch: "v1.6-branch",
        from: None,
        seconds: 1_662_638_400,
        subject: "Release 1.6.1",
        edits: &[Edit::Replace("VERSION", "v1.6.0", "v1.6.1")],
        tag: Some(Tag::Annotated("v1.6.1")),
    },
    // 2022-10-04
    Step {
        branch: "master",
        from: None,
        seconds: 1_664_877_000,
        subject: "jupyter web app: Python 3.8",
        edits: &[Edit::Replace(
            "components/crud-web-apps/jupyter/Dockerfile",
            "python:3.7-slim-buster",
            "python:3.8-slim-buster",
        )],
        tag: None,
    },
    // 2022-11-02
    Step {
        branch: "master",
        from: None,
        seconds: 1_667_401_500,
        subject: "notebook servers: dask and notebook without known vulnerabilities",
        edits: &[
            Edit::Replace(
                "components/example-notebook-servers/jupyter-scipy/requirements.txt",
                "dask==2021.6.1",
                "dask==2022.5.1",
            ),
            Edit::Replace(
                "components/example-notebook-servers/jupyter/requirements.txt",
                "notebook==6.4.1",
                "notebook==6.4.12",
            ),
        ],
        tag: None,
    },
    // 2022-12-01
    Step {
        branch: "master",
        from: None,
        seconds: 1_669_888_800,
        subject: "notebook servers: say less when pushing",
        edits: &[Edit::Replace(
            "components/example-notebook-servers/Makefile",
            "docker push $(REGISTRY)",
            "docker push --quiet $(REGISTRY)",
        )],
        tag: None,
    },
    // 2023-01-17
    Step {
        branch: "master",
        from: None,
        seconds: 1_673_965_800,
        subject: "notebook controller: idle servers stop after half a day",
        edits: &[Edit::Replace("components/notebook-controller/main.go", "24*time.Hour", "12*time.Hour")],
        tag: None,
    },
    // 2023-02-15
    Step {
        branch: "v1.7-branch",
        from: Some("master"),
        seconds: 1_676_462_400,
        subject: "Release candidate 1.7.0-rc.0",
        edits: &[Edit::Put("VERSION", "v1.7.0-rc.0\n")],
        tag: Some(Tag::Light("v1.7.0-rc.0")),
    },
    // 2023-03-20
    Step {
        branch: "v1.7-branch",
        from: None,
        seconds: 1_679_303_700,
        subject: "docs: name the dashboard last",
        edits: &[Edit::Replace("docs/overview.md", "the front page", "the front page of all")],
        tag: None,
    },
    // 2023-03-29
    Step {
        branch: "v1.7-branch",
        from: None,
        seconds: 1_680_091_200,
        subject: "Release 1.7.0",
        edits: &[Edit::Replace("VERSION", "v1.7.0-rc.0", "v1.7.0")],
        tag: Some(Tag::Annotated("v1.7.0")),
    },
    // 2023-04-18
    Step {
        branch: "master",
        from: None,
        seconds: 1_681_813_200,
        subject: "profile controller: Go 1.19",
        edits: &[Edit::Replace("components/profile-controller/Dockerfile", "golang:1.17", "golang:1.19")],
        tag: None,
    },
];

//! The upstream like Ray: release tags with a prefix, images that build on each other, a symlink.

use super::DemoUpstream;
use super::history::{Edit, Step, Tag};

pub(super) const UPSTREAM: DemoUpstream = DemoUpstream {
    name: "ray",
    track: "ray-*",
    pinned: "ray-1.11.0",
    next: "ray-1.12.0",
    sparse: &["build-docker.sh", "docker", "python/requirements.txt", "python/requirements"],
    registry: "registry.example/ray",
    images: &[
        ("base-deps", "docker/base-deps", "docker/base-deps/Dockerfile"),
        ("ray", "docker/ray", "docker/ray/Dockerfile"),
    ],
    patches: &[
        (
            "0001-install-ubuntu-s-security-updates-in-the-base-image.patch",
            include_str!("ray-patches/0001-install-ubuntu-s-security-updates-in-the-base-image.patch"),
        ),
        ("0002-keep-protobuf-below-4.patch", include_str!("ray-patches/0002-keep-protobuf-below-4.patch")),
    ],
    history: HISTORY,
    head: "master",
};

const HISTORY: &[Step] = &[
    // 2021-11-03
    Step {
        branch: "master",
        from: None,
        seconds: 1_635_962_400,
        subject: "Begin",
        edits: &[
            Edit::Put("README.rst", include_str!("ray/README.rst")),
            Edit::PutExecutable("ci/lint.sh", include_str!("ray/ci/lint.sh")),
            Edit::Put("dashboard/client/package.json", include_str!("ray/dashboard/client/package.json")),
            Edit::Put("python/ray/__init__.py", include_str!("ray/python/ray/__init__.py")),
            Edit::Put("python/requirements.txt", include_str!("ray/python/requirements.txt")),
            Edit::Put(
                "python/requirements/ml/requirements_ml.txt",
                include_str!("ray/python/requirements/ml/requirements_ml.txt"),
            ),
            Edit::Put("src/ray/core.cc", include_str!("ray/src/ray/core.cc")),
        ],
        tag: None,
    },
    // 2021-12-14
    Step {
        branch: "master",
        from: None,
        seconds: 1_639_513_800,
        subject: "Add the images",
        edits: &[
            Edit::PutExecutable("build-docker.sh", include_str!("ray/build-docker.sh")),
            Edit::Put("docker/base-deps/Dockerfile", include_str!("ray/docker/base-deps/Dockerfile")),
            Edit::Put("docker/ray-deps/Dockerfile", include_str!("ray/docker/ray-deps/Dockerfile")),
            Edit::Put("docker/ray-ml/Dockerfile", include_str!("ray/docker/ray-ml/Dockerfile")),
            Edit::Put("docker/ray/Dockerfile", include_str!("ray/docker/ray/Dockerfile")),
            Edit::Link("docker/ray-ml/requirements_ml.txt", "../../python/requirements/ml/requirements_ml.txt"),
        ],
        tag: None,
    },
    // 2022-03-09
    Step {
        branch: "releases/1.11.0",
        from: Some("master"),
        seconds: 1_646_852_400,
        subject: "Release 1.11.0",
        edits: &[Edit::Put("python/ray/_release.py", "RELEASE = \"1.11.0\"\n")],
        tag: Some(Tag::Annotated("ray-1.11.0")),
    },
    // 2022-03-22
    Step {
        branch: "master",
        from: None,
        seconds: 1_647_969_300,
        subject: "On the way to 1.12",
        edits: &[Edit::Replace("python/ray/__init__.py", "1.11.0", "1.12.0.dev0")],
        tag: None,
    },
    // 2022-04-01
    Step {
        branch: "master",
        from: None,
        seconds: 1_648_849_200,
        subject: "images: shorter options",
        edits: &[Edit::Replace("docker/base-deps/Dockerfile", "wget --quiet", "wget -q")],
        tag: None,
    },
    // 2022-04-05
    Step {
        branch: "master",
        from: None,
        seconds: 1_649_174_400,
        subject: "ml: torch 1.11",
        edits: &[Edit::Replace(
            "python/requirements/ml/requirements_ml.txt",
            "torch==1.9.0\ntorchvision==0.10.0",
            "torch==1.11.0\ntorchvision==0.12.0",
        )],
        tag: None,
    },
    // 2022-04-08
    Step {
        branch: "releases/1.12.0",
        from: Some("master"),
        seconds: 1_649_444_400,
        subject: "Release 1.12.0",
        edits: &[
            Edit::Replace("python/ray/__init__.py", "1.12.0.dev0", "1.12.0"),
            Edit::Put("python/ray/_release.py", "RELEASE = \"1.12.0\"\n"),
        ],
        tag: Some(Tag::Annotated("ray-1.12.0")),
    },
    // 2022-05-02
    Step {
        branch: "master",
        from: None,
        seconds: 1_651_515_600,
        subject: "dashboard: react 17",
        edits: &[Edit::Replace("dashboard/client/package.json", "16.13.1", "17.0.2")],
        tag: None,
    },
];

//! `patchq tag`.

use std::fs;

use serde_json::json;

use super::support::{Env, in_both_worlds};

const IMAGES: &str = "\
[upstream.up]
url = \"../up.git\"
track = \"main\"
registry = \"example\"
[[upstream.up.image]]
name = \"app\"
dockerfile = \"app/Dockerfile\"
[[upstream.up.image]]
name = \"docs\"
dockerfile = \"app/Dockerfile\"
";

/// Makes the usual workspace with two images, and these templates.
fn images(env: &Env, tags: &str) -> String {
    let usual = env.workspace();
    env.write("ws/upstreams.toml", IMAGES.replace("registry", &format!("tags = [{tags}]\nregistry")));
    usual.pin[..8].to_owned()
}

fn fails(env: &Env, args: &[&str]) -> super::support::Run {
    let run = env.patchq(args).exits(1).one_error();
    assert_eq!(run.stdout, "", "{}", run.shown());
    run
}

in_both_worlds! {
    fn every_image_gets_every_tag_from_the_files_alone(env) {
        let commit = images(env, "\"{version}\", \"{version}-{commit}\", \"{semver}\"");
        let lines = |image: &str| format!("example/{image}:v1.0\nexample/{image}:v1.0-{commit}\nexample/{image}:1.0\n");
        let run = env.patchq(&["tag", "--offline"]).ok();
        assert_eq!(run.stdout, lines("app") + &lines("docs"));
        assert_eq!(run.stderr, "");
        assert_eq!(env.patchq(&["tag", "up", "--image", "docs"]).ok().stdout, lines("docs"));
        assert!(!env.exists("ws/.git/patchq"), "tag made a store");
        // Without any repository, too.
        fs::remove_dir_all(env.path("ws/.git")).unwrap();
        assert_eq!(env.patchq(&["tag"]).ok().stdout, lines("app") + &lines("docs"));
    }

    fn json_says_which_tags_can_move(env) {
        let commit = images(env, "\"{version}\", \"{commit}-{queue}\"");
        let document = env.patchq(&["--json", "tag", "--image", "app"]).ok().json();
        assert_eq!((&document["schema"], &document["ok"]), (&json!("patchq.tag/1"), &json!(true)));
        let upstream = &document["upstreams"][0];
        let queue = upstream["queue"].as_str().unwrap();
        let tag = |template: &str, tag: String, stability: &str| json!({
            "reference": format!("example/app:{tag}"), "image": "app", "repository": "example/app",
            "template": template, "tag": tag, "stability": stability,
        });
        assert_eq!(
            upstream["references"],
            json!([
                tag("{version}", "v1.0".to_owned(), "moving"),
                tag("{commit}-{queue}", format!("{commit}-{queue}"), "fixed"),
            ])
        );
        // With another queue the fixed tag differs.
        fs::remove_file(env.path("ws/patches/up/0003-Answer-in-capitals.patch")).unwrap();
        let other = env.patchq(&["--json", "tag"]).ok().json();
        assert_ne!(other["upstreams"][0]["queue"], upstream["queue"]);
    }

    fn without_images_the_tags_alone(env) {
        env.workspace();
        let run = env.patchq(&["tag"]).ok().says("has no images for it");
        assert_eq!(run.stdout.lines().next(), Some("v1.0"));
        assert_eq!(run.stdout.lines().count(), 3);
    }

    fn a_date_needs_the_commit(env) {
        images(env, "\"{date}\"");
        fails(env, &["tag"]).says("{date} needs the commit").hints("patchq setup --only up");
        env.patchq(&["setup"]).ok();
        assert_eq!(env.patchq(&["tag", "--image", "app"]).ok().stdout, "example/app:20240101\n");
    }

    fn the_branch_is_the_track(env) {
        images(env, "\"{branch}\"");
        assert_eq!(env.patchq(&["tag", "--image", "app"]).ok().stdout, "example/app:main\n");
        let manifest = env.read("ws/upstreams.toml").replace("track = \"main\"", "track = \"v1.0\"");
        env.write("ws/upstreams.toml", manifest);
        fails(env, &["tag"]).says("{branch} needs a track that is a branch");
    }

    fn a_moved_pin_makes_the_version_stale(env) {
        let usual = env.ready();
        env.write("ws/commits/up.txt", format!("{}\n", usual.next));
        let error = "the version 'v1.0' is stale: it was taken for";
        fails(env, &["tag"]).says(error).hints("patchq verify --fix up");
        // It stays the same after the checkout is set up.
        env.patchq(&["setup"]).ok();
        fails(env, &["tag"]).says(error);
        let json = env.patchq(&["--json", "tag"]).exits(1).json();
        assert_eq!((&json["ok"], &json["error"]["kind"]), (&json!(false), &json!("version")));
        assert_eq!(json["error"]["file"], json!("commits/up.version.txt"));
        // A version that was taken with the pin is different, and so is one in the manifest.
        env.write("ws/commits/up.version.txt", "v1.1\n");
        env.patchq(&["tag"]).ok().prints("v1.1\n");
        env.write("ws/commits/up.version.txt", "v1.0\n");
        let manifest = env.read("ws/upstreams.toml").replace("track", "version = \"7.0\"\ntrack");
        env.write("ws/upstreams.toml", manifest);
        env.patchq(&["tag"]).ok().prints("7.0\n");
    }

    fn a_version_that_names_another_commit_is_stale_everywhere(env) {
        env.workspace();
        env.write("ws/commits/up.version.txt", "v1.0-3-g01234567\n");
        fails(env, &["tag"]).says("stale: it was taken for another commit").hints("patchq verify --fix up");
    }

    fn what_is_missing_is_named_with_a_way_out(env) {
        env.workspace();
        fs::remove_file(env.path("ws/commits/up.version.txt")).unwrap();
        fails(env, &["tag"])
            .says("no version: commits/up.version.txt does not exist")
            .hints("patchq verify --fix up")
            .hints("version = ");
        // Templates without a version are not affected.
        let manifest = env.read("ws/upstreams.toml").replace("track", "tags = [\"{commit}\"]\ntrack");
        env.write("ws/upstreams.toml", manifest);
        env.patchq(&["tag"]).ok();
        fs::remove_file(env.path("ws/commits/up.txt")).unwrap();
        fails(env, &["tag"]).says("no pin: commits/up.txt does not exist").hints("patchq add up --pin REV");
    }

    fn semver_needs_a_version_with_a_point(env) {
        let commit = images(env, "\"{semver}\"");
        env.write("ws/commits/up.version.txt", format!("{commit}\n"));
        fails(env, &["tag"]).says("{semver} cannot be had from the version").hints("version = \"1.2.3\"");
    }

    fn one_tag_twice_is_an_error(env) {
        images(env, "\"{version}\", \"v1.0\"");
        fails(env, &["tag"]).says("'example/app:v1.0' is made twice, by the tag templates '{version}' and 'v1.0'");
        images_of_two(env);
        let run = fails(env, &["tag"]).says("'example/app:v1.0' is given twice, by up and by other");
        run.hints("change the image name, registry or tags");
        env.patchq(&["tag", "other"]).ok();
    }

    fn an_unknown_image_is_a_slip(env) {
        images(env, "\"{version}\"");
        let run = env.patchq(&["tag", "--image", "dosc"]).exits(2).one_error();
        run.says("there is no image 'dosc'").hints("patchq tag --image docs");
        env.patchq(&["tag", "upp"]).exits(2).says("there is no upstream 'upp'").hints("'up'");
    }
}

/// Makes two upstreams with an image of the same name.
fn images_of_two(env: &Env) {
    let one = IMAGES.replace("registry", "tags = [\"{version}\"]\nregistry");
    env.write("ws/upstreams.toml", format!("{one}{}", one.replace("upstream.up", "upstream.other")));
    let usual = super::support::Upstream::usual();
    env.entry("other", &usual.pin, Some("v1.0"), &usual.patches);
}

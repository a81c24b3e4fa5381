//! Checks the dependencies: known licences, the public registry only, no crate in two versions without a reason, no
//! OpenSSL. Works without network on what a build has already fetched.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;

/// Licences that are compatible with Apache-2.0. An expression passes when one of its alternatives does.
const LICENCES: [&str; 10] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "MIT",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Crates that may be there in several versions, each with the reason. None of them is built into the program twice.
const SEVERAL: [(&str, &str); 5] = [
    ("cfg_aliases", "for nix"),
    ("nix", "portable-pty, which only tests use, is behind ctrlc"),
    ("syn", "for thiserror-impl"),
    ("thiserror", "portable-pty, by filedescriptor, is behind us"),
    ("thiserror-impl", "for thiserror"),
];

/// Crates that must not come in as indirect dependencies: the network is used only by the git program.
const UNWANTED: [&str; 6] = ["openssl", "openssl-sys", "native-tls", "libssh2-sys", "curl-sys", "rustls"];

/// Returns the packages of the dependency graph for this machine.
fn packages() -> Vec<Value> {
    let host = Command::new("rustc").arg("-vV").output().expect("rustc is there, it built this test");
    let host = String::from_utf8(host.stdout).expect("rustc speaks ASCII");
    let host = host.lines().find_map(|line| line.strip_prefix("host: ")).expect("rustc names its host");
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--offline", "--locked", "--format-version", "1", "--filter-platform", host])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo is there, it runs this test");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    let resolved: Vec<&str> =
        metadata["resolve"]["nodes"].as_array().into_iter().flatten().filter_map(|node| node["id"].as_str()).collect();
    let all = metadata["packages"].as_array().cloned().unwrap_or_default();
    let used = all.into_iter().filter(|package| package["id"].as_str().is_some_and(|id| resolved.contains(&id)));
    let used: Vec<Value> = used.collect();
    assert!(used.len() > 50, "only {} packages: the graph was not read", used.len());
    used
}

fn text<'a>(package: &'a Value, key: &str) -> &'a str {
    package[key].as_str().unwrap_or_default()
}

/// Checks whether an SPDX expression is allowed: `OR` needs one allowed side, `AND` both; parentheses bind.
fn allowed(expression: &str) -> bool {
    let expression = expression.trim();
    for (joint, all) in [(" OR ", false), ("/", false), (" AND ", true)] {
        let sides = outermost(expression, joint);
        if sides.len() > 1 {
            return if all { sides.into_iter().all(allowed) } else { sides.into_iter().any(allowed) };
        }
    }
    match expression.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')) {
        Some(inner) => allowed(inner),
        None => LICENCES.contains(&expression),
    }
}

/// Splits `expression` at every `joint` outside parentheses.
fn outermost<'a>(expression: &'a str, joint: &str) -> Vec<&'a str> {
    let mut sides = Vec::new();
    let mut depth = 0;
    let mut start = 0;
    for (at, c) in expression.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ if depth == 0 && at >= start && expression[at..].starts_with(joint) => {
                sides.push(&expression[start..at]);
                start = at + joint.len();
            }
            _ => {}
        }
    }
    sides.push(&expression[start..]);
    sides
}

#[test]
fn licences_are_known() {
    let wrong: Vec<String> = packages()
        .iter()
        .filter(|package| !allowed(text(package, "license")))
        .map(|package| {
            format!("{} {}: '{}'", text(package, "name"), text(package, "version"), text(package, "license"))
        })
        .collect();
    assert!(wrong.is_empty(), "licences that are not on the list:\n{}", wrong.join("\n"));
}

#[test]
fn everything_else_comes_from_the_registry() {
    let elsewhere: Vec<String> = packages()
        .iter()
        .filter(|package| !text(package, "source").starts_with("registry+"))
        .map(|package| text(package, "name").to_owned())
        .collect();
    assert_eq!(elsewhere, ["patchq"], "crates from git or from a folder");
}

#[test]
fn nothing_unwanted_comes_in() {
    let packages = packages();
    let found: Vec<&str> = packages.iter().map(|package| text(package, "name")).collect();
    let found: Vec<&str> = UNWANTED.into_iter().filter(|name| found.contains(name)).collect();
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn no_crate_is_there_twice() {
    let mut versions: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in packages() {
        versions.entry(text(&package, "name").to_owned()).or_default().push(text(&package, "version").to_owned());
    }
    let twice = versions.iter().filter(|(name, all)| all.len() > 1 && !SEVERAL.iter().any(|(known, _)| known == name));
    let twice: Vec<String> = twice.map(|(name, all)| format!("{name} {}", all.join(" and "))).collect();
    assert!(twice.is_empty(), "several versions of:\n{}", twice.join("\n"));
    // Other systems have other graphs; the list is kept for the system on which the project is tested.
    for (name, reason) in SEVERAL.into_iter().filter(|_| cfg!(target_os = "linux")) {
        assert!(versions.get(name).is_some_and(|all| all.len() > 1), "{name} is there only once, though: {reason}");
    }
}

#[test]
fn expressions_are_read() {
    for good in ["MIT", "MIT OR GPL-3.0", "GPL-3.0 OR (MIT AND ISC)", "(MIT OR Apache-2.0) AND Unicode-3.0", "MIT/X"] {
        assert!(allowed(good), "{good}");
    }
    for bad in ["", "GPL-3.0", "MIT AND GPL-3.0", "(MIT OR ISC) AND GPL-3.0", "GPL-3.0 OR LGPL-2.1"] {
        assert!(!allowed(bad), "{bad}");
    }
}

//! Identifies a Python wheel that goes into an image: by the parts of its file name and its SHA-256.
//!
//! Source: the binary distribution format (packaging.python.org, `{name}-{version}-{python}-{abi}-{platform}.whl`).

use std::collections::BTreeMap;

use super::build_arg::BuildArg;
use super::settings::ContentDigest;
use crate::git::Id;

/// A wheel of the manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wheel {
    /// The package.
    pub package: String,
    /// Its version; may have placeholders.
    pub version: BuildArg,
    /// The python tag: `cp38`.
    pub python: String,
    /// The ABI tag: `cp38`.
    pub abi: String,
    /// The platform tag: `manylinux2014_x86_64`.
    pub platform: String,
    /// The SHA-256 of the file.
    pub sha256: ContentDigest,
    /// The upstream commit that the wheel is said to be built from.
    pub commit: Option<Id>,
}

impl Wheel {
    /// Returns the ABI tag of a wheel whose entry has none: for CPython the python tag, with an `m` up to 3.7.
    #[must_use]
    pub fn usual_abi(python: &str) -> String {
        match python.strip_prefix("cp3").map(str::parse::<u32>) {
            Some(Ok(minor)) if minor < 8 => format!("{python}m"),
            _ if python.starts_with("cp") => python.to_owned(),
            _ => "none".to_owned(),
        }
    }

    /// Returns the value of `{wheel:NAME.tags}`.
    #[must_use]
    pub fn tags(&self) -> String {
        format!("{}-{}", self.python, self.platform)
    }

    /// Returns the file name, with `values` for the placeholders of the version.
    ///
    /// # Errors
    /// The placeholder without a value.
    pub fn file_name(&self, values: &BTreeMap<String, String>) -> Result<String, String> {
        let version = self.version.render(values, &ToString::to_string)?;
        // `-` is not allowed in a part of the name; PEP 427 and 503 replace any run of these characters by `_`.
        let package = escaped(&self.package.to_ascii_lowercase(), &['-', '_', '.']);
        let version = escaped(&version, &['-']);
        Ok(format!("{package}-{version}-{}-{}-{}.whl", self.python, self.abi, self.platform))
    }
}

fn escaped(text: &str, runs_of: &[char]) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match runs_of.contains(&c) {
            false => out.push(c),
            true if out.ends_with('_') => {}
            true => out.push('_'),
        }
    }
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_the_file_follows() {
        let wheel = Wheel {
            package: "Ray.Core-x".to_owned(),
            version: BuildArg::parse("{semver}", "ray").unwrap(),
            python: "cp38".to_owned(),
            abi: Wheel::usual_abi("cp38"),
            platform: "manylinux2014_x86_64".to_owned(),
            sha256: format!("sha256:{}", "0".repeat(64)).parse().unwrap(),
            commit: None,
        };
        let values = BTreeMap::from([("semver".to_owned(), "1.11.0".to_owned())]);
        assert_eq!(wheel.file_name(&values).unwrap(), "ray_core_x-1.11.0-cp38-cp38-manylinux2014_x86_64.whl");
        assert_eq!(wheel.tags(), "cp38-manylinux2014_x86_64");
        assert_eq!(wheel.file_name(&BTreeMap::new()), Err("semver".to_owned()));
        assert_eq!(["cp37", "cp310", "py3"].map(Wheel::usual_abi), ["cp37m", "cp310", "none"]);
    }
}

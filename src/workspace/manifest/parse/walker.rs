//! Reads values from TOML tables and collects errors with their places.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::super::errors::{Fault, ManifestErrors, Mistake};
use crate::path::{RepoPath, nearest, printable};

/// A place in the text, in bytes.
pub(super) type Span = Range<usize>;

/// A table in words, for messages.
pub(super) struct Place {
    /// `upstream 'kubeflow'`
    name: String,
}

impl Place {
    pub(super) fn of_upstream(name: &str) -> Place {
        Place { name: format!("upstream '{}'", printable(name.as_bytes())) }
    }

    /// Makes the place `what` (`an image`) of the entry `upstream`.
    pub(super) fn of(what: &str, upstream: &str) -> Place {
        Place { name: format!("{what} of upstream '{}'", printable(upstream.as_bytes())) }
    }
}

/// The text of a manifest and its errors so far.
pub(super) struct Walker<'a> {
    source: &'a str,
    faults: Vec<(Span, Fault)>,
    warnings: Vec<(Span, Fault)>,
}

impl<'a> Walker<'a> {
    pub(super) fn new(source: &'a str) -> Walker<'a> {
        Walker { source, faults: Vec::new(), warnings: Vec::new() }
    }

    pub(super) fn source(&self) -> &'a str {
        self.source
    }

    /// Returns the line (from 1) of a place.
    pub(super) fn line(&self, at: usize) -> usize {
        self.source.bytes().take(at).filter(|b| *b == b'\n').count() + 1
    }

    pub(super) fn fault(&mut self, span: Span, fault: Fault) {
        self.faults.push((span, fault));
    }

    pub(super) fn warning(&mut self, span: Span, fault: Fault) {
        self.warnings.push((span, fault));
    }

    /// Records the error; there is no value then.
    pub(super) fn reject<T>(&mut self, span: Span, fault: Fault) -> Option<T> {
        self.fault(span, fault);
        None
    }

    /// Returns the value, or records its error.
    pub(super) fn keep<T, E>(&mut self, span: Span, result: Result<T, E>, fault: impl FnOnce(E) -> Fault) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => self.reject(span, fault(error)),
        }
    }

    /// Returns the warnings, or all errors; both in the order of the file.
    pub(super) fn finish(self, file: &str) -> Result<Vec<Mistake>, ManifestErrors> {
        let mut hidden: Vec<Span> =
            self.faults.iter().filter(|(_, fault)| fault.hides_text()).map(|(span, _)| span.clone()).collect();
        hidden.sort_by_key(|span| span.start);
        let in_order = |mut found: Vec<(Span, Fault)>| {
            found.sort_by_key(|(span, _)| span.start);
            found
                .into_iter()
                .map(|(span, fault)| Mistake::new(file, self.source, span, fault, &hidden))
                .collect::<Vec<_>>()
        };
        let faults = in_order(self.faults);
        if faults.is_empty() { Ok(in_order(self.warnings)) } else { Err(ManifestErrors(faults)) }
    }

    pub(super) fn wrong_type(&mut self, span: Span, key: &str, value: &DeValue<'_>, expected: &'static str) {
        let found = match value {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) | DeValue::Float(_) => "a number",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.fault(span, Fault::WrongType { key: key.to_owned(), found, expected });
    }

    /// Reports every key that is not in `known`, unless `spared` accepts its value.
    pub(super) fn unknown_keys(
        &mut self,
        table: &DeTable<'_>,
        place: &Place,
        known: &[&'static str],
        spared: impl Fn(&DeValue<'_>) -> bool,
    ) {
        for (key, value) in table.iter().filter(|(key, _)| !known.contains(&key.get_ref().as_ref())) {
            if spared(value.get_ref()) {
                continue;
            }
            let expected = match nearest(key.get_ref(), known.iter().copied()) {
                Some(near) => format!("did you mean '{near}'?"),
                None => format!("expected one of {}", known.join(", ")),
            };
            let place = format!("in {}", place.name);
            self.fault(key.span(), Fault::UnknownKey { key: printable(key.get_ref().as_bytes()), place, expected });
        }
    }

    /// Returns the string at `key`, if there is one.
    pub(super) fn string(&mut self, table: &DeTable<'_>, key: &str) -> Option<(String, Span)> {
        let value = table.get(key)?;
        self.text(key, value, "a string")
    }

    /// Returns the boolean at `key`; `None` without the key.
    pub(super) fn boolean(&mut self, table: &DeTable<'_>, key: &str) -> Option<bool> {
        let value = table.get(key)?;
        match value.get_ref() {
            DeValue::Boolean(yes) => Some(*yes),
            other => {
                self.wrong_type(value.span(), key, other, "true or false");
                None
            }
        }
    }

    /// Returns the strings of the table at `key`, in the order of the file: name, its place, value, its place.
    pub(super) fn strings(&mut self, table: &DeTable<'_>, key: &str) -> Vec<(String, Span, String, Span)> {
        let Some(value) = table.get(key) else { return Vec::new() };
        let DeValue::Table(inner) = value.get_ref() else {
            self.wrong_type(value.span(), key, value.get_ref(), "a table of strings: { NAME = \"value\" }");
            return Vec::new();
        };
        let mut found = Vec::new();
        for (name, value) in inner.iter() {
            let text = self.text(&format!("{key}.{}", printable(name.get_ref().as_bytes())), value, "a string");
            found.extend(text.map(|(text, span)| (name.get_ref().to_string(), name.span(), text, span)));
        }
        found.sort_by_key(|(_, span, _, _)| span.start);
        found
    }

    /// Returns the string at `key`, which is required; an error is shown at `at`.
    pub(super) fn required(
        &mut self,
        table: &DeTable<'_>,
        place: &Place,
        at: Span,
        key: &'static str,
        expected: &'static str,
    ) -> Option<(String, Span)> {
        if table.contains_key(key) {
            return self.string(table, key);
        }
        self.reject(at, Fault::Missing { place: place.name.clone(), key, expected })
    }

    /// Applies `read` to each string of the list at `key`; `None` without the key.
    pub(super) fn each<T>(
        &mut self,
        table: &DeTable<'_>,
        key: &str,
        read: impl Fn(&mut Self, &str, &str, Span) -> Option<T>,
    ) -> Option<Vec<T>> {
        let value = table.get(key)?;
        let DeValue::Array(list) = value.get_ref() else {
            self.wrong_type(value.span(), key, value.get_ref(), "a list of strings");
            return None;
        };
        let mut read_values = Vec::new();
        for item in list.iter() {
            if let Some((text, span)) = self.text(key, item, "a list of strings only") {
                read_values.extend(read(self, key, &text, span));
            }
        }
        Some(read_values)
    }

    /// Reports every repeated string of the list at `key` (a `/` at the end makes no difference).
    pub(super) fn no_doubles(&mut self, table: &DeTable<'_>, key: &str) {
        let Some(DeValue::Array(list)) = table.get(key).map(Spanned::get_ref) else { return };
        let mut seen = std::collections::BTreeSet::new();
        for item in list.iter() {
            let Some(text) = item.get_ref().as_str() else { continue };
            if !seen.insert(text.strip_suffix('/').unwrap_or(text)) {
                self.fault(item.span(), Fault::Twice { key: key.to_owned(), value: printable(text.as_bytes()) });
            }
        }
    }

    /// Returns a path inside the upstream's tree; one `/` at the end is allowed and removed.
    pub(super) fn repo_path(&mut self, key: &str, text: &str, span: Span) -> Option<RepoPath> {
        let path = RepoPath::new(text.strip_suffix('/').filter(|path| !path.is_empty()).unwrap_or(text));
        self.keep(span, path, |source| Fault::Path { key: key.to_owned(), source })
    }

    /// Returns a string that can be shown: a control character in it is always an error or an attack.
    fn text(&mut self, key: &str, value: &Spanned<DeValue<'_>>, expected: &'static str) -> Option<(String, Span)> {
        let Some(text) = value.get_ref().as_str() else {
            self.wrong_type(value.span(), key, value.get_ref(), expected);
            return None;
        };
        let shown = printable(text.as_bytes());
        if shown != text {
            let reason = "contains control characters".to_owned();
            return self.reject(value.span(), Fault::Value { key: key.to_owned(), value: shown, reason });
        }
        Some((text.to_owned(), value.span()))
    }
}

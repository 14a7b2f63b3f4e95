//! The text files in a `.dist-info` or `.egg-info`: headers, file lists, requirements, origins. One
//! function for each format; which file to open is decided elsewhere.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;

use super::distribution::Source;
use super::requirement::{Requirement, both, normalise};

/// The headers that count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Headers {
    pub name: Option<Arc<str>>,
    pub version: Option<Arc<str>>,
    pub requires: Vec<Requirement>,
}

/// `METADATA` or `PKG-INFO`: headers up to the first empty line; a line that begins with a blank
/// goes on with the one before.
pub(super) fn headers(text: &str) -> Headers {
    let mut headers = Headers::default();
    let mut lines = text.lines().take_while(|line| !line.is_empty()).peekable();
    while let Some(line) = lines.next() {
        let Some((key, value)) = line.split_once(':') else { continue };
        let mut value = Cow::Borrowed(value.trim());
        while let Some(more) = lines.next_if(|line| line.starts_with([' ', '\t'])) {
            if key.eq_ignore_ascii_case("requires-dist") {
                value = format!("{value} {}", more.trim()).into();
            }
        }
        match key.to_ascii_lowercase().as_str() {
            "name" if headers.name.is_none() => headers.name = Some(normalise(&value)),
            "version" if headers.version.is_none() => headers.version = Some(Arc::from(&*value)),
            "requires-dist" => headers.requires.extend(Requirement::parse(&value)),
            _ => {}
        }
    }
    headers
}

/// The paths of a `RECORD` with what stands after them: CSV, in which only paths with a comma or a
/// quote are quoted.
pub(super) fn record(text: &str) -> impl Iterator<Item = (Cow<'_, str>, &str)> {
    text.lines().filter_map(|line| {
        let line = line.trim_end();
        let Some(quoted) = line.strip_prefix('"') else {
            let (path, rest) = line.split_once(',').unwrap_or((line, ""));
            return (!path.is_empty()).then_some((plain(path), rest));
        };
        let mut from = 0;
        loop {
            let end = from + quoted[from..].find('"')?;
            if !quoted[end + 1..].starts_with('"') {
                let path = quoted[..end].replace("\"\"", "\"").replace('\\', "/");
                let rest = &quoted[end + 1..];
                return Some((path.into(), rest.strip_prefix(',').unwrap_or(rest)));
            }
            from = end + 2;
        }
    })
}

/// Windows writes backslashes into old files.
fn plain(path: &str) -> Cow<'_, str> {
    if path.contains('\\') { path.replace('\\', "/").into() } else { path.into() }
}

/// `requires.txt` of an egg: requirements, then those under `[extra]`, `[:marker]` or both.
pub(super) fn egg_requires(text: &str) -> Vec<Requirement> {
    let mut marker: Option<Arc<str>> = None;
    let mut requires = Vec::new();
    for line in
        text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        if let Some(section) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            let (extra, condition) = section.split_once(':').unwrap_or((section, ""));
            let extra = Some(extra.trim()).filter(|extra| !extra.is_empty());
            let extra = extra.map(|extra| format!("extra == '{}'", normalise(extra)));
            let condition = Some(condition.trim()).filter(|condition| !condition.is_empty());
            marker = both(condition, extra.as_deref());
        } else if let Some(requirement) = Requirement::parse(line) {
            requires.push(match &marker {
                Some(marker) => requirement.only_where(marker),
                None => requirement,
            });
        }
    }
    requires
}

/// `direct_url.json` (PEP 610).
pub(super) fn direct_url(text: &str) -> Option<Source> {
    let json: serde_json::Value = serde_json::from_str(text).ok()?;
    let url = json.get("url")?.as_str()?;
    let text = |table: &str, key: &str| Some(Arc::from(json.get(table)?.get(key)?.as_str()?));
    let editable = json.pointer("/dir_info/editable").and_then(serde_json::Value::as_bool);
    if let Some(path) = file_path(url) {
        return Some(match editable {
            Some(true) => Source::Editable { folder: path },
            _ => Source::Local { path, content: None },
        });
    }
    let url: Arc<str> = without_credentials(url).into();
    if let Some(commit) = text("vcs_info", "commit_id") {
        return Some(Source::Commit { url, commit });
    }
    let hash = json.pointer("/archive_info/hashes/sha256").and_then(serde_json::Value::as_str);
    let hash = hash.map(|hash| Arc::from(format!("sha256={hash}")));
    Some(Source::Archive { url, hash: hash.or_else(|| text("archive_info", "hash")) })
}

/// The path of a `file:` URL.
pub(super) fn file_path(url: &str) -> Option<PathBuf> {
    let path = url.strip_prefix("file://")?;
    let path = path.strip_prefix("localhost").unwrap_or(path);
    let path = path.split(['#', '?']).next().unwrap_or_default();
    Some(PathBuf::from(percent_decoded(path)))
}

/// The URL without `user:password@`.
pub(super) fn without_credentials(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_string() };
    let end = rest.find('/').unwrap_or(rest.len());
    match rest[..end].rfind('@') {
        Some(at) => format!("{scheme}://{}", &rest[at + 1..]),
        None => url.to_string(),
    }
}

fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let pair = bytes.get(at + 1..at + 3).and_then(|pair| std::str::from_utf8(pair).ok());
        match pair.filter(|_| bytes[at] == b'%').and_then(|pair| u8::from_str_radix(pair, 16).ok())
        {
            Some(byte) => {
                decoded.push(byte);
                at += 3;
            }
            None => {
                decoded.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_end_at_the_first_empty_line() {
        let found = headers(
            "Metadata-Version: 2.1\nName: Foo.Bar\nVersion: 1.0\nSummary: a\n  b\n\
             Requires-Dist: a>=1\nRequires-Dist: b ;\n  extra == 'x'\nLicense: MIT\n\nName: other\n",
        );
        assert_eq!(found.name.as_deref(), Some("foo-bar"));
        assert_eq!(found.version.as_deref(), Some("1.0"));
        let requires: Vec<_> =
            found.requires.iter().map(|one| (&*one.name, one.marker.as_deref())).collect();
        assert_eq!(requires, [("a", None), ("b", Some("extra == 'x'"))]);
        assert_eq!(headers("rubbish"), Headers::default());
    }

    #[test]
    fn a_record_may_quote_paths() {
        let text =
            "a/b.py,sha256=x,3\r\n\"c,d.py\",sha256=y,4\n\"e\"\"f.py\",,\n\na\\b.py,,\n\"open,,\n";
        let found: Vec<_> = record(text).map(|(path, rest)| format!("{path}|{rest}")).collect();
        assert_eq!(found, ["a/b.py|sha256=x,3", "c,d.py|sha256=y,4", "e\"f.py|,", "a/b.py|,"]);
    }

    #[test]
    fn egg_sections_become_markers() {
        let found =
            egg_requires("a>=1\n\n[:python_version < '3']\nb\n[X_y]\nc\n[z:os_name=='nt']\nd\n");
        let shown: Vec<_> = found
            .iter()
            .map(|one| format!("{} {}", one.name, one.marker.as_deref().unwrap_or("-")))
            .collect();
        assert_eq!(
            shown,
            [
                "a -",
                "b python_version < '3'",
                "c extra == 'x-y'",
                "d (os_name=='nt') and (extra == 'z')"
            ]
        );
    }

    #[test]
    fn origins_are_told_apart() {
        let check = |text: &str, expected: Option<Source>| assert_eq!(direct_url(text), expected);
        check(
            r#"{"url": "file:///a%20b", "dir_info": {"editable": true}}"#,
            Some(Source::Editable { folder: "/a b".into() }),
        );
        check(
            r#"{"url": "file:///a", "dir_info": {}}"#,
            Some(Source::Local { path: "/a".into(), content: None }),
        );
        check(
            r#"{"url": "https://u:p@h/x.git", "vcs_info": {"vcs": "git", "commit_id": "abc"}}"#,
            Some(Source::Commit { url: "https://h/x.git".into(), commit: "abc".into() }),
        );
        check(
            r#"{"url": "https://h/x.whl", "archive_info": {"hashes": {"sha256": "1f"}}}"#,
            Some(Source::Archive { url: "https://h/x.whl".into(), hash: Some("sha256=1f".into()) }),
        );
        check("{}", None);
        check("[", None);
    }
}

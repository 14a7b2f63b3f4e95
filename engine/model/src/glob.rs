//! The one matcher of paths: fingerprints, watch, since and artifacts all ask here.
//!
//! A pattern is anchored at the project. `*` and `?` stay within a folder, `**` crosses, `**.py`
//! and `dir/**.py` match at any depth, `**/` matches no folder too, the name of a folder means its
//! whole tree, `[…]` and `{a,b}` as usual, and a backslash escapes. `!pattern` excludes from all
//! patterns of its set. Matching itself is `fast_glob`'s; what is ours is the reading of `**` beside
//! other characters, folder names, and which folders need not be looked into.

use std::sync::Arc;

use crate::path::RelPath;

/// One pattern, ready to match.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Pattern {
    /// Any of them.
    alternatives: Vec<Alternative>,
    /// The folder or file that every match is or lies below.
    base: RelPath,
    /// How many segments a match has at the most; `None` for any number.
    depth: Option<usize>,
}

/// A pattern without braces, and with `**` alone between slashes. What most patterns are needs no matcher.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Alternative {
    /// `base/**`.
    Below,
    /// `base/**/*suffix`.
    Suffix(Box<[u8]>),
    /// For `fast_glob`.
    Other(Box<[u8]>),
}

/// A list of patterns with its exclusions.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct GlobSet(Arc<Inner>);

#[derive(Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
struct Inner {
    include: Vec<Pattern>,
    exclude: Vec<Pattern>,
    source: Vec<Box<str>>,
}

/// A pattern that cannot be one, with the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadGlob {
    /// The pattern as written.
    pub pattern: String,
    /// A lowercase fragment.
    pub reason: &'static str,
}

impl GlobSet {
    /// The pattern that means this path: a file, or the whole tree of a folder.
    pub fn literal(path: &RelPath) -> String {
        if path.is_root() {
            return "**".into();
        }
        let special = |c: &char| "*?[]{}!\\".contains(*c);
        path.to_string()
            .chars()
            .flat_map(|c| special(&c).then_some('\\').into_iter().chain([c]))
            .collect()
    }

    /// The set of these patterns; the order does not matter.
    pub fn new<S: AsRef<str>>(patterns: impl IntoIterator<Item = S>) -> Result<Self, BadGlob> {
        let mut inner = Inner::default();
        for pattern in patterns {
            let text = pattern.as_ref();
            let bad = |reason| BadGlob { pattern: text.to_string(), reason };
            match text.strip_prefix('!') {
                Some(excluded) => inner.exclude.push(Pattern::new(excluded).map_err(bad)?),
                None => inner.include.push(Pattern::new(text).map_err(bad)?),
            }
            inner.source.push(text.into());
        }
        inner.include.sort();
        inner.include.dedup();
        inner.exclude.sort();
        inner.exclude.dedup();
        inner.source.sort();
        inner.source.dedup();
        Ok(Self(Arc::new(inner)))
    }

    /// Whether no path can match.
    pub fn is_empty(&self) -> bool {
        self.0.include.is_empty()
    }

    /// The patterns as written, sorted.
    pub fn patterns(&self) -> impl Iterator<Item = &str> {
        self.0.source.iter().map(|source| &**source)
    }

    /// Whether the file at `path` is meant.
    pub fn matches(&self, path: &RelPath) -> bool {
        let path = path.as_bytes();
        self.0.include.iter().any(|pattern| pattern.matches(path))
            && !self.0.exclude.iter().any(|pattern| pattern.matches(path))
    }

    /// Whether the file of that name in `folder` is meant: the same, without a path of its own where none is needed.
    pub fn matches_in(&self, folder: &RelPath, name: &[u8]) -> bool {
        self.0.include.iter().any(|pattern| pattern.matches_in(folder, name))
            && !self.0.exclude.iter().any(|pattern| pattern.matches_in(folder, name))
    }

    /// Whether a file in the folder `dir`, or deeper, could be meant. Errs on the side of yes.
    pub fn may_match_below(&self, dir: &RelPath) -> bool {
        self.0.include.iter().any(|pattern| pattern.may_match_below(dir))
    }

    /// The folders or files that all matches are or lie below, none within another.
    pub fn bases(&self) -> Vec<RelPath> {
        let mut bases: Vec<RelPath> = Vec::new();
        for pattern in &self.0.include {
            if !bases.iter().any(|base| pattern.base.is_within(base)) {
                bases.retain(|base| !base.is_within(&pattern.base));
                bases.push(pattern.base.clone());
            }
        }
        bases.sort();
        bases
    }
}

impl Pattern {
    fn new(text: &str) -> Result<Self, &'static str> {
        let text = clean(text)?;
        fast_glob::validate(&text).map_err(|error| reason(&error))?;
        let mut alternatives: Vec<String> = Vec::new();
        for plain in expand_braces(&text)? {
            for pattern in expand_double_stars(&plain)? {
                let last = pattern.rsplit('/').next().unwrap_or_default();
                if !has_meta(last) {
                    alternatives.push(format!("{pattern}/**"));
                }
                alternatives.push(pattern);
            }
        }
        alternatives.sort();
        alternatives.dedup();
        let depth = alternatives
            .iter()
            .map(|pattern| (!pattern.contains("**")).then(|| pattern.split('/').count()))
            .try_fold(0, |deepest, depth| depth.map(|depth| deepest.max(depth)));
        let literal = literal_segments(&text).collect::<Vec<_>>();
        let alternatives = alternatives.iter().map(|pattern| Alternative::new(pattern, &literal));
        Ok(Self { base: literal_base(&text), alternatives: alternatives.collect(), depth })
    }

    fn matches(&self, path: &[u8]) -> bool {
        let base = self.base.as_bytes();
        let is_below = path.len() > base.len();
        within(path, base)
            && self.alternatives.iter().any(|alternative| match alternative {
                Alternative::Below => is_below,
                Alternative::Suffix(suffix) => is_below && name(path).ends_with(suffix),
                Alternative::Other(pattern) => fast_glob::glob_match(pattern, path),
            })
    }

    fn matches_in(&self, folder: &RelPath, name: &[u8]) -> bool {
        let is_below = folder.is_within(&self.base);
        let matches = |alternative: &Alternative| match alternative {
            Alternative::Below => Some(is_below),
            Alternative::Suffix(suffix) => Some(is_below && name.ends_with(suffix)),
            Alternative::Other(_) => None,
        };
        let mut all = self.alternatives.iter().map(matches);
        // Either all of them are quick, or they are asked once more with the rest.
        match all.clone().all(|quick| quick.is_some()) {
            true => all.any(|quick| quick == Some(true)),
            false => self.matches(folder.join(name).as_bytes()),
        }
    }

    fn may_match_below(&self, dir: &RelPath) -> bool {
        let deep_enough = self.depth.is_none_or(|depth| dir.segments().count() < depth);
        deep_enough && (dir.is_within(&self.base) || self.base.is_within(dir))
    }
}

impl Alternative {
    /// The segments with which it starts are `literal`.
    fn new(pattern: &str, literal: &[&str]) -> Self {
        let segments: Vec<&str> = pattern.split('/').collect();
        match segments.strip_prefix(literal) {
            Some(["**"]) => Self::Below,
            Some(["**", last]) if last.starts_with('*') && is_plain(&last[1..]) => {
                Self::Suffix(last.as_bytes()[1..].into())
            }
            _ => Self::Other(pattern.as_bytes().into()),
        }
    }
}

fn is_plain(text: &str) -> bool {
    !text.contains(['*', '?', '[', ']', '{', '}', '\\', '!'])
}

fn name(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or_default()
}

fn within(path: &[u8], base: &[u8]) -> bool {
    base.is_empty()
        || path.starts_with(base) && (path.len() == base.len() || path[base.len()] == b'/')
}

/// Without `./`, doubled and trailing slashes; `.` is the whole project.
fn clean(text: &str) -> Result<String, &'static str> {
    if text.is_empty() {
        return Err("the pattern is empty");
    }
    if text.starts_with('/') {
        return Err("the pattern is absolute; patterns start at the project folder");
    }
    let mut segments = Vec::new();
    for segment in text.split('/') {
        match segment {
            "" | "." => {}
            ".." => return Err("the pattern leaves the project by `..`"),
            other => segments.push(other),
        }
    }
    Ok(if segments.is_empty() { "**".to_string() } else { segments.join("/") })
}

fn reason(error: &fast_glob::Error) -> &'static str {
    use fast_glob::ErrorKind as Kind;
    match error.kind {
        Kind::UnclosedBrace => "the brace `{` is not closed; write `\\{` for a plain one",
        Kind::UnclosedBracket => "the bracket `[` is not closed; write `\\[` for a plain one",
        _ => "the pattern cannot be read",
    }
}

fn has_meta(segment: &str) -> bool {
    let mut bytes = segment.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => {
                bytes.next();
            }
            b'*' | b'?' | b'[' | b'{' => return true,
            _ => {}
        }
    }
    false
}

/// The leading segments without any wildcard, unescaped.
fn literal_base(text: &str) -> RelPath {
    let literal: Vec<String> = literal_segments(text).map(unescape).collect();
    RelPath::from_clean(literal.join("/").into_bytes())
}

fn literal_segments(text: &str) -> impl Iterator<Item = &str> {
    text.split('/').take_while(|segment| !has_meta(segment))
}

fn unescape(segment: &str) -> String {
    let mut out = String::with_capacity(segment.len());
    let mut chars = segment.chars();
    while let Some(c) = chars.next() {
        out.push(if c == '\\' { chars.next().unwrap_or('\\') } else { c });
    }
    out
}

/// How many plain patterns one pattern may stand for.
const MOST_ALTERNATIVES: usize = 256;

/// `a{b,c}d` as `abd` and `acd`, so that a `**` inside braces is read as one outside.
fn expand_braces(text: &str) -> Result<Vec<String>, &'static str> {
    let mut done = Vec::new();
    let mut open = vec![text.to_string()];
    while let Some(pattern) = open.pop() {
        match first_brace(&pattern) {
            None => done.push(pattern),
            Some((start, end, choices)) => open.extend(
                choices
                    .into_iter()
                    .map(|choice| format!("{}{choice}{}", &pattern[..start], &pattern[end..])),
            ),
        }
        if done.len() + open.len() > MOST_ALTERNATIVES {
            return Err("the braces stand for more than 256 patterns");
        }
    }
    Ok(done)
}

/// The first outermost brace group: its range and its choices.
fn first_brace(text: &str) -> Option<(usize, usize, Vec<&str>)> {
    let (mut depth, mut start, mut choice, mut bracket) = (0usize, 0, 0, false);
    let mut choices = Vec::new();
    let mut indices = text.bytes().enumerate();
    while let Some((at, byte)) = indices.next() {
        match byte {
            b'\\' => {
                indices.next();
            }
            b']' if bracket => bracket = false,
            _ if bracket => {}
            b'[' => bracket = true,
            b'{' => {
                if depth == 0 {
                    (start, choice) = (at, at + 1);
                }
                depth += 1;
            }
            b',' if depth == 1 => {
                choices.push(&text[choice..at]);
                choice = at + 1;
            }
            b'}' if depth > 0 => {
                depth -= 1;
                if depth == 0 {
                    choices.push(&text[choice..at]);
                    return Some((start, at + 1, choices));
                }
            }
            _ => {}
        }
    }
    None
}

/// `**` beside other characters, as patterns in which it stands alone: `a**b` as `a*b` and
/// `a*/**/*b`.
fn expand_double_stars(text: &str) -> Result<Vec<String>, &'static str> {
    let mut patterns: Vec<Vec<String>> = vec![Vec::new()];
    for segment in text.split('/') {
        let (head, tail) = match segment.find("**") {
            None => (None, segment),
            Some(at) => (Some(&segment[..at]), segment[at..].trim_start_matches('*')),
        };
        let readings: Vec<Vec<String>> = match (head, tail) {
            (None, plain) => vec![vec![plain.to_string()]],
            (Some(""), "") => vec![vec!["**".to_string()]],
            (Some(""), tail) => vec![vec!["**".to_string(), format!("*{tail}")]],
            (Some(head), tail) => vec![
                vec![format!("{head}*{tail}")],
                [format!("{head}*"), "**".to_string()]
                    .into_iter()
                    .chain((!tail.is_empty()).then(|| format!("*{tail}")))
                    .collect(),
            ],
        };
        patterns = patterns
            .iter()
            .flat_map(|pattern| {
                readings
                    .iter()
                    .map(move |reading| [pattern.as_slice(), reading.as_slice()].concat())
            })
            .collect();
        if patterns.len() > MOST_ALTERNATIVES {
            return Err("the pattern has too many `**`");
        }
    }
    Ok(patterns.into_iter().map(|segments| segments.join("/")).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Alternative, GlobSet, RelPath};

    #[track_caller]
    fn check(patterns: &[&str], yes: &[&str], no: &[&str]) {
        let set = GlobSet::new(patterns).unwrap();
        for path in yes {
            let path = RelPath::from(*path);
            assert!(set.matches(&path), "{patterns:?} should match {path}");
            let parent = path.parent().unwrap();
            assert!(set.matches_in(&parent, path.name()), "{patterns:?} should match {path}");
            assert!(set.may_match_below(&parent), "{patterns:?} should look into {parent}");
        }
        for path in no {
            assert!(!set.matches(&(*path).into()), "{patterns:?} should not match {path}");
        }
    }

    proptest! {
        /// What needs no matcher answers as the matcher would, and a name in a folder as the path of both.
        #[test]
        fn quick_answers_are_those_of_the_matcher(
            pattern in prop::collection::vec("a|b|\\*\\*|\\*|\\*\\.py|\\*\\*\\.py|a\\*|[{]a,b[}]|\\\\a", 1..5),
            path in prop::collection::vec("a|b|x\\.py|\\.py|ab", 1..5),
        ) {
            let (pattern, path) = (pattern.join("/"), RelPath::from(path.join("/").as_str()));
            let set = GlobSet::new([&pattern]).unwrap();
            let mut slow = set.0.include[0].clone();
            for alternative in &mut slow.alternatives {
                let base = GlobSet::literal(&slow.base).replace("**", "");
                let text = match alternative {
                    Alternative::Below => format!("{base}/**"),
                    Alternative::Suffix(suffix) => {
                        format!("{base}/**/*{}", String::from_utf8_lossy(suffix))
                    }
                    Alternative::Other(_) => continue,
                };
                *alternative = Alternative::Other(text.trim_start_matches('/').as_bytes().into());
            }
            prop_assert_eq!(set.matches(&path), slow.matches(path.as_bytes()), "{}", pattern);
            let folder = path.parent().unwrap();
            prop_assert_eq!(set.matches_in(&folder, path.name()), set.matches(&path));
        }
    }

    #[test]
    fn star_stays_within_a_folder() {
        check(&["*.txt"], &["a.txt", ".txt"], &["a/b.txt", "a.txt/b"]);
        check(&["src/*"], &["src/a"], &["src/a/b", "src"]);
        check(&["a?c"], &["abc"], &["a/c", "ac"]);
    }

    #[test]
    fn double_star_crosses() {
        check(&["**.py"], &["a.py", "x/y/a.py"], &["a.pyc"]);
        check(&["dir/**.py"], &["dir/a.py", "dir/x/y/a.py"], &["a.py", "dirx/a.py"]);
        check(&["**/a.py"], &["a.py", "x/a.py"], &["xa.py"]);
        check(&["a/**/b"], &["a/b", "a/x/y/b", "a/b/tree"], &["ab"]);
        check(&["**"], &["a", "a/b"], &[]);
        check(&["dir/**"], &["dir/a", "dir/a/b"], &["dirx"]);
        check(&["te**st.py"], &["test.py", "texst.py", "te/x/st.py", "tea/best.py"], &["st.py"]);
        check(&["lib**"], &["lib", "libx", "liby/z", "lib/z"], &["x/lib"]);
    }

    #[test]
    fn a_folder_means_its_tree() {
        check(&["dir"], &["dir", "dir/a", "dir/a/b"], &["dirx/a", "x/dir"]);
        check(&["dir/"], &["dir/a"], &["x"]);
        check(&["."], &["a", "a/b"], &[]);
        check(&["*/data"], &["a/data/x/y"], &["data/x"]);
    }

    #[test]
    fn exclusions_hold_for_the_whole_list() {
        check(&["!a/b.py", "a/**.py", "b"], &["a/c.py", "b/x"], &["a/b.py"]);
        check(&["**.py", "!tests"], &["a.py"], &["tests/a.py", "tests/x/a.py"]);
        check(&["!a"], &[], &["a", "b"]);
    }

    #[test]
    fn classes_braces_and_escapes() {
        check(&["[ab].py"], &["a.py"], &["c.py"]);
        check(&["{a,b/c}.py"], &["a.py", "b/c.py"], &["b.py"]);
        check(&["d/{**.py,*.txt}"], &["d/x/a.py", "d/a.txt"], &["d/x/a.txt"]);
        check(&[r"\*.py"], &["*.py"], &["a.py"]);
        check(&[r"a\[1\]/b"], &["a[1]/b"], &["a1/b"]);
        check(&[r"\!x"], &["!x"], &["x"]);
    }

    #[test]
    fn bases_do_not_nest() {
        let set = GlobSet::new(["a/**.py", "a/b/*.py", "c/d.txt"]).unwrap();
        let bases: Vec<String> = set.bases().iter().map(ToString::to_string).collect();
        assert_eq!(bases, ["a", "c/d.txt"]);
    }

    #[test]
    fn shallow_patterns_do_not_look_deep() {
        let set = GlobSet::new(["*.toml", "a/*/c.py"]).unwrap();
        assert!(set.may_match_below(&"a".into()));
        assert!(!set.may_match_below(&"b/c".into()));
    }

    #[test]
    fn what_cannot_be_a_pattern_says_why() {
        for bad in ["", "/a", "../a", "a/{b", "a/[b"] {
            assert!(GlobSet::new([bad]).is_err(), "{bad}");
        }
    }
}

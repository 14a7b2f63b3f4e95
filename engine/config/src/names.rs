//! Names: which ones a user may choose, and which known one was probably meant.

/// The known name nearest to `name`, if any is near enough to be meant.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let bare = bare(name);
    let allowed = (bare.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&bare, &self::bare(candidate)), candidate))
        .filter(|(distance, candidate)| {
            // A short name is not like any other short name.
            *distance <= allowed && *distance < bare.chars().count().max(candidate.chars().count())
        })
        .min()
        .map(|(_, candidate)| candidate)
}

/// What to say about an unknown name: the nearest known one, or all of them where they are few.
pub fn suggest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    const FEW: usize = 12;
    let mut known: Vec<&str> = known.into_iter().collect();
    known.sort_unstable();
    known.dedup();
    if let Some(nearest) = nearest(name, known.iter().copied()) {
        return Some(format!("did you mean `{nearest}`?"));
    }
    let listed = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match known.len() {
        0 => None,
        1 => Some(format!("the only one is {listed}")),
        2..=FEW => Some(format!("there are {listed}")),
        _ => None,
    }
}

/// Why `name` cannot be the name of a command, module, space, cache, plugin or tag; a fragment
/// that follows the name.
///
/// Names are joined to `command@module`, listed with commas between, printed one a line, and used
/// for files.
pub fn fault(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        return Some("is empty");
    }
    if name.starts_with('-') || name.starts_with(':') {
        return Some("starts with `-` or `:`, which the command line takes for itself");
    }
    if name.contains(['@', '#']) {
        return Some("holds `@` or `#`, which join a command and a module");
    }
    if name.contains(',') {
        return Some("holds a comma, at which lists of names are split");
    }
    if name.chars().any(char::is_control) {
        return Some("holds a control character");
    }
    if name.trim() != name {
        return Some("starts or ends with a space");
    }
    if name.split('/').any(|segment| matches!(segment, "" | "." | "..")) {
        return Some(
            "has an empty part, `.` or `..` between slashes, but files are named after it",
        );
    }
    None
}

/// Case and the kind of dash are no difference worth a report of its own.
fn bare(name: &str) -> String {
    name.to_lowercase().replace('_', "-")
}

#[cfg(test)]
mod tests {
    use super::{fault, nearest, suggest};

    #[test]
    fn slips_find_what_was_meant() {
        let known = ["lint", "format", "test", "cache-when"];
        for (typed, meant) in [
            ("lnit", Some("lint")),
            ("Lint", Some("lint")),
            ("fromat", Some("format")),
            ("cache_whn", Some("cache-when")),
            ("tests", Some("test")),
            ("deploy", None),
            ("x", None),
        ] {
            assert_eq!(nearest(typed, known), meant, "{typed}");
        }
    }

    #[test]
    fn few_names_are_listed_many_are_not() {
        assert_eq!(suggest("zzz", ["a", "b"]).unwrap(), "there are `a`, `b`");
        assert_eq!(suggest("zzz", ["default"]).unwrap(), "the only one is `default`");
        let many: Vec<String> = (0..20).map(|n| format!("name{n}")).collect();
        assert_eq!(suggest("zzz", many.iter().map(String::as_str)), None);
        assert_eq!(suggest("zzz", []), None);
    }

    #[test]
    fn names_that_would_break_full_names_are_refused() {
        for good in ["lint", "a/b", "pygraph.check", "ünïcode", "two words", "a-b_c", "a:b"] {
            assert_eq!(fault(good), None, "{good}");
        }
        for bad in ["", "-x", ":x", "a@b", "a#b", "a,b", "a\nb", " a", "../a", "a//b", "/a", "a/"] {
            assert!(fault(bad).is_some(), "{bad:?}");
        }
    }
}

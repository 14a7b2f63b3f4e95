//! Arguments of the bench programs: `--name value` and `--flag`.

use std::collections::BTreeMap;
use std::str::FromStr;

/// What stood on the command line.
#[derive(Clone, Debug)]
pub struct Arguments(BTreeMap<String, String>);

impl Arguments {
    /// Reads them; `flags` take no value, `options` take one, and nothing else is known.
    ///
    /// # Errors
    /// A fragment that names the argument.
    pub fn parse(
        arguments: impl IntoIterator<Item = String>,
        flags: &[&str],
        options: &[&str],
    ) -> Result<Self, String> {
        let mut found = BTreeMap::new();
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            let name = argument.strip_prefix("--").unwrap_or_default();
            let value = if flags.contains(&name) {
                String::new()
            } else if options.contains(&name) {
                arguments.next().ok_or_else(|| format!("`{argument}` needs a value"))?
            } else {
                let known = [flags, options].concat().join(", --");
                return Err(format!("unknown argument `{argument}`; known are --{known}"));
            };
            found.insert(name.to_string(), value);
        }
        Ok(Self(found))
    }

    /// Whether a flag was given.
    pub fn flag(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The value of an option, or its default.
    ///
    /// # Errors
    /// A fragment that names the option.
    pub fn option<T: FromStr>(&self, name: &str, default: T) -> Result<T, String> {
        self.0.get(name).map_or(Ok(default), |text| {
            text.parse().map_err(|_| format!("`--{name} {text}` cannot be read"))
        })
    }

    /// The value of an option that must be there.
    ///
    /// # Errors
    /// A fragment that names the option.
    pub fn required(&self, name: &str) -> Result<&str, String> {
        self.0.get(name).map(String::as_str).ok_or_else(|| format!("`--{name}` is missing"))
    }
}

#[cfg(test)]
mod tests {
    use super::Arguments;

    fn check(line: &str) -> Result<Arguments, String> {
        Arguments::parse(line.split_whitespace().map(str::to_string), &["tiny"], &["seed", "out"])
    }

    #[test]
    fn options_have_defaults_and_flags_none() {
        let arguments = check("--tiny --out x").unwrap();
        assert!(arguments.flag("tiny"));
        assert_eq!(arguments.option("seed", 7), Ok(7));
        assert_eq!(arguments.required("out"), Ok("x"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert!(check("--sed 1").unwrap_err().contains("`--sed`"));
        assert!(check("--seed").unwrap_err().contains("`--seed` needs a value"));
        assert!(check("--seed x").unwrap().option("seed", 1).unwrap_err().contains("--seed x"));
        assert!(check("").unwrap().required("out").unwrap_err().contains("`--out`"));
    }
}

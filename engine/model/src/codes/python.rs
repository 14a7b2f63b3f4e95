//! Pages on Python modules, distributions and environments.

use super::{Code, code};

pub(super) const CODES: &[Code] = &[
    code(
        "python/bad-import-map",
        "the map of imports can't be read",
        r#"`.qik/artifacts/pygraph/SPACE.json` says which distribution each import belongs to, for machines
that have a lock file but no environment. It is no JSON of that form, such as the half of a merge.
Delete it and run qik where the environment is installed: it is then written anew."#,
    ),
    code(
        "python/bad-lock",
        "a lock or requirements file can't be read",
        r#"Where no environment is installed, the versions of distributions are those of the project's lock
file. This one is not what its name promises, so it counts for nothing. Mend it, or lock anew."#,
    ),
    code(
        "python/environment-differs",
        "the environment is not what the project asks for",
        r#"A distribution is installed in another version than the lock file says, or the environment has
another Python than `.python-version`. What is installed is what counts, since commands run with it;
but a machine that has only the lock file comes to other fingerprints. Install what the lock says
(`uv sync`, `pip install -r …`), or lock anew."#,
    ),
    code(
        "python/import-map-not-written",
        "the map of imports could not be written",
        r#"`.qik/artifacts/pygraph/SPACE.json` lets a machine without the environment tell which distribution
an import belongs to. Results are right without it; but in a job that has only qik and the
repository they may be cold."#,
    ),
    code(
        "python/missing-distribution",
        "no distribution brings what is imported, or has the name",
        r#"A dep counts the versions of distributions: a `pydist` dep the one that it names, a `pygraph` dep
those that its module imports, directly or through others. A distribution that a dep names and that is
not there is an error: it has no version. An import that belongs to none counts as absent, so that to
install it makes the command run again; where it stands at the top level of a file, and not in a
function, `try` or `if`, there is a warning, since the file can't be imported without.

Install it or lock it; or say which distribution an import belongs to:

    [pydist.modules]
    yaml = "PyYAML"
    local_plugin = ""    # it does not count

Under `[pydist]`, `ignore-missing-modules = true` says nothing of such imports and `false` makes them
an error of the commands that reach them; `ignore-missing = true` lets distributions be absent that a
dep names."#,
    ),
    code(
        "python/syntax-error",
        "a file that is reached can't be read as Python",
        r#"What a file imports can't be told while it has a syntax error that may hide an import. Only commands
whose `pygraph` deps reach the file are held up. Mend the file; where it is meant to be broken (a
test of a linter, say), take the import of it out by the comment `# qik: ignore-import`, or under
`[plugins.pygraph.links.remove]`."#,
    ),
    code(
        "python/unknown-module",
        "no Python module has this name",
        r#"A `pygraph` dep names a module as an `import` would: `shop.orders`. Names start at the folders of
`python-path` under `[defaults]` (`.` if it is not set), so with `python-path = "src"` the file
`src/shop/orders.py` is `shop.orders`. A folder without any Python file is no module."#,
    ),
];

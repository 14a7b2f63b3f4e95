//! Pages on configuration and context.

use super::{Code, code};

pub(super) const CODES: &[Code] = &[
    code(
        "config/bad-glob",
        "a pattern of files cannot be read",
        r#"Globs in `deps`, `artifacts` and `ignore` start at the project folder and never leave it, so a
pattern may not be empty, begin with `/`, or climb by `..`. Brackets and braces must be closed.

`*` and `?` stay within a folder, `**` crosses folders, `**.py` matches at any depth, the name of a
folder means its whole tree, and `!pattern` excludes from all globs of its list. A backslash takes a
character as it is: `\[draft\].md`."#,
    ),
    code(
        "config/bad-include",
        "an included file cannot be used",
        r#"Each path under `include` starts at the project folder, wherever the including file lies, and must
name an existing file in a format that qik reads (`.toml`, `.kdl`). Formats may be mixed.

    include = ["ci/qik.toml", "tools/checks.kdl"]

A file counts once, however often it is included, so files may include each other. As long as one of
them is missing, names that it may define are not reported as unknown."#,
    ),
    code(
        "config/bad-name",
        "a name that cannot be used",
        "Names of commands, modules, spaces, caches, plugins, profiles and tags end up in full names such as
`lint@api`, in lists with commas between, on lines of `--ls`, and in the names of files. So a name
may not be empty, hold `@`, `#`, a comma or a control character, start with `-` or `:`, or have an
empty part, `.` or `..` between slashes.

Variables are read from the environment, so theirs are made of letters, digits, `-` and `_`; `qik`
and `project` are taken. The caches `local`, `repo` and `none` are built in: `local` and `repo` can be
configured with their own type only, `none` not at all.",
    ),
    code(
        "config/bad-path",
        "a path that is not inside the project",
        "Folders of modules, roots of spaces, the python path and included files are written relative to the
project folder, so that a checkout means the same wherever it lies. Absolute paths and paths with
`..` are refused; `.` is the project folder itself.",
    ),
    code(
        "config/bad-value",
        "a value out of its range",
        "The value is of the right kind, but cannot be meant: a negative number of retries, a timeout of
nothing, a profile that chooses a profile. Durations are written `500ms`, `30s`, `5m`, `1h30m`, or as
a whole number of seconds above zero. A command is retried at most 100 times.",
    ),
    code(
        "config/cache-without-deps",
        "a cache that is never used",
        r#"A command without `deps` is never cached: qik does not know what its result depends on, so it could
not tell when a stored one is stale. The `cache` that the command names has no effect.

List what the result depends on under `deps`, or drop the `cache`. `deps = ["."]` depends on every
file of the project. Base deps alone do not count; they join deps that a command has itself."#,
    ),
    code(
        "config/circular-fence",
        "fences hold each other",
        r#"`fence = [{ type = "space", name = "lib" }]` lets a space import the modules of another one, and
whatever that one may import. Where two spaces let each other in, directly or through others, there
is no fence between them. Remove one of the two, or put what they share into a space of its own."#,
    ),
    code(
        "config/circular-venv",
        "environments of spaces depend on each other",
        r#"A space can use the environment of another (`venv = { type = "space", name = "base" }`), or be
kept to the versions that another one locks (`constraint = { type = "space", name = "base" }`). Both
lead from one space to the next, and must end at one whose environment is its own. The report shows
the way round. Give one of these spaces requirements of its own."#,
    ),
    code(
        "config/nested-root",
        "the root of a space lies in that of another",
        r#"Below the root of a space qik selects what belongs to that space alone. So roots lie beside each
other: a folder is at home in one space. Where a folder inside is to be selected by itself, make it a
module (`-m`), or move it out."#,
    ),
    code(
        "config/no-venv",
        "a space without an environment is to lend it",
        r#"`{ type = "space", name = "base" }` takes over the environment of another space, or as a
`constraint` the versions that it locks. The space that is named has none, or none that is locked by
itself. Give it one (`[spaces.base] venv = "requirements.txt"`, with the plugin `qik.uv`), or name
another space."#,
    ),
    code(
        "config/cycle",
        "commands that wait for each other",
        "A command runs after the commands in its `deps`. Where these lead back to it, none of them can be the
first. The report prints the whole circle, and the place of each dep in it.

Remove one of the deps. Where two commands share a step, make that step a command of its own on which
both depend.",
    ),
    code(
        "config/datetime",
        "a date where no key takes one",
        "TOML reads `2026-11-22` and `07:32:00` without quotes as dates and times. No key of qik takes one; put
quotes around it if it is meant as a text.",
    ),
    code(
        "config/duplicate-folder",
        "two modules with the same folder",
        "A folder is one module of one space. Two modules over the same files would run every command twice,
and it would not be clear in which environment. Remove one of the two, or choose a folder below.",
    ),
    code(
        "config/duplicate-key",
        "a key that stands twice",
        "A key stands once in a table, and in TOML a table is opened once: two `[commands.lint]` are an error,
not a merge. `-` and `_` are the same in keys, so `cache-when` and `cache_when` are one key.",
    ),
    code(
        "config/duplicate-name",
        "a name that stands twice",
        "Commands, spaces, caches, plugins, variables and settings are merged from the root configuration,
from what it includes, and from modules' own files. None of them silently replaces another, so a name
stands in one place only. Names of modules are unique over all spaces. Variables whose names differ
in `-`, `_` and case alone would be set by the same environment variable, so they are one.",
    ),
    code(
        "config/kdl-node",
        "a node of KDL that fits nowhere",
        r#"In KDL each node is a key, and what stands behind its name is the value: one value, several for a
list, properties (`key="value"`) and a block for a table. Commands, spaces, caches, plugins and
profiles have their name first.

    command "lint" cache="repo" {
        exec "ruff check"
        dep "src"
    }

So a node needs a value, a value before properties needs a key that it stands for, and `#null` and
type annotations mean nothing. `docs/kdl.md` has the whole grammar."#,
    ),
    code(
        "config/kdl-version",
        "a file in the first version of KDL",
        r#"qik reads KDL 2, in which `true`, `false` and `null` are written `#true`, `#false` and `#null`, and
raw strings without an `r`. The file is valid KDL 1 and nothing else.

    qik config convert qik.kdl --to kdl > new.kdl

prints the same in KDL 2, with its comments."#,
    ),
    code(
        "config/missing-key",
        "a table without a key that it needs",
        r#"Some tables mean nothing without a certain key: a dep needs its `type` and what goes with it, a module
in long form its `name` and `path`, a variable its `name`, a cache its `type`.

    deps = ["src", { type = "command", name = "build" }]"#,
    ),
    code(
        "config/no-module",
        "a module asked for where there is none",
        r#"`{module.name}`, `{module.dir}` and `{module.pyimport}` have a value only in a command that runs once
per module, which is one whose `exec` mentions one of them, and in commands of a module's own
configuration. Elsewhere there is no module to take the value from.

    [commands.test]
    exec = "pytest {module.dir}"
    deps = ["{module.dir}/**.py"]

Base deps join the deps of all commands, so `{module…}` can stand there only if every command with
deps runs per module."#,
    ),
    code(
        "config/not-found",
        "no configuration",
        "qik looks for `qik.toml`, `qik.kdl`, or a `pyproject.toml` with a `[tool.qik]` table, from the working
directory up to the root of the git repository, and takes the outermost. Without a repository the
nearest one counts. `--config FILE` names one directly.",
    ),
    code(
        "config/not-utf8",
        "a file that is not UTF-8",
        "Configuration files are UTF-8. The report points at the first byte that is not; editors mostly offer
to save a file with another encoding.",
    ),
    code(
        "config/not-written",
        "a format that qik reads and does not write",
        "`qik config convert` and `qik config show` write TOML and KDL. A format that a front-end only reads
can be converted to those, not the other way.",
    ),
    code(
        "config/nothing-to-run",
        "a command without effect",
        r#"A command runs its `exec`. Without one it is a group: a name for the commands in its `deps`. With
neither there is nothing that it could do.

    [commands.all]
    deps = [{ type = "command", name = "lint" }, { type = "command", name = "test" }]"#,
    ),
    code(
        "config/syntax",
        "a file that cannot be parsed",
        r#"The file is not valid TOML or KDL. The usual slips in TOML: a text without quotes
(`lint = ruff check`), a quote or bracket that is not closed, a table in one line that goes over
several (`{ … }` may span lines only in recent TOML), a backslash in `"…"` (`'…'` takes it as it
is), `[commands.lint]` written as `[commands].lint`. In KDL: a block or quote that is not closed,
`true` for `#true`, a text with spaces and no quotes, a text over several lines without `"""`.

While a file cannot be parsed, nothing else is said of it, and names that it may define are not
reported as unknown."#,
    ),
    code(
        "config/two-configs",
        "two configurations side by side",
        "Two files in one folder both configure the project, or the module, and qik does not choose between
them. Keep one. `include` lets one take up what another holds.",
    ),
    code(
        "config/unknown-cache",
        "a cache that does not exist",
        "A command, the defaults or a profile names a cache that is neither built in (`local`, `repo`, `none`)
nor configured under `[caches.NAME]`. Names of caches in which variables stand are checked when the
variables have their values.",
    ),
    code(
        "config/unknown-command",
        "a command that does not exist",
        "A dep or a profile names a command that no file of the configuration holds. Commands of a module's own
configuration are called `MODULE/COMMAND` (`MODULE.COMMAND` is understood); in that same file
`COMMAND` is enough where no command of the project has that name.",
    ),
    code(
        "config/unknown-key",
        "a key that qik does not know",
        "qik knows every key that may stand at a place, and refuses others: a misspelt `artifcats` would
otherwise mean a command without artifacts, and nobody would notice. Keys are written in kebab-case;
snake_case is understood. A module's own configuration holds `commands` alone.",
    ),
    code(
        "config/unknown-module",
        "a module that does not exist",
        "A profile selects a module that no space lists under `modules`. A module that is listed as a path has
that path for its name.",
    ),
    code(
        "config/unknown-reference",
        "a reference that stands for nothing",
        "In templates `{ctx.NAME}`, `{ctx.qik.NAME}`, `{ctx.project.NAME}`, `{module.name}`, `{module.dir}`,
`{module.path}` and `{module.pyimport}` are filled in, and whatever else starts with `{ctx.` or
`{module.` is an error rather than a text that reaches the shell. Write `{{ctx.x}}` for one that is
meant as such. Every other brace stands as written, as in `${HOME}` or `awk '{print $1}'`.",
    ),
    code(
        "config/unknown-space",
        "a space that does not exist",
        "A command or profile names a space that is not configured under `[spaces.NAME]`. The space `default`
always exists.",
    ),
    code(
        "config/not-together",
        "a key that means nothing beside another",
        r#"A command with `persistent = true` does not end by itself, so it has no result that could be kept,
tried again or be in time: `artifacts`, `cache`, `cache-when`, `timeout`, `retries`, `interactive` and
`on-input-change` mean nothing beside it:

    [commands.serve]
    exec = "python -m http.server 8000"
    persistent = true
    ready = { port = 8000, timeout = "30s" }

`ready` in turn means nothing without `persistent`."#,
    ),
    code(
        "config/unknown-tag",
        "a tag that no command has",
        "A profile selects commands by a tag that stands in no command's `tags`, so it would select nothing.",
    ),
    code(
        "config/unknown-value",
        "a text that is none of those allowed",
        "Some keys take one of a few texts: `cache-when` is `success`, `failed`, `finished` or `always`;
`on-input-change` is `rerun`, `accept` or `skip`; `type` and `pyimport` name a kind of dep, cache or
plugin. The report names the nearest one, or all of them.",
    ),
    code(
        "config/unknown-variable",
        "a variable that does not exist",
        r#"A template or a profile names a variable that the project does not list. Variables are listed under
`ctx`, or under `vars` where `ctx` holds profiles:

    vars = ["region", { name = "level", type = "int", default = 3 }]

    [ctx.ci.project]
    region = "eu"

qik's own variables are called `ctx.qik.NAME`."#,
    ),
    code(
        "config/wrong-type",
        "a value of the wrong kind",
        "The key takes another kind of value: quotes make a string, brackets a list, braces a table, and
numbers, `true` and `false` stand without quotes. Values of a variable, its default and those in
profiles, are of the variable's `type`.",
    ),
    code(
        "context/bad-value",
        "a value that its variable cannot take",
        "The environment or the command line gives a variable a text that is no value of its type. Integers are
digits with an optional sign; booleans are yes, true, 1, no, false and 0 in any case; lists are split
at commas. Some of qik's own variables take one of a few texts.

An empty `QIK__…` variable counts as not set.",
    ),
    code(
        "context/missing-value",
        "a required variable without a value",
        "A text that is needed now mentions a variable that has neither a default nor a value from a profile,
the environment or the command line. Only what is selected is filled in, so other commands are not
affected.

The variable `my-region` is read from `PROJECT__MY_REGION`, then from `MY_REGION`. With
`required = false` it reads `None` where nothing sets it.",
    ),
    code(
        "context/unknown-env",
        "an environment variable that looks like one of qik's",
        "A variable whose name starts with `QIK__` is none that qik reads, so it has no effect; most often the
name is misspelt. qik's variables are called `QIK__` and the name in capitals, with `_` for `-`.",
    ),
    code(
        "context/unknown-profile",
        "a profile that does not exist",
        "`-p NAME` or `QIK__PROFILE` chooses a profile that the configuration does not have. Profiles are the
tables under `ctx`: `[ctx.nightly.qik]`, `[ctx.nightly.project]`. `default` and `ci` always exist.",
    ),
    code(
        "context/unknown-variable",
        "a variable that the project does not have",
        "`--ctx NAME=VALUE` sets a variable of the project. Its variables are listed under `vars` (or `ctx`),
and this one is not among them, so the value would have no effect.",
    ),
    code(
        "config/without-effect",
        "a setting has no effect",
        r#"The import graph needs no commands of its own here: it is read when a fingerprint asks for it. So
`build-cache` and `lock-cache` of the pygraph plugin are taken, for configurations that have them,
and change nothing. Remove them."#,
    ),
];

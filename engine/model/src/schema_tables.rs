//! The tables of keys themselves, from the top of a configuration downwards. Only data.

use crate::project::{CacheWhen, OnInputChange};
use crate::schema::{Key, Shape, TableShape, Tagged, Variant};
use crate::space::Inherit;
use crate::watch::OnChange;

const fn key(name: &'static str, shape: Shape, doc: &'static str) -> Key {
    Key { name, shape, doc, required: false, one: None }
}

/// A key whose elements have a word of their own.
const fn several(name: &'static str, one: &'static str, shape: Shape, doc: &'static str) -> Key {
    Key { one: Some(one), ..key(name, shape, doc) }
}

const fn required(name: &'static str, shape: Shape, doc: &'static str) -> Key {
    Key { required: true, ..key(name, shape, doc) }
}

const fn variant(
    name: &'static str,
    doc: &'static str,
    what: &'static str,
    keys: &'static [Key],
) -> Variant {
    Variant { name, doc, table: TableShape { what, keys, open: false, lead: None } }
}

const STRINGS: Shape = Shape::List(&Shape::Str);
const TEMPLATES: Shape = Shape::List(&Shape::Template);
const STRING_OR_STRINGS: Shape = Shape::Either(&[Shape::Str, STRINGS]);
const DEPS: Shape = Shape::List(&DEP);
const CACHE_WHEN: Shape = Shape::Enum(&CacheWhen::NAMES);
const CI_FORMAT: Shape = Shape::Enum(&["auto", "none", "github", "gitlab"]);

/// The project's configuration.
pub static ROOT: TableShape = TableShape {
    what: "a configuration",
    open: false,
    lead: None,
    keys: &[
        several("commands", "command", COMMANDS, "What qik can run, by name"),
        several("spaces", "space", Shape::Map { of: "space", shape: &SPACE }, "Named environments"),
        several("caches", "cache", Shape::Map { of: "cache", shape: &CACHE }, "Where results live"),
        several(
            "plugins",
            "plugin",
            Shape::Map { of: "plugin", shape: &PLUGIN },
            "Plugins, by the prefix of their commands",
        ),
        several(
            "ctx",
            "profile",
            CTX,
            "The project's variables, or profiles of values for variables",
        ),
        several("vars", "ctx", VARIABLES, "The project's variables, where `ctx` holds profiles"),
        key("base", Shape::Table(&BASE), "What all commands depend on"),
        key(
            "defaults",
            Shape::Table(&DEFAULTS),
            "What holds where a command or space says nothing",
        ),
        key("pydist", Shape::Table(&PYDIST), "How Python distributions are found"),
        key(
            "include",
            Shape::List(&Shape::Path),
            "Further configuration files, relative to the project",
        ),
        key("watch", Shape::Table(&WATCH), "How `--watch` behaves"),
    ],
};

/// A module's own configuration.
pub static MODULE_ROOT: TableShape = TableShape {
    what: "a module's own configuration",
    open: false,
    lead: None,
    keys: &[several(
        "commands",
        "command",
        COMMANDS,
        "Commands of the module, named `MODULE/COMMAND`",
    )],
};

const COMMANDS: Shape =
    Shape::Map { of: "command", shape: &Shape::Either(&[Shape::Template, Shape::Table(&COMMAND)]) };

/// A command.
pub static COMMAND: TableShape = TableShape {
    what: "a command",
    open: false,
    lead: None,
    keys: &[
        key("exec", Shape::Template, "What the shell runs; with `{module…}` once per module"),
        several("deps", "dep", DEPS, "What its result depends on"),
        several(
            "artifacts",
            "artifact",
            Shape::List(&Shape::Pattern),
            "Globs of the files that it makes",
        ),
        key("cache", Shape::Template, "The cache that keeps its results"),
        key("cache-when", CACHE_WHEN, "Which results are kept"),
        key("space", Shape::Str, "The space it runs in"),
        several("tags", "tag", STRINGS, "Words to select it by"),
        key("hidden", Shape::Bool, "Leave it out of a plain `qik`"),
        key("description", Shape::Str, "A line for people"),
        key("env", ENV, "Variables that enter the fingerprint and the process"),
        key("timeout", Shape::Duration, "After which it is stopped and has failed"),
        key("retries", Shape::Int, "How often it is tried again after a failure"),
        key("interactive", Shape::Bool, "Run it alone with the terminal, and never cache it"),
        key("persistent", Shape::Bool, "It does not end by itself: others run beside it"),
        key("ready", Shape::Table(&READY), "When what depends on it may begin"),
        key("on-change", ON_CHANGE, "What a change does to it while it runs, with `--watch`"),
        key(
            "on-input-change",
            Shape::Enum(&OnInputChange::NAMES),
            "What happens where its inputs changed while it ran",
        ),
        key("platform", Shape::Enum(&["same", "any"]), "For which machines its results hold"),
    ],
};

const ENV: Shape =
    Shape::Either(&[STRINGS, Shape::Map { of: "environment variable", shape: &Shape::Template }]);

/// A dep.
pub static DEP: Shape = Shape::Either(&[
    Shape::Pattern,
    Shape::Tagged(&Tagged { what: "a dep", tag: "type", variants: DEP_VARIANTS }),
]);

const DEP_VARIANTS: &[Variant] = &[
    variant(
        "glob",
        "Files by pattern",
        "a glob dep",
        &[required("pattern", Shape::Pattern, "The pattern")],
    ),
    variant(
        "const",
        "A value that stands for anything",
        "a const dep",
        &[required("val", Shape::Template, "The value")],
    ),
    variant(
        "command",
        "Another command: order, and its artifacts",
        "a command dep",
        &[
            required("name", Shape::Str, "The command"),
            key("strict", Shape::Bool, "Its runs and its selection carry over"),
            key("isolated", Shape::Bool, "Whether it is left out of what this command selects"),
        ],
    ),
    variant(
        "pydist",
        "An installed distribution",
        "a pydist dep",
        &[
            required("name", Shape::Template, "Its name on the package index"),
            key("transitive", Shape::Bool, "Whether its own dependencies count too"),
        ],
    ),
    variant(
        "pygraph",
        "All that a Python module imports",
        "a pygraph dep",
        &[
            required("pyimport", Shape::Template, "What an `import` calls the module"),
            key(
                "include",
                Shape::List(&Shape::Pattern),
                "Data files that count with the package that they lie in",
            ),
        ],
    ),
    variant(
        "load",
        "Deps listed in a JSON file",
        "a load dep",
        &[
            required("path", Shape::Template, "The JSON file"),
            key(
                "default",
                Shape::List(&Shape::Pattern),
                "Globs to use while the file does not exist",
            ),
        ],
    ),
    variant(
        "val",
        "One value out of a TOML or JSON file",
        "a val dep",
        &[
            required("file", Shape::Template, "The file"),
            required("key", Shape::Template, "The dotted key in it"),
        ],
    ),
    variant(
        "env",
        "A variable of the environment",
        "an env dep",
        &[required("name", Shape::Template, "The variable")],
    ),
    variant(
        "exec",
        "The output of a cheap command",
        "an exec dep",
        &[required("run", Shape::Template, "The shell line")],
    ),
];

const SPACE: Shape = Shape::Either(&[
    Shape::Str,
    STRINGS,
    Shape::Table(&TableShape {
        what: "a space",
        open: false,
        lead: None,
        keys: &[
            key("root", Shape::Path, "The folder below which the space is selected"),
            several(
                "modules",
                "module",
                Shape::List(&MODULE),
                "Folders over which commands are parametrized",
            ),
            key("fence", FENCE, "The folders whose code its code may import"),
            key("venv", VENV, "Its Python environment"),
            key("dotenv", TEMPLATE_OR_TEMPLATES, "Files of environment variables"),
            key("env", ENV, "Variables that enter the fingerprint and the process of its commands"),
            key("environment", Shape::Enum(&Inherit::NAMES), ENVIRONMENT),
            key("pass-env", STRINGS, PASS_ENV),
        ],
    }),
]);

const MODULE: Shape = Shape::Either(&[
    Shape::Path,
    Shape::Table(&TableShape {
        what: "a module",
        open: false,
        lead: Some("name"),
        keys: &[
            required("name", Shape::Str, "Its name, unique in the project"),
            required("path", Shape::Path, "Its folder"),
        ],
    }),
]);

const FENCE: Shape = Shape::Either(&[
    Shape::Bool,
    Shape::List(&Shape::Either(&[
        Shape::Pattern,
        Shape::Tagged(&Tagged {
            what: "a part of a fence",
            tag: "type",
            variants: &[variant(
                "space",
                "The fence of another space",
                "a part of a fence",
                &[required("name", Shape::Str, "The space")],
            )],
        }),
    ])),
]);

const ENVIRONMENT: &str =
    "What of qik's own environment reaches commands: `all`, or with `strict` what is named alone";
const PASS_ENV: &str = "Variables that reach commands and count as inputs of theirs";

const REQS: Key = key("reqs", TEMPLATE_OR_TEMPLATES, "Requirements files");
const PYTHON: Key = key("python", Shape::Template, "The Python version");
const INDEX_URL: Key = key("index-url", Shape::Template, "The package index");
const EXTRA_INDEX_URL: Key =
    key("extra-index-url", TEMPLATE_OR_TEMPLATES, "Further package indexes");
const CONSTRAINT_DOC: &str = "Files that keep versions in bounds, or a space whose lock does";
const PREFIX_FOLDER: Key =
    required("prefix", Shape::Template, "Its folder, absolute or relative to the project");
const MADE_FROM: Key = key("lock", TEMPLATE_OR_TEMPLATES, "The files that it was made from");

const CONSTRAINT: Shape = Shape::Either(&[
    Shape::Template,
    Shape::List(&Shape::Either(&[Shape::Template, CONSTRAINT_SPACE])),
    CONSTRAINT_SPACE,
]);

const CONSTRAINT_SPACE: Shape = Shape::Tagged(&Tagged {
    what: "a constraint",
    tag: "type",
    variants: &[variant(
        "space",
        "The lock of another space",
        "a constraint",
        &[required("name", Shape::Str, "The space")],
    )],
});

const VENV: Shape = Shape::Either(&[
    Shape::Template,
    TEMPLATES,
    Shape::Tagged(&Tagged {
        what: "a venv",
        tag: "type",
        variants: &[
            variant(
                "active",
                "The environment that is active",
                "a venv",
                &[REQS, key("lock", Shape::Template, "The lock file, instead of these")],
            ),
            variant(
                "uv",
                "One that qik makes with uv",
                "a venv",
                &[
                    required("reqs", TEMPLATE_OR_TEMPLATES, "Requirements files"),
                    key("lock", Shape::Template, "The lock file, which qik writes"),
                    PYTHON,
                    key("constraint", CONSTRAINT, CONSTRAINT_DOC),
                    INDEX_URL,
                    EXTRA_INDEX_URL,
                ],
            ),
            variant(
                "uv-project",
                "One that qik makes with uv from a project with a `uv.lock`",
                "a venv",
                &[
                    key("path", Shape::Template, "The folder of the project; `.` if not given"),
                    key(
                        "groups",
                        TEMPLATE_OR_TEMPLATES,
                        "Dependency groups, instead of those that are its default",
                    ),
                    key("extras", TEMPLATE_OR_TEMPLATES, "Extras of the project"),
                    key("package", Shape::Template, "The member of a workspace"),
                    PYTHON,
                ],
            ),
            variant(
                "conda",
                "One of conda or mamba, by its folder",
                "a venv",
                &[PREFIX_FOLDER, MADE_FROM],
            ),
            variant("pixi", "One of pixi, by its folder", "a venv", &[PREFIX_FOLDER, MADE_FROM]),
            variant(
                "space",
                "That of another space",
                "a venv",
                &[required("name", Shape::Str, "The space")],
            ),
        ],
    }),
]);

const TEMPLATE_OR_TEMPLATES: Shape = Shape::Either(&[Shape::Template, TEMPLATES]);

const MODE: Key = key(
    "mode",
    Shape::Enum(&["read", "write", "readwrite", "read-write"]),
    "`read` never writes, `write` never asks",
);
const STRICT: Key = key("strict", Shape::Bool, "Trouble with the cache is an error");
const PREFIX: Key = key("prefix", Shape::Template, "What the names of objects start with");
const SCOPE: Key = key(
    "scope",
    Shape::Template,
    "The part that is written to, such as `pr/12`; it and the base are read",
);
const TIMEOUT: Key = key("timeout", Shape::Duration, "How long one request may take");
const SIGN_KEY: Key = key(
    "sign-key",
    Shape::Template,
    "The environment variable with the secret key that entries are signed with",
);
const TRUSTED_KEYS: Key =
    key("trusted-keys", TEMPLATE_OR_TEMPLATES, "Public keys; entries signed by no other are used");
const ENDPOINT: Key = key("endpoint", Shape::Template, "The address of the server");
const USERNAME: Key = key("username", Shape::Template, "Credentials");
const PASSWORD: Key = key("password", Shape::Template, "Credentials");
const TOKEN: Key = key("token", Shape::Template, "Credentials");

const CACHE: Shape = Shape::Tagged(&Tagged {
    what: "a cache",
    tag: "type",
    variants: &[
        variant(
            "local",
            "A folder of this checkout",
            "a local cache",
            &[
                key(
                    "max-size",
                    Shape::Size,
                    "How large it may become, such as `10GiB`; what was not used longest goes first",
                ),
                key(
                    "max-age",
                    Shape::Duration,
                    "How long an entry is kept that nothing uses: `30d`",
                ),
            ],
        ),
        variant(
            "repo",
            "Files that are committed",
            "a repo cache",
            &[key("git-add", Shape::Bool, "Whether qik stages new entries")],
        ),
        remote(
            "s3",
            "An S3 bucket",
            "an s3 cache",
            &[
                required("bucket", Shape::Template, "The bucket"),
                key("region-name", Shape::Template, "The region"),
                key("endpoint-url", Shape::Template, "A server that is not Amazon's"),
                key("aws-access-key-id", Shape::Template, "Credentials"),
                key("aws-secret-access-key", Shape::Template, "Credentials"),
                key("aws-session-token", Shape::Template, "Credentials"),
                key("profile", Shape::Template, "The profile of the AWS configuration"),
                key("role-arn", Shape::Template, "The role to take on"),
                key("server-side-encryption", Shape::Template, "`AES256` or `aws:kms`"),
                PREFIX,
                MODE,
                STRICT,
                SCOPE,
                TIMEOUT,
                SIGN_KEY,
                TRUSTED_KEYS,
            ],
        ),
        remote(
            "gcs",
            "A Google Cloud Storage bucket",
            "a gcs cache",
            &[
                required("bucket", Shape::Template, "The bucket"),
                ENDPOINT,
                key("credential", Shape::Template, "A service account's key, in base64"),
                key("credential-path", Shape::Template, "The file of a service account's key"),
                key("service-account", Shape::Template, "The service account"),
                TOKEN,
                PREFIX,
                MODE,
                STRICT,
                SCOPE,
                TIMEOUT,
                SIGN_KEY,
                TRUSTED_KEYS,
            ],
        ),
        remote(
            "azblob",
            "An Azure container",
            "an azblob cache",
            &[
                required("container", Shape::Template, "The container"),
                ENDPOINT,
                key("account-name", Shape::Template, "The storage account"),
                key("account-key", Shape::Template, "Credentials"),
                key("sas-token", Shape::Template, "Credentials"),
                PREFIX,
                MODE,
                STRICT,
                SCOPE,
                TIMEOUT,
                SIGN_KEY,
                TRUSTED_KEYS,
            ],
        ),
        remote(
            "fs",
            "A shared folder",
            "an fs cache",
            &[
                required("path", Shape::Template, "The folder; relative ones to the project"),
                PREFIX,
                MODE,
                STRICT,
                SCOPE,
                TIMEOUT,
                SIGN_KEY,
                TRUSTED_KEYS,
            ],
        ),
        remote(
            "webdav",
            "A WebDAV server",
            "a webdav cache",
            &[
                required("endpoint", Shape::Template, "The address of the server"),
                USERNAME,
                PASSWORD,
                TOKEN,
                PREFIX,
                MODE,
                STRICT,
                SCOPE,
                TIMEOUT,
                SIGN_KEY,
                TRUSTED_KEYS,
            ],
        ),
        remote(
            "redis",
            "A Redis server",
            "a redis cache",
            &[
                required("endpoint", Shape::Template, "Its address: `redis://host:6379`"),
                USERNAME,
                PASSWORD,
                key("db", Shape::Int, "The number of the database"),
                PREFIX,
                MODE,
                STRICT,
                SCOPE,
                TIMEOUT,
                SIGN_KEY,
                TRUSTED_KEYS,
            ],
        ),
        remote(
            "ghac",
            "The cache of GitHub Actions",
            "a ghac cache",
            &[
                key("version", Shape::Template, "What sets caches of one repository apart"),
                ENDPOINT,
                key("runtime-token", Shape::Template, "Credentials"),
                PREFIX,
                MODE,
                STRICT,
                SCOPE,
                TIMEOUT,
                SIGN_KEY,
                TRUSTED_KEYS,
            ],
        ),
        remote(
            "memory",
            "Nothing that lasts, for tests",
            "a memory cache",
            &[PREFIX, MODE, STRICT, SCOPE, TIMEOUT, SIGN_KEY, TRUSTED_KEYS],
        ),
    ],
});

const fn remote(
    name: &'static str,
    doc: &'static str,
    what: &'static str,
    keys: &'static [Key],
) -> Variant {
    variant(name, doc, what, keys)
}

const PLUGIN: Shape = Shape::Either(&[
    Shape::Enum(&["qik.pygraph", "qik.s3", "qik.uv"]),
    Shape::Tagged(&Tagged {
        what: "a plugin",
        tag: "pyimport",
        variants: &[
            variant("qik.pygraph", "The import graph", "the pygraph plugin", PYGRAPH_KEYS),
            variant("qik.s3", "Caches of type `s3`", "the s3 plugin", &[]),
            variant(
                "qik.uv",
                "Environments made by uv",
                "the uv plugin",
                &[
                    key("cache", Shape::Template, "The cache of locks; `repo` if not given"),
                    PYTHON,
                    INDEX_URL,
                    EXTRA_INDEX_URL,
                    key("constraint", CONSTRAINT, CONSTRAINT_DOC),
                ],
            ),
        ],
    }),
]);

const PYGRAPH_KEYS: &[Key] = &[
    key("ignore-type-checking", Shape::Bool, "Imports for type checkers do not count"),
    key("ignore-pydists", Shape::Bool, "Distributions do not count"),
    key("conftest", Shape::Bool, "Tests need each `conftest.py` above them"),
    key("stubs", Shape::Bool, "`.pyi` files and `py.typed` count"),
    key("dynamic-imports", Shape::Bool, "`import_module(\"a.b\")` imports"),
    key(
        "whole-packages",
        Shape::Bool,
        "A package that loads submodules by computed names needs all of them",
    ),
    key("pytest-plugins", Shape::Bool, "Literal `pytest_plugins` import"),
    key(
        "dotted-strings",
        Shape::Bool,
        "Dotted strings in settings such as `INSTALLED_APPS` import",
    ),
    key(
        "include",
        Shape::List(&Shape::Pattern),
        "Data files that count with the package that they lie in",
    ),
    key("links", Shape::Table(&LINKS), "Imports that no statement says, or that do not count"),
    key("cache", Shape::Template, "The cache of its commands"),
    key("build-cache", Shape::Template, "Of no effect; taken for compatibility"),
    key("lock-cache", Shape::Template, "Of no effect; taken for compatibility"),
    key("check-cache", Shape::Template, "The cache of `pygraph.check`"),
];

static LINKS: TableShape = TableShape {
    what: "`links`",
    open: false,
    lead: None,
    keys: &[
        key("add", LINK_MAP, "By what imports, a list of what it imports"),
        key("remove", LINK_MAP, "By what imports, a list of what does not count"),
    ],
};

const LINK_MAP: Shape = Shape::Map { of: "pattern of modules", shape: &PATTERN_OR_PATTERNS };

const PATTERN_OR_PATTERNS: Shape = Shape::Either(&[Shape::Pattern, Shape::List(&Shape::Pattern)]);

const CTX: Shape = Shape::Either(&[VARIABLES, Shape::Map { of: "profile", shape: &PROFILE }]);
const VARIABLES: Shape = Shape::List(&Shape::Either(&[Shape::Str, Shape::Table(&VARIABLE)]));

/// A variable of the project.
pub static VARIABLE: TableShape = TableShape {
    what: "a variable",
    open: false,
    lead: Some("name"),
    keys: &[
        required("name", Shape::Str, "Its name"),
        key("type", Shape::Enum(&["str", "int", "bool"]), "What its values are"),
        key("default", Shape::Scalar, "Its value where nothing sets it"),
        key("required", Shape::Bool, "Whether a reference to it without a value is an error"),
    ],
};

const PROFILE: Shape = Shape::Table(&TableShape {
    what: "a profile",
    open: false,
    lead: None,
    keys: &[
        key("qik", Shape::Table(&CONTEXT), "Values of qik's own variables"),
        key(
            "project",
            Shape::Map { of: "variable", shape: &Shape::Scalar },
            "Values of the project's variables",
        ),
    ],
});

/// qik's own variables; the shape of a variable is its type.
pub static CONTEXT: TableShape = TableShape {
    what: "the `qik` of a profile",
    open: false,
    lead: None,
    keys: &[
        key("isolated", Shape::Bool, "Leave out upstream commands"),
        key("watch", Shape::Bool, "Run again what a change affects"),
        key("cache", Shape::Str, "The cache of commands that name none"),
        key("caches", STRING_OR_STRINGS, "Select commands by cache"),
        key("cache-when", CACHE_WHEN, "Which results are kept"),
        key(
            "cache-status",
            Shape::Enum(&["warm", "cold"]),
            "Select commands by whether they are cached",
        ),
        key("force", Shape::Bool, "Run even what is cached"),
        key("ls", Shape::Bool, "List what is selected, run nothing"),
        key("workers", Shape::Int, "How many commands run at once"),
        key("fail", Shape::Bool, "Fail if anything is selected, run nothing"),
        key("fail-fast", Shape::Bool, "Begin nothing more after the first failure"),
        key("since", Shape::Str, "Select what changed since a commit"),
        key("merge-base", Shape::Bool, "Since the commit at which the branch left that one"),
        key("shard", Shape::Str, "Select one of several parts, such as `2/8`"),
        key("commands", STRING_OR_STRINGS, "Select commands by name"),
        key("modules", STRING_OR_STRINGS, "Select commands by module"),
        key("spaces", STRING_OR_STRINGS, "Select commands by space"),
        key("tags", STRING_OR_STRINGS, "Select commands by tag"),
        key("verbosity", Shape::Int, "How much is shown"),
        key("logger", Shape::Enum(&["progress", "stdout", "json"]), "How progress is shown"),
        key("ci-format", CI_FORMAT, "For which service logs are marked up"),
        key("arch", Shape::Str, "The platform, such as `linux-64`"),
        key("profile", Shape::Str, "The profile of values"),
    ],
};

static BASE: TableShape = TableShape {
    what: "`base`",
    open: false,
    lead: None,
    keys: &[several("deps", "dep", DEPS, "Deps of every command that has deps of its own")],
};

static DEFAULTS: TableShape = TableShape {
    what: "`defaults`",
    open: false,
    lead: None,
    keys: &[
        key("cache", Shape::Template, "The cache of commands that name none"),
        key("cache-when", CACHE_WHEN, "Which results are kept"),
        key(
            "python-path",
            Shape::Either(&[Shape::Path, Shape::List(&Shape::Path)]),
            "Folders from which imports start",
        ),
        key("ignore", Shape::List(&Shape::Pattern), "Untracked files that are no inputs"),
        key("venv", VENV, "The Python environment of spaces that name none"),
        key(
            "dotenv",
            TEMPLATE_OR_TEMPLATES,
            "Files of environment variables of spaces that name none",
        ),
        key("environment", Shape::Enum(&Inherit::NAMES), ENVIRONMENT),
        key("pass-env", STRINGS, PASS_ENV),
    ],
};

static PYDIST: TableShape = TableShape {
    what: "`pydist`",
    open: false,
    lead: None,
    keys: &[
        key(
            "versions",
            Shape::Map { of: "distribution", shape: &Shape::Str },
            "Versions that override what is installed",
        ),
        key("ignore-missing", Shape::Bool, "A distribution that is not installed is no error"),
        key(
            "modules",
            Shape::Map { of: "import", shape: &Shape::Str },
            "The distribution behind an import; `\"\"` ignores it",
        ),
        key(
            "ignore-missing-modules",
            Shape::Bool,
            "Says nothing (true) of an import without a distribution, or makes it an error (false)",
        ),
        key("transitive", Shape::Bool, "Whether the dependencies of distributions count too"),
    ],
};

static WATCH: TableShape = TableShape {
    what: "`watch`",
    open: false,
    lead: None,
    keys: &[
        key("on-change", ON_CHANGE, "What a change does to commands that run"),
        key("debounce", Shape::Duration, "How long files hold still before a change counts"),
    ],
};

const ON_CHANGE: Shape = Shape::Enum(&OnChange::NAMES);

static READY: TableShape = TableShape {
    what: "`ready`",
    open: false,
    lead: None,
    keys: &[
        key("output", Shape::Str, "A regular expression that a line of its output matches"),
        key("port", Shape::Int, "The port at which it takes connections"),
        key("http", Shape::Str, "The address that answers: `http://127.0.0.1:8000/health`"),
        key("timeout", Shape::Duration, "After which it has failed; 60 seconds"),
    ],
};

//! Pages on what is asked for on the command line, on deps, and on runs.

use super::{Code, code};

pub(super) const CODES: &[Code] = &[
    code(
        "args/bad-context",
        "`--ctx` sets nothing",
        r#"`--ctx NAME=VALUE` gives a variable of the project a value for this run; it is stronger than
profiles and the environment. Without `=` there is no value to set.

    qik deploy --ctx stage=test."#,
    ),
    code(
        "args/nothing-to-run",
        "`qikx` is told no program",
        r#"`qikx CMD[@SPACE] ARGS…` runs a program in the environment of a space, which it makes first if it
has to be made; `qikx --install [SPACE…]` makes environments and runs nothing.

    qikx pytest -x
    qikx python@tools -m pip list

Without `@SPACE` it is the space whose root holds the working directory, or `default`."#,
    ),
    code(
        "args/unknown-format",
        "a file in no known format",
        "The format of a configuration is told by the name of its file: `.toml` or `.kdl`. Rename the file, or
name another one.",
    ),
    code(
        "args/unknown-code",
        "no error has this code",
        r#"Each report begins with a code such as `config/unknown-key`; `qik --explain-error` prints the page
of one. Copy the code from the first line of the report."#,
    ),
    code(
        "deps/bad-load-file",
        "the file of a `load` dep cannot be used",
        r#"A `load` dep takes patterns of files from a JSON file, which another command may have written:

    {"globs": ["shop/common/**.py"]}

Where the file does not exist, the dep's `default` counts. Where it exists but cannot be read as
such JSON, only the commands that have the dep fail: to guess would risk replaying a stale result."#,
    ),
    code(
        "deps/exec-failed",
        "the command of an `exec` dep failed",
        r#"An `exec` dep takes the output of a cheap command, such as `ruff --version`, into the fingerprint.
It runs by the shell in the project folder, at most once per run, for at most half a minute. If it
fails, it is not known what the result would depend on, so what has the dep fails too.

Where a failure is fine, say so in the line itself: `python3 --version 2>&1 || true`."#,
    ),
    code(
        "deps/no-such-file",
        "the file of a `val` dep cannot be read",
        r#"A `val` dep takes one value out of a TOML or JSON file of the project, so that a command depends on
that value alone and not on the rest of the file. The file must exist and be readable.

    { type = "val", file = "pyproject.toml", key = "project.version" }."#,
    ),
    code(
        "deps/no-such-key",
        "the key of a `val` dep is not in its file",
        r#"The key is dotted: `project.version` is the key `version` in the table `project`. Elements of lists
go by their number from 0: `authors.0.name`. If the key is gone for good, remove the dep."#,
    ),
    code(
        "deps/outside-project",
        "a dep names a file outside the project",
        r#"Every path in the configuration starts at the project folder and stays inside: what lies outside is
not the same on another machine, so a result that depended on it could not be shared."#,
    ),
    code(
        "deps/unreadable-value",
        "the file of a `val` dep is no TOML or JSON",
        r#"A `val` dep reads files that end in `.json` as JSON and all others as TOML. This one could not be
read as such; the message says what is wrong with it."#,
    ),
    code(
        "graph/cycle",
        "commands depend on each other in a circle",
        r#"A command starts when everything that it depends on is done, so a circle could never start. The
message names the whole circle, `a -> b -> a`. Remove one of these deps; often a dep on the other
command's sources is what is meant, not one on the command."#,
    ),
    code(
        "report/not-written",
        "a report could not be written",
        r#"`--report FORMAT=FILE` names a file that could not be written, or the service that runs the pipeline
named one for the summary of the job. The run itself is not affected, and its results are kept; but
as the file was asked for, qik ends with 1 at least. For the summary of a job this only warns.

Is there room on the disk, and may the folder be written? Folders that lack are made."#,
    ),
    code(
        "run/no-artifact",
        "a pattern of artifacts matches nothing",
        "The command ended well, and made no file that one of the patterns in its `artifacts` matches. Its
result is kept all the same: a pattern may well match nothing now and then. A plain path that was
not made is another matter, and keeps the result from being kept.

If the files are there, the pattern is wrong: patterns start at the project folder, `*` stays within a
folder and `**` crosses.",
    ),
    code(
        "run/inputs-changed",
        "inputs changed while a command ran",
        r#"A result belongs to one state of its inputs. If one of them changes while the command runs, it is
not known which state the output shows, so replaying it later could be wrong.

`on-input-change` of the command says what happens then. `rerun` (what holds where nothing is said)
runs it once more, since formatters settle at their second run, and keeps that result if the inputs
then held still. `accept` keeps the result for the state after the run. `skip` keeps nothing."#,
    ),
    code(
        "run/missing-artifact",
        "a command did not make what it declares",
        r#"A plain path under `artifacts` promises that the command writes that file or folder. Without it the
result is not whole, so it is not kept: a replay could not restore it. Make the command write it, or
name it by a pattern if it is not always made: `report*.xml` may match nothing."#,
    ),
    code(
        "run/no-such-command",
        "there is no such command (any more)",
        r#"Something refers to a command that the configuration does not have (any more). `qik --ls` prints
every name."#,
    ),
    code(
        "run/not-kept",
        "a result could not be kept",
        r#"The command ran, and its exit code counts; but its result could not be stored, so it runs again the
next time. The message names the file that could not be read or written. Nothing is lost but time."#,
    ),
    code(
        "run/service-ended",
        "a persistent command ended by itself",
        r#"A command with `persistent = true` is expected to run until qik stops it. This one ended with an
exit code that tells of a failure. What depends on it and had not begun is skipped. In a session that
watches it is started again once a file changes that it depends on, or by the keys `f` and `r`."#,
    ),
    code(
        "run/out-not-written",
        "a log could not be written",
        r#"The log of every command is kept under `._qik/out`, beside a `manifest.json` that says how each
ended, and a `report.json` on the whole run. One of these could not be written: is there room on the
disk, and may the folder be written? The run itself is not affected."#,
    ),
    code(
        "select/unknown-cache",
        "no cache has this name",
        r#"`--cache`, `--default-cache`, a profile or a command names a cache that is not there. `local`,
`repo` and `none` always exist; others are configured under `caches`."#,
    ),
    code(
        "select/unknown-command",
        "no command has this name",
        r#"The command line takes names of commands (`lint`), full names as `--ls` prints them (`lint@app`),
`command#module` and `command@space#module`, and globs over full names (`'lint@svc/*'`, in quotes).
A command from a module's own configuration is called `MODULE/COMMAND`."#,
    ),
    code(
        "select/unknown-module",
        "no module has this name",
        r#"Modules are listed under `modules` of a space. `-m` takes the module's name, which is its path
unless the configuration gives it another."#,
    ),
    code(
        "select/unknown-space",
        "no space has this name",
        r#"Spaces are configured under `spaces`; `default` always exists. `qik --ls` shows what runs in which
module."#,
    ),
    code(
        "select/unknown-tag",
        "no command has this tag",
        r#"Tags are words under `tags` of a command; `-t TAG` keeps the commands that have it. No command of
this project has this one."#,
    ),
    code(
        "shard/not-agreed",
        "machines can't agree on who runs what",
        r#"`--shard I/N` divides a selection among machines. Where a shared cache is used, the first machine
says there who runs what, and the others take it over. This machine could not ask, or what it found is
not a division of its selection: do all machines have the same commit and the same arguments? So that
nothing is left out it runs everything."#,
    ),
    code(
        "since/no-config",
        "the configuration at the commit can't be read",
        r#"`--since REF` compares what each command depends on now with what it depended on at REF, by the
configuration of that time. It is not there, or not one that this version understands, so everything
counts as changed: a run too many is better than one too few."#,
    ),
    code(
        "since/no-git",
        "there is no git repository to compare with",
        r#"`--since REF` compares the files with those of a commit. The project lies in no git repository, git
can't be started, or its objects can't be read. `git fsck` says whether a repository is whole."#,
    ),
    code(
        "since/no-merge-base",
        "two branches have no commit in common",
        r#"`--merge-base` compares with the commit at which the present branch left REF. There is none: the
branches are unrelated, or the clone is shallow and does not reach back so far. Then fetch more:
`git fetch --unshallow`, `fetch-depth: 0` of actions/checkout, `GIT_DEPTH: 0` of GitLab."#,
    ),
    code(
        "since/shallow",
        "the clone does not hold the commit",
        r#"CI often clones the newest commit alone, and then nothing can be compared with an older one. qik does
not take that for "nothing changed". Fetch the history that is missing: `git fetch --unshallow`,
`fetch-depth: 0` of actions/checkout, `GIT_DEPTH: 0` of GitLab, or `git fetch origin REF`."#,
    ),
    code(
        "since/unknown-commit",
        "git knows no commit of this name",
        r#"`--since` takes whatever git takes for a commit: a branch, a tag, an id, `HEAD~3`. A branch of the
server is `origin/main`, and is there after `git fetch`."#,
    ),
    code(
        "space/bad-dotenv",
        "a file of variables can't be read",
        r#"Files under `dotenv` of a space hold lines such as `NAME=value`, also with `export` before it. Values
with spaces stand in quotes, and may go over several lines in them; `#` begins a comment; `${NAME}` is
the value of another variable. What the line holds is not shown, as it may be a secret. Only commands
of spaces that name the file are held up."#,
    ),
    code(
        "space/no-dotenv",
        "a file of variables is not there",
        r#"A space names files of variables under `dotenv`, and its commands are to find what they set. Such a
file is often not committed: then each machine makes its own, from a sample that is. Only commands of
spaces that name the file are held up."#,
    ),
    code(
        "space/no-prefix",
        "an environment that something else makes is not there",
        r#"An environment of type `conda` or `pixi` is made by these tools; qik only uses it. There is none in
the folder that `prefix` names: no `conda-meta` is in it. Make it (`pixi install`, `conda env create
--prefix …`), or correct the folder; a relative one starts at the project."#,
    ),
    code(
        "space/no-program",
        "a program can't be started in a space",
        r#"`qikx` looks for the program in the environment of the space, then on `PATH`. It is in neither, or
is no program that can be started. Is it among the requirements of that space? `qikx CMD@SPACE` names
another space. The exit code is 127 where nothing was found, and 126 where it could not be started."#,
    ),
    code(
        "space/no-uv",
        "uv is not there",
        r#"Environments of type `uv` and `uv-project` are locked and made by uv. It is looked for on `PATH`, in
the active environment (`VIRTUAL_ENV`, `CONDA_PREFIX`), in the project's `.venv`, and beside qik.

    pip install uv
    curl -LsSf https://astral.sh/uv/install.sh | sh

Commands whose results are cached are replayed without it."#,
    ),
    code(
        "system/no-signals",
        "interrupts cannot be noticed",
        r#"qik stops the commands that it started when it is interrupted, and for that must hear of it. Without
that, commands would go on running after qik ended, so it does not start any."#,
    ),
    code(
        "system/state-not-written",
        "what was learnt of files could not be kept",
        r#"qik remembers the digests of files that git's index does not know as clean in `._qik/stat`. Without
it they are read again the next time: nothing is lost but time."#,
    ),
    code(
        "system/unreachable",
        "the project folder cannot be used",
        r#"The working directory, or the folder that `-C` names, does not exist or may not be entered."#,
    ),
    code(
        "watch/cannot-watch",
        "files can't be watched",
        r#"The session that watches needs a thread of its own, and the system gave none. Run without `--watch`,
or raise the limit of threads."#,
    ),
    code(
        "watch/does-not-settle",
        "a command changes what it depends on each time",
        r#"A command wrote to files that it depends on, ran again for that, and wrote to them again. So that it
does not go on for ever it waits until something else changes. Leave what it writes out of its deps
(`!pattern`), or list it under `artifacts` if others need it."#,
    ),
];

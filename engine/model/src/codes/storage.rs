//! Pages on caches, artifacts and the picture of the work tree.

use super::{Code, code};

pub(super) const CODES: &[Code] = &[
    code(
        "cache/bad-setting",
        "the settings of a cache cannot be used",
        "The configuration is well-formed, but with its variables filled in a setting of the cache means
nothing: a scope with characters that no scope has, a key that is none. Nothing is run: results that
went to another place than they should would be worse than none.

The report says which setting it is, and what it may be. Where the value comes from a variable, look
at that. A cache that nothing selected goes to needs no values.",
    ),
    code(
        "cache/cannot",
        "a question about caches cannot be answered",
        "`qik cache` was asked for something that the cache cannot do: it is not one of the project's, it does
not answer, it is not written to from here, or its service cannot tell what it holds (Redis and the
cache of GitHub Actions cannot, so that `pull`, `verify` and `clear` do not work on them).

`qik cache status` lists the caches of the project and says which of them can be used.",
    ),
    code(
        "cache/not-shared",
        "results were kept here and not shared",
        "The results are in the local cache, and this project replays them. The cache that others share does
not hold them: it could not be reached, denies writing, is full, or the run was stopped before all
was sent. The report tells the first reason.

The next run that replays them tries again; `qik cache push` does so at once. `strict = true` on the
cache makes this an error.",
    ),
    code(
        "cache/remote-trouble",
        "a shared cache does not do as it should",
        "A cache that others share could not be reached, was too slow, denied access, or answered with
something else than was asked for. After a few failures in a row nothing more is asked of it for
half a minute. The run goes on with the local cache, so that nothing is lost but time; its summary
tells how many results were not shared.

Look at the address, the credentials and the rights of the cache; `qik cache status` asks it again.
`timeout` on the cache says how long one request may take, `strict = true` makes this an error.",
    ),
    code(
        "cache/untrusted",
        "an entry of a shared cache is not vouched for",
        "The cache has `trusted-keys`, so entries count only if one of these keys signed them, for this cache,
this platform and this fingerprint. The entry is not signed, is signed by another key, was changed
after it was signed, or was moved here from another place. It was not used; the command runs
instead, and where this machine has a key its result takes the entry's place.

If the key in the report is one of yours, add it to `trusted-keys`. If not, find out who can write to
the cache.",
    ),
    code(
        "cache/damaged",
        "an entry or stored object is not what it should be",
        "Everything that a cache holds carries a digest of itself, and is checked when it is read. What fails
the check (a file torn by a power cut, an entry of `.qik/cache` merged by hand) is never used: what
it was for runs again, and its result takes the place of the damaged one.

Nothing needs to be done. If it comes back, look at the disk, or at what else writes to the folder.",
    ),
    code(
        "cache/no-merge-driver",
        "git could not be told how to merge entries",
        "Entries of the repo cache are true on both sides of a merge, and half of each is not. So qik sets up
a merge driver that keeps our side, by `merge.qik.driver` in the configuration of the repository.
That configuration could not be written.

Run `git config merge.qik.driver true` in the repository. Without it a merge may stop at conflicts
in `.qik/cache`; either side is right, and what matches neither runs again.",
    ),
    code(
        "cache/not-staged",
        "new entries were not staged",
        "After a run qik stages the new entries of the repo cache with `git add`, so that they are committed
along with what they are for. That failed; most often another git process held the lock of the
index, or `.qik` is ignored. The entries themselves are in place.

To stage entries yourself at all times, say so:

    [caches.repo]
    type = \"repo\"
    git-add = false

Until then, run `git add .qik`.",
    ),
    code(
        "cache/put-aside",
        "a file was in the way of an artifact",
        "The artifacts of a cached result were put into the work tree. Where one of them goes there was a
file that git tracks, or whose bytes qik never stored, so it was moved to `._qik/trash` instead of
being replaced. The report says where it is now.

If the file was written by hand, it should not match the `artifacts` of a command.",
    ),
    code(
        "cache/refused-path",
        "an entry would write where it may not",
        "Artifacts stay inside the project, are not reached through symbolic links, and are never in `.git`,
`._qik` or `.qik/cache`. The entry names another path, so none of its artifacts was restored and the
command runs instead.

If a folder of the project is a link, declare artifacts below the folder that it leads to. An entry
that qik did not write should not be in the cache: find out who can write to it.",
    ),
    code(
        "cache/unfinished-restore",
        "a restore that was cut short could not be finished",
        "A qik that was killed while it put artifacts into the work tree leaves a plan in `._qik/restore`,
and the next one finishes it. This time it could not, for the reason in the report, so some
artifacts may be of one run and some of another.

Commands see that by the digests of the files: what needs them restores or makes them again.",
    ),
    code(
        "cache/unreachable",
        "a result could not be stored",
        "The command ran, but its result could not be written to the cache, so it will run again next time.
The reason is in the report: most often a full disk, or a folder that belongs to somebody else.

The local cache is in `._qik/cache`, the repo cache in `.qik/cache`.",
    ),
    code(
        "tree/git-unusable",
        "the git repository or its index cannot be used",
        "qik takes the identity of a clean file from git's index, so that it need not read the file. Where
the index is damaged, of an unknown format, or of a repository with SHA-256 ids, every file is read
instead: the answers are the same, only later.

`git status` tells what git itself thinks of the index; `git read-tree HEAD` makes it anew and keeps
the files as they are (what was staged has to be added again).",
    ),
    code(
        "tree/unreadable-file",
        "a file of the project cannot be read",
        "The named file counts as an input, but its bytes cannot be read, so qik goes on as if it were not
there. A result may then be kept although the file changes.

Make the file readable for yourself, or let `.gitignore` name it if it is no input.",
    ),
    code(
        "tree/unreadable-folder",
        "a folder of the project cannot be listed",
        "The named folder may hold inputs, but it cannot be listed, so qik goes on as if it were not there. A
result may then be kept although something in the folder changes.

Make the folder readable for yourself, or let `.gitignore` name it if it holds no inputs.",
    ),
    code(
        "tree/unsteady-file",
        "a file changes while it is read",
        "The named file was written to again and again while qik read it, so no moment could be found to
which its content belongs. A log or a database that a running program writes to is the usual case.

Let `.gitignore` name it if it is no input, or stop what writes to it.",
    ),
];

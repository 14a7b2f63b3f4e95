#!/usr/bin/env bash
# Takes qik through a day of work on a real project, Django's released sources: edits, stashes,
# branches, a rebase, a second clone. Each step says how many runnables must execute and is checked
# twice: against what `qik --ls --cache-status cold` lists before it, and against how many times the
# tools were really started, which is counted by wrappers around them and not by qik.
#
#   QIK=target/release/qik benches/django.sh
#
# WORK (a new folder) and RUFF (a ruff to use) may be set. Needs git and python3 with pip.
set -euo pipefail

QIK=$(realpath "${QIK:?set QIK to the binary to try}")
WORK=$(realpath "$(mkdir -p "${WORK:=$(mktemp -d)}" && echo "$WORK")")
DJANGO=5.2.8
RUFF_VERSION=0.17.6
PACKAGES=(apps conf core db dispatch forms http middleware template utils)
ALL=$((2 * ${#PACKAGES[@]}))

# Nobody's own settings: equal runs on all machines.
unset "${!GIT_@}" "${!QIK__@}" VIRTUAL_ENV CONDA_PREFIX
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 NO_COLOR=1
export GIT_AUTHOR_NAME=bench GIT_AUTHOR_EMAIL=bench@example.invalid
export GIT_COMMITTER_NAME=bench GIT_COMMITTER_EMAIL=bench@example.invalid

failures=0
table=()

main() {
    unpack
    wrap_tools
    cd "$WORK/first"
    a_day_of_local_work
    a_day_with_results_in_the_repo
    a_second_clone
    conclude
}

a_day_of_local_work() {
    step "cold" "$ALL"
    step "warm" 0
    find django -name '*.py' -exec touch {} +
    step "touch all files" 0
    edit django/http/cookie.py
    step "edit one file in http" 2
    git checkout --quiet -- django/http/cookie.py
    step "undo that edit" 0

    edit django/db/models/query.py
    step "edit one file in db" 2
    git stash --quiet
    step "stash" 0
    git stash pop --quiet
    step "stash pop" 0

    git switch --quiet --create topic
    git commit --quiet --all --message "topic: db"
    step "commit on a branch" 0
    git switch --quiet main
    step "switch to main" 0
    edit django/forms/fields.py
    git commit --quiet --all --message "main: forms"
    step "another edit on main" 2
    git switch --quiet topic
    step "switch to the branch" 0
    edit django/template/engine.py
    step "dirty edit in template" 2
    git rebase --quiet --autostash main
    step "rebase --autostash" 0
    git commit --quiet --all --message "topic: template"
}

a_day_with_results_in_the_repo() {
    cache=(--default-cache repo)
    step "repo cache, first run" "$ALL"
    step "repo cache, warm" 0
    git stash --quiet
    lists "repo cache, stashed entries" "$ALL"
    git stash pop --quiet --index
    step "repo cache, stash pop" 0
    commit "results"
    step "repo cache, committed" 0
    clean "the run left the work tree clean"

    git switch --quiet --create side HEAD~1
    echo "A line." >> README.rst
    commit "side: readme"
    git switch --quiet topic
    edit django/utils/text.py
    step "repo cache, edit in utils" 2
    git rebase --quiet --autostash side
    step "repo cache, rebase --autostash" 0
    commit "topic: utils"

    # Both sides have results of all packages. The merge driver keeps one of them without a conflict:
    # those of the side, where utils was another, so that these two are made again.
    git switch --quiet side
    edit django/http/request.py
    step "repo cache, all on the side" "$ALL"
    commit "side: http"
    git switch --quiet topic
    step "repo cache, back on the branch" 0
    git rebase --quiet side
    step "repo cache, rebase over results" 2
    commit "topic: results"
}

a_second_clone() {
    git clone --quiet "$WORK/first" "$WORK/elsewhere/second"
    cd "$WORK/elsewhere/second"
    step "second clone, another path" 0
    clean "the run left the clone clean"
}

# Runs qik, and checks how much work it did: step TEXT EXPECTED
step() {
    local text=$1 expected=$2 verdict=FAILED listed code=0 start seconds executed
    listed=$(cold)
    : > "$WORK/started"
    start=$EPOCHREALTIME
    "$QIK" "${cache[@]}" > "$WORK/log" 2>&1 || code=$?
    seconds=$(awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.2f", b - a }')
    executed=$(wc -l < "$WORK/started")
    # ruff has findings in Django: a replay must return its exit code as a run did.
    [[ $listed = "$expected" && $executed -eq $expected && $code -eq 1 ]] && verdict=ok
    row "$text" "$expected" "$listed" "$((executed))" "$code" "$seconds"
}

# Checks what qik would do, and does not do it: lists TEXT EXPECTED
lists() {
    local verdict=FAILED listed
    listed=$(cold)
    [[ $listed = "$2" ]] && verdict=ok
    row "$1" "$2" "$listed" - - -
}

# Checks that git sees nothing to commit: clean TEXT
clean() {
    local verdict=FAILED changed
    changed=$(git status --porcelain | wc -l)
    [[ $changed -eq 0 ]] && verdict=ok
    row "$1" "0 files" "$((changed)) files" - - -
}

cold() {
    "$QIK" "${cache[@]}" --cache-status cold --ls --format json 2> "$WORK/err" |
        python3 -c 'import json, sys; print(len(json.load(sys.stdin)))' 2> /dev/null || echo "?"
}

# Notes a line of the table, with the caller's `verdict`.
row() {
    if [[ $verdict != ok ]]; then
        failures=$((failures + 1))
        tail -n 30 "$WORK/log" "$WORK/err" >&2 || true
    fi
    table+=("$(printf '%-32s %8s %8s %9s %5s %8s  %s' "$@" "$verdict")")
    echo "${table[-1]}"
}

commit() {
    git add --all
    git commit --quiet --message "$1"
}

edit() {
    printf '\n\nEDITED = %s\n' "$(date +%s%N)" >> "$1"
}

unpack() {
    echo "in $WORK"
    python3 -m venv "$WORK/venv"
    "$WORK/venv/bin/pip" download --quiet --no-deps --no-binary :all: --dest "$WORK" "django==$DJANGO"
    if [[ -z ${RUFF:-} ]]; then
        "$WORK/venv/bin/pip" install --quiet "ruff==$RUFF_VERSION"
        RUFF=$WORK/venv/bin/ruff
    fi
    tar --no-same-owner -xzf "$WORK/django-$DJANGO.tar.gz" -C "$WORK"
    mv "$WORK/django-$DJANGO" "$WORK/first"
    cd "$WORK/first"
    {
        echo '[spaces.default]'
        echo 'modules = ['
        printf '    "django/%s",\n' "${PACKAGES[@]}"
        echo ']'
        echo
        echo '[commands.compile]'
        echo 'exec = "python -m compileall -q {module.dir}"'
        echo 'deps = ["{module.dir}/**.py"]'
        echo
        echo '[commands.ruff]'
        echo 'exec = "ruff check {module.dir}"'
        echo 'deps = ["{module.dir}/**.py", "pyproject.toml"]'
        echo 'cache-when = "finished"'
    } > qik.toml
    printf '%s\n' '._qik/' '__pycache__/' '.ruff_cache/' > .gitignore
    git init --quiet --initial-branch=main
    git add --all
    git commit --quiet --message "Django $DJANGO"
}

# `python` and `ruff` that note each start. PATH enters no fingerprint.
wrap_tools() {
    mkdir -p "$WORK/bin"
    wrap python "$(python3 -c 'import sys; print(sys.executable)')"
    wrap ruff "$(realpath "$RUFF")"
    export PATH="$WORK/bin:$PATH"
}

wrap() {
    printf '#!/bin/sh\necho "$*" >> "%s"\nexec "%s" "$@"\n' "$WORK/started" "$2" > "$WORK/bin/$1"
    chmod +x "$WORK/bin/$1"
}

conclude() {
    echo
    printf '%-32s %8s %8s %9s %5s %8s\n' step expected listed executed code seconds
    printf '%s\n' "${table[@]}"
    echo
    echo "$((${#table[@]} - failures)) passed, $failures failed"
    [[ $failures -eq 0 ]]
}

cache=()
main

# Words of the scripts. Each script starts in a fresh clone of the project, with qik, git, ruff and pytest on
# the PATH, an S3 server at $URL, and $WORLD for files beside the clone. Calls of ruff and pytest are noted in
# $WORLD/calls by the programs that stand in front of them.
set -eu

# same WHAT EXPECTED FOUND: fails where they differ.
same() {
    [ "$2" = "$3" ] && return
    printf '%s\n--- expected\n%s\n--- found\n%s\n' "$1" "$2" "$3" >&2
    exit 1
}

# code EXPECTED COMMAND…: runs it, what it prints goes to $WORLD/out; fails where it exits otherwise.
code() {
    expected=$1 found=0
    shift
    "$@" > "$WORLD/out" 2> "$WORLD/err" || found=$?
    [ "$found" = "$expected" ] && return
    echo "$* exits with $found, not $expected" >&2
    cat "$WORLD/out" "$WORLD/err" >&2
    exit 1
}

# printed: what the last `code` printed.
printed() {
    cat "$WORLD/out"
}

# says TEXT: fails where the last `code` printed no such line part.
says() {
    grep -qF -e "$1" "$WORLD/out" "$WORLD/err" && return
    echo "nothing says $1" >&2
    cat "$WORLD/out" "$WORLD/err" >&2
    exit 1
}

# calls: which programs were called since this was asked last, each with its count.
calls() {
    [ -f "$WORLD/calls" ] || return 0
    sort "$WORLD/calls" | uniq -c | sed 's/^ *//'
    rm "$WORLD/calls"
}

# commit: commits everything.
commit() {
    git add -A
    git commit -qm change
}

# another NAME: goes to another clone of what is committed here, as on another machine.
another() {
    git clone -q . "$WORLD/$1"
    cd "$WORLD/$1"
}

# bare COMMAND…: runs it where there are qik and git, and no Python.
bare() {
    PATH="$WORLD/bare" "$@"
}

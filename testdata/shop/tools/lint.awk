# Looks for mistakes in Python files: awk -f lint.awk FILE…; exits 1 if it finds any.

function report(text) { print FILENAME ":" FNR ": " text; findings++ }

function finish(   name) {
    for (name in imported)
        if (!(name in used)) { print path ":" imported[name] ": `" name "` is imported and not used"; findings++ }
    for (name in imported) delete imported[name]
    for (name in used) delete used[name]
}

FNR == 1 { if (NR > 1) finish(); path = FILENAME; files++; docstring = 0 }

# A module says what it is for; tests say it by their names.
FNR == 1 && path !~ /\/tests\// && !/^"""/ { report("no docstring") }

/^[ ]*except:/                    { report("`except:` also catches what nobody meant") }
/def .*=[ ]*(\[\]|\{\})[,)]/      { report("a mutable default is shared by all calls") }
/[=!]= None/                      { report("compare with `is None`") }
/(^|[^.a-zA-Z_])print\(/          { report("`print` in a library") }
/(^|[^a-zA-Z_])(eval|exec)\(/     { report("code from data") }
/#.*(TODO|FIXME|XXX)/             { report("an open end") }
/from [a-z.]+ import \*/          { report("names out of nowhere") }

/^(from [a-z_.]+ )?import / {
    line = $0
    sub(/^(from [a-z_.]+ )?import /, "", line)
    count = split(line, names, /, */)
    for (i = 1; i <= count; i++) {
        name = names[i]
        sub(/.* as /, "", name)
        sub(/\..*/, "", name)
        imported[name] = FNR
    }
    next
}

{
    line = $0
    while (match(line, /[A-Za-z_][A-Za-z_0-9]*/)) {
        used[substr(line, RSTART, RLENGTH)] = 1
        line = substr(line, RSTART + RLENGTH)
    }
}

END {
    if (NR) finish()
    print files + 0 " files, " findings + 0 " findings"
    exit findings > 0
}

# Holds the packages to layers.txt: awk -f layers.awk layers.txt FILE…; exits 1 if one reaches up.

FILENAME == ARGV[1] {
    if (/^#/ || !NF) next
    package = $1
    sub(/:$/, "", package)
    known[package] = 1
    for (i = 2; i <= NF; i++) may[package, $i] = 1
    next
}

FILENAME ~ /\/tests\// { next }

match($0, /^ *(from|import) shop\.[a-z_]+/) {
    split(FILENAME, parts, "/")
    target = substr($0, RSTART, RLENGTH)
    sub(/.*shop\./, "", target)
    edges++
    if (target != parts[2] && !((parts[2], target) in may)) {
        print FILENAME ":" FNR ": `" parts[2] "` may not import `" target "`"
        findings++
    }
}

END {
    print edges + 0 " imports between packages, " findings + 0 " findings"
    exit findings > 0
}

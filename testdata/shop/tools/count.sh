#!/bin/sh
# Counts lines of one package: count.sh NAME DIR
# Writes dist/NAME.count: lines of code, lines of tests.
set -eu
name=$1 dir=$2

mkdir -p dist
find "$dir" -name '*.py' | LC_ALL=C sort | while IFS= read -r file; do
    awk -v kind="$(case $file in */tests/*) echo tests ;; *) echo code ;; esac)" \
        'NF && !/^ *#/ { n++ } END { print kind, n + 0 }' "$file"
done | awk '{ n[$1] += $2 } END { print n["code"] + 0, n["tests"] + 0 }' > "dist/$name.count"

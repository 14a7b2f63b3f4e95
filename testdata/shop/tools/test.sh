#!/bin/sh
# Runs the tests of one package: test.sh DIR skip|fail
# The second word says what a machine without Python means.
set -eu
dir=$1 without_python=$2

if ! python3 -c 'import unittest' 2>/dev/null; then
    echo "SKIPPED: python3 (tests of $dir)"
    [ "$without_python" = skip ]
    exit
fi
code=0
PYTHONDONTWRITEBYTECODE=1
export PYTHONDONTWRITEBYTECODE
output=$(python3 -m unittest discover -s "$dir/tests" -t . 2>&1) || code=$?
# Without the time, the log of equal runs is equal.
printf '%s\n' "$output" | sed -e 's/ in [0-9.]*s$//' -e '/^$/d'
exit "$code"

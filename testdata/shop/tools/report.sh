#!/bin/sh
# One table of all packages out of what the other commands made: report.sh VERSION_FILE
# Writes dist/REPORT.md.
set -eu

version=$(awk -F '"' '/^version/ { print $2 }' "$1")
{
    echo "# Shop $version"
    echo
    echo "| package | code | tests | archive | checksum |"
    echo "| --- | ---: | ---: | ---: | --- |"
    for count in dist/*.count; do
        name=$(basename "$count" .count)
        read -r code tests < "$count"
        read -r sum size _ < "dist/$name.sum"
        echo "| $name | $code | $tests | $size | $sum |"
    done
} > dist/REPORT.md
cat dist/REPORT.md

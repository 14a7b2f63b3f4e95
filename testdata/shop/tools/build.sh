#!/bin/sh
# Packs the sources of one package: build.sh NAME DIR
# Writes dist/NAME.tar and dist/NAME.sum. The archive depends on nothing but names and contents: the
# headers (ustar) are made here, since POSIX tar has no way to leave out owner and time.
set -eu
name=$1 dir=$2

# Octal numbers end in a NUL byte, for which awk writes a 1 byte that tr turns into NUL.
header() {
    awk -v path="$1" -v size="$2" '
        function pad(text, width) { while (length(text) < width) text = text "\001"; return text }
        BEGIN {
            for (i = 32; i < 127; i++) ord[sprintf("%c", i)] = i
            head = pad(path, 100) pad("0000644", 8) pad("0000000", 8) pad("0000000", 8) \
                pad(sprintf("%011o", size), 12) pad("00000000000", 12)
            tail = "0" pad("", 100) pad("ustar", 6) "00" pad("", 247)
            sum = 8 * 32
            for (i = 1; i <= length(head tail); i++) sum += ord[substr(head tail, i, 1)]
            printf "%s", head pad(sprintf("%06o", sum), 7) " " tail
        }' | tr '\001' '\000'
}

zeros() {
    dd if=/dev/zero bs="$1" count=1 2>/dev/null
}

mkdir -p dist
{
    find "$dir" -name tests -prune -o -name '*.py' -print | LC_ALL=C sort | while IFS= read -r file; do
        size=$(($(wc -c < "$file")))
        header "$file" "$size"
        cat "$file"
        rest=$((size % 512))
        [ "$rest" -eq 0 ] || zeros $((512 - rest))
    done
    zeros 1024
} > "dist/$name.tar"
(cd dist && cksum "$name.tar") > "dist/$name.sum"
cat "dist/$name.sum"

# Checks the layout of Python files: awk -v length_=N -f format.awk FILE…; exits 1 if it finds any.
# Widths are bytes; the shop's sources are ASCII.

function report(text) { print FILENAME ":" FNR ": " text; findings++ }

FNR == 1 { if (blank) { print path ": blank lines at the end"; findings++ } path = FILENAME; blank = open = 0 }

length($0) > length_ { report("line of " length($0) " characters, at most " length_) }
/[ \t]+$/            { report("blanks at the end of the line") }
/\t/                 { report("a tab") }
/^ / && !open        { match($0, /^ +/); if (RLENGTH % 4) report("indented by " RLENGTH) }

/^(def|class|@)/ && FNR > 1 && !decorated && !comment && blank != 2 {
    report("two blank lines belong above, not " blank)
}

{
    blank = /^$/ ? blank + 1 : 0
    if (blank > 2) report("more than two blank lines")
    decorated = /^@/
    comment = /^#/
    if (gsub(/"""/, "&") % 2) open = !open
}

END {
    if (blank) { print path ": blank lines at the end"; findings++ }
    print NR " lines, " findings + 0 " findings"
    exit findings > 0
}

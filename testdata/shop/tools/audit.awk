# Checks that each posting of a ledger sums up to zero: awk -f audit.awk LEDGER…

BEGIN { FS = ";" }
      { sum[FILENAME " posting " $1] += $3 }
END {
    for (posting in sum) if (sum[posting]) { print posting " is off by " sum[posting]; findings++ }
    print NR " lines, " findings + 0 " findings"
    exit findings > 0
}

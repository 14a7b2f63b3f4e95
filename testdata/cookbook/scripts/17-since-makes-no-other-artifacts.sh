# With `--since`, artifacts of what did not change are not made; a run of everything by the cache has them all.
. ../lib.sh
code 0 qik pytest
rm ./*-coverage.xml
git switch -qc work
printf '\n\nSECOND = 2\n' >> billing/invoice.py
commit
code 0 qik pytest --since main
test -f billing-coverage.xml
test ! -f shop-coverage.xml
calls > /dev/null
code 0 qik pytest
same "the cache has the rest" "" "$(calls)"
test -f shop-coverage.xml

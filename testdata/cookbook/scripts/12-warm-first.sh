# Dynamic configuration, first step: what is warm is run, and its artifacts are there to be stored.
. ../lib.sh
code 0 qik pytest@shop
calls > /dev/null
rm shop-coverage.xml
code 0 qik --cache-status warm
same "nothing is executed" "" "$(calls)"
test -f shop-coverage.xml
test ! -f billing-coverage.xml

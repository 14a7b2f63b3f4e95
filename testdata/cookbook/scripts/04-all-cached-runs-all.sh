# Where everything is cached, all of it can be run, and nothing is executed.
. ../lib.sh
code 0 qik --cache repo
same "the first time" "2 ruff" "$(calls)"
code 0 qik --cache repo
says "0 ran, 2 cached"
same "the second time" "" "$(calls)"

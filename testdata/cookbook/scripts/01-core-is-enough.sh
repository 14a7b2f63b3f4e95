# Checking and replaying needs qik and git, and no Python.
. ../lib.sh
code 0 qik --cache repo
commit
another ci
calls > /dev/null
code 0 bare qik --cache repo --cache-status cold --fail --ls
code 0 bare qik --cache repo
says "2 cached"
same "what was called" "" "$(calls)"

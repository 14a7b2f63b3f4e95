# Dynamic configuration, second step: each line of the cold ones makes a job, in the form COMMAND@MODULE.
. ../lib.sh
code 0 qik pytest@shop
calls > /dev/null
code 0 qik --cache-status cold --ls
same "what is cold" "lint@billing
lint@shop
pytest@billing" "$(printed)"
for name in $(printed); do
    code 0 qik "$name"
done
same "each ran once" "1 pytest
2 ruff" "$(calls)"
code 0 qik --cache-status cold --ls
same "nothing is cold" "" "$(printed)"

# The check of the repo cache lists what is cold, fails, and runs nothing.
. ../lib.sh
code 1 qik --cache repo --cache-status cold --fail --ls
same "what is cold" "lint@billing
lint@shop" "$(printed)"
same "what was called" "" "$(calls)"
code 0 qik --cache repo
commit
printf '\n\nSECOND = 2\n' >> billing/invoice.py
code 1 qik --cache repo --cache-status cold --fail --ls
same "what is cold" "lint@billing" "$(printed)"

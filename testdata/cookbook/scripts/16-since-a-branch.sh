# `--since BRANCH` selects what has to be executed again since a base branch.
. ../lib.sh
code 0 qik --since main --ls
same "nothing changed" "" "$(printed)"
git switch -qc work
printf '\n\nSECOND = 2\n' >> billing/invoice.py
commit
code 0 qik --since main --ls
same "billing" "lint@billing
pytest@billing" "$(printed)"
printf '\n\nSECOND = 2\n' >> shop/prices.py
code 0 qik --since main --ls
same "both import what is not yet committed" "lint@billing
lint@shop
pytest@billing
pytest@shop" "$(printed)"

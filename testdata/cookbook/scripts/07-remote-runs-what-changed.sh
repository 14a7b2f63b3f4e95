# Of what is shared, only that is run whose imports changed.
. ../lib.sh
code 0 qik pytest --cache my_remote
calls > /dev/null
another ci
printf '\n\nSECOND = 2\n' >> billing/invoice.py
code 0 qik pytest --cache my_remote
same "billing alone" "1 pytest" "$(calls)"
says 'of `the imports of billing` changed'
git checkout -q .
printf '\n\nSECOND = 2\n' >> shop/prices.py
code 0 qik pytest --cache my_remote
same "both import it" "2 pytest" "$(calls)"

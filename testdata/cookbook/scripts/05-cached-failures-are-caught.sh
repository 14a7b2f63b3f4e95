# By default only successes are cached; with `cache-when = "finished"` failures are too, and the second step
# catches them, with their code and log.
. ../lib.sh
echo "import os" >> shop/prices.py
code 1 qik --cache repo
code 1 qik --cache repo --cache-status cold --fail --ls
same "a failure is not kept" "lint@shop" "$(printed)"
sed -i 's/^cache = "repo"/cache = "repo"\ncache-when = "finished"/' qik.toml
code 1 qik --cache repo
calls > /dev/null
code 0 qik --cache repo --cache-status cold --fail --ls
code 1 qik --cache repo
says "F401"
says "1 failed"
same "it was replayed" "" "$(calls)"

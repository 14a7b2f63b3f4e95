# Commands that cache failures make the step that runs what is warm fail.
. ../lib.sh
sed -i 's/^cache = "repo"/cache = "repo"\ncache-when = "finished"/' qik.toml
echo "import os" >> shop/prices.py
code 1 qik lint
code 1 qik --cache-status warm
says "F401"

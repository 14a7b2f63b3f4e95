# The whole cache is broken by a const among the base deps.
. ../lib.sh
code 0 qik pytest lint
calls > /dev/null
printf '\n[base]\ndeps = [{ type = "const", val = "2" }]\n' >> qik.toml
code 0 qik --cache-status cold --ls
same "all are cold" "lint@billing
lint@shop
pytest@billing
pytest@shop" "$(printed)"

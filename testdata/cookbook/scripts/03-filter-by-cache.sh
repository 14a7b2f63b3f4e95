# `--cache repo` filters commands by their cache.
. ../lib.sh
code 0 qik --cache repo --ls
same "the repo cache" "lint@billing
lint@shop" "$(printed)"
code 0 qik --cache local --ls
same "the local cache" "pytest@billing
pytest@shop" "$(printed)"

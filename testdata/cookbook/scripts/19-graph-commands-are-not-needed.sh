# Settings of the import graph's own commands are taken, with a notice, and change nothing.
. ../lib.sh
printf '\n[plugins.pygraph]\npyimport = "qik.pygraph"\nbuild-cache = "repo"\nlock-cache = "repo"\n' >> qik.toml
code 0 qik pytest --ls
same "no commands of its own" "pytest@billing
pytest@shop" "$(printed)"
says "config/without-effect"

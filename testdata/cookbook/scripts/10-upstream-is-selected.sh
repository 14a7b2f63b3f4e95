# What a command depends on is selected with it; `--isolated` leaves it out, and a dep may say so itself.
. ../lib.sh
code 0 qik summary --ls
same "with upstream" "pytest@billing
pytest@shop
summary" "$(printed)"
code 0 qik summary --isolated --ls
same "isolated" "summary" "$(printed)"
sed -i 's/name = "pytest" }/name = "pytest", isolated = false }/' qik.toml
code 0 qik summary --isolated --ls
same "the dep has the last word" "pytest@billing
pytest@shop
summary" "$(printed)"

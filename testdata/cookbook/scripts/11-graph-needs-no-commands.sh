# Imports need no commands of their own: an isolated run of a command with a graph dep is as right as any.
. ../lib.sh
code 0 qik pytest --isolated
calls > /dev/null
printf '\n\nSECOND = 2\n' >> shop/prices.py
code 0 qik pytest --isolated
same "both import it" "2 pytest" "$(calls)"

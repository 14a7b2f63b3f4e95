# Credentials come from the usual variables; without them there is one warning, and the run goes on.
. ../lib.sh
unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
code 0 qik pytest --cache my_remote
says "my_remote"
same "it ran" "2 pytest" "$(calls)"
test -f shop-coverage.xml

# A remote cache: on another machine output is replayed and coverage files are restored; pytest is not run.
. ../lib.sh
code 0 qik pytest --cache my_remote
same "the first machine" "2 pytest" "$(calls)"
# What the environment is made of goes along, for machines that have none.
commit
cp shop-coverage.xml billing-coverage.xml "$WORLD"
another ci
code 0 bare qik pytest --cache my_remote -v 2
says "1 passed"
says "0 ran, 2 cached"
same "the second machine" "" "$(calls)"
cmp shop-coverage.xml "$WORLD/shop-coverage.xml"
cmp billing-coverage.xml "$WORLD/billing-coverage.xml"

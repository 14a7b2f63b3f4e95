# A profile sets the default cache, by `-p ci` or by QIK__PROFILE=ci.
. ../lib.sh
code 0 qik -p ci --cache my_remote --ls
same "by the flag" "pytest@billing
pytest@shop" "$(printed)"
code 0 env QIK__PROFILE=ci qik pytest
says "2 shared"
another ci
calls > /dev/null
code 0 env QIK__PROFILE=ci qik pytest
says "0 ran, 2 cached"
same "what was called" "" "$(calls)"
code 0 qik -p ci --cache repo --ls
same "what names its cache keeps it" "lint@billing
lint@shop" "$(printed)"

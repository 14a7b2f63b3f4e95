# Pipelines write themselves: a configuration to continue with holds what is cold and nothing else.
. ../lib.sh
code 0 qik pytest@shop lint
commit
calls > /dev/null
code 0 qik ci circleci --shards 2
same "the jobs" '      - run: "qik pytest@billing"' "$(printed | grep 'run: "qik')"
code 0 qik ci github-matrix --shards 2
says '"run":"qik pytest@billing"'
says "no entry yet"

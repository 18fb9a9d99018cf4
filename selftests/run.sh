#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Runs the tests of /dev/llm, all or those named, and prints one TAP stream. As
# root, where llm.ko is loaded; "make -C selftests" builds them before. Every
# program prints a plan of its own; one that ends before its plan is done, or
# fails without saying what, counts as "not ok". Fails when a test does.

set -eu

here=$(cd "$(dirname "$0")" && pwd)
programs=${OUTPUT:-$here/../build/selftests}
# A program that hangs is given up after this many seconds.
limit=${LLM_TEST_LIMIT:-7200}

if [ $# -eq 0 ]; then
	# shellcheck disable=SC2046 # names without spaces
	set -- $(cat "$programs/tests")
fi
if [ ! -c /dev/llm ]; then
	echo "1..1"
	echo "not ok 1 run.sh: /dev/llm is not there; is llm.ko loaded?"
	exit 1
fi

# Checks the stream of program $1, which ends with a line "@exit STATUS".
account() {
	awk -v name="$1" '
		/^@exit / { status = $2; next }
		/^1\.\.[0-9]+/ { plan = substr($1, 4) + 0; planned = 1 }
		/^1\.\.0 # SKIP/ { sub(/^1\.\.0 # SKIP */, ""); print "1..1"
			print "ok 1 " name " # SKIP " $0; plan = run = 1; next }
		/^ok / { run++ }
		/^not ok / { run++; failed++ }
		{ print; fflush() }
		END {
			if (!planned || run != plan || (status && status != 4 && !failed)) {
				printf "not ok %d %s: ended with status %s after %d of %s\n", \
					run + 1, name, status, run, planned ? plan " tests" : "?"
				failed++
			}
			exit failed > 0
		}'
}

failed=0
for test in "$@"; do
	echo "# $test"
	{
		status=0
		timeout -k 10 "$limit" "$programs/$test" 2>&1 || status=$?
		echo "@exit $status"
	} | account "$test" || failed=1
done
exit $failed

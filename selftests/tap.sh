# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# For test scripts, which source it: a folder of their own, $scratch, which they remove,
# and results as TAP. At the end $failed is 1 where a test has failed.

scratch=$(mktemp -d)
number=0
# shellcheck disable=SC2034 # for the script
failed=0

# result STATUS NAME: one line of TAP; what went wrong was written to $scratch/why
result() {
	number=$((number + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $number $2"
	else
		# shellcheck disable=SC2034 # for the script
		failed=1
		sed 's/^/# /' "$scratch/why"
		echo "not ok $number $2"
	fi
	: >"$scratch/why"
}

# why TEXT...: says what went wrong, and fails
why() {
	echo "$*" >>"$scratch/why"
	return 1
}

# skip NAME REASON: one line of TAP
skip() {
	number=$((number + 1))
	echo "ok $number $1 # SKIP $2"
}

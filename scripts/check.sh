#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# scripts/check.sh PART...
#
# Runs the test suites of the parts host, uml and vm, every one whatever became of
# the others, and sums their TAP. The last line is "N passed, N failed, N skipped";
# the status is 1 when a test failed. Logs are kept in build/check/.

set -u

cd "$(dirname "$0")/.." || exit
logs=build/check
# The smallest model the project ships; tests of one kernel take the same.
model=$(find models -name '*.gguf' -printf '%s %p\n' | sort -n | sed -n '1s/^[0-9]* //p')

# Ends what runs, virtual machines too, before this ends with status $1.
# shellcheck disable=SC2317 # a trap calls it
stop() {
	local group

	trap '' HUP INT TERM
	for group in $(jobs -p); do
		kill -TERM -- "-$group"
	done
	wait
	exit "$1"
}

# Runs a suite, its output shown and logged, its status the last line of the log.
suite() {
	local name=$1 start=$SECONDS

	shift
	echo "# suite $name: $*"
	# A process group of its own, and in the background, so that a trap need not wait.
	set -m
	{
		"$@" </dev/null 2>&1 | tee "$logs/$name.log"
		echo "@exit ${PIPESTATUS[0]}" >>"$logs/$name.log"
	} &
	set +m
	wait $!
	echo "# suite $name: $((SECONDS - start)) s"
}

# The kselftests $3... or all, in a virtual machine that is killed after $2 seconds.
machine() {
	local kernel=$1 limit=$2 nodes=1

	shift 2
	[ "$kernel" != stock ] || nodes=2
	selftests/vm/kernel source uml >/dev/null && make -s -C selftests || return
	selftests/vm/run -k "$kernel" -t "$limit" -n $nodes ${model:+-m "$model"} -l "$logs/$kernel.kernel" \
		-- selftests/run.sh "$@"
}

# What the distribution's kernel runs: all where KVM works; where it is emulated,
# what many sessions and large contexts do not make too slow.
stock_tests() {
	selftests/vm/kvm-works "$(selftests/vm/kernel image stock)" ||
		echo llmctl llmctl_netlink stories device_io signals mailbox ioctl_abi ioctl_errors limits \
			seal_mmap permissions text chat embed sampling counters memory placement hotplug workers \
			netlink_requests netlink_lists netlink_refusals netlink_flow netlink_events \
			netlink_topics netlink_malformed netlink_load netlink_ynl \
			module_reload
}

# Prints the results of the KUnit tests in the kernel log of machine $1 as TAP.
kunit() {
	awk '
		{ sub(/^\[ *[0-9.]*\] /, "") }
		/^    # Subtest: / { name = $3 }
		/^    (not )?ok / {
			sub(/^ */, "")
			result = /^not/ ? "not ok" : "ok"
			sub(/^(not )?ok [0-9]+ /, "")
			print result " " ++n " kunit: " name ": " $0
		}
		END { print "1.." n + 0; exit !n }' "$logs/$1.kernel"
}

host() {
	suite host make -s -C selftests/host check
	suite fuzz make -s -C selftests/fuzz check
	suite train make -s -C tools/train check
}

uml() {
	suite run selftests/vm/test
	suite uml machine uml 1800
	suite uml-debug machine uml-debug 3000
	suite kunit kunit uml-debug
}

vm() {
	# shellcheck disable=SC2046 # names of tests
	suite stock machine stock 3000 $(stock_tests)
}

# Every suite counts for what its plans promise. One that died, printed no plan or
# failed without saying where counts one failure more.
sum() {
	awk '
		function close_file() {
			if (file == "")
				return
			lost = planned > seen ? planned - seen : 0
			if (lost)
				note(lost " of " planned " tests did not run")
			failed += lost
			if (!plans) {
				note("no TAP plan")
				failed++
			} else if (status != 0 && !bad && !lost) {
				note("ended with status " status)
				failed++
			}
		}
		function note(text) {
			sub(/.*\//, "", file)
			sub(/\.log$/, "", file)
			print "# suite " file ": " text
		}
		FNR == 1 {
			close_file()
			file = FILENAME
			planned = seen = plans = bad = 0
			status = "unknown"
		}
		/^1\.\.[0-9]+/ {
			plans++
			planned += substr($1, 4)
			if (/^1\.\.0 # SKIP/)
				skipped++
		}
		/^ok / { seen++; if (/# SKIP/) skipped++; else passed++ }
		/^not ok / { seen++; bad++; failed++; note($0) }
		/^Bail out!/ { bad++; failed++; note($0) }
		/^@exit / { status = $2 }
		END {
			close_file()
			printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
			exit failed > 0
		}' "$@"
}

trap 'stop 129' HUP
trap 'stop 130' INT
trap 'stop 143' TERM
mkdir -p $logs
rm -f $logs/*
for part in "$@"; do
	case $part in
	host | uml | vm) $part ;;
	*)
		echo "usage: scripts/check.sh [host] [uml] [vm]" >&2
		exit 2
		;;
	esac
done
sum $logs/*.log

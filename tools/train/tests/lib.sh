# SPDX-License-Identifier: GPL-2.0
# For the tests in shell: TAP, a scratch folder, a small text. Sourced with
# TRAIN, the program under test, and TOOLS, the folder of the test programs, set.
# shellcheck shell=sh

TESTS=0
FAILED=0
SCRATCH=$(mktemp -d)
trap 'rm -rf "$SCRATCH"' EXIT
: "${OMP_NUM_THREADS:=2}"
: "${OMP_WAIT_POLICY:=passive}"
export OMP_NUM_THREADS OMP_WAIT_POLICY

# result STATUS NAME
result()
{
	TESTS=$((TESTS + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $TESTS $2"
	else
		echo "not ok $TESTS $2"
		FAILED=1
	fi
}

# skip NAME WHY
skip()
{
	TESTS=$((TESTS + 1))
	echo "ok $TESTS $1 # SKIP $2"
}

# check NAME COMMAND...: passes when the command succeeds
check()
{
	name=$1
	shift
	if "$@" >"$SCRATCH/log" 2>&1; then
		result 0 "$name"
	else
		sed 's/^/# /' "$SCRATCH/log"
		result 1 "$name"
	fi
}

finish()
{
	echo "1..$TESTS"
	return "$FAILED"
}

# make_text FILE: about 60 KB of English-like documents, the same every time
make_text()
{
	awk 'BEGIN {
		n = split("the a king queen house garden river letter friend sister walked wrote " \
			  "found loved lost saw old young quiet happy little great never always " \
			  "before after again there", w, " ")
		for (i = 0; i < 12000; i++) {
			x = (x * 69069 + 12345) % 4294967296
			printf "%s%s", w[int(x / 65536) % n + 1], i % 12 == 11 ? ".\n" : " "
			if (i % 400 == 399)
				printf "\f\n"
		}
	}' >"$1"
}

# losses DIR: the training losses of a run, one a line
losses()
{
	sed 1d "$1/log.csv" | cut -d, -f2
}

# agree FILE FILE LIMIT COUNT: so many numbers, pairwise within the relative limit
agree()
{
	paste "$1" "$2" | awk -v limit="$3" -v count="$4" '{
		d = ($1 - $2) / $1
		d = d < 0 ? -d : d
		worst = d > worst ? d : worst
		if (NF != 2)
			bad = 1
	} END {
		printf "%d losses, largest relative difference %g\n", NR, worst
		exit bad || NR != count || !(worst < limit)
	}'
}

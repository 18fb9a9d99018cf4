#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# tools/bench/bench.sh
#
# How fast a model of 106 million random Q8_0 weights is: by the engine in a
# process and by the module under User-Mode Linux, in turn; what share of the
# memory's measured read speed generating reaches; generating again with a busy
# loop on every CPU; and the slices in which the module held the floating-point
# unit meanwhile. For an idle machine. BENCH_JSON=FILE takes the figures as JSON.

set -eu

cd "$(dirname "$0")/../.."
rounds=${BENCH_ROUNDS:-3}
cpus=$(nproc)
work=build/bench
image=$work/random-106m.img

mkdir -p "$work"
make -s lib tools
make -s -C tools/bench
[ -f "$image" ] || tools/bench/build/random_image -l 20 -w 768 -c 2048 -t q8_0 "$image"

# The figures of "llmctl bench" on standard input: prompt, then generating.
figures() {
	awk '/tokens\/s/ { printf "%s ", $2 } END { print "" }'
}

on_host() {
	tools/llmctl/llmctl --host bench -m "$image" -r 3 | figures
}

# Generating with a busy loop on every CPU of the guest, then the slices of all.
# shellcheck disable=SC2016 # for the shell in the guest
in_module() {
	selftests/vm/run -k uml -m "$image" -c "$cpus" -- sh -c '
		echo 0 >/sys/kernel/debug/llm/slices
		llmctl bench -r 3
		cat /sys/kernel/debug/llm/slices >"$2"
		for i in $(seq "$1"); do
			while :; do :; done &
			loops="${loops:-} $!"
		done
		llmctl bench -r 3 -p 0
		kill $loops' sh "$cpus" "$work/slices.$1" | figures
}

median() {
	sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

column() {
	awk -v n="$2" '{ print $n }' "$work/$1" | median
}

: >"$work/host"
: >"$work/module"
for round in $(seq "$rounds"); do
	on_host >>"$work/host"
	in_module "$round" >>"$work/module"
done
bandwidth=$(tools/bench/build/read_speed "$cpus" 2>/dev/null)

awk -v hp="$(column host 1)" -v hg="$(column host 2)" -v mp="$(column module 1)" \
	-v mg="$(column module 2)" -v mb="$(column module 3)" -v gb="$bandwidth" \
	-v bytes="$(stat -c %s "$image")" -v cpus="$cpus" -v json="${BENCH_JSON:-/dev/null}" '
	BEGIN {
		printf "%d CPUs, memory read at %.1f GB/s\n\n", cpus, gb
		printf "%-36s %10s %10s %8s\n", "tokens/s, medians", "process", "module", "ratio"
		printf "%-36s %10.1f %10.1f %8.2f\n", "prompt of 512", hp, mp, mp / hp
		printf "%-36s %10.1f %10.1f %8.2f\n", "generating", hg, mg, mg / hg
		printf "%-36s %10.2f %10.2f\n", "  share of the read speed", \
			hg * bytes / gb / 1e9, mg * bytes / gb / 1e9
		printf "%-36s %10s %10.1f %8.2f of idle\n", "generating, a busy loop on each CPU", \
			"", mb, mb / mg
		printf "{\"cpus\":%d,\"read_gb_per_s\":%s,\"process\":{\"prompt\":%s,\"generate\":%s}," \
			"\"module\":{\"prompt\":%s,\"generate\":%s,\"generate_busy\":%s}}\n", \
			cpus, gb, hp, hg, mp, mg, mb >json
	}'
printf '\nslices of the module, last round, without the busy loops:\n'
cat "$work/slices.$rounds"

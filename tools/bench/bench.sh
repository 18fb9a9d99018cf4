#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# tools/bench/bench.sh
#
# How fast generated models with random weights are: by the engine in a process,
# by its AVX2 form alone, by the module under User-Mode Linux, and by llama.cpp
# where llama-bench is on the PATH (the faster of one thread and of one for every
# CPU), in turn; what share of the memory's measured read speed generating
# reaches; generating with a busy loop on every CPU; the slices in which the
# module held the floating-point unit; and requests over netlink against the same
# through files. For an idle machine.
#
# BENCH_MODELS is a list of SHAPE:TYPE (135m:Q8_0), BENCH_ROUNDS how often each is
# measured; BENCH_JSON=FILE takes the medians as JSON, an object a line.

set -eu

cd "$(dirname "$0")/../.."
models=${BENCH_MODELS:-135m:Q8_0 135m:Q4_0 135m:Q4_K 135m:F16 500m:Q8_0}
rounds=${BENCH_ROUNDS:-3}
cpus=$(nproc)
work=build/bench

# The shapes of SmolLM2-135M, Qwen2.5-0.5B and TinyLlama-1.1B.
shape() {
	case $1 in
	135m) echo -l 30 -w 576 -f 1536 -n 9 -k 3 -v 49152 ;;
	500m) echo -l 24 -w 896 -f 4864 -n 14 -k 2 -v 151936 ;;
	1b) echo -l 22 -w 2048 -f 5632 -n 32 -k 4 -v 32000 ;;
	*)
		echo "bench: there is no shape $1: 135m, 500m or 1b" >&2
		return 1
		;;
	esac
}

# Prints the path of the model of shape $1 and type $2, made where it is missing.
model() {
	local path=$work/$1-$2.gguf

	if [ ! -f "$path" ]; then
		# shellcheck disable=SC2046 # options
		tools/random/build/random-model $(shape "$1") -t "$2" "$path.part" >&2 || return
		mv "$path.part" "$path"
	fi
	echo "$path"
}

# The figures of "llmctl bench" on standard input: prompt, then generating.
figures() {
	awk '/tokens\/s/ { printf "%s ", $2 } END { print "" }'
}

# By the engine in a process, form $2 of it.
on_host() {
	tools/llmctl/llmctl --host bench -m "$1" --form "$2" -r 1 | figures
}

# Generating with a busy loop on every CPU of the guest, then the slices of all.
# shellcheck disable=SC2016 # for the shell in the guest
in_module() {
	selftests/vm/run -k uml -m "$1" -c "$cpus" -- sh -c '
		echo 0 >/sys/kernel/debug/llm/slices
		llmctl bench -r 1
		cat /sys/kernel/debug/llm/slices >"$2"
		for i in $(seq "$1"); do
			while :; do :; done &
			loops="${loops:-} $!"
		done
		llmctl bench -r 1 -p 0
		kill $loops' sh "$cpus" "$work/slices" | figures
}

# The best of llama.cpp's settings for each: prompt, generating, and that busy.
by_llama() {
	local pids=() i

	llama-bench -m "$1" -t "1,$cpus" -p 512 -n 128 -r 1 -o csv 2>/dev/null |
		python3 -c '
import csv, sys
best = {"0": 0.0, "512": 0.0}
for row in csv.DictReader(sys.stdin):
    best[row["n_prompt"]] = max(best[row["n_prompt"]], float(row["avg_ts"]))
print("%.1f %.1f" % (best["512"], best["0"]), end=" ")'
	for i in $(seq "$cpus"); do
		while :; do :; done &
		pids[i]=$!
	done
	llama-bench -m "$1" -t "1,$cpus" -p 0 -n 32 -r 1 -o csv 2>/dev/null |
		python3 -c '
import csv, sys
print(max(float(row["avg_ts"]) for row in csv.DictReader(sys.stdin)))'
	kill "${pids[@]}"
	wait "${pids[@]}" 2>/dev/null || true
}

median() {
	sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

# Column $2 of the figures called $1, the median, or 0 where there are none.
column() {
	if [ -s "$work/$1" ]; then awk -v n="$2" '{ print $n }' "$work/$1" | median; else echo 0; fi
}

line() {
	printf '%-10s %-26s %9s %9s %9s %9s %9s\n' "$@"
}

ratio() {
	awk -v a="$1" -v b="$2" 'BEGIN { if (b > 0) printf "%.2f", a / b; else print "-" }'
}

# One model: measured in turn, a line a figure.
measure() {
	local path bytes bandwidth hp hg ap ag mp mg mb lp lg lb

	path=$(model "${1%:*}" "${1#*:}")
	bytes=$(stat -c %s "$path")
	rm -f "$work"/{host,avx2,module,llama}
	for _ in $(seq "$rounds"); do
		on_host "$path" auto >>"$work/host"
		on_host "$path" avx2 >>"$work/avx2"
		in_module "$path" >>"$work/module"
		if command -v llama-bench >/dev/null; then
			by_llama "$path" >>"$work/llama"
		fi
	done
	bandwidth=$(tools/bench/build/read_speed "$cpus" 2>/dev/null)
	hp=$(column host 1) hg=$(column host 2) ap=$(column avx2 1) ag=$(column avx2 2)
	mp=$(column module 1) mg=$(column module 2) mb=$(column module 3)
	lp=$(column llama 1) lg=$(column llama 2) lb=$(column llama 3)
	line "$1" "prompt of 512" "$hp" "$ap" "$mp" "$lp" "$(ratio "$hp" "$lp")"
	line "" "generating" "$hg" "$ag" "$mg" "$lg" "$(ratio "$hg" "$lg")"
	line "" "  share of $bandwidth GB/s" \
		"$(awk -v s="$hg" -v b="$bytes" -v g="$bandwidth" 'BEGIN { printf "%.2f", s * b / g / 1e9 }')" \
		"" "$(awk -v s="$mg" -v b="$bytes" -v g="$bandwidth" 'BEGIN { printf "%.2f", s * b / g / 1e9 }')" "" ""
	line "" "generating, CPUs busy" "" "" "$mb" "$lb" "$(ratio "$mb" "$lb")"
	echo "{\"model\":\"$1\",\"bytes\":$bytes,\"read_gb_per_s\":$bandwidth," \
		"\"process\":[$hp,$hg],\"avx2\":[$ap,$ag],\"module\":[$mp,$mg,$mb],\"llama\":[$lp,$lg,$lb]}" \
		>>"${BENCH_JSON:-/dev/null}"
}

mkdir -p "$work"
make -s lib tools
make -s -C tools/bench
make -s -C tools/random
[ -z "${BENCH_JSON:-}" ] || : >"$BENCH_JSON"
echo "$cpus CPUs; tokens/s, medians of $rounds; the last column is process / llama.cpp, busy: module / llama.cpp"
line model "" process avx2 module llama.cpp ratio
for each in $models; do
	measure "$each"
done
printf '\nslices of the module, last model and round, without the busy loops:\n'
head -8 "$work/slices"
if [ -x tools/bench/build/netlink_speed ]; then
	printf '\nrequests over netlink and through files, a model of 2.2 million weights:\n'
	selftests/vm/run -k uml -m models/austen-kjv.gguf -c "$cpus" -- tools/bench/build/netlink_speed
fi

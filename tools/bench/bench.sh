#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# tools/bench/bench.sh
#
# How fast generated models with random weights are: by the engine in a process
# (host), by its AVX2 form alone (avx2), by the module under User-Mode Linux
# (module), and by llama.cpp where llama-bench is on the PATH, with the best of its
# settings (threads from one to one a CPU, with polling and without). All take turns
# in every round; figures are medians, with the least and the most in the JSON.
# Beside them is what the machine can do: how fast it reads memory, and how many
# multiply-adds it does. For an idle machine.
#
#   BENCH_MODELS   models of the main table, SHAPE:TYPE, shapes 135m, 500m and 1b
#   BENCH_DETAIL   models of the other tables
#   BENCH_PARTS    of main busy sessions contexts slices load netlink
#   BENCH_CONTEXTS tokens before a generation (default 128,1024,4096,16384)
#   BENCH_WHO      of host avx2 module llama
#   BENCH_ROUNDS   how often each is measured (default 5)
#   BENCH_PARAMS   parameters of llm.ko
#   BENCH_JSON     file that takes the figures, an object a line
#   BENCH_SVG      file that takes a picture of the main table
#
# The main figures of one model in two or three minutes:
#   BENCH_PARTS="main busy" BENCH_MODELS=135m:Q8_0 make bench

set -eu
shopt -s inherit_errexit

cd "$(dirname "$0")/../.."
work=build/bench
samples=$work/samples
cpus=$(nproc)
rounds=${BENCH_ROUNDS:-5}
models=${BENCH_MODELS:-$(echo {135m,500m,1b}:{Q8_0,Q4_0,Q4_K_M,F16})}
detail=${BENCH_DETAIL:-500m:Q8_0}
parts=" ${BENCH_PARTS:-main busy sessions contexts slices load netlink} "
who=" ${BENCH_WHO:-host avx2 module llama} "

# shellcheck source=tools/bench/models.sh
. tools/bench/models.sh
# shellcheck source=tools/bench/measure.sh
. tools/bench/measure.sh
trap end_all EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# Whether a part, or one who measures, is asked for.
part() {
	[[ $parts == *" $1 "* ]]
}

asked() {
	[[ $who == *" $1 "* ]] && { [ "$1" != llama ] || have_llama; }
}

# What the machine can do: sampled with the model, since it varies.
measure_machine() {
	local kind value

	sample machine read "$(tools/bench/build/read_speed "$cpus" 2>/dev/null)"
	while read -r kind value; do
		sample machine "$kind" "$value"
	done < <(tools/bench/build/mac_peak "$cpus")
}

measure_main() {
	measure_machine
	! asked host || host auto -n "$made"
	! asked module || module "" -n "$made"
	! asked llama || llama_main
	! asked avx2 || host avx2 -n "$made" --sessions 1
}

llama_main() {
	local prompt decode

	prompt=$(llama_best prompt) decode=$(llama_best decode)
	if [ "$prompt" = "$decode" ]; then
		llama "" "$prompt" -p 512 -n "$made"
	else
		llama "" "$prompt" -p 512 -n 0
		llama "" "$decode" -p 0 -n "$made"
	fi
}

measure_busy() {
	local kind

	for kind in loop compile; do
		! asked module || module_busy $kind -p 0 -n 32 --sessions 1
		! asked llama || llama_busy $kind -p 0 -n 32
	done
}

measure_sessions() {
	local counts=1,2,4,8,16

	! asked host || host auto -p 0 -n 32 --sessions $counts
	! asked module || module "" -p 0 -n 32 --sessions $counts
}

measure_contexts() {
	local lengths=${BENCH_CONTEXTS:-128,1024,4096,16384}

	! asked host || host auto -p 0 -n 16 --sessions 0 --contexts "$lengths"
	! asked module || module "" -p 0 -n 16 --sessions 0 --contexts "$lengths"
	! asked llama || llama "" "$(llama_best decode)" -p 0 -n 16 -d "$lengths"
}

# The slices of prompts and generations in the idle machine, and what this machine
# makes of slices that only read the clock.
measure_slices() {
	local figure value

	in_machine "echo 0 >/sys/kernel/debug/llm/slices; llmctl bench -r 3 -n $made >/dev/null"
	while read -r figure value; do
		sample module "slice_$figure" "$value"
	done < <(in_machine cat /sys/kernel/debug/llm/slices | awk '
		$1 == "slices" { print "count", $2 }
		/^within budget  / { print "within", $3 }
		$1 == "99%" { print "99", $3 }
		$1 == "99.9%" { print "999", $3 }
		$1 == "longest" { print "longest", $2 / 1000 }')
	read -r within p99 p999 longest < <(tools/bench/build/gaps "$cpus" 5)
	sample machine slice_within "$within"
	sample machine slice_99 "$p99"
	sample machine slice_999 "$p999"
	sample machine slice_longest "$longest"
}

# Loading once more, beside reading the file; memory of the model, and of a session with a
# full context, beside what their numbers take.
measure_load() {
	local folder=/sys/class/misc/llm/models/again word

	for word in $(in_machine "t() { date +%s.%N; }; f=$PWD/$path;
		a=\$(t); cat \$f >/dev/null; b=\$(t); llmctl load --name again \$f >/dev/null; c=\$(t);
		echo \$a \$b \$c | awk '{ print \"cat:\" \$2 - \$1, \"load:\" \$3 - \$2 }';
		echo model_memory:\$(cat $folder/memory) session_memory:\$(cat $folder/session_memory);
		llmctl unload again >/dev/null"); do
		sample module "${word%:*}" "${word#*:}"
	done
	sample module model_least $(($(stat -c %s "$path") + $(least "${name%:*}" step)))
	sample module session_least "$(least "${name%:*}" session)"
}

measure_netlink() {
	if [ -x tools/bench/build/netlink_speed ]; then
		printf '\nrequests over netlink and through files, a model of 2.2 million weights:\n'
		selftests/vm/run -k uml -m models/austen-kjv.gguf -c "$cpus" -- \
			tools/bench/build/netlink_speed
	fi
}

# measure MODEL PART...: so many rounds of the parts that are asked for
measure() {
	local each round

	name=$1
	shift
	path=$(model "$name")
	made=$(tokens "${name%:*}")
	! asked module || machine_begin
	for round in $(seq "$rounds"); do
		echo "$name, round $round" >&2
		for each; do
			! part "$each" || "measure_$each"
		done
	done
	! asked module || machine_end
}

mkdir -p "$work"
make -s lib tools
make -s -C tools/bench
make -s -C tools/random
: >"$samples"
if part main || part busy; then
	for each in $models; do
		measure "$each" main busy
	done
fi
if part sessions || part contexts || part slices || part load; then
	for each in $detail; do
		measure "$each" sessions contexts slices load
	done
fi
tools/bench/report.py "$work"
! part netlink || measure_netlink

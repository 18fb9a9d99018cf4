#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# run.sh FUZZER...: runs built fuzzers, each a line of TAP. See Makefile.
set -eu

cd "$(dirname "$0")"
build=build

# Inputs that take some ten seconds.
runs() {
	case $1 in
	fuzz_tokenizer) echo 4000 ;;
	*) echo 20000 ;;
	esac
}

# Hostile files may ask for any amount of memory; the answer must be ENOMEM.
ASAN_OPTIONS=allocator_may_return_null=1
export ASAN_OPTIONS

fuzz() {
	name=$1
	corpus=$build/corpus/${name#fuzz_}
	seeds=$build/start/${name#fuzz_}
	mkdir -p "$corpus" "$build/crashes"
	set -- -timeout=20 -rss_limit_mb=4096 -artifact_prefix="$build/crashes/$name-"
	if [ -n "${LLM_FUZZ_SECONDS:-}" ]; then
		"$build/$name" "$@" -max_total_time="$LLM_FUZZ_SECONDS" "$corpus" "$seeds"
	else
		"$build/$name" "$@" -seed=1 -runs="$(runs "$name")" "$seeds"
	fi
}

echo "1..$#"
if [ ! -x "$build/seeds" ]; then
	number=0
	for name; do
		number=$((number + 1))
		echo "ok $number $name # SKIP needs clang"
	done
	exit 0
fi

mkdir -p "$build/start"
"$build/seeds" "$build/start"
for kind in mamba rwkv7 qwen3-rank; do
	../../tools/random/build/random-model -a "$kind" -t Q8_0 -w 32 -l 2 -n 2 -v 512 \
		"$build/start/gguf/$kind"
done
status=0
number=0
for name; do
	number=$((number + 1))
	if fuzz "$name" >"$build/$name.log" 2>&1; then
		echo "# $(grep -E '^Done|^#[0-9]+.*DONE' "$build/$name.log" | tail -n 1)"
		echo "ok $number $name"
	else
		status=1
		tail -n 40 "$build/$name.log" | sed 's/^/# /'
		echo "not ok $number $name"
	fi
done
exit $status

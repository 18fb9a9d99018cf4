#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Models of every architecture, with weights of many number formats, one after the
# other in one boot: each is loaded, says what the engine says on the host, and is
# unloaded. As root; llmctl is on the PATH, random-model beside this script.

set -u

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tap.sh
. "$here/tap.sh"
model=$scratch/model.gguf
name=test-architecture
prompt="the rest of the tokens"

# shellcheck disable=SC2317 # a trap calls it
finish() {
	llmctl unload "$name" 2>/dev/null
	rm -rf "$scratch"
}
trap finish EXIT

# says_the_same KIND TYPES [KV]: encoders make no text but numbers
says_the_same() {
	local ask=(run --raw --temp 0 -n 12 "$prompt") kv=${3:-f16}

	case $1 in
	*-rank) ask=(rerank "$prompt" "the rest" "a token") ;;
	*bert) ask=(embed "$prompt") ;;
	esac
	"$here/random-model" -a "$1" -t "$2" -f 256 -n 4 -v 512 -c 256 "$model" &&
		llmctl load --name "$name" --kv "$kv" "$model" >/dev/null &&
		llmctl "${ask[@]}" -m "$name" >"$scratch/ours" &&
		llmctl --host "${ask[@]}" --kv "$kv" -m "$model" >"$scratch/host" &&
		[ -s "$scratch/ours" ] && cmp "$scratch/ours" "$scratch/host" &&
		llmctl unload "$name" >/dev/null
}

kinds=$("$here/random-model" -L) || exit
set -- F32 F16 BF16 Q8_0 Q4_0 Q4_1 Q5_0 Q5_1 Q2_K Q3_K Q4_K Q5_K Q6_K IQ4_NL IQ4_XS MXFP4
echo "1..$(($(echo "$kinds" | wc -l) + $# + 2))"
for kind in $kinds; do
	says_the_same "$kind" Q4_K,F16,Q8_0,Q6_K,F32 2>"$scratch/why"
	result $? "a random $kind says what it says on the host"
done
for format in "$@"; do
	says_the_same llama "$format" 2>"$scratch/why"
	result $? "a random llama in $format says what it says on the host"
done
for kv in q8_0 f32; do
	says_the_same llama F16 "$kv" 2>"$scratch/why"
	result $? "a random llama with keys and values in $kv says what it says on the host"
done
exit $failed

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Models of every architecture, with weights of many number formats, one after the
# other in one boot: each is loaded, says what the engine says on the host, and is
# unloaded; then vocabularies of every kind. As root; llmctl is on the PATH, random-model beside this script.

set -u

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tap.sh
. "$here/tap.sh"
# shellcheck source=call.sh
. "$here/call.sh"
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
	local ask=(run --raw --temp 0 -n 12 "$prompt") kv=()

	[ $# -lt 3 ] || kv=(--kv "$3")
	case $1 in
	*-rank) ask=(rerank "$prompt" "the rest" "a token") ;;
	*bert) ask=(embed "$prompt") ;;
	esac
	"$here/random-model" -a "$1" -t "$2" -f 256 -n 4 -v 512 -c 256 "$model" &&
		llmctl load --name "$name" "${kv[@]}" "$model" >/dev/null &&
		llmctl "${ask[@]}" -m "$name" >"$scratch/ours" &&
		llmctl --host "${ask[@]}" "${kv[@]}" -m "$model" >"$scratch/host" &&
		[ -s "$scratch/ours" ] && cmp "$scratch/ours" "$scratch/host" &&
		unloads "$name"
}

# defaults_to KIND KV: what sessions keep keys and values in
defaults_to() {
	"$here/random-model" -a "$1" -n 4 -v 512 -c 256 "$model" &&
		llmctl info --json "$model" >"$scratch/ours" &&
		llmctl info --json --kv "$2" "$model" | cmp "$scratch/ours"
}

# reads_the_same ARGUMENT...: the vocabulary of such a model, of a regular size, in the
# kernel and on the host, and a message put into a chat template. Encoders make no reply.
reads_the_same() {
	local text="The 1st text's words: \u00e9\uff21\u4e16\U1f600  don't\n\n\t if (x) {\xff\xf0\x9f }"
	local ask=(run --template chatml --temp 0 -n 12 "$prompt")

	[ "$1" = -a ] && ask=(embed "$prompt")
	printf '%b' "$text" >"$scratch/text"
	"$here/random-model" "$@" -w 64 -n 4 -l 2 -c 256 "$model" &&
		llmctl load --name "$name" "$model" >/dev/null &&
		llmctl tokenize -m "$name" - <"$scratch/text" >"$scratch/ours" &&
		llmctl "${ask[@]}" -m "$name" >>"$scratch/ours" &&
		llmctl --host tokenize -m "$model" - <"$scratch/text" >"$scratch/host" &&
		llmctl --host "${ask[@]}" -m "$model" >>"$scratch/host" &&
		[ "$(wc -w <"$scratch/ours")" -gt 20 ] && cmp "$scratch/ours" "$scratch/host" &&
		unloads "$name"
}

kinds=$("$here/random-model" -L) || exit
set -- F32 F16 BF16 Q8_0 Q4_0 Q4_1 Q5_0 Q5_1 Q2_K Q3_K Q4_K Q5_K Q6_K IQ4_NL IQ4_XS MXFP4
echo "1..$(($(echo "$kinds" | wc -l) + $# + 10))"
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
defaults_to llama f16 2>"$scratch/why"
result $? "a llama keeps keys and values in f16"
defaults_to bert f32 2>"$scratch/why"
result $? "an encoder keeps keys and values in f32"
for vocabulary in "-V spm -v 32000" "-V bpe -p smollm -v 49152" "-V bpe -p llama-bpe -v 32000" \
	"-V bpe -p qwen2 -v 151936" "-a bert -v 30522" "-a bert -V unigram -v 65536"; do
	# shellcheck disable=SC2086 # words
	reads_the_same $vocabulary 2>"$scratch/why"
	result $? "a vocabulary ($vocabulary) reads what it reads on the host"
done
exit $failed

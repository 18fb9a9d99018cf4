# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2154 # variables of who includes this
#
# Models of random weights to measure with, made where they are missing. A model is
# SHAPE:TYPE, such as 135m:Q8_0.

# The shapes of SmolLM2-135M, Qwen2.5-0.5B and TinyLlama-1.1B, with a context for
# the longest that is measured.
shape() {
	case $1 in
	135m) echo -c 20480 -l 30 -w 576 -f 1536 -n 9 -k 3 -v 49152 ;;
	500m) echo -c 20480 -l 24 -w 896 -f 4864 -n 14 -k 2 -v 151936 ;;
	1b) echo -c 20480 -l 22 -w 2048 -f 5632 -n 32 -k 4 -v 32000 ;;
	*)
		echo "bench: there is no shape $1: 135m, 500m or 1b" >&2
		return 1
		;;
	esac
}

# What the numbers of a model of shape $1 take at least, in bytes: "session" for the
# keys and values of all positions, in 16 bits, and "step" for what one step of 128
# rows of which 64 have an output computes, in 32 bits: the state and its norm,
# queries, keys and values, both sides of the gate and what comes through it, and
# the logits.
least() {
	local -A o=()
	local word='' each

	for each in $(shape "$1"); do
		case $each in
		-?) word=$each ;;
		*) o[$word]=$each ;;
		esac
	done
	case $2 in
	session) echo $((o[-l] * o[-k] * (o[-w] / o[-n]) * 2 * 2 * o[-c])) ;;
	step) echo $((128 * 4 * (2 * o[-w] + (o[-n] + 2 * o[-k]) * (o[-w] / o[-n]) +
		3 * o[-f]) + 64 * 4 * o[-v])) ;;
	esac
}

# Tokens to generate at a time with shape $1: about a second.
tokens() {
	case $1 in
	135m) echo 128 ;;
	500m) echo 64 ;;
	*) echo 32 ;;
	esac
}

# Prints the path of model $1.
model() {
	local path=$work/${1%:*}-${1#*:}.gguf

	if [ ! -f "$path" ]; then
		# shellcheck disable=SC2046 # options
		tools/random/build/random-model $(shape "${1%:*}") -t "${1#*:}" "$path.part" >&2 ||
			return
		mv "$path.part" "$path"
	fi
	echo "$path"
}

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

# Bytes of the keys and values of one position of shape $1: layers, key/value heads,
# columns of a head, two of 16 bits each.
position_bytes() {
	case $1 in
	135m) echo $((30 * 3 * 64 * 4)) ;;
	500m) echo $((24 * 2 * 64 * 4)) ;;
	1b) echo $((22 * 4 * 64 * 4)) ;;
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

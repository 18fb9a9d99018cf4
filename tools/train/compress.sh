#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# usage: compress.sh DIR
# Bits a byte that compressors need for the test's text of a run when they may
# read the training text first: what it adds to the compressed size, beside the
# model's own figure in results.txt. Needs xz and 7z (p7zip-full).
set -eu

[ $# -eq 1 ] || { sed -n '3,6s/^# //p' "$0" >&2; exit 2; }
TMP=$(mktemp -d)
trap 'rm -rf "$TMP"' EXIT
cp "$1/train.txt" "$TMP/train"
cat "$1/train.txt" "$1/test.txt" >"$TMP/both"
BYTES=$(wc -c <"$1/test.txt")

# report NAME SIZE_OF_TRAIN SIZE_OF_BOTH
report()
{
	awk -v n="$1" -v a="$2" -v b="$3" -v bytes="$BYTES" \
		'BEGIN { printf "%-12s %.3f\n", n, 8 * (b - a) / bytes }'
}

ppmd()
{
	7z a -bd -t7z "-m0=PPMd:mem=512m:o=$2" "$TMP/$1.$2.7z" "$TMP/$1" >/dev/null
	wc -c <"$TMP/$1.$2.7z"
}

sed -n 's/^bits_per_byte/llm-train   /p' "$1/results.txt"
report "xz -9e" "$(xz -9e -c "$TMP/train" | wc -c)" "$(xz -9e -c "$TMP/both" | wc -c)"
for order in 6 8 10 12 14 16; do
	report "PPMd o=$order" "$(ppmd train "$order")" "$(ppmd both "$order")"
done

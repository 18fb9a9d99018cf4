#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Training speed on two cores: beside PyTorch on the same shape and batches, the two
# taking turns, and as the batch doubles. Give it a machine that does nothing else.
set -eu
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

PYTHON=${PYTHON:-/usr/bin/python3}
DIR=$SCRATCH/run
unset OMP_WAIT_POLICY

# Syllables at random: enough different words for a vocabulary of the usual size.
awk 'BEGIN {
	for (i = 0; i < 120000; i++) {
		x = (x * 69069 + 12345) % 4294967296
		y = int(x / 65536)
		printf "%s%s%s", substr("bdfghklmnprstvwz", y % 16 + 1, 1),
			substr("aeiou", int(y / 16) % 5 + 1, 1), int(y / 80) % 3 ? "" : " "
	}
}' >"$SCRATCH/text"
"$TRAIN" text --dir "$DIR" --heldout 0 "$SCRATCH/text" >/dev/null
"$TRAIN" vocab --dir "$DIR" --vocab 2048 --width 192 --layers 4 --heads 6 --hidden 512 \
	--context 256 --steps 12 --checkpoint 1000 >/dev/null

# fresh BATCH
fresh()
{
	rm -f "$DIR"/checkpoint* "$DIR"/best*
	"$TRAIN" init --dir "$DIR" --batch "$1" >/dev/null
}

# median COLUMN: of log.csv, the first two steps left out
median()
{
	sed 1,3d "$DIR/log.csv" | cut -d, -f"$1" | sort -g |
		awk '{ x[NR] = $1 } END { print x[int((NR + 1) / 2)] }'
}

# ours BATCH: tokens a second
ours()
{
	fresh "$1"
	"$TRAIN" train --dir "$DIR" 2>/dev/null
	median 5
}

if "$PYTHON" -c 'import torch' 2>/dev/null; then
	echo "round  llm-train  PyTorch  ratio     (tokens/s, batch of 8)"
	for round in 1 2 3; do
		a=$(ours 8)
		fresh 8
		b=$("$PYTHON" "$(dirname "$0")/torch_bench.py" "$TOOLS/batches" "$DIR")
		awk -v r="$round" -v a="$a" -v b="$b" \
			'BEGIN { printf "%-6d %-10.0f %-8.0f %.2f\n", r, a, b, a / b }'
	done
else
	echo "PyTorch: skipped, there is no python3-torch"
fi

echo "batch  tokens/s  ms a step"
for batch in 4 8 16 32 64; do
	speed=$(ours "$batch")
	awk -v b="$batch" -v s="$speed" \
		'BEGIN { printf "%-6d %-9.0f %.1f\n", b, s, b * 256 * 1000 / s }'
done

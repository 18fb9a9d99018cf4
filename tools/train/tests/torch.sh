#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Fifty steps from the same weights on the same batches, here and in PyTorch.
set -eu
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

PYTHON=${PYTHON:-/usr/bin/python3}

make_text "$SCRATCH/text"

# against OPTIMISER OPTION...
against()
{
	dir=$SCRATCH/$1
	"$TRAIN" text --dir "$dir" --heldout 0 "$SCRATCH/text" &&
		"$TRAIN" vocab --dir "$dir" --vocab 300 --width 64 --heads 4 --kv_heads 2 \
			--hidden 96 --layers 2 --context 48 --batch 4 --steps 50 --warmup 0 \
			--schedule constant --optimiser "$@" &&
		"$TRAIN" init --dir "$dir" || return 1
	cp -r "$dir" "$dir.first"
	"$TRAIN" train --dir "$dir" 2>/dev/null && cp "$dir/log.csv" "$dir.first" &&
		"$PYTHON" "$(dirname "$0")/torch_compare.py" "$TOOLS/batches" "$dir.first"
}

if "$PYTHON" -c 'import torch' 2>/dev/null; then
	check "PyTorch, adamw: 50 losses within 1e-4" against adamw --rate 1e-3
	sed 's/^/# /' "$SCRATCH/log"
	check "PyTorch, adam with L2: 50 losses within 1e-4" against adam --rate 1e-3 --l2 1e-3
	check "PyTorch, sgd with momentum: 50 losses within 1e-4" against sgd --rate 3e-2 --l2 1e-3
	check "PyTorch, rmsprop: 50 losses within 1e-4" against rmsprop --rate 3e-4 --beta2 0.99
else
	for optimiser in adamw "adam with L2" "sgd with momentum" rmsprop; do
		skip "PyTorch, $optimiser: 50 losses within 1e-4" "no python3-torch"
	done
fi
finish

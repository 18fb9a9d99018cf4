#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# What goes wrong is said in one sentence, and nothing is left half-written.
set -eu
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

SMALL="--width 32 --heads 2 --hidden 64 --layers 1 --context 32 --batch 4"
DIR=$SCRATCH/run

make_text "$SCRATCH/text"
"$TRAIN" text --dir "$DIR" --heldout 10 "$SCRATCH/text" >/dev/null
# shellcheck disable=SC2086
"$TRAIN" vocab --dir "$DIR" --vocab 300 $SMALL >/dev/null

mkdir "$SCRATCH/large"
cp "$DIR"/*.txt "$SCRATCH/large"

# refuses PATTERN COMMAND...: status 1, one line that matches, no unfinished file
refuses()
{
	pattern=$1
	shift
	status=0
	"$@" >"$SCRATCH/out" 2>"$SCRATCH/err" || status=$?
	cat "$SCRATCH/err"
	[ "$status" -eq 1 ] || return 1
	[ "$(grep -c '^llm-train: ' "$SCRATCH/err")" -eq 1 ] || return 1
	grep -q -e "$pattern" "$SCRATCH/err" || return 1
	[ -z "$(find "$SCRATCH" -name '*.tmp')" ]
}

printf 'good \303\050 bad' >"$SCRATCH/bad"
: >"$SCRATCH/empty"
printf ' \n\n\t\n' >"$SCRATCH/blank"

check "text that is not UTF-8" refuses 'not UTF-8 at byte 5' \
	"$TRAIN" text --dir "$SCRATCH/no" "$SCRATCH/bad"
check "an empty corpus" refuses 'no text to learn from' \
	"$TRAIN" text --dir "$SCRATCH/no" "$SCRATCH/empty" "$SCRATCH/blank"
check "no files" refuses 'give the files' "$TRAIN" text --dir "$SCRATCH/no"
check "a file that is not there" refuses 'cannot open' \
	"$TRAIN" text --dir "$SCRATCH/no" "$SCRATCH/nothing"
check "a vocabulary larger than the text allows" refuses 'larger than this text allows' \
	"$TRAIN" vocab --dir "$DIR" --vocab 60000
check "a vocabulary too small for the alphabet" refuses 'too small' \
	"$TRAIN" vocab --dir "$DIR" --vocab 261
check "an unknown option" refuses 'no option --frobnicate' \
	"$TRAIN" train --dir "$DIR" --frobnicate 1
check "an option out of its range" refuses 'whole number from 1 to 80' \
	"$TRAIN" train --dir "$DIR" --layers 1000
check "an unknown word" refuses 'choose from' "$TRAIN" train --dir "$DIR" --optimiser magic
check "an unknown command" refuses 'no command' "$TRAIN" dance
check "heads that do not divide the width" refuses 'cut into 5 heads' \
	"$TRAIN" train --dir "$DIR" --heads 5
check "a context longer than the text" refuses 'fewer than --context' \
	"$TRAIN" train --dir "$DIR" --heads 2 --context 65536
# shellcheck disable=SC2016
check "q8_0 of a width that is no multiple of 32" sh -c '
	"$1" train --dir "$2" --context 32 --width 36 --steps 1 2>/dev/null
	"$1" export --dir "$2" 2>&1 | grep -q "multiples of 32" && [ ! -e "$2/model.gguf" ]
	' sh "$TRAIN" "$DIR"
rm -f "$DIR"/checkpoint* "$DIR"/best*

"$TRAIN" train --dir "$DIR" --width 32 --steps 5 --checkpoint 5 2>/dev/null
cp "$DIR/checkpoint.5.0" "$SCRATCH/kept"
kept()
{
	cmp "$DIR/checkpoint.5.0" "$SCRATCH/kept" && grep -q '^step 5$' "$DIR/checkpoint"
}

check "a loss that is not a number" refuses 'not a number any more' \
	"$TRAIN" train --dir "$DIR" --steps 200 --checkpoint 200 --optimiser sgd --rate 100 \
	--warmup 0 --clip 0
check "the checkpoint before it is unharmed" kept

# A limit on the size of files stands for the full disk: write(2) fails the same way.
full_disk()
{
	(
		trap '' XFSZ
		ulimit -f 100
		refuses 'cannot write .*unharmed' "$TRAIN" train --dir "$DIR" --steps 10 \
			--checkpoint 6 --optimiser adamw --rate 1e-3 --validate 1000
	)
}
check "a full disk" full_disk
check "the checkpoint before that is unharmed" kept

check "a checkpoint of another shape" refuses 'use the settings it was made with' \
	"$TRAIN" train --dir "$DIR" --width 64
check "a run that was refused leaves the settings as they were" \
	grep -q '^width 32$' "$DIR/settings.txt"
check "a batch too large for one pass" refuses 'smaller --micro' \
	"$TRAIN" train --dir "$SCRATCH/large" --batch 65536 --context 128
printf 'x' | dd of="$DIR/checkpoint.5.0" bs=1 seek=1000 conv=notrunc 2>/dev/null
check "a damaged checkpoint" refuses 'damaged' "$TRAIN" train --dir "$DIR" --width 32
# shellcheck disable=SC2016
check "--help is one page" sh -c '
	"$1" --help >"$2" && [ "$(wc -l <"$2")" -lt 75 ] && grep -q -e --dropout "$2"
	' sh "$TRAIN" "$SCRATCH/help"
finish

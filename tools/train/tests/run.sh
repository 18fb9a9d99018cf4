#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Whole runs: the pipeline, resuming, several processes, shards, early stopping.
set -eu
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

SMALL="--width 32 --heads 2 --hidden 64 --layers 2 --context 32 --batch 4 --warmup 10"

make_text "$SCRATCH/text"
mkdir "$SCRATCH/base"
"$TRAIN" text --dir "$SCRATCH/base" --heldout 10 "$SCRATCH/text" >/dev/null
# shellcheck disable=SC2086
"$TRAIN" vocab --dir "$SCRATCH/base" --vocab 300 $SMALL >/dev/null

fresh()
{
	rm -rf "${SCRATCH:?}/$1"
	cp -r "$SCRATCH/base" "$SCRATCH/$1"
}

# become DIR OPTION...: the process becomes the trainer, so that signals reach it
become()
{
	dir=$1
	shift
	exec "$TRAIN" train --dir "$SCRATCH/$dir" --validate 50 --checkpoint 50 "$@" 2>/dev/null
}

train()
{
	(become "$@")
}

step_of()
{
	sed -n 's/^step //p' "$SCRATCH/$1/checkpoint"
}

# same DIR DIR: both ended with the same parameters and optimiser state
same()
{
	[ "$(step_of "$1")" = "$(step_of "$2")" ] &&
		cmp "$SCRATCH/$1/checkpoint.$(step_of "$1").0" \
		    "$SCRATCH/$2/checkpoint.$(step_of "$2").0"
}

pipeline()
{
	"$TRAIN" all --dir "$SCRATCH/all" --vocab 300 --heldout 5 --width 32 --heads 2 \
		--hidden 64 --layers 1 --context 32 --batch 4 --steps 60 --warmup 10 \
		--dropout 0.1 --kv_heads 1 "$SCRATCH/text" || return 1
	[ "$(head -c 4 "$SCRATCH/all/model.gguf")" = GGUF ] || return 1
	grep -q '^bits_per_byte [0-9]' "$SCRATCH/all/results.txt" || return 1
	grep -qx 'text test.txt' "$SCRATCH/all/results.txt" || return 1
	grep -q '<svg' "$SCRATCH/all/curve.svg" || return 1
	[ "$("$TRAIN" sample --dir "$SCRATCH/all" --prompt 'the king' --length 9 |
		head -c 8)" = 'the king' ]
}
check "text to GGUF in one command" pipeline

one_heldout()
{
	"$TRAIN" text --dir "$SCRATCH/all" --heldout 10 "$SCRATCH/text" || return 1
	"$TRAIN" eval --dir "$SCRATCH/all" && grep -qx 'text heldout.txt' "$SCRATCH/all/results.txt"
}
check "the only document held out serves for both" one_heldout

learns()
{
	fresh full && train full --steps 600 --dropout 0.1 || return 1
	first=$(losses "$SCRATCH/full" | head -n 1)
	last=$(losses "$SCRATCH/full" | tail -n 1)
	echo "loss $first to $last"
	awk -v a="$first" -v b="$last" 'BEGIN { exit !(b < 0.8 * a) }'
}
check "six hundred steps learn something" learns

threads()
{
	fresh one && OMP_NUM_THREADS=1 train one --steps 600 --dropout 0.1 && same full one
}
check "one thread gives the bits of two" threads

# signalled DIR SIGNAL STEPS: sends it to the run $! of that many steps when it has
# passed step 50
signalled()
{
	pid=$!
	while [ ! -e "$SCRATCH/$1/checkpoint" ] && kill -0 "$pid"; do
		sleep 0.01
	done
	kill "-$2" "$pid" || return 1
	wait "$pid" && return 1
	echo "ended at step $(step_of "$1")"
	[ "$(step_of "$1")" -ge 50 ] && [ "$(step_of "$1")" -lt "$3" ]
}

# cut_short DIR SIGNAL: starts 600 steps and signals them, again when a busy machine
# was so slow to signal that they had ended
cut_short()
{
	for _ in 1 2 3 4 5; do
		fresh "$1"
		become "$1" --steps 600 --dropout 0.1 &
		signalled "$1" "$2" 600 && return
	done
	return 1
}

killed()
{
	cut_short killed KILL && train killed --steps 600 --dropout 0.1 && same full killed
}
check "killed after step 50 and resumed: the same final weights" killed

interrupted()
{
	cut_short stopped INT && train stopped --steps 600 --dropout 0.1 &&
		same full stopped &&
		[ "$(losses "$SCRATCH/stopped")" = "$(losses "$SCRATCH/full")" ]
}
check "interrupted with SIGINT and resumed: the same final weights and losses" interrupted

shards()
{
	fresh cut && train cut --steps 50 --dropout 0.1 --schedule constant --shards 5 &&
		[ -e "$SCRATCH/cut/checkpoint.50.4" ] &&
		train cut --steps 100 --dropout 0.1 --schedule constant --shards 1 || return 1
	[ ! -e "$SCRATCH/cut/checkpoint.50.4" ] || return 1
	fresh whole && train whole --steps 100 --dropout 0.1 --schedule constant &&
		same whole cut
}
check "stopped at step 50 in five shards, resumed to 100: the same final weights" shards

accumulates()
{
	fresh plain && train plain --steps 100 || return 1
	fresh micro && train micro --steps 100 --micro 1 || return 1
	losses "$SCRATCH/plain" >"$SCRATCH/a"
	losses "$SCRATCH/micro" >"$SCRATCH/b"
	agree "$SCRATCH/a" "$SCRATCH/b" 1e-5 100
}
check "gradient accumulation: losses of 100 steps within 1e-5" accumulates

early()
{
	fresh early && train early --steps 400 --rate 0 --validate 10 --patience 3 || return 1
	[ "$(step_of early)" -eq 40 ]
}
check "early stopping after three validations without a better one" early

# mpi PROCESSES DIR OPTION...: the same of several processes
mpi()
{
	n=$1
	dir=$2
	shift 2
	exec mpirun --allow-run-as-root --oversubscribe --bind-to none -n "$n" \
		env OMP_NUM_THREADS=1 "$TRAIN" train --dir "$SCRATCH/$dir" --validate 50 \
		--checkpoint 50 "$@" 2>/dev/null
}

two_processes()
{
	fresh two && (mpi 2 two --steps 100) || return 1
	[ -e "$SCRATCH/two/checkpoint.100.1" ] || return 1
	losses "$SCRATCH/two" >"$SCRATCH/b"
	agree "$SCRATCH/a" "$SCRATCH/b" 1e-5 100
}

two_resumed()
{
	fresh again && (mpi 2 again --steps 50 --schedule constant) &&
		(mpi 2 again --steps 100 --schedule constant) || return 1
	fresh straight && (mpi 2 straight --steps 100 --schedule constant) || return 1
	cmp "$SCRATCH/again/checkpoint.100.0" "$SCRATCH/straight/checkpoint.100.0" &&
		cmp "$SCRATCH/again/checkpoint.100.1" "$SCRATCH/straight/checkpoint.100.1"
}

two_then_one()
{
	fresh mixed && (mpi 2 mixed --steps 50 --schedule constant) &&
		train mixed --steps 100 --schedule constant || return 1
	fresh plain && train plain --steps 100 --schedule constant || return 1
	losses "$SCRATCH/plain" >"$SCRATCH/a"
	losses "$SCRATCH/mixed" >"$SCRATCH/b"
	agree "$SCRATCH/a" "$SCRATCH/b" 1e-5 100
}

two_interrupted()
{
	fresh both
	mpi 2 both --steps 1000000 --schedule constant &
	signalled both INT 1000000 || return 1
	steps=$(($(step_of both) + 50))
	train both --steps "$steps" --schedule constant && [ "$(step_of both)" -eq "$steps" ]
}

if command -v mpirun >/dev/null && ldd "$TRAIN" | grep -q libmpi; then
	run=check
else
	run=no_mpi
fi
no_mpi()
{
	skip "$1" "no Open MPI"
}
$run "two processes: losses of 100 steps within 1e-5 of one" two_processes
$run "two processes, stopped at step 50, resumed: the same final weights" two_resumed
$run "two processes, stopped at step 50, resumed by one: the same losses" two_then_one
$run "two processes, interrupted: a checkpoint that resumes" two_interrupted
finish

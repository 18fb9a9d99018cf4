# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2154 # variables of who includes this
#
# Measuring the model at $path, which is called $name, by each program: a function
# appends samples to $samples. What follows their names are options.

# Process groups that keep CPUs busy, and the virtual machine.
busy=()
machine_pid=

# sample WHO FIGURE VALUE [SETTINGS]
sample() {
	printf '%s\t%s\t%s\t%s\t%s\n' "$name" "$1" "$2" "$3" "${4-}" >>"$samples"
}

# record WHO [PREFIX]: samples of the JSON on standard input
record() {
	tools/bench/record.py "$name" "$@" >>"$samples"
}

# host FORM OPTION...: by the engine in a process
host() {
	local form=$1 who=host

	shift
	[ "$form" = auto ] || who=$form
	tools/llmctl/llmctl --host bench -m "$path" --form "$form" --json -r 1 "$@" | record "$who"
}

# The virtual machine of a model stays for all rounds: to make it takes longer than
# to measure, and while nobody asks it sleeps. It runs the lines that it reads.
machine_begin() {
	# shellcheck disable=SC2016 # for the shell in the guest
	coproc machine {
		exec selftests/vm/run -k uml -m "$path" -c "$cpus" -p "${BENCH_PARAMS:-}" -- sh -c '
			while read -r line; do
				eval "$line"
				echo "@done $?"
			done'
	}
	exec {machine_in}<&"${machine[0]}" {machine_out}>&"${machine[1]}"
	# shellcheck disable=SC1083 # descriptors in an array
	exec {machine[0]}<&- {machine[1]}>&-
	machine_pid=$machine_PID
}

# in_machine COMMAND...: runs a line of shell there and prints what it prints
in_machine() {
	local line

	# Lines of the command become one.
	echo "$*" | tr '\n' ' ' >&"$machine_out"
	echo >&"$machine_out"
	while IFS= read -r line <&"$machine_in"; do
		case $line in
		"@done "*) return "${line#* }" ;;
		esac
		echo "$line"
	done
	echo "bench: the machine died" >&2
	return 1
}

machine_end() {
	echo exit >&"$machine_out"
	exec {machine_out}>&-
	wait "$machine_pid" || true
	machine_pid=
	exec {machine_in}<&-
}

# module PREFIX OPTION...: by the module
module() {
	local prefix=$1

	shift
	in_machine "llmctl bench --json -r 1 $*" | record module "$prefix"
}

have_llama() {
	command -v llama-bench >/dev/null
}

# llama PREFIX SETTINGS OPTION...: by llama.cpp with these settings
llama() {
	local prefix=$1 settings=$2

	shift 2
	# shellcheck disable=SC2086 # settings are options
	llama-bench -m "$path" $settings -r 1 -o json "$@" 2>/dev/null | record llama "$prefix"
}

# All settings: threads from one to one a CPU, which look for work or sleep.
llama_settings() {
	echo "-t $(seq -s , 1 "$cpus") --poll 0,50"
}

# llama_best FIGURE: the settings it was fastest with, or all where none are known
llama_best() {
	local best

	best=$(awk -F '\t' -v name="$name" -v figure="$1" '
		$1 == name && $2 == "llama" && $3 == figure && $4 > most {
			most = $4; settings = $5
		}
		END { print settings }' "$samples")
	echo "${best:-$(llama_settings)}"
}

# A line of shell that keeps a CPU busy: with a loop or with a compiler.
busy_line() {
	case $1 in
	loop) echo 'while :; do :; done' ;;
	compile) echo 'while :; do cc -O2 -Iuapi -Ilib -c -o /dev/null lib/gguf.c; done' ;;
	esac
}

# module_busy KIND OPTION...: by the module beside one busy line a CPU
module_busy() {
	local kind=$1

	shift
	in_machine "for i in $(seq -s ' ' "$cpus"); do
		setsid sh -c '$(busy_line "$kind")' & busy=\"\$busy \$!\"; done"
	module "${kind}_" "$@"
	# shellcheck disable=SC2016 # for the shell in the guest
	in_machine 'for p in $busy; do kill -KILL -$p; done; busy='
}

# llama_busy KIND OPTION...: the same by llama.cpp
llama_busy() {
	local kind=$1

	shift
	for _ in $(seq "$cpus"); do
		setsid bash -c "$(busy_line "$kind")" &
		busy+=($!)
	done
	llama "${kind}_" "$(llama_best "${kind}_decode")" "$@"
	busy_end
}

busy_end() {
	local pid

	for pid in "${busy[@]}"; do
		kill -KILL -- "-$pid"
		wait "$pid" 2>/dev/null || true
	done
	busy=()
}

# What runs beside this ends with it, however it ends.
end_all() {
	busy_end
	[ -z "$machine_pid" ] || kill "$machine_pid"
}

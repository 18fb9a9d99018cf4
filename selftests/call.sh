# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# For test scripts, which source it after tap.sh: calls of llmctl, and what they say.

# shellcheck disable=SC2154 # scratch is tap.sh's

# call STATUS ARGUMENT...: runs llmctl, output in $scratch/out and $scratch/err
call() {
	local wanted=$1 status

	shift
	timeout 300 llmctl "$@" >"$scratch/out" 2>"$scratch/err" </dev/null
	status=$?
	[ $status -eq "$wanted" ] ||
		why "llmctl $*: status $status, not $wanted: $(cat "$scratch/err")"
}

# refuses TEXT ARGUMENT...: status 1, one line with TEXT
refuses() {
	local text=$1

	shift
	call 1 "$@" || return
	[ "$(wc -l <"$scratch/err")" -eq 1 ] && grep -qF -- "$text" "$scratch/err" && return
	why "llmctl $*: '$(cat "$scratch/err")' does not say '$text'"
}

# soon COMMAND...: whether it succeeds before half a minute is over
soon() {
	local i

	for i in $(seq 300); do
		"$@" && return
		sleep 0.1
	done
	why "$i times not: $*"
}

# unloads NAME: the last sessions of the model may still be ending
unloads() {
	local i

	for i in $(seq 300); do
		llmctl unload "$1" >/dev/null 2>"$scratch/err" && return
		grep -qF "sessions use it" "$scratch/err" || break
		sleep 0.1
	done
	why "unload $1, $i times: $(cat "$scratch/err")"
}

# as_nobody ARGUMENT...
as_nobody() {
	setpriv --reuid 65534 --regid 65534 --clear-groups llmctl "$@" 2>&1
}

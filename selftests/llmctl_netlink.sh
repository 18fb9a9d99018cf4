#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The commands of llmctl that make requests over netlink and watch them, and the
# library's example of a session that changes hands. As root; llmctl is on the PATH,
# make_gguf and hand_over beside this script.

# shellcheck disable=SC2317 # soon() calls functions by their names

set -u

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tap.sh
. "$here/tap.sh"
# shellcheck source=call.sh
. "$here/call.sh"
small=$scratch/small.gguf
long=$scratch/long.gguf

# shellcheck disable=SC2317 # a trap calls it
finish() {
	llmctl unload test-small 2>/dev/null
	llmctl unload test-long 2>/dev/null
	rm -rf "$scratch"
}
trap finish EXIT

# misuses TEXT ARGUMENT...: status 2, and TEXT in what it says
misuses() {
	local text=$1

	shift
	call 2 "$@" || return
	grep -qF -- "$text" "$scratch/err" ||
		why "llmctl $*: '$(cat "$scratch/err")' does not say '$text'"
}

# as_run ARGUMENT...: submit says what run says
as_run() {
	local said

	call 0 run -m test-small "$@" || return
	said=$(cat "$scratch/out")
	call 0 submit -m test-small "$@" || return
	[ "$(cat "$scratch/out")" = "$said" ] ||
		why "submit $*: '$(cat "$scratch/out")', run '$said'"
}

submits() {
	as_run --temp 0 -n 20 abc && as_run --seed 7 --temp 1.5 -n 40 "abc def" &&
		as_run --raw --seed 3 -n 5 abc || return
	call 0 submit -m test-small --temp 0 -n 3 abc &&
		grep -q '^request [0-9]*: [a-z ]*, [0-9]* tokens in, [1-3] out$' "$scratch/err" ||
		why "$(cat "$scratch/err")" || return
	call 0 run -m test-small --temp 0 -n 20 "abc
" || return
	[ "$(echo abc | llmctl submit -m test-small --temp 0 -n 20 - 2>/dev/null)" = \
		"$(cat "$scratch/out")" ] || why "standard input" || return
	# Pieces of two replies, each line with its number; both end.
	call 0 submit -m test-small --temp 0 -n 10 abc abc || return
	[ "$(grep -c ': submitted$' "$scratch/err")" -eq 2 ] || why "two: $(cat "$scratch/err")"
	[ "$(grep -c ' tokens in, ' "$scratch/err")" -eq 2 ] || why "two: $(cat "$scratch/err")"
	[ "$(sed -n 's/^\([0-9]*\): .*/\1/p' "$scratch/out" | sort -u | wc -l)" -eq 2 ] ||
		why "two: $(cat "$scratch/out")"
	[ ! -s "$scratch/why" ]
}

# All of a short reply at once, however long that takes.
coalesces() {
	call 0 submit -m test-small --raw --temp 0 -n 12 --coalesce-bytes 8192 \
		--coalesce-ms 60000 aa bb || return
	[ "$(grep -c '^[0-9][0-9]*: ' "$scratch/out")" -le 2 ] || why "$(cat "$scratch/out")"
}

refuses_to_submit() {
	refuses "no model has this name" submit -m test-none x &&
		refuses "the prompt does not fit the context" submit -m test-small \
			"$(printf 'abcdefgh%.0s' $(seq 200))" &&
		refuses "no request of yours has this number" cancel 2147483647 &&
		refuses "group nonsense" events nonsense &&
		call 1 submit -m test-small -n 1 --give 4294967295 x || return
	grep -q "^llmctl: give: no socket of yours that used this family" "$scratch/err" ||
		why "$(cat "$scratch/err")"
}

misuse() {
	misuses "usage: llmctl submit" submit &&
		misuses "low, normal or high" submit --priority urgent x &&
		misuses "deadline" submit --deadline soon x &&
		misuses "coalesce-bytes" submit --coalesce-bytes 8193 x &&
		misuses "coalesce-ms" submit --coalesce-ms 60001 x &&
		misuses "give" submit --give 0 x &&
		misuses "usage: llmctl cancel" cancel &&
		misuses "'x' is not the number of a request" cancel x &&
		misuses "'0' is not the number of a request" cancel 0 &&
		misuses "usage: llmctl events" events a b c d e f &&
		misuses "usage: llmctl requests" requests x
}

# submit_many COUNT: so many replies, under way for a while. Sets pid.
submit_many() {
	# What an earlier one said is no sign of this one.
	: >"$scratch/end"
	# shellcheck disable=SC2046 # words
	llmctl submit -m test-long --raw --temp 2 $(seq "$1") >"$scratch/many" 2>"$scratch/end" &
	pid=$!
	soon grep -q ': submitted$' "$scratch/end"
}

in_flight() {
	llmctl requests --json | sed 's/{/\n/g' | sed -n 's/.*"id":\([0-9]*\),"session.*/\1/p'
}

none_in_flight() {
	[ -z "$(in_flight)" ]
}

# One of many is cancelled, the key that interrupts cancels the others.
cancels() {
	local pid id status

	submit_many 300 || return
	call 0 requests
	grep -q "^ *[0-9]*  *[0-9]*  *[^ ]*  *[a-z]*  *[0-9]" "$scratch/out" ||
		why "requests: $(cat "$scratch/out")"
	for id in $(in_flight); do
		llmctl cancel "$id" 2>/dev/null && break
	done
	soon grep -q "^request $id: cancelled, " "$scratch/end"
	kill -INT "$pid"
	wait "$pid"
	status=$?
	[ $status -eq 130 ] || why "status $status"
	soon none_in_flight
	[ ! -s "$scratch/why" ]
}

# Whose requests are cancelled learns it, and its status tells.
is_cancelled() {
	local pid id status

	submit_many 60 || return
	until none_in_flight; do
		for id in $(in_flight); do
			llmctl cancel "$id" 2>/dev/null
		done
	done
	wait "$pid"
	status=$?
	[ $status -eq 1 ] || why "status $status"
	grep -q ": cancelled, " "$scratch/end" || why "nothing was cancelled"
	[ ! -s "$scratch/why" ]
}

keeps_deadlines() {
	# shellcheck disable=SC2046 # words
	call 0 submit -m test-long --raw --temp 2 --deadline 1 $(seq 20) || return
	grep -q '^request [0-9]*: deadline' "$scratch/err" || why "$(cat "$scratch/err")"
}

# port_of PID: netlink ports of a process
port_of() {
	local inode

	for inode in $(readlink "/proc/$1/fd/"* 2>/dev/null | sed -n 's/^socket:\[\(.*\)\]$/\1/p'); do
		awk -v inode="$inode" '$2 == 16 && $NF == inode { print $3 }' /proc/net/netlink
	done
}

has_port() {
	[ -n "$(port_of "$1")" ]
}

# until_over PID COMMAND...: again and again, until a process is over that watches it
until_over() {
	local pid=$1 i

	shift
	for i in $(seq 300); do
		kill -0 "$pid" 2>/dev/null || break
		"$@" || return
	done
	kill -TERM "$pid" 2>/dev/null && why "$i times not seen: $*"
	wait "$pid" || why "events: status $?"
}

reload() {
	unloads test-small && call 0 load --name test-small "$small"
}

tells_events() {
	local event pid

	# Some requests in whole.
	llmctl events --json -c 20 sessions requests >"$scratch/events" &
	until_over $! call 0 submit -m test-small -n 2 abc || return
	for event in session-opened request-queued request-started request-finished \
		session-closed; do
		grep -q "\"event\":\"$event\"" "$scratch/events" ||
			why "$event: $(cat "$scratch/events")" || return
	done
	[ "$(wc -l <"$scratch/events")" -eq 20 ] || why "$(cat "$scratch/events")" || return
	llmctl events -c 3 models >"$scratch/events" &
	until_over $! reload || return
	grep -q '^model-unloaded  *model test-small$' "$scratch/events" ||
		why "models: $(cat "$scratch/events")" || return
	llmctl events >/dev/null &
	pid=$!
	soon has_port $pid
	kill -TERM $pid
	wait $pid || why "ended: status $?"
}

one_idle() {
	llmctl ps --json | grep -q '"model":"test-small",.*"state":"idle"'
}

no_session() {
	! llmctl ps --json | grep -q '"model":"test-small"'
}

# A session outlives the process that made it, and goes with the one that has it.
gives() {
	local pid

	llmctl subscribe test/given >/dev/null 2>&1 &
	pid=$!
	soon has_topic || return
	call 0 submit -m test-small -n 2 --give "$(port_of "$pid")" abc || return
	grep -q "^session [0-9]*: given to $(port_of "$pid")$" "$scratch/err" ||
		why "$(cat "$scratch/err")"
	one_idle || why "not there: $(llmctl ps)"
	kill -TERM "$pid"
	wait "$pid"
	soon no_session
	[ ! -s "$scratch/why" ]
}

has_topic() {
	llmctl topics | grep -q '^test/given '
}

hands_over() {
	"$here/hand_over" test-small >"$scratch/out" 2>&1 || why "$(cat "$scratch/out")"
}

asks_for_permission() {
	as_nobody submit x | grep -q "only members of the group" || why "submit" || return
	# Linux 6.1 does not pass on why a list is refused.
	as_nobody requests | grep -q "only members of the group\|Operation not permitted" ||
		why "requests" || return
	as_nobody cancel 1 | grep -q "only members of the group" || why "cancel" || return
	as_nobody events sessions | grep -q "only root may watch the group sessions" || why "events"
}

echo 1..12
: >"$scratch/why"
chmod 755 "$scratch"
"$here/make_gguf" "$small" 128 && "$here/make_gguf" "$long" 100000 &&
	llmctl load --name test-small "$small" >/dev/null &&
	llmctl load --name test-long "$long" >/dev/null || exit
submits
result $? "submit says what run says"
coalesces
result $? "a reply comes at once if that is wanted"
refuses_to_submit
result $? "what is refused is refused with the reason"
misuse
result $? "wrong command lines are refused"
cancels
result $? "a request is cancelled, an interrupted process cancels its own"
is_cancelled
result $? "a process learns that its requests were cancelled"
keeps_deadlines
result $? "deadlines are kept"
tells_events
result $? "events are told"
gives
result $? "a session is given to another process"
hands_over
result $? "a session changes hands in the library"
if command -v setpriv >/dev/null; then
	asks_for_permission
	result $? "without permission it says so"
else
	skip "without permission it says so" "needs setpriv"
fi
unloads test-small && unloads test-long
result $? "nothing is left that uses the models"
exit $failed

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The command line tool on /dev/llm: models come, are used and go; what is refused
# is refused with the reason; and every answer is the one of the engine on the
# host. As root; llmctl is on the PATH, make_gguf beside this script.

# shellcheck disable=SC2317 # soon() calls functions by their names

set -u

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tap.sh
. "$here/tap.sh"
# shellcheck source=call.sh
. "$here/call.sh"
small=$scratch/small.gguf
long=$scratch/long.gguf
chat=$scratch/chat.gguf
unknown=$scratch/unknown.gguf

finish() {
	local name

	for name in small long other chat unknown; do
		llmctl unload "test-$name" 2>/dev/null
	done
	rm -rf "$scratch"
}
trap finish EXIT

lists() {
	llmctl ls --json | grep -q "\"name\":\"$1\""
}

loads() {
	call 0 load --name test-small "$small" || return
	call 0 load --name test-long "$long" || return
	lists test-small || why "ls: not there" || return
	call 0 ls && grep -q '^test-small  *llama .* 128 ' "$scratch/out" ||
		why "ls: $(cat "$scratch/out")" || return
	call 0 info test-small && grep -q '^context  *128$' "$scratch/out" ||
		why "info: $(cat "$scratch/out")" || return
	call 0 info || return
	grep -q '^models [1-9]' "$scratch/out" || why "info: $(cat "$scratch/out")"
}

refuses_to_load() {
	local before

	before=$(llmctl ls)
	refuses "a model of that name is loaded" load --name test-small "$small" &&
		refuses "letters, digits" load --name "a b" "$small" &&
		refuses "1 to 63 characters" load --name "$(printf %064d 0)" "$small" &&
		refuses "not a GGUF file" load "$0" &&
		refuses "neither a file nor a loaded model" info test-none &&
		refuses "no such model is loaded" unload test-none || return
	# One bit of an instruction: the verifier's words reach the user.
	llmctl convert "$small" "$scratch/bad.img" >/dev/null
	printf '\377' | dd of="$scratch/bad.img" bs=1 seek=1000 conv=notrunc status=none
	refuses "the module refuses it: " load --name test-other "$scratch/bad.img" || return
	[ "$before" = "$(llmctl ls)" ] || why "the list is another: $(llmctl ls)"
}

# same FORM COMMAND ARGUMENT...: on the device and on the host
same() {
	local form=$1 command=$2

	shift 2
	call 0 "$command" -m test-small "$@" || return
	mv "$scratch/out" "$scratch/device"
	call 0 --host "$command" -m "$small" --form "$form" "$@" || return
	cmp -s "$scratch/device" "$scratch/out" ||
		why "$command $*: '$(cat "$scratch/device")', on the host '$(cat "$scratch/out")'"
}

answers_as_the_host() {
	local form

	form=$(llmctl info --json | sed 's/.*"form":"\([^"]*\)".*/\1/')
	same "$form" tokenize "abc  d" && same "$form" tokenize --json --no-special "a</s>" &&
		same "$form" detokenize 1 260 2 &&
		same "$form" detokenize --no-special 1 260 2 &&
		same "$form" run --seed 7 --temp 1.5 -n 60 abc &&
		same "$form" run --temp 0 -n 60 abc &&
		same "$form" run --seed 1 --top-k 5 --top-p 0.9 --min-p 0.1 --repeat-penalty 1.3 \
			--presence-penalty 0.5 --frequency-penalty 0.2 --repeat-last-n 8 -n 60 abc &&
		same "$form" run --logit-bias 262+100 --stop d --stop cccd -n 9 abc &&
		same "$form" run --seed 3 --ctx 20 --temp 2 abc &&
		same "$form" score "abc def ghi" &&
		same "$form" score --json "$(printf 'abc def ghi\njkl %.0s' $(seq 40))"
}

refuses_to_run() {
	refuses "no model of that name" run -m test-none x &&
		refuses "can't be longer than the model's" run -m test-small --ctx 129 x &&
		refuses "left of the context" run -m test-small --ctx 4 abcdef &&
		refuses "no such token" run -m test-small --logit-bias 286+1 x &&
		refuses "prompt: it is empty" run -m test-small "" &&
		refuses "the model has no such token" detokenize -m test-small 286
}

# replies PID: whether a process's reply on the long model is being made
replies() {
	llmctl ps --json | grep -q "\"model\":\"test-long\",\"pid\":$1,.*\"state\":\"reply\""
}

none_on_long() {
	! llmctl ps --json | grep -q '"model":"test-long"'
}

# A reply that takes long: seen, in the way of unloading, interrupted, gone.
is_interrupted() {
	local pid status

	llmctl run -m test-long --ctx 50000 --temp 2 --logit-bias 2-100 abc >"$scratch/long" 2>&1 &
	pid=$!
	soon replies $pid || why "ps: $(llmctl ps)"
	call 0 ps
	grep -q "^ *[0-9]*  *$pid  *[^ ]*  *test-long  *reply" "$scratch/out" ||
		why "ps: $(cat "$scratch/out")"
	refuses "sessions use it" unload test-long
	# A shell gives a process in the background SIGINT ignored.
	kill -TERM $pid
	wait $pid
	status=$?
	[ $status -eq 130 ] || why "status $status"
	[ -s "$scratch/long" ] || why "what was made is not shown"
	soon none_on_long || why "still there: $(llmctl ps)"
	[ ! -s "$scratch/why" ]
}

default() {
	llmctl ls --json | sed 's/{/\n/g' | sed -n 's/.*"name":"\([^"]*\)".*"default":true.*/\1/p'
}

changes_the_default() {
	local before

	before=$(default)
	call 0 load --default --name test-other "$small" || return
	[ "$(default)" = test-other ] || why "the default is $(default)" || return
	call 0 run --json --logit-bias 262+100 -n 2 abc || return
	grep -q '"reply":"cc"' "$scratch/out" || why "$(cat "$scratch/out")" || return
	unloads test-other || return
	! lists test-other || why "it is still there" || return
	[ "$before" = "" ] || [ "$(default)" != test-other ] || why "it is still the default"
}

prints_json() {
	local arguments

	for arguments in "ls --json" "ps --json" "topics --json" "info --json" "info --json test-small" \
		"bench -m test-small -p 4 -n 4 -r 1 --sessions 1,4 --contexts 6 --json"; do
		# shellcheck disable=SC2086 # words
		call 0 $arguments || return
		python3 -m json.tool <"$scratch/out" >/dev/null 2>>"$scratch/why" ||
			why "$arguments: $(cat "$scratch/out")" || return
	done
}

asks_for_permission() {
	local mode status=0

	mode=$(stat -c %a /dev/llm)
	as_nobody run -m test-small x | grep -q "no permission for /dev/llm: become root" ||
		why "closed" || return
	as_nobody ls | grep -q test-small || why "ls: $(as_nobody ls)" || return
	as_nobody submit x | grep -q "only members of the group" || why "submit" || return
	chmod 666 /dev/llm
	as_nobody load --name test-other "$small" | grep -q "only root may load" ||
		why "load" || status=1
	as_nobody unload test-small | grep -q "only root may unload" || why "unload" || status=1
	[ "$(as_nobody run -m test-small --logit-bias 262+100 -n 2 abc)" = cc ] ||
		why "run" || status=1
	chmod "$mode" /dev/llm
	return $status
}

talks_as_the_host() {
	printf 'hi\nyou\nhi\\\nyou\n' >"$scratch/lines"
	call 0 load --name test-chat "$chat" && call 0 load --name test-unknown "$unknown" || return
	grep -q "its chat template is not known" "$scratch/err" ||
		why "load does not warn: $(cat "$scratch/err")" || return
	timeout 300 llmctl chat -m test-chat --temp 0 -n 6 --system no <"$scratch/lines" \
		>"$scratch/device" 2>"$scratch/err" &&
		timeout 300 llmctl --host chat -m "$chat" --temp 0 -n 6 --system no \
			<"$scratch/lines" >"$scratch/host" 2>>"$scratch/err" &&
		cmp "$scratch/device" "$scratch/host" >>"$scratch/why" ||
		why "other replies: $(cat "$scratch/err")" || return
	llmctl info test-chat | grep -q "^template *chatml" || why "info does not tell" || return
	refuses "no chat template of the model is known" run -m test-unknown hi &&
		refuses "name one with --template" chat -m test-unknown &&
		refuses "name one with --template" chat -m test-small &&
		call 0 run -m test-unknown --raw -n 1 hi &&
		call 0 run -m test-unknown --template llama3 --system s -n 1 hi &&
		unloads test-chat && unloads test-unknown
}

# count NAME FIELD: a count of a topic
count() {
	llmctl topics --json | sed 's/{/\n/g' |
		sed -n "s|^\"name\":\"$1\",.*\"$2\":\([0-9]*\).*|\1|p"
}

has_reached() {
	[ "$(count "$1" "$2")" -ge "$3" ] 2>/dev/null
}

# reaches NAME FIELD LEAST: waits for that
reaches() {
	soon has_reached "$@" || why "$(llmctl topics)"
}

no_topics() {
	! llmctl topics | grep -q test/
}

# Two sessions, each told what the other says, and nothing between them.
converses() {
	local one two watcher status=0 i

	refuses "no topic that you may see has this name" publish test/one abc || return
	llmctl subscribe -m test-small -n 4 --reply test/two test/one >"$scratch/one" 2>&1 &
	one=$!
	llmctl subscribe -m test-small -n 4 --reply test/one test/two >"$scratch/two" 2>&1 &
	two=$!
	llmctl subscribe --json -c 8 test/one >"$scratch/heard" &
	watcher=$!
	reaches test/one subscribers 2 && reaches test/two subscribers 1 || status=1
	# A reply may be empty, which ends the conversation: more than one begins.
	for i in $(seq 8); do
		[ $status -ne 0 ] || call 0 publish --hops 2 test/one "abc $i" || status=1
	done
	[ $status -ne 0 ] || reaches test/one published 9 || status=1
	[ $status -ne 0 ] || wait $watcher || status=1
	grep -q '"text":"abc 1"' "$scratch/heard" || why "$(cat "$scratch/heard")" || status=1
	call 0 topics || status=1
	grep -q '^test/one  *[^ ]*  *[0-9]' "$scratch/out" || why "$(cat "$scratch/out")" || status=1
	kill -TERM $one $two $watcher 2>/dev/null
	wait $one $two $watcher
	soon no_topics || status=1
	return $status
}

echo 1..12
: >"$scratch/why"
chmod 755 "$scratch"
"$here/make_gguf" "$small" 128 && "$here/make_gguf" "$long" 100000 &&
	"$here/make_gguf" "$chat" 1024 "<|im_start|>" &&
	"$here/make_gguf" "$unknown" 1024 "{{ messages }}" || exit
loads
result $? "models are loaded and listed"
refuses_to_load
result $? "what can't be loaded is refused with the reason"
answers_as_the_host
result $? "every answer is that of the host"
refuses_to_run
result $? "what can't be run is refused with the reason"
is_interrupted
result $? "a reply is seen, interrupted and gone"
changes_the_default
result $? "the default changes"
talks_as_the_host
result $? "conversations are those of the host"
converses
result $? "sessions talk to each other"
if command -v python3 >/dev/null; then
	prints_json
	result $? "JSON is well-formed"
else
	skip "JSON is well-formed" "needs python3"
fi
if command -v setpriv >/dev/null; then
	asks_for_permission
	result $? "without permission it says so"
else
	skip "without permission it says so" "needs setpriv"
fi
unloads test-small && unloads test-long
result $? "models are unloaded"
! lists test-small && ! lists test-long
result $? "and are gone"
exit $failed

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# test_llmctl_chat.sh LLMCTL MAKE_GGUF
#
# Conversations without the module, with small models that MAKE_GGUF writes. The
# markers of a template are plain text in their vocabulary, so a conversation can be
# written down and completed with --raw: the replies must be the same.

set -u

llmctl=$1
make_gguf=$2
# shellcheck source=../tap.sh
. "$(dirname "$0")/../tap.sh"
trap 'rm -rf "$scratch"' EXIT

# host COMMAND MODEL ARGUMENT...: prints what the likeliest tokens are
host() {
	local command=$1 model=$2

	shift 2
	timeout 120 "$llmctl" --host "$command" -m "$scratch/$model.gguf" --temp 0 "$@" \
		2>"$scratch/err"
}

# same WANTED GOT WHAT
same() {
	[ "$1" = "$2" ] || why "$3: '$2', not '$1'; $(cat "$scratch/err")"
}

# refuses TEXT COMMAND MODEL ARGUMENT...: status 1, one line with TEXT
refuses() {
	local text=$1 status=0

	shift
	host "$@" >/dev/null </dev/null || status=$?
	[ $status -eq 1 ] || why "$*: status $status" || return
	if [ "$(wc -l <"$scratch/err")" -ne 1 ] || ! grep -qF -- "$text" "$scratch/err"; then
		why "$*: '$(cat "$scratch/err")' does not say '$text'"
	fi
}

# reply COMMAND MODEL ARGUMENT...: the bytes of what it says, as words
reply() {
	host "$@" | od -An -v -tx1 | tr -d '\n'
}

run_applies_the_template() {
	printf '<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n' >"$scratch/text"
	same "$(reply run chatml --raw -n 9 - <"$scratch/text")" "$(reply run chatml -n 9 hi)" run &&
		same "$(reply run plain -n 9 - <"$scratch/text")" \
			"$(reply run plain --template chatml -n 9 hi)" "run --template" &&
		same "$(reply run plain -n 9 hi)" "$(reply run chatml --raw -n 9 hi)" "run --raw" ||
		return
	[ "$(reply run plain -n 9 hi)" != "$(reply run chatml -n 9 hi)" ] ||
		why "the template makes no difference"
}

system_messages_come_first() {
	printf '%s\n' '<|im_start|>system' 'be kind<|im_end|>' '<|im_start|>user' 'hi<|im_end|>' \
		'<|im_start|>assistant' >"$scratch/text"
	same "$(reply run chatml --raw -n 9 - <"$scratch/text")" \
		"$(reply run chatml --system "be kind" -n 9 hi)" "run --system"
}

# Replies of one token, so that the text of each is known to be the tokens it was.
pipes_talk_line_by_line() {
	printf 'hi\\\nthere\n\nyou\n' >"$scratch/lines"
	host chat chatml -n 1 <"$scratch/lines" >"$scratch/replies" || why "chat failed" || return
	printf '<|im_start|>user\nhi\nthere<|im_end|>\n<|im_start|>assistant\n' >"$scratch/text"
	host run chatml --raw -n 1 - <"$scratch/text" >"$scratch/first"
	cat "$scratch/first" >>"$scratch/text"
	printf '<|im_end|>\n<|im_start|>user\nyou<|im_end|>\n<|im_start|>assistant\n' \
		>>"$scratch/text"
	host run chatml --raw -n 1 - <"$scratch/text" >"$scratch/second"
	if [ ! -s "$scratch/first" ] || [ ! -s "$scratch/second" ]; then
		why "no replies"
		return
	fi
	{
		cat "$scratch/first"
		echo
		cat "$scratch/second"
		echo
	} | cmp - "$scratch/replies" 2>"$scratch/err" >&2 ||
		why "other replies: $(od -c "$scratch/replies" "$scratch/first" "$scratch/second")"
}

refuses_without_a_template() {
	refuses "name one with --template" chat plain &&
		refuses "is not known" chat unknown &&
		refuses "use --raw, or name one with --template" run unknown hi &&
		refuses "needs a chat template" run plain --system s hi &&
		refuses "needs a chat template" run chatml --raw --system s hi &&
		refuses "no chat template is called 'nothing'" run plain --template nothing hi ||
		return
	if ! host run unknown --raw -n 1 hi >/dev/null ||
		! host run unknown --template llama3 -n 1 hi >/dev/null; then
		why "what is asked for is not taken: $(cat "$scratch/err")"
	fi
}

tells_of_a_full_context() {
	local status=0

	yes hi | head -n 20 | timeout 120 "$llmctl" --host chat -m "$scratch/chatml.gguf" -n 2 \
		>/dev/null 2>"$scratch/err" || status=$?
	if [ $status -ne 1 ] || ! grep -q "do not fit the context" "$scratch/err"; then
		why "status $status: $(cat "$scratch/err")"
	fi
}

# info WANTED FILE: whether info tells this template
info() {
	same "$1" "$("$llmctl" info "$scratch/$2" | sed -n 's/^template *//p')" "info $2"
}

tells_templates() {
	{
		"$llmctl" convert "$scratch/chatml.gguf" "$scratch/chatml.img" &&
			"$llmctl" convert --template gemma "$scratch/plain.gguf" "$scratch/gemma.img" &&
			"$llmctl" convert --template none "$scratch/unknown.gguf" "$scratch/none.img"
	} >/dev/null || why "convert failed" || return
	info chatml chatml.gguf && info none plain.gguf && info unknown unknown.gguf &&
		info chatml chatml.img && info gemma gemma.img && info none none.img || return
	"$llmctl" convert --template frob "$scratch/plain.gguf" "$scratch/frob.img" \
		2>"$scratch/err" && why "convert takes any name"
	[ ! -e "$scratch/frob.img" ] || why "it made an image all the same"
}

# What somebody sees who types; a file of its own, since it needs a terminal.
talks_on_a_terminal() {
	python3 "${0%/*}/chat_terminal.py" "$llmctl" "$scratch/long.gguf" "$scratch/unknown.gguf" \
		>"$scratch/why" 2>&1
}

echo 1..7
"$make_gguf" "$scratch/plain.gguf" 192 "" &&
	"$make_gguf" "$scratch/chatml.gguf" 192 "{{ '<|im_start|>' }}" &&
	"$make_gguf" "$scratch/long.gguf" 500000 "{{ '<|im_start|>' }}" &&
	"$make_gguf" "$scratch/unknown.gguf" 192 "{{ messages }}" || exit
: >"$scratch/why"
run_applies_the_template
result $? "run puts the prompt into the template, but with --raw"
system_messages_come_first
result $? "a system message comes first"
pipes_talk_line_by_line
result $? "from a pipe each line is a message"
refuses_without_a_template
result $? "what needs a template that there is not is refused"
tells_of_a_full_context
result $? "a full context is told of"
tells_templates
result $? "info tells templates, convert takes one"
talks_on_a_terminal
result $? "on a terminal replies can be ended, lines edited and dropped"
exit $failed

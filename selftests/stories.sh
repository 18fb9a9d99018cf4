#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A trained model whose greedy continuation is known says exactly that, by every
# way there is. LLM_SHARED is the folder with models/stories260K.gguf and
# models/stories260K.greedy.txt. As root; llmctl is on the PATH.

set -u

name=test-stories
prompt="Once upon a time"
folder=${LLM_SHARED:-}/models

if [ ! -r "$folder/stories260K.gguf" ]; then
	echo "1..0 # SKIP LLM_SHARED does not say where stories260K.gguf is"
	exit 0
fi
# What follows the line "text:", without the prompt it begins with.
text=$(sed '1,/^text:$/d' "$folder/stories260K.greedy.txt")
wanted=${text#"$prompt"}
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tap.sh
. "$here/tap.sh"

# shellcheck disable=SC2317 # a trap calls it
finish() {
	llmctl unload "$name" 2>/dev/null
	rm -rf "$scratch"
}
trap finish EXIT

# same GOT WAY: one line of TAP
same() {
	[ "$1" = "$wanted" ] || why "wanted '$wanted', got '$1'"
	result $? "the known continuation, by $2"
}

# The perplexity of the known text is as low as that of a model which made it.
scores_its_own_text() {
	local perplexity

	perplexity=$(llmctl score -m "$name" --json "$text" |
		sed -n 's/.*"perplexity": *\([0-9]*\).*/\1/p')
	[ "${perplexity:-99}" -le 1 ] || why "perplexity ${perplexity:-unknown}"
	result $? "its own text is no surprise"
}

# Plain files, whatever the sampling: a prompt goes in, some text comes out.
tells_a_story() {
	local story

	printf %s "$prompt" >/dev/llm
	story=$(cat /dev/llm)
	[ ${#story} -gt 20 ] || why "got '$story'"
	result $? "a story, by printf and cat"
}

echo 1..5
llmctl load --name "$name" --default "$folder/stories260K.gguf" >/dev/null 2>&1 || {
	echo "not ok 1 stories260K.gguf is loaded"
	exit 1
}
same "$(llmctl run --raw -m "$name" --temp 0 -n 100 "$prompt")" "llmctl"
same "$(printf %s "$prompt" | llmctl run --raw -m "$name" --temp 0 -n 100 -)" "a pipe"
same "$(llmctl --host run --raw -m "$folder/stories260K.gguf" --temp 0 -n 100 "$prompt")" "the host"
scores_its_own_text
tells_a_story
exit $failed

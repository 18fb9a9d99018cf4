#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# test_llmctl.sh LLMCTL MAKE_GGUF
#
# The command line tool without the module: what it accepts, prints and returns.
# The model is a small one that MAKE_GGUF writes; where the environment variable
# LLM_SHARED, by default "shared" beside the source tree, has a trained one, that
# is used too.

set -u

llmctl=$1
make_gguf=$2
shared=${LLM_SHARED:-$(dirname "$0")/../../../shared}
stories=$shared/models/stories260K.gguf
# shellcheck source=../tap.sh
. "$(dirname "$0")/../tap.sh"
trap 'rm -rf "$scratch"' EXIT

# call STATUS ARGUMENT...: runs llmctl, output in $scratch/out and $scratch/err
call() {
	local wanted=$1 status

	shift
	timeout 120 "$llmctl" "$@" >"$scratch/out" 2>"$scratch/err" </dev/null
	status=$?
	[ $status -eq "$wanted" ] ||
		why "llmctl $*: status $status, not $wanted: $(cat "$scratch/err")"
}

# refuses STATUS TEXT ARGUMENT...: nothing on stdout, one line with TEXT on stderr
refuses() {
	local status=$1 text=$2

	shift 2
	call "$status" "$@" || return
	[ ! -s "$scratch/out" ] || why "llmctl $*: output: $(cat "$scratch/out")" || return
	[ "$(wc -l <"$scratch/err")" -eq 1 ] ||
		why "llmctl $*: not one line: $(cat "$scratch/err")" || return
	grep -qF -- "$text" "$scratch/err" ||
		why "llmctl $*: '$(cat "$scratch/err")' does not say '$text'"
}

# host COMMAND ARGUMENT...: prints what a command prints with --host on the model
host() {
	local command=$1

	shift
	timeout 120 "$llmctl" --host "$command" -m "$model" "$@" 2>"$scratch/err"
}

commands="load unload ls ps info convert verify run chat tokenize detokenize score embed rerank bench"

helps() {
	local command

	call 0 --help || return
	for command in $commands; do
		grep -q "^  $command " "$scratch/out" || why "--help: no $command" || return
	done
	for command in $commands; do
		call 0 "$command" --help || return
		grep -q -- --help "$scratch/out" || why "$command --help: no options" || return
	done
}

refuses_wrong_command_lines() {
	refuses 2 "which command?" &&
		refuses 2 "unknown command 'frobnicate'" frobnicate &&
		refuses 2 "unknown option '--frob'" --frob &&
		refuses 2 "unknown option '--frob'" run --frob x &&
		refuses 2 "does not work with --host" --host ls &&
		refuses 2 "usage: llmctl run" run &&
		refuses 2 "usage: llmctl run" run a b &&
		refuses 2 "usage: llmctl convert" convert a &&
		refuses 2 "needs a value" run -m &&
		refuses 2 "takes no value" run --json=yes x &&
		refuses 2 "--host needs a model file" --host run x &&
		refuses 2 "need --host" run --form avx2 x &&
		refuses 2 "is not f32, f16 or q8_0" convert --type q4_0 a b
}

refuses_bad_numbers() {
	refuses 2 "--temp: 'hot' is not a number between 0 and 100" run --temp hot x &&
		refuses 2 "--temp: '' is not a number" run --temp= x &&
		refuses 2 "--temp: 'nan' is not" run --temp nan x &&
		refuses 2 "--temp: '0x1' is not" run --temp 0x1 x &&
		refuses 2 "--temp: '1,5' is not" run --temp 1,5 x &&
		refuses 2 "--temp: '101' is not" run --temp 101 x &&
		refuses 2 "--top-p: '1.01' is not a number between 0 and 1" run --top-p 1.01 x &&
		refuses 2 "--repeat-penalty: '0' is not" run --repeat-penalty 0 x &&
		refuses 2 "--max-tokens: '-1' is not a whole number" run -n -1 x &&
		refuses 2 "--max-tokens: '4294967296' is not" run -n 4294967296 x &&
		refuses 2 "--max-tokens: '5x' is not" run -n 5x x &&
		refuses 2 "--max-tokens: ' 5' is not" run -n ' 5' x &&
		refuses 2 "--seed: '18446744073709551616' is not" run --seed 18446744073709551616 x &&
		refuses 2 "--logit-bias: '5' is not" run --logit-bias 5 x &&
		refuses 2 "--logit-bias: '5+101' is not" run --logit-bias 5+101 x &&
		refuses 2 "--logit-bias: '+1' is not" run --logit-bias +1 x &&
		refuses 2 "--stop: '' is not" run --stop= x
}

refuses_without_the_module() {
	refuses 1 "the module is not loaded" ls &&
		refuses 1 "the module is not loaded" ps --json &&
		refuses 1 "the module is not loaded" info &&
		refuses 1 "the module is not loaded" run x &&
		refuses 1 "the module is not loaded" load "$model" &&
		refuses 1 "the module is not loaded" unload x &&
		refuses 1 "the module is not loaded" submit x &&
		refuses 1 "the module is not loaded" requests &&
		refuses 1 "the module is not loaded" cancel 1 &&
		refuses 1 "the module is not loaded" events
}

refuses_bad_files() {
	head -c 1000 "$model" >"$scratch/cut.gguf"
	refuses 1 "/nonexistent: No such file" --host run -m /nonexistent x &&
		refuses 1 "not a GGUF file" --host run -m "$0" x &&
		refuses 1 "not a regular file" verify "$scratch" &&
		refuses 1 "the file ends too early" verify "$scratch/cut.gguf" &&
		refuses 1 "x.gguf: No such file" info x.gguf &&
		refuses 1 "No such file or directory" convert "$model" /nonexistent/x.img &&
		refuses 1 "there are: portable" --host run -m "$model" --form mmx x &&
		refuses 1 "has 128 positions" --host run -m "$model" --ctx 129 x &&
		refuses 1 "the model has no token 286" --host run -m "$model" --logit-bias 286+1 x &&
		refuses 1 "the model has no token 286" --host detokenize -m "$model" 286 &&
		refuses 1 "do not fit the context" --host run -m "$model" --ctx 8 abcdefghijkl &&
		refuses 1 "prompt: it is empty" --host run -m "$model" ""
}

# As the kernel does: a byte of the program, of the table, of the header.
refuses_bad_images() {
	local at

	call 0 convert "$model" "$scratch/good.img" && call 0 verify "$scratch/good.img" || return
	for at in 8 12 16 64 88; do
		cp "$scratch/good.img" "$scratch/bad.img"
		printf '\377' | dd of="$scratch/bad.img" bs=1 seek=$at conv=notrunc status=none
		refuses 1 "$scratch/bad.img" verify "$scratch/bad.img" || return
	done
	head -c 20000 "$scratch/good.img" >"$scratch/bad.img"
	refuses 1 "in a file of 20000" verify "$scratch/bad.img"
}

converts() {
	local type

	for type in f32 f16 q8_0; do
		call 0 convert --type $type "$model" "$scratch/$type.img" &&
			call 0 verify "$scratch/$type.img" &&
			call 0 --host run -m "$scratch/$type.img" --logit-bias 262+100 -n 5 abc ||
			return
		[ "$(cat "$scratch/out")" = ccccc ] || why "$type: no reply" || return
	done
	[ "$(stat -c %s "$scratch/q8_0.img")" -lt "$(stat -c %s "$scratch/f16.img")" ] ||
		why "q8_0 is not smaller than f16" || return
	refuses 1 "is an image already" convert "$scratch/f16.img" "$scratch/x.img"
}

# Of a file and of its image, without loading either.
tells_the_cost() {
	call 0 info "$model" && grep -E '^(image|memory)' "$scratch/out" >"$scratch/cost" &&
		call 0 convert "$model" "$scratch/same.img" &&
		call 0 info "$scratch/same.img" || return
	grep -E '^(image|memory)' "$scratch/out" | cmp - "$scratch/cost" || why "not the same"
}

# session_memory KV FILE: bytes, or nothing
session_memory() {
	call 0 info --json --kv "$1" "$2" &&
		sed -n 's/.*"session_memory": *\([0-9]*\).*/\1/p' "$scratch/out"
}

# Keys and values take twice as much; heads of 16 columns have no blocks of 32.
keeps_keys_and_values() {
	local halves whole

	halves=$(session_memory f16 "$model") && whole=$(session_memory f32 "$model") || return
	[ "${whole:-0}" -gt "${halves:-0}" ] || why "f32 takes $whole, f16 $halves" || return
	call 0 --host score --kv f32 -m "$model" "a text" || return
	refuses 1 "can't be kept in blocks of 32" --host score --kv q8_0 -m "$model" "a text" &&
		refuses 2 "f16, q8_0 or f32" info --kv q4_0 "$model" &&
		call 0 convert --kv f32 "$model" "$scratch/kv.img" &&
		refuses 1 "format of keys and values of an image stays" \
			--host score --kv f32 -m "$scratch/kv.img" "a text" || return
	call 0 info --json "$scratch/kv.img" || return
	grep -q "\"session_memory\": *$whole" "$scratch/out" ||
		why "the image takes another: $(cat "$scratch/out")"
}

# What was there stays, and nothing else is left.
converts_all_or_nothing() {
	mkdir -p "$scratch/folder"
	echo before >"$scratch/folder/out.img"
	call 1 convert "$scratch/cut.gguf" "$scratch/folder/out.img" || return
	[ "$(cat "$scratch/folder/out.img")" = before ] || why "it was overwritten" || return
	call 1 convert "$model" "$scratch/folder" || return
	[ "$(ls "$scratch/folder")" = out.img ] || why "left: $(ls "$scratch/folder")" || return
	[ "$(find "$scratch" -maxdepth 1 -name 'folder*' | wc -l)" -eq 1 ] || why "a file is left"
}

prints_json() {
	local line

	while read -r line; do
		# shellcheck disable=SC2086 # words
		call 0 ${line//MODEL/$model} || return
		python3 -m json.tool <"$scratch/out" >/dev/null 2>"$scratch/why" ||
			why "llmctl $line: $(cat "$scratch/out")" || return
	done <<-END
		info --json MODEL
		info --json $scratch/good.img
		--host tokenize --json -m MODEL abc"\\
		--host score --json -m MODEL abc
		--host run --json -m MODEL -n 50 --temp 2 --seed 1 abc
		--host bench --json -m MODEL -p 4 -n 4 -r 2 --sessions 2 --contexts 6
	END
}

names_the_tokenizer() {
	call 0 info "$model" || return
	grep -q '^tokenizer     llama$' "$scratch/out" || why "$(cat "$scratch/out")" || return
	call 0 info "$scratch/good.img" || return
	grep -q '^tokenizer     SentencePiece$' "$scratch/out" || why "$(cat "$scratch/out")"
}

tokenizes_both_ways() {
	local text=$'a b  c\n\303\251\xff' tokens

	tokens=$(printf %s "$text" | host tokenize --no-special -) || return
	printf ' %s' "$text" >"$scratch/wanted"
	# shellcheck disable=SC2086 # words
	host detokenize $tokens >"$scratch/out" && cmp "$scratch/out" "$scratch/wanted" ||
		why "as words: $tokens" || return
	echo "$tokens" | host detokenize - >"$scratch/out" &&
		cmp "$scratch/out" "$scratch/wanted" || why "as text: $tokens" || return
	[ "$(host tokenize "$(printf %s "</s>")")" = "1 2" ] || why "special" || return
	[ "$(host detokenize 1 260 2)" = "<s>a</s>" ] || why "text of special" || return
	[ "$(host detokenize --no-special 1 260 2)" = a ] || why "no text of special"
}

embeds() {
	call 0 --host embed -m "$model" --json abc || return
	cp "$scratch/out" "$scratch/last"
	call 0 --host embed -m "$model" --json --pooling none abc || return
	python3 - "$scratch/last" "$scratch/out" <<-'END' 2>>"$scratch/why" || why "embed" || return
		import json, math, sys
		last, each = (json.load(open(name)) for name in sys.argv[1:])
		assert last["pooling"] == "last" and each["pooling"] == "none", "pooling"
		assert len(each["embeddings"]) == each["tokens"] == last["tokens"], "count"
		assert last["embeddings"] == each["embeddings"][-1:], "the last token's"
		assert all(len(v) == each["width"] for v in each["embeddings"]), "width"
		assert all(abs(math.hypot(*v) - 1) < 1e-7 for v in each["embeddings"]), "length"
	END
	[ "$(host embed --pooling mean abc | wc -l)" -eq 1 ] || why "one line" || return
	refuses 2 "--pooling: 'most' is not none, mean, cls or last" embed --pooling most x &&
		refuses 1 "do not fit" --host embed -m "$model" --ctx 3 abcdefghij &&
		refuses 1 "does not rank" --host rerank -m "$model" a b
}

run_is_repeatable() {
	local form threads first again

	first=$(host run --seed 7 --temp 1.5 -n 60 abc | cksum)
	for threads in 1 2 3; do
		again=$(host run --seed 7 --temp 1.5 -n 60 -t $threads abc | cksum)
		[ "$first" = "$again" ] || why "$threads threads: another reply" || return
	done
	again=$(printf abc | host run --seed 7 --temp 1.5 -n 60 - | cksum)
	[ "$first" = "$again" ] || why "from stdin: another reply" || return
	again=$(host run --seed 8 --temp 1.5 -n 60 abc | cksum)
	[ "$first" != "$again" ] || why "another seed: the same reply" || return
	for form in portable auto; do
		call 0 --host run -m "$model" --form $form -n 3 abc || return
	done
}

# Token 262 is "c"; what is made is then known.
run_obeys() {
	[ "$(host run --logit-bias 262+100 -n 5 abc)" = ccccc ] || why "bias, length" || return
	host run --logit-bias 262+100 -n 5 abc | cmp -s - <(printf ccccc) ||
		why "not the reply exactly" || return
	[ "$(host run --logit-bias 262+100 -n 50 --stop ccc abc)" = "" ] ||
		why "stop at once" || return
	[ "$(host run --logit-bias 262+100 -n 9 --stop d --stop cccd abc)" = ccccccccc ] ||
		why "what was held back for a stop string" || return
	host run --json --logit-bias 2+100 -n 50 abc | grep -q '"reason":"end"' ||
		why "end" || return
	host run --json --logit-bias 262+100 --ctx 20 abc | grep -q '"reason":"context"' ||
		why "context" || return
	host run --json --logit-bias 262+100 -n 4 abc | grep -q '"tokens_out":4' || why "count"
}

tells_of_a_full_disk() {
	local arguments

	for arguments in "--help" "--host run -m $model --logit-bias 262+100 -n 5 abc"; do
		# shellcheck disable=SC2086 # words
		"$llmctl" $arguments >/dev/full 2>"$scratch/err"
		[ $? -eq 1 ] || why "$arguments: not refused" || return
		grep -q "standard output: No space" "$scratch/err" || why "$arguments" || return
	done
}

measures_speed() {
	local name wrong

	call 0 --host bench -m "$model" -p 8 -n 4 -r 1 --sessions 1,3 --contexts 9,12 || return
	for name in 'pp[0-9]+' 'tg4' 'tg4x3' 'tg[0-9]+@9' 'tg[0-9]+@12'; do
		[ "$(grep -cE "^$name +[0-9.]+ tokens/s .* [0-9.]+ ms\$" "$scratch/out")" -eq 1 ] ||
			why "$name: $(cat "$scratch/out")" || return
	done
	call 0 --host bench -m "$model" -p 0 -n 4 -r 1 --sessions 0 || return
	[ ! -s "$scratch/out" ] || why "nothing was asked for: $(cat "$scratch/out")" || return
	for wrong in "--sessions 65" "--sessions 1,,2" "--sessions 1," "--contexts x" \
		"--sessions 1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1"; do
		# shellcheck disable=SC2086 # words
		call 2 --host bench -m "$model" $wrong || return
	done
}

# A context that takes minutes to fill.
is_interrupted() {
	local pid status

	"$make_gguf" "$scratch/long.gguf" 100000 || return
	"$llmctl" --host run -m "$scratch/long.gguf" --logit-bias 2-100 --temp 2 abc \
		>"$scratch/out" 2>"$scratch/err" &
	pid=$!
	for _ in $(seq 1200); do
		[ ! -s "$scratch/out" ] || break
		sleep 0.1
	done
	kill -INT $pid
	wait $pid
	status=$?
	[ $status -eq 130 ] || why "run: status $status" || return
	[ -s "$scratch/out" ] || why "run: what was made is not shown" || return
	timeout --preserve-status -s INT 1 "$llmctl" --host bench -r 1000 -m "$model" -n 100 \
		>"$scratch/out" 2>"$scratch/err"
	status=$?
	[ $status -eq 130 ] || why "bench: status $status"
}

scores_in_windows() {
	local text

	text=$(printf 'abc def ghi\njkl %.0s' $(seq 60))
	call 0 --host score -m "$model" --json --top 3 "$text" || return
	python3 - "$scratch/out" "$text" <<-'END' 2>>"$scratch/why" || why "windows"
		import json, math, sys
		found = json.load(open(sys.argv[1]))
		tokens = found["tokens"]
		begins = [i for i, t in enumerate(tokens) if t["logprob"] is None]
		assert found["windows"] == len(begins) > 5, "windows"
		assert found["count"] == len(tokens) == found["scored"] + len(begins), "count"
		assert all(b - a <= 128 for a, b in zip(begins, begins[1:])), "length"
		mean = sum(t["logprob"] for t in tokens if t["logprob"] is not None) / found["scored"]
		assert abs(mean - found["mean_logprob"]) < 1e-5, "mean"
		assert abs(math.exp(-mean) / found["perplexity"] - 1) < 1e-4, "perplexity"
		tops = [(t, t["top"]) for t in tokens if t["logprob"] is not None]
		for t, top in tops:
		    assert len(top) == 3, "top"
		    assert top == sorted(top, key=lambda a: -a["logprob"]), "order"
		    assert t["logprob"] <= top[0]["logprob"], "likeliest"
		    assert all(a["logprob"] == t["logprob"] for a in top if a["token"] == t["token"])
		text = "".join(t["text"] for t in tokens).replace("<s> ", "")
		assert text == sys.argv[2], "text"
	END
}

continues_the_story() {
	local form

	sed -n '/^text:/,$p' "$shared/models/stories260K.greedy.txt" | tail -n +2 >"$scratch/wanted"
	for form in portable auto; do
		{
			printf 'Once upon a time'
			"$llmctl" --host run -m "$stories" --raw --temp 0 -n 100 --form $form \
				"Once upon a time"
			echo
		} | cmp - "$scratch/wanted" >>"$scratch/why" || why $form || return
	done
}

# The file tells the tokens and what another engine found for those it made.
scores_as_others_do() {
	local facts=$shared/models/stories260K.greedy.txt

	sed -n '/^text:/,$p' "$facts" | tail -n +2 | head -c -1 >"$scratch/text"
	"$llmctl" --host score -m "$stories" --json - <"$scratch/text" >"$scratch/out" || return
	python3 - "$scratch/out" "$facts" <<-'END' 2>>"$scratch/why" || why "score"
		import json, math, sys
		found = json.load(open(sys.argv[1]))["tokens"]
		facts = dict(line.split(":", 1) for line in open(sys.argv[2]) if ":" in line)
		prompt, made = (facts[name + "_ids"].split() for name in ("prompt", "generated"))
		assert [t["token"] for t in found] == [int(t) for t in prompt + made], "tokens"
		mean = sum(t["logprob"] for t in found[len(prompt):]) / len(made)
		assert abs(mean + float(facts["mean_nll_of_greedy"])) < 0.001, mean
		for at in 0, 4:
		    logits = [float(l) for l in facts["logits_pos%d" % at].split()]
		    token = found[at + 1]
		    wanted = logits[token["token"]] - math.log(sum(map(math.exp, logits)))
		    assert abs(token["logprob"] - wanted) < 0.001, (at, wanted)
	END
}

# On the model's own greedy stories, one after the other.
loses_little_by_quantising() {
	local start image=$scratch/stories.img

	call 0 convert --type q8_0 "$stories" "$image" || return
	for start in "Once upon a time" "One day" "There was a dog" "Tom and Lily"; do
		printf '%s' "$start"
		"$llmctl" --host run -m "$stories" --temp 0 "$start"
		echo
	done | head -c 2000 >"$scratch/text"
	[ "$(wc -c <"$scratch/text")" -eq 2000 ] || why "too short" || return
	"$llmctl" --host score -m "$stories" --json - <"$scratch/text" >"$scratch/exact"
	"$llmctl" --host score -m "$image" --json - <"$scratch/text" >"$scratch/quantised"
	python3 - "$scratch/exact" "$scratch/quantised" <<-'END' 2>>"$scratch/why" || why "perplexity"
		import json, sys
		exact, quantised = (json.load(open(name))["perplexity"] for name in sys.argv[1:])
		assert 1 < exact < 10 and exact != quantised, exact
		assert abs(quantised / exact - 1) < 0.02, (exact, quantised)
	END
}

echo 1..23
model=$scratch/small.gguf
"$make_gguf" "$model" 128 || exit
: >"$scratch/why"
helps
result $? "every command helps"
refuses_wrong_command_lines
result $? "wrong command lines are refused in one line"
refuses_bad_numbers
result $? "numbers are taken strictly"
if [ -e /dev/llm ]; then
	skip "without the module it says so" "/dev/llm is there"
else
	refuses_without_the_module
	result $? "without the module it says so"
fi
refuses_bad_files
result $? "files that can't be used are refused in one line"
refuses_bad_images
result $? "bad images are refused"
converts
result $? "images of all types are made and run"
tells_the_cost
result $? "what a model will cost is told before it is loaded"
converts_all_or_nothing
result $? "convert makes all or nothing"
if command -v python3 >/dev/null; then
	prints_json
	result $? "JSON is well-formed"
	embeds
	result $? "a text has an embedding"
	scores_in_windows
	result $? "long texts are scored in windows"
else
	skip "JSON is well-formed" "needs python3"
	skip "a text has an embedding" "needs python3"
	skip "long texts are scored in windows" "needs python3"
fi
names_the_tokenizer
result $? "info names the tokenizer"
keeps_keys_and_values
result $? "keys and values are kept in the format that is asked for"
tokenizes_both_ways
result $? "text to tokens and back"
run_is_repeatable
result $? "a seed gives one reply, whatever computes it"
run_obeys
result $? "bias, length, stop strings, end and context"
tells_of_a_full_disk
result $? "a full disk is told of"
is_interrupted
result $? "an interrupt ends it with status 130"
measures_speed
result $? "bench prints speeds"
missing=
[ -e "$stories" ] || missing="a file in LLM_SHARED"
if [ "$missing" ]; then
	skip "a trained model continues its story" "needs $missing"
else
	continues_the_story
	result $? "a trained model continues its story"
fi
command -v python3 >/dev/null || missing=python3
if [ "$missing" ]; then
	skip "tokens are scored as another engine does" "needs $missing"
	skip "quantising changes perplexity by less than 2%" "needs $missing"
else
	scores_as_others_do
	result $? "tokens are scored as another engine does"
	loses_little_by_quantising
	result $? "quantising changes perplexity by less than 2%"
fi
exit $failed

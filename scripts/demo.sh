#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# scripts/demo.sh [PROMPT]
#
# From a bare clone to a reply from /dev/llm: builds what is needed, boots a
# User-Mode Linux kernel, loads llm.ko and the project's own model, and talks to
# the device as any program would.

set -eu

cd "$(dirname "$0")/.."
model=$(find models -name '*.gguf' | sort | head -n 1)
if [ -z "$model" ]; then
	echo "demo: there is no model in models/" >&2
	exit 1
fi
prompt=${1:-It is a truth universally acknowledged, that}

# shellcheck disable=SC2016 # for the shell in the guest
selftests/vm/run -k uml -m "$model" -- sh -c '
	echo "# uname -sr; lsmod | grep llm"
	uname -sr
	lsmod | grep llm
	echo "# printf %s \"$1\" >/dev/llm"
	printf %s "$1" >/dev/llm
	echo "# cat /dev/llm"
	printf %s "$1"
	cat /dev/llm
	echo' sh "$prompt"

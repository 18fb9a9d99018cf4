#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# scripts/lint.sh
#
# Style and static checks of everything in the tree. Prints what they find; the
# status is 1 when one of them found something.

# shellcheck disable=SC2317 # check() calls functions by their names
set -u

cd "$(dirname "$0")/.." || exit
top=$PWD
work=$top/build/lint
kernel=$top/selftests/vm/kernel
source=$("$kernel" source uml) || exit
found=0

# Runs a check, whose findings are what it prints, whatever its status.
check() {
	local name=$1 output

	shift
	output=$("$@" 2>&1)
	if [ -n "$output" ]; then
		printf '%s\n' "--- $name" "$output"
		found=1
	else
		echo "$name: nothing found"
	fi
}

# Files of the tree by their names' patterns, without what was built.
files() {
	local pattern

	for pattern in "$@"; do
		find module uapi lib tools selftests scripts -name "$pattern" \
			-not -path '*/build*/*' -type f
	done
}

# What does not hold here: 6.1 has no kzalloc_obj(); compat.h is there to ask for
# the version; uapi/ has no BIT(); macros that name registers of a table use their
# arguments twice; names of the C library and of BLAS are theirs; a member with an
# attribute is taken for code.
ignored=ALLOC_WITH_SIZEOF,LINUX_VERSION_CODE,CONSTANT_COMPARISON,BIT_MACRO
ignored+=,MACRO_ARG_REUSE,MACRO_ARG_PRECEDENCE,CAMELCASE,LONG_LINE_STRING,LINE_SPACING
# What userspace does not have: the kernel's names for attributes, ARRAY_SIZE() and
# types, and its log, in which texts are searched for.
userspace_ignored=$ignored,PREFER_DEFINED_ATTRIBUTE_MACRO,ARRAY_SIZE,NEW_TYPEDEFS
userspace_ignored+=,VOLATILE,SPLIT_STRING,EMBEDDED_FUNCTION_NAME,PREFER_KERNEL_TYPES
userspace_ignored+=,COMPLEX_MACRO,QUOTED_WHITESPACE_BEFORE_NEWLINE,STRCPY,EXPORT_SYMBOL

# Findings in the files on standard input, but for exponents and pragmas, in which
# checkpatch finds sums: 1e-4f. In a folder of its own, since it leaves a file behind.
checkpatch_files() {
	local file line rest

	sed "s|^|$top/|" |
		(cd "$work" && xargs -d '\n' -n 30 -P "$(nproc)" "$source/scripts/checkpatch.pl" \
			--strict --no-tree --terse --no-summary --quiet --root="$source" \
			--typedefsfile "$work/typedefs" --ignore "$1" -f) 2>&1 |
		while IFS=: read -r file line rest; do
			case $rest in
			*"spaces preferred around that"*)
				sed -n "${line}p" "$file" | grep -qE '[0-9.][ep][-+][0-9]|#pragma' && continue
				;;
			esac
			echo "$file:$line:$rest"
		done
}

# platform.h gives userspace the kernel's words, and is checked as userspace.
checkpatch() {
	# The trainer's numbers, and the compiler's vectors.
	printf '%s\n' real __m256i __m512 >"$work/typedefs"
	files '*.c' '*.h' | grep -E '^(module|uapi)/' | grep -v '^module/engine/platform.h' |
		checkpatch_files "$ignored"
	{ files '*.c' '*.h' | grep -vE '^(module|uapi)/'; echo module/engine/platform.h; } |
		checkpatch_files "$userspace_ignored"
}

# Warnings of gcc with W=1 and of sparse, for the kernel of build directory $1.
# What they say of the kernel's own headers is not ours.
module() {
	rm -rf "$work/module"
	BUILD=$work/module scripts/build-module.sh "$1" -s W=1 C=2 CF=-Wsparse-error 2>&1 >/dev/null |
		grep -E '^(\S*/)?(module|uapi)/.*(warning|error):|^make.*Error|modpost:'
}

# An image's bytes are taken for the numbers they are, once the verifier has seen
# that they are aligned: no cast of that kind is a finding. What it found in a file
# is kept until the file changes.
userspace() {
	mkdir -p "$work/cppcheck"
	cppcheck "-j$(nproc)" --cppcheck-build-dir="$work/cppcheck" --quiet \
		--enable=warning,performance,portability --inline-suppr \
		--suppress=missingIncludeSystem --suppress=invalidPointerCast \
		--suppress="*:$source/*" --template=gcc \
		-I uapi -I lib -I module -I "$source/tools/testing/selftests" \
		lib tools selftests module/engine
}

# Not with -Wreturn: many a summary says what is returned, and saying it twice
# would help nobody.
kernel_doc() {
	mapfile -t list < <(files '*.h')
	/usr/bin/python3 "$source/scripts/kernel-doc" -none -Wshort-desc \
		-Wcontents-before-sections "${list[@]}"
}

shell() {
	mapfile -t list < <(grep -rlE '^#!/bin/(ba)?sh' --exclude-dir='build*' \
		--exclude-dir=.git .)
	shellcheck -x -P SCRIPTDIR --format=gcc "${list[@]}"
}

mkdir -p "$work"
check "checkpatch" checkpatch
for name in stock uml; do
	headers=$("$kernel" headers $name) || exit
	check "W=1 and sparse, $name" module "$headers"
done
check "cppcheck" userspace
check "kernel-doc" kernel_doc
check "shellcheck" shell
exit $found

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# scripts/build-module.sh KDIR [MAKE-ARGUMENT]...
#
# Builds llm.ko for the kernel whose build directory is KDIR and prints its
# path, $BUILD/RELEASE/llm.ko. Every kernel has a directory of its own there, with
# links to the sources, so builds for several kernels do not disturb each other.
# BUILD is build/ in the checkout by default. What the build says goes to standard
# error.

set -eu
shopt -s inherit_errexit

top=$(realpath "$(dirname "$0")/..")

die() {
	echo "build-module: $*" >&2
	exit 1
}

# Links the module's sources into $1 and drops links whose source has gone.
link_sources() {
	mkdir -p "$1"
	cp -rsf --no-target-directory "$top/module" "$1/module"
	cp -rsf --no-target-directory "$top/uapi" "$1/uapi"
	ln -sf "$top/Kbuild" "$1/Kbuild"
	find "$1" -xtype l -delete
}

[ $# -ge 1 ] || die "usage: scripts/build-module.sh KDIR [MAKE-ARGUMENT]..."
kdir=$1
shift
[ -e "$kdir/Makefile" ] ||
	die "$kdir is no kernel build directory; run make deps, or pass KDIR=/path"
[ -e "$top/Kbuild" ] || die "$top holds no Kbuild"
release=$(sed -n 's/.*UTS_RELEASE "\(.*\)"/\1/p' "$kdir/include/generated/utsrelease.h")
args=()
if grep -q '^CONFIG_UML=y' "$kdir/include/config/auto.conf"; then
	args+=(ARCH=um)
fi
mkdir -p "${BUILD:=$top/build}"
out=$(realpath "$BUILD")/$release
exec 9>"$out.lock"
flock 9
link_sources "$out"
make -C "$kdir" "${args[@]}" "M=$out" "-j$(nproc)" "$@" modules >&2 9>&-
echo "$out/llm.ko"

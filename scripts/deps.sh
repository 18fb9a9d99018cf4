#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# scripts/deps.sh
#
# Installs the Debian or Ubuntu packages that building, testing and the virtual
# machines need, and fetches the test kernels into the cache (selftests/vm/kernel).
# Does nothing, quickly, where everything is there.

set -eu
shopt -s inherit_errexit

top=$(realpath "$(dirname "$0")/..")

say() {
	echo "deps: $*"
}

die() {
	echo "deps: $*" >&2
	exit 1
}

installed() {
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

packages() {
	# The module, the library and the tools.
	echo gcc libc6-dev make git kmod libnl-genl-3-dev
	case $ID in
	ubuntu) echo linux-headers-generic ;;
	*) echo "linux-headers-$(dpkg --print-architecture)" ;;
	esac
	# Kernels of the test machines, and what boots them.
	echo bc bison cpio file flex libelf-dev libssl-dev patch perl python3 xz-utils
	echo debian-archive-keyring qemu-system-x86
	# Tests and lint; the trainer.
	echo clang cppcheck shellcheck sparse
	echo libopenblas-dev libopenmpi-dev openmpi-bin
	echo pkg-config python3-jsonschema python3-yaml
}

# Of a package whose name holds a version: libFuzzer for the clang there is.
fuzzer_package() {
	local version

	version=$(clang -dumpversion)
	if ! ls "$(dirname "$(clang -print-libgcc-file-name --rtlib=compiler-rt)")"/libclang_rt.fuzzer-*.a \
		>/dev/null 2>&1; then
		echo "libclang-rt-${version%%.*}-dev"
	fi
}

install() {
	[ $# -gt 0 ] || return 0
	[ "$(id -u)" = 0 ] ||
		die "these packages are missing: $*; run make deps as root to install them"
	say "installing $*"
	if [ -z "${updated:-}" ]; then
		apt-get -qq update
		updated=y
	fi
	DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 install -y \
		--no-install-recommends "$@" >/dev/null
}

ID=unknown
# shellcheck source=/dev/null # the system's
. /etc/os-release
command -v apt-get >/dev/null ||
	die "this system has no apt-get; install by hand: $(packages | tr '\n' ' ')"
missing=()
for package in $(packages); do
	installed "$package" || missing+=("$package")
done
install "${missing[@]}"
# shellcheck disable=SC2046 # none or one
install $(fuzzer_package)

# The list of packages may be older than the archive by now.
fetch() {
	"$top/selftests/vm/kernel" "$@" >/dev/null
}
fetch busybox
fetch image stock
fetch source uml
say "everything is there"

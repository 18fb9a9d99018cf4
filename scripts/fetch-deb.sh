#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# scripts/fetch-deb.sh RELEASE PACKAGE DIR
#
# Unpacks Debian's newest PACKAGE of RELEASE into DIR and leaves its version in
# DIR/.version. Nothing is installed and the system's apt configuration is not
# touched: apt runs in a private directory of the cache. RELEASE "-" means the
# system's own releases and package lists, for any other one the system's own
# Debian archive is asked. A system without one (Ubuntu) names it in
# LLM_DEBIAN_MIRROR=URI. apt checks signatures and hashes. DIR appears whole or
# not at all.

set -eu
shopt -s inherit_errexit

die() {
	echo "fetch-deb: $*" >&2
	exit 1
}

[ $# -eq 3 ] || die "usage: scripts/fetch-deb.sh RELEASE PACKAGE DIR"
release=$1
package=$2
dir=$3
cache=${XDG_CACHE_HOME:-$HOME/.cache}/llm-kernel
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# Prints the address of the system's Debian archive.
debian_archive() {
	if [ -n "${LLM_DEBIAN_MIRROR:-}" ]; then
		echo "$LLM_DEBIAN_MIRROR"
		return
	fi
	# shellcheck disable=SC2016 # the name in $() is apt's
	apt-get indextargets --format '$(REPO_URI)' \
		'Created-By: Packages' 'Origin: Debian' 'Label: Debian' \
		'Component: main' | head -n 1
}

# Makes the private apt directory of a release and points APT_CONFIG at it.
use_release() {
	local apt=$cache/apt/$release uri

	uri=$(debian_archive)
	[ -n "$uri" ] || die "no Debian archive among this system's package" \
		"sources; run apt-get update, or set LLM_DEBIAN_MIRROR to the" \
		"address of one"
	mkdir -p "$apt/state/lists/partial" "$apt/archives/partial"
	cat >"$apt/apt.sources" <<-EOF
		Types: deb
		URIs: $uri
		Suites: $release
		Components: main
		Signed-By: $keyring
	EOF
	cat >"$apt/apt.conf" <<-EOF
		Dir::Etc::sourcelist "$apt/apt.sources";
		Dir::Etc::sourceparts "/dev/null";
		Dir::State "$apt/state";
		Dir::Cache "$apt";
		Acquire::Check-Valid-Until "false";
		APT::Sandbox::User "root";
	EOF
	export APT_CONFIG=$apt/apt.conf
	exec 8>"$apt/lock"
	flock 8
	apt-get -qq update >&2 || die "the archive $uri has no release $release"
}

mkdir -p "$cache" "$(dirname "$dir")"
work=$(mktemp -d "$dir.XXXXXX")
trap 'rm -rf "$work"' EXIT
if [ "$release" != - ]; then
	use_release
fi
mkdir "$work/deb" "$work/root"
(cd "$work/deb" && apt-get -qq -o APT::Sandbox::User=root download "$package" >&2) ||
	die "cannot download the package $package" \
		"(release ${release/#-/of this system}); run apt-get update and try again"
deb=$(echo "$work"/deb/*.deb)
dpkg-deb -x "$deb" "$work/root"
dpkg-deb -f "$deb" Version >"$work/root/.version"
chmod 755 "$work/root"
rm -rf "$dir"
mv "$work/root" "$dir"

# SPDX-License-Identifier: GPL-2.0-or-later
#
# Sourced: a tree of a Debian suite newer than this machine's, with a compiler,
# the headers of the newest kernel that the module is for, and the packages of
# the guest's root. Kept in $cache/SUITE until the list of packages changes.
#
# Making one takes root (or sudo) and leave to mount and chroot; using it takes
# root, or a kernel that lets users have namespaces of their own.
#
# root/    the tree; the project's is seen in it at its own path
# release  the kernel release whose headers it has; empty: the suite has none
#
# Besides what archive.sh needs, the caller has $tree, the project's.

# shellcheck source=selftests/vm/archive.sh
. "$tree/selftests/vm/archive.sh"

# The kernel for which Debian 12 has no packages.
suite_kernel=7.2

suite_headers="linux-headers-${suite_kernel//./\\.}\\.[0-9.]+\\+deb[0-9]+-cloud-amd64"

suite_key()
{
	{
		cat "$tree/selftests/vm/suite.sh"
		"$tree/selftests/deps" --suite
	} | sha256sum
}

suite_is_made()
{
	[ "$(cat "$cache/$1/key" 2>/dev/null)" = "$(suite_key)" ]
}

# The first suite that has the kernel; one whose tree is there, if any.
suite_of_kernel()
{
	local s

	for s in "${archive_suites[@]}"; do
		suite_is_made "$s" && [ -s "$cache/$s/release" ] &&
			echo "$s" && return
	done
	for s in "${archive_suites[@]}"; do
		archive_newest "$s" "$suite_headers" >/dev/null &&
			echo "$s" && return
	done
	die "none of Debian's ${archive_suites[*]} has" \
	    "linux-headers-$suite_kernel.*-cloud-amd64 on this mirror"
}

# What this machine's apt says of proxies, retries and the like.
suite_apt_options()
{
	apt-config dump | grep -E '^Acquire::(https?|Force|Retries|Check-)'
	true
}

# suite_bootstrap SUITE HEADERS: the tree on standard output, as a tar.
suite_bootstrap()
{
	local sudo='' include

	[ "$(id -u)" = 0 ] || sudo=sudo
	include=$("$tree/selftests/deps" --suite | tr '\n' ,)$2
	$sudo mmdebstrap --mode=root --variant=apt --quiet \
		--include="$include" \
		--aptopt="$work/apt.conf" \
		--aptopt='APT::Install-Recommends "false"' \
		--dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/info/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' \
		"$1" - "$work/sources.list"
}

# In a subshell: interrupted, it leaves nothing. Nothing is ever mounted on its tree, as
# mmdebstrap works elsewhere; were it otherwise, that would not be followed.
suite_build()
(
	suite=$1

	command -v mmdebstrap >/dev/null ||
		die "mmdebstrap is not installed: run selftests/deps"
	headers=$(archive_newest "$suite" "$suite_headers")
	work=$(mktemp -d "$cache/$suite.XXXXXX")
	trap 'rm -rf --one-file-system "$work"' EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	note "making a tree of Debian's $suite: some minutes"
	archive_sources "$suite" >"$work/sources.list"
	suite_apt_options >"$work/apt.conf"
	mkdir "$work/root"
	# Its owner is who calls, who can then remove it as well.
	suite_bootstrap "$suite" "$headers" 2>"$work/log" |
		tar -x --no-same-owner --exclude='./dev/*' -C "$work/root"
	if [ "${PIPESTATUS[*]}" != "0 0" ]; then
		tail -n 40 "$work/log" >&2
		die "cannot make a tree of $suite: this takes root, and leave" \
		    "to mount and chroot"
	fi
	: >"$work/release"
	[ -z "$headers" ] ||
		echo "${headers#linux-headers-}" >"$work/release"
	suite_key >"$work/key"
	chmod 755 "$work" "$work/root"
	rm -rf "${cache:?}/$suite"
	mv -T "$work" "$cache/$suite"
)

# Has the tree of SUITE in $cache/SUITE.
suite_prepare()
{
	local lock

	exec {lock}>"$cache/$1.lock"
	flock "$lock"
	suite_is_made "$1" || suite_build "$1" {lock}>&- || return
	exec {lock}>&-
}

# suite_run SUITE COMMAND...: in the tree of SUITE, with the project's tree and
# the working directory where they are here. Ends with COMMAND's status.
suite_run()
{
	local suite=$1 user='' dir=$cache/$1/root real

	shift
	[ "$(id -u)" = 0 ] || user=-r
	real=$(realpath "$cache")
	mkdir -p "$dir$tree" "$dir$real"
	# shellcheck disable=SC2016
	SLUICE_SUITE=$suite unshare $user -m -- sh -ec '
		root=$1 tree=$2 cache=$3 cwd=$4
		shift 4
		mount --bind "$tree" "$root$tree"
		mount --bind "$cache" "$root$cache"
		mount --rbind /dev "$root/dev"
		mount --rbind /proc "$root/proc"
		exec chroot "$root" env -C "$cwd" "$@"' \
		sh "$dir" "$tree" "$real" "$PWD" "$@"
}

# SPDX-License-Identifier: GPL-2.0-or-later
#
# Sourced: packages of Debian suites that are not this machine's own, by an
# apt with settings, lists and cache of its own in $cache/apt. Where to fetch
# from is what this machine's apt is configured for; signatures are verified
# as ever.
#
# The caller has $cache, a directory, and the functions note and die.

archive_keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# Where to look for what Debian 12 does not have, the calmest first.
archive_suites=(trixie forky sid)

# The URI from which this machine's apt fetches Debian's SUITE.
archive_uri()
{
	# shellcheck disable=SC2016
	apt-get indextargets --format \
		'$(REPO_URI) $(RELEASE) $(CODENAME) $(ORIGIN)' \
		'Created-By: Packages' 'Component: main' |
	awk -v suite="$1" '
		$2 != suite && $3 != suite { next }
		# No list was fetched yet: no origin either.
		NF < 4 || $4 == "Debian" || $4 ~ /^\$/ { print $1; exit }'
}

# Prints the lines of sources.list for SUITE.
archive_sources()
{
	local suite=$1 codename uri security s
	local signed="[signed-by=$archive_keyring]"

	# shellcheck disable=SC1091
	codename=$(. /etc/os-release && echo "${VERSION_CODENAME-}")
	uri=$(archive_uri "$codename")
	security=$(archive_uri "$codename-security")
	[ -n "$uri" ] ||
		die "apt has no source of Debian's $codename: no telling" \
		    "where to fetch $suite from"
	[ -r $archive_keyring ] || die "no $archive_keyring"
	echo "deb $signed $uri $suite main"
	# Suites that are not released have nothing beside them.
	[[ $suite != forky && $suite != sid ]] || return 0
	for s in updates backports; do
		echo "deb $signed $uri $suite-$s main"
	done
	[ -z "$security" ] ||
		echo "deb $signed $security $suite-security main"
}

# archive_apt SUITE TOOL ARGUMENT...: apt-get or apt-cache for SUITE. What this
# machine's settings say of proxies and the like holds for them too.
archive_apt()
{
	local suite=$1 tool=$2

	shift 2
	APT_CONFIG=$cache/apt/$suite/apt.conf "$tool" -q "$@"
}

# Settings for SUITE, which name this directory: the tree may have moved. Put in
# place whole, as somebody else may be reading.
archive_configure()
{
	local dir=$cache/apt/$1 new

	mkdir -p "$dir"/{lists,archives}
	new=$(mktemp -d "$dir/new.XXXXXX") || return
	archive_sources "$1" >"$new/sources.list" || return
	: >"$new/status"
	cat >"$new/apt.conf" <<-END
	Dir::Etc::SourceList "$dir/sources.list";
	Dir::Etc::SourceParts "/dev/null";
	Dir::Etc::Preferences "/dev/null";
	Dir::Etc::PreferencesParts "/dev/null";
	Dir::State::Lists "$dir/lists";
	Dir::State::Status "$dir/status";
	Dir::Cache "$dir";
	Dir::Cache::Archives "$dir/archives";
	Acquire::Languages "none";
	END
	mv "$new"/* "$dir" && rmdir "$new"
}

# Has the lists of SUITE, of today or, with "now", of this minute.
archive_update()
{
	local suite=$1 when=${2-} dir=$cache/apt/$1

	archive_configure "$suite" || return
	if [ "$when" != now ] &&
	   [ -n "$(find "$dir/fetched" -mmin -720 2>/dev/null)" ]; then
		return
	fi
	note "fetching the lists of Debian's $suite"
	if ! archive_apt "$suite" apt-get --error-on=any update \
			>"$dir/log" 2>&1; then
		cat "$dir/log" >&2
		note "apt-get cannot fetch the lists of $suite"
		return 1
	fi
	touch "$dir/fetched"
}

# archive_newest SUITE REGEX: the package of SUITE with the highest number in
# its name among those whose whole name matches.
archive_newest()
{
	archive_update "$1" &&
		archive_apt "$1" apt-cache pkgnames | grep -Ex "$2" |
			sort -V | tail -n 1 | grep .
}

# archive_download SUITE PACKAGE[=VERSION] DIRECTORY: the .deb to DIRECTORY.
# Lists a few hours old may name what the archive has replaced meanwhile.
archive_download()
{
	local suite=$1 package=$2 dir=$3 try

	for try in '' now; do
		archive_update "$suite" $try || return
		(cd "$dir" && archive_apt "$suite" apt-get download \
			"$package") >"$dir/apt.log" 2>&1 && return
	done
	cat "$dir/apt.log" >&2
	note "apt-get cannot download $package of $suite"
	return 1
}

# archive_home PACKAGE: the calmest suite that has it; "own" where this machine's
# own apt does.
archive_home()
{
	local suite

	if apt-cache show "$1" >/dev/null 2>&1; then
		echo own
		return
	fi
	for suite in "${archive_suites[@]}"; do
		archive_newest "$suite" "${1//./\\.}" >/dev/null || continue
		echo "$suite"
		return
	done
	note "no $1 here nor in Debian's ${archive_suites[*]}"
	return 1
}

# archive_version HOME PACKAGE
archive_version()
{
	local policy=(apt-cache)

	[ "$1" = own ] || policy=(archive_apt "$1" apt-cache)
	LC_ALL=C "${policy[@]}" policy "$2" |
		sed -n 's/^  Candidate: \([^(].*\)/\1/p' | grep .
}

# archive_get HOME PACKAGE[=VERSION] DIRECTORY: the .deb to DIRECTORY
archive_get()
{
	if [ "$1" != own ]; then
		archive_download "$@"
		return
	fi
	(cd "$3" && apt-get -q download "$2") >"$3/apt.log" 2>&1 && return
	cat "$3/apt.log" >&2
	note "apt-get cannot download $2 (apt-get update may help)"
	return 1
}

# SPDX-License-Identifier: GPL-2.0-or-later
#
# Sourced: TAP from shell. Each check is one test point.

_tap_n=0 _tap_bad=0

tap_ok()	# NAME
{
	echo "ok $((++_tap_n)) $1"
}

tap_not_ok()	# NAME [REASON]...
{
	local name=$1

	shift
	[ $# -eq 0 ] || printf '%s\n' "$@" | sed 's/^/# /'
	echo "not ok $((++_tap_n)) $name"
	_tap_bad=1
}

tap_skip()	# NAME REASON
{
	echo "ok $((++_tap_n)) $1 # SKIP $2"
}

# tap_try NAME COMMAND...: ok if the command succeeds; its words otherwise.
tap_try()
{
	local name=$1 words

	shift
	if words=$("$@" 2>&1 </dev/null); then
		tap_ok "$name"
	else
		tap_not_ok "$name" "exit status $?: $*" "$words"
	fi
}

tap_equal()	# NAME WANTED SEEN
{
	if [ "$2" = "$3" ]; then
		tap_ok "$1"
	else
		tap_not_ok "$1" "wanted: $2" "seen:   $3"
	fi
}

tap_end()
{
	echo "1..$_tap_n"
	exit $_tap_bad
}

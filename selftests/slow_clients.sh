#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A crowd of clients that are silent, or send a byte a second, is not in the way of
# others, and leaves nothing behind. How much they may cost shows where the machine has
# the processor's own speed: on the UML kernel "bench", that is twice the time; where it
# is emulated, clocks say little.
# selftest-timeout: 420

set -u
# shellcheck source=selftests/lib/tap.sh
. selftests/lib/tap.sh
# shellcheck source=selftests/lib/daemon.sh
. selftests/lib/daemon.sh

slow=300 factor=8
case $(uname -r) in
*-bench) slow=1000 factor=2 ;;
esac

none_left()
{
	[ "$(counter sockets)" = 0 ] && "$sluice" status | grep -q '^pending: *0 '
}

same_files()
{
	[ "$(open_files $sluiced_pid)" -le "$files" ]
}

crowd()
{
	local words status

	words=$(build/selftests/tools/loris good.test test $slow $factor 2>&1)
	status=$?
	echo "# $words"
	tap_equal "beside $slow slow clients others are served" 0 $status
	tap_try 'no socket and no request is left' wait_for none_left
	tap_try 'sluiced has no file left open' wait_for same_files
}

make_pki || exit 1
start_sluiced || exit 1
build/selftests/tools/storm good.test test 4 2 >/dev/null
wait_for none_left
files=$(open_files $sluiced_pid)
crowd
stop $sluiced_pid
tap_equal 'sluiced ends cleanly' 0 $?
tap_end

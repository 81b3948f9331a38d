#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Many handshakes while agents come, go, die and reload: two at once share them,
# what a dead one had fails at once, and a restart or a reload loses none.
# selftest-timeout: 420

set -u
# shellcheck source=selftests/lib/tap.sh
. selftests/lib/tap.sh
# shellcheck source=selftests/lib/daemon.sh
. selftests/lib/daemon.sh

storm=build/selftests/tools/storm
grace=/sys/module/sluice/parameters/agent_grace_ms
pids=()

# agent NUMBER: sluiced beside others, ${pids[NUMBER]}, log in $work/NUMBER.log
agent()
{
	: >>"$work/$1.log"
	"$SLUICE_BIN/sluiced" -v -c "$work/sluiced.conf" 2>>"$work/$1.log" &
	pids[$1]=$!
	wait_for grep -q ": ready" "$work/$1.log"
}

handshakes()	# NUMBER: that this agent has done
{
	grep -c ' ok TLS' "$work/$1.log"
}

begun()	# COUNT: handshakes done since $before
{
	[ $(($(counter hs_done) - before)) -ge "$1" ]
}

# storm of 8 connections at once that goes on until end_storm: $stormer
begin_storm()
{
	before=$(counter hs_done)
	$storm good.test test 100000000 8 >"$work/storm" 2>&1 &
	stormer=$!
	wait_for begun 20
}

# end_storm NAME: every handshake went well, and some are of late
end_storm()
{
	before=$(counter hs_done)
	wait_for begun 20
	kill -TERM "$stormer"
	if wait "$stormer"; then
		tap_ok "$1"
	else
		tap_not_ok "$1" "$(cat "$work/storm")"
	fi
}

is_over()	# PID
{
	! kill -0 "$1"
}

sharing()
{
	agent 1
	agent 2
	tap_try 'two agents: all goes well' $storm good.test test 40 8
	tap_try 'the first has done some' test "$(handshakes 1)" -gt 0
	tap_try 'so has the second' test "$(handshakes 2)" -gt 0
	tap_equal 'and no handshake was done twice' 80 \
		$(($(handshakes 1) + $(handshakes 2)))
}

# No more fail than were its own: 8 connections, both ends.
death()
{
	local failed

	begin_storm
	kill -KILL "${pids[1]}"
	wait "${pids[1]}" 2>/dev/null
	before=$(counter hs_done)
	tap_try 'an agent is killed: the other goes on' wait_for begun 20
	kill -TERM "$stormer"
	wait_for is_over "$stormer"
	tap_try 'nothing hangs' is_over "$stormer"
	failed=$(sed -n 's/^storm: .* done, \([0-9]*\) failed$/\1/p' \
		"$work/storm")
	tap_try 'only what it had at hand has failed' test "$failed" -le 16
	tap_try 'after that none does' $storm good.test test 20 8
}

# The gap between two agents is as long as a start takes on this machine.
upgrade()
{
	local without

	without=$(counter hs_no_agent)
	echo 100000 >$grace
	begin_storm
	stop "${pids[2]}"
	tap_equal 'SIGTERM in the middle: the agent ends' 0 $?
	agent 3
	end_storm 'a restart: no handshake is lost'
	tap_equal 'none has found no agent' \
		"$without" "$(counter hs_no_agent)"
	echo 5000 >$grace
}

# Both ends of a connection that stays: bytes before and after.
hold_connection()
{
	mkfifo "$work/in"
	build/selftests/tools/tcat -l 4733 2>/dev/null &
	wait_for port_listens 4733
	build/selftests/tools/tcat good.test 4733 <"$work/in" \
		>"$work/echoed" 2>"$work/held.err" &
	held=$!
	exec 6>"$work/in"
	echo before >&6
	wait_for grep -q before "$work/echoed"
}

reloaded()	# TIMES
{
	[ "$(grep -c 'configuration reloaded' "$work/3.log")" -ge "$1" ]
}

reload()
{
	local held i

	hold_connection
	begin_storm
	for i in 1 2 3; do
		kill -HUP "${pids[3]}"
		wait_for reloaded $i
	done
	end_storm 'SIGHUP three times: no handshake is lost'
	tap_try 'each was a reload' reloaded 3
	echo after >&6
	exec 6>&-
	wait "$held"
	tap_equal 'a connection from before is still there' 0 $?
	tap_equal 'with all its bytes' 'before after' \
		"$(tr '\n' ' ' <"$work/echoed" | sed 's/ $//')"
	stop "${pids[3]}"
}

make_pki || exit 1
write_config
echo 'drain = 100;' >>"$work/sluiced.conf"
sharing
death
upgrade
reload
tap_end

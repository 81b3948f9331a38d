#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# sluiced and the module under handshakes: many at once, with nothing left
# behind; verification; an agent that is not there, or dies half-way.
# selftest-timeout: 420

set -u
# shellcheck source=selftests/lib/tap.sh
. selftests/lib/tap.sh
# shellcheck source=selftests/lib/daemon.sh
. selftests/lib/daemon.sh

storm=build/selftests/tools/storm
tcat=build/selftests/tools/tcat
port=4533

no_sockets()
{
	[ "$(counter sockets)" = 0 ]
}

# 200 connections, 64 at once, two handshakes each (both ends are ours).
storms()	# VERSION
{
	local done_before files_before

	# The first run lets every worker open what it keeps.
	$storm good.test test 16 8 "$1" >/dev/null
	done_before=$(counter hs_done)
	files_before=$(open_files $sluiced_pid)
	tap_try "TLS $1: 200 connections, 64 at once" \
		$storm good.test test 200 64 "$1"
	tap_equal "TLS $1: each was a handshake of both ends" 400 \
		$(($(counter hs_done) - done_before))
	wait_for no_sockets
	tap_equal "TLS $1: no socket is left" 0 "$(counter sockets)"
	tap_equal "TLS $1: sluiced has no file left open" "$files_before" \
		"$(open_files $sluiced_pid)"
}

# refused NAME HOST REASON: our client and our server, the client objects
refused()
{
	local words status server

	port=$((port + 1))
	$tcat -l $port >/dev/null 2>"$work/server.err" &
	server=$!
	wait_for port_listens $port
	words=$($tcat "$2" $port 2>&1 </dev/null)
	status=$?
	wait $server
	if [ $status != 0 ] && grep -qiE "$3" <<<"$words"; then
		tap_ok "$1 is refused"
	else
		tap_not_ok "$1 is refused" "status $status" "wanted: $3" \
			"$words"
	fi
}

verification()
{
	refused 'a certificate for another name' wrong.test 'hostname mismatch'
	refused 'an expired certificate' expired.test 'certificate has expired'
	refused 'an unknown authority' unknown.test 'issuer certificate'
}

# A server that accepts the TCP connection and never speaks.
start_silent()
{
	port=$((port + 1))
	python3 -c '
import socket, sys, time
s = socket.create_server(("127.0.0.1", int(sys.argv[1])))
held = []
while True:
    held.append(s.accept())
' $port &
	silent=$!
	wait_for port_listens $port
}

# The program waits in connect(); whoever ends the wait, its errno says so.
death_of_the_agent()
{
	local client words before

	before=$(counter hs_abandoned)
	start_silent
	$tcat good.test $port >/dev/null 2>"$work/tcat.err" </dev/null &
	client=$!
	wait_for has_channel
	kill -KILL $sluiced_pid
	wait $sluiced_pid 2>/dev/null
	wait_for test ! -d /proc/$client
	if kill -KILL $client 2>/dev/null; then
		tap_not_ok 'sluiced killed in mid-handshake: the program goes on'
	else
		tap_ok 'sluiced killed in mid-handshake: the program goes on'
	fi
	words=$(cat "$work/tcat.err")
	case $words in
	*abort* | *ended* | *agent*)
		tap_ok 'sluiced killed in mid-handshake: the reason is told' ;;
	*)
		tap_not_ok 'sluiced killed in mid-handshake: the reason is told' \
			"$words" ;;
	esac
	kill $silent
	wait $silent 2>/dev/null
	tap_equal 'sluiced killed in mid-handshake: counted' 1 \
		$(($(counter hs_abandoned) - before))
}

has_channel()
{
	ls -l /proc/$sluiced_pid/fd | grep -q sluice
}

# After the grace time of an agent that has just left there is none.
no_agent()
{
	local words

	sleep 6
	start_silent
	words=$($tcat good.test $port 2>&1 </dev/null)
	if grep -q 'sluiced is not running' <<<"$words"; then
		tap_ok 'without sluiced the program is told so'
	else
		tap_not_ok 'without sluiced the program is told so' "$words"
	fi
	words=$("$sluice" get --resolve "good.test:$port:127.0.0.1" \
		"https://good.test:$port/" 2>&1)
	tap_equal 'sluice get without sluiced: exit status' 4 $?
	kill $silent
	wait $silent 2>/dev/null
}

restart()
{
	local words

	start_sluiced
	tap_try 'a new sluiced serves at once' $storm good.test test 4 2
	stop $sluiced_pid
	tap_equal 'SIGTERM ends sluiced cleanly' 0 $?
}

# bad_config NAME PATTERN: standard input is the file; it must not start
bad_config()
{
	local words status

	cat >"$work/bad.conf"
	words=$("$SLUICE_BIN/sluiced" -c "$work/bad.conf" 2>&1 </dev/null)
	status=$?
	if [ $status != 0 ] && grep -qE "$2" <<<"$words"; then
		tap_ok "configuration: $1"
	else
		tap_not_ok "configuration: $1" "status $status" "$words"
	fi
}

configuration()
{
	bad_config 'a syntax error names file and line' 'bad.conf:2' <<-'CONF'
	workers = 1;
	client = { trust = ;
	CONF
	bad_config 'an unknown key is an error' 'bad.conf:1.*colour' <<-'CONF'
	colour = "blue";
	CONF
	bad_config 'a missing key file' 'bad.conf:.*nowhere.key' <<-CONF
	identities = ( { name = "x"; certificate = "$pki/good.pem";
		key = "$work/nowhere.key"; default = true; } );
	CONF
	cp "$pki/good.key" "$work/open.key"
	chmod 644 "$work/open.key"
	bad_config 'a key that others may read' 'bad.conf:.*open.key' <<-CONF
	identities = ( { name = "x"; certificate = "$pki/good.pem";
		key = "$work/open.key"; default = true; } );
	CONF
	bad_config 'a key that is not of the certificate' 'bad.conf:.*' <<-CONF
	identities = ( { name = "x"; certificate = "$pki/good.pem";
		key = "$pki/rsa.key"; default = true; } );
	CONF
}

make_pki || exit 1
start_sluiced || exit 1
storms 1.3
storms 1.2
verification
death_of_the_agent
no_agent
restart
configuration
tap_end

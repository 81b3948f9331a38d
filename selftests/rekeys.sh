#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Many keys on one connection, of programs that know nothing of TLS, under sluice run:
# the module's own KeyUpdates, every 100 records that go to OpenSSL and to GnuTLS, each as
# client and as server. That is some MiB; where nothing is emulated, it is 1 GiB, and a
# hundred KeyUpdates of OpenSSL's besides: selftests/run --uml bench rekeys.
# selftest-timeout: 600

set -u
# shellcheck source=selftests/lib/tap.sh
. selftests/lib/tap.sh
# shellcheck source=selftests/lib/daemon.sh
. selftests/lib/daemon.sh

limit=100
size=$((4 << 20)) foreign=
case $(uname -r) in
*-bench) size=$((1 << 30)) patience=900 foreign=1 ;;
esac
port=4700
sink=build/selftests/tools/gnutls_sink

# The same bytes each time, none of which compresses.
stream()
{
	openssl enc -aes-128-ctr -K 53 -iv 4c -in /dev/zero 2>/dev/null | head -c $size
}

# As standard input, which does not end before the peer does.
endless()
{
	stream
	exec sleep infinity
}

sum_of()
{
	head -c $size | sha256sum >"$work/sum"
}

# GnuTLS takes 8 KeyUpdates a second and no more. As much as one key seals, five times a
# second, so that with what lies in small buffers it never comes to 8.
paced()
{
	python3 -c '
import sys, time
while piece := sys.stdin.buffer.read(int(sys.argv[1])):
    sys.stdout.buffer.write(piece)
    sys.stdout.flush()
    time.sleep(0.2)' $((limit * 16384)) 2>/dev/null
	exec sleep infinity
}

small_buffers()
{
	echo 4096 65536 262144 >/proc/sys/net/ipv4/tcp_wmem
	echo 4096 65536 262144 >/proc/sys/net/ipv4/tcp_rmem
}

# As OpenSSL and GnuTLS write it.
heard()
{
	exec grep --line-buffered -E '<<< .*KeyUpdate|KEY_UPDATE .* was received' \
		>"$work/heard"
}

all_heard()
{
	[ "$(wc -l <"$work/heard")" = $(($(counter tx_keyupdates) - updates)) ]
}

begin()
{
	port=$((port + 1))
	rm -f "$work/sum"
	: >"$work/heard"
	updates=$(counter tx_keyupdates)
}

# What has come is what was sent, under as many keys as both sides say.
judge()	# NAME
{
	local ours

	wait_for test -s "$work/sum"
	tap_equal "$1: $((size >> 20)) MiB come through" "$wanted" "$(cat "$work/sum")"
	wait_for all_heard
	ours=$(($(counter tx_keyupdates) - updates))
	kill $peer $program 2>/dev/null
	wait $peer $program 2>/dev/null
	tap_try "$1: $ours KeyUpdates" test $ours -ge $((size / 16384 / limit))
	tap_equal "$1: the peer has seen as many" $ours "$(wc -l <"$work/heard")"
}

# A foreign client hears what our server has to say.
as_server()	# NAME COMMAND...
{
	local name="server, $1" peer program updates

	shift
	begin
	"$sluice" run --server -- socat -b 65536 - "TCP-LISTEN:$port" \
		< <($feed) >/dev/null &
	program=$!
	wait_for port_listens $port
	"${@//PORT/$port}" < <(exec sleep infinity) 2> >(heard) > >(sum_of) &
	peer=$!
	judge "$name"
}

# Our client talks to a foreign server, which writes it down.
as_client()	# NAME COMMAND...
{
	local name="client, $1" peer program updates

	shift
	begin
	"${@//PORT/$port}" < <(exec sleep infinity) 2> >(heard) > >(sum_of) &
	peer=$!
	wait_for port_listens $port
	"$sluice" run --client --trust test -- socat -b 65536 - "TCP:good.test:$port" \
		< <($feed) >/dev/null &
	program=$!
	judge "$name"
}

bulk()
{
	local wanted old feed

	wanted=$(stream | sha256sum)
	old=$(cat /sys/module/sluice/parameters/key_records)
	echo $limit >/sys/module/sluice/parameters/key_records
	feed=endless
	as_server OpenSSL openssl s_client -quiet -CAfile "$pki/ca.pem" -verify_return_error \
		-connect 127.0.0.1:PORT -msg -msgfile /dev/stderr
	as_client OpenSSL openssl s_server -quiet -accept PORT -cert "$pki/good.pem" \
		-key "$pki/good.key" -msg -msgfile /dev/stderr
	small_buffers
	feed='eval stream | paced'
	as_server GnuTLS $sink client PORT good.test "$pki/ca.pem"
	as_client GnuTLS $sink server PORT "$pki/good.pem" "$pki/good.key"
	echo "$old" >/sys/module/sluice/parameters/key_records
}

# 100 lines, each behind a KeyUpdate of OpenSSL's; every second one asks for ours.
typed()	# COMMAND...
{
	selftests/lib/updates.py 100 "$work/messages" "$@" 2>"$work/typed.err"
}

has_typed()
{
	grep -qx typed "$work/typed.err"
}

all_there()	# FILE
{
	has_typed && cmp -s "$1" "$work/messages.typed"
}

a_hundred()	# NAME FILE
{
	local asked

	wait_for all_there "$2"
	tap_try "$1: byte for byte" cmp "$2" "$work/messages.typed"
	asked=$(grep -c '^>>> .*KeyUpdate' "$work/messages")
	tap_equal "$1: OpenSSL sent 100 KeyUpdates" 100 "$asked"
	tap_equal "$1: the module took them" 100 $(($(counter rx_keyupdates) - updates))
	tap_try "$1: with tickets" grep -q 'NewSessionTicket' "$work/messages"
	kill "$peer" "$program" 2>/dev/null
	wait "$peer" "$program" 2>/dev/null
}

unmodified()
{
	local peer program updates answers

	port=$((port + 1))
	rm -f "$work"/messages*
	updates=$(counter rx_keyupdates)
	typed openssl s_server -accept $port -cert "$pki/good.pem" \
		-key "$pki/good.key" >/dev/null &
	peer=$!
	wait_for port_listens $port
	"$sluice" run --client --trust test -- socat -u TCP:good.test:$port \
		"CREATE:$work/fetched" &
	program=$!
	a_hundred 'socat fetches from s_server' "$work/fetched"

	port=$((port + 1))
	rm -f "$work"/messages*
	updates=$(counter rx_keyupdates)
	"$sluice" run --server -- socat TCP-LISTEN:$port EXEC:cat &
	program=$!
	wait_for port_listens $port
	typed openssl s_client -brief -CAfile "$pki/ca.pem" -connect 127.0.0.1:$port \
		>"$work/echoed" &
	peer=$!
	a_hundred 'socat serves s_client' "$work/echoed"
	# Two questions before the next data have one answer (RFC 8446 4.6.3).
	answers=$(grep -c '^<<< .*KeyUpdate' "$work/messages")
	tap_try "and answers those that ask: $answers" \
		test "$answers" -ge 25 -a "$answers" -le 50
}

make_pki || exit 1
start_sluiced || exit 1
[ -z "$foreign" ] || unmodified
bulk
stop $sluiced_pid
tap_equal 'sluiced ends cleanly' 0 $?
tap_end

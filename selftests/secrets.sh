#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Keys are sluiced's and the module's: programs with open TLS connections have neither
# the private key nor a secret of the connection anywhere in their memory.

set -u
# Not the one with sanitizers, whose memory is terabytes.
SLUICE_BIN=build/userspace
# shellcheck source=selftests/lib/tap.sh
. selftests/lib/tap.sh
# shellcheck source=selftests/lib/daemon.sh
. selftests/lib/daemon.sh

tcat=build/selftests/tools/tcat
keys=$work/keys

secrets()	# COUNT: of application data, both directions of a connection
{
	[ "$(grep -c TRAFFIC_SECRET_0 "$keys")" -ge "$1" ]
}

# clean NAME PID: neither is in there
clean()
{
	local read key others

	read -r _ read key others < <(grep "^$2 " "$work/found")
	tap_equal "$1: its memory has been read" yes \
		"$([ "${read:-0}" -ge 5 ] && echo yes || echo "$read")"
	tap_equal "$1: no private key" 0 "$key"
	tap_equal "$1: no secret of a connection" 0 "$others"
}

make_pki || exit 1
write_config
(umask 077 && : >"$keys")
"$SLUICE_BIN/sluiced" -c "$work/sluiced.conf" --key-log "$keys" \
	2>>"$work/sluiced.log" &
sluiced_pid=$!
wait_for "$sluice" status || exit 1

# Each of these has an open connection, at either end, until it is killed.
mkdir "$work/site"
echo hello >"$work/site/file"
start_serve 4933 "$work/site" --identity good
serve=$started
$tcat good.test 4933 < <(exec sleep infinity) >/dev/null 2>&1 &
client=$!
"$sluice" run --client -- nc good.test 4933 < <(exec sleep infinity) \
	>/dev/null 2>&1 &
run=$!
wait_for secrets 8
nc=$(pgrep -P $run nc)
start openssl s_server -quiet -accept 4934 -cert "$pki/good.pem" \
	-key "$pki/good.key"
wait_for port_listens 4934
"$sluice" get --resolve good.test:4934:127.0.0.1 \
	https://good.test:4934/ >/dev/null 2>&1 &
get=$!
tap_try 'connections are open' wait_for secrets 10

tap_try 'the search' sh -c "selftests/lib/search.py $keys $pki/good.key \
	0 $sluiced_pid $serve $client $run $nc $get >$work/found"
sed 's/^/# /' "$work/found"
count=$(sed -n 's/^secrets //p' "$work/found")
tap_equal 'it finds all in the memory of who knows them' "1 $count" \
	"$(sed -n 's/^0 [0-9]* //p' "$work/found")"
tap_equal 'it finds the private key in sluiced' 1 \
	"$(sed -n "s/^$sluiced_pid [0-9]* \([01]\) .*/\1/p" "$work/found")"
clean 'sluice serve' $serve
clean 'a program of libsluice' $client
clean 'sluice run' $run
clean 'a program under sluice run' "$nc"
clean 'sluice get' $get
kill -KILL $serve $client "$nc" $get $started
stop $sluiced_pid
tap_end

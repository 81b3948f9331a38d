#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The sluice command from end to end: status, stats, serve and get, with each
# other and with stock curl, and how get ends when things go wrong.
# selftest-timeout: 300

set -u
# shellcheck source=selftests/lib/tap.sh
. selftests/lib/tap.sh
# shellcheck source=selftests/lib/daemon.sh
. selftests/lib/daemon.sh

port=4633 plain_port=4634 cut_port=4635
site=$work/site
url=https://good.test:$port
get=("$sluice" get -q --trust test)

# ends NAME STATUS[|STATUS] PATTERN COMMAND...: that exit status, those words on
# stderr
ends()
{
	local name=$1 wanted=$2 pattern=$3 words status

	shift 3
	words=$("$@" 2>&1 >"$work/out" </dev/null)
	status=$?
	if [[ $status =~ ^($wanted)$ ]] && grep -qiE -- "$pattern" <<<"$words"; then
		tap_ok "$name"
	else
		tap_not_ok "$name" "wanted: $wanted, $pattern" \
			"seen:   $status, $words"
	fi
}

make_site()
{
	mkdir -p "$site/sub dir"
	head -c 5000003 /dev/urandom >"$site/large.bin"
	echo hello >"$site/sub dir/hello & <b>.txt"
	: >"$site/empty"
	echo secret >"$work/secret"
	ln -s ../secret "$site/link"
	echo "127.0.0.1 other.test" >>/etc/hosts
}

same()	# FILE: as large.bin
{
	cmp "$site/large.bin" "$1"
}

state()
{
	ends 'status: without sluiced' 4 '^' "$sluice" status
	grep -q 'sluiced is not running' "$work/out"
	tap_equal 'status: says that sluiced is not running' 0 $?
	start_serve $port "$site" -v || exit 1
	server=$started
	grep -q 'warning: sluiced is not running' "$work/server.log"
	tap_equal 'serve: without sluiced: starts, and warns' 0 $?
	ends 'get: without sluiced' 4 'sluiced is not running' \
		"${get[@]}" "$url/empty"
	start_sluiced || exit 1
	ends 'status: with sluiced' 0 '^' "$sluice" status
	grep -q 'AES-128-GCM.* CHACHA20-POLY1305' "$work/out"
	tap_equal 'status: names the ciphers' 0 $?
}

# All three show the same names, and the numbers of a module at rest.
stats()
{
	"$sluice" stats | awk '{ print $1, $2 }' >"$work/table"
	"$sluice" stats --json | python3 -c '
import json, sys
for name, value in json.load(sys.stdin).items():
	print(name, value)' >"$work/json"
	"$sluice" stats --prometheus | sed -n 's/^sluice_//p' |
		sed 's/_total / /' >"$work/prometheus"
	tap_try 'stats: 25 counters or more' \
		test "$(wc -l <"$work/table")" -ge 25
	tap_try 'stats: JSON is the table' diff "$work/table" "$work/json"
	tap_try 'stats: Prometheus is the table' \
		diff "$work/table" "$work/prometheus"
}

fetches()	# VERSION
{
	local v=$1 before rx tx size

	before=$(counter rx_bytes)
	tap_try "TLS $v: get" "${get[@]}" --tls "$v" --stats -o "$work/got" \
		"$url/large.bin"
	tap_try "TLS $v: get: the file is the same" same "$work/got"
	# Both ends are ours: the request and the answer are opened once each.
	size=$(stat -c %s "$site/large.bin")
	rx=$(($(counter rx_bytes) - before))
	tap_try "TLS $v: the module opened it: $rx bytes" \
		test $rx -gt "$size" -a $rx -lt $((size + 2000))
	tx=$("${get[@]}" --tls "$v" --stats "$url/empty" 2>&1)
	tap_try "TLS $v: --stats tells version and bytes" grep -qE \
		"TLSv$v .*alpn=http/1.1 .*rx_bytes=([0-9]+).*http_received=\1" \
		<(echo "$tx")
	tap_try "TLS $v: curl" curl -sS --fail --cacert "$pki/ca.pem" \
		--tlsv"$v" --tls-max "$v" -o "$work/got" "$url/large.bin"
	tap_try "TLS $v: curl: the file is the same" same "$work/got"
}

resume()
{
	head -c 1234567 "$site/large.bin" >"$work/part"
	tap_try 'get -C: goes on' "${get[@]}" -C -o "$work/part" "$url/large.bin"
	tap_try 'get -C: the file is the same' same "$work/part"
	tap_try 'get -C: of a complete file' \
		"${get[@]}" -C -o "$work/part" "$url/large.bin"
	tap_try 'get -C: is still the same' same "$work/part"
	head -c 1234567 "$site/large.bin" >"$work/part"
	tap_try 'curl -C: a range of a foreign client' curl -sS --fail -C - \
		--cacert "$pki/ca.pem" -o "$work/part" "$url/large.bin"
	tap_try 'curl -C: the file is the same' same "$work/part"
}

paths()
{
	local code

	tap_equal 'get: a name to be escaped' hello \
		"$("${get[@]}" "$url/sub%20dir/hello%20%26%20%3Cb%3E.txt")"
	ends 'get: a directory, by a redirect' 0 '^' "${get[@]}" "$url/sub%20dir"
	grep -qF 'href="hello%20%26%20%3Cb%3E.txt"' "$work/out"
	tap_equal 'get: the directory is listed' 0 $?
	ends 'get: no redirects wanted' 9 'redirects' \
		"${get[@]}" --limit-redirects 0 "$url/sub%20dir"
	for path in /../secret /link /%2e%2e/secret '/sub%20dir/../../secret'; do
		code=$(curl -s --path-as-is --cacert "$pki/ca.pem" -o /dev/null \
			-w '%{http_code}' "$url$path")
		tap_equal "serve: nothing from outside: $path" 403 "$code"
	done
	tap_try 'get -O' env -C "$work" "$(realpath "$sluice")" get -q \
		--trust test -O "$url/large.bin"
	tap_try 'get -O: the file is the same' same "$work/large.bin"
	tap_try 'get: two URLs, one connection' "${get[@]}" "$url/empty" "$url/empty"
}

names()
{
	tap_try 'get: an IPv6 address' "${get[@]}" "https://[::1]:$port/empty"
	tap_try 'get: an IPv4 address' "${get[@]}" "https://127.0.0.1:$port/empty"
	ends 'get: a wrong name' 6 'mismatch' "${get[@]}" "https://other.test:$port/empty"
	ends 'get: a wrong address' 6 'mismatch' "${get[@]}" "https://127.0.0.2:$port/empty"
	tap_try 'get: a wrong name, by --insecure-no-name' \
		"${get[@]}" --insecure-no-name "https://other.test:$port/empty"
	tap_try 'get: --resolve' \
		"${get[@]}" --resolve "x.good.test:$port:127.0.0.1" \
		"https://x.good.test:$port/empty"
	tap_try 'get: --connect-to' \
		"${get[@]}" --connect-to "good.test:443:127.0.0.1:$port" \
		https://good.test/empty
	ends "get: the distribution's trust store does not know the CA" 6 \
		'issuer' "$sluice" get -q --trust system "$url/empty"
	tap_try 'get: as a user without privileges' setpriv --reuid 65534 \
		--regid 65534 --clear-groups "${get[@]}" "$url/empty"
}

failures()
{
	echo old >"$work/kept"
	ends 'get: 404' 9 '404' "${get[@]}" -o "$work/kept" "$url/none"
	tap_equal 'get: 404 costs no file' old "$(cat "$work/kept")"
	ends 'get: http:// is refused' 2 'only https' "${get[@]}" "http://good.test/"
	ends 'get: nobody listens' 5 'connect|refused' "${get[@]}" https://good.test:1/
	python3 -c '
import socket, time
server = socket.create_server(("127.0.0.1", 4636))
held = server.accept()
time.sleep(60)' &
	silent=$!
	wait_for port_listens 4636
	# Two clocks of 2 s run, the module's and libcurl's: on a busy machine either
	# may be first, and libcurl's has but these words.
	ends 'get: a server that never speaks' 5 'handshake timed out|failed to connect' \
		"${get[@]}" --connect-timeout 2 https://good.test:4636/
	kill $silent
	wait $silent 2>/dev/null
	ends 'get: a trust store that there is not' 7 'trust' \
		"$sluice" get -q --trust nonsense "$url/empty"
	ends 'get: no common protocol' 7 'alert|application' \
		"${get[@]}" --alpn nonsense "$url/empty"
	https_proxy=http://127.0.0.1:1 ends 'get: a proxy is refused' 2 \
		'https_proxy' "${get[@]}" "$url/empty"
}

# Never plain text, whichever end is not TLS.
no_plain_text()
{
	local pid

	"$sluice" serve --plain --port $plain_port "$site" \
		>"$work/plain.log" 2>&1 &
	pid=$!
	wait_for port_listens $plain_port
	tap_try 'serve --plain: curl' curl -sS --fail -o "$work/got" \
		"http://good.test:$plain_port/large.bin"
	tap_try 'serve --plain: the file is the same' same "$work/got"
	# Its words for a ClientHello, or its reset of the connection: which of
	# them is seen first is chance.
	ends 'get: from a server without TLS' '7|5' 'handshake' \
		"${get[@]}" "https://good.test:$plain_port/empty"
	stop $pid
	curl -sS -m 20 "http://good.test:$port/sub%20dir/" >"$work/got" 2>&1
	if grep -q hello "$work/got"; then
		tap_not_ok 'serve: nothing for a client without TLS'
	else
		tap_ok 'serve: nothing for a client without TLS'
	fi
}

# Passes 100000 bytes of the answer on, then ends the connection by a plain FIN.
start_cutter()
{
	python3 - $cut_port $port <<-'EOF_PYTHON' &
	import socket, sys, threading
	server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
	def up(a, b):
	    try:
	        while data := a.recv(65536):
	            b.sendall(data)
	    except ConnectionError:
	        pass
	while True:
	    client, _ = server.accept()
	    target = socket.create_connection(("127.0.0.1", int(sys.argv[2])))
	    threading.Thread(target=up, args=(client, target), daemon=True).start()
	    left = 100000
	    while left and (data := target.recv(min(left, 65536))):
	        client.sendall(data)
	        left -= len(data)
	    client.shutdown(socket.SHUT_WR)
	EOF_PYTHON
	cutter=$!
	wait_for port_listens $cut_port
}

truncation()
{
	local n before

	start_cutter
	before=$(counter rx_truncated)
	ends 'get: a connection cut off' 8 'truncated|close_notify' \
		"${get[@]}" -o "$work/cut" "https://good.test:$cut_port/large.bin"
	kill $cutter
	wait $cutter 2>/dev/null
	tap_equal 'get: the module saw it cut off' $((before + 1)) \
		"$(counter rx_truncated)"
	n=$(stat -c %s "$work/cut")
	tap_try 'get: what came before is kept, and true' \
		cmp -n "$n" "$work/cut" "$site/large.bin"
	tap_try 'get: and can be gone on from' \
		"${get[@]}" -C -o "$work/cut" "$url/large.bin"
	tap_try 'get: to the whole file' same "$work/cut"
}

# Clients that connect and never speak are in nobody's way.
silent_clients()
{
	local pid

	python3 -c '
import socket, sys, time
held = [socket.create_connection(("127.0.0.1", int(sys.argv[1]))) for _ in range(40)]
print("ready", flush=True)
time.sleep(60)' $port >"$work/silent.log" &
	pid=$!
	wait_for grep -q ready "$work/silent.log"
	tap_try 'serve: 40 silent clients: another is served' \
		timeout 20 "${get[@]}" "$url/empty"
	kill $pid
	wait $pid 2>/dev/null
}

many()
{
	local i bad=0 pids=()

	for i in 1 2 3 4 5 6 7 8; do
		"${get[@]}" -o "$work/many.$i" "$url/large.bin" &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i" || bad=1
	done
	for i in 1 2 3 4 5 6 7 8; do
		same "$work/many.$i" || bad=1
	done
	tap_equal 'get: 8 at once' 0 $bad
}

# SIGTERM: what is being sent is finished, and counted.
drain()
{
	local client tx

	curl -sS --fail --cacert "$pki/ca.pem" --limit-rate 2M -o "$work/slow" \
		"$url/large.bin" 2>"$work/slow.err" &
	client=$!
	wait_for test -s "$work/slow"
	kill -TERM $server
	wait $client
	tap_equal 'serve: SIGTERM: a running answer is finished' 0 $?
	tap_try 'serve: SIGTERM: the file is the same' same "$work/slow"
	wait $server
	tap_equal 'serve: SIGTERM: exit status' 0 $?
	tx=$(sed -n 's/^connections=.* tx_bytes=\([0-9]*\) .*/\1/p' "$work/server.log")
	tap_try "serve -v: counters at the end: tx_bytes=$tx" \
		test "${tx:-0}" -gt "$(stat -c %s "$site/large.bin")"
	tap_try 'serve -v: a connection by its cipher' \
		grep -qE 'TLSv1.3 AES-(128|256)-GCM tx_records=' "$work/server.log"
}

no_sockets()
{
	[ "$(counter sockets)" = 0 ]
}

nothing_left()
{
	stop $sluiced_pid
	wait_for no_sockets
	tap_equal 'no socket is left' 0 "$(counter sockets)"
}

make_pki || exit 1
make_site
state
stats
fetches 1.3
fetches 1.2
resume
paths
names
failures
no_plain_text
truncation
silent_clients
many
drain
nothing_left
tap_end

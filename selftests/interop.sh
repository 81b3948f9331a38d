#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Sluice against OpenSSL and GnuTLS, as client and as server, for each version
# and cipher. Every byte is compared, and the module must have counted it.
# selftest-timeout: 600

set -u
# shellcheck source=selftests/lib/tap.sh
. selftests/lib/tap.sh
# shellcheck source=selftests/lib/daemon.sh
. selftests/lib/daemon.sh

tcat=build/selftests/tools/tcat
tcat_options=
size=100001
port=4433

same()	# NAME FILE
{
	if cmp -s "$work/data" "$2"; then
		tap_ok "$1"
	else
		tap_not_ok "$1" "$(cmp "$work/data" "$2" 2>&1)" \
			"$(tail -n 5 "$work/tcat.err" "$work/peer.err" 2>/dev/null)"
	fi
}

# The module's word about the connection of tcat.
counted()	# NAME PATTERN
{
	if grep -qE "$2" "$work/tcat.err"; then
		tap_ok "$1"
	else
		tap_not_ok "$1" "wanted: $2" "$(cat "$work/tcat.err")"
	fi
}

# Waits until FILE has the data's size: peers that do not end by themselves.
arrived()	# FILE
{
	[ "$(stat -c %s "$1")" -ge $size ]
}

# A program of ours whose peer has gone ends by itself; else where it stays is told.
ends()	# PID
{
	wait_for test ! -d "/proc/$1" || {
		sed 's/^/# /' "/proc/$1/stack"
		kill "$1"
	}
	wait "$1"
}

# Our server echoes to a foreign client, which is fed and then killed.
as_server()	# NAME VERSION SUITE COMMAND...
{
	local name="server: $1" version=$2 suite=$3 server client
	shift 3

	port=$((port + 1))
	$tcat -l -v "$version" $port 2>"$work/tcat.err" &
	server=$!
	wait_for port_listens $port
	"${@//PORT/$port}" >"$work/got" 2>"$work/peer.err" \
		< <(cat "$work/data"; exec sleep infinity) &
	client=$!
	wait_for arrived "$work/got"
	kill $client 2>/dev/null
	wait $client 2>/dev/null
	ends $server
	same "$name" "$work/got"
	counted "$name: by the module" \
		"suite=$suite tx_bytes=$size rx_bytes=$size "
}

# Our client through a foreign server, which echoes.
as_client()	# NAME VERSION SUITE HOST COMMAND...
{
	local name="client: $1" version=$2 suite=$3 host=$4 server client
	shift 4

	port=$((port + 1))
	"${@//PORT/$port}" >"$work/peer.out" 2>"$work/peer.err" \
		< <(exec sleep infinity) &
	server=$!
	wait_for port_listens $port
	# shellcheck disable=SC2086
	$tcat $tcat_options -v "$version" "$host" $port >"$work/got" 2>"$work/tcat.err" \
		< <(cat "$work/data"; exec sleep infinity) &
	client=$!
	wait_for arrived "$work/got"
	kill $server 2>/dev/null
	wait $server 2>/dev/null
	ends $client
	same "$name" "$work/got"
	counted "$name: by the module" \
		"suite=$suite tx_bytes=$size rx_bytes=$size "
}

openssl_client()	# OPTION...
{
	echo openssl s_client -quiet -CAfile "$pki/ca.pem" \
		-verify_return_error -connect 127.0.0.1:PORT "$@"
}

gnutls_client()	# HOST PRIORITY
{
	echo gnutls-cli --logfile=/dev/null --x509cafile="$pki/ca.pem" \
		--port PORT --priority="$2" "$1"
}

# Our client from a foreign HTTP server.
as_http_client()	# NAME VERSION SUITE HOST COMMAND...
{
	local name="client: $1" version=$2 suite=$3 host=$4 server
	shift 4

	port=$((port + 1))
	(cd "$work" && exec "${@//PORT/$port}" < <(exec sleep infinity)) \
		>"$work/peer.err" 2>&1 &
	server=$!
	wait_for port_listens $port
	"$sluice" get --trust test --tls "$version" --stats -o "$work/got" \
		"https://$host:$port/data" 2>"$work/tcat.err"
	kill $server 2>/dev/null
	wait $server 2>/dev/null
	same "$name" "$work/got"
	counted "$name: by the module" "suite=$suite .*rx_bytes=1000[0-9][0-9] "
	rm -f "$work/got"
}

openssl_server()	# CERTIFICATE OPTION...
{
	local c=$1

	shift
	echo openssl s_server -quiet -WWW -accept PORT -cert "$pki/$c.pem" \
		-key "$pki/$c.key" "$@"
}

gnutls_server()	# CERTIFICATE PRIORITY
{
	echo gnutls-serv --quiet --echo --disable-client-cert --port PORT \
		--x509certfile="$pki/$1.pem" --x509keyfile="$pki/$1.key" \
		--priority="$2"
}

# SUITE, OpenSSL's name for it, GnuTLS's cipher and key exchange, certificate
suites12='
0xc02b ECDHE-ECDSA-AES128-GCM-SHA256 AES-128-GCM ECDHE-ECDSA good
0xc02c ECDHE-ECDSA-AES256-GCM-SHA384 AES-256-GCM ECDHE-ECDSA good
0xcca9 ECDHE-ECDSA-CHACHA20-POLY1305 CHACHA20-POLY1305 ECDHE-ECDSA good
0xc02f ECDHE-RSA-AES128-GCM-SHA256 AES-128-GCM ECDHE-RSA rsa
0xcca8 ECDHE-RSA-CHACHA20-POLY1305 CHACHA20-POLY1305 ECDHE-RSA rsa
'
suites13='
0x1301 TLS_AES_128_GCM_SHA256 AES-128-GCM
0x1302 TLS_AES_256_GCM_SHA384 AES-256-GCM
0x1303 TLS_CHACHA20_POLY1305_SHA256 CHACHA20-POLY1305
'

# The commands are words without blanks in them: splitting is what is wanted.
# shellcheck disable=SC2046
tls12()
{
	local id suite cipher kx cert priority

	while read -r id suite cipher kx cert; do
		priority=NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+$cipher
		priority+=:-KX-ALL:+$kx
		as_server "OpenSSL, $suite" 1.2 $id $(openssl_client -tls1_2 \
			-cipher $suite -servername $cert.test)
		as_http_client "OpenSSL, $suite" 1.2 $id $cert.test \
			$(openssl_server $cert -tls1_2 -cipher $suite)
		as_server "GnuTLS, TLS 1.2 $kx $cipher" 1.2 $id \
			$(gnutls_client $cert.test $priority)
		as_client "GnuTLS, TLS 1.2 $kx $cipher" 1.2 $id $cert.test \
			$(gnutls_server $cert $priority)
	done < <(grep . <<<"$suites12")
	as_server 'OpenSSL, static RSA where allowed' 1.2 0x009c \
		$(openssl_client -tls1_2 -cipher AES128-GCM-SHA256 \
		-servername rsa.test)
}

# shellcheck disable=SC2046
tls13()
{
	local id suite cipher priority

	while read -r id suite cipher; do
		priority=NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+$cipher
		as_server "OpenSSL, $suite" 1.3 $id $(openssl_client -tls1_3 \
			-ciphersuites $suite -servername good.test)
		as_http_client "OpenSSL, $suite" 1.3 $id good.test \
			$(openssl_server good -tls1_3 -ciphersuites $suite)
		as_server "GnuTLS, TLS 1.3 $cipher" 1.3 $id \
			$(gnutls_client good.test $priority)
		as_client "GnuTLS, TLS 1.3 $cipher" 1.3 $id good.test \
			$(gnutls_server good $priority)
	done < <(grep . <<<"$suites13")
}

# Certificates of clients, both ways: verified, and shown to the program.
# shellcheck disable=SC2046
mutual()
{
	local v shown='suite=.* peer=CN=client$' id="-cert $pki/client.pem"

	id+=" -key $pki/client.key"
	for v in 2 3; do
		as_server "OpenSSL shows a certificate, TLS 1.$v" 1.$v '0x.*' \
			$(openssl_client -tls1_$v -servername mutual.test $id)
		counted "OpenSSL's certificate is known, TLS 1.$v" "$shown"
		as_server "GnuTLS shows a certificate, TLS 1.$v" 1.$v '0x.*' \
			$(gnutls_client mutual.test NORMAL:-VERS-ALL:+VERS-TLS1.$v) \
			--x509certfile="$pki/client.pem" \
			--x509keyfile="$pki/client.key"
		counted "GnuTLS's certificate is known, TLS 1.$v" "$shown"
		tcat_options='-i client'
		as_client "GnuTLS requires our certificate, TLS 1.$v" 1.$v \
			'0x.*' good.test $(gnutls_server good \
			NORMAL:-VERS-ALL:+VERS-TLS1.$v |
			sed 's/--disable-client-cert/--require-client-cert/') \
			--verify-client-cert --x509cafile="$pki/ca.pem"
		tcat_options=
		mutual_refused 1.$v
	done
}

mutual_refused()	# VERSION
{
	local server

	port=$((port + 1))
	$tcat -l -v "$1" $port 2>"$work/server.err" &
	server=$!
	wait_for port_listens $port
	$tcat -v "$1" mutual.test $port >/dev/null 2>"$work/tcat.err" </dev/null
	ends $server
	tap_equal "without a certificate nothing opens, TLS $1" 1 $?
	tap_try "and the program is told why, TLS $1" \
		grep -q 'shown no certificate' "$work/server.err"
}

# Sessions: a client of OpenSSL comes back to us, and ours to OpenSSL and GnuTLS.
# shellcheck disable=SC2046
resumption()
{
	local v

	for v in 2 3; do
		rm -f "$work/session"
		as_server "OpenSSL takes a session along, TLS 1.$v" 1.$v '0x.*' \
			$(openssl_client -tls1_$v -servername good.test \
			-sess_out "$work/session")
		counted "a full handshake, TLS 1.$v" 'resumed=0'
		as_server "OpenSSL comes back, TLS 1.$v" 1.$v '0x.*' \
			$(openssl_client -tls1_$v -servername good.test \
			-sess_in "$work/session")
		counted "its session is resumed, TLS 1.$v" 'resumed=1'
		come_back "OpenSSL, TLS 1.$v" 1.$v $(openssl_server good -tls1_$v |
			sed 's/-WWW/-rev/')
		come_back "GnuTLS, TLS 1.$v" 1.$v $(gnutls_server good \
			NORMAL:-VERS-ALL:+VERS-TLS1.$v)
	done
}

# GnuTLS wants short records (RFC 8449), and takes no longer ones.
# shellcheck disable=SC2046
record_sizes()
{
	local v before

	port=$((port + 1))
	start_serve $port "$work" --identity good || return
	for v in 2 3; do
		before=$(counter tx_records)
		timeout 60 $(gnutls_client good.test \
			NORMAL:-VERS-ALL:+VERS-TLS1.$v | sed "s/PORT/$port/") \
			--recordsize=600 >"$work/answer" 2>"$work/peer.err" \
			< <(printf 'GET /data HTTP/1.0\r\n\r\n'; exec sleep infinity)
		tail -c $size "$work/answer" >"$work/got"
		same "GnuTLS wants records of 600 bytes, TLS 1.$v" "$work/got"
		tap_try "it got no longer ones, TLS 1.$v" test \
			$(($(counter tx_records) - before)) -ge $((size / 600))
	done
	kill $started
	wait $started 2>/dev/null
}

# A word there and back, and whether that was a session resumed.
visit()	# VERSION 0|1
{
	# The server's end of it ends the word's way back.
	echo ahah | timeout 20 $tcat -v "$1" good.test $port \
		>"$work/got" 2>"$work/tcat.err"
	grep -q "ahah\|haha" "$work/got" && grep -q "resumed=$2 " "$work/tcat.err"
}

# Tickets of TLS 1.3 come after the handshake, by way of the kernel: a moment may
# pass until they are there.
come_back()	# NAME VERSION COMMAND...
{
	local server name=$1 version=$2
	shift 2

	port=$((port + 1))
	"${@//PORT/$port}" >"$work/peer.out" 2>"$work/peer.err" \
		< <(exec sleep infinity) &
	server=$!
	wait_for port_listens $port
	tap_try "we go to $name" visit "$version" 0
	tap_try "we come back to $name" wait_for visit "$version" 1
	counted "known as before, $name" 'peer=CN=good'
	kill $server 2>/dev/null
	wait $server 2>/dev/null
}

# s_client's "K" updates its keys and asks us to update ours; the program on
# our side just reads and writes.
keyupdate_as_server()
{
	local server client i

	port=$((port + 1))
	$tcat -l -v 1.3 $port 2>"$work/tcat.err" &
	server=$!
	wait_for port_listens $port
	# shellcheck disable=SC2046
	$(openssl_client -tls1_3 | sed "s/PORT/$port/; s/-quiet//") \
		>"$work/got" 2>"$work/peer.err" < <(
		sleep 2
		for i in 1 2 3; do
			echo "line $i"
			sleep 1
			echo K
			sleep 1
		done
		echo 'line 4'
		exec sleep infinity) &
	client=$!
	wait_for grep -q 'line 4' "$work/got"
	kill $client 2>/dev/null
	wait $client 2>/dev/null
	ends $server
	tap_equal 'KeyUpdate of OpenSSL: data goes on' \
		'line 1 line 2 line 3 line 4' \
		"$(grep -o 'line [0-9]' "$work/got" | tr '\n' ' ' | sed 's/ $//')"
	counted 'KeyUpdate of OpenSSL: taken and answered' \
		'tx_keyupdates=3 rx_keyupdates=3'
}

head -c $((size * 3 / 4 + 9)) /dev/urandom | base64 | head -c $((size - 1)) \
	>"$work/data"
echo >>"$work/data"
make_pki || exit 1
start_sluiced || exit 1
tls13
tls12
mutual
resumption
record_sizes
keyupdate_as_server
stop $sluiced_pid
tap_end

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Peers that break the protocol before a handshake with sluiced is over: each of
# them fails alone, and leaves nothing behind. lib/hostile.py is these peers.
# selftest-timeout: 420

set -u
# shellcheck source=selftests/lib/tap.sh
. selftests/lib/tap.sh
# shellcheck source=selftests/lib/daemon.sh
. selftests/lib/daemon.sh

# A name that C reads as good.test, DER of a subjectAltName (RFC 5280 4.2.1.6).
nul_name()
{
	local name='good.test\0.evil.test'

	printf 'DER:30:%02x:82:%02x' 22 20
	printf '%b' "$name" | od -An -v -tx1 | tr -d '\n' | tr ' ' ':'
}

hostile_pki()
{
	local i

	pki_cert ca nul "$(nul_name)" || return
	# 100 certificates and more than OpenSSL takes, the same again and again.
	cp "$pki/unknown.pem" "$pki/crowd.pem"
	for ((i = 0; i < 99; i++)); do
		cat "$pki/good.pem" >>"$pki/crowd.pem"
	done
	cp "$pki/good.pem" "$pki/throng.pem"
	for ((i = 0; i < 400; i++)); do
		cat "$pki/stranger.pem" >>"$pki/throng.pem"
	done
}

judge()
{
	local line seen=0

	while IFS= read -r line; do
		case $line in
		'ok '*) tap_ok "${line#ok }"; seen=$((seen + 1)) ;;
		'not ok '*) tap_not_ok "${line#not ok }" ;;
		*) printf '%s\n' "$line" ;;
		esac
	done
	[ $seen -gt 0 ]
}

none_left()
{
	[ "$(counter sockets)" = 0 ] && "$sluice" status | grep -q '^pending: *0 '
}

same_files()
{
	[ "$(open_files $sluiced_pid)" -le "$files" ]
}

make_pki && hostile_pki || exit 1
start_sluiced || exit 1
files=$(open_files $sluiced_pid)
python3 selftests/lib/hostile.py "$pki" >"$work/said" 2>&1
tap_equal 'all of them have been tried' 0 $?
judge <"$work/said"
tap_try 'no socket and no request is left' wait_for 60 none_left
tap_try 'sluiced has no file left open' wait_for 20 same_files
[ "$(counter hs_timeout)" -ge 4 ] && [ "$(counter hs_failed)" -ge 60 ]
tap_equal 'the module has counted them' 0 $?
stop $sluiced_pid
tap_equal 'sluiced ends cleanly' 0 $?
tap_end

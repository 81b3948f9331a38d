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
	pki_cert ca nul "$(nul_name)" || return
	# 100 certificates and more than OpenSSL takes, the same again and again.
	repeat "$pki/unknown.pem" "$pki/good.pem" 99 >"$pki/crowd.pem"
	repeat "$pki/good.pem" "$pki/stranger.pem" 400 >"$pki/throng.pem"
}

repeat()	# FIRST FILE TIMES
{
	local i text

	cat "$1"
	text=$(cat "$2")
	for ((i = 0; i < $3; i++)); do
		printf '%s\n' "$text"
	done
}

judge()
{
	local line

	while IFS= read -r line; do
		case $line in
		'ok '*) tap_ok "${line#ok }" ;;
		'not ok '*) tap_not_ok "${line#not ok }" ;;
		'end '*) tap_equal 'all of them have been tried' 0 "${line#end }" ;;
		*) printf '%s\n' "$line" ;;
		esac
	done
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
judge < <(python3 selftests/lib/hostile.py "$pki" 2>&1; echo "end $?")
tap_try 'no socket and no request is left' wait_for none_left
tap_try 'sluiced has no file left open' wait_for same_files
# Whose clock strikes first, the module's or sluiced's, is all the same.
[ $(($(counter hs_timeout) + $(counter hs_failed))) -ge 80 ]
tap_equal 'the module has counted them' 0 $?
stop $sluiced_pid
tap_equal 'sluiced ends cleanly' 0 $?
tap_end

# SPDX-License-Identifier: GPL-2.0-or-later
#
# Sourced: Python's ssl as the peer that leaves nothing to the kernel.

# One for each suite of TLS 1.3, as Python has no call to choose it.
foreign_config()	# VERSION SUITE
{
	local conf=$work/openssl-$2.cnf

	[ "$1" = 1.3 ] || return 0
	cat >"$conf" <<-CONF
	openssl_conf = conf
	[conf]
	ssl_conf = ssl
	[ssl]
	system_default = tls
	[tls]
	Ciphersuites = $2
	CONF
	echo "OPENSSL_CONF=$conf"
}

# foreign_get VERSION SUITE PORT: $work/request to $work/foreign.out
foreign_get()
{
	# shellcheck disable=SC2046
	on client env $(foreign_config "$1" "$2") timeout "$patience" \
		python3 selftests/programs/foreign.py get "$1" "$2" \
		$server_ip "$3" "$pki/ca.pem" <"$work/request" \
		>"$work/foreign.out" 2>"$work/foreign.err"
}

# foreign_echo VERSION SUITE PORT: a server for one connection, $server
foreign_echo()
{
	# shellcheck disable=SC2046
	at server foreign env $(foreign_config "$1" "$2") \
		python3 selftests/programs/foreign.py echo "$1" "$2" \
		$server_ip "$3" "$pki/good.pem" "$pki/good.key" "$size"
	server=$started
	await_port "$3"
}

# SPDX-License-Identifier: GPL-2.0-or-later
#
# Sourced: HAProxy, which gives TLS to the kernel from 3.3 on. Debian 12 has 2.6, 13
# has 3.0, 14 has 3.2.

haproxy_version()
{
	haproxy -v 2>/dev/null | sed -n '1s/^HAProxy version \([^ ]*\).*/\1/p'
}

# Why there is no row of it; nothing: there is one.
haproxy_lacks()
{
	local version

	version=$(haproxy_version)
	if [ -z "$version" ]; then
		echo 'HAProxy is not installed here'
	elif ! haproxy -dKall -q -c -f /dev/null 2>/dev/null |
			grep -qw ktls; then
		echo "HAProxy $version knows no ktls"
	fi
}

haproxy_config()	# PORT VERSION SUITE
{
	local suites=ciphers

	[ "$2" = 1.2 ] || suites=ciphersuites
	cat "$pki/good.pem" "$pki/good.key" >"$work/haproxy.pem"
	cat <<-CONF
	global
		expose-experimental-directives
	defaults
		mode http
		timeout connect 30s
		timeout client 60s
		timeout server 60s
	frontend tls
		bind $server_ip:$1 ssl crt $work/haproxy.pem ssl-min-ver TLSv$2 ssl-max-ver TLSv$2 $suites $3 ktls on
		default_backend plain
	backend plain
		server nginx $server_ip:$nginx_plain
	CONF
}

haproxy_row()	# VERSION CIPHER SUITE
{
	local why haproxy

	why=$(haproxy_lacks)
	if [ -n "$why" ]; then
		row_skip 'HAProxy, curl' "$1" "$2" proxied "$why"
		return
	fi
	row_begin 'HAProxy, curl' "$1" "$2" proxied
	next_port
	haproxy_config "$port" "$1" "$3" >"$work/haproxy.cfg"
	at server haproxy haproxy -db -f "$work/haproxy.cfg"
	haproxy=$started
	await_port "$port"
	fetch_from "$port" "$1" "$3" /data >"$work/curl.out"
	row_end 'server:tx server:rx' "$(same "$work/data" "$work/curl.out")"
	end "$haproxy"
}

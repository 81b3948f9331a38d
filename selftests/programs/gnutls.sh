# SPDX-License-Identifier: GPL-2.0-or-later
#
# Sourced: gnutls-serv and gnutls-cli with "ktls = true" in the system's
# configuration.

# Debian builds GnuTLS without kTLS. The same source with it, if it was built.
gnutls=build/gnutls
[ -x $gnutls/gnutls-cli ] || gnutls=$(dirname "$(command -v gnutls-cli)")
gnutls_version=$("$gnutls/gnutls-cli" --version | sed -n '1s/.* //p')

# It has no word for it: what it would log if the kernel refused is in the program
# or in its library.
gnutls_has_ktls()
{
	local lib

	lib=$(ldd "$gnutls/gnutls-cli" | awk '/libgnutls/ { print $3 }')
	grep -q 'Unable to set TCP_ULP' "$gnutls/gnutls-cli" $lib
}

gnutls_configure()
{
	printf '[global]\nktls = true\n' >"$work/gnutls.conf"
	gnutls_env="GNUTLS_SYSTEM_PRIORITY_FILE=$work/gnutls.conf"
}

gnutls_priority()	# VERSION CIPHER
{
	echo "NORMAL:-VERS-ALL:+VERS-TLS$1:-CIPHER-ALL:+$2"
}

gnutls_server()	# PORT VERSION CIPHER OPTION...
{
	local port=$1 priority

	priority=$(gnutls_priority "$2" "$3")
	shift 3
	at server gnutls-serv env "$gnutls_env" "$gnutls/gnutls-serv" \
		--quiet --disable-client-cert --port "$port" \
		--x509certfile="$pki/good.pem" --x509keyfile="$pki/good.key" \
		--priority="$priority" "$@"
	server=$started
	await_port "$port"
}

gnutls_client()	# FILE PORT VERSION CIPHER
{
	feed client gnutls-cli "$1" env "$gnutls_env" \
		"$gnutls/gnutls-cli" --logfile=/dev/null \
		--x509cafile="$pki/ca.pem" --port "$2" \
		--priority="$(gnutls_priority "$3" "$4")" good.test
	client=$started
}

gnutls_both='server:tx server:rx client:tx client:rx'

gnutls_get()	# VERSION CIPHER
{
	local outcome

	row_begin 'GnuTLS, GnuTLS' "$1" "$2" HTTP
	gnutls_client "$work/request" "$port" "$1" "$2"
	await_end "$client"
	got_file "$work/gnutls-cli.out"
	row_end "$gnutls_both" "$outcome"
}

gnutls_echo()	# VERSION CIPHER
{
	row_begin 'GnuTLS, GnuTLS' "$1" "$2" echo
	gnutls_client "$work/data" "$port" "$1" "$2"
	wait_for "$patience" has_size "$work/gnutls-cli.out" "$size"
	up=$size down=$size
	row_end "$gnutls_both" "$(same "$work/data" "$work/gnutls-cli.out")"
	end "$client"
}

gnutls_rows()	# VERSION CIPHER
{
	# Its keys for that make neither end understand the other.
	if [ "$1 $2" = '1.2 CHACHA20-POLY1305' ]; then
		row_skip 'GnuTLS, GnuTLS' "$1" "$2" all \
			'GnuTLS 3.8.9 fails so on the in-tree module too'
		return
	fi
	next_port
	gnutls_server "$port" "$1" "$2" --http --httpdata="$work/data"
	gnutls_get "$@"
	end "$server"
	next_port
	gnutls_server "$port" "$1" "$2" --echo
	gnutls_echo "$@"
	end "$server"
}

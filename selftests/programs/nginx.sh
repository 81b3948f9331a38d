# SPDX-License-Identifier: GPL-2.0-or-later
#
# Sourced: nginx with KTLS and sendfile, a port for each version and cipher, and curl,
# which leaves nothing to the kernel: its OpenSSL has no socket of its own.

nginx_base=8440
nginx_plain=8080	# for a proxy in front of it

nginx_server()	# PORT VERSION SUITE
{
	local ciphers

	ciphers="ssl_ciphers $3;"
	[ "$2" = 1.2 ] || ciphers="ssl_conf_command Ciphersuites $3;"
	cat <<-CONF
	server {
		listen $server_ip:$1 ssl;
		ssl_protocols TLSv$2;
		$ciphers
		ssl_conf_command Options KTLS;
	}
	CONF
}

nginx_config()
{
	local n=0 version cipher suite

	cat <<-CONF
	daemon off;
	user root;
	worker_processes 2;
	pid $work/nginx.pid;
	error_log $work/nginx.log;
	events { worker_connections 64; }
	http {
		access_log off;
		sendfile on;
		keepalive_timeout 60s;
		root $work/www;
		client_max_body_size 0;
		client_body_temp_path $work/nginx.body;
		proxy_temp_path $work/nginx.proxy;
		fastcgi_temp_path $work/nginx.fastcgi;
		scgi_temp_path $work/nginx.scgi;
		uwsgi_temp_path $work/nginx.uwsgi;
		dav_methods PUT;
		server { listen $server_ip:$nginx_plain; }
		ssl_certificate $pki/good.pem;
		ssl_certificate_key $pki/good.key;
	CONF
	while read -r version cipher suite _; do
		nginx_server $((nginx_base + ++n)) "$version" "$suite"
	done <<<"$suites"
	echo '}'
}

nginx_start()
{
	mkdir -p "$work/www"
	ln -f "$work/data" "$work/www/data"
	head -c 1000 "$work/data" >"$work/www/small"
	nginx_config >"$work/nginx.conf"
	at server nginx nginx -p "$work" -c "$work/nginx.conf"
	nginx=$started
	await_port $((nginx_base + 1))
}

nginx_port()	# VERSION SUITE
{
	local n=0 version cipher suite

	while read -r version cipher suite _; do
		n=$((n + 1))
		[ "$version $suite" != "$1 $2" ] || echo $((nginx_base + n))
	done <<<"$suites"
}

# fetch VERSION SUITE [OPTION]... PATH...: by curl, of nginx
fetch()
{
	fetch_from "$(nginx_port "$1" "$2")" "$@"
}

# fetch_from PORT VERSION SUITE [OPTION]... PATH...: by one connection; down and up
# are set to the bytes of HTTP, and curl's words are in $work/curl.err
fetch_from()
{
	local pair=(--tlsv1.2 --tls-max 1.2 --ciphers "$3") urls=()
	local url=https://good.test:$1

	[ "$2" = 1.2 ] || pair=(--tlsv1.3 --tls13-ciphers "$3")
	shift 3
	while [ $# -gt 0 ]; do
		case $1 in
		/*) urls+=("$url$1") ;;
		*) pair+=("$1") ;;
		esac
		shift
	done
	on client timeout "$patience" curl -sS --http1.1 --fail \
		--cacert "$pki/ca.pem" -H Expect: "${pair[@]}" "${urls[@]}" \
		-w '%{stderr}%{size_header} %{size_download} %{size_request} %{size_upload}\n' \
		2>"$work/curl.err"
	read -r down up < <(awk '
		# Later ones of curl count the body as part of the request.
		NF == 4 { d += $1 + $2; u += $3 + ($3 < $4 ? $4 : 0) }
		END { print d + 0, u + 0 }' "$work/curl.err")
}

nginx_get()	# VERSION CIPHER SUITE
{
	row_begin 'nginx, curl' "$1" "$2" sendfile
	fetch "$1" "$3" /data >"$work/curl.out"
	row_end "$(openssl_halves "$1" server)" \
		"$(same "$work/data" "$work/curl.out")" "$(openssl_note "$1")"
}

nginx_put()	# VERSION CIPHER SUITE
{
	row_begin 'nginx, curl' "$1" "$2" upload
	rm -f "$work/www/put"
	fetch "$1" "$3" "-T$work/data" /put
	row_end "$(openssl_halves "$1" server)" \
		"$(same "$work/data" "$work/www/put")" "$(openssl_note "$1")"
}

nginx_rows()	# VERSION CIPHER SUITE
{
	nginx_get "$@"
	nginx_put "$@"
}

# --- what else a server meets ---

# Whole, small and in part, by one connection.
nginx_keep_alive()	# VERSION CIPHER SUITE
{
	local before outcome

	row_begin 'nginx, curl' "$1" "$2" 'keep-alive'
	before=$(counters server | cut -d' ' -f3)
	fetch "$1" "$3" /small /data /small /data /small >"$work/curl.out"
	cat "$work"/www/{small,data,small,data,small} >"$work/wanted"
	outcome=$(same "$work/wanted" "$work/curl.out")
	[ "$(counters server | cut -d' ' -f3)" = $((before + 1)) ] ||
		outcome='more than one connection'
	row_end "$(openssl_halves "$1" server)" "$outcome" \
		"$(openssl_note "$1")"
}

# The client goes away in mid-transfer: nginx serves on, nothing stays behind.
nginx_abort()	# VERSION CIPHER SUITE
{
	local name="nginx, TLS $1 $2: the client goes away"

	fetch "$1" "$3" /data | head -c $((size / 3)) >/dev/null
	tap_try "$name: no socket stays" wait_for no_sessions
	fetch "$1" "$3" /small >"$work/curl.out"
	tap_try "$name: the next is served" \
		cmp "$work/www/small" "$work/curl.out"
}

# A reload while a slow client reads: the old worker ends what it began.
nginx_reload()	# VERSION CIPHER SUITE
{
	local name="nginx, TLS $1 $2: reload" client workers

	workers=$(pgrep -P "$nginx" | sort | xargs)
	fetch "$1" "$3" --limit-rate $((size / 4)) /data >"$work/slow.out" &
	client=$!
	wait_for has_size "$work/slow.out" $((size / 8))
	kill -HUP "$nginx"
	wait_for nginx_has_new_workers "$workers"
	fetch "$1" "$3" /small >"$work/curl.out"
	tap_try "$name: a new worker serves" \
		cmp "$work/www/small" "$work/curl.out"
	wait $client
	tap_try "$name: the old one ends what it began" \
		cmp "$work/data" "$work/slow.out"
}

nginx_has_new_workers()	# PIDS
{
	local p

	for p in $(pgrep -P "$nginx"); do
		[[ " $1 " == *" $p "* ]] || return 0
	done
	return 1
}

# RFC 5746's renegotiation: nginx ends the connection, and only that.
nginx_renegotiation()	# CIPHER SUITE
{
	local name="nginx, TLS 1.2 $1: renegotiation"

	printf 'R\n' >"$work/R"
	feed client renegotiate "$work/R" openssl s_client -tls1_2 -cipher "$2" \
		-connect "$server_ip:$(nginx_port 1.2 "$2")" \
		-CAfile "$pki/ca.pem"
	await_end "$started"
	tap_equal "$name ends the connection" 0 $?
	tap_equal "$name was tried" RENEGOTIATING \
		"$(grep -o RENEGOTIATING "$work/renegotiate.err")"
	fetch 1.2 "$2" /small >"$work/curl.out"
	tap_try "$name: the next is served" \
		cmp "$work/www/small" "$work/curl.out"
}

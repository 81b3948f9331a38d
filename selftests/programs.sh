#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Programs that use the kernel's tls, unchanged, on sluice in its place: what is
# transferred is compared, and the module's counters of each end must tell exactly
# the bytes of the halves that the program gives to the kernel.
#
# usage: programs.sh [SIZE_MIB [all]]     default: 4 MiB, and a part of the rows,
#                                         drawn by SLUICE_SEED
# selftest-timeout: 420

set -u
# shellcheck source=selftests/lib/tap.sh
. selftests/lib/tap.sh
# shellcheck source=selftests/lib/daemon.sh
. selftests/lib/daemon.sh
# shellcheck source=selftests/lib/module.sh
. selftests/lib/module.sh
# shellcheck source=selftests/lib/draw.sh
. selftests/lib/draw.sh
for part in lab openssl foreign nginx gnutls haproxy; do
	# shellcheck source=/dev/null
	. selftests/programs/$part.sh
done

size=$((${1:-4} << 20))
which=${2:-some}
seed=${SLUICE_SEED:-$RANDOM}
port=9000
patience=$((60 + (size >> 20) * 4))	# seconds; an emulated processor is slow

# Version, cipher as GnuTLS calls it, suite as OpenSSL does.
suites='1.2 AES-128-GCM ECDHE-ECDSA-AES128-GCM-SHA256
1.2 AES-256-GCM ECDHE-ECDSA-AES256-GCM-SHA384
1.2 CHACHA20-POLY1305 ECDHE-ECDSA-CHACHA20-POLY1305
1.2 AES-128-CCM ECDHE-ECDSA-AES128-CCM
1.3 AES-128-GCM TLS_AES_128_GCM_SHA256
1.3 AES-256-GCM TLS_AES_256_GCM_SHA384
1.3 CHACHA20-POLY1305 TLS_CHACHA20_POLY1305_SHA256
1.3 AES-128-CCM TLS_AES_128_CCM_SHA256'

# The suites of the rows: all, or one of each version.
draw_suites()
{
	local version

	if [ "$which" = all ]; then
		echo "$suites"
		return
	fi
	for version in 1.2 1.3; do
		grep "^$version" <<<"$suites" | draw 1 $((seed += 1))
	done
}

rows_of()	# PART
{
	local version cipher suite

	while read -r version cipher suite; do
		"$1_rows" "$version" "$cipher" "$suite"
	done <<<"$drawn"
}

# What a server meets, once for each version.
situations()
{
	local version suite

	for version in 1.2 1.3; do
		suite=$(awk -v v=$version '$1 == v { print $3; exit }' \
			<<<"$suites")
		nginx_keep_alive $version AES-128-GCM "$suite"
		nginx_abort $version AES-128-GCM "$suite"
		nginx_reload $version AES-128-GCM "$suite"
		haproxy_row $version AES-128-GCM "$suite"
	done
	openssl_keyupdate AES-128-GCM TLS_AES_128_GCM_SHA256
	nginx_renegotiation AES-128-GCM ECDHE-ECDSA-AES128-GCM-SHA256
}

echo "# seed $seed; $(uname -r); OpenSSL $openssl_version," \
	"$(nginx -v 2>&1 | sed 's/.*: //'), GnuTLS $gnutls_version," \
	"$(curl --version | head -n 1 | cut -d' ' -f1-2)"
drawn=$(draw_suites)
make_pki || exit 1
module_reload takeover=1 || exit 1
hosts_up
head -c $((size * 3 / 4 + 9)) /dev/urandom | base64 | head -c $((size - 1)) \
	>"$work/data"
echo >>"$work/data"
printf 'GET /data HTTP/1.0\r\n\r\n' >"$work/request"
gnutls_configure
if gnutls_has_ktls; then
	rows_of gnutls
else
	row_skip 'GnuTLS, GnuTLS' - - all \
		"GnuTLS $gnutls_version is built without kTLS here"
fi
if openssl_has_ktls; then
	nginx_start
	rows_of openssl
	rows_of nginx
	situations
	end "$nginx"
else
	row_skip 'OpenSSL, nginx' - - all \
		"the commands of OpenSSL $openssl_version know no kTLS"
fi
tap_try 'in the end no socket is left' wait_for no_sessions
tap_equal 'it was sluice alone' no \
	"$([ -d /sys/module/tls ] && echo tls || echo no)"
table
hosts_down
tap_end

# SPDX-License-Identifier: GPL-2.0-or-later
#
# Sourced: certificates made on the spot. Everything is below $pki; names end
# in .test (RFC 6761) and resolve by /etc/hosts.

pki=${pki:-/tmp/pki}

_pki_key()
{
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 \
		-out "$1" 2>/dev/null
	chmod 600 "$1"
}

# pki_ca NAME: $pki/NAME.pem, NAME.key
pki_ca()
{
	mkdir -p "$pki"
	_pki_key "$pki/$1.key"
	openssl req -x509 -new -key "$pki/$1.key" -subj "/CN=$1" -days 30 \
		-addext 'basicConstraints=critical,CA:TRUE' \
		-addext 'keyUsage=critical,keyCertSign,cRLSign' \
		-out "$pki/$1.pem" 2>/dev/null
}

# pki_cert CA NAME SAN [KEY_TYPE|-] [NOT_BEFORE NOT_AFTER]
# SAN as openssl writes it: DNS:a.test,IP:127.0.0.1. KEY_TYPE: ec or rsa.
# Dates as YYYYMMDDHHMMSSZ; without them valid from now on.
pki_cert()
{
	local ca=$1 name=$2 san=$3 type=${4:-ec} from=${5-} to=${6-} dates

	if [ "$type" = rsa ]; then
		openssl genrsa -out "$pki/$name.key" 2048 2>/dev/null
		chmod 600 "$pki/$name.key"
	else
		_pki_key "$pki/$name.key"
	fi
	openssl req -new -key "$pki/$name.key" -subj "/CN=$name" \
		-out "$pki/$name.csr" 2>/dev/null
	printf '%s\n' "subjectAltName=$san" basicConstraints=CA:FALSE \
		extendedKeyUsage=serverAuth,clientAuth >"$pki/$name.ext"
	# Only `openssl ca` of OpenSSL 3.0 sets both dates.
	dates=(-days 30)
	[ -z "$from" ] || dates=(-startdate "$from" -enddate "$to")
	mkdir -p "$pki/$ca.db"
	: >>"$pki/$ca.db/index"
	[ -e "$pki/$ca.db/serial" ] || echo 1000 >"$pki/$ca.db/serial"
	cat >"$pki/$ca.db/config" <<-CNF
	[ca]
	default_ca = d
	[d]
	database = $pki/$ca.db/index
	serial = $pki/$ca.db/serial
	new_certs_dir = $pki/$ca.db
	default_md = sha256
	policy = p
	unique_subject = no
	[p]
	commonName = supplied
	CNF
	openssl ca -batch -notext -config "$pki/$ca.db/config" \
		-cert "$pki/$ca.pem" -keyfile "$pki/$ca.key" "${dates[@]}" \
		-extfile "$pki/$name.ext" -in "$pki/$name.csr" \
		-out "$pki/$name.pem" 2>"$pki/$name.log" || {
		cat "$pki/$name.log" >&2
		return 1
	}
}

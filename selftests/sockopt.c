// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Socket options: where the ULP may be attached, which keys are taken, what is
 * refused with which errno, and that a refusal changes nothing.
 */
#include "kselftest_harness.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/sendfile.h>

#include "netns.h"
#include "tls_socket.h"

/* No such address. */
#define NOWHERE ((void *)8)

static long set_ulp(int fd, const char *name)
{
	return sys(setsockopt(fd, IPPROTO_TCP, TCP_ULP, name, (socklen_t)strlen(name)));
}

static long get_option(int fd, int option, void *value, socklen_t len)
{
	return sys(getsockopt(fd, SOL_TLS, option, value, &len));
}

static long set_option(int fd, int option, const void *value, socklen_t len)
{
	return sys(setsockopt(fd, SOL_TLS, option, value, len));
}

static bool carries(int from, int to)
{
	char c = 0;

	return send(from, "x", 1, MSG_NOSIGNAL) == 1 && recv(to, &c, 1, 0) == 1 && c == 'x';
}

/*
 * Attaching
 */

TEST(attach_refuses_other_sockets)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	EXPECT_EQ(-ENOPROTOOPT, ulp_attach(fd));
	close(fd);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	EXPECT_EQ(-EOPNOTSUPP, ulp_attach(fd));
	close(fd);
	fd = socket(AF_INET, SOCK_STREAM, 262 /* IPPROTO_MPTCP */);
	if (fd >= 0) {
		EXPECT_EQ(-ENOPROTOOPT, ulp_attach(fd));
		close(fd);
	}
	EXPECT_EQ(-EBADF, ulp_attach(-1));
}

TEST(attach_twice)
{
	const struct tcp_options opt = { 0 };
	char name[16] = { 0 };
	socklen_t len = sizeof(name);
	int fd[2];

	ASSERT_EQ(0, tcp_pair(&opt, fd));
	EXPECT_EQ(-ENOENT, set_ulp(fd[0], "no-such-ulp"));
	EXPECT_EQ(0, ulp_attach(fd[0]));
	EXPECT_EQ(-EEXIST, ulp_attach(fd[0]));
	ASSERT_EQ(0, getsockopt(fd[0], IPPROTO_TCP, TCP_ULP, name, &len));
	EXPECT_STREQ(test_ulp(), name);
	EXPECT_TRUE(carries(fd[0], fd[1]));
	EXPECT_TRUE(carries(fd[1], fd[0]));
	close(fd[0]);
	close(fd[1]);
}

TEST(attach_before_connect)
{
	const struct tcp_options opt = { 0 };
	struct sockaddr_storage addr;
	int listener = tcp_listen(&opt, &addr);
	int fd = socket(AF_INET, SOCK_STREAM, 0), peer;
	struct tls_pair pair = { 0 };

	ASSERT_LE(0, listener);
	if (!test_sluice()) {
		EXPECT_EQ(-ENOTCONN, ulp_attach(fd));
		EXPECT_EQ(-ENOTCONN, ulp_attach(listener));
		return;
	}
	ASSERT_EQ(0, ulp_attach(fd));
	keys_make(&pair.keys[0], TLS_1_3_VERSION, TLS_CIPHER_AES_GCM_128, 1, 0);
	EXPECT_EQ(-ENOTCONN, keys_set(fd, TLS_TX, &pair.keys[0]));
	EXPECT_EQ(-ENOTCONN, keys_set(fd, TLS_RX, &pair.keys[0]));
	ASSERT_EQ(0, connect(fd, (struct sockaddr *)&addr, addr_len(&addr)));
	peer = accept(listener, NULL, NULL);
	ASSERT_LE(0, peer);
	EXPECT_TRUE(carries(fd, peer));
	EXPECT_TRUE(carries(peer, fd));
	ASSERT_EQ(0, ulp_attach(peer));
	EXPECT_EQ(0, keys_set(fd, TLS_TX, &pair.keys[0]));
	EXPECT_EQ(0, keys_set(peer, TLS_RX, &pair.keys[0]));
	EXPECT_TRUE(carries(fd, peer));
	close(fd);
	close(peer);
	close(listener);
}

/* A listener with the ULP but no request: its children are raw sockets. */
TEST(attach_to_a_listener)
{
	const struct tcp_options opt = { 0 };
	struct sockaddr_storage addr;
	int listener = tcp_listen(&opt, &addr);
	struct test_keys keys;

	ASSERT_LE(0, listener);
	if (!test_sluice())
		SKIP(return, "the in-tree module refuses it");
	ASSERT_EQ(0, ulp_attach(listener));
	keys_make(&keys, TLS_1_2_VERSION, TLS_CIPHER_AES_GCM_256, 1, 0);
	EXPECT_EQ(-ENOTCONN, keys_set(listener, TLS_TX, &keys));
	for (int i = 0; i < 3; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0), child;
		long err;

		ASSERT_EQ(0, connect(fd, (struct sockaddr *)&addr, addr_len(&addr)));
		child = accept(listener, NULL, NULL);
		ASSERT_LE(0, child);
		EXPECT_TRUE(carries(fd, child));
		EXPECT_TRUE(carries(child, fd));
		err = ulp_attach(child);
		EXPECT_TRUE(!err || err == -EEXIST);
		ASSERT_EQ(0, ulp_attach(fd));
		EXPECT_EQ(0, keys_set(child, TLS_TX, &keys));
		EXPECT_EQ(0, keys_set(fd, TLS_RX, &keys));
		EXPECT_TRUE(carries(child, fd));
		close(fd);
		close(child);
	}
	/* Children that nobody accepts. */
	for (int i = 0; i < 3; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);

		ASSERT_EQ(0, connect(fd, (struct sockaddr *)&addr, addr_len(&addr)));
		close(fd);
	}
	close(listener);
}

TEST(attach_to_an_ipv6_listener_of_both)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 any = { .sin6_family = AF_INET6 };
	socklen_t len = sizeof(any);
	const int zero = 0;
	struct test_keys keys;
	int listener, fd, child;

	if (!test_sluice())
		SKIP(return, "the in-tree module refuses it");
	listener = socket(AF_INET6, SOCK_STREAM, 0);
	ASSERT_EQ(0, setsockopt(listener, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero)));
	ASSERT_EQ(0, bind(listener, (struct sockaddr *)&any, sizeof(any)));
	ASSERT_EQ(0, ulp_attach(listener));
	ASSERT_EQ(0, listen(listener, 5));
	ASSERT_EQ(0, getsockname(listener, (struct sockaddr *)&any, &len));
	v4.sin_port = any.sin6_port;
	v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	ASSERT_EQ(0, connect(fd, (struct sockaddr *)&v4, sizeof(v4)));
	child = accept(listener, NULL, NULL);
	ASSERT_LE(0, child);
	EXPECT_TRUE(carries(fd, child));
	EXPECT_TRUE(carries(child, fd));
	keys_make(&keys, TLS_1_3_VERSION, TLS_CIPHER_AES_GCM_128, 1, 0);
	ASSERT_EQ(0, ulp_attach(fd));
	ulp_attach(child);
	EXPECT_EQ(0, keys_set(child, TLS_TX, &keys));
	EXPECT_EQ(0, keys_set(fd, TLS_RX, &keys));
	EXPECT_TRUE(carries(child, fd));
	close(child);
	close(fd);
	close(listener);
}

TEST(attach_after_the_end)
{
	const struct tcp_options opt = { 0 };
	struct test_keys keys;
	int fd[2];
	char c;

	ASSERT_EQ(0, tcp_pair(&opt, fd));
	keys_make(&keys, TLS_1_3_VERSION, TLS_CIPHER_AES_GCM_128, 1, 0);
	close(fd[1]);
	ASSERT_EQ(0, recv(fd[0], &c, 1, 0));
	ASSERT_EQ(0, shutdown(fd[0], SHUT_WR));
	/* Closed by now: nothing to give keys to. */
	usleep(50000);
	EXPECT_EQ(-ENOTCONN, ulp_attach(fd[0]) ?: keys_set(fd[0], TLS_TX, &keys));
	close(fd[0]);
}

/* Anybody may, where the module is loaded. */
TEST(attach_without_privilege)
{
	pid_t child = fork();
	int status;

	ASSERT_LE(0, child);
	if (!child) {
		const struct tcp_options opt = { 0 };
		struct tls_pair pair;

		if (setuid(65534))
			_exit(1);
		_exit(pair_open(&pair, &opt, TLS_1_3_VERSION, TLS_CIPHER_AES_GCM_128) ||
		      !carries(pair.fd[0], pair.fd[1]));
	}
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
}

/*
 * Which cipher goes with which version is the in-tree module's choice. What the kernel's
 * crypto lacks is refused, and nothing changes but a counter.
 */

FIXTURE(choice)
{
	int fd[2];
	bool absent;
};

FIXTURE_VARIANT(choice)
{
	TLS_VARIANT_FIELDS;
};

TLS_VARIANTS(choice);
TLS_VARIANTS_RARE(choice);
TLS_VARIANT(choice, tls12_sm4ccm, TLS_1_2_VERSION, SM4_CCM, AF_INET);
TLS_VARIANT(choice, tls13_aria128, TLS_1_3_VERSION, ARIA_GCM_128, AF_INET);
TLS_VARIANT(choice, tls13_aria256, TLS_1_3_VERSION, ARIA_GCM_256, AF_INET);

FIXTURE_SETUP(choice)
{
	const struct tcp_options opt = { .family = variant->family };

	/* Asked before the counters are looked at: to ask is to try. */
	self->absent = cipher_absent(variant->cipher);
	ASSERT_EQ(0, netns_enter());
	ASSERT_EQ(0, tcp_pair(&opt, self->fd));
	ASSERT_EQ(0, ulp_attach(self->fd[0]));
}

FIXTURE_TEARDOWN(choice)
{
	close(self->fd[0]);
	close(self->fd[1]);
}

static bool never_speaks(__u16 version, __u16 cipher)
{
	return version == TLS_1_3_VERSION && (cipher == TLS_CIPHER_ARIA_GCM_128 ||
					      cipher == TLS_CIPHER_ARIA_GCM_256);
}

/* Can an agent be offered it? Its secrets want the cipher suite's hash as well, and a
 * kernel may have SM4 without SM3.
 */
static bool for_agents(__u16 cipher)
{
	bool sm = cipher == TLS_CIPHER_SM4_GCM || cipher == TLS_CIPHER_SM4_CCM;

	return !cipher_absent(cipher) && (!sm || kernel_has("sm3"));
}

TEST_F(choice, of_cipher_and_version)
{
	const bool never = never_speaks(variant->version, variant->cipher);
	const long want = never ? -EINVAL : self->absent ? -ENOENT : 0;
	struct sluice_nl_state state;
	struct test_keys keys;

	keys_make(&keys, variant->version, variant->cipher, 1, 0);
	EXPECT_EQ(want, keys_set(self->fd[0], TLS_TX, &keys));
	EXPECT_EQ(want, keys_set(self->fd[0], TLS_RX, &keys));
	if (test_sluice()) {
		ASSERT_EQ(0, netns_state(&state));
		EXPECT_EQ(want == -ENOENT ? 2 : 0, state.stats[SLUICE_STAT_NO_CIPHER]);
		EXPECT_EQ(for_agents(variant->cipher),
			  state.ciphers >> (variant->cipher - TLS_CIPHER_AES_GCM_128) & 1);
	}
	if (!want)
		return;
	EXPECT_TRUE(carries(self->fd[0], self->fd[1]));
	EXPECT_TRUE(carries(self->fd[1], self->fd[0]));
	keys_make(&keys, variant->version, TLS_CIPHER_AES_CCM_128, 1, 0);
	EXPECT_EQ(0, keys_set(self->fd[0], TLS_TX, &keys));
}

/*
 * Keys
 */

FIXTURE(keys)
{
	struct tls_pair pair;
	struct test_keys *tx;
	unsigned char raw[256];
	socklen_t len;
	int fd;
};

FIXTURE_VARIANT(keys)
{
	TLS_VARIANT_FIELDS;
};

TLS_VARIANTS(keys);
TLS_VARIANTS_RARE(keys);

FIXTURE_SETUP(keys)
{
	const struct tcp_options opt = { .family = variant->family };

	SKIP_ABSENT(variant->cipher);
	ASSERT_EQ(0, pair_connect(&self->pair, &opt, variant->version, variant->cipher));
	self->tx = &self->pair.keys[0];
	self->len = keys_pack(self->tx, self->raw);
	self->fd = self->pair.fd[0];
}

/* Whatever was refused before: the socket is plain TCP, and keys still go in. */
FIXTURE_TEARDOWN(keys)
{
	pair_close(&self->pair);
}

static void expect_untouched(struct __test_metadata *_metadata, struct tls_pair *pair)
{
	struct tls_crypto_info info;

	EXPECT_EQ(-EBUSY, get_option(pair->fd[0], TLS_TX, &info, sizeof(info)));
	EXPECT_EQ(-EBUSY, get_option(pair->fd[0], TLS_RX, &info, sizeof(info)));
	EXPECT_TRUE(carries(pair->fd[0], pair->fd[1]));
	EXPECT_TRUE(carries(pair->fd[1], pair->fd[0]));
	for (int i = 0; i < 2; i++) {
		EXPECT_EQ(0, keys_set(pair->fd[i], TLS_TX, &pair->keys[i]));
		EXPECT_EQ(0, keys_set(pair->fd[!i], TLS_RX, &pair->keys[i]));
	}
	EXPECT_TRUE(carries(pair->fd[0], pair->fd[1]));
	EXPECT_TRUE(carries(pair->fd[1], pair->fd[0]));
}

TEST_F(keys, of_an_unknown_version)
{
	static const __u16 versions[] = { 0, 0x0300, 0x0301, 0x0302, 0x0305, 0x0403, 0xffff };
	struct tls_crypto_info *info = (void *)self->raw;

	for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
		info->version = versions[i];
		EXPECT_EQ(-EINVAL, set_option(self->fd, TLS_TX, self->raw, self->len));
		EXPECT_EQ(-EINVAL, set_option(self->fd, TLS_RX, self->raw, self->len));
	}
	expect_untouched(_metadata, &self->pair);
}

TEST_F(keys, of_an_unknown_cipher)
{
	static const __u16 ciphers[] = { 0, 1, 50, 59, 1000, 0xffff };
	struct tls_crypto_info *info = (void *)self->raw;

	for (size_t i = 0; i < ARRAY_SIZE(ciphers); i++) {
		info->cipher_type = ciphers[i];
		EXPECT_EQ(-EINVAL, set_option(self->fd, TLS_TX, self->raw, self->len));
		EXPECT_EQ(-EINVAL, set_option(self->fd, TLS_RX, self->raw, self->len));
	}
	expect_untouched(_metadata, &self->pair);
}

TEST_F(keys, of_any_other_length)
{
	for (socklen_t len = 0; len < sizeof(self->raw); len++) {
		if (len == self->len)
			continue;
		EXPECT_EQ(-EINVAL, set_option(self->fd, TLS_TX, self->raw, len));
		EXPECT_EQ(-EINVAL, set_option(self->fd, TLS_RX, self->raw, len));
	}
	expect_untouched(_metadata, &self->pair);
}

TEST_F(keys, out_of_reach)
{
	unsigned char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, page);
	ASSERT_EQ(0, mprotect(page + 4096, 4096, PROT_NONE));
	EXPECT_EQ(-EFAULT, set_option(self->fd, TLS_TX, NOWHERE, self->len));
	EXPECT_EQ(-EINVAL, set_option(self->fd, TLS_TX, NULL, self->len));
	/* Each part of it. */
	for (socklen_t have = 1; have < self->len; have += 3) {
		memcpy(page + 4096 - have, self->raw, have);
		EXPECT_EQ(-EFAULT, set_option(self->fd, TLS_TX, page + 4096 - have, self->len));
		EXPECT_EQ(-EFAULT, set_option(self->fd, TLS_RX, page + 4096 - have, self->len));
	}
	expect_untouched(_metadata, &self->pair);
	munmap(page, 8192);
}

TEST_F(keys, unlike_the_other_directions)
{
	struct test_keys other = self->pair.keys[1];

	ASSERT_EQ(0, keys_set(self->fd, TLS_TX, self->tx));
	other.version ^= TLS_1_2_VERSION ^ TLS_1_3_VERSION;
	EXPECT_EQ(-EINVAL, keys_set(self->fd, TLS_RX, &other));
	other = self->pair.keys[1];
	other.cipher = test_cipher(other.cipher->type == TLS_CIPHER_AES_GCM_128 ?
				   TLS_CIPHER_AES_GCM_256 : TLS_CIPHER_AES_GCM_128);
	EXPECT_EQ(-EINVAL, keys_set(self->fd, TLS_RX, &other));
	/* RX is as it was: plain, then keyed. */
	EXPECT_TRUE(carries(self->pair.fd[1], self->fd));
	EXPECT_EQ(0, keys_set(self->fd, TLS_RX, &self->pair.keys[1]));
	EXPECT_EQ(0, keys_set(self->pair.fd[1], TLS_RX, &self->pair.keys[0]));
	EXPECT_TRUE(carries(self->fd, self->pair.fd[1]));
}

TEST_F(keys, twice)
{
	if (variant->version != TLS_1_2_VERSION)
		SKIP(return, "TLS 1.3 may replace keys");
	ASSERT_EQ(0, keys_set(self->fd, TLS_TX, self->tx));
	ASSERT_EQ(0, keys_set(self->fd, TLS_RX, &self->pair.keys[1]));
	EXPECT_EQ(-EBUSY, keys_set(self->fd, TLS_TX, &self->pair.keys[1]));
	EXPECT_EQ(-EBUSY, keys_set(self->fd, TLS_RX, self->tx));
	/* The first ones hold. */
	ASSERT_EQ(0, keys_set(self->pair.fd[1], TLS_RX, self->tx));
	ASSERT_EQ(0, keys_set(self->pair.fd[1], TLS_TX, &self->pair.keys[1]));
	EXPECT_TRUE(carries(self->fd, self->pair.fd[1]));
	EXPECT_TRUE(carries(self->pair.fd[1], self->fd));
}

/* What comes back of @keys: all of it, or nothing that is secret. */
static void expect_answer(struct __test_metadata *_metadata, const struct test_keys *keys,
			  const unsigned char *got, socklen_t len)
{
	struct test_keys public = *keys;
	unsigned char want[KEYS_MAX];

	if (!test_reveals()) {
		memset(public.key, 0, sizeof(public.key));
		memset(public.iv, 0, keys_explicit(keys) ? 4 : sizeof(public.iv));
	}
	ASSERT_EQ(len, keys_pack(&public, want));
	EXPECT_EQ(0, memcmp(want, got, len));
	EXPECT_EQ(0x5a, got[len]);
}

TEST_F(keys, read_back)
{
	unsigned char got[256] = { 0 };
	struct tls_crypto_info *info = (void *)got;
	socklen_t len;

	EXPECT_EQ(-EBUSY, get_option(self->fd, TLS_TX, got, self->len));
	ASSERT_EQ(0, keys_set(self->fd, TLS_TX, self->tx));
	EXPECT_EQ(-EBUSY, get_option(self->fd, TLS_RX, got, self->len));
	ASSERT_EQ(0, keys_set(self->fd, TLS_RX, &self->pair.keys[1]));
	for (int option = TLS_TX; option <= TLS_RX; option++) {
		memset(got, 0, sizeof(got));
		ASSERT_EQ(0, get_option(self->fd, option, got, sizeof(*info)));
		EXPECT_EQ(variant->version, info->version);
		EXPECT_EQ(variant->cipher, info->cipher_type);
		memset(got, 0x5a, sizeof(got));
		ASSERT_EQ(0, get_option(self->fd, option, got, self->len));
		expect_answer(_metadata, &self->pair.keys[option == TLS_RX], got, self->len);
		for (len = 0; len < sizeof(got); len++) {
			if (len == sizeof(*info) || len == self->len)
				continue;
			EXPECT_EQ(-EINVAL, get_option(self->fd, option, got, len));
		}
		EXPECT_EQ(-EFAULT, get_option(self->fd, option, NOWHERE, self->len));
		EXPECT_EQ(-EINVAL, get_option(self->fd, option, NULL, self->len));
		EXPECT_EQ(-EFAULT, sys(getsockopt(self->fd, SOL_TLS, option, got, NOWHERE)));
	}
}

/* The sequence number and the explicit nonce that come back are those of the next record. */
TEST_F(keys, read_back_the_sequence)
{
	unsigned char got[256];
	struct test_keys next;

	self->tx->seq = 0xfffffffe;
	ASSERT_EQ(0, keys_set(self->fd, TLS_TX, self->tx));
	ASSERT_EQ(0, keys_set(self->pair.fd[1], TLS_RX, self->tx));
	for (int i = 0; i < 5; i++)
		ASSERT_TRUE(carries(self->fd, self->pair.fd[1]));
	next = *self->tx;
	next.seq += 5;
	if (keys_explicit(&next))
		next.iv[11] += 5;
	for (int i = 0; i < 2; i++) {
		memset(got, 0x5a, sizeof(got));
		ASSERT_EQ(0, get_option(self->pair.fd[i], i ? TLS_RX : TLS_TX, got, self->len));
		expect_answer(_metadata, &next, got, self->len);
	}
}

TEST_F(keys, other_options)
{
	int value = 1;

	EXPECT_EQ(-ENOPROTOOPT, set_option(self->fd, 60, &value, sizeof(value)));
	EXPECT_EQ(-ENOPROTOOPT, get_option(self->fd, 60, &value, sizeof(value)));
	/* TCP's own are still there. */
	EXPECT_EQ(0, setsockopt(self->fd, IPPROTO_TCP, TCP_NODELAY, &value, sizeof(value)));
	EXPECT_EQ(0, setsockopt(self->fd, SOL_SOCKET, SO_KEEPALIVE, &value, sizeof(value)));
	expect_untouched(_metadata, &self->pair);
}

/* An option of @len bytes, once it may be set: what it is after @good, and what is refused,
 * with nothing changed.
 */
static void expect_option(struct __test_metadata *_metadata, int fd, int option, const void *good,
			  socklen_t size)
{
	unsigned char got[16], value[16] = { 0 };
	socklen_t len = sizeof(got);
	bool longer = option == TLS_RX_EXPECT_NO_PAD;
	bool exact = option == TLS_TX_ZEROCOPY_RO;

	memcpy(value, good, size);
	ASSERT_EQ(0, set_option(fd, option, value, size));
	for (socklen_t bad = 0; bad < sizeof(value); bad++) {
		if (bad != size)
			EXPECT_EQ(bad > size && longer ? 0 : -EINVAL,
				  set_option(fd, option, value, bad));
	}
	EXPECT_EQ(-EINVAL, set_option(fd, option, NULL, size));
	EXPECT_EQ(-EFAULT, set_option(fd, option, NOWHERE, size));
	value[sizeof(value) - 1] = 1;
	EXPECT_EQ(-EINVAL, set_option(fd, option, value, sizeof(value)));
	memset(value, 0xff, size);
	EXPECT_EQ(-EINVAL, set_option(fd, option, value, size));

	for (socklen_t bad = 0; bad < size; bad++)
		EXPECT_EQ(-EINVAL, get_option(fd, option, got, bad));
	EXPECT_EQ(-EFAULT, get_option(fd, option, NOWHERE, size));
	EXPECT_EQ(-EFAULT, sys(getsockopt(fd, SOL_TLS, option, got, NOWHERE)));
	/* How long it is, is told. */
	EXPECT_EQ(exact ? -EINVAL : 0, sys(getsockopt(fd, SOL_TLS, option, got, &len)));
	EXPECT_EQ(exact ? sizeof(got) : size, len);
	memset(got, 0x5a, sizeof(got));
	ASSERT_EQ(0, get_option(fd, option, got, size));
	EXPECT_EQ(0, memcmp(good, got, size));
	EXPECT_EQ(0x5a, got[size]);
}

TEST_F(keys, with_zerocopy_ro)
{
	unsigned int value = 2, zero = 0;

	/* Before keys, too. */
	ASSERT_EQ(0, get_option(self->fd, TLS_TX_ZEROCOPY_RO, &value, sizeof(value)));
	EXPECT_EQ(0, value);
	for (value = 2; value; value <<= 1)
		EXPECT_EQ(-EINVAL, set_option(self->fd, TLS_TX_ZEROCOPY_RO, &value, sizeof(value)));
	value = 1;
	expect_option(_metadata, self->fd, TLS_TX_ZEROCOPY_RO, &value, sizeof(value));
	expect_option(_metadata, self->fd, TLS_TX_ZEROCOPY_RO, &zero, sizeof(zero));
	expect_untouched(_metadata, &self->pair);
}

/* Of TLS 1.3, and of a direction that has keys. */
TEST_F(keys, with_expect_no_pad)
{
	const int one = 1, zero = 0;
	int value = 2;

	for (int i = 0; i < 2; i++) {
		EXPECT_EQ(-EINVAL, set_option(self->fd, TLS_RX_EXPECT_NO_PAD, &one, sizeof(one)));
		EXPECT_EQ(-EINVAL, get_option(self->fd, TLS_RX_EXPECT_NO_PAD, &value, sizeof(value)));
		ASSERT_EQ(0, keys_set(self->fd, i ? TLS_RX : TLS_TX, &self->pair.keys[i]));
	}
	if (variant->version != TLS_1_3_VERSION) {
		EXPECT_EQ(-EINVAL, set_option(self->fd, TLS_RX_EXPECT_NO_PAD, &one, sizeof(one)));
		EXPECT_EQ(-EINVAL, get_option(self->fd, TLS_RX_EXPECT_NO_PAD, &value, sizeof(value)));
		/* That is looked at before any pointer. */
		EXPECT_EQ(-EINVAL, set_option(self->fd, TLS_RX_EXPECT_NO_PAD, NOWHERE, sizeof(one)));
		EXPECT_EQ(-EINVAL, sys(getsockopt(self->fd, SOL_TLS, TLS_RX_EXPECT_NO_PAD, &value,
						  NOWHERE)));
		return;
	}
	ASSERT_EQ(0, get_option(self->fd, TLS_RX_EXPECT_NO_PAD, &value, sizeof(value)));
	EXPECT_EQ(0, value);
	expect_option(_metadata, self->fd, TLS_RX_EXPECT_NO_PAD, &one, sizeof(one));
	expect_option(_metadata, self->fd, TLS_RX_EXPECT_NO_PAD, &zero, sizeof(zero));
}

TEST_F(keys, with_max_payload_len)
{
	/* RFC 8449 4: 64, which in TLS 1.3 counts the type byte. */
	const unsigned int least = variant->version == TLS_1_3_VERSION ? 63 : 64;
	__u16 value = 0, largest = RECORD_MAX;

	if (get_option(self->fd, TLS_TX_MAX_PAYLOAD_LEN, &value, sizeof(value)) == -ENOPROTOOPT &&
	    !test_sluice())
		SKIP(return, "not in the in-tree module of this kernel");
	EXPECT_EQ(RECORD_MAX, value);
	/* No version yet: TLS 1.2's limit. */
	value = 63;
	EXPECT_EQ(-EINVAL, set_option(self->fd, TLS_TX_MAX_PAYLOAD_LEN, &value, sizeof(value)));
	value = 64;
	EXPECT_EQ(0, set_option(self->fd, TLS_TX_MAX_PAYLOAD_LEN, &value, sizeof(value)));
	ASSERT_EQ(0, keys_set(self->fd, TLS_TX, self->tx));
	for (unsigned int i = 0; i < 0x10000; i += i < 70 || (i >= 16380 && i < 16400) ? 1 : 10) {
		value = (__u16)i;
		ASSERT_EQ(i < least || i > RECORD_MAX ? -EINVAL : 0,
			  set_option(self->fd, TLS_TX_MAX_PAYLOAD_LEN, &value, sizeof(value)));
	}
	ASSERT_EQ(0, get_option(self->fd, TLS_TX_MAX_PAYLOAD_LEN, &value, sizeof(value)));
	EXPECT_EQ(RECORD_MAX, value);
	value = 1000;
	expect_option(_metadata, self->fd, TLS_TX_MAX_PAYLOAD_LEN, &value, sizeof(value));
	/* Not under a record that is being filled. */
	ASSERT_EQ(10, pair_send(&self->pair, 0, 10, MSG_MORE));
	EXPECT_EQ(-EBUSY, set_option(self->fd, TLS_TX_MAX_PAYLOAD_LEN, NULL, 0));
	EXPECT_EQ(-EBUSY, set_option(self->fd, TLS_TX_MAX_PAYLOAD_LEN, &largest, sizeof(largest)));
	ASSERT_EQ(10, pair_send(&self->pair, 0, 10, 0));
	expect_option(_metadata, self->fd, TLS_TX_MAX_PAYLOAD_LEN, &largest, sizeof(largest));
}

TEST_F(keys, forbid_disconnect)
{
	const struct sockaddr sa = { .sa_family = AF_UNSPEC };

	ASSERT_EQ(0, keys_set(self->fd, TLS_TX, self->tx));
	EXPECT_EQ(-EOPNOTSUPP, sys(connect(self->fd, &sa, sizeof(sa))));
	ASSERT_EQ(0, keys_set(self->pair.fd[1], TLS_RX, self->tx));
	EXPECT_TRUE(carries(self->fd, self->pair.fd[1]));
}

/* Without keys it is legal, and the socket may be used again. */
TEST_F(keys, disconnect_before_them)
{
	const struct sockaddr sa = { .sa_family = AF_UNSPEC };
	const struct tcp_options opt = { .family = variant->family };
	struct sockaddr_storage addr;
	int listener = tcp_listen(&opt, &addr), peer;

	if (!test_sluice())
		SKIP(return, "the in-tree module refuses it");
	ASSERT_EQ(0, sys(connect(self->fd, &sa, sizeof(sa))));
	EXPECT_EQ(-ENOTCONN, keys_set(self->fd, TLS_TX, self->tx));
	ASSERT_EQ(0, sys(connect(self->fd, (struct sockaddr *)&addr, addr_len(&addr))));
	peer = accept(listener, NULL, NULL);
	ASSERT_LE(0, peer);
	EXPECT_TRUE(carries(self->fd, peer));
	ASSERT_EQ(0, ulp_attach(peer));
	EXPECT_EQ(0, keys_set(self->fd, TLS_TX, self->tx));
	EXPECT_EQ(0, keys_set(peer, TLS_RX, self->tx));
	EXPECT_TRUE(carries(self->fd, peer));
	close(peer);
	close(listener);
}

TEST_F(keys, in_the_account)
{
	struct sluice_info info, zero = { 0 };
	socklen_t len = 8;

	if (!test_sluice())
		SKIP(return, "Sluice only");
	ASSERT_EQ(0, info_get(self->fd, &info));
	EXPECT_EQ(SLUICE_STATE_RAW, info.state);
	EXPECT_EQ(SLUICE_ROLE_NONE, info.role);
	EXPECT_EQ(0, info.version);
	EXPECT_EQ(0, info.cipher);
	EXPECT_EQ(SLUICE_ALERT_NONE, info.alert_sent);
	EXPECT_EQ(SLUICE_ALERT_NONE, info.alert_received);
	zero.alert_sent = SLUICE_ALERT_NONE;
	zero.alert_received = SLUICE_ALERT_NONE;
	EXPECT_EQ(0, memcmp(&zero, &info, sizeof(info)));
	/* Plain bytes do not count. */
	EXPECT_TRUE(carries(self->fd, self->pair.fd[1]));
	ASSERT_EQ(0, info_get(self->fd, &info));
	EXPECT_EQ(0, memcmp(&zero, &info, sizeof(info)));

	ASSERT_EQ(0, keys_set(self->fd, TLS_TX, self->tx));
	ASSERT_EQ(0, keys_set(self->fd, TLS_RX, &self->pair.keys[1]));
	ASSERT_EQ(3, send(self->fd, "abc", 3, 0));
	ASSERT_EQ(2, send_type(self->fd, CONTENT_ALERT, "\1\0", 2, 0));
	ASSERT_EQ(0, info_get(self->fd, &info));
	zero.version = variant->version;
	zero.cipher = variant->cipher;
	zero.tx_records = 2;
	zero.tx_bytes = 3;
	/* Raw mode leaves alerts to the program. */
	EXPECT_EQ(0, memcmp(&zero, &info, sizeof(info)));

	memset(&info, 0x5a, sizeof(info));
	ASSERT_EQ(0, sys(getsockopt(self->fd, SOL_TLS, SLUICE_INFO, &info, &len)));
	EXPECT_EQ(8, len);
	EXPECT_EQ(variant->cipher, info.cipher);
	EXPECT_EQ(0x5a5a, info.suite);
	EXPECT_EQ(-EFAULT, get_option(self->fd, SLUICE_INFO, NOWHERE, sizeof(info)));
	EXPECT_GT(0, set_option(self->fd, SLUICE_INFO, &info, sizeof(info)));
}

/*
 * TCP's other doors, behind which the ciphertext lies
 */

#ifndef TCP_ZEROCOPY_RECEIVE
#define TCP_ZEROCOPY_RECEIVE	35
#endif
#ifndef TCP_INQ
#define TCP_INQ			36
#endif
#define TCP_CM_INQ		TCP_INQ

static void keys_of_both(struct __test_metadata *_metadata, struct tls_pair *pair)
{
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(0, keys_set(pair->fd[i], TLS_TX, &pair->keys[i]));
		ASSERT_EQ(0, keys_set(pair->fd[!i], TLS_RX, &pair->keys[i]));
	}
}

TEST_F(keys, and_no_zerocopy_receive)
{
	struct {
		uint64_t address;
		uint32_t length;
		uint32_t skip;
	} zc = { .length = 4096 };
	socklen_t len = sizeof(zc);
	void *map;
	long err;

	if (!test_sluice())
		SKIP(return, "the in-tree module leaves it open");
	keys_of_both(_metadata, &self->pair);
	ASSERT_EQ(20000, pair_send(&self->pair, 1, 20000, 0));
	ASSERT_EQ(POLLIN, poll_one(self->fd, POLLIN, SOON));
	map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, self->fd, 0);
	zc.address = (uintptr_t)(map == MAP_FAILED ? NULL : map);
	err = sys(getsockopt(self->fd, IPPROTO_TCP, TCP_ZEROCOPY_RECEIVE, &zc, &len));
	EXPECT_TRUE(err < 0 || !zc.length);
	EXPECT_EQ(20000, pair_recv_all(&self->pair, 0, 20000));
}

TEST_F(keys, and_no_repair)
{
	int on = 1;

	if (!test_sluice())
		SKIP(return, "the in-tree module leaves it open");
	keys_of_both(_metadata, &self->pair);
	EXPECT_GT(0, setsockopt(self->fd, IPPROTO_TCP, TCP_REPAIR, &on, sizeof(on)));
	EXPECT_TRUE(carries(self->pair.fd[1], self->fd));
	EXPECT_TRUE(carries(self->fd, self->pair.fd[1]));
}

/* If it says how much there is, then of plaintext. */
TEST_F(keys, and_inq_of_plaintext)
{
	char control[200], buf[10];
	struct iovec iov = { .iov_base = buf, .iov_len = sizeof(buf) };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	int on = 1, left;

	keys_of_both(_metadata, &self->pair);
	setsockopt(self->fd, IPPROTO_TCP, TCP_INQ, &on, sizeof(on));
	ASSERT_EQ(100, pair_send(&self->pair, 1, 100, 0));
	ASSERT_EQ(10, recvmsg(self->fd, &msg, 0));
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
		if (c->cmsg_level != IPPROTO_TCP || c->cmsg_type != TCP_CM_INQ)
			continue;
		memcpy(&left, CMSG_DATA(c), sizeof(left));
		EXPECT_EQ(90, left);
	}
}

/* Asking and telling while data flows: neither disturbs the other. */
struct asker {
	pthread_t thread;
	struct tls_pair *pair;
	bool stop;
	long failures;
};

static void *asker_run(void *arg)
{
	struct asker *a = arg;

	while (!__atomic_load_n(&a->stop, __ATOMIC_RELAXED)) {
		unsigned char got[256];
		struct sluice_info info;
		socklen_t len;

		for (int i = 0; i < 2; i++) {
			if (test_sluice() && info_get(a->pair->fd[i], &info))
				a->failures++;
			len = keys_pack(&a->pair->keys[0], got);
			if (get_option(a->pair->fd[i], TLS_TX, got, len) ||
			    get_option(a->pair->fd[i], TLS_RX, got, len))
				a->failures++;
			if (set_option(a->pair->fd[i], 60, got, len) != -ENOPROTOOPT)
				a->failures++;
			poll_one(a->pair->fd[i], POLLIN | POLLOUT, 0);
		}
	}
	return NULL;
}

TEST_F(keys, asked_for_while_data_flows)
{
	struct asker a = { .pair = &self->pair };

	keys_of_both(_metadata, &self->pair);
	ASSERT_EQ(0, pthread_create(&a.thread, NULL, asker_run, &a));
	EXPECT_EQ(300000, transfer(&self->pair, 0, 300000, 20000, 5000));
	EXPECT_EQ(300000, transfer(&self->pair, 1, 300000, 3000, 50000));
	__atomic_store_n(&a.stop, true, __ATOMIC_RELAXED);
	pthread_join(a.thread, NULL);
	EXPECT_EQ(0, a.failures);
	EXPECT_ACCOUNT(&self->pair);
}

/*
 * Requests for a handshake
 */

FIXTURE(request)
{
	struct tls_pair pair;
	struct sluice_request req;
	int fd;
};

FIXTURE_SETUP(request)
{
	const struct tcp_options opt = { 0 };

	if (!test_sluice())
		SKIP(return, "Sluice only");
	ASSERT_EQ(0, netns_enter());
	ASSERT_EQ(0, pair_connect(&self->pair, &opt, TLS_1_3_VERSION, TLS_CIPHER_AES_GCM_128));
	self->fd = self->pair.fd[0];
	self->req.role = SLUICE_ROLE_CLIENT;
	strcpy(self->req.server_name, "example.net");
}

FIXTURE_TEARDOWN(request)
{
	pair_close(&self->pair);
}

static long request(int fd, const struct sluice_request *req)
{
	return set_option(fd, SLUICE_HANDSHAKE, req, sizeof(*req));
}

/* Sets one field to what it may not be, and back. */
#define EXPECT_BAD(field, value) do {						\
	struct sluice_request _req = self->req;					\
										\
	_req.field = (value);							\
	EXPECT_EQ(-EINVAL, request(self->fd, &_req))				\
		TH_LOG("with " #field " = " #value);				\
} while (0)

TEST_F(request, of_bad_numbers)
{
	EXPECT_BAD(role, SLUICE_ROLE_NONE);
	EXPECT_BAD(role, 3);
	EXPECT_BAD(role, 0xffff);
	EXPECT_BAD(min_version, 1);
	EXPECT_BAD(min_version, 0x0302);
	EXPECT_BAD(min_version, 0x0305);
	EXPECT_BAD(max_version, 1);
	EXPECT_BAD(max_version, 0x0302);
	EXPECT_BAD(max_version, 0x0305);
	EXPECT_BAD(alpn_len, SLUICE_ALPN_MAX + 1);
	EXPECT_BAD(alpn_len, 0xffff);
	for (int bit = 2; bit < 32; bit++)
		EXPECT_BAD(flags, 1U << bit);
	EXPECT_BAD(padding, 16385);
	EXPECT_BAD(padding, 0xffff);
	EXPECT_BAD(reserved0, 1);
	for (int i = 0; i < 3; i++)
		EXPECT_BAD(reserved[i], 1);
	self->req.max_version = 0x0303;
	EXPECT_BAD(min_version, 0x0304);
	self->req.max_version = 0;
	expect_untouched(_metadata, &self->pair);
}

TEST_F(request, of_bad_names)
{
	struct sluice_request req = self->req;

	/* Without an end, or with something after it. */
	memset(req.server_name, 'a', sizeof(req.server_name));
	EXPECT_EQ(-EINVAL, request(self->fd, &req));
	req = self->req;
	memset(req.identity, 'a', sizeof(req.identity));
	EXPECT_EQ(-EINVAL, request(self->fd, &req));
	req = self->req;
	memset(req.trust, 'a', sizeof(req.trust));
	EXPECT_EQ(-EINVAL, request(self->fd, &req));
	EXPECT_BAD(server_name[SLUICE_NAME_MAX - 1], 'x');
	EXPECT_BAD(server_name[20], 'x');
	EXPECT_BAD(identity[1], 'x');
	EXPECT_BAD(trust[SLUICE_LABEL_MAX - 1], 'x');
	/* A client has to say whom it wants to reach, a server does not. */
	memset(self->req.server_name, 0, sizeof(self->req.server_name));
	EXPECT_EQ(-EINVAL, request(self->fd, &self->req));
	self->req.role = SLUICE_ROLE_SERVER;
	EXPECT_BAD(server_name[0], 'x');
	expect_untouched(_metadata, &self->pair);
}

TEST_F(request, of_bad_protocols)
{
	static const struct { __u16 len; const char *list; } bad[] = {
		{ 1, "\x00" }, { 1, "\x01" }, { 3, "\x03h2" }, { 4, "\x02h2\x00" },
		{ 4, "\x02h2\x01" }, { 2, "\x00\x00" },
	};
	struct sluice_request req;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		req = self->req;
		req.alpn_len = bad[i].len;
		memcpy(req.alpn, bad[i].list, bad[i].len);
		EXPECT_EQ(-EINVAL, request(self->fd, &req)) TH_LOG("with list %zu", i);
	}
	EXPECT_BAD(alpn[0], 2);
	expect_untouched(_metadata, &self->pair);
}

TEST_F(request, of_bad_length)
{
	struct {
		struct sluice_request req;
		char more[100];
	} longer = { .req = self->req };

	EXPECT_EQ(-EINVAL, set_option(self->fd, SLUICE_HANDSHAKE, &self->req, 0));
	EXPECT_EQ(-EINVAL, set_option(self->fd, SLUICE_HANDSHAKE, &self->req, 8));
	EXPECT_EQ(-EINVAL, set_option(self->fd, SLUICE_HANDSHAKE, NULL, sizeof(self->req)));
	EXPECT_EQ(-EFAULT, set_option(self->fd, SLUICE_HANDSHAKE, NOWHERE, sizeof(self->req)));
	for (size_t i = 0; i < sizeof(longer.more); i++) {
		longer.more[i] = 1;
		EXPECT_EQ(-E2BIG, set_option(self->fd, SLUICE_HANDSHAKE, &longer, sizeof(longer)));
		longer.more[i] = 0;
	}
	EXPECT_EQ(-E2BIG, set_option(self->fd, SLUICE_HANDSHAKE, &longer, 1 << 20));
	expect_untouched(_metadata, &self->pair);
}

TEST_F(request, may_be_longer_with_zeroes)
{
	struct {
		struct sluice_request req;
		char more[100];
	} longer = { .req = self->req };
	struct sluice_info info;

	EXPECT_EQ(0, set_option(self->fd, SLUICE_HANDSHAKE, &longer, sizeof(longer)));
	ASSERT_EQ(0, info_get(self->fd, &info));
	EXPECT_EQ(SLUICE_ROLE_CLIENT, info.role);
}

TEST_F(request, after_keys)
{
	ASSERT_EQ(0, keys_set(self->fd, TLS_RX, &self->pair.keys[1]));
	EXPECT_EQ(-EBUSY, request(self->fd, &self->req));
	ASSERT_EQ(0, keys_set(self->pair.fd[1], TLS_TX, &self->pair.keys[1]));
	EXPECT_TRUE(carries(self->pair.fd[1], self->fd));
}

TEST_F(request, of_a_client_on_a_listener)
{
	const struct tcp_options opt = { 0 };
	struct sockaddr_storage addr;
	int listener = tcp_listen(&opt, &addr);

	ASSERT_LE(0, listener);
	ASSERT_EQ(0, ulp_attach(listener));
	EXPECT_EQ(-EINVAL, request(listener, &self->req));
	close(listener);
}

TEST_F(request, without_the_ulp)
{
	const struct tcp_options opt = { 0 };
	int fd[2];

	ASSERT_EQ(0, tcp_pair(&opt, fd));
	EXPECT_EQ(-ENOPROTOOPT, request(fd[0], &self->req));
	close(fd[0]);
	close(fd[1]);
}

/* Nobody listens: ESRCH, by every door, and never a byte in the clear. */
static void expect_failed(struct __test_metadata *_metadata, int fd, int peer, int err)
{
	int file = memfd_create("secret", MFD_CLOEXEC), p[2];
	struct sluice_info info;
	off_t at = 0;
	char c;

	signal(SIGPIPE, SIG_IGN);
	EXPECT_GT(0, send(fd, "secret", 6, MSG_NOSIGNAL | MSG_DONTWAIT));
	EXPECT_GT(0, send(fd, "s", 1, MSG_NOSIGNAL | MSG_OOB));
	EXPECT_EQ(6, write(file, "secret", 6));
	EXPECT_GT(0, sendfile(fd, file, &at, 6));
	EXPECT_EQ(0, pipe(p));
	EXPECT_EQ(6, write(p[1], "secret", 6));
	EXPECT_GT(0, splice(p[0], NULL, fd, NULL, 6, SPLICE_F_NONBLOCK));
	EXPECT_GT(0, splice(fd, NULL, p[1], NULL, 6, SPLICE_F_NONBLOCK));
	EXPECT_GT(0, recv(fd, &c, 1, MSG_DONTWAIT));
	close(p[0]);
	close(p[1]);
	close(file);
	EXPECT_EQ(0, info_get(fd, &info));
	EXPECT_EQ(SLUICE_STATE_FAILED, info.state);
	EXPECT_EQ(err, (int)info.error);
	EXPECT_EQ(0, info.tx_records);
	EXPECT_STREQ("example.net", info.server_name);
	close(fd);
	if (peer >= 0)
		EXPECT_GE(0, recv(peer, &c, 1, 0));
}

TEST_F(request, without_an_agent)
{
	int err = 0;
	socklen_t len = sizeof(err);

	ASSERT_EQ(0, request(self->fd, &self->req));
	EXPECT_NE(0, poll_one(self->fd, POLLIN, SOON) & POLLERR);
	ASSERT_EQ(0, getsockopt(self->fd, SOL_SOCKET, SO_ERROR, &err, &len));
	EXPECT_EQ(ESRCH, err);
	/* It is told once, but it stays. */
	ASSERT_EQ(0, getsockopt(self->fd, SOL_SOCKET, SO_ERROR, &err, &len));
	EXPECT_EQ(0, err);
	EXPECT_EQ(-EBUSY, keys_set(self->fd, TLS_TX, &self->pair.keys[0]));
	EXPECT_EQ(-EBUSY, request(self->fd, &self->req));
	expect_failed(_metadata, self->fd, self->pair.fd[1], ESRCH);
	self->pair.fd[0] = -1;
}

TEST_F(request, without_an_agent_read)
{
	char c;

	ASSERT_EQ(0, request(self->fd, &self->req));
	EXPECT_EQ(-ESRCH, sys(recv(self->fd, &c, 1, 0)));
	expect_failed(_metadata, self->fd, self->pair.fd[1], ESRCH);
	self->pair.fd[0] = -1;
}

TEST_F(request, without_an_agent_write)
{
	ASSERT_EQ(0, request(self->fd, &self->req));
	EXPECT_EQ(-ESRCH, sys(send(self->fd, "secret", 6, MSG_NOSIGNAL)));
	expect_failed(_metadata, self->fd, self->pair.fd[1], ESRCH);
	self->pair.fd[0] = -1;
}

TEST_F(request, before_connect_without_an_agent)
{
	const struct tcp_options opt = { 0 };
	struct sockaddr_storage addr;
	int listener = tcp_listen(&opt, &addr);
	struct sluice_info info;
	int fd, peer;

	ASSERT_LE(0, listener);
	for (int nonblock = 0; nonblock < 2; nonblock++) {
		int err = 0;
		socklen_t len = sizeof(err);

		fd = socket(AF_INET, SOCK_STREAM | (nonblock ? SOCK_NONBLOCK : 0), 0);
		ASSERT_EQ(0, ulp_attach(fd));
		ASSERT_EQ(0, request(fd, &self->req));
		ASSERT_EQ(0, info_get(fd, &info));
		EXPECT_EQ(SLUICE_STATE_ARMED, info.state);
		EXPECT_EQ(-EBUSY, request(fd, &self->req));
		EXPECT_GT(0, keys_set(fd, TLS_TX, &self->pair.keys[0]));
		err = (int)sys(connect(fd, (struct sockaddr *)&addr, addr_len(&addr)));
		if (nonblock && err == -EINPROGRESS) {
			EXPECT_NE(0, poll_one(fd, POLLOUT, SOON) & POLLERR);
			ASSERT_EQ(0, getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len));
			err = -err;
		}
		EXPECT_EQ(-ESRCH, err);
		peer = accept(listener, NULL, NULL);
		expect_failed(_metadata, fd, peer, ESRCH);
		close(peer);
	}
	close(listener);
}

/* Data that would go with the SYN would go in the clear. */
TEST_F(request, before_fast_open)
{
	const struct tcp_options opt = { 0 };
	struct sockaddr_storage addr;
	int listener = tcp_listen(&opt, &addr);
	const int on = 1;

	ASSERT_LE(0, listener);
	for (int option = 0; option < 3; option++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0), peer;
		char c;

		ASSERT_EQ(0, ulp_attach(fd));
		if (option == 1)
			setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &on, sizeof(on));
		ASSERT_EQ(0, request(fd, &self->req));
		if (option == 2)
			setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &on, sizeof(on));
		if (option)
			connect(fd, (struct sockaddr *)&addr, addr_len(&addr));
		EXPECT_GT(0, sendto(fd, "secret", 6, MSG_FASTOPEN | MSG_NOSIGNAL,
				    (struct sockaddr *)&addr, addr_len(&addr)));
		EXPECT_GT(0, send(fd, "secret", 6, MSG_NOSIGNAL));
		close(fd);
		fcntl(listener, F_SETFL, O_NONBLOCK);
		peer = accept(listener, NULL, NULL);
		if (peer >= 0) {
			EXPECT_GE(0, recv(peer, &c, 1, 0));
			close(peer);
		}
	}
	close(listener);
}

/* The test is the agent that never does its work. */
FIXTURE(pending)
{
	struct tls_pair pair;
	struct sluice_request req;
	struct sluice_nl nl;
	int fd;
};

FIXTURE_SETUP(pending)
{
	const struct tcp_options opt = { 0 };

	if (!test_sluice())
		SKIP(return, "Sluice only");
	ASSERT_EQ(0, netns_enter());
	ASSERT_EQ(0, sluice_nl_open(&self->nl));
	ASSERT_EQ(0, sluice_nl_join_agents(&self->nl));
	ASSERT_EQ(0, pair_connect(&self->pair, &opt, TLS_1_3_VERSION, TLS_CIPHER_AES_GCM_128));
	self->fd = self->pair.fd[0];
	self->req.role = SLUICE_ROLE_CLIENT;
	strcpy(self->req.server_name, "example.net");
}

FIXTURE_TEARDOWN(pending)
{
	pair_close(&self->pair);
	sluice_nl_close(&self->nl);
}

TEST_F(pending, refuses_what_would_disturb_it)
{
	struct sluice_nl_state state;
	struct sluice_info info;
	char c;

	ASSERT_EQ(0, request(self->fd, &self->req));
	ASSERT_EQ(0, info_get(self->fd, &info));
	EXPECT_EQ(SLUICE_STATE_PENDING, info.state);
	EXPECT_EQ(SLUICE_ROLE_CLIENT, info.role);
	ASSERT_EQ(0, netns_state(&state));
	EXPECT_EQ(1, state.agents);
	EXPECT_EQ(1, state.pending);
	EXPECT_EQ(-EBUSY, keys_set(self->fd, TLS_TX, &self->pair.keys[0]));
	EXPECT_EQ(-EBUSY, keys_set(self->fd, TLS_RX, &self->pair.keys[1]));
	EXPECT_EQ(-EBUSY, request(self->fd, &self->req));
	EXPECT_EQ(-EAGAIN, sys(send(self->fd, "secret", 6, MSG_DONTWAIT)));
	EXPECT_EQ(-EAGAIN, sys(recv(self->fd, &c, 1, MSG_DONTWAIT)));
	/* What the peer says meanwhile is the agent's. */
	ASSERT_EQ(1, send(self->pair.fd[1], "x", 1, 0));
	EXPECT_EQ(0, poll_one(self->fd, POLLIN | POLLOUT, NEVER));
	EXPECT_EQ(-EAGAIN, sys(recv(self->fd, &c, 1, MSG_DONTWAIT)));
	EXPECT_EQ(0, poll_one(self->pair.fd[1], POLLIN, 0));
	/* And the program may go at any time. */
	close(self->fd);
	self->pair.fd[0] = -1;
	ASSERT_EQ(0, netns_state(&state));
	EXPECT_EQ(0, state.pending);
	EXPECT_EQ(1, state.stats[SLUICE_STAT_HS_CANCELLED]);
}

TEST_F(pending, times_out)
{
	char c;

	self->req.timeout_ms = 200;
	ASSERT_EQ(0, request(self->fd, &self->req));
	EXPECT_EQ(-ETIMEDOUT, sys(recv(self->fd, &c, 1, 0)));
	expect_failed(_metadata, self->fd, self->pair.fd[1], ETIMEDOUT);
	self->pair.fd[0] = -1;
}

TEST_F(pending, ends_with_the_connection)
{
	const struct linger reset = { .l_onoff = 1 };
	char c;

	ASSERT_EQ(0, request(self->fd, &self->req));
	ASSERT_EQ(0, setsockopt(self->pair.fd[1], SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)));
	close(self->pair.fd[1]);
	self->pair.fd[1] = -1;
	EXPECT_EQ(-ECONNRESET, sys(recv(self->fd, &c, 1, 0)));
	expect_failed(_metadata, self->fd, -1, ECONNRESET);
	self->pair.fd[0] = -1;
}

TEST_HARNESS_MAIN

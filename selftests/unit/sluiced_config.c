// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sluiced's configuration: what is wrong with a file is said with its place, and
 * the file is not taken.
 */
#include "kselftest_harness.h"

#include <fcntl.h>

#include "../../userspace/sluiced/config.h"
#include "pki.h"

/* Loads @text, with $D standing for the directory of the certificates; what is
 * said goes into @words.
 */
static struct config *load(const char *text, char *words, size_t size)
{
	char path[128], log[128];
	struct config *config;
	const char *at;
	int err, fd;
	ssize_t n;
	FILE *f;

	path_of(path, sizeof(path), "test.conf");
	path_of(log, sizeof(log), "test.log");
	f = fopen(path, "w");
	for (; (at = strstr(text, "$D")); text = at + 2)
		fprintf(f, "%.*s%s", (int)(at - text), text, dir);
	fputs(text, f);
	fclose(f);
	err = dup(2);
	fd = open(log, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	dup2(fd, 2);
	config = config_load(path);
	dup2(err, 2);
	close(err);
	n = pread(fd, words, size - 1, 0);
	close(fd);
	words[n > 0 ? n : 0] = '\0';
	return config;
}

#define FILES	"certificate = \"$D/ec.pem\"; key = \"$D/ec.key\";"
#define ID(_keys) "identities = ( { name = \"one\"; " FILES _keys " } );"
#define TRUST	"trust = ( { name = \"test\"; file = \"$D/ca.pem\"; } );"

TEST(mistakes)
{
	static const struct {
		const char *text, *words;
	} rows[] = {
		{ "colour = \"blue\";", ":1: colour: unknown key" },
		{ "namespaces = [ \"web\" ];", "\"web\" is not a path" },
		{ "namespaces = \"/run/netns/web\";", "must be an array" },
		{ "drain = 3601;", "must be a number from 0 to 3600" },
		{ "max_handshakes_per_user = 0;", "must be a number from 1" },
		{ ID("allow_users = [ \"no such user\" ];"), "no such user" },
		{ ID("allow_groups = [ \"no such group\" ];"), "no such group" },
		{ ID("allow_users = [ ];"), "must be an array" },
		{ "identities = ( { name = \"one\"; } );", "lacks \"certificate\"" },
		{ "ticket_keys = \"$D/nowhere\";", "No such file" },
		{ "ticket_keys = \"$D\";", "not a regular file" },
		/* One that anyone may read, and one that is no blocks of 80. */
		{ "ticket_keys = \"$D/ca.pem\";", "others than its owner" },
		{ "ticket_keys = \"$D/ca.key\";", "not 1 to 16 keys" },
		{ "ticket_lifetime = 604801;", "from 1 to 604800" },
		{ "client = { sessions = -1; };", "from 0 to 65536" },
		{ "trust = ( { name = \"t\"; file = \"$D/ca.pem\"; crl = \"$D/ca.pem\"; } );",
		  "ca.pem: " },
		{ ID("ocsp_response = \"$D/ca.pem\";"), "not an OCSP response" },
		{ "trust = ( { name = \"t\"; file = \"$D/ca.pem\"; require_ocsp = true; } );"
		  ID("client_certificates = \"require\"; client_trust = \"t\";"),
		  "\"t\" has require_ocsp" },
		{ ID("tickets = 9;"), "from 0 to 8" },
		{ ID("client_certificates = true;"), "must be \"none\"" },
		{ ID("client_certificates = \"require\";"), "needs \"client_trust\"" },
		{ ID("client_trust = \"system\";"), "of no use" },
		{ ID("client_certificates = \"request\"; client_trust = \"nowhere\";"),
		  "no trust store \"nowhere\"" },
	};
	char words[2048];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		EXPECT_EQ(NULL, load(rows[i].text, words, sizeof(words)));
		EXPECT_NE(NULL, strstr(words, rows[i].words)) {
			TH_LOG("row %zu: %s", i, words);
		}
	}
}

TEST(accepted)
{
	static const char *const rows[] = {
		"",
		ID(""),
		ID("client_certificates = \"none\";"),
		"max_handshakes_per_user = 1; drain = 0;",
		"namespaces = [ \"/run/netns/a\", \"/run/netns/b\" ];",
		ID("allow_users = [ \"root\", \"1000\" ]; allow_groups = [ \"*\" ];"),
		/* Stores may come behind those who name them. */
		ID("client_certificates = \"require\"; client_trust = \"test\";") TRUST,
	};
	char words[2048];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct config *config = load(rows[i], words, sizeof(words));

		EXPECT_NE(NULL, config) {
			TH_LOG("row %zu: %s", i, words);
		}
		config_put(config);
	}
}

/* Without a list: root, and who owns the key. */
TEST(access_by_default)
{
	struct access_who root = { .uid = 0, .gid = 1 }, owner = { .uid = 1234, .gid = 1 };
	struct access_who other = { .uid = 1235, .gid = 1 };
	const struct identity *id;
	struct config *config;
	char key[128], words[2048];

	path_of(key, sizeof(key), "ec.key");
	if (chown(key, 1234, 1234))
		SKIP(return, "only root can give a file away");
	config = load(ID(""), words, sizeof(words));
	ASSERT_NE(NULL, config);
	id = config_identity(config, "one");
	EXPECT_TRUE(access_allows(&id->access, &root));
	EXPECT_TRUE(access_allows(&id->access, &owner));
	EXPECT_FALSE(access_allows(&id->access, &other));
	config_put(config);

	config = load(ID("allow_users = [ \"1235\" ];"), words, sizeof(words));
	ASSERT_NE(NULL, config);
	id = config_identity(config, "one");
	EXPECT_FALSE(access_allows(&id->access, &root));
	EXPECT_FALSE(access_allows(&id->access, &owner));
	EXPECT_TRUE(access_allows(&id->access, &other));
	config_put(config);
	ASSERT_EQ(0, chown(key, 0, 0));
}

TEST_HARNESS_MAIN

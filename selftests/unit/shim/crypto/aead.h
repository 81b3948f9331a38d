/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Only named by the headers under test. */
#ifndef SHIM_CRYPTO_AEAD_H
#define SHIM_CRYPTO_AEAD_H

struct crypto_aead;
struct aead_request;

#endif

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Lets user-mode Linux use the x86 drivers of AES-GCM. A UML kernel is an
# ordinary program, so their instructions work in it; only Kconfig and the
# tests for the processor's features, which are written for real machines,
# stand in the way. An edit that finds no place fails.
#
# usage: edit-source.py TREE

import pathlib
import re
import sys

# The assembler is asked on x86 only; Debian 12's knows all of these.
KNOWN = ("CONFIG_AS_VAES", "CONFIG_AS_VPCLMULQDQ", "CONFIG_AS_AVX512")

SHIM = """\
#include <asm/cpufeature.h>
#include <asm/fpu/api.h>
/* The host has enabled the registers of all that it announces. */
#define cpu_has_xfeatures(mask, missing) true
#define XFEATURE_MASK_SSE 0
#define XFEATURE_MASK_YMM 0
#define XFEATURE_MASK_AVX512 0
"""

GLUE = "arch/x86/crypto/aesni-intel_glue.c"

BOTH = {
    "crypto/Kconfig": [(r"^if X86$", "if X86 || UML_X86")],
    GLUE: [
        (r'^#include <asm/cpu_device_id.h>$', '#include "uml_shim.h"'),
        (r"^static const struct x86_cpu_id aesni_cpu_id"
         r"(?:.*\n)+?^MODULE_DEVICE_TABLE\(x86cpu, .*\n", ""),
        (r"x86_match_cpu\(aesni_cpu_id\)", "boot_cpu_has(X86_FEATURE_AES)"),
    ],
}

# Later kernels count on such an assembler, and leave none of the processors out.
ONLY_6_12 = {
    "arch/x86/crypto/Kconfig": [
        (r"(^config CRYPTO_AES_NI_INTEL\n.*\n\tdepends on )X86$",
         r"\1X86 || UML_X86"),
    ],
    "arch/x86/crypto/Makefile": [
        (r"\A", "asflags-y +=" + "".join(f" -D{k}=1" for k in KNOWN) + "\n"),
        (r"^ifeq \(\$\(CONFIG_AS_VAES\).*$", "ifeq (y,y)"),
    ],
    GLUE: [
        (r"\A", "".join(f"#define {k} 1\n" for k in KNOWN)),
        (r"^static const struct x86_cpu_id zmm_exclusion_list"
         r"(?:.*\n)+?^};\n", ""),
        (r"x86_match_cpu\(zmm_exclusion_list\)", "false"),
    ],
}


def edit(tree, table):
    for name, edits in table.items():
        path = tree / name
        text = path.read_text()
        for place, instead in edits:
            text, done = re.subn(place, instead, text, count=1, flags=re.M)
            if not done:
                sys.exit(f"edit-source: {name}: no place for {instead!r}")
        path.write_text(text)


tree = pathlib.Path(sys.argv[1])
edit(tree, BOTH)
if (tree / "Makefile").read_text().count("\nVERSION = 6\n"):
    edit(tree, ONLY_6_12)
(tree / "arch/x86/crypto/uml_shim.h").write_text(SHIM)

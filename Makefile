# SPDX-License-Identifier: GPL-2.0-or-later
#
# Builds the module for one kernel, the userspace programs and the tests, all
# into build/.  Kbuild, beside this file, is what the kernel's build reads.

PREFIX ?= /usr/local
DESTDIR ?=

# The newest KERNEL whose headers are installed, whatever kernel runs here.
# Not expanded before a recipe needs it: the headers may just be coming.
KERNEL ?= 6.12
KDIR = $(lastword $(shell ls -d /usr/src/linux-headers-$(KERNEL)[.+]*-cloud-amd64 \
	2>/dev/null | sort -V))
krel = $(shell cat '$(KDIR)/include/config/kernel.release' 2>/dev/null)

B := build
U := $(B)/userspace$(if $(SAN),-san)
S := $(B)/selftests

CC ?= gcc
AR ?= ar
CFLAGS ?= -O2 -g
WARN := -Wall -Wextra -Werror -Wmissing-prototypes -Wstrict-prototypes \
	-Wformat-security
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all \
	-fno-omit-frame-pointer
HARDEN := -fstack-protector-strong -fstack-clash-protection -fcf-protection
harden_ld := -Wl,-z,relro,-z,now

base_cflags = -std=gnu11 $(CFLAGS) $(WARN) $(HARDEN) -D_GNU_SOURCE \
	-Iinclude -Iinclude/uapi -MMD -MP \
	$(if $(SAN),$(SANITIZE),-D_FORTIFY_SOURCE=2)
base_ldflags = $(LDFLAGS) $(harden_ld) -Wl,--as-needed $(if $(SAN),$(SANITIZE))

pkg_cflags = $(shell pkg-config --cflags $(1))
pkg_libs = $(shell pkg-config --libs $(1))

sluiced_pkgs := libnl-genl-3.0 libssl libcrypto libuv libconfig libseccomp
sluice_pkgs := libnl-genl-3.0 libmicrohttpd libcurl jansson libseccomp
bench_pkgs := libssl libcrypto jansson

objs = $(patsubst userspace/%.c,$(U)/obj/%.o,$(wildcard userspace/$(1)/*.c))
lib_objs := $(call objs,lib)
common_objs := $(call objs,common)
sluiced_objs := $(call objs,sluiced)
sluice_objs := $(call objs,cli)
bench_objs := $(call objs,bench)

# Tests, and in tools/ the programs that tests start.
kselftests := $(filter-out %/other_module,$(patsubst selftests/%.c,$(S)/%, \
	$(wildcard selftests/*.c selftests/tools/*.c)))

# What is made without anything of ours.
foreign := $(S)/tools/plain $(S)/tools/fetch $(S)/tools/other_module.so

# V=1 shows the commands.
Q := $(if $(V),,@)
say = @$(if $(V),:,printf '  %-7s %s\n' $(1) '$@')

all: module userspace selftests

help:
	@sed -n 's/^#: //p' $(firstword $(MAKEFILE_LIST))

#: make                 the module, the userspace programs and the tests
#: make module          build/module/RELEASE/sluice.ko; KDIR=... chooses the kernel,
#:                      KERNEL=7.2 that of a newer Debian, in a tree of its own
#: make userspace       build/userspace/; SAN=1: build/userspace-san/, ASan and UBSan
#: make selftests       build/selftests/ and build/unit/
#: make deps            install what all this needs (Debian 12)
#: make check           test everything, on 6.12 and 7.2;
#:                      TESTS="NAME..." only these, on 6.12
#: make check-debug     the tests of the VM on a debug kernel; TESTS="NAME..."
#: make bench           speed beside plain TCP, OpenSSL and the kernel's tls, in user-mode
#:                      Linux; QUICK=1, PROFILE=1, BENCH="OPTION...", UML=bench-7.2|smp
#: make demo            an HTTPS transfer through the module, in a VM
#: make kselftest       the kernel's own test of its tls module, on both; MULTIPROC=1: all
#: make programs        OpenSSL, nginx, GnuTLS and others on sluice, on each kernel
#: make lint            checkpatch, sparse, W=1
#: make install         DESTDIR=, PREFIX=/usr/local; uninstall undoes it
#: make install-dkms    the module's source to /usr/src, for dkms
#: make clean           remove build/ except what was downloaded; distclean: all of it

.PHONY: all help deps module module-here module-suite module-each userspace \
	selftests kselftests unit check check-kernel debug-ready check-debug demo \
	kselftest programs bench bench-module bench-ready \
	lint install install-module install-userspace install-dkms uninstall \
	clean distclean
.DELETE_ON_ERROR:

deps:
	@selftests/deps

# The module -----------------------------------------------------------------

# Kbuild wants its output beside its sources: each kernel gets a tree of
# links to ours.  One at a time, as kbuild takes no second run beside it.
# Debian 12 has 6.12 but no newer kernel: selftests/vm/suite has.
module: $(if $(krel)$(SLUICE_SUITE)$(filter 6.12,$(KERNEL)),module-here,module-suite)

module-suite:
	+@selftests/vm/suite -- $(MAKE) --no-print-directory module \
		KERNEL='$(KERNEL)' B='$(B)'

module-here:
	@test -n '$(krel)' || { echo "no kernel headers in KDIR='$(KDIR)':" \
		"make deps installs Debian's" >&2; exit 1; }
	@mkdir -p $(B)/module/$(krel)
	@cd $(B)/module/$(krel) && \
		find . -type l ! -exec test -e {} \; -delete && \
		cp -rsf $(CURDIR)/Kbuild $(CURDIR)/module $(CURDIR)/include .
	+@flock $(B)/module/$(krel) $(MAKE) --no-print-directory -C '$(KDIR)' \
		M='$(CURDIR)/$(B)/module/$(krel)' \
		CONFIG_DEBUG_INFO_BTF_MODULES= $(if $(W),W=$(W)) modules

# Userspace ------------------------------------------------------------------

userspace: $(U)/libsluice.a $(U)/libsluice.so \
	$(if $(sluiced_objs),$(U)/sluiced) $(if $(sluice_objs),$(U)/sluice) \
	$(U)/sluice-bench \
	$(if $(SAN),,$(U)/libsluice-names.so)

$(U)/obj/lib/%.o: userspace/lib/%.c Makefile
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(base_cflags) -fPIC -fvisibility=hidden -c -o $@ $<

$(U)/obj/common/%.o: userspace/common/%.c Makefile
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(base_cflags) -fPIE $(call pkg_cflags,libnl-genl-3.0) -c -o $@ $<

$(U)/obj/sluiced/%.o: userspace/sluiced/%.c Makefile
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(base_cflags) -fPIE -Iuserspace/common \
		$(call pkg_cflags,$(sluiced_pkgs)) -c -o $@ $<

$(U)/obj/cli/%.o: userspace/cli/%.c Makefile
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(base_cflags) -fPIE -Iuserspace/common \
		$(call pkg_cflags,$(sluice_pkgs)) -c -o $@ $<

$(U)/obj/bench/%.o: userspace/bench/%.c Makefile
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(base_cflags) -fPIE $(call pkg_cflags,$(bench_pkgs)) -c -o $@ $<

$(U)/libsluice.a: $(lib_objs)
	$(call say,AR)
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

$(U)/libsluice.so: $(lib_objs) userspace/lib/libsluice.map
	$(call say,LD)
	$(Q)$(CC) -shared $(base_ldflags) -Wl,-soname,libsluice.so.0 \
		-Wl,--version-script=userspace/lib/libsluice.map \
		-o $@.0 $(lib_objs)
	$(Q)ln -sf libsluice.so.0 $@

$(U)/sluice-bench: $(bench_objs) $(U)/libsluice.a
	$(call say,LD)
	$(Q)$(CC) -pie $(base_ldflags) -o $@ $^ $(call pkg_libs,$(bench_pkgs))

# Loaded into programs of every kind: no sanitizer, which they would have to be
# built with.
$(U)/libsluice-names.so: userspace/preload/names.c userspace/preload/record.h Makefile
	@mkdir -p $(@D)
	$(call say,LD)
	$(Q)$(CC) -shared -fPIC -fvisibility=hidden $(filter-out -MMD -MP,$(base_cflags)) \
		$(base_ldflags) -o $@ $<

$(U)/sluiced: $(sluiced_objs) $(common_objs) $(U)/libsluice.a
	$(call say,LD)
	$(Q)$(CC) -pie $(base_ldflags) -o $@ $^ $(call pkg_libs,$(sluiced_pkgs)) \
		-lpthread

$(U)/sluice: $(sluice_objs) $(common_objs) $(U)/libsluice.a
	$(call say,LD)
	$(Q)$(CC) -pie $(base_ldflags) -o $@ $^ $(call pkg_libs,$(sluice_pkgs)) \
		-lpthread

# Tests ----------------------------------------------------------------------

selftests: kselftests unit $(B)/kselftest/tls

kselftests: $(kselftests) $(foreign)

$(S)/tools/plain: selftests/tools/plain.c Makefile
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(filter-out -MMD -MP $(SANITIZE),$(base_cflags)) -static -o $@ $<

$(S)/tools/fetch: userspace/examples/fetch.c include/uapi/linux/sluice.h Makefile
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(CFLAGS) $(WARN) -Iinclude/uapi -o $@ $<

$(S)/tools/gnutls_sink: selftests/tools/gnutls_sink.c Makefile
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(base_cflags) $(call pkg_cflags,gnutls) $(base_ldflags) -o $@ $< \
		$(call pkg_libs,gnutls)

$(S)/tools/other_module.so: selftests/tools/other_module.c Makefile
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) -shared -fPIC $(filter-out -MMD -MP $(SANITIZE),$(base_cflags)) \
		$(call pkg_cflags,libnl-genl-3.0) -o $@ $<

# The kernel's test harness, from Debian's source package.
kernel_files := build/kernel-files
harness := $(kernel_files)/6.12/kselftest_harness.h

$(kernel_files)/%/kselftest_harness.h: selftests/kernel-files
	selftests/kernel-files $*
	@touch $@

$(S)/%: selftests/%.c Makefile $(common_objs) $(U)/libsluice.a | $(harness)
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(base_cflags) -isystem $(dir $(harness)) -Iuserspace/common \
		$(call pkg_cflags,libnl-genl-3.0) \
		$(base_ldflags) -o $@ $< $(common_objs) $(U)/libsluice.a \
		$(call pkg_libs,libnl-genl-3.0) -lssl -lcrypto -lpthread

# The kernel's own test of its tls module, the newest one for every kernel.
tls_test := $(kernel_files)/7.2

$(B)/kselftest/tls: $(tls_test)/kselftest_harness.h
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) -O2 -g -isystem $(tls_test)/uapi -o $@ \
		$(tls_test)/net/tls.c

# Programs that selftests/run starts on the host: build/unit/NAME, each made
# with ASan and UBSan and printing TAP.  selftests/unit/Makefile is included
# here and makes them prerequisites of the target "unit"; $(base_cflags),
# $(SANITIZE) and $(harness) are at its service.
unit:
-include selftests/unit/Makefile

# On all processors, unless make's caller has said how many.
jobs = $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(shell nproc))

# On the other kernel, what differs from kernel to kernel: the tests that talk to
# the module themselves, two scripts, and in turn one that tests programs.
vm_tests = $(shell selftests/run --kernel $(KERNEL) --list | cut -d' ' -f2)
socket_tests = $(patsubst selftests/%.c,%,$(wildcard selftests/*.c))
kernel_tests = $(filter $(socket_tests) handshake takeover,$(vm_tests)) $(shell \
	shuf -n 1 -e $(filter-out $(socket_tests) handshake takeover,$(vm_tests)))

# CI gives it 45 minutes. User-mode Linux comes last, with what is left of them; all of
# check-debug would take an hour more.
check:
	selftests/deps
	+@$(MAKE) --no-print-directory $(jobs) all
	+@$(MAKE) --no-print-directory $(jobs) SAN=1 userspace
	+@status=0; begun=$$(date +%s); \
	selftests/run --second-try $(TESTS) || status=1; \
	$(if $(TESTS),,$(MAKE) --no-print-directory check-kernel KERNEL=7.2 || status=1;) \
	$(if $(TESTS),,selftests/run --second-try --kernel 7.2 --suite trixie programs || status=1;) \
	$(if $(TESTS),,selftests/uml/turn $$((begun + 2000 - $$(date +%s))) $(SEED) || status=1;) \
	exit $$status

check-kernel:
	+@$(MAKE) --no-print-directory module
	selftests/run --second-try --kernel $(KERNEL) $(or $(TESTS),$(kernel_tests))

# The module for each kernel that it is for.
module-each:
	+@for k in 6.12 7.2; do \
		$(MAKE) --no-print-directory module KERNEL=$$k || exit; done

# MULTIPROC=1: all of it, about an hour where the processor is emulated.
kselftest:
	selftests/deps
	+@$(MAKE) --no-print-directory $(jobs) userspace $(B)/kselftest/tls \
		module-each
	selftests/kselftest/run $(if $(MULTIPROC),--samples all) \
		$(if $(SEED),--seed $(SEED))

# User-mode Linux of 6.12 that watches memory, locks and lifetimes.  SAN is for
# programs: here the kernel's memory is looked at.
debug-ready:
	selftests/deps --uml
	selftests/uml/build debug
	+@$(MAKE) --no-print-directory $(jobs) userspace kselftests \
		$(B)/kselftest/tls
	+@$(MAKE) --no-print-directory module KDIR=$(B)/uml/debug ARCH=um

check-debug: debug-ready
	selftests/run --uml debug $(TESTS)

# What the benchmark needs of the kernel it runs in.
bench-module:
	@mkdir -p $(B)/bench/$(krel)
	@cp -rsf $(CURDIR)/selftests/bench/Kbuild $(CURDIR)/selftests/bench/sluice_bench.c \
		$(B)/bench/$(krel)
	+@flock $(B)/bench/$(krel) $(MAKE) --no-print-directory -C '$(KDIR)' \
		M='$(CURDIR)/$(B)/bench/$(krel)' \
		CONFIG_DEBUG_INFO_BTF_MODULES= modules

UML = bench
bench-ready:
	selftests/deps --bench
	selftests/uml/build $(UML)
	+@$(MAKE) --no-print-directory $(jobs) userspace
	+@$(MAKE) --no-print-directory module bench-module KDIR=$(B)/uml/$(UML) ARCH=um

# QUICK=1: a part of it, some 3 minutes; PROFILE=1: where the kernel's time goes; BENCH:
# options of sluice-bench; UML: the kernel, selftests/uml/NAME.config.
bench: bench-ready
	selftests/bench/run --kernel $(UML) $(if $(PROFILE),--profile) $(if $(QUICK),--quick) $(BENCH)

$(B)/gnutls/gnutls-cli: selftests/programs/gnutls-build
	selftests/programs/gnutls-build
	@touch $@

# SIZE: MiB a row, 64 unless it says else.
programs:
	selftests/deps
	+@$(MAKE) --no-print-directory $(jobs) userspace module-each \
		$(B)/gnutls/gnutls-cli
	selftests/programs/run $(if $(SIZE),--size $(SIZE))

demo:
	selftests/deps
	+@$(MAKE) --no-print-directory $(jobs) module userspace
	selftests/demo/run

lint:
	selftests/deps
	selftests/check.sh

# Installation ---------------------------------------------------------------

install: install-userspace install-module

install-userspace: userspace
	install -D -m 755 $(U)/sluiced $(DESTDIR)$(PREFIX)/sbin/sluiced
	install -D -m 755 $(U)/sluice $(DESTDIR)$(PREFIX)/bin/sluice
	install -D -m 755 $(U)/sluice-bench $(DESTDIR)$(PREFIX)/bin/sluice-bench
	install -D -m 644 $(U)/libsluice.a $(DESTDIR)$(PREFIX)/lib/libsluice.a
	install -D -m 755 $(U)/libsluice.so.0 \
		$(DESTDIR)$(PREFIX)/lib/libsluice.so.0
	ln -sf libsluice.so.0 $(DESTDIR)$(PREFIX)/lib/libsluice.so
	install -D -m 755 $(U)/libsluice-names.so \
		$(DESTDIR)$(PREFIX)/lib/libsluice-names.so
	install -D -m 644 include/sluice.h $(DESTDIR)$(PREFIX)/include/sluice.h
	install -D -m 644 include/uapi/linux/sluice.h \
		$(DESTDIR)$(PREFIX)/include/linux/sluice.h
	install -D -m 644 userspace/sluiced/sluiced.conf.example \
		$(DESTDIR)$(PREFIX)/share/doc/sluice/sluiced.conf.example
	install -D -m 644 module/sluice-takeover.conf \
		$(DESTDIR)$(PREFIX)/share/doc/sluice/sluice-takeover.conf
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/doc/sluice/examples \
		userspace/examples/fetch.c userspace/examples/serve.py
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system
	sed 's,/usr/local/,$(PREFIX)/,' userspace/sluiced/sluiced.service \
		>$(DESTDIR)$(PREFIX)/lib/systemd/system/sluiced.service

install-module: module
	$(MAKE) --no-print-directory -C '$(KDIR)' \
		M='$(CURDIR)/$(B)/module/$(krel)' \
		INSTALL_MOD_PATH='$(DESTDIR)' INSTALL_MOD_DIR=updates \
		$(if $(DESTDIR),DEPMOD=true) modules_install

# Then: dkms install sluice/VERSION.
install-dkms:
	d=$(DESTDIR)/usr/src/sluice-$$(sed -n \
		's/^PACKAGE_VERSION="\(.*\)"$$/\1/p' module/dkms.conf) && \
	install -d "$$d" && cp -r Kbuild module include "$$d" && \
	mv "$$d/module/dkms.conf" "$$d"

uninstall:
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/,sbin/sluiced bin/sluice \
		bin/sluice-bench \
		lib/libsluice.a lib/libsluice.so lib/libsluice.so.0 \
		lib/libsluice-names.so \
		include/sluice.h include/linux/sluice.h \
		lib/systemd/system/sluiced.service \
		$(addprefix share/doc/sluice/,sluiced.conf.example \
		sluice-takeover.conf examples/fetch.c examples/serve.py))
	rm -f $(DESTDIR)/lib/modules/$(krel)/updates/sluice.ko*
	$(if $(DESTDIR),,depmod $(krel))

clean:
	rm -rf $(B)/module $(B)/userspace $(B)/userspace-san $(S) $(B)/unit \
		$(B)/kselftest $(B)/gnutls $(B)/bench $(B)/results $(B)/results-*

distclean:
	rm -rf $(B)

-include $(wildcard $(U)/obj/*/*.d $(S)/*.d $(S)/tools/*.d)

# SPDX-License-Identifier: GPL-2.0-only
# The build house of tdibind. Each target is a script of scripts/ with the same name, or a few of them
# in a row; every script does nothing when nothing changed. See docs/building.md.

S := scripts
export TARBALL SHA256 V VENDOR GUEST RULE SHARDS SEED SEEDS OPS

.PHONY: help run check shell deps fetch update assemble configure build image kernel debug
.PHONY: prove replay model mutants
.PHONY: install uninstall export export-test refresh-hooks rules lint clean distclean

help:
	@echo 'make run           build all of it, boot it and tell the story of each vendor (out/run/)'
	@echo 'make run VENDOR=v  of tdx, sev or cca only; GUEST=linux: with Linux as the guest, in place of the payload'
	@echo 'make check         build both kernels, run every test, table rule x vendor (out/check/)'
	@echo 'make check RULE=r04 VENDOR=sev   one rule (or "r04 r13"), for one vendor'
	@echo 'make check T=name  run one test program of tests/; SHARDS=n machines at once'
	@echo 'make prove         any close order, death, failure and interleaving, on both kernels (out/proof.json)'
	@echo 'make replay SEED=n VENDOR=v   one seed of its races; OPS=n operations'
	@echo 'make model         the design and its rivals, explored by spin (out/model/)'
	@echo 'make mutants       known mistakes, each built and noticed by a test (out/mutants.json); M="07 12" for some'
	@echo 'make shell         boot to a prompt with the tools in it (FLAVOUR=debug for that kernel)'
	@echo 'make install       libtdi (headers, libraries, tdi.pc), tdi, manual pages, the payload; PREFIX=/usr/local DESTDIR=; make uninstall'
	@echo 'make export        write the mail-ready patch series to out/export/'
	@echo 'make export-test   prove that git am of it gives the assembled tree'
	@echo 'make lint          checkpatch, sparse and W=1 over our files'
	@echo 'make refresh-hooks write patches/ anew from the edits in out/linux'
	@echo 'make rules         write the table of docs/rules anew'
	@echo 'make fetch         get the kernel source (TARBALL=file SHA256=sum for a local one)'
	@echo 'make update        get the newest stable release of the series from the archive'
	@echo 'make kernel, debug, image, assemble, configure: single stages'
	@echo 'make clean         remove out/; make distclean removes the cached source too'
	@echo 'V=1 shows the whole console; TIMEOUT=seconds, ACCEL=tcg|kvm|auto: see scripts/boot'

deps:
	@$S/deps

fetch: deps
	@$S/fetch

update: deps
	@$S/fetch --update

assemble: fetch
	@$S/assemble $(if $(FORCE),--force)

configure: assemble
	@$S/configure base

build kernel: configure
	@$S/build base

debug: assemble
	@$S/configure debug
	@$S/build debug

image: kernel
	@$S/image

run: image
	@$S/run

# The base kernel is the tests' Linux guest.
check: kernel debug
	@$S/image
	@$S/check $(T)

prove: kernel debug
	@$S/image
	@$S/prove $(PART)

replay: debug
	@$S/image
	@$S/prove replay

model: deps
	@$S/model

# a run that was killed has left a mistake in out/linux, which assemble would refuse as an edit
mutants:
	@$S/mutants --put-back
	@$(MAKE) --no-print-directory debug
	@$S/image
	@$S/mutants $(M)

FLAVOUR ?= base
shell: kernel $(if $(filter debug,$(FLAVOUR)),debug)
	@$S/image
	@$S/boot $(FLAVOUR) out/shell shell

# libtdi, with the headers of the assembled kernel that it stands on, the payload, and tdi, which is linked with libtdi
USER = $(MAKE) --no-print-directory O=$(CURDIR)/out/user HDRS=$(CURDIR)/out/headers/include
install: kernel
	@$(USER) -C lib install
	@$(USER) -C guest install
	@$(USER) -C tools install

uninstall:
	@$(USER) -C tools uninstall
	@$(USER) -C guest uninstall
	@$(USER) -C lib uninstall

refresh-hooks:
	@$S/refresh-hooks

# the table of docs/rules/README.md, from tests/programs.list and the pages
rules:
	@python3 $S/rules.py index

export: assemble
	@$S/export

export-test: export
	@$S/export-test

lint: assemble
	@$S/deps lint
	@$S/lint $(T)

clean:
	rm -rf out

distclean: clean
	rm -rf .cache

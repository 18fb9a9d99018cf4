# SPDX-License-Identifier: GPL-2.0
#
# llm.ko, its library, its tools and its tests. The module itself is in Kbuild.
#
#   make [KDIR=DIR]   module, library and tools; KDIR is a kernel's build directory
#   make deps         install what building, testing and the VMs need
#   make demo         a prompt into /dev/llm and the reply, in a virtual machine
#   make check        all tests: check-host, check-uml and check-vm
#   make bench        measure speed and slices, see tools/bench/bench.sh
#   make parity       compare tokens and log-probabilities with llama.cpp's, see tools/parity/
#   make model        train the model in models/ again, see tools/train/
#   make lint         checkpatch, sparse, W=1, cppcheck, kernel-doc, shellcheck

# The running kernel's headers, or the newest that are installed.
newest := $(lastword $(shell ls -d /lib/modules/*/build 2>/dev/null | sort -V))
KDIR ?= $(or $(wildcard /lib/modules/$(shell uname -r)/build),$(newest),/lib/modules/$(shell uname -r)/build)

all: module lib tools

module:
	ln -sf "$$(scripts/build-module.sh $(KDIR))" llm.ko

lib:
	$(MAKE) -C lib

tools: lib
	$(MAKE) -C tools
	$(MAKE) -C tools/random

deps:
	scripts/deps.sh

demo: deps
	scripts/demo.sh

check: deps
	@scripts/check.sh host uml vm

check-host:
	@scripts/check.sh host

check-uml:
	@scripts/check.sh uml

check-vm:
	@scripts/check.sh vm

bench: deps
	@tools/bench/bench.sh

parity: lib tools
	@$(if $(PARITY),,tools/parity/tokens.py)
	@tools/parity/parity.py $(PARITY)

model: deps
	$(MAKE) -C tools/train model

lint: deps
	@scripts/lint.sh

clean:
	rm -rf build llm.ko
	$(MAKE) -C lib clean
	$(MAKE) -C tools clean
	$(MAKE) -C tools/bench clean
	$(MAKE) -C tools/random clean
	$(MAKE) -C tools/train clean
	$(MAKE) -C selftests/host clean
	$(MAKE) -C selftests/fuzz clean

.PHONY: all module lib tools deps demo check check-host check-uml check-vm bench parity model lint clean

# SPDX-License-Identifier: GPL-2.0
# The engine's source files, once for all who build it: Kbuild for the kernel,
# the tools and the host tests for userspace. Names are relative to this folder.

# Integer work only: built like any kernel code.
engine-plain := error tensor image plan verifier kv form step repack ops/table
engine-plain += tokenizer tokenizer_verify spm bpe wordpiece greedy unigram trie fold merging split vocab chat sampler reply request
# Floating point, in the compiler's baseline instruction set.
engine-float := block portable choice scoring pooling
engine-float += $(addprefix ops/,embed angles norm linear rope attend glu gather act route experts mix)
engine-float-flags := -DLLM_FLOAT -ffp-contract=off -fno-math-errno
# Floating point, one instruction set a file; x86-64 only.
engine-x86 := x86/avx2 x86/avx2_attend x86/avx2_blocks x86/avx512 x86/avx512_attend
engine-x86-flags-x86/avx2 := $(engine-float-flags) -mavx2 -mfma -mf16c
engine-x86-flags-x86/avx2_attend := $(engine-x86-flags-x86/avx2)
engine-x86-flags-x86/avx2_blocks := $(engine-x86-flags-x86/avx2)
engine-x86-flags-x86/avx512 := $(engine-x86-flags-x86/avx2) -mavx512f -mavx512bw -mavx512vl \
	-mavx512dq -mavx512vnni
engine-x86-flags-x86/avx512_attend := $(engine-x86-flags-x86/avx512)
# Floating point; only where tests are built.
engine-check := check
# Functions of a table have one shape, whether they need all of it or not.
engine-user-flags := -Wno-unused-parameter

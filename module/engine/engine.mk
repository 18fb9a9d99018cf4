# SPDX-License-Identifier: GPL-2.0
# The engine's source files, once for all who build it: Kbuild for the kernel,
# the tools and the host tests for userspace. Names are relative to this folder.

# Integer work only: built like any kernel code.
engine-plain := error tensor group image plan verifier kv form trial step repack ops/table
engine-plain += tokenizer tokenizer_verify spm bpe wordpiece greedy unigram trie fold merging split vocab chat ranking sampler reply request
# Floating point, in the compiler's baseline instruction set.
engine-float := block kv_layout portable choice scoring pooling
engine-float += $(addprefix ops/,embed angles norm linear rope attend glu gather act convolve scan wkv blend route experts mix softmax)
engine-float-flags := -DLLM_FLOAT -ffp-contract=off -fno-math-errno
# Floating point, one instruction set a file; x86-64 only.
engine-x86-avx2 := $(addprefix x86/,avx2 avx2_attend avx2_blocks avx2_elements avx2_floats avx2_groups avx2_recurrent)
engine-x86-avx512 := $(addprefix x86/,avx512 avx512_attend avx512_floats avx512_groups avx512_k)
engine-x86-avx512bf16 := $(addprefix x86/,avx512bf16 avx512bf16_products)
engine-x86-avxvnni := $(addprefix x86/,avxvnni avxvnni_groups)
engine-x86 := $(engine-x86-avx2) $(engine-x86-avxvnni) $(engine-x86-avx512) \
	$(engine-x86-avx512bf16)
engine-avx2-flags := $(engine-float-flags) -mavx2 -mfma -mf16c
# Tests may take the other encoding, where a processor has only that.
engine-avxvnni-encoding ?= -mavxvnni
engine-avxvnni-flags := $(engine-avx2-flags) $(engine-avxvnni-encoding)
engine-avx512-flags := $(engine-avx2-flags) -mavx512f -mavx512bw -mavx512vl -mavx512dq \
	-mavx512vnni
engine-avx512bf16-flags := $(engine-avx512-flags) -mavx512bf16
$(foreach o,$(engine-x86-avx2),$(eval engine-x86-flags-$(o) := $(engine-avx2-flags)))
$(foreach o,$(engine-x86-avxvnni),$(eval engine-x86-flags-$(o) := $(engine-avxvnni-flags)))
$(foreach o,$(engine-x86-avx512),$(eval engine-x86-flags-$(o) := $(engine-avx512-flags)))
$(foreach o,$(engine-x86-avx512bf16),$(eval engine-x86-flags-$(o) := $(engine-avx512bf16-flags)))
# Floating point; only where tests are built.
engine-check := check
# Functions of a table have one shape, whether they need all of it or not.
engine-user-flags := -Wno-unused-parameter

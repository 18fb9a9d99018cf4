/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef LLMCTL_CHARSMAP_H
#define LLMCTL_CHARSMAP_H

#include "compile.h"

/**
 * compile_charsmap() - adds the replacements that SentencePiece's charsmap makes
 * @c: compilation
 * @bytes: the charsmap: bytes of the units, the units, texts each with a NUL. The
 *	units are a double array (J. Aoe, An Efficient Digital Search Algorithm by
 *	Using a Double-Array Structure, 1989) as darts-clone packs it: the label in
 *	bits 0 to 7, whether a value is below in bit 8, the offset in bits 10 to 30,
 *	times 256 with bit 9; with bit 31, a value: where a text is
 * @length: bytes
 */
void compile_charsmap(struct compile *c, const __u8 *bytes, __u64 length);

#endif /* LLMCTL_CHARSMAP_H */

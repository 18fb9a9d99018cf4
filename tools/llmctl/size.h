/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SIZE_H
#define SIZE_H

#include <linux/types.h>

/**
 * struct size_text - a number for people, such as "1.5 MiB"
 * @text: it
 */
struct size_text {
	char text[24];
};

/** size_bytes() - bytes in powers of 1024. */
struct size_text size_bytes(__u64 bytes);

/** size_count() - a count in powers of 1000, such as "260.0 K". */
struct size_text size_count(__u64 count);

#endif /* SIZE_H */

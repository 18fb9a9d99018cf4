/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's test harness, from KSELFTEST_DIR, with one change: no test may
 * fail for being slow, so a test is only given up after an hour.
 */
#ifndef LLM_TEST_HARNESS_H
#define LLM_TEST_HARNESS_H

#include "kselftest_harness.h"

#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT 3600

#endif /* LLM_TEST_HARNESS_H */

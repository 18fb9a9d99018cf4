// SPDX-License-Identifier: GPL-2.0
#include "counters.h"

struct llm_counters llm_counters;

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LLM_DEBUGFS_H
#define LLM_DEBUGFS_H

/** llm_debugfs_init() - makes the folder llm in debugfs; it may be missing. */
void llm_debugfs_init(void);

/** llm_debugfs_exit() - removes it. */
void llm_debugfs_exit(void);

#endif /* LLM_DEBUGFS_H */

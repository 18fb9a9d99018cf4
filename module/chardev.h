/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LLM_CHARDEV_H
#define LLM_CHARDEV_H

struct llm_letter;
struct llm_mail_reader;
struct llm_session;

/**
 * struct llm_handle - an open file of /dev/llm
 * @session: its session; NULL where it is open for reading mail, or neither for
 *	reading nor for writing
 * @letter: what owns @session where it is open for writing only, else NULL
 * @reader: set where it is open for reading only
 *
 * Constant while the file is open.
 */
struct llm_handle {
	struct llm_session *session;
	struct llm_letter *letter;
	struct llm_mail_reader *reader;
};

/** llm_chardev_init() - makes /dev/llm. Return: 0 or a negative errno. */
int llm_chardev_init(void);

/**
 * llm_chardev_exit() - removes it, drops all mail and waits for the last session
 */
void llm_chardev_exit(void);

#endif /* LLM_CHARDEV_H */

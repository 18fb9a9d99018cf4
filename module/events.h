/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What happens, for those who joined a multicast group. Nothing here fails or
 * sleeps: who can't be told, or can't keep up, misses it and learns that (ENOBUFS).
 */
#ifndef LLM_EVENTS_H
#define LLM_EVENTS_H

#include <linux/types.h>
#include <linux/uidgid.h>

struct llm_job;
struct llm_session;

/** llm_event_model() - a model came (@loaded) or went */
void llm_event_model(const char *name, bool loaded);

/** llm_event_session() - a session came (@opened) or went */
void llm_event_session(const struct llm_session *session, bool opened);

/** llm_event_queued() - a job was submitted */
void llm_event_queued(const struct llm_job *job);

/** llm_event_started() - the first step of a job begins */
void llm_event_started(const struct llm_job *job);

/** llm_event_finished() - a job is over */
void llm_event_finished(const struct llm_job *job);

/** llm_event_refused() - a reply could not be begun, by reason of errno -@code */
void llm_event_refused(const struct llm_session *session, int code);

/** llm_event_memory() - state was refused: @used bytes of @limit are taken */
void llm_event_memory(u64 used, u64 limit);

/** llm_event_token() - @length bytes of the reply of @job were made */
void llm_event_token(const struct llm_job *job, const u8 *bytes, u32 length);

#endif /* LLM_EVENTS_H */

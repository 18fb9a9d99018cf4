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

/**
 * llm_event_model() - tells that a model came or went
 * @name: its name
 * @loaded: whether it came
 */
void llm_event_model(const char *name, bool loaded);

/**
 * llm_event_session() - tells that a session came or went
 * @session: session
 * @opened: whether it came
 */
void llm_event_session(const struct llm_session *session, bool opened);

/**
 * llm_event_queued() - tells that a job was submitted
 * @job: job
 */
void llm_event_queued(const struct llm_job *job);

/**
 * llm_event_started() - tells that the first step of a job begins
 * @job: job
 */
void llm_event_started(const struct llm_job *job);

/**
 * llm_event_finished() - tells that a job is over
 * @job: job
 */
void llm_event_finished(const struct llm_job *job);

/**
 * llm_event_refused() - tells that a reply could not be begun
 * @session: session
 * @code: why, a negative errno
 */
void llm_event_refused(const struct llm_session *session, int code);

/**
 * llm_event_memory() - tells that state was refused
 * @used: bytes that sessions have
 * @limit: bytes they may have
 */
void llm_event_memory(u64 used, u64 limit);

/**
 * llm_event_token() - tells what a job said
 * @job: job
 * @bytes: piece of its reply
 * @length: bytes there
 */
void llm_event_token(const struct llm_job *job, const u8 *bytes, u32 length);

#endif /* LLM_EVENTS_H */

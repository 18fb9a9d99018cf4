/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What commands work on: a session, of the device or of the engine in this
 * process. Both behave as linux/llm.h says, so commands do not ask which.
 */
#ifndef BACKEND_H
#define BACKEND_H

#include "options.h"
#include "report.h"

/**
 * struct backend_choice - which session a command line asks for
 * @host: the engine in this process
 * @model: name of a loaded model, or NULL for the default; with @host its file
 * @kv: what its sessions keep keys and values in, with @host and a GGUF file
 * @form: SIMD form, with @host, or NULL for the fastest
 * @vocabulary: nothing is computed
 * @threads: threads, with @host, or OPTION_UNSET for one a processor
 * @context: positions, or OPTION_UNSET for as many as the model has
 */
struct backend_choice {
	bool host;
	const char *model;
	enum llmctl_kv kv;
	const char *form;
	bool vocabulary;
	__u64 threads;
	__u64 context;
};

struct session;

/**
 * struct session_ops - a kind of session
 *
 * All return 0 or a negative errno unless they say otherwise.
 *
 * @close: ends the session
 * @model: facts of the model
 * @setup: as LLM_IOC_SETUP, but for the model
 * @sampling: as LLM_IOC_SAMPLING
 * @prompt: takes a prompt and begins the reply to it; the reply to the one before was
 *	read to its end
 * @reply: waits for some of the reply; returns bytes, 0 at its end, -EINTR when
 *	interrupted() is or becomes true
 * @cancel: ends the reply early; what was made can still be read, and
 *	interrupted() does not matter any more until the next prompt
 * @status: as LLM_IOC_STATUS
 * @tokenize: as llmctl_tokenize()
 * @detokenize: as llmctl_detokenize()
 * @score: as llmctl_score(); -EINTR when interrupted
 * @embed: as llmctl_embed(); -EINTR when interrupted
 * @together: computes the replies to the prompts of sessions of one kind and model,
 *	at most SESSIONS_TOGETHER, at the same time, and drops them; -EINTR when
 *	interrupted
 */
struct session_ops {
	void (*close)(struct session *session);
	int (*model)(struct session *session, struct llm_model_info *info,
		     struct llmctl_error *error);
	int (*setup)(struct session *session, const struct llm_session_setup *setup,
		     struct llmctl_error *error);
	int (*sampling)(struct session *session, const struct llm_sampling *sampling,
			struct llmctl_error *error);
	int (*prompt)(struct session *session, const void *text, size_t length,
		      struct llmctl_error *error);
	ssize_t (*reply)(struct session *session, void *buffer, size_t size,
			 struct llmctl_error *error);
	int (*cancel)(struct session *session, struct llmctl_error *error);
	int (*status)(struct session *session, struct llm_session_info *status,
		      struct llmctl_error *error);
	int (*tokenize)(struct session *session, const void *text, size_t length,
			__u32 flags, __u32 **tokens, __u32 *count,
			struct llmctl_error *error);
	int (*detokenize)(struct session *session, const __u32 *tokens, __u32 count,
			  __u32 flags, char **text, __u32 *length, __u32 *ends,
			  struct llmctl_error *error);
	int (*score)(struct session *session, const void *text, size_t length,
		     __u32 alternatives, __u32 flags, struct llm_score_entry **entries,
		     __u32 *count, struct llmctl_error *error);
	int (*embed)(struct session *session, const struct llm_text *texts, __u32 pooling,
		     __u32 flags, struct llmctl_embedding *embedding,
		     struct llmctl_error *error);
	int (*together)(struct session **sessions, __u32 count, struct llmctl_error *error);
};

/** SESSIONS_TOGETHER - sessions that can reply together at most. */
#define SESSIONS_TOGETHER 64

/**
 * struct session - one session; its kind puts its own behind this
 * @ops: its kind
 */
struct session {
	const struct session_ops *ops;
};

/**
 * device_session_open() - a session on the device
 * @opened: where the result goes
 * @choice: which; not @host
 * @error: reason of a failure
 *
 * Return: 0 or a negative errno.
 */
int device_session_open(struct session **opened, const struct backend_choice *choice,
			struct llmctl_error *error);

struct host_model;

/**
 * host_session_open() - a session on the engine in this process
 * @opened: where the result goes
 * @model: its model; outlives it
 * @choice: which; @host
 * @error: reason of a failure
 *
 * Return: 0 or a negative errno.
 */
int host_session_open(struct session **opened, struct host_model *model,
		      const struct backend_choice *choice, struct llmctl_error *error);

/** backend_options - which session, for a command line; ended by OPTION_END. */
extern const struct option backend_options[];

/** backend_context_options - how long a context, likewise. */
extern const struct option backend_context_options[];

/** backend_use_host() - sessions are of the engine in this process. */
void backend_use_host(void);

/**
 * backend_check() - whether the options that were parsed go together
 * @vocabulary: whether the command needs of a model nothing but that
 *
 * Return: whether they do; if not the user has been told.
 */
bool backend_check(bool vocabulary);

/**
 * backend_open() - gets ready to open sessions; with --host it loads the model
 * @error: reason of a failure
 *
 * Return: 0 or a negative errno.
 */
int backend_open(struct llmctl_error *error);

/**
 * backend_session() - opens a session
 * @opened: where the result goes
 * @error: reason of a failure
 *
 * Return: 0 or a negative errno.
 */
int backend_session(struct session **opened, struct llmctl_error *error);

/** backend_close() - frees what backend_open() took; all sessions are closed. */
void backend_close(void);

#endif /* BACKEND_H */

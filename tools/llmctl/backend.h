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
 * @form: SIMD form, with @host, or NULL for the fastest
 * @threads: threads, with @host, or OPTION_UNSET for one a processor
 * @context: positions, or OPTION_UNSET for as many as the model has
 */
struct backend_choice {
	bool host;
	const char *model;
	const char *form;
	uint64_t threads;
	uint64_t context;
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
 * @prompt: takes a prompt and begins the reply to it; one for a session
 * @reply: waits for some of the reply; returns bytes, 0 at its end, -EINTR when
 *	interrupted() is or becomes true
 * @cancel: ends the reply early; what was made can still be read, and
 *	interrupted() does not matter any more
 * @status: as LLM_IOC_STATUS
 * @tokenize: as llmctl_tokenize()
 * @detokenize: as llmctl_detokenize()
 * @score: as llmctl_score(), without alternatives; -EINTR when interrupted
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
			uint32_t flags, uint32_t **tokens, uint32_t *count,
			struct llmctl_error *error);
	int (*detokenize)(struct session *session, const uint32_t *tokens, uint32_t count,
			  uint32_t flags, char **text, uint32_t *length,
			  struct llmctl_error *error);
	int (*score)(struct session *session, const void *text, size_t length, uint32_t flags,
		     struct llm_score_entry **entries, uint32_t *count,
		     struct llmctl_error *error);
};

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
 */
int host_session_open(struct session **opened, struct host_model *model,
		      const struct backend_choice *choice, struct llmctl_error *error);

/**
 * struct backend - where sessions come from
 * @choice: what the command line asked for, see backend_choose()
 * @model: loaded model, with @choice.host
 */
struct backend {
	struct backend_choice choice;
	struct host_model *model;
};

/**
 * backend_choose() - completes the choice when the options are parsed
 * @backend: backend
 * @host: the engine in this process
 *
 * Return: whether the options go together; if not the user has been told.
 */
bool backend_choose(struct backend *backend, bool host);

/**
 * backend_open() - gets ready to open sessions; with host it loads the model
 * @backend: backend
 * @error: reason of a failure
 */
int backend_open(struct backend *backend, struct llmctl_error *error);

/**
 * backend_session() - opens a session
 * @backend: backend
 * @opened: where the result goes
 * @error: reason of a failure
 */
int backend_session(struct backend *backend, struct session **opened,
		    struct llmctl_error *error);

/**
 * backend_close() - frees what backend_open() took
 * @backend: backend, all its sessions closed; also one that was not opened
 */
void backend_close(struct backend *backend);

/** BACKEND_OPTIONS - options of commands that work on a session of @b. */
#define BACKEND_OPTIONS(b)								\
	{ OPTION_TEXT, "model", 'm', &(b)->choice.model, 0, 0, NULL, NULL, "MODEL",		\
	  "a loaded model, else the default one;\n"					\
	  "with --host a file, GGUF or image" },					\
	{ OPTION_TEXT, "form", 0, &(b)->choice.form, 0, 0, NULL, NULL, "FORM",		\
	  "with --host: instruction set to use,\n"					\
	  "portable, avx2 or avx512; else the fastest" },					\
	{ OPTION_WHOLE, "threads", 't', &(b)->choice.threads, 1, 256, NULL, NULL, "N",	\
	  "with --host: threads; else one a processor" }

/** BACKEND_CONTEXT_OPTION - option of commands that compute on a session of @b. */
#define BACKEND_CONTEXT_OPTION(b)							\
	{ OPTION_WHOLE, "ctx", 'c', &(b)->choice.context, 1, 1048576, NULL, NULL, "N",	\
	  "positions of the context; else the model's" }

/** BACKEND_INIT - a backend that nothing was chosen for. */
#define BACKEND_INIT { .choice = { .threads = OPTION_UNSET, .context = OPTION_UNSET } }

#endif /* BACKEND_H */

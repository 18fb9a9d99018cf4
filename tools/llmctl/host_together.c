// SPDX-License-Identifier: GPL-2.0
#include "host_session.h"
#include "interrupt.h"

/**
 * struct share - what one session has of a step
 * @rows: its rows
 * @outputs: its outputs
 */
struct share {
	u32 rows;
	u32 outputs;
};

static struct host_session *host_of(struct session *session)
{
	return (struct host_session *)session;
}

static bool is_over(const struct host_session *own)
{
	return !own->begun || own->request.end != LLM_END_NONE;
}

/* Rows of all sessions that fit into one step; whoever has none waits. */
static int form_step(struct session **sessions, u32 count, struct share *shares, u32 *rows,
		     struct llmctl_error *error)
{
	struct llm_step *step = host_of(sessions[0])->step;
	const struct llm_plan *plan = host_of(sessions[0])->model->plan;
	u32 outputs = 0;
	u32 i;

	*rows = 0;
	for (i = 0; i < count; i++) {
		struct host_session *own = host_of(sessions[i]);
		struct llm_row *at = step->rows + *rows;

		shares[i] = (struct share) { 0 };
		if (is_over(own) || *rows == plan->batch_rows || outputs == plan->output_rows)
			continue;
		shares[i].outputs = plan->output_rows - outputs;
		shares[i].rows = llm_request_rows(&own->request, at, plan->batch_rows - *rows,
						  &shares[i].outputs);
		if (llm_kv_reserve(&own->kv, at[shares[i].rows - 1].position + 1))
			return refuse(error, ENOMEM, "not enough memory for the contexts");
		*rows += shares[i].rows;
		outputs += shares[i].outputs;
	}
	return 0;
}

int host_together(struct session **sessions, __u32 count, struct llmctl_error *error)
{
	struct share shares[SESSIONS_TOGETHER];
	struct host_session *first = host_of(sessions[0]);
	u32 rows, i;
	int ret;

	for (;;) {
		if (interrupted())
			return refuse(error, EINTR, "interrupted");
		ret = form_step(sessions, count, shares, &rows, error);
		if (ret || !rows)
			return ret;
		host_pool_run(first->pool, first->step, rows);
		for (i = 0; i < count; i++) {
			struct host_session *own = host_of(sessions[i]);

			if (!shares[i].rows)
				continue;
			llm_request_computed(&own->request, shares[i].rows);
			if (shares[i].outputs)
				host_token(own);
			llm_reply_shown(&own->reply, own->ready);
			own->ready = 0;
		}
	}
}

// SPDX-License-Identifier: GPL-2.0
#include "posted.h"

#include <linux/cred.h>
#include <linux/jiffies.h>
#include <linux/slab.h>
#include <linux/uio.h>
#include <linux/xarray.h>

#include "netlink.h"
#include "port.h"
#include "session.h"
#include "turn.h"
#include "user.h"

/* Room for the attributes of a message, but for bytes. */
#define MESSAGE_SIZE	256
/* Milliseconds that bytes wait for others if nothing else is said. */
#define DEFAULT_WAIT	100

/*
 * Requests by number. Who holds requests_lock can use those it finds: they leave
 * the table before they go. It is taken after the lock of a port.
 */
static DEFINE_MUTEX(requests_lock);
static DEFINE_XARRAY_ALLOC1(requests);
static u32 last_id;

static struct llm_session *session_of(const struct llm_posted *posted)
{
	return posted->owned->session;
}

static void mark_pending(struct llm_posted *posted)
{
	struct llm_port *port = posted->port;
	unsigned long flags;
	bool armed;

	spin_lock_irqsave(&port->pending_lock, flags);
	armed = posted->armed;
	if (armed && list_empty(&posted->pending))
		list_add_tail(&posted->pending, &port->pending);
	spin_unlock_irqrestore(&port->pending_lock, flags);
	if (armed)
		llm_port_has_messages(port);
}

/* Whether there are as many bytes as are wanted at once. */
static bool is_enough(const struct llm_posted *posted)
{
	u32 bytes = posted->posting.bytes;

	return !bytes || llm_turn_ready(session_of(posted), bytes);
}

/* Sends what there is, or lets it wait for more. */
static void look(struct llm_posted *posted)
{
	if (is_enough(posted))
		mark_pending(posted);
	else if (!delayed_work_pending(&posted->timer))
		llm_port_queue(&posted->timer, msecs_to_jiffies(posted->posting.wait_ms));
}

/* Called where the session's readers are woken. */
static int on_wake(wait_queue_entry_t *wait, unsigned int mode, int flags, void *key)
{
	look(container_of(wait, struct llm_posted, wait));
	return 0;
}

static void on_timer(struct work_struct *work)
{
	mark_pending(container_of(to_delayed_work(work), struct llm_posted, timer));
}

static void on_deadline(struct work_struct *work)
{
	struct llm_posted *posted = container_of(to_delayed_work(work), struct llm_posted,
						 deadline);

	WRITE_ONCE(posted->late, true);
	llm_turn_cancel(session_of(posted));
}

struct llm_posted *llm_posted_create(struct llm_port *port, struct llm_owned *owned,
				     const struct llm_posting *posting)
{
	struct llm_posted *posted = kzalloc(sizeof(*posted), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!posted)
		return NULL;
	INIT_LIST_HEAD(&posted->link);
	INIT_LIST_HEAD(&posted->pending);
	posted->port = port;
	posted->owned = owned;
	posted->posting = *posting;
	if (posting->wait_ms && !posting->bytes)
		posted->posting.bytes = U32_MAX;
	if (!posting->wait_ms)
		posted->posting.wait_ms = DEFAULT_WAIT;
	INIT_DELAYED_WORK(&posted->timer, on_timer);
	INIT_DELAYED_WORK(&posted->deadline, on_deadline);
	init_waitqueue_func_entry(&posted->wait, on_wake);
	mutex_lock(&requests_lock);
	ret = xa_alloc_cyclic(&requests, &posted->id, posted, xa_limit_31b, &last_id,
			      GFP_KERNEL_ACCOUNT);
	mutex_unlock(&requests_lock);
	if (ret < 0) {
		kfree(posted);
		return NULL;
	}
	add_wait_queue(session_of(posted)->wait, &posted->wait);
	return posted;
}

void llm_posted_show(struct llm_posted *posted)
{
	WRITE_ONCE(posted->begun, true);
}

void llm_posted_arm(struct llm_posted *posted)
{
	struct llm_port *port = posted->port;

	mutex_lock(&port->lock);
	list_add_tail(&posted->link, &port->requests);
	if (posted->posting.deadline_ms)
		llm_port_queue(&posted->deadline, msecs_to_jiffies(posted->posting.deadline_ms));
	spin_lock_irq(&port->pending_lock);
	posted->armed = true;
	spin_unlock_irq(&port->pending_lock);
	look(posted);
	mutex_unlock(&port->lock);
}

/* Nobody finds it any more; its session stays as it is. */
static void forget(struct llm_posted *posted)
{
	mutex_lock(&requests_lock);
	xa_erase(&requests, posted->id);
	mutex_unlock(&requests_lock);
	cancel_delayed_work_sync(&posted->deadline);
	remove_wait_queue(session_of(posted)->wait, &posted->wait);
	cancel_delayed_work_sync(&posted->timer);
	spin_lock_irq(&posted->port->pending_lock);
	list_del(&posted->pending);
	spin_unlock_irq(&posted->port->pending_lock);
	kfree(posted);
}

void llm_posted_destroy(struct llm_posted *posted)
{
	llm_turn_cancel(session_of(posted));
	forget(posted);
}

void llm_posted_drop_all(struct llm_port *port)
{
	struct llm_posted *posted, *next;

	lockdep_assert_held(&port->lock);
	list_for_each_entry_safe(posted, next, &port->requests, link) {
		list_del(&posted->link);
		/* A reply that is not read to its end leaves its session unusable. */
		posted->owned->busy = false;
		llm_posted_destroy(posted);
	}
}

static int put_counts(struct sk_buff *skb, const struct llm_posted *posted)
{
	const struct llm_job *job = &session_of(posted)->job;

	return nla_put_u32(skb, LLM_A_REQUEST_TOKENS_IN, READ_ONCE(job->tokens_in)) ||
	       nla_put_u32(skb, LLM_A_REQUEST_TOKENS_OUT, READ_ONCE(job->tokens_out)) ||
	       nla_put_u64_64bit(skb, LLM_A_REQUEST_QUEUED_NS, READ_ONCE(job->queued_ns),
				 LLM_A_REQUEST_PAD) ||
	       nla_put_u64_64bit(skb, LLM_A_REQUEST_FIRST_TOKEN_NS,
				 READ_ONCE(job->first_token_ns), LLM_A_REQUEST_PAD) ||
	       nla_put_u64_64bit(skb, LLM_A_REQUEST_CPU_NS, READ_ONCE(job->cpu_ns),
				 LLM_A_REQUEST_PAD);
}

static int put_head(struct sk_buff *skb, const struct llm_posted *posted)
{
	return nla_put_u32(skb, LLM_A_REQUEST_ID, posted->id) ||
	       nla_put_u64_64bit(skb, LLM_A_REQUEST_SESSION, session_of(posted)->id,
				 LLM_A_REQUEST_PAD) ||
	       nla_put_u64_64bit(skb, LLM_A_REQUEST_OFFSET, posted->offset, LLM_A_REQUEST_PAD);
}

/* The draft has room for it: make_room() says so. */
static void put_token(struct llm_posted *posted, u32 length)
{
	struct llm_port *port = posted->port;
	struct sk_buff *draft = port->draft;
	u32 tokens = READ_ONCE(session_of(posted)->job.tokens_out);
	void *header = genlmsg_put(draft, 0, 0, &llm_family, 0, LLM_CMD_TOKEN);

	if (WARN_ON(!header))
		return;
	if (WARN_ON(put_head(draft, posted) ||
		    nla_put_u32(draft, LLM_A_REQUEST_TOKENS_OUT, tokens) ||
		    nla_put(draft, LLM_A_REQUEST_BYTES, length, port->piece)))
		genlmsg_cancel(draft, header);
	else
		genlmsg_end(draft, header);
}

static enum llm_reason reason_of(const struct llm_posted *posted)
{
	enum llm_reason reason = session_of(posted)->reason;

	if (reason == LLM_REASON_CANCELLED && READ_ONCE(posted->late))
		return LLM_REASON_DEADLINE;
	return reason;
}

/* The draft has room for it. */
static void put_done(struct llm_posted *posted)
{
	struct sk_buff *draft = posted->port->draft;
	void *header = genlmsg_put(draft, 0, 0, &llm_family, 0, LLM_CMD_DONE);

	if (WARN_ON(!header))
		return;
	if (WARN_ON(put_head(draft, posted) || put_counts(draft, posted) ||
		    nla_put_u32(draft, LLM_A_REQUEST_REASON, reason_of(posted)) ||
		    nla_put_u64_64bit(draft, LLM_A_REQUEST_SEED, session_of(posted)->seed,
				      LLM_A_REQUEST_PAD)))
		genlmsg_cancel(draft, header);
	else
		genlmsg_end(draft, header);
}

/* For a piece, or for the end of a reply, which is smaller. */
static int make_room(struct llm_port *port)
{
	if (skb_tailroom(port->draft) >= MESSAGE_SIZE + LLM_PORT_PIECE)
		return 0;
	return llm_port_flush(port);
}

/* Takes bytes of the reply. Returns how many, 0 at its end, or -EAGAIN. */
static ssize_t take_piece(struct llm_posted *posted)
{
	struct llm_port *port = posted->port;
	struct kvec vec = { .iov_base = port->piece, .iov_len = sizeof(port->piece) };
	struct iov_iter to;

	iov_iter_kvec(&to, ITER_DEST, &vec, 1, vec.iov_len);
	return llm_turn_read(session_of(posted), &to, true);
}

/* What a piece becomes a message of; the end of the reply is one too. */
static void put_piece(struct llm_posted *posted, u32 length)
{
	struct llm_port *port = posted->port;

	if (!length) {
		WRITE_ONCE(posted->over, true);
		put_done(posted);
		return;
	}
	put_token(posted, length);
	posted->offset += length;
	memzero_explicit(port->piece, length);
}

/* Puts what there is of a reply into the draft, and sends that where it is full. */
static int put_pieces(struct llm_posted *posted)
{
	bool put = false;
	ssize_t length;
	int ret;

	while (!posted->over) {
		/* What came meanwhile may wait for more. */
		if (put && !is_enough(posted)) {
			look(posted);
			return 0;
		}
		ret = make_room(posted->port);
		if (ret)
			return ret;
		length = take_piece(posted);
		if (length < 0)
			return 0;
		put_piece(posted, length);
		put = true;
	}
	return 0;
}

/* The session goes with its request, unless it stays. */
static void finish(struct llm_posted *posted)
{
	struct llm_owned *owned = posted->owned;
	struct llm_port *port = posted->port;

	list_del(&posted->link);
	forget(posted);
	llm_port_finish(port, owned);
}

static struct llm_posted *next_pending(struct llm_port *port)
{
	struct llm_posted *posted;

	spin_lock_irq(&port->pending_lock);
	posted = list_first_entry_or_null(&port->pending, struct llm_posted, pending);
	if (posted)
		list_del_init(&posted->pending);
	spin_unlock_irq(&port->pending_lock);
	return posted;
}

/* It has the first turn again. */
static void put_back(struct llm_posted *posted)
{
	struct llm_port *port = posted->port;

	spin_lock_irq(&port->pending_lock);
	list_move(&posted->pending, &port->pending);
	spin_unlock_irq(&port->pending_lock);
}

int llm_posted_send_all(struct llm_port *port)
{
	struct llm_posted *posted;
	int ret;

	lockdep_assert_held(&port->lock);
	while ((posted = next_pending(port))) {
		ret = put_pieces(posted);
		if (ret) {
			put_back(posted);
			return ret;
		}
		if (posted->over)
			finish(posted);
	}
	/* The last one, or what found no room before. */
	return llm_port_flush(port);
}

/*
 * Who was told that a request is over does not find it any more. One whose reply is
 * being begun is not found yet: nobody is to wait for that with @requests_lock.
 */
static bool may_see(const struct llm_posted *posted, kuid_t uid, bool all)
{
	return READ_ONCE(posted->begun) && !READ_ONCE(posted->over) &&
	       (all || uid_eq(posted->port->user->uid, uid));
}

/* Return: the request a command names, which @requests_lock keeps, or NULL. */
static struct llm_posted *find(struct sk_buff *skb, struct genl_info *info)
{
	struct llm_posted *posted;

	lockdep_assert_held(&requests_lock);
	posted = xa_load(&requests, nla_get_u32(info->attrs[LLM_A_REQUEST_ID]));
	if (posted && may_see(posted, llm_netlink_uid(skb), llm_netlink_admin(skb)))
		return posted;
	llm_netlink_refuse(info, info->attrs[LLM_A_REQUEST_ID],
			   "no request of yours has this number; it may be over", -ENOENT);
	return NULL;
}

int llm_posted_cancel(struct sk_buff *skb, struct genl_info *info)
{
	struct llm_posted *posted;
	int ret = -ENOENT;

	if (!info->attrs[LLM_A_REQUEST_ID])
		return llm_netlink_missing(info, LLM_A_REQUEST_ID, "id says which request");
	mutex_lock(&requests_lock);
	posted = find(skb, info);
	if (posted)
		ret = llm_turn_cancel(session_of(posted));
	mutex_unlock(&requests_lock);
	return ret;
}

static int put_request(struct sk_buff *skb, struct llm_posted *posted, u32 portid, u32 seq,
		       int flags)
{
	struct user_namespace *ns = current_user_ns();
	struct llm_session_info session;
	void *header;

	llm_session_info(session_of(posted), &session);
	header = genlmsg_put(skb, portid, seq, &llm_family, flags, LLM_CMD_REQUEST_GET);
	if (!header)
		return -EMSGSIZE;
	if (put_head(skb, posted) || put_counts(skb, posted) ||
	    nla_put_u32(skb, LLM_A_REQUEST_UID,
			from_kuid_munged(ns, posted->port->user->uid)) ||
	    nla_put_u32(skb, LLM_A_REQUEST_STATE, session.state)) {
		genlmsg_cancel(skb, header);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, header);
	return 0;
}

int llm_posted_get(struct sk_buff *skb, struct genl_info *info)
{
	struct llm_posted *posted;
	struct sk_buff *reply;
	int ret = -ENOENT;

	if (!info->attrs[LLM_A_REQUEST_ID])
		return llm_netlink_missing(info, LLM_A_REQUEST_ID, "id says which request");
	reply = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!reply)
		return -ENOMEM;
	mutex_lock(&requests_lock);
	posted = find(skb, info);
	if (posted)
		ret = put_request(reply, posted, info->snd_portid, info->snd_seq, 0);
	mutex_unlock(&requests_lock);
	if (!ret)
		return genlmsg_reply(reply, info);
	nlmsg_free(reply);
	return ret;
}

/* Goes on after the number it came to, whatever came and went meanwhile. */
int llm_posted_dump(struct sk_buff *skb, struct netlink_callback *callback)
{
	kuid_t uid = llm_netlink_uid(callback->skb);
	bool all = llm_netlink_admin(callback->skb);
	unsigned long id = callback->args[0];
	struct llm_posted *posted;
	int ret = 0;

	mutex_lock(&requests_lock);
	xa_for_each_start(&requests, id, posted, id) {
		if (may_see(posted, uid, all))
			ret = put_request(skb, posted, NETLINK_CB(callback->skb).portid,
					  callback->nlh->nlmsg_seq, NLM_F_MULTI);
		if (ret)
			break;
		callback->args[0] = id + 1;
	}
	mutex_unlock(&requests_lock);
	return skb->len;
}

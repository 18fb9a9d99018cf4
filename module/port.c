// SPDX-License-Identifier: GPL-2.0
#include "port.h"

#include <linux/cred.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/moduleparam.h>
#include <linux/netlink.h>
#include <linux/notifier.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/user_namespace.h>
#include <net/sock.h>

#include "agent.h"
#include "netlink.h"
#include "posted.h"
#include "publish.h"
#include "session.h"
#include "user.h"

static unsigned int reader_timeout = 30;
module_param(reader_timeout, uint, 0644);
MODULE_PARM_DESC(reader_timeout,
		 "seconds a netlink socket without room is waited for (default 30)");

#define MAX_BACKOFF	msecs_to_jiffies(50)

/* Protects ports. Not held together with the lock of one. */
static DEFINE_MUTEX(ports_lock);
static LIST_HEAD(ports);
/*
 * Sends one socket's messages after the other's: a thread for each would wake up for a
 * message or two. What sessions that subscribed do takes longer and is done beside.
 */
static struct workqueue_struct *port_work;
static struct workqueue_struct *agent_work;

static struct llm_port *find_port(const struct sock *sock)
{
	struct llm_port *port;

	lockdep_assert_held(&ports_lock);
	list_for_each_entry(port, &ports, link)
		if (port->sock == sock)
			return port;
	return NULL;
}

/*
 * A socket that is being closed loses its number before the family learns of it, and
 * another, of whomever, may have that at once.
 */
static bool is_closing(const struct llm_port *port)
{
	return sock_flag(port->sock, SOCK_DEAD);
}

static struct llm_port *find_number(const struct net *net, u32 id, bool closing)
{
	struct llm_port *port;

	lockdep_assert_held(&ports_lock);
	list_for_each_entry(port, &ports, link)
		if (port->id == id && sock_net(port->sock) == net && is_closing(port) == closing)
			return port;
	return NULL;
}

static void close_owned(struct llm_owned *owned)
{
	list_del(&owned->link);
	llm_session_put(owned->session);
	kfree(owned);
}

static void close_opened(struct llm_opened *opened)
{
	list_del(&opened->link);
	llm_topic_put(opened->topic);
	kfree(opened);
}

/* Ends what a socket has with topics. */
static void drain_topics(struct llm_port *port)
{
	struct llm_opened *opened, *next;

	llm_agent_drop_all(port);
	llm_inbox_leave(&port->inbox, NULL);
	llm_message_put(port->unsent.message);
	port->unsent.message = NULL;
	list_for_each_entry_safe(opened, next, &port->opened, link)
		close_opened(opened);
}

/* A reply is for its reader alone. */
static void empty_draft(struct llm_port *port)
{
	memzero_explicit(port->draft->data, port->draft->len);
	skb_trim(port->draft, 0);
}

/* Ends what a socket has; nobody is told. */
static void drain(struct llm_port *port)
{
	struct llm_owned *owned, *next;

	lockdep_assert_held(&port->lock);
	llm_posted_drop_all(port);
	drain_topics(port);
	empty_draft(port);
	list_for_each_entry_safe(owned, next, &port->sessions, link) {
		/* A command that is being run gives it back. */
		if (owned->busy)
			owned->keep = false;
		else
			close_owned(owned);
	}
}

static void set_blocked(struct llm_port *port, bool blocked)
{
	if (blocked && !port->blocked) {
		port->blocked_since = jiffies;
		port->backoff = 1;
	}
	WRITE_ONCE(port->blocked, blocked);
}

static void wait_for_reader(struct llm_port *port)
{
	unsigned long limit = (unsigned long)READ_ONCE(reader_timeout) * HZ;

	set_blocked(port, true);
	if (time_after(jiffies, port->blocked_since + limit)) {
		drain(port);
		set_blocked(port, false);
		port->sock->sk_err = ENOBUFS;
		sk_error_report(port->sock);
		return;
	}
	llm_port_queue(&port->work, port->backoff);
	port->backoff = min(port->backoff * 2, MAX_BACKOFF);
}

/* Returns -EAGAIN where there is more to send than the socket has room for. */
static int send_all(struct llm_port *port)
{
	int ret = llm_posted_send_all(port);

	if (!ret)
		ret = llm_publish_send_all(port);
	return ret ?: llm_agent_tell_all(port);
}

static void work_on_agents(struct work_struct *work)
{
	struct llm_port *port = container_of(work, struct llm_port, agent_work);

	mutex_lock(&port->lock);
	llm_agent_run_all(port);
	mutex_unlock(&port->lock);
}

static void work_on_port(struct work_struct *work)
{
	struct llm_port *port = container_of(to_delayed_work(work), struct llm_port, work);
	bool closed;

	mutex_lock(&port->lock);
	closed = port->closed;
	if (closed)
		drain(port);
	else if (send_all(port))
		wait_for_reader(port);
	else
		set_blocked(port, false);
	mutex_unlock(&port->lock);
	if (!closed)
		return;
	/* Nothing queues these any more, but something may have before. */
	cancel_work_sync(&port->agent_work);
	cancel_delayed_work(&port->work);
	/* That of the socket. */
	llm_port_put(port);
}

/* A text came for the socket. */
static void on_arrival(struct llm_inbox *inbox)
{
	llm_port_has_messages(container_of(inbox, struct llm_port, inbox));
}

static struct llm_port *allocate(kuid_t uid)
{
	struct llm_port *port = kzalloc(sizeof(*port), GFP_KERNEL_ACCOUNT);

	if (!port)
		return NULL;
	port->draft = nlmsg_new(NLMSG_DEFAULT_SIZE, GFP_KERNEL_ACCOUNT);
	port->user = llm_user_get(uid);
	if (port->draft && port->user)
		return port;
	llm_user_put(port->user);
	nlmsg_free(port->draft);
	kfree(port);
	return NULL;
}

static struct llm_port *create_port(struct sk_buff *skb, u32 id)
{
	struct llm_port *port;

	if (!try_module_get(THIS_MODULE))
		return ERR_PTR(-ENODEV);
	port = allocate(llm_netlink_uid(skb));
	if (!port) {
		module_put(THIS_MODULE);
		return ERR_PTR(-ENOMEM);
	}
	refcount_set(&port->references, 1);
	port->sock = NETLINK_CB(skb).sk;
	sock_hold(port->sock);
	port->id = id;
	port->user_ns = get_user_ns(llm_netlink_user_ns(skb));
	INIT_DELAYED_WORK(&port->work, work_on_port);
	INIT_WORK(&port->agent_work, work_on_agents);
	llm_inbox_init(&port->inbox, port->user, 0, on_arrival);
	mutex_init(&port->lock);
	INIT_LIST_HEAD(&port->sessions);
	INIT_LIST_HEAD(&port->requests);
	INIT_LIST_HEAD(&port->agents);
	INIT_LIST_HEAD(&port->opened);
	spin_lock_init(&port->pending_lock);
	INIT_LIST_HEAD(&port->pending);
	list_add(&port->link, &ports);
	return port;
}

/* The sender's socket can't be closed meanwhile. */
struct llm_port *llm_port_get(struct sk_buff *skb, struct genl_info *info)
{
	struct llm_port *port;

	mutex_lock(&ports_lock);
	port = find_port(NETLINK_CB(skb).sk);
	if (!port)
		port = create_port(skb, info->snd_portid);
	if (!IS_ERR(port))
		refcount_inc(&port->references);
	mutex_unlock(&ports_lock);
	if (IS_ERR(port))
		NL_SET_ERR_MSG(info->extack, "no memory for what the socket has");
	return port;
}

void llm_port_put(struct llm_port *port)
{
	if (!refcount_dec_and_test(&port->references))
		return;
	WARN_ON(!list_empty(&port->sessions) || !list_empty(&port->requests));
	sock_put(port->sock);
	put_user_ns(port->user_ns);
	llm_user_put(port->user);
	nlmsg_free(port->draft);
	mutex_destroy(&port->lock);
	kfree(port);
	/* Who unloads the module waits for the notifier and for the work. */
	module_put(THIS_MODULE);
}

struct llm_owned *llm_port_add(struct llm_port *port, struct llm_session *session, bool busy,
			       bool keep)
{
	struct llm_owned *owned = kmalloc(sizeof(*owned), GFP_KERNEL_ACCOUNT);

	if (!owned)
		return NULL;
	owned->session = session;
	owned->busy = busy;
	owned->keep = keep;
	mutex_lock(&port->lock);
	list_add_tail(&owned->link, &port->sessions);
	mutex_unlock(&port->lock);
	return owned;
}

struct llm_owned *llm_port_claim_locked(struct llm_port *port, u64 id)
{
	struct llm_owned *owned;

	lockdep_assert_held(&port->lock);
	list_for_each_entry(owned, &port->sessions, link) {
		if (owned->session->id != id)
			continue;
		if (owned->busy)
			return ERR_PTR(-EBUSY);
		owned->busy = true;
		return owned;
	}
	return ERR_PTR(-ENOENT);
}

struct llm_owned *llm_port_claim(struct llm_port *port, u64 id)
{
	struct llm_owned *owned;

	mutex_lock(&port->lock);
	owned = llm_port_claim_locked(port, id);
	mutex_unlock(&port->lock);
	return owned;
}

void llm_port_finish(struct llm_port *port, struct llm_owned *owned)
{
	lockdep_assert_held(&port->lock);
	owned->busy = false;
	if (!owned->keep)
		close_owned(owned);
}

void llm_port_release(struct llm_port *port, struct llm_owned *owned, bool keep)
{
	mutex_lock(&port->lock);
	owned->keep = keep;
	llm_port_finish(port, owned);
	mutex_unlock(&port->lock);
}

static struct llm_opened *find_opened(struct llm_port *port, const struct llm_topic *topic)
{
	struct llm_opened *opened;

	list_for_each_entry(opened, &port->opened, link)
		if (opened->topic == topic)
			return opened;
	return NULL;
}

int llm_port_opened(struct llm_port *port, struct llm_topic *topic)
{
	struct llm_opened *opened = kmalloc(sizeof(*opened), GFP_KERNEL_ACCOUNT);

	if (!opened)
		return -ENOMEM;
	mutex_lock(&port->lock);
	if (!find_opened(port, topic)) {
		opened->topic = llm_topic_hold(topic);
		list_add_tail(&opened->link, &port->opened);
		opened = NULL;
	}
	mutex_unlock(&port->lock);
	kfree(opened);
	return 0;
}

bool llm_port_forget(struct llm_port *port, const struct llm_topic *topic)
{
	struct llm_opened *opened = find_opened(port, topic);

	lockdep_assert_held(&port->lock);
	if (opened)
		close_opened(opened);
	return opened;
}

static bool same_user(const struct llm_port *port, const struct llm_port *other)
{
	return uid_eq(port->user->uid, other->user->uid);
}

/* The port of another socket of the same user and network namespace, or NULL. */
static struct llm_port *get_other(const struct llm_port *port, u32 id)
{
	struct llm_port *other;

	mutex_lock(&ports_lock);
	other = find_number(sock_net(port->sock), id, false);
	if (other && same_user(port, other))
		refcount_inc(&other->references);
	else
		other = NULL;
	mutex_unlock(&ports_lock);
	return other;
}

/* Returns whether the socket was there still. */
static bool take_over(struct llm_port *port, struct llm_owned *owned)
{
	bool open;

	mutex_lock(&port->lock);
	open = !port->closed;
	if (open) {
		owned->busy = false;
		list_add_tail(&owned->link, &port->sessions);
	}
	mutex_unlock(&port->lock);
	return open;
}

int llm_port_give(struct llm_port *port, struct llm_owned *owned, u32 id)
{
	struct llm_port *other = get_other(port, id);
	bool given;

	if (!other) {
		llm_port_release(port, owned, true);
		return -ENOENT;
	}
	mutex_lock(&port->lock);
	list_del(&owned->link);
	mutex_unlock(&port->lock);
	given = take_over(other, owned);
	/* The sender's own socket is there as long as the command is run. */
	if (!given)
		take_over(port, owned);
	llm_port_put(other);
	return given ? 0 : -ENOENT;
}

/* A quarter of the socket's room is left for the answers to commands. */
static bool has_room(const struct sock *sock, const struct sk_buff *skb)
{
	u32 used = atomic_read(&sock->sk_rmem_alloc);
	u32 room = READ_ONCE(sock->sk_rcvbuf);

	return !used || used + skb->truesize <= room - room / 4;
}

int llm_port_send(struct llm_port *port, struct sk_buff *skb)
{
	bool gone = is_closing(port);
	int ret;

	if (gone || !has_room(port->sock, skb)) {
		nlmsg_free(skb);
		return gone ? 0 : -EAGAIN;
	}
	ret = genlmsg_unicast(sock_net(port->sock), skb, port->id);
	if (ret == -EAGAIN)
		return ret;
	set_blocked(port, false);
	return 0;
}

int llm_port_flush(struct llm_port *port)
{
	struct sk_buff *draft = port->draft;
	struct sk_buff *skb;
	int ret;

	lockdep_assert_held(&port->lock);
	if (!draft->len)
		return 0;
	/* Without memory for it the socket is as good as full. */
	skb = alloc_skb(draft->len, GFP_KERNEL);
	if (!skb)
		return -EAGAIN;
	skb_put_data(skb, draft->data, draft->len);
	ret = llm_port_send(port, skb);
	if (!ret)
		empty_draft(port);
	return ret;
}

void llm_port_has_messages(struct llm_port *port)
{
	if (!READ_ONCE(port->blocked))
		queue_delayed_work(port_work, &port->work, 0);
}

void llm_port_has_agents(struct llm_port *port)
{
	queue_work(agent_work, &port->agent_work);
}

void llm_port_queue(struct delayed_work *work, unsigned long delay)
{
	mod_delayed_work(port_work, work, delay);
}

static int on_netlink(struct notifier_block *block, unsigned long event, void *data)
{
	const struct netlink_notify *notify = data;
	struct llm_port *port;

	if (event != NETLINK_URELEASE || notify->protocol != NETLINK_GENERIC)
		return NOTIFY_DONE;
	mutex_lock(&ports_lock);
	port = find_number(notify->net, notify->portid, true);
	if (port) {
		list_del(&port->link);
		/* The work gives the port back as soon as it sees that it is closed. */
		refcount_inc(&port->references);
	}
	mutex_unlock(&ports_lock);
	if (!port)
		return NOTIFY_DONE;
	mutex_lock(&port->lock);
	port->closed = true;
	llm_port_queue(&port->work, 0);
	mutex_unlock(&port->lock);
	llm_port_put(port);
	return NOTIFY_DONE;
}

static void destroy_work(void)
{
	if (port_work)
		destroy_workqueue(port_work);
	if (agent_work)
		destroy_workqueue(agent_work);
}

static struct notifier_block notifier = { .notifier_call = on_netlink };

int llm_port_init(void)
{
	int ret = -ENOMEM;

	port_work = alloc_workqueue("llm_netlink", WQ_UNBOUND, 1);
	agent_work = alloc_workqueue("llm_agents", WQ_UNBOUND, 0);
	if (port_work && agent_work)
		ret = netlink_register_notifier(&notifier);
	if (ret)
		destroy_work();
	return ret;
}

void llm_port_exit(void)
{
	netlink_unregister_notifier(&notifier);
	destroy_work();
}

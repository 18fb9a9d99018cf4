// SPDX-License-Identifier: GPL-2.0
/* Things that end while others need them: files, processes, models, the module. */
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>

#include "device.h"
#include "harness.h"

#define MODEL "lifetime"
#define PROMPT "the ships"
#define TOKENS 4
#define ROOM 65536

/**
 * struct scene - what the tests play with
 * @image: model
 * @prompt: a long prompt
 * @wanted: reply to the short one
 * @reply: room for replies
 */
struct scene {
	struct device_image image;
	char prompt[DEVICE_LONG];
	char wanted[ROOM];
	char reply[ROOM];
};

FIXTURE(lifetime)
{
	struct scene scene;
};

FIXTURE_SETUP(lifetime)
{
	int fd;

	device_image_make_slow(&self->scene.image);
	device_prompt_long(self->scene.prompt);
	ASSERT_EQ(0, device_load(MODEL, &self->scene.image, LLM_SEAL_DEFAULT));
	fd = device_session(MODEL, &self->scene.image, TOKENS);
	ASSERT_LE(0, fd);
	ASSERT_LT(0, device_ask(fd, PROMPT, self->scene.wanted, ROOM));
	ASSERT_EQ(0, close(fd));
}

FIXTURE_TEARDOWN_PARENT(lifetime)
{
	EXPECT_EQ(0, device_unload_soon(MODEL));
}

/* Whether all is as it should be after something was ended by force. */
static bool works(struct scene *scene)
{
	int fd = device_session(MODEL, &scene->image, TOKENS);
	bool right;

	if (fd < 0)
		return false;
	right = device_ask(fd, PROMPT, scene->reply, ROOM) > 0 &&
		!strcmp(scene->wanted, scene->reply);
	close(fd);
	return right;
}

/* Whether a process's session is gone, soon. */
static bool session_ends(pid_t pid)
{
	struct llm_session_info info;

	for (int i = 0; i < 3000; i++) {
		if (!device_find_session(pid, &info))
			return true;
		device_pause(10);
	}
	return false;
}

TEST_F(lifetime, close_while_generating)
{
	for (int i = 0; i < 20; i++) {
		int fd = device_session(MODEL, &self->scene.image, 0);

		ASSERT_LE(0, fd);
		ASSERT_EQ(0, device_write(fd, i % 2 ? PROMPT : self->scene.prompt));
		ASSERT_EQ(0, device_start(fd));
		device_pause(i);
		ASSERT_EQ(0, close(fd));
	}
	EXPECT_TRUE(session_ends(getpid()));
	EXPECT_TRUE(works(&self->scene));
}

TEST_F(lifetime, unload_while_used)
{
	int fd = device_session(MODEL, &self->scene.image, TOKENS);

	ASSERT_LE(0, fd);
	EXPECT_EQ(-EBUSY, device_unload(MODEL)) TH_LOG("a session that has said nothing yet");
	ASSERT_EQ(0, device_write(fd, self->scene.prompt));
	ASSERT_EQ(0, device_start(fd));
	EXPECT_EQ(-EBUSY, device_unload(MODEL)) TH_LOG("a reply is under way");
	ASSERT_LT(0, device_read(fd, self->scene.reply, ROOM, ROOM));
	EXPECT_EQ(-EBUSY, device_unload(MODEL)) TH_LOG("the conversation can go on");
	ASSERT_EQ(0, close(fd));
	EXPECT_EQ(0, device_unload_soon(MODEL));
	EXPECT_EQ(-ENOENT, device_unload(MODEL));
	ASSERT_EQ(0, device_load(MODEL, &self->scene.image, LLM_SEAL_DEFAULT));
	EXPECT_TRUE(works(&self->scene));
}

/* Posts a letter that takes a while. */
static int post(const struct scene *scene)
{
	int fd = device_open(O_WRONLY);

	if (fd < 0 || device_model(fd, MODEL) || device_max_tokens(fd, TOKENS) ||
	    device_write(fd, scene->prompt))
		return -1;
	return close(fd);
}

/* Reads the mail there is. Returns its bytes, or a negative errno. */
static ssize_t read_mail(struct scene *scene)
{
	int fd = device_open(O_RDONLY);
	ssize_t got = fd < 0 ? fd : device_read(fd, scene->reply, ROOM, ROOM);

	if (fd >= 0)
		close(fd);
	return got;
}

/* So often something is begun again that was over before it could be looked at. */
#define TRIES 100

/* A letter is under way although no file is open. */
TEST_F(lifetime, unload_while_a_letter_is_under_way)
{
	int error = 0;

	for (int i = 0; i < TRIES && !error; i++) {
		ASSERT_EQ(0, post(&self->scene));
		error = device_unload(MODEL);
		if (error)
			EXPECT_EQ(0, device_unload_soon(MODEL))
				TH_LOG("the letter was answered long ago");
		EXPECT_LT(0, read_mail(&self->scene)) TH_LOG("its reply is gone");
		ASSERT_EQ(0, device_load(MODEL, &self->scene.image, LLM_SEAL_DEFAULT));
	}
	EXPECT_EQ(-EBUSY, error);
}

/* A process that says when it has begun, does something, and never ends. */
static pid_t begin(void (*what)(struct scene *scene, int fd),
		   struct scene *scene)
{
	pid_t child = fork();
	int fd;

	if (child)
		return child;
	fd = device_session(MODEL, &scene->image, 0);
	if (fd < 0)
		_exit(1);
	what(scene, fd);
	for (;;)
		pause();
}

static void start_long_prompt(struct scene *scene, int fd)
{
	if (device_write(fd, scene->prompt) || device_start(fd))
		_exit(1);
}

static void start_short_prompt(struct scene *scene, int fd)
{
	(void)scene;
	if (device_write(fd, PROMPT) || device_start(fd))
		_exit(1);
}

static void write_only(struct scene *scene, int fd)
{
	(void)scene;
	if (device_write(fd, PROMPT))
		_exit(1);
}

static void read_long_reply(struct scene *scene, int fd)
{
	if (device_write(fd, scene->prompt))
		_exit(1);
	device_read(fd, scene->reply, ROOM, ROOM);
	_exit(1);
}

static void make_short_reply(struct scene *scene, int fd)
{
	if (device_max_tokens(fd, TOKENS))
		_exit(1);
	start_short_prompt(scene, fd);
}

/* Whether a child has ended; it can still be waited for. */
static bool has_ended(pid_t child)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, child, &info, WEXITED | WNOHANG | WNOWAIT) || info.si_pid == child;
}

/*
 * Kills a process when its session is in a state; begins again where that has
 * passed already. Returns whether it was seen there.
 */
static bool kill_in(struct scene *scene, enum llm_state state,
		    void (*what)(struct scene *scene, int fd))
{
	struct llm_session_info info;
	bool seen = false;

	for (int i = 0; i < TRIES && !seen; i++) {
		pid_t child = begin(what, scene);
		bool passed = false;

		while (!seen && !passed && !has_ended(child)) {
			bool found = device_find_session(child, &info);

			seen = found && info.state == state;
			passed = found && info.state > state;
		}
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		if (!session_ends(child))
			return false;
	}
	return seen;
}

TEST_F(lifetime, killed_while_idle)
{
	EXPECT_TRUE(kill_in(&self->scene, LLM_STATE_IDLE, write_only));
	EXPECT_TRUE(works(&self->scene));
}

TEST_F(lifetime, killed_while_queued)
{
	int busy[16];

	for (size_t i = 0; i < ARRAY_SIZE(busy); i++) {
		busy[i] = device_session(MODEL, &self->scene.image, 0);
		ASSERT_LE(0, busy[i]);
		ASSERT_EQ(0, device_write(busy[i], self->scene.prompt));
		ASSERT_EQ(0, device_start(busy[i]));
	}
	EXPECT_TRUE(kill_in(&self->scene, LLM_STATE_QUEUED, start_long_prompt));
	for (size_t i = 0; i < ARRAY_SIZE(busy); i++)
		close(busy[i]);
	EXPECT_TRUE(works(&self->scene));
}

TEST_F(lifetime, killed_while_computing_the_prompt)
{
	EXPECT_TRUE(kill_in(&self->scene, LLM_STATE_PROMPT, start_long_prompt));
	EXPECT_TRUE(works(&self->scene));
}

TEST_F(lifetime, killed_while_replying)
{
	EXPECT_TRUE(kill_in(&self->scene, LLM_STATE_REPLY, start_short_prompt));
	EXPECT_TRUE(works(&self->scene));
}

TEST_F(lifetime, killed_with_an_unread_reply)
{
	EXPECT_TRUE(kill_in(&self->scene, LLM_STATE_DONE, make_short_reply));
	EXPECT_TRUE(works(&self->scene));
}

TEST_F(lifetime, killed_in_a_blocked_read)
{
	EXPECT_TRUE(kill_in(&self->scene, LLM_STATE_PROMPT, read_long_reply));
	EXPECT_TRUE(works(&self->scene));
}

/*
 * Begins something that shows as one more request, kills it then; begins again where it
 * has ended by itself. Returns whether it was killed.
 */
static bool kill_in_request(struct scene *scene,
			    void (*what)(struct scene *scene, int fd))
{
	bool killed = false;

	for (int i = 0; i < TRIES && !killed; i++) {
		__u64 before = device_info().requests;
		pid_t child = begin(what, scene);
		int status = 0;

		while (device_info().requests == before && !has_ended(child))
			;
		kill(child, SIGKILL);
		waitpid(child, &status, 0);
		killed = WIFSIGNALED(status);
		if (!session_ends(child))
			return false;
	}
	return killed;
}

static void score_long_text(struct scene *scene, int fd)
{
	static struct llm_score_entry entries[DEVICE_LONG];
	struct llm_score score = {
		.text = (uintptr_t)scene->prompt,
		.text_length = strlen(scene->prompt),
		.entries = (uintptr_t)entries,
		.entries_count = DEVICE_LONG,
	};

	device_ioctl(fd, LLM_IOC_SCORE, &score);
	_exit(1);
}

TEST_F(lifetime, killed_while_scoring)
{
	EXPECT_TRUE(kill_in_request(&self->scene, score_long_text));
	EXPECT_TRUE(works(&self->scene));
}

static void embed_long_text(struct scene *scene, int fd)
{
	static __s32 vector[4096];
	struct llm_embed embed = {
		.text = (uintptr_t)scene->prompt,
		.text_length = strlen(scene->prompt),
		.vectors = (uintptr_t)vector,
		.vectors_count = ARRAY_SIZE(vector),
	};

	device_ioctl(fd, LLM_IOC_EMBED, &embed);
	_exit(1);
}

TEST_F(lifetime, killed_while_embedding)
{
	EXPECT_TRUE(kill_in_request(&self->scene, embed_long_text));
	EXPECT_TRUE(works(&self->scene));
}

/* Microseconds that loading a model takes here. */
static long long time_loading(struct scene *scene)
{
	struct timespec before;
	struct timespec after;

	clock_gettime(CLOCK_MONOTONIC, &before);
	if (device_load("lifetime-other", &scene->image, 0))
		return -1;
	clock_gettime(CLOCK_MONOTONIC, &after);
	if (device_unload_soon("lifetime-other"))
		return -1;
	return (after.tv_sec - before.tv_sec) * 1000000LL + (after.tv_nsec - before.tv_nsec) / 1000;
}

/* From before it begins until after it has ended: it comes to be, or there is no trace. */
TEST_F(lifetime, killed_while_loading)
{
	const int times = device_is_slow() ? 10 : 50;
	long long duration = time_loading(&self->scene);
	struct llm_model_info info;
	int sealed = 0;

	ASSERT_LE(0, duration);
	for (int i = 0; i < times; i++) {
		pid_t child = fork();
		int error;

		ASSERT_LE(0, child);
		if (!child)
			_exit(!!device_load("lifetime-other", &self->scene.image, 0));
		usleep(2 * duration * i / times);
		kill(child, SIGKILL);
		ASSERT_EQ(child, waitpid(child, NULL, 0));
		sealed += device_find_model("lifetime-other", &info);
		error = device_unload_soon("lifetime-other");
		EXPECT_TRUE(!error || error == -ENOENT);
	}
	printf("# %d of %d models came to be\n", sealed, times);
	EXPECT_TRUE(works(&self->scene));
}

/* Posts a letter and waits for its reply. */
static void wait_for_mail(struct scene *scene, int fd)
{
	close(fd);
	if (!post(scene))
		read_mail(scene);
	_exit(1);
}

/* Kills who waits for mail. Returns whether that was before there was anything to read. */
static bool kill_waiting_for_mail(struct scene *scene)
{
	__u64 before = device_info().requests;
	pid_t child = begin(wait_for_mail, scene);
	struct llm_session_info info;
	int status = 0;

	while ((device_info().requests == before || !device_sleeps(child)) && !has_ended(child))
		;
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	return WIFSIGNALED(status) && device_find_session(child, &info) &&
	       info.state <= LLM_STATE_PROMPT;
}

TEST_F(lifetime, killed_while_waiting_for_mail)
{
	bool waited = false;
	ssize_t got;

	for (int i = 0; i < TRIES && !waited; i++) {
		waited = kill_waiting_for_mail(&self->scene);
		got = read_mail(&self->scene);
		ASSERT_LE(0, got);
		if (waited)
			EXPECT_LT(0, got) TH_LOG("the reply died with who waited for it");
	}
	EXPECT_TRUE(waited);
	EXPECT_TRUE(works(&self->scene));
}

TEST_F(lifetime, killed_with_a_buffer)
{
	struct llm_model_info info;
	int ends[2];
	pid_t child;
	char byte;

	ASSERT_EQ(0, pipe(ends));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		int buffer = device_create("lifetime-buffer", self->scene.image.size);
		void *map = mmap(NULL, self->scene.image.size, PROT_READ | PROT_WRITE, MAP_SHARED,
				 buffer, 0);

		memcpy(map, self->scene.image.bytes, self->scene.image.size);
		if (write(ends[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	ASSERT_EQ(1, read(ends[0], &byte, 1));
	ASSERT_EQ(0, kill(child, SIGKILL));
	ASSERT_EQ(child, waitpid(child, NULL, 0));
	EXPECT_FALSE(device_find_model("lifetime-buffer", &info));
	EXPECT_TRUE(works(&self->scene));
}

/* At any moment at all, not only at those that have a name. */
TEST_F(lifetime, killed_at_any_time)
{
	void (*what[])(struct scene *scene, int fd) = {
		start_long_prompt, start_short_prompt, read_long_reply, score_long_text,
		embed_long_text,
	};

	for (int i = 0; i < (device_is_slow() ? 12 : 100); i++) {
		pid_t child = begin(what[i % ARRAY_SIZE(what)], &self->scene);

		ASSERT_LE(0, child);
		device_pause(i * 7 % 23);
		ASSERT_EQ(0, kill(child, SIGKILL));
		ASSERT_EQ(child, waitpid(child, NULL, 0));
	}
	EXPECT_TRUE(works(&self->scene));
}

static int remove_module(void)
{
	return syscall(SYS_delete_module, "llm", O_NONBLOCK) ? -errno : 0;
}

/* Each by itself: any of them is enough. */
TEST_F(lifetime, module_stays_while_used)
{
	static const int modes[] = { O_RDWR, O_RDONLY, O_WRONLY };
	void *map;
	int fd;

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		fd = device_open(modes[i]);
		ASSERT_LE(0, fd);
		ASSERT_EQ(-EAGAIN, remove_module()) TH_LOG("a file is open, mode %zu", i);
		ASSERT_EQ(0, close(fd));
	}
	fd = device_create("lifetime-buffer", 4096);
	ASSERT_LE(0, fd);
	ASSERT_EQ(-EAGAIN, remove_module()) TH_LOG("a buffer is open");
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, map);
	ASSERT_EQ(0, close(fd));
	ASSERT_EQ(-EAGAIN, remove_module()) TH_LOG("a buffer is mapped");
	ASSERT_EQ(0, munmap(map, 4096));
	EXPECT_TRUE(works(&self->scene));
}

TEST_HARNESS_MAIN

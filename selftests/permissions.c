// SPDX-License-Identifier: GPL-2.0
/* Who may do what: the file's mode, the administrator's ioctls, others' sessions. */
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "device.h"
#include "harness.h"

#define MODEL "permissions"
#define ROOM 16384
#define ALICE 4711
#define BOB 4712
#define GROUP 4713

FIXTURE(permissions)
{
	struct device_image image;
	struct stat before;
	char reply[ROOM];
};

/* The device belongs to a group that Alice and Bob are in. */
FIXTURE_SETUP(permissions)
{
	ASSERT_EQ(0, stat(DEVICE_PATH, &self->before));
	device_image_make(&self->image, 5);
	ASSERT_EQ(0, device_load(MODEL, &self->image, LLM_SEAL_DEFAULT));
	ASSERT_EQ(0, chown(DEVICE_PATH, 0, GROUP));
}

FIXTURE_TEARDOWN_PARENT(permissions)
{
	EXPECT_EQ(0, chown(DEVICE_PATH, self->before.st_uid, self->before.st_gid));
	EXPECT_EQ(0, device_unload_soon(MODEL));
}

/* Becomes a user, for good, without any capability. */
static int become(uid_t user, gid_t group)
{
	if (setgroups(0, NULL) || setresgid(group, group, group) ||
	    setresuid(user, user, user))
		return -errno;
	/* Else /proc/self and the tests' parent are out of reach. */
	return prctl(PR_SET_DUMPABLE, 1) ? -errno : 0;
}

TEST(mode)
{
	struct stat status;

	ASSERT_EQ(0, stat(DEVICE_PATH, &status));
	EXPECT_EQ(S_IFCHR | 0660, status.st_mode);
	EXPECT_EQ(0, status.st_uid);
}

TEST_F(permissions, stranger_has_no_access)
{
	ASSERT_EQ(0, become(ALICE, ALICE));
	EXPECT_EQ(-EACCES, device_open(O_RDWR));
	EXPECT_EQ(-EACCES, device_open(O_RDONLY));
	EXPECT_EQ(-EACCES, device_open(O_WRONLY));
}

TEST_F(permissions, member_can_talk)
{
	int fd;

	ASSERT_EQ(0, become(ALICE, GROUP));
	fd = device_session(MODEL, &self->image, 8);
	ASSERT_LE(0, fd);
	EXPECT_LT(0, device_ask(fd, "hello", self->reply, ROOM));
	EXPECT_EQ(ALICE, device_status(fd).uid);
	EXPECT_EQ((__u32)getpid(), device_status(fd).pid);
}

TEST_F(permissions, member_cannot_load)
{
	ASSERT_EQ(0, become(ALICE, GROUP));
	EXPECT_EQ(-EPERM, device_create("permissions-other", 4096));
}

TEST_F(permissions, member_cannot_unload)
{
	struct llm_model_info info;

	ASSERT_EQ(0, become(ALICE, GROUP));
	EXPECT_EQ(-EPERM, device_unload(MODEL));
	EXPECT_EQ(-EPERM, device_unload("permissions-none"))
		TH_LOG("who may not unload learns which models there are");
	EXPECT_TRUE(device_find_model(MODEL, &info)) TH_LOG("everybody may list models");
}

/* A buffer is a capability of its own: whoever was handed it may seal it. */
TEST_F(permissions, buffer_handed_on)
{
	int buffer = device_create("permissions-other", self->image.size);

	ASSERT_LE(0, buffer);
	ASSERT_EQ(0, device_fill(buffer, self->image.bytes, self->image.size));
	ASSERT_EQ(0, device_seal(buffer, 0, NULL, 0));
	ASSERT_EQ(0, device_unload("permissions-other"));
}

TEST_F(permissions, sessions_of_others_are_not_listed)
{
	struct llm_session_info info;
	int ends[2];
	int back[2];
	char byte;
	pid_t bob;

	ASSERT_EQ(0, pipe(ends));
	ASSERT_EQ(0, pipe(back));
	bob = fork();
	ASSERT_LE(0, bob);
	if (!bob) {
		int fd = become(BOB, GROUP) ? -1 : device_session(MODEL, &self->image, 8);

		close(ends[1]);
		if (write(back[1], fd < 0 ? "n" : "y", 1) != 1)
			_exit(1);
		_exit(read(ends[0], &byte, 1));
	}
	ASSERT_EQ(1, read(back[0], &byte, 1));
	ASSERT_EQ('y', byte) TH_LOG("the other user has no session");
	EXPECT_TRUE(device_find_session(bob, &info)) TH_LOG("the administrator sees all");
	EXPECT_EQ(BOB, info.uid);
	EXPECT_EQ(0, info.seed);
	EXPECT_STREQ(MODEL, (char *)info.model);

	ASSERT_EQ(0, become(ALICE, GROUP));
	EXPECT_FALSE(device_find_session(bob, &info));
	EXPECT_TRUE(device_session(MODEL, &self->image, 8) >= 0);
	EXPECT_TRUE(device_find_session(getpid(), &info)) TH_LOG("her own session is not listed");
	EXPECT_EQ(ALICE, info.uid);
	ASSERT_EQ(0, close(ends[1]));
	ASSERT_EQ(bob, waitpid(bob, NULL, 0));
}

static pid_t drop_prompt(uid_t user, const char *prompt)
{
	pid_t child = fork();
	int fd;

	if (child)
		return child;
	fd = become(user, GROUP) ? -1 : device_open(O_WRONLY);
	_exit(fd < 0 || device_max_tokens(fd, 8) || device_write(fd, prompt) || close(fd));
}

TEST_F(permissions, mailboxes_are_per_user)
{
	pid_t child = drop_prompt(BOB, "this is Bob's");
	int status;
	int fd;

	ASSERT_LE(0, child);
	ASSERT_EQ(child, waitpid(child, &status, 0));
	ASSERT_EQ(0, status);
	fd = device_open(O_RDONLY);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, device_read(fd, self->reply, ROOM, ROOM))
		TH_LOG("the administrator reads Bob's mail: '%s'", self->reply);
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		fd = become(ALICE, GROUP) ? -1 : device_open(O_RDONLY);
		_exit(device_read(fd, self->reply, ROOM, ROOM) != 0);
	}
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status) TH_LOG("Alice reads Bob's mail");
	ASSERT_EQ(0, become(BOB, GROUP));
	fd = device_open(O_RDONLY);
	ASSERT_LE(0, fd);
	EXPECT_LT(0, device_read(fd, self->reply, ROOM, ROOM)) TH_LOG("Bob's mail is gone");
}

/* Same prompt, other user: the same reply, whoever asked before. */
TEST_F(permissions, weights_are_shared_prompts_are_not)
{
	char first[ROOM];
	int fd = device_session(MODEL, &self->image, 16);

	ASSERT_LE(0, fd);
	ASSERT_LT(0, device_ask(fd, "hello you", first, ROOM));
	ASSERT_EQ(0, become(ALICE, GROUP));
	fd = device_session(MODEL, &self->image, 16);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, device_status(fd).used);
	ASSERT_LT(0, device_ask(fd, "hello you", self->reply, ROOM));
	EXPECT_STREQ(first, self->reply);
	EXPECT_EQ(device_status(fd).used, device_status(fd).tokens_in + 15)
		TH_LOG("tokens of the prompt were taken over from another user");
}

/* An open session stays its opener's, whoever holds the descriptor later. */
TEST_F(permissions, session_keeps_its_owner)
{
	int fd = device_session(MODEL, &self->image, 8);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, become(ALICE, GROUP));
	EXPECT_EQ(0, device_status(fd).uid);
	EXPECT_LT(0, device_ask(fd, "hello", self->reply, ROOM));
}

TEST_HARNESS_MAIN

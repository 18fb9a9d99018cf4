// SPDX-License-Identifier: GPL-2.0
/* Buffers: nobody can change an image that has been sealed. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "device.h"
#include "harness.h"

#define MODEL "seal-mmap"
#define ROOM 16384

FIXTURE(seal)
{
	struct device_image image;
	size_t size;
	size_t page;
	int buffer;
};

FIXTURE_SETUP(seal)
{
	device_image_make(&self->image, 5);
	self->page = sysconf(_SC_PAGESIZE);
	self->size = (self->image.size + self->page - 1) / self->page * self->page;
	self->buffer = device_create(MODEL, self->image.size);
	ASSERT_LE(0, self->buffer);
}

FIXTURE_TEARDOWN_PARENT(seal)
{
	struct llm_model_info info;

	EXPECT_TRUE(!device_find_model(MODEL, &info) || !device_unload_soon(MODEL));
}

static void *map(int buffer, size_t size, int protection)
{
	return mmap(NULL, size, protection, MAP_SHARED, buffer, 0);
}

/* Whether a map shows the image, but for the numbers that sealing may rearrange. */
static bool shows(const char *bytes, const struct device_image *image)
{
	__u64 length;
	const char *data = device_image_section(image, LLM_SECTION_DATA, &length);
	size_t before = data - (const char *)image->bytes;
	size_t after = before + length;

	return !memcmp(bytes, image->bytes, before) &&
	       !memcmp(bytes + after, (const char *)image->bytes + after, image->size - after);
}

static sigjmp_buf fault;

static void on_fault(int number)
{
	siglongjmp(fault, number);
}

/* Returns the signal that writing a byte raises, or 0. */
static int write_byte(char *address)
{
	struct sigaction action = { .sa_handler = on_fault };
	int number;

	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	number = sigsetjmp(fault, 1);
	if (!number)
		__atomic_store_n(address, 1, __ATOMIC_RELAXED);
	return number;
}

static int read_byte(const char *address)
{
	struct sigaction action = { .sa_handler = on_fault };
	int number;

	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	number = sigsetjmp(fault, 1);
	if (!number)
		__atomic_load_n(address, __ATOMIC_RELAXED);
	return number;
}

TEST_F(seal, new_buffer_is_zero)
{
	char *bytes = map(self->buffer, self->size, PROT_READ);
	size_t set = 0;

	ASSERT_NE(MAP_FAILED, bytes);
	for (size_t i = 0; i < self->size; i++)
		set += bytes[i] != 0;
	EXPECT_EQ(0, set) TH_LOG("old memory shows in a new buffer");
}

TEST_F(seal, busy_while_mapped_writable)
{
	char *bytes = map(self->buffer, self->size, PROT_READ | PROT_WRITE);

	ASSERT_NE(MAP_FAILED, bytes);
	memcpy(bytes, self->image.bytes, self->image.size);
	EXPECT_EQ(-EBUSY, device_seal(self->buffer, 0, NULL, 0));
	EXPECT_EQ(0, write_byte(bytes + self->size - 1)) TH_LOG("a refused seal froze the buffer");
	ASSERT_EQ(0, munmap(bytes, self->size));
	EXPECT_EQ(0, device_seal(self->buffer, 0, NULL, 0));
}

/* What was mapped for reading before the seal must not become writable after it. */
TEST_F(seal, reading_map_never_becomes_writable)
{
	char *bytes;
	int sealed;

	ASSERT_EQ(0, device_fill(self->buffer, self->image.bytes, self->image.size));
	bytes = map(self->buffer, self->size, PROT_READ);
	ASSERT_NE(MAP_FAILED, bytes);
	sealed = device_seal(self->buffer, 0, NULL, 0);
	if (sealed) {
		/* Counting such a map as one that could be written is right as well. */
		EXPECT_EQ(-EBUSY, sealed);
		ASSERT_EQ(0, munmap(bytes, self->size));
		EXPECT_EQ(0, device_seal(self->buffer, 0, NULL, 0));
		return;
	}
	EXPECT_EQ(-1, mprotect(bytes, self->size, PROT_READ | PROT_WRITE));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(SIGSEGV, write_byte(bytes));
}

/* A map made for writing and then protected can be made writable again. */
TEST_F(seal, protected_map_counts_as_writable)
{
	char *bytes = map(self->buffer, self->size, PROT_READ | PROT_WRITE);

	ASSERT_NE(MAP_FAILED, bytes);
	memcpy(bytes, self->image.bytes, self->image.size);
	ASSERT_EQ(0, mprotect(bytes, self->size, PROT_READ));
	EXPECT_EQ(-EBUSY, device_seal(self->buffer, 0, NULL, 0));
	EXPECT_EQ(0, mprotect(bytes, self->size, PROT_NONE));
	EXPECT_EQ(-EBUSY, device_seal(self->buffer, 0, NULL, 0));
	ASSERT_EQ(0, munmap(bytes, self->size));
	EXPECT_EQ(0, device_seal(self->buffer, 0, NULL, 0));
}

TEST_F(seal, sealed_is_read_only)
{
	char *bytes;

	ASSERT_EQ(0, device_fill(self->buffer, self->image.bytes, self->image.size));
	ASSERT_EQ(0, device_seal(self->buffer, 0, NULL, 0));
	EXPECT_EQ(MAP_FAILED, map(self->buffer, self->size, PROT_READ | PROT_WRITE));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(MAP_FAILED, map(self->buffer, self->size, PROT_WRITE));
	bytes = map(self->buffer, self->size, PROT_READ);
	ASSERT_NE(MAP_FAILED, bytes);
	EXPECT_TRUE(shows(bytes, &self->image));
	EXPECT_EQ(-1, mprotect(bytes, self->size, PROT_READ | PROT_WRITE));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(SIGSEGV, write_byte(bytes));
	EXPECT_TRUE(shows(bytes, &self->image));
}

TEST_F(seal, not_executable)
{
	EXPECT_EQ(MAP_FAILED, map(self->buffer, self->size, PROT_READ | PROT_EXEC));
}

TEST_F(seal, private_maps)
{
	char *bytes;
	char *copy;

	ASSERT_EQ(0, device_fill(self->buffer, self->image.bytes, self->image.size));
	copy = mmap(NULL, self->size, PROT_READ | PROT_WRITE, MAP_PRIVATE, self->buffer, 0);
	if (copy == MAP_FAILED) {
		EXPECT_EQ(EINVAL, errno);
		return;
	}
	EXPECT_EQ(0, write_byte(copy));
	bytes = map(self->buffer, self->size, PROT_READ);
	ASSERT_NE(MAP_FAILED, bytes);
	EXPECT_EQ(0, memcmp(bytes, self->image.bytes, self->image.size))
		TH_LOG("a private map changed the buffer");
}

TEST_F(seal, maps_past_the_end)
{
	size_t page = self->page;

	EXPECT_EQ(MAP_FAILED, map(self->buffer, self->size + page, PROT_READ | PROT_WRITE));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, self->buffer,
				   self->size));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_SHARED,
				   self->buffer, self->size - page));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, page, PROT_READ, MAP_SHARED, self->buffer,
				   (off_t)1 << 62));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, page, PROT_READ, MAP_SHARED, self->buffer,
				   (off_t)(~0ULL >> 1) / page * page));
}

TEST_F(seal, maps_at_an_offset)
{
	size_t page = self->page;
	char *all = map(self->buffer, self->size, PROT_READ | PROT_WRITE);
	char *last;

	ASSERT_NE(MAP_FAILED, all);
	last = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, self->buffer,
		    self->size - page);
	ASSERT_NE(MAP_FAILED, last);
	all[self->size - page + 5] = 42;
	EXPECT_EQ(42, last[5]);
	last[6] = 43;
	EXPECT_EQ(43, all[self->size - page + 6]);
	ASSERT_EQ(0, munmap(all, self->size));
	EXPECT_EQ(-EBUSY, device_seal(self->buffer, 0, NULL, 0));
	ASSERT_EQ(0, munmap(last, page));
	ASSERT_EQ(0, device_fill(self->buffer, self->image.bytes, self->image.size));
	EXPECT_EQ(0, device_seal(self->buffer, 0, NULL, 0));
}

TEST_F(seal, unmapping_a_part_leaves_the_rest)
{
	size_t page = self->page;
	char *bytes = map(self->buffer, self->size, PROT_READ | PROT_WRITE);

	ASSERT_NE(MAP_FAILED, bytes);
	ASSERT_LE(3 * page, self->size);
	memcpy(bytes, self->image.bytes, self->image.size);
	/* The middle: one map becomes two. */
	ASSERT_EQ(0, munmap(bytes + page, page));
	EXPECT_EQ(-EBUSY, device_seal(self->buffer, 0, NULL, 0));
	ASSERT_EQ(0, munmap(bytes, page));
	EXPECT_EQ(-EBUSY, device_seal(self->buffer, 0, NULL, 0));
	EXPECT_EQ(0, read_byte(bytes + 2 * page));
	ASSERT_EQ(0, munmap(bytes + 2 * page, self->size - 2 * page));
	EXPECT_EQ(0, device_seal(self->buffer, 0, NULL, 0));
}

TEST_F(seal, mremap)
{
	size_t page = self->page;
	char *bytes = map(self->buffer, self->size, PROT_READ | PROT_WRITE);
	char *grown;
	char *moved;

	ASSERT_NE(MAP_FAILED, bytes);
	memcpy(bytes, self->image.bytes, self->image.size);
	grown = mremap(bytes, self->size, self->size + 4 * page, MREMAP_MAYMOVE);
	if (grown != MAP_FAILED) {
		/* Where it can grow, nothing may be there. */
		EXPECT_NE(0, read_byte(grown + self->size));
		bytes = mremap(grown, self->size + 4 * page, self->size, 0);
		ASSERT_NE(MAP_FAILED, bytes);
	}
	moved = mmap(NULL, self->size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, moved);
	moved = mremap(bytes, self->size, self->size, MREMAP_MAYMOVE | MREMAP_FIXED, moved);
	if (moved == MAP_FAILED) {
		/* Refusing to move is right as well; then the old place is still there. */
		moved = bytes;
	}
	EXPECT_EQ(0, memcmp(moved, self->image.bytes, self->image.size));
	EXPECT_EQ(-EBUSY, device_seal(self->buffer, 0, NULL, 0));
	ASSERT_EQ(0, munmap(moved, self->size));
	EXPECT_EQ(0, device_seal(self->buffer, 0, NULL, 0));
}

TEST_F(seal, fork)
{
	char *bytes = map(self->buffer, self->size, PROT_READ | PROT_WRITE);
	int ends[2];
	pid_t child;
	char byte;

	ASSERT_NE(MAP_FAILED, bytes);
	memcpy(bytes, self->image.bytes, self->image.size);
	ASSERT_EQ(0, pipe(ends));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		close(ends[1]);
		_exit(read(ends[0], &byte, 1));
	}
	ASSERT_EQ(0, close(ends[0]));
	ASSERT_EQ(0, munmap(bytes, self->size));
	EXPECT_EQ(-EBUSY, device_seal(self->buffer, 0, NULL, 0))
		TH_LOG("a child's map does not count");
	ASSERT_EQ(0, close(ends[1]));
	ASSERT_EQ(child, waitpid(child, NULL, 0));
	EXPECT_EQ(0, device_seal(self->buffer, 0, NULL, 0));
}

TEST_F(seal, map_outlives_descriptor_and_model)
{
	char *bytes, *copy;

	ASSERT_EQ(0, device_fill(self->buffer, self->image.bytes, self->image.size));
	ASSERT_EQ(0, device_seal(self->buffer, 0, NULL, 0));
	bytes = map(self->buffer, self->size, PROT_READ);
	ASSERT_NE(MAP_FAILED, bytes);
	EXPECT_TRUE(shows(bytes, &self->image));
	copy = malloc(self->size);
	ASSERT_NE(NULL, copy);
	memcpy(copy, bytes, self->size);
	ASSERT_EQ(0, close(self->buffer));
	EXPECT_EQ(0, memcmp(bytes, copy, self->size));
	EXPECT_EQ(0, device_unload_soon(MODEL));
	EXPECT_EQ(0, memcmp(bytes, copy, self->size));
	free(copy);
}

TEST_F(seal, descriptor_outlives_model)
{
	ASSERT_EQ(0, device_fill(self->buffer, self->image.bytes, self->image.size));
	ASSERT_EQ(0, device_seal(self->buffer, 0, NULL, 0));
	EXPECT_EQ(0, device_unload_soon(MODEL));
	EXPECT_EQ(-EPERM, device_seal(self->buffer, 0, NULL, 0));
	EXPECT_EQ(MAP_FAILED, map(self->buffer, self->size, PROT_READ | PROT_WRITE));
}

/* Whoever takes hold of pages by another way could write to them after the seal. */
TEST_F(seal, pages_cannot_be_pinned)
{
	char *bytes = map(self->buffer, self->size, PROT_READ | PROT_WRITE);
	char local[64] = "written behind the back";
	struct iovec from = { .iov_base = local, .iov_len = sizeof(local) };
	struct iovec to = { .iov_base = bytes, .iov_len = sizeof(local) };
	int ends[2];

	ASSERT_NE(MAP_FAILED, bytes);
	ASSERT_EQ(0, pipe(ends));
	EXPECT_EQ(-1, process_vm_writev(getpid(), &from, 1, &to, 1, 0));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, process_vm_readv(getpid(), &from, 1, &to, 1, 0));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, vmsplice(ends[1], &to, 1, 0));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ('\0', bytes[0]);
}

/* An ordinary copy by the kernel is a plain store and may be done. */
TEST_F(seal, read_into_a_map)
{
	char *bytes = map(self->buffer, self->size, PROT_READ | PROT_WRITE);
	int ends[2];

	ASSERT_NE(MAP_FAILED, bytes);
	ASSERT_EQ(0, pipe(ends));
	ASSERT_EQ(5, write(ends[1], "hello", 5));
	EXPECT_EQ(5, read(ends[0], bytes + 100, 5));
	EXPECT_EQ(0, memcmp(bytes + 100, "hello", 5));
}

TEST_F(seal, write_through_proc_mem)
{
	char *bytes;
	int mem;

	ASSERT_EQ(0, device_fill(self->buffer, self->image.bytes, self->image.size));
	ASSERT_EQ(0, device_seal(self->buffer, 0, NULL, 0));
	bytes = map(self->buffer, self->size, PROT_READ);
	ASSERT_NE(MAP_FAILED, bytes);
	mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, mem);
	EXPECT_GE(0, pwrite(mem, "x", 1, (off_t)(uintptr_t)bytes));
	EXPECT_TRUE(shows(bytes, &self->image));
}

TEST_F(seal, no_other_way_in)
{
	EXPECT_EQ(-1, write(self->buffer, "x", 1));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, pwrite(self->buffer, "x", 1, 0));
	EXPECT_EQ(-1, ftruncate(self->buffer, 0));
	EXPECT_EQ(-1, fallocate(self->buffer, 0, 0, 4096));
	EXPECT_EQ(-1, read(self->buffer, &(char){ 0 }, 1));
}

TEST_F(seal, unsealed_buffer_is_discarded)
{
	struct llm_model_info info;

	ASSERT_EQ(0, device_fill(self->buffer, self->image.bytes, self->image.size));
	ASSERT_EQ(0, close(self->buffer));
	EXPECT_FALSE(device_find_model(MODEL, &info));
	EXPECT_EQ(-ENOENT, device_unload(MODEL));
	EXPECT_EQ(0, device_load(MODEL, &self->image, 0)) TH_LOG("its name is still taken");
}

TEST_F(seal, refused_buffer_can_be_corrected)
{
	char reason[256];

	EXPECT_EQ(-EINVAL, device_seal(self->buffer, 0, reason, sizeof(reason)));
	ASSERT_EQ(0, device_fill(self->buffer, self->image.bytes, self->image.size));
	EXPECT_EQ(0, device_seal(self->buffer, 0, reason, sizeof(reason)));
}

TEST_F(seal, sealed_model_is_listed)
{
	const struct llm_image_model *model =
		device_image_section(&self->image, LLM_SECTION_MODEL, NULL);
	struct llm_model_info info;

	ASSERT_EQ(0, device_fill(self->buffer, self->image.bytes, self->image.size));
	EXPECT_FALSE(device_find_model(MODEL, &info));
	ASSERT_EQ(0, device_seal(self->buffer, LLM_SEAL_DEFAULT, NULL, 0));
	ASSERT_TRUE(device_find_model(MODEL, &info));
	EXPECT_STREQ((const char *)model->name, (char *)info.title);
	EXPECT_STREQ((const char *)model->architecture, (char *)info.architecture);
	EXPECT_EQ(model->parameters, info.parameters);
	EXPECT_EQ(model->context_length, info.context_length);
	EXPECT_EQ(model->vocab_size, info.vocab_size);
	EXPECT_EQ(self->image.size, info.size);
	EXPECT_LT(self->image.size, info.memory);
	EXPECT_LT(0, info.session_memory);
	EXPECT_EQ(0, info.sessions);
	EXPECT_EQ(LLM_MODEL_DEFAULT | LLM_MODEL_TEXT, info.flags);
}

/* Weights are rearranged for the processor, but not before nothing can fail any more. */
TEST_F(seal, refused_weights_are_as_they_were)
{
	struct device_image image;
	char wanted[ROOM];
	char reply[ROOM];
	int buffer;
	int fd;

	device_image_make(&image, 4);
	buffer = device_create(MODEL, image.size);
	ASSERT_LE(0, buffer);
	ASSERT_EQ(0, device_fill(buffer, image.bytes, image.size));
	ASSERT_EQ(0, device_load(MODEL, &image, 0));
	fd = device_session(MODEL, &image, 20);
	ASSERT_LE(0, fd);
	ASSERT_LT(0, device_ask(fd, "hello", wanted, ROOM));
	ASSERT_EQ(0, close(fd));
	EXPECT_EQ(-EEXIST, device_seal(buffer, 0, NULL, 0));
	ASSERT_EQ(0, device_unload_soon(MODEL));
	ASSERT_EQ(0, device_seal(buffer, 0, NULL, 0));
	fd = device_session(MODEL, &image, 20);
	ASSERT_LE(0, fd);
	ASSERT_LT(0, device_ask(fd, "hello", reply, ROOM));
	EXPECT_STREQ(wanted, reply);
}

/* The bytes past the image in a larger buffer are nobody's. */
TEST_F(seal, buffer_larger_than_the_image)
{
	int buffer = device_create("seal-mmap-large", self->image.size + 3 * self->page + 1);
	struct llm_model_info info;

	ASSERT_LE(0, buffer);
	ASSERT_EQ(0, device_fill(buffer, self->image.bytes, self->image.size));
	EXPECT_EQ(0, device_seal(buffer, 0, NULL, 0));
	EXPECT_TRUE(device_find_model("seal-mmap-large", &info));
	EXPECT_EQ(0, device_unload_soon("seal-mmap-large"));
}

TEST_HARNESS_MAIN

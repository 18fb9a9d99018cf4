// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "device.h"
#include "host/tiny_image.h"

static void give_up(const char *what, int error)
{
	printf("# %s: %s\n", what, strerror(error));
	fflush(stdout);
	_exit(1);
}

void device_image_build(struct device_image *image, const struct tiny_image_options *options)
{
	const struct llm_image_token *vocab;
	const struct llm_image_model *model;

	image->bytes = tiny_image_build(options, &image->size);
	if (!image->bytes)
		give_up("cannot generate a model", ENOMEM);
	model = device_image_section(image, LLM_SECTION_MODEL, NULL);
	vocab = device_image_section(image, LLM_SECTION_VOCAB, NULL);
	image->vocab_size = model->vocab_size;
	image->context_length = model->context_length;
	image->ends_count = 0;
	for (__u32 i = 0; i < model->vocab_size; i++) {
		if (vocab[i].flags & LLM_TOKEN_ENDS)
			image->ends[image->ends_count++] = i;
	}
}

void device_image_make(struct device_image *image, __u32 seed)
{
	const struct tiny_image_options options = {
		.seed = seed,
		.type = seed % 2 ? LLM_TENSOR_F32 : LLM_TENSOR_Q8_0,
		.layers = 2 + seed % 2,
		.width = seed % 2 ? 64 : 96,
		.context = 512,
	};

	device_image_build(image, &options);
}

void device_image_make_slow(struct device_image *image)
{
	const struct tiny_image_options options = {
		.seed = 77,
		.type = LLM_TENSOR_F32,
		.layers = 2,
		.width = device_is_slow() ? 64 : 256,
		.context = 4096,
	};

	device_image_build(image, &options);
}

void device_image_free(struct device_image *image)
{
	free(image->bytes);
	memset(image, 0, sizeof(*image));
}

void *device_image_section(const struct device_image *image, __u32 kind, __u64 *length)
{
	struct llm_image_section *section = tiny_image_section(image->bytes, kind);

	if (!section)
		give_up("the image lacks a section", EINVAL);
	if (length)
		*length = section->length;
	return image->bytes + section->offset;
}

int device_open(int flags)
{
	int fd = open(DEVICE_PATH, flags | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int device_ioctl(int fd, unsigned long request, void *argument)
{
	return ioctl(fd, request, argument) < 0 ? -errno : 0;
}

static void set_name(__u8 *to, const char *name)
{
	memset(to, 0, LLM_NAME_SIZE);
	memcpy(to, name, strnlen(name, LLM_NAME_SIZE));
}

int device_create(const char *name, __u64 size)
{
	struct llm_model_create create = { .size = size };
	int fd = device_open(O_RDONLY);
	int error;

	if (fd < 0)
		return fd;
	set_name(create.name, name);
	error = device_ioctl(fd, LLM_IOC_MODEL_CREATE, &create);
	close(fd);
	return error ? error : create.fd;
}

int device_fill(int buffer, const void *bytes, size_t size)
{
	void *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, buffer, 0);

	if (map == MAP_FAILED)
		return -errno;
	memcpy(map, bytes, size);
	return munmap(map, size) ? -errno : 0;
}

int device_seal(int buffer, __u32 flags, char *reason, __u32 reason_size)
{
	struct llm_model_seal seal = {
		.flags = flags,
		.reason_size = reason ? reason_size : 0,
		.reason = (uintptr_t)reason,
	};

	if (reason)
		reason[0] = '\0';
	return device_ioctl(buffer, LLM_IOC_MODEL_SEAL, &seal);
}

int device_load(const char *name, const struct device_image *image, __u32 flags)
{
	char reason[512] = "";
	int buffer = device_create(name, image->size);
	int error;

	if (buffer < 0) {
		printf("# cannot create %s: %s\n", name, strerror(-buffer));
		return buffer;
	}
	error = device_fill(buffer, image->bytes, image->size);
	if (!error)
		error = device_seal(buffer, flags, reason, sizeof(reason));
	if (error)
		printf("# cannot load %s: %s: %s\n", name, strerror(-error), reason);
	close(buffer);
	return error;
}

int device_unload(const char *name)
{
	struct llm_model_unload unload = { 0 };
	int fd = device_open(O_RDONLY);
	int error;

	if (fd < 0)
		return fd;
	set_name(unload.name, name);
	error = device_ioctl(fd, LLM_IOC_MODEL_UNLOAD, &unload);
	close(fd);
	return error;
}

int device_unload_soon(const char *name)
{
	int error;

	for (int i = 0; i < 6000; i++) {
		error = device_unload(name);
		if (error != -EBUSY)
			break;
		device_pause(10);
	}
	return error;
}

int device_model(int fd, const char *name)
{
	struct llm_session_setup setup = { .set = LLM_SETUP_MODEL };

	set_name(setup.model, name);
	return device_ioctl(fd, LLM_IOC_SETUP, &setup);
}

int device_max_tokens(int fd, __u32 max_tokens)
{
	struct llm_session_setup setup = {
		.set = LLM_SETUP_MAX_TOKENS,
		.max_tokens = max_tokens,
	};

	return device_ioctl(fd, LLM_IOC_SETUP, &setup);
}

int device_endless(int fd, const struct device_image *image)
{
	struct llm_sampling sampling = { .set = LLM_SAMPLING_BIASES };
	struct llm_bias biases[16];

	for (__u32 i = 0; i < image->ends_count; i++) {
		biases[i].token = image->ends[i];
		biases[i].bias = -100 * LLM_FIXED_ONE;
	}
	sampling.biases = (uintptr_t)biases;
	sampling.biases_count = image->ends_count;
	return device_ioctl(fd, LLM_IOC_SAMPLING, &sampling);
}

int device_only(int fd, __u32 token)
{
	struct llm_bias bias = { .token = token, .bias = 100 * LLM_FIXED_ONE };
	struct llm_sampling sampling = {
		.set = LLM_SAMPLING_BIASES,
		.biases = (uintptr_t)&bias,
		.biases_count = 1,
	};

	return device_ioctl(fd, LLM_IOC_SAMPLING, &sampling);
}

int device_seed(int fd, __u64 seed)
{
	struct llm_sampling sampling = {
		.set = LLM_SAMPLING_TEMPERATURE | LLM_SAMPLING_SEED,
		.temperature = seed ? LLM_FIXED_ONE : 0,
		.seed = seed,
	};

	return device_ioctl(fd, LLM_IOC_SAMPLING, &sampling);
}

int device_session(const char *name, const struct device_image *image, __u32 max_tokens)
{
	int fd = device_open(O_RDWR);
	int error;

	if (fd < 0)
		return fd;
	error = device_model(fd, name);
	if (!error)
		error = device_max_tokens(fd, max_tokens);
	if (!error)
		error = device_endless(fd, image);
	if (!error)
		error = device_seed(fd, 0);
	if (error) {
		close(fd);
		return error;
	}
	return fd;
}

int device_write(int fd, const char *text)
{
	size_t left = strlen(text);

	while (left) {
		ssize_t written = write(fd, text, left);

		if (written < 0)
			return -errno;
		text += written;
		left -= written;
	}
	return 0;
}

ssize_t device_read(int fd, char *bytes, size_t room, size_t piece)
{
	size_t length = 0;

	for (;;) {
		size_t wanted = room - 1 - length;
		ssize_t got;

		if (!wanted)
			return -EOVERFLOW;
		got = read(fd, bytes + length, wanted < piece ? wanted : piece);
		if (got < 0)
			return -errno;
		if (!got)
			break;
		length += got;
	}
	bytes[length] = '\0';
	return length;
}

ssize_t device_ask(int fd, const char *prompt, char *reply, size_t room)
{
	int error = device_write(fd, prompt);

	return error ? error : device_read(fd, reply, room, room);
}

int device_start(int fd)
{
	struct llm_start start = { 0 };

	return device_ioctl(fd, LLM_IOC_START, &start);
}

int device_cancel(int fd)
{
	struct llm_cancel cancel = { 0 };

	return device_ioctl(fd, LLM_IOC_CANCEL, &cancel);
}

struct llm_session_info device_status(int fd)
{
	struct llm_session_info info = { 0 };
	int error = device_ioctl(fd, LLM_IOC_STATUS, &info);

	if (error)
		give_up("LLM_IOC_STATUS", -error);
	return info;
}

struct llm_info device_info(void)
{
	struct llm_info info = { 0 };
	int fd = device_open(O_RDONLY);
	int error;

	if (fd < 0)
		give_up("cannot open " DEVICE_PATH, -fd);
	error = device_ioctl(fd, LLM_IOC_INFO, &info);
	if (error)
		give_up("LLM_IOC_INFO", -error);
	close(fd);
	return info;
}

/* All entries of a list, to be freed; the program ends where there are none to get. */
static void *get_list(unsigned long request, __u32 entry_size, __u32 *count)
{
	struct llm_list list = { .entry_size = entry_size };
	int fd = device_open(O_RDONLY);
	void *entries = NULL;
	int error;

	if (fd < 0)
		give_up("cannot open " DEVICE_PATH, -fd);
	do {
		list.capacity = list.count + 16;
		free(entries);
		entries = calloc(list.capacity, entry_size);
		if (!entries)
			give_up("list", ENOMEM);
		list.entries = (uintptr_t)entries;
		error = device_ioctl(fd, request, &list);
		if (error)
			give_up("list", -error);
	} while (list.count > list.capacity);
	close(fd);
	*count = list.count;
	return entries;
}

bool device_find_model(const char *name, struct llm_model_info *info)
{
	struct llm_model_info *entries;
	bool found = false;
	__u32 count;

	entries = get_list(LLM_IOC_MODEL_LIST, sizeof(*entries), &count);
	for (__u32 i = 0; i < count && !found; i++) {
		found = !strcmp((const char *)entries[i].name, name);
		if (found)
			*info = entries[i];
	}
	free(entries);
	return found;
}

bool device_find_session(pid_t pid, struct llm_session_info *info)
{
	struct llm_session_info *entries;
	bool found = false;
	__u32 count;

	entries = get_list(LLM_IOC_SESSION_LIST, sizeof(*entries), &count);
	for (__u32 i = 0; i < count && !found; i++) {
		found = entries[i].pid == (__u32)pid;
		if (found)
			*info = entries[i];
	}
	free(entries);
	return found;
}

bool device_sessions_end(void)
{
	for (int i = 0; i < 6000; i++) {
		if (!device_info().sessions)
			return true;
		device_pause(10);
	}
	return false;
}

void device_prompt(char *text, size_t length, unsigned int seed)
{
	static const char * const words[18] = {
		"the ", "sun ", "rises ", "over ", "a ", "quiet ", "sea ", "and ", "ships ", "go ",
		"north ", "with ", "sails ", "of ", "linen ", "while ", "gulls ", "cry. ",
	};
	size_t at = 0;

	while (at < length) {
		const char *word;

		seed = seed * 1103515245 + 12345;
		word = words[(seed >> 16) % 18];
		while (*word && at < length)
			text[at++] = *word++;
	}
	text[length] = '\0';
}

void device_prompt_long(char *text)
{
	device_prompt(text, device_is_slow() ? 800 : DEVICE_LONG - 1, 2);
}

static bool cpuinfo_has(const char *word)
{
	char line[256];
	bool found = false;
	FILE *file = fopen("/proc/cpuinfo", "re");

	if (!file)
		return false;
	while (!found && fgets(line, sizeof(line), file))
		found = strstr(line, word);
	fclose(file);
	return found;
}

bool device_is_slow(void)
{
	const char *slow = getenv("LLM_SLOW");

	if (slow && *slow)
		return strcmp(slow, "0");
	return cpuinfo_has("TCG");
}

bool device_is_uml(void)
{
	return cpuinfo_has("User Mode Linux");
}

void device_pause(unsigned int milliseconds)
{
	struct timespec time = {
		.tv_sec = milliseconds / 1000,
		.tv_nsec = milliseconds % 1000 * 1000000L,
	};

	nanosleep(&time, NULL);
}

bool device_sleeps(pid_t pid)
{
	char path[64], state = '\0';
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
		state = '\0';
	fclose(file);
	return state == 'S';
}

long long device_number(const char *path, const char *key)
{
	long long number = -1;
	char line[256];
	FILE *file = fopen(path, "re");

	if (!file)
		return -1;
	while (fgets(line, sizeof(line), file)) {
		size_t length = key ? strlen(key) : 0;

		if (key && (strncmp(line, key, length) || !strchr(" :\t", line[length])))
			continue;
		if (sscanf(line + length, "%*[: \t]%lld", &number) == 1 ||
		    sscanf(line + length, "%lld", &number) == 1)
			break;
	}
	fclose(file);
	return number;
}

int device_put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t written;
	int error;

	if (fd < 0)
		return -errno;
	written = write(fd, text, strlen(text));
	error = written < 0 ? -errno : 0;
	close(fd);
	return error;
}

static const char *parameter_path(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "/sys/module/llm/parameters/%s", name);
	return path;
}

long long device_parameter(const char *name)
{
	return device_number(parameter_path(name), NULL);
}

int device_set_parameter(const char *name, long long value)
{
	char text[32];

	snprintf(text, sizeof(text), "%lld", value);
	return device_put(parameter_path(name), text);
}

int device_keep_parameters(const char *const *names, size_t count, long long *values)
{
	for (size_t i = 0; i < count; i++) {
		values[i] = device_parameter(names[i]);
		if (values[i] < 0)
			return -1;
	}
	return 0;
}

int device_restore_parameters(const char *const *names, size_t count, const long long *values)
{
	int error = 0, failed;

	for (size_t i = 0; i < count; i++) {
		failed = device_set_parameter(names[i], values[i]);
		error = error ? error : failed;
	}
	return error;
}

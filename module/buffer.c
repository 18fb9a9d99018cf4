// SPDX-License-Identifier: GPL-2.0
/*
 * Buffers: the memory of an image, filled through mmap(2), then sealed.
 *
 * Sealing promises the verifier that nobody changes a byte any more. So there
 * must be no way to write that outlives a mapping: mappings are of page frames
 * (VM_PFNMAP), not of pages, which get_user_pages() refuses. Nobody can register
 * a part of one with io_uring, hand it to vmsplice(2) or direct I/O, or make it
 * the target of a device, and keep a writable page when the mapping is gone.
 * What is left to watch are the mappings themselves, and those are counted.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/anon_inodes.h>
#include <linux/capability.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kref.h>
#include <linux/llm.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include "buffer.h"
#include "compat.h"
#include "model.h"
#include "weights.h"

/* Pages mapped by one fault: images are filled from one end to the other. */
#define FAULT_PAGES 32

/* Bytes of a reason that is worth having. */
#define MAX_REASON 4096

static unsigned int max_image_mib;
module_param(max_image_mib, uint, 0644);
MODULE_PARM_DESC(max_image_mib, "largest image that can be loaded, MiB (0: half of the memory)");

enum llm_buffer_state {
	BUFFER_OPEN,
	BUFFER_SEALING,
	BUFFER_SEALED,
};

/**
 * struct llm_buffer - memory of an image
 * @users: its file, its model
 * @data: the bytes
 * @size: how many
 * @name: name of the model it becomes
 * @lock: for @state and @writable; innermost, taken under mmap_lock too
 * @state: how far it is; no mapping that could be written is made when it is
 *	not BUFFER_OPEN, and it does not leave that while there is one
 * @writable: mappings that can be written, or made so with mprotect(2)
 */
struct llm_buffer {
	struct kref users;
	void *data;
	u64 size;
	char name[LLM_NAME_SIZE];
	spinlock_t lock; /* of state and writable */
	enum llm_buffer_state state;
	u64 writable;
};

static struct llm_buffer *buffer_alloc(void)
{
	struct llm_buffer *buffer = kzalloc(sizeof(*buffer), GFP_KERNEL_ACCOUNT);

	if (buffer) {
		kref_init(&buffer->users);
		spin_lock_init(&buffer->lock);
	}
	return buffer;
}

static void buffer_free(struct kref *users)
{
	struct llm_buffer *buffer = container_of(users, struct llm_buffer, users);

	llm_weights_free(buffer->data);
	kfree(buffer);
}

void llm_buffer_get(struct llm_buffer *buffer)
{
	kref_get(&buffer->users);
}

void llm_buffer_put(struct llm_buffer *buffer)
{
	kref_put(&buffer->users, buffer_free);
}

void *llm_buffer_data(const struct llm_buffer *buffer)
{
	return buffer->data;
}

u64 llm_buffer_size(const struct llm_buffer *buffer)
{
	return buffer->size;
}

struct llm_buffer *llm_buffer_copy(const void *bytes, u64 size)
{
	struct llm_buffer *buffer = buffer_alloc();

	if (!buffer)
		return NULL;
	buffer->size = size;
	buffer->state = BUFFER_SEALED;
	buffer->data = llm_weights_alloc(size);
	if (!buffer->data) {
		llm_buffer_put(buffer);
		return NULL;
	}
	memcpy(buffer->data, bytes, size);
	return buffer;
}

static u64 buffer_pages(const struct llm_buffer *buffer)
{
	return DIV_ROUND_UP_ULL(buffer->size, PAGE_SIZE);
}

/*
 * A mapping's VM_MAYWRITE never changes after buffer_mmap(), so the count goes
 * up and down by the same mappings.
 */
static void buffer_vm_open(struct vm_area_struct *vma)
{
	struct llm_buffer *buffer = vma->vm_private_data;

	if (!(vma->vm_flags & VM_MAYWRITE))
		return;
	spin_lock(&buffer->lock);
	buffer->writable++;
	spin_unlock(&buffer->lock);
}

static void buffer_vm_close(struct vm_area_struct *vma)
{
	struct llm_buffer *buffer = vma->vm_private_data;

	if (!(vma->vm_flags & VM_MAYWRITE))
		return;
	spin_lock(&buffer->lock);
	buffer->writable--;
	spin_unlock(&buffer->lock);
}

static vm_fault_t buffer_vm_fault(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct llm_buffer *buffer = vma->vm_private_data;
	unsigned long address = vmf->address & PAGE_MASK;
	unsigned long end = min(vma->vm_end, address + FAULT_PAGES * PAGE_SIZE);
	const void *page = buffer->data + ((u64)vmf->pgoff << PAGE_SHIFT);
	vm_fault_t result;

	result = vmf_insert_pfn(vma, address, vmalloc_to_pfn(page));
	while (result == VM_FAULT_NOPAGE) {
		address += PAGE_SIZE;
		page += PAGE_SIZE;
		/* What follows is only to spare faults: its failure is none. */
		if (address >= end ||
		    vmf_insert_pfn(vma, address, vmalloc_to_pfn(page)) != VM_FAULT_NOPAGE)
			break;
	}
	return result;
}

static const struct vm_operations_struct buffer_vm_ops = {
	.open = buffer_vm_open,
	.close = buffer_vm_close,
	.fault = buffer_vm_fault,
};

static int buffer_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct llm_buffer *buffer = file->private_data;
	unsigned long clear = VM_MAYEXEC;
	int error = 0;

	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	if (vma->vm_pgoff > buffer_pages(buffer) ||
	    vma_pages(vma) > buffer_pages(buffer) - vma->vm_pgoff)
		return -EINVAL;
	if (vma->vm_flags & VM_EXEC)
		return -EPERM;

	spin_lock(&buffer->lock);
	if (buffer->state == BUFFER_OPEN)
		buffer->writable++;
	else if (vma->vm_flags & VM_WRITE)
		error = -EPERM;
	else
		clear |= VM_MAYWRITE;
	spin_unlock(&buffer->lock);
	if (error)
		return error;

	vm_flags_mod(vma, VM_PFNMAP | VM_IO | VM_DONTEXPAND | VM_DONTDUMP, clear);
	vma->vm_ops = &buffer_vm_ops;
	vma->vm_private_data = buffer;
	return 0;
}

static int buffer_begin_seal(struct llm_buffer *buffer, struct llm_error *error)
{
	int result = 0;

	spin_lock(&buffer->lock);
	if (buffer->state == BUFFER_SEALED)
		result = llm_refuse(error, -EPERM, "sealed already");
	else if (buffer->state == BUFFER_SEALING)
		result = llm_refuse(error, -EBUSY, "being sealed already");
	else if (buffer->writable)
		result = llm_refuse(error, -EBUSY,
				    "%llu mappings that could be written exist: unmap them first",
				    buffer->writable);
	else
		buffer->state = BUFFER_SEALING;
	spin_unlock(&buffer->lock);
	return result;
}

static int buffer_seal(struct llm_buffer *buffer, u32 flags, struct llm_error *error)
{
	int result = buffer_begin_seal(buffer, error);

	if (result)
		return result;
	/* The model's reference. */
	llm_buffer_get(buffer);
	result = llm_model_publish(buffer->name, buffer, flags, error);
	if (result)
		llm_buffer_put(buffer);

	spin_lock(&buffer->lock);
	buffer->state = result ? BUFFER_OPEN : BUFFER_SEALED;
	spin_unlock(&buffer->lock);
	if (result)
		pr_warn_ratelimited("model %s refused: %s\n", buffer->name, error->text);
	return result;
}

static int buffer_ioctl_seal(struct llm_buffer *buffer, void __user *user, size_t user_size)
{
	struct llm_error error = {};
	struct llm_model_seal args;
	size_t length;
	int result;

	result = copy_struct_from_user(&args, sizeof(args), user, user_size);
	if (result)
		return result;
	if (args.flags & ~LLM_SEAL_DEFAULT || args.reason_size > MAX_REASON ||
	    memchr_inv(args.reserved, 0, sizeof(args.reserved)))
		return -EINVAL;

	result = buffer_seal(buffer, args.flags, &error);
	if (result && args.reason_size) {
		length = min_t(size_t, sizeof(error.text), args.reason_size);
		length = strnlen(error.text, length - 1);
		error.text[length] = 0;
		if (copy_to_user(u64_to_user_ptr(args.reason), error.text, length + 1))
			return -EFAULT;
	}
	return result;
}

static long buffer_ioctl(struct file *file, unsigned int command, unsigned long argument)
{
	if (_IOC_TYPE(command) != LLM_IOC_MAGIC || _IOC_NR(command) != _IOC_NR(LLM_IOC_MODEL_SEAL))
		return -ENOTTY;
	return buffer_ioctl_seal(file->private_data, (void __user *)argument, _IOC_SIZE(command));
}

static int buffer_release(struct inode *inode, struct file *file)
{
	llm_buffer_put(file->private_data);
	return 0;
}

static const struct file_operations buffer_fops = {
	.owner = THIS_MODULE,
	.mmap = buffer_mmap,
	.unlocked_ioctl = buffer_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.release = buffer_release,
};

static u64 max_image_bytes(void)
{
	u64 mib = READ_ONCE(max_image_mib);
	u64 bytes = mib ? mib << 20 : (u64)totalram_pages() << (PAGE_SHIFT - 1);

	return min_t(u64, bytes, SIZE_MAX & PAGE_MASK);
}

struct file *llm_buffer_create(const char *name, u64 size)
{
	struct llm_buffer *buffer;
	struct file *file;

	if (!capable(CAP_SYS_ADMIN))
		return ERR_PTR(-EPERM);
	if (!size)
		return ERR_PTR(-EINVAL);
	if (llm_model_exists(name))
		return ERR_PTR(-EEXIST);
	if (size > max_image_bytes())
		return ERR_PTR(-EFBIG);

	buffer = buffer_alloc();
	if (!buffer)
		return ERR_PTR(-ENOMEM);
	strscpy(buffer->name, name, sizeof(buffer->name));
	buffer->size = size;
	buffer->data = llm_weights_alloc(size);
	if (!buffer->data) {
		llm_buffer_put(buffer);
		return ERR_PTR(-ENOMEM);
	}

	file = anon_inode_getfile("[llm-model]", &buffer_fops, buffer, O_RDWR);
	if (IS_ERR(file))
		llm_buffer_put(buffer);
	return file;
}

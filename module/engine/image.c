// SPDX-License-Identifier: GPL-2.0
#include "image.h"

#include "kv_layout.h"
#include "tensor.h"
#include "tokenizer.h"

#define MAX_SECTIONS	64
#define MAX_CONTEXT	(1U << 20)
#define MAX_WIDTH	(1U << 20)
#define MAX_SLOT_WIDTH	65536U
#define MAX_RECURRENT	(1U << 24)
#define MAX_DIMENSION	(1U << 24)
#define MAX_NAME	255
#define MAX_STRINGS	(64ULL << 20)
#define MAX_MERGES	(2ULL << 20)
#define MAX_TABLES	(8ULL << 20)

/*
 * What an array or struct section may be. Everything but the tensor data is
 * copied into memory of ours before a byte of it is believed.
 */
struct section_rule {
	const char *name;
	u32 entry;
	u32 least;
	u64 most;
};

static const struct section_rule rules[] = {
	[LLM_SECTION_MODEL] = { "model", sizeof(struct llm_image_model), 1, 1 },
	[LLM_SECTION_REGISTERS] = { "registers", sizeof(struct llm_image_register), 1, 64 },
	[LLM_SECTION_SLOTS] = { "slots", sizeof(struct llm_image_slot), 0, 1024 },
	[LLM_SECTION_PROGRAM] = { "program", sizeof(struct llm_insn), 1, 16384 },
	[LLM_SECTION_TENSORS] = { "tensors", sizeof(struct llm_image_tensor), 0, 65536 },
	[LLM_SECTION_TOKENIZER] = { "tokenizer", sizeof(struct llm_image_tokenizer), 1, 1 },
	[LLM_SECTION_VOCAB] = { "vocab", sizeof(struct llm_image_token), 1, 1 << 20 },
	[LLM_SECTION_STRINGS] = { "strings", 1, 0, MAX_STRINGS },
	[LLM_SECTION_DATA] = { "data", 1, 0, U64_MAX },
	[LLM_SECTION_MERGES] = { "merges", sizeof(struct llm_image_merge), 0, MAX_MERGES },
	[LLM_SECTION_SPLIT] = { "split", 1, 0, MAX_TABLES },
	[LLM_SECTION_FOLD] = { "fold", 1, 0, MAX_TABLES },
	[LLM_SECTION_CHAT] = { "chat", sizeof(struct llm_image_chat), 1, 1 },
	[LLM_SECTION_REPLACEMENTS] = {
		"replacements", sizeof(struct llm_image_replacement), 0, 1 << 20,
	},
	[LLM_SECTION_RANKING] = { "ranking", sizeof(struct llm_image_ranking), 1, 1 },
};

/* The image while it is taken apart. */
struct opening {
	u8 *bytes;
	u64 size;
	u64 body;
	struct llm_image_section sections[ARRAY_SIZE(rules)];
	u32 present;
	struct llm_image_tensor *tensors;
	struct llm_image *image;
	struct llm_error *error;
};

static bool all_zero(const void *memory, u32 length)
{
	const u8 *bytes = memory;
	u32 i;

	for (i = 0; i < length; i++)
		if (bytes[i])
			return false;
	return true;
}

/* A text field: terminated, and zero from its end on. */
static bool is_padded_text(const u8 *text, u32 size)
{
	u32 length = strnlen((const char *)text, size);

	return length < size && all_zero(text + length, size - length);
}

static int check_section(struct opening *o, const struct llm_image_section *s)
{
	const struct section_rule *rule;
	u64 end;

	if (!s->kind || s->kind >= ARRAY_SIZE(rules))
		return llm_refuse(o->error, -EOPNOTSUPP,
				  "section kind %u is not known to this version", s->kind);
	rule = &rules[s->kind];
	if (s->reserved)
		return llm_refuse(o->error, -EINVAL, "section %s: reserved field is not zero",
				  rule->name);
	if (o->present & 1U << s->kind)
		return llm_refuse(o->error, -EINVAL, "section %s: there are two", rule->name);
	if (!IS_ALIGNED(s->offset, LLM_IMAGE_ALIGN))
		return llm_refuse(o->error, -EINVAL,
				  "section %s: offset %llu is not a multiple of %u", rule->name,
				  (unsigned long long)s->offset, LLM_IMAGE_ALIGN);
	if (s->offset < o->body || check_add_overflow(s->offset, s->length, &end) ||
	    end > o->size)
		return llm_refuse(o->error, -EINVAL,
				  "section %s: %llu bytes at %llu are not within the image's %llu",
				  rule->name, (unsigned long long)s->length,
				  (unsigned long long)s->offset, (unsigned long long)o->size);
	if (s->length % rule->entry)
		return llm_refuse(o->error, -EINVAL,
				  "section %s: %llu bytes are not a whole number of entries of %u",
				  rule->name, (unsigned long long)s->length, rule->entry);
	if (s->length / rule->entry < rule->least)
		return llm_refuse(o->error, -EINVAL, "section %s: is empty", rule->name);
	if (s->length / rule->entry > rule->most)
		return llm_refuse(o->error, -E2BIG, "section %s: %llu entries, at most %llu",
				  rule->name, (unsigned long long)(s->length / rule->entry),
				  (unsigned long long)rule->most);
	o->sections[s->kind] = *s;
	o->present |= 1U << s->kind;
	return 0;
}

static int check_overlaps(struct opening *o)
{
	const struct llm_image_section *a, *b;
	u32 i, j;

	for (i = 1; i < ARRAY_SIZE(rules); i++) {
		for (j = 1; j < i; j++) {
			a = &o->sections[i];
			b = &o->sections[j];
			if (a->offset < b->offset + b->length && b->offset < a->offset + a->length)
				return llm_refuse(o->error, -EINVAL, "sections %s and %s overlap",
						  rules[j].name, rules[i].name);
		}
	}
	return 0;
}

static int read_header(struct opening *o)
{
	struct llm_image_header header;
	struct llm_image_section section;
	u32 i;
	int err;

	if (o->size < sizeof(header))
		return llm_refuse(o->error, -EINVAL,
				  "%llu bytes are too few to be an image",
				  (unsigned long long)o->size);
	memcpy(&header, o->bytes, sizeof(header));
	if (memcmp(header.magic, LLM_IMAGE_MAGIC, sizeof(header.magic)))
		return llm_refuse(o->error, -EINVAL, "this is not an image: it does not begin with "
				  LLM_IMAGE_MAGIC);
	if (header.version != LLM_IMAGE_VERSION)
		return llm_refuse(o->error, -EOPNOTSUPP, "image version %u, this kernel knows %u",
				  header.version, LLM_IMAGE_VERSION);
	if (!all_zero(header.reserved, sizeof(header.reserved)))
		return llm_refuse(o->error, -EINVAL, "header: reserved fields are not zero");
	if (header.size > o->size)
		return llm_refuse(o->error, -EINVAL,
				  "the image is cut off: it has %llu bytes, there are %llu",
				  (unsigned long long)header.size, (unsigned long long)o->size);
	o->size = header.size;
	if (!header.sections || header.sections > MAX_SECTIONS)
		return llm_refuse(o->error, -EINVAL, "header: %u sections, there can be 1 to %u",
				  header.sections, MAX_SECTIONS);
	o->body = sizeof(header) + (u64)header.sections * sizeof(section);
	if (o->body > o->size)
		return llm_refuse(o->error, -EINVAL,
				  "header: the table of %u sections is not within the image",
				  header.sections);
	for (i = 0; i < header.sections; i++) {
		memcpy(&section, o->bytes + sizeof(header) + i * sizeof(section), sizeof(section));
		err = check_section(o, &section);
		if (err)
			return err;
	}
	/* The later ones need not be there. */
	for (i = 1; i <= LLM_SECTION_DATA; i++)
		if (!(o->present & 1U << i))
			return llm_refuse(o->error, -EINVAL, "section %s is missing",
					  rules[i].name);
	return check_overlaps(o);
}

static u32 entries(const struct opening *o, u32 kind)
{
	return o->sections[kind].length / rules[kind].entry;
}

static void *copy_section(struct opening *o, u32 kind)
{
	const struct llm_image_section *s = &o->sections[kind];
	void *copy = llm_alloc(max_t(u64, s->length, 1));

	if (copy) {
		memcpy(copy, o->bytes + s->offset, s->length);
		o->image->copied += s->length;
	}
	return copy;
}

static int copy_sections(struct opening *o)
{
	struct llm_image *image = o->image;

	image->register_count = entries(o, LLM_SECTION_REGISTERS);
	image->slot_count = entries(o, LLM_SECTION_SLOTS);
	image->program_count = entries(o, LLM_SECTION_PROGRAM);
	image->tensor_count = entries(o, LLM_SECTION_TENSORS);
	image->strings_length = entries(o, LLM_SECTION_STRINGS);
	image->merge_count = entries(o, LLM_SECTION_MERGES);
	image->split_length = entries(o, LLM_SECTION_SPLIT);
	image->fold_length = entries(o, LLM_SECTION_FOLD);
	image->replacement_count = entries(o, LLM_SECTION_REPLACEMENTS);
	memcpy(&image->model, o->bytes + o->sections[LLM_SECTION_MODEL].offset,
	       sizeof(image->model));
	memcpy(&image->tokenizer, o->bytes + o->sections[LLM_SECTION_TOKENIZER].offset,
	       sizeof(image->tokenizer));
	image->registers = copy_section(o, LLM_SECTION_REGISTERS);
	image->slots = copy_section(o, LLM_SECTION_SLOTS);
	image->program = copy_section(o, LLM_SECTION_PROGRAM);
	image->vocab = copy_section(o, LLM_SECTION_VOCAB);
	image->strings = copy_section(o, LLM_SECTION_STRINGS);
	image->merges = copy_section(o, LLM_SECTION_MERGES);
	image->split = copy_section(o, LLM_SECTION_SPLIT);
	image->fold = copy_section(o, LLM_SECTION_FOLD);
	image->replacements = copy_section(o, LLM_SECTION_REPLACEMENTS);
	if (o->present & 1U << LLM_SECTION_CHAT)
		image->chat = copy_section(o, LLM_SECTION_CHAT);
	if (o->present & 1U << LLM_SECTION_RANKING)
		image->ranking = copy_section(o, LLM_SECTION_RANKING);
	o->tensors = copy_section(o, LLM_SECTION_TENSORS);
	image->tensors = llm_alloc((u64)max(image->tensor_count, 1U) * sizeof(*image->tensors));
	if (!image->registers || !image->slots || !image->program || !image->vocab ||
	    !image->strings || !image->merges || !image->split || !image->fold ||
	    !image->replacements || !o->tensors || !image->tensors ||
	    (o->present & 1U << LLM_SECTION_CHAT && !image->chat) ||
	    (o->present & 1U << LLM_SECTION_RANKING && !image->ranking))
		return llm_refuse(o->error, -ENOMEM, "out of memory for %llu bytes of description",
				  (unsigned long long)image->copied);
	image->data_length = o->sections[LLM_SECTION_DATA].length;
	return 0;
}

static int check_embedding(struct opening *o)
{
	const struct llm_image_model *m = &o->image->model;

	if (m->embedding == LLM_IMAGE_NONE) {
		if (m->pooling)
			return llm_refuse(o->error, -EINVAL,
					  "model: there is pooling %u, but no embedding",
					  m->pooling);
		return 0;
	}
	if (m->embedding >= o->image->register_count)
		return llm_refuse(o->error, -EINVAL,
				  "model: there is no register %u for embeddings", m->embedding);
	if (o->image->registers[m->embedding].rows != LLM_ROWS_OUTPUT)
		return llm_refuse(o->error, -EINVAL,
				  "model: register %u, the embedding, has the wrong kind of rows",
				  m->embedding);
	if (m->pooling < LLM_POOLING_NONE || m->pooling > LLM_POOLING_RANK)
		return llm_refuse(o->error, -EOPNOTSUPP, "model: pooling %u is not known",
				  m->pooling);
	return 0;
}

static int check_results(struct opening *o)
{
	const struct llm_image_model *m = &o->image->model;
	const struct llm_image_register *logits;

	if (m->logits == LLM_IMAGE_NONE && m->embedding == LLM_IMAGE_NONE)
		return llm_refuse(o->error, -EINVAL, "model: it has neither logits nor embeddings");
	if (m->logits == LLM_IMAGE_NONE)
		return check_embedding(o);
	if (m->logits >= o->image->register_count)
		return llm_refuse(o->error, -EINVAL, "model: there is no register %u for logits",
				  m->logits);
	logits = &o->image->registers[m->logits];
	if (logits->width != m->vocab_size || logits->rows != LLM_ROWS_OUTPUT)
		return llm_refuse(o->error, -EINVAL,
				  "model: register %u can't hold the logits of %u tokens",
				  m->logits, m->vocab_size);
	return check_embedding(o);
}

static int check_model(struct opening *o)
{
	const struct llm_image_model *m = &o->image->model;

	if (!is_padded_text(m->name, sizeof(m->name)) ||
	    !is_padded_text(m->architecture, sizeof(m->architecture)))
		return llm_refuse(o->error, -EINVAL, "model: a name is not NUL-padded");
	if (!all_zero(m->reserved, sizeof(m->reserved)))
		return llm_refuse(o->error, -EINVAL, "model: reserved fields are not zero");
	if (!m->context_length || m->context_length > MAX_CONTEXT)
		return llm_refuse(o->error, -EINVAL, "model: context length %u is not in 1..%u",
				  m->context_length, MAX_CONTEXT);
	if (m->vocab_size != entries(o, LLM_SECTION_VOCAB))
		return llm_refuse(o->error, -EINVAL,
				  "model: vocabulary size %u, but there are %u tokens",
				  m->vocab_size, entries(o, LLM_SECTION_VOCAB));
	return check_results(o);
}

static int check_registers(struct opening *o)
{
	const struct llm_image_register *r;
	u32 i;

	for (i = 0; i < o->image->register_count; i++) {
		r = &o->image->registers[i];
		if (!r->width || r->width > MAX_WIDTH)
			return llm_refuse(o->error, -EINVAL, "register %u: width %u is not in 1..%u",
					  i, r->width, MAX_WIDTH);
		if (r->rows != LLM_ROWS_BATCH && r->rows != LLM_ROWS_OUTPUT)
			return llm_refuse(o->error, -EINVAL, "register %u: rows %u are not known",
					  i, r->rows);
	}
	return 0;
}

static bool slot_is_known(const struct llm_image_slot *s)
{
	return s->kind == LLM_SLOT_RECURRENT ? s->type == LLM_TENSOR_F32 :
					       s->kind == LLM_SLOT_KV && llm_kv_is_known(s->type);
}

static bool slot_is_wide_enough(const struct llm_image_slot *s)
{
	if (s->kind == LLM_SLOT_RECURRENT)
		return s->key_width && s->key_width <= MAX_RECURRENT && !s->value_width;
	return s->key_width && s->key_width <= MAX_SLOT_WIDTH &&
	       s->value_width && s->value_width <= MAX_SLOT_WIDTH;
}

static int check_slots(struct opening *o)
{
	const struct llm_image_slot *s;
	u32 i;

	for (i = 0; i < o->image->slot_count; i++) {
		s = &o->image->slots[i];
		if (!slot_is_known(s))
			return llm_refuse(o->error, -EOPNOTSUPP,
					  "slot %u: kind %u of type %u is not known", i, s->kind,
					  s->type);
		if (!slot_is_wide_enough(s))
			return llm_refuse(o->error, -EINVAL,
					  "slot %u: widths %u and %u are not those of its kind", i,
					  s->key_width, s->value_width);
	}
	return 0;
}

static int check_tensor(struct opening *o, u32 i)
{
	const struct llm_image_tensor *t = &o->tensors[i];
	const struct llm_type *type = llm_type_find(t->type);
	struct llm_tensor *tensor = &o->image->tensors[i];
	u64 end, free = i ? o->tensors[i - 1].offset + o->tensors[i - 1].length : 0;

	if (!type || t->layout)
		return llm_refuse(o->error, -EOPNOTSUPP, "tensor %u: type %u, layout %u is not known",
				  i, t->type, t->layout);
	if (!t->columns || t->columns > MAX_DIMENSION || !t->rows || t->rows > MAX_DIMENSION)
		return llm_refuse(o->error, -EINVAL, "tensor %u: %u columns, %u rows are not in 1..%u",
				  i, t->columns, t->rows, MAX_DIMENSION);
	if (t->columns % type->block)
		return llm_refuse(o->error, -EINVAL,
				  "tensor %u: %u columns are not whole blocks of %s", i, t->columns,
				  type->name);
	tensor->row_bytes = (u64)t->columns / type->block * type->bytes;
	if (t->length != tensor->row_bytes * t->rows)
		return llm_refuse(o->error, -EINVAL, "tensor %u: has %llu bytes, needs %llu", i,
				  (unsigned long long)t->length,
				  (unsigned long long)(tensor->row_bytes * t->rows));
	if (!IS_ALIGNED(t->offset, LLM_IMAGE_ALIGN))
		return llm_refuse(o->error, -EINVAL, "tensor %u: offset %llu is not a multiple of %u",
				  i, (unsigned long long)t->offset, LLM_IMAGE_ALIGN);
	if (check_add_overflow(t->offset, t->length, &end) || end > o->image->data_length)
		return llm_refuse(o->error, -EINVAL,
				  "tensor %u: %llu bytes at %llu are not within the data", i,
				  (unsigned long long)t->length, (unsigned long long)t->offset);
	if (t->offset < free)
		return llm_refuse(o->error, -EINVAL,
				  "tensor %u: begins at %llu, before the one before it ends", i,
				  (unsigned long long)t->offset);
	if (t->name_length > MAX_NAME ||
	    (u64)t->name_offset + t->name_length > o->image->strings_length)
		return llm_refuse(o->error, -EINVAL,
				  "tensor %u: name is not within the strings", i);
	tensor->data = o->bytes + o->sections[LLM_SECTION_DATA].offset + t->offset;
	tensor->type = t->type;
	tensor->columns = t->columns;
	tensor->rows = t->rows;
	return 0;
}

static int check_tensors(struct opening *o)
{
	u32 i;
	int err;

	for (i = 0; i < o->image->tensor_count; i++) {
		err = check_tensor(o, i);
		if (err)
			return err;
	}
	return 0;
}

static int check_tokenizer(struct opening *o)
{
	return llm_tokenizer_verify(o->image, o->error);
}

int llm_image_check_chat(const struct llm_image_chat *chat, struct llm_error *error)
{
	const u8 *const pieces[] = {
		chat->first, chat->system, chat->system_end, chat->reply, chat->next,
	};
	u32 i;

	if (chat->flags & ~(LLM_CHAT_TRIM | LLM_CHAT_UNKNOWN))
		return llm_refuse(error, -EOPNOTSUPP, "chat template: flags %#x are not known",
				  chat->flags & ~(LLM_CHAT_TRIM | LLM_CHAT_UNKNOWN));
	if (!all_zero(chat->reserved, sizeof(chat->reserved)))
		return llm_refuse(error, -EINVAL, "chat template: reserved fields are not zero");
	if (!is_padded_text(chat->name, sizeof(chat->name)))
		return llm_refuse(error, -EINVAL, "chat template: the name is not NUL-padded");
	for (i = 0; i < ARRAY_SIZE(pieces); i++) {
		if (!is_padded_text(pieces[i], LLM_CHAT_PIECE))
			return llm_refuse(error, -EINVAL,
					  "chat template: piece %u is not NUL-padded", i);
		if (chat->flags & LLM_CHAT_UNKNOWN && *pieces[i])
			return llm_refuse(error, -EINVAL,
					  "chat template: it is not known, yet has piece %u", i);
	}
	return 0;
}

static int check_chat(struct opening *o)
{
	return o->image->chat ? llm_image_check_chat(o->image->chat, o->error) : 0;
}

static int check_ranking(struct opening *o)
{
	const struct llm_image_ranking *ranking = o->image->ranking;

	if (!ranking)
		return 0;
	if (o->image->model.pooling != LLM_POOLING_RANK)
		return llm_refuse(o->error, -EINVAL, "ranking: pooling %u does not rank",
				  o->image->model.pooling);
	if (!is_padded_text(ranking->before, LLM_RANKING_PIECE) ||
	    !is_padded_text(ranking->between, LLM_RANKING_PIECE) ||
	    !is_padded_text(ranking->after, LLM_RANKING_PIECE))
		return llm_refuse(o->error, -EINVAL, "ranking: a piece is not NUL-padded");
	return 0;
}

static int open_image(struct opening *o)
{
	static int (*const checks[])(struct opening *o) = {
		read_header, copy_sections, check_registers, check_model, check_slots,
		check_tensors, check_tokenizer, check_chat, check_ranking,
	};
	u32 i;
	int err;

	for (i = 0; i < ARRAY_SIZE(checks); i++) {
		err = checks[i](o);
		if (err)
			return err;
	}
	return 0;
}

int llm_image_open(struct llm_image **opened, void *bytes, u64 size,
		   struct llm_error *error)
{
	struct opening *o;
	int err = -ENOMEM;

	o = llm_alloc(sizeof(*o));
	if (!o)
		return llm_refuse(error, -ENOMEM, "out of memory");
	o->bytes = bytes;
	o->size = size;
	o->error = error;
	o->image = llm_alloc(sizeof(*o->image));
	if (o->image)
		err = open_image(o);
	if (err)
		llm_image_close(o->image);
	else
		*opened = o->image;
	llm_free(o->tensors);
	llm_free(o);
	return err;
}

void llm_image_close(struct llm_image *image)
{
	if (!image)
		return;
	llm_free(image->registers);
	llm_free(image->slots);
	llm_free(image->program);
	llm_free(image->tensors);
	llm_free(image->vocab);
	llm_free(image->chat);
	llm_free(image->ranking);
	llm_free(image->strings);
	llm_free(image->merges);
	llm_free(image->split);
	llm_free(image->fold);
	llm_free(image->replacements);
	llm_free(image);
}

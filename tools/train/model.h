/* SPDX-License-Identifier: GPL-2.0 */
/* The Llama-shaped model: its tensors and its graph of layers. */
#ifndef TRAIN_MODEL_H
#define TRAIN_MODEL_H

#include "nn/graph.h"
#include "settings.h"

/**
 * struct tensor - one tensor of the model
 * @name: as a GGUF file calls it
 * @at: where it begins in the parameters
 * @rows: rows; 1 for a vector
 * @cols: columns
 * @spread: standard deviation it begins with; 0 begins with ones
 */
struct tensor {
	char name[40];
	size_t at;
	int rows;
	int cols;
	double spread;
};

/**
 * struct model - a model and the memory it is trained in
 * @s: its settings
 * @vocab: tokens
 * @sequences: sequences in one pass
 * @tensors: all tensors, in the order of the parameters
 * @tensor_count: how many
 * @count: number of parameters
 * @params: parameters
 * @grad: their gradient
 * @graph: layers over @sequences sequences, the loss of each row at its end
 */
struct model {
	const struct settings *s;
	int vocab;
	int sequences;
	struct tensor *tensors;
	int tensor_count;
	size_t count;
	real *params;
	real *grad;
	struct nn_graph graph;
};

/**
 * model_new - tensors, graph and memory; parameters as they begin
 * @s: settings; dies where they do not fit each other. Kept by reference
 * @vocab: tokens
 * @sequences: sequences in one pass, of s->context tokens
 *
 * Return: the model.
 */
struct model model_new(const struct settings *s, int vocab, int sequences);

/**
 * model_free - give it back
 * @m: model
 */
void model_free(struct model *m);

/**
 * model_loss - forward
 * @m: model
 * @ids: tokens, sequences × context
 * @targets: the token after each, -1 where it does not count
 *
 * Return: the sum over the rows of the negative log-likelihoods, in nats.
 */
double model_loss(struct model *m, const int32_t *ids, const int32_t *targets);

/**
 * model_backward - add to the gradient; follows model_loss() on the same tokens
 * @m: model
 * @scale: factor of the sum, one over the number of rows for their mean
 */
void model_backward(struct model *m, double scale);

/**
 * model_logits - forward as far as the logits
 * @m: model
 * @ids: tokens, sequences × context
 *
 * Return: sequences × context rows of @vocab logits.
 */
const real *model_logits(struct model *m, const int32_t *ids);

#endif

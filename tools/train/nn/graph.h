/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A graph of layers: nodes in the order they run, each writing one buffer, with
 * all parameters in one flat array and all gradients in another of the same
 * layout. Two nodes may use the same parameters (a tied output, a recurrent cell).
 */
#ifndef NN_GRAPH_H
#define NN_GRAPH_H

#include "nn.h"

#define NN_MAX_NODES 1024
#define NN_NONE ((size_t)-1)

/**
 * struct nn_node - one use of a layer
 * @kind: which layer
 * @shape: its dimensions
 * @x: index of the node whose output is the input, or -1: an NN_EMBED, or
 *	the graph's input
 * @x2: NN_ADD: index of the node with the other input
 * @w: where its weights begin in the parameters, NN_NONE for none
 * @b: where its biases begin in the parameters, NN_NONE for none
 * @y: output, rows × out
 * @dy: gradient of the output
 * @save: what the forward function keeps
 */
struct nn_node {
	enum nn_kind kind;
	struct nn_shape shape;
	int x;
	int x2;
	size_t w;
	size_t b;
	real *y;
	real *dy;
	real *save;
};

/**
 * struct nn_graph - the nodes and what they share
 * @nodes: in the order they run
 * @count: how many
 * @input: input of the nodes with no other, rows × in, for graphs without NN_EMBED
 * @dinput: gradient of @input, added to; needed where @input is
 * @ids: rows for NN_EMBED
 * @targets: targets for NN_CROSS_ENTROPY
 * @target: targets for NN_SQUARED_ERROR and NN_BINARY_CROSS_ENTROPY
 * @memory: the buffers of all nodes, in one piece
 * @grads: length of the part of it that holds gradients, which is its beginning
 * @train: whether dropout drops
 * @seed: for dropout; the caller changes it every step
 * @row0: number of the first row in the whole batch, see &struct nn_args
 */
struct nn_graph {
	struct nn_node nodes[NN_MAX_NODES];
	int count;
	const real *input;
	real *dinput;
	const int32_t *ids;
	const int32_t *targets;
	const real *target;
	real *memory;
	size_t grads;
	bool train;
	uint64_t seed;
	uint64_t row0;
};

/**
 * nn_graph_add - append a node
 * @g: graph, all zero at first
 * @kind: layer
 * @shape: dimensions
 * @x: see &struct nn_node
 * @x2: see &struct nn_node
 * @w: see &struct nn_node
 * @b: see &struct nn_node
 *
 * Return: the index of the node, or -1 when there are NN_MAX_NODES.
 */
int nn_graph_add(struct nn_graph *g, enum nn_kind kind, const struct nn_shape *shape,
		 int x, int x2, size_t w, size_t b);

/**
 * nn_graph_alloc - give the nodes their buffers
 * @g: graph, complete
 *
 * Return: false when memory is short.
 */
bool nn_graph_alloc(struct nn_graph *g);

/**
 * nn_graph_free - give the buffers back
 * @g: graph
 */
void nn_graph_free(struct nn_graph *g);

/**
 * nn_graph_forward - run the nodes
 * @g: graph with buffers; its ids, targets and input set
 * @params: parameters
 * @end: one past the last node to run
 */
void nn_graph_forward(struct nn_graph *g, const real *params, int end);

/**
 * nn_graph_backward - run the nodes backwards
 * @g: graph after nn_graph_forward() of all nodes
 * @params: the same parameters
 * @grad: gradient of the parameters, added to
 * @scale: gradient of the loss by each row of the last node's output
 */
void nn_graph_backward(struct nn_graph *g, const real *params, real *grad, real scale);

#endif

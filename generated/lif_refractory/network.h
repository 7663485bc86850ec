/* Made by `saltus emit` from lif_refractory.toml (network; ir.json d707681a5c4a). Do not edit: change the spec or the templates and run it again. */
#ifndef SALTUS_NETWORK_H
#define SALTUS_NETWORK_H

#include <stdint.h>

/* A recurrent network of populations of any of this unit's models: sparse projections with delays, at exact times.
 * Sources are the channels of the input, then the neurons of all populations. Times in seconds. */
typedef struct {
    int32_t model, first, count; /* neurons first ... first + count - 1 */
    int64_t first_parameter;     /* of this population in the gradient of the parameters */
    const double *parameters;    /* [parameters of the model][count] */
} saltus_population;

/* Synapses by source; those of one source in the order of their delays. */
typedef struct {
    int32_t first_source, sources, population, receptor;
    const int64_t *start;  /* [sources + 1] */
    const int32_t *target; /* [synapses] within the population */
    const int64_t *index;  /* [synapses] place in the caller's arrays of weights and delays */
    const double *weight;  /* [all synapses of the network], in the caller's order */
    const double *delay;   /* the same, or NULL where all are zero */
} saltus_projection;

typedef struct {
    int32_t channels, neurons, populations, projections, batch, chunks;
    int64_t synapses, parameters; /* sizes of the gradients of one chunk */
    double horizon;               /* T */
    double tolerance;             /* of flows without a closed form: local error, relative and absolute */
    const saltus_population *population;
    const saltus_projection *projection;
    const int32_t *population_of; /* [neurons] */
} saltus_network;

/* Incoming spikes: event i of sample b is at start[b] + i, sorted by time. channel -1: a probe; channel -2 - k: the
 * input state k mod 2 of neuron k div 2 becomes value. */
typedef struct {
    const double *time;
    const int32_t *channel;
    const double *value; /* may be NULL where no input state is set */
    const int64_t *start;
    const int32_t *count;
} saltus_input;

/* Outgoing spikes, sorted by time: spike i of sample b is at b * capacity + i. */
typedef struct {
    int64_t capacity;
    int32_t *count;       /* [batch] */
    double *time;         /* [batch][capacity] */
    int32_t *neuron;      /* [batch][capacity] among all neurons */
    double *slope;        /* [batch][capacity] time derivative of the guard; infinite where an arrival made the spike */
    int32_t *joined;      /* [batch] spikes that arrive, without delay, at a neuron that spikes at the same time */
    int32_t *tied;        /* [batch] pairs of events of one neuron at one time, whose order makes a difference */
    double *peak;         /* [batch][neurons][1] maxima over time, or NULL */
    double *peak_time;    /* the same: where they are attained first */
} saltus_output;

/* What the loss says: dL/dt of each outgoing spike, dL/dx(T) (or NULL), all of one sample side by side. */
typedef struct {
    const double *time;  /* [batch][capacity] */
    const double *final; /* [batch][neurons][2] */
    const double *probe; /* [events][neurons][2] dL/dx just after each probe, or NULL */
    const double *peak;  /* [batch][neurons][1] dL/dmaximum, or NULL */
} saltus_network_cotangent;

/* One slice a chunk of samples; NULL where not wanted. */
typedef struct {
    double *weights;    /* [chunks][synapses] */
    double *delays;     /* [chunks][synapses] */
    double *parameters; /* [chunks][parameters] */
    double *event_time; /* like the input */
    double *event_value; /* like the input: dL/dvalue where an input state is set */
} saltus_network_gradient;

/* code: 0 done, 1 spikes beyond capacity (needed: a capacity to retry with), 2 starts at or above threshold,
 * 3 at or above threshold after its reset, 4 the workspace is too small (needed: tape entries to retry with),
 * 5 a root search did not converge, 6 an integration step became too small, 7 a cascade of spikes without delay
 * comes back to a neuron that has just spiked, 8 at or above threshold at the end of a phase, 9 spikes accumulate, 10 the
 * window of a maximum is none. */
typedef struct {
    int32_t code, sample, neuron;
    double time;
    int64_t needed;
} saltus_status;

int32_t saltus_abi(void);

/* Bytes of workspace that one thread needs for a tape of so many entries. */
int64_t saltus_network_workspace(const saltus_network *net, int64_t entries);

/* The trajectories of the samples of chunks [first, last). final: [batch][neurons][2] or NULL;
 * record: [events][neurons][2], the states after each event, or NULL. */
int32_t saltus_network_forward(const saltus_network *net, const saltus_input *in, saltus_output *out, double *final,
                               double *record, int32_t first, int32_t last, int32_t threads, char *workspace,
                               int64_t bytes, int64_t entries, saltus_status *status);

/* The gradients; each sample is simulated once more, so that no tape outlives a call. */
int32_t saltus_network_backward(const saltus_network *net, const saltus_input *in, saltus_output *out,
                                const saltus_network_cotangent *cotangent, const saltus_network_gradient *gradient,
                                double *record, int32_t first, int32_t last, int32_t threads, char *workspace,
                                int64_t bytes, int64_t entries, saltus_status *status);

/* Adds the chunks' gradients into the first chunk's, in a tree whose shape depends on nothing but chunks. */
void saltus_network_reduce(const saltus_network *net, const saltus_network_gradient *gradient);

#endif

/* Made by `saltus emit` from ei.toml (event; ir.json 3cdd3927dc7a). Do not edit: change the spec or the templates and run it again. */
#ifndef SALTUS_EVENT_H
#define SALTUS_EVENT_H

#include <stdint.h>

/* One group of n neurons of one model, n_pad = n rounded up to a multiple of 8. Times in seconds. */
typedef struct {
    int32_t n, n_pad, rows, batch, chunks;
    double horizon;                /* T */
    int32_t flow_shared;           /* 1: the parameters of the flow are equal for all neurons */
    int32_t max_spikes;            /* stop a neuron after so many spikes; 0: never (feed-forward groups only) */
    const double *parameters;      /* [parameters][n_pad], in the order of ir.json */
    const double *weights;         /* [rows][n_pad]: a row is what one presynaptic neuron sends */
    const int32_t *receptor;       /* [rows] */
    const double *recurrent;       /* [n][n_pad], or NULL for a feed-forward group */
    const uint8_t *recurrent_mask; /* [n][n_pad]: 1 where a synapse exists */
    int32_t recurrent_receptor;
    const int32_t *line;           /* [n + 1] the first of the lines by which a neuron's spikes arrive later, or NULL */
    const double *line_delay;      /* [lines] ascending for each neuron */
    const int32_t *line_row;       /* [lines] the row of weights */
    int32_t most_lines;            /* of one neuron */
} saltus_group;

/* Incoming spikes: event i of sample b is at start[b] + i, sorted by time; row -1 is a probe without an arrival. Where
 * spikes of the group itself arrive, the gradient is that of all events which the forward run has written down. */
typedef struct {
    const double *time;
    const int32_t *row;
    const int64_t *start;
    const int32_t *count;
    const int64_t *origin; /* see saltus_spikes, or NULL: all are from outside */
} saltus_events;

/* Outgoing spikes, sorted by time: spike i of sample b is at start[b] + i. The samples of a chunk lie one behind another, as
 * memory sends on what follows. */
typedef struct {
    int64_t capacity;
    int64_t *start;
    int32_t *count;       /* [batch] */
    double *time;         /* [batch * capacity] */
    int32_t *neuron;      /* [batch * capacity] */
    int32_t *after;       /* [batch * capacity]: events that came before the spike */
    double *state;        /* [states][batch * capacity]: states of the neuron just before its spike */
    double *slope;        /* [batch * capacity]: time derivative of the guard there */
    double *nearest_miss; /* [batch]: least distance to threshold of a maximum below it, between two events, that was looked at */
    int32_t *joined;      /* [batch]: pairs of spikes at one time joined by a synapse without delay */
    double *event_time;   /* all events, those of the group's own spikes among them, or NULL where it has no lines: event i */
    int32_t *event_row;   /* of sample b is at event_start[b] + i; there is room for most_lines * capacity more than come in */
    int64_t *event_origin; /* the place of the spike that arrives, or -1 - the place of what came in */
    const int64_t *event_start;
    int32_t *event_count;
} saltus_spikes;

/* What the loss says: dL/dt of each outgoing spike, dL/dx(T) of each state (or NULL). */
typedef struct {
    const double *time;  /* like the spikes */
    const double *final; /* [batch][states][n_pad] */
} saltus_cotangent;

/* Gradients wanted (bits: 1 weights, 2 event times, 4 parameters, 8 delays, 32 also those of the flow and of arrivals), one
 * slice a chunk of samples. */
typedef struct {
    uint32_t want;
    double *weights;    /* [chunks][rows][n_pad] */
    double *delays;     /* the same: what a later arrival of the row at each neuron would be worth */
    double *recurrent;  /* [chunks][n][n_pad] */
    double *parameters; /* [chunks][parameters][n_pad] */
    double *event_time; /* like the events */
} saltus_gradient;

/* code: 0 done, 1 spikes beyond capacity (needed: a capacity to retry with), 2 starts at or above threshold,
 * 3 at or above threshold after its reset, 4 the workspace is too small (needed: bytes a thread),
 * 5 a root search did not converge. */
typedef struct {
    int32_t code, sample, neuron;
    double time;
    int64_t needed;
} saltus_status;

int32_t saltus_abi(void);

/* Bytes of workspace that one thread needs for samples of at most events and spikes. */
int64_t saltus_workspace(const saltus_group *g, int64_t events, int64_t spikes);

/* The trajectories of the samples of chunks [first, last). final: [batch][states][n_pad] or NULL;
 * record: [events][states][n_pad], the states after each event, or NULL. workspace: threads * bytes. */
int32_t saltus_forward(const saltus_group *g, const saltus_events *in, saltus_spikes *out, double *final,
                       double *record, int32_t first, int32_t last, int32_t threads, char *workspace,
                       int64_t bytes, saltus_status *status);

/* The gradients. record: [events][states][n_pad], the adjoints after each event (in forward time), or NULL. */
int32_t saltus_backward(const saltus_group *g, const saltus_events *in, const saltus_spikes *out,
                        const saltus_cotangent *cotangent, const saltus_gradient *gradient, double *record,
                        int32_t first, int32_t last, int32_t threads, char *workspace, int64_t bytes,
                        saltus_status *status);

/* Adds the chunks' gradients into the first chunk's, in a tree whose shape depends on nothing but chunks. */
void saltus_reduce(const saltus_group *g, const saltus_gradient *gradient);

#endif

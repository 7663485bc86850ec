/* Made by `saltus emit` from lif_bias.toml (clock; ir.json 2bd6640d3fdc). Do not edit: change the spec or the templates and run it again. */
#ifndef SALTUS_CLOCK_H
#define SALTUS_CLOCK_H

#include <stdint.h>

/* A group of populations on a grid of time steps. Sources are the channels of the input, then the neurons of all
 * populations. A population has `lanes` places for its neurons, the last of them empty: a multiple of 64 bytes. */
typedef float saltus_real;

typedef struct {
    int32_t model, first, count; /* neurons first ... first + count - 1 */
    int32_t lanes, first_lane;   /* among the lanes of the group */
    int32_t shared;              /* all its neurons have the same parameters */
    int32_t first_port;
    int64_t stride;              /* of parameters */
    int64_t first_parameter;     /* of this population in the gradient of the parameters */
    int64_t first_moment;        /* and in its moments */
    const double *parameters;    /* [parameters of the model][stride] */
    saltus_real *values;         /* [values of the model][lanes], see saltus_clock_prepare */
} saltus_clock_population;

/* A receptor of a population: where rows of synapses end. */
typedef struct {
    int32_t population, receptor, lanes, first_lane; /* among the lanes of all ports */
    int32_t scattered;         /* sparse rows end here, too */
    int32_t rows;              /* dense ones */
    const saltus_real *weight; /* [rows][lanes] */
} saltus_clock_port;

/* The synapses of one source with one delay onto one port. */
typedef struct {
    int64_t at;     /* of its first weight */
    int64_t target; /* of its first target in `targets`; -1: dense, a weight for each lane of the port */
    int32_t count;  /* synapses; of a dense row: its number among those of the port */
    int32_t port;
} saltus_clock_row;

typedef struct {
    int32_t channels, neurons, lanes, port_lanes, populations, ports, classes, batch, chunks, steps, samples;
    int32_t at_end;        /* it is read at the end alone, and sends no spikes: one population, alike neurons */
    int32_t plain;         /* one port, no delays; row s is dense and the only one of source s: of channels (1), of all (2) */
    int32_t most;          /* rows that reach one port in one step, at most */
    int32_t block;         /* steps of the weight gradient that are added up at a time, at most 8191 */
    int64_t weights, parameters, moments; /* sizes for one chunk of samples */
    double dt;
    const saltus_clock_population *population;
    const saltus_clock_port *port;
    const saltus_clock_row *row;
    const int64_t *row_start;     /* [classes][sources + 1] */
    const int32_t *delay;         /* [classes] in steps */
    const int32_t *targets;       /* lanes of the port */
    const saltus_real *weight;
    const int32_t *population_of; /* [neurons] */
    saltus_real *tables;          /* where at_end: see saltus_clock_tables */
    const int32_t *sample_step;   /* [samples] at which states are read, ascending */
} saltus_clock;

/* What input states are set to: setting i of sample b is at start[b] + i, in the order of time. */
typedef struct {
    const int64_t *start;
    const int32_t *neuron, *state;
    const double *value;
    const int32_t *first; /* [batch][steps + 2] first setting of each step, as saltus_clock_bin gives it */
} saltus_clock_settings;

/* Incoming spikes by channel, in each block of steps from the last one on, channels by how many they have there: what the first
 * backward run finds, for the next ones. */
enum { SALTUS_CLOCK_MANY = 32 };
typedef struct {
    int32_t *order, *size; /* [batch][blocks][channels] the channels, and how many spikes each of these has */
    int32_t *end;          /* [batch][blocks][SALTUS_CLOCK_MANY + 1] of those with 0, 1, ... spikes, and with so many or more */
    uint16_t *at;          /* like the input: 8 times the step in its block, channel after channel */
    uint8_t *done;         /* [batch][blocks] whether it has found them */
} saltus_clock_sorted;

/* Incoming spikes: event i of sample b is at start[b] + i, in the order of time. */
typedef struct {
    const int64_t *start;
    const int32_t *count;
    const int32_t *channel;
    const int32_t *step;  /* this and the next as saltus_clock_bin gives them: the step at which each event acts, */
    const int32_t *first; /* [batch][steps + 2] and the first event of each step */
    const saltus_clock_sorted *sorted; /* NULL: not kept */
    const saltus_clock_settings *settings; /* NULL: none */
} saltus_clock_input;

/* Outgoing spikes, sorted by step and neuron: spike i of sample b is at b * capacity + i. */
typedef struct {
    int64_t capacity;
    int32_t *count;     /* [batch] */
    int32_t *first;     /* [batch][steps + 2] of those recorded at each step */
    int32_t *step;      /* [batch][capacity] at whose grid point it is recorded */
    double *time;       /* [batch][capacity] of the crossing inside the step */
    int32_t *neuron;    /* [batch][capacity] among all neurons */
    double *slope;      /* [batch][capacity] time derivative of the guard at the crossing */
    saltus_real *state; /* [batch][capacity][3] there */
    double *final;      /* [batch][neurons][3] */
    saltus_real *moved;    /* [batch][capacity][TANGENTS] how its time moves with each parameter of the flow, if no spike before does */
    double *final_tangent; /* [batch][neurons][TANGENTS] how states at the end move with them, if no spike does; both NULL: not wanted */
    double *sampled;    /* [batch][samples][neurons][3] just before what arrives then */
} saltus_clock_output;

/* dL/dt of each spike, dL/dx(T) and dL/d(sampled); NULL: zero. */
typedef struct {
    const double *time;
    const double *final;
    const double *sampled;
} saltus_clock_cotangent;

/* One slice a chunk of samples; NULL where not wanted. */
typedef struct {
    saltus_real *weights; /* [chunks][weights] the dense rows of each port column by column, 64 bytes of each row */
    saltus_real *delays;  /* [chunks][weights] the same: dL/d(delay), to be multiplied by the weight */
    double *parameters;   /* [chunks][parameters] */
    double *moments;      /* [chunks][moments] sums over steps of adjoint at the end times state at the start */
    double *event_time;   /* like the input */
    double *value;        /* like the settings: dL/d(what input states are set to) */
} saltus_clock_gradient;

/* code: 0 done, 1 spikes beyond capacity (needed: a capacity to retry with), 2 starts at or above threshold,
 * 3 at or above threshold after its reset, 4 the workspace is too small (needed: bytes). */
typedef struct {
    int32_t code, sample, neuron;
    double time;
    int64_t needed;
} saltus_status;

int32_t saltus_abi(void);

/* Values that a model needs on the grid, and sums of adjoint times state for its parameters, of one neuron. */
int32_t saltus_clock_values(int32_t model);
int32_t saltus_clock_moments(int32_t model);

/* How many numbers the tables of a population that is read at the end have. */
int64_t saltus_clock_tables(const saltus_clock *net);

/* Rows of weights that the user gave, [rows][columns], as the kernel has them, [rows][lanes]: whether they are the same. */
int32_t saltus_clock_same(const double *given, int64_t rows, int64_t columns, int64_t lanes, const saltus_real *mine);

/* Puts them there; whether all are finite. */
int32_t saltus_clock_read(const double *given, int64_t rows, int64_t columns, int64_t lanes, saltus_real *mine);

/* How many TANGENTS a run can carry for the gradient of the flow's parameters, which then needs no states of other steps; 0: it cannot. */
int32_t saltus_clock_tangents(const saltus_clock *net);

/* Fills the values of all populations: parameters, constants and the entries of the flow over one step; and tables.
 * Returns the first neuron that starts at or above threshold, -1 for none. */
int32_t saltus_clock_prepare(const saltus_clock *net);

/* A spike acts at the first step at or after it. */
void saltus_clock_bin(int32_t batch, int32_t steps, double dt, const int64_t *start, const int32_t *count,
                      const double *time, int32_t *step, int32_t *first);

/* Bytes of workspace that one thread needs: forward, or backward for the gradients that are wanted. */
int64_t saltus_clock_workspace(const saltus_clock *net, int64_t capacity, int64_t events,
                               const saltus_clock_gradient *gradient);

/* The trajectories of the samples of chunks [first, last). */
int32_t saltus_clock_forward(const saltus_clock *net, const saltus_clock_input *in, saltus_clock_output *out,
                             int32_t first, int32_t last, int32_t threads, char *workspace, int64_t bytes,
                             int64_t events, saltus_status *status);

/* The gradients, from what the forward run left. */
int32_t saltus_clock_backward(const saltus_clock *net, const saltus_clock_input *in, saltus_clock_output *out,
                              const saltus_clock_cotangent *cotangent, const saltus_clock_gradient *gradient,
                              int32_t first, int32_t last, int32_t threads, char *workspace, int64_t bytes,
                              int64_t events, saltus_status *status);

/* Adds up the chunks' gradients of weights or delays, in the order of the chunks: pieces [first, last) of all. total: one number
 * for each weight, in their order. */
int32_t saltus_clock_pieces(const saltus_clock *net);
int32_t saltus_clock_sum(const saltus_clock *net, const saltus_real *sums, double *total, int32_t first, int32_t last, int32_t threads);

/* Adds those of parameters into the first chunk's, in a tree whose shape depends on nothing but chunks, and the moments to the
 * parameters. */
void saltus_clock_reduce(const saltus_clock *net, const saltus_clock_gradient *gradient);

#endif

/* Made by `saltus emit` from li.toml (event; ir.json 8e685e2ba8e6). Do not edit: change the spec or the templates and run it again.
 *
 * The event engine for a group of li neurons: exact spike times forward, exact gradients backward.
 * The equations are in model.h; here are only loops, memory and the order of things.
 */
#define _GNU_SOURCE /* sched.h */
#include "event.h"
#include "model.h"

/* What is so for every group that a unit is compiled for: what none of them needs is left out of it, which takes gcc a third of
 * the time. Where nothing is defined, it is for any group. */
#ifdef SALTUS_FLOW_SHARED
#define FLOW_SHARED(g) (SALTUS_FLOW_SHARED || (g)->flow_shared) /* neurons that may differ need not */
#define RECURRENT(g) SALTUS_RECURRENT
#define LINED(g) SALTUS_LINED
#pragma GCC diagnostic ignored "-Wunused-function"
#else
#define FLOW_SHARED(g) ((g)->flow_shared)
#define RECURRENT(g) ((g)->recurrent != NULL)
#define LINED(g) ((g)->line != NULL)
#endif

#ifdef _OPENMP
#include <omp.h>
#ifdef __linux__
#include <sched.h>
#endif

/* Where the calling thread runs; negative: not known, or nobody helps. */
static int here(int threads)
{
#ifdef __linux__
    if (threads > 1) return sched_getcpu();
#endif
    (void)threads;
    return -1;
}

/* The threads that help stay off the processor of the one that calls them. On a virtual machine, Linux takes a processor that is halted
 * for one that the host has taken away, and a thread that wakes may have to wait on its caller's, for milliseconds. */
static void make_way(int caller)
{
#ifdef __linux__
    cpu_set_t may, others;
    if (omp_get_thread_num() == 0 || caller < 0 || sched_getcpu() != caller) return;
    if (sched_getaffinity(0, sizeof may, &may) != 0) return;
    others = may;
    CPU_CLR(caller, &others);
    if (sched_setaffinity(0, sizeof others, &others) == 0) sched_setaffinity(0, sizeof may, &may); /* or it may run nowhere else */
#else
    (void)caller;
#endif
}
#endif
#ifdef __AVX512VL__
#include <immintrin.h>
#endif

enum { STATES = 3, PARAMETERS = 4, LANES = 8, BUNDLES = 4, FEW = 32, ABI = 3 };
enum { ARRIVALS_CHANGE_ADJOINTS = 0 };
enum { WANT_WEIGHTS = 1, WANT_TIMES = 2, WANT_PARAMETERS = 4, WANT_DELAYS = 8, WANT_FLOW = 32 };
enum { DONE, CAPACITY, STARTS_ABOVE, RESETS_ABOVE, WORKSPACE, ROOT };

typedef struct { double *V, *I, *sum_V; } states_view;
typedef struct { double *lambda_V, *lambda_I, *lambda_sum_V; } adjoints_view;
typedef struct { double *tau_mem, *tau_syn, *V0, *I0, *per_tau_mem, *per_tau_syn; } parameters_view;
typedef struct { double *tau_mem, *tau_syn, *V0, *I0; } gradients_view;
typedef struct { double *V__tau_mem, *sum_V__tau_mem, *V__tau_syn, *I__tau_syn, *sum_V__tau_syn; } tangents_view;
typedef struct { double *tau_mem, *tau_syn; } moved_view;

/* A stretch between events: its propagators, where all neurons share them; where each has its own, its length and with how
 * many terms the exponentials of all neurons are computed (0: with those for any length). */
typedef struct { double *Phi_V_V, *Phi_V_I, *Phi_I_I, *Phi_sum_V_V, *Phi_sum_V_I, *Psi_V_sum_V, *Psi_I_V, *Psi_I_sum_V, dt; int terms; } entries_view;

typedef struct { double *Phi_V_V_tau_mem, *Phi_V_I_tau_mem, *Phi_sum_V_V_tau_mem, *Phi_sum_V_I_tau_mem, *Phi_V_I_tau_syn, *Phi_I_I_tau_syn, *Phi_sum_V_I_tau_syn; } slopes_view;

/* A piece of the workspace; with base NULL it is only counted. Pieces are set apart by an odd number of lines: where arrays
 * lie a multiple of 4 KB from one another, a processor takes a load from one for a load of what was just stored in
 * another, and waits. */
static void *take(char *base, int64_t *used, int64_t bytes)
{
    char *place = base == NULL ? NULL : base + *used;
    *used += ((bytes + 63) & ~(int64_t)63) + 9 * 64;
    return place;
}

static int fail(saltus_status *status, int code, int32_t sample, int32_t neuron, double time, int64_t needed)
{
    *status = (saltus_status){code, sample, neuron, time, needed};
    return code;
}

/* Adds the chunks into the first one, in a tree whose shape depends on nothing but their number; base NULL: not wanted. */
static void reduce(double *restrict base, int32_t chunks, int64_t size)
{
    for (int32_t step = 1; base != NULL && step < chunks; step *= 2)
        for (int32_t chunk = 0; chunk + step < chunks; chunk += 2 * step) {
            double *restrict into = base + chunk * size;
            const double *restrict from = base + (chunk + step) * size;
            for (int64_t i = 0; i < size; i++) into[i] += from[i];
        }
}

enum { SLOTS = 512, PAGE = 4096, VOLLEY = 8, LENGTHS = 40, LONGEST = 2 };

/* What one thread works in. Carved from memory that the caller passes; nothing is allocated here. */
typedef struct {
    states_view x, x_end;      /* [n_pad] */
    adjoints_view y;           /* [n_pad] */
    parameters_view p;         /* [n_pad] parameters and their reciprocals */
    double *dt;                /* [events + spikes + 2] lengths of stretches */
    entries_view k;            /* [events + spikes + 2] propagators of these stretches */
    entries_view common;       /* [1] propagators of one stretch */
    double steepest;           /* the greatest rate of a neuron's exponentials */
    double middle, spread;     /* of all their rates, and how far these are from it at most */
    double *shrink, *length;   /* [events + 1] exp(-rate dt), (1 - exp(-rate dt))/rate: see crossing */
    int64_t *flag;             /* [n_pad] 1: may cross in this interval */
    tangents_view z, z_end;    /* [n_pad] derivatives of the states by parameters */
    moved_view moved;          /* [spikes] derivatives of the times of spikes by parameters of their neurons */
    slopes_view slope;         /* [events + spikes + 2] derivatives of the propagators by the parameters */
    double span_length;        /* of the spans that these are for, where neurons have their own; negative: not known yet. See posts */
    entries_view span_k;       /* [n_pad] */
    slopes_view span_slope;    /* [n_pad] */
    double per_post[11]; /* a post's part of the shares */
    double *post;              /* [receptors][n_pad / 8][states and derivatives][POSTS][8] */
    parameters_view p_few;     /* [n_pad] */
    double **into, *arrived;   /* [events] see gain_spans */
    int32_t *arrival;          /* [events] */
    int32_t *latest;           /* [n_pad] */
    states_view queue;         /* [n_pad + LANES] candidates for a crossing */
    states_view ahead;         /* [n_pad + LANES] and what they come to at the end of the interval */
    int32_t *seek;             /* [n_pad + LANES] those of them that may cross */
    entries_view few;          /* [LANES] propagators of a few stretches */
    double *few_shrink;        /* [LANES] */
    double *from, *span;       /* [n_pad + LANES] */
    int32_t *who, *count;      /* [n_pad + LANES] */
    double *gap, *lead;        /* [spikes] */
    entries_view k_gap, k_lead; /* [spikes] */
    double *held;              /* [STATES][spikes] */
    int32_t *holder;           /* [spikes] */
    int32_t *order;            /* [2][spikes] */
    int64_t *before;           /* [spikes + LANES] how many spikes come before */
    double *sum;               /* [VOLLEY][n_pad] weights of arrivals at one time */
    double *slots;             /* [SLOTS][n_pad] what their weights gain */
    int32_t *slot_row, *slot_of, *slot_sorted; /* [events] */
    int32_t *row_begin;        /* [rows + 2] */
    int slots_used, slot_events;
    double *row_sum, *row_worth; /* [rows][pairs] see readout */
} workspace;

/* Lays the arrays out from base and returns the bytes they need; with base NULL it only counts. */
static int64_t lay_out(workspace *w, const saltus_group *g, int64_t events, int64_t spikes, char *base)
{
    const int64_t d = sizeof(double), i = sizeof(int32_t), pad = g->n_pad, wide = pad + LANES;
    int64_t used = base == NULL ? PAGE : (-(int64_t)(intptr_t)base) & (PAGE - 1);
    const int64_t items = events + spikes + 2;
    w->x.V = take(base, &used, d * pad);
    w->x_end.V = take(base, &used, d * pad);
    w->queue.V = take(base, &used, d * wide);
    w->ahead.V = take(base, &used, d * wide);
    w->x.I = take(base, &used, d * pad);
    w->x_end.I = take(base, &used, d * pad);
    w->queue.I = take(base, &used, d * wide);
    w->ahead.I = take(base, &used, d * wide);
    w->x.sum_V = take(base, &used, d * pad);
    w->x_end.sum_V = take(base, &used, d * pad);
    w->queue.sum_V = take(base, &used, d * wide);
    w->ahead.sum_V = take(base, &used, d * wide);
    w->y.lambda_V = take(base, &used, d * pad);
    w->y.lambda_I = take(base, &used, d * pad);
    w->y.lambda_sum_V = take(base, &used, d * pad);
    w->k.Phi_V_V = take(base, &used, d * items);
    w->common.Phi_V_V = take(base, &used, d);
    w->few.Phi_V_V = take(base, &used, d * LANES);
    w->k_gap.Phi_V_V = take(base, &used, d * spikes);
    w->k_lead.Phi_V_V = take(base, &used, d * spikes);
    w->k.Phi_V_I = take(base, &used, d * items);
    w->common.Phi_V_I = take(base, &used, d);
    w->few.Phi_V_I = take(base, &used, d * LANES);
    w->k_gap.Phi_V_I = take(base, &used, d * spikes);
    w->k_lead.Phi_V_I = take(base, &used, d * spikes);
    w->k.Phi_I_I = take(base, &used, d * items);
    w->common.Phi_I_I = take(base, &used, d);
    w->few.Phi_I_I = take(base, &used, d * LANES);
    w->k_gap.Phi_I_I = take(base, &used, d * spikes);
    w->k_lead.Phi_I_I = take(base, &used, d * spikes);
    w->k.Phi_sum_V_V = take(base, &used, d * items);
    w->common.Phi_sum_V_V = take(base, &used, d);
    w->few.Phi_sum_V_V = take(base, &used, d * LANES);
    w->k_gap.Phi_sum_V_V = take(base, &used, d * spikes);
    w->k_lead.Phi_sum_V_V = take(base, &used, d * spikes);
    w->k.Phi_sum_V_I = take(base, &used, d * items);
    w->common.Phi_sum_V_I = take(base, &used, d);
    w->few.Phi_sum_V_I = take(base, &used, d * LANES);
    w->k_gap.Phi_sum_V_I = take(base, &used, d * spikes);
    w->k_lead.Phi_sum_V_I = take(base, &used, d * spikes);
    w->k.Psi_V_sum_V = take(base, &used, d * items);
    w->common.Psi_V_sum_V = take(base, &used, d);
    w->few.Psi_V_sum_V = take(base, &used, d * LANES);
    w->k_gap.Psi_V_sum_V = take(base, &used, d * spikes);
    w->k_lead.Psi_V_sum_V = take(base, &used, d * spikes);
    w->k.Psi_I_V = take(base, &used, d * items);
    w->common.Psi_I_V = take(base, &used, d);
    w->few.Psi_I_V = take(base, &used, d * LANES);
    w->k_gap.Psi_I_V = take(base, &used, d * spikes);
    w->k_lead.Psi_I_V = take(base, &used, d * spikes);
    w->k.Psi_I_sum_V = take(base, &used, d * items);
    w->common.Psi_I_sum_V = take(base, &used, d);
    w->few.Psi_I_sum_V = take(base, &used, d * LANES);
    w->k_gap.Psi_I_sum_V = take(base, &used, d * spikes);
    w->k_lead.Psi_I_sum_V = take(base, &used, d * spikes);
    w->p.per_tau_mem = take(base, &used, d * pad);
    w->p.per_tau_syn = take(base, &used, d * pad);
    w->p.tau_mem = take(base, &used, d * pad);
    w->p.tau_syn = take(base, &used, d * pad);
    w->p.V0 = take(base, &used, d * pad);
    w->p.I0 = take(base, &used, d * pad);
    w->dt = take(base, &used, d * items);
    w->shrink = take(base, &used, d * (events + 1));
    w->length = take(base, &used, d * (events + 1));
    w->flag = take(base, &used, d * pad);
    w->slope.Phi_V_V_tau_mem = take(base, &used, d * items);
    w->slope.Phi_V_I_tau_mem = take(base, &used, d * items);
    w->slope.Phi_sum_V_V_tau_mem = take(base, &used, d * items);
    w->slope.Phi_sum_V_I_tau_mem = take(base, &used, d * items);
    w->slope.Phi_V_I_tau_syn = take(base, &used, d * items);
    w->slope.Phi_I_I_tau_syn = take(base, &used, d * items);
    w->slope.Phi_sum_V_I_tau_syn = take(base, &used, d * items);
    w->z.V__tau_mem = take(base, &used, d * pad);
    w->z_end.V__tau_mem = take(base, &used, d * pad);
    w->z.sum_V__tau_mem = take(base, &used, d * pad);
    w->z_end.sum_V__tau_mem = take(base, &used, d * pad);
    w->z.V__tau_syn = take(base, &used, d * pad);
    w->z_end.V__tau_syn = take(base, &used, d * pad);
    w->z.I__tau_syn = take(base, &used, d * pad);
    w->z_end.I__tau_syn = take(base, &used, d * pad);
    w->z.sum_V__tau_syn = take(base, &used, d * pad);
    w->z_end.sum_V__tau_syn = take(base, &used, d * pad);
    w->moved.tau_mem = take(base, &used, d * spikes);
    w->moved.tau_syn = take(base, &used, d * spikes);
    const int64_t own = g->flow_shared ? 0 : d * pad;
    w->span_length = -1.0;
    w->span_k.Phi_V_V = take(base, &used, own);
    w->span_k.Phi_V_I = take(base, &used, own);
    w->span_k.Phi_I_I = take(base, &used, own);
    w->span_k.Phi_sum_V_V = take(base, &used, own);
    w->span_k.Phi_sum_V_I = take(base, &used, own);
    w->span_k.Psi_V_sum_V = take(base, &used, own);
    w->span_k.Psi_I_V = take(base, &used, own);
    w->span_k.Psi_I_sum_V = take(base, &used, own);
    w->span_slope.Phi_V_V_tau_mem = take(base, &used, own);
    w->span_slope.Phi_V_I_tau_mem = take(base, &used, own);
    w->span_slope.Phi_sum_V_V_tau_mem = take(base, &used, own);
    w->span_slope.Phi_sum_V_I_tau_mem = take(base, &used, own);
    w->span_slope.Phi_V_I_tau_syn = take(base, &used, own);
    w->span_slope.Phi_I_I_tau_syn = take(base, &used, own);
    w->span_slope.Phi_sum_V_I_tau_syn = take(base, &used, own);
    w->post = take(base, &used, own * 88);
    w->p_few.tau_mem = take(base, &used, own);
    w->p_few.tau_syn = take(base, &used, own);
    w->p_few.V0 = take(base, &used, own);
    w->p_few.I0 = take(base, &used, own);
    w->p_few.per_tau_mem = take(base, &used, own);
    w->p_few.per_tau_syn = take(base, &used, own);
    const int64_t most = g->flow_shared ? 0 : events;
    w->into = take(base, &used, (int64_t)sizeof(double *) * most);
    w->arrived = take(base, &used, d * most);
    w->arrival = take(base, &used, i * most);
    w->latest = take(base, &used, i * pad);
    w->from = take(base, &used, d * wide);
    w->span = take(base, &used, d * wide);
    w->seek = take(base, &used, i * wide);
    w->few_shrink = take(base, &used, d * LANES);
    w->who = take(base, &used, i * wide);
    w->count = take(base, &used, i * wide);
    w->gap = take(base, &used, d * spikes);
    w->lead = take(base, &used, d * spikes);
    w->held = take(base, &used, d * STATES * spikes);
    w->holder = take(base, &used, i * spikes);
    w->order = take(base, &used, 2 * i * spikes);
    w->row_sum = take(base, &used, d * g->rows * STATES * STATES);
    w->row_worth = take(base, &used, d * g->rows * STATES * STATES);
    w->sum = take(base, &used, d * pad * VOLLEY);
    w->slots = take(base, &used, d * pad * SLOTS);
    w->slot_row = take(base, &used, i * events);
    w->slot_of = take(base, &used, i * events);
    w->slot_sorted = take(base, &used, i * events);
    w->row_begin = take(base, &used, i * (g->rows + 2));
    w->slots_used = w->slot_events = 0;
    w->before = take(base, &used, d * (spikes + LANES));
    return used;
}

int64_t saltus_workspace(const saltus_group *g, int64_t events, int64_t spikes)
{
    workspace w;
    return lay_out(&w, g, events, spikes, NULL);
}

/* The constants of all neurons. */
static void prepare(const saltus_group *g, workspace *w)
{
    (void)g, (void)w;
    memcpy(w->p.tau_mem, g->parameters + 0 * (int64_t)g->n_pad, sizeof(double) * (size_t)g->n_pad);
    memcpy(w->p.tau_syn, g->parameters + 1 * (int64_t)g->n_pad, sizeof(double) * (size_t)g->n_pad);
    memcpy(w->p.V0, g->parameters + 2 * (int64_t)g->n_pad, sizeof(double) * (size_t)g->n_pad);
    memcpy(w->p.I0, g->parameters + 3 * (int64_t)g->n_pad, sizeof(double) * (size_t)g->n_pad);
    for (int n = 0; n < g->n_pad; n++) {
        double per_tau_mem, per_tau_syn;
        model_constants(w->p.tau_mem[n], w->p.tau_syn[n], &per_tau_mem, &per_tau_syn);
        w->p.per_tau_mem[n] = per_tau_mem;
        w->p.per_tau_syn[n] = per_tau_syn;
    }
    double least = INFINITY, most = -INFINITY; /* of all rates, with their signs */
#pragma omp simd reduction(min : least) reduction(max : most)
    for (int n = 0; n < g->n; n++) {
        double saltus_node_0, saltus_node_1, saltus_node_2;
        model_nodes(1.0, w->p.per_tau_mem[n], w->p.per_tau_syn[n], &saltus_node_0, &saltus_node_1, &saltus_node_2);
        least = saltus_node_0 < least ? saltus_node_0 : least, most = saltus_node_0 > most ? saltus_node_0 : most;
        least = saltus_node_1 < least ? saltus_node_1 : least, most = saltus_node_1 > most ? saltus_node_1 : most;
        least = saltus_node_2 < least ? saltus_node_2 : least, most = saltus_node_2 > most ? saltus_node_2 : most;
    }
    w->steepest = most > -least ? most : -least;
    w->middle = -0.5 * (least + most);
    w->spread = 0.5 * (most - least);
}

/* The gradient of one chunk of samples, by parameter. */
static gradients_view parameter_gradients(const saltus_group *g, const saltus_gradient *gradient, int32_t chunk)
{
    gradients_view view;
    double *base = gradient->parameters + (int64_t)chunk * PARAMETERS * g->n_pad;
    view.tau_mem = base + 0 * (int64_t)g->n_pad;
    view.tau_syn = base + 1 * (int64_t)g->n_pad;
    view.V0 = base + 2 * (int64_t)g->n_pad;
    view.I0 = base + 3 * (int64_t)g->n_pad;
    return view;
}

/* The states of all neurons at t = 0. */
static void begin(const saltus_group *g, const workspace *w)
{
    for (int n = 0; n < g->n_pad; n++) {
        w->x.V[n] = w->p.V0[n];
        w->x.I[n] = w->p.I0[n];
        w->x.sum_V[n] = 0.0;
    }
}

/* What arrives: a row of weights into a receptor; receptor -1: nothing. */
typedef struct {
    int32_t receptor;
    const double *weight;
} pending;

/* A spike arrives: every neuron jumps by its weight. */
static void arrive(const saltus_group *g, const workspace *w, int32_t receptor, const double *restrict weight)
{
    const states_view x = w->x;
    const parameters_view p = w->p;
    (void)g, (void)x, (void)p, (void)weight; /* a model may have no use for them */
    switch (receptor) {
    case 0: /* exc */
#pragma omp simd
        for (int n = 0; n < g->n_pad; n++) {
            double V_next, I_next, sum_V_next;
            model_exc_jump(x.V[n], x.I[n], x.sum_V[n], weight[n], &V_next, &I_next, &sum_V_next);
            x.I[n] = I_next;
        }
        break;
    default: break;
    }
}

/* What the weights of an arrival gain: dL/dw for each neuron. */
static void gain(const saltus_group *g, const workspace *w, int32_t receptor, double *restrict gradient)
{
    const adjoints_view y = w->y;
    const parameters_view p = w->p;
    (void)g, (void)y, (void)p, (void)gradient; /* a model may have no use for them */
    switch (receptor) {
    case 0: /* exc */
#pragma omp simd
        for (int n = 0; n < g->n_pad; n++) {
            double grad_w;
            model_exc_weight(y.lambda_I[n], p.tau_syn[n], &grad_w);
            gradient[n] += grad_w;
        }
        break;
    default: break;
    }
}

/* What the delays of an arrival gain: each neuron's part of its credit. */
static void gain_delays(const saltus_group *g, const workspace *w, int32_t receptor, const double *restrict weight,
                        double *restrict gradient)
{
    const adjoints_view y = w->y;
    const parameters_view p = w->p;
    (void)g, (void)y, (void)p, (void)weight, (void)gradient;
    switch (receptor) {
    case 0: /* exc */
#pragma omp simd
        for (int n = 0; n < g->n_pad; n++) {
            double credit;
            model_exc_credit(y.lambda_V[n], y.lambda_I[n], &credit);
            gradient[n] += weight[n] * credit;
        }
        break;
    default: break;
    }
}

/* An arrival in reverse time. Returns its credit, which is dL/dt of its time. */
static double depart(const saltus_group *g, const workspace *w, int32_t receptor, const double *restrict weight)
{
    const adjoints_view y = w->y;
    const parameters_view p = w->p;
    double credits = 0.0;
    (void)g, (void)y, (void)p, (void)weight;
    switch (receptor) {
    case 0: /* exc */
#pragma omp simd reduction(+ : credits)
        for (int n = 0; n < g->n_pad; n++) {
            double credit;
            model_exc_credit(y.lambda_V[n], y.lambda_I[n], &credit);
            credits += weight[n] * credit;
        }
        break;
    default: break;
    }
    return credits;
}

/* The adjoints of all neurons at t = T, from dL/dx(T) (NULL: zero). */
static void begin_adjoint(const saltus_group *g, const workspace *w, const double *final)
{
    for (int n = 0; n < g->n_pad; n++) {
        w->y.lambda_V[n] = 0.0;
        w->y.lambda_I[n] = 0.0;
        w->y.lambda_sum_V[n] = 0.0;
        if (final == NULL) continue;
        double lambda_V_next, lambda_I_next, lambda_sum_V_next;
        model_terminal(final[0 * g->n_pad + n], final[1 * g->n_pad + n], final[2 * g->n_pad + n], w->p.per_tau_mem[n], w->p.per_tau_syn[n], &lambda_V_next, &lambda_I_next, &lambda_sum_V_next);
        w->y.lambda_V[n] = lambda_V_next;
        w->y.lambda_I[n] = lambda_I_next;
        w->y.lambda_sum_V[n] = lambda_sum_V_next;
    }
}

/* The gradient of the initial values, from the adjoints at t = 0. */
static void end_adjoint(const saltus_group *g, const workspace *w, const gradients_view *total)
{
    for (int n = 0; n < g->n; n++) {
        double grad_V0, grad_I0;
        model_initial_gradient(w->y.lambda_V[n], w->y.lambda_I[n], w->p.tau_mem[n], w->p.tau_syn[n], &grad_V0, &grad_I0);
        total->V0[n] += grad_V0;
        total->I0[n] += grad_I0;
    }
}

static void write_record(const saltus_group *g, double *record, int64_t event, double *const *rows)
{
    for (int s = 0; s < STATES; s++)
        memcpy(record + (event * STATES + s) * g->n_pad, rows[s], sizeof(double) * (size_t)g->n_pad);
}

/* ---- Arrivals at one time. Where a receptor is additive they act as one arrival with the sum of their weights, and what
 * their weights gain is the same for all of them. It is kept in a slot and added up by rows when the slots are full, so
 * that a row of the gradient is read and written once for many events: writing is what costs. */

static const uint8_t ADDITIVE[] = { 1 };

typedef double eight __attribute__((vector_size(64), aligned(8), may_alias));

/* Whether event i comes with the one before it, into one additive receptor. */
SALTUS_INLINE int joins(const saltus_group *g, const saltus_events *in, int64_t i)
{
    if (in->time[i] != in->time[i - 1] || in->row[i] < 0 || in->row[i - 1] < 0) return 0;
    const int32_t receptor = g->receptor[in->row[i]];
    return receptor == g->receptor[in->row[i - 1]] && ADDITIVE[receptor];
}

/* How many of the events from e on act as one. */
SALTUS_APART int together(const saltus_group *g, const saltus_events *in, int64_t first, int e, int events)
{
    int many = 1;
    while (e + many < events && joins(g, in, first + e + many)) many++;
    return many;
}

/* The same, counted back from the e-th event, not beyond event least. */
SALTUS_APART int together_before(const saltus_group *g, const saltus_events *in, int64_t first, int e, int least)
{
    int many = 1;
    while (e - many > least && joins(g, in, first + e - many)) many++;
    return many;
}

/* The sum of several rows of weights, in one of the places for such sums. */
SALTUS_APART const double *sum_rows(const saltus_group *g, const workspace *w, const int32_t *row, int many, int place)
{
    const double *restrict from = g->weights;
    double *restrict into = w->sum + (int64_t)place * g->n_pad;
    const int64_t pad = g->n_pad;
    if (many == 1) return from + row[0] * pad;
    int n = 0;
    for (; n + 64 <= pad; n += 64) {
        eight sum[8] = {{0.0}};
        for (int i = 0; i < many; i++)
            for (int l = 0; l < 8; l++) sum[l] += *(const eight *)(from + row[i] * pad + n + 8 * l);
        for (int l = 0; l < 8; l++) *(eight *)(into + n + 8 * l) = sum[l];
    }
    for (; n < pad; n += 8) {
        eight sum = {0.0};
        for (int i = 0; i < many; i++) sum += *(const eight *)(from + row[i] * pad + n);
        *(eight *)(into + n) = sum;
    }
    return into;
}

/* Adds what the slots hold to the gradient, row by row, and empties them. */
SALTUS_APART void add_slots(const saltus_group *g, workspace *w, double *restrict gradient)
{
    const int64_t pad = g->n_pad;
    const double *restrict slots = w->slots;
    int32_t *restrict begin = w->row_begin, *restrict slot = w->slot_sorted;
    if (w->slot_events == 0) return;
    memset(begin, 0, sizeof(int32_t) * (size_t)(g->rows + 2));
    for (int i = 0; i < w->slot_events; i++) begin[w->slot_row[i] + 2]++;
    for (int r = 0; r < g->rows; r++) begin[r + 2] += begin[r + 1];
    for (int i = 0; i < w->slot_events; i++) slot[begin[w->slot_row[i] + 1]++] = w->slot_of[i];
    for (int64_t n = 0; n < pad; n += 32)
        for (int r = 0; r < g->rows; r++) {
            double *into = gradient + r * pad + n;
            const int from = begin[r], to = begin[r + 1];
            if (from == to) continue;
            if (n + 32 <= pad) {
                eight sum[4];
                for (int l = 0; l < 4; l++) sum[l] = *(const eight *)(into + 8 * l);
                for (int i = from; i < to; i++)
                    for (int l = 0; l < 4; l++) sum[l] += *(const eight *)(slots + slot[i] * pad + n + 8 * l);
                for (int l = 0; l < 4; l++) *(eight *)(into + 8 * l) = sum[l];
            } else {
                for (int64_t l = 0; n + l < pad; l += 8) {
                    eight sum = *(const eight *)(into + l);
                    for (int i = from; i < to; i++) sum += *(const eight *)(slots + slot[i] * pad + n + l);
                    *(eight *)(into + l) = sum;
                }
            }
        }
    w->slots_used = w->slot_events = 0;
}

/* A slot for several events at one time, to be written. */
SALTUS_APART double *new_slot(const saltus_group *g, workspace *w, const int32_t *row, int many, double *gradient)
{
    if (w->slots_used == SLOTS) add_slots(g, w, gradient);
    for (int i = 0; i < many; i++) {
        w->slot_row[w->slot_events] = row[i];
        w->slot_of[w->slot_events++] = w->slots_used;
    }
    return w->slots + (int64_t)w->slots_used++ * g->n_pad;
}

/* The same, to be added to. */
SALTUS_APART double *empty_slot(const saltus_group *g, workspace *w, const int32_t *row, int many, double *gradient)
{
    return memset(new_slot(g, w, row, many, gradient), 0, sizeof(double) * (size_t)g->n_pad);
}

/* ---- Intervals between events: what the neurons' passes over them share. */

/* A stretch for which each neuron has propagators of its own. */
SALTUS_INLINE entries_view own_propagators(const workspace *w, double dt)
{
    return (entries_view){.dt = dt, .terms = saltus_terms(dt * w->steepest)};
}

/* The propagators of the stretches 0 to last, whose lengths are known, where all neurons share them. */
SALTUS_INLINE void propagate_some_of(const int shared, const int terms, const workspace *w, entries_view k, int from, int to)
{
    (void)shared, (void)k;
#pragma omp simd
    for (int e = from; e < to; e++) {
        double Phi_V_V, Phi_V_I, Phi_I_I, Phi_sum_V_V, Phi_sum_V_I, Psi_V_sum_V, Psi_I_V, Psi_I_sum_V;
        if (terms != 0) {
            model_propagator_near(terms, w->dt[e], w->p.per_tau_mem[0], w->p.per_tau_syn[0], &Phi_V_V, &Phi_V_I, &Phi_I_I, &Phi_sum_V_V, &Phi_sum_V_I, &Psi_V_sum_V, &Psi_I_V, &Psi_I_sum_V);
        } else {
            model_propagator(w->dt[e], w->p.per_tau_mem[0], w->p.per_tau_syn[0], &Phi_V_V, &Phi_V_I, &Phi_I_I, &Phi_sum_V_V, &Phi_sum_V_I, &Psi_V_sum_V, &Psi_I_V, &Psi_I_sum_V);
        }
        w->k.Phi_V_V[e] = Phi_V_V;
        w->k.Phi_V_I[e] = Phi_V_I;
        w->k.Phi_I_I[e] = Phi_I_I;
        w->k.Phi_sum_V_V[e] = Phi_sum_V_V;
        w->k.Phi_sum_V_I[e] = Phi_sum_V_I;
        w->k.Psi_V_sum_V[e] = Psi_V_sum_V;
        w->k.Psi_I_V[e] = Psi_I_V;
        w->k.Psi_I_sum_V[e] = Psi_I_sum_V;
    }
}

SALTUS_APART void propagate_some_6(const workspace *w, entries_view k, int from, int to)
{
    propagate_some_of(0, 6, w, k, from, to);
}

SALTUS_APART void propagate_some_8(const workspace *w, entries_view k, int from, int to)
{
    propagate_some_of(0, 8, w, k, from, to);
}

SALTUS_APART void propagate_some_12(const workspace *w, entries_view k, int from, int to)
{
    propagate_some_of(0, 12, w, k, from, to);
}

SALTUS_APART void propagate_some_15(const workspace *w, entries_view k, int from, int to)
{
    propagate_some_of(0, 15, w, k, from, to);
}

SALTUS_APART void propagate_some_0(const workspace *w, entries_view k, int from, int to)
{
    propagate_some_of(0, 0, w, k, from, to);
}

SALTUS_INLINE void propagate_some_own(const workspace *w, entries_view k, int from, int to)
{
    switch (k.terms) {
    case 6: propagate_some_6(w, k, from, to); break;
    case 8: propagate_some_8(w, k, from, to); break;
    case 12: propagate_some_12(w, k, from, to); break;
    case 15: propagate_some_15(w, k, from, to); break;
    default: propagate_some_0(w, k, from, to);
    }
}

SALTUS_APART void propagate(const workspace *w, int last)
{
    for (int from = 0, to; from <= last; from = to) {
        double longest = 0.0;
        for (to = from; to <= last && to < from + LANES; to++) longest = w->dt[to] > longest ? w->dt[to] : longest;
        propagate_some_own(w, own_propagators(w, longest), from, to);
    }
}
/* The derivatives of the propagators of the stretches 0 to last. */
SALTUS_INLINE void differentiate_some_of(const int shared, const int terms, const workspace *w, entries_view k, int from, int to)
{
    (void)shared, (void)k;
#pragma omp simd
    for (int e = from; e < to; e++) {
        double Phi_V_V, Phi_V_I, Phi_I_I, Phi_sum_V_V, Phi_sum_V_I, Psi_V_sum_V, Psi_I_V, Psi_I_sum_V, Phi_V_V_tau_mem, Phi_V_I_tau_mem, Phi_sum_V_V_tau_mem, Phi_sum_V_I_tau_mem, Phi_V_I_tau_syn, Phi_I_I_tau_syn, Phi_sum_V_I_tau_syn;
        if (terms != 0) {
            model_motion_near(terms, w->dt[e], w->p.per_tau_mem[0], w->p.per_tau_syn[0], w->p.tau_mem[0], &Phi_V_V, &Phi_V_I, &Phi_I_I, &Phi_sum_V_V, &Phi_sum_V_I, &Psi_V_sum_V, &Psi_I_V, &Psi_I_sum_V, &Phi_V_V_tau_mem, &Phi_V_I_tau_mem, &Phi_sum_V_V_tau_mem, &Phi_sum_V_I_tau_mem, &Phi_V_I_tau_syn, &Phi_I_I_tau_syn, &Phi_sum_V_I_tau_syn);
        } else {
            model_sensitivity(w->dt[e], w->p.tau_mem[0], w->p.per_tau_mem[0], w->p.per_tau_syn[0], &Phi_V_V_tau_mem, &Phi_V_I_tau_mem, &Phi_sum_V_V_tau_mem, &Phi_sum_V_I_tau_mem, &Phi_V_I_tau_syn, &Phi_I_I_tau_syn, &Phi_sum_V_I_tau_syn);
        }
        w->slope.Phi_V_V_tau_mem[e] = Phi_V_V_tau_mem;
        w->slope.Phi_V_I_tau_mem[e] = Phi_V_I_tau_mem;
        w->slope.Phi_sum_V_V_tau_mem[e] = Phi_sum_V_V_tau_mem;
        w->slope.Phi_sum_V_I_tau_mem[e] = Phi_sum_V_I_tau_mem;
        w->slope.Phi_V_I_tau_syn[e] = Phi_V_I_tau_syn;
        w->slope.Phi_I_I_tau_syn[e] = Phi_I_I_tau_syn;
        w->slope.Phi_sum_V_I_tau_syn[e] = Phi_sum_V_I_tau_syn;
    }
}

SALTUS_APART void differentiate_some_6(const workspace *w, entries_view k, int from, int to)
{
    differentiate_some_of(0, 6, w, k, from, to);
}

SALTUS_APART void differentiate_some_8(const workspace *w, entries_view k, int from, int to)
{
    differentiate_some_of(0, 8, w, k, from, to);
}

SALTUS_APART void differentiate_some_12(const workspace *w, entries_view k, int from, int to)
{
    differentiate_some_of(0, 12, w, k, from, to);
}

SALTUS_APART void differentiate_some_15(const workspace *w, entries_view k, int from, int to)
{
    differentiate_some_of(0, 15, w, k, from, to);
}

SALTUS_APART void differentiate_some_0(const workspace *w, entries_view k, int from, int to)
{
    differentiate_some_of(0, 0, w, k, from, to);
}

SALTUS_INLINE void differentiate_some_own(const workspace *w, entries_view k, int from, int to)
{
    switch (k.terms) {
    case 6: differentiate_some_6(w, k, from, to); break;
    case 8: differentiate_some_8(w, k, from, to); break;
    case 12: differentiate_some_12(w, k, from, to); break;
    case 15: differentiate_some_15(w, k, from, to); break;
    default: differentiate_some_0(w, k, from, to);
    }
}

SALTUS_APART void differentiate(const workspace *w, int last)
{
    for (int from = 0, to; from <= last; from = to) {
        double longest = 0.0;
        for (to = from; to <= last && to < from + LANES; to++) longest = w->dt[to] > longest ? w->dt[to] : longest;
        differentiate_some_own(w, own_propagators(w, longest), from, to);
    }
}

/* Lengths and propagators of the intervals up to the last that is asked for; interval e begins after e events. */
SALTUS_INLINE void measure(const int shared, const saltus_group *g, const double *restrict time, int events, int last,
                           const workspace *w)
{
    for (int e = 0; e <= last; e++)
        w->dt[e] = (e < events ? time[e] : g->horizon) - (e > 0 ? time[e - 1] : 0.0);
    if (shared) propagate(w, last);
}

/* The propagators of a stretch dt that all neurons share. */
SALTUS_APART entries_view common_propagators(const workspace *w, double dt)
{
    const entries_view k = w->common;
    double Phi_V_V, Phi_V_I, Phi_I_I, Phi_sum_V_V, Phi_sum_V_I, Psi_V_sum_V, Psi_I_V, Psi_I_sum_V;
    model_propagator(dt, w->p.per_tau_mem[0], w->p.per_tau_syn[0], &Phi_V_V, &Phi_V_I, &Phi_I_I, &Phi_sum_V_V, &Phi_sum_V_I, &Psi_V_sum_V, &Psi_I_V, &Psi_I_sum_V);
    *k.Phi_V_V = Phi_V_V;
    *k.Phi_V_I = Phi_V_I;
    *k.Phi_I_I = Phi_I_I;
    *k.Phi_sum_V_V = Phi_sum_V_V;
    *k.Phi_sum_V_I = Phi_sum_V_I;
    *k.Psi_V_sum_V = Psi_V_sum_V;
    *k.Psi_I_V = Psi_I_V;
    *k.Psi_I_sum_V = Psi_I_sum_V;
    return k;
}

SALTUS_INLINE entries_view propagators(const int shared, const saltus_group *g, const workspace *w, double dt)
{
    (void)g;
    return shared ? common_propagators(w, dt) : own_propagators(w, dt);
}

/* Stretch e of a list of shared ones. */
SALTUS_INLINE entries_view entry(entries_view k, int e)
{
    return (entries_view){ k.Phi_V_V + e, k.Phi_V_I + e, k.Phi_I_I + e, k.Phi_sum_V_V + e, k.Phi_sum_V_I + e, k.Psi_V_sum_V + e, k.Psi_I_V + e, k.Psi_I_sum_V + e, 0.0, 0 };
}

/* The propagators of stretch e. */
SALTUS_INLINE entries_view stretch(const int shared, const saltus_group *g, const workspace *w, int e)
{
    (void)g;
    return shared ? entry(w->k, e) : own_propagators(w, w->dt[e]);
}

/* Advances everyone by one stretch. */
SALTUS_INLINE void advance_all_of(const int shared, const int terms, const saltus_group *g, const workspace *w, entries_view k)
{
    const states_view x = w->x;
    const parameters_view p = w->p;
    const double common_Phi_V_V = shared ? *k.Phi_V_V : 0.0;
    const double common_Phi_V_I = shared ? *k.Phi_V_I : 0.0;
    const double common_Phi_I_I = shared ? *k.Phi_I_I : 0.0;
    const double common_Phi_sum_V_V = shared ? *k.Phi_sum_V_V : 0.0;
    const double common_Phi_sum_V_I = shared ? *k.Phi_sum_V_I : 0.0;
    const double dt = k.dt;
    (void)dt;
    (void)p;
#pragma omp simd
    for (int n = 0; n < g->n_pad; n++) {
        double Phi_V_V, Phi_V_I, Phi_I_I, Phi_sum_V_V, Phi_sum_V_I, Psi_V_sum_V, Psi_I_V, Psi_I_sum_V;
        if (shared) {
            Phi_V_V = common_Phi_V_V;
            Phi_V_I = common_Phi_V_I;
            Phi_I_I = common_Phi_I_I;
            Phi_sum_V_V = common_Phi_sum_V_V;
            Phi_sum_V_I = common_Phi_sum_V_I;
        } else if (terms != 0) {
            model_propagator_near(terms, dt, p.per_tau_mem[n], p.per_tau_syn[n], &Phi_V_V, &Phi_V_I, &Phi_I_I, &Phi_sum_V_V, &Phi_sum_V_I, &Psi_V_sum_V, &Psi_I_V, &Psi_I_sum_V);
        } else {
            model_propagator(dt, p.per_tau_mem[n], p.per_tau_syn[n], &Phi_V_V, &Phi_V_I, &Phi_I_I, &Phi_sum_V_V, &Phi_sum_V_I, &Psi_V_sum_V, &Psi_I_V, &Psi_I_sum_V);
        }
        double V_next, I_next, sum_V_next;
        model_advance(x.V[n], x.I[n], x.sum_V[n], Phi_V_V, Phi_V_I, Phi_I_I, Phi_sum_V_V, Phi_sum_V_I, &V_next, &I_next, &sum_V_next);
        x.V[n] = V_next;
        x.I[n] = I_next;
        x.sum_V[n] = sum_V_next;
    }
}

SALTUS_APART void advance_all_shared(const saltus_group *g, const workspace *w, entries_view k)
{
    advance_all_of(1, 0, g, w, k);
}

SALTUS_APART void advance_all_6(const saltus_group *g, const workspace *w, entries_view k)
{
    advance_all_of(0, 6, g, w, k);
}

SALTUS_APART void advance_all_8(const saltus_group *g, const workspace *w, entries_view k)
{
    advance_all_of(0, 8, g, w, k);
}

SALTUS_APART void advance_all_12(const saltus_group *g, const workspace *w, entries_view k)
{
    advance_all_of(0, 12, g, w, k);
}

SALTUS_APART void advance_all_15(const saltus_group *g, const workspace *w, entries_view k)
{
    advance_all_of(0, 15, g, w, k);
}

SALTUS_APART void advance_all_0(const saltus_group *g, const workspace *w, entries_view k)
{
    advance_all_of(0, 0, g, w, k);
}

SALTUS_INLINE void advance_all_own(const saltus_group *g, const workspace *w, entries_view k)
{
    switch (k.terms) {
    case 6: advance_all_6(g, w, k); break;
    case 8: advance_all_8(g, w, k); break;
    case 12: advance_all_12(g, w, k); break;
    case 15: advance_all_15(g, w, k); break;
    default: advance_all_0(g, w, k);
    }
}

SALTUS_INLINE void advance_all(const int shared, const saltus_group *g, const workspace *w, entries_view k)
{
    if (shared)
        advance_all_shared(g, w, k);
    else
        advance_all_own(g, w, k);
}

/* ---- What each neuron's own parameters do to its states while all spikes keep their times, in steps forward in time: with
 * it, a spike tells the gradient how its time moves with the parameters, and the end of the run how the states do.
 *
 * dL/dp = sum_k mu_k dt_k/dp + dL/dx(T) . x_p(T), x_p: these derivatives, mu_k = dL/dt_k in full: what the adjoints give. */

/* Steps the neurons [from, to) and their derivatives by stretch e. */
SALTUS_INLINE void step_tangents_of(const int shared, const int terms, const workspace *w, entries_view k, int e, int from,
                                    int to)
{
    const states_view x = w->x;
    const parameters_view p = w->p;
    const tangents_view z = w->z;
    const double common_Phi_V_V = shared ? *k.Phi_V_V : 0.0;
    const double common_Phi_V_I = shared ? *k.Phi_V_I : 0.0;
    const double common_Phi_I_I = shared ? *k.Phi_I_I : 0.0;
    const double common_Phi_sum_V_V = shared ? *k.Phi_sum_V_V : 0.0;
    const double common_Phi_sum_V_I = shared ? *k.Phi_sum_V_I : 0.0;
    const double dt = k.dt;
    (void)dt;
    const double common_Phi_V_V_tau_mem = shared ? w->slope.Phi_V_V_tau_mem[e] : 0.0;
    const double common_Phi_V_I_tau_mem = shared ? w->slope.Phi_V_I_tau_mem[e] : 0.0;
    const double common_Phi_sum_V_V_tau_mem = shared ? w->slope.Phi_sum_V_V_tau_mem[e] : 0.0;
    const double common_Phi_sum_V_I_tau_mem = shared ? w->slope.Phi_sum_V_I_tau_mem[e] : 0.0;
    const double common_Phi_V_I_tau_syn = shared ? w->slope.Phi_V_I_tau_syn[e] : 0.0;
    const double common_Phi_I_I_tau_syn = shared ? w->slope.Phi_I_I_tau_syn[e] : 0.0;
    const double common_Phi_sum_V_I_tau_syn = shared ? w->slope.Phi_sum_V_I_tau_syn[e] : 0.0;
    (void)p, (void)e;
#pragma omp simd
    for (int n = from; n < to; n++) {
        double Phi_V_V, Phi_V_I, Phi_I_I, Phi_sum_V_V, Phi_sum_V_I, Psi_V_sum_V, Psi_I_V, Psi_I_sum_V, Phi_V_V_tau_mem, Phi_V_I_tau_mem, Phi_sum_V_V_tau_mem, Phi_sum_V_I_tau_mem, Phi_V_I_tau_syn, Phi_I_I_tau_syn, Phi_sum_V_I_tau_syn;
        if (shared) {
            Phi_V_V = common_Phi_V_V;
            Phi_V_I = common_Phi_V_I;
            Phi_I_I = common_Phi_I_I;
            Phi_sum_V_V = common_Phi_sum_V_V;
            Phi_sum_V_I = common_Phi_sum_V_I;
            Phi_V_V_tau_mem = common_Phi_V_V_tau_mem;
            Phi_V_I_tau_mem = common_Phi_V_I_tau_mem;
            Phi_sum_V_V_tau_mem = common_Phi_sum_V_V_tau_mem;
            Phi_sum_V_I_tau_mem = common_Phi_sum_V_I_tau_mem;
            Phi_V_I_tau_syn = common_Phi_V_I_tau_syn;
            Phi_I_I_tau_syn = common_Phi_I_I_tau_syn;
            Phi_sum_V_I_tau_syn = common_Phi_sum_V_I_tau_syn;
        } else if (terms != 0) {
            model_motion_near(terms, dt, p.per_tau_mem[n], p.per_tau_syn[n], p.tau_mem[n], &Phi_V_V, &Phi_V_I, &Phi_I_I, &Phi_sum_V_V, &Phi_sum_V_I, &Psi_V_sum_V, &Psi_I_V, &Psi_I_sum_V, &Phi_V_V_tau_mem, &Phi_V_I_tau_mem, &Phi_sum_V_V_tau_mem, &Phi_sum_V_I_tau_mem, &Phi_V_I_tau_syn, &Phi_I_I_tau_syn, &Phi_sum_V_I_tau_syn);
        } else {
            model_propagator(dt, p.per_tau_mem[n], p.per_tau_syn[n], &Phi_V_V, &Phi_V_I, &Phi_I_I, &Phi_sum_V_V, &Phi_sum_V_I, &Psi_V_sum_V, &Psi_I_V, &Psi_I_sum_V);
            model_sensitivity(dt, p.tau_mem[n], p.per_tau_mem[n], p.per_tau_syn[n], &Phi_V_V_tau_mem, &Phi_V_I_tau_mem, &Phi_sum_V_V_tau_mem, &Phi_sum_V_I_tau_mem, &Phi_V_I_tau_syn, &Phi_I_I_tau_syn, &Phi_sum_V_I_tau_syn);
        }
        const double V__tau_mem = z.V__tau_mem[n], sum_V__tau_mem = z.sum_V__tau_mem[n], V__tau_syn = z.V__tau_syn[n], I__tau_syn = z.I__tau_syn[n], sum_V__tau_syn = z.sum_V__tau_syn[n];
        double V__tau_mem_next, sum_V__tau_mem_next, V__tau_syn_next, I__tau_syn_next, sum_V__tau_syn_next;
        model_tangents(Phi_V_V, V__tau_mem, Phi_V_V_tau_mem, x.V[n], Phi_V_I_tau_mem, x.I[n], Phi_sum_V_V, sum_V__tau_mem, Phi_sum_V_V_tau_mem, Phi_sum_V_I_tau_mem, V__tau_syn, Phi_V_I, I__tau_syn, Phi_V_I_tau_syn, Phi_I_I, Phi_I_I_tau_syn, Phi_sum_V_I, sum_V__tau_syn, Phi_sum_V_I_tau_syn, &V__tau_mem_next, &sum_V__tau_mem_next, &V__tau_syn_next, &I__tau_syn_next, &sum_V__tau_syn_next);
        double V_next, I_next, sum_V_next;
        model_advance(x.V[n], x.I[n], x.sum_V[n], Phi_V_V, Phi_V_I, Phi_I_I, Phi_sum_V_V, Phi_sum_V_I, &V_next, &I_next, &sum_V_next);
        x.V[n] = V_next;
        x.I[n] = I_next;
        x.sum_V[n] = sum_V_next;
        z.V__tau_mem[n] = V__tau_mem_next;
        z.sum_V__tau_mem[n] = sum_V__tau_mem_next;
        z.V__tau_syn[n] = V__tau_syn_next;
        z.I__tau_syn[n] = I__tau_syn_next;
        z.sum_V__tau_syn[n] = sum_V__tau_syn_next;
    }
}

SALTUS_APART void step_tangents_shared(const workspace *w, entries_view k, int e, int from, int to)
{
    step_tangents_of(1, 0, w, k, e, from, to);
}

SALTUS_APART void step_tangents_6(const workspace *w, entries_view k, int e, int from, int to)
{
    step_tangents_of(0, 6, w, k, e, from, to);
}

SALTUS_APART void step_tangents_8(const workspace *w, entries_view k, int e, int from, int to)
{
    step_tangents_of(0, 8, w, k, e, from, to);
}

SALTUS_APART void step_tangents_12(const workspace *w, entries_view k, int e, int from, int to)
{
    step_tangents_of(0, 12, w, k, e, from, to);
}

SALTUS_APART void step_tangents_15(const workspace *w, entries_view k, int e, int from, int to)
{
    step_tangents_of(0, 15, w, k, e, from, to);
}

SALTUS_APART void step_tangents_0(const workspace *w, entries_view k, int e, int from, int to)
{
    step_tangents_of(0, 0, w, k, e, from, to);
}

SALTUS_INLINE void step_tangents_own(const workspace *w, entries_view k, int e, int from, int to)
{
    switch (k.terms) {
    case 6: step_tangents_6(w, k, e, from, to); break;
    case 8: step_tangents_8(w, k, e, from, to); break;
    case 12: step_tangents_12(w, k, e, from, to); break;
    case 15: step_tangents_15(w, k, e, from, to); break;
    default: step_tangents_0(w, k, e, from, to);
    }
}

/* Everyone by stretch e. */
SALTUS_INLINE void step_tangents(int shared, const saltus_group *g, const workspace *w, int e)
{
    if (shared)
        step_tangents_shared(w, entry(w->k, e), e, 0, g->n_pad);
    else
        step_tangents_own(w, own_propagators(w, w->dt[e]), e, 0, g->n_pad);
}

/* A spike arrives at the neurons [from, to). */
SALTUS_INLINE void arrive_at(const workspace *w, int32_t receptor, const double *restrict weight, int from, int to)
{
    const states_view x = w->x;
    const parameters_view p = w->p;
    const tangents_view z = w->z;
    (void)x, (void)p, (void)z, (void)weight, (void)from, (void)to; /* a model may have no use for them */
    switch (receptor) {
    case 0: /* exc */
#pragma omp simd
        for (int n = from; n < to; n++) {

            {
                double V_next, I_next, sum_V_next;
                model_exc_jump(x.V[n], x.I[n], x.sum_V[n], weight[n], &V_next, &I_next, &sum_V_next);
                x.I[n] = I_next;
            }
        }
        break;
    default: break;
    }
}

/* The states and their derivatives at t = 0. */
static void begin_tangents(const saltus_group *g, const workspace *w)
{
    begin(g, w);
    memset(w->z.V__tau_mem, 0, sizeof(double) * (size_t)g->n_pad);
    memset(w->z.sum_V__tau_mem, 0, sizeof(double) * (size_t)g->n_pad);
    memset(w->z.V__tau_syn, 0, sizeof(double) * (size_t)g->n_pad);
    memset(w->z.I__tau_syn, 0, sizeof(double) * (size_t)g->n_pad);
    memset(w->z.sum_V__tau_syn, 0, sizeof(double) * (size_t)g->n_pad);
}

/* What the states at the end give to the gradient. */
static void end_tangents(const saltus_group *g, const workspace *w, const double *final, const gradients_view *total)
{
    for (int n = 0; n < g->n; n++) {
        double scale_tau_mem, scale_tau_syn;
        model_scale(w->p.per_tau_mem[n], w->p.per_tau_syn[n], &scale_tau_mem, &scale_tau_syn);
        total->tau_mem[n] += final[0 * g->n_pad + n] * scale_tau_mem * w->z.V__tau_mem[n];
        total->tau_mem[n] += final[2 * g->n_pad + n] * scale_tau_mem * w->z.sum_V__tau_mem[n];
        total->tau_syn[n] += final[0 * g->n_pad + n] * scale_tau_syn * w->z.V__tau_syn[n];
        total->tau_syn[n] += final[1 * g->n_pad + n] * scale_tau_syn * w->z.I__tau_syn[n];
        total->tau_syn[n] += final[2 * g->n_pad + n] * scale_tau_syn * w->z.sum_V__tau_syn[n];
    }
}

/* ---- Posts, for neurons that each have their own propagators. A span, a piece of time of one length, is so short that an
 * arrival anywhere in it is, to rounding, worth arrivals at a few fixed times, its posts (see posts.py): what these come to at
 * the end of a span, each neuron's own, is computed once, and an arrival is left with a share of its weight for each. */

enum { POSTS = 11, BATCH = 64, TARGETS = 8 };
static const double POST[] = { 0.990234375, 0.9091796875, 0.755859375, 0.541015625, 0.28125, 0.0, -0.28125, -0.541015625, -0.755859375, -0.9091796875, -0.990234375 };
static const double PER_POST[] = { 13.051658792417614, -38.562572030809605, 61.08060296471442, -78.15627699291113, 89.22114607608749, -93.26911761899757, 89.22114607608749, -78.15627699291113, 61.08060296471442, -38.562572030809605, 13.051658792417614 };

/* Arrivals of one receptor in a span: their rows of weights, when they come (the span is [-1, 1]), and their shares. */
typedef struct {
    int many, sums; /* so many of the rows are sums of rows */
    const double *row[BATCH];
    double at[BATCH], share[POSTS][BATCH];
} batch;

SALTUS_INLINE void share_out(const workspace *w, batch *b)
{
    const double rise = 0.5 * w->span_length * w->middle;
    double all[BATCH];
    for (int j = b->many; j % 8 != 0; j++) b->at[j] = 0.0;
#pragma omp simd
    for (int j = 0; j < (b->many + 7) / 8 * 8; j++) all[j] = saltus_exp(rise * b->at[j]);
    for (int j = 0; j < b->many; j += 8) {
        const eight at = *(const eight *)(b->at + j);
        eight product = *(const eight *)(all + j);
        for (int k = 0; k < POSTS; k++) {
            *(eight *)(b->share[k] + j) = w->per_post[k] * product;
            product *= at - POST[k];
        }
        product = at - at + 1.0;
        for (int k = POSTS - 1; k >= 0; k--) {
            *(eight *)(b->share[k] + j) *= product;
            product *= at - POST[k];
        }
    }
}

/* The length of spans; their multiples are exact. */
static double span_length(const workspace *w)
{
    const double short_of = 0.625 / w->steepest, near = 0.2 / w->spread;
    return saltus_from_bits(saltus_to_bits(short_of < near ? short_of : near) & ~(uint64_t)0x1fffffff);
}

/* What a span makes of the states and their derivatives, and what unit arrivals at its posts come to: by receptor, eight neurons,
 * post, state or derivative, neuron. Known from then on. */
SALTUS_APART void measure_spans(const saltus_group *g, workspace *w)
{
    const parameters_view p = w->p;
    const double length = w->span_length = span_length(w);
    for (int k = 0; k < POSTS; k++) w->per_post[k] = PER_POST[k] * saltus_exp(-0.5 * length * w->middle * POST[k]);
    for (int k = -1; k < POSTS; k++) {
        const double dt = k < 0 ? length : 0.5 * length * (1.0 - POST[k]);
        for (int n = 0; n < g->n_pad; n++) {
            double Phi_V_V, Phi_V_I, Phi_I_I, Phi_sum_V_V, Phi_sum_V_I, Psi_V_sum_V, Psi_I_V, Psi_I_sum_V, Phi_V_V_tau_mem, Phi_V_I_tau_mem, Phi_sum_V_V_tau_mem, Phi_sum_V_I_tau_mem, Phi_V_I_tau_syn, Phi_I_I_tau_syn, Phi_sum_V_I_tau_syn;
            model_motion_near(15, dt, p.per_tau_mem[n], p.per_tau_syn[n], p.tau_mem[n], &Phi_V_V, &Phi_V_I, &Phi_I_I, &Phi_sum_V_V, &Phi_sum_V_I, &Psi_V_sum_V, &Psi_I_V, &Psi_I_sum_V, &Phi_V_V_tau_mem, &Phi_V_I_tau_mem, &Phi_sum_V_V_tau_mem, &Phi_sum_V_I_tau_mem, &Phi_V_I_tau_syn, &Phi_I_I_tau_syn, &Phi_sum_V_I_tau_syn);
            if (k < 0) {
                w->span_k.Phi_V_V[n] = Phi_V_V;
                w->span_k.Phi_V_I[n] = Phi_V_I;
                w->span_k.Phi_I_I[n] = Phi_I_I;
                w->span_k.Phi_sum_V_V[n] = Phi_sum_V_V;
                w->span_k.Phi_sum_V_I[n] = Phi_sum_V_I;
                w->span_k.Psi_V_sum_V[n] = Psi_V_sum_V;
                w->span_k.Psi_I_V[n] = Psi_I_V;
                w->span_k.Psi_I_sum_V[n] = Psi_I_sum_V;
                w->span_slope.Phi_V_V_tau_mem[n] = Phi_V_V_tau_mem;
                w->span_slope.Phi_V_I_tau_mem[n] = Phi_V_I_tau_mem;
                w->span_slope.Phi_sum_V_V_tau_mem[n] = Phi_sum_V_V_tau_mem;
                w->span_slope.Phi_sum_V_I_tau_mem[n] = Phi_sum_V_I_tau_mem;
                w->span_slope.Phi_V_I_tau_syn[n] = Phi_V_I_tau_syn;
                w->span_slope.Phi_I_I_tau_syn[n] = Phi_I_I_tau_syn;
                w->span_slope.Phi_sum_V_I_tau_syn[n] = Phi_sum_V_I_tau_syn;
                continue;
            }
            double still_V, still_I, still_sum_V, still_V__tau_mem, still_sum_V__tau_mem, still_V__tau_syn, still_I__tau_syn, still_sum_V__tau_syn;
            {
                const double V__tau_mem = 0.0;
                const double sum_V__tau_mem = 0.0;
                const double V__tau_syn = 0.0;
                const double I__tau_syn = 0.0;
                const double sum_V__tau_syn = 0.0;
                double V__tau_mem_next, sum_V__tau_mem_next, V__tau_syn_next, I__tau_syn_next, sum_V__tau_syn_next;
                model_tangents(Phi_V_V, V__tau_mem, Phi_V_V_tau_mem, 0.0, Phi_V_I_tau_mem, 0.0, Phi_sum_V_V, sum_V__tau_mem, Phi_sum_V_V_tau_mem, Phi_sum_V_I_tau_mem, V__tau_syn, Phi_V_I, I__tau_syn, Phi_V_I_tau_syn, Phi_I_I, Phi_I_I_tau_syn, Phi_sum_V_I, sum_V__tau_syn, Phi_sum_V_I_tau_syn, &V__tau_mem_next, &sum_V__tau_mem_next, &V__tau_syn_next, &I__tau_syn_next, &sum_V__tau_syn_next);
                double V_next, I_next, sum_V_next;
                model_advance(0.0, 0.0, 0.0, Phi_V_V, Phi_V_I, Phi_I_I, Phi_sum_V_V, Phi_sum_V_I, &V_next, &I_next, &sum_V_next);
                still_V = V_next;
                still_I = I_next;
                still_sum_V = sum_V_next;
                still_V__tau_mem = V__tau_mem_next;
                still_sum_V__tau_mem = sum_V__tau_mem_next;
                still_V__tau_syn = V__tau_syn_next;
                still_I__tau_syn = I__tau_syn_next;
                still_sum_V__tau_syn = sum_V__tau_syn_next;
            }

            {
                double unit_V = 0.0;
                double unit_I = 0.0;
                double unit_sum_V = 0.0;
                double unit_V__tau_mem = 0.0;
                double unit_sum_V__tau_mem = 0.0;
                double unit_V__tau_syn = 0.0;
                double unit_I__tau_syn = 0.0;
                double unit_sum_V__tau_syn = 0.0;
                {
                    const double V__tau_mem = 0.0;
                    (void)V__tau_mem;
                    const double sum_V__tau_mem = 0.0;
                    (void)sum_V__tau_mem;
                    const double V__tau_syn = 0.0;
                    (void)V__tau_syn;
                    const double I__tau_syn = 0.0;
                    (void)I__tau_syn;
                    const double sum_V__tau_syn = 0.0;
                    (void)sum_V__tau_syn;

                    double V_next, I_next, sum_V_next;
                    model_exc_jump(0.0, 0.0, 0.0, 1.0, &V_next, &I_next, &sum_V_next);
                    unit_I = I_next;
                }
                double moved_V, moved_I, moved_sum_V, moved_V__tau_mem, moved_sum_V__tau_mem, moved_V__tau_syn, moved_I__tau_syn, moved_sum_V__tau_syn;
                {
                    const double V__tau_mem = unit_V__tau_mem;
                    const double sum_V__tau_mem = unit_sum_V__tau_mem;
                    const double V__tau_syn = unit_V__tau_syn;
                    const double I__tau_syn = unit_I__tau_syn;
                    const double sum_V__tau_syn = unit_sum_V__tau_syn;
                    double V__tau_mem_next, sum_V__tau_mem_next, V__tau_syn_next, I__tau_syn_next, sum_V__tau_syn_next;
                    model_tangents(Phi_V_V, V__tau_mem, Phi_V_V_tau_mem, unit_V, Phi_V_I_tau_mem, unit_I, Phi_sum_V_V, sum_V__tau_mem, Phi_sum_V_V_tau_mem, Phi_sum_V_I_tau_mem, V__tau_syn, Phi_V_I, I__tau_syn, Phi_V_I_tau_syn, Phi_I_I, Phi_I_I_tau_syn, Phi_sum_V_I, sum_V__tau_syn, Phi_sum_V_I_tau_syn, &V__tau_mem_next, &sum_V__tau_mem_next, &V__tau_syn_next, &I__tau_syn_next, &sum_V__tau_syn_next);
                    double V_next, I_next, sum_V_next;
                    model_advance(unit_V, unit_I, unit_sum_V, Phi_V_V, Phi_V_I, Phi_I_I, Phi_sum_V_V, Phi_sum_V_I, &V_next, &I_next, &sum_V_next);
                    moved_V = V_next;
                    moved_I = I_next;
                    moved_sum_V = sum_V_next;
                    moved_V__tau_mem = V__tau_mem_next;
                    moved_sum_V__tau_mem = sum_V__tau_mem_next;
                    moved_V__tau_syn = V__tau_syn_next;
                    moved_I__tau_syn = I__tau_syn_next;
                    moved_sum_V__tau_syn = sum_V__tau_syn_next;
                }

                double *restrict post = w->post + ((0 * (int64_t)(g->n_pad / 8) + n / 8) * POSTS + k) * TARGETS * 8 + n % 8;
                post[0 * 8] = moved_V - still_V;
                post[1 * 8] = moved_I - still_I;
                post[2 * 8] = moved_sum_V - still_sum_V;
                post[3 * 8] = moved_V__tau_mem - still_V__tau_mem;
                post[4 * 8] = moved_sum_V__tau_mem - still_sum_V__tau_mem;
                post[5 * 8] = moved_V__tau_syn - still_V__tau_syn;
                post[6 * 8] = moved_I__tau_syn - still_I__tau_syn;
                post[7 * 8] = moved_sum_V__tau_syn - still_sum_V__tau_syn;
            }
        }
    }
}


/* ---- Spans: the states and their derivatives step by pieces of time of one length, not from event to event: see posts. */

/* The length of the spans for a sample with so many events and spikes; 0: there are too few for spans to be worth it. */
SALTUS_APART double fitting_span(const saltus_group *g, workspace *w, int items)
{
    const double length = span_length(w);
    if (!(items * length >= 4.0 * g->horizon && length < g->horizon)) return 0.0;
    if (w->span_length < 0.0) measure_spans(g, w);
    return length;
}

/* Everyone by a span in which nothing arrives. */
SALTUS_APART void trace_quiet_span(const saltus_group *g, const workspace *w)
{
    const states_view x = w->x;
    const parameters_view p = w->p;
    const tangents_view z = w->z;
    (void)p;
#pragma omp simd
    for (int n = 0; n < g->n_pad; n++) {
        const double Phi_V_V = w->span_k.Phi_V_V[n];
        const double Phi_V_I = w->span_k.Phi_V_I[n];
        const double Phi_I_I = w->span_k.Phi_I_I[n];
        const double Phi_sum_V_V = w->span_k.Phi_sum_V_V[n];
        const double Phi_sum_V_I = w->span_k.Phi_sum_V_I[n];
        const double Phi_V_V_tau_mem = w->span_slope.Phi_V_V_tau_mem[n];
        const double Phi_V_I_tau_mem = w->span_slope.Phi_V_I_tau_mem[n];
        const double Phi_sum_V_V_tau_mem = w->span_slope.Phi_sum_V_V_tau_mem[n];
        const double Phi_sum_V_I_tau_mem = w->span_slope.Phi_sum_V_I_tau_mem[n];
        const double Phi_V_I_tau_syn = w->span_slope.Phi_V_I_tau_syn[n];
        const double Phi_I_I_tau_syn = w->span_slope.Phi_I_I_tau_syn[n];
        const double Phi_sum_V_I_tau_syn = w->span_slope.Phi_sum_V_I_tau_syn[n];
        double later_V, later_I, later_sum_V, later_V__tau_mem, later_sum_V__tau_mem, later_V__tau_syn, later_I__tau_syn, later_sum_V__tau_syn;
        {
            const double V__tau_mem = z.V__tau_mem[n];
            const double sum_V__tau_mem = z.sum_V__tau_mem[n];
            const double V__tau_syn = z.V__tau_syn[n];
            const double I__tau_syn = z.I__tau_syn[n];
            const double sum_V__tau_syn = z.sum_V__tau_syn[n];
            double V__tau_mem_next, sum_V__tau_mem_next, V__tau_syn_next, I__tau_syn_next, sum_V__tau_syn_next;
            model_tangents(Phi_V_V, V__tau_mem, Phi_V_V_tau_mem, x.V[n], Phi_V_I_tau_mem, x.I[n], Phi_sum_V_V, sum_V__tau_mem, Phi_sum_V_V_tau_mem, Phi_sum_V_I_tau_mem, V__tau_syn, Phi_V_I, I__tau_syn, Phi_V_I_tau_syn, Phi_I_I, Phi_I_I_tau_syn, Phi_sum_V_I, sum_V__tau_syn, Phi_sum_V_I_tau_syn, &V__tau_mem_next, &sum_V__tau_mem_next, &V__tau_syn_next, &I__tau_syn_next, &sum_V__tau_syn_next);
            double V_next, I_next, sum_V_next;
            model_advance(x.V[n], x.I[n], x.sum_V[n], Phi_V_V, Phi_V_I, Phi_I_I, Phi_sum_V_V, Phi_sum_V_I, &V_next, &I_next, &sum_V_next);
            later_V = V_next;
            later_I = I_next;
            later_sum_V = sum_V_next;
            later_V__tau_mem = V__tau_mem_next;
            later_sum_V__tau_mem = sum_V__tau_mem_next;
            later_V__tau_syn = V__tau_syn_next;
            later_I__tau_syn = I__tau_syn_next;
            later_sum_V__tau_syn = sum_V__tau_syn_next;
        }

        x.V[n] = later_V;
        x.I[n] = later_I;
        x.sum_V[n] = later_sum_V;
        z.V__tau_mem[n] = later_V__tau_mem;
        z.sum_V__tau_mem[n] = later_sum_V__tau_mem;
        z.V__tau_syn[n] = later_V__tau_syn;
        z.I__tau_syn[n] = later_I__tau_syn;
        z.sum_V__tau_syn[n] = later_sum_V__tau_syn;
    }
}

/* What arrivals come to for everyone at the end of their span. */
SALTUS_APART void trace_batch(const saltus_group *g, const workspace *w, int32_t receptor, batch *b)
{
    const int64_t pad = g->n_pad;
    const double *restrict posts = w->post + receptor * pad * TARGETS * POSTS;
    int64_t n = 0;
    share_out(w, b);
    for (; n + 16 <= pad; n += 16) {
        eight sum[POSTS][2] = {{{0.0}}};
        for (int j = 0; j < b->many; j++) {
            const double *restrict row = b->row[j] + n;
#pragma GCC unroll 32
            for (int k = 0; k < POSTS; k++)
                for (int l = 0; l < 2; l++) sum[k][l] += b->share[k][j] * *(const eight *)(row + 8 * l);
        }
        for (int l = 0; l < 2; l++) {
            const double *restrict post = posts + (n / 8 + l) * TARGETS * POSTS * 8;
            double *into_V = w->x.V + n + 8 * l;
            eight V = *(const eight *)into_V;
            double *into_I = w->x.I + n + 8 * l;
            eight I = *(const eight *)into_I;
            double *into_sum_V = w->x.sum_V + n + 8 * l;
            eight sum_V = *(const eight *)into_sum_V;
            double *into_V__tau_mem = w->z.V__tau_mem + n + 8 * l;
            eight V__tau_mem = *(const eight *)into_V__tau_mem;
            double *into_sum_V__tau_mem = w->z.sum_V__tau_mem + n + 8 * l;
            eight sum_V__tau_mem = *(const eight *)into_sum_V__tau_mem;
            double *into_V__tau_syn = w->z.V__tau_syn + n + 8 * l;
            eight V__tau_syn = *(const eight *)into_V__tau_syn;
            double *into_I__tau_syn = w->z.I__tau_syn + n + 8 * l;
            eight I__tau_syn = *(const eight *)into_I__tau_syn;
            double *into_sum_V__tau_syn = w->z.sum_V__tau_syn + n + 8 * l;
            eight sum_V__tau_syn = *(const eight *)into_sum_V__tau_syn;
#pragma GCC unroll 32
            for (int k = 0; k < POSTS; k++) {
                V += sum[k][l] * *(const eight *)(post + (k * TARGETS + 0) * 8);
                I += sum[k][l] * *(const eight *)(post + (k * TARGETS + 1) * 8);
                sum_V += sum[k][l] * *(const eight *)(post + (k * TARGETS + 2) * 8);
                V__tau_mem += sum[k][l] * *(const eight *)(post + (k * TARGETS + 3) * 8);
                sum_V__tau_mem += sum[k][l] * *(const eight *)(post + (k * TARGETS + 4) * 8);
                V__tau_syn += sum[k][l] * *(const eight *)(post + (k * TARGETS + 5) * 8);
                I__tau_syn += sum[k][l] * *(const eight *)(post + (k * TARGETS + 6) * 8);
                sum_V__tau_syn += sum[k][l] * *(const eight *)(post + (k * TARGETS + 7) * 8);
            }
            *(eight *)into_V = V;
            *(eight *)into_I = I;
            *(eight *)into_sum_V = sum_V;
            *(eight *)into_V__tau_mem = V__tau_mem;
            *(eight *)into_sum_V__tau_mem = sum_V__tau_mem;
            *(eight *)into_V__tau_syn = V__tau_syn;
            *(eight *)into_I__tau_syn = I__tau_syn;
            *(eight *)into_sum_V__tau_syn = sum_V__tau_syn;
        }
    }
    for (; n + 8 <= pad; n += 8) {
        eight sum[POSTS][1] = {{{0.0}}};
        for (int j = 0; j < b->many; j++) {
            const double *restrict row = b->row[j] + n;
#pragma GCC unroll 32
            for (int k = 0; k < POSTS; k++)
                for (int l = 0; l < 1; l++) sum[k][l] += b->share[k][j] * *(const eight *)(row + 8 * l);
        }
        for (int l = 0; l < 1; l++) {
            const double *restrict post = posts + (n / 8 + l) * TARGETS * POSTS * 8;
            double *into_V = w->x.V + n + 8 * l;
            eight V = *(const eight *)into_V;
            double *into_I = w->x.I + n + 8 * l;
            eight I = *(const eight *)into_I;
            double *into_sum_V = w->x.sum_V + n + 8 * l;
            eight sum_V = *(const eight *)into_sum_V;
            double *into_V__tau_mem = w->z.V__tau_mem + n + 8 * l;
            eight V__tau_mem = *(const eight *)into_V__tau_mem;
            double *into_sum_V__tau_mem = w->z.sum_V__tau_mem + n + 8 * l;
            eight sum_V__tau_mem = *(const eight *)into_sum_V__tau_mem;
            double *into_V__tau_syn = w->z.V__tau_syn + n + 8 * l;
            eight V__tau_syn = *(const eight *)into_V__tau_syn;
            double *into_I__tau_syn = w->z.I__tau_syn + n + 8 * l;
            eight I__tau_syn = *(const eight *)into_I__tau_syn;
            double *into_sum_V__tau_syn = w->z.sum_V__tau_syn + n + 8 * l;
            eight sum_V__tau_syn = *(const eight *)into_sum_V__tau_syn;
#pragma GCC unroll 32
            for (int k = 0; k < POSTS; k++) {
                V += sum[k][l] * *(const eight *)(post + (k * TARGETS + 0) * 8);
                I += sum[k][l] * *(const eight *)(post + (k * TARGETS + 1) * 8);
                sum_V += sum[k][l] * *(const eight *)(post + (k * TARGETS + 2) * 8);
                V__tau_mem += sum[k][l] * *(const eight *)(post + (k * TARGETS + 3) * 8);
                sum_V__tau_mem += sum[k][l] * *(const eight *)(post + (k * TARGETS + 4) * 8);
                V__tau_syn += sum[k][l] * *(const eight *)(post + (k * TARGETS + 5) * 8);
                I__tau_syn += sum[k][l] * *(const eight *)(post + (k * TARGETS + 6) * 8);
                sum_V__tau_syn += sum[k][l] * *(const eight *)(post + (k * TARGETS + 7) * 8);
            }
            *(eight *)into_V = V;
            *(eight *)into_I = I;
            *(eight *)into_sum_V = sum_V;
            *(eight *)into_V__tau_mem = V__tau_mem;
            *(eight *)into_sum_V__tau_mem = sum_V__tau_mem;
            *(eight *)into_V__tau_syn = V__tau_syn;
            *(eight *)into_I__tau_syn = I__tau_syn;
            *(eight *)into_sum_V__tau_syn = sum_V__tau_syn;
        }
    }
    b->many = b->sums = 0;
}

/* One more arrival in a batch. */
SALTUS_INLINE void join_batch(const saltus_group *g, const workspace *w, int32_t receptor, const double *row, double at, batch *b)
{
    b->row[b->many] = row;
    b->at[b->many++] = at;
    if (b->many == BATCH) trace_batch(g, w, receptor, b);
}

/* What those come to that arrive from event e on in the span [begin, end), beside those of the batch. */
static void trace_input(const saltus_group *g, const saltus_events *in, const workspace *w, int32_t receptor, int64_t first,
                        int e, int last, double begin, double end, batch *b)
{
    const double middle = 0.5 * (begin + end), per = 2.0 / (end - begin);
    for (int many; e < last; e += many) {
        const int32_t *row = in->row + first + e;
        many = together(g, in, first, e, last);
        if (row[0] < 0 || g->receptor[row[0]] != receptor) continue;
        const double *weight = sum_rows(g, w, row, many, b->sums);
        b->sums += many > 1;
        join_batch(g, w, receptor, weight, per * (in->time[first + e] - middle), b);
        if (b->sums == VOLLEY) trace_batch(g, w, receptor, b);
    }
    if (b->many > 0) trace_batch(g, w, receptor, b);
}

/* Everyone through the span [begin, end), from event e on. Returns how many events have been at its end. */
SALTUS_APART int trace_span(const saltus_group *g, const saltus_events *in, const workspace *w, int32_t sample, double begin,
                            double end, int e)
{
    const int64_t first = in->start[sample];
    int last = e;
    while (last < in->count[sample] && in->time[first + last] < end) last++;
    trace_quiet_span(g, w);
    batch b;
    b.many = b.sums = 0;
    for (int32_t receptor = 0; receptor < 1; receptor++)
        trace_input(g, in, w, receptor, first, e, last, begin, end, &b);
    return last;
}

/* ---- Without recurrence, neurons meet only at incoming events, and these are known: an interval between two of them
 * is one pass over all neurons, and a few searches for those that may cross. */

/* Steps everyone to the end of interval e. */
SALTUS_INLINE void step_of(const int shared, const int terms, const saltus_group *g, const workspace *w, entries_view k, int e)
{
    const states_view x = w->x, x_end = w->x_end;
    const parameters_view p = w->p;
    const double common_Phi_V_V = shared ? *k.Phi_V_V : 0.0;
    const double common_Phi_V_I = shared ? *k.Phi_V_I : 0.0;
    const double common_Phi_I_I = shared ? *k.Phi_I_I : 0.0;
    const double common_Phi_sum_V_V = shared ? *k.Phi_sum_V_V : 0.0;
    const double common_Phi_sum_V_I = shared ? *k.Phi_sum_V_I : 0.0;
    const double dt = k.dt;
    (void)dt;
    (void)p, (void)e;
#pragma omp simd
    for (int n = 0; n < g->n_pad; n++) {
        double Phi_V_V, Phi_V_I, Phi_I_I, Phi_sum_V_V, Phi_sum_V_I, Psi_V_sum_V, Psi_I_V, Psi_I_sum_V;
        if (shared) {
            Phi_V_V = common_Phi_V_V;
            Phi_V_I = common_Phi_V_I;
            Phi_I_I = common_Phi_I_I;
            Phi_sum_V_V = common_Phi_sum_V_V;
            Phi_sum_V_I = common_Phi_sum_V_I;
        } else if (terms != 0) {
            model_propagator_near(terms, dt, p.per_tau_mem[n], p.per_tau_syn[n], &Phi_V_V, &Phi_V_I, &Phi_I_I, &Phi_sum_V_V, &Phi_sum_V_I, &Psi_V_sum_V, &Psi_I_V, &Psi_I_sum_V);
        } else {
            model_propagator(dt, p.per_tau_mem[n], p.per_tau_syn[n], &Phi_V_V, &Phi_V_I, &Phi_I_I, &Phi_sum_V_V, &Phi_sum_V_I, &Psi_V_sum_V, &Psi_I_V, &Psi_I_sum_V);
        }
        double V_next, I_next, sum_V_next;
        model_advance(x.V[n], x.I[n], x.sum_V[n], Phi_V_V, Phi_V_I, Phi_I_I, Phi_sum_V_V, Phi_sum_V_I, &V_next, &I_next, &sum_V_next);
        x_end.V[n] = V_next;
        x_end.I[n] = I_next;
        x_end.sum_V[n] = sum_V_next;
    }
}

SALTUS_APART void step_shared(const saltus_group *g, const workspace *w, entries_view k, int e)
{
    step_of(1, 0, g, w, k, e);
}

SALTUS_APART void step_6(const saltus_group *g, const workspace *w, entries_view k, int e)
{
    step_of(0, 6, g, w, k, e);
}

SALTUS_APART void step_8(const saltus_group *g, const workspace *w, entries_view k, int e)
{
    step_of(0, 8, g, w, k, e);
}

SALTUS_APART void step_12(const saltus_group *g, const workspace *w, entries_view k, int e)
{
    step_of(0, 12, g, w, k, e);
}

SALTUS_APART void step_15(const saltus_group *g, const workspace *w, entries_view k, int e)
{
    step_of(0, 15, g, w, k, e);
}

SALTUS_APART void step_0(const saltus_group *g, const workspace *w, entries_view k, int e)
{
    step_of(0, 0, g, w, k, e);
}

SALTUS_INLINE void step_own(const saltus_group *g, const workspace *w, entries_view k, int e)
{
    switch (k.terms) {
    case 6: step_6(g, w, k, e); break;
    case 8: step_8(g, w, k, e); break;
    case 12: step_12(g, w, k, e); break;
    case 15: step_15(g, w, k, e); break;
    default: step_0(g, w, k, e);
    }
}

SALTUS_INLINE void step(const int shared, const saltus_group *g, const workspace *w, entries_view k, int e)
{
    if (shared)
        step_shared(g, w, k, e);
    else
        step_own(g, w, k, e);
}

/* Interval e: steps everyone to its end. Returns how many are queued because they may cross. */
SALTUS_INLINE int step_interval(const int shared, const saltus_group *g, const workspace *w, int e)
{
    step(shared, g, w, stretch(shared, g, w, e), e);
    return 0;
}

/* One sample forward. */
SALTUS_INLINE int forward_sample(const int shared, const saltus_group *g, const saltus_events *in, saltus_spikes *out,
                                 double *final, double *record, workspace *w, int32_t sample, saltus_status *status)
{
    const int events = in->count[sample];
    const int64_t first = in->start[sample];
    const double *restrict time = in->time + first;
    const int32_t *restrict row = in->row + first;
    (void)out, (void)status;
    begin(g, w);
    measure(shared, g, time, events, events, w);
    for (int e = 0; e <= events; e++) {
        const pending start = e > 0 && row[e - 1] >= 0
                                  ? (pending){g->receptor[row[e - 1]], g->weights + (int64_t)row[e - 1] * g->n_pad}
                                  : (pending){-1, NULL};
        {
            if (start.receptor >= 0) arrive(g, w, start.receptor, start.weight);
            if (e > 0 && record != NULL) {
                double *const rows[] = { w->x.V, w->x.I, w->x.sum_V };
                write_record(g, record, first + e - 1, rows);
            }
            if (w->dt[e] == 0.0) continue;
            step_interval(shared, g, w, e);
        }
        const states_view swap = w->x;
        w->x = w->x_end;
        w->x_end = swap;
    }
    if (final != NULL) {
        double *const rows[] = { w->x.V, w->x.I, w->x.sum_V };
        write_record(g, final, sample, rows);
    }
    return DONE;
}

/* What parameters of the flow do to one sample: the times of the spikes in use, in w->moved, and the states at the end. */
SALTUS_INLINE void trace(const int shared, const saltus_group *g, const saltus_events *in, const saltus_spikes *out, int used,
                         const double *final, const gradients_view *total, workspace *w, int32_t sample)
{
    begin_tangents(g, w);
    const int events = in->count[sample], pad = g->n_pad;
    const int32_t *restrict row = in->row + in->start[sample];
    (void)out, (void)used;
    int e = 0;
    if (shared) differentiate(w, events);
    const double span = shared || final == NULL ? 0.0 : fitting_span(g, w, events), *restrict event = in->time + in->start[sample];
    if (span > 0.0) {
        int s = 0;
        for (; (s + 1) * span <= g->horizon; s++) e = trace_span(g, in, w, sample, s * span, (s + 1) * span, e);
        const double left = (e < events ? event[e] : g->horizon) - s * span;
        step_tangents_own(w, own_propagators(w, left), e, 0, pad);
        if (e < events && row[e] >= 0) arrive_at(w, g->receptor[row[e]], g->weights + (int64_t)row[e] * pad, 0, pad);
        e++;
    }
    for (; e <= events && final != NULL; e++) {
        if (w->dt[e] > 0.0) step_tangents(shared, g, w, e);
        if (e < events && row[e] >= 0)
            arrive_at(w, g->receptor[row[e]], g->weights + (int64_t)row[e] * pad, 0, pad);
    }
    if (final != NULL) end_tangents(g, w, final, total);
}

/* The adjoints of everyone a stretch earlier. */
SALTUS_INLINE void step_back_of(const int shared, const int terms, const saltus_group *g, const workspace *w, entries_view k)
{
    const adjoints_view y = w->y;
    const parameters_view p = w->p;
    const double common_Phi_V_V = shared ? *k.Phi_V_V : 0.0;
    const double common_Phi_I_I = shared ? *k.Phi_I_I : 0.0;
    const double common_Psi_V_sum_V = shared ? *k.Psi_V_sum_V : 0.0;
    const double common_Psi_I_V = shared ? *k.Psi_I_V : 0.0;
    const double common_Psi_I_sum_V = shared ? *k.Psi_I_sum_V : 0.0;
    const double dt = k.dt;
    (void)dt;
    (void)p;
#pragma omp simd
    for (int n = 0; n < g->n_pad; n++) {
        double Phi_V_V, Phi_V_I, Phi_I_I, Phi_sum_V_V, Phi_sum_V_I, Psi_V_sum_V, Psi_I_V, Psi_I_sum_V;
        if (shared) {
            Phi_V_V = common_Phi_V_V;
            Phi_I_I = common_Phi_I_I;
            Psi_V_sum_V = common_Psi_V_sum_V;
            Psi_I_V = common_Psi_I_V;
            Psi_I_sum_V = common_Psi_I_sum_V;
        } else if (terms != 0) {
            model_propagator_near(terms, dt, p.per_tau_mem[n], p.per_tau_syn[n], &Phi_V_V, &Phi_V_I, &Phi_I_I, &Phi_sum_V_V, &Phi_sum_V_I, &Psi_V_sum_V, &Psi_I_V, &Psi_I_sum_V);
        } else {
            model_propagator(dt, p.per_tau_mem[n], p.per_tau_syn[n], &Phi_V_V, &Phi_V_I, &Phi_I_I, &Phi_sum_V_V, &Phi_sum_V_I, &Psi_V_sum_V, &Psi_I_V, &Psi_I_sum_V);
        }
        double lambda_V_next, lambda_I_next, lambda_sum_V_next;
        model_adjoint(y.lambda_V[n], y.lambda_I[n], y.lambda_sum_V[n], Phi_V_V, Phi_I_I, Psi_V_sum_V, Psi_I_V, Psi_I_sum_V, &lambda_V_next, &lambda_I_next, &lambda_sum_V_next);
        y.lambda_V[n] = lambda_V_next;
        y.lambda_I[n] = lambda_I_next;
        y.lambda_sum_V[n] = lambda_sum_V_next;
    }
}

SALTUS_APART void step_back_shared(const saltus_group *g, const workspace *w, entries_view k)
{
    step_back_of(1, 0, g, w, k);
}

SALTUS_APART void step_back_6(const saltus_group *g, const workspace *w, entries_view k)
{
    step_back_of(0, 6, g, w, k);
}

SALTUS_APART void step_back_8(const saltus_group *g, const workspace *w, entries_view k)
{
    step_back_of(0, 8, g, w, k);
}

SALTUS_APART void step_back_12(const saltus_group *g, const workspace *w, entries_view k)
{
    step_back_of(0, 12, g, w, k);
}

SALTUS_APART void step_back_15(const saltus_group *g, const workspace *w, entries_view k)
{
    step_back_of(0, 15, g, w, k);
}

SALTUS_APART void step_back_0(const saltus_group *g, const workspace *w, entries_view k)
{
    step_back_of(0, 0, g, w, k);
}

SALTUS_INLINE void step_back_own(const saltus_group *g, const workspace *w, entries_view k)
{
    switch (k.terms) {
    case 6: step_back_6(g, w, k); break;
    case 8: step_back_8(g, w, k); break;
    case 12: step_back_12(g, w, k); break;
    case 15: step_back_15(g, w, k); break;
    default: step_back_0(g, w, k);
    }
}

SALTUS_INLINE void step_back(const int shared, const saltus_group *g, const workspace *w, entries_view k)
{
    if (shared)
        step_back_shared(g, w, k);
    else
        step_back_own(g, w, k);
}

/* ---- Many arrivals and few spikes, backward: some neurons at a time go from event to event until there is a spike, so that what
 * their weights gain stays in the caches. The adjoints of several vectors at once, as each step waits for the one before. */

enum { WIDE = 64 };

/* So many neurons from this one on, from the end of interval e to that of an earlier one: `stop`, or the first that begins with
 * something else than such arrivals; where times are not credited, also with the later of two arrivals at one time, whose weights
 * gain together. gain: what weights gain, times: the credit of each event; NULL: not wanted. Returns that interval. */
SALTUS_INLINE int skim_back_some(const int width, const int credited, const int shared, const int terms, const saltus_group *g,
                                 const workspace *w, const int32_t *restrict row, double *gain, double *times, int from, int e,
                                 int stop)
{
    const int receptor = e > 0 && row[e - 1] >= 0 ? g->receptor[row[e - 1]] : -1;
    const parameters_view p = w->p;
    double spare[WIDE] = {0.0};
    double now_lambda_V[WIDE], now_lambda_I[WIDE], now_lambda_sum_V[WIDE];
    for (int l = 0; l < width; l++) {
        now_lambda_V[l] = w->y.lambda_V[from + l];
        now_lambda_I[l] = w->y.lambda_I[from + l];
        now_lambda_sum_V[l] = w->y.lambda_sum_V[from + l];
    }
    switch (receptor) {
    case 0: /* exc */
        for (; e > stop && row[e - 1] >= 0 && g->receptor[row[e - 1]] == receptor && (credited || w->dt[e - 1] > 0.0); e--) {
            const int64_t place = (int64_t)row[e - 1] * g->n_pad + from;
            const double *restrict weight = g->weights + place;
            double *restrict into = gain == NULL ? spare : gain + place, credits = 0.0;
            const entries_view k = stretch(shared, g, w, e);
            if (!shared && (k.terms == 0 || k.terms > terms)) break; /* it is long */
            const double common_Phi_V_V = shared ? *k.Phi_V_V : 0.0;
            const double common_Phi_I_I = shared ? *k.Phi_I_I : 0.0;
            const double common_Psi_V_sum_V = shared ? *k.Psi_V_sum_V : 0.0;
            const double common_Psi_I_V = shared ? *k.Psi_I_V : 0.0;
            const double common_Psi_I_sum_V = shared ? *k.Psi_I_sum_V : 0.0;
            const double dt = k.dt;
            (void)dt;
#pragma omp simd reduction(+ : credits)
            for (int l = 0; l < width; l++) {
                double lambda_V = now_lambda_V[l], lambda_I = now_lambda_I[l], lambda_sum_V = now_lambda_sum_V[l];
                {
                    double Phi_V_V, Phi_V_I, Phi_I_I, Phi_sum_V_V, Phi_sum_V_I, Psi_V_sum_V, Psi_I_V, Psi_I_sum_V;
                    if (shared) {
                        Phi_V_V = common_Phi_V_V;
                        Phi_I_I = common_Phi_I_I;
                        Psi_V_sum_V = common_Psi_V_sum_V;
                        Psi_I_V = common_Psi_I_V;
                        Psi_I_sum_V = common_Psi_I_sum_V;
                    } else if (terms != 0) {
                        model_propagator_near(terms, dt, p.per_tau_mem[from + l], p.per_tau_syn[from + l], &Phi_V_V, &Phi_V_I, &Phi_I_I, &Phi_sum_V_V, &Phi_sum_V_I, &Psi_V_sum_V, &Psi_I_V, &Psi_I_sum_V);
                    } else {
                        model_propagator(dt, p.per_tau_mem[from + l], p.per_tau_syn[from + l], &Phi_V_V, &Phi_V_I, &Phi_I_I, &Phi_sum_V_V, &Phi_sum_V_I, &Psi_V_sum_V, &Psi_I_V, &Psi_I_sum_V);
                    }
                    double lambda_V_next, lambda_I_next, lambda_sum_V_next;
                    model_adjoint(lambda_V, lambda_I, lambda_sum_V, Phi_V_V, Phi_I_I, Psi_V_sum_V, Psi_I_V, Psi_I_sum_V, &lambda_V_next, &lambda_I_next, &lambda_sum_V_next);
                    lambda_V = lambda_V_next;
                    lambda_I = lambda_I_next;
                    lambda_sum_V = lambda_sum_V_next;
                }
                double grad_w;
                model_exc_weight(lambda_I, p.tau_syn[from + l], &grad_w);
                into[l] += grad_w;
                if (credited) {
                    double credit;
                    model_exc_credit(lambda_V, lambda_I, &credit);
                    credits += weight[l] * credit;
                }
                now_lambda_V[l] = lambda_V;
                now_lambda_I[l] = lambda_I;
                now_lambda_sum_V[l] = lambda_sum_V;
            }
            if (credited) times[e - 1] = (from > 0 ? times[e - 1] : 0.0) + credits;
        }
        break;
    default: break;
    }
    (void)p, (void)spare, (void)gain, (void)times, (void)stop;
    for (int l = 0; l < width; l++) {
        w->y.lambda_V[from + l] = now_lambda_V[l];
        w->y.lambda_I[from + l] = now_lambda_I[l];
        w->y.lambda_sum_V[from + l] = now_lambda_sum_V[l];
    }
    return e;
}

SALTUS_INLINE int skim_back_of(const int credited, const int shared, const int terms, const saltus_group *g, const workspace *w,
                               const int32_t *row, double *gain, double *times, int e, int stop)
{
    int reached = e, from = 0;
    for (; from + WIDE <= g->n_pad; from += WIDE)
        reached = skim_back_some(WIDE, credited, shared, terms, g, w, row, gain, times, from, e, stop);
    if (from + LANES == g->n_pad) return skim_back_some(LANES, credited, shared, terms, g, w, row, gain, times, from, e, stop);
    if (from < g->n_pad) return skim_back_some(g->n_pad - from, credited, shared, terms, g, w, row, gain, times, from, e, stop);
    return reached;
}

/* The same for everyone. */
SALTUS_APART int skim_back_shared(const saltus_group *g, const workspace *w, const int32_t *row, double *gain, double *times, int e,
                                  int stop)
{
    return times != NULL ? skim_back_of(1, 1, 0, g, w, row, gain, times, e, stop)
                         : skim_back_of(0, 1, 0, g, w, row, gain, times, e, stop);
}

/* Where neurons have their own propagators, over stretches that are short. */
SALTUS_APART int skim_back_own(const saltus_group *g, const workspace *w, const int32_t *row, double *gain, double *times, int e,
                               int stop)
{
    return times != NULL ? skim_back_of(1, 0, SALTUS_SHORT, g, w, row, gain, times, e, stop)
                         : skim_back_of(0, 0, SALTUS_SHORT, g, w, row, gain, times, e, stop);
}

/* One sample backward. */
SALTUS_INLINE void backward_sample(const int shared, const saltus_group *g, const saltus_events *in,
                                   const saltus_spikes *out, const saltus_cotangent *cotangent,
                                   const saltus_gradient *gradient, double *record, workspace *w, int32_t chunk,
                                   int32_t sample)
{
    const int events = in->count[sample], pad = g->n_pad, parameters = (gradient->want & WANT_PARAMETERS) != 0;
    const int weights = (gradient->want & WANT_WEIGHTS) != 0, times = (gradient->want & WANT_TIMES) != 0;
    double *into = gradient->weights + (int64_t)chunk * g->rows * pad;
    double *into_delays = gradient->want & WANT_DELAYS ? gradient->delays + (int64_t)chunk * g->rows * pad : NULL;
    const int64_t first = in->start[sample];
    const int32_t *restrict row = in->row + first;
    const double *final = cotangent->final == NULL ? NULL : cotangent->final + (int64_t)sample * STATES * pad;
    const gradients_view total = parameters ? parameter_gradients(g, gradient, chunk) : (gradients_view){0};
    begin_adjoint(g, w, final);
    int last = events, used = 0; /* behind it the adjoints are zero */
    const int skims = record == NULL && into_delays == NULL && (g->n <= FEW || !times);
    const int moving = (gradient->want & WANT_FLOW) != 0;
    measure(shared, g, in->time + first, events, moving ? events : last, w);
    if (moving) trace(shared, g, in, out, used, final, &total, w, sample);
    if (times)
        for (int e = last < 0 ? 0 : last; e < events; e++) gradient->event_time[first + e] = 0.0;
    if (record != NULL)
        for (int e = last < 0 ? 0 : last; e < events; e++)
            memset(record + (first + e) * STATES * pad, 0, sizeof(double) * (size_t)(STATES * pad));
    for (int e = last; e >= 0; e--) {
        int held = 0;
        const int stop = 0;
        if (skims && e > stop + 3 && (times || (w->dt[e - 1] > 0.0 && w->dt[e - 2] > 0.0))) /* it is some way */
            e = shared ? skim_back_shared(g, w, row, weights ? into : NULL, times ? gradient->event_time + first : NULL, e, stop)
                       : skim_back_own(g, w, row, weights ? into : NULL, times ? gradient->event_time + first : NULL, e, stop);
        step_back(shared, g, w, stretch(shared, g, w, e));
        for (int h = 0; h < held; h++) {
            w->y.lambda_V[w->holder[h]] = w->held[0 * out->capacity + h];
            w->y.lambda_I[w->holder[h]] = w->held[1 * out->capacity + h];
            w->y.lambda_sum_V[w->holder[h]] = w->held[2 * out->capacity + h];
        }
        if (e == 0) break;
        if (record != NULL) {
            double *const rows[] = { w->y.lambda_V, w->y.lambda_I, w->y.lambda_sum_V };
            write_record(g, record, first + e - 1, rows);
        }
        const int32_t r = row[e - 1], receptor = r >= 0 ? g->receptor[r] : -1;
        const int many = record == NULL ? together_before(g, in, first, e, 0) : 1;
        if (weights && receptor >= 0)
            gain(g, w, receptor, many > 1 ? empty_slot(g, w, row + e - many, many, into) : into + (int64_t)r * pad);
        for (int j = 0; j < many; j++) {
            double credit = 0.0;
            if (into_delays != NULL && receptor >= 0)
                gain_delays(g, w, receptor, g->weights + (int64_t)row[e - 1 - j] * pad, into_delays + (int64_t)row[e - 1 - j] * pad);
            if (receptor >= 0 && (times || ARRIVALS_CHANGE_ADJOINTS))
                credit = depart(g, w, receptor, g->weights + (int64_t)row[e - 1 - j] * pad);
            if (times) gradient->event_time[first + e - 1 - j] = credit;
        }
        e -= many - 1;
    }
    if (weights) add_slots(g, w, into);
    if (parameters) end_adjoint(g, w, &total);
}

/* ---- A population that never spikes, read at the end alone: x(T) is linear in every arrival, so nothing needs to be stepped
 * through time. What an arrival at t_e leaves at T depends on T - t_e and the row's weights only through a product: the
 * propagators are summed by rows first, then the rows meet their weights once. Backward the same with the adjoint flow.
 * Events come in pieces of a vector each. From each of them it is not far to the middle of its piece, so that exponentials are
 * short polynomials; one propagator takes all of the piece on from there to T. */

enum { PIECES = 4, SOME = PIECES * LANES, RESPONSES = 3, WEIGHED = 1, CREDITED = 2 };

/* The middle of a piece that begins with event `from`. */
SALTUS_INLINE double middle(const double *restrict time, int events, int from)
{
    return 0.5 * (time[from] + time[from + LANES < events ? from + LANES - 1 : events - 1]);
}

/* The propagators from the middle of each piece to T. */
static void measure_pieces(const saltus_group *g, const workspace *w, const double *restrict time, int events)
{
    for (int from = 0; from < events; from += LANES) w->dt[from / LANES] = g->horizon - middle(time, events, from);
    propagate(w, (events + LANES - 1) / LANES - 1);
}

/* How far it is from some events, in so many pieces, to the middle of their pieces, by how many terms that is near for all; or
 * (0) how far it is to T. Spare lanes repeat the last one. */
SALTUS_INLINE int measure_events(const saltus_group *g, const workspace *w, const double *restrict time, int events, int from,
                                 int *pieces, double *restrict dt)
{
    const int last = (from + SOME < events ? from + SOME : events) - 1 - from;
    double furthest = 0.0;
    *pieces = last / LANES + 1;
    for (int l = 0; l <= last; l += LANES) { /* the first of a piece is as far as the last */
        const double far = middle(time, events, from + l) - time[from + l];
        furthest = far > furthest ? far : furthest;
    }
    const int terms = saltus_terms(furthest * w->steepest) != 0 ? 15 : 0;
    for (int l = 0; l <= last; l += LANES) {
        const double end = terms != 0 ? middle(time, events, from + l) : g->horizon;
        for (int i = l; i < l + LANES; i++) dt[i] = end - time[from + (i < last ? i : last)];
    }
    return terms;
}

/* What unit arrivals of some events are at T. */
SALTUS_INLINE void respond_of(const int terms, const workspace *w, int pieces, const double *restrict dt, entries_view far,
                              double into[RESPONSES][SOME])
{
    for (int piece = 0; piece < pieces; piece++)
#pragma omp simd
        for (int l = piece * LANES; l < (piece + 1) * LANES; l++) {
            double Phi_V_V, Phi_V_I, Phi_I_I, Phi_sum_V_V, Phi_sum_V_I, Psi_V_sum_V, Psi_I_V, Psi_I_sum_V;
            if (terms != 0) {
                model_propagator_near(terms, dt[l], w->p.per_tau_mem[0], w->p.per_tau_syn[0], &Phi_V_V, &Phi_V_I, &Phi_I_I, &Phi_sum_V_V, &Phi_sum_V_I, &Psi_V_sum_V, &Psi_I_V, &Psi_I_sum_V);
            } else {
                model_propagator(dt[l], w->p.per_tau_mem[0], w->p.per_tau_syn[0], &Phi_V_V, &Phi_V_I, &Phi_I_I, &Phi_sum_V_V, &Phi_sum_V_I, &Psi_V_sum_V, &Psi_I_V, &Psi_I_sum_V);
            }
            { /* of a unit of I */
                double moved_V, still_V, moved_I, still_I, moved_sum_V, still_sum_V;
                {
                    const double unit_V = 0.0, unit_I = 1.0, unit_sum_V = 0.0;
                    (void)unit_V, (void)unit_I, (void)unit_sum_V;
                    double V_next, I_next, sum_V_next;
                    model_advance(unit_V, unit_I, unit_sum_V, Phi_V_V, Phi_V_I, Phi_I_I, Phi_sum_V_V, Phi_sum_V_I, &V_next, &I_next, &sum_V_next);
                    moved_V = V_next;
                    moved_I = I_next;
                    moved_sum_V = sum_V_next;
                }
                {
                    const double unit_V = 0.0, unit_I = 0.0, unit_sum_V = 0.0;
                    (void)unit_V, (void)unit_I, (void)unit_sum_V;
                    double V_next, I_next, sum_V_next;
                    model_advance(unit_V, unit_I, unit_sum_V, Phi_V_V, Phi_V_I, Phi_I_I, Phi_sum_V_V, Phi_sum_V_I, &V_next, &I_next, &sum_V_next);
                    still_V = V_next;
                    still_I = I_next;
                    still_sum_V = sum_V_next;
                }
                if (terms != 0) { /* from the end of the piece on */
                    {
                        double V_next, I_next, sum_V_next;
                        model_advance(moved_V, moved_I, moved_sum_V, far.Phi_V_V[piece], far.Phi_V_I[piece], far.Phi_I_I[piece], far.Phi_sum_V_V[piece], far.Phi_sum_V_I[piece], &V_next, &I_next, &sum_V_next);
                        moved_V = V_next;
                        moved_I = I_next;
                        moved_sum_V = sum_V_next;
                    }
                    {
                        double V_next, I_next, sum_V_next;
                        model_advance(still_V, still_I, still_sum_V, far.Phi_V_V[piece], far.Phi_V_I[piece], far.Phi_I_I[piece], far.Phi_sum_V_V[piece], far.Phi_sum_V_I[piece], &V_next, &I_next, &sum_V_next);
                        still_V = V_next;
                        still_I = I_next;
                        still_sum_V = sum_V_next;
                    }
                }
                into[0][l] = moved_V - still_V;
                into[1][l] = moved_I - still_I;
                into[2][l] = moved_sum_V - still_sum_V;
            }
        }
}

SALTUS_APART void respond_15(const workspace *w, int pieces, const double *restrict dt, entries_view far, double into[RESPONSES][SOME])
{
    respond_of(15, w, pieces, dt, far, into);
}

SALTUS_APART void respond_0(const workspace *w, int pieces, const double *restrict dt, entries_view far, double into[RESPONSES][SOME])
{
    respond_of(0, w, pieces, dt, far, into);
}

SALTUS_INLINE void respond(int terms, const workspace *w, int pieces, const double *restrict dt, entries_view far, double into[RESPONSES][SOME])
{
    switch (terms) {
    case 15: respond_15(w, pieces, dt, far, into); break;
    default: respond_0(w, pieces, dt, far, into);
    }
}

/* One sample forward. */
static void forward_readout(const saltus_group *g, const saltus_events *in, double *final, workspace *w, int32_t sample)
{
    const int events = in->count[sample];
    const int64_t first = in->start[sample];
    const int32_t *restrict event_row = in->row + first;
    double *restrict row_sum = w->row_sum;
    begin(g, w);
    advance_all_shared(g, w, propagators(1, g, w, g->horizon));
    measure_pieces(g, w, in->time + first, events);
    memset(row_sum, 0, sizeof(double) * (size_t)g->rows * RESPONSES);
    for (int from = 0, pieces; from < events; from += SOME) {
        double dt[SOME], each[RESPONSES][SOME];
        const int terms = measure_events(g, w, in->time + first, events, from, &pieces, dt);
        respond(terms, w, pieces, dt, entry(w->k, from / LANES), each);
        for (int l = 0; l < SOME && from + l < events; l++) {
            const int32_t row = event_row[from + l];
            for (int m = 0; row >= 0 && m < RESPONSES; m++) row_sum[row * RESPONSES + m] += each[m][l];
        }
    }
    const states_view x = w->x;
    const parameters_view p = w->p;
    (void)p;
    for (int row = 0; row < g->rows; row++) {
        const double *restrict sum = row_sum + row * RESPONSES, *restrict weight = g->weights + (int64_t)row * g->n_pad;
        switch (g->receptor[row]) {
        case 0: /* exc */
#pragma omp simd
            for (int n = 0; n < g->n_pad; n++) {
                double V_next, I_next, sum_V_next;
                model_exc_jump(0.0, 0.0, 0.0, weight[n], &V_next, &I_next, &sum_V_next);
                x.V[n] += sum[0] * I_next;
                x.I[n] += sum[1] * I_next;
                x.sum_V[n] += sum[2] * I_next;
            }
            break;
        default: break;
        }
    }
    if (final != NULL) {
        double *const rows[] = { w->x.V, w->x.I, w->x.sum_V };
        write_record(g, final, sample, rows);
    }
}

/* The adjoints at the events of a piece, of what they are at T. */
SALTUS_INLINE void return_of(const int terms, const workspace *w, const double *restrict end, int pieces,
                             const double *restrict dt, entries_view far, double into[STATES][SOME])
{
    for (int piece = 0; piece < pieces; piece++)
#pragma omp simd
        for (int l = piece * LANES; l < (piece + 1) * LANES; l++) {
            double lambda_V = end[0], lambda_I = end[1], lambda_sum_V = end[2];
            if (terms != 0) { /* to the end of the piece */
                double lambda_V_next, lambda_I_next, lambda_sum_V_next;
                model_adjoint(lambda_V, lambda_I, lambda_sum_V, far.Phi_V_V[piece], far.Phi_I_I[piece], far.Psi_V_sum_V[piece], far.Psi_I_V[piece], far.Psi_I_sum_V[piece], &lambda_V_next, &lambda_I_next, &lambda_sum_V_next);
                lambda_V = lambda_V_next;
                lambda_I = lambda_I_next;
                lambda_sum_V = lambda_sum_V_next;
            }
            double Phi_V_V, Phi_V_I, Phi_I_I, Phi_sum_V_V, Phi_sum_V_I, Psi_V_sum_V, Psi_I_V, Psi_I_sum_V;
            if (terms != 0) {
                model_propagator_near(terms, dt[l], w->p.per_tau_mem[0], w->p.per_tau_syn[0], &Phi_V_V, &Phi_V_I, &Phi_I_I, &Phi_sum_V_V, &Phi_sum_V_I, &Psi_V_sum_V, &Psi_I_V, &Psi_I_sum_V);
            } else {
                model_propagator(dt[l], w->p.per_tau_mem[0], w->p.per_tau_syn[0], &Phi_V_V, &Phi_V_I, &Phi_I_I, &Phi_sum_V_V, &Phi_sum_V_I, &Psi_V_sum_V, &Psi_I_V, &Psi_I_sum_V);
            }
            double lambda_V_next, lambda_I_next, lambda_sum_V_next;
            model_adjoint(lambda_V, lambda_I, lambda_sum_V, Phi_V_V, Phi_I_I, Psi_V_sum_V, Psi_I_V, Psi_I_sum_V, &lambda_V_next, &lambda_I_next, &lambda_sum_V_next);
            into[0][l] = lambda_V_next;
            into[1][l] = lambda_I_next;
            into[2][l] = lambda_sum_V_next;
        }
}

SALTUS_APART void return_15(const workspace *w, const double *restrict end, int pieces, const double *restrict dt, entries_view far, double into[STATES][SOME])
{
    return_of(15, w, end, pieces, dt, far, into);
}

SALTUS_APART void return_0(const workspace *w, const double *restrict end, int pieces, const double *restrict dt, entries_view far, double into[STATES][SOME])
{
    return_of(0, w, end, pieces, dt, far, into);
}

SALTUS_INLINE void return_some(int terms, const workspace *w, const double *restrict end, int pieces, const double *restrict dt, entries_view far, double into[STATES][SOME])
{
    switch (terms) {
    case 15: return_15(w, end, pieces, dt, far, into); break;
    default: return_0(w, end, pieces, dt, far, into);
    }
}

/* What a row's arrival is worth, for each adjoint that its credit has, if all neurons' are multiples of y. */
static void worth_of_row(const saltus_group *g, const workspace *w, int row, const double *restrict y, double *restrict worth)
{
    const double *restrict weight = g->weights + (int64_t)row * g->n_pad;
    const parameters_view p = w->p;
    (void)p, (void)weight, (void)y, (void)worth;
    switch (g->receptor[row]) {
    case 0: { /* exc */
        double worth_lambda_V = 0.0, worth_lambda_I = 0.0;
#pragma omp simd reduction(+ : worth_lambda_V, worth_lambda_I)
        for (int n = 0; n < g->n_pad; n++) {
            {
                const double unit_lambda_V = y[n], unit_lambda_I = 0.0, unit_lambda_sum_V = 0.0;
                (void)unit_lambda_V, (void)unit_lambda_I, (void)unit_lambda_sum_V;
                double credit;
                model_exc_credit(unit_lambda_V, unit_lambda_I, &credit);
                worth_lambda_V += weight[n] * credit;
            }
            {
                const double unit_lambda_V = 0.0, unit_lambda_I = y[n], unit_lambda_sum_V = 0.0;
                (void)unit_lambda_V, (void)unit_lambda_I, (void)unit_lambda_sum_V;
                double credit;
                model_exc_credit(unit_lambda_V, unit_lambda_I, &credit);
                worth_lambda_I += weight[n] * credit;
            }
        }
        worth[0] = worth_lambda_V;
        worth[1] = worth_lambda_I;
        break;
    }
    default: break;
    }
}

/* What a row's weights gain, if all neurons' adjoints at its events are multiples of y, whose sums are given. */
static void gain_of_row(const saltus_group *g, const workspace *w, int row, const double *restrict y, const double *restrict sum,
                        double *restrict gradient)
{
    const parameters_view p = w->p;
    (void)p;
    switch (g->receptor[row]) {
    case 0: /* exc */
#pragma omp simd
        for (int n = 0; n < g->n_pad; n++) {
            const double lambda_V = 0.0, lambda_I = sum[0] * y[n], lambda_sum_V = 0.0;
            (void)lambda_V, (void)lambda_I, (void)lambda_sum_V;
            double grad_w;
            model_exc_weight(lambda_I, p.tau_syn[n], &grad_w);
            gradient[n] += grad_w;
        }
        break;
    default: break;
    }
}

/* What one adjoint at T, the same multiple of y for everyone, gives: the gradient of the weights, and the events' credits. */
static void return_from(const saltus_group *g, const saltus_events *in, const saltus_gradient *gradient, workspace *w,
                        const double *restrict end, const double *restrict y, int32_t chunk, int32_t sample)
{
    const int events = in->count[sample], times = CREDITED > 0 && (gradient->want & WANT_TIMES) != 0;
    const int64_t first = in->start[sample];
    const int32_t *restrict event_row = in->row + first;
    double *restrict sum = w->row_sum, *restrict worth = w->row_worth;
    memset(sum, 0, sizeof(double) * (size_t)g->rows * WEIGHED);
    for (int row = 0; times && row < g->rows; row++) worth_of_row(g, w, row, y, worth + row * CREDITED);
    for (int from = 0, pieces; from < events; from += SOME) {
        double dt[SOME], each[STATES][SOME];
        const int terms = measure_events(g, w, in->time + first, events, from, &pieces, dt);
        return_some(terms, w, end, pieces, dt, entry(w->k, from / LANES), each);
        for (int l = 0; l < SOME && from + l < events; l++) {
            const int32_t row = event_row[from + l];
            if (row < 0) continue;
            sum[row * WEIGHED + 0] += each[1][l];
            if (!times) continue;
            double *credit = gradient->event_time + first + from + l;
            (void)credit;
            *credit += each[0][l] * worth[row * CREDITED + 0];
            *credit += each[1][l] * worth[row * CREDITED + 1];
        }
    }
    if (!(gradient->want & WANT_WEIGHTS)) return;
    for (int row = 0; row < g->rows; row++)
        gain_of_row(g, w, row, y, sum + row * WEIGHED, gradient->weights + ((int64_t)chunk * g->rows + row) * g->n_pad);
}

/* One sample backward. The adjoints at T are taken one by one: most losses leave all but one at zero. */
static void backward_readout(const saltus_group *g, const saltus_events *in, const double *final,
                             const saltus_gradient *gradient, workspace *w, int32_t chunk, int32_t sample)
{
    const int events = in->count[sample];
    const int64_t first = in->start[sample];
    const double *const rows[] = { w->y.lambda_V, w->y.lambda_I, w->y.lambda_sum_V };
    begin_adjoint(g, w, final + (int64_t)sample * STATES * g->n_pad);
    measure_pieces(g, w, in->time + first, events);
    if (gradient->want & WANT_TIMES) memset(gradient->event_time + first, 0, sizeof(double) * (size_t)events);
    for (int s = 0; s < STATES; s++) {
        double end[STATES] = {0.0};
        int some = 0;
        for (int n = 0; n < g->n; n++) some |= rows[s][n] != 0.0;
        end[s] = 1.0;
        if (some) return_from(g, in, gradient, w, end, rows[s], chunk, sample);
    }
}

typedef int (*sample_task)(const void *job, workspace *w, int32_t chunk, int32_t sample, saltus_status *status);

/* Runs a task for every sample of the chunks [first, last), chunk by chunk; the first failure (by sample) is kept. */
static int32_t for_each_sample(const saltus_group *g, const void *job, sample_task task, int64_t events, int64_t spikes,
                               int32_t first, int32_t last, int32_t threads, char *place, int64_t bytes,
                               saltus_status *status)
{
    const int64_t needed = saltus_workspace(g, events, spikes);
    *status = (saltus_status){DONE, g->batch, -1, 0.0, needed};
    if (bytes < needed) return fail(status, WORKSPACE, -1, -1, 0.0, needed);
    (void)threads, (void)bytes;
#ifdef _OPENMP
    const int caller = here(threads);
#pragma omp parallel num_threads(threads)
    {
        make_way(caller);
#pragma omp for schedule(dynamic) nowait
#endif
    for (int32_t chunk = first; chunk < last; chunk++) {
#ifdef _OPENMP
        char *mine = place + omp_get_thread_num() * bytes;
#else
        char *mine = place;
#endif
        workspace w;
        lay_out(&w, g, events, spikes, mine);
        prepare(g, &w);
        const int32_t from = (int32_t)((int64_t)chunk * g->batch / g->chunks);
        const int32_t to = (int32_t)((int64_t)(chunk + 1) * g->batch / g->chunks);
        for (int32_t sample = from; sample < to; sample++) {
            saltus_status mine_status = {DONE, 0, 0, 0.0, 0};
            if (task(job, &w, chunk, sample, &mine_status) == DONE) continue;
#ifdef _OPENMP
#pragma omp critical
#endif
            if (sample < status->sample) *status = mine_status;
            break;
        }
    }
#ifdef _OPENMP
    }
#endif
    return status->code;
}

typedef struct {
    const saltus_group *g;
    const saltus_events *in;
    saltus_spikes *out;
    double *final, *record;
} forward_job;

static int forward_task(const void *job, workspace *w, int32_t chunk, int32_t sample, saltus_status *status)
{
    const forward_job *f = job;
    const saltus_group *g = f->g;
    (void)chunk;
    if (FLOW_SHARED(g) && f->record == NULL) return forward_readout(g, f->in, f->final, w, sample), DONE;
    return FLOW_SHARED(g) ? forward_sample(1, g, f->in, f->out, f->final, f->record, w, sample, status)
                          : forward_sample(0, g, f->in, f->out, f->final, f->record, w, sample, status);
}

static int64_t most_events(const saltus_group *g, const saltus_events *in)
{
    int64_t most = 0;
    for (int32_t b = 0; b < g->batch; b++) most = in->count[b] > most ? in->count[b] : most;
    return most;
}

int32_t saltus_forward(const saltus_group *g, const saltus_events *in, saltus_spikes *out, double *final,
                       double *record, int32_t first, int32_t last, int32_t threads, char *place, int64_t bytes,
                       saltus_status *status)
{
    const forward_job job = {g, in, out, final, record};
    return for_each_sample(g, &job, forward_task, most_events(g, in), out->capacity, first, last, threads, place,
                           bytes, status);
}

typedef struct {
    const saltus_group *g;
    const saltus_events *in;
    const saltus_spikes *out;
    const saltus_cotangent *cotangent;
    const saltus_gradient *gradient;
    double *record;
} backward_job;

static int backward_task(const void *job, workspace *w, int32_t chunk, int32_t sample, saltus_status *status)
{
    const backward_job *f = job;
    const saltus_group *g = f->g;
    (void)status;
    if (FLOW_SHARED(g) && f->record == NULL && f->cotangent->final != NULL && !(f->gradient->want & (WANT_PARAMETERS | WANT_DELAYS))) {
        backward_readout(g, f->in, f->cotangent->final, f->gradient, w, chunk, sample);
        return DONE;
    }
    if (FLOW_SHARED(g))
        backward_sample(1, g, f->in, f->out, f->cotangent, f->gradient, f->record, w, chunk, sample);
    else
        backward_sample(0, g, f->in, f->out, f->cotangent, f->gradient, f->record, w, chunk, sample);
    return DONE;
}

int32_t saltus_backward(const saltus_group *g, const saltus_events *in, const saltus_spikes *out,
                        const saltus_cotangent *cotangent, const saltus_gradient *gradient, double *record,
                        int32_t first, int32_t last, int32_t threads, char *place, int64_t bytes,
                        saltus_status *status)
{
    const backward_job job = {g, in, out, cotangent, gradient, record};
    const int64_t pad = g->n_pad, span = last - first;
    if (gradient->want & WANT_WEIGHTS) {
        memset(gradient->weights + first * g->rows * pad, 0, sizeof(double) * (size_t)(span * g->rows * pad));
        if (g->recurrent != NULL)
            memset(gradient->recurrent + first * g->n * pad, 0, sizeof(double) * (size_t)(span * g->n * pad));
    }
    if (gradient->want & WANT_DELAYS)
        memset(gradient->delays + first * g->rows * pad, 0, sizeof(double) * (size_t)(span * g->rows * pad));
    if (gradient->want & WANT_PARAMETERS)
        memset(gradient->parameters + first * PARAMETERS * pad, 0, sizeof(double) * (size_t)(span * PARAMETERS * pad));
    return for_each_sample(g, &job, backward_task, most_events(g, in), out->capacity, first, last, threads, place,
                           bytes, status);
}

void saltus_reduce(const saltus_group *g, const saltus_gradient *gradient)
{
    const int64_t pad = g->n_pad;
    if (gradient->want & WANT_WEIGHTS) {
        reduce(gradient->weights, g->chunks, g->rows * pad);
        if (g->recurrent != NULL) reduce(gradient->recurrent, g->chunks, g->n * pad);
    }
    if (gradient->want & WANT_DELAYS) reduce(gradient->delays, g->chunks, g->rows * pad);
    if (gradient->want & WANT_PARAMETERS) reduce(gradient->parameters, g->chunks, PARAMETERS * pad);
}

int32_t saltus_abi(void)
{
    return ABI;
}

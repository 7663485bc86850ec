/* Made by `saltus emit` from ei.toml (event; ir.json 3cdd3927dc7a). Do not edit: change the spec or the templates and run it again.
 *
 * The event engine for a group of ei neurons: exact spike times forward, exact gradients backward.
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

enum { STATES = 3, PARAMETERS = 8, LANES = 8, BUNDLES = 4, FEW = 32, ABI = 3 };
enum { ARRIVALS_CHANGE_ADJOINTS = 0 };
enum { WANT_WEIGHTS = 1, WANT_TIMES = 2, WANT_PARAMETERS = 4, WANT_DELAYS = 8, WANT_FLOW = 32 };
enum { DONE, CAPACITY, STARTS_ABOVE, RESETS_ABOVE, WORKSPACE, ROOT };

typedef struct { double *V, *I_exc, *I_inh; } states_view;
typedef struct { double *lambda_V, *lambda_I_exc, *lambda_I_inh; } adjoints_view;
typedef struct { double *tau_mem, *tau_exc, *tau_inh, *theta, *v_reset, *V0, *I_exc0, *I_inh0, *per_tau_mem, *per_tau_exc, *per_tau_inh; } parameters_view;
typedef struct { double *tau_mem, *tau_exc, *tau_inh, *theta, *v_reset, *V0, *I_exc0, *I_inh0; } gradients_view;
typedef struct { double *V__tau_mem, *V__tau_exc, *I_exc__tau_exc, *V__tau_inh, *I_inh__tau_inh; } tangents_view;
typedef struct { double *tau_mem, *tau_exc, *tau_inh; } moved_view;

/* A stretch between events: its propagators, where all neurons share them; where each has its own, its length and with how
 * many terms the exponentials of all neurons are computed (0: with those for any length). */
typedef struct { double *Phi_V_V, *Phi_V_I_exc, *Phi_V_I_inh, *Phi_I_exc_I_exc, *Phi_I_inh_I_inh, *Psi_I_exc_V, *Psi_I_inh_V, dt; int terms; } entries_view;

typedef struct { double *Phi_V_V_tau_mem, *Phi_V_I_exc_tau_mem, *Phi_V_I_inh_tau_mem, *Phi_V_I_exc_tau_exc, *Phi_I_exc_I_exc_tau_exc, *Phi_V_I_inh_tau_inh, *Phi_I_inh_I_inh_tau_inh; } slopes_view;

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

#define NEVER 0x1p1023 /* finite, as OpenMP's least of nothing is infinite for one compiler and DBL_MAX for another */
enum { SLOTS = 512, PAGE = 4096, VOLLEY = 8, LENGTHS = 40, LONGEST = 2 };

typedef struct { double *V, *I_exc, *I_inh, *V_end, *I_exc_end, *I_inh_end, *span, *since, *tau_mem, *tau_exc, *tau_inh, *theta, *v_reset, *per_tau_mem, *per_tau_exc, *per_tau_inh; } asked_view;
typedef struct { double *V, *I_exc, *I_inh, *span, *since, *low, *high, *peak, *u1_high, *tau_mem, *tau_exc, *tau_inh, *theta, *v_reset, *per_tau_mem, *per_tau_exc, *per_tau_inh; } certain_view;
typedef struct { double *time, *slope, *V, *I_exc, *I_inh; } fresh_view;

/* The arrival of a spike of the group that is under way, by a line of it. */
typedef struct {
    double time;
    int32_t spike, line;
} coming;

/* What happens to a vector of neurons: event or spike `of`; a stretch may come before. */
typedef struct {
    int32_t of;
    int16_t spikes, later;
} happening;

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
    int alike;                 /* do all neurons share all parameters that a search reads? */
    int64_t *flag;             /* [n_pad] 1: may cross in this interval */
    tangents_view z, z_end;    /* [n_pad] derivatives of the states by parameters */
    moved_view moved;          /* [spikes] derivatives of the times of spikes by parameters of their neurons */
    slopes_view slope;         /* [events + spikes + 2] derivatives of the propagators by the parameters */
    double span_length;        /* of the spans that these are for, where neurons have their own; negative: not known yet. See posts */
    entries_view span_k;       /* [n_pad] */
    slopes_view span_slope;    /* [n_pad] */
    double per_post[10]; /* a post's part of the shares */
    double *post;              /* [receptors][n_pad / 8][states and derivatives][POSTS][8] */
    parameters_view p_few;     /* [n_pad] */
    happening *course;         /* [events + spikes + 1] see vectors_back */
    double *kept;              /* [events + spikes + 1][propagators that adjoints take][LANES] */
    double *credits;           /* [events][LANES] of events, by lanes */
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
    coming *under_way;         /* [spikes * most_lines] heap of arrivals, the next one first */
    double *owed;              /* [spikes] what arrivals give to the spikes that they are of */
    asked_view asked;          /* [n_pad + LANES] who may spike, see alone */
    int32_t *asked_place;      /* [n_pad + LANES] their places in the queue */
    certain_view certain;      /* [n_pad + LANES] who spikes next for certain */
    int32_t *certain_place;    /* [n_pad + LANES] their places in the queue */
    fresh_view fresh;          /* [spikes + LANES] spikes of the interval, not sorted yet */
    int32_t *fresh_neuron;     /* [spikes + LANES] */
    double *sum;               /* [VOLLEY][n_pad] weights of arrivals at one time */
    double *slots;             /* [SLOTS][n_pad] what their weights gain */
    int32_t *slot_row, *slot_of, *slot_sorted; /* [events] */
    int32_t *row_begin;        /* [rows + 2] */
    int slots_used, slot_events;
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
    w->x.I_exc = take(base, &used, d * pad);
    w->x_end.I_exc = take(base, &used, d * pad);
    w->queue.I_exc = take(base, &used, d * wide);
    w->ahead.I_exc = take(base, &used, d * wide);
    w->x.I_inh = take(base, &used, d * pad);
    w->x_end.I_inh = take(base, &used, d * pad);
    w->queue.I_inh = take(base, &used, d * wide);
    w->ahead.I_inh = take(base, &used, d * wide);
    w->y.lambda_V = take(base, &used, d * pad);
    w->y.lambda_I_exc = take(base, &used, d * pad);
    w->y.lambda_I_inh = take(base, &used, d * pad);
    w->k.Phi_V_V = take(base, &used, d * items);
    w->common.Phi_V_V = take(base, &used, d);
    w->few.Phi_V_V = take(base, &used, d * LANES);
    w->k_gap.Phi_V_V = take(base, &used, d * spikes);
    w->k_lead.Phi_V_V = take(base, &used, d * spikes);
    w->k.Phi_V_I_exc = take(base, &used, d * items);
    w->common.Phi_V_I_exc = take(base, &used, d);
    w->few.Phi_V_I_exc = take(base, &used, d * LANES);
    w->k_gap.Phi_V_I_exc = take(base, &used, d * spikes);
    w->k_lead.Phi_V_I_exc = take(base, &used, d * spikes);
    w->k.Phi_V_I_inh = take(base, &used, d * items);
    w->common.Phi_V_I_inh = take(base, &used, d);
    w->few.Phi_V_I_inh = take(base, &used, d * LANES);
    w->k_gap.Phi_V_I_inh = take(base, &used, d * spikes);
    w->k_lead.Phi_V_I_inh = take(base, &used, d * spikes);
    w->k.Phi_I_exc_I_exc = take(base, &used, d * items);
    w->common.Phi_I_exc_I_exc = take(base, &used, d);
    w->few.Phi_I_exc_I_exc = take(base, &used, d * LANES);
    w->k_gap.Phi_I_exc_I_exc = take(base, &used, d * spikes);
    w->k_lead.Phi_I_exc_I_exc = take(base, &used, d * spikes);
    w->k.Phi_I_inh_I_inh = take(base, &used, d * items);
    w->common.Phi_I_inh_I_inh = take(base, &used, d);
    w->few.Phi_I_inh_I_inh = take(base, &used, d * LANES);
    w->k_gap.Phi_I_inh_I_inh = take(base, &used, d * spikes);
    w->k_lead.Phi_I_inh_I_inh = take(base, &used, d * spikes);
    w->k.Psi_I_exc_V = take(base, &used, d * items);
    w->common.Psi_I_exc_V = take(base, &used, d);
    w->few.Psi_I_exc_V = take(base, &used, d * LANES);
    w->k_gap.Psi_I_exc_V = take(base, &used, d * spikes);
    w->k_lead.Psi_I_exc_V = take(base, &used, d * spikes);
    w->k.Psi_I_inh_V = take(base, &used, d * items);
    w->common.Psi_I_inh_V = take(base, &used, d);
    w->few.Psi_I_inh_V = take(base, &used, d * LANES);
    w->k_gap.Psi_I_inh_V = take(base, &used, d * spikes);
    w->k_lead.Psi_I_inh_V = take(base, &used, d * spikes);
    w->p.per_tau_mem = take(base, &used, d * pad);
    w->p.per_tau_exc = take(base, &used, d * pad);
    w->p.per_tau_inh = take(base, &used, d * pad);
    w->p.tau_mem = take(base, &used, d * pad);
    w->p.tau_exc = take(base, &used, d * pad);
    w->p.tau_inh = take(base, &used, d * pad);
    w->p.theta = take(base, &used, d * pad);
    w->p.v_reset = take(base, &used, d * pad);
    w->p.V0 = take(base, &used, d * pad);
    w->p.I_exc0 = take(base, &used, d * pad);
    w->p.I_inh0 = take(base, &used, d * pad);
    w->dt = take(base, &used, d * items);
    w->shrink = take(base, &used, d * (events + 1));
    w->length = take(base, &used, d * (events + 1));
    w->flag = take(base, &used, d * pad);
    w->slope.Phi_V_V_tau_mem = take(base, &used, d * items);
    w->slope.Phi_V_I_exc_tau_mem = take(base, &used, d * items);
    w->slope.Phi_V_I_inh_tau_mem = take(base, &used, d * items);
    w->slope.Phi_V_I_exc_tau_exc = take(base, &used, d * items);
    w->slope.Phi_I_exc_I_exc_tau_exc = take(base, &used, d * items);
    w->slope.Phi_V_I_inh_tau_inh = take(base, &used, d * items);
    w->slope.Phi_I_inh_I_inh_tau_inh = take(base, &used, d * items);
    w->z.V__tau_mem = take(base, &used, d * pad);
    w->z_end.V__tau_mem = take(base, &used, d * pad);
    w->z.V__tau_exc = take(base, &used, d * pad);
    w->z_end.V__tau_exc = take(base, &used, d * pad);
    w->z.I_exc__tau_exc = take(base, &used, d * pad);
    w->z_end.I_exc__tau_exc = take(base, &used, d * pad);
    w->z.V__tau_inh = take(base, &used, d * pad);
    w->z_end.V__tau_inh = take(base, &used, d * pad);
    w->z.I_inh__tau_inh = take(base, &used, d * pad);
    w->z_end.I_inh__tau_inh = take(base, &used, d * pad);
    w->moved.tau_mem = take(base, &used, d * spikes);
    w->moved.tau_exc = take(base, &used, d * spikes);
    w->moved.tau_inh = take(base, &used, d * spikes);
    const int64_t own = g->flow_shared ? 0 : d * pad;
    w->span_length = -1.0;
    w->span_k.Phi_V_V = take(base, &used, own);
    w->span_k.Phi_V_I_exc = take(base, &used, own);
    w->span_k.Phi_V_I_inh = take(base, &used, own);
    w->span_k.Phi_I_exc_I_exc = take(base, &used, own);
    w->span_k.Phi_I_inh_I_inh = take(base, &used, own);
    w->span_k.Psi_I_exc_V = take(base, &used, own);
    w->span_k.Psi_I_inh_V = take(base, &used, own);
    w->span_slope.Phi_V_V_tau_mem = take(base, &used, own);
    w->span_slope.Phi_V_I_exc_tau_mem = take(base, &used, own);
    w->span_slope.Phi_V_I_inh_tau_mem = take(base, &used, own);
    w->span_slope.Phi_V_I_exc_tau_exc = take(base, &used, own);
    w->span_slope.Phi_I_exc_I_exc_tau_exc = take(base, &used, own);
    w->span_slope.Phi_V_I_inh_tau_inh = take(base, &used, own);
    w->span_slope.Phi_I_inh_I_inh_tau_inh = take(base, &used, own);
    w->post = take(base, &used, own * 160);
    w->p_few.tau_mem = take(base, &used, own);
    w->p_few.tau_exc = take(base, &used, own);
    w->p_few.tau_inh = take(base, &used, own);
    w->p_few.theta = take(base, &used, own);
    w->p_few.v_reset = take(base, &used, own);
    w->p_few.V0 = take(base, &used, own);
    w->p_few.I_exc0 = take(base, &used, own);
    w->p_few.I_inh0 = take(base, &used, own);
    w->p_few.per_tau_mem = take(base, &used, own);
    w->p_few.per_tau_exc = take(base, &used, own);
    w->p_few.per_tau_inh = take(base, &used, own);
    const int64_t course = g->recurrent == NULL ? items : 0;
    w->course = take(base, &used, (int64_t)sizeof(happening) * course);
    w->kept = take(base, &used, d * 5 * LANES * course);
    w->credits = take(base, &used, g->recurrent == NULL ? d * LANES * events : 0);
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
    w->sum = take(base, &used, d * pad * VOLLEY);
    w->slots = take(base, &used, d * pad * SLOTS);
    w->slot_row = take(base, &used, i * events);
    w->slot_of = take(base, &used, i * events);
    w->slot_sorted = take(base, &used, i * events);
    w->row_begin = take(base, &used, i * (g->rows + 2));
    w->slots_used = w->slot_events = 0;
    w->before = take(base, &used, d * (spikes + LANES));
    w->under_way = take(base, &used, (int64_t)sizeof(coming) * spikes * g->most_lines);
    w->owed = take(base, &used, d * spikes);
    w->asked.V = take(base, &used, d * wide);
    w->asked.I_exc = take(base, &used, d * wide);
    w->asked.I_inh = take(base, &used, d * wide);
    w->asked.V_end = take(base, &used, d * wide);
    w->asked.I_exc_end = take(base, &used, d * wide);
    w->asked.I_inh_end = take(base, &used, d * wide);
    w->asked.span = take(base, &used, d * wide);
    w->asked.since = take(base, &used, d * wide);
    w->asked.tau_mem = take(base, &used, d * wide);
    w->asked.tau_exc = take(base, &used, d * wide);
    w->asked.tau_inh = take(base, &used, d * wide);
    w->asked.theta = take(base, &used, d * wide);
    w->asked.v_reset = take(base, &used, d * wide);
    w->asked.per_tau_mem = take(base, &used, d * wide);
    w->asked.per_tau_exc = take(base, &used, d * wide);
    w->asked.per_tau_inh = take(base, &used, d * wide);
    w->asked_place = take(base, &used, i * wide);
    w->certain.V = take(base, &used, d * wide);
    w->certain.I_exc = take(base, &used, d * wide);
    w->certain.I_inh = take(base, &used, d * wide);
    w->certain.span = take(base, &used, d * wide);
    w->certain.since = take(base, &used, d * wide);
    w->certain.low = take(base, &used, d * wide);
    w->certain.high = take(base, &used, d * wide);
    w->certain.peak = take(base, &used, d * wide);
    w->certain.u1_high = take(base, &used, d * wide);
    w->certain.tau_mem = take(base, &used, d * wide);
    w->certain.tau_exc = take(base, &used, d * wide);
    w->certain.tau_inh = take(base, &used, d * wide);
    w->certain.theta = take(base, &used, d * wide);
    w->certain.v_reset = take(base, &used, d * wide);
    w->certain.per_tau_mem = take(base, &used, d * wide);
    w->certain.per_tau_exc = take(base, &used, d * wide);
    w->certain.per_tau_inh = take(base, &used, d * wide);
    w->certain_place = take(base, &used, i * wide);
    w->fresh.time = take(base, &used, d * (spikes + LANES));
    w->fresh.slope = take(base, &used, d * (spikes + LANES));
    w->fresh.V = take(base, &used, d * (spikes + LANES));
    w->fresh.I_exc = take(base, &used, d * (spikes + LANES));
    w->fresh.I_inh = take(base, &used, d * (spikes + LANES));
    w->fresh_neuron = take(base, &used, i * (spikes + LANES));
    return used;
}

int64_t saltus_workspace(const saltus_group *g, int64_t events, int64_t spikes)
{
    workspace w;
    return lay_out(&w, g, events, spikes, NULL);
}

static int all_equal(const saltus_group *g, const double *values)
{
    for (int n = 1; n < g->n; n++)
        if (values[n] != values[0]) return 0;
    return 1;
}

/* The constants of all neurons, and whether these share what a search for crossings reads. */
static void prepare(const saltus_group *g, workspace *w)
{
    (void)g, (void)w;
    memcpy(w->p.tau_mem, g->parameters + 0 * (int64_t)g->n_pad, sizeof(double) * (size_t)g->n_pad);
    memcpy(w->p.tau_exc, g->parameters + 1 * (int64_t)g->n_pad, sizeof(double) * (size_t)g->n_pad);
    memcpy(w->p.tau_inh, g->parameters + 2 * (int64_t)g->n_pad, sizeof(double) * (size_t)g->n_pad);
    memcpy(w->p.theta, g->parameters + 3 * (int64_t)g->n_pad, sizeof(double) * (size_t)g->n_pad);
    memcpy(w->p.v_reset, g->parameters + 4 * (int64_t)g->n_pad, sizeof(double) * (size_t)g->n_pad);
    memcpy(w->p.V0, g->parameters + 5 * (int64_t)g->n_pad, sizeof(double) * (size_t)g->n_pad);
    memcpy(w->p.I_exc0, g->parameters + 6 * (int64_t)g->n_pad, sizeof(double) * (size_t)g->n_pad);
    memcpy(w->p.I_inh0, g->parameters + 7 * (int64_t)g->n_pad, sizeof(double) * (size_t)g->n_pad);
    for (int n = 0; n < g->n_pad; n++) {
        double per_tau_mem, per_tau_exc, per_tau_inh;
        model_constants(w->p.tau_mem[n], w->p.tau_exc[n], w->p.tau_inh[n], &per_tau_mem, &per_tau_exc, &per_tau_inh);
        w->p.per_tau_mem[n] = per_tau_mem;
        w->p.per_tau_exc[n] = per_tau_exc;
        w->p.per_tau_inh[n] = per_tau_inh;
    }
    w->alike = g->flow_shared && all_equal(g, w->p.tau_mem) && all_equal(g, w->p.tau_exc) && all_equal(g, w->p.tau_inh) && all_equal(g, w->p.theta) && all_equal(g, w->p.v_reset) && all_equal(g, w->p.per_tau_mem) && all_equal(g, w->p.per_tau_exc) && all_equal(g, w->p.per_tau_inh);
    double least = INFINITY, most = -INFINITY; /* of all rates, with their signs */
#pragma omp simd reduction(min : least) reduction(max : most)
    for (int n = 0; n < g->n; n++) {
        double saltus_node_0, saltus_node_1, saltus_node_2;
        model_nodes(1.0, w->p.per_tau_mem[n], w->p.per_tau_exc[n], w->p.per_tau_inh[n], &saltus_node_0, &saltus_node_1, &saltus_node_2);
        least = saltus_node_0 < least ? saltus_node_0 : least, most = saltus_node_0 > most ? saltus_node_0 : most;
        least = saltus_node_1 < least ? saltus_node_1 : least, most = saltus_node_1 > most ? saltus_node_1 : most;
        least = saltus_node_2 < least ? saltus_node_2 : least, most = saltus_node_2 > most ? saltus_node_2 : most;
        double rate;
        {
            double u_1_rate;
            model_ladder_1_rate(w->p.per_tau_mem[n], &u_1_rate);
            rate = u_1_rate;
        }
        least = -rate < least ? -rate : least, most = -rate > most ? -rate : most;
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
    view.tau_exc = base + 1 * (int64_t)g->n_pad;
    view.tau_inh = base + 2 * (int64_t)g->n_pad;
    view.theta = base + 3 * (int64_t)g->n_pad;
    view.v_reset = base + 4 * (int64_t)g->n_pad;
    view.V0 = base + 5 * (int64_t)g->n_pad;
    view.I_exc0 = base + 6 * (int64_t)g->n_pad;
    view.I_inh0 = base + 7 * (int64_t)g->n_pad;
    return view;
}

/* The states of all neurons at t = 0. */
static void begin(const saltus_group *g, const workspace *w)
{
    for (int n = 0; n < g->n_pad; n++) {
        w->x.V[n] = w->p.V0[n];
        w->x.I_exc[n] = w->p.I_exc0[n];
        w->x.I_inh[n] = w->p.I_inh0[n];
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
            double V_next, I_exc_next, I_inh_next;
            model_exc_jump(x.V[n], x.I_exc[n], x.I_inh[n], weight[n], &V_next, &I_exc_next, &I_inh_next);
            x.I_exc[n] = I_exc_next;
        }
        break;
    case 1: /* inh */
#pragma omp simd
        for (int n = 0; n < g->n_pad; n++) {
            double V_next, I_exc_next, I_inh_next;
            model_inh_jump(x.V[n], x.I_exc[n], x.I_inh[n], weight[n], &V_next, &I_exc_next, &I_inh_next);
            x.I_inh[n] = I_inh_next;
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
            model_exc_weight(y.lambda_I_exc[n], p.tau_exc[n], &grad_w);
            gradient[n] += grad_w;
        }
        break;
    case 1: /* inh */
#pragma omp simd
        for (int n = 0; n < g->n_pad; n++) {
            double grad_w;
            model_inh_weight(y.lambda_I_inh[n], p.tau_inh[n], &grad_w);
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
            model_exc_credit(y.lambda_V[n], y.lambda_I_exc[n], &credit);
            gradient[n] += weight[n] * credit;
        }
        break;
    case 1: /* inh */
#pragma omp simd
        for (int n = 0; n < g->n_pad; n++) {
            double credit;
            model_inh_credit(y.lambda_V[n], y.lambda_I_inh[n], &credit);
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
            model_exc_credit(y.lambda_V[n], y.lambda_I_exc[n], &credit);
            credits += weight[n] * credit;
        }
        break;
    case 1: /* inh */
#pragma omp simd reduction(+ : credits)
        for (int n = 0; n < g->n_pad; n++) {
            double credit;
            model_inh_credit(y.lambda_V[n], y.lambda_I_inh[n], &credit);
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
        w->y.lambda_I_exc[n] = 0.0;
        w->y.lambda_I_inh[n] = 0.0;
        if (final == NULL) continue;
        double lambda_V_next, lambda_I_exc_next, lambda_I_inh_next;
        model_terminal(final[0 * g->n_pad + n], final[1 * g->n_pad + n], final[2 * g->n_pad + n], w->p.per_tau_mem[n], w->p.per_tau_exc[n], w->p.per_tau_inh[n], &lambda_V_next, &lambda_I_exc_next, &lambda_I_inh_next);
        w->y.lambda_V[n] = lambda_V_next;
        w->y.lambda_I_exc[n] = lambda_I_exc_next;
        w->y.lambda_I_inh[n] = lambda_I_inh_next;
    }
}

/* The gradient of the initial values, from the adjoints at t = 0. */
static void end_adjoint(const saltus_group *g, const workspace *w, const gradients_view *total)
{
    for (int n = 0; n < g->n; n++) {
        double grad_V0, grad_I_exc0, grad_I_inh0;
        model_initial_gradient(w->y.lambda_V[n], w->y.lambda_I_exc[n], w->y.lambda_I_inh[n], w->p.tau_mem[n], w->p.tau_exc[n], w->p.tau_inh[n], &grad_V0, &grad_I_exc0, &grad_I_inh0);
        total->V0[n] += grad_V0;
        total->I_exc0[n] += grad_I_exc0;
        total->I_inh0[n] += grad_I_inh0;
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

static const uint8_t ADDITIVE[] = { 1, 1 };

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
        double Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, Psi_I_exc_V, Psi_I_inh_V;
        if (terms != 0) {
            model_propagator_near(terms, w->dt[e], w->p.tau_mem[0], w->p.per_tau_mem[0], w->p.per_tau_exc[0], w->p.per_tau_inh[0], &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V);
        } else {
            model_propagator(w->dt[e], w->p.tau_mem[0], w->p.per_tau_mem[0], w->p.per_tau_exc[0], w->p.per_tau_inh[0], &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V);
        }
        w->k.Phi_V_V[e] = Phi_V_V;
        w->k.Phi_V_I_exc[e] = Phi_V_I_exc;
        w->k.Phi_V_I_inh[e] = Phi_V_I_inh;
        w->k.Phi_I_exc_I_exc[e] = Phi_I_exc_I_exc;
        w->k.Phi_I_inh_I_inh[e] = Phi_I_inh_I_inh;
        w->k.Psi_I_exc_V[e] = Psi_I_exc_V;
        w->k.Psi_I_inh_V[e] = Psi_I_inh_V;
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
        double Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, Psi_I_exc_V, Psi_I_inh_V, Phi_V_V_tau_mem, Phi_V_I_exc_tau_mem, Phi_V_I_inh_tau_mem, Phi_V_I_exc_tau_exc, Phi_I_exc_I_exc_tau_exc, Phi_V_I_inh_tau_inh, Phi_I_inh_I_inh_tau_inh;
        if (terms != 0) {
            model_motion_near(terms, w->dt[e], w->p.tau_mem[0], w->p.per_tau_mem[0], w->p.per_tau_exc[0], w->p.per_tau_inh[0], &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V, &Phi_V_V_tau_mem, &Phi_V_I_exc_tau_mem, &Phi_V_I_inh_tau_mem, &Phi_V_I_exc_tau_exc, &Phi_I_exc_I_exc_tau_exc, &Phi_V_I_inh_tau_inh, &Phi_I_inh_I_inh_tau_inh);
        } else {
            model_sensitivity(w->dt[e], w->p.tau_mem[0], w->p.per_tau_mem[0], w->p.per_tau_exc[0], w->p.per_tau_inh[0], &Phi_V_V_tau_mem, &Phi_V_I_exc_tau_mem, &Phi_V_I_inh_tau_mem, &Phi_V_I_exc_tau_exc, &Phi_I_exc_I_exc_tau_exc, &Phi_V_I_inh_tau_inh, &Phi_I_inh_I_inh_tau_inh);
        }
        w->slope.Phi_V_V_tau_mem[e] = Phi_V_V_tau_mem;
        w->slope.Phi_V_I_exc_tau_mem[e] = Phi_V_I_exc_tau_mem;
        w->slope.Phi_V_I_inh_tau_mem[e] = Phi_V_I_inh_tau_mem;
        w->slope.Phi_V_I_exc_tau_exc[e] = Phi_V_I_exc_tau_exc;
        w->slope.Phi_I_exc_I_exc_tau_exc[e] = Phi_I_exc_I_exc_tau_exc;
        w->slope.Phi_V_I_inh_tau_inh[e] = Phi_V_I_inh_tau_inh;
        w->slope.Phi_I_inh_I_inh_tau_inh[e] = Phi_I_inh_I_inh_tau_inh;
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

/* What the test for a crossing needs of them besides. */
SALTUS_INLINE void shrink_all_some_of(const int shared, const int terms, const workspace *w, entries_view k, int from, int to)
{
    (void)shared, (void)k;
#pragma omp simd
    for (int e = from; e < to; e++) {
        double rate;
        {
            double u_1_rate;
            model_ladder_1_rate(w->p.per_tau_mem[0], &u_1_rate);
            rate = u_1_rate;
        }
        w->shrink[e] = terms != 0 ? saltus_exp_near(terms, -rate * w->dt[e]) : saltus_exp(-rate * w->dt[e]);
        w->length[e] = (1.0 - w->shrink[e]) * (1.0 / rate);
    }
}

SALTUS_APART void shrink_all_some_6(const workspace *w, entries_view k, int from, int to)
{
    shrink_all_some_of(0, 6, w, k, from, to);
}

SALTUS_APART void shrink_all_some_8(const workspace *w, entries_view k, int from, int to)
{
    shrink_all_some_of(0, 8, w, k, from, to);
}

SALTUS_APART void shrink_all_some_12(const workspace *w, entries_view k, int from, int to)
{
    shrink_all_some_of(0, 12, w, k, from, to);
}

SALTUS_APART void shrink_all_some_15(const workspace *w, entries_view k, int from, int to)
{
    shrink_all_some_of(0, 15, w, k, from, to);
}

SALTUS_APART void shrink_all_some_0(const workspace *w, entries_view k, int from, int to)
{
    shrink_all_some_of(0, 0, w, k, from, to);
}

SALTUS_INLINE void shrink_all_some_own(const workspace *w, entries_view k, int from, int to)
{
    switch (k.terms) {
    case 6: shrink_all_some_6(w, k, from, to); break;
    case 8: shrink_all_some_8(w, k, from, to); break;
    case 12: shrink_all_some_12(w, k, from, to); break;
    case 15: shrink_all_some_15(w, k, from, to); break;
    default: shrink_all_some_0(w, k, from, to);
    }
}

SALTUS_APART void shrink_all(const workspace *w, int last)
{
    for (int from = 0, to; from <= last; from = to) {
        double longest = 0.0;
        for (to = from; to <= last && to < from + LANES; to++) longest = w->dt[to] > longest ? w->dt[to] : longest;
        shrink_all_some_own(w, own_propagators(w, longest), from, to);
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
    double Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, Psi_I_exc_V, Psi_I_inh_V;
    model_propagator(dt, w->p.tau_mem[0], w->p.per_tau_mem[0], w->p.per_tau_exc[0], w->p.per_tau_inh[0], &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V);
    *k.Phi_V_V = Phi_V_V;
    *k.Phi_V_I_exc = Phi_V_I_exc;
    *k.Phi_V_I_inh = Phi_V_I_inh;
    *k.Phi_I_exc_I_exc = Phi_I_exc_I_exc;
    *k.Phi_I_inh_I_inh = Phi_I_inh_I_inh;
    *k.Psi_I_exc_V = Psi_I_exc_V;
    *k.Psi_I_inh_V = Psi_I_inh_V;
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
    return (entries_view){ k.Phi_V_V + e, k.Phi_V_I_exc + e, k.Phi_V_I_inh + e, k.Phi_I_exc_I_exc + e, k.Phi_I_inh_I_inh + e, k.Psi_I_exc_V + e, k.Psi_I_inh_V + e, 0.0, 0 };
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
    const double common_Phi_V_I_exc = shared ? *k.Phi_V_I_exc : 0.0;
    const double common_Phi_V_I_inh = shared ? *k.Phi_V_I_inh : 0.0;
    const double common_Phi_I_exc_I_exc = shared ? *k.Phi_I_exc_I_exc : 0.0;
    const double common_Phi_I_inh_I_inh = shared ? *k.Phi_I_inh_I_inh : 0.0;
    const double dt = k.dt;
    (void)dt;
    (void)p;
#pragma omp simd
    for (int n = 0; n < g->n_pad; n++) {
        double Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, Psi_I_exc_V, Psi_I_inh_V;
        if (shared) {
            Phi_V_V = common_Phi_V_V;
            Phi_V_I_exc = common_Phi_V_I_exc;
            Phi_V_I_inh = common_Phi_V_I_inh;
            Phi_I_exc_I_exc = common_Phi_I_exc_I_exc;
            Phi_I_inh_I_inh = common_Phi_I_inh_I_inh;
        } else if (terms != 0) {
            model_propagator_near(terms, dt, p.tau_mem[n], p.per_tau_mem[n], p.per_tau_exc[n], p.per_tau_inh[n], &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V);
        } else {
            model_propagator(dt, p.tau_mem[n], p.per_tau_mem[n], p.per_tau_exc[n], p.per_tau_inh[n], &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V);
        }
        double V_next, I_exc_next, I_inh_next;
        model_advance(x.V[n], x.I_exc[n], x.I_inh[n], Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, &V_next, &I_exc_next, &I_inh_next);
        x.V[n] = V_next;
        x.I_exc[n] = I_exc_next;
        x.I_inh[n] = I_inh_next;
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
    const double common_Phi_V_I_exc = shared ? *k.Phi_V_I_exc : 0.0;
    const double common_Phi_V_I_inh = shared ? *k.Phi_V_I_inh : 0.0;
    const double common_Phi_I_exc_I_exc = shared ? *k.Phi_I_exc_I_exc : 0.0;
    const double common_Phi_I_inh_I_inh = shared ? *k.Phi_I_inh_I_inh : 0.0;
    const double dt = k.dt;
    (void)dt;
    const double common_Phi_V_V_tau_mem = shared ? w->slope.Phi_V_V_tau_mem[e] : 0.0;
    const double common_Phi_V_I_exc_tau_mem = shared ? w->slope.Phi_V_I_exc_tau_mem[e] : 0.0;
    const double common_Phi_V_I_inh_tau_mem = shared ? w->slope.Phi_V_I_inh_tau_mem[e] : 0.0;
    const double common_Phi_V_I_exc_tau_exc = shared ? w->slope.Phi_V_I_exc_tau_exc[e] : 0.0;
    const double common_Phi_I_exc_I_exc_tau_exc = shared ? w->slope.Phi_I_exc_I_exc_tau_exc[e] : 0.0;
    const double common_Phi_V_I_inh_tau_inh = shared ? w->slope.Phi_V_I_inh_tau_inh[e] : 0.0;
    const double common_Phi_I_inh_I_inh_tau_inh = shared ? w->slope.Phi_I_inh_I_inh_tau_inh[e] : 0.0;
    (void)p, (void)e;
#pragma omp simd
    for (int n = from; n < to; n++) {
        double Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, Psi_I_exc_V, Psi_I_inh_V, Phi_V_V_tau_mem, Phi_V_I_exc_tau_mem, Phi_V_I_inh_tau_mem, Phi_V_I_exc_tau_exc, Phi_I_exc_I_exc_tau_exc, Phi_V_I_inh_tau_inh, Phi_I_inh_I_inh_tau_inh;
        if (shared) {
            Phi_V_V = common_Phi_V_V;
            Phi_V_I_exc = common_Phi_V_I_exc;
            Phi_V_I_inh = common_Phi_V_I_inh;
            Phi_I_exc_I_exc = common_Phi_I_exc_I_exc;
            Phi_I_inh_I_inh = common_Phi_I_inh_I_inh;
            Phi_V_V_tau_mem = common_Phi_V_V_tau_mem;
            Phi_V_I_exc_tau_mem = common_Phi_V_I_exc_tau_mem;
            Phi_V_I_inh_tau_mem = common_Phi_V_I_inh_tau_mem;
            Phi_V_I_exc_tau_exc = common_Phi_V_I_exc_tau_exc;
            Phi_I_exc_I_exc_tau_exc = common_Phi_I_exc_I_exc_tau_exc;
            Phi_V_I_inh_tau_inh = common_Phi_V_I_inh_tau_inh;
            Phi_I_inh_I_inh_tau_inh = common_Phi_I_inh_I_inh_tau_inh;
        } else if (terms != 0) {
            model_motion_near(terms, dt, p.tau_mem[n], p.per_tau_mem[n], p.per_tau_exc[n], p.per_tau_inh[n], &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V, &Phi_V_V_tau_mem, &Phi_V_I_exc_tau_mem, &Phi_V_I_inh_tau_mem, &Phi_V_I_exc_tau_exc, &Phi_I_exc_I_exc_tau_exc, &Phi_V_I_inh_tau_inh, &Phi_I_inh_I_inh_tau_inh);
        } else {
            model_propagator(dt, p.tau_mem[n], p.per_tau_mem[n], p.per_tau_exc[n], p.per_tau_inh[n], &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V);
            model_sensitivity(dt, p.tau_mem[n], p.per_tau_mem[n], p.per_tau_exc[n], p.per_tau_inh[n], &Phi_V_V_tau_mem, &Phi_V_I_exc_tau_mem, &Phi_V_I_inh_tau_mem, &Phi_V_I_exc_tau_exc, &Phi_I_exc_I_exc_tau_exc, &Phi_V_I_inh_tau_inh, &Phi_I_inh_I_inh_tau_inh);
        }
        const double V__tau_mem = z.V__tau_mem[n], V__tau_exc = z.V__tau_exc[n], I_exc__tau_exc = z.I_exc__tau_exc[n], V__tau_inh = z.V__tau_inh[n], I_inh__tau_inh = z.I_inh__tau_inh[n];
        double V__tau_mem_next, V__tau_exc_next, I_exc__tau_exc_next, V__tau_inh_next, I_inh__tau_inh_next;
        model_tangents(Phi_V_V, V__tau_mem, Phi_V_V_tau_mem, x.V[n], Phi_V_I_exc_tau_mem, x.I_exc[n], Phi_V_I_inh_tau_mem, x.I_inh[n], V__tau_exc, Phi_V_I_exc, I_exc__tau_exc, Phi_V_I_exc_tau_exc, Phi_I_exc_I_exc, Phi_I_exc_I_exc_tau_exc, V__tau_inh, Phi_V_I_inh, I_inh__tau_inh, Phi_V_I_inh_tau_inh, Phi_I_inh_I_inh, Phi_I_inh_I_inh_tau_inh, &V__tau_mem_next, &V__tau_exc_next, &I_exc__tau_exc_next, &V__tau_inh_next, &I_inh__tau_inh_next);
        double V_next, I_exc_next, I_inh_next;
        model_advance(x.V[n], x.I_exc[n], x.I_inh[n], Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, &V_next, &I_exc_next, &I_inh_next);
        x.V[n] = V_next;
        x.I_exc[n] = I_exc_next;
        x.I_inh[n] = I_inh_next;
        z.V__tau_mem[n] = V__tau_mem_next;
        z.V__tau_exc[n] = V__tau_exc_next;
        z.I_exc__tau_exc[n] = I_exc__tau_exc_next;
        z.V__tau_inh[n] = V__tau_inh_next;
        z.I_inh__tau_inh[n] = I_inh__tau_inh_next;
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
                double V_next, I_exc_next, I_inh_next;
                model_exc_jump(x.V[n], x.I_exc[n], x.I_inh[n], weight[n], &V_next, &I_exc_next, &I_inh_next);
                x.I_exc[n] = I_exc_next;
            }
        }
        break;
    case 1: /* inh */
#pragma omp simd
        for (int n = from; n < to; n++) {

            {
                double V_next, I_exc_next, I_inh_next;
                model_inh_jump(x.V[n], x.I_exc[n], x.I_inh[n], weight[n], &V_next, &I_exc_next, &I_inh_next);
                x.I_inh[n] = I_inh_next;
            }
        }
        break;
    default: break;
    }
}

/* Spike i of the slab's part from `base` on, of neuron n: how its time moves, and what is reset. */
static void emit_tangents_at(const saltus_spikes *out, int64_t base, int i, const workspace *w, int n)
{
    const states_view x = w->x;
    const tangents_view z = w->z;
    const double V__tau_mem = z.V__tau_mem[n];
    const double V__tau_exc = z.V__tau_exc[n];
    const double I_exc__tau_exc = z.I_exc__tau_exc[n];
    const double V__tau_inh = z.V__tau_inh[n];
    const double I_inh__tau_inh = z.I_inh__tau_inh[n];
    double moved_tau_mem, moved_tau_exc, moved_tau_inh, V__tau_mem_next, V__tau_exc_next, V__tau_inh_next;
    model_spike_tangents(V__tau_mem, out->slope[base + i], V__tau_exc, V__tau_inh, &moved_tau_mem, &moved_tau_exc, &moved_tau_inh, &V__tau_mem_next, &V__tau_exc_next, &V__tau_inh_next);
    double V_next, I_exc_next, I_inh_next;
    model_reset(x.I_exc[n], x.I_inh[n], w->p.v_reset[n], &V_next, &I_exc_next, &I_inh_next);
    double scale_tau_mem, scale_tau_exc, scale_tau_inh;
    model_scale(w->p.per_tau_mem[n], w->p.per_tau_exc[n], w->p.per_tau_inh[n], &scale_tau_mem, &scale_tau_exc, &scale_tau_inh);
    w->moved.tau_mem[i] = scale_tau_mem * moved_tau_mem;
    w->moved.tau_exc[i] = scale_tau_exc * moved_tau_exc;
    w->moved.tau_inh[i] = scale_tau_inh * moved_tau_inh;
    x.V[n] = V_next;
    z.V__tau_mem[n] = V__tau_mem_next;
    z.V__tau_exc[n] = V__tau_exc_next;
    z.V__tau_inh[n] = V__tau_inh_next;
    (void)x, (void)z, (void)V__tau_mem, (void)V__tau_exc, (void)I_exc__tau_exc, (void)V__tau_inh, (void)I_inh__tau_inh;
}

static void emit_tangents(const saltus_spikes *out, int64_t base, int i, const workspace *w)
{
    emit_tangents_at(out, base, i, w, out->neuron[base + i]);
}

/* Exchanges one neuron's states and derivatives for what is laid aside of them. */
static void exchange(const workspace *w, int n)
{
    double other;
    other = w->x.V[n], w->x.V[n] = w->x_end.V[n], w->x_end.V[n] = other;
    other = w->x.I_exc[n], w->x.I_exc[n] = w->x_end.I_exc[n], w->x_end.I_exc[n] = other;
    other = w->x.I_inh[n], w->x.I_inh[n] = w->x_end.I_inh[n], w->x_end.I_inh[n] = other;
    other = w->z.V__tau_mem[n], w->z.V__tau_mem[n] = w->z_end.V__tau_mem[n], w->z_end.V__tau_mem[n] = other;
    other = w->z.V__tau_exc[n], w->z.V__tau_exc[n] = w->z_end.V__tau_exc[n], w->z_end.V__tau_exc[n] = other;
    other = w->z.I_exc__tau_exc[n], w->z.I_exc__tau_exc[n] = w->z_end.I_exc__tau_exc[n], w->z_end.I_exc__tau_exc[n] = other;
    other = w->z.V__tau_inh[n], w->z.V__tau_inh[n] = w->z_end.V__tau_inh[n], w->z_end.V__tau_inh[n] = other;
    other = w->z.I_inh__tau_inh[n], w->z.I_inh__tau_inh[n] = w->z_end.I_inh__tau_inh[n], w->z_end.I_inh__tau_inh[n] = other;
}

/* The states and their derivatives at t = 0. */
static void begin_tangents(const saltus_group *g, const workspace *w)
{
    begin(g, w);
    memset(w->z.V__tau_mem, 0, sizeof(double) * (size_t)g->n_pad);
    memset(w->z.V__tau_exc, 0, sizeof(double) * (size_t)g->n_pad);
    memset(w->z.I_exc__tau_exc, 0, sizeof(double) * (size_t)g->n_pad);
    memset(w->z.V__tau_inh, 0, sizeof(double) * (size_t)g->n_pad);
    memset(w->z.I_inh__tau_inh, 0, sizeof(double) * (size_t)g->n_pad);
}

/* What the states at the end give to the gradient. */
static void end_tangents(const saltus_group *g, const workspace *w, const double *final, const gradients_view *total)
{
    for (int n = 0; n < g->n; n++) {
        double scale_tau_mem, scale_tau_exc, scale_tau_inh;
        model_scale(w->p.per_tau_mem[n], w->p.per_tau_exc[n], w->p.per_tau_inh[n], &scale_tau_mem, &scale_tau_exc, &scale_tau_inh);
        total->tau_mem[n] += final[0 * g->n_pad + n] * scale_tau_mem * w->z.V__tau_mem[n];
        total->tau_exc[n] += final[0 * g->n_pad + n] * scale_tau_exc * w->z.V__tau_exc[n];
        total->tau_exc[n] += final[1 * g->n_pad + n] * scale_tau_exc * w->z.I_exc__tau_exc[n];
        total->tau_inh[n] += final[0 * g->n_pad + n] * scale_tau_inh * w->z.V__tau_inh[n];
        total->tau_inh[n] += final[2 * g->n_pad + n] * scale_tau_inh * w->z.I_inh__tau_inh[n];
    }
}

/* ---- Posts, for neurons that each have their own propagators. A span, a piece of time of one length, is so short that an
 * arrival anywhere in it is, to rounding, worth arrivals at a few fixed times, its posts (see posts.py): what these come to at
 * the end of a span, each neuron's own, is computed once, and an arrival is left with a share of its weight for each. */

enum { POSTS = 10, BATCH = 64, TARGETS = 8 };
static const double POST[] = { 0.9873046875, 0.890625, 0.70703125, 0.4541015625, 0.15625, -0.15625, -0.4541015625, -0.70703125, -0.890625, -0.9873046875 };
static const double PER_POST[] = { 8.041871854961453, -23.359581559850955, 36.35762749581208, -45.71247356861033, 50.66864899783684, -50.66864899783684, 45.71247356861033, -36.35762749581208, 23.359581559850955, -8.041871854961453 };

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
            double Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, Psi_I_exc_V, Psi_I_inh_V, Phi_V_V_tau_mem, Phi_V_I_exc_tau_mem, Phi_V_I_inh_tau_mem, Phi_V_I_exc_tau_exc, Phi_I_exc_I_exc_tau_exc, Phi_V_I_inh_tau_inh, Phi_I_inh_I_inh_tau_inh;
            model_motion_near(15, dt, p.tau_mem[n], p.per_tau_mem[n], p.per_tau_exc[n], p.per_tau_inh[n], &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V, &Phi_V_V_tau_mem, &Phi_V_I_exc_tau_mem, &Phi_V_I_inh_tau_mem, &Phi_V_I_exc_tau_exc, &Phi_I_exc_I_exc_tau_exc, &Phi_V_I_inh_tau_inh, &Phi_I_inh_I_inh_tau_inh);
            if (k < 0) {
                w->span_k.Phi_V_V[n] = Phi_V_V;
                w->span_k.Phi_V_I_exc[n] = Phi_V_I_exc;
                w->span_k.Phi_V_I_inh[n] = Phi_V_I_inh;
                w->span_k.Phi_I_exc_I_exc[n] = Phi_I_exc_I_exc;
                w->span_k.Phi_I_inh_I_inh[n] = Phi_I_inh_I_inh;
                w->span_k.Psi_I_exc_V[n] = Psi_I_exc_V;
                w->span_k.Psi_I_inh_V[n] = Psi_I_inh_V;
                w->span_slope.Phi_V_V_tau_mem[n] = Phi_V_V_tau_mem;
                w->span_slope.Phi_V_I_exc_tau_mem[n] = Phi_V_I_exc_tau_mem;
                w->span_slope.Phi_V_I_inh_tau_mem[n] = Phi_V_I_inh_tau_mem;
                w->span_slope.Phi_V_I_exc_tau_exc[n] = Phi_V_I_exc_tau_exc;
                w->span_slope.Phi_I_exc_I_exc_tau_exc[n] = Phi_I_exc_I_exc_tau_exc;
                w->span_slope.Phi_V_I_inh_tau_inh[n] = Phi_V_I_inh_tau_inh;
                w->span_slope.Phi_I_inh_I_inh_tau_inh[n] = Phi_I_inh_I_inh_tau_inh;
                continue;
            }
            double still_V, still_I_exc, still_I_inh, still_V__tau_mem, still_V__tau_exc, still_I_exc__tau_exc, still_V__tau_inh, still_I_inh__tau_inh;
            {
                const double V__tau_mem = 0.0;
                const double V__tau_exc = 0.0;
                const double I_exc__tau_exc = 0.0;
                const double V__tau_inh = 0.0;
                const double I_inh__tau_inh = 0.0;
                double V__tau_mem_next, V__tau_exc_next, I_exc__tau_exc_next, V__tau_inh_next, I_inh__tau_inh_next;
                model_tangents(Phi_V_V, V__tau_mem, Phi_V_V_tau_mem, 0.0, Phi_V_I_exc_tau_mem, 0.0, Phi_V_I_inh_tau_mem, 0.0, V__tau_exc, Phi_V_I_exc, I_exc__tau_exc, Phi_V_I_exc_tau_exc, Phi_I_exc_I_exc, Phi_I_exc_I_exc_tau_exc, V__tau_inh, Phi_V_I_inh, I_inh__tau_inh, Phi_V_I_inh_tau_inh, Phi_I_inh_I_inh, Phi_I_inh_I_inh_tau_inh, &V__tau_mem_next, &V__tau_exc_next, &I_exc__tau_exc_next, &V__tau_inh_next, &I_inh__tau_inh_next);
                double V_next, I_exc_next, I_inh_next;
                model_advance(0.0, 0.0, 0.0, Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, &V_next, &I_exc_next, &I_inh_next);
                still_V = V_next;
                still_I_exc = I_exc_next;
                still_I_inh = I_inh_next;
                still_V__tau_mem = V__tau_mem_next;
                still_V__tau_exc = V__tau_exc_next;
                still_I_exc__tau_exc = I_exc__tau_exc_next;
                still_V__tau_inh = V__tau_inh_next;
                still_I_inh__tau_inh = I_inh__tau_inh_next;
            }

            {
                double unit_V = 0.0;
                double unit_I_exc = 0.0;
                double unit_I_inh = 0.0;
                double unit_V__tau_mem = 0.0;
                double unit_V__tau_exc = 0.0;
                double unit_I_exc__tau_exc = 0.0;
                double unit_V__tau_inh = 0.0;
                double unit_I_inh__tau_inh = 0.0;
                {
                    const double V__tau_mem = 0.0;
                    (void)V__tau_mem;
                    const double V__tau_exc = 0.0;
                    (void)V__tau_exc;
                    const double I_exc__tau_exc = 0.0;
                    (void)I_exc__tau_exc;
                    const double V__tau_inh = 0.0;
                    (void)V__tau_inh;
                    const double I_inh__tau_inh = 0.0;
                    (void)I_inh__tau_inh;

                    double V_next, I_exc_next, I_inh_next;
                    model_exc_jump(0.0, 0.0, 0.0, 1.0, &V_next, &I_exc_next, &I_inh_next);
                    unit_I_exc = I_exc_next;
                }
                double moved_V, moved_I_exc, moved_I_inh, moved_V__tau_mem, moved_V__tau_exc, moved_I_exc__tau_exc, moved_V__tau_inh, moved_I_inh__tau_inh;
                {
                    const double V__tau_mem = unit_V__tau_mem;
                    const double V__tau_exc = unit_V__tau_exc;
                    const double I_exc__tau_exc = unit_I_exc__tau_exc;
                    const double V__tau_inh = unit_V__tau_inh;
                    const double I_inh__tau_inh = unit_I_inh__tau_inh;
                    double V__tau_mem_next, V__tau_exc_next, I_exc__tau_exc_next, V__tau_inh_next, I_inh__tau_inh_next;
                    model_tangents(Phi_V_V, V__tau_mem, Phi_V_V_tau_mem, unit_V, Phi_V_I_exc_tau_mem, unit_I_exc, Phi_V_I_inh_tau_mem, unit_I_inh, V__tau_exc, Phi_V_I_exc, I_exc__tau_exc, Phi_V_I_exc_tau_exc, Phi_I_exc_I_exc, Phi_I_exc_I_exc_tau_exc, V__tau_inh, Phi_V_I_inh, I_inh__tau_inh, Phi_V_I_inh_tau_inh, Phi_I_inh_I_inh, Phi_I_inh_I_inh_tau_inh, &V__tau_mem_next, &V__tau_exc_next, &I_exc__tau_exc_next, &V__tau_inh_next, &I_inh__tau_inh_next);
                    double V_next, I_exc_next, I_inh_next;
                    model_advance(unit_V, unit_I_exc, unit_I_inh, Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, &V_next, &I_exc_next, &I_inh_next);
                    moved_V = V_next;
                    moved_I_exc = I_exc_next;
                    moved_I_inh = I_inh_next;
                    moved_V__tau_mem = V__tau_mem_next;
                    moved_V__tau_exc = V__tau_exc_next;
                    moved_I_exc__tau_exc = I_exc__tau_exc_next;
                    moved_V__tau_inh = V__tau_inh_next;
                    moved_I_inh__tau_inh = I_inh__tau_inh_next;
                }

                double *restrict post = w->post + ((0 * (int64_t)(g->n_pad / 8) + n / 8) * POSTS + k) * TARGETS * 8 + n % 8;
                post[0 * 8] = moved_V - still_V;
                post[1 * 8] = moved_I_exc - still_I_exc;
                post[2 * 8] = moved_I_inh - still_I_inh;
                post[3 * 8] = moved_V__tau_mem - still_V__tau_mem;
                post[4 * 8] = moved_V__tau_exc - still_V__tau_exc;
                post[5 * 8] = moved_I_exc__tau_exc - still_I_exc__tau_exc;
                post[6 * 8] = moved_V__tau_inh - still_V__tau_inh;
                post[7 * 8] = moved_I_inh__tau_inh - still_I_inh__tau_inh;
            }
            {
                double unit_V = 0.0;
                double unit_I_exc = 0.0;
                double unit_I_inh = 0.0;
                double unit_V__tau_mem = 0.0;
                double unit_V__tau_exc = 0.0;
                double unit_I_exc__tau_exc = 0.0;
                double unit_V__tau_inh = 0.0;
                double unit_I_inh__tau_inh = 0.0;
                {
                    const double V__tau_mem = 0.0;
                    (void)V__tau_mem;
                    const double V__tau_exc = 0.0;
                    (void)V__tau_exc;
                    const double I_exc__tau_exc = 0.0;
                    (void)I_exc__tau_exc;
                    const double V__tau_inh = 0.0;
                    (void)V__tau_inh;
                    const double I_inh__tau_inh = 0.0;
                    (void)I_inh__tau_inh;

                    double V_next, I_exc_next, I_inh_next;
                    model_inh_jump(0.0, 0.0, 0.0, 1.0, &V_next, &I_exc_next, &I_inh_next);
                    unit_I_inh = I_inh_next;
                }
                double moved_V, moved_I_exc, moved_I_inh, moved_V__tau_mem, moved_V__tau_exc, moved_I_exc__tau_exc, moved_V__tau_inh, moved_I_inh__tau_inh;
                {
                    const double V__tau_mem = unit_V__tau_mem;
                    const double V__tau_exc = unit_V__tau_exc;
                    const double I_exc__tau_exc = unit_I_exc__tau_exc;
                    const double V__tau_inh = unit_V__tau_inh;
                    const double I_inh__tau_inh = unit_I_inh__tau_inh;
                    double V__tau_mem_next, V__tau_exc_next, I_exc__tau_exc_next, V__tau_inh_next, I_inh__tau_inh_next;
                    model_tangents(Phi_V_V, V__tau_mem, Phi_V_V_tau_mem, unit_V, Phi_V_I_exc_tau_mem, unit_I_exc, Phi_V_I_inh_tau_mem, unit_I_inh, V__tau_exc, Phi_V_I_exc, I_exc__tau_exc, Phi_V_I_exc_tau_exc, Phi_I_exc_I_exc, Phi_I_exc_I_exc_tau_exc, V__tau_inh, Phi_V_I_inh, I_inh__tau_inh, Phi_V_I_inh_tau_inh, Phi_I_inh_I_inh, Phi_I_inh_I_inh_tau_inh, &V__tau_mem_next, &V__tau_exc_next, &I_exc__tau_exc_next, &V__tau_inh_next, &I_inh__tau_inh_next);
                    double V_next, I_exc_next, I_inh_next;
                    model_advance(unit_V, unit_I_exc, unit_I_inh, Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, &V_next, &I_exc_next, &I_inh_next);
                    moved_V = V_next;
                    moved_I_exc = I_exc_next;
                    moved_I_inh = I_inh_next;
                    moved_V__tau_mem = V__tau_mem_next;
                    moved_V__tau_exc = V__tau_exc_next;
                    moved_I_exc__tau_exc = I_exc__tau_exc_next;
                    moved_V__tau_inh = V__tau_inh_next;
                    moved_I_inh__tau_inh = I_inh__tau_inh_next;
                }

                double *restrict post = w->post + ((1 * (int64_t)(g->n_pad / 8) + n / 8) * POSTS + k) * TARGETS * 8 + n % 8;
                post[0 * 8] = moved_V - still_V;
                post[1 * 8] = moved_I_exc - still_I_exc;
                post[2 * 8] = moved_I_inh - still_I_inh;
                post[3 * 8] = moved_V__tau_mem - still_V__tau_mem;
                post[4 * 8] = moved_V__tau_exc - still_V__tau_exc;
                post[5 * 8] = moved_I_exc__tau_exc - still_I_exc__tau_exc;
                post[6 * 8] = moved_V__tau_inh - still_V__tau_inh;
                post[7 * 8] = moved_I_inh__tau_inh - still_I_inh__tau_inh;
            }
        }
    }
}


/* Where a guard u_0 crosses zero upward between events.
 *
 * The ladder u_0, u_1 = D u_0, u_2 = (D + r) u_1, ... ends in a single exponential u_3, which keeps its sign. From
 * there downward, exp(r_k s) u_k is monotone between the zeros of u_{k+1}, so all zeros can be isolated (Rolle).
 * In z = exp(-r s), d2u_0/dz2 = u_2/(r z)^2. Where u_2 keeps its sign, as it does when no rung above changes its own,
 * - u_2 >= 0: u_0 is convex in z, its maximum is at an end: it crosses upward if and only if it ends at or above zero;
 * - u_2 < 0: u_0 is concave in z and lies below its tangents. It crosses upward if it ends at or above zero, or if it
 *   has a maximum inside (u_1 falls through zero) that is at or above zero.
 * No crossing can be missed: what is not searched is excluded by a tangent. */

/* Can there be an upward crossing in the interval? A maximum inside lies below the point where the tangents at both ends
 * meet: (u0 fall + u0_end rise + u1 fall length)/(rise + fall) with rise = u1 shrink, fall = -u1_end,
 * shrink = exp(-rate dt), length = (1 - shrink)/rate. Slack for rounding: candidates may be added, none lost. */
SALTUS_INLINE int arches(double u0, double u1, double u0_end, double u1_end, double shrink, double length)
{
    const double rise = u1 * shrink, fall = -u1_end;
    /* in so long an interval that rise and fall may be rounded to zero, anyone may */
    const double slack = shrink < 0x1p-960 ? (double)INFINITY : 1e-12 * (fabs(u0) + u1 * length) * (rise + fall);
    return (u1 > 0.0) & (fall >= 0.0) & (u0 * fall + u0_end * rise + u1 * fall * length >= -slack);
}

#ifdef __AVX512VL__
/* Which of eight are flagged; and what belongs to these, one beside the other, into where a vector has room. */
SALTUS_INLINE __mmask8 flagged(const int64_t *flag)
{
    const __m512i some = _mm512_loadu_si512(flag);
    return _mm512_test_epi64_mask(some, some);
}

SALTUS_INLINE void pack(double *into, __mmask8 these, const double *from)
{
    _mm512_storeu_pd(into, _mm512_maskz_compress_pd(these, _mm512_loadu_pd(from)));
}

SALTUS_INLINE void pack_numbers(int32_t *into, __mmask8 these, __m256i numbers)
{
    _mm256_storeu_si256((__m256i *)(void *)into, _mm256_maskz_compress_epi32(these, numbers));
}

SALTUS_INLINE __m256i eight_from(int n)
{
    return _mm256_add_epi32(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), _mm256_set1_epi32(n));
}
#endif

/* A bit for each lane that is flagged. */
SALTUS_INLINE unsigned bits_of(const int64_t *flag)
{
    unsigned bits = 0;
#ifdef __AVX512VL__
    for (int l = 0; l < LANES; l += 8) bits |= (unsigned)flagged(flag + l) << l;
#else
    for (int l = 0; l < LANES; l++) bits |= (unsigned)(flag[l] != 0) << l;
#endif
    return bits;
}

/* A bundle of candidates, one a lane: states and what is left of the interval; the bracket of the crossing and the lower rungs at
 * its right end (peak: u_0); the crossing, the states at the last iterate, and how far that is from it; since when it is looked at, and
 * its place in the queue. */
typedef struct {
    double V[LANES], I_exc[LANES], I_inh[LANES], tau_mem[LANES], tau_exc[LANES], tau_inh[LANES], theta[LANES], v_reset[LANES], per_tau_mem[LANES], per_tau_exc[LANES], per_tau_inh[LANES];
    double span[LANES], low[LANES], high[LANES], peak[LANES], u1_high[LANES], at[LANES], left[LANES];
    double missed[LANES]; /* how far the highest maximum before the crossing is below zero */
    double V_before[LANES], I_exc_before[LANES], I_inh_before[LANES], slope[LANES];
    double V_after[LANES], I_exc_after[LANES], I_inh_after[LANES], u0_after[LANES];
    double V_end[LANES], I_exc_end[LANES], I_inh_end[LANES];
    double since[LANES], piece[LANES];
    int64_t crosses[LANES], may[LANES]; /* may: is looked for */
    int32_t place[LANES];
} bundle;

/* Takes up to LANES of some candidates from the queue; spare lanes repeat the last one. alike: all neurons share all parameters
 * that a search reads. */
SALTUS_INLINE int gather(const int alike, const workspace *w, const int32_t *seek, int seekers, bundle *q)
{
    const int lanes = seekers < LANES ? seekers : LANES;
    int32_t place[LANES];
    for (int l = 0; l < LANES; l++) place[l] = seek[l < lanes ? l : lanes - 1];
#pragma omp simd
    for (int l = 0; l < LANES; l++) q->span[l] = w->span[place[l]], q->may[l] = 1;
#pragma omp simd
    for (int l = 0; l < LANES; l++) q->V[l] = w->queue.V[place[l]];
#pragma omp simd
    for (int l = 0; l < LANES; l++) q->V_end[l] = w->ahead.V[place[l]];
#pragma omp simd
    for (int l = 0; l < LANES; l++) q->I_exc[l] = w->queue.I_exc[place[l]];
#pragma omp simd
    for (int l = 0; l < LANES; l++) q->I_exc_end[l] = w->ahead.I_exc[place[l]];
#pragma omp simd
    for (int l = 0; l < LANES; l++) q->I_inh[l] = w->queue.I_inh[place[l]];
#pragma omp simd
    for (int l = 0; l < LANES; l++) q->I_inh_end[l] = w->ahead.I_inh[place[l]];
#pragma omp simd
    for (int l = 0; l < LANES; l++) q->tau_mem[l] = w->p.tau_mem[alike ? 0 : w->who[place[l]]];
#pragma omp simd
    for (int l = 0; l < LANES; l++) q->tau_exc[l] = w->p.tau_exc[alike ? 0 : w->who[place[l]]];
#pragma omp simd
    for (int l = 0; l < LANES; l++) q->tau_inh[l] = w->p.tau_inh[alike ? 0 : w->who[place[l]]];
#pragma omp simd
    for (int l = 0; l < LANES; l++) q->theta[l] = w->p.theta[alike ? 0 : w->who[place[l]]];
#pragma omp simd
    for (int l = 0; l < LANES; l++) q->v_reset[l] = w->p.v_reset[alike ? 0 : w->who[place[l]]];
#pragma omp simd
    for (int l = 0; l < LANES; l++) q->per_tau_mem[l] = w->p.per_tau_mem[alike ? 0 : w->who[place[l]]];
#pragma omp simd
    for (int l = 0; l < LANES; l++) q->per_tau_exc[l] = w->p.per_tau_exc[alike ? 0 : w->who[place[l]]];
#pragma omp simd
    for (int l = 0; l < LANES; l++) q->per_tau_inh[l] = w->p.per_tau_inh[alike ? 0 : w->who[place[l]]];
    return lanes;
}

/* The parameters that a search reads. */
typedef struct {
    double tau_mem, tau_exc, tau_inh, theta, v_reset, per_tau_mem, per_tau_exc, per_tau_inh;
} model_parameters;

/* All rungs of the guard's ladder at time s. */
static void model_climb(const model_parameters *q, const double *x, double s, double u[4])
{
    (void)q;
    double Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, Psi_I_exc_V, Psi_I_inh_V;
    model_propagator(s, q->tau_mem, q->per_tau_mem, q->per_tau_exc, q->per_tau_inh, &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V);
    double V_next, I_exc_next, I_inh_next;
    model_advance(x[0], x[1], x[2], Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, &V_next, &I_exc_next, &I_inh_next);
    double a0, a1, a2, a3;
    {
        double u_0;
        model_ladder_0(V_next, q->theta, &u_0);
        a0 = u_0;
        double u_1;
        model_ladder_1(V_next, I_exc_next, I_inh_next, q->per_tau_mem, &u_1);
        a1 = u_1;
        double u_2;
        model_ladder_2(I_exc_next, I_inh_next, q->tau_exc, q->tau_inh, q->per_tau_mem, q->per_tau_exc, q->per_tau_inh, &u_2);
        a2 = u_2;
        double u_3;
        model_ladder_3(I_exc_next, q->tau_exc, q->tau_inh, q->per_tau_mem, q->per_tau_exc, q->per_tau_inh, &u_3);
        a3 = u_3;
    }
    u[0] = a0;
    u[1] = a1;
    u[2] = a2;
    u[3] = a3;
}

/* The zero of rung k in (low, high), where exp(rate s) u_k is monotone and changes its sign: Newton, or bisection. */
static double model_zero_of_rung(const model_parameters *q, const double *x, double span, int k, double low,
                                        double high, double at_low)
{
    double u[4], s = 0.5 * (low + high);
    for (int round = 0; round < 200 && high - low > 0x1p-46 * span; round++) {
        model_climb(q, x, s, u);
        if (u[k] != 0.0 && (u[k] < 0.0) == (at_low < 0.0)) /* where exponentials are rounded to zero, the zero lies before */
            low = s;
        else
            high = s;
        const double newton = s - u[k] / u[k + 1];
        const int keeps = (newton > low) & (newton < high) & (round % 3 != 2);
        const double next = keeps ? newton : 0.5 * (low + high);
        if (fabs(next - s) <= 0x1p-46 * span && keeps) return next;
        s = next;
    }
    return s;
}

/* 0, the zeros of u_1 in (0, span), and span: between neighbours u_0 is monotone. They lie between the zeros of u_2, those
 * between the zeros of u_3, and so on. Returns the number of stretches. */
static int model_cuts(const model_parameters *q, const double *x, double span, double cut[4])
{
    double u[4], before[4];
    int cuts = 1;
    cut[0] = 0.0, cut[1] = span;
    for (int k = 2; k >= 1; k--) {
        double next[4] = {0.0};
        int found = 0;
        model_climb(q, x, 0.0, before);
        for (int i = 0; i < cuts; i++) {
            model_climb(q, x, cut[i + 1], u);
            if ((before[k] < 0.0) != (u[k] < 0.0) || u[k] == 0.0)
                next[++found] = model_zero_of_rung(q, x, span, k, cut[i], cut[i + 1], before[k]);
            memcpy(before, u, sizeof u);
        }
        next[++found] = span;
        memcpy(cut, next, sizeof next);
        cuts = found;
    }
    return cuts;
}

/* Brackets the first upward zero of u_0 in [0, span]. Returns u_0 at the right end: below zero, there is none. missed: how far
 * the highest maximum before is below zero. */
static double model_isolate(const model_parameters *q, const double *x, double span, double *low, double *high,
                                double *missed)
{
    double cut[4], u[4], before, best = -INFINITY;
    const int cuts = model_cuts(q, x, span, cut);
    int rose = 0;
    *low = 0.0;
    *high = span;
    *missed = INFINITY;
    model_climb(q, x, 0.0, u);
    const int falls = u[1] < 0.0;
    for (int i = 0; i < cuts && best < 0.0; i++) { /* the first stretch that ends above, or the highest end */
        before = u[0];
        model_climb(q, x, cut[i + 1], u);
        if (i == 0 && falls && u[0] >= 0.0) { /* from zero, and back within the rounding */
            *high = 0.0;
            return u[0];
        }
        if (rose && u[0] < before && -before < *missed) *missed = -before;
        rose = u[0] > before;
        if (before < 0.0 && u[0] > best) {
            best = u[0];
            *low = cut[i];
            *high = cut[i + 1];
        }
    }
    return best;
}

/* Brackets each lane's first upward zero. */
SALTUS_INLINE void bracket_of(const int terms, bundle *q)
{
    for (int l = 0; l < LANES; l++) {
        q->low[l] = q->high[l] = 0.0;
        q->missed[l] = INFINITY;
        if (!q->may[l]) continue; /* a spare lane holds anything */
        const model_parameters own = { q->tau_mem[l], q->tau_exc[l], q->tau_inh[l], q->theta[l], q->v_reset[l], q->per_tau_mem[l], q->per_tau_exc[l], q->per_tau_inh[l] };
        const double x[] = { q->V[l], q->I_exc[l], q->I_inh[l] };
        model_isolate(&own, x, q->span[l], q->low + l, q->high + l, q->missed + l);
    }
#pragma omp simd
    for (int l = 0; l < LANES; l++) {
        double Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, Psi_I_exc_V, Psi_I_inh_V;
        if (terms != 0) {
            model_propagator_near(terms, q->high[l], q->tau_mem[l], q->per_tau_mem[l], q->per_tau_exc[l], q->per_tau_inh[l], &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V);
        } else {
            model_propagator(q->high[l], q->tau_mem[l], q->per_tau_mem[l], q->per_tau_exc[l], q->per_tau_inh[l], &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V);
        }
        double V_next, I_exc_next, I_inh_next;
        model_advance(q->V[l], q->I_exc[l], q->I_inh[l], Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, &V_next, &I_exc_next, &I_inh_next);
        double b0, b1;
        {
            double u_0;
            model_ladder_0(V_next, q->theta[l], &u_0);
            b0 = u_0;
            double u_1;
            model_ladder_1(V_next, I_exc_next, I_inh_next, q->per_tau_mem[l], &u_1);
            b1 = u_1;
        }
        q->peak[l] = b0;
        q->u1_high[l] = b1;
        q->crosses[l] = (b0 >= 0.0) & (q->high[l] > 0.0);
    }
}

/* ---- The root in a bracket, and what follows from a crossing. */

/* A start in each lane's bracket, q->at; open: there is something to be found. See find. */
SALTUS_INLINE void begin_of(const int terms, const int settles, const int by_ends, bundle *q, int64_t *restrict open)
{
#pragma omp simd
    for (int l = 0; l < LANES; l++) {
        double a0, a1;
        {
            double u_0;
            model_ladder_0(q->V[l], q->theta[l], &u_0);
            a0 = u_0;
            double u_1;
            model_ladder_1(q->V[l], q->I_exc[l], q->I_inh[l], q->per_tau_mem[l], &u_1);
            a1 = u_1;
        }
        double end0, end1;
        {
            double u_0;
            model_ladder_0(q->V_end[l], q->theta[l], &u_0);
            end0 = u_0;
            double u_1;
            model_ladder_1(q->V_end[l], q->I_exc_end[l], q->I_inh_end[l], q->per_tau_mem[l], &u_1);
            end1 = u_1;
        }
        const double b0 = by_ends ? end0 : q->peak[l], b1 = by_ends ? end1 : q->u1_high[l];
        const double high = q->high[l];
        if (by_ends) {
            q->peak[l] = b0;
            q->crosses[l] = (b0 >= 0.0) & (high > 0.0);
        }
        if (settles) {
            q->V_before[l] = q->V[l];
            q->I_exc_before[l] = q->I_exc[l];
            q->I_inh_before[l] = q->I_inh[l];
            q->left[l] = 0.0;
        }
        /* a start, in units of the bracket: the root of the hyperbola through the start, with its slope, and the right end; and,
         * where the span is not brief, one of Halley's steps on the cubic that has u_0 and its slope at both ends */
        const double d0 = a1 * high, gap = b0 - a0;
        double t = a0 * gap / (a0 * gap - d0 * b0);
        if (terms != SALTUS_BRIEF) {
            const double d1 = b1 * high, c2 = 3.0 * gap - 2.0 * d0 - d1, c3 = d0 + d1 - 2.0 * gap;
            const double value = a0 + t * (d0 + t * (c2 + t * c3));
            const double slope = d0 + t * (2.0 * c2 + t * 3.0 * c3), bow = 2.0 * c2 + t * 6.0 * c3;
            t -= 2.0 * value * slope / (2.0 * slope * slope - value * bow);
        }
        const double guess = t * high;
        const double at = ((guess > q->low[l]) & (guess <= high)) ? guess : 0.5 * (q->low[l] + high);
        open[l] = q->crosses[l] & (a0 < 0.0);
        q->at[l] = a0 < 0.0 ? at : 0.0; /* already there: two neurons at one time, to rounding */
    }
}

/* A step of the iteration. See find. */
SALTUS_INLINE void iterate_of(const int terms, const int settles, bundle *q, int64_t *restrict open, int round, double time)
{
#pragma omp simd
    for (int l = 0; l < LANES; l++) {
        const double s = q->at[l];
        double Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, Psi_I_exc_V, Psi_I_inh_V;
        if (terms != 0) {
            model_propagator_near(terms, s, q->tau_mem[l], q->per_tau_mem[l], q->per_tau_exc[l], q->per_tau_inh[l], &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V);
        } else {
            model_propagator(s, q->tau_mem[l], q->per_tau_mem[l], q->per_tau_exc[l], q->per_tau_inh[l], &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V);
        }
        double V_next, I_exc_next, I_inh_next;
        model_advance(q->V[l], q->I_exc[l], q->I_inh[l], Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, &V_next, &I_exc_next, &I_inh_next);
        if (settles) {
            q->V_before[l] = V_next;
            q->I_exc_before[l] = I_exc_next;
            q->I_inh_before[l] = I_inh_next;
        }
        double a0, a1, a2, a3;
        {
            double u_0;
            model_ladder_0(V_next, q->theta[l], &u_0);
            a0 = u_0;
            double u_1;
            model_ladder_1(V_next, I_exc_next, I_inh_next, q->per_tau_mem[l], &u_1);
            a1 = u_1;
            double u_2;
            model_ladder_2(I_exc_next, I_inh_next, q->tau_exc[l], q->tau_inh[l], q->per_tau_mem[l], q->per_tau_exc[l], q->per_tau_inh[l], &u_2);
            a2 = u_2;
            double u_3;
            model_ladder_3(I_exc_next, q->tau_exc[l], q->tau_inh[l], q->per_tau_mem[l], q->per_tau_exc[l], q->per_tau_inh[l], &u_3);
            a3 = u_3;
        }
        double rate;
        {
            double u_1_rate;
            model_ladder_1_rate(q->per_tau_mem[l], &u_1_rate);
            rate = u_1_rate;
        }
        double rate_2;
        {
            double u_2_rate;
            model_ladder_2_rate(q->per_tau_inh[l], &u_2_rate);
            rate_2 = u_2_rate;
        }
        const double curve = a2 - rate * a1;
        const double jerk = a3 -rate_2 * a2 - rate * curve;
        q->low[l] = a0 < 0.0 ? s : q->low[l];
        q->high[l] = a0 < 0.0 ? q->high[l] : s;
        const double step = -3.0 * a0 * (2.0 * a1 * a1 - a0 * curve) /
                            (6.0 * a1 * (a1 * a1 - a0 * curve) + a0 * a0 * jerk);
        const double stepped = s + step;
        const int keeps = (stepped >= q->low[l]) & (stepped <= q->high[l]) & ((round < 8) | (round % 3 != 0));
        const double next = keeps ? stepped : 0.5 * (q->low[l] + q->high[l]);
        /* the next error, against the rounding of the time: that of Halley's third order,
         * step^3 |3 curve^2 - 2 slope jerk|/(12 slope^2), times step over the shortest length of the curve */
        const double grain = 0x1p-54 * (settles ? time + q->since[l] + s : time + s);
        const double third = fabs(step * step * step) * (3.0 * curve * curve + 2.0 * fabs(a1 * jerk));
        const double fourth = third * fabs(step) * (fabs(curve) + (fabs(rate) + fabs(rate_2)) * fabs(a1));
        const int settled = keeps & (fourth <= 12.0 * grain * fabs(a1 * a1 * a1));
        const int closed = q->high[l] - q->low[l] <= 4.0 * grain;
        q->at[l] = open[l] ? next : s;
        if (settles) q->left[l] = open[l] ? next - s : 0.0;
        open[l] = open[l] & !settled & !closed;
    }
}

/* The first upward zero of each lane's guard, where it q->crosses, in its bracket: q->at.
 * Householder's iteration (fourth order) never leaves the bracket, to the rounding of the time; every third step may bisect, so
 * that a near-tangent crossing, where u_0 is all rounding, still closes the bracket.
 * settles: the last iterate is kept for settle; by_ends: brackets are spans, and what lies at their ends is not known yet;
 * bundles: how many, BUNDLES at most, which do not wait for one another.
 * Returns a bit for each lane that did not settle. */
SALTUS_INLINE int64_t find_of(const int terms, const int settles, const int by_ends, const int bundles, bundle *q, double time)
{
    int64_t open[BUNDLES][LANES], unsettled = 0; /* a bit a lane */
    for (int b = 0; b < bundles; b++) begin_of(terms, settles, by_ends, q + b, open[b]);
    for (int round = 0, goes_on = 1; goes_on && round < 192; round++) {
        goes_on = 0;
        for (int b = 0; b < bundles; b++) {
            if (!bits_of(open[b])) continue;
            iterate_of(terms, settles, q + b, open[b], round, time);
            goes_on = 1;
        }
    }
    for (int b = 0; b < bundles; b++) unsettled |= (int64_t)bits_of(open[b]) << (b * LANES);
    return unsettled;
}

/* What a crossing does: the states just before it, the slope, the reset. The last iterate is so close that exponentials are short
 * polynomials. */
SALTUS_INLINE void reset_of(const int terms, bundle *q, double steepest)
{
    const int fewest = 6;
    int64_t far[LANES];
#pragma omp simd
    for (int l = 0; l < LANES; l++) {
        double Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, Psi_I_exc_V, Psi_I_inh_V;
        {
            const int terms = fewest;
            model_propagator_near(terms, q->left[l], q->tau_mem[l], q->per_tau_mem[l], q->per_tau_exc[l], q->per_tau_inh[l], &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V);
        }
        double V_next, I_exc_next, I_inh_next;
        model_advance(q->V_before[l], q->I_exc_before[l], q->I_inh_before[l], Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, &V_next, &I_exc_next, &I_inh_next);
        q->V_after[l] = V_next;
        q->I_exc_after[l] = I_exc_next;
        q->I_inh_after[l] = I_inh_next;
        far[l] = q->crosses[l] & (saltus_terms(fabs(q->left[l]) * steepest) != fewest);
    }
    if (bits_of(far)) {
#pragma omp simd
        for (int l = 0; l < LANES; l++) {
            const int short_of = saltus_terms(fabs(q->left[l]) * steepest) != fewest;
            double Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, Psi_I_exc_V, Psi_I_inh_V;
            if (terms != 0) {
                model_propagator_near(terms, q->at[l], q->tau_mem[l], q->per_tau_mem[l], q->per_tau_exc[l], q->per_tau_inh[l], &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V);
            } else {
                model_propagator(q->at[l], q->tau_mem[l], q->per_tau_mem[l], q->per_tau_exc[l], q->per_tau_inh[l], &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V);
            }
            double V_next, I_exc_next, I_inh_next;
            model_advance(q->V[l], q->I_exc[l], q->I_inh[l], Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, &V_next, &I_exc_next, &I_inh_next);
            q->V_after[l] = short_of ? V_next : q->V_after[l];
            q->I_exc_after[l] = short_of ? I_exc_next : q->I_exc_after[l];
            q->I_inh_after[l] = short_of ? I_inh_next : q->I_inh_after[l];
        }
    }
#pragma omp simd
    for (int l = 0; l < LANES; l++) {
        q->V_before[l] = q->V_after[l];
        q->I_exc_before[l] = q->I_exc_after[l];
        q->I_inh_before[l] = q->I_inh_after[l];
        double guard_slope;
        model_guard_slope(q->V_before[l], q->I_exc_before[l], q->I_inh_before[l], q->per_tau_mem[l], &guard_slope);
        q->slope[l] = guard_slope;
    }
#pragma omp simd
    for (int l = 0; l < LANES; l++) {
        double V_next, I_exc_next, I_inh_next;
        model_reset(q->I_exc_before[l], q->I_inh_before[l], q->v_reset[l], &V_next, &I_exc_next, &I_inh_next);
        q->V_after[l] = V_next;
    }
}

/* What follows a crossing: that, and the rest of the interval. */
SALTUS_INLINE void settle_of(const int terms, bundle *q, double steepest)
{
    reset_of(terms, q, steepest);
#pragma omp simd
    for (int l = 0; l < LANES; l++) {
        const double rest = q->span[l] - q->at[l];
        double Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, Psi_I_exc_V, Psi_I_inh_V;
        if (terms != 0) {
            model_propagator_near(terms, rest, q->tau_mem[l], q->per_tau_mem[l], q->per_tau_exc[l], q->per_tau_inh[l], &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V);
        } else {
            model_propagator(rest, q->tau_mem[l], q->per_tau_mem[l], q->per_tau_exc[l], q->per_tau_inh[l], &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V);
        }
        double V_next, I_exc_next, I_inh_next;
        model_advance(q->V_after[l], q->I_exc_after[l], q->I_inh_after[l], Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, &V_next, &I_exc_next, &I_inh_next);
        double u0;
        {
            double u_0;
            model_ladder_0(q->V_after[l], q->theta[l], &u_0);
            u0 = u_0;
        }
        double rate;
        {
            double u_1_rate;
            model_ladder_1_rate(q->per_tau_mem[l], &u_1_rate);
            rate = u_1_rate;
        }
        const double shrink = terms != 0 ? saltus_exp_near(terms, -rest * rate) : saltus_exp(-rest * rate);
        int may_cross;
        {
            double a0, a1, a2;
            {
                double u_0;
                model_ladder_0(q->V_after[l], q->theta[l], &u_0);
                a0 = u_0;
                double u_1;
                model_ladder_1(q->V_after[l], q->I_exc_after[l], q->I_inh_after[l], q->per_tau_mem[l], &u_1);
                a1 = u_1;
                double u_2;
                model_ladder_2(q->I_exc_after[l], q->I_inh_after[l], q->tau_exc[l], q->tau_inh[l], q->per_tau_mem[l], q->per_tau_exc[l], q->per_tau_inh[l], &u_2);
                a2 = u_2;
            }
            double b0, b1, b2;
            {
                double u_0;
                model_ladder_0(V_next, q->theta[l], &u_0);
                b0 = u_0;
                double u_1;
                model_ladder_1(V_next, I_exc_next, I_inh_next, q->per_tau_mem[l], &u_1);
                b1 = u_1;
                double u_2;
                model_ladder_2(I_exc_next, I_inh_next, q->tau_exc[l], q->tau_inh[l], q->per_tau_mem[l], q->per_tau_exc[l], q->per_tau_inh[l], &u_2);
                b2 = u_2;
            }
            const int steady = (((a2 < 0.0) == (b2 < 0.0)) & ((b2 != 0.0) | (a2 == 0.0)));
            const int concave = (a2 < 0.0) | (b2 < 0.0);
            may_cross = (b0 >= 0.0) | !steady | (concave & arches(a0, a1, b0, b1, shrink, (1.0 - shrink) / rate));
        }
        q->u0_after[l] = u0;
        q->may[l] = may_cross;
        q->V_end[l] = V_next;
        q->I_exc_end[l] = I_exc_next;
        q->I_inh_end[l] = I_inh_next;
    }
}

/* Where each lane's guard first crosses zero, q->at, if it q->crosses. Returns a bit for each lane that did not settle. */
SALTUS_INLINE int64_t search_of(const int terms, bundle *q, double time)
{
    bracket_of(terms, q);
    for (int l = 0; l < LANES; l++) q->crosses[l] &= q->may[l];
    return find_of(terms, 0, 0, 1, q, time);
}

/* Where those cross that are certain to, from their brackets on; for settle. */
SALTUS_INLINE int64_t find_certain_of(const int terms, int bundles, bundle *q, double time)
{
    return find_of(terms, 1, 0, bundles, q, time);
}

/* All of them in the version for spans of some length: see saltus_version. */
SALTUS_APART void bracket_brief(bundle *q)
{
    bracket_of(SALTUS_BRIEF, q);
}

SALTUS_APART void bracket_short(bundle *q)
{
    bracket_of(SALTUS_SHORT, q);
}

SALTUS_APART void bracket_any(bundle *q)
{
    bracket_of(0, q);
}

SALTUS_INLINE void bracket(int version, bundle *q)
{
    switch (version) {
    case SALTUS_BRIEF: bracket_brief(q); break;
    case SALTUS_SHORT: bracket_short(q); break;
    default: bracket_any(q);
    }
}

SALTUS_APART int64_t search_brief(bundle *q, double time)
{
    return search_of(SALTUS_BRIEF, q, time);
}

SALTUS_APART int64_t search_short(bundle *q, double time)
{
    return search_of(SALTUS_SHORT, q, time);
}

SALTUS_APART int64_t search_any(bundle *q, double time)
{
    return search_of(0, q, time);
}

SALTUS_INLINE int64_t search(int version, bundle *q, double time)
{
    switch (version) {
    case SALTUS_BRIEF: return search_brief(q, time);
    case SALTUS_SHORT: return search_short(q, time);
    default: return search_any(q, time);
    }
}

SALTUS_APART int64_t find_certain_brief(int bundles, bundle *q, double time)
{
    return find_certain_of(SALTUS_BRIEF, bundles, q, time);
}

SALTUS_APART int64_t find_certain_short(int bundles, bundle *q, double time)
{
    return find_certain_of(SALTUS_SHORT, bundles, q, time);
}

SALTUS_APART int64_t find_certain_any(int bundles, bundle *q, double time)
{
    return find_certain_of(0, bundles, q, time);
}

SALTUS_INLINE int64_t find_certain(int version, int bundles, bundle *q, double time)
{
    switch (version) {
    case SALTUS_BRIEF: return find_certain_brief(bundles, q, time);
    case SALTUS_SHORT: return find_certain_short(bundles, q, time);
    default: return find_certain_any(bundles, q, time);
    }
}

SALTUS_APART void settle_brief(bundle *q, double steepest)
{
    settle_of(SALTUS_BRIEF, q, steepest);
}

SALTUS_APART void settle_short(bundle *q, double steepest)
{
    settle_of(SALTUS_SHORT, q, steepest);
}

SALTUS_APART void settle_any(bundle *q, double steepest)
{
    settle_of(0, q, steepest);
}

SALTUS_INLINE void settle(int version, bundle *q, double steepest)
{
    switch (version) {
    case SALTUS_BRIEF: settle_brief(q, steepest); break;
    case SALTUS_SHORT: settle_short(q, steepest); break;
    default: settle_any(q, steepest);
    }
}

/* Appends those of [from, to) that are flagged to a list of so many, which has room for a vector more, and returns how many are
 * in it then. The last may lie behind `to`, within its vector. */
SALTUS_INLINE int list_flagged(const int64_t *restrict flag, int from, int to, int32_t *restrict list, int many)
{
#ifdef __AVX512VL__
    for (int n = from; n < to; n += 8) {
        const __mmask8 these = flagged(flag + n);
        pack_numbers(list + many, these, eight_from(n));
        many += __builtin_popcount(these);
    }
#else
    for (int n = from; n < to; n++) { /* without branches: which one is flagged cannot be predicted */
        list[many] = n;
        many += flag[n] != 0;
    }
#endif
    return many;
}

/* Appends the flagged neurons among [from, to) to the queue, and returns how many are queued then. */
static int queue_flagged(const saltus_group *g, const workspace *w, int from, int to, int queued)
{
    queued = list_flagged(w->flag, from, to, w->who, queued);
    while (queued > 0 && w->who[queued - 1] >= g->n) queued--; /* the padding is nobody */
    return queued;
}

/* The states of the queued, now and at the end of the interval, with what is left of it from now on. */
static void queue_states(const workspace *w, int queued, double span)
{
    int32_t *restrict who = w->who;
    for (int i = queued; i % LANES != 0; i++) who[i] = 0; /* spare lanes are somebody, whom nobody asks for */
    for (int i = 0; i < queued; i++) {
        w->span[i] = span;
        w->queue.V[i] = w->x.V[who[i]];
        w->ahead.V[i] = w->x_end.V[who[i]];
        w->queue.I_exc[i] = w->x.I_exc[who[i]];
        w->ahead.I_exc[i] = w->x_end.I_exc[who[i]];
        w->queue.I_inh[i] = w->x.I_inh[who[i]];
        w->ahead.I_inh[i] = w->x_end.I_inh[who[i]];
    }
}

/* The states at time 0; no neuron may start at or above its threshold. */
static int begin_below(const saltus_group *g, const workspace *w, int32_t sample, saltus_status *status)
{
    begin(g, w);
    for (int n = 0; n < g->n; n++) {
        double u_0;
        model_ladder_0(w->x.V[n], w->p.theta[n], &u_0);
        if (u_0 >= 0.0) return fail(status, STARTS_ABOVE, sample, n, 0.0, 0);
    }
    return DONE;
}

/* ---- Looking ahead: one pass over all neurons lets what is pending act and steps to the end of the interval. It keeps
 * the states there and who may cross; these few are queued, in blocks that have one. */

enum { BLOCK = 128 };

/* An interval: what acts at its start, its length, what that makes of the states, and for the test of crossings exp(-rate dt). */
typedef struct {
    pending start;
    double dt;
    entries_view k;
    double shrink;
} outlook;

/* What the length of an interval makes of it, o->dt: stretch e, or (e < 0) another one. */
SALTUS_INLINE void look_out(const int shared, const saltus_group *g, const workspace *w, int e, outlook *o)
{
    double rate;
    {
        double u_1_rate;
        model_ladder_1_rate(w->p.per_tau_mem[0], &u_1_rate);
        rate = u_1_rate;
    }
    o->k = e >= 0 ? stretch(shared, g, w, e) : propagators(shared, g, w, o->dt);
    o->shrink = !shared ? 0.0 : e >= 0 ? w->shrink[e] : saltus_exp(-o->dt * rate);
}

/* Steps [from, to) to the end of the interval, and flags those that may cross. Returns whether there are any. */
SALTUS_INLINE int64_t step_block(const int shared, const int terms, const int alike, const workspace *w,
                                 const outlook *o, int from, int to)
{
    const double *restrict x_V = w->x.V;
    double *restrict end_V = w->x_end.V;
    const double *restrict x_I_exc = w->x.I_exc;
    double *restrict end_I_exc = w->x_end.I_exc;
    const double *restrict x_I_inh = w->x.I_inh;
    double *restrict end_I_inh = w->x_end.I_inh;
    const parameters_view p = w->p;
    const entries_view k = o->k;
    const double *restrict weight = o->start.weight;
    int64_t *restrict flag = w->flag;
    int64_t any = 0;
    const double common_Phi_V_V = shared ? *k.Phi_V_V : 0.0;
    const double common_Phi_V_I_exc = shared ? *k.Phi_V_I_exc : 0.0;
    const double common_Phi_V_I_inh = shared ? *k.Phi_V_I_inh : 0.0;
    const double common_Phi_I_exc_I_exc = shared ? *k.Phi_I_exc_I_exc : 0.0;
    const double common_Phi_I_inh_I_inh = shared ? *k.Phi_I_inh_I_inh : 0.0;
    const double dt = k.dt;
    (void)dt;
    (void)p, (void)weight, (void)alike;
    switch (o->start.receptor) {
    case 0: /* exc */
#pragma omp simd reduction(| : any)
        for (int n = from; n < to; n++) {
            double V = x_V[n], I_exc = x_I_exc[n], I_inh = x_I_inh[n];
            {
                double V_next, I_exc_next, I_inh_next;
                model_exc_jump(V, I_exc, I_inh, weight[n], &V_next, &I_exc_next, &I_inh_next);
                I_exc = I_exc_next;
            }
            double Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, Psi_I_exc_V, Psi_I_inh_V;
            if (shared) {
                Phi_V_V = common_Phi_V_V;
                Phi_V_I_exc = common_Phi_V_I_exc;
                Phi_V_I_inh = common_Phi_V_I_inh;
                Phi_I_exc_I_exc = common_Phi_I_exc_I_exc;
                Phi_I_inh_I_inh = common_Phi_I_inh_I_inh;
            } else if (terms != 0) {
                model_propagator_near(terms, dt, p.tau_mem[alike ? 0 : n], p.per_tau_mem[alike ? 0 : n], p.per_tau_exc[alike ? 0 : n], p.per_tau_inh[alike ? 0 : n], &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V);
            } else {
                model_propagator(dt, p.tau_mem[alike ? 0 : n], p.per_tau_mem[alike ? 0 : n], p.per_tau_exc[alike ? 0 : n], p.per_tau_inh[alike ? 0 : n], &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V);
            }
            double V_next, I_exc_next, I_inh_next;
            model_advance(V, I_exc, I_inh, Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, &V_next, &I_exc_next, &I_inh_next);
            end_V[n] = V_next;
            end_I_exc[n] = I_exc_next;
            end_I_inh[n] = I_inh_next;
            double rate;
            {
                double u_1_rate;
                model_ladder_1_rate(p.per_tau_mem[alike ? 0 : n], &u_1_rate);
                rate = u_1_rate;
            }
            const double shrink = shared ? o->shrink : terms != 0 ? saltus_exp_near(terms, -dt * rate) : saltus_exp(-dt * rate);
            int may_cross;
            {
                double a0, a1, a2;
                {
                    double u_0;
                    model_ladder_0(V, p.theta[alike ? 0 : n], &u_0);
                    a0 = u_0;
                    double u_1;
                    model_ladder_1(V, I_exc, I_inh, p.per_tau_mem[alike ? 0 : n], &u_1);
                    a1 = u_1;
                    double u_2;
                    model_ladder_2(I_exc, I_inh, p.tau_exc[alike ? 0 : n], p.tau_inh[alike ? 0 : n], p.per_tau_mem[alike ? 0 : n], p.per_tau_exc[alike ? 0 : n], p.per_tau_inh[alike ? 0 : n], &u_2);
                    a2 = u_2;
                }
                double b0, b1, b2;
                {
                    double u_0;
                    model_ladder_0(V_next, p.theta[alike ? 0 : n], &u_0);
                    b0 = u_0;
                    double u_1;
                    model_ladder_1(V_next, I_exc_next, I_inh_next, p.per_tau_mem[alike ? 0 : n], &u_1);
                    b1 = u_1;
                    double u_2;
                    model_ladder_2(I_exc_next, I_inh_next, p.tau_exc[alike ? 0 : n], p.tau_inh[alike ? 0 : n], p.per_tau_mem[alike ? 0 : n], p.per_tau_exc[alike ? 0 : n], p.per_tau_inh[alike ? 0 : n], &u_2);
                    b2 = u_2;
                }
                const int steady = (((a2 < 0.0) == (b2 < 0.0)) & ((b2 != 0.0) | (a2 == 0.0)));
                const int concave = (a2 < 0.0) | (b2 < 0.0);
                may_cross = (b0 >= 0.0) | !steady | (concave & arches(a0, a1, b0, b1, shrink, (1.0 - shrink) / rate));
            }
            flag[n] = may_cross;
            any |= may_cross;
        }
        break;
    case 1: /* inh */
#pragma omp simd reduction(| : any)
        for (int n = from; n < to; n++) {
            double V = x_V[n], I_exc = x_I_exc[n], I_inh = x_I_inh[n];
            {
                double V_next, I_exc_next, I_inh_next;
                model_inh_jump(V, I_exc, I_inh, weight[n], &V_next, &I_exc_next, &I_inh_next);
                I_inh = I_inh_next;
            }
            double Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, Psi_I_exc_V, Psi_I_inh_V;
            if (shared) {
                Phi_V_V = common_Phi_V_V;
                Phi_V_I_exc = common_Phi_V_I_exc;
                Phi_V_I_inh = common_Phi_V_I_inh;
                Phi_I_exc_I_exc = common_Phi_I_exc_I_exc;
                Phi_I_inh_I_inh = common_Phi_I_inh_I_inh;
            } else if (terms != 0) {
                model_propagator_near(terms, dt, p.tau_mem[alike ? 0 : n], p.per_tau_mem[alike ? 0 : n], p.per_tau_exc[alike ? 0 : n], p.per_tau_inh[alike ? 0 : n], &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V);
            } else {
                model_propagator(dt, p.tau_mem[alike ? 0 : n], p.per_tau_mem[alike ? 0 : n], p.per_tau_exc[alike ? 0 : n], p.per_tau_inh[alike ? 0 : n], &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V);
            }
            double V_next, I_exc_next, I_inh_next;
            model_advance(V, I_exc, I_inh, Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, &V_next, &I_exc_next, &I_inh_next);
            end_V[n] = V_next;
            end_I_exc[n] = I_exc_next;
            end_I_inh[n] = I_inh_next;
            double rate;
            {
                double u_1_rate;
                model_ladder_1_rate(p.per_tau_mem[alike ? 0 : n], &u_1_rate);
                rate = u_1_rate;
            }
            const double shrink = shared ? o->shrink : terms != 0 ? saltus_exp_near(terms, -dt * rate) : saltus_exp(-dt * rate);
            int may_cross;
            {
                double a0, a1, a2;
                {
                    double u_0;
                    model_ladder_0(V, p.theta[alike ? 0 : n], &u_0);
                    a0 = u_0;
                    double u_1;
                    model_ladder_1(V, I_exc, I_inh, p.per_tau_mem[alike ? 0 : n], &u_1);
                    a1 = u_1;
                    double u_2;
                    model_ladder_2(I_exc, I_inh, p.tau_exc[alike ? 0 : n], p.tau_inh[alike ? 0 : n], p.per_tau_mem[alike ? 0 : n], p.per_tau_exc[alike ? 0 : n], p.per_tau_inh[alike ? 0 : n], &u_2);
                    a2 = u_2;
                }
                double b0, b1, b2;
                {
                    double u_0;
                    model_ladder_0(V_next, p.theta[alike ? 0 : n], &u_0);
                    b0 = u_0;
                    double u_1;
                    model_ladder_1(V_next, I_exc_next, I_inh_next, p.per_tau_mem[alike ? 0 : n], &u_1);
                    b1 = u_1;
                    double u_2;
                    model_ladder_2(I_exc_next, I_inh_next, p.tau_exc[alike ? 0 : n], p.tau_inh[alike ? 0 : n], p.per_tau_mem[alike ? 0 : n], p.per_tau_exc[alike ? 0 : n], p.per_tau_inh[alike ? 0 : n], &u_2);
                    b2 = u_2;
                }
                const int steady = (((a2 < 0.0) == (b2 < 0.0)) & ((b2 != 0.0) | (a2 == 0.0)));
                const int concave = (a2 < 0.0) | (b2 < 0.0);
                may_cross = (b0 >= 0.0) | !steady | (concave & arches(a0, a1, b0, b1, shrink, (1.0 - shrink) / rate));
            }
            flag[n] = may_cross;
            any |= may_cross;
        }
        break;
    default:
#pragma omp simd reduction(| : any)
        for (int n = from; n < to; n++) {
            double V = x_V[n], I_exc = x_I_exc[n], I_inh = x_I_inh[n];
            double Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, Psi_I_exc_V, Psi_I_inh_V;
            if (shared) {
                Phi_V_V = common_Phi_V_V;
                Phi_V_I_exc = common_Phi_V_I_exc;
                Phi_V_I_inh = common_Phi_V_I_inh;
                Phi_I_exc_I_exc = common_Phi_I_exc_I_exc;
                Phi_I_inh_I_inh = common_Phi_I_inh_I_inh;
            } else if (terms != 0) {
                model_propagator_near(terms, dt, p.tau_mem[alike ? 0 : n], p.per_tau_mem[alike ? 0 : n], p.per_tau_exc[alike ? 0 : n], p.per_tau_inh[alike ? 0 : n], &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V);
            } else {
                model_propagator(dt, p.tau_mem[alike ? 0 : n], p.per_tau_mem[alike ? 0 : n], p.per_tau_exc[alike ? 0 : n], p.per_tau_inh[alike ? 0 : n], &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V);
            }
            double V_next, I_exc_next, I_inh_next;
            model_advance(V, I_exc, I_inh, Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, &V_next, &I_exc_next, &I_inh_next);
            end_V[n] = V_next;
            end_I_exc[n] = I_exc_next;
            end_I_inh[n] = I_inh_next;
            double rate;
            {
                double u_1_rate;
                model_ladder_1_rate(p.per_tau_mem[alike ? 0 : n], &u_1_rate);
                rate = u_1_rate;
            }
            const double shrink = shared ? o->shrink : terms != 0 ? saltus_exp_near(terms, -dt * rate) : saltus_exp(-dt * rate);
            int may_cross;
            {
                double a0, a1, a2;
                {
                    double u_0;
                    model_ladder_0(V, p.theta[alike ? 0 : n], &u_0);
                    a0 = u_0;
                    double u_1;
                    model_ladder_1(V, I_exc, I_inh, p.per_tau_mem[alike ? 0 : n], &u_1);
                    a1 = u_1;
                    double u_2;
                    model_ladder_2(I_exc, I_inh, p.tau_exc[alike ? 0 : n], p.tau_inh[alike ? 0 : n], p.per_tau_mem[alike ? 0 : n], p.per_tau_exc[alike ? 0 : n], p.per_tau_inh[alike ? 0 : n], &u_2);
                    a2 = u_2;
                }
                double b0, b1, b2;
                {
                    double u_0;
                    model_ladder_0(V_next, p.theta[alike ? 0 : n], &u_0);
                    b0 = u_0;
                    double u_1;
                    model_ladder_1(V_next, I_exc_next, I_inh_next, p.per_tau_mem[alike ? 0 : n], &u_1);
                    b1 = u_1;
                    double u_2;
                    model_ladder_2(I_exc_next, I_inh_next, p.tau_exc[alike ? 0 : n], p.tau_inh[alike ? 0 : n], p.per_tau_mem[alike ? 0 : n], p.per_tau_exc[alike ? 0 : n], p.per_tau_inh[alike ? 0 : n], &u_2);
                    b2 = u_2;
                }
                const int steady = (((a2 < 0.0) == (b2 < 0.0)) & ((b2 != 0.0) | (a2 == 0.0)));
                const int concave = (a2 < 0.0) | (b2 < 0.0);
                may_cross = (b0 >= 0.0) | !steady | (concave & arches(a0, a1, b0, b1, shrink, (1.0 - shrink) / rate));
            }
            flag[n] = may_cross;
            any |= may_cross;
        }
        break;
    }
    return any;
}

/* What is pending acts on the queued. */
static void arrive_queued(const workspace *w, int queued, pending start)
{
    const states_view x = w->queue;
    const parameters_view p = w->p;
    const int32_t *restrict who = w->who;
    (void)p;
    switch (start.receptor) {
    case 0: /* exc */
        for (int from = 0; from < queued; from += LANES)
#pragma omp simd
            for (int i = from; i < from + LANES; i++) {
                double V_next, I_exc_next, I_inh_next;
                model_exc_jump(x.V[i], x.I_exc[i], x.I_inh[i], start.weight[who[i]], &V_next, &I_exc_next, &I_inh_next);
                x.I_exc[i] = I_exc_next;
            }
        break;
    case 1: /* inh */
        for (int from = 0; from < queued; from += LANES)
#pragma omp simd
            for (int i = from; i < from + LANES; i++) {
                double V_next, I_exc_next, I_inh_next;
                model_inh_jump(x.V[i], x.I_exc[i], x.I_inh[i], start.weight[who[i]], &V_next, &I_exc_next, &I_inh_next);
                x.I_inh[i] = I_inh_next;
            }
        break;
    default: break;
    }
}

/* Steps everyone to the end of the interval, into w->x_end, and lists those that may cross. Returns their number. */
SALTUS_INLINE int look_ahead_of(const int shared, const int terms, const int alike, const saltus_group *g,
                                const workspace *w, const outlook *o)
{
    int queued = 0, from = 0;
    for (; from + BLOCK <= g->n_pad; from += BLOCK)
        if (step_block(shared, terms, alike, w, o, from, from + BLOCK)) queued = queue_flagged(g, w, from, from + BLOCK, queued);
    if (from < g->n_pad && step_block(shared, terms, alike, w, o, from, g->n_pad)) queued = queue_flagged(g, w, from, g->n_pad, queued);
    return queued;
}

/* The queued as they are at the start of the interval, after what acts there, and at its end. */
static void take_queued(const workspace *w, int queued, const outlook *o)
{
    queue_states(w, queued, o->dt);
    arrive_queued(w, queued, o->start);
}

SALTUS_APART int look_ahead_shared(const saltus_group *g, const workspace *w, const outlook *o)
{
    return look_ahead_of(1, 0, 0, g, w, o);
}

SALTUS_APART int look_ahead_6(const saltus_group *g, const workspace *w, const outlook *o)
{
    return look_ahead_of(0, 6, 0, g, w, o);
}

SALTUS_APART int look_ahead_8(const saltus_group *g, const workspace *w, const outlook *o)
{
    return look_ahead_of(0, 8, 0, g, w, o);
}

SALTUS_APART int look_ahead_12(const saltus_group *g, const workspace *w, const outlook *o)
{
    return look_ahead_of(0, 12, 0, g, w, o);
}

SALTUS_APART int look_ahead_15(const saltus_group *g, const workspace *w, const outlook *o)
{
    return look_ahead_of(0, 15, 0, g, w, o);
}

SALTUS_APART int look_ahead_0(const saltus_group *g, const workspace *w, const outlook *o)
{
    return look_ahead_of(0, 0, 0, g, w, o);
}

SALTUS_INLINE int look_ahead_own(const saltus_group *g, const workspace *w, const outlook *o)
{
    switch (o->k.terms) {
    case 6: return look_ahead_6(g, w, o);
    case 8: return look_ahead_8(g, w, o);
    case 12: return look_ahead_12(g, w, o);
    case 15: return look_ahead_15(g, w, o);
    default: return look_ahead_0(g, w, o);
    }
}


/* ---- With recurrence the earliest spike changes everyone.
 *
 * Between two events a pass over all neurons queues those that may cross. What then happens until the next event happens to
 * the queued alone: the earliest crosses, is reset, and its arrival acts on the queued; on the others it acts at the end of
 * the interval, where the states are linear in it. That nobody else crosses in the meantime is certain as long as the
 * arrivals that wait cannot lift a guard by more than the margin by which the others were found to stay below threshold;
 * when they could, everyone is brought up to the present and the pass is made again. */

/* Brings the queued up to a crossing, and back to their places among all. */
SALTUS_INLINE void advance_queued_of(const int shared, const int terms, const workspace *w, int queued, states_view into,
                                     entries_view k)
{
    const states_view x = w->queue;
    const parameters_view p = w->p;
    const double common_Phi_V_V = shared ? *k.Phi_V_V : 0.0;
    const double common_Phi_V_I_exc = shared ? *k.Phi_V_I_exc : 0.0;
    const double common_Phi_V_I_inh = shared ? *k.Phi_V_I_inh : 0.0;
    const double common_Phi_I_exc_I_exc = shared ? *k.Phi_I_exc_I_exc : 0.0;
    const double common_Phi_I_inh_I_inh = shared ? *k.Phi_I_inh_I_inh : 0.0;
    const double dt = k.dt;
    (void)dt;
    (void)p;
    for (int from = 0; from < queued; from += LANES)
#pragma omp simd
        for (int i = from; i < from + LANES; i++) {
            const int n = w->who[i];
            (void)n;
            double Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, Psi_I_exc_V, Psi_I_inh_V;
            if (shared) {
                Phi_V_V = common_Phi_V_V;
                Phi_V_I_exc = common_Phi_V_I_exc;
                Phi_V_I_inh = common_Phi_V_I_inh;
                Phi_I_exc_I_exc = common_Phi_I_exc_I_exc;
                Phi_I_inh_I_inh = common_Phi_I_inh_I_inh;
            } else if (terms != 0) {
                model_propagator_near(terms, dt, p.tau_mem[n], p.per_tau_mem[n], p.per_tau_exc[n], p.per_tau_inh[n], &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V);
            } else {
                model_propagator(dt, p.tau_mem[n], p.per_tau_mem[n], p.per_tau_exc[n], p.per_tau_inh[n], &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V);
            }
            double V_next, I_exc_next, I_inh_next;
            model_advance(x.V[i], x.I_exc[i], x.I_inh[i], Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, &V_next, &I_exc_next, &I_inh_next);
            into.V[i] = V_next;
            into.I_exc[i] = I_exc_next;
            into.I_inh[i] = I_inh_next;
        }
}

SALTUS_APART void advance_queued_6(const workspace *w, int queued, states_view into, entries_view k)
{
    advance_queued_of(0, 6, w, queued, into, k);
}

SALTUS_APART void advance_queued_8(const workspace *w, int queued, states_view into, entries_view k)
{
    advance_queued_of(0, 8, w, queued, into, k);
}

SALTUS_APART void advance_queued_12(const workspace *w, int queued, states_view into, entries_view k)
{
    advance_queued_of(0, 12, w, queued, into, k);
}

SALTUS_APART void advance_queued_15(const workspace *w, int queued, states_view into, entries_view k)
{
    advance_queued_of(0, 15, w, queued, into, k);
}

SALTUS_APART void advance_queued_0(const workspace *w, int queued, states_view into, entries_view k)
{
    advance_queued_of(0, 0, w, queued, into, k);
}

SALTUS_INLINE void advance_queued_own(const workspace *w, int queued, states_view into, entries_view k)
{
    switch (k.terms) {
    case 6: advance_queued_6(w, queued, into, k); break;
    case 8: advance_queued_8(w, queued, into, k); break;
    case 12: advance_queued_12(w, queued, into, k); break;
    case 15: advance_queued_15(w, queued, into, k); break;
    default: advance_queued_0(w, queued, into, k);
    }
}

SALTUS_INLINE void advance_queued(const int shared, const workspace *w, int queued, states_view into, entries_view k)
{
    if (shared)
        advance_queued_of(1, 0, w, queued, into, k);
    else
        advance_queued_own(w, queued, into, k);
}

static void put_back(const workspace *w, int queued, states_view from, states_view x)
{
    for (int i = 0; i < queued; i++) {
        x.V[w->who[i]] = from.V[i];
        x.I_exc[w->who[i]] = from.I_exc[i];
        x.I_inh[w->who[i]] = from.I_inh[i];
    }
}

/* Who of the queued may cross in what is left, by both ends of it. Returns their number. */
SALTUS_INLINE int list_seekers(const int shared, const int alike, const workspace *w, int queued, double dt,
                               double common_shrink)
{
    const states_view x = w->queue, ahead = w->ahead;
    const parameters_view p = w->p;
    const int32_t *restrict who = w->who;
    int64_t *restrict flag = w->flag;
    for (int from = 0; from < queued; from += LANES)
#pragma omp simd
        for (int i = from; i < from + LANES; i++) {
            double rate;
            {
                double u_1_rate;
                model_ladder_1_rate(p.per_tau_mem[alike ? 0 : who[i]], &u_1_rate);
                rate = u_1_rate;
            }
            const double shrink = shared ? common_shrink : saltus_exp(-dt * rate);
            int may_cross;
            {
                double a0, a1, a2;
                {
                    double u_0;
                    model_ladder_0(x.V[i], p.theta[alike ? 0 : who[i]], &u_0);
                    a0 = u_0;
                    double u_1;
                    model_ladder_1(x.V[i], x.I_exc[i], x.I_inh[i], p.per_tau_mem[alike ? 0 : who[i]], &u_1);
                    a1 = u_1;
                    double u_2;
                    model_ladder_2(x.I_exc[i], x.I_inh[i], p.tau_exc[alike ? 0 : who[i]], p.tau_inh[alike ? 0 : who[i]], p.per_tau_mem[alike ? 0 : who[i]], p.per_tau_exc[alike ? 0 : who[i]], p.per_tau_inh[alike ? 0 : who[i]], &u_2);
                    a2 = u_2;
                }
                double b0, b1, b2;
                {
                    double u_0;
                    model_ladder_0(ahead.V[i], p.theta[alike ? 0 : who[i]], &u_0);
                    b0 = u_0;
                    double u_1;
                    model_ladder_1(ahead.V[i], ahead.I_exc[i], ahead.I_inh[i], p.per_tau_mem[alike ? 0 : who[i]], &u_1);
                    b1 = u_1;
                    double u_2;
                    model_ladder_2(ahead.I_exc[i], ahead.I_inh[i], p.tau_exc[alike ? 0 : who[i]], p.tau_inh[alike ? 0 : who[i]], p.per_tau_mem[alike ? 0 : who[i]], p.per_tau_exc[alike ? 0 : who[i]], p.per_tau_inh[alike ? 0 : who[i]], &u_2);
                    b2 = u_2;
                }
                const int steady = (((a2 < 0.0) == (b2 < 0.0)) & ((b2 != 0.0) | (a2 == 0.0)));
                const int concave = (a2 < 0.0) | (b2 < 0.0);
                may_cross = (b0 >= 0.0) | !steady | (concave & arches(a0, a1, b0, b1, shrink, (1.0 - shrink) / rate));
            }
            flag[i] = may_cross;
        }
    int seekers = list_flagged(flag, 0, queued, w->seek, 0);
    while (seekers > 0 && w->seek[seekers - 1] >= queued) seekers--; /* a spare lane is nobody */
    return seekers;
}

/* The misses of the seekers until a time from the present on: what they would come to then is not what they do. */
SALTUS_APART void look_for_misses(const int alike, const workspace *w, int seekers, double until, double *nearest_miss)
{
    for (int from = 0; from < seekers; from += LANES) {
        bundle q;
        const int lanes = gather(alike, w, w->seek + from, seekers - from, &q);
        for (int l = 0; l < LANES; l++) q.span[l] = until;
        bracket(saltus_version(until * w->steepest), &q);
        for (int l = 0; l < lanes; l++) {
            const double missed = q.missed[l];
            if (missed < *nearest_miss) *nearest_miss = missed;
        }
    }
}

/* Where the first of the seekers crosses, from the present on; INFINITY: nobody does; NAN: failed. Each one's crossing is
 * in w->from. */
SALTUS_INLINE double first_crossing(const int alike, const workspace *w, int seekers, double present, double span,
                                    saltus_spikes *out, int32_t sample, saltus_status *status)
{
    double earliest = INFINITY, nearest = INFINITY;
    for (int from = 0; from < seekers; from += LANES) {
        bundle q;
        const int lanes = gather(alike, w, w->seek + from, seekers - from, &q);
        const int64_t unsettled = search(saltus_version(span * w->steepest), &q, present);
        for (int l = 0; l < lanes; l++) {
            const int i = w->seek[from + l];
            if (unsettled >> l & 1) return fail(status, ROOT, sample, w->who[i], present + q.at[l], 0), NAN;
            const double missed = q.missed[l];
            nearest = missed < nearest ? missed : nearest;
            w->from[i] = q.crosses[l] ? q.at[l] : INFINITY;
            if (q.crosses[l] && q.at[l] < earliest) earliest = q.at[l];
        }
    }
    if (nearest < out->nearest_miss[sample]) look_for_misses(alike, w, seekers, fmin(earliest, span), out->nearest_miss + sample);
    return earliest;
}

/* All seekers, who have been brought to now, that cross at this very time (as a double) spike and are reset. Returns
 * their number, or -1 after a failure. */
static int emit_together(const saltus_group *g, saltus_spikes *out, const workspace *w, double now, int seekers,
                         double earliest, double origin, int after, int spikes, int32_t sample, saltus_status *status)
{
    const int64_t base = out->start[sample], total = g->batch * out->capacity;
    const states_view x = w->queue;
    int many = 0;
    for (int s = 0; s < seekers; s++) {
        const int i = w->seek[s], n = w->who[i];
        if (!(w->from[i] == earliest || origin + w->from[i] == now)) continue;
        const int64_t place = base + spikes + many;
        if (spikes + many >= out->capacity) return fail(status, CAPACITY, sample, n, now, 2 * out->capacity), -1;
        double guard_slope;
        model_guard_slope(x.V[i], x.I_exc[i], x.I_inh[i], w->p.per_tau_mem[n], &guard_slope);
        double V_next, I_exc_next, I_inh_next;
        model_reset(x.I_exc[i], x.I_inh[i], w->p.v_reset[n], &V_next, &I_exc_next, &I_inh_next);
        out->time[place] = now;
        out->neuron[place] = n;
        out->after[place] = after;
        out->state[0 * total + place] = x.V[i];
        out->state[1 * total + place] = x.I_exc[i];
        out->state[2 * total + place] = x.I_inh[i];
        out->slope[place] = guard_slope;
        x.V[i] = V_next;
        double u_0;
        model_ladder_0(x.V[i], w->p.theta[n], &u_0);
        if (u_0 >= 0.0) return fail(status, RESETS_ABOVE, sample, n, now, 0), -1;
        many++;
    }
    const int32_t *neuron = out->neuron + base + spikes;
    for (int i = 0; i < many; i++)
        for (int j = 0; j < many; j++)
            out->joined[sample] += i != j && g->recurrent_mask[(int64_t)neuron[i] * g->n_pad + neuron[j]];
    return many;
}

/* What a spike of neuron n sends. */
SALTUS_INLINE pending sent_by(const saltus_group *g, int n)
{
    return (pending){g->recurrent_receptor, g->recurrent + (int64_t)n * g->n_pad};
}

/* Lets what is pending act at once. */
static void act(const saltus_group *g, const workspace *w, pending *start)
{
    if (start->receptor >= 0) arrive(g, w, start->receptor, start->weight);
    start->receptor = -1;
}

/* One sample forward. */
SALTUS_INLINE int forward_recurrent(const int shared, const saltus_group *g, const saltus_events *in, saltus_spikes *out,
                                    double *final, double *record, workspace *w, int32_t sample, saltus_status *status)
{
    const int events = in->count[sample];
    const int64_t first = in->start[sample], base = out->start[sample];
    const double *restrict times = in->time + first;
    int spikes = 0, e = 0, whole = 1;
    double now = 0.0;
    outlook o = {.start = {-1, NULL}};
    if (begin_below(g, w, sample, status)) return status->code;
    measure(shared, g, times, events, events, w);
    if (shared) shrink_all(w, events);
    double ahead = INFINITY; /* so far that few may cross */
    const int crowd = 2 * LANES + g->n / 64;
    for (;;) {
        double until = e < events ? times[e] : g->horizon;
        int late = 0; /* so many arrivals wait for the interval's end */
        const int full = until - now <= ahead;
        if (!full) until = now + ahead, whole = 0;
        if (until > now) {
            o.dt = until - now;
            look_out(shared, g, w, whole ? e : -1, &o);
            const int queued = shared ? look_ahead_shared(g, w, &o) : look_ahead_own(g, w, &o);
            if (queued > 0) take_queued(w, queued, &o);
            if (queued > crowd && o.dt > 1e-9 * until) { /* to search all of them costs more than to look again, less far */
                ahead = 0.5 * o.dt;
                continue;
            }
            if (2 * queued < crowd) ahead *= 1.5;
            const int begun = spikes;
            int many = 0, waits = 1, part = 0; /* of the interval: parts end at the events that wait */
            double present = now, shrink = o.shrink;
            while (queued > 0) {
                const double end = until;
                int crosses = 1;
                while (crosses) {
                    const int seekers = list_seekers(shared, 0, w, queued, end - present, shrink);
                    const double earliest = w->alike ? first_crossing(1, w, seekers, present, end - present, out, sample, status)
                                                   : first_crossing(0, w, seekers, present, end - present, out, sample, status);
                    if (isnan(earliest)) return status->code;
                    if (earliest == INFINITY) break;
                    const double time = present + earliest; /* as it is written down: everyone goes by its rounding */
                    advance_queued(shared, w, queued, w->queue, propagators(shared, g, w, time - present));
                    many = emit_together(g, out, w, time, seekers, earliest, present, e, spikes, sample, status);
                    if (many < 0) return status->code;
                    present = time;
                    spikes += many;
                    waits = 0;
                    break;
                }
                if (!waits || part == late) break;
                part++;
                present = end;
            }
            if (!waits) { /* everyone to the present */
                act(g, w, &o.start);
                advance_all(shared, g, w, propagators(shared, g, w, present - now));
                put_back(w, queued, w->queue, w->x);
                for (int i = spikes - many; i + 1 < spikes; i++) {
                    const pending other = sent_by(g, out->neuron[base + i]);
                    arrive(g, w, other.receptor, other.weight);
                }
                o.start = sent_by(g, out->neuron[base + spikes - 1]);
                now = present;
                whole = 0;
                continue;
            }
            if (spikes > begun) {
                put_back(w, queued, w->ahead, w->x_end);
            }
            o.start.receptor = -1;
            const states_view swap = w->x;
            w->x = w->x_end;
            w->x_end = swap;
        }
        now = until;
        whole = full;
        if (!whole) continue;
        act(g, w, &o.start); /* only where something else happens at the very same time */
        if (e == events) break;
        const int32_t *row = in->row + first + e;
        const int many = record != NULL ? 1 : together(g, in, first, e, events);
        if (row[0] >= 0) o.start = (pending){g->receptor[row[0]], sum_rows(g, w, row, many, 0)};
        if (record != NULL) {
            act(g, w, &o.start);
            double *const rows[] = { w->x.V, w->x.I_exc, w->x.I_inh };
            write_record(g, record, first + e, rows);
        }
        e += many;
    }
    out->count[sample] = spikes;
    if (final != NULL) {
        double *const rows[] = { w->x.V, w->x.I_exc, w->x.I_inh };
        write_record(g, final, sample, rows);
    }
    return DONE;
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
        const double Phi_V_I_exc = w->span_k.Phi_V_I_exc[n];
        const double Phi_V_I_inh = w->span_k.Phi_V_I_inh[n];
        const double Phi_I_exc_I_exc = w->span_k.Phi_I_exc_I_exc[n];
        const double Phi_I_inh_I_inh = w->span_k.Phi_I_inh_I_inh[n];
        const double Phi_V_V_tau_mem = w->span_slope.Phi_V_V_tau_mem[n];
        const double Phi_V_I_exc_tau_mem = w->span_slope.Phi_V_I_exc_tau_mem[n];
        const double Phi_V_I_inh_tau_mem = w->span_slope.Phi_V_I_inh_tau_mem[n];
        const double Phi_V_I_exc_tau_exc = w->span_slope.Phi_V_I_exc_tau_exc[n];
        const double Phi_I_exc_I_exc_tau_exc = w->span_slope.Phi_I_exc_I_exc_tau_exc[n];
        const double Phi_V_I_inh_tau_inh = w->span_slope.Phi_V_I_inh_tau_inh[n];
        const double Phi_I_inh_I_inh_tau_inh = w->span_slope.Phi_I_inh_I_inh_tau_inh[n];
        double later_V, later_I_exc, later_I_inh, later_V__tau_mem, later_V__tau_exc, later_I_exc__tau_exc, later_V__tau_inh, later_I_inh__tau_inh;
        {
            const double V__tau_mem = z.V__tau_mem[n];
            const double V__tau_exc = z.V__tau_exc[n];
            const double I_exc__tau_exc = z.I_exc__tau_exc[n];
            const double V__tau_inh = z.V__tau_inh[n];
            const double I_inh__tau_inh = z.I_inh__tau_inh[n];
            double V__tau_mem_next, V__tau_exc_next, I_exc__tau_exc_next, V__tau_inh_next, I_inh__tau_inh_next;
            model_tangents(Phi_V_V, V__tau_mem, Phi_V_V_tau_mem, x.V[n], Phi_V_I_exc_tau_mem, x.I_exc[n], Phi_V_I_inh_tau_mem, x.I_inh[n], V__tau_exc, Phi_V_I_exc, I_exc__tau_exc, Phi_V_I_exc_tau_exc, Phi_I_exc_I_exc, Phi_I_exc_I_exc_tau_exc, V__tau_inh, Phi_V_I_inh, I_inh__tau_inh, Phi_V_I_inh_tau_inh, Phi_I_inh_I_inh, Phi_I_inh_I_inh_tau_inh, &V__tau_mem_next, &V__tau_exc_next, &I_exc__tau_exc_next, &V__tau_inh_next, &I_inh__tau_inh_next);
            double V_next, I_exc_next, I_inh_next;
            model_advance(x.V[n], x.I_exc[n], x.I_inh[n], Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, &V_next, &I_exc_next, &I_inh_next);
            later_V = V_next;
            later_I_exc = I_exc_next;
            later_I_inh = I_inh_next;
            later_V__tau_mem = V__tau_mem_next;
            later_V__tau_exc = V__tau_exc_next;
            later_I_exc__tau_exc = I_exc__tau_exc_next;
            later_V__tau_inh = V__tau_inh_next;
            later_I_inh__tau_inh = I_inh__tau_inh_next;
        }

        x.V[n] = later_V;
        x.I_exc[n] = later_I_exc;
        x.I_inh[n] = later_I_inh;
        z.V__tau_mem[n] = later_V__tau_mem;
        z.V__tau_exc[n] = later_V__tau_exc;
        z.I_exc__tau_exc[n] = later_I_exc__tau_exc;
        z.V__tau_inh[n] = later_V__tau_inh;
        z.I_inh__tau_inh[n] = later_I_inh__tau_inh;
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
            double *into_I_exc = w->x.I_exc + n + 8 * l;
            eight I_exc = *(const eight *)into_I_exc;
            double *into_I_inh = w->x.I_inh + n + 8 * l;
            eight I_inh = *(const eight *)into_I_inh;
            double *into_V__tau_mem = w->z.V__tau_mem + n + 8 * l;
            eight V__tau_mem = *(const eight *)into_V__tau_mem;
            double *into_V__tau_exc = w->z.V__tau_exc + n + 8 * l;
            eight V__tau_exc = *(const eight *)into_V__tau_exc;
            double *into_I_exc__tau_exc = w->z.I_exc__tau_exc + n + 8 * l;
            eight I_exc__tau_exc = *(const eight *)into_I_exc__tau_exc;
            double *into_V__tau_inh = w->z.V__tau_inh + n + 8 * l;
            eight V__tau_inh = *(const eight *)into_V__tau_inh;
            double *into_I_inh__tau_inh = w->z.I_inh__tau_inh + n + 8 * l;
            eight I_inh__tau_inh = *(const eight *)into_I_inh__tau_inh;
#pragma GCC unroll 32
            for (int k = 0; k < POSTS; k++) {
                V += sum[k][l] * *(const eight *)(post + (k * TARGETS + 0) * 8);
                I_exc += sum[k][l] * *(const eight *)(post + (k * TARGETS + 1) * 8);
                I_inh += sum[k][l] * *(const eight *)(post + (k * TARGETS + 2) * 8);
                V__tau_mem += sum[k][l] * *(const eight *)(post + (k * TARGETS + 3) * 8);
                V__tau_exc += sum[k][l] * *(const eight *)(post + (k * TARGETS + 4) * 8);
                I_exc__tau_exc += sum[k][l] * *(const eight *)(post + (k * TARGETS + 5) * 8);
                V__tau_inh += sum[k][l] * *(const eight *)(post + (k * TARGETS + 6) * 8);
                I_inh__tau_inh += sum[k][l] * *(const eight *)(post + (k * TARGETS + 7) * 8);
            }
            *(eight *)into_V = V;
            *(eight *)into_I_exc = I_exc;
            *(eight *)into_I_inh = I_inh;
            *(eight *)into_V__tau_mem = V__tau_mem;
            *(eight *)into_V__tau_exc = V__tau_exc;
            *(eight *)into_I_exc__tau_exc = I_exc__tau_exc;
            *(eight *)into_V__tau_inh = V__tau_inh;
            *(eight *)into_I_inh__tau_inh = I_inh__tau_inh;
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
            double *into_I_exc = w->x.I_exc + n + 8 * l;
            eight I_exc = *(const eight *)into_I_exc;
            double *into_I_inh = w->x.I_inh + n + 8 * l;
            eight I_inh = *(const eight *)into_I_inh;
            double *into_V__tau_mem = w->z.V__tau_mem + n + 8 * l;
            eight V__tau_mem = *(const eight *)into_V__tau_mem;
            double *into_V__tau_exc = w->z.V__tau_exc + n + 8 * l;
            eight V__tau_exc = *(const eight *)into_V__tau_exc;
            double *into_I_exc__tau_exc = w->z.I_exc__tau_exc + n + 8 * l;
            eight I_exc__tau_exc = *(const eight *)into_I_exc__tau_exc;
            double *into_V__tau_inh = w->z.V__tau_inh + n + 8 * l;
            eight V__tau_inh = *(const eight *)into_V__tau_inh;
            double *into_I_inh__tau_inh = w->z.I_inh__tau_inh + n + 8 * l;
            eight I_inh__tau_inh = *(const eight *)into_I_inh__tau_inh;
#pragma GCC unroll 32
            for (int k = 0; k < POSTS; k++) {
                V += sum[k][l] * *(const eight *)(post + (k * TARGETS + 0) * 8);
                I_exc += sum[k][l] * *(const eight *)(post + (k * TARGETS + 1) * 8);
                I_inh += sum[k][l] * *(const eight *)(post + (k * TARGETS + 2) * 8);
                V__tau_mem += sum[k][l] * *(const eight *)(post + (k * TARGETS + 3) * 8);
                V__tau_exc += sum[k][l] * *(const eight *)(post + (k * TARGETS + 4) * 8);
                I_exc__tau_exc += sum[k][l] * *(const eight *)(post + (k * TARGETS + 5) * 8);
                V__tau_inh += sum[k][l] * *(const eight *)(post + (k * TARGETS + 6) * 8);
                I_inh__tau_inh += sum[k][l] * *(const eight *)(post + (k * TARGETS + 7) * 8);
            }
            *(eight *)into_V = V;
            *(eight *)into_I_exc = I_exc;
            *(eight *)into_I_inh = I_inh;
            *(eight *)into_V__tau_mem = V__tau_mem;
            *(eight *)into_V__tau_exc = V__tau_exc;
            *(eight *)into_I_exc__tau_exc = I_exc__tau_exc;
            *(eight *)into_V__tau_inh = V__tau_inh;
            *(eight *)into_I_inh__tau_inh = I_inh__tau_inh;
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

/* Events and spikes in the order of time: after e events and i spikes, is a spike next? */
SALTUS_INLINE int spike_is_next(const saltus_spikes *out, int64_t base, int count, int e, int i)
{
    return i < count && out->after[base + i] == e;
}

/* Those who spike in a span, w->who, go through it alone, from event to event, and leave their states at its end in w->x_end and
 * w->z_end. */
static void trace_spiking(const saltus_group *g, const saltus_events *in, const saltus_spikes *out, const workspace *w,
                          int32_t sample, double now, double end, int many, int e, int last_event, int i, int last_spike)
{
    const int64_t first = in->start[sample], base = out->start[sample];
    const int wide = (many + LANES - 1) & ~(LANES - 1);
    workspace few = *w;
    few.x = w->x_end, few.z = w->z_end, few.p = w->p_few;
    for (int l = many; l < wide; l++) w->who[l] = w->who[0];
    for (int l = 0; l < wide; l++) {
        const int n = w->who[l];
        few.x.V[l] = w->x.V[n];
        few.x.I_exc[l] = w->x.I_exc[n];
        few.x.I_inh[l] = w->x.I_inh[n];
        few.z.V__tau_mem[l] = w->z.V__tau_mem[n];
        few.z.V__tau_exc[l] = w->z.V__tau_exc[n];
        few.z.I_exc__tau_exc[l] = w->z.I_exc__tau_exc[n];
        few.z.V__tau_inh[l] = w->z.V__tau_inh[n];
        few.z.I_inh__tau_inh[l] = w->z.I_inh__tau_inh[n];
        few.p.tau_mem[l] = w->p.tau_mem[n];
        few.p.tau_exc[l] = w->p.tau_exc[n];
        few.p.tau_inh[l] = w->p.tau_inh[n];
        few.p.theta[l] = w->p.theta[n];
        few.p.v_reset[l] = w->p.v_reset[n];
        few.p.V0[l] = w->p.V0[n];
        few.p.I_exc0[l] = w->p.I_exc0[n];
        few.p.I_inh0[l] = w->p.I_inh0[n];
        few.p.per_tau_mem[l] = w->p.per_tau_mem[n];
        few.p.per_tau_exc[l] = w->p.per_tau_exc[n];
        few.p.per_tau_inh[l] = w->p.per_tau_inh[n];
    }
    for (;;) {
        const int spike = spike_is_next(out, base, last_spike, e, i), event = !spike && e < last_event;
        const double next = spike ? out->time[base + i] : event ? in->time[first + e] : end;
        if (next > now) step_tangents_own(&few, own_propagators(w, next - now), 0, 0, wide);
        now = next;
        if (!spike && !event) return;
        const int32_t row = spike ? out->neuron[base + i] : in->row[first + e];
        if (spike) emit_tangents_at(out, base, i, &few, w->count[row]);
        i += spike, e += event;
        if (row < 0) continue;
        const double *weight = (spike ? g->recurrent : g->weights) + (int64_t)row * g->n_pad;
        for (int l = 0; l < wide; l++) w->from[l] = weight[w->who[l]];
        arrive_at(&few, spike ? g->recurrent_receptor : g->receptor[row], w->from, 0, wide);
    }
}

/* Everyone through the span [begin, end), from event *e and spike *i on. */
SALTUS_APART void trace_span(const saltus_group *g, const saltus_events *in, const saltus_spikes *out, const workspace *w,
                             int32_t sample, double begin, double end, int *e, int *i)
{
    const int64_t first = in->start[sample], base = out->start[sample];
    const int events = in->count[sample], spikes = out->count[sample];
    const double middle = 0.5 * (begin + end), per = 2.0 / (end - begin);
    int last_event = *e, last_spike = *i, many = 0;
    for (; last_spike < spikes && out->time[base + last_spike] < end; last_spike++) {
        const int32_t n = out->neuron[base + last_spike];
        if (w->latest[n] < *i) {
            w->count[n] = many;
            w->who[many++] = n;
        }
        w->latest[n] = last_spike;
    }
    while (last_event < events && in->time[first + last_event] < end) last_event++;
    if (many > 0) trace_spiking(g, in, out, w, sample, begin, end, many, *e, last_event, *i, last_spike);
    trace_quiet_span(g, w);
    batch b;
    b.many = b.sums = 0;
    for (int32_t receptor = 0; receptor < 2; receptor++) {
        for (int j = *i; j < last_spike && receptor == g->recurrent_receptor; j++)
            join_batch(g, w, receptor, g->recurrent + (int64_t)out->neuron[base + j] * g->n_pad, per * (out->time[base + j] - middle), &b);
        trace_input(g, in, w, receptor, first, *e, last_event, begin, end, &b);
    }
    for (int l = 0; l < many; l++) {
        w->x.V[w->who[l]] = w->x_end.V[l];
        w->x.I_exc[w->who[l]] = w->x_end.I_exc[l];
        w->x.I_inh[w->who[l]] = w->x_end.I_inh[l];
        w->z.V__tau_mem[w->who[l]] = w->z_end.V__tau_mem[l];
        w->z.V__tau_exc[w->who[l]] = w->z_end.V__tau_exc[l];
        w->z.I_exc__tau_exc[w->who[l]] = w->z_end.I_exc__tau_exc[l];
        w->z.V__tau_inh[w->who[l]] = w->z_end.V__tau_inh[l];
        w->z.I_inh__tau_inh[w->who[l]] = w->z_end.I_inh__tau_inh[l];
    }
    *e = last_event, *i = last_spike;
}

/* ---- What the weights of input gain, by spans (see there): dL/dw of an arrival is dL/dx at the end of its span times what a
 * unit arrival comes to there, and of this the posts know all. A neuron's spike within the span changes dL/dx of its own before
 * the spike: that reaches the arrivals before it by themselves. */

/* The arrivals of input in a span, by receptor, the last ones first: where their weights' gain goes, when they come, and after
 * how many events. */
typedef struct {
    int begin[3];
    double **into, *time;
    int32_t *event;
} gains;

/* At how many times input arrives. */
static int count_times(const saltus_events *in, int32_t sample)
{
    const double *restrict time = in->time + in->start[sample];
    int found = in->count[sample] > 0;
    for (int e = 1; e < in->count[sample]; e++) found += time[e] != time[e - 1];
    return found;
}

/* Whether all of a sample's spans have slots enough. */
static int slots_suffice(const saltus_events *in, int32_t sample, double span)
{
    const double *restrict time = in->time + in->start[sample];
    for (int e = 0; e + SLOTS < in->count[sample]; e++)
        if (time[e + SLOTS] - time[e] < span) return 0;
    return 1;
}

/* What the posts of all neurons gain, and of that the arrivals of a batch their shares. */
SALTUS_APART void gain_batch(const saltus_group *g, const workspace *w, int32_t receptor, batch *b, double *const *into)
{
    const int64_t pad = g->n_pad;
    const double *restrict posts = w->post + receptor * pad * TARGETS * POSTS;
    share_out(w, b);
    for (int64_t n = 0; n < pad; n += 8) {
        const double *restrict post = posts + n * TARGETS * POSTS;
        eight gain[POSTS];
        const eight costate_V = *(const eight *)(w->ahead.V + n);
        const eight costate_I_exc = *(const eight *)(w->ahead.I_exc + n);
        const eight costate_I_inh = *(const eight *)(w->ahead.I_inh + n);
#pragma GCC unroll 32
        for (int k = 0; k < POSTS; k++)
            gain[k] = costate_V * *(const eight *)(post + (k * TARGETS + 0) * 8) + costate_I_exc * *(const eight *)(post + (k * TARGETS + 1) * 8) + costate_I_inh * *(const eight *)(post + (k * TARGETS + 2) * 8);
        for (int j = 0; j < b->many; j++) {
            double *row = into[j] + n;
            eight sum = *(const eight *)row, odd = sum - sum;
#pragma GCC unroll 32
            for (int k = 0; k < POSTS; k += 2) sum += b->share[k][j] * gain[k];
#pragma GCC unroll 32
            for (int k = 1; k < POSTS; k += 2) odd += b->share[k][j] * gain[k];
            *(eight *)row = sum + odd;
        }
    }
}

/* What the arrivals of input in the span [begin, end) gain from the adjoints at its end: those of the events up to e, of which spikes
 * up to i come among. Returns how many events come before. */
static int gain_span(const saltus_group *g, const saltus_events *in, const saltus_spikes *out, workspace *w, int32_t sample,
                     double begin, double end, int e, int i, double *into, gains *all)
{
    const int64_t first = in->start[sample], base = out->start[sample];
    const double middle = 0.5 * (begin + end), per = 2.0 / (end - begin);
    const parameters_view p = w->p;
    int least = e, found = 0;
    while (least > 0 && in->time[first + least - 1] >= begin) least--;
    if (w->slots_used + e - least > SLOTS) add_slots(g, w, into);
    (void)p;
#pragma omp simd
    for (int n = 0; n < g->n_pad; n++) {
        double costate_V, costate_I_exc, costate_I_inh;
        model_costate(w->y.lambda_V[n], w->y.lambda_I_exc[n], w->y.lambda_I_inh[n], p.tau_mem[n], p.tau_exc[n], p.tau_inh[n], &costate_V, &costate_I_exc, &costate_I_inh);
        w->ahead.V[n] = costate_V;
        w->ahead.I_exc[n] = costate_I_exc;
        w->ahead.I_inh[n] = costate_I_inh;
    }
    for (int32_t receptor = 0; receptor < 2; receptor++) {
        batch b;
        b.many = 0;
        all->begin[receptor] = found;
        for (int j = e, spike = i, many; j > least; j -= many) {
            while (spike > 0 && out->after[base + spike - 1] >= j) spike--;
            const int earlier = spike > 0 ? out->after[base + spike - 1] : 0;
            many = together_before(g, in, first, j, earlier > least ? earlier : least);
            const int32_t *row = in->row + first + j - many;
            if (row[0] < 0 || g->receptor[row[0]] != receptor) continue;
            all->into[found] = many > 1 ? empty_slot(g, w, row, many, into) : into + (int64_t)row[0] * g->n_pad;
            all->time[found] = in->time[first + j - 1];
            all->event[found++] = j;
            b.at[b.many++] = per * (in->time[first + j - 1] - middle);
            if (b.many == BATCH) gain_batch(g, w, receptor, &b, all->into + found - b.many), b.many = 0;
        }
        if (b.many > 0) gain_batch(g, w, receptor, &b, all->into + found - b.many);
    }
    all->begin[2] = found;
    return least;
}

/* What they gain besides, where dL/dx of neuron n changes at a time; of the arrivals before so many events. */
static void gain_by_change(const workspace *w, const gains *all, int n, double time, int events, double costate_V, double costate_I_exc, double costate_I_inh)
{
    {
        int from = all->begin[0];
        const int to = all->begin[1];
        double unit_V = 0.0, unit_I_exc = 0.0, unit_I_inh = 0.0;
        switch (0) {
        case 0: { /* exc */
            double V_next, I_exc_next, I_inh_next;
            model_exc_jump(0.0, 0.0, 0.0, 1.0, &V_next, &I_exc_next, &I_inh_next);
            unit_I_exc = I_exc_next;
            break;
        }
        case 1: { /* inh */
            double V_next, I_exc_next, I_inh_next;
            model_inh_jump(0.0, 0.0, 0.0, 1.0, &V_next, &I_exc_next, &I_inh_next);
            unit_I_inh = I_inh_next;
            break;
        }
        default: break;
        }

        while (from < to && all->event[from] > events) from++;
        for (; from < to; from += LANES) {
            double gain[LANES];
#pragma omp simd
            for (int l = 0; l < LANES; l++) {
                const double dt = time - (from + l < to ? all->time[from + l] : time);
                double Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, Psi_I_exc_V, Psi_I_inh_V;
                model_propagator_near(15, dt, w->p.tau_mem[n], w->p.per_tau_mem[n], w->p.per_tau_exc[n], w->p.per_tau_inh[n], &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V);
                double still_V, still_I_exc, still_I_inh;
                {
                    double V_next, I_exc_next, I_inh_next;
                    model_advance(0.0, 0.0, 0.0, Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, &V_next, &I_exc_next, &I_inh_next);
                    still_V = V_next;
                    still_I_exc = I_exc_next;
                    still_I_inh = I_inh_next;
                }
                double V_next, I_exc_next, I_inh_next;
                model_advance(unit_V, unit_I_exc, unit_I_inh, Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, &V_next, &I_exc_next, &I_inh_next);
                (void)still_V, (void)still_I_exc, (void)still_I_inh;

                gain[l] = costate_V * (V_next - still_V) + costate_I_exc * (I_exc_next - still_I_exc) + costate_I_inh * (I_inh_next - still_I_inh);
            }
            for (int l = 0; l < LANES && from + l < to; l++) all->into[from + l][n] += gain[l];
        }
    }
    {
        int from = all->begin[1];
        const int to = all->begin[2];
        double unit_V = 0.0, unit_I_exc = 0.0, unit_I_inh = 0.0;
        switch (1) {
        case 0: { /* exc */
            double V_next, I_exc_next, I_inh_next;
            model_exc_jump(0.0, 0.0, 0.0, 1.0, &V_next, &I_exc_next, &I_inh_next);
            unit_I_exc = I_exc_next;
            break;
        }
        case 1: { /* inh */
            double V_next, I_exc_next, I_inh_next;
            model_inh_jump(0.0, 0.0, 0.0, 1.0, &V_next, &I_exc_next, &I_inh_next);
            unit_I_inh = I_inh_next;
            break;
        }
        default: break;
        }

        while (from < to && all->event[from] > events) from++;
        for (; from < to; from += LANES) {
            double gain[LANES];
#pragma omp simd
            for (int l = 0; l < LANES; l++) {
                const double dt = time - (from + l < to ? all->time[from + l] : time);
                double Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, Psi_I_exc_V, Psi_I_inh_V;
                model_propagator_near(15, dt, w->p.tau_mem[n], w->p.per_tau_mem[n], w->p.per_tau_exc[n], w->p.per_tau_inh[n], &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V);
                double still_V, still_I_exc, still_I_inh;
                {
                    double V_next, I_exc_next, I_inh_next;
                    model_advance(0.0, 0.0, 0.0, Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, &V_next, &I_exc_next, &I_inh_next);
                    still_V = V_next;
                    still_I_exc = I_exc_next;
                    still_I_inh = I_inh_next;
                }
                double V_next, I_exc_next, I_inh_next;
                model_advance(unit_V, unit_I_exc, unit_I_inh, Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, &V_next, &I_exc_next, &I_inh_next);
                (void)still_V, (void)still_I_exc, (void)still_I_inh;

                gain[l] = costate_V * (V_next - still_V) + costate_I_exc * (I_exc_next - still_I_exc) + costate_I_inh * (I_inh_next - still_I_inh);
            }
            for (int l = 0; l < LANES && from + l < to; l++) all->into[from + l][n] += gain[l];
        }
    }
}

/* Lengths of the stretches between events and spikes; stretch e + i begins after e events and i spikes. It ends at the next
 * event or spike, or, with to_spike, at the next spike. Returns the last one's number. */
static int merge(const saltus_group *g, const saltus_events *in, const saltus_spikes *out, const workspace *w,
                 int32_t sample, int to_spike)
{
    const int last = in->count[sample] + out->count[sample];
    const int64_t first = in->start[sample], base = out->start[sample];
    double end = g->horizon;
    for (int e = in->count[sample], i = out->count[sample];;) {
        const int spike = i > 0 && out->after[base + i - 1] == e;
        const double begin = spike ? out->time[base + i - 1] : e > 0 ? in->time[first + e - 1] : 0.0;
        w->dt[e + i] = end - begin;
        if (spike || !to_spike) end = begin;
        if (!spike && e == 0) return last;
        i -= spike;
        e -= !spike;
    }
}

/* What parameters of the flow do to one sample: the times of all spikes, in w->moved, and the states at the end. */
SALTUS_INLINE void trace_recurrent(const int shared, const saltus_group *g, const saltus_events *in, const saltus_spikes *out,
                                   const double *final, const gradients_view *total, workspace *w, int32_t sample)
{
    const int events = in->count[sample], count = out->count[sample];
    const int64_t first = in->start[sample], base = out->start[sample];
    const int last = merge(g, in, out, w, sample, 0);
    if (shared) propagate(w, last);
    if (shared) differentiate(w, last);
    begin_tangents(g, w);
    int e = 0, i = 0;
    const double span = shared ? 0.0 : fitting_span(g, w, events + count);
    if (span > 0.0) {
        for (int n = 0; n < g->n_pad; n++) w->latest[n] = -1;
        int s = 0;
        for (; (s + 1) * span <= g->horizon && (i < count || final != NULL); s++) trace_span(g, in, out, w, sample, s * span, (s + 1) * span, &e, &i);
        w->dt[e + i] = (spike_is_next(out, base, count, e, i) ? out->time[base + i] : e < events ? in->time[first + e] : g->horizon) - s * span;
    }
    while (i < count || final != NULL) {
        if (w->dt[e + i] > 0.0) step_tangents(shared, g, w, e + i);
        if (spike_is_next(out, base, count, e, i)) {
            emit_tangents(out, base, i, w);
            const int32_t n = out->neuron[base + i++];
            arrive_at(w, g->recurrent_receptor, g->recurrent + (int64_t)n * g->n_pad, 0, g->n_pad);
        } else if (e < events) {
            const int32_t row = in->row[first + e++];
            if (row >= 0) arrive_at(w, g->receptor[row], g->weights + (int64_t)row * g->n_pad, 0, g->n_pad);
        } else {
            break;
        }
    }
    if (final != NULL) end_tangents(g, w, final, total);
}

/* The adjoints of everyone at the start of an interval, from those at its end, the gradient of the weights that acted there
 * (receptor -1: of none), and the credit of their arrival, which is returned. */
SALTUS_INLINE double look_back_of(const int shared, const int terms, const saltus_group *g, const workspace *w,
                                  int32_t receptor, const double *restrict weight, double *restrict gradient, entries_view k)
{
    const adjoints_view y = w->y;
    const parameters_view p = w->p;
    double credits = 0.0;
    const double common_Phi_V_V = shared ? *k.Phi_V_V : 0.0;
    const double common_Phi_I_exc_I_exc = shared ? *k.Phi_I_exc_I_exc : 0.0;
    const double common_Phi_I_inh_I_inh = shared ? *k.Phi_I_inh_I_inh : 0.0;
    const double common_Psi_I_exc_V = shared ? *k.Psi_I_exc_V : 0.0;
    const double common_Psi_I_inh_V = shared ? *k.Psi_I_inh_V : 0.0;
    const double dt = k.dt;
    (void)dt;
    (void)p, (void)gradient, (void)weight;
    switch (receptor) {
    case 0: /* exc */
#pragma omp simd reduction(+ : credits)
        for (int n = 0; n < g->n_pad; n++) {
            double lambda_V = y.lambda_V[n], lambda_I_exc = y.lambda_I_exc[n], lambda_I_inh = y.lambda_I_inh[n];
            {
                double Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, Psi_I_exc_V, Psi_I_inh_V;
                if (shared) {
                    Phi_V_V = common_Phi_V_V;
                    Phi_I_exc_I_exc = common_Phi_I_exc_I_exc;
                    Phi_I_inh_I_inh = common_Phi_I_inh_I_inh;
                    Psi_I_exc_V = common_Psi_I_exc_V;
                    Psi_I_inh_V = common_Psi_I_inh_V;
                } else if (terms != 0) {
                    model_propagator_near(terms, dt, p.tau_mem[n], p.per_tau_mem[n], p.per_tau_exc[n], p.per_tau_inh[n], &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V);
                } else {
                    model_propagator(dt, p.tau_mem[n], p.per_tau_mem[n], p.per_tau_exc[n], p.per_tau_inh[n], &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V);
                }
                double lambda_V_next, lambda_I_exc_next, lambda_I_inh_next;
                model_adjoint(lambda_V, lambda_I_exc, lambda_I_inh, Phi_V_V, Phi_I_exc_I_exc, Phi_I_inh_I_inh, Psi_I_exc_V, Psi_I_inh_V, &lambda_V_next, &lambda_I_exc_next, &lambda_I_inh_next);
                lambda_V = lambda_V_next;
                y.lambda_V[n] = lambda_V_next;
                lambda_I_exc = lambda_I_exc_next;
                y.lambda_I_exc[n] = lambda_I_exc_next;
                lambda_I_inh = lambda_I_inh_next;
                y.lambda_I_inh[n] = lambda_I_inh_next;
            }
            double grad_w;
            model_exc_weight(lambda_I_exc, p.tau_exc[shared ? 0 : n], &grad_w);
            gradient[n] = gradient[n] + grad_w;
            double credit;
            model_exc_credit(lambda_V, lambda_I_exc, &credit);
            credits += weight[n] * credit;
        }
        break;
    case 1: /* inh */
#pragma omp simd reduction(+ : credits)
        for (int n = 0; n < g->n_pad; n++) {
            double lambda_V = y.lambda_V[n], lambda_I_exc = y.lambda_I_exc[n], lambda_I_inh = y.lambda_I_inh[n];
            {
                double Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, Psi_I_exc_V, Psi_I_inh_V;
                if (shared) {
                    Phi_V_V = common_Phi_V_V;
                    Phi_I_exc_I_exc = common_Phi_I_exc_I_exc;
                    Phi_I_inh_I_inh = common_Phi_I_inh_I_inh;
                    Psi_I_exc_V = common_Psi_I_exc_V;
                    Psi_I_inh_V = common_Psi_I_inh_V;
                } else if (terms != 0) {
                    model_propagator_near(terms, dt, p.tau_mem[n], p.per_tau_mem[n], p.per_tau_exc[n], p.per_tau_inh[n], &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V);
                } else {
                    model_propagator(dt, p.tau_mem[n], p.per_tau_mem[n], p.per_tau_exc[n], p.per_tau_inh[n], &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V);
                }
                double lambda_V_next, lambda_I_exc_next, lambda_I_inh_next;
                model_adjoint(lambda_V, lambda_I_exc, lambda_I_inh, Phi_V_V, Phi_I_exc_I_exc, Phi_I_inh_I_inh, Psi_I_exc_V, Psi_I_inh_V, &lambda_V_next, &lambda_I_exc_next, &lambda_I_inh_next);
                lambda_V = lambda_V_next;
                y.lambda_V[n] = lambda_V_next;
                lambda_I_exc = lambda_I_exc_next;
                y.lambda_I_exc[n] = lambda_I_exc_next;
                lambda_I_inh = lambda_I_inh_next;
                y.lambda_I_inh[n] = lambda_I_inh_next;
            }
            double grad_w;
            model_inh_weight(lambda_I_inh, p.tau_inh[shared ? 0 : n], &grad_w);
            gradient[n] = gradient[n] + grad_w;
            double credit;
            model_inh_credit(lambda_V, lambda_I_inh, &credit);
            credits += weight[n] * credit;
        }
        break;
    default:
#pragma omp simd
        for (int n = 0; n < g->n_pad; n++) {
            double lambda_V = y.lambda_V[n], lambda_I_exc = y.lambda_I_exc[n], lambda_I_inh = y.lambda_I_inh[n];
            {
                double Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, Psi_I_exc_V, Psi_I_inh_V;
                if (shared) {
                    Phi_V_V = common_Phi_V_V;
                    Phi_I_exc_I_exc = common_Phi_I_exc_I_exc;
                    Phi_I_inh_I_inh = common_Phi_I_inh_I_inh;
                    Psi_I_exc_V = common_Psi_I_exc_V;
                    Psi_I_inh_V = common_Psi_I_inh_V;
                } else if (terms != 0) {
                    model_propagator_near(terms, dt, p.tau_mem[n], p.per_tau_mem[n], p.per_tau_exc[n], p.per_tau_inh[n], &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V);
                } else {
                    model_propagator(dt, p.tau_mem[n], p.per_tau_mem[n], p.per_tau_exc[n], p.per_tau_inh[n], &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V);
                }
                double lambda_V_next, lambda_I_exc_next, lambda_I_inh_next;
                model_adjoint(lambda_V, lambda_I_exc, lambda_I_inh, Phi_V_V, Phi_I_exc_I_exc, Phi_I_inh_I_inh, Psi_I_exc_V, Psi_I_inh_V, &lambda_V_next, &lambda_I_exc_next, &lambda_I_inh_next);
                lambda_V = lambda_V_next;
                y.lambda_V[n] = lambda_V_next;
                lambda_I_exc = lambda_I_exc_next;
                y.lambda_I_exc[n] = lambda_I_exc_next;
                lambda_I_inh = lambda_I_inh_next;
                y.lambda_I_inh[n] = lambda_I_inh_next;
            }
        }
        break;
    }
    return credits;
}

SALTUS_APART double look_back_shared(const saltus_group *g, const workspace *w, int32_t receptor,
                                     const double *restrict weight, double *restrict gradient, entries_view k)
{
    return look_back_of(1, 0, g, w, receptor, weight, gradient, k);
}

SALTUS_APART double look_back_6(const saltus_group *g, const workspace *w, int32_t receptor, const double *restrict weight, double *restrict gradient, entries_view k)
{
    return look_back_of(0, 6, g, w, receptor, weight, gradient, k);
}

SALTUS_APART double look_back_8(const saltus_group *g, const workspace *w, int32_t receptor, const double *restrict weight, double *restrict gradient, entries_view k)
{
    return look_back_of(0, 8, g, w, receptor, weight, gradient, k);
}

SALTUS_APART double look_back_12(const saltus_group *g, const workspace *w, int32_t receptor, const double *restrict weight, double *restrict gradient, entries_view k)
{
    return look_back_of(0, 12, g, w, receptor, weight, gradient, k);
}

SALTUS_APART double look_back_15(const saltus_group *g, const workspace *w, int32_t receptor, const double *restrict weight, double *restrict gradient, entries_view k)
{
    return look_back_of(0, 15, g, w, receptor, weight, gradient, k);
}

SALTUS_APART double look_back_0(const saltus_group *g, const workspace *w, int32_t receptor, const double *restrict weight, double *restrict gradient, entries_view k)
{
    return look_back_of(0, 0, g, w, receptor, weight, gradient, k);
}

SALTUS_INLINE double look_back_own(const saltus_group *g, const workspace *w, int32_t receptor, const double *restrict weight, double *restrict gradient, entries_view k)
{
    switch (k.terms) {
    case 6: return look_back_6(g, w, receptor, weight, gradient, k);
    case 8: return look_back_8(g, w, receptor, weight, gradient, k);
    case 12: return look_back_12(g, w, receptor, weight, gradient, k);
    case 15: return look_back_15(g, w, receptor, weight, gradient, k);
    default: return look_back_0(g, w, receptor, weight, gradient, k);
    }
}

/* What the weights of an arrival gain, from the adjoints a stretch later; added to the gradient, or written over it. */
SALTUS_INLINE void gain_of(const int shared, const int terms, const int adds, const saltus_group *g, const workspace *w,
                                   int32_t receptor, double *restrict gradient, entries_view k)
{
    const adjoints_view y = w->y;
    const parameters_view p = w->p;
    const double common_Phi_V_V = shared ? *k.Phi_V_V : 0.0;
    const double common_Phi_I_exc_I_exc = shared ? *k.Phi_I_exc_I_exc : 0.0;
    const double common_Phi_I_inh_I_inh = shared ? *k.Phi_I_inh_I_inh : 0.0;
    const double common_Psi_I_exc_V = shared ? *k.Psi_I_exc_V : 0.0;
    const double common_Psi_I_inh_V = shared ? *k.Psi_I_inh_V : 0.0;
    const double dt = k.dt;
    (void)dt;
    (void)p;
    switch (receptor) {
    case 0: /* exc */
        if (shared) {
            double of_lambda_V, of_lambda_I_exc, of_lambda_I_inh;
            {
                const double unit_lambda_V = 1.0, unit_lambda_I_exc = 0.0, unit_lambda_I_inh = 0.0;
                (void)unit_lambda_V, (void)unit_lambda_I_exc, (void)unit_lambda_I_inh;
                double lambda_V_next, lambda_I_exc_next, lambda_I_inh_next;
                model_adjoint(unit_lambda_V, unit_lambda_I_exc, unit_lambda_I_inh, common_Phi_V_V, common_Phi_I_exc_I_exc, common_Phi_I_inh_I_inh, common_Psi_I_exc_V, common_Psi_I_inh_V, &lambda_V_next, &lambda_I_exc_next, &lambda_I_inh_next);
                double grad_w;
                model_exc_weight(lambda_I_exc_next, p.tau_exc[0], &grad_w);
                of_lambda_V = grad_w;
            }
            {
                const double unit_lambda_V = 0.0, unit_lambda_I_exc = 1.0, unit_lambda_I_inh = 0.0;
                (void)unit_lambda_V, (void)unit_lambda_I_exc, (void)unit_lambda_I_inh;
                double lambda_V_next, lambda_I_exc_next, lambda_I_inh_next;
                model_adjoint(unit_lambda_V, unit_lambda_I_exc, unit_lambda_I_inh, common_Phi_V_V, common_Phi_I_exc_I_exc, common_Phi_I_inh_I_inh, common_Psi_I_exc_V, common_Psi_I_inh_V, &lambda_V_next, &lambda_I_exc_next, &lambda_I_inh_next);
                double grad_w;
                model_exc_weight(lambda_I_exc_next, p.tau_exc[0], &grad_w);
                of_lambda_I_exc = grad_w;
            }
            {
                const double unit_lambda_V = 0.0, unit_lambda_I_exc = 0.0, unit_lambda_I_inh = 1.0;
                (void)unit_lambda_V, (void)unit_lambda_I_exc, (void)unit_lambda_I_inh;
                double lambda_V_next, lambda_I_exc_next, lambda_I_inh_next;
                model_adjoint(unit_lambda_V, unit_lambda_I_exc, unit_lambda_I_inh, common_Phi_V_V, common_Phi_I_exc_I_exc, common_Phi_I_inh_I_inh, common_Psi_I_exc_V, common_Psi_I_inh_V, &lambda_V_next, &lambda_I_exc_next, &lambda_I_inh_next);
                double grad_w;
                model_exc_weight(lambda_I_exc_next, p.tau_exc[0], &grad_w);
                of_lambda_I_inh = grad_w;
            }
#pragma omp simd
            for (int n = 0; n < g->n_pad; n++)
                gradient[n] = (adds ? gradient[n] : 0.0) + of_lambda_V * y.lambda_V[n] + of_lambda_I_exc * y.lambda_I_exc[n] + of_lambda_I_inh * y.lambda_I_inh[n];
            break;
        }
#pragma omp simd
        for (int n = 0; n < g->n_pad; n++) {
            double lambda_V = y.lambda_V[n], lambda_I_exc = y.lambda_I_exc[n], lambda_I_inh = y.lambda_I_inh[n];
            {
                double Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, Psi_I_exc_V, Psi_I_inh_V;
                if (shared) {
                    Phi_V_V = common_Phi_V_V;
                    Phi_I_exc_I_exc = common_Phi_I_exc_I_exc;
                    Phi_I_inh_I_inh = common_Phi_I_inh_I_inh;
                    Psi_I_exc_V = common_Psi_I_exc_V;
                    Psi_I_inh_V = common_Psi_I_inh_V;
                } else if (terms != 0) {
                    model_propagator_near(terms, dt, p.tau_mem[n], p.per_tau_mem[n], p.per_tau_exc[n], p.per_tau_inh[n], &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V);
                } else {
                    model_propagator(dt, p.tau_mem[n], p.per_tau_mem[n], p.per_tau_exc[n], p.per_tau_inh[n], &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V);
                }
                double lambda_V_next, lambda_I_exc_next, lambda_I_inh_next;
                model_adjoint(lambda_V, lambda_I_exc, lambda_I_inh, Phi_V_V, Phi_I_exc_I_exc, Phi_I_inh_I_inh, Psi_I_exc_V, Psi_I_inh_V, &lambda_V_next, &lambda_I_exc_next, &lambda_I_inh_next);
                lambda_V = lambda_V_next;
                lambda_I_exc = lambda_I_exc_next;
                lambda_I_inh = lambda_I_inh_next;
            }
            double grad_w;
            model_exc_weight(lambda_I_exc, p.tau_exc[shared ? 0 : n], &grad_w);
            gradient[n] = (adds ? gradient[n] : 0.0) + grad_w;
        }
        break;
    case 1: /* inh */
        if (shared) {
            double of_lambda_V, of_lambda_I_exc, of_lambda_I_inh;
            {
                const double unit_lambda_V = 1.0, unit_lambda_I_exc = 0.0, unit_lambda_I_inh = 0.0;
                (void)unit_lambda_V, (void)unit_lambda_I_exc, (void)unit_lambda_I_inh;
                double lambda_V_next, lambda_I_exc_next, lambda_I_inh_next;
                model_adjoint(unit_lambda_V, unit_lambda_I_exc, unit_lambda_I_inh, common_Phi_V_V, common_Phi_I_exc_I_exc, common_Phi_I_inh_I_inh, common_Psi_I_exc_V, common_Psi_I_inh_V, &lambda_V_next, &lambda_I_exc_next, &lambda_I_inh_next);
                double grad_w;
                model_inh_weight(lambda_I_inh_next, p.tau_inh[0], &grad_w);
                of_lambda_V = grad_w;
            }
            {
                const double unit_lambda_V = 0.0, unit_lambda_I_exc = 1.0, unit_lambda_I_inh = 0.0;
                (void)unit_lambda_V, (void)unit_lambda_I_exc, (void)unit_lambda_I_inh;
                double lambda_V_next, lambda_I_exc_next, lambda_I_inh_next;
                model_adjoint(unit_lambda_V, unit_lambda_I_exc, unit_lambda_I_inh, common_Phi_V_V, common_Phi_I_exc_I_exc, common_Phi_I_inh_I_inh, common_Psi_I_exc_V, common_Psi_I_inh_V, &lambda_V_next, &lambda_I_exc_next, &lambda_I_inh_next);
                double grad_w;
                model_inh_weight(lambda_I_inh_next, p.tau_inh[0], &grad_w);
                of_lambda_I_exc = grad_w;
            }
            {
                const double unit_lambda_V = 0.0, unit_lambda_I_exc = 0.0, unit_lambda_I_inh = 1.0;
                (void)unit_lambda_V, (void)unit_lambda_I_exc, (void)unit_lambda_I_inh;
                double lambda_V_next, lambda_I_exc_next, lambda_I_inh_next;
                model_adjoint(unit_lambda_V, unit_lambda_I_exc, unit_lambda_I_inh, common_Phi_V_V, common_Phi_I_exc_I_exc, common_Phi_I_inh_I_inh, common_Psi_I_exc_V, common_Psi_I_inh_V, &lambda_V_next, &lambda_I_exc_next, &lambda_I_inh_next);
                double grad_w;
                model_inh_weight(lambda_I_inh_next, p.tau_inh[0], &grad_w);
                of_lambda_I_inh = grad_w;
            }
#pragma omp simd
            for (int n = 0; n < g->n_pad; n++)
                gradient[n] = (adds ? gradient[n] : 0.0) + of_lambda_V * y.lambda_V[n] + of_lambda_I_exc * y.lambda_I_exc[n] + of_lambda_I_inh * y.lambda_I_inh[n];
            break;
        }
#pragma omp simd
        for (int n = 0; n < g->n_pad; n++) {
            double lambda_V = y.lambda_V[n], lambda_I_exc = y.lambda_I_exc[n], lambda_I_inh = y.lambda_I_inh[n];
            {
                double Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, Psi_I_exc_V, Psi_I_inh_V;
                if (shared) {
                    Phi_V_V = common_Phi_V_V;
                    Phi_I_exc_I_exc = common_Phi_I_exc_I_exc;
                    Phi_I_inh_I_inh = common_Phi_I_inh_I_inh;
                    Psi_I_exc_V = common_Psi_I_exc_V;
                    Psi_I_inh_V = common_Psi_I_inh_V;
                } else if (terms != 0) {
                    model_propagator_near(terms, dt, p.tau_mem[n], p.per_tau_mem[n], p.per_tau_exc[n], p.per_tau_inh[n], &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V);
                } else {
                    model_propagator(dt, p.tau_mem[n], p.per_tau_mem[n], p.per_tau_exc[n], p.per_tau_inh[n], &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V);
                }
                double lambda_V_next, lambda_I_exc_next, lambda_I_inh_next;
                model_adjoint(lambda_V, lambda_I_exc, lambda_I_inh, Phi_V_V, Phi_I_exc_I_exc, Phi_I_inh_I_inh, Psi_I_exc_V, Psi_I_inh_V, &lambda_V_next, &lambda_I_exc_next, &lambda_I_inh_next);
                lambda_V = lambda_V_next;
                lambda_I_exc = lambda_I_exc_next;
                lambda_I_inh = lambda_I_inh_next;
            }
            double grad_w;
            model_inh_weight(lambda_I_inh, p.tau_inh[shared ? 0 : n], &grad_w);
            gradient[n] = (adds ? gradient[n] : 0.0) + grad_w;
        }
        break;
    default: break;
    }
}

SALTUS_INLINE void gain_earlier_of(const int shared, const int terms, const saltus_group *g, const workspace *w, int32_t receptor,
                               double *restrict gradient, entries_view k)
{
    gain_of(shared, terms, 1, g, w, receptor, gradient, k);
}

SALTUS_APART void gain_earlier_shared(const saltus_group *g, const workspace *w, int32_t receptor, double *restrict gradient,
                                      entries_view k)
{
    gain_earlier_of(1, 0, g, w, receptor, gradient, k);
}

SALTUS_APART void gain_earlier_6(const saltus_group *g, const workspace *w, int32_t receptor, double *restrict gradient, entries_view k)
{
    gain_earlier_of(0, 6, g, w, receptor, gradient, k);
}

SALTUS_APART void gain_earlier_8(const saltus_group *g, const workspace *w, int32_t receptor, double *restrict gradient, entries_view k)
{
    gain_earlier_of(0, 8, g, w, receptor, gradient, k);
}

SALTUS_APART void gain_earlier_12(const saltus_group *g, const workspace *w, int32_t receptor, double *restrict gradient, entries_view k)
{
    gain_earlier_of(0, 12, g, w, receptor, gradient, k);
}

SALTUS_APART void gain_earlier_15(const saltus_group *g, const workspace *w, int32_t receptor, double *restrict gradient, entries_view k)
{
    gain_earlier_of(0, 15, g, w, receptor, gradient, k);
}

SALTUS_APART void gain_earlier_0(const saltus_group *g, const workspace *w, int32_t receptor, double *restrict gradient, entries_view k)
{
    gain_earlier_of(0, 0, g, w, receptor, gradient, k);
}

SALTUS_INLINE void gain_earlier_own(const saltus_group *g, const workspace *w, int32_t receptor, double *restrict gradient, entries_view k)
{
    switch (k.terms) {
    case 6: gain_earlier_6(g, w, receptor, gradient, k); break;
    case 8: gain_earlier_8(g, w, receptor, gradient, k); break;
    case 12: gain_earlier_12(g, w, receptor, gradient, k); break;
    case 15: gain_earlier_15(g, w, receptor, gradient, k); break;
    default: gain_earlier_0(g, w, receptor, gradient, k);
    }
}

SALTUS_INLINE void gain_slot_of(const int shared, const int terms, const saltus_group *g, const workspace *w, int32_t receptor,
                               double *restrict gradient, entries_view k)
{
    gain_of(shared, terms, 0, g, w, receptor, gradient, k);
}

SALTUS_APART void gain_slot_shared(const saltus_group *g, const workspace *w, int32_t receptor, double *restrict gradient,
                                      entries_view k)
{
    gain_slot_of(1, 0, g, w, receptor, gradient, k);
}

SALTUS_APART void gain_slot_6(const saltus_group *g, const workspace *w, int32_t receptor, double *restrict gradient, entries_view k)
{
    gain_slot_of(0, 6, g, w, receptor, gradient, k);
}

SALTUS_APART void gain_slot_8(const saltus_group *g, const workspace *w, int32_t receptor, double *restrict gradient, entries_view k)
{
    gain_slot_of(0, 8, g, w, receptor, gradient, k);
}

SALTUS_APART void gain_slot_12(const saltus_group *g, const workspace *w, int32_t receptor, double *restrict gradient, entries_view k)
{
    gain_slot_of(0, 12, g, w, receptor, gradient, k);
}

SALTUS_APART void gain_slot_15(const saltus_group *g, const workspace *w, int32_t receptor, double *restrict gradient, entries_view k)
{
    gain_slot_of(0, 15, g, w, receptor, gradient, k);
}

SALTUS_APART void gain_slot_0(const saltus_group *g, const workspace *w, int32_t receptor, double *restrict gradient, entries_view k)
{
    gain_slot_of(0, 0, g, w, receptor, gradient, k);
}

SALTUS_INLINE void gain_slot_own(const saltus_group *g, const workspace *w, int32_t receptor, double *restrict gradient, entries_view k)
{
    switch (k.terms) {
    case 6: gain_slot_6(g, w, receptor, gradient, k); break;
    case 8: gain_slot_8(g, w, receptor, gradient, k); break;
    case 12: gain_slot_12(g, w, receptor, gradient, k); break;
    case 15: gain_slot_15(g, w, receptor, gradient, k); break;
    default: gain_slot_0(g, w, receptor, gradient, k);
    }
}

/* One sample backward. */
SALTUS_INLINE void backward_recurrent(const int shared, const saltus_group *g, const saltus_events *in,
                                      const saltus_spikes *out, const saltus_cotangent *cotangent,
                                      const saltus_gradient *gradient, double *record, workspace *w, int32_t chunk,
                                      int32_t sample)
{
    const int pad = g->n_pad, parameters = (gradient->want & WANT_PARAMETERS) != 0;
    const int weights = (gradient->want & WANT_WEIGHTS) != 0, times = (gradient->want & WANT_TIMES) != 0;
    const int64_t first = in->start[sample], base = out->start[sample], total_spikes = g->batch * out->capacity;
    const gradients_view total = parameters ? parameter_gradients(g, gradient, chunk) : (gradients_view){0};
    double *into = gradient->weights + (int64_t)chunk * g->rows * pad;
    double *into_delays = gradient->want & WANT_DELAYS ? gradient->delays + (int64_t)chunk * g->rows * pad : NULL;
    double *into_recurrent = gradient->recurrent + (int64_t)chunk * g->n * pad;
    /* where nothing but weights gain at an arrival, the adjoints stay at the last spike */
    const int stay = !ARRIVALS_CHANGE_ADJOINTS && !times && into_delays == NULL && record == NULL;
    const double *final = cotangent->final == NULL ? NULL : cotangent->final + (int64_t)sample * STATES * pad;
    const int moving = (gradient->want & WANT_FLOW) != 0;
    if (moving) trace_recurrent(shared, g, in, out, final, &total, w, sample);
    const int last = merge(g, in, out, w, sample, stay);
    if (shared) propagate(w, last);
    begin_adjoint(g, w, final);
    const double fitting = shared || !stay || !weights ? 0.0 : fitting_span(g, w, count_times(in, sample));
    const double span = fitting > 0.0 && slots_suffice(in, sample, fitting) ? fitting : 0.0;
    int left = span > 0.0 ? (int)(g->horizon / span) : 0; /* spans */
    double at = g->horizon; /* where the adjoints are */
    gains all = {.begin = {0}, .into = w->into, .time = w->arrived, .event = w->arrival};
    for (int e = in->count[sample], i = out->count[sample];;) {
        const int spike = i > 0 && out->after[base + i - 1] >= e; /* > where the input of its span has been */
        const double next = spike ? out->time[base + i - 1] : e > 0 ? in->time[first + e - 1] : 0.0;
        if (left > 0 && next < left * span && (spike || e > 0 || parameters)) {
            look_back_own(g, w, -1, NULL, NULL, own_propagators(w, at - left * span));
            at = left * span;
            left--;
            e = gain_span(g, in, out, w, sample, left * span, at, e, i, into, &all);
            continue;
        }
        const int many = spike || e == 0 || record != NULL ? 1 : together_before(g, in, first, e, i > 0 ? out->after[base + i - 1] : 0);
        const int32_t *row = spike ? out->neuron + base + i - 1 : in->row + first + e - many;
        const int32_t receptor = !spike && (e == 0 || row[0] < 0) ? -1 : spike ? g->recurrent_receptor : g->receptor[row[0]];
        const entries_view k = span > 0.0 ? own_propagators(w, at - next) : stretch(shared, g, w, e + i);
        if (stay && !spike && e > 0) {
            if (weights && receptor >= 0) {
                double *target = many > 1 ? new_slot(g, w, row, many, into) : into + (int64_t)row[0] * pad;
                if (shared && many > 1)
                    gain_slot_shared(g, w, receptor, target, k);
                else if (shared)
                    gain_earlier_shared(g, w, receptor, target, k);
                else if (many > 1)
                    gain_slot_own(g, w, receptor, target, k);
                else
                    gain_earlier_own(g, w, receptor, target, k);
            }
            e -= many;
            continue;
        }
        if (stay && !spike && !parameters) break; /* nobody asks for the adjoints at t = 0 */
        double *target = w->sum; /* where nobody asks for the weights' gradient */
        if (weights && receptor >= 0)
            target = spike      ? into_recurrent + (int64_t)row[0] * pad
                     : many > 1 ? empty_slot(g, w, row, many, into)
                                : into + (int64_t)row[0] * pad;
        const double *weight = receptor < 0 ? NULL : (spike ? g->recurrent : g->weights) + (int64_t)row[0] * pad;
        double credits = shared ? look_back_shared(g, w, receptor, weight, target, k)
                                : look_back_own(g, w, receptor, weight, target, k);
        if (spike) { /* first its arrivals, everywhere at once; then the spike itself */
            const int n = row[0];
            double costate_V, costate_I_exc, costate_I_inh;
            model_costate(w->y.lambda_V[n], w->y.lambda_I_exc[n], w->y.lambda_I_inh[n], w->p.tau_mem[n], w->p.tau_exc[n], w->p.tau_inh[n], &costate_V, &costate_I_exc, &costate_I_inh);
            const double later_V = costate_V;
            const double later_I_exc = costate_I_exc;
            const double later_I_inh = costate_I_inh;
            if (ARRIVALS_CHANGE_ADJOINTS) credits = depart(g, w, receptor, weight);
            {
                double sensitivity, lambda_V_next, lambda_I_exc_next, lambda_I_inh_next;
                model_emission_adjoint(out->state[0 * total_spikes + base + i - 1], out->state[1 * total_spikes + base + i - 1], out->state[2 * total_spikes + base + i - 1], w->y.lambda_V[n], w->y.lambda_I_exc[n], w->y.lambda_I_inh[n], cotangent->time[base + i - 1] + credits, w->p.v_reset[n], &sensitivity, &lambda_V_next, &lambda_I_exc_next, &lambda_I_inh_next);
                if (moving) total.tau_mem[n] += sensitivity * w->moved.tau_mem[i - 1];
                if (moving) total.tau_exc[n] += sensitivity * w->moved.tau_exc[i - 1];
                if (moving) total.tau_inh[n] += sensitivity * w->moved.tau_inh[i - 1];
                if (parameters) {
                    double grad_theta, grad_v_reset;
                    model_emission_parameters(out->state[0 * total_spikes + base + i - 1], out->state[1 * total_spikes + base + i - 1], out->state[2 * total_spikes + base + i - 1], w->y.lambda_V[n], sensitivity, w->p.tau_mem[n], &grad_theta, &grad_v_reset);
                    total.theta[n] += grad_theta;
                    total.v_reset[n] += grad_v_reset;
                }
                w->y.lambda_V[n] = lambda_V_next;
            }
            if (span > 0.0) {
                at = next;
                model_costate(w->y.lambda_V[n], w->y.lambda_I_exc[n], w->y.lambda_I_inh[n], w->p.tau_mem[n], w->p.tau_exc[n], w->p.tau_inh[n], &costate_V, &costate_I_exc, &costate_I_inh);
                gain_by_change(w, &all, n, at, out->after[base + i - 1], costate_V - later_V, costate_I_exc - later_I_exc, costate_I_inh - later_I_inh);
            }
            i--;
            continue;
        }
        if (e == 0) break;
        if (record != NULL) {
            double *const rows[] = { w->y.lambda_V, w->y.lambda_I_exc, w->y.lambda_I_inh };
            write_record(g, record, first + e - 1, rows);
        }
        for (int j = 0; j < many; j++, e--) {
            if (into_delays != NULL && receptor >= 0)
                gain_delays(g, w, receptor, g->weights + (int64_t)row[many - 1 - j] * pad,
                            into_delays + (int64_t)row[many - 1 - j] * pad);
            if (receptor >= 0 && (ARRIVALS_CHANGE_ADJOINTS || (times && many > 1)))
                credits = depart(g, w, receptor, g->weights + (int64_t)row[many - 1 - j] * pad);
            if (times) gradient->event_time[first + e - 1] = credits;
        }
    }
    if (weights) add_slots(g, w, into);
    if (parameters) end_adjoint(g, w, &total);
}

/* ---- Without recurrence, neurons meet only at incoming events, and these are known: an interval between two of them
 * is one pass over all neurons, and a few searches for those that may cross. */


/* The place of each of the fresh spikes in their order by time, then by neuron. */
static const int64_t *sort_spikes(const workspace *w, int count)
{
    double *restrict time = w->fresh.time;
    int64_t *restrict before = w->before;
    const int32_t *restrict neuron = w->fresh_neuron;
    int32_t *rank = w->order, *spare = w->order + count;
    if (count <= 256) { /* by counting the earlier ones: no branches to mispredict */
        int64_t all = 0;
        for (int i = count; i % LANES != 0; i++) time[i] = INFINITY;
        for (int block = 0; block < count; block += LANES) {
            int64_t earlier[LANES] = {0};
#pragma GCC unroll 4
            for (int j = 0; j < count; j++) {
                const double t = time[j];
#pragma omp simd
                for (int l = 0; l < LANES; l++) earlier[l] = t < time[block + l] ? earlier[l] + 1 : earlier[l];
            }
            for (int l = 0; l < LANES; l++) before[block + l] = earlier[l];
        }
        for (int i = 0; i < count; i++) all += before[i];
        if (2 * all == (int64_t)count * (count - 1)) return before;
        for (int i = 0; i < count; i++) /* some at one time: by neuron */
            for (int j = 0; j < count; j++) before[i] += time[j] == time[i] && (neuron[j] < neuron[i] || (neuron[j] == neuron[i] && j < i));
        return before;
    }
    for (int i = 0; i < count; i++) rank[i] = i;
    for (int width = 1; width < count; width *= 2) { /* bottom-up merge sort */
        for (int left = 0; left < count; left += 2 * width) {
            const int middle = left + width < count ? left + width : count;
            const int right = left + 2 * width < count ? left + 2 * width : count;
            for (int a = left, b = middle, k = left; k < right; k++) {
                const int take_b = a == middle || (b < right && (time[rank[b]] < time[rank[a]] ||
                                                                 (time[rank[b]] == time[rank[a]] && neuron[rank[b]] < neuron[rank[a]])));
                spare[k] = take_b ? rank[b++] : rank[a++];
            }
        }
        int32_t *swap = rank;
        rank = spare, spare = swap;
    }
    for (int i = 0; i < count; i++) before[rank[i]] = i;
    return before;
}

/* The fresh spikes of an interval into the slab, sorted by time, then by neuron. */
static void put_spikes(const saltus_group *g, saltus_spikes *out, int64_t place, int count, int after, const workspace *w)
{
    const int64_t total = g->batch * out->capacity;
    const int64_t *restrict before = sort_spikes(w, count);
    for (int i = 0; i < count; i++) {
        const int64_t into = place + before[i];
        out->time[into] = w->fresh.time[i];
        out->neuron[into] = w->fresh_neuron[i];
        out->slope[into] = w->fresh.slope[i];
        out->state[0 * total + into] = w->fresh.V[i];
        out->state[1 * total + into] = w->fresh.I_exc[i];
        out->state[2 * total + into] = w->fresh.I_inh[i];
    }
    for (int i = 0; i < count; i++) out->after[place + i] = after;
    (void)total;
}

/* Lists those of the seekers (seek NULL: of all that are queued) who have not spiked often enough. Returns their number. */
static int list_pending(const saltus_group *g, const workspace *w, int seekers, const int32_t *seek)
{
    int kept = 0;
    for (int s = 0; s < seekers; s++) {
        const int32_t i = seek == NULL ? s : seek[s];
        w->seek[kept] = i;
        kept += w->count[w->who[i]] < g->max_spikes;
    }
    return kept;
}

/* What a search reads of the queued, where they do not share it. */
SALTUS_INLINE void queue_own(const workspace *w, int queued)
{
    if (w->alike) return;
    for (int i = 0; i < queued; i++) w->asked.tau_mem[i] = w->p.tau_mem[w->who[i]];
    for (int i = 0; i < queued; i++) w->asked.tau_exc[i] = w->p.tau_exc[w->who[i]];
    for (int i = 0; i < queued; i++) w->asked.tau_inh[i] = w->p.tau_inh[w->who[i]];
    for (int i = 0; i < queued; i++) w->asked.theta[i] = w->p.theta[w->who[i]];
    for (int i = 0; i < queued; i++) w->asked.v_reset[i] = w->p.v_reset[w->who[i]];
    for (int i = 0; i < queued; i++) w->asked.per_tau_mem[i] = w->p.per_tau_mem[w->who[i]];
    for (int i = 0; i < queued; i++) w->asked.per_tau_exc[i] = w->p.per_tau_exc[w->who[i]];
    for (int i = 0; i < queued; i++) w->asked.per_tau_inh[i] = w->p.per_tau_inh[w->who[i]];
    (void)queued;
}

/* Queues the flagged with their states, now and at the end of the interval, and what a search reads. Returns how many they are. */
static int queue_all(const saltus_group *g, const workspace *w)
{
#ifdef __AVX512VL__
    int queued = 0;
    for (int n = 0; n < g->n_pad; n += LANES) {
        const int there = g->n - n < LANES ? (1 << (g->n - n)) - 1 : (1 << LANES) - 1; /* the padding is nobody */
        const __mmask8 these = (__mmask8)(flagged(w->flag + n) & there);
        if (these == 0) continue;
        pack(w->queue.V + queued, these, w->x.V + n);
        pack(w->ahead.V + queued, these, w->x_end.V + n);
        pack(w->queue.I_exc + queued, these, w->x.I_exc + n);
        pack(w->ahead.I_exc + queued, these, w->x_end.I_exc + n);
        pack(w->queue.I_inh + queued, these, w->x.I_inh + n);
        pack(w->ahead.I_inh + queued, these, w->x_end.I_inh + n);
        if (!w->alike) pack(w->asked.tau_mem + queued, these, w->p.tau_mem + n);
        if (!w->alike) pack(w->asked.tau_exc + queued, these, w->p.tau_exc + n);
        if (!w->alike) pack(w->asked.tau_inh + queued, these, w->p.tau_inh + n);
        if (!w->alike) pack(w->asked.theta + queued, these, w->p.theta + n);
        if (!w->alike) pack(w->asked.v_reset + queued, these, w->p.v_reset + n);
        if (!w->alike) pack(w->asked.per_tau_mem + queued, these, w->p.per_tau_mem + n);
        if (!w->alike) pack(w->asked.per_tau_exc + queued, these, w->p.per_tau_exc + n);
        if (!w->alike) pack(w->asked.per_tau_inh + queued, these, w->p.per_tau_inh + n);
        pack_numbers(w->who + queued, these, eight_from(n));
        queued += __builtin_popcount(these);
    }
#else
    const int queued = queue_flagged(g, w, 0, g->n_pad, 0);
    queue_states(w, queued, 0.0);
    queue_own(w, queued);
#endif
    for (int i = queued; i % LANES != 0; i++) w->who[i] = 0;
    return queued;
}

/* ---- Candidates that cross each on its own: those that are to be bracketed, and those whose next spike is certain, wait until they
 * fill a bundle. */

/* Brackets the crossings of the lanes that may, and appends the certain ones. Returns their number then. */
SALTUS_INLINE int ascertain(const int alike, const workspace *w, int version, bundle *q, int many, double *nearest_miss)
{
    double miss = NEVER;
    bracket(version, q);
#pragma omp simd reduction(min : miss)
    for (int l = 0; l < LANES; l++) {
        const double missed = q->may[l] ? q->missed[l] : (double)INFINITY;
        q->crosses[l] &= q->may[l];
        miss = missed < miss ? missed : miss;
    }
    if (miss < NEVER && miss < *nearest_miss) *nearest_miss = miss;
#ifdef __AVX512VL__
    const __mmask8 these = flagged(q->crosses);
    pack(w->certain.V + many, these, q->V);
    pack(w->certain.I_exc + many, these, q->I_exc);
    pack(w->certain.I_inh + many, these, q->I_inh);
    pack(w->certain.span + many, these, q->span);
    pack(w->certain.since + many, these, q->since);
    pack(w->certain.low + many, these, q->low);
    pack(w->certain.high + many, these, q->high);
    pack(w->certain.peak + many, these, q->peak);
    pack(w->certain.u1_high + many, these, q->u1_high);
    if (!alike) pack(w->certain.tau_mem + many, these, q->tau_mem);
    if (!alike) pack(w->certain.tau_exc + many, these, q->tau_exc);
    if (!alike) pack(w->certain.tau_inh + many, these, q->tau_inh);
    if (!alike) pack(w->certain.theta + many, these, q->theta);
    if (!alike) pack(w->certain.v_reset + many, these, q->v_reset);
    if (!alike) pack(w->certain.per_tau_mem + many, these, q->per_tau_mem);
    if (!alike) pack(w->certain.per_tau_exc + many, these, q->per_tau_exc);
    if (!alike) pack(w->certain.per_tau_inh + many, these, q->per_tau_inh);
    pack_numbers(w->certain_place + many, these, _mm256_loadu_si256((const __m256i *)(const void *)q->place));
    return many + __builtin_popcount(these);
#else
    for (int l = 0; l < LANES; l++) { /* without branches: who is flagged cannot be predicted */
        w->certain.V[many] = q->V[l];
        w->certain.I_exc[many] = q->I_exc[l];
        w->certain.I_inh[many] = q->I_inh[l];
        w->certain.span[many] = q->span[l];
        w->certain.since[many] = q->since[l];
        w->certain.low[many] = q->low[l];
        w->certain.high[many] = q->high[l];
        w->certain.peak[many] = q->peak[l];
        w->certain.u1_high[many] = q->u1_high[l];
        if (!alike) w->certain.tau_mem[many] = q->tau_mem[l];
        if (!alike) w->certain.tau_exc[many] = q->tau_exc[l];
        if (!alike) w->certain.tau_inh[many] = q->tau_inh[l];
        if (!alike) w->certain.theta[many] = q->theta[l];
        if (!alike) w->certain.v_reset[many] = q->v_reset[l];
        if (!alike) w->certain.per_tau_mem[many] = q->per_tau_mem[l];
        if (!alike) w->certain.per_tau_exc[many] = q->per_tau_exc[l];
        if (!alike) w->certain.per_tau_inh[many] = q->per_tau_inh[l];
        w->certain_place[many] = q->place[l];
        many += q->crosses[l] != 0;
    }
    return many;
#endif
}

/* Appends those that may cross to the candidates that are to be bracketed. Returns their number then. */
SALTUS_INLINE int ask_again(const int alike, const workspace *w, const bundle *q, int waiting)
{
#ifdef __AVX512VL__
    const __mmask8 these = flagged(q->may);
    pack(w->asked.V + waiting, these, q->V);
    pack(w->asked.I_exc + waiting, these, q->I_exc);
    pack(w->asked.I_inh + waiting, these, q->I_inh);
    pack(w->asked.V_end + waiting, these, q->V_end);
    pack(w->asked.I_exc_end + waiting, these, q->I_exc_end);
    pack(w->asked.I_inh_end + waiting, these, q->I_inh_end);
    pack(w->asked.span + waiting, these, q->span);
    pack(w->asked.since + waiting, these, q->since);
    if (!alike) pack(w->asked.tau_mem + waiting, these, q->tau_mem);
    if (!alike) pack(w->asked.tau_exc + waiting, these, q->tau_exc);
    if (!alike) pack(w->asked.tau_inh + waiting, these, q->tau_inh);
    if (!alike) pack(w->asked.theta + waiting, these, q->theta);
    if (!alike) pack(w->asked.v_reset + waiting, these, q->v_reset);
    if (!alike) pack(w->asked.per_tau_mem + waiting, these, q->per_tau_mem);
    if (!alike) pack(w->asked.per_tau_exc + waiting, these, q->per_tau_exc);
    if (!alike) pack(w->asked.per_tau_inh + waiting, these, q->per_tau_inh);
    pack_numbers(w->asked_place + waiting, these, _mm256_loadu_si256((const __m256i *)(const void *)q->place));
    return waiting + __builtin_popcount(these);
#else
    for (int l = 0; l < LANES; l++) { /* without branches: who is flagged cannot be predicted */
        w->asked.V[waiting] = q->V[l];
        w->asked.I_exc[waiting] = q->I_exc[l];
        w->asked.I_inh[waiting] = q->I_inh[l];
        w->asked.V_end[waiting] = q->V_end[l];
        w->asked.I_exc_end[waiting] = q->I_exc_end[l];
        w->asked.I_inh_end[waiting] = q->I_inh_end[l];
        w->asked.span[waiting] = q->span[l];
        w->asked.since[waiting] = q->since[l];
        if (!alike) w->asked.tau_mem[waiting] = q->tau_mem[l];
        if (!alike) w->asked.tau_exc[waiting] = q->tau_exc[l];
        if (!alike) w->asked.tau_inh[waiting] = q->tau_inh[l];
        if (!alike) w->asked.theta[waiting] = q->theta[l];
        if (!alike) w->asked.v_reset[waiting] = q->v_reset[l];
        if (!alike) w->asked.per_tau_mem[waiting] = q->per_tau_mem[l];
        if (!alike) w->asked.per_tau_exc[waiting] = q->per_tau_exc[l];
        if (!alike) w->asked.per_tau_inh[waiting] = q->per_tau_inh[l];
        w->asked_place[waiting] = q->place[l];
        waiting += q->may[l] != 0;
    }
    return waiting;
#endif
}

/* So many of the certain ones from this one on, as a bundle; spare lanes cross nothing. */
SALTUS_INLINE void take_certain(const int alike, const workspace *w, int first, int lanes, bundle *q)
{
    for (int l = 0; l < LANES; l++) q->crosses[l] = l < lanes;
    for (int l = 0; l < LANES; l++) q->place[l] = w->certain_place[first + l];
    for (int l = 0; l < LANES; l++) {
        q->V[l] = w->certain.V[first + l];
        q->I_exc[l] = w->certain.I_exc[first + l];
        q->I_inh[l] = w->certain.I_inh[first + l];
        q->span[l] = w->certain.span[first + l];
        q->since[l] = w->certain.since[first + l];
        q->low[l] = w->certain.low[first + l];
        q->high[l] = w->certain.high[first + l];
        q->peak[l] = w->certain.peak[first + l];
        q->u1_high[l] = w->certain.u1_high[first + l];
        q->tau_mem[l] = alike ? w->p.tau_mem[0] : w->certain.tau_mem[first + l];
        q->tau_exc[l] = alike ? w->p.tau_exc[0] : w->certain.tau_exc[first + l];
        q->tau_inh[l] = alike ? w->p.tau_inh[0] : w->certain.tau_inh[first + l];
        q->theta[l] = alike ? w->p.theta[0] : w->certain.theta[first + l];
        q->v_reset[l] = alike ? w->p.v_reset[0] : w->certain.v_reset[first + l];
        q->per_tau_mem[l] = alike ? w->p.per_tau_mem[0] : w->certain.per_tau_mem[first + l];
        q->per_tau_exc[l] = alike ? w->p.per_tau_exc[0] : w->certain.per_tau_exc[first + l];
        q->per_tau_inh[l] = alike ? w->p.per_tau_inh[0] : w->certain.per_tau_inh[first + l];
    }
    for (int l = lanes; l < LANES; l++) q->place[l] = 0;
}

/* So many of the candidates from this one on. */
SALTUS_INLINE void take_asked(const int alike, const workspace *w, int first, int lanes, bundle *q)
{
    for (int l = 0; l < LANES; l++) q->may[l] = l < lanes;
    for (int l = 0; l < LANES; l++) q->place[l] = w->asked_place[first + l];
    for (int l = 0; l < LANES; l++) {
        q->V[l] = w->asked.V[first + l];
        q->I_exc[l] = w->asked.I_exc[first + l];
        q->I_inh[l] = w->asked.I_inh[first + l];
        q->V_end[l] = w->asked.V_end[first + l];
        q->I_exc_end[l] = w->asked.I_exc_end[first + l];
        q->I_inh_end[l] = w->asked.I_inh_end[first + l];
        q->span[l] = w->asked.span[first + l];
        q->since[l] = w->asked.since[first + l];
        q->tau_mem[l] = alike ? w->p.tau_mem[0] : w->asked.tau_mem[first + l];
        q->tau_exc[l] = alike ? w->p.tau_exc[0] : w->asked.tau_exc[first + l];
        q->tau_inh[l] = alike ? w->p.tau_inh[0] : w->asked.tau_inh[first + l];
        q->theta[l] = alike ? w->p.theta[0] : w->asked.theta[first + l];
        q->v_reset[l] = alike ? w->p.v_reset[0] : w->asked.v_reset[first + l];
        q->per_tau_mem[l] = alike ? w->p.per_tau_mem[0] : w->asked.per_tau_mem[first + l];
        q->per_tau_exc[l] = alike ? w->p.per_tau_exc[0] : w->asked.per_tau_exc[first + l];
        q->per_tau_inh[l] = alike ? w->p.per_tau_inh[0] : w->asked.per_tau_inh[first + l];
    }
}

/* The seekers among the queued (seek NULL: all, and what a search reads is there), with so much of the interval left. */
SALTUS_INLINE void ask(const int alike, const workspace *w, int seekers, const int32_t *seek, double span)
{
    for (int s = 0; s < seekers; s++) w->asked.span[s] = span, w->asked.since[s] = 0.0;
    if (seek == NULL) {
        for (int s = 0; s < seekers; s++) w->asked_place[s] = s;
        for (int s = 0; s < seekers; s++) w->asked.V[s] = w->queue.V[s], w->asked.V_end[s] = w->ahead.V[s];
        for (int s = 0; s < seekers; s++) w->asked.I_exc[s] = w->queue.I_exc[s], w->asked.I_exc_end[s] = w->ahead.I_exc[s];
        for (int s = 0; s < seekers; s++) w->asked.I_inh[s] = w->queue.I_inh[s], w->asked.I_inh_end[s] = w->ahead.I_inh[s];
        return;
    }
    for (int s = 0; s < seekers; s++) w->asked_place[s] = seek[s];
    for (int s = 0; s < seekers; s++) w->asked.V[s] = w->queue.V[seek[s]], w->asked.V_end[s] = w->ahead.V[seek[s]];
    for (int s = 0; s < seekers; s++) w->asked.I_exc[s] = w->queue.I_exc[seek[s]], w->asked.I_exc_end[s] = w->ahead.I_exc[seek[s]];
    for (int s = 0; s < seekers; s++) w->asked.I_inh[s] = w->queue.I_inh[seek[s]], w->asked.I_inh_end[s] = w->ahead.I_inh[seek[s]];
    for (int s = 0; s < seekers && !alike; s++) w->asked.tau_mem[s] = w->p.tau_mem[w->who[seek[s]]];
    for (int s = 0; s < seekers && !alike; s++) w->asked.tau_exc[s] = w->p.tau_exc[w->who[seek[s]]];
    for (int s = 0; s < seekers && !alike; s++) w->asked.tau_inh[s] = w->p.tau_inh[w->who[seek[s]]];
    for (int s = 0; s < seekers && !alike; s++) w->asked.theta[s] = w->p.theta[w->who[seek[s]]];
    for (int s = 0; s < seekers && !alike; s++) w->asked.v_reset[s] = w->p.v_reset[w->who[seek[s]]];
    for (int s = 0; s < seekers && !alike; s++) w->asked.per_tau_mem[s] = w->p.per_tau_mem[w->who[seek[s]]];
    for (int s = 0; s < seekers && !alike; s++) w->asked.per_tau_exc[s] = w->p.per_tau_exc[w->who[seek[s]]];
    for (int s = 0; s < seekers && !alike; s++) w->asked.per_tau_inh[s] = w->p.per_tau_inh[w->who[seek[s]]];
}

/* The crossings of a bundle of so many lanes, as spikes that are still to be sorted, from this one on; then the bundle is what is
 * left of the interval, for those that may cross again. Returns whether there are any, or -1 after a failure. */
SALTUS_INLINE int spike(const saltus_group *g, const workspace *w, bundle *q, int lanes, int from, double origin,
                        int64_t unsettled, int32_t sample, saltus_status *status)
{
    int64_t above[LANES];
#pragma omp simd
    for (int l = 0; l < LANES; l++) {
        w->fresh.time[from + l] = origin + (q->since[l] + q->at[l]);
        w->fresh.slope[from + l] = q->slope[l];
        w->fresh.V[from + l] = q->V_before[l];
        q->V[l] = q->V_after[l];
        w->fresh.I_exc[from + l] = q->I_exc_before[l];
        q->I_exc[l] = q->I_exc_after[l];
        w->fresh.I_inh[from + l] = q->I_inh_before[l];
        q->I_inh[l] = q->I_inh_after[l];
        q->since[l] += q->at[l];
        q->span[l] -= q->at[l];
        q->may[l] &= q->crosses[l];
        above[l] = q->crosses[l] & (q->u0_after[l] >= 0.0);
    }
    for (int l = 0; l < lanes; l++) {
        const int i = q->place[l];
        w->fresh_neuron[from + l] = w->who[i];
        w->ahead.V[i] = q->V_end[l];
        w->ahead.I_exc[i] = q->I_exc_end[l];
        w->ahead.I_inh[i] = q->I_inh_end[l];
    }
    const int fails = bits_of(above) || unsettled != 0;
    for (int l = 0; fails && l < lanes; l++) {
        const int n = w->fresh_neuron[from + l];
        if (unsettled >> l & 1) return fail(status, ROOT, sample, n, w->fresh.time[from + l], 0), -1;
        if (q->u0_after[l] >= 0.0) return fail(status, RESETS_ABOVE, sample, n, w->fresh.time[from + l], 0), -1;
    }
    if (g->max_spikes > 0)
        for (int l = 0; l < lanes; l++) q->may[l] &= ++w->count[w->fresh_neuron[from + l]] < g->max_spikes;
    return bits_of(q->may);
}

/* The seekers among the queued (seek NULL: all) cross each on its own, until the end of the interval, at which they are in
 * w->ahead. Returns the number of spikes, or -1 after a failure. */
SALTUS_INLINE int cross_alone_of(const int alike, const saltus_group *g, saltus_spikes *out, const workspace *w, int seekers,
                                 const int32_t *seek, double origin, double span, int after, int spikes, int32_t sample,
                                 saltus_status *status)
{
    const int version = saltus_version(span * w->steepest);
    int waiting = seekers, many = 0, fresh = 0;
    bundle q[BUNDLES];
    ask(alike, w, seekers, seek, span);
    while (many + waiting > 0) {
        if (many < BUNDLES * LANES && waiting > 0) {
            const int lanes = waiting < LANES ? waiting : LANES;
            waiting -= lanes;
            take_asked(alike, w, waiting, lanes, q);
            many = ascertain(alike, w, version, q, many, out->nearest_miss + sample);
            continue;
        }
        const int most = many < BUNDLES * LANES ? many : BUNDLES * LANES, bundles = (most + LANES - 1) / LANES;
        if (spikes + fresh + most > out->capacity) return fail(status, CAPACITY, sample, -1, origin, 2 * out->capacity), -1;
        many -= most;
        for (int b = 0; b < bundles; b++)
            take_certain(alike, w, many + b * LANES, b + 1 < bundles ? LANES : most - b * LANES, q + b);
        const int64_t unsettled = find_certain(version, bundles, q, origin);
        for (int b = 0; b < bundles; b++) settle(version, q + b, w->steepest);
        for (int b = 0; b < bundles; b++) {
            const int lanes = b + 1 < bundles ? LANES : most - b * LANES;
            const int again = spike(g, w, q + b, lanes, fresh, origin, unsettled >> (b * LANES), sample, status);
            if (again < 0) return -1;
            fresh += lanes;
            if (again) waiting = ask_again(alike, w, q + b, waiting);
        }
    }
    if (fresh > 0) put_spikes(g, out, out->start[sample] + spikes, fresh, after, w);
    return spikes + fresh;
}

SALTUS_APART int cross_alone(const saltus_group *g, saltus_spikes *out, const workspace *w, int seekers, const int32_t *seek,
                             double origin, double span, int after, int spikes, int32_t sample, saltus_status *status)
{
    if (g->max_spikes > 0) seekers = list_pending(g, w, seekers, seek), seek = w->seek;
    return w->alike ? cross_alone_of(1, g, out, w, seekers, seek, origin, span, after, spikes, sample, status)
                    : cross_alone_of(0, g, out, w, seekers, seek, origin, span, after, spikes, sample, status);
}

/* Steps everyone to the end of interval e, and flags those that may cross. */
SALTUS_INLINE void step_of(const int shared, const int terms, const saltus_group *g, const workspace *w, entries_view k, int e)
{
    const states_view x = w->x, x_end = w->x_end;
    const parameters_view p = w->p;
    const double common_Phi_V_V = shared ? *k.Phi_V_V : 0.0;
    const double common_Phi_V_I_exc = shared ? *k.Phi_V_I_exc : 0.0;
    const double common_Phi_V_I_inh = shared ? *k.Phi_V_I_inh : 0.0;
    const double common_Phi_I_exc_I_exc = shared ? *k.Phi_I_exc_I_exc : 0.0;
    const double common_Phi_I_inh_I_inh = shared ? *k.Phi_I_inh_I_inh : 0.0;
    const double dt = k.dt;
    (void)dt;
    const double common_shrink = shared ? w->shrink[e] : 0.0, common_length = shared ? w->length[e] : 0.0;
    int64_t *restrict flag = w->flag;
    (void)p, (void)e;
#pragma omp simd
    for (int n = 0; n < g->n_pad; n++) {
        double Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, Psi_I_exc_V, Psi_I_inh_V;
        if (shared) {
            Phi_V_V = common_Phi_V_V;
            Phi_V_I_exc = common_Phi_V_I_exc;
            Phi_V_I_inh = common_Phi_V_I_inh;
            Phi_I_exc_I_exc = common_Phi_I_exc_I_exc;
            Phi_I_inh_I_inh = common_Phi_I_inh_I_inh;
        } else if (terms != 0) {
            model_propagator_near(terms, dt, p.tau_mem[n], p.per_tau_mem[n], p.per_tau_exc[n], p.per_tau_inh[n], &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V);
        } else {
            model_propagator(dt, p.tau_mem[n], p.per_tau_mem[n], p.per_tau_exc[n], p.per_tau_inh[n], &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V);
        }
        double V_next, I_exc_next, I_inh_next;
        model_advance(x.V[n], x.I_exc[n], x.I_inh[n], Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, &V_next, &I_exc_next, &I_inh_next);
        double rate;
        {
            double u_1_rate;
            model_ladder_1_rate(p.per_tau_mem[n], &u_1_rate);
            rate = u_1_rate;
        }
        const double shrink = shared ? common_shrink : terms != 0 ? saltus_exp_near(terms, -dt * rate) : saltus_exp(-dt * rate);
        const double length = shared ? common_length : (1.0 - shrink) / rate;
        int may_cross;
        {
            double a0, a1, a2;
            {
                double u_0;
                model_ladder_0(x.V[n], p.theta[n], &u_0);
                a0 = u_0;
                double u_1;
                model_ladder_1(x.V[n], x.I_exc[n], x.I_inh[n], p.per_tau_mem[n], &u_1);
                a1 = u_1;
                double u_2;
                model_ladder_2(x.I_exc[n], x.I_inh[n], p.tau_exc[n], p.tau_inh[n], p.per_tau_mem[n], p.per_tau_exc[n], p.per_tau_inh[n], &u_2);
                a2 = u_2;
            }
            double b0, b1, b2;
            {
                double u_0;
                model_ladder_0(V_next, p.theta[n], &u_0);
                b0 = u_0;
                double u_1;
                model_ladder_1(V_next, I_exc_next, I_inh_next, p.per_tau_mem[n], &u_1);
                b1 = u_1;
                double u_2;
                model_ladder_2(I_exc_next, I_inh_next, p.tau_exc[n], p.tau_inh[n], p.per_tau_mem[n], p.per_tau_exc[n], p.per_tau_inh[n], &u_2);
                b2 = u_2;
            }
            const int steady = (((a2 < 0.0) == (b2 < 0.0)) & ((b2 != 0.0) | (a2 == 0.0)));
            const int concave = (a2 < 0.0) | (b2 < 0.0);
            may_cross = (b0 >= 0.0) | !steady | (concave & arches(a0, a1, b0, b1, shrink, length));
        }
        flag[n] = may_cross;
        x_end.V[n] = V_next;
        x_end.I_exc[n] = I_exc_next;
        x_end.I_inh[n] = I_inh_next;
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
    return queue_all(g, w);
}

/* ---- Few neurons and many arrivals: a vector of neurons goes from event to event, as long as none of them may cross. */

/* Are so many events from e on arrivals at this receptor, and, where neurons have their own propagators, the stretches behind them
 * near enough for so many terms? */
SALTUS_INLINE int can_skim(const int shared, const int terms, const saltus_group *g, const workspace *w, const int32_t *restrict row,
                           int e, int many, int receptor)
{
    int can = 1;
    for (int j = 0; j < many; j++) {
        can &= row[e - 1 + j] >= 0 && g->receptor[row[e - 1 + j]] == receptor;
        if (shared) continue;
        const int needed = stretch(shared, g, w, e + j).terms;
        can &= needed != 0 && needed <= terms;
    }
    return can;
}

/* The neurons from this one on, from the start of interval e to that of the first in which one of them may cross, or into which
 * something else arrives, but not beyond `last`: into w->x_end. By strides of several events while nobody may. Returns that interval. */
SALTUS_INLINE int skim_some(const int shared, const int terms, const int width, const saltus_group *g, const workspace *w,
                            const int32_t *restrict row, int from, int e, int last)
{
    const int receptor = row[e - 1] >= 0 ? g->receptor[row[e - 1]] : -1;
    const parameters_view p = w->p;
    double now_V[LANES], then_V[LANES], now_I_exc[LANES], then_I_exc[LANES], now_I_inh[LANES], then_I_inh[LANES];
    int64_t pending[LANES], crosses[LANES];
    for (int l = 0; l < LANES; l++) {
        pending[l] = (from + l < g->n) & (g->max_spikes == 0 || w->count[from + l] < g->max_spikes);
        now_V[l] = w->x.V[from + l];
        now_I_exc[l] = w->x.I_exc[from + l];
        now_I_inh[l] = w->x.I_inh[from + l];
    }
    switch (receptor) {
    case 0: /* exc */
        if (bits_of(pending)) {
            while (e + 8 <= last && can_skim(shared, terms, g, w, row, e, 8, receptor)) {
                const double *row_of[8];
                for (int j = 0; j < 8; j++) row_of[j] = g->weights + (int64_t)row[e - 1 + j] * g->n_pad + from;
    #pragma omp simd
                for (int l = 0; l < width; l++) {
                    double V = now_V[l], I_exc = now_I_exc[l], I_inh = now_I_inh[l];
                    int may = 0;
    #pragma GCC unroll 8
                    for (int j = 0; j < 8; j++) {
                        const double *restrict weight = row_of[j];
                        const entries_view k = stretch(shared, g, w, e + j);
                        const double common_Phi_V_V = shared ? *k.Phi_V_V : 0.0;
                        const double common_Phi_V_I_exc = shared ? *k.Phi_V_I_exc : 0.0;
                        const double common_Phi_V_I_inh = shared ? *k.Phi_V_I_inh : 0.0;
                        const double common_Phi_I_exc_I_exc = shared ? *k.Phi_I_exc_I_exc : 0.0;
                        const double common_Phi_I_inh_I_inh = shared ? *k.Phi_I_inh_I_inh : 0.0;
                        const double dt = k.dt;
                        (void)dt;
                        {
                            {
                                double V_next, I_exc_next, I_inh_next;
                                model_exc_jump(V, I_exc, I_inh, weight[l], &V_next, &I_exc_next, &I_inh_next);
                                I_exc = I_exc_next;
                            }
                            double Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, Psi_I_exc_V, Psi_I_inh_V;
                            if (shared) {
                                Phi_V_V = common_Phi_V_V;
                                Phi_V_I_exc = common_Phi_V_I_exc;
                                Phi_V_I_inh = common_Phi_V_I_inh;
                                Phi_I_exc_I_exc = common_Phi_I_exc_I_exc;
                                Phi_I_inh_I_inh = common_Phi_I_inh_I_inh;
                            } else if (terms != 0) {
                                model_propagator_near(terms, dt, p.tau_mem[from + l], p.per_tau_mem[from + l], p.per_tau_exc[from + l], p.per_tau_inh[from + l], &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V);
                            } else {
                                model_propagator(dt, p.tau_mem[from + l], p.per_tau_mem[from + l], p.per_tau_exc[from + l], p.per_tau_inh[from + l], &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V);
                            }
                            double V_next, I_exc_next, I_inh_next;
                            model_advance(V, I_exc, I_inh, Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, &V_next, &I_exc_next, &I_inh_next);
                            if (shared) {
                                const double shrink = w->shrink[e + j], length = w->length[e + j];
                                int may_cross;
                                {
                                    double a0, a1, a2;
                                    {
                                        double u_0;
                                        model_ladder_0(V, p.theta[from + l], &u_0);
                                        a0 = u_0;
                                        double u_1;
                                        model_ladder_1(V, I_exc, I_inh, p.per_tau_mem[from + l], &u_1);
                                        a1 = u_1;
                                        double u_2;
                                        model_ladder_2(I_exc, I_inh, p.tau_exc[from + l], p.tau_inh[from + l], p.per_tau_mem[from + l], p.per_tau_exc[from + l], p.per_tau_inh[from + l], &u_2);
                                        a2 = u_2;
                                    }
                                    double b0, b1, b2;
                                    {
                                        double u_0;
                                        model_ladder_0(V_next, p.theta[from + l], &u_0);
                                        b0 = u_0;
                                        double u_1;
                                        model_ladder_1(V_next, I_exc_next, I_inh_next, p.per_tau_mem[from + l], &u_1);
                                        b1 = u_1;
                                        double u_2;
                                        model_ladder_2(I_exc_next, I_inh_next, p.tau_exc[from + l], p.tau_inh[from + l], p.per_tau_mem[from + l], p.per_tau_exc[from + l], p.per_tau_inh[from + l], &u_2);
                                        b2 = u_2;
                                    }
                                    const int steady = (((a2 < 0.0) == (b2 < 0.0)) & ((b2 != 0.0) | (a2 == 0.0)));
                                    const int concave = (a2 < 0.0) | (b2 < 0.0);
                                    may_cross = (b0 >= 0.0) | !steady | (concave & arches(a0, a1, b0, b1, shrink, length));
                                }
                                may |= may_cross;
                            } else {
                                double rate;
                                {
                                    double u_1_rate;
                                    model_ladder_1_rate(p.per_tau_mem[from + l], &u_1_rate);
                                    rate = u_1_rate;
                                }
                                const double shrink = saltus_exp_near(terms, -dt * rate);
                                int may_cross;
                                {
                                    double a0, a1, a2;
                                    {
                                        double u_0;
                                        model_ladder_0(V, p.theta[from + l], &u_0);
                                        a0 = u_0;
                                        double u_1;
                                        model_ladder_1(V, I_exc, I_inh, p.per_tau_mem[from + l], &u_1);
                                        a1 = u_1;
                                        double u_2;
                                        model_ladder_2(I_exc, I_inh, p.tau_exc[from + l], p.tau_inh[from + l], p.per_tau_mem[from + l], p.per_tau_exc[from + l], p.per_tau_inh[from + l], &u_2);
                                        a2 = u_2;
                                    }
                                    double b0, b1, b2;
                                    {
                                        double u_0;
                                        model_ladder_0(V_next, p.theta[from + l], &u_0);
                                        b0 = u_0;
                                        double u_1;
                                        model_ladder_1(V_next, I_exc_next, I_inh_next, p.per_tau_mem[from + l], &u_1);
                                        b1 = u_1;
                                        double u_2;
                                        model_ladder_2(I_exc_next, I_inh_next, p.tau_exc[from + l], p.tau_inh[from + l], p.per_tau_mem[from + l], p.per_tau_exc[from + l], p.per_tau_inh[from + l], &u_2);
                                        b2 = u_2;
                                    }
                                    const int steady = (((a2 < 0.0) == (b2 < 0.0)) & ((b2 != 0.0) | (a2 == 0.0)));
                                    const int concave = (a2 < 0.0) | (b2 < 0.0);
                                    may_cross = (b0 >= 0.0) | !steady | (concave & arches(a0, a1, b0, b1, shrink, (1.0 - shrink) / rate));
                                }
                                may |= may_cross;
                            }
                            V = V_next;
                            I_exc = I_exc_next;
                            I_inh = I_inh_next;
                        }
                    }
                    crosses[l] = may & pending[l];
                    then_V[l] = V;
                    then_I_exc[l] = I_exc;
                    then_I_inh[l] = I_inh;
                }
                for (int l = width; l < LANES; l++) crosses[l] = 0;
                if (bits_of(crosses)) break;
                for (int l = 0; l < width; l++) {
                    now_V[l] = then_V[l];
                    now_I_exc[l] = then_I_exc[l];
                    now_I_inh[l] = then_I_inh[l];
                }
                e += 8;
            }
            while (e + 1 <= last && can_skim(shared, terms, g, w, row, e, 1, receptor)) {
                const double *row_of[1];
                for (int j = 0; j < 1; j++) row_of[j] = g->weights + (int64_t)row[e - 1 + j] * g->n_pad + from;
    #pragma omp simd
                for (int l = 0; l < width; l++) {
                    double V = now_V[l], I_exc = now_I_exc[l], I_inh = now_I_inh[l];
                    int may = 0;
    #pragma GCC unroll 1
                    for (int j = 0; j < 1; j++) {
                        const double *restrict weight = row_of[j];
                        const entries_view k = stretch(shared, g, w, e + j);
                        const double common_Phi_V_V = shared ? *k.Phi_V_V : 0.0;
                        const double common_Phi_V_I_exc = shared ? *k.Phi_V_I_exc : 0.0;
                        const double common_Phi_V_I_inh = shared ? *k.Phi_V_I_inh : 0.0;
                        const double common_Phi_I_exc_I_exc = shared ? *k.Phi_I_exc_I_exc : 0.0;
                        const double common_Phi_I_inh_I_inh = shared ? *k.Phi_I_inh_I_inh : 0.0;
                        const double dt = k.dt;
                        (void)dt;
                        {
                            {
                                double V_next, I_exc_next, I_inh_next;
                                model_exc_jump(V, I_exc, I_inh, weight[l], &V_next, &I_exc_next, &I_inh_next);
                                I_exc = I_exc_next;
                            }
                            double Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, Psi_I_exc_V, Psi_I_inh_V;
                            if (shared) {
                                Phi_V_V = common_Phi_V_V;
                                Phi_V_I_exc = common_Phi_V_I_exc;
                                Phi_V_I_inh = common_Phi_V_I_inh;
                                Phi_I_exc_I_exc = common_Phi_I_exc_I_exc;
                                Phi_I_inh_I_inh = common_Phi_I_inh_I_inh;
                            } else if (terms != 0) {
                                model_propagator_near(terms, dt, p.tau_mem[from + l], p.per_tau_mem[from + l], p.per_tau_exc[from + l], p.per_tau_inh[from + l], &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V);
                            } else {
                                model_propagator(dt, p.tau_mem[from + l], p.per_tau_mem[from + l], p.per_tau_exc[from + l], p.per_tau_inh[from + l], &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V);
                            }
                            double V_next, I_exc_next, I_inh_next;
                            model_advance(V, I_exc, I_inh, Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, &V_next, &I_exc_next, &I_inh_next);
                            if (shared) {
                                const double shrink = w->shrink[e + j], length = w->length[e + j];
                                int may_cross;
                                {
                                    double a0, a1, a2;
                                    {
                                        double u_0;
                                        model_ladder_0(V, p.theta[from + l], &u_0);
                                        a0 = u_0;
                                        double u_1;
                                        model_ladder_1(V, I_exc, I_inh, p.per_tau_mem[from + l], &u_1);
                                        a1 = u_1;
                                        double u_2;
                                        model_ladder_2(I_exc, I_inh, p.tau_exc[from + l], p.tau_inh[from + l], p.per_tau_mem[from + l], p.per_tau_exc[from + l], p.per_tau_inh[from + l], &u_2);
                                        a2 = u_2;
                                    }
                                    double b0, b1, b2;
                                    {
                                        double u_0;
                                        model_ladder_0(V_next, p.theta[from + l], &u_0);
                                        b0 = u_0;
                                        double u_1;
                                        model_ladder_1(V_next, I_exc_next, I_inh_next, p.per_tau_mem[from + l], &u_1);
                                        b1 = u_1;
                                        double u_2;
                                        model_ladder_2(I_exc_next, I_inh_next, p.tau_exc[from + l], p.tau_inh[from + l], p.per_tau_mem[from + l], p.per_tau_exc[from + l], p.per_tau_inh[from + l], &u_2);
                                        b2 = u_2;
                                    }
                                    const int steady = (((a2 < 0.0) == (b2 < 0.0)) & ((b2 != 0.0) | (a2 == 0.0)));
                                    const int concave = (a2 < 0.0) | (b2 < 0.0);
                                    may_cross = (b0 >= 0.0) | !steady | (concave & arches(a0, a1, b0, b1, shrink, length));
                                }
                                may |= may_cross;
                            } else {
                                double rate;
                                {
                                    double u_1_rate;
                                    model_ladder_1_rate(p.per_tau_mem[from + l], &u_1_rate);
                                    rate = u_1_rate;
                                }
                                const double shrink = saltus_exp_near(terms, -dt * rate);
                                int may_cross;
                                {
                                    double a0, a1, a2;
                                    {
                                        double u_0;
                                        model_ladder_0(V, p.theta[from + l], &u_0);
                                        a0 = u_0;
                                        double u_1;
                                        model_ladder_1(V, I_exc, I_inh, p.per_tau_mem[from + l], &u_1);
                                        a1 = u_1;
                                        double u_2;
                                        model_ladder_2(I_exc, I_inh, p.tau_exc[from + l], p.tau_inh[from + l], p.per_tau_mem[from + l], p.per_tau_exc[from + l], p.per_tau_inh[from + l], &u_2);
                                        a2 = u_2;
                                    }
                                    double b0, b1, b2;
                                    {
                                        double u_0;
                                        model_ladder_0(V_next, p.theta[from + l], &u_0);
                                        b0 = u_0;
                                        double u_1;
                                        model_ladder_1(V_next, I_exc_next, I_inh_next, p.per_tau_mem[from + l], &u_1);
                                        b1 = u_1;
                                        double u_2;
                                        model_ladder_2(I_exc_next, I_inh_next, p.tau_exc[from + l], p.tau_inh[from + l], p.per_tau_mem[from + l], p.per_tau_exc[from + l], p.per_tau_inh[from + l], &u_2);
                                        b2 = u_2;
                                    }
                                    const int steady = (((a2 < 0.0) == (b2 < 0.0)) & ((b2 != 0.0) | (a2 == 0.0)));
                                    const int concave = (a2 < 0.0) | (b2 < 0.0);
                                    may_cross = (b0 >= 0.0) | !steady | (concave & arches(a0, a1, b0, b1, shrink, (1.0 - shrink) / rate));
                                }
                                may |= may_cross;
                            }
                            V = V_next;
                            I_exc = I_exc_next;
                            I_inh = I_inh_next;
                        }
                    }
                    crosses[l] = may & pending[l];
                    then_V[l] = V;
                    then_I_exc[l] = I_exc;
                    then_I_inh[l] = I_inh;
                }
                for (int l = width; l < LANES; l++) crosses[l] = 0;
                if (bits_of(crosses)) break;
                for (int l = 0; l < width; l++) {
                    now_V[l] = then_V[l];
                    now_I_exc[l] = then_I_exc[l];
                    now_I_inh[l] = then_I_inh[l];
                }
                e += 1;
            }
        } else { /* they have spiked as often as they may */
            while (e + 8 <= last && can_skim(shared, terms, g, w, row, e, 8, receptor)) {
                const double *row_of[8];
                for (int j = 0; j < 8; j++) row_of[j] = g->weights + (int64_t)row[e - 1 + j] * g->n_pad + from;
    #pragma omp simd
                for (int l = 0; l < width; l++) {
                    double V = now_V[l], I_exc = now_I_exc[l], I_inh = now_I_inh[l];
    #pragma GCC unroll 8
                    for (int j = 0; j < 8; j++) {
                        const double *restrict weight = row_of[j];
                        const entries_view k = stretch(shared, g, w, e + j);
                        const double common_Phi_V_V = shared ? *k.Phi_V_V : 0.0;
                        const double common_Phi_V_I_exc = shared ? *k.Phi_V_I_exc : 0.0;
                        const double common_Phi_V_I_inh = shared ? *k.Phi_V_I_inh : 0.0;
                        const double common_Phi_I_exc_I_exc = shared ? *k.Phi_I_exc_I_exc : 0.0;
                        const double common_Phi_I_inh_I_inh = shared ? *k.Phi_I_inh_I_inh : 0.0;
                        const double dt = k.dt;
                        (void)dt;
                        {
                            {
                                double V_next, I_exc_next, I_inh_next;
                                model_exc_jump(V, I_exc, I_inh, weight[l], &V_next, &I_exc_next, &I_inh_next);
                                I_exc = I_exc_next;
                            }
                            double Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, Psi_I_exc_V, Psi_I_inh_V;
                            if (shared) {
                                Phi_V_V = common_Phi_V_V;
                                Phi_V_I_exc = common_Phi_V_I_exc;
                                Phi_V_I_inh = common_Phi_V_I_inh;
                                Phi_I_exc_I_exc = common_Phi_I_exc_I_exc;
                                Phi_I_inh_I_inh = common_Phi_I_inh_I_inh;
                            } else if (terms != 0) {
                                model_propagator_near(terms, dt, p.tau_mem[from + l], p.per_tau_mem[from + l], p.per_tau_exc[from + l], p.per_tau_inh[from + l], &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V);
                            } else {
                                model_propagator(dt, p.tau_mem[from + l], p.per_tau_mem[from + l], p.per_tau_exc[from + l], p.per_tau_inh[from + l], &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V);
                            }
                            double V_next, I_exc_next, I_inh_next;
                            model_advance(V, I_exc, I_inh, Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, &V_next, &I_exc_next, &I_inh_next);
                            V = V_next;
                            I_exc = I_exc_next;
                            I_inh = I_inh_next;
                        }
                    }
                    then_V[l] = V;
                    then_I_exc[l] = I_exc;
                    then_I_inh[l] = I_inh;
                }
                for (int l = 0; l < width; l++) {
                    now_V[l] = then_V[l];
                    now_I_exc[l] = then_I_exc[l];
                    now_I_inh[l] = then_I_inh[l];
                }
                e += 8;
            }
            while (e + 1 <= last && can_skim(shared, terms, g, w, row, e, 1, receptor)) {
                const double *row_of[1];
                for (int j = 0; j < 1; j++) row_of[j] = g->weights + (int64_t)row[e - 1 + j] * g->n_pad + from;
    #pragma omp simd
                for (int l = 0; l < width; l++) {
                    double V = now_V[l], I_exc = now_I_exc[l], I_inh = now_I_inh[l];
    #pragma GCC unroll 1
                    for (int j = 0; j < 1; j++) {
                        const double *restrict weight = row_of[j];
                        const entries_view k = stretch(shared, g, w, e + j);
                        const double common_Phi_V_V = shared ? *k.Phi_V_V : 0.0;
                        const double common_Phi_V_I_exc = shared ? *k.Phi_V_I_exc : 0.0;
                        const double common_Phi_V_I_inh = shared ? *k.Phi_V_I_inh : 0.0;
                        const double common_Phi_I_exc_I_exc = shared ? *k.Phi_I_exc_I_exc : 0.0;
                        const double common_Phi_I_inh_I_inh = shared ? *k.Phi_I_inh_I_inh : 0.0;
                        const double dt = k.dt;
                        (void)dt;
                        {
                            {
                                double V_next, I_exc_next, I_inh_next;
                                model_exc_jump(V, I_exc, I_inh, weight[l], &V_next, &I_exc_next, &I_inh_next);
                                I_exc = I_exc_next;
                            }
                            double Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, Psi_I_exc_V, Psi_I_inh_V;
                            if (shared) {
                                Phi_V_V = common_Phi_V_V;
                                Phi_V_I_exc = common_Phi_V_I_exc;
                                Phi_V_I_inh = common_Phi_V_I_inh;
                                Phi_I_exc_I_exc = common_Phi_I_exc_I_exc;
                                Phi_I_inh_I_inh = common_Phi_I_inh_I_inh;
                            } else if (terms != 0) {
                                model_propagator_near(terms, dt, p.tau_mem[from + l], p.per_tau_mem[from + l], p.per_tau_exc[from + l], p.per_tau_inh[from + l], &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V);
                            } else {
                                model_propagator(dt, p.tau_mem[from + l], p.per_tau_mem[from + l], p.per_tau_exc[from + l], p.per_tau_inh[from + l], &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V);
                            }
                            double V_next, I_exc_next, I_inh_next;
                            model_advance(V, I_exc, I_inh, Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, &V_next, &I_exc_next, &I_inh_next);
                            V = V_next;
                            I_exc = I_exc_next;
                            I_inh = I_inh_next;
                        }
                    }
                    then_V[l] = V;
                    then_I_exc[l] = I_exc;
                    then_I_inh[l] = I_inh;
                }
                for (int l = 0; l < width; l++) {
                    now_V[l] = then_V[l];
                    now_I_exc[l] = then_I_exc[l];
                    now_I_inh[l] = then_I_inh[l];
                }
                e += 1;
            }
        }
        break;
    case 1: /* inh */
        if (bits_of(pending)) {
            while (e + 8 <= last && can_skim(shared, terms, g, w, row, e, 8, receptor)) {
                const double *row_of[8];
                for (int j = 0; j < 8; j++) row_of[j] = g->weights + (int64_t)row[e - 1 + j] * g->n_pad + from;
    #pragma omp simd
                for (int l = 0; l < width; l++) {
                    double V = now_V[l], I_exc = now_I_exc[l], I_inh = now_I_inh[l];
                    int may = 0;
    #pragma GCC unroll 8
                    for (int j = 0; j < 8; j++) {
                        const double *restrict weight = row_of[j];
                        const entries_view k = stretch(shared, g, w, e + j);
                        const double common_Phi_V_V = shared ? *k.Phi_V_V : 0.0;
                        const double common_Phi_V_I_exc = shared ? *k.Phi_V_I_exc : 0.0;
                        const double common_Phi_V_I_inh = shared ? *k.Phi_V_I_inh : 0.0;
                        const double common_Phi_I_exc_I_exc = shared ? *k.Phi_I_exc_I_exc : 0.0;
                        const double common_Phi_I_inh_I_inh = shared ? *k.Phi_I_inh_I_inh : 0.0;
                        const double dt = k.dt;
                        (void)dt;
                        {
                            {
                                double V_next, I_exc_next, I_inh_next;
                                model_inh_jump(V, I_exc, I_inh, weight[l], &V_next, &I_exc_next, &I_inh_next);
                                I_inh = I_inh_next;
                            }
                            double Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, Psi_I_exc_V, Psi_I_inh_V;
                            if (shared) {
                                Phi_V_V = common_Phi_V_V;
                                Phi_V_I_exc = common_Phi_V_I_exc;
                                Phi_V_I_inh = common_Phi_V_I_inh;
                                Phi_I_exc_I_exc = common_Phi_I_exc_I_exc;
                                Phi_I_inh_I_inh = common_Phi_I_inh_I_inh;
                            } else if (terms != 0) {
                                model_propagator_near(terms, dt, p.tau_mem[from + l], p.per_tau_mem[from + l], p.per_tau_exc[from + l], p.per_tau_inh[from + l], &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V);
                            } else {
                                model_propagator(dt, p.tau_mem[from + l], p.per_tau_mem[from + l], p.per_tau_exc[from + l], p.per_tau_inh[from + l], &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V);
                            }
                            double V_next, I_exc_next, I_inh_next;
                            model_advance(V, I_exc, I_inh, Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, &V_next, &I_exc_next, &I_inh_next);
                            if (shared) {
                                const double shrink = w->shrink[e + j], length = w->length[e + j];
                                int may_cross;
                                {
                                    double a0, a1, a2;
                                    {
                                        double u_0;
                                        model_ladder_0(V, p.theta[from + l], &u_0);
                                        a0 = u_0;
                                        double u_1;
                                        model_ladder_1(V, I_exc, I_inh, p.per_tau_mem[from + l], &u_1);
                                        a1 = u_1;
                                        double u_2;
                                        model_ladder_2(I_exc, I_inh, p.tau_exc[from + l], p.tau_inh[from + l], p.per_tau_mem[from + l], p.per_tau_exc[from + l], p.per_tau_inh[from + l], &u_2);
                                        a2 = u_2;
                                    }
                                    double b0, b1, b2;
                                    {
                                        double u_0;
                                        model_ladder_0(V_next, p.theta[from + l], &u_0);
                                        b0 = u_0;
                                        double u_1;
                                        model_ladder_1(V_next, I_exc_next, I_inh_next, p.per_tau_mem[from + l], &u_1);
                                        b1 = u_1;
                                        double u_2;
                                        model_ladder_2(I_exc_next, I_inh_next, p.tau_exc[from + l], p.tau_inh[from + l], p.per_tau_mem[from + l], p.per_tau_exc[from + l], p.per_tau_inh[from + l], &u_2);
                                        b2 = u_2;
                                    }
                                    const int steady = (((a2 < 0.0) == (b2 < 0.0)) & ((b2 != 0.0) | (a2 == 0.0)));
                                    const int concave = (a2 < 0.0) | (b2 < 0.0);
                                    may_cross = (b0 >= 0.0) | !steady | (concave & arches(a0, a1, b0, b1, shrink, length));
                                }
                                may |= may_cross;
                            } else {
                                double rate;
                                {
                                    double u_1_rate;
                                    model_ladder_1_rate(p.per_tau_mem[from + l], &u_1_rate);
                                    rate = u_1_rate;
                                }
                                const double shrink = saltus_exp_near(terms, -dt * rate);
                                int may_cross;
                                {
                                    double a0, a1, a2;
                                    {
                                        double u_0;
                                        model_ladder_0(V, p.theta[from + l], &u_0);
                                        a0 = u_0;
                                        double u_1;
                                        model_ladder_1(V, I_exc, I_inh, p.per_tau_mem[from + l], &u_1);
                                        a1 = u_1;
                                        double u_2;
                                        model_ladder_2(I_exc, I_inh, p.tau_exc[from + l], p.tau_inh[from + l], p.per_tau_mem[from + l], p.per_tau_exc[from + l], p.per_tau_inh[from + l], &u_2);
                                        a2 = u_2;
                                    }
                                    double b0, b1, b2;
                                    {
                                        double u_0;
                                        model_ladder_0(V_next, p.theta[from + l], &u_0);
                                        b0 = u_0;
                                        double u_1;
                                        model_ladder_1(V_next, I_exc_next, I_inh_next, p.per_tau_mem[from + l], &u_1);
                                        b1 = u_1;
                                        double u_2;
                                        model_ladder_2(I_exc_next, I_inh_next, p.tau_exc[from + l], p.tau_inh[from + l], p.per_tau_mem[from + l], p.per_tau_exc[from + l], p.per_tau_inh[from + l], &u_2);
                                        b2 = u_2;
                                    }
                                    const int steady = (((a2 < 0.0) == (b2 < 0.0)) & ((b2 != 0.0) | (a2 == 0.0)));
                                    const int concave = (a2 < 0.0) | (b2 < 0.0);
                                    may_cross = (b0 >= 0.0) | !steady | (concave & arches(a0, a1, b0, b1, shrink, (1.0 - shrink) / rate));
                                }
                                may |= may_cross;
                            }
                            V = V_next;
                            I_exc = I_exc_next;
                            I_inh = I_inh_next;
                        }
                    }
                    crosses[l] = may & pending[l];
                    then_V[l] = V;
                    then_I_exc[l] = I_exc;
                    then_I_inh[l] = I_inh;
                }
                for (int l = width; l < LANES; l++) crosses[l] = 0;
                if (bits_of(crosses)) break;
                for (int l = 0; l < width; l++) {
                    now_V[l] = then_V[l];
                    now_I_exc[l] = then_I_exc[l];
                    now_I_inh[l] = then_I_inh[l];
                }
                e += 8;
            }
            while (e + 1 <= last && can_skim(shared, terms, g, w, row, e, 1, receptor)) {
                const double *row_of[1];
                for (int j = 0; j < 1; j++) row_of[j] = g->weights + (int64_t)row[e - 1 + j] * g->n_pad + from;
    #pragma omp simd
                for (int l = 0; l < width; l++) {
                    double V = now_V[l], I_exc = now_I_exc[l], I_inh = now_I_inh[l];
                    int may = 0;
    #pragma GCC unroll 1
                    for (int j = 0; j < 1; j++) {
                        const double *restrict weight = row_of[j];
                        const entries_view k = stretch(shared, g, w, e + j);
                        const double common_Phi_V_V = shared ? *k.Phi_V_V : 0.0;
                        const double common_Phi_V_I_exc = shared ? *k.Phi_V_I_exc : 0.0;
                        const double common_Phi_V_I_inh = shared ? *k.Phi_V_I_inh : 0.0;
                        const double common_Phi_I_exc_I_exc = shared ? *k.Phi_I_exc_I_exc : 0.0;
                        const double common_Phi_I_inh_I_inh = shared ? *k.Phi_I_inh_I_inh : 0.0;
                        const double dt = k.dt;
                        (void)dt;
                        {
                            {
                                double V_next, I_exc_next, I_inh_next;
                                model_inh_jump(V, I_exc, I_inh, weight[l], &V_next, &I_exc_next, &I_inh_next);
                                I_inh = I_inh_next;
                            }
                            double Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, Psi_I_exc_V, Psi_I_inh_V;
                            if (shared) {
                                Phi_V_V = common_Phi_V_V;
                                Phi_V_I_exc = common_Phi_V_I_exc;
                                Phi_V_I_inh = common_Phi_V_I_inh;
                                Phi_I_exc_I_exc = common_Phi_I_exc_I_exc;
                                Phi_I_inh_I_inh = common_Phi_I_inh_I_inh;
                            } else if (terms != 0) {
                                model_propagator_near(terms, dt, p.tau_mem[from + l], p.per_tau_mem[from + l], p.per_tau_exc[from + l], p.per_tau_inh[from + l], &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V);
                            } else {
                                model_propagator(dt, p.tau_mem[from + l], p.per_tau_mem[from + l], p.per_tau_exc[from + l], p.per_tau_inh[from + l], &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V);
                            }
                            double V_next, I_exc_next, I_inh_next;
                            model_advance(V, I_exc, I_inh, Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, &V_next, &I_exc_next, &I_inh_next);
                            if (shared) {
                                const double shrink = w->shrink[e + j], length = w->length[e + j];
                                int may_cross;
                                {
                                    double a0, a1, a2;
                                    {
                                        double u_0;
                                        model_ladder_0(V, p.theta[from + l], &u_0);
                                        a0 = u_0;
                                        double u_1;
                                        model_ladder_1(V, I_exc, I_inh, p.per_tau_mem[from + l], &u_1);
                                        a1 = u_1;
                                        double u_2;
                                        model_ladder_2(I_exc, I_inh, p.tau_exc[from + l], p.tau_inh[from + l], p.per_tau_mem[from + l], p.per_tau_exc[from + l], p.per_tau_inh[from + l], &u_2);
                                        a2 = u_2;
                                    }
                                    double b0, b1, b2;
                                    {
                                        double u_0;
                                        model_ladder_0(V_next, p.theta[from + l], &u_0);
                                        b0 = u_0;
                                        double u_1;
                                        model_ladder_1(V_next, I_exc_next, I_inh_next, p.per_tau_mem[from + l], &u_1);
                                        b1 = u_1;
                                        double u_2;
                                        model_ladder_2(I_exc_next, I_inh_next, p.tau_exc[from + l], p.tau_inh[from + l], p.per_tau_mem[from + l], p.per_tau_exc[from + l], p.per_tau_inh[from + l], &u_2);
                                        b2 = u_2;
                                    }
                                    const int steady = (((a2 < 0.0) == (b2 < 0.0)) & ((b2 != 0.0) | (a2 == 0.0)));
                                    const int concave = (a2 < 0.0) | (b2 < 0.0);
                                    may_cross = (b0 >= 0.0) | !steady | (concave & arches(a0, a1, b0, b1, shrink, length));
                                }
                                may |= may_cross;
                            } else {
                                double rate;
                                {
                                    double u_1_rate;
                                    model_ladder_1_rate(p.per_tau_mem[from + l], &u_1_rate);
                                    rate = u_1_rate;
                                }
                                const double shrink = saltus_exp_near(terms, -dt * rate);
                                int may_cross;
                                {
                                    double a0, a1, a2;
                                    {
                                        double u_0;
                                        model_ladder_0(V, p.theta[from + l], &u_0);
                                        a0 = u_0;
                                        double u_1;
                                        model_ladder_1(V, I_exc, I_inh, p.per_tau_mem[from + l], &u_1);
                                        a1 = u_1;
                                        double u_2;
                                        model_ladder_2(I_exc, I_inh, p.tau_exc[from + l], p.tau_inh[from + l], p.per_tau_mem[from + l], p.per_tau_exc[from + l], p.per_tau_inh[from + l], &u_2);
                                        a2 = u_2;
                                    }
                                    double b0, b1, b2;
                                    {
                                        double u_0;
                                        model_ladder_0(V_next, p.theta[from + l], &u_0);
                                        b0 = u_0;
                                        double u_1;
                                        model_ladder_1(V_next, I_exc_next, I_inh_next, p.per_tau_mem[from + l], &u_1);
                                        b1 = u_1;
                                        double u_2;
                                        model_ladder_2(I_exc_next, I_inh_next, p.tau_exc[from + l], p.tau_inh[from + l], p.per_tau_mem[from + l], p.per_tau_exc[from + l], p.per_tau_inh[from + l], &u_2);
                                        b2 = u_2;
                                    }
                                    const int steady = (((a2 < 0.0) == (b2 < 0.0)) & ((b2 != 0.0) | (a2 == 0.0)));
                                    const int concave = (a2 < 0.0) | (b2 < 0.0);
                                    may_cross = (b0 >= 0.0) | !steady | (concave & arches(a0, a1, b0, b1, shrink, (1.0 - shrink) / rate));
                                }
                                may |= may_cross;
                            }
                            V = V_next;
                            I_exc = I_exc_next;
                            I_inh = I_inh_next;
                        }
                    }
                    crosses[l] = may & pending[l];
                    then_V[l] = V;
                    then_I_exc[l] = I_exc;
                    then_I_inh[l] = I_inh;
                }
                for (int l = width; l < LANES; l++) crosses[l] = 0;
                if (bits_of(crosses)) break;
                for (int l = 0; l < width; l++) {
                    now_V[l] = then_V[l];
                    now_I_exc[l] = then_I_exc[l];
                    now_I_inh[l] = then_I_inh[l];
                }
                e += 1;
            }
        } else { /* they have spiked as often as they may */
            while (e + 8 <= last && can_skim(shared, terms, g, w, row, e, 8, receptor)) {
                const double *row_of[8];
                for (int j = 0; j < 8; j++) row_of[j] = g->weights + (int64_t)row[e - 1 + j] * g->n_pad + from;
    #pragma omp simd
                for (int l = 0; l < width; l++) {
                    double V = now_V[l], I_exc = now_I_exc[l], I_inh = now_I_inh[l];
    #pragma GCC unroll 8
                    for (int j = 0; j < 8; j++) {
                        const double *restrict weight = row_of[j];
                        const entries_view k = stretch(shared, g, w, e + j);
                        const double common_Phi_V_V = shared ? *k.Phi_V_V : 0.0;
                        const double common_Phi_V_I_exc = shared ? *k.Phi_V_I_exc : 0.0;
                        const double common_Phi_V_I_inh = shared ? *k.Phi_V_I_inh : 0.0;
                        const double common_Phi_I_exc_I_exc = shared ? *k.Phi_I_exc_I_exc : 0.0;
                        const double common_Phi_I_inh_I_inh = shared ? *k.Phi_I_inh_I_inh : 0.0;
                        const double dt = k.dt;
                        (void)dt;
                        {
                            {
                                double V_next, I_exc_next, I_inh_next;
                                model_inh_jump(V, I_exc, I_inh, weight[l], &V_next, &I_exc_next, &I_inh_next);
                                I_inh = I_inh_next;
                            }
                            double Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, Psi_I_exc_V, Psi_I_inh_V;
                            if (shared) {
                                Phi_V_V = common_Phi_V_V;
                                Phi_V_I_exc = common_Phi_V_I_exc;
                                Phi_V_I_inh = common_Phi_V_I_inh;
                                Phi_I_exc_I_exc = common_Phi_I_exc_I_exc;
                                Phi_I_inh_I_inh = common_Phi_I_inh_I_inh;
                            } else if (terms != 0) {
                                model_propagator_near(terms, dt, p.tau_mem[from + l], p.per_tau_mem[from + l], p.per_tau_exc[from + l], p.per_tau_inh[from + l], &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V);
                            } else {
                                model_propagator(dt, p.tau_mem[from + l], p.per_tau_mem[from + l], p.per_tau_exc[from + l], p.per_tau_inh[from + l], &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V);
                            }
                            double V_next, I_exc_next, I_inh_next;
                            model_advance(V, I_exc, I_inh, Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, &V_next, &I_exc_next, &I_inh_next);
                            V = V_next;
                            I_exc = I_exc_next;
                            I_inh = I_inh_next;
                        }
                    }
                    then_V[l] = V;
                    then_I_exc[l] = I_exc;
                    then_I_inh[l] = I_inh;
                }
                for (int l = 0; l < width; l++) {
                    now_V[l] = then_V[l];
                    now_I_exc[l] = then_I_exc[l];
                    now_I_inh[l] = then_I_inh[l];
                }
                e += 8;
            }
            while (e + 1 <= last && can_skim(shared, terms, g, w, row, e, 1, receptor)) {
                const double *row_of[1];
                for (int j = 0; j < 1; j++) row_of[j] = g->weights + (int64_t)row[e - 1 + j] * g->n_pad + from;
    #pragma omp simd
                for (int l = 0; l < width; l++) {
                    double V = now_V[l], I_exc = now_I_exc[l], I_inh = now_I_inh[l];
    #pragma GCC unroll 1
                    for (int j = 0; j < 1; j++) {
                        const double *restrict weight = row_of[j];
                        const entries_view k = stretch(shared, g, w, e + j);
                        const double common_Phi_V_V = shared ? *k.Phi_V_V : 0.0;
                        const double common_Phi_V_I_exc = shared ? *k.Phi_V_I_exc : 0.0;
                        const double common_Phi_V_I_inh = shared ? *k.Phi_V_I_inh : 0.0;
                        const double common_Phi_I_exc_I_exc = shared ? *k.Phi_I_exc_I_exc : 0.0;
                        const double common_Phi_I_inh_I_inh = shared ? *k.Phi_I_inh_I_inh : 0.0;
                        const double dt = k.dt;
                        (void)dt;
                        {
                            {
                                double V_next, I_exc_next, I_inh_next;
                                model_inh_jump(V, I_exc, I_inh, weight[l], &V_next, &I_exc_next, &I_inh_next);
                                I_inh = I_inh_next;
                            }
                            double Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, Psi_I_exc_V, Psi_I_inh_V;
                            if (shared) {
                                Phi_V_V = common_Phi_V_V;
                                Phi_V_I_exc = common_Phi_V_I_exc;
                                Phi_V_I_inh = common_Phi_V_I_inh;
                                Phi_I_exc_I_exc = common_Phi_I_exc_I_exc;
                                Phi_I_inh_I_inh = common_Phi_I_inh_I_inh;
                            } else if (terms != 0) {
                                model_propagator_near(terms, dt, p.tau_mem[from + l], p.per_tau_mem[from + l], p.per_tau_exc[from + l], p.per_tau_inh[from + l], &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V);
                            } else {
                                model_propagator(dt, p.tau_mem[from + l], p.per_tau_mem[from + l], p.per_tau_exc[from + l], p.per_tau_inh[from + l], &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V);
                            }
                            double V_next, I_exc_next, I_inh_next;
                            model_advance(V, I_exc, I_inh, Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, &V_next, &I_exc_next, &I_inh_next);
                            V = V_next;
                            I_exc = I_exc_next;
                            I_inh = I_inh_next;
                        }
                    }
                    then_V[l] = V;
                    then_I_exc[l] = I_exc;
                    then_I_inh[l] = I_inh;
                }
                for (int l = 0; l < width; l++) {
                    now_V[l] = then_V[l];
                    now_I_exc[l] = then_I_exc[l];
                    now_I_inh[l] = then_I_inh[l];
                }
                e += 1;
            }
        }
        break;
    default: break;
    }
    (void)p, (void)last, (void)crosses, (void)pending;
    for (int l = 0; l < LANES; l++) {
        w->x_end.V[from + l] = now_V[l];
        w->x_end.I_exc[from + l] = now_I_exc[l];
        w->x_end.I_inh[from + l] = now_I_inh[l];
    }
    return e;
}

/* The same for everyone, until one of them all may cross: w->x. */
SALTUS_INLINE int skim_of(const int shared, const int terms, const saltus_group *g, workspace *w, const int32_t *row, int e,
                          int events)
{
    int last = events + 1, from = 0;
    while (from < g->n_pad && last > e) {
        const int reached = g->n <= 4 ? skim_some(shared, terms, 4, g, w, row, from, e, last)
                                      : skim_some(shared, terms, LANES, g, w, row, from, e, last);
        from = reached < last && from > 0 ? 0 : from + LANES; /* those before have gone too far */
        last = reached;
    }
    if (last == e) return e;
    const states_view swap = w->x;
    w->x = w->x_end;
    w->x_end = swap;
    return last;
}

SALTUS_APART int skim_shared(const saltus_group *g, workspace *w, const int32_t *row, int e, int events)
{
    return skim_of(1, 0, g, w, row, e, events);
}

/* Where neurons have their own propagators, over stretches that are short. */
SALTUS_APART int skim_own(const saltus_group *g, workspace *w, const int32_t *row, int e, int events)
{
    return skim_of(0, SALTUS_SHORT, g, w, row, e, events);
}

/* One sample forward. */
SALTUS_INLINE int forward_sample(const int shared, const saltus_group *g, const saltus_events *in, saltus_spikes *out,
                                 double *final, double *record, workspace *w, int32_t sample, saltus_status *status)
{
    const int events = in->count[sample];
    const int64_t first = in->start[sample];
    const double *restrict time = in->time + first;
    const int32_t *restrict row = in->row + first;
    int spikes = 0;
    memset(w->count, 0, sizeof(int32_t) * (size_t)g->n_pad);
    if (begin_below(g, w, sample, status)) return status->code;
    measure(shared, g, time, events, events, w);
    if (shared) shrink_all(w, events);
    const int few = record == NULL && g->n <= FEW;
    for (int e = 0; e <= events; e++) {
        if (few && e > 0) e = shared ? skim_shared(g, w, row, e, events) : skim_own(g, w, row, e, events);
        if (e > events) break;
        const double origin = e > 0 ? time[e - 1] : 0.0;
        const pending start = e > 0 && row[e - 1] >= 0
                                  ? (pending){g->receptor[row[e - 1]], g->weights + (int64_t)row[e - 1] * g->n_pad}
                                  : (pending){-1, NULL};
        {
            if (start.receptor >= 0) arrive(g, w, start.receptor, start.weight);
            if (e > 0 && record != NULL) {
                double *const rows[] = { w->x.V, w->x.I_exc, w->x.I_inh };
                write_record(g, record, first + e - 1, rows);
            }
            if (w->dt[e] == 0.0) continue;
            const int queued = step_interval(shared, g, w, e), begun = spikes;
            if (queued > 0) spikes = cross_alone(g, out, w, queued, NULL, origin, w->dt[e], e, spikes, sample, status);
            if (spikes < 0) return status->code;
            if (spikes > begun) put_back(w, queued, w->ahead, w->x_end);
        }
        const states_view swap = w->x;
        w->x = w->x_end;
        w->x_end = swap;
        if (spikes == g->n * g->max_spikes && g->max_spikes > 0 && final == NULL && record == NULL) break; /* nothing is left to happen */
    }
    out->count[sample] = spikes;
    if (final != NULL) {
        double *const rows[] = { w->x.V, w->x.I_exc, w->x.I_inh };
        write_record(g, final, sample, rows);
    }
    return DONE;
}

/* Everyone from event to event; who spikes in between goes there alone. */
SALTUS_APART void trace_all(int shared, const saltus_group *g, const saltus_events *in, const saltus_spikes *out, int used, int all,
                               const workspace *w, int32_t sample)
{
    const int events = in->count[sample], pad = g->n_pad;
    const int32_t *restrict row = in->row + in->start[sample];
    const double *restrict event = in->time + in->start[sample];
    const int64_t base = out->start[sample];
    if (shared) differentiate(w, events);
    for (int n = 0; n < pad; n++) w->latest[n] = -1;
    for (int e = 0, i = 0; e <= events && (i < used || all); e++) {
        int many = 0; /* of them */
        for (; i < used && out->after[base + i] == e; i++) {
            const int n = out->neuron[base + i];
            if (w->latest[n] != e) {
                w->latest[n] = e;
                w->from[n] = e > 0 ? event[e - 1] : 0.0;
                w->who[many++] = n;
            }
            step_tangents_own(w, own_propagators(w, out->time[base + i] - w->from[n]), 0, n, n + 1);
            emit_tangents(out, base, i, w);
            w->from[n] = out->time[base + i];
        }
        for (int j = 0; j < many; j++) {
            const int n = w->who[j];
            step_tangents_own(w, own_propagators(w, (e < events ? event[e] : g->horizon) - w->from[n]), 0, n, n + 1);
            exchange(w, n);
        }
        if (w->dt[e] > 0.0) step_tangents(shared, g, w, e);
        for (int j = 0; j < many; j++) exchange(w, w->who[j]);
        if (e < events && row[e] >= 0) arrive_at(w, g->receptor[row[e]], g->weights + (int64_t)row[e] * pad, 0, pad);
    }
}

/* ---- Backward a vector of neurons at a time: forward, with the derivatives, from event or spike of theirs to the next, up to the
 * last spike in use; then back the same way, by the propagators kept. */

/* Steps the vector from this neuron on and its derivatives by a stretch, and keeps what adjoints take of its propagators. */
SALTUS_INLINE void step_vector_of(const int shared, const int terms, const workspace *w, entries_view k, int from, double *keep)
{
    const states_view x = w->x;
    const parameters_view p = w->p;
    const tangents_view z = w->z;
    const double dt = k.dt;
    double *restrict kept_Phi_V_V = keep + 0 * LANES;
    double *restrict kept_Phi_I_exc_I_exc = keep + 1 * LANES;
    double *restrict kept_Phi_I_inh_I_inh = keep + 2 * LANES;
    double *restrict kept_Psi_I_exc_V = keep + 3 * LANES;
    double *restrict kept_Psi_I_inh_V = keep + 4 * LANES;
    (void)shared, (void)p, (void)dt, (void)keep;
#pragma omp simd
    for (int l = 0; l < LANES; l++) {
        const int n = from + l;
        double Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, Psi_I_exc_V, Psi_I_inh_V, Phi_V_V_tau_mem, Phi_V_I_exc_tau_mem, Phi_V_I_inh_tau_mem, Phi_V_I_exc_tau_exc, Phi_I_exc_I_exc_tau_exc, Phi_V_I_inh_tau_inh, Phi_I_inh_I_inh_tau_inh;
        if (terms != 0) {
            model_motion_near(terms, dt, p.tau_mem[n], p.per_tau_mem[n], p.per_tau_exc[n], p.per_tau_inh[n], &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V, &Phi_V_V_tau_mem, &Phi_V_I_exc_tau_mem, &Phi_V_I_inh_tau_mem, &Phi_V_I_exc_tau_exc, &Phi_I_exc_I_exc_tau_exc, &Phi_V_I_inh_tau_inh, &Phi_I_inh_I_inh_tau_inh);
        } else {
            model_propagator(dt, p.tau_mem[n], p.per_tau_mem[n], p.per_tau_exc[n], p.per_tau_inh[n], &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V);
            model_sensitivity(dt, p.tau_mem[n], p.per_tau_mem[n], p.per_tau_exc[n], p.per_tau_inh[n], &Phi_V_V_tau_mem, &Phi_V_I_exc_tau_mem, &Phi_V_I_inh_tau_mem, &Phi_V_I_exc_tau_exc, &Phi_I_exc_I_exc_tau_exc, &Phi_V_I_inh_tau_inh, &Phi_I_inh_I_inh_tau_inh);
        }
        kept_Phi_V_V[l] = Phi_V_V;
        kept_Phi_I_exc_I_exc[l] = Phi_I_exc_I_exc;
        kept_Phi_I_inh_I_inh[l] = Phi_I_inh_I_inh;
        kept_Psi_I_exc_V[l] = Psi_I_exc_V;
        kept_Psi_I_inh_V[l] = Psi_I_inh_V;
        const double V__tau_mem = z.V__tau_mem[n], V__tau_exc = z.V__tau_exc[n], I_exc__tau_exc = z.I_exc__tau_exc[n], V__tau_inh = z.V__tau_inh[n], I_inh__tau_inh = z.I_inh__tau_inh[n];
        double V__tau_mem_next, V__tau_exc_next, I_exc__tau_exc_next, V__tau_inh_next, I_inh__tau_inh_next;
        model_tangents(Phi_V_V, V__tau_mem, Phi_V_V_tau_mem, x.V[n], Phi_V_I_exc_tau_mem, x.I_exc[n], Phi_V_I_inh_tau_mem, x.I_inh[n], V__tau_exc, Phi_V_I_exc, I_exc__tau_exc, Phi_V_I_exc_tau_exc, Phi_I_exc_I_exc, Phi_I_exc_I_exc_tau_exc, V__tau_inh, Phi_V_I_inh, I_inh__tau_inh, Phi_V_I_inh_tau_inh, Phi_I_inh_I_inh, Phi_I_inh_I_inh_tau_inh, &V__tau_mem_next, &V__tau_exc_next, &I_exc__tau_exc_next, &V__tau_inh_next, &I_inh__tau_inh_next);
        double V_next, I_exc_next, I_inh_next;
        model_advance(x.V[n], x.I_exc[n], x.I_inh[n], Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, &V_next, &I_exc_next, &I_inh_next);
        x.V[n] = V_next;
        x.I_exc[n] = I_exc_next;
        x.I_inh[n] = I_inh_next;
        z.V__tau_mem[n] = V__tau_mem_next;
        z.V__tau_exc[n] = V__tau_exc_next;
        z.I_exc__tau_exc[n] = I_exc__tau_exc_next;
        z.V__tau_inh[n] = V__tau_inh_next;
        z.I_inh__tau_inh[n] = I_inh__tau_inh_next;
    }
}

SALTUS_APART void step_vector_6(const workspace *w, entries_view k, int from, double *keep)
{
    step_vector_of(0, 6, w, k, from, keep);
}

SALTUS_APART void step_vector_8(const workspace *w, entries_view k, int from, double *keep)
{
    step_vector_of(0, 8, w, k, from, keep);
}

SALTUS_APART void step_vector_12(const workspace *w, entries_view k, int from, double *keep)
{
    step_vector_of(0, 12, w, k, from, keep);
}

SALTUS_APART void step_vector_15(const workspace *w, entries_view k, int from, double *keep)
{
    step_vector_of(0, 15, w, k, from, keep);
}

SALTUS_APART void step_vector_0(const workspace *w, entries_view k, int from, double *keep)
{
    step_vector_of(0, 0, w, k, from, keep);
}

SALTUS_INLINE void step_vector_own(const workspace *w, entries_view k, int from, double *keep)
{
    switch (k.terms) {
    case 6: step_vector_6(w, k, from, keep); break;
    case 8: step_vector_8(w, k, from, keep); break;
    case 12: step_vector_12(w, k, from, keep); break;
    case 15: step_vector_15(w, k, from, keep); break;
    default: step_vector_0(w, k, from, keep);
    }
}

/* Spike i of the slab's part from `base` on, of one of the vector: how its time moves, and what is reset. */
SALTUS_INLINE void emit_vector(const saltus_spikes *out, int64_t base, int i, const workspace *w, int from)
{
    const states_view x = w->x;
    const tangents_view z = w->z;
    const int64_t n = out->neuron[base + i], lane = n - from;
    const double V__tau_mem = z.V__tau_mem[n];
    const double V__tau_exc = z.V__tau_exc[n];
    const double I_exc__tau_exc = z.I_exc__tau_exc[n];
    const double V__tau_inh = z.V__tau_inh[n];
    const double I_inh__tau_inh = z.I_inh__tau_inh[n];
    double moved_tau_mem, moved_tau_exc, moved_tau_inh, V__tau_mem_next, V__tau_exc_next, V__tau_inh_next;
    model_spike_tangents(V__tau_mem, out->slope[base + i], V__tau_exc, V__tau_inh, &moved_tau_mem, &moved_tau_exc, &moved_tau_inh, &V__tau_mem_next, &V__tau_exc_next, &V__tau_inh_next);
    double V_next, I_exc_next, I_inh_next;
    model_reset(x.I_exc[n], x.I_inh[n], w->p.v_reset[n], &V_next, &I_exc_next, &I_inh_next);
    double scale_tau_mem, scale_tau_exc, scale_tau_inh;
    model_scale(w->p.per_tau_mem[n], w->p.per_tau_exc[n], w->p.per_tau_inh[n], &scale_tau_mem, &scale_tau_exc, &scale_tau_inh);
    w->moved.tau_mem[i] = scale_tau_mem * moved_tau_mem;
    w->moved.tau_exc[i] = scale_tau_exc * moved_tau_exc;
    w->moved.tau_inh[i] = scale_tau_inh * moved_tau_inh;
#pragma omp simd
    for (int64_t l = 0; l < LANES; l++) {
        x.V[from + l] = l == lane ? V_next : x.V[from + l];
    }
#pragma omp simd
    for (int64_t l = 0; l < LANES; l++) {
        z.V__tau_mem[from + l] = l == lane ? V__tau_mem_next : z.V__tau_mem[from + l];
        z.V__tau_exc[from + l] = l == lane ? V__tau_exc_next : z.V__tau_exc[from + l];
        z.V__tau_inh[from + l] = l == lane ? V__tau_inh_next : z.V__tau_inh[from + l];
    }
    (void)lane, (void)V__tau_mem, (void)V__tau_exc, (void)I_exc__tau_exc, (void)V__tau_inh, (void)I_inh__tau_inh;
}

/* Forward from this spike of the vector on; later: the next one of each. Returns how much has happened. */
static int course_of(const saltus_group *g, const saltus_events *in, const saltus_spikes *out, int i, const int32_t *restrict later,
                     int all, const workspace *w, int from, int32_t sample)
{
    const int events = in->count[sample];
    const int32_t *restrict row = in->row + in->start[sample];
    const double *restrict event = in->time + in->start[sample];
    const int64_t base = out->start[sample];
    double now = 0.0, *keep = w->kept;
    int many = 0;
    for (int e = 0; i >= 0 || all;) {
        const int spikes = i >= 0 && out->after[base + i] == e, ends = !spikes && e == events;
        const double until = spikes ? out->time[base + i] : ends ? g->horizon : event[e];
        w->course[many++] = (happening){spikes ? i : ends || row[e] < 0 ? -1 : e, (int16_t)spikes, until > now};
        if (until > now) {
            step_vector_own(w, own_propagators(w, until - now), from, keep);
            keep += 5 * LANES;
        }
        now = until;
        if (ends) break;
        if (spikes) {
            emit_vector(out, base, i, w, from);
            i = later[i];
            continue;
        }
        if (row[e] >= 0) arrive_at(w, g->receptor[row[e]], g->weights + (int64_t)row[e] * g->n_pad, from, from + LANES);
        e++;
    }
    return many;
}

/* The adjoints of the vector a stretch earlier. */
SALTUS_INLINE void step_vector_back(const workspace *w, int from, const double *keep)
{
    const adjoints_view y = w->y;
    const double *restrict kept_Phi_V_V = keep + 0 * LANES;
    const double *restrict kept_Phi_I_exc_I_exc = keep + 1 * LANES;
    const double *restrict kept_Phi_I_inh_I_inh = keep + 2 * LANES;
    const double *restrict kept_Psi_I_exc_V = keep + 3 * LANES;
    const double *restrict kept_Psi_I_inh_V = keep + 4 * LANES;
    (void)keep;
#pragma omp simd
    for (int l = 0; l < LANES; l++) {
        const int n = from + l;
        double lambda_V_next, lambda_I_exc_next, lambda_I_inh_next;
        model_adjoint(y.lambda_V[n], y.lambda_I_exc[n], y.lambda_I_inh[n], kept_Phi_V_V[l], kept_Phi_I_exc_I_exc[l], kept_Phi_I_inh_I_inh[l], kept_Psi_I_exc_V[l], kept_Psi_I_inh_V[l], &lambda_V_next, &lambda_I_exc_next, &lambda_I_inh_next);
        y.lambda_V[n] = lambda_V_next;
        y.lambda_I_exc[n] = lambda_I_exc_next;
        y.lambda_I_inh[n] = lambda_I_inh_next;
    }
}

/* The same in reverse time, and what the spike gives to its neuron's parameters. */
SALTUS_INLINE void emit_vector_back(const saltus_group *g, const saltus_spikes *out, const saltus_cotangent *cotangent, int64_t base,
                                    int i, const gradients_view *total, const workspace *w, int from)
{
    const adjoints_view y = w->y;
    const int64_t spikes = g->batch * out->capacity, n = out->neuron[base + i], lane = n - from;
    double sensitivity, lambda_V_next, lambda_I_exc_next, lambda_I_inh_next;
    model_emission_adjoint(out->state[0 * spikes + base + i], out->state[1 * spikes + base + i], out->state[2 * spikes + base + i], y.lambda_V[n], y.lambda_I_exc[n], y.lambda_I_inh[n], cotangent->time[base + i], w->p.v_reset[n], &sensitivity, &lambda_V_next, &lambda_I_exc_next, &lambda_I_inh_next);
    total->tau_mem[n] += sensitivity * w->moved.tau_mem[i];
    total->tau_exc[n] += sensitivity * w->moved.tau_exc[i];
    total->tau_inh[n] += sensitivity * w->moved.tau_inh[i];
    double grad_theta, grad_v_reset;
    model_emission_parameters(out->state[0 * spikes + base + i], out->state[1 * spikes + base + i], out->state[2 * spikes + base + i], y.lambda_V[n], sensitivity, w->p.tau_mem[n], &grad_theta, &grad_v_reset);
    total->theta[n] += grad_theta;
    total->v_reset[n] += grad_v_reset;
#pragma omp simd
    for (int64_t l = 0; l < LANES; l++) {
        y.lambda_V[from + l] = l == lane ? lambda_V_next : y.lambda_V[from + l];
    }
    (void)spikes, (void)lane;
}

/* An arrival at the vector, in reverse time; gain: what its weights gain, NULL: not wanted; credits: what its lanes add up. */
SALTUS_INLINE void depart_vector(const workspace *w, int32_t receptor, const double *restrict weight, double *restrict gain,
                                 double *restrict credits, int from)
{
    const adjoints_view y = w->y;
    const parameters_view p = w->p;
    (void)y, (void)p, (void)weight, (void)gain, (void)credits, (void)from; /* a model may have no use for them */
    switch (receptor) {
    case 0: /* exc */
#pragma omp simd
        for (int l = 0; l < LANES; l++) {
            const int n = from + l;
            if (gain != NULL) {
                double grad_w;
                model_exc_weight(y.lambda_I_exc[n], p.tau_exc[n], &grad_w);
                gain[n] += grad_w;
            }
            double credit;
            model_exc_credit(y.lambda_V[n], y.lambda_I_exc[n], &credit);
            credits[l] += weight[n] * credit;
        }
        break;
    case 1: /* inh */
#pragma omp simd
        for (int l = 0; l < LANES; l++) {
            const int n = from + l;
            if (gain != NULL) {
                double grad_w;
                model_inh_weight(y.lambda_I_inh[n], p.tau_inh[n], &grad_w);
                gain[n] += grad_w;
            }
            double credit;
            model_inh_credit(y.lambda_V[n], y.lambda_I_inh[n], &credit);
            credits[l] += weight[n] * credit;
        }
        break;
    default: break;
    }
}

/* One sample backward, where parameters of the flow are learned; into: what weights gain, NULL: not wanted. */
SALTUS_APART void backward_vectors(const saltus_group *g, const saltus_events *in, const saltus_spikes *out, int used,
                                   const saltus_cotangent *cotangent, const saltus_gradient *gradient, const double *final,
                                   double *into, const gradients_view *total, workspace *w, int32_t sample)
{
    const int events = in->count[sample], pad = g->n_pad, times = (gradient->want & WANT_TIMES) != 0;
    const int32_t *restrict row = in->row + in->start[sample];
    const int64_t base = out->start[sample];
    int32_t *restrict next = w->latest, *restrict later = w->holder; /* spike of a vector; and after a spike */
    for (int v = 0; v < pad / LANES; v++) next[v] = -1;
    for (int i = used - 1; i >= 0; i--) {
        const int v = out->neuron[base + i] / LANES;
        later[i] = next[v];
        next[v] = i;
    }
    memset(w->credits, 0, sizeof(double) * (size_t)(events * LANES));
    begin_tangents(g, w);
    for (int from = 0; from < pad; from += LANES) {
        int many = course_of(g, in, out, next[from / LANES], later, final != NULL, w, from, sample);
        const double *keep = w->kept;
        for (int j = 0; j < many; j++) keep += w->course[j].later ? 5 * LANES : 0;
        while (many > 0) {
            const happening last = w->course[--many];
            if (last.spikes) {
                emit_vector_back(g, out, cotangent, base, last.of, total, w, from);
            } else if (last.of >= 0) {
                const int64_t r = row[last.of];
                depart_vector(w, g->receptor[r], g->weights + r * pad, into == NULL ? NULL : into + r * pad, w->credits + last.of * LANES, from);
            }
            if (last.later) step_vector_back(w, from, keep -= 5 * LANES);
        }
    }
    for (int e = 0; times && e < events; e++) {
        const double *restrict each = w->credits + e * LANES;
        gradient->event_time[in->start[sample] + e] = ((each[0] + each[4]) + (each[2] + each[6])) + ((each[1] + each[5]) + (each[3] + each[7]));
    }
    if (final != NULL) end_tangents(g, w, final, total);
    end_adjoint(g, w, total);
}

/* What parameters of the flow do to one sample: the times of the spikes in use, in w->moved, and the states at the end. */
SALTUS_INLINE void trace(const int shared, const saltus_group *g, const saltus_events *in, const saltus_spikes *out, int used,
                         const double *final, const gradients_view *total, workspace *w, int32_t sample)
{
    begin_tangents(g, w);
    trace_all(shared, g, in, out, used, final != NULL, w, sample);
    if (final != NULL) end_tangents(g, w, final, total);
}

/* The adjoints of everyone a stretch earlier. */
SALTUS_INLINE void step_back_of(const int shared, const int terms, const saltus_group *g, const workspace *w, entries_view k)
{
    const adjoints_view y = w->y;
    const parameters_view p = w->p;
    const double common_Phi_V_V = shared ? *k.Phi_V_V : 0.0;
    const double common_Phi_I_exc_I_exc = shared ? *k.Phi_I_exc_I_exc : 0.0;
    const double common_Phi_I_inh_I_inh = shared ? *k.Phi_I_inh_I_inh : 0.0;
    const double common_Psi_I_exc_V = shared ? *k.Psi_I_exc_V : 0.0;
    const double common_Psi_I_inh_V = shared ? *k.Psi_I_inh_V : 0.0;
    const double dt = k.dt;
    (void)dt;
    (void)p;
#pragma omp simd
    for (int n = 0; n < g->n_pad; n++) {
        double Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, Psi_I_exc_V, Psi_I_inh_V;
        if (shared) {
            Phi_V_V = common_Phi_V_V;
            Phi_I_exc_I_exc = common_Phi_I_exc_I_exc;
            Phi_I_inh_I_inh = common_Phi_I_inh_I_inh;
            Psi_I_exc_V = common_Psi_I_exc_V;
            Psi_I_inh_V = common_Psi_I_inh_V;
        } else if (terms != 0) {
            model_propagator_near(terms, dt, p.tau_mem[n], p.per_tau_mem[n], p.per_tau_exc[n], p.per_tau_inh[n], &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V);
        } else {
            model_propagator(dt, p.tau_mem[n], p.per_tau_mem[n], p.per_tau_exc[n], p.per_tau_inh[n], &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V);
        }
        double lambda_V_next, lambda_I_exc_next, lambda_I_inh_next;
        model_adjoint(y.lambda_V[n], y.lambda_I_exc[n], y.lambda_I_inh[n], Phi_V_V, Phi_I_exc_I_exc, Phi_I_inh_I_inh, Psi_I_exc_V, Psi_I_inh_V, &lambda_V_next, &lambda_I_exc_next, &lambda_I_inh_next);
        y.lambda_V[n] = lambda_V_next;
        y.lambda_I_exc[n] = lambda_I_exc_next;
        y.lambda_I_inh[n] = lambda_I_inh_next;
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
    double now_lambda_V[WIDE], now_lambda_I_exc[WIDE], now_lambda_I_inh[WIDE];
    for (int l = 0; l < width; l++) {
        now_lambda_V[l] = w->y.lambda_V[from + l];
        now_lambda_I_exc[l] = w->y.lambda_I_exc[from + l];
        now_lambda_I_inh[l] = w->y.lambda_I_inh[from + l];
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
            const double common_Phi_I_exc_I_exc = shared ? *k.Phi_I_exc_I_exc : 0.0;
            const double common_Phi_I_inh_I_inh = shared ? *k.Phi_I_inh_I_inh : 0.0;
            const double common_Psi_I_exc_V = shared ? *k.Psi_I_exc_V : 0.0;
            const double common_Psi_I_inh_V = shared ? *k.Psi_I_inh_V : 0.0;
            const double dt = k.dt;
            (void)dt;
#pragma omp simd reduction(+ : credits)
            for (int l = 0; l < width; l++) {
                double lambda_V = now_lambda_V[l], lambda_I_exc = now_lambda_I_exc[l], lambda_I_inh = now_lambda_I_inh[l];
                {
                    double Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, Psi_I_exc_V, Psi_I_inh_V;
                    if (shared) {
                        Phi_V_V = common_Phi_V_V;
                        Phi_I_exc_I_exc = common_Phi_I_exc_I_exc;
                        Phi_I_inh_I_inh = common_Phi_I_inh_I_inh;
                        Psi_I_exc_V = common_Psi_I_exc_V;
                        Psi_I_inh_V = common_Psi_I_inh_V;
                    } else if (terms != 0) {
                        model_propagator_near(terms, dt, p.tau_mem[from + l], p.per_tau_mem[from + l], p.per_tau_exc[from + l], p.per_tau_inh[from + l], &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V);
                    } else {
                        model_propagator(dt, p.tau_mem[from + l], p.per_tau_mem[from + l], p.per_tau_exc[from + l], p.per_tau_inh[from + l], &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V);
                    }
                    double lambda_V_next, lambda_I_exc_next, lambda_I_inh_next;
                    model_adjoint(lambda_V, lambda_I_exc, lambda_I_inh, Phi_V_V, Phi_I_exc_I_exc, Phi_I_inh_I_inh, Psi_I_exc_V, Psi_I_inh_V, &lambda_V_next, &lambda_I_exc_next, &lambda_I_inh_next);
                    lambda_V = lambda_V_next;
                    lambda_I_exc = lambda_I_exc_next;
                    lambda_I_inh = lambda_I_inh_next;
                }
                double grad_w;
                model_exc_weight(lambda_I_exc, p.tau_exc[from + l], &grad_w);
                into[l] += grad_w;
                if (credited) {
                    double credit;
                    model_exc_credit(lambda_V, lambda_I_exc, &credit);
                    credits += weight[l] * credit;
                }
                now_lambda_V[l] = lambda_V;
                now_lambda_I_exc[l] = lambda_I_exc;
                now_lambda_I_inh[l] = lambda_I_inh;
            }
            if (credited) times[e - 1] = (from > 0 ? times[e - 1] : 0.0) + credits;
        }
        break;
    case 1: /* inh */
        for (; e > stop && row[e - 1] >= 0 && g->receptor[row[e - 1]] == receptor && (credited || w->dt[e - 1] > 0.0); e--) {
            const int64_t place = (int64_t)row[e - 1] * g->n_pad + from;
            const double *restrict weight = g->weights + place;
            double *restrict into = gain == NULL ? spare : gain + place, credits = 0.0;
            const entries_view k = stretch(shared, g, w, e);
            if (!shared && (k.terms == 0 || k.terms > terms)) break; /* it is long */
            const double common_Phi_V_V = shared ? *k.Phi_V_V : 0.0;
            const double common_Phi_I_exc_I_exc = shared ? *k.Phi_I_exc_I_exc : 0.0;
            const double common_Phi_I_inh_I_inh = shared ? *k.Phi_I_inh_I_inh : 0.0;
            const double common_Psi_I_exc_V = shared ? *k.Psi_I_exc_V : 0.0;
            const double common_Psi_I_inh_V = shared ? *k.Psi_I_inh_V : 0.0;
            const double dt = k.dt;
            (void)dt;
#pragma omp simd reduction(+ : credits)
            for (int l = 0; l < width; l++) {
                double lambda_V = now_lambda_V[l], lambda_I_exc = now_lambda_I_exc[l], lambda_I_inh = now_lambda_I_inh[l];
                {
                    double Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, Psi_I_exc_V, Psi_I_inh_V;
                    if (shared) {
                        Phi_V_V = common_Phi_V_V;
                        Phi_I_exc_I_exc = common_Phi_I_exc_I_exc;
                        Phi_I_inh_I_inh = common_Phi_I_inh_I_inh;
                        Psi_I_exc_V = common_Psi_I_exc_V;
                        Psi_I_inh_V = common_Psi_I_inh_V;
                    } else if (terms != 0) {
                        model_propagator_near(terms, dt, p.tau_mem[from + l], p.per_tau_mem[from + l], p.per_tau_exc[from + l], p.per_tau_inh[from + l], &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V);
                    } else {
                        model_propagator(dt, p.tau_mem[from + l], p.per_tau_mem[from + l], p.per_tau_exc[from + l], p.per_tau_inh[from + l], &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V);
                    }
                    double lambda_V_next, lambda_I_exc_next, lambda_I_inh_next;
                    model_adjoint(lambda_V, lambda_I_exc, lambda_I_inh, Phi_V_V, Phi_I_exc_I_exc, Phi_I_inh_I_inh, Psi_I_exc_V, Psi_I_inh_V, &lambda_V_next, &lambda_I_exc_next, &lambda_I_inh_next);
                    lambda_V = lambda_V_next;
                    lambda_I_exc = lambda_I_exc_next;
                    lambda_I_inh = lambda_I_inh_next;
                }
                double grad_w;
                model_inh_weight(lambda_I_inh, p.tau_inh[from + l], &grad_w);
                into[l] += grad_w;
                if (credited) {
                    double credit;
                    model_inh_credit(lambda_V, lambda_I_inh, &credit);
                    credits += weight[l] * credit;
                }
                now_lambda_V[l] = lambda_V;
                now_lambda_I_exc[l] = lambda_I_exc;
                now_lambda_I_inh[l] = lambda_I_inh;
            }
            if (credited) times[e - 1] = (from > 0 ? times[e - 1] : 0.0) + credits;
        }
        break;
    default: break;
    }
    (void)p, (void)spare, (void)gain, (void)times, (void)stop;
    for (int l = 0; l < width; l++) {
        w->y.lambda_V[from + l] = now_lambda_V[l];
        w->y.lambda_I_exc[from + l] = now_lambda_I_exc[l];
        w->y.lambda_I_inh[from + l] = now_lambda_I_inh[l];
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
    int last = events; /* behind it the adjoints are zero */
    const int64_t base = out->start[sample], total_spikes = g->batch * out->capacity;
    const double *restrict time = out->time + base;
    const int64_t *restrict origin = in->origin == NULL ? NULL : in->origin + first; /* of an event: a spike, if not negative */
    const int32_t *restrict neuron = out->neuron + base, *restrict after = out->after + base;
    int used = out->count[sample];
    if (final == NULL) {
        while (used > 0 && cotangent->time[base + used - 1] == 0.0) used--;
        last = used > 0 ? after[used - 1] : -1;
    }
    const int skims = record == NULL && into_delays == NULL && (g->n <= FEW || !times) && origin == NULL;
    const int moving = (gradient->want & WANT_FLOW) != 0;
    /* a neuron alone takes as long as a vector of them */
    if (moving && record == NULL && into_delays == NULL && origin == NULL && (used > events || (!shared && g->n <= FEW))) {
        backward_vectors(g, in, out, used, cotangent, gradient, final, weights ? into : NULL, &total, w, sample);
        return;
    }
    measure(shared, g, in->time + first, events, moving ? events : last, w);
    if (moving) trace(shared, g, in, out, used, final, &total, w, sample);
    /* gap: from a spike to its neuron's next spike in the interval or to the interval's end; lead: from the interval's
     * begin; order: 1 for a neuron's first spike of the interval */
    for (int n = 0; n < g->n; n++) w->latest[n] = -1;
    for (int i = 0; origin != NULL && i < used; i++) w->owed[i] = 0.0;
    for (int i = used - 1; i >= 0; i--) {
        const int e = after[i], n = neuron[i], next = w->latest[n];
        const double end = e < events ? in->time[first + e] : g->horizon;
        w->gap[i] = (next >= 0 && after[next] == e ? time[next] : end) - time[i];
        w->lead[i] = time[i] - (e > 0 ? in->time[first + e - 1] : 0.0);
        w->order[i] = 1;
        if (next >= 0 && after[next] == e) w->order[next] = 0;
        w->latest[n] = i;
    }
#pragma omp simd
    for (int i = 0; i < used; i++) {
        const int n = shared ? 0 : neuron[i];
        {double Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, Psi_I_exc_V, Psi_I_inh_V;
          model_propagator(w->gap[i], w->p.tau_mem[n], w->p.per_tau_mem[n], w->p.per_tau_exc[n], w->p.per_tau_inh[n], &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V);
          w->k_gap.Phi_V_V[i] = Phi_V_V;
          w->k_gap.Phi_I_exc_I_exc[i] = Phi_I_exc_I_exc;
          w->k_gap.Phi_I_inh_I_inh[i] = Phi_I_inh_I_inh;
          w->k_gap.Psi_I_exc_V[i] = Psi_I_exc_V;
          w->k_gap.Psi_I_inh_V[i] = Psi_I_inh_V;
        }
        {double Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, Psi_I_exc_V, Psi_I_inh_V;
          model_propagator(w->lead[i], w->p.tau_mem[n], w->p.per_tau_mem[n], w->p.per_tau_exc[n], w->p.per_tau_inh[n], &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V);
          w->k_lead.Phi_V_V[i] = Phi_V_V;
          w->k_lead.Phi_I_exc_I_exc[i] = Phi_I_exc_I_exc;
          w->k_lead.Phi_I_inh_I_inh[i] = Phi_I_inh_I_inh;
          w->k_lead.Psi_I_exc_V[i] = Psi_I_exc_V;
          w->k_lead.Psi_I_inh_V[i] = Psi_I_inh_V;
        }
    }
    if (times)
        for (int e = last < 0 ? 0 : last; e < events; e++) gradient->event_time[first + e] = 0.0;
    if (record != NULL)
        for (int e = last < 0 ? 0 : last; e < events; e++)
            memset(record + (first + e) * STATES * pad, 0, sizeof(double) * (size_t)(STATES * pad));
    for (int e = last; e >= 0; e--) {
        int held = 0;
        const int stop = used > 0 ? after[used - 1] : 0;
        if (skims && e > stop + 3 && (times || (w->dt[e - 1] > 0.0 && w->dt[e - 2] > 0.0))) /* it is some way */
            e = shared ? skim_back_shared(g, w, row, weights ? into : NULL, times ? gradient->event_time + first : NULL, e, stop)
                       : skim_back_own(g, w, row, weights ? into : NULL, times ? gradient->event_time + first : NULL, e, stop);
        for (; used > 0 && after[used - 1] == e; used--) { /* the interval's spikes, the last first */
            const int i = used - 1, n = neuron[i];
            const double worth = cotangent->time[base + i] + (origin == NULL ? 0.0 : w->owed[i]);
            {
                double lambda_V_next, lambda_I_exc_next, lambda_I_inh_next;
                model_adjoint(w->y.lambda_V[n], w->y.lambda_I_exc[n], w->y.lambda_I_inh[n], w->k_gap.Phi_V_V[i], w->k_gap.Phi_I_exc_I_exc[i], w->k_gap.Phi_I_inh_I_inh[i], w->k_gap.Psi_I_exc_V[i], w->k_gap.Psi_I_inh_V[i], &lambda_V_next, &lambda_I_exc_next, &lambda_I_inh_next);
                w->y.lambda_V[n] = lambda_V_next;
                w->y.lambda_I_exc[n] = lambda_I_exc_next;
                w->y.lambda_I_inh[n] = lambda_I_inh_next;
            }
            {
                double sensitivity, lambda_V_next, lambda_I_exc_next, lambda_I_inh_next;
                model_emission_adjoint(out->state[0 * total_spikes + base + i], out->state[1 * total_spikes + base + i], out->state[2 * total_spikes + base + i], w->y.lambda_V[n], w->y.lambda_I_exc[n], w->y.lambda_I_inh[n], worth, w->p.v_reset[n], &sensitivity, &lambda_V_next, &lambda_I_exc_next, &lambda_I_inh_next);
                if (moving) total.tau_mem[n] += sensitivity * w->moved.tau_mem[i];
                if (moving) total.tau_exc[n] += sensitivity * w->moved.tau_exc[i];
                if (moving) total.tau_inh[n] += sensitivity * w->moved.tau_inh[i];
                if (parameters) {
                    double grad_theta, grad_v_reset;
                    model_emission_parameters(out->state[0 * total_spikes + base + i], out->state[1 * total_spikes + base + i], out->state[2 * total_spikes + base + i], w->y.lambda_V[n], sensitivity, w->p.tau_mem[n], &grad_theta, &grad_v_reset);
                    total.theta[n] += grad_theta;
                    total.v_reset[n] += grad_v_reset;
                }
                w->y.lambda_V[n] = lambda_V_next;
            }
            if (!w->order[i]) continue;
            {
                double lambda_V_next, lambda_I_exc_next, lambda_I_inh_next;
                model_adjoint(w->y.lambda_V[n], w->y.lambda_I_exc[n], w->y.lambda_I_inh[n], w->k_lead.Phi_V_V[i], w->k_lead.Phi_I_exc_I_exc[i], w->k_lead.Phi_I_inh_I_inh[i], w->k_lead.Psi_I_exc_V[i], w->k_lead.Psi_I_inh_V[i], &lambda_V_next, &lambda_I_exc_next, &lambda_I_inh_next);
                w->held[0 * out->capacity + held] = lambda_V_next;
                w->held[1 * out->capacity + held] = lambda_I_exc_next;
                w->held[2 * out->capacity + held] = lambda_I_inh_next;
            }
            w->holder[held++] = n;
        }
        step_back(shared, g, w, stretch(shared, g, w, e));
        for (int h = 0; h < held; h++) {
            w->y.lambda_V[w->holder[h]] = w->held[0 * out->capacity + h];
            w->y.lambda_I_exc[w->holder[h]] = w->held[1 * out->capacity + h];
            w->y.lambda_I_inh[w->holder[h]] = w->held[2 * out->capacity + h];
        }
        if (e == 0) break;
        if (record != NULL) {
            double *const rows[] = { w->y.lambda_V, w->y.lambda_I_exc, w->y.lambda_I_inh };
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
            if (receptor >= 0 && (times || origin != NULL || ARRIVALS_CHANGE_ADJOINTS))
                credit = depart(g, w, receptor, g->weights + (int64_t)row[e - 1 - j] * pad);
            if (times) gradient->event_time[first + e - 1 - j] = credit;
            if (origin != NULL && origin[e - 1 - j] >= 0) w->owed[origin[e - 1 - j] - base] += credit;
        }
        e -= many - 1;
    }
    if (weights) add_slots(g, w, into);
    if (parameters) end_adjoint(g, w, &total);
}

/* ---- Recurrence with delays: what a spike does to the others comes later, as an event like any other. Until the next event
 * neurons do not meet, as without recurrence; only where a spike arrives before it does the interval end there. All events
 * are written down as they come, and backward they are those of a group without recurrence, in which an arrival's credit is
 * owed to the spike. */

/* At one time, the earlier spike comes first. */
SALTUS_INLINE int comes_before(const coming *a, const coming *b)
{
    if (a->time != b->time) return a->time < b->time;
    return a->spike != b->spike ? a->spike < b->spike : a->line < b->line;
}

/* Puts an arrival on its way. Returns how many are. */
static int send_off(coming *heap, int many, coming item)
{
    int at = many;
    for (; at > 0 && comes_before(&item, heap + (at - 1) / 2); at = (at - 1) / 2) heap[at] = heap[(at - 1) / 2];
    heap[at] = item;
    return many + 1;
}

/* Takes the next one out. Returns how many are left. */
static int take_off(coming *heap, int many)
{
    const coming last = heap[many - 1];
    int at = 0;
    for (int child = 1; child < many - 1; at = child, child = 2 * at + 1) {
        if (child + 1 < many - 1 && comes_before(heap + child + 1, heap + child)) child++;
        if (!comes_before(heap + child, &last)) break;
        heap[at] = heap[child];
    }
    heap[at] = last;
    return many - 1;
}

/* All lines of spikes [from, to). */
static int send_all(const saltus_group *g, const saltus_spikes *out, const workspace *w, int64_t base, int from, int to, int many)
{
    for (int i = from; i < to; i++) {
        const int32_t n = out->neuron[base + i];
        for (int32_t l = g->line[n]; l < g->line[n + 1]; l++) {
            const double time = out->time[base + i] + g->line_delay[l];
            if (time <= g->horizon) many = send_off(w->under_way, many, (coming){time, i, l});
        }
    }
    return many;
}

/* Everyone from now to an earlier end than they looked to, when spikes [from, to) have come. */
SALTUS_INLINE void cut_short(const int shared, const saltus_group *g, const saltus_spikes *out, const workspace *w,
                             int32_t sample, int from, int to, double now, double end)
{
    const int64_t base = out->start[sample], total = g->batch * out->capacity;
    advance_all(shared, g, w, propagators(shared, g, w, end - now));
    for (int i = from; i < to; i++) { /* of several spikes the last one's word stands */
        const int n = out->neuron[base + i];
        const double dt = end - out->time[base + i];
        double plus_V, plus_I_exc, plus_I_inh;
        plus_V = out->state[0 * total + base + i];
        plus_I_exc = out->state[1 * total + base + i];
        plus_I_inh = out->state[2 * total + base + i];
        {
            double V_next, I_exc_next, I_inh_next;
            model_reset(plus_I_exc, plus_I_inh, w->p.v_reset[n], &V_next, &I_exc_next, &I_inh_next);
            plus_V = V_next;
        }
        double Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, Psi_I_exc_V, Psi_I_inh_V;
        model_propagator(dt, w->p.tau_mem[n], w->p.per_tau_mem[n], w->p.per_tau_exc[n], w->p.per_tau_inh[n], &Phi_V_V, &Phi_V_I_exc, &Phi_V_I_inh, &Phi_I_exc_I_exc, &Phi_I_inh_I_inh, &Psi_I_exc_V, &Psi_I_inh_V);
        double V_next, I_exc_next, I_inh_next;
        model_advance(plus_V, plus_I_exc, plus_I_inh, Phi_V_V, Phi_V_I_exc, Phi_V_I_inh, Phi_I_exc_I_exc, Phi_I_inh_I_inh, &V_next, &I_exc_next, &I_inh_next);
        w->x.V[n] = V_next;
        w->x.I_exc[n] = I_exc_next;
        w->x.I_inh[n] = I_inh_next;
    }
}

/* Everyone from now to a later time: their states there, and who may cross on the way, queued. Returns how many. */
SALTUS_INLINE int look_to(const int shared, const saltus_group *g, const workspace *w, double now, double until, outlook *o)
{
    o->dt = until - now;
    look_out(shared, g, w, -1, o);
    const int queued = shared ? look_ahead_shared(g, w, o) : look_ahead_own(g, w, o);
    if (queued > 0) take_queued(w, queued, o);
    return queued;
}

/* One sample forward. */
SALTUS_INLINE int forward_delayed(const int shared, const saltus_group *g, const saltus_events *in, saltus_spikes *out,
                                  double *final, double *record, workspace *w, int32_t sample, saltus_status *status)
{
    const int inputs = in->count[sample];
    const int64_t first = in->start[sample], base = out->start[sample], own = out->event_start[sample];
    int spikes = 0, i = 0, e = 0, many = 0;
    const double step = 0x1p-10 * g->horizon;
    double now = 0.0, ahead = step; /* how far to look: what is found behind a spike's arrival is found in vain */
    outlook o = {.start = {-1, NULL}};
    memset(w->count, 0, sizeof(int32_t) * (size_t)g->n_pad);
    if (begin_below(g, w, sample, status)) return status->code;
    for (;;) {
        const double incoming = i < inputs ? in->time[first + i] : INFINITY;
        const double arrival = many > 0 ? w->under_way[0].time : INFINITY;
        const double next = fmin(g->horizon, fmin(incoming, arrival));
        if (next > now) {
            const double until = next - now > ahead ? now + ahead : next, nearest = out->nearest_miss[sample];
            const int begun = spikes;
            const int queued = look_to(shared, g, w, now, until, &o);
            queue_own(w, queued);
            if (queued > 0) spikes = cross_alone(g, out, w, queued, NULL, now, until - now, e, spikes, sample, status);
            if (spikes < 0) return status->code;
            if (spikes > begun) put_back(w, queued, w->ahead, w->x_end);
            double end = until;
            for (int k = begun; k < spikes; k++) {
                const int32_t line = g->line[out->neuron[base + k]];
                if (line < g->line[out->neuron[base + k] + 1]) end = fmin(end, out->time[base + k] + g->line_delay[line]);
            }
            if (end < until) {
                while (spikes > begun && out->time[base + spikes - 1] > end) spikes--;
                if (out->nearest_miss[sample] < nearest) { /* perhaps behind the end: looks again, no further */
                    out->nearest_miss[sample] = nearest;
                    const int near = end > now ? look_to(shared, g, w, now, end, &o) : 0;
                    for (int k = 0; k < near; k++) w->seek[k] = k;
                    look_for_misses(w->alike, w, near, end - now, out->nearest_miss + sample);
                }
                act(g, w, &o.start);
                cut_short(shared, g, out, w, sample, begun, spikes, now, end);
                ahead = fmax(2.0 * (end - now), step);
            } else {
                const states_view swap = w->x;
                w->x = w->x_end;
                w->x_end = swap;
                ahead *= 2.0;
            }
            o.start.receptor = -1;
            many = send_all(g, out, w, base, begun, spikes, many);
            now = end;
            continue;
        }
        act(g, w, &o.start); /* only where something else happens at the very same time */
        if (incoming <= now) {
            const int32_t *row = in->row + first + i;
            const int all = record != NULL ? 1 : together(g, in, first, i, inputs);
            if (row[0] >= 0) o.start = (pending){g->receptor[row[0]], sum_rows(g, w, row, all, 0)};
            for (int j = 0; j < all; j++, i++, e++) {
                out->event_time[own + e] = now;
                out->event_row[own + e] = row[j];
                out->event_origin[own + e] = -1 - (first + i);
            }
            if (record == NULL) continue;
            act(g, w, &o.start);
            double *const rows[] = { w->x.V, w->x.I_exc, w->x.I_inh };
            write_record(g, record, first + i - 1, rows);
        } else if (arrival <= now) {
            const int32_t row = g->line_row[w->under_way[0].line];
            o.start = (pending){g->receptor[row], g->weights + (int64_t)row * g->n_pad};
            out->event_time[own + e] = now;
            out->event_row[own + e] = row;
            out->event_origin[own + e++] = base + w->under_way[0].spike;
            many = take_off(w->under_way, many);
        } else
            break;
    }
    out->count[sample] = spikes;
    out->event_count[sample] = e;
    if (final != NULL) {
        double *const rows[] = { w->x.V, w->x.I_exc, w->x.I_inh };
        write_record(g, final, sample, rows);
    }
    return DONE;
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
    const int opens = sample == (int32_t)((int64_t)chunk * g->batch / g->chunks);
    f->out->start[sample] = opens ? sample * f->out->capacity : f->out->start[sample - 1] + f->out->count[sample - 1];
    f->out->count[sample] = 0;
    f->out->nearest_miss[sample] = INFINITY;
    f->out->joined[sample] = 0;
    if (LINED(g))
        return FLOW_SHARED(g) ? forward_delayed(1, g, f->in, f->out, f->final, f->record, w, sample, status)
                              : forward_delayed(0, g, f->in, f->out, f->final, f->record, w, sample, status);
    if (RECURRENT(g))
        return FLOW_SHARED(g) ? forward_recurrent(1, g, f->in, f->out, f->final, f->record, w, sample, status)
                              : forward_recurrent(0, g, f->in, f->out, f->final, f->record, w, sample, status);
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
    if (RECURRENT(g)) {
        if (FLOW_SHARED(g))
            backward_recurrent(1, g, f->in, f->out, f->cotangent, f->gradient, f->record, w, chunk, sample);
        else
            backward_recurrent(0, g, f->in, f->out, f->cotangent, f->gradient, f->record, w, chunk, sample);
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

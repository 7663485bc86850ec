/* Made by `saltus emit` from li.toml (event; ir.json 2f5ee367d195). Do not edit: change the spec or the templates and run it again.
 *
 * The event engine for a group of li neurons: exact spike times forward, exact gradients backward.
 * The equations are in model.h; here are only loops, memory and the order of things.
 */
#include "event.h"
#include "model.h"

#ifdef _OPENMP
#include <omp.h>
#endif

enum { STATES = 3, PARAMETERS = 4, LANES = 16, ABI = 1 };
enum { WANT_WEIGHTS = 1, WANT_TIMES = 2, WANT_PARAMETERS = 4 };
enum { DONE, CAPACITY, STARTS_ABOVE, RESETS_ABOVE, WORKSPACE, ROOT };

typedef struct { double *V, *I, *sum_V; } states_view;
typedef struct { double *lambda_V, *lambda_I, *lambda_sum_V; } adjoints_view;
typedef struct { double *tau_mem, *tau_syn, *V0, *I0, *per_tau_mem, *per_tau_syn; } parameters_view;
typedef struct { double *tau_mem, *tau_syn, *V0, *I0; } gradients_view;
typedef struct { double *Phi_V_V, *Phi_V_I, *Phi_I_I, *Phi_sum_V_V, *Phi_sum_V_I, *Psi_V_sum_V, *Psi_I_V, *Psi_I_sum_V; } entries_view;

/* A piece of the workspace; with base NULL it is only counted. */
static void *take(char *base, int64_t *used, int64_t bytes)
{
    char *place = base == NULL ? NULL : base + *used;
    *used += (bytes + 63) & ~(int64_t)63;
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

/* What one thread works in. Carved from memory that the caller passes; nothing is allocated here. */
typedef struct {
    states_view x, x_end;      /* [n_pad] */
    adjoints_view y;           /* [n_pad] */
    parameters_view p;         /* [n_pad] parameters and their reciprocals */
    double *dt;                /* [events + 1] length of the interval after each event */
    entries_view k;            /* [events + 1] propagators of the intervals */
    double *shrink, *length;   /* [events + 1] exp(-rate dt), (1 - exp(-rate dt))/rate: see crossing */
    int64_t *flag;             /* [n_pad] 1: may cross in this interval */
    states_view start;         /* [events + spikes + 2][n_pad] states after each event or spike */
    double *active;            /* [n_pad] */
    int32_t *latest;           /* [n_pad] */
    states_view queue;         /* [n_pad + LANES] candidates for a crossing */
    double *from, *span;       /* [n_pad + LANES] */
    int32_t *who, *count;      /* [n_pad + LANES] */
    double *gap, *lead;        /* [spikes], [spikes + 8] */
    entries_view k_gap, k_lead; /* [spikes] */
    double *held;              /* [STATES][spikes] */
    int32_t *holder;           /* [spikes] */
    int32_t *order;            /* [2][spikes] */
    double *sorted;            /* [spikes + 8] */
} workspace;

/* Lays the arrays out from base and returns the bytes they need; with base NULL it only counts. */
static int64_t lay_out(workspace *w, const saltus_group *g, int64_t events, int64_t spikes, char *base)
{
    const int64_t d = sizeof(double), i = sizeof(int32_t), pad = g->n_pad, wide = pad + LANES;
    int64_t used = base == NULL ? 64 : (-(int64_t)(intptr_t)base) & 63;
    const int64_t items = events + spikes + 2;
    w->x.V = take(base, &used, d * pad);
    w->x_end.V = take(base, &used, d * pad);
    w->start.V = take(base, &used, d * pad * items);
    w->queue.V = take(base, &used, d * wide);
    w->x.I = take(base, &used, d * pad);
    w->x_end.I = take(base, &used, d * pad);
    w->start.I = take(base, &used, d * pad * items);
    w->queue.I = take(base, &used, d * wide);
    w->x.sum_V = take(base, &used, d * pad);
    w->x_end.sum_V = take(base, &used, d * pad);
    w->start.sum_V = take(base, &used, d * pad * items);
    w->queue.sum_V = take(base, &used, d * wide);
    w->y.lambda_V = take(base, &used, d * pad);
    w->y.lambda_I = take(base, &used, d * pad);
    w->y.lambda_sum_V = take(base, &used, d * pad);
    w->k.Phi_V_V = take(base, &used, d * (events + 1));
    w->k_gap.Phi_V_V = take(base, &used, d * spikes);
    w->k_lead.Phi_V_V = take(base, &used, d * spikes);
    w->k.Phi_V_I = take(base, &used, d * (events + 1));
    w->k_gap.Phi_V_I = take(base, &used, d * spikes);
    w->k_lead.Phi_V_I = take(base, &used, d * spikes);
    w->k.Phi_I_I = take(base, &used, d * (events + 1));
    w->k_gap.Phi_I_I = take(base, &used, d * spikes);
    w->k_lead.Phi_I_I = take(base, &used, d * spikes);
    w->k.Phi_sum_V_V = take(base, &used, d * (events + 1));
    w->k_gap.Phi_sum_V_V = take(base, &used, d * spikes);
    w->k_lead.Phi_sum_V_V = take(base, &used, d * spikes);
    w->k.Phi_sum_V_I = take(base, &used, d * (events + 1));
    w->k_gap.Phi_sum_V_I = take(base, &used, d * spikes);
    w->k_lead.Phi_sum_V_I = take(base, &used, d * spikes);
    w->k.Psi_V_sum_V = take(base, &used, d * (events + 1));
    w->k_gap.Psi_V_sum_V = take(base, &used, d * spikes);
    w->k_lead.Psi_V_sum_V = take(base, &used, d * spikes);
    w->k.Psi_I_V = take(base, &used, d * (events + 1));
    w->k_gap.Psi_I_V = take(base, &used, d * spikes);
    w->k_lead.Psi_I_V = take(base, &used, d * spikes);
    w->k.Psi_I_sum_V = take(base, &used, d * (events + 1));
    w->k_gap.Psi_I_sum_V = take(base, &used, d * spikes);
    w->k_lead.Psi_I_sum_V = take(base, &used, d * spikes);
    w->p.per_tau_mem = take(base, &used, d * pad);
    w->p.per_tau_syn = take(base, &used, d * pad);
    w->p.tau_mem = (double *)g->parameters + 0 * pad; /* read only */
    w->p.tau_syn = (double *)g->parameters + 1 * pad; /* read only */
    w->p.V0 = (double *)g->parameters + 2 * pad; /* read only */
    w->p.I0 = (double *)g->parameters + 3 * pad; /* read only */
    w->dt = take(base, &used, d * (events + 1));
    w->shrink = take(base, &used, d * (events + 1));
    w->length = take(base, &used, d * (events + 1));
    w->flag = take(base, &used, d * pad);
    w->active = take(base, &used, d * pad);
    w->latest = take(base, &used, i * pad);
    w->from = take(base, &used, d * wide);
    w->span = take(base, &used, d * wide);
    w->who = take(base, &used, i * wide);
    w->count = take(base, &used, i * wide);
    w->gap = take(base, &used, d * spikes);
    w->lead = take(base, &used, d * (spikes + 8));
    w->held = take(base, &used, d * STATES * spikes);
    w->holder = take(base, &used, i * spikes);
    w->order = take(base, &used, 2 * i * spikes);
    w->sorted = take(base, &used, d * (spikes + 8));
    return used;
}

int64_t saltus_workspace(const saltus_group *g, int64_t events, int64_t spikes)
{
    workspace w;
    return lay_out(&w, g, events, spikes, NULL);
}

/* The constants of all neurons. */
static void prepare(const saltus_group *g, const workspace *w)
{
    (void)g, (void)w;
    for (int n = 0; n < g->n_pad; n++) {
        double per_tau_mem, per_tau_syn;
        model_constants(w->p.tau_mem[n], w->p.tau_syn[n], &per_tau_mem, &per_tau_syn);
        w->p.per_tau_mem[n] = per_tau_mem;
        w->p.per_tau_syn[n] = per_tau_syn;
    }
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

/* A spike arrives: every neuron jumps by its weight. */
static void arrive(const saltus_group *g, const workspace *w, int32_t receptor, const double *restrict weight)
{
    switch (receptor) {
    case 0: /* exc */
#pragma omp simd
        for (int n = 0; n < g->n_pad; n++) {
            double V_next, I_next, sum_V_next;
            model_exc_jump(w->x.V[n], w->x.I[n], w->x.sum_V[n], weight[n], &V_next, &I_next, &sum_V_next);
            w->x.I[n] = I_next;
        }
        break;
    default: break;
    }
}

/* The same in reverse time: the weights' gradient, and the credit of the arrival, which is dL/dt of its time.
 * mask: 1 where a synapse exists, or NULL for everywhere; gradient: NULL where it is not wanted. */
static double depart(const saltus_group *g, const workspace *w, const gradients_view *total, const states_view *x,
                     int64_t at, int32_t receptor, const double *restrict weight, const uint8_t *restrict mask,
                     double *restrict gradient)
{
    double credits = 0.0;
    (void)total, (void)x, (void)at;
    switch (receptor) {
    case 0: /* exc */
        if (gradient != NULL) {
#pragma omp simd
            for (int n = 0; n < g->n_pad; n++) {
                double grad_w;
                model_exc_weight(w->y.lambda_I[n], w->p.tau_syn[n], &grad_w);
                gradient[n] += mask == NULL || mask[n] ? grad_w : 0.0;
            }
        }
#pragma omp simd reduction(+ : credits)
        for (int n = 0; n < g->n_pad; n++) {
            double credit;
            model_exc_credit(w->y.lambda_V[n], w->y.lambda_I[n], &credit);
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

/* Adds what one stretch without events contributes to the gradient of the flow's parameters. */
SALTUS_INLINE void add_stretch(const workspace *w, const gradients_view *total, double share, double dt,
                               const states_view *x, int64_t at, int n)
{
    double grad_tau_mem, grad_tau_syn;
    model_flow_parameters(dt, x->V[at], x->I[at], w->y.lambda_V[n], w->y.lambda_I[n], w->y.lambda_sum_V[n], w->p.tau_mem[n], w->p.tau_syn[n], w->p.per_tau_mem[n], w->p.per_tau_syn[n], &grad_tau_mem, &grad_tau_syn);
    total->tau_mem[n] += share * grad_tau_mem;
    total->tau_syn[n] += share * grad_tau_syn;
}

static void write_record(const saltus_group *g, double *record, int64_t event, double *const *rows)
{
    for (int s = 0; s < STATES; s++)
        memcpy(record + (event * STATES + s) * g->n_pad, rows[s], sizeof(double) * (size_t)g->n_pad);
}

/* ---- Without recurrence, neurons meet only at incoming events, and these are known: an interval between two of them
 * is one pass over all neurons, and a few searches for those that may cross. */

/* Lengths and propagators of all intervals; interval e begins after e events. */
SALTUS_INLINE void measure(const int shared, const saltus_group *g, const double *restrict time, int events,
                           const workspace *w)
{
    for (int e = 0; e <= events; e++)
        w->dt[e] = (e < events ? time[e] : g->horizon) - (e > 0 ? time[e - 1] : 0.0);
    if (!shared) return;
#pragma omp simd
    for (int e = 0; e <= events; e++) {
        double Phi_V_V, Phi_V_I, Phi_I_I, Phi_sum_V_V, Phi_sum_V_I, Psi_V_sum_V, Psi_I_V, Psi_I_sum_V;
        model_propagator(w->dt[e], w->p.tau_mem[0], w->p.per_tau_mem[0], w->p.per_tau_syn[0], &Phi_V_V, &Phi_V_I, &Phi_I_I, &Phi_sum_V_V, &Phi_sum_V_I, &Psi_V_sum_V, &Psi_I_V, &Psi_I_sum_V);
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

/* One sample forward. */
SALTUS_INLINE int forward_sample(const int shared, const saltus_group *g, const saltus_events *in, saltus_spikes *out,
                                 double *final, double *record, workspace *w, int32_t sample, saltus_status *status)
{
    const int events = in->count[sample], pad = g->n_pad;
    const int64_t first = in->start[sample];
    const double *restrict time = in->time + first;
    const int32_t *restrict row = in->row + first;
    (void)out, (void)status;
    begin(g, w);
    measure(shared, g, time, events, w);
    for (int e = 0; e <= events; e++) {
        if (e > 0 && row[e - 1] >= 0)
            arrive(g, w, g->receptor[row[e - 1]], g->weights + (int64_t)row[e - 1] * pad);
        if (e > 0 && record != NULL) {
            double *const rows[] = { w->x.V, w->x.I, w->x.sum_V };
            write_record(g, record, first + e - 1, rows);
        }
        const double dt = w->dt[e];
        if (dt == 0.0) continue;
#pragma omp simd
        for (int n = 0; n < pad; n++) {
            double Phi_V_V, Phi_V_I, Phi_I_I, Phi_sum_V_V, Phi_sum_V_I, Psi_V_sum_V, Psi_I_V, Psi_I_sum_V;
            if (shared) {
                Phi_V_V = w->k.Phi_V_V[e];
                Phi_V_I = w->k.Phi_V_I[e];
                Phi_I_I = w->k.Phi_I_I[e];
                Phi_sum_V_V = w->k.Phi_sum_V_V[e];
                Phi_sum_V_I = w->k.Phi_sum_V_I[e];
                Psi_V_sum_V = w->k.Psi_V_sum_V[e];
                Psi_I_V = w->k.Psi_I_V[e];
                Psi_I_sum_V = w->k.Psi_I_sum_V[e];
            } else {
                model_propagator(dt, w->p.tau_mem[n], w->p.per_tau_mem[n], w->p.per_tau_syn[n], &Phi_V_V, &Phi_V_I, &Phi_I_I, &Phi_sum_V_V, &Phi_sum_V_I, &Psi_V_sum_V, &Psi_I_V, &Psi_I_sum_V);
            }
            double V_next, I_next, sum_V_next;
            model_advance(w->x.V[n], w->x.I[n], w->x.sum_V[n], Phi_V_V, Phi_V_I, Phi_I_I, Phi_sum_V_V, Phi_sum_V_I, &V_next, &I_next, &sum_V_next);
            w->x_end.V[n] = V_next;
            w->x_end.I[n] = I_next;
            w->x_end.sum_V[n] = sum_V_next;
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

/* The states after each event, for the gradient of the flow's parameters: forward again, with the spikes known. */
SALTUS_INLINE void replay(const int shared, const saltus_group *g, const saltus_events *in, const saltus_spikes *out,
                          const workspace *w, int32_t sample)
{
    const int events = in->count[sample], pad = g->n_pad;
    const int32_t *restrict row = in->row + in->start[sample];
    (void)out;
    begin(g, w);
    for (int e = 0; e <= events; e++) {
        if (e > 0 && row[e - 1] >= 0)
            arrive(g, w, g->receptor[row[e - 1]], g->weights + (int64_t)row[e - 1] * pad);
        memcpy(w->start.V + (int64_t)e * pad, w->x.V, sizeof(double) * (size_t)pad);
        memcpy(w->start.I + (int64_t)e * pad, w->x.I, sizeof(double) * (size_t)pad);
        memcpy(w->start.sum_V + (int64_t)e * pad, w->x.sum_V, sizeof(double) * (size_t)pad);
        const double dt = w->dt[e];
#pragma omp simd
        for (int n = 0; n < pad; n++) {
            double Phi_V_V, Phi_V_I, Phi_I_I, Phi_sum_V_V, Phi_sum_V_I, Psi_V_sum_V, Psi_I_V, Psi_I_sum_V;
            if (shared) {
                Phi_V_V = w->k.Phi_V_V[e];
                Phi_V_I = w->k.Phi_V_I[e];
                Phi_I_I = w->k.Phi_I_I[e];
                Phi_sum_V_V = w->k.Phi_sum_V_V[e];
                Phi_sum_V_I = w->k.Phi_sum_V_I[e];
                Psi_V_sum_V = w->k.Psi_V_sum_V[e];
                Psi_I_V = w->k.Psi_I_V[e];
                Psi_I_sum_V = w->k.Psi_I_sum_V[e];
            } else {
                model_propagator(dt, w->p.tau_mem[n], w->p.per_tau_mem[n], w->p.per_tau_syn[n], &Phi_V_V, &Phi_V_I, &Phi_I_I, &Phi_sum_V_V, &Phi_sum_V_I, &Psi_V_sum_V, &Psi_I_V, &Psi_I_sum_V);
            }
            double V_next, I_next, sum_V_next;
            model_advance(w->x.V[n], w->x.I[n], w->x.sum_V[n], Phi_V_V, Phi_V_I, Phi_I_I, Phi_sum_V_V, Phi_sum_V_I, &V_next, &I_next, &sum_V_next);
            w->x.V[n] = V_next;
            w->x.I[n] = I_next;
            w->x.sum_V[n] = sum_V_next;
        }
    }
}

/* One sample backward. */
SALTUS_INLINE void backward_sample(const int shared, const saltus_group *g, const saltus_events *in,
                                   const saltus_spikes *out, const saltus_cotangent *cotangent,
                                   const saltus_gradient *gradient, double *record, workspace *w, int32_t chunk,
                                   int32_t sample)
{
    const int events = in->count[sample], pad = g->n_pad, parameters = (gradient->want & WANT_PARAMETERS) != 0;
    const int64_t first = in->start[sample];
    const int32_t *restrict row = in->row + first;
    const double *final = cotangent->final == NULL ? NULL : cotangent->final + (int64_t)sample * STATES * pad;
    const gradients_view total = parameters ? parameter_gradients(g, gradient, chunk) : (gradients_view){0};
    measure(shared, g, in->time + first, events, w);
    begin_adjoint(g, w, final);
    int last = events; /* behind it the adjoints are zero */
    if (parameters) replay(shared, g, in, out, w, sample);
    if (gradient->want & WANT_TIMES)
        for (int e = last < 0 ? 0 : last; e < events; e++) gradient->event_time[first + e] = 0.0;
    if (record != NULL)
        for (int e = last < 0 ? 0 : last; e < events; e++)
            memset(record + (first + e) * STATES * pad, 0, sizeof(double) * (size_t)(STATES * pad));
    for (int e = last; e >= 0; e--) {
        const int64_t at = (int64_t)e * pad;
        int held = 0;
        const double dt = w->dt[e];
        if (parameters) {
#pragma omp simd
            for (int n = 0; n < g->n; n++)
                add_stretch(w, &total, 1.0, dt, &w->start, at + n, n);
        }
#pragma omp simd
        for (int n = 0; n < pad; n++) {
            double Phi_V_V, Phi_V_I, Phi_I_I, Phi_sum_V_V, Phi_sum_V_I, Psi_V_sum_V, Psi_I_V, Psi_I_sum_V;
            if (shared) {
                Phi_V_V = w->k.Phi_V_V[e];
                Phi_V_I = w->k.Phi_V_I[e];
                Phi_I_I = w->k.Phi_I_I[e];
                Phi_sum_V_V = w->k.Phi_sum_V_V[e];
                Phi_sum_V_I = w->k.Phi_sum_V_I[e];
                Psi_V_sum_V = w->k.Psi_V_sum_V[e];
                Psi_I_V = w->k.Psi_I_V[e];
                Psi_I_sum_V = w->k.Psi_I_sum_V[e];
            } else {
                model_propagator(dt, w->p.tau_mem[n], w->p.per_tau_mem[n], w->p.per_tau_syn[n], &Phi_V_V, &Phi_V_I, &Phi_I_I, &Phi_sum_V_V, &Phi_sum_V_I, &Psi_V_sum_V, &Psi_I_V, &Psi_I_sum_V);
            }
            double lambda_V_next, lambda_I_next, lambda_sum_V_next;
            model_adjoint(w->y.lambda_V[n], w->y.lambda_I[n], w->y.lambda_sum_V[n], Phi_V_V, Phi_I_I, Psi_V_sum_V, Psi_I_V, Psi_I_sum_V, &lambda_V_next, &lambda_I_next, &lambda_sum_V_next);
            w->y.lambda_V[n] = lambda_V_next;
            w->y.lambda_I[n] = lambda_I_next;
            w->y.lambda_sum_V[n] = lambda_sum_V_next;
        }
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
        const int32_t r = row[e - 1];
        double credit = 0.0;
        if (r >= 0)
            credit = depart(g, w, parameters ? &total : NULL, &w->start, at, g->receptor[r], g->weights + (int64_t)r * pad,
                            NULL,
                            gradient->want & WANT_WEIGHTS ? gradient->weights + ((int64_t)chunk * g->rows + r) * pad : NULL);
        if (gradient->want & WANT_TIMES) gradient->event_time[first + e - 1] = credit;
    }
    if (parameters) end_adjoint(g, w, &total);
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
    (void)threads;
#ifdef _OPENMP
#pragma omp parallel for schedule(dynamic) num_threads(threads)
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
    (void)chunk;
    return f->g->flow_shared ? forward_sample(1, f->g, f->in, f->out, f->final, f->record, w, sample, status)
                             : forward_sample(0, f->g, f->in, f->out, f->final, f->record, w, sample, status);
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
    (void)status;
    if (f->g->flow_shared)
        backward_sample(1, f->g, f->in, f->out, f->cotangent, f->gradient, f->record, w, chunk, sample);
    else
        backward_sample(0, f->g, f->in, f->out, f->cotangent, f->gradient, f->record, w, chunk, sample);
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
    if (gradient->want & WANT_PARAMETERS) reduce(gradient->parameters, g->chunks, PARAMETERS * pad);
}

int32_t saltus_abi(void)
{
    return ABI;
}

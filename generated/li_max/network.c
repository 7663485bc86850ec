/* Made by `saltus emit` from li_max.toml (network; ir.json 3b302bbeb1de). Do not edit: change the spec or the templates and run it again.
 *
 * The event engine for recurrent networks: populations of li_max; sparse, delayed, self- and
 * mutually connected. Each neuron is advanced only when something happens to it; its next crossing waits in a heap.
 */
#define _GNU_SOURCE /* sched.h */
#include "network.h"

#include "exponentials.h"

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

enum { STATES = 2, PEAKS = 1, ABI = 3 };
enum { DONE, CAPACITY, STARTS_ABOVE, RESETS_ABOVE, WORKSPACE, ROOT, STEP, CASCADE, ENDS_ABOVE, ACCUMULATES, WINDOW };

/* ======== li_max: Leaky integrator with an exponential current synapse, read out at its highest potential
 * (Wunderlich & Pehle (2021), Table 1 without its transition; the readout of section 6) */

/* ---- constants */

SALTUS_INLINE void li_max_constants(const double tau_mem, const double tau_syn, double *restrict per_tau_mem,
    double *restrict per_tau_syn)
{
    *per_tau_mem = 1.0 / tau_mem; /* constants */
    *per_tau_syn = 1.0 / tau_syn; /* constants */
}

/* ---- the flow between events */

SALTUS_INLINE void li_max_propagator(const double dt, const double per_tau_mem, const double per_tau_syn,
    double *restrict Phi_V_V, double *restrict Phi_V_I, double *restrict Phi_I_I, double *restrict Psi_I_V)
{
    const double response_V_I = saltus_exp_dd2(-dt * per_tau_mem, -dt * per_tau_syn); /* flow.propagator */
    *Phi_V_V = saltus_exp(-dt * per_tau_mem); /* flow.propagator */
    *Phi_V_I = dt * response_V_I * per_tau_mem; /* flow.propagator */
    *Phi_I_I = saltus_exp(-dt * per_tau_syn); /* flow.propagator */
    *Psi_I_V = dt * response_V_I * per_tau_syn; /* flow.propagator */
}

SALTUS_INLINE void li_max_advance(const double V, const double I, const double Phi_V_V, const double Phi_V_I,
    const double Phi_I_I, double *restrict V_next, double *restrict I_next)
{
    *V_next = Phi_V_V * V + Phi_V_I * I; /* flow.V */
    *I_next = Phi_I_I * I; /* flow.I */
}

SALTUS_INLINE void li_max_adjoint(const double lambda_V, const double lambda_I, const double Phi_V_V,
    const double Phi_I_I, const double Psi_I_V, double *restrict lambda_V_next,
    double *restrict lambda_I_next)
{
    *lambda_V_next = Phi_V_V * lambda_V; /* flow.adjoint.V */
    *lambda_I_next = Psi_I_V * lambda_V + Phi_I_I * lambda_I; /* flow.adjoint.I */
}

SALTUS_INLINE void li_max_flow_sensitivity(const double dt, const double tau_mem, const double per_tau_mem,
    const double per_tau_syn, double *restrict Phi_V_V_tau_mem, double *restrict Phi_V_I_tau_mem,
    double *restrict Phi_V_I_tau_syn, double *restrict Phi_I_I_tau_syn)
{
    const double decay_V = saltus_exp(-dt * per_tau_mem); /* flow.propagator */
    const double decay_I = saltus_exp(-dt * per_tau_syn); /* flow.propagator */
    const double response_V_I = saltus_exp_dd2(-dt * per_tau_mem, -dt * per_tau_syn); /* flow.propagator */
    const double response_V_V_I = saltus_exp_dd21(-dt * per_tau_mem, -dt * per_tau_syn); /* flow.propagator */
    const double response_V_I_I = saltus_exp_dd21(-dt * per_tau_syn, -dt * per_tau_mem); /* flow.propagator */
    *Phi_V_V_tau_mem = dt * decay_V * per_tau_mem * per_tau_mem; /* flow.derivative */
    *Phi_V_I_tau_mem = dt * (dt * response_V_V_I - tau_mem * response_V_I) * per_tau_mem * per_tau_mem *
        per_tau_mem; /* flow.derivative */
    *Phi_V_I_tau_syn = dt * dt * response_V_I_I * per_tau_mem * per_tau_syn * per_tau_syn;
        /* flow.derivative */
    *Phi_I_I_tau_syn = dt * decay_I * per_tau_syn * per_tau_syn; /* flow.derivative */
}

SALTUS_INLINE void li_max_flow_parameters(const double V, const double I, const double lambda_V,
    const double lambda_I, const double Phi_V_V_tau_mem, const double Phi_V_I_tau_mem,
    const double Phi_V_I_tau_syn, const double Phi_I_I_tau_syn, const double tau_mem, const double tau_syn,
    double *restrict grad_tau_mem, double *restrict grad_tau_syn)
{
    const double costate_V = -tau_mem * lambda_V; /* costate */
    const double costate_I = -tau_syn * lambda_I; /* costate */
    *grad_tau_mem = costate_V * (Phi_V_V_tau_mem * V + Phi_V_I_tau_mem * I); /* gradient.flow.tau_mem */
    *grad_tau_syn = I * (Phi_V_I_tau_syn * costate_V + Phi_I_I_tau_syn * costate_I);
        /* gradient.flow.tau_syn */
}

/* ---- the ends */

SALTUS_INLINE void li_max_terminal(const double final_V, const double final_I, const double per_tau_mem,
    const double per_tau_syn, double *restrict lambda_V_next, double *restrict lambda_I_next)
{
    *lambda_V_next = -final_V * per_tau_mem; /* adjoint.terminal */
    *lambda_I_next = -final_I * per_tau_syn; /* adjoint.terminal */
}

SALTUS_INLINE void li_max_initial_gradient(const double lambda_V, const double lambda_I, const double tau_mem,
    const double tau_syn, double *restrict grad_V0, double *restrict grad_I0)
{
    *grad_V0 = -tau_mem * lambda_V; /* gradient.initial */
    *grad_I0 = -tau_syn * lambda_I; /* gradient.initial */
}

/* ---- the adjoints as dL/dx */

SALTUS_INLINE void li_max_costate(const double lambda_V, const double lambda_I, const double tau_mem,
    const double tau_syn, double *restrict costate_V, double *restrict costate_I)
{
    *costate_V = -tau_mem * lambda_V; /* costate */
    *costate_I = -tau_syn * lambda_I; /* costate */
}

/* ---- maximum: max_V */

SALTUS_INLINE void li_max_peak_max_V_0(const double V, double *restrict u_0)
{
    *u_0 = V; /* maximum.max_V.ladder.0 */
}

SALTUS_INLINE void li_max_peak_max_V_0_rate(double *restrict u_0_rate)
{
    *u_0_rate = 0.0; /* maximum.max_V.ladder.0 */
}

SALTUS_INLINE void li_max_peak_max_V_1(const double V, const double I, const double per_tau_mem,
    double *restrict u_1)
{
    *u_1 = (I - V) * per_tau_mem; /* maximum.max_V.ladder.1 */
}

SALTUS_INLINE void li_max_peak_max_V_1_rate(const double per_tau_mem, double *restrict u_1_rate)
{
    *u_1_rate = per_tau_mem; /* maximum.max_V.ladder.1 */
}

SALTUS_INLINE void li_max_peak_max_V_2(const double I, const double per_tau_mem, const double per_tau_syn,
    double *restrict u_2)
{
    *u_2 = -I * per_tau_mem * per_tau_syn; /* maximum.max_V.ladder.2 */
}

SALTUS_INLINE void li_max_peak_max_V_2_rate(const double per_tau_syn, double *restrict u_2_rate)
{
    *u_2_rate = per_tau_syn; /* maximum.max_V.ladder.2 */
}

SALTUS_INLINE void li_max_peak_max_V_partials(double *restrict V_partial)
{
    *V_partial = 1.0; /* maximum.max_V */
}

/* ---- arrival: exc */

SALTUS_INLINE void li_max_exc_jump(const double V, const double I, const double w, double *restrict V_next,
    double *restrict I_next)
{
    *V_next = V; /* receive.V */
    *I_next = I + w; /* receive.I, 3:45 */
}

SALTUS_INLINE void li_max_exc_adjoint(const double lambda_V, const double lambda_I,
    double *restrict lambda_V_next, double *restrict lambda_I_next)
{
    *lambda_V_next = lambda_V; /* jump.arrival.V, 3:52b */
    *lambda_I_next = lambda_I; /* jump.arrival.I, 3:52c */
}

SALTUS_INLINE void li_max_exc_credit(const double lambda_V, const double lambda_I, double *restrict credit)
{
    *credit = lambda_V - lambda_I; /* arrival.credit */
}

SALTUS_INLINE void li_max_exc_weight(const double lambda_I, const double tau_syn, double *restrict grad_w)
{
    *grad_w = -tau_syn * lambda_I; /* gradient.weight, 3:53 */
}

/* ---- one neuron as arrays: what the network calls */

typedef struct {
    double tau_mem, tau_syn, V0, I0, per_tau_mem, per_tau_syn;
} li_max_parameters;

SALTUS_INLINE li_max_parameters li_max_read(const double *p, int64_t stride)
{
    li_max_parameters q;
    q.tau_mem = p[0 * stride];
    q.tau_syn = p[1 * stride];
    q.V0 = p[2 * stride];
    q.I0 = p[3 * stride];
    double per_tau_mem, per_tau_syn;
    li_max_constants(q.tau_mem, q.tau_syn, &per_tau_mem, &per_tau_syn);
    q.per_tau_mem = per_tau_mem;
    q.per_tau_syn = per_tau_syn;
    return q;
}

static void li_max_cell_begin(const double *p, int64_t stride, double *x)
{
    (void)p, (void)stride;
    x[0] = p[2 * stride];
    x[1] = p[3 * stride];
}

SALTUS_INLINE void li_max_to_costate(const li_max_parameters *q, const double *y, double *costate)
{
    (void)q;
    double costate_V, costate_I;
    li_max_costate(y[0], y[1], q->tau_mem, q->tau_syn, &costate_V, &costate_I);
    costate[0] = costate_V;
    costate[1] = costate_I;
}

SALTUS_INLINE void li_max_from_costate(const li_max_parameters *q, const double *costate, double *y)
{
    (void)q;
    double lambda_V_next, lambda_I_next;
    li_max_terminal(costate[0], costate[1], q->per_tau_mem, q->per_tau_syn, &lambda_V_next, &lambda_I_next);
    y[0] = lambda_V_next;
    y[1] = lambda_I_next;
}

static void li_max_cell_end(const double *p, int64_t stride, const double *final, double *y)
{
    const li_max_parameters q = li_max_read(p, stride);
    (void)q;
    double lambda_V_next, lambda_I_next;
    li_max_terminal(final[0], final[1], q.per_tau_mem, q.per_tau_syn, &lambda_V_next, &lambda_I_next);
    y[0] = lambda_V_next;
    y[1] = lambda_I_next;
}

static void li_max_cell_begin_back(const double *p, int64_t stride, const double *y, double *grad)
{
    const li_max_parameters q = li_max_read(p, stride);
    (void)q;
    double grad_V0, grad_I0;
    li_max_initial_gradient(y[0], y[1], q.tau_mem, q.tau_syn, &grad_V0, &grad_I0);
    grad[2 * stride] += grad_V0;
    grad[3 * stride] += grad_I0;
}

/* ---- li_max, its own dynamics: its flow and its arrivals */

static void li_max_own_flow(const double *p, int64_t stride, double tolerance, double dt, const double *x, double *x_end)
{
    const li_max_parameters q = li_max_read(p, stride);
    (void)q, (void)tolerance, (void)dt;
    double Phi_V_V, Phi_V_I, Phi_I_I, Psi_I_V;
    li_max_propagator(dt, q.per_tau_mem, q.per_tau_syn, &Phi_V_V, &Phi_V_I, &Phi_I_I, &Psi_I_V);
    double V_next, I_next;
    li_max_advance(x[0], x[1], Phi_V_V, Phi_V_I, Phi_I_I, &V_next, &I_next);
    x_end[0] = V_next;
    x_end[1] = I_next;
}

/* The stretch of length dt from x, in reverse time. */
static void li_max_own_flow_back(const double *p, int64_t stride, double tolerance, double dt, const double *x, double *y,
                                double *grad)
{
    const li_max_parameters q = li_max_read(p, stride);
    (void)q, (void)tolerance, (void)dt, (void)x, (void)grad;
    if (grad != NULL) {
        double Phi_V_V_tau_mem, Phi_V_I_tau_mem, Phi_V_I_tau_syn, Phi_I_I_tau_syn;
        li_max_flow_sensitivity(dt, q.tau_mem, q.per_tau_mem, q.per_tau_syn, &Phi_V_V_tau_mem, &Phi_V_I_tau_mem, &Phi_V_I_tau_syn, &Phi_I_I_tau_syn);
        double grad_tau_mem, grad_tau_syn;
        li_max_flow_parameters(x[0], x[1], y[0], y[1], Phi_V_V_tau_mem, Phi_V_I_tau_mem, Phi_V_I_tau_syn, Phi_I_I_tau_syn, q.tau_mem, q.tau_syn, &grad_tau_mem, &grad_tau_syn);
        grad[0 * stride] += grad_tau_mem;
        grad[1 * stride] += grad_tau_syn;
    }
    double Phi_V_V, Phi_V_I, Phi_I_I, Psi_I_V;
    li_max_propagator(dt, q.per_tau_mem, q.per_tau_syn, &Phi_V_V, &Phi_V_I, &Phi_I_I, &Psi_I_V);
    double lambda_V_next, lambda_I_next;
    li_max_adjoint(y[0], y[1], Phi_V_V, Phi_I_I, Psi_I_V, &lambda_V_next, &lambda_I_next);
    y[0] = lambda_V_next;
    y[1] = lambda_I_next;
}


static void li_max_own_arrive(int32_t receptor, const double *p, int64_t stride, double w, double *x)
{
    const li_max_parameters q = li_max_read(p, stride);
    (void)q, (void)x, (void)w;
    switch (receptor) {
    case 0: { /* exc */
        double V_next, I_next;
        li_max_exc_jump(x[0], x[1], w, &V_next, &I_next);
        x[1] = I_next;
        break;
    }
    default: break;
    }
}

/* An arrival in reverse time, x before it: returns its credit. */
static double li_max_own_arrive_back(int32_t receptor, const double *p, int64_t stride, double w, const double *x, double *y,
                                    double *grad_weight, double *grad)
{
    const li_max_parameters q = li_max_read(p, stride);
    (void)q;
    double credits = 0.0;
    (void)q, (void)x, (void)grad, (void)w, (void)y, (void)grad_weight;
    switch (receptor) {
    case 0: { /* exc */
        double grad_w;
        li_max_exc_weight(y[1], q.tau_syn, &grad_w);
        double credit;
        li_max_exc_credit(y[0], y[1], &credit);
        *grad_weight += grad_w;
        credits = w * credit;
        break;
    }
    default: break;
    }
    return credits;
}

/* All rungs of the guard's ladder at time s. */
static void li_max_own_peak_0_climb(const li_max_parameters *q, const double *x, double s, double u[3])
{
    (void)q;
    double Phi_V_V, Phi_V_I, Phi_I_I, Psi_I_V;
    li_max_propagator(s, q->per_tau_mem, q->per_tau_syn, &Phi_V_V, &Phi_V_I, &Phi_I_I, &Psi_I_V);
    double V_next, I_next;
    li_max_advance(x[0], x[1], Phi_V_V, Phi_V_I, Phi_I_I, &V_next, &I_next);
    double a0, a1, a2;
    {
        double u_0;
        li_max_peak_max_V_0(V_next, &u_0);
        a0 = u_0;
        double u_1;
        li_max_peak_max_V_1(V_next, I_next, q->per_tau_mem, &u_1);
        a1 = u_1;
        double u_2;
        li_max_peak_max_V_2(I_next, q->per_tau_mem, q->per_tau_syn, &u_2);
        a2 = u_2;
    }
    u[0] = a0;
    u[1] = a1;
    u[2] = a2;
}

/* The zero of rung k in (low, high), where exp(rate s) u_k is monotone and changes its sign: Newton, or bisection. */
static double li_max_own_peak_0_zero_of_rung(const li_max_parameters *q, const double *x, double span, int k, double low,
                                        double high, double at_low)
{
    double u[3], s = 0.5 * (low + high);
    for (int round = 0; round < 200 && high - low > 0x1p-46 * span; round++) {
        li_max_own_peak_0_climb(q, x, s, u);
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
static int li_max_own_peak_0_cuts(const li_max_parameters *q, const double *x, double span, double cut[3])
{
    double u[3], before[3];
    int cuts = 1;
    cut[0] = 0.0, cut[1] = span;
    for (int k = 1; k >= 1; k--) {
        double next[3] = {0.0};
        int found = 0;
        li_max_own_peak_0_climb(q, x, 0.0, before);
        for (int i = 0; i < cuts; i++) {
            li_max_own_peak_0_climb(q, x, cut[i + 1], u);
            if ((before[k] < 0.0) != (u[k] < 0.0) || u[k] == 0.0)
                next[++found] = li_max_own_peak_0_zero_of_rung(q, x, span, k, cut[i], cut[i + 1], before[k]);
            memcpy(before, u, sizeof u);
        }
        next[++found] = span;
        memcpy(cut, next, sizeof next);
        cuts = found;
    }
    return cuts;
}

/* The maximum of u_0 over [0, span], and where it is attained first. */
static double li_max_own_peak_0_highest(const li_max_parameters *q, const double *x, double span, double *at)
{
    double cut[3], u[3], best;
    const int cuts = li_max_own_peak_0_cuts(q, x, span, cut);
    li_max_own_peak_0_climb(q, x, 0.0, u);
    best = u[0];
    *at = 0.0;
    for (int i = 1; i <= cuts; i++) {
        li_max_own_peak_0_climb(q, x, cut[i], u);
        if (u[0] > best) {
            best = u[0];
            *at = cut[i];
        }
    }
    return best;
}


/* The maximum over [0, span] from x, and where it is attained first. */
static double li_max_own_peak(int32_t which, const double *p, int64_t stride, double span, const double *x, double *at)
{
    const li_max_parameters q = li_max_read(p, stride);
    switch (which) {
    case 0: return li_max_own_peak_0_highest(&q, x, span, at); /* max_V */
    default: return -INFINITY;
    }
}

/* The time derivative of what is maximised, where the states are x. */
static double li_max_own_peak_slope(int32_t which, const double *p, int64_t stride, const double *x)
{
    const li_max_parameters q = li_max_read(p, stride);
    (void)q, (void)x;
    switch (which) {
    case 0: {
        double u_1;
        li_max_peak_max_V_1(x[0], x[1], q.per_tau_mem, &u_1);
        return u_1;
    }
    default: return 0.0;
    }
}


/* ---- li_max: readouts that are a maximum over time */

/* dL/dmaximum = share, where the states are x: into the adjoints and the parameters' gradient. */
static void li_max_peak_back(int32_t which, const double *p, int64_t stride, double share, const double *x, double *y,
                                   double *grad)
{
    const li_max_parameters q = li_max_read(p, stride);
    double into[2] = {0.0}, added[2] = {0.0};
    (void)q, (void)x;
    switch (which) {
    case 0: { /* max_V */
        double V_partial;
        li_max_peak_max_V_partials(&V_partial);
        into[0] = share * V_partial;
        break;
    }
    default: break;
    }
    (void)grad;
    li_max_cell_end(p, stride, into, added);
    for (int s = 0; s < 2; s++) y[s] += added[s];
}

/* ======== what the network knows of a model */

typedef struct {
    void (*flow)(const double *p, int64_t stride, double tolerance, double dt, const double *x, double *x_end);
    void (*flow_back)(const double *p, int64_t stride, double tolerance, double dt, const double *x, double *y,
                      double *grad);
    void (*arrive)(int32_t receptor, const double *p, int64_t stride, double w, double *x);
    double (*arrive_back)(int32_t receptor, const double *p, int64_t stride, double w, const double *x, double *y,
                          double *grad_weight, double *grad);
    double (*crossing)(const double *p, int64_t stride, double tolerance, double time, double span, const double *x);
    void (*end)(const double *p, int64_t stride, double *x); /* of a phase, `duration` (a parameter) after its start */
    double (*end_back)(const double *p, int64_t stride, const double *x, double *y, double *grad);
    double (*peak)(int32_t which, const double *p, int64_t stride, double span, const double *x, double *at);
    double (*peak_slope)(int32_t which, const double *p, int64_t stride, const double *x);
    int32_t duration, next;
    int32_t stepwise; /* the search for a crossing goes step by step: it takes the longer the further it looks */
} mode_table;

typedef struct {
    const mode_table *modes;
    void (*begin)(const double *p, int64_t stride, double *x);
    void (*end)(const double *p, int64_t stride, const double *final, double *y);
    void (*begin_back)(const double *p, int64_t stride, const double *y, double *grad);
    double (*guard)(const double *p, int64_t stride, const double *x); /* this and the following: NULL without spikes */
    double (*slope)(const double *p, int64_t stride, const double *x);
    void (*reset)(const double *p, int64_t stride, double *x);
    void (*emit_back)(const double *p, int64_t stride, double external, const double *x, double *y, double *grad);
    double (*trigger_back)(const double *p, int64_t stride, const double *x, double *y, double *grad);
    int32_t after_spike;   /* the mode that a spike starts */
    uint32_t triggers;     /* bits of the receptors whose arrivals can make a spike */
    int32_t keeps_guard;   /* a spike leaves the guard at zero */
    int32_t peaks;         /* readouts that are a maximum over time */
    void (*peak_back)(int32_t which, const double *p, int64_t stride, double share, const double *x, double *y, double *grad);
    void (*window)(int32_t which, const double *p, int64_t stride, double horizon, double *begin, double *end);
    void (*bounds_back)(int32_t which, const double *p, int64_t stride, double by_begin, double by_end, double *grad);
} model_table;

static const mode_table li_max_modes[] = {
    { li_max_own_flow, li_max_own_flow_back, li_max_own_arrive, li_max_own_arrive_back,
      NULL, NULL, NULL,
      li_max_own_peak, li_max_own_peak_slope,
      -1, 0, 0 },
};

static const model_table MODELS[] = {
    { li_max_modes, li_max_cell_begin, li_max_cell_end, li_max_cell_begin_back,
      NULL, NULL, NULL, NULL, NULL, 0, 0, 0,
      1, li_max_peak_back,
      NULL, NULL },
};

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

/* ======== memory: the tape of one sample, and the heaps */

enum { ARRIVAL, EMISSION, TRIGGERED, PHASE_END, SETTING, PROBE };

/* What happened to one neuron. cause: the spike (>= 0) that is meant, or the input event (~index).
 * place: of an arrival, in its projection; of a triggered spike, the entry of the arrival; of a setting, the state. */
typedef struct {
    double time;
    int64_t place;
    int32_t kind, neuron, previous, cause, projection, mode; /* mode: that follows */
} entry;

/* A maximum so far: its value, its time, the entry before it, whether it is inside that stretch or at an end, and whether it
 * is at a bound of its window. */
enum { INSIDE, AT_START, AT_END };
enum { NO_BOUND, BEGIN, END };
typedef struct {
    double value, time;
    int32_t entry, where, bound;
} summit;

/* Deliveries of one source through one projection that are under way, the next one first. */
typedef struct {
    double time, sent;
    int64_t synapse, stop;
    int32_t projection, cause;
} delivery;

typedef struct {
    int64_t entries, used, under_way;
    entry *tape;        /* [entries] */
    double *after;      /* [entries][STATES] states of the neuron after it */
    delivery *pending;  /* [entries] heap by time */
    double *x, *y;      /* [neurons][STATES] */
    double *since;      /* [neurons] time of x (forward) or y (backward) */
    double *next;       /* [neurons] the next crossing if nothing arrives, or the end of what is clear */
    double *clear;      /* [neurons] length from `since` on, to `next`, that has no crossing; 0: `next` is one */
    int32_t *latest;    /* [neurons] the last entry of the tape, -1: none */
    int32_t *heap, *place; /* [neurons] heap of neurons by next */
    int32_t *stale, stales; /* [neurons] neurons whose next crossing is to be found anew */
    uint8_t *is_stale;  /* [neurons] */
    int32_t *mode;      /* [neurons] */
    int32_t *starter;   /* [neurons] the spike that started the phase */
    int32_t *trigger;   /* [neurons] the entry of the arrival that makes it spike now, -1: none */
    double *extra;      /* [entries] what a triggered spike gives to its arrival's credit */
    summit *summits;    /* [neurons][PEAKS] */
    double *credit;     /* [entries] of each spike */
} workspace;

static int64_t lay_out(workspace *w, const saltus_network *net, int64_t entries, char *base)
{
    const int64_t n = net->neurons, d = sizeof(double), i = sizeof(int32_t);
    int64_t used = base == NULL ? 64 : (-(int64_t)(intptr_t)base) & 63;
    *w = (workspace){.entries = entries};
    w->tape = take(base, &used, entries * (int64_t)sizeof(entry));
    w->after = take(base, &used, entries * d * STATES);
    w->pending = take(base, &used, entries * (int64_t)sizeof(delivery));
    w->x = take(base, &used, n * d * STATES);
    w->y = take(base, &used, n * d * STATES);
    w->since = take(base, &used, n * d);
    w->next = take(base, &used, n * d);
    w->clear = take(base, &used, n * d);
    w->latest = take(base, &used, n * i);
    w->heap = take(base, &used, n * i);
    w->place = take(base, &used, n * i);
    w->stale = take(base, &used, n * i);
    w->is_stale = take(base, &used, n);
    w->mode = take(base, &used, n * i);
    w->starter = take(base, &used, n * i);
    w->trigger = take(base, &used, n * i);
    w->extra = take(base, &used, entries * d);
    w->summits = take(base, &used, n * PEAKS * (int64_t)sizeof(summit));
    w->credit = take(base, &used, entries * d);
    return used;
}

int64_t saltus_network_workspace(const saltus_network *net, int64_t entries)
{
    workspace w;
    return lay_out(&w, net, entries, NULL);
}


/* A neuron's population, parameters and place in it. */
typedef struct {
    const model_table *model;
    const double *p;
    int64_t stride, gradient;
} cell;

static cell cell_of(const saltus_network *net, int32_t neuron)
{
    const saltus_population *population = net->population + net->population_of[neuron];
    const int64_t local = neuron - population->first;
    return (cell){MODELS + population->model, population->parameters + local, population->count,
                  population->first_parameter + local};
}

/* Restores the heap of neurons after next[neuron] has changed; at one time, the lower neuron comes first. */
static int sooner(const workspace *w, int32_t a, int32_t b)
{
    return w->next[a] < w->next[b] || (w->next[a] == w->next[b] && a < b);
}

static void sift(const workspace *w, int32_t neurons, int32_t neuron)
{
    int32_t at = w->place[neuron];
    while (at > 0 && sooner(w, neuron, w->heap[(at - 1) / 2])) {
        w->heap[at] = w->heap[(at - 1) / 2];
        w->place[w->heap[at]] = at;
        at = (at - 1) / 2;
    }
    for (;;) {
        int32_t child = 2 * at + 1;
        if (child >= neurons) break;
        if (child + 1 < neurons && sooner(w, w->heap[child + 1], w->heap[child])) child++;
        if (!sooner(w, w->heap[child], neuron)) break;
        w->heap[at] = w->heap[child];
        w->place[w->heap[at]] = at;
        at = child;
    }
    w->heap[at] = neuron;
    w->place[neuron] = at;
}

/* Deliveries in the order of time, then of their sending, then of their projection. */
static int before(const delivery *a, const delivery *b)
{
    if (a->time != b->time) return a->time < b->time;
    if (a->sent != b->sent) return a->sent < b->sent;
    if (a->cause != b->cause) return a->cause < b->cause;
    return a->projection < b->projection;
}

static void push_delivery(workspace *w, delivery item)
{
    int64_t at = w->under_way++;
    for (; at > 0 && before(&item, w->pending + (at - 1) / 2); at = (at - 1) / 2) w->pending[at] = w->pending[(at - 1) / 2];
    w->pending[at] = item;
}

static void settle_top(workspace *w, delivery item)
{
    int64_t at = 0;
    for (;;) {
        int64_t child = 2 * at + 1;
        if (child >= w->under_way) break;
        if (child + 1 < w->under_way && before(w->pending + child + 1, w->pending + child)) child++;
        if (!before(w->pending + child, &item)) break;
        w->pending[at] = w->pending[child];
        at = child;
    }
    w->pending[at] = item;
}

/* ======== forward */

typedef struct {
    const saltus_network *net;
    const saltus_input *in;
    saltus_output *out;
    workspace *w;
    saltus_status *status;
    int32_t sample, spikes;
} run;

static double *states_of(const run *r, int32_t n)
{
    return r->w->x + (int64_t)n * STATES;
}

static const mode_table *mode_of(const run *r, int32_t n)
{
    return cell_of(r->net, n).model->modes + r->w->mode[n];
}

/* Carries x over dt in a mode of neuron n. */
static void flow(const run *r, int32_t n, int32_t mode, double dt, const double *x, double *x_end)
{
    const cell c = cell_of(r->net, n);
    double end[STATES] = {0.0};
    if (dt > 0.0)
        c.model->modes[mode].flow(c.p, c.stride, r->net->tolerance, dt, x, end);
    else
        memcpy(end, x, sizeof end);
    memcpy(x_end, end, sizeof end);
}

/* Keeps the highest values of the readouts that are maxima, over the stretch of length dt from x. */
static void climb_summits(const run *r, int32_t n, double dt)
{
    const cell c = cell_of(r->net, n);
    for (int32_t k = 0; k < c.model->peaks; k++) {
        summit *s = r->w->summits + n * PEAKS + k;
        const double since = r->w->since[n];
        double begin = -INFINITY, end = INFINITY, at = 0.0, x[STATES];
        if (c.model->window != NULL) c.model->window(k, c.p, c.stride, r->net->horizon, &begin, &end);
        const double from = since < begin ? begin - since : 0.0, to = end - since < dt ? end - since : dt;
        if (!(from <= to)) continue;
        flow(r, n, r->w->mode[n], from, states_of(r, n), x);
        const double value = mode_of(r, n)->peak(k, c.p, c.stride, to - from, x, &at);
        if (!(value > s->value)) continue;
        *s = (summit){value, since + from + at, r->w->latest[n], INSIDE, NO_BOUND};
        if (at == 0.0) {
            s->where = from == 0.0 ? AT_START : INSIDE;
            if (since <= begin) s->time = begin, s->bound = BEGIN;
        } else if (at == to - from) {
            s->where = to == dt ? AT_END : INSIDE;
            if (since + dt >= end) s->time = end, s->bound = END;
        }
    }
}

/* Brings neuron n to time t, where something happens to it. */
static void advance(const run *r, int32_t n, double t)
{
    const double dt = t - r->w->since[n];
    r->w->clear[n] = 0.0;
    climb_summits(r, n, dt);
    flow(r, n, r->w->mode[n], dt, states_of(r, n), states_of(r, n));
    r->w->since[n] = t;
}

static void mark_stale(const run *r, int32_t n)
{
    workspace *w = r->w;
    if (w->is_stale[n]) return;
    w->is_stale[n] = 1;
    w->stale[w->stales++] = n;
}

static void set_next(const run *r, int32_t n, double t)
{
    r->w->clear[n] = 0.0;
    r->w->next[n] = t;
    sift(r->w, r->net->neurons, n);
}

/* Whether an entry is an arrival of this spike or input event that comes with it, whatever changes. */
static int comes_with(const run *r, const entry *item, int32_t cause)
{
    return item->kind == ARRIVAL && item->cause == cause && r->net->projection[item->projection].delay == NULL;
}

/* Whether two entries of a neuron at one time could trade places and would then do something else. */
static int is_tied(const run *r, const entry *first, const entry *second)
{
    if (first->kind == PHASE_END || second->kind == PHASE_END) return 1;
    if (second->kind == ARRIVAL && (first->kind == EMISSION || first->kind == TRIGGERED))
        return !comes_with(r, second, first->cause) && (second->cause < 0 || r->net->projection[second->projection].delay != NULL);
    if (second->kind != TRIGGERED || first->kind != ARRIVAL) return 0;
    const entry *trigger = r->w->tape + second->place;
    return first != trigger && !(comes_with(r, first, trigger->cause) && comes_with(r, trigger, first->cause));
}

static int write_entry(const run *r, entry item)
{
    workspace *w = r->w;
    if (w->used == w->entries) return fail(r->status, WORKSPACE, r->sample, item.neuron, item.time, 2 * w->entries);
    w->extra[w->used] = 0.0;
    if (item.neuron >= 0) {
        item.previous = w->latest[item.neuron];
        for (int32_t i = item.previous; i >= 0 && w->tape[i].time == item.time; i = w->tape[i].previous)
            r->out->tied[r->sample] += is_tied(r, w->tape + i, &item);
        item.mode = w->mode[item.neuron];
        w->latest[item.neuron] = (int32_t)w->used;
        memcpy(w->after + w->used * STATES, states_of(r, item.neuron), sizeof(double) * STATES);
    }
    w->tape[w->used++] = item;
    return DONE;
}

/* A spike arrives through one synapse. */
static int deliver(const run *r, int32_t projection, int64_t synapse, double t, int32_t cause, int undelayed)
{
    const saltus_projection *p = r->net->projection + projection;
    const int32_t n = r->net->population[p->population].first + p->target[synapse];
    const cell c = cell_of(r->net, n);
    workspace *w = r->w;
    const mode_table *mode = mode_of(r, n);
    const int due = mode->crossing != NULL && w->next[n] == t && w->clear[n] == 0.0; /* it spikes at this very time */
    const int triggered = w->trigger[n] >= 0;
    const int32_t latest = w->latest[n];
    const int just = latest >= 0 && w->tape[latest].time == t && w->tape[latest].kind == EMISSION;
    if (undelayed && cause >= 0 && (due || (just && w->tape[latest].cause != cause))) r->out->joined[r->sample]++;
    advance(r, n, t);
    mode->arrive(p->receptor, c.p, c.stride, p->weight[p->index[synapse]], states_of(r, n));
    if (write_entry(r, (entry){.time = t, .place = synapse, .kind = ARRIVAL, .neuron = n, .cause = cause,
                               .projection = projection}))
        return r->status->code;
    if (mode->crossing == NULL || (due && !triggered)) return DONE;
    if ((triggered || (c.model->triggers >> p->receptor & 1)) && c.model->guard(c.p, c.stride, states_of(r, n)) >= 0.0) {
        w->trigger[n] = (int32_t)(w->used - 1);
        set_next(r, n, t);
    } else { /* nothing lifts it over its threshold, or what did is undone by what comes with it */
        if (triggered) set_next(r, n, INFINITY);
        w->trigger[n] = -1;
        mark_stale(r, n);
    }
    return DONE;
}

/* A source sends a spike through all its projections. */
static int send(const run *r, int32_t source, double t, int32_t cause)
{
    for (int32_t j = 0; j < r->net->projections; j++) {
        const saltus_projection *p = r->net->projection + j;
        const int32_t row = source - p->first_source;
        if (row < 0 || row >= p->sources || p->start[row] == p->start[row + 1]) continue;
        if (p->delay == NULL) {
            for (int64_t s = p->start[row]; s < p->start[row + 1]; s++)
                if (deliver(r, j, s, t, cause, 1)) return r->status->code;
        } else {
            if (r->w->under_way == r->w->entries)
                return fail(r->status, WORKSPACE, r->sample, -1, t, 2 * r->w->entries);
            push_delivery(r->w, (delivery){t + p->delay[p->index[p->start[row]]], t, p->start[row], p->start[row + 1], j, cause});
        }
    }
    return DONE;
}

/* Whether the arrival that makes a spike at time t was itself sent at t by a spike, and not from outside. */
static int is_cascade(const run *r, int32_t trigger, double t)
{
    const int32_t cause = trigger < 0 ? -1 : r->w->tape[trigger].cause;
    return cause >= 0 && r->out->time[r->sample * r->out->capacity + cause] == t;
}

/* Neuron n spikes at time t. */
static int emit(run *r, int32_t n, double t)
{
    const cell c = cell_of(r->net, n);
    workspace *w = r->w;
    saltus_output *out = r->out;
    const int64_t place = r->sample * out->capacity + r->spikes;
    const int32_t trigger = w->trigger[n], latest = w->latest[n], spike = r->spikes;
    if (r->spikes == out->capacity) return fail(r->status, CAPACITY, r->sample, n, t, 2 * out->capacity);
    for (int32_t i = latest; is_cascade(r, trigger, t) && i >= 0 && w->tape[i].time == t; i = w->tape[i].previous)
        if (w->tape[i].kind == TRIGGERED || w->tape[i].kind == EMISSION)
            return fail(r->status, CASCADE, r->sample, n, t, 0);
    advance(r, n, t);
    out->time[place] = t;
    out->neuron[place] = n;
    out->slope[place] = trigger >= 0 ? INFINITY : c.model->slope(c.p, c.stride, states_of(r, n));
    c.model->reset(c.p, c.stride, states_of(r, n));
    r->spikes++;
    w->trigger[n] = -1;
    w->mode[n] = c.model->after_spike;
    w->starter[n] = spike;
    const mode_table *mode = mode_of(r, n);
    const double above = mode->crossing == NULL ? -INFINITY : c.model->guard(c.p, c.stride, states_of(r, n));
    const int at_zero = c.model->keeps_guard && (trigger < 0 || above == 0.0); /* up to rounding, unless an arrival lifted it */
    if (mode->crossing != NULL && at_zero) { /* it must fall, and take time to rise */
        if (latest >= 0 && w->tape[latest].kind == EMISSION && t - w->tape[latest].time <= 0x1p-44 * t)
            return fail(r->status, ACCUMULATES, r->sample, n, t, 0);
        if (c.model->slope(c.p, c.stride, states_of(r, n)) >= 0.0) return fail(r->status, RESETS_ABOVE, r->sample, n, t, 0);
    } else if (above >= 0.0)
        return fail(r->status, RESETS_ABOVE, r->sample, n, t, 0);
    set_next(r, n, mode->duration >= 0 ? t + c.p[mode->duration * c.stride] : INFINITY);
    if (mode->crossing != NULL) mark_stale(r, n);
    if (write_entry(r, (entry){.time = t, .kind = trigger >= 0 ? TRIGGERED : EMISSION, .neuron = n, .cause = spike,
                               .place = trigger}))
        return r->status->code;
    return send(r, r->net->channels + n, t, spike);
}

/* The phase of neuron n ends at time t. */
static int end_phase(const run *r, int32_t n, double t)
{
    const cell c = cell_of(r->net, n);
    const mode_table *mode = mode_of(r, n);
    advance(r, n, t);
    mode->end(c.p, c.stride, states_of(r, n));
    r->w->mode[n] = mode->next;
    set_next(r, n, INFINITY);
    if (mode_of(r, n)->crossing != NULL) {
        if (c.model->guard(c.p, c.stride, states_of(r, n)) >= 0.0) return fail(r->status, ENDS_ABOVE, r->sample, n, t, 0);
        mark_stale(r, n);
    }
    return write_entry(r, (entry){.time = t, .kind = PHASE_END, .neuron = n, .cause = r->w->starter[n]});
}

/* How far a search that takes time goes from now on: to what is known to come next, and twice as far as the last time if
 * nothing has happened to the neuron since. */
static double reach(const run *r, int32_t n, double now, double coming)
{
    const double rest = r->net->horizon - now;
    if (!mode_of(r, n)->stepwise) return rest;
    return fmin(rest, fmax(coming - now, fmax(2.0 * r->w->clear[n], 0x1p-10 * rest)));
}

/* Finds the next crossing of every neuron to which something has happened, or until when it has none. */
static int predict(const run *r, double coming)
{
    workspace *w = r->w;
    for (int32_t i = 0; i < w->stales; i++) {
        const int32_t n = w->stale[i];
        const cell c = cell_of(r->net, n);
        const double since = w->since[n];
        w->is_stale[n] = 0;
        if (w->trigger[n] >= 0 || mode_of(r, n)->crossing == NULL) continue;
        const double span = reach(r, n, since, fmin(coming, w->next[w->heap[0]]));
        const double s = mode_of(r, n)->crossing(c.p, c.stride, r->net->tolerance, since, span, states_of(r, n));
        if (s != s) return fail(r->status, ROOT, r->sample, n, since, 0);
        const int looks = s == INFINITY && span < r->net->horizon - since; /* not since + span: that may be rounded to before the end */
        set_next(r, n, since + (looks ? span : s));
        w->clear[n] = looks ? span : 0.0;
    }
    w->stales = 0;
    return DONE;
}

/* The states of all neurons at time t, without disturbing them. */
static void snapshot(const run *r, double t, double *states)
{
    for (int32_t n = 0; n < r->net->neurons; n++)
        flow(r, n, r->w->mode[n], t - r->w->since[n], states_of(r, n), states + (int64_t)n * STATES);
}

/* One input event. */
static int input(const run *r, int32_t e, double t, double *record)
{
    const int64_t at = r->in->start[r->sample] + e;
    const int32_t channel = r->in->channel[at];
    if (channel >= 0 && send(r, channel, t, ~e)) return r->status->code;
    if (channel <= -2) {
        const int32_t n = (-2 - channel) / STATES, state = (-2 - channel) % STATES;
        advance(r, n, t);
        states_of(r, n)[state] = r->in->value[at];
        if (mode_of(r, n)->crossing != NULL) mark_stale(r, n);
        if (write_entry(r, (entry){.time = t, .kind = SETTING, .neuron = n, .cause = ~e, .place = state})) return r->status->code;
    }
    if (channel == -1 && write_entry(r, (entry){.time = t, .kind = PROBE, .neuron = -1, .cause = ~e})) return r->status->code;
    if (record != NULL) snapshot(r, t, record + at * r->net->neurons * STATES);
    return DONE;
}

/* Whether a maximum of neuron n is sought in a window that is empty or goes beyond the run. */
static int has_no_window(const run *r, int32_t n)
{
    const cell c = cell_of(r->net, n);
    for (int32_t k = 0; c.model->window != NULL && k < c.model->peaks; k++) {
        double begin, end;
        c.model->window(k, c.p, c.stride, r->net->horizon, &begin, &end);
        if (begin > -INFINITY && !(0.0 <= begin && begin <= end && end <= r->net->horizon)) return 1;
    }
    return 0;
}

static int start(const run *r)
{
    workspace *w = r->w;
    w->used = w->under_way = 0;
    w->stales = 0;
    r->out->joined[r->sample] = r->out->tied[r->sample] = 0;
    for (int32_t n = 0; n < r->net->neurons; n++) {
        const cell c = cell_of(r->net, n);
        memset(states_of(r, n), 0, sizeof(double) * STATES);
        c.model->begin(c.p, c.stride, states_of(r, n));
        w->since[n] = w->clear[n] = 0.0;
        w->next[n] = INFINITY;
        w->latest[n] = w->trigger[n] = w->starter[n] = -1;
        w->heap[n] = w->place[n] = n;
        w->is_stale[n] = 0;
        w->mode[n] = 0;
        for (int32_t k = 0; k < PEAKS; k++) w->summits[n * PEAKS + k] = (summit){-INFINITY, 0.0, -1, AT_START, NO_BOUND};
        if (has_no_window(r, n)) return fail(r->status, WINDOW, r->sample, n, 0.0, 0);
        if (c.model->guard == NULL) continue;
        if (c.model->guard(c.p, c.stride, states_of(r, n)) >= 0.0) return fail(r->status, STARTS_ABOVE, r->sample, n, 0.0, 0);
        mark_stale(r, n);
    }
    return DONE;
}

/* One sample forward. At one time, what neurons do comes before arrivals, and the input before what is under way. */
static int forward(run *r, double *record)
{
    const saltus_network *net = r->net;
    workspace *w = r->w;
    const int32_t events = r->in->count[r->sample];
    r->spikes = 0;
    if (start(r)) return r->status->code;
    for (int32_t e = 0;;) {
        const double incoming = e < events ? r->in->time[r->in->start[r->sample] + e] : INFINITY;
        const double arrival = w->under_way > 0 ? w->pending[0].time : INFINITY;
        if (predict(r, fmin(incoming, arrival))) return r->status->code;
        const double own = w->next[w->heap[0]];
        const double t = fmin(own, fmin(incoming, arrival));
        if (!(t <= net->horizon)) break;
        if (own == t) {
            const int32_t n = w->heap[0];
            if (w->clear[n] > 0.0)
                mark_stale(r, n);
            else if (mode_of(r, n)->duration >= 0 ? end_phase(r, n, t) : emit(r, n, t)) return r->status->code;
        } else if (incoming == t) {
            if (input(r, e++, t, record)) return r->status->code;
        } else {
            delivery top = w->pending[0];
            const saltus_projection *p = net->projection + top.projection;
            if (deliver(r, top.projection, top.synapse, t, top.cause, 0)) return r->status->code;
            if (++top.synapse < top.stop) {
                top.time = top.sent + p->delay[p->index[top.synapse]];
                settle_top(w, top);
            } else {
                w->under_way--;
                if (w->under_way > 0) settle_top(w, w->pending[w->under_way]);
            }
        }
    }
    r->out->count[r->sample] = r->spikes;
    for (int32_t n = 0; PEAKS > 0 && n < net->neurons; n++) climb_summits(r, n, net->horizon - w->since[n]);
    for (int32_t k = 0; r->out->peak != NULL && k < net->neurons * PEAKS; k++) {
        r->out->peak[(int64_t)r->sample * net->neurons * PEAKS + k] = w->summits[k].value;
        r->out->peak_time[(int64_t)r->sample * net->neurons * PEAKS + k] = w->summits[k].time;
    }
    return DONE;
}

/* ======== backward. w->latest[n] is the entry that the tape of neuron n has been unrolled to, w->since[n] its adjoints' time. */

/* The states of neuron n just after entry i of the tape, or at the start, and the mode that follows. */
static int32_t states_after(const run *r, int32_t n, int32_t i, double *x)
{
    const cell c = cell_of(r->net, n);
    if (i >= 0) {
        memcpy(x, r->w->after + (int64_t)i * STATES, sizeof(double) * STATES);
        return r->w->tape[i].mode;
    }
    memset(x, 0, sizeof(double) * STATES);
    c.model->begin(c.p, c.stride, x);
    return 0;
}

/* The states of neuron n at time t, in the stretch after entry i. */
static int32_t states_at(const run *r, int32_t n, int32_t i, double t, double *x)
{
    const int32_t mode = states_after(r, n, i, x);
    flow(r, n, mode, t - (i < 0 ? 0.0 : r->w->tape[i].time), x, x);
    return mode;
}

/* Brings the adjoints of neuron n back to time t, within the stretch after its latest entry. */
static void retreat(const run *r, int32_t n, double t, double *gradient)
{
    const cell c = cell_of(r->net, n);
    const double dt = r->w->since[n] - t;
    if (dt > 0.0) {
        double x[STATES];
        const int32_t mode = states_at(r, n, r->w->latest[n], t, x);
        c.model->modes[mode].flow_back(c.p, c.stride, r->net->tolerance, dt, x, r->w->y + (int64_t)n * STATES,
                                       gradient == NULL ? NULL : gradient + c.gradient);
    }
    r->w->since[n] = t;
}

/* Adds dL/dx to the adjoints of neuron n, where they are now. */
static void kick(const run *r, int32_t n, const double *slope)
{
    const cell c = cell_of(r->net, n);
    double y[STATES] = {0.0}, *mine = r->w->y + (int64_t)n * STATES;
    c.model->end(c.p, c.stride, slope, y);
    for (int s = 0; s < STATES; s++) mine[s] += y[s];
}

/* dL/dt of the time at which maximum k of neuron n is attained, if that were free, with states x there. */
static double summit_moves(const run *r, const saltus_network_cotangent *cotangent, int32_t n, int32_t mode, int32_t k,
                           const double *x)
{
    const cell c = cell_of(r->net, n);
    const double share = cotangent->peak[((int64_t)r->sample * r->net->neurons + n) * PEAKS + k];
    return share * c.model->modes[mode].peak_slope(k, c.p, c.stride, x);
}

/* The maximum k of neuron n enters the adjoints where they are now, with states x there. Returns its time's share. */
static double summit_back(const run *r, const saltus_network_cotangent *cotangent, int32_t n, int32_t mode, int32_t k,
                          const double *x, double *gradient)
{
    const cell c = cell_of(r->net, n);
    const int32_t bound = r->w->summits[n * PEAKS + k].bound;
    const double share = cotangent->peak[((int64_t)r->sample * r->net->neurons + n) * PEAKS + k];
    const double moves = summit_moves(r, cotangent, n, mode, k, x);
    c.model->peak_back(k, c.p, c.stride, share, x, r->w->y + (int64_t)n * STATES,
                       gradient == NULL ? NULL : gradient + c.gradient);
    if (bound != NO_BOUND && gradient != NULL)
        c.model->bounds_back(k, c.p, c.stride, bound == BEGIN ? moves : 0.0, bound == END ? moves : 0.0, gradient + c.gradient);
    return moves;
}

/* All maxima of neuron n that are attained at `where` of the stretch after entry i; x: the states there, in this mode. */
static double summits_back(const run *r, const saltus_network_cotangent *cotangent, int32_t n, int32_t i, int where,
                           int32_t mode, const double *x, double *gradient)
{
    double shares = 0.0;
    for (int32_t k = 0; cotangent->peak != NULL && k < cell_of(r->net, n).model->peaks; k++) {
        const summit *s = r->w->summits + n * PEAKS + k;
        if (s->entry == i && s->where == where) shares += summit_back(r, cotangent, n, mode, k, x, gradient);
    }
    return shares;
}

/* Retreats neuron n to time t, within the stretch after its latest entry, through the maxima there, the last first. */
static void retreat_to(const run *r, const saltus_network_cotangent *cotangent, int32_t n, double t, double *gradient)
{
    const int32_t i = r->w->latest[n], peaks = cotangent->peak == NULL ? 0 : cell_of(r->net, n).model->peaks;
    const summit *own = r->w->summits + n * PEAKS;
    for (;;) {
        double x[STATES], time = -INFINITY;
        for (int32_t k = 0; k < peaks; k++)
            if (own[k].entry == i && own[k].where == INSIDE && own[k].time >= t && own[k].time < r->w->since[n])
                time = fmax(time, own[k].time);
        if (time == -INFINITY) break;
        retreat(r, n, time, gradient);
        const int32_t mode = states_at(r, n, i, time, x);
        for (int32_t k = 0; k < peaks; k++)
            if (own[k].entry == i && own[k].where == INSIDE && own[k].time == time)
                summit_back(r, cotangent, n, mode, k, x, gradient);
    }
    retreat(r, n, t, gradient);
}

/* The same to the start of the stretch. */
static void retreat_to_entry(const run *r, const saltus_network_cotangent *cotangent, int32_t n, double *gradient)
{
    const int32_t i = r->w->latest[n];
    retreat_to(r, cotangent, n, i < 0 ? 0.0 : r->w->tape[i].time, gradient);
}

/* The adjoints of all neurons at the time of a probe; what the loss says of the states there enters after. */
static void probe_back(const run *r, const saltus_network_cotangent *cotangent, const entry *item, double *record,
                       double *gradient)
{
    const int64_t at = (r->in->start[r->sample] + ~item->cause) * r->net->neurons * STATES;
    for (int32_t n = 0; n < r->net->neurons; n++) {
        retreat_to(r, cotangent, n, item->time, gradient);
        if (record != NULL) memcpy(record + at + (int64_t)n * STATES, r->w->y + (int64_t)n * STATES, sizeof(double) * STATES);
        if (cotangent->probe != NULL) kick(r, n, cotangent->probe + at + (int64_t)n * STATES);
    }
}

/* One sample backward, after it has been run forward. */
static void backward(const run *r, const saltus_network_cotangent *cotangent, const saltus_network_gradient *gradient,
                     double *record, int32_t chunk)
{
    const saltus_network *net = r->net;
    workspace *w = r->w;
    const int64_t first = r->in->start[r->sample];
    double *weights = gradient->weights == NULL ? NULL : gradient->weights + chunk * net->synapses;
    double *delays = gradient->delays == NULL ? NULL : gradient->delays + chunk * net->synapses;
    double *parameters = gradient->parameters == NULL ? NULL : gradient->parameters + chunk * net->parameters;
    double *event_time = gradient->event_time == NULL ? NULL : gradient->event_time + first;
    double *event_value = gradient->event_value == NULL ? NULL : gradient->event_value + first;
    double x[STATES], unused;
    for (int32_t k = 0; k < r->spikes; k++) w->credit[k] = cotangent->time[r->sample * r->out->capacity + k];
    for (int32_t e = 0; event_time != NULL && e < r->in->count[r->sample]; e++) event_time[e] = 0.0;
    for (int32_t e = 0; event_value != NULL && e < r->in->count[r->sample]; e++) event_value[e] = 0.0;
    for (int32_t n = 0; n < net->neurons; n++) {
        memset(w->y + (int64_t)n * STATES, 0, sizeof(double) * STATES);
        w->since[n] = net->horizon;
        if (cotangent->final != NULL) kick(r, n, cotangent->final + ((int64_t)r->sample * net->neurons + n) * STATES);
        const int32_t mode = states_at(r, n, w->latest[n], net->horizon, x);
        summits_back(r, cotangent, n, w->latest[n], AT_END, mode, x, parameters);
    }
    for (int64_t i = w->used - 1; i >= 0; i--) {
        const entry *item = w->tape + i;
        if (item->kind == PROBE) {
            probe_back(r, cotangent, item, record, parameters);
            continue;
        }
        const int32_t n = item->neuron;
        const cell c = cell_of(net, n);
        double *y = w->y + (int64_t)n * STATES;
        double *own = parameters == NULL ? NULL : parameters + c.gradient;
        retreat_to_entry(r, cotangent, n, parameters);
        const int32_t follows = states_after(r, n, (int32_t)i, x);
        double share = summits_back(r, cotangent, n, (int32_t)i, AT_START, follows, x, parameters); /* a maximum on the later side */
        w->latest[n] = item->previous;
        const int32_t mode = states_at(r, n, item->previous, item->time, x); /* and just before the entry */
        for (int32_t k = 0; cotangent->peak != NULL && k < c.model->peaks; k++) { /* on the earlier side: its time's share now, */
            const summit *s = w->summits + n * PEAKS + k;
            if (s->entry == item->previous && s->where == AT_END)
                share += summit_moves(r, cotangent, n, mode, k, x);
        }
        double credit = share;
        switch (item->kind) {
        case EMISSION:
            c.model->emit_back(c.p, c.stride, w->credit[item->cause] + share, x, y, own);
            break;
        case TRIGGERED:
            w->extra[item->place] +=
                w->credit[item->cause] + share + c.model->trigger_back(c.p, c.stride, x, y, own);
            break;
        case PHASE_END:
            credit += c.model->modes[mode].end_back(c.p, c.stride, x, y, own);
            w->credit[item->cause] += credit;
            if (own != NULL) own[c.model->modes[mode].duration * c.stride] += credit;
            break;
        case SETTING:
            if (event_value != NULL) event_value[~item->cause] -= y[item->place];
            y[item->place] = 0.0;
            break;
        default: {
            const saltus_projection *p = net->projection + item->projection;
            const int64_t synapse = p->index[item->place];
            unused = 0.0;
            credit += w->extra[i];
            credit += c.model->modes[mode].arrive_back(p->receptor, c.p, c.stride, p->weight[synapse], x, y,
                                                       weights == NULL ? &unused : weights + synapse, own);
            if (delays != NULL && p->delay != NULL) delays[synapse] += credit;
            if (item->cause >= 0)
                w->credit[item->cause] += credit;
            else if (event_time != NULL)
                event_time[~item->cause] += credit;
        }
        }
        summits_back(r, cotangent, n, item->previous, AT_END, mode, x, parameters); /* its slope after the jump is undone */
    }
    for (int32_t n = 0; n < net->neurons; n++) {
        const cell c = cell_of(net, n);
        if (parameters == NULL) continue;
        retreat_to_entry(r, cotangent, n, parameters);
        const int32_t mode = states_after(r, n, -1, x);
        summits_back(r, cotangent, n, -1, AT_START, mode, x, parameters);
        c.model->begin_back(c.p, c.stride, w->y + (int64_t)n * STATES, parameters + c.gradient);
    }
}

/* ======== the calls */

typedef struct {
    const saltus_network *net;
    const saltus_input *in;
    saltus_output *out;
    double *final, *record;
    const saltus_network_cotangent *cotangent; /* this and the next: NULL forward */
    const saltus_network_gradient *gradient;
} job;

static int run_sample(const job *j, workspace *w, int32_t chunk, int32_t sample, saltus_status *status)
{
    run r = {j->net, j->in, j->out, w, status, sample, 0};
    if (forward(&r, j->record)) return status->code;
    if (j->final != NULL) snapshot(&r, j->net->horizon, j->final + (int64_t)sample * j->net->neurons * STATES);
    if (j->gradient != NULL) backward(&r, j->cotangent, j->gradient, j->record, chunk);
    return DONE;
}

/* Every sample of the chunks [first, last), chunk by chunk; the first failure (by sample) is kept. */
static int32_t run_chunks(const job *j, int32_t first, int32_t last, int32_t threads, char *place, int64_t bytes,
                          int64_t entries, saltus_status *status)
{
    *status = (saltus_status){DONE, j->net->batch, -1, 0.0, 0};
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
        lay_out(&w, j->net, entries, mine);
        const int32_t from = (int32_t)((int64_t)chunk * j->net->batch / j->net->chunks);
        const int32_t to = (int32_t)((int64_t)(chunk + 1) * j->net->batch / j->net->chunks);
        for (int32_t sample = from; sample < to; sample++) {
            saltus_status mine_status = {DONE, 0, 0, 0.0, 0};
            if (run_sample(j, &w, chunk, sample, &mine_status) == DONE) continue;
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

int32_t saltus_network_forward(const saltus_network *net, const saltus_input *in, saltus_output *out, double *final,
                               double *record, int32_t first, int32_t last, int32_t threads, char *place,
                               int64_t bytes, int64_t entries, saltus_status *status)
{
    const job j = {net, in, out, final, record, NULL, NULL};
    return run_chunks(&j, first, last, threads, place, bytes, entries, status);
}

int32_t saltus_network_backward(const saltus_network *net, const saltus_input *in, saltus_output *out,
                                const saltus_network_cotangent *cotangent, const saltus_network_gradient *gradient,
                                double *record, int32_t first, int32_t last, int32_t threads, char *place,
                                int64_t bytes, int64_t entries, saltus_status *status)
{
    const job j = {net, in, out, NULL, record, cotangent, gradient};
    const struct {
        double *base;
        int64_t size;
    } slices[] = { {gradient->weights, net->synapses}, {gradient->delays, net->synapses}, {gradient->parameters, net->parameters} };
    for (int k = 0; k < 3; k++)
        if (slices[k].base != NULL)
            memset(slices[k].base + first * slices[k].size, 0, sizeof(double) * (size_t)((last - first) * slices[k].size));
    return run_chunks(&j, first, last, threads, place, bytes, entries, status);
}

void saltus_network_reduce(const saltus_network *net, const saltus_network_gradient *gradient)
{
    reduce(gradient->weights, net->chunks, net->synapses);
    reduce(gradient->delays, net->chunks, net->synapses);
    reduce(gradient->parameters, net->chunks, net->parameters);
}

int32_t saltus_abi(void)
{
    return ABI;
}

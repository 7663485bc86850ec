/* Made by `saltus emit` from qif.toml (network; ir.json d32961b0c21a). Do not edit: change the spec or the templates and run it again.
 *
 * The event engine for recurrent networks: populations of qif; sparse, delayed, self- and
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

/* The embedded Runge-Kutta pair 5(4) of Dormand & Prince (1980): x_new = x + h sum b_i k_i, k_i = F(x + h sum a_ij k_j). */
enum { STAGES = 7, KEPT = 512 };

static const double DP_A[STAGES][STAGES] = {
    {0.0},
    {1.0 / 5.0},
    {3.0 / 40.0, 9.0 / 40.0},
    {44.0 / 45.0, -56.0 / 15.0, 32.0 / 9.0},
    {19372.0 / 6561.0, -25360.0 / 2187.0, 64448.0 / 6561.0, -212.0 / 729.0},
    {9017.0 / 3168.0, -355.0 / 33.0, 46732.0 / 5247.0, 49.0 / 176.0, -5103.0 / 18656.0},
    {35.0 / 384.0, 0.0, 500.0 / 1113.0, 125.0 / 192.0, -2187.0 / 6784.0, 11.0 / 84.0},
};

/* b of order 5 is the last row of a; this is what order 4 adds: the error of a step is h sum e_i k_i. */
static const double DP_E[STAGES] = {71.0 / 57600.0,      0.0,          -71.0 / 16695.0, 71.0 / 1920.0,
                                    -17253.0 / 339200.0, 22.0 / 525.0, -1.0 / 40.0};

/* The next step's length from this one's error (1: as much as allowed), which goes as the fourth power of its length. */
SALTUS_INLINE double next_step(double h, double error)
{
    const double factor = error > 0.0 ? 0.9 * pow(error, -0.25) : 5.0;
    return h * (factor > 5.0 ? 5.0 : (factor < 0.2 ? 0.2 : factor));
}

/* ======== qif: Quadratic integrate-and-fire neuron with an exponential current synapse
 * (Latham et al. (2000), Intrinsic dynamics in neuronal networks; Ermentrout & Kopell (1986)) */

/* ---- constants */

SALTUS_INLINE void qif_constants(const double tau_mem, const double tau_syn, double *restrict per_tau_mem,
    double *restrict per_tau_syn)
{
    *per_tau_mem = 1.0 / tau_mem; /* constants */
    *per_tau_syn = 1.0 / tau_syn; /* constants */
}

/* ---- the flow between events */

SALTUS_INLINE void qif_field(const double V, const double I, const double per_tau_mem,
    const double per_tau_syn, double *restrict V_dot, double *restrict I_dot)
{
    *V_dot = (V * V + I) * per_tau_mem; /* flow.field */
    *I_dot = -I * per_tau_syn; /* flow.field */
}

SALTUS_INLINE void qif_pull(const double V, const double I, const double costate_V, const double costate_I,
    const double per_tau_mem, const double per_tau_syn, double *restrict pull_V, double *restrict pull_I,
    double *restrict grad_tau_mem, double *restrict grad_tau_syn)
{
    *pull_V = 2.0 * costate_V * V * per_tau_mem; /* flow.pull */
    *pull_I = costate_V * per_tau_mem - costate_I * per_tau_syn; /* flow.pull */
    *grad_tau_mem = -costate_V * (V * V + I) * per_tau_mem * per_tau_mem; /* flow.pull */
    *grad_tau_syn = costate_I * I * per_tau_syn * per_tau_syn; /* flow.pull */
}

/* ---- the ends */

SALTUS_INLINE void qif_terminal(const double final_V, const double final_I, const double per_tau_mem,
    const double per_tau_syn, double *restrict lambda_V_next, double *restrict lambda_I_next)
{
    *lambda_V_next = -final_V * per_tau_mem; /* adjoint.terminal */
    *lambda_I_next = -final_I * per_tau_syn; /* adjoint.terminal */
}

SALTUS_INLINE void qif_initial_gradient(const double lambda_V, const double lambda_I, const double tau_mem,
    const double tau_syn, double *restrict grad_V0, double *restrict grad_I0)
{
    *grad_V0 = -tau_mem * lambda_V; /* gradient.initial */
    *grad_I0 = -tau_syn * lambda_I; /* gradient.initial */
}

/* ---- the adjoints as dL/dx */

SALTUS_INLINE void qif_costate(const double lambda_V, const double lambda_I, const double tau_mem,
    const double tau_syn, double *restrict costate_V, double *restrict costate_I)
{
    *costate_V = -tau_mem * lambda_V; /* costate */
    *costate_I = -tau_syn * lambda_I; /* costate */
}

/* ---- emission: spike */

SALTUS_INLINE void qif_guard(const double V, const double theta, double *restrict guard)
{
    *guard = V - theta; /* transition.condition */
}

SALTUS_INLINE void qif_guard_slope(const double V, const double I, const double per_tau_mem,
    double *restrict guard_slope)
{
    *guard_slope = (V * V + I) * per_tau_mem; /* transition.slope */
}

SALTUS_INLINE void qif_reset(const double I, const double v_reset, double *restrict V_next,
    double *restrict I_next)
{
    *V_next = v_reset; /* reset.V */
    *I_next = I; /* reset.I */
}

SALTUS_INLINE void qif_emission_adjoint(const double V, const double I, const double lambda_V,
    const double lambda_I, const double external, const double v_reset, double *restrict sensitivity,
    double *restrict lambda_V_next, double *restrict lambda_I_next)
{
    *sensitivity = external + lambda_V * (I + v_reset * v_reset); /* jump.sensitivity */
    *lambda_V_next = (*sensitivity) / (V * V + I); /* jump.emission */
    *lambda_I_next = lambda_I; /* jump.emission.I */
}

SALTUS_INLINE void qif_emission_parameters(const double V, const double I, const double lambda_V,
    const double sensitivity, const double tau_mem, double *restrict grad_theta,
    double *restrict grad_v_reset)
{
    *grad_theta = tau_mem * sensitivity / (V * V + I); /* gradient.jump.theta */
    *grad_v_reset = -tau_mem * lambda_V; /* gradient.jump.v_reset */
}

/* ---- arrival: exc */

SALTUS_INLINE void qif_exc_jump(const double V, const double I, const double w, double *restrict V_next,
    double *restrict I_next)
{
    *V_next = V; /* receive.V */
    *I_next = I + w; /* receive.I */
}

SALTUS_INLINE void qif_exc_adjoint(const double lambda_V, const double lambda_I,
    double *restrict lambda_V_next, double *restrict lambda_I_next)
{
    *lambda_V_next = lambda_V; /* jump.arrival.V */
    *lambda_I_next = lambda_I; /* jump.arrival.I */
}

SALTUS_INLINE void qif_exc_credit(const double lambda_V, const double lambda_I, double *restrict credit)
{
    *credit = lambda_V - lambda_I; /* arrival.credit */
}

SALTUS_INLINE void qif_exc_weight(const double lambda_I, const double tau_syn, double *restrict grad_w)
{
    *grad_w = -tau_syn * lambda_I; /* gradient.weight */
}

/* ---- one neuron as arrays: what the network calls */

typedef struct {
    double tau_mem, tau_syn, theta, v_reset, V0, I0, per_tau_mem, per_tau_syn;
} qif_parameters;

SALTUS_INLINE qif_parameters qif_read(const double *p, int64_t stride)
{
    qif_parameters q;
    q.tau_mem = p[0 * stride];
    q.tau_syn = p[1 * stride];
    q.theta = p[2 * stride];
    q.v_reset = p[3 * stride];
    q.V0 = p[4 * stride];
    q.I0 = p[5 * stride];
    double per_tau_mem, per_tau_syn;
    qif_constants(q.tau_mem, q.tau_syn, &per_tau_mem, &per_tau_syn);
    q.per_tau_mem = per_tau_mem;
    q.per_tau_syn = per_tau_syn;
    return q;
}

static void qif_cell_begin(const double *p, int64_t stride, double *x)
{
    (void)p, (void)stride;
    x[0] = p[4 * stride];
    x[1] = p[5 * stride];
}

SALTUS_INLINE void qif_to_costate(const qif_parameters *q, const double *y, double *costate)
{
    (void)q;
    double costate_V, costate_I;
    qif_costate(y[0], y[1], q->tau_mem, q->tau_syn, &costate_V, &costate_I);
    costate[0] = costate_V;
    costate[1] = costate_I;
}

SALTUS_INLINE void qif_from_costate(const qif_parameters *q, const double *costate, double *y)
{
    (void)q;
    double lambda_V_next, lambda_I_next;
    qif_terminal(costate[0], costate[1], q->per_tau_mem, q->per_tau_syn, &lambda_V_next, &lambda_I_next);
    y[0] = lambda_V_next;
    y[1] = lambda_I_next;
}

static void qif_cell_end(const double *p, int64_t stride, const double *final, double *y)
{
    const qif_parameters q = qif_read(p, stride);
    (void)q;
    double lambda_V_next, lambda_I_next;
    qif_terminal(final[0], final[1], q.per_tau_mem, q.per_tau_syn, &lambda_V_next, &lambda_I_next);
    y[0] = lambda_V_next;
    y[1] = lambda_I_next;
}

static void qif_cell_begin_back(const double *p, int64_t stride, const double *y, double *grad)
{
    const qif_parameters q = qif_read(p, stride);
    (void)q;
    double grad_V0, grad_I0;
    qif_initial_gradient(y[0], y[1], q.tau_mem, q.tau_syn, &grad_V0, &grad_I0);
    grad[4 * stride] += grad_V0;
    grad[5 * stride] += grad_I0;
}

/* ---- qif, its own dynamics: its flow and its arrivals */

static void qif_own_field(const qif_parameters *q, const double *x, double *dx)
{
    (void)q;
    double V_dot, I_dot;
    qif_field(x[0], x[1], q->per_tau_mem, q->per_tau_syn, &V_dot, &I_dot);
    dx[0] = V_dot;
    dx[1] = I_dot;
}

/* One step of length h from x; k: the stages. Returns the error in units of what is allowed: the tolerance times the way
 * that each state goes at its highest speed, whatever its unit, and the rounding. */
static double qif_own_step(const qif_parameters *q, double tolerance, double h, const double *x,
                             double k[STAGES][2], double *x_new)
{
    double error = 0.0, stage[2];
    for (int i = 0; i < STAGES; i++) {
        for (int s = 0; s < 2; s++) {
            stage[s] = x[s];
            for (int j = 0; j < i; j++) stage[s] += h * DP_A[i][j] * k[j][s];
        }
        qif_own_field(q, stage, k[i]);
    }
    for (int s = 0; s < 2; s++) {
        double e = 0.0;
        for (int i = 0; i < STAGES; i++) e += h * DP_E[i] * k[i][s];
        x_new[s] = stage[s]; /* the last stage is the new state */
        double speed = 0.0;
        for (int i = 0; i < STAGES; i++) speed = fmax(speed, fabs(k[i][s]));
        const double rounding = 0x1p-52 * fmax(fabs(x[s]), fabs(x_new[s])) + 0x1p-54;
        error = fmax(error, fabs(e) / (tolerance * h * speed + rounding));
        if (!(fabs(x_new[s]) < INFINITY)) return INFINITY;
    }
    return error;
}

/* A first step: short against the time in which the state changes by itself. */
static double qif_own_first_step(const qif_parameters *q, double tolerance, double dt, const double *x)
{
    double dx[2], h = dt;
    qif_own_field(q, x, dx);
    for (int s = 0; s < 2; s++)
        if (fabs(dx[s]) > 0.0) h = fmin(h, 0.5 * pow(tolerance, 0.25) * (1.0 + fabs(x[s])) / fabs(dx[s]));
    return h;
}

/* Up to `most` accepted steps of the stretch [0, dt], from *at and x on; x moves along. kept: their starts and lengths. */
static int qif_own_steps(const qif_parameters *q, double tolerance, double dt, double *at, double *h, double *x,
                           int64_t most, double (*kept)[3])
{
    int64_t taken = 0;
    double k[STAGES][2], x_new[2];
    while (*at < dt && taken < most) {
        const int last = *at + *h >= dt * (1.0 - 1e-14);
        const double length = last ? dt - *at : *h;
        const double error = qif_own_step(q, tolerance, length, x, k, x_new);
        if (error > 1.0) {
            *h = next_step(length, error);
            if (*h < 1e-15 * dt) return -1;
            continue;
        }
        if (kept != NULL) {
            kept[taken][0] = length;
            memcpy(kept[taken] + 1, x, sizeof x_new);
        }
        taken++;
        memcpy(x, x_new, sizeof x_new);
        *at = last ? dt : *at + length;
        *h = next_step(length, error);
    }
    return (int)taken;
}

static void qif_own_flow(const double *p, int64_t stride, double tolerance, double dt, const double *x, double *x_end)
{
    const qif_parameters q = qif_read(p, stride);
    double at = 0.0, h = qif_own_first_step(&q, tolerance, dt, x);
    memcpy(x_end, x, sizeof(double[2]));
    if (qif_own_steps(&q, tolerance, dt, &at, &h, x_end, INT64_MAX, NULL) < 0)
        for (int s = 0; s < 2; s++) x_end[s] = NAN;
}

/* The exact gradient of one step with its length fixed: v_i = h (b_i a + sum_j a_ji F_x^T v_j), a += sum F_x^T v_i. */
static void qif_own_step_back(const qif_parameters *q, double h, const double *x, double *costate, double *grad,
                                int64_t stride)
{
    double k[STAGES][2], stages[STAGES][2], pulled[STAGES][2], x_new[2];
    qif_own_step(q, 1.0, h, x, k, x_new);
    for (int i = 0; i < STAGES; i++)
        for (int s = 0; s < 2; s++) {
            stages[i][s] = x[s];
            for (int j = 0; j < i; j++) stages[i][s] += h * DP_A[i][j] * k[j][s];
        }
    for (int i = STAGES - 2; i >= 0; i--) { /* the last stage only serves the error */
        double v[2];
        for (int s = 0; s < 2; s++) {
            v[s] = h * DP_A[STAGES - 1][i] * costate[s];
            for (int j = i + 1; j < STAGES - 1; j++) v[s] += h * DP_A[j][i] * pulled[j][s];
        }
        const double *z = stages[i];
        double pull_V, pull_I, grad_tau_mem, grad_tau_syn;
        qif_pull(z[0], z[1], v[0], v[1], q->per_tau_mem, q->per_tau_syn, &pull_V, &pull_I, &grad_tau_mem, &grad_tau_syn);
        pulled[i][0] = pull_V;
        pulled[i][1] = pull_I;
        if (grad != NULL) {
            grad[0 * stride] += grad_tau_mem;
            grad[1 * stride] += grad_tau_syn;
        }
    }
    (void)grad, (void)stride;
    for (int i = 0; i < STAGES - 1; i++)
        for (int s = 0; s < 2; s++) costate[s] += pulled[i][s];
}

/* The stretch of length dt from x, in reverse time: the same steps, the last first. */
static void qif_own_flow_back(const double *p, int64_t stride, double tolerance, double dt, const double *x, double *y,
                                double *grad)
{
    const qif_parameters q = qif_read(p, stride);
    double kept[KEPT][3], z[2], costate[2];
    double at = 0.0, h = qif_own_first_step(&q, tolerance, dt, x);
    memcpy(z, x, sizeof z);
    int64_t steps = qif_own_steps(&q, tolerance, dt, &at, &h, z, INT64_MAX, NULL);
    qif_to_costate(&q, y, costate);
    while (steps > 0) { /* the last KEPT steps that are left, by going there again */
        const int64_t from = steps > KEPT ? steps - KEPT : 0;
        at = 0.0, h = qif_own_first_step(&q, tolerance, dt, x);
        memcpy(z, x, sizeof z);
        if (from > 0) qif_own_steps(&q, tolerance, dt, &at, &h, z, from, NULL);
        qif_own_steps(&q, tolerance, dt, &at, &h, z, steps - from, kept);
        for (int64_t i = steps - from - 1; i >= 0; i--)
            qif_own_step_back(&q, kept[i][0], kept[i] + 1, costate, grad, stride);
        steps = from;
    }
    qif_from_costate(&q, costate, y);
}

SALTUS_INLINE double qif_own_value(const qif_parameters *q, const double *x)
{
    (void)q;
    double guard;
    qif_guard(x[0], q->theta, &guard);
    return guard;
}

SALTUS_INLINE double qif_own_rise(const qif_parameters *q, const double *x)
{
    (void)q;
    double guard_slope;
    qif_guard_slope(x[0], x[1], q->per_tau_mem, &guard_slope);
    return guard_slope;
}

/* The first upward crossing in [0, span], by the signs of the guard at the ends of each step and, where its slope turns
 * from up to down, at the maximum of the cubic through both ends; then Newton on the step itself, which is as accurate as
 * the integration. What rises and falls back within one step by less than the cubic sees is missed: tighten the tolerance. */
static double qif_own_crossing(const double *p, int64_t stride, double tolerance, double time, double span, const double *x)
{
    const qif_parameters q = qif_read(p, stride);
    double k[STAGES][2], here[2], there[2], at = 0.0;
    memcpy(here, x, sizeof here);
    double g0 = qif_own_value(&q, here), r0 = qif_own_rise(&q, here), h = qif_own_first_step(&q, tolerance, span, x);
    if (g0 >= 0.0 && r0 > 0.0) return 0.0;
    while (at < span) {
        const int last = at + h >= span * (1.0 - 1e-14);
        const double length = last ? span - at : h;
        const double error = qif_own_step(&q, tolerance, length, here, k, there);
        if (error > 1.0) {
            h = next_step(length, error);
            if (h < 1e-15 * span) return NAN;
            continue;
        }
        const double g1 = qif_own_value(&q, there), r1 = qif_own_rise(&q, there);
        if (at == 0.0 && r0 < 0.0 && g1 >= 0.0) { /* it falls: if from zero, that zero is left out */
            if (length <= 0x1p-50 * (time + span)) return 0.0;
            h = 0.5 * length;
            continue;
        }
        double high = length;
        int crosses = g1 >= 0.0 && (g0 < 0.0 || at > 0.0);
        if (!crosses && r0 > 0.0 && r1 < 0.0) { /* the maximum of the cubic: a root of its slope in (0, 1) */
            const double d = (g1 - g0) / length, c2 = 3.0 * (r0 + r1 - 2.0 * d), c1 = 2.0 * (3.0 * d - 2.0 * r0 - r1);
            const double top = fabs(c2) > 1e-12 * fabs(c1) ? (-c1 - sqrt(fmax(c1 * c1 - 4.0 * c2 * r0, 0.0))) / (2.0 * c2)
                                                           : -r0 / c1;
            if (top > 0.0 && top < 1.0) {
                qif_own_step(&q, tolerance, top * length, here, k, there);
                if (qif_own_value(&q, there) >= 0.0) {
                    crosses = 1;
                    high = top * length;
                }
            }
            if (!crosses) qif_own_step(&q, tolerance, length, here, k, there);
        }
        if (crosses) {
            double low = 0.0, s = high * (g1 > g0 && high == length ? -g0 / (g1 - g0) : 0.5);
            for (int round = 0; round < 100; round++) {
                qif_own_step(&q, tolerance, s, here, k, there);
                const double g = qif_own_value(&q, there), newton = s - g / qif_own_rise(&q, there);
                if (g < 0.0)
                    low = s;
                else
                    high = s;
                const int keeps = newton >= low && newton <= high && round % 4 != 3;
                const double next = keeps ? newton : 0.5 * (low + high), moved = fabs(next - s);
                s = next;
                if (moved <= 1e-15 * (at + s) || high - low <= 1e-15 * (at + s)) break;
            }
            return at + s;
        }
        at = last ? span : at + length;
        memcpy(here, there, sizeof here);
        g0 = g1, r0 = r1;
        h = next_step(length, error);
    }
    return INFINITY;
}


static void qif_own_arrive(int32_t receptor, const double *p, int64_t stride, double w, double *x)
{
    const qif_parameters q = qif_read(p, stride);
    (void)q, (void)x, (void)w;
    switch (receptor) {
    case 0: { /* exc */
        double V_next, I_next;
        qif_exc_jump(x[0], x[1], w, &V_next, &I_next);
        x[1] = I_next;
        break;
    }
    default: break;
    }
}

/* An arrival in reverse time, x before it: returns its credit. */
static double qif_own_arrive_back(int32_t receptor, const double *p, int64_t stride, double w, const double *x, double *y,
                                    double *grad_weight, double *grad)
{
    const qif_parameters q = qif_read(p, stride);
    (void)q;
    double credits = 0.0;
    (void)q, (void)x, (void)grad, (void)w, (void)y, (void)grad_weight;
    switch (receptor) {
    case 0: { /* exc */
        double grad_w;
        qif_exc_weight(y[1], q.tau_syn, &grad_w);
        double credit;
        qif_exc_credit(y[0], y[1], &credit);
        *grad_weight += grad_w;
        credits = w * credit;
        break;
    }
    default: break;
    }
    return credits;
}


static double qif_cell_guard(const double *p, int64_t stride, const double *x)
{
    const qif_parameters q = qif_read(p, stride);
    (void)q;
    double guard;
    qif_guard(x[0], q.theta, &guard);
    return guard;
}

static double qif_cell_slope(const double *p, int64_t stride, const double *x)
{
    const qif_parameters q = qif_read(p, stride);
    (void)q;
    double guard_slope;
    qif_guard_slope(x[0], x[1], q.per_tau_mem, &guard_slope);
    return guard_slope;
}

static void qif_cell_reset(const double *p, int64_t stride, double *x)
{
    const qif_parameters q = qif_read(p, stride);
    (void)q;
    double V_next, I_next;
    qif_reset(x[1], q.v_reset, &V_next, &I_next);
    x[0] = V_next;
}

/* A spike in reverse time, x before it. */
static void qif_cell_emit_back(const double *p, int64_t stride, double external, const double *x, double *y, double *grad)
{
    const qif_parameters q = qif_read(p, stride);
    (void)q;
    double sensitivity, lambda_V_next, lambda_I_next;
    qif_emission_adjoint(x[0], x[1], y[0], y[1], external, q.v_reset, &sensitivity, &lambda_V_next, &lambda_I_next);
    (void)grad;
    if (grad != NULL) {
        double grad_theta, grad_v_reset;
        qif_emission_parameters(x[0], x[1], y[0], sensitivity, q.tau_mem, &grad_theta, &grad_v_reset);
        grad[2 * stride] += grad_theta;
        grad[3 * stride] += grad_v_reset;
    }
    y[0] = lambda_V_next;
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

static const mode_table qif_modes[] = {
    { qif_own_flow, qif_own_flow_back, qif_own_arrive, qif_own_arrive_back,
      qif_own_crossing, NULL, NULL,
      NULL, NULL,
      -1, 0, 1 },
};

static const model_table MODELS[] = {
    { qif_modes, qif_cell_begin, qif_cell_end, qif_cell_begin_back,
      qif_cell_guard, qif_cell_slope, qif_cell_reset, qif_cell_emit_back,
      NULL, 0, 0, 0,
      0, NULL,
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

/* Made by `saltus emit` from alif.toml (event; ir.json 4d70ae221010). Do not edit: change the spec or the templates and run it again.
 *
 * Leaky integrate-and-fire neuron whose threshold adapts to its own spikes
 * (Bellec et al. (2018), Long short-term memory in networks of spiking neurons, eqs. (1)-(2))
 *
 * The mathematics of one neuron: each function is one object of the derivation, each line one equation and its label.
 */
#ifndef SALTUS_MODEL_H
#define SALTUS_MODEL_H

#include "exponentials.h"

/* ---- constants */

SALTUS_INLINE void model_constants(const double tau_mem, const double tau_syn, const double tau_adapt,
    double *restrict per_tau_mem, double *restrict per_tau_syn, double *restrict per_tau_adapt)
{
    *per_tau_mem = 1.0 / tau_mem; /* constants */
    *per_tau_syn = 1.0 / tau_syn; /* constants */
    *per_tau_adapt = 1.0 / tau_adapt; /* constants */
}

/* ---- the flow between events */

SALTUS_INLINE void model_propagator(const double dt, const double per_tau_mem, const double per_tau_syn,
    const double per_tau_adapt, double *restrict Phi_V_V, double *restrict Phi_V_I, double *restrict Phi_I_I,
    double *restrict Phi_A_A, double *restrict Psi_I_V)
{
    const double response_V_I = saltus_exp_dd2(-dt * per_tau_mem, -dt * per_tau_syn); /* flow.propagator */
    *Phi_V_V = saltus_exp(-dt * per_tau_mem); /* flow.propagator */
    *Phi_V_I = dt * response_V_I * per_tau_mem; /* flow.propagator */
    *Phi_I_I = saltus_exp(-dt * per_tau_syn); /* flow.propagator */
    *Phi_A_A = saltus_exp(-dt * per_tau_adapt); /* flow.propagator */
    *Psi_I_V = dt * response_V_I * per_tau_syn; /* flow.propagator */
}

SALTUS_INLINE void model_advance(const double V, const double I, const double A, const double Phi_V_V,
    const double Phi_V_I, const double Phi_I_I, const double Phi_A_A, double *restrict V_next,
    double *restrict I_next, double *restrict A_next)
{
    *V_next = Phi_V_V * V + Phi_V_I * I; /* flow.V */
    *I_next = Phi_I_I * I; /* flow.I */
    *A_next = Phi_A_A * A; /* flow.A */
}

SALTUS_INLINE void model_adjoint(const double lambda_V, const double lambda_I, const double lambda_A,
    const double Phi_V_V, const double Phi_I_I, const double Phi_A_A, const double Psi_I_V,
    double *restrict lambda_V_next, double *restrict lambda_I_next, double *restrict lambda_A_next)
{
    *lambda_V_next = Phi_V_V * lambda_V; /* flow.adjoint.V */
    *lambda_I_next = Psi_I_V * lambda_V + Phi_I_I * lambda_I; /* flow.adjoint.I */
    *lambda_A_next = Phi_A_A * lambda_A; /* flow.adjoint.A */
}

/* ---- the ends */

SALTUS_INLINE void model_terminal(const double final_V, const double final_I, const double final_A,
    const double per_tau_mem, const double per_tau_syn, const double per_tau_adapt,
    double *restrict lambda_V_next, double *restrict lambda_I_next, double *restrict lambda_A_next)
{
    *lambda_V_next = -final_V * per_tau_mem; /* adjoint.terminal */
    *lambda_I_next = -final_I * per_tau_syn; /* adjoint.terminal */
    *lambda_A_next = -final_A * per_tau_adapt; /* adjoint.terminal */
}

SALTUS_INLINE void model_initial_gradient(const double lambda_V, const double lambda_I, const double lambda_A,
    const double tau_mem, const double tau_syn, const double tau_adapt, double *restrict grad_V0,
    double *restrict grad_I0, double *restrict grad_A0)
{
    *grad_V0 = -tau_mem * lambda_V; /* gradient.initial */
    *grad_I0 = -tau_syn * lambda_I; /* gradient.initial */
    *grad_A0 = -tau_adapt * lambda_A; /* gradient.initial */
}

/* ---- the adjoints as dL/dx */

SALTUS_INLINE void model_costate(const double lambda_V, const double lambda_I, const double lambda_A,
    const double tau_mem, const double tau_syn, const double tau_adapt, double *restrict costate_V,
    double *restrict costate_I, double *restrict costate_A)
{
    *costate_V = -tau_mem * lambda_V; /* costate */
    *costate_I = -tau_syn * lambda_I; /* costate */
    *costate_A = -tau_adapt * lambda_A; /* costate */
}

/* ---- emission: spike */

SALTUS_INLINE void model_ladder_0(const double V, const double A, const double theta, const double beta,
    double *restrict u_0)
{
    *u_0 = V - beta * A - theta; /* guard.ladder.0 */
}

SALTUS_INLINE void model_ladder_0_rate(double *restrict u_0_rate)
{
    *u_0_rate = 0.0; /* guard.ladder.0 */
}

SALTUS_INLINE void model_ladder_1(const double V, const double I, const double A, const double beta,
    const double per_tau_mem, const double per_tau_adapt, double *restrict u_1)
{
    *u_1 = (I - V) * per_tau_mem + beta * A * per_tau_adapt; /* guard.ladder.1 */
}

SALTUS_INLINE void model_ladder_1_rate(const double per_tau_adapt, double *restrict u_1_rate)
{
    *u_1_rate = per_tau_adapt; /* guard.ladder.1 */
}

SALTUS_INLINE void model_ladder_2(const double V, const double I, const double per_tau_mem,
    const double per_tau_adapt, const double per_tau_syn, double *restrict u_2)
{
    *u_2 = (I - V) * per_tau_mem * per_tau_adapt + (V - I) * per_tau_mem * per_tau_mem - I * per_tau_mem *
        per_tau_syn; /* guard.ladder.2 */
}

SALTUS_INLINE void model_ladder_2_rate(const double per_tau_mem, double *restrict u_2_rate)
{
    *u_2_rate = per_tau_mem; /* guard.ladder.2 */
}

SALTUS_INLINE void model_ladder_3(const double I, const double tau_syn, const double tau_adapt,
    const double per_tau_mem, const double per_tau_syn, const double per_tau_adapt, double *restrict u_3)
{
    *u_3 = I * (tau_adapt - tau_syn) * per_tau_mem * per_tau_syn * per_tau_syn * per_tau_adapt;
        /* guard.ladder.3 */
}

SALTUS_INLINE void model_ladder_3_rate(const double per_tau_syn, double *restrict u_3_rate)
{
    *u_3_rate = per_tau_syn; /* guard.ladder.3 */
}

SALTUS_INLINE void model_guard(const double V, const double A, const double theta, const double beta,
    double *restrict guard)
{
    *guard = V - beta * A - theta; /* transition.condition */
}

SALTUS_INLINE void model_guard_slope(const double V, const double I, const double A, const double beta,
    const double per_tau_mem, const double per_tau_adapt, double *restrict guard_slope)
{
    *guard_slope = (I - V) * per_tau_mem + beta * A * per_tau_adapt; /* transition.slope */
}

SALTUS_INLINE void model_reset(const double I, const double A, const double v_reset, double *restrict V_next,
    double *restrict I_next, double *restrict A_next)
{
    *V_next = v_reset; /* reset.V */
    *I_next = I; /* reset.I */
    *A_next = A + 1.0; /* reset.A */
}

SALTUS_INLINE void model_emission_adjoint(const double V, const double I, const double A,
    const double lambda_V, const double lambda_I, const double lambda_A, const double external,
    const double tau_mem, const double tau_adapt, const double beta, const double v_reset,
    double *restrict sensitivity, double *restrict lambda_V_next, double *restrict lambda_I_next,
    double *restrict lambda_A_next)
{
    *sensitivity = external + lambda_V * (I - v_reset) - lambda_A; /* jump.sensitivity */
    *lambda_V_next = tau_adapt * (*sensitivity) / (tau_adapt * (I - V) + tau_mem * beta * A);
        /* jump.emission */
    *lambda_I_next = lambda_I; /* jump.emission.I */
    *lambda_A_next = (tau_mem * beta * (*sensitivity) + lambda_A * (tau_adapt * (V - I) - tau_mem * beta * A))
        / (tau_adapt * (V - I) - tau_mem * beta * A); /* jump.emission.A */
}

SALTUS_INLINE void model_emission_parameters(const double V, const double I, const double A,
    const double lambda_V, const double sensitivity, const double tau_mem, const double tau_adapt,
    const double beta, double *restrict grad_theta, double *restrict grad_beta, double *restrict grad_v_reset)
{
    *grad_theta = tau_mem * tau_adapt * sensitivity / (tau_adapt * (I - V) + tau_mem * beta * A);
        /* gradient.jump.theta */
    *grad_beta = tau_mem * tau_adapt * sensitivity * A / (tau_adapt * (I - V) + tau_mem * beta * A);
        /* gradient.jump.beta */
    *grad_v_reset = -tau_mem * lambda_V; /* gradient.jump.v_reset */
}

/* ---- arrival: exc */

SALTUS_INLINE void model_exc_jump(const double V, const double I, const double A, const double w,
    double *restrict V_next, double *restrict I_next, double *restrict A_next)
{
    *V_next = V; /* receive.V */
    *I_next = I + w; /* receive.I */
    *A_next = A; /* receive.A */
}

SALTUS_INLINE void model_exc_adjoint(const double lambda_V, const double lambda_I, const double lambda_A,
    double *restrict lambda_V_next, double *restrict lambda_I_next, double *restrict lambda_A_next)
{
    *lambda_V_next = lambda_V; /* jump.arrival.V */
    *lambda_I_next = lambda_I; /* jump.arrival.I */
    *lambda_A_next = lambda_A; /* jump.arrival.A */
}

SALTUS_INLINE void model_exc_credit(const double lambda_V, const double lambda_I, double *restrict credit)
{
    *credit = lambda_V - lambda_I; /* arrival.credit */
}

SALTUS_INLINE void model_exc_weight(const double lambda_I, const double tau_syn, double *restrict grad_w)
{
    *grad_w = -tau_syn * lambda_I; /* gradient.weight */
}

/* ---- the derivatives by a neuron's own parameters */

SALTUS_INLINE void model_scale(const double per_tau_mem, const double per_tau_syn, const double per_tau_adapt,
    double *restrict scale_tau_mem, double *restrict scale_tau_syn, double *restrict scale_tau_adapt)
{
    *scale_tau_mem = per_tau_mem * per_tau_mem; /* tangent */
    *scale_tau_syn = per_tau_syn * per_tau_syn; /* tangent */
    *scale_tau_adapt = per_tau_adapt * per_tau_adapt; /* tangent */
}

SALTUS_INLINE void model_sensitivity(const double dt, const double tau_mem, const double per_tau_mem,
    const double per_tau_syn, const double per_tau_adapt, double *restrict Phi_V_V_tau_mem,
    double *restrict Phi_V_I_tau_mem, double *restrict Phi_V_I_tau_syn, double *restrict Phi_I_I_tau_syn,
    double *restrict Phi_A_A_tau_adapt)
{
    const double decay_V = saltus_exp(-dt * per_tau_mem); /* flow.propagator */
    const double decay_I = saltus_exp(-dt * per_tau_syn); /* flow.propagator */
    const double decay_A = saltus_exp(-dt * per_tau_adapt); /* flow.propagator */
    const double response_V_I = saltus_exp_dd2(-dt * per_tau_mem, -dt * per_tau_syn); /* flow.propagator */
    const double response_V_V_I = saltus_exp_dd21(-dt * per_tau_mem, -dt * per_tau_syn); /* flow.propagator */
    const double response_V_I_I = saltus_exp_dd21(-dt * per_tau_syn, -dt * per_tau_mem); /* flow.propagator */
    *Phi_V_V_tau_mem = dt * decay_V; /* flow.derivative */
    *Phi_V_I_tau_mem = dt * (dt * response_V_V_I - tau_mem * response_V_I) * per_tau_mem;
        /* flow.derivative */
    *Phi_V_I_tau_syn = dt * dt * response_V_I_I * per_tau_mem; /* flow.derivative */
    *Phi_I_I_tau_syn = dt * decay_I; /* flow.derivative */
    *Phi_A_A_tau_adapt = dt * decay_A; /* flow.derivative */
}

SALTUS_INLINE void model_tangents(const double Phi_V_V, const double V__tau_mem, const double Phi_V_V_tau_mem,
    const double V, const double Phi_V_I_tau_mem, const double I, const double V__tau_syn,
    const double Phi_V_I, const double I__tau_syn, const double Phi_V_I_tau_syn, const double Phi_I_I,
    const double Phi_I_I_tau_syn, const double Phi_A_A, const double A__tau_adapt,
    const double Phi_A_A_tau_adapt, const double A, double *restrict V__tau_mem_next,
    double *restrict V__tau_syn_next, double *restrict I__tau_syn_next, double *restrict A__tau_adapt_next)
{
    *V__tau_mem_next = Phi_V_V * V__tau_mem + Phi_V_V_tau_mem * V + Phi_V_I_tau_mem * I; /* tangent */
    *V__tau_syn_next = Phi_V_V * V__tau_syn + Phi_V_I * I__tau_syn + I * Phi_V_I_tau_syn; /* tangent */
    *I__tau_syn_next = Phi_I_I * I__tau_syn + I * Phi_I_I_tau_syn; /* tangent */
    *A__tau_adapt_next = Phi_A_A * A__tau_adapt + Phi_A_A_tau_adapt * A; /* tangent */
}

SALTUS_INLINE void model_spike_tangents(const double V__tau_mem, const double guard_slope,
    const double V__tau_syn, const double beta, const double A__tau_adapt, double *restrict moved_tau_mem,
    double *restrict moved_tau_syn, double *restrict moved_tau_adapt, double *restrict V__tau_mem_next,
    double *restrict V__tau_syn_next)
{
    *moved_tau_mem = -V__tau_mem / guard_slope; /* tangent */
    *moved_tau_syn = -V__tau_syn / guard_slope; /* tangent */
    *moved_tau_adapt = beta * A__tau_adapt / guard_slope; /* tangent */
    *V__tau_mem_next = 0.0; /* tangent */
    *V__tau_syn_next = 0.0; /* tangent */
}

SALTUS_INLINE void model_nodes(const double dt, const double per_tau_mem, const double per_tau_syn,
    const double per_tau_adapt, double *restrict saltus_node_0, double *restrict saltus_node_1,
    double *restrict saltus_node_2)
{
    *saltus_node_0 = -dt * per_tau_mem; /* flow.nodes */
    *saltus_node_1 = -dt * per_tau_syn; /* flow.nodes */
    *saltus_node_2 = -dt * per_tau_adapt; /* flow.nodes */
}

/* model_propagator where all nodes of its exponentials are near zero. */
SALTUS_INLINE void model_propagator_near(const int terms, const double dt, const double per_tau_mem,
    const double per_tau_syn, const double per_tau_adapt, double *restrict Phi_V_V, double *restrict Phi_V_I,
    double *restrict Phi_I_I, double *restrict Phi_A_A, double *restrict Psi_I_V)
{
    const double saltus_node_0 = -dt * per_tau_mem;
    const double saltus_node_1 = -dt * per_tau_syn;
    const double saltus_node_2 = -dt * per_tau_adapt;
    double saltus_exp_0_1 = 0.0, saltus_exp_0 = SALTUS_EXP[terms + 1], saltus_exp_2 = SALTUS_EXP[terms + 1];
#pragma GCC unroll 32
    for (int k = terms + 1 - 1; k >= 0; k--) {
        saltus_exp_0_1 = k < terms + 0 ? saltus_exp_0_1 * saltus_node_1 + saltus_exp_0 : saltus_exp_0;
        saltus_exp_0 = saltus_exp_0 * saltus_node_0 + SALTUS_EXP[k];
        saltus_exp_2 = saltus_exp_2 * saltus_node_2 + SALTUS_EXP[k];
    }
    const double saltus_exp_1 = saltus_exp_0 + (saltus_node_1 - saltus_node_0) * saltus_exp_0_1;
    const double response_V_I = saltus_exp_0_1; /* flow.propagator */
    *Phi_V_V = saltus_exp_0; /* flow.propagator */
    *Phi_V_I = dt * response_V_I * per_tau_mem; /* flow.propagator */
    *Phi_I_I = saltus_exp_1; /* flow.propagator */
    *Phi_A_A = saltus_exp_2; /* flow.propagator */
    *Psi_I_V = dt * response_V_I * per_tau_syn; /* flow.propagator */
}

/* model_motion where all nodes of its exponentials are near zero. */
SALTUS_INLINE void model_motion_near(const int terms, const double dt, const double per_tau_mem,
    const double per_tau_syn, const double per_tau_adapt, const double tau_mem, double *restrict Phi_V_V,
    double *restrict Phi_V_I, double *restrict Phi_I_I, double *restrict Phi_A_A, double *restrict Psi_I_V,
    double *restrict Phi_V_V_tau_mem, double *restrict Phi_V_I_tau_mem, double *restrict Phi_V_I_tau_syn,
    double *restrict Phi_I_I_tau_syn, double *restrict Phi_A_A_tau_adapt)
{
    const double saltus_node_0 = -dt * per_tau_mem;
    const double saltus_node_1 = -dt * per_tau_syn;
    const double saltus_node_2 = -dt * per_tau_adapt;
    double saltus_exp_0_1_0 = 0.0, saltus_exp_0_1 = 0.0, saltus_exp_0 = SALTUS_EXP[terms + 2], saltus_exp_2 = SALTUS_EXP[terms + 2];
#pragma GCC unroll 32
    for (int k = terms + 2 - 1; k >= 0; k--) {
        saltus_exp_0_1_0 = k < terms + 0 ? saltus_exp_0_1_0 * saltus_node_0 + saltus_exp_0_1 : saltus_exp_0_1;
        saltus_exp_0_1 = k < terms + 1 ? saltus_exp_0_1 * saltus_node_1 + saltus_exp_0 : saltus_exp_0;
        saltus_exp_0 = saltus_exp_0 * saltus_node_0 + SALTUS_EXP[k];
        saltus_exp_2 = saltus_exp_2 * saltus_node_2 + SALTUS_EXP[k];
    }
    const double saltus_exp_0_1_1 = saltus_exp_0_1 - saltus_exp_0_1_0;
    const double saltus_exp_1 = saltus_exp_0 + (saltus_node_1 - saltus_node_0) * saltus_exp_0_1;
    const double response_V_I = saltus_exp_0_1; /* flow.propagator */
    *Phi_V_V = saltus_exp_0; /* flow.propagator */
    *Phi_V_I = dt * response_V_I * per_tau_mem; /* flow.propagator */
    *Phi_I_I = saltus_exp_1; /* flow.propagator */
    *Phi_A_A = saltus_exp_2; /* flow.propagator */
    *Psi_I_V = dt * response_V_I * per_tau_syn; /* flow.propagator */
    const double decay_V = saltus_exp_0; /* flow.propagator */
    const double decay_I = saltus_exp_1; /* flow.propagator */
    const double decay_A = saltus_exp_2; /* flow.propagator */
    const double response_V_V_I = saltus_exp_0_1_0; /* flow.propagator */
    const double response_V_I_I = saltus_exp_0_1_1; /* flow.propagator */
    *Phi_V_V_tau_mem = dt * decay_V; /* flow.derivative */
    *Phi_V_I_tau_mem = dt * (dt * response_V_V_I - tau_mem * response_V_I) * per_tau_mem;
        /* flow.derivative */
    *Phi_V_I_tau_syn = dt * dt * response_V_I_I * per_tau_mem; /* flow.derivative */
    *Phi_I_I_tau_syn = dt * decay_I; /* flow.derivative */
    *Phi_A_A_tau_adapt = dt * decay_A; /* flow.derivative */
}

#endif

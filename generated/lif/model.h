/* Made by `saltus emit` from lif.toml (event; ir.json b6707340117a). Do not edit: change the spec or the templates and run it again.
 *
 * Leaky integrate-and-fire neuron with an exponential current synapse
 * (Wunderlich & Pehle (2021), Table 1)
 *
 * The mathematics of one neuron: each function is one object of the derivation, each line one equation and its label.
 */
#ifndef SALTUS_MODEL_H
#define SALTUS_MODEL_H

#include "exponentials.h"

/* ---- constants */

SALTUS_INLINE void model_constants(const double tau_mem, const double tau_syn, double *restrict per_tau_mem,
    double *restrict per_tau_syn)
{
    *per_tau_mem = 1.0 / tau_mem; /* constants */
    *per_tau_syn = 1.0 / tau_syn; /* constants */
}

/* ---- the flow between events */

SALTUS_INLINE void model_propagator(const double dt, const double per_tau_mem, const double per_tau_syn,
    double *restrict Phi_V_V, double *restrict Phi_V_I, double *restrict Phi_I_I, double *restrict Psi_I_V)
{
    const double response_V_I = saltus_exp_dd2(-dt * per_tau_mem, -dt * per_tau_syn); /* flow.propagator */
    *Phi_V_V = saltus_exp(-dt * per_tau_mem); /* flow.propagator */
    *Phi_V_I = dt * response_V_I * per_tau_mem; /* flow.propagator */
    *Phi_I_I = saltus_exp(-dt * per_tau_syn); /* flow.propagator */
    *Psi_I_V = dt * response_V_I * per_tau_syn; /* flow.propagator */
}

SALTUS_INLINE void model_advance(const double V, const double I, const double Phi_V_V, const double Phi_V_I,
    const double Phi_I_I, double *restrict V_next, double *restrict I_next)
{
    *V_next = Phi_V_V * V + Phi_V_I * I; /* flow.V */
    *I_next = Phi_I_I * I; /* flow.I */
}

SALTUS_INLINE void model_adjoint(const double lambda_V, const double lambda_I, const double Phi_V_V,
    const double Phi_I_I, const double Psi_I_V, double *restrict lambda_V_next,
    double *restrict lambda_I_next)
{
    *lambda_V_next = Phi_V_V * lambda_V; /* flow.adjoint.V */
    *lambda_I_next = Psi_I_V * lambda_V + Phi_I_I * lambda_I; /* flow.adjoint.I */
}

/* ---- the ends */

SALTUS_INLINE void model_terminal(const double final_V, const double final_I, const double per_tau_mem,
    const double per_tau_syn, double *restrict lambda_V_next, double *restrict lambda_I_next)
{
    *lambda_V_next = -final_V * per_tau_mem; /* adjoint.terminal */
    *lambda_I_next = -final_I * per_tau_syn; /* adjoint.terminal */
}

SALTUS_INLINE void model_initial_gradient(const double lambda_V, const double lambda_I, const double tau_mem,
    const double tau_syn, double *restrict grad_V0, double *restrict grad_I0)
{
    *grad_V0 = -tau_mem * lambda_V; /* gradient.initial */
    *grad_I0 = -tau_syn * lambda_I; /* gradient.initial */
}

/* ---- the adjoints as dL/dx */

SALTUS_INLINE void model_costate(const double lambda_V, const double lambda_I, const double tau_mem,
    const double tau_syn, double *restrict costate_V, double *restrict costate_I)
{
    *costate_V = -tau_mem * lambda_V; /* costate */
    *costate_I = -tau_syn * lambda_I; /* costate */
}

/* ---- emission: spike */

SALTUS_INLINE void model_ladder_0(const double V, const double theta, double *restrict u_0)
{
    *u_0 = V - theta; /* guard.ladder.0 */
}

SALTUS_INLINE void model_ladder_0_rate(double *restrict u_0_rate)
{
    *u_0_rate = 0.0; /* guard.ladder.0 */
}

SALTUS_INLINE void model_ladder_1(const double V, const double I, const double per_tau_mem,
    double *restrict u_1)
{
    *u_1 = (I - V) * per_tau_mem; /* guard.ladder.1 */
}

SALTUS_INLINE void model_ladder_1_rate(const double per_tau_mem, double *restrict u_1_rate)
{
    *u_1_rate = per_tau_mem; /* guard.ladder.1 */
}

SALTUS_INLINE void model_ladder_2(const double I, const double per_tau_mem, const double per_tau_syn,
    double *restrict u_2)
{
    *u_2 = -I * per_tau_mem * per_tau_syn; /* guard.ladder.2 */
}

SALTUS_INLINE void model_ladder_2_rate(const double per_tau_syn, double *restrict u_2_rate)
{
    *u_2_rate = per_tau_syn; /* guard.ladder.2 */
}

SALTUS_INLINE void model_guard(const double V, const double theta, double *restrict guard)
{
    *guard = V - theta; /* transition.condition, 3:35 */
}

SALTUS_INLINE void model_guard_slope(const double V, const double I, const double per_tau_mem,
    double *restrict guard_slope)
{
    *guard_slope = (I - V) * per_tau_mem; /* transition.slope */
}

SALTUS_INLINE void model_reset(const double I, const double v_reset, double *restrict V_next,
    double *restrict I_next)
{
    *V_next = v_reset; /* reset.V, 3:38 */
    *I_next = I; /* reset.I */
}

SALTUS_INLINE void model_emission_adjoint(const double V, const double I, const double lambda_V,
    const double lambda_I, const double external, const double v_reset, double *restrict sensitivity,
    double *restrict lambda_V_next, double *restrict lambda_I_next)
{
    *sensitivity = external + lambda_V * (I - v_reset); /* jump.sensitivity */
    *lambda_V_next = (*sensitivity) / (I - V); /* jump.emission, 3:52a */
    *lambda_I_next = lambda_I; /* jump.emission.I, 3:52c */
}

SALTUS_INLINE void model_emission_parameters(const double V, const double I, const double lambda_V,
    const double sensitivity, const double tau_mem, double *restrict grad_theta,
    double *restrict grad_v_reset)
{
    *grad_theta = tau_mem * sensitivity / (I - V); /* gradient.jump.theta */
    *grad_v_reset = -tau_mem * lambda_V; /* gradient.jump.v_reset */
}

/* ---- arrival: exc */

SALTUS_INLINE void model_exc_jump(const double V, const double I, const double w, double *restrict V_next,
    double *restrict I_next)
{
    *V_next = V; /* receive.V */
    *I_next = I + w; /* receive.I, 3:45 */
}

SALTUS_INLINE void model_exc_adjoint(const double lambda_V, const double lambda_I,
    double *restrict lambda_V_next, double *restrict lambda_I_next)
{
    *lambda_V_next = lambda_V; /* jump.arrival.V, 3:52b */
    *lambda_I_next = lambda_I; /* jump.arrival.I, 3:52c */
}

SALTUS_INLINE void model_exc_credit(const double lambda_V, const double lambda_I, double *restrict credit)
{
    *credit = lambda_V - lambda_I; /* arrival.credit */
}

SALTUS_INLINE void model_exc_weight(const double lambda_I, const double tau_syn, double *restrict grad_w)
{
    *grad_w = -tau_syn * lambda_I; /* gradient.weight, 3:53 */
}

/* ---- the derivatives by a neuron's own parameters */

SALTUS_INLINE void model_scale(const double per_tau_mem, const double per_tau_syn,
    double *restrict scale_tau_mem, double *restrict scale_tau_syn)
{
    *scale_tau_mem = per_tau_mem * per_tau_mem; /* tangent */
    *scale_tau_syn = per_tau_syn * per_tau_syn; /* tangent */
}

SALTUS_INLINE void model_sensitivity(const double dt, const double tau_mem, const double per_tau_mem,
    const double per_tau_syn, double *restrict Phi_V_V_tau_mem, double *restrict Phi_V_I_tau_mem,
    double *restrict Phi_V_I_tau_syn, double *restrict Phi_I_I_tau_syn)
{
    const double decay_V = saltus_exp(-dt * per_tau_mem); /* flow.propagator */
    const double decay_I = saltus_exp(-dt * per_tau_syn); /* flow.propagator */
    const double response_V_I = saltus_exp_dd2(-dt * per_tau_mem, -dt * per_tau_syn); /* flow.propagator */
    const double response_V_V_I = saltus_exp_dd21(-dt * per_tau_mem, -dt * per_tau_syn); /* flow.propagator */
    const double response_V_I_I = saltus_exp_dd21(-dt * per_tau_syn, -dt * per_tau_mem); /* flow.propagator */
    *Phi_V_V_tau_mem = dt * decay_V; /* flow.derivative */
    *Phi_V_I_tau_mem = dt * (dt * response_V_V_I - tau_mem * response_V_I) * per_tau_mem;
        /* flow.derivative */
    *Phi_V_I_tau_syn = dt * dt * response_V_I_I * per_tau_mem; /* flow.derivative */
    *Phi_I_I_tau_syn = dt * decay_I; /* flow.derivative */
}

SALTUS_INLINE void model_tangents(const double Phi_V_V, const double V__tau_mem, const double Phi_V_V_tau_mem,
    const double V, const double Phi_V_I_tau_mem, const double I, const double V__tau_syn,
    const double Phi_V_I, const double I__tau_syn, const double Phi_V_I_tau_syn, const double Phi_I_I,
    const double Phi_I_I_tau_syn, double *restrict V__tau_mem_next, double *restrict V__tau_syn_next,
    double *restrict I__tau_syn_next)
{
    *V__tau_mem_next = Phi_V_V * V__tau_mem + Phi_V_V_tau_mem * V + Phi_V_I_tau_mem * I; /* tangent */
    *V__tau_syn_next = Phi_V_V * V__tau_syn + Phi_V_I * I__tau_syn + I * Phi_V_I_tau_syn; /* tangent */
    *I__tau_syn_next = Phi_I_I * I__tau_syn + I * Phi_I_I_tau_syn; /* tangent */
}

SALTUS_INLINE void model_spike_tangents(const double V__tau_mem, const double guard_slope,
    const double V__tau_syn, double *restrict moved_tau_mem, double *restrict moved_tau_syn,
    double *restrict V__tau_mem_next, double *restrict V__tau_syn_next)
{
    *moved_tau_mem = -V__tau_mem / guard_slope; /* tangent */
    *moved_tau_syn = -V__tau_syn / guard_slope; /* tangent */
    *V__tau_mem_next = 0.0; /* tangent */
    *V__tau_syn_next = 0.0; /* tangent */
}

SALTUS_INLINE void model_nodes(const double dt, const double per_tau_mem, const double per_tau_syn,
    double *restrict saltus_node_0, double *restrict saltus_node_1)
{
    *saltus_node_0 = -dt * per_tau_mem; /* flow.nodes */
    *saltus_node_1 = -dt * per_tau_syn; /* flow.nodes */
}

/* model_propagator where all nodes of its exponentials are near zero. */
SALTUS_INLINE void model_propagator_near(const int terms, const double dt, const double per_tau_mem,
    const double per_tau_syn, double *restrict Phi_V_V, double *restrict Phi_V_I, double *restrict Phi_I_I,
    double *restrict Psi_I_V)
{
    const double saltus_node_0 = -dt * per_tau_mem;
    const double saltus_node_1 = -dt * per_tau_syn;
    double saltus_exp_0_1 = 0.0, saltus_exp_0 = SALTUS_EXP[terms + 1];
#pragma GCC unroll 32
    for (int k = terms + 1 - 1; k >= 0; k--) {
        saltus_exp_0_1 = k < terms + 0 ? saltus_exp_0_1 * saltus_node_1 + saltus_exp_0 : saltus_exp_0;
        saltus_exp_0 = saltus_exp_0 * saltus_node_0 + SALTUS_EXP[k];
    }
    const double saltus_exp_1 = saltus_exp_0 + (saltus_node_1 - saltus_node_0) * saltus_exp_0_1;
    const double response_V_I = saltus_exp_0_1; /* flow.propagator */
    *Phi_V_V = saltus_exp_0; /* flow.propagator */
    *Phi_V_I = dt * response_V_I * per_tau_mem; /* flow.propagator */
    *Phi_I_I = saltus_exp_1; /* flow.propagator */
    *Psi_I_V = dt * response_V_I * per_tau_syn; /* flow.propagator */
}

/* model_motion where all nodes of its exponentials are near zero. */
SALTUS_INLINE void model_motion_near(const int terms, const double dt, const double per_tau_mem,
    const double per_tau_syn, const double tau_mem, double *restrict Phi_V_V, double *restrict Phi_V_I,
    double *restrict Phi_I_I, double *restrict Psi_I_V, double *restrict Phi_V_V_tau_mem,
    double *restrict Phi_V_I_tau_mem, double *restrict Phi_V_I_tau_syn, double *restrict Phi_I_I_tau_syn)
{
    const double saltus_node_0 = -dt * per_tau_mem;
    const double saltus_node_1 = -dt * per_tau_syn;
    double saltus_exp_0_1_0 = 0.0, saltus_exp_0_1 = 0.0, saltus_exp_0 = SALTUS_EXP[terms + 2];
#pragma GCC unroll 32
    for (int k = terms + 2 - 1; k >= 0; k--) {
        saltus_exp_0_1_0 = k < terms + 0 ? saltus_exp_0_1_0 * saltus_node_0 + saltus_exp_0_1 : saltus_exp_0_1;
        saltus_exp_0_1 = k < terms + 1 ? saltus_exp_0_1 * saltus_node_1 + saltus_exp_0 : saltus_exp_0;
        saltus_exp_0 = saltus_exp_0 * saltus_node_0 + SALTUS_EXP[k];
    }
    const double saltus_exp_0_1_1 = saltus_exp_0_1 - saltus_exp_0_1_0;
    const double saltus_exp_1 = saltus_exp_0 + (saltus_node_1 - saltus_node_0) * saltus_exp_0_1;
    const double response_V_I = saltus_exp_0_1; /* flow.propagator */
    *Phi_V_V = saltus_exp_0; /* flow.propagator */
    *Phi_V_I = dt * response_V_I * per_tau_mem; /* flow.propagator */
    *Phi_I_I = saltus_exp_1; /* flow.propagator */
    *Psi_I_V = dt * response_V_I * per_tau_syn; /* flow.propagator */
    const double decay_V = saltus_exp_0; /* flow.propagator */
    const double decay_I = saltus_exp_1; /* flow.propagator */
    const double response_V_V_I = saltus_exp_0_1_0; /* flow.propagator */
    const double response_V_I_I = saltus_exp_0_1_1; /* flow.propagator */
    *Phi_V_V_tau_mem = dt * decay_V; /* flow.derivative */
    *Phi_V_I_tau_mem = dt * (dt * response_V_V_I - tau_mem * response_V_I) * per_tau_mem;
        /* flow.derivative */
    *Phi_V_I_tau_syn = dt * dt * response_V_I_I * per_tau_mem; /* flow.derivative */
    *Phi_I_I_tau_syn = dt * decay_I; /* flow.derivative */
}

#endif

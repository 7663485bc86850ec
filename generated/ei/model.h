/* Made by `saltus emit` from ei.toml (event; ir.json 3cdd3927dc7a). Do not edit: change the spec or the templates and run it again.
 *
 * Leaky integrate-and-fire neuron with separate excitation and inhibition
 * (Wunderlich & Pehle (2021), Table 1 with one current a sign)
 *
 * The mathematics of one neuron: each function is one object of the derivation, each line one equation and its label.
 */
#ifndef SALTUS_MODEL_H
#define SALTUS_MODEL_H

#include "exponentials.h"

/* ---- constants */

SALTUS_INLINE void model_constants(const double tau_mem, const double tau_exc, const double tau_inh,
    double *restrict per_tau_mem, double *restrict per_tau_exc, double *restrict per_tau_inh)
{
    *per_tau_mem = 1.0 / tau_mem; /* constants */
    *per_tau_exc = 1.0 / tau_exc; /* constants */
    *per_tau_inh = 1.0 / tau_inh; /* constants */
}

/* ---- the flow between events */

SALTUS_INLINE void model_propagator(const double dt, const double tau_mem, const double per_tau_mem,
    const double per_tau_exc, const double per_tau_inh, double *restrict Phi_V_V,
    double *restrict Phi_V_I_exc, double *restrict Phi_V_I_inh, double *restrict Phi_I_exc_I_exc,
    double *restrict Phi_I_inh_I_inh, double *restrict Psi_I_exc_V, double *restrict Psi_I_inh_V)
{
    const double response_V_I_exc = saltus_exp_dd2(-dt * per_tau_mem, -dt * per_tau_exc);
        /* flow.propagator */
    *Phi_V_V = saltus_exp(-dt * per_tau_mem); /* flow.propagator */
    *Phi_V_I_exc = dt * response_V_I_exc * per_tau_mem; /* flow.propagator */
    *Phi_V_I_inh = -dt * saltus_exp_dd2(-dt * per_tau_mem, -dt * per_tau_inh) * per_tau_mem;
        /* flow.propagator */
    *Phi_I_exc_I_exc = saltus_exp(-dt * per_tau_exc); /* flow.propagator */
    *Phi_I_inh_I_inh = saltus_exp(-dt * per_tau_inh); /* flow.propagator */
    *Psi_I_exc_V = dt * response_V_I_exc * per_tau_exc; /* flow.propagator */
    *Psi_I_inh_V = tau_mem * (*Phi_V_I_inh) * per_tau_inh; /* flow.propagator */
}

SALTUS_INLINE void model_advance(const double V, const double I_exc, const double I_inh, const double Phi_V_V,
    const double Phi_V_I_exc, const double Phi_V_I_inh, const double Phi_I_exc_I_exc,
    const double Phi_I_inh_I_inh, double *restrict V_next, double *restrict I_exc_next,
    double *restrict I_inh_next)
{
    *V_next = Phi_V_V * V + Phi_V_I_exc * I_exc + Phi_V_I_inh * I_inh; /* flow.V */
    *I_exc_next = Phi_I_exc_I_exc * I_exc; /* flow.I_exc */
    *I_inh_next = Phi_I_inh_I_inh * I_inh; /* flow.I_inh */
}

SALTUS_INLINE void model_adjoint(const double lambda_V, const double lambda_I_exc, const double lambda_I_inh,
    const double Phi_V_V, const double Phi_I_exc_I_exc, const double Phi_I_inh_I_inh,
    const double Psi_I_exc_V, const double Psi_I_inh_V, double *restrict lambda_V_next,
    double *restrict lambda_I_exc_next, double *restrict lambda_I_inh_next)
{
    *lambda_V_next = Phi_V_V * lambda_V; /* flow.adjoint.V */
    *lambda_I_exc_next = Psi_I_exc_V * lambda_V + Phi_I_exc_I_exc * lambda_I_exc; /* flow.adjoint.I_exc */
    *lambda_I_inh_next = Psi_I_inh_V * lambda_V + Phi_I_inh_I_inh * lambda_I_inh; /* flow.adjoint.I_inh */
}

/* ---- the ends */

SALTUS_INLINE void model_terminal(const double final_V, const double final_I_exc, const double final_I_inh,
    const double per_tau_mem, const double per_tau_exc, const double per_tau_inh,
    double *restrict lambda_V_next, double *restrict lambda_I_exc_next, double *restrict lambda_I_inh_next)
{
    *lambda_V_next = -final_V * per_tau_mem; /* adjoint.terminal */
    *lambda_I_exc_next = -final_I_exc * per_tau_exc; /* adjoint.terminal */
    *lambda_I_inh_next = -final_I_inh * per_tau_inh; /* adjoint.terminal */
}

SALTUS_INLINE void model_initial_gradient(const double lambda_V, const double lambda_I_exc,
    const double lambda_I_inh, const double tau_mem, const double tau_exc, const double tau_inh,
    double *restrict grad_V0, double *restrict grad_I_exc0, double *restrict grad_I_inh0)
{
    *grad_V0 = -tau_mem * lambda_V; /* gradient.initial */
    *grad_I_exc0 = -tau_exc * lambda_I_exc; /* gradient.initial */
    *grad_I_inh0 = -tau_inh * lambda_I_inh; /* gradient.initial */
}

/* ---- the adjoints as dL/dx */

SALTUS_INLINE void model_costate(const double lambda_V, const double lambda_I_exc, const double lambda_I_inh,
    const double tau_mem, const double tau_exc, const double tau_inh, double *restrict costate_V,
    double *restrict costate_I_exc, double *restrict costate_I_inh)
{
    *costate_V = -tau_mem * lambda_V; /* costate */
    *costate_I_exc = -tau_exc * lambda_I_exc; /* costate */
    *costate_I_inh = -tau_inh * lambda_I_inh; /* costate */
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

SALTUS_INLINE void model_ladder_1(const double V, const double I_exc, const double I_inh,
    const double per_tau_mem, double *restrict u_1)
{
    *u_1 = (I_exc - V - I_inh) * per_tau_mem; /* guard.ladder.1 */
}

SALTUS_INLINE void model_ladder_1_rate(const double per_tau_mem, double *restrict u_1_rate)
{
    *u_1_rate = per_tau_mem; /* guard.ladder.1 */
}

SALTUS_INLINE void model_ladder_2(const double I_exc, const double I_inh, const double tau_exc,
    const double tau_inh, const double per_tau_mem, const double per_tau_exc, const double per_tau_inh,
    double *restrict u_2)
{
    *u_2 = (tau_exc * I_inh - tau_inh * I_exc) * per_tau_mem * per_tau_exc * per_tau_inh; /* guard.ladder.2 */
}

SALTUS_INLINE void model_ladder_2_rate(const double per_tau_inh, double *restrict u_2_rate)
{
    *u_2_rate = per_tau_inh; /* guard.ladder.2 */
}

SALTUS_INLINE void model_ladder_3(const double I_exc, const double tau_exc, const double tau_inh,
    const double per_tau_mem, const double per_tau_exc, const double per_tau_inh, double *restrict u_3)
{
    *u_3 = I_exc * (tau_inh - tau_exc) * per_tau_mem * per_tau_exc * per_tau_exc * per_tau_inh;
        /* guard.ladder.3 */
}

SALTUS_INLINE void model_ladder_3_rate(const double per_tau_exc, double *restrict u_3_rate)
{
    *u_3_rate = per_tau_exc; /* guard.ladder.3 */
}

SALTUS_INLINE void model_guard(const double V, const double theta, double *restrict guard)
{
    *guard = V - theta; /* transition.condition */
}

SALTUS_INLINE void model_guard_slope(const double V, const double I_exc, const double I_inh,
    const double per_tau_mem, double *restrict guard_slope)
{
    *guard_slope = (I_exc - V - I_inh) * per_tau_mem; /* transition.slope */
}

SALTUS_INLINE void model_reset(const double I_exc, const double I_inh, const double v_reset,
    double *restrict V_next, double *restrict I_exc_next, double *restrict I_inh_next)
{
    *V_next = v_reset; /* reset.V */
    *I_exc_next = I_exc; /* reset.I_exc */
    *I_inh_next = I_inh; /* reset.I_inh */
}

SALTUS_INLINE void model_emission_adjoint(const double V, const double I_exc, const double I_inh,
    const double lambda_V, const double lambda_I_exc, const double lambda_I_inh, const double external,
    const double v_reset, double *restrict sensitivity, double *restrict lambda_V_next,
    double *restrict lambda_I_exc_next, double *restrict lambda_I_inh_next)
{
    *sensitivity = external + lambda_V * (I_exc - I_inh - v_reset); /* jump.sensitivity */
    *lambda_V_next = (*sensitivity) / (I_exc - V - I_inh); /* jump.emission */
    *lambda_I_exc_next = lambda_I_exc; /* jump.emission.I_exc */
    *lambda_I_inh_next = lambda_I_inh; /* jump.emission.I_inh */
}

SALTUS_INLINE void model_emission_parameters(const double V, const double I_exc, const double I_inh,
    const double lambda_V, const double sensitivity, const double tau_mem, double *restrict grad_theta,
    double *restrict grad_v_reset)
{
    *grad_theta = tau_mem * sensitivity / (I_exc - V - I_inh); /* gradient.jump.theta */
    *grad_v_reset = -tau_mem * lambda_V; /* gradient.jump.v_reset */
}

/* ---- arrival: exc */

SALTUS_INLINE void model_exc_jump(const double V, const double I_exc, const double I_inh, const double w,
    double *restrict V_next, double *restrict I_exc_next, double *restrict I_inh_next)
{
    *V_next = V; /* receive.V */
    *I_exc_next = I_exc + w; /* receive.I_exc */
    *I_inh_next = I_inh; /* receive.I_inh */
}

SALTUS_INLINE void model_exc_adjoint(const double lambda_V, const double lambda_I_exc,
    const double lambda_I_inh, double *restrict lambda_V_next, double *restrict lambda_I_exc_next,
    double *restrict lambda_I_inh_next)
{
    *lambda_V_next = lambda_V; /* jump.arrival.V */
    *lambda_I_exc_next = lambda_I_exc; /* jump.arrival.I_exc */
    *lambda_I_inh_next = lambda_I_inh; /* jump.arrival.I_inh */
}

SALTUS_INLINE void model_exc_credit(const double lambda_V, const double lambda_I_exc, double *restrict credit)
{
    *credit = lambda_V - lambda_I_exc; /* arrival.credit */
}

SALTUS_INLINE void model_exc_weight(const double lambda_I_exc, const double tau_exc, double *restrict grad_w)
{
    *grad_w = -tau_exc * lambda_I_exc; /* gradient.weight */
}

/* ---- arrival: inh */

SALTUS_INLINE void model_inh_jump(const double V, const double I_exc, const double I_inh, const double w,
    double *restrict V_next, double *restrict I_exc_next, double *restrict I_inh_next)
{
    *V_next = V; /* receive.V */
    *I_exc_next = I_exc; /* receive.I_exc */
    *I_inh_next = I_inh + w; /* receive.I_inh */
}

SALTUS_INLINE void model_inh_adjoint(const double lambda_V, const double lambda_I_exc,
    const double lambda_I_inh, double *restrict lambda_V_next, double *restrict lambda_I_exc_next,
    double *restrict lambda_I_inh_next)
{
    *lambda_V_next = lambda_V; /* jump.arrival.V */
    *lambda_I_exc_next = lambda_I_exc; /* jump.arrival.I_exc */
    *lambda_I_inh_next = lambda_I_inh; /* jump.arrival.I_inh */
}

SALTUS_INLINE void model_inh_credit(const double lambda_V, const double lambda_I_inh, double *restrict credit)
{
    *credit = -(lambda_V + lambda_I_inh); /* arrival.credit */
}

SALTUS_INLINE void model_inh_weight(const double lambda_I_inh, const double tau_inh, double *restrict grad_w)
{
    *grad_w = -tau_inh * lambda_I_inh; /* gradient.weight */
}

/* ---- the derivatives by a neuron's own parameters */

SALTUS_INLINE void model_scale(const double per_tau_mem, const double per_tau_exc, const double per_tau_inh,
    double *restrict scale_tau_mem, double *restrict scale_tau_exc, double *restrict scale_tau_inh)
{
    *scale_tau_mem = per_tau_mem * per_tau_mem; /* tangent */
    *scale_tau_exc = per_tau_exc * per_tau_exc; /* tangent */
    *scale_tau_inh = per_tau_inh * per_tau_inh; /* tangent */
}

SALTUS_INLINE void model_sensitivity(const double dt, const double tau_mem, const double per_tau_mem,
    const double per_tau_exc, const double per_tau_inh, double *restrict Phi_V_V_tau_mem,
    double *restrict Phi_V_I_exc_tau_mem, double *restrict Phi_V_I_inh_tau_mem,
    double *restrict Phi_V_I_exc_tau_exc, double *restrict Phi_I_exc_I_exc_tau_exc,
    double *restrict Phi_V_I_inh_tau_inh, double *restrict Phi_I_inh_I_inh_tau_inh)
{
    const double decay_V = saltus_exp(-dt * per_tau_mem); /* flow.propagator */
    const double decay_I_exc = saltus_exp(-dt * per_tau_exc); /* flow.propagator */
    const double decay_I_inh = saltus_exp(-dt * per_tau_inh); /* flow.propagator */
    const double response_V_I_exc = saltus_exp_dd2(-dt * per_tau_mem, -dt * per_tau_exc);
        /* flow.propagator */
    const double response_V_I_inh = saltus_exp_dd2(-dt * per_tau_mem, -dt * per_tau_inh);
        /* flow.propagator */
    const double response_V_V_I_exc = saltus_exp_dd21(-dt * per_tau_mem, -dt * per_tau_exc);
        /* flow.propagator */
    const double response_V_V_I_inh = saltus_exp_dd21(-dt * per_tau_mem, -dt * per_tau_inh);
        /* flow.propagator */
    const double response_V_I_exc_I_exc = saltus_exp_dd21(-dt * per_tau_exc, -dt * per_tau_mem);
        /* flow.propagator */
    const double response_V_I_inh_I_inh = saltus_exp_dd21(-dt * per_tau_inh, -dt * per_tau_mem);
        /* flow.propagator */
    *Phi_V_V_tau_mem = dt * decay_V; /* flow.derivative */
    *Phi_V_I_exc_tau_mem = dt * (dt * response_V_V_I_exc - tau_mem * response_V_I_exc) * per_tau_mem;
        /* flow.derivative */
    *Phi_V_I_inh_tau_mem = dt * (tau_mem * response_V_I_inh - dt * response_V_V_I_inh) * per_tau_mem;
        /* flow.derivative */
    *Phi_V_I_exc_tau_exc = dt * dt * response_V_I_exc_I_exc * per_tau_mem; /* flow.derivative */
    *Phi_I_exc_I_exc_tau_exc = dt * decay_I_exc; /* flow.derivative */
    *Phi_V_I_inh_tau_inh = -dt * dt * response_V_I_inh_I_inh * per_tau_mem; /* flow.derivative */
    *Phi_I_inh_I_inh_tau_inh = dt * decay_I_inh; /* flow.derivative */
}

SALTUS_INLINE void model_tangents(const double Phi_V_V, const double V__tau_mem, const double Phi_V_V_tau_mem,
    const double V, const double Phi_V_I_exc_tau_mem, const double I_exc, const double Phi_V_I_inh_tau_mem,
    const double I_inh, const double V__tau_exc, const double Phi_V_I_exc, const double I_exc__tau_exc,
    const double Phi_V_I_exc_tau_exc, const double Phi_I_exc_I_exc, const double Phi_I_exc_I_exc_tau_exc,
    const double V__tau_inh, const double Phi_V_I_inh, const double I_inh__tau_inh,
    const double Phi_V_I_inh_tau_inh, const double Phi_I_inh_I_inh, const double Phi_I_inh_I_inh_tau_inh,
    double *restrict V__tau_mem_next, double *restrict V__tau_exc_next, double *restrict I_exc__tau_exc_next,
    double *restrict V__tau_inh_next, double *restrict I_inh__tau_inh_next)
{
    *V__tau_mem_next = Phi_V_V * V__tau_mem + Phi_V_V_tau_mem * V + Phi_V_I_exc_tau_mem * I_exc +
        Phi_V_I_inh_tau_mem * I_inh; /* tangent */
    *V__tau_exc_next = Phi_V_V * V__tau_exc + Phi_V_I_exc * I_exc__tau_exc + I_exc * Phi_V_I_exc_tau_exc;
        /* tangent */
    *I_exc__tau_exc_next = Phi_I_exc_I_exc * I_exc__tau_exc + I_exc * Phi_I_exc_I_exc_tau_exc; /* tangent */
    *V__tau_inh_next = Phi_V_V * V__tau_inh + Phi_V_I_inh * I_inh__tau_inh + I_inh * Phi_V_I_inh_tau_inh;
        /* tangent */
    *I_inh__tau_inh_next = Phi_I_inh_I_inh * I_inh__tau_inh + I_inh * Phi_I_inh_I_inh_tau_inh; /* tangent */
}

SALTUS_INLINE void model_spike_tangents(const double V__tau_mem, const double guard_slope,
    const double V__tau_exc, const double V__tau_inh, double *restrict moved_tau_mem,
    double *restrict moved_tau_exc, double *restrict moved_tau_inh, double *restrict V__tau_mem_next,
    double *restrict V__tau_exc_next, double *restrict V__tau_inh_next)
{
    *moved_tau_mem = -V__tau_mem / guard_slope; /* tangent */
    *moved_tau_exc = -V__tau_exc / guard_slope; /* tangent */
    *moved_tau_inh = -V__tau_inh / guard_slope; /* tangent */
    *V__tau_mem_next = 0.0; /* tangent */
    *V__tau_exc_next = 0.0; /* tangent */
    *V__tau_inh_next = 0.0; /* tangent */
}

SALTUS_INLINE void model_nodes(const double dt, const double per_tau_mem, const double per_tau_exc,
    const double per_tau_inh, double *restrict saltus_node_0, double *restrict saltus_node_1,
    double *restrict saltus_node_2)
{
    *saltus_node_0 = -dt * per_tau_mem; /* flow.nodes */
    *saltus_node_1 = -dt * per_tau_exc; /* flow.nodes */
    *saltus_node_2 = -dt * per_tau_inh; /* flow.nodes */
}

/* model_propagator where all nodes of its exponentials are near zero. */
SALTUS_INLINE void model_propagator_near(const int terms, const double dt, const double tau_mem,
    const double per_tau_mem, const double per_tau_exc, const double per_tau_inh, double *restrict Phi_V_V,
    double *restrict Phi_V_I_exc, double *restrict Phi_V_I_inh, double *restrict Phi_I_exc_I_exc,
    double *restrict Phi_I_inh_I_inh, double *restrict Psi_I_exc_V, double *restrict Psi_I_inh_V)
{
    const double saltus_node_0 = -dt * per_tau_mem;
    const double saltus_node_1 = -dt * per_tau_exc;
    const double saltus_node_2 = -dt * per_tau_inh;
    double saltus_exp_0_1 = 0.0, saltus_exp_0_2 = 0.0, saltus_exp_0 = SALTUS_EXP[terms + 1];
#pragma GCC unroll 32
    for (int k = terms + 1 - 1; k >= 0; k--) {
        saltus_exp_0_1 = k < terms + 0 ? saltus_exp_0_1 * saltus_node_1 + saltus_exp_0 : saltus_exp_0;
        saltus_exp_0_2 = k < terms + 0 ? saltus_exp_0_2 * saltus_node_2 + saltus_exp_0 : saltus_exp_0;
        saltus_exp_0 = saltus_exp_0 * saltus_node_0 + SALTUS_EXP[k];
    }
    const double saltus_exp_1 = saltus_exp_0 + (saltus_node_1 - saltus_node_0) * saltus_exp_0_1;
    const double saltus_exp_2 = saltus_exp_0 + (saltus_node_2 - saltus_node_0) * saltus_exp_0_2;
    const double response_V_I_exc = saltus_exp_0_1; /* flow.propagator */
    *Phi_V_V = saltus_exp_0; /* flow.propagator */
    *Phi_V_I_exc = dt * response_V_I_exc * per_tau_mem; /* flow.propagator */
    *Phi_V_I_inh = -dt * saltus_exp_0_2 * per_tau_mem; /* flow.propagator */
    *Phi_I_exc_I_exc = saltus_exp_1; /* flow.propagator */
    *Phi_I_inh_I_inh = saltus_exp_2; /* flow.propagator */
    *Psi_I_exc_V = dt * response_V_I_exc * per_tau_exc; /* flow.propagator */
    *Psi_I_inh_V = tau_mem * (*Phi_V_I_inh) * per_tau_inh; /* flow.propagator */
}

/* model_motion where all nodes of its exponentials are near zero. */
SALTUS_INLINE void model_motion_near(const int terms, const double dt, const double tau_mem,
    const double per_tau_mem, const double per_tau_exc, const double per_tau_inh, double *restrict Phi_V_V,
    double *restrict Phi_V_I_exc, double *restrict Phi_V_I_inh, double *restrict Phi_I_exc_I_exc,
    double *restrict Phi_I_inh_I_inh, double *restrict Psi_I_exc_V, double *restrict Psi_I_inh_V,
    double *restrict Phi_V_V_tau_mem, double *restrict Phi_V_I_exc_tau_mem,
    double *restrict Phi_V_I_inh_tau_mem, double *restrict Phi_V_I_exc_tau_exc,
    double *restrict Phi_I_exc_I_exc_tau_exc, double *restrict Phi_V_I_inh_tau_inh,
    double *restrict Phi_I_inh_I_inh_tau_inh)
{
    const double saltus_node_0 = -dt * per_tau_mem;
    const double saltus_node_1 = -dt * per_tau_exc;
    const double saltus_node_2 = -dt * per_tau_inh;
    double saltus_exp_0_1_0 = 0.0, saltus_exp_0_2_0 = 0.0, saltus_exp_0_1 = 0.0, saltus_exp_0_2 = 0.0, saltus_exp_0 = SALTUS_EXP[terms + 2];
#pragma GCC unroll 32
    for (int k = terms + 2 - 1; k >= 0; k--) {
        saltus_exp_0_1_0 = k < terms + 0 ? saltus_exp_0_1_0 * saltus_node_0 + saltus_exp_0_1 : saltus_exp_0_1;
        saltus_exp_0_2_0 = k < terms + 0 ? saltus_exp_0_2_0 * saltus_node_0 + saltus_exp_0_2 : saltus_exp_0_2;
        saltus_exp_0_1 = k < terms + 1 ? saltus_exp_0_1 * saltus_node_1 + saltus_exp_0 : saltus_exp_0;
        saltus_exp_0_2 = k < terms + 1 ? saltus_exp_0_2 * saltus_node_2 + saltus_exp_0 : saltus_exp_0;
        saltus_exp_0 = saltus_exp_0 * saltus_node_0 + SALTUS_EXP[k];
    }
    const double saltus_exp_0_1_1 = saltus_exp_0_1 - saltus_exp_0_1_0;
    const double saltus_exp_0_2_2 = saltus_exp_0_2 - saltus_exp_0_2_0;
    const double saltus_exp_1 = saltus_exp_0 + (saltus_node_1 - saltus_node_0) * saltus_exp_0_1;
    const double saltus_exp_2 = saltus_exp_0 + (saltus_node_2 - saltus_node_0) * saltus_exp_0_2;
    const double response_V_I_exc = saltus_exp_0_1; /* flow.propagator */
    *Phi_V_V = saltus_exp_0; /* flow.propagator */
    *Phi_V_I_exc = dt * response_V_I_exc * per_tau_mem; /* flow.propagator */
    *Phi_V_I_inh = -dt * saltus_exp_0_2 * per_tau_mem; /* flow.propagator */
    *Phi_I_exc_I_exc = saltus_exp_1; /* flow.propagator */
    *Phi_I_inh_I_inh = saltus_exp_2; /* flow.propagator */
    *Psi_I_exc_V = dt * response_V_I_exc * per_tau_exc; /* flow.propagator */
    *Psi_I_inh_V = tau_mem * (*Phi_V_I_inh) * per_tau_inh; /* flow.propagator */
    const double decay_V = saltus_exp_0; /* flow.propagator */
    const double decay_I_exc = saltus_exp_1; /* flow.propagator */
    const double decay_I_inh = saltus_exp_2; /* flow.propagator */
    const double response_V_I_inh = saltus_exp_0_2; /* flow.propagator */
    const double response_V_V_I_exc = saltus_exp_0_1_0; /* flow.propagator */
    const double response_V_V_I_inh = saltus_exp_0_2_0; /* flow.propagator */
    const double response_V_I_exc_I_exc = saltus_exp_0_1_1; /* flow.propagator */
    const double response_V_I_inh_I_inh = saltus_exp_0_2_2; /* flow.propagator */
    *Phi_V_V_tau_mem = dt * decay_V; /* flow.derivative */
    *Phi_V_I_exc_tau_mem = dt * (dt * response_V_V_I_exc - tau_mem * response_V_I_exc) * per_tau_mem;
        /* flow.derivative */
    *Phi_V_I_inh_tau_mem = dt * (tau_mem * response_V_I_inh - dt * response_V_V_I_inh) * per_tau_mem;
        /* flow.derivative */
    *Phi_V_I_exc_tau_exc = dt * dt * response_V_I_exc_I_exc * per_tau_mem; /* flow.derivative */
    *Phi_I_exc_I_exc_tau_exc = dt * decay_I_exc; /* flow.derivative */
    *Phi_V_I_inh_tau_inh = -dt * dt * response_V_I_inh_I_inh * per_tau_mem; /* flow.derivative */
    *Phi_I_inh_I_inh_tau_inh = dt * decay_I_inh; /* flow.derivative */
}

#endif

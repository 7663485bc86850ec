/* Made by `saltus emit` from max_cross_entropy.toml (head; ir.json 1094b0701edf). Do not edit: change the spec or the templates and run it again.
 *
 * Cross-entropy of the maxima over time of a readout
 * (Wunderlich & Pehle (2021), L_max, eq. 75 of the notes)
 */
#include "head.h"

#include "exponentials.h"

static double head_lse(int32_t classes, const double *restrict x, const double scale)
{
    double largest = -INFINITY, scaled = 0.0; /* loss.sum: the largest exponent is taken out, so nothing overflows */
    for (int32_t j = 0; j < classes; j++) {
        const double term = scale * x[j];
        largest = term > largest ? term : largest;
    }
    for (int32_t j = 0; j < classes; j++) {
        const double term = scale * x[j];
        scaled += saltus_exp(term - largest);
    }
    return largest + log(scaled);
}

static double head_value(const double *restrict x, int32_t label, const double scale, const double lse)
{
    return lse - scale * x[label]; /* loss.value */
}

static double head_x_label(const double *restrict x, int32_t label, const double scale, const double lse)
{
    return scale * (saltus_exp(scale * x[label] - lse) - 1.0); /* loss.gradient.label */
}

static double head_x_other(const double *restrict x, int32_t k, const double scale, const double lse)
{
    return scale * saltus_exp(scale * x[k] - lse); /* loss.gradient.other */
}

void saltus_head(int32_t batch, int32_t classes, const double *parameters, const double *readouts,
                 const double *targets, const int32_t *label, double *loss, double *gradient)
{
    (void)parameters; /* perhaps only counts of spikes read them */
    (void)targets;
    for (int32_t b = 0; b < batch; b++) {
        const double *restrict x = readouts + ((int64_t)b) * classes;
        double *restrict grad_x = gradient + ((int64_t)b) * classes;
        const double lse = head_lse(classes, x, parameters[0]);
        loss[b] = head_value(x, label[b], parameters[0], lse);
        for (int32_t k = 0; k < classes; k++) {
            if (k == label[b])
                grad_x[k] = head_x_label(x, label[b], parameters[0], lse);
            else
                grad_x[k] = head_x_other(x, k, parameters[0], lse);
        }
    }
}

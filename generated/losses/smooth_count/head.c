/* Made by `saltus emit` from smooth_count.toml (head; ir.json 9f0f84a73398). Do not edit: change the spec or the templates and run it again.
 *
 * Half the squares of smooth spike counts' distances from target counts
 * (a count that has a derivative by each spike's time: a spike counts the less the further it is from t_c)
 */
#include "head.h"

#include "exponentials.h"

static double head_total(int32_t classes, const double *restrict count, const double *restrict target)
{
    double sum = 0.0; /* loss.sum */
    for (int32_t j = 0; j < classes; j++)
        sum += (count[j] - target[j]) * (count[j] - target[j]);
    return sum;
}

static double head_value(const double total)
{
    return total / 2.0; /* loss.value */
}

static double head_count(const double *restrict count, const double *restrict target, int32_t k)
{
    return count[k] - target[k]; /* loss.gradient */
}

void saltus_head(int32_t batch, int32_t classes, const double *parameters, const double *readouts,
                 const double *targets, const int32_t *label, double *loss, double *gradient)
{
    (void)parameters; /* perhaps only counts of spikes read them */
    (void)label;
    for (int32_t b = 0; b < batch; b++) {
        const double *restrict count = readouts + ((int64_t)b) * classes;
        double *restrict grad_count = gradient + ((int64_t)b) * classes;
        const double *restrict target = targets + ((int64_t)b) * classes;
        const double total = head_total(classes, count, target);
        loss[b] = head_value(total);
        for (int32_t k = 0; k < classes; k++) {
            grad_count[k] = head_count(count, target, k);
        }
    }
}

static double head_count_kernel(const double t, const double t_c, const double width)
{
    return saltus_exp(-(t - t_c) * (t - t_c) / (2.0 * width * width)); /* loss.count.kernel */
}

static double head_count_slope(const double t, const double t_c, const double width)
{
    return saltus_exp(-(t - t_c) * (t - t_c) / (2.0 * width * width)) * (t_c - t) / (width * width); /* loss.count.slope */
}

void saltus_head_spikes(int32_t which, int64_t cells, const double *parameters, const int64_t *start, const double *time,
                        double *value, double *slope)
{
    (void)parameters;
    for (int64_t c = 0; c < cells; c++) {
        value[c] = 0.0;
        for (int64_t i = start[c]; i < start[c + 1]; i++)
            switch (which) {
            case 0:
                value[c] += head_count_kernel(time[i], parameters[0], parameters[1]);
                slope[i] = head_count_slope(time[i], parameters[0], parameters[1]);
                break;
            default: slope[i] = 0.0;
            }
    }
}

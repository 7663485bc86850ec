/* Made by `saltus emit` from smooth_count.toml (head; ir.json 9f0f84a73398). Do not edit: change the spec or the templates and run it again. */
#ifndef SALTUS_HEAD_H
#define SALTUS_HEAD_H

#include <stdint.h>

/* The loss of each sample and its derivatives by the readouts (times in seconds, infinite where there is no spike).
 * parameters, readouts, targets: in the order of ir.json; readouts, gradient: [readouts][batch][classes];
 * targets: [targets][batch][classes]; label, loss: [batch]. What a head does not use may be NULL. */
void saltus_head(int32_t batch, int32_t classes, const double *parameters, const double *readouts,
                 const double *targets, const int32_t *label, double *loss, double *gradient);

/* What readout `which` is of each neuron: value[cells], the sum over its spikes, those of cell c being start[c] ...
 * start[c + 1] - 1; and slope, the derivative by each spike's time. */
void saltus_head_spikes(int32_t which, int64_t cells, const double *parameters, const int64_t *start, const double *time,
                        double *value, double *slope);

#endif

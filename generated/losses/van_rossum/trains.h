/* Made by `saltus emit` from van_rossum.toml (trains; ir.json 9b5360a2e998). Do not edit: change the spec or the templates and run it again. */
#ifndef SALTUS_TRAINS_H
#define SALTUS_TRAINS_H

#include <stdint.h>

/* The distance of each cell's spikes from its target's, and its derivative by each spike.
 * A cell is a neuron in a sample. The spikes of cell c are time[start[c]] to time[start[c + 1] - 1], in order, those
 * of its target likewise; distance: [cells]; gradient: like time; parameters: in the order of ir.json. */
void saltus_trains(int64_t cells, const double *parameters, const int64_t *start, const double *time,
                   const int64_t *target_start, const double *target, double *distance, double *gradient);

#endif

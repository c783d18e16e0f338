/* SPDX-License-Identifier: Apache-2.0 */
/*
 * otsu.c - Otsu's threshold
 *
 * For a threshold t let n0, n1 be the pixels up to t and above it, and m0, m1 their mean grey
 * values. The best t makes n0 n1 (m0 - m1)^2, the variance between the two groups, largest.
 */
#include "demo/demo.h"

int otsu_threshold(const uint8_t *image, int count)
{
    double histogram[256] = {0}, all = 0, below = 0, below_sum = 0, best = -1;
    int threshold = 0;

    for (int i = 0; i < count; i++)
        histogram[image[i]]++;
    for (int v = 0; v < 256; v++)
        all += v * histogram[v];
    for (int v = 0; v < 255; v++) {
        double above, distance;

        below += histogram[v];
        below_sum += v * histogram[v];
        above = count - below;
        if (below == 0 || above == 0)
            continue;
        distance = below_sum / below - (all - below_sum) / above;
        if (below * above * distance * distance > best) {
            best = below * above * distance * distance;
            threshold = v;
        }
    }
    return threshold;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* geometry_volume.h - a volume, and a figure in it */
#ifndef TEST_GEOMETRY_VOLUME_H
#define TEST_GEOMETRY_VOLUME_H

#include "geometry_set.h"

enum { W = 7, H = 6, D = 5 };

/* Left, posterior, superior; no two sides of a pixel are alike. */
static const struct volume scene = {
    .count = {W, H, D},
    .affine = {{-0.5, 0, 0, 30}, {0, -0.7, 0, 40}, {0, 0, 2, 5}},
};

static inline int is_set(int x, int y, int z)
{
    return (x * 5 + y * 3 + z * z + x * y) % 3 == 0;
}

static inline void put_image(const struct volume *like)
{
    uint8_t samples[W * H * D];
    struct volume image = *like;
    for (int i = 0; i < W * H * D; i++)
        samples[i] = (uint8_t)(40 + 90 * is_set(i % W, i / W % H, i / W / H) + i % 7);
    image.samples = samples;
    put_volume(in_folder("i/a.nii"), &image);
}

#endif

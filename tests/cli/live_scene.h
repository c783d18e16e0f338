/* SPDX-License-Identifier: Apache-2.0 */
/* live_scene.h - a project of made-up images, and strokes on it */
#ifndef LIVE_SCENE_H
#define LIVE_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "studio/live/live.h"
#include "studio/studio_inside.h"

struct scene {
    char folder[64];
    struct studio *studio;
    int seq;
};

/* The right half is bright and class 1, the left half dark and class 0. */
static inline void write_image(const char *path, int side, unsigned seed)
{
    uint8_t *data = malloc((size_t)side * side);
    const unet_image image = {side, side, 1, UNET_U8, 0, data};
    unet_error err;
    for (int i = 0; i < side * side; i++) {
        seed = seed * 1664525u + 1013904223u;
        data[i] = (uint8_t)((i % side < side / 2 ? 40 : 150) + (seed >> 26));
    }
    if (unet_image_write(path, &image, &err))
        fail_msg("%s", err.text);
    free(data);
}

static inline void hear_nothing(const char *text)
{
    (void)text;
}

/* A project of `images` made-up images. */
static inline void scene_make(struct scene *scene, int images, int side)
{
    char path[4][100], project[100], command[200], *paths[4];
    const struct studio_given given = {
        .folder = project, .paths = paths, .count = (size_t)images, .note = hear_nothing};
    unet_error err;
    *scene = (struct scene){.folder = "/tmp/test_live_XXXXXX"};
    assert_non_null(mkdtemp(scene->folder));
    snprintf(project, sizeof(project), "%s/project", scene->folder);
    snprintf(command, sizeof(command), "mkdir %s", project);
    assert_int_equal(system(command), 0);
    for (int i = 0; i < images; i++) {
        paths[i] = path[i];
        snprintf(path[i], sizeof(path[i]), "%s/%d.png", scene->folder, i);
        write_image(path[i], side, (unsigned)i + 1);
    }
    if (studio_open(&given, &scene->studio, &err))
        fail_msg("%s", err.text);
}

static inline void scene_end(struct scene *scene)
{
    char command[100];
    studio_close(scene->studio);
    snprintf(command, sizeof(command), "rm -r %s", scene->folder);
    assert_int_equal(system(command), 0);
}

/* A line from (x, y) downwards; the rectangle that it changed. */
static inline struct studio_rect scene_paint(struct scene *scene, int image, int label, int x,
                                             int y, int length)
{
    struct studio_rect r;
    json_t *reply,
        *body = json_pack("{sssisssisis[iiii]}", "client", "test-live", "seq", ++scene->seq, "tool",
                          "brush", "class", label, "radius", 4, "points", x, y, x, y + length);
    unet_error err;
    if (studio_stroke(scene->studio, image, body, &reply, &err))
        fail_msg("%s", err.text);
    assert_int_equal(json_unpack(reply, "{s[iiii]}", "rect", &r.x, &r.y, &r.width, &r.height), 0);
    json_decref(reply);
    json_decref(body);
    return r;
}

/* The training beside it. */
static inline struct live *scene_start(struct scene *scene, int paused)
{
    const struct live_options options = {.threads = 2, .seed = 1, .paused = paused};
    struct live *live;
    unet_error err;
    if (live_start(scene->studio, &options, &live, &err))
        fail_msg("%s", err.text);
    scene->studio->live = live;
    return live;
}

static inline void scene_stop(struct scene *scene)
{
    struct live *live = scene->studio->live;
    scene->studio->live = NULL;
    live_stop(live);
}

static inline long live_steps(struct live *live)
{
    json_t *state = live_state(live);
    const long step = (long)json_integer_value(json_object_get(state, "step"));
    json_decref(state);
    return step;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* routes_post.c - what is changed */
#include "shared/cli.h"
#include "studio/labels/label_tiles.h"
#include "studio/server/http.h"

/* An answer, or why not. */
static void finish(struct reply *reply, unet_code code, json_t *json, const unet_error *err)
{
    if (code) {
        json_decref(json);
        reply_error(reply, code, err, MHD_HTTP_CONFLICT);
        return;
    }
    reply->status = MHD_HTTP_OK;
    reply->json = json ? json : json_object();
}

void post_strokes(struct request *request, struct reply *reply)
{
    json_t *json = NULL;
    unet_error err = {0};
    const unet_code code =
        studio_stroke(request->studio, request->image, request->body, &json, &err);

    finish(reply, code, json, &err);
}

static void turn(struct request *request, int back, struct reply *reply)
{
    json_t *json = NULL;
    unet_error err = {0};
    const unet_code code =
        studio_turn(request->studio, request->image, back, request->body, &json, &err);

    finish(reply, code, json, &err);
}

void post_undo(struct request *request, struct reply *reply)
{
    turn(request, 1, reply);
}

void post_redo(struct request *request, struct reply *reply)
{
    turn(request, 0, reply);
}

void post_classes(struct request *request, struct reply *reply)
{
    unet_error err = {0};
    const unet_code code = studio_set_classes(request->studio, request->body, &err);
    json_t *classes = code ? NULL : studio_class_list(request->studio);

    finish(reply, code, classes ? json_pack("{so}", "classes", classes) : NULL, &err);
}

void post_settings(struct request *request, struct reply *reply)
{
    unet_error err = {0};

    finish(reply, studio_set_settings(request->studio, request->body, &err), NULL, &err);
}

void post_training(struct request *request, struct reply *reply)
{
    const json_t *on = json_object_get(request->body, "on");

    if (!json_is_boolean(on)) {
        reply_failure(reply, MHD_HTTP_BAD_REQUEST, "on: true or false wanted");
        return;
    }
    live_train(request->studio->live, json_is_true(on));
    finish(reply, UNET_OK, live_state(request->studio->live), NULL);
}

/* Image, x, y, width and height of a view; 0: there is no such. */
static int read_view(const struct studio *studio, const json_t *body, json_int_t view[5])
{
    static const json_int_t least[5] = {0, -(1 << 20), -(1 << 20), 1, 1};

    if (json_unpack((json_t *)body, "{s:I, s:[I, I, I, I!]}", "image", &view[0], "rect", &view[1],
                    &view[2], &view[3], &view[4]) ||
        view[0] >= studio_images(studio))
        return 0;
    for (int i = 0; i < 5; i++)
        if (view[i] < least[i] || view[i] > 1 << 20)
            return 0;
    return 1;
}

void post_view(struct request *request, struct reply *reply)
{
    struct studio *studio = request->studio;
    json_int_t view[5];

    if (!read_view(studio, request->body, view)) {
        reply_failure(reply, MHD_HTTP_BAD_REQUEST,
                      "image: a number, rect: x, y, width and height wanted");
        return;
    }
    const int image = (int)view[0];
    const struct studio_image *what = studio_image(studio, image);
    const struct studio_rect rect =
        rect_common((struct studio_rect){(int)view[1], (int)view[2], (int)view[3], (int)view[4]},
                    (struct studio_rect){0, 0, what->width, what->height});
    if (rect.width)
        live_looks_at(studio->live, image, rect);
    finish(reply, UNET_OK, NULL, NULL);
}

void post_export(struct request *request, struct reply *reply)
{
    unet_error err = {0};
    const unet_code code = live_export(request->studio->live, request->body, &err);

    finish(reply, code, NULL, &err);
    if (!code)
        reply->status = MHD_HTTP_ACCEPTED;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as nnU-Net's dataset.json: no crash, and what is taken is a coding with a text. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/masks/coding.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct un_wish wish;
    static char folder[64], path[96];
    char text[480];
    unet_error err = {0};
    if (!*folder) {
        snprintf(folder, sizeof folder, "%s/unet_fuzz_%d",
                 access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm", (int)getpid());
        snprintf(path, sizeof path, "%s/dataset.json", folder);
        mkdir(folder, 0777);
    }
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(bytes, 1, size, file) != size || fclose(file))
        abort();
    if (un_wish_parse(NULL, &wish, &err))
        abort();
    unet_code code = un_wish_of_folder(folder, size % 4 == 0, &wish, &err);
    if (code && (err.code != code || !err.text[0]))
        abort();
    if (wish.what == UN_WISH_CODES) {
        un_coding_text(&wish.coding, text, sizeof text);
        if (code || wish.coding.labels < 2 || !*text)
            abort();
    }
    unlink(path);
    rmdir(folder);
    *folder = 0;
    return 0;
}

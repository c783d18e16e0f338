/* SPDX-License-Identifier: Apache-2.0 */
/* yaml_none.c - in the place of yaml.c where libyaml was not found */
#include "base/yaml.h"

bool un_yaml_reads(void)
{
    return false;
}

unet_code un_yaml_parse(const char *what, const char *text, size_t size, json_t **value,
                        unet_error *err)
{
    (void)text, (void)size, (void)value;
    return un_fail(err, UNET_EINVAL,
                   "%s: this unet was built without libyaml, which reads it; install it "
                   "(libyaml-dev), and build unet again",
                   what);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The command, where UNET_DEVICE=far is an engine. */
int unet_main(int argc, char **argv);

int main(int argc, char **argv)
{
    return unet_main(argc, argv);
}

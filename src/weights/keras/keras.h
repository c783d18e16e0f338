/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keras.h - models of Keras, whole: model.save("net.keras") and model.save("net.h5")
 *
 * Both hold the network as a list of layers in JSON, each with what it reads, and the weights in
 * HDF5.  Nothing of it is Python, but for layers that are made of code (Lambda), which are refused.
 * The layers become the nodes of an ONNX graph in memory, which the reader of ONNX looks through as
 * through any other: so one place says which networks are ours.
 *
 *   keras.c         the files, and which weights are whose
 *   keras_layers.c  each kind of layer as nodes
 *   keras_nodes.c   nodes and tensors, put together
 *   hdf5.c          arrays and texts in HDF5; hdf5_read.c its parts
 */
#ifndef UN_KERAS_H
#define UN_KERAS_H

#include "weights/arrays.h"

/* Whether bytes are an HDF5 file in which Keras is named, or a zip archive with the members of a
 * .keras file. */
bool un_keras_recognises(const unsigned char *bytes, size_t size);

/*
 * Opens a file; the caller releases *arrays.  UNET_EIO, UNET_ENOMEM; UNET_EFORMAT names the layer,
 * what was found and what was wanted.
 */
unet_code un_keras_open(const char *path, struct un_arrays *arrays, unet_error *err);
unet_code un_keras_parse(const char *path, const unsigned char *bytes, size_t size,
                         struct un_arrays *arrays, unet_error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * known_files.c - one table of what people try to read, and what they can do instead
 *
 * Content goes before names, and rows before those below them, so that what is special stands
 * first: Imaris before HDF5, a bioimage.io package before other zip archives.
 */
#include "base/known_files.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/file.h"

#define FIJI "Fiji (Bio-Formats) saves it as TIFF"
#define FFMPEG "ffmpeg -i FILE frame%05d.png makes an image of each frame"
#define SIMPLEITK "SimpleITK's WriteImage(ReadImage(FILE), 'x.nii.gz') makes NIfTI of it"
#define TF2ONNX "tf2onnx makes ONNX of it, which is read"
#define DRAWING "export it as PNG"
#define STATE "torch.save(model.state_dict(), 'x.pth') writes what is read"
#define KERAS_WEIGHTS                                                                              \
    "the weights of a Keras model without the model (HDF5)",                                       \
        "in Python, model.load_weights(FILE), then model.save(\"net.keras\"), which is read"
#define MAGIC(at, text) .offset = at, .bytes = text, .size = sizeof text - 1

static const struct un_known_file known[] = {
    /* microscopes */
    {UN_KNOWN_IMAGE, "a Zeiss CZI image", FIJI, " .czi ", MAGIC(0, "ZISRAWFILE"), .among = true},
    {UN_KNOWN_IMAGE, "a Nikon ND2 image", FIJI, " .nd2 ", MAGIC(0, "\xda\xce\xbe\x0a"),
     .among = true},
    {UN_KNOWN_IMAGE, "a Leica LIF image", FIJI, " .lif .lof ", .bytes = "\x70\0\0\0", .size = 4,
     .inside = "\x2a", .among = true},
    {UN_KNOWN_IMAGE, "an Olympus VSI image, whose picture is in the folder beside it", FIJI,
     " .vsi .ets ", .bytes = "SIS\0", .size = 4, .first = true},
    {UN_KNOWN_IMAGE, "an Olympus OIB or Zeiss ZVI image", FIJI, " .oib .zvi ",
     MAGIC(0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")},
    {UN_KNOWN_IMAGE, "an Olympus OIF image", FIJI, " .oif .oir ", .size = 0},
    {UN_KNOWN_IMAGE, "an Imaris image (HDF5)", FIJI, " .ims ", MAGIC(0, "\x89HDF"),
     .inside = "DataSetInfo"},
    {UN_KNOWN_IMAGE, "an MRC volume",
     "Fiji saves it as TIFF, mrcfile's open(FILE).data with numpy.save() as .npy",
     " .mrc .mrcs .rec .st .map ", MAGIC(208, "MAP ")},
    {UN_KNOWN_IMAGE, "a DICOM image", SIMPLEITK, " .dcm .dicom ", MAGIC(128, "DICM"),
     .among = true},
    /* models; HDF5 and zip archives of their own before others */
    {UN_KNOWN_MODEL, "a Keras model (HDF5)", "it is read as a model", NULL, MAGIC(0, "\x89HDF"),
     .inside = "model_config"},
    {UN_KNOWN_MODEL, KERAS_WEIGHTS, NULL, MAGIC(0, "\x89HDF"), .inside = "keras_version"},
    {UN_KNOWN_MODEL, KERAS_WEIGHTS, " .weights.h5 ", MAGIC(0, "\x89HDF")},
    {UN_KNOWN_MODEL, "a Keras model", "it is read as a model", " .keras ", MAGIC(0, "PK\3\4"),
     .inside = "model.weights.h5"},
    {UN_KNOWN_MODEL, "a bioimage.io package", "it is read as a model", NULL, MAGIC(0, "PK\3\4"),
     .inside = "rdf.yaml"},
    {UN_KNOWN_MODEL, "a bioimage.io package", "it is read as a model", NULL, MAGIC(0, "PK\3\4"),
     .inside = "bioimageio.yaml"},
    {UN_KNOWN_MODEL, "a Core ML model", "the PyTorch weights that it was made from are read",
     " .mlmodel ", MAGIC(0, "PK\3\4"), .inside = "mlmodel"},
    {UN_KNOWN_MODEL, "a program of torch.export()", STATE, " .pt2 ", MAGIC(0, "PK\3\4"),
     .inside = "serialized_exported_program"},
    {UN_KNOWN_MODEL, "a TensorFlow Lite model", "tf2onnx makes ONNX of it, which is read",
     " .tflite ", MAGIC(4, "TFL3")},
    {UN_KNOWN_MODEL, "a TensorFlow graph or checkpoint", TF2ONNX, " .pb .ckpt.index ", .size = 0},
    {UN_KNOWN_MODEL, "an index of safetensors shards",
     "it is read under a name that ends with .index.json", NULL, MAGIC(0, "{"),
     .inside = "\"weight_map\""},
    {UN_KNOWN_MODEL, "a GGUF model", NULL, " .gguf ", MAGIC(0, "GGUF")},
    {UN_KNOWN_MODEL, "an OpenVINO model", "the ONNX file that it was made from is read", NULL,
     MAGIC(0, "<?xml"), .inside = "<net name="},
    /* containers of anything */
    {UN_KNOWN_IMAGE, "a MATLAB file (HDF5)",
     "in Python, h5py reads it and numpy.save() writes .npy", NULL, MAGIC(0, "MATLAB 7.3")},
    {UN_KNOWN_IMAGE, "a MATLAB file", "in MATLAB, imwrite(x, 'x.tif') writes TIFF", " .mat ",
     MAGIC(0, "MATLAB ")},
    {UN_KNOWN_IMAGE, "an HDF5 file",
     "in Python, numpy.save('x.npy', h5py.File(FILE)['NAME'][:]) writes what is read",
     " .h5 .hdf5 .hdf ", MAGIC(0, "\x89HDF")},
    {UN_KNOWN_IMAGE, "arrays in an .npz file",
     "in Python, numpy.save('x.npy', numpy.load(FILE)['NAME']) writes what is read", " .npz ",
     MAGIC(0, "PK\3\4"), .inside = ".npy", .among = true},
    {UN_KNOWN_OTHER, "a ZIP archive (.npz, .pt or other)", NULL, NULL, MAGIC(0, "PK\3\4")},
    {UN_KNOWN_OTHER, "gzip-compressed", NULL, NULL, MAGIC(0, "\x1f\x8b")},
    /* films */
    {UN_KNOWN_IMAGE, "a HEIF or AVIF image", NULL, " .heic .heif .avif ", MAGIC(4, "ftyphei"),
     .among = true},
    {UN_KNOWN_IMAGE, "a HEIF or AVIF image", NULL, NULL, MAGIC(4, "ftypavi")},
    {UN_KNOWN_IMAGE, "a HEIF or AVIF image", NULL, NULL, MAGIC(4, "ftypmif1")},
    {UN_KNOWN_IMAGE, "a film (MP4 or MOV)", FFMPEG, " .mp4 .mov .m4v ", MAGIC(4, "ftyp")},
    {UN_KNOWN_IMAGE, "a film (AVI)", FFMPEG, " .avi ", MAGIC(8, "AVI ")},
    {UN_KNOWN_IMAGE, "a film (Matroska or WebM)", FFMPEG, " .mkv .webm ",
     MAGIC(0, "\x1a\x45\xdf\xa3")},
    {UN_KNOWN_IMAGE, "a film (MPEG or WMV)", FFMPEG, " .mpg .mpeg .wmv ", MAGIC(0, "\0\0\1\xba")},
    /* pictures */
    {UN_KNOWN_IMAGE, "a WebP image", NULL, " .webp ", MAGIC(8, "WEBP"), .among = true},
    {UN_KNOWN_IMAGE, "a JPEG 2000 image", NULL, " .jp2 .j2k ", MAGIC(4, "jP  "), .among = true},
    {UN_KNOWN_IMAGE, "a Photoshop image", NULL, " .psd ", MAGIC(0, "8BPS"), .among = true},
    {UN_KNOWN_IMAGE, "a GIMP image", DRAWING, " .xcf ", MAGIC(0, "gimp xcf")},
    {UN_KNOWN_IMAGE, "a JPEG XL image", NULL, " .jxl ", MAGIC(0, "\xff\x0a"), .among = true},
    {UN_KNOWN_IMAGE, "an OpenEXR image", "save it as TIFF with 32-bit floats", " .exr ",
     MAGIC(0, "\x76\x2f\x31\x01")},
    {UN_KNOWN_IMAGE, "a Radiance HDR image", "save it as TIFF with 32-bit floats", " .hdr ",
     MAGIC(0, "#?RADIANCE")},
    {UN_KNOWN_IMAGE, "a Netpbm image as text or bits", NULL, " .pbm ", MAGIC(0, "P1")},
    {UN_KNOWN_IMAGE, "a Netpbm image as text or bits", NULL, NULL, MAGIC(0, "P2")},
    {UN_KNOWN_IMAGE, "a Netpbm image as text or bits", NULL, NULL, MAGIC(0, "P3")},
    {UN_KNOWN_IMAGE, "a Netpbm image as text or bits", NULL, NULL, MAGIC(0, "P4")},
    {UN_KNOWN_IMAGE, "an icon", DRAWING, " .ico ", .bytes = "\0\0\1\0", .size = 4},
    {UN_KNOWN_OTHER, "a PNG damaged by a conversion of its line ends", NULL, NULL,
     MAGIC(0, "\x89PNG\n")},
    {UN_KNOWN_OTHER, "a PNG damaged by a conversion of its line ends", NULL, NULL,
     MAGIC(0, "\x89PNG\r\r")},
    {UN_KNOWN_IMAGE, "an SVG drawing", DRAWING, " .svg ", MAGIC(0, "<svg")},
    {UN_KNOWN_IMAGE, "an SVG drawing", DRAWING, NULL, MAGIC(0, "<?xml"), .inside = "<svg"},
    {UN_KNOWN_OTHER, "a PDF file", NULL, NULL, MAGIC(0, "%PDF")},
    /* not what its name says */
    {UN_KNOWN_OTHER, "a Git LFS pointer, not the file", "git lfs pull fetches it", NULL,
     MAGIC(0, "version https://git-lfs")},
    {UN_KNOWN_OTHER, "a web page, not the file", "the download was refused or wants a login", NULL,
     MAGIC(0, "<!DOCTYPE html")},
    {UN_KNOWN_OTHER, "a web page, not the file", "the download was refused or wants a login", NULL,
     MAGIC(0, "<!doctype html")},
    {UN_KNOWN_OTHER, "a web page, not the file", "the download was refused or wants a login", NULL,
     MAGIC(0, "<html")},
};

enum { KNOWN = sizeof known / sizeof *known, EDGE = 1 << 16 };

static bool has_inside(const struct un_known_file *row, const unsigned char *bytes, size_t size)
{
    const size_t n = row->inside ? strlen(row->inside) : 0, edge = size < EDGE ? size : EDGE;
    return !n || memmem(bytes, edge, row->inside, n) ||
           memmem(bytes + size - edge, edge, row->inside, n);
}

static bool has_ending(const struct un_known_file *row, const char *name)
{
    const size_t length = name ? strlen(name) : 0;
    for (const char *at = row->endings; length && at && *++at;) {
        const size_t n = strcspn(at, " ");
        if (length > n && !strncasecmp(name + length - n, at, n))
            return true;
        at += n;
    }
    return false;
}

static bool begins(const struct un_known_file *row, const unsigned char *bytes, size_t size)
{
    return row->size && size >= row->offset + row->size &&
           !memcmp(bytes + row->offset, row->bytes, row->size);
}

const struct un_known_file *un_known_file(const char *name, const unsigned char *bytes, size_t size)
{
    enum { ALL_OF_IT, NAME_AND_BEGIN, CONTENT, NAME, WAYS }; /* the surest first */
    for (int way = 0; way < WAYS; way++)
        for (int i = 0; i < KNOWN; i++) {
            const struct un_known_file *row = &known[i];
            const bool begun = begins(row, bytes, size), named = has_ending(row, name);
            if (way == ALL_OF_IT        ? begun && row->inside && has_inside(row, bytes, size)
                : way == NAME_AND_BEGIN ? begun && named
                : way == CONTENT        ? begun && !row->inside
                                        : named)
                return row;
        }
    return NULL;
}

static bool is_image_name(const char *name)
{
    for (int i = 0; i < KNOWN; i++)
        if (known[i].kind == UN_KNOWN_IMAGE && has_ending(&known[i], name))
            return true;
    return false;
}

bool un_known_among_images(const char *name)
{
    for (int i = 0; i < KNOWN; i++)
        if (known[i].among && has_ending(&known[i], name))
            return true;
    return false;
}

bool un_known_name_first(const char *name)
{
    for (int i = 0; i < KNOWN; i++)
        if (known[i].first && has_ending(&known[i], name))
            return true;
    return false;
}

/* ---- paths ---- */

/* Folders that are one thing, by a file in them. */
static const struct {
    const char *file, *what, *way;
} folders[] = {
    {"saved_model.pb", "a TensorFlow SavedModel", "tf2onnx makes ONNX of it, which is read"},
    {"model.safetensors.index.json", "safetensors in shards",
     "the name of this file stands for all of them"},
};

static void tell(const char *what, const char *way, const char *name, char *text, size_t size)
{
    snprintf(text, size, "%.100s%s%s%s%s", name, *name ? ": " : "", what, way ? "; " : "",
             way ? way : "");
}

static bool is_file(const char *path)
{
    struct stat status;
    return !stat(path, &status) && S_ISREG(status.st_mode);
}

static const struct un_known_file *look(const char *path)
{
    const struct un_known_file *row = NULL;
    struct un_mapping file;
    if (is_file(path) && !un_map_open(path, &file, NULL)) {
        row = un_known_file(path, file.data, file.size);
        un_map_release(&file);
    }
    return row;
}

bool un_known_path(const char *path, char *text, size_t size)
{
    const struct un_known_file *row = look(path);
    char inner[4096];
    *text = '\0';
    if (row) {
        tell(row->what, row->way, "", text, size);
        return true;
    }
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        snprintf(inner, sizeof inner, "%s/%s", path, folders[i].file);
        if (!is_file(inner))
            continue;
        tell(folders[i].what, folders[i].way, "", text, size);
        return true;
    }
    DIR *dir = is_file(path) ? NULL : opendir(path);
    for (struct dirent *entry; !row && dir && (entry = readdir(dir));) {
        snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
        if (is_image_name(entry->d_name) && (row = look(inner)))
            tell(row->what, row->way, entry->d_name, text, size);
    }
    if (dir)
        closedir(dir);
    return row != NULL;
}

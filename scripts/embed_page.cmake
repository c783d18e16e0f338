# SPDX-License-Identifier: Apache-2.0
# Makes C of the files of a folder: an array of struct TYPE, {name, bytes, size}, that HEADER declares.
# cmake -DFOLDER=cli/studio/page -DC=page_files.c -DHEADER=... -DARRAY=... -DTYPE=... -P embed_page.cmake
file(GLOB files RELATIVE "${FOLDER}" "${FOLDER}/*.*")
list(SORT files)
set(arrays "")
set(rows "")
set(number 0)
foreach(name IN LISTS files)
  file(READ "${FOLDER}/${name}" bytes HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
  string(APPEND arrays "static const unsigned char file_${number}[] = {${bytes}0};\n")
  string(APPEND rows "    {\"${name}\", file_${number}, sizeof(file_${number}) - 1},\n")
  math(EXPR number "${number} + 1")
endforeach()
file(WRITE "${C}" "#include \"${HEADER}\"\n\n${arrays}\nconst struct ${TYPE} ${ARRAY}[] = {\n${rows}    {0, 0, 0},\n};\n")

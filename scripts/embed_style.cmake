# SPDX-License-Identifier: Apache-2.0
# Makes C of a style sheet: cmake -DCSS=html_style.css -DC=html_style.c -P embed_style.cmake
file(READ "${CSS}" text)
string(REGEX REPLACE "/\\*([^*]|\\*[^/])*\\*/\n?" "" text "${text}")
string(REPLACE "\\" "\\\\" text "${text}")
string(REPLACE "\"" "\\\"" text "${text}")
string(REPLACE "\n" "\\n\"\n    \"" text "${text}")
file(WRITE "${C}" "extern const char html_style[];\nconst char html_style[] =\n    \"${text}\";\n")

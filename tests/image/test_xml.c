/* SPDX-License-Identifier: Apache-2.0 */
/* The scanner of XML: elements, attributes, texts, and references by number. */
#include <stdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "image/tiff/xml.h"

static void test_xml(void **state)
{
    (void)state;
    const char *text =
        "<a:b x='1' long = \"a>b &lt;&#181;m&#x41;\" y='2'/><![CDATA[<no/>]]><c>  in "
        "</c><?no ?><!no><d";
    struct un_xml xml = {.at = text, .end = text + strlen(text)};
    char value[32] = "", small[4] = "old";
    assert_true(un_xml_next(&xml) && un_xml_is(&xml, "b"));
    assert_true(un_xml_attribute(&xml, "long", value, sizeof value));
    assert_string_equal(value, "a>b <\xc2\xb5mA");
    assert_false(un_xml_attribute(&xml, "long", small, sizeof small));
    assert_string_equal(small, "old");
    assert_true(un_xml_attribute(&xml, "y", value, sizeof value));
    assert_string_equal(value, "2");
    assert_false(un_xml_attribute(&xml, "z", value, sizeof value));
    assert_true(un_xml_next(&xml) && un_xml_is(&xml, "c"));
    un_xml_text(&xml, value, sizeof value);
    assert_string_equal(value, "in");
    assert_false(un_xml_next(&xml));
}

/* References by number: all of Unicode, as UTF-8, and what is no character. */
static void test_xml_references(void **state)
{
    static const char *const rows[][2] = {
        {"&#x7FF;&#x800;", "\xdf\xbf\xe0\xa0\x80"},
        {"&#32454;&#x80DE;", "\xe7\xbb\x86\xe8\x83\x9e"},
        {"&#xFFFD;&#x10000;", "\xef\xbf\xbd\xf0\x90\x80\x80"},
        {"&#x1F9EA;&#1114111;", "\xf0\x9f\xa7\xaa\xf4\x8f\xbf\xbf"},
        {"&#9;&#x000041;", "\tA"},
        {"&#xD800;&#xDFFF;&#1114112;", "???"},
        {"&#0;&#-5;&#x1;&#x;&#127;", "?????"},
        {"&#x9999999999999999;", "&#x9999999999999999;"},
        {"&#12", "&#12"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[64], value[64] = "";
        snprintf(text, sizeof text, "<a b='%s'/>", rows[i][0]);
        struct un_xml xml = {.at = text, .end = text + strlen(text)};
        assert_true(un_xml_next(&xml) && un_xml_attribute(&xml, "b", value, sizeof value));
        if (strcmp(value, rows[i][1]))
            fail_msg("%s is \"%s\", wanted \"%s\"", rows[i][0], value, rows[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_xml),
        cmocka_unit_test(test_xml_references),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

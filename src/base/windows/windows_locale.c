/* SPDX-License-Identifier: Apache-2.0 */
/*
 * windows_locale.c - a thread under the "C" locale and back
 *
 * Windows has no uselocale(), but lets a thread have a locale of its own.  A program that never
 * called setlocale() is under "C" already, which is looked at first.
 */
struct un_posix_locale {
    int threads_own; /* what _configthreadlocale() said before */
    char *name;      /* of the locale before; NULL: that is "C", or this is */
};

static struct un_posix_locale plain;

locale_t un_posix_newlocale(int mask, const char *name, locale_t base)
{
    (void)mask, (void)name, (void)base;
    return &plain;
}

void un_posix_freelocale(locale_t locale)
{
    (void)locale;
}

static locale_t leave_for_plain(void)
{
    const char *now = setlocale(LC_ALL, NULL);
    if (!now || !strcmp(now, "C"))
        return &plain;
    locale_t before = malloc(sizeof *before);
    if (!before || !(before->name = strdup(now))) {
        free(before);
        return &plain;
    }
    before->threads_own = _configthreadlocale(_ENABLE_PER_THREAD_LOCALE);
    setlocale(LC_ALL, "C");
    return before;
}

locale_t un_posix_uselocale(locale_t locale)
{
    if (locale == &plain)
        return leave_for_plain();
    if (locale) {
        setlocale(LC_ALL, locale->name);
        _configthreadlocale(locale->threads_own);
        free(locale->name);
        free(locale);
    }
    return &plain;
}

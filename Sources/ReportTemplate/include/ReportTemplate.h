#ifndef REPORT_TEMPLATE_H
#define REPORT_TEMPLATE_H

#include <stddef.h>

/// The page that `--report` fills in, UTF-8, with marks {{TITLE}}, {{ADVICE}}, {{STYLE}}, {{DATA}} and {{SCRIPT}}.
const unsigned char *report_page_bytes(void);
size_t report_page_count(void);

/// Its style sheet.
const unsigned char *report_style_bytes(void);
size_t report_style_count(void);

/// Its scripts in the order in which they are run.
const unsigned char *report_script_bytes(void);
size_t report_script_count(void);

#endif

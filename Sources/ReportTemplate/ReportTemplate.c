#include "ReportTemplate.h"

static const unsigned char page[] = {
#embed "report.html"
};
static const unsigned char style[] = {
#embed "report.css"
};
static const unsigned char script[] = {
#embed "pictures.js"
    ,
#embed "charts.js"
    ,
#embed "matrix.js"
    ,
#embed "plan.js"
    ,
#embed "main.js"
};

const unsigned char *report_page_bytes(void) { return page; }
size_t report_page_count(void) { return sizeof page; }
const unsigned char *report_style_bytes(void) { return style; }
size_t report_style_count(void) { return sizeof style; }
const unsigned char *report_script_bytes(void) { return script; }
size_t report_script_count(void) { return sizeof script; }

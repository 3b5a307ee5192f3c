/*
 * What JavaScript needs of PCRE2, as plain functions over numbers: compile, match with limits, names. The memory is
 * the module's own, so that hostile patterns and subjects can never reach the engine's. Built by ./build-pcre.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>

static pcre2_match_context *limits;
static pcre2_compile_context *compiling;
static int error_code;
static PCRE2_SIZE error_offset;

/* Of pcre2_match.c, by counted.patch. */
extern uint32_t hsl_work, hsl_most_work;

void *hsl_alloc(size_t size) { return malloc(size); }
void hsl_free(void *block) { free(block); }
int hsl_error_code(void) { return error_code; }
size_t hsl_error_offset(void) { return error_offset; }

/* Steps, then KiB of backtracking memory. */
void hsl_limits(uint32_t steps, uint32_t heap_kib, size_t pattern) {
  if (limits == NULL) limits = pcre2_match_context_create(NULL);
  if (compiling == NULL) compiling = pcre2_compile_context_create(NULL);
  pcre2_set_match_limit(limits, steps);
  pcre2_set_heap_limit(limits, heap_kib);
  pcre2_set_max_pattern_length(compiling, pattern);
}

pcre2_code *hsl_compile(PCRE2_SPTR pattern, size_t length, uint32_t options) {
  return pcre2_compile(pattern, length, options, &error_code, &error_offset, compiling);
}

pcre2_match_data *hsl_match_data(const pcre2_code *code) {
  return pcre2_match_data_create_from_pattern(code, NULL);
}

PCRE2_SIZE *hsl_ovector(pcre2_match_data *data) { return pcre2_get_ovector_pointer(data); }

/* At most so much work, from all places where the match may begin together; hsl_worked() says how much it was. */
int hsl_match(const pcre2_code *code, PCRE2_SPTR subject, size_t length, size_t start, uint32_t options,
              pcre2_match_data *data, uint32_t most_work) {
  hsl_work = 0;
  hsl_most_work = most_work;
  return pcre2_match(code, subject, length, start, options, data, limits);
}

uint32_t hsl_worked(void) { return hsl_work; }

uint32_t hsl_info(const pcre2_code *code, uint32_t what) {
  uint32_t value = 0;
  pcre2_pattern_info(code, what, &value);
  return value;
}

PCRE2_SPTR hsl_names(const pcre2_code *code) {
  PCRE2_SPTR table = NULL;
  pcre2_pattern_info(code, PCRE2_INFO_NAMETABLE, &table);
  return table;
}

void hsl_free_code(pcre2_code *code) { pcre2_code_free(code); }
void hsl_free_match_data(pcre2_match_data *data) { pcre2_match_data_free(data); }

int hsl_message(int code, PCRE2_UCHAR *text, size_t size) { return pcre2_get_error_message(code, text, size); }

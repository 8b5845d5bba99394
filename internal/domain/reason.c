#include "domain/reason.h"

#include <string.h>

/* In Russian {0} is the first value. */
static const struct known {
    const char *code, *format, *russian;
} reasons[] = {
    { "no-model", NF_REASON_NO_MODEL,
      "Не подключена ни одна языковая модель: запустите `nexflow up` или впишите её в "
      "файл настроек, в llm.providers" },
    { "output-limit", NF_REASON_OUTPUT_LIMIT,
      "{0}: предел ответа исчерпан раньше первого слова. Просите о меньшем за раз или "
      "увеличьте output_tokens" },
    { "refused", NF_REASON_REFUSED,
      "{0}: отказ отвечать, без объяснения. Спросите другими словами или выберите "
      "другую модель" },
    { "no-room", NF_REASON_NO_ROOM,
      "{0}: для ответа не осталось места. Начните новый разговор или укажите в "
      "context_tokens настоящее окно модели" },
    { "no-answer", NF_REASON_NO_ANSWER,
      "{0}: пустой ответ. Спросите ещё раз или выберите другую модель" },
    { "answer-cut", NF_REASON_ANSWER_CUT, "Ответ длиннее {0} байт: он обрезан" },
    { "gave-up", NF_REASON_GAVE_UP,
      "Nexflow прерывался {0} раза, пока отвечал, и больше не пробует. Спросите ещё "
      "раз; если повторится, посмотрите в журнал" },
    { "too-many-steps", NF_REASON_TOO_MANY_STEPS,
      "Остановлено: {0} шагов, и нет ответа. Просите о меньшем за раз" },
    { "same-call", NF_REASON_SAME_CALL,
      "Остановлено: модель вызвала {0} с одним и тем же больше {1} раз. Спросите "
      "другими словами или выберите другую модель" },
    { "window", NF_REASON_WINDOW,
      "Указания и описания инструментов заняли всё окно модели, {0} токенов: сократите "
      "system_prompt, предложите меньше инструментов или выберите модель с большим "
      "окном" },
    { "key-refused", NF_REASON_KEY_REFUSED,
      "{0}: ключ не принят ({1}). Проверьте llm.providers: api_key у «{2}»" },
    { "not-allowed", NF_REASON_NOT_ALLOWED, "{0}: с этим ключом нельзя (403): {1}" },
    { "no-credit", NF_REASON_NO_CREDIT,
      "{0}: на счёте у «{1}» кончились деньги ({2}). Пополните его или выберите другую "
      "модель" },
    { "rate-limited", NF_REASON_RATE_LIMITED,
      "{0}: слишком много запросов (429). Попробуйте через {1} с" },
    { "model-down", NF_REASON_MODEL_DOWN,
      "{0} сейчас не работает ({1}). Попробуйте чуть позже или выберите другую модель" },
    { "not-a-stream", NF_REASON_NOT_A_STREAM,
      "{0} отвечает не потоком (код {1}): проверьте base_url у «{2}»" },
    { "broke-off", NF_REASON_BROKE_OFF, "{0}: ответ оборвался. Попробуйте ещё раз" },
    { "bad-answer", NF_REASON_BAD_ANSWER,
      "{0}: пришло не то, что похоже на ответ ({1}). Попробуйте ещё раз или проверьте "
      "base_url у «{2}»" },
    { "unreachable", NF_REASON_UNREACHABLE,
      "{0}: нет связи ({1}). Работает ли «{2}» и верен ли его base_url?" },
    { "left-alone", NF_REASON_LEFT_ALONE,
      "{0}: несколько неудач подряд, передышка {1} с. Попробуйте потом или выберите "
      "другую модель" },
    { "silent", NF_REASON_SILENT,
      "{0}: молчит слишком долго ({1}). Попробуйте ещё раз, выберите другую модель или "
      "увеличьте её timeout в llm.models" },
    { "failed", NF_REASON_FAILED,
      "{0}: неудача ({1}). Попробуйте ещё раз или выберите другую модель" },
    { "no-such-model", NF_REASON_NO_SUCH_MODEL,
      "{0}: у «{1}» нет такой модели ({2}). Проверьте её имя и base_url" },
    { "too-long", NF_REASON_TOO_LONG,
      "{0}: разговор для неё слишком длинный ({1}). Начните новый или выберите модель "
      "с большим окном" },
    { "bad-request", NF_REASON_BAD_REQUEST, "{0}: запрос не принят ({1})" },
    { "stopped", NF_REASON_STOPPED, "Остановлено." },
};

/* Behind the conversions that begin at f, all that stand side by side: each ends with s or d. */
static const char *skip_conversions(const char *f)
{
    while (*f == '%') {
        while (*f != 's' && *f != 'd')
            f++;
        f++;
    }
    return f;
}

/* Bytes before the next conversion, or the end. */
static size_t literal_len(const char *f)
{
    size_t n = 0;
    while (f[n] && f[n] != '%')
        n++;
    return n;
}

static bool begins(struct nf_slice s, const char *literal, size_t n)
{
    return s.n >= n && memcmp(s.p, literal, n) == 0;
}

/* Where the literal stands in s first, behind at least one byte; the last literal of a format
 * stands where the text ends. 0: nowhere. */
static size_t value_end(struct nf_slice s, const char *literal, size_t n, bool last)
{
    if (last)
        return s.n > n && memcmp(s.p + s.n - n, literal, n) == 0 ? s.n - n : 0;
    for (size_t i = 1; i + n <= s.n; i++)
        if (memcmp(s.p + i, literal, n) == 0)
            return i;
    return 0;
}

static bool tells(struct nf_slice text, const char *format, struct nf_reason *r)
{
    size_t n = literal_len(format);
    if (!begins(text, format, n))
        return false;
    text.p += n;
    text.n -= n;
    for (format += n; *format == '%'; format += n) {
        format = skip_conversions(format);
        n = literal_len(format);
        size_t end = value_end(text, format, n, format[n] == '\0');
        if (end == 0 || r->n == NF_REASON_VALUES_MAX)
            return false;
        r->values[r->n++] = (struct nf_slice){ text.p, end };
        text.p += end + n;
        text.n -= end + n;
    }
    return text.n == 0;
}

static const struct known *find(struct nf_slice text, struct nf_reason *ret)
{
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        struct nf_reason r = { .code = reasons[i].code };
        if (!tells(text, reasons[i].format, &r))
            continue;
        *ret = r;
        return &reasons[i];
    }
    return NULL;
}

bool nf_reason_of(struct nf_slice text, struct nf_reason *ret)
{
    return find(text, ret) != NULL;
}

static NF_RC fill(const char *words, const struct nf_reason *r, struct nf_str *to,
                  struct nf_err *err)
{
    for (const char *at; (at = strchr(words, '{')); words = at + sizeof("{0}") - 1) {
        const struct nf_slice *value = &r->values[at[1] - '0'];
        NF_TRY(nf_str_add(to, words, (size_t)(at - words), err));
        NF_TRY(nf_str_add(to, value->p, value->n, err));
    }
    return nf_str_adds(to, words, err);
}

enum nf_code nf_reason_say(struct nf_slice text, enum nf_lang lang, struct nf_str *to,
                           struct nf_err *err)
{
    struct nf_reason r;
    const struct known *k = lang == NF_LANG_RU ? find(text, &r) : NULL;
    return k ? fill(k->russian, &r, to, err) : nf_str_add(to, text.p, text.n, err);
}

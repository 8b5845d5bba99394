// Character references in Markdown, as the characters they stand for. Pure. Those with a number and
// the names that people write; others stay as they are.
const NAMES: Record<string, string> = {
  amp: '&', lt: '<', gt: '>', quot: '"', apos: '\'', nbsp: '\u00a0', copy: '©', reg: '®', trade: '™', hellip: '…',
  mdash: '—', ndash: '–', lsquo: '‘', rsquo: '’', ldquo: '“', rdquo: '”', laquo: '«', raquo: '»', bull: '•', middot: '·',
  deg: '°', plusmn: '±', times: '×', divide: '÷', ne: '≠', le: '≤', ge: '≥', larr: '←', rarr: '→', uarr: '↑', darr: '↓',
  harr: '↔', euro: '€', pound: '£', yen: '¥', cent: '¢', sect: '§', para: '¶', infin: '∞', micro: 'µ', ensp: '\u2002',
  emsp: '\u2003', thinsp: '\u2009', shy: '\u00ad', check: '✓', alpha: 'α', beta: 'β', gamma: 'γ', delta: 'δ', lambda: 'λ',
  mu: 'μ', pi: 'π', sigma: 'σ', omega: 'ω', sum: '∑', radic: '√',
};

function numbered(text: string): string | null {
  const code = /^x/i.test(text) ? Number.parseInt(text.slice(1), 16) : Number.parseInt(text, 10);
  const real = code > 0 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
  return real ? String.fromCodePoint(code) : '\ufffd';
}

export function decode(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(/&(?:#(x[\da-f]{1,6}|\d{1,7})|([a-z]{2,8}));/gi, (whole, number: string, name: string) =>
    (number ? numbered(number) : Object.hasOwn(NAMES, name) ? NAMES[name] : whole) ?? whole);
}

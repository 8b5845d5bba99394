// Texts in the language of the page. English is there at once, others when they are wanted.
import { batch, signal } from '@preact/signals';
import { en, fill, type Key, type Language, type Values, type Words } from './strings';

const words = signal<Words>(en);
const reasons = signal<Record<string, string>>({});

export async function loadLanguage(language: Language): Promise<void> {
  const other = language === 'ru' ? await import('./ru') : null;
  batch(() => {
    words.value = other?.ru ?? en;
    reasons.value = other?.russianReasons ?? {};
  });
}

// Why something failed: in the language of the page if the reason has a code that is known here, else in
// the daemon's words.
export function inWords(words: string, code?: string, values: readonly string[] = []): string {
  const known = code === undefined ? undefined : reasons.value[code];
  return known === undefined ? words : fill(known, Object.fromEntries(values.entries()));
}

export function t(key: Key, values?: Values): string {
  return fill(words.value[key], values);
}

// Texts in the language of the page. English is there at once, others when they are wanted.
import { batch, signal } from '@preact/signals';
import type { Refusal, Value } from './protocol';
import { en, fill, type Key, type Language, type Values, type Words } from './strings';

const words = signal<Words>(en);
const sayings = signal<Record<string, string> | null>(null); // null: the daemon's language
const learned: Record<string, string> = {};

export async function loadLanguage(language: Language): Promise<void> {
  const other = language === 'ru' ? await import('./ru') : null;
  batch(() => {
    words.value = other?.ru ?? en;
    sayings.value = other?.russianReasons ?? null;
  });
}

// More of what the daemon says, for who needs it: pages bring theirs.
export function learn(more: Record<string, string>): void {
  Object.assign(learned, more);
}

// What the daemon says: in the language of the page if it has a code that is known here, else in the
// daemon's words.
export function inWords(words: string, code?: string, values: readonly Value[] = []): string {
  const all = sayings.value;
  const known = code === undefined || !all ? undefined : all[code] ?? learned[code];
  return known === undefined ? words : fill(known, Object.fromEntries(values.map(say).entries()));
}

export const say = (said: Value): string => (typeof said === 'string' ? said : inWords(said.text, said.code, said.values));

// Why something that was asked for is not done.
export function refused({ message, reason, values, where }: Refusal): string {
  const said = inWords(message, reason, values);
  return where && said !== message ? `${where}: ${said}` : said;
}

export function t(key: Key, values?: Values): string {
  return fill(words.value[key], values);
}

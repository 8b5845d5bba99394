// What this browser remembers: language, appearance, drafts. Works without storage, forgetting.
import { computed, signal } from '@preact/signals';
import { inWords, learn, loadLanguage, refused, say, t } from './languages';
import { fill, formOf, localeOf, pickLanguage, type Language, type Text, type Values } from './strings';
import type { Storage } from './outbox';

function findStorage(): Storage | null {
  try {
    const storage = globalThis.localStorage;
    storage.setItem('nexflow.probe', '1');
    storage.removeItem('nexflow.probe');
    return storage;
  } catch {
    return null;
  }
}

const storage = findStorage();

export const DRAFT_PREFIX = 'nexflow.draft.';

export const settings = {
  storage,
  get: (key: string): string | null => storage?.getItem(key) ?? null,
  set(key: string, value: string | null): void {
    try {
      if (value === null) storage?.removeItem(key);
      else storage?.setItem(key, value);
    } catch {
      // Full: what is lost is a convenience.
    }
  },
  forget(prefix: string): void {
    for (let i = (storage?.length ?? 0) - 1; i >= 0; i--) {
      const key = storage?.key(i);
      if (key?.startsWith(prefix)) storage?.removeItem(key);
    }
  },
};

export type Theme = 'auto' | 'light' | 'dark';

function storedTheme(): Theme {
  const stored = settings.get('nexflow.theme');
  return stored === 'light' || stored === 'dark' ? stored : 'auto';
}

export const language = signal<Language>(
  pickLanguage(settings.get('nexflow.language'), navigator.languages ?? []));
export const locale = computed(() => localeOf(language.value, navigator.languages ?? []));
export const theme = signal<Theme>(storedTheme());

export async function setLanguage(value: Language): Promise<void> {
  await loadLanguage(value);
  language.value = value;
  settings.set('nexflow.language', value);
  applySettings();
}

export function setTheme(value: Theme): void {
  theme.value = value;
  settings.set('nexflow.theme', value === 'auto' ? null : value);
  applySettings();
}

export function applySettings(): void {
  document.documentElement.lang = language.value;
  if (theme.value === 'auto') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme.value;
}

export { inWords, learn, refused, say, t };

// The texts of a page, which come with it in all languages: t() for that page.
export function texts<K extends string>(all: Record<Language, Record<K, Text>>) {
  return (key: K, values?: Values, count?: number): string => fill(formOf(all[language.value][key], language.value, count), values);
}

export function number(value: number, options?: Intl.NumberFormatOptions): string {
  return new Intl.NumberFormat(language.value, options).format(value);
}

// "3 ms", "0.4 s", "12 s", "3 min"
export function duration(ms: number): string {
  const [value, unit]: [number, 'ms' | 's' | 'min'] =
    ms < 100 ? [ms, 'ms'] : ms < 60000 ? [ms / 1000, 's'] : [ms / 60000, 'min'];
  return `${ms < 1 ? '<1' : number(value, { maximumFractionDigits: unit === 's' && ms < 10000 ? 1 : 0 })}\u00a0${t(unit)}`;
}

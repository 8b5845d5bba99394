// What the pages share: reading again while somebody looks, times in words, states, an empty list.
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Said, Value } from '../protocol';
import { inWords, language, learn, locale, say, t, texts } from '../settings';
import { explain, link } from '../store';
import { Icon, type IconName } from '../view/icons';
import { russianSayings } from './russianSayings';
import { sharedLanguages } from './sharedStrings';

learn(russianSayings);

export const tg = texts<keyof typeof sharedLanguages.en>(sharedLanguages);

export type TaskStatus = 'pending' | 'running' | 'waiting_approval' | 'completed' | 'failed' | 'cancelled' | 'unknown';

const TONES: Record<TaskStatus, string> = {
  pending: '', running: 'accent', waiting_approval: 'warn', completed: 'good', failed: 'bad', cancelled: '', unknown: 'warn',
};

export function StatusBadge({ status }: { status: TaskStatus }) {
  return <span class={`badge ${TONES[status]}`}>{tg(status)}</span>;
}

export interface Reason {
  reason?: string | null;
  reason_code?: string;
  reason_values?: Value[];
}
export const whyOf = (of: Reason): string => inWords(of.reason ?? '', of.reason_code, of.reason_values);

export interface Sandbox {
  level: string;
  missing: string; // as one line, and by its parts
  gaps?: Said[];
}
export const lacks = (sandbox: Sandbox): string => sandbox.gaps?.map(say).join('; ') ?? sandbox.missing;

export interface Loaded<T> {
  value: T | null;
  error: string | null;
  again: () => void;
}

// Read now, when `key` changes, and every `everyMs` while the page is seen. What is there stays until
// the new is.
export function useLoaded<T>(read: () => Promise<T>, key: string, everyMs = 0): Loaded<T> {
  const [value, setValue] = useState<T | null>(null);
  const [error, setError] = useState<string | null>(null);
  const latest = useRef(read);
  latest.current = read;
  const round = useRef(0);
  const again = (): void => {
    const mine = ++round.current;
    latest.current().then((now) => {
      if (mine !== round.current) return;
      setValue(() => now);
      setError(null);
    }, (why: unknown) => mine === round.current && setError(explain(why)));
  };
  const online = link.value === 'online';
  useEffect(() => {
    again();
    if (!everyMs) return;
    const timer = setInterval(() => !document.hidden && again(), everyMs);
    return () => {
      clearInterval(timer);
      round.current++;
    };
  }, [key, everyMs, online]);
  return { value, error, again };
}

// A value that has stayed for a moment.
export function useLater<T>(value: T, ms: number): T {
  const [then, setThen] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setThen(() => value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return then;
}

export function Failed({ error, again }: { error: string | null; again: () => void }) {
  if (!error) return null;
  return (
    <div class="notice" role="alert">
      <Icon name="alert" />
      <div><p>{tg('failedToLoad', { why: error })}</p><button type="button" class="small" onClick={again}>{tg('reload')}</button></div>
    </div>
  );
}

const UNITS: [number, Intl.RelativeTimeFormatUnit][] = [[86400, 'day'], [3600, 'hour'], [60, 'minute'], [1, 'second']];

export function ago(at: string | null | undefined): string {
  if (!at) return '';
  const seconds = (Date.parse(at) - Date.now()) / 1000;
  const [size, unit] = UNITS.find(([s]) => Math.abs(seconds) >= s) ?? UNITS[3];
  if (Math.abs(seconds) < 10) return tg('now');
  return new Intl.RelativeTimeFormat(language.value, { numeric: 'auto', style: 'short' }).format(Math.round(seconds / size), unit);
}

export function Time({ at }: { at: string | null | undefined }) {
  if (!at) return null;
  return <time dateTime={at} title={new Date(at).toLocaleString(locale.value)}>{ago(at)}</time>;
}

export function Empty({ icon, title, children }: { icon: IconName; title: string; children?: ComponentChildren }) {
  return <div class="nothing"><Icon name={icon} /><h2>{title}</h2>{children}</div>;
}

export function Loading() {
  return <p class="loading">{t('loading')}</p>;
}

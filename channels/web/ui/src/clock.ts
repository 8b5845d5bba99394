// The time, for those who show how it passes: it ticks only while somebody looks.
import { signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';

const TICK_MS = 1000;
const now = signal(Date.now());
let watchers = 0;
let timer: ReturnType<typeof setInterval> | undefined;

export function useNow(active = true): number {
  useEffect(() => {
    if (!active) return;
    if (watchers++ === 0) timer = setInterval(() => (now.value = Date.now()), TICK_MS);
    now.value = Date.now();
    return () => {
      if (--watchers === 0) clearInterval(timer);
    };
  }, [active]);
  return active ? now.value : 0;
}

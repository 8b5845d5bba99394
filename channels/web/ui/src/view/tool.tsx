// A call of a tool: what, on what, how it went and how long it took; the rest on demand.
import { useEffect, useState } from 'preact/hooks';
import { approvals } from '../approvals';
import { useNow } from '../clock';
import type { ToolItem } from '../conversation';
import { duration, t } from '../settings';
import { howItRan } from '../store';
import { Icon } from './icons';

const TARGET_MAX = 80;
const SHOWN_MAX = 20000; // characters of a result; the model got all of them

export function target(args: string): string {
  try {
    const first = Object.values(JSON.parse(args) as object).find((v) => typeof v === 'string');
    return String(first ?? '').slice(0, TARGET_MAX);
  } catch {
    return '';
  }
}

export function pretty(text: string, max = SHOWN_MAX): string {
  let shown = text;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object') shown = JSON.stringify(value, null, 2);
  } catch {
    // Plain text.
  }
  return shown.length > max ? `${shown.slice(0, max)}\n…` : shown;
}

// Characters that are not seen, or turn the direction of others, as escapes: what is shown is what
// would run.
export const visible = (text: string): string => text.replace(/[\u200b-\u200f\u202a-\u202e\u2066-\u2069]/g,
  (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);

type State = 'toolRunning' | 'toolWaits' | 'toolDone' | 'toolFailed';

function stateOf(item: ToolItem, run: string, over: boolean): State {
  if (item.failed) return 'toolFailed';
  if (item.result !== undefined || over) return 'toolDone';
  // Who comes later was not told that it waits, but of what.
  const waits = item.waits ?? approvals.value.some((a) => a.run_id === run && a.tool === item.name);
  return waits ? 'toolWaits' : 'toolRunning';
}

function Progress({ item }: { item: ToolItem }) {
  const { percent = null, text = '' } = item.progress ?? {};
  return (
    <div class="tool-progress">
      {percent !== null && <progress max={100} value={percent} aria-label={item.name} />}
      {text && <span>{text}</span>}
    </div>
  );
}

// How it ran; of an old call that is asked for when somebody looks.
function Ran({ item, run }: { item: ToolItem; run: string }) {
  const { step } = item;
  useEffect(() => {
    if (!step) void howItRan(run);
  }, []);
  if (!step?.level || item.ms === undefined) return null;
  return (
    <p class="label">
      {t('toolRan', { time: duration(item.ms), level: step.level, worker: String(step.worker ?? '') })}
    </p>
  );
}

export function ToolCard({ item, run, over }: { item: ToolItem; run: string; over: boolean; version: number }) {
  const [open, setOpen] = useState(false);
  const state = stateOf(item, run, over);
  const now = useNow(state === 'toolRunning' && item.since !== undefined);
  const since = state === 'toolRunning' && item.since ? Math.floor((now - item.since) / 1000) * 1000 : 0;
  const elapsed = since > 0 ? since : item.ms;
  return (
    <details class={`tool ${state}`} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <span class="tool-mark" aria-hidden="true">
          {state === 'toolRunning' ? <i class="spinner" />
            : <Icon name={state === 'toolDone' ? 'check' : state === 'toolFailed' ? 'alert' : 'hand'} />}
        </span>
        <span class="tool-name">{item.name}</span>
        <span class="tool-target">{target(item.args)}</span>
        <span class="tool-state">{t(state)}</span>
        {elapsed !== undefined && <span class="tool-time" title={t('toolDuration')}>{duration(elapsed)}</span>}
        <Icon name="chevron" />
        {item.progress && state === 'toolRunning' && <Progress item={item} />}
      </summary>
      <p class="label">{t('toolArgs')}</p>
      <pre tabIndex={0}>{pretty(item.args || '{}')}</pre>
      {item.result !== undefined && (
        <>
          <p class="label">{t('toolResult')}</p>
          <pre tabIndex={0}>{pretty(item.result)}</pre>
          {open && <Ran item={item} run={run} />}
        </>
      )}
    </details>
  );
}

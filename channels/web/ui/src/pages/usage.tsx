// What models used in the last 24 hours: drawn, as a table, and for a spreadsheet.
import { call } from '../api';
import { costIn, money } from '../prices';
import { locale, number, texts } from '../settings';
import { models } from '../store';
import { Icon } from '../view/icons';
import { usageLanguages } from './overviewStrings';
import { Failed, useLoaded, type Loaded } from './shared';

const tu = texts<keyof typeof usageLanguages.en>(usageLanguages);
const HOURS = 24;
const HOUR_MS = 3600000;
const REFRESH_MS = 60000;
const WIDTH = 480; // of the drawing, in its own units
const HEIGHT = 96;
const GAP = 3;
const LABEL_EVERY = 6; // hours

interface Row {
  at: string;
  model: string;
  calls: number;
  input_tokens: number;
  output_tokens: number;
  cache_read_tokens: number;
  cache_write_tokens: number;
}
interface Sum {
  calls: number;
  read: number;
  written: number;
  cost: number | null; // of what has a price
}

function add(rows: Row[]): Sum {
  const sum: Sum = { calls: 0, read: 0, written: 0, cost: null };
  for (const row of rows) {
    sum.calls += row.calls;
    sum.read += row.input_tokens + row.cache_read_tokens + row.cache_write_tokens;
    sum.written += row.output_tokens;
    const cost = costIn(models.value, row.model, row);
    if (cost !== null) sum.cost = (sum.cost ?? 0) + cost;
  }
  return sum;
}

function hoursOf(rows: Row[]): { at: number; sum: Sum }[] {
  const last = Math.floor(Date.now() / HOUR_MS) * HOUR_MS;
  return Array.from({ length: HOURS }, (_, i) => {
    const at = last - (HOURS - 1 - i) * HOUR_MS;
    return { at, sum: add(rows.filter((row) => Date.parse(row.at) === at)) };
  });
}

const clock = (at: number): string => new Intl.DateTimeFormat(locale.value, { hour: '2-digit', minute: '2-digit' }).format(at);

// A column each hour: what was written stands on what was read.
function Graph({ hours }: { hours: { at: number; sum: Sum }[] }) {
  const most = Math.max(1, ...hours.map(({ sum }) => sum.read + sum.written));
  const wide = WIDTH / HOURS;
  const high = (tokens: number): number => (tokens ? Math.max(1.5, (tokens / most) * HEIGHT) : 0);
  return (
    <>
      <svg class="usage-graph" viewBox={`0 0 ${WIDTH} ${HEIGHT + 1}`} preserveAspectRatio="none" role="img" aria-label={tu('graph', { n: number(most, { notation: 'compact' }) })}>
        <line class="axis" x1="0" x2={WIDTH} y1={HEIGHT + 0.5} y2={HEIGHT + 0.5} />
        {hours.map(({ at, sum }, i) => {
          const read = high(sum.read);
          const written = high(sum.written);
          return (
            <g key={at}>
              <title>{`${clock(at)}: ${number(sum.read)} → ${number(sum.written)}`}</title>
              <rect class="hit" x={i * wide} y="0" width={wide} height={HEIGHT} />
              <rect class="read" x={i * wide + GAP / 2} y={HEIGHT - read} width={wide - GAP} height={read} />
              <rect class="written" x={i * wide + GAP / 2} y={Math.max(0, HEIGHT - read - written)} width={wide - GAP} height={Math.min(written, HEIGHT - read)} />
            </g>
          );
        })}
      </svg>
      <p class="usage-hours" aria-hidden="true">{hours.filter((_, i) => i % LABEL_EVERY === LABEL_EVERY - 1).map(({ at }) => <span key={at}>{clock(at)}</span>)}</p>
    </>
  );
}

function Table({ hours }: { hours: { at: number; sum: Sum }[] }) {
  return (
    <details class="fold">
      <summary><Icon name="chevron" />{tu('asTable')}</summary>
      <div class="table-frame" tabIndex={0} role="region" aria-label={tu('asTable')}>
        <table class="list">
          <thead><tr><th scope="col">{tu('hour')}</th><th scope="col">{tu('calls')}</th><th scope="col">{tu('read')}</th><th scope="col">{tu('written')}</th></tr></thead>
          <tbody>{hours.filter(({ sum }) => sum.calls).map(({ at, sum }) => (
            <tr key={at}><th scope="row">{clock(at)}</th><td class="num">{number(sum.calls)}</td><td class="num">{number(sum.read)}</td><td class="num">{number(sum.written)}</td></tr>))}</tbody>
        </table>
      </div>
    </details>
  );
}

export const useUsage = (): Loaded<{ usage: Row[] }> => useLoaded(() => call('GET', `/api/v1/usage?hours=${HOURS}`), 'usage', REFRESH_MS);

export function UsagePanel({ value, error, again }: Loaded<{ usage: Row[] }>) {
  if (!value) return <Failed error={error} again={again} />;
  const hours = hoursOf(value.usage);
  const all = add(value.usage);
  return (
    <section class="panel" aria-labelledby="usage">
      <div class="row usage-head"><h2 id="usage">{tu('usage')}</h2>
        <a class="button small" href={`/api/v1/usage?hours=${HOURS}&format=csv`} download><Icon name="export" />CSV</a></div>
      {all.calls === 0 ? <p class="soft">{tu('noUsage')}</p> : (
        <>
          <Graph hours={hours} />
          <dl class="figures">
            <div><dt>{tu('calls')}</dt><dd>{number(all.calls)}</dd></div>
            <div><dt><i class="key read" />{tu('read')}</dt><dd>{number(all.read, { notation: 'compact' })}</dd></div>
            <div><dt><i class="key written" />{tu('written')}</dt><dd>{number(all.written, { notation: 'compact' })}</dd></div>
            {all.cost !== null && <div><dt>{tu('cost')}</dt><dd>{money(models.value, all.cost)}</dd></div>}
          </dl>
          <Table hours={hours} />
        </>
      )}
    </section>
  );
}

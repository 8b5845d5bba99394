// How the daemon is.
import { ApiError, call } from '../api';
import type { Said, Value } from '../protocol';
import { inWords, locale, number, say, texts } from '../settings';
import { me } from '../store';
import { Icon } from '../view/icons';
import { healthLanguages } from './healthStrings';
import { Failed, lacks, Loading, Time, useLoaded, type Sandbox } from './shared';

const th = texts<keyof typeof healthLanguages.en>(healthLanguages);
const REFRESH_MS = 3000;

interface Health {
  version?: string; uptime_s: number; loop_delay_ms: number; database: string; models: string; config: string;
  turns_running: number; backup_at?: string | null; not_ready?: string[]; unready?: Said[]; sandbox?: Sandbox; database_code?: string; database_values?: Value[];
  [more: string]: unknown;
}
interface All {
  health: Health;
  reasons: Value[];
  metrics: [string, number][];
}

async function readAll(): Promise<All> {
  const manager = me.value?.role !== 'user';
  const [health, metrics] = await Promise.all([
    call<Health>('GET', '/health'),
    manager ? fetch('/metrics').then((r) => (r.ok ? r.text() : '')) : '',
  ]);
  if (health.version === undefined) throw new ApiError(503, undefined, th('unknown')); // it does not know who asks
  const lines = metrics.split('\n').filter((line) => line && !line.startsWith('#') && !line.includes('_bucket'));
  return { health, reasons: health.unready ?? health.not_ready ?? [], metrics: lines.map((line) => {
    const at = line.lastIndexOf(' ');
    return [line.slice(0, at), Number(line.slice(at + 1))];
  }) };
}

function State({ name, good, children }: { name: string; good: boolean; children: preact.ComponentChildren }) {
  return (
    <div class="state">
      <dt>{name}</dt>
      <dd><span class={good ? 'good' : 'bad'}><Icon name={good ? 'check' : 'alert'} /></span><span>{children}</span></dd>
    </div>
  );
}

export function Page() {
  const { value: all, error, again } = useLoaded(readAll, '', REFRESH_MS);
  if (!all) return error ? <Failed error={error} again={again} /> : <Loading />;
  const { health, reasons, metrics } = all;
  const since = new Date(Date.now() - health.uptime_s * 1000).toLocaleString(locale.value, { dateStyle: 'medium', timeStyle: 'short' });
  return (
    <>
      <Failed error={error} again={again} />
      <p class="soft">{th('intro')}</p>
      <section class={`all-well ${reasons.length ? 'not' : ''}`}>
        <Icon name={reasons.length ? 'alert' : 'check'} />
        <div><h2>{th(reasons.length ? 'notReady' : 'ready')}</h2>{reasons.map(say).map((reason) => <p key={reason}>{reason}</p>)}</div>
      </section>
      <section class="panel" aria-labelledby="daemon">
        <h2 id="daemon">{th('daemon')}</h2>
        <dl class="states">
          <State name={th('version')} good>{health.version}</State>
          <State name={th('uptime')} good>{since}</State>
          <State name={th('database')} good={health.database === 'ok'}>{health.database === 'ok' ? th('ok') : inWords(health.database, health.database_code, health.database_values)}</State>
          <State name={th('models')} good={health.models === 'ok'}>{th(health.models === 'ok' ? 'ok' : 'none')}</State>
          <State name={th('config')} good={health.config !== 'refused'}>{th(health.config === 'refused' ? 'refused' : 'ok')}</State>
          <State name={th('loop')} good={health.loop_delay_ms < 100}>{number(health.loop_delay_ms, { style: 'unit', unit: 'millisecond' })}</State>
          <State name={th('turns')} good>{number(health.turns_running)}</State>
          {health.backup_at !== undefined && <State name={th('backup')} good={Boolean(health.backup_at)}>{health.backup_at ? <Time at={health.backup_at} /> : th('noBackup')}</State>}
          {health.sandbox && <State name={th('sandbox')} good={!health.sandbox.missing}>{health.sandbox.level}, {health.sandbox.missing ? th('missing', { what: lacks(health.sandbox) }) : th('whole')}</State>}
        </dl>
      </section>
      {metrics.length > 0 && (
        <details class="panel fold">
          <summary><Icon name="chevron" /><h2>{th('metrics')}</h2><span class="soft">{th('metricsHelp')}</span></summary>
          <div class="table" tabIndex={0}><table class="list"><tbody>{metrics.map(([name, value]) => (
            <tr key={name}><td class="grow mono">{name}</td><td class="num">{number(value, { maximumFractionDigits: 3 })}</td></tr>))}</tbody></table></div>
        </details>
      )}
    </>
  );
}

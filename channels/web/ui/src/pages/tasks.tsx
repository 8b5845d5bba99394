// Tasks: what runs, what ran, and how the time of one went by.
import { useEffect, useState } from 'preact/hooks';
import { ApiError, call } from '../api';
import { useNow } from '../clock';
import { costOf } from '../prices';
import type { Usage } from '../protocol';
import { format, place } from '../router';
import { duration, locale, number, texts } from '../settings';
import { guarded, models, sessions } from '../store';
import { Icon } from '../view/icons';
import { pretty } from '../view/tool';
import { Choose, wanted } from './filters';
import { usePaged } from './paged';
import { Empty, Failed, Loading, StatusBadge, Time, tg, useLoaded, whyOf, type Reason, type TaskStatus } from './shared';
import { taskLanguages } from './tasksStrings';

const tt = texts<keyof typeof taskLanguages.en>(taskLanguages);
const REFRESH_MS = 3000;
const STATES: TaskStatus[] = ['running', 'pending', 'waiting_approval', 'completed', 'failed', 'cancelled', 'unknown'];

interface Task extends Reason {
  id: string;
  kind: 'turn' | 'model' | 'tool';
  status: TaskStatus;
  session_id: string;
  name?: string;
  n?: number;
  attempt: number;
  created_at: string;
  started_at: string | null;
  ended_at: string | null;
  usage?: Usage;
  arguments?: string;
  result?: string;
  duration_us?: number;
  level?: string;
}
interface Details extends Task {
  steps: Task[];
  changes: ({ status: TaskStatus; at: string } & Reason)[];
}

const isOver = (task: Task): boolean => !['pending', 'running', 'waiting_approval'].includes(task.status);

const titleOf = (task: Task): string =>
  task.kind === 'tool' ? task.name ?? tt('tool') : sessions.value.find((s) => s.id === task.session_id)?.title || tt('turn');

function lastOf(task: Task, now: number): number {
  return task.ended_at ? Date.parse(task.ended_at) : Math.max(now, Date.parse(task.created_at));
}

function Took({ task, now }: { task: Task; now: number }) {
  if (!task.started_at) return null;
  return <span class="num">{duration(Math.max(0, lastOf(task, now) - Date.parse(task.started_at)))}</span>;
}

function usageOf(task: Task): string {
  if (!task.usage || (task.usage.input_tokens === undefined && task.usage.output_tokens === undefined)) return '';
  return `${number(task.usage.input_tokens ?? 0)} → ${number(task.usage.output_tokens ?? 0)}`;
}

function cancel(task: Task, again: () => void): void {
  void guarded(async () => {
    await call('POST', `/api/v1/tasks/${task.id}/cancel`, {});
    again();
  });
}

function Row({ task, now, again }: { task: Task; now: number; again: () => void }) {
  return (
    <tr>
      <td class="state"><StatusBadge status={task.status} /></td>
      <td class="grow">
        <a href={format('tasks', task.id)}>{titleOf(task)}</a>
        {task.kind === 'turn' && task.name && <span class="model">{task.name}</span>}
        {task.reason && <p class="reason">{whyOf(task)}</p>}
      </td>
      <td class="wide-only num">{usageOf(task)}</td>
      <td class="took"><Took task={task} now={now} /></td>
      <td class="when soft"><Time at={task.created_at} /></td>
      <td class="cancel">{!isOver(task) && <button type="button" class="small" onClick={() => cancel(task, again)}>{tt('cancel')}</button>}</td>
    </tr>
  );
}

function List() {
  const status = wanted('status');
  const { rows, error, again, more } = usePaged<Task>('/api/v1/tasks', 'tasks', { status }, (task) => task.id, REFRESH_MS);
  const tasks = rows ?? [];
  const now = useNow(tasks.some((task) => !isOver(task)));
  return (
    <>
      <div class="page-head">
        <p class="soft">{tt('intro')}</p>
        <Choose name="status" label={tt('filter')} all={tt('all')} options={STATES.map((state) => [state, tg(state)])} />
      </div>
      <Failed error={error} again={again} />
      {!rows && !error && <Loading />}
      {rows && !tasks.length && (status ? <Empty icon="tasks" title={tt('none')} />
        : <Empty icon="tasks" title={tt('noneYet')}><p>{tt('noneHelp')}</p></Empty>)}
      {tasks.length > 0 && (
        <table class="list cards">
          <thead><tr>
            <th>{tt('state')}</th><th>{tt('task')}</th><th class="wide-only">{tt('tokens')}</th><th>{tt('took')}</th><th>{tt('when')}</th>
            <th><span class="offscreen">{tt('cancel')}</span></th>
          </tr></thead>
          <tbody>{tasks.map((task) => <Row key={task.id} task={task} now={now} again={again} />)}</tbody>
        </table>
      )}
      {more && <button type="button" class="text older" onClick={more}>{tt('more')}</button>}
    </>
  );
}

/* ---- one task ---- */

const toneOf = (task: Task): string => (task.status === 'failed' ? 'bad' : task.kind === 'tool' ? 'tool' : 'model');

// Each step as a bar from when it began to when it ended, on one scale.
function Timeline({ task, now }: { task: Details; now: number }) {
  const from = Date.parse(task.created_at);
  const whole = Math.max(1, lastOf(task, now) - from);
  const bar = (begin: number, end: number): Record<string, string> =>
    ({ insetInlineStart: `${((begin - from) / whole) * 100}%`, width: `${Math.max(0.4, ((end - begin) / whole) * 100)}%` });
  const started = task.started_at ? Date.parse(task.started_at) : lastOf(task, now);
  return (
    <section class="panel" aria-labelledby="timeline">
      <h2 id="timeline">{tt('timeline')}</h2>
      <ol class="timeline">
        {started - from > 50 && (
          <li><span class="timeline-name">{tt('wait')}</span><span class="timeline-lane"><i class="wait" style={bar(from, started)} /></span>
            <span class="num">{duration(started - from)}</span></li>
        )}
        {task.steps.map((step) => {
          const begin = Date.parse(step.started_at ?? step.created_at);
          const end = lastOf(step, now);
          return (
            <li key={step.id}>
              <span class="timeline-name">{step.name || tt(step.kind === 'tool' ? 'tool' : 'model')}</span>
              <span class="timeline-lane"><i class={toneOf(step)} style={bar(begin, end)} /></span>
              <span class="num">{duration(end - begin)}</span>
            </li>
          );
        })}
      </ol>
    </section>
  );
}

function Step({ step }: { step: Task }) {
  return (
    <details class="tool">
      <summary>
        <StatusBadge status={step.status} /><span class="tool-name">{step.name || tt(step.kind === 'tool' ? 'tool' : 'model')}</span>
        <span class="tool-target">{whyOf(step)}</span><span class="num soft">{step.kind === 'tool' && step.duration_us ? duration(step.duration_us / 1000) : usageOf(step)}</span><Icon name="chevron" />
      </summary>
      {step.attempt > 1 && <p class="label">{tt('attempt', { n: String(step.attempt) })}</p>}
      {step.arguments !== undefined && <pre tabIndex={0}>{pretty(step.arguments)}</pre>}
      {step.result !== undefined && <pre tabIndex={0}>{pretty(step.result)}</pre>}
    </details>
  );
}

function One({ id }: { id: string }) {
  const [over, setOver] = useState(false);
  const { value: task, error, again } = useLoaded<Details | null>(
    () => call<Details>('GET', `/api/v1/tasks/${encodeURIComponent(id)}`).catch((why: unknown) => {
      if (why instanceof ApiError && why.status === 404) return { id: '' } as Details;
      throw why;
    }), id, over ? 0 : 1000);
  useEffect(() => setOver(Boolean(task && (task.id === '' || isOver(task)))), [task]);
  const now = useNow(!over);
  const cost = task?.id ? costOf(models.value, task.name, task.usage) : null;
  return (
    <>
      <p><a class="button quiet" href={format('tasks')}><Icon name="left" />{tt('back')}</a></p>
      <Failed error={error} again={again} />
      {!task && !error && <Loading />}
      {task?.id === '' && <Empty icon="tasks" title={tt('gone')} />}
      {task && task.id !== '' && (
        <>
          <header class="detail-head">
            <h2>{titleOf(task)}</h2>
            <StatusBadge status={task.status} />
            {!isOver(task) && <button type="button" class="small" onClick={() => cancel(task, again)}>{tt('cancel')}</button>}
            {task.kind === 'turn' && <a class="button" href={format('chat', task.session_id)}>{tt('session')}</a>}
          </header>
          {task.reason && <div class="notice"><Icon name="alert" /><p>{whyOf(task)}</p></div>}
          <dl class="facts">
            {task.name && <div><dt>{tt('model')}</dt><dd class="model">{task.name}</dd></div>}
            <div><dt>{tt('when')}</dt><dd><Time at={task.created_at} /></dd></div>
            <div><dt>{tt('took')}</dt><dd><Took task={task} now={now || Date.now()} /></dd></div>
            {usageOf(task) && <div><dt>{tt('tokens')}</dt><dd class="num">{usageOf(task)}{cost && `, ${cost}`}</dd></div>}
          </dl>
          <Timeline task={task} now={now || Date.now()} />
          {(task.steps.length > 0 || task.arguments !== undefined) && (
            <section class="panel" aria-labelledby="steps"><h2 id="steps">{tt('steps')}</h2>
              <div class="stack">{(task.steps.length ? task.steps : [task]).map((step) => <Step key={step.id} step={step} />)}</div></section>
          )}
          <section class="panel" aria-labelledby="changes"><h2 id="changes">{tt('changes')}</h2>
            <ol class="plain changes">{task.changes.map((change, i) => (
              <li key={i}><time dateTime={change.at} class="num soft">{new Date(change.at).toLocaleTimeString(locale.value)}</time><StatusBadge status={change.status} />
                <span>{whyOf(change)}</span></li>))}</ol></section>
        </>
      )}
    </>
  );
}

export function Page() {
  return place.value.id ? <One key={place.value.id} id={place.value.id} /> : <List />;
}

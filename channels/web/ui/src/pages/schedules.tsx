// Schedules: what there is and when it runs next, what became of its runs, and making a new one.
import { useEffect, useState } from 'preact/hooks';
import { call } from '../api';
import { format } from '../router';
import { language, locale, number, t, texts } from '../settings';
import { explain, guarded, me } from '../store';
import { Dialog } from '../view/dialog';
import { Icon } from '../view/icons';
import { scheduleLanguages } from './schedulesStrings';
import { Choose, wanted } from './filters';
import { usePaged } from './paged';
import { Empty, Failed, Loading, Time, useLoaded, whyOf, type Reason } from './shared';

const ts = texts<keyof typeof scheduleLanguages.en>(scheduleLanguages);
const REFRESH_MS = 5000;
const PREVIEW_MS = 300;
const AT = '/api/v1/schedules';
const STATES = ['active', 'paused', 'done'] as const;

interface Schedule extends Reason {
  id: string;
  user_id: string;
  user: string;
  kind: 'reminder' | 'prompt';
  status: 'active' | 'paused' | 'done';
  text: string;
  cron: string | null;
  time_zone: string;
  missed: 'skip' | 'once' | 'all';
  session_id: string | null;
  by_model: boolean;
  words: { en: string; ru: string };
  next: { at: string }[];
}
interface Run extends Reason {
  due_at: string;
  fired_at: string;
  outcome: 'started' | 'ended' | 'failed' | 'missed' | 'skipped';
  task_id: string | null;
  tokens: number;
  by_hand: boolean;
}

const TONES: Record<Run['outcome'], string> = { started: 'accent', ended: 'good', failed: 'bad', missed: 'warn', skipped: 'warn' };
const MISSED = { skip: 'skip', once: 'makeOnce', all: 'all' } as const;

const act = (schedule: Schedule, what: string, again: () => void): void => void guarded(async () => {
  await call('POST', `${AT}/${schedule.id}/${what}`, {});
  again();
});

// As the clock of the schedule shows it.
function shown(at: string, zone: string): string {
  return new Date(at).toLocaleString(locale.value, {
    timeZone: zone, weekday: 'short', day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit',
  });
}

function NextRuns({ schedule }: { schedule: Pick<Schedule, 'next' | 'time_zone'> }) {
  return (
    <ul class="plain">
      {schedule.next.map((n) => <li key={n.at}><time dateTime={n.at}>{shown(n.at, schedule.time_zone)}</time></li>)}
    </ul>
  );
}

function History({ schedule }: { schedule: Schedule }) {
  const runs = useLoaded<{ runs: Run[] }>(() => call('GET', `${AT}/${schedule.id}/runs?limit=20`), schedule.id, REFRESH_MS);
  return (
    <>
      <h3>{ts('history')}</h3>
      <Failed error={runs.error} again={runs.again} />
      {runs.value?.runs.length === 0 && <p class="soft">{ts('noRuns')}</p>}
      <ul class="plain">
        {runs.value?.runs.map((run) => (
          <li key={run.due_at} class="row">
            <span class={`badge ${TONES[run.outcome]}`}>{ts(run.outcome === 'missed' ? 'wasMissed' : run.outcome)}</span>
            <span>{shown(run.due_at, schedule.time_zone)}</span>
            {run.by_hand && <span class="soft">{ts('byHand')}</span>}
            {run.tokens > 0 && <span class="soft">{ts('tokens', { n: number(run.tokens) })}</span>}
            {run.task_id && <a href={format('tasks', run.task_id)}>{ts('task')}</a>}
            {run.reason && <span class="soft">{whyOf(run)}</span>}
          </li>
        ))}
      </ul>
    </>
  );
}

function Card({ schedule, again }: { schedule: Schedule; again: () => void }) {
  const [open, setOpen] = useState(false);
  const [asked, setAsked] = useState(false);
  const [ran, setRan] = useState(false);
  const own = schedule.user_id === me.value?.id;
  const id = `schedule-${schedule.id}`;
  return (
    <li class="skill">
      <article aria-labelledby={id}>
        <header>
          <h2 id={id}>{schedule.text}</h2>
          <span class={`skill-state ${schedule.status === 'active' ? 'enabled' : ''}`}>{ts(schedule.status)}</span>
        </header>
        <p>
          {ts(schedule.kind)}: {schedule.words[language.value]} ({schedule.time_zone})
          {schedule.by_model && <span class="model"> {ts('byModel')}</span>}
          {!own && <span class="model"> {ts('of', { name: schedule.user })}</span>}
        </p>
        {schedule.next[0] && <p class="soft">{shown(schedule.next[0].at, schedule.time_zone)} (<Time at={schedule.next[0].at} />)</p>}
        {schedule.reason && <div class="notice"><Icon name="alert" /><p>{whyOf(schedule)}</p></div>}
        {schedule.status !== 'done' && (
          <div class="row">
            {schedule.status === 'active'
              ? <button type="button" onClick={() => act(schedule, 'pause', again)}>{ts('pause')}</button>
              : <button type="button" class="primary" onClick={() => act(schedule, 'resume', again)}>{ts('resume')}</button>}
            <button type="button" onClick={() => act(schedule, 'run', () => {
              setRan(true);
              again();
            })}>{ts('run')}</button>
            <button type="button" class="quiet" aria-label={ts('remove')} title={ts('remove')} onClick={() => setAsked(true)}><Icon name="trash" /></button>
          </div>
        )}
        {ran && <p role="status">{ts('ran')}</p>}
        <details onToggle={(event) => setOpen(event.currentTarget.open)}>
          <summary><Icon name="chevron" />{ts('details')}</summary>
          {open && (
            <div class="skill-body">
              {schedule.next.length > 0 && <><h3>{ts('next')}</h3><NextRuns schedule={schedule} /></>}
              <History schedule={schedule} />
              <p class="soft">{ts('missed')}: {ts(MISSED[schedule.missed])}</p>
              {schedule.session_id && <p><a href={format('chat', schedule.session_id)}>{ts('chat')}</a></p>}
            </div>
          )}
        </details>
      </article>
      {asked && (
        <Dialog title={ts('removeTitle')} done={() => setAsked(false)}>
          <p>{ts('removeText')}</p>
          <div class="row end">
            <button type="button" onClick={() => setAsked(false)}>{t('cancel')}</button>
            <button type="button" class="danger" onClick={() => {
              setAsked(false);
              void guarded(async () => {
                await call('DELETE', `${AT}/${schedule.id}`);
                again();
              });
            }}>{ts('remove')}</button>
          </div>
        </Dialog>
      )}
    </li>
  );
}

/* ---- a new one ---- */

interface Wish {
  kind: Schedule['kind'];
  text: string;
  repeats: boolean;
  when: string;
  cron: string;
  zone: string;
  missed: Schedule['missed'];
}

const EMPTY: Wish = {
  kind: 'reminder', text: '', repeats: false, when: '', cron: '', missed: 'once', zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
};

const bodyOf = (wish: Wish): Record<string, string> => ({
  kind: wish.kind, time_zone: wish.zone, missed: wish.missed, ...(wish.text.trim() ? { text: wish.text } : {}),
  ...(wish.repeats ? { cron: wish.cron } : { when: wish.when }),
});

// What it would become, while it is being written.
function Preview({ wish }: { wish: Wish }) {
  const [made, setMade] = useState<Schedule | string | null>(null);
  const said = JSON.stringify(bodyOf(wish));
  const timed = (wish.repeats ? wish.cron : wish.when).trim() !== '';
  useEffect(() => {
    let current = true;
    setMade(null);
    const timer = setTimeout(() => {
      if (timed) {
        call<Schedule>('POST', `${AT}/preview`, JSON.parse(said) as unknown).then(
          (got) => current && setMade(got), (why: unknown) => current && setMade(explain(why)));
      }
    }, PREVIEW_MS);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [said, timed]);
  return (
    <div role="status" class="schedule-preview">
      {typeof made === 'string' && <p class="reason">{made}</p>}
      {made && typeof made !== 'string' && (
        <><p>{made.words[language.value]} ({made.time_zone})</p><h3>{ts('next')}</h3><NextRuns schedule={made} /></>
      )}
    </div>
  );
}

function AddSchedule({ again }: { again: () => void }) {
  const [wish, setWish] = useState<Wish>(EMPTY);
  const set = (change: Partial<Wish>): void => setWish({ ...wish, ...change });
  const timed = wish.repeats ? wish.cron : wish.when;
  return (
    <form class="card add-person" onSubmit={(event) => {
      event.preventDefault();
      void guarded(async () => {
        await call('POST', AT, bodyOf(wish));
        if (wish.zone === EMPTY.zone) await call('PATCH', '/api/v1/users/me', { time_zone: wish.zone });
        setWish({ ...EMPTY, zone: wish.zone });
        again();
      });
    }}>
      <h2>{ts('add')}</h2>
      <label><span class="label">{ts('text')}</span>
        <textarea class="field" rows={2} maxLength={2000} value={wish.text} onInput={(event) => set({ text: event.currentTarget.value })} />
      </label>
      <label><span class="label">{ts('kind')}</span>
        <select class="field" value={wish.kind} onChange={(event) => set({ kind: event.currentTarget.value as Wish['kind'] })}>
          <option value="reminder">{ts('reminder')}</option><option value="prompt">{ts('prompt')}</option>
        </select>
      </label>
      <label><span class="label">{ts('how')}</span>
        <select class="field" value={wish.repeats ? 'again' : 'once'} onChange={(event) => set({ repeats: event.currentTarget.value === 'again' })}>
          <option value="once">{ts('once')}</option><option value="again">{ts('again')}</option>
        </select>
      </label>
      {wish.repeats
        ? (
          <label><span class="label">{ts('cron')}</span>
            <input class="field" maxLength={128} placeholder={ts('cronHint')} value={wish.cron} onInput={(event) => set({ cron: event.currentTarget.value })} />
          </label>
        )
        : (
          <label><span class="label">{ts('when')}</span>
            <input class="field" maxLength={64} placeholder={ts('whenHint')} value={wish.when} onInput={(event) => set({ when: event.currentTarget.value })} />
          </label>
        )}
      <label><span class="label">{ts('zone')}</span>
        <input class="field" maxLength={64} value={wish.zone} onInput={(event) => set({ zone: event.currentTarget.value })} />
      </label>
      <label><span class="label">{ts('missed')}</span>
        <select class="field" value={wish.missed} onChange={(event) => set({ missed: event.currentTarget.value as Wish['missed'] })}>
          <option value="once">{ts('makeOnce')}</option><option value="skip">{ts('skip')}</option><option value="all">{ts('all')}</option>
        </select>
      </label>
      {wish.kind === 'prompt' && <p class="soft">{ts('costs')}</p>}
      <Preview wish={wish} />
      <div class="row end"><button type="submit" class="primary" disabled={!wish.text.trim() || !timed.trim()}>{ts('create')}</button></div>
    </form>
  );
}

export function Page() {
  const status = wanted('status');
  const { rows, error, again, more } = usePaged<Schedule>(AT, 'schedules', { status }, (schedule) => schedule.id, REFRESH_MS);
  return (
    <>
      <div class="page-head">
        <p class="soft">{ts('intro')}</p>
        {(status || Boolean(rows?.length)) && (
          <Choose name="status" label={ts('state')} all={ts('anyState')} options={STATES.map((state) => [state, ts(state)])} />
        )}
      </div>
      <Failed error={error} again={again} />
      {!rows && !error && <Loading />}
      {rows?.length === 0 && (status ? <Empty icon="clock" title={ts('noneSo')} /> : <Empty icon="clock" title={ts('none')}><p>{ts('noneHelp')}</p></Empty>)}
      <ul class="skills">{rows?.map((schedule) => <Card key={schedule.id} schedule={schedule} again={again} />)}</ul>
      {more && <button type="button" class="text older" onClick={more}>{ts('more')}</button>}
      {(rows || error) && <AddSchedule again={again} />}
    </>
  );
}

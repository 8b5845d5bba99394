// The owner's first look: what needs attention, before all else; then what goes on.
import type { ComponentChildren } from 'preact';
import { ApiError, call } from '../api';
import { approvals } from '../approvals';
import { pagesFor } from '../pages';
import type { Said, Usage } from '../protocol';
import { format } from '../router';
import { duration, number, say, texts } from '../settings';
import { link, me, models, sessions } from '../store';
import { Command } from '../view/cards';
import { Icon, type IconName } from '../view/icons';
import { problemOf, todoOf, type Channel } from './channelsData';
import { overviewLanguages } from './overviewStrings';
import { ago, Failed, lacks, Loading, StatusBadge, Time, useLoaded, whyOf, type Reason, type Sandbox, type TaskStatus } from './shared';
import { problemOf as skillProblem, type Skill } from './skillsData';
import { UsagePanel, useUsage } from './usage';

const to = texts<keyof typeof overviewLanguages.en>(overviewLanguages);
const REFRESH_MS = 5000;
const RECENT = 100;
const BACKUP_OLD_MS = 7 * 86400000;
const DEAF = ['channel-deaf', 'channel-deaf-do'];

interface Task extends Reason {
  id: string; kind: string; status: TaskStatus; session_id: string; name?: string;
  created_at: string; started_at: string | null; ended_at: string | null; usage?: Usage;
}
interface Health {
  version: string; uptime_s: number; config?: string; models?: string; backup_at?: string | null; not_ready?: string[]; unready?: Said[]; sandbox?: Sandbox;
}
interface All {
  health: Health;
  reasons: Said[];
  tasks: Task[];
  bots: Channel[];
  skills: Pick<Skill, 'name' | 'status' | 'problem' | 'problem_code' | 'problem_values'>[];
  pairings: number;
  people: number; // 2: at least two
}

// What an older daemon, or one without that part, does not know is nothing.
async function maybe<T>(path: string, otherwise: T): Promise<T> {
  try {
    return await call<T>('GET', path);
  } catch (error) {
    if (error instanceof ApiError && error.status < 500) return otherwise;
    throw error;
  }
}

async function readAll(): Promise<All> {
  const owner = me.value?.role === 'owner';
  const [health, { tasks }, { channels }, { skills }, { pairings }, { users }] = await Promise.all([
    call<Health>('GET', '/health'), call<{ tasks: Task[] }>('GET', `/api/v1/tasks?limit=${RECENT}`),
    maybe<{ channels: Channel[] }>('/api/v1/channels', { channels: [] }),
    owner ? maybe<{ skills: All['skills'] }>('/api/v1/skills', { skills: [] }) : { skills: [] },
    maybe<{ pairings: unknown[] }>('/api/v1/pairings?status=open', { pairings: [] }), maybe<{ users: unknown[] }>('/api/v1/users?limit=2', { users: [] }),
  ]);
  return { health, reasons: health.unready ?? (health.not_ready ?? []).map((text) => ({ text })), tasks, bots: channels, skills, pairings: pairings.length, people: users.length };
}

interface Alarm { icon: IconName; bad?: boolean; title: string; text?: string; href?: string; action?: string; command?: string }

// Set up, so that something would be lost.
const isSetUp = ({ health, tasks, bots }: All): boolean => health.models !== 'none'
  && tasks.some((task) => task.kind === 'turn' && task.status === 'completed') && bots.some(works);
const works = (bot: Channel): boolean => bot.state === 'connected' || bot.state === 'standby';

function alarms(all: All): Alarm[] {
  const { health, reasons, tasks, bots, skills, pairings } = all;
  const has = (page: string): boolean => pagesFor(me.value?.role).some((p) => p.name === page);
  const found: Alarm[] = [];
  const { length: failed, 0: last } = tasks.slice(0, 20).filter((task) => task.status === 'failed');
  if (health.models === 'none') found.push({ icon: 'models', bad: true, title: to('noModel'), text: to('noModelText'), href: has('models') ? format('models') : undefined, action: to('addModel') });
  // A card of its own tells it: of no model, of a bot that says what is wrong.
  const told = ({ code, values }: Said): boolean => code === 'ready-no-model'
    || (code !== undefined && DEAF.includes(code) && bots.some((b) => b.problem && b.name === values?.[0]));
  for (const reason of reasons) if (!told(reason)) found.push({ icon: 'alert', bad: true, title: to('notReady'), text: say(reason) });
  if (health.config === 'refused') found.push({ icon: 'settings', bad: true, title: to('configRefused'), text: to('configRefusedText') });
  if (approvals.value.length) found.push({ icon: 'hand', title: to('approvals', { n: number(approvals.value.length) }, approvals.value.length), href: format('chat', approvals.value[0].session_id ?? ''), action: to('look') });
  if (pairings) found.push({ icon: 'people', title: to('pairing', { n: number(pairings) }, pairings), href: has('people') ? format('people') : undefined, action: to('look') });
  for (const bot of bots) {
    if (bot.problem || bot.deaf || bot.state === 'refused') found.push({ icon: 'channel', bad: true, title: to('bot', { name: bot.name, why: bot.problem ? problemOf(bot) : to('botDeaf') }), text: bot.todo && todoOf(bot), href: has('channels') ? format('channels') : undefined, action: to('look') });
  }
  for (const skill of skills) {
    if (skill.problem) found.push({ icon: 'skills', bad: true, title: to('skillBroken', { name: skill.name }), text: skillProblem(skill), href: format('skills'), action: to('look') });
  }
  const fresh = skills.filter((skill) => skill.status === 'installed' && !skill.problem).map((skill) => skill.name);
  if (fresh.length) found.push({ icon: 'skills', title: to('skillConsent', { n: number(fresh.length) }, fresh.length), text: fresh.join(', '), href: format('skills'), action: to('look') });
  if (failed) found.push({ icon: 'tasks', title: to('failedTasks', { n: number(failed) }, failed), text: whyOf(last), href: format('tasks', '', { status: 'failed' }), action: to('look') });
  const old = health.backup_at ? Date.now() - Date.parse(health.backup_at) > BACKUP_OLD_MS : health.backup_at === null && isSetUp(all);
  if (old) found.push({ icon: 'file', title: health.backup_at ? to('backupOld', { when: ago(health.backup_at) }) : to('backupNone'), command: 'nexflow backup create' });
  if (health.sandbox?.missing) found.push({ icon: 'alert', title: to('sandbox'), text: lacks(health.sandbox), href: has('skills') ? format('skills') : undefined, action: to('look') });
  return found.sort((a, b) => Number(Boolean(b.bad)) - Number(Boolean(a.bad))); // what is broken before what waits
}

function Attention({ list }: { list: Alarm[] }) {
  if (!list.length) {
    return <section class="all-well" aria-label={to('attention')}><Icon name="check" /><div><h2>{to('allWell')}</h2><p>{to('allWellText')}</p></div></section>;
  }
  return (
    <section aria-labelledby="attention">
      <h2 id="attention" class="section-title">{to('attention')}</h2>
      <ul class="alarms">
        {list.map((alarm, i) => (
          <li key={i} class={alarm.bad ? 'bad' : ''}>
            <Icon name={alarm.icon} />
            <div><strong>{alarm.title}</strong>{alarm.text && <p>{alarm.text}</p>}{alarm.command && <Command text={alarm.command} />}</div>
            {alarm.href && <a class="button" href={alarm.href}>{alarm.action}</a>}
          </li>
        ))}
      </ul>
    </section>
  );
}

function SetupStep({ done, title, href, command }: { done: boolean; title: string; href?: string; command?: string }) {
  return (
    <li class={done ? 'done' : ''}>
      <span class="setup-mark">{done && <Icon name="check" />}</span><span>{title}</span>
      {command && !done && <Command text={command} />}
      {done ? <span class="badge good">{to('done')}</span> : href && <a class="button" href={href}>{to('open')}</a>}
    </li>
  );
}

// Until one answer and one chat network work. What may come later is named meanwhile.
function Setup({ all }: { all: All }) {
  const model = all.health.models !== 'none';
  const turn = all.tasks.some((task) => task.kind === 'turn' && task.status === 'completed');
  const has = (network: string): boolean => all.bots.some((b) => b.network === network && works(b));
  const channels = format('channels');
  if (isSetUp(all)) return null;
  return (
    <section class="card setup" aria-labelledby="setup">
      <h2 id="setup">{to('setup')}</h2>
      <p class="soft">{to('setupText')}</p>
      <ol class="setup-steps">
        <SetupStep done={model} title={to('stepModel')} href={format('models')} />
        <SetupStep done={turn} title={to('stepTurn')} href={format('chat')} />
        <SetupStep done={has('telegram')} title={to('stepTelegram')} href={channels} />
        <SetupStep done={has('discord')} title={to('stepDiscord')} href={channels} />
      </ol>
      <h3 class="section-title">{to('later')}</h3>
      <ol class="setup-steps">
        <SetupStep done={all.people > 1} title={to('stepPerson')} href={format('people')} />
        <SetupStep done={Boolean(all.health.backup_at)} title={to('stepBackup')} command="nexflow backup create" />
      </ol>
    </section>
  );
}

const took = (task: Task): number => Date.parse(task.ended_at ?? '') - Date.parse(task.started_at ?? '');

function Figure({ value, name }: { value: ComponentChildren; name: string }) {
  return <div><dt>{name}</dt><dd>{value}</dd></div>;
}

// How the newest tasks went, one bar each: as long as it took, coloured by how it ended.
function Bars({ tasks }: { tasks: Task[] }) {
  const ended = tasks.filter((task) => task.ended_at && task.started_at).slice(0, 60).reverse();
  if (ended.length < 3) return null;
  const most = Math.max(...ended.map(took), 1);
  return (
    <div class="bars" role="img" aria-label={to('last', { n: number(ended.length) }, ended.length)}>
      {ended.map((task) => <i key={task.id} class={task.status} style={{ height: `${8 + 92 * Math.sqrt(took(task) / most)}%` }} />)}
    </div>
  );
}

export function Page() {
  const { value: all, error, again } = useLoaded(readAll, me.value?.role ?? '', REFRESH_MS);
  const usage = useUsage();
  // All of it at once: what came later would push away what is looked at.
  if (!all || !(usage.value || usage.error)) return error ? <Failed error={error} again={again} /> : <Loading />;
  const ended = all.tasks.filter((task) => task.ended_at && task.started_at);
  const times = ended.map(took).sort((a, b) => a - b);
  const running = all.tasks.filter((task) => !task.ended_at);
  const tokens = ended.reduce((sum, task) => sum + (task.usage?.input_tokens ?? 0) + (task.usage?.output_tokens ?? 0), 0);
  const titleOf = (task: Task): string => sessions.value.find((s) => s.id === task.session_id)?.title || task.name || task.id;
  return (
    <>
      {link.value === 'offline' && <div class="notice"><Icon name="alert" /><p>{to('offline')}</p></div>}
      <Setup all={all} />
      <Attention list={alarms(all)} />
      <section class="panel" aria-labelledby="recent">
        <h2 id="recent">{to('recent')}</h2>
        <Bars tasks={all.tasks} />
        <dl class="figures">
          <Figure value={number(ended.filter((task) => task.status === 'completed').length)} name={to('answered')} />
          <Figure value={number(ended.filter((task) => task.status === 'failed').length)} name={to('failed')} />
          {times.length > 0 && <Figure value={duration(times[Math.floor(times.length / 2)])} name={to('median')} />}
          <Figure value={number(tokens, { notation: 'compact' })} name={to('tokens')} />
          <Figure value={uptime(all.health.uptime_s)} name={to('uptime')} />
        </dl>
        <h3 class="section-title">{to('runs')}</h3>
        {running.length === 0 && <p class="soft">{to('nothingRuns')}</p>}
        <ul class="plain rows">{running.map((task) => (
          <li key={task.id}><StatusBadge status={task.status} /><a href={format('tasks', task.id)}>{titleOf(task)}</a><span class="soft"><Time at={task.created_at} /></span></li>))}</ul>
        <p><a href={format('tasks')}>{to('allTasks')}</a></p>
      </section>
      <UsagePanel {...usage} />
      <p class="soft small-print">{models.value?.default} · {to('version')} {all.health.version}</p>
    </>
  );
}

function uptime(seconds: number): string {
  const [value, unit]: [number, string] = seconds < 60 ? [seconds, 'second'] : seconds < 3600 ? [seconds / 60, 'minute'] : seconds < 172800 ? [seconds / 3600, 'hour'] : [seconds / 86400, 'day'];
  return number(Math.floor(value), { style: 'unit', unit, unitDisplay: 'short' });
}

// The owner's page of skills.
import { useEffect, useRef, useState } from 'preact/hooks';
import { call } from '../api';
import { approvals } from '../approvals';
import { explain } from '../store';
import { duration, say, t } from '../settings';
import { Choose, Find, wanted } from './filters';
import { usePaged } from './paged';
import { Empty, Failed, lacks, Loading, useLoaded, type Sandbox } from './shared';
import {
  disable, enable, example, inspect, install, isInstalled, logOf, problemOf, removeSkill, runTool, ts, type Ran, type Skill,
} from './skillsData';
import { ApprovalCard } from '../view/approval';
import { Command } from '../view/cards';
import { Icon } from '../view/icons';
import { pretty } from '../view/tool';

const FEW = 6; // skills that need no finding
const STATES = ['enabled', 'installed', 'disabled'] as const;

function Level({ now }: { now: Sandbox | undefined }) {
  if (!now) return null;
  return (
    <section class={`level ${now.missing ? 'partial' : ''}`} aria-label={ts('level', { level: now.level })}>
      <Icon name={now.missing ? 'alert' : 'check'} />
      <div>
        <strong>{ts('level', { level: now.level })}</strong>
        <p>{now.missing ? ts('levelMissing', { missing: lacks(now) }) : ts('levelWhole')}</p>
        {now.missing && <p>{ts('levelHelp')}</p>}
      </div>
    </section>
  );
}

function Rights({ skill }: { skill: Skill }) {
  const may = (skill.rights ?? skill.may ?? []).map(say);
  return (
    <>
      <h3>{ts('may')}</h3>
      <ul class="plain">
        {may.length ? may.map((line) => <li key={line}>{line}</li>) : <li>{ts('mayNothing')}</li>}
      </ul>
      {skill.min_level && <p class="label">{ts('minLevel', { level: skill.min_level })}</p>}
      <h3>{ts('tools')}</h3>
      <ul class="plain tools">
        {(skill.tools ?? []).map((tool) => (
          <li key={tool.name}>
            <span class="tool-name">{tool.name}</span>
            <span class={`approval-mode ${tool.in_force ?? tool.approval}`}>{ts(tool.in_force ?? tool.approval)}</span>
            <span class="tool-about">{tool.description}</span>
          </li>
        ))}
      </ul>
    </>
  );
}

function Question({ title, done, children }: { title: string; done: () => void; children: preact.ComponentChildren }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} class="card wide" onClose={done} aria-labelledby="question-title">
      <h2 id="question-title">{title}</h2>
      {children}
    </dialog>
  );
}

function Consent({ skill, done, again }: { skill: Skill; done: () => void; again: () => void }) {
  return (
    <Question title={ts('consentTitle', { name: skill.name })} done={done}>
      <Rights skill={skill} />
      <p class="label">{ts('consentText')}</p>
      <div class="row end">
        <button type="button" onClick={done}>{t('cancel')}</button>
        <button type="button" class="primary" onClick={() => {
          done();
          void enable(skill, again);
        }}>{ts('allow')}</button>
      </div>
    </Question>
  );
}

function Removal({ skill, done, again }: { skill: Skill; done: () => void; again: () => void }) {
  const [data, setData] = useState(false);
  return (
    <Question title={ts('removeTitle', { name: skill.name })} done={done}>
      <p>{ts('removeText')}</p>
      <label class="check">
        <input type="checkbox" checked={data} onChange={(event) => setData(event.currentTarget.checked)} />
        <span>{ts('removeData')}</span>
      </label>
      <div class="row end">
        <button type="button" onClick={done}>{t('cancel')}</button>
        <button type="button" class="danger" onClick={() => {
          done();
          void removeSkill(skill, data, again);
        }}>{ts('remove')}</button>
      </div>
    </Question>
  );
}

// A directory of the daemon's machine: looked at first, installed by who has seen what it may do.
function Install({ again }: { again: () => void }) {
  const [path, setPath] = useState('');
  const [found, setFound] = useState<(Skill & { replaces: boolean }) | null>(null);
  const [said, setSaid] = useState<{ good: boolean; text: string } | null>(null);
  const [busy, setBusy] = useState(false);
  const attempt = (work: () => Promise<void>): void => {
    setBusy(true);
    setSaid(null);
    work().catch((error: unknown) => setSaid({ good: false, text: explain(error) })).finally(() => setBusy(false));
  };
  return (
    <section class="card install" aria-labelledby="install">
      <h2 id="install">{ts('install')}</h2>
      <form class="row" onSubmit={(event) => {
        event.preventDefault();
        attempt(async () => {
          const seen = await inspect(path.trim());
          setFound({ ...seen, replaces: await isInstalled(seen.name) });
        });
      }}>
        <label class="labelled grow"><span>{ts('installPath')}</span>
          <input class="field" value={path} required pattern="\s*\/.+" title={ts('installAbsolute')} placeholder="/home/me/skills/weather" spellcheck={false}
            onInput={(event) => setPath(event.currentTarget.value)} /></label>
        <button type="submit" disabled={busy || !path.trim()}>{ts('inspect')}</button>
      </form>
      <p class={said ? `result ${said.good ? 'good' : 'bad'}` : 'label'} role="status">
        {said && <Icon name={said.good ? 'check' : 'alert'} />}{said?.text ?? ts('installHelp')}</p>
      {found && (
        <Question title={ts('consentTitle', { name: found.name })} done={() => setFound(null)}>
          <p>{found.description} <span class="model">{found.version}</span></p>
          <Rights skill={found} />
          <p class="label">{ts(found.replaces ? 'replaceText' : 'consentText')}</p>
          <div class="row end">
            <button type="button" onClick={() => setFound(null)}>{t('cancel')}</button>
            <button type="button" class="primary" onClick={() => {
              const shown = found;
              setFound(null);
              attempt(async () => {
                await install(path.trim(), shown).finally(again);
                setPath('');
                setSaid({ good: true, text: ts('installedNow', { name: shown.name }) });
              });
            }}>{ts('installAllow')}</button>
          </div>
        </Question>
      )}
    </section>
  );
}

type Outcome = { ran: Ran } | { error: string } | 'running' | null;

function isObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

function RunForm({ skill }: { skill: Skill }) {
  const tools = skill.tools ?? [];
  const [name, setName] = useState(tools[0]?.name ?? '');
  const tool = tools.find((one) => one.name === name) ?? tools[0];
  const [args, setArgs] = useState(() => (tool ? example(tool) : '{}'));
  const [outcome, setOutcome] = useState<Outcome>(null);
  const right = isObject(args);
  const run = (): void => {
    setOutcome('running');
    runTool(skill, name, JSON.parse(args)).then(
      (ran) => setOutcome({ ran }),
      (error: unknown) => setOutcome({ error: explain(error) }));
  };
  return (
    <form class="by-hand" onSubmit={(event) => {
      event.preventDefault();
      if (right) run();
    }}>
      <h3>{ts('run')}</h3>
      <label>
        <span class="label">{ts('tool')}</span>
        <select class="field" value={name} onChange={(event) => {
          const chosen = tools.find((one) => one.name === event.currentTarget.value);
          if (!chosen) return;
          setName(chosen.name);
          setArgs(example(chosen));
          setOutcome(null);
        }}>
          {tools.map((one) => <option key={one.name} value={one.name}>{one.name}</option>)}
        </select>
      </label>
      <label>
        <span class="label">{ts('args')}</span>
        <textarea class="field code-field" rows={Math.min(12, args.split('\n').length)} value={args} spellcheck={false}
          aria-invalid={!right} onInput={(event) => setArgs(event.currentTarget.value)} />
      </label>
      <div class="row">
        <button type="submit" class="primary" disabled={!right || outcome === 'running'}>{ts('start')}</button>
        <p class="label" role="status">
          {!right ? ts('argsWrong') : outcome === 'running' ? ts('running')
            : outcome && 'ran' in outcome ? ts('ran', { time: duration(outcome.ran.duration_ms), level: outcome.ran.level })
            : outcome ? ts('failed') : ''}
        </p>
      </div>
      {outcome && outcome !== 'running' && ('ran' in outcome
        ? <pre class="output" tabIndex={0}>{pretty(outcome.ran.result)}</pre>
        : <div class="notice"><Icon name="alert" /><p>{outcome.error}</p></div>)}
    </form>
  );
}

function Log({ skill }: { skill: Skill }) {
  const [text, setText] = useState<string | null>(null);
  const load = (): void => {
    logOf(skill).then(setText, (error: unknown) => setText(explain(error)));
  };
  useEffect(load, [skill.name]);
  return (
    <>
      <div class="row">
        <h3>{ts('logs')}</h3>
        <button type="button" class="text" onClick={load}>{ts('refresh')}</button>
      </div>
      {text === '' ? <p class="label">{ts('logEmpty')}</p> : <pre class="output" tabIndex={0}>{text ?? t('loading')}</pre>}
    </>
  );
}

function SkillCard({ skill, again }: { skill: Skill; again: () => void }) {
  const [open, setOpen] = useState(false);
  const [asks, setAsks] = useState<'' | 'consent' | 'remove'>('');
  const state = skill.problem ? 'broken' : skill.status;
  const done = (): void => setAsks('');
  return (
    <li class={`skill ${state}`}>
      <article aria-labelledby={`skill-${skill.name}`}>
        <header>
          <h2 id={`skill-${skill.name}`}>{skill.name} <span class="model">{skill.version}</span></h2>
          <span class={`skill-state ${state}`}>{ts(state)}</span>
        </header>
        <p>{skill.problem ? problemOf(skill) : skill.description}</p>
        <div class="row">
          {skill.status === 'enabled'
            ? <button type="button" onClick={() => void disable(skill, again)}>{ts('disable')}</button>
            : !skill.problem && (
              <button type="button" class="primary" onClick={() => (skill.granted ? void enable(skill, again) : setAsks('consent'))}>
                {ts(skill.granted ? 'enable' : 'enableNew')}
              </button>
            )}
          <button type="button" class="quiet" aria-label={`${ts('remove')}: ${skill.name}`} title={ts('remove')}
            onClick={() => setAsks('remove')}><Icon name="trash" /></button>
        </div>
        <details onToggle={(event) => setOpen(event.currentTarget.open)}>
          <summary><Icon name="chevron" />{ts('details')}</summary>
          {open && (
            <div class="skill-body">
              {!skill.problem && <Rights skill={skill} />}
              {skill.status === 'enabled' && !skill.problem && <RunForm skill={skill} />}
              <Log skill={skill} />
            </div>
          )}
        </details>
      </article>
      {asks === 'consent' && <Consent skill={skill} done={done} again={again} />}
      {asks === 'remove' && <Removal skill={skill} done={done} again={again} />}
    </li>
  );
}

function Filters() {
  return (
    <div class="filters">
      <Find name="q" label={ts('find')} />
      <Choose name="status" label={ts('state')} all={ts('any')} options={STATES.map((state) => [state, ts(state)])} />
    </div>
  );
}

export function Page() {
  const query = { q: wanted('q'), status: wanted('status') };
  const filtered = Boolean(query.q || query.status);
  const { rows, error, again, more } = usePaged<Skill>('/api/v1/skills', 'skills', query, (skill) => skill.name);
  const health = useLoaded<{ sandbox?: Sandbox }>(() => call('GET', '/health'), 'sandbox');
  if (!(rows || error) || !(health.value || health.error)) return <Loading />;
  return (
    <>
      <p class="skills-intro">{ts('intro')}</p>
      <Level now={health.value?.sandbox} />
      {approvals.value.filter((a) => a.session_id === null).map((a) => <ApprovalCard key={a.id} approval={a} />)}
      {(filtered || (rows?.length ?? 0) > FEW) && <Filters />}
      <Failed error={error} again={again} />
      {rows?.length === 0 && (filtered ? <Empty icon="skills" title={ts('nothingSo')} /> : (
        <section class="card">
          <h2>{ts('none')}</h2>
          <p class="label">{ts('noneHelp')}</p>
          <Command text="nexflow skill install DIR" />
        </section>
      ))}
      <ul class="skills">{rows?.map((skill) => <SkillCard key={`${skill.name} ${skill.hash}`} skill={skill} again={again} />)}</ul>
      {more && <button type="button" class="text older" onClick={more}>{ts('more')}</button>}
      {rows !== null && <Install again={again} />}
    </>
  );
}

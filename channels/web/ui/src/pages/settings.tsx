// The settings of the daemon, drawn from its tables; nothing here knows a single one by name, but what
// they are for is said in Russian too.
import { useMemo, useState } from 'preact/hooks';
import { ApiError, call } from '../api';
import { place, refine } from '../router';
import { language, texts } from '../settings';
import { explain } from '../store';
import { Icon } from '../view/icons';
import { russianHelp } from './settingsRussian';
import { settingsLanguages } from './settingsStrings';
import { Empty, Failed, Loading, useLoaded } from './shared';

const tc = texts<keyof typeof settingsLanguages.en>(settingsLanguages);

type Value = string | boolean | number | string[] | null;
interface Setting {
  key: string;
  type: 'text' | 'integer' | 'bool' | 'duration' | 'size' | 'choice' | 'secret' | 'texts' | 'groups';
  default: string;
  min?: string;
  max?: string;
  choices?: string[];
  help: string;
  reloadable: boolean;
  value: string | boolean | number | string[];
}
interface Config {
  path: string;
  hash: string;
  settings: Setting[];
}
type Changes = ReadonlyMap<string, Value>;

const asText = (value: Setting['value']): string => (Array.isArray(value) ? value.join('\n') : String(value));

function bounds({ min, max, type }: Setting): string {
  if (type === 'bool' || type === 'choice' || type === 'secret' || type === 'text' || type === 'texts') return '';
  if (min !== undefined && max !== undefined) return tc('bounds', { min, max });
  return min !== undefined ? tc('from', { min }) : max !== undefined ? tc('upTo', { max }) : '';
}

const helpOf = ({ key, help }: Setting): string => (language.value === 'ru' && russianHelp[key]) || help;

interface FieldProps {
  setting: Setting;
  id: string;
  changes: Changes;
  change: (key: string, value: Value | undefined) => void;
}

function Field({ setting, id, changes, change }: FieldProps) {
  const { key, type, value } = setting;
  const now = changes.has(key) ? changes.get(key) : type === 'secret' ? '' : value;
  const described = `${id}-help`;
  const set = (next: Value): void => change(key, next === value || (type === 'secret' && next === '') ? undefined : next);
  if (type === 'groups') return <p class="soft" id={id}>{tc('byHand', { n: asText(value) }, Number(value))}</p>;
  if (type === 'bool') {
    const on = now === null ? setting.default === 'true' : String(now) === 'true';
    return (
      <label class="check"><input type="checkbox" role="switch" id={id} checked={on} aria-describedby={described}
        onChange={(event) => set(String(event.currentTarget.checked) === String(value) ? value as Value : event.currentTarget.checked)} /></label>
    );
  }
  if (type === 'choice') {
    return (
      <select class="field" id={id} aria-describedby={described} value={String(now ?? setting.default)} onChange={(event) => set(event.currentTarget.value)}>
        {setting.choices?.map((choice) => <option key={choice} value={choice}>{choice}</option>)}
      </select>
    );
  }
  if (type === 'texts' || (type === 'text' && String(value).includes('\n'))) {
    return (
      <textarea class="field" id={id} rows={3} aria-describedby={described} placeholder={type === 'texts' ? tc('onePerLine') : ''} value={now === null ? setting.default : asText(now as string[])}
        onInput={(event) => {
          const text = event.currentTarget.value;
          const next = type === 'texts' ? text.split('\n').map((line) => line.trim()).filter(Boolean) : text;
          change(key, asText(next) === asText(value) ? undefined : next);
        }} />
    );
  }
  return (
    <input class="field" id={id} type={(type === 'secret' ? 'password' : 'text') as 'text'} autocomplete="off" spellcheck={false} aria-describedby={described}
      inputMode={type === 'integer' ? 'numeric' : undefined}
      placeholder={type === 'secret' ? `${tc(value ? 'isSet' : 'notSet')}. ${tc('newSecret')}` : setting.default || tc('none')}
      value={now === null ? setting.default : String(now)} onInput={(event) => set(event.currentTarget.value)} />
  );
}

function Row(props: FieldProps) {
  const { setting, changes, change } = props;
  const { key, type, value } = setting;
  const dirty = changes.has(key);
  const plain = type !== 'groups' && type !== 'secret';
  const isDefault = plain && asText(value) === setting.default;
  return (
    <div class={`setting ${dirty ? 'dirty' : ''}`}>
      <div class="setting-about">
        <label for={props.id}><span class="setting-key">{key}</span></label>
        <p class="soft" id={`${props.id}-help`}>{helpOf(setting)} {bounds(setting) && <span>({bounds(setting)})</span>}</p>
        <p class="setting-marks">
          {dirty && <span class="badge accent">{tc('changed')}</span>}
          {!setting.reloadable && type !== 'groups' && <span class="badge">{tc('needsRestart')}</span>}
          {isDefault && !dirty && <span class="badge">{tc('isDefault')}</span>}
          {plain && !isDefault && !dirty && (
            <button type="button" class="text small" onClick={() => change(key, null)}>{tc('reset', { value: setting.default || tc('none') })}</button>
          )}
        </p>
      </div>
      <div class="setting-value"><Field {...props} /></div>
    </div>
  );
}

type Outcome = { kind: 'saved'; restart: string[] } | { kind: 'conflict' } | { kind: 'failed'; why: string } | null;

function Result({ outcome, reread }: { outcome: Outcome; reread: () => void }) {
  if (!outcome) return null;
  if (outcome.kind === 'saved') {
    return <p class="result good" role="status"><Icon name="check" />{outcome.restart.length ? tc('restart', { keys: outcome.restart.join(', ') }) : tc('saved')}</p>;
  }
  return (
    <div class="notice" role="alert">
      <Icon name="alert" />
      <div>
        {outcome.kind === 'conflict' ? <><strong>{tc('conflict')}</strong><p>{tc('conflictText')}</p><button type="button" class="small" onClick={reread}>{tc('reread')}</button></>
          : <p>{tc('failed', { why: outcome.why })}</p>}
      </div>
    </div>
  );
}

export function Page() {
  const { value: config, error, again } = useLoaded<Config>(() => call('GET', '/api/v1/config'), 'config');
  const [changes, setChanges] = useState<Changes>(new Map());
  const [outcome, setOutcome] = useState<Outcome>(null);
  const [busy, setBusy] = useState(false);
  const words = place.value.query.get('q') ?? '';
  const groups = useMemo(() => {
    const found = new Map<string, Setting[]>();
    const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
    for (const setting of config?.settings ?? []) {
      const about = `${setting.key} ${helpOf(setting)}`.toLowerCase();
      if (!wanted.every((word) => about.includes(word))) continue;
      const group = setting.key.split('.')[0];
      found.set(group, [...(found.get(group) ?? []), setting]);
    }
    return [...found];
  }, [config, words]);
  if (!config) return error ? <Failed error={error} again={again} /> : <Loading />;

  const change = (key: string, value: Value | undefined): void => {
    const next = new Map(changes);
    if (value === undefined) next.delete(key);
    else next.set(key, value);
    setChanges(next);
    setOutcome(null);
  };
  const save = async (): Promise<void> => {
    setBusy(true);
    try {
      const { need_restart } = await call<{ need_restart: string[] }>('PATCH', '/api/v1/config', { hash: config.hash, set: Object.fromEntries(changes) });
      setChanges(new Map());
      setOutcome({ kind: 'saved', restart: need_restart });
      again();
    } catch (why) {
      const conflict = why instanceof ApiError && why.refusal.reason === 'config-changed';
      setOutcome(conflict ? { kind: 'conflict' } : { kind: 'failed', why: explain(why) });
    }
    setBusy(false);
  };
  return (
    <form onSubmit={(event) => {
      event.preventDefault();
      if (changes.size && !busy) void save();
    }}>
      <div class="page-head">
        <p class="soft">{tc('intro', { path: config.path })}</p>
        <label class="filter find"><Icon name="search" /><span class="offscreen">{tc('find')}</span>
          <input class="field" type="search" placeholder={tc('find')} value={words} onInput={(event) => refine({ q: event.currentTarget.value })} /></label>
      </div>
      <Result outcome={outcome} reread={() => {
        setOutcome(null);
        again();
      }} />
      {groups.length === 0 && <Empty icon="settings" title={tc('nothing')} />}
      {groups.map(([group, settings]) => (
        <section key={group} class="panel" aria-labelledby={`group-${group}`}>
          <h2 id={`group-${group}`}>{group}</h2>
          {settings.map((setting) => <Row key={setting.key} id={`s-${setting.key.replaceAll('.', '-')}`} setting={setting} changes={changes} change={change} />)}
        </section>
      ))}
      {changes.size > 0 && (
        <div class="save-bar">
          <button type="button" onClick={() => setChanges(new Map())}>{tc('discard')}</button>
          <button type="submit" class="primary" disabled={busy}>{tc('save', { n: String(changes.size) }, changes.size)}</button>
        </div>
      )}
    </form>
  );
}

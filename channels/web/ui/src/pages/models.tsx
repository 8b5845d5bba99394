// Models and who offers them: each can be asked for real, here and before it is saved.
import { useEffect, useRef, useState } from 'preact/hooks';
import { call } from '../api';
import type { Models } from '../protocol';
import { duration, number, texts } from '../settings';
import { explain, guarded, models, refreshModels } from '../store';
import { Dialog } from '../view/dialog';
import { Icon } from '../view/icons';
import { modelLanguages } from './modelsStrings';
import { Find, wanted } from './filters';
import { usePaged, type Paged } from './paged';
import { Empty, Failed, Loading, useLoaded } from './shared';

const tm = texts<keyof typeof modelLanguages.en>(modelLanguages);
const TRY_TIMEOUT_MS = 120000;
const FEW = 8; // models that need no finding
const SHOWN_MAX = 60; // models of a provider that are listed at once

type Kind = 'openai' | 'anthropic' | 'ollama' | 'custom';
interface Provider {
  name: string;
  type: Kind;
  base_url: string;
  has_key: boolean;
  models: string[];
}
interface Providers {
  hash: string;
  providers: Provider[];
}
interface Tried {
  ms: number;
  answer: string;
  models: string[];
}

const tryIt = (body: object): Promise<Tried> => call('POST', '/api/v1/providers/test', body, TRY_TIMEOUT_MS);

type Outcome = { good: boolean; text: string } | 'busy' | null;

function Said({ outcome }: { outcome: Outcome }) {
  if (!outcome) return null;
  if (outcome === 'busy') return <p class="result soft" role="status"><i class="spinner" />{tm('testing')}</p>;
  return <p class={`result ${outcome.good ? 'good' : 'bad'}`} role="status"><Icon name={outcome.good ? 'check' : 'alert'} />{outcome.text}</p>;
}

const answered = ({ answer, ms }: Tried): Outcome => ({ good: true, text: tm('answered', { answer: answer.trim(), time: duration(ms) }) });

async function outcomeOf(work: () => Promise<Outcome>, show: (outcome: Outcome) => void): Promise<boolean> {
  show('busy');
  try {
    show(await work());
    return true;
  } catch (why) {
    show({ good: false, text: explain(why) });
    return false;
  }
}

/* ---- models ---- */

type Model = Models['models'][number] & { context_tokens?: number; output_tokens?: number; broken?: boolean };

type Field = 'context_tokens' | 'output_tokens' | 'input_price' | 'output_price';
const FIELDS: readonly Field[] = ['context_tokens', 'output_tokens', 'input_price', 'output_price'];

function shownOf(model: Model, field: Field): string {
  if (field === 'input_price') return model.prices?.input ?? '';
  if (field === 'output_price') return model.prices?.output ?? '';
  return String(model[field] ?? '');
}

// What of the form is another than what is; empty goes back to the default.
function changesOf(model: Model, form: HTMLFormElement): Record<string, string | number | null> {
  const now = new FormData(form);
  const changed = FIELDS.filter((field) => String(now.get(field)).trim() !== shownOf(model, field));
  return Object.fromEntries(changed.map((field) => {
    const text = String(now.get(field)).trim().replace(',', '.');
    return [field, text === '' ? null : field.endsWith('tokens') ? Number(text) : text];
  }));
}

function Bounds({ model, hash, done }: { model: Model; hash: string; done: () => void }) {
  const [outcome, setOutcome] = useState<Outcome>(null);
  const save = async (form: HTMLFormElement): Promise<void> => {
    const changes = changesOf(model, form);
    if (!Object.keys(changes).length) return done();
    const good = await outcomeOf(async () => {
      await call('POST', '/api/v1/models', { hash, name: model.name, ...changes });
      return null;
    }, setOutcome);
    if (good) done();
  };
  return (
    <form class="stack bounds" aria-label={tm('boundsOf', { name: model.name })} onSubmit={(event) => {
      event.preventDefault();
      void save(event.currentTarget);
    }}>
      <div class="form-grid">{FIELDS.map((field) => (
        <label key={field} class="labelled"><span>{tm(field, { currency: models.value?.currency ?? '' })}</span>
          <input class="field" name={field} inputMode="decimal" defaultValue={shownOf(model, field)}
            pattern={field.endsWith('tokens') ? '[0-9]{0,9}' : '[0-9]*([.,][0-9]+)?'} /></label>))}</div>
      <Said outcome={outcome} />
      <div class="row end"><p class="soft">{tm('boundsText')}</p>
        <button type="button" onClick={done}>{tm('cancel')}</button><button type="submit" class="primary">{tm('save')}</button></div>
    </form>
  );
}

function ModelRow({ model, isDefault, setDefault, hash, again }: { model: Model; isDefault: boolean; setDefault: () => void; hash: string; again: () => void }) {
  const [outcome, setOutcome] = useState<Outcome>(null);
  const [editing, setEditing] = useState(false);
  const { input, output } = model.prices ?? {};
  return (
    <li class="model-row">
      <div class="model-main">
        <strong class="mono">{model.name}</strong>
        {isDefault && <span class="badge accent">{tm('isDefault')}</span>}
        {model.broken && <span class="badge warn">{tm('broken')}</span>}
        <span class="soft num">{model.context_tokens ? `${tm('window')} ${number(model.context_tokens, { notation: 'compact' })}` : ''}</span>
        {(input !== undefined || output !== undefined) && <span class="soft num">{tm('price')} {input ?? '?'} / {output ?? '?'} {models.value?.currency}</span>}
        <span class="model-tools">
          {!isDefault && <button type="button" class="small" onClick={setDefault}>{tm('makeDefault')}</button>}
          <button type="button" class="small" aria-expanded={editing} aria-label={tm('boundsOf', { name: model.name })} onClick={() => setEditing(!editing)}>{tm('bounds')}</button>
          <button type="button" class="small" disabled={outcome === 'busy'} aria-label={`${tm('test')}: ${model.name}`}
            onClick={() => void outcomeOf(async () => answered(await tryIt({ model: model.name })), setOutcome)}>{tm('test')}</button>
        </span>
      </div>
      <Said outcome={outcome} />
      {editing && <Bounds model={model} hash={hash} done={() => {
        setEditing(false);
        void guarded(refreshModels);
        again();
      }} />}
    </li>
  );
}

function ModelList({ list, hash, again }: { list: Paged<Model>; hash: string; again: () => void }) {
  const { rows } = list;
  const known = models.value?.models.length ?? 0;
  const both = (): void => {
    again();
    list.again();
  };
  // What the page knows of models has changed: this list shows them too.
  const shown = useRef(models.value);
  useEffect(() => {
    if (shown.current && shown.current !== models.value) list.again();
    shown.current = models.value;
  }, [models.value]);
  const setDefault = (name: string): void => void guarded(async () => {
    await call('PATCH', '/api/v1/config', { hash, set: { 'llm.default': name } });
    await refreshModels();
    again();
  });
  return (
    <section class="panel" aria-labelledby="models">
      <div class="page-head">
        <h2 id="models">{tm('models')}</h2>
        {(known > FEW || wanted('q')) && <Find name="q" label={tm('find')} />}
      </div>
      <Failed error={list.error} again={list.again} />
      {rows?.length === 0 && (known ? <p class="soft">{tm('noneSo')}</p> : <Empty icon="models" title={tm('none')}><p>{tm('noneText')}</p></Empty>)}
      <ul class="plain">{rows?.map((model) => (
        <ModelRow key={model.name} model={model} isDefault={model.name === models.value?.default} setDefault={() => setDefault(model.name)} hash={hash} again={both} />))}</ul>
      {list.more && <button type="button" class="text older" onClick={list.more}>{tm('more')}</button>}
    </section>
  );
}

/* ---- aliases ---- */

function AliasForm({ hash, old, done }: { hash: string; old?: Alias; done: () => void }) {
  const [name, setName] = useState(old?.name ?? '');
  const [chain, setChain] = useState<string[]>(old?.models ?? []);
  const [outcome, setOutcome] = useState<Outcome>(null);
  const left = (models.value?.models ?? []).map((m) => m.name).filter((m) => !chain.includes(m));
  const save = async (): Promise<void> => {
    const good = await outcomeOf(async () => {
      await call('POST', '/api/v1/aliases', { hash, name: name.trim(), models: chain });
      return null;
    }, setOutcome);
    if (!good) return;
    setName('');
    setChain([]);
    done();
  };
  return (
    <form class="stack" aria-label={old ? tm('edit', { name: old.name }) : tm('addAlias')} onSubmit={(event) => {
      event.preventDefault();
      void save();
    }}>
      <label class="labelled"><span>{tm('aliasName')}</span>
        <input class="field" value={name} maxLength={64} required pattern="[^\/]+" readOnly={Boolean(old)} onInput={(event) => setName(event.currentTarget.value)} /></label>
      <div class="labelled"><span id="chain">{tm('aliasModels')}</span>
        <ol class="chain" aria-labelledby="chain">
          {chain.map((model, i) => (
            <li key={model}><span class="mono">{model}</span>
              {i > 0 && <button type="button" class="quiet" aria-label={tm('up', { name: model })} title={tm('up', { name: model })}
                onClick={() => setChain([...chain.slice(0, i - 1), model, chain[i - 1], ...chain.slice(i + 1)])}><Icon name="send" /></button>}
              <button type="button" class="quiet" aria-label={tm('take', { name: model })} title={tm('take', { name: model })}
                onClick={() => setChain(chain.filter((m) => m !== model))}><Icon name="close" /></button></li>))}
        </ol>
        <select class="field" aria-label={tm('model')} value="" onChange={(event) => event.currentTarget.value && setChain([...chain, event.currentTarget.value])}>
          <option value="">+</option>{left.map((model) => <option key={model} value={model}>{model}</option>)}
        </select></div>
      <Said outcome={outcome} />
      <div class="row end"><button type="submit" class="primary" disabled={!chain.length || !name.trim()}>{tm('saveAlias')}</button></div>
    </form>
  );
}

type Alias = NonNullable<Models['aliases']>[number];

function Aliases({ hash, again }: { hash: string; again: () => void }) {
  const [adding, setAdding] = useState(false);
  const [editing, setEditing] = useState('');
  const all = models.value?.aliases ?? [];
  const changed = (): void => {
    setAdding(false);
    setEditing('');
    void guarded(refreshModels);
    again();
  };
  const remove = (name: string): void => void guarded(async () => {
    await call('DELETE', `/api/v1/aliases/${encodeURIComponent(name)}?hash=${hash}`);
    changed();
  });
  return (
    <section class="panel" aria-labelledby="aliases">
      <h2 id="aliases">{tm('aliases')}</h2>
      <p class="soft">{tm('aliasesText')}</p>
      {all.length === 0 && <p class="soft">{tm('noAliases')}</p>}
      <ul class="plain">{all.map((alias) => (
        <li key={alias.name} class="model-row"><div class="model-main"><strong>{alias.name}</strong>
          {alias.name === models.value?.default && <span class="badge accent">{tm('isDefault')}</span>}
          <span class="soft mono">{alias.models.join(' → ')}</span>
          <span class="model-tools"><button type="button" class="small" aria-expanded={editing === alias.name} aria-label={tm('edit', { name: alias.name })}
            onClick={() => setEditing(editing === alias.name ? '' : alias.name)}>{tm('order')}</button>
            <button type="button" class="quiet" aria-label={tm('take', { name: alias.name })} title={tm('remove')}
            onClick={() => remove(alias.name)}><Icon name="trash" /></button></span></div>
          {editing === alias.name && <AliasForm hash={hash} old={alias} done={changed} />}</li>))}</ul>
      {adding ? <AliasForm hash={hash} done={changed} /> : (models.value?.models.length ?? 0) > 0 && (
        <p><button type="button" onClick={() => setAdding(true)}><Icon name="plus" />{tm('addAlias')}</button></p>)}
    </section>
  );
}

/* ---- providers ---- */

function ProviderRow({ provider, hash, again }: { provider: Provider; hash: string; again: () => void }) {
  const [asks, setAsks] = useState(false);
  const remove = (): void => void guarded(async () => {
    await call('DELETE', `/api/v1/providers/${encodeURIComponent(provider.name)}?hash=${hash}`);
    await refreshModels();
    again();
  });
  return (
    <li class="model-row">
      <div class="model-main">
        <strong>{provider.name}</strong>
        <span class="soft">{tm(provider.type)}</span>
        {provider.base_url && <span class="soft mono">{provider.base_url}</span>}
        <span class={`badge ${provider.has_key ? 'good' : ''}`}>{tm(provider.has_key ? 'key' : 'noKey')}</span>
        <span class="model-tools"><button type="button" class="quiet" aria-label={`${tm('remove')}: ${provider.name}`} title={tm('remove')}
          onClick={() => setAsks(true)}><Icon name="trash" /></button></span>
      </div>
      {asks && (
        <Dialog title={tm('removeTitle', { name: provider.name })} done={() => setAsks(false)}>
          <p>{tm('removeText')}</p>
          <form method="dialog" class="row end"><button>{tm('cancel')}</button><button class="danger" onClick={remove}>{tm('remove')}</button></form>
        </Dialog>
      )}
    </li>
  );
}

const NAMES: Record<Kind, string> = { openai: 'openai', anthropic: 'claude', ollama: 'local', custom: 'custom' };

function Choice({ found, chosen, toggle }: { found: Tried; chosen: string[]; toggle: (model: string) => void }) {
  const [words, setWords] = useState('');
  const matching = found.models.filter((model) => model.toLowerCase().includes(words.toLowerCase()));
  return (
    <fieldset class="stack">
      <legend>{tm('found', { n: number(found.models.length), time: duration(found.ms) }, found.models.length)}</legend>
      {found.models.length > 8 && <input class="field" type="search" aria-label={tm('filterModels')} placeholder={tm('filterModels')} value={words}
        onInput={(event) => setWords(event.currentTarget.value)} />}
      <div class="choices">{matching.slice(0, SHOWN_MAX).map((model) => (
        <label key={model} class="check"><input type="checkbox" checked={chosen.includes(model)} onChange={() => toggle(model)} /><span class="mono">{model}</span></label>))}</div>
    </fieldset>
  );
}

function AddProvider({ hash, taken, again }: { hash: string; taken: string[]; again: () => void }) {
  const [kind, setKind] = useState<Kind>('openai');
  const [name, setName] = useState('');
  const [url, setUrl] = useState('');
  const [key, setKey] = useState('');
  const [found, setFound] = useState<Tried | null>(null);
  const [chosen, setChosen] = useState<string[]>([]);
  const [outcome, setOutcome] = useState<Outcome>(null);
  const body = { type: kind, base_url: url.trim(), api_key: key.trim() };
  const own = name.trim() || NAMES[kind];
  const free = taken.includes(own) ? `${own}-${taken.length + 1}` : own;
  const reset = (change: () => void): void => {
    change();
    setFound(null);
    setChosen([]);
    setOutcome(null);
  };
  const look = (): void => void outcomeOf(async () => {
    setFound(await tryIt(body));
    return null;
  }, setOutcome);
  const save = (): void => void outcomeOf(async () => {
    const tried = await tryIt({ ...body, models: chosen.slice(0, 1) });
    await call('POST', '/api/v1/providers', { ...body, hash, name: free, models: chosen });
    await refreshModels();
    again();
    setFound(null);
    setChosen([]);
    setKey('');
    return { good: true, text: `${tm('saved', { name: free })} ${(answered(tried) as { text: string }).text}` };
  }, setOutcome);
  return (
    <section class="panel" aria-labelledby="add">
      <h2 id="add">{tm('add')}</h2>
      <form class="stack" onSubmit={(event) => {
        event.preventDefault();
        if (outcome === 'busy') return;
        if (chosen.length) save();
        else look();
      }}>
        <div class="form-grid">
          <label class="labelled"><span>{tm('type')}</span>
            <select class="field" value={kind} onChange={(event) => reset(() => setKind(event.currentTarget.value as Kind))}>
              {(['openai', 'anthropic', 'ollama', 'custom'] as const).map((k) => <option key={k} value={k}>{tm(k)}</option>)}
            </select></label>
          <label class="labelled"><span>{tm('name')}</span>
            <input class="field" value={name} placeholder={free} maxLength={64} onInput={(event) => setName(event.currentTarget.value)} /></label>
          <label class="labelled"><span>{tm('address')}</span>
            <input class="field" type="url" value={url} placeholder={kind === 'custom' ? 'https://…/v1' : tm('addressHint')} required={kind === 'custom'}
              onInput={(event) => reset(() => setUrl(event.currentTarget.value))} /></label>
          <label class="labelled"><span>{tm('apiKey')}</span>
            <input class="field" type="password" autocomplete="off" value={key} placeholder={tm('keyHint')} onInput={(event) => reset(() => setKey(event.currentTarget.value))} /></label>
        </div>
        {found && <Choice found={found} chosen={chosen} toggle={(model) => setChosen(chosen.includes(model) ? chosen.filter((m) => m !== model) : [...chosen, model])} />}
        <Said outcome={outcome} />
        <div class="row end">
          <p class="soft">{tm('saveHint')}</p>
          <button type="submit" class="primary" disabled={outcome === 'busy'}>{chosen.length ? tm('save') : tm('look')}</button>
        </div>
      </form>
    </section>
  );
}

export function Page() {
  const { value: all, error, again } = useLoaded<Providers>(() => call('GET', '/api/v1/providers'), 'providers');
  const list = usePaged<Model>('/api/v1/models', 'models', { q: wanted('q') }, (model) => model.name);
  if (!all || !(list.rows || list.error)) return error ? <Failed error={error} again={again} /> : <Loading />;
  return (
    <>
      <ModelList list={list} hash={all.hash} again={again} />
      {all.providers.length > 0 && (
        <section class="panel" aria-labelledby="providers">
          <h2 id="providers">{tm('providers')}</h2>
          <ul class="plain">{all.providers.map((provider) => <ProviderRow key={provider.name} provider={provider} hash={all.hash} again={again} />)}</ul>
        </section>
      )}
      <AddProvider hash={all.hash} taken={all.providers.map((p) => p.name)} again={again} />
      <Aliases hash={all.hash} again={again} />
    </>
  );
}

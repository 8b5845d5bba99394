// Who may use this installation: requests, people, and their accounts. Plain users see themselves.
import { useEffect, useState } from 'preact/hooks';
import { call } from '../api';
import { t } from '../settings';
import { explain, me } from '../store';
import { Command } from '../view/cards';
import { Dialog } from '../view/dialog';
import { Icon } from '../view/icons';
import { Choose, Find, wanted } from './filters';
import { usePaged, type Paged } from './paged';
import {
  accountsOf, add, change, decide, fewPeople, findPeople, idOf, invite, isManager, signInLink, tp, unlink, type Account, type Few,
  type Invite, type Request, type Role, type User, type Way,
} from './peopleData';
import { Empty, Failed, Loading, useLater, useLoaded } from './shared';

const ROLES: readonly Role[] = ['owner', 'admin', 'user'];
const EVERY_MS = 5000; // who asks may come at any time
const PAUSE_MS = 200; // between the last key and the question
const FEW = 8; // people that need no finding

// Whom one may manage: see the rules of the daemon, which decides.
const mayManage = (user: User): boolean =>
  user.id !== me.value?.id && (me.value?.role === 'owner' || (me.value?.role === 'admin' && user.role === 'user'));


/* ---- who asks ---- */

// Whose account it becomes: a new person's, or that of somebody who is found by name.
function As({ few, chosen, choose }: { few: Few; chosen: User | null; choose: (user: User | null) => void }) {
  const [text, setText] = useState('');
  const asked = useLater(text.trim(), PAUSE_MS);
  const found = useLoaded<User[] | null>(() => (asked ? findPeople(asked) : Promise.resolve(null)), asked).value;
  const own = { ...me.value, status: 'active' } as User;
  const rows = [...(chosen ? [chosen] : []), ...(found ?? [own, ...few.people])]
    .filter((u, i, all) => (u.id === own.id || mayManage(u)) && all.findIndex((other) => other.id === u.id) === i);
  return (
    <>
      {few.more && (
        <label class="filter find"><Icon name="search" /><span class="offscreen">{tp('findWho')}</span>
          <input class="field" type="search" placeholder={tp('findWho')} maxLength={64} value={text} onInput={(event) => setText(event.currentTarget.value)} /></label>
      )}
      <select class="field" aria-label={tp('as')} value={chosen?.id ?? ''}
        onChange={(event) => choose(rows.find((u) => u.id === event.currentTarget.value) ?? null)}>
        <option value="">{tp('asNew')}</option>
        {rows.map((u) => <option key={u.id} value={u.id}>{tp('asUser', { name: u.name })}</option>)}
      </select>
      {asked && found?.length === 0 && <span class="soft" role="status">{tp('nobody')}</span>}
    </>
  );
}

function RequestCard({ request, few, again }: { request: Request; few: Few; again: () => void }) {
  const [user, setUser] = useState<User | null>(null);
  const id = `request-${request.code}`;
  return (
    <li class="skill">
      <article aria-labelledby={id}>
        <header>
          <h2 id={id}>{request.name} <span class="model">{request.code}</span></h2>
          {request.status === 'denied' && <span class="skill-state broken">{tp('denied')}</span>}
        </header>
        <p>{tp('wroteTo', { network: request.network, account: request.account, channel: request.channel })}</p>
        <div class="row">
          <As few={few} chosen={user} choose={setUser} />
          <button type="button" class="primary" onClick={() => {
            void decide(request, { decision: 'approve', ...(user ? { user: user.id } : {}) }, again);
          }}>{tp('letIn')}</button>
          {request.status === 'open' && (
            <button type="button" onClick={() => void decide(request, { decision: 'deny' }, again)}>{tp('deny')}</button>
          )}
        </div>
      </article>
    </li>
  );
}

function Requests({ list, again }: { list: Paged<Request>; again: () => void }) {
  const rows = list.rows ?? [];
  const few = useLoaded<Few>(fewPeople, rows.map((r) => r.code).join()).value ?? { people: [], more: false };
  if (!rows.length && !wanted('asks')) return <Failed error={list.error} again={again} />;
  return (
    <section aria-labelledby="requests-title">
      <div class="page-head">
        <div>
          <h2 id="requests-title" class="people-title">{tp('requests')}</h2>
          <p class="soft">{tp('requestsHelp')}</p>
        </div>
        <Choose name="asks" label={tp('requestState')} all={tp('any')} options={[['open', tp('open')], ['denied', tp('deniedOnes')]]} />
      </div>
      <Failed error={list.error} again={again} />
      {list.rows && !rows.length && <p class="soft">{tp('noRequests')}</p>}
      <ul class="skills">{rows.map((r) => <RequestCard key={r.code} request={r} few={few} again={again} />)}</ul>
      {list.more && <button type="button" class="text older" onClick={list.more}>{tp('moreRequests')}</button>}
    </section>
  );
}

/* ---- links ---- */

function WayIn({ way, code }: { way: Way; code: string }) {
  return (
    <section class="way">
      <h3>{way.channel} <span class="model">{way.bot_name}</span></h3>
      {way.qr_svg && (
        <img class="qr" src={`data:image/svg+xml,${encodeURIComponent(way.qr_svg)}`} alt={tp('qr', { bot: way.bot_name })}
          width="220" height="220" />
      )}
      {way.url && <Command text={way.url} />}
      <p class="label">{tp(way.brings_code ? 'openIt' : 'sendIt')}</p>
      {!way.brings_code && <Command text={code} />}
    </section>
  );
}

function LinkDialog({ user, done }: { user: User; done: () => void }) {
  const [made, setMade] = useState<Invite | string | null>(null);
  useEffect(() => void invite(user).then(setMade, (error: unknown) => setMade(explain(error))), []);
  return (
    <Dialog title={tp('linkTitle', { name: user.name })} wide done={done}>
      {made === null && <p class="loading">{t('loading')}</p>}
      {typeof made === 'string' && <div class="notice"><Icon name="alert" /><p>{made}</p></div>}
      {made && typeof made !== 'string' && (
        <>
          <p class="label">{made.ways.length ? tp('linkText', { name: user.name }) : tp('linkNone')}</p>
          {made.ways.map((way) => <WayIn key={way.channel} way={way} code={made.code} />)}
        </>
      )}
      <div class="row end"><button type="button" onClick={done}>{t('close')}</button></div>
    </Dialog>
  );
}

function BrowserDialog({ user, done }: { user: User; done: () => void }) {
  const [url, setUrl] = useState('');
  useEffect(() => void signInLink(user).then(setUrl, (error: unknown) => setUrl(explain(error))), []);
  return (
    <Dialog title={tp('browser')} wide done={done}>
      <p class="label">{tp('browserText', { name: user.name })}</p>
      {url && <Command text={url} />}
      <div class="row end"><button type="button" onClick={done}>{t('close')}</button></div>
    </Dialog>
  );
}

/* ---- a person ---- */

function Accounts({ user }: { user: User }) {
  const [list, setList] = useState<Account[] | null>(null);
  const [failed, setFailed] = useState('');
  const [asked, setAsked] = useState<Account | null>(null);
  const load = (): void => void accountsOf(user).then(setList, (error: unknown) => setFailed(explain(error)));
  useEffect(load, [user.id]);
  return (
    <>
      <h3>{tp('accounts')}</h3>
      {failed && <div class="notice"><Icon name="alert" /><p>{failed}</p></div>}
      {list?.length === 0 && <p class="label">{tp('noAccounts')}</p>}
      <ul class="plain">
        {list?.map((a) => (
          <li key={`${a.network} ${a.account}`} class="row">
            <span>{a.network} {a.account}</span>
            <button type="button" class="quiet" aria-label={`${tp('unlink')}: ${a.network} ${a.account}`} title={tp('unlink')}
              onClick={() => setAsked(a)}><Icon name="close" /></button>
          </li>
        ))}
      </ul>
      {asked && (
        <Dialog title={tp('unlinkTitle', { account: `${asked.network} ${asked.account}` })} done={() => setAsked(null)}>
          <p>{tp('unlinkText')}</p>
          <div class="row end">
            <button type="button" onClick={() => setAsked(null)}>{t('cancel')}</button>
            <button type="button" class="danger" onClick={() => {
              setAsked(null);
              unlink(user, asked).then(load, (error: unknown) => setFailed(explain(error)));
            }}>{tp('unlink')}</button>
          </div>
        </Dialog>
      )}
    </>
  );
}

function PersonCard({ user, again }: { user: User; again: () => void }) {
  const [open, setOpen] = useState(false);
  const [asks, setAsks] = useState<'' | 'link' | 'browser'>('');
  const managed = mayManage(user);
  const own = user.id === me.value?.id;
  const id = `person-${user.id}`;
  return (
    <li class="skill">
      <article aria-labelledby={id}>
        <header>
          <h2 id={id}>{user.name} {own && <span class="badge accent">{tp('you')}</span>}</h2>
          {managed && me.value?.role === 'owner'
            ? (
              <select class="field" aria-label={`${tp('role')}: ${user.name}`} value={user.role}
                onChange={(event) => void change(user, { role: event.currentTarget.value as Role }).then(again)}>
                {ROLES.map((r) => <option key={r} value={r}>{tp(r)}</option>)}
              </select>
            )
            : <span class="skill-state">{tp(user.role)}</span>}
          {user.status === 'blocked' && <span class="skill-state broken">{tp('blocked')}</span>}
        </header>
        <details open={own && !isManager()} onToggle={(event) => setOpen(event.currentTarget.open)}>
          <summary><Icon name="chevron" />{tp('details')}</summary>
          {open && (
            <div class="skill-body">
              {(own || managed) && <Accounts user={user} />}
              <div class="row">
                {(own || managed) && <button type="button" onClick={() => setAsks('link')}>{tp('link')}</button>}
                {(own || managed) && <button type="button" onClick={() => setAsks('browser')}>{tp('browser')}</button>}
                {managed && (
                  <button type="button" class={user.status === 'active' ? 'danger' : ''} onClick={() => {
                    void change(user, { status: user.status === 'active' ? 'blocked' : 'active' }).then(again);
                  }}>{tp(user.status === 'active' ? 'block' : 'unblock')}</button>
                )}
              </div>
            </div>
          )}
        </details>
      </article>
      {asks === 'link' && <LinkDialog user={user} done={() => setAsks('')} />}
      {asks === 'browser' && <BrowserDialog user={user} done={() => setAsks('')} />}
    </li>
  );
}

function AddPerson({ again }: { again: () => void }) {
  const [name, setName] = useState('');
  const [role, setRole] = useState<Role>('user');
  return (
    <form class="card add-person" onSubmit={(event) => {
      event.preventDefault();
      if (name.trim()) void add(name.trim(), role).then(() => setName('')).then(again);
    }}>
      <h2>{tp('add')}</h2>
      <label>
        <span class="label">{tp('name')}</span>
        <input class="field" value={name} maxLength={64} onInput={(event) => setName(event.currentTarget.value)} />
      </label>
      {me.value?.role === 'owner' && (
        <label>
          <span class="label">{tp('role')}</span>
          <select class="field" value={role} onChange={(event) => setRole(event.currentTarget.value as Role)}>
            {ROLES.map((r) => <option key={r} value={r}>{tp(r)}</option>)}
          </select>
        </label>
      )}
      <div class="row end"><button type="submit" class="primary" disabled={!name.trim()}>{tp('add')}</button></div>
    </form>
  );
}

function Filters() {
  return (
    <div class="filters">
      <Find name="q" label={tp('find')} />
      <Choose name="role" label={tp('role')} all={tp('any')} options={ROLES.map((role) => [role, tp(role)])} />
      <Choose name="status" label={tp('state')} all={tp('any')} options={[['active', tp('active')], ['blocked', tp('blocked')]]} />
    </div>
  );
}

function Everybody() {
  const query = { q: wanted('q'), role: wanted('role'), status: wanted('status') };
  const filtered = Boolean(query.q || query.role || query.status);
  const asking = usePaged<Request>('/api/v1/pairings', 'pairings', { status: wanted('asks') }, (request) => request.code, EVERY_MS);
  const people = usePaged<User>('/api/v1/users', 'users', query, idOf);
  const again = (): void => {
    asking.again();
    people.again();
  };
  const { rows, error, more } = people;
  if (!(rows || error) || !(asking.rows || asking.error)) return <Loading />;
  return (
    <>
      <Requests list={asking} again={again} />
      <div class="people">
        {asking.rows && asking.rows.length > 0 && <h2 class="people-title">{tp('people')}</h2>}
        {(filtered || (rows?.length ?? 0) > FEW) && <Filters />}
        <Failed error={error} again={again} />
        {rows?.length === 0 && <Empty icon="people" title={tp('nobody')} />}
        <ul class="skills">{rows?.map((user) => <PersonCard key={user.id} user={user} again={again} />)}</ul>
        {more && <button type="button" class="text older" onClick={more}>{tp('more')}</button>}
      </div>
      <AddPerson again={again} />
    </>
  );
}

function Oneself() {
  const { value, error, again } = useLoaded<User>(() => call('GET', '/api/v1/users/me'), 'me');
  if (!value) return error ? <Failed error={error} again={again} /> : <Loading />;
  return <ul class="skills"><PersonCard user={value} again={again} /></ul>;
}

export function Page() {
  if (!me.value) return <Loading />; // what one may see is not known yet
  return isManager() ? <Everybody /> : <Oneself />;
}

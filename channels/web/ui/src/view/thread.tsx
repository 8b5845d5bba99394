// The turns of a conversation: with Markdown, tools and approvals, loaded with the first of them.
//
// Turns come in groups. A group that is far from what is seen is as high as it was, and empty: so a
// thread of ten thousand messages has as many elements as a short one.
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { asked } from '../approvals';
import type { Turn } from '../conversation';
import { conversation, current, loadOlder, loadingOlder, revision, sessions, unsent } from '../store';
import { t } from '../settings';
import { ApprovalCard } from './approval';
import { TurnView, UnsentView } from './turn';
import { editing } from './ui';

const GROUP_SEQS = 40; // messages whose turns make a group: about 20 turns
const MARGIN_PX = 1200; // groups nearer than this are drawn
const KEPT_GROUPS = 2; // at the end: always drawn

interface GroupOf {
  key: number;
  turns: Turn[];
}

// By place and not by count: what is loaded before moves nothing from one group to another.
function groups(turns: Turn[]): GroupOf[] {
  const all: GroupOf[] = [];
  for (const turn of turns) {
    const key = Math.floor(turn.seq / GROUP_SEQS);
    const last = all.at(-1);
    if (last?.key === key) last.turns.push(turn);
    else all.push({ key, turns: [turn] });
  }
  return all;
}

function Group({ turns, always }: { turns: Turn[]; always: boolean }) {
  const box = useRef<HTMLDivElement>(null);
  const height = useRef(0);
  const [near, setNear] = useState(true);
  const drawn = near || always || turns.some((turn) => turn.runId === editing.value);
  useEffect(() => {
    const element = box.current;
    const root = element?.closest('.transcript');
    if (!element || !root) return;
    const observer = new IntersectionObserver(([entry]) => {
      if (!entry.isIntersecting) height.current = entry.boundingClientRect.height;
      setNear(entry.isIntersecting);
    }, { root, rootMargin: `${MARGIN_PX}px 0px` });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  useLayoutEffect(() => {
    if (box.current) box.current.style.height = drawn ? '' : `${height.current}px`;
  }, [drawn]);
  return (
    <div class="group" ref={box}>
      {drawn && turns.map((turn) => <TurnView key={turn.runId} turn={turn} version={turn.version} />)}
    </div>
  );
}

export function Thread() {
  void revision.value;
  const chat = conversation();
  const waiting = unsent.value.filter((item) => item.chat === current.value);
  const all = groups(chat?.shown() ?? []);
  return (
    <>
      {chat?.older && (
        <button type="button" class="text older" disabled={loadingOlder.value} onClick={() => void loadOlder()}>
          {loadingOlder.value ? t('loading') : t('loadOlder')}
        </button>
      )}
      {all.map((group, i) => <Group key={`${current.value} ${group.key}`} turns={group.turns} always={i >= all.length - KEPT_GROUPS} />)}
      {asked(current.value, sessions.value).map((a) => <ApprovalCard key={a.id} approval={a} />)}
      {waiting.map((item) => <UnsentView key={item.messageId} item={item} />)}
    </>
  );
}

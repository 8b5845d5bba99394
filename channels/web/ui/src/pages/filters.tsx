// What a list is asked for, as fields: their values stand in the address.
import { useEffect, useRef, useState } from 'preact/hooks';
import { place, refine } from '../router';
import { Icon } from '../view/icons';

const PAUSE_MS = 200; // between the last key and the question

export const wanted = (name: string): string => place.value.query.get(name) ?? '';

export function Find({ name, label }: { name: string; label: string }) {
  const value = wanted(name);
  const [text, setText] = useState(value);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const own = useRef(value); // the last that came from here
  useEffect(() => {
    if (value !== own.current) setText(value);
    own.current = value;
  }, [value]);
  useEffect(() => () => clearTimeout(timer.current), []);
  return (
    <label class="filter find"><Icon name="search" /><span class="offscreen">{label}</span>
      <input class="field" type="search" placeholder={label} maxLength={64} value={text} onInput={(event) => {
        const now = event.currentTarget.value;
        setText(now);
        clearTimeout(timer.current);
        timer.current = setTimeout(() => {
          own.current = now.trim();
          refine({ [name]: own.current });
        }, PAUSE_MS);
      }} /></label>
  );
}

export function Choose({ name, label, all, options }: { name: string; label: string; all: string; options: readonly (readonly [string, string])[] }) {
  return (
    <label class="filter"><span>{label}</span>
      <select class="field" value={wanted(name)} onChange={(event) => refine({ [name]: event.currentTarget.value })}>
        <option value="">{all}</option>
        {options.map(([value, text]) => <option key={value} value={value}>{text}</option>)}
      </select></label>
  );
}

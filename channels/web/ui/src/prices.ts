// What a turn cost, by the prices that the owner wrote down. Pure.
import type { Models, Usage } from './protocol';
import { number } from './settings';

const LEAST = 0.0001; // less is shown as less than this
const PER = 1000000; // prices are per million tokens

// In units of the currency; null: nobody wrote down what the model costs.
export function costIn(models: Models | null, model: string | undefined, usage: Usage | undefined): number | null {
  const prices = models?.models.find((m) => m.name === model)?.prices;
  if (!prices || !usage || (prices.input === undefined && prices.output === undefined)) return null;
  const read = (usage.input_tokens ?? 0) + (usage.cache_read_tokens ?? 0) + (usage.cache_write_tokens ?? 0);
  const cost = (read * Number(prices.input ?? 0) + (usage.output_tokens ?? 0) * Number(prices.output ?? 0)) / PER;
  return Number.isFinite(cost) ? cost : null;
}

export function money(models: Models | null, cost: number): string {
  const least = cost > 0 && cost < LEAST ? '<' : '';
  const digits = cost < 0.01 ? 4 : cost < 1 ? 3 : 2;
  return least + number(Math.max(cost, least ? LEAST : 0), { style: 'currency', currency: models?.currency || 'USD', minimumFractionDigits: digits, maximumFractionDigits: digits });
}

export function costOf(models: Models | null, model: string | undefined, usage: Usage | undefined): string | null {
  const cost = costIn(models, model, usage);
  return cost === null ? null : money(models, cost);
}
